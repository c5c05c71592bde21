"""Prompts: rendered once, inspected before, with no way to Python and bounds on what they cost."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalspec.language import rendering, sandbox
from evalspec.language.expressions import Type
from evalspec.language.prompts import Written, place_of_name, read_prompt
from evalspec.language.sandbox import RenderFault
from evalspec.text.source import Source, Span
from language.reading import COLUMNS, prompt_of, rendered

ROW: dict[str, object] = {"t": "hello", "u": "", "n": 3, "xs": [1, 2, 3], "o": {"a": 1}, "v": None, "b": True}

# ── what templates can do ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ t }}", "hello"),
        ("{{ t | upper }} {{ t.title() }}", "HELLO Hello"),
        ("{{ xs | join(', ') }}", "1, 2, 3"),
        ("{% for x in xs %}{{ loop.index }}:{{ x }} {% endfor %}", "1:1 2:2 3:3 "),
        ("{% if u %}a{% elif b %}b{% else %}c{% endif %}", "b"),
        ("{{ o.a }}{{ o['a'] }}", "11"),
        ("{% for k, x in o.items() %}{{ k }}={{ x }}{% endfor %}", "a=1"),
        ("{{ n + 1 }} {{ n * 2 }} {{ n % 2 }} {{ n // 2 }}", "4 6 1 1"),
        ("{{ t ~ '-' ~ n }}", "hello-3"),
        ("{{ t + 'x' }}", "hellox"),
        ("{{ o | tojson }}", '{"a": 1}'),
        ("{{ 'é' | tojson }}", '"é"'),
        ("{{ t | replace('l', 'L') }}", "heLLo"),
        ("{{ v | default('none', true) }}", "none"),
        ("{{ xs | length }}{{ xs[0] }}{{ xs[:2] }}", "31[1, 2]"),
        ("{{ xs | select('odd') | list }}", "[1, 3]"),
        ("{% set x = t | length %}{{ x }}", "5"),
        ("{% with x = 2 %}{{ x }}{% endwith %}", "2"),
        ("{# nothing #}{% raw %}{{ t }}{% endraw %}", "{{ t }}"),
        ("{{ 'a' if b else 'c' }}", "a"),
        ("{{ t | indent(2, true) }}", "  hello"),
        ("<b>{{ '<i>' }}</b>", "<b><i></b>"),  # a prompt is no HTML
    ],
)
def test_rendering(template: str, text: str) -> None:
    assert rendered(template, **ROW) == text


VALUES: st.SearchStrategy[object] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=5,
)
NAMES_ALONE = st.sampled_from(
    ["{{ t }}", "{{ u }}", "{{ t | join }}", "{{ u | join(', ') }}", "{{ gone }}", "text } ", "\n"]
)


@given(st.lists(NAMES_ALONE, max_size=5).map("".join), VALUES, VALUES)
def test_a_template_that_is_only_names_says_what_jinja_says(text: str, t: object, u: object) -> None:
    template = rendering.compiled(sandbox.ENVIRONMENT.parse(text))
    said = [
        _said(rendering.Template(template.whole, parts), {"t": t, "u": u}) for parts in (template.parts, None)
    ]
    assert template.parts is not None
    assert said[0] == said[1]


def _said(template: rendering.Template, scope: dict[str, object]) -> str:
    try:
        return rendering.render(template, scope)
    except RenderFault as fault:
        return f"fault: {fault}"


@pytest.mark.parametrize(
    "hostile", ["{{ n }}", "{% for x in xs %}x{% endfor %}", "{{ t.__class__ }}", "{#", "}}"]
)
def test_data_are_values_and_never_templates(hostile: str) -> None:
    assert rendered("{{ t }}!", t=hostile, n=3) == f"{hostile}!"
    assert rendered("{{ xs | join }}", xs=[hostile]) == hostile
    assert rendered("{{ t | upper }}", t=hostile) == hostile.upper()


def test_columns_of_odd_names_are_read_through_row() -> None:
    prompt, faults = prompt_of("{{ row['o d d'] }}", {"o d d": Type.NUMBER, "row": Type.OBJECT})
    assert prompt is not None, faults
    assert prompt.render({"row": {"o d d": 1}}) == "1"
    assert prompt.members == {"o d d"}


@pytest.mark.parametrize(
    "name", ["self", "context", "environment", "loop", "range", "dict", "args", "kwargs"]
)
def test_columns_may_be_called_like_names_of_jinja(name: str) -> None:
    """They are in every prompt's scope, also where it does not read them."""
    assert rendered("{{ t }}", t="a", **{name: "b"}) == "a"


# ── what they cannot ──────────────────────────────────────────────────────────────────────────────

