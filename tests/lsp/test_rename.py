"""Renaming changes every mention, in other files too, and refuses what would change a meaning."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalspec.lsp.desk import Desk, Document
from evalspec.lsp.rename import Refused, renamable, rename
from evalspec.pipeline import check_source
from evalspec.text.diagnostics import errors
from evalspec.text.source import Source
from lsp.spec import CHAIN, SPEC, cursor, folder, put, seen


def renamed(at: Path, before: str, new: str, text: str = SPEC) -> str:
    """The spec with the name that begins behind some words called otherwise."""
    bare, offset = cursor(put(text, before))
    result = bare
    replacements = rename((seen(at, bare),), offset, new)
    for replacement in sorted(replacements, key=lambda r: -r.target.start):
        assert replacement.target.path.name == "route.eval"
        result = result[: replacement.target.start] + replacement.text + result[replacement.target.end :]
    return result


def refusal(at: Path, before: str, new: str, text: str = SPEC) -> str:
    with pytest.raises(Refused) as caught:
        renamed(at, before, new, text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("before", "old", "times"),
    [
        ("dataset ", "tickets", 4),
        ("dataset train", "train", 0),
        ("subset ", "german", 2),
        ("of tickets { by = lang }\n\nmodel ", "bayes", 1),
        ("costs ", "misrouting", 2),
        ("derive { ", "long", 2),
        ("models = [", "mini", 2),
        ("task ", "route", 1),
    ],
)
def test_every_mention_is_renamed_and_the_spec_means_the_same(
    tmp_path: Path, before: str, old: str, times: int
) -> None:
    if not times:
        before, times = "label = queue }\n\nsubset ", 2
        old = "german"
    result = renamed(tmp_path, before, "other_name")
    assert result.count("other_name") == times
    path = folder(tmp_path) / "route.eval"
    assert errors(check_source(Source(name="r", text=result, path=path)).diagnostics) == ()
    assert renamed(tmp_path, before.replace(old, "other_name"), old, result) == SPEC


def test_a_step_is_renamed_in_the_prompts_that_read_it(tmp_path: Path) -> None:
    result = renamed(tmp_path, "step ", "opening", CHAIN)
    assert "step opening {" in result
    assert "{{ opening }} {{ labels }}" in result
    result = renamed(tmp_path, "answer_of = ", "closing", CHAIN)
    assert (result.count("closing"), result.count("second")) == (3, 0)


def test_a_name_of_a_template_is_renamed_inside_of_it(tmp_path: Path) -> None:
    text = SPEC.replace(
        '{{ labels | join(", ") }}', "{% for x in labels %}{{ x }}{{ loop.index }}{% endfor %}"
    )
    assert "{% for one in labels %}{{ one }}{{ loop.index }}" in renamed(tmp_path, "{% for ", "one", text)


def test_a_prompt_with_escapes_is_renamed_in_place(tmp_path: Path) -> None:
    text = SPEC.replace(
        "rank = expected_cost", 'system = "\\"{{ long }}\\" \\u00e4 {{ long }}"\n  rank = accuracy'
    )
    assert 'system = "\\"{{ big }}\\" \\u00e4 {{ big }}"' in renamed(tmp_path, "derive { ", "big", text)


@pytest.mark.parametrize(
    ("before", "new", "why"),
    [
        ("dataset ", "train", "there is a dataset `train` already"),
        ("dataset ", "two words", "is no name"),
        ("dataset ", "1st", "is no name"),
        ("dataset ", "", "is no name"),
        ("dataset ", "true", "a word of the language"),
        ("derive { ", "body", "has a column `body` already"),
        ("derive { ", "labels", "means something else in templates"),
        ("id = ", "key", "named in the data file"),
        ("[billing, ", "defect", "stands in the data"),
        ("require {\n    ", "precision", "a word of the language"),
        ("  sou", "origin", "a word of the language"),
        ("# Tick", "x", "there is no name here"),
    ],
)
def test_what_would_change_a_meaning_is_refused(tmp_path: Path, before: str, new: str, why: str) -> None:
    assert why in refusal(tmp_path, before, new)


def test_a_step_may_not_take_the_name_of_a_column(tmp_path: Path) -> None:
    assert "has a column `lang`" in refusal(tmp_path, "step ", "lang", CHAIN)
    assert "there is a step `second` already" in refusal(tmp_path, "step ", "second", CHAIN)


def test_the_place_that_is_renamed_is_the_name_alone(tmp_path: Path) -> None:
    bare, offset = cursor(put(SPEC, "costs = mis"))
    mention = renamable(seen(tmp_path, bare), offset)
    assert bare[mention.at.start : mention.at.end] == "misrouting"


# ── several files ─────────────────────────────────────────────────────────────────────────────────

LIBRARY = """\
dataset tickets {
  source = file("data/tickets.csv")
  id = ticket_id
  label = queue
  derive { long = words(body) > 3 }
}
"""
MAIN = """\
import "library.eval"
model mini { use = "openai/gpt-5-mini" }
task route {
  data = tickets
  prompt = file("route.jinja")
  answer = one_of(queue)
}
"""


def desk_with(at: Path, opened: str) -> tuple[Desk, str]:
    """A desk on which one of the files is open."""
    folder(at)
    texts = {
        "library.eval": LIBRARY,
        "main.eval": MAIN,
        "route.jinja": "{{ labels }} {{ body }} {{ long }}\n",
    }
    for name, text in texts.items():
        (at / name).write_text(text, encoding="utf-8")
    desk = Desk()
    document = Document((at / opened).as_uri(), at / opened, 1, texts[opened])
    desk.put(document)
    desk.check(document)
    return desk, document.uri


def test_a_name_of_an_import_is_renamed_in_both_files(tmp_path: Path) -> None:
    desk, uri = desk_with(tmp_path, "main.eval")
    offset = MAIN.index("tickets")
    found = rename(desk.views_for(uri, offset), offset, "letters")
    assert sorted((r.target.path.name, r.target.start) for r in found) == [
        ("library.eval", LIBRARY.index("tickets")),
        ("main.eval", offset),
    ]


def test_a_name_of_a_library_is_renamed_in_the_specs_that_import_it(tmp_path: Path) -> None:
    desk, uri = desk_with(tmp_path, "library.eval")
    offset = LIBRARY.index("tickets")
    found = rename(desk.views_for(uri, offset), offset, "letters")
    assert sorted(r.target.path.name for r in found) == ["library.eval", "main.eval"]


def test_a_computed_column_is_renamed_in_a_template_file(tmp_path: Path) -> None:
    desk, uri = desk_with(tmp_path, "main.eval")
    (library,) = [
        f.source for f in desk.views_for(uri, 0)[0].files if f.source.path != tmp_path / "main.eval"
    ]
    desk, uri = desk_with(tmp_path, "library.eval")
    offset = library.text.index("long")
    found = rename(desk.views_for(uri, offset), offset, "lengthy")
    assert sorted(r.target.path.name for r in found) == ["library.eval", "route.jinja"]


def test_a_clash_in_another_spec_is_seen(tmp_path: Path) -> None:
    desk, uri = desk_with(tmp_path, "library.eval")
    (tmp_path / "main.eval").write_text(
        MAIN + 'dataset more { source = file("data/tickets.csv") }\n', encoding="utf-8"
    )
    offset = LIBRARY.index("tickets")
    with pytest.raises(Refused, match="there is a dataset `more` already"):
        rename(desk.views_for(uri, offset), offset, "more")


def test_a_field_of_an_answer_is_not_ours_to_rename(tmp_path: Path) -> None:
    text = CHAIN.replace("answer = text; gold = body", "answer = json(total = number); gold = body")
    text = text.replace("{{ first }}", "{{ first.total }}")
    assert "what the model is asked to write" in refusal(tmp_path, "{{ first.", "sum", text)
