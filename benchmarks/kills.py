"""One run that is killed again and again (SIGKILL) until it ends: is anything lost, is anything asked twice?

`python benchmarks/kills.py --kills 60 --examples 2000 --seed 1` runs a spec against a local server, kills the
process at random instants, starts it again, lets the last one finish, and compares: the results file with
that of an undisturbed run (but for ids, times and counts), and what the server saw with what was in flight.
In flight at a kill is what the killed process had sent and the store had not committed.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import servers  # noqa: E402  (the tests' own server, commands and tickets)
from cli.commands import Document, command, lasting, results, surroundings  # noqa: E402
from cli.tickets import model, spec, times_asked, two_of_three, write_job  # noqa: E402

WIDTH = 16  # requests at once
BATCH = 50  # answers that may have come and wait for their commit
DELAY_S = 0.01
START_S = 1.5  # about what a process takes before its first request: some kills are to hit that time
PRICE = "max_tokens = 4; price { input = $0.15; output = $0.60 }"


@dataclass(slots=True)
class Kills:
    """What the kills hit: for each, what was in flight and whether anything had been sent at all."""

    in_flight: list[int] = field(default_factory=list)
    before_asking: int = 0

    def add(self, sent: int, kept: int) -> None:
        """A kill after so many requests, of which so many were kept."""
        self.in_flight.append(sent - kept)
        self.before_asking += not sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What came of it all."""

    examples: int
    kills: Kills
    requests: int
    distinct: int
    most_often: int
    results_equal: bool
    code: int
    seconds: float

    @property
    def repeated(self) -> int:
        """Requests that the server saw again."""
        return self.requests - self.distinct

    @property
    def sound(self) -> bool:
        """Nothing lost, and nothing asked twice but what was in flight at a kill."""
        hit = self.kills.in_flight
        told = self.repeated <= sum(hit) and max(hit, default=0) <= WIDTH + BATCH
        return self.results_equal and self.code == 0 and self.distinct == self.examples and told


def main() -> int:
    """Prints the figures; 1 where something was lost or asked twice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--examples", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        trial = attempt(Path(place), given.kills, given.examples, random.Random(given.seed))
    hit = trial.kills.in_flight
    told = {
        "examples": trial.examples,
        "kills": len(hit),
        "kills before the first request": trial.kills.before_asking,
        "in flight at the kills": sum(hit),
        "at most in flight at a kill": max(hit, default=0),
        "requests at the server": trial.requests,
        "distinct requests": trial.distinct,
        "requests asked again": trial.repeated,
        "one request at most so often": trial.most_often,
        "results equal those of an undisturbed run": trial.results_equal,
        "exit code of the last process": trial.code,
        "seconds": round(trial.seconds, 1),
        "sound": trial.sound,
    }
    print(json.dumps(told, indent=1))
    return 0 if trial.sound else 1


def attempt(place: Path, kills: int, examples: int, chance: random.Random) -> Trial:
    """The undisturbed run, the killed ones, and the one that ends."""
    with servers.chat_server(two_of_three, delay=DELAY_S) as server:
        text = spec(model(server.url, more=PRICE))
        calm, hard = (write_job(place / name, examples, text) for name in ("calm", "hard"))
        undisturbed = _finish(calm)
        server.requests.clear()
        begun = time.monotonic()
        hit = Kills()
        while len(hit.in_flight) < kills:
            before, kept = len(server.requests), _kept(hard)
            left = kills - len(hit.in_flight)
            if not _killed(hard, server, (examples - kept) / (left + 1), chance):
                break
            _wait_until_quiet(server)
            hit.add(len(server.requests) - before, _kept(hard) - kept)
        code = _finish(hard)
        asked = times_asked(server.bodies)
        return Trial(
            examples=examples,
            kills=hit,
            requests=len(server.requests),
            distinct=len(asked),
            most_often=max(asked.values()),
            results_equal=_lasting(calm) == _lasting(hard),
            code=max(code, undisturbed),
            seconds=time.monotonic() - begun,
        )


def _killed(folder: Path, server: servers.ChatServer, share: float, chance: random.Random) -> bool:
    """Starts the run and kills it: one in five before it asks, else after some requests and a moment.

    `share` is how many requests each process may make so that all kills find one at work.
    """
    sent = len(server.requests)
    process = subprocess.Popen(_command(), cwd=folder, env=surroundings(),
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    early = chance.random() < 0.2
    wanted = sent + (0 if early else chance.randrange(1, max(2, int(2 * share) - WIDTH)))
    deadline = time.monotonic() + (chance.uniform(0, START_S) if early else 120)
    while process.poll() is None and time.monotonic() < deadline and (early or len(server.requests) < wanted):
        time.sleep(0.001)
    time.sleep(chance.uniform(0, 3 * DELAY_S))
    process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def _wait_until_quiet(server: servers.ChatServer) -> None:
    """What the killed process had sent may still be on its way to the server."""
    seen = -1
    while seen != len(server.requests):
        seen = len(server.requests)
        time.sleep(0.05)


def _finish(folder: Path) -> int:
    return subprocess.run(
        [*_command(), "-o", "r.json"], cwd=folder, env=surroundings(), capture_output=True, check=False
    ).returncode


def _command() -> list[str]:
    return command("run", "route.eval", "-j", WIDTH, "-q")


def _kept(folder: Path) -> int:
    """How many answers any SQLite program finds in the store."""
    file = folder / ".evalspec" / "answers.sqlite3"
    if not file.exists():
        return 0
    connection = sqlite3.connect(file)
    try:
        tables = connection.execute("select count(*) from sqlite_master where name = 'answers'").fetchone()[0]
        return int(connection.execute("select count(*) from answers").fetchone()[0]) if tables else 0
    finally:
        connection.close()


def _lasting(folder: Path) -> Document:
    return lasting(results(folder))


if __name__ == "__main__":
    sys.exit(main())
