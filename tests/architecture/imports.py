"""The imports of the source, read without running it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "evalspec"


@dataclass(frozen=True, slots=True)
class Import:
    """One import: where it stands, what it names, and whether it runs when its module is imported."""

    file: str
    line: int
    module: str
    at_top: bool
    for_types: bool

    @property
    def room(self) -> str:
        """The room that imports: a folder of the package, or one of its modules."""
        return room_of(self.file.split("/")[0])

    @property
    def package(self) -> str:
        return self.module.split(".")[0]

    def __str__(self) -> str:
        return f"{self.file}:{self.line} imports {self.module}"


def room_of(name: str) -> str:
    return name.removesuffix(".py")


@cache
def every_import() -> tuple[Import, ...]:
    """Every import of every module of the package."""
    return tuple(
        found
        for path in sorted(SOURCE.rglob("*.py"))
        for found in _imports(ast.parse(path.read_text(encoding="utf-8")), str(path.relative_to(SOURCE)))
    )


def is_third_party(found: Import) -> bool:
    return found.package not in sys.stdlib_module_names and found.package != "evalspec"


def _imports(node: ast.AST, file: str, *, top: bool = True, types: bool = False) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        typing = isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(file, child.lineno, alias.name, top, types)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, f"{file}:{child.lineno}: imports are absolute"
            for name in _modules(child):
                yield Import(file, child.lineno, name, top, types)
        yield from _imports(child, file, top=top and not inside, types=types or typing)


def _modules(node: ast.ImportFrom) -> set[str]:
    """The modules that `from x import y` means: `x.y` where that is a module, else `x`."""
    module = node.module or ""
    if module != "evalspec" and not module.startswith("evalspec."):
        return {module}
    folder = SOURCE.joinpath(*module.split(".")[1:])
    names = {name.name for name in node.names}
    inside = {n for n in names if (folder / f"{n}.py").exists() or (folder / n / "__init__.py").exists()}
    return {f"{module}.{n}" for n in inside} | ({module} if names - inside else set())
