"""Mistakes to render, one of each kind, built from texts: the inputs of the golden cases."""

from __future__ import annotations

from evalspec.text.diagnostics import Diagnostic, Edit, Fix, Label, problem
from evalspec.text.source import DataLine, Source, Span

ROUTE = Source(
    name="specs/route.eval",
    text="""\
dataset tickets {
  source = file("tickets.csv")
  label = queue in [billing, bug, abuse, other]
}

costs misrouting {
  truth \\ answer | billing | bug | abuse |
  billing        | -       | 4   | 9     |
  bug            | 4       | -   | 9     |
  abuse          | 30      | 30  | -     |
}
""",
)


def at(source: Source, needle: str, nth: int = 0) -> Span:
    """The place of the nth occurrence of `needle`."""
    start = -1
    for _ in range(nth + 1):
        start = source.text.index(needle, start + 1)
    return Span(source, start, start + len(needle))


def spec(text: str, name: str = "a.eval") -> Source:
    return Source(name=name, text=text)


def label(place: Span | DataLine, message: str) -> Label:
    return Label(at=place, message=message)


def one_place() -> Diagnostic:
    place = at(ROUTE, "tickets.csv")
    return problem("E0601", place, "there is no file `specs/tickets.csv`", here="named here")


def elided_lines() -> Diagnostic:
    return problem(
        "E0312",
        at(ROUTE, "misrouting"),
        "the costs have no row for label `other`",
        "add a row `| other | … |`, or use `*` for every label not named",
        labels=[label(at(ROUTE, "other"), "declared here")],
        here="rows: billing, bug, abuse",
    )


def labels_on_one_line() -> Diagnostic:
    source = spec("budget = p95(latency) <= 900ms + $2\n")
    return problem(
        "E0301",
        at(source, "+"),
        "a duration and money do not add up",
        labels=[label(at(source, "900ms"), "a duration"), label(at(source, "$2"), "money")],
        here="added here",
    )


def labels_around_each_other() -> Diagnostic:
    source = spec("where = number(amount) > limit\n")
    return problem(
        "E0302",
        at(source, "amount"),
        "`amount` is a number already",
        labels=[
            label(at(source, "number(amount)"), "converted here"),
            label(at(source, "limit"), "compared"),
        ],
        here="a column of numbers",
    )


def labels_on_several_lines() -> Diagnostic:
    return problem(
        "E0313",
        at(ROUTE, "bug", 2),
        "the costs give a row twice",
        labels=[
            label(at(ROUTE, "abuse", 2), "between 1"),
            label(at(ROUTE, "billing", 2), "first"),
            label(at(ROUTE, "queue"), "labels"),
        ],
    )


def tabs() -> Diagnostic:
    source = spec('model\tfast {\n\tuse\t=\t"openai/gpt"\t# new\n}\n')
    return problem("W0701", at(source, '"openai/gpt"'), "this name floats", here="\tno version")


def wide_characters() -> Diagnostic:
    source = spec('answer = ["請求", "バグ", "그 밖", "Ｗ"] or "請求"\n')
    return problem(
        "E0210",
        at(source, '"請求"', 1),
        "the label `請求` is given twice",
        labels=[label(at(source, '"請求"'), "請求 first"), label(at(source, '"그 밖"'), "その他")],
        here="again",
    )


def emoji_and_combining() -> Diagnostic:
    source = spec('tags = ["👍🏽", "👨‍👩‍👧", "❤️", "🇩🇪", "cafe\u0301", bad]\n')
    return problem(
        "E0201",
        at(source, "bad"),
        "there is no label `bad`",
        labels=[label(at(source, '"👨‍👩‍👧"'), "one"), label(at(source, "\u0301"), "accent")],
    )


def end_of_file() -> Diagnostic:
    text = "task t {\n  data = d\n"
    source = spec(text)
    place = Span(source, len(text), len(text))
    return problem(
        "E0105",
        place,
        "the file ends inside a block",
        "close it with `}`",
        labels=[label(at(source, "{"), "opened here")],
    )


def end_without_line_break() -> Diagnostic:
    text = "task t {"
    return problem(
        "E0105", Span(spec(text), len(text), len(text)), "the file ends inside a block", here="`}`"
    )


def empty_file() -> Diagnostic:
    return problem("E0110", Span(spec("", "empty.eval"), 0, 0), "the file is empty", "try `evalspec init`")


def windows_line_breaks() -> Diagnostic:
    source = spec("seed = 1\r\nsamples = many\r\n\r\nrank = p95\r\n")
    return problem(
        "E0303",
        at(source, "many\r\n"),
        "`samples` takes a number",
        labels=[label(at(source, "\r\n", 2), "an empty line")],
    )


