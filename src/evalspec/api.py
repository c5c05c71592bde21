"""evalspec from Python: `check`, `plan`, `run` and `run_async`, `Results` that show themselves, `Policy`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

from evalspec.pipeline import Front, check_file
from evalspec.score.shipped import Policy
from evalspec.text.diagnostics import Diagnostic, errors
from evalspec.text.values import dataclass

__all__ = ["Checked", "Policy", "Results", "check", "plan", "run", "run_async"]

if TYPE_CHECKING:
    from evalspec.plan.plan import Plan
    from evalspec.running import Options
    from evalspec.score.results import Document
    from evalspec.score.results import Results as ResultsDocument


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found. `ok` where the spec can be run."""

    front: Front

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        return self.front.diagnostics

    @property
    def ok(self) -> bool:
        return not errors(self.front.diagnostics)

    def __str__(self) -> str:
        from evalspec.report.diagnostics import Form, render

        return render(self.diagnostics, Form.TEXT)


@dataclass(frozen=True, slots=True)
class Results:
    """The results of a run. `document` is results.json; `incomplete` tells why something is missing."""

    held: ResultsDocument
    incomplete: str | None = None

    @classmethod
    def load(cls, path: str | Path) -> Results:
        """The results in a file. Raises OSError, or ValueError where it holds none."""
        from evalspec.score.results import Results as ResultsDocument

        return cls(ResultsDocument.load(path))

    @property
    def document(self) -> Document:
        return self.held.document

    def to_json(self) -> str:
        """results.json as text."""
        return self.held.to_json()

    def table(self) -> str:
        """The ranked table and the sentences under it."""
        from evalspec.report.table import render_results

        return render_results(self.held)

    def __str__(self) -> str:
        return self.table()

    def _repr_markdown_(self) -> str:
        """How a notebook shows them."""
        from evalspec.report.table import TableForm, render_results

        return render_results(self.held, TableForm.MARKDOWN)


def check(path: str | Path, *, read_data: bool = True) -> Checked:
    """What is wrong with a spec and its data. Sends nothing, runs no code, never raises for their content."""
    return Checked(check_file(Path(path), read_data=read_data))


def plan(path: str | Path, **options: object) -> Plan:
    """What a run would ask. Options as for `run`. Raises SpecFault and EmptySelection."""
    from evalspec.planning import load
    from evalspec.running import plan_of

    front, how = load(Path(path), _options(options))
    return plan_of(front, how)


def run(path: str | Path, *, environment: Mapping[str, str] | None = None, **options: object) -> Results:
    """Runs a spec or plan: asks what is missing, scores, keeps the answers.

    Options: `models`, `tasks` (names), `subset`, `limit`, `seed`, `max_concurrency`, `max_spend` (dollars),
    `settings` (values for `params`, by name), `store` (a folder), `cache` (False keeps nothing), `allow_code`
    (True runs functions that the spec names). Raises SpecFault for a spec that is wrong, EmptySelection,
    ValueError for a `max_spend` that is no amount, and EvalspecFault where nothing could be asked.
    """
    import anyio

    async def whole() -> Results:
        return await run_async(path, environment=environment, **options)

    return anyio.run(whole)


async def run_async(
    path: str | Path, *, environment: Mapping[str, str] | None = None, **options: object
) -> Results:
    """The same inside a running event loop."""
    from evalspec.planning import load
    from evalspec.running import run_plan, runnable_plan

    front, how = load(Path(path), _options(options))
    variables = os.environ if environment is None else environment
    ran = await run_plan(runnable_plan(front, how), front, how, variables)
    return Results(ran.results, str(ran.fault) if ran.fault is not None else None)


KNOWN = (
    "models", "tasks", "subset", "limit", "seed", "max_concurrency", "max_spend", "settings", "store",
    "cache", "allow_code",
)  # fmt: skip


def _options(given: Mapping[str, object]) -> Options:
    from evalspec.plan.plan import Selection
    from evalspec.running import Options

    unknown = sorted(set(given) - set(KNOWN))
    if unknown:
        raise TypeError(f"unknown option {unknown[0]!r}; known: {', '.join(KNOWN)}")
    subset, limit, store = given.get("subset"), given.get("limit"), given.get("store")
    settings = given.get("settings")
    concurrency, seed = given.get("max_concurrency"), given.get("seed", 0)
    return Options(
        selection=Selection(
            models=_names(given.get("models")),
            tasks=_names(given.get("tasks")),
            subset=None if subset is None else str(subset),
            limit=limit if isinstance(limit, int) else None,
        ),
        seed=seed if isinstance(seed, int) else 0,
        concurrency=concurrency if isinstance(concurrency, int) else None,
        store=None if store is None else Path(str(store)),
        keep=bool(given.get("cache", True)),
        settings={str(k): str(v) for k, v in settings.items()} if isinstance(settings, Mapping) else {},
        allow_code=given.get("allow_code") is True,
        max_spend=_dollars(given.get("max_spend")),
    )


def _dollars(value: object) -> Decimal | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ValueError(f"max_spend is an amount of dollars, not {value!r}")
    try:
        usd = Decimal(str(value))
    except InvalidOperation:
        usd = Decimal("NaN")
    if not usd.is_finite() or usd <= 0:
        raise ValueError(f"max_spend is an amount of dollars above 0, not {value!r}")
    return usd


def _names(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    return (
        (value,) if isinstance(value, str) else tuple(map(str, value if isinstance(value, Sequence) else ()))
    )
