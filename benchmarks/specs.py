"""Specs of any length that look like people's own, for measuring how the time of `check` grows.

Everything comes from a fixed seed: two runs measure the same texts.
"""

from __future__ import annotations

import random
from pathlib import Path

LABELS = ("billing", "bug", "abuse", "other")
ROWS = 40
MISTAKES = (
    ("label = queue", "labl = queue"),
    ("label = queue", "label queue"),
    ("-5-mini", '-5-mini" "again'),
    ("temperature = 0", "temperature = 0sec"),
    ("accuracy >= 80%", "accuracy => 80%"),
    ("  require {", "  require"),
    ("rank = accuracy", "rank = acuracy"),
    ("answer = one_of(queue)", "answer = one_of(quue)"),
    ("| bug            |", "| bug            ;"),
    ("where = length", "where = lenght"),
)


def real_spec(lines: int, folder: Path, *, faulty: bool = False) -> Path:
    """A spec of at least so many lines: datasets, subsets, models, costs and tasks with prompts.

    `faulty`: every block that can has one mistake, of ten kinds.
    """
    _data(folder)
    chance = random.Random(lines)
    parts: list[str] = []
    written = 0
    while written < lines:
        part = _part(len(parts))
        if faulty:
            wrong, instead = chance.choice(MISTAKES)
            part = part.replace(wrong, instead, 1)
        parts.append(part)
        written += part.count("\n")
    path = folder / ("faulty.eval" if faulty else "real.eval")
    path.write_text("".join(parts), encoding="utf-8")
    return path


def _part(number: int) -> str:
    """Forty lines that are one evaluation: data, subsets, two models, costs, a task."""
    n = f"{number:04}"
    costs = "".join(
        f"  | {truth:<14} | " + " | ".join("-" if truth == said else "4" for said in LABELS) + " |\n"
        for truth in LABELS
    )
    return f"""# Evaluation {number}: who routes the tickets of team {number}?
dataset tickets_{n} {{
  source = file("tickets.csv")
  id = id
  label = queue
  derive {{ length = words(body) }}
}}

subset language_{n} of tickets_{n} {{ by = lang }}
subset short_{n} of tickets_{n} {{ where = length < 5 and not (body contains "refund") }}

model mini_{n} {{
  use = "openai/gpt-5-mini-2025-08-07"
  temperature = 0
}}
model haiku_{n} {{ use = "anthropic/claude-haiku-4-5-20251001"; max_tokens = 8 }}

costs misrouting_{n} {{
  unit = "points"
  | truth \\ answer | {" | ".join(LABELS)} |
{costs}}}

task route_{n} {{
  data = tickets_{n}
  models = [mini_{n}, haiku_{n}]
  prompt = \"\"\"
    Which team should answer? One of billing, bug, abuse, other.
    {{% if length < 5 %}}It is short.{{% endif %}}

    Ticket: {{{{ body }}}}
    \"\"\"
  answer = one_of(queue)
  costs = misrouting_{n}
  require {{
    accuracy >= 80%
    accuracy(short_{n}) >= 60%
  }}
  rank = accuracy
}}

"""


def wide_table(lines: int, folder: Path) -> Path:
    """One cost table of so many rows, which nothing uses: more labels than a task may have."""
    rows = "".join(f"  | label_{i} | - | {i} | 2.5 | $3 | -1 |\n" for i in range(lines - 8))
    head = "  | truth \\ answer | a | b | c | d | abstain |\n"
    path = folder / "table.eval"
    path.write_text(f"costs huge {{\n{head}{rows}}}\n", encoding="utf-8")
    return path


def _data(folder: Path) -> None:
    chance = random.Random(1)
    rows = "".join(
        f'{i},{chance.choice(["en", "de"])},"ticket {i} about {chance.random():.4f}{" and more" * (i % 5)}",'
        f"{LABELS[i % len(LABELS)]}\n"
        for i in range(ROWS)
    )
    (folder / "tickets.csv").write_text("id,lang,body,queue\n" + rows, encoding="utf-8")
