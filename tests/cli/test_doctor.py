"""`evalspec doctor` says what a machine can do, by trying, and sends nothing unless it is told to."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import servers
from cli.commands import evalspec
from cli.tickets import model, number_in, queue, spec, write_job

Found = dict[str, dict[str, Any]]


def doctor(folder: Path, *flags: object, code: int = 0, env: Mapping[str, str] | None = None) -> Found:
    """What it found, by area and name."""
    ended = evalspec("doctor", *flags, "--format", "json", at=folder, env=env)
    assert ended.code == code, ended.all
    document = json.loads(ended.out)
    assert document["format"] == "evalspec.doctor/1"
    return {f"{found['area']}/{found['name']}": found for found in document["findings"]}


def test_a_sound_machine_has_nothing_in_the_way_and_keeps_no_trace(tmp_path: Path) -> None:
    found = doctor(tmp_path)
    assert found["store/commits"]["state"] == "ok"
    assert found["store/several processes"]["found"] == "see each other's claims"
    assert found["python/aiohttp"]["state"] == "ok"
    assert "providers/openai" in found
    assert not any(name.startswith("asked/") for name in found)
    assert list(tmp_path.iterdir()) == []
    told = evalspec("doctor", at=tmp_path)
    assert (told.code, told.out.splitlines()[-1]) == (0, "nothing is in the way")


def test_keys_and_passwords_are_never_shown(tmp_path: Path) -> None:
    env = {"OPENAI_API_KEY": "sk-very-secret-1", "HTTPS_PROXY": "http://ann:very-secret-2@proxy.example:8080",
           "NO_PROXY": "localhost"}  # fmt: skip
    told = evalspec("doctor", at=tmp_path, env=env)
    assert told.code == 0
    assert "very-secret" not in told.all
    assert "OPENAI_API_KEY is set" in told.out
    assert "http://***@proxy.example:8080" in told.out
    (tmp_path / "keys.env").write_text("ANTHROPIC_API_KEY=very-secret-3\n")
    told = evalspec("doctor", "--env-file", "keys.env", at=tmp_path)
    assert "ANTHROPIC_API_KEY is set" in told.out
    assert "very-secret" not in told.all


@pytest.mark.parametrize(
    ("env", "name"),
    [
        ({"SSL_CERT_FILE": "nowhere.pem"}, "network/certificates"),
        ({"HTTPS_PROXY": "socks5://127.0.0.1:1080"}, "network/https proxy"),
        ({"OPENAI_API_KEY": "sk-\x07bell"}, "providers/openai"),
    ],
)
def test_what_is_in_the_way_is_a_fault(tmp_path: Path, env: Mapping[str, str], name: str) -> None:
    found = doctor(tmp_path, env=env, code=4)[name]
    assert found["state"] == "fault"
    assert found["help"]


def test_a_damaged_store_and_a_file_in_its_place_are_found(tmp_path: Path) -> None:
    with servers.chat_server(lambda body: queue(number_in(body))) as server:
        folder = write_job(tmp_path, 300, spec(model(server.url)))
        assert evalspec("run", "route.eval", at=folder).code == 0
    assert "300 answers and 1 run in" in doctor(folder)["store/answers"]["found"]
    file = folder / ".evalspec" / "answers.sqlite3"
    data = bytearray(file.read_bytes())
    data[8192 : len(data) - 4096] = b"\xff" * (len(data) - 8192 - 4096)
    file.write_bytes(data)
    damaged = doctor(folder, code=4)["store/answers"]
    assert (damaged["state"], "damaged" in damaged["found"]) == ("fault", True)
    (tmp_path / "file").write_text("")
    assert evalspec("doctor", "--store", "file", at=tmp_path).code == 4


def test_asking_is_told_of_each_candidate_and_nothing_is_kept(tmp_path: Path) -> None:
    def fault(number: int, body: servers.Body) -> servers.Fault | None:
        return servers.unauthorized() if body["model"] == "shut" else None

    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{nobody.getsockname()[1]}/v1"
        with servers.chat_server(lambda body: queue(number_in(body)), fault=fault) as server:
            models = model(server.url) + model(server.url, "shut") + model(dead, "dead")
            folder = write_job(tmp_path, 20, spec(models))
            found = doctor(folder, "--ask", "route.eval", code=4)
            assert len(server.requests) == 2
    assert found["asked/mini"]["state"] == "ok"
    assert "as mini" in found["asked/mini"]["found"]
    assert "Incorrect API key" in found["asked/shut"]["found"]
    assert found["asked/dead"]["state"] == "fault"
    assert not (folder / ".evalspec").exists()


PRICED = "max_tokens = 4; price { input = $0.001; output = $0.002; per = 1 }"


def test_what_is_asked_is_under_a_cap_and_what_has_no_price_is_not_asked_then(tmp_path: Path) -> None:
    with servers.chat_server(lambda body: queue(number_in(body))) as server:
        models = model(server.url, "mini", PRICED) + model(server.url, "free")
        folder = write_job(tmp_path, 20, spec(models))
        found = doctor(folder, "--ask", "route.eval")
        assert found["asked/mini"]["found"].endswith(", for $0.013")
        assert found["asked/free"]["found"].endswith(", at a price that is not known")
        assert len(server.requests) == 2
        found = doctor(folder, "--ask", "route.eval", "--max-spend", "0.5", code=4)
        assert found["asked/mini"]["state"] == "ok"
        assert "not asked: nobody knows the price of `free`" in found["asked/free"]["found"]
        assert "price {" in found["asked/free"]["help"]
        assert len(server.requests) == 3
        short = doctor(folder, "--ask", "route.eval", "--max-spend", "0.01", code=4)["asked/mini"]
        assert "not asked: the money is spent: a request may cost" in short["found"]
        assert len(server.requests) == 3
    assert not (folder / ".evalspec").exists()


def test_no_more_than_a_dollar_is_spent_on_trying(tmp_path: Path) -> None:
    dear = "max_tokens = 4; price { input = $1; output = $2; per = 1 }"
    with servers.chat_server() as server:
        folder = write_job(tmp_path, 20, spec(model(server.url, "dear", dear)))
        found = doctor(folder, "--ask", "route.eval", code=4)["asked/dear"]
        assert "$1.00 of $1.00 is left (no more than that is spent on trying)" in found["found"]
        assert server.requests == []


def test_the_limit_of_the_spec_holds_too(tmp_path: Path) -> None:
    blocks = "limits { spend(mini) <= $0.05 }"
    with servers.chat_server() as server:
        models = model(server.url, "mini", PRICED) + model(server.url, "free")
        folder = write_job(tmp_path, 20, spec(models, blocks=blocks))
        found = doctor(folder, "--ask", "route.eval", code=4)
        assert "(limits { spend(mini) <= $0.05 })" in found["asked/mini"]["found"]
        assert found["asked/free"]["state"] == "ok"


def test_the_answer_of_asking_fits_on_a_screen(tmp_path: Path) -> None:
    with servers.chat_server(lambda body: queue(number_in(body))) as server:
        folder = write_job(tmp_path, 20, spec(model(server.url)))
        told = evalspec("doctor", "--ask", "route.eval", at=folder)
    assert told.code == 0
    lines = told.out.splitlines()
    assert len(lines) <= 12
    assert lines[0].startswith("python: ")
    assert lines[-3].startswith("  ok    mini  answered in ")
    assert lines[-1] == "nothing is in the way"


def test_a_dollar_amount_without_asking_is_a_usage_error(tmp_path: Path) -> None:
    assert evalspec("doctor", "--max-spend", "1", at=tmp_path).code == 2
    assert evalspec("doctor", "--ask", "x.eval", "--max-spend", "much", at=tmp_path).code == 2


def test_code_of_ones_own_is_not_run(tmp_path: Path) -> None:
    own = (
        "from pathlib import Path\nPath('was run').touch()\ndef f(row, prompt, messages, steps): return ''\n"
    )
    folder = write_job(tmp_path, 4, spec('model own { use = python("own.py:f") }'))
    (folder / "own.py").write_text(own)
    found = doctor(folder, "--ask", "route.eval")["asked/own"]
    assert (found["state"], found["found"]) == ("note", "code of your own, which is not run here")
    assert not (folder / "was run").exists()
