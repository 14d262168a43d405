"""How the machine does (GET /machine), and refused requests among the statistics."""

import concurrent.futures
import datetime
import time

import pytest
from cryptography.hazmat.primitives import serialization

import est
import support
from enrol import document

DER = serialization.Encoding.DER


def until(look, wanted, seconds=20):
    """What look() gives once it is as wanted, else what it gave last."""
    end = time.monotonic() + seconds * support.SLOWER
    while True:
        found = look()
        if wanted(found) or time.monotonic() > end:
            return found
        time.sleep(0.2)


def seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def machine(rest):
    answer = rest.get("/machine")
    assert answer.status == 200, answer
    return answer.attributes


def services(rest):
    return {s["name"]: s for s in machine(rest)["services"]}


# ---------------------------------------------------------------- the machine


def test_what_is_shown(instance, rest):
    found = machine(rest)
    assert found["status"] in ("ok", "warning", "failed") and found["engine"] == {"state": "ok", "key_store": "ok"}
    assert {n: len(p) for n, p in instance.processes().items() if n != "nginx"} == {s["name"]: s["processes"] for s in found["services"]}
    for one in found["services"]:
        assert one["state"] == "running" and one["memory_bytes"] > 1 << 20 and one["since"].endswith("Z"), one
        assert abs(time.time() - seconds(one["since"])) < 864000
    assert found["store"]["state"] == "ok" and found["store"]["bytes"] > 1 << 20
    assert found["disks"] and all(0 <= d["free_bytes"] <= d["bytes"] for d in found["disks"])
    assert 0 < found["memory"]["available_bytes"] < found["memory"]["bytes"]
    assert found["cpu"]["processors"] >= 1 and len(found["cpu"]["load"]) == 3 and 0 <= found["cpu"]["busy_percent"] <= 100
    assert abs(seconds(found["clock"]["now"]) - time.time()) < 10 and isinstance(found["clock"]["synchronized"], bool)
    mine = {c["attributes"]["name"] for c in rest.get("/cas?filter[status]=active&page[size]=500").data}
    crls = {c["ca"]: c for c in found["crl_list"]}
    assert "issuing" in mine and crls["issuing"]["state"] == "ok" and found["crls"]["cas"] >= len(crls)
    assert not {p["code"] for p in found["problems"]} - {"clock_unsynchronized", "load_high", "memory_low", "disk_low", "disk_full", "jobs_waiting",
                                                        "crls_of_tenants_overdue", "crl_missing", "crl_overdue"}


def test_a_service_that_is_stopped_is_a_problem(instance, rest):
    instance.supervise("stop", "siegel-scep")
    try:
        found = until(lambda: services(rest)["siegel-scep"], lambda one: one["state"] == "stopped")
        assert found == {"name": "siegel-scep", "state": "stopped", "since": None, "processes": 0, "memory_bytes": 0}
        now = machine(rest)
        assert now["status"] == "failed"
        assert {"code": "service_stopped", "level": "failed", "subject": "siegel-scep", "value": 0} in now["problems"]
        assert rest.get("/health").status == 200  # what load balancers ask is another thing
    finally:
        instance.supervise("start", "siegel-scep")
    assert until(lambda: services(rest)["siegel-scep"], lambda one: one["state"] == "running")["state"] == "running"


@pytest.mark.rows("R06")
def test_while_the_store_is_away(instance, rest, default_tenant, other_tenant):
    """Who was good when it went is shown what is known; nobody else is told anything."""
    line, others, never = default_tenant.rest("line"), other_tenant.rest(), support.Rest(instance, default_tenant.account("operator")[1])
    password = default_tenant.account("operator", "password")
    assert machine(rest)["store"]["state"] == "ok"
    assert support.Rest(instance).post("/tokens", headers={"Authorization": support.basic(*password)}).status == 201
    assert line.get("/machine").status == 403 and others.get("/machine").status == 403  # they are known now, too
    begun = time.time()
    instance.supervise("stop", "postgresql")
    try:
        found = until(lambda: rest.get("/machine"), lambda a: a.status == 200 and a.attributes["store"]["state"] == "failed")
        assert found.status == 200, found
        now = found.attributes
        assert set(now["store"]) == {"state", "since"} and begun - 1 <= seconds(now["store"]["since"]) <= time.time()
        assert now["status"] == "failed" and now["jobs"] is None and now["crls"] is None and now["crl_list"] == []
        assert {p["code"]: p["level"] for p in now["problems"]}["store_down"] == "failed"
        assert "engine_down" not in {p["code"] for p in now["problems"]} and now["engine"]["state"] == "ok"
        assert now["disks"] and now["memory"]["bytes"] and services(rest)["siegel-api"]["state"] == "running"
        assert line.get("/machine").status == 403 and others.get("/machine").status == 403
        assert never.get("/machine").status == 503 and instance.rest("no such token").get("/machine").status == 503
        assert support.Rest(instance).get("/machine").status == 401
        for path in ("/certificates", "/accounts", "/settings"):
            assert rest.get(path).status == 503, path
    finally:
        instance.supervise("start", "postgresql")
        instance.hang_up()
    assert until(lambda: rest.get("/health"), lambda a: a.status == 200, 60).status == 200
    assert until(lambda: machine(rest), lambda m: m["store"]["state"] == "ok")["store"]["bytes"] > 1 << 20
    assert until(lambda: rest.issue().status, lambda s: s == 201, 60) == 201
    # What the engine's manager does first isn't lost with the former connection.
    assert rest.post("/roles", document("roles", name="X Y", rights=[])).status == 422
    # Nor what others do first over connections that were idle meanwhile: signing in, and whatever lane of the engine and worker of REST comes next.
    signing_in = support.Rest(instance).post("/tokens", headers={"Authorization": support.basic(*password)})
    assert signing_in.status == 201, signing_in
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert {a.status for a in pool.map(lambda n: rest.issue(), range(64))} == {201}


