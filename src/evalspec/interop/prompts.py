"""promptfoo's prompts as templates of evalspec: from strings, files and chats, with what Jinja lacks told."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from evalspec.interop.cases import ELSEWHERE, SCRIPTS, place
from evalspec.interop.listed import Exactness, Remark
from evalspec.interop.nodes import Node, read_nodes
from evalspec.interop.reach import Reach
from evalspec.interop.scripts import ENVIRONMENT
from evalspec.interop.tables import read_table
from evalspec.language.prompts import Written, read_prompt
from evalspec.text.source import Source, Span
from evalspec.text.values import dataclass, replace

TEXTS = (".txt", ".md", ".j2", ".jinja", ".prompt", "")
DUMP = re.compile(r"\|\s*dump\b")
ROLES = ("system", "user", "assistant")


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """One prompt: its messages by role, as templates, and how a report calls it."""

    where: str
    label: str
    messages: tuple[tuple[str, str], ...]

    @property
    def names(self) -> frozenset[str]:
        """The variables that it reads."""
        return frozenset(name for _, text in self.messages for name in names_of(text))


@dataclass(slots=True)
class Prompts:
    """What reading prompts needs and leaves behind."""

    reach: Reach
    remarks: list[Remark]
    environment: Mapping[str, str]

    def remark(self, where: str, what: str, why: str, exactness: Exactness = Exactness.NONE) -> None:
        self.remarks.append(Remark(where=where, what=what, why=why, exactness=exactness))


def names_of(text: str) -> frozenset[str]:
    """The names that a template reads; none where it does not parse."""
    prompt, _ = read_prompt(_written(text), None, "prompt")
    return prompt.names - {"env"} if prompt is not None else frozenset()


def _written(text: str) -> Written:
    source = Source(name="prompt", text=text)
    return Written(text=text, source=source, at=Span(source, 0, len(text)), form="file")


def read_templates(node: Node | None, base: Path, prompts: Prompts) -> list[Template]:
    """Every prompt that evalspec can render; those that it cannot are told."""
    if node is None:
        return []
    found = [template for item in node.items or (node,) for template in _entry(item, base, prompts)]
    return [fitted for template in found if (fitted := _fitted(template, prompts)) is not None]


def _entry(item: Node, base: Path, prompts: Prompts) -> Iterator[Template]:
    """The prompts of one entry: a text, a file (perhaps of several), a chat, or a mapping with one."""
    if item.text is not None:
        yield from _named(item, item.text, "", base, prompts)
        return
    if item.items:
        yield from _chat(item, "", place(item), prompts)
        return
    label, raw = item.get("label"), item.get("raw") or item.get("id")
    if raw is None or raw.text is None:
        prompts.remark(place(item), "a prompt", "it has no text of its own")
        return
    yield from _named(raw, raw.text, (label.text or "") if label is not None else "", base, prompts)


def _named(item: Node, text: str, label: str, base: Path, prompts: Prompts) -> Iterator[Template]:
    """The prompts that a string means: itself, or the file that it names."""
    ending = Path(text.removeprefix("file://").partition(":")[0]).suffix.lower() if len(text) < 300 else ""
    bare = (
        "\n" not in text
        and " " not in text.strip()
        and ending in (*TEXTS[:-1], *SCRIPTS, ".json", ".yaml", ".csv")
    )
    if text.startswith(("exec:", *ELSEWHERE, "portkey://", "helicone://")) or (
        ending in SCRIPTS and (bare or text.startswith("file://"))
    ):
        prompts.remark(place(item), f"the prompt `{text[:60]}`", "it is made by code or kept elsewhere")
    elif text.startswith("file://") or (bare and (base / text).is_file()):
        for name in prompts.reach.several(text, base):
            yield from _of_file(name, label, base, prompts)
    else:
        yield from _text_or_chat(text, label, place(item), prompts)


def _of_file(name: str, label: str, base: Path, prompts: Prompts) -> Iterator[Template]:
    ending = Path(name).suffix.lower()
    if ending == ".csv":
        yield from _of_table(name, label, base, prompts)
        return
    source = prompts.reach.text(name, base)
    if source is None:
        return
    where = f"{source.name}:1"
    if ending in (".json", ".yaml", ".yml"):
        yield from _text_or_chat(source.text.strip(), label or Path(name).stem, where, prompts)
        return
    parts = re.split(r"(?m)^[ \t]*---[ \t]*$", source.text)
    texts = [part.strip() for part in parts if part.strip()]
    for number, text in enumerate(texts, 1):
        own = label or Path(name).stem
        yield from _text_or_chat(text, own if len(texts) == 1 else f"{own} {number}", where, prompts)


def _of_table(name: str, label: str, base: Path, prompts: Prompts) -> Iterator[Template]:
    path = prompts.reach.inside(name, base)
    table, faults = read_table(path) if path is not None else (None, ())
    prompts.reach.faults.extend(faults)
    for row in table.rows if table is not None else ():
        text, own = str(row.values.get("prompt") or ""), str(row.values.get("label") or label)
        yield from _text_or_chat(text, own, f"{row.file}:{row.line}", prompts)


def _text_or_chat(text: str, label: str, where: str, prompts: Prompts) -> Iterator[Template]:
    """A text is what the user says; JSON or YAML that lists messages is a chat."""
    if text.lstrip()[:1] == "[" or re.match(r"-\s+(role|content)\s*:", text.lstrip()):
        node, faults = read_nodes(Source(name=where, text=text))
        if not faults and node is not None and node.items and all("role" in n.pairs for n in node.items):
            yield from _chat(node, label, where, prompts)
            return
        if faults and '"role"' in text:
            prompts.remark(
                where, "a chat prompt", "its template makes the messages themselves, not their texts"
            )
            return
    yield Template(where=where, label=label, messages=(("user", text.removesuffix("\n")),))


def _chat(node: Node, label: str, where: str, prompts: Prompts) -> Iterator[Template]:
    messages = []
    for item in node.items:
        role, content = item.get("role"), item.get("content")
        said = role.text if role is not None else None
        if said not in ROLES or content is None or content.text is None:
            why = "its messages hold more than texts of system, user and assistant"
            prompts.remark(where, "a chat prompt", why)
            return
        messages.append((said, content.text))
    yield Template(where=where, label=label, messages=tuple(messages))


# ── nunjucks and Jinja ────────────────────────────────────────────────────────────────────────────


def _fitted(template: Template, prompts: Prompts) -> Template | None:
    """The prompt as Jinja writes it; None, told, where it cannot."""
    messages = []
    for role, text in template.messages:
        changed = ENVIRONMENT.sub(lambda found: _environment(found, template, prompts), text)
        if DUMP.search(changed):
            changed = DUMP.sub("| tojson", changed)
            why = "written `tojson`, which sets a blank behind `,` and `:`"
            prompts.remark(template.where, "the filter `dump`", why, Exactness.NEARLY)
        prompt, faults = read_prompt(_written(changed), None, "prompt")
        if prompt is None:
            said = faults[0].message if faults else "it does not parse"
            why = f"evalspec cannot render it: {said}"
            prompts.remark(template.where, _called(template), why)
            return None
        messages.append((role, changed))
    fitted = replace(template, messages=tuple(messages))
    if not fitted.names:
        prompts.remark(
            template.where, _called(template), "it reads no variable, so that every test asks the same"
        )
        return None
    return fitted


def _called(template: Template) -> str:
    shown = template.label or template.messages[0][1].split("\n")[0][:40]
    return f"the prompt `{shown}`"


def _environment(found: re.Match[str], template: Template, prompts: Prompts) -> str:
    """A variable of the environment: its value where the configuration gives one, else a column."""
    name = found[1]
    if name in prompts.environment:
        return prompts.environment[name]
    why = f"prompts read columns alone: the column `env_{name}` is empty, fill it in"
    prompts.remark(template.where, f"`{{{{ env.{name} }}}}`", why)
    return f"{{{{ env_{name} }}}}"
