"""Logging: structlog events with bound ids, calm text on a terminal and a line of JSON elsewhere.

Bodies of mail and tokens never belong into an event; what carries such a name is masked all the same.
"""

import logging
import sys
from typing import IO

import structlog
from structlog.typing import EventDict, Processor

from core.settings import Settings

MASK = "[not logged]"
MASKED = frozenset({"body", "text", "html", "content", "prompt", "raw", "payload", "cookie", "authorization"})
MASKED_ENDINGS = ("token", "password", "secret", "api_key", "_body")


def set_up_logging(settings: Settings, to: IO[str] | None = None) -> None:
    """Log what `log_level` says, libraries' records included, to standard error. Call it once, at the start."""
    stream: IO[str] = sys.stderr if to is None else to
    is_json = settings.log_format == "json" or (settings.log_format == "auto" and not stream.isatty())
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso" if is_json else "%H:%M:%S", utc=is_json),
        mask_private,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers(is_json, stream)],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)


def mask_private(logger: object, method: str, event: EventDict) -> EventDict:
    """The event without what people wrote and what opens doors."""
    for name in event:
        if name != "event" and (name in MASKED or name.endswith(MASKED_ENDINGS)):
            event[name] = MASK
    return event


def _renderers(is_json: bool, stream: IO[str]) -> list[Processor]:
    # No tracebacks with local variables: they hold what people wrote.
    if is_json:
        without_locals = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        return [
            structlog.processors.ExceptionRenderer(without_locals),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=plain)]
