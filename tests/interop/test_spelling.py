"""Whatever stands in data can be written into a spec, and is read back as it was."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evalspec.interop.spelling import block_text, comment, in_template, is_name, label, name_from, string
from evalspec.language import rendering, sandbox
from evalspec.syntax import tree
from evalspec.syntax.parse import parse
from evalspec.text.source import Source

TEXT = st.text(st.characters(exclude_characters="", codec="utf-8"), max_size=40)


def read_back(written: str) -> object:
    """The value of an attribute that is spelt so."""
    file, faults = parse(Source(name="s.eval", text=f"task t {{\n  a = {written}\n}}\n"))
    assert faults == ()
    (block,) = file.entries
    assert isinstance(block, tree.Block)
    (entry,) = block.entries
    assert isinstance(entry, tree.Attribute)
    return entry.value.text if isinstance(entry.value, tree.Text | tree.Name) else entry.value


@given(TEXT)
def test_a_text_in_quotes_is_read_back(text: str) -> None:
    assert read_back(string(text)) == text
    assert string(text).isprintable()


@given(
    TEXT | st.sampled_from(["true", "null", "of", "reverted_card_payment?", "a b", "ü", "p99.9", "pass@10"])
)
def test_a_label_is_read_back(text: str) -> None:
    assert read_back(label(text)) == text


@given(st.lists(st.text(alphabet="ab \"\\{}#\t'", max_size=8), max_size=5))
def test_a_text_of_several_lines_is_read_back(lines: list[str]) -> None:
    text = "\n".join(lines)
    assert read_back(block_text(text, depth=1)) == text


@given(st.text(st.characters(exclude_characters="", codec="utf-8"), min_size=1, max_size=20))
def test_a_template_reads_the_column_that_is_meant(name: str) -> None:
    template = rendering.compiled(sandbox.ENVIRONMENT.parse(f"{{{{ {in_template(name)} }}}}"))
    row = {name: "found"}
    hidden = {"labels": "hidden", "choices": "hidden", "shots": "hidden"}
    assert rendering.render(template, {**row, **hidden, "row": row}) == "found"


@given(TEXT, st.sets(st.sampled_from(["x", "a", "a_2"])))
def test_a_name_is_made_of_anything(text: str, taken: set[str]) -> None:
    found = name_from(text, taken)
    assert is_name(found)
    assert found not in taken


@given(TEXT)
def test_no_remark_ends_its_comment(text: str) -> None:
    assert all(line.startswith("#") and "\n" not in line and line.isprintable() for line in comment(text))
