"""Completion offers what may stand at the cursor, in every kind of place, in texts that are half written."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalspec.language.schema import BLOCKS, TOP_LEVEL
from evalspec.lsp.completion import complete
from evalspec.lsp.offers import Offer
from lsp.spec import SPEC, cursor, put, seen


def offered(at: Path, text: str, *, last: str = SPEC) -> dict[str, Offer]:
    bare, offset = cursor(text)
    return {offer.label: offer for offer in complete(seen(at, bare, last=last), offset)}


def labels(at: Path, text: str) -> list[str]:
    return list(offered(at, text))


def behind(addition: str) -> str:
    """The spec with something typed at its end."""
    return SPEC + "\n" + addition


def test_at_the_top_stand_the_kinds_of_blocks_as_snippets(tmp_path: Path) -> None:
    found = offered(tmp_path, behind("ta▮"))
    assert [k for k in TOP_LEVEL if BLOCKS[k].built] == list(found)
    assert found["task"].snippet
    assert found["task"].insert.startswith("task ${1:name} {")
    assert found["limits"].insert == "limits {\n  $0\n}"


def test_a_kind_that_has_its_name_already_is_offered_as_a_bare_word(tmp_path: Path) -> None:
    found = offered(tmp_path, behind("ta▮ route { }"))
    assert (found["task"].insert, found["task"].snippet) == ("task", False)


def test_an_import_is_offered_only_above_all_blocks(tmp_path: Path) -> None:
    assert "import" in labels(tmp_path, "▮")
    assert "import" not in labels(tmp_path, behind("▮"))


def test_in_a_block_stand_its_attributes_but_for_those_given(tmp_path: Path) -> None:
    found = labels(tmp_path, put(SPEC, "confidence = stated\n", "  "))
    assert "abstain" in found
    assert "positive" in found
    assert not {"data", "prompt", "rank", "costs", "require", "confidence"} & set(found)
    assert not [name for name in found if not BLOCKS["task"].entries[name].built]


def test_a_required_attribute_comes_first(tmp_path: Path) -> None:
    assert labels(tmp_path, behind("model m { ▮ }"))[0] == "use"
    assert "temperature" in labels(tmp_path, behind("model m { te▮ }"))


def test_the_word_at_the_cursor_is_replaced_as_a_whole(tmp_path: Path) -> None:
    text, offset = cursor(behind("task t { ab▮stain = when_cheaper }"))
    offers = complete(seen(tmp_path, text, last=SPEC), offset)
    offer = next(o for o in offers if o.label == "abstain")
    assert text[offer.start : offer.end] == "abstain"
    assert offer.insert == "abstain"


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("task t { data = ▮ }", ["tickets", "train"]),
        ("task t { models = [▮", ["bayes", "mini"]),
        ("task t { models = [bayes, ▮]; data = tickets }", ["bayes", "mini"]),
        ("task t { costs = mis▮ }", ["misrouting"]),
        ("subset s of ▮", ["tickets", "train"]),
        ("subset s of ti▮ { }", ["tickets", "train"]),
        ("subset s ▮", ["of"]),
        ("task t { data = tickets; positive = ▮ }", ["billing", "bug"]),
        ("task t { answer = one_of([▮]); data = tickets }", ["billing", "bug"]),
        ("task t { require { else = ▮ } }", ["exclude", "mark"]),
        ('dataset d { format = "▮" }', ["csv", "tsv", "jsonl", "json", "parquet"]),
        ('model m { use = baseline("▮") }', ["majority", "naive_bayes", "logistic"]),
        ('model m { use = baseline("majority", train = ▮) }', ["tickets", "train"]),
        ("limits { spend(▮) }", ["bayes", "mini"]),
        ("task t { latency { p95(▮) } }", ["first_token", "queue"]),
        ("limits { ▮ }", ["spend", "concurrency", "requests", "tokens"]),
        ("dataset d { label = queue ▮", ["in"]),
        ('subset s of tickets { where = queue == "▮" }', ["billing", "bug"]),
        ('subset s of tickets { where = lang == "▮" }', ["en", "de", "es"]),
        ('task t { data = tickets; require { accuracy(language["▮"]) } }', ["de", "en", "es"]),
        ("costs c {\n  | truth \\ answer | ▮", ["abstain", "invalid"]),
    ],
)
def test_names_labels_and_words_stand_where_they_are_meant(
    tmp_path: Path, typed: str, expected: list[str]
) -> None:
    assert [o for o in labels(tmp_path, behind(typed)) if o != "race"] == expected


def test_columns_are_those_of_the_dataset_at_hand_with_their_types(tmp_path: Path) -> None:
    columns = ["ticket_id", "lang", "body text", "body", "queue", "amount", "long"]
    assert labels(tmp_path, behind("task t { data = tickets; images = [▮ }")) == columns
    assert labels(tmp_path, behind("dataset tickets2 { id = ▮ }")) == []
    found = offered(tmp_path, behind("subset s of tickets { where = ▮ }"))
    assert list(found)[:7] == columns
    assert found["long"].detail == "condition"
    assert found["body text"].insert == 'column("body text")'
    assert "starts_with" in found


def test_columns_in_a_baseline_are_those_it_learns_from(tmp_path: Path) -> None:
    found = labels(tmp_path, behind('model m { use = baseline("logistic", train = train, columns = [▮'))
    assert "long" not in found
    assert "body" in found


def test_a_bound_may_be_on_subsets_their_values_and_for_some_metrics_labels(tmp_path: Path) -> None:
    found = offered(tmp_path, put(SPEC, "accuracy(").replace("accuracy(▮german", "accuracy(▮"))
    assert list(found) == ["german", "language", 'language["de"]', 'language["en"]', 'language["es"]']
    assert found["german"].detail == "subset, 2 examples"
    of_a_label = labels(tmp_path, put(SPEC, "recall(").replace("recall(▮bug", "recall(▮"))
    assert {"billing", "bug"} <= set(of_a_label)


def test_metrics_are_offered_as_bounds_in_require_and_as_names_in_rank(tmp_path: Path) -> None:
    found = offered(tmp_path, behind("task t { require { ▮ } }"))
    assert found["accuracy"].insert == "accuracy >= ${1:85%}"
    assert found["ece"].insert == "ece <= ${1:5%}"
    assert found["accuracy"].detail == "share of right answers"
    assert offered(tmp_path, behind("task t { rank = [accuracy, ▮ }"))["ece"].insert == "ece"


def test_functions_come_with_their_arguments(tmp_path: Path) -> None:
    found = offered(tmp_path, behind("task t { answer = ▮ }"))
    assert found["one_of"].insert == "one_of(${1:COLUMN})$0"
    uses = offered(tmp_path, behind("model m { use = ▮ }"))
    assert uses["recorded"].insert == 'recorded("${1:answers.jsonl}")$0'
    assert "train" in labels(tmp_path, behind('model m { use = baseline("majority", ▮) }'))


def test_a_route_begins_with_a_provider_that_is_known(tmp_path: Path) -> None:
    text, offset = cursor(behind('model m { use = "op▮" }'))
    offers = complete(seen(tmp_path, text, last=SPEC), offset)
    offer = next(o for o in offers if o.label == "openai/")
    assert text[offer.start : offer.end] == "op"


def test_files_are_offered_from_the_folder_of_the_spec(tmp_path: Path) -> None:
    (tmp_path / "models.eval").write_text("", encoding="utf-8")
    (tmp_path / ".hidden").write_text("", encoding="utf-8")
    assert labels(tmp_path, 'dataset d { source = file("▮') == ["data/", "models.eval"]
    assert labels(tmp_path, 'dataset d { source = file("data/▮")') == ["tickets.csv"]
    assert labels(tmp_path, 'dataset d { source = file("nowhere/▮")') == []
    assert labels(tmp_path, 'import "▮"') == ["data/", "models.eval"]


@pytest.mark.parametrize(
    "place",
    ["# a comm▮ent", "task t { rank = accuracy ▮", "limits { spend <= $▮", 'task t { system = "plain ▮" }',
     'model m { use = "x" ▮', "import ▮", "subset s of t ▮", "} } ) ▮ ]"],
)  # fmt: skip
def test_where_nothing_is_known_nothing_is_offered(tmp_path: Path, place: str) -> None:
    assert labels(tmp_path, behind(place)) in ([], ["race"])


def test_a_blank_alone_asks_for_no_new_entry(tmp_path: Path) -> None:
    view = seen(tmp_path, "task t {\n  }", last=SPEC)
    assert complete(view, 10, blank=True) == ()
    assert complete(view, 10) != ()


# ── inside prompts ────────────────────────────────────────────────────────────────────────────────


def in_prompt(template: str) -> str:
    head = "task t {\n  data = tickets\n  answer = one_of(queue)\n"
    return behind(f'{head}  prompt = """\n    {template}\n    """\n}}')


def test_a_prompt_reads_columns_labels_and_the_row(tmp_path: Path) -> None:
    found = offered(tmp_path, in_prompt("{{ bo▮ }}"))
    assert {"body", "long", "labels", "row"} <= set(found)
    assert found["body text"].insert == 'row["body text"]'
    assert "choices" not in found


def test_what_follows_a_bar_is_a_filter_and_what_follows_is_a_test(tmp_path: Path) -> None:
    assert "upper" in labels(tmp_path, in_prompt("{{ body | up▮ }}"))
    assert "body" not in labels(tmp_path, in_prompt("{{ body | up▮ }}"))
    assert "defined" in labels(tmp_path, in_prompt("{% if body is ▮ %}"))
    assert labels(tmp_path, in_prompt("{% ▮"))[0] == "if"


def test_members_are_those_of_the_owner(tmp_path: Path) -> None:
    assert "body text" in labels(tmp_path, in_prompt('{{ row["▮"] }}'))
    assert "index" in labels(tmp_path, in_prompt("{% for l in labels %}{{ loop.▮ }}{% endfor %}"))
    assert labels(tmp_path, in_prompt("{{ body.▮ }}")) == []


def test_outside_of_its_tags_a_prompt_is_plain_text(tmp_path: Path) -> None:
    assert labels(tmp_path, in_prompt("One of {{ labels }}: bo▮")) == []
    assert labels(tmp_path, in_prompt('{{ labels | join("▮") }}')) == []


def test_names_of_the_template_itself_are_offered(tmp_path: Path) -> None:
    assert "label" in labels(tmp_path, in_prompt("{% for label in labels %}{{ la▮ }}{% endfor %}"))


def test_a_prompt_that_is_not_closed_is_completed_as_well(tmp_path: Path) -> None:
    assert "body" in labels(tmp_path, SPEC + '\ntask t {\n  data = tickets\n  prompt = """ {{ ▮')


def test_an_escaped_string_is_a_template_too(tmp_path: Path) -> None:
    text, offset = cursor(behind(r'task t { data = tickets; prompt = "\"{{ bo▮ }}" }'))
    offers = complete(seen(tmp_path, text, last=SPEC), offset)
    offer = next(o for o in offers if o.label == "body")
    assert text[offer.start : offer.end] == "bo"


def test_a_later_step_reads_the_earlier_ones(tmp_path: Path) -> None:
    chain = 'chain c { data = tickets; step one { answer = text }; step two { prompt = "{{ ▮ }}" } }'
    found = labels(tmp_path, behind(chain))
    assert "one" in found
    assert "two" not in found


def test_a_latency_budget_bounds_percentiles(tmp_path: Path) -> None:
    found = offered(tmp_path, behind("task t { latency { ▮ } }"))
    assert found["p95"].insert == "p95 <= ${1:1.5s}"
    assert found["errors"].insert == "errors <= ${1:0.5%}"
    assert "load" in found
    assert "accuracy" not in found
