"""boto3 on threads, its errors as ours. Region, keys and endpoints come from the variables that AWS names."""

import asyncio
import contextvars
import os
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from core.errors import Forbidden, Invalid, NotFound, StewardError, TooMany, Unavailable

T = TypeVar("T")
NO_OBJECT = {"NoSuchKey", "NotFound", "404"}
MISSING = {*NO_OBJECT, "NoSuchBucket", "ResourceNotFoundException"}
ALREADY_THERE = {"PreconditionFailed", "412", "ConditionalRequestConflict", "409"}  # an object that was to be new
BAD_KEY = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken"}
REFUSED = {"403", "AccessDenied", "AccessDeniedException", *BAD_KEY}
TOO_MANY = {"TooManyRequestsException", "ThrottlingException", "SlowDown", "Throttling"}
WRONG = {"RequestTooLargeException", "InvalidRequestContentException", "InvalidParameterValueException"}


def region_name() -> str | None:
    """AWS_REGION or AWS_DEFAULT_REGION; None leaves it to the profile. boto3 by itself reads the second alone."""
    return os.environ.get("AWS_REGION", "").strip() or os.environ.get("AWS_DEFAULT_REGION", "").strip() or None


def client(service: str, *, read_seconds: float = 30, tries: int = 3, endpoint_url: str | None = None) -> Any:
    """A client of a service; made where it is used, closed by whoever made it. `endpoint_url`: where it is no one of Amazon's."""
    from boto3.session import Session  # takes a tenth of a second: only where something of AWS is used
    from botocore.config import Config

    config = Config(
        connect_timeout=5,
        read_timeout=read_seconds,
        retries={"total_max_attempts": tries, "mode": "standard"},
        signature_version="s3v4" if service == "s3" else None,  # else addresses are signed the old way in old regions
    )
    session = cast(Any, Session())
    return session.client(service, region_name=region_name(), endpoint_url=endpoint_url, config=config)


async def on_thread(work: Callable[[], T], what: str) -> T:
    """The answer of blocking work. Raises NotFound, Forbidden, TooMany, Invalid or Unavailable, each naming `what`."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return await _on_daemon(work, what)
    except ClientError as error:
        raise _translated(error, what) from error
    except BotoCoreError as error:
        hint = "Set AWS_REGION, and keys or a role, as for the AWS command line."
        raise Unavailable(f"{what} is out of reach", detail=str(error)[:300], hint=hint) from error


async def _on_daemon(work: Callable[[], T], what: str) -> T:
    """The answer of blocking work, on a thread that nobody waits for at the end: whoever has no time left goes at once."""
    loop = asyncio.get_running_loop()
    told: asyncio.Future[T] = loop.create_future()
    context = contextvars.copy_context()

    def tell(answer: T | None, error: BaseException | None) -> None:
        if told.done():
            return  # nobody waits for it any more
        if error is None:
            told.set_result(cast("T", answer))
        else:
            told.set_exception(error)

    def run() -> None:
        answer, failed = None, None
        try:
            answer = context.run(work)
        except Exception as error:
            failed = error
        try:
            loop.call_soon_threadsafe(tell, answer, failed)
        except RuntimeError:
            return  # the loop is closed: its caller is gone

    threading.Thread(target=run, name=what, daemon=True).start()
    return await told


def code_of(error: Exception) -> str:
    """AWS's word for what went wrong; empty where it did not answer."""
    response: object = getattr(error, "response", None)
    told: object = cast("Mapping[str, object]", response).get("Error") if isinstance(response, Mapping) else None
    return str(cast("Mapping[str, object]", told).get("Code", "")) if isinstance(told, Mapping) else ""


def _translated(error: Exception, what: str) -> StewardError:
    code = code_of(error)
    if code in MISSING:
        return NotFound(f"{what}: there is no such thing", detail=code)
    if code in REFUSED:
        return Forbidden(f"{what}: AWS refuses it", detail=code, hint="See the rights in docs/guide/aws.md.")
    if code in TOO_MANY:
        return TooMany(f"{what}: AWS asks to come more slowly", detail=code)
    if code in WRONG:
        return Invalid(f"{what}: AWS does not take it", detail=f"{code}: {error}"[:300])
    return Unavailable(f"{what}: AWS answered with an error", detail=f"{code}: {error}"[:300])
