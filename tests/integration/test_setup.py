"""From a clone to a running program with one command: real make, venv and pip, on a small project without a network."""

import base64
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from cli import bootstrap, testing

ROOT = Path(__file__).parents[2]
# Stands in for the build of the project: an editable install whose program prints its arguments.
BACKEND = """
import base64, hashlib, pathlib, zipfile

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    info = "steward-0.1.0.dist-info"
    files = {
        "steward.pth": str(pathlib.Path.cwd()) + "\\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\\nName: steward\\nVersion: 0.1.0\\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        f"{info}/entry_points.txt": "[console_scripts]\\nsteward = program:main\\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{name},,\\n" for name in [*files, f"{info}/RECORD"])
    name = "steward-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(wheel_directory) / name, "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
    return name
"""
PROGRAM = "import sys, tiny\n\ndef main():\n    print(tiny.VERSION, sys.argv[1:])\n"


def make_wheel(folder: Path, version: str) -> str:
    """A package `tiny`; its line of a lock."""
    folder.mkdir(exist_ok=True)
    info = f"tiny-{version}.dist-info"
    files = {
        "tiny.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()},{len(text)}\n"
        for name, text in files.items()
    )
    path = folder / f"tiny-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            wheel.writestr(name, text)
    return f"tiny=={version} \\\n    --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A clone of a project that is small, with our Makefile and our set-up."""
    root = tmp_path / "a clone"
    (root / "cli").mkdir(parents=True)
    (root / "requirements").mkdir()
    shutil.copy(ROOT / "Makefile", root)
    shutil.copy(ROOT / "cli" / "bootstrap.py", root / "cli")
    (root / "cli" / "shlex.py").write_text("raise SystemExit('a file of ours hides one of Python')")
    (root / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "steward"\nversion = "0.1.0"\n'
    )
    (root / "backend.py").write_text(BACKEND)
    (root / "program.py").write_text(PROGRAM)
    line = make_wheel(root / "wheels", "1.0")
    for kind in ("run", "dev"):
        (root / "requirements" / f"{kind}.lock").write_text(f"# by make lock\n{line}")
    return root


def environment(root: Path) -> dict[str, str]:
    """Nothing of this machine's own settings, an empty home, and no way to a registry."""
    home = root.parent / "empty home"
    home.mkdir(exist_ok=True)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": (root / "wheels").as_uri(),
        "PIP_CONFIG_FILE": os.devnull,
        # What would lead pip or Python astray:
        "PIP_USER": "1",
        "PIP_REQUIRE_VIRTUALENV": "0",
        "PYTHONPATH": str(root / "nowhere"),
    }


