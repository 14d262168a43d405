"""The life of a certificate over REST: issue, show, list, revoke; documents as JSON:API 1.1 wants them."""

import base64
import concurrent.futures
import datetime
import http.client
import re
import subprocess
import urllib.parse
import uuid
from pathlib import Path

import pytest
import support
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

KINDS = {"cert_server": ExtendedKeyUsageOID.SERVER_AUTH, "cert_client": ExtendedKeyUsageOID.CLIENT_AUTH,
         "cert_device": ExtendedKeyUsageOID.CLIENT_AUTH}
ISSUED = {"serial", "subject", "common_name", "names", "not_before", "not_after", "status", "profile", "issuer", "pem", "chain_pem",
          "fingerprint_sha256", "validity_rule", "created_at", "key_type", "owner", "metadata", "replaces"}
INSTANT = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
REVOCATION = {"data": {"type": "revocation", "attributes": {"reason": "keyCompromise"}}}


def unique(prefix="rest"):
    return f"{prefix}-{uuid.uuid4().hex[:10]}.example"


def public_bytes(key):
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def instant(text):
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")


def lasting(attributes):
    """What every later answer about a certificate says too; the engine's clock and the store's differ a little at its issue."""
    return {k: v for k, v in attributes.items() if k not in ("private_key_pem", "validity_rule", "created_at")}


