"""What a parsed template reads and does, held against what it may, before anything is asked.

Called by `prompts.py` only, since it knows Jinja2's nodes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jinja2 import meta, nodes

from evalspec.language import sandbox
from evalspec.language.functions import Type
from evalspec.text.diagnostics import Diagnostic, did_you_mean, problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evalspec.language.prompts import Written

LOOP = frozenset(
    ("index", "index0", "revindex", "revindex0", "first", "last", "length", "depth", "depth0",
     "previtem", "nextitem", "cycle", "changed"),
)  # fmt: skip
MOST_NODES = 20_000
CHOICE = frozenset(("letter", "text"))


@dataclass(frozen=True, slots=True)
class Inspected:
    """The names that a template reads, the columns it reads as members of `row`, and what is wrong."""

    names: frozenset[str]
    members: frozenset[str]
    faults: tuple[Diagnostic, ...]


def inspect(
    written: Written, parsed: nodes.Template, scope: Mapping[str, Type] | None, where: str
) -> Inspected:
    """What a template reads. `scope`: the names it may read, None where nobody knows them."""
    if sum(1 for _ in sandbox.every_node(parsed)) > MOST_NODES:
        return Inspected(frozenset(), frozenset(), (_too_long(written),))
    faults = [_construct_fault(written, finding) for finding in list(sandbox.foreign_constructs(parsed))]
    sandbox.make_foreign_harmless(parsed)
    names = frozenset(meta.find_undeclared_variables(parsed)) - {"loop"} - _only_called(parsed)
    if scope is not None:
        faults += [_unknown_name(written, parsed, name, scope, where) for name in sorted(names - set(scope))]
        faults += _member_faults(written, parsed, scope, where)
    return Inspected(names, frozenset(_row_members(parsed, scope or {})), tuple(faults))


def _too_long(written: Written) -> Diagnostic:
    return problem("E0505", written.at, "the template has too many parts", "put what is long into the data")


def _construct_fault(written: Written, finding: tuple[str, str, int]) -> Diagnostic:
    kind, name, line = finding
    at = written.place(line, name)
    if kind == "filter":
        return problem("E0503", at, f"there is no filter `{name}`", did_you_mean(name, sandbox.FILTERS)[0])
    if kind == "test":
        return problem("E0503", at, f"there is no test `{name}`", did_you_mean(name, sandbox.TESTS)[0])
    if kind == "call":
        way_out = "there are filters, `{{ x | upper }}`, and methods of texts, `{{ x.strip() }}`"
        return problem("E0504", at, f"a template cannot call `{name}`", way_out)
    allowed = "it may use values, filters, `if`, `for` and `set`"
    return problem("E0504", at, f"a template cannot use `{name}`", allowed)


def _only_called(parsed: nodes.Template) -> frozenset[str]:
    """Names that stand as functions only, which was told of the call."""
    called = [call.node for call in parsed.find_all(nodes.Call) if isinstance(call.node, nodes.Name)]
    ids = {id(name) for name in called}
    others = {name.name for name in parsed.find_all(nodes.Name) if id(name) not in ids}
    return frozenset(name.name for name in called) - others


def _unknown_name(
    written: Written, parsed: nodes.Template, name: str, scope: Mapping[str, Type], where: str
) -> Diagnostic:
    line = next((n.lineno for n in parsed.find_all(nodes.Name) if n.name == name), 1)
    at = written.place(line, name)
    help_line, fixes = did_you_mean(name, scope, at=at)
    return problem("E0502", at, f"{where} has no column `{name}`", help_line, fixes=fixes)


# ── members ───────────────────────────────────────────────────────────────────────────────────────


def _member_faults(
    written: Written, parsed: nodes.Template, scope: Mapping[str, Type], where: str
) -> Iterator[Diagnostic]:
    """Members that cannot be: of columns that are no objects, of `row`, `loop` and choices."""
    called = {id(call.node) for call in parsed.find_all(nodes.Call)}
    choices = _loops_over_choices(parsed)
    for member in _members(parsed):
        owner, name = member.node, _member_name(member)
        if name is None or not isinstance(owner, nodes.Name) or id(member) in called:
            continue
        legal = _legal_members(owner.name, choices, scope)
        if legal is not None and name not in legal:
            at = written.place(member.lineno, name)
            help_line, fixes = did_you_mean(name, legal, at=at)
            column = f"{where} has no column `{name}`"
            message = column if owner.name == "row" else f"`{owner.name}` has no member `{name}`"
            yield problem("E0502", at, message, help_line, fixes=fixes)
        elif legal is None and isinstance(member, nodes.Getattr) and owner.name in scope:
            kind = scope[owner.name]
            if kind not in (Type.OBJECT, Type.UNKNOWN):
                at = written.place(member.lineno, name)
                way_out = f"write `{{{{ {owner.name} }}}}`, or a filter behind it"
                yield problem("E0502", at, f"`{owner.name}` is a {kind} and has no member `{name}`", way_out)


def _legal_members(owner: str, choices: frozenset[str], scope: Mapping[str, Type]) -> frozenset[str] | None:
    if owner in choices:
        return CHOICE
    if owner == "row" and scope.get("row") is Type.OBJECT:
        return frozenset(scope)
    return LOOP if owner == "loop" and "loop" not in scope else None


def _members(parsed: nodes.Template) -> Iterator[nodes.Getattr | nodes.Getitem]:
    yield from parsed.find_all(nodes.Getattr)
    yield from parsed.find_all(nodes.Getitem)


def _member_name(member: nodes.Expr) -> str | None:
    """The name in `x.name` and `x["name"]`."""
    match member:
        case nodes.Getattr():
            return member.attr
        case nodes.Getitem(arg=nodes.Const(value=str() as name)):
            return name
    return None


def _loops_over_choices(parsed: nodes.Template) -> frozenset[str]:
    """What the items of `choices` are called in loops over them."""
    return frozenset(
        loop.target.name
        for loop in parsed.find_all(nodes.For)
        if isinstance(loop.iter, nodes.Name)
        and loop.iter.name == "choices"
        and isinstance(loop.target, nodes.Name)
    )


def _row_members(parsed: nodes.Template, scope: Mapping[str, Type]) -> Iterator[str]:
    """The columns that a template reads through `row`; all of them where it reads `row` as a whole."""
    owners = set()
    for member in _members(parsed):
        name = _member_name(member)
        if isinstance(member.node, nodes.Name) and member.node.name == "row" and name in scope:
            owners.add(id(member.node))
            yield name or ""
    if any(n.name == "row" and n.ctx == "load" and id(n) not in owners for n in parsed.find_all(nodes.Name)):
        yield from (name for name in scope if name != "row")
