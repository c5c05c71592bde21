"""The language as data: which blocks and attributes there are, what they hold, and which are built.

One table drives checking, completion, hover, the reference page and the editor grammar. A new attribute
is a line here and a reader in `check`, never a change of the grammar. The words and functions that stand
as values are in `call_names.py`, the metrics in `metric_names.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An attribute or nested block: what it is for and what its value is.

    `value` is how a value is written; `refers` the kind of name that stands there (a kind of block, or
    `column`, `label`, `step`, `metric`), `several` whether a list of them may; `calls` the group of words
    and functions (see `call_names.CALLS`); `words` the few words that are legal. `built` says whether
    `check` understands it, `runs` whether `run` can do it.
    """

    name: str
    doc: str
    value: str = ""
    refers: str = ""
    several: bool = False
    calls: str = ""
    words: tuple[str, ...] = ()
    built: bool = True
    runs: bool = True
    block: bool = False
    block_too: bool = False  # an attribute that may be a block as well


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockKind:
    """A kind of block: whether it is named and has a target, and what may stand in it.

    `free` admits any attribute name (request parameters, headers); `bounds` and `rows` admit those shapes;
    `metrics` says that its bounds are metrics, `repeats` that an attribute may stand more than once.
    """

    name: str
    doc: str
    entries: Mapping[str, Entry]
    named: bool = False
    target: bool = False
    free: bool = False
    bounds: bool = False
    metrics: bool = False
    rows: bool = False
    star: bool = False
    repeats: bool = False
    built: bool = True
    runs: bool = True
    required: tuple[str, ...] = ()


def _entries(*entries: Entry) -> Mapping[str, Entry]:
    return {e.name: e for e in entries}


def _a(
    name: str,
    doc: str,
    value: str = "",
    *,
    refers: str = "",
    several: bool = False,
    calls: str = "",
    words: tuple[str, ...] = (),
    built: bool = True,
    runs: bool = True,
    block_too: bool = False,
) -> Entry:
    return Entry(
        name=name, doc=doc, value=value, refers=refers, several=several, calls=calls, words=words,
        built=built, runs=runs, block_too=block_too,
    )  # fmt: skip


def _b(name: str, doc: str, *, built: bool = True, runs: bool = True) -> Entry:
    return Entry(name=name, doc=doc, built=built, runs=runs, block=True)


ASKING = (
    _a("prompt", "the template of the question", '"""…"""', refers="prompt", calls="prompt"),
    _b("prompts", "prompt variants: each makes candidates `model/variant`"),
    _a("system", "the template of the system message", '"""…"""', refers="prompt", calls="prompt"),
    _a("messages", "a whole conversation: a block of roles, or a column", "COLUMN", refers="column",
       block_too=True),
    _a("images", "columns of images: path, URL or data", "[COLUMN]", refers="column", several=True),
    _b("request", "request parameters for every candidate"),
    _a("samples", "how often each question is asked", "20"),
    _a("shots", "few-shot examples", "first(5, of = DATASET)", calls="shots"),
    _a("perturb", "asks each changed example too", "[typos(10%)]", calls="perturb", several=True,
       runs=False),
)  # fmt: skip
READING = (
    _a("answer", "what kind of answer is due", "one_of(COLUMN)", calls="answer"),
    _a("enforce", "sends the provider the schema of the answer (false)", "true", words=("true", "false")),
    _a("extract", "where in the response the answer stands", 'last(r"…")', calls="extract", several=True),
    _a("strip_reasoning", "whether <think>…</think> is dropped (true)", "false", words=("true", "false")),
    _a("missing", "what a choice without a probability counts as", "wrong", words=("wrong", "abstain")),
    _a("abstains", "a pattern by which a free answer declines", 'matches(r"…")', calls="abstains"),
    _a("gold", "the right answer: a column or an expression (the label), or a block of fields", "COLUMN",
       refers="column", block_too=True),
    _a("score", "how a text is judged", "exact", calls="score"),
    _b("scores", "several named scores, which become metrics"),
    _a("right", "what counts as right (the one 0/1 score)", "SCORE >= 4"),
    _a("confidence", "where confidence comes from, or a list of which each candidate uses the first it can",
       "[logprobs, stated]", calls="confidence", several=True),
)  # fmt: skip
DECIDING = (
    _a("data", "the dataset", "DATASET", refers="dataset"),
    _a("models", "the candidates (every model that fits)", "[MODEL, …]", refers="model", several=True),
    _a("costs", "what each kind of mistake costs", "COSTS", refers="costs"),
    _a("abstain", "when the policy withholds an answer", "when_cheaper", calls="abstain"),
    _b("latency", "latency budgets"),
    _b("require", "bounds that a candidate must meet"),
    _b("no_worse_than", "how much worse than a model a candidate may be at most"),
    _a("report", "more columns of the table", "[METRIC, …]", refers="metric", several=True),
    _a("rank", "the metric that orders the candidates, or a list", "METRIC", refers="metric", several=True),
)
JUDGING = (
    _a("positive", "the label that precision, recall and f1 are about", "LABEL", refers="label"),
    _a("calibration", "the binning of confidences (auto)", "width(10)", calls="calibration"),
)
CONNECTION = (
    _a("base_url", "where it is", 'env("NAME")'),
    _a("api_key", "its key, from the environment", 'env("NAME")'),
    _b("headers", "more headers"),
    _a("timeout", "how long one attempt may take", "30s"),
    _a("concurrency", "how many requests may be in flight", "8"),
)

