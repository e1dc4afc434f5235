"""S3 on loopback: moto behind a small HTTP server of our own, for boto3 as it comes, over real connections."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from boto3.session import Session
from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import HTTPHeaders
from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber

OURS = {"connection", "transfer-encoding", "content-length", "server", "date"}


@dataclass
class S3Server:
    """`url` is the endpoint; buckets are made with `make_bucket`. `refusals` are statuses of the next answers instead."""

    url: str
    refusals: list[int] = field(default_factory=list[int])
    asked: list[str] = field(default_factory=list[str])  # "PUT /bucket/key"

    def make_bucket(self, name: str) -> None:
        session: Any = Session()
        client = session.client("s3", endpoint_url=self.url)
        client.create_bucket(Bucket=name)
        client.close()


@contextmanager
def s3_server() -> Generator[S3Server]:
    """An empty S3 for the length of the block; nobody's keys are needed beyond what boto3 insists on."""
    served = S3Server("")
    stubber = BotocoreStubber()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self._body()
            served.asked.append(f"{self.command} {self.path.partition('?')[0]}")
            if served.refusals:
                status, headers, content = served.refusals.pop(0), {}, b""
            else:
                headers_in = HTTPHeaders()
                for name, value in self.headers.items():
                    headers_in[name] = value
                address = f"https://s3.amazonaws.com{self.path}"
                with lock:
                    found = stubber.process_request(AWSPreparedRequest(self.command, address, headers_in, body, False))
                status, headers, content = found or (404, {}, b"")
            raw = content.encode() if isinstance(content, str) else content
            told = {str(name).lower(): str(value) for name, value in headers.items()}
            self.send_response(int(status))
            for name, value in told.items():
                if name not in OURS:
                    self.send_header(name, value)
            length = told.get("content-length", "0") if self.command == "HEAD" else str(len(raw))
            self.send_header("Content-Length", length)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(raw)

        def _body(self) -> bytes:
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))

        def log_message(self, format: str, *args: object) -> None:
            """Nothing on stderr."""

    for method in ("GET", "PUT", "POST", "HEAD", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.answer)
    with mock_aws():
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        served.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield served
        finally:
            server.shutdown()
            server.server_close()
            thread.join(5)
