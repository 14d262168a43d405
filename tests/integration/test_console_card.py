"""Signing in by a certificate, on a host name of its own: the hand-off between the two addresses, and every certificate that opens nothing."""

import base64
import concurrent.futures
import datetime
import hashlib
import http.client
import os
import re
import socket
import ssl

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

import est
import support
from passkeys import Authenticator
from sessions import PASSWORD, Browser, totp


def card_name(instance):
    return f"card.{instance.host}"


def visit(instance, path, cert=None, key=None, method="GET", name=None, source=None):
    """What a browser meets at the card's address; the name leads to the edge by itself."""
    name = name or card_name(instance)
    context = instance.tls_context(cert, key)
    sock = socket.create_connection((instance.host, instance.port), timeout=support.TIMEOUT_SEC, source_address=(source or support.new_address(), 0))
    tls = context.wrap_socket(sock, server_hostname=name)
    connection = http.client.HTTPSConnection(name, instance.port)
    connection.sock = tls
    connection.request(method, path, headers={"Accept": "text/html,*/*;q=0.8", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "cross-site"})
    got = connection.getresponse()
    answer = support.Answer(got.status, got.getheaders(), got.read())
    connection.close()
    return answer


class CardBrowser(Browser):
    """One with a card in its reader."""

    def __init__(self, instance, cert=None, key=None):
        super().__init__(instance)
        self.cert, self.key, self.verifier = cert, key, None

    def show(self, **kw):
        """The console sends the browser to the card's address, which sends it back: what then stands behind the #."""
        self.verifier = base64.urlsafe_b64encode(os.urandom(32)).rstrip(b"=").decode()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()
        answer = visit(self.instance, f"/sign-in?challenge={challenge}", self.cert, self.key, **kw)
        assert answer.status == 303, answer
        found = re.fullmatch(re.escape(self.origin) + r"/console/#(card|card_refused)=([a-z0-9_]+)", answer.headers["location"])
        assert found and "set-cookie" not in answer.headers and answer.headers["cache-control"] == "no-store", answer.headers
        return found.groups()

    def enter(self, code=None):
        return self.post("/sessions", card_code=code or self.show()[1], card_verifier=self.verifier)


@pytest.fixture
def holder(instance, rest, client_identity):
    """holder(role) gives a browser whose card speaks for a new account, with the ids of account and credential."""

    def make(role="operator"):
        cert, key, resource = client_identity()
        name = f"card-{resource['id']}"
        account = rest.post("/accounts", {"data": {"type": "accounts", "attributes": {"name": name, "role": role}}})
        assert account.status == 201, account
        made = rest.post("/credentials", {"data": {"type": "credentials", "attributes": {
            "kind": "certificate", "account": name, "certificate": resource["attributes"]["pem"]}}})
        assert made.status == 201, made
        one = CardBrowser(instance, cert, key)
        one.name, one.account, one.credential, one.resource = name, account.data["id"], made.data["id"], resource
        return one

    return make


def test_signing_in(instance, holder):
    one = holder()
    answer = one.enter()
    assert answer.status == 201 and answer.attributes["missing"] == [] and answer.attributes["evidence"] == "certificate", answer
    assert answer.attributes["name"] == one.name and one("GET", "/certificates").status == 200
    rows = instance.sql(f"SELECT action, detail FROM audit WHERE actor = 'rest:{one.name}' ORDER BY at_us")
    assert [r[0] for r in rows] == ["session.certificate_shown", "session.made"] and '"evidence":"certificate"' in rows[1][1]
    ways = Browser(instance)("GET", "/sessions/ways").attributes
    assert ways == {"passkey": True, "card_url": f"https://{card_name(instance)}:{instance.port}"}


@pytest.mark.rows("W02", "W05")
@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"},
                                     {"Origin": "null"}, {"Sec-Fetch-Site": "same-origin"}], ids=str)
def test_a_page_of_another_site_doesnt_act_by_the_card(instance, rest, holder, headers):
    """A certificate that a browser shows by itself is like a cookie: a form without a body asks for no leave by CORS."""
    one = holder()
    victim = rest.issued("cert_device", cn=f"victim-{one.name}")["id"]
    program = instance.rest(cert=one.cert, key=one.key, source=support.new_address())
    assert program.post(f"/certificates/{victim}/hold", headers=headers).status == 403
    assert rest.get(f"/certificates/{victim}").attributes["status"] == "issued"
    if headers != {"Sec-Fetch-Site": "same-origin"}:
        assert program.get("/certificates", headers=headers).status == 403
    # Programs say nothing of the kind.
    assert program.post(f"/certificates/{victim}/hold").status == 200


