"""The rows of a dataset, once read: the values that plan, run and score look at."""

from __future__ import annotations

from collections.abc import Mapping

from evalspec.language.expressions import Type
from evalspec.text.values import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One example: its id, its columns (derived ones included) and where it stands."""

    id: str
    values: Mapping[str, object]
    file: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A dataset that was read: its columns with their types, its rows, and the digest of its files."""

    dataset: str
    types: Mapping[str, Type]
    rows: tuple[Row, ...]
    sha256: str
