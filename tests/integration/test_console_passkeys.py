"""Passkeys over REST: as second factor, alone, and all that isn't one."""

import concurrent.futures
import copy
import json
import time
import uuid

import cbor2
import pytest

import support
from passkeys import AT, ED, UP, UV, Authenticator, KeyBrowser, b64, unb64
from sessions import PASSWORD, Browser, fresh_code, new_account, totp


def first(instance, tenant, role="operator", key=None):
    """A first sign-in with a passkey in place of an app."""
    one = KeyBrowser(instance, key)
    name, code = new_account(tenant, role)
    assert one.sign_in(name, one_time_code=code).status == 201
    assert one.step("password", password=PASSWORD).status == 200
    answer = one.add("first")
    assert answer.status == 200, answer
    one.recovery = answer.attributes["recovery_codes"]
    return one


@pytest.fixture
def keyed(instance, default_tenant):
    return first(instance, default_tenant)


def other_browser(instance, one):
    other = KeyBrowser(instance, one.key)
    other.name = one.name
    return other


# ---------------------------------------------------------------- what works


@pytest.mark.parametrize("kind, counts", [("es256", True), ("eddsa", False), ("rs256", True)])
def test_first_sign_in_with_a_passkey(instance, default_tenant, kind, counts):
    one = first(instance, default_tenant, key=Authenticator(kind, counts))
    now = one.now().attributes
    assert now["missing"] == [] and now["passkeys"] == 1 and now["totp"] is False and now["recovery_codes_left"] == 10 and now["proved_at"]
    assert len(one.recovery) == 10 and one("GET", "/certificates").status == 200
    # As the second factor, twice: a counter goes up, or there is none.
    for _ in range(2):
        other = other_browser(instance, one)
        answer = other.sign_in(one.name, password=PASSWORD)
        assert answer.attributes["missing"] == ["second_factor"]
        answer = other.prove(flags=UP)
        assert answer.status == 200 and answer.attributes["missing"] == [], answer
    # And alone: name and password aren't asked for.
    other = other_browser(instance, one)
    answer = other.enter()
    assert answer.status == 201 and answer.attributes["missing"] == [] and answer.attributes["evidence"] == "passkey", answer
    assert answer.attributes["name"] == one.name and other("GET", "/certificates").status == 200
    assert other.flags == "Path=/; Secure; HttpOnly; SameSite=Strict"
    life = instance.sql(f"SELECT round(extract(epoch FROM expires_at - created_at) / 60) FROM session WHERE id = {answer.data['id']}")
    assert life == [["720"]]
    key = one("GET", "/passkeys").data[0]["attributes"]
    assert key["used_at"] and key["name"] == "first" and key["account_name"] == one.name
    rows = instance.sql(f"SELECT action, detail FROM audit WHERE actor = 'rest:{one.name}' ORDER BY at_us")
    assert ["login.passkey_added", "session.made"] == [r[0] for r in rows if r[0] in ("login.passkey_added",)] + [rows[-1][0]]
    assert '"evidence":"passkey"' in rows[-1][1]


def test_several_are_named_listed_and_removed(instance, rest, keyed):
    spare = Authenticator("eddsa")
    assert keyed.add("spare", spare).status == 200
    keys = {k["attributes"]["name"]: k["id"] for k in keyed("GET", "/passkeys").data}
    assert set(keys) == {"first", "spare"}
    assert keyed.add("spare", Authenticator()).status == 409  # the name is taken
    assert keyed.add("again", spare).status == 409             # and so is the key
    change = {"data": {"type": "passkeys", "id": keys["spare"], "attributes": {"name": "Schlüsselbund"}}}
    assert keyed("PATCH", f"/passkeys/{keys['spare']}", change).status == 200
    assert {k["attributes"]["name"] for k in keyed("GET", "/passkeys").data} == {"first", "Schlüsselbund"}
    # Sessions that it made end with it, others don't.
    other = KeyBrowser(instance, spare)
    assert other.enter().status == 201
    assert keyed("DELETE", f"/passkeys/{keys['spare']}").status == 204
    assert support.wait_until(lambda: other.now().status == 401, 2)
    assert keyed.now().status == 200
    assert KeyBrowser(instance, spare).enter().status == 401
    # The last second factor stays.
    refused = keyed("DELETE", f"/passkeys/{keys['first']}")
    assert refused.status == 409 and "only second factor" in refused.error["detail"], refused
    # An administrator sees it, and takes away one that isn't the last, over a token too.
    found = rest.get(f"/passkeys?filter[account]={keyed.now().data['relationships']['account']['data']['id']}")
    assert [k["id"] for k in found.data] == [keys["first"]]
    assert rest.patch(f"/passkeys/{keys['first']}", change | {"data": change["data"] | {"id": keys["first"]}}).status == 403
    assert keyed.add("third", Authenticator()).status == 200
    assert rest.delete(f"/passkeys/{keys['first']}").status == 204
    assert [k["attributes"]["name"] for k in keyed("GET", "/passkeys").data] == ["third"]


