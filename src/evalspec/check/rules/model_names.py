"""Names of models that mean another model tomorrow, or none any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.language.candidates import Hosted
from evalspec.models.names import floats, retired_since
from evalspec.syntax import tree
from evalspec.text.diagnostics import Diagnostic, problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from evalspec.check.names import Declared
    from evalspec.data.rows import Loaded
    from evalspec.language.program import Program
    from evalspec.text.source import Span

FLOATING = (
    "name a version, so that two runs ask the same; `evalspec diff` tells when the served model changed"
)


def models_stay_the_same(
    declared: Declared, program: Program, data: Mapping[str, Loaded]
) -> Iterable[Diagnostic]:
    """A warning for each model whose name floats, or that its provider has retired."""
    blocks = declared.of("model")
    for name, spec in program.models.items():
        if not isinstance(spec.use, Hosted) or name not in blocks:
            continue
        at, route = _route(blocks[name]) or spec.at, spec.use.route
        if (since := retired_since(spec.use)) is not None:
            said = f"`{route}` was retired on {since}: requests to it fail"
            yield problem("W0733", at, said, "choose a model that is served")
        elif floats(spec.use):
            yield problem(
                "W0732", at, f"`{route}` stands for another model whenever its provider likes", FLOATING
            )


def _route(block: tree.Block) -> Span | None:
    """Where the model's route is written."""
    for entry in block.entries:
        if isinstance(entry, tree.Attribute) and entry.key.text == "use":
            return entry.value.at
    return None
