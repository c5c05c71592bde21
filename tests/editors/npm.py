"""What the editors' tests need from npm, in a folder of their own; they say so where it cannot be had."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

EDITORS = Path(__file__).resolve().parents[2] / "editors"
VSCODE = EDITORS / "vscode"
HERE = Path(__file__).resolve().parent
SECONDS = 120


def tool(name: str) -> str:
    """A program that is needed; without it the test cannot run."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"`{name}` is not installed here, and editors' extensions are run with it")
    return found


def packages(folder: Path) -> Path:
    """Everything that package.json names, installed in a folder."""
    shutil.copy(VSCODE / "package.json", folder)
    options = ["--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run([tool("npm"), "install", *options], cwd=folder, capture_output=True, text=True,
                          timeout=SECONDS)  # fmt: skip
    if done.returncode:
        pytest.skip(f"npm cannot install what package.json names: {done.stderr.strip()[-300:]}")
    return folder


def node(script: str, *arguments: str, given: str = "") -> str:
    """What a script of this folder prints."""
    done = subprocess.run([tool("node"), str(HERE / script), *arguments], input=given, capture_output=True,
                          text=True, timeout=SECONDS)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout
