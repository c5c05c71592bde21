"""Answers collected earlier: read, matched, carried over; what cannot be used is a fault with its line."""

from __future__ import annotations

import gzip
import json
import math
import os
from decimal import Decimal
from pathlib import Path

import pytest

from evalspec.language.candidates import Recorded
from evalspec.models.model import FailureKind
from evalspec.models.recorded import (
    RecordedFault,
    RecordedModel,
    RecordedTable,
    read_recorded,
    recorded_model,
)
from models.asking import answered, failed, question, written

pytestmark = pytest.mark.anyio
DATA = Path(os.environ.get("EVALSPEC_TEST_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))


def recorded(path: Path, *rows: object, model: str | None = None) -> RecordedModel:
    file = written(path / "r.jsonl", [json.dumps(row) for row in rows])
    return recorded_model("mini", Recorded(files=(file,), model=model), tasks=("t", "u"))


def read(path: Path, data: bytes) -> tuple[RecordedTable, tuple[RecordedFault, ...]]:
    file = path / "r.jsonl"
    file.write_bytes(data)
    return read_recorded([file], model="mini")


async def test_carries_over_everything_that_a_row_tells(tmp_path: Path) -> None:
    row = {
        "id": "e1",
        "response": "billing",
        "task": "t",
        "model": "mini",
        "confidence": 0.75,
        "label_logprobs": {"billing": math.log(0.75), "bug": -9999.0},
        "latency_s": 0.123456789,
        "first_token_s": 0.1,
        "input_tokens": 12,
        "output_tokens": 1,
        "cost_usd": 0.00123,
        "finish_reason": "length",
        "outcome": "truncated",
        "at": "2026-01-02T03:04:05Z",
        "served_model": "m-1",
        "system_fingerprint": "fp",
        "prompt": "short",
        "rating": {"by": ["a"]},
    }
    model = recorded(tmp_path, row)
    answer = answered(await model.ask(question()))
    assert model.faults == ()
    assert answer.response == "billing"
    assert answer.confidence == 0.75
    assert answer.label_logprobs == {"billing": math.log(0.75), "bug": -9999.0}
    assert (answer.latency_ns, answer.first_token_ns) == (123_456_789, 100_000_000)
    assert (answer.input_tokens, answer.output_tokens, answer.cost_usd) == (12, 1, Decimal("0.00123"))
    assert (answer.finish_reason, answer.outcome, answer.refused) == ("length", "truncated", False)
    assert (answer.at, answer.served_model, answer.system_fingerprint) == (
        "2026-01-02T03:04:05Z",
        "m-1",
        "fp",
    )
    assert answer.extra == {"prompt": "short", "rating": {"by": ["a"]}}


async def test_nothing_is_stored(tmp_path: Path) -> None:
    model = recorded(tmp_path, {"id": "e1", "response": "x"})
    assert model.key(question()) is None  # type: ignore[func-returns-value]


async def test_a_row_with_an_error_is_a_failed_call(tmp_path: Path) -> None:
    model = recorded(
        tmp_path,
        {"id": "e1", "error": "HTTP 500\x1b[2J"},
        {"id": "e2", "response": "half", "error": {"code": 5}},
        {"id": "e3", "response": "whole", "error": None},
        {"id": "e4", "response": "", "outcome": "error"},
    )
    first = failed(await model.ask(question()))
    assert (first.kind, first.message) == (FailureKind.RECORDED_ERROR, "HTTP 500\\x1b[2J")
    assert failed(await model.ask(question(example="e2"))).kind is FailureKind.RECORDED_ERROR
    assert answered(await model.ask(question(example="e3"))).response == "whole"
    assert failed(await model.ask(question(example="e4"))).kind is FailureKind.RECORDED_ERROR


async def test_a_missing_example_is_not_recorded(tmp_path: Path) -> None:
    model = recorded(tmp_path, {"id": "e1", "response": "x"}, {"id": "e3", "outcome": "not_asked"})
    for request in (question(example="e2"), question(sample=1), question(example="e3")):
        assert failed(await model.ask(request)).kind is FailureKind.NOT_RECORDED


async def test_matches_task_step_and_sample_where_they_are_named(tmp_path: Path) -> None:
    model = recorded(
        tmp_path,
        {"id": "e1", "response": "any"},
        {"id": "e1", "response": "of t", "task": "t"},
        {"id": "e1", "response": "of t, first", "task": "t", "step": "first"},
        {"id": "e1", "response": "first", "step": "first"},
        {"id": "e1", "response": "again", "sample": 1},
    )
    said = {
        (task, step, sample): answered(
            await model.ask(question(task=task, step=step, sample=sample))
        ).response
        for task, step, sample in [
            ("t", "", 0),
            ("t", "first", 0),
            ("t", "second", 0),
            ("u", "", 0),
            ("u", "first", 0),
            ("u", "", 1),
        ]
    }
    assert list(said.values()) == ["of t", "of t, first", "of t", "any", "first", "again"]


async def test_rows_of_other_models_and_tasks_are_skipped_and_counted(tmp_path: Path) -> None:
    rows: list[object] = [
        {"id": "e1", "response": "other model", "model": "maxi"},
        {"id": "e1", "response": "other task", "task": "elsewhere"},
        {"id": "e1", "response": "changed", "perturbation": "typos"},
        {"id": "e1", "response": "mine", "model": "mini"},
    ]
    model = recorded(tmp_path, *rows)
    assert answered(await model.ask(question())).response == "mine"
    skipped = model.skipped
    assert (skipped.other_model, skipped.other_task, skipped.perturbed, skipped.total) == (1, 1, 1, 3)
    named = recorded(tmp_path, *rows, model="maxi")
    assert answered(await named.ask(question())).response == "other model"
    assert named.skipped.other_model == 1


@pytest.mark.parametrize(
    ("written_id", "id_text"), [(7, "7"), ("7", "7"), (1.5, "1.5"), (10**30, "1" + "0" * 30)]
)
async def test_ids_compare_as_text(tmp_path: Path, written_id: object, id_text: str) -> None:
    model = recorded(tmp_path, {"id": written_id, "response": "x"})
    assert answered(await model.ask(question(example=id_text))).response == "x"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "not JSON: "),
        ("no json", "not JSON: "),
        ("[1]", "not a JSON object"),
        ('{"response": "x"}', "no `id`"),
        ('{"id": "", "response": "x"}', "no `id`"),
        ('{"id": true, "response": "x"}', "`id` is neither"),
        ('{"id": ["a"], "response": "x"}', "`id` is neither"),
        ('{"id": "a"}', "neither `response` nor `error`"),
        ('{"id": "a", "response": null}', "neither `response` nor `error`"),
        ('{"id": "a", "response": 5}', "`response` is not text"),
        ('{"id": "a", "response": "x", "confidence": 85}', "`confidence` is 85, not between 0 and 1"),
        ('{"id": "a", "response": "x", "confidence": -0.1}', "`confidence` is -0.1"),
        ('{"id": "a", "response": "x", "confidence": NaN}', "`confidence` is not a number"),
        ('{"id": "a", "response": "x", "confidence": "high"}', "`confidence` is not a number"),
        ('{"id": "a", "response": "x", "confidence": true}', "`confidence` is not a number"),
        ('{"id": "a", "response": "x", "label_logprobs": {"a": 0.7}}', "`label_logprobs` is not"),
        ('{"id": "a", "response": "x", "label_logprobs": [1]}', "`label_logprobs` is not"),
        ('{"id": "a", "response": "x", "latency_s": -1}', "`latency_s` is negative"),
        ('{"id": "a", "response": "x", "sample": 0.5}', "`sample` is not a whole number"),
        ('{"id": "a", "response": "x", "cost_usd": "much"}', "`cost_usd` is not an amount"),
        ('{"id": "a", "response": "x", "outcome": "fine"}', "`outcome` is none of"),
        ('{"id": "a", "response": "x", "task": 5}', "`task` is not text"),
        ('{"id": "a", "response": "x", "n": ' + "9" * 5000 + "}", "not JSON: "),
        (
            '{"id": "a", "response": "x", "deep": ' + "[" * 201 + "]" * 201 + "}",
            "nested deeper than 200 levels",
        ),
        (
            '{"id": "a", "response": "x", "deep": ' + "[" * 90000 + "]" * 90000 + "}",
            "nested deeper than 200 levels",
        ),
    ],
)
def test_a_row_that_cannot_be_used_is_a_fault_with_its_line(tmp_path: Path, line: str, message: str) -> None:
    good = '{"id": "e1", "response": "x"}'
    table, (fault,) = read(tmp_path, f"{good}\n{line}\n".encode())
    assert (fault.file, fault.line) == (str(tmp_path / "r.jsonl"), 2)
    assert message in fault.message
    assert table.rows == 1


