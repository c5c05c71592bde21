"""Where a cursor stands in a spec that may be half written: in which block, before or behind which sign.

Told from the lexemes before the cursor, not from the tree, which has no place for what is not there yet.
"""

from __future__ import annotations

from enum import StrEnum

from evalspec.lsp.lexemes import Lexeme, lexed
from evalspec.text.values import dataclass

OPENS = ("LPAR", "LSQB")
CLOSES = ("RPAR", "RSQB")
WORDS = (
    "NAME",
    "METRIC",
    "OF",
    "CONTAINS",
    "MATCHES",
    "TRUE",
    "FALSE",
    "NULL",
    "AND",
    "OR",
    "NOT",
    "IN",
    "IMPORT",
)


PARTIAL = (*WORDS, "QUANTITY", "FOREIGN")  # what may be a word that is being written


class Place(StrEnum):
    """What is due at the cursor."""

    NOTHING = "nothing"  # a comment, a figure, behind a finished entry
    ENTRY = "entry"  # the beginning of an entry
    BLOCK_NAME = "block name"
    TARGET = "target"  # behind `of`
    VALUE = "value"
    STRING = "string"  # inside quotes that are a value
    BOUND_ARGUMENT = "bound argument"
    BOUND_FIGURE = "bound figure"
    TABLE = "table"
    IMPORT = "import"  # inside the quotes of an import


@dataclass(frozen=True, slots=True)
class Block:
    """An open block around the cursor, with what is given in it apart from the entry at the cursor."""

    kind: str
    name: str
    target: str
    entries: tuple[tuple[str, tuple[Lexeme, ...]], ...]  # the first word of each entry, and all its lexemes

    @property
    def given(self) -> frozenset[str]:
        return frozenset(name for name, _ in self.entries)

    def word(self, attribute: str) -> str:
        """The single word that an attribute has as its value, or ""."""
        for name, lexemes in self.entries:
            if name == attribute and len(lexemes) >= 3 and lexemes[1].kind == "EQUAL":
                return lexemes[2].text
        return ""


@dataclass(frozen=True, slots=True)
class Inside:
    """An open bracket around the cursor: the function it belongs to, if any, and the argument at hand."""

    function: str
    argument: int | str  # by place or name
    list: bool


@dataclass(frozen=True, slots=True)
class Context:
    """What is due at a cursor. `start` is where the word at the cursor begins, `end` where it ends."""

    place: Place
    start: int
    end: int
    blocks: tuple[Block, ...] = ()
    key: str = ""  # the attribute, metric, or kind of block being named
    inside: tuple[Inside, ...] = ()
    string: Lexeme | None = None
    begun: bool = False  # whether words of the value stand before the cursor already
    entry: tuple[Lexeme, ...] = ()  # those of the entry that stand before the cursor

    @property
    def before(self) -> Lexeme | None:
        """The lexeme of the entry just before the word at the cursor."""
        return self.entry[-1] if self.entry else None

    @property
    def block(self) -> Block | None:
        """The innermost block around the cursor."""
        return self.blocks[-1] if self.blocks else None

    def around(self, *kinds: str) -> Block | None:
        """The innermost block of some kinds around the cursor."""
        return next((b for b in reversed(self.blocks) if b.kind in kinds), None)


def context_at(text: str, offset: int) -> Context:
    """The context of an offset in a text. Never raises, whatever the text."""
    found = lexed(text)
    if any(c.start < offset <= c.end for c in found.comments):
        return Context(Place.NOTHING, offset, offset)
    touched = next((x for x in found.lexemes if x.start < offset <= x.end and x.kind != "SEP"), None)
    if touched is not None and touched.form and not touched.is_open and touched.end == offset:
        return Context(Place.NOTHING, offset, offset)  # just behind closing quotes
    word = touched if touched is not None and (touched.kind in PARTIAL or touched.form) else None
    following = next((x for x in found.lexemes if x.start == offset and x.kind in WORDS), None)
    before = tuple(
        x for x in found.lexemes
        if x.end <= offset and x is not word and (x.kind != "SEP" or x.start < offset)
    )  # fmt: skip
    if word is not None:
        return _of(before, found.lexemes, word, word.start, word.end)
    return _of(before, found.lexemes, None, offset, following.end if following is not None else offset)


def _of(
    before: tuple[Lexeme, ...], lexemes: tuple[Lexeme, ...], word: Lexeme | None, start: int, end: int
) -> Context:
    blocks, entry = _stack(before, lexemes, start)
    context = _in_entry(entry, word)
    place, key, inside = context
    string = word if word is not None and word.form else None
    if word is not None and word.kind == "QUANTITY":
        place = Place.BOUND_FIGURE if place is Place.BOUND_FIGURE else Place.NOTHING
    return Context(
        place, start, end, blocks, key, inside, string,
        begun=bool(entry) and entry[-1].kind not in ("EQUAL", "COMMA", *OPENS, "COMPARE"),
        entry=tuple(entry),
    )  # fmt: skip


