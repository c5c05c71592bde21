"""How often and in which forms a step asks: samples, perturbed examples, and for which examples it runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from evalspec.check.values import (
    call_of,
    file_of,
    items_of,
    no_file,
    quantity_of,
    shown,
    text_of,
    unexpected_arguments,
    whole_number,
)
from evalspec.data.places import is_file
from evalspec.language.call_names import CALLS
from evalspec.language.expressions import Expression, Scope, Type, compile_expression
from evalspec.language.program import Perturbation
from evalspec.syntax import tree
from evalspec.text.diagnostics import did_you_mean, problem
from evalspec.text.units import Unit
from evalspec.text.values import dataclass, replace

if TYPE_CHECKING:
    from evalspec.check.datasets import Data
    from evalspec.check.entries import Entries, Faults

MOST_SAMPLES = 1_000
CONFIDENCE = "confidence"


def read_samples(entries: Entries, faults: Faults) -> int:
    """How often each question is asked."""
    value = entries.value("samples")
    n = whole_number(value, "`samples`", faults) if value is not None else None
    if n is None or value is None:
        return 1
    if n > MOST_SAMPLES:
        faults.add("E0305", value.at, f"`samples` is at most {MOST_SAMPLES:,}", "write `samples = 20`")
        return 1
    return n


# ── perturbations ─────────────────────────────────────────────────────────────────────────────────


def read_perturbations(entries: Entries, faults: Faults) -> tuple[Perturbation, ...]:
    """The changes of each example that are asked too."""
    value = entries.value("perturb")
    found: list[Perturbation] = []
    for item in items_of(value, "write `perturb = [typos(10%), lowercase]`", faults):
        change = _perturbation(item, faults)
        if change is not None and change in found:
            faults.add("E0404", item.at, f"`{shown(item)}` is given twice", "remove one")
        elif change is not None:
            found.append(change)
    if found and value is not None:
        faults.not_run(value.at, "perturbed examples", "leave `perturb` out to ask the examples as they are")
    return tuple(found)


def _perturbation(item: tree.Expr, faults: Faults) -> Perturbation | None:
    call = call_of(item)
    name = call[0] if call is not None else ""
    if call is None or name not in CALLS["perturb"]:
        help_line = did_you_mean(name or shown(item), CALLS["perturb"])[0]
        faults.add("E0519", item.at, f"there is no perturbation `{name or shown(item)}`", help_line)
        return None
    _, arguments, named = call
    takes = 0 if name in ("lowercase", "extra_space", "contractions") else 1
    unexpected_arguments(item.at, name, arguments[takes:], named, (), faults)
    if len(arguments) < takes:
        written = CALLS["perturb"][name].written
        faults.add("E0306", item.at, f"`{name}` needs something to go by", f"write `{written}`")
        return None
    match name:
        case "typos":
            return _typos(arguments[0], faults)
        case "synonyms" | "names":
            return _replacing(name, arguments[0], faults)
        case "python":
            return _own_function(arguments[0], faults)
        case _:
            return Perturbation(kind=name)


def _typos(value: tree.Expr, faults: Faults) -> Perturbation | None:
    share = quantity_of(value, (Unit.RATIO,), "the share of words", faults)
    if share is None:
        return None
    if not 0 < share.value <= 1:
        faults.add("E0429", value.at, "a share of words is above 0 % and at most 100 %", "write `typos(10%)`")
        return None
    return Perturbation(kind="typos", share=float(share.value))


def _replacing(name: str, value: tree.Expr, faults: Faults) -> Perturbation | None:
    found = file_of(value, faults)
    if found is None:
        return None
    written, path = found
    if not is_file(path):
        no_file(value.at, written, path, faults)
        return None
    return Perturbation(kind=name, file=path)


def _own_function(value: tree.Expr, faults: Faults) -> Perturbation | None:
    text = text_of(value, "a function", faults)
    if text is None:
        return None
    written, colon, function = text.rpartition(":")
    if not colon or not written or not function.isidentifier():
        faults.add("E0305", value.at, f"`{text}` names no function in a file", 'write `python("p.py:f")`')
        return None
    path = value.at.source.folder / written
    if "\0" in written or not is_file(path):
        no_file(value.at, written, path, faults)
        return None
    return Perturbation(kind="python", file=path, function=function)


# ── when ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class When:
    """For which examples a step runs, and which steps that depends on."""

    condition: Expression
    reads: frozenset[str]


def read_when(entries: Entries, data: Data, steps: Mapping[str, Type], faults: Faults) -> When | None:
    """The condition of a step over columns, earlier answers, and their confidence as `STEP.confidence`."""
    value = entries.value("when")
    if value is None:
        return None
    own = {f"{name}.{CONFIDENCE}": Type.NUMBER for name in steps}
    slip = _slip(value, steps)
    if slip is not None:
        help_line, fixes = did_you_mean(slip.name.text, [CONFIDENCE], at=slip.name.at)
        step = slip.value.text if isinstance(slip.value, tree.Name) else "it"
        message = f"the answer of `{step}` has no member `{slip.name.text}`"
        faults.found.append(
            problem(
                "E0302",
                slip.name.at,
                message,
                help_line,
                f"how sure it is: `{step}.{CONFIDENCE}`",
                fixes=fixes,
            )
        )
        return None
    columns = None if data.types is None else {**data.types, **steps, **own}
    scope = Scope(columns, f"dataset `{data.dataset.name}`")
    expression, found = compile_expression(_flat(value, own), scope)
    faults.extend(found)
    if found:
        return None
    if expression.type not in (Type.BOOL, Type.UNKNOWN):
        faults.add("E0302", value.at, f"`when` takes a condition, and this is a {expression.type}",
                   "compare it with something: `… == …`")  # fmt: skip
        return None
    read = {name.removesuffix(f".{CONFIDENCE}") if name in own else name for name in expression.columns}
    return When(expression, frozenset(read & set(steps)))


def _slip(node: tree.Expr, steps: Mapping[str, Type]) -> tree.Member | None:
    """The first member of a step's answer that there cannot be: only objects have others than confidence."""
    if isinstance(node, tree.Member) and isinstance(node.value, tree.Name):
        kind = steps.get(node.value.text, Type.OBJECT)
        fine = node.name.text == CONFIDENCE or kind in (Type.OBJECT, Type.UNKNOWN)
        return None if fine else node
    found = (slip for part in _parts(node) if (slip := _slip(part, steps)) is not None)
    return next(found, None)


def _parts(node: tree.Expr) -> tuple[tree.Expr, ...]:
    match node:
        case tree.Binary():
            return (node.left, node.right)
        case tree.Not() | tree.Negative() | tree.Group():
            return (node.value,)
        case tree.Sequence():
            return node.items
        case tree.Call():
            return node.arguments
        case _:
            return ()


def _flat(node: tree.Expr, own: Mapping[str, Type]) -> tree.Expr:
    """The condition with each `STEP.confidence` as one name, which is how rows of answers have it."""
    match node:
        case tree.Member(value=tree.Name() as step) if f"{step.text}.{node.name.text}" in own:
            return tree.Name(f"{step.text}.{node.name.text}", node.at)
        case tree.Binary():
            return replace(node, left=_flat(node.left, own), right=_flat(node.right, own))
        case tree.Not() | tree.Negative() | tree.Group():
            return replace(node, value=_flat(node.value, own))
        case tree.Sequence():
            return replace(node, items=tuple(_flat(item, own) for item in node.items))
        case tree.Call():
            return replace(node, arguments=tuple(_flat(a, own) for a in node.arguments))
        case _:
            return node
