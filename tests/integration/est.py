"""What the EST tests share: enrolling, and certificates that only an attacker or the passing of time would make."""

import base64
import datetime
import uuid

from asn1crypto import core
from asn1crypto import csr as asn1_csr
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

import support

DER = serialization.Encoding.DER
CERTS_ONLY = "application/pkcs7-mime; smime-type=certs-only"


def unique(prefix="device"):
    return f"{prefix}-{uuid.uuid4().hex[:12]}.example"


def request(cn=None, attributes=(), kind="p256", names=(), key=None):
    """A CSR with attributes of raw DER values. cryptography writes values as UTF8String or PrintableString alone, so asn1crypto adds them."""
    key = key or support.new_key(kind)
    plain = asn1_csr.CertificationRequest.load(support.csr_der(support.new_csr(cn or unique(), key=key, names=names)))
    info = plain["certification_request_info"]
    old = [a.dump() for a in info["attributes"]]
    new = [core.Sequence.load(sequence(core.ObjectIdentifier(oid).dump() + _tlv(0x31, b"".join(values)))).dump() for oid, *values in attributes]
    body = b"".join(info[f].dump() for f in ("version", "subject", "subject_pk_info")) + _tlv(0xa0, b"".join(sorted(old + new)))
    signed = sequence(body)
    signature = key.sign(signed, ec.ECDSA(hashes.SHA256()))
    return sequence(signed + plain["signature_algorithm"].dump() + _tlv(0x03, b"\0" + signature))


def _tlv(tag, content):
    if len(content) < 128:
        return bytes([tag, len(content)]) + content
    size = (len(content).bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + len(content).to_bytes(size, "big") + content


def sequence(content):
    return _tlv(0x30, content)


def get(instance, path, method="GET", **kw):
    return support.http_get(f"{instance.est_url}/{path}", context=instance.tls_context(), method=method, **kw)


def one_certificate(answer):
    """The only certificate of a good answer, which must be in the form that RFC 8951 wants."""
    assert answer.status == 200, answer
    assert answer.headers["content-type"] == CERTS_ONLY
    assert b"\n" not in answer.body and b"\r" not in answer.body
    certificates = support.pkcs7_certificates(answer.body)
    assert len(certificates) == 1
    return certificates[0]


def enroll(instance, account, csr, **kw):
    """By an account's password; gives the certificate."""
    answer = support.est_enroll(instance, csr.public_bytes(DER), authorization=support.basic(*account), **kw)
    return one_certificate(answer)


class Device:
    """A device with a certificate that it got by EST."""

    def __init__(self, instance, account, folder, kind="p256", names=(), cn=None):
        self.instance, self.folder = instance, folder
        self.cn, self.names, self.key = cn or unique(), list(names), support.new_key(kind)
        self.use(enroll(instance, account, self.csr()), self.key)

    def csr(self, key=None, cn=None, names=None):
        return support.new_csr(cn or self.cn, names=self.names if names is None else names, key=key or self.key)

    def use(self, certificate, key):
        self.certificate, self.key = certificate, key
        self.cert_path, self.key_path = support.write_identity(self.folder, certificate, key, name=unique("f"))

    def ask(self, csr, operation="simplereenroll", **kw):
        return support.est_enroll(self.instance, csr.public_bytes(DER), cert=self.cert_path, key=self.key_path,
                                  operation=operation, **kw)


def issuing_ca(instance, tenant="default"):
    """Row id, tenant and certificate of a tenant's default CA."""
    row = instance.sql("SELECT ca.id, tenant_id, encode(certificate, 'hex') FROM ca JOIN tenant t ON t.id = tenant_id "
                       f"WHERE t.name = '{tenant}' AND is_default")[0]
    return row[0], row[1], x509.load_der_x509_certificate(bytes.fromhex(row[2]))


def look_alike(instance, cn=None, from_days=-1, to_days=30, ca=False, purposes=(ExtendedKeyUsageOID.CLIENT_AUTH,), serial=None):
    """A certificate with the issuer's name and key identifier of our CA, signed by a key of its own; gives it and its key."""
    _, _, issuer = issuing_ca(instance)
    key, signer = support.new_key(), support.new_key()
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    ski = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (x509.CertificateBuilder().subject_name(support.new_name(cn or unique())).issuer_name(issuer.subject)
               .public_key(key.public_key()).serial_number(serial or (1 << 126) + uuid.uuid4().int // 4)
               .not_valid_before(now + datetime.timedelta(days=from_days))
               .not_valid_after(now + datetime.timedelta(days=to_days))
               .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
               .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ski), critical=False))
    if purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    return builder.sign(signer, support.signing_hash(signer)), key


def put_into_store(instance, certificate):
    """Makes the store hold it as issued, so that what follows the look-up is tested: no time has to pass, no profile to be bent."""
    ca_id, tenant_id, _ = issuing_ca(instance)
    der = certificate.public_bytes(DER).hex()
    serial = f"{certificate.serial_number:x}"
    serial = serial.zfill(len(serial) + len(serial) % 2)
    instance.sql("INSERT INTO certificate (tenant_id, ca_id, profile_id, serial, subject, common_name, names, not_before, not_after,"
                 " spki_hash, der, requestor, source) SELECT "
                 f"{tenant_id}, {ca_id}, (SELECT min(id) FROM profile WHERE tenant_id = {tenant_id}), '\\x{serial}', 'CN=test',"
                 f" 'test', '{{}}', now(), now(), sha256('\\x{der}'), '\\x{der}', 'test', 'test'")


def wrapped(der, end="\n"):
    """base64 in lines of 64, as openssl writes it."""
    text = base64.b64encode(der).decode()
    return "".join(text[i:i + 64] + end for i in range(0, len(text), 64)).encode()
