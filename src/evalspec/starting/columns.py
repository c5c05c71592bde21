"""What the columns of a table are good for: the label, an id, the texts that a prompt reads, subsets.

Guesses from the values alone, each of which the written spec shows and a person can change.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from enum import Enum

from evalspec.data.columns import as_text
from evalspec.data.table import RawRow, RawTable
from evalspec.language.expressions import Type
from evalspec.text.values import dataclass

MOST_LABELS = 200
MOST_VALUES = 12  # of a column that makes subsets
LEAST_ROWS = 20  # of a subset
ID_NAME = re.compile(r"(?:^|[_\W])(?:id|uuid|guid|key|nr|no|number|index)$", re.IGNORECASE)
ID_ALSO = re.compile(r"[a-z](?:Id|ID)$")
NUMBER = re.compile(r"\s*[-+−]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?(?:[eE][-+]?\d+)?\s*%?\s*")


class Kind(Enum):
    """What answers a label column holds."""

    LABELS = "labels"
    NUMBER = "numbers"
    TEXT = "texts"
    NESTED = "lists or objects"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column: its values as texts, in the order of the rows ("" where there is none)."""

    name: str
    type: Type
    values: tuple[str, ...]

    @property
    def counts(self) -> Counter[str]:
        """How often each value stands there, without the blank ones."""
        return Counter(value for value in self.values if value.strip())

    @property
    def words(self) -> float:
        """How many words a value has on average."""
        filled = [value for value in self.values if value.strip()]
        return sum(len(value.split()) for value in filled) / len(filled) if filled else 0.0


def columns_of(table: RawTable) -> Mapping[str, Column]:
    """The columns of a table by name."""
    return {
        name: Column(name=name, type=type_, values=tuple(_text(row, name) for row in table.rows))
        for name, type_ in table.columns.items()
    }


def _text(row: RawRow, name: str) -> str:
    return as_text(row.values.get(name)) or ""


def kind_of(column: Column) -> Kind:
    """What a label column holds: few values are labels, many are numbers where all are, else texts."""
    if column.type in (Type.LIST, Type.OBJECT):
        return Kind.NESTED
    found, rows = column.counts, len(column.values)
    many = len(found) > MOST_LABELS or (len(found) > LEAST_ROWS and len(found) * 2 > rows)
    if not many:
        return Kind.LABELS
    return Kind.NUMBER if all(_is_number(value) for value in found) else Kind.TEXT


def _is_number(text: str) -> bool:
    return any(char.isdigit() for char in text) and NUMBER.fullmatch(text) is not None


def likely_labels(columns: Mapping[str, Column]) -> list[str]:
    """The columns that may hold labels, the likeliest first: of few values, short, and far to the right."""
    rows = max((len(c.values) for c in columns.values()), default=0)
    order = list(columns)
    found = [
        c
        for c in columns.values()
        if c.type not in (Type.LIST, Type.OBJECT) and 2 <= len(c.counts) <= MOST_LABELS
        and len(c.counts) * 2 <= rows
    ]  # fmt: skip
    return [c.name for c in sorted(found, key=lambda c: (c.words > 4, -order.index(c.name)))]


def id_column(columns: Mapping[str, Column], *, besides: str) -> str | None:
    """The column that is called like an id and has another value in each row."""
    for column in columns.values():
        called = ID_NAME.search(column.name) or ID_ALSO.search(column.name)
        plain = column.type in (Type.TEXT, Type.NUMBER) and column.words <= 1
        if column.name != besides and called and plain and len(column.counts) == len(column.values):
            return column.name
    return None


def text_columns(columns: Mapping[str, Column], *, besides: Sequence[str]) -> list[str]:
    """The columns that a prompt should read: those of several words, else all that differ between rows."""
    label = columns[besides[0]] if besides else None
    rest = [c for c in columns.values() if c.name not in besides and c.counts and not _same(c, label)]
    long = [c.name for c in rest if c.words >= 3 and len(c.counts) > MOST_VALUES]
    varied = [c.name for c in rest if len(c.counts) > MOST_VALUES and c.type is Type.TEXT]
    return long or varied[:3] or [c.name for c in rest]


def same_as_label(columns: Mapping[str, Column], label: str) -> list[str]:
    """Columns that say in every row what the label says, so that a prompt that read them would tell it."""
    return [c.name for c in columns.values() if c.name != label and _same(c, columns[label])]


def _same(column: Column, label: Column | None) -> bool:
    """Whether a column tells the label of every row: value by value the same, under whatever spelling."""
    if label is None or column.name == label.name or len(column.counts) != len(label.counts):
        return False
    pairs = set(zip(column.values, label.values, strict=True))
    few = len(label.counts) * 2 <= len(label.values)
    return few and len(pairs) == len(label.counts)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A subset that the data suggest: one for each value of a column, or one value of it, or lengths."""

    column: str
    value: str | None = None  # None: one for each value
    longer: int | None = None  # more words than this
    shorter: int | None = None  # fewer words than this


def proposals(
    columns: Mapping[str, Column], *, texts: Sequence[str], besides: Sequence[str]
) -> list[Proposal]:
    """Subsets of at least 20 rows: by columns of few values, and by how long the main text is."""
    found: list[Proposal] = []
    for column in columns.values():
        if column.name in (*texts, *besides) or column.type not in (Type.TEXT, Type.NUMBER):
            continue
        counts = column.counts
        if not 2 <= len(counts) <= MOST_VALUES or _same(column, columns[besides[0]] if besides else None):
            continue
        if min(counts.values()) >= LEAST_ROWS and sum(counts.values()) == len(column.values):
            found.append(Proposal(column.name))
        elif column.type is Type.TEXT:
            large = [
                value for value, n in sorted(counts.items()) if n >= LEAST_ROWS and value == value.strip()
            ]
            found += [Proposal(column.name, value) for value in large[:5]]
    return found + (_by_length(columns[texts[0]]) if texts else [])


def _by_length(column: Column) -> list[Proposal]:
    lengths = sorted(len(value.split()) for value in column.values)
    if not lengths or column.type is not Type.TEXT:
        return []
    low, high = lengths[len(lengths) // 4], lengths[len(lengths) * 3 // 4]
    found = []
    if low < high and sum(n < low for n in lengths) >= LEAST_ROWS:
        found.append(Proposal(column.name, shorter=low))
    if low < high and sum(n > high for n in lengths) >= LEAST_ROWS:
        found.append(Proposal(column.name, longer=high))
    return found
