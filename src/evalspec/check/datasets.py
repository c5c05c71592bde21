"""Dataset and subset blocks: files found and read, columns typed, rows prepared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalspec.check.entries import Entries, Faults, read_entries
from evalspec.check.values import (
    file_of,
    labels_of,
    several_of,
    text_of,
    whole_number,
    word_of,
)
from evalspec.data.prepare import prepare
from evalspec.data.read import RawTable, read_files
from evalspec.language.expressions import Expression, Scope, Type, compile_expression, holds
from evalspec.language.program import DataFile, Dataset, Derived, Subset
from evalspec.syntax import tree
from evalspec.text.diagnostics import did_you_mean, errors, problem
from evalspec.text.source import Span

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evalspec.check.names import Declared
    from evalspec.data.rows import Loaded

FORMATS = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
LATER_FORMATS = (".json", ".parquet")


@dataclass(frozen=True, slots=True)
class Data:
    """A dataset as far as it could be understood. `types` and `loaded` are None where it was not read."""

    dataset: Dataset
    types: Mapping[str, Type] | None
    loaded: Loaded | None

    @property
    def scope(self) -> Scope:
        return Scope(self.types, f"dataset `{self.dataset.name}`")


def read_dataset(name: str, block: tree.Block, read_data: bool, faults: Faults) -> Data | None:
    """The dataset of a block, with its rows where `read_data` and they can be read."""
    entries = read_entries(block, faults)
    if entries.rows:
        faults.not_built(entries.rows[0].at, "a table inside a dataset")
    files = _files(entries, faults)
    if files is None:
        return None
    header = _header(entries, faults)
    raw: RawTable | None = None
    if read_data:
        raw, found = read_files(files, header)
        faults.extend(found)
    types = raw.columns if raw is not None else None
    return _prepared(name, entries, files, header, types, raw, faults)


def _prepared(
    name: str,
    entries: Entries,
    files: tuple[DataFile, ...],
    header: tuple[str, ...] | None,
    types: Mapping[str, Type] | None,
    raw: RawTable | None,
    faults: Faults,
) -> Data:
    optional = _optional(entries, faults)
    if types is not None:
        types = {**types, **{column: Type.TEXT for column in optional if column not in types}}
    derived, types = _derived(name, entries, types, faults)
    scope = Scope(types, f"dataset `{name}`")
    label, labels, labels_at = _label(entries, scope, faults)
    dataset = Dataset(
        name=name,
        at=entries.block.header,
        files=files,
        header=header,
        id=_column(entries, "id", scope, faults),
        label=label,
        labels=labels,
        labels_at=labels_at,
        derive=derived,
        where=_condition(entries, scope, faults),
        optional=optional,
    )
    loaded: Loaded | None = None
    if raw is not None and _understood(entries, faults):
        loaded, found = prepare(dataset, raw)
        faults.extend(found)
    return Data(dataset, types, loaded)


def _understood(entries: Entries, faults: Faults) -> bool:
    """Whether nothing is wrong inside this block, so that preparing its rows would not repeat it."""
    if entries.broken or any(isinstance(e, tree.Broken) for b in entries.blocks for e in b.entries):
        return False
    at = entries.block.at
    inside = [d for d in errors(faults.found) if isinstance(d.at, Span) and d.at.source is at.source]
    return not any(at.start <= d.at.start <= at.end for d in inside if isinstance(d.at, Span))


def _files(entries: Entries, faults: Faults) -> tuple[DataFile, ...] | None:
    value = entries.value("source")
    if value is None:
        if "source" not in entries.spoiled and not entries.rows:
            faults.add(
                "E0406", entries.block.header, "`dataset` needs `source`", 'write `source = file("data.csv")`'
            )
        return None
    declared = _format(entries, faults)
    items = value.items if isinstance(value, tree.Sequence) else (value,)
    files = [_file(item, declared, faults) for item in items]
    if not files:
        faults.add("E0305", value.at, "the list of files is empty", 'write `file("data.csv")`')
    return tuple(f for f in files if f is not None) if files and None not in files else None


def _format(entries: Entries, faults: Faults) -> str | None:
    value = entries.value("format")
    if value is None:
        return None
    found = text_of(value, "`format`", faults)
    if found is not None and found not in FORMATS.values():
        if found in ("json", "parquet"):
            faults.not_built(value.at, f"the format `{found}`")
        else:
            faults.add("E0305", value.at, f"there is no format `{found}`", "write csv, tsv or jsonl")
        return None
    return found


def _file(node: tree.Expr, declared: str | None, faults: Faults) -> DataFile | None:
    found = file_of(node, faults)
    if found is None:
        return None
    written, path = found
    gzipped = path.suffix == ".gz"
    ending = path.with_suffix("").suffix if gzipped else path.suffix
    if declared is None and ending in LATER_FORMATS:
        faults.not_built(node.at, f"reading `{ending}`", "csv, tsv and jsonl are")
        return None
    kind = declared or FORMATS.get(ending)
    if kind is None:
        faults.add("E0601", node.at, f"the ending of `{written}` does not tell its format",
                   'write `format = "csv"` (or tsv, jsonl)')  # fmt: skip
        return None
    return DataFile(written=written, path=path, format=kind, gzipped=gzipped, at=node.at)


def _header(entries: Entries, faults: Faults) -> tuple[str, ...] | None:
    value = entries.value("header")
    words = several_of(value, "a column", faults) if value is not None else None
    return tuple(w.text for w in words) if words else None


def _optional(entries: Entries, faults: Faults) -> tuple[str, ...]:
    value = entries.value("optional")
    words = several_of(value, "a column", faults) if value is not None else None
    return tuple(w.text for w in words or ())


def _derived(
    name: str, entries: Entries, types: Mapping[str, Type] | None, faults: Faults
) -> tuple[tuple[Derived, ...], Mapping[str, Type] | None]:
    """The computed columns in order; each may read those before it."""
    block = entries.nested("derive")
    derived: list[Derived] = []
    known = dict(types) if types is not None else None
    for entry in read_entries(block, faults).attributes.values() if block is not None else ():
        if known is not None and entry.key.text in known:
            faults.add(
                "E0205", entry.key.at, f"there is a column `{entry.key.text}` already", "choose another name"
            )
            continue
        expression, found = compile_expression(entry.value, Scope(known, f"dataset `{name}`"))
        faults.extend(found)
        derived.append(Derived(name=entry.key.text, expression=expression, at=entry.key.at))
        if known is not None:
            known[entry.key.text] = expression.type
    return tuple(derived), known


def known_column(word: tree.Word, scope: Scope, faults: Faults) -> str | None:
    """A column's name, where the dataset has it."""
    if scope.columns is not None and word.text not in scope.columns:
        help_line, fixes = did_you_mean(word.text, scope.columns, at=word.at)
        faults.found.append(
            problem("E0203", word.at, f"{scope.where} has no column `{word.text}`", help_line, fixes=fixes)
        )
        return None
    return word.text


