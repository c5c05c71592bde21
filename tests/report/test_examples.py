"""Single examples as `show` prints them: row, prompt, answer, how it was read, and what it cost."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from evalspec.models.model import Answer, Failure, FailureKind, Request
from evalspec.report.examples import Form, Shown, render_example
from evalspec.report.glyphs import cells
from evalspec.score.judged import judge
from evalspec.score.score import score_task
from score.worlds import Played, plan_of, played, said, write_csv, write_jsonl

if TYPE_CHECKING:
    from evalspec.plan.plan import Plan

UNSAFE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
SPEC = """
dataset d { source = file("d.csv"); id = id; label = label in [a, b] }
model m { use = "openai/m"; base_url = "http://127.0.0.1:9/v1" }
model n { use = "openai/n"; base_url = "http://127.0.0.1:9/v1" }
model r { use = recorded("r.jsonl") }
costs c { unit = "usd"; right = 0; wrong = 20; abstain = 1 }
task t {
  data = d
  system = "Say {{ labels | join(' or ') }}."
  prompt = "{{ body }}"
  answer = one_of(label)
  confidence = stated
  costs = c
  abstain = when_cheaper
}
"""


def shown(plan: Plan, play: Mapping[str, Played], number: int = 0, form: Form | None = None) -> str:
    (planned,) = plan.tasks
    traces = played(plan, play)
    scored = score_task(planned, [judge(planned, c, traces["t", c.name]) for c in planned.candidates], 0)
    names = [c.name for c in planned.candidates]
    return render_example(
        Shown(
            planned=planned,
            row=planned.rows[number],
            examples={n: scored.candidates[n].examples[number] for n in names},
            traces={n: [t for t in traces["t", n] if t.visit.example == number] for n in names},
        ),
        form,
    )


def without_reasons(text: str) -> list[str]:
    """The lines, with `…` for the reasons, whose words are those of other rooms."""
    return [re.sub(r"^   why: .+", "   why: …", line) for line in text.split("\n")]


def support(folder: Path, body: str = "I was charged twice") -> Plan:
    write_csv(
        folder / "d.csv", [{"id": "T1", "body": body, "label": "a"}, {"id": "T2", "body": "x", "label": "b"}]
    )
    write_jsonl(
        folder / "r.jsonl",
        [{"id": "T1", "response": "It is surely a", "confidence": 0.9}, {"id": "T2", "error": "HTTP 500"}],
    )
    return plan_of(folder, SPEC)


def test_an_example_with_everything_about_it(tmp_path: Path) -> None:
    text = shown(
        support(tmp_path),
        {"m": lambda request: said("b\nConfidence: 97%"), "n": lambda request: said("neither")},
    )
    assert without_reasons(text)[1:] == [
        "   id: T1",
        "   body: I was charged twice",
        "   label: a",
        "   gold: a",
        " > m: b (WRONG, 97.0 % sure (stated); costs 20.0 usd)",
        "   asked: [system] Say a or b.",
        "      [user] I was charged twice",
        "",
        "      After your answer, add a last line that says how likely your answer is to be right, as a",
        "      percentage from 0% to 100%, in this form:",
        "      Confidence: N%",
        "   said: b",
        "      Confidence: 97%",
        "   took: 1.0 s, 5 tokens in and 2 out",
        " > n: no_answer (WRONG; costs 20.0 usd)",  # asked the same, which is told once
        "   why: …",
        "   said: neither",
        "   took: 1.0 s, 5 tokens in and 2 out",
        " > r: a (right, 90.0 % sure; handed over, costs 1.00 usd)",
        "   said: It is surely a",
        "",
        "",
    ]
    assert text.startswith("── t · T1 · ")
    assert text.split("\n")[0].endswith("d.csv:2")


def test_what_failed_and_what_was_not_asked(tmp_path: Path) -> None:
    refused = Failure(kind=FailureKind.REJECTED, message="HTTP 400: too long")
    stopped = Failure(kind=FailureKind.NOT_ASKED, message="interrupted")
    text = shown(support(tmp_path), {"m": lambda request: refused, "n": lambda request: stopped}, number=1)
    assert " > m: error (not heard)\n" in text
    assert "   failed: HTTP 400: too long\n" in text
    assert " > n: not_asked (not heard)\n" in text
    assert "   failed: HTTP 500\n" in text


def test_the_steps_of_a_chain_in_their_order(tmp_path: Path) -> None:
    write_csv(tmp_path / "d.csv", [{"id": 0, "amount": 8}])
    spec = """
dataset d { source = file("d.csv"); id = id }
model m { use = "openai/m"; base_url = "http://127.0.0.1:9/v1" }
chain t {
  data = d
  step one { prompt = "one {{ id }}"; answer = number; gold = number(amount) }
  step two { prompt = "two {{ one }}"; answer = yes_no; gold = "yes" }
  step three { prompt = "three {{ two }}"; answer = yes_no; gold = "yes" }
}
"""
    replies = {"one": "It is 8.0", "two": "hm"}

    def play(request: Request) -> Answer:
        return said(replies.get(request.step, "yes"))

    lines = without_reasons(shown(plan_of(tmp_path, spec), {"m": play}))
    assert lines[4:] == [
        " > m: no_answer (WRONG)",
        "   asked: [user] one 0",
        "   step one: 8.0",
        "   said: It is 8.0",
        "   asked: [user] two 8",
        "   step two: no_answer",
        "   why: …",
        "   said: hm",
        "   step three: no_answer",
        "   why: …",
        "   took: 2.0 s, 10 tokens in and 4 out",
        "",
        "",
    ]


def test_nothing_that_was_written_acts_and_long_texts_are_cut(tmp_path: Path) -> None:
    evil = "\x1b[2J\u202e" + "long " * 2000
    plan = support(tmp_path, body=evil)
    text = shown(plan, {"m": lambda request: said(evil), "n": lambda request: said("a\x07")})
    assert not [c for c in text if c != "\n" and unicodedata.category(c) in UNSAFE]
    assert "characters…] " in text  # the middle is left out, and both ends are there
    assert len(text) < 4500
    assert all(len(line) <= 100 for line in text.split("\n")[1:])


def test_every_line_fits_the_width_and_a_whole_text_is_shown_on_demand(tmp_path: Path) -> None:
    plan = support(tmp_path, body="好" * 900 + " " + "x" * 900)
    play = {"m": lambda request: said("a"), "n": lambda request: said("b")}
    narrow = shown(plan, play, form=Form(width=60))
    assert all(cells(line) <= 60 for line in narrow.split("\n")[1:])
    assert narrow.count("好") < 900
    whole = shown(plan, play, form=Form(whole=True))
    assert whole.count("好") == 1800  # in the column, and in the prompt that reads it
