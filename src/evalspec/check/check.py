"""The whole check: tree in, Program and every diagnostic out. The order here is the order of dependence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.check.candidates import Surroundings, read_models, read_providers
from evalspec.check.costs import read_costs
from evalspec.check.datasets import Data, read_dataset
from evalspec.check.decisions import Deciding, narrowed_tasks, read_decisions
from evalspec.check.entries import Faults
from evalspec.check.known import Known
from evalspec.check.leaderboards import read_leaderboards
from evalspec.check.limits import read_limits
from evalspec.check.names import Declared, declare, every_block
from evalspec.check.params import Settings, with_params
from evalspec.check.private_lines import without_private_lines
from evalspec.check.rules import every_rule
from evalspec.check.subsets import read_subsets
from evalspec.check.tasks import read_tasks
from evalspec.language.program import Later, Program
from evalspec.text.source import Span
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evalspec.data.rows import Loaded
    from evalspec.syntax.tree import File
    from evalspec.text.diagnostics import Diagnostic


@dataclass(frozen=True, slots=True)
class Checked:
    """A program with the data it names. `data` lacks what could not be read."""

    program: Program
    data: Mapping[str, Loaded]


def check(
    files: Sequence[File], *, read_data: bool = True, settings: Settings | None = None
) -> tuple[Checked, tuple[Diagnostic, ...]]:
    """The program that some files say, as far as it can be understood, and what is wrong with it.

    The last file is the spec, those before it are imported. Raises UnknownSetting.
    """
    faults = Faults()
    declared = declare(with_params(files, settings or {}, faults), faults)
    data: dict[str, Data] = {}
    for name, block in declared.of("dataset").items():
        found = read_dataset(name, block, read_data, faults)
        if found is not None:
            data[name] = found
    subsets = read_subsets(declared, data, faults)
    providers = read_providers(declared, faults)
    models = read_models(Surroundings(declared, data, providers), faults)
    costs = read_costs(declared, faults)
    tasks = read_tasks(Known(declared, data, subsets, models, costs), faults)
    boards = read_leaderboards(declared, tasks, faults)
    decisions = read_decisions(Deciding(declared, tasks, boards, faults))
    program = Program(
        source=declared.main,
        datasets={name: d.dataset for name, d in data.items()},
        subsets=subsets,
        models=models,
        providers={name: c.concurrency for name, c in providers.items()},
        tasks=narrowed_tasks(tasks, decisions.values()),
        decisions=decisions,
        leaderboards=boards,
        limits=read_limits(declared, faults),
        column_types={name: d.types for name, d in data.items() if d.types is not None},
        later=tuple(_later(declared, d) for d in faults.later),
    )
    checked = Checked(program, {name: d.loaded for name, d in data.items() if d.loaded is not None})
    faults.extend(every_rule(declared, checked.program, checked.data))
    return checked, without_private_lines(faults.found, checked.program.datasets)


def _later(declared: Declared, said: Diagnostic) -> Later:
    """What cannot be run yet, with the block that it stands in."""
    at = said.at
    for kind, name, block in every_block(declared):
        if (
            isinstance(at, Span)
            and at.source is block.at.source
            and block.at.start <= at.start < block.at.end
        ):
            return Later(kind=kind, name=name, said=said)
    return Later(kind="", name="", said=said)
