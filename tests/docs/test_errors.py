"""Every code has a page, and both of its examples are checked: one says the code, the other is clean."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs.pages import SPEC, Example, every_code, read_page
from evalspec.pipeline import check_file
from evalspec.report.pages import folder, index, missing, title
from evalspec.text.catalogue import CATALOGUE

SOURCE = Path(__file__).parents[2] / "src"

# Codes whose example cannot say them alone, and what `check` says of it.
OTHERS: dict[str, set[str]] = {
    "N0454": {"N0454", "N0701", "W0207"},  # a model that is scored and never asked is unused
    "E0499": set(),  # all of the schema is built; tests/check/test_not_built.py takes something out
    "E0120": set(),  # a fault of ours: no spec is known that shows it; tests/fmt sees what it says
    "E0644": {"E0631", "E0644"},  # counts other faults
    "E0651": {"E0203"},  # `check` is faster; tests/data/test_prepare.py sees the code itself
}

ALL = pytest.mark.parametrize("code", every_code())


def said(example: Example, at: Path) -> set[str]:
    """The codes of what is said about an example; notes only where they are what it is about."""
    return {d.code for d in check_file(example.write(at)).diagnostics}


def told(example: Example, at: Path) -> set[str]:
    """The codes on standard error of another command, as `run plan.json`."""
    example.write(at)
    done = subprocess.run(
        [sys.executable, "-m", "evalspec", *example.command.split()],
        cwd=at, env={**os.environ, "PYTHONPATH": str(SOURCE)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return set(re.findall(r"^[a-z]+\[([EWN]0\d{3})\]: ", done.stderr, re.MULTILINE))


def without_notes(codes: set[str]) -> set[str]:
    return {code for code in codes if not code.startswith("N")}


def test_every_code_of_the_catalogue_has_a_page() -> None:
    assert missing() == ()


def test_no_page_is_about_a_code_that_is_gone() -> None:
    assert {path.stem for path in folder().glob("*.md")} - {"README"} - set(CATALOGUE) == set()


def test_the_index_is_fresh() -> None:
    """`python -m evalspec.report.pages` renews it."""
    assert (folder() / "README.md").read_text(encoding="utf-8") == index()


@ALL
def test_a_page_is_titled_as_the_catalogue_says_and_explains(code: str) -> None:
    page = read_page(code)
    assert page.title == title(code)  # `python -m evalspec.report.pages` renews it
    assert len(page.prose.split()) >= 20
    assert all(len(line) <= 1000 for line in page.prose.splitlines())


@ALL
def test_the_wrong_example_says_this_code_and_no_other(code: str, tmp_path: Path) -> None:
    example = read_page(code).wrong
    found = said(example, tmp_path) if example.command == "check" else told(example, tmp_path)
    if code in OTHERS:
        assert found == OTHERS[code]
    else:
        assert code in found
        assert without_notes(found) <= {code}


@ALL
def test_the_repaired_example_is_clean(code: str, tmp_path: Path) -> None:
    example = read_page(code).repaired
    found = said(example, tmp_path)
    assert code not in found
    assert without_notes(found) == set()


@ALL
def test_the_two_examples_differ(code: str) -> None:
    page = read_page(code)
    assert page.wrong.files != page.repaired.files
    assert SPEC in page.repaired.files
