"""What a cursor is about: the dataset, the attribute as the schema has it, the function around."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.language.schema import BLOCKS, Entry
from evalspec.lsp.arguments import FREE_VALUES
from evalspec.lsp.context import Context
from evalspec.lsp.mentions import What

if TYPE_CHECKING:
    from evalspec.lsp.names import View


def dataset_at(view: View, context: Context) -> str:
    """The dataset that columns at the cursor belong to."""
    block = context.around("dataset", "subset", "task", "chain", "costs", "prompt")
    match block.kind if block is not None else "":
        case "dataset":
            return block.name if block is not None else ""
        case "subset":
            return block.target if block is not None else ""
        case "task" | "chain":
            return block.word("data") if block is not None else ""
        case "costs" | "prompt" as kind:
            what = What.COSTS if kind == "costs" else What.PROMPT
            return view.declared.dataset_of.get((what, block.name if block is not None else ""), "")
        case _:
            return ""


def entry_at(context: Context) -> Entry | None:
    """What the schema says of the attribute at the cursor."""
    block = context.block
    kind = BLOCKS.get(block.kind) if block is not None else None
    if block is None or kind is None:
        return None
    return kind.entries.get(context.key) or FREE_VALUES.get(block.kind)


def function_at(context: Context) -> tuple[str, int | str]:
    """The function whose argument is at the cursor, seen through lists, and which argument it is."""
    for bracket in reversed(context.inside):
        if bracket.function:
            return bracket.function, bracket.argument
        if not bracket.list:
            break
    return "", 0
