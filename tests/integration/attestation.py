"""Attestation statements of our own making: a manufacturer's CA, devices with a key and a certificate of it ("packed"), and TPMs in software that write
what a TPM writes ("tpm"). Each part can be given as it shouldn't be. The real thing, swtpm, is in test_acme_attest.py."""

import datetime
import hashlib
import struct

import cbor2
from asn1crypto import core
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.x509.oid import NameOID

DER = serialization.Encoding.DER
PERMANENT_IDENTIFIER = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.3")
HARDWARE_MODULE = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.4")
AIK = x509.ObjectIdentifier("2.23.133.8.3")
EKU = x509.ObjectIdentifier("2.5.29.37")
FROM, TO = datetime.datetime(2024, 1, 1), datetime.datetime(2124, 1, 1)
SHA = {256: hashes.SHA256(), 384: hashes.SHA384(), 512: hashes.SHA512(), 1: hashes.SHA1()}
ALGORITHMS = {"ES256": (-7, 256), "ES384": (-35, 384), "ES512": (-36, 512), "RS256": (-257, 256), "RS384": (-258, 384), "RS512": (-259, 512),
              "PS256": (-37, 256), "PS384": (-38, 384), "PS512": (-39, 512), "EdDSA": (-8, 0), "RS1": (-65535, 1)}
TPM_HASH = {1: 0x0004, 256: 0x000b, 384: 0x000c, 512: 0x000d}
TPM_CURVE = {"secp256r1": (3, 32), "secp384r1": (4, 48), "secp521r1": (5, 66)}
FIXED_TPM, FIXED_PARENT, ORIGIN, USER, ENCRYPTED_DUPLICATION, RESTRICTED, DECRYPT, SIGN = (1 << n for n in (1, 4, 5, 6, 11, 16, 17, 18))
SIGNING_KEY = FIXED_TPM | FIXED_PARENT | ORIGIN | USER | SIGN


class PermanentIdentifier(core.Sequence):
    """RFC 4043 2, by another parser than ours."""

    _fields = [("identifier_value", core.UTF8String, {"optional": True}), ("assigner", core.ObjectIdentifier, {"optional": True})]


class HardwareModuleName(core.Sequence):
    """RFC 4108 5."""

    _fields = [("hw_type", core.ObjectIdentifier), ("hw_serial_num", core.OctetString)]


def permanent(value, assigner=None):
    fields = {k: v for k, v in (("identifier_value", value), ("assigner", assigner)) if v is not None}
    return x509.OtherName(PERMANENT_IDENTIFIER, PermanentIdentifier(fields).dump() if fields else b"\x30\x00")


def module(serial, kind="1.3.6.1.4.1.99999.7"):
    return x509.OtherName(HARDWARE_MODULE, HardwareModuleName({"hw_type": kind, "hw_serial_num": serial}).dump())


def name(*parts):
    types = {"CN": NameOID.COMMON_NAME, "serialNumber": NameOID.SERIAL_NUMBER, "O": NameOID.ORGANIZATION_NAME}
    return x509.Name([x509.NameAttribute(types[t], v) for t, v in parts])


def hash_for(key, hash_=hashes.SHA256()):
    return None if isinstance(key, ed25519.Ed25519PrivateKey) else hash_


class Issuer:
    """A CA of a manufacturer. below=another one."""

    def __init__(self, common_name="Devices Root", below=None, key=None, ca=True, hash_=hashes.SHA256(), path=None):
        self.key, self.subject = key or ec.generate_private_key(ec.SECP256R1()), name(("CN", common_name))
        issuer = below or self
        builder = (x509.CertificateBuilder().subject_name(self.subject).issuer_name(issuer.subject).public_key(self.key.public_key())
                   .serial_number(x509.random_serial_number()).not_valid_before(FROM).not_valid_after(TO)
                   .add_extension(x509.BasicConstraints(ca, path if ca else None), critical=True))
        self.certificate = builder.sign(issuer.key, hash_for(issuer.key, hash_))

    @property
    def der(self):
        return self.certificate.public_bytes(DER)

    def certify(self, public_key, names=(), subject=(), eku=None, usage=None, ca=None, until=TO, since=FROM, more=(), hash_=hashes.SHA256()):
        """An attestation certificate (DER). eku: a list of purposes, or octets as they are to stand there."""
        builder = (x509.CertificateBuilder().subject_name(name(*subject)).issuer_name(self.subject).public_key(public_key)
                   .serial_number(x509.random_serial_number()).not_valid_before(since).not_valid_after(until))
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(list(names)), critical=not subject)
        if isinstance(eku, bytes):
            builder = builder.add_extension(x509.UnrecognizedExtension(EKU, eku), critical=False)
        elif eku is not None:
            builder = builder.add_extension(x509.ExtendedKeyUsage(eku), critical=False)
        if usage:
            fields = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign",
                      "encipher_only", "decipher_only")
            builder = builder.add_extension(x509.KeyUsage(**{f: f == usage for f in fields}), critical=True)
        if ca is not None:
            builder = builder.add_extension(x509.BasicConstraints(ca, None), critical=True)
        for extension, critical in more:
            builder = builder.add_extension(extension, critical=critical)
        return builder.sign(self.key, hash_for(self.key, hash_)).public_bytes(DER)


