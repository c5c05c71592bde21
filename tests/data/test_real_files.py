"""Files that other people published, read and prepared; and what reading them loads and holds."""

from __future__ import annotations

import csv
import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from data.files import IN_SPEC, data_file, real, table, values
from evalspec.data.audit import same_input_other_label
from evalspec.data.prepare import prepare
from evalspec.data.read import read_files
from evalspec.language.expressions import Type
from evalspec.language.program import Dataset

LETTERS = ("question", "A", "B", "C", "D", "answer")


@pytest.mark.parametrize(("name", "rows"), [("train", 10_003), ("test", 3_080)])
def test_banking77_with_its_messages_over_several_lines(name: str, rows: int) -> None:
    path = real(f"banking77/{name}.csv")
    made = table(read_files([data_file(path)], None))
    with path.open(newline="", encoding="utf-8") as file:
        assert values(made) == list(csv.DictReader(file))
    assert len(made.rows) == rows
    text = path.read_text(encoding="utf-8").split("\n")
    for row in made.rows:
        assert str(row.values["text"]).split("\n")[0].strip('"')[:20].split('"')[0] in text[row.line - 1]
    assert any("\n" in str(row.values["text"]) for row in made.rows)


def test_banking77_with_its_labels_declared() -> None:
    file = data_file(real("banking77/train.csv"))
    labels = tuple(json.loads(real("banking77/categories.json").read_text()))
    dataset = Dataset(name="b", at=IN_SPEC, files=(file,), label="category", labels=labels, labels_at=IN_SPEC)
    made, told = prepare(dataset, table(read_files([file], None)))
    assert told == ()
    assert made is not None
    assert len({row.id for row in made.rows}) == 10_003
    assert {str(row.values["category"]) for row in made.rows} == set(labels)
    assert same_input_other_label(made, ["text"], "category") is None


def test_gsm8k_where_63_steps_are_texts() -> None:
    path = real("gsm8k/examples.jsonl.gz")
    made = table(read_files([data_file(path)], None))
    rows = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    assert len(made.rows) == 1_319
    assert dict(made.columns) == dict.fromkeys(("id", "question", "answer", "steps"), Type.TEXT)
    assert [row.values["steps"] for row in made.rows] == [str(row["steps"]) for row in rows]
    assert sum(row.values["steps"] == "7+" for row in made.rows) == 63
    prepared, told = prepare(Dataset(name="g", at=IN_SPEC, files=(data_file(path),), id="id"), made)
    assert told == ()
    assert prepared is not None
    assert prepared.rows[0].id == "gsm8k-test-0000"


def test_mmlu_without_a_header() -> None:
    paths = sorted(real("mmlu/data/test").glob("*.csv"))
    made = table(read_files([data_file(path) for path in paths], LETTERS))
    expected = []
    for path in paths:
        with path.open(newline="", encoding="utf-8") as file:
            expected += [dict(zip(LETTERS, cells, strict=True)) for cells in csv.reader(file)]
    assert values(made) == expected
    assert {row.values["answer"] for row in made.rows} == {"A", "B", "C", "D"}


def test_mmlu_read_as_if_it_had_a_header_is_not_silent() -> None:
    paths = sorted(real("mmlu/data/test").glob("*.csv"))
    made, told = read_files([data_file(path) for path in paths], None)
    assert made is None
    assert told


def test_reading_loads_no_array_library() -> None:
    code = (
        "import sys; import evalspec.data.read, evalspec.data.prepare, evalspec.data.audit; "
        "print(sorted({'numpy', 'pandas', 'pyarrow', 'scipy', 'sklearn', 'lark'} & set(sys.modules)))"
    )
    source = str(Path(__file__).parents[2] / "src")
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": source},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
