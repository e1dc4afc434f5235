"""The guide to the policy: its example runs, and it names every effect, field and reason that there is."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from tasks.policy import Action, Decision, Effect, Permission, Policy, Provenance, Reason

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs" / "guide" / "policy.md").read_text("utf-8")
WORDS = set(re.findall(r"[a-z_]+", GUIDE))
SOURCES = "\n".join((ROOT / "tasks" / name).read_text("utf-8") for name in ("policy.py", "concerns.py"))


def test_the_example_runs() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    exec(compile(example, "policy.md", "exec"), {})  # nosec B102 # our own page


@pytest.mark.parametrize("kind", [Action, Provenance, Policy, Permission, Decision, Reason])
def test_every_field_is_in_the_guide(kind: type) -> None:
    names = {field.name for field in fields(kind)} - {"message"}
    assert names - WORDS == set()


def test_every_effect_is_in_the_guide() -> None:
    assert {effect.value for effect in Effect} - WORDS == set()


def test_every_reason_is_in_the_guide() -> None:
    codes = set(re.findall(r'(?:Reason|_reason)\(\s*"([a-z_]+)"', SOURCES))
    assert len(codes) > 10
    assert {code for code in codes if not code.startswith(("always_asks",))} - WORDS == set()
