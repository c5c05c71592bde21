"""Parsing: precedence, places, and that nothing can make it fail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalspec.syntax import tree
from evalspec.syntax.parse import parse
from evalspec.text.source import Source, Span


def expression(text: str) -> tree.Expr:
    file, faults = parse(Source(name="a.eval", text=f"x = {text}"))
    assert faults == (), [d.message for d in faults]
    (entry,) = file.entries
    assert isinstance(entry, tree.Attribute)
    return entry.value


def shape(node: tree.Expr) -> str:
    """An expression with every grouping written out."""
    match node:
        case tree.Binary():
            return f"({shape(node.left)} {node.operator} {shape(node.right)})"
        case tree.Not():
            return f"(not {shape(node.value)})"
        case tree.Negative():
            return f"(-{shape(node.value)})"
        case tree.Group():
            return shape(node.value)
        case tree.Name():
            return node.text
        case tree.Amount():
            return node.quantity.text
        case tree.Member():
            return f"{shape(node.value)}.{node.name.text}"
        case tree.Call():
            return f"{shape(node.function)}({', '.join(map(shape, node.arguments))})"
        case tree.Sequence():
            return f"[{', '.join(map(shape, node.items))}]"
        case tree.Index():
            return f"{shape(node.value)}[{shape(node.index)}]"
        case tree.Text():
            return repr(node.text)
        case tree.Constant():
            return {True: "true", False: "false", None: "null"}[node.value]


@pytest.mark.parametrize(
    ("text", "grouped"),
    [
        ("a or b and c", "(a or (b and c))"),
        ("a and b or c", "((a and b) or c)"),
        ("not a and b", "((not a) and b)"),
        ("not a == b", "(not (a == b))"),
        ("not not a", "(not (not a))"),
        ("a + b * c", "(a + (b * c))"),
        ("a - b - c", "((a - b) - c)"),
        ("a / b % c", "((a / b) % c)"),
        ("-a * b", "((-a) * b)"),
        ("a - -b", "(a - (-b))"),
        ("a + 1 > b * 2", "((a + 1) > (b * 2))"),
        ("a in b or c", "((a in b) or c)"),
        ("a not in [b, c]", "(a not in [b, c])"),
        ("a contains b and c matches d", "((a contains b) and (c matches d))"),
        ("(a or b) and c", "((a or b) and c)"),
        ("f(a)(b).c[d]", "f(a)(b).c[d]"),
        ("-f(a).b", "(-f(a).b)"),
        ("a == -1", "(a == (-1))"),
    ],
)
def test_precedence(text: str, grouped: str) -> None:
    assert shape(expression(text)) == grouped


NAMES = st.sampled_from(["a", "b", "of", "contains", "matches", "x1"])
OPERATORS = st.sampled_from([o.value for o in tree.Operator])
WRITTEN = st.recursive(
    NAMES | st.sampled_from(["1", "2.5", "true", "null", "'t'".replace("'", '"')]),
    lambda inner: st.one_of(
        st.tuples(inner, OPERATORS, inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        inner.map(lambda p: f"(not {p})"),
        inner.map(lambda p: f"(-{p})"),
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.lists(inner, max_size=2).map(lambda items: f"f({', '.join(items)})"),
    ),
    max_leaves=12,
)


@given(WRITTEN)
def test_an_expression_is_read_as_it_is_grouped(text: str) -> None:
    assert shape(expression(text)).replace("'", '"') == shape(expression(f"({text})")).replace("'", '"')
    again = shape(expression(shape(expression(text)).replace("'", '"')))
    assert again == shape(expression(text))


# ── places ────────────────────────────────────────────────────────────────────────────────────────


def spans(node: object) -> Iterator[Span]:
    """Every place in a tree."""
    if isinstance(node, Span):
        yield node
    elif isinstance(node, tuple):
        for item in node:
            yield from spans(item)
    elif is_dataclass(node) and not isinstance(node, type | Source):
        for field in fields(node):
            yield from spans(getattr(node, field.name))


ANY_TEXT = st.text(alphabet=st.characters(codec=None), max_size=200)
SIGNS = list('{}()[]=|-*,;a1%#.:é"\\\n\t')
PIECES = [
    *SIGNS,
    "task",
    "t",
    "<=",
    '"' * 3,
    "85%",
    "of",
    "in",
    "not",
    "and",
    "matches",
    "import",
    'r"',
    "\r\n",
]
SPEC_LIKE = st.lists(st.sampled_from(PIECES), max_size=60).map(" ".join)


@settings(max_examples=400, deadline=None)
@given(ANY_TEXT | SPEC_LIKE)
def test_whatever_the_text_parsing_ends_and_every_place_lies_inside(text: str) -> None:
    source = Source(name="a.eval", text=text)
    file, faults = parse(source)
    for at in (*spans(file.entries), *file.comments, *(d.at for d in faults)):
        assert isinstance(at, Span)
        assert 0 <= at.start <= at.end <= len(text)
        assert at.begin <= at.finish


@given(SPEC_LIKE)
def test_what_is_not_read_is_told(text: str) -> None:
    """A spec that lost an entry has a diagnostic; nothing is passed over in silence."""
    file, faults = parse(Source(name="a.eval", text=text))
    broken = any(isinstance(node, tree.Broken) for node in _entries(file.entries))
    assert faults or not broken


def _entries(entries: tuple[tree.Entry, ...]) -> Iterator[tree.Entry]:
    for entry in entries:
        yield entry
        if isinstance(entry, tree.Block):
            yield from _entries(entry.entries)


def test_comments_are_kept_with_their_places() -> None:
    text = "# first\na = 1  # second\nb = [  # third\n  1]\n"
    file, faults = parse(Source(name="a.eval", text=text))
    assert faults == ()
    assert [text[at.start : at.end] for at in file.comments] == ["# first", "# second", "# third"]


def test_a_hash_in_a_string_begins_no_comment() -> None:
    file, faults = parse(Source(name="a.eval", text='a = "# no"\n'))
    assert (faults, file.comments) == ((), ())


@pytest.mark.parametrize(
    "broken",
    [
        "m a { b = ( }",
        "m a { b = }",
        "m a { b c d }",
        "m a { = }",
        'm a { b = "x }',
        "m a { b = 1 2 }",
        "m a { {} }",
        "m a {} x",
        'm a {} "',
        "m a { | x }",
        "m a { b = 1",
        "m a { b = 1 } }",
    ],
)
def test_a_mistake_spares_the_blocks_around_it(broken: str) -> None:
    file, faults = parse(Source(name="a.eval", text=f"{broken}\nc d {{ e = 1 }}"))
    assert len(faults) == 1
    blocks = {b.name.text: b for b in file.entries if isinstance(b, tree.Block) and b.name is not None}
    assert list(blocks) == ["a", "d"]
    assert [type(e) for e in blocks["d"].entries] == [tree.Attribute]
