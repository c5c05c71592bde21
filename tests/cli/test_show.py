"""Single examples of a run: every flag narrows further, and nothing that fits is an error of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cli.commands import Ended, each, evalspec

ROWS = [  # id, lang, body, label; one is right on odd rows only, two is right throughout but for the last
    ("e1", "en", "first", "a"), ("e2", "es", "second", "b"), ("e3", "en", "third", "a"),
    ("e4", "es", "fourth", "b"), ("e5", "es", "fifth", "a"),
]  # fmt: skip
SPEC = """
dataset d { source = file("d.csv"); id = id; label = label in [a, b] }
subset lang of d { by = lang }
model one { use = recorded("one.jsonl") }
model two { use = recorded("two.jsonl") }
task t { data = d; answer = one_of(label) }
"""


@dataclass(frozen=True, slots=True)
class Job:
    """A folder with a run in it, and what several ways of looking at it gave."""

    folder: Path
    shown: dict[str, Ended]


LOOKS: dict[str, list[object]] = {
    "all": [],
    "one of them": ["-n", "1"],
    "wrong": ["--wrong"],
    "wrong of two": ["--wrong", "--candidate", "two"],
    "disagree": ["--disagree"],
    "wrong and disagree in es": ["--wrong", "--disagree", "--subset", "lang=es"],
    "as bounds write it": ["--subset", 'lang["es"]'],
    "a family": ["--subset", "lang", "--candidate", "one"],
    "nothing": ["--wrong", "--candidate", "two", "--subset", "lang=en"],
    "no subset": ["--subset", "lang=fr"],
    "no candidate": ["--candidate", "tow"],
    "no task": ["--task", "tt"],
    "too few": ["-n", "0"],
}


def prepare(folder: Path) -> Job:
    """The run, and each look at it."""
    (folder / "d.csv").write_text("id,lang,body,label\n" + "".join(",".join(row) + "\n" for row in ROWS))
    (folder / "s.eval").write_text(SPEC)
    for name, answers in {"one": "aaaaa", "two": "ababb"}.items():
        lines = [f'{{"id": "e{i}", "response": "{said}"}}\n' for i, said in enumerate(answers, 1)]
        (folder / f"{name}.jsonl").write_text("".join(lines))
    assert evalspec("run", "s.eval", at=folder).code == 0
    found = each(*(["show", "last", *flags] for flags in LOOKS.values()), at=folder)
    return Job(folder, dict(zip(LOOKS, found, strict=True)))


def ids(job: Job, look: str) -> list[str]:
    """The examples that were shown."""
    return [line.split(" · ")[1] for line in job.shown[look].out.splitlines() if line.startswith("── ")]


def test_without_flags_the_first_examples_are_shown(job: Job) -> None:
    assert ids(job, "all") == ["e1", "e2", "e3", "e4", "e5"]
    assert job.shown["all"].err == ""
    assert ids(job, "one of them") == ["e1"]
    assert "1 of 5 examples shown; `-n 5` shows all" in job.shown["one of them"].err


def test_each_flag_narrows_and_all_of_them_hold_together(job: Job) -> None:
    assert ids(job, "wrong") == ["e2", "e4", "e5"]
    assert ids(job, "wrong of two") == ["e5"]
    assert " > one" not in job.shown["wrong of two"].out
    assert ids(job, "disagree") == ["e2", "e4", "e5"]
    assert ids(job, "wrong and disagree in es") == ["e2", "e4", "e5"]
    assert ids(job, "as bounds write it") == ["e2", "e4", "e5"]
    assert ids(job, "a family") == ["e1", "e2", "e3", "e4", "e5"]


def test_an_example_says_what_was_right_and_what_each_candidate_made_of_it(job: Job) -> None:
    assert job.shown["wrong of two"].out.splitlines()[1:] == [
        "   id: e5", "   lang: es", "   body: fifth", "   label: a", "   gold: a", " > two: b (WRONG)",
        "   why: no label probabilities were given", "",
    ]  # fmt: skip


def test_what_selects_nothing_or_names_nobody_ends_by_2(job: Job) -> None:
    assert (job.shown["nothing"].code, job.shown["nothing"].err) == (2, "no example fits\n")
    for look, said in {
        "no subset": "there is no subset `lang=fr`",
        "no candidate": "did you mean `two`?",
        "no task": "there is no task `tt`",
        "too few": "`-n` is at least 1",
    }.items():
        assert (job.shown[look].code, job.shown[look].out) == (2, "")
        assert said in job.shown[look].err
