"""An imported configuration worded as a spec, with what was not carried over told at its head."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
from evalspec.text.values import dataclass

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
    askings = _askings(content)
    names = _names(content, askings)
    parts: list[list[str]] = [[*_head(content)], [*_datasets(content, names)], [*_models(content)]]
    for i, group in enumerate(content.groups):
        parts += [[*_task(content, group, (i, j), asking, names)] for j, asking in enumerate(askings)]
    if content.concurrency is not None:
        parts.append([f"limits {{ concurrency <= {content.concurrency} }}"])
    return formatted("\n\n".join("\n".join(lines) for lines in parts if lines) + "\n")


@dataclass(frozen=True, slots=True)
class Asking:
    """Prompts that one task asks as variants, because all else of it is the same: who is asked, and the rest
    of the conversation."""

    models: tuple[str, ...]
    variants: tuple[Template, ...]


def _askings(content: Content) -> tuple[Asking, ...]:
    """The prompts in as few tasks as can be: those with the same models and system message stand together."""
    found: dict[object, Asking] = {}
    for template in content.templates:
        models = tuple(m.name for m in content.models if asks(m, template))
        simple = _roles(template) in SIMPLE
        key = (models, template.messages[:-1]) if simple else (template.label, template.messages)
        before = found.get(key)
        variants = (*(before.variants if before is not None else ()), template)
        found[key] = Asking(models, variants)
    return tuple(found.values())


Key = tuple[int, int]  # a group's number, and that of what is asked


def _names(content: Content, askings: Sequence[Asking]) -> Mapping[Key, str]:
    """The names of the tasks; (i, -1) is that of the dataset of group i."""
    found: dict[Key, str] = {}
    taken: set[str] = set()
    data = {"tests"}
    for i, group in enumerate(content.groups):
        if i not in content.table.whole:
            found[i, -1] = name_from(f"tests_{group.title}", data)
            data.add(found[i, -1])
        for j, asking in enumerate(askings):
            label = asking.variants[0].label or f"prompt {j + 1}"
            alone = len(askings) == 1 or len(asking.variants) > 1
            wanted = group.title if alone else f"{group.title} {label}"
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
    content: Content, group: Group, key: Key, asking: Asking, names: Mapping[Key, str]
) -> Iterator[str]:
    number = key[0]
    yield f"# promptfoo: {group.kind}, {_tests(len(group.golds))}"
    yield f"task {names[key]} {{"
    yield f"  data = {names.get((number, -1), 'tests')}"
    if len(asking.models) < len(content.models):
        yield f"  models = [{', '.join(asking.models)}]"
    yield from _asking(asking, content.table)
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


SIMPLE = (("user",), ("system", "user"))  # what `system` and `prompt` can say


def _roles(template: Template) -> tuple[str, ...]:
    return tuple(role for role, _ in template.messages)


def _asking(asking: Asking, table: Table) -> Iterator[str]:
    """The prompt, its variants, or a whole conversation."""
    first = asking.variants[0]
    if _roles(first) not in SIMPLE:
        yield "  messages {"
        yield from (f"    {role} = {block_text(text, depth=2)}" for role, text in first.messages)
        yield "  }"
        return
    if len(first.messages) == 2:
        yield f"  system = {block_text(first.messages[0][1], depth=1)}"
    if len(asking.variants) == 1:
        yield f"  prompt = {block_text(_text(first, table), depth=1)}"
        return
    taken: set[str] = set()
    yield "  prompts {"
    for number, template in enumerate(asking.variants, 1):
        name = name_from(template.label or f"prompt_{number}", taken, otherwise="prompt")
        taken.add(name)
        yield f"    {name} = {block_text(_text(template, table), depth=2)}"
    yield "  }"


def _text(template: Template, table: Table) -> str:
    """What the user says, with what tests put before and behind a prompt that is a text."""
    text = template.messages[-1][1]
    if len(template.messages) > 1:
        return text
    before = f"{{{{ {in_template(table.prefix)} }}}}" if table.prefix else ""
    after = f"{{{{ {in_template(table.suffix)} }}}}" if table.suffix else ""
    return before + text + after
