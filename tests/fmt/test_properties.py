"""What holds for every spec, wherever comments, blanks and line breaks stand in it."""

from __future__ import annotations

import random
import re
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalspec.text.cells import width_of
from fmt.specs import (
    comments,
    every_shape,
    every_spec,
    faults_of,
    formatted,
    gaps,
    parses,
    skeleton,
    source_of,
    telling_specs,
    tree,
    words,
)  # fmt: skip

BEHIND, ABOVE = "  # remark {}\n", "\n# remark {}\n"
PARTS = 8  # so that several processes can share them
IN_PARTS = pytest.mark.parametrize("part", range(PARTS))


def assert_kept(before: str, after: str) -> None:
    """The formatted text says the same, has the same comments at the same places, and stays as it is."""
    assert skeleton(after) == skeleton(before)
    assert tree(after) == tree(before)
    assert formatted(after) == after


# ── as they stand ─────────────────────────────────────────────────────────────────────────────────


@IN_PARTS
def test_every_spec_of_the_project_is_formatted_and_says_the_same(part: int) -> None:
    for text in list(every_spec().values())[part::PARTS]:
        assert_kept(text, formatted(text))


@IN_PARTS
def test_lines_end_as_they_should(part: int) -> None:
    for text in telling_specs()[part::PARTS]:
        found = formatted(text)
        bare = re.sub(r'"""[\s\S]*?"""', '""', found)
        assert found.endswith("\n")
        assert not found.endswith("\n\n")
        assert "\n\n\n" not in bare
        assert all(line == line.rstrip() and "\t" not in line for line in bare.split("\n"))


def test_windows_line_breaks_change_nothing_else() -> None:
    for text in telling_specs():
        assert formatted(text.replace("\n", "\r\n")) == formatted(text).replace("\n", "\r\n")


# ── comments everywhere ───────────────────────────────────────────────────────────────────────────


def with_comment(text: str, place: int, form: str, number: int = 0) -> str:
    return text[:place] + form.format(number) + text[place:]


@cache
def places_for_comments(text: str, form: str) -> list[int]:
    """Where a comment may be put: the spec parses with it, and says what it said."""
    before = tree(text)
    found = []
    for place in gaps(text):
        changed = with_comment(text, place, form)
        if parses(changed) and tree(changed) == before:
            found.append(place)
    return found


@pytest.mark.parametrize("form", [BEHIND, ABOVE], ids=["behind", "above"])
@IN_PARTS
def test_a_comment_may_stand_wherever_the_language_allows_one(part: int, form: str) -> None:
    tried = 0
    for text in every_shape()[part::PARTS]:
        places = places_for_comments(text, form)
        for place in places[part % 6 :: 6]:  # all of them together come below
            changed = with_comment(text, place, form)
            assert_kept(changed, formatted(changed))
        tried += len(places)
        everywhere = text
        for number, place in reversed(list(enumerate(places))):
            everywhere = with_comment(everywhere, place, form, number)
        after = formatted(everywhere)
        assert_kept(everywhere, after)
        assert len(comments(after)) == len(places) + len(comments(text))
    assert tried > 200


def test_comments_in_many_places_of_a_whole_spec() -> None:
    chance = random.Random(7)
    for text in telling_specs()[::3]:
        changed, said = text, tree(text)
        for place in reversed(gaps(text)):
            form = chance.choice((BEHIND, ABOVE))
            if chance.random() < 0.1 and parses(tried := with_comment(changed, place, form, place)):
                changed = tried if tree(tried) == said else changed
        assert_kept(changed, formatted(changed))


def test_a_comment_on_its_own_line_stays_above_what_it_stood_above() -> None:
    for text in every_shape()[::3]:
        for place in places_for_comments(text, ABOVE)[::2]:
            after = formatted(with_comment(text, place, ABOVE)).split("\n")
            (line,) = [line for line in after if line.endswith("# remark 0")]
            assert line.lstrip() == "# remark 0"


# ── blanks everywhere ─────────────────────────────────────────────────────────────────────────────


def respaced(text: str, chance: random.Random, *, breaks: bool) -> str:
    """The same tokens with other blanks between them, and with line breaks inside brackets."""
    parts, depth, last = [], 0, 0
    for word in words(text):
        had_blank = text[last : word.start()] != ""
        blank = chance.choice(["", " ", "\t", "   "] if not had_blank else [" ", "\t", "    "])
        if breaks and depth and chance.random() < 0.3:
            blank += chance.choice(["\n", "\n\n\n", "\r\n"])
        parts += [blank, word.group()]
        if word.group() in ("(", "["):
            depth += 1
        elif word.group() in (")", "]"):
            depth -= 1
        last = word.end()
    return "".join(parts)


@IN_PARTS
def test_other_blanks_between_tokens_come_to_the_same_text(part: int) -> None:
    chance = random.Random(part)
    for text in telling_specs()[part::PARTS]:
        changed = respaced(text, chance, breaks=False)
        assert tree(changed) == tree(text)
        assert formatted(changed) == formatted(text)


