"""The table that data files say, before the spec gives its columns a meaning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.language.expressions import Type


@dataclass(frozen=True, slots=True)
class RawRow:
    """One record: its cells by column, the file as the spec writes it, and its first line (from 1)."""

    values: Mapping[str, object]
    file: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RawTable:
    """Every file of a dataset as one table. `sha256` is over the files' bytes as they lie on disk, in order.

    Every row has every column, None where it says nothing. A column of nulls only has type UNKNOWN.
    """

    columns: Mapping[str, Type]
    rows: tuple[RawRow, ...]
    sha256: str


@dataclass(frozen=True, slots=True)
class WrittenNumber:
    """A number that Python would write differently (`1.50`), kept until its column's type is known."""

    value: float
    text: str


@dataclass(slots=True)
class Part:
    """What one file gave: the Python types that each column holds, in order of appearance, and the rows."""

    kinds: dict[str, set[type]]
    rows: list[RawRow]