def start_make(root: Path, target: str, args: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["make", target, f"PYTHON={sys.executable}", f"ARGS={args}"],
        cwd=root,
        env=environment(root),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def make(root: Path, target: str = "run", args: str = "") -> tuple[str, str, int]:
    """What it prints, what it says about its work, and the exit code."""
    process = start_make(root, target, args)
    out, err = process.communicate()
    return out.strip(), err.strip(), process.returncode


def test_one_command_makes_the_environment_and_the_next_finds_it(checkout: Path) -> None:
    out, err, code = make(checkout, args='--port 9000 "two words" ü')
    assert (out, code) == ("1.0 ['run', '--port', '9000', 'two words', 'ü']", 0)
    assert err.splitlines() == [
        f"Making an environment in .venv with Python {sys.version.split()[0]} ...",
        "Installing 1 packages (once, about a minute) ...",
        "Compiling them ...",
    ]
    assert list((checkout / ".venv").glob("lib/python3*/site-packages/__pycache__/tiny.*.pyc"))
    assert make(checkout) == ("1.0 ['run']", "", 0)


def test_a_changed_lock_is_installed(checkout: Path) -> None:
    make(checkout)
    (checkout / "requirements" / "run.lock").write_text(make_wheel(checkout / "wheels", "2.0"))
    out, err, code = make(checkout)
    assert (out, code) == ("2.0 ['run']", 0)
    assert "Making" not in err


def test_an_environment_whose_python_is_gone_is_made_again(checkout: Path) -> None:
    make(checkout)
    for link in (checkout / ".venv" / "bin").glob("python*"):
        link.unlink()
        link.symlink_to("/nowhere/python3")
    out, err, code = make(checkout)
    assert (out, code) == ("1.0 ['run']", 0)
    assert "Making an environment" in err


def test_an_interrupted_installation_is_done_again(checkout: Path) -> None:
    process = start_make(checkout, "run")
    assert process.stderr
    while not process.stderr.readline().startswith("Installing"):
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (checkout / ".venv" / ".made-run").exists()
    assert make(checkout)[::2] == ("1.0 ['run']", 0)


def test_two_starts_at_once_make_one_environment(checkout: Path) -> None:
    processes = [start_make(checkout, "run") for _ in range(2)]
    answers = [process.communicate() for process in processes]
    assert [out.strip() for out, _ in answers] == ["1.0 ['run']", "1.0 ['run']"]
    assert sorted(len(err.splitlines()) for _, err in answers) == [0, 3]


def test_clean_leaves_nothing_that_was_installed(checkout: Path) -> None:
    before = {path.name for path in checkout.iterdir()}
    make(checkout)
    assert make(checkout, "clean") == ("", "", 0)
    assert {path.name for path in checkout.iterdir()} - before <= {"__pycache__"}


# ---------------------------------------------------------------- one clear line each


def errors(err: str) -> list[str]:
    """The lines that are ours, without make's own last word."""
    return [line for line in err.splitlines() if line.startswith("error: ")]


def test_a_package_that_is_not_to_be_had_is_named(checkout: Path) -> None:
    (checkout / "requirements" / "run.lock").write_text(f"nothere==1.0 \\\n    --hash=sha256:{'0' * 64}\n")
    _, err, code = make(checkout)
    assert code == 2
    assert errors(err) == [
        "error: the packages could not be installed: No matching distribution found for nothere==1.0"
        f" (all of it: {checkout}/.venv/setup.log)"
    ]
    assert "nothere" in (checkout / ".venv" / "setup.log").read_text()


def test_a_package_with_another_hash_is_refused(checkout: Path) -> None:
    (checkout / "requirements" / "run.lock").write_text(f"tiny==1.0 \\\n    --hash=sha256:{'0' * 64}\n")
    _, err, code = make(checkout)
    assert code == 2
    assert len(errors(err)) == 1
    assert "hash" in errors(err)[0].lower()


def test_words_that_no_shell_would_take_are_refused(checkout: Path) -> None:
    _, err, code = make(checkout, args='"open')
    assert code == 2
    assert errors(err) == ["error: ARGS is not a list of words: No closing quotation"]


def test_make_without_a_target_tells_the_targets(checkout: Path) -> None:
    out, _, code = make(checkout, "help")
    assert code == 0
    named = set(re.findall(r"^make (\w+)", out, re.MULTILINE))
    targets = next(line for line in (checkout / "Makefile").read_text().splitlines() if line.startswith("TARGETS"))
    assert named == set(targets.split("=")[1].split()) - {"help"}
    assert named == set(bootstrap.COMMANDS)


def run_as(checkout: Path, changes: str, path: str) -> subprocess.CompletedProcess[str]:
    """The set-up in a Python that is told to be another one."""
    script = checkout / "cli" / "bootstrap.py"
    code = f"import runpy, sys; {changes}; sys.argv = [{str(script)!r}, 'run']; runpy.run_path(sys.argv[0], run_name='__main__')"
    return subprocess.run(
        [sys.executable, "-I", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=checkout,
        env={**environment(checkout), "PATH": path},
    )


def make_with(checkout: Path, tools: dict[str, str], *settings: str) -> subprocess.CompletedProcess[str]:
    """Run `make run` on a machine that has these programs (shell scripts) and no Python else."""
    folder = checkout / "tools"
    folder.mkdir()
    for name, script in tools.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    program = shutil.which("make")
    assert program
    return subprocess.run(
        [program, "run", *settings],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
        env={**environment(checkout), "PATH": str(folder)},
    )


OLD = 'case "$1" in -V) echo Python 3.9.2;; *) exit 1;; esac'


def test_a_machine_without_python_is_told_what_is_needed(checkout: Path) -> None:
    done = make_with(checkout, {})
    assert errors(done.stderr) == ["error: Steward needs Python 3.11 or newer, and there is none here"]


def test_an_old_python_is_told_what_is_needed(checkout: Path) -> None:
    done = make_with(checkout, {"python3": OLD})
    assert done.returncode == 2
    assert errors(done.stderr) == [
        f"error: Steward needs Python 3.11 or newer; {checkout}/tools/python3 is Python 3.9.2"
        " (PYTHON=/path/to/python names another)"
    ]


def test_a_newer_python_beside_an_old_one_is_found(checkout: Path) -> None:
    # python3.13 is a version manager's stand-in without a version behind it.
    tools = {"python3": OLD, "python3.13": "exit 127", "python3.12": 'test "$1" = -c || echo "called: $*"'}
    done = make_with(checkout, tools)
    assert (done.stdout.strip(), done.returncode) == ("called: -I cli/bootstrap.py run", 0)


def test_a_python_that_is_named_is_taken(checkout: Path) -> None:
    tools = {"python3": "exit 1", "mine": 'test "$1" = -c || echo "called: $*"'}
    done = make_with(checkout, tools, f"PYTHON={checkout}/tools/mine")
    assert (done.stdout.strip(), done.returncode) == ("called: -I cli/bootstrap.py run", 0)


def test_a_python_without_venv_is_told_what_to_install(checkout: Path) -> None:
    python = checkout / "python3"
    python.write_text("#!/bin/sh\necho 'The virtual environment was not created because ensurepip is not'\nexit 1\n")
    python.chmod(0o755)
    done = run_as(checkout, f"sys.executable = {str(python)!r}", path=os.environ["PATH"])
    package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    assert errors(done.stderr) == [
        f"error: this Python cannot make environments: install its venv module (Debian, Ubuntu: apt install {package})"
    ]


def test_an_environment_that_is_a_file_is_named(checkout: Path) -> None:
    (checkout / ".venv").write_text("")
    _, err, code = make(checkout)
    assert code == 2
    assert errors(err) == [f"error: {checkout}/.venv: File exists"]


@pytest.fixture
def here(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The set-up in this process, working on the small project."""
    for name, path in (("ROOT", ""), ("VENV", ".venv"), ("PYTHON", ".venv/bin/python"), ("LOG", ".venv/setup.log")):
        monkeypatch.setattr(bootstrap, name, checkout / path)
    monkeypatch.chdir(checkout)
    return checkout


def test_a_full_disk_is_told(here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(bootstrap.NEEDED_BYTES, "run", 10**18)
    assert bootstrap.main(["run"]) == 1
    assert re.fullmatch(
        rf"error: the disk of {here} is full: \d+ MB are free, \d+ MB are needed\n", capsys.readouterr().err
    )


def test_a_folder_that_cannot_be_written_is_told(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def may_not(path: Path, mode: int) -> bool:
        return False

    monkeypatch.setattr(os, "access", may_not)
    assert bootstrap.main(["run"]) == 1
    assert capsys.readouterr().err == f"error: {here} cannot be written; clone Steward to a folder of your own\n"


def test_an_unknown_benchmark_is_told(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "benchmarks").mkdir()
    (here / "benchmarks" / "listing.py").write_text("")
    monkeypatch.setattr(bootstrap, "ensure_environment", print)
    assert bootstrap.main(["bench", "nothere"]) == 1
    assert capsys.readouterr().err == "error: there is no benchmark 'nothere'; there are: listing\n"


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["WARNING: Retrying: NewConnectionError('x')", "ERROR: No matching distribution found for a"], "out of reach"),
        (
            ["ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", ""],
            "No space left",
        ),
        (["nothing that says error"], "nothing that says error"),
        ([], "no reason given"),
    ],
)
def test_the_line_that_tells_most_is_chosen(lines: list[str], told: str) -> None:
    assert told in bootstrap.last_error(lines)


# ---------------------------------------------------------------- what the tests need


def test_missing_node_packages_are_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(testing, "ROOT", tmp_path)
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
    (tmp_path / "package.json").write_text('{"dependencies": {"nothere": "1.0.0"}}')
    (tmp_path / "package-lock.json").write_text(
        '{"lockfileVersion": 3, "packages": {"": {"dependencies": {"nothere": "1.0.0"}},'
        ' "node_modules/nothere": {"version": "1.0.0"}}}'
    )
    assert testing.main([]) == 1
    err = capsys.readouterr().err.splitlines()
    assert err[-1].startswith("error: the Node packages could not be installed: ")
    assert not (tmp_path / "node_modules" / ".made-from").exists()


def test_a_browser_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = tmp_path / "my browser"
    browser.write_text("#!/bin/sh\nexit 0\n")
    browser.chmod(0o755)
    monkeypatch.setenv("STEWARD_TEST_CHROMIUM", str(browser))
    assert testing.ensure_chromium() == browser


def test_a_browser_that_does_not_start_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, script in (("chromium", "exit 1"), ("google-chrome", "exit 0")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.delenv("STEWARD_TEST_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert testing.find_chromium() == tmp_path / "google-chrome"


def test_postgres_15_is_looked_for_where_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEWARD_TEST_POSTGRES_15", str(tmp_path))
    with pytest.raises(testing.NotReady, match="there is no initdb in it"):
        testing.find_postgres_15()
    (tmp_path / "initdb").touch()
    assert testing.find_postgres_15() == tmp_path


def test_a_machine_without_postgres_15_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STEWARD_TEST_POSTGRES_15", raising=False)
    monkeypatch.setattr(testing, "POSTGRES_15_FOLDERS", ("/nowhere",))
    with pytest.raises(testing.NotReady, match=r"apt install postgresql-15"):
        testing.find_postgres_15()


def test_postgres_15_comes_with_what_the_lint_of_supabase_asks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[tuple[str, ...]] = []

    def install(*packages: str) -> bool:
        asked.append(packages)
        return True

    monkeypatch.setattr(testing, "install", install)
    monkeypatch.delenv("STEWARD_TEST_POSTGRES_15", raising=False)
    monkeypatch.setattr(testing, "POSTGRES_15_FOLDERS", (str(tmp_path),))
    (tmp_path / "initdb").touch()
    monkeypatch.setattr(testing, "PLPGSQL_CHECK", str(tmp_path / "initdb"))
    testing.ensure_postgres_15()
    assert asked == []
    monkeypatch.setattr(testing, "PLPGSQL_CHECK", str(tmp_path / "missing"))
    testing.ensure_postgres_15()
    assert asked == [("postgresql-15", "postgresql-15-plpgsql-check")]
    monkeypatch.setenv("STEWARD_TEST_POSTGRES_15", str(tmp_path))  # somebody's own: theirs to complete
    testing.ensure_postgres_15()
    assert len(asked) == 1


def test_node_is_the_one_of_the_lock() -> None:
    done = subprocess.run([testing.node_program(), "--version"], capture_output=True, text=True, check=True)
    assert int(done.stdout.removeprefix("v").split(".")[0]) >= 20


# ---------------------------------------------------------------- the locks


@pytest.mark.parametrize("kind", ["run", "dev"])
def test_a_lock_has_a_hash_for_each_package_and_no_address(kind: str) -> None:
    text = (ROOT / "requirements" / f"{kind}.lock").read_text()
    assert "://" not in text
    packages = re.split(r"\n(?=[a-zA-Z0-9])", text)[1:]
    assert [package.split("==")[0] for package in packages if "--hash=sha256:" not in package] == []


def test_the_tests_run_on_the_packages_that_the_product_runs_on() -> None:
    def versions(kind: str) -> set[str]:
        return set(
            re.findall(r"^[\w.\[\],-]+==\S+", (ROOT / "requirements" / f"{kind}.lock").read_text(), re.MULTILINE)
        )

    assert versions("run") <= versions("dev")


def test_the_node_packages_are_locked_without_addresses() -> None:
    text = (ROOT / "package-lock.json").read_text()
    assert '"resolved"' not in text
    assert '"integrity": "sha512-' in text


def test_continuous_integration_runs_what_a_person_types() -> None:
    assert "\nmake test\n" in (ROOT / ".ci" / "run").read_text()
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    assert all(f"run: make {what}\n" in workflow for what in ("lint types", "docs", "test"))
