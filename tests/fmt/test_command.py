"""`evalspec fmt` as a user meets it: files, folders, links, streams, and what cannot be read or written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cli.commands import ROOT, Ended, command, evalspec, surroundings
from fmt.specs import formatted

LOOSE = 'model  mini{use="openai/gpt-5-mini"} # one\n\n\n'
TIDY = 'model mini { use = "openai/gpt-5-mini" }  # one\n'
WRONG = "model mini {\n  use =\n}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "loose.eval").write_text(LOOSE)
    (tmp_path / "tidy.eval").write_text(TIDY)
    return tmp_path


def stream(text: str | bytes, *arguments: str, at: Path) -> Ended:
    """`fmt -` with a text as its standard input."""
    given = text.encode() if isinstance(text, str) else text
    done = subprocess.run(
        command("fmt", "-", *arguments),
        cwd=at,
        env=surroundings(),
        input=given,
        capture_output=True,
        check=False,
    )
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())


def program(text: str, *arguments: str, at: Path) -> Ended:
    """What became of a program that calls `fmt` under conditions of its own."""
    line = [sys.executable, "-c", text, *arguments]
    done = subprocess.run(line, cwd=at, env=surroundings(), capture_output=True, text=True, check=False)
    return Ended(done.returncode, done.stdout, done.stderr)


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


# ── in place ──────────────────────────────────────────────────────────────────────────────────────


def test_a_file_is_formatted_in_place_and_the_second_time_left_alone(folder: Path) -> None:
    spec = folder / "loose.eval"
    spec.chmod(0o640)
    first = evalspec("fmt", "loose.eval", at=folder)
    assert (first.code, first.out) == (0, "")
    assert first.err == "formatted loose.eval\n1 spec: 1 formatted\n"
    assert spec.read_text() == TIDY
    assert spec.stat().st_mode & 0o777 == 0o640
    before = spec.stat()
    second = evalspec("fmt", "loose.eval", at=folder)
    assert (second.code, second.err) == (0, "1 spec: 1 unchanged\n")
    assert (spec.stat().st_mtime_ns, spec.stat().st_ino) == (before.st_mtime_ns, before.st_ino)
    assert sorted(names(folder)) == ["loose.eval", "tidy.eval"]


def test_folders_are_searched_and_each_spec_is_formatted_once(folder: Path) -> None:
    deep = folder / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "c.eval").write_text(LOOSE)
    (deep / "notes.txt").write_text(LOOSE)
    (folder / "folder.eval").mkdir()
    done = evalspec("fmt", ".", "a/b/c.eval", at=folder)
    assert done.code == 0
    assert done.err.splitlines()[-1] == "3 specs: 2 formatted, 1 unchanged"
    assert (deep / "c.eval").read_text() == TIDY
    assert (deep / "notes.txt").read_text() == LOOSE


def test_a_folder_without_specs_is_told(tmp_path: Path) -> None:
    done = evalspec("fmt", ".", at=tmp_path)
    assert (done.code, done.err) == (2, "error: there is no spec (*.eval) in .\n")


def test_a_link_stays_a_link_and_its_target_is_formatted(folder: Path) -> None:
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "real.txt").write_text(LOOSE)
    (folder / "link.eval").symlink_to(elsewhere / "real.txt")
    assert evalspec("fmt", "link.eval", at=folder).code == 0
    assert (folder / "link.eval").is_symlink()
    assert (elsewhere / "real.txt").read_text() == TIDY
    assert names(elsewhere) == ["real.txt"]


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_line_breaks_stay_as_they_are_and_a_byte_order_mark_goes(tmp_path: Path, end: str) -> None:
    spec = tmp_path / "a.eval"
    long = f'task t {{ prompt = """{end}    a{end}    """ }}{end}'
    spec.write_bytes(b"\xef\xbb\xbf" + (LOOSE.replace("\n", end) + long).encode())
    assert evalspec("fmt", "a.eval", at=tmp_path).code == 0
    expected = f'task t {{{end}  prompt = """{end}    a{end}    """{end}}}{end}'
    assert spec.read_bytes() == (TIDY.replace("\n", end) + end + expected).encode()


def test_a_byte_order_mark_alone_is_worth_a_change(tmp_path: Path) -> None:
    spec = tmp_path / "a.eval"
    spec.write_bytes(b"\xef\xbb\xbf" + TIDY.encode())
    assert evalspec("fmt", "--check", "a.eval", at=tmp_path).code == 1
    assert evalspec("fmt", "a.eval", at=tmp_path).code == 0
    assert spec.read_bytes() == TIDY.encode()


def test_a_text_within_a_file_of_mixed_line_breaks_is_left_as_it_is(tmp_path: Path) -> None:
    spec = tmp_path / "a.eval"
    spec.write_bytes(b'a=1\nb = """\r\n  x\r\n  y\n"""\nc=2\n\n')
    assert evalspec("fmt", "a.eval", at=tmp_path).code == 0
    assert spec.read_bytes() == b'a = 1\nb = """\r\n  x\r\n  y\n"""\nc = 2\n\n'.rstrip() + b"\n"


def test_only_the_syntax_counts(tmp_path: Path) -> None:
    (tmp_path / "a.eval").write_text('nonsense  x{y=unknown( 1 )}\ntask t{data=nowhere;prompt=file("no")}\n')
    assert evalspec("fmt", "a.eval", at=tmp_path).code == 0
    expected = 'nonsense x { y = unknown(1) }\ntask t { data = nowhere; prompt = file("no") }\n'
    assert (tmp_path / "a.eval").read_text() == expected


# ── only looking ──────────────────────────────────────────────────────────────────────────────────


def test_check_names_what_would_change_and_writes_nothing(folder: Path) -> None:
    done = evalspec("fmt", "--check", ".", at=folder)
    assert (done.code, done.out) == (1, "loose.eval\n")
    assert done.err == "2 specs: 1 would change, 1 unchanged\n"
    assert (folder / "loose.eval").read_text() == LOOSE
    assert evalspec("fmt", "--check", "tidy.eval", at=folder).code == 0


def test_a_diff_can_be_applied(folder: Path) -> None:
    spec = folder / "loose.eval"
    spec.write_text(LOOSE.rstrip("\n"))  # without a last line break
    done = evalspec("fmt", "--diff", "loose.eval", at=folder)
    assert done.code == 0
    assert spec.read_text() == LOOSE.rstrip("\n")
    assert "\\ No newline at end of file" in done.out
    subprocess.run(["git", "apply", "-p0", "-"], cwd=folder, input=done.out, text=True, check=True)
    assert spec.read_text() == TIDY


def test_a_diff_that_is_checked_fails_where_there_is_one(folder: Path) -> None:
    done = evalspec("fmt", "--diff", "--check", "loose.eval", "tidy.eval", at=folder)
    assert done.code == 1
    assert re.findall(r"^[-+].*$", done.out, re.MULTILINE) == [
        "--- loose.eval", "+++ loose.eval", f"-{LOOSE.rstrip()}", "-", "-", f"+{TIDY.rstrip()}",
    ]  # fmt: skip
    assert evalspec("fmt", "--diff", "--check", "tidy.eval", at=folder).code == 0


# ── streams ───────────────────────────────────────────────────────────────────────────────────────


def test_a_stream_is_formatted_to_standard_output(tmp_path: Path) -> None:
    done = stream("\ufeff" + LOOSE, at=tmp_path)
    assert (done.code, done.out, done.err) == (0, TIDY, "")
    assert stream(TIDY, at=tmp_path).out == TIDY
    assert stream("", at=tmp_path).out == ""
    windows = stream(LOOSE.replace("\n", "\r\n").encode(), at=tmp_path)
    assert windows.out == TIDY.replace("\n", "\r\n")


def test_a_stream_keeps_every_character_whatever_the_terminal_can_show(tmp_path: Path) -> None:
    text = 'a = "請求 é 👍"\n'
    done = subprocess.run(
        command("fmt", "-"), cwd=tmp_path, env={**surroundings(), "PYTHONIOENCODING": "ascii"},
        input=text.encode(), capture_output=True, check=True,
    )  # fmt: skip
    assert done.stdout.decode() == text


def test_a_stream_can_be_checked_and_compared(tmp_path: Path) -> None:
    assert (stream(LOOSE, "--check", at=tmp_path).code, stream(TIDY, "--check", at=tmp_path).code) == (1, 0)
    compared = stream(LOOSE, "--diff", at=tmp_path)
    assert compared.code == 0
    assert compared.out.startswith("--- <stdin>\n+++ <stdin>\n")


def test_nothing_comes_out_of_a_stream_that_does_not_parse(tmp_path: Path) -> None:
    for given, code in ((WRONG.encode(), "E0111"), (b"a = '\xff'", "E0110"), (b"PK\x03\x04", "E0110")):
        done = stream(given, at=tmp_path)
        assert (done.code, done.out) == (1, "")
        assert f"error[{code}]" in done.err
    assert "E0110" in stream(b"#" * 5_000_001, at=tmp_path).err


def test_a_stream_stands_alone(folder: Path) -> None:
    done = evalspec("fmt", "-", "tidy.eval", at=folder, stdin=subprocess.DEVNULL)
    assert done.code == 2
    assert "stands alone" in done.err


# ── what goes wrong ───────────────────────────────────────────────────────────────────────────────


def test_a_spec_that_does_not_parse_is_left_as_it_is_and_the_others_are_formatted(folder: Path) -> None:
    (folder / "wrong.eval").write_text(WRONG)
    done = evalspec("fmt", ".", at=folder)
    assert done.code == 1
    assert "error[E0111]" in done.err
    assert "wrong.eval:2:7" in done.err
    assert done.err.endswith("3 specs: 1 formatted, 1 unchanged, 1 with errors\n")
    assert (folder / "wrong.eval").read_text() == WRONG
    assert (folder / "loose.eval").read_text() == TIDY


def test_what_is_no_spec_is_told(folder: Path) -> None:
    (folder / "log.eval").write_bytes(b"PK\x03\x04 zipped")
    done = evalspec("fmt", "none.eval", "log.eval", "loose.eval", at=folder)
    assert done.code == 1
    assert "No such file" in done.err
    assert "binary" in done.err
    assert (folder / "loose.eval").read_text() == TIDY
    assert (folder / "log.eval").read_bytes() == b"PK\x03\x04 zipped"


def test_what_is_no_regular_file_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "null.eval").symlink_to("/dev/null")
    assert evalspec("fmt", "null.eval", at=tmp_path).code == 0
    os.mkfifo(tmp_path / "pipe.eval")
    with subprocess.Popen(command("fmt", "pipe.eval"), cwd=tmp_path, env=surroundings(),
                          stderr=subprocess.PIPE, text=True) as process:  # fmt: skip
        (tmp_path / "pipe.eval").write_text(LOOSE)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 4
    assert "it is no regular file" in said
    assert (tmp_path / "pipe.eval").is_fifo()


UNPRIVILEGED = """
import os, sys
from evalspec.cli.main import main
os.chdir(sys.argv[1])
main(["fmt", "--check", "a.eval"])  # loads what the interpreter could not read later
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
sys.exit(main(["fmt", "a.eval"]))
"""


@pytest.mark.parametrize(
    ("folder_mode", "file_mode", "why"),
    [(0o555, 0o666, "Permission denied"), (0o777, 0o444, "it is read-only")],
    ids=["folder", "file"],
)
def test_what_may_not_be_written_stays_whole(
    tmp_path: Path, folder_mode: int, file_mode: int, why: str
) -> None:
    place = tmp_path / "specs"
    place.mkdir()
    (place / "a.eval").write_text(LOOSE)
    for parent in (tmp_path, *tmp_path.parents):
        if parent.stat().st_uid == os.getuid() and parent.stat().st_mode & 0o077 == 0:
            parent.chmod(0o755)  # else a user without rights could not even come here
    (place / "a.eval").chmod(file_mode)
    place.chmod(folder_mode)
    done = program(UNPRIVILEGED, str(place), at=ROOT)
    place.chmod(0o777)
    assert done.code == 4
    assert f"error: a.eval cannot be written: {why}; it is as it was\n" in done.err
    assert "1 spec: 1 not written" in done.err
    assert (place / "a.eval").read_text() == LOOSE
    assert names(place) == ["a.eval"]


FULL = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
from evalspec.cli.main import main
sys.exit(main(["fmt", "a.eval"]))
"""


