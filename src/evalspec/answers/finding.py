"""What a reader found in a text: one value, or why there is none.

The value that passes from the readers of the answer types to `reading.py`. A reader never quotes the
response in its reason, so that a masked answer stays masked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal

from evalspec.text.values import dataclass

# What an answer may be: a label, letter or text; a number; a set or list; an object; true and false as
# JSON has them. None stands for null inside an object or list.
Value = str | bool | Decimal | tuple["Value | None", ...] | Mapping[str, "Value | None"]

# What surrounds an answer without being part of it: blanks, quotes, markdown, brackets, stops.
WRAPPING = " \t\r\n\f\v\u00a0\u2007\u202f\u200b\ufeff" + "\"'“”‘’„‚«»‹›`´*_~|" + ".,;:!?…¿¡" + "()[]{}<>"
WRAPPING += "。，、！？；：「」『』【】（）《》"

# A letter or digit of a script that sets blanks between words; in the others any place is a word's edge.
WORD = r"[^\W_\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a text says. `whole` tells that the text is nothing but the answer; `said` is the JSON object
    that it was read from, if it was one, with what is no part of the answer."""

    value: Value | None = None
    why: str | None = None
    whole: bool = False
    said: Mapping[str, object] | None = None


def found(value: Value, *, whole: bool = False) -> Finding:
    """A value that was read."""
    return Finding(value=value, whole=whole)


def nothing(why: str) -> Finding:
    """No readable value, and the reason."""
    return Finding(why=why)


def unwrapped(text: str) -> str:
    """A text without what surrounds it: blanks, quotes, brackets, stops, markdown and its headings."""
    return text.strip(WRAPPING).lstrip("#" + WRAPPING)


def as_text(value: object) -> str:
    """A value of the data as text; booleans as JSON writes them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def plain(value: object) -> object:
    """A value as JSON writes it: figures as numbers, 8 and 8.0 alike, and sets as lists."""
    match value:
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case Mapping():
            return {key: plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case _:
            return value


def spelt(value: Value) -> str:
    """An answer as a person reads it: texts and numbers as they are, the rest as JSON."""
    if isinstance(value, str | Decimal):
        return str(value)
    return json.dumps(plain(value), ensure_ascii=False)
