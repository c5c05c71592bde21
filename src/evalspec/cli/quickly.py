"""What a short command spares itself: modules that it names and does not need, and looking for cycles.

Only `check` does this, in a process of its own and without threads: whoever imports evalspec finds the
standard library as it is.
"""

from __future__ import annotations

import gc
import sys
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# What loading takes, in ms of CPU, beside a bare interpreter of 11: tempfile 7 (with shutil, bz2, lzma),
# datetime 2, hashlib 2, ipaddress (which pathlib names) 1.5, csv 1, the others less. Some are needed all the
# same where there are prompts (hashlib) or csv data (csv).
SELDOM_USED = (
    "base64", "csv", "datetime", "difflib", "glob", "gzip", "hashlib", "ipaddress", "json", "linecache",
    "shlex", "shutil", "string", "tempfile", "textwrap", "tokenize", "unicodedata",
)  # fmt: skip


class _PutOff(ModuleType):
    """A module that is not loaded yet. Only what it lacks is asked of `__getattr__`: then it is filled.

    (`importlib.util.LazyLoader` fills a module already when it is imported a second time.)
    """

    def __getattr__(self, name: str) -> object:
        self.__class__ = ModuleType  # type: ignore[assignment]
        spec = self.__spec__
        assert spec is not None and spec.loader is not None  # noqa: S101, PT018 - `put_off` saw to it
        spec.loader.exec_module(self)
        return getattr(self, name)


def start_quickly() -> None:
    """Puts off what is seldom needed, and looks for cycles seldom: start-up makes none, which saves 3 ms."""
    put_off()
    gc.set_threshold(100_000, 20, 20)


def end_quickly() -> None:
    """Lets the process end without looking through all its values for cycles once more: saves 14 ms."""
    gc.freeze()


def put_off(names: Iterable[str] = SELDOM_USED) -> None:
    """Puts an empty module in the place of each that is not loaded yet; its first use fills it."""
    for name in names:
        spec = None if name in sys.modules else find_spec(name)
        if spec is not None and spec.loader is not None:
            module = module_from_spec(spec)
            module.__class__ = _PutOff
            sys.modules[name] = module
