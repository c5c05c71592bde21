"""What `check` says about a spec with one mistake, for each of the cases beside this folder."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from check.cases import Case, as_comment, every_case, said_of
from evalspec.text.diagnostics import Severity
from evalspec.text.edits import edited
from evalspec.text.source import Span

SOURCE = Path(__file__).parents[2] / "src" / "evalspec"
ROOMS = ("syntax", "language", "check", "data")
ALL = pytest.mark.parametrize("case", every_case(), ids=lambda case: case.path.stem)

# Cases that are about notes, or about what is right; and those where two places must be mended.
COUNTS = {
    "ask_image_missing": 5,  # each image of another kind that cannot be sent
    "ask_messages_broken": 4,  # likewise conversations
    "right": 0,
    "no_prompt_for_some": 0,
    "baseline_does_not_fit": 0,
    "two_candidates_told_apart": 0,
    "recorded_skipped": 0,
    "two_mistakes_in_a_task": 2,
    "import_fine": 0,
    "data_table": 0,
    "later_prompt_block": 2,
}
ELSEWHERE = {
    "E0110": "specs that are no text are written to disk in test_robustness.py",
    "E0212": "hundreds of files are written in test_imports.py",
    "E0120": "faults of the formatter's own are provoked in tests/fmt",
    "E0121": "files that cannot be formatted are in tests/fmt",
    "E0499": "nothing of the schema is unbuilt; test_not_built.py takes something out",
    "E0710": "what `run` cannot do is asked of it in tests/cli/test_later.py",
    "E0211": "specs that are not there are asked for in test_robustness.py",
}


@ALL
def test_a_mistake_is_told_as_before(case: Case, update: bool) -> None:
    found = as_comment(said_of(case))
    if update:
        case.write(found)
    else:
        assert found == case.expected


@ALL
def test_one_mistake_is_told_once(case: Case) -> None:
    told = [d for d in said_of(case) if d.severity is not Severity.NOTE]
    expected = 0 if case.path.stem.startswith("valid_") else COUNTS.get(case.path.stem, 1)
    assert len(told) == expected


@ALL
def test_each_mistake_has_a_place_and_a_way_out(case: Case) -> None:
    for diagnostic in said_of(case):
        assert diagnostic.message.strip()
        if isinstance(diagnostic.at, Span):
            assert 0 <= diagnostic.at.start <= diagnostic.at.end <= len(diagnostic.at.source.text)
            assert diagnostic.at.start < diagnostic.at.end, "a place that can be seen"
        if diagnostic.severity is not Severity.NOTE:
            assert diagnostic.help or diagnostic.fixes or "is written" in diagnostic.message


@ALL
def test_a_fix_mends_what_it_says(case: Case) -> None:
    """A fix that can be applied makes its diagnostic go away, and brings no other."""
    for diagnostic in said_of(case):
        for fix in diagnostic.fixes:
            if any(edit.at.source.text != case.spec for edit in fix.edits):
                continue  # a fix in a prompt file
            mended = Case(case.path, edited(fix.edits[0].at.source, fix.edits), "")
            left = [d.code for d in said_of(mended) if d.severity is Severity.ERROR]
            before = [d.code for d in said_of(case) if d.severity is Severity.ERROR]
            assert len(left) == len(before) - 1 or case.path.stem in LEAD_ELSEWHERE


# Fixes of a slip whose mended form has another mistake.
LEAD_ELSEWHERE = {
    "answer_of_in_a_task",
    "costs_with_negative",
    "import_of_a_word",
    "label_with_umlaut",
    "number_against_text",
    "unknown_task_attribute",
    "use_unknown",
    "wrong_escape",
}


def test_every_code_has_a_case() -> None:
    emitted = {
        code
        for room in (*(SOURCE / r for r in ROOMS), SOURCE / "spec_files.py")
        for path in (room.rglob("*.py") if room.is_dir() else [room])
        for code in re.findall(r'"([EWN]0\d{3})"', path.read_text(encoding="utf-8"))
    }
    told = {diagnostic.code for case in every_case() for diagnostic in said_of(case)}
    # Faults of data files have their cases in tests/data, where the files are.
    missing = {code for code in emitted - told if not code.startswith(("E06", "W06"))} - set(ELSEWHERE)
    assert missing == set()
