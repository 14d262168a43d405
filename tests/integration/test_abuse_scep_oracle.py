"""SCEP as an oracle: what an answer, or its time, tells of what stands in somebody else's message (rows C06), and who is counted for trying."""

import os
import random
import statistics
import time
import uuid

import pytest

import scep
import support
from abuse_scep import DER, NOTHING, device, door, fresh, nothing, nothing_but, refused, request, unique  # noqa: F401: fixtures among them
from scep import enveloped, integer, key_recipient, seq


HIDDEN = "the message can't be decrypted, or what is in it can't be read (RFC 8894 3.2.2)"


def broken_envelopes(door):
    """Messages that fail behind the encryption, each in a way of its own."""
    csr, _, _ = request(door)
    ra, key, iv = door.client.ras[0], os.urandom(32), os.urandom(16)
    good = scep.encrypt("aes256", key, iv, csr)
    return {
        "wrong padding of RSA": lambda: enveloped(csr, [key_recipient(ra, key, broken=True)], key),
        "wrong key": lambda: enveloped(csr, [key_recipient(ra, os.urandom(32))], key),
        "a key of 16 octets": lambda: enveloped(csr, [key_recipient(ra, os.urandom(16))], key),
        "a key of 1 octet": lambda: enveloped(csr, [key_recipient(ra, b"x")], key),
        "wrong padding of the content": lambda: enveloped(b"", [key_recipient(ra, key)], key, padded=csr + b"\0" * (16 - len(csr) % 16)),
        "content cut": lambda: enveloped(b"", [key_recipient(ra, key)], key, iv=iv, encrypted=good[:-16]),
        "content turned over": lambda: enveloped(b"", [key_recipient(ra, key)], key, iv=iv, encrypted=good[:32] + bytes(16) + good[48:]),
        "empty content": lambda: enveloped(b"", [key_recipient(ra, key)], key),
        "rubbish as content": lambda: enveloped(os.urandom(700), [key_recipient(ra, key)], key),
        "a certificate as content": lambda: enveloped(ra.public_bytes(DER), [key_recipient(ra, key)], key),
        "a request with a wrong signature": lambda: enveloped(csr[:-1] + bytes([csr[-1] ^ 1]), [key_recipient(ra, key)], key),
    }


@pytest.mark.rows("C06")
def test_one_answer_for_all_that_is_behind_the_encryption(door, nothing):
    csr, certificate, key = request(door)
    seen = set()
    for make in broken_envelopes(door).values():
        reply = fresh(door).ask(scep.PKCS_REQ, csr, certificate, key, envelope=make())
        seen.add((reply.status, reply.fail, reply.text))
    assert seen == {(scep.FAILURE, scep.BAD_MESSAGE_CHECK, HIDDEN)}


@pytest.mark.rows("C06")
@pytest.mark.slow
def test_one_time_for_all_that_is_behind_the_encryption(door, nothing):
    """Good padding with a wrong content against wrong padding, in random order. What differs of their quickest tenths is small beside what one takes."""
    client, (csr, certificate, key) = fresh(door), request(door)
    makes = broken_envelopes(door)
    host, port = client.instance.plain_host, client.instance.plain_port
    took = {"wrong padding of RSA": [], "wrong key": [], "a key of 1 octet": []}
    bodies = {which: [client.message(scep.PKCS_REQ, csr, certificate, key, envelope=makes[which]())[0] for _ in range(20)] for which in took}
    order = list(took) * 300
    random.shuffle(order)
    for i, which in enumerate(order):
        if i % 9 == 0:  # ten wrong ones from one address are enough for a minute
            connection = support.http.client.HTTPConnection(host, port, timeout=20, source_address=(support.new_address(), 0))
            connection.request("GET", f"/scep/{door.label}?operation=GetCACaps")
            assert connection.getresponse().read()
        body = random.choice(bodies[which])
        start = time.perf_counter()
        connection.request("POST", f"/scep/{door.label}?operation=PKIOperation", body=body)
        answer = connection.getresponse()
        assert answer.read() and answer.status == 200
        took[which].append(time.perf_counter() - start)
    quick = [statistics.quantiles(t, n=10)[0] for t in took.values()]  # what other work of the machine adds isn't in these
    assert max(quick) - min(quick) < 0.1 * min(quick), quick


