"""Is the Steward of this container alive? Exit code 0 or 1; standard library alone, as it runs every few seconds.

A worker answers no requests: it lives as long as its container. Its heartbeat in the database tells more (`steward metrics`).
"""

import os
import sys
import urllib.request
from pathlib import Path

SECONDS = 4
FIRST_PROCESS = Path("/proc/1/cmdline")


def is_worker(command: bytes) -> bool:
    """Is this the command line (words with NUL between) of `steward worker`, whatever started it?"""
    words = command.split(b"\0")
    programs = [number for number, word in enumerate(words) if word.rsplit(b"/", 1)[-1] == b"steward"]
    return any(words[number + 1 : number + 2] == [b"worker"] for number in programs)


def main() -> int:
    """0 when /healthz answers, or in a worker."""
    if is_worker(FIRST_PROCESS.read_bytes()):
        return 0
    port = int(os.environ.get("STEWARD_PORT") or "8765")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy of the environment
    try:
        with opener.open(f"http://127.0.0.1:{port}/healthz", timeout=SECONDS) as answer:
            return 0 if answer.status == 200 else 1
    except OSError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
