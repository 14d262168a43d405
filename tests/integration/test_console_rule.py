"""Accounts that have to sign in by a passkey or a certificate: what opens them, what doesn't, how the rule is set and lifted, and who is helped how."""

import base64
import uuid

import pytest

import est
import support
from passkeys import UP, Authenticator, KeyBrowser
from sessions import PASSWORD, Browser, fresh_code, new_account, totp
from test_console_card import CardBrowser
from test_console_card import holder as card_holder

holder = card_holder
BY_KEY, BY_CARD = "opened by a passkey or a client certificate alone", "opened by a client certificate alone"


def document(type, id=None, **attributes):
    return {"data": {"type": type, **({"id": id} if id else {}), "attributes": attributes}}


def account_of(one):
    return one.now().data["relationships"]["account"]["data"]["id"]


def person(instance, tenant, role="operator", passkey=True):
    """Somebody with a password, an app and, if wished, a passkey, who has proved all that just now."""
    one = KeyBrowser(instance)
    one.first(*new_account(tenant, role))
    if passkey:
        assert one.add("mine").status == 200
    one.account = account_of(one)
    return one


@pytest.fixture
def boss(instance, default_tenant):
    """An administrator with a fresh proof."""
    return person(instance, default_tenant, "administrator")


@pytest.fixture
def strict(instance, default_tenant, boss):
    """One who has to sign in by a passkey."""
    one = person(instance, default_tenant)
    assert rule(boss, one, "passkey").status == 200
    return one


def rule(boss, one, what):
    return boss("PATCH", f"/accounts/{one.account}", document("accounts", one.account, sign_in=what))


def prove_old(instance, one):
    """As if the proof were a quarter of an hour old."""
    instance.sql(f"UPDATE session SET proved_at = now() - interval '15 minutes', created_at = now() - interval '20 minutes' WHERE id = {one.now().data['id']}")


def basic(name, secret):
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()}


# ---------------------------------------------------------------- what opens such an account


@pytest.mark.rows("W06")
def test_a_password_opens_nothing(instance, strict):
    """Nor does it with the app's code, which isn't asked for; and who doesn't know the password learns nothing."""
    other = KeyBrowser(instance, strict.key)
    answer = other.sign_in(strict.name, password=PASSWORD)
    assert answer.status == 403 and BY_KEY in answer.error["detail"], answer
    assert answer.error["source"]["pointer"] == "/data/attributes/password" and other.cookie is None
    wrong, nobody = other.sign_in(strict.name, password="wrong " + PASSWORD), other.sign_in(f"no-{uuid.uuid4().hex}", password="wrong " + PASSWORD)
    assert wrong.status == nobody.status == 401 and wrong.error["detail"] == nobody.error["detail"] and BY_KEY not in wrong.error["detail"]
    assert instance.count("session", f"account_id = {strict.account} AND evidence = 'password'") == 0
    rows = instance.sql(f"SELECT detail FROM audit WHERE action = 'session.refused' AND object = 'account/{strict.account}' ORDER BY at_us")
    assert '"why":"sign_in"' in rows[0][0] and '"why"' not in rows[1][0], rows
    # The passkey does, and what it opens says why.
    answer = other.enter()
    assert answer.status == 201 and answer.attributes["sign_in"] == "passkey" and other("GET", "/certificates").status == 200


@pytest.mark.rows("W06", "W07")
def test_refusals_are_counted_as_wrong_passwords(instance, strict):
    other, answers = Browser(instance), []
    for _ in range(11):
        answers.append(other.sign_in(strict.name, password=PASSWORD).status)
    assert answers[:10] == [403] * 10 and answers[10] == 429, answers


