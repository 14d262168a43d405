"""The registration authority of a CA: made when somebody needs one, renewed at half of its life by itself, decrypting until it ends."""

import os
import socket
import struct
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

import cmc
import enrol
import est
import pki
import support

CMC_RA, CMC_KGA = "1.3.6.1.5.5.7.3.28", "1.3.6.1.5.5.7.3.32"


@pytest.fixture(scope="module")
def house(instance, new_tenant):
    """A tenant whose CA nobody asked for a registration authority yet, with a label."""
    tenant = new_tenant()
    doors = enrol.Doors(instance, tenant.rest())
    label = doors.label(auth=["certificate"], profile=doors.profile("client"))
    ca_id, tenant_id, issuer = est.issuing_ca(instance, tenant.name)
    yield tenant, label, int(ca_id), int(tenant_id), issuer
    doors.close()


def rows(instance, ca_id):
    """Serial and certificate, newest first."""
    found = instance.sql(f"SELECT encode(serial, 'hex'), encode(certificate, 'hex') FROM ra WHERE ca_id = {ca_id} ORDER BY not_after DESC, serial")
    return [(s, x509.load_der_x509_certificate(bytes.fromhex(c))) for s, c in found]


def look_now(instance):
    """siegel-sched looks at its list at once, as when a CA is asked for one the first time."""
    instance.sql("NOTIFY ra_wanted, ''")


def signer(instance, label):
    """Serial of who signs the label's answers."""
    answer = cmc.post(instance, cmc.signed(cmc.pki_data(), None, None), label, source=support.new_address())
    assert answer.status in (403, 422), answer
    return cmc.Response(answer).signer.serial_number


# ---------------------------------------------------------------- the engine's sockets, as siegel-scep and siegel-est speak on them


def field(number, value):
    if isinstance(value, int):
        return bytes([number << 3]) + varint(value)
    return bytes([number << 3 | 2]) + varint(len(value)) + value


def varint(n):
    out = b""
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


def fields(data):
    """Numbers and contents of a message of fields that are all of one byte's number and have a length."""
    found, at = {}, 0
    while at < len(data):
        number, kind, size, shift = data[at] >> 3, data[at] & 7, 0, 0
        at += 1
        while True:
            size |= (data[at] & 127) << shift
            shift, at = shift + 7, at + 1
            if not data[at - 1] & 128:
                break
        if kind == 2:
            found[number] = data[at:at + size]
            at += size
        else:
            found[number] = size
    return found


def ask_engine(instance, request, caller="scep"):
    path = Path(instance.config["sockets"]["dir"]) / f"ca.{caller}.sock"
    owner, group = os.stat(path).st_uid, os.stat(path).st_gid
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(10)
    was = os.geteuid(), os.getegid()
    try:
        if was[0] == 0:
            os.setegid(group)
            os.seteuid(owner)
        sock.connect(str(path))
    finally:
        os.seteuid(was[0])
        os.setegid(was[1])
    with sock:
        sock.sendall(struct.pack(">I", len(request)) + request)
        data = b""
        while len(data) < 4 or len(data) < 4 + struct.unpack(">I", data[:4])[0]:
            data += sock.recv(65536)
    return fields(data[4:])


def decrypt(instance, house, serial, certificate, key):
    """What the engine makes of a content key that was encrypted for that certificate: the key, or the error's name."""
    _, _, ca_id, tenant_id, _ = house
    encrypted = certificate.public_key().encrypt(key, padding.PKCS1v15())
    message = field(1, tenant_id) + field(2, ca_id) + field(3, bytes.fromhex(serial)) + field(4, b"rsa-pkcs1") + field(5, encrypted) + field(6, len(key))
    reply = ask_engine(instance, field(11, message))
    return fields(reply[12])[1] if 12 in reply else fields(reply[1])[1].decode()


# ---------------------------------------------------------------- tests


def test_made_when_it_is_needed(instance, house, tmp_path):
    """The first who needs it is told to come again; seconds later it is there, issued by the CA, audited, and openssl takes it."""
    tenant, label, ca_id, _, issuer = house
    assert rows(instance, ca_id) == []
    first = cmc.post(instance, b"0\0", label)
    assert first.status == 503 and int(first.headers["retry-after"]) > 0 and b"being made" in first.body
    ((serial, certificate),) = support.wait_until(lambda: rows(instance, ca_id), 30, 0.2)
    assert f"{certificate.serial_number:x}".zfill(len(serial)) == serial and certificate.issuer == issuer.subject
    assert certificate.public_key().key_size >= 2048
    purposes = {o.dotted_string for o in certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value}
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert purposes == {CMC_RA, CMC_KGA} and usage.digital_signature and usage.key_encipherment and not usage.key_cert_sign
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    pem = tmp_path / "ra.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (tmp_path / "ca.pem").write_bytes(issuer.public_bytes(serialization.Encoding.PEM))
    pki.run("openssl", "verify", "-partial_chain", "-CAfile", str(tmp_path / "ca.pem"), str(pem))
    assert signer(instance, label) == certificate.serial_number
    said = instance.sql(f"SELECT DISTINCT action, actor FROM audit WHERE object LIKE '%ca/{ca_id}/serial/{serial}%' OR detail::text LIKE '%{serial}%'")
    assert ["certificate.issued", "engine:clerk"] in said, said
    refused = tenant.rest().issue("cert_client", profile="registration-authority", cn="me")
    assert refused.status in (403, 404, 422), refused                      # nobody gets one like it


