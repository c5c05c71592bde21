"""Same seed, same bytes: whatever number of threads the matrix products of the machine would use."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

from score.worlds import DATASET, labelled, says

ROOT = Path(__file__).parents[2]
NAMES = ("x", "y", "z", "v", "w")
MODELS = "".join(f'model {n} {{ use = recorded("{n}.jsonl") }}\n' for n in NAMES)
SPEC = (
    DATASET
    + MODELS
    + """
costs c { unit = "usd"; right = 0; wrong = 9.7; abstain = 2.3 }
task t { data = d; answer = one_of(label); costs = c; abstain = when_cheaper }
task u { data = d; answer = one_of(label); rank = accuracy }
decision whole { weights { t = 30%; u = 70% }; rank = mean_win_rate }
"""
)
CODE = (
    "import sys; from pathlib import Path; from score.worlds import results_of;"
    "from evalspec.metrics import bootstrap; import numpy as np;"
    "folder = Path(sys.argv[1]); print(results_of(folder, (folder / 'spec.txt').read_text()).to_json());"
    "print(bootstrap(np.random.default_rng(1).normal(size=3000), 500))"
)


def said(folder: Path, threads: int) -> str:
    counts = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
    path = f"{ROOT / 'src'}{os.pathsep}{ROOT / 'tests'}"
    ran = subprocess.run(
        [sys.executable, "-c", CODE, str(folder)],
        env={**os.environ, **counts, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout


def test_the_bytes_do_not_depend_on_threads_nor_on_when_they_are_made(tmp_path: Path) -> None:
    rng = random.Random(4)
    truths = [rng.choice("ab") for _ in range(600)]
    labelled(tmp_path, truths)
    for i, by in enumerate(NAMES):
        answers = [t if rng.random() < 0.75 + 0.03 * i else rng.choice("ab?") for t in truths]
        says(tmp_path, answers, [round(rng.betavariate(5, 2), 3) for _ in truths], by=by)
    (tmp_path / "spec.txt").write_text(SPEC, encoding="utf-8")
    one, two, four = (said(tmp_path, threads) for threads in (1, 2, 4))
    assert set(json.loads(one[: one.rindex("Estimate")])["tasks"]) == {"t", "u", "whole"}
    assert one == two == four
