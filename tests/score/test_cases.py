"""Worked cases: a spec, its data, recorded answers, and figures that were reckoned by hand.

A case is one file of `tests/cases/score`: parts that begin with `=== NAME` are files, the part
`=== expect` holds lines `path = figure`, where a path begins at the task, `*` stands for its only
candidate, and a figure is JSON or arithmetic such as `(4 + 3/2) / 5`. What follows `#` explains it.
"""

from __future__ import annotations

import ast
import json
import operator
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from score.worlds import scored

CASES = sorted((Path(__file__).parents[1] / "cases" / "score").glob("*.case"))
OPERATORS: dict[type, Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_case(case: Path, tmp_path: Path) -> None:
    parts = dict(read_parts(case.read_text(encoding="utf-8")))
    spec, expected = parts.pop("spec.eval"), parts.pop("expect")
    for name, text in parts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    task = scored(tmp_path, spec)
    expectations = list(read_expectations(expected))
    assert len(expectations) >= 3
    wrong = [
        f"{path}: {found!r}, expected {wanted!r}"
        for path, wanted in expectations
        if not same(found := at(task, path), wanted)
    ]
    assert not wrong, "\n".join(wrong)


def test_there_are_cases() -> None:
    assert len(CASES) >= 12


def same(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, float) and isinstance(found, int | float):
        return bool(found == pytest.approx(wanted, rel=1e-12, abs=1e-12))
    return bool(found == wanted)


def read_parts(text: str) -> Iterator[tuple[str, str]]:
    for part in text.split("\n=== ")[1:]:
        name, _, body = part.partition("\n")
        yield name.strip(), body.rstrip("\n") + "\n"


def read_expectations(text: str) -> Iterator[tuple[str, Any]]:
    for line in text.splitlines():
        said = line.partition("#")[0]
        if said.strip():
            path, equals, figure = said.partition(" = ")
            assert equals, line
            yield path.strip(), read_figure(figure.strip())


def read_figure(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return reckon(ast.parse(text, mode="eval").body)


def reckon(node: ast.expr) -> float:
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.BinOp(left=left, op=op, right=right):
            return OPERATORS[type(op)](reckon(left), reckon(right))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -reckon(operand)
    raise ValueError(f"no arithmetic: {ast.dump(node)}")


def at(value: Any, path: str) -> Any:
    """What stands at a path; an unknown name is an error, not a None."""
    for name in path.split("."):
        if name == "*":
            (value,) = value["candidates"].values()
        elif isinstance(value, list):
            value = value[int(name)]
        else:
            value = value[name]
    return value
