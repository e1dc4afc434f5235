"""Image, compose, Kubernetes, systemd, Fly, Railway and GitHub's workflows: valid by their schemas, and true of this repository."""

import fnmatch
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from typer.main import get_command

from cli.main import app
from cli.testing import ROOT
from core.settings import Settings, variable_name
from infra.docker.healthcheck import is_worker
from tests.dockerfile import instructions

INFRA = ROOT / "infra"
MANIFESTS = sorted((INFRA / "kubernetes").glob("*.yaml"))
UNITS = sorted((INFRA / "systemd").glob("*.service"))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
GUIDES = [ROOT / "docs" / "guide" / name for name in ("operations.md", "deploy.md", "backup.md")]
TOLD = [
    *(ROOT / name for name in ("Dockerfile", "compose.yaml", ".ci/run")), *MANIFESTS, *UNITS, *WORKFLOWS, *GUIDES,
    INFRA / "docker/steward.env.example", INFRA / "docker/try-image", INFRA / "fly/fly.toml",
    *sorted((INFRA / "railway").glob("*.json")),
]  # fmt: skip
VARIABLES = {variable_name(field) for field in Settings.model_fields}
ELSEWHERE = {"STEWARD_IMAGE", "STEWARD_TEST_POSTGRES_15", "STEWARD_TEST_CHROMIUM"}  # of compose, and of the tests
PORT = 8765
Object = dict[str, Any]


def program(name: str) -> str:
    return str(Path(sys.executable).parent / name)


def valid(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def objects(*kinds: str) -> Iterator[Object]:
    for file in MANIFESTS:
        for one in yaml.safe_load_all(file.read_text()):
            if one["kind"] in kinds:
                yield one


def pods() -> Iterator[Object]:
    for one in objects("Deployment", "Job"):
        yield one["spec"]["template"]


def asked_of_steward(words: list[str]) -> None:
    """A command of `steward` with only options that it has."""
    command = cast("Any", get_command(app)).commands.get(words[0])
    assert command is not None, words
    options = {option for parameter in command.params for option in parameter.opts}
    for word in words[1:]:
        assert not word.startswith("--") or word.split("=")[0] in options, words


# ---------------------------------------------------------------- by their schemas


def test_manifests_are_what_kubernetes_takes_and_those_of_the_kustomization_are_there() -> None:
    listed = yaml.safe_load((INFRA / "kubernetes/kustomization.yaml").read_text())["resources"]
    names = {file.name for file in MANIFESTS}
    assert {*listed, "kustomization.yaml", "secret.example.yaml"} == names
    valid(
        program("kubernetes-validate"),
        "--strict",
        "--quiet",
        *(str(file) for file in MANIFESTS if file.name != "kustomization.yaml"),
    )


def test_compose_and_workflows_are_what_their_schemas_say() -> None:
    check = program("check-jsonschema")
    valid(check, "--builtin-schema", "vendor.compose-spec", "compose.yaml")
    valid(check, "--builtin-schema", "vendor.github-workflows", *map(str, WORKFLOWS))
    valid(check, "--builtin-schema", "custom.github-workflows-require-timeout", *map(str, WORKFLOWS))


# ---------------------------------------------------------------- the image


def test_the_image_runs_as_nobody_in_particular_and_says_how_it_is() -> None:
    steps = instructions()
    last = {step.word: step for step in steps if step.stage == 1}
    assert last["USER"].value == "10001:10001"
    assert [step.word for step in steps].index("USER") > max(
        n for n, step in enumerate(steps) if step.word in {"RUN", "COPY"}
    )
    assert last["STOPSIGNAL"].value == "SIGTERM"
    assert last["VOLUME"].value == "/data"
    assert last["EXPOSE"].value == str(PORT)
    assert last["HEALTHCHECK"].words == ["/opt/steward/bin/python", "-I", "/app/infra/docker/healthcheck.py"]
    assert (last["ENTRYPOINT"].words, last["CMD"].words) == (["steward"], ["run", "--no-browser"])
    bases = {step.value.split(" ")[0] for step in steps if step.word == "FROM"}
    assert len(bases) == 1
    assert re.fullmatch(r"python:3\.\d+-slim-\w+", bases.pop())
    installs = [step.value for step in steps if step.word == "RUN" and "pip install" in step.value]
    assert "--require-hashes" in installs[0]
    assert "--no-deps" in installs[1]


def ignored(path: str) -> bool:
    """By .dockerignore: the last pattern that fits a path or a folder above it decides."""
    parts = path.split("/")
    above = ["/".join(parts[: n + 1]) for n in range(len(parts))]
    state = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.lstrip("!")
        if not line.strip() or line.startswith("#"):
            continue
        fits = any(
            fnmatch.fnmatch(one, pattern) or (pattern.startswith("**/") and fnmatch.fnmatch(one, pattern[3:]))
            for one in above
        )
        if pattern == "*":
            fits = True
        if fits:
            state = not line.startswith("!")
    return state


def test_the_image_gets_the_product_alone() -> None:
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]["include"]
    copied = [word for step in instructions() if step.word == "COPY" and not step.flags for word in step.words[:-1]]
    assert {name.rstrip("*") for name in packages} | {"supabase"} <= set(copied)
    for source in copied:
        assert (ROOT / source).exists()
        assert not ignored(source) or source == "supabase"
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    sent = {path.split("/")[0] for path in tracked if not ignored(path)}
    assert sent == {*(name.rstrip("*") for name in packages), "supabase", "infra", "requirements", "pyproject.toml"}
    assert not ignored("supabase/migrations/20261121000100_tenancy.sql")
    for kept_out in (
        ".git/config", "tests/conftest.py", ".venv/bin/python", "node_modules/x", "steward.env", "core/.env", "app/prod.env", "core/x.key",
        "cli/cert.pem", "core/__pycache__/x.pyc", "supabase/seed.sql", "infra/kubernetes/secret.example.yaml", "docs/guide/deploy.md", "README.md",
    ):  # fmt: skip
        assert ignored(kept_out), kept_out


