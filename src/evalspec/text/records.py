"""Dataclasses that cost little to define: `dataclass`, `field` and `replace` as the standard ones mean them.

`check` defines some 150 classes and makes few instances of most. The standard decorator compiles six
functions for each class, some 0.5 ms, and imports `inspect`, some 10 ms more. Here equality, hash, text
and pickling are functions that all classes share, and `__init__` is compiled when the first instance is
made. Import these names from `values.py`, where type checkers see the standard ones.

What is the same: the spelling with `slots=True`, fields, defaults, factories, `__post_init__`,
`__match_args__`, errors, pickling, `dataclasses.fields`, `replace` and `is_dataclass`, signatures. What is
not there: classes without slots, order, inheritance of fields, and `InitVar`.
"""

from __future__ import annotations

from functools import cache
from operator import attrgetter
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, NoReturn, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")


class _Absent:
    """Stands where no default was given."""

    __slots__ = ()


ABSENT = _Absent()


class Field:
    """What is told of a field beside its name: its default or factory, and where it counts."""

    __slots__ = ("compare", "default", "factory", "init", "repr")

    def __init__(
        self,
        *,
        default: object = ABSENT,
        default_factory: Callable[[], object] | _Absent = ABSENT,
        init: bool = True,
        repr: bool = True,  # noqa: A002 - the standard spelling
        compare: bool = True,
    ) -> None:
        self.default = default
        self.factory = default_factory
        self.init = init
        self.repr = repr
        self.compare = compare


field = Field
PLAIN = Field()


class Shape:
    """What the shared functions must know of one class."""

    __slots__ = ("fields", "keyword_only", "own")

    def __init__(self, fields: dict[str, Field], keyword_only: bool) -> None:
        self.fields = fields
        self.keyword_only = keyword_only
        self.own: type = object  # the class itself, set when it is made

    def getter(self) -> object:
        """A function from an instance to the tuple of the fields by which it is compared."""
        names = [name for name, told in self.fields.items() if told.compare]
        if not names:
            return staticmethod(lambda value: ())
        # `attrgetter` of one name gives the bare value, of a name twice a tuple, in which equality goes by
        # identity first, as it does for dataclasses.
        return attrgetter(*(names * 2 if len(names) == 1 else names))


def dataclass(
    *, frozen: bool = False, slots: bool = False, kw_only: bool = False
) -> Callable[[type[T]], type[T]]:
    """The decorator, spelled as the standard one. Only classes with slots are made here."""
    if not slots:
        raise TypeError("dataclasses of this project have slots")

    def made(plain: type[T]) -> type[T]:
        shape = Shape(_fields_of(plain), kw_only)
        names = tuple(shape.fields)
        kept = {
            key: value
            for key, value in plain.__dict__.items()
            if key not in shape.fields and key not in ("__dict__", "__weakref__")
        }
        kept |= {"__slots__": names, "__qualname__": plain.__qualname__, "__shape__": shape}
        kept["__compared__"] = shape.getter()
        kept["__dataclass_fields__"] = _StandardFields()
        kept["__signature__"] = _Signature()
        kept["__match_args__"] = () if kw_only else tuple(n for n in names if shape.fields[n].init)
        for name, function in (FROZEN if frozen else MUTABLE).items():
            kept.setdefault(name, function)
        if kept["__hash__"] is None and frozen:  # a class that defines `__eq__` has None there
            kept["__hash__"] = _hash
        # A class with slots must be made anew: slots cannot be added to one that is there.
        again: Callable[..., type[T]] = type(plain)
        whole = again(plain.__name__, plain.__bases__, kept)
        shape.own = whole
        return whole

    return made


