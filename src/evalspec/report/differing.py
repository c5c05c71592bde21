"""What one plan asks more and less than another: by task and candidate, counted in distinct requests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from evalspec.language.candidates import Hosted, ModelSpec
from evalspec.plan.estimate import known_requests
from evalspec.report.glyphs import visible
from evalspec.text.units import counted
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.models.model import Request
    from evalspec.plan.plan import Plan, PlannedTask


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One candidate's requests in one task: how many both plans ask, and how many only one of them."""

    task: str
    candidate: str
    same: int
    more: int
    less: int


def differences(plan: Plan, other: Plan) -> tuple[Difference, ...]:
    """What `plan` asks more and less than `other`, for each candidate of either."""
    here, there = _requests(plan), _requests(other)
    found = []
    for task, candidate in dict.fromkeys([*here, *there]):
        one, two = here.get((task, candidate), frozenset()), there.get((task, candidate), frozenset())
        found.append(
            Difference(
                task=task, candidate=candidate, same=len(one & two), more=len(one - two), less=len(two - one)
            )
        )
    return tuple(found)


def _requests(plan: Plan) -> Mapping[tuple[str, str], frozenset[bytes]]:
    return {
        (planned.task.name, candidate.name): _digests(planned, candidate)
        for planned in plan.tasks
        for candidate in planned.candidates
    }


def _digests(planned: PlannedTask, candidate: ModelSpec) -> frozenset[bytes]:
    where = _endpoint(candidate)
    return frozenset(_digest(where, request) for request in known_requests(planned, candidate, []))


def _endpoint(candidate: ModelSpec) -> str:
    """Who is asked. Names of models may change without another request being made."""
    use = candidate.use
    return f"{use.route} {use.base_url}" if isinstance(use, Hosted) else repr(use)


def _digest(where: str, request: Request) -> bytes:
    said = [(m.role, m.content, [repr(image) for image in m.images]) for m in request.messages]
    columns = dict(request.columns) if not said else {}
    asked = [where, request.step, said, dict(request.parameters), request.logprobs, request.sample, columns]
    return hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).digest()


def render_differences(found: tuple[Difference, ...], other: str) -> str:
    """The differences as a table, with a sentence that sums them up."""
    from tabulate import tabulate

    more, less = sum(d.more for d in found), sum(d.less for d in found)
    rows = [
        [visible(d.task), visible(d.candidate), f"{d.same:,}", f"{d.more:,}", f"{d.less:,}"] for d in found
    ]
    headers = ["task", "candidate", "asked by both", "more", "less"]
    drawn = tabulate(rows, headers=headers, tablefmt="simple", disable_numparse=True,
                     colalign=("left", "left", "right", "right", "right"))  # fmt: skip
    said = (
        f"{counted(more, 'request')} more than {visible(other)} and {less:,} less"
        if more or less
        else (f"the same requests as {visible(other)}")
    )
    return f"{drawn}\n\n{said}\n"
