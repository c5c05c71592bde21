"""What the strings of a spec say: escapes read, and the indentation of long texts removed."""

from __future__ import annotations

from evalspec.text.patterns import Pattern

WRONG_ESCAPE = Pattern(r"\\(?![\"\\/bfnrt]|u[0-9a-fA-F]{4})")
ESCAPED_BACKSLASH = Pattern(r"\\\\")


def unescaped(written: str) -> str | None:
    """What a string between `"` says, by JSON's escapes; None where one of them is none."""
    if "\\" not in written:  # most strings: `json` need not be imported for them
        return written[1:-1]
    import json

    try:
        return str(json.loads(written, strict=False))
    except ValueError:
        return None


def wrong_escape(written: str) -> int | None:
    """Where the first backslash stands that begins no escape."""
    found = WRONG_ESCAPE.search(ESCAPED_BACKSLASH.sub("  ", written))
    return None if found is None else found.start()


def long_text(token: str) -> str:
    """The text of a `\"\"\"` token: first and last line break dropped, common indentation removed."""
    lines = token[3:-3].replace("\r\n", "\n").split("\n")
    if len(lines) > 1 and not lines[-1].strip():
        lines.pop()
    if len(lines) > 1 and not lines[0].strip():
        lines.pop(0)
    import textwrap  # which compiles expressions of its own

    return textwrap.dedent("\n".join(lines))