def _fields_of(plain: type) -> dict[str, Field]:
    fields: dict[str, Field] = {}
    for name, kind in plain.__annotations__.items():
        if str(kind).startswith(("ClassVar", "typing.ClassVar")):
            continue
        given = plain.__dict__.get(name, PLAIN)
        if not isinstance(given, Field):
            if given.__class__.__hash__ is None:
                raise ValueError(f"mutable default {type(given)} for field {name} is not allowed")
            given = Field(default=given)
        fields[name] = given
    if any(hasattr(base, "__shape__") for base in plain.__bases__):
        raise TypeError(f"{plain.__name__}: fields are not inherited")
    return fields


def replace(value: T, /, **changes: object) -> T:
    """The value with some fields changed, made by its `__init__`; TypeError for names that it lacks."""
    shape = getattr(value, "__shape__", None)
    if shape is None:
        import dataclasses

        return dataclasses.replace(value, **changes)  # type: ignore[type-var]
    for name, told in shape.fields.items():
        if not told.init and name in changes:
            raise ValueError(f"field {name} is declared with init=False, it cannot be given to replace()")
        if told.init and name not in changes:
            changes[name] = getattr(value, name)
    return value.__class__(**changes)


# ── what all classes share ────────────────────────────────────────────────────────────────────────


def _first_init(self: object, /, *given: object, **named: object) -> None:
    """Compiles the class's own `__init__`, puts it in this one's place, and calls it."""
    shape = self.__shape__  # type: ignore[attr-defined]
    init = _compiled_init(shape)
    shape.own.__init__ = init
    init(self, *given, **named)


def _compiled_init(shape: Shape) -> Callable[..., None]:
    """The `__init__` that a person would write: a parameter and an assignment for each field."""
    computed = any(not told.init or not isinstance(told.factory, _Absent) for told in shape.fields.values())
    init = _written_init(shape) if computed else _stamped_init(shape)
    init.__qualname__ = f"{shape.own.__qualname__}.__init__"
    init.__module__ = shape.own.__module__
    return init


def _stamped_init(shape: Shape) -> FunctionType:
    """One of the functions that are compiled once for all classes of so many fields, under these names.

    Compiling takes 80 µs, a copy of what is compiled 2: with some 80 classes in use, 6 ms of every start.
    """
    names = tuple(shape.fields)
    code = _template(len(names), shape.keyword_only and bool(names), hasattr(shape.own, "__post_init__"))
    known = {f"set_{i}": getattr(shape.own, name).__set__ for i, name in enumerate(names)}
    init = FunctionType(code.replace(co_varnames=("self", *names)), known, "__init__")
    defaults = {
        name: told.default for name, told in shape.fields.items() if not isinstance(told.default, _Absent)
    }
    if shape.keyword_only:
        init.__kwdefaults__ = defaults
    elif tuple(defaults) != names[len(names) - len(defaults) :]:
        raise TypeError(f"{shape.own.__name__}: a field without default follows one that has it")
    else:
        init.__defaults__ = tuple(defaults.values())
    return init


@cache
def _template(fields: int, keyword_only: bool, further: bool) -> CodeType:
    """The code of an `__init__` with so many fields, whose names do not matter; `further`: more follows."""
    parameters = ["self", *("*" for _ in range(keyword_only)), *(f"field_{i}" for i in range(fields))]
    lines = ["pass", *(f"set_{i}(self, field_{i})" for i in range(fields))]
    return _function(parameters, [*lines, *("self.__post_init__()" for _ in range(further))], {}).__code__


def _function(parameters: list[str], lines: list[str], known: dict[str, object]) -> FunctionType:
    body = "\n    ".join(lines)
    exec(f"def __init__({', '.join(parameters)}):\n    {body}", known)  # noqa: S102 - made of field names
    made = known["__init__"]
    assert isinstance(made, FunctionType)  # noqa: S101 - it was just defined
    return made


