"""The command line as a user meets it: a folder, processes in it, and what they print and leave behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.forking import Forked, can_fork, fork

ROOT = Path(__file__).parents[2]
PATIENCE_S = 120
Process = subprocess.Popen[str] | Forked
OURS = ("NO_COLOR", "FORCE_COLOR", "LLM_URL", "LLM_KEY")
BEYOND = ("_PROXY", "_API_KEY", "_API_BASE")


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that has ended. A traceback is no way to end."""

    code: int
    out: str
    err: str

    def __post_init__(self) -> None:
        assert "Traceback" not in self.out + self.err, self.err

    @property
    def all(self) -> str:
        """Everything that was printed."""
        return self.out + self.err


def surroundings(variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a command: ours without what reaches beyond this machine, and more."""
    kept = {
        name: v for name, v in os.environ.items() if name not in OURS and not name.upper().endswith(BEYOND)
    }
    return {**kept, "PYTHONPATH": str(ROOT / "src"), **(variables or {})}


def command(*arguments: object) -> list[str]:
    """How the tool is called."""
    return [sys.executable, "-m", "evalspec", *map(str, arguments)]


def evalspec(*arguments: object, at: Path, env: Mapping[str, str] | None = None, **how: Any) -> Ended:
    """What became of a command in a folder."""
    with started(*arguments, at=at, env=env, **how) as process:
        return ended(process)


def each(*commands: Sequence[object], at: Path) -> list[Ended]:
    """What became of commands that do not depend on each other, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda arguments: evalspec(*arguments, at=at), commands))


@contextmanager
def started(
    *arguments: object, at: Path, env: Mapping[str, str] | None = None, fresh: bool = False, **streams: Any
) -> Iterator[Process]:
    """A command that goes on while the test does other things, and that hears Ctrl-C.

    `fresh`: as a user starts it; else where possible with its modules loaded beforehand.
    """
    around = surroundings(env)
    if not fresh and can_fork(around):
        process: Process = fork([*map(str, arguments)], at=at, env=around, **streams)
    else:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
        process = subprocess.Popen(command(*arguments), cwd=at, env=around, text=True, **pipes)
    with process:
        try:
            yield process
        finally:
            process.kill()


def ended(process: Process) -> Ended:
    """What became of a command that was started."""
    out, err = process.communicate(timeout=PATIENCE_S)
    return Ended(process.wait(), out or "", err or "")


def wait_until(condition: Callable[[], bool]) -> None:
    """Waits for something that must come."""
    for _ in range(6000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come to that")


# ── what a run leaves ─────────────────────────────────────────────────────────────────────────────

Document = dict[str, Any]


def results(folder: Path, name: str = "r.json") -> Document:
    """A results file."""
    found: Document = json.loads((folder / name).read_text())
    return found


def candidate(document: Document, name: str = "mini", task: str = "route") -> Document:
    """A candidate's part of the results."""
    found: Document = document["tasks"][task]["candidates"][name]
    return found


def outcomes(document: Document, name: str = "mini", task: str = "route") -> dict[str, int]:
    """What became of a candidate's examples, without what did not occur."""
    return {outcome: n for outcome, n in candidate(document, name, task)["outcomes"].items() if n}


def lasting(document: Document) -> Document:
    """What two runs over the same answers agree in: neither the run's own record nor what a clock says."""
    copy: Document = json.loads(json.dumps(document))
    for key in ("id", "spec", "started_at", "finished_at", "requests", "pacing"):
        copy["run"].pop(key)
    for task in copy["tasks"].values():
        for found in task["candidates"].values():
            del found["latency"], found["budgets"]
            for metrics in (found["metrics"], *(subset["metrics"] for subset in found["subsets"].values())):
                for name in ("p50", "p90", "p95", "p99"):
                    metrics.pop(name, None)
    return copy
