#!/usr/bin/env python3
"""Makes tests/data/csr: certification requests that try to break the CA, and what has to become of each (expected.json).

    tests/data/make_csr.py

All of it is the same at each run. A sample is a function with its row of the catalogue of abuse cases and its outcome:
  refuse   never a certificate; the codes are those that an answer may name
  issue    a certificate whose subject and names are exactly those stated
  any      either of them: a matter of the profile
parse says what the strict reader (csr_parse) must do by itself: refuse, accept, or any when a later check may do it.
says is a word of the reason, where a sample could be refused for another one than that which it is here for.
"""

import json
import random
import shutil
from pathlib import Path

from der import (CHALLENGE, CN, EXTENSION_REQUEST, K256, NULL, O, P256, PSS, Bare, Ec, Rsa, RsaPss, attribute, bits, boolean, csr, ctx, dns, extension, head,
                 info, integer, is_prime, name, next_prime, octets, oid, printable, rdn, request_of, rsa_of, san, seq, set_of, tlv, utf8)

FOLDER = Path(__file__).resolve().parent / "csr"
SYNTAX = ["bad_csr", "malformed", "too_large"]
KEY = ["bad_key", "bad_csr", "policy"]
POLICY = ["policy", "bad_value", "bad_csr", "unsupported"]
SAMPLES = []


def sample(label, row, der, issue="refuse", parse="any", codes=None, subject=None, names=None, says=None):
    assert label not in [s["file"][:-4] for s in SAMPLES], label
    (FOLDER / f"{label}.der").write_bytes(der)
    entry = {"file": f"{label}.der", "row": row, "parse": parse, "issue": issue}
    if issue != "issue":
        entry["codes"] = sorted(set(codes or SYNTAX + KEY + POLICY))
    if issue != "refuse":
        entry["cn"] = "device-1.example" if subject is None else subject
        entry["names"] = names or []
    if says:
        entry["says"] = says
    SAMPLES.append(entry)


def good():
    sample("good-p256", "A00", csr(attributes=[request_of(san(dns("device-1.example"), ctx(7, bytes([192, 0, 2, 1]))))]), "issue", "accept",
           names=["dns:device-1.example", "ip:192.0.2.1"])
    sample("good-no-attributes", "A00", csr(), "issue", "accept")
    sample("good-rsa3072", "A00", csr(key=rsa_of(3072)), "issue", "accept")
    # EST refuses it (RFC 7030 3.5), REST doesn't care.
    sample("good-challenge", "A00", csr(attributes=[attribute(CHALLENGE, utf8("a challenge"))]), "any", "accept")


