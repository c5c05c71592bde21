"""promptfoo's providers as model blocks: routes, addresses, request parameters; never a key."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evalspec.interop.cases import SCRIPTS, place
from evalspec.interop.listed import Exactness, Remark
from evalspec.interop.nodes import Node
from evalspec.interop.reach import Reach
from evalspec.interop.spelling import name_from
from evalspec.language.call_names import REQUEST_PARAMETERS, RESERVED_PARAMETERS
from evalspec.text.values import dataclass, field

ROUTES: Mapping[str, str] = {  # what promptfoo calls a provider: what a route calls it
    "openai": "openai", "anthropic": "anthropic", "google": "gemini", "vertex": "vertex_ai",
    "azure": "azure", "azureopenai": "azure", "bedrock": "bedrock", "mistral": "mistral", "groq": "groq",
    "deepseek": "deepseek", "together": "together_ai", "togetherai": "together_ai",
    "openrouter": "openrouter", "ollama": "ollama_chat", "xai": "xai", "cohere": "cohere",
    "perplexity": "perplexity", "cerebras": "cerebras", "fireworks": "fireworks_ai",
    "deepinfra": "deepinfra", "databricks": "databricks", "watsonx": "watsonx", "replicate": "replicate",
    "nscale": "nscale", "hyperbolic": "hyperbolic", "github": "github", "alibaba": "dashscope",
    "litellm": "litellm_proxy", "vllm": "hosted_vllm", "cloudflare-ai": "cloudflare",
}  # fmt: skip
CHAT = ("chat", "messages", "responses", "converse")
OTHER = ("completion", "completions", "embedding", "embeddings", "image", "realtime", "moderation",
         "assistant", "transcription", "speech", "codex-sdk", "agents", "chatkit")  # fmt: skip
VARIABLE = re.compile(
    r"\{\{\s*(?:process\.)?env(?:\.|\[['\"])([A-Za-z_]\w*)(?:['\"]\])?\s*\}\}|\$\{?([A-Z_][A-Z0-9_]*)\}?"
)
ADDRESSES = ("apiBaseUrl", "apiBase", "baseUrl", "baseURL", "url")
ENTRIES = ("id", "label", "config", "prompts")
SECRET = re.compile(r"(?i)key|token|secret|authorization|password|cookie")


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model block to be written. `prompts` names the prompts that it is asked, all where there are none."""

    name: str
    where: str
    use: str
    base_url: str | None = None  # an address, or `env:NAME`
    api_key: str | None = None  # the name of a variable
    headers: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    prompts: tuple[str, ...] = ()


@dataclass(slots=True)
class Providers:
    """What reading providers needs and leaves behind."""

    reach: Reach
    remarks: list[Remark]
    names: set[str] = field(default_factory=set)

    def remark(self, where: str, what: str, why: str, exactness: Exactness = Exactness.NONE) -> None:
        self.remarks.append(Remark(where=where, what=what, why=why, exactness=exactness))


def read_providers(node: Node | None, base: Path, providers: Providers) -> list[Model]:
    """The models of a configuration; what evalspec cannot ask is told."""
    found: dict[tuple[object, ...], Model] = {}
    for item, options in _entries(node, base, providers):
        model = _model(item, options, providers)
        if model is not None:
            key = (model.use, model.base_url, repr(sorted(model.parameters.items())))
            found.setdefault(key, model)
    return list(found.values())


def _entries(
    node: Node | None, base: Path, providers: Providers, depth: int = 0
) -> Iterator[tuple[Node, Node | None]]:
    """Each provider's id with its options: a string, a mapping with `id`, or one whose key is the id."""
    for item in (node.items or (node,)) if node is not None and depth < 10 else ():
        id_ = item.get("id")
        if (
            item.text is not None
            and item.text.startswith("file://")
            and item.text.endswith((".yaml", ".yml", ".json"))
        ):
            loaded = providers.reach.nodes(item.text, base)
            if loaded is not None:
                yield from _entries(loaded[0], loaded[1], providers, depth + 1)
        elif item.text is not None:
            yield item, None
        elif id_ is not None:
            yield id_, item
        else:
            for key, options in item.pairs.items():
                yield Node(key, item.keys.get(key, item.at)), options


def _model(item: Node, options: Node | None, providers: Providers) -> Model | None:
    id_ = item.text or ""
    shown = f"the provider `{id_}`"
    why = _refusal(id_, options)
    if why:
        providers.remark(place(item), shown, why)
        return None
    vendor, *rest = id_.split(":")
    kind = rest[0] if rest and rest[0] in CHAT else ""
    model = ":".join(rest[1:] if kind else rest)
    if kind == "responses":
        providers.remark(
            place(item), shown, "asked by chat completions, not by `responses`", Exactness.NEARLY
        )
    for key, value in (options.pairs if options is not None else {}).items():
        if key not in ENTRIES and value.value is not None:
            providers.remark(place(value), f"`{key}` of {shown[4:]}", "it is not carried over")
    config = options.get("config") if options is not None else None
    label = options.get("label") if options is not None else None
    name = name_from(
        (label.text or model) if label is not None else model, providers.names, otherwise="model"
    )
    providers.names.add(name)
    base_url = _address(config, providers)
    return Model(
        name=name,
        where=place(item),
        use=model if base_url is not None and vendor == "openai" else f"{ROUTES[vendor]}/{model}",
        base_url=base_url,
        api_key=_key(config, vendor, base_url, providers, place(item)),
        headers=_headers(config, providers),
        parameters=dict(_parameters(config, shown, providers)),
        prompts=_filter(options),
    )


