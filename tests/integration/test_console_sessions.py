"""Sessions of browsers: signing in step by step, second factors, what ends a session, and what other pages may not do with one (rows W)."""

import base64
import concurrent.futures
import json
import time
import uuid

import pytest

import support
from sessions import COOKIE, PASSWORD, Browser, fresh_code, new_account, no_totp, totp


@pytest.fixture
def browser(instance):
    return Browser(instance)


@pytest.fixture
def signed_in(instance, default_tenant):
    """An administrator who has just signed in for the first time."""
    one = Browser(instance)
    one.first(*new_account(default_tenant))
    return one


def audit(instance, account, action):
    return instance.sql(f"SELECT object, detail FROM audit WHERE action = '{action}' AND (actor LIKE '%{account}%' OR detail LIKE '%{account}%') ORDER BY at_us")


# ---------------------------------------------------------------- signing in


def test_first_sign_in(instance, default_tenant, browser):
    name, code = new_account(default_tenant)
    answer = browser.sign_in(name, one_time_code=code)
    assert answer.status == 201 and answer.attributes["missing"] == ["password", "totp"], answer
    assert browser.flags == "Path=/; Secure; HttpOnly; SameSite=Strict"
    assert len(browser.cookie) == 52 and browser.cookie not in answer.body.decode()
    assert answer.headers["cache-control"] == "no-store"
    # Nothing else is to be had with it.
    for method, path in (("GET", "/certificates"), ("GET", "/sessions"), ("GET", "/statistics"), ("POST", "/cert_server")):
        refused = browser(method, path, {"data": {"type": "cert_server", "attributes": {"cn": "a.example"}}} if method == "POST" else None)
        assert refused.status == 403 and "missing" in refused.error["detail"], refused
    assert browser.step("totp").status == 403  # the password comes first
    first = browser.cookie
    answer = browser.step("password", password=PASSWORD)
    assert answer.status == 200 and answer.attributes["missing"] == ["totp"], answer
    second = browser.cookie
    answer = browser.enrol()
    assert answer.attributes["missing"] == [] and len(answer.attributes["recovery_codes"]) == 10
    assert len({first, second, browser.cookie}) == 3
    assert browser("GET", "/certificates").status == 200
    now = browser.now().attributes
    assert now["name"] == name and now["role"] == "administrator" and now["current"] is True and now["recovery_codes_left"] == 10
    assert "certificates.issue" in now["rights"]
    # The code is used up, and the secret isn't shown again.
    assert Browser(instance).sign_in(name, one_time_code=code).status == 401
    assert "secret" not in now and browser.secret not in instance.log_text()
    assert instance.sql("SELECT count(*) FROM second_factor WHERE sealed IS NULL AND confirmed_at IS NOT NULL") == [["0"]]
    assert audit(instance, name, "session.made") and audit(instance, name, "login.password_set") and audit(instance, name, "login.totp_set")


def test_password_and_code(instance, signed_in):
    other = Browser(instance)
    answer = other.again(signed_in)
    assert answer.status == 200 and answer.attributes["missing"] == [], answer
    assert other("GET", "/accounts").status == 200 and signed_in("GET", "/accounts").status == 200
    assert {s["attributes"]["current"] for s in other("GET", "/sessions").data if s["attributes"]["name"] == other.name} == {True, False}


def test_uri_is_what_apps_read(instance, default_tenant, browser):
    name, code = new_account(default_tenant)
    browser.sign_in(name, one_time_code=code)
    browser.step("password", password=PASSWORD)
    shown = browser.step("totp").attributes
    assert shown["uri"] == f"otpauth://totp/Siegel:{name}?secret={shown['secret']}&issuer=Siegel&algorithm=SHA1&digits=6&period=30"
    assert browser.step("totp_confirm", code=totp(shown["secret"], skew=5)).status == 422
    assert browser.now().attributes["missing"] == ["totp"]
    assert browser.step("totp_confirm", code=totp(shown["secret"])).status == 200


