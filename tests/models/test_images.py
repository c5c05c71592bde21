"""Images: what may be sent, what they are known by, and what is on the wire on both ways to a model."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

import servers
from evalspec.language.program import DataFile, Dataset
from evalspec.models.endpoints import completions_url
from evalspec.models.hosted import request_key
from evalspec.models.images import Album, Image, NoImage, media_of, named_in
from evalspec.models.model import Failure, Message, Request
from evalspec.models.openai_http import WIRE, request_body
from evalspec.text.source import Source, Span
from models.asking import answered, ask_once, failed, hosted, question

pytestmark = pytest.mark.anyio

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
BEGINNINGS = {
    b"\x89PNG\r\n\x1a\n....": "image/png",
    b"\xff\xd8\xff\xe0....": "image/jpeg",
    b"GIF87a....": "image/gif",
    b"GIF89a....": "image/gif",
    b"RIFF\x10\0\0\0WEBPVP8 ": "image/webp",
    b"RIFF\x10\0\0\0WAVEfmt ": None,
    b"<svg xmlns": None,
    b"%PDF-1.7": None,
    b"\x89PNG": None,
    b"": None,
}


def album(folder: Path) -> Album:
    """That of `data/rows.jsonl`, named by a spec in this folder."""
    (folder / "data").mkdir(exist_ok=True)
    at = Span(Source(name="s.eval", text="", path=folder / "s.eval"), 0, 0)
    path = folder / "data" / "rows.jsonl"
    file = DataFile(written="data/rows.jsonl", path=path, format="jsonl", gzipped=False, at=at)
    return Album.of(Dataset(name="d", at=at, files=(file,)))


def find(folder: Path, written: str) -> Image:
    return album(folder).find(written, "data/rows.jsonl")


def about(*images: Image) -> Request:
    messages = (Message("user", "first"), Message("user", "which?", images))
    return question(messages=messages)


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_a_format_is_told_by_the_first_bytes(beginning: bytes) -> None:
    assert media_of(beginning) == BEGINNINGS[beginning]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [("a.png", ("a.png",)), (" a.png ", ("a.png",)), ("", ()), (None, ()), (["a", None, ["b"]], ("a", "b"))],
)
def test_a_cell_names_one_image_several_or_none(cell: object, expected: tuple[str, ...]) -> None:
    assert named_in(cell) == expected


def test_a_path_starts_from_the_folder_of_the_data_file_and_may_reach_the_specs(tmp_path: Path) -> None:
    folder = album(tmp_path).otherwise
    (folder / "data" / "a.png").write_bytes(PNG)
    (folder / "b.png").write_bytes(PNG)
    assert find(tmp_path, "a.png").media == "image/png"
    assert find(tmp_path, "../b.png").media == "image/png"
    assert find(tmp_path, str(folder / "b.png")).sha256 == find(tmp_path, "a.png").sha256
    with pytest.raises(NoImage, match="no such file"):
        find(tmp_path, "b.png")


def test_data_elsewhere_may_have_its_images_beside_it(tmp_path: Path) -> None:
    (tmp_path / "spec").mkdir()
    (tmp_path / "far").mkdir()
    (tmp_path / "spec" / "data").symlink_to(tmp_path / "far")
    (tmp_path / "far" / "a.png").write_bytes(PNG)
    (tmp_path / "secret.png").write_bytes(PNG)
    assert find(tmp_path / "spec", "a.png").file == (tmp_path / "far" / "a.png").resolve()
    with pytest.raises(NoImage, match="outside"):
        find(tmp_path / "spec", "../secret.png")


def test_looking_reads_the_beginning_only(tmp_path: Path) -> None:
    held = album(tmp_path)
    large = tmp_path / "data" / "large.png"
    with large.open("wb") as file:
        file.write(PNG)
        file.truncate(19 * 1024 * 1024)
    assert held.look("large.png", "data/rows.jsonl").sha256 == ""


def test_links_in_a_circle_are_no_image(tmp_path: Path) -> None:
    held = album(tmp_path)
    (tmp_path / "data" / "a.png").symlink_to(tmp_path / "data" / "b.png")
    (tmp_path / "data" / "b.png").symlink_to(tmp_path / "data" / "a.png")
    with pytest.raises(NoImage):
        held.look("a.png", "data/rows.jsonl")


def test_a_key_is_made_of_contents_and_not_of_names(tmp_path: Path) -> None:
    held = album(tmp_path)
    for name, content in (("a.png", PNG), ("b.png", PNG), ("c.png", PNG + b"c")):
        (tmp_path / "data" / name).write_bytes(content)
    use = hosted("http://127.0.0.1:9/v1")
    url = completions_url(use, {}) or ""
    written_out = "data:image/png;base64," + base64.b64encode(PNG).decode()

    def key(*written: str) -> str:
        return request_key(url, WIRE, use, about(*(held.find(w, "data/rows.jsonl") for w in written)))

    assert key("a.png") == key("b.png") == key(written_out)
    assert len({key("a.png"), key("c.png"), key("a.png", "c.png"), key("c.png", "a.png"), key()}) == 5
    assert key("https://example.org/a.png") != key("https://example.org/b.png")


async def test_the_openai_protocol_has_a_list_of_parts(tmp_path: Path) -> None:
    held = album(tmp_path)
    (tmp_path / "data" / "a.png").write_bytes(PNG)
    request = about(held.find("a.png", "data/rows.jsonl"), Image("u", url="https://example.org/a.png"))
    with servers.chat_server() as server:
        answered(await ask_once(hosted(server.url), request))
        (body,) = server.bodies
    assert body["messages"] == wire()
    assert request_body(hosted(server.url), request)["messages"] == wire()


def wire() -> list[dict[str, Any]]:
    inside = "data:image/png;base64," + base64.b64encode(PNG).decode()
    urls = (inside, "https://example.org/a.png")
    parts = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    return [
        {"role": "user", "content": "first"},
        {"role": "user", "content": [{"type": "text", "text": "which?"}, *parts]},
    ]


async def test_litellm_sends_the_same_form(tmp_path: Path) -> None:
    held = album(tmp_path)
    (tmp_path / "data" / "a.png").write_bytes(PNG)
    request = about(held.find("a.png", "data/rows.jsonl"), Image("u", url="https://example.org/a.png"))
    with servers.chat_server() as server:
        use = hosted(server.url, route="hosted_vllm/m", direct=False)
        answered(await ask_once(use, request))
        (body,) = server.bodies
    assert body["messages"] == wire()


@pytest.mark.parametrize("change", ["other", "gone"])
async def test_an_image_that_changed_meanwhile_is_not_sent_under_the_old_key(
    tmp_path: Path, change: str
) -> None:
    held = album(tmp_path)
    path = tmp_path / "data" / "a.png"
    path.write_bytes(PNG)
    request = about(held.find("a.png", "data/rows.jsonl"))
    path.write_bytes(PNG + b"!") if change == "other" else path.unlink()
    with servers.chat_server() as server:
        result: Failure = failed(await ask_once(hosted(server.url), request))
        assert server.bodies == []
    assert "a.png" in result.message
    assert result.kind.worth_retrying  # a failure that is not kept
