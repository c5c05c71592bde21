"""The conversations of a step: one prompt, prompt variants, roles in order, or a column that holds them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from evalspec.check.datasets import Data, known_column
from evalspec.check.entries import Entries, Faults, read_entries
from evalspec.check.row_faults import tell_rows
from evalspec.check.templates import written_template
from evalspec.check.values import word_of
from evalspec.data.faults import shown
from evalspec.language.expressions import Type
from evalspec.language.prompts import read_prompt
from evalspec.syntax import tree
from evalspec.text.diagnostics import Label
from evalspec.text.patterns import Pattern
from evalspec.text.values import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evalspec.check.names import Declared
    from evalspec.language.program import Messages
    from evalspec.language.prompts import Prompt, Written
    from evalspec.language.shapes import Shapes
    from evalspec.text.source import Span

ROLES = ("system", "developer", "user", "assistant")  # that a column of conversations may have
VARIANT = Pattern(r"[A-Za-z0-9_.-]+")
ONE = ""  # the variant of a step that has none


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """The templates of one conversation, what is written in them, and whether all were understood."""

    messages: Messages
    text: str
    at: Span
    understood: bool

    @property
    def names(self) -> frozenset[str]:
        """The names that its templates read."""
        return frozenset().union(*(prompt.names for _, prompt in self.messages))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """What templates are read with: the names they may read, and everything that a spec declares."""

    scope: Mapping[str, Type] | None
    shapes: Shapes
    data: Data
    declared: Declared
    faults: Faults

    def read(self, given: Sequence[tuple[str, tree.Expr]], at: Span) -> Conversation:
        """The conversation of some roles with their templates."""
        written = [(role, self._written(value)) for role, value in given]
        prompts = [(role, self._prompt(found)) for role, found in written if found is not None]
        messages = tuple((role, prompt) for role, prompt in prompts if prompt is not None)
        return Conversation(
            messages=messages,
            text="\n".join(found.text for _, found in written if found is not None),
            at=at,
            understood=len(messages) == len(given),
        )

    def _written(self, value: tree.Expr) -> Written | None:
        return written_template(value, self.declared, self.data.types, self.faults)

    def _prompt(self, written: Written) -> Prompt | None:
        where = f"dataset `{self.data.dataset.name}`"
        prompt, found = read_prompt(written, self.scope, where, self.shapes)
        self.faults.extend(found)
        return prompt


Way = tree.Attribute | tree.Block


def read_conversations(entries: Entries, reader: Reader) -> Mapping[str, Conversation]:
    """The conversations of a step by variant; none where a column holds them, or nothing asks."""
    ways = _ways(entries)
    _only_one_way(ways, entries, reader.faults)
    system = entries.value("system")
    before = [("system", system)] if system is not None else []
    match ways[0] if ways else None:
        case tree.Attribute(key=tree.Word(text="prompt")) as prompt:
            return {ONE: reader.read([*before, ("user", prompt.value)], prompt.value.at)}
        case tree.Block(kind=tree.Word(text="prompts")) as block:
            return _variants(block, before, reader)
        case tree.Block() as block:
            return _roles(block, reader)
        case None if system is not None:
            if not {"prompt", "prompts", "messages"} & entries.spoiled:
                reader.faults.add("E0511", system.at, "there is a system message, and no question after it",
                                  "write `prompt = …`")  # fmt: skip
            return {ONE: reader.read(before, system.at)}
    return {}


def _ways(entries: Entries) -> list[Way]:
    """Everything that says how the step asks, but for the system message, in the order it is written."""
    attributes = [entries.attributes[name] for name in ("prompt", "messages") if name in entries.attributes]
    blocks = [b for b in entries.blocks if b.kind.text in ("prompts", "messages")]
    return sorted((*attributes, *blocks), key=lambda way: way.at.start)


def _only_one_way(ways: Sequence[Way], entries: Entries, faults: Faults) -> None:
    for other in ways[1:]:
        first = Label(at=_head(ways[0]), message="asked in this way already")
        message = f"`{_word(ways[0])}` and `{_word(other)}` exclude each other"
        if _word(other) == _word(ways[0]):
            message = f"`{_word(other)}` is given twice, as a column and as roles"
        faults.add("E0510", _head(other), message, "remove one of them", labels=[first])
    system = entries.attributes.get("system")
    if system is not None and ways and _word(ways[0]) == "messages":
        first = Label(at=_head(ways[0]), message="the conversation is given here")
        message = "the system message stands in `messages` itself"
        faults.add("E0510", system.key.at, message, "move it there", labels=[first])


def _head(way: Way) -> Span:
    return way.key.at if isinstance(way, tree.Attribute) else way.header


def _word(way: Way) -> str:
    return way.key.text if isinstance(way, tree.Attribute) else way.kind.text


def _variants(
    block: tree.Block, before: list[tuple[str, tree.Expr]], reader: Reader
) -> Mapping[str, Conversation]:
    """The conversation of each variant; the system message is the same in all of them."""
    given = read_entries(block, reader.faults)
    if not given.attributes and not given.spoiled and not given.broken:
        reader.faults.add("E0512", block.header, "there is no variant in `prompts`",
                          "write `prompts { short = …; long = … }`")  # fmt: skip
    found: dict[str, Conversation] = {}
    for name, entry in given.attributes.items():
        if VARIANT.fullmatch(name) is None:
            message = "a variant's name is made of letters, figures, `_`, `-` and `.`"
            reader.faults.add("E0512", entry.key.at, message, "it becomes part of the candidate's name")
            continue
        found[name] = reader.read([*before, ("user", entry.value)], entry.value.at)
    return found


def _roles(block: tree.Block, reader: Reader) -> Mapping[str, Conversation]:
    """The conversation of a `messages` block; roles may repeat, and their order counts."""
    once: dict[str, tree.Entry] = {}
    for i, entry in enumerate(block.entries):
        once.setdefault(entry.key.text if isinstance(entry, tree.Attribute) else str(i), entry)
    legal = read_entries(replace(block, entries=tuple(once.values())), reader.faults)
    given = [
        (entry.key.text, entry.value)
        for entry in block.entries
        if isinstance(entry, tree.Attribute) and entry.key.text in legal.attributes
    ]
    whole = not legal.broken and not legal.spoiled
    if whole and (not given or given[-1][0] != "user"):
        at = given[-1][1].at if given else block.header
        message = f"the conversation ends with `{given[-1][0]}`" if given else "this conversation is empty"
        reader.faults.add("E0511", at, message, "the last message is the user's: `user = …`")
    conversation = reader.read(given, block.header)
    return {ONE: replace(conversation, understood=conversation.understood and whole)}


# ── a column of conversations ─────────────────────────────────────────────────────────────────────


def read_messages_column(entries: Entries, data: Data, faults: Faults) -> str | None:
    """The column that holds each row's whole conversation; None after saying what is wrong with it."""
    value = entries.value("messages")
    if value is None or _ways(entries)[0] is not entries.attributes["messages"]:
        return None
    word = word_of(value, "`messages`", faults)
    column = known_column(word, data.scope, faults) if word is not None else None
    if column is None:
        return None
    kind = (data.types or {}).get(column, Type.UNKNOWN)
    if kind not in (Type.LIST, Type.UNKNOWN):
        faults.add("E0514", value.at, f"`{column}` is a {kind}, and a conversation is a list of messages",
                   f"each row holds `{EXAMPLE}`", "a column of jsonl or json files can")  # fmt: skip
        return None
    if data.loaded is not None:
        told = ((row, conversation_fault(row.values.get(column))) for row in data.loaded.rows)
        found = [(row, f"`{column}` {fault}") for row, fault in told if fault is not None]
        together = f"of {len(data.loaded.rows):,} rows hold no conversation in `{column}`"
        tell_rows("E0514", value.at, found, together, f"write `{EXAMPLE}`", faults)
        return None if found else column
    return column


EXAMPLE = '[{"role": "user", "content": "…"}]'


def conversation_fault(value: object) -> str | None:
    """Why a value is no conversation that ends with a question; None where it is one."""
    if not isinstance(value, list) or not value:
        return "holds no messages"
    for number, message in enumerate(value, 1):
        fault = _message_fault(message)
        if fault is not None:
            return f"has {fault} in message {number}"
    last = value[-1]["role"]
    return None if last == "user" else f"ends with `{last}`, and not with the user's message"


def _message_fault(message: object) -> str | None:
    if not isinstance(message, Mapping):
        return "no role and content"
    foreign = [name for name in message if name not in ("role", "content")]
    if foreign:
        return f"`{foreign[0]}`, which would not be sent,"
    if not isinstance(message.get("content"), str):
        return "no text as `content`"
    role = message.get("role")
    return None if role in ROLES else f"the role {shown(str(role))}, which is none of {', '.join(ROLES)},"
