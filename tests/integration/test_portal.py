"""The self-service portal's side of REST: an account with certificates.own sees and does what it is responsible for, and nothing else; requests for
one or many, which a job carries out."""

import base64
import json
import re
import subprocess
import uuid

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key, pkcs12

import support

ENDED = ("done", "failed", "cancelled")


def document(kind, /, **attributes):
    return {"data": {"type": kind, "attributes": attributes}}


class Person:
    """An account with REST over its token."""

    def __init__(self, instance, rest, role="portal", **more):
        name = f"p-{uuid.uuid4().hex[:10]}"
        made = rest.post("/accounts", document("accounts", name=name, role=role, title=f"Person {name}", **more))
        assert made.status == 201, made
        self.name, self.id = name, made.data["id"]
        secret = rest.post("/credentials", document("credentials", account=name, kind="token", hours=1))
        assert secret.status == 201, secret
        self.rest = instance.rest(secret.attributes["secret"])

    def ask(self, *lines, status=201, **more):
        """A batch, worked on until there is nothing left to do now."""
        wish = {"profile": "device", "format": "pem", "lines": list(lines), **more}
        answer = self.rest.post("/batches", document("batches", **wish))
        assert answer.status == status, answer
        return self.settled(answer.data["id"]) if status == 201 else answer

    def settled(self, id):
        return support.wait_until(lambda: (lambda b: b if b.attributes["open"] == 0 else None)(self.rest.get(f"/batches/{id}")), 30).data

    def fetch(self, id, **more):
        return self.rest.post(f"/batches/{id}/fetch", document("fetch", **more))

    def items(self, id):
        return self.rest.get(f"/batch_items?filter[batch]={id}&page[size]=500").data


@pytest.fixture
def person(instance, rest):
    return lambda *a, **k: Person(instance, rest, *a, **k)


@pytest.fixture(scope="module")
def anna(instance, rest):
    return Person(instance, rest)


@pytest.fixture(scope="module")
def bert(instance, rest):
    """Somebody else, with one of everything that such an account can have."""
    one = Person(instance, rest)
    one.batch = one.ask("bert-" + one.name)
    one.certificate = one.items(one.batch["id"])[0]["relationships"]["certificate"]["data"]["id"]
    return one


def same_key(one, other):
    """Of a certificate and of a private key."""
    return len({k.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) for k in (one, other)}) == 1


def unique(what):
    return f"{what}-{uuid.uuid4().hex[:10]}"


# ---------------------------------------------------------------- asking, fetching


def test_one_by_name_as_pem(rest, person):
    one, name = person(), unique("lathe")
    batch = one.ask(name, title="For hall 3")
    assert (batch["attributes"]["total"], batch["attributes"]["done"], batch["attributes"]["failed"]) == (1, 1, 0)
    item = one.fetch(batch["id"]).attributes["items"][0]
    cert, key = support.load_cert(item["pem"]), load_pem_private_key(item["private_key_pem"].encode(), None)
    assert same_key(cert, key) and item["name"] == name and "BEGIN CERTIFICATE" in item["chain_pem"]
    seen = rest.get(f"/certificates/{item['certificate']}").attributes
    assert (seen["common_name"], seen["owner"], seen["requestor"], seen["profile"]) == (name, one.name, one.name, "device")
    # Again, for a browser that closed in between: the same.
    assert one.fetch(batch["id"]).attributes["items"][0] == item
    assert [c["id"] for c in one.rest.get("/certificates").data] == [item["certificate"]]


