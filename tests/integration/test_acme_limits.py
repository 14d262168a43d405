"""Limits of a directory (RFC 8555 6.6): each is reached, one after the other and by many at once; and its window ends."""

import collections
import concurrent.futures
import datetime
import os
import re
import time

from cryptography import x509

import acme
import acme_fixtures
import support
from test_acme_renewal import advise, certid, number_of

HELP = "https://ca.example/limits"
LOOPBACK = {"type": "ip", "value": "127.0.0.1"}  # no probe goes there: the validation fails at once


directory = acme_fixtures.many_directories(website=HELP)


def limited(answer, name):
    """It names the limit and when it ends; Retry-After says the same."""
    assert (answer.status, answer.type) == (429, "rateLimited"), answer
    detail, wait = answer.json["detail"], int(answer.headers["retry-after"])
    assert detail.startswith(f"{name}: ") and answer.links["help"] == [HELP], answer.headers
    end = datetime.datetime.fromisoformat(re.search(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", detail).group().replace("Z", "+00:00"))
    assert 0 < wait <= 3600
    if name != "pending_authz":
        assert abs((end - datetime.datetime.now(datetime.timezone.utc)).total_seconds() - wait) < 5
    return True


def new_order(client, *identifiers, **payload):
    names = [i if isinstance(i, dict) else {"type": "dns", "value": i} for i in identifiers]
    return client.ask(client.directory["newOrder"], {"identifiers": names, **payload})


def later(instance, directory):
    """The windows that are open have ended."""
    instance.sql(f"UPDATE acme_count SET begun_at = now() - interval '1 hour' WHERE endpoint_id = {directory.id}")


def at_once(n, work):
    with concurrent.futures.ThreadPoolExecutor(n) as pool:
        return list(pool.map(work, range(n)))


def renew_at_once(rest, instance, certificate):
    advise(rest, f"/{number_of(instance, certificate)}")


def host():
    return f"{acme.mark('l')}.limit.example"


def new_account(client):
    return client.ask(client.directory["newAccount"], {"termsOfServiceAgreed": True}, by_key=True)


def test_accounts(instance, directory):
    d = directory(accounts_per_hour=3)
    source = support.new_address()
    clients = [d.client(register=False, source=source) for _ in range(5)]
    answers = [new_account(c) for c in clients]
    assert [a.status for a in answers] == [201] * 3 + [429] * 2, answers
    assert limited(answers[3], "accounts_per_hour")
    assert new_account(clients[0]).status == 200  # it is there already
    assert clients[4].ask(d.client(register=False).directory["newAccount"], {"onlyReturnExisting": True}, by_key=True).type == "accountDoesNotExist"
    assert new_account(d.client(register=False, source=support.new_address())).status == 201  # somebody else
    later(instance, d)
    assert new_account(clients[3]).status == 201


def test_accounts_at_once(directory):
    d = directory(accounts_per_hour=4)
    source = support.new_address()
    clients = [d.client(register=False, source=source) for _ in range(12)]
    for c in clients:
        c.nonce = c.new_nonce()
    answers = at_once(12, lambda i: new_account(clients[i]))
    assert collections.Counter(a.status for a in answers) == {201: 4, 429: 8}


def test_one_key_at_once_is_one_account(instance, directory):
    """What comes to the account of another request isn't counted."""
    d = directory(accounts_per_hour=2)
    source, key = support.new_address(), support.new_key()
    clients = [d.client(register=False, source=source, key=key) for _ in range(6)]
    for c in clients:
        c.nonce = c.new_nonce()
    answers = at_once(6, lambda i: new_account(clients[i]))
    assert {a.status for a in answers} <= {200, 201, 429} and sum(a.status == 201 for a in answers) == 1
    assert new_account(d.client(register=False, source=source)).status == 201
    assert new_account(d.client(register=False, source=source)).status == 429


def test_orders(instance, rest, directory):
    d = directory(orders_per_hour=3)
    client, other = d.client(names=["dns:.limit.example"]), d.client(names=["dns:.limit.example"])
    assert new_order(client, host(), profile="nosuch").type == "invalidProfile"  # no order, not counted
    name = host()
    first = client.order(name)
    assert new_order(client, host()).status == 201 and new_order(client, host()).status == 201
    assert limited(new_order(client, host()), "orders_per_hour")
    assert new_order(other, host()).status == 201
    first.finalize(name)
    certificate = first.wait().chain()[0]
    assert limited(new_order(client, name, replaces=certid(certificate)), "orders_per_hour")  # it isn't time yet
    renew_at_once(rest, instance, certificate)
    assert limited(new_order(client, name, host(), replaces=certid(certificate)), "orders_per_hour")  # more than it had
    assert new_order(client, name, replaces=certid(certificate)).status == 201  # who renews isn't counted (RFC 9773 5)
    assert limited(new_order(client, name, replaces=certid(certificate)), "orders_per_hour")  # one such order is open
    assert limited(new_order(client, host()), "orders_per_hour")
    later(instance, d)
    assert new_order(client, host(), replaces=certid(certificate)).status == 404
    assert new_order(client, host()).status == 201


def test_renewals_at_once(instance, rest, directory):
    """One of them isn't counted, however many are asked for at once."""
    d = directory(orders_per_hour=1)
    client, name = d.client(names=["dns:.limit.example"]), host()
    certificate = client.certificate(name)
    renew_at_once(rest, instance, certificate)
    clients = parallel(client, 8)
    answers = at_once(8, lambda i: new_order(clients[i], name, replaces=certid(certificate)))
    assert collections.Counter(a.status for a in answers) == {201: 1, 429: 7}


def test_authorizations_in_advance(instance, directory):
    """They count as orders, also when they are given up."""
    d = directory(orders_per_hour=3)
    client = d.client()
    for _ in range(3):
        answer = client.ask(client.directory["newAuthz"], {"identifier": {"type": "dns", "value": host()}})
        assert answer.status == 201
        assert client.post(answer.headers["location"], {"status": "deactivated"}).json["status"] == "deactivated"
    assert limited(client.ask(client.directory["newAuthz"], {"identifier": {"type": "dns", "value": host()}}), "orders_per_hour")
    assert limited(new_order(client, host()), "orders_per_hour")
    assert instance.count("acme_authz", f"endpoint_id = {d.id}") == 3


def test_new_authorizations(instance, directory):
    """Ten for each order, whatever became of them."""
    d = directory(orders_per_hour=3)
    client = d.client()
    many = [[f"{i}-{k}.new.example" for k in range(20)] for i in range(2)]
    assert new_order(client, *many[0]).status == 201
    assert limited(new_order(client, *many[1]), "orders_per_hour")
    assert instance.count("acme_authz", f"endpoint_id = {d.id}") == 20 and instance.count("acme_order", f"endpoint_id = {d.id}") == 1
    assert new_order(client, *many[1][:10]).status == 201
    assert limited(new_order(client, host()), "orders_per_hour")
    later(instance, d)
    assert new_order(client, *many[1]).status == 201


def parallel(client, n):
    """The same account on connections of its own."""
    made = []
    for _ in range(n):
        c = acme.Client(client.instance, client.label, client.key)
        c.kid, c.nonce = client.kid, c.new_nonce()
        made.append(c)
    return made


def test_orders_at_once(directory):
    d = directory(orders_per_hour=5)
    clients = parallel(d.client(names=["dns:.limit.example"]), 12)
    answers = at_once(12, lambda i: new_order(clients[i], host()))
    assert collections.Counter(a.status for a in answers) == {201: 5, 429: 7}


def begin(client, answer, kind="http-01"):
    """Answers the challenge of an order's authorization; that answer."""
    authz = acme.Authz(client, answer.json["authorizations"][0])
    return authz, client.ask(authz.challenge(kind)["url"], {})


def fails(authz):
    support.wait_until(lambda: authz.poll().status == "invalid", 20)


def test_failures(instance, directory):
    d = directory(failures_per_hour=2)
    client, other = d.client(), d.client()
    waiting = new_order(client, LOOPBACK)
    for _ in range(2):
        authz, answer = begin(client, new_order(client, LOOPBACK))
        assert answer.status == 200, answer
        fails(authz)
    assert limited(new_order(client, LOOPBACK), "failures_per_hour")
    assert limited(new_order(client, host(), LOOPBACK), "failures_per_hour")
    assert limited(client.ask(client.directory["newAuthz"], {"identifier": LOOPBACK}), "failures_per_hour")
    authz, answer = begin(client, waiting)  # one that was there before
    assert limited(answer, "failures_per_hour") and "127.0.0.1" in answer.json["detail"]
    assert authz.poll().status == "pending" and authz.challenge("http-01")["status"] == "pending"
    assert new_order(client, host()).status == 201  # another identifier
    authz, answer = begin(other, new_order(other, LOOPBACK))  # another account
    assert answer.status == 200
    later(instance, d)
    authz, answer = begin(client, waiting)
    assert answer.status == 200
    fails(authz)


def test_failures_at_once(directory):
    """No more validations than the limit go out, however many are asked for at once."""
    d = directory(failures_per_hour=3)
    client = d.client()
    orders = [new_order(client, LOOPBACK) for _ in range(8)]
    urls = [acme.Authz(client, o.json["authorizations"][0]).challenge("http-01")["url"] for o in orders]
    clients = parallel(client, 8)
    answers = at_once(8, lambda i: clients[i].ask(urls[i], {}))
    assert collections.Counter(a.status for a in answers) == {200: 3, 429: 5}
    for a in answers:
        assert a.status == 200 or limited(a, "failures_per_hour")


def test_what_didnt_fail_isnt_counted(instance, directory):
    """A validation that was good, or that a fault of ours spoilt, leaves its place to others."""
    d = directory(failures_per_hour=1)
    client = d.client()
    account = client.kid.rsplit("/", 1)[1]
    for outcome in ("true, NULL", "false, '{\"type\": \"urn:ietf:params:acme:error:serverInternal\"}'"):
        order = new_order(client, {"type": "ip", "value": "192.0.2.7"})
        authz = acme.Authz(client, order.json["authorizations"][0])
        challenge = authz.challenge("http-01")["url"].rsplit("/", 1)[1]
        whose = f"endpoint_id = {d.id} AND what = 'failures' AND whose LIKE '{account} %'"
        # As a front end does it, in one transaction: the instance's own validator doesn't see the challenge.
        instance.sql(f"DO $$ BEGIN PERFORM acme_challenge_limited({account}, {challenge}, 1); "
                     f"ASSERT (SELECT n FROM acme_count WHERE {whose}) = 1; "
                     f"ASSERT acme_challenge_result({challenge}, 0, {outcome}, '[]', 0, 1, false); END $$")
        assert instance.sql(f"SELECT n FROM acme_count WHERE {whose}") == [["0"]]
        instance.sql(f"UPDATE acme_authz SET status = 'deactivated' WHERE id = {authz.id}")


def test_pending_authorizations(directory):
    d = directory(pending_authz=4)
    client = d.client(names=["dns:.limit.example"])
    assert new_order(client, "a.example", "b.example", "c.example").status == 201
    refused = new_order(client, "d.example", "e.example")
    assert limited(refused, "pending_authz")
    assert new_order(client, host()).status == 201  # needs none
    last = new_order(client, "d.example")
    assert last.status == 201
    assert limited(client.ask(client.directory["newAuthz"], {"identifier": {"type": "dns", "value": "f.example"}}), "pending_authz")
    client.post(last.json["authorizations"][0], {"status": "deactivated"})
    assert client.ask(client.directory["newAuthz"], {"identifier": {"type": "dns", "value": "f.example"}}).status == 201
    assert limited(new_order(client, "g.example"), "pending_authz")
    assert new_order(d.client(), "g.example").status == 201


def test_a_refused_order_leaves_nothing(instance, directory):
    d = directory(pending_authz=1, orders_per_hour=2)
    client = d.client()
    for _ in range(4):
        assert limited(new_order(client, "a.example", "b.example"), "pending_authz")
    assert instance.count("acme_order", f"endpoint_id = {d.id}") == 0 and instance.count("acme_authz", f"endpoint_id = {d.id}") == 0
    assert new_order(client, "a.example").status == 201  # nor was it counted


def test_pending_authorizations_at_once(instance, directory):
    d = directory(pending_authz=5, orders_per_hour=0)
    clients = parallel(d.client(), 12)
    answers = at_once(12, lambda i: new_order(clients[i], f"p{i}.example") if i % 2 else
                      clients[i].ask(clients[i].directory["newAuthz"], {"identifier": {"type": "dns", "value": f"q{i}.example"}}))
    assert collections.Counter(a.status for a in answers) == {201: 5, 429: 7}
    assert instance.count("acme_authz", f"endpoint_id = {d.id} AND status = 'pending'") == 5


def test_none(directory):
    """0: as many as one likes."""
    d = directory(accounts_per_hour=0, orders_per_hour=0, failures_per_hour=0, pending_authz=0)
    source = support.new_address()
    client = d.client(source=source)
    assert all(new_account(d.client(register=False, source=source)).status == 201 for _ in range(3))
    assert all(new_order(client, host()).status == 201 for _ in range(3))
    for _ in range(2):
        authz, answer = begin(client, new_order(client, LOOPBACK))
        assert answer.status == 200
        fails(authz)


def test_what_is_over_is_swept(instance, directory):
    """Orders and authorizations a week after their end, windows a day after theirs; nothing that is still of use."""
    d = directory(order_hours=1)
    client = d.client(names=["dns:.limit.example"])
    name = host()
    done = client.order(name)
    done.finalize(name)
    done.wait()
    old, new = new_order(client, "old.example"), new_order(client, "new.example")
    old_id, new_id = (int(o.headers["location"].rsplit("/", 1)[1]) for o in (old, new))
    authz = int(old.json["authorizations"][0].rsplit("/", 1)[1])
    instance.sql(f"UPDATE acme_order SET expires_at = now() - interval '8 days' WHERE id IN ({old_id}, {done.id})")
    assert client.ask(old.headers["location"]).json["status"] == "invalid"
    instance.sql(f"UPDATE acme_authz SET expires_at = now() - interval '8 days' WHERE id = {authz}")
    # Given up an hour ago: one that no order has goes, not one of an order, nor one that was made since.
    given_up = []
    for _ in range(2):
        answer = client.ask(client.directory["newAuthz"], {"identifier": {"type": "dns", "value": f"{acme.mark()}.example"}})
        client.post(answer.headers["location"], {"status": "deactivated"})
        given_up.append(int(answer.headers["location"].rsplit("/", 1)[1]))
    kept = [acme.Authz(client, url).id for one in (new_order(client, "kept.example"), new) for url in one.json["authorizations"]]
    instance.sql(f"UPDATE acme_authz SET status = 'deactivated' WHERE id = {kept[0]}")
    instance.sql(f"UPDATE acme_authz SET created_at = now() - interval '61 minutes' WHERE id IN ({given_up[1]}, {kept[0]})")
    # Those that a client left while they were processed.
    left, waits = (client.order(host()).id for _ in range(2))
    for number, days in ((left, 32), (waits, 8)):
        instance.sql(f"UPDATE acme_order SET status = 'processing', expires_at = now() - interval '{days} days' WHERE id = {number}")
    instance.sql(f"INSERT INTO acme_count (endpoint_id, what, whose, begun_at) VALUES ({d.id}, 'accounts', 'swept', now() - interval '2 days')")
    # A nonce begins with its time in 32 bits, which are more than an integer holds from 2038 on.
    now, tail = int(time.time()), os.urandom(12).hex()
    nonces = {age: f"'\\x{(now - age) % (1 << 32):08x}{tail}'" for age in (7200, 1, now - (1 << 31))}
    instance.sql(f"INSERT INTO acme_nonce VALUES {', '.join(f'({n})' for n in nonces.values())}")
    support.wait_until(lambda: instance.count("acme_order", f"id = {old_id}") == 0, 90)
    support.wait_until(lambda: instance.count("acme_authz", f"id = {given_up[1]}") == 0, 10)
    support.wait_until(lambda: instance.count("acme_authz", f"id = {authz}") == 0 and instance.count("acme_count", "whose = 'swept'") == 0, 10)
    assert instance.count("acme_order", f"id IN ({new_id}, {done.id}, {waits})") == 3 and instance.count("acme_order", f"id = {left}") == 0
    assert [instance.count("acme_nonce", f"nonce = {n}") for n in nonces.values()] == [0, 1, 1]
    assert instance.count("acme_authz", f"id IN ({given_up[0]}, {', '.join(map(str, kept))})") == 3
    answer = client.ask(old.headers["location"])
    assert (answer.status, answer.type) == (404, "malformed")
    assert isinstance(done.chain()[0], x509.Certificate)