def test_an_overdue_crl_is_a_problem(instance, rest):
    where = "ca_id = (SELECT c.id FROM ca c JOIN tenant t ON t.id = c.tenant_id WHERE t.is_house AND c.name = 'issuing')"
    kept = instance.sql(f"SELECT number, next_update FROM crl WHERE {where} ORDER BY number DESC LIMIT 1")[0]
    instance.sql(f"UPDATE crl SET next_update = now() - interval '1 hour' WHERE {where} AND number = {kept[0]}")
    try:
        found = until(lambda: machine(rest), lambda m: any(p["code"] == "crl_overdue" for p in m["problems"]))
        # Another one may have been made meanwhile: then it is in time again.
        if instance.sql(f"SELECT max(number) FROM crl WHERE {where}")[0][0] == kept[0]:
            assert {"code": "crl_overdue", "level": "failed", "subject": "issuing", "value": 0} in found["problems"] and found["crls"]["overdue"] >= 1
    finally:
        instance.sql(f"UPDATE crl SET next_update = '{kept[1]}' WHERE {where} AND number = {kept[0]}")


@pytest.mark.rows("R06")
def test_only_those_of_the_house_with_the_right(default_tenant, other_tenant, instance, rest):
    for role, status in (("administrator", 200), ("operator", 200), ("registration_authority", 403), ("requestor", 403), ("line", 403), ("auditor", 403)):
        assert default_tenant.rest(role).get("/machine").status == status, role
    answer = other_tenant.rest().get("/machine")
    assert answer.status == 403 and "house" in answer.error["detail"]
    assert instance.sql("SELECT coalesce(machine_store()::text, '')", role="siegel_api") == []
    assert support.Rest(instance).get("/machine").status == 401
    for path in ("/machine?filter[x]=1", "/machine?a"):
        assert rest.get(path).status == 400, path
    for method in ("POST", "DELETE", "PATCH"):
        assert rest.request(method, "/machine", None).status == 405


def test_many_who_ask_at_once_get_one_look(rest, default_tenant):
    clients = [default_tenant.rest("operator") for _ in range(8)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda c: c.get("/machine"), clients * 4))
    assert {a.status for a in answers} == {200}
    assert len({a.attributes["clock"]["now"] for a in answers}) <= 4


# ---------------------------------------------------------------- refused requests


def refused(rest):
    answer = rest.get("/statistics?filter[days]=2")
    assert answer.status == 200, answer
    found = answer.attributes
    assert sum(d["refused"] for d in found["by_day"]) == found["refused"]["total"]
    return found["refused"]


def counts(rest, name, key):
    return {one[key]: one["count"] for one in refused(rest)[name]}


def grown(rest, name, key, word, before, by):
    now = until(lambda: counts(rest, name, key).get(word, 0), lambda n: n - before >= by)
    assert now - before == by, (word, before, now)


def test_refusals_over_rest(new_tenant):
    rest = new_tenant().rest()
    assert refused(rest) == {"total": 0, "by_reason": [], "by_source": []}
    for _ in range(3):
        assert rest.issue("cert_server", cn="a.example", cert_days=0).status == 422
    assert rest.issue("cert_server", cn="a.example", profile="none such").status in (404, 422)
    assert rest.issue("cert_server", cn="bad name.example").status == 422
    grown(rest, "by_source", "source", "rest", 0, 5)
    # What isn't a request for a certificate isn't one that was refused.
    assert rest.get("/certificates/999999999").status == 404
    assert rest.post("/roles", document("roles", name="X Y", rights=[])).status == 422
    assert rest.issue("cert_server", cn="bad name.example").status == 422
    grown(rest, "by_source", "source", "rest", 5, 1)


