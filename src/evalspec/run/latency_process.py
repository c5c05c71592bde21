"""The process of a latency pass as its parent sees it: started with an errand, read line by line, ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from evalspec.run.latency_talk import STOP, Errand, written
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from anyio.abc import Process

PACKAGES = Path(__file__).parents[2]  # where this package was found, which the process has to find too
GONE = (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError)


@asynccontextmanager
async def started(errand: Errand) -> AsyncIterator[Process]:
    """The process, with its errand; none outlives the block. It hears no Ctrl-C of its own."""
    found = os.environ.get("PYTHONPATH")
    path = os.pathsep.join([str(PACKAGES), *([found] if found else [])])
    process = await anyio.open_process(
        [sys.executable, "-P", "-m", "evalspec.run.latency_child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=None,
        env={**os.environ, "PYTHONPATH": path},
        start_new_session=True,
    )
    try:
        await tell(process, written(errand))
        yield process
    finally:
        with anyio.CancelScope(shield=True):
            with suppress(ProcessLookupError):
                process.kill()
            await process.aclose()


async def tell(process: Process, data: bytes) -> None:
    """Says something to the process; nothing where it has ended, which is seen by what it says no more."""
    with suppress(*GONE):
        if process.stdin is not None:
            await process.stdin.send(data)


async def stop_when(asked: anyio.Event, process: Process) -> None:
    """Passes a wish to stop on."""
    await asked.wait()
    await tell(process, STOP)


@dataclass(slots=True)
class Lines:
    """What a process says, line by line; who was cancelled while waiting for a line may go on behind it."""

    process: Process
    rest: bytes = b""

    async def each(self) -> AsyncIterator[Mapping[str, object]]:
        """The lines until the process ends."""
        if self.process.stdout is None:
            return
        with suppress(*GONE):
            async for data in self.process.stdout:
                *lines, self.rest = (self.rest + data).split(b"\n")
                for line in lines:
                    yield json.loads(line)
