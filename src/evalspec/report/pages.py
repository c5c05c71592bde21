"""The pages that explain the codes: where they lie, what they are called, their index.

One source: `docs/errors/` of a checkout, which the wheel carries beside this module as `pages/`.
`python -m evalspec.report.pages` renews the index and the titles, which the catalogue says, and names the
codes that have no page yet.
"""

from __future__ import annotations

import sys
from pathlib import Path

from evalspec.text.catalogue import CATALOGUE

HERE = Path(__file__).parent
FAMILIES = {
    "01": "Syntax",
    "02": "Names and files of specs",
    "03": "Types, units and costs",
    "04": "Blocks, attributes and what fits together",
    "05": "Prompts",
    "06": "Data",
    "07": "Plans and what can be decided",
}
INTRODUCTION = """\
# What evalspec says about mistakes

Each diagnostic has a code that keeps its meaning for good. `E` is an error: the spec cannot run as written,
or its figures would be wrong. `W` is a warning: it runs, but a careful reader would change it. `N` is a note.
`evalspec explain E0312` prints a page in the terminal.

This index is written by `python -m evalspec.report.pages`.
"""


def folder() -> Path:
    """Where the pages lie: inside an installed package, or in a checkout."""
    packed = HERE / "pages"
    return packed if packed.is_dir() else HERE.parents[2] / "docs" / "errors"


def page(code: str) -> str | None:
    """A code's page in Markdown, or None where it has none."""
    path = folder() / f"{code}.md"
    return path.read_text(encoding="utf-8") if path.is_file() else None


def page_path(code: str) -> str:
    """A page's place in the project, as links to it are written."""
    return f"docs/errors/{code}.md"


def missing() -> tuple[str, ...]:
    """The codes of the catalogue that no page explains."""
    return tuple(code for code in CATALOGUE if page(code) is None)


def index() -> str:
    """The page that lists every code, by family and number."""
    parts = [INTRODUCTION]
    for family, name in FAMILIES.items():
        codes = sorted((c for c in CATALOGUE if c[1:3] == family), key=lambda c: (c[1:], c[0]))
        rows = "".join(f"| [{code}]({code}.md) | {_cell(CATALOGUE[code])} |\n" for code in codes)
        parts.append(f"## {name}\n\n| code | says |\n|---|---|\n{rows}")
    return "\n".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def title(code: str) -> str:
    """The first line of a code's page."""
    return f"# {code}: {CATALOGUE[code]}"


def main() -> int:
    """Renews the index and the titles; 1 where pages are missing."""
    (folder() / "README.md").write_text(index(), encoding="utf-8")
    for code in CATALOGUE:
        head, _, rest = (page(code) or "").partition("\n")
        if head and head != title(code):
            (folder() / f"{code}.md").write_text(f"{title(code)}\n{rest}", encoding="utf-8")
    lacking = missing()
    if lacking:
        print("no page yet:", " ".join(lacking), file=sys.stderr)
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
