"""Scores that somebody else gives: a model that judges or compares, embeddings, a function of one's own.

Understood and planned; `run` cannot ask them yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.check.datasets import Data
from evalspec.check.values import call_of, labels_of, no_file, shown, text_of, unexpected_arguments, word_of
from evalspec.data.places import is_file
from evalspec.language.expressions import Type
from evalspec.language.judging import Judge, Prefer, PythonScore, Similarity, TextScore
from evalspec.language.prompts import Prompt, Written, place_of_name, read_prompt
from evalspec.syntax import tree
from evalspec.text.patterns import Pattern

if TYPE_CHECKING:
    from evalspec.check.entries import Faults
    from evalspec.check.names import Declared

JUDGING = ("judge", "prefer", "similarity", "python")
JUDGES = ("judge", "prefer", "similarity")  # whose first argument is a model
OWN_NAMES = ("answer", "response", "gold")
FUNCTION = Pattern(r"(?P<file>[^:]+\.py):(?P<function>[A-Za-z_]\w*)")
YES_OR_NO = ("no", "yes")
QUESTION = "\n\nThe answer:\n{{ answer }}\n{% if gold %}\nA right answer:\n{{ gold }}\n{% endif %}"
COMPARISON = "\n\nThe first answer:\n{{ answer }}\n\nThe second answer:\n{{ response }}\n"


def read_judging(value: tree.Expr, data: Data, faults: Faults) -> TextScore | None:
    """The score of a call of `judge`, `prefer`, `similarity` or `python`; None after saying what is wrong."""
    name, arguments, named = call_of(value) or ("", (), {})
    before = len(faults.found)
    match name:
        case "judge":
            score: TextScore | None = _judge(value, arguments, named, data, faults)
        case "prefer":
            score = _prefer(value, arguments, named, data, faults)
        case "similarity":
            score = _similarity(value, arguments, named, faults)
        case _:
            score = _python(value, arguments, named, faults)
    if score is None or len(faults.found) > before:
        return None
    faults.not_run(value.at, f"the score `{name}`")
    return score


def judges_only(declared: Declared) -> frozenset[str]:
    """The models that judge or embed and are named as candidates nowhere: no task asks them by itself."""
    judging: set[str] = set()
    named: set[str] = set()
    waiting: list[tree.Entry] = [entry for file in declared.files for entry in file.entries]
    while waiting:
        entry = waiting.pop()
        if isinstance(entry, tree.Block):
            waiting.extend(entry.entries)
        elif isinstance(entry, tree.Attribute):
            for item in entry.value.items if isinstance(entry.value, tree.Sequence) else (entry.value,):
                _sort_models(item, judging, named)
    return frozenset(judging - named)


def _sort_models(item: tree.Expr, judging: set[str], named: set[str]) -> None:
    """Puts the names in a value to those that judge, or to those that are named otherwise."""
    name, arguments, by_name = call_of(item) or ("", (), {})
    if name in JUDGES and arguments and isinstance(arguments[0], tree.Name):
        judging.add(arguments[0].text)
    elif isinstance(item, tree.Name):
        named.add(item.text)
    for argument in (*(arguments if name not in JUDGES else ()), *(n.value for n in by_name.values())):
        for part in argument.items if isinstance(argument, tree.Sequence) else (argument,):
            if isinstance(part, tree.Name):
                named.add(part.text)


def _judge(
    value: tree.Expr,
    arguments: tuple[tree.Expr, ...],
    named: dict[str, tree.Named],
    data: Data,
    faults: Faults,
) -> Judge | None:
    unexpected_arguments(
        value.at, "judge", arguments[2:], named, ("prompt", "scale", "checked_against"), faults
    )
    model = _model(value, arguments, 'judge(MODEL, "Is it so?")', faults)
    prompt = _prompt(value, QUESTION, data, faults)
    scale = _scale(named.get("scale"), faults)
    against = named.get("checked_against")
    dataset = word_of(against.value, "`checked_against`", faults) if against is not None else None
    if model is None or prompt is None or scale is None:
        return None
    return Judge(
        model=model.text,
        prompt=prompt,
        scale=scale,
        checked_against=dataset.text if dataset is not None else None,
        at=model.at,
        checked_at=dataset.at if dataset is not None else None,
    )


def _prefer(
    value: tree.Expr,
    arguments: tuple[tree.Expr, ...],
    named: dict[str, tree.Named],
    data: Data,
    faults: Faults,
) -> Prefer | None:
    unexpected_arguments(value.at, "prefer", arguments[2:], named, ("prompt", "against"), faults)
    written = 'prefer(MODEL, "Which is clearer?", against = MODEL)'
    model = _model(value, arguments, written, faults)
    if "against" not in named:
        faults.add("E0306", value.at, "`prefer` needs a model to compare with", f"write `{written}`")
        return None
    against = word_of(named["against"].value, "`against`", faults)
    prompt = _prompt(value, COMPARISON, data, faults)
    if model is None or against is None or prompt is None:
        return None
    return Prefer(model=model.text, prompt=prompt, against=against.text, at=model.at, against_at=against.at)


def _similarity(
    value: tree.Expr, arguments: tuple[tree.Expr, ...], named: dict[str, tree.Named], faults: Faults
) -> Similarity | None:
    unexpected_arguments(value.at, "similarity", arguments[1:], named, (), faults)
    model = _model(value, arguments, "similarity(MODEL)", faults)
    return Similarity(model=model.text, at=model.at) if model is not None else None


def _model(
    value: tree.Expr, arguments: tuple[tree.Expr, ...], written: str, faults: Faults
) -> tree.Word | None:
    if not arguments:
        faults.add("E0306", value.at, f"`{written.partition('(')[0]}` needs a model", f"write `{written}`")
        return None
    return word_of(arguments[0], "a model", faults)


def _scale(given: tree.Named | None, faults: Faults) -> tuple[str, ...] | None:
    """The words or numbers of a scale, the worst first; `[no, yes]` without one."""
    if given is None:
        return YES_OR_NO
    labels = labels_of(given.value, faults)
    if labels is not None and len(labels) < 2:
        faults.add("E0438", given.value.at, "a scale has at least two steps", "write `scale = [no, yes]`")
        return None
    return labels


def _prompt(value: tree.Expr, around: str, data: Data, faults: Faults) -> Prompt | None:
    """The template that the judge is asked: `prompt = …`, or a question with the answer below it."""
    _, arguments, named = call_of(value) or ("", (), {})
    question = arguments[1] if len(arguments) > 1 else None
    given = named["prompt"].value if "prompt" in named else question
    if given is None:
        faults.add("E0306", value.at, "a judge needs a question", 'write it behind the model: "Is it clear?"')
        return None
    if question is not None and "prompt" in named:
        faults.add(
            "E0306", question.at, "a judge takes a question or a prompt, not both", "remove one of them"
        )
        return None
    text = text_of(given, "what a judge is asked", faults)
    if text is None:
        return None
    own = dict.fromkeys(OWN_NAMES, Type.UNKNOWN) | {"row": Type.OBJECT}
    scope = {**data.types, **own} if data.types is not None else None
    form = given.form if isinstance(given, tree.Text) else "string"
    whole = text if "prompt" in named else text + around
    written = Written(text=whole, source=given.at.source, at=given.at, form=form)
    prompt, wrong = read_prompt(written, scope, f"dataset `{data.dataset.name}`")
    faults.extend(wrong)
    if prompt is not None and "prompt" in named:
        _reads_an_answer(prompt, given, data, faults)
    return prompt


def _reads_an_answer(prompt: Prompt, given: tree.Expr, data: Data, faults: Faults) -> None:
    """Says that a judge's prompt does not show the answer, or reads its own name for a column's."""
    if not prompt.names & {"answer", "response"}:
        faults.add("E0507", given.at, "this prompt does not read the answer", "put it in: `{{ answer }}`")
    for name in OWN_NAMES:
        if name in prompt.names and name in (data.types or {}):
            said = f"`{name}` in a prompt is not the column of that name"
            faults.add("W0509", place_of_name(prompt, name), said, f'the column is `row["{name}"]`')


def _python(
    value: tree.Expr, arguments: tuple[tree.Expr, ...], named: dict[str, tree.Named], faults: Faults
) -> PythonScore | None:
    """`python("file.py:function")`."""
    unexpected_arguments(value.at, "python", arguments[1:], named, (), faults)
    text = text_of(arguments[0], "a function", faults) if arguments else None
    if not arguments:
        faults.add("E0306", value.at, "`python` needs a function", 'write `python("file.py:function")`')
    if text is None:
        return None
    found = FUNCTION.fullmatch(text)
    if found is None or "\0" in text:
        message = f"a function is named by its file, and this is `{shown(arguments[0])}`"
        faults.add("E0305", arguments[0].at, message, 'write `python("file.py:function")`')
        return None
    path = value.at.source.folder / found["file"]
    if not is_file(path):
        no_file(arguments[0].at, found["file"], path, faults)
        return None
    return PythonScore(file=path, function=found["function"])
