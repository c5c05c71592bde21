"""Where a hosted candidate is asked: its address, headers and secrets, out of the spec and the environment.

Pure functions over an environment mapping, so that a plan can be made where no variable is set. No
network library is known here. What is special about each vendor stands in `vendors`.
"""

from __future__ import annotations

import urllib.request
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from evalspec.language.candidates import Environment, Hosted, Http
from evalspec.models.faults import MissingEnvironment, UnusableSetting
from evalspec.models.masking import secret_forms
from evalspec.models.sharing import account
from evalspec.models.vendors import VENDORS, Vendor, bare_model, spoken_to
from evalspec.text.values import dataclass, field

OPENAI = "https://api.openai.com/v1"
OPENAI_KEY = "OPENAI_API_KEY"
COMPLETIONS = "/chat/completions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An address to post to, with what goes along. `secrets` are the forms that must never be shown."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    proxy: str | None = field(default=None, repr=False)

    @property
    def shared(self) -> str:
        """What rate limits are shared by: the address without its query."""
        return shared_part(self.url)

    @property
    def secured(self) -> bool:
        """Whether any of the way is over TLS."""
        return any(urlsplit(url).scheme == "https" for url in (self.url, self.proxy) if url is not None)

    @property
    def account(self) -> str:
        """Whose limits they are: a digest of the key, wherever it stands."""
        return account(self.headers, [urlsplit(self.url).query])


def shared_part(url: str) -> str:
    """Scheme, host and path of an address."""
    return urlunsplit(urlsplit(url)._replace(query="", fragment=""))


def wire_model(use: Hosted) -> str:
    """The model's name as the server knows it."""
    return bare_model(use) if spoken_to(use) in VENDORS else use.route.removeprefix("openai/")


def asked_at(use: Hosted, environment: Mapping[str, str]) -> str | None:
    """The address that a candidate is asked at; None where it is in a variable that is unset."""
    vendor = VENDORS.get(spoken_to(use))
    return completions_url(use, environment) if vendor is None else vendor.url(bare_model(use), environment)


def completions_url(use: Hosted, environment: Mapping[str, str]) -> str | None:
    """The chat-completions address of a direct candidate; None where it is in a variable that is unset."""
    base = base_url(use, environment)
    if base is None:
        return None
    parts = urlsplit(base)
    path = parts.path.rstrip("/")
    if not path.endswith(COMPLETIONS):
        path += COMPLETIONS
    return urlunsplit(parts._replace(path=path, fragment=""))


def base_url(use: Hosted, environment: Mapping[str, str]) -> str | None:
    """The base address, OpenAI's own where none is given; None where it is in a variable that is unset."""
    match use.base_url:
        case None:
            return OPENAI
        case Environment(variable=variable):
            return environment.get(variable, "").strip() or None
        case str(written):
            return written.strip() or None


def connect_to(name: str, use: Hosted, environment: Mapping[str, str]) -> Endpoint:
    """The endpoint of a candidate that is asked without litellm. Raises MissingEnvironment, UnusableSetting.

    A default key goes to the vendor's address only, which is OpenAI's own where no `base_url` is given:
    whatever has a `base_url` gets the key that the spec names, or none.
    """
    vendor = VENDORS.get(spoken_to(use))
    if vendor is not None:
        return _of_vendor(name, use, vendor, environment)
    if isinstance(use.base_url, Environment):
        _variable(name, use.base_url.variable, environment)  # raises where it is unset
    url = completions_url(use, environment) or ""
    demand_plain_address(f"the base_url of model `{name}`", url)
    key = api_key(name, use, environment)
    authorization = {"Authorization": f"Bearer {key}"} if key is not None else {}
    return _endpoint(url, key, authorization, use.headers, (name, environment))


def _of_vendor(name: str, use: Hosted, vendor: Vendor, environment: Mapping[str, str]) -> Endpoint:
    url = vendor.url(bare_model(use), environment)
    if url is None:
        raise MissingEnvironment(name, vendor.base_variables[0])
    demand_plain_address(f"the address in {' or '.join(vendor.base_variables)}", url)
    key = _vendor_key(name, use, vendor, environment)
    own = {**vendor.headers, **(vendor.authorize(key) if key is not None else {})}
    return _endpoint(url, key, own, use.headers, (name, environment))


def _vendor_key(name: str, use: Hosted, vendor: Vendor, environment: Mapping[str, str]) -> str | None:
    """The key that the spec names, else the vendor's own; none where a header of the spec stands for it."""
    if use.api_key is not None:
        return _variable(name, use.api_key.variable, environment)
    carrying = {"authorization", *(header.casefold() for header in vendor.authorize(""))}
    if any(header.casefold() in carrying for header in use.headers):
        return None
    found = next((v for v in vendor.key_variables if environment.get(v, "").strip()), vendor.key_variables[0])
    return _variable(name, found, environment)