def test_nesting_of_200_levels_is_read(tmp_path: Path) -> None:
    line = '{"id": "e1", "response": "[[[", "deep": ' + "[" * 199 + "]" * 199 + "}"
    assert read(tmp_path, line.encode())[1] == ()


def test_the_same_twice_is_kept_once_and_two_that_differ_are_a_fault(tmp_path: Path) -> None:
    row = '{"id": "e1", "response": "x"}'
    table, faults = read(tmp_path, "\n".join([row, row, '{"id": "e1", "response": "y"}']).encode())
    assert table.rows == 1
    assert [(fault.line, fault.message) for fault in faults] == [
        (3, "`e1` was already answered otherwise in line 1")
    ]


async def test_marks_breaks_blank_lines_and_odd_separators(tmp_path: Path) -> None:
    text = '\ufeff{"id": "e1", "response": "a\u2028b"}\r\n\r\n  \n{"id": "e2", "response": "c"}'
    table, faults = read(tmp_path, text.encode())
    assert faults == ()
    assert answered(await RecordedModel(name="mini", table=table).ask(question())).response == "a\u2028b"
    assert table.rows == 2


def test_bytes_that_are_no_text_are_a_fault_of_their_line(tmp_path: Path) -> None:
    _, faults = read(tmp_path, b'\n{"id": "e1", "response": "\xff"}\n')
    assert [fault.line for fault in faults] == [2]
    assert "UTF-8" in faults[0].message


