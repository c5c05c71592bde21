"""Every provider whose protocol is not spoken here (`vendors`), asked through litellm.

litellm takes seconds to import and milliseconds of CPU a call, so it is loaded in a thread at the first
call and kept to a few calls at a time. Its retries are off, its guesses about errors unread: only the
raw status, headers and body count. Its latencies are not to be trusted under load.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any

import anyio
from anyio import to_thread

from evalspec.language.candidates import Environment, Hosted, Price
from evalspec.models.completions import NoCompletion, read_completion, without_secrets
from evalspec.models.endpoints import api_key, base_url, resolved_headers, shared_part
from evalspec.models.faults import MissingEnvironment
from evalspec.models.images import NoImage
from evalspec.models.masking import presentable, secret_forms
from evalspec.models.model import Answer, Failure, FailureKind, Request, digest
from evalspec.models.openai_http import wire_messages, with_logprobs
from evalspec.models.posting import limit_s, out_of_time, timed
from evalspec.models.prices import cost_of
from evalspec.models.refusals import refusal
from evalspec.models.sharing import Cap, account
from evalspec.text.values import dataclass, field, replace

if TYPE_CHECKING:
    from evalspec.text.values import Json

ALL_OF_LITELLM = Cap(16, "litellm")
NO_KEY = "none"
SECRET_NAMES = ("_KEY", "_TOKEN", "_SECRET", "_PASSWORD")


def request_key(use: Hosted, environment: Mapping[str, str], request: Request) -> str | None:
    """The request's identity: route, address, what is asked, sample. None while the address is unset."""
    if isinstance(use.base_url, Environment) and base_url(use, environment) is None:
        return None
    return digest(
        use.route, _own_address(use, environment), _asked(use, request, whole=False), request.sample
    )


def _asked(use: Hosted, request: Request, *, whole: bool) -> dict[str, Json]:
    parameters = {**use.parameters, **request.parameters}
    messages: list[Json] = wire_messages(request, whole=whole)
    return {**(with_logprobs(parameters) if request.logprobs else parameters), "messages": messages}


def _own_address(use: Hosted, environment: Mapping[str, str]) -> str | None:
    return base_url(use, environment) if use.base_url is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class LitellmModel:
    """A candidate behind litellm. `access` holds address, key and headers for its call."""

    name: str
    use: Hosted
    environment: Mapping[str, str] = field(repr=False)
    access: Mapping[str, Any] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    price: Price | None = None
    cap: Cap = ALL_OF_LITELLM

    @property
    def endpoint(self) -> str:
        address = self.access.get("api_base")
        provider = self.use.route.partition("/")[0]
        return shared_part(address) if address else f"litellm:{provider}"

    @property
    def account(self) -> str:
        return account(self.access.get("extra_headers") or {}, [self.access.get("api_key") or ""])

    def key(self, request: Request) -> str | None:
        """The digest of route, address, what is asked and sample number."""
        return request_key(self.use, self.environment, request)

    async def ask(self, request: Request) -> Answer | Failure:
        """Sends the request once."""
        litellm = await to_thread.run_sync(load)
        with anyio.move_on_after(limit_s(self.use.timeout_ns)):
            return await self._attempt(litellm, request)
        return out_of_time(self.use.timeout_ns)

    async def _attempt(self, litellm: ModuleType, request: Request) -> Answer | Failure:
        import httpx
        import openai

        try:
            return await self._exchange(litellm, request)
        except NoImage as error:
            return self._failure(FailureKind.TRANSIENT, f"the image {error}")
        except NoCompletion as error:
            return self._failure(FailureKind.TRANSIENT, f"not a chat completion: {error}")
        except openai.OpenAIError as error:  # what litellm's own exceptions descend from
            return self._refusal(error)
        except (httpx.HTTPError, OSError) as error:
            return self._failure(FailureKind.TRANSIENT, f"{type(error).__name__}: {error}")
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            # Raised by litellm's translation between formats: asked again, it would fail again.
            return self._failure(FailureKind.REJECTED, f"litellm failed: {type(error).__name__}: {error}")

    async def _exchange(self, litellm: ModuleType, request: Request) -> Answer:
        asked = await to_thread.run_sync(partial(_asked, self.use, request, whole=True))
        call = {**asked, **self.access, "model": self.use.route}
        limit = limit_s(self.use.timeout_ns) + 60  # ours above runs out first
        begun = time.perf_counter_ns()
        said = await litellm.acompletion(**call, num_retries=0, max_retries=0, timeout=limit)
        taken = time.perf_counter_ns() - begun
        answer = without_secrets(read_completion(_with_refusal(said.model_dump())), self.secrets)
        cost = cost_of(self.price, answer.input_tokens, answer.output_tokens, answer.cached_input_tokens)
        return replace(timed(answer, taken), cost_usd=cost)

    def _refusal(self, error: Exception) -> Failure:
        status = getattr(error, "status_code", None)
        if not isinstance(status, int) or status < 300:
            return self._failure(FailureKind.TRANSIENT, f"not a chat completion: {error}")
        response = getattr(error, "response", None)
        headers = dict(getattr(response, "headers", None) or {})
        headers.update(getattr(error, "litellm_response_headers", None) or {})
        return refusal(status, headers, _body_of(error), now=datetime.now(UTC), secrets=self.secrets)

    def _failure(self, kind: FailureKind, message: str) -> Failure:
        return Failure(kind=kind, message=presentable(message, self.secrets))


