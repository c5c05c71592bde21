"""Provider and model blocks: routes, keys, parameters, baselines, recorded answers."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from evalspec.check.datasets import Data
from evalspec.check.entries import Entries, Faults, read_entries
from evalspec.check.local import Local, read_baseline, read_recorded
from evalspec.check.uses import OTHER_USES, Called, read_other_use, without_circles
from evalspec.check.values import (
    SECRET_NAME,
    call_of,
    environment_of,
    json_of,
    quantity_of,
    shown,
    text_or_environment,
    whole_number,
    word_of,
)
from evalspec.language.call_names import PROVIDERS, RESERVED_PARAMETERS
from evalspec.language.candidates import Environment, Hosted, Http, ModelSpec, Price, PythonFunction
from evalspec.language.schema import BLOCKS
from evalspec.models.parameters import NO_PLACE
from evalspec.models.vendors import spoken_to
from evalspec.syntax import tree
from evalspec.text.diagnostics import did_you_mean, nearest, problem, rewritten
from evalspec.text.units import Unit
from evalspec.text.values import dataclass, field, replace

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from evalspec.check.names import Declared
    from evalspec.language.candidates import Use
    from evalspec.text.values import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """How an endpoint is reached, as a provider or model block says it.

    `direct`: whether an address is given, be it one that can be read or not.
    """

    direct: bool = False
    base_url: str | Environment | None = None
    api_key: Environment | None = None
    headers: Mapping[str, str | Environment] = field(default_factory=dict)
    timeout_ns: int | None = None
    concurrency: int | None = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a model block may refer to."""

    declared: Declared
    data: Mapping[str, Data]
    providers: Mapping[str, Connection]


def read_connection(entries: Entries, faults: Faults) -> Connection:
    """The connection that a block's attributes describe."""
    url, key = entries.value("base_url"), entries.value("api_key")
    timeout, concurrency = entries.value("timeout"), entries.value("concurrency")
    found = quantity_of(timeout, (Unit.DURATION,), "`timeout`", faults) if timeout is not None else None
    if found is not None and timeout is not None and found.value <= 0:
        faults.add("E0305", timeout.at, "`timeout` is more than nothing", "write `timeout = 30s`")
    return Connection(
        direct="base_url" in entries.attributes or "base_url" in entries.spoiled,
        base_url=_url(url, faults) if url is not None else None,
        api_key=environment_of(key, "`api_key`", faults) if key is not None else None,
        headers=_headers(entries.nested("headers"), faults),
        timeout_ns=found.nanoseconds if found is not None and found.value > 0 else None,
        concurrency=whole_number(concurrency, "`concurrency`", faults) if concurrency is not None else None,
    )


def _url(node: tree.Expr, faults: Faults) -> str | Environment | None:
    if not isinstance(node, tree.Text):
        return environment_of(node, "`base_url`", faults)
    scheme, slashes, rest = node.text.partition("://")
    if scheme not in ("http", "https") or not slashes or not rest or any(c.isspace() for c in rest):
        faults.add(
            "E0305", node.at, "`base_url` is an address", 'write `base_url = "https://…"` or `env("NAME")`'
        )
        return None
    if "@" in rest.split("/", 1)[0]:
        faults.add(
            "E0440",
            node.at,
            "this address holds a user or password",
            'put the whole address into the environment and write `base_url = env("NAME")`',
        )
        return None
    return node.text


def _headers(block: tree.Block | None, faults: Faults) -> Mapping[str, str | Environment]:
    headers: dict[str, str | Environment] = {}
    for name, entry in read_entries(block, faults).attributes.items() if block is not None else ():
        secret = SECRET_NAME.search(name) is not None and isinstance(entry.value, tree.Text)
        read = environment_of if secret else text_or_environment
        value = read(entry.value, f"the header `{name}`", faults)
        if value is not None:
            headers[name] = value
    return headers


def read_providers(declared: Declared, faults: Faults) -> Mapping[str, Connection]:
    """The provider blocks by name."""
    return {
        name: read_connection(read_entries(block, faults), faults)
        for name, block in declared.of("provider").items()
    }


