"""Files of schemas and tools: whatever stands in them is understood, or told at its place in the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalspec.pipeline import check_file
from evalspec.text.source import Span

SPEC = """
dataset d { source = file("d.jsonl"); id = id }
model m { use = "openai/x" }
task t { data = d; prompt = "{{ doc }}"; answer = ANSWER; gold = gold }
"""
SCHEMA, TOOLS = 'json(schema = file("x.json"))', 'tool_call(file("x.json"))'


def said(folder: Path, answer: str, text: str | bytes) -> list[tuple[str, str]]:
    """The codes with the text that each points at."""
    (folder / "d.jsonl").write_text('{"id": "1", "doc": "x", "gold": null}\n', encoding="utf-8")
    (folder / "x.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    (folder / "s.eval").write_text(SPEC.replace("ANSWER", answer), encoding="utf-8")
    found = []
    for told in check_file(folder / "s.eval").diagnostics:
        assert isinstance(told.at, Span)
        found.append((told.code, told.at.source.text[told.at.start : told.at.end]))
    return found


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{"type": "object", "properties": {"a": {"type": ["string", "null"]}, "b": {"enum": [1, "x"]}}}',
        '{"$defs": {"a": {"type": "string"}}, "properties": {"b": {"$ref": "#/$defs/a"}}}',
        '{"$ref": "#/$defs/a", "$defs": {"a": {"properties": {"b": {}}}}}',
        '{"properties": {"$ref": {"type": "string"}}}',
        '{"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"a": {"type": "string"}}}',
    ],
)
def test_a_sound_schema_is_taken(tmp_path: Path, text: str) -> None:
    assert said(tmp_path, SCHEMA, text) == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"type": "array"}', '"array"'),
        ('{"properties": {"a": {"type": "strin"}}}', '"strin"'),
        ('{"properties": {"a": {"pattern": "("}}}', '"("'),
        ('{"properties": {"a": {"$ref": "http://example.org/a.json"}}}', '"http://example.org/a.json"'),
        ('{"properties": {"a": {"$ref": "#/$defs/b"}}, "$defs": {}}', '"#/$defs/b"'),
        ('{"$schema": "http://example.org/"}', '"http://example.org/"'),
        ('{"$schema": 5}', "5"),
        ('{"$schema": "http://["}', '"http://["'),
        ('{"properties": 5}', "5"),
        ('{"type": "object",}', "}"),
        ("[]", "[]"),
        ("null", "null"),
    ],
)
def test_a_fault_is_told_at_its_place(tmp_path: Path, text: str, place: str) -> None:
    assert said(tmp_path, SCHEMA, text) == [("E0435", place)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        b"\xff\xfe",
        "[" * 100_000,
        '{"a":' * 3_000,
        '{"a": NaN}',
        "9" * 5_000,
        " " * 1_000_001,
        '"\\ud800"',
    ],
)
@pytest.mark.parametrize("answer", [SCHEMA, TOOLS])
def test_no_file_is_too_much(tmp_path: Path, answer: str, text: str | bytes) -> None:
    ((code, _),) = said(tmp_path, answer, text)
    assert code == "E0435"


@pytest.mark.parametrize(
    "text",
    [
        '[{"name": "f"}]',
        '[{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]',
    ],
)
def test_tools_are_taken_in_both_forms(tmp_path: Path, text: str) -> None:
    assert said(tmp_path, TOOLS, text) == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[]", "[]"),
        ("[5]", "5"),
        ('[{"name": ""}]', '{"name": ""}'),
        ('[{"name": "f", "parameters": []}]', "[]"),
        ('[{"function": {"name": "f", "parameters": {"type": "x"}}}]', '"x"'),
        ('[{"name": "f"}, {"name": "f", "description": "again"}]', '{"name": "f", "description": "again"}'),
    ],
)
def test_a_fault_in_tools_is_told_at_its_place(tmp_path: Path, text: str, place: str) -> None:
    assert said(tmp_path, TOOLS, text) == [("E0435", place)]
