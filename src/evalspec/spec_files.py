"""Spec files: the one that was given and those that it imports, read and parsed.

Stands before `check` in the flow, which sees all files together. Knows nothing of what they mean.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from evalspec.data.places import is_file, is_there
from evalspec.syntax.parse import parse
from evalspec.syntax.tree import Block, File, Import
from evalspec.text.diagnostics import Diagnostic, problem
from evalspec.text.source import Source, Span
from evalspec.text.values import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST_SPEC = 5_000_000
MOST_FILES = 200
ZIP = b"PK\x03\x04"

Reader = Callable[[Path, str], tuple[Source, Diagnostic | None]]


def read_source(path: Path, name: str = "") -> tuple[Source, Diagnostic | None]:
    """A spec's text, or why it has none. `name` is how it is reported, where that is not its path."""
    name = name or str(path)
    empty = Source(name=name, text="", path=path)
    nowhere = Span(empty, 0, 0)
    try:
        raw = path.read_bytes() if path.stat().st_size <= LARGEST_SPEC else None
    except (OSError, ValueError) as fault:
        why = fault.strerror if isinstance(fault, OSError) else None
        return empty, problem("E0211", nowhere, f"the spec cannot be read: {why or fault}")
    if raw is None:
        return empty, too_large(empty)
    return source_of(raw, name, path)


def source_of(raw: bytes, name: str, path: Path | None = None) -> tuple[Source, Diagnostic | None]:
    """The text that the bytes of a spec hold, or why they hold none."""
    empty = Source(name=name, text="", path=path)
    nowhere = Span(empty, 0, 0)
    if raw.startswith(ZIP) or b"\0" in raw[:1024]:
        return empty, problem("E0110", nowhere, "this is a binary file and no spec",
                              "another tool writes logs that end in `.eval` too; a spec is text")  # fmt: skip
    try:
        return Source(name=name, text=raw.decode("utf-8-sig"), path=path), None
    except UnicodeDecodeError as fault:
        line = raw[: fault.start].count(b"\n") + 1
        message = f"the spec is not UTF-8: line {line} holds byte 0x{raw[fault.start]:02x}"
        return empty, problem("E0110", nowhere, message, "save it as UTF-8")


def too_large(source: Source) -> Diagnostic:
    """What is said of more than LARGEST_SPEC bytes."""
    message = "the spec is larger than 5 MB"
    return problem("E0110", Span(source, 0, 0), message, "is this a spec, or its data?")


@dataclass(slots=True)
class _Gathering:
    """What was found while imports are followed. `done` and `open` are files by where they lie."""

    read: Reader
    files: list[File] = field(default_factory=list)
    found: list[Diagnostic] = field(default_factory=list)
    done: set[str] = field(default_factory=set)
    open: list[str] = field(default_factory=list)


def gather(source: Source, read: Reader = read_source) -> tuple[tuple[File, ...], tuple[Diagnostic, ...]]:
    """The files of a spec, those that it imports before it, each once; and what is wrong with their shape.

    The last one is the spec itself. Never raises, whatever the texts.
    """
    gathering = _Gathering(read)
    _gather(source, gathering)
    return tuple(gathering.files), tuple(gathering.found)


def _gather(source: Source, gathering: _Gathering) -> None:
    file, broken = parse(source)
    gathering.found += broken
    here = _place(source.path or Path(source.name))
    gathering.open.append(here)
    for entry in _imports(file, gathering):
        _follow(entry, source, gathering)
    gathering.open.pop()
    gathering.done.add(here)
    gathering.files.append(file)


def _imports(file: File, gathering: _Gathering) -> Iterator[Import]:
    """The imports of a file; those below a block are told."""
    blocks = False
    for entry in file.entries:
        blocks = blocks or isinstance(entry, Block)
        if isinstance(entry, Import) and blocks:
            gathering.found.append(
                problem("E0405", entry.at, "`import` stands at the top of a file", "move it there")
            )
        elif isinstance(entry, Import):
            yield entry


def _follow(entry: Import, source: Source, gathering: _Gathering) -> None:
    written = entry.path.text
    if not written or "\0" in written:
        fault = problem("E0305", entry.path.at, "an import names a file", 'write `import "models.eval"`')
        gathering.found.append(fault)
        return
    path = source.folder / written
    place = _place(path)
    if place in gathering.open:
        gathering.found.append(_circle(entry, place, gathering))
    elif place not in gathering.done:
        _read_import(entry, path, source, gathering)


def _read_import(entry: Import, path: Path, source: Source, gathering: _Gathering) -> None:
    at, written = entry.path.at, entry.path.text
    if len(gathering.done) + len(gathering.open) >= MOST_FILES:
        message = f"this spec is made of more than {MOST_FILES} files"
        gathering.found.append(problem("E0212", at, message, "import fewer"))
        return
    if not is_file(path):
        what = "is a folder" if is_there(path) else "is not there"
        help_line = f"paths start from the spec's folder: {_nearest_folder(source)}"
        gathering.found.append(problem("E0210", at, f"`{written}` {what}", help_line))
        return
    name = os.path.normpath(Path(source.name).parent / written)
    imported, fault = gathering.read(path, name)
    if fault is None:
        _gather(imported, gathering)
    else:
        gathering.done.add(_place(path))
        gathering.found.append(problem(fault.code, at, f"`{written}`: {fault.message}", *fault.help))


def _nearest_folder(source: Source) -> str:
    return str(Path(source.name).parent)


def _circle(entry: Import, place: str, gathering: _Gathering) -> Diagnostic:
    names = [Path(p).name for p in (*gathering.open[gathering.open.index(place) :], place)]
    message = "a file imports itself" if len(names) == 2 else "files import each other in a circle"
    way_out = "move what both need into a file of its own"
    return problem("E0213", entry.path.at, f"{message}: {' → '.join(names)}", way_out)


def _place(path: Path) -> str:
    """Where a file really lies, links followed, so that it is read once however it is named."""
    return os.path.realpath(path)
