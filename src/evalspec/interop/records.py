"""The cases as rows of a data file: variables, what an answer should be, and which task judges which row."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from evalspec.interop.cases import Case
from evalspec.interop.grouping import Group
from evalspec.interop.spelling import name_from
from evalspec.text.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The rows, and what the columns are called that are no variables.

    `golds` names the column of each group's gold; it is null where a row does not belong to the group.
    `whole` are the groups that every row belongs to.
    """

    rows: tuple[Mapping[str, Any], ...]
    id: str
    golds: Sequence[str]
    whole: frozenset[int]
    prefix: str | None
    suffix: str | None

    def jsonl(self) -> bytes:
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in self.rows).encode()


def table_of(
    cases: Sequence[Case],
    variables: Sequence[Mapping[str, Any]],
    groups: Sequence[Group],
    read: frozenset[str],
    printed: frozenset[str],
) -> Table:
    """The rows. Variables that prompts `read` and a test does not set are empty; conditions that are only
    `printed` become the words that JavaScript prints."""
    taken = {name.casefold() for case in variables for name in case} | {name.casefold() for name in read}
    own = _Columns(taken)
    id_, description = own.new("test"), own.new("description")
    golds = [own.new(f"expected_{group.title}") for group in groups]
    prefix = own.new("prompt_prefix") if any(case.prefix for case in cases) else None
    suffix = own.new("prompt_suffix") if any(case.suffix for case in cases) else None
    described = any(case.description for case in cases)
    metadata = {name: own.new(name) for name in dict.fromkeys(key for case in cases for key in case.metadata)}
    every = list(dict.fromkeys([*(name for case in variables for name in case), *sorted(read)]))
    width = len(str(len(cases)))
    rows = []
    for number, case in enumerate(cases):
        row: dict[str, Any] = {id_: f"t{number + 1:0{width}}"}
        if described:
            row[description] = case.description
        for name in every:
            row[name] = _fitted(variables[number].get(name), printed=name in printed)
        row |= {column: case.metadata.get(name) for name, column in metadata.items()}
        row |= {column: text for column, text in ((prefix, case.prefix), (suffix, case.suffix)) if column}
        row |= {column: _gold(number, group) for column, group in zip(golds, groups, strict=True)}
        rows.append(row)
    whole = frozenset(i for i, group in enumerate(groups) if len(group.golds) == len(cases))
    return Table(rows=tuple(rows), id=id_, golds=golds, whole=whole, prefix=prefix, suffix=suffix)


class _Columns:
    """Names for columns of our own, apart from those of variables."""

    def __init__(self, taken: set[str]) -> None:
        self.taken = taken

    def new(self, wanted: str) -> str:
        name = name_from(wanted, self.taken, otherwise="column")
        self.taken.add(name)
        return name


def _gold(number: int, group: Group) -> Any:
    """What an answer should be, as a list where any of several is right; null where nothing is asserted."""
    value = group.golds.get(number)
    several = any(isinstance(item, tuple) for item in group.golds.values())
    if value is None or not several:
        return value
    return [value] if isinstance(value, str) else list(value)


def _fitted(value: Any, *, printed: bool) -> Any:
    """A variable as a cell: null is empty, whole numbers are whole, printed conditions are words."""
    match value:
        case None:
            return ""
        case bool():
            return ("true" if value else "false") if printed else value
        case float() if value.is_integer() and abs(value) < 2**53:
            return int(value)
        case _:
            return value


def only_printed(templates: Sequence[str], names: frozenset[str]) -> frozenset[str]:
    """Those names that no tag but `{{ … }}` mentions: nothing decides by their value."""
    tags = " ".join(
        tag for text in templates for tag in re.findall(r"\{%.*?%\}|\{\{[^}]*\bif\b.*?\}\}", text, re.DOTALL)
    )
    return frozenset(name for name in names if not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", tags))
