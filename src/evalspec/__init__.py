"""evalspec: which language model works on your task, at your latency, with your costs of error.

The public functions are loaded when they are first used, so that `import evalspec` costs nothing.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from evalspec.api import Checked, Policy, Results, check, plan, run, run_async

__all__ = ["Checked", "Policy", "Results", "__version__", "check", "plan", "run", "run_async"]


class _Package(ModuleType):
    """Keeps `evalspec.check`, `.plan` and `.run` the public functions.

    Rooms have these names too, and importing one would bind it here in the function's place.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in __all__ and isinstance(value, ModuleType)):
            super().__setattr__(name, value)

    def __getattr__(self, name: str) -> object:
        if name in __all__:
            from evalspec import api

            return getattr(api, name)
        raise AttributeError(f"module 'evalspec' has no attribute {name!r}")


sys.modules[__name__].__class__ = _Package
