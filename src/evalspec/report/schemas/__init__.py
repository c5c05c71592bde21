"""The JSON Schemas of what evalspec writes and reads."""

from __future__ import annotations

from importlib import resources

NAMES = ("plan", "results", "recorded", "diagnostics")


def schema_text(name: str) -> str:
    """The schema of a format, as JSON text. Raises KeyError for a name that is none."""
    if name not in NAMES:
        raise KeyError(name)
    return resources.files(__name__).joinpath(f"{name}.json").read_text(encoding="utf-8")
