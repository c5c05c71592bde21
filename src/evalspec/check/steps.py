"""The steps of a task or chain, put in the order they are asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.check.asking import OWN_NAMES, Asked, read_asking, read_request
from evalspec.check.changes import When, read_perturbations, read_samples, read_when
from evalspec.check.conversations import ONE
from evalspec.check.entries import Entries, Faults, read_entries
from evalspec.check.order import in_order, read_sometimes, same_variants
from evalspec.check.reading import AnswerRead, read_answer, read_reading, read_the_rest
from evalspec.language.answer_types import OneOf, SomeOf
from evalspec.language.expressions import Type
from evalspec.language.program import Step
from evalspec.text.values import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evalspec.check.datasets import Data
    from evalspec.check.known import Known
    from evalspec.check.pricing import Labels
    from evalspec.syntax import tree
    from evalspec.text.source import Span


@dataclass(frozen=True, slots=True)
class StepRead:
    """A step with what only checking needs: its labels, how it asks, and the columns that tell its gold."""

    step: Step
    labels: Labels | None
    asked: Asked
    secret: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Posed:
    """A step as it stands in its chain: its name and place, all steps' names, and whether it answers."""

    name: str
    at: Span
    entries: Entries
    others: Sequence[str]
    final: bool


def read_single(entries: Entries, data: Data, known: Known, faults: Faults) -> StepRead | None:
    """The one step of a task."""
    answer = read_answer(entries, data, faults)
    asked = read_asking(entries, data, answer, {}, known, faults)
    posed = Posed(name="", at=entries.block.header, entries=entries, others=(), final=True)
    return _step(posed, answer, asked, data, faults)


def _step(
    posed: Posed, answer: AnswerRead | None, asked: Asked, data: Data, faults: Faults
) -> StepRead | None:
    if answer is None:
        read_the_rest(posed.entries, data, faults)
        read_request(posed.entries, faults)
        return None
    read = read_reading(posed.entries, answer, data, posed.final, faults)
    _reads_gold(asked, read.secret, "the right answer itself", faults)
    _labels_mentioned(answer, asked, faults)
    step = Step(
        name=posed.name,
        at=posed.at,
        messages=asked.messages,
        variants=asked.variants,
        messages_column=asked.column,
        images=asked.images,
        shots=asked.shots.shots if asked.shots is not None else None,
        samples=read_samples(posed.entries, faults),
        perturb=read_perturbations(posed.entries, faults),
        parameters=read_request(posed.entries, faults),
        answer=answer.type,
        extract=read.extract,
        strip_reasoning=read.strip_reasoning,
        abstains=read.abstains,
        missing=read.missing,
        gold=read.gold.whole,
        field_golds=read.gold.fields,
        score=read.scoring.score,
        scores=read.scoring.scores,
        right=read.scoring.right,
        confidence=read.confidence.sources,
        confidence_fields=read.confidence.fields,
        votes=read.confidence.votes,
        reads=tuple(o for o in posed.others if o in asked.names),
    )
    return StepRead(step, answer.labels, asked, read.secret)


def _reads_gold(asked: Asked, gold: frozenset[str], what: str, faults: Faults) -> None:
    for name in sorted(gold & asked.columns)[:1]:
        faults.add("E0506", asked.place(name), f"this prompt reads `{name}`, {what}", "leave it out")


def _labels_mentioned(answer: AnswerRead, asked: Asked, faults: Faults) -> None:
    """Warns of labels that the model is never told; shots tell them by example."""
    if not isinstance(answer.type, OneOf | SomeOf):
        return
    for variant, conversation in asked.conversations.items():
        read = conversation.names
        if not conversation.understood or {"labels", "shots"} & read or not asked.columns | read:
            continue  # which was told, a prompt that reads nothing included
        text = conversation.text.casefold()
        missing = [label for label in answer.type.labels if label.casefold() not in text]
        if missing:
            what = "the prompt" if variant == ONE else f"the variant `{variant}`"
            faults.add("W0508", conversation.at, f"{what} never mentions the {_listed(missing)}",
                       'list them: `{{ labels | join(", ") }}`')  # fmt: skip


def _listed(labels: Sequence[str]) -> str:
    noun = "label" if len(labels) == 1 else "labels"
    more = f" and {len(labels) - 5} more" if len(labels) > 5 else ""
    return f"{noun} " + ", ".join(f"`{label}`" for label in labels[:5]) + more


# ── chains ────────────────────────────────────────────────────────────────────────────────────────


def read_steps(
    blocks: Sequence[tree.Block], answer_of: tree.Word | None, data: Data, known: Known, faults: Faults
) -> tuple[StepRead, ...] | None:
    """The steps of a chain in the order they are asked; None where one could not be understood."""
    named = _named_steps(blocks, data, faults)
    read = {name: read_entries(block, faults) for name, block in named.items()}
    answers = {name: read_answer(entries, data, faults) for name, entries in read.items()}
    final = answer_of.text if answer_of is not None else (list(named) or [""])[-1]
    types = {name: (a.value_type if a is not None else Type.UNKNOWN) for name, a in answers.items()}
    steps: list[StepRead | None] = []
    for name, entries in read.items():
        asked = read_asking(entries, data, answers[name], types, known, faults)
        word = named[name].name
        at = word.at if word is not None else named[name].header
        posed = Posed(name=name, at=at, entries=entries, others=tuple(named), final=name == final)
        step = _step(posed, answers[name], asked, data, faults)
        steps.append(_when(step, read_when(entries, data, types, faults), tuple(named)))
    if not steps or None in steps:
        return None
    whole = [s for s in steps if s is not None]
    _none_reads_the_answer(whole, final, faults)
    same_variants(whole, faults)
    ordered = in_order(whole, faults)
    if ordered is not None:
        read_sometimes(ordered, faults)
    return ordered


def _none_reads_the_answer(steps: Sequence[StepRead], final: str, faults: Faults) -> None:
    """An earlier step that reads the chain's gold hands it on to the one that answers."""
    secret = next((s.secret for s in steps if s.step.name == final), frozenset())
    for step in (s for s in steps if s.step.name != final):
        _reads_gold(step.asked, secret - step.secret, "the right answer of the chain", faults)


def _when(read: StepRead | None, when: When | None, names: Sequence[str]) -> StepRead | None:
    """The step with its condition, which may read answers that no template of it reads."""
    if read is None or when is None:
        return read
    reads = tuple(n for n in names if n in read.step.reads or n in when.reads)
    return replace(read, step=replace(read.step, when=when.condition, reads=reads))


def _named_steps(blocks: Sequence[tree.Block], data: Data, faults: Faults) -> Mapping[str, tree.Block]:
    named: dict[str, tree.Block] = {}
    for block in blocks:
        assert block.name is not None  # noqa: S101 - read_entries dropped steps without a name
        name = block.name.text
        if name in named:
            faults.add("E0205", block.name.at, f"`{name}` is declared twice", "rename one of them")
        elif name in (data.types or {}) or name in OWN_NAMES:
            what = "a column of the dataset" if name in (data.types or {}) else "a name that prompts read"
            faults.add("E0421", block.name.at, f"`{name}` is {what} already", "rename the step")
        else:
            named[name] = block
    return named