def _endpoint(
    url: str,
    key: str | None,
    own: Mapping[str, str],
    headers: Mapping[str, str | Environment],
    reached: tuple[str, Mapping[str, str]],
) -> Endpoint:
    """The endpoint at an address, with our headers and those of the spec; `reached`: for whom, and from what
    environment."""
    name, environment = reached
    given = {header: _text(name, value, environment) for header, value in headers.items()}
    proxy = proxy_for(url, environment)
    hidden = [*([key] if key else []), *_hidden(headers, given), *_in_addresses(url, proxy)]
    return Endpoint(url=url, headers=_joined(own, given), secrets=secret_forms(hidden), proxy=proxy)


def application_at(name: str, use: Http, environment: Mapping[str, str]) -> Endpoint:
    """The endpoint of an application. Raises MissingEnvironment and UnusableSetting."""
    url = _text(name, use.url, environment)
    demand_plain_address(f"the address of model `{name}`", url)
    key = _variable(name, use.api_key.variable, environment) if use.api_key is not None else None
    authorization = {"Authorization": f"Bearer {key}"} if key is not None else {}
    return _endpoint(url, key, authorization, use.headers, (name, environment))


def application_url(use: Http, environment: Mapping[str, str]) -> str | None:
    """The address of an application; None where it is in a variable that is unset."""
    if isinstance(use.url, Environment):
        return environment.get(use.url.variable, "").strip() or None
    return use.url


def api_key(name: str, use: Hosted, environment: Mapping[str, str]) -> str | None:
    """The key that the spec names, or OpenAI's own for an `openai/` route that has no `base_url`."""
    if use.api_key is not None:
        return _variable(name, use.api_key.variable, environment)
    if use.base_url is None and use.route.startswith("openai/"):
        return _variable(name, OPENAI_KEY, environment)
    return None


def key_variable(use: Hosted) -> str | None:
    """The environment variable that a candidate's key comes from, as far as the spec or the protocol says."""
    if use.api_key is not None:
        return use.api_key.variable
    vendor = VENDORS.get(spoken_to(use))
    if vendor is not None:
        return " or ".join(vendor.key_variables)
    return OPENAI_KEY if use.base_url is None and use.route.startswith("openai/") else None


def resolved_headers(name: str, use: Hosted, environment: Mapping[str, str]) -> dict[str, str]:
    """The headers that the spec names, with their values out of the environment."""
    return {header: _text(name, value, environment) for header, value in use.headers.items()}


def proxy_for(url: str, environment: Mapping[str, str]) -> str | None:
    """The proxy for an address by HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, either case."""
    parts = urlsplit(url)
    without = _setting("no_proxy", environment)
    if without and urllib.request.proxy_bypass_environment(parts.netloc, {"no": without}):  # type: ignore[attr-defined]
        return None
    proxy = _setting(f"{parts.scheme}_proxy", environment) or _setting("all_proxy", environment)
    if not proxy:
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    if urlsplit(proxy).scheme not in ("http", "https"):
        raise UnusableSetting(
            f"the proxy for {parts.scheme} is no HTTP proxy, and no other kind is supported"
        )
    return proxy


def _setting(name: str, environment: Mapping[str, str]) -> str:
    return (environment.get(name) or environment.get(name.upper()) or "").strip()


def _hidden(headers: Mapping[str, str | Environment], given: Mapping[str, str]) -> list[str]:
    # A header written out is no secret of its own, but still shown nowhere; words as short as `1` or
    # `true` stand in any message and are left alone.
    return [
        value
        for header, value in given.items()
        if isinstance(headers[header], Environment) or len(value) >= 4
    ]


def _in_addresses(url: str, proxy: str | None) -> list[str]:
    # Some gateways take their key in the query, some proxies a password in the address.
    query = [value for _, value in parse_qsl(urlsplit(url).query) if len(value) >= 8]
    password = urlsplit(proxy).password if proxy is not None else None
    return [*query, *([password] if password else [])]


def _joined(first: Mapping[str, str], second: Mapping[str, str]) -> dict[str, str]:
    written = {header.casefold() for header in second}
    return {**{h: v for h, v in first.items() if h.casefold() not in written}, **second}


def _text(name: str, value: str | Environment, environment: Mapping[str, str]) -> str:
    return _variable(name, value.variable, environment) if isinstance(value, Environment) else value


def _variable(name: str, variable: str, environment: Mapping[str, str]) -> str:
    value = environment.get(variable, "").strip()
    if not value:
        raise MissingEnvironment(name, variable)
    if not value.isprintable():
        raise UnusableSetting(f"the environment variable {variable} holds control characters")
    return value


def demand_plain_address(what: str, url: str) -> None:
    """Raises UnusableSetting, which never quotes it, where this is no address that can be posted to."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise UnusableSetting(f"{what} is no http or https address")
    if parts.username is not None or parts.password is not None:
        raise UnusableSetting(f"{what} holds a user name or password: use `headers`")