def _column(entries: Entries, name: str, scope: Scope, faults: Faults) -> str | None:
    value = entries.value(name)
    word = word_of(value, f"`{name}`", faults) if value is not None else None
    return known_column(word, scope, faults) if word is not None else None


def _label(
    entries: Entries, scope: Scope, faults: Faults
) -> tuple[str | None, tuple[str, ...] | None, Span | None]:
    """`label = COLUMN` or `label = COLUMN in [a, b]`."""
    value = entries.value("label")
    if value is None:
        return None, None, None
    column, listed = value, None
    if isinstance(value, tree.Binary) and value.operator is tree.Operator.IN:
        column, listed = value.left, value.right
    word = word_of(column, "`label`", faults)
    name = known_column(word, scope, faults) if word is not None else None
    if listed is None:
        return name, None, None
    return name, labels_of(listed, faults), listed.at


def _condition(entries: Entries, scope: Scope, faults: Faults) -> Expression | None:
    value = entries.value("where")
    return condition(value, scope, faults) if value is not None else None


def condition(node: tree.Expr, scope: Scope, faults: Faults) -> Expression | None:
    """A condition over the columns; None after saying what is wrong with it."""
    expression, found = compile_expression(node, scope)
    faults.extend(found)
    if found:
        return None
    if expression.type not in (Type.BOOL, Type.UNKNOWN):
        faults.add("E0302", node.at, f"`where` takes a condition, and this is a {expression.type}",
                   "compare it with something: `… == …`")  # fmt: skip
        return None
    return expression


# ── subsets ───────────────────────────────────────────────────────────────────────────────────────


