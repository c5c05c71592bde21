"""Prepares beforehand what whole modules look at, so that commands run on a second core meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

Prepared = Mapping[str, "Future[Any]"]


@pytest.fixture(scope="session")
def ahead(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prepared]:
    """What `prepare(folder)` gives in each module that has one and whose tests will run, by module."""
    modules = dict.fromkeys(getattr(item, "module", None) for item in request.session.items)
    own = [module for module in modules if module is not None and module.__name__.startswith("cli.")]
    pool = ThreadPoolExecutor(1)
    try:
        yield {
            module.__name__: pool.submit(module.prepare, tmp_path_factory.mktemp("job"))
            for module in own
            if hasattr(module, "prepare")
        }
    finally:
        pool.shutdown(cancel_futures=True)


@pytest.fixture(autouse=True)
def _prepare(ahead: Prepared) -> None:
    """Begins with the first test of this folder."""


@pytest.fixture(scope="module")
def job(request: pytest.FixtureRequest, ahead: Prepared) -> object:
    """What this module's `prepare` gives."""
    return ahead[request.module.__name__].result()
