"""Commands called wrongly, specs that are wrong, candidates that are not good enough: exit codes."""

from __future__ import annotations

from pathlib import Path

import servers
from cli.commands import each, evalspec
from cli.tickets import model, number_in, queue, spec, write_job

WRONG = {
    "--models nobody": "there is no model `nobody`; known: mini",
    "--models ,": "`--models` names nothing",
    "-n 0": "`--limit` is at least 1",
    "-j 0": "`--max-concurrency` is at least 1",
    "--seed -1": "`--seed` is at least 0",
    "--max-age yesterday": "`--max-age` is written 30min, 12h or 7d",
    "--unknown": "unrecognized arguments: --unknown",
    "--mod mini": "unrecognized arguments: --mod mini",
    "-o r.html": "`.html` is not built yet",
    "-o nowhere/r.json": "there is no folder nowhere",
    "-o folder.json": "this is a folder",
    "--env-file odd.env": "odd.env:1 is not NAME=VALUE",
}


NOBODY = "http://127.0.0.1:9/v1"  # nothing listens there, and nothing is to be sent


def test_what_cannot_be_meant_is_said_in_a_line_and_sends_nothing(tmp_path: Path) -> None:
    folder = write_job(tmp_path, 8, spec(model(NOBODY)))
    (folder / "folder.json").mkdir()
    (folder / "odd.env").write_text("what is this secret\n")
    ran = each(*(["run", "route.eval", *flags.split()] for flags in WRONG), at=folder)
    for (flags, why), ended in zip(WRONG.items(), ran, strict=True):
        assert (flags, ended.code, ended.out) == (flags, 2, "")
        assert why in ended.err
        assert ended.err.startswith("error: ")
        assert len(ended.err.splitlines()) <= 2
        assert "secret" not in ended.err
    assert not (folder / ".evalspec").exists()


def test_commands_that_do_not_exist_or_not_yet(tmp_path: Path) -> None:
    none, unknown, later, helped, version = each(
        [], ["rum"], ["view", "last"], ["run", "--help"], ["--version"], at=tmp_path
    )
    assert [ended.code for ended in (none, unknown, later)] == [2] * 3
    assert "invalid choice: 'rum'" in unknown.err
    assert later.err == "error: `evalspec view` is not built yet\n"
    assert (helped.code, helped.err) == (0, "")
    assert "--max-concurrency" in helped.out
    assert "--shard" not in helped.out
    assert version.out.startswith("evalspec ")


def test_a_wrong_spec_is_1_and_nothing_is_sent(tmp_path: Path) -> None:
    with servers.chat_server() as server:
        folder = write_job(tmp_path, 8, spec(model(server.url), task="extrect = 3; models = [mini, maxi]"))
        ran, quiet, planned, absent = each(
            ["run", "route.eval"], ["run", "route.eval", "-q"], ["plan", "route.eval"], ["run", "none.eval"],
            at=folder,
        )  # fmt: skip
        assert server.requests == []
    for ended in (ran, quiet, planned, absent):
        assert (ended.code, ended.out) == (1, "")
    assert ran.err.count("error[") == quiet.err.count("error[") == planned.err.count("error[") >= 2
    assert "did you mean `extract`?" in ran.err
    assert ran.err.splitlines()[-1].endswith("nothing was asked")
    assert "error[E0211]" in absent.err


def test_no_viable_candidate_is_3_and_what_is_incomplete_is_4_before_that(tmp_path: Path) -> None:
    def fault(number: int, body: servers.Body) -> servers.Fault | None:
        return servers.unauthorized() if body["model"] == "locked" else None

    with servers.chat_server(lambda body: queue(number_in(body) + 1), fault=fault) as server:
        models = model(server.url) + model(server.url, "locked")
        folder = write_job(tmp_path, 40, spec(models, task="require { accuracy >= 50% }"))
        alone = evalspec("run", "route.eval", "--models", "mini", at=folder)
        both = evalspec("run", "route.eval", at=folder)
    assert alone.code == 3
    assert "No candidate is viable" in alone.out
    assert "incomplete" not in alone.err
    assert both.code == 4
    assert "incomplete" in both.err
