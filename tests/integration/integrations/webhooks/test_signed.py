"""What is sent is verified by the library of the specification's authors; what comes back is verified as strictly."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from core.errors import Invalid, Unauthorized
from core.outside.errors import NotConnected, Temporary, Uncertain
from integrations.web.guard import AddressRefused, Guard
from integrations.webhooks.signed import SignedWebhook, is_secret, new_secret
from tests.emulators.served import Answer, Got, serving

SECRET = new_secret()


async def test_a_message_is_verified_by_its_receiver_and_is_the_same_when_sent_again() -> None:
    taken: dict[str, Any] = {}

    def receive(got: Got) -> Answer:
        taken.setdefault(got.headers["webhook-id"], Webhook(SECRET).verify(got.body, got.headers))
        return Answer(204)

    async with serving(receive) as served:
        hook = SignedWebhook("receiver", served.url, SECRET, Guard().trusting(served.url))
        served.once = [Answer(429), Answer(500)]
        for error in (Temporary, Uncertain):
            with pytest.raises(error):
                await hook.post("m-1", {"größe": ["ü\n"]})
        for _ in range(2):
            assert await hook.post("m-1", {"größe": ["ü\n"]}) == 204
        assert taken == {"m-1": {"größe": ["ü\n"]}}
        assert {got.headers["webhook-id"] for got in served.got} == {"m-1"}
        with pytest.raises(AddressRefused):
            await SignedWebhook("receiver", served.url, SECRET, Guard()).post("m-2", {})
        assert len(served.got) == 4
    assert SECRET not in repr(hook)


@pytest.mark.parametrize("message_id", ["", "a\r\nX: y", "ü", "x" * 201, "a\x00"])
def test_an_id_that_no_header_holds_is_refused(message_id: str) -> None:
    with pytest.raises(Invalid, match="id of a message"):
        SignedWebhook("receiver", "http://x.example", SECRET, Guard()).headers(message_id, "{}")


@pytest.mark.parametrize(
    "secret",
    ["", "whsec_", "secret", "whsec_" + base64.b64encode(b"x" * 23).decode(), "whsec_!!!!" * 9, SECRET[6:]],
    ids=["empty", "nothing", "plain", "short", "garbled", "unmarked"],
)
def test_a_weak_secret_signs_nothing_and_lets_nothing_in(secret: str) -> None:
    assert not is_secret(secret)
    hook = SignedWebhook("receiver", "http://x.example", secret, Guard())
    with pytest.raises(NotConnected):
        hook.headers("m", "{}")
    with pytest.raises(Unauthorized):
        hook.read({"webhook-id": "m", "webhook-timestamp": "0", "webhook-signature": "v1,"}, b"{}")


@pytest.mark.parametrize("seconds", [-301, -290, 0, 290, 301])
def test_what_comes_is_taken_for_five_minutes(seconds: int) -> None:
    moment, body = datetime.now(UTC) + timedelta(seconds=seconds), json.dumps({"a": 1})
    headers = {"Webhook-Id": "m", "Webhook-Timestamp": str(int(moment.timestamp()))}
    headers["Webhook-Signature"] = "v1,AAAA " + Webhook(SECRET).sign("m", moment, body)
    hook = SignedWebhook("receiver", "http://x.example", SECRET, Guard())
    if abs(seconds) > 300:
        with pytest.raises(Unauthorized):
            hook.read(headers, body.encode())
    else:
        assert hook.read(headers, body.encode()) == ("m", {"a": 1})
        with pytest.raises(Unauthorized):
            hook.read(headers, body.encode() + b" ")
