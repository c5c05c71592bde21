"""How a step asks: its system message and prompt, the names they may read, its request parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalspec.check.candidates import request_parameters
from evalspec.check.entries import Entries, Faults, read_entries
from evalspec.check.values import call_of, file_of, shown
from evalspec.language.expressions import Type
from evalspec.language.program import LetterOf
from evalspec.language.prompts import Prompt, Written, read_prompt
from evalspec.syntax import tree
from evalspec.text.source import Source, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from evalspec.check.datasets import Data
    from evalspec.check.reading import AnswerRead
    from evalspec.text.values import Json

LONGEST_FILE = 1_000_000


@dataclass(frozen=True, slots=True)
class Asked:
    """The messages of a step, whether any was given, and the names they read."""

    messages: tuple[tuple[str, Prompt], ...]
    given: bool
    names: frozenset[str]
    texts: str


def template_scope(
    data: Data, answer: AnswerRead | None, steps: Mapping[str, Type]
) -> Mapping[str, Type] | None:
    """The names a template may read, with their types; None where the columns are not known."""
    if data.types is None:
        return None
    scope = dict(data.types)
    if answer is None or answer.labels is not None:
        scope["labels"] = Type.LIST
    if answer is None or isinstance(answer.type, LetterOf):
        scope["choices"] = Type.LIST
    return {**scope, **steps, "row": Type.OBJECT}


def read_messages(
    entries: Entries, scope: Mapping[str, Type] | None, data: Data, steps: Iterable[str], faults: Faults
) -> Asked:
    """The system message and prompt of a step, read and inspected."""
    messages: list[tuple[str, Prompt]] = []
    texts: list[str] = []
    for name, role in (("system", "system"), ("prompt", "user")):
        value = entries.value(name)
        written = _written(value, faults) if value is not None else None
        if written is None:
            continue
        texts.append(written.text)
        prompt, found = read_prompt(written, scope, f"dataset `{data.dataset.name}`")
        faults.extend(found)
        if prompt is not None:
            messages.append((role, prompt))
    names = frozenset().union(*(p.names for _, p in messages))
    given = any(n in entries.attributes or n in entries.spoiled for n in ("prompt", "system"))
    asked = Asked(tuple(messages), given, names, "\n".join(texts))
    _reads_something(entries, asked, data, steps, faults)
    _shadowed(entries, asked, data, faults)
    return asked


def _written(value: tree.Expr, faults: Faults) -> Written | None:
    if isinstance(value, tree.Text):
        return Written(text=value.text, source=value.at.source, at=value.at, form=value.form)
    call = call_of(value)
    if call is not None and call[0] == "file":
        return _from_file(value, faults)
    if isinstance(value, tree.Name):
        faults.not_built(value.at, "a named prompt", 'write the text itself, or `file("x.jinja")`')
        return None
    faults.add("E0305", value.at, f"a prompt is a text, and this is `{shown(value)}`",
               'write `"""…"""` or `file("x.jinja")`')  # fmt: skip
    return None


def _from_file(value: tree.Expr, faults: Faults) -> Written | None:
    found = file_of(value, faults)
    if found is None:
        return None
    written, path = found
    try:
        if path.stat().st_size > LONGEST_FILE:
            faults.add("E0505", value.at, f"`{written}` is larger than 1 MB", "is this the right file?")
            return None
        text = path.read_text(encoding="utf-8-sig")
    except OSError as fault:
        faults.add(
            "E0210",
            value.at,
            f"`{written}` cannot be read: {fault.strerror}",
            "paths start from the spec's folder",
        )
        return None
    except UnicodeDecodeError:
        faults.add("E0505", value.at, f"`{written}` is not UTF-8 text")
        return None
    source = Source(name=written, text=text, path=path)
    return Written(text=text, source=source, at=Span(source, 0, len(text)), form="file")


def _reads_something(
    entries: Entries, asked: Asked, data: Data, steps: Iterable[str], faults: Faults
) -> None:
    prompts = [value for name in ("prompt", "system") if (value := entries.value(name)) is not None]
    understood = len(asked.messages) == len(prompts)
    if not prompts or not understood or data.types is None:
        return
    if not asked.names & ({*data.types, *steps, "row", "choices"}):
        faults.add("E0507", prompts[0].at, "this prompt reads no column, so that every example asks the same",
                   "put a column into it: `{{ COLUMN }}`")  # fmt: skip


def _shadowed(entries: Entries, asked: Asked, data: Data, faults: Faults) -> None:
    for name in sorted({"labels", "choices", "row"} & asked.names & set(data.types or ())):
        value = entries.value("prompt") or entries.value("system")
        if value is not None:
            faults.add("W0509", value.at, f"`{name}` in a prompt is not the column of that name",
                       f'the column is `row["{name}"]`')  # fmt: skip


def read_request(entries: Entries, faults: Faults) -> Mapping[str, Json]:
    """The request parameters of a step."""
    block = entries.nested("request")
    return request_parameters(read_entries(block, faults).attributes, faults) if block is not None else {}