def test_a_code_is_good_once_and_for_a_minute_and_a_half(instance, signed_in):
    other = Browser(instance)
    code = totp(signed_in.secret)
    for skew, status in ((-2, 422), (2, 422), (-1, 200), (1, 200)):
        fresh_code(instance, signed_in.name)
        assert other.sign_in(signed_in.name, password=PASSWORD).status == 201
        if time.time() % 30 > 24:
            time.sleep(6.5)
        assert other.step("second_factor", code=totp(signed_in.secret, skew=skew)).status == status, skew
    code = totp(signed_in.secret)
    fresh_code(instance, signed_in.name)
    other.sign_in(signed_in.name, password=PASSWORD)
    assert other.step("second_factor", code=code).status == 200
    third = Browser(instance)
    third.sign_in(signed_in.name, password=PASSWORD)
    assert third.step("second_factor", code=code).status == 422


def test_of_many_with_one_code_one_gets_in(instance, signed_in):
    browsers = [Browser(instance) for _ in range(8)]
    for one in browsers:
        assert one.sign_in(signed_in.name, password=PASSWORD).status == 201
    fresh_code(instance, signed_in.name)
    code = totp(signed_in.secret)
    with concurrent.futures.ThreadPoolExecutor(len(browsers)) as pool:
        answers = list(pool.map(lambda one: one.step("second_factor", code=code).status, browsers))
    assert answers.count(200) == 1 and set(answers) <= {200, 422, 429}, answers


@pytest.mark.parametrize("how", ["again", "first"])
def test_signing_in_doesnt_wait_for_what_the_manager_does(instance, rest, signed_in, default_tenant, how):
    """Such as a CA's key in the making: here an operation that waits for a row which somebody else holds. It waits for two seconds, in which nobody
    signs in on a machine that does much else: then once more. Who waited for the manager would never be there before it."""
    name = f"held_{uuid.uuid4().hex[:8]}"
    role = rest.post("/roles", {"data": {"type": "roles", "attributes": {"name": name, "rights": ["read"]}}})
    assert role.status == 201, role

    def before_the_manager():
        somebody = new_account(default_tenant)
        instance.sql("BEGIN", role="siegel_ca")
        instance.sql(f"SELECT 1 FROM role WHERE name = '{name}' FOR UPDATE", role="siegel_ca")
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            change = pool.submit(rest.request, "DELETE", f"/roles/{role.data['id']}")
            try:
                support.wait_until(lambda: instance.count("pg_locks", "NOT granted") > 0 or change.done())
                if how == "again":
                    assert Browser(instance).again(signed_in).status == 200
                else:  # password and app
                    Browser(instance).first(*somebody)
                waited = not change.done()
            finally:
                instance.sql("ROLLBACK", role="siegel_ca")
            assert change.result().status in ((200, 204) if waited else (503,)), change.result()
        return waited

    assert any(before_the_manager() for _ in range(3 * support.SLOWER))


def test_recovery_codes(instance, signed_in):
    other = Browser(instance)
    other.sign_in(signed_in.name, password=PASSWORD)
    one = signed_in.recovery[3]
    assert other.step("second_factor", recovery_code="aaaa-bbbb-cccc-dddd").status == 422
    answer = other.step("second_factor", recovery_code=one.upper().replace("-", " "))
    assert answer.status == 200 and answer.attributes["recovery_codes_left"] == 9, answer
    other.sign_in(signed_in.name, password=PASSWORD)
    assert other.step("second_factor", recovery_code=one).status == 422


