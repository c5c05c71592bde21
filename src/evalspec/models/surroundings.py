"""What of this machine and its environment variables matters to asking: found out by trying, sent nowhere."""

from __future__ import annotations

import platform
import sqlite3
from collections.abc import Iterator, Mapping
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from urllib.parse import urlsplit, urlunsplit

from evalspec.models.endpoints import proxy_for
from evalspec.models.faults import EvalspecFault
from evalspec.models.sessions import trust
from evalspec.text.values import dataclass

NEEDED = (
    "aiohttp", "anyio", "jinja2", "jsonschema", "litellm", "numpy", "regex", "rich", "scikit-learn", "scipy",
    "tabulate",
)  # fmt: skip
OPTIONAL = {"pyarrow": "Parquet files", "fsspec": "data on other machines", "pygls": "the editor server",
            "uvloop": "a faster event loop"}  # fmt: skip
STOLEN = ("1.82.7", "1.82.8")  # releases of litellm that sent credentials away
SOUND_SQLITE = (3, 51, 3)
KEYS = {
    "openai": ("OPENAI_API_KEY",),
    "anthropic": ("ANTHROPIC_API_KEY",),
    "gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "azure": ("AZURE_API_KEY",),
    "mistral": ("MISTRAL_API_KEY",),
    "groq": ("GROQ_API_KEY",),
    "together_ai": ("TOGETHERAI_API_KEY", "TOGETHER_AI_API_KEY"),
    "openrouter": ("OPENROUTER_API_KEY",),
    "deepseek": ("DEEPSEEK_API_KEY",),
    "cohere": ("COHERE_API_KEY",),
    "xai": ("XAI_API_KEY",),
    "bedrock": ("AWS_ACCESS_KEY_ID", "AWS_PROFILE"),
    "vertex_ai": ("GOOGLE_APPLICATION_CREDENTIALS",),
}


class State(StrEnum):
    """How it stands with something: as it should, worth knowing, or in the way."""

    GOOD = "ok"
    NOTE = "note"
    FAULT = "fault"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was tried: what, how it stands, what was found, and the way out where there is one."""

    area: str
    name: str
    state: State
    found: str
    way_out: str = ""


def libraries() -> Iterator[Finding]:
    """Python and the libraries, those that are needed and those that some things take."""
    yield Finding(area="python", name="python", state=State.GOOD, found=platform.python_version())
    for name in NEEDED:
        found = _version(name)
        if found is None:
            yield _fault("python", name, "not installed", f"pip install {name}")
        elif name == "litellm" and found in STOLEN:
            yield _fault("python", name, f"{found}, a release that stole credentials",
                         "install another one, and change every key that this machine has seen")  # fmt: skip
        else:
            yield Finding(area="python", name=name, state=State.GOOD, found=found)
    for name, use in OPTIONAL.items():
        found = _version(name)
        state, told = (State.NOTE, f"not installed ({use})") if found is None else (State.GOOD, found)
        yield Finding(area="python", name=name, state=state, found=told)


def sqlite() -> Finding:
    """SQLite's version, and what is known of it."""
    found = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info >= SOUND_SQLITE:
        return Finding(area="store", name="sqlite", state=State.GOOD, found=found)
    told = (
        f"{found}: before {'.'.join(map(str, SOUND_SQLITE))} several writers at once can lose a checkpoint; "
        "evalspec never lets two write at once"
    )
    return Finding(area="store", name="sqlite", state=State.GOOD, found=told)


def keys(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Which providers have a key in the environment. Values are never shown."""
    for provider, variables in KEYS.items():
        found = next((name for name in variables if environment.get(name, "").strip()), None)
        if found is None:
            told = f"{' or '.join(variables)} not set"
            yield Finding(area="providers", name=provider, state=State.NOTE, found=told)
        elif not environment[found].strip().isprintable():
            yield _fault("providers", provider, f"{found} holds control characters", "set it again")
        else:
            yield Finding(area="providers", name=provider, state=State.GOOD, found=f"{found} is set")


def proxies(environment: Mapping[str, str]) -> Iterator[Finding]:
    """The proxy for each kind of address, without its password; and what goes past it."""
    for scheme in ("https", "http"):
        try:
            proxy = proxy_for(f"{scheme}://provider.example/", environment)
        except EvalspecFault as fault:
            yield _fault("network", f"{scheme} proxy", str(fault), f"set {scheme.upper()}_PROXY to http://…")
            continue
        told = "none" if proxy is None else _without_password(proxy)
        yield Finding(area="network", name=f"{scheme} proxy", state=State.GOOD, found=told)
    past = (environment.get("no_proxy") or environment.get("NO_PROXY") or "").strip()
    if past:
        yield Finding(area="network", name="no proxy for", state=State.GOOD, found=past)


def certificates(environment: Mapping[str, str]) -> Finding:
    """Whose certificates are trusted: whether they can be loaded, and how many there are."""
    named = next((n for n in ("SSL_CERT_FILE", "SSL_CERT_DIR") if environment.get(n)), None)
    where = f"{named}={environment[named]}" if named is not None else "the system's, or certifi's"
    try:
        count = trust(environment).cert_store_stats()["x509_ca"]
    except EvalspecFault as fault:
        return _fault("network", "certificates", str(fault), f"mend or unset {named}")
    if not count and named != "SSL_CERT_DIR":  # a folder's are loaded one by one, when they are needed
        return _fault(
            "network", "certificates", f"none in {where}", "pip install certifi, or set SSL_CERT_FILE"
        )
    told = f"{count} authorities ({where})" if count else where
    return Finding(area="network", name="certificates", state=State.GOOD, found=told)


def _without_password(proxy: str) -> str:
    parts = urlsplit(proxy)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"***@{host}" if "@" in parts.netloc else host))


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _fault(area: str, name: str, found: str, way_out: str) -> Finding:
    return Finding(area=area, name=name, state=State.FAULT, found=found, way_out=way_out)
