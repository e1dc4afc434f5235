"""A function of AWS Lambda, called with JSON and waited for. The right that it needs: lambda:InvokeFunction on that function."""

import json
import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any, cast

from core.errors import Invalid, StewardError, TooLarge, Unavailable
from integrations.aws.clients import client, on_thread

NAME = re.compile(r"(arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:)?[A-Za-z0-9_-]{1,64}(:[A-Za-z0-9_$-]{1,128})?")
MOST_BYTES = 6_000_000  # what Lambda takes and gives at once
LONGEST_SECONDS = 900.0
CUT_OFF = {"Sandbox.Timedout", "Runtime.ExitError"}
PASSING = {"ModelUnavailable", "ModelMalformed", "Unavailable", "TooMany", *CUT_OFF}
NOT_KNOWN = "paid: unknown"  # a note on errors after which nobody knows what the call cost


class CallFailed(StewardError):
    """The function was called, and it failed; the same again does not help."""

    status = 500
    type = "function-failed"
    title = "The function failed"


class Unanswered(StewardError):
    """The order went out, and no answer came: it may have been done, so the same again could be paid twice."""

    status = 500
    type = "function-unanswered"
    title = "The function gave no answer"


class LambdaFunction:
    """Calls the function of this name or ARN, and waits `seconds` for an answer. Raises Invalid for a name that is none."""

    def __init__(self, name: str, seconds: float = LONGEST_SECONDS) -> None:
        if not NAME.fullmatch(name):
            raise Invalid(f"{name[:100]!r} is no function", detail="allowed is a name or an ARN of AWS Lambda")
        self.name = name
        self._seconds = min(max(seconds, 1.0), LONGEST_SECONDS)

    async def call(self, order: Mapping[str, Any]) -> Mapping[str, Any]:
        """What it answers. Raises Unavailable where trying again may help, CallFailed and Unanswered where it does not.

        Lines that a failed function adds to its message stand on the error as notes.
        """
        payload = json.dumps(order, ensure_ascii=False).encode("utf-8", "replace")
        if len(payload) > MOST_BYTES:
            raise TooLarge(f"An order of {len(payload)} bytes; Lambda takes at most {MOST_BYTES}")

        def work() -> tuple[str, bytes]:
            # No second try of its own: an invocation that timed out may still be running, and costs twice.
            try:
                answer = self._client.invoke(FunctionName=self.name, InvocationType="RequestResponse", Payload=payload)
                with answer["Payload"] as body:
                    return str(answer.get("FunctionError") or ""), body.read()
            except Exception as error:
                if _may_have_arrived(error):
                    raise self._unanswered(error) from error
                raise

        failure, raw = await on_thread(work, f"The function {self.name}")
        try:
            told: object = json.loads(raw)
        except ValueError as error:
            garbled = Unavailable(f"The function {self.name} answered no JSON")
            garbled.add_note(NOT_KNOWN)
            raise garbled from error
        said = cast("Mapping[str, Any]", told) if isinstance(told, Mapping) else dict[str, Any]()
        if failure:
            raise self._failed(said)
        if not isinstance(told, Mapping):
            raise CallFailed(f"The function {self.name} answered something else than an object")
        return said

    async def close(self) -> None:
        """Let the connections go."""
        if "_client" in self.__dict__:
            await on_thread(self._client.close, self.name)

    def _failed(self, said: Mapping[str, Any]) -> StewardError:
        kind, (message, *notes) = str(said.get("errorType", "")), str(said.get("errorMessage", "")).split("\n")
        is_cut_off = kind in CUT_OFF or "Task timed out" in message
        failed = (Unavailable if kind in PASSING or is_cut_off else CallFailed)(
            f"The function {self.name} failed", detail=f"{kind}: {message[:500]}"
        )
        for note in [NOT_KNOWN] if is_cut_off else notes[:10]:
            failed.add_note(note[:500])
        return failed

    def _unanswered(self, error: Exception) -> Unanswered:
        hint = "It may have done its work: the same order later finds what it stored."
        unanswered = Unanswered(f"The function {self.name} gave no answer", detail=str(error)[:300], hint=hint)
        unanswered.add_note(NOT_KNOWN)
        return unanswered

    @cached_property
    def _client(self) -> Any:
        return client("lambda", read_seconds=self._seconds, tries=1)


def _may_have_arrived(error: Exception) -> bool:
    """Did the connection stand when it broke?"""
    from botocore import exceptions

    return isinstance(error, (exceptions.HTTPClientError, exceptions.IncompleteReadError))
