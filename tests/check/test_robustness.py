"""Whatever stands in a spec, checking it ends, raises nothing, and points at places that are there."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from check.cases import FOLDER
from check.mutations import MAIN_SPEC, mutants
from evalspec.pipeline import Front, check_file, check_source
from evalspec.report.diagnostics import Form, render
from evalspec.text.source import Source, Span

FAR_TOO_LONG = 20.0  # seconds: what hangs takes minutes, and a busy machine a few seconds
BASE = MAIN_SPEC.read_text(encoding="utf-8")
ASKED = """\
dataset tickets {{ source = file("data/tickets.csv"); id = id; label = queue }}
model mini {{ use = "openai/gpt-5-mini" }}
task route {{
  data = tickets
  answer = one_of(queue)
  prompt = \"\"\"{}\"\"\"
}}
"""


def checked(text: str) -> Front:
    """A spec's check, with what must hold of every one."""
    begun = time.monotonic()
    front = check_source(Source(name="m.eval", text=text, path=FOLDER / "check" / "m.eval"))
    for diagnostic in front.diagnostics:
        assert diagnostic.message
        assert len(diagnostic.message) < 2000
        for place in (diagnostic.at, *(label.at for label in diagnostic.labels)):
            if isinstance(place, Span):
                assert 0 <= place.start <= place.end <= len(place.source.text)
                assert place.begin <= place.finish
    assert time.monotonic() - begun < FAR_TOO_LONG
    return front


@pytest.mark.parametrize("seed", range(8))
def test_damaged_specs_are_checked_to_the_end(seed: int) -> None:
    for text in mutants(seed, 250):
        front = checked(text)
        for form in (Form.TEXT, Form.CONCISE):
            render(front.diagnostics, form)


LARGE = {
    "empty": "",
    "line breaks": "\n" * 50_000,
    "a byte order mark": "\ufeff" + BASE,
    "windows line breaks": BASE.replace("\n", "\r\n"),
    "nul": "\0" * 1000,
    "lone surrogates": "\ud800 { \udfff = \ud800 }",
    "a line of a megabyte": "a" * 1_000_000,
    "a string of a megabyte": 'model m { use = "' + "a" * 1_000_000 + '" }',
    "an open string of a megabyte": 'model m { use = "' + "a" * 1_000_000,
    "an open long string": 'x = """' + "a\n" * 300_000,
    "blanks": " " * 1_000_000,
    "a comment of a megabyte": "#" * 1_000_000,
    "foreign letters": "é" * 1_000_000,
    "quotes": '"' * 100_001,
    "backslashes": "\\" * 50_000,
    "opening braces": "{" * 50_000,
    "closing braces": "}" * 20_000,
    "heads without braces": "model m\n}\n" * 3_000,
    "open blocks": "a b {\n" * 5_000,
    "open parentheses": "x = " + "(" * 50_000,
    "parentheses": "dataset d { where = " + "(" * 1_000 + "a" + ")" * 1_000 + " }",
    "a long sum": "dataset d { where = a" + " + a" * 20_000 + " }",
    "many nots": "dataset d { where = " + "not " * 20_000 + "a }",
    "members of members": "dataset d { where = a" + ".b" * 20_000 + " }",
    "calls of calls": "dataset d { where = a" + "()" * 20_000 + " }",
    "a long list": "x = [" + "a," * 40_000 + "]",
    "more words than a spec has": "a " * 200_000,
    "many digits": "limits { concurrency <= " + "9" * 100_000 + " }",
    "a huge exponent": "limits { concurrency <= 1e999999999 }",
    "a wide table": "costs c {\n" + ("|a" * 500 + "|\n") * 50 + "}",
    "many models": "".join(f'model m{i} {{ use = "openai/x" }}\n' for i in range(1_000)),
    "many repeats": 'model m { use = "openai/x" }\n' * 1_000,
    "many mistakes": "x y z\n" * 5_000,
}  # fmt: skip


@pytest.mark.parametrize("text", LARGE.values(), ids=LARGE.keys())
def test_large_and_strange_specs_are_checked_to_the_end(text: str) -> None:
    checked(text)


TEMPLATES = {
    "tags": "{{ body }}" * 100_000,
    "as many tags as may be": "{{ body }}" * 4_999,
    "braces": "{" * 200_000,
    "loops in loops": "{% for a in labels %}" * 30 + "{{ a }}" + "{% endfor %}" * 30,
    "conditions in conditions": "{% if body %}" * 300 + "x" + "{% endif %}" * 300,
    "a long sum": "{{ 1" + " + 1" * 20_000 + " }}",
    "a long text": "{{ body" + " ~ body" * 5_000 + " }}",
    "parentheses": "{{ " + "(" * 3_000 + "body" + ")" * 3_000 + " }}",
    "many nots": "{{ " + "not " * 3_000 + "body }}",
    "many digits": "{{ body }} {{ " + "9" * 6_000 + " }}",
    "many filters": "{{ body" + " | upper" * 3_000 + " }}",
    "a long list": "{{ body }} {{ [" + "1," * 50_000 + "] }}",
    "open comments": "{#" * 50_000,
    "a megabyte of text": "a" * 1_000_000 + "{{ body }}",
    "products": "{{ body }}{{ " + "99999 * " * 500 + "1 }}",
}


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES.keys())
def test_large_and_strange_prompts_are_checked_to_the_end(template: str) -> None:
    checked(ASKED.format(template))


def test_line_breaks_do_not_change_what_is_said() -> None:
    text = BASE.replace("rank = expected_cost", "rank = expectd_cost")
    here = [(d.code, d.at.begin) for d in checked(text).diagnostics]
    assert [(d.code, d.at.begin) for d in checked(text.replace("\n", "\r\n")).diagnostics] == here


def test_line_breaks_of_old_cannot_make_one_comment_of_a_file() -> None:
    assert [d.code for d in checked(BASE.replace("\n", "\r")).diagnostics] == ["E0103"]


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        (b"PK\x03\x04rest of a zip", "E0110", "binary"),
        (b"model m \0 {}", "E0110", "binary"),
        ('model m { use = "é" }'.encode("latin-1"), "E0110", "line 1"),
        ("a = 1\n".encode("utf-16"), "E0110", "binary"),
        (b"#" * 5_000_001, "E0110", "5 MB"),
    ],
    ids=["zip", "nul", "latin-1", "utf-16", "large"],
)
def test_what_is_no_spec_is_told_apart(tmp_path: Path, content: bytes, code: str, says: str) -> None:
    spec = tmp_path / "a.eval"
    spec.write_bytes(content)
    (found,) = check_file(spec).diagnostics
    assert found.code == code
    assert says in found.message


def test_a_spec_that_is_not_there(tmp_path: Path) -> None:
    (found,) = check_file(tmp_path / "none.eval").diagnostics
    assert found.code == "E0211"
    (found,) = check_file(tmp_path).diagnostics
    assert found.code == "E0211"
