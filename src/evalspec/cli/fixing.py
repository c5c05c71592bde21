"""`evalspec check --fix`: applies certain fixes to the files on disk, as long as nothing gets worse.

Pass by pass: apply together what can be applied, check again, keep it if no file has more errors than it
had, else put the files back and try the fixes by halves.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from evalspec.text.diagnostics import Diagnostic, errors
from evalspec.text.edits import Certain, certain_fixes, edited, sources_of
from evalspec.text.source import Source, Span
from evalspec.text.values import dataclass, field

MOST_PASSES = 20  # each brings at least one fix, so that two fixes that undo each other come to an end
MARK = b"\xef\xbb\xbf"

Look = Callable[[Path], Sequence[Diagnostic]]


@dataclass(slots=True)
class Fixing:
    """What came of fixing: what was applied, what would have made things worse, what could not be written."""

    look: Look
    specs: Sequence[Path]
    applied: list[Certain] = field(default_factory=list)
    refused: list[Certain] = field(default_factory=list)
    unwritten: list[str] = field(default_factory=list)

    def open(self, found: Sequence[Diagnostic]) -> list[Certain]:
        """The certain fixes of `found` that were not tried in vain."""
        tried = {fix.said for fix in self.refused}
        return [fix for fix in certain_fixes(found) if fix.said not in tried and _on_disk(fix)]


def fix_files(specs: Sequence[Path], look: Look) -> Fixing:
    """Fixes every spec, with the files that its diagnostics are about. `look` says what is wrong with one."""
    fixing = Fixing(look, specs)
    for spec in specs:
        for _ in range(MOST_PASSES):
            batch = fixing.open(look(spec))
            if not batch or not _pass(batch, spec, fixing):
                break
    return fixing


def _pass(batch: Sequence[Certain], spec: Path, fixing: Fixing) -> bool:
    """Applies a batch, or by halves what can be applied of it; whether anything was changed."""
    if _attempt(batch, spec, fixing):
        return True
    if fixing.unwritten:
        return False
    if len(batch) == 1:
        fixing.refused += batch
        return False
    middle = len(batch) // 2
    first = _pass(batch[:middle], spec, fixing)
    wanted = {fix.said for fix in batch[middle:]}
    second = [fix for fix in fixing.open(fixing.look(spec)) if fix.said in wanted]  # their places moved
    return bool(second and not fixing.unwritten and _pass(second, spec, fixing)) or first


def _attempt(batch: Sequence[Certain], spec: Path, fixing: Fixing) -> bool:
    """Writes the files with the fixes; puts them back and is false where that makes one worse."""
    edits = [edit for one in batch for edit in one.fix.edits]
    sources = sources_of(edits)
    alone = all(source.path == spec for source in sources)
    watched = [spec] if alone else list(dict.fromkeys([spec, *fixing.specs]))
    before = _errors(watched, fixing.look)
    kept: dict[Path, bytes] = {}
    try:
        for source in sources:
            assert source.path is not None  # noqa: S101 - _on_disk saw to it
            raw = source.path.read_bytes()
            replace(source.path, _encoded(edited(source, edits), raw))
            kept[source.path] = raw
    except OSError as fault:
        fixing.unwritten.append(f"{fault.filename or spec} cannot be written: {fault.strerror or fault}")
        _put_back(kept, fixing)
        return False
    after = _errors(watched, fixing.look)
    if any(after[file] > before[file] for file in after):
        _put_back(kept, fixing)
        return False
    fixing.applied += batch
    return True


def _errors(specs: Sequence[Path], look: Look) -> Counter[str]:
    """How many errors stand in each spec and prompt; not those of data, which a fix may bring to light."""
    found = {d: None for spec in specs for d in errors(look(spec)) if isinstance(d.at, Span)}
    return Counter(diagnostic.at.file for diagnostic in found)


def _put_back(kept: dict[Path, bytes], fixing: Fixing) -> None:
    for path, raw in kept.items():
        try:
            replace(path, raw)
        except OSError as fault:
            fixing.unwritten.append(f"{path} cannot be put back as it was: {fault.strerror or fault}")


def _on_disk(fix: Certain) -> bool:
    """Whether all that a fix changes still lies on disk as it was read."""
    return all(_is_fresh(source) for source in sources_of(fix.fix.edits))


def _is_fresh(source: Source) -> bool:
    if source.path is None:
        return False
    try:
        return source.path.read_bytes().removeprefix(MARK) == source.text.encode()
    except (OSError, ValueError):
        return False


def _encoded(text: str, before: bytes) -> bytes:
    return (MARK if before.startswith(MARK) else b"") + text.encode()


def replace(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all, with the mode it has; raises OSError, also for a read-only file."""
    real = path.resolve()
    held = real.stat()
    if not held.st_mode & 0o222 or not os.access(real, os.W_OK):
        raise PermissionError(13, "it is read-only", str(path))
    beside = real.with_name(f".{real.name}.{os.getpid()}")
    try:
        with beside.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        shutil.copymode(real, beside)
        with suppress(OSError):  # only the superuser may give files away; anyone else owns it anyhow
            os.chown(beside, held.st_uid, held.st_gid)
        beside.replace(real)
    except OSError as fault:
        beside.unlink(missing_ok=True)
        raise OSError(fault.errno, fault.strerror or str(fault), str(path)) from fault
