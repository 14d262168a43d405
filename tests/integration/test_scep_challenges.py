"""Challenges of SCEP that come from elsewhere: a webhook that vouches for them, and the page that gives administrators one-time ones."""

import http.server
import concurrent.futures
import json
import os
import re
import ssl
import threading
import time
import uuid
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

import scep
import support

PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER


def unique():
    return f"device-{uuid.uuid4().hex[:10]}.example"


class Hook:
    """A server that is asked about challenges. answer: (status, body) or something to call with the question."""

    def __init__(self, instance, port, folder):
        self.asked, self.tokens, self.answer = [], [], (200, b'{"allow": true}')
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                hook.asked.append(question)
                hook.tokens.append(self.headers.get("Authorization"))
                status, body = hook.answer(question) if callable(hook.answer) else hook.answer
                try:
                    self.send_response(status)
                    if status == 302:
                        self.send_header("Location", f"https://localhost:{port}/moved")
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    pass  # whoever asked has gone

            def log_message(self, *_):
                pass

        self.folder = folder
        self.ca, self.ca_key = support.self_signed("Webhook CA", ca=True)
        self.write_identity("localhost")

        class Server(http.server.ThreadingHTTPServer):
            def get_request(self):
                connection, address = super().get_request()
                return hook.context().wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

            def handle_error(self, request, client_address):
                pass  # whoever connected doesn't like our certificate

        self.server = Server(("127.0.0.1", port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def write_identity(self, name, ca=None):
        ca, ca_key = ca or (self.ca, self.ca_key)
        key = support.new_key()
        certificate, _ = support.self_signed(name, key=key, issuer=ca.subject, issuer_key=ca_key,
                                             extensions=[(x509.SubjectAlternativeName([x509.DNSName(name)]), False)])
        self.files = support.write_identity(self.folder, certificate, key, name=uuid.uuid4().hex)

    def context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.files)
        return context


@pytest.fixture(scope="module")
def hook(instance, tmp_path_factory):
    settings = dict(instance.config["scep"])
    hosts = settings.get("webhook_hosts", "").split()
    if not hosts:
        pytest.skip("the instance wasn't started with scep.webhook_hosts: see README.md")
    made = Hook(instance, int(hosts[0].rpartition(":")[2]), tmp_path_factory.mktemp("hook"))
    made.url = f"https://{hosts[0]}/scep"
    made.token = uuid.uuid4().hex
    owner = os.stat(instance.config["sockets"]["dir"])
    for option, content, mode in (("webhook_ca_file", made.ca.public_bytes(PEM), 0o644), ("webhook_token_file", made.token.encode(), 0o600)):
        path = Path(settings[option])
        path.parent.mkdir(exist_ok=True)
        path.parent.chmod(0o755)
        path.write_bytes(content)
        path.chmod(mode)
        if os.geteuid() == 0:
            os.chown(path, owner.st_uid, owner.st_gid)
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def asked(hook):
    """The hook, with nothing asked yet and a yes for everything."""
    hook.asked.clear()
    hook.tokens.clear()
    hook.answer = (200, b'{"allow": true}')
    return hook


@pytest.fixture(scope="module")
def door(rest, hook):
    return scep.ready(scep.Profile(rest, auth=["webhook"], settings={"webhook_url": hook.url}))


# ---------------------------------------------------------------- webhook


def test_webhook(door, asked, default_tenant):
    cn, challenge = unique(), uuid.uuid4().hex
    csr = scep.csr_of(cn, scep.rsa_key(), challenge, names=[cn])
    assert door.client.enrol(cn, csr=csr, transaction="tx-" + cn).certificate()
    [question] = asked.asked
    assert question["challenge"] == challenge and question["profile"] == door.label and question["transaction"] == "tx-" + cn
    assert question["subject"] == [["CN", cn]] and question["client"] == door.client.source
    assert x509.load_pem_x509_csr(question["csr"].encode()).public_bytes(DER) == csr.public_bytes(DER)
    assert asked.tokens == [f"Bearer {asked.token}"]
    events = default_tenant.rest("auditor").get("/audit_events?filter[action]=certificate.intent&page[size]=20").data
    [event] = [e["attributes"] for e in events if cn in json.dumps(e)]
    assert event["actor"] == f"scep:scep {door.label}" and event["detail"]["evidence"] == "webhook"


@pytest.mark.slow
def test_a_hundred_at_once_under_one_yes(door, asked):
    """One certificate for all, however often the server was asked; a server that says yes once is enough."""
    cn, transaction, challenge = unique(), uuid.uuid4().hex, uuid.uuid4().hex
    csr, signer = scep.csr_of(cn, scep.rsa_key(), challenge), scep.self_signed(cn, scep.rsa_key())
    assert door.client.ras  # before the threads start

    def one(_):
        return scep.Client(door.rest.instance, door.label).enrol(cn, csr=csr, certificate=signer, transaction=transaction)

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        replies = list(pool.map(one, range(100)))
    assert len({r.certificate() for r in replies}) == 1
    assert door.rest.instance.count("certificate", f"common_name = '{cn}'") == 1


def test_a_yes_is_asked_for_once(rest, door, asked):
    """A server may give its yes once alone: retransmits and polls live on the first one; another request under it doesn't."""
    cn, transaction, challenge = unique(), uuid.uuid4().hex, uuid.uuid4().hex
    signer = scep.self_signed(cn, scep.rsa_key())
    asked.answer = lambda q: (200, b'{"allow": true}') if len(asked.asked) == 1 else (200, b'{"allow": false}')
    csr = scep.csr_of(cn, scep.rsa_key(), challenge)
    first = door.client.enrol(cn, csr=csr, certificate=signer, transaction=transaction).certificate()
    assert door.client.enrol(cn, csr=csr, certificate=signer, transaction=transaction).certificate() == first
    assert door.client.poll(door.client.ca.subject, csr.subject, signer, scep.rsa_key(), transaction).certificate() == first
    assert len(asked.asked) == 1
    other = scep.csr_of(unique(), scep.rsa_key(), challenge)
    for transaction_of_other in (transaction, uuid.uuid4().hex):
        reply = door.client.enrol(csr=other, certificate=signer, transaction=transaction_of_other)
        assert (reply.status, reply.fail) == (scep.FAILURE, scep.BAD_REQUEST)
    assert len(asked.asked) == 3
    other_key = scep.rsa_key(2048, "b")
    reply = door.client.enrol(cn, challenge, other_key, transaction=transaction)
    assert reply.status == scep.FAILURE and len(asked.asked) == 4
    asked.answer = (200, b'{"allow": true}')  # nor does a yes make the transaction another key's
    reply = door.client.enrol(cn, challenge, other_key, transaction=transaction)
    assert (reply.status, reply.fail) == (scep.FAILURE, scep.BAD_REQUEST) and "another key used the transaction" in reply.text


def test_a_yes_serves_repetitions_alone(rest, hook, asked):
    """Once a certificate is issued a yes is kept for as long as a repetition gets that one: a message that somebody recorded brings nobody back."""
    door = scep.ready(scep.Profile(rest, auth=["webhook"], settings={"webhook_url": hook.url, "retry_window_sec": 60}))
    cn, transaction = unique(), uuid.uuid4().hex
    csr, signer = scep.csr_of(cn, scep.rsa_key(), uuid.uuid4().hex), scep.self_signed(cn, scep.rsa_key())
    first = door.client.enrol(cn, csr=csr, certificate=signer, transaction=transaction).certificate()
    assert door.client.enrol(cn, csr=csr, certificate=signer, transaction=transaction).certificate() == first and len(asked.asked) == 1
    [[seconds]] = rest.instance.sql(f"SELECT extract(epoch FROM expires_at - now())::int FROM scep_transaction WHERE transaction = '{transaction}'")
    assert int(seconds) <= 40
    rest.instance.sql(f"UPDATE scep_transaction SET expires_at = now() WHERE transaction = '{transaction}'")
    asked.answer = (200, b'{"allow": false}')
    reply = door.client.enrol(cn, csr=csr, certificate=signer, transaction=transaction)
    assert reply.status == scep.FAILURE and len(asked.asked) == 2


@pytest.mark.slow
def test_a_server_that_is_always_slow_isnt_asked(rest, hook, asked):
    """Nor does it take the threads of others: of its profile 16 are asked for at once, and after ten that weren't answered none for a minute."""
    slow = scep.ready(scep.Profile(rest, auth=["webhook"], settings={"webhook_url": hook.url}))
    other = scep.ready(scep.Profile(rest, auth=["webhook"], settings={"webhook_url": hook.url}))
    asked.answer = lambda q: (time.sleep(8 if q["profile"] == slow.label else 0), (200, b'{"allow": true}'))[1]
    bodies = [slow.client.message(scep.PKCS_REQ, scep.csr_of(unique(), scep.rsa_key(), "x" * 20).public_bytes(DER),
                                  scep.self_signed("x", scep.rsa_key()), scep.rsa_key())[0] for _ in range(30)]
    with concurrent.futures.ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(lambda body: scep.Client(rest.instance, slow.label).post(body).status, bodies))
    assert set(answers) == {503} and len(asked.asked) < 16 + 10
    before, start = len(asked.asked), time.monotonic()
    answer = slow.client.post(bodies[0])
    assert answer.status == 503 and int(answer.headers["retry-after"]) > 5 and time.monotonic() - start < 5 and len(asked.asked) == before
    assert other.client.enrol(challenge="right").certificate()


