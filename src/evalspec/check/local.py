"""Candidates that answer from this machine: classifiers that learn here, and answers collected earlier."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from evalspec.check.datasets import Data, known_column, named_dataset
from evalspec.check.sources import pattern_matches
from evalspec.check.values import file_of, no_file, several_of, text_of, unexpected_arguments, word_of
from evalspec.data.globs import is_pattern
from evalspec.data.places import is_file
from evalspec.language.call_names import BASELINES
from evalspec.language.candidates import Baseline, Recorded
from evalspec.syntax import tree
from evalspec.text.diagnostics import did_you_mean
from evalspec.text.source import Span
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evalspec.check.entries import Faults
    from evalspec.check.names import Declared


@dataclass(frozen=True, slots=True)
class Local:
    """A call that makes such a candidate, and what its arguments may name."""

    at: Span
    arguments: tuple[tree.Expr, ...]
    named: dict[str, tree.Named]
    declared: Declared
    data: Mapping[str, Data]


def read_baseline(call: Local, faults: Faults) -> Baseline | None:
    """The classifier that `baseline(…)` names; None after saying what is wrong with it."""
    at, arguments, named = call.at, call.arguments, call.named
    unexpected_arguments(at, "baseline", arguments[1:], named, ("columns", "train"), faults)
    if not arguments:
        faults.add(
            "E0306", at, "`baseline` needs its kind", f"one of {', '.join(f'{k!r}' for k in BASELINES)}"
        )
        return None
    kind = text_of(arguments[0], "the kind of baseline", faults)
    if kind is not None and kind not in BASELINES:
        help_line, fixes = did_you_mean(kind, BASELINES, at=arguments[0].at)
        faults.add("E0306", arguments[0].at, f"there is no baseline `{kind}`", help_line, fixes=fixes)
        kind = None
    train = _training(call, faults)
    columns = _baseline_columns(at, kind, named.get("columns"), train, faults)
    if kind is None or train is None or columns is None:
        return None
    return Baseline(kind=kind, columns=columns, train=train.dataset.name)


def _training(call: Local, faults: Faults) -> Data | None:
    named = call.named.get("train")
    if named is None:
        faults.add("E0306", call.at, "`baseline` needs the dataset it learns from", "write `train = DATASET`")
        return None
    word = word_of(named.value, "`train`", faults)
    data = named_dataset(word, call.declared, call.data, faults) if word is not None else None
    if data is not None and data.dataset.label is None and data.types is not None and word is not None:
        faults.add("E0412", word.at, f"dataset `{data.dataset.name}` has no label to learn",
                   "write `label = COLUMN` in its block")  # fmt: skip
        return None
    return data


def _baseline_columns(
    at: Span, kind: str | None, named: tree.Named | None, train: Data | None, faults: Faults
) -> tuple[str, ...] | None:
    if named is None:
        if kind == "majority":
            return ()
        faults.add("E0306", at, "`baseline` needs the columns it reads", "write `columns = [body]`")
        return None
    words = several_of(named.value, "a column", faults)
    if words is None or train is None:
        return None
    columns = [known_column(word, train.scope, faults) for word in words]
    label = train.dataset.label
    told = {label} | {d.name for d in train.dataset.derive if d.expression.columns == {label}}
    for word in words:
        if label is not None and word.text in told:
            faults.add(
                "E0413", word.at, f"the baseline reads `{word.text}`, the label itself", "leave it out"
            )
            return None
    return tuple(c for c in columns if c is not None) if None not in columns else None


def read_recorded(call: Local, faults: Faults) -> Recorded | None:
    """The answers that `recorded(…)` names; None after saying what is wrong."""
    at, arguments, named = call.at, call.arguments, call.named
    before = len(faults.found)
    unexpected_arguments(at, "recorded", (), named, ("model",), faults)
    if not arguments:
        faults.add("E0306", at, "`recorded` needs a file", 'write `recorded("answers.jsonl")`')
        return None
    files = [path for argument in arguments for path in _recordings(argument, faults)]
    if len(faults.found) > before:
        return None
    model = named.get("model")
    name = text_of(model.value, "`model`", faults) if model is not None else None
    return Recorded(files=tuple(files), model=name)


def _recordings(argument: tree.Expr, faults: Faults) -> list[Path]:
    """The files that an argument of `recorded` means; a text and a `file(…)` are the same."""
    call = argument
    if isinstance(argument, tree.Text):
        call = tree.Call(tree.Name("file", argument.at), (argument,), (), argument.at)
    found = file_of(call, faults)
    if found is None:
        return []
    written, path = found
    folder = argument.at.source.folder
    if is_pattern(written, folder):
        return [folder / match.written for match in pattern_matches(argument, written, faults) or ()]
    if not is_file(path):
        no_file(argument.at, written, path, faults)
    return [path]