def verify(instance, folder, resource):
    """By openssl, to the root that the instance gives out."""
    leaf, chain = folder / "leaf.pem", folder / "chain.pem"
    leaf.write_text(resource["attributes"]["pem"])
    chain.write_text(resource["attributes"]["chain_pem"])
    done = subprocess.run(["openssl", "verify", "-x509_strict", "-CAfile", instance.root, "-untrusted", chain, leaf],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


# ---------------------------------------------------------------- issue


def test_request_byte_for_byte(instance, tmp_path):
    body = b'{ "data": { "type": "cert_server", "attributes": { "cn": "Certificate", "cert_days": 3650 } } }'
    connection = http.client.HTTPSConnection(instance.host, instance.port, context=instance.tls_context(), timeout=20)
    connection.request("POST", "/api/v2.0/cert_server", body=body,
                       headers={"Content-Type": "application/vnd.api+json", "Authorization": f"Bearer {instance.token}"})
    got = connection.getresponse()
    answer = support.Answer(got.status, got.getheaders(), got.read())
    connection.close()
    assert answer.status == 201, answer
    assert answer.headers["content-type"] == "application/vnd.api+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json["jsonapi"] == {"version": "1.1"}
    attributes = answer.attributes
    assert set(attributes) == ISSUED | {"private_key_pem"}
    certificate = support.load_cert(attributes["pem"])
    assert certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "Certificate" == attributes["common_name"]
    assert attributes["serial"] == f"{certificate.serial_number:0{len(attributes['serial'])}x}" == attributes["serial"].lower()
    assert attributes["fingerprint_sha256"] == certificate.fingerprint(hashes.SHA256()).hex()
    assert all(INSTANT.match(attributes[n]) for n in ("not_before", "not_after", "created_at"))
    assert attributes["status"] == "issued" and attributes["profile"] == "server" and attributes["issuer"] == "issuing"
    key = serialization.load_pem_private_key(attributes["private_key_pem"].encode(), None)
    assert public_bytes(key.public_key()) == public_bytes(certificate.public_key())
    assert urllib.parse.urlsplit(answer.headers["location"]).path == f"/api/v2.0/certificates/{answer.data['id']}"
    assert answer.headers["location"] == answer.data["links"]["self"]
    verify(instance, tmp_path, answer.data)


@pytest.mark.parametrize("kind", KINDS)
def test_with_csr(rest, instance, tmp_path, kind):
    cn, key = unique(), support.new_key()
    resource = rest.issued(kind, cn=cn, csr=support.csr_pem(support.new_csr(cn, key=key)))
    assert resource["type"] == kind
    assert set(resource["attributes"]) == ISSUED
    certificate = support.load_cert(resource["attributes"]["pem"])
    assert public_bytes(certificate.public_key()) == public_bytes(key.public_key())
    assert KINDS[kind] in certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    verify(instance, tmp_path, resource)


@pytest.mark.parametrize("kind", KINDS)
def test_key_made_here(rest, kind):
    attributes = rest.issued(kind, cn=unique())["attributes"]
    key = serialization.load_pem_private_key(attributes["private_key_pem"].encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert public_bytes(key.public_key()) == public_bytes(support.load_cert(attributes["pem"]).public_key())


def test_key_type(rest):
    attributes = rest.issued("cert_server", cn=unique(), key_type="rsa3072")["attributes"]
    key = serialization.load_pem_private_key(attributes["private_key_pem"].encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey) and key.key_size == 3072


def test_subject_and_names(rest):
    cn = unique()
    resource = rest.issued("cert_server", cn=cn, o="Müller & Söhne", ou="Line 1", c="DE", st="Hessen", l="Fulda", serial_number="A-7",
                           dns=[cn, "*.w." + cn], ip=["192.0.2.1", "2001:db8::1"])
    certificate = support.load_cert(resource["attributes"]["pem"])
    subject = {a.oid: a.value for a in certificate.subject}
    assert subject == {NameOID.COMMON_NAME: cn, NameOID.ORGANIZATION_NAME: "Müller & Söhne", NameOID.ORGANIZATIONAL_UNIT_NAME: "Line 1",
                       NameOID.COUNTRY_NAME: "DE", NameOID.STATE_OR_PROVINCE_NAME: "Hessen", NameOID.LOCALITY_NAME: "Fulda",
                       NameOID.SERIAL_NUMBER: "A-7"}
    san = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert san.get_values_for_type(x509.DNSName) == [cn, "*.w." + cn]
    assert [str(a) for a in san.get_values_for_type(x509.IPAddress)] == ["192.0.2.1", "2001:db8::1"]
    assert resource["attributes"]["names"] == [f"dns:{cn}", f"dns:*.w.{cn}", "ip:192.0.2.1", "ip:2001:db8::1"]


def test_host_name_becomes_dns_name(rest):
    cn = unique()
    assert f"dns:{cn}" in rest.issued("cert_server", cn=cn)["attributes"]["names"]


def test_pkcs12(rest, tmp_path):
    answer = rest.issue("cert_client", cn=unique(), pkcs12_password="correct horse")
    assert answer.status == 201 and answer.headers["cache-control"] == "no-store"
    attributes = answer.attributes
    assert "private_key_pem" not in attributes
    data = base64.b64decode(attributes["pkcs12"], validate=True)
    key, certificate, more = pkcs12.load_key_and_certificates(data, b"correct horse")
    assert certificate.fingerprint(hashes.SHA256()).hex() == attributes["fingerprint_sha256"]
    assert public_bytes(key.public_key()) == public_bytes(certificate.public_key())
    assert [c.public_bytes(serialization.Encoding.PEM).decode() for c in more] == [
        c.public_bytes(serialization.Encoding.PEM).decode() for c in support.load_pem_chain(attributes["chain_pem"])]
    with pytest.raises(ValueError):
        pkcs12.load_key_and_certificates(data, b"wrong")
    file = tmp_path / "a.p12"
    file.write_bytes(data)
    done = subprocess.run(["openssl", "pkcs12", "-in", file, "-nodes", "-passin", "pass:correct horse"], capture_output=True, text=True)
    assert done.returncode == 0 and "PRIVATE KEY" in done.stdout, done.stderr


def test_validity_says_its_rule(rest):
    days = rest.issued("cert_server", cn=unique(), cert_days=30)["attributes"]
    certificate = support.load_cert(days["pem"])
    length = support.not_after(certificate) - support.not_before(certificate)
    assert datetime.timedelta(days=29, hours=23) <= length <= datetime.timedelta(days=30, hours=2)
    assert days["validity_rule"] == "as requested"
    assert rest.issued("cert_server", cn=unique())["attributes"]["validity_rule"] == "profile default"
    answer = rest.issue("cert_server", cn=unique(), cert_days=36525)
    if answer.status == 201:
        assert "clamped" in answer.attributes["validity_rule"]
        issuer = support.load_pem_chain(answer.attributes["chain_pem"])[0]
        assert support.not_after(support.load_cert(answer.attributes["pem"])) <= support.not_after(issuer)
    else:
        assert answer.status == 422 and answer.error["source"]["pointer"] == "/data/attributes/cert_days", answer


@pytest.mark.parametrize("attributes,pointer", [
    ({"dns": ["good.example", "not a name"]}, "/data/attributes/dns/1"),
    ({"ip": ["192.0.2.1", "192.0.2.256"]}, "/data/attributes/ip/1"),
    ({"c": "Germany"}, "/data/attributes/c"),
    ({"cn": "a" * 65}, "/data/attributes/cn"),
    ({"key_type": "rsa1024"}, "/data/attributes/key_type"),
    ({"profile": "no-such"}, "/data/attributes/profile"),
    ({"ca": "no-such"}, "/data/attributes/ca"),
    ({"csr": "-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n"}, "/data/attributes/csr"),
    ({"serial": "01"}, "/data/attributes/serial"),
    ({"a/b": 1}, "/data/attributes/a~1b"),
])
def test_errors_point_at_the_place(rest, attributes, pointer):
    answer = rest.issue("cert_server", **{"cn": unique(), **attributes})
    assert answer.status in (404, 422), answer
    assert answer.error["source"] == {"pointer": pointer}, answer
    assert answer.error["status"] == str(answer.status) and answer.error["detail"] and answer.error["id"]


def test_csr_names_are_taken(rest):
    cn = unique()
    csr = support.new_csr(cn, ["one." + cn, "two." + cn])
    resource = rest.post("/cert_server", {"data": {"type": "cert_server", "attributes": {"csr": support.csr_pem(csr)}}})
    assert resource.status == 201, resource
    assert resource.attributes["common_name"] == cn
    assert {f"dns:one.{cn}", f"dns:two.{cn}"} <= set(resource.attributes["names"])


# ---------------------------------------------------------------- repetition


def test_repetition(rest):
    cn, key = unique(), uuid.uuid4().hex
    first = rest.issue("cert_server", cn=cn, headers={"Idempotency-Key": key})
    second = rest.issue("cert_server", cn=cn, headers={"Idempotency-Key": key})
    assert (first.status, second.status) == (201, 200)
    assert "meta" not in first.json and second.json["meta"]["repeated"] is True and second.json["meta"]["private_key"]
    assert second.attributes["validity_rule"] == "as issued before"
    assert lasting(first.attributes) == lasting(second.attributes)
    assert abs(instant(first.attributes["created_at"]) - instant(second.attributes["created_at"])) < datetime.timedelta(seconds=5)
    other = rest.issue("cert_server", cn=unique(), headers={"Idempotency-Key": key})
    assert other.status == 409 and other.error["code"] == "idempotency_conflict"
    assert rest.issue("cert_server", cn=cn).attributes["serial"] != first.attributes["serial"]


def test_hundred_at_once_are_one(rest):
    cn, key = unique(), uuid.uuid4().hex

    def ask(_):
        for _ in range(50):
            answer = rest.issue("cert_server", cn=cn, headers={"Idempotency-Key": key})
            if answer.status != 503:
                return answer
        return answer

    with concurrent.futures.ThreadPoolExecutor(25) as pool:
        answers = list(pool.map(ask, range(100)))
    assert {a.status for a in answers} <= {200, 201}, {a.status for a in answers}
    assert sum(a.status == 201 for a in answers) <= 1
    assert len({a.attributes["serial"] for a in answers}) == 1
    assert len(rest.get(f"/certificates?filter[common_name]={cn}").data) == 1


# ---------------------------------------------------------------- show and list


@pytest.fixture(scope="module")
def batch(rest):
    """Six certificates with a word of their own in the name, in order of issue."""
    word = f"batch{uuid.uuid4().hex[:8]}"
    made = [rest.issued(kind, cn=f"{letter}.{word}.example", cert_days=days)
            for letter, kind, days in zip("cabfed", ["cert_server", "cert_client", "cert_device"] * 2, [10, 40, 20, 60, 50, 30])]
    return word, made


def find(rest, word, query="", collection="certificates"):
    return rest.get(f"/{collection}?filter[common_name][contains]={word}&{query}")


def test_show_is_what_was_answered(rest):
    issued = rest.issued("cert_device", cn=unique())
    shown = rest.get(f"/certificates/{issued['id']}").data
    attributes = dict(shown["attributes"])
    more = {k: attributes.pop(k) for k in ("requestor", "source", "revoked_at", "revocation_reason")}
    assert more["source"] == "rest" and more["revoked_at"] is None
    assert lasting(attributes) == lasting(issued["attributes"]) and INSTANT.match(attributes["created_at"])
    assert (shown["type"], shown["id"], shown["links"], shown["relationships"]) == (
        issued["type"], issued["id"], issued["links"], issued["relationships"])
    assert rest.get(f"/cert_device/{issued['id']}").data == shown
    assert rest.get(f"/cert_server/{issued['id']}").status == 404
    assert rest.request("HEAD", f"/certificates/{issued['id']}").status == 200


def test_list_by_kind(rest, batch):
    word, made = batch
    assert [m["id"] for m in find(rest, word).data] == [m["id"] for m in reversed(made)]
    for kind in KINDS:
        members = find(rest, word, collection=kind).data
        assert [m["id"] for m in members] == [m["id"] for m in reversed(made) if m["type"] == kind]
        assert {m["type"] for m in members} == {kind}
        assert all("pem" not in m["attributes"] for m in members)


def test_sort(rest, batch):
    word, made = batch
    for attribute in ("common_name", "not_after", "not_before", "created_at"):
        ascending = [m["id"] for m in find(rest, word, f"sort={attribute}").data]
        descending = [m["id"] for m in find(rest, word, f"sort=-{attribute}").data]
        assert sorted(ascending) == sorted(m["id"] for m in made) and ascending == descending[::-1]
    names = [m["attributes"]["common_name"][0] for m in find(rest, word, "sort=common_name").data]
    assert names == list("abcdef")


@pytest.mark.parametrize("sort", ["", "sort=id", "sort=common_name", "sort=-not_after", "sort=created_at", "sort=not_before"])
@pytest.mark.parametrize("size", [1, 2, 5, 6, 7])
def test_pages(rest, batch, sort, size):
    word, _ = batch
    whole = [m["id"] for m in find(rest, word, sort).data]
    got, answer = [], find(rest, word, f"{sort}&page[size]={size}")
    while True:
        assert answer.status == 200 and len(answer.data) <= size, answer
        got += [m["id"] for m in answer.data]
        link = answer.json["links"]["next"]
        if link is None:
            break
        parts = urllib.parse.urlsplit(link)
        answer = rest.get(f"{parts.path}?{parts.query}")
    assert got == whole


def test_pages_hold_while_others_issue(rest, batch):
    word, made = batch
    first = find(rest, word, "page[size]=3")
    rest.issued("cert_server", cn=unique())
    parts = urllib.parse.urlsplit(first.json["links"]["next"])
    second = rest.get(f"{parts.path}?{parts.query}")
    assert [m["id"] for m in first.data + second.data] == [m["id"] for m in reversed(made)]


def test_filters(rest, batch):
    word, made = batch
    one = made[0]["attributes"]
    for query in (f"filter[serial]={one['serial']}", f"filter[serial]={one['serial'].upper()}",
                  f"filter[common_name]={one['common_name']}", f"filter[names]=dns:{one['common_name']}",
                  f"filter[subject]={urllib.parse.quote(one['subject'])}", f"filter[names][contains]=C.{word.upper()}"):
        assert [m["id"] for m in rest.get(f"/certificates?{query}").data] == [made[0]["id"]], query
    middle = urllib.parse.quote(sorted(m["attributes"]["not_after"] for m in made)[3])
    assert len(find(rest, word, f"filter[not_after][lt]={middle}").data) == 3
    assert len(find(rest, word, f"filter[not_after][ge]={middle}").data) == 3
    assert len(find(rest, word, "filter[profile]=device").data) == 2
    assert len(find(rest, word, "filter[issuer]=issuing&filter[status]=issued&filter[source]=rest").data) == 6
    assert find(rest, word, "filter[status]=revoked").data == []


def test_fields(rest, batch):
    word, _ = batch
    answer = find(rest, word, "fields[cert_server]=serial,pem&fields[cert_client]=ca&fields[cert_device]=")
    for member in answer.data:
        attributes, relationships = set(member["attributes"]), set(member.get("relationships", {}))
        assert (attributes, relationships) == {"cert_server": ({"serial", "pem"}, set()), "cert_client": (set(), {"ca"}),
                                               "cert_device": (set(), set())}[member["type"]]
    shown = rest.get(f"/certificates/{answer.data[0]['id']}?fields[{answer.data[0]['type']}]=chain_pem").data
    assert set(shown["attributes"]) == {"chain_pem"}


def test_cas(rest, instance):
    members = {m["attributes"]["name"]: m for m in rest.get("/cas").data}
    assert {"root", "issuing"} <= set(members)
    root, issuing = members["root"], members["issuing"]
    assert root["relationships"]["parent"]["data"] is None
    assert issuing["relationships"]["parent"]["data"] == {"type": "cas", "id": root["id"]}
    assert issuing["attributes"]["is_default"] is True and root["attributes"]["status"] == "offline"
    certificate = support.load_cert(issuing["attributes"]["pem"])
    ski = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    assert issuing["attributes"]["key_id"] == ski.hex() and ski.hex() in issuing["attributes"]["crl_url"]
    assert rest.get(f"/cas/{issuing['id']}").data == issuing


def test_profiles(rest):
    members = {m["attributes"]["name"]: m for m in rest.get("/profiles").data}
    assert {(n, members[n]["attributes"]["kind"]) for n in ("server", "client", "device")} == {
        ("server", "cert_server"), ("client", "cert_client"), ("device", "cert_device")}
    assert isinstance(members["server"]["attributes"]["definition"], dict)
    assert rest.get(f"/profiles/{members['server']['id']}").data == members["server"]


def test_crls(rest):
    members = rest.get("/crls?sort=-number&filter[issuer]=issuing").data
    assert members and members[0]["attributes"]["number"] >= 1
    assert rest.get(f"/crls/{members[0]['id']}").data == members[0]


def test_health(instance, rest):
    for client in (instance.rest(), rest):
        answer = client.get("/health")
        assert answer.status == 200, answer
        assert answer.attributes == {"status": "ok", "store": "ok", "engine": "ok"}


# ---------------------------------------------------------------- revoke


def test_revoke(rest):
    issued = rest.issued("cert_server", cn=unique())
    answer = rest.post(f"/certificates/{issued['id']}/revoke", REVOCATION)
    assert answer.status == 200, answer
    assert answer.data["id"] == issued["id"] and answer.attributes["serial"] == issued["attributes"]["serial"]
    assert (answer.attributes["status"], answer.attributes["revocation_reason"]) == ("revoked", "keyCompromise")
    assert INSTANT.match(answer.attributes["revoked_at"])
    assert rest.get(f"/certificates/{issued['id']}").attributes == answer.attributes
    assert rest.get(f"/certificates?filter[status]=revoked&filter[serial]={issued['attributes']['serial']}").data[0]["id"] == issued["id"]


def test_revoke_needs_a_reason_that_is_one(rest):
    issued = rest.issued("cert_server", cn=unique())
    for attributes in ({"reason": "because"}, {"reason": 1}, {"reason": "removeFromCRL"}, {"status": "revoked"}):
        answer = rest.post(f"/certificates/{issued['id']}/revoke", {"data": {"type": "revocation", "attributes": attributes}})
        assert answer.status == 422 and answer.error["source"]["pointer"].startswith("/data/attributes"), answer
    assert rest.post("/certificates/999999999999/revoke", REVOCATION).status == 404
    assert rest.post(f"/certificates/{issued['id']}/revoke", {"data": {"type": "cert_server"}}).status == 409
    assert rest.get(f"/certificates/{issued['id']}").attributes["status"] == "issued"


# ---------------------------------------------------------------- sign in


def test_sign_in_and_out(instance, default_tenant):
    name, code = default_tenant.account("operator", "one_time")
    answer = instance.rest().post("/tokens", headers={"Authorization": support.basic(name, code)})
    assert answer.status == 201 and answer.headers["cache-control"] == "no-store", answer
    assert answer.attributes["account"] == name and answer.attributes["role"] == "operator"
    expires = instant(answer.attributes["expires_at"])
    assert datetime.timedelta(hours=11, minutes=55) < expires - datetime.datetime.utcnow() < datetime.timedelta(hours=12, minutes=5)
    client = instance.rest(answer.attributes["token"])
    assert client.get("/certificates?page[size]=1").status == 200
    assert client.delete(f"/tokens/{answer.data['id']}").status == 204
    again = client.get("/certificates?page[size]=1")
    assert again.status == 401 and again.headers["www-authenticate"].startswith("Bearer"), again
    actions = [row[0] for row in instance.sql(f"SELECT action FROM audit WHERE object = 'token/{answer.data['id']}' ORDER BY seq")]
    assert actions == ["token.made", "token.revoked"]


def test_client_certificate_of_a_device_may_nothing(instance, client_identity):
    certificate, key, _ = client_identity()
    answer = instance.rest(cert=certificate, key=key).get("/certificates")
    assert answer.status == 403, answer


def test_client_certificate_of_an_account(instance, rest, client_identity, tmp_path):
    certificate, key, resource = client_identity()
    shared = tmp_path / "line.pem"
    shared.write_text(resource["attributes"]["pem"])
    for place in (shared, *[p for p in shared.parents if p not in (Path("/"), Path("/tmp"))]):
        place.chmod(place.stat().st_mode | 0o055 if place.is_dir() else 0o644)
    name = f"line-{uuid.uuid4().hex[:8]}"
    instance.siegelctl("setup", "account", "--tenant", "default", "--name", name, "--role", "requestor", "--certificate", shared)
    client = instance.rest(cert=certificate, key=key)
    issued = client.issue("cert_device", cn=unique())
    assert issued.status == 201, issued
    assert name in rest.get(f"/certificates/{issued.data['id']}").attributes["requestor"]
    assert client.post(f"/certificates/{issued.data['id']}/revoke", REVOCATION).status == 403
    # A bearer token that is wrong isn't saved by a good certificate.
    assert client.get("/cas", headers={"Authorization": "Bearer wrong"}).status == 401
    assert rest.post(f"/certificates/{resource['id']}/revoke", REVOCATION).status == 200
    refused = client.issue("cert_device", cn=unique())
    assert refused.status == 403 and "revoked" in refused.error["detail"], refused


def test_header_of_the_edge_cant_be_forged(instance, client_identity, rest):
    """A client's own X-Siegel-Client-Cert is overwritten by the edge."""
    _, _, resource = client_identity()
    quoted = urllib.parse.quote(resource["attributes"]["pem"])
    assert instance.rest().get("/cas", headers={"X-Siegel-Client-Cert": quoted}).status == 401


def test_media_types(rest, instance):
    assert rest.get("/cas", headers={"Accept": None}).status == 200
    assert rest.get("/cas", headers={"Accept": "*/*"}).status == 200
    for accept in ("text/html", "application/vnd.api+json; charset=utf-8", 'application/vnd.api+json; ext="https://a.example"'):
        answer = rest.get("/cas", headers={"Accept": accept})
        assert answer.status == 406 and answer.error["source"] == {"header": "Accept"}, answer
    answer = rest.issue("cert_server", headers={"Content-Type": "application/json"})
    assert answer.status == 415 and answer.error["source"] == {"header": "Content-Type"}, answer
