"""Policies, approvals, accounts and tenants, from outside over REST."""

import base64
import time
import uuid

import pytest

import support


def mark(prefix="p"):
    return f"{prefix}{uuid.uuid4().hex[:10]}"


def document(type_, /, id=None, **attributes):
    data = {"type": type_, "attributes": attributes}
    return {"data": data if id is None else {**data, "id": id}}


def create(rest, type_, /, status=201, **attributes):
    answer = rest.post(f"/{type_}", document(type_, **attributes))
    assert answer.status == status, answer
    return answer.data


def action(rest, path, status=200, **attributes):
    answer = rest.post(path, document(path.rsplit("/", 1)[1], **attributes))
    assert answer.status == status, answer
    return answer


class Person:
    """An account with a token."""

    def __init__(self, instance, admin, role, name=None, email=None):
        self.name = name or mark("u")
        self.id = create(admin, "accounts", name=self.name, role=role, **({"email": email} if email else {}))["id"]
        made = create(admin, "credentials", account=self.name, kind="token")
        self.credential = made["id"]
        self.rest = instance.rest(made["attributes"]["secret"], source=support.new_address())  # its failures slow nobody else down


def ended(client):
    """Waits until nobody believes the token any more: the notice is on its way when the change is answered."""
    support.wait_until(lambda: client.get("/policies").status == 401, 0.5, 0.02)


@pytest.fixture(scope="module")
def people(instance, rest):
    """Four administrators; the first and the last have one mail address."""
    one = mark("one")
    made = [Person(instance, rest, "administrator", email=f"{one}@example.org")]
    made += [Person(instance, rest, "administrator") for _ in range(2)]
    made += [Person(instance, rest, "administrator", email=f"{one.upper()}@example.org")]
    yield made
    for person in made:
        assert rest.delete(f"/accounts/{person.id}").status == 204
        ended(person.rest)


@pytest.fixture
def policy(rest):
    """policy(rules, …) makes one; all are deleted at the end."""
    made = []

    def make(rules, **attributes):
        made.append(create(rest, "policies", name=mark(), rules=rules, **{"enabled": True, **attributes})["id"])
        return made[-1]

    yield make
    for one in made:
        assert rest.delete(f"/policies/{one}").status == 204


def four_eyes(policy, name, count=1):
    """Roles of this name are made when others have approved."""
    return policy([{"name": "eyes", "when": f'$.body.name == "{name}"', "approve": {"count": count, "right": "accounts.manage"},
                    "message": "others look at it"}], operations=["role.create"])


def ask_for_role(rest, name, rights=("read",)):
    """The approval that it waits for."""
    answer = rest.post("/roles", document("roles", name=name, rights=list(rights)))
    assert answer.status == 202 and answer.data["type"] == "approvals", answer
    return answer.data


def roles(rest, name):
    return rest.get(f"/roles?filter[name]={name}").json["data"]


@pytest.mark.rows("R07")
def test_nobody_approves_his_own(instance, rest, people, policy):
    first, second, third, same = people
    name = mark("r")
    four_eyes(policy, name, count=2)
    approval = ask_for_role(first.rest, name)["id"]
    assert action(first.rest, f"/approvals/{approval}/approve", status=403).error["code"] == "forbidden"
    # A second session of the same person, and a second account.
    again = create(first.rest, "credentials", account=first.name, kind="token")["attributes"]["secret"]
    action(instance.rest(again), f"/approvals/{approval}/approve", status=403)
    action(same.rest, f"/approvals/{approval}/approve", status=403)
    assert action(second.rest, f"/approvals/{approval}/approve", comment="seen").data["attributes"]["status"] == "open"
    again = create(second.rest, "credentials", account=second.name, kind="token")["attributes"]["secret"]
    action(instance.rest(again), f"/approvals/{approval}/approve", status=409)
    assert roles(rest, name) == []
    done = action(third.rest, f"/approvals/{approval}/approve").data["attributes"]
    assert done["status"] == "done" and [d["account"] for d in done["decisions"]] == [second.name, third.name]
    assert roles(rest, name)[0]["id"] == str(done["result"]["id"])


