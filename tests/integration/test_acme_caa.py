"""CAA records (RFC 8659, RFC 8657) when an order is issued: each name whose validation is old, or was made without them, is asked about again (M10)."""

import dns.rcode
import pytest

import acme
import support

OLD = "now() - interval '7 hours 1 second'"


@pytest.fixture(scope="module")
def directory(rest, profile):
    """The profile that is the default asks for CAA, the other doesn't."""
    made = acme.Directory(rest, {"server": profile, "other": profile}, caa=("server",), caa_identities="ca.example")
    yield made
    made.delete()


@pytest.fixture
def domain(network):
    """A domain of the test's own, by which the questions are told from others."""
    name = f"{acme.mark('c')}.example"
    network.dns.add(name, "A", "127.0.0.1")
    yield name
    for at in [n for n in network.dns.scripts if n.endswith(name)]:
        del network.dns.scripts[at]


def asked(network, *hosts):
    """How often CAA of each was asked for."""
    return [sum(n == host and kind == "CAA" for n, kind, _ in network.dns.queries) for host in hosts]


def validated(client, network, instance, *hosts, old=True, **payload):
    """An order whose names were validated by http-01, with CAA records that allow it; old: a while ago."""
    for host in hosts:
        network.dns.add(host, "A", "127.0.0.1")
        network.dns.add(host, "CAA", '0 issue "ca.example"')
    order = client.order(*hosts, **payload)
    for authz in order.authorizations():
        network.serve(authz)
        authz.respond("http-01")
    support.wait_until(lambda: order.poll().status == "ready", 20)
    if old:
        age(instance, order)
    network.dns.queries.clear()
    return order


def age(instance, order):
    ids = ",".join(url.rsplit("/", 1)[1] for url in order.json["authorizations"])
    instance.sql(f"UPDATE acme_authz SET validated_at = {OLD}, caa_at = CASE WHEN caa_at IS NOT NULL THEN {OLD} END WHERE id IN ({ids})")


def change(network, host, value):
    network.dns.remove(host, "CAA")
    network.dns.add(host, "CAA", value)


def test_what_was_validated_a_moment_ago_is_not_asked_again(directory, network, instance, domain):
    order = validated(directory.client(), network, instance, f"a.{domain}", old=False)
    change(network, f"a.{domain}", '0 issue "other.example"')
    assert order.finalize(f"a.{domain}").wait().status == "valid"
    assert asked(network, f"a.{domain}") == [0]


@pytest.mark.rows("M10")
def test_each_name_is_asked_once(directory, network, instance, domain):
    """Ten names, ten answers; two of them forbid it, and are named."""
    client, hosts = directory.client(), [f"h{i}.{domain}" for i in range(10)]
    order = validated(client, network, instance, *hosts)
    for i, host in enumerate(hosts):
        change(network, host, f'0 issue "ca.example; policy={i}"')
    change(network, hosts[3], '0 issue "other.example"')
    change(network, hosts[7], f'0 issue "ca.example; accounturi={client.kid}0"')
    order.finalize(*hosts)
    assert asked(network, *hosts) == [1] * 10
    assert order.status == "invalid" and order.json["error"]["type"] == acme.URN + "caa", order.answer
    found = {p["identifier"]["value"]: p for p in order.json["error"]["subproblems"]}
    assert set(found) == {hosts[3], hosts[7]} and all(p["type"] == acme.URN + "caa" and p["detail"] for p in found.values())
    assert instance.sql(f"SELECT status, certificate_id IS NULL FROM acme_order WHERE id = {order.id}") == [["invalid", "t"]]
    allowed = [h for h in hosts if h not in found]
    again = client.order(*allowed)
    network.dns.queries.clear()
    assert again.finalize(*allowed).wait().status == "valid"
    assert asked(network, *allowed) == [0] * 8  # the records were seen a moment ago


@pytest.mark.rows("M10")
@pytest.mark.parametrize("record,good", [
    ("; accounturi={kid}; validationmethods=http-01", True), ("; validationmethods=dns-01", False), ("; accounturi={kid}; validationmethods=dns-01,http-01", True),
    ("; accounturi=https://elsewhere.example/1", False)])
