"""How names, labels and texts are spelt in a spec, so that whatever stands in data is written rightly.

The last step of everything that writes specs. It knows the words of the language and nothing of meaning.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable

from evalspec.syntax.format import format_source
from evalspec.text.source import Source

RESERVED = frozenset(
    ("and", "or", "not", "in", "import", "true", "false", "null", "of", "contains", "matches")
)
TEMPLATE_WORDS = frozenset(
    (
        "and", "or", "not", "in", "is", "if", "else", "elif", "endif", "for", "endfor", "set", "true",
        "false", "none", "True", "False", "None", "recursive", "import", "include", "block", "extends",
        "macro", "call", "filter", "loop", "row", "labels", "choices", "shots", "answer", "response", "gold",
        "self", "context", "varargs", "kwargs", "caller",
    )
)  # fmt: skip
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
PLAIN = re.compile(r"[A-Za-z0-9 .,;:()\-]")
INDENT = "  "


def is_name(text: str) -> bool:
    """Whether a text can stand as a name of the language."""
    return NAME.fullmatch(text) is not None and text not in RESERVED


def name_from(text: str, taken: Iterable[str] = (), *, otherwise: str = "x") -> str:
    """A name made from any text, and none of those taken: `GPT 5-mini` becomes `gpt_5_mini`."""
    base = re.sub(r"[^a-z0-9]+", "_", text.casefold()).strip("_")[:40].rstrip("_") or otherwise
    base = base if base[0].isalpha() else f"{otherwise}_{base}"
    known, found, number = set(taken) | RESERVED, base, 2
    while found in known:
        found, number = f"{base}_{number}", number + 1
    return found


def string(text: str) -> str:
    """A text in quotes. What cannot be printed is escaped."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(char if char.isprintable() else _escape(char) for char in quoted)


def _escape(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def label(text: str) -> str:
    """A label in a list or table: bare where it can be, else in quotes."""
    return text if is_name(text) else string(text)


def column(text: str) -> str:
    """A column in an attribute or expression: bare where it can be, else `column("odd name")`."""
    return text if is_name(text) and text != "params" else f"column({string(text)})"


def in_template(text: str) -> str:
    """What reads a column inside a template: its name, or `row["odd name"]`."""
    if NAME.fullmatch(text) and text not in TEMPLATE_WORDS:
        return text
    spelt = "".join(char if PLAIN.fullmatch(char) else _template_escape(char) for char in text)
    return f'row["{spelt}"]'


def _template_escape(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def block_text(text: str, *, depth: int) -> str:
    """A text of several lines between triple quotes, indented; in plain quotes where that would change it."""
    lines = text.split("\n")
    indent = INDENT * (depth + 1)
    if "\n" not in text or not _stands_between_triple_quotes(text, lines):
        return string(text)
    body = "\n".join(indent + line if line else "" for line in lines)
    return f'"""\n{body}\n{indent}"""'


def _stands_between_triple_quotes(text: str, lines: list[str]) -> bool:
    plain = all(char.isprintable() or char == "\n" for char in text)
    blank_ends = not lines[0].strip() or not lines[-1].strip()
    trailing = any(line != line.rstrip() for line in lines)
    shifted = all(line.startswith((" ", "\t")) for line in lines if line)
    return plain and not blank_ends and not trailing and not shifted and '"""' not in text


def formatted(text: str) -> str:
    """A spec's text in the one style."""
    return format_source(Source(name="spec", text=text))[0]


def comment(text: str, *, depth: int = 0, width: int = 100) -> list[str]:
    """A remark as comment lines; nothing in it can end the comment."""
    shown = "".join(char if char.isprintable() or char == " " else _escape(char) for char in text)
    lead = f"{INDENT * depth}# "
    return textwrap.wrap(shown, width, initial_indent=lead, subsequent_indent=f"{lead}  ",
                         break_on_hyphens=False) or [lead.rstrip()]  # fmt: skip


def table(rows: list[list[str]], *, depth: int = 1) -> list[str]:
    """A table with its columns aligned, the first to the left and the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lead = INDENT * depth
    return [
        lead + "| " + " | ".join(_cell(cell, i, widths[i]) for i, cell in enumerate(row)) + " |"
        for row in rows
    ]


def _cell(text: str, number: int, width: int) -> str:
    return text.ljust(width) if number == 0 else text.rjust(width)
