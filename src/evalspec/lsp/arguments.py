"""Which names stand where, beyond what the schema says: as arguments and as keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.language.schema import Entry
from evalspec.lsp.mentions import What

if TYPE_CHECKING:
    from collections.abc import Mapping

REFERS: Mapping[str, What] = {
    "dataset": What.DATASET, "subset": What.SUBSET, "provider": What.PROVIDER, "model": What.MODEL,
    "prompt": What.PROMPT, "costs": What.COSTS, "column": What.COLUMN, "label": What.LABEL,
    "step": What.STEP, "metric": What.METRIC,
}  # fmt: skip
# The names that stand as arguments, by function and place or name of the argument.
ARGUMENTS: Mapping[tuple[str, int | str], What] = {
    ("one_of", 0): What.COLUMN, ("one_of", "abstain"): What.LABEL,
    ("some_of", 0): What.COLUMN, ("letter_of", 0): What.COLUMN,
    ("baseline", "columns"): What.COLUMN, ("baseline", "train"): What.DATASET,
    ("recorded", 0): What.FILE, ("file", 0): What.FILE,
    ("first", "of"): What.DATASET, ("first", "by"): What.COLUMN,
    ("random", "of"): What.DATASET, ("random", "by"): What.COLUMN,
    ("similarity", 0): What.MODEL, ("judge", 0): What.MODEL, ("prefer", 0): What.MODEL,
    ("prefer", "against"): What.MODEL, ("judge", "checked_against"): What.DATASET,
    ("cascade", 0): What.MODEL, ("vote", 0): What.MODEL,
    ("field", 0): What.FIELD, ("fields", 0): What.LABEL, ("fields", 1): What.LABEL,
    ("column", 0): What.COLUMN,
}  # fmt: skip
LISTS_LABELS = ("one_of", "some_of")
TEMPLATES: frozenset[tuple[str, int | str]] = frozenset(
    (("judge", 1), ("judge", "prompt"), ("prefer", 1), ("prefer", "prompt"), ("code", "program"),
     ("http", "request"))
)  # fmt: skip
# What the keys of blocks that admit any name stand for, and whether they declare it.
FREE_KEYS: Mapping[str, tuple[What, bool]] = {
    "derive": (What.COLUMN, True), "prompts": (What.VARIANT, True), "scores": (What.SCORE, True),
    "assign": (What.STEP, False), "weights": (What.TASK, False), "leaderboard": (What.MODEL, False),
    "params": (What.PARAM, True), "gold": (What.FIELD, False), "mix": (What.LABEL, False),
}  # fmt: skip
# How the values in those blocks are read: as the attribute of that name and kind of block is.
FREE_VALUES: Mapping[str, Entry] = {
    "derive": Entry(name="", doc="", value="EXPRESSION"),
    "gold": Entry(name="", doc="", value="EXPRESSION"),
    "prompts": Entry(name="", doc="", refers="prompt", calls="prompt"),
    "scores": Entry(name="", doc="", calls="score"),
    "assign": Entry(name="", doc="", refers="model", several=True),
}  # fmt: skip
