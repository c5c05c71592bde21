"""What was found in a user's data, worded as a spec: formatted, commented, and right as `check` reads it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from evalspec.interop.spelling import (
    block_text,
    column,
    comment,
    formatted,
    in_template,
    is_name,
    label,
    name_from,
    string,
    table,
)
from evalspec.starting.columns import Kind, Proposal
from evalspec.starting.own import Findings

MOST_IN_TABLE = 10
MOST_DECLARED = 40
LINE = 96
SPECIAL = ("abstain", "invalid")  # columns of a cost table that are no labels


def worded(found: Findings, spec: str) -> str:
    """The spec's text. `spec` is its file name, for the commands in its comments."""
    names = _Names(found)
    parts = [
        [*_head(found, spec)],
        [*_datasets(found, names)],
        [*_subsets(found, names)],
        [*_models(found, names)],
        [*_costs(found, names)],
        [*_task(found, names)],
    ]
    return formatted("\n\n".join("\n".join(lines) for lines in parts if lines) + "\n")


class _Names:
    """The names of the blocks, made from the data's own and from none that means something else."""

    def __init__(self, found: Findings) -> None:
        stem = found.title.removesuffix(".gz").rpartition(".")[0] or found.title
        self.data = name_from(stem, otherwise="data")
        self.train = name_from(f"{self.data}_train", {self.data})
        self.task = name_from(found.label, otherwise="task")
        self.costs = name_from(f"cost_of_{self.task}", otherwise="costs")


def _head(found: Findings, spec: str) -> Iterator[str]:
    yield from comment(f"Which candidate should tell `{found.label}`?")
    yield "#"
    commands = {f"check {_shell(spec)}": "says what is wrong with this file or its data"}
    if any(c.route for c in found.candidates):
        commands[f"plan {_shell(spec)} --show 1"] = "shows what would be asked, and asks nothing"
    commands[f"run {_shell(spec)}"] = "asks every candidate and ranks them"
    widest = max(map(len, commands))
    yield from (f"#   evalspec {command:{widest}}   {does}" for command, does in commands.items())


def _shell(text: str) -> str:
    return shlex.quote("".join(char if char.isprintable() else "?" for char in text))


# ── data ──────────────────────────────────────────────────────────────────────────────────────────


def _datasets(found: Findings, names: _Names) -> Iterator[str]:
    yield f"dataset {names.data} {{"
    yield f"  source = file({string(found.data)})"
    if found.id is not None:
        yield f"  id = {column(found.id)}"
    yield from _label(found)
    if found.unlabelled:
        yield f"  where = not is_missing({column(found.label)})"
    yield "}"
    if found.train is not None:
        yield ""
        yield "# What the baselines learn from. It is never scored."
        yield f"dataset {names.train} {{"
        yield f"  source = file({string(found.train)})"
        if found.train_id is not None:
            yield f"  id = {column(found.train_id)}"
        yield f"  label = {column(found.label)}"
        if found.train_unlabelled:
            yield f"  where = not is_missing({column(found.label)})"
        yield "}"


def _label(found: Findings) -> Iterator[str]:
    """The label, with its values where they are few enough to be read."""
    if not found.labels or len(found.labels) > MOST_DECLARED:
        yield f"  label = {column(found.label)}"
        return
    spelt = [label(text) for text in found.labels]
    one_line = f"  label = {column(found.label)} in [{', '.join(spelt)}]"
    if len(one_line) <= LINE:
        yield one_line
        return
    yield f"  label = {column(found.label)} in ["
    yield from (f"    {text}," for text in spelt)
    yield "  ]"


def _subsets(found: Findings, names: _Names) -> Iterator[str]:
    taken = {*found.labels, *found.columns, names.data, names.task}
    if found.subsets:
        yield "# Parts of the data that the average may hide. Take out what does not matter, add what does."
    for proposal in found.subsets:
        name = _subset_name(proposal, taken)
        taken.add(name)
        yield f"subset {name} of {names.data} {{ {_condition(proposal)} }}"


def _subset_name(proposal: Proposal, taken: set[str]) -> str:
    if proposal.value is not None:
        return name_from(f"{proposal.column}_{proposal.value}", taken)
    if proposal.longer is not None or proposal.shorter is not None:
        return name_from("long" if proposal.longer is not None else "short", taken)
    return name_from(f"by_{proposal.column}", taken)


