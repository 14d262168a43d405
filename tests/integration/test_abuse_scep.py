"""SCEP abused: rows C of the catalogue, and each type of message without evidence, with wrong, expired, revoked and foreign evidence."""

import datetime
import os
import random
import time
import uuid
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

import est
import scep
import support
from abuse_scep import NOTHING, device, door, fresh, kept, nothing, refused, request, unique  # noqa: F401: fixtures among them
from scep import attribute, enveloped, integer, key_recipient, octets, oid, printable, seq, set_of, tlv

DER, PEM = serialization.Encoding.DER, serialization.Encoding.PEM


# ---------------------------------------------------------------- types of messages


@pytest.mark.rows("C01")
@pytest.mark.parametrize("kind", [18, 0, 1, 2, 3, 4, 15, 16, 23, 99, 999, 1000, -1, "", "x", "19 ", " 19", "19x", "1e1", b"1\x009", None], ids=repr)
def test_types_that_there_are_none_of(door, nothing, kind):
    """UpdateReq (18) once issued without a challenge (CVE-2026-30836): here with and without one, it is nothing."""
    for challenge in (None, door.challenge):
        csr = scep.csr_of(unique(), scep.rsa_key(), challenge).public_bytes(DER)
        refused(fresh(door).ask(kind, csr, scep.self_signed("x", scep.rsa_key()), scep.rsa_key()))


# What the gate says to each type: to those without a request whatever is in them, to the others when it is one; all else is one answer, as if it
# couldn't be decrypted.
FOREIGN = "so this system didn't issue it"
EXPECTED = {(17, "csr"): (scep.BAD_REQUEST, FOREIGN), (19, "csr"): (scep.BAD_REQUEST, "the request has no challengePassword"),
            20: (scep.BAD_CERT_ID, "there is no transaction of that name"), 21: (scep.BAD_REQUEST, FOREIGN), 22: (scep.BAD_REQUEST, FOREIGN)}


@pytest.mark.rows("C01")
@pytest.mark.parametrize("kind", [17, 18, 19, 20, 21, 22])
@pytest.mark.parametrize("content", ["csr", "names", "serial", "nothing", "rubbish"])
def test_every_type_without_evidence(door, device, nothing, kind, content):
    """Whatever the type and whatever is in it: a self-signed key and no challenge get nothing."""
    ca = door.client.ca
    der = {"csr": scep.csr_of(unique(), scep.rsa_key()).public_bytes(DER), "names": seq(ca.subject.public_bytes(), device[0].subject.public_bytes()),
           "serial": seq(ca.subject.public_bytes(), integer(device[0].serial_number)), "nothing": b"", "rubbish": os.urandom(100)}[content]
    reply = fresh(door).ask(kind, der, scep.self_signed("x", scep.rsa_key()), scep.rsa_key())
    fail, text = EXPECTED.get(kind) or EXPECTED.get((kind, content), (scep.BAD_MESSAGE_CHECK, "can't be decrypted, or what is in it can't be read"))
    if kind == 18:
        fail, text = scep.BAD_REQUEST, "messageType: 17, 19, 20, 21 and 22 are known"
    assert (reply.status, reply.fail) == (scep.FAILURE, fail) and text in reply.text, (reply.fail, reply.text)


# ---------------------------------------------------------------- RenewalReq


def other_authority(rest):
    """Another CA of the same tenant, and a profile of it."""
    name = f"ca-{uuid.uuid4().hex[:8]}"
    answer = rest.post("/cas", {"data": {"type": "cas", "attributes": {"name": name, "subject": [["CN", name]], "key_type": "p256", "key_store": "file",
                                                                       "parent": "root"}}})
    assert answer.status == 201, answer
    return scep.ready(scep.Profile(rest, ca=name, auth=["challenge", "certificate"]))


@pytest.fixture(scope="module")
def other_door(rest):
    return other_authority(rest)


@pytest.fixture(scope="module")
def other_tenants_door(other_tenant):
    return scep.ready(scep.Profile(other_tenant.rest(), auth=["challenge", "certificate"]))


def revoke(rest, certificate, how="revoke"):
    row = rest.get(f"/certificates?filter[serial]={certificate.serial_number:040x}").data[0]
    body = {"data": {"type": "revocation", "attributes": {"reason": "superseded"}}} if how == "revoke" else None
    answer = rest.post(f"/certificates/{row['id']}/{how}", body)
    assert answer.status == 200, answer


SIGNERS = ["self-signed", "look-alike", "expired", "revoked", "on hold", "of another CA", "of another tenant", "a registration authority's name"]


