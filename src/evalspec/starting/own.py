"""A working spec over a user's own data: the table in, a spec and the files that it needs out.

Decides what the columns are good for and which files are written; how a spec is worded is `wording.py`.
Reads the data and writes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from evalspec.interop.tables import form_of, read_table
from evalspec.starting.candidates import Candidate, candidates_of
from evalspec.starting.columns import (
    Column,
    Kind,
    Proposal,
    columns_of,
    id_column,
    kind_of,
    likely_labels,
    proposals,
    same_as_label,
    text_columns,
)
from evalspec.starting.split import split, written
from evalspec.text.diagnostics import Diagnostic, did_you_mean, errors, nearest
from evalspec.text.units import counted
from evalspec.text.values import dataclass, replace

if TYPE_CHECKING:
    from evalspec.data.table import RawRow, RawTable

MOST_NAMED = 12


class Unclear(ValueError):
    """Something only the user can say; the message asks for it."""


class Faulty(Exception):
    """The data cannot be read; `diagnostics` say why."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        super().__init__("the data cannot be read")
        self.diagnostics = diagnostics


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a user asks for: the data, the column of right answers, the candidates, where the spec goes."""

    data: Path
    label: str | None
    models: tuple[str, ...]
    train: Path | None
    spec: Path
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What was found in the data, as the spec says it. `train` is None where nothing can be learnt."""

    title: str
    data: str  # paths as the spec writes them
    train: str | None
    label: str
    kind: Kind
    labels: tuple[str, ...]
    columns: tuple[str, ...]
    id: str | None
    train_id: str | None
    texts: tuple[str, ...]
    unlabelled: bool
    train_unlabelled: bool
    subsets: tuple[Proposal, ...]
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A spec to write: what it says, the data files beside it, and what a user should know of it."""

    findings: Findings
    files: Mapping[Path, bytes]
    remarks: tuple[str, ...]
    warnings: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What is scored and what is learnt from: files, the scored rows, and the data files to write."""

    source: Path
    scored: Sequence[RawRow]
    train: Path | None = None
    train_id: str | None = None
    train_unlabelled: bool = False
    files: Mapping[Path, bytes]


def start_from(wanted: Wanted) -> Start:
    """What to write for a user's data. Raises Faulty, Unclear, and NoRoute for a model without provider."""
    table, warnings = _table(wanted.data)
    columns = columns_of(table)
    label = _label(columns, wanted.label, wanted.data)
    kind = _kind(label, wanted.data)
    candidates = _candidates(wanted, kind, label)
    same = same_as_label(columns, label.name)
    id_ = id_column(columns, besides=label.name)
    besides = [label.name, *([id_] if id_ else []), *same]
    texts = _texts(columns, besides)
    labelled = [row for row, value in zip(table.rows, label.values, strict=True) if value.strip()]
    parts = _parts(wanted, table, labelled, kind, (label.name, id_, texts))
    scored = columns_of(replace(table, rows=tuple(parts.scored)))
    findings = Findings(
        title=wanted.data.name,
        data=_from(wanted.spec, parts.source),
        train=_from(wanted.spec, parts.train) if parts.train is not None else None,
        label=label.name,
        kind=kind,
        labels=tuple(sorted(scored[label.name].counts)) if kind is Kind.LABELS else (),
        columns=tuple(columns),
        id=id_,
        train_id=parts.train_id,
        texts=tuple(texts),
        unlabelled=len(labelled) < len(table.rows) and not parts.files,
        train_unlabelled=parts.train_unlabelled,
        subsets=tuple(proposals(scored, texts=texts, besides=besides)),
        candidates=candidates,
    )
    counts = len(parts.scored), len(labelled) - len(parts.scored), len(table.rows) - len(labelled)
    told = _remarks(findings, counts, same)
    return Start(findings=findings, files=parts.files, remarks=told, warnings=warnings)


def _parts(
    wanted: Wanted,
    table: RawTable,
    labelled: list[RawRow],
    kind: Kind,
    roles: tuple[str, str | None, Sequence[str]],
) -> Parts:
    """The data as they are with a training file or where nothing is learnt; else the data in two."""
    label, id_, texts = roles
    if kind is not Kind.LABELS:
        return Parts(source=wanted.data, scored=labelled, files={})
    if wanted.train is not None:
        learnt = _training(wanted.train, label, texts)
        blank = any(not value.strip() for value in learnt[label].values)
        train_id = id_column(learnt, besides=label)
        return Parts(
            source=wanted.data, scored=labelled, train=wanted.train, train_id=train_id,
            train_unlabelled=blank, files={},
        )  # fmt: skip
    source, train = _halves(wanted)
    learning, scored = split(labelled, label, texts, seed=wanted.seed)
    if not learning or not scored:
        raise Unclear(f"{wanted.data} has too few rows for a part to learn from\n  = help: `--train FILE`")
    form, names = _written_form(wanted), list(table.columns)
    files = {train: written(learning, names, form), source: written(scored, names, form)}
    return Parts(source=source, scored=scored, train=train, train_id=id_, files=files)