@pytest.mark.rows("R08")
def test_a_change_voids_approvals(rest, people, policy):
    first, second, third, _ = people
    name = mark("r")
    four_eyes(policy, name, count=2)
    approval = ask_for_role(first.rest, name)
    action(second.rest, f"/approvals/{approval['id']}/approve")
    changed = first.rest.patch(f"/approvals/{approval['id']}", document("approvals", id=approval["id"], body={"name": name, "rights": ["jobs.manage"]}))
    assert changed.status == 200 and changed.data["attributes"]["decisions"] == [], changed
    action(third.rest, f"/approvals/{approval['id']}/approve", status=412)  # he may have seen the one before
    assert action(third.rest, f"/approvals/{approval['id']}/approve", version=2).data["attributes"]["status"] == "open"
    assert roles(rest, name) == []
    assert action(second.rest, f"/approvals/{approval['id']}/approve", version=2).data["attributes"]["status"] == "done"
    assert roles(rest, name)[0]["attributes"]["rights"] == ["jobs.manage"]


def test_what_was_approved_is_still_held_against_rules(rest, people, policy):
    """A rule that came meanwhile refuses it; one that looks at how the requestor showed who he is sees what he showed, and not who approved."""
    first, second, *_ = people
    forbidden, fine = mark("r"), mark("r")
    for name in (forbidden, fine):
        four_eyes(policy, name)
    waiting = {name: ask_for_role(first.rest, name)["id"] for name in (forbidden, fine)}
    policy([{"name": "no", "when": f'$.body.name == "{forbidden}"', "refuse": True, "message": "not any more"},
            {"name": "shown", "when": f'$.body.name == "{fine}" && $.evidence != "token"', "refuse": True, "message": "with a token"}],
           operations=["role.create"])  # fmt: skip
    refused = action(second.rest, f"/approvals/{waiting[forbidden]}/approve").data["attributes"]
    assert refused["status"] == "failed" and "not any more" in refused["error"], refused
    assert roles(rest, forbidden) == []
    assert action(second.rest, f"/approvals/{waiting[fine]}/approve").data["attributes"]["status"] == "done"


def test_the_same_again_finds_what_waits(rest, people, policy):
    first, second, *_ = people
    name = mark("r")
    four_eyes(policy, name)
    approval = ask_for_role(first.rest, name)["id"]
    assert ask_for_role(first.rest, name)["id"] == approval
    assert action(first.rest, f"/approvals/{approval}/withdraw").data["attributes"]["status"] == "withdrawn"
    fresh = ask_for_role(first.rest, name)["id"]
    assert fresh != approval
    assert action(second.rest, f"/approvals/{fresh}/reject", comment="no").data["attributes"]["status"] == "rejected"
    assert roles(rest, name) == []


def test_errors_at_save_have_a_column(rest):
    for path, column in (("$.days = 1", 8), ("$.days > 1 && $.a foo", 19), ("$.names[*] like_regex \"a", 25), ("$.days >", 9)):
        answer = rest.post("/policies", document("policies", name=mark(), rules=[{"name": "r", "when": path, "refuse": True, "message": "m"}]))
        assert answer.status == 422, answer
        assert answer.error["source"]["pointer"] == "/data/attributes/rules/0/when"
        assert f"column {column}: " in answer.error["detail"]


@pytest.mark.parametrize("member, name, operation", [("ca", "issuing", "certificate.revoke_many"), ("profile", "server", "ca.update")])
def test_bound_to_what_it_would_never_be_asked_about(rest, member, name, operation):
    attributes = {"name": mark(), "rules": [{"name": "r", "refuse": True, "message": "m"}], "operations": ["certificate.revoke", operation]}
    answer = rest.post("/policies", document("policies", **attributes, **{member: name}))
    assert answer.status == 422 and answer.error["source"]["pointer"] == f"/data/attributes/{member}" and operation in answer.error["detail"], answer


