"""Processes of the tool that start in no time: forks of one process that has loaded all modules.

Of the second of CPU that a command takes in a test, most goes into loading modules. Such a fork is a
process as any other: with streams, folder, environment, signals and an end of its own. What it shares with
the others is what has been loaded, before any of them began. Tests of the start itself take a fresh process.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from io import TextIOWrapper
from pathlib import Path
from threading import Lock
from typing import IO, NoReturn, Self, TypedDict

SOURCE = str(Path(__file__).parents[2] / "src")
FRESH = "EVALSPEC_TEST_FRESH"  # set, it has every command of every test start as a user's does
# What a process looks at when it starts, or a library when it is loaded.
EARLY = ("PYTHON", "SSL_", "LC_", "LANG", "TZ", "OPENBLAS_", "OMP_", "MKL_")
# What commands load when they need it.
LATELY = (
    "aiohttp", "anyio._backends._asyncio", "jinja2.sandbox", "jsonschema", "numpy.random", "scipy.fft",
    "scipy.special", "tabulate", "uvloop", "yaml",
)  # fmt: skip
_SIZE = struct.Struct("<I")
_ONE_AT_A_TIME = Lock()


class Given(TypedDict):
    """What a fork becomes."""

    arguments: list[str]
    at: str
    env: dict[str, str]


# ── from the tests ────────────────────────────────────────────────────────────────────────────────


def can_fork(env: Mapping[str, str]) -> bool:
    """Whether a command in this environment may be a fork."""
    theirs, ours = (
        {name: value for name, value in of.items() if name.startswith(EARLY)}
        for of in (env, {**os.environ, "PYTHONPATH": SOURCE})
    )
    return hasattr(os, "fork") and FRESH not in os.environ and theirs == ours


@dataclass(slots=True, eq=False)
class Forked:
    """A process as `subprocess.Popen` has it, whose output is text."""

    pid: int
    wire: socket.socket
    stdout: IO[str] | None
    stderr: IO[str] | None
    returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code, if it has ended."""
        if self.returncode is None and select.select([self.wire], [], [], 0)[0]:
            self.wait()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, once it has ended; minus the signal that killed it."""
        if self.returncode is None:
            self.wire.settimeout(timeout)
            said = self.wire.recv(_SIZE.size)
            assert said, "the process that forks has ended"
            self.returncode = os.waitstatus_to_exitcode(*_SIZE.unpack(said))
            self.wire.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Sends a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Ends it at once."""
        self.send_signal(signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for stream in (self.stdout, self.stderr):
            if stream is not None:
                stream.close()
        self.wait()

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """What it prints from here on, and its end."""
        with ThreadPoolExecutor(2) as readers:
            said = [readers.submit(stream.read) if stream else None for stream in (self.stdout, self.stderr)]
            try:
                self.wait(timeout)
            except TimeoutError:
                self.kill()
                raise
        out, err = (text.result() if text else "" for text in said)
        return out, err


def fork(
    arguments: Sequence[str], *, at: Path, env: Mapping[str, str], stdin: int = 0,
    stdout: int = subprocess.PIPE, stderr: int = subprocess.PIPE,
) -> Forked:  # fmt: skip
    """Starts a command in a folder: `evalspec` with these arguments."""
    ours, theirs = socket.socketpair()
    given = json.dumps(Given(arguments=list(arguments), at=str(at), env=dict(env))).encode()
    streams = [_stream(stdin, os.O_RDONLY), _stream(stdout, os.O_WRONLY), _stream(stderr, os.O_WRONLY)]
    with _ONE_AT_A_TIME:
        wire = _forker()
        socket.send_fds(
            wire, [_SIZE.pack(len(given))], [*(stream.given for stream in streams), theirs.fileno()]
        )
        wire.sendall(given)
    theirs.close()
    for stream in streams:
        if stream.made:
            os.close(stream.given)
    (pid,) = _SIZE.unpack(_exactly(ours, _SIZE.size))
    return Forked(pid, ours, streams[1].read, streams[2].read)


@dataclass(frozen=True, slots=True)
class _Stream:
    """What a fork is given, whether that was made for it, and the other end of a pipe."""

    given: int
    made: bool = True
    read: IO[str] | None = None


def _stream(asked: int, how: int) -> _Stream:
    if asked == subprocess.DEVNULL:
        return _Stream(os.open(os.devnull, how))
    if asked != subprocess.PIPE:
        return _Stream(asked, made=False)
    read, written = os.pipe()
    return _Stream(written, read=TextIOWrapper(os.fdopen(read, "rb"), encoding="utf-8"))


@cache
def _forker() -> socket.socket:
    """The way to the process that forks, which ends when this one does."""
    ours, theirs = socket.socketpair()
    process = subprocess.Popen(
        [sys.executable, __file__, str(theirs.fileno())],
        env={**os.environ, "PYTHONPATH": SOURCE, "OPENBLAS_NUM_THREADS": "1"},
        pass_fds=[theirs.fileno()],
    )
    theirs.close()
    atexit.register(process.wait)
    atexit.register(ours.close)  # what is registered last is done first
    return ours


def _exactly(wire: socket.socket, size: int) -> bytes:
    got = b""
    while len(got) < size:
        more = wire.recv(size - len(got))
        assert more, "the other end has ended"
        got += more
    return got


# ── the process that forks ────────────────────────────────────────────────────────────────────────


def serve(wire: socket.socket) -> Given:
    """Forks as often as it is told, and tells how each fork ended. Only forks return."""
    _load()
    woken, waker = socket.socketpair()
    for end in (woken, waker):
        end.setblocking(False)
    signal.set_wakeup_fd(waker.fileno())
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    running: dict[int, socket.socket] = {}
    while True:
        ready, _, _ = select.select([wire, woken], [], [])
        if woken in ready:
            woken.recv(4096)
            _tell_ends(running)
        if wire in ready:
            given, streams, told = _order(wire)
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                for held in (wire, woken, waker, told, *running.values()):
                    held.close()
                _take(streams)
                return given
            for number in streams:
                os.close(number)
            told.sendall(_SIZE.pack(pid))
            running[pid] = told


def _load() -> None:
    import evalspec

    for found in pkgutil.walk_packages(evalspec.__path__, "evalspec."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
    for name in LATELY:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # what is there now is looked through by no fork, and so is not copied


def _order(wire: socket.socket) -> tuple[Given, list[int], socket.socket]:
    """What is to be forked, its streams, and the way to who wants to know of it."""
    head, numbers, _, _ = socket.recv_fds(wire, _SIZE.size, 4)
    if not head:
        os._exit(0)  # the tests have ended; nothing is to be tidied up
    *streams, told = numbers
    return json.loads(_exactly(wire, *_SIZE.unpack(head))), streams, socket.socket(fileno=told)


def _tell_ends(running: dict[int, socket.socket]) -> None:
    with suppress(ChildProcessError):  # which there are none of any more
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            pid, status = ended
            told = running.pop(pid)
            with suppress(BrokenPipeError):  # nobody waited for it
                told.sendall(_SIZE.pack(status))
            told.close()


# ── in a fork ─────────────────────────────────────────────────────────────────────────────────────


def _take(streams: Sequence[int]) -> None:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin, sys.stdout, sys.stderr = (
        open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115
        for number, mode in enumerate("rww")
    )


def become(given: Given) -> NoReturn:
    """What `python -m evalspec` does from here on."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(given["env"])
    os.chdir(given["at"])
    sys.path[0] = given["at"]
    sys.argv = [f"{SOURCE}/evalspec/__main__.py", *given["arguments"]]
    from evalspec.cli.main import main

    sys.exit(main())


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    become(serve(socket.socket(fileno=int(sys.argv[1]))))
