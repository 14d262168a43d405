"""A SCEP client of our own (RFC 8894): messages are written octet by octet, so that a test can bend each of them; answers are read by asn1crypto and
python-cryptography."""

import base64
import datetime
import hashlib
import os
import urllib.parse
import uuid

from asn1crypto import cms as asn1_cms
from asn1crypto import core as asn1_core
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

import support

DER, PEM = serialization.Encoding.DER, serialization.Encoding.PEM
RENEWAL_REQ, PKCS_REQ, CERT_POLL, GET_CERT, GET_CRL = 17, 19, 20, 21, 22
SUCCESS, FAILURE, PENDING = "0", "2", "3"
BAD_ALG, BAD_MESSAGE_CHECK, BAD_REQUEST, BAD_TIME, BAD_CERT_ID = "0", "1", "2", "3", "4"

# ---------------------------------------------------------------- DER


def tlv(tag, *parts):
    content = b"".join(parts)
    n = len(content)
    length = bytes([n]) if n < 128 else (lambda b: bytes([0x80 | len(b)]) + b)(n.to_bytes((n.bit_length() + 7) // 8, "big"))
    return bytes([tag]) + length + content


def seq(*parts):
    return tlv(0x30, *parts)


def set_of(*parts):
    return tlv(0x31, *sorted(parts))


def octets(data):
    return tlv(0x04, data)


def oid(dotted):
    return asn1_core.ObjectIdentifier(dotted).dump()


def integer(n):
    return asn1_core.Integer(n).dump()


def printable(text):
    return tlv(0x13, text if isinstance(text, bytes) else str(text).encode())


NULL = b"\x05\x00"
DATA, SIGNED_DATA, ENVELOPED_DATA = (oid("1.2.840.113549.1.7." + n) for n in "123")
RSA_ENCRYPTION = seq(oid("1.2.840.113549.1.1.1"), NULL)
DIGESTS = {"sha1": "1.3.14.3.2.26", "sha256": "2.16.840.1.101.3.4.2.1", "sha384": "2.16.840.1.101.3.4.2.2", "sha512": "2.16.840.1.101.3.4.2.3",
           "md5": "1.2.840.113549.2.5"}
HASHES = {"sha1": hashes.SHA1, "sha256": hashes.SHA256, "sha384": hashes.SHA384, "sha512": hashes.SHA512, "md5": hashes.MD5}
ECDSA = {"sha1": "1.2.840.10045.4.1", "sha256": "1.2.840.10045.4.3.2", "sha384": "1.2.840.10045.4.3.3", "sha512": "1.2.840.10045.4.3.4"}
# name: OID, key, IV
CIPHERS = {"aes128": ("2.16.840.1.101.3.4.1.2", 16, 16), "aes192": ("2.16.840.1.101.3.4.1.22", 24, 16), "aes256": ("2.16.840.1.101.3.4.1.42", 32, 16),
           "des3": ("1.2.840.113549.3.7", 24, 8), "des": ("1.3.14.3.2.7", 8, 8), "rc2": ("1.2.840.113549.3.2", 16, 8)}
SCEP = "2.16.840.1.113733.1.9."


def attribute(dotted, *values):
    return seq(oid(dotted), tlv(0x31, *values))


def cipher_of(name, key, iv):
    kind = algorithms.AES if name.startswith("aes") else algorithms.TripleDES
    return Cipher(kind(key if name != "des" else key * 3), modes.CBC(iv))


def pad(data, block):
    n = block - len(data) % block
    return data + bytes([n]) * n


def encrypt(name, key, iv, data, padded=None):
    e = cipher_of(name, key, iv).encryptor()
    return e.update(pad(data, len(iv)) if padded is None else padded) + e.finalize()


def decrypt(name, key, iv, data):
    d = cipher_of(name, key, iv).decryptor()
    plain = d.update(data) + d.finalize()
    assert 1 <= plain[-1] <= len(iv) and plain.endswith(bytes([plain[-1]]) * plain[-1])
    return plain[:-plain[-1]]


# ---------------------------------------------------------------- PasswordRecipientInfo (RFC 5652 6.2.4, RFC 3211 2.3)


def kek_of(password, salt, iterations, n, prf="sha1"):
    return hashlib.pbkdf2_hmac(prf, password.encode(), salt, iterations, n)


def pwri_wrap(cipher, kek, iv, key):
    block = len(iv)
    plain = bytes([len(key)]) + bytes(255 - b for b in key[:3]) + key
    plain += os.urandom(max(2 * block - len(plain), -len(plain) % block))
    once = encrypt(cipher, kek, iv, b"", padded=plain)
    return encrypt(cipher, kek, once[-block:], b"", padded=once)


def pwri_unwrap(cipher, kek, iv, wrapped):
    block = len(iv)

    def raw(vector, data):
        d = cipher_of(cipher, kek, vector).decryptor()
        return d.update(data) + d.finalize()

    # The last block of the inner encryption is the vector of the outer one (RFC 3211 2.3.2).
    last = raw(wrapped[-2 * block:-block], wrapped[-block:])
    plain = raw(iv, raw(last, wrapped))
    n = plain[0]
    key = plain[4:4 + n]
    assert bytes(255 - b for b in key[:3]) == plain[1:4] and n in (16, 24, 32)
    return key


def password_recipient(password, content_key, cipher="aes256", iterations=2048, prf="sha256", salt=None):
    salt, iv = salt or os.urandom(16), os.urandom(CIPHERS[cipher][2])
    kek = kek_of(password, salt, iterations, CIPHERS[cipher][1], prf)
    function = {"sha1": b"", "sha256": seq(oid("1.2.840.113549.2.9"), NULL), "sha512": seq(oid("1.2.840.113549.2.11"), NULL)}[prf]
    derivation = tlv(0xa0, oid("1.2.840.113549.1.5.12"), seq(octets(salt), integer(iterations), function))
    algorithm = seq(oid("1.2.840.113549.1.9.16.3.9"), seq(oid(CIPHERS[cipher][0]), octets(iv)))
    return tlv(0xa3, integer(0), derivation, algorithm, octets(pwri_wrap(cipher, kek, iv, content_key)))


# ---------------------------------------------------------------- messages


def key_recipient(certificate, content_key, scheme="pkcs1", broken=False, by_key_id=False):
    if scheme == "pkcs1":
        pad_with, algorithm = padding.PKCS1v15(), RSA_ENCRYPTION
    elif scheme == "oaep-sha1":
        pad_with = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
        algorithm = seq(oid("1.2.840.113549.1.1.7"), seq())
    else:
        pad_with = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
        digest = seq(oid(DIGESTS["sha256"]), NULL)
        algorithm = seq(oid("1.2.840.113549.1.1.7"), seq(tlv(0xa0, digest), tlv(0xa1, seq(oid("1.2.840.113549.1.1.8"), digest))))
    encrypted = certificate.public_key().encrypt(content_key, pad_with)
    if broken:
        encrypted = bytes([encrypted[0] & 0x3f]) + os.urandom(len(encrypted) - 1)
    if by_key_id:
        ski = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
        return seq(integer(2), tlv(0x80, ski), algorithm, octets(encrypted))
    return seq(integer(0), issuer_and_serial(certificate), algorithm, octets(encrypted))


def issuer_and_serial(certificate):
    return seq(certificate.issuer.public_bytes(), integer(certificate.serial_number))


def enveloped(content, recipients, content_key, cipher="aes256", padded=None, iv=None, encrypted=None, version=0):
    iv = iv or os.urandom(CIPHERS[cipher][2])
    if encrypted is None:
        encrypted = encrypt(cipher, content_key, iv, content, padded)
    info = seq(DATA, seq(oid(CIPHERS[cipher][0]), octets(iv)), tlv(0x80, encrypted))
    return seq(ENVELOPED_DATA, tlv(0xa0, seq(integer(version), set_of(*recipients), info)))


def sign(key, digest, data):
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), HASHES[digest]())
    return key.sign(data, ec.ECDSA(HASHES[digest]()))


