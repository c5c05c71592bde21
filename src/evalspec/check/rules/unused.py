"""Declarations that nothing uses. A file without task or chain is a library, where nothing is unused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.check.names import Declared, every_block
from evalspec.syntax import tree
from evalspec.text.diagnostics import Diagnostic, problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from evalspec.data.rows import Loaded
    from evalspec.language.program import Program

REFERENCES = {
    "data": "dataset", "train": "dataset", "costs": "costs", "models": "model", "provider": "provider",
}  # fmt: skip


def declarations_are_used(
    declared: Declared, program: Program, data: Mapping[str, Loaded]
) -> Iterable[Diagnostic]:
    """A warning for each declaration that no other refers to."""
    if not (declared.names["task"] or declared.names["chain"] or declared.names["decision"]):
        return
    used = set(_references(declared))
    used |= {("model", m) for task in program.tasks.values() for m in task.models}
    every_model = _every_model_is_candidate(declared)
    for kind, name, block in every_block(declared):
        judged = kind in ("dataset", "costs", "provider") or (kind == "model" and not every_model)
        if judged and (kind, name) not in used and block.name is not None:
            yield problem("W0207", block.name.at, f"{kind} `{name}` is never used", "remove it")


def _every_model_is_candidate(declared: Declared) -> bool:
    """Whether some task takes every model that fits, so that none is left over; a note tells misfits."""
    blocks = [*declared.of("task").values(), *declared.of("chain").values()]
    return any(not any(_key(e) == "models" for e in b.entries) for b in blocks)


def _key(entry: tree.Entry) -> str:
    return entry.key.text if isinstance(entry, tree.Attribute) else ""


def _references(declared: Declared) -> Iterator[tuple[str, str]]:
    """Every (kind, name) that some block refers to, whether or not it could be understood."""
    for kind, _, block in every_block(declared):
        if kind == "subset" and block.target is not None:
            yield "dataset", block.target.text
        for attribute in _attributes(block):
            yield from _in_attribute(attribute)


def _attributes(block: tree.Block) -> Iterator[tree.Attribute]:
    for entry in block.entries:
        if isinstance(entry, tree.Attribute):
            yield entry
        elif isinstance(entry, tree.Block):
            yield from _attributes(entry)


def _in_attribute(attribute: tree.Attribute) -> Iterator[tuple[str, str]]:
    kind = REFERENCES.get(attribute.key.text)
    value = attribute.value
    items = value.items if isinstance(value, tree.Sequence) else (value,)
    for item in items:
        if kind is not None and isinstance(item, tree.Name | tree.Text):
            yield kind, item.text
        if isinstance(item, tree.Call):
            for named in item.named:
                if named.name.text in REFERENCES and isinstance(named.value, tree.Name):
                    yield REFERENCES[named.name.text], named.value.text