BLOCKS: Mapping[str, BlockKind] = {
    kind.name: kind
    for kind in (
        BlockKind(
            name="dataset",
            doc="a labelled set of examples",
            named=True,
            rows=True,
            entries=_entries(
                _a("source", "its files: csv, tsv, jsonl, json, parquet, each also .gz", 'file("data.csv")',
                   calls="source", several=True),
                _a("header", "the columns of files that have no header row", "[question, answer]"),
                _a("format", "the format, where the ending does not tell", '"csv"',
                   words=("csv", "tsv", "jsonl", "json", "parquet")),
                _a("id", "the column of ids (a hash of the row)", "COLUMN", refers="column"),
                _a("label", "the column of right answers, with its labels where they are known",
                   "COLUMN in [a, b]", refers="column"),
                _b("derive", "columns computed from others"),
                _a("where", "which rows belong to the set", "CONDITION"),
                _a("optional", "columns that may be missing", "[COLUMN, …]", several=True),
                _a("sample", "how many rows are drawn", "300"),
                _a("by", "what the drawing is stratified by", "COLUMN", refers="column"),
                _a("seed", "the seed of the drawing (0)", "7"),
                _b("mix", "shares in production, to which quality and cost are weighted"),
                _a("weight", "a column of sampling weights", "COLUMN", refers="column"),
                _a("cluster", "rows that stand together: standard errors are clustered", "COLUMN",
                   refers="column"),
                _a("private", "columns that are sent to models and masked in reports", "[COLUMN, …]",
                   refers="column", several=True),
            ),
        ),
        BlockKind(
            name="subset",
            doc="some examples of a dataset",
            named=True,
            target=True,
            entries=_entries(
                _a("where", "which examples", "CONDITION"),
                _a("by", "a column: one subset for each of its values", "COLUMN", refers="column"),
                _a("min", "how many examples it should have at least", "40"),
                _a("all_of", "examples in all of these subsets", "[SUBSET, …]", refers="subset",
                   several=True),
                _a("any_of", "examples in any of these subsets", "[SUBSET, …]", refers="subset",
                   several=True),
                _a("average", "of a group: over its examples (micro) or its subsets (macro)", "micro",
                   words=("micro", "macro")),
            ),
        ),
        BlockKind(
            name="provider",
            doc="an endpoint shared by models",
            named=True,
            entries=_entries(*CONNECTION),
        ),
        BlockKind(
            name="model",
            doc="a candidate",
            named=True,
            free=True,
            required=("use",),
            entries=_entries(
                _a("use", "what answers: a route, or a function", '"openai/gpt-5-mini"', calls="use"),
                _a("provider", "the provider block it is reached through", "PROVIDER", refers="provider"),
                *CONNECTION,
                _b("price", "dollars for tokens"),
                _a("mode", "batch: the provider's half-price endpoint, without latency figures", "batch",
                   words=("batch",)),
            ),
        ),
        BlockKind(
            name="prompt",
            doc="a named prompt, for several tasks or variants",
            named=True,
            required=("text",),
            entries=_entries(_a("text", "the template", '"""…"""', calls="prompt")),
        ),
        BlockKind(
            name="costs",
            doc="what each kind of mistake costs",
            named=True,
            rows=True,
            entries=_entries(
                _a("unit", "what the figures are (usd where they are money)", '"points"'),
                _a("positive", "two classes: the label that is looked for", "LABEL", refers="label"),
                _a("false_positive", "two classes: the cost of a false alarm", "10"),
                _a("false_negative", "two classes: the cost of a miss", "1"),
                _a("right", "any answer type: the cost of a right answer", "0"),
                _a("wrong", "any answer type: the cost of a wrong answer", "20"),
                _a("invalid", "the cost of an unreadable answer", "20"),
                _a("abstain", "the cost of abstaining", "0.5"),
            ),
        ),
        BlockKind(
            name="task",
            doc="one question",
            named=True,
            entries=_entries(*ASKING, *READING, *DECIDING, *JUDGING),
        ),
        BlockKind(
            name="chain",
            doc="questions that read each other's answers",
            named=True,
            entries=_entries(
                *DECIDING,
                *JUDGING,
                _b("step", "one question of the chain"),
                _a("answer_of", "the step whose answer is the chain's (the last)", "STEP", refers="step"),
                _a("confidence", "the chain's confidence (last)", "product", calls="chain_confidence"),
                _b("assign", "which models run which steps", runs=False),
                _a("oracle", "re-runs with one step made perfect (false)", "true", words=("true", "false"),
                   runs=False),
            ),
        ),
        BlockKind(
            name="step",
            doc="one question of a chain",
            named=True,
            entries=_entries(
                *ASKING, *READING,
                _a("when", "for which examples the step runs", "CONDITION"),
            ),
        ),
        BlockKind(
            name="decision",
            doc="several tasks, weighed",
            named=True,
            entries=_entries(
                _b("weights", "how much each task counts (all alike)"),
                _a("models", "the candidates (those of all its tasks)", "[MODEL, …]", refers="model",
                   several=True),
                _a("rank", "expected_cost, total_cost, mean_win_rate or a metric", "mean_win_rate",
                   refers="metric", several=True),
                _a("where", "narrows the candidates by a leaderboard", "LEADERBOARD >= 70"),
                _a("report", "more columns of the table", "[METRIC, …]", refers="metric", several=True),
            ),
        ),
        BlockKind(
            name="leaderboard",
            doc="published scores by model",
            named=True,
            free=True,
            entries={},
        ),
        BlockKind(
            name="limits",
            doc="how hard the endpoints may be pressed, and what may be spent",
            bounds=True,
            entries=_entries(
                _a("race", "stops asking models that are certainly beaten (false)", "true",
                   words=("true", "false")),
            ),
        ),
        BlockKind(name="params", doc="figures that --set replaces", free=True, entries={}),
        # ── inside others ──
        BlockKind(
            name="require",
            doc="bounds that a candidate must meet",
            bounds=True,
            metrics=True,
            entries=_entries(_a("else", "what becomes of a candidate that misses one (exclude)", "mark",
                                words=("exclude", "mark"))),
        ),
        BlockKind(
            name="no_worse_than",
            doc="how much worse than a model a candidate may be at most, on the paired interval",
            named=True,
            bounds=True,
            metrics=True,
            entries={},
        ),
        BlockKind(
            name="latency",
            doc="latency budgets: bounds on p50 … p99.9, mean, max and errors",
            bounds=True,
            metrics=True,
            entries=_entries(
                _a("load", "requests by the clock (4/s) or so many in flight (8)", "4/s"),
                _a("for", "how long the load lasts", "60s"),
                _a("warmup", "requests that are sent and not counted", "10"),
                _a("else", "what becomes of a candidate that is over (exclude)", "mark",
                   words=("exclude", "mark")),
            ),
        ),
        BlockKind(name="derive", doc="computed columns: NAME = EXPRESSION", free=True, entries={}),
        BlockKind(name="request", doc="request parameters", free=True, entries={}),
        BlockKind(name="headers", doc="headers", free=True, entries={}),
        BlockKind(name="prompts", doc="prompt variants: NAME = template", free=True, entries={}),
        BlockKind(
            name="messages",
            doc="a conversation: roles with templates, in order",
            repeats=True,
            entries=_entries(
                _a("system", "the system message", '"""…"""', calls="prompt"),
                _a("user", "what is asked", '"""…"""', calls="prompt"),
                _a("assistant", "what the model is said to have answered", '"""…"""', calls="prompt"),
            ),
        ),
        BlockKind(name="gold", doc="the right value of each field: FIELD = EXPRESSION", free=True,
                  entries={}),
        BlockKind(name="scores", doc="named scores: NAME = score", free=True, entries={}),
        BlockKind(name="assign", doc="STEP = MODEL, or a list of models", free=True, runs=False,
                  entries={}),
        BlockKind(name="weights", doc="TASK = share", free=True, entries={}),
        BlockKind(name="mix", doc="shares in production: VALUE = 70%; * is the rest", named=True, free=True,
                  star=True, entries={}),
        BlockKind(
            name="price",
            doc="what tokens cost",
            entries=_entries(
                _a("input", "dollars for input tokens", "$0.15"),
                _a("output", "dollars for output tokens", "$0.60"),
                _a("per", "for how many tokens (1_000_000)", "1_000"),
            ),
        ),
    )
}  # fmt: skip

TOP_LEVEL = (
    "dataset", "subset", "provider", "model", "prompt", "costs", "task", "chain", "decision", "leaderboard",
    "limits", "params",
)  # fmt: skip
UNNAMED = ("limits", "params")  # those top-level blocks that take no name
