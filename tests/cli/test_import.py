"""`evalspec import` from the command line: files written all or none, everything told, nothing executed."""

from __future__ import annotations

from pathlib import Path

from cli.commands import each, evalspec
from interop import configuration


def test_a_configuration_is_imported_checked_and_planned(tmp_path: Path) -> None:
    configuration.write(tmp_path)
    made = evalspec("import", "promptfooconfig.yaml", at=tmp_path)
    assert made.code == 0
    assert made.out.splitlines() == [
        "wrote promptfooconfig_tests.jsonl",
        "wrote promptfooconfig.eval",
        "next: evalspec plan promptfooconfig.eval --show 1",
    ]
    assert made.err.splitlines()[-1] == (
        "40 assertions: 20 mapped exactly, 4 mapped with a changed meaning, 16 have no counterpart"
    )
    assert (
        "  promptfooconfig.yaml:28: levenshtein `Paris`: evalspec has no score of this definition" in made.err
    )
    checked, formatted, planned, again = each(
        ["check", "promptfooconfig.eval"],
        ["fmt", "--check", "promptfooconfig.eval"],
        ["plan", "promptfooconfig.eval", "--tasks", "equal", "--show", "1"],
        ["import", "promptfooconfig.yaml"],
        at=tmp_path,
    )
    assert (checked.code, formatted.code, planned.code) == (0, 0, 0), checked.err + formatted.err
    assert "You answer for Larkspur.\n  What is the capital of France?" in planned.out
    assert again.code == 2
    assert "are there already, and nothing was written" in again.err


def test_the_spec_goes_where_it_is_wanted_with_its_data_beside_it(tmp_path: Path) -> None:
    configuration.write(tmp_path)
    made = evalspec("import", "promptfooconfig.yaml", "-o", "out/desk.eval", at=tmp_path)
    assert made.code == 0
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["desk.eval", "desk_tests.jsonl"]
    assert evalspec("check", "out/desk.eval", at=tmp_path).code == 0


def test_what_cannot_be_imported_is_told_with_its_place(tmp_path: Path) -> None:
    for name, text in {
        "broken.yaml": "prompts:\n  - 'a\ntests: [\n",
        "other.yaml": "colour: blue\n",
        "list.yaml": "- a\n",
        "empty.yaml": "",
        "code.yaml": "prompts: file://make.py\nproviders: openai:x\ntests: [{vars: {a: b}}]\n",
        "config.js": "process.exit(7)",
        "bomb.yaml": "".join(f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n" if a else "a: &a [x]\n"
                             for a, b in zip(["", *"abcdefgh"], "abcdefghi", strict=True)),
    }.items():  # fmt: skip
        (tmp_path / name).write_text(text)
    (tmp_path / "bytes.yaml").write_bytes(b"a: \xff\xfe")
    names = [
        "broken.yaml",
        "other.yaml",
        "list.yaml",
        "empty.yaml",
        "code.yaml",
        "bomb.yaml",
        "bytes.yaml",
        "no.yaml",
    ]
    found = dict(zip(names, each(*(["import", name] for name in names), at=tmp_path), strict=True))
    for name, code in {
        "broken.yaml": "E0221", "other.yaml": "E0223", "list.yaml": "E0223", "empty.yaml": "E0223",
        "code.yaml": "E0225", "bomb.yaml": "E0222", "bytes.yaml": "E0220", "no.yaml": "E0220",
    }.items():  # fmt: skip
        assert (found[name].code, found[name].out) == (1, ""), name
        assert f"error[{code}]" in found[name].err, name
        assert "nothing was written" in found[name].err
    assert "broken.yaml:2:5" in found["broken.yaml"].err or "broken.yaml:4:1" in found["broken.yaml"].err
    script = evalspec("import", "config.js", at=tmp_path)
    assert (script.code, script.out) == (2, "")
    assert "is code, and an import runs none" in script.err
    assert not list(tmp_path.glob("*.eval"))


def test_what_a_configuration_says_cannot_act_on_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text(
        '{"description": "\\u001b[2J\\n} evil", "prompts": ["{{q}}"],'
        ' "providers": ["openai:\\u001b[31mx", "exec:rm"],'
        ' "tests": [{"vars": {"q": "a"}, "assert": [{"type": "\\u001b[5mx", "value": "\\u202e"},'
        ' {"type": "equals", "value": "\\u001b]0;x"}]}]}'
    )
    made = evalspec("import", "c.json", at=tmp_path)
    assert made.code == 0
    assert "\x1b" not in made.all
    assert "\x1b" not in (tmp_path / "c.eval").read_text()
    assert evalspec("check", "c.eval", at=tmp_path).code == 0
