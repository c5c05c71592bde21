"""Caps on spending hold at the server, whatever is in flight; what was answered is kept, and exit is 4."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import servers
from cli.commands import ended, evalspec, lasting, outcomes, results, started
from cli.tickets import model, number_in, queue, spec, times_asked, write_job

COUNT = 60
# A request of these tickets has 7 input and 3 output tokens, as the server says: 13 dollars.
PRICE = "max_tokens = 4; price { input = $1; output = $2; per = 1 }"
ANSWER_USD = 7 + 2 * 3


def right(body: servers.Body) -> str:
    return queue(number_in(body))


def paid(server: servers.ChatServer) -> int:
    """What the server's answers cost, in dollars."""
    return ANSWER_USD * server.answered


def test_nothing_is_asked_beyond_the_cap_and_the_next_run_goes_on(tmp_path: Path) -> None:
    with servers.chat_server(right, delay=0.01) as server:
        folder = write_job(
            tmp_path, COUNT, spec(model(server.url, more=PRICE), blocks="limits { spend <= $500 }")
        )
        first = evalspec("run", "route.eval", "-o", "r.json", at=folder)
        assert first.code == 4
        assert 300 < paid(server) <= 500
        asked = len(server.requests)
        assert outcomes(results(folder)) == {"answered": asked, "not_asked": COUNT - asked}
        assert results(folder)["run"]["requests"]["spent_usd"] == paid(server)
        assert "PARTIAL" in first.out
        told = (
            r"mini is not asked any more: the money is spent: a request may cost \$\d+\.00, and \$\d+\.00 of "
            r"\$500.00 is left \(limits \{ spend <= \$500 \}\)"
        )
        assert re.search(told, first.err), first.err
        assert "`evalspec run route.eval -o r.json` continues" in first.err
        again = evalspec("run", "route.eval", "-o", "r.json", "--max-spend", "5000", at=folder)
        while again.code == 4:
            again = evalspec("run", "route.eval", "-o", "r.json", at=folder)
        assert again.code == 0
        assert set(times_asked(server.bodies).values()) == {1}
        assert results(folder)["run"]["spend_usd"] == COUNT * ANSWER_USD


@pytest.mark.parametrize("given", ["0", "-1", "nan", "1e3", "five", "", "$"])
def test_an_amount_that_is_none_is_a_usage_error(tmp_path: Path, given: str) -> None:
    folder = write_job(tmp_path, 2, spec(model("http://127.0.0.1:9/v1", more=PRICE)))
    ran = evalspec("run", "route.eval", f"--max-spend={given}", at=folder)
    assert (ran.code, ran.out) == (2, "")
    assert "--max-spend" in ran.err


def test_a_cap_from_the_command_line_needs_prices_too(tmp_path: Path) -> None:
    folder = write_job(tmp_path, 2, spec(model("http://127.0.0.1:9/v1")))
    ran = evalspec("run", "route.eval", "--max-spend", "1", at=folder)
    assert (ran.code, ran.out) == (1, "")
    assert "error[E0712]: nobody knows the price of `mini`" in ran.err
    assert "nothing was asked" in ran.err


def test_retried_attempts_count_and_those_of_unknown_cost_with_their_worst_case(tmp_path: Path) -> None:
    def fault(number: int, body: servers.Body) -> servers.Fault | None:
        return servers.Reset(after=40) if number % 2 else None

    with servers.chat_server(right, fault=fault) as server:
        folder = write_job(tmp_path, COUNT, spec(model(server.url, more=PRICE)))
        ran = evalspec("run", "route.eval", "-o", "r.json", "--max-spend", "1000", "-j", "1", at=folder)
        assert ran.code == 4
        resets = len(server.requests) - server.answered
        # Each reset may have cost the whole worst case, of 80 dollars and more: the prompt's bytes.
        assert server.answered * ANSWER_USD + resets * 80 <= 1000
        assert resets >= 3
        assert results(folder)["run"]["requests"]["retried"] >= 3


def test_refusals_cost_nothing(tmp_path: Path) -> None:
    def fault(number: int, body: servers.Body) -> servers.Fault | None:
        return servers.too_many("0.01") if number % 3 else None

    with servers.chat_server(right, fault=fault) as server:
        folder = write_job(tmp_path, 8, spec(model(server.url, more=PRICE)))
        ran = evalspec("run", "route.eval", "--max-spend", "500", "-j", "1", at=folder)
        assert ran.code == 0, ran.err
        assert len(server.requests) > 16  # of 80 dollars and more at worst


def test_a_models_cap_stops_that_model_alone(tmp_path: Path) -> None:
    with servers.chat_server(right) as server:
        models = model(server.url, more=PRICE) + model(server.url, "maxi", PRICE)
        folder = write_job(tmp_path, COUNT, spec(models, blocks="limits { spend(maxi) <= $400 }"))
        ran = evalspec("run", "route.eval", "-o", "r.json", at=folder)
        assert ran.code == 4
        asked = [body["model"] for body in server.bodies]
        assert asked.count("mini") == COUNT
        assert 0 < asked.count("maxi") * ANSWER_USD <= 400
        assert outcomes(results(folder), "mini") == {"answered": COUNT}


def test_two_processes_share_the_money(tmp_path: Path) -> None:
    with servers.chat_server(right, delay=0.05) as server:
        limits = "limits { spend <= $500; concurrency <= 2 }"
        folder = write_job(tmp_path, COUNT, spec(model(server.url, more=PRICE), blocks=limits))
        with started("run", "route.eval", at=folder) as one, started("run", "route.eval", at=folder) as other:
            codes = [ended(process).code for process in (one, other)]
        assert codes == [4, 4]
        assert 300 < paid(server) <= 500
        assert set(times_asked(server.bodies).values()) == {1}
        before = server.answered
        assert evalspec("run", "route.eval", at=folder).code in (0, 4)
        assert server.answered > before  # a run that lives alone has the money for itself


def test_without_keeping_a_cap_holds_as_well(tmp_path: Path) -> None:
    with servers.chat_server(right) as server:
        folder = write_job(tmp_path, COUNT, spec(model(server.url, more=PRICE)))
        ran = evalspec("run", "route.eval", "--max-spend", "$300", "--no-cache", at=folder)
        assert ran.code == 4
        assert 0 < paid(server) <= 300
        assert "begins again" in ran.err


def test_what_a_run_rests_on_costs_the_same_whoever_asked(tmp_path: Path) -> None:
    with servers.chat_server(right) as server:
        folder = write_job(tmp_path, 20, spec(model(server.url, more=PRICE)))
        assert evalspec("run", "route.eval", "-o", "a.json", at=folder).code == 0
        ran = evalspec("run", "route.eval", "-o", "b.json", at=folder)
    a, b = results(folder, "a.json"), results(folder, "b.json")
    assert lasting(a) == lasting(b)
    assert a["run"]["requests"]["spent_usd"] == a["run"]["spend_usd"] == 20 * ANSWER_USD
    assert b["run"]["requests"]["spent_usd"] is None
    assert "0 asked, 20 from the store" in ran.err


def test_a_cap_from_python(tmp_path: Path) -> None:
    import evalspec as package

    with servers.chat_server(right) as server:
        folder = write_job(tmp_path, COUNT, spec(model(server.url, more=PRICE)))
        found = package.run(folder / "route.eval", environment={}, max_spend=300)
        assert 0 < paid(server) <= 300
        assert json.loads(found.to_json())["run"]["complete"] is False
    for wrong in (0, "much", float("nan"), True, [1]):
        with pytest.raises(ValueError, match="max_spend"):
            package.run(folder / "route.eval", environment={}, max_spend=wrong)