def test_account_and_method(directory, network, instance, domain, record, good):
    client, host = directory.client(), f"a.{domain}"
    order = validated(client, network, instance, host)
    change(network, host, f'0 issue "ca.example{record.format(kid=client.kid)}"')
    assert order.finalize(host).status == ("valid" if good else "invalid"), order.answer
    assert asked(network, host) == [1]


def test_wildcards_ask_for_issuewild(directory, network, instance, domain):
    client = directory.client(names=[f"dns:.{domain}"])
    network.dns.add(domain, "CAA", '0 issue "other.example"', '0 issuewild "ca.example"')
    assert client.order(f"*.{domain}").finalize(f"*.{domain}").status == "valid"
    order = client.order(domain, f"*.{domain}").finalize(domain, f"*.{domain}")
    assert order.status == "invalid"
    assert [p["identifier"]["value"] for p in order.json["error"].get("subproblems", [])] == [domain]
    network.dns.remove(domain, "CAA")
    network.dns.add(domain, "CAA", '0 issue "ca.example"', '0 issuewild ";"')
    instance.sql(f"UPDATE acme_authz SET caa_at = {OLD} WHERE identifier = 'dns:{domain}'")
    order = client.order(f"*.{domain}").finalize(f"*.{domain}")
    assert order.status == "invalid" and [p["identifier"]["value"] for p in order.json["error"]["subproblems"]] == [f"*.{domain}"]


@pytest.mark.parametrize("methods,good", [("http-01", False), ("dns-01,ca-policy", True)])
def test_names_without_a_challenge(directory, network, domain, methods, good):
    """Nobody asked when the authorization was made; what is no challenge of ACME has a label of ours (RFC 8657 4)."""
    client, host = directory.client(names=[f"dns:.{domain}"]), f"p.{domain}"
    network.dns.add(host, "CAA", f'0 issue "ca.example; validationmethods={methods}"')
    order = client.order(host).finalize(host)
    assert order.status == ("valid" if good else "invalid"), order.answer


def test_an_authorization_of_a_profile_without(rest, profile, network, instance, domain):
    directory = acme.Directory(rest, {"plain": profile, "caa": profile}, caa=("caa",), caa_identities="ca.example")
    try:
        client, host = directory.client(), f"a.{domain}"
        first = validated(client, network, instance, host, old=False, profile="plain")
        change(network, host, '0 issue "other.example"')
        assert first.finalize(host).status == "valid"
        assert asked(network, host) == [0]
        second = client.order(host, profile="caa")
        assert second.status == "ready"
        assert second.finalize(host).status == "invalid" and second.json["error"]["type"] == acme.URN + "caa"
    finally:
        directory.delete()


def test_what_can_not_be_had_is_asked_again(directory, network, instance, domain):
    client, good, bad = directory.client(), f"good.{domain}", f"bad.{domain}"
    order = validated(client, network, instance, good, bad)
    network.dns.fail(bad)
    order.finalize(good, bad)
    assert order.status == "processing" and int(order.answer.headers["retry-after"]) >= 1, order.answer
    assert instance.sql(f"SELECT caa_since IS NOT NULL FROM acme_order WHERE id = {order.id}") == [["t"]]
    del network.dns.scripts[bad]
    assert order.wait("valid", "invalid").status == "valid", order.answer
    assert asked(network, good) == [1]
    assert instance.sql(f"SELECT caa_since IS NULL FROM acme_order WHERE id = {order.id}") == [["t"]]


def test_what_can_not_be_had_for_an_hour(directory, network, instance, domain):
    client, host = directory.client(), f"a.{domain}"
    order = validated(client, network, instance, host)
    network.dns.fail(host, dns.rcode.SERVFAIL)
    assert order.finalize(host).status == "processing"
    instance.sql(f"UPDATE acme_order SET caa_since = now() - interval '61 minutes' WHERE id = {order.id}")
    assert order.wait("valid", "invalid").status == "invalid" and order.json["error"]["type"] == acme.URN + "caa"


def test_addresses_have_none(directory, network, instance):
    """RFC 8659 is about domain names."""
    import ipaddress
    from cryptography import x509
    client = directory.client(names=["ip:192.0.2.0/24"])
    network.dns.queries.clear()
    order = client.order({"type": "ip", "value": "192.0.2.7"})
    assert order.finalize(x509.IPAddress(ipaddress.ip_address("192.0.2.7"))).status == "valid"
    assert not [q for q in network.dns.queries if q[1] == "CAA"]
