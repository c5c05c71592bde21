"""A promptfoo configuration becomes a spec that checks without an error, and nothing gets lost unsaid."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import servers
from evalspec.interop.listed import Counts, Exactness
from evalspec.interop.promptfoo import Imported, import_promptfoo
from evalspec.pipeline import check_file
from evalspec.planning import load
from evalspec.running import Options, plan_of
from evalspec.syntax.format import format_source
from evalspec.text.diagnostics import errors
from evalspec.text.source import Source
from interop import configuration

TESTS = "c_tests.jsonl"


def imported(folder: Path, config: str, **files: str) -> Imported:
    """What a configuration becomes, written and checked: no error, and formatted."""
    for name, text in {"c.yaml": config, **files}.items():
        (folder / name).write_text(text, encoding="utf-8")
    found, faults = import_promptfoo(folder / "c.yaml", TESTS)
    assert found is not None, faults
    written(folder, found)
    return found


def written(folder: Path, found: Imported) -> Path:
    """The spec, written beside its data."""
    (folder / "c.eval").write_text(found.spec, encoding="utf-8")
    (folder / TESTS).write_bytes(found.data)
    front = check_file(folder / "c.eval")
    assert errors(front.diagnostics) == ()
    assert format_source(Source(name="c", text=found.spec)) == (found.spec, ())
    return folder / "c.eval"


def rows(found: Imported) -> list[dict[str, object]]:
    return [json.loads(line) for line in found.data.decode().splitlines()]


def told(found: Imported, what: str) -> list[str]:
    """Why something was not carried over."""
    return [remark.why for remark in found.remarks if what in remark.what]


# ── a whole configuration ─────────────────────────────────────────────────────────────────────────


@pytest.fixture
def desk(tmp_path: Path) -> tuple[Path, Imported]:
    path = configuration.write(tmp_path)
    found, faults = import_promptfoo(path, TESTS)
    assert found is not None, faults
    written(tmp_path, found)
    return tmp_path, found


def test_forty_assertions_are_counted_and_each_that_is_not_exact_is_listed(
    desk: tuple[Path, Imported],
) -> None:
    _, found = desk
    counts = Counts(configuration.EXACT, configuration.NEARLY, configuration.NONE)
    assert found.counts == counts
    assert str(counts) == (
        "40 assertions: 20 mapped exactly, 4 mapped with a changed meaning, 16 have no counterpart"
    )
    lines = configuration.CONFIG.splitlines()
    places = {
        int(remark.where.rsplit(":", 1)[1]): remark.exactness
        for remark in found.remarks
        if remark.where.rsplit(":", 1)[0].endswith("promptfooconfig.yaml")
    }
    for number, line in enumerate(lines, 1):
        wanted = line.rpartition("# ")[2].split()[-1] if "# " in line else ""
        if wanted in ("exact", "nearly", "none"):
            found_here = places.get(number)
            assert {"exact": None, "nearly": Exactness.NEARLY, "none": Exactness.NONE}[
                wanted
            ] is found_here, line


def test_the_head_of_the_spec_tells_what_was_not_carried_over(desk: tuple[Path, Imported]) -> None:
    _, found = desk
    head = " ".join(line.lstrip("# ") for line in found.spec.partition("\ndataset ")[0].splitlines())
    assert "40 assertions: 20 mapped exactly" in head
    for remark in found.remarks:
        assert remark.why.split("`")[0].strip() in head
    assert "sk-ant" not in found.spec


def test_every_candidate_is_asked_every_prompt_about_every_test(desk: tuple[Path, Imported]) -> None:
    folder, found = desk
    front, how = load(folder / "c.eval", Options())
    plan = plan_of(front, how)
    assert len(rows(found)) == 12  # eight inline, one of them for two questions, and three of the table
    equal = next(p for p in plan.tasks if p.task.name == "equal")
    assert [row.id for row in equal.rows] == ["t01", "t02", "t11"]
    names = {"gpt_5_mini", "haiku_cold", "qwen3_8b"}
    assert {c.name.partition("/")[0] for c in equal.candidates} == names


def test_the_imported_spec_scores_answers_as_promptfoo_would(tmp_path: Path) -> None:
    answers = {"France": "Paris", "Spain": "madrid", "Italy": "It is Rome.", "Peru": "Lima"}

    def reply(body: servers.Body) -> str:
        return next(said for country, said in answers.items() if country in servers.prompt_of(body))

    with servers.chat_server(reply) as server:
        tests = "".join(
            f"  - vars: {{country: {c}}}\n"
            f"    assert: [{{type: equals, value: {v}}}, {{type: contains, value: m}}]\n"
            for c, v in {"France": "Paris", "Spain": "Madrid", "Italy": "Rome", "Peru": "Lima"}.items()
        )
        imported(
            tmp_path,
            f'prompts: "Capital of {{{{country}}}}?"\nproviders:\n  - id: openai:m\n'
            f"    config: {{apiBaseUrl: {server.url}, apiKeyEnvar: KEY}}\ntests:\n{tests}",
        )
        import evalspec

        found = evalspec.run(tmp_path / "c.eval", environment={"KEY": "k"}).document
    accuracy = {}
    tasks = found["tasks"]
    assert isinstance(tasks, dict)
    for name, task in tasks.items():
        assert isinstance(task, dict)
        accuracy[name] = task["candidates"]["m"]["metrics"]["accuracy"]["value"]  # type: ignore[index,call-overload]
    assert accuracy == {"equal": 0.5, "containing": 0.75}  # Paris, Lima; and all but Paris have an m
    assert len(server.requests) == 4  # both tasks ask the same


# ── prompts ───────────────────────────────────────────────────────────────────────────────────────

ONE = "providers: [openai:gpt-5-mini]\ntests: [{vars: {q: x}, assert: [{type: equals, value: x}]}]\n"


def test_prompts_of_files_are_parted_at_dashes_and_become_variants(tmp_path: Path) -> None:
    found = imported(tmp_path, "prompts: file://p.txt\n" + ONE, **{"p.txt": "One {{q}}\n---\n\nTwo {{q}}\n"})
    assert 'p_1 = "One {{q}}"' in found.spec
    assert 'p_2 = "Two {{q}}"' in found.spec


def test_what_jinja_lacks_is_told_and_the_prompt_left_out(tmp_path: Path) -> None:
    prompts = "prompts: ['{{ q | nl2br }}', '{% if q === 1 %}a{% endif %}', '{{q}}', '{{q | dump}}']\n"
    found = imported(tmp_path, prompts + ONE)
    assert "nl2br" in told(found, "nl2br")[0]
    assert told(found, "=== 1") != []
    assert "{{q | tojson}}" in found.spec
    assert told(found, "dump") == ["written `tojson`, which sets a blank behind `,` and `:`"]


def test_the_environment_is_no_part_of_a_prompt(tmp_path: Path) -> None:
    prompts = "env: {CITY: Ulm}\nprompts: ['{{q}} in {{env.CITY}} {{ env.ZONE }}']\n"
    found = imported(tmp_path, prompts + ONE)
    assert 'prompt = "{{q}} in Ulm {{ env_ZONE }}"' in found.spec
    assert rows(found)[0]["env_ZONE"] == ""
    assert told(found, "env.ZONE")


def test_prefixes_and_suffixes_stand_around_the_prompt(tmp_path: Path) -> None:
    text = (
        "prompts: ['{{q}}']\nproviders: openai:gpt-5-mini\ntests:\n"
        "  - {vars: {q: a}, options: {prefix: 'Dear ', suffix: '!'}, assert: [{type: equals, value: b}]}\n"
        "  - {vars: {q: c}, assert: [{type: equals, value: d}]}\n"
    )
    found = imported(tmp_path, text)
    assert 'prompt = "{{ prompt_prefix }}{{q}}{{ prompt_suffix }}"' in found.spec
    assert [(r["prompt_prefix"], r["prompt_suffix"]) for r in rows(found)] == [("Dear ", "!"), ("", "")]


def test_a_provider_is_asked_only_the_prompts_it_names(tmp_path: Path) -> None:
    text = (
        "prompts: [{label: a, raw: 'A {{q}}'}, {label: b, raw: 'B {{q}}'}]\n"
        "providers:\n  - {id: openai:gpt-5, prompts: [a]}\n  - openai:gpt-5-mini\n"
        "tests: [{vars: {q: x}, assert: [{type: equals, value: x}]}]\n"
    )
    found = imported(tmp_path, text)
    assert '  models = [gpt_5_mini]\n  prompt = "B {{q}}"' in found.spec
    assert '  prompt = "A {{q}}"' in found.spec


# ── tests ─────────────────────────────────────────────────────────────────────────────────────────


def test_lists_of_values_unfold_and_scenarios_cross(tmp_path: Path) -> None:
    text = (
        "prompts: '{{a}} {{b}} {{c}}'\nproviders: openai:gpt-5-mini\n"
        "tests: [{vars: {a: [1, 2], b: [3, 4], c: x}, assert: [{type: equals, value: '{{a}}{{c}}'}]}]\n"
        "scenarios:\n  - config: [{vars: {a: 5}}, {vars: {a: 6}}]\n"
        "    tests: [{vars: {b: 7}}, {vars: {b: 8}, assert: [{type: equals, value: z}]}]\n"
    )
    found = imported(tmp_path, text)
    assert [(r["a"], r["b"]) for r in rows(found)] == [
        (1, 3), (1, 4), (2, 3), (2, 4), (5, 7), (5, 8), (6, 7), (6, 8),
    ]  # fmt: skip
    assert [r["expected_equal"] for r in rows(found)] == ["1x", "1x", "2x", "2x", None, "z", None, "z"]


def test_variables_name_each_other_and_conditions_are_words_where_they_are_printed(tmp_path: Path) -> None:
    text = (
        "prompts: '{{greeting}} {{flag}} {% if on %}on{% endif %}{{n}}'\nproviders: openai:gpt-5-mini\n"
        "tests: [{vars: {name: Ada, greeting: 'Hi {{name}}', flag: true, on: false, n: 2.0, gone: null},"
        " assert: [{type: equals, value: x}]}]\n"
    )
    (row,) = rows(imported(tmp_path, text))
    assert (row["greeting"], row["flag"], row["on"], row["n"], row["gone"]) == (
        "Hi Ada",
        "true",
        False,
        2,
        "",
    )


def test_tests_of_code_and_of_the_network_are_told_and_the_others_stay(tmp_path: Path) -> None:
    text = (
        "prompts: '{{q}}'\nproviders: openai:gpt-5-mini\n"
        "tests: [file://make.py, 'https://docs.google.com/x', file://t.jsonl, file://more.yaml]\n"
    )
    found = imported(
        tmp_path,
        text,
        **{
            "t.jsonl": '{"vars": {"q": "a"}, "assert": [{"type": "equals", "value": "b"}]}\n',
            "more.yaml": "- vars: {q: file://long.txt}\n",
            "long.txt": "a long text\n",
        },
    )
    assert [r["q"] for r in rows(found)] == ["a", "a long text"]
    assert told(found, "make.py") == ["an import runs no code"]


def test_files_that_name_each_other_end(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("- file://a.yaml\n- file://a.yaml\n")
    (tmp_path / "c.yaml").write_text("prompts: '{{q}}'\nproviders: openai:gpt-5\ntests: file://a.yaml\n")
    found, faults = import_promptfoo(tmp_path / "c.yaml", TESTS)
    assert found is None
    assert [d.code for d in faults] == ["E0224"]


@pytest.mark.parametrize("name", ["../secret.txt", "/etc/hostname", "link.txt"])
def test_nothing_outside_the_folder_is_read(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (tmp_path / "secret.txt").write_text("a secret")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "c.yaml").write_text(
        f"prompts: '{{{{q}}}}'\nproviders: openai:gpt-5\ntests: [{{vars: {{q: 'file://{name}'}}}}]\n"
    )
    found, faults = import_promptfoo(folder / "c.yaml", TESTS)
    assert found is None
    assert [d.code for d in faults] == ["E0224"]


# ── providers ─────────────────────────────────────────────────────────────────────────────────────


def test_providers_become_routes_and_no_key_is_carried_over(tmp_path: Path) -> None:
    text = """
