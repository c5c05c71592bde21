"""A parsed template walked through in the order it runs: which names it reads, and which members of them.

Called by `inspection.py` only, since it knows Jinja2's nodes. What is bound at each place is known for
certain, on some ways only, or not at all; what stands in expressions is `template_values.py`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from jinja2 import nodes

from evalspec.language.functions import Type
from evalspec.language.shapes import ANYTHING, TEXT, Plain, Record, Shape, item_of, joined
from evalspec.language.template_values import Frame, NoList, Walk, called, value_of

LOOP = (
    "index", "index0", "revindex", "revindex0", "first", "last", "length", "depth", "depth0",
    "previtem", "nextitem", "cycle", "changed",
)  # fmt: skip


def walk(parsed: nodes.Template, scope: Collection[str] | None, shape: Callable[[str], Shape]) -> Walk:
    """Everything that a template reads, and the members that cannot be."""
    found = Walk(scope, shape)
    _statements(parsed.body, Frame(), found)
    return found


def _statements(body: Iterable[nodes.Node], frame: Frame, found: Walk) -> None:
    for node in body:
        match node:
            case nodes.Output():
                for part in node.nodes:
                    value_of(part, frame, found)
            case nodes.If():
                _branches(node, frame, found)
            case nodes.For():
                _loop(node, frame, found)
            case nodes.Assign():
                _bind(node.target, value_of(node.node, frame, found), frame)
            case nodes.With():
                inner = frame.copy()
                for target, value in zip(node.targets, node.values, strict=False):
                    _bind(target, value_of(value, frame, found), inner)
                _statements(node.body, inner, found)
            case _:
                pass  # foreign, which is told elsewhere


def _branches(node: nodes.If, frame: Frame, found: Walk) -> None:
    """Every way through an `if`; what each of them sets is set behind it, what only some set is half set."""
    ways: list[Frame] = []
    for branch in (node, *node.elif_):
        value_of(branch.test, frame, found)
        ways.append(_way(branch.body, frame, found))
    ways.append(_way(node.else_ or (), frame, found))
    names = {name for way in ways for name in way.bound}
    for name in names:
        if all(name in way.bound for way in ways):
            frame.bound[name] = joined(way.bound[name] for way in ways)
            frame.half.discard(name)
        else:
            frame.half.add(name)
    frame.half |= {name for way in ways for name in way.half if name not in frame.bound}
    frame.looped |= {name for way in ways for name in way.looped}


def _way(body: Iterable[nodes.Node], frame: Frame, found: Walk) -> Frame:
    inner = frame.copy()
    _statements(body, inner, found)
    return inner


def _loop(node: nodes.For, frame: Frame, found: Walk) -> None:
    shape = value_of(node.iter, frame, found)
    if isinstance(shape, Plain) and shape.type is not Type.TEXT:
        found.findings.append(NoList(called(node.iter), node.lineno, shape))
    inner = frame.copy()
    _bind(node.target, TEXT if isinstance(shape, Record | Plain) else item_of(shape), inner)
    if node.test is not None:
        value_of(node.test, inner, found)
    members: dict[str, Shape] = dict.fromkeys(LOOP, ANYTHING)
    inner.bound["loop"] = Record({**members, "previtem": item_of(shape), "nextitem": item_of(shape)})
    inner.half.discard("loop")
    targets = {
        name.name for name in (node.target, *node.target.find_all(nodes.Name)) if isinstance(name, nodes.Name)
    }
    _statements(node.body, inner, found)
    _statements(node.else_ or (), frame.copy(), found)
    frame.looped |= set(inner.bound) - set(frame.bound) - targets - {"loop"}


def _bind(target: nodes.Node, shape: Shape, frame: Frame) -> None:
    if isinstance(target, nodes.Name):
        frame.bound[target.name] = shape
        frame.half.discard(target.name)
    elif isinstance(target, nodes.Tuple):
        for item in target.items:
            _bind(item, ANYTHING, frame)