@IN_PARTS
def test_line_breaks_inside_brackets_come_to_the_same_tree(part: int) -> None:
    chance = random.Random(part)
    for text in telling_specs()[part::PARTS]:
        changed = respaced(text, chance, breaks=True)
        assert tree(changed) == tree(text)
        assert_kept(changed, formatted(changed))


# ── made up specs ─────────────────────────────────────────────────────────────────────────────────

NAMES = st.sampled_from(["a", "mini", "queue", "contains", "of", "x" * 30, "long_name_of_a_column"])
ATOMS = NAMES | st.sampled_from(
    ['"text"', 'r"\\d+"', "900ms", "85%", "$0.01", "4/s", "true", "null", "pass@10", '"請求"', '"""a\n  b"""']
)
SIGNS = st.sampled_from([" or ", " and ", " + ", " - ", "*", " % ", "==", " in ", " not in ", " contains "])
ENDS = st.sampled_from(["\n", "; ", " # c\n"])
REMARKS = st.sampled_from(["", "", "", " # c\n", "\n# own\n", "\n\n# own\n"])


@st.composite
def expressions(draw: st.DrawFn, depth: int = 3) -> str:
    """An expression with comments in its brackets."""
    if depth == 0:
        return draw(ATOMS)
    inner = expressions(depth=depth - 1)
    match draw(st.integers(0, 7)):
        case 0:
            return draw(inner) + draw(SIGNS) + draw(inner)
        case 1:
            return f"({draw(REMARKS)}{draw(inner)}{draw(REMARKS)})"
        case 2 | 3:
            return _listed(draw, "[", "]", draw(st.lists(inner, max_size=4)))
        case 4:
            return draw(NAMES) + _listed(draw, "(", ")", draw(st.lists(inner, max_size=4)))
        case 5:
            return f"{draw(NAMES)}(k = {draw(REMARKS)}{draw(inner)})"
        case 6:
            return draw(st.sampled_from(["-", "not ", ""])) + draw(inner)
        case _:
            return f"{draw(NAMES)}[{draw(inner)}].{draw(NAMES)}"


def _listed(draw: st.DrawFn, opening: str, closing: str, items: list[str]) -> str:
    comma = draw(st.sampled_from(["", ",", ",\n"])) if items else ""
    body = ",".join(draw(REMARKS) + item + draw(REMARKS) for item in items)
    return opening + body + comma + draw(REMARKS) + closing


@st.composite
def specs(draw: st.DrawFn) -> str:
    """A spec of attributes, blocks and tables, not all of which parse."""
    entry = st.one_of(
        st.builds("{} = {}".format, NAMES, expressions()),
        st.builds("p95({}) <= 400ms".format, expressions(depth=1)),
        st.builds("| {} | ({}) | - 4|".format, NAMES, expressions(depth=2)),
        st.sampled_from(
            ["# own", "", "inner {}", "inner { a = 1; b = 2 }", '| truth \\ answer | "求" | * |']
        ),
    )
    blocks = []
    for _ in range(draw(st.integers(1, 3))):
        entries = draw(st.lists(entry, max_size=5))
        ends = [
            e + ("\n" if e.startswith("#") else draw(st.sampled_from(["\n", "; ", " # c\n"])))
            for e in entries
        ]
        blocks.append("block name {" + draw(st.sampled_from([" ", "\n", " # c\n"])) + "".join(ends) + "}\n")
    return "\n".join(blocks)


@settings(max_examples=150, deadline=None)
@given(specs())
def test_made_up_specs_are_formatted_and_say_the_same(text: str) -> None:
    if parses(text):
        assert_kept(text, formatted(text))
    else:
        assert {fault.code for fault in faults_of(text)} & {"E0120"} == set()


@settings(max_examples=80, deadline=None)
@given(st.text(st.sampled_from('ab={}()[]|,;.#"-*\\ \n\r\t1%r'), max_size=60))
def test_whatever_stands_in_a_text_formatting_ends(text: str) -> None:
    assert "E0120" not in {fault.code for fault in faults_of(text)}
    assert source_of(text).text == text


LISTED = st.recursive(
    NAMES | st.just("n = 85%"),
    lambda inner: st.builds(
        lambda name, opened, items: f"{name}({', '.join(items)})" if opened else f"[{', '.join(items)}]",
        NAMES,
        st.booleans(),
        st.lists(inner, max_size=6),
    ),
    max_leaves=40,
)


@settings(max_examples=80, deadline=None)
@given(st.lists(LISTED, max_size=6))
def test_lists_and_calls_are_opened_where_a_line_would_be_too_long(items: list[str]) -> None:
    text = f"block name {{ key = f({', '.join(items)}) }}"
    if parses(text):
        found = formatted(text)
        assert all(width_of(line) <= 100 for line in found.split("\n"))
        assert (found == text + "\n") == (width_of(text) <= 100)
