"""Templates made ready, and rendered for one example.

Most prompts are text with some names in it: those are put together without Jinja2, to the same text, since it
takes a tenth of the work on an example. All else, a missing value included, is left to Jinja2.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import jinja2
from jinja2 import nodes

from evalspec.language import sandbox
from evalspec.language.sandbox import CONCATENATED, ENVIRONMENT, SMALL, RenderFault, joined, said

FAULTS_OF_VALUES = (
    TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError, AssertionError,
)  # fmt: skip


class Named(NamedTuple):
    """A value by its name; a list is joined with what stands `between` its items."""

    name: str
    between: str | None = None


class Template(NamedTuple):
    """A template that can be rendered; `parts` where it is nothing but text, names and joined lists."""

    whole: jinja2.Template
    parts: tuple[str | Named, ...] | None


def render(template: Template, scope: Mapping[str, object]) -> str:
    """The text of a template for one example; raises RenderFault."""
    try:
        if template.parts is not None and (text := _put_together(template.parts, scope)) is not None:
            return text
        return _generated(template.whole, scope)
    except jinja2.TemplateError as fault:
        raise RenderFault(str(fault.message)) from fault
    except FAULTS_OF_VALUES as fault:
        raise RenderFault(str(fault)) from fault


def _put_together(parts: tuple[str | Named, ...], scope: Mapping[str, object]) -> str | None:
    """The text; None where a name is missing."""
    texts = []
    for part in parts:
        if isinstance(part, str):
            texts.append(part)
        elif part.name not in scope:
            return None
        else:
            value = scope[part.name]
            texts.append(str(said(value)) if part.between is None else joined(value, part.between))
    text = "".join(texts)
    if len(text) > sandbox.LONGEST:
        raise _too_large()
    return text


def _generated(template: jinja2.Template, scope: Mapping[str, object]) -> str:
    deadline = time.monotonic() + sandbox.SECONDS
    parts: list[str] = []
    size = 0
    for turn, part in enumerate(template.generate(dict(scope))):
        size += len(part)
        if part:
            parts.append(part)
        if size > sandbox.LONGEST:
            raise _too_large()
        if turn % 256 == 0 and time.monotonic() > deadline:
            raise RenderFault(f"the prompt takes longer than {sandbox.SECONDS:g} s")
    return "".join(parts)


def _too_large() -> RenderFault:
    return RenderFault(f"the prompt grows beyond {sandbox.LONGEST:,} characters")


def compiled(parsed: nodes.Template) -> Template:
    """The template, ready to render: each turn of a loop is ticked, `~` and lists are bounded."""
    parts = _plain_parts(parsed)
    for loop in list(parsed.find_all(nodes.For)):
        tick = nodes.Filter(nodes.Const(""), "string", [], [], None, None)
        loop.body.insert(0, nodes.Output([tick]))
    _bound_concatenations(parsed)
    parsed.set_environment(ENVIRONMENT)
    code = ENVIRONMENT.compile(parsed)
    return Template(jinja2.Template.from_code(ENVIRONMENT, code, {}), parts)


def _plain_parts(parsed: nodes.Template) -> tuple[str | Named, ...] | None:
    """The parts of a template that is nothing but text, names and joined lists; None of any other."""
    outputs = [node for node in parsed.body if isinstance(node, nodes.Output)]
    if len(outputs) < len(parsed.body):
        return None
    parts = [_plain_part(node) for output in outputs for node in output.nodes]
    known = tuple(part for part in parts if part is not None)
    return known if len(known) == len(parts) else None


def _plain_part(node: nodes.Node) -> str | Named | None:
    match node:
        case nodes.TemplateData(data=str(text)):
            return text
        case nodes.Name(name=str(name)):
            return Named(name)
        case nodes.Filter(node=nodes.Name(name=str(name)), name="join", args=[], kwargs=[]):
            return Named(name, "")
        case nodes.Filter(
            node=nodes.Name(name=str(name)), name="join", args=[nodes.Const(value=str(between))], kwargs=[]
        ):
            return Named(name, between)
        case _:
            return None


def _bound_concatenations(node: nodes.Node) -> None:
    for name, value in list(node.iter_fields()):
        if isinstance(value, list):
            setattr(node, name, [_bounded_node(item) for item in value])
        elif isinstance(value, nodes.Node):
            setattr(node, name, _bounded_node(value))


def _bounded_node(node: Any) -> Any:
    if not isinstance(node, nodes.Node):
        return node
    _bound_concatenations(node)
    if isinstance(node, nodes.Concat):
        first, *rest = node.nodes
        return nodes.Filter(first, CONCATENATED, rest, [], None, None, lineno=node.lineno)
    if isinstance(node, nodes.List | nodes.Dict) or (isinstance(node, nodes.Tuple) and node.ctx == "load"):
        return nodes.Filter(node, SMALL, [], [], None, None, lineno=node.lineno)
    return node
