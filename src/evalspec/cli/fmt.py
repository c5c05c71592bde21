"""`evalspec fmt`: brings specs into the style of the house, or says which are not in it."""

from __future__ import annotations

import argparse
import difflib
import io
import os
import stat
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from evalspec.cli.main import DONE, INCOMPLETE, SPEC_WRONG, Usage
from evalspec.cli.output import is_folder, tell
from evalspec.report.glyphs import visible
from evalspec.spec_files import LARGEST_SPEC, read_source, source_of, too_large
from evalspec.syntax.format import format_source
from evalspec.text.diagnostics import Diagnostic
from evalspec.text.source import Source
from evalspec.text.values import dataclass, replace

STREAM = "-"
MARK = "\ufeff"  # of byte order; specs have none
INTERNAL = "E0120"


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `fmt` takes."""
    where = "a spec, a folder of specs, or `-`: standard input to standard output"
    parser.add_argument("paths", nargs="+", metavar="PATH", help=where)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; name what would change, and exit 1"
    )
    parser.add_argument("--diff", action="store_true", help="write nothing; print what would change")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one spec: its text, that text formatted (the same where there are faults), what is
    wrong with it, and why it could not be written."""

    name: str
    before: str
    after: str
    faults: tuple[Diagnostic, ...] = ()
    unwritten: str | None = None

    @property
    def differs(self) -> bool:
        return self.before != self.after


def run(options: argparse.Namespace) -> int:
    """Formats every spec; 1 where one does not parse or, with `--check`, is not formatted."""
    if STREAM in options.paths:
        return _stream(options)
    looks = options.check or options.diff
    outcomes = []
    for path in _specs(options.paths):
        outcome = _of_file(path)
        if outcome.differs and not looks:
            outcome = replace(outcome, unwritten=_replaced(path, outcome.before, outcome.after))
        outcomes.append(outcome)
        _show(outcome, options)
    tell([fault for outcome in outcomes for fault in outcome.faults])
    print(_summary(outcomes, looks=looks), file=sys.stderr)
    return _code(outcomes, check=options.check)


def _code(outcomes: Sequence[Outcome], *, check: bool) -> int:
    codes = {fault.code for outcome in outcomes for fault in outcome.faults}
    if INTERNAL in codes or any(outcome.unwritten for outcome in outcomes):
        return INCOMPLETE
    wrong = codes or (check and any(outcome.differs for outcome in outcomes))
    return SPEC_WRONG if wrong else DONE


def _specs(paths: Sequence[str]) -> list[Path]:
    """The specs that paths mean, each once. Raises Usage for a folder without any."""
    found: dict[str, Path] = {}
    for path in map(Path, paths):
        specs = sorted(p for p in path.rglob("*.eval") if not p.is_dir()) if is_folder(path) else [path]
        if not specs:
            raise Usage(f"there is no spec (*.eval) in {path}")
        for spec in specs:
            found.setdefault(os.path.realpath(spec), spec)
    return list(found.values())


# ── reading ───────────────────────────────────────────────────────────────────────────────────────


def _of_file(path: Path) -> Outcome:
    source, fault = read_source(path)
    if fault is not None:
        return Outcome(name=str(path), before="", after="", faults=(fault,))
    return _outcome(source, marked=_is_marked(path))


def _is_marked(path: Path) -> bool:
    """Whether a file begins with a byte order mark, which reading it leaves out. Pipes are read once."""
    mark = MARK.encode()
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(mark)) == mark


def _outcome(source: Source, *, marked: bool) -> Outcome:
    before = MARK + source.text if marked else source.text
    after, faults = format_source(source)
    return Outcome(name=source.name, before=before, after=before if faults else after, faults=faults)


def _stream(options: argparse.Namespace) -> int:
    """Formats standard input to standard output, which stays empty where there are faults."""
    if len(options.paths) > 1:
        raise Usage("`-` stands alone: standard input is formatted to standard output")
    outcome = _of_stdin()
    if outcome.faults or options.check or options.diff:
        _show(outcome, options)
        tell(outcome.faults)
    else:
        _write_out(outcome.after)
    return _code([outcome], check=options.check)