def signer_of(which, rest, door, other_door, other_tenants_door):
    """A certificate that is no good at the door, and its key."""
    key, instance = scep.rsa_key(), rest.instance
    if which == "self-signed":
        return scep.self_signed(unique(), key), key
    if which == "a registration authority's name":
        ra = door.client.ras[0]
        builder = x509.CertificateBuilder().subject_name(ra.subject).issuer_name(ra.issuer).public_key(key.public_key())
        return builder.serial_number(ra.serial_number).not_valid_before(ra.not_valid_before).not_valid_after(ra.not_valid_after).sign(
            key, hashes.SHA256()), key
    if which == "look-alike":
        good = door.client.enrol(challenge=door.challenge).certificate()
        builder = x509.CertificateBuilder().subject_name(good.subject).issuer_name(good.issuer).public_key(key.public_key())
        builder = builder.serial_number(good.serial_number).not_valid_before(good.not_valid_before).not_valid_after(good.not_valid_after)
        for extension in good.extensions:
            builder = builder.add_extension(extension.value, extension.critical)
        return builder.sign(key, hashes.SHA256()), key
    if which == "expired":
        _, _, issuer = est.issuing_ca(instance)
        now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
        ski = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        certificate = (x509.CertificateBuilder().subject_name(support.new_name(unique())).issuer_name(issuer.subject).public_key(key.public_key())
                       .serial_number((1 << 126) + uuid.uuid4().int // 4).not_valid_before(now - datetime.timedelta(days=9))
                       .not_valid_after(now - datetime.timedelta(days=1))
                       .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ski), critical=False)
                       .sign(support.new_key(), hashes.SHA256()))
        est.put_into_store(instance, certificate)
        return certificate, key
    if which in ("revoked", "on hold"):
        certificate = door.client.enrol(challenge=door.challenge).certificate()
        revoke(rest, certificate, "revoke" if which == "revoked" else "hold")
        return certificate, key
    at = other_door if which == "of another CA" else other_tenants_door
    return at.client.enrol(challenge=at.challenge).certificate(), key


@pytest.mark.rows("C02")
@pytest.mark.parametrize("which", SIGNERS)
def test_signers_that_are_no_good(rest, instance, door, device, other_door, other_tenants_door, which):
    certificate, key = signer_of(which, rest, door, other_door, other_tenants_door)
    before = kept(instance)
    client, ca = fresh(door), door.client.ca
    refused(client.renew(certificate, key))
    refused(client.renew(certificate, key, kind=scep.PKCS_REQ))
    refused(client.renew(certificate, key, new_key=scep.rsa_key(2048, "b")))
    # A good challenge makes no renewal of it either.
    cn = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    refused(client.ask(scep.RENEWAL_REQ, scep.csr_of(cn, key, door.challenge).public_bytes(DER), certificate, key))
    for ask in (client.get_cert, client.get_crl):
        reply = refused(ask(ca.subject, device[0].serial_number, certificate, key))
        assert reply.envelope is None
    refused(client.poll(ca.subject, certificate.subject, certificate, key, uuid.uuid4().hex), scep.BAD_CERT_ID)
    assert kept(instance) == before


@pytest.mark.rows("C02")
def test_a_server_certificate_renews_no_device(rest, door):
    """A certificate of ours of another kind: what it is good for isn't widened."""
    key, cn = scep.rsa_key(2048, uuid.uuid4().hex), unique()
    resource = rest.issued("cert_server", cn=cn, csr=support.csr_pem(support.new_csr(cn, key=key)))
    certificate = support.load_cert(resource["attributes"]["pem"])
    names = [n.value for n in certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value]
    refused(fresh(door).renew(certificate, key, names=names))


@pytest.mark.rows("C02")
def test_where_no_certificate_is_taken(rest, door, device, nothing):
    closed = scep.Profile(rest, auth=["challenge"])
    refused(closed.client.renew(*device))
    refused(closed.client.renew(*device, kind=scep.PKCS_REQ))


# ---------------------------------------------------------------- challenges


@pytest.mark.rows("C03")
@pytest.mark.parametrize("which", ["absent", "empty", "wrong", "nearly", "longer", "other case", "with a NUL", "long", "hash"])
def test_challenges_that_are_no_good(door, nothing, which):
    right = door.challenge
    challenge = {"absent": None, "empty": "", "wrong": "x" * len(right), "nearly": right[:-1], "longer": right + "x", "other case": right.upper(),
                 "with a NUL": right + "\0", "long": right * 100, "hash": scep.hashlib.sha256(right.encode()).hexdigest()}[which]
    key, cn = scep.rsa_key(), unique()
    try:
        csr = scep.csr_of(cn, key, challenge)
    except ValueError:
        pytest.skip("python-cryptography doesn't write it")
    refused(fresh(door).enrol(cn, csr=csr, key=key))


@pytest.mark.rows("C03")
def test_codes_that_are_no_good(rest, instance, door, other_door):
    used, cn = door.code(), unique()
    assert fresh(door).enrol(challenge=used).certificate()
    expired = door.code()
    hashed = scep.hashlib.sha256(expired.encode()).hexdigest()
    instance.sql(f"UPDATE enrollment_code SET expires_at = now() - interval '1 second' WHERE hash = '\\x{hashed}'")
    answer = rest.post("/enrollment_codes", {"data": {"type": "enrollment_codes", "attributes": {"scep_profile": door.label}}})
    revoked = answer.attributes["secret"]
    assert rest.delete(f"/enrollment_codes/{answer.data['id']}").status in (200, 204)
    for_another = door.code(common_name=unique())
    of_a_number = door.code(serial_number="4711")
    assert fresh(door).enrol("4711", of_a_number, serial="4711").certificate()
    before = instance.count("certificate", "source = 'scep'")
    for code in (used, expired, revoked, for_another):
        refused(fresh(door).enrol(cn, code))
        refused(fresh(door).enrol(cn, code, names=[cn]))
    bound = door.code(common_name=cn)
    refused(fresh(door).enrol(cn, bound, names=["other.example"]))
    refused(fresh(door).enrol(cn, bound, kind=scep.RENEWAL_REQ))
    assert instance.count("certificate", "source = 'scep'") == before
    assert fresh(door).enrol(cn, bound).certificate()


