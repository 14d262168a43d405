"""What would become of a request, the audit log verified over REST, and the configuration to look at: from outside."""

import uuid

import pytest

import support


def document(type_, **attributes):
    return {"data": {"type": type_, "attributes": attributes}}


def profile_id(rest, name):
    return rest.get(f"/profiles?filter[name]={name}").data[0]["id"]


def evaluate(rest, profile, status=200, **attributes):
    answer = rest.post(f"/profiles/{profile}/evaluate", document("evaluate", **attributes))
    assert answer.status == status, answer
    return answer


@pytest.fixture
def server(rest):
    return profile_id(rest, "server")


def test_a_trial_says_what_would_be_issued_and_leaves_nothing(instance, rest, server):
    before = [instance.count(table) for table in ("certificate", "intent", "request", "approval")]
    said = evaluate(rest, server, subject={"CN": "www.example.com"}, names=["dns:a.example.com", "ip:192.0.2.7"], days=30, owner="web").attributes
    assert said["outcome"] == "issued" and said["rules"] == []
    one = said["certificate"]
    assert one["subject"] == "CN=www.example.com" and one["names"] == ["dns:a.example.com", "ip:192.0.2.7"] and one["owner"] == "web"
    assert one["issuer"] == "issuing" and one["validity_rule"] == "as requested" and "serverAuth" in one["extended_key_usage"]
    assert one["not_after"] - one["not_before"] == 30 * 86400 - 1  # as RFC 5280 4.1.2.5 counts: both ends are in it
    # As it is issued, so it was said.
    issued = rest.issued(cn="www.example.com", dns=["a.example.com"], ip=["192.0.2.7"], cert_days=30)["attributes"]
    assert issued["subject"] == one["subject"] and issued["names"] == one["names"] and issued["key_type"] == one["key_type"]
    csr = support.csr_pem(support.new_csr("of-csr.example", key=support.new_key("p384")))
    said = evaluate(rest, server, csr=csr).attributes
    assert said["outcome"] == "issued" and said["certificate"]["key_type"] == "p384" and "of-csr.example" in said["certificate"]["subject"]
    after = [instance.count(table) for table in ("certificate", "intent", "request", "approval")]
    assert [b - a for a, b in zip(before, after)][0] == 1 and after[3] == before[3]  # the one that was really issued


@pytest.mark.parametrize("attributes, pointer", [
    ({"days": 99999}, "days"), ({"names": ["dns:not a name"]}, "names/0"), ({"key_type": "nonsense"}, "key_type"), ({"subject": {"CN": "www.example.com", "pseudonym": "x"}}, "subject/pseudonym"),
    ({"ca": "nowhere"}, "ca"), ({"ca": "root"}, "ca"), ({"subject": {"CN": "x" * 65}}, "subject/CN"),
])
def test_a_refusal_says_of_what(rest, server, attributes, pointer):
    said = evaluate(rest, server, **{"subject": {"CN": "www.example.com"}, **attributes}).attributes
    assert said["outcome"] == "refused" and said["error"]["pointer"] == pointer and said["error"]["detail"], said


@pytest.mark.parametrize("attributes", [
    {"csr": "nonsense"}, {"csr": "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n" + "x" * 10}, {"names": ["nothing"]}, {"names": [7]},
    {"subject": {"CN": 7}}, {"subject": "CN=x"}, {"subject": {"CN": "x" * 300}}, {"days": 0}, {"days": "many"}, {"metadata": []}, {"names": ["dns:a"] * 101},
    {"nothing": 1}, {"definition": {"days": 1}}, {"definition": {"unknown": 1}}, {"csr": "x", "key_type": "p256"},
])
def test_what_cant_be_tried_is_refused(rest, server, attributes):
    answer = evaluate(rest, server, status=422, **attributes)
    assert answer.error["detail"] and answer.error["source"]["pointer"].startswith("/data/attributes/"), answer


def test_a_profile_is_tried_before_it_is_saved(rest, own_profile):
    name = own_profile(template="server", days=30, max_days=40)
    name = name if isinstance(name, str) else name["attributes"]["name"]
    one = rest.get(f"/profiles?filter[name]={name}").data[0]
    other = {**one["attributes"]["definition"], "days": 5, "max_days": 6}
    sample = {"subject": {"CN": "www.example.com"}}
    ends = [evaluate(rest, one["id"], **sample, **more).attributes["certificate"] for more in ({}, {"definition": other})]
    assert [round((e["not_after"] - e["not_before"]) / 86400) for e in ends] == [30, 5]
    assert evaluate(rest, one["id"], **sample, days=20, definition=other).attributes["outcome"] == "refused"
    assert rest.get(f"/profiles/{one['id']}").attributes["definition"] == one["attributes"]["definition"]