def test_many_at_once_wait_for_their_turn(rest, hook, asked):
    """A plant that is switched on asks for all its devices, more than are asked for at once."""
    door = scep.ready(scep.Profile(rest, auth=["webhook"], settings={"webhook_url": hook.url}))
    asked.answer = lambda q: (time.sleep(0.1), (200, b'{"allow": true}'))[1]
    with concurrent.futures.ThreadPoolExecutor(48) as pool:
        replies = list(pool.map(lambda n: scep.Client(rest.instance, door.label).enrol(challenge="right"), range(48)))
    assert {r.status for r in replies} == {scep.SUCCESS}, [r.text for r in replies if r.status != scep.SUCCESS]


@pytest.mark.rows("C03")
@pytest.mark.parametrize("answer", [(200, b'{"allow": false}'), (403, b""), (403, b'{"allow": true}')], ids=str)
def test_a_no(door, asked, answer):
    asked.answer = answer
    reply = door.client.enrol(challenge="whatever it is")
    assert (reply.status, reply.fail) == (scep.FAILURE, scep.BAD_REQUEST) and len(asked.asked) == 1


@pytest.mark.rows("C03")
@pytest.mark.parametrize("answer", [
    (500, b'{"allow": true}'), (302, b'{"allow": true}'), (201, b'{"allow": true}'), (401, b""), (200, b""), (200, b'{"allow": "true"}'),
    (200, b'{"allow": 1}'), (200, b"true"), (200, b'[{"allow": true}]'), (200, b'{"allow": true, "allow": true}'), (200, b'{"Allow": true}'),
    (200, b'{"allow": true}' + b" " * 5000), (200, b"\x00" * 100)], ids=lambda a: f"{a[0]} {a[1][:30]}")
