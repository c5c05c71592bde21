"""Ten mistakes that other tools call a valid configuration, and an empty selection: all are errors here.

One whole specification, one thing changed in it; exactly one error, at the place of the change.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from evalspec.pipeline import check_source
from evalspec.text.diagnostics import errors
from evalspec.text.source import Source

SPEC = """\
dataset tickets {
  source = file("tickets.csv")
  id = id
  label = queue
  where = lang == "en"
}

model mini { use = "openai/gpt-5-mini" }

task route {
  data = tickets
  prompt = "One of {{ labels | join(' ') }}: {{ body }}"
  answer = one_of(queue)
  extract = last(r"queue: (.*)")
  require { invalid_rate <= 2% }
}

limits { concurrency <= 8 }

subset long of tickets { where = len(body) > 10 }
"""

MISTAKES = {
    "a misspelt attribute": ("extract =", "extrakt =", "E0403", 14),
    "an unknown top-level block": ("subset long of", "sobset long of", "E0401", 20),
    "a variable that no column has": ("{{ body }}", "{{ text }}", "E0502", 12),
    "an unknown answer type": ("one_of(queue)", "oneof(queue)", "E0422", 13),
    "an invalid regular expression": ('"queue: (.*)"', '"queue: (.*"', "E0304", 14),
    "a bound without a value": ("invalid_rate <= 2%", "invalid_rate <=", "E0111", 15),
    "a misspelt limit": ("concurrency <", "concurency <", "E0430", 18),
    "an unknown provider": ("openai/gpt", "opnai/gpt", "E0474", 8),
    "a missing data file": ("tickets.csv", "ticket.csv", "E0621", 2),
    "a name given twice": ("task route {", "model mini { use = majority }\n\ntask route {", "E0205", 10),
    "a filter that selects nothing": ('lang == "en"', 'lang == "eng"', "E0652", 5),
    "a subset that selects nothing": ("len(body) > 10", "len(body) > 1000", "E0612", 20),
}


def job(folder: Path, spec: str) -> Source:
    rows = "".join(f"t{i},en,{('billing', 'bug')[i % 2]},the text of ticket {i}\n" for i in range(40))
    (folder / "tickets.csv").write_text("id,lang,queue,body\n" + rows)
    return Source(name="job.eval", text=spec, path=folder / "job.eval")


def test_without_a_mistake_there_is_no_error(tmp_path: Path) -> None:
    assert errors(check_source(job(tmp_path, SPEC)).diagnostics) == ()


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_mistake_is_one_error_at_its_place(tmp_path: Path, mistake: str) -> None:
    right, wrong, code, line = MISTAKES[mistake]
    assert SPEC.count(right) == 1
    found = errors(check_source(job(tmp_path, SPEC.replace(right, wrong))).diagnostics)
    assert [(error.code, error.at.begin[0]) for error in found] == [(code, line)]
