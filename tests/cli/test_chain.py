"""A chain whose errors are planted at the server, one by one: every figure is known beforehand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

import servers
from cli.commands import Document, Ended, candidate, evalspec, results
from cli.tickets import model, times_asked

COUNT = 120
EXAMPLES = range(COUNT)
OFF = 1000  # by how much a wrong extraction is off


def amount(number: int) -> int:
    return 100 + 7 * number


def verdict(number: int) -> str:
    return "reject" if number % 4 == 0 else "approve"


def other(answer: str) -> str:
    return "approve" if answer == "reject" else "reject"


# What goes wrong. The three kinds of trouble at the first step never meet.
MISREAD = {n for n in EXAMPLES if n % 6 == 0}
SILENT = {n for n in EXAMPLES if n % 10 == 7}
MISJUDGED = {n for n in EXAMPLES if n % 5 == 0}  # given the right amount
LUCKY = {n for n in EXAMPLES if n % 12 == 0}  # right in spite of a wrong amount

SPEC = """
dataset claims {{ source = file("claims.csv"); id = id; label = verdict in [approve, reject] }}
{model}
chain settle {{
  data = claims
  step extract {{
    prompt = "The amount of {{{{ body }}}}"
    answer = number
    gold = number(amount)
  }}
  step decide {{
    prompt = "Is {{{{ extract }}}} fair for {{{{ body }}}}? {{{{ labels | join(' or ') }}}}"
    answer = one_of(verdict)
  }}
  rank = end_to_end
}}
"""


def answer(body: servers.Body) -> str:
    prompt = servers.prompt_of(body)
    found = re.search(r"claim number (\d+) ", prompt)
    assert found is not None
    number = int(found[1])
    read = re.match(r"Is (\d+) fair", prompt)
    if read is None:
        if number in SILENT:
            return "I cannot find it."
        return f"It is {amount(number) + OFF * (number in MISREAD)}"
    if int(read[1]) == amount(number):
        return other(verdict(number)) if number in MISJUDGED else verdict(number)
    return verdict(number) if number in LUCKY else other(verdict(number))


@dataclass(frozen=True, slots=True)
class Job:
    ended: Ended
    found: Document
    requests: Document
    bodies: list[servers.Body]
    again: Ended
    seen_again: int
    planned: Ended


def prepare(folder: Path) -> Job:
    """The commands, run."""
    rows = [f"c{n},claim number {n} of many,{amount(n)},{verdict(n)}" for n in EXAMPLES]
    (folder / "claims.csv").write_text("\n".join(["id,body,amount,verdict", *rows]) + "\n")
    with servers.chat_server(answer) as server:
        (folder / "settle.eval").write_text(SPEC.format(model=model(server.url)))
        planned = evalspec("plan", "settle.eval", at=folder)
        ended = evalspec("run", "settle.eval", "-o", "r.json", at=folder)
        bodies = server.bodies
        again = evalspec("run", "settle.eval", "-o", "again.json", at=folder)
        document = results(folder)
        return Job(
            ended=ended,
            found=candidate(document, task="settle"),
            requests=document["run"]["requests"],
            bodies=bodies,
            again=again,
            seen_again=len(server.requests) - len(bodies),
            planned=planned,
        )


READ = set(EXAMPLES) - MISREAD - SILENT
RIGHT = (READ - MISJUDGED) | (MISREAD & LUCKY)


def test_the_steps_are_as_right_as_was_planted(job: Job) -> None:
    assert job.ended.code == 0
    extract, decide = job.found["steps"]["extract"], job.found["steps"]["decide"]
    assert extract["free"]["accuracy"]["value"] == pytest.approx(len(READ) / COUNT)
    assert extract["given_gold"]["accuracy"]["value"] == pytest.approx(len(READ) / COUNT)
    assert decide["free"]["accuracy"]["value"] == pytest.approx(len(RIGHT) / COUNT)
    assert decide["given_gold"]["accuracy"]["value"] == pytest.approx(1 - len(MISJUDGED) / COUNT)
    assert [step["free"]["accuracy"]["n"] for step in (extract, decide)] == [COUNT, COUNT]
    assert [step["given_gold"]["accuracy"]["n"] for step in (extract, decide)] == [COUNT, COUNT]


def test_where_chains_fail_first(job: Job) -> None:
    extract, decide = job.found["steps"]["extract"], job.found["steps"]["decide"]
    assert extract["first_failures"] == len(MISREAD | SILENT) == 32
    assert decide["first_failures"] == len(READ & MISJUDGED)
    assert extract["hazard"]["value"] == pytest.approx(32 / COUNT)
    assert decide["hazard"]["value"] == pytest.approx(len(READ & MISJUDGED) / len(READ))
    assert decide["hazard"]["n"] == len(READ)


def test_how_errors_compound(job: Job) -> None:
    compounding = job.found["compounding"]
    product = (len(READ) / COUNT) * (len(RIGHT) / COUNT)
    all_right = len(READ - MISJUDGED) / COUNT
    assert compounding["end_to_end"]["value"] == pytest.approx(len(RIGHT) / COUNT)
    assert compounding["all_right"]["value"] == pytest.approx(all_right)
    assert compounding["product_of_steps"] == pytest.approx(product)
    assert compounding["dependence_gap"] == pytest.approx(all_right - product)
    assert job.found["metrics"]["end_to_end"]["value"] == pytest.approx(len(RIGHT) / COUNT)


def test_what_is_asked_alike_is_asked_once(job: Job) -> None:
    """The right amounts make the same second question freely and given gold; the silent have none freely."""
    distinct = COUNT + COUNT + len(MISREAD)
    assert set(times_asked(job.bodies).values()) == {1}
    assert len(job.bodies) == distinct == 260
    assert job.requests == {"planned": distinct, "sent": distinct, "retried": 0, "from_store": 0, "failed": 0,
                            "spent_usd": None}  # fmt: skip


def test_the_plan_knew_how_many_at_most(job: Job) -> None:
    row = next(line.split() for line in job.planned.out.splitlines() if line.startswith("mini"))
    assert row[1] == str(2 * COUNT)  # known: the first step, and the second one given gold
    assert f"at most {COUNT}" in job.planned.out


def test_the_second_run_asks_nothing(job: Job) -> None:
    assert job.again.code == 0
    assert job.again.out == job.ended.out
    assert job.seen_again == 0
