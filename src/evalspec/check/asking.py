"""How a step asks: its system message and prompt, the names they may read, its request parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.check.candidates import request_parameters
from evalspec.check.entries import Entries, Faults, read_entries
from evalspec.check.values import call_of, file_of, no_file, shown
from evalspec.language.answer_types import LetterOf
from evalspec.language.expressions import Type
from evalspec.language.prompts import Prompt, Written, place_of_name, read_prompt
from evalspec.syntax import tree
from evalspec.text.source import Source, Span
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from evalspec.check.datasets import Data
    from evalspec.check.reading import AnswerRead
    from evalspec.text.values import Json

LONGEST_FILE = 1_000_000
GIVES_A_PROMPT = ("prompt", "system", "prompts", "messages")


@dataclass(frozen=True, slots=True)
class Asked:
    """The messages of a step, whether any was given, the names and columns they read, and their texts."""

    messages: tuple[tuple[str, Prompt], ...]
    given: bool
    names: frozenset[str]
    columns: frozenset[str]
    texts: str

    def place(self, name: str) -> Span:
        """Where a name is read first."""
        for _, prompt in self.messages:
            if name in prompt.names or name in prompt.members:
                return place_of_name(prompt, name)
        return self.messages[0][1].at


def template_scope(
    entries: Entries, data: Data, answer: AnswerRead | None, steps: Mapping[str, Type]
) -> Mapping[str, Type] | None:
    """The names a template may read, with their types; None where the columns are not known."""
    if data.types is None:
        return None
    scope = {**data.types, **dict.fromkeys(_own_names(answer), Type.LIST), **steps, "row": Type.OBJECT}
    if "shots" in entries.spoiled:  # not built yet, which was told
        scope["shots"] = Type.LIST
    return scope


def _own_names(answer: AnswerRead | None) -> frozenset[str]:
    """The names that are no columns: `labels` and `choices`, where the answer has them."""
    labels = answer is None or answer.labels is not None
    choices = answer is None or isinstance(answer.type, LetterOf)
    return frozenset(name for name, there in (("labels", labels), ("choices", choices)) if there)


def read_messages(
    entries: Entries, data: Data, answer: AnswerRead | None, steps: Mapping[str, Type], faults: Faults
) -> Asked:
    """The system message and prompt of a step, read and inspected. `steps`: what its earlier steps give."""
    scope = template_scope(entries, data, answer, steps)
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
    own = _own_names(answer) | {"row"} | set(steps)
    columns = (names & set(data.types or ())) - own | frozenset().union(*(p.members for _, p in messages))
    given = any(n in entries.attributes or n in entries.spoiled for n in GIVES_A_PROMPT)
    asked = Asked(tuple(messages), given, names, columns, "\n".join(texts))
    _reads_something(entries, asked, data, steps, faults)
    _shadowed(asked, data, own - set(steps), faults)
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
    except FileNotFoundError:
        no_file(value.at, written, path, faults)
        return None
    except OSError as fault:
        way_out = "paths start from the spec's folder"
        faults.add("E0210", value.at, f"`{written}` cannot be read: {fault.strerror}", way_out)
        return None
    except UnicodeDecodeError:
        faults.add("E0505", value.at, f"`{written}` is not UTF-8 text", "save it as UTF-8")
        return None
    source = Source(name=written, text=text, path=path)
    return Written(text=text, source=source, at=Span(source, 0, len(text)), form="file")


def _reads_something(
    entries: Entries, asked: Asked, data: Data, steps: Iterable[str], faults: Faults
) -> None:
    """Says that a prompt is the same for every example, where nothing else is wrong with it."""
    prompts = [value for name in ("prompt", "system") if (value := entries.value(name)) is not None]
    understood = len(asked.messages) == len(prompts)
    if not prompts or not understood or data.types is None:
        return
    if not asked.columns and not asked.names & {*steps, "row", "choices", "shots"}:
        faults.add("E0507", prompts[0].at, "this prompt reads no column, so that every example asks the same",
                   "put a column into it: `{{ COLUMN }}`")  # fmt: skip


def _shadowed(asked: Asked, data: Data, own: frozenset[str], faults: Faults) -> None:
    for name in sorted(own & asked.names & set(data.types or ())):
        faults.add("W0509", asked.place(name), f"`{name}` in a prompt is not the column of that name",
                   f'the column is `row["{name}"]`')  # fmt: skip


def read_request(entries: Entries, faults: Faults) -> Mapping[str, Json]:
    """The request parameters of a step."""
    block = entries.nested("request")
    return request_parameters(read_entries(block, faults).attributes, faults) if block is not None else {}
