"""Logging: structlog events with bound ids, calm text on a terminal and a line of JSON elsewhere.

Bodies of mail and tokens never belong into an event. What carries such a name is masked all the same, however deep it
lies, and so is what looks like a credential inside any text.
"""

import io
import logging
import re
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import IO, TextIO, cast

import structlog
from structlog.typing import EventDict, ExcInfo, Processor

from core.settings import Settings

MASK = "[not logged]"
MASKED = frozenset(
    {"body", "text", "html", "content", "prompt", "raw", "payload", "cookie", "authorization", "csrf", "jwt", "apikey"}
)
MASKED_ENDINGS = ("token", "password", "passwd", "secret", "api_key", "_body", "_text", "_html", "_cookie")
DEEPEST = 8
SIGNING = ("boto3", "botocore", "s3transfer", "urllib3")  # their debug events quote signatures and signed addresses
STEERING = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
CREDENTIALS = (
    (re.compile(r"\b(bearer|basic)\s+(?=[\w.~+/=-]*\d|[\w.~+/=-]{20})[\w.~+/=-]{6,}", re.IGNORECASE), r"\1 " + MASK),
    (re.compile(r"(?<=://)[^\s/@'\"]*:[^\s/@'\"]+(?=@)"), MASK),  # user:password@ of a URL
    (re.compile(r"\b([\w-]*(?:token|password|passwd|secret|api_?key))=[^\s&'\"]+", re.IGNORECASE), r"\1=" + MASK),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"), MASK),  # a JSON Web Token
    (re.compile(r"\bsk-[\w-]{16,}"), MASK),  # a key of an OpenAI-compatible server
    (
        re.compile(r"\b(?:sb_secret|stw|sta)_[\w-]{16,}"),
        MASK,
    ),  # a key of Supabase's, a program's and an agent's token of ours
    (re.compile(r"(?<=/invitations/)[\w-]{20,}"), MASK),
)
MAYBE_CREDENTIAL = re.compile(r"bearer|basic|://|token|passw|secret|key|eyJ|sk-|stw_|sta_|/invitations/", re.IGNORECASE)


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
    for name in SIGNING:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def bound(**ids: object) -> AbstractContextManager[None]:
    """Every event inside the block carries these ids (task_id, run_id, worker_id, user_id); None ones are left out."""
    return structlog.contextvars.bound_contextvars(**{n: str(v) for n, v in ids.items() if v is not None})


def mask_private(logger: object, method: str, event: EventDict) -> EventDict:
    """The event without what people wrote and what opens doors, at any depth."""
    for name, value in event.items():
        if name == "exc_info":
            continue  # no text yet; a renderer makes it one, and that is masked
        event[name] = MASK if name != "event" and is_private(name) else _masked(value)
    return event


def is_private(name: str) -> bool:
    """Is what carries this name a body of a mail, or something that opens doors?"""
    plain = name.casefold().replace("-", "_")
    return plain in MASKED or plain.endswith(MASKED_ENDINGS)


def mask_credentials(text: str) -> str:
    """The text without what looks like a credential: Bearer tokens, passwords in URLs, `token=...`, JWTs, keys."""
    if MAYBE_CREDENTIAL.search(text):
        for pattern, replacement in CREDENTIALS:
            text = pattern.sub(replacement, text)
    return text


def _masked(value: object, depth: int = 0) -> object:
    if isinstance(value, str):
        return mask_credentials(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return MASK
    if depth >= DEEPEST and isinstance(value, Mapping | list | tuple | set | frozenset):
        return MASK
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value).items()
        return {n: MASK if is_private(str(n)) else _masked(v, depth + 1) for n, v in items}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(item, depth + 1) for item in cast("list[object]", value)]
    return value


def _on_one_line(logger: object, method: str, event: EventDict) -> EventDict:
    """The event without line breaks and signs that steer a terminal: no text becomes a line that nobody logged."""
    return {name: _escaped(value) if isinstance(value, str) else value for name, value in event.items()}


def _indented_traceback(to: TextIO, exc_info: ExcInfo) -> None:
    plain = io.StringIO()
    structlog.dev.plain_traceback(plain, exc_info)
    to.write("\n".join(f"  {_escaped(line)}" for line in plain.getvalue().split("\n")))


def _escaped(text: str) -> str:
    return STEERING.sub(lambda sign: sign[0].encode("unicode_escape").decode(), text)


def _renderers(is_json: bool, stream: IO[str]) -> list[Processor]:
    # No tracebacks with local variables: they hold what people wrote. Masked after them: errors quote things.
    if is_json:
        without_locals = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        return [
            structlog.processors.ExceptionRenderer(without_locals),
            mask_private,
            structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
        ]
    console = structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=_indented_traceback)
    return [mask_private, _on_one_line, console, lambda _logger, _method, line: mask_credentials(str(line))]
