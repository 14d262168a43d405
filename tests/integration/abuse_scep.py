"""What the tests that abuse SCEP share: a profile, a device, requests, what is left in the store, refusals."""

import uuid

import pytest
from cryptography.hazmat.primitives import serialization

import scep

DER = serialization.Encoding.DER

NOTHING = "there is nothing here that the message names, or it can't be decrypted (RFC 8894 3.2.2)"


def unique(prefix="device"):
    return f"{prefix}-{uuid.uuid4().hex[:10]}.example"


@pytest.fixture(scope="module")
def door(rest):
    return scep.ready(scep.Profile(rest, auth=["challenge", "code", "certificate"]))


@pytest.fixture(scope="module")
def device(door):
    return door.client.enrol(challenge=door.challenge).certificate(), scep.rsa_key()


def kept(instance):
    """What SCEP left in the store; others may issue at the same time, such as the engine for itself."""
    return instance.count("certificate", "source = 'scep'"), instance.count("scep_transaction")


@pytest.fixture
def nothing(instance):
    """What the test does leaves no certificate and no transaction behind."""
    before = kept(instance)
    yield
    assert kept(instance) == before


@pytest.fixture
def nothing_but(instance):
    """No transaction is left, whatever certificates the test itself had made."""
    before = instance.count("scep_transaction")
    yield
    assert instance.count("scep_transaction") == before


def refused(reply, fail=scep.BAD_REQUEST):
    assert (reply.status, reply.fail) == (scep.FAILURE, fail), (reply.status, reply.fail, reply.text)
    return reply


def fresh(door):
    """A client from an address of its own: failures of one test slow no other down."""
    client = scep.Client(door.rest.instance, door.label)
    client._ca_certs = door.client.ca_certs
    return client


def request(door, cn=None, key=None, challenge=None):
    cn, key = cn or unique(), key or scep.rsa_key()
    return scep.csr_of(cn, key, door.challenge if challenge is None else challenge).public_bytes(DER), scep.self_signed(cn, key), key
