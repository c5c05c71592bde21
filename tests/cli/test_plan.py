"""A plan asks nobody, needs no variable, and can be run as long as spec and data are what they were."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import servers
from cli.commands import Ended, each, evalspec, outcomes, results
from cli.tickets import number_in, queue, spec, write_job

COUNT = 24
MODELS = """
provider gateway { base_url = env("LLM_URL"); api_key = env("LLM_KEY") }
model mini {
  use = "mini"; provider = gateway; temperature = 0; max_tokens = 5
  price { input = $1.00; output = $2.00 }
}
model maxi { use = "maxi"; provider = gateway }
"""


@pytest.fixture
def server() -> Iterator[servers.ChatServer]:
    with servers.chat_server(lambda body: queue(number_in(body))) as server:
        yield server


def row(ended: Ended, name: str) -> list[str]:
    """A candidate's cells: requests, in the store, to ask."""
    return next(line.split() for line in ended.out.splitlines() if line.startswith(name))[1:4]


def test_a_plan_counts_and_shows_without_any_variable(tmp_path: Path) -> None:
    folder = write_job(tmp_path, COUNT, spec(MODELS))
    planned, shown = each(["plan", "route.eval"], ["plan", "route.eval", "--show", "2"], at=folder)
    assert (planned.code, planned.err) == (0, "")
    assert row(planned, "mini")[0] == str(COUNT)
    assert "$0.00" in planned.out
    assert shown.code == 0
    assert shown.out.count("── route · t") == 2  # both candidates are asked the same, told once
    assert shown.out.count(" · mini, maxi") == 2
    assert "Queue? billing, bug, abuse, other ticket number 1 of many" in shown.out
    assert '[parameters] mini: {"temperature": 0, "max_tokens": 5}' in shown.out
    assert not (folder / ".evalspec").exists()


def test_a_plan_knows_what_the_store_has(tmp_path: Path, server: servers.ChatServer) -> None:
    env = {"LLM_URL": server.url, "LLM_KEY": "sk-0123456789"}
    folder = write_job(tmp_path, COUNT, spec(MODELS))
    assert evalspec("run", "route.eval", "-n", "10", "--models", "mini", at=folder, env=env).code == 0
    planned = evalspec("plan", "route.eval", at=folder, env=env)
    assert row(planned, "mini") == [str(COUNT), "10", str(COUNT - 10)]
    assert row(planned, "maxi") == [str(COUNT), "0", str(COUNT)]
    assert row(evalspec("plan", "route.eval", at=folder), "mini") == [str(COUNT), "?", "?"]
    assert len(server.requests) == 10


def test_a_plan_is_run_as_it_was_made(tmp_path: Path, server: servers.ChatServer) -> None:
    env = {"LLM_URL": server.url, "LLM_KEY": "sk-0123456789"}
    folder = write_job(tmp_path, COUNT, spec(MODELS))
    (folder / "plans").mkdir()
    flags = ["-n", "10", "--models", "mini", "--seed", "3", "-o", "plans/ten.json"]
    assert evalspec("plan", "route.eval", *flags, at=folder).code == 0
    plan = json.loads((folder / "plans" / "ten.json").read_text())
    assert plan["tasks"]["route"]["candidates"]["mini"]["requests"] == 10
    ran = evalspec("run", "plans/ten.json", "-o", "r.json", at=folder, env=env)
    assert ran.code == 0
    assert outcomes(results(folder)) == {"answered": 10}
    asked = {f"t{number_in(body)}" for body in server.bodies}
    assert asked == set(plan["tasks"]["route"]["examples"])
    assert (folder / ".evalspec").is_dir()  # beside the spec, not beside the plan

    text = (folder / "route.eval").read_text()
    (folder / "route.eval").write_text(text + "\n# a remark\n")
    (changed,) = each(["run", "plans/ten.json"], at=folder)
    (folder / "route.eval").write_text(text)
    (folder / "tickets.csv").write_text(
        (folder / "tickets.csv").read_text() + "t99,ticket number 99 of many,bug\n"
    )
    (folder / "odd.json").write_text('{"format": "evalspec.results/1"}')
    data, odd, none = each(["run", "plans/ten.json"], ["run", "odd.json"], ["plan", "none.json"], at=folder)
    for ended, why in [
        (changed, "the spec has changed since this plan was made"),
        (data, "the data have changed since this plan was made"),
        (odd, "this is no plan"),
        (none, "this is no plan"),
    ]:
        assert (ended.code, ended.out) == (1, "")
        assert f"error[E0703]: {why}" in ended.err
        assert "evalspec plan SPEC -o FILE" in ended.err
    assert len(server.requests) == 10