@pytest.mark.rows("C03")
def test_closed_by_default(rest, door, nothing):
    """No evidence is no way in, and what a profile doesn't take isn't evidence."""
    for auth in ([], None, ["none"], ["password"], ["any"], "challenge"):
        scep.Profile(rest, 422, auth=auth)
    by_certificate = scep.ready(scep.Profile(rest, auth=["certificate"]))
    refused(by_certificate.client.enrol(challenge=door.challenge))
    refused(by_certificate.client.enrol(challenge=door.code()))
    refused(by_certificate.client.enrol())
    by_code = scep.ready(scep.Profile(rest, auth=["code"]))
    refused(by_code.client.enrol(challenge=door.challenge))
    door_without = scep.ready(scep.Profile(rest, auth=["challenge"]))
    code = rest.post("/enrollment_codes", {"data": {"type": "enrollment_codes", "attributes": {}}}).attributes["secret"]
    refused(door_without.client.enrol(challenge=code))


@pytest.mark.rows("C04")
def test_challenges_of_other_profiles(rest, door, other_door, other_tenants_door, nothing):
    second = scep.ready(scep.Profile(rest, auth=["challenge", "code"]))
    codes = [second.code(), second.challenge, other_door.challenge, other_tenants_door.challenge]
    for challenge in codes:
        refused(fresh(door).enrol(challenge=challenge))
    refused(fresh(other_tenants_door).enrol(challenge=door.challenge))
    code = door.code()
    refused(second.client.enrol(challenge=code))


@pytest.mark.rows("C03")
def test_guesses_are_slowed_down(door):
    client = fresh(door)
    for _ in range(10):
        refused(client.enrol(challenge="wrong" * 4))
    csr, certificate, key = request(door)
    body, _ = client.message(scep.PKCS_REQ, csr, certificate, key)
    answer = client.post(body)
    assert answer.status == 429 and int(answer.headers["retry-after"]) > 0
    assert fresh(door).enrol(challenge=door.challenge).certificate()


def test_a_profile_that_is_closed(rest):
    """A change holds within a second (doc/scep.md)."""
    one = scep.ready(scep.Profile(rest))
    assert one.client.enrol(challenge=one.challenge).certificate()
    csr, certificate, key = request(one)
    body, sent = one.client.message(scep.PKCS_REQ, csr, certificate, key)
    one.change(enabled=False)
    time.sleep(1.1)
    for answer in (one.client.post(body), one.client.get("GetCACaps"), one.client.get("GetCACert")):
        assert answer.status == 404, answer
    one.change(enabled=True)
    time.sleep(1.1)
    assert scep.Reply(one.client.post(body), one.client, sent).certificate()
    one.change(challenge="another one entirely")
    time.sleep(1.1)
    refused(fresh(one).enrol(challenge=one.challenge))
    assert fresh(one).enrol(challenge="another one entirely").certificate()
    assert rest.delete(f"/scep_profiles/{one.id}").status == 204
    time.sleep(1.1)
    assert one.client.post(body).status == 404


# ---------------------------------------------------------------- transactions and nonces


@pytest.mark.rows("C05")
def test_a_transaction_of_another_key(instance, door):
    transaction = uuid.uuid4().hex
    assert fresh(door).enrol(challenge=door.challenge, transaction=transaction).certificate()
    before = instance.count("certificate", "source = 'scep'")
    for more in ({"key": scep.rsa_key(2048, "b")}, {"key": scep.rsa_key(2048, "b"), "names": [unique()]}, {"key": support.new_key("p256")}):
        reply = refused(fresh(door).enrol(challenge=door.challenge, transaction=transaction, answer_password=door.challenge, **more))
        assert reply.envelope is None
    assert instance.count("certificate", "source = 'scep'") == before


@pytest.mark.rows("C05")
@pytest.mark.parametrize("transaction", ["", "x" * 129, "x" * (1 << 20), b"a\0b", b"a\nb", b"\xff\xfe", b"\x1b[31m", "a@b", "a_b"],
                         ids=["empty", "129", "1 MB", "NUL", "line end", "no text", "escape", "at", "line"])
def test_transactions_that_are_none(door, nothing, transaction):
    client = fresh(door)
    csr, certificate, key = request(door)
    body, _ = client.message(scep.PKCS_REQ, csr, certificate, key, transaction=transaction)
    assert client.post(body).status in (400, 413)


def bent(door, attributes, **kw):
    """The answer to a message whose attributes are these."""
    client = fresh(door)
    csr, certificate, key = request(door)
    content_key = os.urandom(32)
    envelope = enveloped(csr, [key_recipient(client.ras[0], content_key)], content_key)
    return client, client.post(scep.signed(envelope, certificate, key, attributes, **kw)), key


@pytest.mark.rows("C05")
@pytest.mark.parametrize("which", ["no nonce", "nonce twice", "two nonces in one", "empty nonce", "long nonce", "nonce is text", "type twice",
                                   "type is an integer"])
