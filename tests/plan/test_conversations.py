"""What a candidate is asked: messages, parameters, and where its confidence comes from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from evalspec.answers.confidence import STATED_INSTRUCTION
from evalspec.language.program import ConfidenceSource
from evalspec.models.model import Answer, Message, Request
from evalspec.plan.conversations import gold_value
from evalspec.plan.requests import build_request, question, source_for
from score.worlds import Json, plan_of, played, write_csv

if TYPE_CHECKING:
    from evalspec.plan.plan import PlannedTask

HOSTED = """
dataset d { source = file("d.csv"); id = id; label = label in [a, b] }
model m { use = "openai/m"; base_url = "http://127.0.0.1:9/v1"; temperature = 0; max_tokens = 9 }
"""


def planned(folder: Path, task: str, **row: object) -> PlannedTask:
    write_csv(folder / "d.csv", [{"id": 0, "body": "some text", "label": "a", **row}])
    (found,) = plan_of(folder, HOSTED + task).tasks
    return found


def request(task: PlannedTask, **values: object) -> Request:
    step = task.task.steps[-1]
    return build_request(task, question(task.task, step, task.candidates[0]), task.rows[0], values)


def test_messages_read_the_columns_the_labels_and_the_row(tmp_path: Path) -> None:
    task = planned(
        tmp_path,
        "task t { data = d; system = \"Say {{ labels | join(' or ') }}.\""
        '; prompt = "{{ body }} {{ row.id }}"; answer = one_of(label); rank = accuracy }',
    )
    found = request(task)
    assert found.messages == (Message("system", "Say a or b."), Message("user", "some text 0"))
    assert (found.task, found.step, found.example, found.sample) == ("t", "", "0", 0)
    assert found.columns["body"] == "some text"


def test_what_data_hold_is_never_a_template(tmp_path: Path) -> None:
    task = planned(
        tmp_path,
        'task t { data = d; prompt = "{{ body }} {{ labels }}"; answer = one_of(label); rank = accuracy }',
        body="{{ label }}{% if 1 %}",
    )  # fmt: skip
    assert request(task).messages[0].content.startswith("{{ label }}{% if 1 %}")


def test_a_request_of_the_task_overrules_the_models_parameters(tmp_path: Path) -> None:
    task = planned(
        tmp_path,
        'task t { data = d; prompt = "{{ body }} a b"; answer = one_of(label); rank = accuracy;'
        ' request { max_tokens = 3; stop = ["."] } }',
    )
    assert request(task).parameters == {"temperature": 0, "max_tokens": 3, "stop": ["."]}


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        ("", None),
        ("confidence = stated;", ConfidenceSource.STATED),
        ("confidence = logprobs;", ConfidenceSource.LOGPROBS),
        ("confidence = [stated, logprobs];", ConfidenceSource.STATED),
    ],
)
def test_the_first_source_that_a_candidate_can_give(
    tmp_path: Path, sources: str, expected: ConfidenceSource | None
) -> None:
    task = planned(
        tmp_path,
        'task t { data = d; prompt = "{{ body }} a b"; answer = one_of(label); rank = accuracy; '
        + sources
        + " }",
    )
    assert source_for(task.candidates[0], task.task.steps[0]) is expected
    found = request(task)
    assert found.logprobs is (expected is ConfidenceSource.LOGPROBS)
    instructed = found.messages[-1].content.endswith("\n\n" + STATED_INSTRUCTION)
    assert instructed is (expected is ConfidenceSource.STATED)


def test_choices_are_offered_by_letter(tmp_path: Path) -> None:
    task = planned(
        tmp_path,
        'task t { data = d; prompt = "{% for c in choices %}{{ c.letter }}: {{ c.text }}; {% endfor %}";'
        " answer = letter_of([x, y]); gold = key; rank = accuracy }",
        x="yes", y="no", key="B",
    )  # fmt: skip
    assert request(task).messages[0].content == "A: yes; B: no; "
    assert gold_value(task.task.steps[0], task.rows[0]) == "B"


def test_a_candidate_that_reads_the_data_is_sent_no_messages(tmp_path: Path) -> None:
    write_csv(
        tmp_path / "d.csv", [{"id": 0, "body": "x", "label": "a"}, {"id": 1, "body": "y", "label": "b"}]
    )
    spec = """
dataset d { source = file("d.csv"); id = id; label = label in [a, b] }
dataset e { source = file("d.csv"); id = id; label = label }
model m { use = baseline("majority", train = e) }
task t { data = d; prompt = "{{ body }} a b"; answer = one_of(label); rank = accuracy }
"""
    (task,) = plan_of(tmp_path, spec).tasks
    found = request(task)
    assert (found.messages, found.parameters, found.logprobs) == ((), {}, False)
    assert found.columns == task.rows[0].values


STEPS: Mapping[str, tuple[str, object]] = {
    "number": ("gold = number(amount)", 8),
    "one_of([x, y])": ('gold = "x"', "x"),
    "yes_no": ('gold = "Yes"', "yes"),
    "text": ('gold = "free text"', "free text"),
}


@pytest.mark.parametrize("answer", STEPS)
def test_gold_has_the_form_of_an_answer(tmp_path: Path, answer: str) -> None:
    gold, expected = STEPS[answer]
    chain = f"""chain t {{ data = d
      step one {{ prompt = "{{{{ body }}}} x y"; answer = {answer}; {gold} }}
      step two {{ prompt = "{{{{ one }}}} a b"; answer = one_of(label) }} }}"""
    task = planned(tmp_path, chain, amount="8.0")
    found = gold_value(task.task.step("one"), task.rows[0])
    assert found == expected
    assert type(found) is type(expected)


def test_a_prompt_that_cannot_be_rendered_is_an_error_and_asks_nothing(tmp_path: Path) -> None:
    spec = (
        HOSTED
        + 'task t { data = d; prompt = "{{ 10 // (n | int) }} a b"; answer = one_of(label); rank = accuracy }'
    )
    write_csv(tmp_path / "d.csv", [{"id": 0, "label": "a", "n": 0}])
    asked: list[Json] = []

    def play(request: Request) -> Answer:
        asked.append({"asked": request.example})
        return Answer(response="a")

    ((trace,),) = played(plan_of(tmp_path, spec), {"m": play}).values()
    (step,) = trace.steps
    assert (asked, step.reply, step.reading.outcome.value) == ([], None, "error")
    assert "cannot be rendered" in (step.reading.why or "")