def signed(content, certificate, key, attributes, digest="sha256", more_certificates=(), signers=1, certificates=None, sort=True, algorithm=None):
    """attributes: DER of each but contentType and messageDigest."""
    algorithm = algorithm or (RSA_ENCRYPTION if isinstance(key, rsa.RSAPrivateKey) else seq(oid(ECDSA[digest])))
    digest_algorithm = seq(oid(DIGESTS[digest]), NULL)
    every = [attribute("1.2.840.113549.1.9.3", DATA),
             attribute("1.2.840.113549.1.9.4", octets(hashlib.new(digest, content).digest())), *attributes]
    joined = b"".join(sorted(every) if sort else every)
    signature = sign(key, digest, tlv(0x31, b"".join(sorted(every))))
    signer = seq(integer(1), issuer_and_serial(certificate), digest_algorithm, tlv(0xa0, joined), algorithm, octets(signature))
    der = [c.public_bytes(DER) for c in (certificates if certificates is not None else [certificate, *more_certificates])]
    inner = seq(integer(1), tlv(0x31, digest_algorithm), seq(DATA, tlv(0xa0, octets(content))), tlv(0xa0, *der), tlv(0x31, signer * signers))
    return seq(SIGNED_DATA, tlv(0xa0, inner))


def scep_attributes(transaction, kind, nonce):
    found = [attribute(SCEP + "7", printable(transaction))] if transaction is not None else []
    found += [attribute(SCEP + "2", printable(kind))] if kind is not None else []
    return found + ([attribute(SCEP + "5", octets(nonce))] if nonce is not None else [])


