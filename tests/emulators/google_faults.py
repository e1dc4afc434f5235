"""A line to the Google emulator on which things go wrong as told, and answers that the emulator has not.

A small fake of our own, for what the emulator does not do (its own faults, a history that is too old, scopes that are
enforced, content that is broken): it passes every request on, except those that a rule catches. Its answers have the
shapes of Google's discovery documents and error guides.
"""

import http.client
import json
import re
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Rule:
    """What happens to requests whose `METHOD path?query` matches; `times` None is always.

    `answer`: instead of the emulator's. `cut`: the connection is closed without a word; `before` says whether the
    emulator gets the request. `cut_after`: so many bytes of the emulator's answer come, then the connection is closed.
    """

    pattern: str
    answer: Answer | Callable[[], Answer] | None = None
    times: int | None = 1
    cut: bool = False
    is_taken: bool = False
    cut_after: int | None = None
    seen: int = 0


@dataclass
class GoogleLine:
    """The line; `asked` is every `METHOD path?query` that came."""

    url: str
    rules: list[Rule] = field(default_factory=list[Rule])
    asked: list[str] = field(default_factory=list[str])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def on(self, pattern: str, **what: Any) -> Rule:
        """Add a rule; the first that matches counts."""
        rule = Rule(pattern, **what)
        self.rules.append(rule)
        return rule

    def count(self, pattern: str) -> int:
        """How many requests matched."""
        return sum(bool(re.search(pattern, one)) for one in self.asked)

    def take(self, what: str) -> Rule | None:
        with self._lock:
            self.asked.append(what)
            for rule in self.rules:
                if re.search(rule.pattern, what) and (rule.times is None or rule.seen < rule.times):
                    rule.seen += 1
                    return rule
        return None


def error(status: int, reason: str = "", message: str = "no", **headers: str) -> Answer:
    """An error as Google's APIs answer it."""
    inner: dict[str, Any] = {"code": status, "message": message, "errors": [{"reason": reason, "message": message}]}
    fields = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return status, fields, json.dumps({"error": inner}).encode()


def ok(body: object) -> Answer:
    """A JSON answer; bytes go as they are."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return 200, {"Content-Type": "application/json"}, content


@contextmanager
def google_line(emulator: str) -> Generator[GoogleLine]:
    """A line to the emulator at that URL, for the length of the block."""
    target = urlsplit(emulator).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except (ConnectionError, TimeoutError):
                self.close_connection = True

        def answer_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            rule = line.take(f"{self.command} {self.path}")
            if rule and rule.cut:
                if rule.is_taken:
                    self._pass_on(body)
                self._hang_up()
                return
            if rule and rule.answer is not None:
                self._give(rule.answer() if callable(rule.answer) else rule.answer)
                return
            answer = self._pass_on(body)
            self._give(answer, rule.cut_after if rule else None)

        def _pass_on(self, body: bytes) -> Answer:
            connection = http.client.HTTPConnection(target, timeout=30)
            try:
                headers = {k: v for k, v in self.headers.items() if k.casefold() not in {"host", "accept-encoding"}}
                connection.request(self.command, self.path, body or None, headers)
                answer = connection.getresponse()
                fields = {k: v for k, v in answer.getheaders() if k.casefold() in {"content-type", "location"}}
                return answer.status, fields, answer.read()
            finally:
                connection.close()

        def _give(self, answer: Answer, cut_after: int | None = None) -> None:
            status, fields, content = answer
            self.send_response(status)
            for name, value in fields.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if cut_after is not None:
                self.wfile.write(content[:cut_after])
                self.wfile.flush()
                self._hang_up()
                return
            self.wfile.write(content)

        def _hang_up(self) -> None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: tests say what they saw."""

    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.answer_any)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = False
        line = GoogleLine(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield line
        finally:
            server.shutdown()
            thread.join()