def test_renewed_at_half_of_its_life(instance, house):
    """Not before; then the new one signs, and the old one goes on to decrypt until it ends."""
    _, label, ca_id, _, _ = house
    (serial, old) = support.wait_until(lambda: rows(instance, ca_id), 30)[0]
    instance.sql(f"UPDATE ra SET not_before = now() - interval '4 days', not_after = now() + interval '6 days' WHERE ca_id = {ca_id}")
    look_now(instance)
    time.sleep(2)
    assert [s for s, _ in rows(instance, ca_id)] == [serial]
    instance.sql(f"UPDATE ra SET not_before = now() - interval '6 days', not_after = now() + interval '4 days' WHERE ca_id = {ca_id}")
    look_now(instance)
    support.wait_until(lambda: len(rows(instance, ca_id)) == 2, 20, 0.2)
    (new_serial, new), (old_serial, _) = rows(instance, ca_id)
    assert old_serial == serial and new.public_key().public_numbers() != old.public_key().public_numbers()
    assert signer(instance, label) == new.serial_number
    for number, certificate in ((new_serial, new), (serial, old)):
        key = os.urandom(32)
        assert decrypt(instance, house, number, certificate, key) == key
    look_now(instance)
    time.sleep(2)
    assert len(rows(instance, ca_id)) == 2                                 # one is enough


def test_what_ended_is_of_no_use(instance, house):
    """It decrypts no more, and its row goes with the next renewal."""
    _, label, ca_id, _, _ = house
    (new_serial, new), (serial, old) = rows(instance, ca_id)
    instance.sql(f"UPDATE ra SET not_before = now() - interval '9 days', not_after = now() - interval '1 second' WHERE ca_id = {ca_id}"
                 f" AND serial = '\\x{serial}'")
    support.wait_until(lambda: decrypt(instance, house, serial, old, b"k" * 16) == "not_found", 75, 1)
    assert decrypt(instance, house, new_serial, new, b"k" * 16) == b"k" * 16
    instance.sql(f"UPDATE ra SET not_before = now() - interval '6 days', not_after = now() + interval '4 days' WHERE ca_id = {ca_id}"
                 f" AND serial = '\\x{new_serial}'")
    look_now(instance)
    support.wait_until(lambda: serial not in [s for s, _ in rows(instance, ca_id)], 20, 0.2)
    assert len(rows(instance, ca_id)) == 2 and new_serial in [s for s, _ in rows(instance, ca_id)]


def test_a_wrong_ciphertext_gives_nothing_away(instance, house):
    """A key that opens nothing, always the same for the same octets; other lengths and schemes are refused before."""
    _, _, ca_id, tenant_id, _ = house
    (serial, certificate) = rows(instance, ca_id)[0]
    size = certificate.public_key().key_size // 8

    def ask(encrypted, scheme=b"rsa-pkcs1", length=32, tenant=tenant_id):
        message = field(1, tenant) + field(2, ca_id) + field(3, bytes.fromhex(serial)) + field(4, scheme) + field(5, encrypted) + field(6, length)
        reply = ask_engine(instance, field(11, message))
        return fields(reply[12])[1] if 12 in reply else fields(reply[1])[1].decode()

    junk = b"\0" + os.urandom(size - 1)
    answers = {ask(junk) for _ in range(6)}
    assert len(answers) == 1 and len(answers.pop()) == 32
    assert isinstance(ask(certificate.public_key().encrypt(b"short", padding.PKCS1v15())), bytes)     # another length than asked for
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    key = os.urandom(24)
    assert ask(certificate.public_key().encrypt(key, oaep), b"rsa-oaep-sha256", 24) == key
    assert ask(junk, b"rsa-none") == "bad_value" and ask(junk, length=5) == "bad_value" and ask(junk, tenant=1) in ("forbidden", "not_found")


def test_each_front_end_has_its_own_answers(instance, house):
    """One that was taken over decrypts nothing that the other is sent, and signs nothing that the other answers."""
    _, _, ca_id, tenant_id, _ = house
    (serial, certificate) = rows(instance, ca_id)[0]
    head = field(1, tenant_id) + field(2, ca_id) + field(3, bytes.fromhex(serial))
    encrypted = head + field(4, b"rsa-pkcs1") + field(5, certificate.public_key().encrypt(bytes(32), padding.PKCS1v15())) + field(6, 32)

    def ask(caller, message):
        reply = ask_engine(instance, message, caller)
        return fields(reply[1])[1].decode() if 1 in reply else "done"

    assert ask("scep", field(11, encrypted)) == "done" and ask("est", field(11, encrypted)) == "forbidden"
    sign = head + field(4, b"sha256") + field(5, bytes(32))
    for number, caller in ((6, "scep"), (7, "scep"), (8, "est"), (9, "est")):
        other = {"scep": "est", "est": "scep"}[caller]
        assert ask(other, field(10, sign + field(number, b""))) == "forbidden"
        assert ask(caller, field(10, sign + field(number, b""))) != "forbidden"


def test_clients_leave_it_alone(instance, house):
    """Like a CA's and an OCSP signer's, its certificate isn't revoked or renewed by who may do that with certificates."""
    tenant, label, ca_id, _, _ = house
    (serial, certificate) = rows(instance, ca_id)[0]
    (row,) = instance.sql(f"SELECT id FROM certificate WHERE ca_id = {ca_id} AND serial = '\\x{serial}'")
    for action in ("revoke", "hold", "renew"):
        answer = tenant.rest().post(f"/certificates/{row[0]}/{action}", {"data": {"type": action, "attributes": {"reason": "superseded"}}})
        assert answer.status in (403, 404, 409, 422), answer
    assert signer(instance, label) == certificate.serial_number
