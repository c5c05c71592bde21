"""The desk: data are read once as long as their files stay, and what was known stays while one types."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

from evalspec.lsp.desk import Desk, Document
from lsp.spec import SPEC, TICKETS, folder


def test_data_are_read_again_only_when_their_file_has_changed(tmp_path: Path) -> None:
    data = folder(tmp_path) / "data" / "tickets.csv"
    path = tmp_path / "route.eval"
    desk = Desk()
    uri = path.as_uri()

    def size(text: str) -> int | None:
        document = Document(uri, path, 1, text)
        desk.put(document)
        desk.check(document)
        return desk.facts[uri].size("tickets")

    assert size(SPEC) == 6
    state = data.stat()
    data.write_text(TICKETS.replace("T6", "T1"), encoding="utf-8")  # a repeated id, and the same length
    os.utime(data, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert size(SPEC + "#") == 6  # taken from memory, since nothing tells that it has changed
    data.write_text(TICKETS + "T7,en,x,More,bug,1\n", encoding="utf-8")
    assert size(SPEC + "##") == 7


def test_faults_of_remembered_data_stand_where_the_spec_names_the_file_now(tmp_path: Path) -> None:
    (folder(tmp_path) / "data" / "tickets.csv").write_text("ticket_id,ticket_id\n", encoding="utf-8")
    path = tmp_path / "route.eval"
    desk = Desk()
    for text in (SPEC, "\n\n\n" + SPEC, SPEC.replace("\n", "\r\n")):
        document = Document(path.as_uri(), path, 1, text)
        desk.put(document)
        said = [s for s in desk.check(document).said if s.code.startswith("E06")]
        assert said
        assert all(text[s.start : s.end] == 'file("data/tickets.csv")' for s in said)


def test_what_was_known_of_a_dataset_stays_while_its_block_is_half_written(tmp_path: Path) -> None:
    path = folder(tmp_path) / "route.eval"
    desk = Desk()
    for text in (SPEC, SPEC.replace("  id = ticket_id\n", "  id =\n")):
        document = Document(path.as_uri(), path, 1, text)
        desk.put(document)
        desk.check(document)
    assert "body" in desk.facts[path.as_uri()].columns("tickets")
    assert desk.facts[path.as_uri()].size("tickets") == 6


def test_a_closed_document_leaves_nothing_behind(tmp_path: Path) -> None:
    path = folder(tmp_path) / "route.eval"
    desk = Desk()
    document = Document(path.as_uri(), path, 1, SPEC)
    desk.put(document)
    desk.drop(document.uri)
    desk.check(document)  # one that was on its way
    assert (desk.documents, desk.results, desk.facts, desk.views) == ({}, {}, {}, {})


def test_remote_data_are_read_when_a_spec_is_opened_or_saved_only(tmp_path: Path) -> None:
    fsspec: Any = importlib.import_module("fsspec")
    memory = fsspec.filesystem("memory")
    path = tmp_path / "route.eval"
    desk = Desk()

    def size(n: int, text: str) -> int | None:
        memory.pipe("/tickets.csv", b"id,q\n" + b"".join(b"T%d,a\n" % i for i in range(n)))
        document = Document(path.as_uri(), path, 1, text)
        desk.put(document)
        desk.check(document)
        return desk.facts[document.uri].size("d")

    text = 'dataset d { source = file("memory://tickets.csv"); id = id }\n'
    assert size(2, text) == 2
    assert size(3, text + "#") == 2
    desk.refresh()
    assert size(4, text) == 4
