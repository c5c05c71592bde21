"""The tree of specs, each shape of the language once: golden cases beside this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalspec.syntax.parse import parse
from evalspec.text.source import Source
from syntax.dump import dumped

FOLDER = Path(__file__).parents[1] / "cases" / "syntax"
MARK = "\n#### tree\n"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.eval")), ids=lambda path: path.stem)
def test_the_tree_is_as_before(path: Path, update: bool) -> None:
    text, _, expected = path.read_bytes().decode().partition(MARK)
    file, faults = parse(Source(name=path.name, text=text))
    said = [f"# {d.at.begin[0]}:{d.at.begin[1]} {d.code}\n" for d in faults]
    found = dumped(file) + "".join(said)
    if update:
        path.write_bytes((text + MARK + found).encode())
    else:
        assert found == expected