def test_app_and_passkey_together(instance, keyed):
    keyed.enrol()
    other = other_browser(instance, keyed)
    other.sign_in(keyed.name, password=PASSWORD)
    fresh_code(instance, keyed.name)
    assert other.step("second_factor", code=totp(keyed.secret)).status == 200
    other.sign_in(keyed.name, password=PASSWORD)
    assert other.prove().status == 200
    # With the app in place the passkey may go.
    key = keyed("GET", "/passkeys").data[0]["id"]
    assert keyed("DELETE", f"/passkeys/{key}").status == 204
    assert keyed.now().attributes["passkeys"] == 0


def test_recovery_codes_of_who_has_passkeys_alone(instance, keyed):
    other = Browser(instance)
    other.sign_in(keyed.name, password=PASSWORD)
    assert other.step("second_factor", code="123456").status == 422
    assert other.step("second_factor", recovery_code=keyed.recovery[0]).attributes["recovery_codes_left"] == 9
    other.sign_in(keyed.name, password=PASSWORD)
    assert other.step("second_factor", recovery_code=keyed.recovery[0]).status == 422


def test_resetting_takes_passkeys_along(instance, rest, keyed):
    account = keyed.now().data["relationships"]["account"]["data"]["id"]
    assert rest.get(f"/accounts/{account}").attributes["second_factor"] is True
    assert rest.post(f"/accounts/{account}/reset_second_factor", {"data": {"type": "reset_second_factor"}}).status == 200
    assert support.wait_until(lambda: keyed.now().status == 401, 0.5, 0.02) and KeyBrowser(instance, keyed.key).enter().status == 401
    assert rest.get(f"/accounts/{account}").attributes["second_factor"] is False


def test_on_the_machine_too(instance, default_tenant):
    one = first(instance, default_tenant)
    done = instance.siegelctl("setup", "revoke-credential", "--tenant", "default", "--name", one.name, "--kind", "second_factor")
    assert done.stdout == f"revoked 1 of {one.name}\n"
    assert support.wait_until(lambda: one.now().status == 401, 0.5, 0.02) and KeyBrowser(instance, one.key).enter().status == 401


# ---------------------------------------------------------------- what isn't one


def test_options_are_what_browsers_want(instance, keyed):
    made = keyed.options("/sessions/current/passkey_options")
    assert made["rp"]["id"] == instance.host and made["attestation"] == "none"
    assert made["authenticatorSelection"] == {"residentKey": "required", "requireResidentKey": True, "userVerification": "required"}
    assert [p["alg"] for p in made["pubKeyCredParams"]] == [-7, -8, -257]
    assert [unb64(k["id"]) for k in made["excludeCredentials"]] == [keyed.key.id]
    assert len(unb64(made["user"]["id"])) == 16 and keyed.name not in made["user"]["id"]
    get = KeyBrowser(instance).options("/sessions/passkey_challenge")
    assert get["allowCredentials"] == [] and get["userVerification"] == "required"  # it tells nobody who has one
    assert KeyBrowser(instance).post("/sessions/passkey_challenge", {"Origin": "https://evil.example"}).status == 403


