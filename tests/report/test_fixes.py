"""Fixes: each mends its diagnostic, `check --fix` applies what is certain, and no file ever gets worse."""

from __future__ import annotations

import os
import resource
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from check.cases import FOLDER, Case, every_case, said_of
from check.mutations import mutants
from evalspec.cli.fixing import MOST_PASSES, fix_files
from evalspec.cli.main import main
from evalspec.pipeline import check_file, check_source
from evalspec.text.diagnostics import Diagnostic, Edit, Fix, errors, problem
from evalspec.text.edits import certain_fixes, edited
from evalspec.text.source import Source, Span

SOURCE = Path(__file__).parents[2] / "src"
DATA = "id,lang,body,queue\n1,en,Charged twice,billing\n2,es,Se cierra,bug\n"
SPEC = """\
dataset tickets { source = file("tickets.csv"); id = id; label = queue }
model mini { use = "openai/gpt-5-mini"; temprature = 0 }
task route {
  data = ticket
  prompt = "Which of {{ labels | join(', ') }}? {{ bodi }}"
  answer = one_of(queue)
}
"""
MENDED = (
    SPEC.replace("temprature", "temperature").replace("= ticket\n", "= tickets\n").replace("bodi", "body")
)


def edits_of(case: Case) -> list[Edit]:
    return [edit for d in said_of(case) for fix in d.fixes for edit in fix.edits]


# Those that would change a prompt file of the cases are left out: a prompt of its own is mended further down.
FIXABLE = [
    case
    for case in every_case()
    if edits_of(case) and all(edit.at.source == case.source for edit in edits_of(case))
]


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    (tmp_path / "tickets.csv").write_text(DATA, encoding="utf-8")
    path = tmp_path / "route.eval"
    path.write_text(SPEC, encoding="utf-8")
    return path


# ── what the diagnostics offer ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("case", FIXABLE, ids=lambda case: case.path.stem)
def test_a_fix_makes_its_diagnostic_go_away_and_the_file_parse(case: Case) -> None:
    before = said_of(case)
    for diagnostic in before:
        for fix in diagnostic.fixes:
            after = check_source(
                Source(name=case.path.name, text=edited(case.source, fix.edits), path=case.path)
            )
            assert meaning(diagnostic) not in {meaning(d) for d in after.diagnostics}
            assert len(syntax(after.diagnostics)) <= len(syntax(before))


def meaning(diagnostic: Diagnostic) -> tuple[str, str]:
    return diagnostic.code, diagnostic.message


def syntax(diagnostics: tuple[Diagnostic, ...]) -> list[str]:
    return [d.code for d in errors(diagnostics) if d.code.startswith("E01")]


@pytest.mark.parametrize("case", FIXABLE, ids=lambda case: case.path.stem)
def test_fixing_a_case_on_disk_leaves_it_with_no_more_errors(case: Case, tmp_path: Path) -> None:
    for beside in sorted(case.path.parent.iterdir()):
        if beside.is_dir():
            (tmp_path / beside.name).symlink_to(beside)
    path = tmp_path / case.path.name
    path.write_bytes(case.spec.encode())
    before = check_file(path).diagnostics
    fix_files([path], lambda spec: check_file(spec).diagnostics)
    after = check_file(path).diagnostics
    assert len(in_specs(after)) <= len(in_specs(before))


def in_specs(diagnostics: tuple[Diagnostic, ...]) -> list[Diagnostic]:
    """The errors of specs and prompts; those of data may come to light once a spec can be read."""
    return [d for d in errors(diagnostics) if isinstance(d.at, Span)]


@pytest.mark.parametrize("seed", [11, 12])
def test_damaged_specs_never_get_worse(seed: int, tmp_path: Path) -> None:
    (tmp_path / "data").symlink_to(FOLDER / "check" / "data")
    path = tmp_path / "m.eval"
    for text in mutants(seed, 60):
        path.write_bytes(text.encode(errors="replace"))
        before = in_specs(check_file(path).diagnostics)
        fix_files([path], lambda spec: check_file(spec).diagnostics)
        assert len(in_specs(check_file(path).diagnostics)) <= len(before)


# ── which are certain ─────────────────────────────────────────────────────────────────────────────

