"""YAML and JSON as nodes that know their place, bounded in size, depth and what aliases unfold to.

The first step of an import. Only data come out: no tag makes an object, and nothing is executed. Plain
words mean what YAML 1.2 says (`yes` and `2024-01-01` are texts), as in the tools that wrote the files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evalspec.text.diagnostics import Diagnostic, problem
from evalspec.text.source import Source, Span

if TYPE_CHECKING:
    from collections.abc import Mapping

LARGEST = 1_000_000  # code points of one file
DEEPEST = 100
MOST_NODES = 300_000  # aliases unfolded
INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
PAIR = re.compile(r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
MERGE = "<<"
TAGS = frozenset(
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "seq", "map")
)

Scalar = str | int | float | bool | None


@dataclass(slots=True, eq=False)
class Node:
    """A value with its place: a scalar, a list of nodes, or nodes by key. `size`: how many it unfolds to."""

    value: Scalar | list[Node] | dict[str, Node]
    at: Span
    size: int = 1
    keys: dict[str, Span] = field(default_factory=dict)

    @property
    def line(self) -> int:
        return self.at.begin[0]

    def get(self, key: str) -> Node | None:
        """What stands under a key; None where there is none, or null."""
        found = self.value.get(key) if isinstance(self.value, dict) else None
        return found if found is not None and found.value is not None else None

    @property
    def items(self) -> tuple[Node, ...]:
        """The items of a list; none where this is no list."""
        return tuple(self.value) if isinstance(self.value, list) else ()

    @property
    def pairs(self) -> Mapping[str, Node]:
        """What stands under each key; nothing where this is no mapping."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def text(self) -> str | None:
        """The text, where this is one."""
        return self.value if isinstance(self.value, str) else None

    def plain(self) -> Any:
        """The value without places, as JSON has it."""
        match self.value:
            case dict():
                return {key: node.plain() for key, node in self.value.items()}
            case list():
                return [node.plain() for node in self.value]
            case _:
                return self.value


def read_nodes(source: Source) -> tuple[Node | None, tuple[Diagnostic, ...]]:
    """The value that a YAML or JSON text holds, or why it holds none. None without a fault: it is empty."""
    import yaml

    nowhere = Span(source, 0, 0)
    if len(source.text) > LARGEST:
        message = f"this file has more than {LARGEST:,} characters"
        return None, (problem("E0222", nowhere, message, "put its tests into a csv or jsonl file"),)
    # Tabs may indent JSON but not YAML; inside JSON's strings they cannot stand, so that none gets lost.
    is_json = source.text.lstrip()[:1] in ("{", "[")
    text = _whole_pairs(source.text.replace("\t", " ")) if is_json else source.text
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _Building(source).build(yaml.parse(text, Loader=loader)), ()
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        at = _at(source, mark.line, mark.column) if mark is not None else nowhere
        said = fault.problem or fault.context or "it does not parse"
        return None, (problem("E0221", at, f"this is not YAML: {said}", _hint(said)),)
    except yaml.YAMLError as fault:
        return None, (problem("E0221", nowhere, f"this is not YAML: {str(fault).splitlines()[0]}"),)
    except _Refused as fault:
        return None, (fault.diagnostic,)


def _whole_pairs(text: str) -> str:
    """JSON whose escaped pairs of half characters are the characters that they mean."""
    return PAIR.sub(lambda found: _whole(chr(int(found[1], 16)) + chr(int(found[2], 16))), text)


def _hint(said: str) -> str:
    if "alias" in said or "'*'" in said:
        return "a text that begins with * or & stands in quotes"
    return (
        "a text that holds `: ` or `{{` stands in quotes" if "mapping" in said or "expected" in said else ""
    )


def _at(source: Source, line: int, column: int) -> Span:
    start = source.line_starts[min(line, len(source.line_starts) - 1)] + column
    return Span(source, min(start, len(source.text)), min(start + 1, len(source.text)))


class _Refused(Exception):
    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


@dataclass(slots=True)
class _Open:
    """A list or mapping that is still being read."""

    node: Node
    anchor: str | None
    key: str | None = None
    key_at: Span | None = None
    merged: list[Node] = field(default_factory=list)


