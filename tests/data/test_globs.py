"""Which files a pattern means, and what its captures stand for."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.files import real
from evalspec.data.globs import is_pattern, matches
from evalspec.pipeline import check_file
from evalspec.text.diagnostics import errors

NAMES = [
    "a_test.csv",
    "b_test.csv",
    "b_dev.csv",
    "sub/c_test.csv",
    "sub/deep/d_test.csv",
    "odd[1].csv",
    "x.txt",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in NAMES:
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("q,answer\none,A\n", encoding="utf-8")
    return tmp_path


PATTERNS = [
    ("data/*_test.csv", ["a", "b"]),
    ("data/?_test.csv", ["a", "b"]),
    ("data/[!a]_test.csv", ["b"]),
    ("data/**/*_test.csv", ["a", "b", "c", "d"]),
    ("data/{name}_test.csv", ["a", "b"]),
    ("data/sub/*.csv", ["c"]),
    ("data/nothing*.csv", []),
]


@pytest.mark.parametrize(("written", "names"), PATTERNS)
def test_a_pattern_means_its_files(folder: Path, written: str, names: list[str]) -> None:
    assert [Path(match.written).name[0] for match in matches(written, folder)] == names


def test_captures_are_parts_of_the_path(folder: Path) -> None:
    found = matches("data/{name}_{part}.csv", folder)
    assert [dict(match.captures) for match in found] == [
        {"name": "a", "part": "test"},
        {"name": "b", "part": "dev"},
        {"name": "b", "part": "test"},
    ]


def test_a_capture_that_stands_twice_means_the_same(folder: Path) -> None:
    (folder / "data" / "b_b.csv").write_text("q\n", encoding="utf-8")
    assert [match.written for match in matches("data/{x}_{x}.csv", folder)] == ["data/b_b.csv"]


def test_a_name_with_signs_means_itself_where_it_is_there(folder: Path) -> None:
    assert not is_pattern("data/odd[1].csv", folder)
    assert is_pattern("data/odd[2].csv", folder)


def spec(folder: Path, source: str) -> Path:
    path = folder / "s.eval"
    path.write_text(
        f'dataset d {{ source = file("{source}"); header = [q, answer]; label = answer }}\n'
        "dataset t {\n label = answer\n | q | answer |\n | zero | A |\n}\n"
        "subset names of d { by = name }\n"
        'model m { use = baseline("majority", train = t) }\n'
        'task x { data = d; answer = one_of(["A", "answer"]) }\n',
        encoding="utf-8",
    )
    return path


def test_captures_are_columns(folder: Path) -> None:
    front = check_file(spec(folder, "data/{name}_test.csv"))
    assert errors(front.diagnostics) == ()
    assert [s.name for s in front.ready.program.subsets] == ["names=a", "names=b"]
    assert front.ready.data["d"].rows[0].values["name"] == "a"


def test_a_capture_named_like_a_column_clashes(folder: Path) -> None:
    front = check_file(spec(folder, "data/{q}_test.csv"))
    assert {"E0609"} <= {d.code for d in errors(front.diagnostics)}


def test_mmlu_as_its_authors_laid_it_out() -> None:
    folder = real("mmlu")
    found = matches("data/test/{subject}_test.csv", folder)
    assert len(found) == 6
    assert found[0].captures["subject"] in found[0].written
