"""The server as editors meet it: a process of its own, spoken to over its standard streams."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lsp.client import SOURCES, Client, place
from lsp.spec import SPEC, TICKETS, folder

WRONG = SPEC.replace("costs = misrouting", "costs = misroutin")


@pytest.fixture(scope="module")
def shared() -> Iterator[Client]:
    client = Client()
    yield client
    client.end()


@pytest.fixture
def client(shared: Client) -> Client:
    """A server that other tests speak to as well: what they leave behind must not matter."""
    shared.published.clear()
    return shared


@pytest.fixture
def own() -> Iterator[Client]:
    """A server of one's own."""
    client = Client()
    yield client
    client.end()


def opened(client: Client, at: Path, text: str = SPEC, name: str = "route.eval") -> str:
    uri = (folder(at) / name).as_uri()
    client.open(uri, text)
    return uri


def position(text: str, words: str, more: int = 0) -> dict[str, int]:
    """Where some words begin, counted as editors count."""
    before = text[: text.index(words) + more]
    return {"line": before.count("\n"), "character": len(before.rpartition("\n")[2].encode("utf-16-le")) // 2}


def covered(text: str, at: dict[str, Any]) -> str:
    """The words that a range within one line covers."""
    line = text.split("\n")[int(at["start"]["line"])].encode("utf-16-le")
    start, end = int(at["start"]["character"]), int(at["end"]["character"])
    return line[2 * start : 2 * end].decode("utf-16-le")


def codes(diagnostics: list[dict[str, Any]]) -> list[str]:
    return [d["code"] for d in diagnostics if d["severity"] == 1]


# ── a life ────────────────────────────────────────────────────────────────────────────────────────


def test_a_whole_session(own: Client, tmp_path: Path) -> None:
    """Open, be told, type, be told again, complete, read, go, rename, format, leave."""
    uri = opened(own, tmp_path)
    assert codes(own.diagnostics(uri, 1)) == []
    version = own.change(uri, WRONG)
    (fault,) = [d for d in own.diagnostics(uri, version) if d["severity"] == 1]
    assert (fault["code"], covered(WRONG, fault["range"])) == ("E0201", "misroutin")
    assert "did you mean `misrouting`?" in fault["message"]
    about = {"textDocument": {"uri": uri}}
    wanted = about | {"range": fault["range"], "context": {"diagnostics": [fault]}}
    (action,) = own.request("textDocument/codeAction", wanted)
    ((edit,),) = action["edit"]["changes"].values()
    assert (action["kind"], action["isPreferred"], edit["newText"]) == ("quickfix", True, "misrouting")
    assert edit["range"] == fault["range"]
    own.change(uri, SPEC)
    at = position(SPEC, "misrouting\n  require", 3)
    items = own.request("textDocument/completion", about | {"position": at})["items"]
    assert [(i["label"], covered(SPEC, i["textEdit"]["range"])) for i in items] == [
        ("misrouting", "misrouting")
    ]
    assert (
        "costs **misrouting**"
        in own.request("textDocument/hover", about | {"position": at})["contents"]["value"]
    )
    (goal,) = own.request("textDocument/definition", about | {"position": at})
    assert covered(SPEC, goal["range"]) == "misrouting"
    found = own.request(
        "textDocument/references", about | {"position": at, "context": {"includeDeclaration": True}}
    )
    assert len(found) == 2
    assert own.request("textDocument/prepareRename", about | {"position": at})["placeholder"] == "misrouting"
    renamed = own.request("textDocument/rename", about | {"position": at, "newName": "prices"})
    assert [e["newText"] for e in renamed["changes"][uri]] == ["prices", "prices"]
    assert own.refusal("textDocument/rename", about | {"position": at, "newName": "not"}).startswith(
        "`not` is a word"
    )
    symbols = own.request("textDocument/documentSymbol", about)
    assert [s["name"] for s in symbols][-1] == "route"
    assert len(own.request("textDocument/semanticTokens/full", about)["data"]) % 5 == 0
    assert own.request("textDocument/foldingRange", about)
    own.close(uri)
    assert own.diagnostics(uri) == []
    assert own.leave() == 0


def test_formatting_gives_the_text_that_fmt_gives(client: Client, tmp_path: Path) -> None:
    untidy = SPEC.replace("  data = tickets", "     data   =tickets # 👋")
    uri = opened(client, tmp_path, untidy)
    options = {"textDocument": {"uri": uri}, "options": {"tabSize": 2, "insertSpaces": True}}
    (edit,) = client.request("textDocument/formatting", options)
    path = tmp_path / "same.eval"
    path.write_text(untidy, encoding="utf-8")
    run(["fmt", str(path)])
    assert applied(untidy, edit) == path.read_text(encoding="utf-8")
    client.change(uri, untidy + "task {{{")
    assert client.request("textDocument/formatting", options) is None


def run(arguments: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "evalspec", *arguments],
        capture_output=True, text=True, stdin=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": SOURCES} | environment,
    )  # fmt: skip


