"""Diagnostics as people, editors and CI jobs read them.

The golden cases hold what a mistake looks like; `pytest tests/report --update` renews them. The properties
hold for every text: nothing acts on the terminal, the carets stand under what they mean, secrets stay out.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from evalspec.report.diagnostics import Form, closing_lines, render, summary_line
from evalspec.report.glyphs import cells, visible
from evalspec.report.sarif import uri
from evalspec.text.catalogue import CATALOGUE
from evalspec.text.diagnostics import Diagnostic, Edit, Fix, problem
from evalspec.text.source import DataLine, Source, Span
from report.mistakes import (
    MISTAKES,
    at,
    data_line_without_text,
    elided_lines,
    fixable,
    label,
    note,
    secret,
    spec,
    tabs,
    two_files,
)

GOLDEN = Path(__file__).parents[1] / "cases" / "diagnostics"
TOGETHER = (fixable, two_files, data_line_without_text, note)
FORMS = {
    "together.concise.txt": Form.CONCISE,
    "together.github.txt": Form.GITHUB,
    "together.json": Form.JSON,
    "together.sarif": Form.SARIF,
}
COLOURED = "coloured.txt"
UNSAFE = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def agrees(name: str, actual: str, update: bool) -> None:
    place = GOLDEN / name
    if update:
        place.write_bytes(actual.encode())
    assert actual == place.read_bytes().decode().replace("\r\n", "\n")


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda m: m.__name__)
def test_text_marks_the_place_and_says_why(mistake: Callable[[], Diagnostic], update: bool) -> None:
    agrees(f"{mistake.__name__}.txt", render([mistake()], Form.TEXT, width=80), update)


@pytest.mark.parametrize("name", FORMS)
def test_other_forms_of_the_same_diagnostics(name: str, update: bool) -> None:
    agrees(name, render([mistake() for mistake in TOGETHER], FORMS[name]), update)


def test_colours_when_asked(update: bool) -> None:
    diagnostics = [elided_lines(), tabs(), note()]
    coloured = render(diagnostics, Form.TEXT, colour=True)
    agrees(COLOURED, coloured.replace("\x1b", "<ESC>"), update)
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == render(diagnostics, Form.TEXT)


def test_every_golden_file_belongs_to_a_case() -> None:
    expected = {f"{mistake.__name__}.txt" for mistake in MISTAKES} | {*FORMS, COLOURED}
    assert {place.name for place in GOLDEN.iterdir()} == expected


def test_the_example_of_the_contract() -> None:
    lines = [""] * 31
    lines[8] = "  label = queue in [billing, bug, abuse, other]"
    lines[30] = "costs misrouting {"
    source = spec("\n".join(lines), "specs/route.eval")
    shown = problem(
        "E0312",
        at(source, "misrouting"),
        "the costs have no row for label `other`",
        "add a row `| other | … |`, or use `*` for every label not named",
        labels=[label(at(source, "other"), "declared here")],
        here="rows: billing, bug, abuse",
    )
    assert render([shown], Form.TEXT) == (
        "error[E0312]: the costs have no row for label `other`\n"
        "  --> specs/route.eval:31:7\n"
        "   |\n"
        " 9 |   label = queue in [billing, bug, abuse, other]\n"
        "   |                                          ----- declared here\n"
        "...\n"
        "31 | costs misrouting {\n"
        "   |       ^^^^^^^^^^ rows: billing, bug, abuse\n"
        "   |\n"
        "   = help: add a row `| other | … |`, or use `*` for every label not named\n"
    )


def test_several_diagnostics_are_parted_by_a_blank_line() -> None:
    both = render([note(), tabs()], Form.TEXT)
    assert both == render([note()], Form.TEXT) + "\n" + render([tabs()], Form.TEXT)


def test_no_diagnostics_are_no_text_but_a_whole_document() -> None:
    assert [render([], form) for form in (Form.TEXT, Form.CONCISE, Form.GITHUB)] == ["", "", ""]
    assert json.loads(render([], Form.JSON)) == {"diagnostics": [], "summary": {"errors": 0, "warnings": 0}}
    assert json.loads(render([], Form.SARIF))["runs"][0]["results"] == []


def test_summary_counts_errors_and_warnings() -> None:
    error, warning = elided_lines(), tabs()
    assert summary_line([error, warning, error, note()]) == "2 errors, 1 warning"
    assert summary_line([error]) == "1 error"
    assert summary_line([warning, warning]) == "2 warnings"
    assert summary_line([note()]) == "no errors"


def test_the_last_lines_say_where_the_mistakes_are_and_where_to_read_more() -> None:
    assert closing_lines([], ["a.eval"]) == "a.eval: no errors\n"
    assert closing_lines([note()], ["a.eval"]) == "\na.eval: no errors\n"
    assert closing_lines([tabs(), elided_lines(), elided_lines()], ["a.eval"]) == (
        "\n2 errors, 1 warning in a.eval\n  for more: evalspec explain E0312 W0701\n"
    )
    assert closing_lines([fixable()], ["a.eval", "b.eval"]) == (
        "\n1 warning in 2 specs\n  it can be fixed with `--fix`\n  for more: evalspec explain W0401\n"
    )
    assert "--fix" not in closing_lines([fixable()], ["a.eval"], fixed=True)


# ── faults of data, many alike ────────────────────────────────────────────────────────────────────


def rows(count: int, file: str = "d.csv") -> list[Diagnostic]:
    return [
        problem("E0631", DataLine(file, n, 1, f"{n},x,y"), f"row {n} is short") for n in range(2, count + 2)
    ]


def test_faults_of_data_that_are_alike_are_counted_behind_the_third() -> None:
    text = render([*rows(315), *rows(4, "e.csv")], Form.TEXT)
    assert text.count("--> d.csv") == 3
    assert text.count("and 312 more like it in this file") == 1
    assert "d.csv:4:1\n  |\n4 | 4,x,y\n  | ^\n  |\n  = note: and 312 more like it in this file\n" in text
    assert text.count("--> e.csv") == 4  # one more line says less than the fault itself


def test_every_fault_stands_in_the_forms_that_programs_read() -> None:
    assert len(json.loads(render(rows(315), Form.JSON))["diagnostics"]) == 315
    assert len(json.loads(render(rows(315), Form.SARIF))["runs"][0]["results"]) == 315
    assert render(rows(315), Form.CONCISE).count("\n") == 315


# ── the width of a terminal ───────────────────────────────────────────────────────────────────────


def test_sentences_and_words_of_marks_are_wrapped_to_the_terminal() -> None:
    source = spec('prompt = "Is it {{ a }}, {{ b }} or {{ c }}?"  # and then a remark that is long enough')
    found = problem(
        "E0502",
        at(source, "{{ c }}"),
        "there is no column `c` in the dataset that this prompt is filled from, and no step of that name",
        "known here are the columns of the dataset: `alpha`, `beta`, `gamma`, `delta`, `epsilon`",
        labels=[label(at(source, "{{ a }}"), "this one is a column, and it is read without any trouble")],
        here="neither a column nor a step, nor any of the names that every prompt has",
    )
    wide, narrow = render([found], Form.TEXT), render([found], Form.TEXT, width=60)
    assert "and no step of that name\n" in wide
    assert all(cells(line) <= 60 for line in narrow.splitlines())
    said = " ".join(narrow.replace("|", " ").split())
    for words in (found.message, found.help[0], found.here, found.labels[0].message):
        assert words in said
    assert "\n              this prompt" in narrow  # behind the colon of the first line
    assert "\n          `alpha`" in narrow


@given(
    message=st.text(alphabet="ab 請バ-`", min_size=1, max_size=300),
    here=st.text(alphabet="ab 請", max_size=200),
    start=st.integers(0, 120),
    width=st.integers(40, 120),
)
def test_nothing_is_wider_than_the_terminal(message: str, here: str, start: int, width: int) -> None:
    source = spec("x" * 150)
    found = problem("E0101", Span(source, start, start + 5), message, message, here=here)
    assert all(cells(line) <= width for line in render([found], Form.TEXT, width=width).splitlines())


def test_json_is_what_its_schema_says() -> None:
    schema = json.loads((files("evalspec.report") / "schemas" / "diagnostics.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    document = json.loads(render([mistake() for mistake in MISTAKES], Form.JSON))
    validator.validate(document)
    for damage in ({"line": 0}, {"severity": "fatal"}, {"labels": [{"message": "where?"}]}, {"code": "0312"}):
        damaged = {**document, "diagnostics": [{**document["diagnostics"][0], **damage}]}
        assert not validator.is_valid(damaged)


def test_json_edits_count_code_points_and_mend_the_file() -> None:
    source = spec("# 👩‍🔬\n🎲é = samplse\r\nrest\n")
    place = at(source, "samplse")
    fix = Fix(message="write `samples`", edits=(Edit(at=place, text="samples"),))
    document = json.loads(render([problem("E0401", place, "unknown", fixes=[fix])], Form.JSON))
    edit = document["diagnostics"][0]["fixes"][0]["edits"][0]
    assert (edit["line"], edit["column"], edit["end_line"], edit["end_column"]) == (2, 6, 2, 13)
    lines = source.text.split("\n")
    line = lines[edit["line"] - 1]
    lines[edit["line"] - 1] = line[: edit["column"] - 1] + edit["text"] + line[edit["end_column"] - 1 :]
    assert "\n".join(lines) == "# 👩‍🔬\n🎲é = samples\r\nrest\n"


def test_a_fix_of_another_file_is_not_offered_as_one_of_this_file() -> None:
    here, there = spec("a", "here.eval"), spec("b", "there.eval")
    fix = Fix(message="rename", edits=(Edit(at=at(there, "b"), text="c"),))
    found = problem("E0401", at(here, "a"), "unknown", fixes=[fix])
    assert json.loads(render([found], Form.JSON))["diagnostics"][0]["fixes"] == []
    (change,) = json.loads(render([found], Form.SARIF))["runs"][0]["results"][0]["fixes"][0][
        "artifactChanges"
    ]
    assert change["artifactLocation"]["uri"] == "there.eval"


def test_github_commands_cannot_be_broken_out_of() -> None:
    source = spec("x", "a,line=9::b%.eval")
    command = render([problem("E0101", at(source, "x"), "odd\r\n::error::100%\x1b[0m")], Form.GITHUB)
    assert command == (
        "::error file=a%2Cline=9%3A%3Ab%25.eval,line=1,col=1,endLine=1,endColumn=2,title=E0101"
        "::odd%0D%0A::error::100%25\\x1b[0m\n"
    )


def test_github_is_told_errors_first_and_no_columns_of_several_lines() -> None:
    source = spec("one\ntwo\n")
    both = Span(source, 0, 7)
    commands = render(
        [problem("W0508", both, "odd", "mend it"), problem("E0101", both, "wrong")], Form.GITHUB
    )
    assert commands.splitlines() == [
        "::error file=a.eval,line=1,endLine=2,title=E0101::wrong",
        "::warning file=a.eval,line=1,endLine=2,title=W0508::odd%0Ahelp: mend it",
    ]


def test_github_is_told_where_it_leaves_some_out() -> None:
    lines = render(rows(11), Form.GITHUB).splitlines()
    assert len(lines) == 12
    assert lines[0].startswith(
        "::error title=evalspec::GitHub shows 10 annotations of a kind; the log has all 11"
    )
    assert len(render(rows(10), Form.GITHUB).splitlines()) == 10


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("specs/a b.eval", "specs/a%20b.eval"),
        ("a:b.eval", "a%3Ab.eval"),
        ("/srv/ü.eval", "file:///srv/%C3%BC.eval"),
        ("C:\\specs\\a.eval", "file:///C:/specs/a.eval"),
        ("s3://bucket/x y.csv", "s3://bucket/x%20y.csv"),
    ],
)
def test_sarif_names_files_by_uris(file: str, expected: str) -> None:
    assert uri(file) == expected


def test_sarif_results_point_at_their_rules() -> None:
    run = json.loads(render([mistake() for mistake in MISTAKES], Form.SARIF))["runs"][0]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules == sorted(set(rules))
    assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in run["results"])
    assert len(run["results"]) == len(MISTAKES)


def test_sarif_rules_carry_the_page_of_their_code() -> None:
    source = spec("a")
    run = json.loads(render([problem("E0312", at(source, "a"), "no row")], Form.SARIF))["runs"][0]
    (rule,) = run["tool"]["driver"]["rules"]
    assert rule["shortDescription"]["text"] == CATALOGUE["E0312"]
    assert rule["help"]["markdown"].startswith("# E0312: ")
    assert rule["help"]["text"].startswith("A cost table")
    assert "##" not in rule["help"]["text"]
    assert rule["properties"] == {"page": "docs/errors/E0312.md"}


SECRET = "tr0ub4dor-and-three"


@pytest.mark.parametrize("form", Form)
def test_a_secret_is_masked_in_whatever_is_said(form: Form) -> None:
    source = spec(f'api_key = "{SECRET}"\n')
    found = problem("E0440", at(source, f'"{SECRET}"'), "`api_key` is written out")
    beside = problem(
        "E0106",
        at(source, "api_key"),
        f"`{SECRET}` and sk-0123456789abcdef0123 do not belong here",
        f"remove `{SECRET}`, or https://me:{SECRET}@host",
        labels=[label(at(source, "="), f"before {SECRET}")],
        fixes=[
            Fix(message=f"keep {SECRET}", edits=(Edit(at=at(source, "="), text=":"),)),
            Fix(message="move it", edits=(Edit(at=at(source, "="), text=f'= "{SECRET}"'),)),
        ],
        here=f"{SECRET}!",
    )
    shown = render([beside, found], form)
    assert "tr0ub4dor" not in shown
    assert "0123456789" not in shown
    if form is Form.JSON:
        assert [fix["message"] for fix in json.loads(shown)["diagnostics"][0]["fixes"]] == ["keep \u2026"]


def test_a_password_in_an_address_is_masked_before_anyone_has_found_it() -> None:
    line = 'base_url = "https://me:hunter2@host/v1" timeout = 3'
    shown = render([problem("E0106", DataLine("a.eval", 1, 41, line), "odd")], Form.TEXT)
    assert "hunter2" not in shown
    assert "@host/v1" in shown


def test_a_secret_is_masked_in_every_excerpt_that_shows_its_line() -> None:
    found = secret()
    assert isinstance(found.at, Span)
    beside = problem("W0402", at(found.at.source, "# do"), "a remark", labels=[label(found.at, "this")])
    text = render([beside, found], Form.TEXT, colour=True)
    assert "correct" not in text
    assert text.count('"…"') == 2


def test_a_secret_over_several_lines_is_masked_on_each() -> None:
    source = spec('key = """\nfirst\nsecond\n"""\nseed = 1\n')
    found = problem("E0440", at(source, '"""\nfirst\nsecond\n"""'), "a secret")
    inside = problem("W0402", at(source, "second"), "inside")
    text = render([found, inside], Form.TEXT)
    assert "first" not in text
    assert "second" not in text
    assert '3 | "…"\n  | ^^^' in text


def test_places_in_files_of_one_name_but_different_length_do_not_meet() -> None:
    short = spec("key", "same")
    found = problem(
        "E0440", at(short, "key"), "a secret", labels=[label(DataLine("same", 9, 1, "row"), "seen")]
    )
    assert "9 | row" in render([found], Form.TEXT)


def test_a_secret_in_a_data_file_hides_its_line() -> None:
    place = DataLine("d.csv", 2, 5, "t-1,hunter2-hunter2-hunter2")
    assert "hunter" not in render([problem("E0440", place, "a secret")], Form.TEXT)


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ('headers { Authorization = "Bearer abcdef0123456789abcdef" }', '"…"'),
        ('api_key = "0123456789abcdefghij+/=="', 'api_key = "…"'),
        ('"x-api-key": "0123456789abcdefghij"', '"x-api-key": "…"'),
        ("t-1,sk-proj_0123456789abcdef,why", 't-1,"…",why'),
        ("label = risk-assessment-of-every-kind", "risk-assessment-of-every-kind"),
        ('api_key = env("A_LONG_NAME_OF_A_VARIABLE")', 'env("A_LONG_NAME_OF_A_VARIABLE")'),
    ],
)
def test_what_looks_like_a_key_is_masked_whoever_shows_it(line: str, kept: str) -> None:
    shown = render([problem("E0101", DataLine("a.eval", 1, 1, line), "odd")], Form.TEXT)
    assert kept in shown
    assert ("…" in shown) == ("…" in kept)
    assert "cdef" not in shown


def test_a_line_of_a_megabyte_is_clipped_around_its_mark() -> None:
    source = spec("x" * 500_000 + "!" + "key y" * 100_000)
    rows = render([problem("E0103", at(source, "!"), "odd")], Form.TEXT, width=60).splitlines()
    assert all(len(row) <= 60 for row in rows)
    assert rows[3][rows[4].index("^")] == "!"


def test_rendering_text_loads_the_standard_library_alone() -> None:
    script = (
        "import sys\n"
        "from evalspec.report.diagnostics import Form, render\n"
        "from evalspec.text.diagnostics import problem\n"
        "from evalspec.text.source import DataLine\n"
        "found = [problem('E0603', DataLine('a', 1, 1, 'x'), 'm')]\n"
        "[render(found, form) for form in Form]\n"
        "rooms = {name.split('.')[0] for name in sys.modules}\n"
        "print(sorted(rooms & {'rich', 'jinja2', 'lark', 'numpy', 'tabulate', 'jsonschema', 'regex'}))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("text", "expected", "width"),
    [
        ("plain", "plain", 5),
        ("a\tb\r\n", "a\\tb\\r\\n", 8),
        ("\x1b]0;t\x07\x9b", "\\x1b]0;t\\x07\\x9b", 16),
        ("\u202eabc\u2069", "\\u202eabc\\u2069", 15),
        ("bill\u200bing\ufeff", "bill\\u200bing\\ufeff", 19),
        ("\U000e0041", "\\U000e0041", 10),
        ("\ud800", "\\ud800", 6),
        ("a\u200db", "a\\u200db", 8),
        ("می\u200cخواهم", "می\u200cخواهم", 7),
        ("👩🏽\u200d🔬", "👩🏽\u200d🔬", 2),
        ("e\u0301請", "e\u0301請", 3),
        ("\u1112\u1161\u11ab", "\u1112\u1161\u11ab", 2),
        ("1\ufe0f\u20e3", "1\ufe0f\u20e3", 2),
    ],
)
def test_what_would_act_on_a_terminal_is_spelt_out(text: str, expected: str, width: int) -> None:
    assert visible(text) == expected
    assert cells(text) == width


PLAIN = st.text(alphabet="ab _{}|請バ🎲é", max_size=300)
ANYTHING = st.text(alphabet=st.characters(), max_size=60)


@given(char=st.characters(codec="utf-8", categories=["L", "N", "P", "Mn"], max_codepoint=0x2FFFF))
def test_single_characters_are_as_wide_as_the_library_of_the_progress_bars_says(char: str) -> None:
    if unicodedata.category(char) == "Mn" or unicodedata.east_asian_width(char) in "WF" or char < "\u0300":
        assert cells(f"x{char}") == cell_len(f"x{char}")


@example(text="x" * 40, start=40, length=0, width=44)  # the caret stands behind a line that just fits
@given(text=PLAIN, start=st.integers(0, 300), length=st.integers(0, 12), width=st.integers(44, 120))
def test_carets_stand_under_what_they_mean_and_lines_fit(
    text: str, start: int, length: int, width: int
) -> None:
    start = min(start, len(text))
    end = min(start + length, len(text))
    rows = render(
        [problem("E0101", Span(spec(text), start, end), "odd")], Form.TEXT, width=width
    ).splitlines()
    assert all(cells(row) <= width for row in rows)
    by_cell = [piece for char in rows[3] for piece in [char, ""][: cells(char)]]
    marked = "".join(by_cell[rows[4].index("^") : rows[4].rindex("^") + 1])
    assert marked.rstrip(" ") == text[start : max(end, start + 1)].rstrip(" ")
    assert rows[4].count("^") == max(1, cells(text[start:end]))


@settings(max_examples=300)
@given(
    text=ANYTHING,
    words=ANYTHING,
    file=ANYTHING,
    places=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=5),
    width=st.integers(0, 60),
)
def test_nothing_acts_on_the_terminal_whatever_is_shown(
    text: str, words: str, file: str, places: list[tuple[int, int]], width: int
) -> None:
    source = Source(name=file, text=text)
    spans = [Span(source, min(a, len(text)), min(max(a, b), len(text))) for a, b in places]
    row = DataLine(file + "x", 3, places[0][1] + 1, words)
    marks = [label(span, words) for span in spans[1:]]
    found = problem("E0101", spans[0], words, words, labels=[*marks, label(row, words)], here=words)
    for form in Form:
        shown = render([found, problem("E0440", row, words)], form, width=width)
        joined = re.sub("(?<=[^\x00-\x7f])[\u200c\u200d]", "", shown)
        assert {char for char in joined if unicodedata.category(char) in UNSAFE} <= {"\n"}
