"""What others' eyes see: Bandit over our code, pip-audit over the lock that people install."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import orjson

ROOT = Path(__file__).resolve().parents[2]
OURS = ("app", "jobs", "agents", "integrations", "tasks", "core", "cli")
LOCK = ROOT / "requirements" / "run.lock"
SERVICES = ("pypi", "osv")
BANDIT_SECONDS = 120
AUDIT_SECONDS = 60
SERVICE_SECONDS = 10  # for one connection to an advisory service


async def bandit(*paths: str) -> list[str]:
    """What Bandit finds in our packages (or in `paths`): `path:line test what`."""
    words = ["-r", *(paths or OURS), "-q", "-f", "json"]
    said, _ = await _run("bandit", *words, seconds=BANDIT_SECONDS)
    report = orjson.loads(said)
    if report["errors"]:
        raise RuntimeError(f"Bandit could not read: {report['errors']}")
    return [
        f"{found['filename']}:{found['line_number']} {found['test_id']} {found['issue_text']}"
        for found in report["results"]
    ]


async def pip_audit(lock: Path = LOCK) -> str:
    """`clean`, `N vulnerabilities`, or `not reachable` where no advisory service told of every package of the lock."""
    for service in SERVICES:
        verdict = verdict_of(await _asked(service, lock))
        if verdict:
            return verdict
    return "not reachable"


def verdict_of(report: list[dict[str, Any]]) -> str | None:
    """`clean` or `N vulnerabilities`; None where nothing was told of some package: pip-audit itself calls that well."""
    if not report or any("skip_reason" in package for package in report):
        return None
    count = sum(len(package["vulns"]) for package in report)
    return f"{count} vulnerabilities" if count else "clean"


async def audit() -> dict[str, Any]:
    """Both, for the line of `make safety`."""
    found, packages = await asyncio.gather(bandit(), pip_audit())
    return {"bandit": len(found), "pip_audit": packages}


async def _asked(service: str, lock: Path) -> list[dict[str, Any]]:
    """What one advisory service says of the lock; nothing where it does not answer in time."""
    words = ["--no-deps", "--disable-pip", "--progress-spinner", "off", "--timeout", str(SERVICE_SECONDS)]
    said, _ = await _run("pip_audit", *words, "-r", str(lock), "-s", service, "-f", "json", seconds=AUDIT_SECONDS)
    try:
        return list(orjson.loads(said)["dependencies"])
    except (orjson.JSONDecodeError, KeyError):
        return []


async def _run(module: str, *words: str, seconds: int) -> tuple[bytes, int]:
    """Output and exit code of a module of this environment; nothing and -1 where it takes too long."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *words,
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        said, _ = await asyncio.wait_for(process.communicate(), seconds)
    except TimeoutError:
        process.kill()
        await process.wait()
        return b"", -1
    return said, process.returncode or 0


if __name__ == "__main__":
    print(orjson.dumps(asyncio.run(audit())).decode())