def applied(text: str, edit: dict[str, Any]) -> str:
    lines = text.split("\n")
    start, end = (
        sum(len(line) + 1 for line in lines[: p["line"]])
        + len(lines[p["line"]].encode("utf-16-le")[: 2 * p["character"]].decode("utf-16-le"))
        for p in (edit["range"]["start"], edit["range"]["end"])
    )
    return text[:start] + str(edit["newText"]) + text[end:]


def test_it_leaves_with_1_where_it_was_not_shut_down(own: Client) -> None:
    own.notify("exit", None)
    assert own.process.wait(60) == 1


def test_it_leaves_when_the_editor_is_gone(own: Client, tmp_path: Path) -> None:
    opened(own, tmp_path)
    assert own.process.stdin is not None
    own.process.stdin.close()
    assert own.process.wait(60) == 1


def test_it_leaves_at_ctrl_c_while_nobody_says_anything(own: Client) -> None:
    own.process.send_signal(signal.SIGINT)
    assert own.process.wait(60) == 1


def test_without_its_package_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "pygls").mkdir()
    blocked = "import sys, importlib.util as u; f = u.find_spec; "
    blocked += "u.find_spec = lambda n, *a: None if n == 'pygls' else f(n, *a); "
    blocked += "from evalspec.cli.main import main; sys.exit(main(['lsp']))"
    done = subprocess.run([sys.executable, "-c", blocked], capture_output=True, text=True,
                          env=os.environ | {"PYTHONPATH": SOURCES})  # fmt: skip
    assert done.returncode == 2
    assert "pip install 'evalspec[lsp]'" in done.stderr


# ── diagnostics ───────────────────────────────────────────────────────────────────────────────────


def test_faults_of_data_stand_where_the_spec_names_the_file(client: Client, tmp_path: Path) -> None:
    (folder(tmp_path) / "data" / "bad.csv").write_text(TICKETS + "T1,en,x,again,bug,1\n", encoding="utf-8")
    text = SPEC.replace("data/tickets.csv", "data/bad.csv", 1)
    uri = (tmp_path / "route.eval").as_uri()
    client.open(uri, text)
    (fault,) = [d for d in client.diagnostics(uri, 1) if d["severity"] == 1]
    assert covered(text, fault["range"]) == 'file("data/bad.csv")'
    assert fault["message"].startswith("data/bad.csv:8: ")
    related = fault["relatedInformation"][0]["location"]
    assert related["uri"] == (tmp_path / "data" / "bad.csv").as_uri()
    assert related["range"]["start"]["line"] == 7


def test_mended_data_are_read_again(client: Client, tmp_path: Path) -> None:
    uri = opened(client, tmp_path)
    client.diagnostics(uri, 1)
    data = tmp_path / "data" / "tickets.csv"
    data.write_text(TICKETS + "T1,en,x,again,bug,1\n", encoding="utf-8")
    client.notify("workspace/didChangeWatchedFiles", {"changes": [{"uri": data.as_uri(), "type": 2}]})
    assert codes(client.diagnostics(uri, 1)) != []
    data.write_text(TICKETS, encoding="utf-8")
    client.notify("textDocument/didSave", {"textDocument": {"uri": uri}})
    assert codes(client.diagnostics(uri, 1)) == []


def test_only_the_last_of_many_versions_is_told(client: Client, tmp_path: Path) -> None:
    uri = opened(client, tmp_path)
    for i in range(50):
        version = client.change(uri, SPEC + "#" * i)
    version = client.change(uri, WRONG)
    assert codes(client.diagnostics(uri, version)) == ["E0201"]
    assert client.published == []