def test_policies_have_their_say(rest, server):
    mark = uuid.uuid4().hex[:8]
    rules = [
        {"name": "owner", "default": {"owner": f"team {mark}"}},
        {"name": "short", "when": f'$.owner == "team {mark}"', "require": "$.days <= 90", "pointer": "days", "message": "at most 90 days"},
        {"name": "eyes", "when": "$.days > 60", "approve": {"count": 1, "right": "cas.manage"}, "message": "somebody looks at it"},
    ]
    made = rest.post("/policies", document("policies", name=f"a{mark}", enabled=True, condition=f'$.metadata.mark == "{mark}"', rules=rules))
    assert made.status == 201, made
    try:
        def said(days):
            return evaluate(rest, server, subject={"CN": "www.example.com"}, days=days, metadata={"mark": mark}).attributes
        outcomes = {days: said(days) for days in (30, 80, 100)}
        assert {days: s["outcome"] for days, s in outcomes.items()} == {30: "issued", 80: "approval", 100: "refused"}
        by_rule = {r["rule"]: r for r in outcomes[100]["rules"] if r["policy"] == f"a{mark}"}
        assert by_rule["owner"]["outcome"] == "set" and by_rule["short"]["outcome"] == "refused" and by_rule["short"]["message"] == "at most 90 days"
        assert outcomes[30]["certificate"]["owner"] == f"team {mark}"  # decided anew with what the rule set
        assert outcomes[30]["document"]["owner"] == f"team {mark}"
        assert evaluate(rest, server, subject={"CN": "www.example.com"}, days=100).attributes["outcome"] == "issued"
    finally:
        assert rest.delete(f"/policies/{made.data['id']}").status == 204


@pytest.mark.rows("R05")
def test_trials_and_verifications_are_ones_own(instance, rest, default_tenant, other_tenant, server):
    other = other_tenant.rest()
    assert other.post(f"/profiles/{server}/evaluate", document("evaluate", subject={"CN": "x"})).status == 404
    assert default_tenant.rest("line").post(f"/profiles/{server}/evaluate", document("evaluate")).status == 403
    assert rest.post("/audit_events/verify").status == 403  # reading the log is for auditors
    assert other.get("/settings").status == 403 and default_tenant.rest("auditor").get("/settings").status == 403
    job = verified(other_tenant.rest("auditor"))
    assert job["result"]["intact"] and "chains" not in job["result"] and job["total"] is None
    assert job["result"]["rows"] < instance.count("audit")  # how many rows the others have is theirs


def verified(auditor, status=202, **attributes):
    answer = auditor.post("/audit_events/verify", document("verify", **attributes))
    assert answer.status == status, answer
    if status != 202:
        return answer

    def ended():
        job = auditor.get(f"/jobs/{answer.data['id']}").attributes
        return job if job["status"] in ("done", "failed", "cancelled") else None
    job = support.wait_until(ended, 60)
    assert job["status"] == "done", job
    return {**job, "id": answer.data["id"]}


@pytest.mark.rows("L05")
def test_the_log_is_verified_over_rest(instance, default_tenant):
    auditor = default_tenant.rest("auditor")
    whole = verified(auditor)
    assert whole["result"]["intact"] and whole["result"]["seals"] >= 1 and whole["result"]["chains"] >= 3 and whole["total"] == whole["done"]
    now = max(e["attributes"]["at_us"] for e in auditor.get("/audit_events?page[size]=1").data)
    part = verified(auditor, since_us=now)
    assert part["result"]["intact"] and part["result"]["rows"] < whole["result"]["rows"]
    first = min(s["attributes"]["at_us"] for s in auditor.get("/audit_seals?page[size]=500").data)
    begin = verified(auditor, until_us=first)
    assert begin["result"]["intact"] and begin["result"]["rows"] < whole["result"]["rows"] and begin["result"]["seals"] == 1
    for bad in ({"since_us": -1}, {"since_us": "x"}, {"since_us": 5, "until_us": 4}, {"nothing": 1}):
        verified(auditor, status=422, **bad)


@pytest.mark.rows("L05")
def test_what_was_changed_or_cut_off_is_found(instance, default_tenant):
    auditor = default_tenant.rest("auditor")
    chain, seq, detail = instance.sql("SELECT chain, seq, detail FROM audit WHERE action = 'certificate.issued' ORDER BY seq DESC LIMIT 1")[0]

    def change(text):
        text = text.replace("'", "''")
        instance.sql("ALTER TABLE audit DISABLE TRIGGER audit_insert_only")
        try:
            instance.sql(f"UPDATE audit SET detail = '{text}' WHERE chain = '{chain}' AND seq = {seq}")
        finally:
            instance.sql("ALTER TABLE audit ENABLE TRIGGER audit_insert_only")
    try:
        change('{"forged": true}')
        job = verified(auditor)
    finally:
        change(detail)
    assert job["result"]["intact"] is False and job["result"]["problems"] == 1
    items = auditor.get(f"/job_items?filter[job]={job['id']}").data
    assert [(i["attributes"]["object"], i["attributes"]["detail"]) for i in items] == [(f"{chain}-{seq}", "the row or its hash was altered")]
    assert verified(auditor)["result"]["intact"]


def test_the_configuration_is_shown_without_what_leads_to_secrets(instance, rest):
    shown = {s["id"]: s["attributes"] for s in rest.get("/settings").data}
    assert shown["sched.anchor_sec"]["value"] == instance.config.get("sched", "anchor_sec") and shown["sched.anchor_sec"]["changed"]
    assert shown["va.threads"]["default"] == "2" and shown["va.threads"]["text"]
    for name in ("ca.pin_file", "ca.master_key_file", "ca.tokens", "va.ocsp_key_file", "scep.webhook_token_file"):
        assert shown[name]["value"] is None
    assert shown["ca.pin_file"]["set"] is True and instance.config.get("ca", "pin_file") not in str(shown)
    assert rest.get("/settings/ca.pin_file").attributes["value"] is None
    assert rest.get("/settings/nothing.here").status == 404 and rest.get("/settings?nothing=1").status == 400
    assert rest.get("/cas?filter[name]=root").data[0]["attributes"]["key_store"] == "token"
