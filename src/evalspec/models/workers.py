"""Worker processes that call a function of the user's own: started as they are needed, killed when in doubt.

Each has its own pipes and its own process group. One that crashes, does not answer in time or says what is
no answer is killed with all that it started; the next call gets a new one.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
from anyio.streams.buffered import BufferedByteReceiveStream

from evalspec.text.values import dataclass, field

if TYPE_CHECKING:
    from anyio.abc import ByteSendStream, Process

PROGRAM = Path(__file__).with_name("python_worker.py")
LONGEST_LINE = 9 * 1024 * 1024  # a little more than a worker says
START_LIMIT_S = 60.0


class Crashed(Exception):
    """The worker is gone, or said what is no answer; the message says which."""


class Unloadable(Exception):
    """The function cannot be loaded; the message says why."""


@dataclass(slots=True)
class Worker:
    """A process that has loaded the function and waits."""

    process: Process
    asked: ByteSendStream
    lines: BufferedByteReceiveStream

    async def ask(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the function returns: `said` and `taken_ns`, or why it does not. Raises Crashed."""
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):  # told by what is read
            await self.asked.send(json.dumps(asked, default=str).encode() + b"\n")
        return await self.answer()

    async def answer(self) -> Mapping[str, Any]:
        """The next line that the worker says. Raises Crashed."""
        try:
            line = await self.lines.receive_until(b"\n", LONGEST_LINE)
            said = json.loads(line)
        except (anyio.IncompleteRead, anyio.EndOfStream, anyio.BrokenResourceError) as error:
            raise Crashed(await self._how_it_ended()) from error
        except (anyio.DelimiterNotFound, ValueError, RecursionError) as error:
            raise Crashed("the worker process said what is no answer") from error
        if not isinstance(said, dict):
            raise Crashed("the worker process said what is no answer")
        return said

    async def _how_it_ended(self) -> str:
        with anyio.move_on_after(1):
            code = await self.process.wait()
            if code < 0:
                return f"the worker process was ended by {signal.Signals(-code).name}"
            return f"the worker process ended by itself, with exit code {code}"
        return "the worker process closed its pipe"

    async def kill(self) -> None:
        """Ends the process and whatever it started, and waits for it."""
        with anyio.CancelScope(shield=True):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            await self.process.aclose()


@dataclass(slots=True, kw_only=True)
class Pool:
    """The workers of one candidate, at most so many. Used as `async with`: none outlives it."""

    file: Path
    function: str
    environment: Mapping[str, str] = field(repr=False)
    turns: anyio.CapacityLimiter
    idle: list[Worker] = field(default_factory=list)
    unloadable: str | None = None

    @property
    def most(self) -> int:
        """How many workers there may be."""
        return int(self.turns.total_tokens)

    async def __aenter__(self) -> Pool:
        return self

    async def __aexit__(self, *raised: object) -> None:
        while self.idle:
            await self.idle.pop().kill()

    async def call(self, asked: Mapping[str, Any], limit_s: float) -> Mapping[str, Any]:
        """What the function returns. Raises Crashed, Unloadable and, after the limit, TimeoutError."""
        async with self.turns:
            worker = self.idle.pop() if self.idle else await self._started()
            sound = False
            try:
                with anyio.fail_after(limit_s):
                    said = await worker.ask(asked)
                sound = True
                return said
            finally:
                if sound:
                    self.idle.append(worker)
                else:
                    await worker.kill()

    async def _started(self) -> Worker:
        if self.unloadable is not None:
            raise Unloadable(self.unloadable)
        process = await anyio.open_process(
            [sys.executable, "-P", str(PROGRAM), str(self.file), self.function],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self.environment,
            start_new_session=True,
        )
        if process.stdin is None or process.stdout is None:
            raise Unloadable("the worker process has no pipes")
        worker = Worker(process, process.stdin, BufferedByteReceiveStream(process.stdout))
        ready = False
        try:
            with anyio.fail_after(START_LIMIT_S):
                said = await worker.answer()
            ready = said.get("ready") is True
        except (Crashed, TimeoutError) as error:
            said = {"error": str(error) or f"it is not loaded within {START_LIMIT_S:g} s"}
        finally:
            if not ready:
                await worker.kill()
        if not ready:
            self.unloadable = str(said.get("error"))
            raise Unloadable(self.unloadable)
        return worker
