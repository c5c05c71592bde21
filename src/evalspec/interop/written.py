"""Assertions as a configuration writes them: nodes of YAML, or cells of a table such as `contains: Paris`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalspec.interop.assertions import MAPPED, NOT_MAPPED
from evalspec.interop.nodes import Node
from evalspec.interop.reach import Reach

DEEPEST = 10  # sets within sets
LISTS = ("contains-all", "contains-any", "icontains-all", "icontains-any")
CODE_CELLS = (("javascript:", "javascript"), ("fn:", "javascript"), ("eval:", "javascript"),
              ("python:", "python"), ("grade:", "llm-rubric"), ("llm-rubric:", "llm-rubric"))  # fmt: skip
CELL = re.compile(r"(not-)?([a-z0-9:-]+?)(?:\((\d+(?:\.\d+)?)\))?(?::([\s\S]*))?")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Assertion:
    """One assertion as it is written, once, whatever the tests that it holds for.

    `refused` says why nothing of it can be judged, whatever its type.
    """

    kind: str
    value: Any
    where: str
    weight: bool = False
    refused: str = ""


def read_assertions(node: Node | None, root: Node, reach: Reach, base: Path) -> tuple[Assertion, ...]:
    """The assertions of a test; those of a set stand for themselves."""
    if node is not None and node.text is not None and node.text.startswith("file://"):
        loaded = reach.nodes(node.text, base)
        node, base = loaded if loaded is not None else (None, base)
    return tuple(_each(node, root, reach, base)) if node is not None else ()


def _each(
    node: Node, root: Node, reach: Reach, base: Path, refused: str = "", depth: int = 0
) -> Iterator[Assertion]:
    for item in node.items or (node,) if depth < DEEPEST else ():
        target = _referred(item, root)
        where = f"{item.at.file}:{item.line}"
        kind = target.get("type")
        if kind is not None and kind.text == "assert-set":
            why = "part of a set of which only some need to hold" if target.get("threshold") else refused
            nested = target.get("assert")
            if nested is not None:
                yield from _each(nested, root, reach, base, why, depth + 1)
        elif kind is None or kind.text is None:
            yield Assertion(kind="?", value=None, where=where, refused="it has no `type`")
        else:
            yield _assertion(target, kind.text, where, reach, base, refused)


def _assertion(node: Node, kind: str, where: str, reach: Reach, base: Path, refused: str) -> Assertion:
    value, weight = node.get("value"), node.get("weight")
    if node.get("transform") is not None:
        refused = refused or "its `transform` is JavaScript, which changes the answer first"
    if node.get("normalizeUnicode") is not None:
        refused = refused or "its `normalizeUnicode` is not carried over"
    plain = value.plain() if value is not None else None
    if isinstance(plain, str) and plain.startswith("file://") and kind.removeprefix("not-") in MAPPED:
        plain, refused = _of_file(plain, reach, base, refused)
    return Assertion(
        kind=kind, value=plain, where=where, refused=refused, weight=weight is not None and weight.value != 1
    )


def _of_file(name: str, reach: Reach, base: Path, refused: str) -> tuple[Any, str]:
    """The value in a file, and why it cannot be had where it is made by code."""
    ending = Path(name.partition(".js:")[0].partition(".py:")[0]).suffix.lower()
    if ending in (".json", ".yaml", ".yml"):
        loaded = reach.nodes(name, base)
        return (loaded[0].plain() if loaded is not None else None), refused
    if ending == ".txt":
        source = reach.text(name, base)
        return (source.text.strip() if source is not None else None), refused
    return None, refused or f"its value comes from `{name}`, and an import runs no code"


def _referred(node: Node, root: Node) -> Node:
    """What `$ref: "#/assertionTemplates/name"` means, or the node itself."""
    reference = node.get("$ref")
    if reference is None or reference.text is None or not reference.text.startswith("#/"):
        return node
    found: Node | None = root
    for part in reference.text[2:].split("/"):
        found = found.get(part) if found is not None else None
    return found if found is not None else node


def from_cell(text: str, where: str) -> Assertion:
    """An assertion of an `__expected` cell: `type: value`, or the text that the answer equals."""
    for start, kind in CODE_CELLS:
        if text.startswith(start):
            return Assertion(kind=kind, value=text[len(start) :].strip(), where=where)
    if text.startswith("file://"):
        return Assertion(kind="javascript" if ".py" not in text else "python", value=text, where=where)
    found = CELL.fullmatch(text)
    if found is None or (found[2] not in MAPPED and found[2] not in NOT_MAPPED):
        return Assertion(kind="equals", value=text, where=where)
    kind, value = f"{found[1] or ''}{found[2]}", found[4].strip() if found[4] is not None else None
    if found[2] in LISTS and value:
        return Assertion(kind=kind, value=[part.strip() for part in value.split(",")], where=where)
    return Assertion(kind=kind, value=value, where=where)
