"""What is printed: golden tables and sentences, their width, and that nothing in them acts.

`pytest tests/report --update` renews the golden files, which hold what a tiny fixed spec prints. The
properties hold for names as long and as hostile as a spec, data or a results file can have them.
"""

from __future__ import annotations

import copy
import csv
import io
import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalspec.report.glyphs import cells
from evalspec.report.table import WIDTH, TableForm, render_results
from evalspec.score.results import Results
from score.worlds import DATASET, HOSTED, Json, labelled, results_of, said, says, scored_play, write_csv

GOLDEN = Path(__file__).parents[1] / "cases" / "score" / "printed"
UNSAFE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
TEXTS = (TableForm.TABLE, TableForm.MARKDOWN, TableForm.CSV, TableForm.LINE)

MODELS = "".join(
    f'model {n} {{ use = recorded("{n}.jsonl") }}\n' for n in ("bold", "careful", "mute", "broken")
)
SPEC = (
    DATASET
    + MODELS
    + """
subset lang of d { by = lang }
costs c { unit = "usd"; right = 0; wrong = 10; abstain = 2 }
task pick {
  data = d
  answer = one_of(label)
  costs = c
  abstain = when_cheaper
  require { accuracy >= 50%; accuracy(lang) >= 40%; overconfidence <= 20%; else = mark }
}
task by_accuracy { data = d; models = [bold, careful]; answer = one_of(label); rank = accuracy }
"""
)


def tiny(folder: Path) -> Results:
    """Sixty examples: `bold` is too sure, `careful` less right and honest, `mute` silent, `broken` fails."""
    labelled(folder, ["a"] * 60, lang=["de"] * 45 + ["es"] * 8 + ["xx"] * 7)
    says(
        folder, ["a"] * 40 + ["b"] * 18 + ["?", ""], [0.99] * 60, by="bold",
        outcome=[None] * 59 + ["refused"], latency_s=[0.3] * 60, cost_usd=[0.002] * 60,
    )  # fmt: skip
    says(
        folder, ["a"] * 30 + ["b"] * 26 + ["a"] * 4, [0.95] * 30 + [0.4] * 30, by="careful",
        latency_s=[0.1 + i / 100 for i in range(60)], cost_usd=[0.001] * 60,
    )  # fmt: skip
    says(folder, ["b"] * 50 + ["a"] * 10, by="mute")
    says(folder, [None] * 4 + ["a"] * 56, [0.9] * 60, by="broken")
    return results_of(folder, SPEC)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return tiny(tmp_path_factory.mktemp("tiny"))


@pytest.mark.parametrize("form", [TableForm.TABLE, TableForm.MARKDOWN, TableForm.LINE])
def test_what_is_printed(results: Results, form: TableForm, update: bool) -> None:
    place = GOLDEN / f"tiny.{form.value}.txt"
    printed = render_results(results, form)
    if update:
        place.write_text(printed, encoding="utf-8")
    assert printed == place.read_text(encoding="utf-8")


CHAIN = (
    HOSTED
    + """
chain claims {
  data = d
  step amount { prompt = "{{ id }}"; answer = number; gold = number(g1) }
  step decide { prompt = "{{ amount }}"; answer = yes_no; gold = "yes" }
}
"""
)


def test_what_is_printed_about_a_chain(tmp_path: Path, update: bool) -> None:
    write_csv(tmp_path / "d.csv", [{"id": i, "g1": i} for i in range(40)])

    def play(request: Any) -> Any:
        text = request.messages[-1].content
        if request.step == "amount":
            return said(text if int(text) % 4 else "no idea" if int(text) % 8 else "999")
        return said("no" if int(text) > 30 or text == "8" else "yes")

    task = scored_play(tmp_path, CHAIN, m=play)
    document: Json = {"format": "evalspec.results/1", "run": {"complete": True}, "tasks": {"claims": task}}
    printed = render_results(Results(document))
    place = GOLDEN / "chain.table.txt"
    if update:
        place.write_text(printed, encoding="utf-8")
    assert printed == place.read_text(encoding="utf-8")


