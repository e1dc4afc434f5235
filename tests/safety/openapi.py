"""Schemathesis over the whole OpenAPI of a served house: as its owner, with a session, and as nobody; one by one and in chains."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure
from schemathesis.engine import Status, events, from_schema
from schemathesis.engine.run import PhaseName

from tests.safety.served_house import ServedHouse

Who = Literal["bearer", "session", "nobody"]
SEED = 20260304
REQUEST_SECONDS = 45  # executing a task with `wait` answers after 30 at the latest
LONGEST_CHAIN = 8
CHAINS_FOR_AN_EXAMPLE = 10
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
    "use_after_free",
)


@dataclass
class OpenapiReport:
    """What was asked and what was wrong: one line for each failure, `operation: what` (the id of the case last)."""

    operations: int = 0
    cases: int = 0
    chains: int = 0
    server_errors: list[str] = field(default_factory=list[str])
    undocumented: list[str] = field(default_factory=list[str])

    def as_json(self) -> dict[str, Any]:
        """Numbers for the line of `make safety`."""
        return {
            "operations": self.operations,
            "cases": self.cases,
            "chains": self.chains,
            "server_errors": len(self.server_errors),
            "undocumented": len(self.undocumented),
        }


def run_openapi(house: ServedHouse, *, seconds: int | None = None, most_examples: int = 5) -> OpenapiReport:
    """Ask everything as everybody. With `seconds` the time is spent in thirds; without, `most_examples` each, one seed."""
    report = OpenapiReport()
    seen: set[str] = set()
    people: tuple[Who, ...] = ("bearer", "session", "nobody")
    for who in people:
        for event in _events(house, who, seconds // len(people) if seconds else None, most_examples):
            _note(report, event, who, seen)
    report.operations = len(seen)
    return report


def _events(house: ServedHouse, who: Who, seconds: int | None, most_examples: int) -> Iterator[events.EngineEvent]:
    is_first, is_deep = who == "bearer", bool(seconds)
    # A session rides in a header that is set on every request, also where the check thinks that it sent a wrong one.
    ignored_auth = {"ignored_auth": {"enabled": is_first}}
    config: dict[str, Any] = {
        "seed": SEED,
        "workers": 1,
        "continue-on-failure": True,
        "request-timeout": REQUEST_SECONDS,
        "headers": _headers(house, who),
        "generation": {"max-examples": most_examples, "database": "none", "no-shrink": True},
        "checks": {"enabled": False, **{name: {"enabled": True} for name in CHECKS}, **ignored_auth},
        "phases": {
            "examples": {"enabled": is_first},
            "coverage": {"enabled": is_deep, "unexpected-methods": ["PUT", "TRACE"]},
            "fuzzing": {"enabled": True},
            "stateful": {
                "enabled": who != "nobody",
                "max-steps": LONGEST_CHAIN,
                "generation": {"max-examples": most_examples * CHAINS_FOR_AN_EXAMPLE},
            },
        },
        "suppress-health-check": ["all"],
        "cache": {"enabled": False},
    }
    if seconds:
        config["max-time"] = seconds
    schema = schemathesis.openapi.from_url(
        f"{house.url}/openapi.json", timeout=60, config=SchemathesisConfig.from_dict(config)
    )
    yield from from_schema(schema).execute()


def _headers(house: ServedHouse, who: Who) -> dict[str, str]:
    match who:
        case "bearer":
            return {"Authorization": f"Bearer {house.bearer}"}
        case "session":
            return {"Cookie": f"steward_session={house.session}", "X-CSRF-Token": house.csrf}
        case "nobody":
            return {}


def _note(report: OpenapiReport, event: events.EngineEvent, who: Who, seen: set[str]) -> None:
    if isinstance(event, events.NonFatalError | events.FatalError):
        raise RuntimeError(f"Schemathesis itself failed as {who}") from _error_of(event)
    if not isinstance(event, events.ScenarioFinished):
        return
    cases = event.recorder.cases
    report.cases += len(event.recorder.interactions)
    report.chains += len(cases) > 1 and event.phase is PhaseName.STATEFUL_TESTING
    labels = {case_id: str(cast("Any", node.value).operation.label) for case_id, node in cases.items()}
    seen.update(labels.values())
    for case_id, checks in event.recorder.checks.items():
        for check in checks:
            if check.status is Status.FAILURE and check.failure_info is not None:
                failure = check.failure_info.failure
                target = report.server_errors if _is_server_error(failure) else report.undocumented
                target.append(f"{labels[case_id]} as {who}: {failure.title}: {failure.message} ({case_id})")


def _is_server_error(failure: Failure) -> bool:
    return type(failure).__name__ in {"ServerError", "RequestTimeout"}


def _error_of(event: events.NonFatalError | events.FatalError) -> Exception:
    return event.value if isinstance(event, events.NonFatalError) else event.exception
