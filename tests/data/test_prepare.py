"""A dataset's rows as the spec wants them: derived, selected, each with its id and label."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from data.files import SPEC, code_and_place, data_file, expression, messages, table
from evalspec.data.prepare import prepare
from evalspec.data.read import RawTable, read_files
from evalspec.language.expressions import Type
from evalspec.language.program import Dataset, Derived
from evalspec.text.source import DataLine, Span

if TYPE_CHECKING:
    from evalspec.data.rows import Loaded
    from evalspec.text.diagnostics import Diagnostic

HERE = Span(SPEC, 0, 6)
LABELS = Span(SPEC, 7, 8)


def dataset_over(folder: Path, name: str, text: str) -> tuple[Dataset, RawTable]:
    """A bare dataset over one file of this text, and the file's table."""
    (folder / name).write_text(text)
    files = (data_file(folder / name),)
    return Dataset(name="tickets", at=HERE, files=files), table(read_files(files, None))


def loaded(dataset: Dataset, raw: RawTable) -> Loaded:
    """What is loaded where nothing is wrong."""
    made, told = prepare(dataset, raw)
    assert told == ()
    assert made is not None
    return made


def refused(dataset: Dataset, raw: RawTable) -> tuple[Diagnostic, ...]:
    """What is told where nothing is loaded."""
    made, told = prepare(dataset, raw)
    assert made is None
    return told


def derived(name: str, text: str, columns: Mapping[str, Type]) -> Derived:
    """A computed column."""
    return Derived(name=name, expression=expression(text, columns), at=HERE)


# ── columns and rows ──────────────────────────────────────────────────────────────────────────────


def test_derived_columns_are_computed_in_order_and_rows_selected_by_them(tmp_path: Path) -> None:
    dataset, raw = dataset_over(tmp_path, "a.csv", "id,body\n1,one two three\n2,one\n3,\n")
    words = derived("n", "words(body)", raw.columns)
    long = derived("long", "n > 1", {**raw.columns, "n": Type.NUMBER})
    where = expression("long or n == 0", {"long": Type.BOOL, "n": Type.NUMBER})
    made = loaded(replace(dataset, derive=(words, long), where=where, id="id"), raw)
    assert [(row.id, row.line, row.values["n"], row.values["long"]) for row in made.rows] == [
        ("1", 2, 3, True),
        ("3", 4, 0, False),
    ]
    assert dict(made.types) == {"id": Type.TEXT, "body": Type.TEXT, "n": Type.NUMBER, "long": Type.BOOL}
    assert (made.dataset, made.sha256) == ("tickets", raw.sha256)


def test_optional_columns_that_the_data_lack_are_missing_in_every_row(tmp_path: Path) -> None:
    dataset, raw = dataset_over(tmp_path, "a.csv", "body,lang\nx,en\n")
    note = derived("noted", "is_missing(note)", {"note": Type.TEXT})
    made = loaded(replace(dataset, optional=("lang", "note"), derive=(note,)), raw)
    assert made.rows[0].values == {"body": "x", "lang": "en", "note": None, "noted": True}
    assert made.types["note"] is Type.TEXT


def test_selecting_nothing_is_told_at_the_condition(tmp_path: Path) -> None:
    dataset, raw = dataset_over(tmp_path, "a.csv", "lang\nen\nde\nes\n")
    where = expression('lang == "fr"', raw.columns)
    (fault,) = refused(replace(dataset, where=where), raw)
    assert (fault.code, fault.at) == ("E0652", where.at)
    assert fault.message == "this selects none of the 3 rows"


def test_a_row_for_which_the_condition_cannot_be_said_is_left_out(tmp_path: Path) -> None:
    dataset, raw = dataset_over(tmp_path, "a.jsonl", '{"n": 1}\n{"n": null}\n{"n": 3}\n')
    made = loaded(replace(dataset, where=expression("not (n > 2)", raw.columns)), raw)
    assert [row.line for row in made.rows] == [1]


def test_an_id_or_label_column_that_is_not_there(tmp_path: Path) -> None:
    dataset, raw = dataset_over(tmp_path, "a.csv", "ticket_id,queue\n1,a\n")
    told = refused(replace(dataset, id="ticketid", label="queu"), raw)
    assert [(fault.code, fault.help) for fault in told] == [
        ("E0651", ("did you mean `ticket_id`?",)),
        ("E0651", ("did you mean `queue`?",)),
    ]


# ── ids ───────────────────────────────────────────────────────────────────────────────────────────


