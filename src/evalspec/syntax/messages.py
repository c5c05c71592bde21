"""What is wrong with a token that the grammar cannot take, in a person's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.syntax import repairs
from evalspec.syntax.figures import misspelt_figure
from evalspec.syntax.tokens import ENDS_VALUE, STARTS_VALUE
from evalspec.text.diagnostics import Diagnostic, Edit, Fix, problem
from evalspec.text.source import Source, Span
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.syntax.lexer import Token


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """An unexpected token, what the grammar would take there, and the entry it stands in."""

    source: Source
    token: Token
    accepts: frozenset[str]
    before: Token | None
    entry: tuple[Token, ...]  # the tokens of the entry so far
    after: Token | None

    @property
    def at(self) -> Span:
        """The token's place; for the end of a line, the word before it, where something is missing."""
        start, end = self.token.start_pos, self.token.end_pos
        if start == end and self.before is not None:
            last = self.before.end_pos
            whole = "\n" not in self.before.value
            return Span(self.source, self.before.start_pos if whole else max(0, last - 1), last)
        return Span(self.source, start, end)

    @property
    def entry_at(self) -> Span:
        """The place of what stands of the entry, up to the token."""
        start, end = self.entry[0].start_pos, self.entry[-1].end_pos
        return Span(self.source, start, end)


def explain(here: Situation) -> Diagnostic:
    """The diagnostic for a token that does not fit."""
    for rule in RULES:
        found = rule(here)
        if found is not None:
            return found
    return _anything(here)


def _unterminated(here: Situation) -> Diagnostic | None:
    if here.token.type == "UNTERMINATED":
        at = Span(here.source, here.at.start, here.at.start + len(here.token.value.rstrip()))
        return problem(
            "E0102",
            at,
            "this string is not closed on its line",
            'close it with `"`; a string over several lines stands between `"""` and `"""`',
        )
    if here.token.type == "UNTERMINATED_LONG":
        at = Span(here.source, here.at.start, here.at.start + 3)
        return problem(
            "E0102", at, 'this `"""` is never closed', 'put `"""` on a line of its own behind the text'
        )
    return None


def _foreign(here: Situation) -> Diagnostic | None:
    if here.token.type == "FOREIGN":
        return problem(
            "E0103",
            here.at,
            f"`{here.token.value}` is not a name",
            "names are made of A-Z a-z 0-9 and _, the first no digit; put other labels and keys in quotes",
            fixes=repairs.replaced(here.at, f'"{here.token.value}"') if _holds_labels(here) else (),
        )
    if here.token.type == "ODD":
        known = {"“": '"', "”": '"', "„": '"', "’": "'", "'": '"', "`": '"', "&": "and", "!": "not"}
        offer = known.get(here.token.value, "")
        shown = here.token.value if here.token.value.isprintable() else f"U+{ord(here.token.value):04X}"
        fixes = repairs.spelled_and(here.source, here.at.start) if offer == "and" else ()
        return problem(
            "E0103",
            here.at,
            f"`{shown}` has no meaning here",
            f"write `{offer}`" if offer else "put a text into quotes, or take the sign out",
            fixes=fixes or repairs.quoted(here.source, here.at.start),
        )
    return None


def _holds_labels(here: Situation) -> bool:
    """Whether the token stands in a list or a table row, where quotes make a label of anything."""
    opened = [t.type for t in here.entry]
    return opened[:1] == ["BAR"] or opened.count("LSQB") > opened.count("RSQB")


def _single_equals(here: Situation) -> Diagnostic | None:
    if here.token.type != "EQUAL":
        return None
    before = here.before
    if before is not None and before.type == "COMPARE" and before.end_pos == here.at.start:
        at = Span(here.source, before.start_pos, here.at.end)
        fixes = repairs.replaced(at, before.value)
        return problem(
            "E0109", at, f"`{before.value}=` is no comparison", f"write `{before.value}`", fixes=fixes
        )
    if any(t.type == "EQUAL" for t in here.entry):
        fix = Fix(message="write `==`", edits=(Edit(at=here.at, text="=="),))
        return problem(
            "E0109", here.at, "`=` gives a value; it does not compare", "write `==` to compare", fixes=[fix]
        )
    return None


def _open_bracket(here: Situation) -> Diagnostic | None:
    if here.token.type not in ("SEP", "$END", "RBRACE"):
        return None
    stack: list[Token] = []
    for token in here.entry:
        if token.type in ("LPAR", "LSQB"):
            stack.append(token)
        elif token.type in ("RPAR", "RSQB") and stack:
            stack.pop()
    if not stack:
        return None
    opened = stack[-1]
    closing = ")" if opened.type == "LPAR" else "]"
    at = Span(here.source, opened.start_pos, opened.end_pos)
    return problem("E0105", at, f"this `{opened.value}` is never closed", f"add `{closing}`")


def _table(here: Situation) -> Diagnostic | None:
    if not here.entry or here.entry[0].type != "BAR":
        return None
    if here.token.type == "SEP":
        fixes = repairs.inserted(here.source, here.at.end, " |", "add ` |`")
        return problem("E0113", here.at, "a table row ends in `|`", "add ` |` behind it", fixes=fixes)
    return problem(
        "E0113",
        here.at,
        f"a cell cannot hold {_shown(here.token)} here",
        "a cell is a bare word, a string, a number, `-`, `*` or an expression in parentheses",
        "quote anything else",
    )


