"""The project's dataclasses behave as the standard ones: each test makes both and compares them."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from evalspec.text import records
from evalspec.text.source import Source, Span

MAKERS = [records, dataclasses]


def classes(
    make: Callable[..., Any], field: Callable[..., Any] = dataclasses.field
) -> tuple[Any, Any, Any, Any]:
    """The same four classes by either decorator."""

    @make(frozen=True, slots=True)
    class Point:
        """A place."""

        x: float
        y: float = 0

        ORIGIN: ClassVar[str] = "corner"

        @property
        def far(self) -> bool:
            return self.x > 9

    @make(frozen=True, slots=True, kw_only=True)
    class Sheet:
        title: str = "none"
        tags: list[str] = field(default_factory=list)
        secret: str = field(repr=False)
        note: str = field(default="", compare=False)
        length: int = field(init=False, repr=False, compare=False)

        def __post_init__(self) -> None:
            object.__setattr__(self, "length", len(self.title))

    @make(slots=True)
    class Counter:
        count: int = 0
        seen: list[int] = field(default_factory=list)

    @make(frozen=True, slots=True)
    class Nothing:
        pass

    return Point, Sheet, Counter, Nothing


@pytest.fixture(params=MAKERS, ids=["ours", "standard"])
def made(request: pytest.FixtureRequest) -> tuple[Any, Any, Any, Any]:
    return classes(request.param.dataclass, request.param.field)


def test_equality_and_hash_go_by_class_and_compared_fields(made: tuple[Any, Any, Any, Any]) -> None:
    point, sheet, counter, nothing = made
    assert point(1, 2) == point(1, 2)
    assert point(1, 2) != point(1, 3)
    assert point(1, 2) != (1, 2)
    assert hash(point(1, 2)) == hash(point(1.0, 2.0)) == hash((1, 2))
    assert sheet(secret="a", note="b") == sheet(secret="a", note="c")
    assert sheet(secret="a") != sheet(secret="b")
    assert nothing() == nothing()
    assert hash(nothing()) == hash(())
    assert counter(1) == counter(1) != counter(2)
    not_a_number = float("nan")
    assert point(not_a_number) == point(not_a_number)
    with pytest.raises(TypeError, match="unhashable"):
        hash(counter())


def test_a_frozen_one_refuses_to_be_changed(made: tuple[Any, Any, Any, Any]) -> None:
    point, _, counter, _ = made
    place = point(1)
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'x'"):
        place.x = 2
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot delete field 'x'"):
        del place.x
    with pytest.raises((AttributeError, TypeError)):  # the standard one says TypeError by mistake
        place.other = 2
    counted = counter()
    counted.count = 5
    assert counted.count == 5
    with pytest.raises(AttributeError):
        counted.other = 1


def test_defaults_factories_and_what_is_set_afterwards(made: tuple[Any, Any, Any, Any]) -> None:
    _, sheet, counter, _ = made
    assert sheet(secret="s", title="four").length == 4
    assert counter().seen is not counter().seen
    first = sheet(secret="s")
    assert (first.title, first.tags, first.note) == ("none", [], "")


@pytest.mark.parametrize(("given", "named"), [((), {}), ((1, 2, 3), {}), ((1,), {"z": 2}), ((1,), {"x": 1})])
def test_wrong_arguments_are_type_errors(
    made: tuple[Any, Any, Any, Any], given: tuple[int, ...], named: dict[str, int]
) -> None:
    with pytest.raises(TypeError, match=r"__init__\(\)"):
        made[0](*given, **named)


def test_keyword_only_fields_are_only_given_by_name(made: tuple[Any, Any, Any, Any]) -> None:
    with pytest.raises(TypeError):
        made[1]("title")
    with pytest.raises(TypeError):
        made[1]()
    with pytest.raises(TypeError):
        made[1](secret="s", length=3)


def test_text_tells_the_fields(made: tuple[Any, Any, Any, Any]) -> None:
    point, sheet, _, nothing = made
    assert repr(point(1)).endswith("Point(x=1, y=0)")
    assert repr(sheet(secret="s")).endswith("Sheet(title='none', tags=[], note='')")
    assert repr(nothing()).endswith("Nothing()")


def test_patterns_match_by_place_and_name(made: tuple[Any, Any, Any, Any]) -> None:
    point, sheet, _, _ = made
    assert point.__match_args__ == ("x", "y")
    assert sheet.__match_args__ == ()
    match point(3, 4):
        case point(x, y=4):
            assert x == 3
        case _:
            pytest.fail("no match")


def test_the_standard_module_knows_them(made: tuple[Any, Any, Any, Any]) -> None:
    point, sheet, _, nothing = made
    make_point: Callable[..., Any] = point
    assert dataclasses.is_dataclass(point)
    assert dataclasses.is_dataclass(nothing())
    assert [f.name for f in dataclasses.fields(sheet)] == ["title", "tags", "secret", "note", "length"]
    title, tags, secret, *_ = dataclasses.fields(sheet)
    assert (title.default, tags.default_factory, secret.default) == ("none", list, dataclasses.MISSING)
    assert dataclasses.asdict(make_point(1)) == {"x": 1, "y": 0}
    assert dataclasses.replace(make_point(1), y=7) == make_point(1, 7)


@pytest.mark.parametrize("replace", [records.replace, dataclasses.replace], ids=["ours", "standard"])
def test_replacing(made: tuple[Any, Any, Any, Any], replace: Callable[..., Any]) -> None:
    point, sheet, _, _ = made
    assert replace(point(1, 2), x=5) == point(5, 2)
    longer = replace(sheet(secret="s"), title="longer")
    assert (longer.length, longer.secret) == (6, "s")
    with pytest.raises(TypeError):
        replace(point(1), z=2)
    with pytest.raises((ValueError, TypeError)):
        replace(sheet(secret="s"), length=2)


def test_documents_and_class_variables_stay(made: tuple[Any, Any, Any, Any]) -> None:
    point = made[0]
    assert (point.__doc__, point.ORIGIN, point(10).far) == ("A place.", "corner", True)
    assert not hasattr(point(1), "__dict__")
    assert list(inspect.signature(point).parameters) == ["x", "y"]
    parameters = inspect.signature(made[1]).parameters
    assert {name: p.kind.name for name, p in parameters.items()} == dict.fromkeys(
        ("title", "tags", "secret", "note"), "KEYWORD_ONLY"
    )
    assert parameters["title"].default == "none"


def test_values_are_copied_and_pickled() -> None:
    """With a class of the project: pickle finds classes by their names."""
    span = Span(Source(name="a", text="some\ntext"), 2, 7)
    assert pickle.loads(pickle.dumps(span)) == span  # noqa: S301
    assert copy.copy(span) == copy.deepcopy(span) == span
    again = pickle.loads(pickle.dumps(span.source))  # noqa: S301
    assert (again.line_starts, again.path) == (span.source.line_starts, None)


@pytest.mark.parametrize("maker", MAKERS, ids=["ours", "standard"])
def test_what_would_be_shared_by_accident_is_refused(maker: Any) -> None:
    with pytest.raises(ValueError, match="mutable default"):

        @maker.dataclass(slots=True)
        class Shared:
            items: list[int] = []  # noqa: RUF012 - that is the mistake


def test_what_is_not_supported_is_refused() -> None:
    with pytest.raises(TypeError, match="have slots"):
        records.dataclass()

    @records.dataclass(slots=True)
    class First:
        x: int

    with pytest.raises(TypeError, match="not inherited"):

        @records.dataclass(slots=True)
        class Second(First):
            y: int


@pytest.mark.parametrize("maker", MAKERS, ids=["ours", "standard"])
def test_what_a_class_defines_itself_is_kept(maker: Any) -> None:
    @maker.dataclass(frozen=True, slots=True)
    class Own:
        x: int

        def __repr__(self) -> str:
            return "mine"

        def __eq__(self, other: object) -> bool:
            return True

        def __str__(self) -> str:
            return "text"

    own: Any = Own
    assert (repr(own(1)), str(own(1))) == ("mine", "text")
    assert own(1) == own(2)
    assert hash(own(1)) == hash(own(1))