def test_an_id_is_the_text_of_its_column(tmp_path: Path) -> None:
    dataset, raw = dataset_over(tmp_path, "a.jsonl", '{"id": 7}\n{"id": 8}\n')
    assert [row.id for row in loaded(replace(dataset, id="id"), raw).rows] == ["7", "8"]
    dataset, raw = dataset_over(tmp_path, "b.jsonl", '{"id": 7.50}\n{"id": "x"}\n{"id": true}\n')
    assert [row.id for row in loaded(replace(dataset, id="id"), raw).rows] == ["7.50", "x", "true"]


def test_missing_and_repeated_ids_are_told_at_their_lines(tmp_path: Path) -> None:
    dataset, raw = dataset_over(tmp_path, "a.csv", "id,body\n7,x\n,y\n8,z\n7,w\n  ,v\n")
    told = refused(replace(dataset, id="id"), raw)
    assert [code_and_place(fault) for fault in told] == [("E0653", 3, 1), ("E0653", 6, 1), ("E0654", 5, 1)]
    assert told[2].message == "the id `7` stands at line 2 already"
    assert told[2].at == DataLine("a.csv", 5, 1, "7,w")
    assert told[2].labels[0].at == DataLine("a.csv", 2, 1, "7,x")


def test_an_id_repeated_in_another_file_names_that_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id\n1\n")
    (tmp_path / "b.csv").write_text("id\n1\n")
    files = (data_file(tmp_path / "a.csv"), data_file(tmp_path / "b.csv"))
    dataset = Dataset(name="d", at=HERE, files=files, id="id")
    (fault,) = refused(dataset, table(read_files(files, None)))
    assert fault.message == "the id `1` stands at line 2 of `a.csv` already"
    assert fault.at.file == "b.csv"


def test_many_rows_without_id_are_told_ten_times_and_counted(tmp_path: Path) -> None:
    dataset, raw = dataset_over(tmp_path, "a.csv", "id,body\n" + ",x\n" * 25)
    told = refused(replace(dataset, id="id"), raw)
    assert len(told) == 11
    assert told[-1].message == "15 more rows have no id, from here on"
    assert code_and_place(told[-1]) == ("E0653", 12, 1)


def test_without_an_id_column_the_content_is_the_id(tmp_path: Path) -> None:
    dataset, raw = dataset_over(tmp_path, "a.jsonl", '{"b": "é", "a": 1.5}\n{"a": 2, "b": "é"}\n')
    said = hashlib.sha256('{"a":1.5,"b":"é"}'.encode()).hexdigest()
    assert loaded(dataset, raw).rows[0].id == said[:12]


def test_ids_of_content_stay_when_rows_move_and_columns_are_derived(tmp_path: Path) -> None:
    dataset, raw = dataset_over(tmp_path, "a.jsonl", '{"a": 1}\n{"a": 2}\n{"a": 3}\n')
    before = [row.id for row in loaded(dataset, raw).rows]
    _, other = dataset_over(
        tmp_path, "b.jsonl", '{"a": 3}\n{"a": 1, "z": null}\n{"a": 4, "z": 5}\n{"a": 2}\n'
    )
    more = replace(dataset, derive=(derived("b", "a + 1", raw.columns),), optional=("note",))
    after = [row.id for row in loaded(more, other).rows]
    assert [after[1], after[3], after[0]] == before


def test_identical_rows_get_a_counter_and_one_warning(tmp_path: Path) -> None:
    dataset, raw = dataset_over(tmp_path, "a.csv", "body\nx\ny\nx\nx\ny\n")
    made, told = prepare(dataset, raw)
    assert made is not None
    x, y = made.rows[0].id, made.rows[1].id
    assert [row.id for row in made.rows] == [x, y, f"{x}-2", f"{x}-3", f"{y}-2"]
    assert [code_and_place(fault) for fault in told] == [("W0603", 4, 1)]
    assert told[0].message == "3 rows say what earlier ones say, first here"
    assert told[0].labels[0].at == DataLine("a.csv", 2, 1, "x")


# ── labels ────────────────────────────────────────────────────────────────────────────────────────


def test_empty_labels_are_told_at_their_lines(tmp_path: Path) -> None:
    dataset, raw = dataset_over(tmp_path, "a.jsonl", '{"q": "a"}\n{"t": 1, "q": null}\n{"q": " "}\n{}\n')
    told = refused(replace(dataset, label="q"), raw)
    assert [code_and_place(fault) for fault in told] == [("E0655", 2, 1), ("E0655", 3, 1), ("E0655", 4, 1)]


def test_labels_that_were_left_out_by_where_may_be_empty(tmp_path: Path) -> None:
    dataset, raw = dataset_over(tmp_path, "a.csv", "t,q\nx,a\ny,\n")
    where = expression("not is_missing(q)", raw.columns)
    assert len(loaded(replace(dataset, label="q", where=where), raw).rows) == 1


