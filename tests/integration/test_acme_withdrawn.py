"""What a client was allowed and then wasn't: orders that wait for people, and authorizations, profiles and kinds of challenge that were withdrawn."""

import subprocess

import pytest

import acme
import acme_fixtures
import support


@pytest.fixture(scope="module")
def other_profile(rest):
    return acme.server_profile(rest)


directory = acme_fixtures.many_directories()


def host():
    return f"{acme.mark('w')}.walk.example"


def refused(answer, status, kind):
    assert (answer.status, answer.type) == (status, kind), answer
    return answer


def certificates(instance, name):
    return instance.count("certificate", f"'dns:{name}' = ANY (names)")


def offer(profile, name="server"):
    return {name: {"profile": profile, "description": "for tests", "default": True, "caa": False}}


def validated(instance, client, *names, method="dns-01"):
    """An order whose authorizations were validated by that method."""
    order = client.order(*names)
    for authz in order.authorizations():
        instance.sql(f"UPDATE acme_authz SET status = 'valid', method = '{method}', validated_at = now() WHERE id = {authz.id}")
    return order.poll()


# ---------------------------------------------------------------- while people look at it


@pytest.fixture
def waits(rest):
    """waits(client, name): an order for it that somebody has to approve, and has approved; nobody asked the engine since."""
    made = []

    def make(instance, client, name):
        answer = rest.post("/policies", {"data": {"type": "policies", "attributes": {
            "name": acme.mark("p"), "enabled": True, "condition": f'$.source == "acme" && $.names[*] == "dns:{name}"',
            "rules": [{"name": "look", "approve": {"count": 1, "right": "approvals.decide"}, "message": "somebody looks"}]}}})
        assert answer.status == 201, answer
        made.append(answer.data["id"])
        order = validated(instance, client, name)
        order.finalize(name)
        assert order.status == "processing", order.answer
        (approval,) = [a["id"] for a in rest.get("/approvals?filter[status]=open").data if name in str(a)]
        done = support.Tenant(instance, "default").rest().post(f"/approvals/{approval}/approve", {"data": {"type": "approve"}})
        assert done.status == 200, done
        return order

    yield make
    for one in made:
        rest.delete(f"/policies/{one}")


def withdraw_authz(instance, d, order, other_profile):
    (authz,) = order.authorizations()
    order.client.post(authz.url, {"status": "deactivated"})


def withdraw_time(instance, d, order, other_profile):
    (authz,) = order.authorizations()
    instance.sql(f"UPDATE acme_authz SET expires_at = now() WHERE id = {authz.id}")


def withdraw_kind(instance, d, order, other_profile):
    d.change(challenges=["http-01"])


def withdraw_profile(instance, d, order, other_profile):
    d.change(profiles=offer(other_profile))


def forget(instance, d, order, other_profile):
    """The engine knows for 30 days which certificate an order got."""
    instance.sql(f"UPDATE acme_order SET finalized_at = now() - interval '29 days 1 hour' WHERE id = {order.id}")


@pytest.mark.parametrize("withdraw, kind", [(withdraw_authz, "unauthorized"), (withdraw_time, "unauthorized"), (withdraw_kind, "unauthorized"),
                                            (withdraw_profile, "invalidProfile"), (forget, "unauthorized")])
def test_an_order_that_waited(instance, directory, waits, other_profile, withdraw, kind):
    d, name = directory(), host()
    order = waits(instance, d.client(), name)
    withdraw(instance, d, order, other_profile)
    instance.sql(f"UPDATE acme_order SET claimed_until = now() WHERE id = {order.id}")
    support.wait_until(lambda: order.poll().status in ("valid", "invalid"), 10)
    assert order.status == "invalid" and order.json["error"]["type"] == acme.URN + kind, order.answer
    assert certificates(instance, name) == 0


def test_an_order_that_waited_and_holds(instance, directory, waits):
    d, name = directory(), host()
    order = waits(instance, d.client(), name)
    instance.sql(f"UPDATE acme_order SET claimed_until = now() WHERE id = {order.id}")
    support.wait_until(lambda: order.poll().status == "valid", 10)
    assert certificates(instance, name) == 1