TEXT = Source(name="a.eval", text="one two three\r\nfour\r\n", path=Path("a.eval"))


def offer(word: str, *writes: str) -> Diagnostic:
    at = Span(TEXT, TEXT.text.index(word), TEXT.text.index(word) + len(word))
    fixes = [Fix(message=f"write `{new}`", edits=(Edit(at=at, text=new),)) for new in writes]
    return problem("E0401", at, f"`{word}` is unknown", fixes=fixes)


def test_a_fix_is_certain_where_it_is_the_only_one() -> None:
    found = certain_fixes([offer("one", "1"), offer("two", "2", "II"), offer("three")])
    assert [fix.diagnostic.message for fix in found] == ["`one` is unknown"]


def test_of_edits_that_touch_the_first_waits_for_no_one() -> None:
    found = certain_fixes(
        [offer("one two", "x"), offer("two three", "y"), offer("four", "4"), offer("one", "z")]
    )
    assert [fix.diagnostic.message for fix in found] == ["`one two` is unknown", "`four` is unknown"]


def test_the_same_edit_of_two_diagnostics_is_made_once() -> None:
    both = certain_fixes([offer("two", "2"), offer("two", "2")])
    assert len(both) == 2
    assert edited(TEXT, [edit for fix in both for edit in fix.fix.edits]) == "one 2 three\r\nfour\r\n"


def test_what_is_inserted_has_the_line_breaks_of_the_file() -> None:
    (fix,) = certain_fixes([offer("two", "2\n3")])
    assert edited(TEXT, fix.fix.edits) == "one 2\r\n3 three\r\nfour\r\n"


# ── on disk ───────────────────────────────────────────────────────────────────────────────────────


