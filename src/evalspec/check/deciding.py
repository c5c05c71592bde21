"""What a task decides with its answers: when to abstain, which label counts, how confidences are binned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.check.values import call_of, quantity_of, shown, whole_number, word_of
from evalspec.language.program import Below, Binning, CostMatrix, Costs, LeastConfident, Policy, WhenCheaper
from evalspec.syntax import tree
from evalspec.text.diagnostics import did_you_mean
from evalspec.text.units import Unit

if TYPE_CHECKING:
    from evalspec.check.entries import Entries, Faults
    from evalspec.check.measuring import Measured
    from evalspec.check.steps import StepRead


def read_policy(entries: Entries, costs: Costs | None, measured: Measured, faults: Faults) -> Policy | None:
    """The policy that chooses between answering and abstaining; it needs a price and a confidence."""
    value = entries.value("abstain")
    if value is None:
        return None
    policy = _written_policy(value, faults)
    if policy is None:
        return None
    if not measured.costs_given:
        faults.add("E0311", value.at, "abstaining has no price: this task has no costs",
                   "write `costs = NAME`, with an `abstain` column")  # fmt: skip
    elif costs is not None and costs.abstain is None:
        column = "an `abstain` column" if isinstance(costs, CostMatrix) else "`abstain = …`"
        faults.add("E0311", value.at, f"abstaining has no price in `{costs.name}`", f"give it {column}")
    elif not measured.confident:
        faults.add("E0415", value.at, "abstaining needs a confidence, and no candidate gives one",
                   "write `confidence = [logprobs, stated]`")  # fmt: skip
    return policy


def _written_policy(value: tree.Expr, faults: Faults) -> Policy | None:
    match call_of(value):
        case ("when_cheaper", (), {}):
            return WhenCheaper.AS_IS
        case ("when_cheaper", (tree.Name(text="recalibrated"),), {}):
            return WhenCheaper.RECALIBRATED
        case ("below" | "least_confident" as name, (figure,), {}):
            found = quantity_of(figure, (Unit.RATIO, Unit.NUMBER), f"`{name}`", faults)
            if found is None:
                return None
            if not 0 <= found.value <= 1:
                faults.add("E0429", figure.at, f"`{name}` takes a share", f"write `{name}(80%)`")
                return None
            return Below(float(found.value)) if name == "below" else LeastConfident(float(found.value))
    faults.add("E0305", value.at, f"there is no policy `{shown(value)}`",
               "write `when_cheaper`, `below(80%)` or `least_confident(5%)`")  # fmt: skip
    return None


def read_positive(entries: Entries, final: StepRead, faults: Faults) -> str | None:
    """The label that precision, recall and f1 are about."""
    value = entries.value("positive")
    word = word_of(value, "`positive`", faults) if value is not None else None
    if word is None or final.labels is None or not final.labels.names:
        if word is not None and final.labels is None:
            faults.add("E0416", word.at, "`positive` needs answers that are labels", "remove it")
        return word.text if word is not None else None
    if word.text not in final.labels.names:
        help_line, fixes = did_you_mean(word.text, final.labels.names, at=word.at)
        faults.add("E0310", word.at, f"`{word.text}` is not a label", help_line, fixes=fixes)
        return None
    return word.text


def read_binning(entries: Entries, confident: bool, faults: Faults) -> tuple[Binning, int]:
    """How confidences are put into bins, and into how many."""
    value = entries.value("calibration")
    if value is None:
        return "auto", 10
    if not confident:
        faults.add(
            "E0416", value.at, "`calibration` needs a confidence", "write `confidence = [logprobs, stated]`"
        )
        return "auto", 10
    match call_of(value):
        case ("auto" | "values" as name, (), {}):
            return name, 10
        case ("width" | "mass" as name, (figure,), {}):
            return name, whole_number(figure, f"`{name}`", faults) or 10
    faults.add(
        "E0305",
        value.at,
        f"there is no binning `{shown(value)}`",
        "write `auto`, `width(10)`, `mass(10)` or `values`",
    )
    return "auto", 10


def read_chain_confidence(entries: Entries, chain: bool, confident: bool, faults: Faults) -> str:
    """How the confidences of its steps make a chain's: last, product or lowest."""
    value = entries.value("confidence") if chain else None
    if value is not None and not confident:
        faults.add("E0416", value.at, "no step gives a confidence", "write `confidence = stated` in a step")
        return "last"
    word = word_of(value, "`confidence`", faults) if value is not None else None
    if word is not None and word.text not in ("last", "product", "lowest"):
        faults.add(
            "E0425",
            word.at,
            f"a chain's confidence is not `{word.text}`",
            "write `last`, `product` or `lowest`",
            "where a step's confidence comes from stands in the step",
        )
        return "last"
    return word.text if word is not None else "last"
