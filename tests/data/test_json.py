"""JSON: one list of objects, read object by object, its faults at their own lines."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.files import code_and_place, only, read_bytes, read_text, table, values
from evalspec.data.limits import LIMITS

ROWS = [{"a": "x{[", "n": 1}, {"a": 'q"]}', "n": 2.5}, {"a": "\\", "n": None}]


@pytest.mark.parametrize("indent", [None, 0, 2])
@pytest.mark.parametrize("name", ["a.json", "a.json.gz"])
def test_rows_are_the_objects_however_they_are_laid_out(
    tmp_path: Path, name: str, indent: int | None
) -> None:
    assert values(table(read_text(tmp_path, name, json.dumps(ROWS, indent=indent)))) == ROWS


def test_a_row_knows_the_line_where_it_begins(tmp_path: Path) -> None:
    made = table(read_text(tmp_path, "a.json", '[\n{"a": 1},\n\n  {\n"a": 2}, {"a": 3}]\n'))
    assert [row.line for row in made.rows] == [2, 4, 5]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.lists(st.fixed_dictionaries({"a": json_values}), min_size=1, max_size=5), st.sampled_from([None, 1])
)
def test_every_list_of_objects_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, object]], indent: int | None
) -> None:
    text = json.dumps(rows, indent=indent)
    made, told = read_bytes(tmp_path_factory.mktemp("json"), "a.json", text.encode())
    assert made is not None, told
    assert len(made.rows) == len(rows)


WRONG = [
    ('{"a": 1}', "E0637", 1, 1),
    ('{"a": 1}\n{"a": 2}\n', "E0637", 1, 1),
    ("hello", "E0636", 1, 1),
    ('[{"a": 1}, 7]', "E0637", 1, 12),
    ('[{"a": 1},\n]', "E0636", 2, 1),
    ('[{"a": 1}\n {"a": 2}]', "E0636", 2, 2),
    ('[{"a": 1}]\n[]', "E0636", 2, 1),
    ('[{"a": 1},', "E0636", 1, 1),
    ('[\n{"a": 1,\n "b": }\n]', "E0636", 3, 7),
    ('[\n{"a": 1,\n "a": 2}\n]', "E0639", 3, 2),
    ('[\n  {"a": 1', "E0636", 2, 1),
    ('[[{"a": 1}]]', "E0637", 1, 2),
    (',[{"a": 1}]', "E0636", 1, 1),
]


@pytest.mark.parametrize(("text", "code", "line", "column"), WRONG)
def test_what_is_no_list_of_objects_is_told_at_its_place(
    tmp_path: Path, text: str, code: str, line: int, column: int
) -> None:
    assert code_and_place(only(read_text(tmp_path, "a.json", text))) == (code, line, column)


@pytest.mark.parametrize("text", ["", "[]", " \n"])
def test_an_empty_list_is_an_empty_file(tmp_path: Path, text: str) -> None:
    assert only(read_text(tmp_path, "a.json", text)).code == "E0624"


def test_deep_nesting_is_bounded(tmp_path: Path) -> None:
    deep = '[{"a": ' + "[" * 100_000 + "]" * 100_000 + "}]"
    assert only(read_text(tmp_path, "a.json", deep)).code == "E0638"


def test_an_object_without_end_is_bounded(tmp_path: Path) -> None:
    text = '[{"a": [' + "1,\n" * 50_000
    limits = replace(LIMITS, record=10_000)
    assert only(read_bytes(tmp_path, "a.json", text.encode(), limits=limits)).code == "E0635"
