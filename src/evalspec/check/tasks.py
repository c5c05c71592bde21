"""Task and chain blocks: their steps, who is asked, what mistakes cost, how candidates are ranked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.check.assigning import read_assign, read_oracle
from evalspec.check.bounds import check_metrics, read_rank, read_report, read_requirements
from evalspec.check.comparisons import read_comparisons
from evalspec.check.datasets import Data, named_dataset
from evalspec.check.deciding import read_binning, read_chain_confidence, read_policy, read_positive
from evalspec.check.entries import Entries, Faults, read_entries
from evalspec.check.fitting import confident, declared_model, read_candidates
from evalspec.check.known import Known
from evalspec.check.latency import read_budgets
from evalspec.check.measuring import Measured
from evalspec.check.order import stand_ins
from evalspec.check.pricing import bind_costs
from evalspec.check.scoring import right_is_told
from evalspec.check.steps import StepRead, read_single, read_steps
from evalspec.check.templates import check_named_prompts
from evalspec.check.values import word_of, words_of
from evalspec.language.answer_types import YesNo
from evalspec.language.program import Costs, Task
from evalspec.text.diagnostics import did_you_mean, problem
from evalspec.text.values import replace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evalspec.syntax import tree


def read_tasks(known: Known, faults: Faults) -> Mapping[str, Task]:
    """The tasks and chains that could be understood, in the order of the file."""
    check_named_prompts(known.declared, faults)
    blocks = {**known.declared.of("task"), **known.declared.of("chain")}
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
        declared_model(word, known, faults)
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
    models = read_candidates(entries, steps, data, chain, known, faults)
    right_is_told(entries, final.step, faults)
    costs, sure = _costs(entries, final, data, known, faults), confident(steps, models, known)
    measured = replace(_measured(entries, data, steps, final, known), confident=sure)
    requirements, exclude = read_requirements(entries, measured, faults)
    return Task(
        name=name,
        kind=entries.block.kind.text,
        at=entries.block.name.at if entries.block.name is not None else entries.block.header,
        dataset=data.dataset.name,
        models=models,
        steps=tuple(s.step for s in steps),
        answer_of=final.step.name,
        stand_ins=stand_ins(steps, final, faults) if chain and answer_of is None else (),
        chain_confidence=read_chain_confidence(entries, chain, sure, faults),
        costs=costs,
        abstain=read_policy(entries, costs, measured, faults),
        requirements=requirements,
        exclude=exclude,
        positive=read_positive(entries, final, faults),
        binning=read_binning(entries, sure, faults),
        rank=read_rank(entries, measured, costs, faults),
        report=read_report(entries, measured, faults),
        budgets=read_budgets(entries, measured, faults),
        no_worse_than=read_comparisons(entries, models, measured, faults),
        assign=read_assign(entries, [s.step.name for s in steps], models, known, faults) if chain else {},
        oracle=chain and read_oracle(entries, faults),
    )


def _measured(
    entries: Entries, data: Data, steps: tuple[StepRead, ...], final: StepRead, known: Known
) -> Measured:
    """What a task's figures can be about, its confidences left out."""
    return Measured(
        subsets=[s for s in known.subsets if s.dataset == data.dataset.name],
        spoiled_subsets=known.declared.names["subset"] - {s.family or s.name for s in known.subsets},
        labels=final.labels,
        steps=[s.step for s in steps],
        chain=entries.block.kind.text == "chain",
        final=final.step,
        costs_given="costs" in entries.attributes or "costs" in entries.spoiled,
        confident=False,
        positive="positive" in entries.attributes or isinstance(final.step.answer, YesNo),
    )


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
