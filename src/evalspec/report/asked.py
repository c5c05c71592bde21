"""What candidates would be asked, message by message, before anything is sent.

Candidates that are asked the same, word for word, stand together. Whatever would act on a terminal is
escaped; but for that the messages are exact.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from evalspec.language.candidates import Hosted, ModelSpec
from evalspec.language.privacy import MASK, OPEN, Privacy
from evalspec.plan.estimate import known_requests
from evalspec.plan.plan import PlannedTask
from evalspec.plan.requests import source_for
from evalspec.report.glyphs import visible
from evalspec.text.values import dataclass, replace

if TYPE_CHECKING:
    from evalspec.data.rows import Row
    from evalspec.models.model import Message, Request
    from evalspec.score.results import Document
    from evalspec.text.values import Json

MARGIN = "  "


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How some candidates ask the same messages: who, with which parameters, and how sure they will be."""

    candidates: tuple[str, ...]
    parameters: Mapping[str, Json]
    confidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The messages of one step about one example, and the ways in which they are asked."""

    task: str
    row: Row
    step: str
    variant: str
    messages: tuple[Message, ...]
    given_gold: tuple[str, ...]  # earlier steps whose gold stands in for answers not known yet
    ways: tuple[Way, ...]

    @property
    def candidates(self) -> tuple[str, ...]:
        """Everyone who is asked this."""
        return tuple(name for way in self.ways for name in way.candidates)


@dataclass(frozen=True, slots=True)
class Unasked:
    """Why nothing can be shown of some requests."""

    task: str
    why: str


def asked(planned: PlannedTask, count: int, private: Privacy = OPEN) -> Iterator[Asked | Unasked]:
    """What is asked about the first `count` examples: example by example, and what cannot be told.

    Messages that hold private columns are masked as a whole.
    """
    hosted = [c for c in planned.candidates if isinstance(c.at_step(planned.task.steps[0].name).use, Hosted)]
    if not hosted:
        why = "no candidate is asked with messages (baselines and recorded answers read the data)"
        yield Unasked(planned.task.name, why)
        return
    for row in planned.rows[:count]:
        for found in _about(replace(planned, rows=(row,)), row, hosted):
            yield _masked(found, private)
    yield from (Unasked(planned.task.name, why) for why in _left_out(planned, hosted))


def _about(planned: PlannedTask, row: Row, hosted: Sequence[ModelSpec]) -> Iterator[Asked | Unasked]:
    """What is asked about one example, each conversation told once."""
    found: dict[object, Asked] = {}
    broken: dict[str, None] = {}
    for candidate in hosted:
        faults: list[tuple[str, str]] = []
        for request in known_requests(planned, candidate, faults):
            key = (request.step, request.variant, request.messages)
            before = found.get(key)
            own = Way(
                candidates=(candidate.name,),
                parameters={**request.parameters, **({"logprobs": True} if request.logprobs else {})},
                confidence=_confidence(planned, candidate, request),
            )
            found[key] = Asked(
                task=planned.task.name,
                row=row,
                step=request.step,
                variant=request.variant,
                messages=request.messages,
                given_gold=planned.task.step(request.step).reads,
                ways=_joined(before.ways if before is not None else (), own),
            )
        broken |= {why: None for _, why in faults}
    yield from found.values()
    for why in broken:
        yield Unasked(planned.task.name, f"the prompt of example {row.id} cannot be rendered: {why}")


def _masked(found: Asked | Unasked, private: Privacy) -> Asked | Unasked:
    if isinstance(found, Unasked) or found.step not in private.messages:
        return found
    return replace(found, messages=tuple(replace(m, content=MASK, images=()) for m in found.messages))


def _joined(ways: tuple[Way, ...], own: Way) -> tuple[Way, ...]:
    """The ways with one more; candidates that ask in one way stand together, and each once."""
    for i, way in enumerate(ways):
        if (way.parameters, way.confidence) == (own.parameters, own.confidence):
            names = tuple(dict.fromkeys((*way.candidates, *own.candidates)))
            return (*ways[:i], replace(way, candidates=names), *ways[i + 1 :])
    return (*ways, own)


def _confidence(planned: PlannedTask, candidate: ModelSpec, request: Request) -> str:
    """Where the confidence of an answer comes from, and what is added to the question for it."""
    source = source_for(candidate, planned.task.step(request.step))
    if source is None:
        return ""
    told = {"stated": "stated: the last paragraph asks for it", "logprobs": "logprobs: read with the answer"}
    return told.get(source.value, source.value)


def _left_out(planned: PlannedTask, hosted: Sequence[ModelSpec]) -> Iterator[str]:
    """The steps whose question no gold can stand in for."""
    known = {r.step for c in hosted for r in known_requests(replace(planned, rows=planned.rows[:1]), c, [])}
    for step in planned.task.steps:
        if step.reads and step.name not in known:
            names = ", ".join(f"`{name}`" for name in step.reads)
            yield f"step `{step.name}` reads what {names} will answer, and no gold stands in for it"


# ── as text and as JSON ───────────────────────────────────────────────────────────────────────────


def render_asked(found: Asked | Unasked) -> str:
    """What is asked as text, or why nothing is."""
    if isinstance(found, Unasked):
        return f"{visible(found.task)}: {visible(found.why)}\n\n"
    return "\n".join([*_heading(found), *_messages(found), *_ways(found), "", ""])


def _heading(found: Asked) -> Iterator[str]:
    names = ", ".join(map(visible, found.candidates))
    step = f" · step {visible(found.step)}" if found.step else ""
    variant = f" · {visible(found.variant)}" if found.variant else ""
    row = found.row
    yield f"── {visible(found.task)} · {visible(row.id)} · {names}{step}{variant}"
    yield f"   {visible(row.file)}:{row.line}"
    if found.given_gold:
        yield f"   with the gold of {', '.join(map(visible, found.given_gold))} in the place of answers"


def _messages(found: Asked) -> Iterator[str]:
    for message in found.messages:
        yield f"[{visible(message.role)}]"
        yield from (MARGIN + visible(line) if line else "" for line in message.content.split("\n"))
        yield from (f"[image] {visible(image.label)}" for image in message.images)


def _ways(found: Asked) -> Iterator[str]:
    """The parameters, under the names of those who send them where not all do."""
    for way in found.ways:
        whose = f"{', '.join(map(visible, way.candidates))}: " if len(found.ways) > 1 else ""
        if way.parameters:
            given = json.dumps(way.parameters, ensure_ascii=False, default=str)
            yield f"[parameters] {whose}{visible(given)}"
        if way.confidence:
            yield f"[confidence] {whose}{way.confidence}"


def asked_document(found: Asked | Unasked) -> Document:
    """The same for a program."""
    if isinstance(found, Unasked):
        return {"task": found.task, "why": found.why}
    messages: list[Json] = [
        {
            "role": m.role,
            "content": m.content,
            **({"images": [i.label for i in m.images]} if m.images else {}),
        }
        for m in found.messages
    ]
    ways: list[Json] = [
        {
            "candidates": list(way.candidates),
            "parameters": dict(way.parameters),
            "confidence": way.confidence.partition(":")[0] or None,
        }
        for way in found.ways
    ]
    return {
        "task": found.task,
        "example": found.row.id,
        "file": found.row.file,
        "line": found.row.line,
        "step": found.step or None,
        "variant": found.variant or None,
        "messages": messages,
        "given_gold_of": list(found.given_gold),
        "asked_by": ways,
    }
