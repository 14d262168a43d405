"""EST over the edge: cacerts, simpleenroll, simplereenroll, and what must be refused there."""

import base64
import concurrent.futures
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID

import est
import support

DER, PEM = serialization.Encoding.DER, serialization.Encoding.PEM
KINDS = ["p256", "p384", "p521", "rsa2048", "rsa3072", "ed25519"]


@pytest.fixture
def device(instance, est_account, tmp_path):
    return est.Device(instance, est_account, tmp_path, names=[est.unique("name")])


def spki(thing):
    return thing.public_key().public_bytes(DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def names_of(certificate):
    try:
        return set(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return set()


def expect(answer, status, *words):
    """A refusal: status, readable text, the cause in it."""
    assert answer.status == status, answer
    assert answer.headers["content-type"].startswith("text/plain")
    text = answer.body.decode()
    for word in words:
        assert word in text, text


# ---------------------------------------------------------------- cacerts


def test_cacerts_is_the_chain_with_the_root(instance, device):
    answer = est.get(instance, "cacerts")
    assert answer.status == 200 and answer.headers["content-type"] == est.CERTS_ONLY
    assert b"\n" not in answer.body
    chain = support.pkcs7_certificates(answer.body)
    by_subject = {c.subject: c for c in chain}
    assert len(chain) == len(by_subject) == 2
    issuer = by_subject[device.certificate.issuer]
    root = by_subject[issuer.issuer]
    assert root.subject == root.issuer
    with open(instance.root, encoding="ascii") as f:
        assert root == support.load_cert(f.read())


def test_cacerts_for_openssl(instance, device, tmp_path):
    """curl and openssl alone: fetch the chain, verify a certificate with it."""
    body = subprocess.run(["curl", "-sS", "--fail", "--cacert", instance.cacert, f"{instance.est_url}/cacerts"],
                          capture_output=True, check=True).stdout
    der = subprocess.run(["openssl", "base64", "-d", "-A"], input=body, capture_output=True, check=True).stdout
    chain = tmp_path / "chain.pem"
    subprocess.run(["openssl", "pkcs7", "-inform", "DER", "-print_certs", "-out", chain], input=der, check=True)
    subprocess.run(["openssl", "verify", "-CAfile", chain, device.cert_path], check=True, capture_output=True)


@pytest.mark.rows("E07")
@pytest.mark.parametrize("path, status", [
    ("label/cacerts", 404), ("../cacerts", 404), ("%2e%2e/cacerts", 404), ("..%2fcacerts", 404), ("cacerts/", 404), ("", 404),
    ("CACERTS", 404), ("fullCMC", 404), ("serverkeygen/return", 404), ("cacerts%00", 400),
])
def test_unknown_labels_and_operations(instance, path, status):
    assert est.get(instance, path).status in (status, 400)


@pytest.mark.rows("E07")
def test_cacerts_in_a_flood(instance):
    """Answers come from memory: a few hundred on a few connections, all good, all the same."""
    def some(_):
        return [est.get(instance, "cacerts") for _ in range(25)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = [a for part in pool.map(some, range(8)) for a in part]
    assert {a.status for a in answers} == {200} and len({a.body for a in answers}) == 1


@pytest.mark.parametrize("method, path, allowed", [
    ("POST", "cacerts", "GET, HEAD"), ("DELETE", "cacerts", "GET, HEAD"), ("GET", "simpleenroll", "POST"), ("DELETE", "simplereenroll", "POST")])
def test_methods(instance, method, path, allowed):
    answer = est.get(instance, path, method=method, body=b"x" if method == "POST" else None)
    expect(answer, 405)
    assert answer.headers["allow"] == allowed


def test_head_of_cacerts(instance):
    answer = est.get(instance, "cacerts", method="HEAD")
    assert answer.status == 200 and answer.body == b"" and answer.headers["content-type"] == est.CERTS_ONLY


# ---------------------------------------------------------------- simpleenroll


@pytest.mark.parametrize("kind", KINDS)
def test_enroll_and_use(instance, est_account, tmp_path, kind):
    device = est.Device(instance, est_account, tmp_path, kind=kind, names=[est.unique("name")])
    certificate = device.certificate
    assert spki(certificate) == spki(device.key)
    assert certificate.subject.rfc4514_string() == f"CN={device.cn}"
    assert names_of(certificate) == {x509.DNSName(n) for n in device.names}
    purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert ExtendedKeyUsageOID.CLIENT_AUTH in purposes
    # It is in the store, by the same bytes.
    stored = instance.sql(f"SELECT encode(der, 'hex') FROM certificate WHERE common_name = '{device.cn}'")
    assert stored == [[certificate.public_bytes(DER).hex()]]


def pem_new(csr):
    return csr.public_bytes(PEM).replace(b"CERTIFICATE REQUEST", b"NEW CERTIFICATE REQUEST")


BODIES = {
    "one line": lambda csr: base64.b64encode(csr.public_bytes(DER)),
    "one line, newline": lambda csr: base64.b64encode(csr.public_bytes(DER)) + b"\n",
    "wrapped": lambda csr: est.wrapped(csr.public_bytes(DER)),
    "CRLF": lambda csr: est.wrapped(csr.public_bytes(DER), "\r\n"),
    "DER": lambda csr: csr.public_bytes(DER),
    "PEM": lambda csr: csr.public_bytes(PEM),
    "PEM, old label": pem_new,
}


@pytest.mark.parametrize("form", BODIES)
@pytest.mark.parametrize("encoding", [None, "base64", "binary", "quoted-printable"])
def test_body_forms(instance, est_account, form, encoding):
    csr = support.new_csr(est.unique())
    headers = {"Content-Transfer-Encoding": encoding} if encoding else {}
    certificate = est.enroll(instance, est_account, csr, body=BODIES[form](csr), headers=headers)
    assert spki(certificate) == spki(csr)


@pytest.mark.rows("E05")
@pytest.mark.parametrize("spoil", [
    lambda b: b"", lambda b: b"!" + b, lambda b: b[:40] + b"\x00" + b[40:], lambda b: b[:-3], lambda b: b + b"====", lambda b: b + b"=" + b,
    lambda b: b"\r\n" * 30000, lambda b: b"<html>" + b, lambda b: base64.b64encode(b), lambda b: b.replace(b"M", b"-", 1),
    lambda b: b"-----BEGIN CERTIFICATE-----\n" + b + b"\n-----END CERTIFICATE-----\n"])
def test_body_junk(instance, est_account, spoil):
    csr = support.new_csr(est.unique())
    body = spoil(base64.b64encode(csr.public_bytes(DER)))
    answer = support.est_enroll(instance, b"", authorization=support.basic(*est_account), body=body)
    expect(answer, 400)


def test_body_trailing_octets_in_the_csr(instance, est_account):
    csr = support.new_csr(est.unique())
    answer = support.est_enroll(instance, csr.public_bytes(DER) + b"\x00", authorization=support.basic(*est_account))
    expect(answer, 422)


def test_body_too_large(instance, est_account):
    answer = support.est_enroll(instance, b"", authorization=support.basic(*est_account), body=b"M" * 150_000)
    assert answer.status == 413
    answer = support.est_enroll(instance, b"\x30" + b"\x00" * 70_000, authorization=support.basic(*est_account))
    expect(answer, 413)


@pytest.mark.parametrize("content_type, good", [
    ("application/pkcs10", True), ("Application/PKCS10; x=y", True), (None, True), ("application/x-www-form-urlencoded", False),
    ("application/pkcs7-mime", False), ("text/plain", False)])
def test_content_types(instance, est_account, content_type, good):
    body = base64.b64encode(support.new_csr(est.unique()).public_bytes(DER))
    headers = {"Authorization": support.basic(*est_account)}
    if content_type:
        headers["Content-Type"] = content_type
    answer = est.get(instance, "simpleenroll", method="POST", body=body, headers=headers)
    assert answer.status == (200 if good else 415), answer


@pytest.mark.rows("E02", "R16")
def test_no_or_wrong_password(instance, est_account):
    csr = support.new_csr(est.unique()).public_bytes(DER)
    name, secret = est_account
    here = support.new_address()
    texts = set()
    nothing = support.est_enroll(instance, csr, source=here)
    expect(nothing, 401)
    assert nothing.headers["www-authenticate"].startswith('Basic realm="siegel est"')
    for account in ((name, ""), (name, "wrong"), (name, secret + "x"), ("nobody", secret), ("", ""), ("", secret), (name.upper(), secret)):
        answer = support.est_enroll(instance, csr, authorization=support.basic(*account), source=here)
        expect(answer, 401)
        assert "www-authenticate" in answer.headers
        texts.add(answer.body)
    assert len(texts) == 1 # nobody learns which accounts exist
    for header in ("Bearer " + instance.token, "Digest username=x", "Basic", "Basic !!!", "Negotiate abc"):
        expect(support.est_enroll(instance, csr, authorization=header, source=here), 401)


@pytest.mark.rows("R16")
def test_guessing_is_slowed_down(instance, default_tenant):
    name, secret = default_tenant.account("requestor", "password")
    csr = support.new_csr(est.unique())
    here, elsewhere = support.new_address(), support.new_address()
    answers = [support.est_enroll(instance, csr.public_bytes(DER), authorization=support.basic(name, f"guess-{i}"), source=here)
               for i in range(15)]
    assert [a.status for a in answers] == [401] * 10 + [429] * 5
    assert int(answers[-1].headers["retry-after"]) <= 60
    # Not even the right one passes from there; but a stranger can't lock the account for others.
    assert support.est_enroll(instance, csr.public_bytes(DER), authorization=support.basic(name, secret), source=here).status == 429
    est.enroll(instance, (name, secret), csr, source=elsewhere)


@pytest.mark.parametrize("role, good", [("requestor", True), ("operator", True), ("administrator", True), ("auditor", False)])
def test_roles(instance, default_tenant, role, good):
    account = default_tenant.account(role, "password")
    answer = support.est_enroll(instance, support.new_csr(est.unique()).public_bytes(DER), authorization=support.basic(*account))
    if good:
        est.one_certificate(answer)
    else:
        expect(answer, 403, role)


@pytest.mark.rows("E03")
def test_other_tenants(instance, other_tenant):
    account = other_tenant.account("administrator", "password")
    answer = support.est_enroll(instance, support.new_csr(est.unique()).public_bytes(DER), authorization=support.basic(*account))
    expect(answer, 403, "tenant")


@pytest.mark.rows("E04")
def test_challenge_password(instance, est_account):
    """tls-unique doesn't reach us across the edge, so what claims to hold it is refused and not passed over."""
    key = support.new_key()
    csr = (x509.CertificateSigningRequestBuilder().subject_name(support.new_name(est.unique()))
           .add_attribute(x509.oid.AttributeOID.CHALLENGE_PASSWORD, b"dGxzLXVuaXF1ZQ==").sign(key, support.signing_hash(key)))
    answer = support.est_enroll(instance, csr.public_bytes(DER), authorization=support.basic(*est_account))
    assert 400 <= answer.status < 500
    expect(answer, answer.status, "challengePassword")


def test_csr_of_another_key(instance, est_account):
    """No proof of possession: the signature is another request's (RFC 7030 3.4)."""
    cn = est.unique()
    one, two = (bytearray(support.new_csr(cn).public_bytes(DER)) for _ in range(2))
    spoiled = one[:-8] + two[-8:]
    assert 400 <= support.est_enroll(instance, bytes(spoiled), authorization=support.basic(*est_account)).status < 500


def test_one_time_code_works_once(instance, default_tenant):
    account = default_tenant.account("requestor", "one_time")
    csr = support.new_csr(est.unique())
    est.enroll(instance, account, csr)
    expect(support.est_enroll(instance, csr.public_bytes(DER), authorization=support.basic(*account)), 401)


# ---------------------------------------------------------------- repetitions


def test_retransmission_gets_the_same_certificate(instance, est_account):
    csr = support.new_csr(est.unique())
    first, second = est.enroll(instance, est_account, csr), est.enroll(instance, est_account, csr)
    assert first == second
    # The same CSR in another dress is the same CSR.
    assert est.enroll(instance, est_account, csr, body=est.wrapped(csr.public_bytes(DER), "\r\n")) == first


def test_twenty_at_once_are_one(instance, est_account):
    cn = est.unique()
    csr = support.new_csr(cn)
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        got = list(pool.map(lambda _: est.enroll(instance, est_account, csr), range(20)))
    assert len({c.public_bytes(DER) for c in got}) == 1
    assert instance.count("certificate", f"common_name = '{cn}'") == 1


def test_another_key_or_account_is_another_request(instance, est_account, default_tenant):
    cn, key = est.unique(), support.new_key()
    csr = support.new_csr(cn, key=key)
    first = est.enroll(instance, est_account, csr)
    other_key = est.enroll(instance, est_account, support.new_csr(cn))
    other_account = est.enroll(instance, default_tenant.account("requestor", "password"), csr)
    assert len({c.serial_number for c in (first, other_key, other_account)}) == 3


def test_a_repetition_doesnt_hand_out_a_revoked_certificate(instance, est_account, rest):
    cn = est.unique()
    csr = support.new_csr(cn)
    est.enroll(instance, est_account, csr)
    revoke(instance, rest, cn)
    answer = support.est_enroll(instance, csr.public_bytes(DER), authorization=support.basic(*est_account))
    assert 400 <= answer.status < 500, answer


def revoke(instance, rest, cn):
    number = instance.sql(f"SELECT id FROM certificate WHERE common_name = '{cn}' AND status = 1")[0][0]
    answer = rest.post(f"/certificates/{number}/revoke", {"data": {"type": "revocation", "attributes": {"reason": "superseded"}}})
    assert answer.status in (200, 201), answer


# ---------------------------------------------------------------- simplereenroll


@pytest.mark.parametrize("kind", KINDS)
def test_renew_and_rekey(instance, est_account, tmp_path, kind):
    device = est.Device(instance, est_account, tmp_path, kind=kind, names=[est.unique("name")])
    first = device.certificate
    renewed = est.one_certificate(device.ask(device.csr()))
    assert renewed.serial_number != first.serial_number and spki(renewed) == spki(first)
    assert renewed.subject == first.subject and names_of(renewed) == names_of(first)
    device.use(renewed, device.key)
    key = support.new_key(kind)
    rekeyed = est.one_certificate(device.ask(device.csr(key=key)))
    assert spki(rekeyed) == spki(key) != spki(first)
    assert rekeyed.subject == first.subject and names_of(rekeyed) == names_of(first)
    # And on with the new one.
    device.use(rekeyed, key)
    est.one_certificate(device.ask(device.csr(key=support.new_key(kind))))


def test_renewal_repeated_is_one(instance, device):
    csr = device.csr(key=support.new_key())
    assert est.one_certificate(device.ask(csr)) == est.one_certificate(device.ask(csr))
    assert instance.count("certificate", f"common_name = '{device.cn}'") == 2


@pytest.mark.rows("E01")
@pytest.mark.parametrize("operation", ["simplereenroll", "simpleenroll"])
def test_another_identity(device, operation):
    """A device asks for itself alone: neither another subject, nor more, fewer or other names."""
    own = device.names[0]
    for cn, names in ((est.unique(), [own]), (device.cn, []), (device.cn, [own, est.unique()]), (device.cn, [est.unique()]),
                      (device.cn, ["*." + own]), (device.cn, [x509.UniformResourceIdentifier("https://" + own)])):
        answer = device.ask(device.csr(key=support.new_key(), cn=cn, names=names), operation=operation)
        assert 400 <= answer.status < 500, (cn, names, answer)
        expect(answer, answer.status)
    est.one_certificate(device.ask(device.csr(key=support.new_key()), operation=operation))


@pytest.mark.rows("E01")
def test_more_subject_than_before(device):
    key = support.new_key()
    subject = x509.Name([*support.new_name(device.cn), *support.new_name(o="Another")])
    csr = (x509.CertificateSigningRequestBuilder().subject_name(subject)
           .add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in device.names]), critical=False)
           .sign(key, support.signing_hash(key)))
    answer = device.ask(csr)
    assert 400 <= answer.status < 500, answer


