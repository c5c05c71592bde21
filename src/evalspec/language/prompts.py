"""Prompts: parsed, inspected before anything is asked, and rendered exactly once.

Data and model output are values here, never templates. Jinja2 is sandboxed, strict and bounded: no
globals, no macros or imports, a fixed list of filters and methods, limits on output and time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evalspec.language.functions import Type
from evalspec.text.diagnostics import Diagnostic, did_you_mean, problem
from evalspec.text.source import Source, Span

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jinja2 import Template, nodes


@dataclass(frozen=True, slots=True)
class Prompt:
    """A template that was understood: its text, where it stands, and the names it reads."""

    text: str
    at: Span
    names: frozenset[str]
    template: Template = field(repr=False, compare=False)

    def render(self, scope: Mapping[str, object]) -> str:
        """The text for one example.

        Raises RenderFault where it takes too long, grows too large or misses a value.
        """
        from evalspec.language import sandbox

        return sandbox.render(self.template, scope)


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
        begin, text = self.source.line_starts[number - 1], self.source.line(number)
        for inside in re.finditer(r"\{[{%].*?(?:[%}]\}|$)|^.*?[%}]\}|.+", text):
            if (found := re.search(rf"(?<!\w){re.escape(word)}(?!\w)", inside.group())) and word:
                start = begin + inside.start() + found.start()
                return Span(self.source, start, start + len(word))
        if self.form in ("string", "raw"):
            return self.at
        indent = len(text) - len(text.lstrip())
        return Span(self.source, begin + indent, begin + max(len(text), indent + 1))


def read_prompt(
    written: Written, scope: Mapping[str, Type] | None, where: str
) -> tuple[Prompt | None, tuple[Diagnostic, ...]]:
    """The prompt, and what is wrong with it. `scope`: the names it may read, None where nobody knows them."""
    import jinja2

    from evalspec.language import sandbox

    try:
        parsed = sandbox.ENVIRONMENT.parse(written.text)
    except jinja2.TemplateSyntaxError as fault:
        at = written.place(fault.lineno, _word_in(str(fault.message)))
        return None, (problem("E0501", at, f"the template does not parse: {_plain(str(fault.message))}"),)
    except RecursionError:
        return None, (problem("E0501", written.at, "the template nests too deep"),)
    return _inspected(written, parsed, scope, where)


def _inspected(
    written: Written, parsed: nodes.Template, scope: Mapping[str, Type] | None, where: str
) -> tuple[Prompt | None, tuple[Diagnostic, ...]]:
    from jinja2 import meta

    from evalspec.language import sandbox

    faults = [_construct_fault(written, finding) for finding in list(sandbox.foreign_constructs(parsed))]
    sandbox.make_foreign_harmless(parsed)
    names = frozenset(meta.find_undeclared_variables(parsed)) - {"loop"}
    if scope is not None:
        faults += [_unknown_name(written, parsed, name, scope, where) for name in sorted(names - set(scope))]
        faults += _member_faults(written, parsed, scope)
    if faults:
        return None, tuple(faults)
    return Prompt(written.text, written.at, names, sandbox.compiled(parsed)), ()


def _construct_fault(written: Written, finding: tuple[str, str, int]) -> Diagnostic:
    from evalspec.language import sandbox

    kind, name, line = finding
    at = written.place(line, name)
    if kind == "filter":
        return problem("E0503", at, f"there is no filter `{name}`", did_you_mean(name, sandbox.FILTERS)[0])
    if kind == "test":
        return problem("E0503", at, f"there is no test `{name}`", did_you_mean(name, sandbox.TESTS)[0])
    if kind == "call":
        return problem(
            "E0504", at, f"a template cannot call `{name}`", f"methods: {', '.join(sorted(sandbox.METHODS))}"
        )
    return problem(
        "E0504", at, f"a template cannot use `{name}`", "it may use values, filters, `if`, `for` and `set`"
    )


def _unknown_name(
    written: Written, parsed: nodes.Template, name: str, scope: Mapping[str, Type], where: str
) -> Diagnostic:
    from jinja2 import nodes as jinja_nodes

    line = next((n.lineno for n in parsed.find_all(jinja_nodes.Name) if n.name == name), 1)
    at = written.place(line, name)
    help_line, fixes = did_you_mean(name, scope, at=at)
    return problem("E0502", at, f"{where} has no column `{name}`", help_line, fixes=fixes)


def _member_faults(written: Written, parsed: nodes.Template, scope: Mapping[str, Type]) -> list[Diagnostic]:
    """Members of columns that are no objects (methods that may be called are told apart before)."""
    from jinja2 import nodes as jinja_nodes

    called = {id(call.node) for call in parsed.find_all(jinja_nodes.Call)}
    faults = []
    for member in parsed.find_all(jinja_nodes.Getattr):
        owner = member.node
        if id(member) in called or not isinstance(owner, jinja_nodes.Name) or owner.name not in scope:
            continue
        kind = scope[owner.name]
        if kind not in (Type.OBJECT, Type.UNKNOWN):
            at = written.place(member.lineno, member.attr)
            faults.append(
                problem("E0502", at, f"`{owner.name}` is a {kind} and has no member `{member.attr}`")
            )
    return faults


def _word_in(message: str) -> str:
    found = re.search(r"'([^']+)'", message)
    return found.group(1) if found else ""


def _plain(message: str) -> str:
    return message[:1].lower() + message[1:].rstrip(".")
