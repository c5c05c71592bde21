"""The published JSON Schemas against what is really written and read, and against slips in it."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import evalspec
import servers
from evalspec.cli.main import main
from evalspec.models.recorded_rows import BadRow, read_row
from evalspec.report.schemas import NAMES, schema_text
from score.worlds import DATASET, MODEL, Json, labelled, says, write_csv, write_jsonl

SPECS = Path(__file__).parents[2] / "specs"


def validator(name: str) -> jsonschema.Draft202012Validator:
    schema = json.loads(schema_text(name))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


RESULTS, PLAN, RECORDED = validator("results"), validator("plan"), validator("recorded")


def valid(schema: jsonschema.Draft202012Validator, value: Any) -> None:
    problems = [f"{'/'.join(map(str, e.path))}: {e.message[:200]}" for e in schema.iter_errors(value)]
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("name", NAMES)
def test_every_schema_is_printed(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", name]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(schema)


# ── real runs ─────────────────────────────────────────────────────────────────────────────────────


def support(folder: Path) -> Path:
    (folder / "data").mkdir()
    for file in (SPECS / "data").iterdir():
        (folder / "data" / file.name).write_bytes(file.read_bytes())
    spec = folder / "support_routing.eval"
    spec.write_bytes((SPECS / "support_routing.eval").read_bytes())
    return spec


def recorded(folder: Path) -> Path:
    """Every outcome there is, confidences on some, money, and requirements of every verdict."""
    outcomes = ["no_answer", "abstained", "refused", "truncated", "timeout"]
    labelled(folder, ["a", "b"] * 30, lang=["de", "en", "es"] * 20)
    said = ["a", "b"] * 27 + ["a"] * 6
    says(
        folder, said, [None if i % 7 == 0 else 0.5 + i / 120 for i in range(60)],
        outcome=[None] * 54 + [*outcomes, None], latency_s=[i / 100 for i in range(60)],
        cost_usd=[0.001] * 60, output_tokens=[3] * 60, served_model=["m-1"] * 60,
    )  # fmt: skip
    says(folder, ["b"] * 60, by="poor")
    says(folder, [None] * 5 + ["a"] * 50, by="failing")
    spec = folder / "s.eval"
    spec.write_text(
        DATASET
        + MODEL
        + 'model poor { use = recorded("poor.jsonl") }\nmodel failing { use = recorded("failing.jsonl") }\n'
        + "subset lang of d { by = lang }\n"
        + 'costs c { unit = "usd"; right = 0; wrong = 10; abstain = 2 }\n'
        + "task t { data = d; answer = one_of(label); positive = a; costs = c; abstain = when_cheaper;\n"
        + "  require { accuracy >= 70%; p95 <= 1s; ece <= 5%; overconfidence <= 20% } }\n"
        + "task u { data = d; answer = text; score = contains; rank = contains }\n",
        encoding="utf-8",
    )
    return spec


CHAIN = """
dataset d { source = file("d.csv"); id = id }
model m { use = "openai/m"; base_url = env("LLM_URL"); timeout = 5s }
chain t {
  data = d
  step one { prompt = "one {{ id }}"; answer = number; gold = number(g1); confidence = stated }
  step two { prompt = "two {{ id }} of {{ one }}"; answer = yes_no; gold = g2 }
  step three { prompt = "three {{ id }} {{ two }}"; answer = text }
  answer_of = two
  require { accuracy(one) >= 50%; p95 <= 1s }
}
"""


def reply(body: servers.Body) -> str:
    words = servers.prompt_of(body).split()
    if words[0] == "one":
        return "no idea" if words[1] == "3" else f"{words[1]}\nConfidence: 90%"
    return "yes" if words[0] == "two" else "done"


def fault(number: int, body: servers.Body) -> servers.Fault | None:
    """The second step of example 5 is rejected whenever it is asked."""
    return servers.Refuse(status=400, body="{}") if servers.prompt_of(body).startswith("two 5") else None


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Json:
    folder = tmp_path_factory.mktemp("chain")
    write_csv(folder / "d.csv", [{"id": i, "g1": i, "g2": "yes" if i % 3 else "no"} for i in range(40)])
    (folder / "s.eval").write_text(CHAIN, encoding="utf-8")
    with servers.chat_server(reply, fault=fault) as server:
        ran = evalspec.run(folder / "s.eval", environment={"LLM_URL": server.url})
    document: Json = json.loads(ran.to_json())
    return document


def test_a_chain_over_a_real_server(chain: Json) -> None:
    valid(RESULTS, chain)
    found = chain["tasks"]["t"]["candidates"]["m"]
    assert found["outcomes"]["error"] == 1
    assert found["outcomes"]["no_answer"] == 1
    assert set(found["steps"]) == {"one", "two", "three"}
    assert found["compounding"]["dependence_gap"] is not None


def test_the_support_spec(tmp_path: Path) -> None:
    document = json.loads(evalspec.run(support(tmp_path)).to_json())
    valid(RESULTS, document)
    found = document["tasks"]["route"]
    assert len(found["order"]) == 3
    assert all(c["calibration"] and c["policy"] for c in found["candidates"].values())


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Json:
    document: Json = json.loads(evalspec.run(recorded(tmp_path_factory.mktemp("recorded"))).to_json())
    return document


def test_recorded_answers_with_every_outcome(everything: Json) -> None:
    valid(RESULTS, everything)
    t = everything["tasks"]["t"]["candidates"]
    outcomes = {k: t["m"]["outcomes"][k] + t["failing"]["outcomes"][k] for k in t["m"]["outcomes"]}
    assert all(outcomes.values()), outcomes
    assert {r["verdict"] for c in t.values() for r in c["requirements"]} == {"met", "not_met", "undecided"}
    assert {c["viable"] for c in t.values()} == {True, False}
    assert everything["tasks"]["u"]["candidates"]["m"]["confusion"] is None


def test_results_from_a_file_and_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec, saved = recorded(tmp_path), tmp_path / "results.json"
    assert main(["run", str(spec), "--quiet", "--format", "json", "-o", str(saved)]) == 4
    printed = json.loads(capsys.readouterr().out)
    valid(RESULTS, printed)
    assert json.loads(saved.read_text()) == printed


# ── plans ─────────────────────────────────────────────────────────────────────────────────────────


def planned(folder: Path, spec: Path, *more: str) -> Json:
    assert main(["plan", str(spec), "-o", str(folder / "plan.json"), *more]) == 0
    document: Json = json.loads((folder / "plan.json").read_text())
    return document


def test_plans(tmp_path: Path) -> None:
    whole = planned(tmp_path, support(tmp_path))
    valid(PLAN, whole)
    assert len(whole["tasks"]["route"]["examples"]) == 343
    spec = recorded(tmp_path)
    narrow = planned(tmp_path, spec, "--models", "m", "--tasks", "t", "-n", "7", "--subset", "lang=de")
    valid(PLAN, narrow)
    assert narrow["selection"] == {"models": ["m"], "tasks": ["t"], "subset": "lang=de", "limit": 7}
    write_csv(tmp_path / "d.csv", [{"id": 1, "g1": 2, "g2": "no"}])
    (tmp_path / "s.eval").write_text(CHAIN, encoding="utf-8")
    valid(PLAN, planned(tmp_path, tmp_path / "s.eval"))


# ── slips ─────────────────────────────────────────────────────────────────────────────────────────

NAMED_FREELY = {
    "tasks", "candidates", "metrics", "subsets", "steps", "data_sha256", "versions", "pacing",
    "leaderboards", "free", "given_gold",
}  # fmt: skip
OPTIONAL = {"why", "null_mean", "null_p95", "product_given_gold", "surprise_interval", "first_token", "queue"}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every field whose name is fixed."""
    if isinstance(value, dict):
        free = bool(path) and path[-1] in NAMED_FREELY
        for name, inner in value.items():
            if not free:
                yield (*path, name)
            yield from places(inner, (*path, name))
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from places(inner, (*path, i))


