"""Hostile certification requests over the real edge, by REST and by EST: each file of tests/data/csr against its expected outcome."""

import base64
import concurrent.futures
import json
import time
import uuid

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

import support

SAMPLES = json.loads((support.DATA / "csr" / "expected.json").read_text())
ROWS = ["A01", "A03", "A04", "A05", "A06", "A07", "A08", "A09", "A10", "A11", "A13", "A14", "A15", "A16", "A17", "A18", "A22"]
FORBIDDEN_EXTENSIONS = {"1.3.6.1.4.1.311.21.10", "1.3.6.1.4.1.311.20.2", "1.3.6.1.4.1.311.25.2", "2.5.29.30", "1.3.6.1.5.5.7.48.1.5", "1.2.3.4"}


def der_of(sample):
    return (support.DATA / "csr" / sample["file"]).read_bytes()


def names_of(certificate):
    try:
        san = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    words = {x509.DNSName: "dns", x509.IPAddress: "ip", x509.RFC822Name: "email", x509.UniformResourceIdentifier: "uri"}
    return [f"{words[type(n)]}:{n.value}" for n in san]


def check_certificate(sample, certificate):
    """Exactly what is shown: the names of the table, and not one right more than the profile gives."""
    cn = [a.value for a in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    expected = sample["cn"] if isinstance(sample["cn"], list) else [sample["cn"]]
    assert set(cn) <= set(expected)
    if sample["issue"] == "issue":
        assert cn == expected and sorted(names_of(certificate)) == sorted(sample["names"])
    else:
        assert set(names_of(certificate)) <= set(sample["names"])
    extensions = {e.oid.dotted_string: e for e in certificate.extensions}
    assert not FORBIDDEN_EXTENSIONS & set(extensions)
    basic = extensions.get("2.5.29.19")
    assert basic is None or not basic.value.ca
    usage = extensions["2.5.29.15"].value
    assert not usage.key_cert_sign and not usage.crl_sign
    purposes = set(extensions["2.5.29.37"].value)
    assert purposes <= {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH}
    assert "evil" not in certificate.public_bytes(serialization.Encoding.DER).decode("latin-1")


@pytest.fixture(scope="module")
def tidy(instance):
    """Memory of the processes doesn't grow by all of this."""
    before = instance.memory("siegel-ca", "siegel-api", "siegel-est")
    yield
    assert instance.memory("siegel-ca", "siegel-api", "siegel-est") - before < 24 << 20
    assert instance.rest(instance.token).issue("cert_device").status == 201


@pytest.fixture
def unchanged_if_refused(instance, tidy):
    """Gives a function that says whether a certificate with the request's key is stored."""
    before = instance.processes()
    yield lambda: instance.count("certificate")
    after = instance.processes()
    assert all(after[name] == before[name] for name in ("siegel-ca", "siegel-api", "siegel-est")), "a process ended"


@pytest.mark.rows(*ROWS)
@pytest.mark.parametrize("sample", SAMPLES, ids=[s["file"][:-4] for s in SAMPLES])
def test_over_rest(rest, sample, unchanged_if_refused):
    before, start = unchanged_if_refused(), time.monotonic()
    csr = support.pem_of_der("CERTIFICATE REQUEST", der_of(sample))
    answer = rest.post("/cert_device", {"data": {"type": "cert_device", "attributes": {"csr": csr}}})
    seconds = time.monotonic() - start
    assert seconds < 2 * support.SLOWER, f"{seconds:.1f} s"
    if answer.status == 201:
        assert sample["issue"] != "refuse", answer
        check_certificate(sample, support.load_cert(answer.attributes["pem"]))
        shown = rest.get(f"/certificates/{answer.data['id']}").attributes
        assert shown["names"] == answer.attributes["names"]
        return
    assert sample["issue"] != "issue", answer
    assert answer.status in (400, 413, 422), answer
    if answer.status != 413:
        assert answer.error["code"] in sample["codes"] + ["bad_value"], answer
        assert answer.error["source"]["pointer"].startswith("/data/attributes"), answer
    assert unchanged_if_refused() == before


@pytest.mark.rows(*ROWS)
@pytest.mark.parametrize("sample", SAMPLES, ids=[s["file"][:-4] for s in SAMPLES])
def test_over_est(instance, est_account, sample, unchanged_if_refused):
    before = unchanged_if_refused()
    answer = support.est_enroll(instance, der_of(sample), authorization=support.basic(*est_account))
    if answer.status == 200:
        assert sample["issue"] != "refuse", answer
        (certificate,) = support.pkcs7_certificates(answer.body)
        check_certificate(sample, certificate)
        return
    assert sample["issue"] != "issue", answer
    assert answer.status in (400, 413, 422), answer
    assert answer.body.strip() and b"<" not in answer.body.replace(b"<script>", b"")
    assert unchanged_if_refused() == before


@pytest.mark.rows("A01", "A02")
def test_cut_and_flipped(rest, instance):
    """Every eighth octet here; all octets and bits in tests/unit/ca/test_csr.c."""
    good = (support.DATA / "csr" / "good-p256.der").read_bytes()
    before = instance.count("certificate")
    for i in range(0, len(good), 8):
        flipped = good[:i] + bytes([good[i] ^ 1 << i // 8 % 8]) + good[i + 1:]
        for der in (good[:i], flipped):
            csr = support.pem_of_der("CERTIFICATE REQUEST", der)
            answer = rest.post("/cert_device", {"data": {"type": "cert_device", "attributes": {"csr": csr}}})
            assert answer.status in (400, 422), (i, answer)
    assert instance.count("certificate") == before


@pytest.mark.rows("A06")
def test_a_megabyte(rest, instance, est_account):
    csr = support.pem_of_der("CERTIFICATE REQUEST", b"\x30\x83\x0f\xff\xfb" + bytes(0xffffb))
    assert rest.post("/cert_device", {"data": {"type": "cert_device", "attributes": {"csr": csr}}}).status == 413
    answer = support.est_enroll(instance, b"", authorization=support.basic(*est_account), body=base64.b64encode(bytes(1 << 20)))
    assert answer.status == 413


@pytest.mark.rows("A12")
def test_key_of_a_revoked_certificate(rest):
    """A key that was reported compromised is never certified again, for anybody."""
    key = support.new_key()
    name = f"lost-{uuid.uuid4().hex[:8]}.example"
    resource = rest.issued("cert_device", csr=support.csr_pem(support.new_csr(name, key=key)), cn=name)
    again = rest.issue("cert_device", csr=support.csr_pem(support.new_csr(name, key=key)), cn=name)
    assert again.status == 201
    body = {"data": {"type": "revocation", "attributes": {"reason": "keyCompromise"}}}
    assert rest.post(f"/certificates/{resource['id']}/revoke", body).status == 200
    for cn in (name, "other.example"):
        answer = rest.issue("cert_device", csr=support.csr_pem(support.new_csr(cn, key=key)), cn=cn)
        assert answer.status == 422 and answer.error["code"] in ("bad_key", "policy"), answer


@pytest.mark.rows("A12")
def test_key_of_a_revoked_certificate_of_others(rest, other_tenant):
    key = support.new_key()
    resource = other_tenant.rest().issued("cert_device", csr=support.csr_pem(support.new_csr("x.example", key=key)), cn="x.example")
    body = {"data": {"type": "revocation", "attributes": {"reason": "keyCompromise"}}}
    assert other_tenant.rest().post(f"/certificates/{resource['id']}/revoke", body).status == 200
    answer = rest.issue("cert_device", csr=support.csr_pem(support.new_csr("x.example", key=key)), cn="x.example")
    assert answer.status == 422, answer


@pytest.mark.rows("A12")
def test_key_of_another_subject(rest):
    key = support.new_key()
    rest.issued("cert_device", csr=support.csr_pem(support.new_csr("one.example", key=key)), cn="one.example")
    answer = rest.issue("cert_device", csr=support.csr_pem(support.new_csr("two.example", key=key)), cn="two.example")
    assert answer.status == 422, answer


@pytest.mark.rows("A12")
def test_bad_keys_cost_nobody_else(rest):
    """Requests are stored in batches: one whose key is taken is refused alone, whoever it came with."""
    taken = support.new_key()
    rest.issued("cert_device", csr=support.csr_pem(support.new_csr("taken.example", key=taken)), cn="taken.example")
    good, bad = [], []
    for i in range(60):
        key = taken if i % 4 == 0 else support.new_key()
        name = f"batch-{i}-{uuid.uuid4().hex[:6]}.example"
        (bad if i % 4 == 0 else good).append((name, support.csr_pem(support.new_csr(name, key=key))))
    with concurrent.futures.ThreadPoolExecutor(30) as pool:
        answers = [(kind, pool.submit(rest.issue, "cert_device", cn=name, csr=csr))
                   for pair in zip(good, bad * 3) for kind, (name, csr) in zip(("good", "bad"), pair)]
        statuses = {(kind, a.result().status) for kind, a in answers}
    assert statuses == {("good", 201), ("bad", 422)}


@pytest.mark.rows("A12", "A07")
def test_key_of_the_ca(rest):
    """A request with the CA's public key can't be signed, and is refused."""
    chain = support.load_pem_chain(rest.issued("cert_device")["attributes"]["chain_pem"])
    spki = chain[0].public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    good = support.new_csr("ca.example")
    own = good.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    der = support.csr_der(good).replace(own, spki)
    csr = support.pem_of_der("CERTIFICATE REQUEST", der)
    answer = rest.post("/cert_device", {"data": {"type": "cert_device", "attributes": {"csr": csr}}})
    assert answer.status == 422, answer


@pytest.mark.rows("A19")
@pytest.mark.parametrize("days", [-1, 0, 36526, 2**31, 2**63, 1e9])
def test_validity_that_isnt(rest, days):
    answer = rest.issue("cert_server", cert_days=days)
    assert answer.status in (400, 422), answer


@pytest.mark.rows("A19")
def test_validity_to_the_second(rest):
    """The end counts (RFC 5280 4.1.2.5): a certificate of one day is valid for 86,400 s, and starts neither late nor over an hour early."""
    for days in (1, 397):
        certificate = support.load_cert(rest.issued("cert_server", cert_days=days)["attributes"]["pem"])
        seconds = (support.not_after(certificate) - support.not_before(certificate)).total_seconds() + 1
        assert seconds <= days * 86400 + 3600
        late = time.time() - support.not_before(certificate).timestamp()
        assert 0 <= late <= 3600 + 5
        assert support.not_after(certificate).timestamp() <= time.time() + days * 86400


@pytest.mark.rows("A19")
def test_validity_beyond_the_issuer(rest, instance):
    issuer = support.load_pem_chain(rest.issued("cert_device")["attributes"]["chain_pem"])[0]
    days = (support.not_after(issuer).timestamp() - time.time()) / 86400
    answer = rest.issue("cert_device", cert_days=int(days) + 30)
    if answer.status == 201:
        assert "clamped" in answer.attributes["validity_rule"]
        assert support.not_after(support.load_cert(answer.attributes["pem"])) <= support.not_after(issuer)
    else:
        assert answer.status == 422 and answer.error["source"]["pointer"] == "/data/attributes/cert_days", answer


@pytest.mark.rows("A20")
def test_serial_isnt_chosen(rest):
    for name in ("serial", "serial_hex"):
        assert rest.issue("cert_server", **{name: "01"}).status == 422
    serials = {rest.issued("cert_client")["attributes"]["serial"] for _ in range(20)}
    assert len(serials) == 20


@pytest.mark.rows("E05")
@pytest.mark.parametrize("label,wrap", [
    ("junk", lambda b: b"!" + b), ("junk inside", lambda b: b[:40] + b"\x00" + b[40:]), ("padding inside", lambda b: b[:40] + b"==" + b[40:]),
    ("two", lambda b: b + b"\n" + b), ("line feeds", lambda b: b"\r\n" * 30000 + b), ("url alphabet", lambda b: b"-_" + b), ("empty", lambda b: b""),
    ("wrong armour", lambda b: b"-----BEGIN CERTIFICATE-----\n" + b + b"\n-----END CERTIFICATE-----\n"),
    ("open armour", lambda b: b"-----BEGIN CERTIFICATE REQUEST-----\n" + b), ("cut", lambda b: b[:-3]), ("html", lambda b: b"<html>")])
def test_bodies_of_est(instance, est_account, label, wrap):
    body = wrap(base64.b64encode(support.csr_der(support.new_csr())))
    answer = support.est_enroll(instance, b"", authorization=support.basic(*est_account), body=body)
    if label == "line feeds":
        assert answer.status in (200, 400, 413), answer
    else:
        assert answer.status in (400, 422), answer


@pytest.mark.rows("E02")
def test_est_without_evidence(instance, default_tenant, est_account):
    csr = support.csr_der(support.new_csr())
    name, password = est_account
    for authorization in (None, support.basic(name, ""), support.basic("", ""), support.basic("", password), support.basic(name, password + "x"),
                          "Basic", "Basic !!!", "Basic " + base64.b64encode(b"no colon").decode(), f"Bearer {password}", "Digest username=a",
                          support.basic(name.upper() + "\0", password)):
        answer = support.est_enroll(instance, csr, authorization=authorization, source=support.new_address())
        assert answer.status == 401 and "basic" in answer.headers["www-authenticate"].lower(), (authorization, answer)
    auditor = default_tenant.account("auditor", "password")
    answer = support.est_enroll(instance, csr, authorization=support.basic(*auditor), source=support.new_address())
    assert answer.status in (401, 403), answer