def _condition(proposal: Proposal) -> str:
    name = column(proposal.column)
    if proposal.value is not None:
        return f"where = {name} == {string(proposal.value)}"
    if proposal.longer is not None:
        return f"where = words({name}) > {proposal.longer}"
    if proposal.shorter is not None:
        return f"where = words({name}) < {proposal.shorter}"
    return f"by = {name}"


# ── candidates and costs ──────────────────────────────────────────────────────────────────────────


def _models(found: Findings, names: _Names) -> Iterator[str]:
    hosted = [c for c in found.candidates if c.route is not None]
    for candidate in hosted:
        yield f"model {candidate.name} {{ use = {string(candidate.route or '')} }}"
    if not hosted:
        yield "# A language model is a line more; its key comes from the environment, here OPENAI_API_KEY."
        yield '# model mini { use = "openai/gpt-5-mini" }'
    local = [c for c in found.candidates if c.baseline is not None]
    if local:
        yield ""
        yield "# Local classifiers, which cost nothing. Whatever is paid for should beat them."
    reads = ", ".join(column(name) for name in found.texts)
    for candidate in local:
        columns = "" if candidate.baseline == "majority" else f"columns = [{reads}], "
        use = f'baseline("{candidate.baseline}", {columns}train = {names.train})'
        yield f"model {candidate.name} {{ use = {use} }}"


def _costs(found: Findings, names: _Names) -> Iterator[str]:
    """A table where there are few labels; right and wrong where there are more, or none."""
    yield "# TO BE REPLACED: what each mistake costs you. The figures below are placeholders, and the ranking"
    yield "# is worth no more than they are. `abstain` is what it costs to hand an example to a person."
    yield f"costs {names.costs} {{"
    yield '  unit = "points"'
    if _fits_table(found):
        yield from table(_cost_rows(found.labels))
    else:
        yield from ("  right = 0", "  wrong = 1")
        if found.kind is Kind.LABELS:
            yield "  abstain = 0.5"
    yield "}"


def _fits_table(found: Findings) -> bool:
    return 2 <= len(found.labels) <= MOST_IN_TABLE and not set(SPECIAL) & set(found.labels)


def _cost_rows(labels: tuple[str, ...]) -> list[list[str]]:
    spelt = [label(text) for text in labels]
    rows = [[r"truth \ answer", *spelt, "abstain"]]
    for truth in spelt:
        rows.append([truth, *("-" if answer == truth else "1" for answer in spelt), "0.5"])
    return rows


# ── the task ──────────────────────────────────────────────────────────────────────────────────────


def _task(found: Findings, names: _Names) -> Iterator[str]:
    yield f"task {names.task} {{"
    yield f"  data = {names.data}"
    yield f"  prompt = {block_text(_prompt(found), depth=1)}"
    match found.kind:
        case Kind.LABELS:
            yield f"  answer = one_of({column(found.label)})"
        case Kind.NUMBER:
            yield "  answer = number  # within how much is it right? number(within = 1%)"
        case _:
            yield "  answer = text"
            yield "  score = exact(ignore = [case, space, punctuation])"
    if any(c.route for c in found.candidates) and found.kind is Kind.LABELS:
        yield "  confidence = [logprobs, stated]"
    yield f"  costs = {names.costs}"
    if found.kind is Kind.LABELS:
        yield "  abstain = when_cheaper  # hand an example over where that is promised to be cheaper"
    yield "  rank = expected_cost"
    yield "}"


def _prompt(found: Findings) -> str:
    subject = found.label.replace("_", " ").strip() if is_name(found.label) else "label"
    texts = [_shown(name, alone=len(found.texts) == 1) for name in found.texts]
    body = "\n\n".join(texts)
    match found.kind:
        case Kind.LABELS:
            ask = f"Which {subject} fits this text? "
            return (
                f'{ask}Answer with one of these and nothing else:\n{{{{ labels | join("\\n") }}}}\n\n{body}'
            )
        case Kind.NUMBER:
            return f"{body}\n\nAnswer with a number and nothing else."
        case _:
            return f"{body}\n\nAnswer in a few words."


def _shown(name: str, *, alone: bool) -> str:
    value = f"{{{{ {in_template(name)} }}}}"
    heading = "".join(char for char in name if char.isprintable() and char not in '{}#%"\\').strip()
    return value if alone or not heading else f"{heading}: {value}"
