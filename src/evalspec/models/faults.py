"""Misuse and broken surroundings: what is raised, never returned, and shown to the user as one sentence.

EvalspecFault                 the root: every room's faults come under it
├── MissingEnvironment        a candidate needs an environment variable that is not set
├── UnusableSetting           what the environment or the spec says about an endpoint cannot be used
├── CodeNotAllowed         a candidate is code of the user's own, and nobody allowed to run it
├── Unconnectable             a kind of candidate that this version cannot ask
└── UnusableTraining          a baseline has nothing to learn from (also a ValueError)

A user's mistake in a spec is a `Diagnostic`, a failed model call is a `Failure`: neither is raised.
"""

from __future__ import annotations


class EvalspecFault(Exception):
    """Something outside the spec stands in the way. The message says what, and what to do."""


class MissingEnvironment(EvalspecFault):
    """Candidate `model` needs the environment variable `variable`, which is unset or empty."""

    def __init__(self, model: str, variable: str) -> None:
        super().__init__(f"model `{model}` needs the environment variable {variable}, which is not set")
        self.model = model
        self.variable = variable


class UnusableSetting(EvalspecFault):
    """An address, header or certificate file that cannot be used. The message never holds its value."""


class CodeNotAllowed(EvalspecFault):
    """Candidate `model` runs `function` of a file of the user's own, which was not allowed."""

    def __init__(self, model: str, function: str) -> None:
        super().__init__(
            f"model `{model}` runs {function}, which is code of your own: give `--allow-code` to allow that"
        )
        self.model = model


class Unconnectable(EvalspecFault):
    """A kind of candidate that is understood and planned, and cannot be asked yet."""


class UnusableTraining(EvalspecFault, ValueError):
    """A baseline's training rows teach it nothing: there are none, one class only, or no words."""
