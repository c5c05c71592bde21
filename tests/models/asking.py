"""Short ways to say, in tests, what a candidate is and what it is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from evalspec.language.candidates import Hosted, ModelSpec, Use
from evalspec.models.baseline import Training
from evalspec.models.connect import connected
from evalspec.models.model import Answer, Failure, Message, Model, Request
from evalspec.text.source import Source, Span

NOWHERE = Span(Source(name="t.eval", text=""), 0, 0)


def candidate(use: Use, name: str = "mini") -> ModelSpec:
    return ModelSpec(name=name, at=NOWHERE, use=use)


def hosted(url: str, **attributes: Any) -> Hosted:
    """A model at an address of one's own."""
    return Hosted(**{"route": "openai/gpt-x", "direct": True, "base_url": url, **attributes})


def question(text: str = "hello", **attributes: Any) -> Request:
    standing: dict[str, Any] = {
        "task": "t",
        "step": "",
        "example": "e1",
        "messages": (Message("user", text),),
    }
    return Request(**{**standing, **attributes})


def connect(
    *specs: ModelSpec, environment: Mapping[str, str] | None = None, training: Training | None = None
) -> AbstractAsyncContextManager[Mapping[str, Model]]:
    lesson = training or Training(rows=(), row_labels=(), labels=())
    return connected(specs, environment=environment or {}, training=lambda use: lesson, allow_code=True)


async def ask_once(
    use: Use, request: Request | None = None, environment: Mapping[str, str] | None = None
) -> Answer | Failure:
    """What one candidate answers to one question."""
    async with connect(candidate(use), environment=environment) as models:
        return await models["mini"].ask(request or question())


def answered(result: Answer | Failure) -> Answer:
    assert isinstance(result, Answer), result
    return result


def failed(result: Answer | Failure) -> Failure:
    assert isinstance(result, Failure), result
    return result


def written(path: Path, lines: Sequence[str]) -> Path:
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path
