"""Groups of subsets: the examples in all of some subsets, or in any of them."""

from __future__ import annotations

import math
from itertools import product
from typing import TYPE_CHECKING

from evalspec.check.values import items_of, shown, word_of
from evalspec.language.expressions import Expression, Type, holds
from evalspec.language.program import Subset
from evalspec.syntax import tree
from evalspec.text.diagnostics import Label, did_you_mean, problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from evalspec.check.datasets import Data
    from evalspec.check.entries import Entries, Faults
    from evalspec.text.source import Span

    # The subsets of a name: one, or the values of a `by` subset; None for one that was told to be wrong.
    Finder = Callable[[tree.Word], Sequence[Subset] | None]

MOST = 1000
GROUPS = ("all_of", "any_of")


def read_group(name: str, entries: Entries, data: Data, find: Finder, faults: Faults) -> Subset | None:
    """The group that a subset block says, of subsets that `find` knows."""
    key = next(k for k in GROUPS if k in entries.attributes)
    attribute = entries.attributes[key]
    way_out = f"write `{key} = [SUBSET, …]`"
    before = len(faults.found)
    sides = [_alternatives(item, data, find, faults) for item in items_of(attribute.value, way_out, faults)]
    macro = _is_macro(entries, faults)
    known = [side for side in sides if side]
    if len(known) < len(sides) or not known or len(faults.found) > before:
        return None
    if _twice(attribute.value, known, faults):
        return None
    if key == "any_of":
        members = tuple(subset for side in known for subset in side)
        where = _any(members, attribute.value)
    else:
        where = _all([_any(side, attribute.value) for side in known], attribute.value)
        members = _intersections(attribute.value, known, data, faults) if macro else ()
    at = entries.block.name.at if entries.block.name is not None else entries.block.header
    return Subset(name=name, dataset=data.dataset.name, where=where, at=at, members=members, macro=macro)


def _is_macro(entries: Entries, faults: Faults) -> bool:
    value = entries.value("average")
    word = word_of(value, "`average`", faults) if value is not None else None
    if word is not None and word.text not in ("micro", "macro"):
        faults.add("E0305", word.at, f"there is no average `{word.text}`",
                   "write `micro` (over the examples) or `macro` (over the subsets)")  # fmt: skip
    return word is not None and word.text == "macro"


def _alternatives(item: tree.Expr, data: Data, find: Finder, faults: Faults) -> Sequence[Subset]:
    """The subsets that an item of a group stands for; none after saying what is wrong."""
    match item:
        case tree.Index(value=tree.Name() as family, index=tree.Text() as member):
            return _value(family, member, data, find, faults)
        case tree.Name() | tree.Text():
            found = find(tree.Word(item.text, item.at))
            return _of_the_same(item.at, found or (), data, faults)
    faults.add("E0305", item.at, f"a subset is due, and this is `{shown(item)}`",
               'write its name, or `SUBSET["value"]`')  # fmt: skip
    return ()


def _value(
    family: tree.Name, member: tree.Text, data: Data, find: Finder, faults: Faults
) -> Sequence[Subset]:
    every = find(tree.Word(family.text, family.at))
    if not every:
        return ()
    chosen = [s for s in every if s.name == f"{family.text}={member.text}"]
    if not chosen:
        values = [s.name.removeprefix(f"{family.text}=") for s in every if s.family is not None]
        if not values:
            faults.add("E0204", family.at, f"subset `{family.text}` has no values", "write its name alone")
        else:
            help_line = did_you_mean(member.text, values)[0]
            said = f"subset `{family.text}` has no value `{member.text}`"
            faults.add("E0204", member.at, said, help_line)
    return _of_the_same(family.at, chosen, data, faults)


def _of_the_same(at: Span, found: Sequence[Subset], data: Data, faults: Faults) -> Sequence[Subset]:
    """The subsets, where they are of the group's own dataset."""
    astray = next((s for s in found if s.dataset != data.dataset.name), None)
    if astray is None:
        return found
    said = f"subset `{astray.name}` is of `{astray.dataset}`, and this group of `{data.dataset.name}`"
    declared = Label(at=astray.at, message="declared here")
    faults.found.append(problem("E0322", at, said, "a group holds subsets of one dataset", labels=[declared]))
    return ()


def _twice(value: tree.Expr, sides: Sequence[Sequence[Subset]], faults: Faults) -> bool:
    items = value.items if isinstance(value, tree.Sequence) else (value,)
    seen: dict[str, tree.Expr] = {}
    for item, side in zip(items, sides, strict=True):
        for subset in side:
            if subset.name in seen:
                first = Label(at=seen[subset.name].at, message="first named here")
                said = f"`{subset.name}` is named twice"
                faults.add("E0404", item.at, said, "remove one", labels=[first])
                return True
            seen[subset.name] = item
    return False


def _any(subsets: Sequence[Subset], at: tree.Expr) -> Expression:
    columns = frozenset[str]().union(*(s.where.columns for s in subsets))
    conditions = tuple(s.where for s in subsets)
    return Expression(at.at, Type.BOOL, columns, lambda row: any(holds(c, row) for c in conditions))


def _all(conditions: Sequence[Expression], at: tree.Expr) -> Expression:
    columns = frozenset[str]().union(*(c.columns for c in conditions))
    every = tuple(conditions)
    return Expression(at.at, Type.BOOL, columns, lambda row: all(holds(c, row) for c in every))


def _intersections(
    at: tree.Expr, sides: Sequence[Sequence[Subset]], data: Data, faults: Faults
) -> tuple[Subset, ...]:
    """The subsets that a macro average of `all_of` goes over: one for each choice of values, if not empty."""
    if math.prod(len(side) for side in sides) > MOST:
        faults.add("E0614", at.at, "these subsets cross in more than 1,000 ways", "name fewer values")
        return ()
    rows: Sequence[Mapping[str, object]] = [r.values for r in data.loaded.rows] if data.loaded else ()
    members = [
        Subset(
            name=" and ".join(s.name for s in choice),
            dataset=data.dataset.name,
            where=_all([s.where for s in choice], at),
            at=choice[0].at,
        )
        for choice in product(*sides)
    ]
    return tuple(m for m in members if not rows or any(holds(m.where, row) for row in rows))