def test_many_as_pkcs12(instance, person):
    one, mark = person(), uuid.uuid4().hex[:6]
    names = [f"sn-{mark}-{i:03}" for i in range(120)]
    batch = one.ask(*names, format="pkcs12", password="eight or more")
    assert batch["attributes"]["done"] == 120
    found, after = {}, 0
    while after is not None:
        page = one.fetch(batch["id"], after=after).attributes
        found |= {i["name"]: i for i in page["items"]}
        after = page["next"]
    assert sorted(found) == names
    for item in list(found.values())[::40]:
        key, cert, more = pkcs12.load_key_and_certificates(base64.b64decode(item["pkcs12"]), b"eight or more")
        assert same_key(cert, key) and more
    assert len({i["serial"] for i in found.values()}) == 120
    # One for each name, the password gone, keys sealed.
    assert instance.count("certificate", f"common_name LIKE 'sn-{mark}-%'") == 120
    assert instance.count("batch", f"id = {batch['id']} AND password IS NULL") == 1
    assert instance.count("batch_item", f"batch_id = {batch['id']} AND position('\\x3082'::bytea in sealed) = 1") == 0


def test_a_request_keeps_its_key(person):
    one, key, name = person(), support.new_key(), unique("press")
    batch = one.ask({"csr": support.csr_pem(support.new_csr(name, key=key))}, {"name": name + "-2", "csr": support.csr_pem(support.new_csr("other"))})
    items = one.fetch(batch["id"]).attributes["items"]
    assert same_key(support.load_cert(items[0]["pem"]), key) and "private_key_pem" not in items[0]
    assert items[1]["name"] == name + "-2"


def test_what_is_wrong_with_lines(person, bert):
    one = person()
    good = unique("good")
    one.ask(good)
    lines = [good, "", "a" * 65, "b", "b", "tab\there", " blank", {"csr": "nonsense"}, {"nothing": 1}, 7, {"replaces": bert.certificate},
             {"name": "ok", "same_key": True}, "bert-" + bert.name]
    answer = one.rest.post("/batches/check", document("check", lines=lines))
    assert answer.status == 200, answer
    found = {(p["line"], p["code"]) for p in answer.attributes["problems"]}
    assert found == {(1, "exists"), (2, "empty"), (3, "long"), (5, "twice"), (6, "characters"), (7, "characters"), (8, "request"), (9, "member"),
                     (10, "member"), (11, "renewal"), (12, "member")}
    refused = one.ask("x", "", status=422)
    assert refused.error["detail"] == "lines: number 2 has no name" and refused.error["source"]["pointer"] == "/data/attributes/lines"
    for lines in ([], ["x"] * 5001, "x", None):
        assert one.rest.post("/batches", document("batches", profile="device", format="pem", lines=lines)).status == 422
    for wrong in ({"format": "zip"}, {"format": "pkcs12"}, {"format": "pkcs12", "password": "short"}, {"password": "without format"}):
        assert one.ask("x", status=422, **wrong)


def test_who_has_twenty_under_way_waits(instance, person):
    one = person()
    instance.sql(f"WITH b AS (INSERT INTO batch (tenant_id, account_id, requestor, evidence, profile, format, results_until) SELECT tenant_id, id, 'x', 'token', 'device',"
                 f" 'pem', now() + interval '1 day' FROM account, generate_series(1, 20) WHERE id = {one.id} RETURNING id, tenant_id)"
                 " INSERT INTO batch_item (batch_id, tenant_id, n, name) SELECT id, tenant_id, 1, 'x' FROM b")
    assert one.ask(unique("late"), status=409).error["code"] == "conflict"
    instance.sql(f"DELETE FROM batch WHERE account_id = {one.id}")
    one.ask(unique("early"))


def test_a_line_that_the_profile_refuses_stops_no_other(person, own_profile, rest):
    role = unique("r").replace("-", "_")
    profile = own_profile("device", keys=["p256"])
    assert rest.post("/roles", document("roles", name=role, rights=["certificates.own"], profiles=[profile])).status == 201
    one, mark = person(role), uuid.uuid4().hex[:6]
    other = support.csr_pem(support.new_csr(f"other-{mark}", key=support.new_key("rsa2048")))
    batch = one.ask(f"fits-{mark}", {"csr": other}, profile=profile)
    assert (batch["attributes"]["done"], batch["attributes"]["failed"]) == (1, 1)
    assert [i["attributes"]["status"] for i in one.items(batch["id"])] == ["done", "failed"]
    assert "rsa2048" in one.items(batch["id"])[1]["attributes"]["error"]


