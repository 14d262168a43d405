"""What is issued, read by others: openssl, GnuTLS and python-cryptography, each field against what the profile says."""

import datetime
import hashlib
import re
import subprocess
import time
import uuid

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

import support

KINDS = {
    "cert_server": {ExtendedKeyUsageOID.SERVER_AUTH}, "cert_client": {ExtendedKeyUsageOID.CLIENT_AUTH},
    "cert_device": {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH},
}
KEYS = ["p256", "p384", "p521", "rsa2048", "rsa3072", "ed25519"]
LEAF_EXTENSIONS = {  # OID: critical
    "2.5.29.15": True, "2.5.29.37": False, "2.5.29.14": False, "2.5.29.35": False, "2.5.29.31": False, "1.3.6.1.5.5.7.1.1": False,
}


def run(*command, input=None, check=True):
    done = subprocess.run([str(c) for c in command], capture_output=True, input=input, timeout=30)
    if check:
        assert done.returncode == 0, (done.stdout + done.stderr).decode(errors="replace")
    return (done.stdout + done.stderr).decode(errors="replace")


def verify_signature(certificate, issuer_key):
    args = {rsa.RSAPublicKey: lambda: (padding.PKCS1v15(), certificate.signature_hash_algorithm),
            ec.EllipticCurvePublicKey: lambda: (ec.ECDSA(certificate.signature_hash_algorithm),),
            ed25519.Ed25519PublicKey: lambda: ()}
    for kind, more in args.items():
        if isinstance(issuer_key, kind):
            issuer_key.verify(certificate.signature, certificate.tbs_certificate_bytes, *more())
            return
    raise AssertionError(type(issuer_key))


class Issued:
    """A certificate with its chain and root, as files too."""

    def __init__(self, instance, resource, folder):
        self.resource, self.attributes = resource, resource["attributes"]
        self.certificate = support.load_cert(self.attributes["pem"])
        self.chain = support.load_pem_chain(self.attributes["chain_pem"])
        self.root_pem = open(instance.root).read()
        self.root = support.load_cert(self.root_pem)
        self.path, self.chain_path = folder / "leaf.pem", folder / "chain.pem"
        self.path.write_text(self.attributes["pem"])
        self.chain_path.write_text(self.attributes["chain_pem"])


@pytest.fixture(scope="module", params=[(k, t) for k in KINDS for t in KEYS if k == "cert_device" or t in ("p256", "rsa3072")],
                ids=lambda p: f"{p[0]}-{p[1]}")
def issued(request, instance, rest, tmp_path_factory):
    kind, key_type = request.param
    cn = f"{kind}-{key_type}.{uuid.uuid4().hex[:8]}.example".replace("_", "-")
    if key_type in ("p256", "ed25519", "rsa2048"):
        key = support.new_key(key_type)
        names = [cn] if kind != "cert_client" else [x509.RFC822Name("a@plant.example")]
        resource = rest.issued(kind, cn=cn, csr=support.csr_pem(support.new_csr(cn, names, key)))
    else:
        names = {"dns": [cn]} if kind != "cert_client" else {"email": ["a@plant.example"]}
        resource = rest.issued(kind, cn=cn, key_type=key_type, **names)
    got = Issued(instance, resource, tmp_path_factory.mktemp("issued"))
    got.kind, got.key_type, got.cn = kind, key_type, cn
    return got


def test_openssl_and_gnutls_verify(issued, instance, tmp_path):
    text = run("openssl", "verify", "-x509_strict", "-CAfile", instance.root, "-untrusted", issued.chain_path, "-purpose",
               "sslclient" if issued.kind == "cert_client" else "sslserver", issued.path)
    assert "OK" in text
    whole = tmp_path / "whole.pem"
    whole.write_text(issued.attributes["pem"] + "\n" + issued.attributes["chain_pem"] + "\n" + issued.root_pem)
    text = run("certtool", "--verify", "--load-ca-certificate", instance.root, "--infile", whole)
    assert "Chain verification output: Verified. The certificate is trusted." in text


def test_the_three_read_the_same(issued):
    """Serial, names, validity and key identifier as openssl and GnuTLS print them are those that python-cryptography reads."""
    certificate, serial = issued.certificate, f"{issued.certificate.serial_number:x}"
    text = run("openssl", "x509", "-in", issued.path, "-noout", "-serial", "-subject", "-dates", "-nameopt", "RFC2253", "-text")
    assert re.search(r"serial=0*" + serial, text, re.I)
    assert f"subject=CN={issued.cn}" in text
    gnutls = run("certtool", "-i", "--infile", issued.path)
    assert re.search(r"Serial Number \(hex\): 0*" + serial, gnutls)
    assert f"CN={issued.cn}" in gnutls and "Version: 3" in gnutls
    stamp = support.not_after(certificate).strftime("%a %b %d %H:%M:%S UTC %Y")
    assert f"Not After: {stamp}" in gnutls
    ski = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest.hex()
    assert ski in gnutls
    for name in issued.attributes["names"]:
        kind, value = name.split(":", 1)
        assert {"dns": f"DNSname: {value}", "email": f"RFC822Name: {value}", "ip": f"IPAddress: {value}", "uri": f"URI: {value}"}[kind] in gnutls


