"""Task and chain blocks: their steps, who is asked, what mistakes cost, how candidates are ranked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.check.bounds import Measured, check_metrics, read_rank, read_requirements
from evalspec.check.datasets import Data, named_dataset
from evalspec.check.deciding import read_binning, read_chain_confidence, read_policy, read_positive
from evalspec.check.entries import Entries, Faults, read_entries
from evalspec.check.pricing import bind_costs
from evalspec.check.steps import StepRead, read_single, read_steps
from evalspec.check.values import word_of, words_of
from evalspec.check.templates import check_named_prompts
from evalspec.language.answer_types import YesNo
from evalspec.language.candidates import Baseline, Hosted, ModelSpec, Recorded
from evalspec.language.program import Costs, Subset, Task
from evalspec.text.diagnostics import did_you_mean, problem
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evalspec.check.costs import Written
    from evalspec.check.names import Declared
    from evalspec.syntax import tree


@dataclass(frozen=True, slots=True)
class Known:
    """Everything a task may refer to."""

    declared: Declared
    data: Mapping[str, Data]
    subsets: Sequence[Subset]
    models: Mapping[str, ModelSpec]
    costs: Mapping[str, Written]


def read_tasks(known: Known, faults: Faults) -> Mapping[str, Task]:
    """The tasks and chains that could be understood, in the order of the file."""
    blocks = {**known.declared.of("task"), **known.declared.of("chain")}
    check_named_prompts(known.declared, faults)
    tasks: dict[str, Task] = {}
    for name, block in sorted(blocks.items(), key=lambda item: known.declared.place(item[1])):
        task = _read(name, block, known, faults)
        if task is not None:
            tasks[name] = task
    return tasks


def _read(name: str, block: tree.Block, known: Known, faults: Faults) -> Task | None:
    entries = read_entries(block, faults)
    data = _data(entries, known, faults)
    if data is None:
        _check_names(entries, known, faults)
        return None
    chain = block.kind.text == "chain"
    answer_of = _answer_of(entries, faults) if chain else None
    steps = _steps(entries, answer_of, chain, data, known, faults)
    if steps is None:
        _check_names(entries, known, faults)
        return None
    return _decided(name, entries, data, steps, answer_of, known, faults)


def _data(entries: Entries, known: Known, faults: Faults) -> Data | None:
    value = entries.value("data")
    if value is None:
        if "data" not in entries.spoiled:
            faults.add(
                "E0406",
                entries.block.header,
                f"`{entries.block.kind.text}` needs `data`",
                "write `data = DATASET`",
            )
        return None
    word = word_of(value, "`data`", faults)
    return named_dataset(word, known.declared, known.data, faults) if word is not None else None


def _check_names(entries: Entries, known: Known, faults: Faults) -> None:
    """Says which names are wrong in a task that was not understood otherwise."""
    models, costs = entries.value("models"), entries.value("costs")
    for word in (words_of(models, "a model", faults) if models is not None else None) or ():
        _declared_model(word, known, faults)
    priced = word_of(costs, "`costs`", faults) if costs is not None else None
    if priced is not None:
        _declared_costs(priced, known, faults)
    check_metrics(entries, faults)


def _answer_of(entries: Entries, faults: Faults) -> tree.Word | None:
    value = entries.value("answer_of")
    word = word_of(value, "`answer_of`", faults) if value is not None else None
    names = [b.name.text for b in entries.blocks if b.kind.text == "step" and b.name is not None]
    if word is not None and word.text not in names:
        help_line, fixes = did_you_mean(word.text, names, at=word.at)
        faults.found.append(
            problem("E0202", word.at, f"there is no step `{word.text}`", help_line, fixes=fixes)
        )
        return None
    return word


def _steps(
    entries: Entries, answer_of: tree.Word | None, chain: bool, data: Data, known: Known, faults: Faults
) -> tuple[StepRead, ...] | None:
    if not chain:
        single = read_single(entries, data, known, faults)
        return (single,) if single is not None else None
    blocks = [b for b in entries.blocks if b.kind.text == "step"]
    if not blocks:
        if not entries.broken:
            faults.add("E0406", entries.block.header, "`chain` needs a `step`", "write `step NAME { … }`")
        return None
    return read_steps(blocks, answer_of, data, known, faults)


def _decided(
    name: str,
    entries: Entries,
    data: Data,
    steps: tuple[StepRead, ...],
    answer_of: tree.Word | None,
    known: Known,
    faults: Faults,
) -> Task | None:
    chain = entries.block.kind.text == "chain"
    last = max(steps, key=lambda s: s.step.at.start).step.name
    final = next(s for s in steps if s.step.name == (answer_of.text if answer_of is not None else last))
    models = _models(entries, steps, data, chain, known, faults)
    costs = _costs(entries, final, data, known, faults)
    confident = _confident(steps, models, known)
    measured = Measured(
        subsets=[s for s in known.subsets if s.dataset == data.dataset.name],
        spoiled_subsets=known.declared.names["subset"] - {s.family or s.name for s in known.subsets},
        labels=final.labels,
        steps=[s.step for s in steps],
        chain=chain,
        final=final.step,
        costs_given="costs" in entries.attributes or "costs" in entries.spoiled,
        confident=confident,
        positive="positive" in entries.attributes or isinstance(final.step.answer, YesNo),
    )
    requirements, exclude = read_requirements(entries, measured, faults)
    return Task(
        name=name,
        kind=entries.block.kind.text,
        at=entries.block.name.at if entries.block.name is not None else entries.block.header,
        dataset=data.dataset.name,
        models=models,
        steps=tuple(s.step for s in steps),
        answer_of=final.step.name,
        chain_confidence=read_chain_confidence(entries, chain, confident, faults),
        costs=costs,
        abstain=read_policy(entries, costs, measured, faults),
        requirements=requirements,
        exclude=exclude,
        positive=read_positive(entries, final, faults),
        binning=read_binning(entries, confident, faults),
        rank=read_rank(entries, measured, costs, faults),
    )


# ── who is asked ──────────────────────────────────────────────────────────────────────────────────


def _models(
    entries: Entries, steps: Sequence[StepRead], data: Data, chain: bool, known: Known, faults: Faults
) -> tuple[str, ...]:
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
    unfit = {m: _unfit(known.models[m], steps, data, chain, known) for m in known.models}
    fitting = tuple(m for m, reason in unfit.items() if reason is None)
    at = entries.block.name.at if entries.block.name is not None else entries.block.header
    if fitting:
        for name, reason in unfit.items():
            if reason is not None:
                faults.add("N0417", at, f"`{name}` is left out: {reason}")
    elif unfit:
        reasons = (f"`{name}`: {reason}" for name, reason in list(unfit.items())[:5])
        faults.add("E0418", at, f"no model fits this {entries.block.kind.text}", *reasons)
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
    if not _declared_model(word, known, faults):
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


def _declared_model(word: tree.Word, known: Known, faults: Faults) -> bool:
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


# ── deciding ──────────────────────────────────────────────────────────────────────────────────────


def _costs(entries: Entries, final: StepRead, data: Data, known: Known, faults: Faults) -> Costs | None:
    value = entries.value("costs")
    word = word_of(value, "`costs`", faults) if value is not None else None
    if word is None:
        return None
    if not _declared_costs(word, known, faults):
        return None
    written = known.costs.get(word.text)
    labels = final.labels
    if written is None or (labels is not None and not labels.names):
        return None
    return bind_costs(written, labels, data, word.at, faults)


def _declared_costs(word: tree.Word, known: Known, faults: Faults) -> bool:
    if word.text in known.declared.names["costs"]:
        return True
    help_line, fixes = did_you_mean(word.text, known.declared.names["costs"], at=word.at)
    help_line = help_line or f"declare them: `costs {word.text} {{ right = 0; wrong = 20 }}`"
    faults.found.append(
        problem("E0201", word.at, f"there are no costs `{word.text}`", help_line, fixes=fixes)
    )
    return False


def _confident(steps: Sequence[StepRead], models: Sequence[str], known: Known) -> bool:
    declared = any(s.step.confidence for s in steps)
    own = any(not isinstance(known.models[m].use, Hosted) for m in models)
    return declared or own