_keys = {}


def rsa_key(bits=2048, name="a"):
    """Keys of RSA take long to make: those of one name are made once."""
    if (bits, name) not in _keys:
        _keys[bits, name] = rsa.generate_private_key(65537, bits)
    return _keys[bits, name]


def self_signed(cn, key, days=7, start=None, issuer=None):
    start = start or datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None) - datetime.timedelta(hours=1)
    name = support.new_name(cn)
    return (x509.CertificateBuilder().subject_name(name).issuer_name(issuer or name).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(start + datetime.timedelta(days=days))
            .sign(key, support.signing_hash(key)))


def self_signed_v1(cn, key, serial=None):
    """One of version 1 with a serial number of 32 octets, as certmonger makes them."""
    algorithm = seq(oid("1.2.840.113549.1.1.11"), NULL)
    name = support.new_name(cn).public_bytes()
    spki = key.public_key().public_bytes(DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    validity = seq(tlv(0x17, b"250101000000Z"), tlv(0x18, b"21250101000000Z"))
    tbs = seq(integer(serial or (0x6e << 248) + uuid.uuid4().int), algorithm, name, validity, name, spki)
    return x509.load_der_x509_certificate(seq(tbs, algorithm, tlv(0x03, b"\0", sign(key, "sha256", tbs))))


def csr_of(cn, key, challenge=None, names=(), serial=None):
    values = [x509.NameAttribute(NameOID.COMMON_NAME, cn)] if cn else []
    values += [x509.NameAttribute(NameOID.SERIAL_NUMBER, serial)] if serial else []
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(values))
    if challenge is not None:
        builder = builder.add_attribute(x509.oid.AttributeOID.CHALLENGE_PASSWORD, challenge.encode())
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(n) if isinstance(n, str) else n for n in names]), critical=False)
    return builder.sign(key, support.signing_hash(key))


class Reply:
    """A CertRep, verified against the certificate of the registration authority and the request that it answers."""

    def __init__(self, answer, client, sent):
        assert answer.status == 200, answer
        assert answer.headers["content-type"] == "application/x-pki-message"
        info = asn1_cms.ContentInfo.load(answer.body, strict=True)
        assert info["content_type"].native == "signed_data"
        data = info["content"]
        assert info.dump(force=True) == answer.body, "the answer isn't DER"
        assert len(data["signer_infos"]) == 1
        signer = data["signer_infos"][0]
        self.digest = signer["digest_algorithm"]["algorithm"].native
        found = {}
        for one in signer["signed_attrs"]:
            assert len(one["values"]) == 1
            found[one["type"].dotted] = one["values"][0]
        ras = [c for c in client.ras if c.serial_number == signer["sid"].chosen["serial_number"].native]
        assert ras, "signed by none of the announced registration authorities"
        self.ra = ras[0]
        assert self.ra.public_bytes(DER) in [c.chosen.dump() for c in data["certificates"]]
        attributes = signer["signed_attrs"].dump()
        self.ra.public_key().verify(signer["signature"].native, b"\x31" + attributes[1:], padding.PKCS1v15(), HASHES[self.digest]())
        self.attributes = found

        def text(number):
            return found[SCEP + number].parsed.native if SCEP + number in found else None

        self.status, self.fail, self.transaction = text("3"), text("4"), text("7")
        assert text("2") == "3"
        assert self.transaction == sent["transaction"]
        self.sender_nonce = found[SCEP + "5"].parsed.native
        assert len(self.sender_nonce) == 16
        assert (found[SCEP + "6"].parsed.native if SCEP + "6" in found else None) == sent["nonce"]
        self.text = found["1.3.6.1.5.5.7.24.1"].parsed.native if "1.3.6.1.5.5.7.24.1" in found else None
        content = data["encap_content_info"]["content"]
        self.envelope = content.native if self.status == SUCCESS else None
        if self.status == SUCCESS:
            assert found["1.2.840.113549.1.9.4"].native == hashlib.new(self.digest, self.envelope).digest()
        else:
            assert content.native is None or not content.native, "only a success has an envelope"
        assert (self.fail is not None) == (self.status == FAILURE)
        self._key, self._password = sent["key"], sent["password"]

    def open(self):
        """The degenerate SignedData in the envelope; sets cipher and, with a password, iterations."""
        info = asn1_cms.ContentInfo.load(self.envelope, strict=True)
        data = info["content"]
        assert len(data["recipient_infos"]) == 1
        recipient = data["recipient_infos"][0]
        inner = data["encrypted_content_info"]
        algorithm = inner["content_encryption_algorithm"]
        self.cipher = [n for n, row in CIPHERS.items() if row[0] == algorithm["algorithm"].dotted][0]
        if recipient.name == "ktri":
            key = self._key.decrypt(recipient.chosen["encrypted_key"].native, padding.PKCS1v15())
        else:
            assert recipient.name == "pwri"
            chosen = recipient.chosen
            parameters = chosen["key_derivation_algorithm"]["parameters"]
            self.iterations = parameters["iteration_count"].native
            prf = parameters["prf"]["algorithm"].native
            kek_cipher = chosen["key_encryption_algorithm"]["parameters"].parse(asn1_algorithm())
            name = [n for n, row in CIPHERS.items() if row[0] == kek_cipher["algorithm"].dotted][0]
            kek = kek_of(self._password, parameters["salt"].native, self.iterations, CIPHERS[name][1], prf)
            key = pwri_unwrap(name, kek, kek_cipher["iv"].native, chosen["encrypted_key"].native)
        return decrypt(self.cipher, key, algorithm["parameters"].native, inner["encrypted_content"].native)

    def certificates(self):
        assert self.status == SUCCESS, (self.status, self.fail, self.text)
        return pkcs7.load_der_pkcs7_certificates(self.open())

    def certificate(self):
        found = self.certificates()
        assert len(found) == 1
        return found[0]

    def crl(self):
        assert self.status == SUCCESS, (self.status, self.fail, self.text)
        info = asn1_cms.ContentInfo.load(self.open())
        crls = info["content"]["crls"]
        assert len(crls) == 1
        return x509.load_der_x509_crl(crls[0].chosen.dump())


