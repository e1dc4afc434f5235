"""People made by whoever runs the installation, with the project's secret key (Auth's admin API)."""

from core.errors import Conflict
from core.supabase_keys import key_headers
from core.urls import auth_url_of
from integrations.supabase.auth import TIMEOUT_SECONDS
from integrations.supabase.faults import refused


async def make_person(url: str, secret_key: str, email: str, name: str) -> None:
    """Somebody with a confirmed address and no password: a mailed link signs them in, or the one of `steward link`.

    Raises `Conflict` where the address has an account, `Unavailable` and what else Auth refuses.
    """
    import httpx
    from supabase_auth import AsyncGoTrueAdminAPI
    from supabase_auth.errors import AuthError

    async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS) as client:
        admin = AsyncGoTrueAdminAPI(url=auth_url_of(url), headers=key_headers(secret_key), http_client=client)
        try:
            await admin.create_user(
                {"email": email, "email_confirm": True, "user_metadata": {"name": name} if name else {}}
            )
        except AuthError as error:
            if error.code in {"email_exists", "user_already_exists"}:
                raise Conflict("This address has an account already") from error
            raise refused(error) from error
