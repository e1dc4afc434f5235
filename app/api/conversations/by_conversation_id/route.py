"""GET /api/conversations/{conversation_id}."""

from uuid import UUID

from app.dependencies import CurrentCaller
from app.router import responds
from tasks.capture import ConversationWithMessages, get_conversation


@responds(
    summary="A conversation with its messages and tasks",
    response_model=ConversationWithMessages,
    problems=(404,),
)
async def get(caller: CurrentCaller, conversation_id: UUID) -> ConversationWithMessages:
    return await get_conversation(caller, conversation_id)