@pytest.fixture
def answering() -> Generator[int]:
    """A port where /healthz is answered with 200, and everything else with 503."""
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/healthz" else 503)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_health_of_a_container(answering: int) -> None:
    check = [sys.executable, "-I", str(INFRA / "docker/healthcheck.py")]
    for port, code in ((answering, 0), (1, 1)):
        environment = {"STEWARD_PORT": str(port), "http_proxy": "http://127.0.0.1:1"}
        done = subprocess.run(check, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
    assert is_worker(b"/opt/steward/bin/python\0/opt/steward/bin/steward\0worker\0")
    assert is_worker(b"/sbin/docker-init\0--\0steward\0worker\0--concurrency\x002\0")
    for command in (b"", b"steward\0web\0", b"steward\0run\0worker\0", b"worker\0"):
        assert not is_worker(command)


# ---------------------------------------------------------------- true of this repository


def test_every_command_exists_with_its_options() -> None:
    targets = set(re.findall(r"^TARGETS = (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[0].split())
    seen = 0
    for file in TOLD:
        for line in file.read_text().splitlines():
            for words in re.findall(
                r"(?:^|[\s`\"/(:])steward ((?:run|web|worker|migrate|backup|restore|keys|link|doctor|token)\b[^`#\"|,;)&>]*)",
                line,
            ):
                if not line.lstrip().startswith("#") or "`steward" in line:
                    given = words.split()
                    seen += 1
                    if given[0] not in {"keys", "token"}:
                        asked_of_steward([given[0], *(re.sub(r"[.:]+$", "", word) for word in given[1:])])
            made = re.findall(r"(?:^|run: |`|&& )make ((?:[a-z]+ ?)+)", line) if "made" not in line else []
            for words in made:
                assert set(words.split()) <= targets, (file.name, line)
    assert seen > 15
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    for service in compose["services"].values():
        asked_of_steward(service.get("command", ["run", "--no-browser"]))
    for pod in pods():
        asked_of_steward(pod["spec"]["containers"][0]["args"])
    fly = tomllib.loads((INFRA / "fly/fly.toml").read_text())
    for words in (*fly["processes"].values(), fly["deploy"]["release_command"]):
        asked_of_steward(words.split())
    for file in (INFRA / "railway").glob("*.json"):
        deploy = json.loads(file.read_text())["deploy"]
        for words in (deploy["startCommand"], *deploy.get("preDeployCommand", [])):
            asked_of_steward(words.removeprefix("steward ").split())


def test_every_variable_is_a_setting() -> None:
    for file in TOLD:
        for name in re.findall(r"\b((?:STEWARD|SUPABASE|OPENAI)_[A-Z0-9_]+[A-Z0-9])\b", file.read_text()):
            assert name in VARIABLES | ELSEWHERE, f"{file.name}: {name}"


def test_ports_and_paths_agree() -> None:
    assert Settings.model_fields["port"].default == PORT
    paths = {"/" + str(path.parent.relative_to(ROOT / "app")) for path in (ROOT / "app").glob("*z/route.py")}
    assert paths == {"/healthz", "/readyz"}
    web = next(one for one in objects("Deployment") if one["metadata"]["name"] == "steward-web")["spec"]["template"][
        "spec"
    ]["containers"][0]
    assert web["ports"] == [{"name": "http", "containerPort": PORT}]
    probes = {name: web[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}
    assert {name: probe["path"] for name, probe in probes.items()} == {
        "startup": "/healthz",
        "liveness": "/healthz",
        "readiness": "/readyz",
    }
    assert {probe["port"] for probe in probes.values()} == {"http"}
    service = next(objects("Service"))["spec"]
    assert service["ports"][0]["targetPort"] == "http"
    backend = next(objects("Ingress"))["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
    assert backend == {"name": "steward", "port": {"name": "http"}}
    policy = next(one for one in objects("NetworkPolicy") if one["metadata"]["name"] == "steward-web")
    assert policy["spec"]["ingress"][0]["ports"] == [{"port": PORT, "protocol": "TCP"}]
    fly = tomllib.loads((INFRA / "fly/fly.toml").read_text())["http_service"]
    assert (fly["internal_port"], fly["checks"][0]["path"]) == (PORT, "/readyz")
    for service in yaml.safe_load((ROOT / "compose.yaml").read_text())["services"].values():
        assert service.get("ports", [f"127.0.0.1:{PORT}:{PORT}"]) == [f"127.0.0.1:{PORT}:{PORT}"]


def test_pods_have_no_rights_and_selectors_find_them() -> None:
    labels = [pod["metadata"]["labels"] for pod in pods()]
    for pod in pods():
        spec = pod["spec"]
        assert spec["securityContext"] == {
            "runAsNonRoot": True, "runAsUser": 10001, "runAsGroup": 10001, "fsGroup": 10001, "seccompProfile": {"type": "RuntimeDefault"},
        }  # fmt: skip
        assert spec["automountServiceAccountToken"] is False
        (container,) = spec["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
        }  # fmt: skip
        assert container["resources"]["requests"].keys() >= {"cpu", "memory"}
        assert container["resources"]["limits"].keys() == {"memory"}
        assert {mount["mountPath"] for mount in container["volumeMounts"]} == {"/data", "/tmp"}
        assert {next(iter(one.values()))["name"] for one in container["envFrom"]} == {"steward"}
    for one in objects("Deployment", "PodDisruptionBudget", "Service"):
        chosen = one["spec"]["selector"].get("matchLabels", one["spec"]["selector"])
        assert chosen in labels
    targets = {one["metadata"]["name"] for one in objects("Deployment")}
    assert {one["spec"]["scaleTargetRef"]["name"] for one in objects("HorizontalPodAutoscaler")} <= targets


def test_no_file_holds_a_secret() -> None:
    (example,) = objects("Secret")
    secret = {
        variable_name(name) for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)
    }
    for name, value in example["stringData"].items():
        assert value == "" or "PROJECT" in value, name
    for config in objects("ConfigMap"):
        assert not secret & config["data"].keys()
    for service in yaml.safe_load((ROOT / "compose.yaml").read_text())["services"].values():
        assert service.get("environment", {}) in ({}, {"STEWARD_HOST": "127.0.0.1"})
        assert (service.get("network_mode") == "host") == (service.get("profiles") == ["local"])
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
    for line in (INFRA / "docker/steward.env.example").read_text().splitlines():
        name, _, value = line.partition("=")
        assert name not in secret or value == "", name
    needed = {"STEWARD_DATABASE_URL", "SUPABASE_URL", "SUPABASE_PUBLISHABLE_KEY", "STEWARD_SECRET_KEY", "STEWARD_ENCRYPTION_KEYS",
              "STEWARD_PUBLIC_URL", "STEWARD_TRUSTED_PROXIES", "STEWARD_OWNER_EMAIL"}  # fmt: skip
    configured = {
        name for one in objects("Secret", "ConfigMap") for name in {**one.get("stringData", {}), **one.get("data", {})}
    }
    assert needed <= configured
    assert needed <= set(re.findall(r"^(\w+)=", (INFRA / "docker/steward.env.example").read_text(), re.MULTILINE))
    assert needed <= set(
        re.findall(r"\b[A-Z_]{8,}\b", (ROOT / "docs/guide/deploy.md").read_text().split("## Docker")[0])
    )
    assert subprocess.run(["git", "check-ignore", "-q", "steward.env"], cwd=ROOT, check=False).returncode == 0


def test_workflows_may_do_little_and_take_actions_of_a_version() -> None:
    for file in WORKFLOWS:
        workflow = yaml.safe_load(file.read_text())
        assert workflow["permissions"] == {"contents": "read"}
        for job in workflow["jobs"].values():
            assert re.fullmatch(r"ubuntu-\d\d\.\d\d", job["runs-on"])
            for step in job["steps"]:
                assert "uses" not in step or re.fullmatch(r"[\w-]+/[\w.-]+@(v\d+|[0-9a-f]{40})", step["uses"])
                assert "${{" not in step.get("run", "")  # nothing of a pull request becomes a command
                if str(step.get("uses", "")).startswith("actions/checkout"):
                    assert step["with"] == {"persist-credentials": False}
    release = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())
    assert release[True] == {"push": {"tags": ["v*.*.*"]}}  # `on` is a truth of YAML 1.1


def test_units_are_hardened_alike_and_start_what_there_is() -> None:
    wanted = {
        "User": "steward", "ProtectSystem": "strict", "ProtectHome": "yes", "PrivateTmp": "yes", "NoNewPrivileges": "yes", "CapabilityBoundingSet": "",
        "UMask": "0077", "SystemCallArchitectures": "native", "StateDirectoryMode": "0700", "RestrictSUIDSGID": "yes",
    }  # fmt: skip
    for unit in UNITS:
        lines = dict(
            line.split("=", 1) for line in unit.read_text().splitlines() if "=" in line and not line.startswith("#")
        )
        assert wanted.items() <= lines.items(), unit.name
        assert lines["ExecStart"].startswith("/opt/steward/.venv/bin/steward ")
        asked_of_steward(lines["ExecStart"].split()[1:])
        assert (ROOT / lines["Documentation"].removeprefix("file:///opt/steward/")).exists()
    if analyze := shutil.which("systemd-analyze"):
        texts = {
            unit.name: re.sub(r"^(ExecStart=)\S+", r"\1/bin/true", unit.read_text(), flags=re.MULTILINE)
            for unit in UNITS
        }
        for name in texts:
            done = subprocess.run(
                [analyze, "security", "--offline=true", "--threshold=25", str(INFRA / "systemd" / name)],
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stdout[-200:] + done.stderr
