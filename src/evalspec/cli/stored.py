"""Finding a stored run again: by id, beginning, `last`, or a results file; and scoring it anew."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from evalspec.cli.main import Usage
from evalspec.cli.output import environment
from evalspec.models.faults import EvalspecFault
from evalspec.pipeline import Front, check_file
from evalspec.plan.plan import Plan
from evalspec.run.replay import Replayed
from evalspec.running import STORE, rescore
from evalspec.score.results import Results
from evalspec.score.wording import document
from evalspec.store.store import Store
from evalspec.text.values import Json


def add_stored(parser: argparse.ArgumentParser) -> None:
    """Adds `RUN`, `--spec`, `--store`, `--env-file`."""
    parser.add_argument("run_name", metavar="RUN", help="an id, the beginning of one, `last`, `last~1`, or a results file")
    parser.add_argument("--spec", type=Path, metavar="FILE", help="another spec than the run's")
    parser.add_argument("--store", type=Path, metavar="DIR", help="where answers are kept (.evalspec here or one folder down)")
    parser.add_argument("--env-file", type=Path, action="append", default=[], metavar="FILE", help="read variables from FILE")


@contextmanager
def stored_run(options: argparse.Namespace) -> Iterator[tuple[Front, Plan, Replayed, Results]]:
    """The run scored again. Raises Usage where there is none, SpecFault, Outdated and EvalspecFault."""
    name, spec = str(options.run_name), options.spec
    if name.endswith(".json"):
        name, spec = _from_results(Path(name), spec)
    folder = _store(name, options.store, spec)
    with Store.open(folder, readonly=True) as store:
        record = _record(store, name)
        path = spec if spec is not None else Path(str(record["spec"]))
        front = check_file(_from_here(path))
        plan, replayed, results = rescore(record, front, store, environment(options.env_file))
        yield front, plan, replayed, results


def _from_results(path: Path, spec: Path | None) -> tuple[str, Path | None]:
    try:
        run = document(Results.load(path).document["run"])
    except (OSError, ValueError) as fault:
        raise Usage(f"{fault}") from fault
    return str(run["id"]), spec if spec is not None else Path(str(run["spec"]))


def _record(store: Store, name: str) -> Mapping[str, Json]:
    try:
        return store.find_run(name)
    except EvalspecFault as fault:
        raise Usage(str(fault)) from fault


def _store(name: str, given: Path | None, spec: Path | None) -> Path:
    """The store that holds the run: the one given, the spec's, else one here or one folder down."""
    if given is not None:
        return given
    here = [spec.parent / STORE] if spec is not None else [Path(STORE), *sorted(Path().glob(f"*/{STORE}"))]
    found = [folder for folder in here if (folder / "answers.sqlite3").exists()]
    if not found:
        raise Usage("there is no store here\n  = help: name it by `--store DIR`; `evalspec run` keeps one beside its spec")
    newest = [(started, folder) for folder in found if (started := _started(folder, name)) is not None]
    return max(newest)[1] if newest else found[0]


def _started(folder: Path, name: str) -> str | None:
    with Store.open(folder, readonly=True) as store:
        try:
            return str(store.find_run(name)["started_at"])
        except EvalspecFault:
            return None


def _from_here(path: Path) -> Path:
    """The path as one would write it here."""
    try:
        return path.resolve().relative_to(Path.cwd())
    except ValueError:
        return path
