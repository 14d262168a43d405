"""OCSP over the real edge, asked and read by others: openssl, curl, GnuTLS's ocsptool and python-cryptography."""

import base64
import datetime
import hashlib
import re
import secrets
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

import support

sys.path.insert(0, str(support.DATA))
import der  # noqa: E402

REQUEST, RESPONSE = "application/ocsp-request", "application/ocsp-response"
Status = ocsp.OCSPResponseStatus
SAMPLES = support.DATA / "ocsp"
SEEN_SEC = 5  # within which a revocation is seen


def run(*command, check=True):
    done = subprocess.run([str(c) for c in command], capture_output=True, timeout=30)
    text = (done.stdout + done.stderr).decode(errors="replace")
    assert done.returncode == 0 or not check, text
    return text


def certificates(pem):
    return [x509.load_pem_x509_certificate(one.encode()) for one in re.findall("-----BEGIN.*?-----END CERTIFICATE-----\n", pem, re.S)]


class Chain:
    """A certificate, its issuer and the root, as objects and as files."""

    def __init__(self, resource, folder):
        self.resource, self.folder = resource, folder
        attributes = resource["attributes"]
        self.cert = x509.load_pem_x509_certificate(attributes["pem"].encode())
        self.above = certificates(attributes["chain_pem"])
        self.above = [c for c in self.above if c != self.cert]
        self.issuer = next(c for c in self.above if c.subject == self.cert.issuer)
        for name, certificate in (("cert", self.cert), ("issuer", self.issuer)):
            (folder / f"{name}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))

    def file(self, name):
        return self.folder / f"{name}.pem"


@pytest.fixture
def chain(rest, tmp_path):
    return Chain(rest.issued("cert_server"), tmp_path)


@pytest.fixture
def root(instance):
    return certificates(Path(instance.root).read_text())[0]


def revoke(rest, chain, reason="keyCompromise"):
    answer = rest.post(f"/certificates/{chain.resource['id']}/revoke", {"data": {"type": "revocation", "attributes": {"reason": reason}}})
    assert answer.status == 200, answer


def request_of(cert, issuer, algorithm=None, nonce=None):
    builder = ocsp.OCSPRequestBuilder().add_certificate(cert, issuer, algorithm or hashes.SHA1())
    if nonce:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    return builder.build().public_bytes(Encoding.DER)


def request_for_serial(issuer, serial):
    """python-cryptography before 39 makes requests for certificates at hand alone: written by hand."""
    key = issuer.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    certid = der.seq(der.seq(der.oid("1.3.14.3.2.26"), der.NULL), der.octets(hashlib.sha1(issuer.subject.public_bytes()).digest()),
                     der.octets(hashlib.sha1(key).digest()), der.integer(serial))
    return der.seq(der.seq(der.seq(der.seq(certid))))


def post(instance, data, content_type=REQUEST):
    return support.http_get(instance.ocsp_url, method="POST", body=data, headers={"Content-Type": content_type})


def get(instance, data, quote=True):
    text = base64.b64encode(data).decode()
    return support.http_get(f"{instance.ocsp_url}/{urllib.parse.quote(text, safe='') if quote else text}")


def read(answer):
    assert answer.status == 200 and answer.headers["content-type"] == RESPONSE, answer
    return ocsp.load_der_ocsp_response(answer.body)


def verify(response, issuer):
    """As a client does it: the signer is delegated by the issuer itself, may sign OCSP, lives, and signed (RFC 6960 4.2.2.2)."""
    assert response.response_status == Status.SUCCESSFUL, response.response_status
    [signer] = response.certificates
    issuer.public_key().verify(signer.signature, signer.tbs_certificate_bytes, ec.ECDSA(signer.signature_hash_algorithm))
    assert signer.issuer == issuer.subject
    assert ExtendedKeyUsageOID.OCSP_SIGNING in signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    signer.extensions.get_extension_for_class(x509.OCSPNoCheck)
    assert response.next_update <= signer.not_valid_after
    assert response.this_update <= response.produced_at < response.next_update
    signer.public_key().verify(response.signature, response.tbs_response_bytes, ec.ECDSA(response.signature_hash_algorithm))
    return response


def status(instance, chain, ask=post, **kw):
    response = verify(read(ask(instance, request_of(chain.cert, chain.issuer, **kw))), chain.issuer)
    assert response.serial_number == chain.cert.serial_number
    return response


@pytest.mark.parametrize("algorithm", [hashes.SHA1, hashes.SHA256, hashes.SHA384, hashes.SHA512])
def test_good(instance, chain, algorithm):
    response = status(instance, chain, algorithm=algorithm())
    assert response.certificate_status == ocsp.OCSPCertStatus.GOOD
    assert isinstance(response.hash_algorithm, algorithm)
    assert abs(response.this_update - datetime.datetime.utcnow()) < datetime.timedelta(seconds=30)


@pytest.mark.rows("O05")
@pytest.mark.parametrize("reason", ["keyCompromise", "unspecified", "superseded", "cessationOfOperation"])
def test_revoked_at_once(instance, rest, chain, reason):
    assert status(instance, chain).certificate_status == ocsp.OCSPCertStatus.GOOD
    before = datetime.datetime.utcnow().replace(microsecond=0)
    revoke(rest, chain, reason)
    response = status(instance, chain)
    assert response.certificate_status == ocsp.OCSPCertStatus.REVOKED
    assert before <= response.revocation_time <= datetime.datetime.utcnow()
    wanted = None if reason == "unspecified" else x509.ReasonFlags(reason)
    assert response.revocation_reason == wanted


@pytest.mark.rows("O05")
def test_revoked_behind_the_cache(instance, rest, chain):
    assert status(instance, chain, ask=get).certificate_status == ocsp.OCSPCertStatus.GOOD
    revoke(rest, chain)
    end = time.monotonic() + SEEN_SEC * support.SLOWER
    while status(instance, chain, ask=get).certificate_status != ocsp.OCSPCertStatus.REVOKED:
        assert time.monotonic() < end, "a cache still says good"
        time.sleep(0.2)


@pytest.mark.rows("O01")
def test_never_issued(instance, chain):
    for serial in (secrets.randbits(126), 1, 0, 2**159 - 1):
        response = verify(read(post(instance, request_for_serial(chain.issuer, serial))), chain.issuer)
        assert response.certificate_status != ocsp.OCSPCertStatus.GOOD


@pytest.mark.rows("O01")
def test_serial_of_another_ca(instance, chain, root):
    response = verify(read(post(instance, request_for_serial(root, chain.cert.serial_number))), root)
    assert response.certificate_status != ocsp.OCSPCertStatus.GOOD


@pytest.mark.rows("O01")
def test_abandoned_intent(instance, chain):
    """An intent, abandoned or not, has no certificate: not good."""
    serial = secrets.randbits(126) | 1 << 126
    for abandoned in ("NULL", "now()"):
        serial += 1
        instance.sql("INSERT INTO intent (ca_id, serial, tenant_id, profile_id, chain, tbs, abandoned_at) "
                     f"SELECT ca_id, '\\x{serial:032x}', tenant_id, profile_id, 'test', '\\x00', {abandoned} FROM certificate "
                     f"WHERE serial = '\\x{chain.resource['attributes']['serial']}'")
        try:
            response = verify(read(post(instance, request_for_serial(chain.issuer, serial))), chain.issuer)
            assert response.certificate_status != ocsp.OCSPCertStatus.GOOD
        finally:
            instance.sql(f"DELETE FROM intent WHERE serial = '\\x{serial:032x}'")


def test_root_answers_for_the_issuing_ca(instance, chain, root):
    response = verify(read(post(instance, request_of(chain.issuer, root))), root)
    assert response.certificate_status == ocsp.OCSPCertStatus.GOOD


def test_stranger(instance):
    """An issuer that is none of ours: unauthorized, unsigned (RFC 6960 2.3)."""
    key = support.new_key()
    name = support.new_name("stranger")
    now = datetime.datetime.utcnow()
    stranger = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(5)
                .not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1)).sign(key, hashes.SHA256()))
    assert read(post(instance, request_of(stranger, stranger))).response_status == Status.UNAUTHORIZED


