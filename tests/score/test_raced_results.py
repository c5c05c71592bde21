"""What stands in results.json of a candidate that a race stopped: figures, nothing that its end belies."""

from __future__ import annotations

from evalspec.run.racing import Stopped
from evalspec.score.raced_results import ended_json
from evalspec.score.result_figures import Document
from evalspec.score.wording import document

ECE: Document = {
    "value": 0.1, "low": 0.05, "high": 0.2, "se": 0.03, "n": 40, "null_mean": 0.04, "null_p95": 0.08,
    "p_value": 0.01,
}  # fmt: skip
CANDIDATE: Document = {
    "metrics": {"ece": ECE},
    "calibration": {"spiegelhalter": {"z": 2.5, "p_value": 0.012}},
    "policy": {"verdict": "broken", "coverage": 0.8},
    "requirements": [
        {"clause": "accuracy >= 90%", "verdict": "not_met", "value": 0.5, "low": 0.4, "high": 0.6}
    ],
    "budgets": [],
    "no_worse_than": [],
}


def test_no_test_and_no_verdict_for_a_fixed_number_of_examples_is_left() -> None:
    ended = ended_json(CANDIDATE, Stopped(n=40, of=200, e_value=25.0, by="good"), 3)
    ece = document(document(ended["metrics"])["ece"])
    assert (ece["value"], ece["null_mean"], ece["p_value"], ece["low"]) == (0.1, 0.04, None, None)
    assert document(document(ended["calibration"])["spiegelhalter"]) == {"z": 2.5, "p_value": None}
    assert document(ended["policy"]) == {"verdict": None, "coverage": 0.8}
    assert [c["verdict"] for c in ended["requirements"]] == ["undecided"]  # type: ignore[index,union-attr,call-overload]


def test_one_that_was_not_stopped_keeps_all_of_it() -> None:
    assert ended_json(CANDIDATE, None, 3) == CANDIDATE
