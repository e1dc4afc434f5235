"""GET /metrics: numbers for Prometheus, for this machine or whoever has the token of STEWARD_METRICS_TOKEN.

A page and not a route, since it is no part of the API that OpenAPI describes.
"""

from hmac import compare_digest
from ipaddress import ip_address

from fastapi import Request
from starlette.responses import Response

from app.house import House
from app.metrics._families import installation_families, pool_families
from app.observed import METERS
from app.seen import house_of
from core.database import Identity
from core.errors import Forbidden, Unavailable
from core.meters import CONTENT_TYPE, Meters
from tasks.metrics import get_installation_metrics

FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


async def get(request: Request) -> Response:
    house: House = house_of(request)
    if not (_has_token(request, house) or _is_local(request)):
        raise Forbidden(
            "Metrics are for this machine alone",
            hint="From elsewhere: set STEWARD_METRICS_TOKEN, and send it as a Bearer token.",
        )
    try:
        numbers = await get_installation_metrics(house.database.acting_as(Identity.service()))
    except Unavailable:
        numbers = None  # what this process knows of itself is told all the same
    meters: Meters = request.scope.get(METERS) or Meters.new()
    families = [*installation_families(numbers), *pool_families(house.database.statistics())]
    return Response(meters.exposition(families), headers={"Content-Type": CONTENT_TYPE})


def _has_token(request: Request, house: House) -> bool:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    token = house.settings.metrics_token
    return (
        token is not None
        and scheme.casefold() == "bearer"
        and compare_digest(given.strip().encode(), token.get_secret_value().encode())
    )


def _is_local(request: Request) -> bool:
    """Does somebody of this machine ask? Not where a proxy on this machine asks for others."""
    if request.client is None or any(name in request.headers for name in FORWARDED):
        return False
    try:
        address = ip_address(request.client.host)
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
