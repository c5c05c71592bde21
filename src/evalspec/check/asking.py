"""How a step asks: its conversations, images and few-shot examples, and the names that templates may read."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from evalspec.check.candidates import request_parameters
from evalspec.check.conversations import ONE, Conversation, Reader, read_conversations, read_messages_column
from evalspec.check.entries import Entries, Faults, read_entries
from evalspec.check.pictures import read_images
from evalspec.check.shots import ShotsRead, check_drawn, read_shots
from evalspec.language.answer_types import LetterOf
from evalspec.language.expressions import Type
from evalspec.language.prompts import place_of_name
from evalspec.language.shapes import (
    CHOICES,
    LABELS,
    Record,
    Shape,
    Shapes,
    shape_of_type,
    shape_of_values,
)
from evalspec.text.values import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evalspec.check.datasets import Data
    from evalspec.check.known import Known
    from evalspec.check.reading import AnswerRead
    from evalspec.language.program import Messages
    from evalspec.text.source import Span
    from evalspec.text.values import Json

GIVES_A_PROMPT = ("prompt", "system", "prompts", "messages")
OWN_NAMES = ("labels", "choices", "shots", "row")  # that are no columns, where they are in scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How a step asks: its conversations by variant, or the column that holds them, and what they read.

    `given` says whether anything asks at all, understood or not.
    """

    conversations: Mapping[str, Conversation]
    given: bool
    column: str | None = None
    images: tuple[str, ...] = ()
    shots: ShotsRead | None = None
    columns: frozenset[str] = frozenset()
    places: Mapping[str, Span] = field(default_factory=dict)  # where columns stand that no template reads

    @property
    def messages(self) -> Messages:
        """The templates of a step without variants."""
        one = self.conversations.get(ONE)
        return one.messages if one is not None else ()

    @property
    def variants(self) -> Mapping[str, Messages]:
        """The templates of each variant."""
        return {name: c.messages for name, c in self.conversations.items() if name != ONE}

    @property
    def names(self) -> frozenset[str]:
        """Every name that some template reads."""
        return frozenset().union(*(c.names for c in self.conversations.values()))

    def place(self, name: str) -> Span:
        """Where a name is read first."""
        prompts = [p for c in self.conversations.values() for _, p in c.messages]
        found = next((p for p in prompts if name in p.names or name in p.members), None)
        return place_of_name(found, name) if found is not None else self.places[name]


def read_asking(
    entries: Entries,
    data: Data,
    answer: AnswerRead | None,
    steps: Mapping[str, Type],
    known: Known,
    faults: Faults,
) -> Asked:
    """How a step asks, read and inspected. `steps`: what its earlier steps give."""
    shots = read_shots(entries, data, known.declared, known.data, faults)
    own = _own_names(entries, answer)
    scope = None if data.types is None else {**data.types, **own, **steps, "row": Type.OBJECT}
    reader = Reader(
        scope=scope,
        shapes=_shapes(data, answer, shots, frozenset(own)),
        data=data,
        declared=known.declared,
        faults=faults,
    )
    conversations = read_conversations(entries, reader)
    column = read_messages_column(entries, data, faults)
    images = read_images(entries, data, faults)
    asked = Asked(
        conversations=conversations,
        given=_given(entries),
        column=column,
        images=images,
        shots=shots,
        columns=_columns(conversations, column, images, data, frozenset(own) | {"row"} | set(steps)),
        places=_places(entries, column, images),
    )
    if not {"images", "messages"} & (entries.spoiled | set(entries.attributes)):
        _reads_something(asked, data, frozenset(steps), frozenset(own), faults)
    _shadowed(asked, data, frozenset(own), faults)
    _shots_are_used(asked, data, answer, faults)
    return asked


def _given(entries: Entries) -> bool:
    """Whether anything asks, be it understood or not."""
    blocks = {block.kind.text for block in entries.blocks}
    return any(n in entries.attributes or n in entries.spoiled or n in blocks for n in GIVES_A_PROMPT)


# ── what templates may read ───────────────────────────────────────────────────────────────────────


