"""The language as data: which blocks and attributes there are, what they hold, and which are built.

One table drives checking and help. A new attribute is a line here and a reader in `check`, never a
change of the grammar. What is not built yet is listed too, so that it is told apart from a slip.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An attribute or nested block: what it is for, and whether it is built."""

    name: str
    doc: str
    built: bool = True
    block: bool = False
    block_later: bool = False  # an attribute that will be a block too


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockKind:
    """A kind of block: whether it is named and has a target, and what may stand in it.

    `free` admits any attribute name (request parameters, headers); `bounds` and `rows` admit those shapes.
    """

    name: str
    doc: str
    entries: Mapping[str, Entry]
    named: bool = False
    target: bool = False
    free: bool = False
    bounds: bool = False
    rows: bool = False
    built: bool = True
    required: tuple[str, ...] = ()


def _entries(*entries: Entry) -> Mapping[str, Entry]:
    return {e.name: e for e in entries}


def _a(name: str, doc: str, *, built: bool = True) -> Entry:
    return Entry(name=name, doc=doc, built=built)


def _b(name: str, doc: str, *, built: bool = True) -> Entry:
    return Entry(name=name, doc=doc, built=built, block=True)


def _later(name: str, doc: str) -> Entry:
    return Entry(name=name, doc=doc, built=False)