def _no_value(here: Situation) -> Diagnostic | None:
    before = here.before
    if here.token.type not in ("SEP", "RBRACE", "$END") or before is None:
        return None
    if before.type == "EQUAL":
        return problem(
            "E0111", here.at, f"`{here.entry[0].value} =` has no value", "write a value behind the `=`"
        )
    if before.type == "COMPARE" and all(t.type != "EQUAL" for t in here.entry):
        return problem(
            "E0111", here.at, "this bound has no figure", "write a figure such as `85%` or `600ms` behind it"
        )
    if before.type not in ENDS_VALUE:
        return problem(
            "E0111", here.at, f"something is missing behind `{before.value}`", "write a value behind it"
        )
    return None


def _colon(here: Situation) -> Diagnostic | None:
    words = here.entry
    if here.token.value != ":" or len(words) != 1 or words[0].type not in ("NAME", "STRING"):
        return None
    fix = Fix(message="write `=`", edits=(Edit(at=here.at, text=" ="),))
    shown = f"write `{words[0].value} = …`"
    return problem("E0112", here.at, "a name and its value are joined by `=`", shown, fixes=[fix])


def _head(here: Situation) -> Diagnostic | None:
    """A token in the head of a block that is no name."""
    if "LBRACE" not in here.accepts or here.after is None:
        return None
    target = here.token.type == "STRING" and here.after.value == "of"
    if here.after.type != "LBRACE" and not target:
        return None
    return problem(
        "E0103", here.at, f"{_shown(here.token)} is not a name", "names are made of A-Z a-z 0-9 and _"
    )


def _import_of_a_word(here: Situation) -> Diagnostic | None:
    if here.before is None or here.before.type != "IMPORT" or here.token.type == "SEP":
        return None
    fixes = repairs.import_in_quotes(here.source, here.at.start)
    return problem(
        "E0112", here.at, "`import` takes the name of a file", 'write `import "models.eval"`', fixes=fixes
    )


def _no_equals(here: Situation) -> Diagnostic | None:
    words = here.entry
    if not words or any(t.type not in ("NAME", "STRING", "METRIC", "STAR") for t in words):
        return None
    name = words[0].value
    if here.token.type == "SEP" and len(words) == 1:
        return problem(
            "E0112",
            here.entry_at,
            f"`{name}` stands alone",
            f"write `{name} = …` for an attribute, `{name} <= …` for a bound, `{name} {{ … }}` for a block",
        )
    if here.token.type == "SEP":
        shown, rest = " ".join(t.value for t in words), " ".join(t.value for t in words[1:])
        return problem(
            "E0112",
            here.entry_at,
            f"`{shown}` is not a whole entry",
            f"write `{name} = {rest}` for an attribute, or `{shown} {{ … }}` for a block",
        )
    if here.token.type in STARTS_VALUE and len(words) == 1:
        shown = f"write `{name} = {here.token.value}`"
        fixes = repairs.inserted(here.source, here.at.start, "= ", "write `=`")
        return problem("E0112", here.at, f"`=` is missing behind `{name}`", shown, fixes=fixes)
    return None


def _chained(here: Situation) -> Diagnostic | None:
    compares = [t for t in here.entry if t.type in ("COMPARE", "IN", "CONTAINS", "MATCHES")]
    if here.token.type == "COMPARE" and compares:
        return problem("E0106", here.at, "comparisons are not chained", "write `a < b and b < c`")
    return None


def _two_on_a_line(here: Situation) -> Diagnostic | None:
    if "SEP" in here.accepts and here.before is not None and here.before.type in (*ENDS_VALUE, "RBRACE"):
        return problem(
            "E0106",
            here.at,
            f"{_shown(here.token)} does not belong to the entry before it",
            "an entry ends at a line break or `;`; a text stands in quotes",
            fixes=_parting(here, here.before.end_pos),
        )
    return None


def _parting(here: Situation, end: int) -> repairs.Fixes:
    """A `;` between two entries, where the second is plainly one."""
    if here.token.value == ",":
        return repairs.semicolon_for_comma(here.source, here.at.start)
    if here.token.type == "NAME" and here.after is not None and here.after.type == "EQUAL":
        return repairs.inserted(here.source, end, ";", "put `;` between the two")
    return ()


def _anything(here: Situation) -> Diagnostic:
    wanted = ""
    if here.token.type == "SLASH" and not here.entry:
        wanted = "a comment begins with `#`"
    elif "SEP" not in here.accepts and here.accepts & STARTS_VALUE:
        wanted = "a value is due here"
    elif "LBRACE" in here.accepts:
        wanted = "`{` or a name is due here"
    elif "EQUAL" in here.accepts:
        wanted = "`=` is due here"
    fixes = repairs.comment(here.source, here.at.start) if wanted.startswith("a comment") else ()
    return problem("E0101", here.at, f"{_shown(here.token)} does not fit here", wanted, fixes=fixes)


def _shown(token: Token) -> str:
    if token.type == "SEP":
        return "the end of the line"
    return f"`{token.value}`" if len(token.value) <= 40 else f"`{token.value[:37]}…`"


RULES = (
    _unterminated,
    _colon,
    misspelt_figure,
    _head,
    _foreign,
    _single_equals,
    _open_bracket,
    _table,
    _no_value,
    _import_of_a_word,
    _no_equals,
    _chained,
    _two_on_a_line,
)
