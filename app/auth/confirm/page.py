"""`/auth/confirm`: where the templates of Supabase's own guide lead a mailed link; on to the page with its button.

https://supabase.com/docs/guides/auth/auth-email-templates
"""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query, Request
from starlette.responses import RedirectResponse, Response

from app.sign_in._flow import auth_of
from app.sign_in.places import CALLBACK

Text = Annotated[str, Query(max_length=2000)]


async def get(request: Request, token_hash: Text = "", type: Text = "", next: Text = "") -> Response:
    auth_of(request)
    query = urlencode({"token_hash": token_hash, "type": type, "next": next})
    return RedirectResponse(f"{CALLBACK}?{query}", status_code=303)
