"""Signing in with a browser: passkeys by Chromium's virtual authenticator, and a certificate under a host name of its own."""

import pytest

import support
from passkeys import Authenticator, KeyBrowser
from sessions import fresh_code, new_account
from test_console_card import CardBrowser, card_name, holder  # noqa: F401
from test_console_rule import person, prove_old, rule
from test_console_web import FLOWS, SHOTS, WEB, pytestmark, run  # noqa: F401


@pytest.mark.parametrize("lang, width", FLOWS)
def test_passkeys(instance, default_tenant, rest, lang, width):
    name, code = new_account(default_tenant)
    found = run("passkeys", url=instance.url, lang=lang, name=name, code=code, shots=SHOTS, dark=lang == "de", width=width)
    assert found["done"] and found["alone"] == [[instance.host, True, True]]
    assert "registered" in found["unknown"]
    keys = rest.get("/passkeys?sort=name&page[size]=500").data
    assert [k["attributes"]["name"] for k in keys if k["attributes"]["account_name"] == name] == ["renamed"]


@pytest.mark.rows("W06")
@pytest.mark.parametrize("lang, width", FLOWS)
def test_the_rule(instance, default_tenant, lang, width):
    """Set in the console, met at the way in, lived with on the account's page, helped on the machine."""
    boss = person(instance, default_tenant, "administrator", passkey=False)
    one, helped = person(instance, default_tenant, "administrator"), person(instance, default_tenant, "administrator")
    assert one.add("spare", Authenticator("eddsa")).status == 200
    by_key = KeyBrowser(instance, one.key)
    assert by_key.enter().status == 201
    for who in (boss, by_key):
        prove_old(instance, who)
    for name in (boss.name, one.name):
        fresh_code(instance, name)
    assert rule(helped, helped, "passkey").status == 200
    instance.siegelctl("setup", "revoke-credential", "--name", helped.name, "--kind", "second_factor")
    code = instance.siegelctl("setup", "account", "--name", helped.name, "--role", "administrator", "--one-time").stdout.strip()
    found = run("rule", url=instance.url, lang=lang, boss={"cookie": boss.cookie, "secret": boss.secret},
                person={"cookie": by_key.cookie, "secret": one.secret, "name": one.name, "account": one.account},
                helped={"name": helped.name, "code": code}, shots=SHOTS, dark=lang == "de", width=width)
    assert found["done"]
    seen = by_key.enter().attributes
    assert seen["passkeys"] == 1 and seen["totp"] is False and seen["sign_in"] == "passkey"


@pytest.mark.rows("W05")
@pytest.mark.parametrize("lang", ["en", "de"])
def test_cards(instance, rest, holder, client_identity, lang):  # noqa: F811
    one = holder("administrator")
    bare_cert, bare_key, _ = client_identity()
    found = run("card", url=instance.url, card=f"https://{card_name(instance)}:{instance.port}", lang=lang, cert=one.cert, key=one.key,
                bareCert=bare_cert, bareKey=bare_key, shots=SHOTS, dark=lang == "de", width=1366)
    assert found["done"] and found["who"] == one.name and found["hash"] == ""
    assert found["cookies"] == ["__Host-siegel-session"]
    session = rest.get(f"/sessions?filter[name]={one.name}").data
    assert [s["attributes"]["evidence"] for s in session] == ["certificate"]