@pytest.mark.rows("O02")
@pytest.mark.parametrize("size", [1, 16, 32, 128])
def test_nonce(instance, chain, size):
    nonce = secrets.token_bytes(size)
    response = status(instance, chain, nonce=nonce)
    assert response.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce == nonce
    answer = get(instance, request_of(chain.cert, chain.issuer, nonce=nonce))
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.rows("O02", "O10")
def test_hostile_samples(instance):
    samples = sorted(SAMPLES.glob("refuse-*.der"))
    assert len(samples) > 50
    for sample in samples:
        answer = post(instance, sample.read_bytes())
        if answer.status != 413:
            assert read(answer).response_status == Status.MALFORMED_REQUEST, sample.name
        if sample.stat().st_size < 3000:
            assert read(get(instance, sample.read_bytes())).response_status == Status.MALFORMED_REQUEST, sample.name
    for sample in sorted(SAMPLES.glob("ok-*.der")):  # right in form, of an issuer that isn't ours
        assert read(post(instance, sample.read_bytes())).response_status == Status.UNAUTHORIZED, sample.name


@pytest.mark.rows("O10")
def test_requestor_name_of_a_megabyte(instance):
    assert post(instance, b"\x30\x83\x10\x00\x00" + b"a" * (1 << 20)).status == 413


def test_http_faults(instance, chain):
    data = request_of(chain.cert, chain.issuer)
    assert post(instance, data, "text/plain").status == 415
    assert support.http_get(instance.ocsp_url, method="PUT", body=data, headers={"Content-Type": REQUEST}).status == 405


