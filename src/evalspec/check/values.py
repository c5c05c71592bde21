"""Single values out of expressions: texts, names, figures with their units, files, secrets.

Each reader gives the value, or None after saying what is wrong and how it is written.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from evalspec.language.candidates import Environment
from evalspec.syntax import tree
from evalspec.text.diagnostics import Label, did_you_mean, nearest, rewritten
from evalspec.text.patterns import Pattern
from evalspec.text.units import Quantity, Unit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal
    from pathlib import Path

    from evalspec.check.entries import Faults
    from evalspec.text.source import Span
    from evalspec.text.values import Json

KEY = r"(?:sk|pk|rk|gsk|xai|ghp|hf|AIza|AKIA|Bearer\s)[-_A-Za-z0-9 .]{12,}"
SECRET = Pattern(rf"{KEY}|[A-Za-z0-9_\-]{{32,}}")
SECRET_NAME = Pattern(r"authori[sz]ation|api.?key|token|secret|password|cookie", re.IGNORECASE)


def shown(node: tree.Expr) -> str:
    """The source text of an expression, shortened."""
    text = " ".join(node.at.source.text[node.at.start : node.at.end].split())
    return text if len(text) <= 40 else text[:37] + "…"


def text_of(node: tree.Expr, what: str, faults: Faults) -> str | None:
    """The text of a string."""
    if isinstance(node, tree.Text):
        return node.text
    faults.add(
        "E0305",
        node.at,
        f"{what} is a text, and this is `{shown(node)}`",
        f'write it in quotes: "{shown(node)}"',
    )
    return None


def word_of(node: tree.Expr, what: str, faults: Faults) -> tree.Word | None:
    """A bare name, such as the name of a block or a column; a quoted one passes for odd column names."""
    if isinstance(node, tree.Name):
        return tree.Word(node.text, node.at)
    if isinstance(node, tree.Text):
        return tree.Word(node.text, node.at, quoted=True)
    if column := _column_call(node):
        return column
    faults.add("E0305", node.at, f"{what} is a name, and this is `{shown(node)}`", "write the name alone")
    return None


def _column_call(node: tree.Expr) -> tree.Word | None:
    if (
        isinstance(node, tree.Call)
        and isinstance(node.function, tree.Name)
        and node.function.text == "column"
    ):
        match node.arguments:
            case (tree.Text() as name,):
                return tree.Word(name.text, name.at, quoted=True)
    return None


def words_of(node: tree.Expr, what: str, faults: Faults) -> tuple[tree.Word, ...] | None:
    """A list of names; a single name stands for a list of one."""
    if not isinstance(node, tree.Sequence):
        single = word_of(node, what, faults)
        return (single,) if single is not None else None
    words = [word_of(item, what, faults) for item in node.items]
    return tuple(w for w in words if w is not None) if None not in words else None


def several_of(node: tree.Expr, what: str, faults: Faults) -> tuple[tree.Word, ...] | None:
    """A list of at least one name, none of them twice; a single name stands for a list of one."""
    words = words_of(node, what, faults)
    if words is None:
        return None
    if not words:
        faults.add("E0307", node.at, "this list is empty", f"name {what}, or remove the list")
        return None
    seen: dict[str, tree.Word] = {}
    for word in words:
        if word.text in seen:
            first = Label(at=seen[word.text].at, message="first named here")
            faults.add("E0404", word.at, f"`{word.text}` is named twice", "remove one", labels=[first])
            return None
        seen[word.text] = word
    return words


def items_of(node: tree.Expr | None, way_out: str, faults: Faults) -> tuple[tree.Expr, ...]:
    """The items of a list, which is not empty; a single value stands for a list of one, None for none."""
    if not isinstance(node, tree.Sequence):
        return (node,) if node is not None else ()
    if not node.items:
        faults.add("E0307", node.at, "this list is empty", way_out, "or remove it")
    return node.items


def labels_of(node: tree.Expr, faults: Faults) -> tuple[str, ...] | None:
    """A list of labels: bare words or strings, at least one, none twice."""
    if not isinstance(node, tree.Sequence):
        faults.add("E0305", node.at, "labels stand in a list", "write `[a, b, c]`")
        return None
    labels: list[str] = []
    for item in node.items:
        label = _label(item, faults)
        if label is None:
            return None
        if label in labels:
            faults.add("E0307", item.at, f"the label `{label}` stands twice", "remove one")
            return None
        labels.append(label)
    if not labels:
        faults.add("E0307", node.at, "the list of labels is empty", "write `[a, b, c]`")
        return None
    return tuple(labels)


def _label(item: tree.Expr, faults: Faults) -> str | None:
    match item:
        case tree.Name():
            return item.text
        case tree.Text():
            return item.text
        case tree.Amount():
            return item.quantity.text
        case tree.Constant():
            faults.add(
                "E0305",
                item.at,
                f"`{shown(item)}` is a constant",
                f'as a label it is quoted: `"{shown(item)}"`',
            )
            return None
    faults.add(
        "E0305", item.at, f"a label is a word or a text, and this is `{shown(item)}`", "put it in quotes"
    )
    return None


OFFERS = {
    Unit.DURATION: ("a duration", "`900ms`, `1.5s`, `3min`"),
    Unit.RATIO: ("a share", "`85%`"),
    Unit.MONEY: ("an amount of money", "`$0.50`"),
    Unit.RATE: ("a rate", "`4/s`, `500/min`"),
    Unit.NUMBER: ("a number", "`10`"),
}


def quantity_of(node: tree.Expr, units: Sequence[Unit], what: str, faults: Faults) -> Quantity | None:
    """A figure in one of some units; a bare number where a unit is due gets the right spelling offered."""
    inner, sign = (node.value, -1) if isinstance(node, tree.Negative) else (node, 1)
    if isinstance(inner, tree.Amount) and inner.quantity.unit in units:
        found = inner.quantity
        return Quantity(found.value * sign, found.unit, ("-" if sign < 0 else "") + found.text)
    names = " or ".join(OFFERS[unit][0] for unit in units)
    way_out, sure = _spelling(inner, units)
    fixes = rewritten(inner.at, sure) if sure and sign > 0 else ()
    faults.add("E0305", node.at, f"{what} is {names}, and this is `{shown(node)}`", way_out, fixes=fixes)
    return None


def _spelling(node: tree.Expr, units: Sequence[Unit]) -> tuple[str, str]:
    """What to write, in words, and the figure itself where no other can be meant."""
    if isinstance(node, tree.Amount) and node.quantity.unit is Unit.NUMBER:
        text = node.quantity.text
        if Unit.DURATION in units:
            return f"write `{text}ms` or `{text}s`", ""
        if Unit.RATIO in units and node.quantity.value > 1:
            return f"write `{text}%`", f"{text}%" if len(units) == 1 else ""
        if Unit.MONEY in units:
            return f"write `${text}`", f"${text}" if len(units) == 1 else ""
    return "it is written " + " or ".join(OFFERS[unit][1] for unit in units), ""


def whole_number(node: tree.Expr, what: str, faults: Faults, *, least: int = 1) -> int | None:
    """A whole number of at least `least`."""
    found = quantity_of(node, (Unit.NUMBER,), what, faults)
    if found is None:
        return None
    if found.value != found.value.to_integral_value() or found.value < least:
        faults.add(
            "E0305",
            node.at,
            f"{what} is a whole number of at least {least}, and this is `{shown(node)}`",
            f"write `{max(least, 1)}` or more",
        )
        return None
    return int(found.value)


def amount_of(node: tree.Expr, what: str, faults: Faults) -> tuple[Decimal, bool] | None:
    """A cost figure, and whether it was written as money."""
    found = quantity_of(node, (Unit.NUMBER, Unit.MONEY), what, faults)
    return (found.value, found.unit is Unit.MONEY) if found is not None else None


def flag_of(node: tree.Expr, what: str, faults: Faults) -> bool | None:
    """`true` or `false`."""
    if isinstance(node, tree.Constant) and node.value is not None:
        return node.value
    faults.add(
        "E0305", node.at, f"{what} is on or off, and this is `{shown(node)}`", "write `true` or `false`"
    )
    return None


def call_of(node: tree.Expr) -> tuple[str, tuple[tree.Expr, ...], dict[str, tree.Named]] | None:
    """A call's name and arguments; a bare name is a call without any."""
    if isinstance(node, tree.Name):
        return node.text, (), {}
    if isinstance(node, tree.Call) and isinstance(node.function, tree.Name):
        return node.function.text, node.arguments, {n.name.text: n for n in node.named}
    return None


