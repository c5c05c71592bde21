"""The recorded session shows what docs/editors.md says of it, and nothing of its machine."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from editors.npm import EDITORS

SESSION = EDITORS / "session"
STEPS = {
    "1-opened": ["343 examples tell two candidates apart", "costs = misrouting"],
    "2-error": ["costs = misruoting", "there are no costs `misruoting`"],
    "3-mended": ["costs = misrouting"],
    "4-completion": ["positive =", "billing EnumMember 116 of dataset tickets"],
    "5-renamed": ["derive { tokens = words(body) }", "where = tokens < 15", "where = tokens > 100"],
    "6-refused": ["dataset `tickets` has a column `body` already"],
    "7-hover": ["column lang of dataset `tickets`: text", "such as `en`, `de`, `es`"],
}


@pytest.mark.parametrize("step", STEPS)
def test_each_step_shows_what_is_said_of_it(step: str) -> None:
    shown = (SESSION / f"{step}.txt").read_text(encoding="utf-8")
    assert [words for words in STEPS[step] if words not in shown] == []
    told = (EDITORS.parent / "docs" / "editors.md").read_text(encoding="utf-8")
    assert f"`{step}.txt`" in told


def test_the_recording_can_be_played() -> None:
    head, *events = (SESSION / "session.cast").read_text(encoding="utf-8").splitlines()
    assert json.loads(head)["version"] == 2
    read = [json.loads(event) for event in events]
    assert [kind for _, kind, _ in read] == ["o"] * len(read)
    times = [at for at, _, _ in read]
    assert times == sorted(times)


def test_no_path_of_a_machine_is_shown() -> None:
    shown = "".join(path.read_text(encoding="utf-8") for path in sorted(SESSION.iterdir()) if path.is_file())
    assert re.findall(r"/(?:home|root|tmp|work|Users)/\S*", shown) == []


def test_the_examples_for_editors_are_what_their_formats_are() -> None:
    import tomllib

    text = (EDITORS / "README.md").read_text(encoding="utf-8")
    blocks = dict(re.findall(r"```(\w+)\n(.*?)```", text, re.DOTALL))
    assert tomllib.loads(blocks["toml"])["language"][0]["file-types"] == ["eval"]
    assert json.loads(blocks["json"])["languageserver"]["evalspec"]["args"] == ["lsp"]
    assert (
        Path(EDITORS / "neovim" / "evalspec.lua").read_text(encoding="utf-8").count('{ "evalspec", "lsp" }')
        == 2
    )
