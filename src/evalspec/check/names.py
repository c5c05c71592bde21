"""The top-level blocks by kind and name. Names of blocks that are broken count as declared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.language.schema import BLOCKS, TOP_LEVEL
from evalspec.syntax import tree
from evalspec.text.diagnostics import Label, did_you_mean, problem, rewritten
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evalspec.check.entries import Faults
    from evalspec.text.source import Source

TASKS = ("task", "chain", "decision")


@dataclass(frozen=True, slots=True)
class Declared:
    """What a spec declares: the readable blocks of each kind, and every name, readable or not."""

    blocks: Mapping[str, Mapping[str, tree.Block]]
    names: Mapping[str, frozenset[str]]
    limits: tree.Block | None
    files: tuple[tree.File, ...]

    @property
    def main(self) -> Source:
        """The file that was given; the others are imported by it."""
        return self.files[-1].source

    def place(self, block: tree.Block) -> tuple[int, int]:
        """Where a block stands among all the files, for putting blocks into the order they were written."""
        number = next(i for i, file in enumerate(self.files) if file.source is block.at.source)
        return number, block.at.start

    def of(self, kind: str) -> Mapping[str, tree.Block]:
        return self.blocks.get(kind, {})

    def broken(self, kind: str, name: str) -> bool:
        """Whether a name is declared but its block cannot be used, which was told already."""
        return name in self.names.get(kind, frozenset()) and name not in self.of(kind)


def declare(files: tuple[tree.File, ...], faults: Faults) -> Declared:
    """The declarations of all files. Tasks, chains and decisions share one space of names."""
    blocks: dict[str, dict[str, tree.Block]] = {kind: {} for kind in TOP_LEVEL}
    names: dict[str, set[str]] = {kind: set() for kind in TOP_LEVEL}
    limits: tree.Block | None = None
    for entry in (entry for file in files for entry in file.entries):
        if isinstance(entry, tree.Broken):
            _remember(entry, names)
        elif isinstance(entry, tree.Block):
            _without_target(entry, faults)
            if entry.kind.text == "params":
                continue  # read before, and replaced wherever they are used
            if entry.kind.text == "limits":
                limits = _only(entry, limits, faults)
            elif _declarable(entry, names, faults):
                assert entry.name is not None  # noqa: S101 - _declarable saw to it
                _declare(entry, entry.name, blocks, names, faults)
        else:
            _misplaced(entry, faults)
    frozen = {kind: frozenset(known) for kind, known in names.items()}
    return Declared(blocks, frozen, limits, files)


def _remember(entry: tree.Broken, names: dict[str, set[str]]) -> None:
    if len(entry.words) >= 2 and entry.words[0].text in names:
        names[entry.words[0].text].add(entry.words[1].text)


def _only(entry: tree.Block, before: tree.Block | None, faults: Faults) -> tree.Block:
    if before is not None:
        first = Label(at=before.header, message="first given here")
        faults.add("E0404", entry.header, "`limits` is given twice", "join the two", labels=[first])
        return before
    if entry.name is not None:
        fixes = rewritten(entry.kind.at.to(entry.name.at), "limits")
        faults.add("E0407", entry.name.at, "`limits` takes no name", "write `limits { … }`", fixes=fixes)
    return entry


def _without_target(entry: tree.Block, faults: Faults) -> None:
    kind = BLOCKS.get(entry.kind.text)
    if kind is not None and not kind.target and entry.target is not None:
        help_line = "its dataset is `data = …`" if kind.name in TASKS else "remove it"
        faults.add("E0407", entry.target.at, f"`{kind.name}` takes no `of`", help_line)


def _declarable(entry: tree.Block, names: dict[str, set[str]], faults: Faults) -> bool:
    kind = BLOCKS.get(entry.kind.text)
    if kind is None or entry.kind.text not in TOP_LEVEL:
        help_line, fixes = did_you_mean(entry.kind.text, TOP_LEVEL, at=entry.kind.at)
        known = f"a `{entry.kind.text}` block stands inside another" if kind is not None else ""
        message = f"there is no block `{entry.kind.text}`" if kind is None else known
        faults.found.append(problem("E0401", entry.kind.at, message, help_line, fixes=fixes))
        for guessed in [n for n in TOP_LEVEL if fixes and fixes[0].edits[0].text == n and entry.name]:
            names[guessed].add(entry.name.text if entry.name else "")
        return False
    if not kind.built:
        faults.not_built(entry.header, f"`{kind.name}`", kind.doc)
        if entry.name is not None:
            names[kind.name].add(entry.name.text)
        return False
    if entry.name is None:
        faults.add("E0407", entry.header, f"`{kind.name}` needs a name", f"write `{kind.name} NAME {{ … }}`")
        return False
    return True


def _declare(
    entry: tree.Block,
    name: tree.Word,
    blocks: dict[str, dict[str, tree.Block]],
    names: dict[str, set[str]],
    faults: Faults,
) -> None:
    kind = entry.kind.text
    for other in TASKS if kind in TASKS else (kind,):
        if name.text in blocks[other]:
            before = blocks[other][name.text].name
            labels = [Label(at=before.at, message="first declared here")] if before else []
            faults.add(
                "E0205", name.at, f"`{name.text}` is declared twice", "rename one of them", labels=labels
            )
            return
    blocks[kind][name.text] = entry
    names[kind].add(name.text)


def _misplaced(entry: tree.Entry, faults: Faults) -> None:
    match entry:
        case tree.Import():
            pass  # followed before
        case tree.Attribute():
            faults.add("E0402", entry.key.at, f"`{entry.key.text}` stands outside every block",
                       "put it into a block; is a `}` too many before it?")  # fmt: skip
        case tree.Bound():
            faults.add("E0402", entry.metric.at, "a bound stands outside every block",
                       "bounds stand in `require { … }` and `limits { … }`")  # fmt: skip
        case _:
            faults.add(
                "E0402", entry.at, "a table stands outside every block", "tables stand in `costs NAME { … }`"
            )


def every_block(declared: Declared) -> Iterator[tuple[str, str, tree.Block]]:
    """Every readable top-level block with its kind and name."""
    for kind, named in declared.blocks.items():
        for name, block in named.items():
            yield kind, name, block
