"""Checking a spec loads what it needs and no more: a library that is not imported costs nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
COSTLY = (
    "litellm", "numpy", "scipy", "sklearn", "aiohttp", "httpx", "anyio", "asyncio", "rich", "tabulate",
    "jsonschema", "jinja2", "pyarrow", "pandas", "lark", "regex",
)  # fmt: skip
PROGRAM = """
import sys
from evalspec.cli.main import main
code = main(sys.argv[1:])
print(*sorted(sys.modules), sep="\\n")
sys.exit(code)
"""


def modules_after(*arguments: str, cwd: Path = ROOT, without: tuple[str, ...] = ()) -> set[str]:
    """The modules that are loaded when a command is done. Those of `without` cannot be imported."""
    hidden = "".join(f"import sys; sys.modules[{name!r}] = None\n" for name in without)
    done = subprocess.run(
        [sys.executable, "-c", hidden + PROGRAM, *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_checking_a_spec_without_prompts_loads_no_costly_library() -> None:
    modules = modules_after("check", "specs/support_routing.eval")
    assert "evalspec.syntax.parse" in modules
    assert modules & set(COSTLY) == set()


def test_specs_are_read_without_what_only_development_needs() -> None:
    assert "evalspec.syntax.parse" in modules_after(
        "check", "specs/support_routing.eval", without=("lark", "interegular")
    )


def test_a_prompt_loads_jinja_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("body,label\na,yes\nb,no\n", encoding="utf-8")
    (tmp_path / "a.eval").write_text(
        'dataset d { source = file("data.csv"); label = label }\n'
        'model m { use = "openai/gpt-5-mini" }\n'
        'task t { data = d; prompt = "yes or no: {{ body }}"; answer = yes_no }\n',
        encoding="utf-8",
    )
    modules = modules_after("check", "a.eval", cwd=tmp_path)
    assert modules & set(COSTLY) == {"jinja2"}


VERSION = """
import sys
from evalspec.cli.main import main
try:
    main(["--version"])
except SystemExit:
    print("evalspec.syntax.parse" in sys.modules)
"""


def test_telling_the_version_loads_no_parser() -> None:
    done = subprocess.run(
        [sys.executable, "-c", VERSION],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "False"
