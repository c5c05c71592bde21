"""The examples in the pages of the codes: fenced blocks, taken apart and written to disk.

A block ```eval is the spec. Blocks with `file="…"` are files beside it: their text, `hex` for bytes, `gzip`
for text that is packed. In a text `{fill}` becomes N times `of` with `fill=N of="…"`, and with `repeat=N` all
lines behind the first stand N times, `{n}` in them counting from 1; with `copies=N` there are N files, their
names counted in the same way. Blocks under "The data" belong to both.
"""

from __future__ import annotations

import gzip
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

from evalspec.report.pages import page
from evalspec.text.catalogue import CATALOGUE

FENCE = re.compile(r"^```(?P<info>[^\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
ATTRIBUTE = re.compile(r'(\w+)=(?:"([^"]*)"|(\S+))')
HEADINGS = {"The data", "Wrong", "Repaired"}
SPEC = "spec.eval"


@dataclass(frozen=True, slots=True)
class Example:
    """One spec of a page with the files beside it, by name."""

    files: dict[str, bytes]
    command: str

    def write(self, folder: Path) -> Path:
        """Writes the files; the path of the spec, which an example may leave out."""
        for name, content in self.files.items():
            (folder / name).write_bytes(content)
        return folder / SPEC


@dataclass(frozen=True, slots=True)
class Page:
    """A page's title, its prose, and its two examples."""

    title: str
    prose: str
    wrong: Example
    repaired: Example


def every_code() -> list[str]:
    return sorted(code for code in CATALOGUE if page(code) is not None)


def read_page(code: str) -> Page:
    """The page of a code, taken apart."""
    text = page(code) or ""
    head, *sections = re.split(r"^## ", text, flags=re.MULTILINE)
    by_name = {section.partition("\n")[0]: section.partition("\n")[2] for section in sections}
    assert set(by_name) <= HEADINGS, f"{code}: a heading that pages do not have"
    shared = by_name.get("The data", "")
    title, _, prose = head.partition("\n")
    examples = [_example(shared + by_name[name]) for name in ("Wrong", "Repaired")]
    return Page(title, prose.strip(), *examples)


def _example(text: str) -> Example:
    files: dict[str, bytes] = {}
    command = "check"
    for block in FENCE.finditer(text):
        kind, *_ = block["info"].split(" ", 1)
        given = {name: quoted or bare for name, quoted, bare in ATTRIBUTE.findall(block["info"])}
        command = given.get("command", command)
        name = given.get("file", SPEC)
        for n in range(1, int(given.get("copies", "1")) + 1):
            counted = name.replace("{n}", str(n))
            assert counted not in files, f"{counted} stands twice"
            files[counted] = _content(kind, textwrap.dedent(block["body"]).replace("{copy}", str(n)), given)
    return Example(files, command)


def _content(kind: str, body: str, given: dict[str, str]) -> bytes:
    body = body.replace("{fill}", given.get("of", "x").replace("\\n", "\n") * int(given.get("fill", "0")))
    if "repeat" in given:
        header, rows = body.split("\n", 1)
        times = range(1, int(given["repeat"]) + 1)
        body = f"{header}\n" + "".join(rows.replace("{n}", str(n)) for n in times)
    if kind == "hex":
        return bytes.fromhex(body)
    return gzip.compress(body.encode(), mtime=0) if kind == "gzip" else body.encode()
