#!/usr/bin/env python3
"""Makes the OCSP requests in tests/data/ocsp: hostile ones and odd ones that are right. The same bytes at each run.

    tests/data/make_ocsp.py

A name says what the reader is to do: ok-…, or refuse-… (malformedRequest).
"""

from pathlib import Path

from der import NULL, boolean, bits, ctx, integer, octets, oid, seq, tlv

OUT = Path(__file__).resolve().parent / "ocsp"
HASHES = {"sha1": ("1.3.14.3.2.26", 20), "sha256": ("2.16.840.1.101.3.4.2.1", 32), "sha384": ("2.16.840.1.101.3.4.2.2", 48),
          "sha512": ("2.16.840.1.101.3.4.2.3", 64), "md5": ("1.2.840.113549.2.5", 16)}
NONCE, RESPONSE_TYPES, BASIC = "1.3.6.1.5.5.7.48.1.2", "1.3.6.1.5.5.7.48.1.4", "1.3.6.1.5.5.7.48.1.1"
SERIAL = integer(0x112233445566778899AABBCCDDEEFF01)


def certid(hash_="sha1", serial=SERIAL, parameters=NULL, name=None, key=None, more=b""):
    kind, size = HASHES[hash_]
    return seq(seq(oid(kind), parameters), octets(b"\x11" * size if name is None else name), octets(b"\x22" * size if key is None else key),
               serial, more)


def single(id_=None, extensions=b""):
    return seq(certid() if id_ is None else id_, extensions)


def extension(kind, value, critical=None):
    return seq(oid(kind), b"" if critical is None else boolean(critical), octets(value))


def explicit(n, *parts):
    return ctx(n, *parts, constructed=True)


def extensions(*list_, tag=2):
    return explicit(tag, seq(*list_))


def request(*singles, head=b"", tail=b"", signature=b"", after=b""):
    return seq(seq(head, seq(*(singles or (single(),))), tail), signature, after)


def nonce(size, critical=None):
    return extension(NONCE, octets(b"\x5a" * size), critical)


SIGNATURE = seq(seq(oid("1.2.840.10045.4.3.2")), bits(b"\x30\x06\x02\x01\x01\x02\x01\x01"))
NAME = explicit(1, explicit(4, seq()))


def good():
    yield "plain", request()
    for hash_ in HASHES:
        yield hash_, request(single(certid(hash_)))
    yield "hash-parameters-absent", request(single(certid(parameters=b"")))
    yield "twenty-ids", request(*(single(certid(serial=integer(i + 1))) for i in range(20)))
    for size in (1, 15, 16, 32, 128):
        yield f"nonce-{size}", request(tail=extensions(nonce(size)))
    yield "nonce-critical", request(tail=extensions(nonce(16, True)))
    yield "version-1-explicit", request(head=explicit(0, integer(0)))
    yield "requestor-name", request(head=NAME)
    yield "signed", request(head=NAME, signature=explicit(0, SIGNATURE))
    yield "signed-with-certs", request(head=NAME, signature=explicit(0, seq(seq(oid("1.2.840.10045.4.3.2")), bits(b"\1"), explicit(0, seq(seq())))))
    yield "response-types-critical", request(tail=extensions(extension(RESPONSE_TYPES, seq(oid(BASIC)), True)))
    yield "unknown-not-critical", request(tail=extensions(extension("1.2.3.4", b"\5\0")))
    yield "unknown-critical-false-encoded", request(tail=extensions(extension("1.2.3.4", b"\5\0", False)))
    yield "single-extension", request(single(extensions=extensions(extension("1.2.3.4", b"\5\0"), tag=0)))
    yield "serial-20-octets", request(single(certid(serial=integer(2**159 - 1))))
    yield "serial-zero", request(single(certid(serial=integer(0))))


def bad_structure():
    yield "empty", b""
    yield "trailing-byte", request() + b"\0"
    yield "trailing-in-request", request(after=b"\5\0")
    yield "trailing-in-tbs", request(tail=b"\5\0")
    yield "trailing-in-certid", request(single(certid(more=NULL)))
    yield "truncated", request()[:-1]
    yield "indefinite-length", b"\x30\x80" + request()[2:] + b"\0\0"
    yield "long-form-length", b"\x30\x81" + request()[1:]
    yield "length-beyond-end", b"\x30\x84\xff\xff\xff\xff" + request()[2:]
    yield "wrong-outer-tag", b"\x31" + request()[1:]
    yield "no-ids", seq(seq(seq()))
    yield "twenty-one-ids", request(*(single(certid(serial=integer(i + 1))) for i in range(21)))
    yield "version-2", request(head=explicit(0, integer(1)))
    yield "version-negative", request(head=explicit(0, b"\2\1\xff"))
    yield "requestor-name-empty", request(head=explicit(1))
    yield "requestor-name-two", request(head=explicit(1, explicit(4, seq()), explicit(4, seq())))
    yield "requestor-name-19k", request(head=explicit(1, ctx(2, b"a" * 19 * 1024 + b"b" * 2048)))
    yield "certificate-instead", seq(seq(explicit(0, integer(2)), SERIAL), seq(oid("1.2.840.10045.4.3.2")), bits(b"\0"))
    yield "nested-1000", b"".join(b"\x30\x83" + (4 * i).to_bytes(3, "big") for i in range(1000, 0, -1))
    yield "1000-ids", request(*(single(certid("md5", serial=integer(i + 1), name=b"", key=b"")) for i in range(1000)))


