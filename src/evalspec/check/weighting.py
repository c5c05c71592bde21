"""How a dataset's examples stand for production, as its block says it; and its private columns."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from evalspec.check.entries import STAR, Entries, Faults, read_entries
from evalspec.check.values import quantity_of, several_of, shown, word_of
from evalspec.language.program import Mix
from evalspec.text.diagnostics import Label
from evalspec.text.units import Unit
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from evalspec.syntax import tree

    # The name of a column of the dataset; None after saying that there is none.
    FindColumn = Callable[[tree.Word], str | None]

WHOLE = "the shares of a mix are 100 % together"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighting:
    """What a dataset block says about how its examples count, and which columns are private."""

    mix: Mix | None
    weight: str | None
    cluster: str | None
    private: tuple[str, ...]


def read_weighting(entries: Entries, find: FindColumn, faults: Faults) -> Weighting:
    """The weighting of a dataset block."""
    mixes = [b for b in entries.blocks if b.kind.text == "mix"]
    weight = entries.attributes.get("weight")
    if mixes and weight is not None:
        label = Label(at=mixes[0].header, message="the mix")
        way_out = "the weights of a sample already say how much each example counts"
        said = "a dataset has `mix` or `weight`, not both"
        faults.add("E0324", weight.key.at, said, way_out, labels=[label])
    if len(mixes) > 1:
        label = Label(at=mixes[0].header, message="first given here")
        faults.add("E0404", mixes[1].header, "`mix` is given twice", "a dataset has one", labels=[label])
    private = entries.value("private")
    words = several_of(private, "a column", faults) if private is not None else None
    found = [find(word) for word in words or ()]
    return Weighting(
        mix=_mix(mixes[0], find, faults) if mixes else None,
        weight=_column(entries, "weight", find, faults),
        cluster=_column(entries, "cluster", find, faults),
        private=tuple(column for column in found if column is not None),
    )


def _column(entries: Entries, name: str, find: FindColumn, faults: Faults) -> str | None:
    value = entries.value(name)
    word = word_of(value, f"`{name}`", faults) if value is not None else None
    return find(word) if word is not None else None


def _mix(block: tree.Block, find: FindColumn, faults: Faults) -> Mix | None:
    column = find(block.name) if block.name is not None else None
    entries = read_entries(block, faults)
    shares = read_shares(entries, faults)
    if shares is None or not adds_up(shares, entries, WHOLE, faults) or column is None:
        return None
    rest = shares.pop(STAR, None)
    return Mix(
        column=column,
        shares={value: float(share) for value, share in shares.items()},
        rest=None if rest is None else float(rest),
        at=block.header,
    )


def read_shares(entries: Entries, faults: Faults) -> dict[str, Decimal] | None:
    """Shares by name, each above 0; None after saying what is wrong with one."""
    shares: dict[str, Decimal] = {}
    wrong = entries.broken
    for name, attribute in entries.attributes.items():
        found = quantity_of(attribute.value, (Unit.RATIO,), f"`{name}`", faults)
        if found is not None and not 0 < found.value <= 1:
            said = f"`{shown(attribute.value)}` is no share of a whole"
            faults.add("E0429", attribute.value.at, said, "write a figure above 0 % and up to 100 %")
            found = None
        if found is None:
            wrong = True
        else:
            shares[name] = found.value
    return None if wrong else shares


def adds_up(shares: Mapping[str, Decimal], entries: Entries, rule: str, faults: Faults) -> bool:
    """Whether shares are a whole together; says so where they are not."""
    total = sum(shares.values(), Decimal(0))
    if total == 1:
        return True
    listed = " + ".join(f"{float(100 * share):g} %" for share in list(shares.values())[:6])
    more = " + …" if len(shares) > 6 else ""
    said = (
        f"these shares are {float(100 * total):g} % together: {listed}{more}"
        if shares
        else "no share is given"
    )
    way_out = (
        "a mix may end with `* = …`, the share of all values that are not named" if rule is WHOLE else ""
    )
    faults.add("E0323", entries.block.header, said, rule, way_out)
    return False
