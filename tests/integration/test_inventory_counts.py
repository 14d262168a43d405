"""What is done to many certificates is bound to those that a job counted, however long counting them took; filters with alternatives."""

import uuid

import pytest

import support
from test_inventory import action, ended


def counted(rest, name, attributes):
    """The job that counts, once it is over, and its id."""
    answer = action(rest, name, attributes)
    assert answer.status == 202 and answer.data["type"] == "jobs" and answer.attributes["kind"] == "count", answer
    return answer.data["id"], ended(rest, answer)


@pytest.fixture
def mark():
    return f"cnt{uuid.uuid4().hex[:8]}"


def status_of(rest, id):
    return rest.get(f"/certificates/{id}").attributes["status"]


def test_only_what_was_counted_is_revoked(rest, instance, mark):
    ids = [rest.issued("cert_device", cn=f"{mark}-{n}", owner=f"old {mark}")["id"] for n in range(3)]
    other = rest.issued("cert_device", cn=f"x{mark}", owner="another")["id"]
    wish = {"filter": {"owner": {"contains": mark.upper()}}, "reason": "superseded"}
    number, job = counted(rest, "choose", {**wish, "as_job": True})
    result = job["result"]
    assert job["status"] == "done" and result["count"] == 3 and result["refused"] == 0 and [s["id"] for s in result["sample"]] == ids
    assert job["done"] == job["total"] > 3 and result["last"] == int(ids[-1])
    assert [status_of(rest, i) for i in ids] == ["issued"] * 3
    # What fits by now, older or newer, isn't meant; what doesn't fit any more isn't either.
    action(rest, "update", {"ids": [other], "owner": f"now {mark}"})
    newer = rest.issued("cert_device", cn=f"{mark}-9", owner=f"old {mark}")["id"]
    ended(rest, action(rest, "update", {"ids": [ids[1]], "owner": "somebody"}))
    assert action(rest, "revoke", {"counted": number, "reason": "superseded", "expected": 4}).status == 409
    done = ended(rest, action(rest, "revoke", {"counted": number, "reason": "superseded", "expected": 3}))
    assert done["status"] == "done" and done["done"] == 2 and done["result"]["changed"] == 2, done
    assert [status_of(rest, i) for i in (*ids, other, newer)] == ["revoked", "issued", "revoked", "issued", "issued"]
    again = ended(rest, action(rest, "revoke", {"counted": number, "reason": "superseded"}))
    assert again["done"] == 0 and again["status"] == "done"
    assert instance.sql("SELECT count(*) FROM statistics_check()") in ("0", [["0"]], 0, [(0,)])


def test_owner_and_advice_by_what_was_counted(rest, mark):
    ids = [rest.issued("cert_device", cn=f"{mark}-{n}")["id"] for n in range(3)]
    wish = {"filter": {"common_name": {"contains": mark}}}
    number, job = counted(rest, "update", {**wish, "owner": mark, "dry_run": True, "as_job": True})
    assert job["result"]["count"] == 3
    done = ended(rest, action(rest, "update", {"counted": number, "owner": mark, "metadata_set": {"room": "5"}}))
    assert done["done"] == 3 and all(rest.get(f"/certificates/{i}").attributes["owner"] == mark for i in ids)
    action(rest, "revoke", {"ids": ids[:1]})
    assert support.wait_until(lambda: status_of(rest, ids[0]) == "revoked", 20)
    number, job = counted(rest, "advise_renewal", {**wish, "dry_run": True, "as_job": True})
    assert job["result"]["count"] == 2 and [s["id"] for s in job["result"]["sample"]] == ids[1:]
    done = ended(rest, action(rest, "advise_renewal", {"counted": number, "expected": 2}))
    assert done["done"] == 2 and [rest.get(f"/renewal_advice/{i}").status for i in ids] == [404, 200, 200]