def bad_certid():
    yield "serial-negative", request(single(certid(serial=b"\2\1\x80")))
    yield "serial-empty", request(single(certid(serial=b"\2\0")))
    yield "serial-padded", request(single(certid(serial=b"\2\3\0\0\1")))
    yield "serial-21-octets", request(single(certid(serial=integer(2**160))))
    yield "serial-16k", request(single(certid(serial=tlv(2, b"\x7f" * 16384))))
    yield "serial-octet-string", request(single(certid(serial=octets(b"\1"))))
    yield "name-hash-short", request(single(certid(name=b"\x11" * 19)))
    yield "key-hash-long", request(single(certid("sha256", key=b"\x22" * 33)))
    yield "name-hash-empty", request(single(certid(name=b"")))
    yield "hash-parameters-octets", request(single(certid(parameters=octets(b"x"))))
    yield "hash-parameters-null-with-content", request(single(certid(parameters=b"\5\1\0")))
    yield "hash-parameters-two", request(single(certid(parameters=NULL + NULL)))
    yield "hash-oid-empty", request(single(seq(seq(b"\6\0"), octets(b"\1"), octets(b"\2"), SERIAL)))
    yield "hash-oid-padded", request(single(seq(seq(b"\6\3\x2b\x80\1"), octets(b"\1"), octets(b"\2"), SERIAL)))
    yield "certid-set", request(seq(b"\x31" + certid()[1:]))


def bad_extensions():
    for size in (0, 129, 255, 16384):
        yield f"nonce-{size}", request(tail=extensions(nonce(size)))
    yield "nonce-raw", request(tail=extensions(extension(NONCE, b"\x5a" * 16)))
    yield "nonce-empty-value", request(tail=extensions(extension(NONCE, b"")))
    yield "nonce-trailing", request(tail=extensions(extension(NONCE, octets(b"\x5a" * 16) + b"\0")))
    yield "nonce-constructed", request(tail=extensions(extension(NONCE, b"\x24\x06\4\1a\4\1b")))
    yield "nonce-twice", request(tail=extensions(nonce(16), nonce(16)))
    yield "extension-twice", request(tail=extensions(extension("1.2.3.4", b""), extension("1.2.3.4", b"")))
    yield "unknown-critical", request(tail=extensions(extension("1.2.3.4", b"\5\0", True)))
    yield "unknown-critical-single", request(single(extensions=extensions(extension("1.2.3.4", b"\5\0", True), tag=0)))
    yield "nonce-critical-single", request(single(extensions=extensions(nonce(16, True), tag=0)))
    yield "critical-boolean-2", request(tail=extensions(seq(oid("1.2.3.4"), b"\1\1\2", octets(b""))))
    yield "extensions-empty", request(tail=extensions())
    yield "extensions-17", request(tail=extensions(*(extension(f"1.2.3.{i}", b"") for i in range(17))))
    yield "extension-trailing", request(tail=extensions(seq(oid("1.2.3.4"), octets(b""), NULL)))
    yield "extensions-two-lists", request(tail=explicit(2, seq(nonce(16)), seq(nonce(16))))


def bad_signature():
    yield "signature-empty", request(signature=explicit(0))
    yield "signature-not-bits", request(signature=explicit(0, seq(seq(oid("1.2.3.4")), octets(b""))))
    yield "signature-unused-bits-9", request(signature=explicit(0, seq(seq(oid("1.2.3.4")), b"\3\2\x09\0")))
    yield "signature-trailing", request(signature=explicit(0, SIGNATURE, NULL))
    yield "signature-twice", request(signature=explicit(0, SIGNATURE) + explicit(0, SIGNATURE))
    yield "signature-certs-trailing", request(signature=explicit(0, seq(seq(oid("1.2.3.4")), bits(b""), explicit(0, seq()), NULL)))


def main():
    OUT.mkdir(exist_ok=True)
    for old in OUT.glob("*.der"):
        old.unlink()
    for prefix, samples in (("ok", (good,)), ("refuse", (bad_structure, bad_certid, bad_extensions, bad_signature))):
        for sample in samples:
            for name, data in sample():
                (OUT / f"{prefix}-{name}.der").write_bytes(data)


if __name__ == "__main__":
    main()