def asn1_algorithm():
    class Algorithm(asn1_core.Sequence):
        _fields = [("algorithm", asn1_core.ObjectIdentifier), ("iv", asn1_core.OctetString)]
    return Algorithm


class Client:
    """A device at a SCEP address."""

    def __init__(self, instance, label, plain=True, source=None, path=None):
        base = f"http://{instance.plain_host}:{instance.plain_port}" if plain else instance.url
        self.instance, self.source = instance, source or support.new_address()
        self.url = f"{instance.scep_url}/{label}" if plain and path is None else base + (f"/scep/{label}" if path is None else path)
        self.context = None if plain else instance.tls_context()
        self._ca_certs = self._ras = None

    def get(self, operation, **query):
        text = urllib.parse.urlencode({"operation": operation, **query})
        return support.http_get(f"{self.url}?{text}", context=self.context, source=self.source)

    def post(self, body, operation="PKIOperation", headers=None):
        return support.http_get(f"{self.url}?operation={operation}", context=self.context, method="POST", body=body, headers=headers,
                                source=self.source)

    @property
    def ca_certs(self):
        if self._ca_certs is None:
            answer = self.get("GetCACert")
            assert answer.status == 200, answer
            assert answer.headers["content-type"] == "application/x-x509-ca-ra-cert"
            self._ca_certs = pkcs7.load_der_pkcs7_certificates(answer.body)
        return self._ca_certs

    @property
    def ras(self):
        """Kept: an object of python-cryptography parses its extensions when they are first asked for, one thread at a time."""
        if self._ras is None:
            self._ras = [c for c in self.ca_certs if not is_ca(c)]
        return self._ras

    @property
    def ca(self):
        """The one that issued the registration authority's certificate."""
        return [c for c in self.ca_certs if is_ca(c) and c.subject == self.ras[0].issuer][0]

    def message(self, kind, content, certificate, key, transaction=None, nonce=b"", digest="sha256", cipher="aes256", password=None, scheme="pkcs1",
                envelope=None, sort=True, recipients=None, iterations=2048, prf="sha256"):
        """A pkiMessage and what has to be known to read its answer."""
        transaction = uuid.uuid4().hex if transaction is None else transaction
        nonce = os.urandom(16) if nonce == b"" else nonce
        content_key = os.urandom(CIPHERS[cipher][1])
        if envelope is None:
            if recipients is None:
                recipients = [password_recipient(password, content_key, cipher, iterations, prf) if password is not None
                              else key_recipient(self.ras[0], content_key, scheme)]
            else:
                recipients = recipients(content_key)
            envelope = enveloped(content, recipients, content_key, cipher, version=3 if password is not None else 0)
        body = signed(envelope, certificate, key, scep_attributes(transaction, kind, nonce), digest, sort=sort)
        return body, {"transaction": transaction, "nonce": nonce, "key": key, "password": password}

    def ask(self, kind, content, certificate, key, **kw):
        password_of_answer = kw.pop("answer_password", None)
        body, sent = self.message(kind, content, certificate, key, **kw)
        if password_of_answer is not None:
            sent["password"] = password_of_answer
        return Reply(self.post(body), self, sent)

    def enrol(self, cn=None, challenge=None, key=None, names=(), certificate=None, csr=None, kind=PKCS_REQ, serial=None, signer_key=None, **kw):
        """PKCSReq as most clients send it: signed by a self-signed certificate of the key that is to be certified."""
        key = key or rsa_key()
        cn = cn or f"device-{uuid.uuid4().hex[:10]}.example"
        csr = csr or csr_of(cn, key, challenge, names, serial)
        certificate = certificate or self_signed(cn, signer_key or key)
        return self.ask(kind, csr.public_bytes(DER), certificate, signer_key or key, **kw)

    def renew(self, certificate, key, new_key=None, cn=None, kind=RENEWAL_REQ, names=(), **kw):
        new_key = new_key or key
        cn = cn or certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
        return self.ask(kind, csr_of(cn, new_key, names=names).public_bytes(DER), certificate, key, **kw)

    def poll(self, issuer, subject, certificate, key, transaction, **kw):
        return self.ask(CERT_POLL, seq(issuer.public_bytes(), subject.public_bytes()), certificate, key, transaction=transaction, **kw)

    def get_cert(self, issuer, serial, certificate, key, **kw):
        return self.ask(GET_CERT, seq(issuer.public_bytes(), integer(serial)), certificate, key, **kw)

    def get_crl(self, issuer, serial, certificate, key, **kw):
        return self.ask(GET_CRL, seq(issuer.public_bytes(), integer(serial)), certificate, key, **kw)


