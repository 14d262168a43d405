"""What an import says is believed as far as it was shown: revocations in whichever order they come, keys that don't sign, keys that nobody showed to
have, files that cost the engine more than they are worth; and what is said of a certificate after its revocation."""

import base64
import hashlib
import hmac
import time
import uuid

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

import pki
import support
from test_import import Import, ca_by_subject, certificate_by_name, cn, fetch_crl, imported, ocsp_says, pem
from test_lifecycle import Files, document, unique, wait_for, wait_for_job


def read(path):
    with open(path, "rb") as f:
        return f.read()


# ---------------------------------------------------------------- revocations


def counts_are_right(instance, ca):
    """The kept counts of a CA are those of its certificates."""
    return instance.sql(f"SELECT * FROM statistics_check() WHERE split_part(r_what, '/', 2) = '{int(ca['id'])}'") == []


@pytest.mark.parametrize("reason, status", [("keyCompromise", "revoked"), ("superseded", "revoked"), ("certificateHold", "held")])
def test_a_crl_that_comes_before_its_certificate(instance, rest, tmp_path, reason, status):
    ca = pki.OpensslCa(tmp_path / "ca", cn("Early list"))
    bad, good = f"bad-{uuid.uuid4().hex[:8]}.example", f"good-{uuid.uuid4().hex[:8]}.example"
    (leaf, key), (other, _) = ca.leaf(bad), ca.leaf(good)
    ca.revoke(leaf, reason)
    imported(rest, [("ca.pem", ca.read("ca.pem") + ca.read("plain.key")), ("list.crl", ca.crl())])
    imported(rest, [("leaves.pem", read(leaf) + read(other))])
    found = certificate_by_name(rest, bad)["attributes"]
    assert found["status"] == status and found["revocation_reason"] == reason and found["revoked_at"], found
    assert certificate_by_name(rest, good)["attributes"]["status"] == "issued"
    ours = ca_by_subject(rest, ca.cn)
    assert counts_are_right(instance, ours)
    for name, word in ((leaf, "revoked"), (other, "good")):
        serial = x509.load_pem_x509_certificate(read(name)).serial_number
        support.wait_until(lambda: f": {word}" in ocsp_says(tmp_path, ca.read("ca.pem"), serial, instance.ocsp_url, ca.read("ca.pem")), 45, 0.5)
    again = rest.issue(cn=bad, csr=support.csr_pem(support.new_csr(bad, key=serialization.load_pem_private_key(read(key), None))))
    if reason == "keyCompromise":  # its key is blocked, and for this tenant alone: nobody showed it
        assert again.status == 422 and again.error["code"] == "bad_key", again
        assert instance.count("blocked_key b JOIN certificate x USING (spki_hash)", f"x.common_name = '{bad}' AND b.tenant_id = x.tenant_id") == 1
    else:
        assert again.status == 201, again


def test_a_sub_ca_that_was_revoked_before_it_came(instance, rest, tmp_path):
    root = pki.OpensslCa(tmp_path / "root", cn("Early root"))
    sub = pki.OpensslCa(tmp_path / "sub", cn("Revoked sub"), root)
    root.revoke(sub.path("ca.pem"), "keyCompromise")
    imported(rest, [("root.pem", root.read("ca.pem")), ("list.crl", root.crl())])
    imported(rest, [("sub.pem", sub.read("ca.pem") + sub.read("plain.key"))])
    serial = x509.load_pem_x509_certificate(sub.read("ca.pem")).serial_number
    row = instance.sql(f"SELECT x.status, x.reason, b.reason FROM certificate x LEFT JOIN blocked_key b USING (spki_hash) WHERE x.ca_id ="
                       f" {ca_by_subject(rest, root.cn)['id']} AND x.serial = decode('{serial:0{len(hex(serial)[2:]) + 1 & ~1}x}', 'hex')")
    assert row == [["2", "1", "keyCompromise"]]
    assert ca_by_subject(rest, sub.cn)["attributes"]["status"] == "revoked"


