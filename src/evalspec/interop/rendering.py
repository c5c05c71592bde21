"""An imported configuration worded as a spec, with what was not carried over told at its head."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalspec.interop.grouping import Group
from evalspec.interop.listed import Counts, Exactness, Remark
from evalspec.interop.prompts import Template
from evalspec.interop.providers import Model
from evalspec.interop.records import Table
from evalspec.interop.spelling import (
    block_text,
    column,
    comment,
    formatted,
    in_template,
    is_name,
    name_from,
    string,
)
from evalspec.language.schema import BLOCKS

MOST_TOLD = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Everything that a spec is worded from."""

    origin: str  # the configuration's file name
    description: str
    data: str  # the data file, as the spec writes it
    table: Table
    groups: Sequence[Group]
    templates: Sequence[Template]
    models: Sequence[Model]
    concurrency: int | None
    counts: Counts
    remarks: Sequence[Remark]


def worded(content: Content) -> str:
    """The spec's text."""
    names = _names(content)
    parts: list[list[str]] = [
        [*_head(content)],
        [*_datasets(content, names)],
        [*_models(content)],
        *([*_task(content, group, template, names[key], names)] for key, group, template in _tasks(content)),
    ]
    if content.concurrency is not None:
        parts.append([f"limits {{ concurrency <= {content.concurrency} }}"])
    return formatted("\n\n".join("\n".join(lines) for lines in parts if lines) + "\n")


Key = tuple[int, int]  # a group's number and a prompt's


def _tasks(content: Content) -> Iterator[tuple[Key, Group, Template]]:
    for i, group in enumerate(content.groups):
        for j, template in enumerate(content.templates):
            yield (i, j), group, template


def _names(content: Content) -> Mapping[Key, str]:
    """The names of the tasks; (i, -1) is that of the dataset of group i."""
    found: dict[Key, str] = {}
    taken: set[str] = set()
    data = {"tests"}
    for i, group in enumerate(content.groups):
        if i not in content.table.whole:
            found[i, -1] = name_from(f"tests_{group.title}", data)
            data.add(found[i, -1])
    for (i, j), group, template in _tasks(content):
        label = template.label or f"prompt {j + 1}"
        wanted = group.title if len(content.templates) == 1 else f"{group.title} {label}"
        found[i, j] = name_from(wanted, taken, otherwise="task")
        taken.add(found[i, j])
    return found


# ── the head ──────────────────────────────────────────────────────────────────────────────────────


def _head(content: Content) -> Iterator[str]:
    if content.description:
        yield from comment(content.description)
        yield "#"
    yield from comment(f"Imported from {content.origin}, a promptfoo configuration. {content.counts}.")
    yield from comment(
        "Exactly: the same verdict on every answer that is not empty and has no blanks around it. "
        "Each kind of assertion is a task of its own; whether a test passes all of them at once is not told."
    )
    for exactness, heading in (
        (Exactness.NEARLY, "Carried over with a changed meaning:"),
        (Exactness.NONE, "Not carried over:"),
    ):
        told = [remark for remark in content.remarks if remark.exactness is exactness]
        if told:
            yield "#"
            yield from comment(heading)
        for remark in told[:MOST_TOLD]:
            yield from comment(f"- {remark}")
        if len(told) > MOST_TOLD:
            yield from comment(f"- and {len(told) - MOST_TOLD:,} more")


# ── data and models ───────────────────────────────────────────────────────────────────────────────


def _datasets(content: Content, names: Mapping[Key, str]) -> Iterator[str]:
    table = content.table
    used = bool(table.whole) or not content.groups
    blocks: list[tuple[str, int | None]] = [("tests", None)] if used else []
    blocks += [(names[i, -1], i) for i in range(len(content.groups)) if (i, -1) in names]
    for number, (name, group) in enumerate(blocks):
        if number:
            yield ""
        yield f"dataset {name} {{"
        yield f"  source = file({string(content.data)})"
        yield f"  id = {column(table.id)}"
        if group is not None:
            yield f"  where = not is_missing({column(table.golds[group])})"
        yield "}"


