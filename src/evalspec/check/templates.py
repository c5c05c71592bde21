"""Templates where a spec gives them: as a text, in a file, or by the name of a top-level `prompt`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.check.entries import Faults, read_entries
from evalspec.check.values import call_of, file_of, no_file, shown
from evalspec.language.prompts import Written, read_prompt
from evalspec.syntax import tree
from evalspec.text.diagnostics import did_you_mean, problem
from evalspec.text.source import Source, Span

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evalspec.check.names import Declared

LONGEST_FILE = 1_000_000


def written_template(
    value: tree.Expr, declared: Declared, columns: Mapping[str, object] | None, faults: Faults
) -> Written | None:
    """The text of a template, from wherever the spec takes it; None after saying what is wrong.

    `columns` are those of the data, for whoever writes a column's bare name.
    """
    if isinstance(value, tree.Name):
        return _named(value, declared, columns or {}, faults)
    return _text_or_file(value, faults)


def check_named_prompts(declared: Declared, faults: Faults) -> None:
    """Says what is wrong with the top-level prompts by themselves; what they read, where they are used."""
    for block in declared.of("prompt").values():
        value = read_entries(block, faults).value("text")
        written = _text_or_file(value, faults) if value is not None else None
        if written is not None:
            faults.extend(read_prompt(written, None, "")[1])


def _named(
    name: tree.Name, declared: Declared, columns: Mapping[str, object], faults: Faults
) -> Written | None:
    block = declared.of("prompt").get(name.text)
    if block is not None:
        silent = Faults()  # the block itself was told by check_named_prompts
        value = read_entries(block, silent).value("text")
        return _text_or_file(value, silent) if value is not None else None
    if name.text not in declared.names["prompt"]:
        known = declared.names["prompt"]
        help_line, fixes = did_you_mean(name.text, known, at=name.at) if known else ("", ())
        quoted = f'the column is read in a text: `"{{{{ {name.text} }}}}"`' if name.text in columns else ""
        declare = f"declare it: `prompt {name.text} {{ text = … }}`" if not help_line and not quoted else ""
        said = f"there is no prompt `{name.text}`"
        faults.found.append(problem("E0201", name.at, said, quoted, help_line, declare, fixes=fixes))
    return None


def _text_or_file(value: tree.Expr, faults: Faults) -> Written | None:
    if isinstance(value, tree.Text):
        return Written(text=value.text, source=value.at.source, at=value.at, form=value.form)
    call = call_of(value)
    if call is not None and call[0] == "file":
        return _from_file(value, faults)
    faults.add("E0305", value.at, f"a prompt is a text, and this is `{shown(value)}`",
               'write `"""…"""` or `file("x.jinja")`')  # fmt: skip
    return None


def _from_file(value: tree.Expr, faults: Faults) -> Written | None:
    found = file_of(value, faults)
    if found is None:
        return None
    written, path = found
    try:
        if path.stat().st_size > LONGEST_FILE:
            faults.add("E0505", value.at, f"`{written}` is larger than 1 MB", "is this the right file?")
            return None
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        no_file(value.at, written, path, faults)
        return None
    except OSError as fault:
        way_out = "paths start from the spec's folder"
        faults.add("E0210", value.at, f"`{written}` cannot be read: {fault.strerror}", way_out)
        return None
    except UnicodeDecodeError:
        faults.add("E0505", value.at, f"`{written}` is not UTF-8 text", "save it as UTF-8")
        return None
    source = Source(name=written, text=text, path=path)
    return Written(text=text, source=source, at=Span(source, 0, len(text)), form="file")
