"""The words of a text as the cursor's context is found from: those of the syntax, with plain offsets."""

from __future__ import annotations

from evalspec.syntax.tokens import tokens_of
from evalspec.text.values import dataclass


@dataclass(frozen=True, slots=True)
class Lexeme:
    """A word or sign: its kind as the grammar calls it, its text, and where it stands."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def form(self) -> str:
        """The form of a string, closed or not; "" for what is none."""
        match self.kind:
            case "LONG" | "UNTERMINATED_LONG":
                return "long"
            case "RAW":
                return "raw"
            case "STRING":
                return "string"
            case "UNTERMINATED":
                return "raw" if self.text.startswith("r") else "string"
            case _:
                return ""

    @property
    def is_open(self) -> bool:
        """Whether a string lacks its closing quotes."""
        return self.kind in ("UNTERMINATED", "UNTERMINATED_LONG")


@dataclass(frozen=True, slots=True)
class Lexed:
    """The lexemes of a text in order, separators of entries among them, and its comments beside them."""

    lexemes: tuple[Lexeme, ...]
    comments: tuple[Lexeme, ...]


def lexed(text: str) -> Lexed:
    """The lexemes of a text. Never raises, whatever the text."""
    found = tokens_of(text)
    stream = tuple(Lexeme(t.type, str(t.value), t.start_pos or 0, t.end_pos or 0) for t in found.stream)
    return Lexed(stream, tuple(_comment(str(t.value).rstrip("\r"), t.start_pos or 0) for t in found.comments))


def _comment(text: str, start: int) -> Lexeme:
    return Lexeme("COMMENT", text, start, start + len(text))
