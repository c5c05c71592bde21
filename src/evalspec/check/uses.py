"""Candidates that are no route and no local answer: applications, functions, simulations, cascades, votes.

They are read, checked and planned here; `run` cannot ask them yet, and says so.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

from evalspec.check.values import (
    environment_of,
    file_of,
    no_file,
    quantity_of,
    text_of,
    unexpected_arguments,
    words_of,
)
from evalspec.language.candidates import Cascade, Environment, Http, PythonFunction, Simulated, Vote
from evalspec.language.prompts import Prompt, Written, read_prompt
from evalspec.syntax import tree
from evalspec.text.diagnostics import did_you_mean, problem
from evalspec.text.source import Source, Span
from evalspec.text.units import Unit
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from evalspec.check.entries import Faults
    from evalspec.language.candidates import ModelSpec

OTHER_USES = ("http", "python", "simulated", "cascade", "vote")
KINDS_OF_CONFIDENCE = ("calibrated", "overconfident", "underconfident")
LARGEST_CODE = 1_000_000


@dataclass(frozen=True, slots=True)
class Called:
    """A call with its arguments, and the names of models that it may mean."""

    name: str
    at: Span
    arguments: tuple[tree.Expr, ...]
    named: Mapping[str, tree.Named]
    models: Collection[str]


OtherUse = Http | PythonFunction | Simulated | Cascade | Vote


def read_other_use(call: Called, faults: Faults) -> OtherUse | None:
    """The candidate that a call makes; None after saying what is wrong with it."""
    if call.name in ("cascade", "vote"):
        faults.not_run(call.at, f"candidates made by `{call.name}`", "leave it out for now: `--models A,B`")
    match call.name:
        case "http":
            return _http(call, faults)
        case "python":
            unexpected_arguments(call.at, "python", call.arguments[1:], dict(call.named), (), faults)
            return python_function(call.at, call.arguments, faults)
        case "simulated":
            return _simulated(call, faults)
        case "cascade":
            models = _members(call, faults)
            return Cascade(models=models) if models is not None else None
        case _:
            models = _members(call, faults)
            return Vote(models=models) if models is not None else None


# ── a deployed application ────────────────────────────────────────────────────────────────────────


def _http(call: Called, faults: Faults) -> Http | None:
    unexpected_arguments(
        call.at, "http", call.arguments[1:], dict(call.named), ("request", "response"), faults
    )
    url = _address(call, faults)
    request, response = call.named.get("request"), call.named.get("response")
    if request is None or response is None:
        missing = "request" if request is None else "response"
        way_out = 'write `http("https://…", request = file("body.json.jinja"), response = "result.text")`'
        faults.add("E0306", call.at, f"`http` needs `{missing}`", way_out)
        return None
    body = _body(request.value, faults)
    path = _response_path(response.value, faults)
    if url is None or body is None or path is None:
        return None
    return Http(url=url, request=body, response=path)


def _address(call: Called, faults: Faults) -> str | Environment | None:
    if not call.arguments:
        faults.add("E0306", call.at, "`http` needs its address", 'write `http("https://…", …)`')
        return None
    node = call.arguments[0]
    if not isinstance(node, tree.Text):
        return environment_of(node, "the address", faults)
    if re.fullmatch(r"https?://[^\s/@]+(/\S*)?", node.text) is None:
        faults.add("E0305", node.at, "this is no address", 'write `"https://…"`, or `env("NAME")`')
        return None
    return node.text


def _body(node: tree.Expr, faults: Faults) -> Prompt | None:
    """The template of the request's body. Its columns are known only where a task uses the candidate."""
    if isinstance(node, tree.Text):
        written = Written(text=node.text, source=node.at.source, at=node.at, form=node.form)
    else:
        found = file_of(node, faults)
        text = _text_of_file(node.at, *found, faults) if found is not None else None
        if found is None or text is None:
            return None
        source = Source(name=found[0], text=text, path=found[1])
        written = Written(text=text, source=source, at=Span(source, 0, len(text)), form="file")
    prompt, told = read_prompt(written, None, "the example")
    faults.extend(told)
    return prompt


def _response_path(node: tree.Expr, faults: Faults) -> str | None:
    text = text_of(node, "`response`", faults)
    if text is None or re.fullmatch(r"[^.\s]+(\.[^.\s]+)*", text):
        return text
    faults.add(
        "E0305", node.at, f"`{text}` is no path into an answer", 'write `"result.text"` or `"items.0.text"`'
    )
    return None


def _text_of_file(at: Span, written: str, path: Path, faults: Faults) -> str | None:
    try:
        if path.stat().st_size > LARGEST_CODE:
            faults.add("E0210", at, f"`{written}` is larger than 1 MB", "is this the right file?")
            return None
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        no_file(at, written, path, faults)
    except (OSError, UnicodeDecodeError, ValueError) as fault:
        why = fault.strerror if isinstance(fault, OSError) else "it is not UTF-8 text"
        faults.add("E0210", at, f"`{written}` cannot be read: {why}", "paths start from the spec's folder")
    return None


# ── a function of one's own ───────────────────────────────────────────────────────────────────────


