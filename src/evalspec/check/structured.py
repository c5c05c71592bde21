"""Answers with parts: the fields of `json`, the tools of `tool_call`, the program of `code`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from evalspec.check.answer_types import no_such_type, plain_type
from evalspec.check.schema_files import fields_of_schema, read_schema, read_tools
from evalspec.check.values import (
    call_of,
    flag_of,
    quantity_of,
    shown,
    text_of,
    unexpected_arguments,
)
from evalspec.language.answer_types import (
    CodeAnswer,
    JsonAnswer,
    JsonField,
    JsonType,
    LetterOf,
    ListType,
    ObjectType,
    OneOf,
    ToolCall,
)
from evalspec.language.call_names import CALLS
from evalspec.language.expressions import Type
from evalspec.language.prompts import Written, read_prompt
from evalspec.syntax import tree
from evalspec.text.patterns import Pattern
from evalspec.text.units import Unit
from evalspec.text.values import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evalspec.check.datasets import Data
    from evalspec.check.entries import Entries, Faults
    from evalspec.text.source import Span

Call = tuple[str, tuple[tree.Expr, ...], dict[str, tree.Named]]
TYPES = tuple(CALLS["json_type"])
DEEPEST = 20
PYTHON = "python"
DEFAULT_TIMEOUT_NS = 3_000_000_000
DEFAULT_MEMORY = 512 * 2**20
MEMORY = Pattern(r"([1-9][0-9]{0,5}) ?(KB|MB|GB)", re.IGNORECASE)
SIZES = {"KB": 2**10, "MB": 2**20, "GB": 2**30}


@dataclass(frozen=True, slots=True)
class Within:
    """Where a type stands: the data, how deep it is nested, and where faults go."""

    data: Data
    faults: Faults
    depth: int = 0

    @property
    def deeper(self) -> Within:
        return Within(self.data, self.faults, self.depth + 1)


def read_structured(
    value: tree.Expr, call: Call, entries: Entries, data: Data, faults: Faults
) -> JsonAnswer | ToolCall | CodeAnswer | None:
    """The answer type of a call of `json`, `tool_call` or `code`; None after saying what is wrong."""
    name, arguments, named = call
    match name:
        case "json":
            return _json(value.at, call, entries, Within(data, faults))
        case "tool_call":
            return _tool_call(value.at, arguments, named, _enforced(entries, faults), faults)
        case _:
            return _code(value.at, arguments, named, data, faults)


def _enforced(entries: Entries, faults: Faults) -> bool:
    value = entries.value("enforce")
    return bool(flag_of(value, "`enforce`", faults)) if value is not None else False


def confidence_field(entries: Entries) -> str | None:
    """The field of a JSON answer that `confidence = field(NAME)` names."""
    value = entries.value("confidence")
    for item in value.items if isinstance(value, tree.Sequence) else (value,):
        match call_of(item) if item is not None else None:
            case ("field", (tree.Name(text=name) | tree.Text(text=name),), _):
                return name
    return None


# ── json ──────────────────────────────────────────────────────────────────────────────────────────


def _json(at: Span, call: Call, entries: Entries, within: Within) -> JsonAnswer | None:
    _, arguments, named = call
    faults, confidence = within.faults, confidence_field(entries)
    unexpected_arguments(at, "json", arguments, {}, (), faults)
    enforce = _enforced(entries, faults)
    given = named.get("schema")
    if given is not None and (call_of(given.value) or ("",))[0] == "file":
        for other in (n for n in named.values() if n is not given):
            faults.add("E0306", other.at, "`json` takes fields or a schema, not both", "remove one of them")
        schema = read_schema(given.value, faults)
        if schema is None:
            return None
        return JsonAnswer(fields=fields_of_schema(schema, confidence), schema=schema, enforce=enforce)
    read = _fields(at, "json", named, within)
    if read is None:
        return None
    scored = tuple(replace(f, scored=f.name != confidence) for f in read)
    if not any(f.scored for f in scored):
        faults.add("E0306", at, "every field of this `json` is its confidence", "add the field to be judged")
        return None
    return JsonAnswer(fields=scored, enforce=enforce)


def _fields(
    at: Span, name: str, named: Mapping[str, tree.Named], within: Within
) -> tuple[JsonField, ...] | None:
    if not named:
        within.faults.add("E0306", at, f"`{name}` needs its fields", f"write `{name}(FIELD = text, …)`")
        return None
    types = {key: _type(argument.value, within) for key, argument in named.items()}
    fields = tuple(JsonField(name=key, type=kind) for key, kind in types.items() if kind is not None)
    return fields if len(fields) == len(types) else None


def _type(node: tree.Expr, within: Within) -> JsonType | None:
    call, faults = call_of(node), within.faults
    if call is None or call[0] not in TYPES:
        no_such_type(node, call[0] if call is not None else "", TYPES, faults)
        return None
    name, arguments, named = call
    if within.depth > DEEPEST:
        faults.add("E0306", node.at, f"objects and lists nest over {DEEPEST} deep", "make it shallower")
        return None
    match name:
        case "object":
            unexpected_arguments(node.at, name, arguments, {}, (), faults)
            fields = _fields(node.at, name, named, within.deeper)
            return ObjectType(fields=fields) if fields is not None else None
        case "list":
            return _list(node, arguments, named, within)
    kind = plain_type(node, within.data, faults)
    if isinstance(kind, OneOf) and kind.decline is not None:
        faults.add("E0306", named["abstain"].at, "a field cannot abstain", "null says that there is none")
        return None
    return None if isinstance(kind, LetterOf | JsonAnswer | ToolCall | CodeAnswer) else kind


def _list(
    node: tree.Expr, arguments: tuple[tree.Expr, ...], named: dict[str, tree.Named], within: Within
) -> ListType | None:
    unexpected_arguments(node.at, "list", arguments, named, ("of",), within.faults)
    if "of" not in named:
        within.faults.add("E0306", node.at, "`list` needs the type of its items", "write `list(of = text)`")
        return None
    of = _type(named["of"].value, within.deeper)
    return ListType(of=of) if of is not None else None


# ── tool_call ─────────────────────────────────────────────────────────────────────────────────────


def _tool_call(
    at: Span, arguments: tuple[tree.Expr, ...], named: dict[str, tree.Named], enforce: bool, faults: Faults
) -> ToolCall | None:
    unexpected_arguments(at, "tool_call", arguments[1:], named, (), faults)
    if not arguments:
        faults.add("E0306", at, "`tool_call` needs its tools", 'write `tool_call(file("tools.json"))`')
        return None
    tools = read_tools(arguments[0], faults)
    return ToolCall(tools=tools, enforce=enforce) if tools is not None else None


# ── code ──────────────────────────────────────────────────────────────────────────────────────────


def _code(
    at: Span, arguments: tuple[tree.Expr, ...], named: dict[str, tree.Named], data: Data, faults: Faults
) -> CodeAnswer | None:
    unexpected_arguments(at, "code", arguments[1:], named, ("program", "timeout", "memory"), faults)
    language = text_of(arguments[0], "a language", faults) if arguments else None
    if not arguments or "program" not in named:
        missing = "its program" if arguments else "a language"
        faults.add("E0306", at, f"`code` needs {missing}", 'write `code("python", program = """…""")`')
        return None
    if language is not None and language != PYTHON:
        faults.add("E0306", arguments[0].at, f"`code` does not run `{language}`", 'write `code("python", …)`')
    given = named["program"].value
    text = text_of(given, "`program`", faults)
    if language != PYTHON or text is None:
        return None
    scope = None
    if data.types is not None:
        scope = {**data.types, "answer": Type.TEXT, "row": Type.OBJECT}
    form = given.form if isinstance(given, tree.Text) else "string"
    written = Written(text=text, source=given.at.source, at=given.at, form=form)
    program, wrong = read_prompt(written, scope, f"dataset `{data.dataset.name}`")
    faults.extend(wrong)
    if program is None:
        return None
    if "answer" not in program.names:
        faults.add("E0507", given.at, "this program does not read the answer", "put it in: `{{ answer }}`")
        return None
    timeout, memory = _timeout(named.get("timeout"), faults), _memory(named.get("memory"), faults)
    faults.not_run(at, "answers that are code")
    return CodeAnswer(language=language, program=program, timeout_ns=timeout, memory_bytes=memory)


def _timeout(given: tree.Named | None, faults: Faults) -> int:
    found = quantity_of(given.value, (Unit.DURATION,), "`timeout`", faults) if given is not None else None
    if given is not None and found is not None and found.value <= 0:
        faults.add("E0305", given.value.at, "`timeout` is above 0", "write `timeout = 3s`")
        return DEFAULT_TIMEOUT_NS
    return int(found.value * 10**9) if found is not None else DEFAULT_TIMEOUT_NS


def _memory(given: tree.Named | None, faults: Faults) -> int:
    """`"512MB"`, `"2GB"`."""
    if given is None:
        return DEFAULT_MEMORY
    text = text_of(given.value, "`memory`", faults)
    if text is None:
        return DEFAULT_MEMORY
    size = MEMORY.fullmatch(text.strip())
    if size is None:
        message = f"`memory` is a size, and this is `{shown(given.value)}`"
        faults.add("E0305", given.value.at, message, 'write `memory = "512MB"`')
        return DEFAULT_MEMORY
    return int(size[1]) * SIZES[size[2].upper()]
