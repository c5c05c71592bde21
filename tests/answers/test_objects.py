"""JSON answers: which object of a response is meant, whether it fits, and whether its fields are right."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import pytest

from answers.asking import reading, step
from evalspec.answers.finding import Value
from evalspec.answers.judge import fields_right, is_right, valid_gold
from evalspec.answers.reading import Outcome
from evalspec.language.answer_types import (
    AnyType,
    JsonAnswer,
    JsonField,
    JsonType,
    ListType,
    NumberAnswer,
    ObjectType,
    OneOf,
    SomeOf,
    TextAnswer,
    YesNo,
)
from evalspec.language.judging import Fence, Pattern
from evalspec.models.model import Answer
from evalspec.text.values import Json


def fields(**types: JsonType) -> tuple[JsonField, ...]:
    return tuple(JsonField(name=name, type=kind) for name, kind in types.items())


INVOICE = JsonAnswer(fields=fields(vendor=TextAnswer(), amount=NumberAnswer(relative=Decimal("0.01"))))
LINES = JsonAnswer(fields=fields(lines=ListType(of=ObjectType(fields=fields(n=NumberAnswer())))))
ACME = '{"vendor": "ACME", "amount": 12.5}'


def of(answer: JsonAnswer, response: str) -> Value | None:
    return reading(step(answer), response).value


def _cut(response: str) -> Answer:
    return Answer(response=response, finish_reason="length")


def right(answer: JsonAnswer, response: str, gold: object) -> bool | None:
    return is_right(step(answer), reading(step(answer), response), gold, {})


class TestWhichObjectIsMeant:
    @pytest.mark.parametrize(
        "response",
        [
            ACME,
            f"```json\n{ACME}\n```",
            f"Here it is:\n~~~\n{ACME}\n~~~\nAnything else?",
            f"The answer is {ACME}.",
            f"<think>{{'no': 1}} or {ACME.replace('12.5', '9')}</think>{ACME}",
            f'First I thought {{"vendor": "Bolt", "amount": 1}}, but it is {ACME}',
            f"{ACME} is better than {{}} and than {{x}}",
            f'{ACME} — and {{"vendor": "Bolt"}} says nothing of the amount',
            '{"amount": 12.5, "vendor": " ACME ", "note": "more than was asked"}',
            '{"vendor": "ACME", "amount": "$12.50"}',
            r'In LaTeX \frac{1}{2}: {"vendor": "\u0041CME", "amount": 1.25e1}',
        ],
    )
    def test_the_last_one_that_fits(self, response: str) -> None:
        assert of(INVOICE, response) == {"vendor": "ACME", "amount": Decimal("12.5")}

    @pytest.mark.parametrize(
        ("response", "why"),
        [
            ("", "empty"),
            ("no idea", "no JSON object"),
            ('{"vendor": "ACME"}', "fits"),
            ('{"vendor": "ACME", "amount": "twelve"}', "fits"),
            ('{"vendor": 7, "amount": 12.5}', "fits"),
            ('{"answer": ' + ACME + "}", "fits"),
            ('{"vendor": "ACME", "amount": 12.5', "no JSON object"),
            ("{'vendor': 'ACME', 'amount': 12.5}", "no JSON object"),
            ('{"vendor": "ACME", "amount": 12.5, "amount": 13}', "repeats a key"),
            ('{"vendor": "ACME", "amount": NaN}', "repeats a key"),
            ('{"vendor": "\\ud800", "amount": 1}', "repeats a key"),
            ('{"vendor": "ACME", "amount": 1e99999}', "repeats a key"),
            ('{"vendor": "ACME", "amount": true}', "fits"),
        ],
    )
    def test_what_fits_nothing_is_no_answer(self, response: str, why: str) -> None:
        found = reading(step(INVOICE), response)
        assert found.outcome is Outcome.NO_ANSWER
        assert why in (found.why or "")

    def test_null_says_that_there_is_none(self) -> None:
        assert of(INVOICE, '{"vendor": null, "amount": null}') == {"vendor": None, "amount": None}

    def test_extract_narrows_where_it_is_looked_for(self) -> None:
        response = f'```\n{ACME}\n```\nNot {{"vendor": "Bolt", "amount": 1}}'
        assert reading(step(INVOICE, Fence(last=True)), response).value == of(INVOICE, ACME)
        assert reading(step(INVOICE, Pattern(regex="Result: (.*)", last=True)), response).value is None

    def test_a_cut_response_counts_only_where_it_is_one_whole_object(self) -> None:
        assert reading(step(INVOICE), _cut(ACME)).outcome is Outcome.ANSWERED
        assert reading(step(INVOICE), _cut(f"```json\n{ACME}")).outcome is Outcome.ANSWERED
        prose = _cut(f"Perhaps {ACME}, or")
        assert reading(step(INVOICE), prose).outcome is Outcome.TRUNCATED
        assert reading(step(INVOICE), _cut(ACME[:-1])).outcome is Outcome.TRUNCATED

    def test_a_pattern_says_that_it_declines(self) -> None:
        asked = step(INVOICE, abstains="no invoice")
        assert reading(asked, "This is no invoice.").outcome is Outcome.ABSTAINED
        assert is_right(asked, reading(asked, "This is no invoice."), None, {}) is True
        assert is_right(asked, reading(asked, ACME), None, {}) is False


class TestTypes:
    @pytest.mark.parametrize(
        ("kind", "said", "value"),
        [
            (TextAnswer(), '" a b "', "a b"),
            (NumberAnswer(), "7", Decimal(7)),
            (NumberAnswer(), '"1,234.50 EUR"', Decimal("1234.50")),
            (YesNo(), "true", "yes"),
            (YesNo(), '"No"', "no"),
            (OneOf(labels=("new", "used")), '"Used"', "used"),
            (OneOf(labels=("1", "2")), "2", "2"),
            (SomeOf(labels=("a", "b", "c")), '["c", "A", "c"]', ("a", "c")),
            (SomeOf(labels=("a", "b")), "[]", ()),
            (ListType(of=TextAnswer()), '["x", "y"]', ("x", "y")),
            (ObjectType(fields=fields(n=NumberAnswer())), '{"n": 1}', {"n": Decimal(1)}),
            (AnyType(), '[1, {"a": true}]', (Decimal(1), {"a": True})),
        ],
    )
    def test_each_reads_its_own_form(self, kind: JsonType, said: str, value: Value) -> None:
        assert of(JsonAnswer(fields=fields(x=kind)), f'{{"x": {said}}}') == {"x": value}

    @pytest.mark.parametrize(
        ("kind", "said"),
        [
            (YesNo(), "1"),
            (YesNo(), '"maybe"'),
            (OneOf(labels=("new", "used")), '"broken"'),
            (SomeOf(labels=("a", "b")), '["a", "x"]'),
            (SomeOf(labels=("a", "b")), '"a"'),
            (ListType(of=NumberAnswer()), '[1, "x"]'),
            (ListType(of=NumberAnswer()), "1"),
            (ObjectType(fields=fields(n=NumberAnswer())), "{}"),
        ],
    )
    def test_none_reads_another(self, kind: JsonType, said: str) -> None:
        assert of(JsonAnswer(fields=fields(x=kind)), f'{{"x": {said}}}') is None


class TestRight:
    def test_when_every_field_is_by_its_type(self) -> None:
        assert right(INVOICE, ACME, {"vendor": "ACME", "amount": 12.6}) is True
        assert right(INVOICE, ACME, {"vendor": "ACME", "amount": 13}) is False
        assert right(INVOICE, ACME, {"vendor": "acme", "amount": 12.5}) is False
        assert right(INVOICE, ACME, '{"vendor": "ACME", "amount": "12.5"}') is True

    def test_null_where_the_gold_is_missing(self) -> None:
        nothing = '{"vendor": "", "amount": null}'
        assert right(INVOICE, nothing, {"vendor": None, "amount": ""}) is True
        assert right(INVOICE, ACME, {"vendor": None, "amount": 12.5}) is False
        assert right(INVOICE, nothing, {"vendor": None, "amount": 0}) is False

    def test_any_of_several_golds(self) -> None:
        golds = [{"vendor": "Bolt", "amount": 1}, {"vendor": "ACME", "amount": 12.5}]
        assert right(INVOICE, ACME, golds) is True
        assert right(INVOICE, ACME, golds[:1]) is False

    def test_lists_in_order_and_sets_in_any(self) -> None:
        assert right(LINES, '{"lines": [{"n": 1}, {"n": 2}]}', {"lines": [{"n": 1}, {"n": 2.0}]}) is True
        assert right(LINES, '{"lines": [{"n": 2}, {"n": 1}]}', {"lines": [{"n": 1}, {"n": 2}]}) is False
        tags = JsonAnswer(fields=fields(tags=SomeOf(labels=("a", "b"))))
        assert right(tags, '{"tags": ["b", "a"]}', {"tags": ["a", "b"]}) is True
        assert right(tags, '{"tags": []}', {"tags": []}) is True

    def test_a_field_of_confidence_is_not_judged_and_need_not_be_there(self) -> None:
        unsure = JsonField(name="sure", type=NumberAnswer(), scored=False)
        answer = JsonAnswer(fields=(*INVOICE.fields, unsure))
        gold = {"vendor": "ACME", "amount": 12.5}
        assert right(answer, ACME, gold) is True
        assert right(answer, ACME.replace("}", ', "sure": "very"}'), gold) is True

    @pytest.mark.parametrize(
        ("response", "verdicts"),
        [
            (ACME, {"vendor": True, "amount": False}),
            ('{"vendor": "Bolt", "amount": 13}', {"vendor": False, "amount": True}),
            ("no idea", {"vendor": False, "amount": False}),
        ],
    )
    def test_field_by_field(self, response: str, verdicts: Mapping[str, bool]) -> None:
        found = reading(step(INVOICE), response)
        assert fields_right(step(INVOICE), found, {"vendor": "ACME", "amount": 13}) == verdicts

    @pytest.mark.parametrize(
        ("gold", "fault"),
        [
            ({"vendor": "ACME", "amount": 1}, None),
            (None, None),
            ("text", "is no object"),
            ({"vendor": "ACME"}, "lacks the field `amount`"),
            ({"vendor": "ACME", "amount": "x"}, "has a `amount` that no answer can equal"),
        ],
    )
    def test_a_gold_that_no_answer_can_equal_is_told(self, gold: object, fault: str | None) -> None:
        assert valid_gold(step(INVOICE), gold, {}) == fault


class TestSchemas:
    SCHEMA = JsonAnswer(
        fields=fields(name=TextAnswer(), age=NumberAnswer()),
        schema={
            "type": "object",
            "properties": {
                "name": {"type": "string", "pattern": "^[A-Z]"},
                "age": {"type": "integer", "minimum": 0},
            },
            "required": ["name"],
            "additionalProperties": False,
        },
    )

    @pytest.mark.parametrize("response", ['{"name": "Ada", "age": 36}', '{"name": "Ada", "age": 36.0}'])
    def test_what_fits_is_the_answer(self, response: str) -> None:
        assert of(self.SCHEMA, response) == {"name": "Ada", "age": Decimal(36)}

    @pytest.mark.parametrize(
        "response",
        ['{"age": 3}', '{"name": "ada"}', '{"name": "Ada", "age": -1}', '{"name": "Ada", "x": 1}', "{}"],
    )
    def test_what_does_not_is_none(self, response: str) -> None:
        assert of(self.SCHEMA, response) is None

    def test_what_may_be_missing_is_null(self) -> None:
        assert right(self.SCHEMA, '{"name": "Ada"}', {"name": "Ada"}) is True
        assert right(self.SCHEMA, '{"name": "Ada", "age": 1}', {"name": "Ada"}) is False

    def test_an_object_whose_fields_a_schema_does_not_name_is_judged_as_a_whole(self) -> None:
        open_end = JsonAnswer(
            fields=(), schema={"type": "object", "additionalProperties": {"type": "number"}}
        )
        assert right(open_end, '{"a": 1, "b": 2}', {"b": 2.0, "a": 1}) is True
        assert right(open_end, '{"a": 1}', {"b": 2, "a": 1}) is False
        assert of(open_end, '{"a": "x"}') is None

    @pytest.mark.parametrize("reference", ["#/nowhere", "http://example.org/x.json", "http://["])
    def test_what_refers_to_nothing_is_fitted_by_nothing(self, reference: str) -> None:
        lost = JsonAnswer(fields=(), schema={"properties": {"a": {"$ref": reference}}})
        assert of(lost, '{"a": 1}') is None
        assert of(JsonAnswer(fields=(), schema={"$id": "http://[", "$ref": "#/x"}), "{}") is None

    def test_a_schema_without_end_is_fitted_by_nothing(self) -> None:
        twice: Json = {"allOf": [{"$ref": "#/$defs/b"}, {"$ref": "#/$defs/b"}]}
        chain: dict[str, Json] = {
            chr(97 + i): {"allOf": [{"$ref": f"#/$defs/{chr(98 + i)}"}] * 2} for i in range(1, 25)
        }
        bomb = JsonAnswer(fields=(), schema={"$defs": {"a": twice, **chain, "z": {}}, "$ref": "#/$defs/a"})
        assert of(bomb, "{}") is None
        itself = JsonAnswer(fields=(), schema={"$ref": "#"})
        assert of(itself, "{}") is None

    def test_a_pattern_that_takes_forever_matches_nothing(self) -> None:
        slow: dict[str, Json] = {
            "type": "object",
            "properties": {"a": {"type": "string", "pattern": "^(a|aa)+$"}},
        }
        answer = JsonAnswer(fields=fields(a=TextAnswer()), schema=slow)
        assert of(answer, '{"a": "' + "a" * 60 + '!"}') is None