def read_models(around: Surroundings, faults: Faults) -> Mapping[str, ModelSpec]:
    """The candidates by name, those that could be understood."""
    models: dict[str, ModelSpec] = {}
    for name, block in around.declared.of("model").items():
        entries = read_entries(block, faults)
        use = entries.value("use")
        found = _use(use, entries, around, faults) if use is not None else None
        if found is not None and block.name is not None:
            found = _in_its_mode(found, entries, faults)
            models[name] = ModelSpec(name=name, at=block.name.at, use=found)
    return without_circles(models, faults)


def _in_its_mode(use: Use, entries: Entries, faults: Faults) -> Use:
    """The model, by its provider's batch endpoint where the block says so."""
    value = entries.value("mode")
    word = word_of(value, "`mode`", faults) if value is not None else None
    if word is None or not isinstance(use, Hosted):
        return use
    if word.text != "batch":
        faults.add(
            "E0305", word.at, f"there is no mode `{word.text}`", "write `mode = batch`, or leave it out"
        )
        return use
    if not use.direct:
        faults.add("E0409", word.at, "`batch` is for endpoints that speak the OpenAI protocol",
                   'give the model a `base_url`, or a route "openai/…"')  # fmt: skip
        return use
    return replace(use, batch=True)


def _use(node: tree.Expr, entries: Entries, around: Surroundings, faults: Faults) -> Use | None:
    if isinstance(node, tree.Text):
        return _hosted(node, entries, around, faults)
    call = call_of(node)
    name = call[0] if call is not None else ""
    if call is not None and name == "baseline":
        _no_parameters(entries, "a baseline", faults)
        return read_baseline(Local(node.at, call[1], call[2], around.declared, around.data), faults)
    if call is not None and name == "recorded":
        _no_parameters(entries, "a recorded candidate", faults)
        return read_recorded(Local(node.at, call[1], call[2], around.declared, around.data), faults)
    if call is not None and name in OTHER_USES:
        if name not in ("http", "python"):
            _no_parameters(entries, f"a candidate made by `{name}`", faults)
        called = Called(name, node.at, call[1], call[2], around.declared.names["model"])
        return _connected(read_other_use(called, faults), entries, faults)
    at = node.function.at if isinstance(node, tree.Call) else None
    help_line, fixes = did_you_mean(name, ("baseline", "recorded", *OTHER_USES), at=at) if name else ("", ())
    faults.add(
        "E0305",
        node.at,
        f"`use` is a route, and this is `{shown(node)}`",
        help_line,
        'write "openai/gpt-5-mini", "anthropic/claude-haiku-4-5", baseline("logistic", …) '
        'or recorded("answers.jsonl")',
        fixes=fixes,
    )
    return None


def _connected(use: Use | None, entries: Entries, faults: Faults) -> Use | None:
    """An application or function with what its block says of asking it; any other as it is."""
    if isinstance(use, PythonFunction):
        _no_parameters(entries, "a candidate made by `python`", faults, besides=("timeout", "concurrency"))
        said = read_connection(entries, faults)
        return replace(use, timeout_ns=said.timeout_ns, concurrency=said.concurrency)
    if not isinstance(use, Http):
        return use
    for name, entry in entries.attributes.items():
        if name not in ("use", "api_key", "timeout", "concurrency"):
            faults.add("E0409", entry.key.at, f"a candidate made by `http` takes no `{name}`", "remove it")
    own = read_connection(entries, faults)
    return replace(
        use, api_key=own.api_key, headers=own.headers, timeout_ns=own.timeout_ns, concurrency=own.concurrency
    )


def _no_parameters(entries: Entries, what: str, faults: Faults, besides: Collection[str] = ()) -> None:
    for name, entry in entries.attributes.items():
        if name != "use" and name not in besides:
            faults.add("E0409", entry.key.at, f"{what} takes no `{name}`", "remove it")
    for block in entries.blocks:
        faults.add("E0409", block.header, f"{what} takes no `{block.kind.text}`", "remove it")


# ── hosted ────────────────────────────────────────────────────────────────────────────────────────


