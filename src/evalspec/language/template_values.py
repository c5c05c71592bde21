"""What the values in a template are, and what they read: names, members, items, filters and methods.

The parts of `walking.py`, since it knows Jinja2's nodes. What cannot be is noted as a finding; how findings
are worded and placed is inspection's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, NamedTuple

from jinja2 import nodes

from evalspec.language import sandbox
from evalspec.language.functions import Type
from evalspec.language.shapes import (
    ANYTHING,
    NUMBER,
    TEXT,
    Items,
    Plain,
    Record,
    Shape,
    item_of,
    joined,
)
from evalspec.text.values import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Iterator

OF_TEXTS = sandbox.METHODS - {"items", "keys", "values", "get"}
OF_RECORDS = sandbox.METHODS - OF_TEXTS
KEEPING = frozenset(("list", "sort", "reverse", "unique", "select", "reject", "selectattr", "rejectattr"))
PICKING = frozenset(("first", "last", "min", "max"))
BY_FIRST = frozenset(("selectattr", "rejectattr", "groupby"))  # filters whose first argument is a member
TEXTS = frozenset(
    ("capitalize", "e", "escape", "indent", "join", "lower", "replace", "string", "title", "tojson", "trim",
     "truncate", "upper")
)  # fmt: skip
NUMBERS = frozenset(("abs", "count", "float", "int", "length", "round", "wordcount"))


class NoMember(NamedTuple):
    """A member that cannot be: of what, by which name, in which line, and what its owner is."""

    owner: str  # as it is written, where that is a name
    name: str
    line: int
    shape: Shape
    method: bool = False


class HalfSet(NamedTuple):
    """A name that is read where only some ways lead through its `set`, or behind the loop it is set in."""

    name: str
    line: int
    looped: bool


class NoList(NamedTuple):
    """A loop over what is no list."""

    owner: str
    line: int
    shape: Shape


Finding = NoMember | HalfSet | NoList


@dataclass(slots=True)
class Frame:
    """What is bound at a place of the template: for certain, and on some ways only."""

    bound: dict[str, Shape] = field(default_factory=dict)
    half: set[str] = field(default_factory=set)
    looped: set[str] = field(default_factory=set)  # set inside a loop that is over

    def copy(self) -> Frame:
        return Frame(dict(self.bound), set(self.half), set(self.looped))


@dataclass(slots=True)
class Walk:
    """What was found. `names` are those read from outside with their first line, `columns` those of `row`.

    `scope` are the names that may be read, None where nobody knows them; `shape` tells what they are.
    """

    scope: Collection[str] | None
    shape: Callable[[str], Shape]
    names: dict[str, int] = field(default_factory=dict)
    columns: set[str] = field(default_factory=set)
    whole_row: bool = False
    findings: list[Finding] = field(default_factory=list)


def value_of(node: nodes.Node, frame: Frame, found: Walk) -> Shape:
    """What an expression is, with everything that it reads noted."""
    match node:
        case nodes.TemplateData():
            return TEXT
        case nodes.Const():
            return _constant(node.value)
        case nodes.Name():
            return _name(node, frame, found)
        case nodes.Getattr() | nodes.Getitem():
            return _member(node, frame, found)
        case nodes.Call():
            return _call(node, frame, found)
        case nodes.Filter():
            return _filter(node, frame, found)
        case nodes.Test(name="defined" | "undefined", node=nodes.Getattr() | nodes.Getitem() as asked):
            value_of(asked.node, frame, found)
            return ANYTHING
        case nodes.List() | nodes.Tuple():
            return Items(joined([value_of(item, frame, found) for item in node.items]))
        case nodes.CondExpr():
            value_of(node.test, frame, found)
            ways = [value_of(w, frame, found) for w in (node.expr1, node.expr2) if w is not None]
            return joined(ways)
        case nodes.Concat():
            _children(node, frame, found)
            return TEXT
        case _:
            _children(node, frame, found)
            return ANYTHING


def _children(node: nodes.Node, frame: Frame, found: Walk) -> None:
    for child in node.iter_child_nodes():
        value_of(child, frame, found)


def _constant(value: object) -> Shape:
    if isinstance(value, str):
        return TEXT
    return NUMBER if isinstance(value, int | float) and not isinstance(value, bool) else ANYTHING


def _name(node: nodes.Name, frame: Frame, found: Walk) -> Shape:
    if node.name in frame.bound:
        return frame.bound[node.name]
    somewhere = node.name in frame.half or node.name in frame.looped
    if somewhere and found.scope is not None and node.name not in found.scope:
        found.findings.append(HalfSet(node.name, node.lineno, node.name not in frame.half))
        return ANYTHING
    if node.name == "row":
        found.whole_row = True
    return _from_outside(node, found)


def _from_outside(node: nodes.Name, found: Walk) -> Shape:
    found.names.setdefault(node.name, node.lineno)
    return found.shape(node.name)


def _member(node: nodes.Getattr | nodes.Getitem, frame: Frame, found: Walk) -> Shape:
    owner = node.node
    if isinstance(node, nodes.Getitem) and not isinstance(node.arg, nodes.Const):
        shape = value_of(owner, frame, found)
        _children(node.arg, frame, found) if isinstance(node.arg, nodes.Slice) else value_of(
            node.arg, frame, found
        )
        return shape if isinstance(node.arg, nodes.Slice) else item_of(shape)
    key = node.attr if isinstance(node, nodes.Getattr) else node.arg.value  # type: ignore[attr-defined]
    if not isinstance(key, str):
        return _item(owner, node.lineno, frame, found)
    shape = _owner(owner, key, frame, found)
    return _of(shape, called(owner), key, node.lineno, found, dotted=isinstance(node, nodes.Getattr))


def _owner(owner: nodes.Node, key: str, frame: Frame, found: Walk) -> Shape:
    """What a member is read of; of `row`, the column is noted instead of the whole row."""
    if isinstance(owner, nodes.Name) and owner.name == "row" and "row" not in frame.bound:
        found.columns.add(key)
        return _from_outside(owner, found)
    return value_of(owner, frame, found)


def _item(owner: nodes.Node, line: int, frame: Frame, found: Walk) -> Shape:
    """What stands at a place of a list or text."""
    shape = value_of(owner, frame, found)
    if isinstance(shape, Plain):
        if shape.type is not Type.TEXT:
            found.findings.append(NoList(called(owner), line, shape))
        return TEXT
    return item_of(shape)


def _of(shape: Shape, owner: str, key: str, line: int, found: Walk, *, dotted: bool) -> Shape:
    """A member of a shape; told where there can be none of that name."""
    match shape:
        case Record() if key in shape.members and not (dotted and hasattr(dict, key)):
            return shape.members[key]
        case Record() | Plain() | Items():
            method = isinstance(shape, Record) and key in shape.members
            found.findings.append(NoMember(owner, key, line, shape, method))
    return ANYTHING


def called(node: nodes.Node) -> str:
    return node.name if isinstance(node, nodes.Name) else ""


# ── calls and filters ─────────────────────────────────────────────────────────────────────────────


def _call(node: nodes.Call, frame: Frame, found: Walk) -> Shape:
    for argument in _arguments(node):
        value_of(argument, frame, found)
    target = node.node
    if isinstance(target, nodes.Name):
        return ANYTHING  # no function has a name here, which is told of the call
    if not isinstance(target, nodes.Getattr) or target.attr not in sandbox.METHODS:
        value_of(target.node if isinstance(target, nodes.Getattr) else target, frame, found)
        return ANYTHING
    if target.attr == "get" and node.args and isinstance(node.args[0], nodes.Const):
        key = str(node.args[0].value)
        shape = _owner(target.node, key, frame, found)
        if called(target.node) == "row" and isinstance(shape, Record) and key not in shape.members:
            found.findings.append(NoMember("row", key, node.lineno, shape))
    else:
        shape = value_of(target.node, frame, found)
    return _result(shape, target, found)


def _result(shape: Shape, target: nodes.Getattr, found: Walk) -> Shape:
    """What a method gives; told where the value has no such method."""
    method = target.attr
    wrong = isinstance(shape, Items) or (isinstance(shape, Record) and method not in OF_RECORDS)
    if wrong or (isinstance(shape, Plain) and not (shape.type is Type.TEXT and method in OF_TEXTS)):
        found.findings.append(NoMember(called(target.node), method, target.lineno, shape, True))
        return ANYTHING
    if method in ("split", "splitlines", "keys"):
        return Items(TEXT)
    return TEXT if method in OF_TEXTS and not method.endswith("with") else ANYTHING


def _arguments(node: nodes.Call | nodes.Filter) -> Iterator[nodes.Node]:
    yield from node.args
    yield from (keyword.value for keyword in node.kwargs)
    yield from (extra for extra in (node.dyn_args, node.dyn_kwargs) if extra is not None)


def _filter(node: nodes.Filter, frame: Frame, found: Walk) -> Shape:
    for argument in _arguments(node):
        value_of(argument, frame, found)
    if node.node is None:
        return TEXT
    if node.name in ("default", "d") and isinstance(node.node, nodes.Getattr | nodes.Getitem):
        value_of(node.node.node, frame, found)
        return ANYTHING
    shape = value_of(node.node, frame, found)
    member = _of_items(node, shape, found)
    if node.name in KEEPING:
        return shape if isinstance(shape, Items) else Items(ANYTHING)
    if node.name == "map":
        return Items(member if member is not None else ANYTHING)
    if node.name in ("batch", "slice"):
        return Items(Items(item_of(shape)))
    if node.name in PICKING:
        return item_of(shape)
    if node.name in TEXTS:
        return TEXT
    return NUMBER if node.name in NUMBERS else ANYTHING


def _of_items(node: nodes.Filter, shape: Shape, found: Walk) -> Shape | None:
    """The member of each item that a filter goes by: `sort(attribute="x")`, `selectattr("x")`."""
    named = next((k.value for k in node.kwargs if k.key == "attribute"), None)
    by = node.args[0] if named is None and node.name in BY_FIRST and node.args else named
    if not isinstance(by, nodes.Const) or not isinstance(by.value, str):
        return None
    item = item_of(shape)
    for key in by.value.split("."):
        item = item_of(item) if key.isdigit() else _of(item, "", key, node.lineno, found, dotted=False)
    return item
