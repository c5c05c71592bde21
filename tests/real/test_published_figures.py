"""Real data, end to end from the command line: published counts exactly, real classifiers as known."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
DATA = Path(os.environ.get("EVALSPEC_TEST_DATA", HERE.parents[2] / "shared" / "data"))
PUBLISHED = {"verified_175b": 742, "verified_6b": 515, "finetuned_175b": 458, "finetuned_6b": 286}


def ran(spec: str, folder: Path) -> Mapping[str, Any]:
    """The results of a spec of this folder over the shared test data, run as a process of its own."""
    if not (DATA / spec).exists():
        pytest.skip(f"there is no {spec} in {DATA} (set EVALSPEC_TEST_DATA)")
    shutil.copy(HERE / f"{spec}.eval", folder)
    (folder / "data").symlink_to(DATA)
    command = [sys.executable, "-m", "evalspec", "run", f"{spec}.eval", "--quiet", "-o", "results.json"]
    process = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    found: Mapping[str, Any] = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    return found


def test_gsm8k_ranks_four_models_with_their_published_counts(tmp_path: Path) -> None:
    task = ran("gsm8k", tmp_path)["tasks"]["gsm8k_test"]
    counts = {}
    for name in task["order"]:
        accuracy = task["candidates"][name]["metrics"]["accuracy"]
        assert accuracy["n"] == 1319
        counts[name] = round(accuracy["value"] * accuracy["n"], 6)
    assert counts == PUBLISHED
    assert task["order"] == list(PUBLISHED)


def test_gsm8k_subsets_by_the_number_of_steps_add_up(tmp_path: Path) -> None:
    task = ran("gsm8k", tmp_path)["tasks"]["gsm8k_test"]
    for name, right in PUBLISHED.items():
        subsets = task["candidates"][name]["subsets"]
        steps = {s: found for s, found in subsets.items() if s.startswith("steps=")}
        assert sum(found["n"] for found in steps.values()) == 1319
        counted = [found["metrics"]["accuracy"]["value"] * found["n"] for found in steps.values()]
        assert sum(counted) == pytest.approx(right)
    assert task["candidates"]["verified_175b"]["subsets"]["steps=7+"]["n"] == 63


def test_banking77_tells_two_classifiers_and_their_calibration_apart(tmp_path: Path) -> None:
    task = ran("banking77", tmp_path)["tasks"]["intent"]
    bayes, logistic = (task["candidates"][name]["metrics"] for name in ("bayes", "logistic"))
    assert 0.84 <= bayes["accuracy"]["value"] <= 0.88
    assert 0.86 <= logistic["accuracy"]["value"] <= 0.91
    assert bayes["accuracy"]["n"] == logistic["accuracy"]["n"] == 3080
    # Bayes is plainly overconfident, its error far beyond noise; the logistic model is not.
    assert bayes["overconfidence"]["low"] > 0.02
    assert bayes["ece"]["p_value"] < 0.01
    assert bayes["ece"]["value"] > 2 * logistic["ece"]["value"]
    assert abs(logistic["overconfidence"]["value"]) < 0.02
