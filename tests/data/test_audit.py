"""Equal inputs with different labels."""

from __future__ import annotations

from evalspec.data.audit import same_input_other_label
from evalspec.data.rows import Loaded, Row
from evalspec.language.expressions import Type
from evalspec.text.source import DataLine


def loaded(*rows: tuple[object, object, str]) -> Loaded:
    made = tuple(
        Row(str(i), {"body": body, "lang": lang, "queue": queue}, "a.csv", i + 2)
        for i, (body, lang, queue) in enumerate(rows)
    )
    return Loaded(dataset="d", types={"body": Type.TEXT}, rows=made, sha256="")


def test_equal_inputs_with_different_labels_are_counted_and_the_first_two_named() -> None:
    rows = [("x", "a"), ("y", "a"), ("y", "a"), ("x", "b"), ("y", "c"), ("x", "c")]
    data = loaded(*[(body, "en", queue) for body, queue in rows])
    fault = same_input_other_label(data, ["body", "lang"], "queue")
    assert fault is not None
    assert fault.code == "W0605"
    assert fault.message == "2 inputs have different labels: first `a` at line 2, `b` at line 5"
    assert fault.at == DataLine("a.csv", 2)
    assert fault.labels[0].at == DataLine("a.csv", 5)


def test_inputs_that_a_prompt_can_tell_apart_are_no_fault() -> None:
    data = loaded(("x", "en", "a"), ("x", "de", "b"), ("z", "en", "c"))
    assert same_input_other_label(data, ["body", "lang"], "queue") is None
    assert same_input_other_label(data, ["body"], "queue") is not None
    assert same_input_other_label(data, [], "queue") is None


def test_lists_and_objects_are_compared_by_content() -> None:
    data = loaded(({"k": [1, 2], "j": 0}, None, "a"), ({"j": 0, "k": [1, 2]}, None, "b"))
    fault = same_input_other_label(data, ["body", "lang"], "queue")
    assert fault is not None
    assert fault.message.startswith("1 input has")
