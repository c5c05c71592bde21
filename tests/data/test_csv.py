"""CSV and TSV: what reads as which rows, and what is said of files that do not, at which line."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.files import (
    code_and_place,
    data_file,
    messages,
    only,
    read_bytes,
    read_text,
    table,
    values,
)
from evalspec.data.limits import Limits
from evalspec.data.read import read_files
from evalspec.language.expressions import Type
from evalspec.text.source import DataLine

# ── what is read ──────────────────────────────────────────────────────────────────────────────────


def test_every_cell_is_text_and_an_empty_one_is_empty(tmp_path: Path) -> None:
    made = table(read_text(tmp_path, "a.csv", "text,n,flag\nhello,1,\n,2.50,true\n"))
    assert values(made) == [
        {"text": "hello", "n": "1", "flag": ""},
        {"text": "", "n": "2.50", "flag": "true"},
    ]
    assert dict(made.columns) == {"text": Type.TEXT, "n": Type.TEXT, "flag": Type.TEXT}


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.tsv", "a.tsv.gz"])
def test_each_format_reads_the_same_table(tmp_path: Path, name: str) -> None:
    text = 'id,text\n1,"two, or\nthree"\n2,plain\n'
    if ".tsv" in name:
        text = 'id\ttext\n1\t"two, or\nthree"\n2\tplain\n'
    made = table(read_text(tmp_path, name, text))
    assert values(made) == [{"id": "1", "text": "two, or\nthree"}, {"id": "2", "text": "plain"}]
    assert [row.line for row in made.rows] == [2, 4]
    assert {row.file for row in made.rows} == {name}


def test_byte_order_mark_windows_line_ends_and_blank_lines_go_unnoticed(tmp_path: Path) -> None:
    made = table(read_bytes(tmp_path, "a.csv", b"\xef\xbb\xbftext,label\r\n\r\na,b\r\n\r\nc,d"))
    assert values(made) == [{"text": "a", "label": "b"}, {"text": "c", "label": "d"}]
    assert [row.line for row in made.rows] == [3, 5]


def test_a_record_stands_at_the_line_where_it_begins(tmp_path: Path) -> None:
    made = table(read_text(tmp_path, "a.csv", 'a,b\n"one\n\ntwo",x\nlast,y\n'))
    assert [(row.line, row.values["a"]) for row in made.rows] == [(2, "one\n\ntwo"), (5, "last")]


def test_with_a_header_from_the_spec_the_first_row_is_data(tmp_path: Path) -> None:
    made = table(read_text(tmp_path, "a.csv", "q,1\nr,2\n", header=("question", "answer")))
    assert values(made) == [{"question": "q", "answer": "1"}, {"question": "r", "answer": "2"}]
    assert made.rows[0].line == 1


rectangles = st.integers(1, 4).flatmap(
    lambda width: st.lists(
        st.lists(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
            | st.text(alphabet='",\n\r\t ;a', max_size=6),
            min_size=width,
            max_size=width,
        ),
        min_size=1,
        max_size=5,
    )
)


@given(rectangles, st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]), st.booleans())
def test_what_pythons_csv_module_writes_reads_back_equal(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], quoting: int, tabs: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / f"written.{'tsv' if tabs else 'csv'}"
    written = io.StringIO()
    dialect = csv.excel_tab if tabs else csv.excel
    csv.writer(written, dialect, quoting=csv.QUOTE_ALL if quoting else csv.QUOTE_MINIMAL).writerows(rows)
    path.write_bytes(written.getvalue().encode())
    header = tuple(f"c{i}" for i in range(len(rows[0])))
    made, told = read_files([data_file(path)], header)
    assert told == ()
    assert made is not None
    assert [list(row.values.values()) for row in made.rows] == rows


# ── quotes ────────────────────────────────────────────────────────────────────────────────────────


def test_an_unclosed_quote_is_told_where_it_opened(tmp_path: Path) -> None:
    text = "text,label\nfine,a\nalso fine," + '"never closed\n' + "x,y\n" * 1000
    fault = only(read_text(tmp_path, "a.csv", text))
    assert code_and_place(fault) == ("E0628", 3, 11)
    assert "never closed" in fault.message
    assert "1000 more lines" in fault.help[0]
    assert isinstance(fault.at, DataLine)
    assert fault.at.excerpt == 'also fine,"never closed'


def test_an_unclosed_quote_behind_a_long_cell_is_told_at_its_own_line(tmp_path: Path) -> None:
    fault = only(read_text(tmp_path, "a.csv", 'a,b\n"one\ntwo","never closed\nx,y\n'))
    assert code_and_place(fault) == ("E0628", 3, 6)


def test_text_behind_a_closing_quote(tmp_path: Path) -> None:
    fault = only(read_text(tmp_path, "a.csv", 'a,b\n"he said "hi"",x\nfine,y\n'))
    assert code_and_place(fault) == ("E0629", 2, 11)
    assert '`""`' in fault.help[0]


def test_a_quote_that_closes_lines_later_names_both_ends(tmp_path: Path) -> None:
    fault = only(read_text(tmp_path, "a.csv", 'a,b\n"open,x\nfine,y\n"next",z\nfine,y\n'))
    assert code_and_place(fault) == ("E0629", 2, 1)
    assert "opens at line 2, column 1 closes at line 4, column 1" in fault.message


def test_reading_goes_on_behind_a_broken_row(tmp_path: Path) -> None:
    _, told = read_text(tmp_path, "a.csv", 'a,b\n"x"y,1\nfine,2\n1,2,3\n"x" y,3\n')
    assert [code_and_place(fault) for fault in told] == [("E0629", 2, 4), ("E0631", 4, 1), ("E0629", 5, 4)]


def test_old_mac_line_ends(tmp_path: Path) -> None:
    fault = only(read_bytes(tmp_path, "a.csv", b"a,b\r1,2\r3,4\r"))
    assert code_and_place(fault) == ("E0630", 1, 4)
    assert "tr '\\r' '\\n'" in fault.help[0]


# ── rows and headers ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("row", "message", "help_line"),
    [
        ("a,b,c", "this row has 3 cells, and the header has 2 columns", "a comma stands in quotes"),
        ("a", "this row has 1 cell, and the header has 2 columns", None),
        ('x, "b, c"', "this row has 3 cells, and the header has 2 columns", "take out the blank"),
    ],
)
def test_ragged_rows(tmp_path: Path, row: str, message: str, help_line: str | None) -> None:
    fault = only(read_text(tmp_path, "a.csv", f"text,label\nx,y\n{row}\n"))
    assert code_and_place(fault) == ("E0631", 3, 1)
    assert fault.message == message
    assert help_line is None or help_line in fault.help[0]


def test_a_ragged_row_over_several_lines_says_so(tmp_path: Path) -> None:
    fault = only(read_text(tmp_path, "a.csv", 'a,b\nx,y\n"1\n2\n3"\n'))
    assert code_and_place(fault) == ("E0631", 3, 1)
    assert "from line 3 to line 5" in fault.help[0]


def test_a_row_that_the_specs_header_does_not_fit(tmp_path: Path) -> None:
    fault = only(read_text(tmp_path, "a.csv", "1,2,3\n", header=("a", "b")))
    assert fault.message == "this row has 3 cells, and the spec's `header` has 2 columns"


def test_header_names_that_repeat_or_are_missing(tmp_path: Path) -> None:
    _, told = read_text(tmp_path, "a.csv", "text,label,text,,label\n1,2,3,4,5\n")
    assert [fault.code for fault in told] == ["E0632"] * 3
    assert messages(told) == [
        "columns 1 and 3 are both named `text`",
        "column 4 has no name",
        "columns 2 and 5 are both named `label`",
    ]


def test_a_header_in_the_spec_that_names_a_column_twice(tmp_path: Path) -> None:
    fault = only(read_text(tmp_path, "a.csv", "1,2\n", header=("a", "a")))
    assert (fault.code, fault.message) == ("E0632", "`header` names `a` twice")


def test_a_header_row_that_the_spec_repeats_is_a_warning(tmp_path: Path) -> None:
    made, told = read_text(tmp_path, "a.csv", "text,label\nx,y\n", header=("text", "label"))
    assert made is not None
    assert [code_and_place(fault) for fault in told] == [("W0601", 1, 1)]


def test_semicolons_instead_of_commas_are_a_warning(tmp_path: Path) -> None:
    made, told = read_text(tmp_path, "a.csv", "text;label\nx;y\n")
    assert made is not None
    assert [fault.code for fault in told] == ["W0602"]
    assert "holds a `;`" in told[0].message


def test_tabs_under_the_name_csv_offer_the_format(tmp_path: Path) -> None:
    _, told = read_text(tmp_path, "a.csv", "text\tlabel\nx\ty\n")
    assert 'format = "tsv"' in told[0].help[0]


# ── bounds ────────────────────────────────────────────────────────────────────────────────────────


def test_a_cell_may_hold_a_megabyte_and_no_more(tmp_path: Path) -> None:
    most = "x" * 2**20
    made = table(read_text(tmp_path, "a.csv", f"text,label\n{most},a\n"))
    assert made.rows[0].values["text"] == most
    fault = only(read_text(tmp_path, "a.csv", f"text,label\n{most}x,a\nb,{most}\n"))
    assert code_and_place(fault) == ("E0634", 2, 1)
    assert fault.message == "cell 1 holds 1 MB; a cell may hold 1 MB"


def test_the_csv_modules_own_limit_is_left_as_it_was(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    table(read_text(tmp_path, "a.csv", f"text\n{'x' * 500_000}\n"))
    read_text(tmp_path, "a.csv", 'text\n"open\n')
    assert csv.field_size_limit() == before


def test_twenty_faults_are_told_and_the_others_counted(tmp_path: Path) -> None:
    _, told = read_text(tmp_path, "a.csv", "a,b\n" + "1,2,3\n" * 57)
    assert [fault.code for fault in told] == ["E0631"] * 20 + ["E0644"]
    assert told[-1].message == "`a.csv` has 37 more faults from here on"
    assert code_and_place(told[-1]) == ("E0644", 22, 1)


def test_an_excerpt_is_clipped(tmp_path: Path) -> None:
    fault = only(read_text(tmp_path, "a.csv", f"a,b\n{'x' * 5000}\n"))
    assert isinstance(fault.at, DataLine)
    assert fault.at.excerpt == "x" * 199 + "…"


def test_a_record_that_never_ends_is_stopped_at_its_bound(tmp_path: Path) -> None:
    text = b'a,b\nfine,1\nx,"opened\n' + b"line\n" * 1000
    fault = only(read_bytes(tmp_path, "a.csv", text, limits=Limits(record=1000)))
    assert code_and_place(fault) == ("E0635", 3, 1)
    assert "never be closed" in fault.help[0]


def test_too_many_rows_columns_cells_and_lines(tmp_path: Path) -> None:
    text = b"a,b\n" + b"1,2\n" * 10
    table(read_bytes(tmp_path, "a.csv", text, limits=Limits(rows=10, cells=20)))
    fault = only(read_bytes(tmp_path, "a.csv", text, limits=Limits(rows=9)))
    assert code_and_place(fault) == ("E0643", 11, 1)
    assert only(read_bytes(tmp_path, "a.csv", text, limits=Limits(columns=1))).code == "E0643"
    fault = only(read_bytes(tmp_path, "a.csv", text, limits=Limits(cells=19)))
    assert (fault.code, fault.message) == ("E0643", "10 rows of 2 columns are more than 19 cells")
    assert only(read_bytes(tmp_path, "a.csv", b"\n" * 99, limits=Limits(lines=98))).code == "E0643"