def eavesdropped(door):
    """What somebody between has of a device's message: its recipient, its ciphertext, and what its plaintext begins with."""
    cn, key = unique(), scep.rsa_key(2048, "victim")
    body, sent = door.client.message(scep.PKCS_REQ, scep.csr_of(cn, key, door.challenge).public_bytes(DER), scep.self_signed(cn, key), key)
    assert scep.Reply(door.client.post(body), door.client, sent).status == scep.SUCCESS
    info = scep.asn1_cms.ContentInfo.load(body)["content"]
    envelope = scep.asn1_cms.ContentInfo.load(info["encap_content_info"]["content"].native)["content"]
    inner = envelope["encrypted_content_info"]
    iv = inner["content_encryption_algorithm"]["parameters"].native
    guess = scep.csr_of(cn, key, "A" * len(door.challenge)).public_bytes(DER)
    first = inner["encrypted_content"].native[:16]
    return envelope["recipient_infos"][0].dump(), first, bytes(a ^ b for a, b in zip(guess[:16], iv))


def forged(victim, plain):
    """An envelope of the victim's content key whose whole plaintext, padding and all, are those 16 octets."""
    recipient, first, before_xor = victim
    return enveloped(b"", [recipient], None, iv=bytes(a ^ b for a, b in zip(plain, before_xor)), encrypted=first)


# Two SEQUENCEs in one, which is all that IssuerAndSubject shows; SEQUENCE and INTEGER, which is IssuerAndSerialNumber; and no padding.
GOOD_POLL = seq(seq(b"123"), seq(b"4")) + b"\x06" * 6
GOOD_GET = seq(seq(b"123"), integer(7)) + b"\x06" * 6
BAD_PADDING = seq(seq(b"123"), integer(7)) + b"\x06" * 5 + b"\0"


@pytest.mark.rows("C06")
@pytest.mark.parametrize("kind", [scep.CERT_POLL, scep.GET_CERT, scep.GET_CRL])
@pytest.mark.parametrize("who", ["stranger", "device", "device with an EC key"])
def test_no_type_is_an_oracle_for_anothers_ciphertext(door, device, nothing_but, kind, who):
    """Changed ciphertexts of somebody else's message under a signature of one's own: right and wrong padding get one answer."""
    certificate, key = device
    if who == "stranger":
        certificate, key = scep.self_signed("nobody", scep.rsa_key(2048, "b")), scep.rsa_key(2048, "b")
    elif who == "device with an EC key":
        key = support.new_key("p256")
        certificate = fresh(door).enrol(challenge=door.challenge, key=key, answer_password=door.challenge).certificate()
    victim, seen = eavesdropped(door), set()
    for plain in (GOOD_POLL, GOOD_GET, BAD_PADDING, os.urandom(15) + b"\0", b"\x10" * 16):
        reply = fresh(door).ask(kind, None, certificate, key, envelope=forged(victim, plain))
        assert reply.status == scep.FAILURE
        seen.add((reply.fail, reply.text))
    assert len(seen) == 1, seen


@pytest.mark.rows("C06")
def test_no_transaction_is_an_oracle(rest, door):
    """The same for whoever has a transaction of his own that waits."""
    cn = unique()
    answer = rest.post("/policies", {"data": {"type": "policies", "attributes": {
        "name": f"w{uuid.uuid4().hex[:8]}", "enabled": True, "rules": [{"name": "look", "when": f'$.subject.CN == "{cn}"', "message": "waits",
                                                                        "approve": {"count": 1, "right": "approvals.decide"}}]}}})
    assert answer.status == 201, answer
    try:
        transaction, key, victim = uuid.uuid4().hex, scep.rsa_key(), eavesdropped(door)
        csr, signer = scep.csr_of(cn, key, door.challenge), scep.self_signed(cn, key)
        assert door.client.enrol(cn, csr=csr, certificate=signer, transaction=transaction).status == scep.PENDING
        seen = set()
        for plain in (GOOD_POLL, BAD_PADDING):
            reply = fresh(door).ask(scep.CERT_POLL, None, signer, key, transaction=transaction, envelope=forged(victim, plain))
            seen.add((reply.status, reply.fail, reply.text))
        assert seen == {(scep.FAILURE, scep.BAD_CERT_ID, NOTHING)}
    finally:
        rest.delete(f"/policies/{answer.data['id']}")


