"""The inventory over REST: everything that a list has as a file, queries that are kept, filters by several values, owner and metadata of many."""

import csv
import io
import json
import socket
import urllib.parse
import uuid

import pytest

import support
from sessions import Browser, new_account

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\uff1d1", "\uff0b1", " =1", "=cmd|' /C calc'!A0"]
HOSTILE = ['"><script>alert(1)</script>', 'a","b', "two\u202egnp", "semi;colon", "'quoted'", "Ümläut ✓"]


def export(rest, **parameters):
    return rest.get("/certificates/export?" + urllib.parse.urlencode(parameters))


def table(answer):
    assert answer.status == 200, answer
    return list(csv.DictReader(io.StringIO(answer.body.decode())))


def action(rest, name, attributes):
    return rest.post(f"/certificates/{name}", {"data": {"type": name, "attributes": attributes}})


def ended(rest, answer):
    """The job, once it is over."""
    assert answer.status == 202 and answer.data["type"] == "jobs", answer
    where = f"/jobs/{answer.data['id']}"
    assert support.wait_until(lambda: rest.get(where).attributes["status"] in ("done", "failed", "cancelled"), 20)
    return rest.get(where).attributes


@pytest.fixture(scope="module")
def word():
    return f"i{uuid.uuid4().hex[:10]}"


@pytest.fixture(scope="module")
def made(rest, word):
    """One for each text that somebody might do harm with."""
    return [rest.issued("cert_device", cn=f"{word}-{n}", owner=text, metadata={"run": word, "note": text}) for n, text in enumerate(FORMULAS + HOSTILE)]


# ---------------------------------------------------------------- files


@pytest.mark.rows("W01")
def test_files_have_what_the_list_has(rest, word, made):
    listed = {m["id"]: m["attributes"] for m in rest.get(f"/certificates?filter[metadata.run]={word}&page[size]=100").data}
    assert len(listed) == len(made)
    objects = export(rest, **{"format": "json", "filter[metadata.run]": word, "sort": "common_name"})
    assert objects.headers["content-type"] == "application/json" and objects.headers["x-content-type-options"] == "nosniff"
    assert objects.headers["content-disposition"].startswith('attachment; filename="certificates-')
    assert [o["common_name"] for o in objects.json] == sorted(a["common_name"] for a in listed.values())
    for o in objects.json:
        for name in ("subject", "names", "serial", "status", "profile", "issuer", "not_after", "owner", "metadata", "fingerprint_sha256", "revoked_at"):
            assert o[name] == listed[o["id"]][name], name
    rows = table(export(rest, **{"filter[metadata.run]": word, "columns": "id,type,owner,serial,names,metadata.note,metadata.none"}))
    assert set(rows[0]) == {"id", "type", "owner", "serial", "names", "metadata.note", "metadata.none"}
    assert {r["id"]: r["serial"] for r in rows} == {i: a["serial"] for i, a in listed.items()}
    for r in rows:
        text = listed[r["id"]]["owner"]
        assert r["owner"] == r["metadata.note"] == ("'" + text if text in FORMULAS else text) and r["metadata.none"] == "" and r["type"] == "cert_device"


def test_a_file_has_more_than_a_page(rest, instance, word):
    """Also what is on other pages, and each once; columns that are made from the certificate itself."""
    total = instance.count("certificate", "tenant_id = (SELECT id FROM tenant WHERE is_house)")
    ids = [r["id"] for r in table(export(rest, columns="id"))]
    assert len(ids) == len(set(ids)) and len(ids) >= total > 10
    one = rest.get("/certificates?page[size]=1").data[0]
    full = rest.get(f"/certificates/{one['id']}").attributes
    asked = {"filter[serial]": full["serial"], "columns": "pem,chain_pem,fingerprint_sha256"}
    row = export(rest, **asked, format="json").json[0]
    cells = table(export(rest, **asked))[0]
    assert cells["pem"] == "'" + full["pem"]  # a hyphen begins it: it isn't for a spreadsheet
    assert row["pem"] == full["pem"] and row["chain_pem"] == full["chain_pem"] and row["fingerprint_sha256"] == full["fingerprint_sha256"]
    assert export(rest, **{"filter[serial]": "00", "format": "json"}).json == []
    assert export(rest, **{"filter[serial]": "00", "columns": "id", "bom": "true"}).body == b'\xef\xbb\xbf"id"\r\n'