async def test_a_line_of_a_megabyte(tmp_path: Path) -> None:
    model = recorded(tmp_path, {"id": "e1", "response": "x" * 1_000_000 + "{" * 1000})
    assert len(answered(await model.ask(question())).response) == 1_001_000


def test_several_files_plain_and_zipped(tmp_path: Path) -> None:
    plain = written(tmp_path / "a.jsonl", ['{"id": "e1", "response": "x"}'])
    zipped = tmp_path / "b.jsonl.gz"
    zipped.write_bytes(gzip.compress(b'{"id": "e2", "response": "y"}\n{"id": "e1", "response": "z"}\n'))
    table, faults = read_recorded([plain, zipped], model="mini")
    assert table.rows == 2
    assert [(fault.file, fault.line) for fault in faults] == [(str(zipped), 2)]
    assert str(plain) in faults[0].message


def test_a_zipped_file_that_ends_too_early_is_a_fault_and_keeps_what_came_before(tmp_path: Path) -> None:
    lines = [json.dumps({"id": str(i), "response": os.urandom(50).hex()}) for i in range(5000)]
    whole = gzip.compress("\n".join(lines).encode())
    table, faults = read(tmp_path, whole[: len(whole) // 2])
    assert len(faults) == 1
    assert faults[0].message.startswith("cannot be read: ")
    assert 0 < table.rows < 5000
    assert faults[0].line == table.rows + 1


def test_of_very_many_faults_the_first_are_kept_and_the_rest_is_not_read(tmp_path: Path) -> None:
    table, faults = read(tmp_path, b"\0\n" * 50_000)
    assert [fault.line for fault in faults] == list(range(1, 21))
    assert table.unusable == 10_001


def test_files_that_are_damaged_or_missing_are_faults(tmp_path: Path) -> None:
    _, damaged = read(tmp_path, b"\x1f\x8b\x08\x00garbage garbage garbage")
    _, missing = read_recorded([tmp_path / "none.jsonl", tmp_path], model="mini")
    assert [fault.line for fault in (*damaged, *missing)] == [0, 0, 0]
    assert "No such file" in missing[0].message


def test_reads_what_real_models_answered() -> None:
    folder = DATA / "gsm8k" / "responses"
    if not folder.exists():
        pytest.skip(f"no test data in {DATA}")
    for file in sorted(folder.iterdir()):
        table, faults = read_recorded([file], model="any")
        assert (table.rows, faults) == (1319, ())


def test_rows_are_found_by_the_variant_of_the_prompt(tmp_path: Path) -> None:
    rows = [
        {"id": "e1", "prompt": "short", "response": "a"},
        {"id": "e1", "prompt": "long", "response": "b"},
        {"id": "e1", "response": "c"},
        {"id": "e1", "prompt": "older", "response": "d"},
    ]
    file = written(tmp_path / "r.jsonl", [json.dumps(row) for row in rows])
    table, faults = read_recorded([file], model="mini", variants=("short", "long"))
    said = [answered(table.reply(question(variant=v))).response for v in ("short", "long", "")]
    assert (faults, said, table.skipped.other_prompt) == ((), ["a", "b", "c"], 1)


def test_without_variants_the_prompt_of_a_row_means_nothing(tmp_path: Path) -> None:
    rows = [{"id": f"e{i}", "prompt": f"All of it {i}", "response": "a"} for i in range(3)]
    file = written(tmp_path / "r.jsonl", [json.dumps(row) for row in rows])
    table, faults = read_recorded([file], model="mini")
    assert (faults, table.rows, table.skipped.total) == ((), 3, 0)
    assert answered(table.reply(question())).extra["prompt"] == "All of it 1"


def test_two_prompts_of_an_example_without_variants_contradict_each_other(tmp_path: Path) -> None:
    rows = [{"id": "e1", "prompt": p, "response": p} for p in ("short", "long")]
    file = written(tmp_path / "r.jsonl", [json.dumps(row) for row in rows])
    _, (fault,) = read_recorded([file], model="mini")
    assert fault.line == 2
