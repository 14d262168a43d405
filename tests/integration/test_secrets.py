"""Secrets that are kept for others, and keys that come back from the archive: opened by other implementations."""

import base64
import subprocess
import uuid

import pytest
from cryptography.hazmat.primitives import keywrap, serialization
from cryptography.hazmat.primitives.serialization import pkcs12

import pki
import support


def name(word="secret"):
    return f"{word}-{uuid.uuid4().hex[:10]}"


def make(rest, **attributes):
    attributes.setdefault("name", name())
    answer = rest.post("/secrets", {"data": {"type": "secrets", "attributes": attributes}})
    assert answer.status == 201, answer
    return answer.data


def fetch(rest, secret, **attributes):
    return rest.post(f"/secrets/{secret['id']}/fetch", {"data": {"type": "fetch", "attributes": attributes}})


def value(answer):
    assert answer.status == 200, answer
    return base64.b64decode(answer.attributes["value"])


def test_made_here_and_handed_out(rest):
    key = make(rest, kind="symmetric", algorithm="aes128", device="meter 4711", metadata={"gateway": "g1"})
    assert key["attributes"]["device"] == "meter 4711" and key["attributes"]["number"] == 1
    assert "value" not in key["attributes"]
    first = value(fetch(rest, key))
    assert len(first) == 16 and value(fetch(rest, key)) == first
    found = rest.get("/secrets?filter[device]=meter%204711&page[size]=5").data
    assert key["id"] in {s["id"] for s in found}


def test_passwords_follow_their_recipe(rest):
    for alphabet, letters, length in (("digits", "0123456789", 6), ("readable", "abcdefghijkmnpqrstuvwxyz23456789", 20)):
        seen = set()
        for _ in range(5):
            got = fetch(rest, make(rest, kind="password", alphabet=alphabet, length=length)).attributes["text"]
            assert len(got) == length and set(got) <= set(letters)
            seen.add(got)
        assert len(seen) == 5
    answer = rest.post("/secrets", {"data": {"type": "secrets", "attributes": {"name": name(), "kind": "password", "length": 6}}})
    assert answer.status == 422 and answer.error["source"]["pointer"] == "/data/attributes/length"


def test_versions(rest):
    secret = make(rest, kind="data", value=base64.b64encode(b"first").decode())
    answer = rest.post(f"/secrets/{secret['id']}/rotate", {"data": {"type": "rotate", "attributes": {"value": base64.b64encode(b"second").decode()}}})
    assert answer.status == 200 and answer.attributes["number"] == 2, answer
    assert value(fetch(rest, secret)) == b"second" and value(fetch(rest, secret, number=1)) == b"first"
    assert fetch(rest, secret, number=3).status == 404


def test_a_new_version_is_like_the_one_before(rest):
    pin = make(rest, kind="password", alphabet="digits", length=6)
    answer = rest.post(f"/secrets/{pin['id']}/rotate")
    assert answer.status == 200, answer
    text = fetch(rest, pin).attributes["text"]
    assert len(text) == 6 and text.isdigit()
    key = make(rest, kind="symmetric", algorithm="aes128")
    assert rest.post(f"/secrets/{key['id']}/rotate").status == 200 and len(value(fetch(rest, key))) == 16
    longer = rest.post(f"/secrets/{pin['id']}/rotate", {"data": {"type": "rotate", "attributes": {"alphabet": "readable", "length": 12}}})
    assert longer.status == 200 and len(fetch(rest, pin).attributes["text"]) == 12
    given = rest.post(f"/secrets/{pin['id']}/rotate", {"data": {"type": "rotate", "attributes": {"value": base64.b64encode(b"x").decode()}}})
    assert given.status == 200 and fetch(rest, pin).attributes["text"] == "x"


def test_handed_out_once(rest, instance):
    secret = make(rest, kind="symmetric", delivery="once")
    assert len(value(fetch(rest, secret))) == 32
    again = fetch(rest, secret)
    assert again.status == 409, again
    assert instance.count("secret_version", f"secret_id = {int(secret['id'])} AND wrapped IS NOT NULL") == 0
    version = rest.get(f"/secrets/{secret['id']}").attributes["versions"][0]
    assert version["fetched"] == 1 and version["destroyed_at"]


@pytest.mark.parametrize("form, unwrap, data", [
    ("aes-kw", keywrap.aes_key_unwrap, b"0123456789abcdef01234567"), ("aes-kwp", keywrap.aes_key_unwrap_with_padding, b"any length at all"),
])
def test_key_wrap_is_undone_by_others(rest, form, unwrap, data):
    kek = make(rest, kind="symmetric", algorithm="aes256")
    secret = make(rest, kind="data", value=base64.b64encode(data).decode())
    wrapped = value(fetch(rest, secret, format=form, kek=int(kek["id"])))
    assert wrapped != data and unwrap(value(fetch(rest, kek)), wrapped) == data


