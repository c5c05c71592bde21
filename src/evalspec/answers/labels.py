"""Which declared labels a text says: the readers of `one_of`, `yes_no` and `some_of`.

A text that is a label, but for case, quotes, markdown and punctuation, is that label. Else a line
`Answer: LABEL` says it, else the only label that stands in the text as a whole word, a longer label
hiding the shorter one inside it. Two labels, or one that is only denied ("not spam"), are no answer.
"""

from __future__ import annotations

import re
import unicodedata
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from heapq import merge

from evalspec.answers.finding import WORD, Finding, as_text, found, nothing, unwrapped
from evalspec.answers.json_text import list_of, unfenced
from evalspec.text.patterns import Pattern
from evalspec.text.values import dataclass

YES_NO = ("yes", "no")
Y_N = (("y", "yes"), ("n", "no"))
SHORT = 80  # what is no longer is often said by many: it is read once
NONE = frozenset({"none", "nothing", "null", "no label", "no labels", "none of them", "none of the above"})
YES = frozenset({"yes", "true", "1"})
NO = frozenset({"no", "false", "0"})

SEPARATORS = Pattern(r"\s+|(?<=\w)[_\-]+(?=\w)")
DENIED = Pattern(
    r"(?:\b(?:not|never|neither|nor)(?:\s+an?|\s+the)?|\bnon|n['’]t(?:\s+an?|\s+the)?)[\s\-]+[\"'“‘`*(]*\Z",
    re.IGNORECASE,
)
ANSWER_LINE = Pattern(r"^[^\w\n]*+(?:final\s)?answer[*_`\s]{0,4}[:=]([^\n]*+)$", re.IGNORECASE | re.MULTILINE)
NO_IDEA = r"(?!\s+(?:idea|clue|answer|opinion)\b)"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Labels, ready to be looked for: by their folded form, and `known`, the forms that are a word."""

    ordered: tuple[str, ...]
    labels: frozenset[str]
    folded: Mapping[str, str]
    known: tuple[str, ...]


def read_label(text: str, labels: tuple[str, ...]) -> Finding:
    """The declared label that a text says."""
    return _said(text, labels, ())


def read_yes_no(text: str) -> Finding:
    """`yes` or `no`; a response that is only `y` or `n` says so too."""
    return _said(text, YES_NO, Y_N)


def read_labels(text: str, labels: tuple[str, ...]) -> Finding:
    """The set of labels that a text says, in the order they are declared: a JSON list of them; `none`; else
    those that stand as words in its line `Answer: …`, or without one in all of it, and are not only denied.
    """
    vocabulary = _vocabulary(labels, ())
    if not text.strip():
        return nothing("the response is empty")
    listed = list_of(text)
    if listed is not None:
        return _all_of(listed, vocabulary)
    if (label := _equal(unfenced(text), vocabulary)) is not None:
        return found((label,), whole=True)
    if fold(unfenced(text)) in NONE:
        return found((), whole=True)
    line = _answer_line(text)
    if line is not None and fold(line) in NONE:
        return found(())
    for part in (line, text):
        named = _named(unicodedata.normalize("NFC", part), vocabulary) if part is not None else {}
        affirmed = tuple(label for label in labels if named.get(label))
        if affirmed:
            return found(affirmed)
    denied = ", ".join(f"`{label}`" for label in sorted(named)[:5])
    return nothing(f"labels are only denied: {denied}" if named else "no label stands in it")


def gold_labels(gold: object, labels: tuple[str, ...]) -> tuple[tuple[str, ...], str | None]:
    """The set of labels that a gold value means, and the first part of it that is no label.

    A list, a JSON list as text, else a text whose labels are parted by `;`, or where it has none by `,`.
    Labels count as they are written. An empty list, a blank text and `none` are the empty set.
    """
    parts = list(gold) if isinstance(gold, list | tuple | set | frozenset) else _parts(as_text(gold), labels)
    texts = [as_text(part).strip() for part in parts]
    foreign = next((text for text in texts if text not in labels), None)
    return tuple(label for label in labels if label in texts), foreign


def parts_of(text: str) -> list[object]:
    """The labels that a text lists: a JSON list, else parted by `;`, or where it has none by `,`."""
    listed = list_of(text)
    if listed is not None:
        return listed
    if not text.strip() or fold(text) in NONE:
        return []
    return [part.strip() for part in text.split(";" if ";" in text else ",") if part.strip()]


def gold_yes_no(gold: object) -> str | None:
    """The label that a gold value means: yes, no, true, false, 1, 0 in any case; else None."""
    if isinstance(gold, float) and gold.is_integer():
        gold = int(gold)
    word = as_text(gold).strip().casefold()
    return "yes" if word in YES else "no" if word in NO else None


def fold(text: str) -> str:
    """A text's form for comparing: case-blind, wrapping dropped, blanks, `_` and `-` alike."""
    return SEPARATORS.sub(" ", unwrapped(unicodedata.normalize("NFC", text)).casefold()).strip()


def _parts(text: str, labels: tuple[str, ...]) -> list[object]:
    return [text] if text.strip() in labels else parts_of(text)


