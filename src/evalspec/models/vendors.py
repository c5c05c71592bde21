"""The protocols that are spoken without a library between, and where each vendor's endpoint is.

Data and pure functions: which protocol a candidate's route means, the address it is asked at, the
variables that hold address and key, and the headers in which the key goes. The names of variables are
those of the vendors' own libraries and of litellm, so that what is set for these works here too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit, urlunsplit

from evalspec.language.candidates import Combination, Hosted
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.language.candidates import ModelSpec

Variables = Mapping[str, str]


class Spoken(Enum):
    """How a hosted candidate is asked."""

    OPENAI = "OpenAI's protocol"
    ANTHROPIC = "Anthropic's Messages API"
    GEMINI = "Gemini's API"
    AZURE = "Azure OpenAI"
    LITELLM = "litellm"


UNRELIABLE = "asked through litellm, whose latencies are not reliable"
BY_PREFIX = {"anthropic": Spoken.ANTHROPIC, "gemini": Spoken.GEMINI, "azure": Spoken.AZURE}
ANTHROPIC_VERSION = "2023-06-01"
AZURE_VERSION = "2024-10-21"  # the last dated one that is no preview
AZURE_UNDATED = ("v1", "latest", "preview")


def spoken_to(use: Hosted) -> Spoken:
    """How a candidate is asked: over OpenAI's protocol where it has an address of its own or is OpenAI's."""
    if use.direct:
        return Spoken.OPENAI
    return BY_PREFIX.get(use.route.partition("/")[0], Spoken.LITELLM)


def behind_litellm(candidate: ModelSpec) -> bool:
    """Whether a candidate, or a step of a combination, is asked through litellm."""
    if isinstance(candidate.use, Combination):
        return any(behind_litellm(member) for member in candidate.use.steps.values())
    return isinstance(candidate.use, Hosted) and spoken_to(candidate.use) is Spoken.LITELLM


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """A vendor's endpoint. Of several variables the first that is set counts.

    `base` is the vendor's own address, None where each customer has one. `path` completes a base's path
    for a model, `query` gives what follows it. `authorize` tells the headers that carry a key.
    """

    base_variables: tuple[str, ...]
    base: str | None
    key_variables: tuple[str, ...]
    path: Callable[[str, str, Variables], str]
    authorize: Callable[[str], Mapping[str, str]]
    headers: Mapping[str, str]
    query: Callable[[Variables], str] = lambda environment: ""

    def url(self, model: str, environment: Variables) -> str | None:
        """The address at which a model is asked; None where it is in a variable that is not set."""
        base = first_set(self.base_variables, environment) or self.base
        if base is None:
            return None
        try:
            parts = urlsplit(base)
        except ValueError:
            return base  # refused as it stands, where it is to be connected to
        path = self.path(parts.path.rstrip("/"), model, environment)
        query = "&".join(part for part in (parts.query, self.query(environment)) if part)
        return urlunsplit(parts._replace(path=path, query=query, fragment=""))


def first_set(variables: tuple[str, ...], environment: Variables) -> str | None:
    """The value of the first of these variables that is set."""
    return next((v for name in variables if (v := environment.get(name, "").strip())), None)


def bare_model(use: Hosted) -> str:
    """The model's name without the vendor in front."""
    return use.route.partition("/")[2]


# ── where they are ────────────────────────────────────────────────────────────────────────────────


def _messages_path(path: str, model: str, environment: Variables) -> str:
    if path.endswith("/v1/messages"):
        return path
    return f"{path}/messages" if path.endswith("/v1") else f"{path}/v1/messages"


def _generate_path(path: str, model: str, environment: Variables) -> str:
    versioned = path if path.endswith(("/v1", "/v1beta", "/v1alpha")) else f"{path}/v1beta"
    return f"{versioned}/models/{quote(model, safe='')}:generateContent"


def _deployment_path(path: str, model: str, environment: Variables) -> str:
    root = path.removesuffix("/openai/v1").removesuffix("/openai")
    if _azure_version(environment) in AZURE_UNDATED:
        return f"{root}/openai/v1/chat/completions"
    return f"{root}/openai/deployments/{quote(model, safe='')}/chat/completions"


def _azure_version(environment: Variables) -> str:
    return environment.get("AZURE_API_VERSION", "").strip() or AZURE_VERSION


def _azure_query(environment: Variables) -> str:
    version = _azure_version(environment)
    return "" if version == "v1" else f"api-version={quote(version, safe='')}"


VENDORS: Mapping[Spoken, Vendor] = {
    Spoken.ANTHROPIC: Vendor(
        base_variables=("ANTHROPIC_BASE_URL", "ANTHROPIC_API_BASE"),
        base="https://api.anthropic.com",
        key_variables=("ANTHROPIC_API_KEY",),
        path=_messages_path,
        authorize=lambda key: {"x-api-key": key},
        headers={"anthropic-version": ANTHROPIC_VERSION},
    ),
    Spoken.GEMINI: Vendor(
        base_variables=("GOOGLE_GEMINI_BASE_URL", "GEMINI_API_BASE"),
        base="https://generativelanguage.googleapis.com",
        key_variables=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        path=_generate_path,
        authorize=lambda key: {"x-goog-api-key": key},
        headers={},
    ),
    Spoken.AZURE: Vendor(
        base_variables=("AZURE_API_BASE",),
        base=None,
        key_variables=("AZURE_API_KEY",),
        path=_deployment_path,
        authorize=lambda key: {"api-key": key},
        headers={},
        query=_azure_query,
    ),
}
