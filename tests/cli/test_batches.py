"""`mode = batch`: submitted once, waited for, taken up again after a kill, asked again where lines fail."""

from __future__ import annotations

import json
import signal
import sqlite3
from decimal import Decimal
from pathlib import Path

from aiohttp import web

import servers
from batch_server import BatchServer, Spoiled, Submitted, batch_server
from cli.commands import Document, ended, evalspec, outcomes, results, started, wait_until
from cli.tickets import LABELS, model, number_in, queue, spec, two_of_three, write_job
from evalspec.store.store import Store

COUNT = 12
IN_BATCHES = "mode = batch; price { input = $1; output = $2 }"


def job(folder: Path, server: BatchServer, more: str = "", count: int = COUNT, **blocks: str) -> Path:
    return write_job(folder, count, spec(model(server.url, more=f"{IN_BATCHES}; {more}"), **blocks))


def requests(folder: Path) -> Document:
    found: Document = results(folder)["run"]["requests"]
    return found


def in_progress(server: BatchServer) -> bool:
    return bool(server.batches) and server.batches[0].status == "in_progress"


def waiting_in(folder: Path) -> list[tuple[str, int]]:
    """The batches in the store that were not collected: the provider's id, and how many lines."""
    connection = sqlite3.connect(folder / ".evalspec" / "answers.sqlite3")
    rows = connection.execute(
        "select id, (select count(*) from batched where batched.mark = batches.mark) from batches order by id"
    ).fetchall()
    connection.close()
    return rows


# ── what is asked, and what it tells ──────────────────────────────────────────────────────────────


def test_everything_is_asked_by_one_batch_and_kept(tmp_path: Path) -> None:
    with batch_server(two_of_three) as server:
        folder = job(tmp_path, server)
        ran = evalspec("run", "route.eval", "-o", "r.json", at=folder)
        assert ran.code == 0, ran.err
        assert (len(server.batches), len(server.batches[0].lines), server.completions) == (1, COUNT, 0)
        assert set(server.asked.values()) == {1}
        assert requests(folder)["sent"] == requests(folder)["planned"] == COUNT
        assert outcomes(results(folder)) == {"answered": COUNT}
        assert waiting_in(folder) == []
        assert "mini: batch batch_0 is submitted, with 12 requests" in ran.err
        calls = len(server.calls)
        again = evalspec("run", "route.eval", "-o", "r.json", at=folder)
        assert (again.code, requests(folder)["from_store"]) == (0, COUNT)
        assert len(server.calls) == calls, "nothing is asked a second time"


def test_the_answers_are_those_that_single_requests_bring(tmp_path: Path) -> None:
    with batch_server(two_of_three) as server:
        together = job(tmp_path / "together", server)
        alone = write_job(tmp_path / "alone", COUNT, spec(model(server.url, more=IN_BATCHES[14:])))
        for folder in (together, alone):
            assert evalspec("run", "route.eval", "-o", "r.json", at=folder).code == 0
    mine, theirs = (results(f)["tasks"]["route"]["candidates"]["mini"] for f in (together, alone))
    assert server.completions == COUNT
    assert mine["metrics"]["accuracy"] == theirs["metrics"]["accuracy"]
    assert mine["confusion"] == theirs["confusion"]
    assert (mine["latency"], theirs["latency"] is None) == (None, False)


def test_a_mode_is_part_of_what_is_asked(tmp_path: Path) -> None:
    with batch_server(two_of_three) as server:
        folder = job(tmp_path, server)
        assert evalspec("run", "route.eval", at=folder).code == 0
        text = (folder / "route.eval").read_text()
        (folder / "route.eval").write_text(text.replace("mode = batch;", ""))
        assert evalspec("run", "route.eval", "-o", "r.json", at=folder).code == 0
        assert server.completions == COUNT
        assert results(folder)["tasks"]["route"]["candidates"]["mini"]["latency"] is not None