def encoding():
    plain = csr()
    tbs, rest = info(name(), Ec(), []), plain[4:]
    assert plain[:2] == b"\x30\x81" or plain[:2] == b"\x30\x82"
    body = plain[3:] if plain[1] == 0x81 else plain[4:]
    key = Ec()

    def signed(tbs_):
        return csr(tbs=tbs_, key=key)

    sample("indefinite-length", "A03", b"\x30\x80" + body + b"\0\0", parse="refuse", codes=SYNTAX)
    sample("length-not-minimal", "A03", b"\x30\x84" + len(body).to_bytes(4, "big") + body, parse="refuse", codes=SYNTAX)
    sample("trailing-byte", "A03", plain + b"\0", parse="refuse", codes=SYNTAX)
    sample("trailing-csr", "A03", plain + plain, parse="refuse", codes=SYNTAX)
    sample("trailing-inside", "A03", seq(body, NULL), parse="refuse", codes=SYNTAX)
    sample("trailing-in-info", "A03", signed(seq(b"\x02\x01\x00", name(), key.spki(), b"\xa0\x00", NULL)), parse="refuse", codes=SYNTAX)
    sample("boolean-not-der", "A03", csr(attributes=[request_of(seq(oid("2.5.29.17"), b"\x01\x01\x01", octets(seq(dns("a.example")))))]))
    sample("boolean-default", "A03", csr(attributes=[request_of(seq(oid("2.5.29.17"), b"\x01\x01\x00", octets(seq(dns("a.example")))))]), "any",
           names=["dns:a.example"])
    sample("octets-constructed", "A03", csr(attributes=[request_of(seq(oid("2.5.29.17"), tlv(0x24, octets(seq(dns("a.example"))))))]))
    sample("version-padded", "A03", signed(info(name(), key, [], b"\x02\x02\x00\x00")), parse="refuse", codes=SYNTAX)
    sample("version-2", "A03", signed(info(name(), key, [], b"\x02\x01\x01")), parse="refuse", codes=SYNTAX)
    sample("version-negative", "A03", signed(info(name(), key, [], b"\x02\x01\xff")), parse="refuse", codes=SYNTAX)
    sample("tag-high-number", "A03", signed(info(seq(set_of(seq(oid(CN), b"\x1f\x81\x01\x01x"))), key, [])))
    sample("tag-wrong", "A03", b"\x31" + plain[1:], parse="refuse", codes=SYNTAX)
    sample("bits-unused", "A03", seq(tbs, key.algorithm(), tlv(0x03, b"\x07", key.sign(tbs))), parse="refuse", codes=SYNTAX)
    sample("oid-padded", "A03", signed(info(seq(set_of(seq(b"\x06\x04\x80\x55\x04\x03", utf8("a")))), key, [])))
    sample("oid-open", "A03", signed(info(seq(set_of(seq(b"\x06\x03\x55\x04\x83", utf8("a")))), key, [])))
    sample("empty", "A01", b"", parse="refuse", codes=SYNTAX + ["bad_value"])
    sample("one-byte", "A01", b"\x30", parse="refuse", codes=SYNTAX)
    sample("attributes-missing", "A01", signed(seq(b"\x02\x01\x00", name(), key.spki())), "any", codes=SYNTAX)
    nested = b""
    for _ in range(10000):
        nested = head(0x30, len(nested)) + nested
    sample("nesting-bare", "A04", nested, parse="refuse", codes=SYNTAX)
    sample("nesting-in-attribute", "A04", csr(attributes=[attribute("1.2.3.4", nested)]), "any")
    sample("nesting-in-extension", "A04", csr(attributes=[request_of(extension("2.5.29.17", nested))]))
    sample("length-2-31", "A05", b"\x30\x84\x7f\xff\xff\xff\x30\x00", parse="refuse", codes=SYNTAX)
    sample("length-2-32", "A05", b"\x30\x84\xff\xff\xff\xff\x30\x00", parse="refuse", codes=SYNTAX)
    sample("length-2-63", "A05", b"\x30\x88" + b"\x7f" + b"\xff" * 7 + b"\x30\x00", parse="refuse", codes=SYNTAX)
    sample("length-2-64", "A05", b"\x30\x88" + b"\xff" * 8 + b"\x30\x00", parse="refuse", codes=SYNTAX)
    sample("length-127-octets", "A05", b"\x30\xfe" + b"\xff" * 126 + b"\x30\x00", parse="refuse", codes=SYNTAX)
    sample("length-inside", "A05", seq(seq(b"\x02\x01\x00", seq(b"\x31\x84\x7f\xff\xff\xff")), key.algorithm(), bits(b"")), parse="refuse",
           codes=SYNTAX)
    assert rest


def sizes():
    many = [attribute(f"1.2.3.4.{i}", utf8("x")) for i in range(100)]
    sample("attributes-100", "A06", csr(attributes=many), parse="refuse", codes=SYNTAX + ["policy"])
    sample("san-101", "A06", csr(attributes=[request_of(san(*(dns(f"n{i}.example") for i in range(101))))]),
           codes=SYNTAX + POLICY)
    sample("san-10000", "A06", csr(attributes=[request_of(san(*(dns(f"n{i}.example") for i in range(10000))))]),
           codes=SYNTAX + POLICY)
    sample("subject-100", "A06", csr(subject=seq(*(rdn((CN, f"c{i}")) for i in range(100)))))
    sample("extensions-200", "A06", csr(attributes=[request_of(*(extension(f"1.2.3.5.{i}", NULL) for i in range(200)))]), "any")