def test_a_serial_number_where_the_profile_wants_one(person, rest, ldevid):
    role, number = unique("r").replace("-", "_"), unique("sn")
    assert rest.post("/roles", document("roles", name=role, rights=["certificates.own"], profiles=[ldevid])).status == 201
    one = person(role)
    item = one.fetch(one.ask(number, profile=ldevid)["id"]).attributes["items"][0]
    subject = rest.get(f"/certificates/{item['certificate']}").attributes["subject"]
    assert f"CN={number}" in subject and f"serialNumber={number}" in subject


def test_renewal_and_loss(rest, person):
    one, name = person(), unique("robot")
    old = one.fetch(one.ask(name)["id"]).attributes["items"][0]
    again = one.fetch(one.ask({"replaces": old["certificate"]})["id"]).attributes["items"][0]
    kept = one.fetch(one.ask({"replaces": old["certificate"], "same_key": True})["id"]).attributes["items"][0]
    assert again["name"] == kept["name"] == name and "private_key_pem" in again and "private_key_pem" not in kept
    assert rest.get(f"/certificates/{again['certificate']}").attributes["replaces"] == old["certificate"]
    lost = one.rest.post(f"/certificates/{old['certificate']}/revoke", document("revoke", reason="keyCompromise"))
    assert lost.status == 200 and lost.attributes["revocation_reason"] == "keyCompromise" and "same_key" not in lost.attributes
    assert rest.get(f"/certificates/{old['certificate']}").attributes["status"] == "revoked"


# ---------------------------------------------------------------- who waits for whom


@pytest.fixture
def four_eyes(rest):
    name = unique("four-eyes")
    made = rest.post("/policies", document("policies", name=name, enabled=True, operations=["certificate.issue"], rules=[
        {"name": "two", "when": '$.subject.CN[*] starts with "' + name + '"', "approve": {"count": 1, "right": "approvals.decide"}, "message": "the foreman looks at it"}]))
    assert made.status == 201, made
    yield name
    assert rest.delete(f"/policies/{made.data['id']}").status == 204


def test_what_waits_goes_on_by_itself(rest, person, four_eyes, instance):
    one, boss = person(), person("registration_authority")
    batch = one.ask(four_eyes + "-a", four_eyes + "-b", "free-" + four_eyes)
    assert (batch["attributes"]["waiting"], batch["attributes"]["done"]) == (2, 1)
    waits = one.rest.get("/approvals?filter[status]=open&fields[approvals]=reason,deciders,approvers,created_at,body").data
    assert len(waits) == 2 and waits[0]["attributes"]["reason"] == "the foreman looks at it" and waits[0]["attributes"]["deciders"]
    mine = {i["relationships"]["approval"]["data"]["id"]: i for i in one.items(batch["id"]) if i["attributes"]["status"] == "waiting"}
    assert set(mine) == {w["id"] for w in waits}
    yes, no = sorted(mine)
    # Nobody says yes to what he asked for himself; a portal account decides on nothing.
    assert one.rest.post(f"/approvals/{yes}/approve").status == 403
    assert boss.rest.post(f"/approvals/{yes}/approve").status == 200
    assert boss.rest.post(f"/approvals/{no}/reject", document("reject", comment="that machine was sold")).status == 200
    done = support.wait_until(lambda: (lambda b: b if b["attributes"]["waiting"] == 0 else None)(one.settled(batch["id"])), 30)
    assert (done["attributes"]["done"], done["attributes"]["failed"]) == (2, 1)
    assert len(one.fetch(batch["id"]).attributes["items"]) == 2
    told = one.rest.get(f"/approvals/{no}").attributes
    assert told["status"] == "rejected" and told["decisions"][0]["comment"] == "that machine was sold"
    assert one.rest.get(f"/approvals/{yes}").attributes["status"] == "done"
    assert instance.count("certificate", f"common_name LIKE '{four_eyes}%' AND status = 1") == 1


