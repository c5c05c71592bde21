"""The lines of a spec: blocks indented by two, an entry a line, blank lines and comments in their places."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, assert_never

from evalspec.syntax.format_lines import STEP, WIDEST, flat_text, lines_of
from evalspec.syntax.format_shapes import Body, Line, Member, Remark, Row
from evalspec.syntax.format_tables import lines_of_rows

if TYPE_CHECKING:
    from collections.abc import Sequence


def written(members: Sequence[Member], newline: str) -> str:
    """A spec's text, with these line breaks; those inside of strings are the strings' own."""
    lines: list[str] = []
    _write(members, 0, lines)
    return newline.join((*lines, "")) if lines else ""


def _write(members: Sequence[Member], indent: int, lines: list[str]) -> None:
    rows = _rows(members, indent)
    for i, member in enumerate(members):
        if member.blank and i:
            lines.append("")
        match member:
            case Remark():
                lines.append(" " * indent + member.text)
                continue
            case Line():
                lines += lines_of(member.elements, indent)
            case Row():
                lines += rows[i]
            case Body():
                if _stays_on_one_line(member, indent):
                    lines.append(" " * indent + _on_one_line(member))
                else:
                    lines.append(_head(member, indent))
                    _write(member.members, indent + STEP, lines)
                    lines.append(" " * indent + "}")
            case _:
                assert_never(member)
        if member.tail is not None:
            lines[-1] += "  " + member.tail.text


def _rows(members: Sequence[Member], indent: int) -> dict[int, list[str]]:
    """The lines of the table rows among entries. Comments between its rows do not end a table."""
    places = [(i, m) for i, m in enumerate(members) if not isinstance(m, Remark)]
    found: dict[int, list[str]] = {}
    for is_table, group in groupby(places, key=lambda place: isinstance(place[1], Row)):
        if is_table:
            table = [(i, m) for i, m in group if isinstance(m, Row)]
            found.update(
                zip((i for i, _ in table), lines_of_rows([m for _, m in table], indent), strict=True)
            )
    return found


def _stays_on_one_line(body: Body, indent: int) -> bool:
    if not body.members and body.behind_opening is None:
        return True
    return body.one_line and indent + body.extent.first <= WIDEST


def _on_one_line(body: Body) -> str:
    head = flat_text(body.head)
    if not body.members:
        return head + " {}"
    shown = [
        _on_one_line(member) if isinstance(member, Body) else flat_text(member.elements)
        for member in body.members
        if isinstance(member, Line | Body)
    ]
    return f"{head} {{ {'; '.join(shown)} }}"


def _head(body: Body, indent: int) -> str:
    behind = "" if body.behind_opening is None else "  " + body.behind_opening.text
    return " " * indent + flat_text(body.head) + " {" + behind
