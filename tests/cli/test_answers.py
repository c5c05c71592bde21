"""Answers that have parts, asked of a server and read from what it says: every figure worked by hand."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pytest import approx  # noqa: PT013

import servers
from cli.commands import Document, Ended, evalspec, results

ROWS = [
    {"id": "1", "doc": "ACME wants 12.50, urgent", "vendor": "ACME", "amount": 12.5, "due": True,
     "tags": ["urgent"], "call": {"name": "pay", "arguments": {"to": "ACME", "amount": 12.5}},
     "note": "due today"},
    {"id": "2", "doc": "Bolt wants 7", "vendor": "Bolt", "amount": 7, "due": False,
     "tags": [], "call": {"name": "wait", "arguments": {}}, "note": "paid in full"},
    {"id": "3", "doc": "Cog wants 30, urgent, late", "vendor": "Cog", "amount": 30, "due": True,
     "tags": ["urgent", "late"], "call": {"name": "pay", "arguments": {"to": "Cog", "amount": 30}},
     "note": "two weeks late"},
    {"id": "4", "doc": "Dyn wants 1, late", "vendor": "Dyn", "amount": 1, "due": False,
     "tags": ["late"], "call": {"name": "pay", "arguments": {"to": "Dyn", "amount": 1}}, "note": "nothing"},
]  # fmt: skip
TOOLS = [
    {"name": "pay", "description": "Pays an invoice.", "parameters": {
        "type": "object",
        "properties": {"to": {"type": "string"}, "amount": {"type": "number"}},
        "required": ["to", "amount"],
    }},
    {"name": "wait", "parameters": {"type": "object", "properties": {}}},
]  # fmt: skip
SPEC = """
dataset invoices { source = file("invoices.jsonl"); id = id }
model mini { use = "openai/mini"; base_url = "URL" }
costs mistakes { right = 0; wrong = 10; invalid = 4; abstain = 2 }
costs alarms {
  | truth \\ answer | yes | no | abstain |
  | yes            |   - |  5 |       1 |
  | no             |   3 |  - |       1 |
}
task extract {
  data = invoices
  prompt = "extract: {{ doc }}"
  answer = json(vendor = text, amount = number(within = 1%), sure = number)
  enforce = true
  confidence = field(sure)
  costs = mistakes
  abstain = when_cheaper
  require { accuracy(vendor) >= 60% }
}
task tag {
  data = invoices
  prompt = "tag ({{ labels | join(', ') }}): {{ doc }}"
  answer = some_of([urgent, late])
  gold = tags
}
task act {
  data = invoices
  prompt = "act: {{ doc }}"
  answer = tool_call(file("tools.json"))
  enforce = true
  gold = call
  costs = mistakes
}
task note {
  data = invoices
  prompt = "note: {{ doc }}"
  answer = text
  gold = note
  scores { same = exact(ignore = [case]); near = token_f1 }
  right = same or near >= 0.6
  rank = near
}
task weigh {
  data = invoices
  prompt = "weigh: {{ doc }}"
  answer = yes_no
  gold = due
  confidence = fields(yes, no)
  costs = alarms
  abstain = when_cheaper
}
chain decide {
  data = invoices
  step read {
    prompt = "read: {{ doc }}"
    answer = json(vendor = text, amount = number)
    gold { vendor = vendor; amount = amount }
  }
  step large { prompt = "large: {{ read.amount }}"; answer = yes_no; gold = amount > 10 }
}
"""
UNREADABLE = "I cannot read it."
REPLIES: dict[str, dict[str, servers.Reply | str]] = {
    "extract": {
        "ACME": 'Here:\n```json\n{"vendor": "ACME", "amount": "12.50", "sure": 0.9}\n```',
        "Bolt": '{"vendor": "Bolt", "amount": 8, "sure": "60%"}',
        "Cog": '{"vendor": "Cog", "amount": 30.1, "sure": 3}',
        "Dyn": UNREADABLE,
    },
    "tag": {"ACME": "urgent", "Bolt": "none", "Cog": '["late", "urgent"]', "Dyn": "urgent, late"},
    "act": {
        "ACME": servers.Reply(text=None, calls=[("pay", '{"amount": 12.5, "to": "ACME"}')]),
        "Bolt": servers.Reply(text=None, calls=[("pay", '{"to": "Bolt", "amount": 7}')]),
        "Cog": servers.Reply(text="Paying.", calls=[("pay", '{"to": "Cog", "amount": 30.0}')]),
        "Dyn": servers.Reply(text=None, calls=[("wait", "{}"), ("wait", "{}")]),
    },
    "note": {"ACME": "Due today", "Bolt": "paid full", "Cog": "late", "Dyn": " "},
    "weigh": {
        "ACME": '{"yes": 0.8, "no": 0.2}',
        "Bolt": '{"yes": 70, "no": 30}',
        "Cog": '{"yes": 0.9, "no": 0.4}',
        "Dyn": '{"no": 1, "yes": 0}',
    },
    "read": {
        "ACME": '{"vendor": "ACME", "amount": 12.5}',
        "Bolt": '{"vendor": "Bolt", "amount": 8}',
        "Cog": '{"vendor": "Cog", "amount": 30.0}',
        "Dyn": UNREADABLE,
    },
}


def asked(body: servers.Body) -> str:
    """What a request asks, as text."""
    return str(body["messages"][-1]["content"])


def answer(body: servers.Body) -> servers.Reply | str:
    """What the server says to a request."""
    what, _, about = asked(body).partition(":")
    if what == "large":
        return "yes" if float(about) > 10 else "no"
    vendor = next(name for name in ("ACME", "Bolt", "Cog", "Dyn") if name in about)
    return REPLIES[what.partition(" ")[0]][vendor]


@dataclass(frozen=True, slots=True)
class Job:
    """A run, what it asked, and the same run scored again."""

    run: Ended
    scored: Ended
    shown: Ended
    bodies: list[servers.Body]
    results: Document
    again: Document


def prepare(folder: Path) -> Job:
    """The commands, run."""
    lines = "".join(json.dumps(row) + "\n" for row in ROWS)
    (folder / "invoices.jsonl").write_text(lines, encoding="utf-8")
    (folder / "tools.json").write_text(json.dumps(TOOLS), encoding="utf-8")
    with servers.chat_server(answer) as server:
        (folder / "s.eval").write_text(SPEC.replace("URL", server.url), encoding="utf-8")
        run = evalspec("run", "s.eval", "-o", "r.json", at=folder)
        bodies = server.bodies
        scored = evalspec("score", "last", "-o", "scored.json", at=folder)
        shown = evalspec("show", "last", "-n", "4", at=folder)
        assert len(server.requests) == len(bodies)
    return Job(run, scored, shown, bodies, results(folder), results(folder, "scored.json"))


def mini(job: Job, task: str) -> Any:
    """The candidate in a task."""
    return job.results["tasks"][task]["candidates"]["mini"]


def value(job: Job, task: str, metric: str) -> Any:
    """The value of a metric."""
    return mini(job, task)["metrics"][metric]["value"]


def bodies_of(job: Job, what: str) -> list[servers.Body]:
    """The requests that ask something."""
    return [body for body in job.bodies if asked(body).startswith(what)]


def test_it_succeeds(job: Job) -> None:
    assert (job.run.code, job.scored.code, job.shown.code) == (0, 0, 0), job.run.err


class TestJson:
    def test_all_fields_make_an_answer_right_and_each_has_its_own_accuracy(self, job: Job) -> None:
        assert value(job, "extract", "accuracy") == approx(2 / 4)
        assert {n: f["value"] for n, f in mini(job, "extract")["fields"].items()} == {
            "vendor": approx(3 / 4),
            "amount": approx(2 / 4),
        }
        assert mini(job, "extract")["outcomes"]["no_answer"] == 1

    def test_its_confidence_is_a_field_and_prices_its_answers(self, job: Job) -> None:
        assert mini(job, "extract")["confidence"] == {"source": "field", "n": 2, "missing": 1}
        # 0.9 sure: given, right. 0.6 sure and not sure at all: withheld at 2 each. Unreadable: 4.
        assert value(job, "extract", "expected_cost") == approx((0 + 2 + 2 + 4) / 4)
        assert value(job, "extract", "mean_confidence") == approx((0.9 + 0.6) / 2)

    def test_a_bound_may_be_on_a_field(self, job: Job) -> None:
        (required,) = mini(job, "extract")["requirements"]
        assert (required["clause"], required["value"]) == ("accuracy(vendor) >= 60%", approx(3 / 4))

    def test_the_provider_is_sent_the_schema(self, job: Job) -> None:
        sent = [body["response_format"] for body in bodies_of(job, "extract")]
        held = sent[0]["json_schema"]
        assert (sent[0]["type"], held["strict"]) == ("json_schema", True)
        assert list(held["schema"]["properties"]) == ["vendor", "amount", "sure"]
        assert held["schema"]["additionalProperties"] is False
        assert all("response_format" not in body for body in bodies_of(job, "read"))


def test_a_set_is_right_when_it_is_equal(job: Job) -> None:
    assert value(job, "tag", "accuracy") == approx(3 / 4)
    assert {asked(body).partition(":")[0] for body in bodies_of(job, "tag")} == {"tag (urgent, late)"}


class TestCalls:
    def test_name_and_arguments_make_a_call_right(self, job: Job) -> None:
        assert value(job, "act", "accuracy") == approx(2 / 4)
        assert value(job, "act", "invalid_rate") == approx(1 / 4)  # two calls at once
        assert value(job, "act", "expected_cost") == approx((0 + 10 + 0 + 4) / 4)

    def test_the_provider_is_sent_the_tools(self, job: Job) -> None:
        body = bodies_of(job, "act")[0]
        assert [tool["function"]["name"] for tool in body["tools"]] == ["pay", "wait"]
        assert {tool["type"] for tool in body["tools"]} == {"function"}
        assert body["tool_choice"] == "required"

    def test_a_person_sees_what_was_called(self, job: Job) -> None:
        assert '{"name": "pay", "arguments": {"amount": 12.5, "to": "ACME"}}' in job.shown.out


class TestScores:
    def test_scores_are_metrics_by_their_names(self, job: Job) -> None:
        near = mini(job, "note")["metrics"]["near"]
        assert near["value"] == approx((1 + 0.8 + 0.5 + 0) / 4)
        assert near["low"] < near["value"] < near["high"]
        assert value(job, "note", "same") == approx(1 / 4)
        assert job.results["tasks"]["note"]["ranked_by"] == "near"

    def test_what_is_right_is_said_over_them(self, job: Job) -> None:
        assert value(job, "note", "accuracy") == approx(2 / 4)


def test_probabilities_in_an_object_choose_and_price_the_answer(job: Job) -> None:
    assert mini(job, "weigh")["confidence"] == {"source": "fields", "n": 3, "missing": 1}
    assert value(job, "weigh", "accuracy") == approx(3 / 4)
    # 0.8: 0.6 is cheaper than 1, right. 0.7: 0.9 is cheaper than 1, wrong: 3. No sum of 1: withheld at 1.
    assert value(job, "weigh", "expected_cost") == approx((0 + 3 + 1 + 0) / 4)


def test_a_later_step_reads_a_field_of_an_earlier_answer_or_of_its_gold(job: Job) -> None:
    heard = sorted(asked(body) for body in bodies_of(job, "large"))
    assert heard == ["large: 1", "large: 12.5", "large: 30", "large: 7", "large: 8"]
    steps = mini(job, "decide")["steps"]
    assert steps["read"]["free"]["accuracy"]["value"] == approx(2 / 4)
    assert steps["large"]["given_gold"]["accuracy"]["value"] == approx(1)
    assert value(job, "decide", "end_to_end") == approx(3 / 4)


@pytest.mark.parametrize("task", ["extract", "tag", "act", "note", "weigh", "decide"])
def test_scoring_what_was_kept_finds_the_same(job: Job, task: str) -> None:
    found, again = (document["tasks"][task] for document in (job.results, job.again))
    assert found == again
