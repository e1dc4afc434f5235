"""Makes the environment `.venv` out of a hashed lock the first time, then runs what was asked for inside it.

Run by the system's Python before anything is installed, so: standard library alone. `make` calls it, with a Python that
is new enough; a second call finds everything made and goes straight on.
"""

import fcntl
import hashlib
import os
import shlex
import shutil
import subprocess  # nosec B404 # no shell is used
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOG = VENV / "setup.log"
PEERS = ROOT / "build" / "peers"
PEERS_REQUIREMENTS = "benchmarks/peers/requirements"
WITH_PEERS = {"tasks", "makespan"}
NEEDED_BYTES = {"run": 700_000_000, "dev": 1_500_000_000}
# Settings of pip that would send packages elsewhere, or ask hashes of the project itself.
PIP_SETTINGS_TO_DROP = ("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_REQUIRE_HASHES", "PIP_CONSTRAINT")

USAGE = """make run      start Steward: http://127.0.0.1:8765 (ARGS="--port 9000")
make test     all tests (ARGS="-k name" for some)
make lint     ruff and the import rules
make types    the type checker
make eval     how well tasks are found in sentences (CASES=file, MODEL=name)
make bench    the benchmarks (ARGS=name for one)
make chaos    workers die and servers crash under load; minutes (ARGS="--trees 50 --seed 7")
make safety   attacks by a hijacked model, row-level security, forbidden addresses, the API, Bandit, pip-audit; minutes
make demo     one walk: a mail comes, is answered in its thread after a yes in Slack, sent once (ARGS=plans or agents; a minute)
make docs     the documentation site into build/site, every code block checked (ARGS=serve shows it on loopback)
make screenshots the pictures of the README, taken anew of a house with the sample mail and calendar
make simulate a month of a person's mail and meetings in minutes: what was brought up, of what use, what was learned (ARGS="--seed 7")
make lock     resolve requirements/*.in and package.json anew
make clean    remove what was installed here; your data stays"""


class SetupError(Exception):
    """The set-up cannot go on; the message is one line for a person."""


def main(arguments: list[str]) -> int:
    """Run one command of `USAGE`; its exit code, 1 when the set-up failed."""
    command, *rest = arguments or ["help"]
    if command not in COMMANDS:
        print(USAGE)
        return 0 if command == "help" else 2
    try:
        os.chdir(ROOT)
        return COMMANDS[command](rest)
    except SetupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"error: {where}{error.strerror or error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. The next start goes on from here.", file=sys.stderr)
        return 130


# ---------------------------------------------------------------- the environment