def test_what_is_certain_is_changed_and_told_and_the_rest_remains(
    spec: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(spec.parent)
    spec.write_text(
        SPEC.replace("(queue)\n", "(queue)\n  banana = 3\n").replace("data = t", "data: t"), encoding="utf-8"
    )
    assert main(["check", "--fix", "route.eval"]) == 1
    said = capsys.readouterr().err
    assert "fixed route.eval:2: `model` has no `temprature` (write `temperature`)\n" in said
    assert "fixed route.eval:4: a name and its value are joined by `=` (write `=`)\n" in said
    assert "fixed route.eval:4: there is no dataset `ticket` (write `tickets`)\n" in said  # in a later pass
    assert said.count("error[") == said.count("has no `banana`") > 0
    assert main(["check", "--fix", "route.eval"]) == 1
    assert "nothing to fix" in capsys.readouterr().err


def test_a_sound_file_is_what_remains(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--fix", str(spec)]) == 0
    assert spec.read_text(encoding="utf-8") == MENDED
    assert f"{spec}: no errors" in capsys.readouterr().err


def test_line_breaks_byte_order_mark_and_mode_are_kept(spec: Path) -> None:
    spec.write_bytes(b"\xef\xbb\xbf" + SPEC.replace("\n", "\r\n").encode())
    spec.chmod(0o640)
    assert main(["check", "--fix", str(spec)]) == 0
    assert spec.read_bytes() == b"\xef\xbb\xbf" + MENDED.replace("\n", "\r\n").encode()
    assert stat.S_IMODE(spec.stat().st_mode) == 0o640


def test_a_link_stays_a_link(spec: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.eval"
    link.symlink_to(spec.name)
    assert main(["check", "--fix", str(link)]) == 0
    assert link.is_symlink()
    assert spec.read_text(encoding="utf-8") == MENDED


def test_a_prompt_in_a_file_of_its_own_is_mended_there(spec: Path, tmp_path: Path) -> None:
    prompt = tmp_path / "route.jinja"
    prompt.write_text("Which of {{ labels }}?\n{{ bodi }}\n", encoding="utf-8")
    first, _, rest = MENDED.partition("  prompt = ")
    spec.write_text(f'{first}  prompt = file("route.jinja")\n{rest.partition(chr(10))[2]}', encoding="utf-8")
    kept = spec.read_bytes()
    assert main(["check", "--fix", str(spec)]) == 0
    assert prompt.read_text(encoding="utf-8") == "Which of {{ labels }}?\n{{ body }}\n"
    assert spec.read_bytes() == kept


def test_an_imported_file_is_mended_once_for_all_that_import_it(tmp_path: Path) -> None:
    library = tmp_path / "models.eval"
    library.write_text('model mini { use = "openai/gpt-5-mini"; temprature = 0 }\n', encoding="utf-8")
    for name in ("a.eval", "b.eval"):
        (tmp_path / name).write_text('import "models.eval"\n', encoding="utf-8")
    assert main(["check", "--fix", str(tmp_path / "a.eval"), str(tmp_path / "b.eval")]) == 0
    assert "temperature = 0" in library.read_text(encoding="utf-8")


def test_a_fix_that_brings_more_errors_is_taken_back_and_told(spec: Path) -> None:
    kept = spec.read_bytes()

    def look(path: Path) -> list[Diagnostic]:
        source = Source(name=str(path), text=path.read_bytes().decode(), path=path)
        here = Span(source, 0, 7)
        if source.text.startswith("dataset "):
            edit = Edit(at=here, text="datasets")
            return [problem("E0401", here, "odd", fixes=[Fix(message="worse", edits=(edit,))])]
        return [problem("E0401", here, "odd"), problem("E0402", here, "odder")]

    fixing = fix_files([spec], look)
    assert spec.read_bytes() == kept
    assert (fixing.applied, [fix.fix.message for fix in fixing.refused]) == ([], ["worse"])


def test_of_several_fixes_only_the_bad_one_is_taken_back(spec: Path) -> None:
    def look(path: Path) -> list[Diagnostic]:
        source = Source(name=str(path), text=path.read_bytes().decode(), path=path)

        def offered(old: str, new: str) -> list[Diagnostic]:
            start = source.text.find(old)
            at = Span(source, start, start + len(old))
            fix = Fix(message=f"write {new}", edits=(Edit(at=at, text=new),))
            return [problem("E0401", at, f"not {old}", fixes=[fix])] if start >= 0 else []

        spoilt = [
            problem("E0402", Span(source, n, n + 1), "spoilt") for n in range(5) if "banana" in source.text
        ]
        return [
            *offered("ticket\n", "tickets\n"),
            *offered("one_of", "banana"),
            *offered("bodi", "body"),
            *spoilt,
        ]

    fixing = fix_files([spec], look)
    assert [fix.fix.message for fix in fixing.refused] == ["write banana"]
    assert spec.read_text(encoding="utf-8") == MENDED.replace("temperature", "temprature")


def test_fixes_that_undo_each_other_come_to_an_end(spec: Path) -> None:
    def look(path: Path) -> list[Diagnostic]:
        source = Source(name=str(path), text=path.read_bytes().decode(), path=path)
        new = "Dataset" if source.text.startswith("d") else "dataset"
        at = Span(source, 0, 7)
        return [problem("E0401", at, new, fixes=[Fix(message=new, edits=(Edit(at=at, text=new),))])]

    assert 0 < len(fix_files([spec], look).applied) <= MOST_PASSES


def test_a_read_only_file_is_told_and_left(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec.chmod(0o444)
    assert main(["check", "--fix", str(spec)]) == 4
    said = capsys.readouterr().err
    assert f"error: {spec} cannot be written: it is read-only\n" in said
    assert "error[E0403]" in said  # what is wrong is told all the same
    assert spec.read_text(encoding="utf-8") == SPEC


def test_a_disk_without_room_is_told_and_the_file_is_whole(spec: Path) -> None:
    spec.write_text(SPEC + "#" * 100_000, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "evalspec", "check", "--fix", spec.name],
        cwd=spec.parent,
        env={**os.environ, "PYTHONPATH": str(SOURCE), "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 4
    assert "route.eval cannot be written: File too large" in done.stderr
    assert spec.read_text(encoding="utf-8").startswith(SPEC)
    assert sorted(path.name for path in spec.parent.iterdir()) == ["route.eval", "tickets.csv"]


def test_a_file_that_changed_meanwhile_is_left_alone(spec: Path) -> None:
    stale = check_file(spec).diagnostics
    spec.write_text(MENDED, encoding="utf-8")
    fixing = fix_files([spec], lambda _: stale)
    assert fixing.applied == []
    assert spec.read_text(encoding="utf-8") == MENDED
