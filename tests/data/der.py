"""DER by hand, and signatures by textbook: what a library refuses to make, byte for byte the same at each run."""

import functools
import hashlib
import math
import random


def head(tag, length):
    if length < 0x80:
        return bytes([tag, length])
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets


def tlv(tag, *parts):
    content = b"".join(parts)
    return head(tag, len(content)) + content


def seq(*parts):
    return tlv(0x30, *parts)


def set_of(*parts):
    return tlv(0x31, *sorted(parts))


def octets(*parts):
    return tlv(0x04, *parts)


def bits(data):
    return tlv(0x03, b"\0", data)


def integer(n):
    return tlv(0x02, n.to_bytes(n.bit_length() // 8 + 1, "big"))


def boolean(value):
    return tlv(0x01, b"\xff" if value else b"\0")


def oid(text):
    arcs = [int(a) for a in text.split(".")]
    out = b""
    for arc in [arcs[0] * 40 + arcs[1], *arcs[2:]]:
        piece = bytes([arc & 0x7f])
        while arc > 0x7f:
            arc >>= 7
            piece = bytes([arc & 0x7f | 0x80]) + piece
        out += piece
    return tlv(0x06, out)


def utf8(text):
    return tlv(0x0c, text if isinstance(text, bytes) else text.encode())


def printable(text):
    return tlv(0x13, text.encode())


def ctx(number, *parts, constructed=False):
    return tlv((0xa0 if constructed else 0x80) | number, *parts)


NULL = b"\x05\0"


# ---------------------------------------------------------------- RSA


SMALL = math.prod(q for q in range(2, 5000) if all(q % d for d in range(2, int(q**0.5) + 1)))


def is_prime(n):
    """Miller and Rabin with the first bases; n is large."""
    if math.gcd(n, SMALL) != 1:
        return False
    d, r = n - 1, 0
    while d % 2 == 0:
        d, r = d // 2, r + 1
    for base in (2, 3, 5, 7, 11, 13):
        x = pow(base, d, n)
        if x in (1, n - 1):
            continue
        for _ in range(r - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True


def next_prime(n):
    n |= 1
    while not is_prime(n):
        n += 2
    return n


HASHES = {"sha256": ("2.16.840.1.101.3.4.2.1", "1.2.840.113549.1.1.11", "1.2.840.10045.4.3.2"),
          "sha384": ("2.16.840.1.101.3.4.2.2", "1.2.840.113549.1.1.12", "1.2.840.10045.4.3.3"),
          "sha1": ("1.3.14.3.2.26", "1.2.840.113549.1.1.5", "1.2.840.10045.4.1"),
          "md5": ("1.2.840.113549.2.5", "1.2.840.113549.1.1.4", None)}


@functools.lru_cache(None)
def rsa_of(size):
    """The one ordinary key of that size."""
    return Rsa(size)


class Rsa:
    """A key with the modulus and exponent that are asked for, weak ones too."""

    def __init__(self, bits_=2048, e=65537, seed=1, p=None, q=None, n=None, d=None):
        rng = random.Random(f"rsa {bits_} {e} {seed}")
        if n is None:
            while True:
                p_ = p or next_prime(rng.getrandbits((bits_ + 1) // 2) | 3 << ((bits_ + 1) // 2 - 2))
                q_ = q or next_prime(rng.getrandbits(bits_ // 2) | (3 << (bits_ // 2 - 2)))
                n, phi = p_ * q_, (p_ - 1) * (q_ - 1)
                if p and q or n.bit_length() == bits_:
                    break
            try:
                d = pow(e, -1, phi)
            except ValueError:
                d = 1
        self.n, self.e, self.d = n, e, d

    def spki(self):
        return seq(seq(oid("1.2.840.113549.1.1.1"), NULL), bits(seq(integer(self.n), integer(self.e))))

    def algorithm(self, hash_="sha256"):
        return seq(oid(HASHES[hash_][1]), NULL)

    def sign(self, data, hash_="sha256"):
        info = seq(seq(oid(HASHES[hash_][0]), NULL), octets(hashlib.new(hash_, data).digest()))
        size = (self.n.bit_length() + 7) // 8
        padded = b"\0\1" + b"\xff" * max(8, size - 3 - len(info)) + b"\0" + info
        if self.d is None:
            return b"\x55" * size
        return pow(int.from_bytes(padded[-size:], "big"), self.d, self.n).to_bytes(size, "big")


PSS, MGF1 = "1.2.840.113549.1.1.10", "1.2.840.113549.1.1.8"


def mgf1(seed, length, hash_):
    out = b""
    for i in range(length):
        out += hashlib.new(hash_, seed + i.to_bytes(4, "big")).digest()
        if len(out) >= length:
            return out[:length]
    return b""


class RsaPss(Rsa):
    """A key for RSASSA-PSS (RFC 4055), bound to parameters or not; mgf and salt may be others than the digest's."""

    def __init__(self, bits_=2048, bound=None, mgf=None, salt=None, **kw):
        super().__init__(bits_, **kw)
        self.bound, self.mgf, self.salt = bound, mgf, salt

    def parameters(self, hash_):
        def digest(word):
            return seq(oid(HASHES[word][0]), NULL)

        salt = hashlib.new(hash_).digest_size if self.salt is None else self.salt
        mgf = self.mgf or hash_  # defaults (SHA-1, a salt of 20) aren't written in DER
        parts = [ctx(0, digest(hash_), constructed=True)] if hash_ != "sha1" else []
        parts += [ctx(1, seq(oid(MGF1), digest(mgf)), constructed=True)] if mgf != "sha1" else []
        return seq(*parts, *([ctx(2, integer(salt), constructed=True)] if salt != 20 else []))

    def spki(self):
        parameters = [self.parameters(self.bound)] if self.bound else []
        return seq(seq(oid(PSS), *parameters), bits(seq(integer(self.n), integer(self.e))))

    def algorithm(self, hash_="sha256"):
        return seq(oid(PSS), self.parameters(hash_))

    def sign(self, data, hash_="sha256"):
        """RFC 8017 8.1.1, 9.1.1; the salt is made of the data, so that it is the same at each run."""
        digest = hashlib.new(hash_, data).digest()
        salt = hashlib.shake_256(b"salt" + digest).digest(len(digest) if self.salt is None else self.salt)
        em_bits = self.n.bit_length() - 1
        size = (em_bits + 7) // 8
        h = hashlib.new(hash_, bytes(8) + digest + salt).digest()
        db = bytes(max(0, size - len(salt) - len(h) - 2)) + b"\1" + salt
        masked = int.from_bytes(db, "big") ^ int.from_bytes(mgf1(h, len(db), self.mgf or hash_), "big")
        masked &= (1 << em_bits - 8 * (len(h) + 1)) - 1
        em = masked << 8 * (len(h) + 1) | int.from_bytes(h + b"\xbc", "big")
        return pow(em, self.d, self.n).to_bytes((self.n.bit_length() + 7) // 8, "big")


class Bare:
    """A key of bytes that nobody has the private part of; its signature is of zeros."""

    def __init__(self, kind, key, *parameters):
        self.kind, self.key, self.parameters = kind, key, parameters

    def spki(self):
        return seq(seq(oid(self.kind), *self.parameters), bits(self.key))

    def algorithm(self, hash_=None):
        return seq(oid(self.kind))

    def sign(self, data, hash_=None):
        return bytes(64)


# ---------------------------------------------------------------- elliptic curves


class Curve:
    def __init__(self, oid_, p, a, b, g, n):
        self.oid, self.p, self.a, self.b, self.g, self.n = oid_, p, a % p, b, g, n
        self.size = (p.bit_length() + 7) // 8

    def add(self, one, two):
        if one is None or two is None:
            return one or two
        (x1, y1), (x2, y2) = one, two
        if x1 == x2 and (y1 + y2) % self.p == 0:
            return None
        if one == two:
            m = (3 * x1 * x1 + self.a) * pow(2 * y1, -1, self.p)
        else:
            m = (y2 - y1) * pow(x2 - x1, -1, self.p)
        x = (m * m - x1 - x2) % self.p
        return x, (m * (x1 - x) - y1) % self.p

    def times(self, k, point=None):
        out, point = None, point or self.g
        while k:
            if k & 1:
                out = self.add(out, point)
            point, k = self.add(point, point), k >> 1
        return out


P256 = Curve("1.2.840.10045.3.1.7", 2**256 - 2**224 + 2**192 + 2**96 - 1, -3,
             0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b,
             (0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296,
              0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5),
             0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551)
K256 = Curve("1.3.132.0.10", 2**256 - 2**32 - 977, 0, 7,
             (0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798,
              0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8),
             0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141)


class Ec:
    """A key whose point may be written in any way, right or wrong."""

    def __init__(self, curve=P256, seed=1, point=None, parameters=None):
        self.curve = curve
        self.d = random.Random(f"ec {curve.oid} {seed}").randrange(1, curve.n)
        self.q = curve.times(self.d)
        self.point = point if point is not None else self.uncompressed()
        self.parameters = parameters or oid(curve.oid)

    def coordinate(self, i):
        return self.q[i].to_bytes(self.curve.size, "big")

    def uncompressed(self):
        return b"\x04" + self.coordinate(0) + self.coordinate(1)

    def compressed(self):
        return bytes([2 + self.q[1] % 2]) + self.coordinate(0)

    def hybrid(self):
        return bytes([6 + self.q[1] % 2]) + self.coordinate(0) + self.coordinate(1)

    def spki(self):
        return seq(seq(oid("1.2.840.10045.2.1"), self.parameters), bits(self.point))

    def algorithm(self, hash_="sha256"):
        return seq(oid(HASHES[hash_][2]))

    def raw_sign(self, data, hash_="sha256"):
        digest = hashlib.new(hash_, data).digest()
        z = int.from_bytes(digest[:self.curve.size], "big")
        k = int.from_bytes(hashlib.sha512(b"nonce" + self.d.to_bytes(66, "big") + data).digest(), "big") % (self.curve.n - 1) + 1
        r = self.curve.times(k)[0] % self.curve.n
        return r, pow(k, -1, self.curve.n) * (z + r * self.d) % self.curve.n

    def sign(self, data, hash_="sha256"):
        r, s = self.raw_sign(data, hash_)
        return seq(integer(r), integer(s))


# ---------------------------------------------------------------- certification requests (RFC 2986)

CN, O, CHALLENGE, EXTENSION_REQUEST = "2.5.4.3", "2.5.4.10", "1.2.840.113549.1.9.7", "1.2.840.113549.1.9.14"


def rdn(*pairs):
    """One RelativeDistinguishedName; a pair is (OID, text as UTF8String or ready DER)."""
    return set_of(*(seq(oid(o), utf8(v) if isinstance(v, str) else v) for o, v in pairs))


def name(cn="device-1.example", *more):
    return seq(*([rdn((CN, cn))] if cn is not None else []), *(rdn(pair) for pair in more))


def attribute(kind, *values):
    return seq(oid(kind), set_of(*values))


def extension(kind, value, critical=False):
    return seq(oid(kind), boolean(True) if critical else b"", octets(value))


def request_of(*extensions):
    return attribute(EXTENSION_REQUEST, seq(*extensions))


def dns(text):
    return ctx(2, text if isinstance(text, bytes) else text.encode())


def san(*names, critical=False):
    return extension("2.5.29.17", seq(*names), critical)


def info(subject, key, attributes, version=b"\x02\x01\x00"):
    return seq(version, subject, key.spki(), ctx(0, *attributes, constructed=True))


def csr(subject=None, key=None, attributes=(), hash_="sha256", signer=None, algorithm=None, signature=None, tbs=None):
    """A request with a right signature unless told otherwise; without a key, one that no other request has."""
    subject = name() if subject is None else subject
    key = key or Ec(seed=hashlib.sha256((tbs or subject) + b"".join(attributes)).hexdigest())
    signer = signer or key
    tbs = tbs if tbs is not None else info(subject, key, attributes)
    return seq(tbs, algorithm or signer.algorithm(hash_), bits(signer.sign(tbs, hash_) if signature is None else signature))
