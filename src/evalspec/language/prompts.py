"""Prompts: parsed, inspected before anything is asked, and rendered exactly once.

Data and model output are values here, never templates. Jinja2 is sandboxed, strict and bounded: no
globals, no macros or imports, a fixed list of filters and methods, limits on output and time.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from evalspec.language.shapes import nothing_more
from evalspec.text.diagnostics import Diagnostic, problem
from evalspec.text.patterns import Pattern
from evalspec.text.source import Source, Span
from evalspec.text.values import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evalspec.language.functions import Type
    from evalspec.language.rendering import Template
    from evalspec.language.shapes import Shapes

MOST_TAGS = 5_000
TAG = Pattern(r"\{[{%].*?(?:[%}]\}|$)")
REST_OF_TAG = Pattern(r"(?:(?!\{[{%]).)*?[%}]\}")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A template that was understood: its text, where it stands, and the names it reads.

    `members` are the columns that it reads as `row["…"]`; all there are where it reads `row` itself.
    """

    text: str
    at: Span
    names: frozenset[str]
    template: Template = field(repr=False, compare=False)
    members: frozenset[str] = frozenset()

    def render(self, scope: Mapping[str, object]) -> str:
        """The text for one example.

        Raises RenderFault where it takes too long, grows too large or misses a value.
        """
        from evalspec.language import rendering

        return rendering.render(self.template, scope)

    def __reduce__(self) -> tuple[object, ...]:
        """For another process: compiled templates cannot be sent, and are compiled again there."""
        return _compiled_again, (self.text, self.at, self.names, self.members)


def _compiled_again(text: str, at: Span, names: frozenset[str], members: frozenset[str]) -> Prompt:
    from evalspec.language import rendering, sandbox

    return Prompt(text, at, names, rendering.compiled(sandbox.ENVIRONMENT.parse(text)), members)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Where a template's text came from: a string in a spec, or a whole file."""

    text: str
    source: Source
    at: Span
    form: str  # string, raw, long, file

    def place(self, line: int, word: str) -> Span:
        """The place of a word in one of the template's lines (from 1), or of the line, or of the whole."""
        first = self.source.position(self.at.start)[0]
        number = line
        if self.form == "long":
            opening = self.source.text[self.at.start + 3 : self.at.end].partition("\n")[0]
            number = first + line - (0 if not opening.strip() else 1)
        elif self.form != "file":
            number = first
        if number > len(self.source.line_starts):
            return self.at
        return self._in_line(number, word)

    def _in_line(self, number: int, word: str) -> Span:
        line_begin = self.source.line_starts[number - 1]
        begin = max(line_begin, self.at.start)
        text = self.source.text[begin : min(line_begin + len(self.source.line(number)), self.at.end)]
        for start, part in _tags_first(text):
            if word and (found := re.search(rf"(?<!\w){re.escape(word)}(?!\w)", part)) is not None:
                return Span(self.source, begin + start + found.start(), begin + start + found.end())
        if self.form in ("string", "raw"):
            return self.at
        indent = len(text) - len(text.lstrip())
        return Span(self.source, begin + indent, max(begin + len(text), begin + indent))


def _tags_first(line: str) -> Iterator[tuple[int, str]]:
    """The tags of a line with where they begin, then the whole line: a word is meant inside a tag."""
    if (rest := REST_OF_TAG.match(line)) is not None:
        yield 0, rest.group()
    for tag in TAG.finditer(line):
        yield tag.start(), tag.group()
    yield 0, line


def read_prompt(
    written: Written,
    scope: Mapping[str, Type] | None,
    where: str,
    shapes: Shapes = nothing_more,
) -> tuple[Prompt | None, tuple[Diagnostic, ...]]:
    """The prompt, and what is wrong with it. `scope`: the names it may read, None where nobody knows them.

    `shapes` tells more of some of these names than their type: the members of a record, what a list holds.
    """
    import jinja2

    from evalspec.language import inspection, rendering, sandbox

    if written.text.count("{{") + written.text.count("{%") > MOST_TAGS:
        return None, (
            problem("E0505", written.at, f"the template has more than {MOST_TAGS:,} tags", "shorten it"),
        )
    try:
        parsed = sandbox.ENVIRONMENT.parse(written.text)
        found = inspection.inspect(written, parsed, scope, shapes, where)
        if found.faults:
            return None, found.faults
        template = rendering.compiled(parsed)
    except jinja2.TemplateSyntaxError as fault:
        return None, (_no_template(written, fault.lineno, str(fault.message)),)
    except (RecursionError, MemoryError, SyntaxError, ValueError):
        # What Python itself cannot compile: twenty loops in each other, numbers of thousands of digits.
        fault_here = problem(
            "E0501", written.at, "the template nests too deep, or holds too long a number", "split it"
        )
        return None, (fault_here,)
    return Prompt(written.text, written.at, found.names, template, found.members), ()


def place_of_name(prompt: Prompt, name: str) -> Span:
    """Where a prompt reads a name first; the whole prompt where that cannot be told."""
    opening = prompt.at.source.text[prompt.at.start : prompt.at.start + 3]
    form = "long" if opening == '"""' else "string" if opening.startswith('"') else "raw"
    whole = prompt.at.start == 0 and prompt.at.end == len(prompt.at.source.text)
    written = Written(text=prompt.text, source=prompt.at.source, at=prompt.at, form="file" if whole else form)
    for number, line in enumerate(prompt.text.split("\n"), 1):
        if any(
            re.search(rf"(?<!\w){re.escape(name)}(?!\w)", tag) for tag in re.findall(r"\{[{%].*?[%}]\}", line)
        ):
            return written.place(number, name)
    return prompt.at


def _no_template(written: Written, line: int, message: str) -> Diagnostic:
    """What Jinja says of a template that it cannot parse, in a person's words."""
    if (opened := re.search(r"block that needs to be closed is '(\w+)'", message)) is not None:
        tag = opened.group(1)
        at = written.place(_open_tag_line(written.text, tag), tag)
        return problem("E0501", at, f"this `{tag}` is never closed", f"write `{{% end{tag} %}}`")
    said = re.sub(r" at \d+$", "", message[:1].lower() + message[1:].rstrip("."))
    return problem(
        "E0501",
        written.place(line, _word_in(message)),
        f"the template does not parse: {said}",
        "a value stands between `{{` and `}}`, a tag between `{%` and `%}`",
    )


def _open_tag_line(text: str, tag: str) -> int:
    """The line of the last tag of a kind that nothing closes."""
    lines: list[int] = []
    for found in re.finditer(rf"\{{%[-+]?\s*(end)?{tag}\b", text):
        if found.group(1) and lines:
            lines.pop()
        elif not found.group(1):
            lines.append(text.count("\n", 0, found.start()) + 1)
    return lines[-1] if lines else 1


def _word_in(message: str) -> str:
    found = re.search(r"'([^']+)'", message)
    return found.group(1) if found else ""