def test_tried_before_it_is_switched_on(rest, policy):
    site = mark("site")
    made = [rest.issued(cert_days=days, metadata={"site": site}) for days in (5, 20)]
    rule = [{"name": "short", "require": "$.days <= 10", "message": "at most ten days", "pointer": "days"}]
    one = policy(rule, enabled=False, condition=f'$.metadata.site == "{site}"')
    assert rest.issue(cert_days=20, metadata={"site": site}).status == 201
    said = [action(rest, f"/policies/{one}/evaluate", certificate=int(c["id"])).data["attributes"]["rules"][0]["outcome"] for c in made]
    assert said == ["holds", "refused"]
    said = action(rest, f"/policies/{one}/evaluate", document={"days": 20, "metadata": {"site": "elsewhere"}}).data["attributes"]["rules"][0]
    assert said["outcome"] == "not_bound"
    quick = action(rest, f"/policies/{one}/dry_run", limit=1000).data["attributes"]
    assert quick["refused"] == 2 and quick["rules"][0]["examples"][0] == int(made[1]["id"])
    answer = rest.post(f"/policies/{one}/dry_run", document("dry_run"))
    assert answer.status == 202, answer
    job = support.wait_until(lambda: (job := rest.get(f"/jobs/{answer.data['id']}").attributes)["status"] not in ("queued", "running") and job, 60)
    assert job["status"] == "done" and job["result"]["refused"] == 2 and job["result"]["certificates"] >= 3
    assert rest.patch(f"/policies/{one}", document("policies", id=one, enabled=True)).status == 200
    refused = rest.issue(cert_days=20, metadata={"site": site})
    assert refused.status == 422 and "at most ten days" in refused.error["detail"], refused


def test_what_a_rule_says_in_german_goes_along(instance, rest, policy):
    site, name = mark("site"), mark("h")
    english, german = "at most ten days", "höchstens zehn Tage – „so ist es“"
    policy([{"name": "short", "require": "$.days <= 10", "message": english, "message_de": german, "pointer": "days"},
            {"name": "eyes", "when": '$.owner == "others"', "approve": {"count": 1, "right": "cas.manage"}, "message": "others look", "message_de": "andere sehen hin"},
            {"name": "plain", "when": '$.owner == "plain"', "refuse": True, "message": "not that"}], condition=f'$.metadata.site == "{site}"')
    policy([{"name": "no", "when": f'$.body.name == "{name}"', "refuse": True, "message": english, "message_de": german}], operations=["role.create"])
    refused = rest.issue(cert_days=20, metadata={"site": site})
    assert refused.status == 422 and english in refused.error["detail"] and refused.error["meta"]["message_de"] == german, refused
    assert refused.error["meta"]["values"][0] == english
    assert rest.post("/roles", document("roles", name=name, rights=["read"])).error["meta"]["message_de"] == german
    assert "message_de" not in rest.issue(cert_days=5, owner="plain", metadata={"site": site}).error["meta"]
    assert "message_de" not in rest.issue(cert_days=99999).error["meta"]
    waits = rest.post("/cert_server", document("cert_server", cn="a.example.com", cert_days=5, owner="others", metadata={"site": site}), headers={"Idempotency-Key": mark()})
    assert waits.status == 202, waits
    wish = rest.get(f"/approvals/{waits.data['id']}").data["attributes"]["approvers"][0]
    assert wish["message"] == "others look" and wish["message_de"] == "andere sehen hin"
    profile = rest.get("/profiles?filter[name]=server").data[0]["id"]
    said = action(rest, f"/profiles/{profile}/evaluate", subject={"CN": "a.example.com"}, days=20, metadata={"site": site}).data["attributes"]["rules"]
    assert {r["rule"]: r.get("message_de") for r in said if r["outcome"] == "refused"} == {"short": german}
    draft = action(rest, "/policies/evaluate", name="draft", rules=[{"name": "r", "refuse": True, "message": "m", "message_de": "n"}], document={"days": 1})
    assert draft.data["attributes"]["rules"][0]["message_de"] == "n"
    # A job keeps the text alone; the rule's German stands beside it.
    one = rest.issued(cert_days=5, metadata={"site": site})
    policy([{"name": "stay", "refuse": True, "when": f'$.certificate.metadata.site == "{site}"', "message": english, "message_de": german}], operations=["certificate.revoke"])
    job = rest.post("/certificates/revoke", document("revoke", ids=[one["id"]], reason="superseded"))
    for _ in range(200):
        if rest.get(f"/jobs/{job.data['id']}").data["attributes"]["status"] not in ("queued", "running"):
            break
        time.sleep(0.1)
    item = rest.get(f"/job_items?filter[job]={job.data['id']}").data[0]["attributes"]
    assert item["status"] == "failed" and english in item["detail"] and item["message_de"] == german, item


