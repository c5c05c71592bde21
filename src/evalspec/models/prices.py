"""What a hosted candidate's tokens cost: the spec's price, else the table that comes with litellm.

The table is read as a file, without importing litellm (45 ms against seconds), once a process, and
only routes that it names exactly have a price: a guessed price is worse than none.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import math
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

from evalspec.language.candidates import Environment, Hosted, Price
from evalspec.text.values import dataclass

TABLE = "model_prices_and_context_window_backup.json"
EXPLANATION = "sample_spec"  # the table's own description of its fields, in the shape of an entry
PER = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of the table: who serves it, the price, the longest answer in tokens where it is told.

    `in_batches` is the price of what is asked by the batch endpoint, where the table tells one.
    """

    provider: str
    price: Price
    output_limit: int | None
    in_batches: Price | None = None


def price_of(use: Hosted) -> Price | None:
    """The price of a candidate's tokens, or None where nobody knows it.

    A gateway (`base_url`) is taken to charge the list price of the model that it is asked for by name; a
    model on this machine has no price but the one that the spec gives. That one is the price of the mode in
    which the model is asked; of the table it is the price of batches for what is asked in batches.
    """
    if use.price is not None or _on_this_machine(use.base_url):
        return use.price
    entry = listed(use.route)
    if entry is None:
        return None
    return entry.in_batches if use.batch else entry.price


def _on_this_machine(base_url: str | Environment | None) -> bool:
    host = urlsplit(base_url).hostname if isinstance(base_url, str) else None
    return host is not None and (host in ("localhost", "::1") or host.startswith("127."))


def cost_of(
    price: Price | None, input_tokens: int | None, output_tokens: int | None, cached: int | None = None
) -> Decimal | None:
    """Dollars for one call; None where the price or a count is unknown. `cached` are part of the input."""
    if price is None or input_tokens is None or output_tokens is None:
        return None
    remembered = min(cached or 0, input_tokens) if price.cached_input is not None else 0
    read = price.input * (input_tokens - remembered) + (price.cached_input or 0) * remembered
    return (read + price.output * output_tokens) / price.per


def listed(route: str) -> Listed | None:
    """The table's line on a route, `provider/model` or as the table spells it."""
    provider, _, model = route.partition("/")
    entry = _table().get(route)
    if entry is None and model:
        entry = _table().get(model)
        if entry is not None and entry.provider != provider:
            entry = None
    return entry


@functools.cache
def _table() -> Mapping[str, Listed]:
    """The lines of the table that give a price, by name; prices are for a million tokens."""
    spec = importlib.util.find_spec("litellm")
    if spec is None or spec.origin is None:
        return {}
    file = Path(spec.origin).with_name(TABLE)
    if not file.exists():
        return {}
    entries = json.loads(file.read_text(encoding="utf-8"), parse_float=Decimal)
    entries.pop(EXPLANATION, None)
    return {name: read for name, entry in entries.items() if (read := _entry(entry)) is not None}


def _entry(entry: object) -> Listed | None:
    if not isinstance(entry, dict):
        return None
    price = _price(entry, "")
    if price is None:
        return None
    limit = _whole(entry.get("max_output_tokens"))
    return Listed(str(entry.get("litellm_provider")), price, limit, _price(entry, "_batches"))


def _price(entry: Mapping[str, object], mode: str) -> Price | None:
    """The price that a line tells for a mode, by the ending of its fields' names."""
    asked, said = entry.get(f"input_cost_per_token{mode}"), entry.get(f"output_cost_per_token{mode}")
    if not isinstance(asked, Decimal | int) or not isinstance(said, Decimal | int):
        return None
    cached = entry.get(f"cache_read_input_token_cost{mode}")
    remembered = cached * PER if isinstance(cached, Decimal | int) else None
    return Price(input=asked * PER, output=said * PER, per=PER, cached_input=remembered)


def _whole(value: object) -> int | None:
    """A count of tokens; some lines write it as a decimal, or as a text that means nothing."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not math.isfinite(value):
        return None
    return int(value) if value > 0 else None
