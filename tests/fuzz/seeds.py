#!/usr/bin/env python3
"""Makes the seeds of the fuzz targets: small inputs that are good, so that a fuzzer starts behind the first check.

    tests/fuzz/seeds.py [target…]     writes tests/fuzz/corpus/<target>/seed-*

Keys and signatures differ from run to run; the files are committed, and the script is there to make them again when a format
changes. Inputs that once crashed lie beside them under other names and are never touched.
"""

import base64
import datetime
import ipaddress
import json
import os
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import pkcs7, pkcs12
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CORPUS = Path(__file__).resolve().parent / "corpus"
sys.path.insert(0, str(CORPUS.parent.parent / "integration"))  # scep.py
DER, PEM = serialization.Encoding.DER, serialization.Encoding.PEM


def key_of(kind):
    if kind == "rsa":
        return rsa.generate_private_key(65537, 2048)
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key({"p256": ec.SECP256R1(), "p384": ec.SECP384R1()}[kind])


def hash_of(kind):
    return None if kind == "ed25519" else hashes.SHA256()


def name(cn="seed.example"):
    return x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Müller & Co"),
                      x509.NameAttribute(NameOID.COMMON_NAME, cn)])


SAN = x509.SubjectAlternativeName([x509.DNSName("seed.example"), x509.IPAddress(ipaddress.ip_address("192.0.2.1")),
                                   x509.IPAddress(ipaddress.ip_address("2001:db8::1")), x509.RFC822Name("a@seed.example"),
                                   x509.UniformResourceIdentifier("urn:device:1")])


def csrs():
    for kind in ("p256", "p384", "rsa", "ed25519"):
        yield kind, (x509.CertificateSigningRequestBuilder().subject_name(name())
                     .add_extension(SAN, critical=False).sign(key_of(kind), hash_of(kind)))
    many = (x509.CertificateSigningRequestBuilder().subject_name(name("all.example"))
            .add_attribute(x509.ObjectIdentifier("1.2.840.113549.1.9.7"), b"challenge")
            .add_extension(x509.BasicConstraints(False, None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.KeyUsage(True, False, False, False, False, False, False, False, False), critical=True))
    yield "attributes", many.sign(key_of("p256"), hashes.SHA256())
    yield "bare", x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key_of("p256"), hashes.SHA256())


def certificate(kind="p256", ca=False):
    return signer(kind, ca)[0]


def signer(kind="p256", ca=False):
    key, now = key_of(kind), datetime.datetime(2026, 1, 1)
    builder = (x509.CertificateBuilder().subject_name(name()).issuer_name(name("issuer.example")).public_key(key.public_key())
               .serial_number(x509.random_serial_number()).not_valid_before(now)
               .not_valid_after(now + datetime.timedelta(days=365 * (30 if ca else 1)))
               .add_extension(x509.BasicConstraints(ca, None), critical=True)
               .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
               .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False))
    if not ca:
        builder = builder.add_extension(SAN, critical=False).add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    return builder.sign(key, hash_of(kind)), key


def varint(n):
    out = b""
    while True:
        out += bytes([n & 0x7f | (0x80 if n > 0x7f else 0)])
        n >>= 7
        if not n:
            return out


def message(*fields):
    """A protobuf message; fields: (number, bytes, str or int)."""
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += varint(number << 3) + varint(value)
        else:
            value = value.encode() if isinstance(value, str) else value
            out += varint(number << 3 | 2) + varint(len(value)) + value
    return out


def frame(payload):
    return len(payload).to_bytes(4, "big") + payload


def requestor():
    return message((1, 1), (2, 7), (3, "admin"), (4, "administrator"), (5, "token"), (6, "rest"), (7, "0123456789abcdef"))


