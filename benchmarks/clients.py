"""The bare loops that `evalspec run` is measured against: the same requests, and nothing else done.

`python benchmarks/clients.py aiohttp URL tickets.csv --concurrency 32` asks about each row once.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

LABELS = "billing, bug, abuse, other"
Messages = list[dict[str, str]]
Ask = Callable[[Messages], Awaitable[Any]]


def messages(body: str) -> Messages:
    """What the benchmark's spec asks about a row."""
    return [{"role": "user", "content": f"Which queue? One of: {LABELS}. Ticket: {body}"}]


@asynccontextmanager
async def _aiohttp(url: str) -> Any:
    import aiohttp

    headers = {"Authorization": "Bearer x", "Content-Type": "application/json"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def ask(said: Messages) -> Any:
            data = json.dumps({"model": "fast", "messages": said}).encode()
            async with session.post(f"{url}/chat/completions", data=data, headers=headers) as response:
                return json.loads(await response.read())

        yield ask


@asynccontextmanager
async def _httpx(url: str) -> Any:
    import httpx

    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(limits=limits, headers={"Authorization": "Bearer x"}, timeout=60) as client:

        async def ask(said: Messages) -> Any:
            body = {"model": "fast", "messages": said}
            return (await client.post(f"{url}/chat/completions", json=body)).json()

        yield ask


@asynccontextmanager
async def _openai(url: str) -> Any:
    from openai import AsyncOpenAI

    async with AsyncOpenAI(base_url=url, api_key="x", max_retries=0) as client:
        # The client's own types say more than is needed here.
        create: Any = client.chat.completions.create

        async def ask(said: Messages) -> Any:
            return await create(model="fast", messages=said)

        yield ask


@asynccontextmanager
async def _litellm(url: str) -> Any:
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    import litellm

    async def ask(said: Messages) -> Any:
        return await litellm.acompletion(
            model="openai/fast", messages=said, api_base=url, api_key="x", num_retries=0, max_retries=0
        )

    yield ask


CLIENTS: dict[str, Callable[[str], AbstractAsyncContextManager[Ask]]] = {
    "aiohttp": _aiohttp,
    "httpx": _httpx,
    "openai": _openai,
    "litellm": _litellm,
}


async def _loop(opened: AbstractAsyncContextManager[Ask], rows: Iterator[str], concurrency: int) -> None:
    async with opened as ask:

        async def work() -> None:
            for body in rows:
                await ask(messages(body))

        await asyncio.gather(*(work() for _ in range(concurrency)))


def main() -> None:
    """Asks about every row of the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("client", choices=CLIENTS)
    parser.add_argument("url")
    parser.add_argument("rows", type=Path)
    parser.add_argument("--concurrency", type=int, default=32)
    given = parser.parse_args()
    with given.rows.open(newline="") as file:
        bodies = [row["body"] for row in csv.DictReader(file)]
    asyncio.run(_loop(CLIENTS[given.client](given.url), iter(bodies), given.concurrency))


if __name__ == "__main__":
    main()
