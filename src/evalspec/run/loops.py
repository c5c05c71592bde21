"""The process that a run takes place in: uvloop where it is installed, which is quicker, and few searches
for garbage, and threads that take turns quickly."""

from __future__ import annotations

import gc
import sys
from importlib.util import find_spec

GARBAGE_AT = (100_000, 50, 50)
TURN_S = 0.0005  # a thread's turn: in Python's own 5 ms, replies that are to be kept pile up


def settle() -> None:
    """Has the collector look seldom, and never at what is there already: modules, spec and data stay, and a
    request leaves little that counting references does not free. It took an eighth of a run's CPU."""
    gc.freeze()
    gc.set_threshold(*GARBAGE_AT)
    sys.setswitchinterval(TURN_S)


def loop_options() -> dict[str, bool]:
    """What `anyio.run` is to be told as its `backend_options`."""
    return {"use_uvloop": sys.platform != "win32" and find_spec("uvloop") is not None}
