"""What a parsed template reads and does, held against what it may, before anything is asked.

Called by `prompts.py` only, since it knows Jinja2's nodes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.language import sandbox
from evalspec.language.shapes import ANYTHING, Items, Plain, Record, Shape, Shapes, shape_of_type
from evalspec.language.template_values import HalfSet, NoList, NoMember, Walk
from evalspec.language.walking import walk
from evalspec.text.diagnostics import Diagnostic, did_you_mean, problem
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from jinja2 import nodes

    from evalspec.language.functions import Type
    from evalspec.language.prompts import Written
    from evalspec.language.template_values import Finding

MOST_NODES = 20_000
# Names that only some prompts have, and what brings them.
MISSING = {
    "shots": "write `shots = first(5, of = DATASET)`",
    "choices": "`answer = letter_of([A, B, C, D])` brings them",
    "labels": "answers with labels bring them, such as `one_of(COLUMN)`",
}


@dataclass(frozen=True, slots=True)
class Inspected:
    """The names that a template reads, the columns it reads as members of `row`, and what is wrong."""

    names: frozenset[str]
    members: frozenset[str]
    faults: tuple[Diagnostic, ...]


def inspect(
    written: Written,
    parsed: nodes.Template,
    scope: Mapping[str, Type] | None,
    shapes: Shapes,
    where: str,
) -> Inspected:
    """What a template reads. `scope`: the names it may read, None where nobody knows them.

    `shapes` tells more of some of these names than their type does.
    """
    if sum(1 for _ in sandbox.every_node(parsed)) > MOST_NODES:
        return Inspected(frozenset(), frozenset(), (_too_long(written),))
    foreign = list(sandbox.foreign_constructs(parsed))
    faults = [_construct_fault(written, finding) for finding in foreign]
    found = walk(parsed, scope, _shapes_of(scope or {}, shapes))
    if scope is not None and not any(kind == "construct" for kind, _, _ in foreign):
        faults += [
            _unknown_name(written, found, n, scope, where) for n in sorted(found.names) if n not in scope
        ]
        faults += [_told(written, finding, where) for finding in _each_once(found.findings)]
    row = shapes("row") or _row(scope or {})
    return Inspected(frozenset(found.names), _columns(found, row), tuple(faults))


def _shapes_of(scope: Mapping[str, Type], shapes: Shapes) -> Callable[[str], Shape]:
    """The shape of a name: what is known of it, else what its type tells."""

    def shape(name: str) -> Shape:
        known = shapes(name)
        if known is not None or name not in scope:
            return known or ANYTHING
        return _row(scope) if name == "row" else shape_of_type(scope[name])

    return shape


def _row(scope: Mapping[str, Type]) -> Shape:
    """What `row` is where nothing else is told: a record of all the other names."""
    return Record({name: shape_of_type(kind) for name, kind in scope.items() if name != "row"})


def _columns(found: Walk, row: Shape) -> frozenset[str]:
    """The columns that are read through `row`; all of them where it is read as a whole."""
    columns = row.members if isinstance(row, Record) else {}
    return frozenset(columns if found.whole_row else (n for n in found.columns if n in columns))


def _too_long(written: Written) -> Diagnostic:
    return problem("E0505", written.at, "the template has too many parts", "put what is long into the data")


def _construct_fault(written: Written, finding: tuple[str, str, int]) -> Diagnostic:
    kind, name, line = finding
    at = written.place(line, name)
    if kind in ("filter", "test"):
        known = sandbox.FILTERS if kind == "filter" else sandbox.TESTS
        help_line, fixes = did_you_mean(name, known, at=at)
        return problem("E0503", at, f"there is no {kind} `{name}`", help_line, fixes=fixes)
    if kind == "call":
        way_out = "there are filters, `{{ x | upper }}`, and methods of texts, `{{ x.strip() }}`"
        return problem("E0504", at, f"a template cannot call `{name}`", way_out)
    allowed = "it may use values, filters, `if`, `for` and `set`"
    return problem("E0504", at, f"a template cannot use `{name}`", allowed)


def _unknown_name(
    written: Written, found: Walk, name: str, scope: Mapping[str, Type], where: str
) -> Diagnostic:
    at = written.place(found.names[name], name)
    if name in MISSING:
        return problem("E0502", at, f"there are no `{name}` here", MISSING[name])
    help_line, fixes = did_you_mean(name, scope, at=at)
    return problem("E0502", at, f"{where} has no column `{name}`", help_line, fixes=fixes)


# ── members ───────────────────────────────────────────────────────────────────────────────────────


def _each_once(findings: Sequence[Finding]) -> Iterator[Finding]:
    """The findings, a name that is half set only where it is read first."""
    told: set[str] = set()
    for finding in findings:
        if isinstance(finding, HalfSet):
            if finding.name in told:
                continue
            told.add(finding.name)
        yield finding


def _told(written: Written, finding: Finding, where: str) -> Diagnostic:
    match finding:
        case HalfSet():
            at = written.place(finding.line, finding.name)
            way_out = f"set it before the `if` as well: `{{% set {finding.name} = … %}}`"
            if finding.looped:
                way_out = "what is set inside a loop is not known behind it"
            return problem("E0502", at, f"`{finding.name}` is not set on every way that leads here", way_out)
        case NoList():
            at = written.place(finding.line, finding.owner)
            what = f"`{finding.owner}`" if finding.owner else "this"
            return problem("E0502", at, f"{what} is {_kind(finding.shape)}, and a list is due",
                           "is it the right column?")  # fmt: skip
        case NoMember():
            return _no_member(written, finding, where)


def _no_member(written: Written, finding: NoMember, where: str) -> Diagnostic:
    at, shape, name = written.place(finding.line, finding.name), finding.shape, finding.name
    owner = f"`{finding.owner}`" if finding.owner else (getattr(shape, "what", "") or "this")
    if finding.method:
        return _no_method(finding, owner, written)
    if isinstance(shape, Record):
        help_line, fixes = did_you_mean(name, shape.members, at=at)
        column = f"{where} has no column `{name}`"
        message = column if finding.owner == "row" else f"{owner} has no member `{name}`"
        return problem("E0502", at, message, help_line, fixes=fixes)
    way_out = f"write `{{{{ {finding.owner or '…'} }}}}`, or a filter behind it"
    if isinstance(shape, Items):
        each = (finding.owner or "items").rstrip("s") or "x"
        way_out = f"read its items: `{{% for {each} in {finding.owner or '…'} %}}`"
    return problem("E0502", at, f"{owner} is {_kind(shape)} and has no member `{name}`", way_out)


def _no_method(finding: NoMember, owner: str, written: Written) -> Diagnostic:
    at, name = written.place(finding.line, finding.name), finding.name
    if isinstance(finding.shape, Record) and name in finding.shape.members:
        way_out = f'write `{finding.owner or "…"}["{name}"]`'
        return problem("E0502", at, f"`.{name}` is a method here, and not the member of that name", way_out)
    way_out = "a filter makes a text of it: `{{ (x | string).strip() }}`"
    return problem("E0502", at, f"{owner} is {_kind(finding.shape)} and has no method `{name}`", way_out)


def _kind(shape: Shape) -> str:
    match shape:
        case Plain():
            return f"a {shape.type}"
        case Items():
            return "a list"
        case Record():
            return "an object"
        case _:
            return "a value"