def test_one_takes_back_what_waits(person, four_eyes):
    one, other = person(), person()
    batch = one.ask(four_eyes + "-a")
    approval = one.items(batch["id"])[0]["relationships"]["approval"]["data"]["id"]
    assert other.rest.post(f"/approvals/{approval}/withdraw").status == 404
    assert one.rest.post(f"/approvals/{approval}/withdraw").status == 200
    done = support.wait_until(lambda: (lambda b: b if b["attributes"]["failed"] else None)(one.settled(batch["id"])), 30)
    assert one.items(done["id"])[0]["attributes"]["error"] == "withdrawn"


def test_a_key_that_was_lost_on_the_way_is_made_anew(instance, person):
    """As after a crash between the engine's answer and the store's commit: the item is open again, its certificate is there."""
    one, name = person(), unique("crash")
    batch = one.ask(name)
    first = one.fetch(batch["id"]).attributes["items"][0]["certificate"]
    instance.sql(f"UPDATE batch_item SET status = 'open', certificate_id = NULL, sealed = NULL WHERE batch_id = {batch['id']}")
    instance.sql(f"SELECT batch_resume({batch['id']})")
    again = one.settled(batch["id"])
    assert again["attributes"]["done"] == 1
    second = one.fetch(batch["id"]).attributes["items"][0]
    assert second["certificate"] != first and "private_key_pem" in second
    assert one.rest.get(f"/certificates/{first}").attributes["status"] == "revoked"
    # With a CSR nothing is lost, and nothing made twice.
    batch = one.ask({"csr": support.csr_pem(support.new_csr(name + "-2"))})
    first = one.fetch(batch["id"]).attributes["items"][0]["certificate"]
    instance.sql(f"UPDATE batch_item SET status = 'open', certificate_id = NULL WHERE batch_id = {batch['id']}")
    instance.sql(f"SELECT batch_resume({batch['id']})")
    one.settled(batch["id"])
    assert one.fetch(batch["id"]).attributes["items"][0]["certificate"] == first


def test_keys_are_there_for_two_weeks(instance, person):
    one = person()
    batch = one.ask(unique("old"))
    assert "private_key_pem" in one.fetch(batch["id"]).attributes["items"][0]
    instance.sql(f"UPDATE batch SET results_until = now() - interval '1 minute' WHERE id = {batch['id']}")
    instance.sql("SELECT batch_sweep()")
    item = one.fetch(batch["id"]).attributes["items"][0]
    assert "private_key_pem" not in item and "BEGIN CERTIFICATE" in item["pem"]


@pytest.mark.rows("W07")
def test_what_waits_is_bounded(instance, rest, person):
    """Batches whose items all wait for somebody aren't worked on, and take room all the same."""
    one = person()
    batch = one.ask(unique("waits"))["id"]
    fill = ("INSERT INTO batch_item (batch_id, tenant_id, n, name, status) SELECT id, tenant_id, g, 'x', '{status}' FROM batch,"
            " generate_series({a}, {b}) g WHERE id = {batch}")
    instance.sql(fill.format(batch=batch, status="failed", a=2, b=101))
    instance.sql(fill.format(batch=batch, status="waiting", a=102, b=102 + 19998))
    try:
        lines = [unique("more"), unique("more")]
        refused = one.ask(*lines, status=409)
        assert refused.error["detail"] == "20000 items of an account's batches may be open or waiting, and these would be more: wait for some of them"
        assert one.ask(lines[0])["attributes"]["done"] == 1
    finally:
        instance.sql(f"DELETE FROM batch_item WHERE batch_id = {batch} AND n > 1")


