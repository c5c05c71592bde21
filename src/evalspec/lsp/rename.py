"""Renaming: every mention of a name at once, templates included, or the reason why it cannot be done."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from evalspec.lsp.definition import Target, everywhere, target_of
from evalspec.lsp.mentions import Mention, Symbol, What
from evalspec.lsp.names import declarations_of, mention_at
from evalspec.lsp.template_walk import OWN_NAMES
from evalspec.lsp.templates import KEYWORDS
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.lsp.names import View

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
RESERVED = frozenset(("and", "or", "not", "in", "import", "true", "false", "null"))
RENAMED = frozenset(
    (What.DATASET, What.SUBSET, What.PROVIDER, What.MODEL, What.PROMPT, What.COSTS, What.TASK,
     What.LEADERBOARD, What.PARAM, What.STEP, What.SCORE, What.VARIANT, What.COLUMN, What.LOCAL),
)  # fmt: skip


class Refused(ValueError):
    """A name cannot be renamed so; the message says why, in words for whoever asked."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """A new name at a place."""

    target: Target
    text: str


def renamable(view: View, offset: int) -> Mention:
    """The word at an offset, where it can be renamed. Raises Refused."""
    mention = mention_at(view, offset)
    if mention is None:
        raise Refused("there is no name here")
    symbol = mention.symbol
    if symbol.what in (What.LABEL, What.MEMBER):
        raise Refused(f"`{symbol.name}` stands in the data, where nothing is renamed")
    if symbol.what is What.FIELD:
        raise Refused(f"`{symbol.name}` is what the model is asked to write, and what its gold may be called")
    if symbol.what not in RENAMED:
        raise Refused(f"`{symbol.name}` is a word of the language")
    if not declarations_of(view, symbol):
        if symbol.what is What.COLUMN:
            raise Refused(f"the column `{symbol.name}` is named in the data file, where nothing is renamed")
        raise Refused(f"`{symbol.name}` is not declared here")
    return mention


def rename(views: tuple[View, ...], offset: int, new: str) -> tuple[Replacement, ...]:
    """The replacements that rename the word at an offset of the first view. Raises Refused."""
    symbol = renamable(views[0], offset).symbol
    if not NAME.fullmatch(new):
        raise Refused(f"`{new}` is no name: letters, digits and _ make one, and no digit begins it")
    if new in RESERVED:
        raise Refused(f"`{new}` is a word of the language")
    if new == symbol.name:
        return ()
    for view in views:
        _no_clash(view, symbol, new)
    replacements = []
    for mention in everywhere(views, symbol):
        target = target_of(mention.at)
        if target is None:
            raise Refused("the file has no name yet: save it first")
        replacements.append(Replacement(target, new))
    return tuple(replacements)


def _no_clash(view: View, symbol: Symbol, new: str) -> None:
    """Refuses a name that something else has in the same space of names, or that templates read otherwise."""
    if declarations_of(view, Symbol(symbol.what, new, symbol.scope)):
        raise Refused(f"there is a {symbol.what} `{new}` already")
    if symbol.what is What.COLUMN:
        if new in view.facts.columns(symbol.scope):
            raise Refused(f"dataset `{symbol.scope}` has a column `{new}` already")
        tasks = [t for (w, t), d in view.declared.dataset_of.items() if w is What.TASK and d == symbol.scope]
        if any(new in view.declared.steps.get(task, ()) for task in tasks):
            raise Refused(f"a step is called `{new}`")
    if symbol.what is What.STEP:
        dataset = view.declared.dataset_of.get((What.TASK, symbol.scope), "")
        if new in view.facts.columns(dataset) or declarations_of(view, Symbol(What.COLUMN, new, dataset)):
            raise Refused(f"dataset `{dataset}` has a column `{new}`")
    if symbol.what in (What.STEP, What.COLUMN, What.LOCAL) and (new in OWN_NAMES or new in KEYWORDS):
        raise Refused(f"`{new}` means something else in templates")
    if symbol.what is What.COLUMN and new == "params":
        raise Refused("`params` means something else in expressions")
    if symbol.what is What.LOCAL:
        _no_capture(view, symbol, new)


def _no_capture(view: View, symbol: Symbol, new: str) -> None:
    """Refuses to give a template's own name the name of a column or step."""
    task = symbol.scope.partition("/")[0]
    dataset = view.declared.dataset_of.get((What.TASK, task), "")
    if new in view.facts.columns(dataset) or new in view.declared.steps.get(task, ()):
        raise Refused(f"`{new}` is read from the data or an earlier step there")
