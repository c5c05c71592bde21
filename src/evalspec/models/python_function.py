"""Candidates that are a function of the user's own: `def f(row, prompt, messages, steps) -> str | dict`.

Called in worker processes, one call at a time each, so that a crash or an endless loop is the failure of
one request. Nothing here asks whether that is allowed: whoever makes such a candidate has asked.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import anyio

from evalspec.models.masking import presentable
from evalspec.models.model import Answer, Failure, FailureKind, Request, digest
from evalspec.models.posting import timed
from evalspec.models.sharing import Cap
from evalspec.models.workers import Crashed, Pool, Unloadable
from evalspec.text.values import dataclass, field

if TYPE_CHECKING:
    from evalspec.language.candidates import PythonFunction

DEFAULT_LIMIT_S = 60.0
MOST_WORKERS = 4
TRIES = 2  # what ran out of time may have met a busy machine once; an endless loop does so again
LEAST_PROBABILITY = 1e-12
KNOWN = ("response", "confidence", "label_probabilities", "input_tokens", "output_tokens", "cost_usd")


class NoAnswer(ValueError):
    """What a function returned is no answer; the message says why."""


def code_digest(use: PythonFunction) -> str:
    """The identity of a function: its file's content and its name. Raises OSError."""
    return digest(hashlib.sha256(use.file.read_bytes()).hexdigest(), use.function)


def request_key(code: str, request: Request) -> str:
    """The request's identity: the code, all that it is given, and which sample it is."""
    return digest("python", code, _plain(given(request)), request.sample)


def given(request: Request) -> dict[str, Any]:
    """What a function is called with: the row, the last message's text, all messages, earlier answers."""
    messages = [{"role": m.role, "content": m.content} for m in request.messages]
    prompt = messages[-1]["content"] if messages else ""
    return {
        "row": dict(request.columns),
        "prompt": prompt,
        "messages": messages,
        "steps": dict(request.earlier),
    }


def _plain(value: Any) -> Any:
    """A value as JSON has it; what it has no form for (dates) as text."""
    match value:
        case dict():
            return {str(name): _plain(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_plain(inner) for inner in value]
        case str() | int() | float() | None:
            return value
    return str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonModel:
    """A function of the user's own, with the workers that call it."""

    name: str
    use: PythonFunction
    code: str
    pool: Pool = field(repr=False)
    endpoint: str = "python"

    @property
    def cap(self) -> Cap:
        """As many calls as there are workers."""
        return Cap(self.pool.most, self.name)

    def key(self, request: Request) -> str:
        """The digest of the file, the function and all that it is given."""
        return request_key(self.code, request)

    async def ask(self, request: Request) -> Answer | Failure:
        """Calls the function once. Whatever is wrong with it would be so again, and is not retried; what ran
        out of the time that the spec gives is, once."""
        limit = self.use.timeout_ns / 1e9 if self.use.timeout_ns is not None else DEFAULT_LIMIT_S
        where = f"{self.use.file.name}:{self.use.function}"
        try:
            said = await self.pool.call(given(request), limit)
            if "said" not in said:
                raised = f"raises {said.get('error')}"
                return _failed(f"{where} {said.get('unfit') or raised}")
            return timed(answer_of(said["said"]), _taken(said))
        except NoAnswer as error:
            return _failed(f"{where} {error}")
        except Unloadable as error:
            return _failed(f"{where} cannot be loaded: {error}")
        except Crashed as error:
            return _failed(f"{where}: {error}")
        except TimeoutError:
            declared = self.use.timeout_ns is not None
            message = f"{where}: no answer within {'the timeout of ' if declared else ''}{limit:g} s"
            kind = FailureKind.TIMEOUT if declared else FailureKind.REJECTED
            return Failure(kind=kind, message=presentable(message), attempts=TRIES)


def _failed(message: str) -> Failure:
    return Failure(kind=FailureKind.REJECTED, message=presentable(message))


def _taken(said: Mapping[str, Any]) -> int:
    taken = said.get("taken_ns")
    return taken if isinstance(taken, int) else 0


# ── what a function returns ───────────────────────────────────────────────────────────────────────


def answer_of(said: object) -> Answer:
    """The answer that a function returned: a text, or a dict with `response`. Raises NoAnswer."""
    if isinstance(said, str):
        return Answer(response=said)
    if not isinstance(said, dict):
        raise NoAnswer(f"returns {_kind(said)}: it has to be a text, or a dict with `response`")
    unknown = [name for name in said if name not in KNOWN]
    if unknown:
        raise NoAnswer(f"returns the unknown field `{unknown[0]}`; known: {', '.join(KNOWN)}")
    response = said.get("response")
    if not isinstance(response, str):
        raise NoAnswer(f"returns {_kind(response)} as `response`: it has to be a text")
    cost = _figure(said, "cost_usd")
    return Answer(
        response=response,
        confidence=_figure(said, "confidence", most=1.0),
        label_logprobs=_probabilities(said.get("label_probabilities")),
        input_tokens=_tokens(said, "input_tokens"),
        output_tokens=_tokens(said, "output_tokens"),
        cost_usd=Decimal(str(cost)) if cost is not None else None,
    )


def _kind(value: object) -> str:
    names = {"NoneType": "nothing", "bool": "true or false", "int": "a number", "float": "a number"}
    return names.get(type(value).__name__, f"a {type(value).__name__}")


def _figure(said: Mapping[str, Any], name: str, most: float = math.inf) -> float | None:
    value = said.get(name)
    if value is None:
        return None
    known = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not known or not 0 <= value <= most:
        span = "from 0 to 1" if most == 1 else "of 0 or more"
        raise NoAnswer(f"returns `{name} = {value!r}`: it has to be a number {span}")
    return float(value)


def _tokens(said: Mapping[str, Any], name: str) -> int | None:
    figure = _figure(said, name, most=1e15)
    return int(figure) if figure is not None else None


def _probabilities(value: object) -> Mapping[str, float] | None:
    """Natural logarithms of the probabilities of labels."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise NoAnswer(f"returns {_kind(value)} as `label_probabilities`: it has to be a dict")
    figures = {label: _figure(value, label, most=1.0) or 0.0 for label in value}
    return {label: math.log(max(p, LEAST_PROBABILITY)) for label, p in figures.items()}


# ── the candidate ─────────────────────────────────────────────────────────────────────────────────


def workers_for(use: PythonFunction, environment: Mapping[str, str]) -> AbstractAsyncContextManager[Pool]:
    """The workers of a candidate, none of which is started yet."""
    most = use.concurrency or min(MOST_WORKERS, os.cpu_count() or 1)
    return Pool(
        file=use.file.resolve(),
        function=use.function,
        environment=dict(environment),
        turns=anyio.CapacityLimiter(most),
    )
