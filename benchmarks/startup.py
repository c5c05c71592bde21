"""How much CPU `evalspec check` takes beside a bare interpreter, as a ratio in one run.

    python benchmarks/startup.py [SPEC] [--repeats 15]

Both are measured as whole processes, user and system time together, in turns, so that what else the
machine does weighs on both alike. The baseline is `python -c pass`.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
from collections.abc import Sequence


def cpu_seconds(command: Sequence[str]) -> float:
    """The CPU seconds of a whole process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def main() -> None:
    """Measures and prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("spec", nargs="?", default="specs/support_routing.eval")
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    check = [sys.executable, "-m", "evalspec", "check"]
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "evalspec check": [*check, options.spec],
        "evalspec check --no-data": [*check, "--no-data", options.spec],
    }
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(options.repeats + 1):
        for name, command in commands.items():
            taken[name].append(cpu_seconds(command))
    medians = {name: statistics.median(times[1:]) for name, times in taken.items()}  # the first one warms up
    baseline = medians["python -c pass"]
    for name, seconds in medians.items():
        print(f"{name:<28} {1000 * seconds:7.1f} ms of CPU   {seconds / baseline:5.1f} x")


if __name__ == "__main__":
    main()