def file_of(node: tree.Expr, faults: Faults) -> tuple[str, Path] | None:
    """The path in `file("…")`, as written and as it is found from the spec's folder."""
    match call_of(node):
        case ("file", (tree.Text() as written,), {}):
            if re.match(r"[a-z][a-z0-9+.-]+://", written.text):
                faults.add("E0607", written.at, "a path of this machine is due here", "download the file")
                return None
            if "\0" in written.text or not written.text:
                faults.add("E0305", written.at, "this is not a path", 'write `file("data.csv")`')
                return None
            return written.text, node.at.source.folder / written.text
    quoted = node.at.source.text[node.at.start : node.at.end]
    help_line = f'write `file("{node.text}")`' if isinstance(node, tree.Text) else 'write `file("path")`'
    fixes = rewritten(node.at, f"file({quoted})") if isinstance(node, tree.Text) else ()
    faults.add("E0305", node.at, f"a file is due, and this is `{shown(node)}`", help_line, fixes=fixes)
    return None


def no_file(at: Span, written: str, path: Path, faults: Faults) -> None:
    """Says that a file is not there, and which one may be meant."""
    try:
        near = nearest(path.name, (entry.name for entry in path.parent.iterdir()))
    except OSError:
        near = None
    guess = f"did you mean `{near}`?" if near is not None else ""
    faults.add("E0210", at, f"there is no file `{written}`", guess, "paths start from the spec's folder")