def sign(key, alg, data):
    """As COSE's algorithm of that name says (RFC 9053, 8812)."""
    bits = ALGORITHMS[alg][1]
    if alg == "EdDSA":
        return key.sign(data)
    if alg.startswith("ES"):
        return key.sign(data, ec.ECDSA(SHA[bits]))
    if alg.startswith("PS"):
        return key.sign(data, padding.PSS(padding.MGF1(SHA[bits]), SHA[bits].digest_size), SHA[bits])
    return key.sign(data, padding.PKCS1v15(), SHA[bits])


def attestation_object(statement, fmt="tpm", **more):
    return cbor2.dumps({"fmt": fmt, "attStmt": statement, **more})


def packed(key, chain, key_authorization, alg="ES256", **changes):
    """attStmt of a device that signs the key authorization with the key of its certificate."""
    return {"alg": ALGORITHMS[alg][0], "sig": sign(key, alg, key_authorization.encode()), "x5c": list(chain), **changes}


def sized(octets):
    return struct.pack(">H", len(octets)) + octets


def tpmt_public(public_key, attributes=SIGNING_KEY, name_alg=256, policy=b"", scheme=None, pad=True):
    """TPMT_PUBLIC (TPM 2.0 part 2, 12.2.4) of a key."""
    head = struct.pack(">HHI", 1 if isinstance(public_key, rsa.RSAPublicKey) else 0x23, TPM_HASH[name_alg], attributes) + sized(policy)
    scheme = scheme if scheme is not None else struct.pack(">H", 0x10)
    numbers = public_key.public_numbers()
    if isinstance(public_key, rsa.RSAPublicKey):
        bits = public_key.key_size
        return head + struct.pack(">H", 0x10) + scheme + struct.pack(">HI", bits, 0 if numbers.e == 65537 else numbers.e) + sized(numbers.n.to_bytes(bits // 8, "big"))
    curve, octets = TPM_CURVE[public_key.curve.name]
    x, y = (n.to_bytes(octets if pad else (n.bit_length() + 7) // 8, "big") for n in (numbers.x, numbers.y))
    return head + struct.pack(">H", 0x10) + scheme + struct.pack(">HH", curve, 0x10) + sized(x) + sized(y)


def tpm_name(pub_area):
    """TPM 2.0 part 1, 16: nameAlg and the digest by it."""
    algorithm = {v: f"sha{k}" for k, v in TPM_HASH.items()}[struct.unpack(">H", pub_area[2:4])[0]]
    return pub_area[2:4] + hashlib.new(algorithm, pub_area).digest()


def tpms_attest(extra_data, key_name, magic=0xff544347, kind=0x8017, safe=1, more=b""):
    """TPMS_ATTEST (10.12.8) of a TPM2_Certify."""
    return (struct.pack(">IH", magic, kind) + sized(b"\x00\x0b" + bytes(32)) + sized(extra_data) + struct.pack(">QIIBQ", 4711, 1, 2, safe, 0x20240125_00120000)
            + sized(key_name) + sized(b"\x00\x0b" + bytes(32)) + more)


def tpmt_signature(key, alg, data):
    """TPMT_SIGNATURE (11.3.4)."""
    scheme = {"RS": 0x14, "PS": 0x16, "ES": 0x18}[alg[:2]]
    head, octets = struct.pack(">HH", scheme, TPM_HASH[ALGORITHMS[alg][1]]), sign(key, alg, data)
    if scheme != 0x18:
        return head + sized(octets)
    length = (key.curve.key_size + 7) // 8
    return head + b"".join(sized(n.to_bytes(length, "big")) for n in utils.decode_dss_signature(octets))


def tpm(aik, chain, key_authorization, public_key, alg="ES256", raw=False, **changes):
    """attStmt of a TPM in software. changes: parts of the statement; attested="…": arguments of tpms_attest(); public="…": of tpmt_public()."""
    pub_area = changes.pop("pub_area", None) or tpmt_public(public_key, **changes.pop("public", {}))
    digest = hashlib.new(f"sha{ALGORITHMS[alg][1]}", key_authorization.encode()).digest()
    cert_info = changes.pop("cert_info", None) or tpms_attest(**{"extra_data": digest, "key_name": tpm_name(pub_area), **changes.pop("attested", {})})
    return {"ver": "2.0", "alg": ALGORITHMS[alg][0], "x5c": list(chain), "sig": (sign if raw else tpmt_signature)(aik, alg, cert_info), "certInfo": cert_info,
            "pubArea": pub_area, **changes}


def spki_digest(public_key):
    return hashlib.sha256(public_key.public_bytes(DER, serialization.PublicFormat.SubjectPublicKeyInfo)).digest()
