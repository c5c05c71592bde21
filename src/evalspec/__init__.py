"""evalspec: which language model works on your task, at your latency, with your costs of error.

The public functions are loaded when they are first used, so that `import evalspec` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from evalspec.api import Checked, Results, check, plan, run, run_async

__all__ = ["Checked", "Results", "__version__", "check", "plan", "run", "run_async"]


def __getattr__(name: str) -> object:
    if name in __all__:
        from evalspec import api

        return getattr(api, name)
    raise AttributeError(f"module 'evalspec' has no attribute {name!r}")
