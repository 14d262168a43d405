"""ACME (RFC 8555) over the edge, by a client of our own: directory, nonces, accounts, orders, certificates."""

import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

import acme
import support

SPKI = serialization.PublicFormat.SubjectPublicKeyInfo


@pytest.fixture(scope="module")
def directory(rest):
    """A directory with all kinds of challenge that names need."""
    made = acme.Directory(rest, {"server": acme.server_profile(rest)})
    yield made
    made.delete()


def test_a_certificate(instance, directory, tmp_path):
    client = directory.client(names=["dns:.walk.example"])
    name = f"{acme.mark()}.walk.example"
    order = client.order(name)
    assert order.answer.status == 201 and order.status == "ready" and order.json["identifiers"] == [{"type": "dns", "value": name}]
    order.finalize(name)
    assert order.status == "valid", order.answer
    chain = order.chain()
    leaf = chain[0]
    assert leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName) == [name]
    assert leaf.public_key().public_bytes(acme.DER, SPKI) == order.key.public_key().public_bytes(acme.DER, SPKI)
    (tmp_path / "leaf.pem").write_text(order.pem.split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n")
    (tmp_path / "chain.pem").write_text(order.pem)
    done = subprocess.run(["openssl", "verify", "-CAfile", instance.root, "-untrusted", str(tmp_path / "chain.pem"), str(tmp_path / "leaf.pem")],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert all(c.issuer != c.subject for c in chain)


def test_a_certificate_after_an_authorization(instance, directory):
    client = directory.client()
    name = f"{acme.mark()}.example"
    order = client.order(name)
    assert order.status == "pending"
    (authz,) = order.authorizations()
    assert authz.status == "pending" and {c["type"] for c in authz.json["challenges"]} == {"http-01", "dns-01", "dns-account-01", "tls-alpn-01"}
    authz.force(instance)
    assert order.poll().status == "ready"
    order.finalize(name)
    assert support.load_pem_chain(order.client.post(order.wait().json["certificate"]).body.decode())
