"""The oracle itself: content with a sound store, and not with each way of being unsound."""

import datetime
import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from oracle import Oracle, Store, audit_hash, serial_of, signed_data, tbs_of

KEY = ec.generate_private_key(ec.SECP256R1())
NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
TIME = datetime.datetime(2026, 1, 1)


def certificate(serial):
    builder = x509.CertificateBuilder().subject_name(NAME).issuer_name(NAME).public_key(KEY.public_key()).serial_number(serial)
    builder = builder.not_valid_before(TIME).not_valid_after(TIME + datetime.timedelta(days=1))
    return builder.sign(KEY, hashes.SHA256()).public_bytes(Encoding.DER)


class World:
    """Three certificates, an intent that was given up, their audit chain, a journal and the token's counter: all sound."""

    def __init__(self, folder):
        self.folder = folder
        serials = [0x40 << 120 | n for n in range(1, 5)]
        ders = [certificate(n) for n in serials]
        self.store = Store(
            certificates=[(2, serial_of(der), der) for der in ders[:3]],
            intents=[(2, serial_of(ders[3]), tbs_of(ders[3]), True)],
            audit=[],
            own=[],
            crls=1,
        )
        for der in ders:
            self.add_audit("certificate.intent", der)
        for der in ders[:3]:
            self.add_audit("certificate.issued", der)
        self.journal = [[f"{n}.5", f"key-{n}", serial_of(der).hex(), hashlib.sha256(der).hexdigest()] for n, der in enumerate(ders[:2])]
        self.signatures = [signed_data(tbs_of(der)) for der in ders[:3]] + ["00" * 32]

    def add_audit(self, action, der):
        previous = bytes(self.store.audit[-1][8]) if self.store.audit else bytes(32)
        row = ("ca.0", len(self.store.audit) + 1, 1, 1, "rest:a", action, f"ca/2/serial/{serial_of(der).hex()}", "{}")
        self.store.audit.append((*row, audit_hash(previous, row)))

    def judge(self):
        journal, count = self.folder / "journal", self.folder / "count"
        journal.write_text("".join(" ".join(line) + "\n" for line in self.journal) + "torn li")
        count.write_text("".join(f"1 2.3 {data} ff\n" for data in self.signatures))
        return Oracle(self.store).judge([journal], count).problems


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_sound(world):
    assert world.judge() == []


def received_and_lost(w):
    w.store.certificates.pop(0)


def other_bytes_received(w):
    w.journal[0][3] = "ab" * 32


def two_for_a_key(w):
    w.journal[1][1] = w.journal[0][1]


def serial_twice(w):
    w.store.certificates.append(w.store.certificates[0])


def serial_of_an_intent(w):
    w.store.intents.append((2, w.store.certificates[0][1], b"x", False))


def row_of_another(w):
    w.store.certificates[0] = (2, w.store.certificates[1][1][:-1] + b"\x77", w.store.certificates[0][2])


def audit_row_missing(w):
    w.store.audit.pop(2)


def audit_end_missing(w):
    w.store.audit.pop()


def audit_row_changed(w):
    w.store.audit[1] = (*w.store.audit[1][:7], '{"a":1}', w.store.audit[1][8])


def issued_without_row(w):
    w.add_audit("certificate.issued", certificate(0x77))


def issued_twice(w):
    w.add_audit("certificate.issued", w.store.certificates[0][2])


def signed_without_intent(w):
    w.signatures.append(signed_data(b"something else"))


def signed_twice(w):
    w.signatures.append(w.signatures[0])


def not_signed_by_the_token(w):
    w.signatures.pop(0)


@pytest.mark.parametrize(
    "harm",
    [
        received_and_lost, other_bytes_received, two_for_a_key, serial_twice, serial_of_an_intent, row_of_another, audit_row_missing,
        audit_end_missing, audit_row_changed, issued_without_row, issued_twice, signed_without_intent, signed_twice, not_signed_by_the_token,
    ],
)  # fmt: skip
def test_harm_is_found(world, harm):
    harm(world)
    assert world.judge() != []
