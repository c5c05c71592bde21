"""What a candidate's limits are shared by, beside its endpoint: the account, and what its client can stand.

Between the adapters, which know keys and clients, and the gates, which let requests out. An account is known
by a digest with a salt of this process, so that nothing can be learnt from it and nobody has a use for it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from evalspec.models.model import digest

if TYPE_CHECKING:
    from evalspec.models.model import Model

_SALT = os.urandom(16).hex()
# Words in the names of headers that say who asks.
IDENTIFYING = ("auth", "key", "token", "secret", "cookie", "organization", "project", "account", "tenant")
NOT_IDENTIFYING = frozenset({"idempotency-key"})


class Cap(NamedTuple):
    """No more than so many requests at once, of all candidates together that name the same."""

    most: int
    shared_by: str


def account(headers: Mapping[str, str], others: Iterable[str] = ()) -> str:
    """The account that requests with these headers, and other texts that say who asks, are reckoned to."""
    telling = sorted((name.casefold(), value) for name, value in headers.items() if _identifies(name))
    return digest(_SALT, [list(pair) for pair in telling], list(others))[:16]


def _identifies(header: str) -> bool:
    name = header.casefold()
    return name not in NOT_IDENTIFYING and any(word in name for word in IDENTIFYING)


def account_of(model: Model) -> str:
    """The account of a candidate; all that have none are of one."""
    found = getattr(model, "account", "")
    return found if isinstance(found, str) else ""


def cap_of(model: Model) -> Cap | None:
    """What a candidate's client can stand, where it says so."""
    found = getattr(model, "cap", None)
    return found if isinstance(found, Cap) else None


def shared_names(models: Mapping[str, Model]) -> Mapping[str, str]:
    """For each candidate what it shares its pace by: the endpoint, numbered where several accounts ask it."""
    accounts: dict[str, dict[str, int]] = {}
    for model in models.values():
        known = accounts.setdefault(model.endpoint, {})
        known.setdefault(account_of(model), len(known) + 1)
    return {name: _named(model, accounts[model.endpoint]) for name, model in models.items()}


def _named(model: Model, accounts: Mapping[str, int]) -> str:
    number = accounts[account_of(model)]
    return model.endpoint if len(accounts) == 1 else f"{model.endpoint} (account {number})"
