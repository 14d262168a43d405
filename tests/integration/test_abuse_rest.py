"""REST: whoever asks for what isn't theirs, sends what isn't a document, or tries to be somebody else."""

import concurrent.futures
import json
import re
import time
import urllib.parse
import uuid

import pytest
from cryptography import x509

import support
from support import MEDIA_TYPE

COLLECTIONS = ("certificates", "cert_server", "cert_client", "cert_device")
LEAKS = re.compile(r"(?i)select |insert into|siegel\.\w+ |/usr/|/root|/tmp/|\.c:\d+|backtrace|SQLSTATE|pg_|0x[0-9a-f]{8}")


def document(kind="cert_server", **attributes):
    return {"data": {"type": kind, "attributes": attributes}}


def refused(answer, *statuses):
    """An error document of JSON:API with one of these statuses, and nothing of our inside in it."""
    assert answer.status in statuses, answer
    error = answer.error
    assert error["status"] == str(answer.status) and error["code"] and error["title"], answer
    assert answer.headers["content-type"].startswith(MEDIA_TYPE)
    assert not LEAKS.search(error["title"] + error["detail"]), answer  # the source names what the client itself sent
    return error


# ---------------------------------------------------------------- tenants


@pytest.fixture(scope="module")
def theirs(other_tenant):
    """A certificate of another tenant."""
    return other_tenant.rest().issued("cert_server", cn=f"their-{uuid.uuid4().hex[:8]}.example")


@pytest.mark.rows("R01")
def test_other_tenants_certificate_by_id(rest, theirs):
    for collection in COLLECTIONS:
        refused(rest.get(f"/{collection}/{theirs['id']}"), 404)
    refused(rest.get(f"/certificates/{theirs['id']}?fields[cert_server]=pem"), 404)


@pytest.mark.rows("R01")
def test_other_tenants_certificate_looks_like_none(rest, theirs):
    """Nothing in the answer tells a certificate of others from one that there isn't."""
    missing = rest.get("/certificates/999999999999")
    other = rest.get(f"/certificates/{theirs['id']}")
    assert (missing.status, missing.error["detail"]) == (other.status, other.error["detail"])

    difference = support.quickest_difference(lambda: rest.get("/certificates/999999999999"), lambda: rest.get(f"/certificates/{theirs['id']}"), 15, 0.005)
    assert difference < 0.005, f"{difference * 1000:.1f} ms"


@pytest.mark.rows("R01")
@pytest.mark.parametrize("name", ["serial", "subject", "common_name", "names", "fingerprint"])
def test_other_tenants_certificate_by_filter(rest, theirs, name):
    attributes = theirs["attributes"]
    value = {"serial": attributes["serial"], "subject": attributes["subject"], "common_name": attributes["common_name"],
             "names": attributes["names"][0], "fingerprint": attributes["fingerprint_sha256"]}[name]
    answer = rest.get(f"/certificates?filter[{name}]={urllib.parse.quote(value)}")
    if answer.status == 200:
        assert answer.data == []
    else:
        refused(answer, 400)
    answer = rest.get(f"/certificates?filter[subject][contains]={urllib.parse.quote(attributes['common_name'])}")
    assert answer.status == 200 and answer.data == []


@pytest.mark.rows("R01")
def test_other_tenants_things_in_no_list(rest, other_tenant, theirs):
    client = other_tenant.rest()
    for collection in (*COLLECTIONS, "cas", "profiles", "crls"):
        for query in ("?page[size]=500",):
            mine = {m["id"] for m in rest.get(f"/{collection}{query}").data}
            other = {m["id"] for m in client.get(f"/{collection}{query}").data}
            assert not mine & other, collection
    assert theirs["id"] in {m["id"] for m in client.get("/certificates").data}


@pytest.mark.rows("R01", "R12")
def test_cursor_of_another_tenant(rest, other_tenant):
    client = other_tenant.rest()
    for i in range(3):
        client.issued("cert_client", cn=f"page {i}")
    page = client.get("/certificates?page[size]=1")
    after = urllib.parse.parse_qs(urllib.parse.urlsplit(page.json["links"]["next"]).query)["page[after]"][0]
    assert client.get(f"/certificates?page[size]=1&page[after]={urllib.parse.quote(after)}").status == 200
    refused(rest.get(f"/certificates?page[size]=1&page[after]={urllib.parse.quote(after)}"), 400)