def test_rights_dont_grow(instance, rest):
    role = mark("h")
    create(rest, "roles", name=role, rights=["read", "accounts.manage"])
    helper = Person(instance, rest, role)
    assert helper.rest.post("/accounts", document("accounts", name=mark("u"), role="administrator")).status == 403
    assert helper.rest.patch(f"/accounts/{helper.id}", document("accounts", id=helper.id, role="administrator")).status == 403
    admin = next(a for a in rest.get("/accounts?filter[role]=administrator").json["data"])
    assert helper.rest.post("/credentials", document("credentials", account=admin["attributes"]["name"], kind="token")).status == 403
    assert rest.delete(f"/credentials/{helper.credential}").status == 204
    ended(helper.rest)
    assert rest.delete(f"/accounts/{helper.id}").status == 204


def test_a_tenant_is_made_and_switched_off(instance, rest):
    name = mark("t")
    tenant = create(rest, "tenants", name=name, title="North", administrator="boss", email="boss@example.org")
    code = tenant["attributes"]["secret"]
    basic = base64.b64encode(f"boss:{code}".encode()).decode()
    answer = instance.rest(source=support.new_address()).post("/tokens", headers={"Authorization": f"Basic {basic}"})
    assert answer.status == 201, answer
    boss = instance.rest(answer.data["attributes"]["token"], source=support.new_address())
    assert [t["attributes"]["name"] for t in boss.get("/tenants").json["data"]] == [name]
    assert "server" in [p["attributes"]["name"] for p in boss.get("/profiles").json["data"]]
    assert boss.post("/tenants", document("tenants", name=mark("t"))).status == 403
    mine = create(boss, "policies", name="mine", rules=[{"name": "r", "refuse": True, "message": "m"}], enabled=True)["id"]
    assert rest.get(f"/policies/{mine}").status == 404
    rest.issued()  # another tenant's policy is none of ours
    assert rest.patch(f"/tenants/{tenant['id']}", document("tenants", id=tenant["id"], enabled=False)).status == 200
    ended(boss)
    assert rest.patch(f"/tenants/{tenant['id']}", document("tenants", id=tenant["id"], enabled=True)).status == 200
    assert action(rest, f"/tenants/{tenant['id']}/invite", administrator="boss").data["attributes"]["secret"] != code


def test_signing_in_again_and_again_ends_the_oldest(instance, rest):
    account = create(rest, "accounts", name=mark("u"), role="requestor")["attributes"]["name"]
    password = create(rest, "credentials", account=account, kind="password")["attributes"]["secret"]
    basic = {"Authorization": "Basic " + base64.b64encode(f"{account}:{password}".encode()).decode()}
    tokens = []
    for _ in range(102):
        answer = instance.rest().post("/tokens", headers=basic)
        assert answer.status == 201, answer
        tokens.append(answer.data["attributes"]["token"])
    say = [instance.rest(token, source=support.new_address()).get("/profiles").status for token in (tokens[1], tokens[2], tokens[101])]
    assert say == [401, 200, 200]
    create(rest, "credentials", account=account, kind="token")  # these don't count against what is made for it