@pytest.mark.rows("W06")
@pytest.mark.parametrize("kind", ["token", "password", "one_time"])
def test_no_secret_opens_it(instance, rest, default_tenant, boss, kind):
    """Those that were there before the rule, of which programs use two; and none is made any more. They are as before when it is lifted."""
    one = person(instance, default_tenant)
    secret = rest.post("/credentials", document("credentials", account=one.name, kind=kind)).attributes["secret"]
    program = instance.rest(token=secret, source=support.new_address()) if kind == "token" else instance.rest(source=support.new_address())

    def use():
        if kind == "token":
            return program.get("/certificates")
        if kind == "one_time":
            return Browser(instance).sign_in(one.name, one_time_code=secret)
        return program.request("POST", "/tokens", headers=basic(one.name, secret))

    if kind != "one_time":
        assert use().status in (200, 201)
    assert rule(boss, one, "passkey").status == 200
    assert support.wait_until(lambda: use().status == 403, 3)
    assert BY_KEY in use().error["detail"]
    if kind == "one_time":
        answer = program.request("POST", "/tokens", headers=basic(one.name, secret))
        assert answer.status == 403, answer
        assert instance.sql(f"SELECT used_at IS NULL FROM credential WHERE account_id = {one.account} AND NOT on_site AND kind = 'one_time'") == [["t"]]
    made = rest.post("/credentials", document("credentials", account=one.name, kind=kind))
    assert made.status == 409 and "siegelctl" in made.error["detail"] and made.error["source"]["pointer"] == "/data/attributes/kind", made
    assert rule(boss, one, "any").status == 200
    assert support.wait_until(lambda: use().status in (200, 201), 3)


@pytest.mark.rows("W06")
def test_no_password_opens_a_door_of_enrolment(instance, rest, default_tenant, boss):
    """EST by HTTP Basic, also where the password was good a moment before."""
    one = person(instance, default_tenant, "requestor")
    secret = rest.post("/credentials", document("credentials", account=one.name, kind="password")).attributes["secret"]
    csr = lambda: est.request(names=[est.unique()])  # noqa: E731
    ask = lambda: support.est_enroll(instance, csr(), authorization=support.basic(one.name, secret))  # noqa: E731
    assert ask().status == 200
    assert rule(boss, one, "passkey").status == 200
    assert support.wait_until(lambda: ask().status == 403, 3)
    assert BY_KEY in ask().body.decode()


@pytest.mark.rows("W06")
def test_a_certificate_alone(instance, rest, boss, holder, default_tenant):
    """Then a passkey opens nothing either; the card does, in a browser and for programs."""
    one = holder()
    person_ = KeyBrowser(instance)
    code = rest.post("/credentials", document("credentials", account=one.name, kind="one_time")).attributes["secret"]
    person_.first(one.name, code)
    assert person_.add("mine").status == 200
    other = KeyBrowser(instance, person_.key)
    assert other.enter().status == 201
    assert rule(boss, one, "certificate").status == 200
    assert support.wait_until(lambda: other.now().status == 401 and person_.now().status == 401, 3)
    answer = other.enter()
    assert answer.status == 403 and BY_CARD in answer.error["detail"] and answer.error["source"]["pointer"] == "/data/attributes/passkey", answer
    assert Browser(instance).sign_in(one.name, password=PASSWORD).status == 403
    entered = one.enter()
    assert entered.status == 201 and entered.attributes["sign_in"] == "certificate"
    assert instance.rest(cert=one.cert, key=one.key, source=support.new_address()).get("/certificates").status == 200
    # Its card is withdrawn in an emergency, and then nothing opens it.
    assert rest.delete(f"/credentials/{one.credential}").status == 204
    assert support.wait_until(lambda: one.now().status == 401, 3) and one.show() == ("card_refused", "withdrawn")
    done = instance.siegelctl("setup", "account", "--name", one.name, "--role", "operator", "--one-time", check=False)
    assert done.returncode != 0 and "--certificate" in done.stderr, done


# ---------------------------------------------------------------- how the rule is set


@pytest.mark.rows("W06", "W04")
def test_what_doesnt_satisfy_it_ends(instance, default_tenant, boss):
    one = person(instance, default_tenant)
    by_key, begun = KeyBrowser(instance, one.key), Browser(instance)
    assert by_key.enter().status == 201 and begun.sign_in(one.name, password=PASSWORD).status == 201
    assert rule(boss, one, "passkey").status == 200
    assert support.wait_until(lambda: one.now().status == 401 and begun.now().status == 401, 3)
    assert by_key.now().status == 200
    assert instance.count("session", f"account_id = {one.account}") == 1
    rows = instance.sql(f"SELECT actor, detail FROM audit WHERE action = 'account.sign_in_set' AND object = 'account/{one.account}'")
    assert len(rows) == 1 and rows[0][0] == f"rest:{boss.name}" and '"passkey"' in rows[0][1]