def test_refusals_over_est(instance, rest, est_account):
    before = counts(rest, "by_source", "source").get("est", 0)
    why = counts(rest, "by_reason", "reason").get("unauthenticated", 0)
    csr = support.new_csr(est.unique())
    name, _ = est_account
    assert support.est_enroll(instance, csr.public_bytes(DER), authorization=support.basic(name, "wrong")).status == 401
    # Who asks without any evidence is told what is wanted, and isn't counted.
    assert support.est_enroll(instance, csr.public_bytes(DER)).status == 401
    grown(rest, "by_source", "source", "est", before, 1)
    grown(rest, "by_reason", "reason", "unauthenticated", why, 1)


def test_a_stranger_fills_nothing(instance, rest, est_account):
    rows = instance.count("refusal_day", "source IN ('est', 'acme')")
    client = support.http_get
    for i in range(20):
        client(f"{instance.url}/.well-known/est/no-such-{i}/simpleenroll", context=instance.tls_context(), method="POST", body=b"x")
        client(f"{instance.url}/acme/no-such-{i}/new-order", context=instance.tls_context(), method="POST", body=b"{}")
    # What comes after them is counted, so they were looked at.
    before = counts(rest, "by_source", "source").get("est", 0)
    assert support.est_enroll(instance, b"x", authorization=support.basic(est_account[0], "wrong")).status == 401
    grown(rest, "by_source", "source", "est", before, 1)
    assert instance.count("refusal_day", "source IN ('est', 'acme')") <= rows + 1
    # The store itself says which way a count came, takes whole reasons alone, and none of a tenant that isn't there.
    for role, wanted in (("siegel_est", "est"), ("siegel_scep", "scep"), ("siegel_acme", "acme"), ("siegel_api", "rest")):
        instance.sql("SELECT refusals_add(ARRAY[1], ARRAY['too_large'], ARRAY[1::bigint])", role=role)
        assert instance.count("refusal_day", f"tenant_id = 1 AND source = '{wanted}' AND reason = 'too_large'") >= 1
    instance.sql("SELECT refusals_add(ARRAY[987654], ARRAY['too_large'], ARRAY[1::bigint])", role="siegel_est")
    assert instance.count("refusal_day", "tenant_id = 987654") == 0
    for bad in ("ARRAY['<b>']", "ARRAY[repeat('a', 41)]"):
        with pytest.raises(support.StoreError):
            instance.sql(f"SELECT refusals_add(ARRAY[1], {bad}, ARRAY[1::bigint])", role="siegel_est")
    with pytest.raises(support.StoreError):
        instance.sql("SELECT refusals_add(ARRAY[1], ARRAY['too_large'], ARRAY[1::bigint])", role="siegel_va")


def test_other_tenants_see_their_own(rest, new_tenant):
    assert rest.issue("cert_server", cn="bad name.example").status == 422
    assert refused(new_tenant().rest())["total"] == 0


def test_what_is_counted_is_written_when_the_process_ends(instance, new_tenant):
    rest = new_tenant().rest()
    assert rest.issue("cert_server", cn="bad name.example").status == 422
    instance.supervise("restart", "siegel-api")
    until(lambda: support.http_get(f"{instance.url}/api/v2.0/health", context=instance.tls_context()).status, lambda s: s == 200)
    assert refused(rest)["total"] == 1


# ---------------------------------------------------------------- what an error says


def test_errors_have_their_text_and_its_values(rest):
    error = rest.get("/statistics?filter[days]=0").error
    assert error["meta"] == {"text": "filter[days] has to lie between 1 and {1}", "values": ["366"]} and "366" in error["detail"]
    # From the engine as well, as far as it was cut from nothing.
    error = rest.issue("cert_server", cn="a.example", c="DEU").error
    assert "DEU" not in error["meta"]["text"] and error["meta"]["values"]
    whole = error["meta"]["text"]
    for i, value in enumerate(error["meta"]["values"]):
        whole = whole.replace("{%d}" % (i + 1), value)
    assert whole == error["detail"]
    # Hostile values are values.
    error = rest.issue("cert_server", cn="a.example", profile="{1}\x02\x03{2}").error
    assert error["status"] in ("404", "422")
    assert all(isinstance(v, str) for v in error["meta"]["values"])