def test_a_disk_that_takes_no_more_loses_nothing(tmp_path: Path) -> None:
    """A limit on the size of files stands for the full disk: writing fails in the middle."""
    text = LOOSE * 1000
    (tmp_path / "a.eval").write_text(text)
    done = program(FULL, at=tmp_path)
    assert done.code == 4
    assert "a.eval cannot be written: File too large" in done.err
    assert (tmp_path / "a.eval").read_text() == text
    assert names(tmp_path) == ["a.eval"]


# ── what it takes ─────────────────────────────────────────────────────────────────────────────────

FRONT = {"text", "syntax", "report", "cli"}
LOADED = """
import sys
from evalspec.cli.main import main
main(["fmt", "a.eval"])
print(*(name for name in sys.modules if name.partition(".")[0] in ("evalspec", "jinja2", "numpy", "lark")))
"""


def test_formatting_loads_the_front_alone(tmp_path: Path) -> None:
    (tmp_path / "a.eval").write_text(LOOSE)
    modules = program(LOADED, at=tmp_path).out.split()
    outside = {name for name in modules if name.count(".") > 1 and name.split(".")[1] not in FRONT}
    assert outside <= {"evalspec.models.faults", "evalspec.data.places"}  # what a file is, and how one fails
    assert not {"jinja2", "numpy"} & set(modules)


def test_ten_thousand_lines(tmp_path: Path) -> None:
    text = (ROOT / "specs" / "support_routing.eval").read_text(encoding="utf-8") * 200
    (tmp_path / "a.eval").write_text(text.replace("  ", " "))
    assert evalspec("fmt", "a.eval", at=tmp_path).code == 0
    assert (tmp_path / "a.eval").read_text().count("\n") >= 9_800
    assert (tmp_path / "a.eval").read_text() == formatted(text)
