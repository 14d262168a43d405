"""Requests of accounts whose key a front end has seen before: one statement takes the nonce, looks whether the account is valid and has that key still,
and does what is asked. What is refused is refused as before."""

import concurrent.futures

import pytest

import acme
import acme_fixtures
import support

HOST = "a.signed.example"


@pytest.fixture(scope="module")
def profile(rest):
    return acme.server_profile(rest, key_reuse="allow")


directory = acme_fixtures.one_directory(orders_per_hour=20)


@pytest.fixture
def client(directory):
    """One whose key is known, with an authorization that is used again."""
    made = directory.client(names=["dns:.signed.example"])
    made.certificate(HOST)
    yield made
    made.close()


def refused(answer, status, kind):
    assert (answer.status, answer.type) == (status, kind), answer
    return answer


def new_order(client):
    return {"identifiers": [{"type": "dns", "value": HOST}]}


def requests_of(client):
    """Each kind of request that is one statement: address and payload."""
    order = client.order(HOST)
    done = client.order(HOST).finalize(HOST)
    return [(client.directory["newOrder"], new_order(client)), (order.json["authorizations"][0], None), (order.url, None),
            (order.json["finalize"], {"csr": acme.b64(order.request(HOST))}), (done.json["certificate"], None)]  # fmt: skip


def orders(instance, client):
    return instance.count("acme_order", f"account_id = {client.kid.rsplit('/', 1)[1]}")


def test_a_nonce_once(client, instance):
    for url, payload in requests_of(client):
        nonce = client.take_nonce()
        assert client.ask(url, payload, nonce=nonce).status in (200, 201)
        before = orders(instance, client)
        refused(client.ask(url, payload, nonce=nonce), 400, "badNonce")
        assert orders(instance, client) == before


def test_one_nonce_for_twenty_orders_at_once(client, directory, instance):
    body, before = client.signed(client.directory["newOrder"], new_order(client)), orders(instance, client)

    def send(_):
        other = acme.Client(instance, directory.label)
        try:
            return other.send(client.directory["newOrder"], body).status
        finally:
            other.close()

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(send, range(20)))
    assert sorted(statuses) == [201] + [400] * 19 and orders(instance, client) == before + 1


def test_what_is_refused_takes_its_nonce(client):
    """Also where the store was not asked."""
    order = client.order(HOST)
    for url, payload, kind in ((order.json["finalize"], {"csr": "AAAA"}, "badCSR"), (order.json["finalize"], {"csr": 1}, "malformed"),
                               (client.directory["newOrder"], {"identifiers": []}, "malformed"), (order.url, {}, "malformed"),
                               (order.json["authorizations"][0], {"status": "valid"}, "malformed")):  # fmt: skip
        nonce = client.take_nonce()
        assert refused(client.ask(url, payload, nonce=nonce), 400, kind)
        refused(client.ask(url, payload, nonce=nonce), 400, "badNonce")


def test_another_key(client, instance):
    """The old one is as good as none, at once; and a stranger's never was any."""
    wanted, url, new = requests_of(client), client.directory["keyChange"], support.new_key()
    for address, payload in wanted:
        refused(client.ask(address, payload, key=support.new_key()), 403, "unauthorized")
    inner = acme.jws({"alg": acme.algorithm(new), "jwk": acme.jwk(new), "url": url}, {"account": client.kid, "oldKey": acme.jwk(client.key)},
                     lambda data: acme.sign(new, data))  # fmt: skip
    assert client.post(url, inner).status == 200
    before = orders(instance, client)
    for address, payload in wanted:
        refused(client.ask(address, payload), 403, "unauthorized")
    assert orders(instance, client) == before
    client.key = new
    for address, payload in wanted:
        assert client.ask(address, payload).status in (200, 201)


def test_another_key_behind_the_front_end(client, instance):
    """Somebody else changed it: the front end finds out by the statement that does nothing."""
    wanted, new, before = requests_of(client), support.new_key(), orders(instance, client)
    digest = acme.unb64(acme.thumbprint(new)).hex()
    text = str(acme.jwk(new)).replace("'", '"')
    instance.sql(f"UPDATE acme_account SET jwk = '{text}', thumbprint = decode('{digest}', 'hex') WHERE id = {client.kid.rsplit('/', 1)[1]}")
    for address, payload in wanted:
        refused(client.ask(address, payload), 403, "unauthorized")
    assert orders(instance, client) == before
    client.key = new
    for address, payload in wanted:
        assert client.ask(address, payload).status in (200, 201)


@pytest.mark.parametrize("status", ["deactivated", "revoked"])
def test_an_account_that_is_not_valid_any_more(client, instance, status):
    wanted, before = requests_of(client), orders(instance, client)
    instance.sql(f"UPDATE acme_account SET status = '{status}' WHERE id = {client.kid.rsplit('/', 1)[1]}")
    for address, payload in wanted:
        refused(client.ask(address, payload), 403, "unauthorized")
    assert orders(instance, client) == before


def test_what_is_another_accounts(client, directory):
    stranger = directory.client(names=["dns:.signed.example"])
    stranger.certificate(HOST)
    for address, payload in requests_of(client)[1:]:
        refused(stranger.ask(address, payload), 403, "unauthorized")
    nothing = client.order(HOST).url.rsplit("/", 1)[0] + "/999999999"
    refused(stranger.ask(nothing), 404, "malformed")
    stranger.close()


def test_a_limit(client):
    made = 1
    while (answer := client.ask(client.directory["newOrder"], new_order(client))).status == 201:
        made += 1
    refused(answer, 429, "rateLimited")
    assert made == 20 and "orders_per_hour" in answer.json["detail"] and 0 < int(answer.headers["retry-after"]) <= 3600


def test_names_that_are_not_the_accounts_any_more(client, directory, instance):
    """What made the authorization valid is looked at each time."""
    order = client.order(HOST)
    instance.sql(f"UPDATE acme_account SET names = '{{}}' WHERE id = {client.kid.rsplit('/', 1)[1]}")
    instance.sql(f"UPDATE acme_key SET revoked_at = now() WHERE id = (SELECT key_id FROM acme_account WHERE id = {client.kid.rsplit('/', 1)[1]})")
    refused(order.try_finalize(order.request(HOST)), 403, "orderNotReady")
    assert client.post(order.json["authorizations"][0]).json["status"] == "revoked"
    assert client.order(HOST).status == "pending"


def test_the_key_of_the_account_is_not_certified(client):
    order = client.order(HOST)
    refused(order.try_finalize(order.request(HOST, key=client.key)), 400, "badCSR")
    assert order.finalize(HOST).status == "valid"
