"""One trial of the fuzzing: a spec and its data in a folder, one of them damaged, and what must hold."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from check.cases import FOLDER
from evalspec.pipeline import check_file
from evalspec.report.diagnostics import Form, render
from evalspec.syntax.format import format_source
from evalspec.text.diagnostics import Diagnostic
from evalspec.text.source import Source, Span
from fuzz import rows
from fuzz.specs import ROOT, mutant, originals

SPEC = "m.eval"


class Kind(StrEnum):
    """What is damaged."""

    SPEC = "spec"
    DATA = "data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """The files of a damaged job by name, and of the same job undamaged."""

    number: int
    kind: Kind
    files: dict[str, bytes]
    undamaged: dict[str, bytes]


def trial(kind: Kind, number: int) -> Trial:
    """The trial of that number: the same files, always."""
    chance = random.Random(f"{kind}-{number}")
    if kind is Kind.SPEC:
        before, after = mutant(chance)
        good, bad = ({SPEC: text.encode("utf-8", "surrogatepass")} for text in (before, after))
        return Trial(number=number, kind=kind, files=bad, undamaged=good)
    good = _job(chance.choice(rows.FORMATS))
    name = chance.choice([n for n in good if n != SPEC])
    content = rows.mutant(good[name], chance)
    bad = {**good, name: content}
    if chance.random() < 0.2 and name.startswith("rows"):
        bad = {**{n: c for n, c in bad.items() if n != name}, f"{name}.gz": rows.packed(content, chance)}
        bad[SPEC] = good[SPEC].replace(f'"{name}"'.encode(), f'"{name}.gz"'.encode())
    return Trial(number=number, kind=kind, files=bad, undamaged=good)


def _job(form: str) -> dict[str, bytes]:
    """The broad spec over data in a format."""
    name = f"rows.{form}"
    table = rows.table()
    return {
        SPEC: originals()[0].replace('"rows.csv"', f'"{name}"').encode(),
        name: rows.written(table, form),
        "train.csv": rows.written([{**row, "id": f"x{i}"} for i, row in enumerate(table)], "csv"),
        "answers.jsonl": rows.answers(table),
        "decide.jinja": b"Refund {{ extract }}? {{ body }}",
    }


def prepare(folder: Path) -> None:
    """Puts the data beside which any spec of the project finds its files."""
    for name, content in _job("csv").items():
        (folder / name).write_bytes(content)
    shutil.copytree(FOLDER / "check" / "data", folder / "data")
    shutil.copytree(FOLDER / "check" / "parts", folder / "parts")
    for path in (ROOT / "specs" / "data").iterdir():
        shutil.copy(path, folder / "data")


def write(files: dict[str, bytes], folder: Path) -> Path:
    """Writes a job's files over those that are there; the spec."""
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder / SPEC


def look(spec: Path, kind: Kind) -> None:
    """Checks a spec, and formats one that is itself damaged; asserts what must hold however damaged it is."""
    front = check_file(spec)
    _sound(front.diagnostics)
    for form in (Form.TEXT, Form.JSON):
        render(front.diagnostics, form)
    if kind is Kind.SPEC and front.source.text:
        text, faults = format_source(Source(name=SPEC, text=front.source.text))
        assert "E0120" not in {fault.code for fault in faults}, "the formatter damaged a spec"
        assert not faults or text == front.source.text


def _sound(diagnostics: Iterable[Diagnostic]) -> None:
    for diagnostic in diagnostics:
        assert diagnostic.message, diagnostic.code
        assert len(diagnostic.message) <= 600, diagnostic.code
        for place in (diagnostic.at, *(label.at for label in diagnostic.labels)):
            if isinstance(place, Span):
                assert 0 <= place.start <= place.end <= len(place.source.text), diagnostic.code
            assert place.begin >= (1, 1), diagnostic.code
