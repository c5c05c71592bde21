"""Whose limits are whose: endpoints, accounts, clients that stand only so much, and what the record says."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import anyio
import pytest

import servers
from evalspec.language.candidates import Environment, Http, PythonFunction
from evalspec.language.prompts import Written, read_prompt
from evalspec.models.model import FailureKind, Model
from evalspec.models.sharing import shared_names
from evalspec.run.execute import Conversation, Job, Settings, execute
from evalspec.run.gates import Limits
from evalspec.text.source import Source, Span
from evalspec.text.values import Json
from models.asking import candidate, connect, hosted
from run.questions import SOON, Reply, ask_all, jobs, question

pytestmark = pytest.mark.anyio

ONE, OTHER = "sk-one-0123456789", "sk-other-0123456789"
KEYS = {"ONE": ONE, "SAME": ONE, "OTHER": OTHER}


async def paced(models: Mapping[str, Model], limits: Limits) -> dict[str, Json]:
    """What the limiter did in a run of 30 questions to each."""
    pacing: dict[str, Json] = {}
    await execute(
        {name: jobs(name, range(30)) for name in models},
        models,
        None,
        settings=Settings(limits=limits, patience=SOON),
        on_result=lambda job, reply: None,
        on_event=lambda event: None,
        stop=anyio.Event(),
        on_paced=pacing.update,
    )
    return pacing


async def test_two_keys_at_one_endpoint_are_paced_apart_and_neither_is_shown() -> None:
    with servers.chat_server(delay=0.1) as server:
        specs = [
            candidate(hosted(server.url, route=f"openai/{name}", api_key=Environment(name)), name)
            for name in KEYS
        ]
        async with connect(*specs, environment=KEYS) as models:
            pacing = await paced(models, Limits(endpoint_concurrency=4))
    at = f"{server.url}/chat/completions"
    assert set(pacing) == {f"{at} (account 1)", f"{at} (account 2)"}
    assert server.peak == 8  # four for each of the two
    assert ONE not in json.dumps(pacing)
    assert OTHER not in json.dumps(pacing)


async def test_a_refused_account_does_not_slow_the_other() -> None:
    def fault(number: int, body: servers.Body) -> servers.Fault | None:
        return servers.too_many("0.3") if body["model"] == "ONE" and number < 20 else None

    with servers.chat_server(fault=fault) as server:
        specs = [
            candidate(hosted(server.url, route=f"openai/{name}", api_key=Environment(name)), name)
            for name in ("ONE", "OTHER")
        ]
        async with connect(*specs, environment=KEYS) as models:
            pacing = await paced(models, Limits())
    first, second = (pacing[name] for name in sorted(pacing))
    assert isinstance(first, dict)
    assert isinstance(second, dict)
    assert first["refusals"]
    assert first["waits"]
    assert (second["refusals"], second["waits"]) == (0, 0)


async def test_the_same_key_is_one_account_however_it_is_named() -> None:
    specs = [
        candidate(hosted("http://h", api_key=Environment("ONE")), "a"),
        candidate(hosted("http://h", api_key=Environment("SAME")), "b"),
        candidate(hosted("http://h", headers={"X-Trace": "eval"}, api_key=Environment("ONE")), "traced"),
        candidate(hosted("http://h", headers={"Authorization": f"Bearer {OTHER}"}), "other"),
        candidate(hosted("http://h", headers={"OpenAI-Project": "p"}, api_key=Environment("ONE")), "project"),
        candidate(hosted("http://h"), "nobody"),
    ]
    async with connect(*specs, environment=KEYS) as models:
        names = shared_names(models)
    assert names["a"] == names["b"] == names["traced"] == "http://h/chat/completions (account 1)"
    assert len({names[name] for name in ("a", "other", "project", "nobody")}) == 4


async def test_no_more_are_on_their_way_to_an_application_than_its_concurrency() -> None:
    text = '{"number": {{ number }}}'
    source = Source(name="body.json.jinja", text=text)
    written = Written(text=text, source=source, at=Span(source, 0, len(text)), form="file")
    body, _ = read_prompt(written, None, "the example")
    assert body is not None

    def about(number: int) -> Conversation[Reply]:
        reply = yield replace(question(number), columns={"number": number})
        return reply

    with servers.chat_server(delay=0.05) as server:
        specs = [
            candidate(Http(url=server.url, request=body, response="model", concurrency=n), f"app{n}")
            for n in (2, 3)
        ]
        async with connect(*specs) as models:
            work = {n: [Job(n, partial(about, int(n[-1]) * 100 + i)) for i in range(30)] for n in models}
            outcome = await ask_all(work, models)
    assert outcome.kinds("app2") == outcome.kinds("app3") == {None}
    assert server.peak == 5


def function(folder: Path, body: str, **more: int) -> PythonFunction:
    (folder / "own.py").write_text(f"def f(row, prompt, messages, steps):\n    {body}\n")
    return PythonFunction(file=folder / "own.py", function="f", **more)


async def test_no_more_calls_of_a_function_wait_than_it_has_workers(tmp_path: Path) -> None:
    in_gate = 0
    async with connect(
        candidate(function(tmp_path, "return 'x'", concurrency=2)), environment=os.environ
    ) as m:
        model = m["mini"]
        pool = model.pool  # type: ignore[attr-defined]

        def watch(event: object) -> None:
            nonlocal in_gate
            in_gate = max(in_gate, pool.turns.statistics().tasks_waiting)

        outcome = await ask_all({"mini": jobs("mini", range(20))}, m, watch=watch)
    assert outcome.texts("mini") == ["x"] * 20
    assert in_gate == 0


@pytest.mark.parametrize(
    ("body", "attempts", "kind"),
    [
        pytest.param("while True: pass", 2, FailureKind.TIMEOUT, id="an endless loop"),
        pytest.param("__import__('os')._exit(3)", 1, FailureKind.REJECTED, id="a crash"),
        pytest.param("raise ValueError('no')", 1, FailureKind.REJECTED, id="an error"),
    ],
)
async def test_a_function_that_fails_is_called_once_more_at_most(
    tmp_path: Path, body: str, attempts: int, kind: FailureKind
) -> None:
    use = function(tmp_path, body, timeout_ns=300_000_000, concurrency=2)
    async with connect(candidate(use), environment=os.environ) as models:
        outcome = await ask_all({"mini": jobs("mini", range(2))}, models)
    assert outcome.texts("mini") == [kind] * 2
    assert outcome.counts["sent"] == 2 * attempts
