#!/usr/bin/env python3
"""Makes attest/*: attestation statements, good ones and hostile ones, and what must become of each (expected.json). New keys at each run."""

import datetime
import hashlib
import json
import shutil
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "integration"))

import cbor2  # noqa: E402
from cryptography import x509  # noqa: E402
from cryptography.hazmat.primitives import hashes  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa  # noqa: E402

import attestation as at  # noqa: E402
from attestation import AIK, Issuer, attestation_object, module, packed, permanent, tpm  # noqa: E402

FOLDER = Path(__file__).resolve().parent / "attest"
KEY_AUTHORIZATION = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
DEVICE = "SN-0042"
DEVICES_PAST = datetime.datetime(2024, 2, 1)
EXPECTED = {}


def sample(label, octets, cause=None, device=DEVICE, key=None):
    """cause: what the error has to say; None: the statement is good, and about key."""
    assert label not in EXPECTED, label
    (FOLDER / f"{label}.cbor").write_bytes(octets)
    EXPECTED[label] = {"cause": cause, "device": device, "key": at.spki_digest(key).hex() if key else None}


ROOT, STRANGER = Issuer(), Issuer("Another Root")
MIDDLE = Issuer("Devices 1", below=ROOT)
P256, P384, P521 = (ec.generate_private_key(c()) for c in (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1))
RSA, ED = rsa.generate_private_key(65537, 2048), ed25519.Ed25519PrivateKey.generate()
AK, AK_RSA = ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)
NAMES = [permanent(DEVICE)]


def device_chain(key, issuer=MIDDLE, **more):
    return [issuer.certify(key.public_key(), **{"names": NAMES, "subject": [("CN", "device")], **more}), MIDDLE.der]


def ak_chain(key=AK, **more):
    return [MIDDLE.certify(key.public_key(), **{"names": NAMES, "eku": [AIK], "ca": False, **more}), MIDDLE.der]


def packed_good():
    for alg, key in (("ES256", P256), ("ES384", P384), ("ES512", P521), ("RS256", RSA), ("RS384", RSA), ("RS512", RSA), ("PS256", RSA), ("PS384", RSA),
                     ("PS512", RSA), ("EdDSA", ED)):
        sample(f"packed-{alg.lower()}", attestation_object(packed(key, device_chain(key), KEY_AUTHORIZATION, alg), "packed"), key=key.public_key())
    good = lambda chain: attestation_object(packed(P256, chain, KEY_AUTHORIZATION), "packed")  # noqa: E731
    key = P256.public_key()
    sample("packed-authdata", attestation_object(packed(P256, device_chain(P256), KEY_AUTHORIZATION), "packed", authData=bytes(37)), key=key)
    sample("packed-no-intermediate", good([ROOT.certify(key, names=NAMES)]), key=key)
    sample("packed-serial-of-subject", good(device_chain(P256, names=[], subject=[("CN", "d"), ("serialNumber", DEVICE)])), key=key)
    sample("packed-module", good(device_chain(P256, names=[module(DEVICE.encode())])), key=key)
    sample("packed-other-names", good(device_chain(P256, names=[x509.DNSName("a.example"), permanent("B-1"), permanent(DEVICE)])), key=key)
    sample("packed-assigner", good(device_chain(P256, names=[permanent(DEVICE, "1.3.6.1.4.1.99999")])), device=f"{DEVICE}/1.3.6.1.4.1.99999", key=key)
    sample("packed-value-of-subject", good(device_chain(P256, names=[permanent(None)], subject=[("serialNumber", DEVICE)])), key=key)
    sample("packed-utf8", good(device_chain(P256, names=[permanent("Gerät 7")])), device="Gerät 7", key=key)