@pytest.mark.rows("W05")
def test_the_session_ends_with_the_certificate(instance, holder):
    one = holder()
    id = one.enter().data["id"]
    until = one.now().attributes["expires_at"]
    made = datetime.datetime.fromisoformat(one.now().attributes["created_at"].rstrip("Z"))
    assert datetime.timedelta(hours=11, minutes=59) < datetime.datetime.fromisoformat(until.rstrip("Z")) - made <= datetime.timedelta(hours=12)
    # One that ends within the hour: so does the session.
    instance.sql(f"UPDATE certificate SET not_after = now() + interval '30 minutes' WHERE id = {one.resource['id']}")
    again = CardBrowser(instance, one.cert, one.key)
    again.enter()
    left = instance.sql(f"SELECT round(extract(epoch FROM expires_at - now()) / 60) FROM session WHERE id = {again.now().data['id']}")
    assert left == [["30"]]
    instance.sql(f"UPDATE certificate SET not_after = now() - interval '1 second' WHERE id = {one.resource['id']}")
    assert support.wait_until(lambda: one.now().status == 401, 3)


@pytest.mark.rows("W05")
@pytest.mark.parametrize("how", ["revoked", "hold", "withdrawn", "disabled", "role", "certificate's CA"])
def test_what_ends_it_at_once(instance, rest, holder, how):
    one = holder()
    assert one.enter().status == 201
    code = one.show()[1]  # one that is on its way is as good as nothing then
    if how in ("revoked", "hold"):
        reason = {"reason": "certificateHold"} if how == "hold" else {}
        answer = rest.post(f"/certificates/{one.resource['id']}/revoke", {"data": {"type": "revoke", "attributes": reason}})
    elif how == "withdrawn":
        answer = rest.delete(f"/credentials/{one.credential}")
    elif how == "certificate's CA":
        ca = one.resource["relationships"]["ca"]["data"]["id"]
        instance.sql(f"UPDATE ca SET status = 'disabled' WHERE id = {ca}")
        try:
            assert support.wait_until(lambda: one.now().status == 401, 3)
            assert CardBrowser(instance, one.cert, one.key).show() == ("card_refused", "ca")
        finally:
            instance.sql(f"UPDATE ca SET status = 'active' WHERE id = {ca}")
            # The engine reads its CAs again in its own time: with many of them that may be later than the next test's first request. Each of its
            # workers does so for itself: of so many at once none is left out.
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                again = lambda: {a.status for a in pool.map(lambda n: rest.issue("cert_client", cn=f"again-{n}-{one.name}"), range(16))}  # noqa: E731
                support.wait_until(lambda: again() == {201}, 10)
        return
    else:
        change = {"enabled": False} if how == "disabled" else {"role": "requestor"}
        answer = rest.patch(f"/accounts/{one.account}", {"data": {"type": "accounts", "id": one.account, "attributes": change}})
    assert answer.status in (200, 204), answer
    assert support.wait_until(lambda: one.now().status == 401, 3)
    late = one.enter(code)
    assert late.status == (201 if how == "role" else 401), late
    word = {"revoked": "revoked", "hold": "on_hold", "withdrawn": "withdrawn", "disabled": "withdrawn"}.get(how)
    if word:
        assert CardBrowser(instance, one.cert, one.key).show() == ("card_refused", word)