def test_a_hold_that_became_a_revocation_elsewhere(instance, rest, tmp_path):
    """Held here, revoked by the list of the old PKI: final, from the earlier of both times on."""
    ca = pki.OpensslCa(tmp_path / "ca", cn("Held"))
    name = f"held-{uuid.uuid4().hex[:8]}.example"
    leaf, _ = ca.leaf(name)
    imported(rest, [("ca.pem", ca.read("ca.pem") + ca.read("plain.key")), ("leaf.pem", read(leaf))])
    path = f"/certificates/{certificate_by_name(rest, name)['id']}"
    since = rest.post(f"{path}/hold").attributes["revoked_at"]
    time.sleep(1.1)
    ca.revoke(leaf, "superseded")
    imported(rest, [("list.crl", ca.crl())])
    now = rest.get(path).attributes
    assert (now["status"], now["revocation_reason"], now["revoked_at"]) == ("revoked", "superseded", since)
    assert rest.post(f"{path}/release").status == 409
    serial, ours = x509.load_pem_x509_certificate(read(leaf)).serial_number, ca_by_subject(rest, ca.cn)

    def listed():
        crl = fetch_crl(rest, ours["id"])
        entry = crl and crl.get_revoked_certificate_by_serial_number(serial)
        return entry and entry.extensions.get_extension_for_class(x509.CRLReason).value.reason == x509.ReasonFlags.superseded

    assert support.wait_until(listed, 20)
    assert counts_are_right(instance, ours)


def test_a_compromise_that_is_heard_of_later(instance, rest, tmp_path):
    """Revoked for another reason, then keyCompromise: the reason changes, the time doesn't, the key is blocked; nothing else changes a revocation."""
    key, name = support.new_key(), unique()
    csr = support.csr_pem(support.new_csr(name, key=key))
    resource = rest.issued(csr=csr, cn=name)
    files, path = Files(instance, resource["attributes"], tmp_path), f"/certificates/{resource['id']}"
    since = rest.post(f"{path}/revoke", document("revoke", reason="superseded")).attributes["revoked_at"]
    time.sleep(1.1)
    for reason, says in (("affiliationChanged", "superseded"), ("keyCompromise", "keyCompromise"), ("superseded", "keyCompromise"),
                         ("keyCompromise", "keyCompromise")):
        answer = rest.post(f"{path}/revoke", document("revoke", reason=reason))
        assert answer.status == 200 and answer.attributes["revocation_reason"] == says and answer.attributes["revoked_at"] == since, (reason, answer)
    refused = rest.issue(csr=csr, cn=name)
    assert refused.status == 422 and refused.error["code"] == "bad_key"
    wait_for(files.ocsp, "revoked keyCompromise")
    wait_for(files.crl_reason, "Key Compromise")
    rows = instance.sql(f"SELECT action, detail::jsonb ->> 'reason' FROM audit WHERE object = 'certificate/{resource['id']}' ORDER BY at_us")
    assert rows == [["certificate.revoked", "4"], ["certificate.revoked", "1"]]


def test_a_compromise_of_many_that_is_heard_of_later(instance, rest):
    owner, key, name = f"owner-{uuid.uuid4().hex[:8]}", support.new_key(), unique()
    csr = support.csr_pem(support.new_csr(name, key=key))
    made = [rest.issued(owner=owner, cn=name, csr=csr)["id"]] + [rest.issued(owner=owner)["id"] for _ in range(3)]
    first = [rest.post(f"/certificates/{i}/revoke", document("revoke", reason="superseded")).attributes["revoked_at"] for i in made[:2]]
    choice = {"filter": {"owner": owner}}
    assert rest.post("/certificates/choose", document("choose", reason="superseded", **choice)).attributes["count"] == 2
    assert rest.post("/certificates/choose", document("choose", reason="keyCompromise", **choice)).attributes["count"] == 4
    job = wait_for_job(rest, rest.post("/certificates/revoke", document("revoke", reason="keyCompromise", expected=4, **choice)))
    assert job["status"] == "done" and job["done"] == 4
    now = [rest.get(f"/certificates/{i}").attributes for i in made]
    assert {n["revocation_reason"] for n in now} == {"keyCompromise"} and [n["revoked_at"] for n in now[:2]] == first
    assert rest.issue(csr=csr, cn=name).status == 422
    assert rest.post("/certificates/choose", document("choose", reason="keyCompromise", **choice)).attributes["count"] == 0