@contextmanager
def changed(document: Json, path: tuple[Any, ...], change: Callable[[Any, Any], None]) -> Iterator[Json]:
    """The document with one change, which is undone behind it."""
    inner: Any = document
    for name in path[:-1]:
        inner = inner[name]
    before = copy.copy(inner)
    change(inner, path[-1])
    try:
        yield document
    finally:
        inner.clear()
        inner.update(before)


def shapes(paths: Iterator[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """One path of each kind: equal but for numbers and the names that are free."""
    kinds: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for path in paths:
        before = (None, *path)
        kind = tuple(
            "*" if isinstance(p, int) or b in NAMED_FREELY else p for b, p in zip(before, path, strict=False)
        )
        kinds.setdefault(kind, path)
    return list(kinds.values())


@pytest.mark.parametrize("which", ["everything", "chain"])
def test_a_missing_or_misspelt_field_is_caught(which: str, request: pytest.FixtureRequest) -> None:
    document = pruned(request.getfixturevalue(which))
    paths = shapes(places(document))
    assert len(paths) > 150
    for path in paths:
        with changed(document, path, rename if path[-1] in OPTIONAL else delete) as slipped:
            assert not RESULTS.is_valid(slipped), path
    for path in {path[:-1]: path for path in paths}.values():
        with changed(document, path, add) as slipped:
            assert not RESULTS.is_valid(slipped), f"more beside {path}"
    valid(RESULTS, document)


def pruned(document: Json) -> Json:
    """One task with one candidate and one subset, so that it is quickly validated many times."""
    pruned_one = copy.deepcopy(document)
    pruned_one["tasks"] = {"t": pruned_one["tasks"]["t"]}
    found = pruned_one["tasks"]["t"]
    found["candidates"] = {"m": found["candidates"]["m"]}
    subsets = found["candidates"]["m"]["subsets"]
    found["candidates"]["m"]["subsets"] = dict(list(subsets.items())[:1])
    return pruned_one


def rename(inner: Any, name: str) -> None:
    inner[name + "s"] = inner.pop(name)


def add(inner: Any, name: str) -> None:
    inner["more"] = None


def delete(inner: Any, name: str) -> None:
    del inner[name]


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        (("format",), "evalspec.results/2"),
        (("run", "spec_sha256"), "abc"),
        (("run", "requests", "sent"), -1),
        (("tasks", "t", "direction"), "up"),
        (("tasks", "t", "candidates", "m", "rank"), 0),
        (("tasks", "t", "candidates", "m", "rank"), 1.5),
        (("tasks", "t", "candidates", "m", "viable"), "yes"),
        (("tasks", "t", "candidates", "m", "outcomes", "answered"), None),
        (("tasks", "t", "candidates", "m", "metrics", "accuracy", "value"), None),  # null without why
        (("tasks", "t", "candidates", "m", "metrics", "accuracy", "low"), None),
        (("tasks", "t", "candidates", "m", "metrics", "accuracy", "se"), 0),  # 0 is no standard error
        (("tasks", "t", "candidates", "m", "metrics", "accuracy", "value"), "0.9"),
        (("tasks", "t", "candidates", "m", "metrics", "ece", "p_value"), 0),
        (("tasks", "t", "candidates", "m", "policy", "verdict"), "good"),
        (("tasks", "t", "candidates", "m", "latency", "measured"), "guessed"),
        (("tasks", "t", "candidates", "m", "reasons"), ["too dear"]),  # though it is viable
        (("tasks", "t", "pairs", 0, "p_value"), 1.2),
    ],
)
def test_a_wrong_value_is_caught(everything: Json, path: tuple[Any, ...], wrong: Any) -> None:
    document = copy.deepcopy(everything)
    document["tasks"]["t"]["candidates"]["m"]["viable"] = True
    document["tasks"]["t"]["candidates"]["m"]["reasons"] = []

    def put(inner: Any, name: Any) -> None:
        assert inner[name] != wrong
        inner[name] = wrong

    valid(RESULTS, document)
    with changed(document, path, put) as wrong_one:
        assert not RESULTS.is_valid(wrong_one)


