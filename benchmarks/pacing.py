"""How the limiter gets on with servers that refuse, and with servers that only queue.

One server takes 20 requests in flight and 600 a minute and refuses the rest with 429: how much of what it
allows is used, and at the price of how many refusals. Another works on 8 at once and lets all others wait:
how long a request takes there, beside one that finds it empty.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from throughput import fast_server, spend, stats, write_rows

SPEC = """dataset tickets {{
  source = file("tickets.csv")
  id = id
  label = queue in [billing, bug, abuse, other]
}}
model mini {{ use = "openai/fast"; base_url = "{url}" }}
task route {{
  data = tickets
  prompt = "Which queue? Ticket: {{{{ body }}}}"
  answer = one_of(queue)
  rank = accuracy
}}
"""


# What a server says of its limits: how long to wait when it refuses, nothing, or what is left at each answer.
TELLS = {"told to wait": [], "told nothing": ["--silent"], "told what is left": ["--headers", "--silent"]}


def run(folder: Path, url: str, rows: int) -> dict[str, float]:
    """Asks about so many rows; what the limiter did."""
    write_rows(folder / "tickets.csv", rows)
    (folder / "route.eval").write_text(SPEC.format(url=url))
    out = folder / "results.json"
    command = [sys.executable, "-m", "evalspec", "run", str(folder / "route.eval"), "-q", "-o", str(out)]
    spend(command, folder / "log")
    found = json.loads(out.read_text())
    paced: dict[str, float]
    (paced,) = found["run"]["pacing"].values()
    return paced


def refusing(rows: int, delay_s: float, tells: str) -> None:
    """A hard limit of 20 in flight and 600 a minute."""
    flags = ["--in-flight", "20", "--per-minute", "600", "--burst", "20", "--delay", str(delay_s)]
    flags += TELLS[tells]
    with tempfile.TemporaryDirectory() as folder, fast_server(*flags) as url:
        paced = run(Path(folder), url, rows)
        seen = stats(url)
    took = seen["last_s"] - seen["first_s"]
    allowed = min(20 + took * 10, took / delay_s * 20)
    refused = seen["refused_busy"] + seen["refused_rate"]
    print(
        f"20 in flight, 600 a minute, {delay_s:g} s each, {tells}: {rows} answers in {took:.1f} s,"
        f" {seen['served'] / allowed:.3f} of what is allowed;"
        f" {refused:.0f} refused ({seen['refused_busy']:.0f} in flight, {seen['refused_rate']:.0f} by rate)"
    )
    print(f"  {paced}", flush=True)


def queueing(rows: int, delay_s: float, slots: int) -> None:
    """A server that refuses nothing and lets everyone wait."""
    with (
        tempfile.TemporaryDirectory() as folder,
        fast_server("--slots", str(slots), "--delay", str(delay_s)) as url,
    ):
        paced = run(Path(folder), url, rows)
        seen = stats(url)
    took = seen["last_s"] - seen["first_s"]
    each_s = delay_s + seen["waited_s"] / seen["served"]
    print(
        f"{slots} at once, the rest queues, {delay_s:g} s each: {rows} answers in {took:.1f} s"
        f" (ideal {rows / slots * delay_s:.1f}), each {each_s * 1000:.0f} ms"
    )
    print(f"  {paced}", flush=True)


def main() -> None:
    """Tries the servers one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=600)
    parser.add_argument("--delays", type=float, nargs="+", default=[0.05, 0.4, 1.8])
    parser.add_argument("--tells", choices=TELLS, nargs="+", default=list(TELLS))
    parser.add_argument("--only-refusing", action="store_true", help="no servers that queue")
    given = parser.parse_args()
    for tells in given.tells:
        for delay_s in given.delays:
            refusing(given.rows, delay_s, tells)
    if given.only_refusing:
        return
    queueing(given.rows, 0.2, 8)
    queueing(given.rows, 0.2, 64)


if __name__ == "__main__":
    main()
