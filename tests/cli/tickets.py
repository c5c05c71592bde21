"""A small job for the tests: tickets that say their own number, and servers that know the right queue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import servers

LABELS = ("billing", "bug", "abuse", "other")
PROMPT = "Queue? {{ labels | join(', ') }} {{ body }}"


def queue(number: int) -> str:
    """The right queue of a ticket."""
    return LABELS[number % len(LABELS)]


def wrong_queue(number: int) -> str:
    """Another one."""
    return queue(number + 1)


def write_tickets(folder: Path, count: int) -> None:
    """`tickets.csv`: id, body, queue."""
    rows = [f"t{i},ticket number {i} of many,{queue(i)}" for i in range(count)]
    (folder / "tickets.csv").write_text("\n".join(["id,body,queue", *rows]) + "\n")


def model(url: str, name: str = "mini", more: str = "") -> str:
    """A model block for a local server."""
    return f'model {name} {{ use = "openai/{name}"; base_url = "{url}"; {more} }}\n'


def spec(models: str, *, task: str = "", blocks: str = "", prompt: str = PROMPT) -> str:
    """A spec that routes the tickets."""
    return f"""
dataset tickets {{ source = file("tickets.csv"); id = id; label = queue in [billing, bug, abuse, other] }}
{models}
{blocks}
task route {{
  data = tickets
  prompt = "{prompt}"
  answer = one_of(queue)
  rank = accuracy
  {task}
}}
"""


def write_job(folder: Path, count: int, text: str) -> Path:
    """The folder with `tickets.csv` and `route.eval` in it."""
    folder.mkdir(parents=True, exist_ok=True)
    write_tickets(folder, count)
    (folder / "route.eval").write_text(text)
    return folder


def number_in(body: servers.Body) -> int:
    """Which ticket a request is about."""
    return int(servers.prompt_of(body).partition("ticket number ")[2].split()[0])


def two_of_three(body: servers.Body) -> str:
    """The right queue but for every third ticket."""
    number = number_in(body)
    return queue(number) if number % 3 else wrong_queue(number)


def times_asked(bodies: Iterable[servers.Body]) -> Counter[str]:
    """How often each distinct request was asked."""
    return Counter(map(servers.body_digest, bodies))
