"""Parquet: the values that JSON would give, and files that are damaged or grow without end."""

from __future__ import annotations

import datetime
import gzip
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from data.files import data_file, only, read_bytes, table, values
from evalspec.data.limits import LIMITS
from evalspec.data.read import read_files
from evalspec.language.expressions import Type


def written(path: Path, columns: dict[str, Any], **how: Any) -> Path:
    pq.write_table(pa.table(columns), path, **how)
    return path


def test_values_are_what_json_would_give(tmp_path: Path) -> None:
    path = written(
        tmp_path / "a.parquet",
        {
            "text": ["x", None],
            "bytes": [b"y", b"z"],
            "n": [1, 2],
            "f": [0.5, float("nan")],
            "money": [Decimal("1.50"), None],
            "ok": [True, False],
            "day": [datetime.date(2026, 1, 2), None],
            "list": [[1, 2], []],
            "object": [{"k": "v"}, None],
        },
    )
    made = table(read_files([data_file(path)], None))
    assert values(made)[0] == {
        "text": "x", "bytes": "y", "n": 1, "f": 0.5, "money": 1.5, "ok": True, "day": "2026-01-02",
        "list": [1, 2], "object": {"k": "v"},
    }  # fmt: skip
    assert values(made)[1]["f"] is None
    assert made.columns["list"] is Type.LIST
    assert [row.line for row in made.rows] == [1, 2]


def test_a_packed_file_is_read(tmp_path: Path) -> None:
    path = written(tmp_path / "a.parquet", {"a": ["x"] * 1000})
    (tmp_path / "b.parquet.gz").write_bytes(gzip.compress(path.read_bytes()))
    assert len(table(read_files([data_file(tmp_path / "b.parquet.gz")], None)).rows) == 1000


def test_what_is_no_parquet_is_told(tmp_path: Path) -> None:
    fault = only(read_bytes(tmp_path, "a.parquet", b"body,queue\nx,y\n"))
    assert (fault.code, "no Parquet file" in fault.message) == ("E0623", True)


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    content = bytearray(written(tmp_path / "a.parquet", {"a": ["x" * 50] * 1000}).read_bytes())
    content[20:60] = bytes(40)
    assert only(read_bytes(tmp_path, "b.parquet", bytes(content))).code == "E0623"


def test_too_many_rows_are_told_before_they_are_read(tmp_path: Path) -> None:
    path = written(tmp_path / "a.parquet", {"a": [1] * 500})
    assert only(read_files([data_file(path)], None, limits=replace(LIMITS, rows=100))).code == "E0643"


def test_a_few_kilobytes_that_mean_a_gigabyte_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "a.parquet", {"a": ["x" * 8_000_000] * 130}, compression="zstd")
    assert path.stat().st_size < 50_000
    assert only(read_files([data_file(path)], None)).code == "E0634"


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    path = written(tmp_path / "a.parquet", {"a": [b"fine", b"\xff\xfe"]})
    fault = only(read_files([data_file(path)], None))
    assert (fault.code, "row 2" in fault.message) == ("E0626", True)


def test_no_rows_are_an_empty_file(tmp_path: Path) -> None:
    path = written(tmp_path / "a.parquet", {"a": pa.array([], pa.string())})
    assert only(read_files([data_file(path)], None)).code == "E0625"