def test_ciphertexts_that_are_tried_out_are_counted(door, device):
    """By the key that signs, also for who is let in otherwise: his successes don't take it back. His neighbours aren't held up."""
    client, victim, key = fresh(door), eavesdropped(door), scep.rsa_key(2048, "tries")
    device = client.enrol(challenge=door.challenge, key=key).certificate(), key
    for i in range(100):
        refused(client.ask(scep.GET_CERT, None, *device, envelope=forged(victim, BAD_PADDING)), scep.BAD_CERT_ID)
        if i % 30 == 1:
            assert client.get_cert(door.client.ca.subject, device[0].serial_number, *device).certificate() == device[0]
    body, _ = client.message(scep.GET_CERT, None, *device, envelope=forged(victim, BAD_PADDING))
    answer = client.post(body)
    assert answer.status == 429 and int(answer.headers["retry-after"]) > 0
    other = client.enrol(challenge=door.challenge, key=scep.rsa_key(2048, "neighbour")).certificate()
    assert client.get_cert(door.client.ca.subject, other.serial_number, other, scep.rsa_key(2048, "neighbour")).certificate() == other


def test_strangers_are_counted(door):
    """Whatever they send: each of it costs a signature. Who comes in, from the same address, takes the count back."""
    client, key = fresh(door), scep.rsa_key()
    stranger = scep.self_signed("nobody", key)

    def strange():
        return client.post(client.message(99, b"x", stranger, key)[0]).status

    assert [strange() for _ in range(150)] == [200] * 150
    assert client.enrol(challenge=door.challenge).status == scep.SUCCESS
    assert [strange() for _ in range(201)] == [200] * 200 + [429]
    assert fresh(door).enrol(challenge=door.challenge).status == scep.SUCCESS
    many = fresh(door)
    assert {many.enrol(challenge=door.challenge).status for _ in range(15)} == {scep.SUCCESS}


def test_strangers_hold_up_no_owner_of_a_certificate(door):
    """From an address that is locked: who has a certificate of ours goes on; who merely shows one doesn't, and pays nobody a signature."""
    client, key = fresh(door), scep.rsa_key(2048, "owner")
    certificate = client.enrol(challenge=door.challenge, key=key).certificate()
    stranger = scep.self_signed("nobody", scep.rsa_key())
    for _ in range(200):
        assert client.post(client.message(99, b"x", stranger, scep.rsa_key())[0]).status == 200
    csr = scep.csr_of(unique(), scep.rsa_key(), door.challenge).public_bytes(DER)
    assert client.post(client.message(scep.PKCS_REQ, csr, stranger, scep.rsa_key())[0]).status == 429
    assert client.post(client.message(scep.RENEWAL_REQ, csr, certificate, scep.rsa_key())[0]).status == 429  # signed by another key
    revoked = fresh(door).enrol(challenge=door.challenge, key=key).certificate()
    row = door.rest.get(f"/certificates?filter[serial]={revoked.serial_number:040x}").data[0]
    assert door.rest.post(f"/certificates/{row['id']}/revoke", {"data": {"type": "revocation", "attributes": {"reason": "superseded"}}}).status == 200
    assert client.post(client.message(scep.GET_CERT, csr, revoked, key)[0]).status == 429
    assert client.get_cert(certificate.issuer, certificate.serial_number, certificate, key).certificate() == certificate
    assert client.renew(certificate, key).certificate().subject == certificate.subject