def test_attributes_that_are_wrong(door, nothing, which):
    transaction, nonce = uuid.uuid4().hex, os.urandom(16)
    base = [attribute(scep.SCEP + "7", printable(transaction)), attribute(scep.SCEP + "2", printable(19))]
    nonce_attribute = attribute(scep.SCEP + "5", octets(nonce))
    more = {"no nonce": [], "nonce twice": [nonce_attribute, attribute(scep.SCEP + "5", octets(os.urandom(16)))],
            "two nonces in one": [attribute(scep.SCEP + "5", octets(nonce), octets(os.urandom(16)))], "empty nonce": [attribute(scep.SCEP + "5", octets(b""))],
            "long nonce": [attribute(scep.SCEP + "5", octets(b"x" * 65))], "nonce is text": [attribute(scep.SCEP + "5", printable("x" * 16))],
            "type twice": [nonce_attribute, attribute(scep.SCEP + "2", printable(17))],
            "type is an integer": [nonce_attribute]}[which]
    if which == "type is an integer":
        base[1] = attribute(scep.SCEP + "2", integer(19))
    client, answer, key = bent(door, base + more)
    known = nonce if which in ("type twice", "type is an integer") else None
    refused(scep.Reply(answer, client, {"transaction": transaction, "nonce": known, "key": key, "password": None}))


@pytest.mark.rows("C05")
@pytest.mark.parametrize("which", ["no transaction", "transaction twice", "two values", "octets"])
def test_nobody_to_answer_to(door, nothing, which):
    one = attribute(scep.SCEP + "7", printable("abc"))
    more = {"no transaction": [], "transaction twice": [one, attribute(scep.SCEP + "7", printable("abd"))],
            "two values": [attribute(scep.SCEP + "7", printable("abc"), printable("abd"))], "octets": [attribute(scep.SCEP + "7", octets(b"abc"))]}[which]
    _, answer, _ = bent(door, more + [attribute(scep.SCEP + "2", printable(19)), attribute(scep.SCEP + "5", octets(os.urandom(16)))])
    assert answer.status == 400, answer


# ---------------------------------------------------------------- envelopes


@pytest.mark.rows("C06", "C08")
@pytest.mark.parametrize("which", ["another RSA key", "the CA", "no recipient", "two", "two, the other one's", "1000", "DES", "RC2", "no cipher", "no IV",
                                   "kari", "kekri", "pwri", "ori", "a recipient that is none"])
def test_recipients_and_ciphers(door, nothing, which):
    csr, certificate, key = request(door)
    client = fresh(door)
    ra, content_key = door.client.ras[0], os.urandom(32)
    good = key_recipient(ra, content_key)
    stranger, _ = support.self_signed("stranger", key=scep.rsa_key(2048, "b"))
    expected = (scep.BAD_REQUEST, scep.BAD_ALG, scep.BAD_MESSAGE_CHECK)
    short_name = support.new_name("x").public_bytes()
    thousand = [seq(integer(0), seq(short_name, integer(n)), scep.RSA_ENCRYPTION, octets(os.urandom(16))) for n in range(999)] + [good]
    if which in ("another RSA key", "the CA"):
        recipient = key_recipient(stranger, content_key)
        if which == "the CA":
            ca = door.client.ca
            recipient = seq(integer(0), scep.issuer_and_serial(ca), scep.RSA_ENCRYPTION, octets(os.urandom(256)))
        envelope, expected = enveloped(csr, [recipient], content_key), (scep.BAD_MESSAGE_CHECK,)
    elif which in ("no recipient", "two", "two, the other one's", "1000"):
        recipients = {"no recipient": [], "two": [good, key_recipient(stranger, content_key)], "two, the other one's": [key_recipient(stranger, content_key)] * 2,
                      "1000": thousand}[which]
        envelope = enveloped(csr, recipients, content_key)
        assert len(recipients) < 3 or len(envelope) < 128 << 10  # or its length alone would be refused
    elif which in ("DES", "RC2"):
        name = which.lower()
        short = os.urandom(scep.CIPHERS[name][1])
        envelope = enveloped(csr, [key_recipient(ra, short)], short, cipher=name, encrypted=os.urandom(800))
        expected = (scep.BAD_ALG,)
    elif which in ("no cipher", "no IV"):
        algorithm = seq(oid("1.2.3.4")) if which == "no cipher" else seq(oid(scep.CIPHERS["aes256"][0]))
        envelope = seq(scep.ENVELOPED_DATA, tlv(0xa0, seq(integer(0), set_of(good), seq(scep.DATA, algorithm, tlv(0x80, os.urandom(800))))))
    else:
        recipient = {"kari": tlv(0xa1, integer(3)), "kekri": tlv(0xa2, integer(4), seq(octets(b"key")), seq(oid("2.16.840.1.101.3.4.1.45")), octets(bytes(40))),
                     "pwri": scep.password_recipient(door.challenge, content_key), "ori": tlv(0xa4, oid("1.2.3"), scep.NULL),
                     "a recipient that is none": octets(b"x")}[which]
        envelope = enveloped(csr, [recipient], content_key, version=3)
    reply = client.ask(scep.PKCS_REQ, csr, certificate, key, envelope=envelope)
    assert reply.status == scep.FAILURE and reply.fail in expected, (reply.fail, reply.text)


@pytest.mark.rows("C08")
@pytest.mark.parametrize("which", ["data", "signed", "digested", "encrypted", "compressed", "authenticated", "auth-enveloped", "nested", "absent", "rubbish",
                                   "enveloped without content"])
