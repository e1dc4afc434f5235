"""Traces, where somebody wants them: `span(name, **attributes)` around what takes time.

Without a collector configured a span is one shared object that does nothing, and OpenTelemetry is not even imported.
With one, spans go there over OTLP/HTTP. They carry ids, names and numbers, never what people wrote: no parameters of
database calls, no prompts, no messages of exceptions.
"""

from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

import structlog

from core.logging import MASK, is_private
from core.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Generator

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

log = structlog.get_logger()
PACKAGES = "opentelemetry-sdk opentelemetry-exporter-otlp-proto-http"
Attribute = str | bool | int | float | UUID | None


class Spanning(Protocol):
    """The span that is open; more may be said of it while it lasts."""

    def note(self, **attributes: Attribute) -> None:
        """Add attributes; those that are None are left out."""
        ...


class _Nothing:
    """The span of a process that traces nothing."""

    __slots__ = ()

    def __enter__(self) -> "_Nothing":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def note(self, **attributes: Attribute) -> None:
        """Nothing is kept."""


_NOTHING = _Nothing()
_tracer: "Tracer | None" = None


def span(name: str, parent: "Context | None" = None, /, **attributes: Attribute) -> AbstractContextManager[Spanning]:
    """A span for as long as the block runs, inside the one around it. An error marks it with the error's kind alone.

    `with span("run", task_id=task.id) as run: ...; run.note(outcome="completed")`
    """
    if _tracer is None:
        return _NOTHING
    return _Span(_tracer, name, parent, attributes).open()


def is_tracing() -> bool:
    """Do spans go anywhere?"""
    return _tracer is not None


def set_up_tracing(settings: Settings) -> bool:
    """Send spans to the collector of the settings. False, with a word in the log where it was wished for, if not.

    Spans are sent in batches by a thread of its own; the end of the process sends the rest.
    """
    if settings.otlp_endpoint is None:
        return False
    try:
        exporter = import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
        sdk = import_module("opentelemetry.sdk.trace")
        export = import_module("opentelemetry.sdk.trace.export")
    except ImportError as error:
        log.warning(
            "traces_are_off",
            reason=f"STEWARD_OTLP_ENDPOINT is set, but {error.name} is missing",
            install=f"pip install {PACKAGES}",
        )
        return False
    address = settings.otlp_endpoint.rstrip("/")
    if not address.endswith("/v1/traces"):
        address += "/v1/traces"
    # No events on spans: they would hold the messages of exceptions, which quote what people wrote.
    provider = sdk.TracerProvider(resource=_resource(), span_limits=sdk.SpanLimits(max_events=0))
    provider.add_span_processor(export.BatchSpanProcessor(exporter.OTLPSpanExporter(endpoint=address)))
    use_provider(provider)
    return True


def use_provider(provider: "TracerProvider | None") -> None:
    """Give spans to this provider from now on, those of model calls too; None traces nothing."""
    global _tracer  # noqa: PLW0603 - one process traces to one place
    if provider is None and _tracer is None:
        return
    from pydantic_ai import Agent
    from pydantic_ai.models.instrumented import InstrumentationSettings

    if provider is None:
        _tracer = None
        Agent.instrument_all(False)
        return
    _tracer = provider.get_tracer("steward")
    Agent.instrument_all(InstrumentationSettings(tracer_provider=provider, include_content=False))


def parent_from(headers: dict[str, str]) -> "Context | None":
    """The span of a caller elsewhere that `traceparent` names (W3C Trace Context); None where nobody traces."""
    if _tracer is None or "traceparent" not in headers:
        return None
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract(headers)


class _Span:
    """A span of OpenTelemetry behind the house's own words."""

    def __init__(
        self, tracer: "Tracer", name: str, parent: "Context | None", attributes: "dict[str, Attribute]"
    ) -> None:
        self._tracer = tracer
        self._name = name
        self._parent = parent
        self._attributes = attributes
        self._span: Any = None

    @contextmanager
    def open(self) -> "Generator[Spanning]":
        from opentelemetry.trace import Status, StatusCode

        with self._tracer.start_as_current_span(
            self._name, context=self._parent, record_exception=False, set_status_on_exception=False
        ) as self._span:
            self.note(**self._attributes)
            try:
                yield self
            except BaseException as error:
                self._span.set_status(Status(StatusCode.ERROR, type(error).__name__))
                raise

    def note(self, **attributes: Attribute) -> None:
        for name, value in attributes.items():
            if value is not None:
                kept = MASK if is_private(name) else str(value) if isinstance(value, UUID) else value
                self._span.set_attribute(name, kept)


def _resource() -> Any:
    from os import environ

    resources = import_module("opentelemetry.sdk.resources")
    named = "OTEL_SERVICE_NAME" in environ or "service.name=" in environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    return resources.Resource.create({} if named else {"service.name": "steward"})
