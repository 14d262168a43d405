"""The expert view in a browser: every resource of the API has its list and its page there, and what can be written can be written."""

import json
import os
import uuid
from pathlib import Path

import pytest

import sessions
from sessions import Browser, new_account
from test_console_web import SHOTS, WEB, pytestmark, run  # noqa: F401 (pytestmark: skipped where there is no console)
from test_rights import Client, House

DOCUMENT = json.loads((Path(__file__).resolve().parents[2] / "web" / "openapi.json").read_text())
RESOURCES = sorted({path.split("/")[1] for path in DOCUMENT["paths"]})
AUDIT = {"audit_events", "audit_seals"}  # an administrator may not read them
WITHOUT_THINGS = {"health", "machine", "settings", "statistics", "mscep_admin", "openapi.json", "tokens", "rights"}
DARK = os.environ.get("SIEGEL_DARK") == "1"


@pytest.fixture(scope="module")
def house(instance, default_tenant):
    return House(instance, default_tenant, Client(instance, default_tenant.rest("administrator").token),
                 Client(instance, default_tenant.rest("auditor").token))


@pytest.fixture(scope="module")
def people(instance, default_tenant):
    """An administrator and an auditor, signed in by a browser each."""
    found = []
    for role in ("administrator", "auditor"):
        one = Browser(instance)
        one.first(*new_account(default_tenant, role))
        found.append(one)
    return found


def flow(instance, people, lang, width, **options):
    admin, auditor = people
    found = run("expert", url=instance.url, lang=lang, cookie=admin.cookie, auditor=auditor.cookie, cookieName=sessions.COOKIE, token=instance.token,
                shots=SHOTS, dark=DARK, width=width, **{"lists": [], "things": [], **options})
    assert found["done"] and found["audit"] > 0 and found["auditorCreates"] == 0
    bad = {name: one for kind in ("lists", "things") for name, one in found[kind].items() if one["errors"] or not one["heading"]}
    assert not bad
    return found


def test_every_resource_has_its_list(instance, people, house, rest):
    name = f"helpers_{uuid.uuid4().hex[:8]}"
    found = flow(instance, people, "en", 1366, lists=[r for r in RESOURCES if r not in AUDIT], role=name)
    # All of them are in the navigation, each once: generated, or by a screen that may stand for several.
    offered = [to for to in found["offered"] if to.startswith("/r/")]
    assert len(offered) == len(set(offered))
    by_hand = {r for r in RESOURCES if f"/r/{r}" not in offered} - AUDIT
    assert {"certificates", "policies", "scep_profiles", "acme_directories", "enrollment_codes", "archived_keys"} <= by_hand
    screens = {"/certificates", "/hierarchy", "/profiles", "/enrollment", "/keys", "/secrets", "/approvals", "/imports", "/jobs", "/settings"}
    assert screens <= set(found["offered"]) and len(found["offered"]) + 5 >= len(offered) + len(by_hand)
    assert set(found["lists"]) == set(RESOURCES) - {"audit_events"}
    assert len({one["heading"] for one in found["lists"].values()}) == len(found["lists"])
    assert found["fitting"] == ["Revoke, hold and release certificates"]  # of all rights those that what was typed is in
    # A role: what was wrong stood at its field, somebody else's change was noticed, and both are in the store.
    assert "name" in found["atField"].lower() and found["elsewhere"] == 200
    assert found["stored"]["title"] == "mine after all" and found["stored"]["rights"] == ["certificates.revoke"] and found["stored"]["name"] == name
    assert found["gone"] == 404 and rest.get(f"/roles?filter[name]={name}").data == []


def test_every_thing_has_its_page(instance, people, house, rest, default_tenant):
    things, shared = [], house.admin.made("saved_queries", {"name": f"q-{uuid.uuid4().hex[:8]}", "query": {"filter[status]": "revoked"}, "shared": True})
    for resource in RESOURCES:
        if resource in WITHOUT_THINGS | AUDIT:
            continue
        one = house.find(resource) if resource != "saved_queries" else shared
        if one is not None and not resource.startswith("cert"):
            things.append([resource, one["id"]])
    account, _ = default_tenant.account("requestor", "one_time", f"once-{uuid.uuid4().hex[:8]}")
    found = flow(instance, people, "de", 800, things=things, account=account)
    assert len(found["things"]) >= 26
    # The token was shown once, works, and is on no page any more.
    assert found["still"] is False
    assert instance.rest(token=found["secret"]).get("/cas").status == 200
    # One page led to the next: from the credential to its account, and to all of the account's.
    of_account = rest.get(f"/credentials?filter[account]={found['account']}").data
    assert len(of_account) == 2 and sorted(found["credentials"]) == sorted(one["id"] for one in of_account)
