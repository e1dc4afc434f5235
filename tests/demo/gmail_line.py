"""A line between Steward and the Google emulator on which one answer can be held back.

A small fake of our own, since the emulator has no faults: every request is passed on; once the emulator has taken the
first request that matches `held`, nothing comes back until `release`, and then the line breaks. So there is a moment in
which the effect took place and nobody here knows it.
"""

import http.client
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

PATIENCE_SECONDS = 60


@dataclass
class GmailLine:
    """`asked` is every `METHOD path` that came; `taken` is set when the held request has taken effect."""

    url: str
    held: str
    asked: list[str] = field(default_factory=list[str])
    taken: threading.Event = field(default_factory=threading.Event)
    _released: threading.Event = field(default_factory=threading.Event)

    def count(self, part: str) -> int:
        """How many requests had this in their path."""
        return sum(part in one for one in self.asked)

    def release(self) -> None:
        """Break the line that is held."""
        self._released.set()

    def holds(self, what: str) -> bool:
        return self.held in what and not self.taken.is_set()

    def hold(self) -> None:
        self.taken.set()
        self._released.wait(PATIENCE_SECONDS)


@contextmanager
def gmail_line(emulator: str, held: str) -> Generator[GmailLine]:
    """A line to the emulator at that URL, for the length of the block."""
    target = urlsplit(emulator).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except (ConnectionError, TimeoutError):
                self.close_connection = True  # Steward was killed

        def answer_any(self) -> None:
            what = f"{self.command} {self.path}"
            line.asked.append(what)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            connection = http.client.HTTPConnection(target, timeout=30)
            headers = {k: v for k, v in self.headers.items() if k.casefold() not in {"host", "accept-encoding"}}
            try:
                connection.request(self.command, self.path, body or None, headers)
                answer = connection.getresponse()
                content = answer.read()
            finally:
                connection.close()
            if line.holds(what):
                line.hold()
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.casefold() in {"content-type", "location"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the walk says what it saw."""

    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.answer_any)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True  # a browser's connection may stay open
        line = GmailLine(f"http://127.0.0.1:{server.server_address[1]}", held)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield line
        finally:
            line.release()
            server.shutdown()
            thread.join()
