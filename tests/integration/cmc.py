"""A client of CMC (RFC 5272, 5273) of our own, on asn1crypto: it writes Full PKI Requests, good ones and such as no client would, and reads the responses."""

import base64
import os

from asn1crypto import algos, cms, core, keys, x509
from asn1crypto import csr as asn1_csr
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509 import load_der_x509_certificate

import support

REQUEST_TYPE, RESPONSE_TYPE = "application/pkcs7-mime; smime-type=CMC-request", "application/pkcs7-mime; smime-type=CMC-response"
PKI_DATA, PKI_RESPONSE = "1.3.6.1.5.5.7.12.2", "1.3.6.1.5.5.7.12.3"
ID_CMC = "1.3.6.1.5.5.7.7"
STATUS_V2, TRANSACTION_ID, SENDER_NONCE, RECIPIENT_NONCE, DATA_RETURN, REG_INFO = (f"{ID_CMC}.{n}" for n in (25, 5, 6, 7, 4, 18))
IDENTITY_PROOF_V2, REVOKE_REQUEST, QUERY_PENDING, ADD_EXTENSIONS, CHANGE_SUBJECT_NAME = (f"{ID_CMC}.{n}" for n in (34, 17, 21, 8, 36))
SUCCESS, FAILED, PENDING, NO_SUPPORT = 0, 2, 3, 4
BAD_ALG, BAD_MESSAGE_CHECK, BAD_REQUEST, BAD_IDENTITY, POP_REQUIRED, POP_FAILED, TRY_LATER = 0, 1, 2, 7, 8, 9, 12
DER = serialization.Encoding.DER


class Values(core.SetOf):
    _child_spec = core.Any


class Control(core.Sequence):
    _fields = [("id", core.Integer), ("type", core.ObjectIdentifier), ("values", Values)]


class Controls(core.SequenceOf):
    _child_spec = Control


class TaggedCertificationRequest(core.Sequence):
    _fields = [("id", core.Integer), ("request", asn1_csr.CertificationRequest)]


class CertTemplate(core.Sequence):
    _fields = [("version", core.Integer, {"implicit": 0, "optional": True}), ("serial", core.Integer, {"implicit": 1, "optional": True}),
               ("issuer", x509.Name, {"explicit": 3, "optional": True}), ("subject", x509.Name, {"explicit": 5, "optional": True}),
               ("key", keys.PublicKeyInfo, {"implicit": 6, "optional": True}), ("extensions", x509.Extensions, {"implicit": 9, "optional": True})]


class CertRequest(core.Sequence):
    _fields = [("id", core.Integer), ("template", CertTemplate), ("controls", Controls, {"optional": True})]


class SigningProof(core.Sequence):
    _fields = [("algorithm", algos.SignedDigestAlgorithm), ("signature", core.OctetBitString)]


class Proof(core.Choice):
    _alternatives = [("ra_verified", core.Null, {"implicit": 0}), ("signature", SigningProof, {"implicit": 1})]


class CertReqMsg(core.Sequence):
    _fields = [("request", CertRequest), ("proof", Proof, {"optional": True}), ("reg_info", Controls, {"optional": True})]


class TaggedRequest(core.Choice):
    _alternatives = [("tcr", TaggedCertificationRequest, {"implicit": 0}), ("crm", CertReqMsg, {"implicit": 1})]


class Requests(core.SequenceOf):
    _child_spec = TaggedRequest


class AnyList(core.SequenceOf):
    _child_spec = core.Any


class PkiData(core.Sequence):
    _fields = [("controls", Controls), ("requests", Requests), ("cms", AnyList), ("other", AnyList)]


class PkiResponse(core.Sequence):
    _fields = [("controls", Controls), ("cms", AnyList), ("other", AnyList)]


class BodyParts(core.SequenceOf):
    _child_spec = core.Integer


class PendInfo(core.Sequence):
    _fields = [("token", core.OctetString), ("time", core.GeneralizedTime)]


class OtherInfo(core.Choice):
    _alternatives = [("failure", core.Integer), ("pending", PendInfo, {"implicit": 0}), ("extended", core.Sequence, {"implicit": 1})]


class StatusInfoV2(core.Sequence):
    _fields = [("status", core.Integer), ("parts", BodyParts), ("text", core.UTF8String, {"optional": True}), ("other", OtherInfo, {"optional": True})]


def control(number, oid, *values):
    return Control({"id": number, "type": oid, "values": Values([core.Any.load(v.dump()) for v in values])})


def sign_raw(key, data):
    """The algorithm of a signature by that key with SHA-256, and the signature."""
    if isinstance(key, rsa.RSAPrivateKey):
        return {"algorithm": "sha256_rsa"}, key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return {"algorithm": "ed25519"}, key.sign(data)
    return {"algorithm": "sha256_ecdsa"}, key.sign(data, ec.ECDSA(hashes.SHA256()))


def pkcs10(csr, number=1):
    return TaggedRequest("tcr", TaggedCertificationRequest({"id": number, "request": asn1_csr.CertificationRequest.load(csr)}))