def test_reenroll_wants_a_certificate(instance, est_account):
    csr = support.new_csr(est.unique()).public_bytes(DER)
    for authorization in (None, support.basic(*est_account)):
        answer = support.est_enroll(instance, csr, authorization=authorization, operation="simplereenroll")
        expect(answer, 403, "client certificate", "RFC 7030 4.2.2")


@pytest.mark.rows("T20")
@pytest.mark.parametrize("operation", ["simplereenroll", "simpleenroll"])
def test_revoked(instance, rest, device, operation):
    revoke(instance, rest, device.cn)
    expect(device.ask(device.csr(key=support.new_key()), operation=operation), 403, "revoked")


@pytest.mark.rows("T20", "T23")
def test_revoked_on_an_open_connection(instance, rest, device, edge_connection):
    """The status is looked up for each request, not for each handshake."""
    connection = edge_connection(cert=device.cert_path, key=device.key_path)
    statuses = []
    for _ in range(2):
        body = base64.b64encode(device.csr(key=support.new_key()).public_bytes(DER))
        connection.send(b"POST /.well-known/est/simplereenroll HTTP/1.1\r\nHost: " + connection.host_header.encode() +
                        b"\r\nContent-Type: application/pkcs10\r\nContent-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body)
        status, got = connection.receive_head()
        head, _, rest_of_body = got.partition(b"\r\n\r\n")
        length = int(next(h.split(b":")[1] for h in head.split(b"\r\n") if h.lower().startswith(b"content-length:")))
        while len(rest_of_body) < length:
            rest_of_body += connection.sock.recv(65536)
        statuses.append(status)
        if status == 200:
            instance.sql(f"UPDATE certificate SET status = 2 WHERE der = '\\x{device.certificate.public_bytes(DER).hex()}'")
    assert statuses == [200, 403]


def ask_with(instance, tmp_path, certificate, key, operation="simplereenroll", csr=None):
    cert_path, key_path = support.write_identity(tmp_path, certificate, key, name=est.unique("f"))
    csr = csr or support.new_csr(certificate.subject.rfc4514_string().removeprefix("CN="), key=key)
    return support.est_enroll(instance, csr.public_bytes(DER), cert=cert_path, key=key_path, operation=operation)


@pytest.mark.rows("T20", "T21")
@pytest.mark.parametrize("operation", ["simplereenroll", "simpleenroll"])
def test_certificates_of_others(instance, device, tmp_path, operation):
    stranger, stranger_key = support.self_signed(extensions=[(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False)])
    same_name, same_name_key = support.self_signed(cn=device.cn)
    look_alike, look_alike_key = est.look_alike(instance, cn=device.cn)
    same_serial, same_serial_key = est.look_alike(instance, cn=device.cn, serial=device.certificate.serial_number)
    below, below_key = support.self_signed(cn=device.cn, issuer=device.certificate.subject, issuer_key=device.key)
    for certificate, key in ((stranger, stranger_key), (same_name, same_name_key), (look_alike, look_alike_key),
                             (same_serial, same_serial_key), (below, below_key)):
        expect(ask_with(instance, tmp_path, certificate, key, operation), 403, "client certificate")


@pytest.mark.rows("T20")
@pytest.mark.parametrize("made, cause", [
    ({"ca": True}, "CA"), ({"purposes": [ExtendedKeyUsageOID.SERVER_AUTH]}, "clientAuth"), ({"purposes": ()}, "clientAuth"),
    ({"purposes": [ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]}, "clientAuth")])
def test_our_certificates_that_may_not(instance, tmp_path, made, cause):
    certificate, key = est.look_alike(instance, **made)
    est.put_into_store(instance, certificate)
    expect(ask_with(instance, tmp_path, certificate, key), 403, cause)


@pytest.mark.rows("T20")
@pytest.mark.parametrize("made, cause", [({"from_days": -30, "to_days": -1}, "expired"), ({"from_days": 1, "to_days": 30}, "valid yet")])
def test_our_certificates_out_of_their_time(instance, tmp_path, made, cause):
    certificate, key = est.look_alike(instance, **made)
    est.put_into_store(instance, certificate)
    for operation in ("simplereenroll", "simpleenroll"):
        expect(ask_with(instance, tmp_path, certificate, key, operation), 403, cause)


@pytest.mark.rows("T20")
def test_out_of_their_time_nowhere_else(instance, tmp_path):
    """The edge passes these on to EST alone."""
    certificate, key = est.look_alike(instance, from_days=-30, to_days=-1)
    est.put_into_store(instance, certificate)
    identity = support.write_identity(tmp_path, certificate, key)
    context = instance.tls_context(*identity)
    for path in ("/api/v2.0/cas", "/", "/api/v2.0/imports/1/files", "/.well-known/est/../../api/v2.0/cas"):
        answer = support.http_get(instance.url + path, context=context)
        assert answer.status == 403 and answer.headers["content-type"].startswith("application/vnd.api+json"), (path, answer)
        assert answer.error["code"] == "forbidden" and "expired" in answer.error["detail"]
    for path in ("cacerts", "nothing/cacerts", "nothing"):
        answer = support.http_get(f"{instance.est_url}/{path}", context=context)
        assert answer.status == (200 if path == "cacerts" else 404), answer


@pytest.mark.rows("T20")
def test_a_servers_certificate_doesnt_sign_in(instance, rest, tmp_path):
    key, cn = support.new_key(), est.unique()
    resource = rest.issued("cert_server", cn=cn, csr=support.csr_pem(support.new_csr(cn, names=[cn], key=key)))
    expect(ask_with(instance, tmp_path, support.load_cert(resource["attributes"]["pem"]), key), 403, "clientAuth")


def test_a_client_does_not_make_itself_a_server(instance, rest, tmp_path):
    """Its name stays, and so does what it may be used for: the profile of this path gives serverAuth too."""
    key, cn = support.new_key(), est.unique()
    csr = support.new_csr(cn, names=[cn], key=key)
    resource = rest.issued("cert_client", cn=cn, csr=support.csr_pem(csr))
    identity = support.write_identity(tmp_path, resource["attributes"]["pem"], key)
    for operation in ("simplereenroll", "simpleenroll"):
        expect(support.est_enroll(instance, support.csr_der(csr), cert=identity[0], key=identity[1], operation=operation), 403, "purpose")


@pytest.mark.rows("E03")
def test_another_tenants_device(instance, other_tenant, tmp_path):
    key, cn = support.new_key(), est.unique()
    resource = other_tenant.rest().issued("cert_device", cn=cn, csr=support.csr_pem(support.new_csr(cn, key=key)))
    expect(ask_with(instance, tmp_path, support.load_cert(resource["attributes"]["pem"]), key), 403, "tenant")


@pytest.mark.rows("E09")
def test_certificate_of_a_disabled_account(instance, default_tenant, tmp_path, est_account):
    """A station's certificate speaks for its account or for nobody."""
    device = est.Device(instance, est_account, tmp_path)
    name, _ = default_tenant.account("requestor", "password")
    instance.sql("INSERT INTO credential (tenant_id, account_id, kind, hash) SELECT tenant_id, id, 'certificate', "
                 f"sha256('\\x{device.certificate.public_bytes(DER).hex()}') FROM account WHERE name = '{name}'")
    # As an account it may ask for others.
    est.one_certificate(device.ask(support.new_csr(est.unique()), operation="simpleenroll"))
    instance.sql(f"UPDATE account SET enabled = false WHERE name = '{name}'")
    for operation in ("simpleenroll", "simplereenroll"):
        expect(device.ask(device.csr(key=support.new_key()), operation=operation), 403, "account")


def test_a_header_of_the_clients_own_is_no_certificate(instance, device):
    """The edge overwrites the header in which it passes the certificate."""
    forged = device.certificate.public_bytes(PEM).decode().replace("\n", "%0A").replace(" ", "%20").replace("+", "%2B")
    answer = support.est_enroll(instance, device.csr(key=support.new_key()).public_bytes(DER), operation="simplereenroll",
                                headers={"X-Siegel-Client-Cert": forged})
    expect(answer, 403, "client certificate")


def test_nothing_secret_in_the_log(instance, est_account):
    est.enroll(instance, est_account, support.new_csr(est.unique()))
    assert est_account[1] not in instance.log_text()