ASKING = (
    _a("prompt", 'the template of the question: """…""" or file("x.jinja")'),
    _a("system", "the template of the system message"),
    _b("request", "request parameters for every candidate"),
    _later("messages", "a whole conversation"),
    _later("prompts", "prompt variants"),
    _later("images", "columns of images"),
    _later("samples", "how often each question is asked"),
    _later("shots", "few-shot examples"),
    _later("perturb", "changed examples"),
)
READING = (
    _a("answer", "what kind of answer is due: one_of, yes_no, number, text, letter_of"),
    _a("extract", "where in the response the answer stands"),
    _a("strip_reasoning", "whether <think>…</think> is dropped (true)"),
    _a("abstains", 'a pattern by which a free answer declines: matches(r"…")'),
    Entry(name="gold", doc="the right answer: a column or an expression (the label)", block_later=True),
    _later("enforce", "sends the provider the schema of the answer"),
    _a("score", "how a text is judged: exact, contains, matches"),
    _a("confidence", "where confidence comes from: logprobs, stated"),
    _later("missing", "what a choice without a probability counts as"),
    _later("scores", "several named scores"),
    _later("right", "what counts as right"),
)
DECIDING = (
    _a("data", "the dataset"),
    _a("models", "the candidates (every model that fits)"),
    _a("costs", "the cost matrix"),
    _a("abstain", "the policy: when_cheaper, below(80%), least_confident(5%)"),
    _b("require", "bounds that a candidate must meet"),
    _a("rank", "the metric that orders the candidates, or a list"),
    _later("latency", "latency budgets"),
    _later("no_worse_than", "how much worse than a model at most"),
    _later("report", "more columns of the table"),
)
JUDGING = (
    _a("positive", "the label that precision, recall and f1 are about"),
    _a("calibration", "the binning: auto, width(10), mass(10), values"),
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
                _a("source", 'file("a.csv") or a list; csv, tsv, jsonl, each also .gz'),
                _a("header", "the columns of files that have no header row"),
                _a("format", "csv, tsv or jsonl, where the ending does not tell"),
                _a("id", "the column of ids (a hash of the row)"),
                _a("label", "the column of right answers, or COLUMN in [a, b, c]"),
                _b("derive", "columns computed from others"),
                _a("where", "which rows belong to the set"),
                _a("optional", "columns that may be missing"),
                _later("sample", "how many rows are drawn"),
                _later("by", "what the drawing is stratified by"),
                _later("seed", "the seed of the drawing"),
                _later("mix", "shares in production"),
                _later("weight", "a column of sampling weights"),
                _later("cluster", "rows that stand together"),
                _later("private", "columns that reports mask"),
            ),
        ),
        BlockKind(
            name="subset",
            doc="some examples of a dataset",
            named=True,
            target=True,
            entries=_entries(
                _a("where", "which examples"),
                _a("by", "a column: one subset for each of its values"),
                _a("min", "how many examples it should have at least"),
                _later("all_of", "examples in all of these subsets"),
                _later("any_of", "examples in any of these subsets"),
                _later("average", "micro or macro"),
            ),
        ),
        BlockKind(
            name="provider",
            doc="an endpoint shared by models",
            named=True,
            entries=_entries(
                _a("base_url", 'where it is: "https://…" or env("NAME")'),
                _a("api_key", 'its key: env("NAME")'),
                _b("headers", "more headers"),
                _a("timeout", "how long one attempt may take"),
                _a("concurrency", "how many requests may be in flight"),
            ),
        ),
        BlockKind(
            name="model",
            doc="a candidate",
            named=True,
            free=True,
            required=("use",),
            entries=_entries(
                _a("use", 'a route such as "openai/gpt-5-mini", baseline(…), recorded(…)'),
                _a("provider", "the provider block it is reached through"),
                _a("base_url", 'where it is: "https://…" or env("NAME")'),
                _a("api_key", 'its key: env("NAME")'),
                _b("headers", "more headers"),
                _a("timeout", "how long one attempt may take"),
                _a("concurrency", "how many requests may be in flight"),
                _b("price", "dollars for tokens: input, output, per"),
                _later("mode", "batch, the provider's half-price endpoint"),
            ),
        ),
        BlockKind(
            name="costs",
            doc="what each kind of mistake costs",
            named=True,
            rows=True,
            entries=_entries(
                _a("unit", '"usd", "points", …'),
                _a("positive", "two classes: the label that is looked for"),
                _a("false_positive", "two classes: the cost of a false alarm"),
                _a("false_negative", "two classes: the cost of a miss"),
                _a("right", "any answer type: the cost of a right answer"),
                _a("wrong", "any answer type: the cost of a wrong answer"),
                _a("invalid", "the cost of an unreadable answer"),
                _a("abstain", "the cost of abstaining"),
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
                _a("answer_of", "the step whose answer is the chain's (the last)"),
                _a("confidence", "the chain's confidence: last, product, lowest"),
                _later("assign", "which models run which steps"),
                _later("oracle", "re-runs with one step made perfect"),
            ),
        ),
        BlockKind(
            name="step",
            doc="one question of a chain",
            named=True,
            entries=_entries(*ASKING, *READING, _later("when", "for which examples the step runs")),
        ),
        BlockKind(
            name="require",
            doc="bounds that a candidate must meet",
            bounds=True,
            entries=_entries(_a("else", "exclude (the default) or mark")),
        ),
        BlockKind(
            name="limits",
            doc="how hard the endpoints may be pressed",
            bounds=True,
            entries=_entries(_later("race", "stop asking models that are certainly beaten")),
        ),
        BlockKind(name="derive", doc="computed columns", free=True, entries={}),
        BlockKind(name="request", doc="request parameters", free=True, entries={}),
        BlockKind(name="headers", doc="headers", free=True, entries={}),
        BlockKind(
            name="price",
            doc="what tokens cost",
            entries=_entries(
                _a("input", "dollars for input tokens"),
                _a("output", "dollars for output tokens"),
                _a("per", "for how many tokens (1_000_000)"),
            ),
        ),
        BlockKind(name="decision", doc="several tasks, weighed", named=True, built=False, entries={}),
        BlockKind(name="leaderboard", doc="published scores", named=True, built=False, entries={}),
        BlockKind(name="params", doc="figures that --set replaces", built=False, entries={}),
        BlockKind(name="prompt", doc="a named prompt", named=True, built=False, entries={}),
    )
}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TOP_LEVEL = (
    "dataset", "subset", "provider", "model", "costs", "task", "chain",
    "limits", "decision", "leaderboard", "params", "prompt",
)  # fmt: skip
NOT_BUILT_FUNCTIONS = {
    "use": ("http", "python", "simulated", "cascade", "vote"),
    "answer": ("some_of", "json", "tool_call", "code"),
    "score": ("token_f1", "rouge_l", "bleu", "similarity", "python", "judge", "prefer"),
    "confidence": ("votes", "field", "fields", "ask"),
}
BASELINES = ("majority", "naive_bayes", "logistic")
REQUEST_PARAMETERS = (
    "temperature", "max_tokens", "max_completion_tokens", "top_p", "top_k", "min_p", "seed", "stop", "n",
    "presence_penalty", "frequency_penalty", "repetition_penalty", "logit_bias", "reasoning_effort",
    "thinking",
    "response_format", "service_tier", "top_logprobs", "user", "metadata", "verbosity", "extra_body",
    "chat_template_kwargs",
)  # fmt: skip
PROVIDERS = _words(  # those that litellm knows
    """
    ai21 aiml anthropic anthropic_text azure azure_ai baseten bedrock cerebras chutes clarifai
    cloudflare codestral cohere cohere_chat cometapi compactifai custom_openai dashscope databricks
    datarobot deepinfra deepseek docker_model_runner empower featherless_ai fireworks_ai friendliai
    galadriel gemini gigachat github github_copilot gradient_ai groq heroku hosted_vllm huggingface
    hyperbolic infinity lambda_ai langgraph lemonade litellm_proxy llamafile lm_studio maritalk
    meta_llama minimax mistral modelscope moonshot morph nebius nlp_cloud novita nscale nvidia_nim oci
    ollama ollama_chat oobabooga openai openai_like openrouter ovhcloud perplexity petals poe predibase
    publicai reka replicate sagemaker sagemaker_chat sambanova sap scaleway snowflake stability
    synthetic text-completion-openai together_ai triton v0 vercel_ai_gateway vertex_ai vertex_ai_beta
    vllm volcengine voyage wandb watsonx watsonx_text xai xinference zai
    """
)
RESERVED_PARAMETERS = (
    "model",
    "messages",
    "stream",
    "logprobs",
    "n",
    "response_format",
    "user",
)


