"""Names and members in templates, wherever they stand: loops, branches, filters, lists, objects."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalspec.language.expressions import Type
from evalspec.language.prompts import Prompt, Written, read_prompt
from evalspec.language.sandbox import RenderFault
from evalspec.language.shapes import CHOICES, LABELS, Items, Plain, Record, Shape, shape_of_values
from evalspec.text.diagnostics import Diagnostic
from evalspec.text.source import Source, Span

OBJECT = {"year": 2001, "tags": ["a", "b"], "author": {"name": "Ada", "items": 3}}
SHOTS = [{"text": "one", "label": "x"}, {"text": "two", "label": "y"}]
ROW: Mapping[str, object] = {
    "t": "hello",
    "n": 3,
    "b": True,
    "xs": ["p", "q"],
    "o": OBJECT,
    "labels": ["x", "y"],
    "choices": [{"letter": "A", "text": "one"}, {"letter": "B", "text": "two"}],
    "shots": SHOTS,
}
SCOPE = {
    "t": Type.TEXT, "n": Type.NUMBER, "b": Type.BOOL, "xs": Type.LIST, "o": Type.OBJECT, "labels": Type.LIST,
    "choices": Type.LIST, "shots": Type.LIST, "row": Type.OBJECT,
}  # fmt: skip
KNOWN: Mapping[str, Shape] = {
    "labels": LABELS,
    "choices": CHOICES,
    "shots": Items(Record({"text": Plain(Type.TEXT), "label": Plain(Type.TEXT)}, "a shot")),
    "o": shape_of_values([OBJECT]),
    "row": Record({name: Plain(Type.TEXT) for name in ("t", "n", "b", "xs", "o")}),
}


def inspected(text: str) -> tuple[Prompt | None, tuple[Diagnostic, ...]]:
    source = Source(name="p.jinja", text=text)
    written = Written(text=text, source=source, at=Span(source, 0, len(text)), form="file")
    return read_prompt(written, SCOPE, "dataset `d`", KNOWN.get)


FINE = [
    "{% for s in shots %}{{ s.text }} {{ s['label'] | upper }}{% endfor %}",
    "{{ shots[0].text }}{{ (shots | last).label }}{{ shots | map(attribute='text') | join }}",
    "{% for s in shots | sort(attribute='label') | reverse %}{{ s.label }}{% endfor %}",
    "{% for s in shots[:1] %}{{ s.text }}{% endfor %}",
    "{% for pair in shots | batch(2) %}{% for s in pair %}{{ s.text }}{% endfor %}{% endfor %}",
    "{% for s in shots if s.label == 'x' %}{{ s.text }}{% else %}none{% endfor %}",
    "{% for s in shots %}{% if not loop.first %}{{ loop.previtem.text }}{% endif %}{% endfor %}",
    "{% set s = shots[0] %}{{ s.text }}",
    "{% with s = shots[0] %}{{ s.text }}{% endwith %}",
    "{% set x = shots[0] if b else shots[1] %}{{ x.label }}",
    "{% if b %}{% set x = 1 %}{% else %}{% set x = 2 %}{% endif %}{{ x }}",
    "{% if b %}{% set x = 1 %}{{ x }}{% endif %}",
    "{% if b %}{% set x = 1 %}{% elif n %}{% set x = 2 %}{% else %}{% set x = 3 %}{% endif %}{{ x }}",
    "{% set x = 0 %}{% if b %}{% set x = 1 %}{% endif %}{{ x }}",
    "{% for c in choices %}{% set x = c.text %}{{ x }}{% endfor %}",
    "{{ o.year }}{{ o.author.name }}{{ o['author']['name'] }}{{ o.tags[0] | upper }}",
    "{{ o.author['items'] }}",
    "{{ o.get('month', 1) }}{{ o.month | default(1) }}{% if o.month is defined %}x{% endif %}",
    "{% for k, v in o.items() %}{{ k }}{% endfor %}",
    "{% for w in t.split() %}{{ w.upper() }}{% endfor %}",
    "{{ row.t }}{{ row['n'] }}{{ row.get('t') }}",
    "{{ labels | first | upper }}{% for l in labels %}{{ l.title() }}{% endfor %}",
    "{{ choices | selectattr('letter', 'eq', 'A') | map(attribute='text') | first }}",
    "{% for c in t %}{{ c }}{% endfor %}",
    "{% set loop = 1 %}{{ loop }}",
]
WRONG = [
    ("{% for s in shots %}{{ s.txt }}{% endfor %}", "txt", "`s` has no member `txt`"),
    ("{% for s in shots | reverse %}{{ s['lable'] }}{% endfor %}", "lable", "`s` has no member `lable`"),
    ("{% for s in shots %}{% for c in xs %}{{ s.letter }}{% endfor %}{% endfor %}", "letter", "`s` has no"),
    ("{{ shots[0].txt }}", "txt", "a shot has no member `txt`"),
    ("{{ (shots | first).txt }}", "txt", "a shot has no member `txt`"),
    ("{{ shots | map(attribute='txt') | join }}", "txt", "a shot has no member"),
    ("{% for s in shots | sort(attribute='lbl') %}{{ s.text }}{% endfor %}", "lbl", "a shot has no member"),
    ("{{ shots | selectattr('txt') | list | length }}", "txt", "a shot has no member"),
    ("{% for s in shots if s.lable %}x{% endfor %}", "lable", "`s` has no member"),
    ("{% for s in shots %}{{ loop.previtem.txt }}{% endfor %}", "txt", "has no member `txt`"),
    ("{% set s = shots[1] %}{{ s.txt }}", "txt", "`s` has no member `txt`"),
    ("{% with s = shots[1] %}{{ s.txt }}{% endwith %}", "txt", "`s` has no member `txt`"),
    ("{{ (shots[0] if b else shots[1]).txt }}", "txt", "a shot has no member"),
    ("{% if b %}{{ zz }}{% endif %}", "zz", "no column `zz`"),
    ("{% if b %}x{% elif zz %}y{% endif %}", "zz", "no column `zz`"),
    ("{{ t if b else zz }}", "zz", "no column `zz`"),
    ("{% for x in xs %}{% if x %}{% for y in zz %}{% endfor %}{% endif %}{% endfor %}", "zz", "no column"),
    ("{{ t | replace(zz, '') }}", "zz", "no column `zz`"),
    ("{{ t | default(zz) }}", "zz", "no column `zz`"),
    ("{% for x in xs %}{{ x }}{% endfor %}{{ x }}", "x", "no column `x`"),
    ("{% if b %}{% set y = 1 %}{% endif %}{{ y }}", "y", "not set on every way"),
    (
        "{% if b %}{% if n %}{% set y = 1 %}{% endif %}{% else %}{% set y = 1 %}{% endif %}{{ y }}",
        "y",
        "every way",
    ),
    ("{% for x in xs %}{% set y = x %}{% endfor %}{{ y }}", "y", "not set on every way"),
    ("{% with y = 1 %}{% endwith %}{{ y }}", "y", "no column `y`"),
    ("{{ o.yaer }}", "yaer", "`o` has no member `yaer`"),
    ("{{ o.author.nmae }}", "nmae", "has no member `nmae`"),
    ("{{ o.tags.first }}", "first", "is a list"),
    ("{{ o.author.items }}", "items", "is a method here"),
    ("{{ o.year.month }}", "month", "is a number"),
    ("{{ row.labels }}", "labels", "no column `labels`"),
    ("{{ row['tt'] }}", "tt", "no column `tt`"),
    ("{{ row.get('tt') }}", "tt", "no column `tt`"),
    ("{{ labels.text }}", "text", "`labels` is a list"),
    ("{% for l in labels %}{{ l.text }}{% endfor %}", "text", "is a text and has no member `text`"),
    ("{{ n.upper() }}", "upper", "is a number and has no method `upper`"),
    ("{{ xs.strip() }}", "strip", "is a list and has no method `strip`"),
    ("{{ t.items() }}", "items", "is a text and has no method `items`"),
    ("{{ choices[0].leter }}", "leter", "a choice has no member `leter`"),
    ("{% for c in n %}{% endfor %}", "n", "is a number, and a list is due"),
    ("{{ loop.index }}", "loop", "no column `loop`"),
]  # fmt: skip


@pytest.mark.parametrize("template", FINE)
def test_what_is_right_is_understood_and_rendered(template: str) -> None:
    prompt, faults = inspected(template)
    assert prompt is not None, [d.message for d in faults]
    assert prompt.render({**ROW, "row": {name: ROW[name] for name in ("t", "n", "b", "xs", "o")}})


@pytest.mark.parametrize(("template", "word", "said"), WRONG)
def test_a_slip_is_told_once_at_its_word(template: str, word: str, said: str) -> None:
    prompt, faults = inspected(template)
    assert prompt is None
    assert [d.code for d in faults] == ["E0502"], [d.message for d in faults]
    assert said in faults[0].message
    at = faults[0].at
    assert isinstance(at, Span)
    assert at.source.text[at.start : at.end] == word
    assert faults[0].help


def test_a_member_that_some_rows_have_may_be_read() -> None:
    shape = shape_of_values([{"a": 1}, {"b": [{"c": "x"}]}, None, {"b": []}])
    assert isinstance(shape, Record)
    assert set(shape.members) == {"a", "b"}
    assert shape.members["b"] == Items(Record({"c": Plain(Type.TEXT)}))


# ── what is understood never misses a name ────────────────────────────────────────────────────────

SURE = st.sampled_from(["t", "n", "o.year", "o.author.name", "shots[0].text"])
VALUES = SURE | st.sampled_from(["x", "y", "s.text", "s.label", "o.yaer"])


def _block(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        VALUES.map(lambda v: f"{{{{ {v} }}}}"),
        st.tuples(st.sampled_from("xy"), SURE).map(lambda p: f"{{% set {p[0]} = {p[1]} %}}"),
        st.tuples(st.sampled_from("bn"), inner, inner).map(
            lambda p: f"{{% if {p[0]} %}}{p[1]}{{% else %}}{p[2]}{{% endif %}}"
        ),
        st.tuples(st.sampled_from("bn"), inner).map(lambda p: f"{{% if {p[0]} %}}{p[1]}{{% endif %}}"),
        st.tuples(st.sampled_from("sxy"), inner).map(
            lambda p: f"{{% for {p[0]} in shots %}}{p[1]}{{% endfor %}}"
        ),
        st.tuples(st.sampled_from("xy"), SURE, inner).map(
            lambda p: f"{{% with {p[0]} = {p[1]} %}}{p[2]}{{% endwith %}}"
        ),
        st.tuples(inner, inner).map("".join),
    )


TEMPLATES = st.recursive(VALUES.map(lambda v: f"{{{{ {v} }}}}"), _block, max_leaves=12)


@settings(max_examples=600, deadline=None)
@given(TEMPLATES, st.booleans(), st.sampled_from([0, 3]))
def test_an_understood_template_never_misses_a_value(template: str, b: bool, n: int) -> None:
    """Whatever way it takes, every name is there and every member too."""
    prompt, _ = inspected(template)
    if prompt is not None:
        prompt.render({**ROW, "b": b, "n": n})


@settings(max_examples=600, deadline=None)
@given(TEMPLATES)
def test_a_template_is_refused_only_where_some_way_through_it_misses_a_value(template: str) -> None:
    """Forced through every branch with loops that run, a refused template fails at least once."""
    prompt, faults = inspected(template)
    if prompt is not None:
        return
    assert {d.code for d in faults} == {"E0502"}
    source = Source(name="p", text=template)
    written = Written(text=template, source=source, at=Span(source, 0, len(template)), form="file")
    unchecked, _ = read_prompt(written, None, "")
    assert unchecked is not None
    missed = 0
    for b in (True, False):
        for n in (0, 3):
            for shots in (SHOTS, []):
                try:
                    unchecked.render({**ROW, "b": b, "n": n, "shots": shots or SHOTS[:1]})
                except RenderFault:
                    missed += 1
    if not missed:  # behind a condition that cannot be, such as one `if b` inside another's `else`
        assert template.count("{% if") >= 2
