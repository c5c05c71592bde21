"""MMLU's five-shot prompts, over a socket, against prompts built as its authors' own script builds them."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import servers
from cli.commands import evalspec, results
from real.test_published_figures import DATA, HERE

MMLU = DATA / "mmlu" / "data"
LETTERS = "ABCD"


def rows(part: str, subject: str) -> list[list[str]]:
    with (MMLU / part / f"{subject}_{part}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def formatted(row: list[str], *, answered: bool) -> str:
    """A question as the authors write it, with or without its answer."""
    question, *choices, answer = row
    lines = [question, *(f"{letter}. {choice}" for letter, choice in zip(LETTERS, choices, strict=True))]
    return "\n".join(lines) + "\nAnswer:" + (f" {answer}\n\n" if answered else "")


def prompts(subject: str) -> Iterator[tuple[str, str]]:
    """Every prompt of a subject, with the right letter."""
    # Two blanks stand before the subject in every published run.
    name = "".join(f" {word}" for word in subject.split("_"))
    head = f"The following are multiple choice questions (with answers) about {name}.\n\n"
    shots = "".join(formatted(row, answered=True) for row in rows("dev", subject)[:5])
    for row in rows("test", subject):
        yield head + shots + formatted(row, answered=False), row[-1]


def test_five_shot_prompts_are_those_of_the_authors(tmp_path: Path) -> None:
    if not MMLU.exists():
        pytest.skip(f"there is no mmlu in {DATA} (set EVALSPEC_TEST_DATA)")
    subjects = sorted(path.stem.removesuffix("_test") for path in (MMLU / "test").glob("*.csv"))
    expected = {prompt: letter for subject in subjects for prompt, letter in prompts(subject)}
    (tmp_path / "data").symlink_to(DATA)
    shutil.copy(HERE / "mmlu.jinja", tmp_path)
    with servers.chat_server(lambda body: expected.get(servers.prompt_of(body), "none")) as server:
        spec = (HERE / "mmlu.eval").read_text(encoding="utf-8").replace("URL", server.url)
        (tmp_path / "mmlu.eval").write_text(spec, encoding="utf-8")
        ended = evalspec("run", "mmlu.eval", "-q", "-o", "r.json", at=tmp_path)
        asked = {servers.prompt_of(body) for body in server.bodies}
    assert ended.code == 0, ended.err
    assert asked == set(expected)
    task = results(tmp_path)["tasks"]["mmlu_5shot"]
    assert task["examples"] == sum(len(rows("test", subject)) for subject in subjects)
    assert task["candidates"]["letters"]["metrics"]["accuracy"]["value"] == 1