def test_unknown_metrics_subsets_and_tasks_are_free(everything: Json) -> None:
    document = copy.deepcopy(everything)
    candidate = document["tasks"]["t"]["candidates"]["m"]
    candidate["metrics"]["my_own_score"] = candidate["metrics"]["accuracy"]
    candidate["subsets"]['odd="name"'] = candidate["subsets"]["lang=de"]
    document["tasks"]["another"] = document["tasks"]["u"]
    valid(RESULTS, document)


# ── recorded answers ──────────────────────────────────────────────────────────────────────────────

GOOD: list[Json] = [
    {"id": "a", "response": "x"},
    {"id": 7, "response": ""},
    {"id": "a", "error": "HTTP 500"},
    {"id": "a", "error": {"status": 500}, "response": None},
    {"id": "a", "outcome": "refused"},
    {"id": "a", "outcome": "not_asked"},
    {"id": "a", "response": "x", "outcome": "answered", "anything": {"else": [1]}},
    {
        "id": "a", "task": "t", "model": "m", "step": "s", "prompt": "short", "sample": 2, "response": "x",
        "perturbation": None, "confidence": 0.5, "label_logprobs": {"a": -0.1, "b": -2.3}, "latency_s": 0.2,
        "first_token_s": 0, "input_tokens": 3, "output_tokens": 0, "cost_usd": 0.01, "finish_reason": "stop",
        "at": "2026-01-01T00:00:00Z", "served_model": "m-1", "system_fingerprint": "fp",
        "due_at": "2026-01-01T00:00:00Z", "sent_at": "2026-01-01T00:00:00Z",
    },
]  # fmt: skip
BAD: list[Any] = [
    {"response": "x"},
    {"id": "", "response": "x"},
    {"id": True, "response": "x"},
    {"id": None, "response": "x"},
    {"id": "a"},
    {"id": "a", "response": None},
    {"id": "a", "response": 7},
    {"id": "a", "error": None},
    {"id": "a", "error": ""},
    {"id": "a", "outcome": ""},
    {"id": "a", "response": "x", "outcome": "fine"},
    {"id": "a", "response": "x", "confidence": 85},
    {"id": "a", "response": "x", "confidence": "0.5"},
    {"id": "a", "response": "x", "confidence": True},
    {"id": "a", "response": "x", "label_logprobs": {"a": 0.5}},
    {"id": "a", "response": "x", "label_logprobs": [0.5]},
    {"id": "a", "response": "x", "latency_s": -1},
    {"id": "a", "response": "x", "input_tokens": 1.5},
    {"id": "a", "response": "x", "sample": -1},
    {"id": "a", "response": "x", "cost_usd": -0.1},
    {"id": "a", "response": "x", "task": 3},
    ["a", "x"],
]


