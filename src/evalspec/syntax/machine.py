"""The LALR machine: a stack of states that takes one token after the other and builds as it goes.

It knows the table and nothing of specs: what a complete rule makes is said by whoever drives it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evalspec.syntax.table import END, RULES, STATES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Make = "Callable[[list[Any]], object]"  # from the parts of a rule to what it makes


def gathered(parts: list[Any]) -> list[Any]:
    """The parts of a repetition, in a list of its own, which grows in place: linear in its length."""
    if parts and isinstance(parts[0], list):
        first: list[Any] = parts[0]
        first += parts[1:]
        return first
    return parts


class Machine:
    """The stack of one parse. `makers` says by the name of a rule what its parts become."""

    def __init__(self, makers: Mapping[str, Callable[[list[Any]], object]]) -> None:
        self.states = [0]
        self.values: list[Any] = []
        # A rule of one part whose name begins with `_` only passes it on: no maker is called for it.
        self.rules: list[tuple[str, int, Callable[[list[Any]], object] | None]] = [
            (name, parts, gathered if name.startswith("__") else makers.get(name)) for name, parts in RULES
        ]

    def feed(self, kind: str, value: object) -> bool:
        """Takes a token, after completing the rules that end before it. False where it does not fit."""
        states, values, rules = self.states, self.values, self.rules
        while True:
            action = STATES[states[-1]].get(kind)
            if action is None:
                return False
            if action >= 0:
                states.append(action)
                values.append(value)
                return True
            name, length, make = rules[-1 - action]
            if make is None:
                states.pop()
            else:
                parts = values[len(values) - length :]
                if length:
                    del values[-length:], states[-length:]
                values.append(make(parts))
            states.append(STATES[states[-1]][name])

    def finish(self) -> Any:
        """What the whole text makes, at its end. Only where `$END` is accepted."""
        while self.states[-1] != END:
            self.feed("$END", None)
        return self.values[-1]

    def accepts(self) -> frozenset[str]:
        """The terminals that would fit now."""
        return frozenset(kind for kind in STATES[self.states[-1]] if kind.isupper() and self._fits(kind))

    def _fits(self, kind: str) -> bool:
        states = list(self.states)
        while True:
            action = STATES[states[-1]].get(kind)
            if action is None or action >= 0:
                return action is not None
            name, length, _ = self.rules[-1 - action]
            if length:
                del states[-length:]
            states.append(STATES[states[-1]][name])
            if states[-1] == END:
                return True

    def drop_until(self, kind: str) -> None:
        """Takes parts off the stack until a token of this kind fits."""
        while kind not in STATES[self.states[-1]]:
            self.states.pop()
            self.values.pop()
