"""Few-shot examples: whose rows they are, how many, and that none of them is scored as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from evalspec.check.datasets import Data, known_column, named_dataset
from evalspec.check.values import call_of, shown, unexpected_arguments, whole_number, word_of
from evalspec.data.draw import draw_shots, folded, group_of
from evalspec.data.faults import shown as quoted
from evalspec.data.told import place_of, where
from evalspec.language.program import Shots
from evalspec.language.shapes import ANYTHING, Items, Record, Shape, shape_of_type
from evalspec.text.diagnostics import Label, did_you_mean, problem
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.check.entries import Entries, Faults
    from evalspec.check.names import Declared
    from evalspec.data.rows import Row
    from evalspec.language.expressions import Type
    from evalspec.syntax import tree

MOST = 1_000
NAMES = ("first", "random")
SHOWN = 3


@dataclass(frozen=True, slots=True)
class ShotsRead:
    """Few-shot examples as they are drawn, the dataset they come from, and where they are asked for."""

    shots: Shots
    pool: Data
    value: tree.Expr

    @property
    def shape(self) -> Shape:
        """What a template finds in `shots`."""
        types = self.pool.types or {}
        members: dict[str, Shape] = {name: shape_of_type(kind) for name, kind in types.items()}
        label = self.pool.dataset.label
        if label is not None:
            members.setdefault("label", members.get(label, ANYTHING))
        return Items(Record(members, "a shot"))


def read_shots(
    entries: Entries, data: Data, declared: Declared, known: Mapping[str, Data], faults: Faults
) -> ShotsRead | None:
    """The few-shot examples of a step; None where there are none, or after saying what is wrong."""
    value = entries.value("shots")
    if value is None:
        return None
    call = call_of(value)
    if call is None or call[0] not in NAMES:
        help_line = did_you_mean(call[0], NAMES)[0] if call is not None else ""
        message = f"`shots` is `first` or `random`, and this is `{shown(value)}`"
        written = "write `first(5, of = DATASET)` or `random(5, of = DATASET, seed = 7)`"
        faults.add("E0305", value.at, message, help_line, written)
        return None
    name, arguments, named = call
    legal = ("of", "by", "seed") if name == "random" else ("of", "by")
    unexpected_arguments(value.at, name, arguments[1:], named, legal, faults)
    n = _count(value, name, arguments, faults)
    pool = _pool(value, name, named.get("of"), declared, known, faults)
    by = named.get("by")
    column = _group(by.value, data, pool, faults) if by is not None and pool is not None else None
    seed = named.get("seed")
    chance = whole_number(seed.value, "`seed`", faults, least=0) if seed is not None else 0
    if n is None or pool is None or chance is None or (by is not None and column is None):
        return None
    shots = Shots(random=name == "random", n=n, of=pool.dataset.name, by=column, seed=chance)
    return ShotsRead(shots, pool, value)


def _count(value: tree.Expr, name: str, arguments: tuple[tree.Expr, ...], faults: Faults) -> int | None:
    if not arguments:
        faults.add("E0306", value.at, f"`{name}` needs how many shots there are",
                   f"write `{name}(5, of = DATASET)`")  # fmt: skip
        return None
    n = whole_number(arguments[0], "the number of shots", faults)
    if n is not None and n > MOST:
        faults.add("E0305", arguments[0].at, f"there are at most {MOST:,} shots", f"write `{name}(5, …)`")
        return None
    return n


def _pool(
    value: tree.Expr,
    name: str,
    of: tree.Named | None,
    declared: Declared,
    known: Mapping[str, Data],
    faults: Faults,
) -> Data | None:
    if of is None:
        faults.add("E0306", value.at, f"`{name}` needs the dataset that the shots come from",
                   "write `of = DATASET`")  # fmt: skip
        return None
    word = word_of(of.value, "`of`", faults)
    return named_dataset(word, declared, known, faults) if word is not None else None


def _group(by: tree.Expr, data: Data, pool: Data, faults: Faults) -> str | None:
    """The column in which a shot equals its example: both datasets have it, with one type."""
    word = word_of(by, "`by`", faults)
    column = known_column(word, data.scope, faults) if word is not None else None
    if word is None or column is None or known_column(word, pool.scope, faults) is None:
        return None
    here, there = _type(data, column), _type(pool, column)
    if here is not None and there is not None and here is not there:
        message = f"`{column}` is a {here} in `{data.dataset.name}` and a {there} in `{pool.dataset.name}`"
        faults.add("E0302", by.at, message, "`derive` makes a column of the same type")
        return None
    return column


def _type(data: Data, column: str) -> Type | None:
    return data.types.get(column) if data.types is not None else None


# ── what is drawn ─────────────────────────────────────────────────────────────────────────────────


def check_drawn(read: ShotsRead, data: Data, columns: frozenset[str], faults: Faults) -> None:
    """Says that shots are scored rows, or that some groups have too few. `columns`: what prompts read."""
    if data.loaded is None or read.pool.loaded is None:
        return
    drawn = draw_shots(read.shots, read.pool.loaded.rows, read.pool.dataset.label)
    wanted = dict.fromkeys(group_of(row.values, read.shots.by) for row in data.loaded.rows)
    groups = {name: drawn.groups.get(name, ()) for name in wanted}
    common = tuple(sorted(columns & set(read.pool.types or ())))
    if common:
        _not_scored(read, groups, data.loaded.rows, common, faults)
    _enough(read, groups, data.loaded.rows, faults)


def _not_scored(
    read: ShotsRead,
    groups: Mapping[str, Sequence[Row]],
    scored: Sequence[Row],
    columns: tuple[str, ...],
    faults: Faults,
) -> None:
    """A prompt that shows a scored row with its answer tells the answer."""
    shots = {row.id: row for rows in groups.values() for row in rows}
    by_content: dict[tuple[str, ...], Row] = {}
    for row in shots.values():
        by_content.setdefault(folded(columns, row.values), row)
    met = [(row, by_content[text]) for row in scored if (text := folded(columns, row.values)) in by_content]
    if not met:
        return
    count = len({shot.id for _, shot in met})
    said = (
        f"{count} of these shots are scored rows too"
        if count > 1
        else "one of these shots is a scored row too"
    )
    labels = [
        Label(at=place_of(row), message=f"scored here, and shown from {where(shot, row)}")
        for row, shot in met[:SHOWN]
    ]
    same = all(row is shot for row, shot in met)
    way_out = "draw them from a dataset of its own" if same else "take them out of one of the two datasets"
    faults.add("E0516", read.value.at, said, way_out, labels=labels)


def _enough(
    read: ShotsRead, groups: Mapping[str, Sequence[Row]], scored: Sequence[Row], faults: Faults
) -> None:
    few = {name: len(rows) for name, rows in groups.items() if len(rows) < read.shots.n}
    if not few:
        return
    n, name = read.shots.n, next(iter(few))
    found = f"{few[name]} row{'s' if few[name] != 1 else ''}"
    where_from = f"`{read.pool.dataset.name}` has {found}"
    if read.shots.by is not None:
        example = next(row for row in scored if group_of(row.values, read.shots.by) == name)
        where_from += f" with {read.shots.by} {quoted(str(example.values.get(read.shots.by)))}"
    more = f" ({len(few) - 1} more groups have too few)" if len(few) > 1 else ""
    faults.found.append(
        problem(
            "W0517", read.value.at, f"{where_from} for {n} shots{more}", "those that there are will be shown"
        )
    )
