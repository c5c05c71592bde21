"""The inside of prompts: Jinja2 with everything taken out that could run long, grow large or reach Python.

Imported only when there is a prompt, because Jinja2 costs some 40 ms.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.filters import do_batch, do_round, sync_do_slice
from jinja2.sandbox import ImmutableSandboxedEnvironment

SECONDS = 5.0
LONGEST = 20_000_000
MOST_ITEMS = 100_000  # of a list, in all its depths
MOST_BITS = 4096


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


METHODS = _words(
    """
    strip lstrip rstrip lower upper title capitalize split splitlines startswith endswith
    removeprefix removesuffix items keys values get
    """
)
FILTERS = _words(
    """
    abs batch capitalize count d default dictsort e escape first float groupby indent int items join last
    length list lower map max min reject rejectattr replace reverse round select selectattr slice sort
    string sum title tojson trim truncate unique upper wordcount
    """
)
TESTS = _words(
    """
    defined undefined none string number integer float boolean mapping sequence iterable true false odd
    even divisibleby in eq ne lt le gt ge equalto greaterthan lessthan lower upper sameas
    """
)
ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For, nodes.Assign, nodes.With,
    nodes.Name, nodes.Const, nodes.List, nodes.Tuple, nodes.Dict, nodes.Pair, nodes.Keyword, nodes.Operand,
    nodes.Compare, nodes.CondExpr, nodes.And, nodes.Or, nodes.Not, nodes.Add, nodes.Sub, nodes.Div,
    nodes.FloorDiv, nodes.Mod, nodes.Mul, nodes.Neg, nodes.Pos, nodes.Concat, nodes.Getattr, nodes.Getitem,
    nodes.Slice, nodes.Call, nodes.Filter, nodes.Test,
)  # fmt: skip


CONCATENATED, SMALL = "_concatenated", "_small"  # put in by `compiled`, and refused where written


class RenderFault(ValueError):
    """A prompt could not be rendered for an example; the message says why."""


class _Environment(ImmutableSandboxedEnvironment):
    """Arithmetic for numbers only, and sums of text only up to a size."""

    intercepted_binops = frozenset(("*", "%", "+"))

    def call_binop(self, context: jinja2.runtime.Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "+" and isinstance(left, str) and isinstance(right, str):
            if len(left) + len(right) > LONGEST:
                raise RenderFault("a text grows too large")
        elif operator == "+" and type(left) is type(right) and isinstance(left, list | tuple):
            _small((left, right))
        elif not all(isinstance(side, int | float) for side in (left, right)):
            raise RenderFault(f"`{operator}` is for numbers")
        elif any(isinstance(side, int) and side.bit_length() > MOST_BITS for side in (left, right)):
            raise RenderFault("a number grows too large")
        return super().call_binop(context, operator, left, right)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        if callable(value) and not isinstance(obj, Mapping) and attr not in METHODS:
            return type(obj).__name__ == "LoopContext" and not attr.startswith("_")
        return super().is_safe_attribute(obj, attr, value)


def _bounded(value: Any) -> Any:
    if isinstance(value, str) and len(value) > LONGEST:
        raise RenderFault("a text grows too large")
    return value


def _small(value: Any) -> Any:
    """The value, if it holds few enough items to be written out, in all its depths together."""
    waiting, seen = [value], 0
    while waiting:
        inner = waiting.pop()
        items = (
            inner.values() if isinstance(inner, dict) else inner if isinstance(inner, list | tuple) else ()
        )
        seen += len(items)
        if seen > MOST_ITEMS:
            raise RenderFault("a list grows too large")
        waiting.extend(item for item in items if isinstance(item, list | tuple | dict))
    return value


def said(value: Any) -> Any:
    """A value that may stand in a prompt: no method, and no list with holes."""
    if callable(value) and not isinstance(value, jinja2.Undefined):
        name = getattr(value, "__name__", "x")
        raise RenderFault(f'`{name}` is a method here; a field of that name is `["{name}"]`')
    if isinstance(value, list | tuple) and any(isinstance(item, jinja2.Undefined) for item in value):
        raise RenderFault("a list holds values that are not there")
    return value


def _batch(items: Any, size: int, fill: Any = None) -> Any:
    return do_batch(items, _count(size, "batch"), fill)


def _slice(items: Any, slices: int, fill: Any = None) -> Any:
    return sync_do_slice(items, _count(slices, "slice"), fill)


def _count(number: Any, name: str) -> int:
    if not isinstance(number, int) or not 1 <= number <= MOST_ITEMS:
        raise RenderFault(f"`{name}` takes a number from 1 to {MOST_ITEMS:,}")
    return number


def _round(value: Any, precision: int = 0, method: Any = "common") -> Any:
    if not isinstance(precision, int) or abs(precision) > 20:
        raise RenderFault("`round` takes up to 20 places")
    return do_round(value, precision, method)


def _replace(text: Any, old: Any, new: Any) -> str:
    whole, gone, put = str(text), str(old), str(new)
    if not gone or len(whole) + whole.count(gone) * max(0, len(put) - len(gone)) > LONGEST:
        raise RenderFault("`replace` with nothing to look for, or too large a result")
    return whole.replace(gone, put)


def _indent(text: Any, width: int = 4, first: bool = False) -> str:
    lines = str(text).splitlines()
    if not 0 <= width <= 200:
        raise RenderFault("`indent` takes 0 to 200 blanks")
    pad = " " * width
    return "\n".join((pad if (i or first) and line else "") + line for i, line in enumerate(lines))


def joined(items: Any, separator: Any = "") -> str:
    """The texts of some items with the separator between them. Raises RenderFault where that is too long."""
    texts = [str(said(item)) for item in items]
    if sum(map(len, texts)) + len(str(separator)) * len(texts) > LONGEST:
        raise RenderFault("`join` grows too large")
    return str(separator).join(texts)


def _to_json(value: Any) -> str:
    return json.dumps(said(value), ensure_ascii=False, default=lambda item: str(said(item)))


def _concatenated(*parts: Any) -> str:
    return str(_bounded(joined(parts)))


def _environment() -> _Environment:
    environment = _Environment(
        undefined=jinja2.StrictUndefined,
        optimized=False,
        autoescape=False,
        keep_trailing_newline=False,
        finalize=said,
    )
    environment.globals.clear()
    kept: dict[str, Callable[..., Any]] = {n: f for n, f in environment.filters.items() if n in FILTERS}
    kept |= {"replace": _replace, "indent": _indent, "join": joined, "tojson": _to_json}
    kept |= {"batch": _batch, "slice": _slice, "round": _round}
    kept |= {CONCATENATED: _concatenated, SMALL: _small}
    environment.filters.clear()
    environment.filters.update(kept)
    for name in [n for n in environment.tests if n not in TESTS]:
        del environment.tests[name]
    return environment


ENVIRONMENT = _environment()


def foreign_constructs(parsed: nodes.Template) -> Iterator[tuple[str, str, int]]:
    """What a template uses that it may not: (`filter`, `test`, `call` or `construct`; name; line)."""
    for node in every_node(parsed):
        if isinstance(node, nodes.Filter) and node.name not in FILTERS:
            yield "filter", node.name, node.lineno
        elif isinstance(node, nodes.Test) and node.name not in TESTS:
            yield "test", node.name, node.lineno
        elif isinstance(node, nodes.Call) and not _allowed_call(node):
            target = node.node
            yield "call", str(getattr(target, "attr", None) or getattr(target, "name", "this")), node.lineno
        elif isinstance(node, nodes.Name) and node.name == "self":
            yield "construct", "self", node.lineno  # Jinja's own, and no column
        elif not isinstance(node, ALLOWED):
            yield (
                "construct",
                {"Pow": "**"}.get(type(node).__name__, type(node).__name__.lower()),
                node.lineno,
            )


def every_node(node: nodes.Node) -> Iterator[nodes.Node]:
    """A node and all below it."""
    yield node
    for child in node.iter_child_nodes():
        yield from every_node(child)


def _allowed_call(node: nodes.Call) -> bool:
    target = node.node
    if not isinstance(target, nodes.Getattr):
        return False
    owner = target.node
    in_loop = isinstance(owner, nodes.Name) and owner.name == "loop" and target.attr in ("cycle", "changed")
    return in_loop or target.attr in METHODS
