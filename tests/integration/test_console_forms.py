"""The console's editors of structured values: a profile and a rule made by their forms, in a browser, and what is then in the store."""

import uuid

import pytest

import sessions
from sessions import Browser, new_account
from test_console_web import SHOTS, WIDTHS, pytestmark, run  # noqa: F401

FLOWS = [(lang, width) for width in WIDTHS for lang in ("en", "de")] or [("en", 1366), ("de", 800)]


@pytest.mark.parametrize("lang, width", FLOWS)
def test_a_profile_and_a_rule_by_their_forms(instance, default_tenant, rest, lang, width):
    mark = uuid.uuid4().hex[:8]
    one = Browser(instance)
    one.first(*new_account(default_tenant))
    try:
        found = run("forms", url=instance.url, lang=lang, cookie=one.cookie, cookieName=sessions.COOKIE, mark=mark, shots=SHOTS, dark=lang == "de", width=width)
        assert found["done"] and "plc" not in found["refused"]
        # The profile is what the form said, and all that the template had stays.
        profile = rest.get(f"/profiles/{found['profile']}").attributes
        template = rest.get("/profile_templates/device").attributes["definition"]
        assert profile["title"] == f"Machines {mark}" and profile["kind"] == "cert_device"
        changed = {"subject_fixed": {"O": "Example AG"}, "names_within": {"dns": ["plant.example"]}, "days": 90}
        assert profile["definition"] == template | changed == found["text"]
        # A certificate came of it.
        made = rest.get(f"/certificates?filter[profile]=plc-{mark}").data
        assert len(made) == 1 and "O=Example AG" in made[0]["attributes"]["subject"], made
        # The rule is the only one, holds for that profile, and lets somebody else approve.
        policy = rest.get(f"/policies/{found['policy']}").attributes
        assert [r["name"] for r in policy["rules"]] == ["second person"] and policy["rules"][0]["when"] == "$.days > 30"
        assert policy["rules"][0]["approve"] == {"count": 1, "right": "approvals.decide"}
        # Somebody else was faster, whose change wasn't overwritten unseen.
        assert (found["faster"], found["typed"], policy["title"]) == (200, "slower", "slower")
        asked = rest.issue("cert_device", {"Idempotency-Key": mark}, profile=f"plc-{mark}", cn="press-9.plant.example")
        assert asked.status == 202, asked
    finally:
        for left in rest.get(f"/policies?filter[name]=eyes-{mark}").data:
            rest.delete(f"/policies/{left['id']}")
