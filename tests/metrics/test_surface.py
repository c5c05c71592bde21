"""What the room shows: its names, what loading them costs, and that records do not change."""

import ast
import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

import evalspec.metrics as metrics


def loaded_by(statement: str) -> set[str]:
    program = f"import sys; {statement}; print(*sys.modules)"
    # The path is handed on so that the interpreter finds the package under test, installed or not.
    found = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; {program}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return {name.split(".")[0] for name in found.stdout.split()}


def test_importing_the_room_loads_neither_numpy_nor_scipy() -> None:
    assert not {"numpy", "scipy"} & loaded_by("import evalspec.metrics")


def test_sample_sizes_need_neither_numpy_nor_scipy() -> None:
    statement = "import evalspec.metrics as m; m.minimum_detectable_difference(9, .2); m.sample_size(.1, .2)"
    assert not {"numpy", "scipy"} & loaded_by(statement)


def test_scipy_waits_until_it_is_needed() -> None:
    statement = "import evalspec.metrics as m; [getattr(m, name) for name in m.__all__]; m.wilson(1, 2)"
    assert {"numpy", "scipy"} & loaded_by(statement) == {"numpy"}


def test_every_name_is_what_its_module_says() -> None:
    assert set(metrics.__all__) <= set(dir(metrics))
    for name in metrics.__all__:
        assert getattr(metrics, name).__name__ == name


def test_the_names_known_to_type_checkers_are_the_names_there_are() -> None:
    tree = ast.parse(Path(metrics.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    declared = {
        (alias.name, node.module)
        for node in ast.walk(block)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert declared == {(name, getattr(metrics, name).__module__) for name in metrics.__all__}


def test_every_public_function_says_what_comes_back() -> None:
    for name in metrics.__all__:
        assert getattr(metrics, name).__doc__, name


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'wald'"):
        _ = metrics.wald


def test_records_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        metrics.wilson(1, 2).value = 1.0  # type: ignore[misc]
