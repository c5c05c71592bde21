"""A limit on spending needs the price of everything that is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.language.candidates import Hosted
from evalspec.models.prices import price_of
from evalspec.syntax import tree
from evalspec.text.diagnostics import Diagnostic, Label, problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from evalspec.check.names import Declared
    from evalspec.data.rows import Loaded
    from evalspec.language.candidates import ModelSpec
    from evalspec.language.program import Program

WAY_OUT = "give it one: `price { input = $0.15; output = $0.60 }`, for a million tokens"


def prices_are_known(
    declared: Declared, program: Program, data: Mapping[str, Loaded]
) -> Iterable[Diagnostic]:
    """An error for each model that a limit on spending is about and whose price is not known."""
    asked = dict.fromkeys(m for task in program.tasks.values() for m in task.models)
    told: set[str] = set()
    for bound in declared.limits.entries if declared.limits is not None and program.limits.spend else ():
        if not isinstance(bound, tree.Bound) or bound.metric.text != "spend":
            continue
        target = bound.argument.text if isinstance(bound.argument, tree.Name | tree.Text) else ""
        for name in asked:
            spec = program.models.get(name)
            if spec is None or name in told or not _is_about(target, spec) or not _unpriced(spec):
                continue
            told.add(name)
            label = Label(at=spec.at, message="this model")
            said = f"nobody knows the price of `{name}`, so its spending cannot be limited"
            yield problem("E0712", bound.at, said, WAY_OUT, labels=[label])


def _is_about(target: str, spec: ModelSpec) -> bool:
    provider = spec.use.provider if isinstance(spec.use, Hosted) else None
    return target in ("", spec.name, provider)


def _unpriced(spec: ModelSpec) -> bool:
    return isinstance(spec.use, Hosted) and price_of(spec.use) is None
