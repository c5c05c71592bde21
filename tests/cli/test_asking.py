"""What a server receives is what the spec says: variants, conversations, images, few-shot examples."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

import servers
from cli.commands import Ended, candidate, evalspec, outcomes, results
from cli.tickets import LABELS, model, number_in, queue, spec, write_job, write_tickets

RED = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
)
Messages = list[dict[str, object]]


def right(body: servers.Body) -> str:
    return queue(number_in(body))


def ran(folder: Path, text: str, *, reply: Callable[[servers.Body], str] = right, count: int = 4,
        arguments: Sequence[str] = ()) -> tuple[Ended, list[servers.Body]]:  # fmt: skip
    """A run of a spec in which `URL` stands for the server, and the bodies that the server received."""
    with servers.chat_server(reply) as server:
        write_job(folder, count, text.replace("URL", server.url))
        ended = evalspec("run", "route.eval", "-o", "r.json", *arguments, at=folder)
        return ended, server.bodies


def contents(bodies: Sequence[servers.Body]) -> set[str]:
    return {str(body["messages"][-1]["content"]) for body in bodies}


# ── prompts and their variants ────────────────────────────────────────────────────────────────────

VARIANTS = """
dataset tickets { source = file("tickets.csv"); id = id; label = queue in [billing, bug, abuse, other] }
dataset learn { source = file("learn.csv"); label = queue }
prompt brief { text = "{{ body }} {{ labels | join }}" }
model mini { use = "openai/mini"; base_url = "URL" }
model haiku { use = "openai/haiku"; base_url = "URL"; concurrency = 1 }
model base { use = baseline("majority", train = learn) }
task route {
  data = tickets
  system = "Be {{ 'calm' }}."
  prompts { short = brief; long = "Please: {{ body }} {{ labels }}" }
  answer = one_of(queue)
  rank = accuracy
}
limits { concurrency <= 4; requests(mini) <= 1000/s }
"""


def with_training(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "learn.csv").write_text("body,queue\nhello,bug\nhi,bug\nho,other\n")
    return folder


def only_the_long_one_is_right(body: servers.Body) -> str:
    long = str(body["messages"][-1]["content"]).startswith("Please")
    return queue(number_in(body)) if long else "no idea"


def test_each_variant_is_a_candidate_of_its_own(tmp_path: Path) -> None:
    ended, bodies = ran(with_training(tmp_path), VARIANTS, reply=only_the_long_one_is_right)
    assert ended.code == 0, ended.err
    found = results(tmp_path)["tasks"]["route"]
    assert set(found["candidates"]) == {"mini/short", "mini/long", "haiku/short", "haiku/long", "base"}
    told = {name: (c["model"], c["prompt"]) for name, c in found["candidates"].items()}
    assert told["mini/short"] == ("mini", "short")
    assert told["base"] == ("base", None)
    accuracy = {n: c["metrics"]["accuracy"]["value"] for n, c in found["candidates"].items()}
    assert accuracy["mini/long"] == accuracy["haiku/long"] == 1
    assert accuracy["mini/short"] == 0
    assert "mini/long" in ended.out
    assert len(bodies) == 4 * 2 * 2
    assert {body["messages"][0]["content"] for body in bodies} == {"Be calm."}
    assert "ticket number 1 of many billingbugabuseother" in contents(bodies)
    again = evalspec("run", "route.eval", "-o", "again.json", at=tmp_path)
    assert json.loads((tmp_path / "again.json").read_text())["run"]["requests"]["sent"] == 0, again.err
    shown = evalspec("show", "last", "--candidate", "mini/long", "-n", "1", at=tmp_path)
    assert "Please: ticket number 0" in shown.out
    assert evalspec("score", "last", at=tmp_path).out == ended.out


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ("mini", {"mini/short", "mini/long"}),
        ("mini/short", {"mini/short"}),
        ("base,haiku/long", {"base", "haiku/long"}),
    ],
)
def test_models_selects_all_variants_or_one(tmp_path: Path, chosen: str, expected: set[str]) -> None:
    ended, bodies = ran(with_training(tmp_path), VARIANTS, arguments=("--models", chosen))
    assert ended.code in (0, 3), ended.err
    assert set(results(tmp_path)["tasks"]["route"]["candidates"]) == expected
    assert len(bodies) == 4 * sum("/" in name for name in expected)


def test_a_variant_that_there_is_not_cannot_be_selected(tmp_path: Path) -> None:
    write_job(with_training(tmp_path), 4, VARIANTS.replace("URL", "http://127.0.0.1:9/v1"))
    ended = evalspec("run", "route.eval", "--models", "mini/medium", at=tmp_path)
    assert ended.code == 2
    assert "mini/short" in ended.err


def test_recorded_answers_are_told_apart_by_their_prompt(tmp_path: Path) -> None:
    write_tickets(tmp_path, 4)
    rows = [
        {"id": f"t{i}", "prompt": prompt, "response": queue(i) if prompt == "long" else "bug"}
        for i in range(4)
        for prompt in ("short", "long", "forgotten")
    ]
    (tmp_path / "m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "route.eval").write_text(
        spec('model before { use = recorded("m.jsonl") }').replace(
            "prompt = \"Queue? {{ labels | join(', ') }} {{ body }}\"",
            'prompts { short = "{{ body }} {{ labels }}"; long = "So: {{ body }} {{ labels }}" }',
        )
    )
    ended = evalspec("run", "route.eval", "-o", "r.json", at=tmp_path)
    assert ended.code == 0, ended.err
    assert "4 of other prompts" in evalspec("check", "route.eval", at=tmp_path).err
    found = results(tmp_path)
    assert candidate(found, "before/long")["metrics"]["accuracy"]["value"] == 1
    assert candidate(found, "before/short")["metrics"]["accuracy"]["value"] == 0.25


def test_a_task_without_variants_reads_recorded_rows_whatever_prompt_they_name(tmp_path: Path) -> None:
    write_tickets(tmp_path, 4)
    rows = [{"id": f"t{i}", "prompt": f"Route number {i}", "response": queue(i)} for i in range(4)]
    (tmp_path / "m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "route.eval").write_text(spec('model before { use = recorded("m.jsonl") }'))
    assert evalspec("run", "route.eval", "-o", "r.json", at=tmp_path).code == 0
    assert candidate(results(tmp_path), "before")["metrics"]["accuracy"]["value"] == 1


def test_in_a_chain_a_variant_applies_to_every_step_that_has_it(tmp_path: Path) -> None:
    text = """