def test_fields_are_those_of_the_answer(issued):
    certificate, attributes = issued.certificate, issued.attributes
    assert f"{certificate.serial_number:x}" == attributes["serial"].lstrip("0")
    assert hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest() == attributes["fingerprint_sha256"]
    assert support.not_before(certificate).strftime("%Y-%m-%dT%H:%M:%SZ") == attributes["not_before"]
    assert support.not_after(certificate).strftime("%Y-%m-%dT%H:%M:%SZ") == attributes["not_after"]
    assert certificate.subject.rfc4514_string() == attributes["subject"]
    assert [a.value for a in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == [issued.cn]
    assert certificate.version == x509.Version.v3


def test_serial(issued):
    """At most 20 octets, positive (RFC 5280 4.1.2.2), and 128 bits of chance."""
    assert 0 < issued.certificate.serial_number < 1 << 159
    assert issued.certificate.serial_number.bit_length() > 96


def test_issuer_signature_and_identifiers(issued):
    certificate, issuer = issued.certificate, issued.chain[0]
    assert certificate.issuer.public_bytes() == issuer.subject.public_bytes()
    verify_signature(certificate, issuer.public_key())
    verify_signature(issuer, issued.root.public_key())
    aki = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    ski = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    assert aki.key_identifier == ski.digest and aki.authority_cert_issuer is None
    assert len(certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest) == 20


def test_extensions(issued):
    certificate = issued.certificate
    found = {e.oid.dotted_string: e.critical for e in certificate.extensions}
    for oid, critical in LEAF_EXTENSIONS.items():
        assert found.get(oid) is critical, (oid, found)
    assert set(found) - set(LEAF_EXTENSIONS) <= {"2.5.29.17", "2.5.29.19", "2.5.29.32"}
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature and not usage.key_cert_sign and not usage.crl_sign
    # keyEncipherment is for RSA alone (RFC 8813 3, RFC 8410 5): an EC or Edwards key can't encipher a key.
    assert usage.key_encipherment == issued.key_type.startswith("rsa")
    assert set(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == KINDS[issued.kind]
    if "2.5.29.19" in found:
        basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        assert not basic.ca and basic.path_length is None


def test_names(issued):
    names = issued.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    words = {x509.DNSName: "dns", x509.IPAddress: "ip", x509.RFC822Name: "email", x509.UniformResourceIdentifier: "uri"}
    assert [f"{words[type(n)]}:{n.value}" for n in names.value] == issued.attributes["names"]
    assert names.critical is False  # the subject isn't empty (RFC 5280 4.2.1.6)


def test_addresses_can_be_fetched(issued):
    certificate, issuer = issued.certificate, issued.chain[0]
    access = {d.access_method: d.access_location.value
              for d in certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value}
    got = support.http_get(access[AuthorityInformationAccessOID.CA_ISSUERS])
    assert got.status == 200 and got.headers["content-type"] == "application/pkix-cert"
    assert got.body == issuer.public_bytes(serialization.Encoding.DER)
    assert access[AuthorityInformationAccessOID.OCSP].startswith("http://")
    (point,) = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    got = support.http_get(point.full_name[0].value)
    assert got.status == 200 and got.headers["content-type"] == "application/pkix-crl"
    crl = x509.load_der_x509_crl(got.body)
    assert crl.issuer == certificate.issuer and crl.is_signature_valid(issuer.public_key())


def test_ocsp_says_good_to_openssl_and_gnutls(issued, instance, tmp_path):
    access = {d.access_method: d.access_location.value
              for d in issued.certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value}
    url = access[AuthorityInformationAccessOID.OCSP]
    text = run("openssl", "ocsp", "-issuer", issued.chain_path, "-cert", issued.path, "-url", url, "-CAfile", instance.root,
               "-verify_other", issued.chain_path)
    assert f"{issued.path}: good" in text and "Response verify OK" in text
    text = run("ocsptool", f"--ask={url}", "--load-issuer", issued.chain_path, "--load-cert", issued.path, "--load-trust", issued.chain_path)
    assert "Certificate Status: good" in text


# ---------------------------------------------------------------- CAs


def test_cas(instance, rest):
    chain = support.load_pem_chain(rest.issued("cert_client")["attributes"]["chain_pem"])
    root = support.load_cert(open(instance.root).read())
    assert len(chain) == 1
    for ca, issuer in ((chain[0], root), (root, root)):
        verify_signature(ca, issuer.public_key())
        basic = ca.extensions.get_extension_for_class(x509.BasicConstraints)
        assert basic.critical and basic.value.ca
        usage = ca.extensions.get_extension_for_class(x509.KeyUsage)
        assert usage.critical and usage.value.key_cert_sign and usage.value.crl_sign
        assert not usage.value.key_encipherment and not usage.value.key_agreement and not usage.value.data_encipherment
        assert len(ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest) == 20
        assert "2.5.29.17" not in {e.oid.dotted_string for e in ca.extensions}
        text = run("certtool", "-i", input=ca.public_bytes(serialization.Encoding.PEM))
        assert "Certificate Authority (CA): TRUE" in text
    assert chain[0].extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0
    assert support.not_after(chain[0]) <= support.not_after(root)
    aki = chain[0].extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    assert aki == root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    shown = {m["attributes"]["name"]: m["attributes"] for m in rest.get("/cas").data}
    assert support.load_cert(shown["root"]["pem"]) == root and support.load_cert(shown["issuing"]["pem"]) == chain[0]


def test_signer_of_ocsp(issued, instance, tmp_path):
    """Delegated by the CA itself (RFC 6960 4.2.2.2), for signing answers alone, for a short life."""
    request, response = tmp_path / "request", tmp_path / "response"
    run("openssl", "ocsp", "-issuer", issued.chain_path, "-cert", issued.path, "-reqout", request, "-no_nonce")
    got = support.http_get(instance.ocsp_url, method="POST", body=request.read_bytes(), headers={"Content-Type": "application/ocsp-request"})
    assert got.status == 200 and got.headers["content-type"] == "application/ocsp-response"
    response.write_bytes(got.body)
    from cryptography.x509 import ocsp
    answer = ocsp.load_der_ocsp_response(got.body)
    (signer,) = answer.certificates
    verify_signature(signer, issued.chain[0].public_key())
    assert set(signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == {ExtendedKeyUsageOID.OCSP_SIGNING}
    assert signer.extensions.get_extension_for_class(x509.OCSPNoCheck)
    usage = signer.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature and not usage.key_cert_sign
    assert support.not_after(signer) - support.not_before(signer) <= datetime.timedelta(days=91)
    assert isinstance(signer.public_key(), ec.EllipticCurvePublicKey)
    text = run("ocsptool", "-j", "--infile", response)
    assert "Certificate Status: good" in text


# ---------------------------------------------------------------- CRLs


def published_crl(url, issuer):
    crl = x509.load_der_x509_crl(support.http_get(url).body)
    assert crl.is_signature_valid(issuer.public_key())
    return crl


def test_crl(instance, rest, tmp_path):
    """After revocations with every reason the published list has them, in a form that all three read."""
    reasons = {"unspecified": None, "keyCompromise": x509.ReasonFlags.key_compromise, "superseded": x509.ReasonFlags.superseded,
               "cessationOfOperation": x509.ReasonFlags.cessation_of_operation, "affiliationChanged": x509.ReasonFlags.affiliation_changed,
               "privilegeWithdrawn": x509.ReasonFlags.privilege_withdrawn}
    made = {}
    for reason in reasons:
        resource = rest.issued("cert_client")
        answer = rest.post(f"/certificates/{resource['id']}/revoke", {"data": {"type": "revocation", "attributes": {"reason": reason}}})
        assert answer.status == 200, answer
        made[reason] = (support.load_cert(resource["attributes"]["pem"]), answer.attributes["revoked_at"])
    issuer = support.load_pem_chain(resource["attributes"]["chain_pem"])[0]
    (point,) = made["superseded"][0].extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    url = point.full_name[0].value

    def complete():
        crl = published_crl(url, issuer)
        return crl if all(crl.get_revoked_certificate_by_serial_number(c.serial_number) for c, _ in made.values()) else None

    crl = support.wait_until(complete, 20, 0.5)
    for reason, flag in reasons.items():
        certificate, revoked_at = made[reason]
        entry = crl.get_revoked_certificate_by_serial_number(certificate.serial_number)
        stamp = support._utc(entry, "revocation_date")
        assert stamp.strftime("%Y-%m-%dT%H:%M:%SZ") == revoked_at
        found = [e.value.reason for e in entry.extensions if isinstance(e.value, x509.CRLReason)]
        assert found == ([] if flag is None else [flag])  # unspecified is left out (RFC 5280 5.3.1)
    number = crl.extensions.get_extension_for_class(x509.CRLNumber)
    assert number.value.crl_number > 0 and not number.critical
    aki = crl.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    assert aki == issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    assert support.last_update(crl).timestamp() <= time.time() + 1 and support.next_update(crl).timestamp() > time.time() + 600
    serials = [e.serial_number for e in crl]
    assert len(serials) == len(set(serials))
    path = tmp_path / "list.crl"
    path.write_bytes(crl.public_bytes(serialization.Encoding.DER))
    ca = tmp_path / "ca.pem"
    ca.write_bytes(issuer.public_bytes(serialization.Encoding.PEM))
    assert "verify OK" in run("openssl", "crl", "-inform", "DER", "-in", path, "-CAfile", ca, "-noout", "-verify")
    text = run("certtool", "--crl-info", "--inder", "--infile", path)
    assert f"CRL Number (not critical): {number.value.crl_number:x}" in text or f"{number.value.crl_number:02x}" in text
    for certificate, _ in made.values():
        assert f"{certificate.serial_number:x}" in text
    ca_der = tmp_path / "ca.der"
    ca_der.write_bytes(issuer.public_bytes(serialization.Encoding.DER))
    assert "verified" in run("certtool", "--verify-crl", "--load-ca-certificate", ca_der, "--inder", "--infile", path).lower()
    shown = rest.get("/crls?page[size]=1&filter[issuer]=issuing").data[0]["attributes"]
    assert shown["number"] >= number.value.crl_number


def test_crl_numbers_rise(rest):
    numbers = {}
    for member in rest.get("/crls?page[size]=500&sort=created_at").data:
        numbers.setdefault(member["attributes"]["issuer"], []).append(member["attributes"]["number"])
    for issuer, listed in numbers.items():
        assert listed == sorted(listed) and len(listed) == len(set(listed)), issuer


def test_root_crl(instance, rest):
    root = support.load_cert(open(instance.root).read())
    issuing = support.load_pem_chain(rest.issued("cert_client")["attributes"]["chain_pem"])[0]
    (point,) = issuing.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    crl = published_crl(point.full_name[0].value, root)
    assert crl.issuer == root.subject and len(list(crl)) == 0


# ---------------------------------------------------------------- many at once


def test_serials_of_many(rest):
    """128 bits of chance behind the time: among some hundred serials each of the upper bits is set about half of the time."""
    serials = [int(rest.issued("cert_client")["attributes"]["serial"], 16) for _ in range(60)]
    serials += [int(m["attributes"]["serial"], 16) for m in rest.get("/certificates?page[size]=500&fields[cert_server]=serial&"
                                                                     "fields[cert_client]=serial&fields[cert_device]=serial").data]
    serials = sorted(set(serials))
    assert len(serials) >= 60
    for bit in range(128):
        ones = sum(s >> bit & 1 for s in serials)
        assert 0.2 * len(serials) < ones < 0.8 * len(serials), (bit, ones, len(serials))


def test_pkcs12(rest, tmp_path):
    """Made here, opened by openssl, GnuTLS and python-cryptography."""
    from cryptography.hazmat.primitives.serialization import pkcs12
    import base64
    resource = rest.issued("cert_client", cn="p12.example", pkcs12_password="correct horse")
    data = base64.b64decode(resource["attributes"]["pkcs12"])
    key, certificate, chain = pkcs12.load_key_and_certificates(data, b"correct horse")
    assert certificate == support.load_cert(resource["attributes"]["pem"])
    assert key.public_key().public_numbers() == certificate.public_key().public_numbers()
    assert len(chain) >= 1 and "private_key_pem" not in resource["attributes"]
    path = tmp_path / "bundle.p12"
    path.write_bytes(data)
    assert "BEGIN CERTIFICATE" in run("openssl", "pkcs12", "-in", path, "-passin", "pass:correct horse", "-nodes")
    assert "BEGIN CERTIFICATE" in run("certtool", "--p12-info", "--inder", "--infile", path, "--password", "correct horse")
    assert run("openssl", "pkcs12", "-in", path, "-passin", "pass:wrong", "-nodes", check=False).find("BEGIN CERTIFICATE") < 0


def test_key_handed_out_fits(rest):
    for key_type in ("p256", "rsa3072", "ed25519"):
        resource = rest.issued("cert_server", cn="key.example", key_type=key_type)
        key = serialization.load_pem_private_key(resource["attributes"]["private_key_pem"].encode(), None)
        certificate = support.load_cert(resource["attributes"]["pem"])
        spki = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        assert key.public_key().public_bytes(*spki) == certificate.public_key().public_bytes(*spki)
