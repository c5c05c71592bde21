"""Checks damaged specs and data files by the ten thousand, and tells what raised, hung, or cost too much.

    python benchmarks/fuzzing.py [--specs 10000] [--data 10000] [--first 0] [--workers 2] [--limit 10]

Each trial runs in a worker process that ends after `--limit` seconds of CPU time. A trial is its kind and
number: `tests/fuzz/trials.py` makes the same files again. CPU seconds and memory (the peak above what was in
use before, Linux only) are told beside those of the same job undamaged. Exit code 1 where anything raised,
hung or died.
"""

from __future__ import annotations

import argparse
import multiprocessing
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from fuzz.trials import Kind, Trial, look, prepare, trial, write

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
TRACE = 9  # lines of a traceback
PATIENCE = 6  # times the limit by the clock: a machine may be busy
TOLD = 5  # of the costliest
Task = tuple[Kind, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a trial: a traceback, or none; seconds and kB, damaged and undamaged."""

    kind: Kind
    number: int
    raised: str = ""
    seconds: float = 0.0
    seconds_undamaged: float = 0.0
    peak: int = 0
    peak_undamaged: int = 0

    @property
    def name(self) -> str:
        return f"{self.kind} {self.number}"


def memory(what: str) -> int:
    """A figure of this process in kB: `VmRSS`, or `VmHWM`, its peak since the last reset; else 0."""
    if not STATUS.exists():
        return 0
    lines = STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith(what)), 0)


def measured(spec: Path, kind: Kind) -> tuple[float, int]:
    """Seconds and kB that looking at a spec takes."""
    if RESET.exists():
        RESET.write_text("5", encoding="ascii")
    before, begun = memory("VmRSS"), time.process_time()
    look(spec, kind)
    return time.process_time() - begun, max(0, memory("VmHWM") - before)


Figures = dict[tuple[bytes, ...], tuple[float, int]]


def outcome(tried: Trial, folder: Path, known: Figures) -> Outcome:
    """Looks at a trial's files, undamaged (once for each such job) and damaged."""
    job = tuple(tried.undamaged.values())
    if job not in known:
        known[job] = measured(write(tried.undamaged, folder), tried.kind)
    seconds_undamaged, peak_undamaged = known[job]
    spec = write(tried.files, folder)
    raised, seconds, peak = "", 0.0, 0
    try:
        seconds, peak = measured(spec, tried.kind)
    except BaseException:  # noqa: BLE001 - what a worker is for
        raised = traceback.format_exc()
    for name in tried.files.keys() - tried.undamaged.keys():
        (folder / name).unlink()
    write(tried.undamaged, folder)
    return Outcome(
        kind=tried.kind, number=tried.number, raised=raised, seconds=seconds, peak=peak,
        seconds_undamaged=seconds_undamaged, peak_undamaged=peak_undamaged,
    )  # fmt: skip


def work(tasks: Connection, limit: float) -> None:
    """A worker: takes tasks until there are none, and tells what came of each."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        known: Figures = {}
        while (task := tasks.recv()) is not None:
            signal.setitimer(signal.ITIMER_PROF, 0)  # making the files does not count
            tried = trial(*task)
            signal.setitimer(signal.ITIMER_PROF, limit)  # ends the process, whatever it is at
            tasks.send(outcome(tried, folder, known))


@dataclass(slots=True)
class Worker:
    """A process, what it works at, and since when."""

    process: BaseProcess
    tasks: Connection
    task: Task
    since: float


def begun(task: Task, limit: float) -> Worker:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=work, args=(theirs, limit), daemon=True)
    process.start()
    theirs.close()
    ours.send(task)
    return Worker(process, ours, task, time.monotonic() + 20)  # to start takes a while


def outcomes(tasks: Iterator[Task], workers: int, limit: float) -> Iterator[Outcome]:
    """What came of every task, in the order in which they end."""
    busy = [begun(task, limit) for _, task in zip(range(workers), tasks, strict=False)]
    while busy:
        ready = wait([worker.tasks for worker in busy], timeout=0.5)
        for worker in list(busy):
            late = time.monotonic() - worker.since > PATIENCE * limit
            if worker.tasks not in ready and not late:
                continue
            answer = _answer(worker)
            found = answer or _lost(worker, limit)
            if found.raised:
                print(f"{found.name}: {found.raised.strip().splitlines()[-1]}", flush=True)
            yield found
            task = next(tasks, None)
            if answer is None:
                busy.remove(worker)
                busy += [begun(task, limit)] if task is not None else []
            elif task is None:
                worker.tasks.send(None)
                busy.remove(worker)
            else:
                worker.tasks.send(task)
                worker.task, worker.since = task, time.monotonic()


def _answer(worker: Worker) -> Outcome | None:
    """What a worker tells; None where it hangs or is dead."""
    try:
        found: Outcome | None = worker.tasks.recv() if worker.tasks.poll() else None
    except EOFError:
        return None
    return found


def _lost(worker: Worker, limit: float) -> Outcome:
    """What is told of a trial whose worker hangs, or has ended on the way."""
    worker.process.join(0.5)
    ended = worker.process.exitcode
    worker.process.kill()
    hung = ended is None or ended == -signal.SIGPROF
    why = f"no end after {limit} s" if hung else f"the process died ({ended})"
    return Outcome(kind=worker.task[0], number=worker.task[1], raised=why)


def tell(found: list[Outcome]) -> None:
    """Prints the figures."""
    wrong = [o for o in found if o.raised]
    print(f"{len(found):,} trials: {len(wrong)} raised or hung")
    kinds = Counter(o.raised.strip().splitlines()[-1][:150] for o in wrong)
    for last, count in kinds.most_common():
        first = next(o for o in wrong if o.raised.strip().splitlines()[-1][:150] == last)
        end = "\n".join(first.raised.strip().splitlines()[-TRACE:])
        print(f"\n{count} x {last}\n  first: {first.name}\n{end}")
    for kind in Kind:
        sound = [o for o in found if o.kind is kind and not o.raised]
        print(f"\n{kind}: {len(sound):,} ended")
        for o in sorted(sound, key=lambda o: -o.seconds)[:TOLD]:
            print(f"  {o.seconds:7.2f} s   ({o.seconds_undamaged:.2f} s undamaged)   {o.name}")
        for o in sorted(sound, key=lambda o: -o.peak)[:TOLD]:
            print(f"  {o.peak / 1024:7.1f} MB  ({o.peak_undamaged / 1024:.1f} MB undamaged)   {o.name}")


def main() -> int:
    """Runs the trials and tells what came of them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--specs", type=int, default=10_000)
    parser.add_argument("--data", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="the number of the first trial")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--limit", type=float, default=10.0, help="CPU seconds for one trial")
    options = parser.parse_args()
    counts = {Kind.SPEC: options.specs, Kind.DATA: options.data}
    tasks = [(kind, options.first + i) for kind, count in counts.items() for i in range(count)]
    started = time.monotonic()
    found = list(outcomes(iter(tasks), options.workers, options.limit))
    tell(found)
    print(f"\n{time.monotonic() - started:.0f} s")
    return 1 if any(o.raised for o in found) else 0


if __name__ == "__main__":
    sys.exit(main())