# Each as (bent, what the error says).
GET_BENT = {
    "origin": (dict(origin="https://evil.example"), "another site"),
    "port": (dict(origin="https://localhost:1"), "another site"),
    "scheme": (dict(origin="http://localhost"), "another site"),
    "framed": (dict(client={"crossOrigin": True}), "another site"),
    "site": (dict(site="evil.example"), "another site"),
    "type": (dict(kind="webauthn.create"), "ceremony"),
    "untouched": (dict(flags=UV), "touched"),
    "attested": (dict(flags=UP | UV | AT), "registered"),
    "extensions": (dict(flags=UP | UV | ED, more=b"\xbf"), "extensions"),
    "behind": (dict(more=b"\0"), "follow"),
    "challenge": (dict(challenge=b64(b"x" * 56)), "challenge"),
    "short": (dict(challenge=b64(b"x")), "challenge"),
    "unknown": (dict(id=b"x" * 32), "registered"),
    "foreign key": (dict(signer=Authenticator()), "signature"),
}


@pytest.mark.rows("W04")
@pytest.mark.parametrize("what", list(GET_BENT))
def test_what_isnt_a_proof(instance, keyed, what):
    bent, why = GET_BENT[what]
    other = other_browser(instance, keyed)
    other.sign_in(keyed.name, password=PASSWORD)
    answer = other.prove(**copy.copy(bent))
    assert answer.status == 422 and why in answer.error["detail"] and answer.error["source"]["pointer"] == "/data/attributes/passkey", answer
    assert other.now().attributes["missing"] == ["second_factor"]
    alone = other_browser(instance, keyed)
    answer = alone.enter(**copy.copy(bent))
    assert answer.status in (401, 422) and why in answer.error["detail"] and alone.cookie is None, answer


def test_alone_it_has_to_verify_its_user(instance, keyed):
    alone = other_browser(instance, keyed)
    answer = alone.enter(flags=UP)
    assert answer.status == 401 and "PIN" in answer.error["detail"], answer
    for handle in (b"x" * 16, b""):
        shown = keyed.key.get(alone.options("/sessions/passkey_challenge"), alone.origin, handle=handle)
        if not handle:
            shown.pop("user_handle", None)
        assert alone.post("/sessions", passkey=shown).status == 401
    assert alone.cookie is None and alone.enter().status == 201


def test_a_challenge_is_good_once_and_for_one_session(instance, keyed):
    other, third = other_browser(instance, keyed), other_browser(instance, keyed)
    for one in (other, third):
        one.sign_in(keyed.name, password=PASSWORD)
    options = other.options("/sessions/current/passkey_challenge")
    # Of another session, and of another use.
    assert third.step("second_factor", passkey=keyed.key.get(options, third.origin)).status == 422
    assert other.post("/sessions", passkey=keyed.key.get(options, other.origin)).status in (401, 422)
    shown = keyed.key.get(options, other.origin)
    assert other.step("second_factor", passkey=shown).status == 200
    replayed = other.step("second_factor", passkey=shown)
    assert replayed.status == 422 and "answered before" in replayed.error["detail"], replayed
    again = keyed.key.get(options, other.origin)
    assert "answered before" in other.step("second_factor", passkey=again).error["detail"]
    # Of another browser, before anybody is known.
    stolen = KeyBrowser(instance, keyed.key).options("/sessions/passkey_challenge")
    thief = KeyBrowser(instance, keyed.key)
    thief.options("/sessions/passkey_challenge")
    assert thief.post("/sessions", passkey=keyed.key.get(stolen, thief.origin)).status == 401
    thief.anonymous = None
    assert thief.post("/sessions", passkey=keyed.key.get(stolen, thief.origin)).status == 422


def test_of_many_with_one_answer_one_gets_in(instance, keyed):
    one = KeyBrowser(instance, keyed.key)
    shown = keyed.key.get(one.options("/sessions/passkey_challenge"), one.origin)
    browsers = [KeyBrowser(instance, keyed.key) for _ in range(8)]
    for b in browsers:
        b.anonymous = one.anonymous
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda b: b.post("/sessions", passkey=shown).status, browsers))
    assert sorted(answers) == [201] + [401] * 7