def signatures():
    key, other = Ec(), Ec(seed=2)
    tbs = info(name(), key, [])
    good_one = key.sign(tbs)
    bad = dict(parse="any", codes=SYNTAX + KEY)
    sample("signature-flipped", "A07", csr(tbs=tbs, key=key, signature=good_one[:-1] + bytes([good_one[-1] ^ 1])), **bad)
    sample("signature-other-key", "A07", csr(tbs=tbs, key=key, signer=other), **bad)
    sample("signature-other-data", "A07", csr(tbs=tbs, key=key, signature=key.sign(tbs + b"x")), **bad)
    sample("signature-empty", "A07", csr(tbs=tbs, key=key, signature=b""), **bad)
    sample("signature-zero", "A07", csr(tbs=tbs, key=key, signature=seq(integer(0), integer(0))), **bad)
    sample("signature-trailing", "A07", csr(tbs=tbs, key=key, signature=good_one + b"\0"), **bad)
    r, s = key.raw_sign(tbs)
    sample("signature-negative", "A07", csr(tbs=tbs, key=key, signature=seq(tlv(2, b"\xff"), integer(s))), **bad)
    sample("signature-r-plus-n", "A07", csr(tbs=tbs, key=key, signature=seq(integer(r + P256.n), integer(s))), **bad)
    sample("algorithm-rsa-for-ec", "A07", csr(tbs=tbs, key=key, algorithm=rsa_of(1024).algorithm()), **bad)
    sample("algorithm-other-hash", "A07", csr(tbs=tbs, key=key, algorithm=key.algorithm("sha384")), **bad)
    sample("algorithm-unknown", "A07", csr(tbs=tbs, key=key, algorithm=seq(oid("1.2.3.4.5"))), **bad)
    sample("algorithm-parameters", "A07", csr(tbs=tbs, key=key, algorithm=seq(oid("1.2.840.10045.4.3.2"), seq(integer(1)))), "any", "any")
    sample("sha1-ecdsa", "A13", csr(hash_="sha1"), **bad)
    sample("sha1-rsa", "A13", csr(key=rsa_of(3072), hash_="sha1"), **bad)
    sample("md5-rsa", "A13", csr(key=rsa_of(3072), hash_="md5"), **bad)


def rsa_keys():
    bad = dict(codes=KEY + SYNTAX)
    rng = random.Random("rsa keys")
    for size in (512, 1024, 2047):
        sample(f"rsa-{size}", "A08", csr(key=rsa_of(size)), **bad, says="too weak")
    for size in (2049, 2052, 2055):
        sample(f"rsa-{size}", "A08", csr(key=rsa_of(size)), **bad, says="multiple of 8")
    for size in (2056, 2560):
        sample(f"rsa-{size}", "A08", csr(key=rsa_of(size)), "any", "accept", codes=KEY)
    sample("rsa-2048", "A08", csr(key=Rsa(2048)), "any", "accept", codes=KEY)
    n = random.Random("8200").getrandbits(8200) | 1 | 1 << 8199
    sample("rsa-8200", "A08", csr(key=Rsa(n=n)), **bad, says="over 8192")
    for size in (16384, 65536):
        n = rng.getrandbits(size) | 1 | 1 << (size - 1)
        sample(f"rsa-{size}", "A08", csr(key=Rsa(n=n)), **bad, says="over 8192")
    for e in (1, 2, 3, 65536):
        sample(f"rsa-e-{e}", "A09", csr(key=Rsa(3072, e=e)), **bad, says="exponent")
        sample(f"rsapss-e-{e}", "A09", csr(key=RsaPss(3072, e=e)), **bad, says="exponent")
    sample("rsa-e-long", "A09", csr(key=Rsa(3072, e=rng.getrandbits(3071) | 1)), **bad, says="exponent")
    one = rsa_of(3072)
    sample("rsa-n-even", "A09", csr(key=Rsa(n=one.n - 1, d=None)), **bad, says="small factor")
    p = next_prime(rng.getrandbits(1536) | 3 << 1534)
    sample("rsa-n-square", "A09", csr(key=Rsa(n=p * p, d=pow(65537, -1, p * (p - 1)))), **bad, says="too close")
    big = next_prime(rng.getrandbits(3072 - 10) | 1 << 3071 - 10 | 1 << 3070 - 10)
    sample("rsa-factor-751", "A09", csr(key=Rsa(n=751 * big, d=pow(65537, -1, 750 * (big - 1)))), **bad, says="small factor")
    spki = seq(seq(oid("1.2.840.113549.1.1.1"), NULL), bits(seq(tlv(2, b"\xff" * 384), integer(65537))))
    sample("rsa-n-negative", "A09", csr(tbs=seq(b"\x02\x01\x00", name(), spki, b"\xa0\x00"), key=one), **bad)
    spki = seq(seq(oid("1.2.840.113549.1.1.1"), NULL), bits(seq(integer(0), integer(65537))))
    sample("rsa-n-zero", "A09", csr(tbs=seq(b"\x02\x01\x00", name(), spki, b"\xa0\x00"), key=one), **bad)
    spki = seq(seq(oid("1.2.840.113549.1.1.1"), NULL), bits(seq(integer(one.n), integer(65537)) + b"\0"))
    sample("rsa-key-trailing", "A09", csr(tbs=seq(b"\x02\x01\x00", name(), spki, b"\xa0\x00"), key=one), **bad)
    q = next_prime(p + 2 ** 40)
    sample("rsa-close-primes", "A10", csr(key=Rsa(3072, p=p, q=q)), **bad, says="too close")
    sample("rsapss-close-primes", "A10", csr(key=RsaPss(3072, p=p, q=q)), **bad, says="too close")
    sample("rsa-roca", "A10", csr(key=roca()), **bad, says="ROCA")
    sample("rsapss-roca", "A10", csr(key=roca(RsaPss)), **bad, says="ROCA")


