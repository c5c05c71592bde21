"""A limit on spending needs the price of everything that is asked, and how long an answer can become."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from evalspec.language.candidates import Hosted
from evalspec.models.ceilings import output_limit
from evalspec.models.prices import price_of
from evalspec.syntax import tree
from evalspec.text.diagnostics import Diagnostic, Label, problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from evalspec.check.names import Declared
    from evalspec.data.rows import Loaded
    from evalspec.language.candidates import ModelSpec
    from evalspec.language.program import Program, Step

PRICE = "give it one: `price { input = $0.15; output = $0.60 }`, for a million tokens"
LENGTH = "give the model a limit: `max_tokens = 500`"

Asked = tuple["ModelSpec", "Step"]  # a model, and a step that it is asked


class Lack(NamedTuple):
    """What is not known of a model and would have to be: the code, the sentence, the way out."""

    code: str
    said: str
    way_out: str


def prices_are_known(
    declared: Declared, program: Program, data: Mapping[str, Loaded]
) -> Iterable[Diagnostic]:
    """An error for each model that a limit on spending is about and whose worst case is not known."""
    asked = list(_asked(program))
    told: set[str] = set()
    for bound in declared.limits.entries if declared.limits is not None and program.limits.spend else ():
        if not isinstance(bound, tree.Bound) or bound.metric.text != "spend":
            continue
        target = bound.argument.text if isinstance(bound.argument, tree.Name | tree.Text) else ""
        about = [(spec, step) for spec, step in asked if spec.name not in told and _is_about(target, spec)]
        for spec, lack in lacking(about):
            told.add(spec.name)
            label = Label(at=spec.at, message="this model")
            yield problem(lack.code, bound.at, lack.said, lack.way_out, labels=[label])


def lacking(asked: Iterable[Asked]) -> Iterator[tuple[ModelSpec, Lack]]:
    """The models whose spending cannot be limited, each once, and why."""
    told: set[str] = set()
    for spec, step in asked:
        lack = _lack(spec, step) if spec.name not in told else None
        if lack is not None:
            told.add(spec.name)
            yield spec, lack


def _lack(spec: ModelSpec, step: Step) -> Lack | None:
    if not isinstance(spec.use, Hosted):
        return None
    price = price_of(spec.use)
    if price is None:
        said = f"nobody knows the price of `{spec.name}`, so its spending cannot be limited"
        return Lack("E0712", said, PRICE)
    if price.output and output_limit(spec.use, {**spec.use.parameters, **step.parameters}) is None:
        said = f"nobody knows how long an answer of `{spec.name}` may become, and so what it may cost"
        return Lack("E0731", said, LENGTH)
    return None


def _asked(program: Program) -> Iterator[Asked]:
    """Each model of each task with each step that it may run."""
    for task in program.tasks.values():
        assigned = [name for names in task.assign.values() for name in names]
        for name in dict.fromkeys((*task.models, *assigned)):
            if name in program.models:
                yield from ((program.models[name], step) for step in task.steps)


def _is_about(target: str, spec: ModelSpec) -> bool:
    provider = spec.use.provider if isinstance(spec.use, Hosted) else None
    return target in ("", spec.name, provider)
