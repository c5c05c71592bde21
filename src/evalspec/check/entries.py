"""What stands in a block, held against the schema: unknown, repeated, misplaced and missing entries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.language.call_names import REQUEST_PARAMETERS
from evalspec.language.schema import BLOCKS, BlockKind, Entry
from evalspec.syntax import tree
from evalspec.text.diagnostics import Diagnostic, Fix, Label, did_you_mean, nearest, problem, rewritten
from evalspec.text.values import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evalspec.text.source import Span

NOT_BUILT = "E0499"
NOT_RUN = "E0710"
STAR = "*"


@dataclass(slots=True)
class Faults:
    """Gathers what is wrong while a program is put together, and apart from it what `run` cannot do yet."""

    found: list[Diagnostic] = field(default_factory=list)
    later: list[Diagnostic] = field(default_factory=list)

    def add(
        self,
        code: str,
        at: Span,
        message: str,
        *help_lines: str,
        labels: Iterable[Label] = (),
        fixes: Iterable[Fix] = (),
    ) -> None:
        self.found.append(problem(code, at, message, *help_lines, labels=labels, fixes=fixes))

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.found.extend(diagnostics)

    def not_built(self, at: Span, what: str, doc: str = "") -> None:
        self.add(
            NOT_BUILT, at, f"{what} is not built yet" + (f" ({doc})" if doc else ""), "remove it for now"
        )

    def not_run(self, at: Span, what: str, *help_lines: str) -> None:
        """Says that a part of the language is understood and cannot be run yet."""
        self.later.append(problem(NOT_RUN, at, f"`run` cannot do {what} yet", *help_lines))


@dataclass(frozen=True, slots=True)
class Entries:
    """The legal entries of a block, sorted by shape; each attribute once.

    `spoiled` names those that could not be read.
    """

    block: tree.Block
    attributes: dict[str, tree.Attribute]
    blocks: tuple[tree.Block, ...]
    bounds: tuple[tree.Bound, ...]
    rows: tuple[tree.TableRow, ...]
    broken: bool
    spoiled: frozenset[str]

    def value(self, name: str) -> tree.Expr | None:
        """The value of an attribute, or None where it is not given."""
        found = self.attributes.get(name)
        return found.value if found is not None else None

    def nested(self, kind: str) -> tree.Block | None:
        """The first nested block of a kind."""
        return next((b for b in self.blocks if b.kind.text == kind), None)


def read_entries(block: tree.Block, faults: Faults, kind_name: str | None = None) -> Entries:
    """The entries of a block, with what does not belong there told and left out."""
    kind = BLOCKS[kind_name or block.kind.text]
    attributes: dict[str, tree.Attribute] = {}
    blocks: list[tree.Block] = []
    bounds: list[tree.Bound] = []
    rows: list[tree.TableRow] = []
    spoiled: set[str] = set()
    for entry in block.entries:
        match entry:
            case tree.Attribute():
                if _legal_attribute(entry, kind, attributes, faults):
                    attributes[entry.key.text] = entry
                else:
                    spoiled |= _meant(entry.key.text, kind)
            case tree.Block():
                if _legal_block(entry, kind, blocks, faults):
                    blocks.append(entry)
                else:
                    spoiled |= _meant(entry.kind.text, kind)
            case tree.Bound():
                if _legal_bound(entry, kind, faults):
                    bounds.append(entry)
                else:
                    spoiled |= _meant(entry.metric.text, kind)
            case tree.TableRow():
                if kind.rows:
                    rows.append(entry)
                else:
                    place = "tables stand in `costs NAME { … }`"
                    faults.add("E0405", entry.at, f"`{kind.name}` holds no table", place)
            case tree.Import():
                faults.add("E0405", entry.at, "`import` stands at the top of a file", "move it there")
            case tree.Broken():
                spoiled.update(word.text for word in entry.words)
    broken = any(isinstance(entry, tree.Broken) for entry in block.entries)
    result = Entries(block, attributes, tuple(blocks), tuple(bounds), tuple(rows), broken, frozenset(spoiled))
    _required(result, kind, faults)
    return result


def _meant(name: str, kind: BlockKind) -> set[str]:
    """The names that an entry counts as, so that what could not be read does not count as missing."""
    return {name, nearest(name, kind.entries) or name}


def _required(entries: Entries, kind: BlockKind, faults: Faults) -> None:
    for name in kind.required:
        if name not in entries.attributes and name not in entries.spoiled:
            doc = kind.entries[name].doc
            faults.add(
                "E0406", entries.block.header, f"`{kind.name}` needs `{name}`", f"write `{name} = …`: {doc}"
            )


def _legal_attribute(
    entry: tree.Attribute, kind: BlockKind, seen: dict[str, tree.Attribute], faults: Faults
) -> bool:
    name = entry.key.text
    if name in seen:
        first = Label(at=seen[name].key.at, message="first given here")
        faults.add("E0404", entry.key.at, f"`{name}` is given twice", "remove one", labels=[first])
        return False
    known = kind.entries.get(name)
    if name == STAR and not entry.key.quoted and not kind.star:
        faults.add("E0403", entry.key.at, f"`*` is no name in `{kind.name}`", "write the name itself")
        return False
    if known is None:
        if kind.free:
            return _free_name(entry.key, kind, faults)
        _unknown(entry.key.at, name, kind, faults)
        return False
    if not known.built:
        faults.not_built(entry.key.at, f"`{name}`", known.doc)
        return False
    if known.block:
        faults.add("E0405", entry.key.at, f"`{name}` is a block", f"write `{name} {{ … }}`")
        return False
    return True


def _free_name(key: tree.Word, kind: BlockKind, faults: Faults) -> bool:
    """Names that the schema does not know: request parameters pass, slips of known ones do not."""
    if key.quoted or kind.name not in ("model", "request"):
        return True
    legal = [n for n in kind.entries if not kind.entries[n].block] + list(REQUEST_PARAMETERS)
    if key.text in legal:
        return True
    guess, fixes = did_you_mean(key.text, legal, at=key.at)
    if nearest(key.text, legal) is not None:
        help_lines = (guess, f'a parameter that is really called so is quoted: `"{key.text}" = …`')
        faults.found.append(
            problem("E0403", key.at, f"`{kind.name}` has no `{key.text}`", *help_lines, fixes=fixes)
        )
        return False
    return True


def _unknown(at: Span, name: str, kind: BlockKind, faults: Faults) -> None:
    names = kind.entries if nearest(name, kind.entries) else [n for n, e in kind.entries.items() if e.built]
    help_line, fixes = did_you_mean(name, names, at=at)
    if kind.bounds and not fixes:
        help_line = f"a bound is written with a sign: `{name} <= …`"
    faults.found.append(problem("E0403", at, f"`{kind.name}` has no `{name}`", help_line, fixes=fixes))


def _legal_block(entry: tree.Block, kind: BlockKind, seen: Sequence[tree.Block], faults: Faults) -> bool:
    name = entry.kind.text
    known = kind.entries.get(name)
    if known is None:
        if name in BLOCKS and name not in ("require", "step"):
            faults.add("E0405", entry.kind.at, f"a `{name}` block cannot stand in `{kind.name}`",
                       "is a `}` missing before it?")  # fmt: skip
        else:
            _unknown(entry.kind.at, name, kind, faults)
        return False
    if not known.built or (known.block_too and not BLOCKS[name].built):
        faults.not_built(entry.header, f"`{name}`" if not known.built else f"`{name} {{ … }}`", known.doc)
        return False
    if not known.block and not known.block_too:
        faults.add("E0405", entry.header, f"`{name}` is not a block", f"write `{name} = …`")
        return False
    if not BLOCKS[name].named and any(b.kind.text == name for b in seen):
        faults.add("E0404", entry.header, f"`{name}` is given twice", "join the two")
        return False
    return _named_as_it_should(entry, known, faults)


def _named_as_it_should(entry: tree.Block, known: Entry, faults: Faults) -> bool:
    kind = BLOCKS[known.name]
    if entry.target is not None:
        faults.add("E0407", entry.target.at, f"`{kind.name}` takes no `of`", "remove it")
    if entry.name is not None and not kind.named:
        way_out = f"write `{kind.name} {{ … }}`"
        fixes = rewritten(entry.kind.at.to(entry.name.at), kind.name) if entry.target is None else ()
        faults.add("E0407", entry.name.at, f"`{kind.name}` takes no name", way_out, fixes=fixes)
    if entry.name is None and kind.named:
        faults.add("E0407", entry.header, f"`{kind.name}` needs a name", f"write `{kind.name} NAME {{ … }}`")
        return False
    return True


def _legal_bound(entry: tree.Bound, kind: BlockKind, faults: Faults) -> bool:
    name = entry.metric.text
    if kind.bounds:
        return True
    known = kind.entries.get(name)
    if known is None:
        place = "bounds stand in `require { … }` and `limits { … }`"
        faults.add("E0405", entry.metric.at, f"`{kind.name}` holds no bounds", place)
    elif not known.built:
        faults.not_built(entry.metric.at, f"`{name}`", known.doc)
    elif known.block:
        faults.add("E0405", entry.metric.at, f"`{name}` is a block", f"write `{name} {{ … }}`")
    else:
        faults.add("E0405", entry.metric.at, f"`{name}` takes a value, not a bound", f"write `{name} = …`")
    return False