def test_content_types(door, nothing, which):
    csr, certificate, key = request(door)
    content_key = os.urandom(32)
    good = enveloped(csr, [key_recipient(door.client.ras[0], content_key)], content_key)
    inner = good[4 + len(scep.ENVELOPED_DATA) + 4:]  # behind SEQUENCE, the type and [0]: lengths of two octets
    assert seq(scep.ENVELOPED_DATA, tlv(0xa0, inner)) == good
    number = {"data": "1.2.840.113549.1.7.1", "signed": "1.2.840.113549.1.7.2", "digested": "1.2.840.113549.1.7.5", "encrypted": "1.2.840.113549.1.7.6",
              "compressed": "1.2.840.113549.1.9.16.1.9", "authenticated": "1.2.840.113549.1.9.16.1.2", "auth-enveloped": "1.2.840.113549.1.9.16.1.23"}
    if which in number:
        envelope = seq(oid(number[which]), tlv(0xa0, inner))
    elif which == "nested":
        envelope = good
        for _ in range(100):
            envelope = seq(scep.ENVELOPED_DATA, tlv(0xa0, envelope))
    else:
        envelope = {"absent": b"", "rubbish": os.urandom(300), "enveloped without content": seq(scep.ENVELOPED_DATA)}[which]
    reply = fresh(door).ask(scep.PKCS_REQ, csr, certificate, key, envelope=envelope)
    assert reply.status == scep.FAILURE and reply.fail in (scep.BAD_REQUEST, scep.BAD_ALG), (reply.fail, reply.text)


@pytest.mark.rows("C08")
@pytest.mark.parametrize("change, fail", [
    ("iterations", scep.BAD_REQUEST), ("iterations 2^31", scep.BAD_REQUEST), ("salt of 64 KiB", scep.BAD_REQUEST), ("salt of one octet", scep.BAD_REQUEST),
    ("other PRF", scep.BAD_ALG), ("other KEK", scep.BAD_ALG), ("other derivation", scep.BAD_ALG), ("wrong password", scep.BAD_MESSAGE_CHECK)])
def test_passwords_cost_little(door, nothing, change, fail):
    """What a stranger can make the engine derive is bounded, before anything is derived."""
    key = support.new_key("p256")
    csr, certificate, _ = request(door, key=key)
    content_key = os.urandom(32)
    kw = {"iterations": {"iterations": 20001, "iterations 2^31": 1 << 31}.get(change, 2048), "salt": b"x" * (1 << 16) if change == "salt of 64 KiB" else
          b"x" if change == "salt of one octet" else None}
    if kw["iterations"] > 1 << 20:  # our own side would work for minutes
        recipient = scep.password_recipient("x" * 20, content_key, iterations=2048).replace(integer(2048), b"\x02\x05\x00\x80\x00\x00\x00")
        recipient = rebuilt(recipient, 3)
    else:
        recipient = scep.password_recipient("wrong" * 4 if change == "wrong password" else door.challenge, content_key, **kw)
    if change in ("other PRF", "other KEK", "other derivation"):
        old, new = {"other PRF": ("1.2.840.113549.2.9", "1.2.840.113549.2.8"), "other KEK": ("1.2.840.113549.1.9.16.3.9", "1.2.840.113549.1.9.16.3.8"),
                    "other derivation": ("1.2.840.113549.1.5.12", "1.2.840.113549.1.5.11")}[change]
        recipient = recipient.replace(oid(old), oid(new))
    envelope = enveloped(csr, [recipient], content_key, version=3)
    start = time.monotonic()
    reply = fresh(door).ask(scep.PKCS_REQ, csr, certificate, key, envelope=envelope, answer_password=door.challenge)
    assert time.monotonic() - start < 5 * support.SLOWER
    assert (reply.status, reply.fail) == (scep.FAILURE, fail), (reply.fail, reply.text)


def rebuilt(der, more):
    """The same with lengths of outer elements for so many octets more: iterations in two octets became five."""
    kdf = der.index(oid("1.2.840.113549.1.5.12"))

    def grow(data, at):
        assert data[at] < 0x80 - more or data[at] in (0x81,)
        return data[:at] + bytes([data[at] + more]) + data[at + 1:] if data[at] < 0x80 else data[:at + 1] + bytes([data[at + 1] + more]) + data[at + 2:]

    der = grow(der, kdf + 11 + 1)  # PBKDF2-params
    der = grow(der, kdf - 1)       # [0]
    return grow(der, 1)


# ---------------------------------------------------------------- keys and signatures


@pytest.mark.rows("C07")
def test_the_request_of_another_key(door, nothing):
    """A good challenge for a key that the signer doesn't have: a captured request, or somebody else's."""
    other = scep.rsa_key(2048, "b")
    cn = unique()
    csr = scep.csr_of(cn, other, door.challenge)
    refused(fresh(door).enrol(cn, csr=csr, signer_key=scep.rsa_key()))
    refused(fresh(door).enrol(cn, csr=csr, signer_key=support.new_key(), password=door.challenge))
    code = door.code(common_name=cn)
    refused(fresh(door).enrol(cn, csr=scep.csr_of(cn, other, code), signer_key=scep.rsa_key()))


@pytest.mark.parametrize("which", ["signature", "content", "attribute", "other certificate", "no certificate", "two signers", "md5", "sha1", "other digest",
                                   "no attributes", "17 certificates"])
