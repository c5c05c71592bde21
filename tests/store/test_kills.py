"""A run killed at random instants ends like one that was not, and asks again only what was in flight."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from cli.commands import surroundings

ROOT = Path(__file__).parents[2]


def test_kills_lose_nothing_and_repeat_only_what_was_in_flight() -> None:
    command = [sys.executable, "benchmarks/kills.py", "--kills", "3", "--examples", "200", "--seed", "3"]
    ran = subprocess.run(command, cwd=ROOT, env=surroundings(), capture_output=True, text=True, check=False)
    told = json.loads(ran.stdout)
    assert told["sound"], told
    assert ran.returncode == 0
    assert told["kills"] == 3
    assert told["distinct requests"] == 200
    assert 0 < told["requests asked again"] <= told["in flight at the kills"] <= 3 * (16 + 50)
    assert told["results equal those of an undisturbed run"]