def test_challenges_run_out(instance, keyed):
    other = other_browser(instance, keyed)
    other.sign_in(keyed.name, password=PASSWORD)
    options = other.options("/sessions/current/passkey_challenge")
    octets = bytearray(unb64(options["challenge"]))
    end = int.from_bytes(octets[:8], "big") / 1e6
    assert 290 < end - time.time() <= 300
    octets[:8] = int((time.time() - 1) * 1e6).to_bytes(8, "big")
    refused = other.step("second_factor", passkey=keyed.key.get(options, other.origin, challenge=b64(bytes(octets))))
    assert refused.status == 422 and "isn't one of ours" in refused.error["detail"]  # its end is under the MAC
    # Asking writes nothing; answering is kept until the end alone.
    before = instance.count("passkey_challenge")
    for _ in range(5):
        other.options("/sessions/current/passkey_challenge")
    assert instance.count("passkey_challenge") == before
    instance.sql("UPDATE passkey_challenge SET expires_at = now() - interval '1 second'", role="siegel_owner")
    assert other.prove().status == 200
    assert instance.sql("SELECT count(*) FROM passkey_challenge WHERE expires_at < now()", role="siegel_owner") == [["0"]]


def test_a_counter_that_goes_back_is_a_copy(instance, keyed):
    other = other_browser(instance, keyed)
    assert other.enter(count=40).status == 201
    for count in (40, 39, 0):
        answer = other_browser(instance, keyed).enter(count=count)
        assert answer.status == 401 and "copy" in answer.error["detail"], answer
        second = other_browser(instance, keyed)
        second.sign_in(keyed.name, password=PASSWORD)
        answer = second.prove(count=count)
        assert answer.status == 422 and "copy" in answer.error["detail"], answer
    assert other_browser(instance, keyed).enter(count=41).status == 201
    assert instance.sql(f"SELECT count(*) FROM audit WHERE action = 'session.refused' AND actor = 'rest:{keyed.name}'") == [["6"]]


def test_anothers_passkey_proves_nothing(instance, default_tenant, keyed):
    stranger = first(instance, default_tenant)
    other = other_browser(instance, keyed)
    other.sign_in(keyed.name, password=PASSWORD)
    answer = other.prove(key=stranger.key, handle=b"")
    assert answer.status == 422 and "another account" in answer.error["detail"], answer
    mine = stranger("GET", "/passkeys").data
    assert [k["attributes"]["account_name"] for k in mine] == [stranger.name]
    key = keyed("GET", "/passkeys").data[0]["id"]
    assert stranger("GET", f"/passkeys/{key}").status == 404 and stranger("DELETE", f"/passkeys/{key}").status == 404
    rename = {"data": {"type": "passkeys", "id": key, "attributes": {"name": "mine"}}}
    assert stranger("PATCH", f"/passkeys/{key}", rename).status == 404


def test_passkeys_of_other_tenants_arent_there(instance, keyed, other_tenant):
    key = keyed("GET", "/passkeys").data[0]["id"]
    admin = other_tenant.rest()
    assert admin.get(f"/passkeys/{key}").status == 404 and admin.delete(f"/passkeys/{key}").status == 404
    assert key not in [k["id"] for k in admin.get("/passkeys").data]


