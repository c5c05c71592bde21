"""Candidates from what a user types: model names to routes, and the local classifiers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from evalspec.interop.spelling import name_from
from evalspec.language.call_names import BASELINES
from evalspec.text.values import dataclass

FAMILIES = (
    (re.compile(r"(?:gpt|chatgpt|o[1-9])(?:[-.\d]|$)"), "openai"),
    (re.compile(r"claude"), "anthropic"),
    (re.compile(r"gemini"), "gemini"),
    (re.compile(r"(?:mi(?:s|x|ni)tral|magistral|codestral|devstral)"), "mistral"),
    (re.compile(r"deepseek"), "deepseek"),
    (re.compile(r"grok"), "xai"),
    (re.compile(r"command"), "cohere"),
)


class NoRoute(ValueError):
    """A model whose provider is not known; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A model block: its name and, for a hosted one, its route, else the kind of a local classifier."""

    name: str
    route: str | None = None
    baseline: str | None = None


def route_of(model: str) -> str:
    """A model's route: `gpt-5-mini` is `openai/gpt-5-mini`; one with a provider stays. Raises NoRoute."""
    if "/" in model:
        return model
    for pattern, provider in FAMILIES:
        if pattern.match(model):
            return f"{provider}/{model}"
    raise NoRoute(model)


def candidates_of(models: Sequence[str], *, taken: Iterable[str] = ()) -> tuple[Candidate, ...]:
    """The candidates named, each once, and always a majority and a naive Bayes baseline. Raises NoRoute."""
    found: dict[str, Candidate] = {}
    names = set(taken)
    for kind in ("majority", "naive_bayes"):
        found[kind] = Candidate(name=_named(kind, names), baseline=kind)
    for model in models:
        if model in found:
            continue
        if model in BASELINES:
            found[model] = Candidate(name=_named(model, names), baseline=model)
        else:
            found[model] = Candidate(name=_named(model.rsplit("/", 1)[-1], names), route=route_of(model))
    return tuple(sorted(found.values(), key=lambda c: c.baseline is not None))


def _named(model: str, names: set[str]) -> str:
    name = name_from("bayes" if model == "naive_bayes" else model, names, otherwise="model")
    names.add(name)
    return name
