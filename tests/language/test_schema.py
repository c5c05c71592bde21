"""The language as data: every name in it is read somewhere, so that nothing that is written is ignored."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalspec.language.call_names import CALLS
from evalspec.language.metric_names import LATER_METRICS, METRICS
from evalspec.language.schema import BLOCKS, TOP_LEVEL

CHECK = Path(__file__).parents[2] / "src" / "evalspec" / "check"
SOURCE = "\n".join(path.read_text(encoding="utf-8") for path in CHECK.rglob("*.py"))
BUILT = [
    (kind.name, entry.name)
    for kind in BLOCKS.values()
    for entry in kind.entries.values()
    if kind.built and entry.built
]


@pytest.mark.parametrize(("kind", "name"), BUILT)
def test_every_attribute_is_read_by_check(kind: str, name: str) -> None:
    assert f'"{name}"' in SOURCE


def test_every_top_level_block_is_a_kind_of_block() -> None:
    assert set(TOP_LEVEL) <= set(BLOCKS)
    assert [name for name, kind in BLOCKS.items() if kind.name != name] == []


def test_blocks_in_blocks_are_kinds_of_blocks() -> None:
    inner = {e.name for kind in BLOCKS.values() for e in kind.entries.values() if e.block and e.built}
    assert inner <= set(BLOCKS)


def test_everything_says_what_it_is_for() -> None:
    assert [kind.name for kind in BLOCKS.values() if not kind.doc] == []
    assert [(k.name, e.name) for k in BLOCKS.values() for e in k.entries.values() if not e.doc] == []
    assert [m.name for m in METRICS.values() if not m.doc] == []


def test_what_is_built_is_not_also_later() -> None:
    assert set(METRICS) & set(LATER_METRICS) == set()


def test_every_group_of_calls_that_an_attribute_names_is_there() -> None:
    named = {e.calls for kind in BLOCKS.values() for e in kind.entries.values() if e.calls}
    assert named <= set(CALLS)
