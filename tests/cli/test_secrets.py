"""Keys and headers out of the environment are sent, and stand nowhere: no store, file or message."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path

import servers
from cli.commands import Ended, evalspec
from cli.tickets import number_in, queue, write_job
from cli.tickets import spec as routing

KEY = "sk-live-Qx7+very/secret=0123456789"
TENANT = "tenant-9f8e7d6c5b4a"
ENVIRONMENT = {"SHOP_KEY": KEY, "SHOP_TENANT": f"Basic {TENANT}"}


@dataclass(frozen=True, slots=True)
class Job:
    folder: Path
    commands: dict[str, Ended]
    headers: list[dict[str, str]]


def prepare(folder: Path) -> Job:
    """The commands, run."""

    def reply(body: servers.Body) -> str:
        return f"{queue(number_in(body))} {KEY} {TENANT}"  # a server that repeats what it was told

    def fault(number: int, body: servers.Body) -> servers.Fault | None:
        if number_in(body) == 3:
            return servers.Refuse(status=400, body=servers.error_body(f"key {KEY} of {TENANT} may not"))
        if number_in(body) == 4 and number < 30:
            return servers.Refuse(status=500, body=f"{KEY} {TENANT}", headers={"retry-after-ms": "1"})
        return None

    with servers.chat_server(reply, fault=fault) as server:
        provider = f"""provider shop {{
          base_url = "{server.url}"
          api_key = env("SHOP_KEY")
          headers {{ "X-Tenant" = env("SHOP_TENANT") }}
        }}
        model mini {{ use = "mini"; provider = shop }}
        """
        write_job(folder, 12, routing(provider))
        flags = {
            "run": ["run", "route.eval", "-v", "-o", "r.json", "-o", "r.md", "-o", "r.csv"],
            "plan": ["plan", "route.eval", "--show", "2", "-o", "plan.json"],
            "score": ["score", "last", "--format", "json"],
            "show": ["show", "last", "-n", "12"],
        }
        ran = {name: evalspec(*given, at=folder, env=ENVIRONMENT) for name, given in flags.items()}
        return Job(folder, ran, [dict(arrival.headers) for arrival in server.requests])


def test_what_the_spec_names_is_sent(job: Job) -> None:
    assert len(job.headers) >= 12
    for headers in job.headers:
        assert headers["Authorization"] == f"Bearer {KEY}"
        assert headers["X-Tenant"] == f"Basic {TENANT}"


def test_no_file_holds_a_secret(job: Job) -> None:
    files = [file for file in job.folder.rglob("*") if file.is_file()]
    assert {"answers.sqlite3", "r.json", "r.md", "r.csv", "plan.json"} <= {file.name for file in files}
    found = [
        (file.name, secret)
        for file in files
        for secret in (KEY, TENANT)
        if any(form.encode() in file.read_bytes() for form in (secret, secret.replace("/", "\\/")))
    ]
    assert found == []
    store = (job.folder / ".evalspec" / "answers.sqlite3").read_bytes()
    assert b"ticket number 5" in store  # what was asked does stand there


def test_nothing_that_is_printed_holds_a_secret(job: Job) -> None:
    assert {name: ended.code for name, ended in job.commands.items()} == {
        "run": 3,
        "plan": 0,
        "score": 3,
        "show": 0,
    }
    for ended in job.commands.values():
        assert KEY not in ended.all
        assert TENANT not in ended.all
    assert "[secret]" in job.commands["run"].err
    assert "[secret]" in job.commands["show"].out


def test_the_store_is_for_its_owner_and_not_for_git(job: Job) -> None:
    folder = job.folder / ".evalspec"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert (folder / ".gitignore").read_text() == "*\n"
