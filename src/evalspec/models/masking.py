"""Failure texts made fit to be kept and shown: secrets masked, control characters escaped, clipped.

What servers and libraries say about a failed call ends up in the store, in reports and on terminals.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from urllib.parse import quote

MASK = "[secret]"
LONGEST = 300
SHORTEST_PART = 6


def secret_forms(values: Iterable[str]) -> tuple[str, ...]:
    """Every way in which these secrets may be echoed, longest first: whole, in parts, and encoded.

    The parts are what blanks separate, since a server told `Bearer abc` may well quote `abc`; parts of
    fewer than six characters (`Basic`) are words like any other.
    """
    whole = {value.strip() for value in values} - {""}
    parts = {part for value in whole for part in value.split() if len(part) >= SHORTEST_PART}
    plain = whole | parts
    encoded = {form for value in plain for form in (json.dumps(value)[1:-1], quote(value, safe=""))}
    return tuple(sorted(plain | encoded, key=lambda form: (-len(form), form)))


def masked(text: str, secrets: Iterable[str]) -> str:
    """The text without these secrets (as `secret_forms` gives them)."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    return text


def presentable(text: str, secrets: Iterable[str] = ()) -> str:
    """One line of at most 300 characters, without secrets and without control characters."""
    visible = "".join(c if c.isprintable() else _escaped(c) for c in masked(text, secrets)[: 4 * LONGEST])
    return visible if len(visible) <= LONGEST else visible[: LONGEST - 1] + "…"


def _escaped(character: str) -> str:
    if character in "\n\r\t":
        return " "
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