def ensure_environment(kind: str) -> None:
    """`.venv` with the packages of requirements/<kind>.lock (`run` or `dev`) and Steward itself."""
    if is_made(kind):
        return
    if not os.access(ROOT, os.W_OK):
        raise SetupError(f"{ROOT} cannot be written; clone Steward to a folder of your own")
    VENV.mkdir(exist_ok=True)
    with (VENV / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two starts at once: the second waits, and finds it made
        if not is_made(kind):
            make_environment(kind)


def is_made(kind: str) -> bool:
    """Did an installation of exactly this lock, here, come to its end?"""
    try:
        return PYTHON.exists() and stamp_file(kind).read_text() == stamp(kind)
    except OSError:
        return False


def stamp_file(kind: str) -> Path:
    return VENV / f".made-{kind}"


def stamp(kind: str) -> str:
    """What the installation came from: where it lies, the lock, the project's own description."""
    parts = [str(VENV).encode()]
    parts += [(ROOT / name).read_bytes() for name in (f"requirements/{kind}.lock", "pyproject.toml")]
    return " ".join(hashlib.sha256(part).hexdigest() for part in parts)


def make_environment(kind: str) -> None:
    """Install, and leave the stamp last: what was interrupted is done again."""
    free = shutil.disk_usage(VENV).free
    if free < NEEDED_BYTES[kind]:
        raise SetupError(
            f"the disk of {ROOT} is full: {free // 1_000_000} MB are free, {NEEDED_BYTES[kind] // 1_000_000} MB are needed"
        )
    for name in ("run", "dev"):
        stamp_file(name).unlink(missing_ok=True)
    LOG.write_text("")
    if not environment_works():
        make_venv()
    lock = ROOT / "requirements" / f"{kind}.lock"
    count = sum(1 for line in lock.read_text().splitlines() if "==" in line and not line.startswith((" ", "#")))
    say(f"Installing {count} packages (once, about a minute) ...")
    pip(["install", "--require-hashes", "--no-deps", "--no-compile", "-r", str(lock)], count)
    pip(["install", "--no-deps", "--no-build-isolation", "--no-compile", "-e", str(ROOT)])
    say("Compiling them ...")
    # Files that are templates of other languages' versions do not compile; what is needed is compiled at import then.
    run_logged([str(PYTHON), "-m", "compileall", "-q", "-j", "0", str(site_packages())])
    for name in {kind, "run"}:  # dev.lock holds all of run.lock
        part = stamp_file(name).with_suffix(".part")
        part.write_text(stamp(name))
        part.replace(stamp_file(name))


def environment_works() -> bool:
    """Is there a Python in `.venv` that starts, is new enough, and has pip?"""
    if not PYTHON.exists():
        return False
    test = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    return subprocess.run([str(PYTHON), "-I", "-c", test], capture_output=True, check=False).returncode == 0  # nosec B603 # fixed words, no shell


def make_venv() -> None:
    say(f"Making an environment in {VENV.name} with Python {sys.version.split()[0]} ...")
    for path in VENV.iterdir():  # a broken one, or another Python's
        if path not in {VENV / ".lock", LOG}:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    lines, code = run_logged([sys.executable, "-I", "-m", "venv", str(VENV)])
    if code == 0:
        return
    text = "\n".join(lines)
    if "ensurepip" in text or "No module named venv" in text:
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        raise SetupError(
            f"this Python cannot make environments: install its venv module (Debian, Ubuntu: apt install {package})"
        )
    raise SetupError(f"the environment could not be made: {last_error(lines)} (all of it: {LOG})")


def site_packages() -> Path:
    return next((VENV / "lib").glob("python3*")) / "site-packages"


def pip(arguments: list[str], count: int = 0, python: Path = PYTHON) -> None:
    """Run pip in an environment; on a terminal, show how many of `count` packages it has come to."""
    program = [str(python), "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments]
    lines, code = run_logged(program, count)
    if code != 0:
        raise SetupError(f"the packages could not be installed: {last_error(lines)} (all of it: {LOG})")


def run_logged(command: list[str], count: int = 0) -> tuple[list[str], int]:
    """Lines and exit code of a command, written to the log as they come."""
    environment = {name: value for name, value in os.environ.items() if name not in PIP_SETTINGS_TO_DROP}
    for name in ("PYTHONPATH", "PYTHONHOME", "PIP_QUIET", "PIP_VERBOSE"):
        environment.pop(name, None)
    lines: list[str] = []
    done = 0
    with LOG.open("a") as log, subprocess.Popen(  # nosec B603 # words of this file, no shell
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="replace", env=environment,
    ) as process:  # fmt: skip
        for line in process.stdout or ():
            lines.append(line.rstrip())
            log.write(line)
            done += line.startswith(("Collecting ", "Requirement already satisfied"))
            if count and sys.stderr.isatty():
                state = "unpacking   " if line.startswith("Installing collected") else f"{done} of {count}"
                print(f"\r  {state}", end="", file=sys.stderr, flush=True)
    if count and sys.stderr.isatty():
        print("\r" + " " * 20 + "\r", end="", file=sys.stderr, flush=True)
    return lines, process.returncode


def last_error(lines: list[str]) -> str:
    """The line that tells most: no network, else pip's last error, else the last line."""
    if any(
        text in line for line in lines for text in ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError")
    ):
        return "the package registry is out of reach"
    errors = [line for line in lines if line.startswith("ERROR:") or "Error:" in line]
    text = (errors or [line for line in lines if line] or ["no reason given"])[-1]
    return text.replace("ERROR: ", "").strip()


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def ensure_peers() -> None:
    """The environment of what the benchmarks compare with; no part of Steward depends on it."""
    lock = ROOT / f"{PEERS_REQUIREMENTS}.lock"
    made, wanted = PEERS / ".made", hashlib.sha256(lock.read_bytes()).hexdigest()
    if made.exists() and made.read_text() == wanted:
        return
    say("Installing the peers of the benchmarks in an environment of their own (once, about a minute) ...")
    lines, code = run_logged([sys.executable, "-I", "-m", "venv", "--clear", str(PEERS)])
    if code != 0:
        raise SetupError(f"the environment could not be made: {last_error(lines)} (all of it: {LOG})")
    python = PEERS / "bin" / "python"
    pip(["install", "--require-hashes", "--no-deps", "-r", str(lock)], python=python)
    made.write_text(wanted)


# ---------------------------------------------------------------- commands


def run(arguments: list[str]) -> int:
    ensure_environment("run")
    return become(str(VENV / "bin" / "steward"), "run", *arguments)


def test(arguments: list[str]) -> int:
    ensure_environment("dev")
    return become(str(PYTHON), "-m", "cli.testing", *arguments)


def lint(arguments: list[str]) -> int:
    ensure_environment("dev")
    programs = (["ruff", "check"], ["ruff", "format", "--check"], ["lint-imports"])
    codes = [subprocess.call([str(VENV / "bin" / name), *options]) for name, *options in programs]  # nosec B603 # fixed words, no shell
    return max(codes)


def types(arguments: list[str]) -> int:
    ensure_environment("dev")
    return become(str(VENV / "bin" / "basedpyright"), *arguments)


def evaluate(arguments: list[str]) -> int:
    ensure_environment("run")
    return become(str(PYTHON), "-m", "benchmarks.eval", *arguments)


def bench(arguments: list[str]) -> int:
    ensure_environment("dev")
    files = (ROOT / "benchmarks").glob("*.py")
    known = sorted(path.stem for path in files if path.stem not in {"__init__", "__main__", "eval"})
    # A word is a benchmark, an option, or an option's number.
    names = [word for word in arguments if not word.startswith("-") and not word.isdecimal()]
    for name in names:
        if name not in known:
            raise SetupError(f"there is no benchmark {name!r}; there are: {', '.join(known) or 'none'}")
    if not names or not WITH_PEERS.isdisjoint(names):
        ensure_peers()
    return become(str(PYTHON), "-m", "benchmarks", *arguments)


def chaos(arguments: list[str]) -> int:
    ensure_environment("dev")
    return become(str(PYTHON), "-m", "tests.chaos", *arguments)


def safety(arguments: list[str]) -> int:
    ensure_environment("dev")
    return become(str(PYTHON), "-m", "tests.safety", *arguments)


def demo(arguments: list[str]) -> int:
    ensure_environment("dev")
    return become(str(PYTHON), "-m", "tests.demo", *arguments)


def simulate(arguments: list[str]) -> int:
    ensure_environment("dev")
    return become(str(PYTHON), "-m", "tests.simulate", *arguments)


def docs(arguments: list[str]) -> int:
    ensure_environment("dev")
    return become(str(PYTHON), "-m", "docs._build", *arguments)


def screenshots(arguments: list[str]) -> int:
    ensure_environment("dev")
    return become(str(PYTHON), "-m", "tests.demo.screenshots", *arguments)


def lock(arguments: list[str]) -> int:
    """Resolve the locks for all platforms with uv, in an environment of its own, and the Node packages'."""
    ensure_environment("dev")
    tools = ROOT / "build" / "lock"
    lines, code = run_logged([sys.executable, "-I", "-m", "venv", "--clear", str(tools)])
    if code == 0:
        lines, code = run_logged([str(tools / "bin" / "pip"), "install", "uv"])
    if code != 0:
        raise SetupError(f"uv could not be installed: {last_error(lines)} (all of it: {LOG})")
    options = ["--universal", "--python-version", "3.11", "--generate-hashes", "--no-emit-index-url"]
    options += ["--no-emit-find-links", "--custom-compile-command", "make lock", "--upgrade", "--quiet"]
    for name in ("requirements/run", "requirements/lambda", "requirements/dev", PEERS_REQUIREMENTS):
        same = ["-c", "requirements/run.lock"] if name in {"requirements/lambda", "requirements/dev"} else []
        command = [str(tools / "bin" / "uv"), "pip", "compile", f"{name}.in", "-o", f"{name}.lock"]
        say(f"Resolving {name}.in ...")
        if subprocess.call([*command, *options, *same]) != 0:  # nosec B603 # fixed words, no shell
            raise SetupError(f"{name}.in could not be resolved")
    shutil.rmtree(tools)
    return become(str(PYTHON), "-m", "cli.testing", "--lock")


def clean(arguments: list[str]) -> int:
    for name in (
        ".venv",
        "node_modules",
        "build",
        ".pytest_cache",
        ".ruff_cache",
        ".import_linter_cache",
        ".hypothesis",
    ):
        shutil.rmtree(ROOT / name, ignore_errors=True)
    return 0


def become(program: str, *arguments: str) -> int:
    """Go on as this program, so that Ctrl-C and the exit code are its own."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(program, [program, *arguments])  # noqa: S606 - no shell is wanted  # nosec B606


COMMANDS = {
    "run": run,
    "test": test,
    "lint": lint,
    "types": types,
    "eval": evaluate,
    "bench": bench,
    "chaos": chaos,
    "safety": safety,
    "demo": demo,
    "simulate": simulate,
    "docs": docs,
    "screenshots": screenshots,
    "lock": lock,
    "clean": clean,
}

if __name__ == "__main__":
    # Words of ARGS come as one string from make, quoted as in a shell.
    try:
        words = [word for text in sys.argv[2:] for word in shlex.split(text)]
    except ValueError as error:
        sys.exit(f"error: ARGS is not a list of words: {error}")
    sys.exit(main(sys.argv[1:2] + words))
