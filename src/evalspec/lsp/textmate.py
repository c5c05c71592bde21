"""The TextMate grammar of the language, made from the schema: `python -m evalspec.lsp.textmate FILE`.

For editors that colour without a server. Knows shapes and names; what a name means in its place is told by
the server's semantic tokens. A test proves the file in `editors/vscode/syntaxes` fresh.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path

from evalspec.language.call_names import CALLS
from evalspec.language.functions import FUNCTIONS
from evalspec.language.metric_names import LATER_METRICS, METRICS
from evalspec.language.sandbox import FILTERS, TESTS
from evalspec.language.schema import BLOCKS
from evalspec.lsp.template_walk import JUDGES, OWN_NAMES
from evalspec.lsp.templates import KEYWORDS
from evalspec.text.values import Json

NAME = r"[A-Za-z_][A-Za-z0-9_]*"
QUANTITY = r"\$?\b[0-9][0-9_]*(?:\.[0-9_]+)?(?:[eE][+-]?[0-9]+)?(?:%|[A-Za-z_][A-Za-z0-9_]*|/(?:s|min|h)\b)?"


def grammar() -> Json:
    """The grammar as JSON; the same bytes for the same schema."""
    return {
        "$schema": "https://raw.githubusercontent.com/martinring/tmlanguage/master/tmlanguage.json",
        "name": "evalspec",
        "scopeName": "source.evalspec",
        "fileTypes": ["eval"],
        "patterns": _includes("comment", "import", "block", "attribute", "table", "value"),
        "repository": {**_shapes(), **_values(), **_strings(), **_templates()},
    }


def _includes(*names: str) -> Json:
    return [{"include": f"#{name}"} for name in names]


def _one_of(words: Iterable[str]) -> str:
    return "|".join(sorted(words, key=lambda word: (-len(word), word)))


def _match(pattern: str, name: str = "", **captures: str) -> dict[str, Json]:
    """A rule that matches within a line; captures are given as `_1="scope"`."""
    rule: dict[str, Json] = {"match": pattern}
    if name:
        rule["name"] = name
    if captures:
        rule["captures"] = {key.lstrip("_"): {"name": scope} for key, scope in captures.items()}
    return rule


def _shapes() -> dict[str, Json]:
    head = rf"\b({_one_of(BLOCKS)})\b(?:[ \t]+(?!of\b)({NAME}))?(?:[ \t]+(of)[ \t]+({NAME}))?[ \t]*(?=\{{)"
    return {
        "comment": _match(r"#.*$", "comment.line.number-sign.evalspec"),
        "import": {
            "match": r"^\s*(import)\s+(\"[^\"]*\")",
            "captures": {
                "1": {"name": "keyword.control.import.evalspec"},
                "2": {"name": "string.quoted.double.evalspec"},
            },
        },
        "block": _match(
            head, _1="storage.type.block.evalspec", _2="entity.name.type.evalspec",
            _3="keyword.other.of.evalspec", _4="entity.name.type.evalspec",
        ),
        "attribute": {"patterns": _attributes()},
        "table": _table(),
    }  # fmt: skip


def _attributes() -> list[Json]:
    """Names in front of `=`, known ones first, and metrics in front of a bound."""
    attributes = {entry for kind in BLOCKS.values() for entry in kind.entries}
    compared = r"(?=[ \t]*(?:\([^()]*\))?[ \t]*(?:<=|>=|<(?!=)|>(?!=)))"
    bound = rf"({NAME}(?:[@^][0-9]+(?:\.[0-9]+)?%?)?|p[0-9]+\.[0-9]+){compared}"
    return [
        _match(
            rf"(?<![\w.\"])({_one_of(attributes)})[ \t]*(=)(?!=)",
            _1="support.type.property-name.evalspec", _2="keyword.operator.assignment.evalspec",
        ),
        _match(
            rf"(?<![\w.\"])({NAME}|\"[^\"\n]*\"|\*)[ \t]*(=)(?!=)",
            _1="variable.other.property.evalspec", _2="keyword.operator.assignment.evalspec",
        ),
        _match(rf"(?<=[{{;]|^)[ \t]*{bound}", _1="support.function.metric.evalspec"),
    ]  # fmt: skip


def _table() -> Json:
    return {
        "begin": r"^\s*(?=\|)",
        "end": r"$",
        "name": "meta.table.evalspec",
        "patterns": [
            _match(r"\|", "punctuation.separator.table.evalspec"),
            _match(r"\\", "keyword.operator.corner.evalspec"),
            _match(rf"(?<=\|)\s*({NAME})(?=\s*\|)", _1="variable.other.enummember.evalspec"),
            *_listed("comment", "value"),
        ],
    }  # fmt: skip


def _listed(*names: str) -> list[Json]:
    return [{"include": f"#{name}"} for name in names]


def _values() -> dict[str, Json]:
    calls = {name for group in CALLS.values() for name in group} | set(FUNCTIONS) | {"env", "column"}
    bare = {name for group in CALLS.values() for name, call in group.items() if "(" not in call.written}
    words = {word for kind in BLOCKS.values() for entry in kind.entries.values() for word in entry.words}
    metrics = {*METRICS, *LATER_METRICS}
    return {
        "value": {
            "patterns": [
                *_listed("long", "raw", "string"),
                _match(QUANTITY, "constant.numeric.evalspec"),
                _match(r"\b(?:true|false|null)\b", "constant.language.evalspec"),
                _match(r"\b(?:and|or|not|in|contains|matches)\b(?!\s*[=(])",
                       "keyword.operator.word.evalspec"),
                _match(rf"\b({_one_of(calls)})(?=\()", "support.function.evalspec"),
                _match(rf"\b{NAME}[@^][0-9]+(?:\.[0-9]+)?%?|\bp[0-9]+(?:\.[0-9]+)?\b",
                       "support.function.metric.evalspec"),
                _match(rf"\b(?:{_one_of(metrics - bare)})\b(?!\s*\()", "support.function.metric.evalspec"),
                _match(rf"\b(?:{_one_of((bare | words) - {'true', 'false', 'text'})})\b",
                       "support.constant.evalspec"),
                _match(r"\bparams\b(?=\.)", "variable.language.evalspec"),
                _match(r"<=|>=|==|!=|<|>|[-+*/%]", "keyword.operator.evalspec"),
                _match(NAME, "variable.other.evalspec"),
            ]
        }
    }  # fmt: skip


def _strings() -> dict[str, Json]:
    return {
        "long": {
            "name": "string.quoted.triple.evalspec",
            "begin": r'"""',
            "end": r'"""',
            "patterns": _listed("jinja"),
        },
        "raw": _match(r'\br"[^"\n]*"', "string.regexp.evalspec"),
        "string": {
            "name": "string.quoted.double.evalspec",
            "begin": r'"',
            "end": r'"|$',
            "patterns": [
                _match(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})', "constant.character.escape.evalspec"),
                _match(r"\\.", "invalid.illegal.escape.evalspec"),
                *_listed("jinja_short"),
            ],
        },
    }


