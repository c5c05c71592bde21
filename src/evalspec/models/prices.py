"""What a hosted candidate's tokens cost: the spec's price, else the table that comes with litellm.

The table is read as a file, without importing litellm (45 ms against seconds), once a process, and
only routes that it names exactly have a price: a guessed price is worse than none.
"""

from __future__ import annotations

import functools
import importlib.util
import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

from evalspec.language.candidates import Environment, Hosted, Price

TABLE = "model_prices_and_context_window_backup.json"
EXPLANATION = "sample_spec"  # the table's own description of its fields, in the shape of an entry
PER = Decimal(1_000_000)


def price_of(use: Hosted) -> Price | None:
    """The price of a candidate's tokens, or None where nobody knows it.

    A gateway (`base_url`) is taken to charge the list price of the model that it is asked for by name; a
    model on this machine has no price but the one that the spec gives.
    """
    if use.price is not None:
        return use.price
    return None if _on_this_machine(use.base_url) else listed_price(use.route)


def _on_this_machine(base_url: str | Environment | None) -> bool:
    host = urlsplit(base_url).hostname if isinstance(base_url, str) else None
    return host is not None and (host in ("localhost", "::1") or host.startswith("127."))


def cost_of(price: Price | None, input_tokens: int | None, output_tokens: int | None) -> Decimal | None:
    """Dollars for one call; None where the price or a count is unknown."""
    if price is None or input_tokens is None or output_tokens is None:
        return None
    return (price.input * input_tokens + price.output * output_tokens) / price.per


def listed_price(route: str) -> Price | None:
    """The bundled price of a route, `provider/model` or as the table spells it."""
    provider, _, model = route.partition("/")
    entry = _table().get(route)
    if entry is None and model:
        entry = _table().get(model)
        if entry is not None and entry[0] != provider:
            entry = None
    return entry[1] if entry is not None else None


@functools.cache
def _table() -> Mapping[str, tuple[str, Price]]:
    """For each name in the table: the provider and the price for a million tokens."""
    spec = importlib.util.find_spec("litellm")
    if spec is None or spec.origin is None:
        return {}
    file = Path(spec.origin).with_name(TABLE)
    if not file.exists():
        return {}
    entries = json.loads(file.read_text(encoding="utf-8"), parse_float=Decimal)
    entries.pop(EXPLANATION, None)
    return {name: read for name, entry in entries.items() if (read := _entry(entry)) is not None}


def _entry(entry: object) -> tuple[str, Price] | None:
    if not isinstance(entry, dict):
        return None
    asked, said = entry.get("input_cost_per_token"), entry.get("output_cost_per_token")
    if not isinstance(asked, Decimal | int) or not isinstance(said, Decimal | int):
        return None
    price = Price(input=asked * PER, output=said * PER, per=PER)
    return str(entry.get("litellm_provider")), price
