"""The typed program: what a spec says, as pure values with the places they came from.

Made by `check`, read by everything behind it. A task and a chain are the same thing here, a task
being a chain of one step, so that planning, running and scoring have one shape to deal with.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Literal, TypeAlias

from evalspec.text.values import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal
    from pathlib import Path

    from evalspec.language.answer_types import AnswerType
    from evalspec.language.candidates import ModelSpec
    from evalspec.language.expressions import Expression, Type
    from evalspec.language.judging import Fence, Pattern, TextScore
    from evalspec.language.prompts import Prompt
    from evalspec.text.diagnostics import Diagnostic
    from evalspec.text.source import Source, Span
    from evalspec.text.values import Json

INVALID = "invalid"
ABSTAIN = "abstain"


# ── data ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """One file of a dataset: its path as written, where that lies, and its format (`csv`, `jsonl`, …)."""

    written: str
    path: Path
    format: str
    gzipped: bool
    at: Span
    captures: Mapping[str, str] = field(default_factory=dict)  # columns that the path itself tells


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """A column computed from the others."""

    name: str
    expression: Expression
    at: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class InlineTable:
    """The rows of a dataset that stand in the spec itself, cell by cell with their places."""

    header: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    places: tuple[Span, ...]  # of each row


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """Shares of a column's values in production, which sum to 1; `rest` is the share of all other values."""

    column: str
    shares: Mapping[str, float]
    rest: float | None
    at: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """How rows are drawn: so many, stratified by a column or not, by a seed."""

    n: int
    by: str | None
    seed: int


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
    table: InlineTable | None = None
    draw: Draw | None = None
    mix: Mix | None = None
    weight: str | None = None
    cluster: str | None = None
    private: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Subset:
    """Some examples of a dataset. `name` is how bounds and reports call it."""

    name: str
    dataset: str
    where: Expression
    at: Span
    minimum: int | None = None
    family: str | None = None  # the `by` subset that this is one value of
    members: tuple[Subset, ...] = ()  # of a group: the subsets it is made of
    macro: bool = False  # whether a group's figure is the mean over its members, and not over its examples


# ── costs ─────────────────────────────────────────────────────────────────────────────────────────

CostFigure: TypeAlias = "Decimal | Expression"  # an expression where it depends on the example


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
    figures: tuple[tuple[CostFigure, ...], ...]
    abstain: tuple[CostFigure, ...] | None
    invalid: tuple[CostFigure, ...]
    heads: Mapping[str, Span] = field(default_factory=dict)  # where the row of a truth stands


@dataclass(frozen=True, slots=True, kw_only=True)
class CostByOutcome:
    """The short form for any answer type: what a right and a wrong answer cost."""

    name: str
    at: Span
    unit: str
    right: CostFigure
    wrong: CostFigure
    abstain: CostFigure | None
    invalid: CostFigure


Costs = CostMatrix | CostByOutcome


# ── what a task asks, reads and decides ───────────────────────────────────────────────────────────


class ConfidenceSource(StrEnum):
    """Where a candidate's confidence comes from. `OWN` is what local and recorded candidates give."""

    LOGPROBS = "logprobs"
    STATED = "stated"
    VOTES = "votes"
    FIELD = "field"
    FIELDS = "fields"
    ASK = "ask"
    OWN = "own"


Messages = tuple[tuple[str, "Prompt"], ...]  # role and template, in order