def _table(path: Path) -> tuple[RawTable, tuple[Diagnostic, ...]]:
    table, told = read_table(path)
    if table is None:
        raise Faulty(errors(told))
    return table, told


def _label(columns: Mapping[str, Column], given: str | None, path: Path) -> Column:
    if given is not None and given in columns:
        if not columns[given].counts:
            raise Unclear(f"the column `{given}` of {path} is empty in every row")
        return columns[given]
    likely = likely_labels(columns)[:MOST_NAMED]
    named = ", ".join(f"`{name}` ({len(columns[name].counts)} values)" for name in likely)
    if given is None:
        help_line = f"likely: {named}" if named else f"its columns: {', '.join(list(columns)[:MOST_NAMED])}"
        raise Unclear(
            f"which column of {path} holds the right answers?\n  = help: `--label COLUMN`; {help_line}"
        )
    help_line = did_you_mean(given, columns)[0] if nearest(given, columns) else ""
    raise Unclear(
        f"{path} has no column `{given}`\n  = help: {help_line or 'likely: ' + (named or ', '.join(columns))}"
    )


def _kind(label: Column, path: Path) -> Kind:
    kind = kind_of(label)
    if kind is Kind.NESTED:
        raise Unclear(f"the column `{label.name}` of {path} holds lists or objects, and a label is a text")
    if kind is Kind.LABELS and len(label.counts) < 2:
        only = next(iter(label.counts))
        raise Unclear(f"every row of {path} has the label `{only}`, so that there is nothing to tell apart")
    return kind


def _candidates(wanted: Wanted, kind: Kind, label: Column) -> tuple[Candidate, ...]:
    found = candidates_of(wanted.models)
    if kind is Kind.LABELS:
        return found
    hosted = tuple(c for c in found if c.baseline is None)
    if not hosted:
        many = f"`{label.name}` holds {kind.value} ({len(label.counts):,} different ones)"
        raise Unclear(
            f"{many}, which no local classifier can answer\n"
            "  = help: name models by `--models gpt-5-mini,claude-haiku-4-5`; or is it another `--label`?"
        )
    return hosted


def _texts(columns: Mapping[str, Column], besides: Sequence[str]) -> list[str]:
    found = text_columns(columns, besides=besides)
    if not found:
        raise Unclear(f"besides `{besides[0]}` there is no column that a prompt could read")
    return found


def _training(path: Path, label: str, texts: Sequence[str]) -> Mapping[str, Column]:
    columns = columns_of(_table(path)[0])
    for name in (label, *texts):
        if name not in columns:
            raise Unclear(f"{path} has no column `{name}`, which the baselines learn from")
    return columns


def _written_form(wanted: Wanted) -> str:
    """The form of the two parts: that of the data where it is written row by row, else JSON Lines."""
    form = form_of(wanted.data)
    return form if form in ("csv", "tsv") else "jsonl"


def _halves(wanted: Wanted) -> tuple[Path, Path]:
    """Where the two parts of the data go: beside the spec."""
    form = _written_form(wanted)
    plain = wanted.data.with_suffix("") if wanted.data.suffix == ".gz" else wanted.data
    folder = wanted.spec.parent
    return folder / f"{plain.stem}_test.{form}", folder / f"{plain.stem}_train.{form}"


def _from(spec: Path, file: Path) -> str:
    """A file's path as the spec writes it: from the spec's folder, whole where it was given so."""
    if file.is_absolute() and not file.is_relative_to(spec.parent.resolve()):
        return file.as_posix()
    return Path(os.path.relpath(file.absolute(), spec.parent.absolute())).as_posix()


def _remarks(found: Findings, counts: tuple[int, int, int], same: Sequence[str]) -> tuple[str, ...]:
    scored, learning, unlabelled = counts
    told = [f"{counted(scored, 'example')} to score; the answer is `{found.label}`"]
    if found.kind is Kind.LABELS:
        told[0] += f", one of {len(found.labels)} labels"
    else:
        told[0] += f", read as {found.kind.value}: its values are too many for labels"
    if learning:
        told.append(f"{learning:,} others are put aside for the baselines to learn from")
    told.append(f"the prompt reads {', '.join(f'`{name}`' for name in found.texts)}")
    if unlabelled:
        told.append(f"{counted(unlabelled, 'row')} without a label are left out")
    told += [f"`{name}` says the same as `{found.label}`, so no prompt reads it" for name in same]
    return tuple(told)
