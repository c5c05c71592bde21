"""How texts are judged: `score`, `scores { NAME = … }`, and `right`, which says when they are right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.check.entries import read_entries
from evalspec.check.extracting import read_pattern
from evalspec.check.judges import JUDGING, read_judging
from evalspec.check.values import call_of, several_of, shown, unexpected_arguments
from evalspec.language.answer_types import AnswerType, JsonAnswer, TextAnswer
from evalspec.language.call_names import CALLS
from evalspec.language.expressions import Expression, Scope, Type, compile_expression
from evalspec.language.judging import (
    Bleu,
    Contains,
    Exact,
    Judge,
    Matches,
    PythonScore,
    RougeL,
    TextScore,
    TokenF1,
    is_flag,
    name_of,
    named_scores,
    tells_right,
)
from evalspec.language.metric_names import LATER_METRICS, METRICS
from evalspec.syntax import tree
from evalspec.text.diagnostics import did_you_mean
from evalspec.text.values import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evalspec.check.datasets import Data
    from evalspec.check.entries import Entries, Faults
    from evalspec.language.program import Step
    from evalspec.text.source import Span

SCORES = tuple(CALLS["score"])
IGNORABLE = ("case", "space", "punctuation", "articles")
PLAIN: Mapping[str, TextScore] = {
    "contains": Contains(), "token_f1": TokenF1(), "rouge_l": RougeL(), "bleu": Bleu(),
}  # fmt: skip
NO_COLUMN, NO_SCORE = "E0203", "E0439"  # expressions know columns only
# The metrics that ask of each answer whether it is right, and the attributes that do.
OF_RIGHT = frozenset(
    ("accuracy", "end_to_end", "expected_cost", "total_cost", "ece", "brier", "log_loss", "overconfidence",
     "auroc", "aurc", "augrc"),
)  # fmt: skip
ATTRIBUTES_OF_RIGHT = ("costs", "abstain", "confidence", "calibration")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """The score of a step, its named scores, and what counts as right."""

    score: TextScore
    scores: Mapping[str, TextScore]
    right: Expression | None


EXACT = Scoring(score=Exact(), scores={}, right=None)


def read_scoring(entries: Entries, answer: AnswerType, data: Data, faults: Faults) -> Scoring:
    """How the texts of a step are judged. Without a word about it, by `exact`."""
    value, block, right = entries.value("score"), entries.nested("scores"), entries.value("right")
    if not isinstance(answer, TextAnswer):
        given = [node.at for node in (value, right) if node is not None]
        for at in given + ([block.header] if block is not None else []):
            faults.add(
                "E0409",
                at,
                "`score` is for `text` answers",
                "other answers are right when they equal the gold",
            )
        return EXACT
    if value is not None and block is not None:
        faults.add(
            "E0404", block.header, "`score` and `scores` are both given", "put the score into `scores`"
        )
        return EXACT
    score = _score(value, data, faults) if value is not None else Exact()
    scores = _named(block, data, faults) if block is not None else {}
    if score is None or scores is None:
        return EXACT
    return Scoring(score=score, scores=scores, right=_right(right, named_scores(score, scores), faults))


def _named(block: tree.Block, data: Data, faults: Faults) -> Mapping[str, TextScore] | None:
    """The scores of a block by their names; None after saying what is wrong with one."""
    inner = read_entries(block, faults)
    if not inner.attributes and not inner.broken:
        faults.add("E0307", block.header, "`scores` holds no score", "write `NAME = exact`")
        return None
    found = {name: _score(a.value, data, faults) for name, a in inner.attributes.items()}
    for name, score in found.items():
        if score is not None and (name in METRICS or name in LATER_METRICS) and name_of(score) != name:
            at = inner.attributes[name].key.at
            faults.add("E0433", at, f"`{name}` is the name of a metric", "give the score another name")
    scores = {name: score for name, score in found.items() if score is not None}
    return scores if len(scores) == len(found) and not inner.broken else None


def _score(value: tree.Expr, data: Data, faults: Faults) -> TextScore | None:
    call = call_of(value)
    name, arguments, named = call if call is not None else ("", (), {})
    if name in JUDGING:
        return read_judging(value, data, faults)
    if name == "matches":
        pattern = read_pattern(value, faults)
        return Matches(regex=pattern) if pattern is not None else None
    if name == "exact":
        unexpected_arguments(value.at, name, arguments, named, ("ignore",), faults)
        return Exact(ignore=_ignored(named.get("ignore"), faults))
    if name in PLAIN:
        unexpected_arguments(value.at, name, arguments, named, (), faults)
        return PLAIN[name]
    at = value.function.at if isinstance(value, tree.Call) else value.at
    help_line, fixes = did_you_mean(name, SCORES, at=at)
    faults.add("E0424", value.at, f"there is no score `{name or shown(value)}`", help_line, fixes=fixes)
    return None


def _ignored(named: tree.Named | None, faults: Faults) -> frozenset[str]:
    words = several_of(named.value, "what is ignored", faults) if named is not None else None
    for word in words or ():
        if word.text not in IGNORABLE:
            help_line, fixes = did_you_mean(word.text, IGNORABLE, at=word.at)
            faults.add("E0306", word.at, f"`exact` cannot ignore `{word.text}`", help_line, fixes=fixes)
    return frozenset(w.text for w in words or () if w.text in IGNORABLE)


# ── what is right ─────────────────────────────────────────────────────────────────────────────────


def _right(value: tree.Expr | None, scores: Mapping[str, TextScore], faults: Faults) -> Expression | None:
    if value is None:
        return None
    scope = Scope({name: _type(score) for name, score in scores.items()}, "this task", noun="score")
    expression, found = compile_expression(value, scope)
    faults.extend(replace(d, code=NO_SCORE) if d.code == NO_COLUMN else d for d in found)
    if found:
        return None
    if expression.type not in (Type.BOOL, Type.UNKNOWN):
        name = shown(value)
        faults.add("E0302", value.at, f"`right` is a condition, and `{name}` is a {expression.type}",
                   f"write `right = {name} >= 0.5`")  # fmt: skip
        return None
    return expression


def _type(score: TextScore) -> Type:
    """What a score is in an expression: a condition, or a figure. A judge's scale of words is text."""
    if is_flag(score):
        return Type.BOOL
    if isinstance(score, Judge) and not all(_is_figure(word) for word in score.scale):
        return Type.TEXT
    return Type.UNKNOWN if isinstance(score, PythonScore) else Type.NUMBER