def test_a_server_in_trouble_is_no_yes(door, asked, answer):
    asked.answer = answer
    key = scep.rsa_key()
    before = door.rest.instance.count("certificate", "source = 'scep'")
    body, _ = door.client.message(scep.PKCS_REQ, scep.csr_of(unique(), key, "x" * 20).public_bytes(DER), scep.self_signed("x", key), key)
    got = door.client.post(body)
    assert got.status == 503 and got.headers["retry-after"], got
    assert len(asked.asked) == 1 and door.rest.instance.count("certificate", "source = 'scep'") == before


@pytest.mark.slow
def test_a_slow_server_is_waited_for_so_long(door, asked):
    asked.answer = lambda q: (time.sleep(12), (200, b'{"allow": true}'))[1]
    key = scep.rsa_key()
    body, _ = door.client.message(scep.PKCS_REQ, scep.csr_of(unique(), key, "x" * 20).public_bytes(DER), scep.self_signed("x", key), key)
    start = time.monotonic()
    assert door.client.post(body).status == 503
    assert time.monotonic() - start < 11


@pytest.mark.parametrize("which", ["other CA", "other name"])
def test_a_server_with_another_certificate_is_told_nothing(door, asked, which):
    good = asked.files
    asked.write_identity("localhost" if which == "other CA" else "elsewhere.example",
                         support.self_signed("Webhook CA", ca=True) if which == "other CA" else None)
    try:
        key = scep.rsa_key()
        body, _ = door.client.message(scep.PKCS_REQ, scep.csr_of(unique(), key, "x" * 20).public_bytes(DER), scep.self_signed("x", key), key)
        assert door.client.post(body).status == 503 and asked.asked == []
    finally:
        asked.files = good


