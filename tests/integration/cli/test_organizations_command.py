"""Organizations in the terminal: made, chosen, invited to, renamed and left."""

import re

from tests.integration.cli.conftest import Steward


async def test_an_organization_from_its_making_to_an_invitation(steward: Steward) -> None:
    (home,) = steward.json("organizations")["items"]
    assert (home["is_personal"], home["is_chosen"]) == (True, True)
    assert "you act in it now" in steward("organizations", "create", "Vega").stdout
    steward("add", "At work")
    assert steward.json("organizations", "rename", "Vega Labs")["name"] == "Vega Labs"
    invited = steward("organizations", "invite", "ana@example.org", "--role", "admin")
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/invitations/[\w-]{43}", invited.stdout.strip())
    assert "shown this once" in invited.stderr
    listed = steward("organizations", "invitations").stdout
    assert "ana@example.org" in listed
    assert invited.stdout.strip()[-43:] not in listed
    assert "leads nowhere" in steward("organizations", "revoke", "Ana@example.org").stdout
    (member,) = steward.json("organizations", "members")["items"]
    assert (member["role"], member["is_you"]) == ("owner", True)
    assert steward.json("organizations", "choose", home["id"])["is_chosen"]
    assert "At work" not in steward("list").stdout
    steward("organizations", "choose", "vega labs")
    assert "At work" in steward("list").stdout
    assert re.search(r"\* +Vega Labs", steward("organizations").stdout)

    for words, code, said in (
        (("create",), 2, "needs a second word"),
        (("choose", "Nowhere"), 2, "None of your organizations"),
        (("invite", "nobody"), 1, "email is not exactly one address"),
        (("invite", "ben@example.org", "--role", "owner"), 1, "role is admin or member"),
        (("revoke", "ana@example.org"), 2, "no open invitation"),
        (("remove", "eve@example.org", "--yes"), 2, "Nobody here"),
        (("leave",), 2, "Add --yes"),
        (("leave", "--yes"), 1, "at least one owner"),
        (("role", str(member["email"]), "--role", "member"), 1, "at least one owner"),
    ):
        done = steward("organizations", *words)
        assert (done.returncode, said in done.stderr) == (code, True), (words, done.stderr)


async def test_an_organization_and_everything_of_ones_own_are_deleted(steward: Steward) -> None:
    steward("organizations", "create", "Vega")
    steward("add", "At work")
    for words, code, said in (
        (("delete",), 2, "needs a second word"),
        (("delete", "Vega"), 2, "Add --yes"),
        (("delete", "vega", "--yes"), 1, "name is not that of the organization"),
    ):
        done = steward("organizations", *words)
        assert (done.returncode, said in done.stderr) == (code, True), (words, done.stderr)
    assert "Vega is gone" in steward("organizations", "delete", "Vega", "--yes").stdout
    (home,) = steward.json("organizations")["items"]
    assert home["is_personal"]
    refused = steward("organizations", "delete", home["name"], "--yes")
    assert (refused.returncode, "with its person" in refused.stderr) == (1, True)
    steward("add", "At home")
    (me,) = steward.json("organizations", "members")["items"]
    assert "Add --yes" in steward("organizations", "delete-me", me["email"]).stderr
    assert steward("organizations", "delete-me", "eve@example.org", "--yes").returncode == 1
    assert "begin anew" in steward("organizations", "delete-me", me["email"], "--yes").stdout
    assert "At home" not in steward("list").stdout
