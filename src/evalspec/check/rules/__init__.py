"""Rules over a whole program and its data, each a function that yields what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from evalspec.check.names import Declared
from evalspec.check.rules.choices import choices_differ
from evalspec.check.rules.confidence import confidence_can_be_given
from evalspec.check.rules.contradictions import bounds_agree
from evalspec.check.rules.enforcing import schemas_reach_candidates
from evalspec.check.rules.golds import golds_can_be_answered
from evalspec.check.rules.inputs import equal_inputs_agree, training_rows_are_not_scored
from evalspec.check.rules.judges import judges_are_declared
from evalspec.check.rules.model_names import models_stay_the_same
from evalspec.check.rules.power import (
    bounds_can_be_decided,
    budgets_can_be_decided,
    what_can_be_told_apart,
)
from evalspec.check.rules.racing import races_can_be_run
from evalspec.check.rules.recorded import recorded_answers_fit
from evalspec.check.rules.samples import samples_can_differ
from evalspec.check.rules.spending import prices_are_known
from evalspec.check.rules.unused import declarations_are_used
from evalspec.check.rules.weighting import examples_stand_for_production
from evalspec.data.rows import Loaded
from evalspec.language.program import Program
from evalspec.text.diagnostics import Diagnostic

Rule = Callable[[Declared, Program, Mapping[str, Loaded]], Iterable[Diagnostic]]

RULES: tuple[Rule, ...] = (
    declarations_are_used,
    golds_can_be_answered,
    choices_differ,
    confidence_can_be_given,
    samples_can_differ,
    judges_are_declared,
    schemas_reach_candidates,
    equal_inputs_agree,
    training_rows_are_not_scored,
    recorded_answers_fit,
    examples_stand_for_production,
    prices_are_known,
    models_stay_the_same,
    bounds_agree,
    bounds_can_be_decided,
    budgets_can_be_decided,
    races_can_be_run,
    what_can_be_told_apart,
)


def every_rule(declared: Declared, program: Program, data: Mapping[str, Loaded]) -> Iterable[Diagnostic]:
    """What all rules find, in their order."""
    for rule in RULES:
        yield from rule(declared, program, data)