@pytest.mark.rows("W07")
def test_batches_go_in_the_end(instance, person):
    one = person()
    old, young = (one.ask(unique("a"), unique("b"))["id"] for _ in range(2))
    certificate = one.items(old)[0]["relationships"]["certificate"]["data"]["id"]
    instance.sql(f"UPDATE batch SET results_until = now() - interval '91 days' WHERE id = {old}")
    instance.sql(f"UPDATE batch SET results_until = now() - interval '89 days' WHERE id = {young}")
    instance.sql("SELECT batch_sweep()", role="siegel_ca")
    assert one.rest.get(f"/batches/{old}").status == 404 and instance.count("batch_item", f"batch_id = {old}") == 0
    assert one.rest.get(f"/batches/{young}").attributes["done"] == 2
    assert one.rest.get(f"/certificates/{certificate}").status == 200
    # Some at a time: a sweep doesn't hold the store for minutes.
    instance.sql(f"UPDATE batch SET results_until = now() - interval '91 days' WHERE id = {young}")
    instance.sql(f"INSERT INTO batch_item (batch_id, tenant_id, n, name, status) SELECT id, tenant_id, g, 'x', 'failed' FROM batch,"
                 f" generate_series(3, 10003) g WHERE id = {young}")
    instance.sql("SELECT batch_sweep()", role="siegel_ca")
    assert instance.count("batch_item", f"batch_id = {young}") == 3
    instance.sql("SELECT batch_sweep()", role="siegel_ca")
    assert instance.count("batch", f"id = {young}") == 0


@pytest.mark.rows("W04")
def test_keys_that_were_fetched_are_there_for_a_day(instance, person):
    """A browser that lost the answer asks again; what somebody finds open a week later has no keys."""
    one = person()
    batch = one.ask(unique("one"), unique("two"))["id"]
    for _ in range(2):
        assert "private_key_pem" in one.fetch(batch, number=1).attributes["items"][0]
    instance.sql(f"UPDATE batch_item SET fetched_at = fetched_at - interval '23 hours' WHERE batch_id = {batch}")
    instance.sql("SELECT batch_sweep()", role="siegel_ca")
    assert "private_key_pem" in one.fetch(batch, number=1).attributes["items"][0]
    # It counts from the first time.
    instance.sql(f"UPDATE batch_item SET fetched_at = fetched_at - interval '61 minutes' WHERE batch_id = {batch}")
    instance.sql("SELECT batch_sweep()", role="siegel_ca")
    first, second = one.fetch(batch).attributes["items"]
    assert "private_key_pem" not in first and "BEGIN CERTIFICATE" in first["pem"] and "private_key_pem" in second
    assert instance.sql(f"SELECT n FROM batch_item WHERE batch_id = {batch} AND sealed IS NOT NULL") == [["2"]]


# ---------------------------------------------------------------- nothing but one's own


@pytest.fixture(scope="module")
def paths(instance):
    return json.loads(subprocess.run([instance.binary("siegel-api"), "--openapi"], capture_output=True, text=True, check=True).stdout)["paths"]


OPEN = {"GET /approvals", "GET /approvals/{id}", "GET /batch_items", "GET /batch_items/{id}", "GET /batches", "GET /batches/{id}", "GET /certificates",
        "GET /certificates/{id}", "GET /offers", "GET /offers/{id}", "POST /batches", "POST /batches/check", "POST /batches/{id}/fetch",
        "POST /certificates/{id}/revoke",
        # any account's, for what is its own
        "DELETE /passkeys/{id}", "DELETE /sessions/others", "GET /passkeys", "GET /passkeys/{id}", "PATCH /passkeys/{id}",
        "DELETE /sessions/current", "DELETE /sessions/{id}", "DELETE /tokens/{id}", "GET /rights", "GET /sessions", "GET /sessions/current",
        "GET /sessions/{id}", "PATCH /approvals/{id}", "POST /approvals/{id}/withdraw",
        # nobody's
        "GET /health", "GET /openapi.json", "GET /sessions/card", "GET /sessions/ways", "POST /sessions", "POST /tokens", "GET /mscep_admin", "GET /mscep_admin/{id}"}


