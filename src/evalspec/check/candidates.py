"""Provider and model blocks: routes, keys, parameters, baselines, recorded answers."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from evalspec.check.datasets import Data, known_column, named_dataset
from evalspec.check.entries import Entries, Faults, read_entries
from evalspec.check.sources import pattern_matches
from evalspec.check.values import (
    SECRET_NAME,
    call_of,
    environment_of,
    file_of,
    json_of,
    no_file,
    quantity_of,
    several_of,
    shown,
    text_of,
    text_or_environment,
    unexpected_arguments,
    whole_number,
    word_of,
)
from evalspec.data.globs import is_pattern
from evalspec.language.call_names import BASELINES, PROVIDERS, RESERVED_PARAMETERS, not_built_calls
from evalspec.language.candidates import Baseline, Environment, Hosted, ModelSpec, Price, Recorded
from evalspec.language.schema import BLOCKS
from evalspec.syntax import tree
from evalspec.text.diagnostics import did_you_mean, nearest, problem
from evalspec.text.units import Unit
from evalspec.text.values import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from evalspec.check.names import Declared
    from evalspec.text.source import Span
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
            models[name] = ModelSpec(name=name, at=block.name.at, use=found)
    return models


def _use(
    node: tree.Expr, entries: Entries, around: Surroundings, faults: Faults
) -> Hosted | Recorded | Baseline | None:
    if isinstance(node, tree.Text):
        return _hosted(node, entries, around, faults)
    call = call_of(node)
    name = call[0] if call is not None else ""
    if call is not None and name == "baseline":
        _no_parameters(entries, "a baseline", faults)
        return _baseline(node.at, call[1], call[2], around, faults)
    if call is not None and name == "recorded":
        _no_parameters(entries, "a recorded candidate", faults)
        return _recorded(node.at, call[1], call[2], faults)
    if name in not_built_calls("use"):
        faults.not_built(node.at, f"`{name}(…)`")
        return None
    at = node.function.at if isinstance(node, tree.Call) else None
    help_line, fixes = did_you_mean(name, ("baseline", "recorded"), at=at) if name else ("", ())
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


def _no_parameters(entries: Entries, what: str, faults: Faults) -> None:
    for name, entry in entries.attributes.items():
        if name != "use":
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
    return Hosted(
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


def _known_provider(node: tree.Text, faults: Faults) -> None:
    """Warns of a provider that is nearly one that litellm knows; others may be newer than this list."""
    provider = node.text.split("/", 1)[0]
    guess = nearest(provider, PROVIDERS)
    if provider not in PROVIDERS and guess is not None:
        faults.add("W0411", node.at, f"no provider `{provider}` is known", f"did you mean `{guess}`?")


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


# ── local ─────────────────────────────────────────────────────────────────────────────────────────


def _baseline(
    at: Span,
    arguments: tuple[tree.Expr, ...],
    named: dict[str, tree.Named],
    around: Surroundings,
    faults: Faults,
) -> Baseline | None:
    unexpected_arguments(at, "baseline", arguments[1:], named, ("columns", "train"), faults)
    if not arguments:
        faults.add(
            "E0306", at, "`baseline` needs its kind", f"one of {', '.join(f'{k!r}' for k in BASELINES)}"
        )
        return None
    kind = text_of(arguments[0], "the kind of baseline", faults)
    if kind is not None and kind not in BASELINES:
        help_line, fixes = did_you_mean(kind, BASELINES, at=arguments[0].at)
        faults.add("E0306", arguments[0].at, f"there is no baseline `{kind}`", help_line, fixes=fixes)
        kind = None
    train = _training(at, named.get("train"), around, faults)
    columns = _baseline_columns(at, kind, named.get("columns"), train, faults)
    if kind is None or train is None or columns is None:
        return None
    return Baseline(kind=kind, columns=columns, train=train.dataset.name)


def _training(at: Span, named: tree.Named | None, around: Surroundings, faults: Faults) -> Data | None:
    if named is None:
        faults.add("E0306", at, "`baseline` needs the dataset it learns from", "write `train = DATASET`")
        return None
    word = word_of(named.value, "`train`", faults)
    data = named_dataset(word, around.declared, around.data, faults) if word is not None else None
    if data is not None and data.dataset.label is None and data.types is not None and word is not None:
        faults.add("E0412", word.at, f"dataset `{data.dataset.name}` has no label to learn",
                   "write `label = COLUMN` in its block")  # fmt: skip
        return None
    return data


def _baseline_columns(
    at: Span, kind: str | None, named: tree.Named | None, train: Data | None, faults: Faults
) -> tuple[str, ...] | None:
    if named is None:
        if kind == "majority":
            return ()
        faults.add("E0306", at, "`baseline` needs the columns it reads", "write `columns = [body]`")
        return None
    words = several_of(named.value, "a column", faults)
    if words is None or train is None:
        return None
    columns = [known_column(word, train.scope, faults) for word in words]
    label = train.dataset.label
    told = {label} | {d.name for d in train.dataset.derive if d.expression.columns == {label}}
    for word in words:
        if label is not None and word.text in told:
            faults.add(
                "E0413", word.at, f"the baseline reads `{word.text}`, the label itself", "leave it out"
            )
            return None
    return tuple(c for c in columns if c is not None) if None not in columns else None


def _recorded(
    at: Span, arguments: tuple[tree.Expr, ...], named: dict[str, tree.Named], faults: Faults
) -> Recorded | None:
    before = len(faults.found)
    unexpected_arguments(at, "recorded", (), named, ("model",), faults)
    if not arguments:
        faults.add("E0306", at, "`recorded` needs a file", 'write `recorded("answers.jsonl")`')
        return None
    files = [path for argument in arguments for path in _recordings(argument, faults)]
    if len(faults.found) > before:
        return None
    model = named.get("model")
    name = text_of(model.value, "`model`", faults) if model is not None else None
    return Recorded(files=tuple(files), model=name)


def _recordings(argument: tree.Expr, faults: Faults) -> list[Path]:
    """The files that an argument of `recorded` means; a text and a `file(…)` are the same."""
    call = argument
    if isinstance(argument, tree.Text):
        call = tree.Call(tree.Name("file", argument.at), (argument,), (), argument.at)
    found = file_of(call, faults)
    if found is None:
        return []
    written, path = found
    folder = argument.at.source.folder
    if is_pattern(written, folder):
        return [folder / match.written for match in pattern_matches(argument, written, faults) or ()]
    if not path.is_file():
        no_file(argument.at, written, path, faults)
    return [path]
