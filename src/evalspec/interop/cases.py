"""promptfoo's tests: inline, from files, by scenarios, with what `defaultTest` adds, as cases with variables.

Knows where tests come from and what they are made of; how their assertions are judged is not known here.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from evalspec.data.columns import as_text
from evalspec.interop.listed import Remark
from evalspec.interop.nodes import Node
from evalspec.interop.reach import Reach
from evalspec.interop.scripts import TAG, NotPlain, filled
from evalspec.interop.tables import form_of, read_table
from evalspec.interop.written import Assertion, from_cell, read_assertions
from evalspec.text.source import Span
from evalspec.text.values import dataclass, field, replace

MOST_CASES = 100_000
SCRIPTS = (".js", ".cjs", ".mjs", ".ts", ".py", ".rb")
ELSEWHERE = ("huggingface://", "langfuse://", "az://", "https://", "http://", "s3://")
CELLS = ("__prefix", "__suffix", "__description", "__metric", "__threshold", "__providerOutput")
CARRIED = ("vars", "assert", "options", "description", "threshold", "metadata", "path")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One test: its variables, what it asserts, and what its options add to the prompt."""

    where: str
    variables: Mapping[str, Any]
    assertions: tuple[Assertion, ...]
    description: str = ""
    prefix: str = ""
    suffix: str = ""
    transformed: bool = False
    threshold: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Reading:
    """What reading tests leaves behind: files read, remarks made, assertions found."""

    reach: Reach
    root: Node
    remarks: list[Remark]

    def remark(self, where: str, what: str, why: str) -> None:
        self.remarks.append(Remark(where=where, what=what, why=why))

    def assertions(self, test: Node, base: Path) -> tuple[Assertion, ...]:
        return read_assertions(test.get("assert"), self.root, self.reach, base)


def place(node: Node) -> str:
    """Where a node stands: file and line."""
    return f"{node.at.file}:{node.line}"


def read_cases(root: Node, base: Path, reading: Reading) -> list[Case]:
    """Every case of a configuration, in order, each array of variables unfolded."""
    default = _default(root, base, reading)
    tests = root.get("tests")
    cases = itertools.chain(
        _tests(tests, base, reading) if tests is not None else (),
        _scenarios(root.get("scenarios"), base, reading),
    )
    each = itertools.chain.from_iterable(_unfolded(_joined(default, case)) for case in cases)
    found = list(itertools.islice(each, MOST_CASES))
    if not found and default.assertions:
        found = list(_unfolded(default))
    if len(found) >= MOST_CASES:
        reading.remark(place(root), "tests", f"only the first {MOST_CASES:,} are carried over")
    return found


def _default(root: Node, base: Path, reading: Reading) -> Case:
    node = root.get("defaultTest")
    if node is not None and node.text is not None:
        loaded = reading.reach.nodes(node.text, base)
        node, base = loaded if loaded is not None else (None, base)
    if node is None:
        return Case(where=place(root), variables={}, assertions=())
    return _case(node, base, reading)


def _joined(default: Case, case: Case) -> Case:
    """A case with what `defaultTest` adds to it; its own variables and options win."""
    return replace(
        case,
        variables={**default.variables, **case.variables},
        assertions=(*default.assertions, *case.assertions),
        prefix=case.prefix or default.prefix,
        suffix=case.suffix or default.suffix,
        transformed=case.transformed or default.transformed,
        threshold=case.threshold or default.threshold,
        metadata={**default.metadata, **case.metadata},
    )


def _tests(node: Node, base: Path, reading: Reading) -> Iterator[Case]:
    """The tests of a list, of a file, or of a list that names files."""
    for item in node.items or (node,):
        if item.text is not None:
            for name in reading.reach.several(item.text, base):
                yield from _tests_of_file(item, name, base, reading)
        elif (path := item.get("path")) is not None and path.text is not None:
            yield from _tests_of_file(path, path.text, base, reading)
        elif isinstance(item.value, dict):
            yield _case(item, base, reading)
        else:
            reading.remark(place(item), "a test", "it is neither a mapping nor the name of a file")


def _tests_of_file(at: Node, name: str, base: Path, reading: Reading) -> Iterator[Case]:
    bare = name.removeprefix("file://")
    ending = Path(bare.partition(":")[0].partition("#")[0]).suffix.lower()
    if name.startswith(ELSEWHERE) or ending in SCRIPTS or ending in (".xlsx", ".xls"):
        why = "an import runs no code" if ending in SCRIPTS else "save it as csv, and name that"
        reading.remark(place(at), f"tests of `{name}`", why)
    elif ending in (".csv", ".tsv"):
        yield from _tests_of_table(name, base, reading)
    elif ending in (".jsonl", ".ndjson"):
        yield from _tests_of_lines(name, base, reading)
    elif (loaded := reading.reach.nodes(name, base)) is not None:
        node, folder = loaded
        yield from _tests(node, folder, reading)


def _tests_of_table(name: str, base: Path, reading: Reading) -> Iterator[Case]:
    path = reading.reach.inside(name, base)
    if path is None or form_of(path) is None:
        return
    table, faults = read_table(path)
    reading.reach.faults.extend(faults)
    for row in table.rows if table is not None else ():
        cells = {name.strip(): as_text(value) or "" for name, value in row.values.items()}
        yield _case_of_cells(cells, f"{row.file}:{row.line}")