@pytest.mark.rows("R06")
def test_everything_else_is_closed(paths, anna):
    """Whatever there is, and whatever will be: it is in this list, or it is refused."""
    open_, walked = set(), 0
    for path, item in paths.items():
        for method in ("get", "post", "patch", "delete"):
            if method not in item:
                continue
            walked += 1
            real = path.replace("{id}", "999999999999").replace("{name}", "none")
            if (method, path) == ("delete", "/sessions/current"):
                open_.add("DELETE /sessions/current")
                continue
            body = {"data": {"type": "nothing", "id": "999999999999", "attributes": {}}} if method in ("post", "patch") else None
            headers = None
            if path.endswith("/files"):
                body, headers = None, {"Content-Type": "application/octet-stream"}
            answer = anna.rest.request(method.upper(), real, body, headers=headers)
            assert answer.status < 500, (method, path, answer)
            if answer.status != 403:
                open_.add(f"{method.upper()} {path}")
    assert sorted(open_ ^ OPEN) == [] and walked > 130


def test_lists_have_ones_own_alone(anna, bert, rest):
    anna.ask(unique("mine"))
    all_of = {r: {o["id"] for o in anna.rest.get(f"/{r}?page[size]=500").data} for r in ("certificates", "batches", "batch_items", "approvals")}
    assert len(all_of["certificates"]) >= 1 and bert.certificate not in all_of["certificates"]
    assert bert.batch["id"] not in all_of["batches"] and not any(i.startswith(bert.batch["id"] + "-") for i in all_of["batch_items"])
    for one in anna.rest.get("/certificates?page[size]=500").data:
        assert one["attributes"]["owner"] == anna.name


@pytest.mark.rows("R01", "R05")
def test_others_arent_there(anna, bert, instance):
    """By id, by relationship, by what is done to them: as what was never there."""
    gone = "999999999999"
    before = instance.count("certificate", f"id = {bert.certificate} AND status = 1")
    for method, path, body in [("GET", "/certificates/{c}", None), ("GET", "/batches/{b}", None), ("GET", "/batch_items/{b}-1", None),
                               ("POST", "/certificates/{c}/revoke", document("revoke", reason="superseded")),
                               ("POST", "/batches/{b}/fetch", document("fetch"))]:
        answers = [anna.rest.request(method, path.format(c=c, b=b), body) for c, b in ((bert.certificate, bert.batch["id"]), (gone, gone))]
        assert [a.status for a in answers] == [404, 404], (method, path, answers)
        assert answers[0].error["detail"] == answers[1].error["detail"] and "etag" not in answers[0].headers
    for action in ("renew", "rekey", "hold", "release", "advise_renewal"):
        assert anna.rest.post(f"/certificates/{bert.certificate}/{action}").status == 403
    for many in ("/certificates/revoke", "/certificates/choose", "/certificates/advise_renewal"):
        assert anna.rest.post(many, document(many.rsplit("/", 1)[1], ids=[bert.certificate], reason="superseded")).status == 403
    for same_key in (False, True):
        refused = [anna.ask({"replaces": c, "same_key": same_key}, status=422) for c in (bert.certificate, gone)]
        assert refused[0].error["detail"] == refused[1].error["detail"]
    assert instance.count("certificate", f"id = {bert.certificate} AND status = 1") == before == 1


@pytest.mark.rows("R01")
def test_filters_sorts_and_includes_say_nothing(anna, bert, rest):
    theirs = rest.get(f"/certificates/{bert.certificate}").attributes
    asked = [f"filter[common_name]={theirs['common_name']}", f"filter[serial]={theirs['serial']}", f"filter[owner]={bert.name}", f"filter[requestor]={bert.name}",
             f"filter[subject]={theirs['subject']}", f"filter[fingerprint_sha256]={theirs['fingerprint_sha256']}",
             f"filter[names]=dns:{theirs['common_name']}", f"filter[common_name][contains]={bert.name}",
             f"filter[created_at][ge]=2000-01-01&filter[owner]={bert.name}&sort=not_after"]
    for query in asked:
        answer = anna.rest.get(f"/certificates?{query}")
        assert answer.status == 200 and answer.data == [] and answer.json["links"]["next"] is None, query
        nothing = anna.rest.get("/certificates?" + re.sub(r"(name|owner|requestor|serial|subject|names)\](\[contains\])?=[^&]*", r"\1]\2=00ff00", query))
        assert (nothing.status, nothing.data, nothing.json["links"]) == (200, [], answer.json["links"])
    found = bert.rest.get(f"/certificates?filter[fingerprint_sha256]={theirs['fingerprint_sha256']}")
    assert [x["id"] for x in found.data] == [bert.certificate]
    assert anna.rest.get(f"/batch_items?filter[certificate]={bert.certificate}").data == []
    assert anna.rest.get(f"/batch_items?filter[batch]={bert.batch['id']}").data == []
    assert anna.rest.get("/certificates?include=ca").status == 403
    mine = anna.rest.get("/batch_items?include=batch,approval&page[size]=500")
    assert mine.status == 200 and {o["attributes"]["owner"] for o in mine.json["included"]} == {anna.name}


