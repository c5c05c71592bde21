"""The steps of a task or chain, put in the order they are asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.check.asking import Asked, read_messages, read_request
from evalspec.check.entries import Entries, Faults, read_entries
from evalspec.check.reading import (
    UNKNOWN_LABELS,
    AnswerRead,
    gold_columns,
    read_abstains,
    read_answer,
    read_confidence,
    read_extract,
    read_gold,
    read_score,
    read_strip,
)
from evalspec.language.answer_types import OneOf
from evalspec.language.expressions import Type
from evalspec.language.program import Step
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evalspec.check.datasets import Data
    from evalspec.check.pricing import Labels
    from evalspec.syntax import tree
    from evalspec.text.source import Span


@dataclass(frozen=True, slots=True)
class StepRead:
    """A step with what only checking needs: its labels and prompt texts, and whether it asks at all."""

    step: Step
    labels: Labels | None
    asked: Asked


def read_single(entries: Entries, data: Data, faults: Faults) -> StepRead | None:
    """The one step of a task."""
    answer = read_answer(entries, data, faults)
    asked = read_messages(entries, data, answer, {}, faults)
    return _step("", entries.block.header, entries, data, answer, asked, (), True, faults)


def _step(
    name: str,
    at: Span,
    entries: Entries,
    data: Data,
    answer: AnswerRead | None,
    asked: Asked,
    others: Sequence[str],
    final: bool,
    faults: Faults,
) -> StepRead | None:
    if answer is None:
        _read_the_rest(entries, data, faults)
        return None
    gold = read_gold(entries, data, final, faults)
    _no_gold(entries, gold, final, data, faults)
    _reads_gold(asked, gold_columns(entries, data, final), faults)
    _labels_mentioned(entries, answer, asked, faults)
    step = Step(
        name=name,
        at=at,
        messages=asked.messages,
        parameters=read_request(entries, faults),
        answer=answer.type,
        extract=read_extract(entries, faults),
        strip_reasoning=read_strip(entries, faults),
        abstains=read_abstains(entries, answer.type, faults),
        gold=gold,
        score=read_score(entries, answer.type, faults),
        confidence=read_confidence(entries, answer.labels, faults),
        reads=tuple(o for o in others if o in asked.names),
    )
    return StepRead(step, answer.labels, asked)


def _no_gold(entries: Entries, gold: object, final: bool, data: Data, faults: Faults) -> None:
    if gold is not None or not final or "gold" in entries.attributes or "gold" in entries.spoiled:
        return
    if data.dataset.label is None and not _label_was_given(data):
        faults.add(
            "E0426",
            entries.block.header,
            "nothing says which answers are right",
            f"write `label = COLUMN` in dataset `{data.dataset.name}`, or `gold = …` here",
        )


def _label_was_given(data: Data) -> bool:
    """Whether a label was given but is wrong, which was told already: its dataset was then not prepared."""
    return data.loaded is None


def _read_the_rest(entries: Entries, data: Data, faults: Faults) -> None:
    """Says what else is wrong with a step whose answer type was not understood."""
    read_gold(entries, data, False, faults)
    read_request(entries, faults)
    read_extract(entries, faults)
    read_strip(entries, faults)
    read_confidence(entries, UNKNOWN_LABELS, faults)


def _reads_gold(asked: Asked, gold: frozenset[str], faults: Faults) -> None:
    for name in sorted(gold & asked.columns)[:1]:
        faults.add(
            "E0506", asked.place(name), f"this prompt reads `{name}`, the right answer itself", "leave it out"
        )


def _labels_mentioned(entries: Entries, answer: AnswerRead, asked: Asked, faults: Faults) -> None:
    value = entries.value("prompt")
    if not isinstance(answer.type, OneOf) or value is None or not asked.messages or "labels" in asked.names:
        return
    if not asked.columns and not asked.names:  # told as a prompt that reads nothing
        return
    text = asked.texts.casefold()
    missing = [label for label in answer.type.labels if label.casefold() not in text]
    if missing:
        listed = ", ".join(f"`{m}`" for m in missing[:5]) + (
            f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        )
        noun = "label" if len(missing) == 1 else "labels"
        faults.add("W0508", value.at, f"the prompt never mentions the {noun} {listed}",
                   'list them: `{{ labels | join(", ") }}`')  # fmt: skip


# ── chains ────────────────────────────────────────────────────────────────────────────────────────


def read_steps(
    blocks: Sequence[tree.Block], answer_of: tree.Word | None, data: Data, faults: Faults
) -> tuple[StepRead, ...] | None:
    """The steps of a chain in the order they are asked; None where one could not be understood."""
    named = _named_steps(blocks, data, faults)
    read = {name: read_entries(block, faults) for name, block in named.items()}
    answers = {name: read_answer(entries, data, faults) for name, entries in read.items()}
    final = answer_of.text if answer_of is not None else (list(named) or [""])[-1]
    types = {name: (a.value_type if a is not None else Type.UNKNOWN) for name, a in answers.items()}
    steps: list[StepRead | None] = []
    for name, entries in read.items():
        asked = read_messages(entries, data, answers[name], types, faults)
        at = named[name].name.at if named[name].name is not None else named[name].header  # type: ignore[union-attr]
        steps.append(
            _step(name, at, entries, data, answers[name], asked, tuple(named), name == final, faults)
        )
    if not steps or None in steps:
        return None
    return _in_order([s for s in steps if s is not None], faults)


def _named_steps(blocks: Sequence[tree.Block], data: Data, faults: Faults) -> Mapping[str, tree.Block]:
    named: dict[str, tree.Block] = {}
    for block in blocks:
        assert block.name is not None  # noqa: S101 - read_entries dropped steps without a name
        name = block.name.text
        if name in named:
            faults.add("E0205", block.name.at, f"`{name}` is declared twice", "rename one of them")
        elif name in (data.types or {}) or name in ("labels", "choices", "row"):
            what = "a column of the dataset" if name in (data.types or {}) else "a name that prompts read"
            faults.add("E0421", block.name.at, f"`{name}` is {what} already", "rename the step")
        else:
            named[name] = block
    return named


def _in_order(steps: Sequence[StepRead], faults: Faults) -> tuple[StepRead, ...] | None:
    """The steps so that each stands behind those it reads; a circle is told and gives None."""
    waiting = list(steps)
    done: list[StepRead] = []
    while waiting:
        ready = {d.step.name for d in done}
        following = next((s for s in waiting if set(s.step.reads) <= ready), None)
        if following is None:
            circle = _circle(waiting)
            faults.add("E0420", circle[0].step.at, "these steps read each other in a circle: "
                       + " → ".join(s.step.name for s in (*circle, circle[0])),
                       "a step reads only answers that were given before it")  # fmt: skip
            return None
        waiting.remove(following)
        done.append(following)
    return tuple(done)


def _circle(waiting: Sequence[StepRead]) -> list[StepRead]:
    """One circle among steps that all wait for each other."""
    by_name = {s.step.name: s for s in waiting}
    path = [waiting[0]]
    while True:
        following = by_name[next(r for r in path[-1].step.reads if r in by_name)]
        if following in path:
            return path[path.index(following) :]
        path.append(following)
