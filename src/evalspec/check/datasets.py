"""Dataset and subset blocks: files found and read, columns typed, rows prepared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.check.entries import Entries, Faults, read_entries
from evalspec.check.sources import read_files_of, read_header, read_table
from evalspec.check.values import (
    labels_of,
    several_of,
    whole_number,
    word_of,
)
from evalspec.check.weighting import read_weighting
from evalspec.data.inline import table_of
from evalspec.data.prepare import prepare
from evalspec.data.remembered import read_files
from evalspec.language.expressions import Expression, Scope, Type, compile_expression
from evalspec.language.program import DataFile, Dataset, Derived, Draw, InlineTable
from evalspec.syntax import tree
from evalspec.text.diagnostics import did_you_mean, errors, problem
from evalspec.text.source import Span
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evalspec.check.names import Declared
    from evalspec.data.rows import Loaded
    from evalspec.data.table import RawTable


@dataclass(frozen=True, slots=True)
class Data:
    """A dataset as far as it could be understood. `types` and `loaded` are None where it was not read."""

    dataset: Dataset
    types: Mapping[str, Type] | None
    loaded: Loaded | None

    @property
    def scope(self) -> Scope:
        return Scope(self.types, f"dataset `{self.dataset.name}`")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the rows come from: files with the names of their columns, or a table."""

    files: tuple[DataFile, ...]
    header: tuple[str, ...] | None
    table: InlineTable | None


def read_dataset(name: str, block: tree.Block, read_data: bool, faults: Faults) -> Data | None:
    """The dataset of a block, with its rows where `read_data` and they can be read."""
    entries = read_entries(block, faults)
    table, files = None, None
    if _one_source(entries, faults):
        table = read_table(entries, faults) if entries.rows else None
        files = read_files_of(entries, read_data, faults) if not entries.rows else ()
    if files is None or (entries.rows and table is None):
        return None
    header = read_header(entries, files, faults)
    raw: RawTable | None = table_of(table) if table is not None else None
    if read_data and table is None:
        raw, found = read_files(files, header)
        faults.extend(found)
    types = raw.columns if raw is not None else None
    return _prepared(name, entries, Origin(files, header, table), types, raw, faults)


def _one_source(entries: Entries, faults: Faults) -> bool:
    """Whether there is a source, or a table in the block, and not both."""
    source = entries.attributes.get("source")
    if source is not None and entries.rows:
        faults.add(
            "E0606", source.key.at, "a dataset has `source` or a table, not both", "remove one of them"
        )
        return False
    if source is None and not entries.rows and "source" not in entries.spoiled:
        way_out = 'write `source = file("data.csv")`, or a table: `| body | label |`'
        faults.add("E0406", entries.block.header, "`dataset` needs `source`", way_out)
    for name in ("header", "format") if entries.rows else ():
        if name in entries.attributes:
            at = entries.attributes[name].key.at
            faults.add("E0409", at, f"`{name}` is for files, and this dataset is a table", "remove it")
    return True


def _prepared(
    name: str,
    entries: Entries,
    origin: Origin,
    types: Mapping[str, Type] | None,
    raw: RawTable | None,
    faults: Faults,
) -> Data:
    optional = _optional(entries, faults)
    if types is not None:
        types = {**types, **{column: Type.TEXT for column in optional if column not in types}}
    derived, types = _derived(name, entries, types, faults)
    scope = Scope(types, f"dataset `{name}`")
    label, labels, labels_at = _label(entries, scope, faults)
    weighting = read_weighting(entries, lambda word: known_column(word, scope, faults), faults)
    dataset = Dataset(
        name=name,
        at=entries.block.header,
        files=origin.files,
        header=origin.header,
        table=origin.table,
        draw=_draw(entries, scope, faults),
        id=_column(entries, "id", scope, faults),
        label=label,
        labels=labels,
        labels_at=labels_at,
        derive=derived,
        where=_condition(entries, scope, faults),
        optional=optional,
        mix=weighting.mix,
        weight=weighting.weight,
        cluster=weighting.cluster,
        private=weighting.private,
    )
    loaded: Loaded | None = None
    if raw is not None and _understood(entries, faults):
        loaded, found = prepare(dataset, raw)
        faults.extend(found)
    return Data(dataset, types, loaded)


def _understood(entries: Entries, faults: Faults) -> bool:
    """Whether nothing is wrong inside this block, so that preparing its rows would not repeat it."""
    if entries.broken or any(isinstance(e, tree.Broken) for b in entries.blocks for e in b.entries):
        return False
    at = entries.block.at
    inside = [d for d in errors(faults.found) if isinstance(d.at, Span) and d.at.source is at.source]
    return not any(at.start <= d.at.start <= at.end for d in inside if isinstance(d.at, Span))


