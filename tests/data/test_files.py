"""Files that are missing, foreign, broken or huge, and several files as one table."""

from __future__ import annotations

import gzip
import hashlib
import os
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.files import IN_SPEC, code_and_place, data_file, only, read_bytes, table, values
from evalspec.data.limits import Limits
from evalspec.data.read import read_files
from evalspec.language.expressions import Type

ROWS = b"text,label\n" + b"".join(b"row %d,a\n" % i for i in range(5000))

# ── what is not there ─────────────────────────────────────────────────────────────────────────────


def test_a_missing_file_is_told_at_the_spec_with_its_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "tickets.csv").write_text("a\n1\n")
    fault = only(read_files([data_file(tmp_path / "tikets.csv", "data/tikets.csv")], None))
    assert (fault.code, fault.at) == ("E0621", IN_SPEC)
    assert fault.message == "there is no file `data/tikets.csv`"
    assert fault.help == ("did you mean `tickets.csv`?",)
    fault = only(read_files([data_file(tmp_path / "no" / "tickets.csv")], None))
    assert fault.help == ("there is no folder `no` either",)


def test_a_folder_a_pipe_and_odd_paths(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    found = {
        name: only(read_files([data_file(tmp_path / name)], None))
        for name in ("folder.csv", "pipe.csv", "loop.csv", "x" * 300 + ".csv", "nul\0.csv")
    }
    assert [fault.code for fault in found.values()] == ["E0622", "E0623", "E0623", "E0623", "E0623"]
    assert all(fault.at == IN_SPEC for fault in found.values())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a\n1\n")
    (tmp_path / "a.csv").chmod(0)
    assert only(read_files([data_file(tmp_path / "a.csv")], None)).code == "E0623"


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl", "a.csv.gz", "a.jsonl.gz"])
@pytest.mark.parametrize("content", [b"", b"\n\r\n\n", b"\xef\xbb\xbf"])
def test_an_empty_file(tmp_path: Path, name: str, content: bytes) -> None:
    packed = gzip.compress(content) if name.endswith(".gz") else content
    fault = only(read_bytes(tmp_path, name, packed))
    assert (fault.code, fault.at) == ("E0624", IN_SPEC)


def test_a_file_with_a_header_only(tmp_path: Path) -> None:
    fault = only(read_bytes(tmp_path, "a.csv", b"text,label\n"))
    assert (fault.code, fault.at) == ("E0625", IN_SPEC)
    assert only(read_bytes(tmp_path, "a.csv", b"", header=("a",))).code == "E0624"


def test_no_reader_for_a_format_is_misuse(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="xml"):
        read_bytes(tmp_path, "a.xml", b"<a/>")


# ── bytes that are no text ────────────────────────────────────────────────────────────────────────


def test_a_latin_1_file_is_told_once_with_the_command_that_mends_it(tmp_path: Path) -> None:
    content = "text,label\nschön,a\ngut,b\ngroß,c\nübel,d\n".encode("latin-1")
    fault = only(read_bytes(tmp_path, "my data.csv", content))
    assert code_and_place(fault) == ("E0626", 2, 4)
    assert fault.message == "line 2 is not UTF-8: byte 4 of it is 0xF6"
    assert "`iconv -f WINDOWS-1252 -t UTF-8 'my data.csv' > 'my data.utf8.csv'`" in fault.help[0]
    assert fault.help[1] == "2 more lines are like this one"


def test_the_column_of_a_bad_byte_counts_code_points(tmp_path: Path) -> None:
    fault = only(read_bytes(tmp_path, "a.csv", "text\n€€€".encode() + b"\xff\n"))
    assert code_and_place(fault) == ("E0626", 2, 4)
    assert "byte 10" in fault.message


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_utf_16(tmp_path: Path, encoding: str) -> None:
    mark = b"" if encoding == "utf-16" else b"\xfe\xff"
    fault = only(read_bytes(tmp_path, "a.jsonl", mark + '{"a": 1}\n'.encode(encoding)))
    assert fault.code == "E0626"
    assert "iconv -f UTF-16 " in fault.help[0]


def test_nul_bytes(tmp_path: Path) -> None:
    fault = only(read_bytes(tmp_path, "a.csv", b"text,label\nfine,a\nso\0so,b\n\0,c\n"))
    assert code_and_place(fault) == ("E0627", 3, 3)
    assert fault.help[-1] == "1 more line is like this one"


@pytest.mark.parametrize(
    ("content", "code", "word"),
    [
        (b"PK\x03\x04rest", "E0626", "workbook"),
        (b"PAR1rest", "E0626", "Parquet"),
        (gzip.compress(ROWS), "E0642", "gzipped"),
    ],
)
def test_other_formats_under_the_name_of_text(tmp_path: Path, content: bytes, code: str, word: str) -> None:
    fault = only(read_bytes(tmp_path, "a.csv", content))
    assert code_and_place(fault) == (code, 1, 1)
    assert word in fault.message


# ── gzip ──────────────────────────────────────────────────────────────────────────────────────────


def test_text_under_the_name_of_gzip(tmp_path: Path) -> None:
    fault = only(read_bytes(tmp_path, "a.csv.gz", ROWS))
    assert code_and_place(fault) == ("E0642", 1, 1)
    assert fault.help == ("name it `a.csv`",)


def test_what_stops_the_reading_is_told_however_much_was_told_before(tmp_path: Path) -> None:
    packed = gzip.compress(b"a,b\n" + b"1\n" * 9_000)
    _, told = read_bytes(tmp_path, "a.csv.gz", packed[:-9])
    assert [fault.code for fault in told] == ["E0631"] * 20 + ["E0642", "E0644"]


@pytest.mark.parametrize(
    ("name", "line"), [("a.csv", b"1\n"), ("a.csv", b"\0\n"), ("a.csv", b"\xff\n"), ("a.jsonl", b"no\n")]
)
def test_a_file_of_nothing_but_faults_is_given_up(tmp_path: Path, name: str, line: bytes) -> None:
    _, told = read_bytes(tmp_path, name, b"a,b\n" + line * 50_000)
    (last,) = [fault for fault in told if fault.code == "E0643"]
    assert last.message == "more than 10,000 faults up to this line: the rest is not read"
    assert len(told) <= 24


def test_a_warning_forbids_neither_the_digest_nor_other_errors(tmp_path: Path) -> None:
    made, told = read_bytes(tmp_path, "a.csv", b"a;b\n1;2\n")
    assert made is not None
    assert made.sha256 == hashlib.sha256(b"a;b\n1;2\n").hexdigest()
    _, told = read_bytes(tmp_path, "a.csv", b"a;b\n")
    assert [fault.code for fault in told] == ["W0602", "E0625"]


def test_a_gzipped_file_that_is_cut_off_anywhere(tmp_path: Path) -> None:
    whole = gzip.compress(ROWS)
    for length in (1, 2, 5, 10, 12, len(whole) // 2, len(whole) - 8, len(whole) - 1):
        fault = only(read_bytes(tmp_path, "a.csv.gz", whole[:length]))
        assert fault.code == "E0642"
    assert "cut off behind line" in fault.message


@given(st.integers(0, 2000), st.integers(0, 255))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_gzipped_file_with_a_changed_byte_is_told_or_reads_the_same(
    tmp_path: Path, at: int, byte: int
) -> None:
    whole = bytearray(gzip.compress(ROWS[:2000], mtime=0))
    whole[at % len(whole)] = byte
    made, told = read_bytes(tmp_path, "a.csv.gz", bytes(whole))
    if made is None:
        assert "E0642" in {fault.code for fault in told}
    else:
        assert len(made.rows) == len(ROWS[:2000].splitlines()) - 1


def test_gzipped_members_one_behind_the_other_are_one_file(tmp_path: Path) -> None:
    parts = gzip.compress(b"a,b\n1,2\n") + gzip.compress(b"3,4\n")
    assert len(table(read_bytes(tmp_path, "a.csv.gz", parts)).rows) == 2


def test_rubbish_behind_the_gzipped_text(tmp_path: Path) -> None:
    fault = only(read_bytes(tmp_path, "a.csv.gz", gzip.compress(b"a,b\n1,2\n") + b"rubbish"))
    assert code_and_place(fault)[:2] == ("E0642", 2)


def test_a_file_may_unpack_to_so_much_and_no_more(tmp_path: Path) -> None:
    packed = gzip.compress(ROWS)
    limits = Limits(text=len(ROWS))
    assert len(table(read_bytes(tmp_path, "a.csv.gz", packed, limits=limits)).rows) == 5000
    fault = only(read_bytes(tmp_path, "a.csv.gz", packed, limits=Limits(text=len(ROWS) - 1)))
    assert code_and_place(fault)[:2] == ("E0643", 5001)


BOMB = """
import resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, (500 * 2**20, 500 * 2**20))
from data.files import data_file
from evalspec.data.read import read_files
made, told = read_files([data_file(Path(sys.argv[1]))], None)
print(made, told[0].code)
"""


@pytest.mark.parametrize("name", ["bomb.csv.gz", "bomb.jsonl.gz"])
def test_a_bomb_without_line_ends_is_refused_within_bounded_memory(tmp_path: Path, name: str) -> None:
    """A gigabyte in a megabyte, read by a process that may have half a gigabyte."""
    pack = zlib.compressobj(1, wbits=31)
    block = b"a" * 2**20
    with (tmp_path / name).open("wb") as file:
        for _ in range(1024):
            file.write(pack.compress(block))
        file.write(pack.flush())
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", BOMB, str(tmp_path / name)],
        env={**os.environ, "PYTHONPATH": f"{root / 'src'}{os.pathsep}{root / 'tests'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.strip(), done.returncode) == ("None E0635", 0), done.stderr


# ── several files, one table ──────────────────────────────────────────────────────────────────────


def test_several_files_are_one_table_and_one_digest(tmp_path: Path) -> None:
    one, two = b"text,label\nx,a\n", gzip.compress(b"label,text\nb,y\n")
    (tmp_path / "one.csv").write_bytes(one)
    (tmp_path / "two.csv.gz").write_bytes(two)
    files = [data_file(tmp_path / "one.csv"), data_file(tmp_path / "two.csv.gz")]
    made = table(read_files(files, None))
    assert values(made) == [{"text": "x", "label": "a"}, {"text": "y", "label": "b"}]
    assert [(row.file, row.line) for row in made.rows] == [("one.csv", 2), ("two.csv.gz", 2)]
    assert made.sha256 == hashlib.sha256(one + two).hexdigest()


def test_a_type_is_settled_over_all_files(tmp_path: Path) -> None:
    (tmp_path / "one.jsonl").write_text('{"n": 1.50}\n')
    (tmp_path / "two.csv").write_text("n\n2\n")
    made = table(read_files([data_file(tmp_path / "one.jsonl"), data_file(tmp_path / "two.csv")], None))
    assert made.columns == {"n": Type.TEXT}
    assert values(made) == [{"n": "1.50"}, {"n": "2"}]


@pytest.mark.parametrize(
    ("name", "one", "two"),
    [
        ("csv", "text,label\nx,a\n", "text,lable\nx,a\n"),
        ("jsonl", '{"text": 1, "label": 2}\n', '{"text": 1, "lable": 2}\n'),
    ],
)
def test_columns_that_differ_between_files(tmp_path: Path, name: str, one: str, two: str) -> None:
    (tmp_path / f"one.{name}").write_text(one)
    (tmp_path / f"two.{name}").write_text(two)
    fault = only(read_files([data_file(tmp_path / f"one.{name}"), data_file(tmp_path / f"two.{name}")], None))
    assert (fault.code, fault.at) == ("E0633", IN_SPEC)
    assert "lacks `label` and has `lable` besides" in fault.message
    assert f"`two.{name}`" in fault.message


def test_the_faults_of_every_file_are_told_in_one_go(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("a,b\n1\n")
    (tmp_path / "three.csv").write_text("a,b\n1,2,3\n")
    files = [data_file(tmp_path / name) for name in ("one.csv", "two.csv", "three.csv")]
    _, told = read_files(files, None)
    assert [(fault.at.file, fault.code) for fault in told] == [
        ("one.csv", "E0631"),
        ("route.eval", "E0621"),
        ("three.csv", "E0631"),
    ]


def test_the_bound_on_rows_is_over_all_files(tmp_path: Path) -> None:
    for name in ("one.csv", "two.csv"):
        (tmp_path / name).write_text("a\n" + "1\n" * 6)
    files = [data_file(tmp_path / "one.csv"), data_file(tmp_path / "two.csv")]
    assert table(read_files(files, None, limits=Limits(rows=12))).rows
    assert code_and_place(only(read_files(files, None, limits=Limits(rows=11)))) == ("E0643", 7, 1)


# ── any bytes ─────────────────────────────────────────────────────────────────────────────────────

pieces = st.sampled_from(
    [b'"', b",", b"\n", b"\r", b"\r\n", b"\t", b"\0", b"\xef\xbb\xbf", b"\xff", b"{", b"}", b"[", b"]", b":",
     b'{"a": 1}\n', b'"a"', b"1e999", b"NaN", b"\\ud83d", b"\\", b"9" * 30, b"a,b\n", b"\x1f\x8b", b"null"]
)  # fmt: skip
anything = st.binary(max_size=60) | st.lists(pieces, max_size=20).map(b"".join)


@given(
    anything,
    st.sampled_from(["a.csv", "a.tsv", "a.jsonl", "a.csv.gz", "a.jsonl.gz"]),
    st.booleans(),
    st.sampled_from([None, ("x",), ("x", "y")]),
)
@settings(max_examples=600, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_a_table_or_told_faults(
    tmp_path: Path, content: bytes, name: str, pack: bool, header: tuple[str, ...] | None
) -> None:
    limits = Limits(cell=12, record=40, text=50, rows=5, cells=10, columns=3, depth=3)
    packed = gzip.compress(content) if pack and name.endswith(".gz") else content
    for bounds in (limits, Limits()):
        made, told = read_bytes(tmp_path, name, packed, header, bounds)
        assert (made is None) == any(fault.code.startswith("E") for fault in told)
        assert all(fault.message and fault.at.begin >= (1, 1) for fault in told)
        if made is not None:
            assert made.rows
            assert all(
                list(row.values) and set(row.values) == set(made.columns) for row in made.rows if made.columns
            )
