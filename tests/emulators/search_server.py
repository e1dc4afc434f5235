"""Search of the web on loopback: aimock (npm `@copilotkit/aimock`) as a library, in a process of our own."""

import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import free_port
from tests.emulators.model_server import node, server_script

PROGRAM = Path(__file__).with_name("search_server.mjs")


@contextmanager
def running_search() -> Generator[str]:
    """The server's address, for the length of the block."""
    port = free_port()
    library = server_script().with_name("index.js").as_uri()
    command = [str(node()), str(PROGRAM), library, str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout
            if process.stdout.readline().strip() != "up":
                raise RuntimeError("The search server did not start")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(10)
