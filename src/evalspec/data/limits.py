"""How much a data file may hold: the bounds that keep reading quick and memory in check, whatever comes."""

from __future__ import annotations

from evalspec.text.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The bounds of one dataset. Texts are counted in code points, records and files in bytes, unpacked.

    `record` bounds what is held while a record (or line) is read, `text` and `lines` what a small
    compressed file may unpack to, `rows` and `cells` what a table may grow to in memory; a file
    with more than `all_faults` is not read on.
    """

    cell: int = 2**20
    record: int = 64 * 2**20
    text: int = 2 * 2**30
    lines: int = 10_000_000
    rows: int = 2_000_000
    cells: int = 50_000_000
    columns: int = 10_000
    depth: int = 200
    faults: int = 20  # told one by one for each file
    all_faults: int = 10_000  # after which a file is given up


LIMITS = Limits()


def in_words(size: int) -> str:
    """A size as a person reads it: `64 MB`."""
    for unit, factor in (("GB", 2**30), ("MB", 2**20), ("kB", 2**10)):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size} bytes"
