"""Finding a stored run again: by id, beginning, `last`, or a results file; and scoring it anew."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from evalspec.check.params import UnknownSetting
from evalspec.cli.main import Usage
from evalspec.cli.output import environment
from evalspec.models.faults import EvalspecFault
from evalspec.pipeline import Front, check_file
from evalspec.plan.plan import EmptySelection, Plan
from evalspec.recording import selection_of, settings_of
from evalspec.running import STORE, Outdated, rescore
from evalspec.score.results import Results
from evalspec.score.wording import document
from evalspec.store.database import FILE_NAME
from evalspec.store.faults import NoSuchRun
from evalspec.store.store import Store

if TYPE_CHECKING:
    from evalspec.run.replay import Replayed
    from evalspec.text.values import Json


def add_stored(parser: argparse.ArgumentParser) -> None:
    """Adds `RUN`, `--spec`, `--store`, `--env-file`."""
    parser.add_argument(
        "run_name", metavar="RUN", help="an id, the beginning of one, `last`, `last~1`, or a results file"
    )
    parser.add_argument("--spec", type=Path, metavar="FILE", help="another spec than the run's")
    parser.add_argument(
        "--store", type=Path, metavar="DIR", help="where answers are kept (.evalspec here or one folder down)"
    )
    parser.add_argument(
        "--env-file", type=Path, action="append", default=[], metavar="FILE", help="read variables from FILE"
    )


class Stale(Exception):
    """A stored run cannot be scored with the spec as it stands; the message says why, and what to run."""


@contextmanager
def stored_run(options: argparse.Namespace) -> Iterator[tuple[Front, Plan, Replayed, Results]]:
    """The run scored again. Raises Usage where there is none, SpecFault, Stale and EvalspecFault."""
    beside = [] if options.spec is None else [options.spec]
    with kept_run(str(options.run_name), options.store, beside) as (store, record):
        spec = from_here(options.spec or Path(str(record["spec"])))
        try:
            front = check_file(spec, settings=settings_of(record.get("params")))
            plan, replayed, results = rescore(record, front, store, environment(options.env_file))
        except Outdated as fault:
            command = _command(record, front.source.name, options)
            raise Stale(f"{fault}\n  = help: `{command}` asks what is missing") from fault
        except (EmptySelection, UnknownSetting) as fault:
            raise Usage(str(fault)) from fault
        yield front, plan, replayed, results


@contextmanager
def kept_run(
    name: str, given: Path | None, beside: Sequence[Path] = ()
) -> Iterator[tuple[Store, Mapping[str, Json]]]:
    """The store that holds a run, and its record. Raises Usage where there is none, and StoreFault."""
    if name.endswith(".json"):
        beside = (*beside, Path(name))
        name = _from_results(Path(name))
    with Store.open(_store(name, given, beside), readonly=True) as store:
        yield store, _record(store, name)


def stores_here(given: Path | None) -> tuple[Path, ...]:
    """The store given, else all here and one folder down. Raises Usage where there is none."""
    if given is not None:
        return (_store("last", given, ()),)
    return tuple(folder for folder in _looked_at() if _holds_store(folder))


def _command(record: Mapping[str, Json], spec: str, options: argparse.Namespace) -> str:
    """The command that runs again what a stored run ran."""
    chosen = selection_of(record.get("selection"))
    flags = {
        "--models": ",".join(chosen.models),
        "--tasks": ",".join(chosen.tasks),
        "--subset": chosen.subset,
        "--limit": chosen.limit,
        "--seed": record.get("seed"),
        "--store": options.store,
    }
    given = [word for flag, value in flags.items() if value for word in (flag, str(value))]
    given += [
        word for item in settings_of(record.get("params")).items() for word in ("--set", "=".join(item))
    ]
    files = [word for file in options.env_file for word in ("--env-file", str(file))]
    return shlex.join(["evalspec", "run", spec, *given, *files])


def _from_results(path: Path) -> str:
    """The id of the run whose results a file holds."""
    try:
        return str(document(Results.load(path).document["run"])["id"])
    except (OSError, ValueError, KeyError) as fault:
        raise Usage(f"{path} holds no results: {fault}") from fault


def _record(store: Store, name: str) -> Mapping[str, Json]:
    try:
        return store.find_run(name)
    except NoSuchRun as fault:
        raise Usage(str(fault)) from fault


def _store(name: str, given: Path | None, beside: Sequence[Path]) -> Path:
    """The store that holds the run: the one given, else one beside these files, here or one folder down."""
    if given is not None:
        if not _holds_store(given):
            raise Usage(f"there is no store in {given}")
        return given
    near = [file.parent / STORE for file in beside]
    found = [folder for folder in dict.fromkeys([*near, *_looked_at()]) if _holds_store(folder)]
    if not found:
        raise Usage(
            "there is no store here\n"
            "  = help: name it by `--store DIR`; `evalspec run` keeps one beside its spec"
        )
    newest = [(started, folder) for folder in found if (started := _started(folder, name)) is not None]
    return max(newest)[1] if newest else found[0]


def store_flag(folder: Path) -> str:
    """What to add to a command so that it finds this store, with a blank before it; often nothing."""
    known = {place.resolve() for place in _looked_at()}
    return "" if folder.resolve() in known else f" --store {shlex.quote(str(folder))}"


def _looked_at() -> list[Path]:
    """Where stores are looked for when none is named."""
    return [Path(STORE), *sorted(Path().glob(f"*/{STORE}"))]


def _holds_store(folder: Path) -> bool:
    try:
        return (folder / FILE_NAME).exists()
    except OSError:
        return False


def _started(folder: Path, name: str) -> str | None:
    try:
        with Store.open(folder, readonly=True) as store:
            return str(store.find_run(name)["started_at"])
    except EvalspecFault:  # neither another spec's store nor a damaged one stands in the way of this run
        return None


def from_here(path: Path) -> Path:
    """The path as one would write it here."""
    try:
        return path.resolve().relative_to(Path.cwd())
    except ValueError:
        return path
