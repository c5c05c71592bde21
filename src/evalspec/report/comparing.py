"""Two runs side by side: a table for each task, sentences on what changed, and the same for a program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from evalspec.language.metric_names import Measure, metric_named
from evalspec.report.drifting import drift_json, drift_sentences, no_evidence
from evalspec.report.glyphs import visible
from evalspec.report.wrapping import wrapped
from evalspec.score.comparing import CandidateMove, Change, Move, TaskMove
from evalspec.score.wording import better_first, called, document, figure, interval, listed
from evalspec.text.units import counted

if TYPE_CHECKING:
    from evalspec.score.results import Document
    from evalspec.text.values import Json

FORMAT = "evalspec.diff/1"
WIDTH = 100
LEAST = 10  # a subset of fewer examples is counted only


def notes_on(before: Mapping[str, Json], after: Mapping[str, Json]) -> tuple[str, ...]:
    """What else changed from one run's record to the other's, and what may be missing in them."""
    found = []
    if before.get("spec_sha256") != after.get("spec_sha256"):
        found.append("the spec changed in between: figures are those that each run found with its own")
    old, new = document(before.get("data_sha256")), document(after.get("data_sha256"))
    changed = [f"`{name}`" for name in new if name in old and old[name] != new[name]]
    if changed:
        found.append(
            f"the data of {listed(changed)} changed in between: examples of the same id are compared"
        )
    partial = [str(run["id"]) for run in (before, after) if not run.get("complete")]
    found += [f"run {name} is not complete" for name in partial]
    return tuple(found)


def regressed(tasks: Sequence[TaskMove]) -> bool:
    """Whether some candidate became worse, beyond chance, in what it is ranked by."""
    return any(c.ranked.change is Change.WORSE for task in tasks for c in task.candidates)


def render_moves(
    tasks: Sequence[TaskMove], runs: tuple[Mapping[str, Json], Mapping[str, Json]], notes: Sequence[str]
) -> str:
    """The comparison as text, ending in a line break."""
    before, after = (f"{run['id']} ({str(run['started_at'])[:16].replace('T', ' ')})" for run in runs)
    parts = [f"{visible(before)} -> {visible(after)}\n"]
    parts += ["\n".join(_task(task)) for task in tasks]
    if not tasks:
        parts.append("the runs have no task in common\n")
    parts += (
        ["\n".join(line for note in notes for line in wrapped(visible(note), WIDTH)) + "\n"] if notes else []
    )
    return "\n".join(parts)


def _task(task: TaskMove) -> Iterator[str]:
    from tabulate import tabulate

    unit = f" in {task.unit}" if task.unit and task.metric in ("expected_cost", "total_cost") else ""
    way = f"{called(task.metric)}{unit} ({better_first(task.metric)})"
    yield visible(f"{task.name}: {counted(task.examples, 'example')} in both runs, by {way}")
    yield ""
    if task.why is not None:
        yield visible(f"nothing can be compared: {task.why}")
    else:
        headers = ["candidate", "n", "before", "after", "difference (95 %)", "p", ""]
        rows = [row for candidate in task.candidates for row in _rows(candidate)]
        yield tabulate(rows, headers=headers, tablefmt="simple", disable_numparse=True,
                       colalign=("left", "right", "right", "right", "right", "right", "left"))  # fmt: skip
    yield ""
    for sentence in _sentences(task):
        yield from wrapped(visible(sentence), WIDTH)
    yield ""


def _rows(candidate: CandidateMove) -> Iterator[list[str]]:
    ranked = candidate.ranked
    yield [visible(candidate.name), *_cells(ranked), _p(ranked.p_adjusted), _said(ranked.change)]
    for subset, move in candidate.subsets.items():
        told = _cells(move) if move.n >= LEAST else [f"{move.n:,}", "", "", ""]
        yield [f"· {visible(subset)}", *told, "", ""]


def _said(change: Change) -> str:
    return "no evidence of change" if change is Change.UNDECIDED else change.value


def _cells(move: Move) -> list[str]:
    told = move.difference
    around = interval(move.metric, told.low, told.high)
    moved = f"{_moved(move)} ({around})" if around else _moved(move)
    return [f"{move.n:,}", figure(move.metric, move.before), figure(move.metric, move.after), moved]


def _moved(move: Move) -> str:
    """The difference with its sign; of shares in percentage points."""
    value = move.difference.value or 0.0
    sign = "+" if value > 0 else ""
    if metric_named(move.metric).measure is Measure.SHARE:
        return f"{sign}{100 * value:.1f} points"
    return sign + figure(move.metric, value)


def _p(value: float | None) -> str:
    if value is None:
        return ""
    return "<.001" if value < 0.001 else f"{value:.3f}".removeprefix("0")


def _sentences(task: TaskMove) -> Iterator[str]:
    for candidate in task.candidates:
        for move in candidate.moves[1:]:
            if move.change is not Change.UNDECIDED:
                told = f"{figure(move.metric, move.before)} -> {figure(move.metric, move.after)}"
                yield f"{candidate.name}: {called(move.metric)} {told} (p {_p(move.p_value)}, not adjusted)"
        yield from drift_sentences(candidate)
    if (unchanged := no_evidence(task)) is not None:
        yield unchanged
    if task.gone:
        yield f"only before: {listed(task.gone)}"
    if task.come:
        yield f"only after: {listed(task.come)}"


# ── for a program ─────────────────────────────────────────────────────────────────────────────────


def moves_document(
    tasks: Sequence[TaskMove], runs: tuple[Mapping[str, Json], Mapping[str, Json]], notes: Sequence[str]
) -> Document:
    """The comparison as JSON: `evalspec.diff/1`."""
    before, after = ({n: run.get(n) for n in ("id", "spec", "started_at", "complete")} for run in runs)
    told: Document = {task.name: _task_json(task) for task in tasks}
    return {
        "format": FORMAT,
        "before": before,
        "after": after,
        "regression": regressed(tasks),
        "notes": list(notes),
        "tasks": told,
    }


def _task_json(task: TaskMove) -> Document:
    return {
        "ranked_by": task.metric,
        "unit": task.unit,
        "examples": task.examples,
        "why": task.why,
        "only_before": list(task.gone),
        "only_after": list(task.come),
        "candidates": {c.name: _candidate_json(c) for c in task.candidates},
    }


def _candidate_json(candidate: CandidateMove) -> Document:
    return {
        "change": candidate.ranked.change.value,
        "metrics": {move.metric: _move_json(move) for move in candidate.moves},
        "subsets": {name: _move_json(move) for name, move in candidate.subsets.items()},
        "served_models": {"before": list(candidate.served_before), "after": list(candidate.served_after)},
        **drift_json(candidate),
    }


def _move_json(move: Move) -> Document:
    told = move.difference
    return {
        "n": move.n,
        "before": move.before,
        "after": move.after,
        "difference": {"value": told.value, "low": told.low, "high": told.high},
        "p_value": move.p_value,
        "p_adjusted": move.p_adjusted,
    }