def environment_of(node: tree.Expr, what: str, faults: Faults) -> Environment | None:
    """`env("NAME")`: the only place where a secret may come from."""
    match call_of(node):
        case ("env", (tree.Text() as variable,), {}):
            if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", variable.text):
                return Environment(variable.text)
            faults.add(
                "E0305", variable.at, f"`{variable.text}` cannot be the name of an environment variable"
            )
            return None
    if isinstance(node, tree.Text):
        faults.add(
            "E0440", node.at, f"{what} is written out", 'put it into the environment and write `env("NAME")`'
        )
    else:
        faults.add("E0305", node.at, f"{what} comes from the environment", 'write `env("NAME")`')
    return None


def text_or_environment(node: tree.Expr, what: str, faults: Faults) -> str | Environment | None:
    """A text that is plainly no secret, or `env("NAME")`."""
    if isinstance(node, tree.Text):
        if SECRET.fullmatch(node.text.strip()):
            faults.add("E0440", node.at, f"{what} looks like a secret that is written out",
                       'put it into the environment and write `env("NAME")`')  # fmt: skip
            return None
        return node.text
    return environment_of(node, what, faults)


def json_of(node: tree.Expr, what: str, faults: Faults) -> Json:
    """A request parameter's value: text, number, true, false, null or a list of them."""
    match node:
        case tree.Text():
            if re.fullmatch(KEY, node.text.strip()):
                faults.add("E0440", node.at, f"{what} looks like a secret that is written out",
                           'give it as `api_key = env("NAME")` or in `headers`')  # fmt: skip
            return node.text
        case tree.Constant():
            return node.value
        case tree.Amount() if node.quantity.unit is Unit.NUMBER:
            value = node.quantity.value
            return (
                int(value)
                if value == value.to_integral_value() and "." not in node.quantity.text
                else float(value)
            )
        case tree.Negative(value=tree.Amount()):
            inner = json_of(node.value, what, faults)
            return -inner if isinstance(inner, int | float) else None
        case tree.Sequence():
            return [json_of(item, what, faults) for item in node.items]
    faults.add(
        "E0305",
        node.at,
        f"{what} is a text, a number, true, false or a list, and this is `{shown(node)}`",
        f'a text is quoted: "{shown(node)}"' if isinstance(node, tree.Name) else "",
    )
    return None


def unexpected_arguments(
    at: Span,
    name: str,
    arguments: Sequence[tree.Expr],
    named: dict[str, tree.Named],
    legal: Sequence[str],
    faults: Faults,
) -> None:
    """Says which arguments of a call do not belong to it."""
    for argument in arguments:
        faults.add("E0306", argument.at, f"`{name}` does not take `{shown(argument)}`", "remove it")
    for key, given in named.items():
        if key not in legal:
            help_line, fixes = did_you_mean(key, legal, at=given.name.at)
            message = f"`{name}` has no argument `{key}`"
            faults.add("E0306", given.name.at, message, help_line or "remove it", fixes=fixes)