def test_signatures_that_are_wrong(door, nothing, which):
    client = fresh(door)
    csr, certificate, key = request(door)
    content_key = os.urandom(32)
    envelope = enveloped(csr, [key_recipient(client.ras[0], content_key)], content_key)
    transaction, nonce = uuid.uuid4().hex, os.urandom(16)
    attributes = scep.scep_attributes(transaction, 19, nonce)
    kw = {"two signers": {"signers": 2}, "sha1": {"digest": "sha1"}, "md5": {"digest": "md5"}, "no certificate": {"certificates": []},
          "17 certificates": {"more_certificates": [certificate] * 16}}.get(which, {})
    if which == "other certificate":  # with the same name and serial number, and another key
        other = scep.rsa_key(2048, "b")
        kw = {"certificates": [x509.CertificateBuilder().subject_name(certificate.subject).issuer_name(certificate.issuer).public_key(other.public_key())
                               .serial_number(certificate.serial_number).not_valid_before(certificate.not_valid_before)
                               .not_valid_after(certificate.not_valid_after).sign(other, hashes.SHA256())]}
    body = scep.signed(envelope, certificate, key, attributes, **kw)
    if which == "signature":
        body = body[:-1] + bytes([body[-1] ^ 1])
    elif which == "content":
        at = body.index(envelope) + len(envelope) - 3
        body = body[:at] + bytes([body[at] ^ 1]) + body[at + 1:]
    elif which == "attribute":
        body = body.replace(nonce, os.urandom(16))
    elif which == "other digest":
        body = body.replace(oid(scep.DIGESTS["sha256"]), oid(scep.DIGESTS["sha384"]))
    elif which == "no attributes":
        body = scep.signed(envelope, certificate, key, [])
    answer = client.post(body)
    if which in ("no certificate", "two signers", "md5", "no attributes", "17 certificates"):
        assert answer.status == 400 or b"\x13\x012" in answer.body, answer
        return
    found = scep.asn1_cms.ContentInfo.load(answer.body)["content"]["signer_infos"][0]["signed_attrs"]
    values = {a["type"].dotted: a["values"][0].parsed.native if a["type"].dotted.startswith("2.16") else None for a in found}
    assert values[scep.SCEP + "3"] == scep.FAILURE
    assert values[scep.SCEP + "4"] == (scep.BAD_ALG if which == "sha1" else scep.BAD_MESSAGE_CHECK), values


@pytest.mark.parametrize("which", ["1", "4", "of 65 bits", "as long as the modulus"])
def test_exponents_that_arent_taken(door, nothing, which):
    """One as long as the modulus costs a hundred times as much to verify as an ordinary one."""
    exponent = {"1": 1, "4": 4, "of 65 bits": (1 << 64) + 1, "as long as the modulus": (1 << 2047) + 1}[which]
    key = scep.rsa_key()
    bent = seq(scep.RSA_ENCRYPTION, tlv(0x03, b"\0", seq(integer(key.public_key().public_numbers().n), integer(exponent))))
    algorithm, name = seq(oid("1.2.840.113549.1.1.11"), scep.NULL), support.new_name("x").public_bytes()
    tbs = seq(tlv(0xa0, integer(2)), integer(7), algorithm, name, seq(tlv(0x17, b"250101000000Z"), tlv(0x17, b"450101000000Z")), name, bent)
    der = seq(tbs, algorithm, tlv(0x03, b"\0", scep.sign(key, "sha256", tbs)))
    certificate = type("Certificate", (), {"issuer": support.new_name("x"), "serial_number": 7, "public_bytes": staticmethod(lambda encoding: der)})
    reply = fresh(door).ask(scep.PKCS_REQ, b"x", certificate, key)
    assert reply.status == scep.FAILURE and reply.fail == scep.BAD_ALG and "exponent" in reply.text, (reply.fail, reply.text)


@pytest.mark.parametrize("bits", [1024, 1536])
def test_short_keys(door, nothing, bits):
    reply = door.client.enrol(challenge=door.challenge, key=scep.rsa_key(bits))
    assert reply.status == scep.FAILURE and reply.fail == scep.BAD_ALG


# ---------------------------------------------------------------- HTTP


@pytest.mark.rows("C09")
def test_addresses_that_are_wrong(instance, door):
    base = f"http://{instance.plain_host}:{instance.plain_port}"

    def get(path, method="GET", body=None):
        return support.http_get(base + path, method=method, body=body, source=door.client.source)

    at = f"/scep/{door.label}"
    assert get(f"{at}?operation=PKIOperation&message={'A' * 100000}").status == 414
    for query in ("", "?operation=", "?operation=Nonsense", "?operation=PKIOperation%20", "?operation=GetCACert&operation=GetCACert",
                  "?operation=GetCACaps&Operation=PKIOperation", "?operation=PKIOperation", "?operation=PKIOperation&message=",
                  "?operation=PKIOperation&message=%20", "?operation=PKIOperation&message=!!!!", "?operation=PKIOperation&message=AAAA&message=AAAA",
                  "?operation=PKIOperation&message=AAAA", "?operation=PKIOperation&message=A"):
        assert get(at + query).status == 400, query
    for path in (f"{at}/other", f"/scep/{uuid.uuid4().hex}", "/scep/UPPER", "/scep/..%2f..%2fapi", f"{at}/pkiclient.exe/x", "/scep/" + "x" * 65, "/scep/%00",
                 f"/scep/{door.label}%0a"):
        assert get(path + "?operation=GetCACaps").status in (400, 404), path
    assert get(f"{at}?operation=GetCACaps", "POST", b"x").status == 405
    assert get(f"{at}?operation=PKIOperation", "PUT", b"x").status == 405
    assert get(f"{at}?operation=PKIOperation", "POST", b"").status == 400
    assert get(f"{at}?operation=PKIOperation", "POST", b"x" * (1 << 20)).status == 413
    assert get(f"{at}?operation=GetCACaps", "HEAD").status == 200
    assert get(f"{at}?operation=GetNextCACert").status == 404


