"""How an answer is found in a response, and how a text is judged."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from evalspec.language.prompts import Prompt
    from evalspec.text.source import Span


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
    at: Span  # where the model is named


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
    at: Span  # where the model is named
    checked_against: str | None = None  # a dataset of ratings by people
    checked_at: Span | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefer:
    """A model's preference between this candidate's answer and another's, asked in both orders."""

    model: str
    prompt: Prompt
    against: str
    at: Span  # where the model is named
    against_at: Span


TextScore = Exact | Contains | Matches | TokenF1 | RougeL | Bleu | Similarity | PythonScore | Judge | Prefer

FLAGS = (Exact, Contains, Matches)  # true or false; the other scores are graded


def name_of(score: TextScore) -> str:
    """What a score is called in the language, and in results where the spec gives it no name."""
    match score:
        case Exact():
            return "exact"
        case Contains():
            return "contains"
        case Matches():
            return "matches"
        case TokenF1():
            return "token_f1"
        case RougeL():
            return "rouge_l"
        case Bleu():
            return "bleu"
        case Similarity():
            return "similarity"
        case PythonScore():
            return "python"
        case Judge():
            return "judge"
        case Prefer():
            return "prefer"
        case _:
            assert_never(score)


def is_flag(score: TextScore) -> bool:
    """Whether a score is right or wrong, and not a degree. A judge of two words says one or the other."""
    return isinstance(score, FLAGS) or (isinstance(score, Judge) and len(score.scale) == 2)


def named_scores(single: TextScore, named: Mapping[str, TextScore]) -> Mapping[str, TextScore]:
    """The scores of a step by their names: those of `scores { … }`, else the one of `score`."""
    return named or {name_of(single): single}


def tells_right(scores: Mapping[str, TextScore]) -> bool:
    """Whether the scores themselves say what is right: there is one, and it is true or false."""
    return len(scores) == 1 and all(is_flag(score) for score in scores.values())
