"""A room imports only from rooms above it, and third parties only where the plan of the house says so."""

from __future__ import annotations

import pytest

from architecture.imports import SOURCE, Import, every_import, is_third_party, room_of

ORDER = (
    "text",
    "syntax",
    "language",
    "data",
    "metrics",
    "models",
    # Reading answers needs nothing of `check`, and `check` asks it which golds no answer can equal.
    "answers",
    "check",
    "sandbox",
    "plan",
    "store",
    "run",
    "score",
    "report",
    "interop",
    # First specs, which are spelt as interop spells them.
    "starting",
    # The stages composed. `pipeline` knows none of the others here.
    "spec_files",
    "pipeline",
    "recording",
    "running",
    "planning",
    "api",
    "__init__",
    # The ends. `__init__` shows the door, and may be read by all who need the version.
    "lsp",
    "cli",
    "__main__",
)
ANYWHERE = "evalspec"  # the package itself: its version

AT_TOP = {
    "syntax": {"lark"},  # in `grammar.py` alone, which makes the table and is not loaded with the others
    "language": {"jinja2"},
    "metrics": {"numpy"},
    "models": {"anyio"},
    "store": {"anyio"},
    "run": {"anyio"},
    "running": {"anyio"},
    "score": {"numpy"},
    "cli": {"anyio"},
    # Loaded by its command alone, which says so where pygls is missing.
    "lsp": {"pygls", "lsprotocol"},
}
INSIDE_FUNCTIONS = {
    "language": {"jinja2", "regex"},
    "data": {"pyarrow", "fsspec", "jsonschema"},
    "metrics": {"scipy", "threadpoolctl"},
    "models": {"aiohttp", "litellm", "sklearn", "threadpoolctl", "openai", "httpx"},
    "answers": {"regex", "jsonschema", "referencing"},
    "check": {"jsonschema"},
    "run": {"rich", "ray"},
    "report": {"tabulate", "jinja2"},
    "interop": {"yaml"},
    "api": {"anyio"},
    "cli": {"tabulate"},
}
FOR_TYPES = {"metrics": {"threadpoolctl"}, "models": {"aiohttp"}, "run": {"rich", "anyio"}}


def test_every_room_has_its_place() -> None:
    rooms = {
        room_of(path.name)
        for path in SOURCE.iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert rooms <= set(ORDER)


def _upward(found: Import) -> bool:
    if found.package != "evalspec" or found.module == ANYWHERE:
        return True
    target = found.module.split(".")[1]
    return ORDER.index(target) <= ORDER.index(found.room)


def test_a_room_imports_only_from_rooms_above_it() -> None:
    assert [str(found) for found in every_import() if not _upward(found)] == []


def _expected(found: Import) -> bool:
    if found.for_types:
        allowed = AT_TOP.get(found.room, set()) | FOR_TYPES.get(found.room, set())
        return found.package in allowed | INSIDE_FUNCTIONS.get(found.room, set())
    if found.at_top:
        return found.package in AT_TOP.get(found.room, set())
    return found.package in AT_TOP.get(found.room, set()) | INSIDE_FUNCTIONS.get(found.room, set())


def test_third_parties_are_imported_where_the_house_says() -> None:
    assert [str(found) for found in every_import() if is_third_party(found) and not _expected(found)] == []


def test_only_the_maker_of_the_table_knows_lark() -> None:
    assert {f.file for f in every_import() if f.package == "lark"} == {"syntax/grammar.py"}
    assert [str(f) for f in every_import() if f.module == "evalspec.syntax.grammar"] == []


@pytest.mark.parametrize("room", ["text", "check", "data", "answers"])
def test_what_check_loads_imports_nothing_costly_at_its_top(room: str) -> None:
    costly = [
        f for f in every_import() if f.room == room and is_third_party(f) and f.at_top and not f.for_types
    ]
    assert costly == []
