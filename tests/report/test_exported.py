"""An export, read back by `recorded`, gives the same figures: for every source of confidence and outcome."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from evalspec.language.privacy import OPEN, privacy_of
from evalspec.models.model import Answer, Failure, FailureKind, Request, TokenChoice
from evalspec.pipeline import score
from evalspec.plan.plan import Plan
from evalspec.report.exported import Exported, exported, line_of
from score.worlds import RUN, Json, plan_of, played, write_csv

LABELS = ("a", "b", "c")
HOSTED = 'model m { use = "openai/m"; base_url = "http://127.0.0.1:9/v1" }\n'
RECORDED = 'model m { use = recorded("m.jsonl") }\n'
DATA = """
dataset d { source = file("d.csv"); id = id; label = label in [a, b, c] PRIVATE }
subset lang of d { by = lang }
costs c {
  unit = "usd"
  | truth \\ answer |  a | b |  c | abstain |
  | a              |  - | 4 |  9 |       1 |
  | b              | 12 | - |  2 |     1.5 |
  | c              |  3 | 7 |  - |       2 |
}
"""
TASK = """
task t {
  data = d; prompt = "Which? {{ id }}"; answer = one_of(label); costs = c
  abstain = when_cheaper; MORE
}
"""
SAME = ("order", "pairs", "examples", "unit", "ranked_by")
OF_CANDIDATE = (
    "outcomes",
    "metrics",
    "subsets",
    "confusion",
    "calibration",
    "policy",
    "rank",
    "viable",
    "usage",
)
Play = Callable[[Request], Answer | Failure]


def tickets(folder: Path, n: int = 60) -> None:
    rows = [
        {
            "id": i,
            "label": LABELS[i * 7 // 3 % 3],
            "lang": ("de", "en")[i % 2],
            "note": f"=note {i}",
            "side": "de"[i % 2],
        }
        for i in range(n)
    ]
    write_csv(folder / "d.csv", rows)


def chance(request: Request, more: str = "") -> random.Random:
    return random.Random(f"{request.example}/{request.step}/{request.sample}/{more}")


def by_tokens(request: Request) -> Answer:
    """A label with the probabilities of all three, some of it going to what is no label."""
    drawn = chance(request)
    weights = [drawn.random() ** 3 + 0.001 for _ in LABELS]
    shares = [math.log(0.9 * w / sum(weights)) for w in weights]
    best = max(range(3), key=shares.__getitem__)
    others = tuple((label, lp) for i, (label, lp) in enumerate(zip(LABELS, shares, strict=True)) if i != best)
    return Answer(
        response=LABELS[best],
        tokens=(TokenChoice(LABELS[best], shares[best], others),),
        latency_ns=drawn.randrange(10**9),
        first_token_ns=1234567,
        input_tokens=20 + drawn.randrange(9),
        output_tokens=1,
        served_model="m-2026",
        finish_reason="stop",
    )


def in_words(request: Request) -> Answer:
    drawn = chance(request)
    said = f"{drawn.choice(LABELS)}\nConfidence: {drawn.choice((60, 80, 95, 100))}%"
    return Answer(response=said, latency_ns=10**9, input_tokens=5, output_tokens=7)


def troubled(request: Request) -> Answer | Failure:
    """Every way in which a question can end, among answers."""
    match int(request.example) % 12:
        case 1:
            return Answer(response="I think it is a or b")
        case 2:
            return Answer(response="", refused=True)
        case 3:
            return Answer(response="The answer might well be", finish_reason="length")
        case 4:
            return Answer(response="a")  # without a probability
        case 5 if int(request.example) == 5:
            return Failure(kind=FailureKind.REJECTED, message="HTTP 400: \ud800 \x1b[31m")
        case 6:
            return Answer(response="b", tokens=(TokenChoice("b", 0.0),))  # certain
        case _:
            return by_tokens(request)


def rows_of(plan: Plan, play: Mapping[str, Play], *, open_: bool = True) -> list[Exported]:
    traces = played(plan, play)
    return [
        row
        for planned in plan.tasks
        for candidate in planned.candidates
        for row in exported(
            planned,
            candidate,
            traces[planned.task.name, candidate.name],
            OPEN if open_ else privacy_of(planned.task, plan.program.datasets),
        )
    ]


def figures(plan: Plan, play: Mapping[str, Play]) -> Json:
    (task,) = json.loads(score(plan, played(plan, play), dict(RUN)).to_json())["tasks"].values()
    kept = {name: task[name] for name in SAME}
    kept["candidates"] = {
        name: {k: found[k] for k in OF_CANDIDATE} for name, found in task["candidates"].items()
    }
    return kept


def alike(one: Any, other: Any, at: str = "") -> list[str]:
    """Where two documents differ by more than rounding."""
    if isinstance(one, dict) and isinstance(other, dict) and set(one) == set(other):
        return [d for k in one for d in alike(one[k], other[k], f"{at}.{k}")]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [d for i, (a, b) in enumerate(zip(one, other, strict=True)) for d in alike(a, b, f"{at}.{i}")]
    if isinstance(one, float) and isinstance(other, float):
        return [] if one == pytest.approx(other, rel=1e-9, abs=1e-12) else [f"{at}: {one} and {other}"]
    return [] if one == other else [f"{at}: {one!r} and {other!r}"]


def there_and_back(folder: Path, text: str, play: Play, *, open_: bool = True) -> list[Exported]:
    """Exports what was played, reads it back, and demands the same figures."""
    text = text.replace("PRIVATE", "")
    plan = plan_of(folder, text)
    rows = rows_of(plan, {"m": play}, open_=open_)
    (folder / "m.jsonl").write_text("".join(line_of(row.fields) + "\n" for row in rows), encoding="utf-8")
    again = plan_of(folder, text.replace(HOSTED, RECORDED))
    assert alike(figures(plan, {"m": play}), figures(again, {})) == []
    assert all(row.alike for row in rows)
    return rows


SOURCES: dict[str, tuple[str, Play]] = {
    "logprobs": ("confidence = logprobs", by_tokens),
    "logprobs recalibrated": ("confidence = logprobs; abstain = when_cheaper(recalibrated)", by_tokens),
    "stated": ("confidence = stated", in_words),
    "troubles": ("confidence = logprobs", troubled),
    "missing is wrong": ("confidence = logprobs; missing = wrong", troubled),
    "missing abstains": ("confidence = logprobs; missing = abstain", troubled),
    "least confident": ("confidence = stated; abstain = least_confident(20%)", in_words),
    "samples": ("confidence = logprobs; samples = 3", by_tokens),
    "votes": ("confidence = votes(5)", in_words),
}


@pytest.mark.parametrize("source", SOURCES)
def test_a_task_comes_back_as_it_was(tmp_path: Path, source: str) -> None:
    more, play = SOURCES[source]
    tickets(tmp_path)
    task = TASK.replace("MORE", more)
    if more.count("abstain ="):
        task = task.replace("abstain = when_cheaper; ", "", 1)
    rows = there_and_back(tmp_path, DATA + HOSTED + task, play)
    assert len(rows) == (180 if source == "samples" else 60)


def test_a_chain_with_a_condition_comes_back_as_it_was(tmp_path: Path) -> None:
    tickets(tmp_path)
    chain = """