def test_bodies_that_are_rubbish(door, nothing):
    """Nothing that is bent comes through, and nothing makes a fault of ours."""
    csr, certificate, key = request(door)
    good, _ = door.client.message(scep.PKCS_REQ, csr, certificate, key)
    rng = random.Random(8894)
    bodies = [good[:n] for n in range(1, len(good), 97)] + [good + b"\0", b"0" * 1000, os.urandom(2000), b"\x30\x80" * 5000, b"\x30\x84\xff\xff\xff\xff"]
    # Of no meaning: digestAlgorithms, which the SignerInfo says again, and what the signer's self-signed certificate has beside its key and name; versions,
    # and parameters of algorithms that have none.
    meaningless, digest = set(), seq(oid(scep.DIGESTS["sha256"]), scep.NULL)
    signer = good.index(integer(1) + scep.issuer_and_serial(certificate))
    for part, at in ((digest, good.index(digest)), (certificate.public_bytes(DER), 0), (integer(1), good.index(integer(1))), (integer(1), signer),
                     (scep.NULL, good.index(digest, signer) + len(digest) - 2), (scep.NULL, good.rindex(scep.RSA_ENCRYPTION) + len(scep.RSA_ENCRYPTION) - 2)):
        at = good.index(part, at)
        meaningless.update(range(at, at + len(part)))
    for _ in range(150):
        bad = bytearray(good)
        at = rng.choice([i for i in range(len(bad)) if i not in meaningless])
        bad[at] ^= 1 << rng.randrange(8)
        bodies.append(bytes(bad))
    for body in bodies:
        answer = fresh(door).post(body)
        assert answer.status in (200, 400), (answer, body[:40])
        if answer.status == 200:
            found = scep.asn1_cms.ContentInfo.load(answer.body)["content"]["signer_infos"][0]["signed_attrs"]
            [status] = [a["values"][0].parsed.native for a in found if a["type"].dotted == scep.SCEP + "3"]
            assert status == scep.FAILURE, [i for i in range(len(good)) if good[i] != body[i]]


# ---------------------------------------------------------------- CertPoll, GetCert


@pytest.mark.rows("C10")
def test_transactions_of_others(rest, door, device):
    """Who polls is told of his own transactions: another key, or another profile, has none of that name."""
    cn = unique()
    answer = rest.post("/policies", {"data": {"type": "policies", "attributes": {
        "name": f"w{uuid.uuid4().hex[:8]}", "enabled": True, "rules": [{"name": "look", "when": f'$.subject.CN == "{cn}"', "message": "waits",
                                                                        "approve": {"count": 1, "right": "approvals.decide"}}]}}})
    assert answer.status == 201, answer
    try:
        transaction, key = uuid.uuid4().hex, scep.rsa_key()
        csr, signer = scep.csr_of(cn, key, door.challenge), scep.self_signed(cn, key)
        assert door.client.enrol(cn, csr=csr, certificate=signer, transaction=transaction).status == scep.PENDING
        second = scep.ready(scep.Profile(rest, auth=["challenge", "certificate"]))
        ca, other = door.client.ca.subject, scep.rsa_key(2048, "b")
        same_name = scep.self_signed(cn, other)
        never = refused(fresh(door).poll(ca, csr.subject, same_name, other, uuid.uuid4().hex), scep.BAD_CERT_ID)
        for reply in (fresh(door).poll(ca, csr.subject, same_name, other, transaction),
                      fresh(door).poll(ca, csr.subject, scep.self_signed("x", other), other, transaction),
                      second.client.poll(ca, csr.subject, signer, key, transaction)):
            refused(reply, scep.BAD_CERT_ID)
            assert reply.text == never.text
        seen = set()
        for reply in (fresh(door).poll(ca, support.new_name("other"), signer, key, transaction),
                      fresh(door).poll(support.new_name("other"), csr.subject, signer, key, transaction),
                      fresh(door).ask(scep.CERT_POLL, b"x", signer, key, transaction=transaction)):
            refused(reply, scep.BAD_CERT_ID)
            seen.add(reply.text)
        assert seen == {NOTHING}
        for issuer in (ca, door.client.ca.issuer, door.client.ras[0].subject):  # as RFC 8894 3.3.3, sscep and strongSwan have it
            assert door.client.poll(issuer, csr.subject, signer, key, transaction).status == scep.PENDING
    finally:
        rest.delete(f"/policies/{answer.data['id']}")


@pytest.mark.rows("C10")
def test_certificates_of_others(door, device, other_door, other_tenants_door):
    """GetCert tells of this path's CA alone."""
    for at in (other_door, other_tenants_door):
        certificate = at.client.enrol(challenge=at.challenge).certificate()
        refused(door.client.get_cert(certificate.issuer, certificate.serial_number, *device), scep.BAD_CERT_ID)
        refused(door.client.get_cert(door.client.ca.subject, certificate.serial_number, *device), scep.BAD_CERT_ID)
        refused(door.client.get_crl(certificate.issuer, certificate.serial_number, *device), scep.BAD_CERT_ID)


