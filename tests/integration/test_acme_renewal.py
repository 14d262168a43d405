"""Renewal information (RFC 9773): windows, certificate identifiers, and orders that replace a certificate."""

import datetime

import pytest
from cryptography import x509

import acme
import acme_fixtures
import support

UTC = datetime.timezone.utc


directory = acme_fixtures.one_directory()


@pytest.fixture(scope="module")
def client(directory):
    return directory.client(names=["dns:.renew.example"])


def host():
    return f"{acme.mark('n')}.renew.example"


def certid(certificate):
    """RFC 9773 4.1, by python-cryptography."""
    key_id = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    number = certificate.serial_number
    return f"{acme.b64(key_id)}.{acme.b64(number.to_bytes(number.bit_length() // 8 + 1, 'big'))}"


def info(client, identifier, method="GET"):
    return client.http(method, f"{client.directory['renewalInfo']}/{identifier}")


def window(client, certificate):
    """Of a certificate: start and end."""
    answer = info(client, certid(certificate) if isinstance(certificate, x509.Certificate) else certificate)
    assert answer.status == 200 and answer.headers["content-type"] == "application/json", answer
    assert 60 <= int(answer.headers["retry-after"]) <= 6 * 3600
    start, end = (datetime.datetime.fromisoformat(answer.json["suggestedWindow"][k].replace("Z", "+00:00")) for k in ("start", "end"))
    assert start < end
    return start, end


def now():
    return datetime.datetime.now(UTC)


def in_the_past(client, certificate):
    start, end = window(client, certificate)
    return start < end < now()


def life(certificate):
    begins, ends = (getattr(support, f"not_{w}")(certificate) for w in ("before", "after"))
    begins, ends = (t if t.tzinfo else t.replace(tzinfo=UTC) for t in (begins, ends))
    return begins, ends


def test_the_last_third(client):
    """The window lies in the last third of the life, and is wide; the same one each time; two certificates have two."""
    windows = set()
    for _ in range(6):
        certificate = client.certificate(host())
        begins, ends = life(certificate)
        start, end = window(client, certificate)
        assert begins + (ends - begins) * 2 / 3 - datetime.timedelta(seconds=3) <= start < end < ends
        assert end - start >= (ends - begins) / 12 - datetime.timedelta(seconds=1)
        assert window(client, certificate) == (start, end)
        windows.add(start - begins)
    assert len(windows) > 3


def test_nobody_signs(client, directory, instance):
    answer = info(acme.Client(instance, directory.label), certid(client.certificate(host())))
    assert answer.status == 200 and "explanationURL" not in answer.json and "replay-nonce" not in answer.headers
    url = answer and f"{client.directory['renewalInfo']}/x"
    assert client.ask(url, {}).status == 405


def test_identifiers_have_one_form(client):
    certificate = client.certificate(host())
    good = certid(certificate)
    key_id, serial = good.split(".")
    number = acme.unb64(serial)
    assert info(client, good).status == 200
    def with_serial(octets):
        return f"{key_id}.{acme.b64(octets)}"

    bad = ["x", "", ".", f"{key_id}.", f".{serial}", f"{key_id}{serial}", f"{good}.", f"{good}.{serial}", f"{good}=", f"{key_id}==.{serial}",
           with_serial(b"\0" + number), with_serial(b"\xff" + number[1:]), with_serial(b"\0"), with_serial(b"\0\1"), f"{key_id}.!!!!",
           good.replace(".", "%2E"), f"{key_id}%20.{serial}", "A" * 5000]
    for text in bad:
        answer = info(client, text)
        assert answer.status in (400, 404, 414) and answer.status != 200, (text, answer)
        if answer.status == 400:
            assert answer.type == "malformed"
    for text in (f"{acme.b64(b'k' * 20)}.{serial}", with_serial(b"\1" + number), with_serial(number[:-1] + bytes([number[-1] ^ 1]))):
        answer = info(client, text)
        assert answer.status == 404 and answer.type == "malformed", (text, answer)


def test_other_cas_and_tenants(rest, profile, client, second_ca, new_tenant):
    certificate = client.certificate(host())
    house = new_tenant()
    for made in (acme.Directory(rest, {"server": profile}, relationships={"ca": {"data": {"type": "cas", "id": second_ca["id"]}}}),
                 acme.Directory(house.rest(), {"server": acme.server_profile(house.rest())})):
        other = made.client(register=False)
        assert info(other, certid(certificate)).status == 404
        made.delete()


def test_revoked(client):
    certificate = client.certificate(host())
    assert not in_the_past(client, certificate)
    assert client.ask(client.directory["revokeCert"], {"certificate": acme.b64(certificate.public_bytes(acme.DER)), "reason": 4}).status == 200
    assert in_the_past(client, certificate)


def test_many_revoked_over_rest(rest, instance, client):
    certificate = client.certificate(host())
    number = instance.sql(f"SELECT id FROM certificate WHERE der = decode('{certificate.public_bytes(acme.DER).hex()}', 'hex')")[0][0]
    answer = rest.post(f"/certificates/{number}/revoke", {"data": {"type": "revocation", "attributes": {"reason": "superseded"}}})
    assert answer.status == 200 and in_the_past(client, certificate)


def number_of(instance, certificate):
    return instance.sql(f"SELECT id FROM certificate WHERE der = decode('{certificate.public_bytes(acme.DER).hex()}', 'hex')")[0][0]