def test_another_second_factor_wants_the_one_in_force(instance, signed_in):
    """Or another proof of just now: test_console_rule.py."""
    old = signed_in.secret
    instance.sql(f"UPDATE session SET proved_at = now() - interval '11 minutes' WHERE id = {signed_in.now().data['id']}")
    assert signed_in.step("totp").status == 403
    fresh_code(instance, signed_in.name)
    answer = signed_in.step("totp", code=totp(old))
    assert answer.status == 200, answer
    new = answer.attributes["secret"]
    # Until it is confirmed the old one holds.
    other = Browser(instance)
    other.sign_in(signed_in.name, password=PASSWORD)
    fresh_code(instance, signed_in.name)
    assert other.step("second_factor", code=totp(new)).status == 422
    fresh_code(instance, signed_in.name)
    assert other.step("second_factor", code=totp(old)).status == 200
    assert signed_in.step("totp_confirm", code=totp(new)).status == 200
    assert other.now().status == 401  # the others are out
    third = Browser(instance)
    third.sign_in(signed_in.name, password=PASSWORD)
    fresh_code(instance, signed_in.name)
    assert third.step("second_factor", code=totp(old)).status == 422
    assert third.step("second_factor", code=totp(new)).status == 200


@pytest.mark.parametrize("password, why", [
    ("short", "12 characters"), ("x" * 1025, "password"), ("aaaaaaaaaaaaaaaa", "over and over"), ("NAME is my password", "account's name"),
    ("", "password"), (7, "password")])
def test_passwords_that_arent_taken(default_tenant, browser, password, why):
    name, code = new_account(default_tenant)
    browser.sign_in(name, one_time_code=code)
    answer = browser.step("password", password=password.replace("NAME", name.upper()) if isinstance(password, str) else password)
    assert answer.status == 422 and why in answer.error["detail"], answer
    assert answer.error["source"]["pointer"] == "/data/attributes/password", answer
    assert browser.now().attributes["missing"] == ["password", "totp"]


def test_wrong_documents(browser, default_tenant):
    name, code = new_account(default_tenant)
    for attributes in ({}, {"name": name}, {"password": PASSWORD}, {"name": name, "password": PASSWORD, "one_time_code": code},
                       {"name": name, "password": PASSWORD, "role": "administrator"}, {"name": 1, "password": PASSWORD}):
        answer = browser.post("/sessions", **attributes)
        assert answer.status == 422 and answer.error["source"]["pointer"].startswith("/data/attributes/"), answer
    # Never in the address.
    assert browser("POST", f"/sessions?name={name}&one_time_code={code}", {"data": {"type": "sessions"}}).status == 400
    # A random password is for programs, and opens no session.
    machine, secret = default_tenant.account("requestor", "password")
    assert browser.sign_in(machine, password=secret).status == 401
    assert browser.sign_in(machine, one_time_code=secret).status == 401
    assert browser.sign_in(name, one_time_code=code).status == 201


# ---------------------------------------------------------------- guessing


@pytest.mark.rows("W07")
def test_guessing_is_slowed_down_and_tells_nothing(instance, default_tenant, signed_in):
    guesser = Browser(instance)
    there = [guesser.sign_in(signed_in.name, password=f"wrong password {i}") for i in range(4)]
    none = [guesser.sign_in("nobody-" + signed_in.name, password=f"wrong password {i}") for i in range(4)]
    assert {(a.status, a.error["code"], a.error["detail"]) for a in there + none} == {
        (401, "unauthenticated", "the account or the secret is wrong, expired or revoked")}
    answers = [guesser.sign_in("nobody", password="wrong password").status for _ in range(6)]
    assert answers[-1] == 429, answers
    assert Browser(instance).again(signed_in).status == 200  # from elsewhere
    assert len(audit(instance, signed_in.name, "session.refused")) == 4


@pytest.mark.rows("W07")
def test_unknown_accounts_cost_the_same(instance, signed_in):
    times = {signed_in.name: [], "nobody-there": []}
    for _ in range(5):  # in turn: whatever else the machine does, it does to both
        for name, taken in times.items():
            begin = time.monotonic()
            assert Browser(instance).sign_in(name, password="wrong password").status == 401
            taken.append(time.monotonic() - begin)
    there, none = (min(taken) for taken in times.values())
    assert none > there / 3 and there > none / 3, (there, none)