@pytest.mark.rows("W06")
def test_it_wants_a_fresh_proof(instance, rest, default_tenant, boss):
    one = person(instance, default_tenant)
    prove_old(instance, boss)
    refused = rule(boss, one, "passkey")
    assert refused.status == 403 and refused.error["source"]["header"] == "Cookie" and "prove your second factor again" in refused.error["detail"], refused
    assert boss.prove().status == 200 and rule(boss, one, "passkey").status == 200
    # Lifting it too, and no token does that.
    prove_old(instance, boss)
    assert rule(boss, one, "any").status == 403
    refused = rest.patch(f"/accounts/{one.account}", document("accounts", one.account, sign_in="any"))
    assert refused.status == 403 and "over a session" in refused.error["detail"], refused
    assert rest.get(f"/accounts/{one.account}").attributes["sign_in"] == "passkey"
    assert boss("PATCH", f"/accounts/{one.account}", document("accounts", one.account, title="Somebody")).status == 200  # that changes nothing of it


@pytest.mark.rows("W06")
def test_nobody_is_shut_out_by_it(instance, rest, default_tenant, boss):
    one = person(instance, default_tenant, passkey=False)
    refused = rule(boss, one, "passkey")
    assert refused.status == 409 and "no passkey and no certificate" in refused.error["detail"] and \
        refused.error["source"]["pointer"] == "/data/attributes/sign_in", refused
    assert rule(boss, boss, "certificate").status == 409
    # One's own: stricter, and never easier.
    assert rule(boss, boss, "passkey").status == 200
    assert support.wait_until(lambda: boss.now().status == 401, 3)  # it came by a password
    assert boss.enter().status == 201
    refused = rule(boss, boss, "any")
    assert refused.status == 403 and "easier for himself" in refused.error["detail"], refused
    # The way in that it has to use stays.
    key = boss("GET", f"/passkeys?filter[account]={boss.account}").data[0]["id"]
    refused = boss("DELETE", f"/passkeys/{key}")
    assert refused.status == 409 and "has to sign in by it" in refused.error["detail"], refused
    for wrong in ("card", "", None, 1, "ANY"):
        assert boss("PATCH", f"/accounts/{one.account}", document("accounts", one.account, sign_in=wrong)).status == (422 if wrong is not None else 200)


@pytest.mark.rows("W06")
def test_a_roles_rule_and_the_stricter_one(instance, rest, default_tenant, boss):
    name = f"strict_{uuid.uuid4().hex[:8]}"
    role = rest.post("/roles", document("roles", name=name, rights=["read"]))
    assert role.status == 201 and role.attributes["sign_in"] == "any", role
    id = role.data["id"]
    one, bare = person(instance, default_tenant, name), person(instance, default_tenant, name, passkey=False)
    set_role = lambda who, what: who("PATCH", f"/roles/{id}", document("roles", id, sign_in=what))  # noqa: E731
    refused = set_role(boss, "passkey")
    assert refused.status == 409 and bare.name in refused.error["detail"] and one.name not in refused.error["detail"], refused
    assert bare.add("late").status == 200
    prove_old(instance, boss)
    assert set_role(boss, "passkey").status == 403
    assert boss.prove().status == 200 and set_role(boss, "passkey").status == 200
    assert support.wait_until(lambda: one.now().status == 401 and bare.now().status == 401, 3)
    assert Browser(instance).sign_in(one.name, password=PASSWORD).status == 403
    seen = rest.get(f"/accounts/{one.account}").attributes
    assert seen["sign_in"] == "any" and seen["sign_in_holds"] == "passkey" and seen["can_sign_in"] is True
    # The stricter one of both: the account's own doesn't make it easier, and may ask for more.
    assert rule(boss, one, "certificate").status == 409
    assert rule(boss, one, "any").status == 200 and one.sign_in(one.name, password=PASSWORD).status == 403
    # Nobody gets such a role who has nothing to sign in by then.
    late = person(instance, default_tenant, passkey=False)
    refused = boss("PATCH", f"/accounts/{late.account}", document("accounts", late.account, role=name))
    assert refused.status == 409 and refused.error["source"]["pointer"] == "/data/attributes/role", refused
    assert set_role(rest_session(rest), "any").status == 403
    # The ready ones aren't anybody's to change.
    ready = rest.get("/roles?filter[name]=administrator").data[0]["id"]
    assert boss("PATCH", f"/roles/{ready}", document("roles", ready, sign_in="passkey")).status == 409
    assert set_role(boss, "any").status == 200 and Browser(instance).sign_in(one.name, password=PASSWORD).status == 201


