"""The inventory of the console in a browser: from a search to all that match, in both languages; what it did is looked up over REST and in the store."""

import csv
import io
import json
import uuid

import pytest

import sessions
from sessions import Browser, new_account
from test_console_web import SHOTS, WIDTHS, pytestmark, run  # noqa: F401  (pytestmark: not without a browser)

HOSTILE = '=HYPERLINK("javascript:alert(1)")<img src=x onerror=alert(1)>'
FLOWS = [(lang, width) for width in WIDTHS for lang in ("en", "de")] or [("en", 1366), ("de", 800)]


@pytest.mark.rows("W01")
@pytest.mark.parametrize("lang, width", FLOWS)
def test_from_a_search_to_all_that_match(instance, default_tenant, rest, lang, width):
    word = f"inv{uuid.uuid4().hex[:8]}"
    made = [rest.issued("cert_device", cn=f"{word}-{n}.example", metadata={"flow": word, "note": HOSTILE}) for n in range(6)]
    assert rest.post(f"/certificates/{made[0]['id']}/hold", {"data": {"type": "hold"}}).status == 200
    rest.issued("cert_device", cn=f"renew-{word}.example", owner=f"renew-{word}")
    name, code = new_account(default_tenant)
    browser = Browser(instance)
    browser.first(name, code)
    found = run("inventory", url=instance.url, lang=lang, cookie=browser.cookie, cookieName=sessions.COOKIE, word=word, hostile=HOSTILE, shots=SHOTS,
                dark=lang == "de", width=width)
    assert found["done"] and found["text"] and found["key"]
    assert f"metadata.flow%5D%5Bcontains%5D={word}" in found["address"] and "issued%2Cheld" in found["address"]

    # The files are what REST says.
    ids = sorted(int(m["id"]) for m in made)
    assert found["json"]["name"].endswith(".json") and found["csv"]["name"].startswith("certificates-")
    objects = json.loads(found["json"]["text"])
    assert sorted(int(o["id"]) for o in objects) == ids
    listed = {m["id"]: m["attributes"] for m in rest.get(f"/certificates?filter[metadata.flow]={word}").data}
    assert all(o["serial"] == listed[o["id"]]["serial"] and o["metadata.note"] == HOSTILE for o in objects)
    assert found["csv"]["text"].startswith("\ufeff")
    cells = list(csv.DictReader(io.StringIO(found["csv"]["text"][1:])))
    assert sorted(int(c["id"]) for c in cells) == ids and {c["metadata.note"] for c in cells} == {"'" + HOSTILE}

    # Owner and metadata of the one that was checked; the hold taken back, then all revoked.
    assert found["counts"] == [1, 6]
    states = [m["attributes"] for m in rest.get(f"/certificates?filter[metadata.flow]={word}").data]
    assert len(states) == 6 and {(s["status"], s["revocation_reason"]) for s in states} == {("revoked", "cessationOfOperation")}
    changed = [s for s in states if s["owner"] == f"by console {word}"]
    assert len(changed) == 1 and changed[0]["metadata"] == {"flow": word, "note": HOSTILE, "room": HOSTILE}
    assert instance.count("certificate", f"metadata ->> 'flow' = '{word}' AND status = 2") == 6

    # The successor, and whose the first one is now.
    both = rest.get(f"/certificates?filter[common_name]=renew-{word}.example&sort=created_at").data
    assert len(both) == 2 and both[1]["attributes"]["replaces"] == both[0]["id"] and both[0]["attributes"]["owner"] == HOSTILE
    assert rest.get("/saved_queries").data == [] or all(word not in q["attributes"]["name"] for q in rest.get("/saved_queries").data)



@pytest.mark.parametrize("lang, width", FLOWS)
def test_one_condition_is_enough(instance, default_tenant, rest, lang, width):
    word = f"any{uuid.uuid4().hex[:8]}"
    made = [rest.issued("cert_device", cn=f"{word}-{n}", **({"owner": f"own-{word}"} if n in ("a1", "b1") else {}))["id"] for n in ("a1", "a2", "b1", "c1", "d1")]
    name, code = new_account(default_tenant)
    browser = Browser(instance)
    browser.first(name, code)
    found = run("inventory_any", url=instance.url, lang=lang, cookie=browser.cookie, cookieName=sessions.COOKIE, word=word, shots=SHOTS, dark=lang == "de", width=width)
    assert found["done"] and found["count"] == 4, found
    for part in (f"filter[any.1][common_name][contains]={word}-a", f"filter[any.2][owner][contains]=own-{word}", f"filter[any.3][common_name][contains]={word}-c"):
        assert part in found["address"], found["address"]
    assert [rest.get(f"/certificates/{i}").attributes["owner"] for i in made] == [f"new-{word}"] * 4 + [None]
    jobs = rest.get("/jobs?filter[kind]=count&page[size]=1").data[0]["attributes"]
    assert jobs["status"] == "done" and jobs["result"]["count"] == 4
