"""How values are declared, and the shape of JSON for those that cross the border to files and networks.

`dataclass`, `field` and `replace` mean what the standard ones mean, and type checkers see the standard
ones; what runs is in `records.py`, because it costs a tenth at start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass, field, replace
else:
    from evalspec.text.records import dataclass, field, replace

__all__ = ["Json", "dataclass", "field", "replace"]

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