def _written_init(shape: Shape) -> FunctionType:
    """The same for a class with factories, or with fields that are no parameters."""
    known: dict[str, object] = {"ABSENT": ABSENT}
    parameters, lines = ["self"], ["pass"]
    if shape.keyword_only and any(told.init for told in shape.fields.values()):
        parameters.append("*")
    for name, told in shape.fields.items():
        # The slot's own setter: quicker than `setattr`, and a frozen class does not forbid it.
        known[f"set_{name}"] = getattr(shape.own, name).__set__
        value = name
        if not isinstance(told.factory, _Absent):
            known[f"make_{name}"] = told.factory
            made = f"make_{name}()"
            value = f"({made} if {name} is ABSENT else {name})" if told.init else made
        elif not isinstance(told.default, _Absent):
            known[f"default_{name}"] = told.default
            value = name if told.init else f"default_{name}"
        elif not told.init:
            continue
        lines.append(f"set_{name}(self, {value})")
        if told.init:
            parameters.append(name + _default(name, told))
    if hasattr(shape.own, "__post_init__"):
        lines.append("self.__post_init__()")
    return _function(parameters, lines, known)


def _default(name: str, told: Field) -> str:
    if not isinstance(told.factory, _Absent):
        return "=ABSENT"
    return "" if isinstance(told.default, _Absent) else f"=default_{name}"


def _equal(self: object, other: object) -> object:
    if other.__class__ is not self.__class__:
        return NotImplemented
    compared = self.__compared__  # type: ignore[attr-defined]
    return compared(self) == compared(other)


def _hash(self: object) -> int:
    return hash(self.__compared__(self))  # type: ignore[attr-defined]


def _repr(self: object) -> str:
    fields: Mapping[str, Field] = self.__shape__.fields  # type: ignore[attr-defined]
    said = ", ".join(f"{name}={getattr(self, name)!r}" for name, told in fields.items() if told.repr)
    return f"{self.__class__.__qualname__}({said})"


def _state(self: object) -> list[object]:
    return [getattr(self, name) for name in self.__shape__.fields]  # type: ignore[attr-defined]


def _restore(self: object, state: list[object]) -> None:
    for name, value in zip(self.__shape__.fields, state, strict=True):  # type: ignore[attr-defined]
        object.__setattr__(self, name, value)


def _refuse_setting(self: object, name: str, value: object) -> NoReturn:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_deleting(self: object, name: str) -> NoReturn:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot delete field {name!r}")


SHARED: Mapping[str, object] = {
    "__init__": _first_init,
    "__eq__": _equal,
    "__repr__": _repr,
    "__getstate__": _state,
    "__setstate__": _restore,
}
MUTABLE: Mapping[str, object] = {**SHARED, "__hash__": None}
FROZEN: Mapping[str, object] = {
    **SHARED,
    "__hash__": _hash,
    "__setattr__": _refuse_setting,
    "__delattr__": _refuse_deleting,
}


class _StandardFields:
    """`__dataclass_fields__`, by which the standard module knows a dataclass; made when it is asked for."""

    def __get__(self, value: object, own: type) -> object:
        import dataclasses

        shape: Shape = own.__shape__  # type: ignore[attr-defined]
        given: dict[str, object] = {"__annotations__": dict.fromkeys(shape.fields, object)}
        for name, told in shape.fields.items():
            options: dict[str, object] = {"init": told.init, "repr": told.repr, "compare": told.compare}
            if not isinstance(told.factory, _Absent):
                options["default_factory"] = told.factory
            elif not isinstance(told.default, _Absent):
                options["default"] = told.default
            given[name] = dataclasses.field(**options)  # type: ignore[call-overload]
        twin: type = dataclasses.dataclass(kw_only=True)(type(own.__name__, (), given))
        made: dict[str, object] = twin.__dataclass_fields__  # type: ignore[attr-defined]
        type.__setattr__(shape.own, "__dataclass_fields__", made)
        return made


class _Signature:
    """`__signature__`, by which `inspect` knows how a class is called; made when it is asked for."""

    def __get__(self, value: object, own: type) -> object:
        import inspect

        shape: Shape = own.__shape__  # type: ignore[attr-defined]
        whole = inspect.signature(_compiled_init(shape))
        return whole.replace(parameters=list(whole.parameters.values())[1:])
