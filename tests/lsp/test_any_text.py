"""Whatever the text, everything that an editor asks is answered, at every place in it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalspec.lsp.colours import colours
from evalspec.lsp.completion import complete
from evalspec.lsp.definition import definition, highlights, references
from evalspec.lsp.facts import Facts
from evalspec.lsp.hover import hover
from evalspec.lsp.names import view_of
from evalspec.lsp.outline import folds, outline
from evalspec.lsp.positions import Encoding, Lines
from evalspec.lsp.rename import Refused, renamable, rename
from evalspec.lsp.signature import signature
from evalspec.spec_files import read_source
from evalspec.text.source import Source
from lsp.spec import CHAIN, SPEC, seen


def ask_everything(text: str, offset: int, facts: Facts) -> None:
    """Asks everything about a place; what comes back lies inside the text."""
    view = view_of(Source(name="route.eval", text=text), read_source, facts)
    for offer in complete(view, offset):
        assert 0 <= offer.start <= offset
        assert offer.start <= offer.end <= len(text)
    said = hover(view, offset)
    assert said is None or 0 <= said.start <= said.end <= len(text)
    definition(view, offset)
    highlights(view, offset)
    signature(view, offset)
    for mention in references((view,), offset, declaration=True):
        assert mention.at.start <= mention.at.end
    with suppress(Refused):
        renamable(view, offset)
        rename((view,), offset, "other")
    outline(view)
    for start, end, _ in folds(view):
        assert start <= end <= len(text)
    for colour in colours(view):
        assert colour.start < colour.end <= len(text)


@pytest.mark.parametrize("text", [SPEC, CHAIN], ids=["task", "chain"])
def test_a_spec_that_is_written_from_its_first_letter_on(tmp_path: Path, text: str) -> None:
    facts = seen(tmp_path, text).facts
    for end in range(0, len(text), 5):
        ask_everything(text[:end], end, facts)


def test_every_place_of_a_whole_spec(tmp_path: Path) -> None:
    facts = seen(tmp_path, SPEC).facts
    for offset in range(0, len(SPEC), 7):
        ask_everything(SPEC, offset, facts)


PIECES = st.sampled_from(
    ["{", "}", "(", ")", "[", "]", '"', '"""', "{{", "}}", "{%", "|", "=", ",", "\n", "\r\n", "\r", "#",
     "\\", "👋", "\u2028", "\x00", " of ", "params.", "task t {", "data = tickets\n", "step s {",
     "prompt = ", "one_of(", "é"]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_spec_with_damage(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from([SPEC, CHAIN]))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        text = text[:at] + data.draw(PIECES) + text[at + data.draw(st.integers(0, 30)) :]
    ask_everything(text, data.draw(st.integers(0, len(text))), Facts())


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.sampled_from("a\n\r\té👋\u2028 中"), max_size=40), st.sampled_from(Encoding))
def test_every_offset_has_a_position_that_leads_back(text: str, encoding: Encoding) -> None:
    lines = Lines(text, encoding)
    for offset in range(len(text) + 1):
        inside = offset > 0 and text[offset - 1 : offset + 1] == "\r\n"
        assert lines.offset(*lines.position(offset)) == offset - (1 if inside else 0)


@settings(deadline=None)
@given(st.text(max_size=30), st.integers(-5, 50), st.integers(-5, 50))
def test_every_position_has_an_offset(text: str, line: int, character: int) -> None:
    assert 0 <= Lines(text).offset(line, character) <= len(text)