def _models(content: Content) -> Iterator[str]:
    if not content.models:
        yield "# No provider could be carried over. This one stands in: put the right one in its place."
        yield 'model candidate { use = "openai/gpt-5-mini" }'
    for model in content.models:
        entries = [f"use = {string(model.use)}"]
        if model.base_url is not None:
            entries.append(f"base_url = {_value(model.base_url)}")
        if model.api_key is not None:
            entries.append(f"api_key = env({string(model.api_key)})")
        entries += [f"{key} = {_parameter(value)}" for key, value in model.parameters.items()]
        if len(entries) <= 3 and not model.headers and sum(map(len, entries)) < 70:
            yield f"model {model.name} {{ {'; '.join(entries)} }}"
            continue
        yield f"model {model.name} {{"
        yield from (f"  {entry}" for entry in entries)
        if model.headers:
            yield "  headers {"
            yield from (f"    {_key(name)} = {_value(value)}" for name, value in model.headers.items())
            yield "  }"
        yield "}"


def _key(name: str) -> str:
    return name if is_name(name) else string(name)


def _value(text: str) -> str:
    return f"env({string(text[4:])})" if text.startswith("env:") else string(text)


def _parameter(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_parameter, value))}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return (
        string(value)
        if isinstance(value, str)
        else format(value, "f").rstrip("0").rstrip(".")
        if isinstance(value, float)
        else str(value)
    )


# ── tasks ─────────────────────────────────────────────────────────────────────────────────────────


def _task(
    content: Content, group: Group, template: Template, name: str, names: Mapping[Key, str]
) -> Iterator[str]:
    number = next(i for i, other in enumerate(content.groups) if other is group)
    yield f"# promptfoo: {group.kind}, {_tests(len(group.golds))}"
    yield f"task {name} {{"
    yield f"  data = {names.get((number, -1), 'tests')}"
    chosen = [m.name for m in content.models if asks(m, template)]
    if len(chosen) < len(content.models):
        yield f"  models = [{', '.join(chosen)}]"
    yield from _asking(template, content.table)
    yield "  answer = text"
    yield "  strip_reasoning = false"
    yield f"  gold = {column(content.table.golds[number])}"
    score = "exact()" if group.score == "exact" else "contains"
    yield "  score = " + (score if group.pattern is None else f'matches(r"{group.pattern}")')
    yield "  rank = accuracy"
    yield "}"


def _tests(count: int) -> str:
    return "1 test" if count == 1 else f"{count:,} tests"


def asks(model: Model, template: Template) -> bool:
    """Whether a model is asked a prompt: without a filter every one, else those whose label it names."""
    return not model.prompts or any(
        template.label == wanted.removesuffix(":*") or template.label.startswith(wanted.removesuffix("*"))
        for wanted in model.prompts
    )


def can_be_asked(template: Template) -> bool:
    """Whether the language of today can ask these messages."""
    roles = [role for role, _ in template.messages]
    return roles in (["user"], ["system", "user"]) or BLOCKS["task"].entries["messages"].built


def _asking(template: Template, table: Table) -> Iterator[str]:
    roles = [role for role, _ in template.messages]
    if roles not in (["user"], ["system", "user"]):
        yield "  messages {"
        yield from (f"    {role} = {block_text(text, depth=2)}" for role, text in template.messages)
        yield "  }"
        return
    if roles[0] == "system":
        yield f"  system = {block_text(template.messages[0][1], depth=1)}"
    text = template.messages[-1][1]
    if len(roles) == 1:
        before = f"{{{{ {in_template(table.prefix)} }}}}" if table.prefix else ""
        after = f"{{{{ {in_template(table.suffix)} }}}}" if table.suffix else ""
        text = before + text + after
    yield f"  prompt = {block_text(text, depth=1)}"
