"""The connections of a run: one aiohttp session a provider, and whom it trusts."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from evalspec.models.faults import UnusableSetting

if TYPE_CHECKING:
    import aiohttp

CONNECT_LIMIT_S = 30.0


def open_session(
    environment: Mapping[str, str], *, secured: bool = True
) -> AbstractAsyncContextManager[aiohttp.ClientSession]:
    """A session without a limit of its own on connections; used as `async with`, closed on leaving.

    Where nothing is `secured` (all of it goes over plain HTTP) the certificates are not read, which takes
    some 40 ms.

    No cookies, no `.netrc`: nothing but what the spec names identifies us to a server. Raises
    UnusableSetting when SSL_CERT_FILE cannot be read.
    """
    import aiohttp

    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=trust(environment) if secured else True),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_LIMIT_S),
        headers={"User-Agent": "evalspec"},
    )


def trust(environment: Mapping[str, str]) -> ssl.SSLContext:
    """Whom we trust: SSL_CERT_FILE and SSL_CERT_DIR, else the system, else the bundle that pip brought."""
    file, folder = environment.get("SSL_CERT_FILE"), environment.get("SSL_CERT_DIR")
    if not file and not folder:
        return ssl.create_default_context(cafile=_bundled_certificates())
    try:
        return ssl.create_default_context(cafile=file or None, capath=folder or None)
    except OSError as error:  # ssl.SSLError included
        raise UnusableSetting(f"SSL_CERT_FILE or SSL_CERT_DIR cannot be read: {error}") from error


def _bundled_certificates() -> str | None:
    system = ssl.get_default_verify_paths()
    if system.cafile or (system.capath and os.listdir(system.capath)):  # noqa: PTH208 (a folder of links)
        return None
    spec = find_spec("certifi")
    bundle = Path(spec.origin).with_name("cacert.pem") if spec is not None and spec.origin else None
    return str(bundle) if bundle is not None and bundle.exists() else None