@pytest.mark.rows("W06")
def test_another_role_is_no_way_around_its_rule(instance, rest, default_tenant, boss):
    """Who gives somebody a role that asks less lifts the rule: over a session with a fresh proof alone, too."""
    names = {what: f"r{what}_{uuid.uuid4().hex[:8]}" for what in ("any", "passkey")}
    for what, name in names.items():
        assert rest.post("/roles", document("roles", name=name, rights=["read"], sign_in=what)).status == 201
    one = person(instance, default_tenant, names["any"])
    give = lambda who, role: who("PATCH", f"/accounts/{one.account}", document("accounts", one.account, role=role))  # noqa: E731
    assert give(rest_session(rest), names["passkey"]).status == 200
    for role in (names["any"], "operator"):
        refused = give(rest_session(rest), role)
        assert refused.status == 403 and refused.error["source"]["pointer"] == "/data/attributes/role", refused
    prove_old(instance, boss)
    refused = give(boss, names["any"])
    assert refused.status == 403 and "prove your second factor" in refused.error["detail"], refused
    assert rest.get(f"/accounts/{one.account}").attributes["sign_in_holds"] == "passkey"
    assert Browser(instance).sign_in(one.name, password=PASSWORD).status == 403
    assert boss.prove().status == 200 and give(boss, names["any"]).status == 200
    # Where as much is asked for before and after, programs change roles as ever: the other way, and where the account has the rule itself.
    assert give(rest_session(rest), names["passkey"]).status == 200
    assert rule(boss, one, "passkey").status == 200 and give(rest_session(rest), names["any"]).status == 200
    assert give(rest_session(rest), "nothing").status == 422
    assert rest.get(f"/accounts/{one.account}").attributes["sign_in_holds"] == "passkey"


def rest_session(rest):
    return lambda method, path, body: rest.request(method, path, body)


@pytest.mark.rows("W06")
def test_other_tenants_rules_arent_there(instance, other_tenant, default_tenant, boss):
    stranger = person(instance, other_tenant)
    assert rule(boss, stranger, "passkey").status == 404
    low = person(instance, default_tenant)
    assert rule(low, low, "passkey").status == 403


def test_a_new_account_begins_with_a_card(instance, rest, client_identity):
    """It is made with the rule, and opens when its card is bound."""
    name = f"card-{uuid.uuid4().hex[:8]}"
    made = rest.post("/accounts", document("accounts", name=name, role="operator", sign_in="certificate"))
    assert made.status == 201 and made.attributes["sign_in"] == "certificate", made
    assert rest.get(f"/accounts/{made.data['id']}").attributes["can_sign_in"] is False
    assert rest.post("/credentials", document("credentials", account=name, kind="one_time")).status == 409
    cert, key, resource = client_identity()
    assert rest.post("/credentials", document("credentials", account=name, kind="certificate", certificate=resource["attributes"]["pem"])).status == 201
    assert rest.get(f"/accounts/{made.data['id']}").attributes["can_sign_in"] is True
    assert CardBrowser(instance, cert, key).enter().status == 201


# ---------------------------------------------------------------- who lost it is helped on the machine alone


