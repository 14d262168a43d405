"""ACME (RFC 8555) over the edge, by a client of our own: directory, nonces, accounts, orders, certificates."""

import subprocess
import time
import uuid

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


def test_an_order_outlives_its_profile(instance, rest):
    """One that is over doesn't keep a profile from being deleted, and is shown all the same."""
    kept, gone = acme.server_profile(rest), acme.server_profile(rest)
    made = acme.Directory(rest, {"kept": kept, "gone": gone})
    try:
        client = made.client()
        order = client.order(f"{acme.mark()}.example", profile="gone")
        instance.sql(f"UPDATE acme_order SET expires_at = now() - interval '1 second' WHERE id = {order.id}")
        made.change(profiles={"kept": {"profile": kept, "default": True}})
        (number,), = instance.sql(f"SELECT id FROM profile WHERE name = '{gone}'")
        assert rest.delete(f"/profiles/{number}").status == 204
        assert order.poll().status == "invalid" and order.json["profile"] == "gone"
    finally:
        made.delete()


def test_statements_of_an_order(instance, directory):
    """How often an order asks the store: from newOrder to the certificate, with an authorization that is used again. What threads look for
    every two seconds isn't the order's; the directory is read anew once a second, however long an order takes."""
    folder = instance.run / "log" / "postgresql"

    def told():
        """Statements so far, and readings of the directory: a line of our own says that the log was written up to here."""
        mark = uuid.uuid4().hex
        instance.sql(f"DO $$ BEGIN RAISE LOG '{mark}'; END $$")
        text = support.wait_until(lambda: mark in (t := "\n".join(p.read_text(errors="replace") for p in folder.iterdir() if p.is_file())) and t)
        ours = [line for line in text.splitlines() if "role=siegel_acme LOG:  execute" in line and "acme_challenge_take" not in line]
        found = sum(" FROM endpoint_find(" in line for line in ours)
        return len(ours) - found, found

    instance.sql("ALTER ROLE siegel_acme SET log_statement = 'all'", role="postgres")
    instance.sql("ALTER SYSTEM SET log_line_prefix = 'role=%u '", role="postgres")
    instance.sql("SELECT pg_reload_conf()", role="postgres")
    try:
        instance.supervise("restart", "siegel-acme")
        support.wait_until(lambda: acme.Client(instance, directory.label).http("GET", directory.url).status == 200, 20)
        client = directory.client(names=["dns:.walk.example"])
        client.certificate(f"{acme.mark()}.walk.example")
        name = f"{acme.mark()}.walk.example"
        before, began = told(), time.monotonic()
        order = client.order(name)
        order.finalize(name)
        order.poll()
        order.chain()
        took = time.monotonic() - began
        counted, found = (now - then for now, then in zip(told(), before))
    finally:
        instance.sql("ALTER ROLE siegel_acme RESET log_statement", role="postgres")
        instance.sql("ALTER SYSTEM RESET log_line_prefix", role="postgres")
        instance.sql("SELECT pg_reload_conf()", role="postgres")
        instance.supervise("restart", "siegel-acme")
        support.wait_until(lambda: acme.Client(instance, directory.label).http("GET", directory.url).status == 200, 20)
    print(f"statements of an order: {counted}, {found} readings of the directory, and 2 of the engine's")
    assert 5 <= counted <= 6 and found <= took + 1  # the chain is read anew when five seconds have passed