chain t {
  data = d; costs = c; abstain = when_cheaper; confidence = product
  step first { prompt = "1 {{ id }}"; answer = one_of([d, e]); gold = side; confidence = stated }
  step second {
    prompt = "2 {{ first }} {{ id }}"; answer = one_of(label); confidence = stated; when = first == "d"
  }
  step third { prompt = "3 {{ id }}"; answer = one_of(label); confidence = stated }
}
"""

    def play(request: Request) -> Answer:
        drawn = chance(request)
        labels = ("d", "e") if request.step == "first" else LABELS
        return Answer(response=f"{drawn.choice(labels)}\nConfidence: {drawn.choice((70, 90))}%")

    rows = there_and_back(tmp_path, DATA + HOSTED + chain, play)
    assert {row.fields["step"] for row in rows} == {"first", "second", "third"}


def test_prompt_variants_come_back_as_they_were(tmp_path: Path) -> None:
    tickets(tmp_path)
    task = TASK.replace(
        'prompt = "Which? {{ id }}"', 'prompts { short = "{{ id }}"; long = "Which? {{ id }}" }'
    )
    text = (DATA + HOSTED + task.replace("MORE", "confidence = stated")).replace("PRIVATE", "")
    plan = plan_of(tmp_path, text)

    def play(request: Request) -> Answer:
        drawn = chance(request, request.variant)
        return Answer(response=f"{drawn.choice(LABELS)}\nConfidence: {drawn.choice((60, 95))}%")

    both = {"m/short": play, "m/long": play}
    rows = rows_of(plan, both)
    assert {row.fields["prompt"] for row in rows} == {"short", "long"}
    (tmp_path / "m.jsonl").write_text("".join(line_of(r.fields) + "\n" for r in rows), encoding="utf-8")
    again = plan_of(tmp_path, text.replace(HOSTED, RECORDED))
    read: dict[str, Play] = {c.name: recorded_by_variant(again, c.name) for c in again.tasks[0].candidates}
    assert alike(figures(plan, both), figures(again, read)) == []


def recorded_by_variant(plan: Plan, name: str) -> Play:
    from evalspec.language.candidates import Recorded
    from evalspec.models.recorded import recorded_model

    use = plan.program.models["m"].use
    assert isinstance(use, Recorded)
    return recorded_model(name.partition("/")[0], use, {"t"}, plan.program.variants).table.reply


def test_what_is_private_is_masked_and_labels_come_back_all_the_same(tmp_path: Path) -> None:
    tickets(tmp_path)
    text = (DATA + HOSTED + TASK.replace("MORE", "confidence = stated")).replace(
        "PRIVATE", "; private = [note]"
    )
    plan = plan_of(tmp_path, text)

    def play(request: Request) -> Answer:
        drawn = chance(request)
        said = f"After note {request.example}: {drawn.choice(LABELS)}\nConfidence: 90%"
        return Answer(response=said, extra={"echo": f"note {request.example}"})

    rows = rows_of(plan, {"m": play}, open_=False)
    lines = "".join(line_of(row.fields) + "\n" for row in rows)
    assert "note" not in lines
    assert "note 3" in "".join(line_of(row.fields) for row in rows_of(plan, {"m": play}))
    (tmp_path / "m.jsonl").write_text(lines, encoding="utf-8")
    again = plan_of(tmp_path, text.replace(HOSTED, RECORDED))
    assert alike(figures(plan, {"m": play}), figures(again, {})) == []


def test_what_would_be_read_otherwise_is_known(tmp_path: Path) -> None:
    """A free text that is private cannot be masked and still be judged."""
    tickets(tmp_path, 3)
    text = (
        DATA.replace("PRIVATE", "; private = [note]")
        + HOSTED
        + ('task t { data = d; prompt = "{{ note }}"; answer = text; gold = label; score = contains() }')
    )
    plan = plan_of(tmp_path, text)
    rows = rows_of(plan, {"m": lambda _: Answer(response="it is a")}, open_=False)
    assert [row.alike for row in rows] == [False] * 3
    assert all("it is a" not in line_of(row.fields) for row in rows)
