"""Hover, definition, references, outline, folds, colours: what words mean and where else they stand."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from evalspec.lsp.colours import colours
from evalspec.lsp.completion import complete
from evalspec.lsp.definition import definition, highlights, references
from evalspec.lsp.hover import hover
from evalspec.lsp.outline import folds, outline
from evalspec.lsp.signature import signature
from lsp.spec import CHAIN, SPEC, TICKETS, cursor, put, seen


def said(at: Path, before: str, text: str = SPEC) -> str:
    """What hovering says of the word that begins behind some words."""
    bare, offset = cursor(put(text, before))
    found = hover(seen(at, bare), offset)
    return found.text if found is not None else ""


def pointed(at: Path, before: str, text: str = SPEC) -> list[tuple[str, str]]:
    """The file and the words that going to the definition leads to."""
    bare, offset = cursor(put(text, before))
    return [(t.path.name, t.source.text[t.start : t.end]) for t in definition(seen(at, bare), offset)]


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("\n", ["dataset", "a labelled set of examples"]),
        ("rank = expected_cost\n}", []),
        ("  so", ["**source** of `dataset`", "its files: csv"]),
        ("source = ", ['`file("data.csv")`', "a glob"]),
        ("dataset ", ["tickets", "6 examples", "`billing` 3, `bug` 3", "`amount`"]),
        ("id = ", ["ticket_id", "dataset `tickets`: text", "`T1`, `T2`, `T3`"]),
        ("[billing, ", ["label **bug**", "3 examples"]),
        ("derive { ", ["column **long**", "condition", "derive { long = words(body) > 3 }"]),
        ("long = ", ["`words(text)` → number"]),
        ("accuracy(", ["subset **german**: 2 examples", 'where = lang == "de"']),
        ("accuracy(language", ["subset **language**: one for each value", "`de` 2, `en` 3, `es` 1"]),
        ('accuracy(language["', ["subset **language=de**: 2 examples"]),
        ("require {\n    ", ["metric **accuracy**: share of right answers", "higher is better"]),
        ("rank = ", ["mean cost under the declared policy", "lower is better", "needs costs"]),
        ("models = [", ["model **mini**", 'use = "openai/gpt-5-mini"']),
        ("answer = ", ["`one_of(COLUMN)`"]),
        ("confidence = ", ["a number that the model is asked to state"]),
        ("{{ ", ["**labels**", "the labels that the answer may be"]),
        ("{% if ", ["column **long** of dataset `tickets`: condition"]),
        ("body | ", ["filter **upper**"]),
    ],
)
def test_hovering_tells_what_a_word_means(tmp_path: Path, before: str, expected: list[str]) -> None:
    found = said(tmp_path, before)
    assert all(words in found for words in expected), found
    assert bool(found) == bool(expected)


def test_values_of_private_columns_are_never_shown(tmp_path: Path) -> None:
    text = SPEC.replace("derive {", "derive { small = lower(body); ")
    view = seen(tmp_path, text)
    dataset = replace(view.facts.datasets["tickets"], private=("body", "lang"))
    hidden = replace(view, facts=replace(view.facts, datasets={"tickets": dataset}))
    for column in ("body", "small"):  # the second is computed from the first
        open_, found = (hover(v, text.index(column, text.index("derive"))) for v in (view, hidden))
        assert open_ is not None
        assert found is not None
        assert "invoice" in open_.text.lower()
        assert "invoice" not in found.text.lower()
        assert "private" in found.text
    subset = hover(hidden, text.index("language of"))
    assert subset is not None
    assert "`de`" not in subset.text
    at = text.index("lang == ") + len('lang == "')
    assert {o.label for o in complete(view, at)} == {"en", "de", "es"}
    assert complete(hidden, at) == ()


def test_a_request_parameter_is_told_from_an_attribute(tmp_path: Path) -> None:
    text = SPEC.replace('"openai/gpt-5-mini"', '"openai/gpt-5-mini"; temperature = 0')
    assert "request parameter" in said(tmp_path, 'gpt-5-mini"; ', text)


# ── going to places ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("  data = ", [("route.eval", "tickets")]),
        ("costs = ", [("route.eval", "misrouting")]),
        ("models = [", [("route.eval", "mini")]),
        ("accuracy(", [("route.eval", "german")]),
        ('accuracy(language["', [("route.eval", "language")]),
        ("recall(", [("route.eval", "bug")]),
        ("{% if ", [("route.eval", "long")]),
        ("id = ", [("tickets.csv", "ticket_id")]),
        ("{{ body | upper }}{% endif %} {{ ", [("tickets.csv", "body")]),
        ('file("', [("tickets.csv", "")]),
        ("| billing        |       - |   2 |\n  | ", [("route.eval", "bug")]),
        ("require {\n    ", []),
        ("# ", []),
    ],
)
def test_going_to_where_a_name_comes_from(
    tmp_path: Path, before: str, expected: list[tuple[str, str]]
) -> None:
    assert pointed(tmp_path, before) == expected


def test_a_column_with_an_odd_name_is_found_in_the_header(tmp_path: Path) -> None:
    text = SPEC.replace("{{ labels", '{{ row["body text"] }} {{ labels')
    assert pointed(tmp_path, 'row["', text) == [("tickets.csv", "body text")]
    assert TICKETS.startswith('ticket_id,lang,"body text"')


def test_a_step_is_found_from_prompts_and_bounds(tmp_path: Path) -> None:
    assert pointed(tmp_path, "{{ first", CHAIN) == [("route.eval", "first")]
    assert pointed(tmp_path, "accuracy(", CHAIN) == [("route.eval", "second")]
    assert pointed(tmp_path, "answer_of = ", CHAIN) == [("route.eval", "second")]


def test_references_are_all_places_that_mean_the_same(tmp_path: Path) -> None:
    bare, offset = cursor(put(SPEC, "derive { "))
    view = seen(tmp_path, bare)
    found = references((view,), offset, declaration=True)
    assert [bare[m.at.start - 6 : m.at.end] for m in found] == ["ive { long", "{% if long"]
    assert len(references((view,), offset, declaration=False)) == 1
    assert len(highlights(view, offset)) == 2


def test_a_column_of_one_dataset_is_not_that_of_another(tmp_path: Path) -> None:
    bare, offset = cursor(put(SPEC, "id = "))
    found = references((seen(tmp_path, bare),), offset, declaration=True)
    assert len(found) == 1  # `train` has an `id = ticket_id` of its own


def test_labels_are_found_in_lists_tables_texts_and_bounds(tmp_path: Path) -> None:
    text = SPEC.replace('lang == "de"', 'queue == "bug"')
    bare, offset = cursor(put(text, "[billing, "))
    lines = [m.at.begin[0] for m in references((seen(tmp_path, bare),), offset, declaration=True)]
    assert lines == [5, 10, 17, 19, 34]


# ── shape ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_outline_is_the_blocks_and_those_inside(tmp_path: Path) -> None:
    found = outline(seen(tmp_path, SPEC))
    assert [e.name for e in found] == [
        "tickets", "train", "german", "language", "bayes", "mini", "misrouting", "route",
    ]  # fmt: skip
    assert [e.name for e in found[0].inner] == ["derive"]
    assert [e.name for e in found[0].inner[0].inner] == ["long"]
    assert found[2].detail == "subset of tickets"


def test_blocks_prompts_and_runs_of_comments_fold(tmp_path: Path) -> None:
    view = seen(tmp_path, "# one\n# two\n\n" + SPEC)
    found = {(view.source.position(a)[0], view.source.position(b)[0]): kind for a, b, kind in folds(view)}
    assert found[1, 2] == "comment"
    assert found[5, 10] == "region"  # the dataset
    assert found[28, 31] == "region"  # the prompt


def test_colours_are_in_order_and_apart(tmp_path: Path) -> None:
    view = seen(tmp_path, SPEC)
    found = colours(view)
    assert all(one.end <= other.start for one, other in pairwise(found))
    words = {(SPEC[c.start : c.end], c.type) for c in found}
    assert {
        ("dataset", "keyword"), ("source", "property"), ("file", "function"), ("words", "function"),
        ("billing", "enumMember"), ("accuracy", "function"), ("long", "variable"), ("upper", "function"),
        ("5%", "number"), ("# Tickets 👋", "comment"), ("mini", "class"), ("of", "keyword"),
    } <= words  # fmt: skip
    assert [SPEC[c.start : c.end] for c in found if c.declares and c.type == "variable"] == ["long"]


def test_the_function_around_the_cursor_is_told(tmp_path: Path) -> None:
    bare, offset = cursor(put(SPEC, 'baseline("naive_bayes", '))
    found = signature(seen(tmp_path, bare), offset)
    assert found is not None
    assert found.written.startswith('baseline("naive_bayes", columns')
    assert signature(seen(tmp_path, bare), 0) is None


def test_columns_of_a_table_inside_a_dataset_are_declared_there(tmp_path: Path) -> None:
    text = 'dataset d {\n  | id | body | queue |\n  | 1 | "x" | bug |\n  label = queue\n}\n'
    assert pointed(tmp_path, "label = ", text) == [("route.eval", "queue")]
    bare, offset = cursor(put(text, "| id | body | "))
    assert len(references((seen(tmp_path, bare),), offset, declaration=True)) == 2


def test_a_column_that_the_path_tells_is_found_in_the_path(tmp_path: Path) -> None:
    for subject in ("law", "art"):
        (tmp_path / f"{subject}_test.csv").write_text("q,answer\nx,A\ny,B\n", encoding="utf-8")
    text = 'dataset d {\n  source = file("{subject}_test.csv")\n  label = answer\n}\n'
    text += "subset s of d { by = subject }\n"
    assert pointed(tmp_path, "by = ", text) == [("route.eval", 'file("{subject}_test.csv")')]
    assert [name for name, _ in pointed(tmp_path, 'file("', text)] == ["art_test.csv", "law_test.csv"]


def test_a_metric_that_holds_a_figure_is_told(tmp_path: Path) -> None:
    text = SPEC.replace("rank = expected_cost", "rank = coverage@5%")
    assert "share that can be answered at that risk" in said(tmp_path, "rank = ", text)