def test_a_ca_waits_too(rest, people, policy):
    """What takes its own time, and the key store, is done by the last one who approves."""
    first, second, *_ = people
    name = mark("ca")
    policy([{"name": "eyes", "when": f'$.body.name == "{name}"', "approve": {"count": 1, "right": "cas.manage"}, "message": "m"}],
           operations=["ca.create"])
    parent = rest.get("/cas?filter[name]=root").json["data"] or rest.get("/cas").json["data"]
    answer = first.rest.post("/cas", document("cas", name=name, subject=[["CN", name]], parent=parent[0]["attributes"]["name"], profile="sub-ca"))
    assert answer.status == 202, answer
    assert rest.get(f"/cas?filter[name]={name}").json["data"] == []
    done = action(second.rest, f"/approvals/{answer.data['id']}/approve").data["attributes"]
    assert done["status"] == "done", done
    assert rest.get(f"/cas?filter[name]={name}").json["data"][0]["id"] == str(done["result"]["id"])


def test_revocations_wait_too(rest, people, policy):
    """What one worker does at once goes the way of policies where they speak of it: by reason, by what the certificate says, by its profile."""
    first, second, *_ = people
    waits, refused, other = (rest.issued(metadata={"site": site}) for site in ("Ulm", "Jena", "Ulm"))
    policy([{"name": "eyes", "when": '$.body.reason == "keyCompromise" && $.certificate.metadata.site == "Ulm"', "approve": {"count": 1, "right": "cas.manage"}, "message": "m"},
            {"name": "never", "refuse": True, "when": '$.certificate.metadata.site == "Jena"', "message": "not in Jena"}],
           operations=["certificate.revoke"], profile=waits["attributes"]["profile"])
    path = f"/certificates/{waits['id']}"
    asked = first.rest.post(f"{path}/revoke", document("revoke", reason="keyCompromise"))
    assert asked.status == 202 and asked.data["type"] == "approvals" and asked.attributes["operation"] == "certificate.revoke", asked
    assert rest.get(path).attributes["status"] == "issued"
    again = first.rest.post(f"{path}/revoke", document("revoke", reason="keyCompromise"))
    assert again.status == 202 and again.data["id"] == asked.data["id"]
    assert action(first.rest, f"{path}/hold").attributes["status"] == "held"  # no rule is about it
    assert action(second.rest, f"/approvals/{asked.data['id']}/approve").attributes["status"] == "done"
    shown = rest.get(path).attributes
    assert shown["status"] == "revoked" and shown["revocation_reason"] == "keyCompromise"
    assert action(first.rest, f"{path}/revoke", reason="keyCompromise").attributes["status"] == "revoked"  # it is so already
    answer = first.rest.post(f"/certificates/{refused['id']}/revoke", document("revoke", reason="superseded"))
    assert answer.status == 422 and "not in Jena" in answer.error["detail"], answer
    assert rest.get(f"/certificates/{refused['id']}").attributes["status"] == "issued"
    assert action(first.rest, f"/certificates/{other['id']}/revoke", reason="superseded").attributes["status"] == "revoked"


def test_a_document_for_which_conditions_take_long(instance, rest):
    """Two arrays compared with each other, of lengths that whoever sends them chooses: it ends soon, and nobody else waits for it."""
    requestor = Person(instance, rest, "requestor")
    long = {"name": "long", "refuse": True, "message": "m", "when": " || ".join(["$.a[*] == $.b[*]"] * 20)}
    began = time.monotonic()
    answer = action(requestor.rest, "/policies/evaluate", status=422, document={"a": [1] * 12000, "b": [2] * 12000}, rules=[long])
    assert "take longer" in answer.error["detail"] and time.monotonic() - began < 5 * support.SLOWER, answer
    assert rest.delete(f"/accounts/{requestor.id}").status == 204


def test_a_body_for_which_policies_take_long(rest, policy):
    policy([{"name": "long", "refuse": True, "message": "m", "when": " || ".join(["$.body.rights[*] == $.body.metadata[*]"] * 20)}],
           operations=["role.create"])
    began = time.monotonic()
    answer = rest.post("/roles", document("roles", name=mark("r"), rights=["a"] * 12000, metadata=["b"] * 12000))
    assert answer.status == 422 and "take longer" in answer.error["detail"] and time.monotonic() - began < 5 * support.SLOWER, answer
