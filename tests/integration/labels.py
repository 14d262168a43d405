"""What the tests of labels share: doors made over REST, requests at them, manufacturers."""

import datetime
import uuid

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

import est
import support

DER, PEM = serialization.Encoding.DER, serialization.Encoding.PEM


def document(resource, /, **attributes):
    return {"data": {"type": resource, "attributes": attributes}}


def mark(prefix="l"):
    return f"{prefix}-{uuid.uuid4().hex[:10]}"


class Label:
    """A label of EST that is there until the end of the test."""

    def __init__(self, instance, rest, status=201, **attributes):
        self.instance, self.rest, self.name = instance, rest, attributes.get("name") or mark()
        self.answer = rest.post("/est_labels", document("est_labels", **{"name": self.name, "profile": "device", "auth": ["password"], **attributes}))
        assert self.answer.status == status, self.answer
        self.id = self.answer.data["id"] if status == 201 else None

    def change(self, status=200, **attributes):
        answer = self.rest.patch(f"/est_labels/{self.id}", {"data": {"type": "est_labels", "id": self.id, "attributes": attributes}})
        assert answer.status == status, answer
        return answer

    def delete(self):
        return self.rest.delete(f"/est_labels/{self.id}")

    def get(self, operation, **kw):
        return est.get(self.instance, f"{self.name}/{operation}", **kw)

    def ask(self, csr, account=None, identity=(None, None), operation="simpleenroll", **kw):
        authorization = support.basic(*account) if account else None
        return support.est_enroll(self.instance, csr.public_bytes(DER), authorization=authorization, cert=identity[0], key=identity[1],
                                  operation=f"{self.name}/{operation}", **kw)

    def codes(self, status=201, **attributes):
        answer = self.rest.post("/enrollment_codes", document("enrollment_codes", **{"est_label": self.name, **attributes}))
        assert answer.status == status, answer
        return answer

    def code(self, **attributes):
        """Name and secret, as a device has them; the name is of no meaning."""
        return "device", self.codes(**attributes).attributes["secret"]


def subject(cn=None, serial=None):
    values = [x509.NameAttribute(NameOID.COMMON_NAME, cn)] if cn else []
    return x509.Name(values + ([x509.NameAttribute(NameOID.SERIAL_NUMBER, serial)] if serial else []))


def csr_of(name, key=None, names=()):
    key = key or support.new_key()
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), critical=False)
    return builder.sign(key, support.signing_hash(key))


class Manufacturer:
    """A hierarchy that isn't ours: root, CA below it, and certificates of devices."""

    def __init__(self, folder):
        self.folder = folder
        self.root, self.root_key = self.make(mark("Maker Root"), ca=True)
        self.ca, self.ca_key = self.make(mark("Maker CA"), ca=True, issuer=self.root, signer=self.root_key)

    def make(self, cn, serial=None, ca=False, issuer=None, signer=None, days=(-1, 3650), purposes=(), key=None, digest=None, key_id=None, names=()):
        key = key or support.new_key()
        now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
        name = subject(cn, serial)
        key_id = key_id or (issuer or None) and issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        builder = (x509.CertificateBuilder().subject_name(name).issuer_name(issuer.subject if issuer else name).public_key(key.public_key())
                   .serial_number(x509.random_serial_number())
                   .not_valid_before(now + datetime.timedelta(days=days[0])).not_valid_after(now + datetime.timedelta(days=days[1]))
                   .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
                   .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False))
        if key_id:
            builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key_id), critical=False)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), critical=False)
        if purposes:
            builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        if ca:
            builder = builder.add_extension(x509.KeyUsage(False, False, False, False, False, True, True, False, False), critical=True)
        signer = signer or key
        return builder.sign(signer, digest or support.signing_hash(signer)), key

    def device(self, serial=None, cn="IDevID", **kw):
        """Files of a device's certificate and its key; and the certificate."""
        kw = {"issuer": self.ca, "signer": self.ca_key, **kw}
        certificate, key = self.make(cn, serial=serial, **kw)
        return self.written(certificate, key), certificate

    def written(self, certificate, key):
        return support.write_identity(self.folder, certificate, key, name=mark("f"))

    def anchors(self, *certificates):
        return "".join(c.public_bytes(PEM).decode() for c in certificates or (self.root, self.ca))


def pem(*certificates):
    return "".join(c.public_bytes(PEM).decode() for c in certificates)


CLIENT, SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH


def expect(answer, status, *words):
    """A refusal in the form that devices get: one line of text that names the cause."""
    assert answer.status == status, answer
    assert answer.headers["content-type"].startswith("text/plain")
    for word in words:
        assert word in answer.body.decode(), answer


def issued_by(instance, certificate):
    """Profile, source, requestor and id of a certificate of the store."""
    der = certificate.public_bytes(DER).hex()
    return instance.sql("SELECT p.name, x.source, x.requestor, x.id FROM certificate x JOIN profile p ON p.id = x.profile_id "
                        f"WHERE x.der = '\\x{der}'")[0]


def make_ca(rest, prefix, profile, parent=None, **attributes):
    """A CA of rest's tenant, made over REST: its resource."""
    name = mark(prefix)
    data = {"type": "cas", "attributes": {"name": name, "subject": [["CN", name]], "key_type": "p256", "profile": profile, **attributes}}
    if parent:
        data["relationships"] = {"parent": {"data": {"type": "cas", "id": parent}}}
    answer = rest.post("/cas", {"data": data})
    assert answer.status == 201, answer
    return answer.data
