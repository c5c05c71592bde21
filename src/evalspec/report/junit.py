"""Results as JUnit's XML, which CI systems show: a suite for each task, a case for each candidate and bound.

A candidate that is out fails, a bound that is not met fails, one that is undecided is skipped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

from evalspec.report.glyphs import visible
from evalspec.score.wording import document, items, names

if TYPE_CHECKING:
    from evalspec.score.results import Results
    from evalspec.text.values import Json

PASSED = ("met", "within", "kept")
UNDECIDED = ("undecided", "not_enough_data")
BOUNDS = ("requirements", "budgets", "no_worse_than")


def render_junit(results: Results) -> str:
    """The XML, ending in a line break."""
    suites = [_suite(name, document(task)) for name, task in document(results.document["tasks"]).items()]
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>", *suites, "</testsuites>", ""])


def _suite(name: str, task: Mapping[str, Json]) -> str:
    candidates = document(task["candidates"])
    cases = [case for c in names(task["order"]) for case in _cases(name, c, document(candidates[c]))]
    failures = sum("<failure" in case for case in cases)
    skipped = sum("<skipped" in case for case in cases)
    counts = f'tests="{len(cases)}" failures="{failures}" errors="0" skipped="{skipped}"'
    return "\n".join([f" <testsuite name={_attribute(name)} {counts}>", *cases, " </testsuite>"])


def _cases(task: str, name: str, candidate: Mapping[str, Json]) -> Iterator[str]:
    reasons = [str(reason) for reason in items(candidate.get("reasons"))]
    out = (
        "" if candidate["viable"] else f"<failure message={_attribute('; '.join(reasons) or 'not viable')}/>"
    )
    yield _case(task, name, "is viable", out)
    for kind in BOUNDS:
        for bound in map(document, items(candidate.get(kind))):
            verdict = str(bound["verdict"])
            told = _attribute(
                f"{verdict}: {bound.get('value')} (95 % {bound.get('low')} to {bound.get('high')})"
            )
            inner = f"<failure message={told}/>"
            if verdict in PASSED:
                inner = ""
            elif verdict in UNDECIDED:
                inner = f"<skipped message={told}/>"
            yield _case(task, name, str(bound["clause"]), inner)


def _case(task: str, candidate: str, what: str, inner: str) -> str:
    whose = f"classname={_attribute(f'{task}.{candidate}')} name={_attribute(what)}"
    return f"  <testcase {whose}>{inner}</testcase>" if inner else f"  <testcase {whose}/>"


def _attribute(text: str) -> str:
    """A text as an attribute; what XML cannot hold is escaped as it would be on a terminal."""
    return quoteattr(visible(text).encode("utf-8", "backslashreplace").decode())
