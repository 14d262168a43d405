"""Validations from end to end: siegel-acme asks siegel-acme-probe, which asks the name server and the web servers of these tests. They listen where the instance
was told by --set acme_probe.…, as ./check does; else the tests are skipped."""

import hashlib
import threading
import time

import pytest
from cryptography import x509

import acme
import acme_fixtures
import names
import support


directory = acme_fixtures.one_directory()


def settled(authz, seconds=20):
    support.wait_until(lambda: authz.poll().status != "pending", seconds)
    return authz


def names_of(certificate):
    return {str(n.value) for n in certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value}


def test_http_01(directory, network):
    client, host = directory.client(), network.host()
    order = client.order(host)
    (authz,) = order.authorizations()
    network.serve(authz)
    answer = authz.respond("http-01")
    assert answer.status == 200 and answer.json["type"] == "http-01" and answer.links["up"] == [authz.url]
    assert answer.json["url"] == authz.challenge("http-01")["url"]
    assert settled(authz).status == "valid", authz.answer
    assert [c["type"] for c in authz.json["challenges"]] == ["http-01"] and authz.json["challenges"][0]["validated"]
    assert order.poll().status == "ready"
    assert names_of(order.finalize(host).wait().chain()[0]) == {host}


def test_a_validation_begins_at_once(directory, network):
    client, host = directory.client(), network.host()
    (authz,) = client.order(host).authorizations()
    network.serve(authz)
    begun = time.monotonic()
    authz.respond("http-01")
    support.wait_until(lambda: authz.poll().status == "valid", 5, 0.05)
    assert time.monotonic() - begun < 1.5 * support.SLOWER


@pytest.mark.parametrize("kind", ["dns-01", "dns-account-01"])
def test_names_and_wildcards_by_dns(directory, network, kind):
    client, host = directory.client(), f"{acme.mark('d')}.net.example"
    order = client.order(host, f"*.{host}")
    label = "_acme-challenge"
    if kind == "dns-account-01":
        import base64
        label = f"_{base64.b32encode(hashlib.sha256(client.kid.encode()).digest()[:10]).decode().lower()}._acme-challenge"
    for authz in order.authorizations():
        if authz.json.get("wildcard"):
            assert {c["type"] for c in authz.json["challenges"]} == {"dns-01", "dns-account-01"}
        network.txt(authz, label, kind)
        authz.respond(kind)
    assert all(settled(a).status == "valid" for a in order.authorizations())
    assert names_of(order.finalize(host, f"*.{host}").wait().chain()[0]) == {host, f"*.{host}"}


def test_tls_alpn_01(directory, network):
    client, host = directory.client(), network.host()
    (authz,) = client.order(host).authorizations()
    digest = hashlib.sha256(authz.key_authorization("tls-alpn-01").encode()).digest()
    with names.AlpnServer("127.0.0.1", network.https_port, names.alpn_certificate(host, digest)):
        authz.respond("tls-alpn-01")
        assert settled(authz).status == "valid", authz.answer


def test_an_address(directory, network):
    import ipaddress
    client = directory.client()
    order = client.order({"type": "ip", "value": "127.0.0.1"})
    (authz,) = order.authorizations()
    assert authz.json["identifier"] == {"type": "ip", "value": "127.0.0.1"}
    assert {c["type"] for c in authz.json["challenges"]} == {"http-01", "tls-alpn-01"}
    network.serve(authz)
    authz.respond("http-01")
    assert settled(authz).status == "valid", authz.answer
    assert names_of(order.finalize(x509.IPAddress(ipaddress.ip_address("127.0.0.1"))).wait().chain()[0]) == {"127.0.0.1"}


def test_what_fails_is_told(directory, network):
    client, host = directory.client(), network.host()
    order = client.order(host)
    (authz,) = order.authorizations()
    network.web.files[names.CHALLENGES + authz.challenge("http-01")["token"]] = "something else"
    authz.respond("http-01")
    assert settled(authz).status == "invalid"
    (challenge,) = authz.json["challenges"]
    assert challenge["status"] == "invalid" and challenge["error"]["type"] == acme.URN + "unauthorized" and challenge["error"]["detail"]
    assert order.poll().status == "invalid"
    answer = order.try_finalize(order.request(host))
    assert answer.status == 403 and answer.type == "orderNotReady"
    log = order.client.instance.sql(f"SELECT log FROM acme_challenge WHERE authz_id = {authz.id} AND type = 'http-01'")[0][0]
    assert host in log


def test_what_fails_is_among_the_refused(directory, network, rest):
    """A row for each reason and day, however many fail; what is tried again isn't counted before its end."""

    def counts():
        found = rest.get("/statistics?filter[days]=2").attributes["refused"]["by_reason"]
        return {one["reason"]: one["count"] for one in found}

    before, rows = counts(), "source = 'acme' AND reason IN ('validation_unauthorized', 'validation_dns')"
    client = directory.client()
    hosts = [network.host() for _ in range(6)] + [f"{acme.mark('none')}.net.example" for _ in range(2)]
    for authz in client.order(*hosts).authorizations():
        authz.respond("http-01")
        settled(authz)
    support.wait_until(lambda: counts().get("validation_dns", 0) - before.get("validation_dns", 0) >= 2, 20)
    support.wait_until(lambda: counts().get("validation_unauthorized", 0) - before.get("validation_unauthorized", 0) >= 6, 20)
    assert directory.client().instance.count("refusal_day", f"{rows} AND day = (now() AT TIME ZONE 'utc')::date AND tenant_id = 1") == 2


