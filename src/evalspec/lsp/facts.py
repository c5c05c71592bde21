"""What is known of the data behind a spec: columns with types and a few values, labels, counts.

Taken from the last check. Where a block is half written just now, what was known of it before stays.
"""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from evalspec.language.expressions import holds
from evalspec.text.values import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evalspec.check.check import Checked
    from evalspec.data.rows import Loaded
    from evalspec.language.expressions import Type
    from evalspec.language.program import Dataset, Subset

Value = TypeVar("Value")
MOST_VALUES = 3
ROWS_LOOKED_AT = 200
LONGEST_VALUE = 40
MOST_COUNTED = 200_000  # rows; beyond it counting would keep a reader waiting


@dataclass(frozen=True, slots=True)
class Facts:
    """Datasets, column types, rows and subsets by name, as far as they could be understood."""

    datasets: Mapping[str, Dataset] = field(default_factory=dict)
    types: Mapping[str, Mapping[str, Type]] = field(default_factory=dict)
    loaded: Mapping[str, Loaded] = field(default_factory=dict)
    subsets: Mapping[str, Subset] = field(default_factory=dict)
    counted: dict[str, object] = field(default_factory=dict, repr=False, compare=False)

    def columns(self, dataset: str) -> Mapping[str, Type]:
        """The columns of a dataset with their types; none where it could not be read."""
        return self.types.get(dataset, {})

    def is_private(self, dataset: str, column: str) -> bool:
        """Whether nobody but the models may see a column: it is named so, or computed from such a one."""
        known = self.datasets.get(dataset)
        if known is None or not known.private:
            return False
        hidden = set(known.private)
        for derived in known.derive:
            if derived.expression.columns & hidden:
                hidden.add(derived.name)
        return column in hidden

    def values(self, dataset: str, column: str) -> tuple[str, ...]:
        """A few values of a column, short; none of a private one."""
        loaded = self.loaded.get(dataset)
        if loaded is None or self.is_private(dataset, column):
            return ()
        seen: dict[str, None] = {}
        for row in islice(loaded.rows, ROWS_LOOKED_AT):
            value = row.values.get(column)
            if value is not None and str(value).strip():
                seen.setdefault(_short(str(value)))
            if len(seen) == MOST_VALUES:
                break
        return tuple(seen)

    def size(self, dataset: str) -> int | None:
        """How many examples a dataset has; None where it could not be read."""
        loaded = self.loaded.get(dataset)
        return len(loaded.rows) if loaded is not None else None

    def labels(self, dataset: str) -> Mapping[str, int]:
        """The labels of a dataset, those declared and those found, with how often they stand there."""
        known, loaded = self.datasets.get(dataset), self.loaded.get(dataset)
        if known is None or known.label is None:
            return {}
        counts = dict.fromkeys(known.labels or (), 0)
        if loaded is not None and not self.is_private(dataset, known.label):
            key = f"labels {dataset}"
            if key not in self.counted:
                rows = islice(loaded.rows, MOST_COUNTED)
                self.counted[key] = Counter(str(row.values.get(known.label)) for row in rows)
            found = self.counted[key]
            counts |= dict(found) if isinstance(found, Counter) else {}
        return counts

    def members(self, family: str) -> tuple[str, ...]:
        """The values that a `by` subset has; none of a private column."""
        found = {n: s for n, s in self.subsets.items() if s.family == family}
        if any(self.is_private(s.dataset, c) for s in found.values() for c in s.where.columns):
            return ()
        return tuple(name.removeprefix(f"{family}=") for name in found)

    def count(self, subset: str) -> int | None:
        """How many examples are in a subset; None where that is not known."""
        known = self.subsets.get(subset)
        loaded = self.loaded.get(known.dataset) if known is not None else None
        if known is None or loaded is None or len(loaded.rows) > MOST_COUNTED:
            return None
        key = f"subset {subset}"
        if key not in self.counted:
            self.counted[key] = sum(holds(known.where, row.values) for row in loaded.rows)
        found = self.counted[key]
        return found if isinstance(found, int) else None


def facts_of(checked: Checked | None, before: Facts) -> Facts:
    """What a check found out, with what was known before of datasets that could not be read now."""
    if checked is None:
        return before
    program = checked.program
    lost = {name for name in before.datasets if name not in checked.data}
    kept = {n: s for n, s in before.subsets.items() if s.dataset in lost}
    return Facts(
        datasets={**_only(before.datasets, lost), **program.datasets},
        types={**_only(before.types, lost), **program.column_types},
        loaded={**_only(before.loaded, lost), **checked.data},
        subsets={**kept, **{s.name: s for s in program.subsets}},
    )


def _only(mapping: Mapping[str, Value], names: set[str]) -> dict[str, Value]:
    return {name: value for name, value in mapping.items() if name in names}


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_VALUE else line[: LONGEST_VALUE - 1] + "…"
