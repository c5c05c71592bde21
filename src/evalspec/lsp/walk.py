"""From trees to mentions: every word of a spec and what it stands for, told by the schema.

The schema says which kind of name stands in an attribute (`refers`), which functions (`calls`) and which
words. What the arguments of functions are is said in `arguments.py`.
"""

from __future__ import annotations

from evalspec.language.call_names import CALLS
from evalspec.language.schema import BLOCKS, Entry
from evalspec.lsp.arguments import ARGUMENTS, FREE_KEYS, FREE_VALUES, LISTS_LABELS, REFERS, TEMPLATES
from evalspec.lsp.declared import KINDS, Declarations
from evalspec.lsp.mentions import Mention, Symbol, What
from evalspec.lsp.template_walk import TemplateReader
from evalspec.syntax import tree
from evalspec.text.source import Span
from evalspec.text.values import dataclass, replace


@dataclass(frozen=True, slots=True)
class Around:
    """What a word stands in: the kind of block, and the dataset, task and step that are at hand there."""

    kind: str = ""
    dataset: str = ""
    task: str = ""
    step: str = ""

    @property
    def fields(self) -> str:
        """The scope of the fields of an answer."""
        return f"{self.task}/{self.step}"


class Walker:
    """Walks one file and gathers its mentions, and those in the template files that it names."""

    def __init__(self, declared: Declarations) -> None:
        self.declared = declared
        self.found: list[Mention] = []
        self.templates = TemplateReader(declared, self.found)

    def file(self, file: tree.File) -> None:
        for entry in file.entries:
            match entry:
                case tree.Block():
                    self.block(entry, Around())
                case tree.Import():
                    self.text(entry.path, Symbol(What.FILE, entry.path.text))
                case _:
                    pass

    # ── shapes ────────────────────────────────────────────────────────────────────────────────────

    def block(self, block: tree.Block, outer: Around) -> None:
        kind = block.kind.text
        if kind in BLOCKS:
            self.add(Symbol(What.BLOCK, kind), block.kind.at)
        around = self.inside(block, outer)
        self.name(block, outer, around)
        if block.target is not None:
            self.add(Symbol(What.DATASET, block.target.text), block.target.at)
        rows = 0
        for entry in block.entries:
            match entry:
                case tree.Attribute():
                    self.attribute(entry, around)
                case tree.Block():
                    self.block(entry, around)
                case tree.Bound():
                    self.bound(entry, around)
                case tree.TableRow():
                    self.row(entry, around, first=rows == 0)
                    rows += 1
                case _:
                    pass

    def inside(self, block: tree.Block, outer: Around) -> Around:
        kind, name = block.kind.text, block.name.text if block.name is not None else ""
        around = replace(outer, kind=kind)
        if kind == "dataset":
            return replace(around, dataset=name)
        if kind == "step":
            return replace(around, step=name)
        what = KINDS.get(kind)
        if what is None or outer.kind:
            return around
        dataset = self.declared.dataset_of.get((what, name), "")
        return replace(around, dataset=dataset, task=name if what is What.TASK else "")

    def name(self, block: tree.Block, outer: Around, around: Around) -> None:
        if block.name is None:
            return
        kind, at, text = block.kind.text, block.name.at, block.name.text
        if not outer.kind and kind in KINDS:
            self.add(Symbol(KINDS[kind], text), at, declares=True)
        elif kind == "step":
            self.add(Symbol(What.STEP, text, around.task), at, declares=True)
        elif kind == "no_worse_than":
            self.add(Symbol(What.MODEL, text), at)
        elif kind == "mix":
            self.add(Symbol(What.COLUMN, text, around.dataset), at)

    def attribute(self, entry: tree.Attribute, around: Around) -> None:
        kind, key = BLOCKS.get(around.kind), entry.key.text
        known = kind.entries.get(key) if kind is not None else None
        if known is not None:
            self.add(Symbol(What.ATTRIBUTE, key, around.kind), entry.key.at, quoted=entry.key.quoted)
            if (around.kind, key) == ("dataset", "label"):
                self.label(entry.value, around)
            elif (around.kind, key) == ("dataset", "header"):
                self.columns(entry.value, around, declares=True)
            elif (around.kind, key) == ("dataset", "optional"):
                self.columns(entry.value, around, declares=False)
            else:
                self.value(entry.value, known, around)
        elif around.kind in FREE_KEYS:
            what, declares = FREE_KEYS[around.kind]
            self.add(Symbol(what, key, self.scope(what, around)), entry.key.at, declares=declares,
                     quoted=entry.key.quoted)  # fmt: skip
            self.value(entry.value, FREE_VALUES.get(around.kind, Entry(name="", doc="")), around)
        else:
            self.add(Symbol(What.ATTRIBUTE, key, "request"), entry.key.at, quoted=entry.key.quoted)
            self.expression(entry.value, replace(around, dataset=""))

    def bound(self, entry: tree.Bound, around: Around) -> None:
        self.metric(entry.metric.text, entry.metric.at, around)
        match entry.argument:
            case None:
                pass
            case tree.Index(value=tree.Name() as family, index=tree.Text() as value):
                self.add(Symbol(What.SUBSET, family.text), family.at)
                self.text(value, Symbol(What.MEMBER, value.text, family.text))
            case tree.Name() as name:
                self.add(self.argument_of_bound(name.text, around), name.at)
            case tree.Text() as text:
                self.text(text, self.argument_of_bound(text.text, around))
            case other:
                self.expression(other, around)
        self.expression(entry.value, around)

    def argument_of_bound(self, name: str, around: Around) -> Symbol:
        declared = self.declared
        if around.kind == "limits":
            return Symbol(What.PROVIDER if declared.has(What.PROVIDER, name) else What.MODEL, name)
        if declared.has(What.SUBSET, name):
            return Symbol(What.SUBSET, name)
        if name in declared.steps.get(around.task, ()):
            return Symbol(What.STEP, name, around.task)
        if around.kind == "latency":
            return Symbol(What.WORD, name, "latency.bound")
        return Symbol(What.LABEL, name, around.dataset)

    def row(self, row: tree.TableRow, around: Around, *, first: bool) -> None:
        if around.kind == "dataset" and first:
            self.header(row, around)
        if around.kind != "costs":
            return
        across = isinstance(row.cells[0], tree.Corner) if row.cells else False
        for i, cell in enumerate(row.cells):
            match cell:
                case tree.Word() if (across or i == 0) and cell.text in ("abstain", "invalid"):
                    self.add(Symbol(What.WORD, cell.text, "costs.table"), cell.at)
                case tree.Word() if across or i == 0:
                    self.add(Symbol(What.LABEL, cell.text, around.dataset), cell.at, quoted=cell.quoted)
                case tree.Text() if across or i == 0:
                    self.text(cell, Symbol(What.LABEL, cell.text, around.dataset))
                case tree.Group():
                    self.expression(cell.value, around)
                case _:
                    pass

    def header(self, row: tree.TableRow, around: Around) -> None:
        """The columns of a table inside a dataset."""
        for cell in row.cells:
            match cell:
                case tree.Word():
                    self.add(Symbol(What.COLUMN, cell.text, around.dataset), cell.at, declares=True,
                             quoted=cell.quoted)  # fmt: skip
                case tree.Text():
                    self.text(cell, Symbol(What.COLUMN, cell.text, around.dataset), declares=True)
                case _:
                    pass

    # ── values ────────────────────────────────────────────────────────────────────────────────────

    def value(self, node: tree.Expr, entry: Entry, around: Around) -> None:
        """A value as the schema says it is read."""
        what = REFERS.get(entry.refers)
        match node:
            case tree.Sequence():
                for item in node.items:
                    self.value(item, entry, around)
            case tree.Text() if entry.calls == "prompt":
                self.templates.text(node, around)
            case tree.Text() if what is not None and what is not What.PROMPT:
                self.text(node, Symbol(what, node.text, self.scope(what, around)))
            case tree.Name() if entry.words and node.text in entry.words:
                self.add(Symbol(What.WORD, node.text, f"{around.kind}.{entry.name}"), node.at)
            case tree.Name() if entry.calls and node.text in CALLS[entry.calls]:
                self.add(Symbol(What.FUNCTION, node.text, entry.calls), node.at)
            case tree.Name() if what is What.METRIC:
                self.metric(node.text, node.at, around)
            case tree.Name() if what is not None and what is not What.COLUMN:
                self.add(Symbol(what, node.text, self.scope(what, around)), node.at)
            case tree.Call() if entry.calls:
                self.call(node, entry.calls, around)
                if entry.calls == "prompt" and _name(node) == "file":
                    self.templates.file(node, around)
            case _:
                self.expression(node, around)

    def label(self, node: tree.Expr, around: Around) -> None:
        column, listed = node, None
        if isinstance(node, tree.Binary) and node.operator is tree.Operator.IN:
            column, listed = node.left, node.right
        self.columns(column, around, declares=False)
        if isinstance(listed, tree.Sequence):
            self.labels(listed, around, declares=True)

    def labels(self, listed: tree.Sequence, around: Around, *, declares: bool) -> None:
        for item in listed.items:
            match item:
                case tree.Name():
                    self.add(Symbol(What.LABEL, item.text, around.dataset), item.at, declares=declares)
                case tree.Text():
                    self.text(item, Symbol(What.LABEL, item.text, around.dataset), declares=declares)
                case _:
                    pass

    def columns(self, node: tree.Expr, around: Around, *, declares: bool) -> None:
        for item in node.items if isinstance(node, tree.Sequence) else (node,):
            match item:
                case tree.Name():
                    self.add(Symbol(What.COLUMN, item.text, around.dataset), item.at, declares=declares)
                case tree.Text():
                    self.text(item, Symbol(What.COLUMN, item.text, around.dataset), declares=declares)
                case _:
                    self.expression(item, around)

    def call(self, node: tree.Call, group: str, around: Around) -> None:
        """A function of the language, with the names among its arguments."""
        if not isinstance(node.function, tree.Name):
            self.expression(node, around)
            return
        name = node.function.text
        self.add(Symbol(What.FUNCTION, name, group), node.function.at)
        train = next((n.value for n in node.named if n.name.text in ("train", "of")), None)
        here = around
        if name == "baseline" and isinstance(train, tree.Name):
            here = replace(around, dataset=train.text)
        for place, argument in enumerate(node.arguments):
            self.argument(name, place, argument, here)
        for named in node.named:
            if name in ("json", "object") and named.name.text != "schema":
                self.add(Symbol(What.FIELD, named.name.text, around.fields), named.name.at, declares=True)
                self.value(named.value, Entry(name="", doc="", calls="json_type"), around)
                continue
            self.add(Symbol(What.ARGUMENT, named.name.text, name), named.name.at)
            self.argument(name, named.name.text, named.value, here)

    def argument(self, function: str, place: int | str, node: tree.Expr, around: Around) -> None:
        what = ARGUMENTS.get((function, place))
        if isinstance(node, tree.Call):
            group = next((g for g, calls in CALLS.items() if _name(node) in calls), "")
            self.call(node, group, around)
            if _name(node) == "file" and (function, place) in TEMPLATES:
                self.templates.file(node, around)
        elif isinstance(node, tree.Sequence) and function in LISTS_LABELS:
            self.labels(node, around, declares=False)
        elif isinstance(node, tree.Sequence):
            for item in node.items:
                self.argument(function, place, item, around)
        elif isinstance(node, tree.Text) and (function, place) in TEMPLATES:
            self.templates.text(node, around)
        elif isinstance(node, tree.Text) and what is not None:
            self.text(node, Symbol(what, node.text, self.scope(what, around)))
        elif isinstance(node, tree.Name) and what is not None:
            self.add(Symbol(what, node.text, self.scope(what, around)), node.at)
        elif isinstance(node, tree.Name):
            self.add(Symbol(What.WORD, node.text, f"{function}.{place}"), node.at)

    def metric(self, name: str, at: Span, around: Around) -> None:
        score = name in self.declared.scores.get(around.task, ())
        symbol = Symbol(What.SCORE, name, around.task) if score else Symbol(What.METRIC, name)
        self.add(symbol, at)

    # ── expressions ───────────────────────────────────────────────────────────────────────────────

    def expression(self, node: tree.Expr, around: Around) -> None:
        """An expression over a row: its names are columns, but for steps, scores and leaderboards."""
        match node:
            case tree.Name():
                self.add(self.named(node.text, around), node.at)
            case tree.Member(value=tree.Name(text="params"), name=name):
                self.add(Symbol(What.PARAM, name.text), name.at)
            case tree.Member(value=tree.Name() as owner, name=name):
                self.expression(owner, around)
                if owner.text in self.declared.steps.get(around.task, ()) and name.text != "confidence":
                    self.add(Symbol(What.FIELD, name.text, f"{around.task}/{owner.text}"), name.at)
            case tree.Call(function=tree.Name() as function):
                if function.text == "column":
                    self.call(node, "", around)
                    return
                self.add(Symbol(What.FUNCTION, function.text), function.at)
                for argument in node.arguments:
                    self.expression(argument, around)
            case tree.Binary():
                self.expression(node.left, around)
                if not self.compared_with_labels(node, around):
                    self.expression(node.right, around)
            case tree.Not() | tree.Negative() | tree.Group() | tree.Member():
                self.expression(node.value, around)
            case tree.Index():
                self.expression(node.value, around)
                self.expression(node.index, around)
            case tree.Sequence():
                for item in node.items:
                    self.expression(item, around)
            case _:
                pass

    def named(self, name: str, around: Around) -> Symbol:
        if name in self.declared.steps.get(around.task, ()):
            return Symbol(What.STEP, name, around.task)
        if name in self.declared.scores.get(around.task, ()):
            return Symbol(What.SCORE, name, around.task)
        if around.kind == "decision":
            return Symbol(What.LEADERBOARD, name)
        return Symbol(What.COLUMN, name, around.dataset)

    def compared_with_labels(self, node: tree.Binary, around: Around) -> bool:
        """Whether the left side is the label column, and the texts on the right are labels therefore."""
        left = node.left.text if isinstance(node.left, tree.Name) else None
        if left is None or left != self.declared.label_of.get(around.dataset):
            return False
        items = node.right.items if isinstance(node.right, tree.Sequence) else (node.right,)
        for item in items:
            if isinstance(item, tree.Text):
                self.text(item, Symbol(What.LABEL, item.text, around.dataset))
            else:
                self.expression(item, around)
        return True

    # ── adding ────────────────────────────────────────────────────────────────────────────────────

    def scope(self, what: What, around: Around) -> str:
        match what:
            case What.COLUMN | What.LABEL:
                return around.dataset
            case What.STEP | What.SCORE | What.VARIANT:
                return around.task
            case What.FIELD:
                return around.fields
            case _:
                return ""

    def add(self, symbol: Symbol, at: Span, *, declares: bool = False, quoted: bool = False) -> None:
        self.found.append(Mention(symbol, _content(at) if quoted else at, declares, quoted))

    def text(self, node: tree.Text, symbol: Symbol, *, declares: bool = False) -> None:
        self.found.append(Mention(symbol, _content(node.at), declares, True))


def _content(at: Span) -> Span:
    """What stands between the quotes of a string."""
    text = at.source.text
    start = at.start + (1 if text[at.start : at.start + 1] == "r" else 0)
    quotes = 3 if text.startswith('"""', start) and at.end - start >= 6 else 1
    return Span(at.source, start + quotes, max(at.end - quotes, start + quotes))


def _name(node: tree.Call) -> str:
    return node.function.text if isinstance(node.function, tree.Name) else ""