@dataclass(frozen=True, slots=True, kw_only=True)
class Shots:
    """Few-shot examples: the first n rows of a dataset or n drawn ones, equal to the example in a column."""

    random: bool
    n: int
    of: str
    by: str | None
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Perturbation:
    """A change of the example's texts: its kind, and the figure, file or function it takes."""

    kind: str
    share: float | None = None
    file: Path | None = None
    function: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One question of a task or chain: how it is asked, read and judged."""

    name: str  # empty for a task
    at: Span
    messages: Messages
    parameters: Mapping[str, Json]
    answer: AnswerType
    extract: tuple[Pattern | Fence, ...]
    strip_reasoning: bool
    abstains: str | None  # a regular expression by which a free answer declines
    gold: Expression | None
    score: TextScore
    confidence: tuple[ConfidenceSource, ...]
    reads: tuple[str, ...]  # names of earlier steps
    variants: Mapping[str, Messages] = field(default_factory=dict)  # where given, in the place of `messages`
    messages_column: str | None = None  # a column that holds the whole conversation
    images: tuple[str, ...] = ()  # columns
    shots: Shots | None = None
    samples: int = 1
    perturb: tuple[Perturbation, ...] = ()
    votes: int | None = None  # how many samples `confidence = votes(N)` asks for
    confidence_fields: tuple[str, ...] = ()  # of `field(NAME)` or `fields(A, B, …)`
    missing: str | None = None  # wrong, abstain
    field_golds: Mapping[str, Expression] = field(default_factory=dict)  # `gold { FIELD = … }`
    scores: Mapping[str, TextScore] = field(default_factory=dict)  # `scores { NAME = … }`
    right: Expression | None = None  # over the scores, by name
    when: Expression | None = None

    def asked_as(self, variant: str) -> Messages:
        """The templates that a candidate of a variant is asked with; a step without variants has one form."""
        return self.variants.get(variant, ()) if self.variants else self.messages

    @property
    def quoted(self) -> tuple[str, ...]:
        """Those of `reads` whose answers its templates show; the others only decide whether it runs."""
        if not self.reads:
            return ()
        names = frozenset().union(*(prompt.names for _, prompt in self.templates))
        return tuple(name for name in self.reads if name in names)

    @property
    def templates(self) -> Messages:
        """Every template of the step, those of all variants included."""
        return (*self.messages, *(message for own in self.variants.values() for message in own))


class WhenCheaper(StrEnum):
    """Answer where that is promised to cost less than abstaining."""

    AS_IS = "as_is"
    RECALIBRATED = "recalibrated"


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
class Budgets:
    """Latency budgets: bounds on percentiles, mean, max and errors, and the load under which they hold."""

    bounds: tuple[Bound, ...]  # `metric` is p50 … p99.9, mean, max or errors; `label` first_token or queue
    exclude: bool
    rate_per_s: float | None = None  # open loop
    in_flight: int | None = None  # closed loop
    duration_ns: int | None = None
    warmup: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoWorseThan:
    """How much worse than a model a candidate may be at most: a margin for each metric."""

    model: str
    margins: tuple[Bound, ...]
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
    report: tuple[str, ...] = ()
    budgets: Budgets | None = None
    no_worse_than: tuple[NoWorseThan, ...] = ()
    assign: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # models by step
    oracle: bool = False
    stand_ins: tuple[str, ...] = ()  # steps that answer where `answer_of` does not run, in that order

    @property
    def variants(self) -> tuple[str, ...]:
        """The names of the prompt variants, in the order they were written."""
        return tuple(dict.fromkeys(name for step in self.steps for name in step.variants))

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
    token_rates: Mapping[str, float] = field(default_factory=dict)  # likewise
    spend: Mapping[str, Decimal] = field(default_factory=dict)  # dollars; likewise
    race: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaderboard:
    """Published scores by model; higher is better."""

    name: str
    at: Span
    scores: Mapping[str, float]

    def of(self, model: str, variant: str = "") -> float | None:
        """What the board gives a candidate: the score of its variant, else that of its model."""
        own = self.scores.get(f"{model}/{variant}") if variant else None
        return own if own is not None else self.scores.get(model)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Several tasks, weighed: which candidate is best over all of them."""

    name: str
    at: Span
    weights: Mapping[str, float]  # by task, summing to 1
    models: tuple[str, ...]
    rank: tuple[str, ...]
    report: tuple[str, ...] = ()
    narrows: bool = False  # whether its tasks ask only these models


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """Something that `run` cannot do yet, and the top-level block that asks for it, if one does."""

    kind: str
    name: str
    said: Diagnostic


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
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    leaderboards: Mapping[str, Leaderboard] = field(default_factory=dict)
    later: tuple[Later, ...] = ()

    @property
    def variants(self) -> tuple[str, ...]:
        """The names of all prompt variants of all tasks."""
        return tuple(dict.fromkeys(name for task in self.tasks.values() for name in task.variants))
