"""Whether something is there, for paths that come from a spec and may be names that no system can hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def is_file(path: Path) -> bool:
    """Whether a file is there; false too for a name that is too long or holds what no name can."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def is_there(path: Path) -> bool:
    """Whether anything is there, likewise."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