def pss():
    """RSASSA-PSS (RFC 4055): keys for it alone and such that are bound to one digest; digests and salts that aren't ours."""
    bad = dict(codes=KEY + SYNTAX)
    key, plain = RsaPss(2048), Rsa(2048)
    sample("rsapss-key", "A13", csr(key=key), "any", "accept", codes=KEY)
    sample("rsapss-of-rsa-key", "A13", csr(key=plain, signer=key), "any", "accept", codes=KEY)
    sample("rsapss-salt-20", "A13", csr(key=key, signer=RsaPss(2048, salt=20)), "any", "accept", codes=KEY)
    bound = RsaPss(2048, bound="sha256")
    sample("rsapss-bound", "A13", csr(key=bound), "any", "accept", codes=KEY)
    sample("rsapss-bound-other", "A13", csr(key=bound, hash_="sha384"), **bad, says="bound")
    sample("rsapss-bound-salt", "A13", csr(key=bound, signer=RsaPss(2048, salt=20)), **bad, says="bound")
    sample("rsapss-bound-sha1", "A13", csr(key=RsaPss(2048, bound="sha1")), **bad, says="parameters")
    sample("rsapss-signs-pkcs1", "A13", csr(key=key, signer=plain), **bad, says="signature algorithm")
    sample("sha1-rsapss", "A13", csr(key=plain, signer=key, hash_="sha1"), **bad, says="signature")
    sample("sha1-rsapss-default", "A13", csr(key=plain, signer=key, hash_="sha1", algorithm=seq(oid(PSS), seq())), **bad, says="signature")
    sample("sha1-rsapss-mgf1", "A13", csr(key=plain, signer=RsaPss(2048, mgf="sha1")), **bad, says="signature")


def roca(kind=Rsa):
    """A modulus of the form of CVE-2017-15361: primes k·M + (65537^a mod M), M the product of the first primes."""
    rng, primes = random.Random("roca"), []
    candidate = 2
    while len(primes) < 126:
        if all(candidate % q for q in primes):
            primes.append(candidate)
        candidate += 1
    product = 1
    for q in primes:
        product *= q

    def prime():
        while True:
            n = rng.randrange(2 ** 565, 2 ** 566) * product + pow(65537, rng.randrange(2 ** 254), product)
            if n % 2 and n.bit_length() == 1536 and all(n % q for q in primes[1:]) and is_prime(n):
                return n

    return kind(3072, p=prime(), q=prime())