def test_every_golden_file_belongs_to_a_case() -> None:
    assert {p.name for p in GOLDEN.iterdir()} == {
        "tiny.table.txt", "tiny.md.txt", "tiny.line.txt", "chain.table.txt",
    }  # fmt: skip


def test_a_table_from_a_saved_file_is_the_same(results: Results, tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text(results.to_json(), encoding="utf-8")
    assert render_results(Results.load(tmp_path / "r.json")) == render_results(results)


def test_json_is_the_document(results: Results) -> None:
    assert json.loads(render_results(results, TableForm.JSON)) == results.document


# ── width ─────────────────────────────────────────────────────────────────────────────────────────


def renamed(results: Results, names: dict[str, str]) -> Results:
    """The results with every candidate, subset, task or unit called otherwise."""

    def changed(value: Any) -> Any:
        match value:
            case dict():
                return {names.get(k, k): changed(v) for k, v in value.items()}
            case list():
                return [changed(v) for v in value]
            case str():
                return with_names(value)
        return value

    def with_names(text: str) -> str:
        if text in names:
            return names[text]
        for old, new in names.items():
            text = text.replace(f"({old})", f"({new})")
        return text

    return Results(changed(copy.deepcopy(results.document)))


def too_wide(text: str) -> list[str]:
    return [line for line in text.split("\n") if cells(line) > WIDTH]


def test_every_line_fits(results: Results) -> None:
    assert not too_wide(render_results(results))


def test_names_of_sixty_characters(results: Results) -> None:
    long = {n: f"{n}_{'x' * 60}"[:60] for n in ("bold", "careful", "mute", "broken", "pick", "by_accuracy")}
    printed = render_results(renamed(results, long))
    assert not too_wide(printed)
    assert long["careful"] in printed  # whole in the sentences


def test_twelve_candidates(tmp_path: Path) -> None:
    names = [f"candidate_{i:02d}_of_a_family_with_a_long_name" for i in range(12)]
    labelled(tmp_path, ["a"] * 60, lang=["de"] * 30 + ["es"] * 30)
    for i, name in enumerate(names):
        says(
            tmp_path, ["a"] * (60 - 4 * i) + ["b"] * 4 * i, [0.9] * 60, by=name,
            latency_s=[1.5] * 60, cost_usd=[0.1] * 60,
        )  # fmt: skip
    models = "".join(f'model {n} {{ use = recorded("{n}.jsonl") }}\n' for n in names)
    task = SPEC.partition("subset lang")[2].partition("task by_accuracy")[0]
    printed = render_results(results_of(tmp_path, DATASET + models + "subset lang" + task))
    assert not too_wide(printed)
    assert all(name in printed for name in names)


def test_characters_that_take_two_cells(results: Results) -> None:
    wide = {"lang=es": "lang=" + "請求" * 30, "lang=xx": "lang=" + "バグ " * 20, "usd": "元"}
    assert not too_wide(render_results(renamed(results, wide)))


def test_names_that_begin_alike_stay_apart(results: Results) -> None:
    alike = {
        n: f"a_model_with_a_long_name_of_sixty_characters_and_a_suffix_{i}"
        for i, n in enumerate(("bold", "careful"))
    }
    table = render_results(renamed(results, alike)).partition("Decide")[0]
    ranked = [line.split()[1] for line in table.split("\n") if line[:1].isdigit()][:3]
    assert len(set(ranked)) == 3


def test_long_words_of_the_data_are_broken(results: Results) -> None:
    long = {"lang=es": "lang=" + "w" * 200, "lang=xx": "lang=" + "/" * 150, "usd": "u" * 120}
    assert not too_wide(render_results(renamed(results, long)))


# ── nothing acts ──────────────────────────────────────────────────────────────────────────────────


def acting(text: str) -> list[str]:
    """The characters that would act on a terminal."""
    return [c for c in text if c != "\n" and unicodedata.category(c) in UNSAFE]


HOSTILE = {
    "lang=es": "lang=\x1b[31mred\x1b[0m\r\n\x07",
    "lang=de": "lang=\u202eright to left\u2066",
    "lang=xx": "lang=\u200b\x00\x9b2J",
    "usd": "\x1b]0;title\x07",
    "pick": "pick\x1b[2J",
    "bold": "bold\n\nfake: line",
}


@pytest.mark.parametrize("form", TEXTS)
def test_control_characters_are_spelt_out(results: Results, form: TableForm) -> None:
    plain = render_results(results, form).count("\n")
    printed = render_results(renamed(results, HOSTILE), form)
    assert not acting(printed)
    assert "fake: line" not in printed.split("\n")
    if form is TableForm.CSV:
        assert printed.count("\n") == plain


@settings(max_examples=60, deadline=None)
@given(name=st.text(min_size=1, max_size=80), form=st.sampled_from(TEXTS))
def test_whatever_a_subset_is_called(results: Results, name: str, form: TableForm) -> None:
    printed = render_results(renamed(results, {"lang=es": f"lang={name}", "lang=de": f"lang={name}2"}), form)
    assert not acting(printed)
    if form is TableForm.TABLE:
        assert not too_wide(printed)


# ── csv ───────────────────────────────────────────────────────────────────────────────────────────


def read_csv(text: str) -> list[Json]:
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_holds_every_figure_of_every_part(results: Results) -> None:
    rows = read_csv(render_results(results, TableForm.CSV))
    document: Any = results.document
    expected = {
        (task, name, part, metric)
        for task, found in document["tasks"].items()
        for name, c in found["candidates"].items()
        for part, metrics in {"": c["metrics"], **{s: f["metrics"] for s, f in c["subsets"].items()}}.items()
        for metric in metrics
    }
    assert len(expected) > 500
    assert {(r["task"], r["candidate"], r["subset"], r["metric"]) for r in rows} == expected
    for row in rows:
        if (row["task"], row["subset"], row["metric"]) == ("pick", "", "accuracy"):
            figure = document["tasks"]["pick"]["candidates"][row["candidate"]]["metrics"]["accuracy"]
            assert float(row["value"]) == figure["value"]
            assert (float(row["low"]), float(row["high"])) == (figure["low"], figure["high"])
            assert int(row["n"]) == figure["n"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_name_is_no_formula(results: Results, start: str) -> None:
    names = {"lang=es": f"{start}cmd|' /C calc'!A1", "bold": f"{start}1+1", "pick": f"{start}SUM(A1)"}
    rows = read_csv(render_results(renamed(results, names), TableForm.CSV))
    for row in rows:
        for column in ("task", "candidate", "subset"):
            assert not row[column].startswith(("=", "+", "-", "@", "\t", "\r"))
    assert any("calc" in row["subset"] for row in rows)


def test_csv_keeps_commas_and_quotes_in_their_cells(results: Results) -> None:
    rows = read_csv(render_results(renamed(results, {"lang=es": 'lang=a,"b"'}), TableForm.CSV))
    assert any(row["subset"] == 'lang=a,"b"' for row in rows)


# ── markdown ──────────────────────────────────────────────────────────────────────────────────────


def test_markdown_has_a_heading_tables_and_lists(results: Results) -> None:
    printed = render_results(results, TableForm.MARKDOWN)
    lines = printed.split("\n")
    assert next(line for line in lines if line.startswith("## ")).startswith("## pick: 60 examples")
    rows = [line for line in lines if line.startswith("|")]
    assert len({line.count("|") for line in rows[:6]}) == 1  # head, rule and four candidates
    assert any(line.startswith("- ") for line in lines)
