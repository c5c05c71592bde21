"""Functions of the user's own in worker processes: what they are given, and that none stops anything."""

from __future__ import annotations

import math
import os
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest

from evalspec.language.candidates import PythonFunction
from evalspec.models.baseline import Training
from evalspec.models.connect import connected, keyer
from evalspec.models.faults import CodeNotAllowed
from evalspec.models.model import Answer, Failure, FailureKind, Message, Request
from models.asking import answered, ask_once, candidate, connect, failed, question

pytestmark = pytest.mark.anyio


def function(folder: Path, body: str, **attributes: Any) -> PythonFunction:
    """`own.py` with `f` in it, whose body this is."""
    lines = "".join(f"    {line}\n" for line in body.strip().splitlines())
    (folder / "own.py").write_text(f"def f(row, prompt, messages, steps):\n{lines}")
    return PythonFunction(**{"file": folder / "own.py", "function": "f", **attributes})


async def said(use: PythonFunction, request: Request | None = None) -> Answer | Failure:
    with anyio.fail_after(30):
        return await ask_once(use, request, os.environ)


async def test_a_function_is_given_row_prompt_messages_and_earlier_answers(tmp_path: Path) -> None:
    use = function(tmp_path, "import json\nreturn json.dumps([row, prompt, messages, steps])")
    messages = (Message("system", "s"), Message("user", "which?"))
    request = question(messages=messages, columns={"n": 1, "x": None}, earlier={"first": ["a"]})
    assert answered(await said(use, request)).response == (
        '[{"n": 1, "x": null}, "which?", [{"role": "system", "content": "s"}, '
        '{"role": "user", "content": "which?"}], {"first": ["a"]}]'
    )


async def test_it_may_tell_more_than_a_text(tmp_path: Path) -> None:
    use = function(
        tmp_path,
        "return {'response': 'bug', 'confidence': 0.75, 'label_probabilities': {'bug': 0.75, 'other': 0},"
        " 'input_tokens': 7, 'output_tokens': 2, 'cost_usd': 0.001}",
    )
    answer = answered(await said(use))
    assert (answer.response, answer.confidence) == ("bug", 0.75)
    assert answer.label_logprobs == {"bug": math.log(0.75), "other": math.log(1e-12)}
    assert (answer.input_tokens, answer.output_tokens, answer.cost_usd) == (7, 2, Decimal("0.001"))
    assert answer.latency_ns is not None


async def test_it_may_be_async(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "import asyncio\nasync def f(row, prompt, messages, steps):\n"
        "    await asyncio.sleep(0.01)\n    return prompt\n"
    )
    assert answered(await said(PythonFunction(file=tmp_path / "own.py", function="f"))).response == "hello"


async def test_it_finds_the_modules_beside_it_and_none_of_ours(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("NAME = 'beside'\n")
    use = function(
        tmp_path,
        "import beside, importlib.util\nreturn beside.NAME + str(importlib.util.find_spec('sessions'))",
    )
    assert answered(await said(use)).response == "besideNone"


async def test_what_it_prints_is_no_answer(tmp_path: Path) -> None:
    use = function(
        tmp_path,
        "import os, sys\nprint('{}')\nos.write(1, b'noise\\n')\nprint('x', file=sys.stderr)\n"
        "return 'ok' + sys.stdin.read()",
    )
    assert answered(await said(use)).response == "ok"


INTO_OUR_PIPE = """
import os
for d in range(3, 9):
  try: os.write(d, b'[1]\\n')
  except OSError: pass
return 'x'
"""


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("raise ValueError('no\\n\\x1b[31mthing')", "own.py:f raises ValueError: no \\x1b[31mthing (line 2)"),
        ("raise SystemExit(3)", "own.py:f raises SystemExit: 3 (line 2)"),
        ("raise KeyboardInterrupt", "own.py:f raises KeyboardInterrupt (line 2)"),
        ("return f(row, prompt, messages, steps)", "own.py:f raises RecursionError: maximum recursion"),
        ("import os\nos._exit(3)", "own.py:f: the worker process ended by itself, with exit code 3"),
        ("import os\nos.kill(os.getpid(), 11)", "own.py:f: the worker process was ended by SIGSEGV"),
        ("return None", "own.py:f returns nothing: it has to be a text, or a dict with `response`"),
        ("return 3", "own.py:f returns a number: it has to be"),
        ("return {'response': 3}", "own.py:f returns a number as `response`: it has to be a text"),
        ("return {'response': 'x', 'confidence': 2}", "own.py:f returns `confidence = 2`: it has to be a"),
        ("return {'response': 'x', 'cost': 2}", "own.py:f returns the unknown field `cost`; known: resp"),
        ("return {1, 2}", "own.py:f returns what is no JSON: "),
        ("return 'x' * 9_000_000", "own.py:f returns more than 8 MB"),
        (INTO_OUR_PIPE, "own.py:f: the worker process said what is no answer"),
    ],
)
async def test_whatever_goes_wrong_is_the_failure_of_one_request(
    tmp_path: Path, body: str, message: str
) -> None:
    failure = failed(await said(function(tmp_path, body)))
    assert failure.kind is FailureKind.REJECTED
    assert failure.message.startswith(message)


