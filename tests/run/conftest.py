"""What the tests of asking share."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    """aiohttp lives on asyncio only."""
    return "asyncio"
