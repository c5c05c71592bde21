"""Files of JSON that a spec names: a JSON Schema, or the tools that a model may call.

What is wrong in them is told at its place in the file itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evalspec.check.json_files import WRONG, json_file, place_in
from evalspec.language.answer_types import (
    AnyType,
    JsonField,
    JsonType,
    ListType,
    NumberAnswer,
    ObjectType,
    OneOf,
    TextAnswer,
    YesNo,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evalspec.check.entries import Faults
    from evalspec.syntax import tree
    from evalspec.text.source import Source
    from evalspec.text.values import Json

NEWEST = "https://json-schema.org/draft/2020-12/schema"
SCALARS: Mapping[str, JsonType] = {
    "string": TextAnswer(), "number": NumberAnswer(), "integer": NumberAnswer(), "boolean": YesNo(),
}  # fmt: skip
Path = tuple[str | int, ...]


# ── schemas ───────────────────────────────────────────────────────────────────────────────────────


def read_schema(node: tree.Expr, faults: Faults) -> Mapping[str, Json] | None:
    """The JSON Schema of an object in a file; None after saying what is wrong with it."""
    found = json_file(node, faults)
    if found is None:
        return None
    source, schema = found
    if not isinstance(schema, dict):
        faults.add(WRONG, place_in(source, ()), "a JSON Schema is an object", 'write `{"type": "object", …}`')
        return None
    if not _is_schema(source, schema, (), faults):
        return None
    if schema.get("type") not in (None, "object"):
        message = f"the answer is an object, and this schema is of type `{schema['type']}`"
        faults.add(
            WRONG, place_in(source, ("type",)), message, 'write `"type": "object"`, and put it into a field'
        )
        return None
    return schema


def _is_schema(source: Source, schema: Mapping[str, Json], within: Path, faults: Faults) -> bool:
    """Whether a part of a file is a sound JSON Schema that refers to nothing outside itself."""
    from jsonschema import SchemaError

    for path, reference in _references(schema):
        if not isinstance(reference, str) or _resolved(dict(schema), reference) is None:
            message = f"`{str(reference)[:60]}` is not a place in this schema"
            faults.add(
                WRONG,
                place_in(source, (*within, *path)),
                message,
                "write `#/$defs/NAME`, and define it there",
            )
            return False
    known = _draft(schema)
    if known is None:
        at = place_in(source, (*within, "$schema"))
        faults.add(WRONG, at, "this is no draft of JSON Schema that is known", f'write "{NEWEST}"')
        return False
    try:
        known.check_schema(schema, format_checker=known.FORMAT_CHECKER)
    except SchemaError as fault:
        at = place_in(source, (*within, *fault.absolute_path))
        faults.add(WRONG, at, f"this is no JSON Schema: {fault.message[:200]}", "mend it here")
        return False
    except RecursionError:
        faults.add(WRONG, place_in(source, within), "this schema nests too deep", "make it shallower")
        return False
    return True


def _draft(schema: Mapping[str, Json]) -> Any:
    """What validates by the draft that a schema names, the newest without a name; None for one unknown."""
    from jsonschema import validators

    find: Any = validators.validator_for  # typed as if it always found one
    named = schema.get("$schema", NEWEST)
    try:
        return find({"$schema": named}, default=None) if isinstance(named, str) else None
    except ValueError:  # no address
        return None


def _references(schema: Mapping[str, Json]) -> Iterator[tuple[Path, Json]]:
    """Every `$ref` of a schema with its place."""
    waiting: list[tuple[Path, Json]] = [((), dict(schema))]
    while waiting:
        at, inner = waiting.pop()
        if isinstance(inner, dict):
            if "$ref" in inner and not isinstance(inner["$ref"], dict):
                yield (*at, "$ref"), inner["$ref"]
            waiting += [((*at, key), child) for key, child in inner.items()]
        elif isinstance(inner, list):
            waiting += [((*at, i), child) for i, child in enumerate(inner)]


def _resolved(schema: Json, reference: str) -> Json:
    """The schema that a reference such as `#/$defs/item` names; None where the file has none there."""
    if reference == "#":
        return schema
    if not reference.startswith("#/"):
        return None
    here = schema
    for part in reference[2:].split("/"):
        name = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(here, dict) or name not in here:
            return None
        here = here[name]
    return here if isinstance(here, dict | bool) else None


def fields_of_schema(schema: Mapping[str, Json], confidence: str | None) -> tuple[JsonField, ...]:
    """The fields that a schema's properties are; what is not plainly of one type may be anything."""
    properties = _root(schema).get("properties")
    named = properties if isinstance(properties, dict) else {}
    return tuple(
        JsonField(name=name, type=_type_of(inner, 0), scored=name != confidence)
        for name, inner in named.items()
    )


