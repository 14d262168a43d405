"""Who reaches what in the console and the portal: by the keyboard alone, with a finger on a tablet, without the right, and before there is a CA."""

import base64
import re
import uuid

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12

import sessions
import support
from sessions import Browser, new_account
from test_console_portal import PKI
from test_console_web import SHOTS, pytestmark, run  # noqa: F401
from test_policy import document
from test_portal import same_key


def reach(part, instance, lang="de", **more):
    found = run("reach", url=instance.url, lang=lang, part=part, cookieName=sessions.COOKIE, shots=SHOTS, **more)
    assert found["done"]
    return found


def settled_account(instance, tenant, role="administrator"):
    """Somebody who has signed in before, with a code that is good again."""
    one = Browser(instance)
    one.first(*new_account(tenant, role))
    sessions.fresh_code(instance, one.name)
    return one


def test_the_keyboard_alone_issues_a_certificate(instance, rest, default_tenant):
    mark, one = uuid.uuid4().hex[:8], settled_account(instance, default_tenant)
    found = reach("console", instance, name=one.name, secret=one.secret, mark=mark)
    assert found["tabs"] <= 2  # from the heading to the form
    assert found["result"].startswith("div Das Zertifikat ist ausgestellt") and found["live"] == 1
    # Key and certificate came by the keyboard, and belong to each other.
    file, data = found["file"]
    certificate = support.load_cert(base64.b64decode(data).decode())
    assert file == f"tasten-{mark}.example.pem" and same_key(certificate, load_pem_private_key(found["copied"].encode(), None))
    assert rest.get(f"/certificates?filter[common_name]=tasten-{mark}.example").data[0]["attributes"]["requestor"] == one.name
    assert found["words"] == "Herunterladen" and found["helpLeft"].startswith("button Hilfe")


def test_the_keyboard_alone_asks_for_a_pass(instance, rest, default_tenant):
    mark, one = uuid.uuid4().hex[:8], settled_account(instance, default_tenant, "portal")
    found = reach("portal", instance, name=one.name, secret=one.secret, mark=mark)
    file, data = found["file"]
    key, certificate, _ = pkcs12.load_key_and_certificates(base64.b64decode(data), b"eight or more")
    assert file == f"fraese-{mark}.p12" and same_key(certificate, key)
    assert rest.get(f"/certificates?filter[common_name]=fraese-{mark}").data[0]["attributes"]["owner"] == one.name
    # The help keeps to the portal's words.
    assert len(found["help"]) == 2 and not any(PKI.search(text) for text in found["help"]), found["help"]


def test_a_new_person_in_one_go(instance, rest, default_tenant):
    name = f"eva-{uuid.uuid4().hex[:8]}"
    found = reach("person", instance, name=name, cookies={"console": settled_account(instance, default_tenant).cookie})
    account = rest.get(f"/accounts?filter[name]={name}").data[0]["attributes"]
    assert account["role"] == "requestor" and account["enabled"] and found["enabled"] == "Ja" and not found["still"]
    assert Browser(instance).sign_in(name, one_time_code=found["code"]).status == 201


@pytest.mark.parametrize("lang", ["de"])
def test_a_finger_on_a_tablet(instance, rest, default_tenant, lang):
    admin, portal = settled_account(instance, default_tenant), settled_account(instance, default_tenant, "portal")
    certificate, device = (rest.issued("cert_device", cn=f"a-rather-long-name-of-a-machine-{uuid.uuid4().hex[:6]}.plant.example", owner=portal.name) for _ in range(2))
    found = reach("touch", instance, lang, cookies={"console": admin.cookie, "portal": portal.cookie}, certificate=certificate["id"], device=device["id"],
                  width=820, height=1180, touch=True)
    # WCAG 2.2, 2.5.8: 24 by 24 at least; and nothing goes beyond the screen.
    assert len(found["targets"]) == 12 and not any(found["targets"].values()), {k: v for k, v in found["targets"].items() if v}
    assert not any(found["overflow"].values()), found["overflow"]


@pytest.mark.parametrize("lang, may, whom", [("en", "Your account may not see this", "Ask an administrator"), ("de", "Das darf Ihr Konto nicht sehen", "Bitten Sie jemanden")])
def test_without_the_right(instance, default_tenant, rest, lang, may, whom):
    role = f"reads_{uuid.uuid4().hex[:8]}"
    assert rest.post("/roles", document("roles", name=role, rights=["read"])).status == 201
    found = reach("forbidden", instance, lang, cookies={"console": settled_account(instance, default_tenant, role).cookie})
    for path, screen in found["screens"].items():
        assert may in screen["text"] and whom in screen["text"] and screen["red"] == 0 and may in screen["title"], (path, screen)
    assert found["asked"] == [] and found["at"].rstrip("/") == "/console"


@pytest.mark.parametrize("lang, says, whom", [("en", "There is no CA that issues yet", "Ask an administrator"),
                                              ("de", "Noch gibt es keine CA, die ausstellt", "Bitten Sie jemanden")])
def test_before_there_is_a_ca(instance, rest, lang, says, whom):
    tenant = f"bare-{uuid.uuid4().hex[:8]}"
    assert rest.post("/tenants", document("tenants", name=tenant, administrator="boss")).status == 201
    bare = support.Tenant(instance, tenant)
    cookies = {role: settled_account(instance, bare, role).cookie for role in ("administrator", "registration_authority")}
    found = reach("before", instance, lang, cookies=cookies, says=says, expert=True)
    assert len(found["screens"]) == 8
    for where, screen in found["screens"].items():
        ways = 1 if where.startswith("administrator") else 0
        assert says in screen["text"] and screen["forms"] == 0 and screen["ways"] >= ways, (where, screen)
        assert (whom in screen["text"]) is (ways == 0), (where, screen)


@pytest.mark.parametrize("page", ["console", "portal"])
def test_what_a_page_begins_with_waits_for_nothing_that_waits_for_it(instance, page):
    """A file that is asked for first and asks for another that asks for it in turn fails when its classes are made."""
    def get(path):
        return support.http_get(instance.url + path, context=instance.tls_context()).body.decode()
    first = re.search(r"/console/assets/(first-[\w-]+\.js)", get(f"/{page}/")).group(1)
    others = set(re.findall(r'from"\./([\w.-]+\.js)"', get(f"/console/assets/{first}")))
    assert others and not [one for one in others if first in get(f"/console/assets/{one}")]