def ec_keys():
    bad = dict(codes=KEY + SYNTAX)
    key = Ec()
    off = b"\x04" + key.coordinate(0) + (key.q[1] ^ 1).to_bytes(32, "big")
    sample("ec-off-curve", "A11", csr(key=Ec(point=off)), **bad, says="on the curve")
    sample("ec-infinity", "A11", csr(key=Ec(point=b"\0")), **bad, says="uncompressed")
    sample("ec-infinity-long", "A11", csr(key=Ec(point=b"\x04" + bytes(64))), **bad)
    sample("ec-compressed", "A11", csr(key=Ec(point=key.compressed())), **bad)
    sample("ec-hybrid", "A11", csr(key=Ec(point=key.hybrid())), **bad)
    sample("ec-short", "A11", csr(key=Ec(point=key.uncompressed()[:-1])), **bad)
    sample("ec-coordinate-beyond-p", "A11", csr(key=Ec(point=b"\x04" + b"\xff" * 64)), **bad)
    sample("ec-empty", "A11", csr(key=Ec(point=b"")), **bad)
    sample("ec-secp256k1", "A11", csr(key=Ec(K256)), "any", "accept", codes=KEY)
    weak = {"secp112r1": ("1.3.132.0.6", 112), "secp192r1": ("1.2.840.10045.3.1.1", 192), "sect163k1": ("1.3.132.0.1", 163),
            "c2pnb208w1": ("1.2.840.10045.3.0.10", 208), "brainpoolp192r1": ("1.3.36.3.3.2.8.1.1.3", 192)}
    for label, (curve, size) in weak.items():
        point = b"\x04" + b"\x01" * (2 * ((size + 7) // 8))
        sample(f"ec-{label}", "A11", csr(key=Ec(parameters=oid(curve), point=point)), **bad, says="too weak")
    for label, curve, size in (("secp256k1", "1.3.132.0.10", 256), ("sect283r1", "1.3.132.0.17", 283), ("sect571k1", "1.3.132.0.38", 571),
                               ("c2tnb431r1", "1.2.840.10045.3.0.20", 431), ("brainpoolp512t1", "1.3.36.3.3.2.8.1.1.14", 512)):
        point = b"\x04" + b"\x01" * (2 * ((size + 7) // 8))
        sample(f"ec-{label}-off-curve", "A11", csr(key=Ec(parameters=oid(curve), point=point)), **bad, says="on the curve")
    # y^2 + xy = x^3 + ax^2 + b over GF(2^m): (0, sqrt(b)) is on the curve, but of order 2 and so not of the group that is used.
    b283 = int("27B680AC8B8596DA5A4AF8A19A0303FCA97FD7645309FA2A581485AF6263E313B79A2F5", 16)
    point = b"\x04" + bytes(36) + square_root(b283, 283, 1 << 283 | 1 << 12 | 1 << 7 | 1 << 5 | 1).to_bytes(36, "big")
    sample("ec-sect283r1-order-2", "A11", csr(key=Ec(parameters=oid("1.3.132.0.17"), point=point)), **bad, says="on the curve")
    sample("ec-no-parameters", "A11", csr(key=Ec(parameters=NULL)), **bad)
    field = seq(oid("1.2.840.10045.1.1"), integer(P256.p))
    curve = seq(octets(P256.a.to_bytes(32, "big")), octets(P256.b.to_bytes(32, "big")))
    base = octets(b"\x04" + P256.g[0].to_bytes(32, "big") + P256.g[1].to_bytes(32, "big"))
    explicit = seq(integer(1), field, curve, base, integer(P256.n), integer(1))
    sample("ec-explicit", "A11", csr(key=Ec(parameters=explicit)), **bad)
    # CVE-2022-0778: a compressed base point over a modulus that isn't a prime made the square root run for ever.
    loop = seq(integer(1), seq(oid("1.2.840.10045.1.1"), integer(697)), seq(octets(b"\x17"), octets(b"\x00")), octets(b"\x02\x08\x00"),
               integer(65537), integer(1))
    sample("ec-explicit-composite", "A11", csr(key=Ec(parameters=loop, point=b"\x02\x08\x00")), **bad)
    # CVE-2024-9143: a field polynomial of GF(2^m) with a zero constant term.
    gf2m = seq(integer(1), seq(oid("1.2.840.10045.1.2"), seq(integer(163), oid("1.2.840.10045.1.2.3.2"), integer(6))),
               seq(octets(b"\x01"), octets(b"\x01")), octets(b"\x04" + b"\x01" * 42), integer(65537), integer(2))
    sample("ec-gf2m-explicit", "A11", csr(key=Ec(parameters=gf2m, point=b"\x04" + b"\x01" * 42)), **bad)
    sample("ec-gf2m-named", "A11", csr(key=Ec(parameters=oid("1.3.132.0.1"), point=b"\x04" + b"\x01" * 42)), **bad)
    sample("key-algorithm-unknown", "A11",
           csr(tbs=seq(b"\x02\x01\x00", name(), seq(seq(oid("1.2.3.4")), bits(b"\x01" * 32)), b"\xa0\x00")), **bad)


def square_root(a, m, polynomial):
    """In GF(2^m): squared m - 1 times."""
    for _ in range(m - 1):
        a = int(bin(a)[2:], 4)  # a square in characteristic two spreads the bits
        while a.bit_length() > m:
            a ^= polynomial << a.bit_length() - 1 - m
    return a


def other_keys():
    """Keys without parameters: too short, too long, not the encoding of one, of no use for a signature."""
    bad = dict(codes=KEY + SYNTAX + ["unsupported"])
    nist = "2.16.840.1.101.3.4."
    kinds = {"ed25519": ("1.3.101.112", 32), "ed448": ("1.3.101.113", 57), "mldsa44": (nist + "3.17", 1312), "mldsa87": (nist + "3.19", 2592),
             "slhdsa-sha2-128f": (nist + "3.21", 32), "mlkem768": (nist + "4.2", 1184)}
    for label, (kind, size) in kinds.items():
        for word, length in (("short", size - 1), ("long", size + 1), ("empty", 0)):
            sample(f"{label}-{word}", "A11", csr(key=Bare(kind, b"\x01" * length)), **bad)
        sample(f"{label}-parameters", "A11", csr(key=Bare(kind, b"\x01" * size, NULL)), **bad, says="parameters")
        sample(f"{label}-not-signed", "A07", csr(key=Bare(kind, b"\x01" * size)), **bad)
    # Points of small order: signatures by them fit any message. y of p or more is no encoding.
    p, q = 2 ** 255 - 19, 2 ** 448 - 2 ** 224 - 1
    eight = int("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", 16).to_bytes(32, "big")
    small = {"order-1": 1, "order-2": p - 1, "order-4": 0, "order-4-negative": 1 << 255, "order-8": int.from_bytes(eight, "little"),
             "order-8-negative": int.from_bytes(eight, "little") | 1 << 255, "beyond-p": p + 1}
    for label, y in small.items():
        sample(f"ed25519-{label}", "A11", csr(key=Bare("1.3.101.112", y.to_bytes(32, "little"))), **bad, says="small order")
    for label, y in {"order-1": 1, "order-2": q - 1, "order-4": 0, "beyond-p": q + 1}.items():
        sample(f"ed448-{label}", "A11", csr(key=Bare("1.3.101.113", y.to_bytes(57, "little"))), **bad, says="small order")
    sample("x25519", "A11", csr(key=Bare("1.3.101.110", b"\x09" + bytes(31))), **bad, says="algorithm")


def names_of_subjects():
    bad = dict(codes=SYNTAX + POLICY)

    def cn(label, der, issue="refuse", **kw):
        sample(f"cn-{label}", "A14", csr(subject=seq(rdn((CN, der)))), issue, **{**bad, **kw})

    cn("nul", utf8("good.example\0.evil.example"))
    cn("newline", utf8("a.example\nCN=b"))
    cn("escape", utf8("a\x1b[31m.example"))
    cn("rtl", utf8("a\u202eelpmaxe"))
    cn("zero-width", utf8("a\u200b.example"), "any", subject="a\u200b.example")
    cn("65", utf8("a" * 65))
    cn("64", utf8("a" * 64), "any", subject="a" * 64)
    cn("64-wide", utf8("ü" * 64), "any", subject="ü" * 64)
    cn("emoji", utf8("\U0001f512"), "any", subject="\U0001f512")
    cn("punycode", utf8("xn--mller-kva.example"), "any", subject="xn--mller-kva.example")
    cn("empty", utf8(""))
    cn("bmp", tlv(0x1e, "device".encode("utf-16-be")), "any", subject="device")
    cn("bmp-odd", tlv(0x1e, b"\0a\0"))
    cn("universal", tlv(0x1c, "device".encode("utf-32-be")), "any", subject="device")
    cn("t61", tlv(0x14, b"device"), "any", subject="device")
    cn("t61-high", tlv(0x14, b"m\xc8uller"))
    cn("printable-wrong", printable("a@b_c*"), "any", subject="a@b_c*")
    cn("ia5", tlv(0x16, b"device"), "any", subject="device")
    cn("octets", tlv(0x04, b"device"))
    cn("sequence", seq(utf8("device")))
    cn("utf8-broken", utf8(b"a\xff\xfe"))
    cn("utf8-overlong", utf8(b"a\xc0\xaf"))
    cn("utf8-surrogate", utf8(b"a\xed\xa0\x80"))
    cn("utf8-beyond", utf8(b"a\xf4\x90\x80\x80"))
    cn("html", utf8("<script>alert(1)</script>"), "any", subject="<script>alert(1)</script>")
    cn("sql", utf8("'; DROP TABLE siegel.certificate; --"), "any", subject="'; DROP TABLE siegel.certificate; --")
    cn("quotes", utf8('a"b\\c,d+e=f#'), "any", subject='a"b\\c,d+e=f#')
    sample("cn-two", "A14", csr(subject=seq(rdn((CN, "a.example")), rdn((CN, "b.example")))), "any", subject=["a.example", "b.example"])
    sample("cn-multi-valued", "A14", csr(subject=seq(rdn((CN, "a.example"), (O, "b")))), "any", subject="a.example")
    sample("rdn-empty", "A14", csr(subject=seq(tlv(0x31))), **bad)
    sample("subject-empty", "A14", csr(subject=seq()), "any", subject=[], **bad)
    sample("country-3", "A14", csr(subject=name("device-1.example", ("2.5.4.6", printable("DEU")))), **bad)
    sample("attribute-unknown", "A14", csr(subject=name("device-1.example", ("1.2.3.4", utf8("x")))), "any", **bad)
    for label, text in (("cn", "%s%n%x"), ("long", "%s" * 30)):
        sample(f"format-{label}", "A22", csr(subject=name(text)), "any", subject=text)
    sample("format-o", "A22", csr(subject=name("device-1.example", (O, "%n%n%n%n"))), "any")
    sample("format-challenge", "A22", csr(attributes=[attribute(CHALLENGE, utf8("%s%n%x"))]), "any")


def names_of_san():
    bad = dict(codes=SYNTAX + POLICY)

    def alt(label, *names_, issue="refuse", row="A15", **kw):
        sample(f"san-{label}", row, csr(attributes=[request_of(san(*names_))]), issue, **{**bad, **kw})

    alt("star", dns("*"))
    alt("two-stars", dns("*.*.example"))
    alt("star-inside", dns("a.*.example"))
    alt("star-part", dns("a*.example"))
    alt("wildcard", dns("*.plant.example"), issue="any", names=["dns:*.plant.example"])
    alt("leading-dot", dns(".example"))
    alt("double-dot", dns("a..example"))
    alt("empty-name", dns(""))
    alt("space", dns("a b.example"))
    alt("slash", dns("a.example/b"))
    alt("label-64", dns("a" * 64 + ".example"))
    alt("name-254", dns(".".join(["a" * 62] * 4) + ".ab"))
    alt("none", row="A15")
    alt("ip-as-dns", dns("192.0.2.1"))
    alt("dns-as-ip", ctx(7, b"device.example"))
    alt("ip-3-octets", ctx(7, b"\x01\x02\x03"))
    alt("ip-with-mask", ctx(7, bytes([192, 0, 2, 1, 255, 255, 255, 0])))
    alt("ip-mapped", ctx(7, bytes(10) + b"\xff\xff" + bytes([192, 0, 2, 1])), issue="any", names=["ip:::ffff:192.0.2.1"])
    alt("uri-javascript", ctx(6, b"javascript:alert(1)"))
    alt("uri-relative", ctx(6, b"/a/b"))
    alt("uri-newline", ctx(6, b"https://a.example/\nb"))
    alt("email-two-at", ctx(1, b"a@b@example"))
    alt("email-bare", ctx(1, b"example"))
    alt("upn", ctx(0, oid("1.3.6.1.4.1.311.20.2.3"), ctx(0, utf8("administrator@corp.example"), constructed=True), constructed=True))
    alt("directory-name", ctx(4, name("administrator"), constructed=True))
    alt("registered-id", ctx(8, b"\x2a\x03\x04"))
    alt("tag-unknown", ctx(9, b"x"))
    alt("nul", dns(b"good.example\0.evil.example"), row="A14")
    alt("newline", dns(b"a.example\ndns:b.example"), row="A14")
    alt("high-bytes", dns("müller.example".encode("latin-1")), row="A14")
    alt("utf8", dns("müller.example"), row="A14")
    alt("x400", ctx(3, tlv(0x61, printable("DE")), constructed=True), row="A18")
    alt("x400-primitive", ctx(3, b"\x41\x41\x41\x41"), row="A18")
    alt("punycode-email", ctx(1, b"a@xn--" + b"a" * 240), row="A18")
    alt("duplicate", dns("a.example"), dns("a.example"), issue="any", names=["dns:a.example"])
    sample("san-trailing", "A15", csr(attributes=[request_of(extension("2.5.29.17", seq(dns("a.example")) + b"\0"))]), **bad)
    sample("san-critical", "A15", csr(attributes=[request_of(san(dns("a.example"), critical=True))]), "any", names=["dns:a.example"])


def asks():
    def ask(label, *extensions):
        sample(f"asks-{label}", "A16", csr(attributes=[request_of(*extensions)]), "any", codes=POLICY)

    ask("ca", extension("2.5.29.19", seq(boolean(True)), True))
    ask("ca-not-critical", extension("2.5.29.19", seq(boolean(True))))
    ask("path-length", extension("2.5.29.19", seq(boolean(True), integer(0)), True))
    ask("key-cert-sign", extension("2.5.29.15", tlv(3, b"\x01\x06"), True))
    ask("eku-any", extension("2.5.29.37", seq(oid("2.5.29.37.0"))))
    ask("eku-agent", extension("2.5.29.37", seq(oid("1.3.6.1.4.1.311.20.2.1"))))
    ask("eku-empty", extension("2.5.29.37", seq()))
    ask("eku-ocsp", extension("2.5.29.37", seq(oid("1.3.6.1.5.5.7.3.9"))))
    ask("application-policies", extension("1.3.6.1.4.1.311.21.10", seq(seq(oid("1.3.6.1.4.1.311.20.2.1")))))
    ask("ms-template", extension("1.3.6.1.4.1.311.20.2", tlv(0x1e, "DomainController".encode("utf-16-be"))))
    ask("ms-sid", extension("1.3.6.1.4.1.311.25.2", seq(ctx(0, oid("1.3.6.1.4.1.311.25.2.1"),
                                                           ctx(0, octets(b"S-1-5-21-1-2-3-500"), constructed=True), constructed=True))))
    ask("aki", extension("2.5.29.35", seq(ctx(0, b"\x01" * 20))))
    ask("name-constraints", extension("2.5.29.30", seq(ctx(0, seq(dns("example")), constructed=True)), True))
    ask("crl-point", extension("2.5.29.31", seq(seq(ctx(0, ctx(0, ctx(6, b"http://evil.example/a.crl"), constructed=True), constructed=True)))))
    ask("authority-info", extension("1.3.6.1.5.5.7.1.1", seq(seq(oid("1.3.6.1.5.5.7.48.1"), ctx(6, b"http://evil.example/")))))
    ask("ocsp-nocheck", extension("1.3.6.1.5.5.7.48.1.5", NULL))
    ask("policies-1000", extension("2.5.29.32", seq(*(seq(oid(f"1.2.3.6.{i}")) for i in range(1000)))))


def twice():
    bad = dict(codes=SYNTAX + POLICY)
    one, two = san(dns("a.example")), san(dns("b.example"))
    sample("extension-twice", "A17", csr(attributes=[request_of(one, two)]), **bad)
    sample("extension-twice-same", "A17", csr(attributes=[request_of(one, one)]), **bad)
    sample("request-twice", "A17", csr(attributes=[request_of(one), request_of(two)]), **bad)
    sample("request-two-values", "A17", csr(attributes=[attribute(EXTENSION_REQUEST, seq(one), seq(two))]), **bad)
    sample("request-no-value", "A17", csr(attributes=[attribute(EXTENSION_REQUEST)]), **bad)
    sample("request-empty", "A17", csr(attributes=[attribute(EXTENSION_REQUEST, seq())]), "any", **bad)
    sample("request-not-sequence", "A17", csr(attributes=[attribute(EXTENSION_REQUEST, utf8("x"))]), **bad)
    sample("unknown-critical", "A17", csr(attributes=[request_of(extension("1.2.3.4", NULL, True))]), **bad)
    sample("unknown-not-critical", "A17", csr(attributes=[request_of(extension("1.2.3.4", NULL))]), "any", **bad)
    sample("challenge-twice", "A17", csr(attributes=[attribute(CHALLENGE, utf8("a")), attribute(CHALLENGE, utf8("b"))]), "any", **bad)


def heavy():
    long_arc = tlv(0x06, b"\x2a" + b"\xff" * 50000 + b"\x01")
    sample("oid-50000", "A18", csr(attributes=[request_of(seq(long_arc, octets(NULL)))]), "any")
    sample("oid-50000-subject", "A18", csr(subject=seq(rdn((CN, "device-1.example")), set_of(seq(long_arc, utf8("x"))))))
    sample("universal-long", "A18", csr(subject=seq(rdn((CN, tlv(0x1c, "x".encode("utf-32-be") * 10000))))))
    sample("bmp-surrogates", "A18", csr(subject=seq(rdn((CN, tlv(0x1e, b"\xd8\x00\xd8\x00"))))))


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    for make in (good, encoding, sizes, signatures, rsa_keys, pss, ec_keys, other_keys, names_of_subjects, names_of_san, asks, twice, heavy):
        make()
    lines = ",\n".join("  " + json.dumps(s, ensure_ascii=True) for s in SAMPLES)
    (FOLDER / "expected.json").write_text(f"[\n{lines}\n]\n")
    print(f"{len(SAMPLES)} samples, {sum(p.stat().st_size for p in FOLDER.iterdir())} bytes")


if __name__ == "__main__":
    main()
