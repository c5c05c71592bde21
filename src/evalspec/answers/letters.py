"""Which choice's letter a text says: the reader of `letter_of`, and of its gold.

A text that is a letter, or the exact text of a choice, says it. Else the letter after the last cue
("the answer is", "Answer:", a LaTeX box). Else a letter alone on its line, before a stop at a line's
start, in brackets, or behind "option", "it's" and the like, as long as all of these agree. Never the
pronoun I or the article A where a word follows, never a letter whose column is missing.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import deque
from collections.abc import Iterator, Mapping
from decimal import Decimal

from evalspec.answers.finding import WORD, WRAPPING, Finding, as_text, found, nothing
from evalspec.text.patterns import Pattern

LONGEST_CHOICE = 2000
MOST_CUES = 200
AROUND_LETTER = WRAPPING.replace("~", "") + "$\\"  # `~C` is a formula
QUOTES = ('""', "''", "``", "**", "__", "“”", "‘’", "«»")
UNPROSE = r"(?:because|since|as|is|due|given|which|and|or|but|for|so)"

# Behind a letter that stands for a choice: no more of a word, of a formula or of an abbreviation.
END = rf"(?!{WORD}|_\w|['’]\w|-\w|\.\w|[+#^]|\s?=)"
# Behind an A or I: no prose that would make it an article or a pronoun.
NO_PROSE = rf"(?![^\S\n]+(?!{UNPROSE}\b){WORD})"
LETTER = rf"(?:[B-HJ-Z]{END}|[AI]{END}{NO_PROSE})"
ANY_LETTER = rf"(?:[B-HJ-Zb-hj-z]{END}|[AIai]{END}{NO_PROSE})"

WORDS = (
    "most likely probably definitely certainly clearly for sure therefore thus hence indeed simply just then "
    "the to this question problem here option choice letter number correct right best final answer one "
    "boxed text textbf mathrm mathbf"
)
FILLER = rf"(?:[^\S\n]|[*_`\"'“”‘’,$(){{}}\[\]<>\\]|(?:{'|'.join(WORDS.split())})(?!{WORD}))"
LINK = (
    rf"(?:[:：=→\n]|[-–—]>?|是|为|為|は|"
    rf"(?:is|was|would\ be|should\ be|must\ be|will\ be|es|est|ist|é)(?!{WORD}))"
)
NOUN = (
    rf"(?<!{WORD})(?:answers?|ans|option|choice|letter|solution|conclusion|final|respuesta|réponse|antwort|"
    rf"risposta|resposta|ответ)(?!{WORD})|答案|答え|回答"
)
CUE = Pattern(
    rf"(?:{NOUN})(?:['’]s(?!{WORD})|{FILLER}{{0,12}}+{LINK})|\\f?boxed\s?\{{|<answer>", re.IGNORECASE
)
AFTER_CUE = Pattern(rf"(?i:{FILLER}|{LINK}){{0,24}}+({ANY_LETTER})")
SECOND = Pattern(
    rf"[)\]}}*.\"']{{0,3}}\s?(?:(?:or|and|und|ou|oder|y|o)(?!\w)|[/&])\s?[(\[*\"']{{0,3}}([A-Z]){END}"
    rf"|[)\]}}*]{{0,3}}[,;]\s?[(\[*\"']{{0,3}}([A-Z]){END}(?!\s+[a-z])"
)

ALONE_IN_LINE = Pattern(
    r"^[^\w\n~¬]{0,10}([A-Za-z])(?:[^\w\n]{0,10}$|[*_`\"')\]]{0,4}[.):](?!\w|\s?[A-Z]\W{0,3}$))", re.MULTILINE
)
OPENING = Pattern(r"\A[^\w\n]{0,10}([A-Z])\s+(?:because|since)\b")
APPROVED = Pattern(
    rf"(?<![\w~¬'’.-])([A-Z])[)\]*]{{0,3}}\s+is\s+(?:the\s+)?(?:most\s+)?(?:correct|right|best)(?!{WORD})"
)
BRACKETED = Pattern(r"(?<![\w\\])[(\[]\s?([A-Za-z])\s?[)\]]")
WEAK_CUE = Pattern(
    r"(?<!\w)(?i:option|choice|answer|letter|choose|chose|pick|select|go\swith|it['’]s|it\sis|must\sbe|therefore|so|"
    rf"thus|hence|think|believe|guess|say)[^\S\n][(\[*_`\"'“‘]{{0,4}}({LETTER})"
)


def choices(columns: tuple[str, ...], row: Mapping[str, object]) -> dict[str, str]:
    """The letters of a row with their choices' texts; a column that is missing or blank has no letter."""
    lettered = ((chr(ord("A") + i), row.get(column)) for i, column in enumerate(columns))
    return {letter: as_text(value) for letter, value in lettered if not _missing(value)}


