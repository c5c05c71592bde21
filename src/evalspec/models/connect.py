"""From what a spec says about its candidates to candidates that can be asked, and back to nothing.

Connections are opened for the candidates of one run and closed behind it. Planning needs only the keys
of requests, which `keyer` makes without a network library and without any environment variable set.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, assert_never

from evalspec.language.candidates import (
    Baseline,
    Cascade,
    Combination,
    Hosted,
    Http,
    ModelSpec,
    PythonFunction,
    Recorded,
    Simulated,
    Vote,
)
from evalspec.models import application, baseline, endpoints, hosted, litellm, python_function, recorded
from evalspec.models.baseline import Training
from evalspec.models.faults import CodeNotAllowed, Unconnectable
from evalspec.models.model import Model, Request
from evalspec.models.prices import price_of
from evalspec.models.sessions import open_session
from evalspec.models.simulated import Invention
from evalspec.models.vendors import Spoken, spoken_to
from evalspec.text.values import dataclass, field

if TYPE_CHECKING:
    import aiohttp

TrainingOf = Callable[[Baseline], Training]
Keyer = Callable[[Request], str | None]


@asynccontextmanager
async def connected(
    specs: Iterable[ModelSpec],
    *,
    environment: Mapping[str, str],
    training: TrainingOf,
    tasks: Collection[str] | None = None,
    variants: Collection[str] = (),
    invention: Invention | None = None,
    allow_code: bool = False,
) -> AsyncIterator[Mapping[str, Model]]:
    """The candidates by name, ready to be asked; their connections are closed on leaving.

    `training` gives what a baseline learns from; `tasks` are the names that recorded rows may carry (None:
    any), `variants` those of prompts; `invention` is what answers are made up from; `allow_code` is the
    user's leave to run functions of his own, without which no worker is started, whoever asks. Raises
    CodeNotAllowed, MissingEnvironment, UnusableSetting and UnusableTraining before anything is sent.
    """
    async with AsyncExitStack() as stack:
        connections = _Connections(stack=stack, environment=environment, allow_code=allow_code)
        models: dict[str, Model] = {}
        for spec in specs:
            match spec.use:
                case Hosted() as use:
                    models[spec.name] = await connections.hosted(spec.name, use)
                case Recorded() as use:
                    models[spec.name] = recorded.recorded_model(spec.name, use, tasks, variants)
                case Baseline() as use:
                    models[spec.name] = baseline.baseline_model(spec.name, use, training(use))
                case Simulated() as use if invention is not None:
                    models[spec.name] = invention.model(spec.name, use)
                case Http() as use:
                    models[spec.name] = await connections.application(spec.name, use)
                case PythonFunction() as use:
                    models[spec.name] = await connections.function(spec, use)
                case Simulated() | Cascade() | Vote() | Combination():
                    raise Unconnectable(f"`{spec.name}` cannot be asked by this version")
                case _:
                    assert_never(spec.use)
        yield models


def keyer(spec: ModelSpec, *, environment: Mapping[str, str], training: TrainingOf) -> Keyer:
    """What gives a candidate's requests their identity in the store, the same as the candidate itself gives.

    The function returns None for what is not stored, and for everything while the candidate's address is
    in a variable that is not set.
    """
    match spec.use:
        case Hosted() as use if spoken_to(use) is Spoken.LITELLM:
            return partial(litellm.request_key, use, environment)
        case Hosted() as use:
            url, wire = endpoints.asked_at(use, environment), hosted.WIRES[spoken_to(use)]
            return _no_key if url is None else partial(hosted.request_key, url, wire, use)
        case Recorded():
            return _no_key
        case Baseline() as use:
            return partial(baseline.request_key, baseline.lesson_digest(use, training(use)), use)
        case Combination(steps=members):
            keys = {step: keyer(m, environment=environment, training=training) for step, m in members.items()}
            return lambda request: keys[request.step](request)
        case Http() as use:
            address = endpoints.application_url(use, environment)
            return _no_key if address is None else partial(application.request_key, address, use)
        case PythonFunction() as use:
            return partial(python_function.request_key, python_function.code_digest(use))
        case Simulated() | Cascade() | Vote():
            return _no_key
        case _:
            assert_never(spec.use)


def _no_key(request: Request) -> None:
    """Of an answer that is not stored, or whose address is not known here."""


@dataclass(slots=True, kw_only=True)
class _Connections:
    """The sessions that are open: one a provider, so that candidates of a provider share connections."""

    stack: AsyncExitStack
    environment: Mapping[str, str]
    allow_code: bool
    sessions: dict[tuple[str, bool], aiohttp.ClientSession] = field(default_factory=dict)
    litellm_open: bool = False

    async def hosted(self, name: str, use: Hosted) -> Model:
        """A model behind a network endpoint, however it is asked."""
        spoken = spoken_to(use)
        if spoken is Spoken.LITELLM:
            return await self._behind_litellm(name, use)
        at = endpoints.connect_to(name, use, self.environment)
        session = await self.session(use.provider or at.shared, at)
        return hosted.HostedModel(
            name=name, use=use, at=at, session=session, wire=hosted.WIRES[spoken], price=price_of(use)
        )

    async def application(self, name: str, use: Http) -> Model:
        """A deployed application."""
        at = endpoints.application_at(name, use, self.environment)
        session = await self.session(at.shared, at)
        return application.ApplicationModel(name=name, use=use, at=at, session=session)

    async def function(self, spec: ModelSpec, use: PythonFunction) -> Model:
        """A function of the user's own. Its workers end with the connections. Raises CodeNotAllowed."""
        if not self.allow_code:
            raise CodeNotAllowed(spec.model, f"{use.file.name}:{use.function}")
        pool = await self.stack.enter_async_context(python_function.workers_for(use, self.environment))
        code = python_function.code_digest(use)
        return python_function.PythonModel(name=spec.name, use=use, code=code, pool=pool)

    async def session(self, provider: str, at: endpoints.Endpoint) -> aiohttp.ClientSession:
        """The session of a provider for an endpoint, opened where it is the first."""
        wanted = (provider, at.secured)
        if wanted not in self.sessions:
            session = open_session(self.environment, secured=at.secured)
            self.sessions[wanted] = await self.stack.enter_async_context(session)
        return self.sessions[wanted]

    async def _behind_litellm(self, name: str, use: Hosted) -> Model:
        if not self.litellm_open:
            self.litellm_open = True
            await self.stack.enter_async_context(litellm.litellm_sessions())
        return litellm.litellm_model(name, use, self.environment, price_of(use))
