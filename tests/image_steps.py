"""The nearest to an image where there is no Docker: the Dockerfile's own steps, one by one, then the house as in a container.

    sudo .venv/bin/python -m tests.image_steps

Needs Linux and root: in mount, process and IPC namespaces of its own, /opt/steward, /app and /data are new folders, each COPY
and RUN is done there with this machine's Python in place of the image's, everything but /data and /tmp is made read-only, and
the house runs as the image's user with no rights left. It is asked by the image's HEALTHCHECK, used, told to stop, and started
again. Takes about two minutes, most of it installing; leaves nothing behind.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.dockerfile import DOCKERFILE, Instruction, instructions

ROOT = DOCKERFILE.parent
PLACES = ("/opt/steward", "/app", "/data")
INSIDE = "--inside"
PATIENCE_SECONDS = 90


def main() -> int:
    """0 when the house came up healthy as the image says, and ended in order."""
    if INSIDE in sys.argv:
        inside(Path(sys.argv[-1]))
        return 0
    if os.geteuid() != 0:
        print("error: this needs root, to make namespaces and to become the image's user", file=sys.stderr)
        return 1
    scratch = Path(tempfile.mkdtemp(prefix="steward-image-", dir="/var/tmp"))
    missing = [place for place in map(Path, PLACES) if not place.exists()]
    try:
        for place in missing:  # mount points, which have to be there; removed again if they were not
            place.mkdir(parents=True)
        command = [
            "unshare",
            "--mount",
            "--pid",
            "--ipc",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "--propagation",
            "private",
        ]
        return subprocess.run(
            [*command, sys.executable, "-m", "tests.image_steps", INSIDE, str(scratch)], cwd=ROOT, check=False
        ).returncode
    finally:
        for place in missing:
            place.rmdir()
        shutil.rmtree(scratch)


def inside(scratch: Path) -> None:
    """Build, close, run: the first process of the namespaces."""
    scratch.chmod(0o755)
    for place in PLACES:
        folder = scratch / place.strip("/").replace("/", "-")
        folder.mkdir(mode=0o755)
        subprocess.run(["mount", "--bind", str(folder), place], check=True)
    began = time.monotonic()
    environment = build(instructions())
    size = int(
        subprocess.run(
            ["du", "-sm", "/opt/steward", "/app"], capture_output=True, text=True, check=True
        ).stdout.split()[0]
    )
    say(f"built in {time.monotonic() - began:.0f} s; {size} MB of packages")
    close()
    house(environment)


def build(steps: list[Instruction]) -> dict[str, str]:
    """Do the steps; the environment that the image gives to what runs in it."""
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    arguments: dict[str, str] = {}
    folder = Path("/")
    for step in steps:
        if step.word == "FROM":
            environment, folder = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}, Path("/")
        elif step.word == "ARG":
            name, _, value = step.value.partition("=")
            arguments[name] = value
        elif step.word == "ENV":
            for word in step.words:
                name, _, value = word.partition("=")
                environment[name] = value.replace("$PATH", environment["PATH"])
        elif step.word == "WORKDIR":
            folder = Path(step.value)
        elif (step.word == "COPY" and not step.flags) or (step.word == "COPY" and "infra" in step.value):
            copy(step.words, folder)
        elif step.word == "RUN":
            run(step.value, folder, {**environment, **arguments})
    return environment


def copy(words: list[str], folder: Path) -> None:
    *sources, target = words
    for source in sources:
        into = folder / target / Path(source).name if target.endswith("/") else folder / target
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, into, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            into.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / source, into)


def run(command: str, folder: Path, environment: dict[str, str]) -> None:
    if "useradd" in command:  # the machine's users stay as they are: only in here there is one more
        uid = re.search(r"--uid (\d+)", command)
        assert uid
        one_more_user(int(uid[1]))
        command = re.sub(r"(group|user)add [^&]+&& ", "", command)
    say(f"RUN {command[:110]}")
    index = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "HTTP", "REQUESTS"))}
    subprocess.run(["/bin/sh", "-c", command.replace("python ", f"{base_python()} ", 1) if command.startswith("python ") else command],
                   cwd=folder, env={**index, **environment}, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip


def one_more_user(uid: int) -> None:
    users = Path(tempfile.mkdtemp()) / "passwd"
    users.write_text(f"{Path('/etc/passwd').read_text()}\ninside:x:{uid}:{uid}::/data:/usr/sbin/nologin\n")
    users.chmod(0o644)
    subprocess.run(["mount", "--bind", str(users), "/etc/passwd"], check=True)


def base_python() -> str:
    return str(Path(sys.base_prefix) / "bin" / "python3")


def close() -> None:
    """A read-only root, with a /tmp of its own and the one folder that may be written."""
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/tmp"], check=True)
    for place in ("/opt/steward", "/app", "/"):
        subprocess.run(["mount", "-o", "remount,bind,ro", place], check=True)


def house(environment: dict[str, str]) -> None:
    steps = {step.word: step for step in instructions() if step.stage == 1}
    uid, gid = (int(part) for part in steps["USER"].value.split(":"))
    command = [shutil.which("steward", path=environment["PATH"]) or "", *steps["CMD"].words]
    health = steps["HEALTHCHECK"].words
    as_user = ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "--no-new-privs", "--bounding-set=-all"]

    def start() -> subprocess.Popen[str]:
        process = subprocess.Popen([*as_user, *command], env=environment, cwd=steps["WORKDIR"].value,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip
        until = time.monotonic() + PATIENCE_SECONDS
        while subprocess.run([*as_user, *health], env=environment, capture_output=True, check=False).returncode != 0:
            if process.poll() is not None or time.monotonic() > until:
                process.kill()
                raise SystemExit(f"not healthy: {process.communicate()[1]}")
            time.sleep(0.3)
        return process

    def ask(*words: str) -> str:
        done = subprocess.run(
            [*as_user, command[0], *words], env=environment, cwd="/data", capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done
        return done.stdout

    for turn in ("first", "second"):
        began = time.monotonic()
        process = start()
        say(f"{turn} start: healthy after {time.monotonic() - began:.1f} s as uid {uid}")
        if turn == "first":
            ask("add", "Call Ana tomorrow")
            say(ask("doctor").strip().splitlines()[-1])
        assert "call ana" in ask("list").casefold()
        process.send_signal(signal.SIGTERM)
        out, errors = process.communicate(timeout=30)
        assert process.returncode == 0, (process.returncode, out, errors)
        assert errors.strip().endswith("Steward has stopped."), errors
        say(f"SIGTERM: {errors.strip().splitlines()[-1]}")
    left = [path for path in Path("/data").rglob("*") if path.lstat().st_uid != uid]
    assert left == [], left
    for path in ("/app/core", "/opt/steward", "/etc"):
        assert subprocess.run([*as_user, "touch", f"{path}/x"], capture_output=True, check=False).returncode != 0
    assert not any(b"pginstall" in name.read_bytes() for name in Path("/proc").glob("[0-9]*/cmdline"))


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