dataset tickets { source = file("tickets.csv"); id = id; label = queue in [billing, bug, abuse, other] }
model mini { use = "openai/mini"; base_url = "URL" }
chain route {
  data = tickets
  step gist { prompts { a = "gist A {{ body }}"; b = "gist B {{ body }}" }; answer = text }
  step check { prompt = "check {{ gist }}"; answer = text }
  step pick { prompts { b = "pick B {{ check }} {{ labels }}"; a = "pick A {{ check }} {{ labels }}" }
    answer = one_of(queue) }
  rank = end_to_end
}
"""

    def reply(body: servers.Body) -> str:
        return "bug" if servers.prompt_of(body).startswith("pick") else servers.prompt_of(body)

    ended, bodies = ran(tmp_path, text, reply=reply, count=1)
    assert ended.code == 0, ended.err
    assert contents(bodies) == {
        text
        for v in "AB"
        for first in [f"gist {v} ticket number 0 of many"]
        for text in (first, f"check {first}", f"pick {v} check {first} {list(LABELS)}")
    }


# ── conversations ─────────────────────────────────────────────────────────────────────────────────


def asking(how: str, *, models: str = 'model mini { use = "openai/mini"; base_url = "URL" }') -> str:
    """A spec over the tickets that asks in some way."""
    return f"""
