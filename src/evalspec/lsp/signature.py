"""How the function around the cursor is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.language.call_names import CALLS
from evalspec.language.functions import FUNCTIONS
from evalspec.lsp.context import context_at
from evalspec.lsp.surroundings import entry_at, function_at
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.lsp.names import View


@dataclass(frozen=True, slots=True)
class Signature:
    """A function as it is used, and what it is for."""

    written: str
    doc: str


def signature(view: View, offset: int) -> Signature | None:
    """The function whose arguments stand at an offset."""
    context = context_at(view.source.text, offset)
    function, _ = function_at(context)
    entry = entry_at(context)
    if entry is not None and entry.calls and function in CALLS[entry.calls]:
        call = CALLS[entry.calls][function]
        return Signature(call.written, call.doc)
    if function in FUNCTIONS:
        return Signature(FUNCTIONS[function].shape, f"gives a {FUNCTIONS[function].gives}")
    found = [group[function] for group in CALLS.values() if function in group]
    return Signature(found[0].written, found[0].doc) if found else None