def test_a_valid_authorization_is_used_again(directory, network):
    client, host = directory.client(), network.host()
    (authz,) = client.order(host).authorizations()
    network.serve(authz)
    authz.respond("http-01")
    assert settled(authz).status == "valid"
    order = client.order(host)
    assert order.status == "ready" and order.json["authorizations"] == [authz.url]
    stranger = directory.client()
    assert stranger.order(host).status == "pending"
    assert client.order(f"*.{host}").status == "pending"


def test_in_advance(directory, network):
    """RFC 8555 7.4.1."""
    client, host = directory.client(), network.host()
    answer = client.post(client.directory["newAuthz"], {"identifier": {"type": "dns", "value": host}})
    assert answer.status == 201 and answer.json["status"] == "pending"
    authz = acme.Authz(client, answer.headers["location"])
    network.serve(authz)
    authz.respond("http-01")
    assert settled(authz).status == "valid"
    assert client.order(host).status == "ready"
    assert client.ask(client.directory["newAuthz"], {"identifier": {"type": "dns", "value": f"*.{host}"}}).type == "malformed"


def test_responding_again_changes_nothing(directory, network):
    client, host = directory.client(), network.host()
    (authz,) = client.order(host).authorizations()
    network.serve(authz)
    asked = [c for c in range(3) if authz.respond("http-01").json["status"] in ("processing", "valid")]
    assert len(asked) == 3 and settled(authz).status == "valid"
    assert sum(host in (r[2] or "") for r in network.web.requests) == 1


def test_a_name_server_that_fails_is_asked_again(directory, network):
    """What is temporary is tried three times, seconds apart."""
    client, host = directory.client(), network.host()
    (authz,) = client.order(host).authorizations()
    network.serve(authz)
    network.dns.fail(host)
    of_it = f"authz_id = {authz.id} AND type = 'http-01'"
    authz.respond("http-01")
    support.wait_until(lambda: client.instance.count("acme_challenge", f"{of_it} AND attempts > 0 AND NOT taken"), 10, 0.02)  # the first one has failed
    del network.dns.scripts[host]
    assert settled(authz, 30).status == "valid", authz.answer
    attempts = client.instance.sql(f"SELECT attempts FROM acme_challenge WHERE {of_it}")[0][0]
    assert int(attempts) in (2, 3)


def test_what_a_process_left_is_looked_at_by_another(directory, network, instance):
    """A challenge whose time with somebody has passed goes to the next."""
    client, host = directory.client(), network.host()
    (authz,) = client.order(host).authorizations()
    network.serve(authz)
    number = authz.challenge("http-01")["url"].rsplit("/", 1)[1]
    instance.sql(f"UPDATE acme_challenge SET status = 'processing', attempts = 1, due_at = now() - interval '1 second' WHERE id = {number}")
    assert settled(authz).status == "valid"


def test_a_deactivation_meets_a_validation(directory, network, instance):
    """Whoever comes second changes nothing of the authorization."""
    client, host = directory.client(), network.host()
    (authz,) = client.order(host).authorizations()
    looks, goes_on = threading.Event(), threading.Event()

    def answer(handler):
        looks.set()
        goes_on.wait(10)  # the probe waits for longer
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(authz.key_authorization("http-01").encode())

    network.web.files[names.CHALLENGES + authz.challenge("http-01")["token"]] = answer
    authz.respond("http-01")
    assert looks.wait(10 * support.SLOWER)
    assert client.post(authz.url, {"status": "deactivated"}).json["status"] == "deactivated"
    goes_on.set()
    number = authz.challenge("http-01")["url"].rsplit("/", 1)[1]
    support.wait_until(lambda: instance.sql(f"SELECT status FROM acme_challenge WHERE id = {number}")[0][0] == "valid", 10)
    assert authz.poll().status == "deactivated"


def test_caa_of_the_directory(rest, network, profile):
    """A profile that wants CAA: another issuer's name isn't enough (RFC 8659), and accounturi binds to the account (RFC 8657)."""
    directory = acme.Directory(rest, {"server": profile}, caa=("server",), caa_identities="ca.example")
    try:
        client, host = directory.client(), network.host()
        network.dns.add(host, "CAA", '0 issue "other.example"')
        (authz,) = client.order(host).authorizations()
        network.serve(authz)
        authz.respond("http-01")
        assert settled(authz).status == "invalid" and authz.json["challenges"][0]["error"]["type"] == acme.URN + "caa", authz.answer
        host = network.host()
        network.dns.add(host, "CAA", f'0 issue "ca.example; accounturi={client.kid}"')
        (authz,) = client.order(host).authorizations()
        network.serve(authz)
        authz.respond("http-01")
        assert settled(authz).status == "valid", authz.answer
    finally:
        directory.delete()


def test_networks_of_the_directory(rest, network, profile):
    directory = acme.Directory(rest, {"server": profile}, networks="10.0.0.0/8")
    try:
        client, host = directory.client(), network.host()
        (authz,) = client.order(host).authorizations()
        network.serve(authz)
        authz.respond("http-01")
        assert settled(authz).status == "invalid"
        assert authz.json["challenges"][0]["error"]["type"] in (acme.URN + "rejectedIdentifier", acme.URN + "connection")
    finally:
        directory.delete()
