"""Opening a data file, and knowing what it is by how it begins."""

from __future__ import annotations

import gzip
import re
import shlex
import shutil
import stat
import tempfile
from typing import TYPE_CHECKING, BinaryIO, cast

from evalspec.text.diagnostics import nearest

if TYPE_CHECKING:
    from evalspec.data.faults import Faults
    from evalspec.language.program import DataFile

BUFFER = 2**18
GZIP = b"\x1f\x8b"


def opened(faults: Faults) -> BinaryIO | None:
    """The file, opened, or None with the reason told. Pipes and devices are refused: they may never end."""
    file = faults.file
    if is_remote(file.written):
        return _fetched(faults)
    try:
        mode = file.path.stat().st_mode
        if stat.S_ISDIR(mode):
            faults.in_spec("E0622", f"`{file.written}` is a folder", "name its files: `file([…])`")
        elif not stat.S_ISREG(mode):
            faults.in_spec("E0623", f"`{file.written}` is a pipe or device, not a file")
        else:
            return file.path.open("rb", buffering=BUFFER)
    except (FileNotFoundError, NotADirectoryError):
        faults.in_spec("E0621", f"there is no file `{file.written}`", *_ways_to_find(file))
    except OSError as fault:
        faults.in_spec("E0623", f"`{file.written}` cannot be read: {fault.strerror}")
    except ValueError:  # a NUL in the path
        faults.in_spec("E0623", "this path holds a character that no path can")
    return None


def is_remote(written: str) -> bool:
    """Whether a path names a file on another machine, such as `s3://bucket/a.csv`."""
    return re.match(r"[a-z][a-z0-9+.-]+://", written) is not None


def _fetched(faults: Faults) -> BinaryIO | None:
    """A remote file, copied into a temporary one; None with the reason told."""
    written = faults.file.written
    try:
        import fsspec
    except ImportError:
        faults.in_spec("E0623", f"reading `{written}` needs the package fsspec", "`pip install fsspec`")
        return None
    local = tempfile.TemporaryFile()  # noqa: SIM115 - its reader closes it
    try:
        with fsspec.open(written, "rb") as far:
            shutil.copyfileobj(far, local, BUFFER)
    except ImportError as fault:
        faults.in_spec("E0623", f"`{written}` cannot be read: {fault}", "install what it names")
    except FileNotFoundError:
        faults.in_spec("E0621", f"there is no file `{written}`")
    except Exception as fault:  # noqa: BLE001 - each kind of storage has errors of its own
        why = (str(fault).splitlines() or [""])[0] or type(fault).__name__
        faults.in_spec("E0623", f"`{written}` cannot be read: {why}")
    else:
        local.seek(0)
        return cast(BinaryIO, local)
    local.close()
    return None


def unpacked(raw: BinaryIO, file: DataFile) -> BinaryIO:
    """The file's text as bytes: itself, or what it unpacks to."""
    if not file.gzipped:
        return raw
    # Read as it is: a buffer around it would swallow the lines before a break.
    return cast(BinaryIO, gzip.GzipFile(fileobj=raw, mode="rb"))


def strange_beginning(raw: bytes, file: DataFile) -> tuple[str, str, str] | None:
    """The code, sentence and way out for a file that begins like another format; None for text."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "E0626", "this file is UTF-16, and UTF-8 is due", iconv(file, "UTF-16")
    if raw.startswith(GZIP):
        if file.gzipped:
            return "E0642", "this file is gzipped twice", "unpack it once"
        return "E0642", "this file is gzipped, and its name does not say so", f"name it `{file.written}.gz`"
    if raw.startswith(b"PK\x03\x04"):
        return "E0626", "this is a zip archive or a workbook, not text", "save the sheet as CSV (UTF-8)"
    if raw.startswith(b"PAR1"):
        return "E0626", "this is a Parquet file, not text", "write it as JSON Lines"
    return None


def iconv(file: DataFile, encoding: str) -> str:
    """The command that makes a UTF-8 copy of a file."""
    name = file.written.removesuffix(".gz") if file.gzipped else file.written
    stem, dot, ending = name.rpartition(".")
    target = f"{stem}.utf8.{ending}" if dot else f"{name}.utf8"
    source = shlex.quote(file.written)
    if file.gzipped:
        return f"`gunzip -c {source} | iconv -f {encoding} -t UTF-8 > {shlex.quote(target)}`"
    return f"`iconv -f {encoding} -t UTF-8 {source} > {shlex.quote(target)}`"


def _ways_to_find(file: DataFile) -> tuple[str, ...]:
    folder = file.path.parent
    try:
        names = [entry.name for entry in folder.iterdir()]
    except OSError:
        return (f"there is no folder `{folder.name}` either",)
    guess = nearest(file.path.name, names)
    return (f"did you mean `{guess}`?",) if guess else ("paths start from the spec's folder",)