def python_function(at: Span, arguments: tuple[tree.Expr, ...], faults: Faults) -> PythonFunction | None:
    """The function that `python("file.py:function")` names. Its file is read and never run."""
    if not arguments or not isinstance(arguments[0], tree.Text):
        faults.add("E0306", at, "`python` needs a file and a function", 'write `python("file.py:function")`')
        return None
    node = arguments[0]
    written, colon, function = node.text.rpartition(":")
    if not colon or not written or not function.isidentifier() or "\0" in written:
        faults.add(
            "E0305", node.at, f"`{node.text}` names no function of a file", 'write `"file.py:function"`'
        )
        return None
    path = node.at.source.folder / written
    text = _text_of_file(node.at, written, path, faults)
    if text is None or not _has_function(node, written, text, function, faults):
        return None
    return PythonFunction(file=path, function=function)


def _has_function(node: tree.Text, written: str, text: str, function: str, faults: Faults) -> bool:
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as fault:
        line = getattr(fault, "lineno", None)
        where = f" (line {line})" if line else ""
        faults.add("E0470", node.at, f"`{written}` is no Python that can be read{where}", "mend it first")
        return False
    functions = [n.name for n in module.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    if function in functions or any(isinstance(n, ast.ImportFrom | ast.Import | ast.Assign) and
                                    function in _bound(n) for n in module.body):  # fmt: skip
        return True
    help_line, _ = did_you_mean(function, functions)
    faults.found.append(problem("E0471", node.at, f"`{written}` has no function `{function}`", help_line))
    return False


def _bound(node: ast.ImportFrom | ast.Import | ast.Assign) -> set[str]:
    """The names that a statement binds, of which any may be a function."""
    if isinstance(node, ast.Assign):
        return {target.id for target in node.targets if isinstance(target, ast.Name)}
    return {alias.asname or alias.name for alias in node.names}


# ── made-up answers ───────────────────────────────────────────────────────────────────────────────


def _simulated(call: Called, faults: Faults) -> Simulated | None:
    legal = ("accuracy", "confidence", "latency")
    unexpected_arguments(call.at, "simulated", call.arguments, dict(call.named), legal, faults)
    given = call.named.get("accuracy")
    if given is None:
        faults.add("E0306", call.at, "`simulated` needs its accuracy", "write `simulated(accuracy = 85%)`")
        return None
    accuracy = quantity_of(given.value, (Unit.RATIO, Unit.NUMBER), "`accuracy`", faults)
    if accuracy is not None and not 0 <= accuracy.value <= 1:
        faults.add("E0429", given.value.at, "`accuracy` is a share", "write `accuracy = 85%`")
        return None
    confidence = _confidence(call.named.get("confidence"), faults)
    latency = _latency(call.named.get("latency"), faults)
    if accuracy is None or confidence is None or latency is None:
        return None
    return Simulated(accuracy=float(accuracy.value), confidence=confidence, latency_ns=latency)


def _confidence(named: tree.Named | None, faults: Faults) -> str | None:
    if named is None:
        return KINDS_OF_CONFIDENCE[0]
    text = text_of(named.value, "`confidence`", faults)
    if text is None or text in KINDS_OF_CONFIDENCE:
        return text
    help_line = did_you_mean(text, KINDS_OF_CONFIDENCE)[0]
    faults.add("E0306", named.value.at, f"no simulation is `{text}`", help_line)
    return None


def _latency(named: tree.Named | None, faults: Faults) -> int | None:
    if named is None:
        return 0
    found = quantity_of(named.value, (Unit.DURATION,), "`latency`", faults)
    return found.nanoseconds if found is not None else None


# ── answers of several ────────────────────────────────────────────────────────────────────────────


def _members(call: Called, faults: Faults) -> tuple[str, ...] | None:
    """The models that a cascade or vote is made of."""
    unexpected_arguments(call.at, call.name, call.arguments[1:], dict(call.named), (), faults)
    words = words_of(call.arguments[0], "a model", faults) if call.arguments else ()
    if words is None:
        return None
    if len(words) < 2:
        at = call.arguments[0].at if call.arguments else call.at
        faults.add("E0306", at, f"`{call.name}` is made of two models or more",
                   f"write `{call.name}([cheap, dear])`")  # fmt: skip
        return None
    before = len(faults.found)
    for i, word in enumerate(words):
        if word.text not in call.models:
            help_line, fixes = did_you_mean(word.text, call.models, at=word.at)
            message = f"there is no model `{word.text}`"
            faults.found.append(problem("E0201", word.at, message, help_line, fixes=fixes))
        elif word.text in [w.text for w in words[:i]]:
            faults.add("E0404", word.at, f"`{word.text}` is named twice", "remove one")
    return tuple(w.text for w in words) if len(faults.found) == before else None


def without_circles(models: Mapping[str, ModelSpec], faults: Faults) -> dict[str, ModelSpec]:
    """The models but for those that are made of themselves, which are told."""
    kept = dict(models)
    for name, spec in models.items():
        path = _way_back(name, models, ())
        if path:
            kept.pop(name)
            if name == min(path):  # once for each circle
                way = " → ".join((*path, path[0]))
                faults.add("E0472", spec.at, f"this model is made of itself: {way}", "take one of them out")
    return kept


def _way_back(name: str, models: Mapping[str, ModelSpec], before: tuple[str, ...]) -> tuple[str, ...]:
    if before and name == before[0]:
        return before
    if name in before:
        return ()
    for member in members_of(name, models):
        found = _way_back(member, models, (*before, name))
        if found:
            return found
    return ()


def members_of(name: str, models: Mapping[str, ModelSpec]) -> tuple[str, ...]:
    """The models that a cascade or vote is made of; none for any other."""
    use = models[name].use if name in models else None
    return use.models if isinstance(use, Cascade | Vote) else ()