def _stack(
    before: tuple[Lexeme, ...], lexemes: tuple[Lexeme, ...], start: int
) -> tuple[tuple[Block, ...], list[Lexeme]]:
    """The open blocks at the end of some lexemes, and the lexemes of the entry that is begun there."""
    heads: list[tuple[list[Lexeme], int]] = []
    entry: list[Lexeme] = []
    for lexeme in before:
        if lexeme.kind == "LBRACE":
            heads.append((entry, lexeme.end))
            entry = []
        elif lexeme.kind == "RBRACE":
            if heads:
                heads.pop()
            entry = []
        elif lexeme.kind == "SEP":
            entry = []
        else:
            entry.append(lexeme)
    return tuple(_block(head, begin, lexemes, start) for head, begin in heads), entry


def _block(head: list[Lexeme], begin: int, lexemes: tuple[Lexeme, ...], cursor: int) -> Block:
    words = [x.text for x in head]
    target = words[words.index("of") + 1] if "of" in words[:-1] else ""
    name = words[1] if len(words) > 1 and words[1] != "of" else ""
    return Block(words[0] if words else "", name, target, tuple(_entries(begin, lexemes, cursor)))


def _entries(begin: int, lexemes: tuple[Lexeme, ...], cursor: int) -> list[tuple[str, tuple[Lexeme, ...]]]:
    """The entries of the block whose brace ends at `begin`, but for the one at the cursor."""
    found: list[tuple[str, tuple[Lexeme, ...]]] = []
    entry: list[Lexeme] = []
    depth = 0
    for lexeme in lexemes:
        if lexeme.start < begin:
            continue
        if lexeme.kind == "RBRACE" and depth == 0:
            break
        depth += {"LBRACE": 1, "RBRACE": -1}.get(lexeme.kind, 0)
        if lexeme.kind == "SEP" and depth == 0:
            _close(entry, cursor, found)
            entry = []
        else:
            entry.append(lexeme)
    _close(entry, cursor, found)
    return found


def _close(entry: list[Lexeme], cursor: int, found: list[tuple[str, tuple[Lexeme, ...]]]) -> None:
    if entry and not entry[0].start <= cursor <= entry[-1].end:
        found.append((entry[0].text, tuple(entry)))


Found = tuple[Place, str, tuple[Inside, ...]]


def _in_entry(entry: list[Lexeme], word: Lexeme | None) -> Found:
    """What is due behind the lexemes of an entry."""
    kinds = [x.kind for x in entry]
    quoted = word is not None and bool(word.form)
    if not entry:
        return (Place.NOTHING if quoted else Place.ENTRY), "", ()
    if kinds[0] == "IMPORT":
        return (Place.IMPORT if quoted else Place.NOTHING), "", ()
    if kinds[0] == "BAR":
        return Place.TABLE, "", ()
    if len(kinds) > 1 and kinds[1] == "EQUAL":
        inside = _brackets(entry[2:])
        return (Place.STRING if quoted else Place.VALUE), entry[0].text, inside
    if "COMPARE" in kinds:
        return Place.BOUND_FIGURE, entry[0].text, ()
    if len(kinds) > 1 and kinds[1] == "LPAR":
        inside = _brackets(entry[1:])
        return (Place.BOUND_ARGUMENT if inside else Place.NOTHING), entry[0].text, inside
    if kinds[-1] == "OF":
        return Place.TARGET, entry[0].text, ()
    if len(kinds) in (2, 3) and entry[-1].text == "of":  # no operator yet, since nothing stands behind it
        return Place.TARGET, entry[0].text, ()
    return (Place.BLOCK_NAME if len(kinds) == 1 else Place.NOTHING), entry[0].text, ()


def _brackets(lexemes: list[Lexeme]) -> tuple[Inside, ...]:
    """The brackets that are open at the end of some lexemes, with the argument at hand in each."""
    stack: list[Inside] = []
    for i, lexeme in enumerate(lexemes):
        before = lexemes[i - 1] if i else None
        if lexeme.kind in OPENS:
            called = lexeme.kind == "LPAR" and before is not None and before.kind in WORDS
            stack.append(Inside(before.text if called and before else "", 0, lexeme.kind == "LSQB"))
        elif lexeme.kind in CLOSES:
            if stack:
                stack.pop()
        elif lexeme.kind == "COMMA" and stack:
            last = stack[-1]
            places = sum(1 for x in _since_open(lexemes[: i + 1]) if x.kind == "COMMA")
            stack[-1] = Inside(last.function, places, last.list)
        elif lexeme.kind == "EQUAL" and stack and before is not None:
            stack[-1] = Inside(stack[-1].function, before.text, stack[-1].list)
    return tuple(stack)


def _since_open(lexemes: list[Lexeme]) -> list[Lexeme]:
    """The lexemes of the innermost open bracket, those in brackets inside of it left out."""
    found: list[Lexeme] = []
    depth = 0
    for lexeme in reversed(lexemes):
        if lexeme.kind in CLOSES:
            depth += 1
        elif lexeme.kind in OPENS:
            if depth == 0:
                break
            depth -= 1
        elif depth == 0:
            found.append(lexeme)
    return found
