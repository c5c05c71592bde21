"""What the words of a spec are: a mention is one word (or text) at a place, and what it stands for."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.text.source import Span


class What(StrEnum):
    """What a word stands for. The first ones are declared in specs; the last ones belong to the language."""

    DATASET = "dataset"
    SUBSET = "subset"
    PROVIDER = "provider"
    MODEL = "model"
    PROMPT = "prompt"
    COSTS = "costs"
    TASK = "task"  # chains and decisions as well: they share one space of names
    LEADERBOARD = "leaderboard"
    PARAM = "parameter"
    STEP = "step"  # of a chain, which is the scope
    SCORE = "score"  # of a task
    VARIANT = "prompt variant"  # of a task
    FIELD = "field"  # of a JSON answer
    COLUMN = "column"  # of a dataset
    LABEL = "label"  # of a dataset
    MEMBER = "value of a subset"  # of the subset
    LOCAL = "name in a template"
    FILE = "file"
    BLOCK = "kind of block"
    ATTRIBUTE = "attribute"  # of a kind of block
    ARGUMENT = "argument"  # of a function
    FUNCTION = "function"  # of a group of call_names.CALLS, or "" in expressions
    METRIC = "metric"
    WORD = "word"  # of an attribute, "block.attribute"
    TEMPLATE_WORD = "name that templates have"
    FILTER = "filter"
    TEST = "test"


DECLARED = frozenset(
    (What.DATASET, What.SUBSET, What.PROVIDER, What.MODEL, What.PROMPT, What.COSTS, What.TASK,
     What.LEADERBOARD, What.PARAM, What.STEP, What.SCORE, What.VARIANT, What.FIELD, What.COLUMN, What.LABEL,
     What.MEMBER, What.LOCAL),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Symbol:
    """What a name names: the same symbol wherever the same is meant. `scope` is what it is a part of."""

    what: What
    name: str
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Mention:
    """A word at a place. `declares`: it brings the name into being; `quoted`: it is a string's content."""

    symbol: Symbol
    at: Span
    declares: bool = False
    quoted: bool = False