def _all_of(listed: list[object], vocabulary: Vocabulary) -> Finding:
    said = [_equal(as_text(item), vocabulary) for item in listed]
    if None in said:
        return nothing("the list holds what is no label")
    return found(tuple(label for label in vocabulary.ordered if label in said), whole=True)


def continues(label: str, labels: Iterable[str]) -> bool:
    """Whether a text that breaks off behind this label might have become another one."""
    begun = label.casefold()
    return any(other.casefold().startswith(begun) and other.casefold() != begun for other in labels)


def _said(text: str, labels: tuple[str, ...], short: tuple[tuple[str, str], ...]) -> Finding:
    if len(text) <= SHORT:
        return _said_in_short(text, labels, short)
    return _read(text, _vocabulary(labels, short))


@lru_cache(maxsize=1024)
def _said_in_short(text: str, labels: tuple[str, ...], short: tuple[tuple[str, str], ...]) -> Finding:
    return _read(text, _vocabulary(labels, short))


def _read(text: str, vocabulary: Vocabulary) -> Finding:
    if not text.strip():
        return nothing("the response is empty")
    label = _equal(text, vocabulary)
    if label is not None:
        return found(label, whole=True)
    named = _named(unicodedata.normalize("NFC", text), vocabulary)
    if len(named) == 1:
        label, affirmed = next(iter(named.items()))
        return found(label) if affirmed else nothing(f"`{label}` is only denied")
    declared = _declared(text, vocabulary)
    if declared is not None:
        return found(declared)
    if not named:
        return nothing("no label stands in it")
    listed = ", ".join(f"`{label}`" for label in sorted(named)[:5])
    return nothing(f"several labels stand in it: {listed}")


def _equal(text: str, vocabulary: Vocabulary) -> str | None:
    """The label that the text is, exact spellings before folded ones."""
    for form in (text.strip(), unwrapped(text)):
        if form in vocabulary.labels:
            return form
    return vocabulary.folded.get(fold(text))


def _declared(text: str, vocabulary: Vocabulary) -> str | None:
    """The label of the last line that reads `Answer: LABEL`."""
    last = _answer_line(text)
    return None if last is None else _equal(last, vocabulary)


def _answer_line(text: str) -> str | None:
    """What the last line that begins with `Answer:` says."""
    last = deque(ANSWER_LINE.finditer(text), maxlen=1)
    return last[0][1] if last else None


def _named(text: str, vocabulary: Vocabulary) -> dict[str, bool]:
    """The labels that stand in a text, each with whether it stands there undenied at least once."""
    named: dict[str, bool] = {}
    known: dict[str, str | None] = {}
    reached = 0
    for start, negative_end, said in merge(
        *(_places(pattern, text) for pattern in _patterns(vocabulary.known))
    ):
        if -negative_end <= reached:  # inside a longer label
            continue
        reached = -negative_end
        if said not in known:  # None: equal to a label case-blind, but it folds to something else
            known[said] = vocabulary.folded.get(fold(said))
        label = known[said]
        if label is not None and not named.get(label):
            named[label] = DENIED.search(text[max(0, start - 20) : start]) is None
    return named


def _places(pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, int, str]]:
    """Where a pattern's labels stand, the longest first at each place."""
    return ((match.start(1), -match.end(1), match[1]) for match in pattern.finditer(text))


@lru_cache(maxsize=256)
def _vocabulary(labels: tuple[str, ...], short: tuple[tuple[str, str], ...]) -> Vocabulary:
    """The labels' vocabulary. Labels that fold to one form, or to none, are only found as written."""
    forms: dict[str, list[str]] = {}
    for label in dict.fromkeys(labels):
        forms.setdefault(fold(label), []).append(label)
    alone = {form: owners[0] for form, owners in forms.items() if form and len(owners) == 1}
    known = tuple(form for form in sorted(alone, key=len, reverse=True) if re.search(r"\w", form))
    return Vocabulary(labels, frozenset(labels), {**dict(short), **alone}, known)


@lru_cache(maxsize=256)
def _patterns(forms: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    """Patterns that find these labels, one for each kind of edges; made where a text is no label by itself,
    since they take some 20 ms.

    Group 1 of a pattern is a label that stands as a word; it sits in a look-ahead, so that labels that
    overlap are all found.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for form in forms:
        groups.setdefault(_edges(form), []).append(_body(form))
    return tuple(
        re.compile(f"{before}(?=({'|'.join(bodies)}){after})", re.IGNORECASE)
        for (before, after), bodies in groups.items()
    )


def _body(form: str) -> str:
    return r"[\s_\-]+".join(re.escape(word) for word in form.split(" "))


def _edges(form: str) -> tuple[str, str]:
    """What must not stand before and behind a folded label, so that it is a word of its own."""
    before = rf"(?<!{WORD})(?<!{WORD}[_\-])" if re.match(WORD, form) else ""
    after = rf"(?!{WORD})(?![_\-]{WORD})(?![+#])" if re.match(WORD, form[-1]) else ""
    if form[0].isdigit():
        before += r"(?<![\-−])(?<!\d[.,])"
    if form[-1].isdigit():
        after += r"(?![.,]\d)"
    if form in ("a", "i"):  # an article or a pronoun where a word follows
        after += r"(?!\s+\w)"
    return before, after + (NO_IDEA if form == "no" else "")
