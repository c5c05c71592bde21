"""Images beside a message: found where the data say, known by their content, written as they are sent.

A path in the data is not trusted: only files with an image's first bytes are sent, and only from the folder
tree of the data file or of the spec. Addresses on the web are passed on as they stand and never fetched here.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from evalspec.text.patterns import Pattern
from evalspec.text.values import dataclass, field

if TYPE_CHECKING:
    from evalspec.language.program import Dataset
    from evalspec.text.values import Json

LARGEST = 20 * 1024 * 1024
LONGEST_ADDRESS = 8_000
WEB = Pattern(r"https?://[^\s/?#]+[^\s]*", re.IGNORECASE)
SCHEME = Pattern(r"[a-zA-Z][a-zA-Z0-9+.-]+:")
DATA = Pattern(r"data:(image/[a-z0-9.+-]+);base64,([A-Za-z0-9+/]+={0,2})", re.IGNORECASE)
BEGINNING = 16  # bytes that tell a format


class NoImage(ValueError):
    """Something in the data is no image that can be sent; the message says why."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image: an address on the web as `url`, or the content of a file or `data:` address by its digest.

    `written` is how the data name it. Of a file only the digest is held; it is read when it is sent.
    """

    written: str
    url: str = ""
    media: str = ""
    sha256: str = ""
    file: Path | None = field(default=None, compare=False)

    @property
    def label(self) -> str:
        """How the image is called where people read: a `data:` address by its digest."""
        inside = self.written[:5].lower() == "data:"
        return f"{self.media} {self.sha256[:12]}" if inside else self.written


@dataclass(frozen=True, slots=True, kw_only=True)
class Album:
    """Where the images of a dataset lie: the folder of each data file, and the folders they may not leave."""

    folders: Mapping[str, Path]
    roots: tuple[Path, ...]
    otherwise: Path

    @classmethod
    def of(cls, dataset: Dataset) -> Album:
        """That of a dataset: its data files' folders, and the folder of the spec that names them."""
        spec = dataset.at.source.folder
        folders = {file.written: file.path.parent for file in dataset.files}
        roots = (spec, *folders.values())
        return cls(folders=folders, roots=tuple(dict.fromkeys(r.resolve() for r in roots)), otherwise=spec)

    def find(self, written: str, data_file: str) -> Image:
        """The image that a cell names, with its digest. Raises NoImage."""
        image = self.look(written, data_file)
        return image if image.file is None else _with_digest(image, image.file)

    def look(self, written: str, data_file: str) -> Image:
        """The same by its first bytes alone, without a digest. Raises NoImage."""
        if written[:5].lower() == "data:":
            return _of_data(written)
        if WEB.fullmatch(written):
            if len(written) > LONGEST_ADDRESS:
                raise NoImage(f"the address is longer than {LONGEST_ADDRESS:,} characters")
            return Image(written, url=written)
        if SCHEME.match(written):
            raise NoImage("only http(s) and data: addresses can be sent, and paths of files")
        return self._of_file(written, self.folders.get(data_file, self.otherwise))

    def _of_file(self, written: str, folder: Path) -> Image:
        try:
            path = (folder / written).resolve(strict=True)
            if not any(path.is_relative_to(root) for root in self.roots):
                raise NoImage("the file lies outside the folders of the data and of the spec")
            told = path.stat()
            if not stat.S_ISREG(told.st_mode):
                raise NoImage("this is no file")
            if told.st_size > LARGEST:
                raise NoImage(f"the file is larger than {LARGEST >> 20} MB")
            with path.open("rb") as file:
                media = media_of(file.read(BEGINNING))
        except FileNotFoundError as fault:
            raise NoImage("there is no such file") from fault
        except (
            OSError,
            ValueError,
            RuntimeError,
        ) as fault:  # ValueError: a NUL; RuntimeError: links in a circle
            if isinstance(fault, NoImage):
                raise
            reason = fault.strerror if isinstance(fault, OSError) and fault.strerror else "no path"
            raise NoImage(f"the file cannot be read: {reason}") from fault
        if media is None:
            raise NoImage("this is no png, jpeg, gif or webp image")
        return Image(written, media=media, file=path)


def named_in(cell: object) -> tuple[str, ...]:
    """The images that a cell names: one, several in a list, or none where it is empty."""
    if isinstance(cell, list):
        return tuple(name for item in cell for name in named_in(item))
    text = cell.strip() if isinstance(cell, str) else "" if cell is None else str(cell)
    return (text,) if text else ()


def media_of(beginning: bytes) -> str | None:
    """The media type that the first bytes of a file tell, None where they are no image's."""
    if beginning.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if beginning.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if beginning.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if beginning.startswith(b"RIFF") and beginning[8:12] == b"WEBP":
        return "image/webp"
    return None


def _of_data(written: str) -> Image:
    found = DATA.fullmatch(written)
    if found is None:
        raise NoImage("a data: address is `data:image/png;base64,…`")
    try:
        content = base64.b64decode(found.group(2), validate=True)
    except binascii.Error as fault:
        raise NoImage(f"the data: address does not decode: {fault}") from fault
    media = media_of(content[:BEGINNING])
    if media is None:
        raise NoImage("the data: address holds no png, jpeg, gif or webp image")
    return Image(written, media=media, sha256=hashlib.sha256(content).hexdigest())


# ── content ───────────────────────────────────────────────────────────────────────────────────────


def _with_digest(image: Image, path: Path) -> Image:
    try:
        told = path.stat()
        digest = _digest(path, told.st_size, told.st_mtime_ns)
    except OSError as fault:
        raise NoImage(f"the file cannot be read: {fault.strerror}") from fault
    return Image(image.written, media=image.media, sha256=digest, file=path)


@lru_cache(maxsize=100_000)
def _digest(path: Path, size: int, changed_ns: int) -> str:
    """The digest of a file that has this size since this moment."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _address(image: Image) -> str:
    """What is sent as an image's address. Raises NoImage where the file is another one by now."""
    if image.url or image.file is None:
        return image.url or image.written
    try:
        content = image.file.read_bytes()
    except OSError as fault:
        raise NoImage(f"`{image.written}` cannot be read any more: {fault.strerror}") from fault
    if hashlib.sha256(content).hexdigest() != image.sha256:
        raise NoImage(f"`{image.written}` has changed since the run began")
    return f"data:{image.media};base64,{base64.b64encode(content).decode()}"


def _identity(image: Image) -> str:
    """What stands for an image in a key: its address, or its content whatever file it lies in."""
    return image.url or f"sha256:{image.sha256}"


def content_parts(text: str, images: tuple[Image, ...], *, whole: bool) -> Json:
    """A message's content: the text alone, or with image parts behind it.

    `whole` writes images as they are sent, and raises NoImage where that cannot be; else their identity.
    """
    if not images:
        return text
    return [{"type": "text", "text": text}, *_parts(images, _address if whole else _identity)]


def _parts(images: tuple[Image, ...], said: Callable[[Image], str]) -> Iterator[Json]:
    for image in images:
        yield {"type": "image_url", "image_url": {"url": said(image)}}