def _of_stdin() -> Outcome:
    name = "<stdin>"
    if sys.stdin is None:
        raise Usage("standard input is closed")
    raw = sys.stdin.buffer.read(LARGEST_SPEC + 1)
    source, fault = source_of(raw, name)
    if len(raw) > LARGEST_SPEC:
        fault = too_large(source)
    if fault is not None:
        return Outcome(name=name, before="", after="", faults=(fault,))
    return _outcome(source, marked=raw.startswith(MARK.encode()))


# ── writing ───────────────────────────────────────────────────────────────────────────────────────


def _replaced(path: Path, before: str, after: str) -> str | None:
    """Puts the new text in a file's place, whole or not at all; why it could not. Links are followed."""
    target = Path(os.path.realpath(path))
    if not target.is_file():
        return "it is no regular file"
    if not os.access(target, os.W_OK):
        return "it is read-only"
    beside = None
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=".evalspec-fmt-")
        beside = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(after.encode())
            file.flush()
            os.fsync(handle)
        _take_after(beside, target)
        if target.read_bytes() != before.encode():
            return "it was changed in the meantime"
        beside.replace(target)
    except OSError as fault:
        return fault.strerror or str(fault)
    finally:
        if beside is not None:
            with suppress(OSError):  # once it has taken the target's place it is gone
                beside.unlink()
    return None


def _take_after(new: Path, old: Path) -> None:
    """Gives a file another's mode, and its owner where we may."""
    told = old.stat()
    if (told.st_uid, told.st_gid) != (new.stat().st_uid, new.stat().st_gid):
        with suppress(PermissionError):
            os.chown(new, told.st_uid, told.st_gid)
    new.chmod(stat.S_IMODE(told.st_mode))


# ── telling ───────────────────────────────────────────────────────────────────────────────────────


def _show(outcome: Outcome, options: argparse.Namespace) -> None:
    name = visible(outcome.name)
    if outcome.unwritten is not None:
        print(f"error: {name} cannot be written: {outcome.unwritten}; it is as it was", file=sys.stderr)
    elif outcome.differs and options.diff:
        _write_out("".join(_difference(outcome)))
    elif outcome.differs and options.check:
        print(name)
    elif outcome.differs:
        print(f"formatted {name}", file=sys.stderr)


def _write_out(text: str) -> None:
    """Writes to standard output as a file would be written: UTF-8, and line breaks as they are."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", newline="")
    sys.stdout.write(text)


def _difference(outcome: Outcome) -> Iterator[str]:
    """A unified diff, as `patch` takes it; on a terminal, nothing in it acts on the terminal."""
    before, after = _lines(outcome.before), _lines(outcome.after)
    for line in difflib.unified_diff(before, after, outcome.name, outcome.name):
        text = line.removesuffix("\n")
        yield (visible(text) if sys.stdout.isatty() else text) + "\n"
        if text == line:
            yield "\\ No newline at end of file\n"


def _lines(text: str) -> list[str]:
    lines = [line + "\n" for line in text.split("\n")]
    last = lines.pop().removesuffix("\n")
    return [*lines, last] if last else lines


def _summary(outcomes: Sequence[Outcome], *, looks: bool) -> str:
    """How many there were and what became of them."""
    faulty = sum(bool(outcome.faults) for outcome in outcomes)
    unwritten = sum(outcome.unwritten is not None for outcome in outcomes)
    differing = sum(outcome.differs for outcome in outcomes) - unwritten
    specs = "1 spec" if len(outcomes) == 1 else f"{len(outcomes)} specs"
    counted = {
        "would change" if looks else "formatted": differing,
        "unchanged": len(outcomes) - faulty - unwritten - differing,
        "with errors": faulty,
        "not written": unwritten,
    }
    return f"{specs}: " + ", ".join(f"{count} {what}" for what, count in counted.items() if count)