# ---------------------------------------------------------------- keys


def der(tag, *parts):
    body = b"".join(parts)
    n = len(body)
    return bytes([tag]) + (bytes([n]) if n < 128 else bytes([0x81, n]) if n < 256 else bytes([0x82, n >> 8, n & 255])) + body


def integer(n):
    return der(2, n.to_bytes(n.bit_length() // 8 + 1, "big"))


def pkcs8_of_point(scalar, public):
    """A P-256 key whose public half is said to be that one."""
    point = public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    key = der(0x30, b"\x02\x01\x01", der(4, scalar), der(0xa1, der(3, b"\0", point)))
    return der(0x30, b"\x02\x01\x00", der(0x30, bytes.fromhex("06072a8648ce3d0201"), bytes.fromhex("06082a8648ce3d030107")), der(4, key))


def pkcs8_of_rsa(public, private, dmp1=None):
    p = private
    key = der(0x30, b"\x02\x01\x00", *(integer(n) for n in (public.n, public.e, p.d, p.p, p.q, dmp1 or p.dmp1, p.dmq1, p.iqmp)))
    return der(0x30, b"\x02\x01\x00", der(0x30, bytes.fromhex("06092a864886f70d010101"), b"\x05\x00"), der(4, key))


def key_file(data):
    return b"-----BEGIN PRIVATE KEY-----\n" + base64.encodebytes(data) + b"-----END PRIVATE KEY-----\n"


def pkcs12_of(key, certificate):
    """Unencrypted bags behind a MAC, which is true: what is in them was looked at by nobody."""
    def object_id(text):
        return bytes.fromhex(text)

    def data(content):
        return der(0x30, object_id("06092a864886f70d010701"), der(0xa0, der(4, content)))

    certificate = certificate.public_bytes(serialization.Encoding.DER)
    bags = der(0x30, der(0x30, object_id("060b2a864886f70d010c0a0101"), der(0xa0, key)),
               der(0x30, object_id("060b2a864886f70d010c0a0103"),
                   der(0xa0, der(0x30, object_id("060a2a864886f70d01091601"), der(0xa0, der(4, certificate))))))
    content, salt, rounds = der(0x30, data(bags)), b"saltsalt", 1000
    # RFC 7292 appendix B.2, for SHA-256: one block is what is wanted.
    digest = hashlib.sha256(b"\3" * 64 + salt * 8 + ("secret".encode("utf-16-be") + b"\0\0") * 4 + ("secret".encode("utf-16-be") + b"\0\0")[:8]).digest()
    for _ in range(rounds - 1):
        digest = hashlib.sha256(digest).digest()
    mac = hmac.new(digest, content, hashlib.sha256).digest()
    return der(0x30, integer(3), data(content), der(0x30, der(0x30, der(0x30, object_id("0609608648016503040201"), b"\5\0"), der(4, mac)), der(4, salt),
                                                    integer(rounds)))


def plain(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def false_key(kind):
    """A CA's key, and what claims to be its private half and isn't."""
    if kind.startswith("p256"):
        key, other = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        scalar = b"\x7f" * 40 if kind == "p256 too long" else other.private_numbers().private_value.to_bytes(32, "big")
        return key, pkcs8_of_point(scalar, key.public_key())
    key, other = rsa.generate_private_key(65537, 2048), rsa.generate_private_key(65537, 2048)
    if kind == "rsa of another":
        return key, pkcs8_of_rsa(key.public_key().public_numbers(), other.private_numbers())
    numbers = key.private_numbers()
    return key, pkcs8_of_rsa(numbers.public_numbers, numbers, numbers.dmp1 ^ 2)


@pytest.mark.parametrize("kind", ["p256 of another", "p256 too long", "rsa of another", "rsa with a wrong exponent"])
def test_a_key_that_is_not_its_certificates(instance, rest, other_tenant, kind):
    """The public half is true, the private one isn't: it isn't taken, and the key store never meets it."""
    key, false = false_key(kind)
    evil, name = other_tenant.rest(), cn("False")
    cert, _ = support.self_signed(cn=name, key=key, ca=True)
    log = instance.log_text().count("doesn't verify")
    files = [("ca.p12", pkcs12_of(false, cert)), ("pw.csv", b"*,secret\n", "passwords")] if kind == "p256 too long" else \
        [("ca.pem", pem(cert)), ("ca.key", key_file(false))]
    one = imported(evil, files)
    assert [i["object"].split(",")[0] for i in one.of_status("failed")] and any("private key" in i["detail"] for i in one.of_status("failed")), one.items()
    assert not any("with its key" in i["detail"] for i in one.items())
    assert evil.get(f"/cas?filter[subject][contains]={name.replace(' ', '%20')}").json["data"] == []
    assert rest.issue(cn=unique()).status == 201
    assert instance.log_text().count("doesn't verify") == log
    two = imported(evil, [("ca.pem", pem(cert)), ("false.key", key_file(false)), ("true.key", plain(key))])  # the true one behind it is taken
    assert any("CA with its key" in i["detail"] for i in two.items()), two.items()


def test_a_false_key_isn_t_archived(instance, rest, tmp_path):
    ca = pki.OpensslCa(tmp_path / "ca", cn("Archive"))
    name = f"false-{uuid.uuid4().hex[:8]}.example"
    leaf, key = ca.leaf(name)
    other = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value.to_bytes(32, "big")
    false = pkcs8_of_point(other, x509.load_pem_x509_certificate(read(leaf)).public_key())
    one = imported(rest, [("ca.pem", ca.read("ca.pem")), ("leaf.pem", read(leaf)), ("leaf.key", key_file(false))], archive_keys=True)
    assert [i["object"].split(",")[0] for i in one.of_status("failed")] == ["file leaf.key"], one.items()
    found = certificate_by_name(rest, name)
    assert instance.count("archived_key", f"certificate_id = {found['id']}") == 0
    two = imported(rest, [("leaf.key", read(key))], archive_keys=True)
    assert any("archived" in i["detail"] for i in two.of_status("done")), two.items()


@pytest.mark.rows("R02")
def test_renewal_shows_no_key(instance, rest, new_tenant):
    """A certificate over somebody else's public key, imported and renewed with that key: nobody showed it, so it stands in nobody's way."""
    key, name = support.new_key(), unique("victim")
    csr = support.csr_pem(support.new_csr(name, key=key))
    evil = new_tenant().rest()
    ca_key = support.new_key()
    issuer, _ = support.self_signed(cn=cn("Own"), key=ca_key, ca=True)
    forged, _ = support.self_signed(cn=f"other-{name}", key=key, issuer=issuer.subject, issuer_key=ca_key,
                                    extensions=[(x509.SubjectAlternativeName([x509.DNSName(f"other-{name}")]), False),
                                                (x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]), False)])
    one = imported(evil, [("ca.pem", pem(issuer) + pem(forged) + plain(ca_key))])
    assert not one.of_status("failed"), one.items()
    found = certificate_by_name(evil, f"other-{name}")
    renewed = support.wait_until(lambda: (a := evil.post(f"/certificates/{found['id']}/renew", document("renew"))).status == 201 and a, 15)
    rekeyed = evil.post(f"/certificates/{found['id']}/rekey")
    shown = instance.sql(f"SELECT possession FROM certificate WHERE id IN ({found['id']}, {renewed.data['id']}, {rekeyed.data['id']}) ORDER BY id")
    assert shown == [["f"], ["f"], ["t"]]
    assert rest.issue(csr=csr, cn=name).status == 201  # it isn't certified for another subject
    answer = evil.post(f"/certificates/{renewed.data['id']}/revoke", document("revoke", reason="keyCompromise"))
    assert answer.status == 200, answer
    assert rest.issue(csr=csr, cn=name).status == 201  # and isn't blocked
    again = evil.issue(cn=f"other-{name}", csr=support.csr_pem(support.new_csr(f"other-{name}", key=key)))
    assert again.status == 422 and again.error["code"] == "bad_key"  # but for the tenant that says so


@pytest.mark.rows("R02")
def test_a_cross_certificate_shows_no_key(instance, new_tenant):
    """What is made from somebody's certificate alone doesn't say that he was asked; what is made from a request does."""
    tenant = new_tenant()
    evil, key = tenant.rest(), support.new_key()
    root = next(c for c in evil.get("/cas").json["data"] if c["relationships"]["parent"]["data"] is None)
    cert, _ = support.self_signed(cn=cn("Foreign"), key=key, ca=True)
    for said, proven in ({"certificate": pem(cert).decode()}, "f"), ({"csr": support.csr_pem(support.new_csr(cn("Foreign"), key=key))}, "t"):
        answer = evil.post(f"/cas/{root['id']}/cross", document("cross", days=30, **said))
        assert answer.status in (200, 201), answer
        newest = f"SELECT possession FROM certificate WHERE tenant_id = (SELECT id FROM tenant WHERE name = '{tenant.name}') ORDER BY id DESC LIMIT 1"
        assert instance.sql(newest) == [[proven]]


# ---------------------------------------------------------------- what files cost


def slow_pkcs12():
    """Forty octets that ask for a million rounds with each password: its MAC is wrong with all of them."""
    def data(content):
        return der(0x30, bytes.fromhex("06092a864886f70d010701"), der(0xa0, der(4, content)))
    mac = der(0x30, der(0x30, der(0x30, bytes.fromhex("0609608648016503040203"), b"\x05\0"), der(4, b"\1" * 64)), der(4, b"\2" * 8), b"\x02\x03\x0f\x42\x40")
    return der(0x30, b"\x02\x01\x03", data(der(0x30)), mac)


@pytest.mark.rows("I01")
def test_files_that_are_slow_hold_nobody_up(rest, other_tenant):
    """Each takes the processor for seconds: another tenant's job is done between them, and their owner can end it."""
    evil = other_tenant.rest()
    one = Import(evil)
    for n in range(12):
        one.file(f"{n}.p12", slow_pkcs12())
    one.file("pw.csv", "".join(f"*,wrong{n}\n" for n in range(8)).encode(), "passwords")
    answer = evil.post(f"/imports/{one.id}/start")
    assert answer.status == 202, answer
    path = f"/jobs/{answer.data['id']}"
    support.wait_until(lambda: evil.get(path).attributes["status"] == "running" or None, 30)
    began = time.monotonic()
    job = wait_for_job(rest, rest.post("/certificates/revoke", document("revoke", ids=[rest.issued()["id"]], reason="superseded")), 120)
    assert job["status"] == "done" and time.monotonic() - began < 25 * support.SLOWER
    assert evil.get(path).attributes["status"] in ("queued", "running")  # before those that were there first, however slow the machine is
    assert evil.post(f"{path}/cancel").status < 300
    support.wait_until(lambda: evil.get(path).attributes["status"] == "cancelled" or None, 25)


def test_what_an_import_costs_is_bounded(instance, new_tenant):
    """One whose files took their time before is ended by the next."""
    tenant = new_tenant()
    owner = instance.sql(f"SELECT id FROM tenant WHERE name = '{tenant.name}'")[0][0]
    instance.sql("CREATE FUNCTION spent() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.state := '{\"cpu_ms\": 1200001}'; RETURN NEW; END $$")
    instance.sql(f"CREATE TRIGGER spent BEFORE INSERT ON job FOR EACH ROW WHEN (NEW.tenant_id = {owner}) EXECUTE FUNCTION spent()")
    try:
        one = Import(tenant.rest())
        one.file("a.pem", pem(support.self_signed()[0]))
        job = one.run()
        assert job["status"] == "failed" and "seconds of processor time" in job["error"], job
    finally:
        instance.sql("DROP TRIGGER spent ON job")
        instance.sql("DROP FUNCTION spent()")


def test_many_cas_from_the_lowest_up(rest, tmp_path):
    """A chain of CAs, the lowest first, keys behind: each finds who signed it."""
    keys = [support.new_key() for _ in range(8)]
    names = [cn(f"Level {n}") for n in range(8)]
    chain = [support.self_signed(cn=names[0], key=keys[0], ca=True)[0]]
    for n in range(1, 8):
        chain.append(support.self_signed(cn=names[n], key=keys[n], ca=True, issuer=chain[-1].subject, issuer_key=keys[n - 1])[0])
    one = imported(rest, [("chain.pem", b"".join(map(pem, reversed(chain)))), ("keys.pem", b"".join(map(plain, keys)))])
    assert not one.of_status("failed") and len(one.of_status("done")) == 8, one.items()
    for n in range(1, 8):
        ours, above = ca_by_subject(rest, names[n]), ca_by_subject(rest, names[n - 1])
        assert rest.get(f"/cas/{ours['id']}?include=parent").json["data"]["relationships"]["parent"]["data"]["id"] == above["id"]


# ---------------------------------------------------------------- the store


def test_names_of_chains(instance):
    """The text that is sealed has a line for each chain: a name that holds blanks or lines would write another's."""
    for name in ("api.x 1 00\\nca.0.0", "api.x 1", "api.X", "api." + "x" * 60):
        with pytest.raises(support.StoreError, match="audit_chain_check"):
            instance.sql(f"INSERT INTO audit (chain, seq, at_us, tenant_id, actor, action, object, detail, hash)"
                         f" VALUES (E'{name}', 1, 1, 1, 'a', 'b', 'c', '{{}}', sha256('x'))", role="siegel_api")


def test_an_approval_is_found_behind_an_abandoned_intent(instance):
    """A request whose first try was lost, and which rules hold by now: its repetition finds what people decided."""
    key = uuid.uuid4().hex * 2
    ca, profile = instance.sql("SELECT k.id, p.id FROM ca k, profile p WHERE k.tenant_id = 1 AND p.tenant_id = 1 LIMIT 1")[0]
    try:
        instance.sql(f"INSERT INTO intent (ca_id, serial, tenant_id, profile_id, chain, request_key, tbs, abandoned_at) VALUES ({ca}, decode(left('{key}', 32), 'hex'),"
                     f" 1, {profile}, 'ca.0.0', '\\x{key}', '\\x00', now())")
        instance.sql(f"INSERT INTO request (request_key, tenant_id, body_hash, ca_id, serial, expires_at) VALUES ('\\x{key}', 1, '\\x00', {ca},"
                     f" decode(left('{key}', 32), 'hex'), now() + interval '1 hour')")
        instance.sql(f"INSERT INTO approval (tenant_id, operation, body, request, request_key, wanted, requested_by, requestor, status, expires_at) VALUES"
                     f" (1, 'certificate.issue', '{{}}', '\\x00', '\\x{key}', 1, 1, 'rest:x', 'approved', now() + interval '1 hour')")
        rows = instance.sql(f"SELECT r_abandoned, r_approval IS NOT NULL, r_state FROM request_find(ARRAY['\\x{key}'::bytea]) ORDER BY 2")
        assert rows == [["t", "f", ""], ["f", "t", "approved"]]
        instance.sql(f"UPDATE intent SET abandoned_at = NULL WHERE request_key = '\\x{key}'")
        assert instance.sql(f"SELECT count(*), count(r_approval) FROM request_find(ARRAY['\\x{key}'::bytea])") == [["1", "0"]]
    finally:
        for table in ("approval", "request", "intent"):
            instance.sql(f"DELETE FROM {table} WHERE request_key = '\\x{key}'")