@pytest.mark.rows("W07")
def test_second_factors_arent_guessed(instance, signed_in):
    """Not from many addresses either: the account's row counts."""
    answers = []
    while len(answers) < 20 and (not answers or answers[-1].status != 429):  # pauses grow until one is longer than what is between two tries
        one = Browser(instance)
        one.sign_in(signed_in.name, password=PASSWORD)
        answers.append(one.step("second_factor", code=no_totp(signed_in.secret)))
    assert len(answers) > 5 and {a.status for a in answers[:-1]} == {422} and answers[-1].status == 429, answers
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert [r for r in audit(instance, signed_in.name, "session.refused") if "second factor" in r[1]]


def test_long_passwords_are_refused_before_they_are_hashed(browser):
    answer = browser.sign_in("admin", password="x" * 100000)
    assert answer.status == 422 and answer.error["source"]["pointer"] == "/data/attributes/password"


# ---------------------------------------------------------------- what ends a session


@pytest.mark.rows("W04")
def test_signing_out(instance, signed_in):
    cookie = signed_in.cookie
    answer = signed_in("DELETE", "/sessions/current")
    assert answer.status == 204 and signed_in.cookie is None and "Max-Age=0" in signed_in.flags
    signed_in.cookie = cookie
    assert signed_in.now().status == 401 and signed_in("GET", "/certificates").status == 401
    assert audit(instance, signed_in.name, "session.ended")


@pytest.mark.rows("W04")
def test_no_fixation(instance, default_tenant, browser):
    """What somebody planted or saw before a step is worth nothing after it."""
    name, code = new_account(default_tenant)
    browser.cookie = "a" * 52
    assert browser.sign_in(name, one_time_code=code).status == 201
    seen = browser.cookie
    assert seen != "a" * 52
    browser.step("password", password=PASSWORD)
    for old in ("a" * 52, seen):
        thief = Browser(instance)
        thief.cookie = old
        assert thief.now().status == 401
    # Signing in anew ends the session that this browser had.
    before = browser.cookie
    assert browser.sign_in(name, password=PASSWORD).status == 201
    thief.cookie = before
    assert thief.now().status == 401


@pytest.mark.rows("W04")
@pytest.mark.parametrize("change", ["role", "enabled", "password", "credential", "account"])
def test_changes_of_the_account_end_its_sessions(instance, rest, default_tenant, change):
    one, other = Browser(instance), Browser(instance)
    one.first(*new_account(default_tenant, "operator"))
    assert other.again(one).status == 200
    account = rest.get(f"/accounts?filter[name]={one.name}").data[0]["id"]
    patch = {"data": {"type": "accounts", "id": account, "attributes": {"role": "requestor"} if change == "role" else {"enabled": False}}}
    if change in ("role", "enabled"):
        assert rest.patch(f"/accounts/{account}", patch).status == 200
    elif change == "password":
        assert one.step("password", password="another long password", current_password="wrong").status == 422
        assert one.step("password", password="another long password", current_password=PASSWORD).status == 200
    elif change == "credential":
        login = rest.get(f"/credentials?filter[account]={account}&filter[kind]=login").data[0]
        assert rest.delete(f"/credentials/{login['id']}").status == 204
    else:
        assert rest.delete(f"/accounts/{account}").status == 204
    assert support.wait_until(lambda: other.now().status == 401, 0.5, 0.05)
    assert one.now().status == (200 if change == "password" else 401)
    if change == "enabled":  # it doesn't come back with the account
        patch["data"]["attributes"]["enabled"] = True
        assert rest.patch(f"/accounts/{account}", patch).status == 200
        assert one.now().status == 401
    if change == "password":
        assert Browser(instance).sign_in(one.name, password=PASSWORD).status == 401
        assert Browser(instance).sign_in(one.name, password="another long password").status == 201