def _root(schema: Mapping[str, Json]) -> Mapping[str, Json]:
    """What a schema refers to as a whole, where it has no properties of its own."""
    reference = schema.get("$ref")
    if "properties" in schema or not isinstance(reference, str):
        return schema
    found = _resolved(dict(schema), reference)
    return found if isinstance(found, dict) else schema


def _type_of(schema: Json, depth: int) -> JsonType:
    if not isinstance(schema, dict) or depth > 20:
        return AnyType()
    kind, labels = schema.get("type"), schema.get("enum")
    kinds = [k for k in kind if k != "null"] if isinstance(kind, list) else [kind]
    if len(kinds) != 1 or any(word in schema for word in ("$ref", "anyOf", "oneOf", "allOf", "const")):
        return AnyType()
    texts = tuple(label for label in labels if isinstance(label, str)) if isinstance(labels, list) else ()
    if kinds == ["string"] and texts:
        return OneOf(labels=texts)
    properties, items = schema.get("properties"), schema.get("items")
    if kinds == ["object"] and isinstance(properties, dict) and set(properties) == set(_required(schema)):
        return ObjectType(
            fields=tuple(JsonField(name=n, type=_type_of(s, depth + 1)) for n, s in properties.items())
        )
    if kinds == ["array"] and isinstance(items, dict):
        return ListType(of=_type_of(items, depth + 1))
    return SCALARS.get(str(kinds[0]), AnyType())


def _required(schema: Mapping[str, Json]) -> list[str]:
    required = schema.get("required")
    return [name for name in required if isinstance(name, str)] if isinstance(required, list) else []


# ── tools ─────────────────────────────────────────────────────────────────────────────────────────


def read_tools(node: tree.Expr, faults: Faults) -> tuple[Mapping[str, Json], ...] | None:
    """The tools in a file, in the form in which providers are sent them; None after saying what is wrong.

    A list of `{"type": "function", "function": {…}}`, or of `{"name", "description", "parameters"}`.
    """
    found = json_file(node, faults)
    if found is None:
        return None
    source, listed = found
    if not isinstance(listed, list) or not listed:
        faults.add(
            WRONG, place_in(source, ()), "tools stand in a list", 'write `[{"name": …, "parameters": {…}}]`'
        )
        return None
    tools: dict[str, Mapping[str, Json]] = {}
    for i, item in enumerate(listed):
        tool = _tool(source, item, i, faults)
        if tool is None:
            return None
        name = str(tool["name"])
        if name in tools:
            faults.add(
                WRONG, place_in(source, (i,)), f"the tool `{name[:60]}` stands twice", "rename one of them"
            )
            return None
        tools[name] = {"type": "function", "function": tool}
    return tuple(tools.values())


def _tool(source: Source, item: Json, i: int, faults: Faults) -> dict[str, Json] | None:
    """The function of one tool."""
    nested = isinstance(item, dict) and isinstance(item.get("function"), dict)
    path: Path = (i, "function") if nested else (i,)
    tool = item["function"] if nested and isinstance(item, dict) else item
    if not isinstance(tool, dict) or not isinstance(tool.get("name"), str) or not tool["name"]:
        faults.add(
            WRONG, place_in(source, path), "a tool needs a name", 'write `{"name": "…", "parameters": {…}}`'
        )
        return None
    parameters = tool.get("parameters", {})
    if not isinstance(parameters, dict):
        faults.add(
            WRONG, place_in(source, (*path, "parameters")), "`parameters` is a JSON Schema", "write `{…}`"
        )
        return None
    return tool if _is_schema(source, parameters, (*path, "parameters"), faults) else None
