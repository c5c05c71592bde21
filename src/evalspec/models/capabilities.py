"""What hosted candidates can do, as far as it is known before they are asked. Conservative.

litellm's own tables are wrong in places, so nothing is read from them: only providers that are known
to pass token probabilities through stand here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from evalspec.text.patterns import Pattern

if TYPE_CHECKING:
    from evalspec.language.candidates import Hosted

# OpenAI's reasoning models refuse `logprobs`, whoever serves them.
REASONING = Pattern(r"(?:o[1-9]|gpt-5)(?:[-.:@].*)?", re.IGNORECASE)
# Those whose endpoints take a JSON Schema for the answer, as `response_format`.
HELD_PROVIDERS = frozenset(
    {"anthropic", "azure", "cerebras", "fireworks_ai", "gemini", "groq", "hosted_vllm", "mistral", "openai",
     "openai_like", "openrouter", "together_ai", "vllm", "xai"},
)  # fmt: skip
# The models of Anthropic's that came before it took schemas.
UNHELD = Pattern(r"claude-(?:[0-3]|instant)[-.].*|claude-(?:opus|sonnet)-4(?:-0|-20\d+)?", re.IGNORECASE)
# Of Gemini's, whatever its format says, only these are known to give them to everyone.
GIVING_GEMINI = Pattern(r"gemini-2\.0-flash(?:-.*)?", re.IGNORECASE)
GIVING_PROVIDERS = frozenset({"azure", "deepseek", "hosted_vllm", "openai", "openai_like", "vllm"})


def gives_logprobs(use: Hosted) -> bool:
    """Whether a candidate can tell the probabilities of its tokens (20 alternatives each)."""
    provider, _, _ = use.route.partition("/")
    model = use.route.rpartition("/")[2]
    if REASONING.fullmatch(model) or model == "deepseek-reasoner":
        return False
    if provider == "gemini" and not use.direct:
        return GIVING_GEMINI.fullmatch(model) is not None
    return use.direct or provider in GIVING_PROVIDERS


def takes_schema(use: Hosted) -> bool:
    """Whether a candidate can be held to a JSON Schema. Whoever speaks OpenAI's protocol is asked to."""
    provider, _, model = use.route.partition("/")
    if provider == "anthropic" and not use.direct and UNHELD.fullmatch(model):
        return False
    return use.direct or provider in HELD_PROVIDERS