def test_policies_are_asked_about_what_is_counted(rest, mark):
    for n in range(4):
        rest.issued("cert_device", cn=f"{mark}-{n}", metadata={"site": mark, "kind": "ab"[n % 2]})
    policy = rest.post("/policies", {"data": {"type": "policies", "attributes": {
        "name": mark, "enabled": True, "operations": ["certificate.revoke"],
        "rules": [{"name": "b-stays", "refuse": True, "when": f'$.certificate.metadata.kind == "b" && $.certificate.metadata.site == "{mark}"', "message": "b stays"}]}}})
    assert policy.status == 201, policy
    try:
        number, job = counted(rest, "choose", {"filter": {"metadata": {"site": mark}}, "as_job": True})
        assert job["result"]["count"] == 4 and job["result"]["refused"] == 2 and job["result"]["judged"] == 2000
        done = ended(rest, action(rest, "revoke", {"counted": number, "expected": 4}))
        assert done["done"] == 2 and done["failed"] == 2
    finally:
        assert rest.delete(f"/policies/{policy.data['id']}").status == 204


def test_what_counts_for_nothing(rest, instance, default_tenant, other_tenant, mark):
    rest.issued("cert_device", cn=f"{mark}-1")
    wish = {"filter": {"common_name": {"contains": mark}}, "as_job": True}
    number, job = counted(rest, "choose", wish)
    assert job["result"]["count"] == 1
    assert counted(other_tenant.rest(), "choose", wish)[1]["result"]["count"] == 0
    assert action(default_tenant.rest("requestor"), "choose", wish).status == 403
    at = "/data/attributes/counted"
    for client in (other_tenant.rest(), default_tenant.rest("operator")):  # another tenant, another account
        answer = action(client, "revoke", {"counted": number, "expected": 1})
        assert answer.status == 422 and answer.error["source"]["pointer"] == at, answer
    for attributes in ({"counted": "0"}, {"counted": "-1"}, {"counted": "1' OR true"}, {"counted": "9" * 40}, {"counted": number, "ids": ["1"]}, {"counted": 5},
                       {"counted": number, "reason": "certificateHold"}, {"counted": number, "reason": "keyCompromise"}):  # fmt: skip
        answer = action(rest, "revoke", attributes)
        assert answer.status == 422 and answer.error["source"]["pointer"].startswith("/data/attributes/"), (attributes, answer)
    assert action(rest, "update", {"counted": number, "owner": "x"}).status == 422
    assert action(rest, "advise_renewal", {"counted": number}).status == 422
    assert action(rest, "choose", {"filter": {"revoked_at": {"lt": "never"}}, "as_job": True}).status in (202, 422)
    instance.sql(f"UPDATE job SET created_at = now() - interval '8 days' WHERE id = {number}")
    assert action(rest, "revoke", {"counted": number}).status == 409
    # Others that are counted sweep what is too old.
    counted(rest, "choose", wish)
    assert str(instance.sql(f"SELECT count(*) FROM certificate_counted WHERE job_id = {number}")).strip("[](),'") == "0"


def test_a_value_of_another_type_ends_the_count(rest):
    answer = action(rest, "choose", {"filter": {"serial": "zz"}, "as_job": True})
    job = ended(rest, answer)
    assert job["status"] == "failed" and "isn't of its type" in job["error"]


@pytest.mark.parametrize("name, attributes", [("update", {"owner": "nobody meant this"}), ("advise_renewal", {})])
def test_a_wish_to_count_does_nothing_else(rest, mark, name, attributes):
    """as_job without dry_run isn't the deed itself."""
    id = rest.issued("cert_device", cn=f"{mark}-1")["id"]
    for more in ({"as_job": True}, {"as_job": True, "dry_run": False}, {"as_job": True, "expected": 1}):
        answer = action(rest, name, {"filter": {"common_name": {"contains": mark}}, **attributes, **more})
        assert answer.status == 422 and answer.error["source"]["pointer"] == "/data/attributes/as_job", (more, answer)
    assert rest.get(f"/certificates/{id}").attributes["owner"] != "nobody meant this" and rest.get(f"/renewal_advice/{id}").status == 404


