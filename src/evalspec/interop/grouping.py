"""Assertions of many tests, gathered into tasks that each judge in one way over the tests that want it.

A task of evalspec has one score. Tests that assert different things therefore become several tasks over
parts of the data; each asks the same prompts, which are sent once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evalspec.interop.assertions import Judged, NoCounterpart, judged
from evalspec.interop.cases import Case
from evalspec.interop.listed import Counts, Exactness, Remark
from evalspec.interop.scripts import NotPlain, compact, filled
from evalspec.interop.written import Assertion
from evalspec.text.values import dataclass

FEW = 3  # so many patterns become tasks of their own where a gold column would change the meaning
MOST = 8  # so many where there is no gold column at all
TITLES: Mapping[str, str] = {
    "equals": "equal", "contains": "containing", "icontains": "containing_any_case",
    "contains-any": "containing_one", "icontains-any": "containing_one_any_case",
    "contains-all": "containing_all", "icontains-all": "containing_all_any_case",
    "starts-with": "beginning", "regex": "matching",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A task to be: the tests that it holds for by number, each with its gold.

    With a `pattern`, which is the same for all, the gold says in words what is looked for.
    """

    title: str
    kind: str
    score: str | None  # where there is no pattern: exact, contains
    pattern: str | None
    golds: Mapping[int, str | tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Gathered:
    """The tasks to be, what is told of the assertions, and how they count."""

    groups: tuple[Group, ...]
    remarks: tuple[Remark, ...]
    counts: Counts


@dataclass(frozen=True, slots=True)
class _Use:
    """One assertion in one test."""

    case: int
    assertion: Assertion
    value: object
    judged: Judged

    @property
    def shown(self) -> str:
        """What is asserted, in words: `contains: Paris`."""
        text = self.value if isinstance(self.value, str) else compact(self.value)
        return f"{self.assertion.kind}: {text}"


class _Ledger:
    """What became of each assertion as it is written: the worst of its uses counts."""

    def __init__(self, cases: Sequence[Case]) -> None:
        every = (assertion for case in cases for assertion in case.assertions)
        self.found: dict[Assertion, Exactness] = dict.fromkeys(every, Exactness.EXACT)
        self.why: dict[Assertion, str] = {}

    def note(self, assertion: Assertion, exactness: Exactness, why: str) -> None:
        order = list(Exactness)
        if order.index(exactness) > order.index(self.found[assertion]):
            self.found[assertion] = exactness
            self.why[assertion] = why

    def remarks(self) -> tuple[Remark, ...]:
        return tuple(
            Remark(where=a.where, what=_called(a), why=why, exactness=self.found[a])
            for a, why in self.why.items()
        )

    def counts(self) -> Counts:
        found = list(self.found.values())
        return Counts(*(found.count(exactness) for exactness in Exactness))


def _called(assertion: Assertion) -> str:
    value = assertion.value
    text = value if isinstance(value, str) else compact(value) if value is not None else ""
    shown = " ".join(text.split())
    return assertion.kind + (f" `{shown[:50]}{'…' if len(shown) > 50 else ''}`" if shown else "")


def gather(cases: Sequence[Case], variables: Sequence[Mapping[str, object]]) -> Gathered:
    """The tasks that the cases' assertions become. `variables` are those of each case, filled in."""
    ledger = _Ledger(cases)
    slots: dict[tuple[str, int], list[_Use]] = {}
    for number, case in enumerate(cases):
        seen: dict[str, int] = {}
        for assertion in case.assertions:
            use = _used(number, case, assertion, variables[number], ledger)
            if use is not None:
                seen[assertion.kind] = seen.get(assertion.kind, 0) + 1
                slots.setdefault((assertion.kind, seen[assertion.kind]), []).append(use)
    groups = [group for (kind, _), uses in slots.items() for group in _groups(kind, uses, ledger)]
    return Gathered(tuple(groups), ledger.remarks(), ledger.counts())


def _used(
    number: int, case: Case, assertion: Assertion, variables: Mapping[str, object], ledger: _Ledger
) -> _Use | None:
    if case.transformed or assertion.refused:
        why = assertion.refused or "the test's `transform` is JavaScript, which changes the answer first"
        ledger.note(assertion, Exactness.NONE, why)
        return None
    try:
        value = _value(assertion.value, variables)
        return _Use(number, assertion, value, judged(assertion.kind, value))
    except NoCounterpart as fault:
        ledger.note(assertion, Exactness.NONE, str(fault))
    except NotPlain as fault:
        ledger.note(
            assertion, Exactness.NONE, f"its value is a template that does more than name variables: {fault}"
        )
    return None


def _value(value: object, variables: Mapping[str, object]) -> object:
    if isinstance(value, list):
        return [_value(item, variables) if isinstance(item, str) else item for item in value]
    return filled(value, variables) if isinstance(value, str) else value


def _groups(kind: str, uses: Sequence[_Use], ledger: _Ledger) -> list[Group]:
    """The tasks of one kind of assertion: by gold where that is exact, by patterns where they are few."""
    patterns = list(dict.fromkeys(use.judged.pattern for use in uses))
    exact_gold = all(u.judged.gold is not None and u.judged.exactness is Exactness.EXACT for u in uses)
    any_gold = all(u.judged.gold is not None and u.judged.exactness is not Exactness.NONE for u in uses)
    title = ("not_" if kind.startswith("not-") else "") + TITLES[kind.removeprefix("not-")]
    if exact_gold and (len(patterns) > 1 or kind == "equals"):
        return [_by_gold(title, kind, uses)]
    if None not in patterns and len(patterns) <= (FEW if any_gold else MOST):
        return [_by_pattern(title, kind, [u for u in uses if u.judged.pattern == p]) for p in patterns]
    if any_gold:
        for use in uses:
            ledger.note(use.assertion, Exactness.NEARLY, use.judged.why)
        return [_by_gold(title, kind, uses)]
    for use in uses:
        why = f"it differs between tests in {len(patterns):,} ways, and `matches` takes one for all"
        ledger.note(use.assertion, Exactness.NONE, why)
    return []


def _by_gold(title: str, kind: str, uses: Sequence[_Use]) -> Group:
    golds = {use.case: use.judged.gold for use in uses if use.judged.gold is not None}
    return Group(title=title, kind=kind, score=uses[0].judged.score, pattern=None, golds=golds)


def _by_pattern(title: str, kind: str, uses: Sequence[_Use]) -> Group:
    golds = {use.case: use.shown for use in uses}
    return Group(title=title, kind=kind, score=None, pattern=uses[0].judged.pattern, golds=golds)
