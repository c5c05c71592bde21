"""A vendor for tests: a strict server that speaks his protocol, asked once by the adapter for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import servers
from evalspec.language.candidates import Hosted
from evalspec.models.model import Answer, Failure, Request
from models.asking import answered, ask_once, failed


@dataclass(frozen=True, slots=True)
class Vendor:
    """`speak` is how the server talks; `around` the environment in which it stands for the vendor."""

    speak: Callable[..., Any]
    around: Callable[[servers.ChatServer], Mapping[str, str]]

    async def said_to(
        self, use: Hosted, request: Request | None = None, reply: servers.Reply | str = "ok"
    ) -> tuple[servers.Body, Answer]:
        """What the server was sent, and what came of its reply."""
        with servers.chat_server(lambda body: reply, speak=self.speak) as server:
            answer = answered(await ask_once(use, request, self.around(server)))
        return server.bodies[0], answer

    async def failure_of(
        self, fault: servers.Fault | None, use: Hosted, request: Request | None = None
    ) -> Failure:
        """What came of a fault."""
        with servers.chat_server(fault=lambda n, body: fault, speak=self.speak) as server:
            failure = failed(await ask_once(use, request, self.around(server)))
        assert len(server.requests) <= 1, "an adapter asks once"
        return failure
