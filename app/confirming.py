"""Whether a person's address is theirs: where the Supabase project confirms none, anybody signs up under any."""

from fastapi import Request

from core.errors import Forbidden


async def refuse_unconfirmed(request: Request) -> None:
    """Raises Forbidden where people sign in with a project that does not say that it confirms addresses."""
    auth = request.app.state.auth
    if auth is not None and not (await auth.features()).confirms:
        raise Forbidden(
            "Invitations are not accepted here: the Supabase project confirms no addresses",
            detail="anybody could have signed up under the address that was invited",
            hint='Whoever runs it switches on "Confirm email" under Authentication in the project.',
        )