def test_samples_are_lines_of_their_own(tmp_path: Path) -> None:
    with batch_server(two_of_three) as server:
        folder = job(tmp_path, server, task="samples = 3")
        assert evalspec("run", "route.eval", "-o", "r.json", at=folder).code == 0
        assert len(server.batches) == 1
        assert set(server.asked.values()) == {3}
        assert len({line["custom_id"] for line in server.batches[0].lines}) == 3 * COUNT


def test_what_is_left_after_a_limit_is_a_batch_of_its_own(tmp_path: Path) -> None:
    with batch_server(two_of_three) as server:
        folder = job(tmp_path, server)
        assert evalspec("run", "route.eval", "--limit", "5", at=folder).code == 0
        assert evalspec("run", "route.eval", at=folder).code == 0
        assert [len(batch.lines) for batch in server.batches] == [5, COUNT - 5]


CHAIN = """
dataset tickets {{ source = file("tickets.csv"); id = id; label = queue in [billing, bug, abuse, other] }}
{model}
chain both {{
  data = tickets
  step first {{ prompt = "Queue? {{{{ body }}}}"; answer = one_of(queue); gold = queue }}
  step second {{ prompt = "After {{{{ first }}}}, queue? {{{{ body }}}}"; answer = one_of(queue) }}
}}
"""


def test_a_chain_is_asked_step_by_step(tmp_path: Path) -> None:
    with batch_server(two_of_three) as server:
        folder = write_job(tmp_path, COUNT, CHAIN.format(model=model(server.url, more=IN_BATCHES)))
        ran = evalspec("run", "route.eval", "-o", "r.json", at=folder)
        assert ran.code == 0, ran.err
        assert len(server.batches) == 2
        first, second = (batch.lines for batch in server.batches)
        # Beside the first step, the first batch asks the second one given the gold.
        prompts = [servers.prompt_of(line["body"]) for line in second]
        assert len(first) == 2 * COUNT
        assert {p.split(",")[0] for p in prompts} <= {f"After {label}" for label in LABELS}
        assert set(server.asked.values()) == {1}
        assert results(folder)["run"]["complete"] is True


# ── kills and interruptions ───────────────────────────────────────────────────────────────────────


def test_after_a_kill_the_batch_is_taken_up_again(tmp_path: Path) -> None:
    with batch_server(two_of_three, held=True) as server:
        folder = job(tmp_path, server)
        with started("run", "route.eval", at=folder) as process:
            wait_until(lambda: in_progress(server))
            process.kill()
            process.communicate()
        assert waiting_in(folder) == [("batch_0", COUNT)]
        server.held = False
        again = evalspec("run", "route.eval", "-o", "r.json", at=folder)
        assert again.code == 0, again.err
        assert "batch batch_0 was submitted before, and is waited for" in again.err
        assert len(server.batches) == 1
        assert [path for method, path in server.calls if method == "POST"] == ["/v1/files", "/v1/batches"]
        assert (requests(folder)["sent"], outcomes(results(folder))) == (0, {"answered": COUNT})
        assert waiting_in(folder) == []


def test_a_batch_whose_acknowledgement_was_lost_is_found_by_its_mark(tmp_path: Path) -> None:
    killed: list[int] = []

    def kill_once(method: str, path: str) -> web.Response | None:
        if (method, path) == ("POST", "/v1/batches") and not killed:
            killed.append(process.pid)
            process.kill()
        return None

    with batch_server(two_of_three, after=kill_once) as server:
        folder = job(tmp_path, server)
        with started("run", "route.eval", at=folder) as process:
            process.communicate()
        assert waiting_in(folder) == [("", COUNT)]
        again = evalspec("run", "route.eval", "-o", "r.json", at=folder)
        assert again.code == 0, again.err
        assert len(server.batches) == 1, "submitted once"
        assert outcomes(results(folder)) == {"answered": COUNT}


