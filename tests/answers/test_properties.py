"""What holds for every text, however odd or long."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from decimal import Decimal
from types import FrameType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from answers.asking import CHOICES, LETTERS, NUMBER, QUEUES, TEXT, YES_NO, reading, said, step
from evalspec.answers.finding import unwrapped
from evalspec.answers.judge import gold_label, is_right, valid_gold
from evalspec.answers.labels import fold
from evalspec.answers.letters import read_letter
from evalspec.answers.numbers import gold_number, same_number
from evalspec.answers.reading import Outcome
from evalspec.language.answer_types import AnswerType, OneOf
from evalspec.language.judging import Contains, Exact, Fence, Pattern, TextScore
from evalspec.language.program import ConfidenceSource, Step
from evalspec.models.model import Answer, TokenChoice

ODD = OneOf(
    labels=("card", "card_arrival", "reverted_card_payment?", "C++", "C", "-", "İ", "ß", "退款"), decline="?"
)
ANSWERS: list[AnswerType] = [QUEUES, YES_NO, NUMBER, TEXT, LETTERS, ODD]
RULES: list[tuple[Pattern | Fence, ...]] = [
    (),
    (Pattern(regex=r"(?i)answer: ?(.*)", last=True),),
    (Fence(last=True), Pattern(regex=r"\d+", last=False)),
]
SCORES: list[TextScore] = [
    Exact(),
    Exact(ignore=frozenset({"case", "space", "punctuation", "articles"})),
    Contains(),
]
unhurried = settings(deadline=None)
PIECES = [
    *"ABCDIaix0123456789.,:;-−+/^%$€½²(){}[]*`\"'’_\\\n \t\u00a0\u202f１答是İıßſ🙂\x00\ud800",
    *(
        "the answer is ",
        "Answer: ",
        "\\boxed{",
        "\\frac{1}{2}",
        "<think>",
        "</think>",
        "```",
        "Confidence: 85%\n",
    ),
    *(
        "billing",
        "bug",
        "yes",
        "no",
        "not ",
        "card",
        "card_arrival",
        "reverted_card_payment?",
        "C++",
        "Paris",
        "10^",
        "e9",
    ),
]
texts = st.one_of(st.text(), st.lists(st.sampled_from(PIECES), max_size=20).map("".join))
steps = st.builds(
    lambda answer, rules, score, sources: step(answer, *rules, score=score, confidence=sources),
    st.sampled_from(ANSWERS),
    st.sampled_from(RULES),
    st.sampled_from(SCORES),
    st.lists(st.sampled_from(ConfidenceSource), max_size=2).map(tuple),
)
tokens = st.lists(
    st.builds(
        TokenChoice,
        texts,
        st.floats(),
        st.lists(st.tuples(texts, st.floats()), max_size=4).map(tuple),
    ),
    max_size=4,
).map(tuple)
replies = st.builds(
    Answer,
    response=texts,
    tokens=tokens,
    confidence=st.none() | st.floats(),
    label_logprobs=st.none() | st.dictionaries(texts, st.floats(), max_size=4),
    finish_reason=st.sampled_from([None, "stop", "length"]),
    outcome=st.sampled_from([None, "answered"]),
)
golds = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.decimals(), texts),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=3,
)


@unhurried
@given(asked=steps, reply=replies, source=st.none() | st.sampled_from(ConfidenceSource), gold=golds)
def test_reading_and_judging_never_raise_and_always_say_the_same(
    asked: Step, reply: Answer, source: ConfidenceSource | None, gold: object
) -> None:
    first = reading(asked, reply, source=source)
    assert first == reading(asked, reply, source=source)
    assert (first.value is not None) is (first.outcome is Outcome.ANSWERED)
    assert first.confidence is None or 0 <= first.confidence <= 1
    assert first.mass is None or 0 <= first.mass <= 1 + 1e-6
    if first.distribution is not None:
        assert sum(first.distribution.values()) == pytest.approx(1)
    if first.outcome is not Outcome.ANSWERED:
        assert (first.confidence, first.distribution) == (None, None)
    assert is_right(asked, first, gold, CHOICES) in (True, False)
    gold_label(asked, gold, CHOICES)
    valid_gold(asked, gold, CHOICES)


@unhurried
@given(texts)
def test_a_value_is_always_one_that_may_be_said(text: str) -> None:
    assert said(QUEUES, text) in (None, "billing", "bug", "abuse", "other")
    assert said(YES_NO, text) in (None, "yes", "no")
    assert said(LETTERS, text, row={**CHOICES, "B": ""}) in (None, "A", "C", "D")
    number = said(NUMBER, text)
    assert number is None or (isinstance(number, Decimal) and number.is_finite())


printable = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=12)


@unhurried
@given(st.lists(printable, min_size=1, max_size=6, unique=True), st.data())
def test_a_response_that_is_a_label_is_read_as_that_label(labels: list[str], data: st.DataObject) -> None:
    label = data.draw(st.sampled_from(labels))
    for text in (label, f"  {label}\n"):
        assert said(OneOf(labels=tuple(labels)), text) == label


@unhurried
@given(st.lists(printable, min_size=1, max_size=6, unique=True), st.data())
def test_wrapping_around_a_label_never_makes_it_another(labels: list[str], data: st.DataObject) -> None:
    label = data.draw(st.sampled_from(labels))
    read = said(OneOf(labels=tuple(labels)), f'**"{label}"**.')
    same = [one for one in labels if fold(one) == fold(label) or one == unwrapped(f'**"{label}"**.')]
    assert read == label if len(same) == 1 and fold(label) else read in (None, *same)


@unhurried
@given(st.sampled_from("ABCD"), texts)
def test_a_choices_text_says_its_letter(letter: str, text: str) -> None:
    choice = f"choice number {text} of {letter}"
    row = {**CHOICES, letter: choice}
    assert read_letter(choice, row).value == letter


@unhurried
@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30))
def test_a_number_is_read_as_it_was_written(number: Decimal) -> None:
    for form in (f"{number:f}", f"{number:,f}", f"{number:e}", str(number)):
        assert said(NUMBER, f"It is {form}.") == Decimal(form.replace(",", ""))
        assert said(NUMBER, f"${form}".replace("$-", "-$")) == gold_number(form)


@unhurried
@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**40), 10**40))
def test_a_gold_number_equals_its_own_text(gold: float) -> None:
    number, read = gold_number(gold), said(NUMBER, repr(gold))
    assert number is not None
    assert isinstance(read, Decimal)
    assert same_number(read, number)


@pytest.fixture
def _no_endless_search() -> Iterator[None]:
    """Ends a test that hangs; a search that is not linear would take hours on these texts."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise AssertionError("reading did not come to an end")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(240)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


LENGTH = 300_000  # at which what is not linear takes hours
LONG = ["((((", "9", "1 000", " ", "-", "Answer: ", "A, ", "billing bug ", "not ", "```\n", "<think>", "1/2 "]


@pytest.mark.usefixtures("_no_endless_search")
@pytest.mark.parametrize("piece", LONG, ids=repr)
def test_a_long_text_is_read_in_bounded_time(piece: str) -> None:
    text = piece * (LENGTH // len(piece))
    for answer in ANSWERS:
        reply = Answer(response=text + "!")
        assert reading(step(answer), reply, source=ConfidenceSource.STATED).outcome in Outcome
    for rules in RULES[1:]:
        assert reading(step(TEXT, *rules), text).outcome in Outcome
