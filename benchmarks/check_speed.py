"""How much CPU `evalspec check` takes: at start as a ratio to a bare interpreter, and over long specs.

    python benchmarks/check_speed.py [--repeats 11] [--lines 10000]

Whole processes are measured, user and system time together, in turns, so that what else the machine does
weighs on all alike; told are medians. Bytecode is kept in a folder of its own, warm after the first turn.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from specs import real_spec, wide_table

HERE = Path(__file__).resolve().parent
USUAL = HERE / "routing.eval"
TIMES, SECONDS = 12, 2.0  # what is aimed at
BARE = "python -c pass"


def cpu_seconds(command: Sequence[str], environment: Mapping[str, str]) -> float:
    """The CPU seconds of a whole process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def medians(commands: Mapping[str, Sequence[str]], repeats: int, bytecode: Path) -> dict[str, float]:
    """The median of each, measured in turns; the first turn warms up."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(bytecode), "PYTHONDONTWRITEBYTECODE": ""}
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(repeats + 1):
        for name, command in commands.items():
            seconds = cpu_seconds([sys.executable, *command], environment)
            if turn:
                taken[name].append(seconds)
    return {name: statistics.median(times) for name, times in taken.items()}


def at_start(repeats: int, folder: Path) -> None:
    """The table of ratios for a spec of the usual size."""
    check = ["-m", "evalspec", "check"]
    commands = {
        BARE: ["-c", "pass"],
        "check, a spec of 58 lines with prompts, 1,181 rows": [*check, str(USUAL)],
        "check --no-data, the same": [*check, "--no-data", str(USUAL)],
        "check, 54 lines without prompts, 1,181 rows": [
            *check, str(HERE.parent / "specs" / "support_routing.eval"),
        ],
    }  # fmt: skip
    told = medians(commands, repeats, folder / "bytecode")
    for name, seconds in told.items():
        print(f"{name:<52} {1000 * seconds:7.1f} ms of CPU {seconds / told[BARE]:6.1f} x")
    print(f"(aimed at: at most {TIMES} x)\n")


def over_length(lines: int, repeats: int, folder: Path) -> None:
    """The seconds for specs of a quarter, a half and the whole of so many lines: linear if they double."""
    lengths = (lines // 4, lines // 2, lines)
    commands: dict[str, Sequence[str]] = {}
    for length in lengths:
        at = folder / str(length)
        at.mkdir()
        made = (real_spec(length, at), real_spec(length, at, faulty=True), wide_table(length, at))
        for kind, path in zip(("like people's own", "with mistakes", "one table"), made, strict=True):
            commands[f"check, {length:,} lines, {kind}"] = ["-m", "evalspec", "check", str(path)]
    for name, seconds in sorted(medians(commands, repeats, folder / "bytecode").items()):
        print(f"{name:<52} {seconds:7.2f} s of CPU")
    print(f"(aimed at: {lines:,} lines in at most {SECONDS:g} s)")


def main() -> None:
    """Measures and prints both tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=11)
    parser.add_argument("--lines", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        at_start(options.repeats, Path(folder))
        over_length(options.lines, max(1, options.repeats // 4), Path(folder))


if __name__ == "__main__":
    main()
