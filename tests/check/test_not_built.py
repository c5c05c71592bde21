"""An attribute or block that the schema lists and nothing reads yet is an error, never passed over."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import TYPE_CHECKING, cast

from evalspec.language.schema import BLOCKS, BlockKind, Entry
from evalspec.pipeline import check_source
from evalspec.text.diagnostics import errors
from evalspec.text.source import Source
from evalspec.text.values import replace

if TYPE_CHECKING:
    import pytest

SPEC = """
dataset t {
  label = q
  | b | q |
  | x | y |
}
model m { use = "openai/x" }
task a { data = t; prompt = "{{ b }} y"; answer = one_of(q); positive = y }
limits { race = true }
"""


def codes() -> list[str]:
    return [d.code for d in errors(check_source(Source(name="s.eval", text=SPEC)).diagnostics)]


def test_an_attribute_that_is_not_built(monkeypatch: pytest.MonkeyPatch) -> None:
    assert codes() == []
    entries = cast("MutableMapping[str, Entry]", BLOCKS["task"].entries)
    monkeypatch.setitem(entries, "positive", replace(entries["positive"], built=False))
    assert codes() == ["E0499"]


def test_a_block_that_is_not_built(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = cast("MutableMapping[str, BlockKind]", BLOCKS)
    monkeypatch.setitem(blocks, "model", replace(blocks["model"], built=False))
    assert "E0499" in codes()