def reads(row: Any) -> bool:
    try:
        read_row(json.dumps(row).encode())
    except BadRow:
        return False
    return True


@pytest.mark.parametrize("row", GOOD, ids=json.dumps)
def test_what_the_schema_takes_is_read(row: Json) -> None:
    valid(RECORDED, row)
    assert reads(row)


@pytest.mark.parametrize("row", BAD, ids=json.dumps)
def test_what_the_schema_refuses_is_a_fault(row: Any) -> None:
    assert not RECORDED.is_valid(row)
    assert not reads(row)


FIELDS = json.loads(schema_text("recorded"))["properties"]
ANY = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from([0.5, 1.0, -0.5, 85.0]),
    st.sampled_from(["", "x", "answered", "timeout", "error", "nonsense"]),
    st.sampled_from([{}, {"a": -1.0}, {"a": math.log(2)}, []]),
)  # fmt: skip


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from([*FIELDS, "more"]), ANY, max_size=6), st.booleans())
@example({"id": "a", "error": False, "response": "x"}, False)
def test_no_row_that_the_schema_takes_is_a_fault(row: Json, plain: bool) -> None:
    if plain:
        row = {"id": "a", "response": "x", **row}
    if RECORDED.is_valid(row):
        assert reads(row)


def test_the_schema_names_every_field_that_is_read() -> None:
    from evalspec.models.recorded_rows import READ

    assert set(FIELDS) >= READ


def test_a_recorded_file_of_the_schema_runs(tmp_path: Path) -> None:
    labelled(tmp_path, ["a"] * len(GOOD))
    write_jsonl(
        tmp_path / "m.jsonl",
        ({**row, "id": i, "model": "m", "step": None, "sample": 0} for i, row in enumerate(GOOD)),
    )
    (tmp_path / "s.eval").write_text(
        DATASET + MODEL + "task t { data = d; answer = one_of(label); rank = accuracy }", encoding="utf-8"
    )
    valid(RESULTS, json.loads(evalspec.run(tmp_path / "s.eval").to_json()))
