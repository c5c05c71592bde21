"""The words and functions that stand as values, as data: what each says and which arguments it takes.

Where a place of the schema admits `calls`, it names one of the groups here. Completion, hover and the
reference page read them; `check` takes from here which names there are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class CallName:
    """A word or function that is a value. `written` is how it is used, `runs` whether `run` can do it."""

    name: str
    written: str
    doc: str
    built: bool = True
    runs: bool = True


def _c(written: str, doc: str, *, built: bool = True, runs: bool = True) -> CallName:
    return CallName(name=written.split("(", 1)[0], written=written, doc=doc, built=built, runs=runs)


def _group(*calls: CallName) -> Mapping[str, CallName]:
    return {c.name: c for c in calls}


CALLS: Mapping[str, Mapping[str, CallName]] = {
    "source": _group(_c('file("data.csv")', "a file, a glob, or a path with captures such as {subject}")),
    "use": _group(
        _c(
            'baseline("naive_bayes", columns = [body], train = DATASET)',
            "a local classifier that costs nothing: majority, naive_bayes, logistic",
        ),
        _c('recorded("answers.jsonl", model = "name")', "answers that were collected earlier"),
        _c(
            'http("https://…", request = file("body.json.jinja"), response = "result.text")',
            "a deployed application of one's own",
        ),
        _c(
            'python("file.py:function")',
            "a function of one's own (needs --allow-code)",
        ),
        _c(
            'simulated(accuracy = 85%, confidence = "calibrated")',
            "made-up answers, for trying a spec",
        ),
        _c(
            "cascade([cheap, dear])",
            "the cheap answer where its confidence suffices, else the next",
            runs=False,
        ),
        _c("vote([a, b, c])", "the answer that most of some models give", runs=False),
    ),
    "prompt": _group(_c('file("prompt.jinja")', "a template in a file of its own")),
    "answer": _group(
        _c("one_of(COLUMN)", "one of the labels of a column, or of a list: one_of([a, b], abstain = b)"),
        _c("some_of([a, b])", "a set of labels; an empty one is an answer"),
        _c("letter_of([A, B, C, D])", "the letter of one of some columns"),
        _c("yes_no", "yes or no"),
        _c("number(within = 1%)", "a number, compared as numbers"),
        _c("text", "free text, judged by `score`"),
        _c("json(field = type, …)", 'a JSON object; json(schema = file("x.json"))'),
        _c('tool_call(file("tools.json"))', "a tool's name and its arguments"),
        _c(
            'code("python", program = """…""", timeout = 3s, memory = "512MB")',
            "code that passes its tests or fails",
            runs=False,
        ),
    ),
    "json_type": _group(
        _c("text", "a text"),
        _c("number(within = 1%)", "a number"),
        _c("yes_no", "true or false"),
        _c("one_of([a, b])", "one of some labels"),
        _c("some_of([a, b])", "a set of labels"),
        _c("object(field = type, …)", "an object inside"),
        _c("list(of = type)", "a list"),
    ),
    "extract": _group(
        _c('last(r"Answer: (.*)")', "the last match: group 1 where there is one"),
        _c('first(r"…")', "the first match"),
        _c("fence(last)", "the last fenced block, or the first: fence(first)"),
    ),
    "abstains": _group(_c('matches(r"…")', "a pattern by which a free answer declines")),
    "score": _group(
        _c("exact(ignore = [case, space, punctuation, articles])", "equal to a gold text"),
        _c("contains", "a gold text stands in the answer"),
        _c('matches(r"…")', "the answer matches a pattern"),
        _c("token_f1", "the overlap of words, as SQuAD counts it"),
        _c("rouge_l", "the longest common subsequence of words"),
        _c("bleu", "the overlap of n-grams"),
        _c("similarity(MODEL)", "the nearness of embeddings", runs=False),
        _c('python("f.py:s")', "a function of one's own (needs --allow-code)", runs=False),
        _c(
            'judge(MODEL, "Is every claim supported?", scale = [no, yes])',
            "a model judges the answer",
            runs=False,
        ),
        _c(
            'prefer(MODEL, "…", against = MODEL)',
            "a model compares two answers, in both orders",
            runs=False,
        ),
    ),
    "confidence": _group(
        _c("logprobs", "the probabilities of the labels, as the model gives them"),
        _c("stated", "a number that the model is asked to state"),
        _c("votes(5)", "agreement among samples"),
        _c("field(NAME)", "a field of the JSON answer"),
        _c("fields(A, B, C, D)", "a JSON object of one probability for each label"),
        _c("ask", "a second question", runs=False),
    ),
    "chain_confidence": _group(
        _c("last", "that of the step which answers"),
        _c("product", "the product over the steps that ran"),
        _c("lowest", "the lowest of the steps that ran"),
    ),
    "abstain": _group(
        _c("when_cheaper", "abstain where that is promised to cost less; when_cheaper(recalibrated)"),
        _c("below(80%)", "abstain under a confidence"),
        _c("least_confident(5%)", "abstain on a share of the examples"),
    ),
    "calibration": _group(
        _c("auto", "ten bins of equal width, or the distinct values where they are few"),
        _c("width(10)", "bins of equal width"),
        _c("mass(10)", "bins of equally many examples"),
        _c("values", "one bin for each distinct confidence"),
    ),
    "shots": _group(
        _c("first(5, of = DATASET, by = COLUMN)", "the first rows"),
        _c("random(5, of = DATASET, by = COLUMN, seed = 7)", "rows drawn by a seed"),
    ),
    "perturb": _group(
        _c("typos(10%)", "letters changed in some words", runs=False),
        _c("lowercase", "all in lower case", runs=False),
        _c("extra_space", "more blanks", runs=False),
        _c("contractions", "it is → it's", runs=False),
        _c('synonyms(file("s.csv"))', "words replaced by synonyms", runs=False),
        _c('names(file("n.csv"))', "names replaced", runs=False),
        _c('python("p.py:f")', "a function of one's own (needs --allow-code)", runs=False),
    ),
}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


BASELINES = ("majority", "naive_bayes", "logistic")
REQUEST_PARAMETERS = (
    "temperature", "max_tokens", "max_completion_tokens", "top_p", "top_k", "min_p", "seed", "stop", "n",
    "presence_penalty", "frequency_penalty", "repetition_penalty", "logit_bias", "reasoning_effort",
    "thinking",
    "response_format", "service_tier", "top_logprobs", "user", "metadata", "verbosity", "extra_body",
    "chat_template_kwargs",
)  # fmt: skip
RESERVED_PARAMETERS = (
    "model",
    "messages",
    "stream",
    "logprobs",
    "n",
    "response_format",
    "user",
)
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


def not_built_calls(group: str) -> tuple[str, ...]:
    """The names of a group that are part of the language and not built yet."""
    return tuple(name for name, call in CALLS[group].items() if not call.built)
