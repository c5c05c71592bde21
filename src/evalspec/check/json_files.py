"""Files of JSON that a spec names: their value, and where in them a part of it stands."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from evalspec.answers.json_text import sound
from evalspec.check.values import file_of, no_file
from evalspec.text.source import Source, Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evalspec.check.entries import Faults
    from evalspec.syntax import tree
    from evalspec.text.values import Json

WRONG = "E0435"
LONGEST = 1_000_000


def json_file(node: tree.Expr, faults: Faults) -> tuple[Source, Json] | None:
    """The JSON of a file, with its text."""
    found = file_of(node, faults)
    if found is None:
        return None
    written, path = found
    try:
        if path.stat().st_size > LONGEST:
            faults.add(WRONG, node.at, f"`{written}` is larger than 1 MB", "is this the right file?")
            return None
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        no_file(node.at, written, path, faults)
        return None
    except OSError as fault:
        faults.add(
            "E0210",
            node.at,
            f"`{written}` cannot be read: {fault.strerror}",
            "paths start from the spec's folder",
        )
        return None
    except UnicodeDecodeError:
        faults.add(WRONG, node.at, f"`{written}` is not UTF-8 text", "save it as UTF-8")
        return None
    return _parsed(Source(name=written, text=text, path=path), faults)


def _parsed(source: Source, faults: Faults) -> tuple[Source, Json] | None:
    try:
        value: Json = json.loads(source.text, parse_constant=_no_number)
    except json.JSONDecodeError as fault:
        start = min(fault.pos, max(len(source.text) - 1, 0))
        at = Span(source, start, min(start + 1, len(source.text)))
        faults.add(WRONG, at, f"this is not JSON: {fault.msg[:1].lower()}{fault.msg[1:]}", "mend it here")
        return None
    except (ValueError, RecursionError):
        message = "this JSON nests too deep, or holds what is no number in JSON"
        faults.add(WRONG, place_in(source, ()), message, "mend it")
        return None
    if not sound(value):
        faults.add(
            WRONG, place_in(source, ()), "this JSON nests over 200 deep, or is very large", "make it smaller"
        )
        return None
    return source, value


def _no_number(text: str) -> Json:
    raise ValueError(text)


def place_in(source: Source, path: Sequence[str | int]) -> Span:
    """Where the value at a path stands in a file of JSON; its nearest part that there is."""
    text, scan = source.text, json.JSONDecoder().raw_decode
    start = _blank(text, 0)
    for part in path:
        inner = _member(text, start, part, scan)
        if inner is None:
            break
        start = inner
    try:
        end = scan(text, start)[1]
    except (ValueError, RecursionError):
        end = start + 1
    first_line = text.find("\n", start, end)  # a place of many lines is shown by its first
    return Span(source, start, first_line if first_line > start else min(end, len(text)))


def _member(text: str, start: int, part: str | int, scan: Any) -> int | None:
    """Where a member of the object or list at a place begins."""
    position, count = _blank(text, start + 1), 0
    while position < len(text) and text[position] not in "]}":
        key: str | int = count
        if text[start] == "{":
            key, position = scan(text, position)
            position = _blank(text, _blank(text, position) + 1)
        if key == part:
            return position
        position = _blank(text, scan(text, position)[1])
        position = _blank(text, position + 1) if text[position : position + 1] == "," else position
        count += 1
    return None


def _blank(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\r\n":
        position += 1
    return position