def crmf(cn, key, number=1, names=(), proof="signature", signer=None, controls=None, **template):
    """A CertReqMsg. proof: "signature", "ra_verified" or None; signer: another key than the one that is asked for."""
    public = keys.PublicKeyInfo.load(key.public_key().public_bytes(DER, serialization.PublicFormat.SubjectPublicKeyInfo))
    parts = {"subject": x509.Name.build({"common_name": cn}), "key": public, **template}
    if names:
        san = x509.GeneralNames([x509.GeneralName("dns_name", n) for n in names])
        parts["extensions"] = x509.Extensions([{"extn_id": "subject_alt_name", "extn_value": san}])
    asked = CertRequest({"id": number, "template": {k: v for k, v in parts.items() if v is not None}, **({"controls": controls} if controls else {})})
    message = {"request": asked}
    if proof == "signature":
        algorithm, signature = sign_raw(signer or key, asked.dump())
        message["proof"] = Proof("signature", SigningProof({"algorithm": algorithm, "signature": signature}))
    elif proof == "ra_verified":
        message["proof"] = Proof("ra_verified", core.Null())
    return TaggedRequest("crm", CertReqMsg(message))


def pki_data(*requests, controls=(), nested=(), other=()):
    return PkiData({"controls": Controls(list(controls)), "requests": Requests(list(requests)), "cms": AnyList(list(nested)), "other": AnyList(list(other))}).dump()


def signed(content, certificate, key, content_type=PKI_DATA, certificates=None, said=None, digest=None, twice=False):
    """SignedData over content by that certificate (cryptography's object) and key; None: by nobody. said: another content-type among the signed
    attributes; digest: another message digest; twice: two signers."""
    infos, bag = [], [cms.CertificateChoices("certificate", x509.Certificate.load(c.public_bytes(DER)))
                      for c in (certificates if certificates is not None else [certificate] if certificate else [])]
    if certificate:
        whole = hashes.Hash(hashes.SHA512() if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256())
        whole.update(content)
        attributes = cms.CMSAttributes([
            cms.CMSAttribute({"type": "content_type", "values": [cms.ContentType(said or content_type)]}),
            cms.CMSAttribute({"type": "message_digest", "values": [core.OctetString(digest or whole.finalize())]}),
        ])
        own = x509.Certificate.load(certificate.public_bytes(DER))
        algorithm, signature = sign_raw(key, attributes.dump())
        infos = [cms.SignerInfo({
            "version": "v1",
            "sid": cms.SignerIdentifier("issuer_and_serial_number", cms.IssuerAndSerialNumber({"issuer": own.issuer, "serial_number": own.serial_number})),
            "digest_algorithm": {"algorithm": "sha512" if isinstance(key, ed25519.Ed25519PrivateKey) else "sha256"},
            "signed_attrs": attributes, "signature_algorithm": algorithm, "signature": signature})] * (2 if twice else 1)
    data = cms.SignedData({
        "version": "v3", "digest_algorithms": [{"algorithm": "sha256"}] if infos else [],
        "encap_content_info": {"content_type": content_type, "content": core.ParsableOctetString(content)},
        **({"certificates": bag} if bag else {}), "signer_infos": infos})
    return cms.ContentInfo({"content_type": "signed_data", "content": data}).dump()


def post(instance, message, label=None, **kw):
    headers = {"Content-Type": REQUEST_TYPE, **kw.pop("headers", {})}
    return support.est_enroll(instance, None, operation=f"{label}/fullcmc" if label else "fullcmc", body=base64.b64encode(message), headers=headers, **kw)


class Response:
    """A Full PKI Response, which has to be signed: the registration authority's certificate and the issued one are in it."""

    def __init__(self, answer):
        assert answer.headers["content-type"] == RESPONSE_TYPE, answer
        assert b"\n" not in answer.body
        self.answer, self.der = answer, base64.b64decode(answer.body, validate=True)
        info = cms.ContentInfo.load(self.der, strict=True)
        self.signed = info["content"]
        assert info["content_type"].native == "signed_data" and self.signed["encap_content_info"]["content_type"].dotted == PKI_RESPONSE
        assert len(self.signed["signer_infos"]) == 1
        self.content = PkiResponse.load(self.signed["encap_content_info"]["content"].native, strict=True)
        assert len(self.content["cms"]) == len(self.content["other"]) == 0
        numbers = [c["id"].native for c in self.content["controls"]]
        assert len(set(numbers)) == len(numbers) and 0 not in numbers
        self.controls = {c["type"].dotted: c["values"] for c in self.content["controls"]}
        self.certificates = [c.chosen for c in self.signed["certificates"]]

    def value(self, oid):
        assert len(self.controls[oid]) == 1
        return self.controls[oid][0].parse().native

    @property
    def info(self):
        return StatusInfoV2.load(self.controls[STATUS_V2][0].dump(), strict=True)

    @property
    def status(self):
        return self.info["status"].native

    @property
    def failure(self):
        other = self.info["other"]
        return other.chosen.native if isinstance(other, OtherInfo) and other.name == "failure" else None

    @property
    def text(self):
        return self.info["text"].native

    @property
    def part(self):
        return list(self.info["parts"].native)

    @property
    def signer(self):
        sid = self.signed["signer_infos"][0]["sid"].chosen
        return next(c for c in self.certificates if c.serial_number == sid["serial_number"].native and c.issuer == sid["issuer"])

    @property
    def issued(self):
        others = [c for c in self.certificates if c.serial_number != self.signer.serial_number]
        assert len(others) == 1
        return load_der_x509_certificate(others[0].dump())


def nonce():
    return os.urandom(16)
