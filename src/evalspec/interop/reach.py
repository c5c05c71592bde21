"""The files that a configuration names: read where they lie in its own folder, refused elsewhere."""

from __future__ import annotations

from pathlib import Path

from evalspec.interop.nodes import Node, read_nodes
from evalspec.interop.tables import place_of
from evalspec.text.diagnostics import Diagnostic, problem
from evalspec.text.source import Source
from evalspec.text.values import dataclass, field

MOST_BYTES = 4_000_000
MOST_FILES = 200


@dataclass(slots=True)
class Reach:
    """A folder and what was read in it. Faults of files are gathered, to be told in one go."""

    root: Path
    faults: list[Diagnostic] = field(default_factory=list)
    read: list[str] = field(default_factory=list)

    def inside(self, reference: str, base: Path) -> Path | None:
        """The path that `file://…` means, where it lies in the folder; None, told, where it does not."""
        path = base / reference.removeprefix("file://")
        try:
            resolved = path.resolve()
        except (OSError, RuntimeError, ValueError):
            resolved = None
        if resolved is None or not resolved.is_relative_to(self.root.resolve()):
            self._fault("E0224", path, f"`{reference}` lies outside the configuration's folder",
                        "copy it into the folder, and name it from there")  # fmt: skip
            return None
        return path

    def text(self, reference: str, base: Path) -> Source | None:
        """The text of a file; None, told, where it cannot be read."""
        path = self.inside(reference, base)
        if path is None or self._too_many(path):
            return None
        source = read_text(path, self.faults)
        if source is not None:
            self.read.append(str(path))
        return source

    def nodes(self, reference: str, base: Path) -> tuple[Node, Path] | None:
        """The value in a YAML or JSON file, and its folder; None, told, where there is none."""
        source = self.text(reference, base)
        if source is None or source.path is None:
            return None
        node, faults = read_nodes(source)
        self.faults.extend(faults)
        return (node, source.path.parent) if node is not None else None

    def several(self, reference: str, base: Path) -> list[str]:
        """The files that a name with `*` means, in their order, as names; one without is itself."""
        name = reference.removeprefix("file://")
        if not any(char in name for char in "*?[") or name.startswith("/") or ".." in name:
            return [reference]
        found = [path for path in sorted(base.glob(name)) if path.is_file()][:MOST_FILES]
        if not found:
            self._fault(
                "E0224", base / name, f"`{reference}` names no file", "paths start from the configuration"
            )
        return [path.relative_to(base).as_posix() for path in found]

    def _too_many(self, path: Path) -> bool:
        """Whether so many files were read that they rather name each other in a circle."""
        if len(self.read) == MOST_FILES:
            self._fault("E0224", path, f"more than {MOST_FILES} files are named", "do they name each other?")
            self.read.append(str(path))
        return len(self.read) > MOST_FILES

    def _fault(self, code: str, path: Path, message: str, help_line: str) -> None:
        self.faults.append(problem(code, place_of(path), message, help_line))


def read_text(path: Path, faults: list[Diagnostic], *, code: str = "E0220") -> Source | None:
    """A file as UTF-8 text; None, told, where it cannot be."""
    try:
        size = path.stat().st_size
        if not path.is_file() or size > MOST_BYTES:
            why = (
                "this is no file"
                if not path.is_file()
                else f"this file is larger than {MOST_BYTES // 10**6} MB"
            )
            faults.append(problem(code, place_of(path), why))
            return None
        return Source(
            name=str(path), text=path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n"), path=path
        )
    except UnicodeDecodeError as fault:
        faults.append(problem(code, place_of(path), f"this is not UTF-8: byte {fault.start:,} does not fit"))
    except (OSError, ValueError) as fault:
        said = fault.strerror if isinstance(fault, OSError) else str(fault)
        faults.append(problem(code, place_of(path), f"this cannot be read: {said}"))
    return None
