"""The formatter's check of itself: a text that would damage the spec is refused, and the place is named."""

from __future__ import annotations

import pytest

from evalspec.syntax.format import format_source
from evalspec.syntax.format_check import fault_of, unstable
from evalspec.syntax.parse import parse
from evalspec.text.catalogue import CATALOGUE
from fmt.specs import source_of

SPEC = """\
# which one
dataset d {
  source = file("a.csv", "b.csv")  # both
  where = a > 1 and b
}
costs c {
  | a | -1 |
}
"""
DAMAGE = {
    "a value is another": ("a > 1", "a > 2", 4),
    "an operator is another": ("and", "or", 4),
    "an argument is lost": (', "b.csv"', "", 3),
    "an entry is lost": ("  where = a > 1 and b\n", "", 2),
    "a string is another": ('"a.csv"', 'r"a.csv"', 3),
    "a cell is another": ("-1", "1", 7),
    "a name is another": ("dataset d", "dataset e", 2),
    "a block is more": ("costs c", "costs d {}\ncosts c", 1),
    "a comment is lost": ("  # both", "", 3),
    "a comment is another": ("# which one", "# which", 1),
    "a comment is more": ("costs", "# more\ncosts", 1),
    "it does not parse": ("where =", "where", 1),
}


@pytest.mark.parametrize(("old", "new", "line"), DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_is_refused(old: str, new: str, line: int) -> None:
    assert SPEC.count(old) == 1
    file, _ = parse(source_of(SPEC))
    fault = fault_of(file, SPEC.replace(old, new))
    assert fault is not None
    assert fault.code == "E0120"
    assert fault.at.begin[0] == line
    assert fault.at.file == "a.eval"
    assert any("nothing was changed" in line and "report" in line for line in fault.help)


def test_other_blanks_and_last_commas_are_no_damage() -> None:
    file, _ = parse(source_of(SPEC))
    changed = SPEC.replace('file("a.csv", "b.csv")', 'file(\n"a.csv",\n"b.csv",\n)').replace("| a |", "|a|")
    assert fault_of(file, changed) is None


def test_a_text_that_comes_out_otherwise_the_second_time_is_refused() -> None:
    file, _ = parse(source_of(SPEC))
    assert unstable(file, SPEC, SPEC) is None
    fault = unstable(file, SPEC, SPEC.replace("  where", " where"))
    assert fault is not None
    assert fault.code == "E0120"
    assert "line 4" in fault.message


def test_a_spec_that_would_be_too_large_is_left_as_it_is() -> None:
    text = "x = [" + "a," * 100_000 + "]\n"
    found, faults = format_source(source_of(text))
    assert found == text
    assert [fault.code for fault in faults] == ["E0121"]
    assert {"E0120", "E0121"} <= set(CATALOGUE)


def test_a_spec_that_does_not_parse_is_left_as_it_is() -> None:
    text = "a  =  1\nb  =\n"
    found, faults = format_source(source_of(text))
    assert found == text
    assert [(fault.code, fault.at.begin) for fault in faults] == [("E0111", (2, 4))]
