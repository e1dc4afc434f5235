"""A model's answer as it comes: its pieces told on the way, and the whole of it at the end."""

import time
from collections.abc import Awaitable, Callable

from pydantic_ai.messages import (
    ModelMessage,
    ModelResponse,
    ModelResponseStreamEvent,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ThinkingPart,
    ThinkingPartDelta,
    ToolCallPart,
    ToolCallPartDelta,
)
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.settings import ModelSettings

PIECE_SECONDS = 0.4  # a person reads no faster than this, and each piece is a row
PIECE_CHARACTERS = 2_000


async def heard(
    model: Model,
    messages: list[ModelMessage],
    settings: ModelSettings | None,
    parameters: ModelRequestParameters,
    tell: Callable[[str], Awaitable[None]],
) -> tuple[ModelResponse, str]:
    """The whole answer, and the last piece of it, which was not told yet. Raises what the request raises."""
    piece, since = "", time.monotonic()
    async with model.request_stream(messages, settings, parameters) as stream:
        async for event in stream:
            piece += said_by(event)
            if len(piece) >= PIECE_CHARACTERS or (piece and time.monotonic() - since >= PIECE_SECONDS):
                await tell(piece)
                piece, since = "", time.monotonic()
        return stream.get(), piece


def said_by(event: ModelResponseStreamEvent) -> str:
    """The text, thought or argument that an event adds."""
    match event:
        case PartStartEvent(part=TextPart(content=text) | ThinkingPart(content=text)):
            return text
        case PartStartEvent(part=ToolCallPart(args=str() as text)):
            return text
        case PartDeltaEvent(delta=TextPartDelta(content_delta=text)):
            return text
        case PartDeltaEvent(delta=ThinkingPartDelta(content_delta=str() as text)):
            return text
        case PartDeltaEvent(delta=ToolCallPartDelta(args_delta=str() as text)):
            return text
        case _:
            return ""
