"""ACME by a client of our own (acme.py): what no packaged one has. Its ways run beside theirs (test_acme_clients.py)."""

import copy
import datetime
import ipaddress

from cryptography import x509

import acme
import acme_sites
import support
from acme_ways import LIFE, Certificate, client


def renewal_id(certificate):
    """RFC 9773 4.1."""
    aki = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    serial = certificate.serial_number
    return f"{acme.b64(aki)}.{acme.b64(serial.to_bytes(serial.bit_length() // 8 + 1, 'big'))}"


def keep(site, order, names, key, name="own.pem"):
    (site.folder / name).write_text(order.client.post(order.wait().json["certificate"]).body.decode())
    (site.folder / "own.key").write_bytes(support.key_pem(key))
    return Certificate(site, names, site.folder / name, site.folder / "own.key")


def prove(site, client, order, kind):
    """Answers each authorization by that kind of challenge, but for those that are good already."""
    for authz in order.authorizations():
        if authz.status == "valid":
            continue
        name, proof = authz.json["identifier"]["value"], authz.key_authorization(kind)
        if kind == "http-01":
            (site.challenges / authz.challenge(kind)["token"]).write_text(proof)
        elif kind == "tls-alpn-01":
            site.tell("proof", address=site.address, name=name, digest=acme_sites.names.digest(proof))
        else:
            label = "_acme-challenge" if kind == "dns-01" else f"{acme_sites.names.account_label(client.kid)}._acme-challenge"
            site.tell("txt", name=f"{label}.{name}", value=acme_sites.names.digest(proof))
        authz.respond(kind)
    support.wait_until(lambda: order.poll().status != "pending", 20)
    assert order.status == "ready", [a.json for a in order.authorizations()]


@client(LIFE)
def do_own_renewal_information(site):
    """RFC 9773: when, and what takes whose place."""
    client = site.world.own.client()
    name, key = site.name(), support.new_key()
    with site.web():
        order = client.order(name)
        prove(site, client, order, "http-01")
        first = keep(site, order.finalize(name, key=key), [name], key)
        number = renewal_id(first.leaf)
        answer = client.http("GET", f"{client.directory['renewalInfo']}/{number}")
        window = answer.json["suggestedWindow"]
        assert answer.status == 200 and int(answer.headers["retry-after"]) > 0 and window["start"] < window["end"]
        order = client.order(name, replaces=number)
        assert order.json["replaces"] == number and order.status == "ready"
        second = keep(site, order.finalize(name, key=key), [name], key, "second.pem").differs_from(first)
    # Without a difference of meaning, it is replaced once.
    again = client.ask(client.directory["newOrder"], {"identifiers": [{"type": "dns", "value": name}], "replaces": number})
    assert again.status == 409 and again.type == "alreadyReplaced"
    client.post(client.directory["revokeCert"], {"certificate": acme.b64(second.leaf.public_bytes(acme.DER)), "reason": 1})
    second.revoked("keyCompromise")
    answer = client.http("GET", f"{client.directory['renewalInfo']}/{renewal_id(second.leaf)}")
    assert answer.json["suggestedWindow"]["end"] < datetime.datetime.now(datetime.timezone.utc).isoformat()


@client(LIFE)
def do_own_profiles(site):
    client = site.world.own.client()
    assert set(client.directory["meta"]["profiles"]) == {"server", "short"}
    for profile, days in (("short", 7), ("server", 397)):
        name, key = site.name(), support.new_key("p384")
        order = client.order(name, profile=profile)
        assert order.json["profile"] == profile
        prove(site, client, order, "dns-01")
        found = keep(site, order.finalize(name, key=key), [name], key)
        assert (support.not_after(found.leaf) - support.not_before(found.leaf)).days in (days - 1, days)
    assert client.ask(client.directory["newOrder"], {"identifiers": [{"type": "dns", "value": name}], "profile": "none"}).type == "invalidProfile"


@client(LIFE)
def do_own_dns_account(site):
    """A wildcard by the label that is the account's own."""
    client, name, key = site.world.own.client(), f"*.{site.name()}", support.new_key("rsa2048")
    order = client.order(name)
    prove(site, client, order, "dns-account-01")
    keep(site, order.finalize(name, key=key), [name], key)


@client(LIFE)
def do_own_addresses(site):
    """RFC 8738, by both challenges that know addresses, in both families."""
    key = support.new_key()
    for address in (site.address, "::1"):
        for kind in ("http-01", "tls-alpn-01"):
            client, here = site.world.own.client(), copy.copy(site)
            here.address = address
            with here.web():
                order = client.order({"type": "ip", "value": address})
                assert {c["type"] for a in order.authorizations() for c in a.json["challenges"]} == {"http-01", "tls-alpn-01"}
                prove(here, client, order, kind)
                keep(site, order.finalize(x509.IPAddress(ipaddress.ip_address(address)), key=key), [address], key)
            site.network.do_silent(address)


@client(LIFE)
def do_own_account(site):
    """An external account, a changed key, an authorization in advance, deactivation."""
    closed = site.world.closed
    kid, secret, _ = closed.key()
    client = closed.client(register=False)
    refusal = client.ask(client.directory["newAccount"], {"termsOfServiceAgreed": True}, by_key=True)
    assert refusal.status == 403 and refusal.type == "externalAccountRequired"
    client.register(externalAccountBinding=acme.binding(secret, kid, client.key, client.directory["newAccount"]))
    old, new = client.key, support.new_key("p384")
    url = client.directory["keyChange"]
    inner = acme.jws({"alg": "ES384", "jwk": acme.jwk(new), "url": url}, {"account": client.kid, "oldKey": acme.jwk(old)}, lambda data: acme.sign(new, data))
    client.post(url, inner)
    refusal = client.ask(client.kid, key=old)
    assert refusal.status in (400, 401, 403), refusal
    client.key = new
    open_client = site.world.own.client()
    name, key = site.name(), support.new_key()
    made = open_client.post(open_client.directory["newAuthz"], {"identifier": {"type": "dns", "value": name}})
    assert made.status == 201 and made.json["status"] == "pending"
    authz = acme.Authz(open_client, made.headers["location"])
    site.tell("txt", name=f"_acme-challenge.{name}", value=acme_sites.names.digest(authz.key_authorization("dns-01")))
    authz.respond("dns-01")
    support.wait_until(lambda: authz.poll().status == "valid", 20)
    order = open_client.order(name)
    assert order.status == "ready" and order.json["authorizations"] == [authz.url]
    keep(site, order.finalize(name, key=key), [name], key)
    for one in (client, open_client):
        assert one.post(one.kid, {"status": "deactivated"}).json["status"] == "deactivated"
        assert one.ask(one.kid).status in (401, 403)
        account = site.rest.get(f"/acme_accounts/{one.kid.rsplit('/', 1)[1]}").attributes
        assert account["status"] == "deactivated"