prompts: "{{q}}"
providers:
  - openai:chat:gpt-5
  - anthropic:claude-haiku-4-5
  - google:gemini-2.5-flash
  - openrouter:meta-llama/llama-3.3-70b
  - ollama:chat:llama3
  - azure:chat:deployed
  - {openai:o4-mini: {config: {reasoning: {effort: low}, stop: ["\\n"]}}}
  - id: openai:x
    config: {apiHost: proxy.example, headers: {X-Team: desk, X-Api-Key: sk-1234567890}}
  - https://example.com/answer
  - openai:responses:gpt-5-nano
tests: [{vars: {q: x}, assert: [{type: equals, value: x}]}]
"""
    found = imported(tmp_path, text)
    for route in (
        "openai/gpt-5", "anthropic/claude-haiku-4-5", "gemini/gemini-2.5-flash", "ollama_chat/llama3",
        "openrouter/meta-llama/llama-3.3-70b", "azure/deployed", "openai/o4-mini", "openai/gpt-5-nano",
    ):  # fmt: skip
        assert f'use = "{route}"' in found.spec
    assert 'reasoning_effort = "low"' in found.spec
    assert 'base_url = "https://proxy.example/v1"' in found.spec
    assert '"X-Team" = "desk"' in found.spec
    assert "sk-1234567890" not in found.spec
    assert told(found, "https://example.com/answer")
    assert told(found, "openai:responses:gpt-5-nano") == ["asked by chat completions, not by `responses`"]


def test_without_any_provider_one_stands_in(tmp_path: Path) -> None:
    found = imported(
        tmp_path, "prompts: '{{q}}'\ntests: [{vars: {q: x}, assert: [{type: equals, value: x}]}]\n"
    )
    assert "# No provider could be carried over." in found.spec


def test_a_prompt_that_reads_no_variable_is_left_out(tmp_path: Path) -> None:
    found = imported(tmp_path, "prompts: [Hello, '{{q}}']\n" + ONE)
    assert told(found, "`Hello`") == ["it reads no variable, so that every test asks the same"]
