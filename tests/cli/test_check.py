"""`check` on whatever it is given: its forms, its exit codes, and files that are no specs at all."""

from __future__ import annotations

import json
import random
import re
import zipfile
from pathlib import Path

import pytest

from cli.commands import Ended, each, evalspec
from cli.tickets import model, spec, write_job

GOOD = spec(model("http://127.0.0.1:9/v1"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_job(tmp_path_factory.mktemp("check"), 20, GOOD)
    (folder / "wrong.eval").write_text(GOOD.replace("rank = accuracy", "rank = acuracy\n  extrakt = 3"))
    (folder / "careless.eval").write_text(GOOD.replace("{{ labels | join(', ') }} ", ""))
    (folder / "empty").mkdir()
    with zipfile.ZipFile(folder / "log.eval", "w") as archive:
        archive.writestr("header.json", "{}")
    rng = random.Random(7)
    (folder / "garbage.eval").write_bytes(bytes(rng.randrange(1, 256) for _ in range(1_000_000)))
    pieces = ["task ", "{", "}", "=", '"', "|", "\n", "prompt", "(", "]", "# x", "12ms", "é", "\t", '"""']
    (folder / "pieces.eval").write_text("".join(rng.choice(pieces) for _ in range(250_000))[:1_000_000])
    (folder / "huge.eval").write_text("# " + "x" * 6_000_000)
    return folder


def test_a_sound_spec(folder: Path) -> None:
    sound, unread = each(["check", "route.eval"], ["check", "route.eval", "--no-data"], at=folder)
    assert (sound.code, sound.out) == (0, "")
    assert "route.eval: no errors" in sound.err
    assert unread.code == 0


def test_every_form_says_the_same_and_can_be_read(folder: Path) -> None:
    forms = ("text", "concise", "json", "sarif", "github")
    text, concise, as_json, sarif, github = each(
        *(["check", "wrong.eval", "--format", form] for form in forms), at=folder
    )
    assert {ended.code for ended in (text, concise, as_json, sarif, github)} == {1}
    said = json.loads(as_json.out)
    codes = sorted(d["code"] for d in said["diagnostics"] if d["severity"] == "error")
    assert len(codes) == said["summary"]["errors"] == 2
    assert text.out == ""
    assert sorted(re.findall(r"^error\[(E\d{4})\]", text.err, re.MULTILINE)) == codes
    assert (
        sorted(re.findall(r"^wrong\.eval:\d+:\d+: error\[(E\d{4})\]: ", concise.out, re.MULTILINE)) == codes
    )
    found = json.loads(sarif.out)
    assert found["version"] == "2.1.0"
    assert sorted(r["ruleId"] for r in found["runs"][0]["results"] if r["level"] == "error") == codes
    pattern = r"^::error file=wrong\.eval,line=\d+,col=\d+,endLine=\d+,endColumn=\d+,title=(E\d{4})::"
    assert sorted(re.findall(pattern, github.out, re.MULTILINE)) == codes
    for ended in (concise, as_json, sarif, github):
        assert ended.err == ""


def test_warnings_fail_only_where_that_is_wanted(folder: Path) -> None:
    careless, strict = each(["check", "careless.eval"], ["check", "careless.eval", "--strict"], at=folder)
    assert "the prompt never mentions the labels" in careless.err
    assert careless.code == 0
    assert strict.code == 1


def test_what_is_no_spec(folder: Path) -> None:
    names = ["none.eval", "log.eval", "garbage.eval", "pieces.eval", "huge.eval", "x" * 300 + ".eval", "a\nb"]
    found = dict(zip(names, each(*(["check", name] for name in names), at=folder), strict=True))
    for name, ended in found.items():
        assert (name, ended.code, ended.out) == (name, 1, "")
        assert "error[E" in ended.err
        assert len(ended.err) < 400_000
    assert "No such file" in found["none.eval"].err
    assert "this is a binary file and no spec" in found["log.eval"].err
    assert "larger than 5 MB" in found["huge.eval"].err
    ran = evalspec("run", "log.eval", at=folder)
    assert (ran.code, ran.out) == (1, "")
    assert "this is a binary file and no spec" in ran.err


def test_folders(folder: Path) -> None:
    whole, empty = each(["check", "."], ["check", "empty"], at=folder)
    assert whole.code == 1
    assert " in 7 specs\n" in whole.err
    assert (empty.code, empty.err) == (2, "error: there is no spec (*.eval) in empty\n")


def test_a_folder_is_no_spec_to_run(folder: Path) -> None:
    ran: Ended = evalspec("run", "empty", at=folder)
    assert (ran.code, ran.out) == (1, "")
    assert "the spec cannot be read: Is a directory" in ran.err