def _hosted(node: tree.Text, entries: Entries, around: Surroundings, faults: Faults) -> Hosted | None:
    own = read_connection(entries, faults)
    provider_name, shared = _provider(entries, around, faults)
    base_url = own.base_url or shared.base_url
    direct = own.direct or shared.direct or node.text.startswith("openai/")
    if not node.text.strip() or any(c.isspace() for c in node.text):
        faults.add("E0305", node.at, "this is not a route", 'write it as "provider/model"')
        return None
    if not direct and "/" not in node.text:
        faults.add("E0411", node.at, f"`{node.text}` does not tell its provider",
                   f'write "openai/{node.text}", or give a `base_url`')  # fmt: skip
        return None
    if not direct:
        _known_provider(node, faults)
    price = entries.nested("price")
    use = Hosted(
        route=node.text,
        direct=direct,
        provider=provider_name,
        base_url=base_url,
        api_key=own.api_key or shared.api_key,
        headers={**shared.headers, **own.headers},
        timeout_ns=own.timeout_ns or shared.timeout_ns,
        concurrency=own.concurrency,
        parameters=_parameters(entries, faults),
        price=_price(price, faults) if price is not None else None,
    )
    _all_have_places(use, entries, faults)
    return use


def _all_have_places(use: Hosted, entries: Entries, faults: Faults) -> None:
    """Tells of request parameters that the candidate's protocol has no place for."""
    spoken = spoken_to(use)
    for name in sorted(NO_PLACE.get(spoken, frozenset()) & use.parameters.keys()):
        at = entries.attributes[name].key.at
        faults.add("E0409", at, f"{spoken.value} has no `{name}`", "remove it")


def _known_provider(node: tree.Text, faults: Faults) -> None:
    """Refuses a slip of a provider's name; warns of one that litellm may know since this list was made."""
    provider, _, rest = node.text.partition("/")
    if provider in PROVIDERS:
        return
    guess = nearest(provider, PROVIDERS)
    said = f"no provider `{provider}` is known"
    if guess is None:
        faults.add("W0411", node.at, said, "it works if your litellm has it",
                   "an endpoint of your own is reached by `base_url = …`")  # fmt: skip
        return
    fixes = rewritten(node.at, f'"{guess}/{rest}"') if '"' not in rest and "\\" not in rest else ()
    faults.add("E0474", node.at, said, f"did you mean `{guess}`?", fixes=fixes)


def _provider(entries: Entries, around: Surroundings, faults: Faults) -> tuple[str | None, Connection]:
    value = entries.value("provider")
    word = word_of(value, "`provider`", faults) if value is not None else None
    if word is None:
        return None, Connection(direct="provider" in entries.spoiled or value is not None)
    if word.text not in around.declared.names["provider"]:
        known = around.declared.names["provider"]
        help_line, fixes = did_you_mean(word.text, known, at=word.at)
        declare = f"declare it: `provider {word.text} {{ base_url = … }}`" if not known else ""
        faults.found.append(
            problem("E0201", word.at, f"there is no provider `{word.text}`", help_line, declare, fixes=fixes)
        )
    return word.text, around.providers.get(word.text, Connection(direct=True))


def _parameters(entries: Entries, faults: Faults) -> Mapping[str, Json]:
    known = BLOCKS["model"].entries
    given = {name: entry for name, entry in entries.attributes.items() if name not in known}
    return request_parameters(given, faults)


def request_parameters(given: Mapping[str, tree.Attribute], faults: Faults) -> Mapping[str, Json]:
    """Request parameters as they will be sent; those that evalspec itself sets are refused."""
    parameters: dict[str, Json] = {}
    for name, entry in given.items():
        if name in RESERVED_PARAMETERS:
            faults.add("E0409", entry.key.at, f"`{name}` is set by evalspec", "remove it")
            continue
        parameters[name] = json_of(entry.value, f"`{name}`", faults)
    return parameters


def _price(block: tree.Block, faults: Faults) -> Price | None:
    entries = read_entries(block, faults)
    figures: dict[str, Decimal] = {}
    for name in ("input", "output"):
        value = entries.value(name)
        if value is None:
            if name not in entries.spoiled:
                faults.add("E0406", block.header, f"`price` needs `{name}`", f"write `{name} = $0.15`")
            continue
        found = quantity_of(value, (Unit.MONEY,), f"`{name}`", faults)
        if found is not None and found.value < 0:
            faults.add("E0305", value.at, f"`{name}` is never less than nothing", f"write `{name} = $0.15`")
        elif found is not None:
            figures[name] = found.value
    per = entries.value("per")
    tokens = whole_number(per, "`per`", faults) if per is not None else 1_000_000
    if len(figures) < 2 or tokens is None:
        return None
    return Price(input=figures["input"], output=figures["output"], per=Decimal(tokens))