@pytest.mark.rows("W04")
def test_time_ends_it(instance, signed_in):
    id = signed_in.now().data["id"]
    life = instance.sql(f"SELECT round(extract(epoch FROM expires_at - created_at) / 60) FROM session WHERE id = {id}")
    assert life == [["720"]]
    instance.sql(f"UPDATE session SET used_at = now() - interval '29 minutes' WHERE id = {id}")
    time.sleep(1.1)
    assert signed_in.now().status == 200
    assert instance.sql(f"SELECT used_at > now() - interval '1 minute' FROM session WHERE id = {id}") == [["t"]]
    used = instance.sql(f"SELECT used_at FROM session WHERE id = {id}")
    time.sleep(1.1)
    assert signed_in.now().status == 200 and instance.sql(f"SELECT used_at FROM session WHERE id = {id}") == used  # noted once a minute
    instance.sql(f"UPDATE session SET used_at = now() - interval '31 minutes' WHERE id = {id}")
    time.sleep(1.1)
    assert signed_in.now().status == 401
    instance.sql(f"UPDATE session SET used_at = now() WHERE id = {id}")
    time.sleep(1.1)
    assert signed_in.now().status == 200
    instance.sql(f"UPDATE session SET expires_at = now() WHERE id = {id}")
    time.sleep(1.1)
    assert signed_in.now().status == 401


def test_sessions_are_listed_and_ended(instance, signed_in, default_tenant):
    operator, other = Browser(instance), Browser(instance)
    operator.first(*new_account(default_tenant, "operator"))
    other.again(operator)
    assert {s["attributes"]["name"] for s in operator("GET", "/sessions").data} == {operator.name}
    assert len(operator("GET", "/sessions").data) == 2
    mine = signed_in.now().data["id"]
    assert operator("GET", f"/sessions/{mine}").status == 404 and operator("DELETE", f"/sessions/{mine}").status == 404
    theirs = other.now().data["id"]
    assert signed_in("GET", f"/sessions/{theirs}").attributes["name"] == operator.name
    assert signed_in("DELETE", f"/sessions/{theirs}").status == 204
    assert other.now().status == 401 and operator.now().status == 200
    assert other("GET", "/sessions/current").status == 401


def test_an_administrator_takes_a_lost_second_factor_away(instance, rest, default_tenant):
    one = Browser(instance)
    one.first(*new_account(default_tenant, "operator"))
    account = rest.get(f"/accounts?filter[name]={one.name}").data[0]
    assert account["attributes"]["second_factor"] is True
    assert rest.post(f"/accounts/{account['id']}/reset_second_factor", {"data": {"type": "reset_second_factor"}}).status == 200
    assert support.wait_until(lambda: one.now().status == 401, 0.5, 0.02)
    answer = one.sign_in(one.name, password=PASSWORD)
    assert answer.attributes["missing"] == ["totp"]
    one.enrol()
    # Not one's own, or a stolen session would be the account's.
    admin = Browser(instance)
    admin.first(*new_account(default_tenant))
    own = admin.now().data["relationships"]["account"]["data"]["id"]
    assert admin.post(f"/accounts/{own}/reset_second_factor").status == 403


def test_on_the_machine_the_last_administrator_is_helped(instance, signed_in):
    done = instance.siegelctl("setup", "revoke-credential", "--tenant", "default", "--name", signed_in.name, "--kind", "second_factor")
    assert done.stdout == f"revoked 1 of {signed_in.name}\n"
    assert support.wait_until(lambda: signed_in.now().status == 401, 0.5, 0.02)
    assert instance.siegelctl("setup", "revoke-credential", "--name", signed_in.name, "--kind", "second_factor", check=False).returncode != 0
    assert signed_in.sign_in(signed_in.name, password=PASSWORD).attributes["missing"] == ["totp"]
    signed_in.enrol()
    assert instance.siegelctl("setup", "revoke-credential", "--name", signed_in.name, "--kind", "login").returncode == 0
    assert support.wait_until(lambda: signed_in.now().status == 401, 0.5, 0.02) and signed_in.sign_in(signed_in.name, password=PASSWORD).status == 401
    assert audit(instance, signed_in.name, "account.second_factor_reset")


