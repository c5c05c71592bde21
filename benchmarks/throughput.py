"""What a run costs beside the bare requests: CPU, time and memory, as ratios measured side by side.

Every client is a whole process against one fast server (`fast_server.py`), and so is `evalspec run`. What a
process needs before its first request is measured with a single row, and told apart.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
LABELS = ("billing", "bug", "abuse", "other")
WORDS = ("the", "invoice", "app", "crashes", "refund", "twice", "card", "login", "page", "export", "never")
CLIENTS = ("aiohttp", "httpx", "openai", "litellm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a process took: seconds of wall and of CPU, and its greatest memory in MB."""

    wall_s: float
    cpu_s: float
    memory_mb: float


# ── what is measured ──────────────────────────────────────────────────────────────────────────────


def write_rows(path: Path, count: int) -> None:
    """Tickets of some 30 words, the same ones each time."""
    chance = random.Random(7)
    with path.open("w") as file:
        file.write("id,body,queue\n")
        for number in range(count):
            body = " ".join(chance.choices(WORDS, k=30))
            file.write(f"t{number},ticket {number} {body},{LABELS[number % 4]}\n")


def write_spec(folder: Path, url: str, models: int, concurrency: int) -> Path:
    """A spec of one task that asks each model about each ticket once."""
    blocks = "\n".join(f'model m{n} {{ use = "openai/fast-{n}"; base_url = "{url}" }}' for n in range(models))
    (folder / "route.eval").write_text(
        f"""dataset tickets {{
  source = file("tickets.csv")
  id = id
  label = queue in [{", ".join(LABELS)}]
}}
{blocks}
limits {{ concurrency <= {concurrency} }}
task route {{
  data = tickets
  prompt = "Which queue? One of: {{{{ labels | join(', ') }}}}. Ticket: {{{{ body }}}}"
  answer = one_of(queue)
  rank = accuracy
}}
"""
    )
    return folder / "route.eval"


@contextmanager
def fast_server(*flags: str) -> Iterator[str]:
    """The URL of a server in its own process."""
    command = [sys.executable, str(HERE / "fast_server.py"), *flags]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout is None or process.stdin is None:
            raise RuntimeError("a process without its pipes")
        yield process.stdout.readline().strip()
        process.stdin.close()


def stats(url: str) -> dict[str, float]:
    """What the server saw."""
    with urllib.request.urlopen(f"{url}/stats") as response:  # noqa: S310  our own server
        found: dict[str, float] = json.load(response)
    return found