def read_subsets(declared: Declared, data: Mapping[str, Data], faults: Faults) -> tuple[Subset, ...]:
    """Every subset, those of a `by` family one by one."""
    found: list[Subset] = []
    for name, block in declared.of("subset").items():
        entries = read_entries(block, faults)
        dataset = _dataset_of(block, declared, data, faults)
        minimum = entries.value("min")
        least = whole_number(minimum, "`min`", faults) if minimum is not None else None
        if dataset is not None:
            found += _subset(name, entries, dataset, least, faults)
    return tuple(found)


def _dataset_of(
    block: tree.Block, declared: Declared, data: Mapping[str, Data], faults: Faults
) -> Data | None:
    if block.target is None:
        faults.add(
            "E0407",
            block.header,
            "a subset is of a dataset",
            f"write `{shown_header(block)} of DATASET {{ … }}`",
        )
        return None
    return named_dataset(block.target, declared, data, faults)


def shown_header(block: tree.Block) -> str:
    return " ".join(w.text for w in (block.kind, block.name) if w is not None)


def named_dataset(
    word: tree.Word, declared: Declared, data: Mapping[str, Data], faults: Faults
) -> Data | None:
    """The dataset that a word names; silent about one whose block is broken, which was told already."""
    if word.text in data:
        return data[word.text]
    if word.text not in declared.names["dataset"]:
        help_line, fixes = did_you_mean(word.text, declared.names["dataset"], at=word.at)
        faults.found.append(
            problem("E0201", word.at, f"there is no dataset `{word.text}`", help_line, fixes=fixes)
        )
    return None


def _subset(name: str, entries: Entries, data: Data, least: int | None, faults: Faults) -> list[Subset]:
    where, by = entries.value("where"), entries.value("by")
    at = entries.block.name.at if entries.block.name is not None else entries.block.header
    if where is not None and by is not None:
        faults.add("E0408", by.at, "a subset has `where` or `by`, not both", "make two subsets of it")
        return []
    if by is not None:
        return _family(name, by, data, least, at, faults)
    if where is None:
        if not entries.spoiled:
            faults.add(
                "E0406",
                entries.block.header,
                "`subset` needs `where` or `by`",
                'write `where = lang == "es"`',
            )
        return []
    expression = condition(where, data.scope, faults)
    if expression is None:
        return []
    subset = Subset(name=name, dataset=data.dataset.name, where=expression, at=at, minimum=least)
    _selects_something(subset, where.at, data.loaded, faults)
    return [subset]


def _selects_something(subset: Subset, where_at: Span, loaded: Loaded | None, faults: Faults) -> None:
    if loaded is None:
        return
    n = sum(holds(subset.where, row.values) for row in loaded.rows)
    if n == 0:
        faults.add("E0612", where_at, f"this selects none of the {len(loaded.rows):,} examples",
                   "compare it with the values that the data really have")  # fmt: skip
    elif subset.minimum is not None and n < subset.minimum:
        faults.add(
            "W0613",
            subset.at,
            f"subset `{subset.name}` has {n} examples, fewer than its `min` of {subset.minimum}",
            "label more of them, or lower `min`",
        )


def _family(
    name: str, by: tree.Expr, data: Data, least: int | None, at: Span, faults: Faults
) -> list[Subset]:
    """One subset for each value of a column, in the order of the values."""
    word = word_of(by, "`by`", faults)
    column = known_column(word, data.scope, faults) if word is not None else None
    if column is None or data.loaded is None:
        return []
    values = {
        row.values.get(column)
        for row in data.loaded.rows
        if isinstance(row.values.get(column), str | int | float)
    }
    numeric = all(isinstance(v, int | float) for v in values)
    ordered = sorted(values, key=lambda v: (v, "") if numeric else (0, str(v)))
    if len(ordered) > 1000:
        faults.add("E0614", by.at, f"`{column}` has {len(ordered):,} values", "at most 1,000 make subsets")
        return []
    family = [_member(name, column, value, data, least, at) for value in ordered]
    for subset in family:
        _selects_something(subset, by.at, data.loaded, faults)
    return family


def _member(name: str, column: str, value: object, data: Data, least: int | None, at: Span) -> Subset:
    where = Expression(at, Type.BOOL, frozenset((column,)), lambda row: row.get(column) == value)
    return Subset(
        name=f"{name}={value}", dataset=data.dataset.name, where=where, at=at, minimum=least, family=name
    )
