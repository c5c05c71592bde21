"""Several mistakes in one file: each is told once, at its place, and none hides another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from check.cases import FOLDER
from evalspec.pipeline import check_file, check_source
from evalspec.report.diagnostics import Form, render
from evalspec.text.source import Source, Span

if TYPE_CHECKING:
    from evalspec.text.diagnostics import Diagnostic

SIX = """\
dataset tickets {
  source = file("data/tickets.csv")
  id = id
  label = queue
  derive { long = word(body) > 10 }
}

subset spanish of tickets { where = lang == es }

model mini { use = "openai/gpt-5-mini"; temprature = 0 }

costs misrouting {
  | truth \\ answer | billing | bug | abuse | other |
  | billing        |       - |   2 |     9 |     2 |
  | bug            |       2 |   - |     9 |     1 |
  | abuse          |      40 |   - |     - |    40 |
  | other          |       1 |   1 |     9 |     - |
}

task route {
  data = tickets
  prompt = \"\"\"
    One of {{ labels | join(", ") }}:
    {{ bodi }}
    \"\"\"
  answer = one_of(queue)
  costs = misrouting
}

limits { requests(mino) <= 500/min }
"""


def checked(text: str) -> tuple[Diagnostic, ...]:
    path = FOLDER / "check" / "six.eval"
    return check_source(Source(name="six.eval", text=text, path=path)).diagnostics


def test_six_mistakes_in_six_blocks_are_six_diagnostics() -> None:
    found = [(d.code, d.at.begin) for d in checked(SIX)]
    assert found == [
        ("E0303", (5, 19)),  # word
        ("E0203", (8, 45)),  # es
        ("E0403", (10, 41)),  # temprature
        ("E0315", (16, 34)),  # the dash off the diagonal
        ("E0502", (24, 8)),  # bodi
        ("E0201", (30, 19)),  # mino
    ]


def test_mending_one_leaves_the_others_as_they_were() -> None:
    before = checked(SIX)
    after = checked(SIX.replace("temprature", "temperature"))
    assert [d.code for d in after] == [d.code for d in before if d.code != "E0403"]


def test_mistakes_of_shape_do_not_hide_mistakes_of_meaning() -> None:
    text = SIX.replace("id = id\n", "id = \n").replace("requests(mino) <=", "requests(mino) >=")
    codes = [d.code for d in checked(text)]
    assert codes[0] == "E0111"
    assert {"E0403", "E0315", "E0201"} <= set(codes)
    assert len(codes) == len(set(codes))


def test_a_file_that_is_checked_says_the_same_as_its_text(tmp_path: Path) -> None:
    spec = tmp_path / "six.eval"
    spec.write_text(SIX, encoding="utf-8")
    (tmp_path / "data").symlink_to(FOLDER / "check" / "data")
    found = check_file(spec).diagnostics
    assert [(d.code, d.at.begin) for d in found] == [(d.code, d.at.begin) for d in checked(SIX)]


def test_without_data_nothing_is_said_about_columns() -> None:
    source = Source(name="six.eval", text=SIX, path=Path("nowhere/six.eval"))
    codes = [d.code for d in check_source(source, read_data=False).diagnostics]
    assert codes == ["E0303", "E0403", "E0315", "E0201"]


# ── secrets ───────────────────────────────────────────────────────────────────────────────────────

SECRET = "sk-proj-abcdefghijklmnop1234"
LEAKS = {
    "key": f'model mini {{ use = "openai/gpt-5-mini"; api_key = "{SECRET}" }}',
    "header": f'model mini {{\n  use = "openai/x"\n  headers {{ Authorization = "Bearer {SECRET}" }}\n}}',
    "provider": f'provider gate {{ base_url = "https://llm.example/v1"; api_key = "{SECRET}" }}',
    "address": f'model mini {{ use = "gpt-5-mini"; base_url = "https://me:{SECRET}@llm.example/v1" }}',
    "parameter": f'model mini {{ use = "openai/gpt-5-mini"; "their_key" = "{SECRET}" }}',
    "request": f'task route {{ request {{ "key" = "{SECRET}" }} }}',
    "a bare key": f'model mini {{ use = "openai/gpt-5-mini"; api_key = {SECRET} }}',
    "a mistake beside it": f'model mini {{ use = "openai/x"; api_key = "{SECRET}"; temprature = 0 }}',
    "a key that nothing closes": f'model mini {{ use = "openai/x"; api_key = "{SECRET} }}',
}


@pytest.mark.parametrize("form", list(Form))
@pytest.mark.parametrize("leak", LEAKS)
def test_a_secret_that_is_written_out_is_told_and_never_shown(leak: str, form: Form) -> None:
    found = check_source(Source(name="a.eval", text=LEAKS[leak]), read_data=False).diagnostics
    assert found
    assert SECRET not in render(found, form)
    assert "abcdefghijklmnop" not in render(found, form)


@pytest.mark.parametrize("leak", ["key", "header", "provider", "address", "parameter"])
def test_a_secret_has_a_code_of_its_own(leak: str) -> None:
    found = check_source(Source(name="a.eval", text=LEAKS[leak]), read_data=False).diagnostics
    assert [d.code for d in found] == ["E0440"]
    assert isinstance(found[0].at, Span)