@pytest.mark.parametrize("parameters, where", [
    ({"format": "xml"}, "format"), ({"columns": "der"}, "columns"), ({"columns": ""}, "columns"), ({"columns": "id,id"}, "columns"),
    ({"columns": "metadata."}, "columns"), ({"columns": "metadata." + "k" * 65}, "columns"), ({"bom": "yes"}, "bom"), ({"page[size]": "5"}, "page[size]"),
    ({"filter[der]": "x"}, "filter[der]"), ({"sort": "serial"}, "sort"), ({"filter[not_after][lt]": "soon"}, "filter[not_after][lt]"), ({"include": "ca"}, "include"),
])  # fmt: skip
def test_what_isnt_a_file_is_refused(rest, parameters, where):
    answer = export(rest, **parameters)
    assert answer.status == 400 and answer.error["source"]["parameter"] == where, answer


def test_who_may_take_files_away(instance, default_tenant, other_tenant, rest, word, made):
    assert default_tenant.rest("line").get("/certificates/export").status == 403
    assert instance.rest().get("/certificates/export").status == 401
    assert export(other_tenant.rest(), **{"format": "json", "filter[metadata.run]": word}).json == []
    # By a browser's session, with what browsers send when a link is followed; not from another site's page.
    browser = Browser(instance)
    browser.first(*new_account(default_tenant, "requestor"))
    send = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Sec-Fetch-Mode": "navigate", "X-Siegel-Console": None}
    send = {k: v for k, v in send.items() if v}
    path = f"/certificates/export?filter[metadata.run]={word}&columns=id"
    answer = browser("GET", path, headers=send)
    assert len(table(answer)) == len(made) and answer.headers["cache-control"] == "no-store"
    assert browser("GET", path, headers={**send, "Sec-Fetch-Site": "cross-site"}).status == 403


def test_the_log_has_who_took_what(instance, default_tenant, rest, word):
    export(rest, **{"format": "json", "columns": "id,owner", "filter[metadata.run]": word})
    before = instance.sql("SELECT count(*) FROM audit WHERE action = 'certificate.exported'")
    assert rest.request("HEAD", "/certificates/export").status == 200  # asks whether it would be let in, and is no export
    assert instance.sql("SELECT count(*) FROM audit WHERE action = 'certificate.exported'") == before
    events = default_tenant.rest("auditor").get("/audit_events?filter[action]=certificate.exported&page[size]=1").data
    detail = events[0]["attributes"]["detail"]
    detail = json.loads(detail) if isinstance(detail, str) else detail
    assert detail["format"] == "json" and detail["columns"] == "id,owner" and word in detail["query"]