def _optional(entries: Entries, faults: Faults) -> tuple[str, ...]:
    value = entries.value("optional")
    words = several_of(value, "a column", faults) if value is not None else None
    return tuple(w.text for w in words or ())


def _derived(
    name: str, entries: Entries, types: Mapping[str, Type] | None, faults: Faults
) -> tuple[tuple[Derived, ...], Mapping[str, Type] | None]:
    """The computed columns in order; each may read those before it."""
    block = entries.nested("derive")
    derived: list[Derived] = []
    known = dict(types) if types is not None else None
    for entry in read_entries(block, faults).attributes.values() if block is not None else ():
        if known is not None and entry.key.text in known:
            faults.add(
                "E0205", entry.key.at, f"there is a column `{entry.key.text}` already", "choose another name"
            )
            continue
        expression, found = compile_expression(entry.value, Scope(known, f"dataset `{name}`"))
        faults.extend(found)
        derived.append(Derived(name=entry.key.text, expression=expression, at=entry.key.at))
        if known is not None:
            known[entry.key.text] = expression.type
    return tuple(derived), known


def _draw(entries: Entries, scope: Scope, faults: Faults) -> Draw | None:
    """How rows are drawn."""
    value, seed = entries.value("sample"), entries.value("seed")
    n = whole_number(value, "`sample`", faults) if value is not None else None
    chosen = whole_number(seed, "`seed`", faults, least=0) if seed is not None else 0
    by = _column(entries, "by", scope, faults)
    if value is None and "sample" not in entries.spoiled:
        for name in ("by", "seed"):
            if name in entries.attributes:
                at = entries.attributes[name].key.at
                faults.add(
                    "E0409", at, f"`{name}` is for drawing, and nothing is drawn", "write `sample = 300`"
                )
    return Draw(n=n, by=by, seed=chosen) if n is not None and chosen is not None else None


def known_column(word: tree.Word, scope: Scope, faults: Faults) -> str | None:
    """A column's name, where the dataset has it."""
    if scope.columns is not None and word.text not in scope.columns:
        help_line, fixes = did_you_mean(word.text, scope.columns, at=word.at)
        faults.found.append(
            problem("E0203", word.at, f"{scope.where} has no column `{word.text}`", help_line, fixes=fixes)
        )
        return None
    return word.text


def _column(entries: Entries, name: str, scope: Scope, faults: Faults) -> str | None:
    value = entries.value(name)
    word = word_of(value, f"`{name}`", faults) if value is not None else None
    return known_column(word, scope, faults) if word is not None else None


def _label(
    entries: Entries, scope: Scope, faults: Faults
) -> tuple[str | None, tuple[str, ...] | None, Span | None]:
    """`label = COLUMN` or `label = COLUMN in [a, b]`."""
    value = entries.value("label")
    if value is None:
        return None, None, None
    column, listed = value, None
    if isinstance(value, tree.Binary) and value.operator is tree.Operator.IN:
        column, listed = value.left, value.right
    word = word_of(column, "`label`", faults)
    name = known_column(word, scope, faults) if word is not None else None
    if listed is None:
        return name, None, None
    return name, labels_of(listed, faults), listed.at


def _condition(entries: Entries, scope: Scope, faults: Faults) -> Expression | None:
    value = entries.value("where")
    return condition(value, scope, faults) if value is not None else None


def condition(node: tree.Expr, scope: Scope, faults: Faults) -> Expression | None:
    """A condition over the columns; None after saying what is wrong with it."""
    expression, found = compile_expression(node, scope)
    faults.extend(found)
    if found:
        return None
    if expression.type not in (Type.BOOL, Type.UNKNOWN):
        faults.add("E0302", node.at, f"`where` takes a condition, and this is a {expression.type}",
                   "compare it with something: `… == …`")  # fmt: skip
        return None
    return expression


def named_dataset(
    word: tree.Word, declared: Declared, data: Mapping[str, Data], faults: Faults
) -> Data | None:
    """The dataset that a word names; silent about one whose block is broken, which was told already."""
    if word.text in data:
        return data[word.text]
    if word.text not in declared.names["dataset"]:
        help_line, fixes = did_you_mean(word.text, declared.names["dataset"], at=word.at)
        faults.found.append(
            problem("E0201", word.at, f"there is no dataset `{word.text}`", help_line, fixes=fixes)
        )
    return None
