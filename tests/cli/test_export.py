"""`evalspec export` as a user meets it: three forms, a policy to ship, and every way of asking wrongly."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import evalspec as library
from cli.commands import Ended, each, evalspec, lasting, results, surroundings

SPEC = """
dataset d { source = file("d.csv"); id = id; label = label in [a, b]; private = [secret] }
dataset open { source = file("d.csv"); id = id; label = label in [a, b] }
model one { use = recorded("one.jsonl") }
model mute { use = recorded("mute.jsonl") }
costs c { unit = "usd"; right = 0; wrong = 5; abstain = 2 }
task t { data = open; answer = one_of(label); costs = c; abstain = when_cheaper(recalibrated) }
task masked { data = d; models = [one]; answer = one_of(label) }
task free { data = open; models = [one]; answer = one_of(label) }
"""
AGAIN = SPEC.replace("one.jsonl", "out.jsonl").replace("mute.jsonl", "out.jsonl")
HOSTILE = '=HYPERLINK("http://evil.example")'


@dataclass(frozen=True, slots=True)
class Job:
    """A folder with a run in it, and what asking for exports gave."""

    folder: Path
    got: dict[str, Ended]


ASKED: dict[str, list[object]] = {
    "jsonl": ["-o", "out.jsonl"],
    "csv": ["-o", "out.csv"],
    "shown": ["-o", "shown.csv", "--task", "masked", "--show-private"],
    "parquet": ["-o", "out.parquet", "--task", "t"],
    "policy": ["--policy", "one", "--task", "t", "-o", "policy.json"],
    "no file": [],
    "no such form": ["-o", "out.xlsx"],
    "answers as json": ["-o", "out.json"],
    "policy as csv": ["--policy", "one", "-o", "policy.csv"],
    "no folder": ["-o", "nowhere/out.csv"],
    "a folder": ["-o", "folder.csv"],
    "no task": ["-o", "x.csv", "--task", "tt"],
    "no candidate": ["--policy", "two", "-o", "x.json"],
    "several tasks": ["--policy", "one", "-o", "x.json"],
    "no confidence": ["--policy", "mute", "-o", "x.json"],
    "no costs": ["--policy", "one", "--task", "free", "-o", "x.json"],
}


def prepare(folder: Path) -> Job:
    """The run, and each export of it."""
    with (folder / "d.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "label", "secret"])
        rows.writerows([i, "ab"[i % 2], f"secret {i}"] for i in range(80))
    with (folder / "one.jsonl").open("w") as file:
        for i in range(80):
            label = "ab"[(i % 2) ^ (i % 8 < 2)]
            said = {"id": i, "response": label, "confidence": 0.9 if i % 4 < 2 else 0.95, "cost_usd": 0.001}
            file.write(json.dumps(said | {"note": HOSTILE, "long": 300 * "x", "latency_s": 0.25}) + "\n")
    (folder / "mute.jsonl").write_text(
        "".join(json.dumps({"id": i, "response": "a" if i else HOSTILE}) + "\n" for i in range(80))
    )
    (folder / "s.eval").write_text(SPEC)
    (folder / "again.eval").write_text(AGAIN)
    (folder / "folder.csv").mkdir()
    ran = evalspec("run", "s.eval", "-o", "r.json", at=folder)
    assert ran.code == 0, ran.err
    got = each(*(["export", "last", *flags] for flags in ASKED.values()), at=folder)
    return Job(folder, dict(zip(ASKED, got, strict=True)))


def test_what_is_exported_scores_the_same_when_it_is_read_back(job: Job) -> None:
    assert (job.got["jsonl"].code, job.got["jsonl"].out) == (0, "")
    assert job.got["jsonl"].err.startswith("out.jsonl: 320 answers")
    ran = evalspec("run", "again.eval", "-o", "again.json", "--store", "other", at=job.folder)
    assert ran.code == 0, ran.err
    one, other = (lasting(results(job.folder, name))["tasks"]["t"] for name in ("r.json", "again.json"))
    assert {k: v for k, v in one.items() if k != "candidates"} == {
        k: v for k, v in other.items() if k != "candidates"
    }
    for name, found in one["candidates"].items():
        assert found == other["candidates"][name]
    assert one["candidates"]["one"]["policy"]["cost_recalibrated"] is not None


def test_a_private_dataset_is_masked(job: Job) -> None:
    rows = [json.loads(line) for line in (job.folder / "out.jsonl").read_text().splitlines()]
    masked = [row for row in rows if row["task"] == "masked"]
    assert len(masked) == 80
    assert all("note" not in row and row["response"] in ("a", "b") for row in masked)
    assert "--show-private" in job.got["jsonl"].err
    shown = list(csv.DictReader(io.StringIO((job.folder / "shown.csv").read_text())))
    assert {row["note"] for row in shown} == {"'" + HOSTILE}
    assert "private" not in job.got["shown"].err


def test_no_cell_is_a_formula(job: Job) -> None:
    text = (job.folder / "out.csv").read_text()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 320
    assert rows[0]["answer"] == "b"
    assert rows[0]["right"] == "false"
    assert "'" + HOSTILE in {row["response"] for row in rows}
    cells = [cell for row in rows for cell in row.values() if cell]
    assert not [cell for cell in cells if cell[0] in "=+-@\t\r"]


def test_parquet_holds_columns_of_their_kinds(job: Job) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(job.folder / "out.parquet")
    assert table.num_rows == 160
    kinds = {name: str(table.schema.field(name).type) for name in ("id", "confidence", "right", "cost_usd")}
    assert kinds == {"id": "string", "confidence": "double", "right": "bool", "cost_usd": "double"}


def test_the_policy_ships(job: Job) -> None:
    assert job.got["policy"].code == 0, job.got["policy"].err
    policy = library.Policy.load(job.folder / "policy.json")
    assert policy.document["rule"] == "when_cheaper(recalibrated)"
    assert policy.document["threshold"] == 0.6
    assert (policy.document["n"], policy.document["wrong"], policy.document["unit"]) == (80, 20, "usd")
    # Of the answers at 90 % half are right, of those at 95 % all.
    assert (policy.decide(0.9).confidence, policy.decide(0.95).confidence) == (0.5, 1.0)
    assert [bool(policy.decide(c)) for c in (0.9, 0.95, None)] == [False, True, False]
    run = results(job.folder)["run"]
    assert (policy.document["run"], policy.document["spec_sha256"]) == (run["id"], run["spec_sha256"])


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("no file", "required: -o/--output"),
        ("no such form", "answers are written as .jsonl .csv .parquet"),
        ("answers as json", "answers are written as .jsonl .csv .parquet"),
        ("policy as csv", "a policy is written as .json"),
        ("no folder", "there is no folder nowhere"),
        ("a folder", "this is a folder"),
        ("no task", "did you mean `t`?"),
        ("no candidate", "there is no candidate `two`"),
        ("several tasks", "`--task` with one of: t, masked, free"),
        ("no confidence", "`mute` gives no confidence"),
        ("no costs", "`free` has no costs"),
    ],
)
def test_what_is_asked_wrongly_is_told(job: Job, asked: str, said: str) -> None:
    assert job.got[asked].code == 2
    assert said in job.got[asked].err
    assert job.got[asked].out == ""


LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))  # room for what SQLite writes beside the store
from evalspec.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def test_a_file_is_written_whole_or_not_at_all(job: Job) -> None:
    (job.folder / "kept.csv").write_text("as it was")
    ended = subprocess.run(
        [sys.executable, "-c", LIMITED, "export", "last", "-o", "kept.csv"],
        cwd=job.folder, env=surroundings(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 4, ended.stderr
    assert "kept.csv cannot be written" in ended.stderr
    assert (job.folder / "kept.csv").read_text() == "as it was"
    assert not [p for p in job.folder.iterdir() if p.name.startswith(".kept")]