@pytest.mark.rows("R21")
@pytest.mark.parametrize("url", [
    "https://169.254.169.254/latest", "https://localhost/", "https://[::1]/", "https://0x7f000001/", "http://localhost:{port}/", "file:///etc/passwd",
    "gopher://localhost:{port}/", "unix:/run/siegel/ca.api.sock", "https://user@localhost:{port}/", "https://localhost:{port}@evil.example/",
    "https://evil.example#localhost:{port}", "https://localhost:{port}.evil.example/", "https://localhost:{port}/#x", "https://localhost:0{port}/",
    "https://127.0.0.1:{port}/", "https:///localhost:{port}/", "https://localhost:{port}\\@evil/", " https://localhost:{port}/", "https://localhost:{port}/a b",
    "HTTPS://localhost:{port}/", "", 7, None, ["https://localhost:{port}/"]], ids=str)
def test_addresses_that_nobody_allowed(rest, hook, door, url):
    if isinstance(url, str):
        url = url.replace("{port}", hook.url.split(":")[2].split("/")[0])
    answer = scep.Profile(rest, 422, auth=["webhook"], settings={"webhook_url": url}).answer
    assert answer.error["source"]["pointer"].startswith("/data/attributes/settings"), answer
    assert door.change(422, settings={"webhook_url": url})


def test_a_webhook_has_an_address(rest, hook):
    scep.Profile(rest, 422, auth=["webhook"])
    door = scep.Profile(rest, auth=["challenge"])
    assert door.change(422, auth=["webhook"])
    door.change(auth=["challenge", "webhook"], settings={"webhook_url": hook.url})
    door.change(422, settings={})


def test_our_own_challenges_come_first(rest, asked):
    door = scep.ready(scep.Profile(rest, auth=["challenge", "code", "webhook"], settings={"webhook_url": asked.url}))
    cn = unique()
    assert door.client.enrol(challenge=door.challenge).certificate()
    assert door.client.enrol(cn, door.code(common_name=cn)).certificate()
    assert asked.asked == []
    assert door.client.enrol(challenge="somebody else's").certificate() and len(asked.asked) == 1
    # What another server vouches for isn't ours: the answer to a key that can't decrypt would have to be under it.
    reply = door.client.enrol(challenge="somebody else's", key=support.new_key("p256"), answer_password="somebody else's")
    assert (reply.status, reply.fail) == (scep.FAILURE, scep.BAD_ALG)


def test_guesses_are_slowed_down(rest, asked):
    door = scep.ready(scep.Profile(rest, auth=["webhook"], settings={"webhook_url": asked.url}))
    asked.answer = (200, b'{"allow": false}')
    client = scep.Client(rest.instance, door.label)
    for _ in range(10):
        assert client.enrol(challenge="wrong").status == scep.FAILURE
    key = scep.rsa_key()
    body, _ = client.message(scep.PKCS_REQ, scep.csr_of(unique(), key, "wrong").public_bytes(DER), scep.self_signed("x", key), key)
    answer = client.post(body)
    assert answer.status == 429 and int(answer.headers["retry-after"]) > 0 and len(asked.asked) == 10
    asked.answer = (200, b'{"allow": true}')
    assert door.client.enrol(challenge="right").certificate()  # from elsewhere