MAKE_BENT = {
    "origin": (dict(origin="https://evil.example"), "another site"),
    "site": (dict(site="evil.example"), "another site"),
    "type": (dict(kind="webauthn.get"), "ceremony"),
    "untouched": (dict(flags=UV | AT), "touched"),
    "nothing attested": (dict(flags=UP | UV), "registered"),
    "challenge": (dict(challenge=b64(b"y" * 56)), "challenge"),
    "algorithm": (dict(cose={1: 2, 3: -35, -1: 2, -2: b"x" * 48, -3: b"y" * 48}), "algorithm"),
    "off the curve": (dict(cose={1: 2, 3: -7, -1: 1, -2: b"\1" * 32, -3: b"\2" * 32}), "isn't one"),
    "infinity": (dict(cose={1: 2, 3: -7, -1: 1, -2: b"", -3: b""}), "P-256"),
    "compressed": (dict(cose={1: 2, 3: -7, -1: 1, -2: b"\1" * 32, -3: True}), "type"),
    "small RSA": (dict(cose={1: 3, 3: -257, -1: b"\xff" * 128, -2: b"\1\0\1"}), "bits"),
    "exponent of one": (dict(cose={1: 3, 3: -257, -1: b"\xff" * 256, -2: b"\1"}), "exponent"),
    "key with more": (dict(cose={1: 2, 3: -7, -1: 1, -2: b"\1" * 32, -3: b"\2" * 32, -4: b"secret"}), "parameter"),
    "no key": (dict(cose=b"\xa0"), "algorithm"),
    "endless map": (dict(cose=b"\xbf\x01\x02\xff"), "definite"),
    "deep": (dict(cose=b"\x81" * 3000), "claims more"),
    "count that lies": (dict(cose=b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff"), "claims|type|cut off"),
    "long form": (dict(cose=b"\xb8\x01\x01\x02"), "shortest"),
    "tag": (dict(cose=b"\xc0\xa0"), "type"),
    "behind": (dict(tail=b"\0"), "follow"),
    "short id": (dict(id=b"x"), "octets"),
}


@pytest.mark.rows("W04")
@pytest.mark.parametrize("what", list(MAKE_BENT))
def test_what_isnt_a_new_passkey(keyed, what):
    bent, why = MAKE_BENT[what]
    answer = keyed.add("bent", Authenticator(), **copy.copy(bent))
    assert answer.status == 422 and any(w in answer.error["detail"] for w in why.split("|")), answer
    assert len(keyed("GET", "/passkeys").data) == 1 and keyed.now().status == 200


def test_statements_arent_believed_and_do_no_harm(keyed):
    """Attestation "none" is asked for: what else comes is read over."""
    assert keyed.add("packed", Authenticator(), fmt="packed", statement={"alg": -7, "sig": b"x" * 70, "x5c": [b"y" * 500]}).status == 200
    for object in ({"fmt": "none", "attStmt": {}}, {"fmt": "none", "attStmt": [], "authData": b""}, [], {"fmt": 1, "attStmt": {}, "authData": b""}):
        made = Authenticator().make(keyed.options("/sessions/current/passkey_options"), keyed.origin)
        made["attestation_object"] = b64(cbor2.dumps(object))
        assert keyed.step("passkey", name="x", **made).status == 422
    for member, value in (("attestation_object", "!"), ("client_data", b64(b"{}")), ("client_data", b64(b"\0")), ("client_data", b64(b"[" * 2000)),
                          ("attestation_object", "A" * 40000)):
        made = Authenticator().make(keyed.options("/sessions/current/passkey_options"), keyed.origin) | {member: value}
        answer = keyed.step("passkey", name="x", **made)
        assert answer.status == 422 and answer.error["source"]["pointer"] == f"/data/attributes/{member}", answer
    made = Authenticator().make(keyed.options("/sessions/current/passkey_options"), keyed.origin)
    assert keyed.step("passkey", name="x" * 64, **made).status == 422 and keyed.step("passkey", **made).status == 422
    assert keyed.step("passkey", name="once", **made).status == 200
    assert keyed.step("passkey", name="twice", **made).status == 422  # the challenge was answered


@pytest.mark.parametrize("shown", [[], "x", {}, {"id": 1}, {"id": "AA", "authenticator_data": "AA", "client_data": "AA", "signature": "AA", "more": "AA"},
                                   {"id": "A" * 3000, "authenticator_data": "AA", "client_data": "AA", "signature": "AA"}])
def test_wrong_documents(instance, keyed, shown):
    other = other_browser(instance, keyed)
    other.sign_in(keyed.name, password=PASSWORD)
    answer = other.step("second_factor", passkey=shown)
    assert answer.status == 422 and answer.error["source"]["pointer"] == "/data/attributes/passkey", answer
    assert other.step("second_factor", passkey=shown, code="123456").status == 422
    alone = KeyBrowser(instance)
    alone.options("/sessions/passkey_challenge")
    assert alone.post("/sessions", passkey=shown).status == 422
    assert alone.post("/sessions", passkey=shown, name="admin").status == 422


# ---------------------------------------------------------------- who may change how somebody signs in


@pytest.mark.rows("W04", "R07")
def test_who_manages_accounts_disarms_nobody(instance, default_tenant, rest):
    """Passkeys of who may do more than the one who asks stay; and the last second factor goes by its own operation alone, which may want approvals."""
    one = first(instance, default_tenant, "administrator")
    assert one.add("spare", Authenticator()).status == 200
    role, name = (f"x{uuid.uuid4().hex[:10]}" for _ in range(2))
    assert rest.post("/roles", {"data": {"type": "roles", "attributes": {"name": role, "rights": ["read", "accounts.manage"]}}}).status == 201
    assert rest.post("/accounts", {"data": {"type": "accounts", "attributes": {"name": name, "role": role}}}).status == 201
    made = rest.post("/credentials", {"data": {"type": "credentials", "attributes": {"account": name, "kind": "token", "hours": 1}}})
    weak = instance.rest(made.attributes["secret"])
    keys = [k["id"] for k in one("GET", "/passkeys").data]
    for key in keys:
        refused = weak.delete(f"/passkeys/{key}")
        assert refused.status == 403 and "may do what yours may not" in refused.error["detail"], refused
    assert one.now().attributes["passkeys"] == 2
    assert rest.delete(f"/passkeys/{keys[1]}").status == 204
    refused = rest.delete(f"/passkeys/{keys[0]}")
    assert refused.status == 409 and "reset" in refused.error["detail"], refused
    assert Browser(instance).sign_in(one.name, password=PASSWORD).attributes["missing"] == ["second_factor"]


@pytest.mark.rows("W04")
def test_what_changes_signing_in_wants_a_proof_of_lately(instance, keyed):
    """A session that somebody found open doesn't make him at home."""
    keyed.add("spare", Authenticator())
    id = keyed.now().data["id"]
    instance.sql(f"UPDATE session SET proved_at = now() - interval '11 minutes' WHERE id = {id}", role="siegel_ca")
    key = [k["id"] for k in keyed("GET", "/passkeys").data if k["attributes"]["name"] == "spare"][0]
    for refused in (keyed.add("thief's", Authenticator()), keyed.step("totp"), keyed("DELETE", f"/passkeys/{key}")):
        assert refused.status == 403 and "again first" in refused.error["detail"], refused
    before = keyed.cookie
    assert keyed.prove().status == 200 and keyed.cookie != before
    assert keyed.add("mine", Authenticator()).status == 200 and keyed("DELETE", f"/passkeys/{key}").status == 204


def test_steps_come_in_their_order(instance, default_tenant, keyed):
    other = other_browser(instance, keyed)
    other.sign_in(keyed.name, password=PASSWORD)
    made = Authenticator().make(other.options("/sessions/current/passkey_options"), other.origin)
    refused = other.step("passkey", name="early", **made)
    assert refused.status == 403 and "second_factor" in refused.error["detail"], refused
    fresh = KeyBrowser(instance)
    fresh.sign_in(*[new_account(default_tenant)[i] for i in (0,)], one_time_code="x")
    name, code = new_account(default_tenant)
    fresh.sign_in(name, one_time_code=code)
    assert "password" in fresh.add("early").error["detail"]
    assert fresh("POST", "/sessions/current/passkey_challenge").status == 409  # it has none


def test_who_waits_to_set_up_another_factor_is_out(instance, default_tenant, rest):
    """After a reset two have the password: the one who is first has the account."""
    one = first(instance, default_tenant)
    account = one.now().data["relationships"]["account"]["data"]["id"]
    rest.post(f"/accounts/{account}/reset_second_factor", {"data": {"type": "reset_second_factor"}})
    owner, thief = KeyBrowser(instance), KeyBrowser(instance)
    for b in (owner, thief):
        assert b.sign_in(one.name, password=PASSWORD).attributes["missing"] == ["totp"]
    id = thief.now().data["id"]
    assert owner.add("mine").status == 200
    assert thief.now().status == 401 and instance.sql(f"SELECT count(*) FROM session WHERE id = {id}") == [["0"]]


def test_tokens_have_no_passkeys(rest):
    assert rest.post("/sessions/current/passkey_options", {"data": {"type": "passkey_options"}}).status == 403
    assert rest.post("/sessions/current/passkey", {"data": {"type": "passkey", "attributes": {"name": "x"}}}).status == 403


def test_logs_tell_no_challenge(instance, keyed):
    other = other_browser(instance, keyed)
    shown = keyed.key.get(other.options("/sessions/passkey_challenge"), other.origin)
    assert other.post("/sessions", passkey=shown).status == 201
    text = instance.log_text()
    for secret in (other.anonymous, shown["signature"], shown["client_data"], other.cookie):
        assert secret not in text