@pytest.mark.rows("W06")
def test_recovery_is_on_the_machine(instance, rest, default_tenant, strict):
    """A code from there lets the account register a passkey, and nothing else."""
    made = instance.siegelctl("setup", "account", "--name", strict.name, "--role", "operator", "--one-time").stdout.strip()
    for kind in ("--token", "--password"):
        done = instance.siegelctl("setup", "account", "--name", strict.name, "--role", "operator", kind, check=False)
        assert done.returncode != 0 and "setup sign-in" in done.stderr, done
    # Not for a token, and with what is left of the second factor asked for.
    assert instance.rest(source=support.new_address()).request("POST", "/tokens", headers=basic(strict.name, made)).status == 403
    one = KeyBrowser(instance)
    answer = one.sign_in(strict.name, one_time_code=made)
    assert answer.status == 201 and answer.attributes["missing"] == ["second_factor", "passkey"], answer
    assert one.add("too early").status == 403
    instance.siegelctl("setup", "revoke-credential", "--name", strict.name, "--kind", "second_factor")
    assert support.wait_until(lambda: one.now().status == 401, 3)  # until the notice has come
    made = instance.siegelctl("setup", "account", "--name", strict.name, "--role", "operator", "--one-time").stdout.strip()
    one = KeyBrowser(instance)
    assert one.sign_in(strict.name, one_time_code=made).attributes["missing"] == ["passkey"]
    assert one("GET", "/certificates").status == 403
    for refused in (one.step("totp"), one.step("password", password=PASSWORD, current_password=PASSWORD), one.step("second_factor", code="123456"),
                    one.step("totp_remove")):
        assert refused.status in (403, 409), refused
    refused = one.add("unverified", flags=UP | 0x40)
    assert refused.status in (403, 422), refused
    added = one.add("new")
    assert added.status == 200 and added.attributes["missing"] == [] and added.attributes["evidence"] == "passkey", added
    assert added.attributes["recovery_codes"] and one("GET", "/certificates").status == 200
    assert KeyBrowser(instance).sign_in(strict.name, one_time_code=made).status == 401  # it is used up
    assert KeyBrowser(instance, one.key).enter().status == 201
    # The session is the passkey's: it goes with it.
    assert one.add("spare", Authenticator("eddsa")).status == 200
    key = [k for k in one("GET", "/passkeys").data if k["attributes"]["name"] == "new"][0]["id"]
    assert rest.delete(f"/passkeys/{key}").status == 204 and support.wait_until(lambda: one.now().status == 401, 3)


@pytest.mark.rows("W06")
def test_the_rule_is_lifted_there(instance, strict):
    done = instance.siegelctl("setup", "sign-in", "--name", strict.name, "--require", "any")
    assert done.stdout == f"account {strict.name}: any\n"
    assert Browser(instance).sign_in(strict.name, password=PASSWORD).status == 201
    rows = instance.sql(f"SELECT actor, detail FROM audit WHERE action = 'account.sign_in_set' AND object = 'account/{strict.account}' AND actor LIKE 'setup:%'")
    assert len(rows) == 1 and '"any"' in rows[0][1]
    done = instance.siegelctl("setup", "sign-in", "--name", strict.name, "--require", "certificate")
    assert "nothing to sign in by" in done.stderr
    for wrong in (["--require", "any"], ["--name", "x", "--require", "card"], ["--name", "x", "--role", "y", "--require", "any"],
                  ["--name", f"no-{uuid.uuid4().hex}", "--require", "any"], ["--role", "administrator", "--require", "passkey"]):
        assert instance.siegelctl("setup", "sign-in", *wrong, check=False).returncode != 0, wrong


# ---------------------------------------------------------------- what else wants a proof of just now


def secret_of(instance, one):
    return totp(one.secret, skew=1)


@pytest.mark.rows("W04")
def test_what_lets_somebody_in_wants_a_proof(instance, rest, default_tenant, boss):
    """Who took a place at a screen makes nobody a token, takes nobody's second factor away, and sets no password."""
    one = person(instance, default_tenant)
    prove_old(instance, boss)
    asked = [lambda: boss("POST", "/credentials", document("credentials", account=boss.name, kind="token")),
             lambda: boss("POST", "/credentials", document("credentials", account=one.name, kind="one_time")),
             lambda: boss("POST", f"/accounts/{one.account}/reset_second_factor", document("reset_second_factor")),
             lambda: boss.step("password", password="another long password", current_password=PASSWORD),
             lambda: boss.add("planted", Authenticator("eddsa")), lambda: boss.step("totp"), lambda: boss.step("totp_remove"),
             lambda: boss("DELETE", f"/passkeys/{boss('GET', f'/passkeys?filter[account]={boss.account}').data[0]['id']}")]
    for ask in asked:
        answer = ask()
        assert answer.status == 403 and answer.error["source"]["header"] == "Cookie", answer
    assert boss.prove().status == 200
    for ask in asked[:4]:
        answer = ask()
        assert answer.status in (200, 201), answer
    # A program's token has nothing to prove with, and goes on.
    assert rest.post("/credentials", document("credentials", account=one.name, kind="token")).status == 201