@pytest.mark.rows("R12")
def test_cursor_tampered(rest):
    for i in range(2):
        rest.issued("cert_client", cn=f"page {i}")
    page = rest.get("/certificates?page[size]=1")
    after = urllib.parse.parse_qs(urllib.parse.urlsplit(page.json["links"]["next"]).query)["page[after]"][0]
    broken = [after[:-1], after + "A", after[1:], "", "A", "A" * 6000, "%00", "'; DROP TABLE certificate; --"]
    broken += [after[:i] + ("A" if after[i] != "A" else "B") + after[i + 1:] for i in range(0, len(after), max(1, len(after) // 12))]
    for cursor in broken:
        refused(rest.get(f"/certificates?page[size]=1&page[after]={urllib.parse.quote(cursor)}"), 400)
    refused(rest.get(f"/certificates?page[size]=1&sort=common_name&page[after]={urllib.parse.quote(after)}"), 400)
    refused(rest.get(f"/cert_client?page[size]=1&page[after]={urllib.parse.quote(after)}"), 400)


@pytest.mark.rows("R02")
def test_revoke_across_tenants(rest, other_tenant, theirs, instance):
    body = {"data": {"type": "revocation", "attributes": {"reason": "keyCompromise"}}}
    refused(rest.post(f"/certificates/{theirs['id']}/revoke", body), 404)
    shown = other_tenant.rest().get(f"/certificates/{theirs['id']}")
    assert shown.attributes["status"] == "issued"
    assert instance.count("revocation", f"serial = '\\x{theirs['attributes']['serial']}'") == 0


@pytest.mark.rows("R05")
@pytest.mark.parametrize("name", ["profile", "ca"])
def test_issue_by_another_tenants_name(rest, other_tenant, instance, name):
    """Names of CAs and profiles are looked up in the own tenant alone; numbers aren't names."""
    tenant = instance.sql(f"SELECT id FROM tenant WHERE name = '{other_tenant.name}'")[0][0]
    table = "ca" if name == "ca" else "profile"
    number = instance.sql(f"SELECT id FROM {table} WHERE tenant_id = {tenant} LIMIT 1")[0][0]
    before = instance.count("certificate", f"tenant_id = {tenant}")
    for value in (number, f"{other_tenant.name}/issuing", "../issuing", "issuing'--"):
        refused(rest.issue("cert_server", **{name: value}), 404, 422)
    refused(rest.post("/cert_server", {"data": {"type": "cert_server", "attributes": {"cn": "a.example"}, "relationships": {
        name: {"data": {"type": f"{name}s", "id": number}}}}}), 404, 422)
    assert instance.count("certificate", f"tenant_id = {tenant}") == before


def test_profiles_of_the_house_are_nobodys(rest, instance):
    """Profiles that the engine keeps for itself, and CAs that sign no leaves, aren't to be had by their names."""
    for profile in ("ocsp-signer", "root-ca", "sub-ca", "ocsp_signer", "crl"):
        refused(rest.issue("cert_server", profile=profile), 404, 422)
    refused(rest.issue("cert_server", ca="root"), 404, 409, 422)


# ---------------------------------------------------------------- documents


@pytest.mark.rows("R03")
@pytest.mark.parametrize("name,value", [
    ("tenant_id", 1), ("tenant", "default"), ("role", "administrator"), ("status", "issued"), ("serial", "01"), ("issuer", "root"),
    ("issuer_id", 1), ("created_by", "root"), ("approved_by", "root"), ("id", "7"), ("not_after", "9999-12-31T23:59:59Z"),
    ("not_before", "1970-01-01T00:00:00Z"), ("is_ca", True), ("basic_constraints", "CA:TRUE"), ("extensions", []), ("__proto__", {}),
    ("subject", "CN=a"), ("names", ["dns:a.example"]), ("pem", "x"), ("requestor", "admin"), ("source", "setup"), ("x" * 200, 1),
    ("ü" * 100, 1), ("a\u0000b", 1), ("\u202e", 1), ("%s%n", 1), ("", 1)])
def test_mass_assignment(rest, instance, name, value):
    before = instance.count("certificate")
    error = refused(rest.post("/cert_server", document(cn="a.example", **{name: value})), 422, 400)
    assert error["code"] in ("bad_value", "malformed")
    assert instance.count("certificate") == before


@pytest.mark.rows("R04")
def test_type_and_id(rest):
    refused(rest.post("/cert_server", document("cert_client", cn="a.example")), 409)
    refused(rest.post("/cert_server", document("certificates", cn="a.example")), 409)
    refused(rest.post("/cert_server", {"data": {"type": 7, "attributes": {"cn": "a.example"}}}), 400, 409)
    refused(rest.post("/cert_server", {"data": {"type": "cert_server", "id": "7", "attributes": {"cn": "a.example"}}}), 403, 409)
    resource = rest.issued()
    body = {"data": {"type": "revocation", "id": "1", "attributes": {"reason": "superseded"}}}
    refused(rest.post(f"/certificates/{resource['id']}/revoke", body), 403, 409)


BAD_JSON = {
    "empty": b"", "space": b"   ", "text": b"hello", "deep array": b"[" * 10000, "deep object": b'{"a":' * 10000 + b"1" + b"}" * 10000,
    "deep closed": b"[" * 10000 + b"]" * 10000, "closing": b"]" * 10000 + b"[" * 10000,
    "two keys": b'{"data":{"type":"cert_server","attributes":{"cn":"a.example","cn":"b.example"}}}',
    "two data": b'{"data":{"type":"cert_server"},"data":{"type":"cert_server","attributes":{"cn":"a.example"}}}',
    "NaN": b'{"data":{"type":"cert_server","attributes":{"cn":"a.example","cert_days":NaN}}}',
    "infinity": b'{"data":{"type":"cert_server","attributes":{"cn":"a.example","cert_days":Infinity}}}',
    "1e999": b'{"data":{"type":"cert_server","attributes":{"cn":"a.example","cert_days":1e999}}}',
    "lone surrogate": b'{"data":{"type":"cert_server","attributes":{"cn":"\\ud800"}}}',
    "low surrogate": b'{"data":{"type":"cert_server","attributes":{"cn":"a\\udc00b"}}}',
    "NUL": b'{"data":{"type":"cert_server","attributes":{"cn":"a\\u0000b.example"}}}',
    "raw NUL": b'{"data":{"type":"cert_server","attributes":{"cn":"a\x00b"}}}',
    "not UTF-8": b'{"data":{"type":"cert_server","attributes":{"cn":"a\xff"}}}',
    "overlong": b'{"data":{"type":"cert_server","attributes":{"cn":"a\xc0\xaf"}}}',
    "BOM": b'\xef\xbb\xbf{"data":{"type":"cert_server","attributes":{"cn":"a.example"}}}',
    "UTF-16": '{"data":{"type":"cert_server","attributes":{"cn":"a.example"}}}'.encode("utf-16"),
    "trailing": b'{"data":{"type":"cert_server","attributes":{"cn":"a.example"}}} x',
    "two documents": b'{"data":{"type":"cert_server","attributes":{"cn":"a.example"}}}{}',
    "trailing NUL": b'{"data":{"type":"cert_server","attributes":{"cn":"a.example"}}}\x00',
    "array": b"[]", "null": b"null", "number": b"1", "string": b'"a"',
    "data array": b'{"data":[{"type":"cert_server","attributes":{"cn":"a.example"}}]}',
    "data null": b'{"data":null}', "attributes array": b'{"data":{"type":"cert_server","attributes":["cn"]}}',
    "comment": b'{"data":{"type":"cert_server",/* */"attributes":{"cn":"a.example"}}}',
}


@pytest.mark.rows("R09")
@pytest.mark.parametrize("label", BAD_JSON)
def test_json_that_isnt(rest, instance, label):
    before, start = instance.count("certificate"), time.monotonic()
    refused(rest.post("/cert_server", BAD_JSON[label], headers={"Content-Type": MEDIA_TYPE}), 400, 422)
    assert time.monotonic() - start < 2 * support.SLOWER
    assert instance.count("certificate") == before


@pytest.mark.rows("R09")
@pytest.mark.parametrize("name,value", [
    ("cert_days", 2**53 + 1), ("cert_days", 2**63), ("cert_days", -1), ("cert_days", 0), ("cert_days", 1.5), ("cert_days", "365"),
    ("cert_days", True), ("cert_days", [365]), ("cert_days", 36526), ("cn", ["a.example"]), ("cn", {"a": 1}), ("cn", 1), ("cn", ""),
    ("dns", "a.example"), ("dns", [1]), ("dns", [""]), ("dns", ["a.example"] * 101), ("csr", 1), ("csr", "x"), ("profile", ["server"]),
    ("key_type", "rsa1"), ("key_type", "p256;"), ("key_type", "rsa65536"), ("pkcs12_password", 1), ("pkcs12_password", "seven c"), ("pkcs12_password", "äöüäöüä"),
    ("pkcs12_password", "a" * 1025)])
def test_values_of_the_wrong_type(rest, name, value):
    refused(rest.post("/cert_server", document(**{"cn": "a.example", name: value})), 422, 400)


@pytest.mark.rows("R09", "A06")
def test_large_bodies(rest):
    refused(rest.post("/cert_server", document(cn="a" * (10 << 20))), 413)
    refused(rest.post("/cert_server", document(cn="a" * 100000)), 413, 422)


@pytest.mark.rows("R14")
@pytest.mark.parametrize("kind", [
    "text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "application/json", "application/octet-stream",
    MEDIA_TYPE + "; charset=utf-8", MEDIA_TYPE + "; ext=\"https://a.example\"", MEDIA_TYPE + ", text/plain", "", "x" * 2000, MEDIA_TYPE + "x"])
def test_content_type(rest, kind):
    body = json.dumps(document(cn="a.example"))
    refused(rest.post("/cert_server", body, headers={"Content-Type": kind}), 415)


# ---------------------------------------------------------------- queries

QUERIES = [
    "page[size]=1000000000", "page[size]=-1", "page[size]=0", "page[size]=1e3", "page[size]=", "page[size]=501", "page[number]=1",
    "page[size]=99999999999999999999", "page[size]=1&page[size]=2", "sort=hash", "sort=tenant_id", "sort=pem", "sort=spki_hash",
    "sort=subject,serial", "sort=-", "sort=", "sort=subject%20desc", "sort=x.subject", "include=nothing", "include=ca.parent.parent.parent",
    "filter[tenant_id]=1", "filter[der]=a", "filter[]=1", "filter=1", "filter[serial]=zz", "filter[serial]=0", "filter[status][lt]=a",
    "filter[not_after]=never", "filter[not_after]=2026-02-30", "filter[not_after][gt]=99999-01-01", "filter[subject][like]=%25",
    "filter[subject", "filter[subject]]=1", "fields[tenant]=id", "fields[cert_server]=spki_hash", "fields[cert_server]=a,b", "limit=1",
    "%00=1", "filter[subject]=%00", "filter[subject]=%ff", "filter[subject]=" + "a" * 600,
]


@pytest.mark.rows("R10")
@pytest.mark.parametrize("query", QUERIES)
def test_queries_that_arent(rest, query):
    refused(rest.get(f"/certificates?{query}"), 400)


@pytest.mark.rows("R10")
def test_many_filters(rest):
    refused(rest.get("/certificates?" + "&".join(f"filter[subject]={i}" for i in range(200))), 400)
    many = "&".join(f"filter[not_after][{op}]=2026-01-01" for op in ("lt", "le", "gt", "ge"))
    many += "&" + "&".join(f"filter[not_before][{op}]=2026-01-01" for op in ("lt", "le", "gt", "ge"))
    many += "&" + "&".join(f"filter[created_at][{op}]=2026-01-01" for op in ("lt", "le", "gt", "ge"))
    many += "&" + "&".join(f"filter[revoked_at][{op}]=2026-01-01" for op in ("lt", "le", "gt", "ge")) + "&filter[subject]=a"
    refused(rest.get(f"/certificates?{many}"), 400)
    answer = rest.get("/certificates?" + "&".join(f"filter[subject]={i}" for i in range(1000)))
    assert answer.status in (400, 414), answer


INJECTIONS = ["'; DROP TABLE siegel.certificate; --", "' OR '1'='1", "%' OR 1=1 --", "\\'; SELECT pg_sleep(10); --", "'||pg_sleep(10)||'",
              "$1", "$$;SELECT 1;$$", "%", "_", "\\", "\\x41", "{a,b}", '"', "`", "'); SELECT 1; --"]


@pytest.mark.rows("R11", "D01")
@pytest.mark.parametrize("text", INJECTIONS)
def test_sql_in_values(rest, instance, text):
    quoted = urllib.parse.quote(text)
    start = time.monotonic()
    for name in ("subject", "common_name", "names", "profile", "issuer", "status", "requestor", "source"):
        for op in ("", "[contains]"):
            answer = rest.get(f"/certificates?filter[{name}]{op}={quoted}&page[size]=1")
            assert answer.status in (200, 400), answer
            if text in ("%", "_", "\\") and op and name == "common_name" and answer.status == 200:
                for member in answer.data:
                    assert text in member["attributes"]["common_name"]  # a character as such, no pattern
    for query in (f"sort={quoted}", f"filter[{quoted}]=1", f"fields[cert_server]={quoted}", f"page[after]={quoted}"):
        refused(rest.get(f"/certificates?{query}"), 400)
    refused(rest.get(f"/certificates/{urllib.parse.quote(text, safe='')}"), 404, 400)
    assert time.monotonic() - start < 8 * support.SLOWER
    assert instance.count("certificate") > 0


@pytest.mark.rows("R11", "D01", "L01")
@pytest.mark.parametrize("text", INJECTIONS + ["<script>alert(1)</script>", "a,b+c=d", "#hex", " edge ", "%s%n%x"])
def test_sql_through_names(rest, text):
    """What a name says is stored and shown as it is, or refused; it does nothing."""
    answer = rest.issue("cert_client", cn=text)
    if answer.status == 201:
        assert answer.attributes["common_name"] == text
        shown = rest.get(f"/certificates/{answer.data['id']}")
        assert shown.attributes["common_name"] == text
        found = rest.get(f"/certificates?filter[common_name]={urllib.parse.quote(text)}")
        assert answer.data["id"] in {m["id"] for m in found.data}
        certificate = support.load_cert(answer.attributes["pem"])
        assert certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value == text
    else:
        refused(answer, 422)


@pytest.mark.rows("R10")
@pytest.mark.parametrize("path", ["/certificates/0", "/certificates/-1", "/certificates/1e3", "/certificates/99999999999999999999",
                                  "/certificates/01", "/certificates/ 1", "/certificates/%31%00", "/certificates/1/", "/certificates//1",
                                  "/certificates/1/2", "/", "//", "/crls/1-", "/crls/-1", "/crls/99999999999-1", "/crls/1-99999999999999999999",
                                  "/cas/4294967297", "/profiles/x", "/no_such"])
def test_ids_that_arent(rest, path):
    answer = rest.get(urllib.parse.quote(path, safe="/%"))
    assert answer.status in (400, 404), answer


# ---------------------------------------------------------------- retries


@pytest.mark.rows("R13")
def test_idempotency_key(rest, instance, other_tenant, default_tenant):
    key, name = uuid.uuid4().hex, f"once-{uuid.uuid4().hex[:8]}.example"
    first = rest.issue("cert_server", cn=name, headers={"Idempotency-Key": key})
    again = rest.issue("cert_server", cn=name, headers={"Idempotency-Key": key})
    assert first.status == 201 and again.status in (200, 201)
    assert first.attributes["serial"] == again.attributes["serial"]
    assert first.attributes["private_key_pem"] and "private_key_pem" not in again.attributes
    refused(rest.issue("cert_server", cn="other.example", headers={"Idempotency-Key": key}), 409)
    refused(rest.issue("cert_client", cn=name, headers={"Idempotency-Key": key}), 409)
    others = [other_tenant.rest(), default_tenant.rest("operator")]
    for client in others:
        answer = client.issue("cert_server", cn=name, headers={"Idempotency-Key": key})
        assert answer.status == 201 and answer.attributes["serial"] != first.attributes["serial"]
    assert instance.count("certificate", f"common_name = '{name}'") == 3


@pytest.mark.rows("R13")
def test_idempotency_key_at_once(rest, instance):
    key, name = uuid.uuid4().hex, f"race-{uuid.uuid4().hex[:8]}.example"
    csr = support.csr_pem(support.new_csr(name, [name]))
    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(lambda _: rest.issue("cert_server", cn=name, csr=csr, headers={"Idempotency-Key": key}), range(100)))
    good = [a for a in answers if a.status in (200, 201)]
    assert good and {a.status for a in answers} <= {200, 201, 503, 409}, {a.status for a in answers}
    for answer in answers:
        if answer.status not in (200, 201):
            assert refused(answer, 503, 409)["code"] in ("busy", "conflict"), answer
    assert len({a.attributes["serial"] for a in good}) == 1
    assert sum(a.status == 201 for a in good) <= 1
    assert instance.count("certificate", f"common_name = '{name}'") == 1


@pytest.mark.rows("R13")
@pytest.mark.parametrize("key", ["", "a" * 256, "a" * 5000, "ü", "a\tb"])
def test_idempotency_keys_that_arent(rest, key):
    refused(rest.issue("cert_server", headers={"Idempotency-Key": key.encode("utf-8").decode("latin-1")}), 400)


# ---------------------------------------------------------------- evidence


@pytest.mark.rows("R15")
@pytest.mark.parametrize("token", [
    "", "x", "null", "undefined", "a" * 129, "a" * 8000, "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.", "../../etc/passwd", "' OR 1=1 --",
    "\x7f", "ü", "a b", "Bearer"])
def test_tokens_that_arent(stranger, token):
    answer = stranger.get("/certificates", headers={"Authorization": f"Bearer {token}".encode().decode("latin-1")})
    refused(answer, 401, 400)
    if answer.status == 401:
        assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.rows("R15")
def test_token_of_a_megabyte(stranger):
    assert stranger.get("/certificates", headers={"Authorization": "Bearer " + "a" * (1 << 20)}).status in (400, 431)


@pytest.mark.rows("R15")
def test_authorization_of_other_kinds(instance, stranger, rest):
    for value in (instance.token, f"Token {instance.token}", f"Basic {instance.token}", f"Bearer {instance.token}x",
                  f"Bearer {instance.token[:-1]}", f"Bearer {instance.token.swapcase()}", f"Bearer {instance.token} {instance.token}"):
        refused(stranger.get("/certificates", headers={"Authorization": value}), 401)
    assert rest.get("/certificates").status == 200


@pytest.mark.rows("R15")
def test_token_signed_out(instance, default_tenant, stranger):
    name, password = default_tenant.account("auditor", "password")
    made = stranger.post("/tokens", headers={"Authorization": support.basic(name, password)})
    assert made.status == 201, made
    client = instance.rest(made.attributes["token"], source=stranger.source)
    assert client.get("/certificates").status == 200
    assert client.delete(f"/tokens/{made.data['id']}").status == 204
    refused(client.get("/certificates"), 401)


@pytest.mark.rows("R15")
def test_another_ones_token_isnt_signed_out(instance, other_tenant, default_tenant, stranger):
    name, password = default_tenant.account("auditor", "password")
    made = stranger.post("/tokens", headers={"Authorization": support.basic(name, password)})
    for client in (other_tenant.rest(), default_tenant.rest("auditor"), default_tenant.rest("operator")):
        refused(client.delete(f"/tokens/{made.data['id']}"), 404, 403)
    assert instance.rest(made.attributes["token"]).get("/certificates").status == 200


@pytest.mark.rows("R15")
def test_one_time_code_once(default_tenant, stranger):
    name, code = default_tenant.account("auditor", "one_time")

    def sign_in(_=None):
        return stranger.post("/tokens", headers={"Authorization": support.basic(name, code)})

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(sign_in, range(4)))
    assert sorted(a.status for a in answers) == [201, 401, 401, 401], answers
    refused(sign_in(), 401)


@pytest.mark.rows("R16")
def test_guessing(instance, default_tenant, stranger):
    """The eleventh wrong guess within a minute is told to wait; who comes from elsewhere isn't."""
    name, password = default_tenant.account("auditor", "password")
    answers = [stranger.post("/tokens", headers={"Authorization": support.basic(name, f"guess {i}")}) for i in range(30)]
    assert [a.status for a in answers[:10]] == [401] * 10
    assert {a.status for a in answers[11:]} == {429}
    assert 0 < int(answers[-1].headers["retry-after"]) <= 60
    tokens = instance.rest(source=support.new_address())
    guesses = [tokens.get("/certificates", headers={"Authorization": f"Bearer {uuid.uuid4().hex}"}).status for _ in range(30)]
    assert guesses[:10] == [401] * 10 and guesses[-1] == 429
    # Who has a good token isn't shut out by one who shares his address.
    assert instance.rest(instance.token, source=tokens.source).get("/certificates?page[size]=1").status == 200
    assert instance.rest(instance.token).get("/certificates?page[size]=1").status == 200


@pytest.mark.rows("R16")
def test_names_cant_be_guessed(default_tenant, instance):
    """A name that exists and one that doesn't get the same words in the same time."""
    name, _ = default_tenant.account("auditor", "password")

    texts, nobody = set(), "nobody-" + uuid.uuid4().hex[:8]

    def attempt(who):
        answer = instance.rest(source=support.new_address()).post("/tokens", headers={"Authorization": support.basic(who, "wrong password")})
        error = refused(answer, 401)
        texts.add((error["code"], error["title"], error["detail"]))

    difference = support.quickest_difference(lambda: attempt(name), lambda: attempt(nobody), 12, 0.005)
    assert len(texts) == 1, texts
    assert difference < 0.005, f"{difference * 1000:.1f} ms"


@pytest.mark.rows("R18", "R17")
def test_secrets_arent_shown_again(rest, instance):
    resource = rest.issued("cert_server")
    assert "PRIVATE KEY" in resource["attributes"]["private_key_pem"]
    for path in (f"/certificates/{resource['id']}", f"/cert_server/{resource['id']}", "/certificates?page[size]=5", "/cas", "/profiles"):
        answer = rest.get(path)
        assert answer.status == 200 and b"PRIVATE" not in answer.body and b"private_key" not in answer.body
    refused(rest.get("/certificates?fields[cert_server]=private_key_pem"), 400)
    for path in ("/tokens", "/tokens/1", "/keys", "/cas/1/key"):
        assert rest.get(path).status in (404, 405)
    stored = instance.sql(f"SELECT count(*) FROM certificate WHERE encode(der, 'escape') LIKE '%PRIVATE KEY%' AND id = {resource['id']}")
    assert stored == [["0"]]


@pytest.mark.rows("R24")
def test_revocations_dont_undo_each_other(rest):
    resource = rest.issued()

    def revoke(reason):
        return rest.post(f"/certificates/{resource['id']}/revoke", {"data": {"type": "revocation", "attributes": {"reason": reason}}})

    first = revoke("keyCompromise")
    assert first.status == 200 and first.attributes["revocation_reason"] == "keyCompromise"
    second = revoke("superseded")
    assert second.status in (200, 409)
    shown = rest.get(f"/certificates/{resource['id']}").attributes
    assert shown["revocation_reason"] == "keyCompromise" and shown["revoked_at"] == first.attributes["revoked_at"]
    for reason in ("removeFromCRL", "", "7", "keycompromise", "unused", 1, None, ["keyCompromise"]):
        answer = revoke(reason)
        assert answer.status in (200, 409, 422), answer
    assert rest.get(f"/certificates/{resource['id']}").attributes["status"] == "revoked"


@pytest.mark.rows("R22")
def test_many_scans_at_once(rest):
    def scan(_):
        return rest.get("/certificates?filter[subject][contains]=zzz&sort=common_name&page[size]=500").status

    with concurrent.futures.ThreadPoolExecutor(30) as pool:
        scans = [pool.submit(scan, i) for i in range(100)]
        start = time.monotonic()
        issued = [rest.issue("cert_client", cn=f"among scans {i}") for i in range(5)]
        assert time.monotonic() - start < 15 * support.SLOWER
        assert all(a.status == 201 for a in issued), issued
        assert {f.result() for f in scans} <= {200, 503, 429}
