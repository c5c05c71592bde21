"""Specs in several files: names shared, paths from the file that names them, each file read once."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalspec.check.params import UnknownSetting
from evalspec.language.candidates import Baseline
from evalspec.pipeline import check_file
from evalspec.text.diagnostics import Diagnostic, errors

TASK = """
task route {
  data = tickets
  models = [guess]
  answer = one_of(queue)
}
"""
DATA = """
dataset tickets { source = file("tickets.csv"); label = queue }
dataset train { source = file("train.csv"); label = queue }
"""


def write(folder: Path, **files: str) -> Path:
    """Files in a folder by name (`_` for a slash); the spec itself is `main`."""
    (folder / "shared").mkdir(exist_ok=True)
    for place in (folder, folder / "shared"):
        (place / "tickets.csv").write_text("body,queue\npay,billing\ncrash,bug\n", encoding="utf-8")
        (place / "train.csv").write_text("body,queue\nmoney,billing\nhangs,bug\n", encoding="utf-8")
    for name, text in files.items():
        (folder / (name.replace("_", "/") + ".eval")).write_text(text, encoding="utf-8")
    return folder / "main.eval"


def said(spec: Path) -> list[tuple[str, str]]:
    return [(d.code, d.at.file) for d in check_file(spec).diagnostics if d.code[0] != "N"]


def only_error(spec: Path) -> Diagnostic:
    (error,) = errors(check_file(spec).diagnostics)
    return error


MODEL = 'model guess { use = baseline("majority", train = train) }\n'


def test_what_is_imported_belongs_to_the_spec_and_names_its_own_files(tmp_path: Path) -> None:
    spec = write(tmp_path, main='import "shared/parts.eval"\n' + TASK, shared_parts=DATA + MODEL)
    front = check_file(spec)
    assert [s.path for s in front.sources] == [tmp_path / "shared" / "parts.eval", spec]
    program = front.ready.program
    assert program.datasets["tickets"].files[0].path == tmp_path / "shared" / "tickets.csv"
    assert isinstance(program.models["guess"].use, Baseline)


def test_a_file_that_is_imported_by_two_ways_is_read_once(tmp_path: Path) -> None:
    main = 'import "shared/a.eval"\nimport "./shared/../shared/b.eval"\n' + TASK
    spec = write(tmp_path, main=main, shared_a='import "b.eval"\n' + DATA, shared_b=MODEL)
    assert said(spec) == []


def test_an_import_of_itself_is_a_circle(tmp_path: Path) -> None:
    spec = write(tmp_path, main='import "main.eval"\n' + DATA + MODEL + TASK)
    assert only_error(spec).code == "E0213"


def test_mistakes_of_an_imported_file_carry_its_name(tmp_path: Path) -> None:
    broken = DATA + MODEL + 'model b { use = "openai/x"; temprature = 0 }\n'
    spec = write(tmp_path, main='import "shared/parts.eval"\n' + TASK, shared_parts=broken)
    error = only_error(spec)
    assert (error.code, error.at.file) == ("E0403", str(tmp_path / "shared" / "parts.eval"))
    assert error.at.begin == (5, 29)


def test_names_of_a_broken_block_in_an_imported_file_count_as_declared(tmp_path: Path) -> None:
    spec = write(
        tmp_path,
        main='import "shared/parts.eval"\n' + TASK,
        shared_parts=DATA + 'model guess { use = baseline("majority", train = ) }\n',
    )
    assert len(errors(check_file(spec).diagnostics)) == 1


@pytest.mark.parametrize(("name", "content"), [("binary", b"PK\x03\x04..."), ("latin", b"# caf\xe9\n")])
def test_an_import_that_is_no_spec_is_told_where_it_is_imported(
    tmp_path: Path, name: str, content: bytes
) -> None:
    spec = write(tmp_path, main=f'import "{name}.eval"\n' + DATA + MODEL + TASK)
    (tmp_path / f"{name}.eval").write_bytes(content)
    error = only_error(spec)
    assert (error.code, error.at.file, error.at.begin) == ("E0110", str(spec), (1, 8))


def test_a_spec_of_too_many_files_is_refused(tmp_path: Path) -> None:
    for i in range(260):
        (tmp_path / f"f{i}.eval").write_text(f'import "f{i + 1}.eval"\n', encoding="utf-8")
    (tmp_path / "f260.eval").write_text("", encoding="utf-8")
    spec = write(tmp_path, main='import "f0.eval"\n' + DATA + MODEL + TASK)
    assert only_error(spec).code == "E0212"


def test_nothing_is_unused_in_an_imported_file(tmp_path: Path) -> None:
    more = DATA + MODEL + "costs spare { right = 0; wrong = 1 }\nparams { spare = 1 }\n"
    spec = write(tmp_path, main='import "shared/parts.eval"\n' + TASK, shared_parts=more)
    assert said(spec) == []


# ── params ────────────────────────────────────────────────────────────────────────────────────────


def subset_minimum(spec: Path, **settings: str) -> int | None:
    return check_file(spec, settings=settings).ready.program.subsets[0].minimum


def test_a_parameter_is_its_value_wherever_it_stands(tmp_path: Path) -> None:
    main = (
        'params { least = 1; word = "pay"; col = queue; kinds = [billing, bug]; free = -1 }\n'
        'dataset tickets { source = file("tickets.csv"); label = params.col in params.kinds }\n'
        'dataset train { source = file("train.csv"); label = queue }\n'
        "subset paying of tickets {\n"
        "  where = body contains params.word and not (len(body) < params.free)\n"
        "  min = params.least\n"
        "}\n"
    )
    spec = write(tmp_path, main=main + MODEL + TASK)
    assert errors(check_file(spec).diagnostics) == ()
    assert subset_minimum(spec) == 1
    assert subset_minimum(spec, least="2") == 2


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [("least", "10%", "a number"), ("least", "many", "a number"), ("list", "5", "a list"),
     ("kind", "3", "a name"), ("yes", "1", "true or false"), ("least", "1 } model x { use = 1", "a number")],
)  # fmt: skip
def test_a_setting_of_another_kind_is_refused(tmp_path: Path, name: str, value: str, what: str) -> None:
    main = "params { least = 1; kind = queue; list = [1, 2]; yes = true }\n" + DATA + MODEL + TASK
    with pytest.raises(UnknownSetting, match=f"`{name}` is {what}"):
        check_file(write(tmp_path, main=main), settings={name: value})


def test_a_setting_of_no_parameter_is_refused(tmp_path: Path) -> None:
    spec = write(tmp_path, main="params { least = 1 }\n" + DATA + MODEL + TASK)
    with pytest.raises(UnknownSetting, match="did you mean `least`"):
        check_file(spec, settings={"leest": "2"})


def test_a_text_needs_no_quotes_in_a_setting(tmp_path: Path) -> None:
    main = 'params { word = "pay" }\n' + DATA + "subset s of tickets { where = body == params.word }\n"
    spec = write(tmp_path, main=main + MODEL + TASK)
    front = check_file(spec, settings={"word": "crash"})
    assert front.ready.program.subsets[0].where({"body": "crash"}) is True