def _own_names(entries: Entries, answer: AnswerRead | None) -> Mapping[str, Type]:
    """The names that are no columns: `labels` and `choices` if the answer has them, `shots` if given."""
    there = {
        "labels": answer is None or answer.lists_labels,
        "choices": answer is None or isinstance(answer.type, LetterOf),
        "shots": "shots" in entries.attributes or "shots" in entries.spoiled,
    }
    return {name: Type.LIST for name, given in there.items() if given}


def _shapes(data: Data, answer: AnswerRead | None, shots: ShotsRead | None, own: frozenset[str]) -> Shapes:
    """What is known of names beyond their types; columns of objects and lists are looked at only if read."""

    @cache
    def shape(name: str) -> Shape | None:
        if name in own:
            return _own_shape(name, answer, shots)
        kind = (data.types or {}).get(name)
        if kind in (Type.OBJECT, Type.LIST) and data.loaded is not None:
            return shape_of_values([row.values.get(name) for row in data.loaded.rows])
        if name == "row" and data.types is not None:
            return Record({column: shape_of_type(t) for column, t in data.types.items()})
        return None

    return shape


def _own_shape(name: str, answer: AnswerRead | None, shots: ShotsRead | None) -> Shape | None:
    if name == "shots":
        return shots.shape if shots is not None and shots.pool.types is not None else None
    if answer is None:
        return None
    return LABELS if name == "labels" else CHOICES


# ── what they read ────────────────────────────────────────────────────────────────────────────────


def _columns(
    conversations: Mapping[str, Conversation],
    column: str | None,
    images: tuple[str, ...],
    data: Data,
    own: frozenset[str],
) -> frozenset[str]:
    """The columns that are sent: read by name, as a member of `row`, as a conversation or as an image."""
    found = set(images) | ({column} if column is not None else set())
    for conversation in conversations.values():
        found |= (conversation.names & set(data.types or ())) - own
        found = found.union(*(prompt.members for _, prompt in conversation.messages))
    return frozenset(found)


def _places(entries: Entries, column: str | None, images: tuple[str, ...]) -> Mapping[str, Span]:
    """Where the columns stand that are sent without a template."""
    found: dict[str, Span] = {}
    for name, columns in (("messages", (column,)), ("images", images)):
        value = entries.value(name)
        if value is not None:
            found |= {c: value.at for c in columns if c is not None}
    return found


def _reads_something(
    asked: Asked, data: Data, steps: frozenset[str], own: frozenset[str], faults: Faults
) -> None:
    """Says that a conversation is the same for every example, where nothing else is wrong with it."""
    if data.types is None:
        return
    for conversation in asked.conversations.values():
        if not conversation.understood or not conversation.messages:
            continue
        read = conversation.names
        members = any(prompt.members for _, prompt in conversation.messages)
        columns = (read - own) & {*data.types, *steps, "row"}
        if not members and not columns and "choices" not in own & read:
            faults.add("E0507", conversation.at,
                       "this prompt reads no column, so that every example asks the same",
                       "put a column into it: `{{ COLUMN }}`")  # fmt: skip


def _shadowed(asked: Asked, data: Data, own: frozenset[str], faults: Faults) -> None:
    for name in sorted((own | {"row"}) & asked.names & set(data.types or ())):
        faults.add("W0509", asked.place(name), f"`{name}` in a prompt is not the column of that name",
                   f'the column is `row["{name}"]`')  # fmt: skip


def _shots_are_used(asked: Asked, data: Data, answer: AnswerRead | None, faults: Faults) -> None:
    if asked.shots is None:
        return
    understood = all(c.understood for c in asked.conversations.values())
    if "shots" not in asked.names:
        if understood:
            faults.add("W0518", asked.shots.value.at, "no prompt reads these shots",
                       "write `{% for shot in shots %}…{% endfor %}` into it")  # fmt: skip
        return
    columns = asked.columns
    if answer is not None and isinstance(answer.type, LetterOf) and "choices" in asked.names:
        columns |= set(answer.type.columns)
    check_drawn(asked.shots, data, columns, faults)


def read_request(entries: Entries, faults: Faults) -> Mapping[str, Json]:
    """The request parameters of a step."""
    block = entries.nested("request")
    return request_parameters(read_entries(block, faults).attributes, faults) if block is not None else {}
