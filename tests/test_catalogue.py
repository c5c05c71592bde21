"""Every code that the source can say stands in the catalogue, and nothing else does."""

from __future__ import annotations

import re
from pathlib import Path

from evalspec.text.catalogue import CATALOGUE

SOURCE = Path(__file__).parents[1] / "src" / "evalspec"


def codes_in_the_source() -> set[str]:
    texts = (p.read_text(encoding="utf-8") for p in SOURCE.rglob("*.py") if p.name != "catalogue.py")
    return {code for text in texts for code in re.findall(r'"([EWN]0\d{3})"', text)}


def test_every_code_is_in_the_catalogue_and_every_entry_is_said_somewhere() -> None:
    assert codes_in_the_source() == set(CATALOGUE)


def test_meanings_are_told_apart() -> None:
    assert len(set(CATALOGUE.values())) == len(CATALOGUE)