# ── metrics ───────────────────────────────────────────────────────────────────────────────────────


class Direction(StrEnum):
    """Which way is better. ZERO: the nearer to 0 the better."""

    MAX = "max"
    MIN = "min"
    ZERO = "zero"


class Measure(StrEnum):
    """What a metric is measured in, which says how its bounds are written."""

    SHARE = "share"
    SCORE = "score"
    COST = "cost"
    TIME = "time"
    COUNT = "count"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A metric: its direction, unit, and what it is in a few words."""

    name: str
    doc: str
    direction: Direction
    measure: Measure
    built: bool = True
    needs: str = ""  # confidence, costs, labels, latency, price


def _m(name: str, doc: str, direction: Direction, measure: Measure, needs: str = "") -> Metric:
    return Metric(name=name, doc=doc, direction=direction, measure=measure, needs=needs)


UP, DOWN = Direction.MAX, Direction.MIN
METRICS: Mapping[str, Metric] = {
    m.name: m
    for m in (
        _m("accuracy", "share of right answers", UP, Measure.SHARE),
        _m("end_to_end", "share of chains whose answer is right", UP, Measure.SHARE),
        _m("exact", "share of texts equal to the gold", UP, Measure.SHARE, "text"),
        _m("contains", "share of texts that contain the gold", UP, Measure.SHARE, "text"),
        _m("balanced_accuracy", "mean recall over the labels that occur", UP, Measure.SHARE, "labels"),
        _m("precision", "share of answers of a label that are right", UP, Measure.SHARE, "labels"),
        _m("recall", "share of a label's examples that are found", UP, Measure.SHARE, "labels"),
        _m("f1", "harmonic mean of precision and recall", UP, Measure.SHARE, "labels"),
        _m("macro_f1", "mean f1 over the labels that occur", UP, Measure.SHARE, "labels"),
        _m("mcc", "Matthews correlation, multiclass", UP, Measure.SCORE, "labels"),
        _m("expected_cost", "mean cost under the declared policy", DOWN, Measure.COST, "costs"),
        _m("total_cost", "expected cost and the request's price", DOWN, Measure.COST, "costs"),
        _m("ece", "expected calibration error", DOWN, Measure.SHARE, "confidence"),
        _m("brier", "mean squared error of the confidence", DOWN, Measure.SCORE, "confidence"),
        _m(
            "log_loss", "mean log loss of the confidence, clipped at 0.001", DOWN, Measure.SCORE, "confidence"
        ),
        _m("overconfidence", "mean confidence minus accuracy", Direction.ZERO, Measure.SHARE, "confidence"),
        _m("mean_confidence", "mean confidence", UP, Measure.SHARE, "confidence"),
        _m("auroc", "chance that a right answer has the higher confidence", UP, Measure.SCORE, "confidence"),
        _m("aurc", "area under the risk-coverage curve", DOWN, Measure.SCORE, "confidence"),
        _m("augrc", "area under the generalised risk-coverage curve", DOWN, Measure.SCORE, "confidence"),
        _m("invalid_rate", "share of unreadable answers", DOWN, Measure.SHARE),
        _m("refusal_rate", "share of refusals", DOWN, Measure.SHARE),
        _m("truncation_rate", "share of truncated answers", DOWN, Measure.SHARE),
        _m("abstain_rate", "share of answers that decline", DOWN, Measure.SHARE),
        _m("error_rate", "share of requests that failed", DOWN, Measure.SHARE),
        _m("p50", "median latency", DOWN, Measure.TIME, "latency"),
        _m("p90", "latency that 90 % stay within", DOWN, Measure.TIME, "latency"),
        _m("p95", "latency that 95 % stay within", DOWN, Measure.TIME, "latency"),
        _m("p99", "latency that 99 % stay within", DOWN, Measure.TIME, "latency"),
        _m("cost_per_1k", "price of 1,000 decisions in dollars", DOWN, Measure.COST, "price"),
        _m("output_tokens", "mean output tokens of a decision", DOWN, Measure.COUNT, "latency"),
    )
}
LATER_METRICS = (
    "token_f1", "rouge_l", "bleu", "similarity", "judge", "consistency", "ece_equal_mass", "sm_ece",
    "worst_case_accuracy", "robustness_drop", "mean_win_rate", "first_token", "mean", "max",
)  # fmt: skip
