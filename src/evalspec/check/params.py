"""`params { … }`: figures with names, read as `params.NAME` wherever a value stands.

Each use is replaced by its value before anything else is understood, so that what reads a value sees no
difference. A use keeps its own place: what is wrong with a value there is told there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from evalspec.check.entries import read_entries
from evalspec.syntax import tree
from evalspec.syntax.parse import parse
from evalspec.text.diagnostics import Label, did_you_mean, nearest, problem
from evalspec.text.source import Source, Span
from evalspec.text.values import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Callable

    from evalspec.check.entries import Faults

Settings = Mapping[str, str]  # what `--set NAME=VALUE` says
PARAMS = "params"


class UnknownSetting(ValueError):
    """A setting names no parameter, or its value is of another kind; the message says which."""


@dataclass(slots=True)
class Params:
    """The parameters of a spec by name, those whose value is wrong as None, and which of them are read."""

    values: dict[str, tree.Expr | None]
    places: dict[str, Span]
    used: set[str]
    faults: Faults
    unread: int = 0  # uses that have no value, each of which was told


def with_params(files: Sequence[tree.File], settings: Settings, faults: Faults) -> tuple[tree.File, ...]:
    """The files with every `params.NAME` replaced by its value. Raises UnknownSetting."""
    params = _gather(files, faults)
    _set(params, settings)
    replaced = tuple(_in_file(file, params) if PARAMS in file.source.text else file for file in files)
    _tell_unused(params, files)
    return replaced


def _tell_unused(params: Params, files: Sequence[tree.File]) -> None:
    """A warning for what the spec itself declares and nothing reads; in a library nothing is unused."""
    kinds = {e.kind.text for file in files for e in file.entries if isinstance(e, tree.Block)}
    for name, at in params.places.items() if kinds & {"task", "chain", "decision"} else ():
        if name not in params.used and at.source is files[-1].source:
            params.faults.add("W0207", at, f"the parameter `{name}` is never used", "remove it")


def _gather(files: Sequence[tree.File], faults: Faults) -> Params:
    params = Params({}, {}, set(), faults)
    for file in files:
        for entry in file.entries:
            if isinstance(entry, tree.Block) and entry.kind.text == PARAMS:
                _gather_block(entry, params)
    return params


def _gather_block(block: tree.Block, params: Params) -> None:
    if block.name is not None:
        params.faults.add("E0407", block.name.at, "`params` takes no name", "write `params { … }`")
    for name, entry in read_entries(block, params.faults).attributes.items():
        if name in params.places:
            first = Label(at=params.places[name], message="first declared here")
            params.faults.add("E0205", entry.key.at, f"the parameter `{name}` is declared twice",
                              "rename one of them", labels=[first])  # fmt: skip
            continue
        params.places[name] = entry.key.at
        params.values[name] = entry.value if _constant(entry.value) else None
        if params.values[name] is None:
            params.faults.add("E0305", entry.value.at, f"the parameter `{name}` is a value by itself",
                              "write a number, a text, a name, or a list of them")  # fmt: skip


def _constant(value: tree.Expr) -> bool:
    match value:
        case tree.Amount() | tree.Text() | tree.Constant() | tree.Name():
            return True
        case tree.Negative(value=tree.Amount()):
            return True
        case tree.Group():
            return _constant(value.value)
        case tree.Sequence():
            return all(_constant(item) for item in value.items)
    return False


# ── what --set says ───────────────────────────────────────────────────────────────────────────────


def _set(params: Params, settings: Settings) -> None:
    for name, written in settings.items():
        if name not in params.values:
            known = ", ".join(params.values) or "none: the spec has no `params { … }`"
            guess = nearest(name, params.values)
            hint = f"did you mean `{guess}`?" if guess else f"known: {known}"
            raise UnknownSetting(f"`--set {name}={written}`: there is no parameter `{name}`; {hint}")
        before = params.values[name]
        if before is not None:
            params.values[name] = _given(name, written, before)


def _given(name: str, written: str, before: tree.Expr) -> tree.Expr:
    """What is written, as a value of the kind that it replaces; texts and names need no quotes."""
    source = Source(name=f"--set {name}", text=written)
    value = _parsed(source)
    if isinstance(before, tree.Text) and not isinstance(value, tree.Text):
        return tree.Text(written, Span(source, 0, len(written)), "string")
    if isinstance(before, tree.Name) and isinstance(value, tree.Text):
        return value
    if value is None or _kind(value) != _kind(before):
        raise UnknownSetting(f"`--set {name}={written}`: `{name}` is {_kind(before)}")
    return value


def _parsed(source: Source) -> tree.Expr | None:
    """The constant that a text says, if it says just one."""
    file, faults = parse(Source(name=source.name, text=f"params {{ x = {source.text}\n}}"))
    match file.entries:
        case (tree.Block(entries=(tree.Attribute() as only,)),) if not faults and _constant(only.value):
            return only.value
    return None


def _kind(value: tree.Expr) -> str:
    match value:
        case tree.Amount():
            return f"a {value.quantity.unit.value}"
        case tree.Negative() | tree.Group():
            return _kind(value.value)
        case tree.Constant():
            return "true or false" if value.value is not None else "null"
        case tree.Sequence():
            return "a list"
        case tree.Text():
            return "a text"
        case _:
            return "a name"


# ── replacing ─────────────────────────────────────────────────────────────────────────────────────


def _in_file(file: tree.File, params: Params) -> tree.File:
    return replace(file, entries=tuple(_in_entry(entry, params) for entry in file.entries))


def _in_entry(entry: tree.Entry, params: Params) -> tree.Entry:
    """The entry with its parameters replaced; one that reads what has no value counts as not readable."""
    if isinstance(entry, tree.Block):
        if entry.kind.text == PARAMS:
            return entry
        return replace(entry, entries=tuple(_in_entry(e, params) for e in entry.entries))
    before = params.unread
    changed = _in_leaf(entry, params)
    return changed if params.unread == before else tree.Broken(_first_words(entry), entry.at)


def _in_leaf(entry: tree.Entry, params: Params) -> tree.Entry:
    match entry:
        case tree.Attribute():
            return replace(entry, value=_in(entry.value, params))
        case tree.Bound():
            argument = _in(entry.argument, params) if entry.argument is not None else None
            return replace(entry, argument=argument, value=_in(entry.value, params))
        case tree.TableRow():
            cells = (
                replace(c, value=_in(c.value, params)) if isinstance(c, tree.Group) else c
                for c in entry.cells
            )
            return replace(entry, cells=tuple(cells))
        case _:
            return entry


def _first_words(entry: tree.Entry) -> tuple[tree.Word, ...]:
    match entry:
        case tree.Attribute():
            return (entry.key,)
        case tree.Bound():
            return (entry.metric,)
        case _:
            return ()


def _in(node: tree.Expr, params: Params) -> tree.Expr:
    """The expression with its parameters replaced."""
    if isinstance(node, tree.Member) and isinstance(node.value, tree.Name) and node.value.text == PARAMS:
        return _value(node, params)

    def inside(inner: tree.Expr) -> tree.Expr:
        return _in(inner, params)

    return _inside(node, inside)


def _inside(node: tree.Expr, change: Callable[[tree.Expr], tree.Expr]) -> tree.Expr:
    """The same expression with what stands directly in it changed."""
    match node:
        case tree.Sequence():
            return replace(node, items=tuple(map(change, node.items)))
        case tree.Call():
            named = tuple(replace(n, value=change(n.value)) for n in node.named)
            return replace(node, arguments=tuple(map(change, node.arguments)), named=named)
        case tree.Member() | tree.Not() | tree.Negative() | tree.Group():
            return replace(node, value=change(node.value))
        case tree.Index():
            return replace(node, value=change(node.value), index=change(node.index))
        case tree.Binary():
            return replace(node, left=change(node.left), right=change(node.right))
        case _:
            return node


def _value(node: tree.Member, params: Params) -> tree.Expr:
    """The value of a parameter at the place that reads it; an unknown one is told and left as it stands."""
    name = node.name.text
    if name not in params.values:
        help_line, fixes = did_you_mean(name, params.values, at=node.name.at)
        help_line = help_line or f"declare it: `params {{ {name} = … }}`"
        params.faults.found.append(
            problem("E0214", node.name.at, f"there is no parameter `{name}`", help_line, fixes=fixes)
        )
    params.used.add(name if name in params.values else nearest(name, params.values) or name)
    value = params.values.get(name)
    if value is None:
        params.unread += 1
        return node
    return _moved(value, node.at)


def _moved(value: tree.Expr, at: Span) -> tree.Expr:
    """A value as if it stood at another place."""
    return replace(_inside(value, lambda inner: _moved(inner, at)), at=at)
