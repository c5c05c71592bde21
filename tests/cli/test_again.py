"""Specs that change after a run: what asks anew, what only scores anew, and how stored runs are named."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import servers
from cli.commands import Document, Ended, candidate, each, evalspec, results
from cli.tickets import model, number_in, queue, spec, write_job, wrong_queue

COUNT = 40
COSTS = """costs misrouting {{
  unit = "usd"
  | truth \\ answer | billing | bug | abuse | other |
  | billing        |       - |   {bug} |     9 |     2 |
  | bug            |       2 |   - |     9 |     1 |
  | abuse          |      40 |  40 |     - |    40 |
  | other          |       1 |   1 |     9 |     - |
}}"""
BOUND = "require {{ accuracy >= {share}; else = mark }}"


def answer(body: servers.Body) -> str:
    """Right for three tickets of four; what is said last is wrong, which an extraction may look at."""
    number = number_in(body)
    label = queue(number) if number % 4 else wrong_queue(number)
    return f"<<{label}>>"


@dataclass(slots=True)
class Desk:
    """A spec that is changed again and again over one store; every command says how much was asked."""

    folder: Path
    server: servers.ChatServer

    def write(
        self,
        *,
        bug: int = 2,
        share: str = "60%",
        extract: str = "<<(.*)>>",
        prompt: str = "Queue? {{ labels | join(', ') }} {{ body }}",
    ) -> None:
        task = f'costs = misrouting; extract = first(r"{extract}")\n' + BOUND.format(share=share)
        text = spec(model(self.server.url), task=task, blocks=COSTS.format(bug=bug), prompt=prompt)
        (self.folder / "route.eval").write_text(text)

    def do(self, *arguments: object) -> tuple[Ended, int]:
        before = len(self.server.requests)
        ended = evalspec(*arguments, at=self.folder)
        return ended, len(self.server.requests) - before

    def found(self, name: str = "r.json") -> Document:
        return candidate(results(self.folder, name))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with servers.chat_server(answer) as server:
        desk = Desk(write_job(tmp_path, COUNT, ""), server)
        desk.write()
        yield desk


def test_what_only_scores_asks_nothing_and_what_asks_asks_again(desk: Desk) -> None:
    unkept, asked = desk.do("run", "route.eval", "--no-cache")
    assert (unkept.code, asked) == (0, COUNT)
    assert "(nothing is kept)" in unkept.err
    assert not (desk.folder / ".evalspec").exists()
    first, asked = desk.do("run", "route.eval", "-o", "r.json")
    assert (first.code, asked) == (0, COUNT)
    assert desk.found()["metrics"]["expected_cost"]["value"] == pytest.approx(10 * 2 / COUNT)
    assert desk.found()["requirements"][0]["verdict"] == "undecided"

    desk.write(bug=20, share="95%")  # a cost and a bound
    scored, asked = desk.do("score", "last", "-o", "scored.json")
    assert (scored.code, asked) == (0, 0)
    assert desk.found("scored.json")["metrics"]["expected_cost"]["value"] == pytest.approx(10 * 20 / COUNT)
    assert desk.found("scored.json")["requirements"][0]["verdict"] == "not_met"
    again, asked = desk.do("run", "route.eval", "-o", "r.json")
    assert (again.code, asked) == (0, 0)
    assert again.out == scored.out

    desk.write(extract="<<(abuse)>>")  # an extraction that few answers fit
    scored, asked = desk.do("score", "last", "-o", "scored.json")
    assert asked == 0
    assert desk.found("scored.json")["outcomes"]["no_answer"] == COUNT - 10

    desk.write(prompt="queue? {{ labels | join(', ') }} {{ body }}")  # one letter of the prompt
    scored, asked = desk.do("score", "last")
    assert (scored.code, scored.out, asked) == (1, "", 0)
    assert "would be asked for differently now" in scored.err
    assert "`evalspec run route.eval` asks what is missing" in scored.err
    assert desk.do("run", "route.eval", "--max-age", "7d")[1] == COUNT
    assert desk.do("run", "route.eval", "--max-age", "0h")[1] == COUNT


def test_changed_data_are_not_scored_under_an_old_run(desk: Desk) -> None:
    flags = ["--limit", "30", "--models", "mini", "--store", "my store"]
    assert desk.do("run", "route.eval", *flags)[1] == 30
    data = desk.folder / "tickets.csv"
    data.write_text(
        data.read_text().replace("t7,ticket number 7 of many,other", "t7,ticket number 7 of many,bug")
    )
    scored, asked = desk.do("score", "last", "--store", "my store")
    assert (scored.code, scored.out, asked) == (1, "", 0)
    assert "the data are not those of this run any more" in scored.err
    assert "`evalspec run route.eval --models mini --limit 30 --store 'my store'`" in scored.err
    assert desk.do("run", "route.eval", *flags)[1] == 0  # a label is not asked for
    assert desk.do("score", "last", "--store", "my store")[0].code == 0


def test_stored_runs_are_named_and_looked_at(desk: Desk) -> None:
    desk.do("run", "route.eval", "-n", "10", "-o", "ten.json", "-q")
    desk.do("run", "route.eval", "-o", "all.json", "-q")
    asked = len(desk.server.requests)
    ten, everything = (results(desk.folder, f"{name}.json")["run"]["id"] for name in ("ten", "all"))
    meant = {everything[:-1]: COUNT, "last~1": 10}
    found = each(*(["score", name, "--format", "json"] for name in meant), at=desk.folder)
    counts = [json.loads(ended.out)["tasks"]["route"]["examples"] for ended in found]
    assert dict(zip(meant, counts, strict=True)) == meant
    away, nowhere = each(
        ["show", desk.folder / "ten.json", "-n", "2"], ["score", "last"], at=desk.folder.parents[1]
    )
    assert (away.code, len(re.findall("^── route", away.out, re.MULTILINE))) == (0, 2)
    assert (nowhere.code, nowhere.out) == (2, "")
    assert "there is no store here" in nowhere.err
    wrong, unclear, absent = each(
        ["show", "last", "--wrong", "-n", "3"], ["show", "2"], ["score", "no.json"], at=desk.folder
    )
    assert wrong.code == 0
    assert wrong.out.count("WRONG") == wrong.out.count("── route") == 3
    assert "3 of 10 examples shown" in wrong.err
    assert "said: <<bug>>" in wrong.out
    for ended, why in [
        (unclear, f"`2` may be 2 runs: {everything}, {ten}"),
        (absent, "no.json holds no results"),
    ]:
        assert (ended.code, ended.out) == (2, "")
        assert why in ended.err
    assert len(desk.server.requests) == asked