def advise(rest, path="", **attributes):
    answer = rest.post(f"/certificates{path}/advise_renewal", {"data": {"type": "advise_renewal", "attributes": attributes}})
    assert answer.status in (200, 202), answer
    if answer.status == 202:
        support.wait_until(lambda: rest.get(f"/jobs/{answer.data['id']}").attributes["status"] == "done", 20)


def at(hours):
    return (now() + datetime.timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_advice(instance, rest, client):
    """What somebody advised counts when it begins earlier than usual; the explanation is handed on."""
    certificate = client.certificate(host())
    path, usual = f"/{number_of(instance, certificate)}", window(client, certificate)
    advise(rest, path, begins=at(1), ends=at(5), explanation="https://ca.example/why")
    start, end = window(client, certificate)
    assert abs((start - now()).total_seconds() - 3600) < 30 and (end - start).total_seconds() == 4 * 3600
    assert info(client, certid(certificate)).json["explanationURL"] == "https://ca.example/why"
    advise(rest, path, begins=at(24 * 3000), ends=at(24 * 3001))
    assert window(client, certificate) == usual
    advise(rest, path)
    assert in_the_past(client, certificate)
    advise(rest, path, withdraw=True)
    assert window(client, certificate) == usual


def test_advice_for_many(instance, rest, client):
    """Before a mass revocation: all windows move into the past, those of others don't."""
    made, other = [client.certificate(host()) for _ in range(5)], client.certificate(host())
    advise(rest, ids=[number_of(instance, c) for c in made], explanation="https://ca.example/incident")
    assert all(in_the_past(client, c) for c in made) and not in_the_past(client, other)
    names = [host() for _ in made]
    fresh = [client.certificate(n, c.extensions.get_extension_for_class(x509.SubjectAlternativeName).value[0].value, replaces=certid(c))
             for n, c in zip(names, made)]
    assert not any(in_the_past(client, c) for c in fresh)


def make_ca(house_rest, name, parent=None, **more):
    data = {"type": "cas", "attributes": {"name": name, "subject": [["CN", name]], "key_type": "p256", "key_store": "file", **more}}
    if parent:
        data["relationships"] = {"parent": {"data": {"type": "cas", "id": parent["id"]}}}
    answer = house_rest.post("/cas", {"data": data})
    assert answer.status == 201, answer
    return answer.data


def test_cas_that_were_superseded_or_revoked(new_tenant):
    """What the old key issued is known to the directory, and to be renewed at once."""
    house = new_tenant().rest()
    root = make_ca(house, acme.mark("root"))
    old = make_ca(house, acme.mark("sub"), root)
    made = acme.Directory(house, {"server": acme.server_profile(house)}, relationships={"ca": {"data": {"type": "cas", "id": old["id"]}}})
    client = made.client(names=["dns:.renew.example"])
    name = host()
    first = client.certificate(name)
    assert not in_the_past(client, first)
    answer = house.post(f"/cas/{old['id']}/rollover", {"data": {"type": "rollover", "attributes": {"key_store": "file"}}})
    assert answer.status == 200, answer
    assert in_the_past(client, first)
    second = client.certificate(name, replaces=certid(first))
    assert not in_the_past(client, second) and second.issuer == first.issuer
    revoked = house.post(f"/cas/{answer.data['id']}/revoke", {"data": {"type": "revoke", "attributes": {"reason": 1}}})
    assert revoked.status == 200, revoked
    assert in_the_past(client, second) and in_the_past(client, first)
    made.delete()


def test_a_ca_that_ends_first(instance, new_tenant):
    tenant = new_tenant()
    house = tenant.rest()
    made = acme.Directory(house, {"server": acme.server_profile(house)})
    client = made.client(names=["dns:.renew.example"])
    certificate = client.certificate(host())
    assert not in_the_past(client, certificate)
    instance.sql(f"UPDATE ca SET not_after = now() + interval '1 day' WHERE is_default AND tenant_id = (SELECT id FROM tenant WHERE name = '{tenant.name}')")
    assert in_the_past(client, certificate)
    made.delete()


# -- newOrder's replaces


def test_replaces(client):
    name = host()
    first = client.certificate(name)
    order = client.order(name, replaces=certid(first))
    assert order.json["replaces"] == certid(first) and order.poll().json["replaces"] == certid(first)
    waiting = client.order(name, replaces=certid(first))  # nobody has taken its place yet
    order.finalize(name)
    order.wait()
    with pytest.raises(acme.Problem) as e:
        client.order(name, replaces=certid(first))
    assert (e.value.answer.status, e.value.type) == (409, "alreadyReplaced")
    answer = waiting.try_finalize(waiting.request(name))
    assert (answer.status, answer.type) == (409, "alreadyReplaced"), answer
    second = order.chain()[0]
    assert client.order(name, replaces=certid(second)).status == "ready"


def test_replaces_what_isnt_theirs(client, directory):
    name = host()
    first = client.certificate(name)
    other = directory.client(names=["dns:.renew.example"])
    for who, names, identifier, status in ((other, [name], certid(first), 404), (client, [host()], certid(first), 404),
                                           (client, [name], f"{certid(first)}=", 400), (client, [name], "x", 400), (client, [name], 7, 400),
                                           (client, [name], certid(first).split(".")[0] + ".AQ", 404)):
        with pytest.raises(acme.Problem) as e:
            who.order(*names, replaces=identifier)
        assert (e.value.answer.status, e.value.type) == (status, "malformed"), e.value
    assert client.order(name, host(), replaces=certid(first)).status == "ready"  # one name in common is enough
