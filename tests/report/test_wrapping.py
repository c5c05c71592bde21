"""Lines that fit: broken at spaces, counted in cells, with nothing lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evalspec.report.glyphs import cells, visible
from evalspec.report.wrapping import shortened, wrapped

TEXT = st.text(st.characters(codec="utf-8"), max_size=200).map(visible)
NAMES = st.lists(
    st.text(st.sampled_from("ab請_x"), min_size=1, max_size=70), min_size=1, max_size=12, unique=True
)


def test_lines_break_at_spaces_and_are_indented() -> None:
    assert wrapped("one two three four", 12, first="Head ", rest="  ") == ["Head one two", "  three four"]


def test_a_word_longer_than_a_line_is_broken() -> None:
    assert wrapped("ab " + "x" * 12, 8, rest="  ") == ["ab", "  xxxxxx", "  xxxxxx"]
    assert wrapped("x" * 9, 5) == ["xxxxx", "xxxx"]


def test_wide_characters_take_two_cells() -> None:
    assert wrapped("請求請求請求", 5) == ["請求", "請求", "請求"]


def test_an_empty_text_is_an_empty_line() -> None:
    assert wrapped("", 10, first="Head") == ["Head"]


@given(TEXT, st.integers(12, 100))
def test_every_line_fits_and_nothing_is_lost(text: str, width: int) -> None:
    lines = wrapped(text, width, first="Head  ", rest="    ")
    assert all(cells(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == "Head" + text.replace(" ", "")
    assert lines[0].startswith("Head")


@given(TEXT.filter(bool), st.integers(1, 3))
def test_with_no_room_at_all_it_still_ends(text: str, width: int) -> None:
    lines = wrapped(text, width, first="a long head ", rest="    ")
    assert "".join(lines).replace(" ", "").endswith(text.replace(" ", ""))


def test_names_are_cut_only_where_they_are_too_long() -> None:
    assert shortened(["short", "y" * 30], 10) == ["short", "y" * 9 + "…"]


def test_names_that_begin_alike_keep_their_ends() -> None:
    names = ["a_family_of_models_large", "a_family_of_models_small"]
    assert shortened(names, 12) == ["a_family…rge", "a_family…all"]
    alike = [f"{'x' * 40}_{i}_{'y' * 40}" for i in (1, 2)]
    assert shortened(alike, 8) == ["1_xxxxx…", "2_xxxxx…"]


@given(NAMES, st.integers(8, 24))
def test_no_two_names_look_alike(names: list[str], width: int) -> None:
    short = shortened(names, width)
    assert len(set(short)) == len(short) == len(names)
    assert all(cells(s) <= width for s in short)
