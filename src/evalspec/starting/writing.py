"""Files that a user does not have yet, written all or none: nothing that is there is ever replaced."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path


class AlreadyThere(Exception):
    """Files that would be written are there already; `paths` are those."""

    def __init__(self, paths: tuple[Path, ...]) -> None:
        super().__init__(", ".join(map(str, paths)))
        self.paths = paths


class Unwritable(Exception):
    """A file cannot be written; the message says which and why."""


def write_new(files: Mapping[Path, bytes]) -> None:
    """Writes files that do not exist, and the folders they need. Raises AlreadyThere and Unwritable.

    Where one of them cannot be written, those written before it are taken away again.
    """
    there = tuple(path for path in files if _exists(path))
    if there:
        raise AlreadyThere(there)
    made: list[Path] = []
    try:
        for path, content in files.items():
            _make_folder(path.parent, made)
            with path.open("xb") as file:
                made.append(path)
                file.write(content)
    except OSError as fault:
        _take_away(made)
        raise Unwritable(f"{fault.filename or 'a file'} cannot be written: {fault.strerror}") from fault


def _exists(path: Path) -> bool:
    try:
        return path.exists() or path.is_symlink()
    except OSError as fault:
        raise Unwritable(f"{path} cannot be written: {fault.strerror}") from fault


def _make_folder(folder: Path, made: list[Path]) -> None:
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    for place in reversed(missing):
        place.mkdir()
        made.append(place)


def _take_away(made: list[Path]) -> None:
    for path in reversed(made):
        with suppress(OSError):
            path.rmdir() if path.is_dir() else path.unlink()