def read_letter(text: str, offered: Mapping[str, str]) -> Finding:
    """The letter, among those offered, that a text says."""
    bare = text.strip(AROUND_LETTER)
    if not bare:
        return nothing("the response is empty")
    if len(bare) == 1 and bare.isascii() and bare.isalpha():
        return _offered(bare, offered, whole=True)
    chosen = _choice(text, offered)
    if chosen is not None:
        return found(chosen, whole=True)
    cued = _after_last_cue(text, offered)
    if cued is not None:
        return cued
    seen = sorted(set(_standing(text)) & set(offered))
    if len(seen) > 1:
        return nothing(f"several letters stand in it: {', '.join(seen[:5])}")
    return found(seen[0]) if seen else nothing("no letter stands in it")


def gold_letter(gold: object, columns: tuple[str, ...], row: Mapping[str, object]) -> Finding:
    """The letter that a gold value means: a letter, else an index counted from 0, else a choice's text."""
    offered = choices(columns, row)
    text = as_text(gold).strip()
    if len(text) == 1 and text.upper() in offered:
        return found(text.upper())
    position = _index(gold, text)
    if position is not None and position < len(columns):
        letter = chr(ord("A") + position)
        return found(letter) if letter in offered else nothing("means a choice that is missing")
    owner = _choice(text, offered)
    if owner is not None:
        return found(owner)
    several = any(choice.casefold().strip() == text.casefold() for choice in offered.values())
    return nothing("is the text of several choices" if several else "is no letter, index or text of a choice")


def _missing(value: object) -> bool:
    if isinstance(value, float):
        return math.isnan(value)
    return value is None or (isinstance(value, str) and not value.strip())


def _index(gold: object, text: str) -> int | None:
    if isinstance(gold, bool):
        return None
    if isinstance(gold, float | Decimal):
        exact = Decimal(gold)
        return int(exact) if exact.is_finite() and 0 <= exact < 26 and exact == int(exact) else None
    return int(text) if len(text) <= 2 and text.isascii() and text.isdigit() else None


def _offered(letter: str, offered: Mapping[str, str], *, whole: bool = False) -> Finding:
    letter = letter.upper()
    return found(letter, whole=whole) if letter in offered else nothing(f"{letter} is not among the choices")


def _choice(text: str, offered: Mapping[str, str]) -> str | None:
    """The letter of the one choice whose text this is, case-exact before case-blind.

    Only quotes, emphasis and a full stop around it are dropped: in formulas all else has a meaning.
    """
    if len(text) > LONGEST_CHOICE:
        return None
    said = _forms(text)
    spelt = {letter: _forms(choice) for letter, choice in offered.items()}
    for blind in (False, True):
        owners = [letter for letter, forms in spelt.items() if _cased(said, blind) & _cased(forms, blind)]
        if owners:
            return owners[0] if len(owners) == 1 else None
    return None


def _forms(text: str) -> frozenset[str]:
    """A text with and without full stop, quotes and emphasis, its blanks evened out."""
    plain = " ".join(unicodedata.normalize("NFC", text).split())
    forms = {plain, plain.removesuffix(".")}
    for form in tuple(forms):
        if len(form) > 2 and form[0] + form[-1] in QUOTES:
            forms |= {form.strip(form[0] + form[-1]), form.strip(form[0] + form[-1]).removesuffix(".")}
    return frozenset(form for form in forms if form)


def _cased(forms: frozenset[str], blind: bool) -> frozenset[str]:
    return frozenset(form.casefold() for form in forms) if blind else forms


def _after_last_cue(text: str, offered: Mapping[str, str]) -> Finding | None:
    """What the last cue that is followed by a letter or a choice's text says; None without one."""
    cues = deque((cue.end() for cue in CUE.finditer(text)), maxlen=MOST_CUES)
    findings = (_cued(text, end, offered) for end in reversed(cues))
    return next((finding for finding in findings if finding is not None), None)


def _cued(text: str, start: int, offered: Mapping[str, str]) -> Finding | None:
    line = text[start : start + LONGEST_CHOICE].lstrip().partition("\n")[0]
    chosen = None if len(line.strip(AROUND_LETTER)) == 1 else _choice(line, offered)
    if chosen is not None:
        return found(chosen)
    match = AFTER_CUE.match(text, start)
    if match is None:
        return None
    letter = match[1]
    if letter.islower() and letter.upper() not in offered:  # a variable, not a choice
        return None
    second = SECOND.match(text, match.end())
    if second is not None and (second[1] or second[2]) != letter.upper():
        return nothing("two letters follow the last cue")
    return _offered(letter, offered)


def _standing(text: str) -> Iterator[str]:
    """The letters that stand for themselves somewhere in a text without any cue."""
    for pattern in (ALONE_IN_LINE, OPENING, APPROVED, BRACKETED, WEAK_CUE):
        for match in pattern.finditer(text):
            yield match[1].upper()