@pytest.mark.rows("R05")
def test_in_nobody_elses_name(anna, bert, rest, own_profile):
    assert anna.ask("x", status=403, owner=bert.name).error["source"]["pointer"] == "/data/attributes/owner"
    for profile in (own_profile("device"), "server", "ocsp-signer", "root", "none"):
        refused = anna.ask("x", status=404, profile=profile)
        assert refused.error["detail"] == "profile: there is none of this name that the account may ask by"
    assert [o["attributes"]["name"] for o in anna.rest.get("/offers").data] == ["device"]
    others = rest.get("/profiles?filter[name]=server").data[0]["id"]
    assert anna.rest.get(f"/offers/{others}").status == 404
    assert anna.rest.patch(f"/accounts/{anna.id}", {"data": {"type": "accounts", "id": anna.id, "attributes": {"responsible_for": [bert.name]}}}).status == 403


def test_what_one_asked_for_stays_ones_own(rest, person, bert):
    """The requestor's, whoever owns it by now; not what another account's certificate merely says."""
    one = person()
    id = one.items(one.ask(unique("given"))["id"])[0]["relationships"]["certificate"]["data"]["id"]
    assert rest.patch(f"/certificates/{id}", {"data": {"type": "cert_device", "id": id, "attributes": {"owner": bert.name}}}).status == 200
    assert one.rest.get(f"/certificates/{id}").status == bert.rest.get(f"/certificates/{id}").status == 200
    assert rest.patch(f"/certificates/{id}", {"data": {"type": "cert_device", "id": id, "attributes": {"owner": None}}}).status == 200
    assert one.rest.get(f"/certificates/{id}").status == 200 and bert.rest.get(f"/certificates/{id}").status == 404


def test_what_a_group_is_responsible_for(rest, person):
    line = unique("line")
    one, two = person(responsible_for=[line]), person(responsible_for=[line])
    made = one.ask("machine-" + line, owner=line)
    id = one.items(made["id"])[0]["relationships"]["certificate"]["data"]["id"]
    assert two.rest.get(f"/certificates/{id}").status == 200
    # What was made is the other's to fetch all the same: a key has one receiver.
    assert two.fetch(made["id"]).status == 404
    assert two.rest.post(f"/certificates/{id}/revoke", document("revoke", reason="cessationOfOperation")).status == 200
    # It ends with the next request.
    assert rest.patch(f"/accounts/{two.id}", {"data": {"type": "accounts", "id": two.id, "attributes": {"responsible_for": []}}}).status == 200
    assert two.rest.get(f"/certificates/{id}").status == 404



