"""A spec over real data files, and the places in it that tests speak of: `▮` marks the cursor."""

from __future__ import annotations

from pathlib import Path

from evalspec.lsp.facts import Facts, facts_of
from evalspec.lsp.names import View, view_of
from evalspec.pipeline import check_source
from evalspec.spec_files import read_source
from evalspec.text.source import Source

CURSOR = "▮"
TICKETS = """\
ticket_id,lang,"body text",body,queue,amount
T1,en,x,My invoice is wrong,billing,10
T2,de,x,Die App stürzt ab,bug,20
T3,es,x,Hola 👋,bug,30
T4,en,x,Where is my money?,billing,40
T5,en,x,The app crashes when I log in,bug,50
T6,de,x,Falsche Rechnung,billing,60
"""
SPEC = """\
# Tickets 👋
dataset tickets {
  source = file("data/tickets.csv")
  id = ticket_id
  label = queue in [billing, bug]
  derive { long = words(body) > 3 }
}
dataset train { source = file("data/tickets.csv"); id = ticket_id; label = queue }

subset german of tickets { where = lang == "de" }
subset language of tickets { by = lang }

model bayes { use = baseline("naive_bayes", columns = [body], train = train) }
model mini { use = "openai/gpt-5-mini" }

costs misrouting {
  | truth \\ answer | billing | bug |
  | billing        |       - |   2 |
  | bug            |       3 |   - |
}

task route {
  data = tickets
  models = [mini]
  prompt = \"\"\"
    One of {{ labels | join(", ") }}:
    {% if long %}{{ body | upper }}{% endif %} {{ body }}
    \"\"\"
  answer = one_of(queue)
  confidence = stated
  costs = misrouting
  require {
    accuracy(german) >= 5%
    recall(bug) >= 5%
    accuracy(language["de"]) >= 5%
  }
  rank = expected_cost
}
"""
CHAIN = """\
dataset tickets { source = file("data/tickets.csv"); id = ticket_id; label = queue in [billing, bug] }
model mini { use = "openai/gpt-5-mini" }
chain two {
  data = tickets
  step first { prompt = "{{ body }}"; answer = text; gold = body }
  step second { prompt = "{{ first }} {{ labels }} {{ body }}"; answer = one_of(queue) }
  require { accuracy(second) >= 5% }
  answer_of = second
}
"""


def folder(at: Path) -> Path:
    """A folder with the data."""
    (at / "data").mkdir(parents=True, exist_ok=True)
    (at / "data" / "tickets.csv").write_text(TICKETS, encoding="utf-8")
    return at


def seen(at: Path, text: str, *, last: str | None = None, name: str = "route.eval") -> View:
    """The view of a text in a folder; the data are known as of a check of `last`, or of the text itself."""
    path = folder(at) / name
    checked = check_source(Source(name=name, text=text if last is None else last, path=path)).checked
    return view_of(Source(name=name, text=text, path=path), read_source, facts_of(checked, Facts()))


def cursor(text: str) -> tuple[str, int]:
    """A text without its mark, and where the mark was."""
    assert text.count(CURSOR) == 1
    return text.replace(CURSOR, ""), text.index(CURSOR)


def put(text: str, before: str, insert: str = "") -> str:
    """A text with the cursor behind the first place of some words, and perhaps something typed before it."""
    at = text.index(before) + len(before)
    return text[:at] + insert + CURSOR + text[at:]
