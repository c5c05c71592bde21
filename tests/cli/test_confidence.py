"""How sure candidates are: by the probabilities of tokens, in their own words, or the first they can give."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import pytest

import servers
from cli.commands import Document, Ended, candidate, evalspec, outcomes, results
from cli.tickets import LABELS, model, number_in, queue, write_tickets, wrong_queue

COUNT = 60
STATED = "Confidence: N%"

SPEC = """
dataset tickets {{ source = file("tickets.csv"); id = id; label = queue in [billing, bug, abuse, other] }}
{models}
task by_tokens {{
  data = tickets; models = [mini]; rank = accuracy; calibration = width(10); answer = one_of(queue)
  prompt = "A queue of {{{{ labels | join(', ') }}}}: {{{{ body }}}}"
  confidence = logprobs
}}
task by_word {{
  data = tickets; models = [mini]; rank = accuracy; calibration = width(10); answer = one_of(queue)
  system = "You route."
  prompt = "A queue of {{{{ labels | join(', ') }}}}: {{{{ body }}}}"
  confidence = stated
}}
task either {{
  data = tickets; rank = accuracy; calibration = width(10); answer = one_of(queue)
  prompt = "The queue of {{{{ labels | join(', ') }}}}: {{{{ body }}}}"
  confidence = [logprobs, stated]
}}
"""


def sure(number: int) -> bool:
    """Two tickets of three the server is sure about, and right in three of four either way."""
    return number % 3 != 0


def right(number: int) -> bool:
    return number // 3 % 4 != 0


def said(number: int) -> str:
    return queue(number) if right(number) else wrong_queue(number)


def reply(body: servers.Body) -> servers.Reply:
    number = number_in(body)
    label, share = said(number), 0.9 if sure(number) else 0.6
    if STATED in servers.prompt_of(body):
        return servers.Reply(text=f"{label}\nConfidence: {round(100 * share)}%")
    # Half of the probability goes to what is no label; of the rest, the labels get their shares.
    rest = [(other, math.log(0.5 * (1 - share) / 3)) for other in LABELS if other != label]
    alternatives = [(label, math.log(0.5 * share)), ("Hm", math.log(0.5)), *rest]
    return servers.Reply(text=label, tokens=[(label, alternatives)])


@dataclass(frozen=True, slots=True)
class Job:
    ended: Ended
    document: Document
    shown: Ended
    bodies: list[servers.Body]


def prepare(folder: Path) -> Job:
    """The commands, run."""
    write_tickets(folder, COUNT)
    with servers.chat_server(reply) as server:
        models = model(server.url) + f'model o3_thinker {{ use = "o3-thinker"; base_url = "{server.url}" }}\n'
        (folder / "sure.eval").write_text(SPEC.format(models=models))
        shown = evalspec("plan", "sure.eval", "--show", "1", at=folder)
        assert server.requests == []
        ended = evalspec("run", "sure.eval", "-o", "r.json", at=folder)
        return Job(ended, results(folder), shown, server.bodies)


def check_calibration(found: Document) -> None:
    """The figures of 40 answers claimed at 90 % and 20 at 60 %, of each three quarters right."""
    metrics = found["metrics"]
    figures = {name: metrics[name]["value"] for name in ("ece", "mean_confidence", "overconfidence", "brier")}
    assert figures == pytest.approx(
        {
            "ece": (40 * 0.15 + 20 * 0.15) / 60,
            "mean_confidence": 0.8,
            "overconfidence": 0.05,
            "brier": (30 * 0.1**2 + 10 * 0.9**2 + 15 * 0.4**2 + 5 * 0.6**2) / 60,
        }
    )
    filled = [bin_ for bin_ in found["calibration"]["bins"] if bin_["n"]]
    assert [(b["n"], b["confidence"], b["accuracy"]) for b in filled] == [
        (20, pytest.approx(0.6), 0.75),
        (40, pytest.approx(0.9), 0.75),
    ]


def test_probabilities_of_tokens_become_a_distribution_over_the_labels(job: Job) -> None:
    assert job.ended.code == 0
    found = candidate(job.document, "mini", "by_tokens")
    assert outcomes(job.document, "mini", "by_tokens") == {"answered": COUNT}
    assert found["confidence"] == {"source": "logprobs", "n": COUNT, "missing": 0}
    check_calibration(found)


def test_a_stated_confidence_is_read(job: Job) -> None:
    found = candidate(job.document, "mini", "by_word")
    assert outcomes(job.document, "mini", "by_word") == {"answered": COUNT}
    assert found["confidence"] == {"source": "stated", "n": COUNT, "missing": 0}
    check_calibration(found)


def test_of_several_sources_each_candidate_uses_the_first_it_can_give(job: Job) -> None:
    assert candidate(job.document, "mini", "either")["confidence"]["source"] == "logprobs"
    assert candidate(job.document, "o3_thinker", "either")["confidence"]["source"] == "stated"


def test_token_probabilities_are_asked_for_only_where_they_are_used(job: Job) -> None:
    for body in job.bodies:
        stated = STATED in servers.prompt_of(body)
        assert bool(body.get("logprobs")) is not stated
        assert ("top_logprobs" in body) is not stated


def test_the_plan_shows_exactly_the_messages_that_are_sent(job: Job) -> None:
    shown = job.shown.out
    assert job.shown.code == 0
    blocks = shown.split("── ")[1:]
    assert [block.splitlines()[0].split(" · ")[::2] for block in blocks] == [
        ["by_tokens", "mini"],
        ["by_word", "mini"],
        ["either", "mini"],
        ["either", "o3_thinker"],
    ]
    sent = {_as_shown(body) for body in job.bodies}
    for block in blocks:
        assert _shown_messages(block) in sent
    assert "You route." in blocks[1]
    assert STATED in blocks[1]
    assert STATED not in blocks[0]


def _shown_messages(block: str) -> str:
    """The messages of what `plan --show` prints, without its margin."""
    lines = block.splitlines()
    messages = takewhile(lambda line: not line.startswith(("[parameters]", "[confidence]")), lines[2:])
    return "\n".join(line.removeprefix("  ") for line in messages).rstrip("\n")


def _as_shown(body: servers.Body) -> str:
    return "\n".join(f"[{message['role']}]\n{message['content']}" for message in body["messages"])
