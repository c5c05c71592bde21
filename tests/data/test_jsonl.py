"""JSON Lines: the types of columns, values as they were written, and lines that are no rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.files import code_and_place, data_file, messages, only, read_text, table, values
from evalspec.data.read import read_files
from evalspec.language.expressions import Type

# ── columns and values ────────────────────────────────────────────────────────────────────────────


def test_columns_have_the_types_of_their_values(tmp_path: Path) -> None:
    row = '{"t": "x", "n": 1, "f": 2.50, "b": true, "l": [1, 2.50], "o": {"k": 2.50}, "z": null}\n'
    made = table(read_text(tmp_path, "a.jsonl", row + row.replace('"n": 1', '"n": 1.5')))
    assert dict(made.columns) == {
        "t": Type.TEXT,
        "n": Type.NUMBER,
        "f": Type.NUMBER,
        "b": Type.BOOL,
        "l": Type.LIST,
        "o": Type.OBJECT,
        "z": Type.UNKNOWN,
    }
    assert values(made)[0] == {
        "t": "x",
        "n": 1,
        "f": 2.5,
        "b": True,
        "l": [1, 2.5],
        "o": {"k": 2.5},
        "z": None,
    }
    assert type(values(made)[0]["f"]) is float


def test_mixed_types_become_text_with_numbers_as_they_were_written(tmp_path: Path) -> None:
    cells = ["2", "1.50", "1e3", '"7+"', "true", "null", '[1, "é"]', '{"a": null}', "-0.0"]
    made = table(read_text(tmp_path, "a.jsonl", "".join(f'{{"v": {cell}}}\n' for cell in cells)))
    assert made.columns["v"] is Type.TEXT
    assert [row["v"] for row in values(made)] == [
        "2",
        "1.50",
        "1e3",
        "7+",
        "true",
        None,
        '[1, "é"]',
        '{"a": null}',
        "-0.0",
    ]


def test_a_missing_key_and_a_null_say_nothing_and_decide_no_type(tmp_path: Path) -> None:
    made = table(read_text(tmp_path, "a.jsonl", '{"a": 1}\n{"b": 2, "a": null}\n{"a": 3}\n'))
    assert values(made) == [{"a": 1, "b": None}, {"a": None, "b": 2}, {"a": 3, "b": None}]
    assert dict(made.columns) == {"a": Type.NUMBER, "b": Type.NUMBER}


def test_conditions_and_numbers_are_a_mix(tmp_path: Path) -> None:
    made = table(read_text(tmp_path, "a.jsonl", '{"a": 1}\n{"a": true}\n'))
    assert [row["a"] for row in values(made)] == ["1", "true"]


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_blank_lines_marks_and_windows_line_ends_go_unnoticed(tmp_path: Path, name: str) -> None:
    made = table(read_text(tmp_path, name, '\ufeff{"a": "x"}\r\n\r\n  \n{"a": "y"}'))
    assert [(row.line, row.values["a"]) for row in made.rows] == [(1, "x"), (4, "y")]


def test_line_separators_inside_texts_are_no_line_ends(tmp_path: Path) -> None:
    made = table(read_text(tmp_path, "a.jsonl", '{"a": "x\u2028\x85y"}\n{"a": "z"}\n'))
    assert [(row.line, row.values["a"]) for row in made.rows] == [(1, "x\u2028\x85y"), (2, "z")]


whole = st.integers(-(2**63), 2**63 - 1)
fractions = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
nested = st.recursive(
    st.none() | st.booleans() | whole | fractions | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
columns = st.fixed_dictionaries(
    {
        "n": whole | fractions,
        "t": texts,
        "l": st.lists(nested, max_size=3),
        "o": st.dictionaries(texts, nested),
    }
)


@given(st.lists(columns, min_size=1, max_size=4), st.booleans())
def test_what_pythons_json_module_writes_reads_back_equal(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, object]], ascii_only: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "written.jsonl"
    path.write_bytes("".join(json.dumps(row, ensure_ascii=ascii_only) + "\n" for row in rows).encode())
    made, told = read_files([data_file(path)], None)
    assert told == ()
    assert made is not None
    assert [dict(row.values) for row in made.rows] == rows


# ── lines that are no rows ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("line", "code", "column", "message"),
    [
        ('{"a": 1,}', "E0636", 9, "expecting property name enclosed in double quotes"),
        ('{"a": }', "E0636", 7, "expecting value"),
        ('{"a": "tab\there"}', "E0636", 11, "invalid control character"),
        ('{"a": 1} {"a": 2}', "E0636", 10, "extra data"),
        ("{'a': 1}", "E0636", 2, "expecting property name"),
        ("[1, 2]", "E0637", 1, "an object is due on each line, and this is a list"),
        ('"text"', "E0637", 1, "this is a text"),
        ("3", "E0637", 1, "this is a number"),
        ("null", "E0637", 1, "this is null"),
        ('{"a": 1, "b": 2, "a": 3}', "E0639", 18, "the key `a` stands twice in one object"),
        ('{"o": {"k": 1, "k": 1}}', "E0639", 16, "the key `k` stands twice"),
        ('{"\\ud83d": 1, "\\ud83d": 2}', "E0639", 1, "the key `?` stands twice"),
        ('{"a": 9223372036854775808}', "E0640", 7, "does not fit 64 bits"),
        ('{"o": [{"k": -9223372036854775809}]}', "E0640", 14, "does not fit 64 bits"),
        ('{"a": %s}' % ("9" * 5000), "E0640", 7, "does not fit 64 bits"),
        ('{"a": NaN}', "E0640", 7, "`NaN` is no number of JSON"),
        ('{"a": [-Infinity]}', "E0640", 8, "`-Infinity` is no number of JSON"),
        ('{"a": 1e999}', "E0640", 7, "`1e999` is too large"),
        ('{"a": "\\uD83D"}', "E0641", 8, "`\\ud83d` is half a character"),
        ('{"a": {"\\ude00": 1}}', "E0641", 9, "half a character"),
        ('{"": 1}', "E0632", 1, "a column has no name"),
        ('{"a": %s}' % ("[" * 300 + "]" * 300), "E0638", 1, "nested over 200 deep"),
        ('{"a": %s' % ("[" * 100_000), "E0638", 1, "nested over 200 deep"),
        ('{"a": "%s"}' % ("x" * (2**20 + 1)), "E0634", 1, "`a` holds 1 MB"),
        ('{"a": 0.%s}' % ("1" * 2**20), "E0634", 1, "`a` holds 1 MB"),
    ],
)  # fmt: skip
def test_a_line_that_is_no_row_is_told_with_its_column(
    tmp_path: Path, line: str, code: str, column: int, message: str
) -> None:
    fault = only(read_text(tmp_path, "a.jsonl", f'{{"a": 1}}\n{line}\n{{"a": 2}}\n'))
    assert code_and_place(fault) == (code, 2, column)
    assert message in fault.message


def test_what_is_just_within_bounds_is_read(tmp_path: Path) -> None:
    deep = "[" * 199 + "]" * 199
    text = (
        f'{{"a": {2**63 - 1}, "b": {-(2**63)}, "d": {deep}, "e": "\\ud83d\\ude00", "f": "{"x" * 2**20}"}}\n'
    )
    row = values(table(read_text(tmp_path, "a.jsonl", text)))[0]
    assert (row["a"], row["b"], row["e"]) == (2**63 - 1, -(2**63), "😀")


def test_many_shallow_brackets_are_not_deep(tmp_path: Path) -> None:
    table(read_text(tmp_path, "a.jsonl", '{{"a": [{}]}}\n'.format(", ".join(["[]"] * 1000))))


def test_every_broken_line_is_told(tmp_path: Path) -> None:
    _, told = read_text(tmp_path, "a.jsonl", '{"a": 1}\n{"a"\n\n[]\n{"a": 2}\n{"a": NaN}\n')
    assert [code_and_place(fault)[:2] for fault in told] == [("E0636", 2), ("E0637", 4), ("E0640", 6)]


def test_a_pretty_printed_file_offers_a_way_out(tmp_path: Path) -> None:
    _, told = read_text(tmp_path, "a.jsonl", json.dumps({"a": 1, "b": 2}, indent=2))
    assert "jq -c" in told[0].help[0]
    _, told = read_text(tmp_path, "a.jsonl", '[{"a": 1}, {"a": 2}]')
    assert "jq -c" in told[0].help[0]


def test_long_texts_from_the_data_are_clipped_in_messages(tmp_path: Path) -> None:
    _, told = read_text(tmp_path, "a.jsonl", '{{"{}": 1, "{}": 2}}\n'.format("k" * 999, "k" * 999))
    assert all(len(message) < 150 for message in messages(told))