@pytest.mark.parametrize("kind", ["p256", "rsa2048"])
def test_cms_is_opened_by_openssl(rest, tmp_path, kind):
    key, crt = tmp_path / "k.pem", tmp_path / "c.pem"
    options = ("ec", "-pkeyopt", "ec_paramgen_curve:P-256") if kind == "p256" else ("rsa:2048",)
    pki.run("openssl", "req", "-x509", "-newkey", *options, "-nodes", "-keyout", key, "-out", crt, "-subj", "/CN=recipient", "-days", "2")
    secret = make(rest, kind="data", value=base64.b64encode(b"for you alone").decode())
    (tmp_path / "x.cms").write_bytes(value(fetch(rest, secret, format="cms", recipient=crt.read_text())))
    assert pki.run("openssl", "cms", "-decrypt", "-inform", "DER", "-in", tmp_path / "x.cms", "-recip", crt, "-inkey", key) == b"for you alone"


def test_what_cant_be(rest):
    secret = make(rest, kind="symmetric")
    once = make(rest, kind="symmetric", delivery="once")
    for attributes, status, at in (({"format": "rot13"}, 422, "format"), ({"format": "cms"}, 422, "recipient"), ({"format": "cms", "recipient": "x"}, 422, "recipient"),
                                   ({"format": "aes-kw"}, 422, "kek"), ({"format": "aes-kw", "kek": int(once["id"])}, 422, "kek")):
        answer = fetch(rest, secret, **attributes)
        assert answer.status == status and answer.error["source"]["pointer"].endswith(at), answer


@pytest.mark.rows("R18")
def test_nothing_shows_it(rest, instance, other_tenant):
    canary = f"canary {uuid.uuid4().hex}"
    secret = make(rest, kind="data", value=base64.b64encode(canary.encode()).decode())
    assert canary.encode() in value(fetch(rest, secret))
    text = instance.log_text()
    assert canary not in text and base64.b64encode(canary.encode()).decode() not in text
    shown = rest.get(f"/secrets/{secret['id']}").body
    assert canary.encode() not in shown
    for table, column in (("audit", "detail"), ("secret_version", "encode(wrapped, 'escape')"), ("approval", "body::text")):
        assert instance.count(table, f"{column} LIKE '%{canary}%'") == 0
    assert fetch(other_tenant.rest(), secret).status == 404
    for role in ("requestor", "auditor", "registration_authority"):
        assert fetch(support.Tenant(instance, "default").rest(role), secret).status == 403


class TestArchive:
    """A key that was made here and kept comes back once two others have approved."""

    @pytest.fixture(scope="class")
    def people(self, instance, default_tenant):
        return [instance.rest(default_tenant.account("operator", "token", name("person"))[1]) for _ in range(4)]

    @pytest.fixture(scope="class")
    def kept(self, rest):
        profile = name("archive")
        made = rest.post("/profiles", {"data": {"type": "profiles", "attributes": {
            "name": profile, "kind": "cert_client", "title": "Archived", "definition": {
                "days": 30, "max_days": 30, "keys": ["p256"], "key_usage": ["digitalSignature", "keyAgreement"], "extended_key_usage": ["emailProtection"],
                "subject_required": ["CN"], "subject_allowed": ["CN"], "names_allowed": ["email"], "archive_keys": True}}}})
        assert made.status == 201, made
        issued = support.wait_until(lambda: self._issue(rest, profile), 10)
        return issued

    @staticmethod
    def _issue(rest, profile):
        answer = rest.issue("cert_client", cn="anna", profile=profile)
        return answer.data if answer.status == 201 else None

    @staticmethod
    def ask(who, kept, **attributes):
        return who.post(f"/archived_keys/{kept['id']}/recover", {"data": {"type": "recover", "attributes": attributes}})

    @pytest.mark.rows("R17")
    def test_two_others_have_to_agree(self, people, kept, instance):
        asks, *others = people
        assert self.ask(asks, kept).status == 422  # without a reason
        waits = self.ask(asks, kept, reason="Anna left, her mail is needed")
        assert waits.status == 202, waits
        approval = waits.data["id"]
        assert self.ask(asks, kept, reason="again").data["id"] == approval
        assert asks.post(f"/approvals/{approval}/approve").status == 403
        for n, other in enumerate(others[:2]):
            assert self.ask(asks, kept).status == 202, n
            assert other.post(f"/approvals/{approval}/approve").status == 200
        stranger = self.ask(others[2], kept, reason="me too")
        assert stranger.status == 202 and stranger.data["id"] != approval
        got = self.ask(asks, kept, pkcs12_password="correct horse")
        assert got.status == 200, got
        key, cert, _ = pkcs12.load_key_and_certificates(base64.b64decode(got.attributes["pkcs12"]), b"correct horse")
        want = serialization.load_pem_private_key(kept["attributes"]["private_key_pem"].encode(), None)
        assert key.private_numbers() == want.private_numbers() and cert == support.load_cert(kept["attributes"]["pem"])
        assert self.ask(asks, kept, reason="and again").data["id"] != approval  # once for each approval
        assert instance.count("audit", f"action = 'key.recovered' AND object = 'certificate/{int(kept['id'])}'") == 1
        assert instance.count("approval", "result::text LIKE '%PRIVATE%' OR body::text LIKE '%horse%'") == 0

    def test_others_have_no_part_in_it(self, kept, other_tenant, default_tenant):
        assert self.ask(other_tenant.rest(), kept, reason="x").status == 404
        assert self.ask(default_tenant.rest("requestor"), kept, reason="x").status == 403
