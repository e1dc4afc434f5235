"""What a web tier imports before anybody asks it anything: a cold start pays for all of it."""

import subprocess
import sys

LATE = {
    "aiohttp",
    "boto3",
    "google.oauth2",
    "googleapiclient",
    "mangum",
    "mcp",
    "openai",
    "playwright",
    "postgrest",
    "pydantic_ai",
    "slack_bolt",
    "slack_sdk",
    "storage3",
    "supabase",
    "supabase_auth",
    "tavily",
}


OF_WORKERS = {"agents.proactive.watch", "jobs.watching", "jobs.worker"}


def loaded_by(modules: str) -> set[str]:
    """What is in memory after a fresh Python has imported these."""
    code = f"import sys, {modules}; print(' '.join(sys.modules))"
    return set(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split())


def test_what_is_heavy_is_imported_when_it_is_first_used() -> None:
    assert not loaded_by("jobs.worker, cli.main, cli.serving") & LATE
    assert not loaded_by("app.main") & (LATE | OF_WORKERS)
