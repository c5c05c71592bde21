"""What blocks declare and are about: what must be known before a single name can be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.lsp.mentions import What
from evalspec.syntax import tree
from evalspec.text.values import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

KINDS: Mapping[str, What] = {
    "dataset": What.DATASET,
    "subset": What.SUBSET,
    "provider": What.PROVIDER,
    "model": What.MODEL,
    "prompt": What.PROMPT,
    "costs": What.COSTS,
    "task": What.TASK,
    "chain": What.TASK,
    "decision": What.TASK,
    "leaderboard": What.LEADERBOARD,
}


@dataclass(slots=True)
class Declarations:
    """The names of each kind; and for tasks, costs and prompts the dataset that they are about."""

    names: dict[What, set[str]] = field(default_factory=dict)
    dataset_of: dict[tuple[What, str], str] = field(default_factory=dict)
    label_of: dict[str, str] = field(default_factory=dict)  # the label column of a dataset
    steps: dict[str, list[str]] = field(default_factory=dict)  # of a chain
    scores: dict[str, set[str]] = field(default_factory=dict)  # of a task
    families: set[str] = field(default_factory=set)  # subsets with `by`

    def has(self, what: What, name: str) -> bool:
        return name in self.names.get(what, ())


def declarations(files: Sequence[tree.File]) -> Declarations:
    """What some files declare."""
    found = Declarations()
    blocks = [entry for file in files for entry in file.entries if isinstance(entry, tree.Block)]
    for block in blocks:
        what = KINDS.get(block.kind.text)
        if what is not None and block.name is not None:
            found.names.setdefault(what, set()).add(block.name.text)
            _note(block, what, block.name.text, found)
    for block in blocks:
        if KINDS.get(block.kind.text) is What.TASK and block.name is not None:
            _about(block, found.dataset_of.get((What.TASK, block.name.text), ""), found)
    return found


def _note(block: tree.Block, what: What, name: str, found: Declarations) -> None:
    if block.target is not None:
        found.dataset_of[what, name] = block.target.text
    if what is What.SUBSET and value_of(block, "by") is not None:
        found.families.add(name)
    if what is What.DATASET:
        label = value_of(block, "label")
        if isinstance(label, tree.Binary):
            label = label.left
        if isinstance(label, tree.Name | tree.Text):
            found.label_of[name] = label.text
    if what is What.TASK:
        data = value_of(block, "data")
        if isinstance(data, tree.Name | tree.Text):
            found.dataset_of[what, name] = data.text
        found.steps[name] = [b.name.text for b in nested(block, "step") if b.name is not None]
        inner = [*nested(block, "scores"), *(b for s in nested(block, "step") for b in nested(s, "scores"))]
        found.scores[name] = {e.key.text for b in inner for e in attributes(b)}


def _about(block: tree.Block, dataset: str, found: Declarations) -> None:
    """Notes that the costs and prompts which a task names are about its dataset."""
    for inner in (block, *nested(block, "step"), *nested(block, "prompts")):
        for entry in attributes(inner):
            if isinstance(entry.value, tree.Name):
                what = What.COSTS if entry.key.text == "costs" else What.PROMPT
                found.dataset_of.setdefault((what, entry.value.text), dataset)


def attributes(block: tree.Block) -> Iterator[tree.Attribute]:
    """The attributes of a block, in order."""
    return (entry for entry in block.entries if isinstance(entry, tree.Attribute))


def nested(block: tree.Block, kind: str) -> Iterator[tree.Block]:
    """The blocks of a kind inside a block."""
    return (e for e in block.entries if isinstance(e, tree.Block) and e.kind.text == kind)


def value_of(block: tree.Block, name: str) -> tree.Expr | None:
    """The value of an attribute, where it is given."""
    return next((entry.value for entry in attributes(block) if entry.key.text == name), None)