def _with_refusal(said: dict[str, Any]) -> dict[str, Any]:
    """The completion with `refusal` back where the protocol has it; litellm moves it away."""
    for choice in said.get("choices") or ():
        message = choice.get("message") or {}
        message.setdefault("refusal", (message.get("provider_specific_fields") or {}).get("refusal"))
    return said


def _body_of(error: Exception) -> bytes:
    """What the server said: the parsed error, or the JSON that litellm quotes, or the whole message."""
    body = getattr(error, "body", None)
    if isinstance(body, dict):
        return json.dumps({"error": body}, default=str).encode()
    text = str(error)
    quoted = "{" + text.partition("{")[2]
    return (quoted if _is_json(quoted) else text).encode()


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


# ── what a candidate needs ────────────────────────────────────────────────────────────────────────


def litellm_model(
    name: str,
    use: Hosted,
    environment: Mapping[str, str],
    price: Price | None,
) -> LitellmModel:
    """The candidate of this name. Raises MissingEnvironment for what the spec names and is not set."""
    address = _own_address(use, environment)
    if isinstance(use.base_url, Environment) and address is None:
        raise MissingEnvironment(name, use.base_url.variable)
    key = _key_for(name, use, environment)
    headers = resolved_headers(name, use, environment)
    access: dict[str, Any] = {"api_base": address, "api_key": key, "extra_headers": headers or None}
    return LitellmModel(
        name=name,
        use=use,
        environment=environment,
        access={word: value for word, value in access.items() if value is not None},
        secrets=secret_forms(
            [*_secrets_in(environment), *([key] if key and key != NO_KEY else []), *headers.values()]
        ),
        price=price,
    )


def _key_for(name: str, use: Hosted, environment: Mapping[str, str]) -> str | None:
    """The key to send: the named one; none to an address of one's own; else the provider's by its usual name.

    litellm looks for default keys in the process's environment by itself, and would send them anywhere.
    """
    if use.api_key is not None:
        return api_key(name, use, environment)
    if use.base_url is not None:
        return NO_KEY
    provider = use.route.partition("/")[0].upper()
    return environment.get(f"{provider}_API_KEY", "").strip() or None


def _secrets_in(environment: Mapping[str, str]) -> list[str]:
    # litellm picks up what it needs by many names, so whatever is called a secret is treated as one.
    return [
        value
        for name, value in environment.items()
        if name.upper().endswith(SECRET_NAMES) and len(value.strip()) >= 8
    ]


# ── litellm itself ────────────────────────────────────────────────────────────────────────────────


def load() -> ModuleType:
    """litellm, imported quietly: no price map from the network, no `.env` files, no telemetry."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    os.environ.setdefault("LITELLM_MODE", "PRODUCTION")  # else it reads `.env` files that it finds
    import litellm

    litellm.telemetry = False
    litellm.suppress_debug_info = True
    litellm.drop_params = False
    litellm.num_retries = 0
    for logger in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        logging.getLogger(logger).setLevel(logging.CRITICAL)
    return litellm


@asynccontextmanager
async def litellm_sessions() -> AsyncIterator[None]:
    """Closes, on leaving, the connections that litellm has opened."""
    try:
        yield
    finally:
        litellm: Any = sys.modules.get("litellm")
        if litellm is not None:
            with anyio.CancelScope(shield=True):
                await litellm.close_litellm_async_clients()
