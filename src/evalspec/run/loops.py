"""The event loop that a run takes place in: uvloop where it is installed, which is quicker."""

from __future__ import annotations

import sys
from importlib.util import find_spec


def loop_options() -> dict[str, bool]:
    """What `anyio.run` is to be told as its `backend_options`."""
    return {"use_uvloop": sys.platform != "win32" and find_spec("uvloop") is not None}
