"""Runs the commands once that the tests of a module look at."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module")
def job(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> object:
    """What this module's `prepare(folder)` gives."""
    return request.module.prepare(tmp_path_factory.mktemp("job"))
