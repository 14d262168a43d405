"""ACME abused: rows M of the catalogue, but for validations (test_acme_probe.py)."""

import concurrent.futures
import ipaddress
import json
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

import acme
import acme_fixtures
import support


@pytest.fixture(scope="module")
def profile(rest):
    return acme.server_profile(rest, key_reuse="allow")


directory = acme_fixtures.one_directory()


@pytest.fixture
def client(directory):
    made = directory.client(names=["dns:.m.example", "ip:192.0.2.0/24"])
    yield made
    made.close()


def host():
    return f"{acme.mark('h')}.m.example"


def refused(answer, status, kind):
    assert (answer.status, answer.type) == (status, kind), answer
    assert answer.headers.get("replay-nonce") and answer.links["index"], answer.headers
    return answer


@pytest.mark.rows("M01")
def test_names_of_the_request_are_those_of_the_order(client, instance):
    name, other = host(), host()
    order = client.order(name)
    address = x509.IPAddress(ipaddress.ip_address("192.0.2.1"))
    wrong = [order.request(name, other), order.request(other), order.request(), order.request(name, cn=other), order.request(cn=other),
             order.request(name, address), order.request(name, x509.RFC822Name("a@m.example")), order.request(name, f"*.{name}"),
             order.request(f"*.{name}"), order.request(name, x509.UniformResourceIdentifier("https://m.example/")), order.request(name, cn="Some Body"),
             order.request(name, x509.OtherName(x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3"), b"\x0c\x05a@b.c"))]
    for csr in wrong:
        refused(order.try_finalize(csr), 400, "badCSR")
    assert order.poll().status == "ready" and instance.count("certificate", f"'dns:{name}' = ANY (names)") == 0
    two = client.order(name, other)
    for csr in (two.request(name), two.request(other), two.request(name, cn=name)):
        refused(two.try_finalize(csr), 400, "badCSR")
    with_address = client.order(name, {"type": "ip", "value": "192.0.2.1"})
    refused(with_address.try_finalize(with_address.request(name, "192.0.2.1")), 400, "badCSR")
    assert with_address.finalize(name, address).status == "valid"
    assert order.finalize(name, cn=name.upper()).status == "valid"


@pytest.mark.rows("M01")
def test_requests_that_are_none(client):
    order = client.order(host())
    good = order.request(order.json["identifiers"][0]["value"])
    for csr in (b"", b"\x30\x00", good[:-1], good + b"\0", good[:-1] + bytes([good[-1] ^ 1])):
        answer = order.try_finalize(csr)
        if answer.status == 200:  # a wrong signature is the engine's to find: the order has failed then
            assert answer.json["status"] == "invalid" and answer.json["error"]["type"] == acme.URN + "badCSR", answer
        else:
            refused(answer, 400, "badCSR")
    for payload in ({}, {"csr": 1}, {"csr": "="}, {"csr": "+/+/"}, {"csr": None}):
        refused(client.ask(order.json["finalize"], payload), 400, "malformed")


@pytest.mark.rows("M02")
def test_the_key_of_the_account_is_not_certified(directory):
    for key in (support.new_key(), support.new_key("rsa2048")):
        client, name = directory.client(key, names=["dns:.m.example"]), host()
        order = client.order(name)
        refused(order.try_finalize(order.request(name, key=key)), 400, "badCSR")
        assert order.poll().status == "ready"


@pytest.mark.rows("M03")
def test_nonces(client, instance, directory):
    nonce = client.take_nonce()
    assert client.ask(client.kid, None, nonce=nonce).status == 200
    answer = refused(client.ask(client.kid, None, nonce=nonce), 400, "badNonce")
    assert client.ask(client.kid, None, nonce=answer.headers["replay-nonce"]).status == 200
    raw = acme.unb64(client.new_nonce())
    old = int.to_bytes(int(time.time()) - 1801, 4, "big") + raw[4:]
    for wrong in ("", "x", acme.b64(bytes(32)), acme.b64(raw[:-1] + bytes([raw[-1] ^ 1])), acme.b64(old), acme.b64(raw) + "A", acme.b64(raw) + "=", "ä"):
        refused(client.ask(client.kid, None, nonce=wrong), 400, "badNonce")
    body = client.signed(client.kid, None)
    del body["protected"]
    refused(client.send(client.kid, body), 400, "malformed")
    header = {"alg": "ES256", "kid": client.kid, "url": client.kid}
    refused(client.send(client.kid, acme.jws(header, None, lambda data: acme.sign(client.key, data))), 400, "badNonce")
    # Of another directory: nonces are the server's.
    assert client.ask(client.kid, None, nonce=acme.Client(instance, directory.label).new_nonce()).status == 200


@pytest.mark.rows("M03")
def test_one_nonce_a_hundred_times_at_once(client, directory, instance):
    nonce = client.take_nonce()
    body = client.signed(client.kid, None, nonce=nonce)

    def send(_):
        other = acme.Client(instance, directory.label)
        try:
            return other.send(client.kid, body).status
        finally:
            other.close()

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(send, range(100)))
    assert sorted(statuses)[:1] == [200] and statuses.count(200) == 1 and statuses.count(400) == 99


@pytest.mark.rows("M03")
@pytest.mark.slow
def test_unused_nonces_cost_nothing(client, instance):
    for _ in range(200):
        client.new_nonce()
    before, rows = instance.memory("siegel-acme"), instance.count("acme_nonce")
    for _ in range(5000):
        client.new_nonce()
    assert instance.memory("siegel-acme") - before < 8 << 20
    assert instance.count("acme_nonce") <= rows + 1


@pytest.mark.rows("M03")
def test_nonces_after_a_restart(client, instance):
    nonce = client.take_nonce()
    assert client.ask(client.kid, None, nonce=nonce).status == 200
    unused = client.take_nonce()
    instance.supervise("restart", "siegel-acme")
    support.wait_until(lambda: client.http("GET", client.instance.acme_url + f"/{client.label}/directory").status == 200, 20)
    refused(client.ask(client.kid, None, nonce=nonce), 400, "badNonce")
    assert client.ask(client.kid, None, nonce=unused).status == 200


@pytest.mark.rows("M03")
def test_nonces_of_a_store_that_forgot(client, instance):
    """A crash of PostgreSQL empties what isn't logged: nonces under the old key are good no more, used or not."""
    used, unused = client.take_nonce(), client.new_nonce()
    assert client.ask(client.kid, None, nonce=used).status == 200
    instance.sql("BEGIN; DELETE FROM acme_nonce_key; DELETE FROM acme_nonce; COMMIT")
    for nonce in (used, unused):
        refused(client.ask(client.kid, None, nonce=nonce), 400, "badNonce")
    assert client.ask(client.kid, None, nonce=client.new_nonce()).status == 200


@pytest.mark.rows("M04")
def test_jws_that_is_not_taken(client, directory):
    url, key = client.kid, client.key
    mine = {"alg": "ES256", "kid": url, "url": url}

    def sent(header, payload=None, signer=None, change=None, drop=()):
        body = acme.jws({k: v for k, v in {**mine, "nonce": client.take_nonce(), **header}.items() if v is not None}, payload,
                        signer or (lambda data: acme.sign(key, data)))
        body.update(change or {})
        return client.send(url, {k: v for k, v in body.items() if k not in drop})

    assert sent({}).status == 200
    for alg in ("none", "HS256", "RS512", "PS256", "ES256K", "", "es256"):
        answer = refused(sent({"alg": alg}), 400, "badSignatureAlgorithm")
        assert set(answer.json["algorithms"]) == {"RS256", "ES256", "ES384", "ES512", "EdDSA"}
    public = json.dumps(acme.jwk(key)).encode()
    refused(sent({"alg": "HS256"}, signer=lambda data: acme.mac(public, data)), 400, "badSignatureAlgorithm")
    for alg in ("RS256", "ES384", "EdDSA"):
        refused(sent({"alg": alg}), 400, "badSignatureAlgorithm")
    refused(sent({"jwk": acme.jwk(key)}), 400, "malformed")
    refused(sent({"kid": None}), 400, "malformed")
    refused(sent({"kid": None, "jwk": acme.jwk(key)}), 400, "malformed")
    refused(sent({"crit": ["exp"], "exp": 1}), 400, "malformed")
    refused(sent({"crit": []}), 400, "malformed")
    refused(sent({"b64": False}), 400, "malformed")
    refused(sent({}, change={"header": {"alg": "ES256"}}), 400, "malformed")
    refused(sent({}, change={"header": {}}), 400, "malformed")
    refused(sent({}, change={"signatures": []}), 400, "malformed")
    refused(sent({}, drop=("signature",)), 400, "malformed")
    refused(sent({}, drop=("payload",)), 400, "malformed")
    refused(sent({}, change={"signature": ""}), 403, "unauthorized")
    refused(sent({}, change={"payload": acme.b64("{}")}), 403, "unauthorized")
    refused(sent({}, signer=lambda data: acme.sign(support.new_key(), data)), 403, "unauthorized")
    refused(sent({}, signer=lambda data: key.sign(data, ec.ECDSA(acme.hashes.SHA256()))), 403, "unauthorized")  # DER in place of r and s
    for wrong in (url + "/", url.upper(), url.replace("https", "http"), url.replace("localhost", "127.0.0.1"), url + "?a=b", directory.url, ""):
        assert sent({"url": wrong}).type in ("unauthorized", "malformed")
    refused(sent({"url": None}), 400, "malformed")
    for kid in (url + "0", url.rsplit("/", 1)[0] + "/0" + url.rsplit("/", 1)[1], "1", url + "/orders", directory.url):
        refused(sent({"kid": kid}), 400, "accountDoesNotExist")


@pytest.mark.rows("M04")
def test_bodies_that_are_not_taken(client):
    url = client.kid
    good = client.signed(url, None)
    refused(client.send(url, good, "application/json"), 415, "malformed")
    refused(client.send(url, good, "application/jose+json; charset=utf-8"), 415, "malformed")
    refused(client.send(url, good, None), 415, "malformed")
    for body in (b"", b"{", b"[]", b"null", b'"x"', b"{}" * 2, b"\xff\xfe", json.dumps(good)[:-1] + ', "payload": ""}', json.dumps(good) + "x",
                 b"[" * 5000, b'{"a":' * 100 + b"1" + b"}" * 100, '{"protected": "\\ud800", "payload": "", "signature": ""}',
                 '.'.join((good["protected"], good["payload"], good["signature"]))):
        refused(client.send(url, body), 400, "malformed")
    header = '{"alg":"ES256","alg":"ES256","kid":"%s","url":"%s","nonce":"%s"}' % (url, url, client.take_nonce())
    refused(client.send(url, acme.jws(header, None, lambda data: acme.sign(client.key, data))), 400, "malformed")
    for payload in ('{"status":"valid","status":"deactivated"}', "[]", "1", "{", '{"contact":[1]}', '{"contact":"x"}'):
        refused(client.send(url, client.signed(url, payload)), 400, "malformed")
    assert client.ask(url).json["status"] == "valid"
    answer = client.send(url, b"a" * 170000)
    assert answer.status == 413 and answer.type == "malformed"  # the edge's


@pytest.mark.rows("M04")
def test_keys_that_are_not_taken(directory, instance):
    client = directory.client(register=False)
    url = client.directory["newAccount"]

    def register(jwk, alg="RS256", key=None):
        header = {"alg": alg, "nonce": client.take_nonce(), "url": url, "jwk": jwk}
        return client.send(url, acme.jws(header, {"termsOfServiceAgreed": True}, lambda data: acme.sign(key, data, alg) if key else b"x" * 256))

    weak, large = rsa.generate_private_key(65537, 1024), (1 << 16383) + 1
    good = rsa.generate_private_key(65537, 2048)
    before = instance.count("acme_account")
    refused(register(acme.jwk(weak), key=weak), 400, "badPublicKey")
    begun = time.monotonic()
    refused(register({"kty": "RSA", "n": acme.number(large), "e": "AQAB"}), 400, "badPublicKey")
    assert time.monotonic() - begun < 1 * support.SLOWER
    n = acme.jwk(good)["n"]
    for wrong in ({"e": "AQ"}, {"e": "Ag"}, {"e": ""}, {"n": ""}, {"n": acme.b64(b"\0" + acme.unb64(n))}, {"n": n + "="}, {"e": "AAEAAQ"}, {"n": 7}):
        assert register({**acme.jwk(good), **wrong}, key=good).type in ("badPublicKey", "malformed")
    private = good.private_numbers()
    refused(register({**acme.jwk(good), "d": acme.number(private.d)}, key=good), 400, "badPublicKey")
    refused(register({"kty": "oct", "k": acme.b64("secret")}), 400, "badPublicKey")
    point = acme.jwk(support.new_key())
    for wrong in ({"y": acme.b64(bytes(32))}, {"x": point["x"][:-2]}, {"crv": "P-192"}, {"crv": "secp256k1"}, {"crv": "P-384"}, {"x": acme.b64(bytes(33))},
                  {"d": acme.b64(b"1" * 32)}):
        assert register({**point, **wrong}, "ES256").type in ("badPublicKey", "malformed")
    for wrong in ({}, {"kty": "OKP", "crv": "X25519", "x": acme.b64(bytes(32))}, {"kty": "OKP", "crv": "Ed25519", "x": acme.b64(bytes(31))}, "x", [], None):
        answer = register(wrong, "EdDSA")
        assert answer.type in ("badPublicKey", "malformed"), answer
    # A point of small order fits any message.
    refused(register({"kty": "OKP", "crv": "Ed25519", "x": acme.b64(b"\1" + bytes(31))}, "EdDSA"), 400, "badPublicKey")
    assert instance.count("acme_account") == before


def test_every_algorithm(directory):
    for key in (support.new_key(), support.new_key("p384"), support.new_key("p521"), support.new_key("rsa2048"), support.new_key("rsa4096"),
                ed25519.Ed25519PrivateKey.generate(), acme.ed448.Ed448PrivateKey.generate()):
        client = directory.client(key)
        assert client.ask(client.kid).json["status"] == "valid"
        client.close()


@pytest.mark.rows("M05")
def test_what_is_another_accounts(client, directory):
    stranger, name = directory.client(), host()
    pending = client.order(f"{acme.mark()}.elsewhere.example")
    (authz,) = pending.authorizations()
    order = client.order(name).finalize(name).wait()
    for url, payload in ((order.url, None), (order.json["certificate"], None), (authz.url, None), (authz.url, {"status": "deactivated"}),
                         (authz.challenge("http-01")["url"], None), (authz.challenge("http-01")["url"], {}), (client.kid, None),
                         (client.kid, {"status": "deactivated"}), (client.kid + "/orders", None), (order.json["finalize"], {"csr": acme.b64(order.request(name))})):
        refused(stranger.ask(url, payload), 403, "unauthorized")
    for url in (order.url, authz.url, order.json["certificate"], authz.challenge("http-01")["url"]):
        refused(client.ask(url.rsplit("/", 1)[0] + "/999999999999"), 404, "malformed")
        answer = client.http("GET", url)
        assert answer.status == 405 and answer.type == "malformed" and answer.headers["allow"] == "POST"
    assert authz.poll().status == "pending" and client.ask(client.kid).json["status"] == "valid"


@pytest.mark.rows("M05")
def test_accounts_are_a_directorys_own(client, rest, profile):
    other = acme.Directory(rest, {"server": profile})
    try:
        away = acme.Client(client.instance, other.label, client.key)
        away.kid = client.kid
        refused(away.ask(away.directory["newOrder"], {"identifiers": [{"type": "dns", "value": host()}]}), 400, "accountDoesNotExist")
        away.kid = away.kid.replace(client.label, other.label)
        refused(away.ask(away.directory["newOrder"], {"identifiers": [{"type": "dns", "value": host()}]}), 400, "accountDoesNotExist")
    finally:
        other.delete()


@pytest.mark.rows("M11")
def test_external_accounts(rest, profile, instance):
    directory = acme.Directory(rest, {"server": profile}, external_account="required")
    other = acme.Directory(rest, {"server": profile}, external_account="required")
    try:
        kid, secret, number = directory.key(names=["dns:.bound.example"])
        new = directory.client(register=False).directory["newAccount"]
        assert directory.client(register=False).directory["meta"]["externalAccountRequired"] is True

        def register(bound=True, key=None, where=directory, **change):
            client = where.client(register=False, source=support.new_address())
            made = acme.binding(secret, change.pop("kid", kid), key or client.key, change.pop("url", where.client(register=False).directory["newAccount"]), **change)
            return client.ask(client.directory["newAccount"], {"termsOfServiceAgreed": True, **({"externalAccountBinding": made} if bound else {})}, by_key=True), client

        def wrong(status, kind, **kw):
            refused(register(**kw)[0], status, kind)

        wrong(403, "externalAccountRequired", bound=False)
        wrong(400, "malformed", key=support.new_key())
        wrong(400, "malformed", url=new + "/")
        wrong(400, "malformed", nonce="x")
        wrong(403, "unauthorized", kid="no-such-key-1")
        client = directory.client(register=False, source=support.new_address())
        made = acme.binding(secret[:-1] + bytes([secret[-1] ^ 1]), kid, client.key, new)
        refused(client.ask(new, {"externalAccountBinding": made}, by_key=True), 403, "unauthorized")
        made = acme.jws({"alg": "ES256", "kid": kid, "url": new}, acme.jwk(client.key), lambda data: acme.sign(client.key, data))
        refused(client.ask(new, {"externalAccountBinding": made}, by_key=True), 400, "badSignatureAlgorithm")
        wrong(403, "unauthorized", where=other)  # a key of another directory
        answer, client = register()
        assert answer.status == 201 and json.loads(acme.unb64(answer.json["externalAccountBinding"]["payload"])) == acme.jwk(client.key)
        client.kid = answer.headers["location"]
        assert client.order("a.bound.example").status == "ready"
        wrong(403, "unauthorized")  # it was for one account
        assert instance.sql(f"SELECT accounts FROM acme_key WHERE id = {number}")[0][0] == "1"
        # The account that there is comes back with or without a binding.
        assert client.ask(new, {"onlyReturnExisting": True}, by_key=True).status == 200
    finally:
        directory.delete()
        other.delete()


@pytest.mark.rows("M11")
def test_a_key_for_three_accounts_is_good_for_three(rest, profile, instance):
    """The count is a compare-and-set: of twelve at once three win."""
    directory = acme.Directory(rest, {"server": profile}, external_account="required")
    try:
        kid, secret, number = directory.key(max_accounts=3)

        def register(_):
            client = directory.client(register=False, source=support.new_address())
            url = client.directory["newAccount"]
            try:
                return client.ask(url, {"externalAccountBinding": acme.binding(secret, kid, client.key, url)}, by_key=True).status
            finally:
                client.close()

        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            statuses = list(pool.map(register, range(12)))
        assert statuses.count(201) == 3 and statuses.count(403) == 9
        assert instance.count("acme_account", f"key_id = {number}") == 3
    finally:
        directory.delete()


@pytest.mark.rows("M12")
def test_two_finalize_at_once(client, instance, directory):
    """A thousand times in bench; here often enough to meet every step."""
    other = acme.Client(instance, directory.label, client.key)
    other.kid = client.kid
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for _ in range(40):
            name = host()
            order = client.order(name)
            csr = acme.b64(order.request(name))
            answers = list(pool.map(lambda c, o=order, r=csr: c.ask(o.json["finalize"], {"csr": r}), (client, other)))
            assert all(a.status == 200 and a.json["status"] in ("processing", "valid") for a in answers), answers
            assert order.wait().status == "valid"
            assert instance.count("certificate", f"'dns:{name}' = ANY (names)") == 1
    other.close()


@pytest.mark.rows("M12")
def test_two_requests_for_one_order(client, instance, directory):
    other = acme.Client(instance, directory.label, client.key)
    other.kid = client.kid
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for _ in range(20):
            name = host()
            order = client.order(name)
            requests = [acme.b64(order.request(name)) for _ in range(2)]
            answers = list(pool.map(lambda c, r, o=order: c.ask(o.json["finalize"], {"csr": r}), (client, other), requests))
            assert sorted(a.status for a in answers) == [200, 403], answers
            refused(next(a for a in answers if a.status == 403), 403, "orderNotReady")
            assert order.wait().status == "valid"
            assert instance.count("certificate", f"'dns:{name}' = ANY (names)") == 1
    other.close()


@pytest.mark.rows("M12")
def test_finalize_before_it_is_ready(client, instance):
    name = f"{acme.mark()}.elsewhere.example"
    order = client.order(name)
    refused(order.try_finalize(order.request(name)), 403, "orderNotReady")
    assert order.poll().status == "pending" and instance.count("certificate", f"'dns:{name}' = ANY (names)") == 0


@pytest.mark.rows("M13")
def test_key_change(client, directory, instance):
    url, new = client.directory["keyChange"], support.new_key()

    def inner(key=new, account=None, old=None, alg=None, signer=None, where=None, **header):
        payload = {"account": account or client.kid, "oldKey": old or acme.jwk(client.key)}
        return acme.jws({"alg": alg or acme.algorithm(key), "jwk": acme.jwk(key), "url": where or url, **header}, payload,
                        signer or (lambda data: acme.sign(key, data)))

    stranger = directory.client()
    for wrong, status, kind in ((inner(signer=lambda data: acme.sign(support.new_key(), data)), 403, "unauthorized"),
                                (inner(account=stranger.kid), 400, "malformed"), (inner(old=acme.jwk(stranger.key)), 400, "malformed"),
                                (inner(where=url + "/"), 400, "malformed"), (inner(nonce="x"), 400, "malformed"),
                                (inner(alg="none"), 400, "badSignatureAlgorithm"), (inner(kid=client.kid), 400, "malformed"),
                                ({}, 400, "malformed"), ({**inner(), "header": {}}, 400, "malformed")):
        refused(client.ask(url, wrong), status, kind)
    answer = refused(client.ask(url, inner(key=stranger.key)), 409, "malformed")
    assert answer.headers["location"] == stranger.kid
    refused(client.ask(url, inner(), key=stranger.key), 403, "unauthorized")  # the outer one isn't the account's
    assert client.ask(client.kid).status == 200 and stranger.ask(stranger.kid).status == 200
    old = client.key
    assert client.post(url, inner()).status == 200
    refused(client.ask(client.kid), 403, "unauthorized")
    client.key = new
    assert client.ask(client.kid).json["status"] == "valid"
    # The old key is free for an account of its own.
    again = acme.Client(instance, directory.label, old)
    assert again.register().status == 201 and again.kid != client.kid


@pytest.mark.rows("M13")
def test_two_key_changes_at_once(client, directory, instance):
    url = client.directory["keyChange"]
    other = acme.Client(instance, directory.label, client.key)
    other.kid = client.kid

    def change(pair):
        who, key = pair
        body = acme.jws({"alg": "ES256", "jwk": acme.jwk(key), "url": url}, {"account": client.kid, "oldKey": acme.jwk(client.key)},
                        lambda data: acme.sign(key, data))
        return who.ask(url, body).status

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for _ in range(10):
            keys = [support.new_key(), support.new_key()]
            statuses = list(pool.map(change, zip((client, other), keys)))
            assert sorted(statuses) == [200, 403], statuses
            client.key = other.key = keys[statuses.index(200)]
            client.nonce = other.nonce = None
    assert client.ask(client.kid).status == 200


def test_nothing_secret_is_logged(client, instance):
    order = client.order(f"{acme.mark()}.elsewhere.example")
    (authz,) = order.authorizations()
    token = authz.challenge("dns-01")["token"]
    authz.client.ask(authz.challenge("dns-01")["url"])
    time.sleep(0.3)
    text = instance.log_text()
    assert token not in text and client.nonce not in text
