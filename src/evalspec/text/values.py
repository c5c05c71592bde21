"""The shape of JSON, for values that cross the border to files and networks."""

from __future__ import annotations

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
