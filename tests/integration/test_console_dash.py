"""The console's dashboard with the machine's health, help, command palette and German errors, in Chromium."""

import os

import pytest

import support
from sessions import COOKIE, Browser, new_account
from test_console_web import SHOTS, pytestmark, run  # noqa: F401  (the mark holds here too)

VIEWS = ["/", "/issue", "/certificates", "/account"]
WIDTHS = [int(w) for w in os.environ.get("SIEGEL_WIDTHS", "").split()]
FLOWS = [(lang, width) for width in WIDTHS for lang in ("en", "de")] or [("en", 1366), ("de", 800)]


@pytest.fixture
def without_scep(instance):
    instance.supervise("stop", "siegel-scep")
    yield "siegel-scep"
    instance.supervise("start", "siegel-scep")
    # Others ask it for something: it is there when it answers, not when it was begun.
    support.wait_until(lambda: support.http_get(f"{instance.scep_url}/none?operation=GetCACaps").status < 500, 30)


@pytest.mark.parametrize("lang, width", FLOWS)
def test_dashboard_help_palette_and_errors(instance, default_tenant, rest, without_scep, lang, width):
    name, code = new_account(default_tenant)
    browser = Browser(instance)
    browser.first(name, code)
    cn = f"palette-{lang}-{width}-{name}.example"
    today = lambda: instance.sql("SELECT (now() AT TIME ZONE 'UTC')::date")  # noqa: E731
    day = today()
    rest.issued("cert_server", cn=cn)
    rest.issue("cert_server", cn="bad name.example")
    found = run("dash", url=instance.url, lang=lang, cookie=browser.cookie, cookieName=COOKIE, cn=cn, stopped=without_scep, views=VIEWS, shots=SHOTS, dark=lang == "de",
                width=width)
    assert [view for view, _, _ in found["helped"]] == VIEWS and len({title for _, title, _ in found["helped"]}) == len(VIEWS)
    assert all(steps >= 2 for _, _, steps in found["helped"])
    assert found["back"] == "F1" and found["active"] and found["refused"] == 1 and found["shifted"] == 0
    # The day it was issued on is the first one, or the second where midnight came in between.
    assert found["days"] == len(found["newest"]) == 30 and sum(found["newest"][:1 if today() == day else 2]) >= 1, found
    assert found["errorLang"] is None
    assert ("Tag 0x00, wo 0x30 gebraucht wird" if lang == "de" else "tag 0x00 where 0x30 is wanted") in found["error"]
