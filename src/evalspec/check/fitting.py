"""Who is asked: the candidates of a task or chain, and why a model cannot be one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.check.judges import judges_only
from evalspec.check.values import words_of
from evalspec.language.answer_types import CodeAnswer
from evalspec.language.candidates import Baseline, Cascade, Hosted, Http, ModelSpec, Recorded, Simulated, Vote
from evalspec.text.diagnostics import did_you_mean, problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evalspec.check.datasets import Data
    from evalspec.check.entries import Entries, Faults
    from evalspec.check.known import Known
    from evalspec.check.steps import StepRead
    from evalspec.syntax import tree


def read_candidates(
    entries: Entries, steps: Sequence[StepRead], data: Data, chain: bool, known: Known, faults: Faults
) -> tuple[str, ...]:
    """The candidates of a task or chain: those it names, else every one that fits."""
    value = entries.value("models")
    if value is None:
        return _every_fitting(entries, steps, data, chain, known, faults)
    names: list[str] = []
    words = words_of(value, "a model", faults)
    if words == ():
        faults.add("E0418", value.at, "this task asks no model", "name one, or leave `models` out to ask all")
    for word in words or ():
        if _usable(word, names, steps, data, chain, known, faults):
            names.append(word.text)
    return tuple(names)


def _every_fitting(
    entries: Entries, steps: Sequence[StepRead], data: Data, chain: bool, known: Known, faults: Faults
) -> tuple[str, ...]:
    """Every model that fits; says why where none does, and notes which are left out."""
    aside = judges_only(known.declared)
    unfit = {m: _unfit(spec, steps, data, chain, known) for m, spec in known.models.items() if m not in aside}
    fitting = tuple(m for m, reason in unfit.items() if reason is None)
    at = entries.block.name.at if entries.block.name is not None else entries.block.header
    if fitting:
        for name, reason in unfit.items():
            if reason is not None:
                faults.add("N0417", at, f"`{name}` is left out: {reason}")
    elif unfit:
        reasons = (f"`{name}`: {reason}" for name, reason in list(unfit.items())[:5])
        faults.add("E0418", at, f"no model fits this {entries.block.kind.text}", *reasons)
    elif aside:
        judge = min(aside)
        faults.add("E0418", at, "there is no model to judge", f"name one: `models = [{judge}]`",
                   f"`{judge}` judges, and is a candidate only where it is named")  # fmt: skip
    elif not known.declared.names["model"]:
        faults.add("E0418", at, "there is no model to judge", "declare one: `model NAME { use = … }`")
    return fitting


def _usable(
    word: tree.Word,
    before: Sequence[str],
    steps: Sequence[StepRead],
    data: Data,
    chain: bool,
    known: Known,
    faults: Faults,
) -> bool:
    if not declared_model(word, known, faults):
        return False
    if word.text in before:
        faults.add("E0404", word.at, f"`{word.text}` is named twice", "remove one")
        return False
    spec = known.models.get(word.text)
    if spec is None:  # its own block is wrong, which was told there
        return False
    reason = _unfit(spec, steps, data, chain, known)
    if reason is not None:
        faults.add(
            "E0417",
            word.at,
            f"`{word.text}` does not fit this {'chain' if chain else 'task'}: {reason}",
            "mend that, or take it out of the list",
        )
        return False
    return True


def declared_model(word: tree.Word, known: Known, faults: Faults) -> bool:
    if word.text in known.declared.names["model"]:
        return True
    help_line, fixes = did_you_mean(word.text, known.declared.names["model"], at=word.at)
    help_line = help_line or "declare one: `model NAME { use = … }`"
    faults.found.append(problem("E0201", word.at, f"there is no model `{word.text}`", help_line, fixes=fixes))
    return False


def _unfit(spec: ModelSpec, steps: Sequence[StepRead], data: Data, chain: bool, known: Known) -> str | None:
    """Why a model cannot be a candidate here, or None where it can."""
    if isinstance(spec.use, Recorded):
        return None
    if isinstance(spec.use, Hosted):
        silent = [s.step.name for s in steps if not s.asked.given]
        return ("it needs a prompt" + (f" in step `{silent[0]}`" if silent[0] else "")) if silent else None
    if isinstance(spec.use, Baseline):
        return _baseline_unfit(spec.use, steps, data, chain, known)
    if isinstance(spec.use, Simulated):
        return _simulated_unfit(steps)
    if isinstance(spec.use, Http):
        return _application_unfit(spec.use, steps, data)
    if isinstance(spec.use, Cascade | Vote):
        return _members_unfit(spec.use, steps, data, chain, known)
    return None


def _simulated_unfit(steps: Sequence[StepRead]) -> str | None:
    """Why no answers can be made up here: they are made from the gold, and programs are not made at all."""
    for step in (s.step for s in steps):
        where = f"step `{step.name}`" if step.name else "it"
        if isinstance(step.answer, CodeAnswer):
            return "no programs can be made up"
        if step.gold is None:
            return f"answers are made up from the gold, and {where} has none"
    return None


def _application_unfit(use: Http, steps: Sequence[StepRead], data: Data) -> str | None:
    """Why an application cannot be asked: its body reads what neither the data nor an earlier step has."""
    known = {"row", *(data.types or ()), *(s.step.name for s in steps)}
    missing = sorted(use.request.names - known)
    if data.types is None or not missing:
        return None
    return f"its request reads `{missing[0]}`, and dataset `{data.dataset.name}` has no such column"


def _members_unfit(
    use: Cascade | Vote, steps: Sequence[StepRead], data: Data, chain: bool, known: Known
) -> str | None:
    """Why a cascade or vote cannot be a candidate: one of its models cannot, or has no confidence."""
    for name in use.models:
        if name not in known.models:  # its own block is wrong, which was told there
            continue
        reason = _unfit(known.models[name], steps, data, chain, known)
        if reason is not None:
            return f"`{name}`, which it is made of: {reason}"
    if isinstance(use, Cascade) and not confident(steps, use.models, known):
        return "a cascade goes by confidence: write `confidence = [logprobs, stated]`"
    return None


def _baseline_unfit(
    use: Baseline, steps: Sequence[StepRead], data: Data, chain: bool, known: Known
) -> str | None:
    if chain:
        return "a baseline answers one question, not a chain"
    labels = steps[0].labels
    if labels is None:
        return "a baseline answers with labels"
    missing = [c for c in use.columns if data.types is not None and c not in data.types]
    if missing:
        return f"it reads `{missing[0]}`, and dataset `{data.dataset.name}` has no such column"
    train = known.data[use.train]
    if train.loaded is None or train.dataset.label is None or not labels.names:
        return None
    learned = {str(row.values.get(train.dataset.label)) for row in train.loaded.rows}
    foreign = sorted(learned - set(labels.names))
    return f"it learns the label `{foreign[0]}`, which is not one of the task's" if foreign else None


def confident(steps: Sequence[StepRead], models: Sequence[str], known: Known) -> bool:
    """Whether some candidate may give a confidence."""
    declared = any(s.step.confidence for s in steps)
    # A model whose own block is wrong was told there, and may have any confidence.
    own = any(m not in known.models or not isinstance(known.models[m].use, Hosted) for m in models)
    return declared or own
