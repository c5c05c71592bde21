"""A process that calls one function of the user's own, again and again. Run as a program, never imported.

`python -P python_worker.py FILE FUNCTION`: a line of JSON in for each call, a line of JSON out, the first one
when the function is loaded. What the function prints goes nowhere, and it has no standard input: both pipes
are ours. Nothing of evalspec is loaded, so that the user's code finds its own modules and no others.
"""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

LONGEST_ANSWER = 8 * 1024 * 1024
LONGEST_COMPLAINT = 1000


def main(file: str, function: str) -> None:
    """Loads the function, then answers until standard input ends."""
    asked, answers = _own_pipes()
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    try:
        called = _loaded(Path(file), function)
    except BaseException as error:  # noqa: BLE001  the user's code: whatever it raises is told
        _say(answers, {"error": _complaint(error)})
        return
    _say(answers, {"ready": True})
    for line in asked:
        _say(answers, _answer(called, json.loads(line)))


def _own_pipes() -> tuple[BinaryIO, BinaryIO]:
    """The pipes to the parent, which the user's code does not find at the usual places any more."""
    asked, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for usual in (0, 1, 2):
        os.dup2(nowhere, usual)
    return asked, answers


def _end_with(parent: int) -> None:
    """Ends this process when its parent is gone, even where the function never returns."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _loaded(file: Path, function: str) -> Callable[..., Any]:
    sys.path.insert(0, str(file.parent))
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file.name} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    found = getattr(module, function)
    if not callable(found):
        raise TypeError(f"`{function}` is no function")
    return found  # type: ignore[no-any-return]


def _answer(called: Callable[..., Any], asked: dict[str, Any]) -> dict[str, Any]:
    begun = time.perf_counter_ns()
    try:
        said = called(asked["row"], asked["prompt"], asked["messages"], asked["steps"])
        if inspect.isawaitable(said):
            said = asyncio.run(_awaited(said))
        return {"said": said, "taken_ns": time.perf_counter_ns() - begun}
    except BaseException as error:  # noqa: BLE001  the user's code: whatever it raises is told
        return {"error": _complaint(error)}


async def _awaited(said: Any) -> Any:
    return await said


def _complaint(error: BaseException) -> str:
    """The error in one line, with the line of the user's file where it happened."""
    told = f"{type(error).__name__}: {error}".rstrip(": ")[:LONGEST_COMPLAINT]
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    own = last is not None and last.tb_frame.f_code.co_filename != __file__
    return f"{told} (line {last.tb_lineno})" if own and last is not None else told


def _say(answers: BinaryIO, said: dict[str, Any]) -> None:
    try:
        line = json.dumps(said).encode()
    except (TypeError, ValueError, RecursionError) as error:
        line = json.dumps({"unfit": f"returns what is no JSON: {error}"[:LONGEST_COMPLAINT]}).encode()
    if len(line) > LONGEST_ANSWER:
        line = json.dumps({"unfit": f"returns more than {LONGEST_ANSWER >> 20} MB"}).encode()
    answers.write(line + b"\n")
    answers.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
