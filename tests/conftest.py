"""What all tests share: patience, and the flag that accepts what the golden cases give now."""

from __future__ import annotations

import signal

import pytest
from hypothesis import settings

# A machine may be slow or shared: no example is wrong because it takes long.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

# A shell that starts the tests in the background has Ctrl-C ignored, and every process that they start
# would inherit it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update", action="store_true", help="write what golden cases give now as what they expect"
    )


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be renewed rather than compared."""
    return bool(request.config.getoption("--update"))