@pytest.mark.slow
def test_the_sweep_ends_what_nobody_approves(instance, directory, waits):
    d, name = directory(), host()
    order = waits(instance, d.client(), name)
    instance.sql(f"UPDATE acme_order SET claimed_until = now(), expires_at = now() - interval '20 days', "
                 f"finalized_at = now() - interval '29 days 1 hour' WHERE id = {order.id}")
    support.wait_until(lambda: instance.count("acme_order", f"id = {order.id} AND status = 'invalid' AND error IS NOT NULL") == 1, 90)
    assert order.poll().status == "invalid" and certificates(instance, name) == 0


# ---------------------------------------------------------------- before it is finalized


def test_a_profile_that_is_offered_no_more(instance, directory, profile, other_profile):
    d, name = directory(), host()
    client = d.client()
    for change in (offer(other_profile), offer(profile, "another")):
        d.change(profiles=offer(profile))
        order = validated(instance, client, name)
        d.change(profiles=change)
        refused(order.try_finalize(order.request(name)), 400, "invalidProfile")
    assert certificates(instance, name) == 0


def test_a_kind_of_challenge_that_is_offered_no_more(instance, directory):
    d, name = directory(), host()
    client = d.client()
    order = validated(instance, client, name)
    assert order.status == "ready" and client.order(name).json["authorizations"] == order.json["authorizations"]
    d.change(challenges=["http-01"])
    assert order.poll().status == "invalid"
    assert order.authorizations()[0].status == "revoked"
    refused(order.try_finalize(order.request(name)), 403, "orderNotReady")
    again = client.order(name)
    assert again.status == "pending" and again.json["authorizations"] != order.json["authorizations"]
    d.change(challenges=["http-01", "dns-01"])
    assert order.poll().status == "ready" and order.finalize(name).status == "valid"


def test_authorizations_are_used_again_for_a_shorter_time(instance, directory):
    d, name = directory(), host()
    client = d.client()
    order = validated(instance, client, name)
    (authz,) = order.authorizations()
    instance.sql(f"UPDATE acme_authz SET validated_at = now() - interval '3 hours' WHERE id = {authz.id}")
    assert client.order(name).status == "ready"
    d.change(settings={"authz_hours": 2})
    support.wait_until(lambda: client.order(name).status == "pending", 1, 0.05)  # what the directory says is kept for a second


@pytest.mark.parametrize("gone", ["account", "directory"])
def test_a_validation_of_an_account_or_directory_that_is_closed(instance, directory, gone):
    d = directory()
    client = d.client()
    account = client.kid.rsplit("/", 1)[1]
    (authz,) = client.order(host()).authorizations()
    challenge = authz.challenge("http-01")["url"].rsplit("/", 1)[1]
    change = (f"UPDATE acme_account SET status = 'revoked' WHERE id = {account}" if gone == "account" else
              f"UPDATE endpoint SET enabled = false WHERE id = {d.id}")
    instance.sql(f"DO $$ BEGIN PERFORM acme_challenge_limited({account}, {challenge}, 0); {change}; "
                 f"PERFORM acme_challenge_result({challenge}, 0, true, NULL, '[]', 0, 1, false); END $$")
    assert instance.sql(f"SELECT status FROM acme_authz WHERE id = {authz.id}") == [["revoked"]]


# ---------------------------------------------------------------- who asks


@pytest.mark.rows("M05")
def test_numbers_of_another_directory_are_unknown(instance, directory):
    client, stranger, name = directory().client(names=["dns:.walk.example"]), directory().client(), host()
    done = client.order(name).finalize(name).wait()
    pending = client.order(f"{acme.mark()}.elsewhere.example")
    (authz,) = pending.authorizations()
    for url, payload in ((done.url, None), (done.json["certificate"], None), (done.json["finalize"], {"csr": acme.b64(done.request(name))}),
                         (pending.url, None), (authz.url, None), (authz.url, {"status": "deactivated"}), (authz.challenge("http-01")["url"], None),
                         (authz.challenge("http-01")["url"], {})):
        url = url.replace(client.label, stranger.label)
        answer = refused(stranger.ask(url, payload), 404, "malformed")
        number = url.split("/")[-2 if url.endswith("finalize") else -1]
        unknown = stranger.ask(url.replace(f"/{number}", "/999999999999"), payload)
        assert (unknown.status, unknown.json) == (404, answer.json)
    assert authz.poll().status == "pending"