class Slow:
    """Asks for an export and reads none of it but its head."""

    def __init__(self, instance, token, path):
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.settimeout(20)
        raw.connect((instance.host, instance.port))
        self.socket = instance.tls_context().wrap_socket(raw, server_hostname=instance.host)
        self.socket.sendall(f"GET {support.API}{path} HTTP/1.1\r\nHost: {instance.host}:{instance.port}\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        self.status = int(self.socket.recv(64).split()[1])

    def close(self):
        self.socket.close()


def test_few_at_a_time(instance, default_tenant, other_tenant, rest):
    """Two of a tenant; others wait, and the other tenant doesn't. Rows of 130 KB: pages get smaller, memory doesn't get larger."""
    mark = f"big{uuid.uuid4().hex[:8]}"
    metadata = {f"k{n}": "x" * 1000 for n in range(63)} | {"run": mark}
    for n in range(90):
        rest.issued("cert_device", cn=f"{mark}-{n}", metadata=metadata)
    keys = ",".join(f"metadata.k{n}" for n in range(60))
    path = f"/certificates/export?format=json&columns=id,metadata,{keys}&filter[metadata.run]={mark}"
    slow = [Slow(instance, instance.token, path) for _ in range(2)]
    assert [s.status for s in slow] == [200, 200]
    answer = rest.get("/certificates/export")
    assert answer.status == 429 and int(answer.headers["retry-after"]) > 0 and answer.error["code"] == "too_many_requests"
    assert rest.request("HEAD", "/certificates/export").status == 429
    assert rest.get("/certificates?page[size]=1").status == 200
    assert other_tenant.rest().get("/certificates/export?columns=id").status == 200
    for s in slow:
        s.close()
    assert support.wait_until(lambda: rest.request("HEAD", "/certificates/export").status == 200, 20)
    whole = rest.get(path)
    assert len(whole.json) == 90 and all(o["metadata.k7"] == "x" * 1000 and len(o["metadata"]) == 64 for o in whole.json)
    # Other tests ask for long lists.
    assert ended(rest, action(rest, "update", {"filter": {"metadata": {"run": mark}}, "metadata_remove": list(metadata), "expected": 90}))["done"] == 90


# ---------------------------------------------------------------- filters


def test_several_values_and_fingerprints(rest, word, made):
    def found(query):
        answer = rest.get(f"/certificates?filter[metadata.run]={word}&{query}&page[size]=100")
        assert answer.status == 200, answer
        return sorted(int(m["id"]) for m in answer.data)

    ids = sorted(int(m["id"]) for m in made)
    assert found("filter[status][in]=issued,held") == ids and found("filter[status][in]=held,revoked") == []
    assert found("filter[profile][in]=device,server") == ids and found("filter[profile][in]=server,client") == []
    assert found("filter[issuer][in]=issuing,none") == ids
    assert found("filter[source][in]=rest,est") == ids and found("filter[key_type][in]=p384,rsa3072") == []
    assert found(f"filter[common_name][in]={word}-0,{word}-3,nobody") == sorted([int(made[0]["id"]), int(made[3]["id"])])
    assert found("filter[metadata.note][in]=%2B1,-1") == sorted([int(made[1]["id"]), int(made[2]["id"])])
    print_ = rest.get(f"/certificates/{made[4]['id']}").attributes["fingerprint_sha256"]
    assert found(f"filter[fingerprint_sha256]={print_.upper()}") == [int(made[4]["id"])]
    assert found(f"filter[fingerprint_sha256]={'00' * 32}") == []
    for query in ("filter[status][in]=issued,gone", "filter[status][in]=", "filter[names][in]=a,b", "filter[not_after][in]=2026-01-01", "filter[serial][in]=00,01",
                  "filter[fingerprint_sha256]=xy", "filter[fingerprint_sha256][contains]=00"):  # fmt: skip
        answer = rest.get(f"/certificates?{query}")
        assert answer.status == 400 and answer.error["source"]["parameter"].startswith("filter["), (query, answer)


def test_a_fingerprint_is_looked_for_in_ones_own_tenant(other_tenant, rest, made):
    print_ = rest.get(f"/certificates/{made[0]['id']}").attributes["fingerprint_sha256"]
    assert other_tenant.rest().get(f"/certificates?filter[fingerprint_sha256]={print_}").data == []


# ---------------------------------------------------------------- queries that are kept


def save(rest, name, **more):
    attributes = {"name": name, "query": {"filter[status]": "issued"}, **more}
    return rest.post("/saved_queries", {"data": {"type": "saved_queries", "attributes": attributes}})


def change(rest, id, headers=None, **attributes):
    return rest.patch(f"/saved_queries/{id}", {"data": {"type": "saved_queries", "id": id, "attributes": attributes}}, headers=headers)


def test_a_query_is_kept_changed_and_deleted(default_tenant):
    rest, other = default_tenant.rest("requestor"), default_tenant.rest("operator")
    name = f'<b onclick="x">{uuid.uuid4().hex[:8]} = '
    answer = save(rest, name.strip(), columns=["serial", "metadata.site", "NULL"], query={"filter[owner][contains]": HOSTILE[0], "sort": "-not_after"})
    assert answer.status == 201 and answer.headers["location"].endswith(f"/saved_queries/{answer.data['id']}"), answer
    a, id = answer.attributes, answer.data["id"]
    assert a["query"] == {"filter[owner][contains]": HOSTILE[0], "sort": "-not_after"} and a["columns"] == ["serial", "metadata.site", "NULL"]
    assert a["own"] is True and a["shared"] is False and a["version"] == 1 and a["name"] == name.strip()
    assert save(rest, name.strip()).status == 409
    # Nobody else's.
    assert other.get(f"/saved_queries/{id}").status == 404 and change(other, id, name="mine").status == 404 and other.delete(f"/saved_queries/{id}").status == 404
    assert all(q["id"] != id for q in other.get("/saved_queries?page[size]=500").data)
    # Sharing wants a right.
    answer = change(rest, id, shared=True)
    assert answer.status == 403 and answer.error["source"]["pointer"] == "/data/attributes/shared", answer
    assert change(rest, id, headers={"If-Match": '"7"'}, name="late").status == 412
    answer = change(rest, id, headers={"If-Match": '"1"'}, columns=[])
    assert answer.status == 200 and answer.attributes["version"] == 2 and answer.attributes["columns"] == [] and answer.attributes["query"] == a["query"]
    assert rest.delete(f"/saved_queries/{id}").status == 204 and rest.get(f"/saved_queries/{id}").status == 404


def test_a_query_is_shared_with_the_tenant(default_tenant, other_tenant, rest):
    owner, reader, admin = default_tenant.rest("operator"), default_tenant.rest("requestor"), rest
    id = save(owner, f"shared {uuid.uuid4().hex[:8]}", shared=True).data["id"]
    seen = reader.get(f"/saved_queries/{id}")
    assert seen.status == 200 and seen.attributes["own"] is False and seen.attributes["shared"] is True
    assert change(reader, id, name="mine").status == 403 and reader.delete(f"/saved_queries/{id}").status == 403
    assert other_tenant.rest().get(f"/saved_queries/{id}").status == 404 and other_tenant.rest().delete(f"/saved_queries/{id}").status == 404
    assert change(admin, id, name="x").status == 403  # also nobody with every right
    assert admin.delete(f"/saved_queries/{id}").status == 204 and owner.get(f"/saved_queries/{id}").status == 404


@pytest.mark.parametrize("attributes, where", [
    ({"name": ""}, "name"), ({"name": "x" * 101}, "name"), ({"name": None}, "name"), ({"query": {"page[size]": "5"}}, "query"), ({"query": {"sort": 5}}, "query"),
    ({"query": {"filter[owner]": "x" * 4100}}, "query"), ({"query": {f"filter[metadata.k{n}]": "x" for n in range(18)}}, "query"), ({"query": "x"}, "query"),
    ({"columns": ["a b"]}, "columns"), ({"columns": ["x"] * 65}, "columns"), ({"columns": ['"},{"']}, "columns"), ({"own": True}, "own"), ({"account": "eva"}, "account"),
    ({"shared": "yes"}, "shared"),
])  # fmt: skip
def test_what_isnt_a_query_is_refused(rest, attributes, where):
    answer = save(rest, **{"name": "x", **attributes})
    assert answer.status == 422 and answer.error["source"]["pointer"].startswith(f"/data/attributes/{where}"), answer


def test_an_account_has_so_many_queries(instance, default_tenant):
    rest = default_tenant.rest("requestor")
    ids = [save(rest, f"q{n}").data["id"] for n in range(100)]
    answer = save(rest, "one more")
    assert answer.status == 409 and "100" in answer.error["detail"]
    names = [q["attributes"]["name"] for q in rest.get("/saved_queries?page[size]=500").data if q["attributes"]["own"]]
    assert len(names) == 100 and names == sorted(names)
    for id in ids:
        assert rest.delete(f"/saved_queries/{id}").status == 204


# ---------------------------------------------------------------- many


def test_owner_and_metadata_of_many(rest, instance, default_tenant, word):
    mark = f"many{uuid.uuid4().hex[:8]}"
    ids = [rest.issued("cert_device", cn=f"{mark}-{n}", owner=f"old {mark}", metadata={"site": mark, "n": str(n), "gone": "x"})["id"] for n in range(4)]
    held = rest.issued("cert_device", cn=f"{mark}-full", owner=f"old {mark}", metadata={**{f"k{n}": "v" for n in range(63)}, "site": mark})["id"]
    filter = {"owner": {"contains": mark.upper()}, "metadata": {"site": mark}, "status": {"in": ["issued", "held"]}}
    wish = {"filter": filter, "owner": "new = owner", "metadata_set": {"room": '<b>"5"'}, "metadata_remove": ["gone", "nothing"]}
    answer = action(rest, "update", {**wish, "dry_run": True})
    assert answer.status == 200 and answer.attributes["count"] == 5 and {s["id"] for s in answer.attributes["sample"]} == {*ids, held}
    assert rest.get(f"/certificates/{ids[0]}").attributes["owner"] == f"old {mark}"
    assert action(rest, "update", wish).error["source"]["pointer"] == "/data/attributes/expected"
    assert action(rest, "update", {**wish, "expected": 4}).status == 409
    assert action(default_tenant.rest("requestor"), "update", {**wish, "expected": 5}).status == 403
    job = ended(rest, action(rest, "update", {**wish, "expected": 5, "metadata_set": {"room": '<b>"5"', "more": "1"}, "metadata_remove": ["gone"]}))
    assert job["status"] == "done" and job["done"] == 4 and job["failed"] == 1 and job["total"] == 5, job
    for n, id in enumerate(ids):
        a = rest.get(f"/certificates/{id}").attributes
        assert a["owner"] == "new = owner" and a["metadata"] == {"site": mark, "n": str(n), "room": '<b>"5"', "more": "1"}
    full = rest.get(f"/certificates/{held}").attributes
    assert full["owner"] == f"old {mark}" and len(full["metadata"]) == 64
    assert [m["id"] for m in rest.get(f"/certificates?filter[metadata.room]={urllib.parse.quote('<b>' + chr(34) + '5' + chr(34))}&filter[metadata.site]={mark}&sort=id").data] == ids
    events = default_tenant.rest("auditor").get(f"/audit_events?filter[object]=certificate/{ids[0]}&filter[action]=certificate.changed").data
    assert len(events) == 1 and "new = owner" in json.dumps(events[0]["attributes"]["detail"])
    # By their ids, without a count; the owner is taken away.
    job = ended(rest, action(rest, "update", {"ids": ids[:2], "owner": None}))
    assert job["done"] == 2 and [rest.get(f"/certificates/{i}").attributes["owner"] for i in ids[:3]] == [None, None, "new = owner"]
    assert instance.sql("SELECT count(*) FROM statistics_check()") in ("0", [["0"]], 0, [(0,)])


def test_policies_are_asked_about_each_of_many(rest):
    mark = f"pol{uuid.uuid4().hex[:8]}"
    ids = [rest.issued("cert_device", cn=f"{mark}-{n}", metadata={"site": mark, "kind": "ab"[n % 2]})["id"] for n in range(4)]
    policy = rest.post("/policies", {"data": {"type": "policies", "attributes": {
        "name": mark, "enabled": True, "operations": ["certificate.update"],
        "rules": [{"name": "b-stays", "refuse": True, "when": f'$.certificate.metadata.kind == "b" && $.certificate.metadata.site == "{mark}"', "message": "b stays"}]}}})
    assert policy.status == 201, policy
    try:
        wish = {"filter": {"metadata": {"site": mark}}, "owner": "eva"}
        assert action(rest, "update", {**wish, "dry_run": True}).attributes["refused"] == 2
        answer = action(rest, "update", {**wish, "expected": 4})
        job = ended(rest, answer)
        assert job["done"] == 2 and job["failed"] == 2
        items = rest.get(f"/job_items?filter[job]={answer.data['id']}").data
        assert len(items) == 2 and all("b stays" in i["attributes"]["detail"] for i in items)
        assert [rest.get(f"/certificates/{i}").attributes["owner"] for i in ids] == ["eva", None, "eva", None]
    finally:
        assert rest.delete(f"/policies/{policy.data['id']}").status == 204


def test_revoking_means_what_the_filters_of_the_list_mean(rest, other_tenant):
    mark = f"rev{uuid.uuid4().hex[:8]}"
    ids = [rest.issued("cert_server", cn=f"{mark}-{n}.example", owner=f"Line {n}", metadata={"site": f"{mark} north"})["id"] for n in range(3)]
    one = rest.get(f"/certificates/{ids[0]}").attributes
    for filter, count in [
        ({"common_name": {"contains": mark.upper()}}, 3), ({"names": {"contains": mark}}, 3), ({"names": f"dns:{mark}-1.example"}, 1),
        ({"metadata": {"site": {"contains": f"{mark} NOR"}}}, 3), ({"metadata": {"site": {"in": ["x", f"{mark} north"]}}}, 3),
        ({"common_name": {"contains": mark}, "owner": {"in": ["Line 0", "Line 2"]}}, 2), ({"common_name": {"contains": mark}, "profile": {"in": ["server", "none"]}}, 3),
        ({"common_name": {"contains": mark}, "profile": {"contains": "EVIC"}}, 0), ({"common_name": {"contains": mark}, "issuer": {"eq": "issuing"}}, 3),
        ({"fingerprint_sha256": one["fingerprint_sha256"]}, 1), ({"common_name": {"contains": mark}, "revocation_reason": {"in": ["superseded"]}}, 0),
        ({"common_name": {"contains": mark}, "status": {"in": ["revoked", "held"]}}, 0), ({"common_name": {"contains": mark}, "key_type": {"in": [one["key_type"]]}}, 3),
        ({"common_name": {"contains": mark}, "revoked_at": {"lt": "2100-01-01"}}, 0), ({"common_name": {"contains": "' OR true --"}}, 0),
    ]:  # fmt: skip
        answer = action(rest, "choose", {"filter": filter})
        assert answer.status == 200 and answer.attributes["count"] == count, (filter, answer)
        assert action(other_tenant.rest(), "choose", {"filter": filter}).attributes["count"] == 0
    for filter in ({"common_name": {}}, {"common_name": {"like": "x"}}, {"common_name": {"in": []}}, {"common_name": {"in": [5]}}, {"status": {"contains": "iss"}},
                   {"names": {"in": ["a"]}}, {"metadata": {}}, {"metadata": {"a": {"x": "y"}}}, {"serial": {"eq": "00"}}, {"fingerprint_sha256": "zz"}, {"revoked_at": "x"},
                   {"status": {"in": ["issued"], "eq": "held"}}, {"key_type": 5}):  # fmt: skip
        answer = action(rest, "choose", {"filter": filter})
        assert answer.status == 422 and answer.error["source"]["pointer"] == "/data/attributes/filter", (filter, answer)
    job = ended(rest, action(rest, "revoke", {"filter": {"common_name": {"contains": mark}}, "reason": "superseded", "expected": 3}))
    assert job["done"] == 3 and {rest.get(f"/certificates/{i}").attributes["status"] for i in ids} == {"revoked"}
