"""Which kept run is meant: by its id, the beginning of one, or how long ago it was."""

from __future__ import annotations

import re
from collections.abc import Sequence

from evalspec.store.faults import NoSuchRun

_LAST = re.compile(r"last(?:~([0-9]{1,9}))?")
_SHOWN = 5


def choose_run(name: str, ids: Sequence[str]) -> str:
    """The id that `name` means among `ids`, the newest first. `last~1` is the run before the last.

    Raises NoSuchRun where it means none or several.
    """
    if name in ids:
        return name
    if not ids:
        raise NoSuchRun(f"there is no run `{name}`: no run is kept here yet")
    if ago := _LAST.fullmatch(name):
        return _by_age(name, int(ago[1] or 0), ids)
    meant = [known for known in ids if name and known.startswith(name)]
    match meant:
        case [one]:
            return one
        case []:
            raise NoSuchRun(f"there is no run `{name}`; the latest are {_listed(ids)}")
        case _:
            raise NoSuchRun(f"`{name}` may be {len(meant)} runs: {_listed(meant)}; say more of its id")


def _by_age(name: str, back: int, ids: Sequence[str]) -> str:
    if back >= len(ids):
        count = "1 run is" if len(ids) == 1 else f"{len(ids)} runs are"
        raise NoSuchRun(f"there is no run `{name}`: {count} kept here")
    return ids[back]


def _listed(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else ""
    return ", ".join(ids[:_SHOWN]) + more