def spend(command: Sequence[str], log: Path) -> Spent:
    """Runs a command to its end. Raises RuntimeError with what it said where it fails."""
    environment = {**os.environ, "OPENAI_API_KEY": "x", "PYTHONPYCACHEPREFIX": str(log.parent / "compiled")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # installed packages are compiled, and so are these
    began = time.perf_counter()
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - began
    if process.returncode != 0:
        raise RuntimeError(f"{command} ended with {process.returncode}: {log.read_text()[-2000:]}")
    scale = 1024 * 1024 if sys.platform == "darwin" else 1024
    return Spent(wall_s=wall, cpu_s=usage.ru_utime + usage.ru_stime, memory_mb=usage.ru_maxrss / scale)


@dataclass(frozen=True, slots=True)
class Bench:
    """A folder to work in, and one server for all."""

    folder: Path
    url: str

    def client(self, name: str, rows: int, concurrency: int) -> Spent:
        """A bare client, with so many rows."""
        file = self.folder / f"rows{rows}.csv"
        if not file.exists():
            write_rows(file, rows)
        script = str(HERE / "clients.py")
        command = [sys.executable, script, name, self.url, str(file), "--concurrency", str(concurrency)]
        return spend(command, self.folder / "log")

    def evalspec(self, rows: int, concurrency: int, models: int = 1) -> Spent:
        """`evalspec run` with an empty store."""
        job = self.folder / "job"
        shutil.rmtree(job, ignore_errors=True)
        job.mkdir()
        write_rows(job / "tickets.csv", rows)
        spec = write_spec(job, self.url, models, concurrency)
        return spend([sys.executable, "-m", "evalspec", "run", str(spec), "-q"], self.folder / "log")


@contextmanager
def bench(*flags: str) -> Iterator[Bench]:
    """A server and a folder, gone afterwards."""
    with tempfile.TemporaryDirectory() as folder, fast_server(*flags) as url:
        yield Bench(Path(folder), url)


# ── the tables ────────────────────────────────────────────────────────────────────────────────────


def side_by_side(rows: int, concurrency: int, repeats: int, clients: Sequence[str]) -> None:
    """Everyone asks the same, in turns; medians, and ratios to bare aiohttp."""
    print(f"\n{rows} requests, {concurrency} in flight, no delay; medians of {repeats}")
    print(f"{'':14}{'wall s':>8}{'x':>7}{'CPU s':>8}{'start s':>9}{'ms each':>9}{'x':>7}{'MB':>6}")
    with bench() as at:
        names = [name for name in clients if _installed(name)]
        found: dict[str, list[tuple[Spent, Spent]]] = {name: [] for name in (*names, "evalspec run")}
        for name in found:
            _one(at, name, 1, concurrency)  # compiles
        for _ in range(repeats):
            for name, taken in found.items():
                taken.append((_one(at, name, 1, concurrency), _one(at, name, rows, concurrency)))
        base_wall, base_each = 0.0, 0.0
        for name, taken in found.items():
            wall = statistics.median(whole.wall_s for _, whole in taken)
            cpu = statistics.median(whole.cpu_s for _, whole in taken)
            start = statistics.median(first.cpu_s for first, _ in taken)
            each = statistics.median(1000 * (w.cpu_s - f.cpu_s) / (rows - 1) for f, w in taken)
            memory = max(whole.memory_mb for _, whole in taken)
            base_wall, base_each = base_wall or wall, base_each or each
            print(
                f"{name:14}{wall:8.2f}{wall / base_wall:7.2f}{cpu:8.2f}{start:9.2f}{each:9.3f}"
                f"{each / base_each:7.2f}{memory:6.0f}"
            )


def _one(at: Bench, name: str, rows: int, concurrency: int) -> Spent:
    if name == "evalspec run":
        return at.evalspec(rows, concurrency)
    return at.client(name, rows, concurrency)


def _installed(name: str) -> bool:
    if importlib.util.find_spec(name) is None:
        print(f"{name}: not installed, left out")
        return False
    return True


def latency_bound(rows: int, models: int, concurrency: int, delay_s: float) -> None:
    """A run that waits for its server, beside the least time in which it can be done."""
    ideal = math.ceil(rows * models / concurrency) * delay_s
    print(f"\n{rows} examples x {models} candidates, {concurrency} in flight, {delay_s * 1000:.0f} ms each")
    with bench("--delay", str(delay_s)) as at:
        at.evalspec(1, concurrency, models)  # compiles
        first = at.evalspec(1, concurrency, models)
        whole = at.evalspec(rows, concurrency, models)
        served, most = stats(at.url)["served"], stats(at.url)["most_in_flight"]
    asking = whole.wall_s - (first.wall_s - delay_s)
    print(
        f"ideal {ideal:.2f} s; asking {asking:.2f} s, {asking / ideal:.3f} of it; process {whole.wall_s:.2f}"
    )
    print(f"served {served:.0f}, at most {most:.0f} at once; CPU {whole.cpu_s:.2f} s")


def memory(sizes: Sequence[int], concurrency: int) -> None:
    """How memory grows with the number of examples."""
    print(f"\n{'examples':>10}{'wall s':>9}{'CPU s':>9}{'MB':>7}{'KB each':>9}")
    with bench() as at:
        at.evalspec(1, concurrency)  # compiles
        small = at.evalspec(1, concurrency)
        for rows in sizes:
            spent = at.evalspec(rows, concurrency)
            each = (spent.memory_mb - small.memory_mb) * 1024 / rows
            row = f"{rows:10}{spent.wall_s:9.2f}{spent.cpu_s:9.2f}{spent.memory_mb:7.0f}{each:9.2f}"
            print(row, flush=True)


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--clients", default=",".join(CLIENTS), help="those to measure beside evalspec")
    parser.add_argument("--sizes", default="20000,100000", help="examples of the runs for memory")
    parser.add_argument("--only", choices=["side", "latency", "memory"])
    given = parser.parse_args()
    if given.only in (None, "side"):
        clients = [name for name in CLIENTS if name in given.clients.split(",")]
        side_by_side(given.requests, given.concurrency, given.repeats, clients)
    if given.only in (None, "latency"):
        latency_bound(500, 4, 64, 0.2)
    if given.only in (None, "memory"):
        memory([int(size) for size in given.sizes.split(",") if size], given.concurrency)


if __name__ == "__main__":
    main()
