"""The web application around a furnished house. Building it does no I/O."""

from pathlib import Path
from urllib.parse import urlsplit

from fastapi import FastAPI, Request, WebSocket
from starlette.middleware import Middleware
from starlette.responses import Response

from app._agents.waiting import WaitingAgents
from app._mcp.door import mcp
from app.attempts import Attempts
from app.house import House
from app.idempotency import Idempotency
from app.limits import Limiter, StreamLimiter
from app.link_sessions import LinkSessions
from app.observed import Observed
from app.openapi import openapi_of
from app.person_session import PersonSessions
from app.problems import Boundary, add_problem_handlers
from app.router import build_router
from app.scopes import BY_TOOL
from app.security import BodyLimit, KnownHosts, SecurityHeaders, StorableText
from app.session import SessionCookies, SignInLinks
from app.templating import asset, asset_bytes
from core.auth import ProjectKeys
from core.errors import NotFound
from core.keys import Keys
from core.settings import Settings
from integrations.supabase.auth import SupabaseAuth

MEDIA_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}
YEAR = "public, max-age=31536000, immutable"


def create_app(house: House, keys: Keys) -> FastAPI:
    """The application; `house.hub` has to be running for streams to be live."""
    hosts = {house.settings.host, "127.0.0.1", "localhost", "[::1]"}
    hosts |= {urlsplit(house.settings.public_url).hostname or ""} if house.settings.public_url else set()
    app = FastAPI(
        title="Steward",
        version="0.1.0",
        summary="A personal task assistant that does the tasks, and shows every draft before it leaves the house.",
        docs_url=None,
        redoc_url=None,
        middleware=[
            Middleware(Observed),
            Middleware(SecurityHeaders, is_https=(house.settings.public_url or "").casefold().startswith("https://")),
            Middleware(Boundary),
            Middleware(KnownHosts, hosts=hosts),
            Middleware(BodyLimit, most_bytes=house.settings.max_body_bytes),
            Middleware(StorableText),
            Middleware(SessionCookies),
            Middleware(SignInLinks),
            Middleware(Idempotency),
        ],
    )
    app.state.house = house
    app.state.keys = keys
    app.state.link_sessions = LinkSessions(keys, house.database if house.settings.secret_key else None)
    app.state.project_keys = _project_keys(house.settings)
    app.state.auth = _auth_of(house.settings)
    app.state.sessions = PersonSessions(app.state.auth) if app.state.auth else None
    app.state.waiting = WaitingAgents(house.hub)
    app.state.requests = Limiter(house.settings.requests_per_minute)
    app.state.streams = StreamLimiter(house.settings.streams_per_person)
    app.state.attempts = Limiter(house.settings.sign_in_attempts_per_minute)
    app.state.mails = Limiter(1)
    most = house.settings.sign_in_attempts_per_minute
    app.state.tries = Attempts(app.state.attempts, house.database, most)
    app.state.codes = Attempts(
        Limiter(5, 3600), house.database, 5, 3600
    )  # a code is short: few guesses for one address
    add_problem_handlers(app)
    router = build_router(Path(__file__).parent, "app")
    app.include_router(router)
    app.add_api_route(BY_TOOL, mcp, methods=["POST"], include_in_schema=False)
    app.state.routes = [*router.routes, *app.routes]
    app.add_api_route("/static/{name:path}", _static, methods=["GET"], include_in_schema=False)
    app.add_api_websocket_route("/{path:path}", _no_socket)
    app.openapi = lambda: openapi_of(app)  # pyright: ignore[reportAttributeAccessIssue]
    return app


def _auth_of(settings: Settings) -> SupabaseAuth | None:
    """The Auth of the project that people sign in with; None where they sign in with a link."""
    if settings.supabase_url is None or settings.supabase_publishable_key is None:
        return None
    key = settings.supabase_publishable_key.get_secret_value()
    return SupabaseAuth(settings.supabase_url, key, public_url=settings.supabase_public_url)


def _project_keys(settings: Settings) -> ProjectKeys | None:
    """What tokens of the project are read with; None where there is no project."""
    if settings.supabase_url is None:
        return None
    return ProjectKeys(settings.supabase_url, issuer=settings.supabase_issuer)


async def _no_socket(websocket: WebSocket) -> None:
    """A WebSocket to where there is none is told so: refused before it opens, a browser would learn nothing."""
    await websocket.accept()
    await websocket.close(4404, f"Nothing is served at {websocket.url.path}".encode()[:120].decode(errors="ignore"))


async def _static(request: Request, name: str) -> Response:
    media_type = MEDIA_TYPES.get(Path(name).suffix)
    try:
        content = asset_bytes(name)
    except FileNotFoundError as error:
        raise NotFound("There is no such file") from error
    if media_type is None:
        raise NotFound("There is no such file")
    is_current = request.query_params.get("v") == asset(name).partition("?v=")[2]
    headers = {"Cache-Control": YEAR if is_current else "no-cache"}
    return Response(content, media_type=media_type, headers=headers)
