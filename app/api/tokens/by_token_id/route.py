"""DELETE /api/tokens/{token_id}: it works no more, at once; its open streams end within seconds."""

from uuid import UUID

from app.dependencies import CurrentCaller
from app.router import responds
from tasks.tokens import Token, revoke_token


@responds(summary="Revoke a token; twice is once", response_model=Token, problems=(404,))
async def delete(caller: CurrentCaller, token_id: UUID) -> Token:
    return await revoke_token(caller, token_id)
