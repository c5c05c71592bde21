"""The specs that the formatter is tried on, what they say, and ways to put comments and blanks into them.

None of this asks the formatter's own reading: a text is told apart here by an expression of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from pathlib import Path

from evalspec.syntax.format import format_source
from evalspec.syntax.parse import parse
from evalspec.syntax.tree import File
from evalspec.text.diagnostics import Diagnostic
from evalspec.text.source import Source, Span

LONGEST_SHAPE = 120  # tokens
ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```(?:eval)?[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
QUOTED = r'"""[\s\S]*?"""|\br"[^"\n]*"|"(?:[^"\\\n]|\\.)*"'
ATOM = re.compile(rf"(?P<quoted>{QUOTED})|(?P<comment>#[^\n]*)|(?P<other>[^\s,;])")
WORD = re.compile(
    rf"(?P<quoted>{QUOTED})|(?P<comment>#[^\n]*)|(?P<quantity>\$?\d[\d_]*(?:\.[\d_]+)?(?:[eE][+-]?\d+)?"
    r"(?:%|\w+|/(?:s|min|h)\b)?)|(?P<metric>[A-Za-z_]\w*[@^]\d+(?:\.\d+)?%?|p\d+\.\d+)|(?P<name>\w+)"
    r"|(?P<sign><=|>=|==|!=|\S)|(?P<line>\n)"
)


def source_of(text: str) -> Source:
    return Source(name="a.eval", text=text)


def formatted(text: str) -> str:
    """A spec's text formatted; it is an error of the test if it is refused."""
    found, faults = format_source(source_of(text))
    assert faults == (), [(d.code, d.at.begin, d.message) for d in faults]
    return found


@lru_cache(8)  # what is asked whether it parses is asked next what it says
def read(text: str) -> tuple[File, Sequence[Diagnostic]]:
    """What a spec's text is parsed to, and its faults."""
    return parse(source_of(text))


def parses(text: str) -> bool:
    return not read(text)[1]


def faults_of(text: str) -> list[Diagnostic]:
    return list(format_source(source_of(text))[1])


# ── what a spec says ──────────────────────────────────────────────────────────────────────────────


@lru_cache(8)
def tree(text: str) -> object:
    """All that the tree of a spec says, its places aside."""
    file, faults = read(text)
    assert faults == ()
    return _said(file.entries)


def _said(node: object) -> object:
    if isinstance(node, tuple):
        return tuple(_said(item) for item in node)
    names = getattr(type(node), "__match_args__", None)
    if names is None:
        return node
    values = (getattr(node, name) for name in names)
    return type(node).__name__, tuple(_said(value) for value in values if not isinstance(value, Span))


def skeleton(text: str) -> list[str]:
    """Every character that counts and every comment, in order: all but blanks, commas and semicolons."""
    return [m.group().rstrip() if m.lastgroup == "comment" else m.group() for m in ATOM.finditer(text)]


def comments(text: str) -> list[str]:
    return [m.group().rstrip() for m in ATOM.finditer(text) if m.lastgroup == "comment"]


# ── the specs ─────────────────────────────────────────────────────────────────────────────────────


@cache
def every_spec() -> dict[str, str]:
    """Every spec of the project that parses, by where it stands: files, examples in pages, cases."""
    found = {str(p.relative_to(ROOT)): p.read_text(encoding="utf-8-sig") for p in _files()}
    for page in sorted([*ROOT.glob("docs/**/*.md"), ROOT / "README.md"]):
        for i, fence in enumerate(FENCE.findall(page.read_text(encoding="utf-8"))):
            found[f"{page.relative_to(ROOT)}:{i}"] = fence
    return {name: text for name, text in found.items() if text.strip() and parses(text)}


def _files() -> Iterator[Path]:
    for folder in ("specs", "tests/cases/check", "tests/cases/fmt", "tests/cases/syntax", "tests/real"):
        yield from sorted((ROOT / folder).glob("**/*.eval"))


@cache
def every_shape() -> tuple[str, ...]:
    """Top-level entries of those specs, one for each sequence of token kinds, none of great length."""
    found: dict[tuple[str, ...], str] = {}
    for text in every_spec().values():
        for kinds, cut in shapes_of(text).items():
            if len(kinds) <= LONGEST_SHAPE:
                found.setdefault(kinds, cut)
    return tuple(found.values())


@cache
def telling_specs() -> tuple[str, ...]:
    """Those specs, without the ones that have no entry of a shape of its own."""
    seen: set[tuple[str, ...]] = set()
    found = []
    for text in every_spec().values():
        shapes = set(shapes_of(text))
        if not shapes <= seen:
            found.append(text)
        seen |= shapes
    return tuple(found)


@cache
def shapes_of(text: str) -> dict[tuple[str, ...], str]:
    """The top-level entries of a spec by the kinds of their tokens."""
    file, _ = read(text)
    cuts = [text[entry.at.start : entry.at.end] for entry in file.entries]
    return {tuple(_kind(m) for m in WORD.finditer(cut)): cut for cut in cuts}


def _kind(word: re.Match[str]) -> str:
    return word.group() if word.lastgroup == "sign" else str(word.lastgroup)


def words(text: str) -> list[re.Match[str]]:
    """The tokens of a spec, comments and line breaks among them."""
    return list(WORD.finditer(text))


def gaps(text: str) -> list[int]:
    """The places between tokens, where something might be put in: behind each token, and at the start."""
    return [0, *(m.end() for m in words(text) if m.lastgroup not in ("comment", "line"))]
