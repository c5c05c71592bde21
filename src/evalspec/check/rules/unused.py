"""Declarations that nothing uses. A file without task or chain is a library, where nothing is unused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from evalspec.check.names import Declared, every_block
from evalspec.syntax import tree
from evalspec.text.diagnostics import Diagnostic, nearest, problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from evalspec.data.rows import Loaded
    from evalspec.language.program import Program

REFERENCES = {
    "data": "dataset", "train": "dataset", "costs": "costs", "models": "model", "provider": "provider",
}  # fmt: skip
PROMPTS = ("prompt", "system")
KINDS = ("dataset", "costs", "provider", "model", "prompt")
ANY = ""


def declarations_are_used(
    declared: Declared, program: Program, data: Mapping[str, Loaded]
) -> Iterable[Diagnostic]:
    """A warning for each declaration that no other refers to."""
    if not (declared.names["task"] or declared.names["chain"]):
        return  # a library
    used = set(_references(entry for file in declared.files for entry in file.entries))
    used |= {(kind, nearest(name, declared.names[kind]) or name) for kind, name in used if kind}
    used |= {("model", m) for task in program.tasks.values() for m in task.models}
    exempt = _exempt(declared)
    for kind, name, block in every_block(declared):
        if kind not in KINDS or kind in exempt or block.name is None or block.at.source is not declared.main:
            continue
        if (kind, name) not in used and (ANY, name) not in used:
            yield problem("W0207", block.name.at, f"{kind} `{name}` is never used", "remove it")


def _exempt(declared: Declared) -> set[str]:
    """The kinds of which none is left over: models where a task takes every one that fits (a note tells
    misfits), and datasets where a task forgot to name its own, which was told."""
    blocks = [*declared.of("task").values(), *declared.of("chain").values()]
    given = [{_key(e) for e in block.entries} for block in blocks]
    silent = {"dataset": "data", "model": "models"}
    return {kind for kind, key in silent.items() if any(key not in keys for keys in given)}


def _key(entry: tree.Entry) -> str:
    """The attribute that an entry gives; an empty list gives nothing."""
    empty = (
        isinstance(entry, tree.Attribute) and isinstance(entry.value, tree.Sequence) and not entry.value.items
    )
    return entry.key.text if isinstance(entry, tree.Attribute) and not empty else ""


def _references(entries: Iterable[tree.Entry]) -> Iterator[tuple[str, str]]:
    """Every (kind, name) that some entry refers to, understood or not; ANY where the kind is not known."""
    for entry in entries:
        match entry:
            case tree.Block():
                if entry.target is not None:
                    yield "dataset", entry.target.text
                yield from _references(entry.entries)
                if entry.kind.text == "no_worse_than" and entry.name is not None:
                    yield "model", entry.name.text
                if entry.kind.text == "assign":
                    yield from (("model", name) for e in entry.entries if isinstance(e, tree.Attribute)
                                for name in _names(e.value))  # fmt: skip
                if entry.kind.text in ("prompts", "messages"):
                    yield from _named_prompts(entry.entries)
            case tree.Attribute():
                if entry.key.text == "shots" and isinstance(entry.value, tree.Call):
                    drawn = (n.value for n in entry.value.named if n.name.text == "of")
                    yield from (("dataset", name) for value in drawn for name in _names(value))
                if entry.key.text in PROMPTS:
                    yield from _named_prompts((entry,))
                kind = REFERENCES.get(entry.key.text)
                yield from ((kind, name) for name in _names(entry.value) if kind is not None)
                yield from ((ANY, name) for name in _argument_names(entry.value))
            case tree.Broken():
                text = entry.at.source.text[entry.at.start : entry.at.end]
                yield from ((ANY, word) for word in re.findall(r"\w+", text))
            case _:
                pass


def _named_prompts(entries: Iterable[tree.Entry]) -> Iterator[tuple[str, str]]:
    """The top-level prompts that entries are given as."""
    values = (entry.value for entry in entries if isinstance(entry, tree.Attribute))
    yield from (("prompt", value.text) for value in values if isinstance(value, tree.Name))


def _names(value: tree.Expr) -> Iterator[str]:
    """The names that a value consists of: itself, or a list of them."""
    for item in value.items if isinstance(value, tree.Sequence) else (value,):
        if isinstance(item, tree.Name | tree.Text):
            yield item.text


def _argument_names(value: tree.Expr) -> Iterator[str]:
    """The names in the arguments of calls, such as `baseline(…, train = tickets)`."""
    for item in value.items if isinstance(value, tree.Sequence) else (value,):
        if isinstance(item, tree.Call):
            yield from _names(item.function)
            for argument in (*item.arguments, *(named.value for named in item.named)):
                yield from _names(argument)
                yield from _argument_names(argument)
