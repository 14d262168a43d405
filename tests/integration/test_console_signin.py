"""Signing in with a browser: passkeys by Chromium's virtual authenticator, and a certificate under a host name of its own."""

import pytest

import support
from sessions import new_account
from test_console_card import CardBrowser, card_name, holder  # noqa: F401
from test_console_web import FLOWS, SHOTS, WEB, pytestmark, run  # noqa: F401


@pytest.mark.parametrize("lang, width", FLOWS)
def test_passkeys(instance, default_tenant, rest, lang, width):
    name, code = new_account(default_tenant)
    found = run("passkeys", url=instance.url, lang=lang, name=name, code=code, shots=SHOTS, dark=lang == "de", width=width)
    assert found["done"] and found["alone"] == [[instance.host, True, True]]
    assert "registered" in found["unknown"]
    keys = rest.get("/passkeys?sort=name&page[size]=500").data
    assert [k["attributes"]["name"] for k in keys if k["attributes"]["account_name"] == name] == ["renamed"]


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
