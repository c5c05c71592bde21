"""What an import tells: what was carried over and how truly, and what was not, each with its place."""

from __future__ import annotations

from enum import Enum

from evalspec.text.values import dataclass


class Exactness(Enum):
    """How truly something was carried over.

    EXACT: the same verdict for every answer that is not empty and has no blanks around it, which
    evalspec drops before it judges. NEARLY: another verdict for some answers, which `why` names.
    """

    EXACT = "exactly"
    NEARLY = "nearly"
    NONE = "no counterpart"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Something that a reader should know: where it stands, what it is, and what became of it."""

    where: str
    what: str
    why: str
    exactness: Exactness = Exactness.NONE

    def __str__(self) -> str:
        return f"{self.where}: {self.what}: {self.why}"


@dataclass(frozen=True, slots=True)
class Counts:
    """How many of the assertions written were carried over, and how."""

    exact: int
    nearly: int
    none: int

    def __str__(self) -> str:
        total = self.exact + self.nearly + self.none
        noun = "assertion" if total == 1 else "assertions"
        have = "has" if self.none == 1 else "have"
        return (
            f"{total:,} {noun}: {self.exact:,} mapped exactly, {self.nearly:,} mapped with a changed "
            f"meaning, {self.none:,} {have} no counterpart"
        )
