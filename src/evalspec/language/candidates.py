"""Candidates as a spec declares them: what answers, how it is reached, what it is sent and what it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.text.values import dataclass, field, replace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal
    from pathlib import Path

    from evalspec.language.prompts import Prompt
    from evalspec.text.source import Span
    from evalspec.text.values import Json


@dataclass(frozen=True, slots=True)
class Environment:
    """A value that stands in an environment variable and nowhere else."""

    variable: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Dollars for `per` tokens; `cached_input` for those that the server remembered, None: as any other."""

    input: Decimal
    output: Decimal
    per: Decimal
    cached_input: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosted:
    """A model behind a network endpoint: straight over HTTP where `direct`, else through litellm; by its
    provider's batch endpoint where `batch`."""

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
    batch: bool = False


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
class Http:
    """A deployed application: where it is, the template of what it is sent, and where the answer stands."""

    url: str | Environment
    request: Prompt
    response: str
    api_key: Environment | None = None
    headers: Mapping[str, str | Environment] = field(default_factory=dict)
    timeout_ns: int | None = None
    concurrency: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonFunction:
    """A function of the user's own in a file; run only with `--allow-code`."""

    file: Path
    function: str
    timeout_ns: int | None = None
    concurrency: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """Made-up answers: right this often, with a confidence of a kind, after so long."""

    accuracy: float
    confidence: str  # calibrated, overconfident, underconfident
    latency_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cascade:
    """The first model's answer where its confidence suffices, else the next one's."""

    models: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """The answer that most of some models give."""

    models: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Combination:
    """One model for each step of a chain, by the step's name; `assign` makes them."""

    steps: Mapping[str, ModelSpec]


Use = Hosted | Recorded | Baseline | Http | PythonFunction | Simulated | Cascade | Vote | Combination


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """A candidate: a model as the spec declares it, and the prompt variant it is asked with, if any.

    Where a task has variants, `name` is `model/variant`.
    """

    name: str
    at: Span
    use: Use
    variant: str = ""

    @property
    def model(self) -> str:
        """The model's own name."""
        return self.name.removesuffix(f"/{self.variant}") if self.variant else self.name

    def at_step(self, step: str) -> ModelSpec:
        """The model that runs a step: this one, or of a combination the one that is assigned."""
        return self.use.steps[step] if isinstance(self.use, Combination) else self


def by_variant(spec: ModelSpec, variants: Sequence[str]) -> tuple[ModelSpec, ...]:
    """The candidates that a model makes in a task with these prompt variants: `model/variant` for each.

    What never sees a prompt (a baseline, an application with a template of its own, made-up answers) stays
    one candidate.
    """
    if not variants or isinstance(spec.use, Baseline | Http | Simulated):
        return (spec,)
    return tuple(replace(spec, name=f"{spec.name}/{variant}", variant=variant) for variant in variants)


def model_of(candidate: str) -> str:
    """The name of the model behind a candidate's name."""
    return candidate.partition("/")[0]


def in_batches(candidate: ModelSpec) -> bool:
    """Whether some of a candidate's answers come from a batch endpoint, and so tell no latency."""
    if isinstance(candidate.use, Combination):
        return any(in_batches(member) for member in candidate.use.steps.values())
    return isinstance(candidate.use, Hosted) and candidate.use.batch


def bears_load(candidate: ModelSpec) -> bool:
    """Whether something answers at the other end that requests can be sent to at a pace of our own."""
    return isinstance(candidate.use, Hosted | Http | PythonFunction) and not in_batches(candidate)


def is_simulated(candidate: ModelSpec) -> bool:
    """Whether some of a candidate's answers are made up: its own, or those of a step of a combination."""
    if isinstance(candidate.use, Combination):
        return any(is_simulated(member) for member in candidate.use.steps.values())
    return isinstance(candidate.use, Simulated)
