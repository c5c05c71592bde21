"""Proxies and certificates from the environment are honoured."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

import servers
from evalspec.language.candidates import Environment
from evalspec.models.endpoints import proxy_for
from evalspec.models.faults import UnusableSetting
from evalspec.models.model import FailureKind
from models.asking import answered, ask_once, candidate, connect, failed, hosted
from models.proxies import proxy


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that nobody trusts yet, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is missing")
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1"]
    command += ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


def tls(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    return context


@pytest.mark.anyio
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
async def test_requests_go_through_the_proxy(variable: str) -> None:
    with servers.chat_server() as server, proxy() as through:
        answered(await ask_once(hosted(server.url), environment={variable: through.url}))
    assert [head.split()[:2] for head in through.heads] == [["POST", server.url + "/chat/completions"]]
    assert len(server.requests) == 1


@pytest.mark.anyio
@pytest.mark.parametrize("without", ["127.0.0.1", "*", "example.com, 127.0.0.1"])
async def test_no_proxy_goes_past_it(without: str) -> None:
    with servers.chat_server() as server, proxy() as through:
        environment = {"HTTP_PROXY": through.url, "NO_PROXY": without}
        answered(await ask_once(hosted(server.url), environment=environment))
    assert through.heads == []


@pytest.mark.anyio
async def test_a_proxy_s_password_is_sent_to_it_and_shown_nowhere() -> None:
    with servers.chat_server() as server, proxy(refuse_with=407) as through:
        environment = {"HTTP_PROXY": through.url.replace("//", "//user:pass-4711@")}
        failure = failed(await ask_once(hosted(server.url), environment=environment))
    assert "Proxy-Authorization: Basic " in through.heads[0]
    assert failure.kind is FailureKind.REJECTED
    assert "pass-4711" not in failure.message


@pytest.mark.anyio
async def test_a_trusted_certificate_from_the_environment(certificate: tuple[Path, Path]) -> None:
    with servers.chat_server(tls=tls(certificate)) as server:
        answered(await ask_once(hosted(server.url), environment={"SSL_CERT_FILE": str(certificate[0])}))
        refused = failed(await ask_once(hosted(server.url)))
    assert refused.kind is FailureKind.REJECTED
    assert "certificate" in refused.message


@pytest.mark.anyio
async def test_https_goes_through_a_tunnel(certificate: tuple[Path, Path]) -> None:
    with servers.chat_server(tls=tls(certificate)) as server, proxy() as through:
        environment = {"HTTPS_PROXY": through.url, "SSL_CERT_FILE": str(certificate[0]), "K": "sk-secret-key"}
        use = hosted(server.url, api_key=Environment("K"))
        answered(await ask_once(use, environment=environment))
    assert through.heads[0].startswith("CONNECT 127.0.0.1:")
    assert "sk-secret-key" not in through.heads[0]
    assert server.requests[0].headers["Authorization"] == "Bearer sk-secret-key"


@pytest.mark.anyio
async def test_a_proxy_that_refuses_the_tunnel(certificate: tuple[Path, Path]) -> None:
    with servers.chat_server(tls=tls(certificate)) as server, proxy(refuse_with=403) as through:
        environment = {"HTTPS_PROXY": through.url, "SSL_CERT_FILE": str(certificate[0])}
        failure = failed(await ask_once(hosted(server.url), environment=environment))
    assert (failure.kind, failure.status) == (FailureKind.REJECTED, 403)
    assert "proxy" in failure.message


@pytest.mark.anyio
async def test_a_certificate_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnusableSetting, match="SSL_CERT_FILE"):
        async with connect(
            candidate(hosted("https://h/v1")), environment={"SSL_CERT_FILE": str(tmp_path / "no.pem")}
        ):
            pass


def test_a_proxy_is_chosen_by_the_address() -> None:
    environment = {"HTTPS_PROXY": "proxy.test:3128", "NO_PROXY": ".internal.test"}
    assert proxy_for("https://api.openai.com/v1", environment) == "http://proxy.test:3128"
    assert proxy_for("http://api.openai.com/v1", environment) is None
    assert proxy_for("https://llm.internal.test/v1", environment) is None
    assert proxy_for("https://api.openai.com/v1", {}) is None
    with pytest.raises(UnusableSetting, match="proxy"):
        proxy_for("https://h", {"HTTPS_PROXY": "socks5://h:1"})