# ---------------------------------------------------------------- mscep_admin


@pytest.fixture(scope="module")
def coded(rest):
    return scep.ready(scep.Profile(rest, auth=["code"]))


def page(instance, path, account=None, plain=False, method="GET", **headers):
    base = f"http://{instance.plain_host}:{instance.plain_port}" if plain else instance.url
    if account:
        headers["Authorization"] = support.basic(*account)
    return support.http_get(base + path, context=None if plain else instance.tls_context(), headers=headers, method=method,
                            source=support.new_address())


def challenge_of(answer):
    assert answer.status == 200 and answer.headers["content-type"].startswith("text/html"), answer
    assert "no-store" in answer.headers["cache-control"]
    return re.search(r"enrollment challenge password is: <b> (\S+) </b>", answer.body.decode(), re.I).group(1)


@pytest.mark.parametrize("role", ["administrator", "operator"])
def test_page(instance, default_tenant, coded, role):
    account = default_tenant.account(role, "password")
    path = f"/scep/{coded.label}/mscep_admin"
    first, second = (challenge_of(page(instance, path, account, Accept="text/html,application/xhtml+xml")) for _ in range(2))
    assert first != second
    for one in (first, second):
        assert coded.client.enrol(challenge=one).certificate()
        assert coded.client.enrol(challenge=one).status == scep.FAILURE
    event = default_tenant.rest("auditor").get("/audit_events?filter[action]=enrollment_code.created&page[size]=1").data[0]
    assert account[0] in json.dumps(event) and f"scep/{coded.label}" in json.dumps(event) and first not in json.dumps(event)


def test_page_without_a_name(instance, rest, default_tenant):
    account = default_tenant.account("administrator", "password")
    for one in rest.get("/scep_profiles?filter[name]=default").data:
        assert rest.delete(f"/scep_profiles/{one['id']}").status == 204
    assert page(instance, "/certsrv/mscep_admin/", account).status == 404
    for path in ("/scep", "/cgi-bin/pkiclient.exe"):
        answer = scep.Client(instance, None, path=path).get("GetCACaps")
        assert answer.status == 404 and b"make one named default, or set [scep] label" in answer.body, answer
    door = scep.ready(scep.Profile(rest, name="default", auth=["code"]))
    try:
        client = scep.Client(instance, None, path="/certsrv/mscep/mscep.dll")
        assert client.enrol(challenge=challenge_of(page(instance, "/certsrv/mscep_admin/", account))).certificate()
    finally:
        assert rest.delete(f"/scep_profiles/{door.id}").status == 204


@pytest.mark.rows("C03")
def test_page_is_for_those_with_the_right(instance, rest, default_tenant, other_tenant, coded):
    path = f"/scep/{coded.label}/mscep_admin"
    before = instance.count("enrollment_code")
    answer = page(instance, path)
    assert answer.status == 401 and answer.headers["www-authenticate"].startswith("Basic")
    name, secret = default_tenant.account("administrator", "password")
    for wrong in ((name, "wrong"), (name, ""), ("nobody", secret)):
        assert page(instance, path, wrong).status == 401
    for role in ("auditor", "requestor"):
        assert page(instance, path, default_tenant.account(role, "password")).status == 403
    assert page(instance, path, other_tenant.account("administrator", "password")).status == 404
    assert page(instance, "/scep/no-such-label/mscep_admin", (name, secret)).status == 404
    answer = page(instance, path, (name, secret), plain=True)
    assert answer.status == 403 and b"use https" in answer.body and answer.headers["content-type"].startswith("text/plain")
    assert page(instance, path, (name, secret), method="POST").status == 405
    static = scep.Profile(rest)
    assert page(instance, f"/scep/{static.label}/mscep_admin", (name, secret)).status == 404  # takes no codes
    assert instance.count("enrollment_code") == before
