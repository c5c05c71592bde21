"""A promptfoo configuration in, a spec and its data out, with the list of what has no counterpart.

The whole import on one screen. Reads the configuration and the files that it names in its own folder;
runs nothing, asks nothing, and writes nothing.
"""

from __future__ import annotations

from pathlib import Path

from evalspec.interop.cases import Case, Reading, place, read_cases, resolved
from evalspec.interop.grouping import gather
from evalspec.interop.listed import Counts, Remark
from evalspec.interop.nodes import Node, read_nodes
from evalspec.interop.prompts import Prompts, Template, read_templates
from evalspec.interop.providers import Model, Providers, read_providers
from evalspec.interop.reach import Reach, read_text
from evalspec.interop.records import only_printed, table_of
from evalspec.interop.rendering import Content, asks, worded
from evalspec.text.diagnostics import Diagnostic, errors, problem
from evalspec.text.values import dataclass

KNOWN = ("prompts", "providers", "targets", "tests", "defaultTest", "scenarios", "description", "env",
         "evaluateOptions", "assertionTemplates", "$schema", "outputPath", "writeLatestResults",
         "sharing", "metadata", "tags", "commandLineOptions")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A spec and its data, to be written, with what is told of them."""

    spec: str
    data: bytes
    counts: Counts
    remarks: tuple[Remark, ...]
    read: tuple[str, ...]


def import_promptfoo(path: Path, data: str) -> tuple[Imported | None, tuple[Diagnostic, ...]]:
    """What a configuration becomes; None where it cannot be read. `data` is the data file's name to be."""
    faults: list[Diagnostic] = []
    source = read_text(path, faults)
    if source is None:
        return None, tuple(faults)
    root, wrong = read_nodes(source)
    if root is None or not isinstance(root.value, dict):
        return None, wrong or (_nothing(path, root),)
    if not {"prompts", "providers", "targets", "tests", "scenarios"} & set(root.pairs):
        return None, (_nothing(path, root),)
    reach = Reach(path.parent)
    found = _read(root, path, reach, data)
    reach.faults.sort(key=lambda fault: fault.at.begin)
    if isinstance(found, Diagnostic) and found not in reach.faults:
        reach.faults.append(found)
    if isinstance(found, Diagnostic) or errors(reach.faults):
        return None, tuple(reach.faults)
    return found, tuple(reach.faults)


def _nothing(path: Path, root: Node | None) -> Diagnostic:
    from evalspec.interop.tables import place_of

    message = "this is no promptfoo configuration: it has no prompts, providers or tests"
    return problem("E0223", root.at if root is not None else place_of(path), message)


def _read(root: Node, path: Path, reach: Reach, data: str) -> Imported | Diagnostic:
    base, remarks = path.parent, list[Remark]()
    _tell_ignored(root, remarks)
    prompts = Prompts(reach, remarks, _environment(root))
    templates = read_templates(root.get("prompts"), base, prompts)
    providers = Providers(reach, remarks)
    models = read_providers(root.get("providers") or root.get("targets"), base, providers)
    cases = read_cases(root, base, Reading(reach, root, remarks))
    if errors(reach.faults):
        return errors(reach.faults)[0]
    if not cases:
        return problem(
            "E0225", root.at, "no test of this configuration can be carried over", *map(str, remarks[:5])
        )
    if not templates and root.get("prompts") is None:
        templates = [Template(where=place(root), label="", messages=(("user", "{{ prompt }}"),))]
    if not templates:
        return problem(
            "E0225", root.at, "no prompt of this configuration can be carried over", *map(str, remarks[:5])
        )
    return _written(root, path, data, _Found(reach, remarks, templates, models, cases))


@dataclass(frozen=True, slots=True)
class _Found:
    """What a configuration holds that can be carried over."""

    reach: Reach
    remarks: list[Remark]
    templates: list[Template]
    models: list[Model]
    cases: list[Case]


def _written(root: Node, path: Path, data: str, found: _Found) -> Imported:
    """The spec and its data."""
    remarks, models, cases = found.remarks, found.models, found.cases
    kept = [t for t in found.templates if not models or any(asks(model, t) for model in models)]
    variables = _variables(cases, remarks)
    gathered = gather(cases, variables)
    read = frozenset(name for template in kept for name in template.names)
    _tell_missing(read, variables, cases, remarks)
    texts = [text for template in kept for _, text in template.messages]
    table = table_of(cases, variables, gathered.groups, read, only_printed(texts, read))
    _tell_passing(cases, remarks)
    told = (*gathered.remarks, *remarks)
    description = root.get("description")
    content = Content(
        origin=path.name,
        description=(description.text or "") if description is not None else "",
        data=data,
        table=table,
        groups=gathered.groups,
        templates=kept,
        models=models,
        concurrency=_concurrency(root),
        counts=gathered.counts,
        remarks=told,
    )
    return Imported(
        spec=worded(content),
        data=table.jsonl(),
        counts=gathered.counts,
        remarks=told,
        read=tuple(found.reach.read),
    )


def _environment(root: Node) -> dict[str, str]:
    env = root.get("env")
    return {k: str(n.value) for k, n in (env.pairs if env is not None else {}).items() if n.value is not None}


def _concurrency(root: Node) -> int | None:
    options = root.get("evaluateOptions")
    found = options.get("maxConcurrency") if options is not None else None
    return found.value if found is not None and isinstance(found.value, int) and found.value > 0 else None


def _variables(cases: list[Case], remarks: list[Remark]) -> list[dict[str, object]]:
    """Each case's variables, filled in; what is more than a name in them is told once for each variable."""
    found, told = [], set[str]()
    for case in cases:
        values, odd = resolved(case.variables)
        found.append(values)
        for name in odd:
            if name not in told:
                told.add(name)
                why = "a template inside a variable; data are never rendered, so it is sent as it stands"
                remarks.append(Remark(where=case.where, what=f"the variable `{name}`", why=why))
    return found


def _tell_ignored(root: Node, remarks: list[Remark]) -> None:
    for key, node in root.pairs.items():
        if key not in KNOWN and node.value is not None:
            remarks.append(Remark(where=place(node), what=f"`{key}`", why="it is not carried over"))
    options = root.get("evaluateOptions")
    for key, node in (options.pairs if options is not None else {}).items():
        if key not in ("maxConcurrency", "showProgressBar", "cache"):
            remarks.append(
                Remark(where=place(node), what=f"`evaluateOptions.{key}`", why="it is not carried over")
            )


def _tell_missing(
    read: frozenset[str], variables: list[dict[str, object]], cases: list[Case], remarks: list[Remark]
) -> None:
    for name in sorted(read):
        lacking = sum(name not in values for values in variables)
        if lacking and not name.startswith("env_"):
            tests = "no test sets it" if lacking == len(cases) else f"{lacking:,} tests do not set it"
            why = f"{tests}; it is empty there, as promptfoo renders it"
            remarks.append(Remark(where=cases[0].where, what=f"the variable `{name}` of a prompt", why=why))


def _tell_passing(cases: list[Case], remarks: list[Remark]) -> None:
    """What decides in promptfoo whether a test passes, and has no place where each assertion is a task."""
    first = next((case for case in cases if case.threshold), None)
    if first is not None:
        why = "each kind of assertion is scored by itself, so no threshold joins them"
        remarks.append(Remark(where=first.where, what="`threshold` of a test", why=why))
    weighted = next((a for case in cases for a in case.assertions if a.weight), None)
    if weighted is not None:
        why = "each kind of assertion is scored by itself, so no weights join them"
        remarks.append(Remark(where=weighted.where, what="`weight` of an assertion", why=why))
