"""Simulated candidates from the command line: made up, said to be made up, for every answer type."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.commands import candidate, evalspec, lasting, results
from cli.tickets import spec, write_job

SIM = 'model {name} {{ use = simulated(accuracy = {accuracy}%, confidence = "{kind}", latency = 600ms) }}\n'
MODELS = SIM.format(name="steady", accuracy=85, kind="calibrated") + SIM.format(
    name="brash", accuracy=70, kind="overconfident"
)
DECIDING = "costs = dear; abstain = when_cheaper"
COSTS = "costs dear { right = 0; wrong = 20; abstain = 2 }"


def test_what_is_made_up_is_marked_in_every_form(tmp_path: Path) -> None:
    write_job(tmp_path, 400, spec(MODELS, task=DECIDING, blocks=COSTS))
    ran = evalspec("run", "route.eval", "-o", "r.json", "-o", "r.md", at=tmp_path)
    assert ran.code == 0
    assert ran.out.startswith("route: 400 examples, ranked by accuracy (higher is better), SIMULATED")
    assert "made up from the right ones" in " ".join(ran.out.split())
    assert "SIMULATED" in (tmp_path / "r.md").read_text()
    found = results(tmp_path)
    assert found["run"]["simulated"] is True
    assert found["run"]["requests"]["sent"] == 0
    steady, brash = candidate(found, "steady"), candidate(found, "brash")
    assert steady["simulated"] is brash["simulated"] is True
    assert steady["latency"]["measured"] == "simulated"
    assert steady["latency"]["service"]["p50"]["value"] == pytest.approx(0.6, rel=0.1)
    assert steady["metrics"]["accuracy"]["value"] == pytest.approx(0.85, abs=0.06)
    assert steady["metrics"]["ece"]["p_value"] > 0.001
    assert brash["metrics"]["overconfidence"]["low"] > 0


def test_the_same_seed_makes_up_the_same_and_another_does_not(tmp_path: Path) -> None:
    write_job(tmp_path, 60, spec(MODELS))
    evalspec("run", "route.eval", "-o", "r.json", at=tmp_path)
    evalspec("run", "route.eval", "-o", "again.json", at=tmp_path)
    evalspec("score", "last", "-o", "scored.json", at=tmp_path)
    evalspec("run", "route.eval", "--seed", "7", "-o", "other.json", at=tmp_path)
    assert lasting(results(tmp_path, "again.json")) == lasting(results(tmp_path))
    assert lasting(results(tmp_path, "scored.json")) == lasting(results(tmp_path))
    assert results(tmp_path, "other.json")["tasks"] != results(tmp_path)["tasks"]


def test_fewer_examples_change_no_answer_of_those_that_are_left(tmp_path: Path) -> None:
    write_job(tmp_path, 60, spec(MODELS))
    evalspec("run", "route.eval", at=tmp_path)
    whole = evalspec("show", "last", "-n", "60", at=tmp_path).out
    evalspec("run", "route.eval", "-n", "5", at=tmp_path)
    some = evalspec("show", "last", "-n", "5", at=tmp_path).out
    said = [line for line in some.splitlines() if line.startswith(" > ")]
    assert len(said) == 10
    assert all(line in whole for line in said)


ANSWERS = {
    "yes_no": 'answer = yes_no; gold = queue == "bug"',
    "number": "answer = number(within = 1%); gold = words(body) + 7",
    "text": "answer = text; gold = body; score = exact()",
    "some_of": "answer = some_of([billing, bug, abuse, other]); gold = queue",
    "json": "answer = json(queue = one_of([billing, bug, abuse, other]), body = text)",
    "a phrase": 'answer = one_of(queue); extract = last(r"Answer: (.*)")',
    "a stated confidence": "answer = one_of(queue); confidence = stated",
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_answers_of_every_kind_are_made_up(tmp_path: Path, kind: str) -> None:
    gold = "" if "gold" in ANSWERS[kind] else GOLDS.get(kind, "gold = queue")
    text = f"""
dataset tickets {{ source = file("tickets.csv"); id = id }}
model sim {{ use = simulated(accuracy = 70%) }}
task route {{ data = tickets; {ANSWERS[kind]}; {gold}; rank = accuracy }}
"""
    write_job(tmp_path, 200, text)
    ran = evalspec("run", "route.eval", "-o", "r.json", at=tmp_path)
    assert ran.code == 0, ran.err
    found = candidate(results(tmp_path), "sim")
    assert {o for o, n in found["outcomes"].items() if n} == {"answered"}
    assert found["metrics"]["accuracy"]["value"] == pytest.approx(0.7, abs=0.13)
    assert found["metrics"]["mean_confidence"]["value"] == pytest.approx(0.7, abs=0.1)


GOLDS = {"json": "gold { queue = queue; body = body }"}


def test_each_step_of_a_chain_is_made_up(tmp_path: Path) -> None:
    chain = """
dataset tickets { source = file("tickets.csv"); id = id; label = queue }
model sim { use = simulated(accuracy = 80%) }
chain route {
  data = tickets
  step first { prompt = "{{ body }}"; answer = one_of(queue); gold = queue }
  step second { prompt = "{{ first }}: {{ body }}"; answer = one_of(queue); gold = queue }
  rank = accuracy
}
"""
    write_job(tmp_path, 200, chain)
    ran = evalspec("run", "route.eval", "-o", "r.json", at=tmp_path)
    assert ran.code == 0, ran.err
    steps = candidate(results(tmp_path), "sim")["steps"]
    for step in steps.values():
        assert step["free"]["accuracy"]["value"] == pytest.approx(0.8, abs=0.12)


def test_without_a_gold_nothing_can_be_made_up(tmp_path: Path) -> None:
    text = """
dataset tickets { source = file("tickets.csv"); id = id }
model sim { use = simulated(accuracy = 70%) }
task route { data = tickets; models = [sim]; answer = text; score = matches(r"b"); rank = accuracy }
"""
    write_job(tmp_path, 20, text)
    checked = evalspec("check", "route.eval", at=tmp_path)
    assert checked.code == 1
    assert "error[E0417]" in checked.err
    assert "answers are made up from the gold, and it has none" in checked.err