def test_not_every_count_is_kept(rest, instance, mark):
    """Who counts again and again fills no disk: the newest of a tenant stay, and what failed leaves nothing."""
    rest.issued("cert_device", cn=f"{mark}-1")
    wish = {"filter": {"common_name": {"contains": mark}}, "as_job": True}
    first, second = (counted(rest, "choose", wish)[0] for _ in range(2))
    tenant = instance.sql(f"SELECT tenant_id FROM job WHERE id = {first}")[0][0]
    instance.sql(f"UPDATE job SET status = 'failed' WHERE id = {second}")
    instance.sql(f"""WITH made AS (INSERT INTO job (tenant_id, kind, status, parameters, account_id, requestor)
        SELECT tenant_id, kind, 'done', parameters, account_id, requestor FROM job, generate_series(1, 19) WHERE id = {first} RETURNING id)
        INSERT INTO certificate_counted (job_id, tenant_id, last, ids) SELECT m.id, {tenant}, 1, '{{1}}' FROM made m""")
    newest, _ = counted(rest, "choose", wish)
    kept = lambda id: instance.count("certificate_counted", f"job_id = {id}")  # noqa: E731
    assert (kept(first), kept(second), kept(newest)) == (0, 0, 1)
    assert instance.count("certificate_counted", f"tenant_id = {tenant}") <= 20
    answer = action(rest, "revoke", {"counted": first})
    assert answer.status == 409 and answer.error["source"]["pointer"] == "/data/attributes/counted" and "others were counted since" in answer.error["detail"], answer
    assert action(rest, "revoke", {"counted": newest}).status == 202


# ---------------------------------------------------------------- alternatives


def test_many_by_alternatives(rest, other_tenant, mark):
    a = rest.issued("cert_device", cn=f"{mark}-a", owner=f"own {mark}")["id"]
    b = rest.issued("cert_server", cn=f"{mark}-b.example", metadata={"site": mark})["id"]
    c = rest.issued("cert_device", cn=f"{mark}-c")["id"]
    some = {"any": [{"owner": f"own {mark}"}, {"names": f"dns:{mark}-b.example"}, {"metadata": {"site": mark}, "status": "revoked"}]}
    for filter, ids in [
        (some, [a, b]), ({**some, "common_name": {"contains": "-b."}}, [b]), ({"any": [{"metadata": {"site": mark}}, {"common_name": f"{mark}-c"}]}, [b, c]),
        ({"any": [{"common_name": {"contains": mark}, "status": "revoked"}]}, []),
    ]:  # fmt: skip
        answer = action(rest, "choose", {"filter": filter})
        assert answer.status == 200 and [s["id"] for s in answer.attributes["sample"]] == ids and answer.attributes["count"] == len(ids), (filter, answer)
        assert action(other_tenant.rest(), "choose", {"filter": filter}).attributes["count"] == 0
        assert counted(rest, "choose", {"filter": filter, "as_job": True})[1]["result"]["count"] == len(ids)
    for filter in ({"any": []}, {"any": {}}, {"any": "x"}, {"any": [{}]}, {"any": [5]}, {"any": [{"any": [{"owner": "x"}]}]}, {"any": [{"nothing": "x"}]}, {"any": [{"owner": 5}]},
                   {"any": [{"owner": "x"}] * 9}, {"any": [{"owner": "x"}], "nothing": "y"}):  # fmt: skip
        answer = action(rest, "choose", {"filter": filter})
        assert answer.status == 422 and answer.error["source"]["pointer"] == "/data/attributes/filter", (filter, answer)


def listed(rest, parameters, size=100):
    """Ids of all pages, in their order; each once."""
    ids, where = [], f"/certificates?{parameters}&page[size]={size}"
    while where:
        answer = rest.get(where)
        assert answer.status == 200 and len(answer.data) <= size, answer
        ids += [m["id"] for m in answer.data]
        where = answer.json["links"]["next"]
        where = where and where.split("/api/v2.0", 1)[1]
    assert len(ids) == len(set(ids))
    return ids


