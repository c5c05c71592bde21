"""Results for CI systems: a case for each candidate and each bound, well-formed whatever names hold."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING

import servers
from cli.commands import evalspec
from cli.tickets import model, number_in, queue, spec, write_job, wrong_queue

if TYPE_CHECKING:
    from evalspec.text.values import Json

BOUNDS = "require { accuracy >= 80%; accuracy(few) >= 50% }"


def reply(body: servers.Body) -> str:
    number = number_in(body)
    return wrong_queue(number) if body["model"] == "maxi" else queue(number)


def test_what_is_out_fails_and_what_is_met_passes(tmp_path: Path) -> None:
    with servers.chat_server(reply) as server:
        few = 'subset few of tickets { where = id == "t1" }'
        text = spec(model(server.url) + model(server.url, "maxi"), task=BOUNDS, blocks=few)
        folder = write_job(tmp_path, 60, text)
        ran = evalspec("run", "route.eval", "-o", "r.junit.xml", at=folder)
        assert ran.code == 0, ran.err
    root = ET.parse(folder / "r.junit.xml").getroot()  # noqa: S314  (our own)
    (suite,) = root.findall("testsuite")
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == ("route", "6", "2")
    cases = {(case.get("classname"), case.get("name")): case for case in suite}
    assert cases["route.mini", "is viable"].find("failure") is None
    failed = cases["route.maxi", "is viable"].find("failure")
    assert failed is not None
    assert "not met" in (failed.get("message") or "")
    assert cases["route.maxi", "accuracy >= 80%"].find("failure") is not None
    assert cases["route.mini", "accuracy(few) >= 50%"].find("skipped") is not None


def test_no_name_breaks_the_form() -> None:
    from evalspec.report.junit import render_junit
    from evalspec.score.results import Results

    odd = 'a"<&>\x00\x1b\ud800é'
    candidate: dict[str, Json] = {
        "viable": False,
        "reasons": [odd],
        "requirements": [],
        "budgets": [],
        "no_worse_than": [],
    }
    task: dict[str, Json] = {"order": [odd], "candidates": {odd: candidate}}
    root = ET.fromstring(render_junit(Results({"run": {}, "tasks": {odd: task}})))  # noqa: S314  (our own)
    assert 'a"<&>' in (root[0].get("name") or "")
