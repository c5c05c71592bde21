"""What the language has and `run` cannot do yet: checked and planned without a word, refused by `run`."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.commands import evalspec

DATA = """
dataset tickets {
  label = queue
  | body          | queue   |
  | "pay me back" | billing |
  | "it crashes"  | bug     |
}
model mini { use = "openai/gpt-5-mini"; max_tokens = 5; price { input = $1; output = $2 } }
model maxi { use = "openai/gpt-5" }
"""
TASK = """
task route {
  data = tickets
  prompt = "One of {{ labels | join(', ') }}: {{ body }}"
  answer = one_of(queue)
  confidence = stated
  %s
}
"""
CHAIN = """
chain both {
  data = tickets
  step first { prompt = "bug or billing? {{ body }}"; answer = one_of(queue) }
  step second { prompt = "{{ first }}: {{ body }}, bug or billing?"; answer = one_of(queue) }
  %s
}
"""
MODELS = {
    "cascade": "cascade([mini, maxi])",
    "vote": "vote([mini, maxi])",
}
LATER = {
    **{name: DATA + f"model own {{ use = {use} }}\n" + TASK % "" for name, use in MODELS.items()},
    "assign": DATA + CHAIN % "assign { first = [mini, maxi]; second = mini }",
    "oracle": DATA + CHAIN % "oracle = true",
    "perturb": DATA + TASK % "perturb = [typos(10%), lowercase]",
    "a latency pass of a chain with steps put to the vote": DATA
    + CHAIN.replace("answer = one_of(queue) }", "answer = one_of(queue); confidence = votes(3) }")
    % "latency { p95 <= 2s; load = 4/s; for = 60s }",
}


def write(folder: Path, text: str) -> None:
    (folder / "s.eval").write_text(text, encoding="utf-8")
    (folder / "own.py").write_text(
        "raise SystemExit('this file was run')\ndef ask(): ...\n", encoding="utf-8"
    )


@pytest.mark.parametrize("what", LATER)
def test_it_is_checked_and_planned_and_not_run(tmp_path: Path, what: str) -> None:
    write(tmp_path, LATER[what])
    checked = evalspec("check", "s.eval", at=tmp_path)
    assert (checked.code, "error" in checked.err.replace("no errors", "")) == (0, False), checked.err
    planned = evalspec("plan", "s.eval", at=tmp_path)
    assert (planned.code, what in planned.err, "route" in planned.out or "both" in planned.out) == (
        0,
        True,
        True,
    )
    ran = evalspec("run", "s.eval", at=tmp_path)
    assert (ran.code, ran.out) == (1, "")
    assert "error[E0710]" in ran.err
    assert what in ran.err


def test_candidates_that_are_left_out_do_not_stand_in_the_way(tmp_path: Path) -> None:
    guess = 'model guess { use = baseline("majority", train = others) }\n'
    others = DATA.replace("dataset tickets", "dataset others").split("model")[0].replace("it ", "all ")
    write(tmp_path, LATER["vote"] + guess + others.replace("pay", "buy"))
    assert evalspec("run", "s.eval", at=tmp_path).code == 1
    ran = evalspec("run", "s.eval", "--models", "guess", at=tmp_path)
    assert (ran.code, "guess" in ran.out) == (0, True), ran.err


def test_combinations_are_the_candidates_of_a_plan(tmp_path: Path) -> None:
    write(tmp_path, DATA + CHAIN % "assign { first = [mini, maxi]; second = [maxi, mini] }")
    planned = evalspec("plan", "s.eval", at=tmp_path)
    names = [line.split()[0] for line in planned.out.splitlines() if "+" in line]
    assert names == ["mini+maxi", "mini+mini", "maxi+maxi", "maxi+mini"]
    shown = evalspec("plan", "s.eval", "--show", "1", at=tmp_path)
    assert "bug or billing? pay me back" in shown.out