def test_a_plan_that_cannot_be_made_or_written(tmp_path: Path) -> None:
    folder = write_job(tmp_path, COUNT, spec(MODELS))
    refused = each(
        ["plan", "route.eval", "-o", "plan.txt"],
        ["plan", "route.eval", "-o", "nowhere/plan.json"],
        ["plan", "route.eval", "--show", "0"],
        ["plan", "route.eval", "--models", "nobody"],
        ["plan", "route.eval", "--diff", "route.eval", "--show", "1"],
        at=folder,
    )
    assert [(ended.code, ended.out) for ended in refused] == [(2, "")] * 5


def test_the_exact_messages_escaped_and_with_what_is_added_for_the_confidence(tmp_path: Path) -> None:
    evil = "\x1b[2J and {{ 7 * 7 }} \u202e"
    folder = write_job(tmp_path, 3, spec(MODELS, task="confidence = stated"))
    (folder / "tickets.csv").write_text(f"id,body,queue\nt0,ticket number 0 {evil},bug\n")
    shown = evalspec("plan", "route.eval", "--show", "1", "--format", "json", at=folder)
    (asked,) = json.loads(shown.out)
    assert [m["role"] for m in asked["messages"]] == ["user"]
    text = asked["messages"][0]["content"]
    assert evil in text  # data are values: rendered once, and sent as they are
    assert text.endswith("Confidence: N%")
    assert [(way["candidates"], way["confidence"]) for way in asked["asked_by"]] == [
        (["mini"], "stated"),
        (["maxi"], "stated"),
    ]
    printed = evalspec("plan", "route.eval", "--show", "1", at=folder)
    assert "\x1b" not in printed.out
    assert "\\x1b[2J and {{ 7 * 7 }} \\u202e" in printed.out
    assert "[confidence] mini: stated: the last paragraph asks for it" in printed.out


def test_two_plans_are_compared_by_what_they_ask(tmp_path: Path) -> None:
    folder = write_job(tmp_path, COUNT, spec(MODELS))
    one = MODELS.replace('model maxi { use = "maxi"; provider = gateway }', "")
    (folder / "less.eval").write_text(spec(one))
    (folder / "warm.eval").write_text(spec(MODELS.replace("temperature = 0", "temperature = 1")))
    less, warm, ten, same = each(
        ["plan", "route.eval", "--diff", "less.eval"],
        ["plan", "route.eval", "--diff", "warm.eval"],
        ["plan", "route.eval", "-n", "10", "--diff", "route.eval"],
        ["plan", "route.eval", "--diff", "route.eval"],
        at=folder,
    )
    assert "24 requests more than less.eval and 0 less" in less.out
    assert [line.split()[1:] for line in less.out.splitlines() if line.startswith("route")] == [
        ["mini", "24", "0", "0"],
        ["maxi", "0", "24", "0"],
    ]
    assert "24 requests more than warm.eval and 24 less" in warm.out
    assert "the same requests as route.eval" in ten.out  # what is selected holds for both
    assert "the same requests as route.eval" in same.out
    assert [ended.code for ended in (less, warm, ten, same)] == [0] * 4