dataset tickets {{ source = file("tickets.csv"); id = id; label = queue in [billing, bug, abuse, other] }}
{models}
task route {{ data = tickets; answer = one_of(queue); rank = accuracy
{how}
}}
"""


def test_a_conversation_keeps_its_roles_in_order(tmp_path: Path) -> None:
    text = asking(
        'messages { system = "Calm."; user = "Ready for {{ labels | length }}?"; assistant = "Yes."'
        '; user = "{{ body }}" }'
    )
    _, bodies = ran(tmp_path, text, count=1)
    assert [body["messages"] for body in bodies] == [
        [
            {"role": "system", "content": "Calm."},
            {"role": "user", "content": "Ready for 4?"},
            {"role": "assistant", "content": "Yes."},
            {"role": "user", "content": "ticket number 0 of many"},
        ]
    ]


def test_a_column_of_conversations_is_sent_as_it_stands(tmp_path: Path) -> None:
    talk = [
        {"role": "developer", "content": "Be {{ calm }}."},
        {"role": "user", "content": "{% for x in y %}"},
        {"role": "assistant", "content": "?"},
        {"role": "user", "content": "ticket number 1 é"},
    ]
    (tmp_path / "talks.jsonl").write_text(json.dumps({"id": 1, "talk": talk, "queue": "bug"}) + "\n")
    text = asking("messages = talk; confidence = stated").replace("tickets.csv", "talks.jsonl")
    ended, bodies = ran(tmp_path, text)
    assert ended.code == 0, ended.err
    *before, last = bodies[0]["messages"]
    assert before == talk[:-1]
    assert last["content"].startswith("ticket number 1 é\n\n")  # the confidence is asked for behind it


# ── images ────────────────────────────────────────────────────────────────────────────────────────


def with_images(folder: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    """`data/tickets.jsonl` with rows, and `data/img/red.png`."""
    (folder / "data" / "img").mkdir(parents=True)
    (folder / "data" / "img" / "red.png").write_bytes(RED)
    filled = [{"id": i, "queue": "bug", **row} for i, row in enumerate(rows)]
    (folder / "data" / "tickets.jsonl").write_text("".join(json.dumps(row) + "\n" for row in filled))
    return folder


def of_images(column: str = "picture", more: str = "") -> str:
    how = f'system = "Look."; prompt = "ticket number 1 {{{{ labels }}}}"; images = [{column}] {more}'
    return asking(how).replace("tickets.csv", "data/tickets.jsonl")


def address(content: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(content).decode()


def image(url: str) -> dict[str, object]:
    return {"type": "image_url", "image_url": {"url": url}}


def test_images_stand_beside_the_last_message(tmp_path: Path) -> None:
    web = "https://example.org/a.png?x=1"
    folder = with_images(tmp_path, [{"picture": ["img/red.png", web, address(RED)]}])
    ended, bodies = ran(folder, of_images())
    assert ended.code == 0, ended.err
    system, user = bodies[0]["messages"]
    assert system == {"role": "system", "content": "Look."}
    text, *parts = user["content"]
    assert text == {"type": "text", "text": f"ticket number 1 {list(LABELS)}"}
    assert parts == [image(address(RED)), image(web), image(address(RED))]


def test_an_image_is_known_by_its_content(tmp_path: Path) -> None:
    """The same picture under another name, or written out, asks nothing again; another picture does."""
    folder = with_images(tmp_path, [{"picture": "img/red.png"}])
    with servers.chat_server(right) as server:
        (folder / "route.eval").write_text(of_images().replace("URL", server.url))

        def asked(picture: str) -> int:
            row = {"id": 0, "queue": "bug", "picture": picture}
            (folder / "data" / "tickets.jsonl").write_text(json.dumps(row) + "\n")
            before = len(server.requests)
            assert evalspec("run", "route.eval", at=folder).code == 0
            return len(server.requests) - before

        (folder / "data" / "same.png").write_bytes(RED)
        (folder / "data" / "other.png").write_bytes(RED + b"\0")
        assert [asked(p) for p in ("img/red.png", "same.png", address(RED), "other.png")] == [1, 0, 0, 1]


def test_a_row_without_an_image_is_asked_without_one(tmp_path: Path) -> None:
    folder = with_images(tmp_path, [{"picture": "img/red.png"}, {"picture": None}])
    _, bodies = ran(folder, of_images())
    kinds = sorted(type(body["messages"][-1]["content"]).__name__ for body in bodies)
    assert kinds == ["list", "str"]


@pytest.mark.parametrize(
    ("picture", "why"),
    [
        ("img/none.png", "there is no such file"),
        ("tickets.jsonl", "no png, jpeg, gif or webp"),
        ("/etc/passwd", "outside the folders"),
        ("../" * 20 + "etc/passwd", "outside the folders"),
        ("link.png", "outside the folders"),
        ("img", "this is no file"),
        ("pipe", "this is no file"),
        ("big.png", "larger than 20 MB"),
        ("file:///etc/passwd", "only http(s)"),
        ("img/red\0.png", "cannot be read"),
        ("x" * 5000, "cannot be read"),
        ("data:text/plain;base64,AAAA", "data:image/png;base64"),
        ("data:image/png;base64,QUJDRA==", "holds no png"),
    ],
)
def test_nothing_but_images_of_the_data_is_sent(tmp_path: Path, picture: str, why: str) -> None:
    outside = tmp_path / "outside.png"
    outside.write_bytes(RED)
    folder = with_images(tmp_path / "job", [{"picture": "img/red.png"}, {"picture": picture}])
    (folder / "data" / "link.png").symlink_to(outside)
    os.mkfifo(folder / "data" / "pipe")
    with (folder / "data" / "big.png").open("wb") as big:
        big.write(RED)
        big.truncate(21 * 1024 * 1024)
    ended, bodies = ran(folder, of_images())
    assert (ended.code, bodies) == (1, [])
    assert "E0515" in ended.err
    assert "data/tickets.jsonl:2:1" in ended.err
    assert why in " ".join(ended.err.split())


# ── few-shot examples ─────────────────────────────────────────────────────────────────────────────


def with_shots(
    how: str, template: str = "{% for s in shots %}[{{ s.text }}={{ s.label }}]{% endfor %}"
) -> str:
    learn = 'dataset learn { source = file("shots.csv"); label = queue; derive { text = upper(body) } }\n'
    return learn + asking(f'prompt = "{template} {{{{ labels }}}} {{{{ body }}}}"; shots = {how}')


def write_shots(folder: Path, count: int = 9) -> Path:
    rows = [f"example {i},{LABELS[i % 3]},{'es' if i % 2 else 'en'}" for i in range(count)]
    (folder / "shots.csv").write_text("\n".join(["body,queue,lang", *rows]) + "\n")
    return folder


def shown(bodies: Sequence[servers.Body]) -> set[str]:
    return {text.partition(" ['")[0] for text in contents(bodies)}


def test_the_first_rows_are_shown_in_their_order(tmp_path: Path) -> None:
    _, bodies = ran(write_shots(tmp_path), with_shots("first(3, of = learn)"), count=2)
    assert shown(bodies) == {"[EXAMPLE 0=billing][EXAMPLE 1=bug][EXAMPLE 2=abuse]"}


def test_random_rows_depend_on_the_seed_and_nothing_else(tmp_path: Path) -> None:
    def drawn(seed: int, name: str, rows: int = 2) -> str:
        folder = tmp_path / name
        folder.mkdir()
        _, bodies = ran(write_shots(folder), with_shots(f"random(3, of = learn, seed = {seed})"), count=rows)
        (text,) = shown(bodies)
        return text

    first = drawn(7, "a")
    assert first == drawn(7, "b", rows=4)
    assert first != drawn(8, "c")
    assert first.count("EXAMPLE") == 3


def test_shots_are_drawn_among_rows_equal_to_the_example(tmp_path: Path) -> None:
    text = with_shots("first(2, of = learn, by = lang)", "{% for s in shots %}{{ s.lang }}{% endfor %}")
    (tmp_path / "tickets.csv").write_text(
        "id,body,queue,lang\n1,ticket number 1 x,bug,es\n2,ticket number 2 x,abuse,en\n"
        "3,ticket number 3 x,bug,fr\n"
    )
    with servers.chat_server(right) as server:
        (write_shots(tmp_path) / "route.eval").write_text(text.replace("URL", server.url))
        ended = evalspec("run", "route.eval", at=tmp_path)
        first = {number_in(body): servers.prompt_of(body).split()[0] for body in server.bodies}
    assert (first[1], first[2]) == ("eses", "enen")
    assert "W0517" in ended.err
    assert "0 rows with lang `fr` for 2 shots" in ended.err


def test_changed_shots_are_noticed_when_a_run_is_scored_again(tmp_path: Path) -> None:
    ran(write_shots(tmp_path), with_shots("first(3, of = learn)"))
    write_shots(tmp_path, count=8)
    ended = evalspec("score", "last", at=tmp_path)
    assert ended.code == 1
    assert "the data are not those of this run" in ended.err


# ── conditions ────────────────────────────────────────────────────────────────────────────────────

WHEN = """
dataset tickets { source = file("tickets.csv"); id = id; label = queue in [billing, bug, abuse, other] }
model mini { use = "openai/mini"; base_url = "URL" }
chain route {
  data = tickets
  step quick { prompt = "quick {{ body }} {{ labels }}"; answer = one_of(queue); confidence = stated
    gold = queue }
  step slow { prompt = "slow {{ body }} {{ labels }}"; answer = one_of(queue)
    when = quick.confidence < 80% }
  rank = end_to_end
}
"""


def unsure_of_odd_ones(body: servers.Body) -> str:
    """Wrong on 2 and sure of it; wrong on odd ones and unsure, which the second step mends but for 3."""
    number = number_in(body)
    if "slow" in servers.prompt_of(body):
        return queue(number) if number != 3 else "nothing at all"
    if number % 2:
        return f"{queue(number + 1)}\nConfidence: 40%"
    return f"{queue(number + (number == 2))}\nConfidence: 95%"


def test_a_step_runs_where_its_condition_holds_and_the_last_that_ran_answers(tmp_path: Path) -> None:
    ended, bodies = ran(tmp_path, WHEN, reply=unsure_of_odd_ones, count=8)
    assert ended.code == 0, ended.err
    slow = {number_in(body) for body in bodies if "slow" in servers.prompt_of(body)}
    assert slow == {1, 3, 5, 7}
    assert len(bodies) == 8 + 4
    found = candidate(results(tmp_path), task="route")
    assert found["metrics"]["end_to_end"]["value"] == pytest.approx(6 / 8)
    assert outcomes(results(tmp_path)) == {"answered": 7, "no_answer": 1}
    quick, slow_step = found["steps"]["quick"], found["steps"]["slow"]
    assert (quick["free"]["accuracy"]["n"], quick["free"]["accuracy"]["value"]) == (8, pytest.approx(3 / 8))
    assert (slow_step["free"]["accuracy"]["n"], slow_step["free"]["accuracy"]["value"]) == (4, 0.75)
    again = evalspec("score", "last", at=tmp_path)
    assert again.out == ended.out


def test_plan_counts_what_depends_on_answers(tmp_path: Path) -> None:
    write_job(tmp_path, 8, WHEN.replace("URL", "http://127.0.0.1:9/v1"))
    planned = evalspec("plan", "route.eval", at=tmp_path)
    assert planned.code == 0, planned.err
    row = next(line.split() for line in planned.out.splitlines() if line.startswith("mini"))
    assert row[1] == "8"
    assert "at most 8" in planned.out


@pytest.mark.parametrize(
    ("how", "factor"),
    [("perturb = [lowercase, typos(10%)]", 3), ("samples = 2; perturb = lowercase", 4)],
)
def test_what_run_cannot_do_yet_is_planned_and_refused(tmp_path: Path, how: str, factor: int) -> None:
    write_job(tmp_path, 8, spec(model("http://127.0.0.1:9/v1"), task=how))
    assert evalspec("check", "route.eval", at=tmp_path).code == 0
    planned = evalspec("plan", "route.eval", at=tmp_path)
    row = next(line.split() for line in planned.out.splitlines() if line.startswith("mini"))
    assert row[1] == str(8 * factor)
    ended = evalspec("run", "route.eval", at=tmp_path)
    assert ended.code == 1
    assert "E0710" in ended.err