def test_a_batch_is_made_once_though_the_reply_to_its_making_is_lost(tmp_path: Path) -> None:
    lost: list[str] = []

    def lose_the_first(method: str, path: str) -> web.Response | None:
        if (method, path) != ("POST", "/v1/batches") or lost:
            return None
        lost.append(path)
        return web.Response(status=502, text="bad gateway")

    with batch_server(two_of_three, after=lose_the_first) as server:
        folder = job(tmp_path, server)
        assert evalspec("run", "route.eval", "-o", "r.json", at=folder).code == 0
        assert (len(server.batches), server.calls[2]) == (1, ("GET", "/v1/batches"))
        assert outcomes(results(folder)) == {"answered": COUNT}


def test_of_two_batches_with_one_mark_one_is_cancelled(tmp_path: Path) -> None:
    with batch_server(two_of_three, held=True) as server:
        folder = job(tmp_path, server)
        with started("run", "route.eval", at=folder) as process:
            wait_until(lambda: in_progress(server))
            process.kill()
            process.communicate()
        connection = sqlite3.connect(folder / ".evalspec" / "answers.sqlite3")
        connection.execute("update batches set id = ''")  # as if nobody had heard of its making
        connection.commit()
        connection.close()
        first = server.batches[0]
        server.batches.append(Submitted(id="batch_1", lines=first.lines, mark=first.mark))
        server.held = False
        assert evalspec("run", "route.eval", "-o", "r.json", at=folder).code == 0
        assert server.cancelled == ["batch_1"]
        assert outcomes(results(folder)) == {"answered": COUNT}


