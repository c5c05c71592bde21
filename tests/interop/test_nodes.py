"""YAML and JSON as nodes: the values of YAML 1.2, at their places, bounded whatever comes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalspec.interop.nodes import read_nodes
from evalspec.text.source import Source


def value(text: str) -> Any:
    node, faults = read_nodes(Source(name="c.yaml", text=text))
    assert faults == ()
    return node.plain() if node is not None else None


def fault(text: str) -> tuple[str, tuple[int, int], str]:
    """The code, place and sentence of what is wrong."""
    node, (found,) = read_nodes(Source(name="c.yaml", text=text))
    assert node is None
    return found.code, found.at.begin, found.message


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("yes", "yes"), ("on", "on"), ("true", True), ("010", 10), ("0o10", 8), ("0x1f", 31), ("1.50", 1.5),
        ("1e3", 1000.0), ("~", None), ("2024-01-01", "2024-01-01"), ("12:30", "12:30"), ('"4"', "4"),
        ("!!str 4", "4"), ("1_000", "1_000"), (".inf", ".inf"), ("|\n  a\n   b\n", "a\n b\n"),
    ],
)  # fmt: skip
def test_plain_words_mean_what_yaml_1_2_says(written: str, meant: object) -> None:
    found = value(f"a: {written}\n")["a"]
    assert (found, type(found)) == (meant, type(meant))


def test_aliases_and_merges_stand_for_what_they_name() -> None:
    text = "base: &base {a: 1, b: 2}\nown: {<<: *base, b: 3}\nlist: [*base]\n"
    assert value(text)["own"] == {"a": 1, "b": 3}
    assert value(text)["list"] == [{"a": 1, "b": 2}]


@given(st.recursive(st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=20),
                    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=8), inner),
                    max_leaves=20))  # fmt: skip
def test_json_is_read_as_what_it_says(meant: Any) -> None:
    for text in (json.dumps([meant]), json.dumps([meant], indent="\t")):
        if "<<" not in text:  # a key that merges, in YAML
            assert value(text) == [meant]


def test_every_value_knows_its_line() -> None:
    node, _ = read_nodes(Source(name="c.yaml", text="a:\n  - b\n  - {c: d}\n"))
    assert node is not None
    assert [item.line for item in node.pairs["a"].items] == [2, 3]


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("a: [1, 2\nb: 3\n", "E0221", (2, 2)),
        ("a: 1\nb: 2\na: 3\n", "E0221", (3, 1)),
        ("a: {{ x }}\n", "E0221", (1, 5)),
        ("a: *nothing\n", "E0221", (1, 4)),
        ("a: 1\n---\nb: 2\n", "E0221", (2, 1)),
        ("a: !!python/object/apply:os.system [echo]\n", "E0221", (1, 4)),
        ("a: !call x\n", "E0221", (1, 4)),
        ("a: \x07\n", "E0221", (1, 1)),
        ("[" * 101, "E0222", (1, 101)),
        ("{a: " * 5000, "E0222", (1, 401)),
    ],
)
def test_what_is_not_data_is_told_at_its_place(text: str, code: str, place: tuple[int, int]) -> None:
    assert fault(text)[:2] == (code, place)


def test_no_alias_unfolds_without_end() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 30)]
    assert fault("\n".join(lines))[0] == "E0222"
    merged = ["m0: &m0 {a: 1}", *(f"m{i}: &m{i} {{<<: [*m{i - 1}, *m{i - 1}]}}" for i in range(1, 90))]
    assert value("\n".join(merged))["m89"] == {"a": 1}


@given(st.text(alphabet="ab:-[]{}&*!|>'\"#,\n \t?%@`", max_size=60))
def test_nothing_that_is_written_raises(text: str) -> None:
    node, faults = read_nodes(Source(name="c.yaml", text=text))
    assert node is None or not faults
    assert all(d.code in ("E0221", "E0222") for d in faults)
