"""`evalspec init`: a first spec that runs as it stands, or one over a user's own data."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from evalspec.cli.main import DONE, SPEC_WRONG, Usage
from evalspec.cli.output import OutputFault, tell
from evalspec.report.diagnostics import summary_line
from evalspec.report.glyphs import visible
from evalspec.starting.candidates import NoRoute
from evalspec.starting.own import Faulty, Start, Unclear, Wanted, start_from
from evalspec.starting.sample import SPEC, sample_files
from evalspec.starting.wording import worded
from evalspec.starting.writing import AlreadyThere, Unwritable, write_new

OF_DATA = ("label", "models", "train", "output", "seed")


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `init` takes."""
    parser.add_argument("folder", nargs="?", type=Path, metavar="DIR", help="where it is written (here)")
    parser.add_argument(
        "--data",
        type=Path,
        metavar="FILE",
        help="write a spec over these data: csv, tsv, json, jsonl, parquet",
    )
    parser.add_argument("--label", metavar="COLUMN", help="the column of right answers")
    parser.add_argument(
        "--models", metavar="A,B", help="candidates: gpt-5-mini, claude-haiku-4-5, provider/model, logistic"
    )
    parser.add_argument("--train", type=Path, metavar="FILE", help="rows for the baselines to learn from")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="the spec's name (DATA.eval)")
    parser.add_argument("--seed", type=int, metavar="N", help="the seed of the split into two parts (0)")


def run(options: argparse.Namespace) -> int:
    """Writes the files, and says what to do next."""
    folder = options.folder if options.folder is not None else Path()
    if options.data is None:
        given = next((name for name in OF_DATA if getattr(options, name) is not None), None)
        if given is not None:
            raise Usage(f"`--{given}` needs `--data FILE`")
        _write(sample_files(folder))
        _next(folder / SPEC)
        return DONE
    spec = _spec(options, folder)
    try:
        start = start_from(_wanted(options, spec))
    except Faulty as fault:
        tell(fault.diagnostics)
        print(
            f"{visible(str(options.data))}: {summary_line(fault.diagnostics)}; nothing was written",
            file=sys.stderr,
        )
        return SPEC_WRONG
    except Unclear as fault:
        raise Usage(_lines_visible(str(fault))) from fault
    except NoRoute as fault:
        raise Usage(
            f"which provider has `{visible(str(fault))}`?\n"
            "  = help: write it in front (`openrouter/…`), or name majority, naive_bayes or logistic"
        ) from fault
    tell(start.warnings)
    _write({**start.files, spec: worded(start.findings, spec.name).encode()})
    _tell_found(start)
    _next(spec)
    return DONE


def _wanted(options: argparse.Namespace, spec: Path) -> Wanted:
    models = [name.strip() for name in (options.models or "").split(",")]
    if options.seed is not None and options.seed < 0:
        raise Usage("`--seed` is at least 0")
    return Wanted(
        data=options.data,
        label=options.label,
        models=tuple(name for name in models if name),
        train=options.train,
        spec=spec,
        seed=options.seed or 0,
    )


def _spec(options: argparse.Namespace, folder: Path) -> Path:
    if options.output is not None:
        if options.folder is not None:
            raise Usage("give a folder or `-o FILE`, not both")
        if options.output.suffix != ".eval":
            raise Usage(f"`-o {options.output}`: a spec ends in .eval")
        return Path(options.output)
    name = options.data.name.removesuffix(".gz")
    return Path(folder / (Path(name).stem + ".eval"))


def _write(files: Mapping[Path, bytes]) -> None:
    try:
        write_new(files)
    except AlreadyThere as fault:
        there = ", ".join(visible(str(path)) for path in fault.paths)
        verb = "is" if len(fault.paths) == 1 else "are"
        help_line = "  = help: name another folder, or move what is there"
        raise Usage(f"{there} {verb} there already, and nothing was written\n{help_line}") from fault
    except Unwritable as fault:
        raise OutputFault(visible(str(fault))) from fault
    for path in files:
        print(f"wrote {visible(str(path))}")


def _lines_visible(text: str) -> str:
    return "\n".join(visible(line) for line in text.split("\n"))


def _tell_found(start: Start) -> None:
    for remark in start.remarks:
        print(visible(remark), file=sys.stderr)


def _next(spec: Path) -> None:
    """The command that comes next, as it can be typed here."""
    folder, name = (shlex.quote(visible(text)) for text in (str(spec.parent), spec.name))
    there = f"cd {folder} && " if spec.parent != Path() else ""
    print(f"next: {there}evalspec run {name}")