def several_lines() -> Diagnostic:
    source = spec('task t {\n  prompt = """\n    Which queue?\n    {{ text }}\n  """\n}\n')
    place = at(source, '"""\n    Which queue?\n    {{ text }}\n  """')
    return problem("W0503", place, "the prompt names no label", here="this prompt")


def long_line() -> Diagnostic:
    words = " ".join(f"word{n}" for n in range(200))
    source = spec(f'prompt = "{words} {{{{ nmae }}}} {words}"\n')
    return problem("E0502", at(source, "nmae"), "there is no column `nmae`", here="a name of the template")


def long_line_begin_and_end() -> Diagnostic:
    source = spec("where = " + " or ".join(f'name == "n{n}"' for n in range(60)) + "\n")
    return problem(
        "W0304",
        at(source, '"n59"'),
        "this compares with too many names",
        labels=[label(at(source, "where"), "begins here"), label(at(source, '"n58"'), "next to last")],
        here="the last",
    )


def long_wide_line() -> Diagnostic:
    source = spec("q = " + "請求" * 80 + "X" + "書\u0301" * 80 + "\n")
    return problem("E0103", at(source, "X"), "`X` has no meaning here")


def data_line() -> Diagnostic:
    place = DataLine("data/tickets.csv", 214, 8, "t-0214,billling,the invoice is wrong")
    return problem(
        "E0620", place, "`billling` is no label of `tickets`", "did you mean `billing`?", here="queue"
    )


def data_line_without_text() -> Diagnostic:
    return problem(
        "E0603",
        DataLine("data/tickets.csv", 30),
        "the id `t-7` is given twice",
        labels=[label(DataLine("data/tickets.csv", 12), "first here")],
        here="again",
    )


def control_characters() -> Diagnostic:
    return problem(
        "E0605",
        DataLine(
            "data/\x1b]0;evil\x07.csv",
            3,
            7,
            "id\x00,\x1b[2J\x9b1m,\u202eabuse\u2066,zero\u200bwidth,\ud800\nnext",
        ),
        "the label \x1b[31m`a\nb`\u2028 is not declared",
        "a\tb\x7f\nsecond line\x1b[0m",
        here="\x1b[5mhere\r",
    )


def two_files() -> Diagnostic:
    library = spec('model cheap {\n  use = baseline("majority")\n}\n', "shared/models.eval")
    main = spec('use "shared/models.eval"\n\nmodel cheap {\n}\n', "main.eval")
    return problem(
        "E0202",
        at(main, "cheap"),
        "there are two models named `cheap`",
        "rename one of them",
        labels=[
            label(at(library, "cheap"), "the first"),
            label(at(main, '"shared/models.eval"'), "read from here"),
            label(DataLine("answers.jsonl", 5), "used by these answers"),
        ],
        here="the second",
    )


def secret() -> Diagnostic:
    source = spec('provider p {\n  api_key = "correct-horse-battery"  # do not share\n}\n')
    return problem(
        "E0440",
        at(source, '"correct-horse-battery"'),
        "a secret is written into the spec",
        'write `env("NAME")`',
        labels=[label(at(source, "# do"), "quite")],
        here="anyone who reads the file has it",
    )


def looks_like_a_key() -> Diagnostic:
    source = spec('provider p { api_key = "sk-abcdefghijklmnop1234" timeout = 3 }\n')
    return problem("E0101", at(source, "timeout"), "two entries stand on one line", here="the second")


def fixable() -> Diagnostic:
    source = spec("samplse = 3\nseed = 🎲4\n", "my specs/ü:1,50%.eval")
    place = at(source, "samplse")
    return problem(
        "W0401",
        place,
        "there is no attribute `samplse`,\r\nnot 100% sure",
        "did you mean `samples`?",
        labels=[
            label(at(source, "4"), "beside"),
            label(DataLine("s3://bucket/a b.csv", 2, 3, "1,x"), "\x7f read"),
        ],
        fixes=[Fix(message="write `samples`", edits=(Edit(at=place, text="samples"),))],
        here="unknown",
    )


def note() -> Diagnostic:
    return problem("N0702", at(ROUTE, "tickets"), "312 examples tell apart differences of 6 points and more")


MISTAKES = (
    one_place,
    elided_lines,
    labels_on_one_line,
    labels_around_each_other,
    labels_on_several_lines,
    tabs,
    wide_characters,
    emoji_and_combining,
    end_of_file,
    end_without_line_break,
    empty_file,
    windows_line_breaks,
    several_lines,
    long_line,
    long_line_begin_and_end,
    long_wide_line,
    data_line,
    data_line_without_text,
    control_characters,
    two_files,
    secret,
    looks_like_a_key,
    fixable,
    note,
)
