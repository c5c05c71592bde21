"""What a task may refer to, read before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evalspec.check.costs import Written
    from evalspec.check.datasets import Data
    from evalspec.check.names import Declared
    from evalspec.language.candidates import ModelSpec
    from evalspec.language.program import Subset


@dataclass(frozen=True, slots=True)
class Known:
    """Everything a task may refer to."""

    declared: Declared
    data: Mapping[str, Data]
    subsets: Sequence[Subset]
    models: Mapping[str, ModelSpec]
    costs: Mapping[str, Written]
