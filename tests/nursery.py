"""What forks the processes of `tests/forked.py`: it has imported what they need, and does nothing else itself.

    python -m tests.nursery 3 cli app pydantic_ai.models.openai ...

It imports those modules, and of packages of ours what lies in them. Each message on the socket with that number is a
length, four files (stdin, stdout, stderr, and a pipe for news) and as much JSON as the length says. The news are two
lines: the pid, and how it ended, as in `Popen.returncode`. It ends with the socket; what it started goes on.
"""

import atexit
import fcntl
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import sys
import termios
import threading
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NoReturn

FILES = 4


@dataclass
class Nursery:
    """The pipes for news of the living, by pid."""

    control: socket.socket
    news: dict[int, int] = field(default_factory=dict[int, int])

    def serve(self) -> dict[str, Any]:
        """Fork for each message. Returns in a fork alone, with what was asked of it; the socket's end ends the rest."""
        woken, waker = socket.socketpair()
        woken.setblocking(False)
        waker.setblocking(False)
        signal.signal(signal.SIGCHLD, _note_nothing)
        signal.set_wakeup_fd(waker.fileno())
        while True:
            ready, _, _ = select.select([self.control, woken], [], [])
            if woken in ready:
                woken.recv(4096)
                self._reap()
            if self.control in ready:
                asked = self._fork()
                if asked is not None:
                    woken.close()
                    waker.close()
                    return asked

    def _reap(self) -> None:
        while self.news:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            self._tell(self.news.pop(pid), os.waitstatus_to_exitcode(status))

    @staticmethod
    def _tell(pipe: int, number: int, *, last: bool = True) -> None:
        with suppress(BrokenPipeError):  # nobody wants to know
            os.write(pipe, f"{number}\n".encode())
        if last:
            os.close(pipe)

    def _fork(self) -> dict[str, Any] | None:
        head, files, _, _ = socket.recv_fds(self.control, 4, FILES)
        if not head:
            os._exit(0)
        body = self.control.recv(int.from_bytes(head), socket.MSG_WAITALL)
        pid = os.fork()
        if pid:
            self._tell(files[3], pid, last=False)
            self.news[pid] = files.pop()
            for file in files:
                os.close(file)
            return None
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self.control.close()
        for pipe in (files.pop(), *self.news.values()):
            os.close(pipe)
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.close(file)
        return json.loads(body)


def _note_nothing(*_: object) -> None:
    """For a signal that only has to wake the waiting."""


def bring_in(name: str) -> None:
    """Import a module; of a package of ours, everything in it but programs."""
    module = importlib.import_module(name)
    if "." in name or not hasattr(module, "__path__"):
        return
    for found in pkgutil.walk_packages(module.__path__, f"{name}."):
        if not found.name.endswith("__main__"):
            with suppress(Exception):  # it fails again where it is used, and is told there
                importlib.import_module(found.name)


def become(asked: dict[str, Any]) -> None:
    """Make this process what a fresh one would be: its environment, its folder, its words, its streams, its terminal."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests in the background ignores it
    if asked["terminal"]:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # Ctrl-C typed there reaches the program
    os.environ.clear()
    os.environ.update(asked["environment"])
    time.tzset()
    os.chdir(asked["folder"])
    sys.argv = asked["words"]
    for name, number, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        before = getattr(sys, name)
        buffering = 1 if name == "stderr" or os.isatty(number) else -1
        stream = open(number, mode, buffering, encoding=before.encoding, errors=before.errors, closefd=False)  # noqa: SIM115 # it is the command's for as long as that lives
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def end_with(target: str) -> NoReturn:
    """Call `module:function` and end the process as Python does, without the taking apart of every module."""
    code = 1
    try:
        module, _, function = target.partition(":")
        getattr(importlib.import_module(module), function)()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except KeyboardInterrupt:
        traceback.print_exc()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException:  # as Python itself does
        traceback.print_exc()
    threading._shutdown()  # pyright: ignore # waits for threads, as at the end of any program
    atexit._run_exitfuncs()  # pyright: ignore
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        code = 120
    os._exit(code & 0xFF)


def main() -> None:
    """Import, say that it is ready, and fork until the socket ends."""
    control = socket.socket(fileno=int(sys.argv[1]))
    for name in sys.argv[2:]:
        bring_in(name)
    if threading.active_count() > 1:
        raise SystemExit(f"an import began threads, which no fork keeps: {threading.enumerate()}")
    gc.collect()
    gc.freeze()
    control.send(b"r")
    asked = Nursery(control).serve()
    become(asked)
    end_with(asked["target"])


if __name__ == "__main__":
    main()