def test_lists_by_alternatives(rest, other_tenant, mark):
    made = {n: rest.issued("cert_server" if n == "b" else "cert_device", cn=f"{mark}-{n}{'.example' if n == 'b' else ''}", owner=f"{mark} {n}", metadata={"site": mark, "n": n})["id"]
            for n in "abcdef"}  # fmt: skip
    a, b, c, d, e, f = made.values()
    same = f"filter[any.1][owner]={mark}%20a&filter[any.2][names]=dns:{mark}-b.example&filter[any.7][common_name][contains]={mark}-f"
    for parameters, ids in [
        (f"{same}&sort=id", [a, b, f]), (f"{same}&sort=-common_name", [f, b, a]), (same, [f, b, a]), (f"{same}&filter[metadata.n]=b", [b]),
        (f"{same}&filter[status]=revoked", []), (f"filter[any.3][metadata.site]={mark}&filter[any.3][metadata.n][in]=c,d&sort=id", [c, d]),
        (f"filter[any.1][metadata.site]={mark}&filter[any.2][owner][contains]={mark}&sort=common_name", [a, b, c, d, e, f]),
        (f"filter[any.1][owner]={mark}%20e&filter[any.2][owner]={mark}%20e&filter[any.3][profile]=nothing", [e]),
        (f"filter[metadata.site]={mark}&filter[any.1][status]=issued&filter[any.2][not_after][lt]=2020-01-01&sort=not_after", [a, b, c, d, e, f]),
    ]:  # fmt: skip
        for size in (100, 2, 1):
            found = listed(rest, parameters, size)
            assert (found == ids) if "not_after" not in parameters else (sorted(found, key=int) == ids), (parameters, size)
        assert listed(other_tenant.rest(), parameters) == []
    # A cursor belongs to its alternatives; the same conditions in another grouping are another list.
    page = rest.get(f"/certificates?{same}&page[size]=1")
    after = page.json["links"]["next"].split("page%5Bafter%5D=")[1]
    for other in (same.replace("any.7", "any.2"), same.replace("filter[any.1][owner]", "filter[owner]")):
        assert rest.get(f"/certificates?{other}&page[size]=1&page[after]={after}").status == 400
    # Files and kept queries take them as well.
    assert len(rest.get(f"/certificates/export?format=json&{same}").json) == 3
    kept = rest.post("/saved_queries", {"data": {"type": "saved_queries", "attributes": {"name": mark, "query": {"filter[any.1][owner]": "x", "filter[any.2][owner]": "y"}}}})
    assert kept.status == 201 and rest.delete(f"/saved_queries/{kept.data['id']}").status == 204
    # Other lists have them, too.
    assert {m["attributes"]["name"] for m in rest.get("/profiles?filter[any.1][name]=device&filter[any.2][name]=server").data} == {"device", "server"}


@pytest.mark.rows("W01")
@pytest.mark.parametrize("name", [
    "any", "any.1", "any.0][owner", "any.9][owner", "any.10][owner", "any.-1][owner", "any.1][", "any.1][nothing", "any.1][any.2][owner", "any.1]owner", "any.1][owner][like",
    "any.1][der", "any.1) OR true --][owner", "any.1][metadata", "ANY.1][owner",
])  # fmt: skip
def test_what_isnt_an_alternative_is_refused(rest, name):
    answer = rest.get(f"/certificates?filter[{name.replace(' ', '%20')}]=x")
    assert answer.status == 400, answer
    many = "&".join(f"filter[any.{n % 8 + 1}][owner]=x{n}" for n in range(17))
    assert rest.get(f"/certificates?{many}").status == 400


def test_a_value_is_no_part_of_the_statement(rest, mark):
    value = "x') OR true) --"
    assert listed(rest, f"filter[any.1][owner]={value.replace(' ', '%20')}&filter[any.2][common_name][contains]=%25{mark}") == []