@pytest.mark.rows("C10")
def test_a_list_at_the_limit(instance, door, device):
    """The longest list that is answered, the shortest that isn't, which says where it is to be had, and one that is far beyond: the front end goes on."""
    ski = door.client.ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest.hex()
    path = Path(instance.config["ca"]["crl_dir"]) / f"{ski}.crl"
    kept, before, owner = path.read_bytes(), instance.pids("siegel-scep"), path.stat()

    def ask(content):
        other = path.with_suffix(".other")
        other.write_bytes(content)
        os.chmod(other, 0o644)
        os.chown(other, owner.st_uid, owner.st_gid)
        os.rename(other, path)
        return door.client.get_crl(door.client.ca.subject, 1, *device)

    try:
        limit = 512 * 1024
        longest = tlv(0x30, bytes(limit - 5))
        assert len(longest) == limit
        assert longest in ask(longest).open()
        [url] = [name.value for point in device[0].extensions.get_extension_for_class(x509.CRLDistributionPoints).value for name in point.full_name]
        for size in (limit + 1, 900 * 1024, 1 << 24):
            reply = refused(ask(bytes(size)))
            assert url in reply.text
    finally:
        assert ask(kept).crl() is not None
    assert instance.pids("siegel-scep") == before


def test_a_long_reason_is_cut(rest, door):
    """Of what a policy says as much is told as a failInfoText holds, in whole characters."""
    cn, message = unique(), "a" + "\u00e4" * 99
    answer = rest.post("/policies", {"data": {"type": "policies", "attributes": {
        "name": f"w{uuid.uuid4().hex[:8]}", "enabled": True, "condition": f'$.subject.CN[*] == "{cn}"',
        "rules": [{"name": "no", "refuse": True, "message": message}]}}})
    assert answer.status == 201, answer
    try:
        reply = refused(fresh(door).enrol(cn, door.challenge))
        assert 198 < len(reply.text.encode()) <= 200 and reply.text.startswith(message)
    finally:
        rest.delete(f"/policies/{answer.data['id']}")


@pytest.mark.parametrize("name", ["pkiclient.exe", "mscep.dll", "mscep", "mscep_admin", "certsrv", "cgi-bin", "scep"])
def test_names_that_paths_have(rest, name):
    answer = rest.post("/scep_profiles", {"data": {"type": "scep_profiles", "attributes": {
        "name": name, "auth": ["challenge"], "profile": scep.issuing_profile(rest)}}})
    if answer.status == 201:
        rest.delete(f"/scep_profiles/{answer.data['id']}")
    assert answer.status == 422 and answer.error["source"]["pointer"].endswith("/name"), answer


def test_the_address_without_a_label_is_one_tenants(instance, rest, other_tenant):
    label = instance.config["scep"].get("label", "default")
    other = other_tenant.rest()
    answer = other.post("/scep_profiles", {"data": {"type": "scep_profiles", "attributes": {
        "name": label, "auth": ["challenge"], "profile": scep.issuing_profile(other)}}})
    if answer.status == 201:
        other.delete(f"/scep_profiles/{answer.data['id']}")
    assert answer.status == 422 and "[scep] tenant" in answer.error["detail"], answer


def test_the_hash_of_the_challenge_is_for_one_role(instance, door):
    ask = f"SELECT r_id, encode(r_challenge, 'hex') FROM siegel.endpoint_find('scep', '{door.label}')"
    assert [len(row[1]) for row in instance.sql(ask, role="siegel_scep")] == [64]
    assert [len(row[1]) for row in instance.sql(ask, role="siegel_est")] == [0]


def test_secrets_stay_out_of_the_log(instance, door):
    secret, code = "canary-" + uuid.uuid4().hex, door.code()
    refused(fresh(door).enrol(challenge=secret))
    certificate = fresh(door).enrol(challenge=code).certificate()
    text = instance.log_text()
    [line] = [one for one in text.splitlines() if 'event="scep answered"' in one and f"serial=\"{certificate.serial_number:040x}\"" in one]
    assert 'pki_status="success"' in line and 'evidence="code"' in line and "code=- detail=-" in line
    for one in (secret, code, door.challenge):
        assert one not in text


@pytest.mark.rows("E09")
@pytest.mark.parametrize("end", ["UPDATE account SET enabled = false WHERE name = '{}'",
                                 "UPDATE credential SET revoked_at = now() WHERE account_id = (SELECT id FROM account WHERE name = '{}')"])
def test_a_former_credential_renews_nothing(instance, default_tenant, door, end):
    """An account's certificate isn't a device's again when the account is disabled or the certificate withdrawn."""
    key = scep.rsa_key()
    certificate = door.client.enrol(challenge=door.challenge, key=key).certificate()
    name, _ = default_tenant.account("requestor", "password")
    instance.sql("INSERT INTO credential (tenant_id, account_id, kind, hash) SELECT tenant_id, id, 'certificate', "
                 f"sha256('\\x{certificate.public_bytes(DER).hex()}') FROM account WHERE name = '{name}'")
    assert door.client.renew(certificate, key).status == scep.SUCCESS  # of an account that is there: it renews itself
    instance.sql(end.format(name))
    reply = door.client.renew(certificate, key)
    assert (reply.status, reply.fail) == (scep.FAILURE, scep.BAD_REQUEST) and "account" in reply.text, reply.text
    assert door.client.get_cert(certificate.issuer, certificate.serial_number, certificate, key).status == scep.FAILURE