def _case_of_cells(cells: Mapping[str, str], where: str) -> Case:
    """A row of a table: `__expected` columns are assertions, other `__` ones options, the rest variables."""
    expected = [(name, text.strip()) for name, text in cells.items() if name.startswith("__expected")]
    plain = {name: text for name, text in cells.items() if not name.startswith("__")}
    metadata = {
        name.partition(":")[2].removesuffix("[]"): text
        for name, text in cells.items()
        if name.startswith("__metadata:") and text.strip()
    }
    return Case(
        where=where,
        variables=plain,
        assertions=tuple(from_cell(text, f"{where} {name}") for name, text in expected if text),
        description=cells.get("__description", ""),
        prefix=cells.get("__prefix", ""),
        suffix=cells.get("__suffix", ""),
        threshold=bool(cells.get("__threshold", "").strip()),
        metadata=metadata,
    )


def _tests_of_lines(name: str, base: Path, reading: Reading) -> Iterator[Case]:
    source = reading.reach.text(name, base)
    for number, line in enumerate(source.text.split("\n") if source is not None else (), 1):
        if not line.strip() or source is None:
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            reading.remark(f"{source.name}:{number}", "a test", "this line is not JSON")
            continue
        start = source.line_starts[number - 1]
        at = Span(source, start, start + len(line))
        yield _case(node_of(value, at), base, reading)


def node_of(value: Any, at: Span) -> Node:
    """A JSON value as a node, all of it at one place."""
    match value:
        case dict():
            return Node({str(key): node_of(item, at) for key, item in value.items()}, at)
        case list():
            return Node([node_of(item, at) for item in value], at)
        case _:
            return Node(value, at)


def _case(node: Node, base: Path, reading: Reading) -> Case:
    """A test as YAML or JSON writes it."""
    options = node.get("options")
    for key, found in node.pairs.items():
        if key not in CARRIED and found.value is not None:
            reading.remark(place(found), f"`{key}` of a test", "it is not carried over")
    for key in options.pairs if options is not None else ():
        if key not in ("prefix", "suffix", "transform", "postprocess"):
            reading.remark(place(node), f"the option `{key}` of a test", "it is not carried over")
    description, metadata = node.get("description"), node.get("metadata")
    return Case(
        where=place(node),
        variables=_variables(node.get("vars"), base, reading),
        assertions=reading.assertions(node, base),
        description=(description.text or "") if description is not None else "",
        prefix=_option(options, "prefix"),
        suffix=_option(options, "suffix"),
        transformed=options is not None and bool(options.get("transform") or options.get("postprocess")),
        threshold=node.get("threshold") is not None,
        metadata={
            key: str(value.value)
            for key, value in (metadata.pairs if metadata is not None else {}).items()
            if isinstance(value.value, str | int)
        },
    )


def _option(options: Node | None, name: str) -> str:
    found = options.get(name) if options is not None else None
    return (found.text or "") if found is not None else ""


def _variables(node: Node | None, base: Path, reading: Reading) -> dict[str, Any]:
    """The variables of a test; those of files are read, those of code are told and left as they are."""
    found: dict[str, Any] = {}
    if node is None:
        return found
    if node.text is not None or isinstance(node.value, list):
        for item in node.items or (node,):
            for name in reading.reach.several(item.text or "", base):
                loaded = reading.reach.nodes(name, base)
                found |= loaded[0].plain() if loaded and isinstance(loaded[0].value, dict) else {}
        return found
    for key, value in node.pairs.items():
        listed = [_variable(key, item, base, reading) for item in value.items]
        found[key] = listed if isinstance(value.value, list) else _variable(key, value, base, reading)
    return found


def _variable(key: str, node: Node, base: Path, reading: Reading) -> Any:
    text = node.text
    if text is None or not text.startswith("file://"):
        return node.plain()
    ending = Path(text).suffix.lower()
    if ending in (".yaml", ".yml"):
        loaded = reading.reach.nodes(text, base)
        return json.dumps(loaded[0].plain(), ensure_ascii=False) if loaded is not None else ""
    if ending in (".txt", ".md", ".json", ".html", ".xml", ".csv", ""):
        source = reading.reach.text(text, base)
        return source.text.strip() if source is not None else ""
    why = "an import runs no code" if ending in SCRIPTS else "only texts are carried over"
    reading.remark(place(node), f"the variable `{key}` of `{text}`", why)
    return text


def _scenarios(node: Node | None, base: Path, reading: Reading) -> Iterator[Case]:
    """Each test of a scenario with each set of variables of it."""
    for item in (node.items or (node,)) if node is not None else ():
        if item.text is not None:
            for name in reading.reach.several(item.text, base):
                loaded = reading.reach.nodes(name, base)
                if loaded is not None:
                    yield from _scenarios(loaded[0], loaded[1], reading)
            continue
        sets, tests = item.get("config"), item.get("tests")
        configs = list(_tests(sets, base, reading)) if sets is not None else []
        cases = list(_tests(tests, base, reading)) if tests is not None else []
        yield from (_joined(config, case) for config in configs for case in cases)


def _unfolded(case: Case) -> Iterable[Case]:
    """A case for each combination of those variables that are lists."""
    lists = {name: value for name, value in case.variables.items() if isinstance(value, list)}
    if not lists:
        return (case,)
    return (
        replace(case, variables={**case.variables, **dict(zip(lists, chosen, strict=True))})
        for chosen in itertools.product(*lists.values())
    )


def resolved(variables: Mapping[str, Any], rounds: int = 5) -> tuple[dict[str, Any], Sequence[str]]:
    """Variables with the others that they name as `{{ name }}` filled in, and those that hold other tags."""
    found = {k: v.removesuffix("\n") if isinstance(v, str) else v for k, v in variables.items()}
    odd: dict[str, None] = {}
    for _ in range(rounds):
        changed = False
        for name, value in found.items():
            if isinstance(value, str) and TAG.search(value) and len(value) < 100_000:
                try:
                    new = filled(value, {k: v for k, v in found.items() if k != name})
                except NotPlain:
                    odd[name] = None
                    continue
                changed |= new != value
                found[name] = new
        if not changed:
            break
    return found, tuple(odd)
