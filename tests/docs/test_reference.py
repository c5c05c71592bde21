"""The reference page: fresh, whole, and with what cannot be done yet marked."""

from __future__ import annotations

import re
from pathlib import Path

from evalspec.check.measuring import ELSEWHERE
from evalspec.language.call_names import CALLS
from evalspec.language.functions import FUNCTIONS
from evalspec.language.metric_names import LATER_METRICS, METRICS
from evalspec.language.schema import BLOCKS
from evalspec.report.reference import reference

PAGE = Path(__file__).parents[2] / "docs" / "reference.md"


def text() -> str:
    return PAGE.read_text(encoding="utf-8")


def section(name: str) -> str:
    """What stands below a block's heading, up to the next."""
    return re.split(r"^#", text().split(f"\n### {name}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def test_the_page_is_fresh() -> None:
    assert text() == reference(), "run: python -m evalspec.report.reference docs/reference.md"


def test_every_block_has_its_attributes() -> None:
    for kind in BLOCKS.values():
        found = set(re.findall(r"^\| `(\w+)`", section(kind.name), re.MULTILINE))
        assert found == set(kind.entries), kind.name


def test_what_is_not_built_or_not_run_is_marked() -> None:
    for kind in BLOCKS.values():
        for entry in kind.entries.values():
            (line,) = [x for x in section(kind.name).splitlines() if x.startswith(f"| `{entry.name}`")]
            if not entry.built:
                assert "*Not built.*" in line
            elif not entry.runs:
                assert "*Not run.*" in line or "*Not built.*" in line


def test_every_function_and_metric_is_named() -> None:
    page = text().replace("\\|", "|")
    names = {call.written for group in CALLS.values() for call in group.values()}
    names |= {f.shape for f in FUNCTIONS.values()} | set(METRICS) | (set(LATER_METRICS) - set(ELSEWHERE))
    names |= {"pass@10", "coverage@5%", "p99.9", "errors", "first_token"}
    assert [name for name in sorted(names) if f"`{name}`" not in page] == []


def test_links_within_the_page_lead_somewhere() -> None:
    headings = re.findall(r"^#+ (.*)$", text(), re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]*)\)", text())) <= anchors
