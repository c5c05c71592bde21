"""The first ten minutes: a spec that runs at once, and one over a user's own data that checks and runs."""

from __future__ import annotations

import csv
import json
import os
import re
from pathlib import Path

import pytest

from cli.commands import ROOT, Ended, each, evalspec, results
from evalspec.pipeline import check_file
from evalspec.syntax.format import format_source
from evalspec.text.source import Source

DATA = Path(os.environ.get("EVALSPEC_TEST_DATA", ROOT.parent / "shared" / "data"))
WORDS = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "mu", "nu")


def write(path: Path, header: list[str], rows: list[list[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def text(i: int, label: int) -> str:
    """A text whose words tell its label."""
    return " ".join([f"{WORDS[label]}{i % 3}", *(WORDS[(i * k) % 12] for k in range(1, 5)), f"no{i}"])


def tickets(folder: Path, count: int = 120) -> None:
    """`tickets.csv`: an id, a language, a text, a queue, and what comes of the queue."""
    labels = ["billing", "bug", "abuse"]
    rows: list[list[object]] = [
        [f"T{i}", "en" if i % 3 else "es", text(i, i % 3), labels[i % 3], labels[i % 3].upper()]
        for i in range(count)
    ]
    write(folder / "tickets.csv", ["ticket_id", "lang", "body", "queue", "team"], rows)


def sound(folder: Path, name: str) -> str:
    """The spec that was written: without an error, and formatted."""
    spec = (folder / name).read_text(encoding="utf-8")
    found = [d for d in check_file(folder / name).diagnostics if d.severity == "error"]
    assert found == []
    assert format_source(Source(name=name, text=spec)) == (spec, ())
    return spec


def test_the_small_spec_runs_at_once_and_teaches_something(tmp_path: Path) -> None:
    made = evalspec("init", "demo", at=tmp_path)
    assert (made.code, made.err) == (0, "")
    assert made.out.splitlines()[-1] == "next: cd demo && evalspec run first.eval"
    folder = tmp_path / "demo"
    assert sorted(p.name for p in folder.iterdir()) == [
        "README.md",
        "first.eval",
        "tickets.csv",
        "tickets_train.csv",
    ]
    sound(folder, "first.eval")
    checked, ran = each(["check", "--strict", "first.eval"], ["run", "first.eval", "-o", "r.json"], at=folder)
    assert checked.code == ran.code == 0
    task = results(folder)["tasks"]["route"]
    assert task["order"][0] == "logistic"
    cost = {name: c["metrics"]["expected_cost"]["value"] for name, c in task["candidates"].items()}
    accuracy = {name: c["metrics"]["accuracy"]["value"] for name, c in task["candidates"].items()}
    # What its README says: right far more often than the majority, and dearer than handing all over.
    assert accuracy["bayes"] > accuracy["majority"] + 0.2
    assert cost["bayes"] > cost["majority"] == 2 > cost["logistic"]


def test_nothing_that_is_there_is_replaced_and_nothing_is_half_written(tmp_path: Path) -> None:
    (tmp_path / "first.eval").write_text("mine")
    refused = evalspec("init", at=tmp_path)
    assert (refused.code, refused.out) == (2, "")
    assert "first.eval is there already, and nothing was written" in refused.err
    assert [p.name for p in tmp_path.iterdir()] == ["first.eval"]
    tickets(tmp_path)
    (tmp_path / "tickets_train.csv").write_text("mine too")
    again = evalspec("init", "--data", "tickets.csv", "--label", "queue", at=tmp_path)
    assert again.code == 2
    assert "tickets_train.csv is there already" in again.err
    assert not (tmp_path / "tickets.eval").exists()


def test_a_spec_over_ones_own_data_runs_at_once(tmp_path: Path) -> None:
    tickets(tmp_path)
    made = evalspec("init", "--data", "tickets.csv", "--label", "queue", at=tmp_path)
    assert made.code == 0
    spec = sound(tmp_path, "tickets.eval")
    for part in (
        "  id = ticket_id\n",
        "  label = queue in [abuse, billing, bug]\n",
        "subset by_lang of tickets { by = lang }",
        "| truth \\ answer | abuse | billing | bug | abstain |",
        "TO BE REPLACED",
        '{{ labels | join("\\n") }}',
    ):
        assert part in spec
    assert "team" not in spec.partition("\nmodel")[2]  # it tells the label
    assert "`team` says the same as `queue`" in made.err
    ran = evalspec("run", "tickets.eval", "-o", "r.json", at=tmp_path)
    assert ran.code == 0
    task = results(tmp_path)["tasks"]["queue"]
    assert set(task["candidates"]) == {"majority", "bayes"}
    texts = [(tmp_path / f"tickets_{part}.csv").read_text() for part in ("train", "test")]
    parts = [list(csv.DictReader(text.splitlines())) for text in texts]
    assert [len(part) for part in parts] == [36, 84]
    assert not {row["body"] for row in parts[0]} & {row["body"] for row in parts[1]}


def test_the_split_is_the_same_every_time_and_another_by_another_seed(tmp_path: Path) -> None:
    tickets(tmp_path)
    for name, seed in (("a", "0"), ("b", "0"), ("c", "1")):
        made = evalspec(
            "init", "--data", "tickets.csv", "--label", "queue", "--seed", seed, name, at=tmp_path
        )
        assert made.code == 0
    train = [(tmp_path / name / "tickets_train.csv").read_text() for name in "abc"]
    assert train[0] == train[1] != train[2]


ROUTES = {
    "gpt-5-mini": "openai/gpt-5-mini", "o4-mini": "openai/o4-mini",
    "claude-haiku-4-5": "anthropic/claude-haiku-4-5",
    "gemini-2.5-flash": "gemini/gemini-2.5-flash", "groq/llama-3.3-70b": "groq/llama-3.3-70b",
    "mistral-small-latest": "mistral/mistral-small-latest",
}  # fmt: skip


def test_models_become_routes(tmp_path: Path) -> None:
    tickets(tmp_path)
    names = ",".join([*ROUTES, "logistic"])
    made = evalspec("init", "--data", "tickets.csv", "--label", "queue", "--models", names, at=tmp_path)
    assert made.code == 0
    spec = sound(tmp_path, "tickets.eval")
    assert re.findall(r'use = "(.*)" }', spec) == list(ROUTES.values())
    assert re.findall(r'baseline\("(\w+)"', spec) == ["majority", "naive_bayes", "logistic"]
    assert "confidence = [logprobs, stated]" in spec


def test_odd_labels_and_columns_are_spelt_so_that_they_are_read_back(tmp_path: Path) -> None:
    labels = [
        "reverted_card_payment?",
        "two words",
        'a "quote"',
        "true",
        "grün",
        "of",
        "5",
        "abstain",
        "a|b",
        "\\x",
    ]
    rows: list[list[object]] = [[text(i, i % 10), labels[i % 10], "x y"[i % 2 * 2]] for i in range(150)]
    write(tmp_path / "odd data.csv", ["the text!", "what is it?", "labels"], rows)
    made = evalspec("init", "--data", "odd data.csv", "--label", "what is it?", at=tmp_path)
    assert made.code == 0, made.err
    spec = sound(tmp_path, "odd data.eval")
    assert 'label = column("what is it?")' in spec
    assert '{{ row["the text\\x21"] }}' in spec
    assert "right = 0" in spec  # a label is called like the column of abstaining
    ran = evalspec("run", "odd data.eval", "-o", "r.json", at=tmp_path)
    assert ran.code == 0, ran.err
    (task,) = results(tmp_path)["tasks"].values()
    assert task["candidates"]["bayes"]["confusion"]["truth"] == sorted(labels)


@pytest.mark.parametrize(
    ("values", "answer", "said"),
    [
        ([f"{i * 1.5:.2f}" for i in range(60)], "answer = number", "read as numbers"),
        ([f"free text {i}" for i in range(60)], "answer = text", "read as texts"),
        ([str(i % 5) for i in range(60)], "answer = one_of(value)", "one of 5 labels"),
    ],
)
def test_the_values_of_the_label_tell_the_answer_type(
    tmp_path: Path, values: list[str], answer: str, said: str
) -> None:
    write(tmp_path / "d.csv", ["body", "value"], [[text(i, i % 5), value] for i, value in enumerate(values)])
    flags = ["--data", "d.csv", "--label", "value", "--models", "gpt-5-mini"]
    made = evalspec("init", *flags, at=tmp_path)
    assert made.code == 0, made.err
    assert said in made.err
    assert answer in sound(tmp_path, "d.eval")


def test_json_lines_and_rows_without_a_label(tmp_path: Path) -> None:
    rows = [{"n": i, "said": text(i, i % 2), "ok": None if i < 5 else i % 2 == 0} for i in range(90)]
    (tmp_path / "d.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "t.jsonl").write_text(
        "".join(json.dumps({**row, "said": f"{row['said']} t"}) + "\n" for row in rows)
    )
    split = evalspec("init", "--data", "d.jsonl", "--label", "ok", at=tmp_path)
    given = evalspec(
        "init", "--data", "d.jsonl", "--label", "ok", "--train", "t.jsonl", "-o", "g.eval", at=tmp_path
    )
    assert split.code == given.code == 0, split.err + given.err
    assert "5 rows without a label are left out" in split.err
    assert 'label = ok in ["false", "true"]' in sound(tmp_path, "d.eval")
    assert sound(tmp_path, "g.eval").count("where = not is_missing(ok)") == 2
    assert evalspec("run", "g.eval", "-q", at=tmp_path).code == 0


def says(ended: Ended, code: int, *parts: str) -> None:
    assert (ended.code, ended.out) == (code, "")
    for part in parts:
        assert part in ended.err


def test_what_only_the_user_can_say_is_asked_for(tmp_path: Path) -> None:
    tickets(tmp_path)
    write(tmp_path / "one.csv", ["body", "y"], [[text(i, 0), "same"] for i in range(30)])
    (tmp_path / "broken.csv").write_text("a,b\n1\n")
    (tmp_path / "d.xlsx").write_text("")
    no_label, misspelt, unknown, one, broken, absent, odd, alone, number = each(
        ["init", "--data", "tickets.csv"],
        ["init", "--data", "tickets.csv", "--label", "queu"],
        ["init", "--data", "tickets.csv", "--label", "queue", "--models", "nobody-knows"],
        ["init", "--data", "one.csv", "--label", "y"],
        ["init", "--data", "broken.csv", "--label", "b"],
        ["init", "--data", "absent.csv", "--label", "b"],
        ["init", "--data", "d.xlsx", "--label", "b"],
        ["init", "--label", "b"],
        ["init", "--data", "tickets.csv", "--label", "body"],
        at=tmp_path,
    )
    says(no_label, 2, "which column of tickets.csv holds the right answers?", "`queue` (3 values)")
    says(misspelt, 2, "did you mean `queue`?")
    says(unknown, 2, "which provider has `nobody-knows`?")
    says(one, 2, "every row of one.csv has the label `same`")
    says(broken, 1, "error[E0631]", "broken.csv:2", "nothing was written")
    says(absent, 1, "error[E0621]")
    says(odd, 1, "error[E0601]")
    says(alone, 2, "`--label` needs `--data FILE`")
    says(number, 2, "no local classifier can answer")
    assert not list(tmp_path.glob("*.eval"))


@pytest.mark.skipif(not (DATA / "banking77").is_dir(), reason="other people's data: set EVALSPEC_TEST_DATA")
def test_banking77_at_once(tmp_path: Path) -> None:
    source = DATA / "banking77"
    flags = ["--data", source / "test.csv", "--label", "category", "--train", source / "train.csv"]
    assert evalspec("init", *flags, at=tmp_path).code == 0
    sound(tmp_path, "test.eval")
    ran = evalspec("run", "test.eval", "-q", "-n", "300", "-o", "r.json", at=tmp_path)
    assert ran.code == 0
    found = results(tmp_path)["tasks"]["category"]["candidates"]
    assert found["bayes"]["metrics"]["accuracy"]["value"] > 0.8
    assert found["majority"]["metrics"]["accuracy"]["value"] < 0.1
