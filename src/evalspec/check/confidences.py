"""Where a step's confidence comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.check.answer_types import UNKNOWN_LABELS, AnswerRead
from evalspec.check.values import call_of, items_of, shown, unexpected_arguments, whole_number, word_of
from evalspec.language.answer_types import AnswerType, JsonAnswer
from evalspec.language.call_names import CALLS
from evalspec.language.program import ConfidenceSource
from evalspec.syntax import tree
from evalspec.text.diagnostics import did_you_mean, problem
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.check.entries import Entries, Faults
    from evalspec.check.pricing import Labels

SOURCES = tuple(CALLS["confidence"])
LATER = {ConfidenceSource.ASK: "a second question"}
MOST_VOTES = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Confidence:
    """The sources in the order they are preferred, with the fields and the number of samples they name."""

    sources: tuple[ConfidenceSource, ...] = ()
    fields: tuple[str, ...] = ()
    votes: int | None = None


def read_confidence(entries: Entries, answer: AnswerRead | None, faults: Faults) -> Confidence:
    """What `confidence` says. `answer`: None where the answer type was not understood."""
    items = items_of(entries.value("confidence"), "write `logprobs` or `stated`", faults)
    found = Confidence()
    for item in items:
        source = _source(item, _labels(answer), faults)
        if source is None:
            continue
        if source in found.sources:
            faults.add("E0404", item.at, f"`{source.value}` is given twice", "remove one")
            continue
        found = _with(found, source, item, answer, faults)
    return found


def _labels(answer: AnswerRead | None) -> Labels | None:
    return answer.labels if answer is not None else UNKNOWN_LABELS


def _source(item: tree.Expr, labels: Labels | None, faults: Faults) -> ConfidenceSource | None:
    call = call_of(item)
    name = call[0] if call is not None else ""
    if name not in SOURCES:
        at = item.function.at if isinstance(item, tree.Call) else item.at
        help_line, fixes = did_you_mean(name, SOURCES, at=at)
        said = f"there is no confidence `{name or shown(item)}`"
        faults.found.append(problem("E0425", at, said, help_line, fixes=fixes))
        return None
    if name in ("logprobs", "fields") and labels is None:
        message = f"`{name}` gives the probabilities of labels, and these answers have none"
        faults.add("E0414", item.at, message, "write `confidence = stated`")
        return None
    return ConfidenceSource(name)


def _with(
    found: Confidence,
    source: ConfidenceSource,
    item: tree.Expr,
    answer: AnswerRead | None,
    faults: Faults,
) -> Confidence:
    """What was found, and a source with its arguments."""
    _, arguments, named = call_of(item) or ("", (), {})
    takes = {ConfidenceSource.VOTES: 1, ConfidenceSource.FIELD: 1, ConfidenceSource.FIELDS: len(arguments)}
    unexpected_arguments(item.at, source.value, arguments[takes.get(source, 0) :], named, (), faults)
    fields, votes = found.fields, found.votes
    match source:
        case ConfidenceSource.FIELD:
            name = _field(item, arguments, answer.type if answer is not None else None, faults)
            if name is None:
                return found
            fields = (name,)
        case ConfidenceSource.FIELDS:
            _fields(item, arguments, _labels(answer), faults)
        case ConfidenceSource.VOTES:
            if not arguments:
                faults.add("E0306", item.at, "`votes` needs the number of samples", "write `votes(5)`")
            votes = _votes(arguments, faults)
    if source in LATER:
        faults.not_run(item.at, LATER[source])
    return Confidence(sources=(*found.sources, source), fields=fields, votes=votes)


def _votes(arguments: tuple[tree.Expr, ...], faults: Faults) -> int | None:
    """How many samples vote."""
    if not arguments:
        return None
    votes = whole_number(arguments[0], "`votes`", faults, least=2)
    if votes is not None and votes > MOST_VOTES:
        faults.add("E0305", arguments[0].at, f"`votes` is at most {MOST_VOTES:,}", "write `votes(5)`")
        return None
    return votes


def _field(
    item: tree.Expr, arguments: tuple[tree.Expr, ...], answer: AnswerType | None, faults: Faults
) -> str | None:
    """The field of a JSON answer that holds its confidence."""
    if not arguments:
        faults.add("E0306", item.at, "`field` needs the name of a field", "write `field(NAME)`")
        return None
    word = word_of(arguments[0], "a field", faults)
    if word is None or answer is None:
        return None
    if not isinstance(answer, JsonAnswer):
        faults.add("E0409", item.at, "`field` is for `json` answers", "write `confidence = stated`")
        return None
    names = [f.name for f in answer.fields]
    if word.text not in names:
        help_line, fixes = did_you_mean(word.text, names, at=word.at)
        listed = f"list it: `json(…, {word.text} = number)`"
        said = f"the answer has no field `{word.text}`"
        faults.found.append(problem("E0434", word.at, said, help_line, listed, fixes=fixes))
        return None
    return word.text


def _fields(item: tree.Expr, arguments: tuple[tree.Expr, ...], labels: Labels | None, faults: Faults) -> None:
    """The labels that have a probability each: all those of the answer, and no other."""
    words = [word_of(argument, "a label", faults) for argument in arguments]
    named = [word.text for word in words if word is not None]
    if labels is None or not labels.names or len(named) < len(words):
        return
    foreign = next((w for w in words if w is not None and w.text not in labels.names), None)
    if foreign is not None:
        help_line = did_you_mean(foreign.text, labels.names)[0]
        faults.add("E0437", foreign.at, f"`{foreign.text}` is not a label of the answer", help_line)
        return
    missing = [label for label in labels.names if label not in named]
    if missing:
        faults.add("E0437", item.at, f"`fields` leaves out the label `{missing[0]}`", "name every label")
