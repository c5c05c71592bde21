"""Prices, capabilities and keys before anything is asked; connections during a run."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import servers
from evalspec.language.candidates import Baseline, Environment, Hosted, ModelSpec, Price, Recorded
from evalspec.models.baseline import Training
from evalspec.models.capabilities import gives_logprobs
from evalspec.models.connect import Keyer, keyer
from evalspec.models.hosted import HostedModel
from evalspec.models.masking import MASK, presentable, secret_forms
from evalspec.models.prices import PER, cost_of, price_of
from models.asking import answered, ask_once, candidate, connect, hosted, question, written

if TYPE_CHECKING:
    import aiohttp

TAUGHT = Training(rows=[{"x": "a"}, {"x": "b"}], row_labels=["a", "b"], labels=("a", "b"))


def planned(spec: ModelSpec, **environment: str) -> Keyer:
    return keyer(spec, environment=environment, training=lambda use: TAUGHT)


# ── keys ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.anyio
async def test_a_plan_knows_the_keys_that_the_candidates_give(tmp_path: Path) -> None:
    file = written(tmp_path / "r.jsonl", ['{"id": "e1", "response": "x"}'])
    specs = [
        candidate(hosted("http://h", api_key=Environment("K"), headers={"X": Environment("H")}), "direct"),
        candidate(hosted("", base_url=Environment("URL")), "elsewhere"),
        candidate(Hosted(route="openai/gpt-4o", direct=True), "openai"),
        candidate(Hosted(route="anthropic/claude-haiku-4-5", direct=False), "anthropic"),
        candidate(Hosted(route="gemini/gemini-2.5-flash", direct=False), "gemini"),
        candidate(Hosted(route="azure/mine", direct=False), "azure"),
        candidate(Hosted(route="mistral/mistral-small", direct=False), "litellm"),
        candidate(Recorded(files=(file,)), "recorded"),
        candidate(Baseline(kind="logistic", columns=("x",), train="d"), "baseline"),
    ]
    request = question(columns={"x": "a"}, logprobs=True)
    environment = {"K": "k", "H": "h", "URL": "http://h/v1", "AZURE_API_BASE": "https://z"}
    environment |= {f"{vendor}_API_KEY": "k" for vendor in ("OPENAI", "ANTHROPIC", "GEMINI", "AZURE")}
    async with connect(*specs, environment=environment, training=TAUGHT) as models:
        real = {name: model.key(request) for name, model in models.items()}
    known = {"URL": "http://h/v1", "AZURE_API_BASE": "https://z"}
    assert {spec.name: planned(spec, **known)(request) for spec in specs} == real
    assert real.pop("recorded") is None
    assert None not in real.values()


def test_without_its_address_a_candidate_has_no_keys() -> None:
    for direct in (True, False):
        use = Hosted(route="m", direct=direct, base_url=Environment("URL"))
        assert planned(candidate(use))(question()) is None
        assert planned(candidate(use), URL="http://h")(question()) is not None


def test_planning_loads_no_network_library() -> None:
    program = """