def seeds_engine_message():
    csr = next(csrs())[1].public_bytes(DER)
    issue = message((1, requestor()), (2, "server"), (3, "issuing"), (4, csr), (6, message((1, "CN"), (2, "seed.example"))),
                    (7, message((2, "seed.example"))), (7, message((1, 1), (2, "192.0.2.1"))), (8, 365), (9, bytes(range(32))),
                    (10, bytes(32)), (11, 600))
    bare = message((1, requestor()), (2, "device"), (5, "p256"), (6, message((1, "CN"), (2, "x"))), (12, "secret"))
    yield "issue-csr", frame(message((1, issue)))
    yield "issue-key", frame(message((1, bare)))
    yield "revoke", frame(message((2, message((1, requestor()), (2, 42), (3, 1)))))
    yield "jobs", b"".join(frame(message((n, message((1, 1))))) for n in (3, 4)) + frame(message((5, b""))) + frame(message((6, b"")))


def seeds_csr():
    for kind, csr in csrs():
        yield kind, csr.public_bytes(DER)
    other = [x509.OtherName(x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3"), b"\x0c\x0da@example.com"),
             x509.OtherName(x509.ObjectIdentifier("1.3.6.1.5.5.7.8.4"), bytes.fromhex("300c06062a030405060704020a1b")),
             x509.RegisteredID(x509.ObjectIdentifier("1.3.6.1.4.1.99999.8"))]
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateSigningRequestBuilder().subject_name(name()).add_extension(x509.SubjectAlternativeName(other), critical=False)
    yield "other-names", builder.sign(key, hashes.SHA256()).public_bytes(DER)


def seeds_cert():
    for kind in ("p256", "rsa", "ed25519"):
        yield kind, certificate(kind).public_bytes(DER)
    ca = certificate(ca=True)
    yield "ca", ca.public_bytes(DER)
    yield "tbs", ca.tbs_certificate_bytes
    yield "name", name().public_bytes()


def seeds_der():
    yield "cert", certificate().public_bytes(DER)
    yield "values", bytes.fromhex("3020 0101ff 02020080 0603551d0e 0303000102 170d3236303130313030303030305a 0500".replace(" ", ""))[:34]
    yield "time", bytes.fromhex("180f") + b"20500101000000Z"


def seeds_pem():
    csr = next(csrs())[1]
    pem = csr.public_bytes(PEM)
    yield "csr", pem
    yield "new", pem.replace(b" CERTIFICATE", b" NEW CERTIFICATE").replace(b"\n", b"\r\n")
    yield "line", base64.b64encode(csr.public_bytes(DER))
    yield "wrapped", base64.encodebytes(csr.public_bytes(DER))


def seeds_est_body():
    csr = next(csrs())[1]
    yield "line", base64.b64encode(csr.public_bytes(DER))
    yield "wrapped", base64.encodebytes(csr.public_bytes(DER)).replace(b"\n", b"\r\n")
    yield "pem", csr.public_bytes(PEM)
    # SMIMECapabilities as they stand in a CSR: AES-256-CBC, id-aes256-wrap, RSAES-OAEP with SHA-256, dhSinglePass-stdDH-sha384kdf-scheme
    yield "capabilities", bytes.fromhex(
        "3062300b060960864801650304012a300b060960864801650304012d303c06092a864886f70d010107302fa00f300d06096086480165030402010500"
        "a11c301a06092a864886f70d010108300d06096086480165030402010500300806062b8104010b02")


def cmc_client():
    """The client of the integration tests, which needs asn1crypto."""
    sys.path.insert(0, str(CORPUS.parent.parent / "integration"))
    import cmc
    return cmc


def seeds_crmf():
    cmc = cmc_client()
    for kind in ("p256", "rsa", "ed25519"):
        yield kind, cmc.crmf("seed.example", key_of(kind), names=["seed.example"]).chosen.untag().dump()
    yield "ra-verified", cmc.crmf("seed.example", key_of("p256"), proof="ra_verified").chosen.untag().dump()


def seeds_cmc():
    from asn1crypto import core
    cmc = cmc_client()
    cert, key = signer()
    csr = next(csrs())[1].public_bytes(DER)
    controls = [cmc.control(2, cmc.TRANSACTION_ID, core.Integer(4711)), cmc.control(3, cmc.SENDER_NONCE, core.OctetString(b"n" * 16)),
                cmc.control(4, cmc.DATA_RETURN, core.OctetString(b"data")), cmc.control(5, cmc.REG_INFO, core.OctetString(b"line 7"))]
    for name_, request in (("pkcs10", cmc.pkcs10(csr)), ("crmf", cmc.crmf("seed.example", key_of("p256"), names=["seed.example"]))):
        data = cmc.pki_data(request, controls=controls)
        yield f"content-{name_}", data
        yield f"signed-{name_}", cmc.signed(data, cert, key)
        yield f"base64-{name_}", base64.b64encode(cmc.signed(data, cert, key))
    yield "unsigned", cmc.signed(cmc.pki_data(cmc.pkcs10(csr)), None, None)
    yield "two", cmc.signed(cmc.pki_data(cmc.pkcs10(csr), cmc.pkcs10(csr, 2)), cert, key)
    yield "nested", cmc.signed(cmc.pki_data(cmc.pkcs10(csr), nested=[core.Any.load(cmc.signed(b"x", cert, key))]), cert, key)


def seeds_ocsp_request():
    cert = certificate(ca=True)
    for label, algorithm in (("sha1", hashes.SHA1()), ("sha256", hashes.SHA256())):
        builder = ocsp.OCSPRequestBuilder().add_certificate(cert, cert, algorithm)
        yield label, builder.build().public_bytes(DER)
        yield label + "-nonce", builder.add_extension(x509.OCSPNonce(bytes(range(32))), critical=False).build().public_bytes(DER)


def seeds_import():
    key, cert = key_of("p256"), certificate()
    now = datetime.datetime(2026, 1, 1)
    own = (x509.CertificateBuilder().subject_name(name()).issuer_name(name()).public_key(key.public_key()).serial_number(7).not_valid_before(now)
           .not_valid_after(now + datetime.timedelta(days=9)).sign(key, hashes.SHA256()))
    crl = (x509.CertificateRevocationListBuilder().issuer_name(name()).last_update(now).next_update(now + datetime.timedelta(days=9))
           .add_extension(x509.CRLNumber(7), False)
           .add_revoked_certificate(x509.RevokedCertificateBuilder().serial_number(5).revocation_date(now)
                                    .add_extension(x509.CRLReason(x509.ReasonFlags.key_compromise), False).build()).sign(key, hashes.SHA256()))
    # no private keys: the repository has none, not even of tests
    yield "cert", cert.public_bytes(DER)
    yield "crl", crl.public_bytes(DER)
    yield "pem", cert.public_bytes(PEM) + crl.public_bytes(PEM)
    yield "pkcs12", pkcs12.serialize_key_and_certificates(b"x", None, own, [cert], serialization.BestAvailableEncryption(b"secret"))
    yield "pkcs7", pkcs7.serialize_certificates([cert, own], DER)


def seeds_passwords():
    yield "comma", b'file,password\r\nroot.key,secret\r\n"a, b.p12","x""y"\r\n*,any\r\n'
    yield "semicolon", "\ufeffDatei.p12;Pässwort\n".encode()
    yield "open", b'a,"b\n'


def seeds_config():
    yield "full", b"[instance]\nname = plant-1\n[database]\nhost = /run/postgresql\nport = 5432\n[ca]\nworkers = 2\npin_file = /etc/pin\n"
    yield "comments", b"; a comment\n# another\n[log]\nlevel=debug ; behind\n\n[va]\nthreads: 4\n"
    yield "unknown", b"[no such section]\nkey = value\n"
    yield "twice", b"[log]\nlevel = info\nlevel = debug\n"


def seeds_profile():
    for path in sorted((CORPUS.parent.parent.parent / "ca" / "profiles").glob("*.json")):
        yield path.stem, json.dumps(json.loads(path.read_text())["definition"], indent=1).encode()
    yield "everything", json.dumps({
        "internal": True, "ca": True, "path_length": 1, "hours": 5, "max_minutes": 600, "keys": ["rsa>=3072", "p256"], "key_origin": "any",
        "key_usage": ["keyCertSign"], "extended_key_usage": ["1.2.3.4", "serverAuth"], "extended_key_usage_critical": True,
        "subject_required": ["CN"], "subject_fixed": {"O": "Example"}, "subject_defaults": {"OU": "A"}, "subject_order": ["C", "O"],
        "subject_rules": {"CN": {"min": 1, "max": 9, "characters": "A-Z", "one_of": ["A"]}}, "names_allowed": ["dns", "ip", "uri", "upn"],
        "names_required": ["dns"], "names_max": {"dns": 3}, "names_within": {"dns": ["a.example"], "ip": ["10.0.0.0/8"], "uri": ["urn:a:"]},
        "policies": ["1.2.3", {"oid": "2.5.29.32.0", "cps": "https://a.example"}], "policy_constraints": {"require_explicit": 0},
        "inhibit_any_policy": 1, "name_constraints": {"permitted": {"dns": ["a.example"]}, "excluded": {"ip": ["::/0"]}},
        "extensions": [{"oid": "1.2.3.5", "critical": True, "value": "0500"}], "renew": {"allowed": False}, "metadata": {"a": "b"}}).encode()


def seeds_constraints():
    """Values of nameConstraints: one subtree of each kind on either side."""
    def tlv(tag, content):
        assert len(content) < 128
        return bytes([tag, len(content)]) + content
    bases = {"dns": tlv(0x82, b"example.com"), "all-dns": tlv(0x82, b""), "mailbox": tlv(0x81, b"a@x.example.com"), "mail": tlv(0x81, b".example.com"),
             "uri": tlv(0x86, b".example.com"), "ip": tlv(0x87, bytes([10, 0, 0, 0, 255, 0, 0, 0])), "ip6": tlv(0x87, bytes(32)),
             "directory": tlv(0xa4, tlv(0x30, tlv(0x31, tlv(0x30, b"\x06\x03\x55\x04\x03" + tlv(0x0c, b"a"))))), "rid": tlv(0x88, b"\x2a\x03"),
             "other": tlv(0xa0, b"\x06\x02\x2a\x03" + tlv(0xa0, b"\x05\x00")), "x400": tlv(0xa3, b"\x30\x00")}
    for label, base in bases.items():
        tree = tlv(0x30, base)
        yield f"permitted-{label}", tlv(0x30, tlv(0xa0, tree))
        yield f"excluded-{label}", tlv(0x30, tlv(0xa1, tree))
    yield "both", tlv(0x30, tlv(0xa0, tlv(0x30, bases["dns"]) + tlv(0x30, bases["ip"])) + tlv(0xa1, tlv(0x30, bases["mail"])))
    yield "minimum", tlv(0x30, tlv(0xa0, tlv(0x30, bases["dns"] + tlv(0x80, b"\x01"))))


def seeds_scep_message():
    """Messages whose envelopes are under the key that the target decrypts with, and the files of the reader's tests."""
    import scep
    key, signing = b"0123456789abcdef0123456789abcdef", scep.rsa_key()
    signer = scep.self_signed("seed.example", signing)
    csr = scep.csr_of("seed.example", signing, "challenge").public_bytes(DER)
    for kind, content in ((19, csr), (17, csr), (20, scep.seq(signer.issuer.public_bytes(), signer.subject.public_bytes())), (22, scep.issuer_and_serial(signer))):
        envelope = scep.enveloped(content, [scep.key_recipient(signer, key)], key)
        yield f"type-{kind}", scep.signed(envelope, signer, signing, scep.scep_attributes("0" * 32, kind, bytes(16)))
    yield "password", scep.enveloped(csr, [scep.password_recipient("secret", key)], key, version=3)
    for path in sorted((CORPUS.parent.parent / "data" / "cms").glob("*-good-*.der")):
        yield path.stem, path.read_bytes()


def seeds_scep_content():
    import scep
    for number, (label, csr) in enumerate(csrs()):
        yield f"csr-{label}", bytes([number % 2]) + csr.public_bytes(DER)
    yield "challenge", b"\0" + scep.csr_of("seed.example", key_of("p256"), "challenge", ["seed.example"], "4711").public_bytes(DER)
    names = name().public_bytes()
    yield "names", b"\2" + scep.seq(names, names)
    yield "serial", b"\3" + scep.seq(names, scep.integer(4711))
    yield "crl", b"\4" + scep.seq(names, scep.integer(1 << 150))


def seeds_jws():
    import acme  # pylint: disable=import-outside-toplevel
    url = "https://ca.example/acme/x/new-account"
    for kind in ("p256", "rsa", "ed25519"):
        key = key_of(kind)
        header = {"alg": acme.algorithm(key), "nonce": "bm9uY2U", "url": url, "jwk": acme.jwk(key)}
        yield kind, json.dumps(acme.jws(header, {"termsOfServiceAgreed": True}, lambda data, k=key: acme.sign(k, data))).encode()
    key = key_of("p256")
    header = {"alg": "ES256", "nonce": "bm9uY2U", "url": url, "kid": "https://ca.example/acme/x/acct/1"}
    yield "kid", json.dumps(acme.jws(header, None, lambda data: acme.sign(key, data))).encode()
    yield "external", json.dumps(acme.binding(b"secret", "kid-1", key, url)).encode()


def seeds_acme_payload():
    for kind, csr in csrs():
        yield f"csr-{kind}", csr.public_bytes(DER)
    yield "order", json.dumps({"identifiers": [{"type": "dns", "value": "*.a.example"}, {"type": "dns", "value": "A.Example"}, {"type": "ip", "value": "2001:db8::1"},
                                               {"type": "permanent-identifier", "value": "SN-1/1.3.6.1.4.1.99999"}], "profile": "server"}).encode()


def seeds_acme_account():
    import acme  # pylint: disable=import-outside-toplevel
    url, account = "https://ca.example/acme/x/new-account", "https://ca.example/acme/x/acct/1"
    old, key = key_of("p256"), key_of("ed25519")
    header = {"alg": acme.algorithm(key), "url": url, "jwk": acme.jwk(key)}
    leaf = x509.CertificateBuilder(name("CA"), name(), key.public_key(), 4711, datetime.datetime(2026, 1, 1), datetime.datetime(2036, 1, 1)).sign(key, None)
    attested = (CORPUS.parent.parent / "data" / "attest" / "packed-es256.cbor").read_bytes()
    for label, payload in (("contacts", {"contact": ["mailto:admin@a.example", "MAILTO:b@xn--mller-kva.example"], "termsOfServiceAgreed": True}),
                           ("contact-scheme", {"contact": ["tel:+4930123456"]}), ("contact-headers", {"contact": ["mailto:a@a.example?subject=x"]}),
                           ("external", {"externalAccountBinding": acme.binding(b"secret", "kid-1", old, url)}),
                           ("key-change", acme.jws(header, {"account": account, "oldKey": acme.jwk(old)}, lambda data: acme.sign(key, data))),
                           ("revoke", {"certificate": acme.b64(leaf.public_bytes(DER)), "reason": 4}), ("revoke-reason", {"certificate": "MAA", "reason": 6}),
                           ("attestation", {"attObj": acme.b64(attested)})):
        yield label, json.dumps(payload).encode()


def seeds_attest():
    import cbor2
    folder = CORPUS.parent.parent / "data" / "attest"
    for label in ("packed-es256", "packed-rs256", "packed-eddsa", "packed-authdata", "packed-module", "packed-value-of-subject", "packed-other-names", "packed-assigner",
                  "packed-empty-eku", "packed-two-serial-numbers", "tpm-es256", "tpm-rs256", "tpm-ps384", "tpm-raw-signature", "tpm-scheme-ecdaa", "tpm-empty-eku",
                  "tpm-policy", "cbor-indefinite-list", "cbor-endless-list", "cbor-long-length", "cbor-tag"):
        yield label, (folder / f"{label}.cbor").read_bytes()
    for label in ("tpm-es256", "tpm-rs256", "tpm-scheme"):
        statement = cbor2.loads((folder / f"{label}.cbor").read_bytes())["attStmt"]
        for part in ("certInfo", "pubArea", "sig"):
            yield f"{label}-{part.lower()}", statement[part]


def seeds_acme_certid():
    yield "rfc9773", b"aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"
    yield "without-sign", b"aYhba4dGQEHhs3uEe6CuLN4ByNQ.EjRWeA"
    yield "negative", b"aYhba4dGQEHhs3uEe6CuLN4ByNQ.h2VDIQ"
    yield "zero-in-front", b"aYhba4dGQEHhs3uEe6CuLN4ByNQ.ABI"
    yield "padded", b"aYhba4dGQEHhs3uEe6CuLN4ByNQ=.AIdlQyE="


def seeds_caa():
    def record(flags, tag, value):
        rdata = bytes([flags, len(tag)]) + tag + value
        return bytes([len(rdata)]) + rdata
    yield "set", record(0, b"issue", b"ca.example; accounturi=https://ca.example/acct/1") + record(0, b"issuewild", b";") + record(0, b"iodef", b"mailto:a@b")
    yield "methods", record(128, b"issue", b" ca.example ; validationmethods=dns-01,http-01; x-y=z")
    yield "critical", record(128, b"unknown", b"x")


def seeds_alpn_cert():
    for label, san in (("name", x509.DNSName("a.example")), ("address", x509.IPAddress(ipaddress.ip_address("127.0.0.1")))):
        key = key_of("p256")
        begin = datetime.datetime(2026, 1, 1)
        yield label, (x509.CertificateBuilder(name(), name(), key.public_key(), 5, begin, begin + datetime.timedelta(days=7))
                      .add_extension(x509.SubjectAlternativeName([san]), False)
                      .add_extension(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.5.5.7.1.31"), b"\x04\x20" + bytes(32)), True)
                      .sign(key, hashes.SHA256())).public_bytes(DER)


def seeds_probe_message():
    from names import Probe, encode_task  # pylint: disable=import-outside-toplevel
    task = encode_task(kind=2, identifier="dns:a.example", token=Probe.token, thumbprint=Probe.thumbprint, account_url=Probe.account,
                       networks=["10.0.0.0/8"], wildcard=True, caa_identities=["ca.example"], method="dns-01", deadline_ms=10000, request_id="x")
    finding = b"\x08\x01\x12\x03dns\x1a\x04text\x22\x03one\x22\x03two\x2a\x0810.0.0.5\x30\x01"
    for label, message in (("task", task), ("finding", finding)):
        yield label, len(message).to_bytes(4, "big") + message


SEEDS = {label[len("seeds_"):]: make for label, make in list(globals().items()) if label.startswith("seeds_")}


def main():
    for target in sys.argv[1:] or SEEDS:
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        for label, data in SEEDS[target]():
            (folder / f"seed-{label}").write_bytes(data)
    total = sum(p.stat().st_size for p in CORPUS.rglob("*") if p.is_file())
    print(f"{total} bytes in all", file=sys.stderr)


if __name__ == "__main__":
    os.umask(0o022)
    main()
