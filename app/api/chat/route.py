"""POST /api/chat: what is said becomes tasks."""

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import Header, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field
from starlette.responses import Response

from agents.budget import metered
from agents.extractor import ReplyDelta, extract, extract_stream
from app.day._answering import answer_about_day
from app.dependencies import CurrentCaller
from app.live import server_sent_event
from app.router import responds
from app.seen import house_of
from core.database import Caller
from core.errors import StewardError
from tasks.capture import ChatTurn, get_conversation, save_chat_turn
from tasks.models import Extraction


class ChatMessage(BaseModel):
    """Something a person says."""

    message: str = Field(
        min_length=1,
        max_length=100_000,
        examples=["Draft email to john@example.com thanking him for the meeting"],
    )
    conversation_id: UUID | None = None


@responds(
    summary="Say something; tasks are found in it",
    response_model=ChatTurn,
    problems=(404, 503),
    also=("text/event-stream",),
)
async def post(
    request: Request, caller: CurrentCaller, body: ChatMessage, accept: Annotated[str, Header()] = ""
) -> ChatTurn | Response:
    house = house_of(request)
    history = await _history(caller, body.conversation_id)
    now = house.clock.now()
    if "text/event-stream" in accept:
        return StreamingResponse(_stream(request, caller, body, history), media_type="text/event-stream")
    extraction = await answer_about_day(house, caller, body.message) or await extract(
        body.message, now=now, history=history, thinking=metered(house.thinking, caller, house.clock)
    )
    return await save_chat_turn(caller, body.message, extraction, body.conversation_id)


async def _history(caller: Caller, conversation_id: UUID | None) -> list[tuple[str, str]]:
    if conversation_id is None:
        return []
    conversation = await get_conversation(caller, conversation_id)
    return [(message.role, message.content) for message in conversation.messages[-10:]]


async def _stream(
    request: Request, caller: Caller, body: ChatMessage, history: list[tuple[str, str]]
) -> AsyncIterator[bytes]:
    house = house_of(request)
    try:
        if found := await answer_about_day(house, caller, body.message):
            yield server_sent_event("reply", {"delta": found.reply})
            turn = await save_chat_turn(caller, body.message, found, body.conversation_id)
            yield server_sent_event("done", turn.model_dump(mode="json"))
            return
        async for part in extract_stream(
            body.message, now=house.clock.now(), history=history, thinking=metered(house.thinking, caller, house.clock)
        ):
            match part:
                case ReplyDelta():
                    yield server_sent_event("reply", {"delta": part.text})
                case Extraction():
                    turn = await save_chat_turn(caller, body.message, part, body.conversation_id)
                    yield server_sent_event("done", turn.model_dump(mode="json"))
    except StewardError as error:
        yield server_sent_event("problem", error.problem())