def is_ca(certificate):
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def issuing_profile(rest):
    """One that certifies a key for any number of names: keys of RSA take long to make, so the tests share some."""
    if not rest.get("/profiles?filter[name]=scep-test").json["data"]:
        answer = rest.post("/profiles", {"data": {"type": "profiles", "attributes": {
            "name": "scep-test", "template": "device", "definition": {"key_reuse": "allow"}}}})
        assert answer.status in (201, 409), answer
    return "scep-test"


class Profile:
    """A SCEP profile, by default with a static challenge, and a client of it."""

    def __init__(self, rest, status=201, **attributes):
        self.rest, self.label = rest, attributes.get("name") or f"p-{uuid.uuid4().hex[:10]}"
        attributes = {"name": self.label, "auth": ["challenge"], **attributes}
        attributes.setdefault("profile", issuing_profile(rest))
        self.answer = rest.post("/scep_profiles", {"data": {"type": "scep_profiles", "attributes": attributes}})
        assert self.answer.status == status, self.answer
        if status != 201:
            return
        self.id = self.answer.data["id"]
        self.challenge = attributes.get("challenge") or self.answer.attributes.get("challenge")
        self.client = Client(rest.instance, self.label)

    def change(self, status=200, **attributes):
        answer = self.rest.patch(f"/scep_profiles/{self.id}", {"data": {"type": "scep_profiles", "id": self.id, "attributes": attributes}})
        assert answer.status == status, answer
        return answer

    def code(self, **attributes):
        answer = self.rest.post("/enrollment_codes", {"data": {"type": "enrollment_codes",
                                                               "attributes": {"scep_profile": self.label, **attributes}}})
        assert answer.status == 201, answer
        return answer.attributes["secret"]


def ready(profile):
    """Waits until the CA has a registration authority: the first profile of a CA makes it have one."""
    support.wait_until(lambda: profile.client.get("GetCACert").status == 200, 60, 0.2)
    return profile


def encode_query(der, style):
    """The message of a GET as clients send it."""
    text = base64.b64encode(der).decode()
    if style == "lines":
        text = base64.encodebytes(der).decode()
    if style == "raw":  # nothing escaped but what HTTP itself forbids
        return text
    if style == "spaces":
        return text.replace("+", "%20")
    if style == "unpadded":
        return urllib.parse.quote(text.rstrip("="), safe="")
    return urllib.parse.quote(text, safe="")
