"""What the tests of the candidates share."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    """aiohttp lives on asyncio only."""
    return "asyncio"
