"""How an answer is found in a response, and how a text is judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from evalspec.language.prompts import Prompt


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """What a regular expression finds first or last: group 1 where it has one, else the whole match."""

    regex: str
    last: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """What stands in the first or last fenced block."""

    last: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Exact:
    """Equal to a gold text, after dropping what `ignore` names."""

    ignore: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Contains:
    """A gold text stands somewhere in the answer (case-blind)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches:
    """The answer matches a regular expression, whatever the gold."""

    regex: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenF1:
    """The overlap of words with the nearest gold text, as SQuAD counts it: 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RougeL:
    """The longest common subsequence of words with the nearest gold text, as an F-measure: 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bleu:
    """The overlap of n-grams with the gold texts, smoothed, for one answer: 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Similarity:
    """The cosine of two embeddings that a model makes."""

    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonScore:
    """A function of the user's own in a file; run only with `--allow-code`."""

    file: Path
    function: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """A model's rating of the answer: one of the words or numbers of its scale, the worst first."""

    model: str
    prompt: Prompt
    scale: tuple[str, ...]
    checked_against: str | None = None  # a dataset of ratings by people


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefer:
    """A model's preference between this candidate's answer and another's, asked in both orders."""

    model: str
    prompt: Prompt
    against: str


TextScore = Exact | Contains | Matches | TokenF1 | RougeL | Bleu | Similarity | PythonScore | Judge | Prefer
