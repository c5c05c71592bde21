"""What `check` spares itself: standard modules are there when they are used, and not before."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src"

PROGRAM = """
import sys
from evalspec.cli.quickly import put_off
put_off(["textwrap", "json", "sys", "no_such_module"])
import json, textwrap
print(*(name in vars(module) for name, module in [("dedent", textwrap), ("dumps", json)]))
from json import decoder
print(textwrap.dedent("  a"), json.dumps([1]), decoder.JSONDecoder().decode("2"))
print(type(textwrap).__name__, type(json).__name__, textwrap.__name__)
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": str(SOURCE)}, capture_output=True, text=True, check=True,
    )  # fmt: skip


def test_a_module_that_is_put_off_is_filled_when_it_is_used() -> None:
    before, used, after = run("-c", PROGRAM).stdout.splitlines()
    assert before == "False False"
    assert used == "a [1] 2"
    assert after == "module module textwrap"


def test_a_check_from_the_command_line_loads_no_module_that_it_does_not_need(tmp_path: Path) -> None:
    spec = tmp_path / "a.eval"
    spec.write_text('model m { use = "openai/gpt-5-mini-2025-08-07" }\n', encoding="utf-8")
    loaded = {
        line.rpartition("|")[2].strip()
        for line in run("-X", "importtime", "-m", "evalspec", "check", str(spec)).stderr.splitlines()
        if line.startswith("import time:")
    }
    assert "evalspec.check.check" in loaded
    seldom = {"bz2", "lzma", "inspect", "dataclasses", "_hashlib", "_csv", "_datetime"}
    assert loaded & seldom == set()