@pytest.mark.rows("W04")
def test_who_has_the_password_alone_ends_nobodys_work(instance, signed_in):
    """Sessions that aren't complete make room for each other."""
    for _ in range(25):
        assert Browser(instance).sign_in(signed_in.name, password=PASSWORD).status == 201
    assert signed_in.now().status == 200
    assert instance.sql(f"SELECT count(*) FROM session s JOIN account a ON a.id = s.account_id WHERE a.name = '{signed_in.name}'") == [["20"]]


@pytest.mark.rows("W04")
def test_all_others_are_ended_at_once(instance, signed_in, default_tenant):
    others = [Browser(instance) for _ in range(3)]
    for one in others:
        assert one.again(signed_in).status == 200
    stranger = Browser(instance)
    stranger.first(*new_account(default_tenant, "operator"))
    assert signed_in("DELETE", "/sessions/others", headers={"Origin": "https://evil.example"}).status == 403
    assert signed_in("DELETE", "/sessions/others").status == 204
    assert [one.now().status for one in others] == [401] * 3 and signed_in.now().status == 200 and stranger.now().status == 200
    assert '"sessions":"3"' in audit(instance, signed_in.name, "session.others_ended")[0][1]


def test_lists_are_pages(instance, rest, signed_in, default_tenant):
    operator = Browser(instance)
    operator.first(*new_account(default_tenant, "operator"))
    account = operator.now().data["relationships"]["account"]["data"]["id"]
    for _ in range(4):
        Browser(instance).sign_in(operator.name, password=PASSWORD)
    page = rest.get(f"/sessions?filter[account]={account}&page[size]=3")
    assert page.status == 200 and len(page.data) == 3, page
    rest_of_it = rest.get(page.json["links"]["next"].split("/api/v2.0")[1])
    assert len(rest_of_it.data) == 2 and {s["attributes"]["name"] for s in page.data + rest_of_it.data} == {operator.name}
    assert rest.get(f"/sessions?filter[name]={operator.name}").json["data"][0]["attributes"]["name"] == operator.name


@pytest.mark.rows("W04")
def test_a_roles_rights_change_while_a_session_lives(instance, rest, default_tenant):
    name = f"mine_{uuid.uuid4().hex[:8]}"
    role = rest.post("/roles", {"data": {"type": "roles", "attributes": {"name": name, "rights": ["read", "accounts.manage"]}}})
    one = Browser(instance)
    account, code = new_account(default_tenant, "operator")
    id = rest.get(f"/accounts?filter[name]={account}").data[0]["id"]
    assert rest.patch(f"/accounts/{id}", {"data": {"type": "accounts", "id": id, "attributes": {"role": name}}}).status == 200
    one.first(account, code)
    assert one("GET", "/credentials").status == 200
    change = {"data": {"type": "roles", "id": role.data["id"], "attributes": {"rights": ["read"]}}}
    assert rest.patch(f"/roles/{role.data['id']}", change).status == 200
    assert support.wait_until(lambda: one("GET", "/credentials").status == 403, 0.5, 0.05)
    assert one.now().attributes["rights"] == ["read"] and one("GET", "/accounts").status == 200


@pytest.mark.rows("W04")
def test_a_disabled_tenants_sessions_do_nothing(instance, other_tenant):
    one = Browser(instance)
    name, code = new_account(other_tenant)
    assert one.sign_in(name, tenant=other_tenant.name, one_time_code=code).status == 201
    instance.sql(f"UPDATE tenant SET enabled = false WHERE name = '{other_tenant.name}'")
    try:
        assert support.wait_until(lambda: one.now().status == 401, 3)
        assert Browser(instance).sign_in(name, tenant=other_tenant.name, one_time_code=code).status == 401
    finally:
        instance.sql(f"UPDATE tenant SET enabled = true WHERE name = '{other_tenant.name}'")
        support.wait_until(lambda: other_tenant.rest().issue().status == 201, 10)  # others go on with it


