"""Google, Slack and Resend on loopback: the npm package `emulate` in one process, started once and set back by tests.

`outside` is the running process for the whole session; a test that needs a state of its own begins with
`outside.reset(google={...})`. Services that are not named go back to `SEED`. Google's client takes any of
`GOOGLE_TOKENS` as an access token, or signs in at `/o/oauth2/v2/auth` with `GOOGLE_CLIENT`.

What the emulators lack (`gmail.getProfile`, a history that is too old, sync tokens, scopes that are enforced, faults)
stands in small fakes beside the tests that need it.
"""

import copy
import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.emulators.model_server import ROOT, START_SECONDS, node

SCRIPT = Path(__file__).with_name("outside_servers.mjs")
ROBIN, ALEX = "robin@vega.example", "alex@vega.example"
GOOGLE_TOKENS = {"google-token-of-robin": ROBIN, "google-token-of-alex": ALEX}
GOOGLE_CLIENT = ("steward-tests.apps.googleusercontent.com", "not-a-secret")
GOOGLE_REDIRECTS = ["http://127.0.0.1/api/integrations/google/callback"]
SLACK_TOKEN, SLACK_SIGNING_SECRET = "xoxb-not-a-token", "not-a-signing-secret"
SEED: dict[str, Any] = {
    "tokens": {token: {"login": email, "scopes": []} for token, email in GOOGLE_TOKENS.items()},
    "google": {
        "users": [{"email": ROBIN, "name": "Robin Vega"}, {"email": ALEX, "name": "Alex Moreno"}],
        "oauth_clients": [
            {
                "client_id": GOOGLE_CLIENT[0],
                "client_secret": GOOGLE_CLIENT[1],
                "name": "Steward",
                "redirect_uris": GOOGLE_REDIRECTS,
            }
        ],
        "calendars": [
            {"id": "primary", "user_email": ROBIN, "summary": ROBIN, "primary": True, "time_zone": "Europe/Berlin"},
            {"id": "primary", "user_email": ALEX, "summary": ALEX, "primary": True, "time_zone": "Europe/Lisbon"},
        ],
    },
    "slack": {
        "team": {"name": "Vega", "domain": "vega"},
        "users": [
            {"name": "robin", "real_name": "Robin Vega", "email": ROBIN},
            {"name": "alex", "real_name": "Alex Moreno", "email": ALEX},
        ],
        "channels": [{"name": "general", "topic": "Everything"}, {"name": "orders", "topic": "Orders"}],
        "bots": [{"name": "steward"}],
        "tokens": [{"token": SLACK_TOKEN, "type": "bot", "user": "robin"}],
        "signing_secret": SLACK_SIGNING_SECRET,
    },
    "resend": {"domains": [{"name": "vega.example"}]},
}


@dataclass(frozen=True)
class OutsideServers:
    """Where the services listen, without a slash at the end."""

    google: str
    slack: str
    resend: str
    control: str

    def reset(self, **seeds: Mapping[str, Any]) -> None:
        """Begin all services anew: those named here (google, slack, resend) with this seed, the others with `SEED`."""
        wanted = {name: SEED[name] for name in ("google", "slack", "resend")} | seeds
        body = json.dumps(wanted).encode()
        with urllib.request.urlopen(urllib.request.Request(self.control, body, method="POST"), timeout=10) as answer:
            assert answer.status == 200


def google_seed(**parts: Any) -> dict[str, Any]:
    """The seed of Google with these parts added or replaced, like `messages=[...]` or `calendar_events=[...]`."""
    return {**copy.deepcopy(SEED["google"]), **parts}


@contextmanager
def running_outside_servers(log: Path) -> Generator[OutsideServers]:
    """The services for the length of the block, in a process of their own."""
    modules = Path(os.environ.get("STEWARD_NODE_MODULES") or ROOT / "node_modules")
    api = modules / "emulate" / "dist" / "api.js"
    if not api.is_file():
        raise FileNotFoundError(f"{api} is missing: `make test` installs it")
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(4)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        ports = [int(one.getsockname()[1]) for one in sockets]
    command = [str(node()), str(SCRIPT), str(api), *map(str, ports), json.dumps(SEED)]
    with log.open("w") as out, subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT) as process:
        try:
            control, google, slack, resend = (f"http://127.0.0.1:{port}" for port in ports)
            _wait_until_up(process, control, log)
            yield OutsideServers(google=google, slack=slack, resend=resend, control=control)
        finally:
            process.terminate()
            process.wait(10)


def _wait_until_up(process: subprocess.Popen[bytes], control: str, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"The outside servers ended at once: {log.read_text()[-2000:]}")
        try:
            with urllib.request.urlopen(control, timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.02)
    raise TimeoutError(f"The outside servers did not start: {log.read_text()[-2000:]}")


_shared: list[OutsideServers] = []


@pytest.fixture(scope="session")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Generator[OutsideServers]:
    """One process of all services for the whole run, however many folders import this fixture."""
    if _shared:
        yield _shared[0]
        return
    with running_outside_servers(tmp_path_factory.mktemp("outside") / "log.txt") as servers:
        _shared.append(servers)
        yield servers
        _shared.clear()