def packed_bad():
    good = packed(P256, device_chain(P256), KEY_AUTHORIZATION)
    bad = lambda label, cause, chain, device=DEVICE, key=P256, alg="ES256": sample(  # noqa: E731
        f"packed-{label}", attestation_object(packed(key, chain, KEY_AUTHORIZATION, alg), "packed"), cause, device)
    sample("packed-other-challenge", attestation_object(packed(P256, good["x5c"], KEY_AUTHORIZATION[:-1] + "J"), "packed"), "signature is wrong")
    sample("packed-other-key", attestation_object(packed(AK, good["x5c"], KEY_AUTHORIZATION), "packed"), "signature is wrong")
    sample("packed-empty-signature", attestation_object({**good, "sig": b""}, "packed"), "signature is wrong")
    sample("packed-rs1", attestation_object({**packed(RSA, device_chain(RSA), KEY_AUTHORIZATION, "RS256"), "alg": -65535}, "packed"), "the algorithm -65535")
    sample("packed-alg-of-another-key", attestation_object({**good, "alg": -257}, "packed"), "doesn't sign with RS256")
    sample("packed-alg-es256k", attestation_object({**good, "alg": -47}, "packed"), "the algorithm -47")
    sample("packed-alg-hmac", attestation_object({**good, "alg": 5}, "packed"), "the algorithm 5")
    sample("packed-no-x5c", attestation_object({k: v for k, v in good.items() if k != "x5c"}, "packed"), "there is no x5c")
    sample("packed-empty-x5c", attestation_object({**good, "x5c": []}, "packed"), "1 to 8 certificates, not 0")
    sample("packed-nine-certificates", attestation_object({**good, "x5c": good["x5c"] * 5}, "packed"), "1 to 8 certificates, not 10")
    sample("packed-empty-certificate", attestation_object({**good, "x5c": [b""]}, "packed"), "empty or too large")
    sample("packed-certificate-and-more", attestation_object({**good, "x5c": [good["x5c"][0] + b"\0"]}, "packed"), "certificate 0 can't be taken")
    sample("packed-certificate-cut", attestation_object({**good, "x5c": [good["x5c"][0], good["x5c"][1][:-1]]}, "packed"), "certificate 1 can't be taken")
    sample("packed-with-members-of-tpm", attestation_object({**good, "ver": "2.0"}, "packed"), "alg, sig and x5c alone")
    sample("packed-unknown-member", attestation_object({**good, "ecdaaKeyId": b"a"}, "packed"), "ecdaaKeyId")
    bad("no-chain", "isn't among the trust anchors", device_chain(P256)[:1])
    bad("stranger", "isn't among the trust anchors", [STRANGER.certify(P256.public_key(), names=NAMES)])
    bad("stranger-and-root", "trust anchors", [STRANGER.certify(P256.public_key(), names=NAMES), STRANGER.der])
    same_name = Issuer("Devices Root")
    bad("root-of-that-name", "isn't good under the trust anchors", [same_name.certify(P256.public_key(), names=NAMES), same_name.der])
    bad("ca", "the first certificate is a CA's", device_chain(P256, ca=True))
    bad("usage", "lacks digitalSignature", device_chain(P256, usage="key_agreement"))
    bad("expired", "expired", device_chain(P256, until=DEVICES_PAST))
    bad("not-yet", "not yet valid", device_chain(P256, since=datetime.datetime(2120, 1, 1)))
    bad("critical-extension", "unhandled critical extension", device_chain(P256, more=[(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\5\0"), True)]))
    bad("empty-eku", "extended key usage is empty", device_chain(P256, eku=b"\x30\x00"))  # CVE-2026-40097
    bad("broken-eku", "extended key usage", device_chain(P256, eku=b"\x30\x02\x06\x00"))
    bad("eku-and-more", "extended key usage", device_chain(P256, eku=b"\x30\x03\x06\x01\x2a\x05\x00"))
    leaf = Issuer("Leaf", below=MIDDLE, ca=False)
    bad("issued-by-a-leaf", "CA", [leaf.certify(P256.public_key(), names=NAMES), leaf.der, MIDDLE.der])
    short = Issuer("Path 0", below=ROOT, path=0)
    below = Issuer("Below", below=short)
    bad("path-length", "path length", [below.certify(P256.public_key(), names=NAMES), below.der, short.der])
    rsa1024 = rsa.generate_private_key(65537, 1024)
    bad("rsa-1024", "certificate 0 can't be taken", device_chain(rsa1024), key=rsa1024, alg="RS256")
    p192 = ec.generate_private_key(ec.SECP192R1())
    bad("p192", "certificate 0 can't be taken", device_chain(p192), key=p192)
    bad("sha1-certificate", "too weak", device_chain(P256, hash_=hashes.SHA1()))


def packed_names():
    bad = lambda label, cause, device=DEVICE, **more: sample(  # noqa: E731
        f"packed-{label}", attestation_object(packed(P256, device_chain(P256, **more), KEY_AUTHORIZATION), "packed"), cause, device)
    bad("another-device", 'is for the device "SN-0043", not for "SN-0042"', names=[permanent("SN-0043")])
    bad("another-case", "not for", names=[permanent(DEVICE.lower())])
    bad("no-name", "names no device", names=[])
    bad("another-assigner", "not for", device=f"{DEVICE}/1.3.6.1.4.1.99999", names=[permanent(DEVICE, "1.3.6.1.4.1.99998")])
    bad("assigner-that-nobody-said", "not for", device=f"{DEVICE}/1.3.6.1.4.1.99999", names=[permanent(DEVICE)])
    bad("assigner-left-out", "not for", names=[permanent(DEVICE, "1.3.6.1.4.1.99999")])
    bad("slash", "slash", device=f"{DEVICE}/1.3.6.1.4.1.99999", names=[permanent(f"{DEVICE}/1.3.6.1.4.1.99999")])
    bad("nul", "control", names=[permanent(f"{DEVICE}\0")])
    bad("empty-value", "identifier", names=[permanent("")])
    bad("value-of-no-subject", "identifier", names=[permanent(None)])
    bad("two-serial-numbers", "two serial numbers", names=[], subject=[("serialNumber", "a"), ("serialNumber", DEVICE)])
    # The number of a module or a subject doesn't count beside a permanent identifier: two devices could have them alike.
    bad("module-beside", "not for", names=[permanent("SN-0043"), module(DEVICE.encode())])
    bad("subject-beside", "not for", names=[permanent("SN-0043")], subject=[("serialNumber", DEVICE)])
    bad("module-in-hexadecimal", "not for", device="0a1b", names=[module(b"\x30\x61\x31\x62\x21")])
    bad("module-octets", "attestation certificate's identifier", device="0a1b", names=[module(b"\x0a\x1b")])
    bad("broken-name", "permanentIdentifier", names=[x509.OtherName(at.PERMANENT_IDENTIFIER, b"\x0c\x01A")])
    bad("name-and-more", "permanentIdentifier", names=[x509.OtherName(at.PERMANENT_IDENTIFIER, b"\x30\x06\x0c\x01A\x0c\x01B")])
    for label, device in (("identifier-slash", "SN/1"), ("identifier-slashes", "SN/1.2.3/1.2.3"), ("identifier-zeros", "SN/1.2.03"), ("identifier-empty", "")):
        bad(label, "permanent-identifier", device=device)


def tpm_good():
    for alg, ak, key in (("ES256", AK, P256), ("ES384", P384, P384), ("ES512", P521, P521), ("RS256", AK_RSA, RSA), ("RS384", AK_RSA, RSA), ("RS512", AK_RSA, P256),
                         ("PS256", AK_RSA, RSA), ("PS384", AK_RSA, RSA), ("PS512", AK_RSA, RSA)):
        sample(f"tpm-{alg.lower()}", attestation_object(tpm(ak, ak_chain(ak), KEY_AUTHORIZATION, key.public_key(), alg)), key=key.public_key())
    key = P256.public_key()
    good = lambda **more: attestation_object(tpm(AK, ak_chain(), KEY_AUTHORIZATION, key, **more))  # noqa: E731
    sample("tpm-raw-signature", good(raw=True), key=key)
    sample("tpm-raw-signature-rsa", attestation_object(tpm(AK_RSA, ak_chain(AK_RSA), KEY_AUTHORIZATION, key, "RS256", raw=True)), key=key)
    sample("tpm-name-sha384", good(public={"name_alg": 384}), key=key)
    sample("tpm-policy", good(public={"policy": bytes(32)}), key=key)
    sample("tpm-scheme", good(public={"scheme": struct.pack(">HH", 0x18, 0x0b)}), key=key)
    sample("tpm-scheme-ecdaa", good(public={"scheme": struct.pack(">HHH", 0x1a, 0x0b, 1)}), key=key)
    sample("tpm-module", attestation_object(tpm(AK, ak_chain(names=[module(DEVICE.encode())]), KEY_AUTHORIZATION, key)), key=key)
    exponent = rsa.generate_private_key(3, 2048)
    sample("tpm-exponent-3", attestation_object(tpm(AK, ak_chain(), KEY_AUTHORIZATION, exponent.public_key())), key=exponent.public_key())
    while True:  # a coordinate that begins with a zero, which some leave out
        short = ec.generate_private_key(ec.SECP256R1())
        if short.public_key().public_numbers().x < 1 << 248:
            break
    sample("tpm-short-coordinate", attestation_object(tpm(AK, ak_chain(), KEY_AUTHORIZATION, short.public_key(), public={"pad": False})), key=short.public_key())


def tpm_bad():
    key = P256.public_key()
    bad = lambda label, cause, chain=None, public_key=key, **more: sample(  # noqa: E731
        f"tpm-{label}", attestation_object(tpm(AK, chain or ak_chain(), KEY_AUTHORIZATION, public_key, **more)), cause)
    area = at.tpmt_public(key)
    digest = hashlib.sha256(KEY_AUTHORIZATION.encode()).digest()
    bad("magic", "TPM_GENERATED_VALUE", attested={"magic": 0xff544348})
    bad("quote", "TPM_ST_ATTEST_CERTIFY", attested={"kind": 0x8018})
    bad("creation", "TPM_ST_ATTEST_CERTIFY", attested={"kind": 0x801a})
    bad("other-challenge", "extraData", attested={"extra_data": hashlib.sha256(b"another").digest()})
    bad("challenge-itself", "extraData", attested={"extra_data": KEY_AUTHORIZATION.encode()})
    bad("no-extra-data", "extraData", attested={"extra_data": b""})
    bad("extra-data-cut", "extraData", attested={"extra_data": digest[:31]})
    bad("extra-data-sha384", "extraData", attested={"extra_data": hashlib.sha384(KEY_AUTHORIZATION.encode()).digest()})
    bad("certinfo-and-more", "something follows", attested={"more": b"\0"})
    bad("safe-2", "something follows", attested={"safe": 2})
    bad("other-name", "another key", attested={"key_name": at.tpm_name(at.tpmt_public(AK.public_key()))})
    bad("name-without-algorithm", "another key", attested={"key_name": at.tpm_name(area)[2:]})
    bad("no-name", "another key", attested={"key_name": b""})
    bad("name-sha1", "nameAlg", public={"name_alg": 1})
    for label, bit in (("fixedTPM", at.FIXED_TPM), ("fixedParent", at.FIXED_PARENT), ("sensitiveDataOrigin", at.ORIGIN), ("sign", at.SIGN)):
        bad(f"no-{label.lower()}", label, public={"attributes": at.SIGNING_KEY & ~bit})
    bad("encryptedduplication", "encryptedDuplication", public={"attributes": at.SIGNING_KEY | at.ENCRYPTED_DUPLICATION})
    bad("no-eku", "2.23.133.8.3", chain=ak_chain(eku=None))
    bad("empty-eku", "extended key usage is empty", chain=ak_chain(eku=b"\x30\x00"))  # CVE-2026-40097
    bad("other-eku", "2.23.133.8.3", chain=ak_chain(eku=[x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH]))
    bad("eku-any", "2.23.133.8.3", chain=ak_chain(eku=[x509.oid.ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]))
    bad("ca", "the first certificate is a CA's", chain=ak_chain(ca=True))
    bad("serial-of-subject", "names no device", chain=ak_chain(names=[], subject=[("serialNumber", DEVICE)]))
    bad("another-device", "not for", chain=ak_chain(names=[permanent("SN-0043")]))
    bad("version", "2.0", ver="1.2")
    bad("alg-of-signature", "isn't made with", alg="ES256", sig=at.tpmt_signature(AK, "ES384", at.tpms_attest(digest, at.tpm_name(area))))
    statement = tpm(AK, ak_chain(), KEY_AUTHORIZATION, key)
    change = lambda label, cause, **more: sample(f"tpm-{label}", attestation_object({**statement, **more}), cause)  # noqa: E731
    change("eddsa", "doesn't sign with EdDSA", alg=-8)
    change("rs1", "the algorithm -65535", alg=-65535)
    change("wrong-signature", "signature is wrong", sig=at.tpmt_signature(P256, "ES256", statement["certInfo"]))
    change("signature-of-another", "signature is wrong", sig=at.tpmt_signature(AK, "ES256", statement["certInfo"] + b"\0"))
    change("signature-numbers", "signature is wrong", sig=struct.pack(">HHH", 0x18, 0x0b, 1) + b"\1" + struct.pack(">H", 1) + b"\1")
    change("signature-zero", "signature is wrong", sig=struct.pack(">HHH", 0x18, 0x0b, 1) + b"\0" + struct.pack(">H", 1) + b"\0")
    change("signature-no-numbers", "1 to 66 octets", sig=struct.pack(">HHHH", 0x18, 0x0b, 0, 0))
    change("signature-long-numbers", "1 to 66 octets", sig=struct.pack(">HHH", 0x18, 0x0b, 67) + b"\1" * 67 + struct.pack(">H", 1) + b"\1")
    change("other-area", "another key", pubArea=at.tpmt_public(AK.public_key()))
    change("tpm2b-public", "two octets more", pubArea=at.sized(area))
    change("area-and-more", "follow it", pubArea=area + b"\0")
    for label, areas in (("area", area), ("rsa-area", at.tpmt_public(RSA.public_key()))):
        for n in (0, 1, 3, 7, 9, 11, 15, 21, 23, len(areas) - 1):
            change(f"{label}-cut-{n}", "pubArea", pubArea=areas[:n])
    for n in (0, 3, 5, 7, 40, 80, 99, len(statement["certInfo"]) - 1):
        change(f"certinfo-cut-{n}", "certInfo", certInfo=statement["certInfo"][:n])
    keyed = area[:8] + b"\0\0"
    change("keyed-hash", "no TPMT_PUBLIC", pubArea=b"\0\x08" + area[2:])
    change("sm2", "a curve that isn't taken (0x0020)", pubArea=keyed + struct.pack(">HHHH", 0x10, 0x10, 0x20, 0x10) + at.sized(bytes(32)) * 2)
    change("long-coordinate", "longer than the curve's", pubArea=keyed + struct.pack(">HHHH", 0x10, 0x10, 3, 0x10) + at.sized(bytes(33)) * 2)
    off = keyed + struct.pack(">HHHH", 0x10, 0x10, 3, 0x10) + at.sized(b"\1" * 32) * 2
    bad("off-the-curve", "pubArea", pub_area=off)
    bad("infinity", "pubArea", pub_area=keyed + struct.pack(">HHHH", 0x10, 0x10, 3, 0x10) + at.sized(b"") * 2)
    rsa_head = b"\0\1" + area[2:8] + b"\0\0"
    parameters = lambda bits, e=0: rsa_head + struct.pack(">HHHI", 0x10, 0x10, bits, e)  # noqa: E731
    change("rsa-16384", "bits that it tells", pubArea=parameters(16384) + at.sized(b"\xff" * 2048))
    change("rsa-lies", "bits that it tells", pubArea=parameters(2048) + at.sized(b"\xff" * 255))
    change("rsa-zeros", "bits that it tells", pubArea=parameters(2048) + at.sized(b"\0" * 256))
    change("rsa-none", "bits that it tells", pubArea=parameters(0) + at.sized(b""))
    bad("rsa-exponent-even", "pubArea", pub_area=parameters(2048, 4) + at.sized(b"\xff" * 256))
    bad("rsa-1024", "pubArea: the signer's key is of a kind", public_key=rsa.generate_private_key(65537, 1024).public_key())
    for member in ("ver", "sig", "certInfo", "pubArea", "alg"):
        sample(f"tpm-without-{member.lower()}", attestation_object({k: v for k, v in statement.items() if k != member}), "attStmt has ver, alg")
    huge = rsa.RSAPublicNumbers(65537, (1 << 16384) - 1).public_key()  # nobody has its other half, nor needs it
    chain = [MIDDLE.certify(huge, names=NAMES, eku=[AIK]), MIDDLE.der]
    change("aik-of-16384-bits", "certificate 0 can't be taken", x5c=chain, alg=-257, sig=bytes(2048))
    odd = rsa.RSAPublicNumbers((1 << 2048) - 3, (1 << 2048) - 1).public_key()
    change("aik-with-long-exponent", "certificate 0 can't be taken", x5c=[MIDDLE.certify(odd, names=NAMES, eku=[AIK]), MIDDLE.der], alg=-257, sig=bytes(256))
    change("issuer-of-16384-bits", "certificate 1 can't be taken", x5c=[statement["x5c"][0], chain[0]])


def cbor_bad():
    statement = packed(P256, device_chain(P256), KEY_AUTHORIZATION)
    inner, good = cbor2.dumps(statement), attestation_object(statement, "packed")
    fmt = cbor2.dumps("fmt") + cbor2.dumps("packed")
    stmt = cbor2.dumps("attStmt") + inner
    for label, octets, cause in [
            ("empty", b"", "it ends where a map is wanted"), ("and-more", good + b"\0", "1 octets follow it"), ("twice", good + good, "follow it"),
            ("no-map", cbor2.dumps([1]), "a map is of another type"), ("text", cbor2.dumps("tpm"), "a map is of another type"),
            ("no-members", b"\xa0", "fmt or attStmt is missing"), ("no-fmt", b"\xa1" + stmt, "fmt or attStmt is missing"),
            ("no-statement", b"\xa1" + fmt, "fmt or attStmt is missing"), ("fmt-twice", b"\xa3" + fmt + fmt + stmt, "each once"),
            ("statement-twice", b"\xa3" + fmt + stmt + stmt, "each once"), ("unknown-member", b"\xa3" + fmt + stmt + cbor2.dumps("x") + b"\0", "each once"),
            ("number-as-name", b"\xa1\1\2", "a member's name is of another type"), ("indefinite-map", b"\xbf" + fmt + stmt + b"\xff", "without a definite length"),
            ("indefinite-statement", b"\xa2" + fmt + cbor2.dumps("attStmt") + b"\xbf" + inner[1:] + b"\xff", "without a definite length"),
            ("indefinite-text", b"\xa2" + cbor2.dumps("fmt") + b"\x7f\x66packed\xff" + stmt, "without a definite length"),
            ("indefinite-octets", b"\xa2" + fmt + cbor2.dumps("attStmt") + b"\xa1\x63sig\x5f\x41a\xff", "without a definite length"),
            ("indefinite-list", b"\xa2" + fmt + cbor2.dumps("attStmt") + b"\xa1\x63x5c\x9f\x41a\xff", "without a definite length"),
            ("tag", b"\xd9\xd9\xf7" + good, "of another type"), ("long-head", b"\xb8\x02" + fmt + stmt, "isn't the shortest"),
            ("long-length", b"\xa2" + cbor2.dumps("fmt") + b"\x78\x06packed" + stmt, "isn't the shortest"),
            ("long-number", b"\xa2" + fmt + cbor2.dumps("attStmt") + b"\xa1\x63alg\x38\x06", "isn't the shortest"),
            ("alg-twice", b"\xa2" + fmt + cbor2.dumps("attStmt") + b"\xa2\x63alg\x26\x63alg\x26", "alg comes twice"),
            ("x5c-twice", b"\xa2" + fmt + cbor2.dumps("attStmt") + b"\xa2\x63x5c\x81\x41a\x63x5c\x81\x41a", "x5c comes twice"),
            ("alg-bignum", b"\xa2" + fmt + cbor2.dumps("attStmt") + b"\xa1\x63alg\xc2\x49\1\0\0\0\0\0\0\0\0", "of another type"),
            ("alg-beyond", b"\xa2" + fmt + cbor2.dumps("attStmt") + b"\xa1\x63alg\x1b" + b"\xff" * 8, "of another type"),
            ("alg-float", b"\xa2" + fmt + cbor2.dumps("attStmt") + b"\xa1\x63alg\xf9\xc7\0", "of another type"),
            ("endless-map", b"\xbb" + b"\xff" * 8, "it ends"), ("endless-statement", b"\xa1" + cbor2.dumps("attStmt") + b"\xbb\x7f" + b"\xff" * 7, "it ends"),
            ("endless-list", b"\xa1" + cbor2.dumps("attStmt") + b"\xa1\x63x5c\x9b" + b"\xff" * 8, "1 to 8 certificates"),
            ("endless-octets", b"\xa1" + cbor2.dumps("attStmt") + b"\xa1\x63sig\x5b" + b"\xff" * 8, "cut off"),
            ("endless-name", b"\xa1\x7b" + b"\xff" * 8, "cut off"), ("nested", b"\xa1" + cbor2.dumps("attStmt") + b"\xa1\x63x5c" + b"\x81" * 50000, "of another type"),
            ("nested-maps", b"\xa1" * 50000, "of another type"), ("reserved", b"\xa1\x1c", "cut off or no CBOR"), ("break", b"\xff", "of another type"),
            ("null-statement", b"\xa2" + fmt + cbor2.dumps("attStmt") + b"\xf6", "attStmt is of another type"),
            ("format-none", cbor2.dumps({"fmt": "none", "attStmt": {}}), 'the format "none" isn\'t taken'),
            ("format-apple", cbor2.dumps({"fmt": "apple", "attStmt": {"x5c": [b"a"]}}), 'the format "apple" isn\'t taken'),
            ("format-case", attestation_object(statement, "Packed"), 'the format "Packed" isn\'t taken'),
            ("format-octets", attestation_object(statement, b"packed"), "fmt is of another type"),
            ("too-long", attestation_object({**statement, "sig": bytes(65536)}, "packed"), "over 65536 octets"), ("zeros", bytes(100), "of another type")]:
        sample(f"cbor-{label}", octets, cause)


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    (FOLDER / "anchor.der").write_bytes(ROOT.der)
    for make in (packed_good, packed_bad, packed_names, tpm_good, tpm_bad, cbor_bad):
        make()
    (FOLDER / "expected.json").write_text(json.dumps({"key_authorization": KEY_AUTHORIZATION, "samples": EXPECTED}, indent=1, ensure_ascii=False) + "\n")
    print(f"{len(EXPECTED)} samples", file=sys.stderr)


if __name__ == "__main__":
    main()
