"""Lays out the inside of an entry: on one line where that fits, else its brackets opened, one item a line.

Works off a stack of tasks, so that however deep brackets nest, no call does. Each decision depends only on
what the result will hold too, and a formatted text therefore stays as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from evalspec.syntax.format_shapes import COMMA_ALLOWED, Bracket, Element, Leaf, Remark, Shape, gap
from evalspec.text.values import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WIDEST = 100
STEP = 2
LOOSEST_FIRST = (frozenset(("OR",)), frozenset(("AND",)), frozenset(("PLUS", "MINUS")))


@dataclass(frozen=True, slots=True)
class Break:
    """A line break, and the blanks that the next line begins with; of a blank line, none."""

    indent: int


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbours to lay out from column `indent` on, with `behind` more cells on their last line. `hang`
    is how much further in a line begins that goes on; where it is None, none may (outside brackets)."""

    elements: tuple[Element, ...]
    indent: int
    behind: int = 0
    hang: int | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A bracket to write over several lines."""

    bracket: Bracket
    indent: int


Task = str | Break | Run | Opened


def lines_of(elements: tuple[Element, ...], indent: int) -> list[str]:
    """The lines of an entry, the first with its indentation. Texts over several lines are part of one."""
    return laid_out([" " * indent, Run(elements, indent)])


def laid_out(tasks: Sequence[Task]) -> list[str]:
    """The lines that come of tasks."""
    lines: list[str] = []
    line: list[str] = []
    stack: list[Task] = [*reversed(tasks)]
    while stack:
        task = stack.pop()
        match task:
            case str():
                line.append(task)
            case Break():
                lines.append("".join(line))
                line = [" " * task.indent]
            case Run():
                stack.extend(reversed(list(_run(task))))
            case Opened():
                stack.extend(reversed(list(_opened(task))))
            case _:
                assert_never(task)
    lines.append("".join(line))
    return [text if text.strip(" ") else "" for text in lines]


# ── neighbours ────────────────────────────────────────────────────────────────────────────────────


def _run(run: Run) -> Iterator[Task]:
    if any(isinstance(e, Remark) for e in run.elements):
        return _around_remarks(run)
    forced = frozenset(i for i, e in enumerate(run.elements) if isinstance(e, Bracket) and e.broken)
    if not forced and _fits(run, forced):
        return iter((flat_text(run.elements),))
    operands = _operands(run.elements) if run.hang is not None else []
    if len(operands) > 1:
        return _one_operand_a_line(run, operands)
    return _with_opened(run, _to_open(run, forced))


def _around_remarks(run: Run) -> Iterator[Task]:
    """Remarks amid an expression: what goes on behind them begins further in, but in parentheses."""
    chunk: list[Element] = []
    indent, fresh = run.indent, True
    further = run.indent + (STEP if run.hang is None else run.hang)
    for element in run.elements:
        if not isinstance(element, Remark):
            chunk.append(element)
            continue
        if chunk:
            yield from () if fresh else (Break(indent),)
            yield replace(run, elements=tuple(chunk), indent=indent, behind=0)
        chunk, fresh, indent = [], False, further
        yield from (Break(indent), element.text) if element.own_line else ("  ", element.text)
    if chunk:
        yield Break(indent)
        yield replace(run, elements=tuple(chunk), indent=indent)


def _operands(elements: tuple[Element, ...]) -> list[tuple[Element, ...]]:
    """The elements cut before the operators that bind least; whole where there is none."""
    for operators in LOOSEST_FIRST:
        cuts = [i for i, e in enumerate(elements) if i and isinstance(e, Leaf) and e.kind in operators]
        if cuts:
            return [elements[a:b] for a, b in zip([0, *cuts], [*cuts, len(elements)], strict=True)]
    return [elements]


def _one_operand_a_line(run: Run, operands: list[tuple[Element, ...]]) -> Iterator[Task]:
    further = run.indent + (run.hang or 0)
    for i, operand in enumerate(operands):
        last = run.behind if i == len(operands) - 1 else 0
        if i:
            yield Break(further)
        yield Run(operand, further if i else run.indent, last, STEP)


def _fits(run: Run, opened: frozenset[int]) -> bool:
    """Whether the lines outside the brackets to open are short enough."""
    column, before = run.indent, None
    for i, element in enumerate(run.elements):
        column += len(gap(before, element))
        before = element
        if isinstance(element, Remark):
            continue
        first = 1 if i in opened else element.extent.first
        if column + first > WIDEST:
            return False
        if i in opened:
            column = run.indent + 1
        else:
            column = element.extent.last if element.extent.several else column + first
    return column + run.behind <= WIDEST


def _to_open(run: Run, forced: frozenset[int]) -> frozenset[int]:
    """The brackets to open so that the lines around them fit, from the last on; only the forced ones where
    that is of no help. Lists and calls come first: they stay open by their last comma, and the next run
    over the text would find them so."""
    opened = forced
    if _fits(run, opened):
        return opened
    brackets = [(i, e) for i, e in enumerate(run.elements) if isinstance(e, Bracket) and e.items]
    order = sorted(brackets, key=lambda pair: (pair[1].shape not in COMMA_ALLOWED, -pair[0]))
    for i, _ in order:
        opened |= {i}
        if _fits(run, opened):
            return opened
    return forced


def _with_opened(run: Run, opened: frozenset[int]) -> Iterator[Task]:
    before: Element | None = None
    for i, element in enumerate(run.elements):
        yield gap(before, element)
        yield (
            Opened(element, run.indent)
            if i in opened and isinstance(element, Bracket)
            else flat_text((element,))
        )
        before = element


# ── brackets ──────────────────────────────────────────────────────────────────────────────────────


def _opened(task: Opened) -> Iterator[Task]:
    bracket, inside = task.bracket, task.indent + STEP
    alone = _only_bracket(bracket)
    yield bracket.opening
    if alone is not None:
        yield Opened(alone, task.indent)
        yield bracket.closing
        return
    if bracket.behind_opening is not None:
        yield "  " + bracket.behind_opening.text
    comma = "," if bracket.shape in COMMA_ALLOWED else ""
    hang = 0 if bracket.shape is Shape.GROUP else STEP
    first = True
    for item in bracket.items:
        yield from _own_lines(item.lead, inside, first=first)
        if item.blank and not (first and not item.lead):
            yield Break(0)
        yield Break(inside)
        yield Run(item.elements, inside, len(comma), hang)
        yield comma
        yield from _behind_item(item.tail, inside)
        first = False
    yield from _own_lines(bracket.dangling, inside, first=first)
    yield Break(task.indent)
    yield bracket.closing


def _only_bracket(bracket: Bracket) -> Bracket | None:
    """The bracket that is all there is in another: the two open and close together."""
    if bracket.kept or bracket.behind_opening or bracket.dangling or len(bracket.items) != 1:
        return None
    (item,) = bracket.items
    if item.lead or item.tail or len(item.elements) != 1:
        return None
    (element,) = item.elements
    filled = isinstance(element, Bracket) and bool(element.items or element.broken)
    return element if isinstance(element, Bracket) and filled else None


def _own_lines(remarks: tuple[Remark, ...], indent: int, *, first: bool) -> Iterator[Task]:
    for remark in remarks:
        if remark.blank and not first:
            yield Break(0)
        yield Break(indent)
        yield remark.text
        first = False


def _behind_item(remarks: tuple[Remark, ...], indent: int) -> Iterator[Task]:
    """The first remark stays on the line it was on; those below are above the next item from now on."""
    if remarks and not remarks[0].own_line:
        yield "  " + remarks[0].text
        remarks = remarks[1:]
    yield from _own_lines(remarks, indent, first=False)


def flat_text(elements: Sequence[Element]) -> str:
    """Neighbours without a line break of ours. Remarks among them would be lost: there are none."""
    parts: list[str] = []
    stack: list[str | Bracket] = _spaced(elements)[::-1]
    while stack:
        part = stack.pop()
        if isinstance(part, str):
            parts.append(part)
            continue
        stack.append(part.closing)
        for i, item in reversed(list(enumerate(part.items))):
            stack.extend(reversed(_spaced(item.elements)))
            if i:
                stack.append(", ")
        stack.append(part.opening)
    return "".join(parts)


def _spaced(elements: Sequence[Element]) -> list[str | Bracket]:
    parts: list[str | Bracket] = []
    before: Element | None = None
    for element in elements:
        parts.append(gap(before, element))
        if isinstance(element, Leaf):
            parts.append(element.text)
        elif isinstance(element, Bracket):
            parts.append(element)
        before = element
    return parts
