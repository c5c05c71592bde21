"""Small worlds: a spec, its data and recorded answers in a folder, and what the pipeline makes of them.

Everything goes the real way: text, check, plan, conversations, score. Recorded answers are read from their
files; models that would be asked are played by a function from request to reply.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalspec.language.candidates import ModelSpec, Recorded
from evalspec.models.model import Answer, Failure, FailureKind, Request
from evalspec.models.recorded import recorded_model
from evalspec.pipeline import check_file, score
from evalspec.plan.conversations import Conversation, Trace, converse, visits
from evalspec.plan.plan import Plan, Selection, build_plan
from evalspec.text.diagnostics import errors

if TYPE_CHECKING:
    from evalspec.score.results import Results

Json = dict[str, Any]
Played = Callable[[Request], Answer | Failure]
RUN: Json = {"id": "r", "spec": "s.eval", "complete": True}
ALL = Selection()


def write_csv(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """A csv file with the columns of its first row."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")


def write_jsonl(path: Path, rows: Iterable[Mapping[str, object]]) -> None:
    """A JSON object a line."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def plan_of(folder: Path, spec: str, *, seed: int = 0, selection: Selection = ALL) -> Plan:
    """The plan of a spec that must be right."""
    path = folder / "s.eval"
    path.write_text(spec, encoding="utf-8")
    front = check_file(path)
    assert not errors(front.diagnostics), [f"{d.code} {d.message}" for d in front.diagnostics]
    return build_plan(front.ready.program, front.ready.data, selection, seed)


def results_of(folder: Path, spec: str, *, seed: int = 0, selection: Selection = ALL) -> Results:
    """The results of a spec whose candidates are recorded."""
    plan = plan_of(folder, spec, seed=seed, selection=selection)
    return score(plan, played(plan, {}), dict(RUN))


def scored(folder: Path, spec: str, *, seed: int = 0, selection: Selection = ALL) -> Json:
    """The results of the only task, as they stand in results.json."""
    document = json.loads(results_of(folder, spec, seed=seed, selection=selection).to_json())
    (task,) = document["tasks"].values()
    found: Json = task
    return found


def candidate(task: Json, name: str = "m") -> Json:
    """One candidate of a task."""
    found: Json = task["candidates"][name]
    return found


def metric(task: Json, name: str, of: str = "m", subset: str | None = None) -> Json:
    """One metric of a candidate."""
    whole = candidate(task, of)
    found: Json = (whole if subset is None else whole["subsets"][subset])["metrics"][name]
    return found


def value(task: Json, name: str, of: str = "m", subset: str | None = None) -> Any:
    """The value of a metric."""
    return metric(task, name, of, subset)["value"]


# ── labelled worlds ───────────────────────────────────────────────────────────────────────────────

DATASET = 'dataset d { source = file("d.csv"); id = id; label = label in [a, b] }\n'
MODEL = 'model m { use = recorded("m.jsonl") }\n'


def labelled(folder: Path, truths: Sequence[str], **columns: Sequence[object]) -> None:
    """`d.csv` with an example for each truth: ids 0, 1, 2, …, and further columns."""
    rows = [
        {"id": i, "label": truth, **{name: cells[i] for name, cells in columns.items()}}
        for i, truth in enumerate(truths)
    ]
    write_csv(folder / "d.csv", rows)


def says(
    folder: Path,
    answers: Sequence[str | None],
    confidence: Sequence[float | None] | None = None,
    *,
    by: str = "m",
    **more: Sequence[object],
) -> None:
    """`m.jsonl` with an answer to each example; None as an answer is an error."""
    rows = []
    for i, answer in enumerate(answers):
        row: Json = {"id": i} | ({"error": "HTTP 500"} if answer is None else {"response": answer})
        if confidence is not None and confidence[i] is not None:
            row["confidence"] = confidence[i]
        rows.append(row | {name: cells[i] for name, cells in more.items() if cells[i] is not None})
    write_jsonl(folder / f"{by}.jsonl", rows)


# ── models that are asked ─────────────────────────────────────────────────────────────────────────

HOSTED = """
dataset d { source = file("d.csv"); id = id }
model m { use = "openai/m"; base_url = "http://127.0.0.1:9/v1" }
"""


def said(text: str) -> Answer:
    """A reply after one second, of two tokens."""
    return Answer(response=text, latency_ns=1_000_000_000, input_tokens=5, output_tokens=2)


# ── conversations ─────────────────────────────────────────────────────────────────────────────────


def played(plan: Plan, play: Mapping[str, Played]) -> Mapping[tuple[str, str], Sequence[Trace]]:
    """The traces of a plan: candidates answer from their files, or by the function given for them."""
    return {
        (planned.task.name, spec.name): [
            _talk(converse(planned, spec, visit), ask) for visit in visits(planned, spec)
        ]
        for planned in plan.tasks
        for spec in planned.candidates
        for ask in [play[spec.name] if spec.name in play else _from_files(plan, spec)]
    }


def _from_files(plan: Plan, spec: ModelSpec) -> Played:
    assert isinstance(spec.use, Recorded)
    model = recorded_model(spec.name, spec.use, frozenset(plan.program.tasks))
    assert not model.faults, model.faults
    missing = Failure(kind=FailureKind.NOT_RECORDED, message="nothing is recorded")
    return lambda request: model.table.find(request) or missing


def _talk(conversation: Conversation, ask: Played) -> Trace:
    try:
        request = next(conversation)
        while True:
            request = conversation.send(ask(request))
    except StopIteration as end:
        trace: Trace = end.value
        return trace


def scored_play(folder: Path, spec: str, **play: Played) -> Json:
    """The results of the only task, its candidates played."""
    plan = plan_of(folder, spec)
    document = json.loads(score(plan, played(plan, play), dict(RUN)).to_json())
    (task,) = document["tasks"].values()
    found: Json = task
    return found
