"""A race from the command line, against a server that counts: who is asked how much, what is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import servers
from cli.commands import candidate, ended, evalspec, lasting, results, started, wait_until
from cli.tickets import number_in, queue, spec, write_job, wrong_queue

COUNT = 200
RIGHT_OF_TEN = {"good": 10, "fair": 9, "bad": 3}


def by_model(body: servers.Body) -> str:
    """Each model is right about so many of ten tickets."""
    number = number_in(body)
    return queue(number) if number // 4 % 10 < RIGHT_OF_TEN[body["model"]] else wrong_queue(number)


def models(url: str, *names: str) -> str:
    named = names or tuple(RIGHT_OF_TEN)
    return "".join(f'model {n} {{ use = "openai/{n}"; base_url = "{url}"; max_tokens = 5 }}\n' for n in named)


RACE = 'limits { race = true }\nsubset half of tickets { where = starts_with(id, "t1") }'


def asked(server: servers.ChatServer) -> dict[str, int]:
    """How many requests each model has had."""
    return {name: sum(body["model"] == name for body in server.bodies) for name in RIGHT_OF_TEN}


def test_one_that_is_certainly_beaten_is_asked_no_more(tmp_path: Path) -> None:
    with servers.chat_server(by_model) as server:
        write_job(tmp_path, COUNT, spec(models(server.url), blocks=RACE))
        ran = evalspec("run", "route.eval", "-o", "r.json", at=tmp_path)
        count = asked(server)
        again = evalspec("run", "route.eval", "-o", "again.json", at=tmp_path)
        assert asked(server) == count  # nothing is asked once more, and nothing that was left out
    scored = evalspec("score", "last", "-o", "scored.json", at=tmp_path)
    assert (ran.code, again.code, scored.code) == (0, 0, 0), ran.err
    found = results(tmp_path)
    bad = candidate(found, "bad")
    stopped = bad["race"]["stopped_at"]
    fair = candidate(found, "fair").get("race", {}).get("stopped_at", COUNT)  # it may be beaten, later
    assert count == {"good": COUNT, "fair": fair, "bad": stopped}
    assert fair > stopped
    assert stopped % 20 == 0
    assert 0 < stopped <= 60
    assert bad["race"]["dominated_by"] in ("good", "fair")
    assert bad["race"]["e_value"] >= 20
    assert found["run"]["complete"] is True
    assert found["tasks"]["route"]["order"][-1] == "bad"
    assert found["tasks"]["route"]["race"]["asked"] == COUNT + fair + stopped
    for name in ("again.json", "scored.json"):
        assert lasting(results(tmp_path, name)) == lasting(found)


def test_the_table_says_where_one_was_stopped_and_what_that_saved(tmp_path: Path) -> None:
    with servers.chat_server(by_model) as server:
        write_job(tmp_path, COUNT, spec(models(server.url), blocks=RACE))
        ran = evalspec("run", "route.eval", "-o", "r.json", at=tmp_path)
    said = " ".join(ran.out.split())
    bad = candidate(results(tmp_path), "bad")
    n = bad["race"]["stopped_at"]
    assert f"bad is out: stopped at n = {n}, dominated by {bad['race']['dominated_by']}." in said
    assert f"The race asked {n} of {COUNT} examples of bad: {100 - 100 * n // COUNT} % saved." in said
    (row,) = [line for line in ran.out.splitlines() if line.startswith("3 ")]
    assert "bad" in row
    assert "(" not in row.split("bad")[1].split("%")[1][:4]  # a figure without an interval
    assert ends_in(bad["metrics"]) == ends_in(bad["subsets"]) == []
    pairs = {p["a"] for p in results(tmp_path)["tasks"]["route"]["pairs"]}
    assert "bad" not in pairs


def ends_in(found: object) -> list[object]:
    """Every end of an interval that is a number."""
    if isinstance(found, list):
        return [end for item in found for end in ends_in(item)]
    if not isinstance(found, dict):
        return []
    own = [v for k, v in found.items() if k in ("low", "high", "se") and isinstance(v, int | float)]
    return own + [end for value in found.values() for end in ends_in(value)]


def test_an_interrupted_race_goes_on_to_the_same_verdicts(tmp_path: Path) -> None:
    with servers.chat_server(by_model, delay=0.02) as server:
        text = spec(models(server.url), blocks=RACE)
        whole = write_job(tmp_path / "whole", COUNT, text)
        parts = write_job(tmp_path / "parts", COUNT, text)
        evalspec("run", "route.eval", "-o", "r.json", at=whole)
        before = len(server.bodies)
        with started("run", "route.eval", "-o", "part.json", at=parts) as process:
            wait_until(lambda: len(server.bodies) > before + 30)
            process.send_signal(2)
            assert ended(process).code == 130
        evalspec("run", "route.eval", "-o", "r.json", at=parts)
    assert results(parts, "part.json")["run"]["complete"] is False
    assert lasting(results(parts)) == lasting(results(whole))


def test_the_flag_races_a_spec_that_does_not_say_so(tmp_path: Path) -> None:
    with servers.chat_server(by_model) as server:
        write_job(tmp_path, COUNT, spec(models(server.url)))
        ran = evalspec("run", "route.eval", "--race", "-o", "r.json", at=tmp_path)
        assert ran.code == 0, ran.err
        assert asked(server)["bad"] < COUNT
        without = evalspec("run", "route.eval", "-o", "whole.json", at=tmp_path)
        assert without.code == 0
        assert asked(server) == dict.fromkeys(RIGHT_OF_TEN, COUNT)
    assert "race" not in candidate(results(tmp_path, "whole.json"), "bad")
    # Answers that are kept beyond its end do not change what a race comes to.
    evalspec("run", "route.eval", "--race", "-o", "again.json", at=tmp_path)
    assert lasting(results(tmp_path, "again.json")) == lasting(results(tmp_path))


def test_one_whose_key_is_refused_holds_nobody_up(tmp_path: Path) -> None:
    def refuse(number: int, body: servers.Body) -> servers.Fault | None:
        return servers.unauthorized() if body["model"] == "fair" else None

    with servers.chat_server(by_model, fault=refuse) as server:
        write_job(tmp_path, COUNT, spec(models(server.url), blocks=RACE))
        ran = evalspec("run", "route.eval", "-o", "r.json", at=tmp_path)
    assert ran.code == 4
    found = results(tmp_path)
    assert candidate(found, "good")["outcomes"]["answered"] == COUNT
    assert candidate(found, "bad")["race"]["dominated_by"] == "good"


NOT_RACED = {
    "there is one candidate only": ("", ("good",)),
    "which is no mean of figures": ("rank = macro_f1", ("good", "bad")),
}


@pytest.mark.parametrize("why", NOT_RACED)
def test_where_racing_makes_no_sense_everybody_is_asked_and_told_why(tmp_path: Path, why: str) -> None:
    task, names = NOT_RACED[why]
    with servers.chat_server(by_model) as server:
        text = spec(models(server.url, *names), task=task, blocks=RACE)
        write_job(tmp_path, 60, text.replace("rank = accuracy", "") if task else text)
        ran = evalspec("run", "route.eval", "-o", "r.json", at=tmp_path)
        assert all(asked(server)[name] == 60 for name in names)
    assert ran.code == 0, ran.err
    said = " ".join(ran.out.split())
    assert "This task was not raced" in said
    assert why in said
    assert why in json.dumps(results(tmp_path)["tasks"]["route"]["race"])


def test_a_bound_that_is_certainly_not_met_stops_earlier(tmp_path: Path) -> None:
    with servers.chat_server(by_model) as server:
        bound = "require { accuracy >= 80% }"
        write_job(tmp_path, COUNT, spec(models(server.url, "good", "bad"), task=bound, blocks=RACE))
        ran = evalspec("run", "route.eval", "-o", "r.json", at=tmp_path)
    assert ran.code == 0, ran.err
    bad = candidate(results(tmp_path), "bad")
    assert bad["race"]["clause"] == "accuracy >= 80%"
    assert bad["requirements"][0]["verdict"] == "undecided"
    assert f"bad is out: stopped at n = {bad['race']['stopped_at']}, accuracy >= 80%" in " ".join(
        ran.out.split()
    )


def test_the_seed_decides_the_order(tmp_path: Path) -> None:
    def first_asked(seed: str) -> list[int]:
        with servers.chat_server(by_model) as server:
            write_job(tmp_path / seed, COUNT, spec(models(server.url), blocks=RACE))
            evalspec("run", "route.eval", "--seed", seed, at=tmp_path / seed)
            return [number_in(b) for b in server.bodies if b["model"] == "good"]

    one, other = first_asked("1"), first_asked("2")
    assert set(one[:20]) != set(other[:20])
    assert sorted(one) == sorted(other) == list(range(COUNT))
    # Tickets of the subset, 111 of 200, are spread over the whole order.
    inside = sum(str(n).startswith("1") for n in one[:40])
    assert abs(inside - 40 * 111 / 200) <= 3


def test_nobody_pays_for_the_latency_of_one_that_was_stopped(tmp_path: Path) -> None:
    load = "latency { p50 <= 60s; load = 40/s; for = 1s; warmup = 2; else = mark }"
    with servers.chat_server(by_model) as server:
        write_job(tmp_path, COUNT, spec(models(server.url, "good", "bad"), blocks=RACE, task=load))
        ran = evalspec("run", "route.eval", "-o", "r.json", at=tmp_path)
        assert ran.code == 0, ran.err
        count = asked(server)
    found = results(tmp_path)
    bad = candidate(found, "bad")
    assert count["bad"] == bad["race"]["stopped_at"] < COUNT
    assert count["good"] > COUNT  # its examples, and the pass
    assert candidate(found, "good")["latency"]["measured"] == "open_loop"
    assert bad["latency"]["measured"] == "under_run"
    (budget,) = bad["budgets"]
    assert (budget["verdict"], budget["value"]) == ("not_enough_data", None)
    assert budget["why"] == "its latency was not measured: the race has stopped it"
    assert "latency pass of route: 1 candidate at 40/s" in ran.err
    scored = evalspec("score", "last", "-o", "scored.json", at=tmp_path)
    assert scored.code == 0, scored.err
    assert lasting(results(tmp_path, "scored.json")) == lasting(found)
