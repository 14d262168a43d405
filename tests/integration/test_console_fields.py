"""Fields of resources that were JSON once: made by their forms, in a browser, and what is then in the store."""

import uuid

import pytest

import sessions
from sessions import Browser, new_account
from test_console_web import SHOTS, WIDTHS, pytestmark, run  # noqa: F401

FLOWS = [(lang, width) for width in WIDTHS for lang in ("en", "de")] or [("en", 1366), ("de", 800)]


@pytest.mark.parametrize("lang, width", FLOWS)
def test_fields_by_their_forms(instance, default_tenant, rest, lang, width):
    mark = uuid.uuid4().hex[:8]
    short = f"short-{mark}"
    definition = rest.get("/profile_templates/server").attributes["definition"]
    made = rest.post("/profiles", {"data": {"type": "profiles", "attributes": {"name": short, "kind": "cert_server", "title": f"Server {mark}", "definition": definition | {"days": 7}}}})
    assert made.status == 201, made
    query = {"filter[status][in]": "issued,held", "filter[any.1][owner][contains]": "line", "filter[any.2][metadata.site]": "Ulm", "sort": "-not_after", "filter[flavour]": "x"}
    kept = rest.post("/saved_queries", {"data": {"type": "saved_queries", "attributes": {"name": f"Line {mark}", "query": query, "columns": ["common_name", "owner", "metadata.site"], "shared": True}}})
    assert kept.status == 201, kept
    one = Browser(instance)
    one.first(*new_account(default_tenant))
    try:
        found = run("fields", 300, url=instance.url, lang=lang, cookie=one.cookie, cookieName=sessions.COOKIE, mark=mark, profile=short, query=kept.data["id"], shots=SHOTS, dark=lang == "de", width=width)
        assert found["done"] and short in found["choices"] and "root-ca" not in found["choices"]
        assert "short" in found["page"] and "A week" in found["page"] and "{" not in found["page"]
        # The search in words, what the list doesn't know named, and the list itself.
        assert "filter[flavour]=x" in found["search"] and "filter[any" not in found["search"] and "not_after" not in found["search"]
        assert "columns=common_name" in found["address"] and "sort=-not_after" in found["address"]
        # What was removed is gone, and the other one is the default.
        offers = rest.get(f"/acme_directories/{found['directory']}").attributes["profiles"]
        assert {name: (o["profile"], o["default"]) for name, o in offers.items()} == {"server": ("server", True)}
    finally:
        for left in rest.get(f"/acme_directories?filter[name]=web-{mark}").data:
            rest.delete(f"/acme_directories/{left['id']}")
        rest.delete(f"/profiles/{made.data['id']}")
        rest.delete(f"/saved_queries/{kept.data['id']}")