@pytest.mark.rows("M03")
def test_wrong_signatures_are_counted_by_address(instance, directory):
    """Numbers of accounts are guessable: who signs with another key has a nonce stored all the same, and so often only."""
    d = directory()
    account, rows = d.client(), instance.count("acme_nonce")
    stranger = acme.Client(instance, d.label, source=support.new_address())
    stranger.kid = account.kid
    answers = [stranger.ask(account.kid) for _ in range(130)]
    assert {a.status for a in answers[:100]} == {403}, answers[:100]
    for answer in answers[100:]:
        refused(answer, 429, "rateLimited")
        assert 0 < int(answer.headers["retry-after"]) <= 60
    assert instance.count("acme_nonce") - rows <= 110
    assert account.ask(account.kid).status == 200
    guesser = acme.Client(instance, d.label, source=support.new_address())
    for number in range(120):
        guesser.kid = account.kid + f"{number:03}9"
        answer = guesser.ask(guesser.kid)
    refused(answer, 429, "rateLimited")


@pytest.mark.rows("M03", "M04")
def test_a_nonce_is_looked_at_before_a_key(directory):
    """What costs little comes first."""
    client = directory().client(register=False)
    url = client.directory["newAccount"]
    header = {"alg": "RS256", "nonce": acme.b64(bytes(32)), "url": url, "jwk": {"kty": "RSA", "n": acme.b64(b"\xff" * 512), "e": "AQAB"}}
    refused(client.send(url, acme.jws(header, {}, lambda data: b"x" * 512)), 400, "badNonce")


def test_nonces_of_a_far_time(instance):
    """Seconds as the front end writes them: 32 bits without a sign, also after 2038."""
    for year, seconds in ((2026, 1767225600), (2040, 2208988800), (2105, 4260211200)):
        assert instance.sql(f"SELECT encode(siegel.acme_nonce_at('{year}-01-01 00:00:00Z'), 'hex')") == [[f"{seconds:08x}"]]


# ---------------------------------------------------------------- keys and words


@pytest.mark.rows("M02")
def test_the_accounts_key_however_it_is_written(directory, tmp_path):
    """RFC 8555 11.1: also as a compressed point."""
    client, name = directory().client(names=["dns:.walk.example"]), host()
    pem = client.key.private_bytes(acme.PEM, acme.serialization.PrivateFormat.PKCS8, acme.serialization.NoEncryption())
    (tmp_path / "key.pem").write_bytes(pem)
    for args in (["pkey", "-in", "key.pem", "-ec_conv_form", "compressed", "-out", "small.pem"],
                 ["req", "-new", "-key", "small.pem", "-subj", "/", "-addext", f"subjectAltName=DNS:{name}", "-outform", "DER", "-out", "csr.der"]):
        subprocess.run(["openssl", *args], check=True, cwd=tmp_path, capture_output=True)
    csr = (tmp_path / "csr.der").read_bytes()
    order = client.order(name)
    assert len(csr) < len(order.request(name)) - 25
    answer = refused(order.try_finalize(csr), 400, "badCSR")
    assert "key of the account" in answer.json["detail"] and order.poll().status == "ready"


@pytest.mark.rows("M13")
def test_no_account_gets_a_key_that_is_certified(directory):
    client, name = directory().client(names=["dns:.walk.example"]), host()
    order = client.order(name).finalize(name)
    assert order.status == "valid"
    url = client.directory["keyChange"]
    inner = acme.jws({"alg": "ES256", "jwk": acme.jwk(order.key), "url": url}, {"account": client.kid, "oldKey": acme.jwk(client.key)},
                     lambda data: acme.sign(order.key, data))
    answer = refused(client.ask(url, inner), 400, "badPublicKey")
    assert "certificate" in answer.json["detail"] and client.ask(client.kid).status == 200


def test_a_problem_says_the_directorys_word_for_a_profile(rest, directory):
    ours = acme.server_profile(rest)
    client, name = directory({"shown": ours}).client(names=["dns:.walk.example"]), host()
    acme.change_profile(rest, ours, subject_required=["O"])
    order = client.order(name).finalize(name)
    assert order.status == "invalid", order.answer
    detail = order.json["error"]["detail"]
    assert ours not in detail and '"shown"' in detail, detail
