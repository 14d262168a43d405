"""Validations take turns: one account's thousands of slow ones keep nobody else's waiting."""

import threading
import time


import acme_fixtures
import names
import support


directory = acme_fixtures.one_directory()


def under_way(instance, client):
    account = client.kid.rsplit("/", 1)[1]
    return int(instance.sql(f"SELECT count(*) FROM acme_challenge WHERE account_id = {account} AND status = 'processing' AND taken AND due_at > now()")[0][0])


def test_another_account_comes_in_between(directory, network, instance):
    """200 challenges of one account against a server that hangs; another account's is validated within 5 seconds."""
    slow, quick, ends = directory.client(), directory.client(), threading.Event()
    authorizations = []
    try:
        for _ in range(2):
            hosts = [network.host() for _ in range(100)]
            authorizations += slow.order(*hosts).authorizations()
        for authz in authorizations:
            network.web.files[names.CHALLENGES + authz.challenge("http-01")["token"]] = lambda handler: ends.wait(60)
        for authz in authorizations:
            authz.respond("http-01")
        (authz,) = quick.order(network.host()).authorizations()
        network.serve(authz)
        begun = time.monotonic()
        authz.respond("http-01")
        support.wait_until(lambda: authz.poll().status != "pending", 30, 0.05)
        took = time.monotonic() - begun
        assert authz.status == "valid", authz.answer
        print(f"another account's validation took {took:.2f} s")
        assert took < 5 * support.SLOWER
        validators = int(instance.config.get("acme", "validators", fallback="64"))
        assert 1 <= under_way(instance, slow) <= validators // 4
    finally:
        ends.set()
        for authz in authorizations:
            slow.post(authz.url, {"status": "deactivated"})
        account = slow.kid.rsplit("/", 1)[1]
        instance.sql(f"UPDATE acme_challenge SET status = 'invalid' WHERE account_id = {account}")


def test_all_of_an_account_are_looked_at(directory, network):
    """More at once than an account's share: none is forgotten."""
    client = directory.client()
    order = client.order(*(network.host() for _ in range(60)))
    authorizations = order.authorizations()
    for authz in authorizations:
        network.serve(authz)
    for authz in authorizations:
        authz.respond("http-01")
    support.wait_until(lambda: order.poll().status != "pending", 20, 0.1)
    assert order.status == "ready", order.answer
