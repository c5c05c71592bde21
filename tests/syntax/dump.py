"""A tree as text, one node a line with its place, so that golden cases can be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass

from evalspec.syntax.tree import File, Word
from evalspec.text.source import Span
from evalspec.text.units import Quantity


def dumped(file: File) -> str:
    """The entries of a file, indented by depth; comments at the end."""
    lines = [line for entry in file.entries for line in _lines(entry, "")]
    lines += [f"comment {_place(at)} {at.source.text[at.start : at.end]!r}" for at in file.comments]
    return "".join(f"# {line}\n" for line in lines)


def _lines(node: object, name: str, depth: int = 0) -> Iterator[str]:
    blank = "  " * depth
    label = f"{name}: " if name else ""
    if isinstance(node, tuple):
        for item in node:
            yield from _lines(item, name, depth)
    elif isinstance(node, Word):
        quoted = " quoted" if node.quoted else ""
        yield f"{blank}{label}{node.text!r} {_place(node.at)}{quoted}"
    elif isinstance(node, Quantity):
        yield f"{blank}{label}{node.value} {node.unit.name.lower()} from {node.text!r}"
    elif is_dataclass(node) and not isinstance(node, type):
        plain = [f.name for f in fields(node) if _is_plain(getattr(node, f.name))]
        said = " ".join(f"{n}={getattr(node, n)!r}" for n in plain)
        at = getattr(node, "at", None)
        yield " ".join(
            part for part in (f"{blank}{label}{type(node).__name__}", _place(at) if at else "", said) if part
        )
        for field in fields(node):
            value = getattr(node, field.name)
            if field.name not in (*plain, "at", "header") and value is not None:
                yield from _lines(value, field.name, depth + 1)


def _is_plain(value: object) -> bool:
    return isinstance(value, str | bool)


def _place(at: Span) -> str:
    return "{}:{}-{}:{}".format(*at.begin, *at.finish)
