"""The TextMate grammar: fresh, and what the engine of VS Code makes of specs with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from editors.npm import VSCODE, node, packages
from evalspec.language.schema import BLOCKS
from evalspec.lsp import textmate

GRAMMAR = VSCODE / "syntaxes" / "evalspec.tmLanguage.json"
ROOT = Path(__file__).resolve().parents[2]
Tokens = list[list[tuple[str, list[str]]]]
SPEC = """\
# tickets
import "models.eval"
dataset tickets {
  source = file("data.csv")
  label = queue in [billing, bug]
  derive { long = words(body) > 120 and not is_missing(body) }
}
subset spanish of tickets { where = lang == "es\\n" }
model mini { use = "openai/x"; temperature = 0.5; timeout = 900ms }
costs misrouting {
  | truth \\ answer | billing | bug |
  | billing | - | $4.50 |
}
task route {
  prompt = \"\"\"
    {# a note #}
    One of {{ labels | join(", ") }}: # no comment
    {% if lang is defined %}{{ body | upper }}{% endif %}
    \"\"\"
  system = "Say {{ lang }} now"
  extract = last(r"Answer: (.*)")
  confidence = [logprobs, stated]
  require {
    accuracy(spanish) >= 85%
    p99.9 <= 1.5s
    else = mark
  }
  rank = pass@10
}
"""


@pytest.fixture(scope="module")
def tokenise(tmp_path_factory: pytest.TempPathFactory) -> Callable[[list[str]], list[Tokens]]:
    folder = packages(tmp_path_factory.mktemp("npm"))
    return lambda texts: json.loads(node("tokenise.js", str(folder), str(GRAMMAR), given=json.dumps(texts)))


def test_the_grammar_is_fresh() -> None:
    again = "run: python -m evalspec.lsp.textmate editors/vscode/syntaxes/evalspec.tmLanguage.json"
    assert GRAMMAR.read_text(encoding="utf-8") == textmate.text(), again


def scope_of(tokens: Tokens, line: int, word: str) -> str:
    """The innermost scope of a word in a line (from 1)."""
    return next(scopes[-1] for text, scopes in tokens[line - 1] if text.strip() == word)


@pytest.mark.parametrize(
    ("line", "word", "scope"),
    [
        (1, "# tickets", "comment.line.number-sign.evalspec"),
        (2, "import", "keyword.control.import.evalspec"),
        (3, "dataset", "storage.type.block.evalspec"),
        (3, "tickets", "entity.name.type.evalspec"),
        (4, "source", "support.type.property-name.evalspec"),
        (4, "=", "keyword.operator.assignment.evalspec"),
        (4, "file", "support.function.evalspec"),
        (5, "in", "keyword.operator.word.evalspec"),
        (6, "derive", "storage.type.block.evalspec"),
        (6, "long", "variable.other.property.evalspec"),
        (6, "words", "support.function.evalspec"),
        (6, ">", "keyword.operator.evalspec"),
        (6, "120", "constant.numeric.evalspec"),
        (6, "not", "keyword.operator.word.evalspec"),
        (8, "of", "keyword.other.of.evalspec"),
        (8, "==", "keyword.operator.evalspec"),
        (8, "\\n", "constant.character.escape.evalspec"),
        (9, "0.5", "constant.numeric.evalspec"),
        (9, "900ms", "constant.numeric.evalspec"),
        (9, "timeout", "support.type.property-name.evalspec"),
        (9, "temperature", "variable.other.property.evalspec"),
        (11, "\\", "keyword.operator.corner.evalspec"),
        (11, "billing", "variable.other.enummember.evalspec"),
        (12, "$4.50", "constant.numeric.evalspec"),
        (16, "a note", "comment.block.jinja"),
        (17, "labels", "variable.language.jinja"),
        (17, "join", "support.function.filter.jinja"),
        (17, ": # no comment", "string.quoted.triple.evalspec"),
        (18, "if", "keyword.control.jinja"),
        (18, "lang", "variable.other.jinja"),
        (18, "defined", "support.function.test.jinja"),
        (18, "upper", "support.function.filter.jinja"),
        (20, "Say", "string.quoted.double.evalspec"),
        (20, "lang", "variable.other.jinja"),
        (20, "now", "string.quoted.double.evalspec"),
        (21, "last", "support.function.evalspec"),
        (21, 'r"Answer: (.*)"', "string.regexp.evalspec"),
        (22, "logprobs", "support.constant.evalspec"),
        (23, "require", "storage.type.block.evalspec"),
        (24, "accuracy", "support.function.metric.evalspec"),
        (24, "85%", "constant.numeric.evalspec"),
        (25, "p99.9", "support.function.metric.evalspec"),
        (25, "1.5s", "constant.numeric.evalspec"),
        (26, "mark", "support.constant.evalspec"),
        (28, "pass@10", "support.function.metric.evalspec"),
    ],
)
def test_words_have_the_scopes_that_themes_colour(
    tokenise: Callable[[list[str]], list[Tokens]], line: int, word: str, scope: str
) -> None:
    assert scope_of(tokens_of_spec(tokenise), line, word) == scope


KEPT: list[Tokens] = []


def tokens_of_spec(tokenise: Callable[[list[str]], list[Tokens]]) -> Tokens:
    if not KEPT:
        KEPT.extend(tokenise([SPEC]))
    return KEPT[0]


def test_a_string_that_is_not_closed_ends_with_its_line(
    tokenise: Callable[[list[str]], list[Tokens]],
) -> None:
    (tokens,) = tokenise(['model m { use = "open {{ x\n  timeout = 3s }\n'])
    assert scope_of(tokens, 2, "timeout") == "support.type.property-name.evalspec"


def test_a_tag_that_is_not_closed_ends_with_its_prompt(
    tokenise: Callable[[list[str]], list[Tokens]],
) -> None:
    (tokens,) = tokenise(['task t {\n  prompt = """ {{ body\n  """\n  rank = accuracy\n}\n'])
    assert scope_of(tokens, 4, "rank") == "support.type.property-name.evalspec"


def test_every_spec_of_the_project_is_left_outside_of_strings_and_tags(
    tokenise: Callable[[list[str]], list[Tokens]],
) -> None:
    """Whatever stands in a spec, its last brace is no part of a string or template."""
    specs = [p for p in sorted((ROOT / "specs").glob("*.eval")) if p.read_text().rstrip().endswith("}")]
    assert specs
    for path, tokens in zip(specs, tokenise([p.read_text().rstrip() for p in specs]), strict=True):
        text, scopes = tokens[-1][-1]
        assert (text, scopes) == ("}", ["source.evalspec"]), path


def test_every_attribute_of_the_schema_is_coloured_as_one(
    tokenise: Callable[[list[str]], list[Tokens]],
) -> None:
    names = sorted({entry for kind in BLOCKS.values() for entry in kind.entries})
    (tokens,) = tokenise(["\n".join(f"  {name} = 1" for name in names)])
    scopes = ["source.evalspec", "support.type.property-name.evalspec"]
    assert [list(line[1]) for line in tokens if line] == [[name, scopes] for name in names]