async def test_the_next_request_is_answered_after_a_crash_and_an_endless_loop(tmp_path: Path) -> None:
    body = """
import os
if prompt == 'crash': os._exit(1)
while prompt == 'loop': pass
return str(os.getpid())
"""
    use = function(tmp_path, body, timeout_ns=500_000_000, concurrency=1)
    async with connect(candidate(use), environment=os.environ) as models:
        model = models["mini"]
        pids = [answered(await model.ask(question("ok"))).response for _ in range(3)]
        assert len(set(pids)) == 1, "a worker is used again"
        assert failed(await model.ask(question("crash"))).kind is FailureKind.REJECTED
        after = answered(await model.ask(question("ok"))).response
        late = failed(await model.ask(question("loop")))
        assert (late.kind, late.message) == (
            FailureKind.TIMEOUT,
            "own.py:f: no answer within the timeout of 0.5 s",
        )
        last = answered(await model.ask(question("ok"))).response
    assert len({pids[0], after, last}) == 3
    assert not any(is_running(int(pid)) for pid in (pids[0], after, last)), "no worker is left behind"


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_what_a_killed_worker_started_is_ended_too(tmp_path: Path) -> None:
    body = f"""
import subprocess, time
open({str(tmp_path / "pid")!r}, 'w').write(str(subprocess.Popen(['sleep', '600']).pid))
time.sleep(600)
"""
    use = function(tmp_path, body, timeout_ns=1_500_000_000)
    assert failed(await said(use)).kind is FailureKind.TIMEOUT
    pid = int((tmp_path / "pid").read_text())
    until = time.monotonic() + 20
    while is_running(pid) and not is_dead(pid) and time.monotonic() < until:
        await anyio.sleep(0.01)
    assert not is_running(pid) or is_dead(pid)


def is_dead(pid: int) -> bool:
    """A process that has ended and that nobody has taken note of yet."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import nothing_of_that_name", "own.py:f cannot be loaded: ModuleNotFoundError: No module named"),
        ("raise SystemExit('no')", "own.py:f cannot be loaded: SystemExit: no"),
        ("def g(): ...", "own.py:f cannot be loaded: AttributeError"),
        ("f = 3", "own.py:f cannot be loaded: TypeError: `f` is no function"),
        ("import os; os._exit(9)", "own.py:f cannot be loaded: the worker process ended by itself"),
    ],
)
async def test_a_file_that_does_not_load_is_told_and_loaded_once(
    tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "own.py").write_text(f"open({str(tmp_path / 'count')!r}, 'a').write('x')\n{text}\n")
    use = PythonFunction(file=tmp_path / "own.py", function="f", concurrency=1)
    async with connect(candidate(use), environment=os.environ) as models:
        failures = [failed(await models["mini"].ask(question())) for _ in range(3)]
    assert {failure.kind for failure in failures} == {FailureKind.REJECTED}
    assert all(failure.message.startswith(message) for failure in failures)
    assert (tmp_path / "count").read_text() == "x"


async def test_several_are_called_at_once(tmp_path: Path) -> None:
    body = """
import os, time
open(f'{row["folder"]}/{os.getpid()}', 'w').close()
while len(os.listdir(row['folder'])) < 3: time.sleep(0.01)
return 'met'
"""
    (tmp_path / "met").mkdir()
    use = function(tmp_path, body, concurrency=3)
    request = question(columns={"folder": str(tmp_path / "met")})
    answers: list[str] = []
    async with connect(candidate(use), environment=os.environ) as models:

        async def ask() -> None:
            answers.append(answered(await models["mini"].ask(request)).response)

        with anyio.fail_after(30):
            async with anyio.create_task_group() as tasks:
                for _ in range(3):
                    tasks.start_soon(ask)
    assert answers == ["met"] * 3


async def test_a_call_that_is_cancelled_leaves_no_worker(tmp_path: Path) -> None:
    use = function(tmp_path, "open(row['at'], 'w').write(str(__import__('os').getpid()))\nwhile True: pass")
    at = tmp_path / "pid"
    async with connect(candidate(use), environment=os.environ) as models:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(models["mini"].ask, question(columns={"at": str(at)}))
            with anyio.fail_after(30):
                while not (at.exists() and at.read_text()):
                    await anyio.sleep(0.01)
            tasks.cancel_scope.cancel()
        assert not is_running(int(at.read_text()))


def test_the_key_is_the_file_and_all_that_is_given(tmp_path: Path) -> None:
    def key(use: PythonFunction, request: Request) -> str | None:
        return keyer(candidate(use), environment={}, training=lambda use: None)(request)  # type: ignore[arg-type, return-value]

    use = function(tmp_path, "return 'a'")
    asked = question(columns={"n": 1, "when": Path("x")}, earlier={"s": 1})
    first = key(use, asked)
    assert first == key(function(tmp_path, "return 'a'", timeout_ns=5, concurrency=9), asked)
    others = [
        key(use, question(columns={"n": 2, "when": Path("x")}, earlier={"s": 1})),
        key(use, question(columns={"n": 1, "when": Path("x")})),
        key(use, question("other", columns={"n": 1, "when": Path("x")}, earlier={"s": 1})),
        key(function(tmp_path, "return 'b'"), asked),
    ]
    assert len({first, *others}) == 5


async def test_without_leave_no_worker_is_started_whoever_connects(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "from pathlib import Path\n"
        "(Path(__file__).parent / 'was run').touch()\n"
        "def f(row, prompt, messages, steps):\n    return 'hello'\n"
    )
    use = PythonFunction(file=tmp_path / "own.py", function="f")
    training = Training(rows=(), row_labels=(), labels=())
    with pytest.raises(CodeNotAllowed, match="which is code of your own"):
        async with connected([candidate(use)], environment=os.environ, training=lambda use: training):
            pass
    assert not (tmp_path / "was run").exists()
    assert answered(await said(use)).response == "hello"
    assert (tmp_path / "was run").exists()