ATTACKS = [
    "{{ t.__class__ }}",
    "{{ t['__class__'] }}",
    "{{ ''.__class__.__mro__ }}",
    "{{ ().__class__.__bases__[0].__subclasses__() }}",
    "{{ xs.__len__ }}",
    "{{ o.__init__.__globals__ }}",
    "{{ t.format }}",
    "{{ t.format(t) }}",
    "{{ '{0.__class__}'.format(t) }}",
    "{{ t.format_map(o) }}",
    "{{ t | format(n) }}",
    "{{ '%s' % t }}",
    "{{ t.encode() }}",
    "{{ t.join(xs) }}",
    "{{ t.translate(o) }}",
    "{{ t | attr('__class__') }}",
    "{{ xs | map('attr', '__class__') | list }}",
    "{{ xs | map(attribute='__class__') | list }}",
    "{{ xs | selectattr('__class__') | list | first | attr('x') }}",
    "{{ t | xmlattr }}",
    "{{ t | safe }}",
    "{{ t | pprint }}",
    "{{ xs | random }}",
    "{{ self }}",
    "{{ self.__init__ }}",
    "{{ loop }}",
    "{{ range(10) }}",
    "{{ lipsum() }}",
    "{{ cycler('a') }}",
    "{{ joiner() }}",
    "{{ namespace() }}",
    "{{ dict() }}",
    "{{ xs.append(4) }}",
    "{{ xs.pop() }}",
    "{{ o.update({}) }}",
    "{{ o.clear() }}",
    "{{ o.pop('a') }}",
    "{{ o.setdefault('z', 1) }}",
    "{% import 'x' as y %}",
    "{% include 'x' %}",
    "{% extends 'x' %}",
    "{% macro m() %}{% endmacro %}",
    "{% call m() %}{% endcall %}",
    "{% block b %}{% endblock %}",
    "{% filter upper %}a{% endfilter %}",
    "{% set x %}a{% endset %}",
    "{% do xs.append(1) %}",
    "{% set o.a = 3 %}",
    "{{ n ** n }}",
    "{{ (t | upper).strip }}",
    "{{ o.get }}",
]


@pytest.mark.parametrize("template", ATTACKS)
def test_there_is_no_way_to_python(template: str) -> None:
    """What is foreign is an error of `check`, or of rendering where only then the value is known."""
    prompt, faults = prompt_of(template)
    if prompt is None:
        assert faults[0].code in ("E0501", "E0502", "E0503", "E0504")
    else:
        with pytest.raises(RenderFault):
            prompt.render(ROW)


def test_a_row_is_not_changed_by_its_prompt() -> None:
    row = {"xs": [1, [2]], "o": {"a": [1]}}
    rendered("{% set xs = xs + [3] %}{{ xs }}{{ o | tojson }}", **row)
    assert row == {"xs": [1, [2]], "o": {"a": [1]}}


@pytest.mark.parametrize(
    "template", ["{{ zz }}", "{{ o.zz }}", "{{ xs[9] }}", "{{ o['zz'] | upper }}", "{{ v.a.b }}"]
)
def test_what_is_not_there_is_never_blank(template: str) -> None:
    prompt, faults = prompt_of(template)
    if prompt is None:
        assert [d.code for d in faults] == ["E0502"]
    else:
        with pytest.raises(RenderFault):
            prompt.render(ROW)


def test_without_data_unknown_names_wait_until_they_are_rendered() -> None:
    prompt, faults = prompt_of("{{ zz }}", None)
    assert faults == ()
    assert prompt is not None
    with pytest.raises(RenderFault, match="zz"):
        prompt.render({})


# ── what they may cost ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "template",
    [
        "{% for a in xs %}{% for b in xs %}{% for c in xs %}{{ t }}{% endfor %}{% endfor %}{% endfor %}",
        "{% set x = t %}" + "{% set x = x + x %}" * 40 + "{{ x }}",
        "{% set x = t %}" + "{% set x = x ~ x %}" * 40 + "{{ x }}",
        "{{ t | replace('', 'x') }}",
        "{{ t | replace('l', t) | replace('l', t) | replace('l', t) | replace('l', t) }}",
        "{{ xs | join(t | replace('l', t) | replace('l', t) | replace('o', t)) }}",
        "{% set x = [xs] %}" + "{% set x = [x, x] %}" * 40 + "{{ x }}",
        "{% set x = xs %}" + "{% set x = x + x %}" * 40 + "{{ x }}",
        "{% set x = {'a': 1} %}" + "{% set x = {'a': x, 'b': x} %}" * 40 + "{{ x }}",
        "{% set x = (1, 2) %}" + "{% set x = (x, x) %}" * 40 + "{{ x | string | length }}",
        "{% set x = 99999 %}" + "{% set x = x * x %}" * 60 + "{{ x % 7 }}",
        "{{ xs | batch(10000000000, 'x') | list }}",
        "{{ xs | slice(10000000000) | list }}",
        "{{ 1.5 | round(10000000000, 'ceil') }}",
        "{{ t | indent(100000) }}",
        "{{ t * 100 }}",
        "{{ xs * 100 }}",
    ],
)
def test_a_small_template_cannot_make_a_large_text(template: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "LONGEST", 100)
    monkeypatch.setattr(sandbox, "MOST_ITEMS", 100)
    prompt, _ = prompt_of(template)
    assert prompt is not None
    with pytest.raises(RenderFault):
        prompt.render(ROW)