def _templates() -> dict[str, Json]:
    """Jinja in strings; in a short string a tag ends with the string at the latest."""
    return {
        "jinja": {"patterns": [_comment(), _tag("long"), _output("long")]},
        "jinja_short": {"patterns": [_tag("short"), _output("short")]},
        "jinja_words": {
            "patterns": [
                _match(r"'[^'\n]*'|\\?\"[^\"\n\\]*\\?\"", "string.quoted.jinja"),
                _match(r"\b[0-9]+(?:\.[0-9]+)?\b", "constant.numeric.jinja"),
                _match(rf"\|\s*({_one_of(FILTERS)})\b", _1="support.function.filter.jinja"),
                _match(rf"\b(is)\s+(?:(not)\s+)?({_one_of(TESTS)})\b", _1="keyword.operator.jinja",
                       _2="keyword.operator.jinja", _3="support.function.test.jinja"),
                _match(rf"\b(?:{_one_of(KEYWORDS)})\b", "keyword.control.jinja"),
                _match(rf"\b(?:{_one_of((*OWN_NAMES, *JUDGES))})\b", "variable.language.jinja"),
                _match(rf"\.({NAME})", _1="variable.other.property.jinja"),
                _match(NAME, "variable.other.jinja"),
                _match(r"[-+*/%~|<>=!]+", "keyword.operator.jinja"),
            ]
        },
    }  # fmt: skip


def _comment() -> Json:
    return {"name": "comment.block.jinja", "begin": r"\{#", "end": r'#\}|(?=""")'}


def _tag(form: str) -> Json:
    return _braces("meta.tag.jinja", r"\{%[-+]?", r"[-+]?%\}", form)


def _output(form: str) -> Json:
    return _braces("meta.output.jinja", r"\{\{[-+]?", r"[-+]?\}\}", form)


def _braces(name: str, begin: str, end: str, form: str) -> Json:
    closing = r'(?=""")' if form == "long" else r'(?=(?<!\\)")|$'
    mark: Json = {"0": {"name": "punctuation.section.embedded.jinja"}}
    return {
        "name": f"{name} source.jinja",
        "begin": begin,
        "end": f"{end}|{closing}",
        "beginCaptures": mark,
        "endCaptures": mark,
        "patterns": _listed("jinja_words"),
    }


def text() -> str:
    """The grammar as it stands in its file."""
    return json.dumps(grammar(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(text(), encoding="utf-8")
