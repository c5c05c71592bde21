"""What each operator and function gives, missing values included."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalspec.language import functions
from evalspec.language.expressions import Type, holds
from evalspec.language.functions import FUNCTIONS
from language.reading import COLUMNS, understood, value

NONE = object()
DAY = datetime.date(2026, 11, 23)

TABLE: list[tuple[str, dict[str, object], object]] = [
    # three-valued logic
    ("b and c", {"b": True, "c": True}, True),
    ("b and c", {"b": True, "c": False}, False),
    ("b and c", {"b": True, "c": None}, None),
    ("b and c", {"b": False, "c": None}, False),
    ("b and c", {"b": None, "c": None}, None),
    ("b or c", {"b": True, "c": None}, True),
    ("b or c", {"b": False, "c": None}, None),
    ("b or c", {"b": False, "c": False}, False),
    ("not b", {"b": True}, False),
    ("not b", {"b": False}, True),
    ("not b", {"b": None}, None),
    ("not (n > 3)", {"n": None}, None),
    ("not (n > 3)", {}, None),
    # comparisons
    ("t == u", {"t": "a", "u": "a"}, True),
    ("t == u", {"t": "a", "u": "A"}, False),
    ("t != u", {"t": "a", "u": "b"}, True),
    ("t == u", {"t": "a", "u": None}, None),
    ("t != u", {"t": None, "u": None}, None),
    ("n < m", {"n": 1, "m": 2}, True),
    ("n <= m", {"n": 2, "m": 2.0}, True),
    ("n > m", {"n": 2, "m": 2}, False),
    ("n >= m", {"n": None, "m": 2}, None),
    ("t < u", {"t": "a", "u": "b"}, True),
    ("b == c", {"b": True, "c": True}, True),
    ("xs == xs", {"xs": [1]}, True),
    ("v == n", {"v": "1", "n": 1}, False),  # not known before: unequal, never a crash
    ("v < n", {"v": "1", "n": 1}, None),
    ("n == 85%", {"n": 0.85}, True),
    ("n == 1.5s", {"n": 1.5}, True),
    ('date(t) < date("2026-01-02")', {"t": "2026-01-01"}, True),
    ('date(t) < date("2026-01-02")', {"t": "soon"}, None),
    # membership
    ("n in [1, 2]", {"n": 2}, True),
    ("n in [1, 2]", {"n": 3}, False),
    ("n not in [1, 2]", {"n": 3}, True),
    ("n not in [1, 2]", {"n": None}, None),
    ("t in []", {"t": "a"}, False),
    ("n in xs", {"n": 1, "xs": [1]}, True),
    ("n in xs", {"n": 1, "xs": None}, None),
    ('t contains "ell"', {"t": "hello"}, True),
    ('t contains "ELL"', {"t": "hello"}, False),
    ('lower(t) contains "ell"', {"t": "HELLO"}, True),
    ("xs contains n", {"xs": [1, 2], "n": 2}, True),
    ("xs contains n", {"xs": [1, 2], "n": 3}, False),
    ("t contains u", {"t": None, "u": "a"}, None),
    ('t matches r"^h.l+o$"', {"t": "hello"}, True),
    ('t matches r"^ell"', {"t": "hello"}, False),
    ('t matches r"x"', {"t": None}, None),
    # arithmetic
    ("n + m", {"n": 1, "m": 2}, 3),
    ("n - m", {"n": 1, "m": 2}, -1),
    ("n * m", {"n": 3, "m": 2}, 6),
    ("n / m", {"n": 3, "m": 2}, 1.5),
    ("n % m", {"n": 7, "m": 4}, 3),
    ("-n", {"n": 7}, -7),
    ("n + m", {"n": 1, "m": None}, None),
    ("n / m", {"n": 1, "m": 0}, None),
    ("n % m", {"n": 1, "m": 0}, None),
    ("n * m", {"n": 1e308, "m": 10}, None),  # no infinity
    ("t + u", {"t": "a", "u": "b"}, "ab"),
    ("t + u", {"t": "a", "u": None}, None),
    ("n + n * m", {"n": 2, "m": 3}, 8),
    # members and columns
    ("o.a", {"o": {"a": 1}}, 1),
    ("o.a.b", {"o": {"a": {"b": 2}}}, 2),
    ("o.a", {"o": {}}, None),
    ("o.a", {"o": None}, None),
    ("o.a == 1", {"o": {"a": 1}}, True),
    ('column("n") + 1', {"n": 1}, 2),
    # constants and lists
    ("true", {}, True),
    ("null", {}, None),
    ('"text"', {}, "text"),
    ('[1, "a", n]', {"n": 3}, [1, "a", 3]),
    # functions
    ("len(t)", {"t": "héllo"}, 5),
    ("len(xs)", {"xs": [1, 2]}, 2),
    ("len(o)", {"o": {"a": 1}}, 1),
    ("len(t)", {"t": None}, None),
    ("words(t)", {"t": " a  b\nc "}, 3),
    ("words(t)", {"t": ""}, 0),
    ("lower(t)", {"t": "ÀB"}, "àb"),
    ("upper(t)", {"t": "àb"}, "ÀB"),
    ("strip(t)", {"t": " a\n"}, "a"),
    ('starts_with(t, "he")', {"t": "hello"}, True),
    ('ends_with(t, "lo")', {"t": "hello"}, True),
    ("starts_with(t, u)", {"t": "hello", "u": None}, None),
    ('replace(t, "l", "L")', {"t": "hello"}, "heLLo"),
    ('replace(t, "", "x")', {"t": "hello"}, None),  # nothing to look for
    ("number(t)", {"t": " 1,234.5 "}, 1234.5),
    ("number(t)", {"t": "−3"}, -3),
    ("number(t)", {"t": "1e3"}, 1000),
    ("number(t)", {"t": "1,23"}, None),
    ("number(t)", {"t": "three"}, None),
    ("number(t)", {"t": "1e999"}, None),
    ("number(t)", {"t": "nan"}, None),
    ("number(b)", {"b": True}, None),
    ("number(n)", {"n": 3}, 3),
    ("text(n)", {"n": 3}, "3"),
    ("text(b)", {"b": True}, "true"),
    ("text(n)", {"n": None}, None),
    ("date(t)", {"t": "2026-11-23T10:00"}, DAY),
    ("date(d)", {"d": DAY}, DAY),
    ("date(t)", {"t": "23.11.2026"}, None),
    ("is_missing(t)", {"t": None}, True),
    ("is_missing(t)", {"t": " \n"}, True),
    ("is_missing(t)", {"t": "a"}, False),
    ("is_missing(n)", {"n": 0}, False),
    ("is_missing(xs)", {"xs": []}, False),
    ("not is_missing(t) and words(t) > 1", {"t": None}, False),
]


@pytest.mark.parametrize(("text", "row", "expected"), TABLE, ids=[f"{t} {r}" for t, r, _ in TABLE])
def test_values(text: str, row: dict[str, object], expected: object) -> None:
    found = value(text, **row)
    assert found == expected
    assert type(found) is type(expected)


def test_the_table_names_every_function_and_operator() -> None:
    written = " ".join(text for text, _, _ in TABLE)
    assert [name for name in FUNCTIONS if f"{name}(" not in written] == []
    signs = [" or ", " and ", "==", "!=", "<", "<=", ">", ">=", " in ", "not in", "contains", "matches"]
    assert [sign for sign in [*signs, " + ", " - ", " * ", " / ", " % "] if sign not in written] == []


def test_a_missing_value_makes_a_condition_not_true() -> None:
    condition, _ = understood("n > 3")
    assert [holds(condition, row) for row in ({"n": 4}, {"n": 3}, {"n": None}, {})] == [
        True,
        False,
        False,
        False,
    ]


# ── types ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "gives"),
    [
        ("t", Type.TEXT),
        ("t + u", Type.TEXT),
        ("n + 1", Type.NUMBER),
        ("n > 1", Type.BOOL),
        ("not b", Type.BOOL),
        ("[1]", Type.LIST),
        ("o.a", Type.UNKNOWN),
        ("date(t)", Type.DATE),
        ("number(t)", Type.NUMBER),
        ("v", Type.UNKNOWN),
    ],
)
def test_types(text: str, gives: Type) -> None:
    made, faults = understood(text)
    assert faults == []
    assert made.type is gives


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("t > 3", "E0302", "t > 3"),
        ('n == "3"', "E0302", 'n == "3"'),
        ("t + 1", "E0302", "t + 1"),
        ("t and b", "E0302", "t"),
        ("not n", "E0302", "n"),
        ("-t", "E0302", "t"),
        ("t * 2", "E0302", "t"),
        ('n in ["a"]', "E0302", '"a"'),
        ("n in t", "E0302", "t"),
        ("n contains 3", "E0302", "n"),
        ("t contains 3", "E0302", "3"),
        ('n matches r"a"', "E0302", "n"),
        ("t matches u", "E0302", "u"),
        ('t matches r"("', "E0304", 'r"("'),
        ("xs < xs", "E0302", "xs"),
        ("b + 1", "E0302", "b"),
        ("t.a", "E0302", "a"),
        ("words(n)", "E0302", "n"),
        ("words(t, t)", "E0303", "words(t, t)"),
        ("nope(t)", "E0303", "nope"),
        ("t(3)", "E0303", "t"),
        ("xs[0]", "E0303", "xs[0]"),
        ("zz", "E0203", "zz"),
        ('column("zz")', "E0203", '"zz"'),
        ("column(t)", "E0303", "column(t)"),
        ("params.n", "E0203", "params"),
        ("date(n)", "E0302", "n"),
    ],
)
def test_what_is_wrong_is_told_once_at_its_place(text: str, code: str, words: str) -> None:
    _, faults = understood(text)
    assert [d.code for d in faults] == [code]
    (found,) = faults
    start, end = found.at.begin[1] - 1, found.at.finish[1] - 1
    assert f"x = {text}"[start:end] == words


def test_lists_in_lists_are_read_once() -> None:
    """Each level read twice would take until the end of the world."""
    text = "t"
    for _ in range(60):
        text = f"t in [{text}]"
    _, faults = understood(text, dict.fromkeys(COLUMNS, Type.UNKNOWN))
    assert faults == []


@pytest.mark.parametrize(
    ("opens", "closes"),
    [("(", ")"), ("not ", ""), ("-", ""), ("[", "]"), ("strip(", ")"), ("b and (", ")"), ("t in [", "]")],
)
def test_deep_expressions_are_understood_and_evaluated(opens: str, closes: str) -> None:
    made, _ = understood(opens * 95 + "v" + closes * 95)
    made({"b": True, "t": "a", "v": 1})


def test_without_data_every_name_may_be_a_column() -> None:
    made, faults = understood("zz > 3 and yy contains zz", None)
    assert faults == []
    assert made.columns == {"zz", "yy"}


def test_the_columns_that_are_read() -> None:
    made, _ = understood('lower(t) == u or n in [m, 3] or column("d") == date(t)')
    assert made.columns == {"t", "u", "n", "m", "d"}


# ── totality ──────────────────────────────────────────────────────────────────────────────────────

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.dates()
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
ROWS = st.fixed_dictionaries({}, optional=dict.fromkeys(COLUMNS, VALUES))
ATOMS = st.sampled_from(
    [*COLUMNS, "1", "0", "1e30", "2.5", '"a"', '""', "true", "null", "[]", "[1, t]", "o.a", 'r"^a"', "85%"]
)
SIGNS = [
    "or",
    "and",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "in",
    "not in",
    "contains",
    "matches",
    "+",
    "-",
    "*",
    "/",
    "%",
]
EXPRESSIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(SIGNS), inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        inner.map(lambda p: f"(not {p})"),
        inner.map(lambda p: f"(-{p})"),
        st.tuples(st.sampled_from(sorted(FUNCTIONS)), st.lists(inner, min_size=1, max_size=3)).map(
            lambda p: f"{p[0]}({', '.join(p[1])})"
        ),
    ),
    max_leaves=8,
)


@settings(max_examples=500, deadline=None)
@given(EXPRESSIONS, ROWS)
def test_nothing_that_a_row_holds_can_raise(text: str, row: dict[str, object]) -> None:
    """Also where types are wrong, which `check` refuses: a value that is not known has no type before."""
    made, _ = understood(text)
    made(row)
    unknown, _ = understood(text, dict.fromkeys(COLUMNS, Type.UNKNOWN))
    result = unknown(row)
    assert holds(unknown, row) is (result is True)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30))
def test_a_text_is_a_number_or_none(text: str) -> None:
    found = functions.to_number(text)
    assert found is None or isinstance(found, int | float)


def test_texts_do_not_grow_without_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(functions, "LONGEST", 100)
    assert value("t + t", t="a" * 60) is None
    assert value('replace(t, "a", "bbbb")', t="a" * 60) is None
    assert value("t + t", t="a" * 50) == "a" * 100


def test_whole_numbers_do_not_grow_without_bound() -> None:
    big = 2**4000
    assert value("n * m", n=big, m=big) is None
    assert value("n - m", n=big, m=big) == 0


def test_a_pattern_that_takes_too_long_is_not_true(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(functions, "SECONDS_FOR_A_PATTERN", 0.05)
    hostile = "a" * 40 + "!"
    assert value('t matches r"^(a|aa)+$"', t=hostile) is None
    assert value('not (t matches r"^(a|aa)+$")', t=hostile) is None


@pytest.mark.parametrize("pattern", ["[[a]", "a{1,2}", "(?i)é", r"\d+", "(?P<n>a)", r"(?<=a)b", "[a&&b]"])
def test_patterns_of_the_language(pattern: str) -> None:
    """Warnings of Python about what it may read differently one day are not the spec's matter."""
    assert functions.pattern_fault(pattern) is None


@pytest.mark.parametrize("pattern", ["(", "[a", "*", "a**", r"\1", "(?P<n>a)(?P<n>b)", "(?x", r"(?P=n)"])
def test_what_is_no_pattern(pattern: str) -> None:
    assert functions.pattern_fault(pattern)