class _Building:
    """Events to nodes, without recursion, so that no nesting exhausts the stack."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.open: list[_Open] = []
        self.anchors: dict[str, Node] = {}
        self.root: Node | None = None

    def build(self, events: Iterator[Any]) -> Node | None:
        import yaml

        for event in events:
            match event:
                case yaml.ScalarEvent():
                    self._place(self._scalar(event), event.anchor)
                case yaml.SequenceStartEvent():
                    self._begin(Node([], self._span(event)), event)
                case yaml.MappingStartEvent():
                    self._begin(Node({}, self._span(event)), event)
                case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                    self._end()
                case yaml.AliasEvent():
                    self._place(self._alias(event), None)
                case yaml.DocumentStartEvent() if self.root is not None:
                    self._refuse(
                        "E0221", self._span(event), "a second document begins here", "take out the `---`"
                    )
        return self.root

    def _span(self, event: Any) -> Span:
        begin, end = event.start_mark, event.end_mark
        span = _at(self.source, begin.line, begin.column)
        return Span(self.source, span.start, max(span.start, _at(self.source, end.line, end.column).start))

    def _refuse(self, code: str, at: Span, message: str, *help_lines: str) -> None:
        raise _Refused(problem(code, at, message, *help_lines))

    def _demand_data(self, event: Any) -> None:
        """A tag may say what kind of value this is; it may not make an object."""
        if event.tag is not None and event.tag not in TAGS:
            self._refuse("E0221", self._span(event), f"the tag `{event.tag}` makes something else than data")

    def _begin(self, node: Node, event: Any) -> None:
        self._demand_data(event)
        if len(self.open) >= DEEPEST:
            self._refuse("E0222", node.at, f"this nests deeper than {DEEPEST} levels")
        self.open.append(_Open(node, event.anchor))

    def _end(self) -> None:
        done = self.open.pop()
        if isinstance(done.node.value, dict):
            for other in done.merged:
                for key, node in other.pairs.items():
                    if key not in done.node.value:
                        done.node.value[key] = node
                        done.node.size += node.size
        self._bounded(done.node)
        self._place(done.node, done.anchor)

    def _place(self, node: Node, anchor: str | None) -> None:
        if anchor is not None:
            self.anchors[anchor] = node
        if not self.open:
            self.root = node
            return
        top = self.open[-1]
        if isinstance(top.node.value, list):
            top.node.value.append(node)
            top.node.size += node.size
        elif isinstance(top.node.value, dict):
            self._into_mapping(top, top.node.value, node)
        self._bounded(top.node)

    def _into_mapping(self, top: _Open, mapping: dict[str, Node], node: Node) -> None:
        if top.key is None:
            if isinstance(node.value, list | dict):
                self._refuse("E0221", node.at, "a key is a text, and this is a list or mapping",
                             "a text that begins with `{{` stands in quotes")  # fmt: skip
            top.key, top.key_at = _as_key(node.value), node.at
            return
        key, at = top.key, top.key_at or node.at
        top.key = None
        if key == MERGE and isinstance(node.value, dict | list):
            top.merged += list(node.items) or [node]
            return
        if key in mapping:
            self._refuse("E0221", at, f"the key `{key}` is given twice", "remove one")
        mapping[key] = node
        top.node.keys[key] = at
        top.node.size += node.size

    def _bounded(self, node: Node) -> None:
        if node.size > MOST_NODES:
            self._refuse("E0222", node.at, f"this unfolds to more than {MOST_NODES:,} values",
                         "aliases (`*name`) repeat what they name")  # fmt: skip

    def _alias(self, event: Any) -> Node:
        found = self.anchors.get(event.anchor)
        if found is None:
            self._refuse("E0221", self._span(event), f"nothing before this is called `&{event.anchor}`",
                         "a text that begins with * stands in quotes")  # fmt: skip
        assert found is not None  # noqa: S101  (else it was refused)
        return found

    def _scalar(self, event: Any) -> Node:
        self._demand_data(event)
        text, tag = event.value, event.tag
        plain = event.style in (None, "") and tag is None
        return Node(_plain_value(text) if plain else _whole(text), self._span(event))


def _plain_value(text: str) -> Scalar:
    """What an unquoted word means in YAML 1.2."""
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return text[0] in "tT"
    if len(text) < 40 and INTEGER.fullmatch(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    if len(text) < 40 and FLOAT.fullmatch(text):
        return float(text)
    return _whole(text)


def _whole(text: str) -> str:
    """The text with JSON's pairs of half characters joined; a half that stands alone becomes a mark."""
    if not any("\ud800" <= char <= "\udfff" for char in text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _as_key(value: Scalar | list[Node] | dict[str, Node]) -> str:
    return (
        value
        if isinstance(value, str)
        else ""
        if value is None
        else str(value).lower()
        if isinstance(value, bool)
        else str(value)
    )
