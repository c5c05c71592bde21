"""evalspec from Python, as a notebook would use it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import evalspec
from evalspec.pipeline import SpecFault
from evalspec.plan.plan import EmptySelection

SPEC = """
dataset letters { source = file("letters.csv"); label = kind in [vowel, consonant] }
model before { use = recorded("answers.jsonl") }
task tell { data = letters; answer = one_of(kind); rank = accuracy }
"""
ANSWERS = """\
{"id": "a", "response": "vowel"}
{"id": "b", "response": "vowel"}
{"id": "c", "response": "consonant"}
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    (tmp_path / "letters.csv").write_text(
        "letter,kind\na,vowel\nb,consonant\nc,consonant\n", encoding="utf-8"
    )
    (tmp_path / "answers.jsonl").write_text(ANSWERS, encoding="utf-8")
    path = tmp_path / "letters.eval"
    path.write_text(SPEC.replace("label =", "id = letter; label ="), encoding="utf-8")
    return path


def test_check_tells_what_is_wrong_without_raising(spec: Path) -> None:
    assert evalspec.check(spec).ok
    spec.write_text(SPEC.replace("recorded", "recoded"), encoding="utf-8")
    found = evalspec.check(spec)
    assert not found.ok
    assert "did you mean `recorded`?" in str(found)


def test_run_gives_results_that_print_save_and_load(spec: Path, tmp_path: Path) -> None:
    results = evalspec.run(spec)
    saved = tmp_path / "results.json"
    saved.write_text(results.to_json(), encoding="utf-8")
    assert "66.7 %" in results.table()
    assert evalspec.Results.load(saved).table() == results.table()


def test_a_plan_knows_its_examples_and_runs_nothing(spec: Path) -> None:
    plan = evalspec.plan(spec, limit=2)
    assert [len(task.rows) for task in plan.tasks] == [2]
    assert not (spec.parent / ".evalspec").exists()


def test_mistakes_of_the_caller_are_exceptions(spec: Path, tmp_path: Path) -> None:
    with pytest.raises(EmptySelection, match="there is no model `nobody`"):
        evalspec.run(spec, models=["nobody"])
    with pytest.raises(TypeError, match="unknown option 'modles'"):
        evalspec.run(spec, modles=["before"])
    spec.write_text("task t { }", encoding="utf-8")
    with pytest.raises(SpecFault):
        evalspec.run(spec)


def test_importing_evalspec_costs_nothing() -> None:
    code = "import sys, evalspec; print([m for m in sys.modules if m.startswith('evalspec')])"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == "['evalspec']"
