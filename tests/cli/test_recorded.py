"""Recorded answers: nothing is sent or kept, and what is missing in the record is told."""

from __future__ import annotations

import json
from pathlib import Path

from cli.commands import each, evalspec, lasting, outcomes, results
from cli.tickets import queue, spec, write_job

COUNT = 30
RECORDED = 25


def test_missing_records_leave_a_run_incomplete_and_a_folder_away_finds_it(tmp_path: Path) -> None:
    folder = write_job(tmp_path, COUNT, spec('model old { use = recorded("old.jsonl") }'))
    rows = [{"id": f"t{number}", "response": queue(number), "model": "old"} for number in range(RECORDED)]
    rows.append({"id": "t29", "response": "bug", "model": "another"})
    (folder / "old.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    away = folder / "some" / "where"
    away.mkdir(parents=True)
    first = evalspec("run", "../../route.eval", "-o", "r.json", at=away)
    assert first.code == 4
    assert outcomes(results(away), "old") == {"answered": RECORDED, "not_asked": COUNT - RECORDED}
    assert results(away)["run"]["requests"] == {
        "planned": 0,
        "sent": 0,
        "retried": 0,
        "from_store": 0,
        "failed": 0,
        "spent_usd": None,
    }
    # The command that is offered finds the store from where it is offered.
    look = next(line for line in first.err.splitlines() if line.startswith("look closer: evalspec "))
    shown, scored = each(
        look.split()[3:], ["score", "r.json", "--store", "../../.evalspec", "-o", "scored.json"], at=away
    )
    assert (shown.code, shown.err) == (2, "no example fits\n")
    assert scored.code == 4
    assert lasting(results(away, "scored.json")) == lasting(results(away))

    with (folder / "old.jsonl").open("a") as file:
        file.writelines(
            json.dumps({"id": f"t{n}", "response": queue(n)}) + "\n" for n in range(RECORDED, COUNT)
        )
    assert evalspec("run", "../../route.eval", "-o", "r.json", at=away).code == 0
    assert outcomes(results(away), "old") == {"answered": COUNT}
