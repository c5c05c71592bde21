"""The small spec that runs as it stands: its files as they lie in the package."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

SPEC = "first.eval"
FILES = ("README.md", SPEC, "tickets.csv", "tickets_train.csv")


def sample_files(folder: Path) -> Mapping[Path, bytes]:
    """The files of the sample, by where they go."""
    held = files("evalspec.starting").joinpath("sample")
    return {folder / name: held.joinpath(name).read_bytes() for name in FILES}