def _refusal(id_: str, options: Node | None) -> str:
    """Why evalspec cannot ask a provider; empty where it can."""
    vendor, _, rest = id_.partition(":")
    if options is not None and options.get("transform") is not None:
        return "its `transform` is JavaScript, which changes every answer before it is judged"
    if (
        id_.startswith("file://")
        or Path(id_).suffix in SCRIPTS
        or vendor in ("exec", "python", "golang", "ruby")
    ):
        return 'it is code of your own; record its answers: `recorded("answers.jsonl")`'
    if id_.startswith(("http://", "https://", "ws://", "wss://")) or vendor in ("http", "https", "websocket"):
        return 'an address of your own protocol; record its answers: `recorded("answers.jsonl")`'
    if vendor not in ROUTES or not rest:
        return "evalspec knows no route to it"
    if rest.partition(":")[0] in OTHER:
        return "it is no chat model"
    return ""


def _filter(options: Node | None) -> tuple[str, ...]:
    prompts = options.get("prompts") if options is not None else None
    return tuple(item.text or "" for item in prompts.items or (prompts,)) if prompts is not None else ()


def _address(config: Node | None, providers: Providers) -> str | None:
    """The address of an endpoint of one's own, or `env:NAME`; what is none, or holds a password, is told."""
    keys = (*ADDRESSES, "apiHost")
    found = next((node for key in keys if config is not None and (node := config.get(key)) is not None), None)
    if found is None or found.text is None:
        return None
    text = found.text.strip()
    variable = VARIABLE.fullmatch(text)
    if variable is not None:
        return f"env:{variable[1] or variable[2]}"
    host = config is not None and found is config.get("apiHost") and "://" not in text
    address = f"https://{text}/v1" if host else text
    if re.fullmatch(r"https?://[^\s@{}\"]+", address) is None:
        why = 'it is no plain address, or holds a user or password; write `base_url = env("NAME")`'
        providers.remark(place(found), "the address of a provider", why)
        return None
    return address


def _key(
    config: Node | None, vendor: str, base_url: str | None, providers: Providers, where: str
) -> str | None:
    """The variable that holds the key. A key that is written out is not carried over."""
    named = config.get("apiKeyEnvar") if config is not None else None
    if named is not None and named.text is not None:
        return named.text
    written = config.get("apiKey") if config is not None else None
    if written is not None:
        variable = VARIABLE.fullmatch(str(written.value).strip())
        if variable is not None:
            return variable[1] or variable[2]
        why = "a key is written out; it is not carried over: put it into the environment, and revoke this one"
        providers.remark(place(written), "`apiKey`", why)
    # promptfoo sends OpenAI's key to any address of an `openai:` provider; evalspec sends none by itself.
    return "OPENAI_API_KEY" if base_url is not None and vendor == "openai" else None


def _headers(config: Node | None, providers: Providers) -> dict[str, str]:
    node = config.get("headers") if config is not None else None
    found = {}
    for name, value in (node.pairs if node is not None else {}).items():
        variable = VARIABLE.fullmatch(str(value.value).strip())
        if variable is not None:
            found[name] = f"env:{variable[1] or variable[2]}"
        elif SECRET.search(name):
            why = 'it is written out; put it into the environment and write `env("NAME")`'
            providers.remark(place(value), f"the header `{name}`", why)
        elif isinstance(value.value, str | int | float):
            found[name] = str(value.value)
    return found


def _parameters(config: Node | None, shown: str, providers: Providers) -> Iterator[tuple[str, Any]]:
    """The request parameters that evalspec sends too."""
    known = {*ADDRESSES, "apiHost", "apiKey", "apiKeyEnvar", "headers"}
    for key, node in (config.pairs if config is not None else {}).items():
        value = node.plain()
        if key in known or value is None:
            continue
        if key == "reasoning" and isinstance(value, dict) and isinstance(value.get("effort"), str):
            yield "reasoning_effort", value["effort"]
        elif key in REQUEST_PARAMETERS and key not in RESERVED_PARAMETERS and _writable(value):
            yield key, value
        else:
            providers.remark(place(node), f"`{key}` of {shown[4:]}", "this parameter is not carried over")


def _writable(value: Any) -> bool:
    """Whether a parameter can be written in a spec: a number, text, condition, or a list of them."""
    if isinstance(value, list):
        return all(_writable(item) and not isinstance(item, list) for item in value)
    return isinstance(value, str | int | float | bool)