LIBRARY = 'dataset tickets { source = file("data/tickets.csv"); id = ticket_id; label = queue }\n'
LIBRARY += "model m { use = 3 }\n"
MAIN = (
    'import "library.eval"\nmodel n { use = "openai/gpt-5-mini" }\ntask t {\n  data = tickets; models = [n]\n'
)
MAIN += '  prompt = "{{ labels }} {{ body }}"; answer = one_of(queue)\n}\n'


def test_faults_of_an_import_are_told_in_its_own_file(client: Client, tmp_path: Path) -> None:
    library = folder(tmp_path) / "library.eval"
    library.write_text(LIBRARY, encoding="utf-8")
    uri = opened(client, tmp_path, MAIN, "main.eval")
    assert codes(client.diagnostics(uri, 1)) == []
    (fault,) = [d for d in client.diagnostics(library.as_uri()) if d["severity"] == 1]
    assert covered(LIBRARY, fault["range"]) == "3"
    client.open(library.as_uri(), LIBRARY)  # as it is typed in the editor, it counts for who imports it
    client.change(library.as_uri(), LIBRARY.replace("queue }", "queu }"))
    assert codes(client.diagnostics(library.as_uri(), 2)) != []
    client.change(library.as_uri(), LIBRARY.replace("use = 3", 'use = "openai/x"'))
    assert codes(client.diagnostics(library.as_uri(), 3)) == []
    client.close(library.as_uri())
    client.close(uri)
    while client.diagnostics(library.as_uri()):
        pass  # the file on the disk is still wrong, until nobody who imports it is open


def test_faults_in_a_template_file_are_told_there(client: Client, tmp_path: Path) -> None:
    template = folder(tmp_path) / "route.jinja"
    template.write_text("👋 {{ labels }}\n{{ bodi }}\n", encoding="utf-8")
    text = SPEC.replace(SPEC[SPEC.index('"""') : SPEC.rindex('"""') + 3], 'file("route.jinja")')
    opened(client, tmp_path, text)
    (fault,) = client.diagnostics(template.as_uri())
    assert fault["code"] == "E0502"
    assert fault["range"] == {"start": {"line": 1, "character": 3}, "end": {"line": 1, "character": 7}}


def test_a_document_that_lies_nowhere_is_checked_too(client: Client) -> None:
    client.open("untitled:Untitled-1", "task t { }\n")
    assert codes(client.diagnostics("untitled:Untitled-1", 1)) != []
    client.close("untitled:Untitled-1")
    assert client.diagnostics("untitled:Untitled-1") == []


# ── positions ─────────────────────────────────────────────────────────────────────────────────────

WIDE = '\t# 👩‍👩‍👧 中文\r\ndataset d {\r\n\tsource = file("👋.csv"); nosuch = 1\r\n}\r\n'


@pytest.mark.parametrize(("encoding", "character"), [("utf-16", 26), ("utf-8", 28), ("utf-32", 25)])
def test_columns_are_counted_as_the_editor_counts(tmp_path: Path, encoding: str, character: int) -> None:
    client = Client(encodings=(encoding,))
    try:
        assert client.capabilities["positionEncoding"] == encoding
        uri = opened(client, tmp_path, WIDE)
        faults = client.diagnostics(uri, 1)
        (fault,) = [d for d in faults if d["code"] == "E0403"]
        assert fault["range"]["start"] == {"line": 2, "character": character}
        assert fault["range"]["end"] == {"line": 2, "character": character + 6}
        found = client.at("textDocument/hover", uri, 1, 3)
        assert found["range"] == {"start": {"line": 1, "character": 0}, "end": {"line": 1, "character": 7}}
    finally:
        client.end()


def test_an_editor_without_snippets_gets_plain_text(tmp_path: Path) -> None:
    client = Client(snippets=False)
    try:
        uri = opened(client, tmp_path, "ta")
        items = client.at("textDocument/completion", uri, 0, 2)["items"]
        assert all(item["insertTextFormat"] == 1 for item in items)
        task = next(item for item in items if item["label"] == "task")["textEdit"]["newText"]
        assert task.startswith("task name {\n  data = dataset\n")
        assert "{{ column }}" in task
    finally:
        client.end()


# ── what it must survive ──────────────────────────────────────────────────────────────────────────

EVERY_REQUEST = (
    "completion", "hover", "definition", "references", "documentHighlight", "rename", "prepareRename",
    "signatureHelp", "documentSymbol", "foldingRange", "semanticTokens/full", "formatting", "codeAction",
)  # fmt: skip


