#!/usr/bin/env python3
"""Makes cms/*.der: SignedData and EnvelopedData, good ones and hostile ones. README.md says what the names mean."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "integration"))

from cryptography import x509  # noqa: E402
from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402

import scep  # noqa: E402
import support  # noqa: E402
from scep import attribute, enveloped, integer, key_recipient, octets, oid, printable, seq, set_of, tlv  # noqa: E402

FOLDER = Path(__file__).resolve().parent / "cms"
DER = serialization.Encoding.DER
CONTENT = b"content"
KEY = scep.rsa_key()
SIGNER = scep.self_signed("signer.example", KEY)
OTHER = scep.self_signed("other.example", scep.rsa_key(2048, "b"))
ATTRIBUTES = scep.scep_attributes("0123456789abcdef", 19, bytes(16))


def content_key(n):
    """The key that the tests decrypt with."""
    return bytes(range(n))


def wrapped(inner, kind=scep.SIGNED_DATA):
    return seq(kind, tlv(0xa0, inner))


def signer_info(attributes=None, digest=None, algorithm=None, signature=None, identifier=None, version=1, more=b""):
    every = sorted([attribute("1.2.840.113549.1.9.3", scep.DATA), attribute("1.2.840.113549.1.9.4", octets(scep.hashlib.sha256(CONTENT).digest())),
                    *ATTRIBUTES]) if attributes is None else attributes
    joined = b"".join(every)
    return seq(integer(version), identifier if identifier is not None else scep.issuer_and_serial(SIGNER),
               digest or seq(oid(scep.DIGESTS["sha256"]), scep.NULL), tlv(0xa0, joined), algorithm or scep.RSA_ENCRYPTION,
               octets(signature if signature is not None else scep.sign(KEY, "sha256", tlv(0x31, joined))), more)


def signed_data(infos=None, certificates=None, content=CONTENT, version=1, digests=None, more=b""):
    inner = seq(scep.DATA, tlv(0xa0, octets(content))) if content is not None else seq(scep.DATA)
    certificates = tlv(0xa0, SIGNER.public_bytes(DER)) if certificates is None else certificates
    return wrapped(seq(integer(version), digests if digests is not None else tlv(0x31, seq(oid(scep.DIGESTS["sha256"]), scep.NULL)), inner, certificates,
                       tlv(0x31, *([signer_info()] if infos is None else infos)), more))


def samples_signed():
    good = scep.signed(CONTENT, SIGNER, KEY, ATTRIBUTES)
    for digest in ("sha256", "sha384", "sha512"):
        yield f"good-{digest}", scep.signed(CONTENT, SIGNER, KEY, ATTRIBUTES, digest)
    yield "legacy-sha1", scep.signed(CONTENT, SIGNER, KEY, ATTRIBUTES, "sha1")
    yield "good-version-1", scep.signed(CONTENT, scep.self_signed_v1("old.example", KEY), KEY, ATTRIBUTES)
    yield "nobody-serial-of-65-octets", scep.signed(CONTENT, scep.self_signed_v1("old.example", KEY, 0x41 << 512), KEY, ATTRIBUTES)
    ec_key = support.new_key("p384")
    yield "good-p384", scep.signed(CONTENT, scep.self_signed("ec.example", ec_key), ec_key, ATTRIBUTES)
    yield "good-unsorted", scep.signed(CONTENT, SIGNER, KEY, ATTRIBUTES, sort=False)
    yield "good-chain", scep.signed(CONTENT, SIGNER, KEY, ATTRIBUTES, more_certificates=[OTHER] * 15)
    yield "good-unsigned-attributes", signed_data([signer_info(more=tlv(0xa1, attribute("1.2.3", scep.NULL)))])
    yield "good-crl", wrapped(seq(integer(1), tlv(0x31), seq(scep.DATA, tlv(0xa0, octets(CONTENT))), tlv(0xa0, SIGNER.public_bytes(DER)), tlv(0xa1),
                                  tlv(0x31, signer_info())))
    ski = x509.SubjectKeyIdentifier.from_public_key(KEY.public_key())
    by_ski = (x509.CertificateBuilder().subject_name(SIGNER.subject).issuer_name(SIGNER.issuer).public_key(KEY.public_key()).serial_number(1)
              .not_valid_before(SIGNER.not_valid_before).not_valid_after(SIGNER.not_valid_after).add_extension(ski, False).sign(KEY, hashes.SHA256()))
    yield "good-key-identifier", signed_data([signer_info(identifier=tlv(0x80, ski.digest), version=3)], tlv(0xa0, by_ski.public_bytes(DER)), version=3)
    # BER (X.690 8.1.3.6): indefinite lengths, a content in two pieces.
    pieces = b"\x24\x80" + octets(CONTENT[:3]) + octets(CONTENT[3:]) + b"\0\0"
    inner = scep.DATA + b"\xa0\x80" + pieces + b"\0\0"
    yield "good-ber", (b"\x30\x80" + scep.SIGNED_DATA + b"\xa0\x80\x30\x80" + integer(1) + tlv(0x31, seq(oid(scep.DIGESTS["sha256"]), scep.NULL)) +
                       b"\x30\x80" + inner + b"\0\0" + tlv(0xa0, SIGNER.public_bytes(DER)) + tlv(0x31, signer_info()) + b"\0\0" * 3)
    yield "forged-signature", good[:-1] + bytes([good[-1] ^ 1])
    yield "forged-content", good.replace(octets(CONTENT), octets(b"cOntent"))
    yield "forged-attribute", good.replace(printable("0123456789abcdef"), printable("0123456789abcdee"))
    swapped = (x509.CertificateBuilder().subject_name(SIGNER.subject).issuer_name(SIGNER.issuer).public_key(OTHER.public_key())
               .serial_number(SIGNER.serial_number).not_valid_before(SIGNER.not_valid_before).not_valid_after(SIGNER.not_valid_after)
               .sign(scep.rsa_key(2048, "b"), hashes.SHA256()))
    yield "forged-certificate", scep.signed(CONTENT, SIGNER, KEY, ATTRIBUTES, certificates=[swapped])
    plain = [attribute("1.2.840.113549.1.9.3", scep.DATA), attribute("1.2.840.113549.1.9.4", octets(scep.hashlib.sha256(CONTENT).digest()))]
    yield "forged-no-digest", signed_data([signer_info(sorted(plain[:1] + ATTRIBUTES))])
    yield "forged-no-content-type", signed_data([signer_info(sorted(plain[1:] + ATTRIBUTES))])
    yield "forged-other-content-type", signed_data([signer_info(sorted([attribute("1.2.840.113549.1.9.3", scep.SIGNED_DATA), plain[1], *ATTRIBUTES]))])
    yield "forged-digest-twice", signed_data([signer_info([*plain, plain[1]])])
    yield "forged-17-attributes", signed_data([signer_info(plain + [attribute(f"1.2.3.{i}", scep.NULL) for i in range(15)])])
    yield "forged-empty-attributes", signed_data([signer_info([])])
    yield "forged-attribute-is-rubbish", signed_data([signer_info([octets(b"x" * 40)])])
    yield "forged-ecdsa-by-rsa", signed_data([signer_info(algorithm=seq(oid(scep.ECDSA["sha256"])))])
    yield "forged-algorithm-of-other-digest", signed_data([signer_info(algorithm=seq(oid("1.2.840.113549.1.1.13"), scep.NULL))])
    yield "forged-empty-signature", signed_data([signer_info(signature=b"")])
    yield "forged-content-is-missing", signed_data(content=None)
    short = scep.rsa_key(1024)
    yield "forged-short-key", scep.signed(CONTENT, scep.self_signed("short.example", short), short, ATTRIBUTES)
    yield "nobody-certificate-is-missing", signed_data(certificates=b"")
    yield "nobody-other-certificate", signed_data(certificates=tlv(0xa0, OTHER.public_bytes(DER)))
    yield "malformed-certificate-is-rubbish", signed_data(certificates=tlv(0xa0, seq(b"x" * 300)))
    yield "degenerate-certificates-alone", signed_data([])
    yield "degenerate-empty", signed_data([], certificates=b"", content=None, digests=tlv(0x31))
    yield "unsupported-two-signers", signed_data([signer_info(), signer_info()])
    yield "unsupported-17-certificates", scep.signed(CONTENT, SIGNER, KEY, ATTRIBUTES, more_certificates=[OTHER] * 16)
    yield "unsupported-attribute-certificate", signed_data(certificates=tlv(0xa0, tlv(0xa1, b"\x05\x00")))
    yield "unsupported-md5", signed_data([signer_info(digest=seq(oid(scep.DIGESTS["md5"]), scep.NULL))])
    yield "unsupported-data", seq(scep.DATA, tlv(0xa0, octets(CONTENT)))
    yield "unsupported-enveloped", seq(scep.ENVELOPED_DATA, tlv(0xa0, seq()))
    yield "malformed-empty", b""
    yield "malformed-trailing", good + b"\0"
    yield "malformed-cut", good[:-5]
    yield "malformed-length-beyond-end", b"\x30\x84\x7f\xff\xff\xff" + good[4:]
    yield "malformed-nested-ber", b"\x30\x80" * 4000
    yield "malformed-no-end-of-contents", b"\x30\x80" + scep.SIGNED_DATA + b"\xa0\x80\x30\x80"
    yield "malformed-two-contents", seq(scep.SIGNED_DATA, tlv(0xa0, seq(), seq()))
    yield "malformed-no-content", seq(scep.SIGNED_DATA)
    yield "malformed-version", signed_data(version=1 << 40)
    yield "malformed-signer-is-text", signed_data([printable("signer")])
    yield "malformed-no-attributes", signed_data([seq(integer(1), scep.issuer_and_serial(SIGNER), seq(oid(scep.DIGESTS["sha256"])), scep.RSA_ENCRYPTION,
                                                      octets(b"x" * 256))])
    yield "malformed-empty-key-identifier", signed_data([signer_info(identifier=tlv(0x80))])
    yield "malformed-negative-serial", signed_data([signer_info(identifier=seq(SIGNER.issuer.public_bytes(), b"\x02\x01\x80"))])
    yield "malformed-more-behind", signed_data(more=scep.NULL)
    yield "malformed-content-is-no-octets", wrapped(seq(integer(1), tlv(0x31), seq(scep.DATA, tlv(0xa0, printable("x"))), tlv(0x31)))
    yield "malformed-signers-missing", wrapped(seq(integer(1), tlv(0x31), seq(scep.DATA)))


def samples_enveloped():
    recipient = key_recipient(SIGNER, content_key(32))
    for cipher in ("aes128", "aes192", "aes256"):
        key = content_key(scep.CIPHERS[cipher][1])
        yield f"good-{cipher}", enveloped(CONTENT, [key_recipient(SIGNER, key)], key, cipher)
    yield "good-des3", enveloped(CONTENT, [key_recipient(SIGNER, content_key(24))], content_key(24), "des3")
    yield "good-password", enveloped(CONTENT, [scep.password_recipient("secret", content_key(32))], content_key(32), version=3)
    for scheme in ("oaep-sha1", "oaep-sha256"):
        yield f"good-{scheme}", enveloped(CONTENT, [key_recipient(SIGNER, content_key(32), scheme)], content_key(32))
    iv = bytes(16)
    encrypted = scep.encrypt("aes256", content_key(32), iv, CONTENT * 9)
    algorithm = seq(oid(scep.CIPHERS["aes256"][0]), octets(iv))

    def by_hand(recipients=None, info=None, version=0, before=b"", behind=b""):
        info = seq(scep.DATA, algorithm, tlv(0x80, encrypted)) if info is None else info
        return wrapped(seq(integer(version), before, set_of(*([recipient] if recipients is None else recipients)), info, behind), scep.ENVELOPED_DATA)

    yield "good-pieces", by_hand(info=seq(scep.DATA, algorithm, tlv(0xa0, octets(encrypted[:5]), octets(encrypted[5:]))))
    yield "good-originator", by_hand(before=tlv(0xa0), version=2)
    yield "good-unprotected-attributes", by_hand(behind=tlv(0xa1, attribute("1.2.3", scep.NULL)), version=2)
    yield "unsupported-none", by_hand([])
    yield "unsupported-two", by_hand([recipient, key_recipient(OTHER, content_key(32))])
    yield "unsupported-100", by_hand([key_recipient(OTHER, content_key(32)) for _ in range(100)])
    yield "unsupported-key-agreement", by_hand([tlv(0xa1, integer(3))])
    yield "unsupported-kek", by_hand([tlv(0xa2, integer(4), seq(octets(b"k")), seq(oid("2.16.840.1.101.3.4.1.45")), octets(bytes(40)))])
    yield "unsupported-other", by_hand([tlv(0xa4, oid("1.2.3"), scep.NULL)])
    for name, number in (("data", "1"), ("signed", "2"), ("digested", "5"), ("encrypted", "6"), ("auth-enveloped", "9.16.1.23"), ("compressed", "9.16.1.9"),
                         ("authenticated", "9.16.1.2")):
        kind = oid(f"1.2.840.113549.1.{number}" if number.startswith("9") else f"1.2.840.113549.1.7.{number}")
        yield f"unsupported-{name}", seq(kind, tlv(0xa0, seq(integer(0), set_of(recipient), seq(scep.DATA, algorithm, tlv(0x80, encrypted)))))
    for name, dotted in (("des", scep.CIPHERS["des"][0]), ("rc2", scep.CIPHERS["rc2"][0]), ("gcm", "2.16.840.1.101.3.4.1.46"), ("unknown", "1.2.3")):
        yield f"unsupported-cipher-{name}", by_hand(info=seq(scep.DATA, seq(oid(dotted), octets(iv)), tlv(0x80, encrypted)))
    yield "malformed-empty", b""
    yield "malformed-no-iv", by_hand(info=seq(scep.DATA, seq(oid(scep.CIPHERS["aes256"][0])), tlv(0x80, encrypted)))
    yield "malformed-short-iv", by_hand(info=seq(scep.DATA, seq(oid(scep.CIPHERS["aes256"][0]), octets(bytes(8))), tlv(0x80, encrypted)))
    yield "malformed-half-block", by_hand(info=seq(scep.DATA, algorithm, tlv(0x80, encrypted[:-1])))
    yield "malformed-no-encrypted-content", by_hand(info=seq(scep.DATA, algorithm))
    yield "malformed-empty-encrypted-content", by_hand(info=seq(scep.DATA, algorithm, tlv(0x80)))
    yield "malformed-nested", by_hand(info=by_hand())
    yield "malformed-more-behind", by_hand(behind=scep.NULL)
    yield "malformed-recipients-missing", wrapped(seq(integer(0)), scep.ENVELOPED_DATA)
    yield "malformed-version", by_hand(version=77)


def main():
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.der"):
        old.unlink()
    for prefix, samples in (("signed", samples_signed()), ("enveloped", samples_enveloped())):
        for name, der in samples:
            (FOLDER / f"{prefix}-{name}.der").write_bytes(der)


if __name__ == "__main__":
    main()