def test_loops_end_by_the_clock_although_they_say_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "SECONDS", 0.05)
    many = list(range(3000))
    with pytest.raises(RenderFault, match="takes longer"):
        rendered(
            "{% for a in xs %}{% for b in xs %}{% if a == -1 %}x{% endif %}{% endfor %}{% endfor %}", xs=many
        )


# ── faults and their places ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("template", "code", "place", "words"),
    [
        ("a {{ zz }}", "E0502", (1, 6), "zz"),
        ("zz a\n b {{ t }} {{ zz }}", "E0502", (2, 15), "zz"),
        ("{{ t }}\n{{ t | uper }}", "E0503", (2, 8), "uper"),
        ("{% if t is oddish %}x{% endif %}", "E0503", (1, 12), "oddish"),
        ("{{ t.encode() }}", "E0504", (1, 6), "encode"),
        ("x\n{% macro a() %}{% endmacro %}", "E0504", (2, 4), "macro"),
        ("{% if t %}\n{% if u %}\n{% endif %}", "E0501", (1, 4), "if"),
        ("a\n{% for x in xs %}\n", "E0501", (2, 4), "for"),
        ("a {{ t }", "E0501", (1, 8), "}"),
        ("{{\n  zz\n}}", "E0502", (2, 3), "zz"),
        ("{{ t.size }}", "E0502", (1, 6), "size"),
        ("{{ row.zz }}", "E0502", (1, 8), "zz"),
        ("{% for x in xs %}{{ loop.idx }}{% endfor %}", "E0502", (1, 26), "idx"),
    ],
)
def test_faults_stand_at_the_word(template: str, code: str, place: tuple[int, int], words: str) -> None:
    _, faults = prompt_of(template, {**COLUMNS, "row": Type.OBJECT})
    assert [d.code for d in faults] == [code]
    at = faults[0].at
    assert at.begin == place
    assert isinstance(at, Span)
    assert at.source.text[at.start : at.end] == words


def in_spec(spec: str, written: str, text: str, form: str) -> Written:
    source = Source(name="a.eval", text=spec)
    start = spec.index(written)
    return Written(text=text, source=source, at=Span(source, start, start + len(written)), form=form)


def test_places_in_a_long_string_of_a_spec() -> None:
    spec = 'task a {\n  prompt = """\n    Read:\n      {{ t }} {{ zz }}\n    """\n}\n'
    written = in_spec(
        spec, spec[spec.index('"""') : spec.rindex('"""') + 3], "Read:\n  {{ t }} {{ zz }}", "long"
    )
    _, (fault,) = read_prompt(written, COLUMNS, "dataset `d`")
    assert fault.at.begin == (4, 18)


def test_places_in_a_string_beside_another() -> None:
    spec = 'system = "about {{ t }}"; prompt = "{{ t }} and {{ zz }}"'
    written = in_spec(spec, '"{{ t }} and {{ zz }}"', "{{ t }} and {{ zz }}", "string")
    _, (fault,) = read_prompt(written, COLUMNS, "dataset `d`")
    assert fault.at.begin == (1, spec.index("zz") + 1)


def test_where_a_prompt_reads_a_name() -> None:
    prompt, _ = prompt_of("t is a word here\n{{ n }}, {{ t }}")
    assert prompt is not None
    assert place_of_name(prompt, "t").begin == (2, 13)
    assert place_of_name(prompt, "nowhere") == prompt.at


@pytest.mark.parametrize(
    ("template", "names"),
    [
        ("{{ t }} {{ n | string }}", {"t", "n"}),
        ("{% for x in xs %}{{ x }}{{ loop.index }}{% endfor %}", {"xs"}),
        ("{% set y = u %}{{ y }}", {"u"}),
        ("{{ o.a.b }}", {"o"}),
        ("nothing", set()),
        ("{% if b %}{% endif %}", {"b"}),
    ],
)
def test_the_names_that_a_prompt_reads(template: str, names: set[str]) -> None:
    prompt, _ = prompt_of(template)
    assert prompt is not None
    assert prompt.names == names


WORDS = """
    {{ }} {% %} {# #} | upper ( ) [ ] . __class__ endfor endif 1 ' " ~ + * ** - raw endraw é loop self : { } ,
    999999999999999999999999
"""
PHRASES = [" t ", " zz ", "for x in xs", "if t", "set a = ", "not ", "\n", "is defined", "macro m()"]
PIECES = [*WORDS.split(), *PHRASES]


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join) | st.text(max_size=60))
def test_whatever_the_template_reading_ends_and_rendering_says_why_not(template: str) -> None:
    prompt, faults = prompt_of(template)
    assert (prompt is None) == bool(faults)
    for fault in faults:
        assert isinstance(fault.at, Span)
        assert 0 <= fault.at.start <= fault.at.end <= len(template)
    if prompt is not None:
        with contextlib.suppress(RenderFault):
            prompt.render(ROW)
