"""What answers are expected to be: as long and as slow as those that a model gave before, else by a rule of
thumb. Only the estimates of `plan` rest on it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from evalspec.language.answer_types import CodeAnswer, JsonAnswer, TextAnswer, ToolCall
from evalspec.language.candidates import Hosted
from evalspec.language.program import ConfidenceSource
from evalspec.models.ceilings import output_limit, worst_case
from evalspec.models.prices import price_of
from evalspec.text.values import dataclass

if TYPE_CHECKING:
    from evalspec.language.candidates import ModelSpec
    from evalspec.language.program import Step
    from evalspec.models.model import Request

SHORT, STRUCTURED, LONG = 10, 80, 300  # tokens of a label, of an object, of a text
STATED = 20  # more, where the confidence is asked for
FIRST_S, TOKEN_S = 0.8, 0.015
CHARACTERS_A_TOKEN = 4  # a rule of thumb for English
IMAGE_TOKENS = 1_000  # likewise; what a picture of a thousand by a thousand costs in most places


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """What a model's answers usually are: tokens, seconds, and of how many answers that is the mean."""

    output_tokens: float
    seconds: float
    n: int


Known = Callable[[str], Usual | None]  # what is known of a candidate's answers, by its name
Reckoned = Callable[["ModelSpec", "Request"], Decimal | None]  # dollars or seconds of one request


def input_tokens(request: Request) -> int:
    """About how many tokens a request has."""
    images = sum(len(m.images) for m in request.messages)
    return sum(len(m.content) for m in request.messages) // CHARACTERS_A_TOKEN + 1 + images * IMAGE_TOKENS


def by_rule(step: Step, limit: int | None) -> Usual:
    """The rule of thumb for a step's answers, of at most so many tokens."""
    match step.answer:
        case TextAnswer() | CodeAnswer():
            tokens = LONG
        case JsonAnswer() | ToolCall():
            tokens = STRUCTURED
        case _:
            tokens = SHORT
    tokens += STATED if ConfidenceSource.STATED in step.confidence else 0
    tokens = min(tokens, limit) if limit is not None else tokens
    return Usual(output_tokens=tokens, seconds=FIRST_S + TOKEN_S * tokens, n=0)


def at_worst(member: ModelSpec, request: Request) -> Decimal | None:
    """The dollars of a request whose answer is as long as it may be: what a cap holds back for it."""
    return worst_case(member.use, request) if isinstance(member.use, Hosted) else Decimal(0)


def dollars_expected(usual: Usual) -> Reckoned:
    """The dollars of a request whose answer is as usual."""

    def reckoned(member: ModelSpec, request: Request) -> Decimal | None:
        price = price_of(member.use) if isinstance(member.use, Hosted) else None
        if price is None:
            return None
        said = Decimal(usual.output_tokens).quantize(Decimal("0.001"))
        return (price.input * input_tokens(request) + price.output * said) / price.per

    return reckoned


def seconds_expected(usual: Usual) -> Reckoned:
    """The seconds that a request takes whose answer is as usual."""
    seconds = Decimal(usual.seconds).quantize(Decimal("0.000001"))
    return lambda member, request: seconds


def usual_of(candidate: ModelSpec, step: Step, known: Known) -> Usual:
    """What is usual at a step: as before where there were answers, else by the rule."""
    member = candidate.at_step(step.name)
    parameters = {**member.use.parameters, **step.parameters} if isinstance(member.use, Hosted) else {}
    limit = output_limit(member.use, parameters) if isinstance(member.use, Hosted) else None
    return known(candidate.name) or by_rule(step, limit)
