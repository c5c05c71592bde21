"""The typed program: what a spec says, as pure values with the places they came from.

Made by `check`, read by everything behind it. A task and a chain are the same thing here, a task
being a chain of one step, so that planning, running and scoring have one shape to deal with.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal
    from pathlib import Path

    from evalspec.language.expressions import Expression, Type
    from evalspec.language.prompts import Prompt
    from evalspec.text.source import Source, Span
    from evalspec.text.values import Json

INVALID = "invalid"
ABSTAIN = "abstain"


# ── data ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """One file of a dataset: its path as written, where that lies, and its format (`csv`, `tsv`, `jsonl`)."""

    written: str
    path: Path
    format: str
    gzipped: bool
    at: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """A column computed from the others."""

    name: str
    expression: Expression
    at: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A labelled set: where it is read from and what its columns mean."""

    name: str
    at: Span
    files: tuple[DataFile, ...]
    header: tuple[str, ...] | None = None
    id: str | None = None
    label: str | None = None
    labels: tuple[str, ...] | None = None
    labels_at: Span | None = None
    derive: tuple[Derived, ...] = ()
    where: Expression | None = None
    optional: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Subset:
    """Some examples of a dataset. `name` is how bounds and reports call it."""

    name: str
    dataset: str
    where: Expression
    at: Span
    minimum: int | None = None
    family: str | None = None  # the `by` subset that this is one value of


# ── candidates ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Environment:
    """A value that stands in an environment variable and nowhere else."""

    variable: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Dollars for `per` tokens."""

    input: Decimal
    output: Decimal
    per: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosted:
    """A model behind a network endpoint: straight over HTTP where `direct`, else through litellm."""

    route: str
    direct: bool
    provider: str | None = None
    base_url: str | Environment | None = None
    api_key: Environment | None = None
    headers: Mapping[str, str | Environment] = field(default_factory=dict)
    timeout_ns: int | None = None
    concurrency: int | None = None
    parameters: Mapping[str, Json] = field(default_factory=dict)
    price: Price | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """Answers that were collected earlier. `model` selects among rows that name one."""

    files: tuple[Path, ...]
    model: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """A local classifier that learns from `train` (a dataset's name) and reads `columns`."""

    kind: str  # majority, naive_bayes, logistic
    columns: tuple[str, ...]
    train: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """A candidate as the spec declares it."""

    name: str
    at: Span
    use: Hosted | Recorded | Baseline


# ── costs ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class CostMatrix:
    """What each answer costs under each truth. `figures[i][j]`: truth `truths[i]`, answer `answers[j]`.

    `answers` are the truths in the same order. Both special columns always have a figure for
    `invalid`; `abstain` is None where the spec gives none.
    """

    name: str
    at: Span
    unit: str
    truths: tuple[str, ...]
    figures: tuple[tuple[Decimal, ...], ...]
    abstain: tuple[Decimal, ...] | None
    invalid: tuple[Decimal, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CostByOutcome:
    """The short form for any answer type: what a right and a wrong answer cost."""

    name: str
    at: Span
    unit: str
    right: Decimal
    wrong: Decimal
    abstain: Decimal | None
    invalid: Decimal


Costs = CostMatrix | CostByOutcome


# ── what a task asks, reads and decides ───────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOf:
    """One of some labels; `decline` is the label by which the model itself abstains."""

    labels: tuple[str, ...]
    decline: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class YesNo:
    """The labels `yes` and `no`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberAnswer:
    """A number; right within `relative` (a share of the gold) or `absolute`, else when equal."""

    relative: Decimal | None = None
    absolute: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TextAnswer:
    """Free text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterOf:
    """The letter of one of some columns: A for the first, B for the second."""

    columns: tuple[str, ...]

    @property
    def letters(self) -> tuple[str, ...]:
        return tuple(chr(ord("A") + i) for i in range(len(self.columns)))


AnswerType = OneOf | YesNo | NumberAnswer | TextAnswer | LetterOf


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """What a regular expression finds first or last: group 1 where it has one, else the whole match."""

    regex: str
    last: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """What stands in the first or last fenced block."""

    last: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Exact:
    """Equal to a gold text, after dropping what `ignore` names."""

    ignore: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Contains:
    """A gold text stands somewhere in the answer (case-blind)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches:
    """The answer matches a regular expression, whatever the gold."""

    regex: str


TextScore = Exact | Contains | Matches


class ConfidenceSource(StrEnum):
    """Where a candidate's confidence comes from. `OWN` is what local and recorded candidates give."""

    LOGPROBS = "logprobs"
    STATED = "stated"
    OWN = "own"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One question of a task or chain: how it is asked, read and judged."""

    name: str  # empty for a task
    at: Span
    messages: tuple[tuple[str, Prompt], ...]
    parameters: Mapping[str, Json]
    answer: AnswerType
    extract: tuple[Pattern | Fence, ...]
    strip_reasoning: bool
    abstains: str | None  # a regular expression by which a free answer declines
    gold: Expression | None
    score: TextScore
    confidence: tuple[ConfidenceSource, ...]
    reads: tuple[str, ...]  # names of earlier steps


class WhenCheaper(StrEnum):
    """Answer where that is promised to cost less than abstaining."""

    AS_IS = "as_is"


@dataclass(frozen=True, slots=True)
class Below:
    """Abstain under a confidence."""

    threshold: float


@dataclass(frozen=True, slots=True)
class LeastConfident:
    """Abstain on this share of the examples, the least confident ones."""

    share: float


Policy = WhenCheaper | Below | LeastConfident
Binning = Literal["auto", "width", "mass", "values"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A requirement: a metric, where it is measured, and the figure it is held against."""

    metric: str
    subset: str | None
    label: str | None
    step: str | None
    operator: str  # <= >= < >
    value: float
    clause: str
    at: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A task or chain: what it asks of whom, on which data, and how the candidates are ranked."""

    name: str
    kind: str  # task, chain
    at: Span
    dataset: str
    models: tuple[str, ...]
    steps: tuple[Step, ...]  # in the order they are asked
    answer_of: str  # the step whose answer is the chain's
    chain_confidence: str  # last, product, lowest
    costs: Costs | None
    abstain: Policy | None
    requirements: tuple[Bound, ...]
    exclude: bool  # whether an unmet requirement excludes
    positive: str | None
    binning: tuple[Binning, int]  # how, and how many bins
    rank: tuple[str, ...]

    def step(self, name: str) -> Step:
        """The step of that name."""
        return next(s for s in self.steps if s.name == name)

    @property
    def final(self) -> Step:
        """The step whose answer is judged end to end."""
        return self.step(self.answer_of)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How hard the endpoints may be pressed."""

    concurrency: int | None = None
    model_concurrency: Mapping[str, int] = field(default_factory=dict)
    request_rates: Mapping[str, float] = field(
        default_factory=dict
    )  # model or provider, '' for all; per second


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A whole spec that was found to be right."""

    source: Source
    datasets: Mapping[str, Dataset]
    subsets: tuple[Subset, ...]
    models: Mapping[str, ModelSpec]
    providers: Mapping[str, int | None]  # how many requests each provider takes at once
    tasks: Mapping[str, Task]
    limits: Limits
    column_types: Mapping[str, Mapping[str, Type]]  # of each dataset, derived columns included
