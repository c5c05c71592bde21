"""Recovery: each mistake is told once, at its place, and the rest of the file is read all the same."""

from __future__ import annotations

import pytest

from evalspec.syntax import tree
from evalspec.syntax.depth import DEEPEST
from evalspec.syntax.parse import parse
from evalspec.text.source import Source

EIGHTEEN = """\
dataset first {
  source = file("a.csv"
  id = id
}
dataset second {
  source = "a.csv
  id : id
  label queue
}
subset some of first { where = length = 3 }
subset "more" of first { where = lang == "es" }
model mini
  use = "x"
}
model maxi {
  use = "openai/gpt"
  temperature =
  max_tokens = 8 tokens
}
costs money {
  | truth \\ answer | a | b |
  | a | - | 1
  | b | 2 @ |
}
task one {
  data = first
  answer = one_of(größe)
  require
    accuracy >= 80%
  }
  rank = 1 < 2 < 3
  prompt = "\\d"
}
task two three four { data = first }
task five {
  data = second
  timeout = 30sec
  latency {
    p95 <= 2s
  rank = accuracy
}
task six { data = first }
"""


def test_eighteen_planted_mistakes_are_eighteen_diagnostics() -> None:
    file, faults = parse(Source(name="a.eval", text=EIGHTEEN))
    assert [(d.at.begin[0], d.code) for d in faults] == [
        (2, "E0105"), (6, "E0102"), (7, "E0112"), (8, "E0112"), (10, "E0109"), (11, "E0103"), (12, "E0104"),
        (17, "E0111"), (18, "E0106"), (22, "E0113"), (23, "E0103"), (27, "E0103"), (28, "E0104"),
        (31, "E0106"), (32, "E0114"), (34, "E0115"), (37, "E0301"), (38, "E0104"),
    ]  # fmt: skip
    names = [b.name.text for b in file.entries if isinstance(b, tree.Block) and b.name is not None]
    assert names == [
        "first",
        "second",
        "some",
        '"more"',
        "mini",
        "maxi",
        "money",
        "one",
        "two",
        "five",
        "six",
    ]


def block(name: str, text: str) -> tree.Block:
    """The block of this kind at the top of a text, or directly in its first block."""
    file, _ = parse(Source(name="a.eval", text=text))
    outer = [e for e in file.entries if isinstance(e, tree.Block)]
    inner = [e for b in outer for e in b.entries if isinstance(e, tree.Block)]
    return next(b for b in (*outer, *inner) if b.kind.text == name)


@pytest.mark.parametrize("head", ["require", "latency", "limits daily"])
def test_a_head_without_its_brace_is_told_once_and_its_block_read(head: str) -> None:
    text = f"task t {{\n  data = d\n  {head}\n    p95 <= 2s\n  }}\n  rank = x\n}}\ntask u {{ data = d }}\n"
    _, faults = parse(Source(name="a.eval", text=text))
    assert [(d.code, d.at.begin) for d in faults] == [("E0104", (3, 3))]
    assert [type(e) for e in block(head.split()[0], text).entries] == [tree.Bound]
    assert len(block("task", text).entries) == 3


@pytest.mark.parametrize("head", ["require", "latency"])
def test_a_block_that_is_never_closed_ends_where_the_indentation_says(head: str) -> None:
    text = f"task t {{\n  {head} {{\n    p95 <= 2s\n  rank = x\n}}\ntask u {{ data = d }}\n"
    _, faults = parse(Source(name="a.eval", text=text))
    assert [(d.code, d.at.begin) for d in faults] == [("E0104", (2, 4 + len(head)))]
    assert [type(e) for e in block("task", text).entries] == [tree.Block, tree.Attribute]


def test_a_block_inside_that_ends_with_the_one_around_it() -> None:
    text = "task t {\n  rank = x\n  latency {\n    p95 <= 2s\n}\ntask u { data = d }\n"
    file, faults = parse(Source(name="a.eval", text=text))
    assert [(d.code, d.at.begin) for d in faults] == [("E0104", (3, 11))]
    assert len(file.entries) == 2


def test_a_brace_too_many_is_the_one_that_stands_too_deep() -> None:
    text = "task t {\n  data = d\n  }\n  rank = x\n}\n"
    _, faults = parse(Source(name="a.eval", text=text))
    assert [(d.code, d.at.begin) for d in faults] == [("E0104", (3, 3))]
    assert len(block("task", text).entries) == 2


def test_a_brace_under_its_head_is_told_and_mended() -> None:
    text = "model m\n{\n  use = x\n}\n"
    _, (fault,) = parse(Source(name="a.eval", text=text))
    assert fault.code == "E0116"
    (edit,) = fault.fixes[0].edits
    assert text[: edit.at.start] + edit.text + text[edit.at.end :] == "model m {\n  use = x\n}\n"


@pytest.mark.parametrize(
    "text",
    [
        "task t {\ndata = d\nrequire {\np95 <= 2s\n}\nrank = x\n}\n",  # no indentation at all
        "task t {\n    data = d\n  rank = x\n        id = y\n}\n",
        "chain c {\nstep a {\n  data = d\n}\n  step b { data = d }\n}\n",
        "task t { data = d\n  rank = x\n  latency { p95 <= 2s }\n  }\n",
        "task t {\n  data = d }\ntask u {\n  data = d }\n",
    ],
)
def test_indentation_is_asked_only_where_braces_do_not_add_up(text: str) -> None:
    assert parse(Source(name="a.eval", text=text))[1] == ()


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("x = " + "(" * DEEPEST + "1" + ")" * DEEPEST, ["E0107"]),  # the value in them is one level more
        ("x = " + "(" * (DEEPEST - 1) + "1" + ")" * (DEEPEST - 1), []),
        ("x = " + "(" * 5_000 + "1" + ")" * 5_000, ["E0107"]),
        ("x = " + "not " * 50_000 + "a", ["E0107"]),
        ("x = a" + ".b" * 50_000, ["E0107"]),
        ("x = 1" + " + 1" * 50_000, ["E0107"]),
        ("x = 1" + " + 1" * (DEEPEST - 1), []),
        ("a {" * (DEEPEST + 1) + "}" * (DEEPEST + 1), ["E0107"]),
        ("a {\n" * DEEPEST, ["E0104"] * DEEPEST),
    ],
)
def test_nesting_is_bounded(text: str, codes: list[str]) -> None:
    _, faults = parse(Source(name="a.eval", text=text))
    assert [d.code for d in faults] == codes


def test_an_entry_that_nests_too_deep_spares_the_others() -> None:
    file, faults = parse(Source(name="a.eval", text="x = " + "-" * 300 + "1\ny = 2\nz : 3\n"))
    assert [d.code for d in faults] == ["E0107", "E0112"]
    assert [type(e) for e in file.entries] == [tree.Broken, tree.Attribute, tree.Broken]