@pytest.mark.rows("W04", "W07")
def test_a_one_time_code_gives_no_token_past_a_second_factor(instance, rest, signed_in):
    made = rest.post("/credentials", {"data": {"type": "credentials", "attributes": {"kind": "one_time", "account": signed_in.name}}})
    secret = made.attributes["secret"]
    basic = {"Authorization": "Basic " + base64.b64encode(f"{signed_in.name}:{secret}".encode()).decode()}
    refused = instance.rest(source=support.new_address()).post("/tokens", headers=basic)
    assert refused.status == 403 and "second factor" in refused.error["detail"], refused
    # It isn't used up, and leads to a session that wants the second factor before another password is set.
    one = Browser(instance)
    answer = one.sign_in(signed_in.name, one_time_code=secret)
    assert answer.attributes["missing"] == ["second_factor", "password"]
    assert one.step("password", password="another long password").status == 403
    assert one.sign_in(signed_in.name, one_time_code=secret).status == 401


@pytest.mark.rows("W07")
def test_wrong_codes_dont_keep_the_owner_out(instance, signed_in):
    """Who has the password, and no second factor, makes others wait for the app; a recovery code isn't guessed, and waits for nothing."""
    thief = Browser(instance)
    thief.sign_in(signed_in.name, password=PASSWORD)
    answers = []
    while len(answers) < 20 and 429 not in answers:
        answers.append(thief.step("second_factor", code=no_totp(signed_in.secret)).status)
    assert len(answers) > 5 and answers[-1] == 429, answers
    # He goes on until the pause is longer than what a machine may take for the owner's part.
    instance.sql(f"UPDATE second_factor SET failures = 13, failed_at = now() FROM account a WHERE a.id = account_id AND a.name = '{signed_in.name}'")
    assert thief.step("second_factor", code=no_totp(signed_in.secret)).status == 429
    owner = Browser(instance)
    owner.sign_in(signed_in.name, password=PASSWORD)
    assert owner.step("second_factor", code=totp(signed_in.secret)).status == 429
    assert owner.step("second_factor", recovery_code=signed_in.recovery[0]).status == 200
    # Nor are they tried without end.
    answers = [thief.step("second_factor", recovery_code=f"aaaa-bbbb-cccc-dd{i:02}").status for i in range(12)]
    assert answers[0] == 422 and answers[-1] == 429


def test_any_browser_gets_in_whatever_it_calls_itself(instance, signed_in):
    for agent in ("Bärenbrowser/1 \u00fc".encode().decode("latin-1"), "\xff\xfe", "x" * 5000, "ü" * 150, "<script>alert(1)</script>", '"\\'):
        one = Browser(instance)
        answer = one.sign_in(signed_in.name, {"User-Agent": agent}, password=PASSWORD)
        assert answer.status == 201 and len(answer.attributes["agent"]) <= 200, answer
        assert all(" " <= c <= "~" for c in answer.attributes["agent"])


def test_a_session_proves_again_who_sits_there(instance, signed_in):
    before, until = signed_in.cookie, signed_in.now().attributes["expires_at"]
    fresh_code(instance, signed_in.name)
    id = signed_in.now().data["id"]
    instance.sql(f"UPDATE session SET proved_at = now() - interval '1 hour' WHERE id = {id}", role="siegel_ca")
    answer = signed_in.step("second_factor", code=totp(signed_in.secret))
    assert answer.status == 200 and signed_in.cookie != before and answer.attributes["expires_at"] == until  # it lives no longer by that
    assert instance.sql(f"SELECT proved_at > now() - interval '1 minute' FROM session WHERE id = {id}") == [["t"]]