def _is_figure(word: str) -> bool:
    return word.lstrip("-").replace(".", "", 1).isdigit()


def right_is_told(entries: Entries, final: Step, faults: Faults) -> None:
    """Says that scores leave open what is right, where something asks for it. `entries`: of the task."""
    scores = named_scores(final.score, final.scores)
    if not isinstance(final.answer, TextAnswer) or final.right is not None or tells_right(scores):
        return
    asking = next(_asks_for_right(entries), None)
    if asking is None or "right" in entries.spoiled:
        return
    at, name = asking
    what = f"the score `{next(iter(scores))}` is graded" if len(scores) == 1 else "there are several scores"
    graded = next((n for n, score in scores.items() if not is_flag(score)), None)
    write = f"`right = {graded} >= 0.5`" if graded is not None else f"`right = {' and '.join(scores)}`"
    faults.add("E0432", at, f"`{name}` needs to know what is right, and {what}", f"write {write}")


def _asks_for_right(entries: Entries) -> Iterator[tuple[Span, str]]:
    """The attributes and metrics of a task that ask of each answer whether it is right."""
    for name in ATTRIBUTES_OF_RIGHT:
        if name in entries.attributes:
            yield entries.attributes[name].key.at, name
    for name in ("rank", "report"):
        value = entries.value(name)
        for item in value.items if isinstance(value, tree.Sequence) else (value,):
            if isinstance(item, tree.Name) and item.text in OF_RIGHT:
                yield item.at, item.text
    for block in entries.blocks:
        for entry in block.entries if block.kind.text in ("require", "no_worse_than") else ():
            if isinstance(entry, tree.Bound) and entry.metric.text in OF_RIGHT:
                yield entry.metric.at, entry.metric.text


def default_metric(final: Step) -> str | None:
    """The metric that ranks where nothing says what is right: the first score; None where something does."""
    scores = text_scores(final)
    if not scores or final.right is not None or tells_right(scores):
        return None
    return next(iter(scores))


def text_scores(final: Step) -> Mapping[str, TextScore]:
    """The scores of a step by their names, which are metrics; none where answers are no texts."""
    return named_scores(final.score, final.scores) if isinstance(final.answer, TextAnswer) else {}


def fields_of(final: Step) -> tuple[str, ...]:
    """The fields of a JSON answer that are judged, each of which has an accuracy."""
    if not isinstance(final.answer, JsonAnswer):
        return ()
    return tuple(
        f.name for f in final.answer.fields if f.scored and f.name in (final.field_golds or {f.name})
    )