@pytest.mark.parametrize("count", [1, 15, 16, 100])
def test_lists_have_what_each_owner_has(rest, person, count):
    """Of few owners each is looked for by itself, of many all at once; what somebody asked for is his as well. Each comes once, on any page."""
    line = unique("line")
    one = person(responsible_for=[f"{line} {n}" for n in range(count)])
    made = [rest.issued("cert_device", cn=f"machine-{n}-{line}", owner=f"{line} {n % count}")["id"] for n in range(4)]
    rest.issued("cert_device", cn=f"other-{line}", owner=f"{line} {count}")
    for parameters in ("sort=id", "sort=common_name", "sort=-created_at", f"filter[common_name][contains]={line}&sort=id"):
        ids, where = [], f"/certificates?{parameters}&page[size]=3"
        while where:
            answer = one.rest.get(where)
            ids += [m["id"] for m in answer.data]
            where = answer.json["links"]["next"]
            where = where and where.split("/api/v2.0", 1)[1]
        assert sorted(ids, key=int) == made, (parameters, ids)

def test_another_tenant_has_other_certificates(instance, other_tenant, rest, anna, bert):
    admin = other_tenant.rest("administrator")
    made = admin.post("/accounts", document("accounts", name=anna.name, role="portal"))
    assert made.status == 201, made
    token = admin.post("/credentials", document("credentials", account=anna.name, kind="token")).attributes["secret"]
    double = instance.rest(token)
    mine = anna.items(anna.ask(unique("tenant"))["id"])[0]["relationships"]["certificate"]["data"]["id"]
    assert double.get("/certificates").data == [] and double.get(f"/certificates/{mine}").status == 404
    assert double.post(f"/certificates/{mine}/revoke", document("revoke", reason="superseded")).status == 404


def test_policies_are_asked_about_a_loss_too(instance, rest, person):
    """Where policies have a say the manager revokes, and asks the store once more whose it is."""
    one = person()
    id = one.items(one.ask(unique("kept"))["id"])[0]["relationships"]["certificate"]["data"]["id"]
    made = rest.post("/policies", document("policies", name=unique("p"), enabled=True, operations=["certificate.revoke"], rules=[
        {"name": "r", "when": f'$.requestor == "{one.name}" && $.body.reason == "superseded"', "refuse": True, "message": "not so"}]))
    assert made.status == 201, made
    try:
        assert one.rest.post(f"/certificates/{id}/revoke", document("revoke", reason="superseded")).error["code"] == "policy"
        assert one.rest.post(f"/certificates/{id}/revoke", document("revoke", reason="cessationOfOperation")).status == 200
    finally:
        rest.delete(f"/policies/{made.data['id']}")


@pytest.mark.rows("R06")
def test_nobody_gives_away_what_he_may_not(instance, rest, person):
    role = unique("r").replace("-", "_")
    assert rest.post("/roles", document("roles", name=role, rights=["accounts.manage", "certificates.own"])).status == 201
    one = person(role)
    refused = one.rest.post("/roles", document("roles", name=unique("x").replace("-", "_"), rights=["certificates.own"], profiles=["server"]))
    assert refused.status == 403 and refused.error["source"]["pointer"] == "/data/attributes/profiles"
    refused = one.rest.post("/accounts", document("accounts", name=unique("x"), role="portal", responsible_for=["line 1"]))
    assert refused.status == 403 and refused.error["source"]["pointer"] == "/data/attributes/responsible_for"
    for wrong in (["a b"], [7], "x", ["a"] * 101):
        assert rest.post("/roles", document("roles", name="wrong", rights=["certificates.own"], profiles=wrong)).status == 422
        assert rest.post("/accounts", document("accounts", name="wrong", role="portal", responsible_for=[7, ""])).status == 422


def test_who_may_not_any_more_gets_nothing_more(instance, rest, person, four_eyes):
    one, boss = person(), person("registration_authority")
    batch = one.ask(four_eyes + "-late")
    approval = one.items(batch["id"])[0]["relationships"]["approval"]["data"]["id"]
    assert rest.patch(f"/accounts/{one.id}", {"data": {"type": "accounts", "id": one.id, "attributes": {"role": "auditor"}}}).status == 200
    assert boss.rest.post(f"/approvals/{approval}/approve").status == 200
    support.wait_until(lambda: instance.count("batch_item", f"batch_id = {batch['id']} AND status = 'failed'"), 30)
    assert instance.count("certificate", f"common_name = '{four_eyes}-late'") == 0
