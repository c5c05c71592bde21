"""The README is true: its table is what its first command prints, and each command sets itself up."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language, in order."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_table_in_the_readme_is_what_the_main_job_prints(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "specs", tmp_path / "specs", ignore=shutil.ignore_patterns(".evalspec"))
    command = [sys.executable, "-m", "evalspec", "run", "specs/support_routing.eval", "--quiet"]
    printed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert printed.returncode == 0, printed.stderr
    assert blocks("text")[0].strip() == printed.stdout.strip()


def test_each_of_the_two_commands_sets_itself_up_and_stands_alone() -> None:
    run, tests = blocks("bash")[:2]
    assert "evalspec run specs/support_routing.eval" in run
    assert "pytest" in tests
    for command in (run, tests):
        assert command.count("python3 -m venv .venv") == 1
        assert "-c constraints.txt" in command


def test_the_constraints_are_exact_versions_without_any_address() -> None:
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[0-9A-Za-z.+!]+", line) or line.startswith("#") or not line, (
            line
        )