from evalspec.language.candidates import (Hosted, ModelSpec)
from evalspec.models.connect import keyer
from evalspec.models.model import Request
from evalspec.models.prices import price_of
from evalspec.text.source import Source, Span
import sys
use = Hosted(route="openai/gpt-4o-mini", direct=True)
spec = ModelSpec(name="m", at=Span(Source(name="", text=""), 0, 0), use=use)
assert keyer(spec, environment={}, training=None)(Request(task="t", step="", example="e"))
assert price_of(use)
print(*sys.modules)
"""
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert not {"aiohttp", "litellm", "openai", "httpx", "sklearn"} & set(loaded.split())


# ── connections ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.anyio
async def test_candidates_of_a_provider_share_a_session_that_is_closed_behind_them() -> None:
    sessions: list[aiohttp.ClientSession] = []
    with servers.chat_server() as one, servers.chat_server() as other:
        specs = [
            candidate(hosted(one.url, provider="gateway"), "a"),
            candidate(hosted(one.url, provider="gateway"), "b"),
            candidate(hosted(other.url), "c"),
        ]
        async with connect(*specs) as models:
            for model in models.values():
                assert isinstance(model, HostedModel)
                answered(await model.ask(question()))
                sessions.append(model.session)
                assert not model.session.closed
    assert sessions[0] is sessions[1]
    assert sessions[0] is not sessions[2]
    assert all(session.closed for session in sessions)


@pytest.mark.anyio
async def test_cookies_of_a_server_are_not_sent_back() -> None:
    def fault(number: int, body: servers.Body) -> servers.Fault | None:
        return servers.Refuse(status=500, headers={"Set-Cookie": "session=1"}) if number == 0 else None

    with servers.chat_server(fault=fault) as server:
        async with connect(candidate(hosted(server.url))) as models:
            await models["mini"].ask(question())
            answered(await models["mini"].ask(question()))
    assert "Cookie" not in server.requests[1].headers


@pytest.mark.anyio
async def test_recorded_candidates_are_told_their_tasks(tmp_path: Path) -> None:
    file = written(tmp_path / "r.jsonl", ['{"id": "e1", "response": "x"}'])
    async with connect(candidate(Recorded(files=(file,)))) as models:
        assert answered(await models["mini"].ask(question())).response == "x"


# ── prices and capabilities ───────────────────────────────────────────────────────────────────────


def test_the_spec_s_price_comes_first() -> None:
    price = Price(input=Decimal(1), output=Decimal(2), per=PER)
    assert price_of(Hosted(route="openai/gpt-4o", direct=True, price=price)) == price


@pytest.mark.parametrize(
    ("route", "asked", "said", "remembered"),
    [
        ("openai/gpt-4o-mini", "0.15", "0.6", "0.075"),
        ("gemini/gemini-2.5-flash", "0.3", "2.5", "0.03"),
        ("anthropic/claude-haiku-4-5", "1", "5", "0.1"),
    ],
)
def test_known_routes_have_the_bundled_price(route: str, asked: str, said: str, remembered: str) -> None:
    price = price_of(Hosted(route=route, direct=route.startswith("openai/")))
    assert price == Price(
        input=Decimal(asked), output=Decimal(said), per=PER, cached_input=Decimal(remembered)
    )


def test_what_the_server_remembered_costs_its_own_price() -> None:
    price = Price(input=Decimal(1), output=Decimal(5), per=Decimal(100), cached_input=Decimal("0.1"))
    assert cost_of(price, 100, 10, 40) == Decimal("0.60") + Decimal("0.04") + Decimal("0.5")
    assert cost_of(replace(price, cached_input=None), 100, 10, 40) == Decimal("1.5")
    assert cost_of(price, 100, 0, 1000) == Decimal("0.1"), "no more is remembered than was read"


@pytest.mark.parametrize(
    "use",
    [
        Hosted(route="openai/gpt-4o-min", direct=True),
        Hosted(route="anthropic/gpt-4o-mini", direct=False),
        Hosted(route="sample_spec", direct=False),
        hosted("http://127.0.0.1:8000/v1", route="openai/gpt-4o-mini"),
        hosted("http://localhost/v1", route="gpt-4o-mini"),
    ],
)
def test_what_is_not_known_exactly_has_no_price(use: Hosted) -> None:
    assert price_of(use) is None


def test_a_gateway_charges_the_list_price() -> None:
    assert price_of(hosted("https://gateway.example/v1", route="gpt-4o-mini")) is not None


def test_a_call_costs_its_tokens() -> None:
    price = Price(input=Decimal("0.15"), output=Decimal("0.60"), per=Decimal(1_000_000))
    assert cost_of(price, 1000, 100) == Decimal("0.00021")
    assert cost_of(price, None, 100) is None
    assert cost_of(None, 1, 1) is None


@pytest.mark.parametrize(
    ("route", "direct", "gives"),
    [
        ("openai/gpt-4o-mini", True, True),
        ("meta-llama/Llama-3-8B", True, True),
        ("openai/gpt-5-mini", True, False),
        ("gpt-5", True, False),
        ("gpt-5.1", True, False),
        ("openai/o3", True, False),
        ("o4-mini-2025-04-16", True, False),
        ("olmo-7b", True, True),
        ("azure/gpt-4o", False, True),
        ("azure/o1", False, False),
        ("anthropic/claude-haiku-4-5", False, False),
        ("cohere/command-r", False, False),
        ("no_such/model", False, False),
    ],
)
def test_who_tells_the_probabilities_of_tokens(route: str, direct: bool, gives: bool) -> None:
    assert gives_logprobs(Hosted(route=route, direct=direct)) is gives


# ── masking ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text", ["key s3cr3t-value!", "key s3cr3t-value%21", "Basic s3cr3t-value!", "s3cr3t-value!s3cr3t-value!"]
)
def test_a_secret_is_masked_in_every_form(text: str) -> None:
    shown = presentable(text, secret_forms(["Basic s3cr3t-value!"]))
    assert "s3cr3t" not in shown
    assert MASK in shown


def test_a_long_message_is_clipped_and_stays_one_line() -> None:
    shown = presentable("a\r\nb\tc" + "x" * 1000)
    assert shown.startswith("a  b c")
    assert len(shown) == 300
    assert shown.endswith("…")


def test_a_secret_across_the_cut_is_masked_first() -> None:
    shown = presentable("x" * 290 + "sk-secret-0123456789", secret_forms(["sk-secret-0123456789"]))
    assert "sk-" not in shown


@pytest.mark.anyio
async def test_the_request_of_one_candidate_goes_to_its_own_address() -> None:
    with servers.chat_server(lambda body: "one") as one, servers.chat_server(lambda body: "two") as two:
        assert answered(await ask_once(hosted(one.url))).response == "one"
        assert answered(await ask_once(hosted(two.url))).response == "two"