def test_a_download_that_breaks_off_is_made_again(tmp_path: Path) -> None:
    def broken(method: str, path: str) -> web.Response | None:
        if not path.endswith("/content") or server.calls.count((method, path)) > 2:
            return None
        whole = b"".join(json.dumps(line).encode() + b"\n" for line in server.replies("batch_0"))
        half = web.Response(body=whole[: len(whole) // 2], headers={"Content-Length": str(len(whole))})
        half.force_close()
        return half

    with batch_server(two_of_three, before=broken) as server:
        folder = job(tmp_path, server)
        assert evalspec("run", "route.eval", "-o", "r.json", at=folder).code == 0
        assert (len(server.batches), outcomes(results(folder))) == (1, {"answered": COUNT})
        assert sum(path.endswith("/content") for _, path in server.calls) == 3


def test_a_batch_that_was_never_submitted_is_asked_anew(tmp_path: Path) -> None:
    def kill_once(method: str, path: str) -> web.Response | None:
        if path == "/v1/files" and len(server.files) == 1:
            process.kill()
        return None

    with batch_server(two_of_three, after=kill_once) as server:
        folder = job(tmp_path, server)
        with started("run", "route.eval", at=folder) as process:
            process.communicate()
        assert waiting_in(folder) == [("", COUNT)]
        again = evalspec("run", "route.eval", "-o", "r.json", at=folder)
        assert again.code == 0, again.err
        assert set(server.asked.values()) == {1}
        assert waiting_in(folder) == []


def test_ctrl_c_leaves_the_batch_running(tmp_path: Path) -> None:
    with batch_server(two_of_three, held=True) as server:
        folder = job(tmp_path, server)
        with started("run", "route.eval", "-o", "r.json", at=folder) as process:
            wait_until(lambda: in_progress(server))
            process.send_signal(signal.SIGINT)
            stopped = ended(process)
        assert stopped.code == 130
        assert "batch batch_0 goes on at its provider; the next run collects it" in stopped.err
        assert "`evalspec run route.eval -o r.json` continues" in stopped.err
        assert outcomes(results(folder)) == {"not_asked": COUNT}
        assert server.cancelled == []
        server.held = False
        assert evalspec("run", "route.eval", "-o", "r.json", at=folder).code == 0
        assert (len(server.batches), outcomes(results(folder))) == (1, {"answered": COUNT})


def test_two_runs_at_once_submit_once(tmp_path: Path) -> None:
    with batch_server(two_of_three, held=True) as server:
        folder = job(tmp_path, server)
        with (
            started("run", "route.eval", at=folder) as first,
            started("run", "route.eval", at=folder) as second,
        ):
            wait_until(lambda: in_progress(server))
            server.held = False
            assert (ended(first).code, ended(second).code) == (0, 0)
        assert set(server.asked.values()) == {1}
        assert len(server.batches) == 1


def test_two_candidates_that_ask_the_same_ask_it_once(tmp_path: Path) -> None:
    with batch_server(two_of_three) as server:
        both = model(server.url, more=IN_BATCHES) + model(server.url, "twin", more=IN_BATCHES).replace(
            "openai/twin", "openai/mini"
        )
        folder = write_job(tmp_path, COUNT, spec(both))
        assert evalspec("run", "route.eval", "-o", "r.json", at=folder).code == 0
        assert set(server.asked.values()) == {1}
        assert outcomes(results(folder)) == {"answered": COUNT}
        assert outcomes(results(folder), "twin") == {"answered": COUNT}


# ── lines and batches that fail ───────────────────────────────────────────────────────────────────


def again_after_the_first(tmp_path: Path, spoiled: Spoiled) -> tuple[BatchServer, Path, str]:
    """What became of a job of which the first batch spoils every third ticket."""

    def say(body: servers.Body) -> str | Spoiled:
        number = number_in(body)
        return spoiled if len(server.batches) == 1 and number % 3 == 0 else queue(number)

    with batch_server(say) as server:
        folder = job(tmp_path, server)
        ran = evalspec("run", "route.eval", "-o", "r.json", at=folder)
        assert ran.code == 0, ran.err
    return server, folder, ran.err


def test_missing_lines_are_asked_again(tmp_path: Path) -> None:
    server, folder, _ = again_after_the_first(tmp_path, Spoiled())
    assert [len(batch.lines) for batch in server.batches] == [COUNT, COUNT // 3]
    assert outcomes(results(folder)) == {"answered": COUNT}
    assert (requests(folder)["sent"], requests(folder)["retried"]) == (COUNT + COUNT // 3, COUNT // 3)


def test_lines_that_failed_in_passing_are_asked_again(tmp_path: Path) -> None:
    busy = Spoiled(status=500, body={"error": {"message": "try again"}})
    server, folder, _ = again_after_the_first(tmp_path, busy)
    assert [len(batch.lines) for batch in server.batches] == [COUNT, COUNT // 3]
    assert outcomes(results(folder)) == {"answered": COUNT}


def test_what_fails_three_times_is_given_up_and_asked_by_the_next_run(tmp_path: Path) -> None:
    busy = Spoiled(status=503, body={"error": {"message": "overloaded"}})
    with batch_server(lambda body: busy if number_in(body) == 4 else queue(number_in(body))) as server:
        folder = job(tmp_path, server)
        ran = evalspec("run", "route.eval", "-o", "r.json", at=folder)
        assert [len(batch.lines) for batch in server.batches] == [COUNT, 1, 1]
        assert outcomes(results(folder)) == {"answered": COUNT - 1, "error": 1}
        assert "mini: 1 request failed: HTTP 503: overloaded" in ran.err
        assert "what failed may pass" in ran.err
        evalspec("run", "route.eval", at=folder)
        assert [len(batch.lines) for batch in server.batches] == [COUNT, 1, 1, 1, 1, 1]


def test_what_is_rejected_is_kept_as_that(tmp_path: Path) -> None:
    wrong = Spoiled(status=400, body={"error": {"message": "no such thing", "code": "invalid_value"}})
    with batch_server(lambda body: wrong if number_in(body) == 4 else queue(number_in(body))) as server:
        folder = job(tmp_path, server)
        for _ in range(2):
            assert evalspec("run", "route.eval", "-o", "r.json", at=folder).code == 3
        assert [len(batch.lines) for batch in server.batches] == [COUNT]
        assert outcomes(results(folder)) == {"answered": COUNT - 1, "error": 1}
        evalspec("run", "route.eval", "--retry-errors", at=folder)
        assert [len(batch.lines) for batch in server.batches] == [COUNT, 1]


def test_a_candidate_of_which_all_is_rejected_is_not_asked_any_more(tmp_path: Path) -> None:
    unknown = Spoiled(status=404, body={"error": {"message": "no such model"}})
    with batch_server(lambda body: unknown) as server:
        folder = job(tmp_path, server)
        ran = evalspec("run", "route.eval", at=folder)
        assert ran.code == 4
        assert "mini is not asked any more: HTTP 404: no such model" in ran.err
        with Store.open(folder / ".evalspec", readonly=True) as store:
            assert store.latest("mini") == []


def test_what_an_expired_batch_leaves_is_asked_again(tmp_path: Path) -> None:
    with batch_server(two_of_three, fate=lambda n: "completed" if n else "expired") as server:
        folder = job(tmp_path, server)
        ran = evalspec("run", "route.eval", "-o", "r.json", at=folder)
        assert ran.code == 0, ran.err
        assert "batch batch_0: expired" in ran.err
        assert [len(batch.lines) for batch in server.batches] == [COUNT, COUNT // 2]
        assert outcomes(results(folder)) == {"answered": COUNT}


def test_a_batch_that_someone_cancelled_is_not_submitted_again(tmp_path: Path) -> None:
    with batch_server(two_of_three, fate=lambda n: "completed" if n else "cancelled") as server:
        folder = job(tmp_path, server)
        ran = evalspec("run", "route.eval", "-o", "r.json", at=folder)
        assert (ran.code, len(server.batches)) == (4, 1)
        assert "batch batch_0: cancelled" in ran.err
        assert outcomes(results(folder)) == {"answered": COUNT // 2, "error": COUNT // 2}
        assert evalspec("run", "route.eval", "-o", "r.json", at=folder).code == 0
        assert [len(batch.lines) for batch in server.batches] == [COUNT, COUNT // 2]


def test_a_batch_that_is_not_accepted_tells_why(tmp_path: Path) -> None:
    why = [{"code": "invalid_model", "message": "the model `mini` has no batches"}]
    with batch_server(two_of_three, fate=lambda n: "failed", errors=lambda n: why) as server:
        folder = job(tmp_path, server)
        ran = evalspec("run", "route.eval", at=folder)
        assert (ran.code, len(server.batches)) == (4, 1)
        assert "the model `mini` has no batches" in ran.err
        assert waiting_in(folder) == []


def test_where_too_much_waits_already_batches_become_smaller(tmp_path: Path) -> None:
    full = [{"code": "token_limit_exceeded", "message": "Enqueued token limit reached"}]
    with batch_server(
        two_of_three, fate=lambda n: "completed" if n else "failed", errors=lambda n: full
    ) as server:
        folder = job(tmp_path, server)
        assert evalspec("run", "route.eval", "-o", "r.json", at=folder).code == 0
        assert [len(batch.lines) for batch in server.batches] == [COUNT, COUNT // 2, COUNT // 2]
        assert outcomes(results(folder)) == {"answered": COUNT}


def test_an_endpoint_without_batches_is_told(tmp_path: Path) -> None:
    def nothing_there(method: str, path: str) -> web.Response:
        return web.Response(status=404, text="no such page")

    with batch_server(two_of_three, before=nothing_there) as server:
        folder = job(tmp_path, server)
        ran = evalspec("run", "route.eval", at=folder)
        assert ran.code == 4
        assert "mini is not asked any more: no batch could be submitted: HTTP 404: no such page" in ran.err
        assert [path for _, path in server.calls] == ["/v1/files"]
        assert waiting_in(folder) == []


# ── money, keys, and what does not go together ────────────────────────────────────────────────────


def test_answers_cost_what_the_price_says(tmp_path: Path) -> None:
    with batch_server(two_of_three) as server:
        folder = job(tmp_path, server)
        assert evalspec("run", "route.eval", "-o", "r.json", at=folder).code == 0
    each = Decimal(7) / 10**6 + Decimal(3) * 2 / 10**6  # the server tells 7 tokens in and 3 out
    assert results(folder)["run"]["spend_usd"] == float(COUNT * each)


def test_a_cap_holds_for_what_stands_in_batches(tmp_path: Path) -> None:
    with batch_server(two_of_three) as server:
        folder = job(tmp_path, server, "max_tokens = 10", blocks="limits { spend <= $0.0009 }")
        ran = evalspec("run", "route.eval", "-o", "r.json", at=folder)
        assert ran.code == 0, ran.err
        sizes = [len(batch.lines) for batch in server.batches]
        assert len(sizes) > 1, "what could cost more than the cap did not go out at once"
        assert sum(sizes) == COUNT
        assert results(folder)["run"]["spend_usd"] <= 0.0009
        less = evalspec("run", "route.eval", "--fresh", "--max-spend", "0.0001", at=folder)
        assert less.code == 4
        assert "the money is spent" in less.err
        assert sum(len(batch.lines) for batch in server.batches) == COUNT


def test_a_key_is_shown_nowhere(tmp_path: Path) -> None:
    key = "sk-batch-0123456789abcdef"
    told = Spoiled(status=400, body={"error": {"message": f"not with Bearer {key}"}})
    with batch_server(
        lambda body: told if number_in(body) == 4 else f"{key} {queue(number_in(body))}"
    ) as server:
        folder = job(tmp_path, server, 'api_key = env("BATCH_KEY")')
        ran = evalspec("run", "route.eval", "-o", "r.json", at=folder, env={"BATCH_KEY": key})
        assert server.batches[0].key == f"Bearer {key}"
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert key not in ran.all
    assert [path for path in files if key.encode() in path.read_bytes()] == []


def test_without_a_store_no_batch_is_submitted(tmp_path: Path) -> None:
    with batch_server(two_of_three) as server:
        ran = evalspec("run", "route.eval", "--no-cache", at=job(tmp_path, server))
        assert ran.code != 0
        assert "`mini` cannot be asked without a store" in ran.err
        assert server.calls == []


def test_other_candidates_are_asked_meanwhile(tmp_path: Path) -> None:
    with batch_server(two_of_three, held=True) as server:
        both = model(server.url, more=IN_BATCHES) + model(server.url, "direct")
        folder = write_job(tmp_path, COUNT, spec(both))
        with started("run", "route.eval", at=folder) as process:
            wait_until(lambda: server.completions == COUNT)
            assert all(not batch.ended for batch in server.batches)
            server.held = False
            assert ended(process).code == 0


def test_a_latency_budget_is_not_decided_by_batches(tmp_path: Path) -> None:
    with batch_server(two_of_three) as server:
        folder = job(tmp_path, server, task="latency { p95 <= 2s }")
        ran = evalspec("run", "route.eval", "-o", "r.json", at=folder)
        assert evalspec("check", "route.eval", at=folder).code == 0
    candidate = results(folder)["tasks"]["route"]["candidates"]["mini"]
    (budget,) = candidate["budgets"]
    assert budget["verdict"] == "not_enough_data"
    assert "cannot be decided for mini: no latency was measured (asked in batches)" in ran.out


def test_a_race_is_not_run_with_what_is_asked_in_batches(tmp_path: Path) -> None:
    with batch_server(two_of_three) as server:
        both = model(server.url, more=IN_BATCHES) + model(server.url, "direct")
        folder = write_job(tmp_path, COUNT, spec(both))
        ran = evalspec("run", "route.eval", "--race", at=folder)
        assert ran.code == 0, ran.err
        assert "`mini` is asked in batches, all at once" in ran.all