def test_undeclared_labels_are_told_with_the_nearest_declared_one(tmp_path: Path) -> None:
    dataset, raw = dataset_over(tmp_path, "a.csv", "t,q\n1,billing\n2,bilingual\n3,Bug\n4,bug\n5,zzz\n")
    dataset = replace(dataset, label="q", labels=("billing", "bug", "abuse"), labels_at=LABELS)
    told = refused(dataset, raw)
    assert [code_and_place(fault) for fault in told] == [("E0656", 3, 1), ("E0656", 4, 1), ("E0656", 6, 1)]
    assert messages(told)[0] == "label `bilingual` is not declared"
    assert [fault.help[0] for fault in told[:2]] == ["did you mean `billing`?", "did you mean `bug`?"]
    assert told[0].labels[0].at == LABELS
    assert told[0].at == DataLine("a.csv", 3, 1, "2,bilingual")


def test_at_most_ten_undeclared_labels_are_told_then_counted(tmp_path: Path) -> None:
    dataset, raw = dataset_over(tmp_path, "a.csv", "t,q\n" + "".join(f"{i},nope\n" for i in range(37)))
    told = refused(replace(dataset, label="q", labels=("a",), labels_at=LABELS), raw)
    assert len(told) == 11
    assert told[-1].message == "27 more rows have a label that is not declared, from here on"


def test_a_declared_label_that_the_data_never_have_is_a_warning(tmp_path: Path) -> None:
    dataset, raw = dataset_over(tmp_path, "a.csv", "t,q\n1,a\n2,b\n")
    made, told = prepare(replace(dataset, label="q", labels=("a", "b", "c"), labels_at=LABELS), raw)
    assert made is not None
    assert [(fault.code, fault.at) for fault in told] == [("W0604", LABELS)]
    assert "`c`" in told[0].message


@pytest.mark.parametrize(
    ("cells", "labels"),
    [(["true", "false"], ["true", "false"]), (["3", "1.50"], ["3", "1.5"]), (["3", '"x"'], ["3", "x"])],
)
def test_labels_that_are_conditions_or_numbers_become_text(
    tmp_path: Path, cells: list[str], labels: list[str]
) -> None:
    dataset, raw = dataset_over(tmp_path, "a.jsonl", "".join(f'{{"q": {cell}}}\n' for cell in cells))
    made = loaded(replace(dataset, label="q", labels=tuple(labels), labels_at=LABELS), raw)
    assert [row.values["q"] for row in made.rows] == labels
    assert made.types["q"] is Type.TEXT


def test_a_label_may_be_a_list_of_declared_ones(tmp_path: Path) -> None:
    dataset, raw = dataset_over(tmp_path, "a.jsonl", '{"q": ["a", "b"]}\n{"q": []}\n{"q": ["c"]}\n')
    told = refused(replace(dataset, label="q", labels=("a", "b"), labels_at=LABELS), raw)
    assert [code_and_place(fault) for fault in told] == [("E0656", 3, 1)]
    made = loaded(replace(dataset, label="q"), raw)
    assert made.types["q"] is Type.LIST
    assert made.rows[0].values["q"] == ["a", "b"]


def test_a_label_may_be_derived(tmp_path: Path) -> None:
    dataset, raw = dataset_over(tmp_path, "a.csv", "n\n1\n5\n")
    big = derived("big", "number(n) > 3", raw.columns)
    made = loaded(replace(dataset, derive=(big,), label="big"), raw)
    assert [row.values["big"] for row in made.rows] == ["false", "true"]


def test_every_kind_of_fault_is_told_in_one_go(tmp_path: Path) -> None:
    dataset, raw = dataset_over(tmp_path, "a.csv", "id,q\n1,a\n1,\n,b\n")
    told = refused(replace(dataset, id="id", label="q", labels=("a",), labels_at=LABELS), raw)
    assert sorted(fault.code for fault in told) == ["E0653", "E0654", "E0655", "E0656"]


def test_ids_of_content_tell_numbers_from_texts(tmp_path: Path) -> None:
    dataset, raw = dataset_over(tmp_path, "a.jsonl", '{"a": {"k": 1}}\n{"a": {"k": "1"}}\n')
    made = loaded(dataset, raw)
    assert len({row.id for row in made.rows}) == 2
    assert json.dumps(dict(made.rows[0].values)) == '{"a": {"k": 1}}'


def test_a_file_that_vanished_meanwhile_costs_only_the_excerpt(tmp_path: Path) -> None:
    dataset, raw = dataset_over(tmp_path, "a.csv", "id\n1\n1\n")
    (tmp_path / "a.csv").unlink()
    (fault,) = refused(replace(dataset, id="id"), raw)
    assert fault.at == DataLine("a.csv", 3)
