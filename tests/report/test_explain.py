"""`evalspec explain`: pages in the terminal, codes however they are written; what a terminal gets."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from evalspec.cli.main import main
from evalspec.cli.output import colour_for
from evalspec.report.glyphs import cells
from evalspec.report.leaflet import leaflet
from evalspec.report.pages import page
from evalspec.text.catalogue import CATALOGUE

SOURCE = Path(__file__).parents[2] / "src"


def test_a_page_is_printed_without_its_markup(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "E0312"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"E0312: {CATALOGUE['E0312']}\n")
    assert "\n    costs misrouting {\n" in shown
    assert "\n    # tickets.csv\n" in shown
    assert "```" not in shown
    assert all(cells(line) <= 100 for line in shown.splitlines() if not line.startswith(" "))


@pytest.mark.parametrize("written", ["e0312", "[E0312]", " E0312 "])
def test_a_code_is_found_however_it_is_written(written: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", written]) == 0
    assert capsys.readouterr().out.startswith("E0312: ")


def test_several_codes_are_printed_one_behind_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "E0312", "W0508"]) == 0
    shown = capsys.readouterr().out
    assert shown.index("E0312: ") < shown.index("\n\nW0508: ")


def test_all_codes_are_listed_with_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain"]) == 0
    assert capsys.readouterr().out.splitlines() == [f"{c}  {CATALOGUE[c]}" for c in sorted(CATALOGUE)]


def test_a_code_that_there_is_not_is_a_wrong_call(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "E9312"]) == 2
    assert "did you mean `E0312`?" in capsys.readouterr().err
    assert main(["explain", "banana"]) == 2
    assert "`evalspec explain` lists the codes" in capsys.readouterr().err


def test_every_page_can_be_printed_at_any_width() -> None:
    for code in CATALOGUE:
        for width in (20, 80):
            text = leaflet(page(code) or f"# {code}\n", width=width, colour=False)
            assert text.startswith(code)
            assert "\x1b" not in text


def test_headings_are_strong_where_there_is_colour() -> None:
    assert (
        leaflet("# E0001: odd\n\nSo it is.\n", width=80, colour=True)
        == "\x1b[1mE0001: odd\x1b[0m\n\nSo it is.\n"
    )


# ── what a terminal gets ──────────────────────────────────────────────────────────────────────────


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("terminal", "told", "wanted"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (True, {"TERM": "dumb"}, False),
        (False, {"FORCE_COLOR": "1"}, True),
        (False, {"FORCE_COLOR": "0"}, False),
        (False, {"CLICOLOR_FORCE": "1"}, True),
        (False, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_colour_is_for_terminals_unless_told_otherwise(
    terminal: bool, told: dict[str, str], wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    assert colour_for(Terminal() if terminal else io.StringIO()) is wanted


def test_a_real_terminal_is_kept_to(tmp_path: Path) -> None:
    (tmp_path / "a.eval").write_text(
        'model mini { use = "openai/gpt-5-mini"; temprature = 0 }\n', encoding="utf-8"
    )
    ours, theirs = pty.openpty()
    env = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE")}
    done = subprocess.Popen(
        [sys.executable, "-m", "evalspec", "check", "a.eval"],
        cwd=tmp_path,
        env={**env, "PYTHONPATH": str(SOURCE), "COLUMNS": "50", "TERM": "xterm"},
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    )
    os.close(theirs)
    read = b""
    with suppress(OSError):  # that is how a terminal says that the other end is closed
        while piece := os.read(ours, 4096):
            read += piece
    os.close(ours)
    assert done.wait() == 1
    shown = read.decode().replace("\r\n", "\n")
    assert "\x1b[1;31merror[E0403]\x1b[0m" in shown
    plain = shown.replace("\x1b[0m", "")
    for style in ("1", "1;31", "1;34"):
        plain = plain.replace(f"\x1b[{style}m", "")
    assert all(cells(line) <= 50 for line in plain.splitlines())
    assert "for more: evalspec explain E0403" in plain
