"""The style, as golden cases: a spec, and below it what `fmt` makes of it.

The part under the mark is written by `pytest tests/fmt --update` and then read by a person.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from fmt.specs import formatted

FOLDER = Path(__file__).parents[1] / "cases" / "fmt"
MARK = "\n#### gives\n"
CASES = pytest.mark.parametrize("path", sorted(FOLDER.glob("*.eval")), ids=lambda path: path.stem)


@CASES
def test_a_spec_is_formatted_as_before(path: Path, update: bool) -> None:
    text, _, expected = path.read_text(encoding="utf-8").partition(MARK)
    found = formatted(text)
    if update:
        path.write_text(text + MARK + found, encoding="utf-8")
    else:
        assert found == expected


@CASES
def test_what_is_expected_is_itself_formatted(path: Path) -> None:
    _, _, expected = path.read_text(encoding="utf-8").partition(MARK)
    assert formatted(expected) == expected