# ---------------------------------------------------------------- other pages


ISSUE = {"data": {"type": "cert_server", "attributes": {"cn": "csrf.example"}}}


@pytest.mark.rows("W02")
@pytest.mark.parametrize("headers", [
    {"X-Siegel-Console": None}, {"X-Siegel-Console": "0"}, {"Origin": "https://evil.example"}, {"Origin": "null"},
    {"Origin": "https://HOST:1"}, {"Origin": "http://HOST:PORT"}, {"Origin": "https://HOST:PORT.evil.example"}, {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "none"}, {"Origin": None, "Sec-Fetch-Site": None},
    {"X-Siegel-Host": "evil.example", "Origin": "https://evil.example"}])
def test_other_pages_change_nothing(instance, signed_in, headers):
    headers = {k: v and v.replace("HOST", instance.host).replace("PORT", str(instance.port)) for k, v in headers.items()}
    before = instance.count("certificate")
    answer = signed_in("POST", "/cert_server", ISSUE, headers)
    assert answer.status == 403 and instance.count("certificate") == before, answer
    assert signed_in("DELETE", "/sessions/current", headers=headers).status == 403
    assert signed_in.step("totp", headers).status == 403
    assert Browser(instance).sign_in(signed_in.name, headers, password=PASSWORD).status == 403  # nor sign somebody in
    assert signed_in("POST", "/cert_server", ISSUE).status == 201


@pytest.mark.rows("W02")
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json", None])
def test_forms_arent_documents(signed_in, kind):
    assert signed_in("POST", "/cert_server", json.dumps(ISSUE), {"Content-Type": kind}).status == 415


@pytest.mark.rows("W02", "W04")
def test_one_evidence_at_a_time(instance, signed_in):
    answer = signed_in("GET", "/certificates", headers={"Authorization": f"Bearer {instance.token}"})
    assert answer.status == 400 and answer.error["source"]["header"] == "Authorization", answer
    twice = {"Cookie": f"{COOKIE}={signed_in.cookie}; {COOKIE}={signed_in.cookie}"}
    assert signed_in("GET", "/certificates", headers=twice).status == 400
    # A cookie is no token, and a token no cookie; nor does it count in the address.
    assert instance.rest(signed_in.cookie, source=support.new_address()).get("/certificates").status == 401
    other = Browser(instance)
    other.cookie = instance.token
    assert other("GET", "/certificates").status == 401
    assert instance.rest(source=support.new_address()).get(f"/certificates?{COOKIE}={signed_in.cookie}").status == 401
    assert signed_in("GET", "/certificates", headers={"Sec-Fetch-Site": "cross-site"}).status == 403
    assert signed_in("GET", "/certificates", headers={"Cookie": f"a=b; {COOKIE}={signed_in.cookie}; c=d"}).status == 200


@pytest.mark.rows("W10")
def test_nothing_is_kept_by_the_browser(signed_in):
    for path in ("/sessions/current", "/certificates", "/statistics", "/accounts"):
        assert signed_in("GET", path).headers.get("cache-control") == "no-store", path


def test_tokens_do_without(rest):
    """A program with a token needs none of a browser's headers, and no session is made for it."""
    assert rest.get("/sessions/current").status == 404
    assert rest.delete("/sessions/current").status == 404
    assert rest.post("/sessions/current/totp", {"data": {"type": "totp"}}).status == 403


def test_the_service_writes_no_cookie_or_password_anywhere(instance, signed_in):
    text = instance.log_text()
    for secret in (signed_in.cookie, signed_in.secret, PASSWORD, *signed_in.recovery):
        assert secret not in text
        assert instance.sql(f"SELECT count(*) FROM audit WHERE detail LIKE '%{secret}%' OR object LIKE '%{secret}%'") == [["0"]]
