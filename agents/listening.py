"""A model's answer as it comes: its pieces told on the way, and the whole of it at the end."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Piece:
    """Some words of an answer as they come; a thought is what the model told itself before it answered."""

    text: str
    is_thought: bool = False


async def heard(
    model: Model,
    messages: list[ModelMessage],
    settings: ModelSettings | None,
    parameters: ModelRequestParameters,
    tell: Callable[[Piece], Awaitable[None]],
) -> tuple[ModelResponse, Piece]:
    """The whole answer, and the last piece of it, which was not told yet. Raises what the request raises.

    A thought and what is said of it are pieces of their own, in their order.
    """
    piece, since = Piece(""), time.monotonic()
    async with model.request_stream(messages, settings, parameters) as stream:
        async for event in stream:
            said = said_by(event)
            if said.text and piece.text and said.is_thought != piece.is_thought:
                await tell(piece)
                piece, since = Piece(""), time.monotonic()
            if said.text:
                piece = Piece(piece.text + said.text, said.is_thought)
            if len(piece.text) >= PIECE_CHARACTERS or (piece.text and time.monotonic() - since >= PIECE_SECONDS):
                await tell(piece)
                piece, since = Piece(""), time.monotonic()
        return stream.get(), piece


def said_by(event: ModelResponseStreamEvent) -> Piece:
    """The text, thought or argument that an event adds."""
    match event:
        case PartStartEvent(part=ThinkingPart(content=text)):
            return Piece(text, is_thought=True)
        case PartDeltaEvent(delta=ThinkingPartDelta(content_delta=str() as text)):
            return Piece(text, is_thought=True)
        case PartStartEvent(part=TextPart(content=text)) | PartDeltaEvent(delta=TextPartDelta(content_delta=text)):
            return Piece(text)
        case PartStartEvent(part=ToolCallPart(args=str() as text)):
            return Piece(text)
        case PartDeltaEvent(delta=ToolCallPartDelta(args_delta=str() as text)):
            return Piece(text)
        case _:
            return Piece("")