@pytest.mark.rows("W05")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def test_another_card_in_the_same_tls_session(instance, holder, version):
    """The first card is pulled out and another one put in: the session of TLS that the browser kept doesn't bring the first one back."""
    first, second = holder(), holder("requestor")
    name = card_name(instance)
    context = instance.tls_context(first.cert, first.key, maximum=version)

    def speak(session=None):
        """A connection, what stands behind the # of the answer, whether the session was taken up again, and the connection's own session."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(first.verifier.encode()).digest()).rstrip(b"=").decode()
        raw = socket.create_connection((instance.host, instance.port), timeout=support.TIMEOUT_SEC, source_address=(support.new_address(), 0))
        with context.wrap_socket(raw, server_hostname=name, session=session) as tls:
            ask = f"GET /sign-in?challenge={challenge} HTTP/1.1\r\nHost: {name}:{instance.port}\r\n\r\n".encode()
            tls.sendall(ask)
            got = b""
            while more := tls.recv(65536):
                got += more
            # And a second request on the same connection isn't answered: each one asks for the card.
            return re.search(rb"#(card|card_refused)=([a-z0-9_]+)", got), got.count(b"HTTP/1.1 "), tls.session_reused, tls.session

    first.verifier = second.verifier = "v" * 43
    found, answers, _, session = speak()
    assert found.group(1) == b"card" and answers == 1
    assert first.enter(found.group(2).decode()).attributes["name"] == first.name
    context.load_cert_chain(second.cert, second.key)
    found, _, reused, _ = speak(session)
    assert found.group(1) == b"card" and not reused
    assert second.enter(found.group(2).decode()).attributes["name"] == second.name
    # Nor does one of another host name, where the first card was shown: devices do that.
    context = instance.tls_context(first.cert, first.key, maximum=version)
    raw = socket.create_connection((instance.host, instance.port), timeout=support.TIMEOUT_SEC, source_address=(support.new_address(), 0))
    with context.wrap_socket(raw, server_hostname=instance.host) as tls:
        tls.sendall(f"GET /api/v2.0/certificates HTTP/1.1\r\nHost: {instance.host}:{instance.port}\r\nConnection: close\r\n\r\n".encode())
        got = b""
        while more := tls.recv(65536):
            got += more
        assert got.startswith(b"HTTP/1.1 200 ")
        session = tls.session
    context.load_cert_chain(second.cert, second.key)
    found, answers, reused, _ = speak(session)
    assert answers == 1 and not reused
    assert second.enter(found.group(2).decode()).attributes["name"] == second.name
    # What runs goes on as whose it is, whichever card a browser shows beside its cookie.
    beside = instance.rest(cert=second.cert, key=second.key, source=support.new_address())
    answer = beside.request("GET", "/sessions/current", headers={"Cookie": f"__Host-siegel-session={first.cookie}", "Sec-Fetch-Site": "same-origin"})
    assert answer.status == 200 and answer.attributes["name"] == first.name


@pytest.mark.rows("W05")
@pytest.mark.parametrize("change", ["status = 2, revoked_at = now(), reason = 1", "not_after = now() - interval '1 second'"], ids=["revoked", "expired"])
def test_a_session_that_asks_by_itself_is_looked_at_too(instance, holder, change):
    """Whoever changed it, and without a word from the store: each second, which is well within the minute that is promised."""
    one = holder()
    one.enter()
    asks = {"X-Siegel-Background": "1"}
    assert one("GET", "/certificates", headers=asks).status == 200
    instance.sql(f"UPDATE certificate SET {change} WHERE id = {one.resource['id']}")
    assert support.wait_until(lambda: one("GET", "/certificates", headers=asks).status == 401, 3) and one.now().status == 401


@pytest.mark.rows("W05")
def test_cards_that_open_nothing(instance, client_identity, tmp_path):
    assert CardBrowser(instance).show() == ("card_refused", "none")
    cert, key, resource = client_identity()
    assert CardBrowser(instance, cert, key).show() == ("card_refused", "unbound")
    refused = instance.sql(f"SELECT detail FROM audit WHERE action = 'session.refused' AND object = 'certificate/{resource['id']}'")
    assert len(refused) == 1 and '"why":"unbound"' in refused[0][0]
    one, own_key = support.self_signed("stranger.example")
    assert CardBrowser(instance, *support.write_identity(tmp_path, one, own_key)).show() == ("card_refused", "foreign")
    one, own_key = est.look_alike(instance)
    assert CardBrowser(instance, *support.write_identity(tmp_path, one, own_key, "alike")).show() == ("card_refused", "foreign")


@pytest.mark.rows("W05")
@pytest.mark.parametrize("made, word", [({"from_days": -30, "to_days": -1}, "expired"), ({"from_days": 1, "to_days": 30}, "not_yet_valid"),
                                        ({"ca": True}, "purpose"), ({"purposes": [ExtendedKeyUsageOID.SERVER_AUTH]}, "purpose")])
def test_cards_of_ours_that_arent_good(instance, tmp_path, made, word):
    """nginx finds fault with some of them itself, and lets siegel-api say it all the same."""
    certificate, key = est.look_alike(instance, **made)
    est.put_into_store(instance, certificate)
    assert CardBrowser(instance, *support.write_identity(tmp_path, certificate, key)).show() == ("card_refused", word)


@pytest.mark.rows("W02", "W04")
def test_the_hand_off_is_good_once_and_for_one_browser(instance, holder):
    one = holder()
    code = one.show()[1]
    assert instance.count("card_handoff", f"client <> '' AND encode(hash, 'escape') = '{code}'") == 0  # its digest alone
    thief = CardBrowser(instance)
    thief.verifier = "x" * 43
    assert thief.enter(code).status == 401
    assert one.enter(code).status == 201 and one.enter(code).status == 401
    code = one.show()[1]
    instance.sql("UPDATE card_handoff SET expires_at = now()")
    late = one.enter(code)
    assert late.status == 401 and "show the certificate again" in late.error["detail"]
    code = one.show()[1]
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: one.enter(code).status, range(6)))
    assert sorted(answers) == [201] + [401] * 5
    assert one.post("/sessions", card_code="x").status == 422 and one.post("/sessions", card_verifier="x", name="a", password="b").status == 422
    # A foreign page neither takes a code in nor gets one out.
    assert one.post("/sessions", {"Origin": "https://evil.example"}, card_code=one.show()[1], card_verifier=one.verifier).status == 403


@pytest.mark.rows("W09")
@pytest.mark.parametrize("query", ["", "?challenge=", "?challenge=AA", "?challenge=" + "A" * 44, "?challenge=" + "A" * 43 + "&next=//evil.example",
                                   "?next=//evil.example", "?challenge=%0d%0aSet-Cookie:x"])
def test_it_leads_to_the_console_alone(instance, holder, query):
    one = holder()
    answer = visit(instance, "/sign-in" + query, one.cert, one.key)
    assert answer.status == 400 and "location" not in answer.headers, answer


def test_nothing_else_is_to_be_had_there(instance, holder):
    one = holder()
    for path in ("/", "/console/", "/api/v2.0/certificates", "/api/v2.0/sessions/current", "/.well-known/est/cacerts", "/acme/"):
        assert visit(instance, path, one.cert, one.key).status == 404, path
    assert visit(instance, "/sign-in", one.cert, one.key, method="POST").status == 403
    # The other names don't lead there, and a header that a client writes shows no certificate.
    assert visit(instance, "/sign-in", one.cert, one.key, name=instance.host).status == 404
    challenge = "A" * 43
    bare = Browser(instance)("GET", f"/sessions/card?challenge={challenge}", headers={"X-Siegel-Client-Cert": "-----BEGIN", "Accept": "*/*"})
    assert bare.status == 303 and bare.headers["location"].endswith("#card_refused=none")


def test_no_password_is_needed_and_none_is_set(instance, holder):
    one = holder()
    one.enter()
    assert one.step("password", password=PASSWORD).status == 422
    answer = one.step("password", password=PASSWORD, current_password="x" * 12)
    assert answer.status == 403 and "no second factor" in answer.error["detail"], answer


@pytest.mark.rows("W04", "W05")
def test_nothing_that_is_set_up_over_a_card_outlives_it(instance, rest, holder):
    """A passkey or an app opens the account when the certificate is revoked long since."""
    one = holder()
    one.enter()
    assert one.now().attributes["proved_at"] is None
    made = Authenticator().make(one.post("/sessions/current/passkey_options").attributes["public_key"], one.origin)
    for refused in (one.step("totp"), one.step("passkey", name="planted", **made)):
        assert refused.status == 403 and "one-time code from an administrator" in refused.error["detail"], refused
    assert one.now().attributes["passkeys"] == 0
    # By a one-time code the account gets its second factor; a session by certificate then wants that shown.
    code = rest.post("/credentials", {"data": {"type": "credentials", "attributes": {"account": one.name, "kind": "one_time"}}})
    owner = Browser(instance)
    owner.first(one.name, code.attributes["secret"])
    one.enter()
    made = Authenticator().make(one.post("/sessions/current/passkey_options").attributes["public_key"], one.origin)
    refused = one.step("passkey", name="planted", **made)
    assert refused.status == 403 and "second factor again first" in refused.error["detail"], refused
    assert one.step("second_factor", code=totp(owner.secret, skew=1)).status == 200 and one.now().attributes["proved_at"]
    made = Authenticator().make(one.post("/sessions/current/passkey_options").attributes["public_key"], one.origin)
    assert one.step("passkey", name="mine", **made).status == 200


@pytest.mark.rows("W07")
def test_codes_that_nobody_takes_go(instance, holder):
    one = holder()
    for _ in range(3):
        one.show()
    assert instance.count("card_handoff", f"account_id = {one.account}") == 3
    instance.sql(f"UPDATE card_handoff SET expires_at = now() - interval '1 second' WHERE account_id = {one.account}")
    one.show()
    assert instance.count("card_handoff", f"account_id = {one.account}") == 1


def test_who_shows_none_locks_nobody_out(instance, holder):
    """Behind one address there are many, and a browser without a card guesses nothing."""
    source = support.new_address()
    for _ in range(12):
        assert CardBrowser(instance).show(source=source) == ("card_refused", "none")
    assert holder().show(source=source)[0] == "card"


def test_refusals_dont_fill_the_log(instance, client_identity):
    cert, key, _ = client_identity()
    source = support.new_address()
    one = CardBrowser(instance, cert, key)
    for _ in range(10):
        assert one.show(source=source) == ("card_refused", "unbound")
    assert visit(instance, "/sign-in?challenge=" + "A" * 43, cert, key, source=source).status == 429