@pytest.mark.rows("O03")
def test_get_forms(instance, chain):
    data = request_of(chain.cert, chain.issuer)
    text = base64.b64encode(data).decode()
    forms = [urllib.parse.quote(text, safe=""), text, text.rstrip("="), text.replace("=", "%3d"), "/" + text]
    for form in forms:
        response = read(support.http_get(f"{instance.ocsp_url}/{form}"))
        assert verify(response, chain.issuer).certificate_status == ocsp.OCSPCertStatus.GOOD, form
    twice = urllib.parse.quote(urllib.parse.quote(text, safe=""), safe="")
    if "%25" in twice:
        answer = support.http_get(f"{instance.ocsp_url}/{twice}")
        assert answer.status == 400 or read(answer).response_status == Status.MALFORMED_REQUEST


def test_cache(instance, chain):
    data = request_of(chain.cert, chain.issuer)
    first, second = get(instance, data), get(instance, data)
    assert first.headers.get("x-cache-status") == "MISS" and second.headers.get("x-cache-status") == "HIT"
    assert first.body == second.body
    assert set(first.headers) >= {"last-modified", "expires", "etag"}
    control = first.headers["cache-control"]
    assert "max-age=" in control and "public" in control and "no-transform" in control and "must-revalidate" in control
    etag = second.headers["etag"]
    text = urllib.parse.quote(base64.b64encode(data).decode(), safe="")
    assert support.http_get(f"{instance.ocsp_url}/{text}", headers={"If-None-Match": etag}).status == 304
    for answer in (post(instance, data), post(instance, data)):
        assert answer.headers["cache-control"] == "no-store" and "x-cache-status" not in answer.headers


def test_several_ids(instance, rest, tmp_path):
    folders = [tmp_path / str(i) for i in range(3)]
    for folder in folders:
        folder.mkdir()
    chains = [Chain(rest.issued("cert_device"), folder) for folder in folders]
    revoke(rest, chains[1])
    command = ["openssl", "ocsp", "-issuer", chains[0].file("issuer"), "-url", instance.ocsp_url, "-CAfile", instance.root]
    for chain in chains:
        command += ["-cert", chain.file("cert")]
    text = run(*command)
    assert "Response verify OK" in text and text.count(": good") == 2 and text.count(": revoked") == 1


@pytest.mark.parametrize("digest", ["-sha1", "-sha256"])
def test_openssl(instance, chain, digest):
    text = run("openssl", "ocsp", "-issuer", chain.file("issuer"), digest, "-cert", chain.file("cert"), "-url", instance.ocsp_url,
               "-CAfile", instance.root, "-nonce")
    assert "Response verify OK" in text and ": good" in text and "WARNING: no nonce" not in text


def test_ocsptool(instance, rest, chain):
    command = ["ocsptool", f"--ask={instance.ocsp_url}", "--load-issuer", chain.file("issuer"), "--load-cert", chain.file("cert"),
               "--load-trust", chain.file("issuer"), "--nonce"]
    text = run(*command, check=False)
    assert "Certificate Status: good" in text and "Verifying OCSP Response: Success" in text, text
    revoke(rest, chain)
    assert "Certificate Status: revoked" in run(*command, check=False)


def test_curl(instance, chain, tmp_path):
    data = request_of(chain.cert, chain.issuer)
    text = base64.b64encode(data).decode()
    for form in (text, urllib.parse.quote(text, safe="")):
        run("curl", "-sfg", "-o", tmp_path / "answer.der", f"{instance.ocsp_url}/{form}")
        shown = run("openssl", "ocsp", "-respin", tmp_path / "answer.der", "-issuer", chain.file("issuer"), "-cert", chain.file("cert"),
                    "-CAfile", instance.root)
        assert "Response verify OK" in shown and ": good" in shown


def test_altered_answer_is_noticed(instance, chain):
    """That verify() above would notice."""
    answer = post(instance, request_of(chain.cert, chain.issuer))
    body = bytearray(answer.body)
    at = body.index(b"\x80\x00\x18\x0f")  # good, followed by thisUpdate
    body[at] = 0x82
    with pytest.raises(InvalidSignature):
        verify(ocsp.load_der_ocsp_response(bytes(body)), chain.issuer)


def test_role_writes_nothing(instance):
    """siegel-va's role reads what it needs and nothing else."""
    for statement in ("UPDATE certificate SET status = 1", "DELETE FROM revocation", "INSERT INTO blocked_key VALUES ('\\x00', '')",
                      "SELECT der FROM certificate", "SELECT tbs FROM intent", "SELECT hash FROM credential", "SELECT key_ref FROM ca"):
        with pytest.raises(support.StoreError):
            instance.sql(statement, role="siegel_va")
