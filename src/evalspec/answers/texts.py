"""What a free answer says, and whether it is a gold text: the reader of `text`, and its scores."""

from __future__ import annotations

import re
import string
import unicodedata

from evalspec.answers.finding import Finding, found, nothing
from evalspec.text.patterns import Pattern

ARTICLE = Pattern(r"\b(?:a|an|the)\b", re.IGNORECASE)
# Kept where punctuation is ignored: what gives a number its value.
POINT = Pattern(r"(?<=\d)\.(?=\d)|(?<!\w)-(?=\.?\d)")


def read_text(text: str) -> Finding:
    """The text, trimmed."""
    trimmed = text.strip()
    return found(trimmed, whole=True) if trimmed else nothing("the response is empty")


def same_text(answer: str, gold: str, ignore: frozenset[str]) -> bool:
    """Whether two trimmed texts are equal when `case`, `space`, `punctuation` and `articles` are ignored
    as far as `ignore` names them."""
    return comparable(answer, ignore) == comparable(gold, ignore)


def contains_text(answer: str, gold: str) -> bool:
    """Whether a gold text stands somewhere in an answer, case-blind."""
    return (
        unicodedata.normalize("NFC", gold).strip().casefold()
        in unicodedata.normalize("NFC", answer).casefold()
    )


def comparable(text: str, ignore: frozenset[str]) -> str:
    """The text without what is ignored. Decimal points and minus signs of numbers are no punctuation."""
    text = unicodedata.normalize("NFC", text).replace("−", "-")
    if "case" in ignore:
        text = text.casefold()
    if "punctuation" in ignore:
        text = _without_punctuation(text)
    if "articles" in ignore:
        text = ARTICLE.sub(" ", text)
    if "space" in ignore:
        return "".join(text.split())
    # What was dropped must not leave a blank behind that tells two texts apart.
    return " ".join(text.split()) if ignore & {"punctuation", "articles"} else text.strip()


def _without_punctuation(text: str) -> str:
    kept = {match.start() for match in POINT.finditer(text)}
    return "".join(char for i, char in enumerate(text) if i in kept or not _punctuation(char))


def _punctuation(char: str) -> bool:
    kind = unicodedata.category(char)
    return char in string.punctuation or kind[0] == "P" or kind == "Sc"