@pytest.mark.rows("W04")
def test_a_secret_of_yesterday_isnt_confirmed_without_a_proof(instance, boss):
    begun = boss.step("totp")
    assert begun.status == 200
    prove_old(instance, boss)
    late = boss.step("totp_confirm", code=totp(begun.attributes["secret"]))
    assert late.status == 403 and late.error["source"]["header"] == "Cookie", late


def test_a_card_of_just_now_is_a_proof_for_others(instance, rest, default_tenant, holder):
    """An administrator with a card and nothing else shows it once more."""
    boss, one = holder("administrator"), person(instance, default_tenant)
    boss.enter()
    assert boss("POST", "/credentials", document("credentials", account=one.name, kind="token")).status == 201
    prove_old(instance, boss)
    refused = boss("POST", "/credentials", document("credentials", account=one.name, kind="token"))
    assert refused.status == 403 and "certificate once more" in refused.error["detail"], refused
    boss.enter()
    assert boss("POST", "/credentials", document("credentials", account=one.name, kind="token")).status == 201


def test_the_app_is_replaced_and_taken_away(instance, default_tenant):
    one = person(instance, default_tenant)
    other = KeyBrowser(instance, one.key)
    assert other.enter().status == 201
    # Replaced with a proof by the passkey: the phone is gone.
    begun = one.step("totp")
    assert begun.status == 200, begun
    answer = one.step("totp_confirm", code=totp(begun.attributes["secret"]))
    assert answer.status == 200 and len(answer.attributes["recovery_codes"]) == 10, answer
    assert support.wait_until(lambda: other.now().status == 401, 3)
    # Taken away: the passkey stays, and so do the recovery codes.
    assert other.enter().status == 201
    gone = one.step("totp_remove")
    assert gone.status == 200 and gone.attributes["totp"] is False and gone.attributes["recovery_codes_left"] == 10, gone
    assert support.wait_until(lambda: other.now().status == 401, 3)
    assert one.step("totp_remove").status == 409
    assert instance.sql(f"SELECT count(*) FROM audit WHERE action = 'login.totp_removed' AND object = 'account/{one.account}'") == [["1"]]
    again = KeyBrowser(instance, one.key)
    assert again.sign_in(one.name, password=PASSWORD).attributes["missing"] == ["second_factor"]
    assert again.step("second_factor", code=totp(begun.attributes["secret"], skew=1)).status == 422 and again.prove().status == 200
    # As the only second factor it stays.
    alone = person(instance, default_tenant, passkey=False)
    refused = alone.step("totp_remove")
    assert refused.status == 409 and "only second factor" in refused.error["detail"], refused
    fresh_code(instance, alone.name)
    assert alone.step("totp", code="000000").status == 422


# ---------------------------------------------------------------- what a page asks by itself keeps no session alive


@pytest.mark.rows("W04")
def test_what_a_page_asks_by_itself_isnt_a_use(instance, boss):
    id = boss.now().data["id"]

    def age(minutes):
        instance.sql(f"UPDATE session SET used_at = now() - interval '{minutes} minutes' WHERE id = {id}")

    def minutes():
        return float(instance.sql(f"SELECT extract(epoch FROM now() - used_at) / 60 FROM session WHERE id = {id}")[0][0])

    age(20)
    by_itself = {"X-Siegel-Background": "1"}
    assert support.wait_until(lambda: boss("GET", "/certificates", headers=by_itself).status == 200 and minutes() > 19, 3)
    assert boss("GET", "/sessions/current", headers=by_itself).status == 200 and minutes() > 19
    # At once, whatever the page asked just before; what is kept of whose a cookie is, is kept for a second.
    assert support.wait_until(lambda: boss("GET", "/certificates", headers=by_itself).status == boss("GET", "/certificates").status == 200 and minutes() < 1, 3)
    age(20)
    assert support.wait_until(lambda: boss("POST", "/sessions/current/passkey_challenge", headers=by_itself).status == 200 and minutes() < 1, 3)  # what isn't just looking is somebody's doing
    age(31)
    assert support.wait_until(lambda: boss("GET", "/certificates", headers=by_itself).status == 401, 3)