def every_request(client: Client, uri: str, line: int, character: int) -> list[dict[str, Any]]:
    """The answers to every request there is about a place."""
    at = {"line": line, "character": character}
    params = place(uri, line, character) | {
        "context": {"includeDeclaration": True, "diagnostics": [], "triggerKind": 1, "isRetrigger": False},
        "newName": "x", "options": {"tabSize": 2, "insertSpaces": True}, "range": {"start": at, "end": at},
    }  # fmt: skip
    asked = [client.ask(f"textDocument/{method}", params) for method in EVERY_REQUEST]
    return [client.answer(number) for number in asked]


def test_a_document_that_is_not_open_has_nothing(client: Client) -> None:
    for uri in ("file:///nowhere.eval", "untitled:x", "http://x/y", "", "file:///%00", "::"):
        assert all(answer.get("result", None) is None for answer in every_request(client, uri, 0, 0))
    client.notify("textDocument/didChange", {"textDocument": {"uri": "file:///no.eval", "version": 3},
                                             "contentChanges": [{"text": "x"}]})  # fmt: skip
    client.close("file:///no.eval")


def test_places_outside_of_the_text_are_its_ends(client: Client, tmp_path: Path) -> None:
    uri = opened(client, tmp_path)
    for line, character in ((0, 10**6), (10**6, 0), (2**31 - 1, 2**31 - 1), (25, 10**5)):
        for answer in every_request(client, uri, line, character):
            assert "result" in answer or answer["error"]["code"] == -32602
    for answer in every_request(client, uri, -1, -1):
        assert "result" in answer or answer["error"]["code"] == -32602


def test_broken_texts_are_answered_everywhere(client: Client, tmp_path: Path) -> None:
    uri = opened(client, tmp_path)
    pieces = [
        "",
        "{",
        "}",
        '"',
        '"""',
        "{{",
        "task",
        "task t {",
        'import "',
        "|",
        "(" * 500,
        "\r",
        "\x00",
        "\ud83d",
    ]
    for cut, piece in zip(
        (0, 30, 200, 400, 640, 700, 760, 800, 830, 860, 900, 910, 940, 960), pieces, strict=True
    ):
        text = SPEC[:cut] + piece + SPEC[cut + 3 :]
        client.change(uri, text)
        line = text[:cut].count("\n")
        for answer in every_request(client, uri, line, cut - text[:cut].rfind("\n") - 1):
            assert "result" in answer or answer["error"]["code"] == -32602, (piece, answer)


def test_garbage_on_the_line_is_passed_over(client: Client, tmp_path: Path) -> None:
    client.raw(b"{ not json")
    client.raw(b"[]")
    client.raw(b"null")
    client.raw(json.dumps({"jsonrpc": "2.0", "id": 4000, "method": "no/such", "params": {}}).encode())
    client.raw(
        json.dumps({"jsonrpc": "2.0", "id": 4001, "method": "textDocument/hover", "params": 7}).encode()
    )
    client.raw(json.dumps({"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {}}).encode())
    client.raw(b"[" * 5000)
    client.raw(b"", b"No-Header: at all\r\n\r\n")
    assert "error" in client.answer(4000)
    assert "error" in client.answer(4001)
    uri = opened(client, tmp_path)
    assert client.at("textDocument/hover", uri, 1, 3) is not None


def test_a_cancelled_request_is_answered_and_the_next_one_too(client: Client, tmp_path: Path) -> None:
    uri = opened(client, tmp_path)
    numbers = [client.ask("textDocument/completion", place(uri, 1, 0)) for _ in range(20)]
    for number in numbers:
        client.notify("$/cancelRequest", {"id": number})
    client.notify("$/cancelRequest", {"id": 987654})
    for number in numbers:
        answer = client.answer(number)
        assert "result" in answer or answer["error"]["code"] == -32800
    assert client.at("textDocument/hover", uri, 1, 3) is not None


def test_typing_is_answered_while_a_large_spec_is_checked(client: Client, tmp_path: Path) -> None:
    condition = 'lang == "de" and words(body) >'
    many = "".join(f"subset s{i} of tickets {{ where = {condition} {i % 7} }}\n" for i in range(2000))
    uri = opened(client, tmp_path, SPEC + many, "large.eval")
    small = opened(client, tmp_path)
    assert client.at("textDocument/completion", small, 1, 0)["items"]
    assert client.at("textDocument/hover", uri, 1, 3) is not None
    client.close(uri)
