"""A directory of ACME that is deleted: closed at once, and what it had goes by a job in bounded steps."""

import os
import time

import pytest

import acme
import acme_store
import support
from test_import import runner_pids

LEFT = ("SELECT (SELECT count(*) FROM acme_account WHERE endpoint_id = {0}), (SELECT count(*) FROM acme_order WHERE endpoint_id = {0}),"
        " (SELECT count(*) FROM acme_authz WHERE endpoint_id = {0}), (SELECT count(*) FROM acme_key WHERE endpoint_id = {0}),"
        " (SELECT count(*) FROM acme_count WHERE endpoint_id = {0}), (SELECT count(*) FROM endpoint WHERE id = {0})")


def left(instance, number):
    return [int(n) for n in instance.sql(LEFT.format(number))[0]]


def fill(instance, one, accounts, orders):
    """Each account with so many orders, authorizations and challenges; as many keys and counts as accounts."""
    tenant = one.tenant
    of = f"FROM acme_account a CROSS JOIN generate_series(1, {orders}) g WHERE a.endpoint_id = {one.id}"
    instance.sql(f"INSERT INTO acme_account (tenant_id, endpoint_id, jwk, thumbprint, address) SELECT {tenant}, {one.id}, '{{}}', sha256(('{one.name}' || g)::bytea), '::1'"
                 f" FROM generate_series(1, {accounts}) g")
    instance.sql(f"INSERT INTO acme_authz (tenant_id, endpoint_id, account_id, identifier, expires_at) SELECT {tenant}, {one.id}, a.id, 'dns:' || g, now() + '1 day' {of}")
    instance.sql("INSERT INTO acme_challenge (tenant_id, authz_id, account_id, type, token) SELECT z.tenant_id, z.id, z.account_id, 'http-01', repeat('t', 43)"
                 f" FROM acme_authz z WHERE z.endpoint_id = {one.id}")
    instance.sql("INSERT INTO acme_order (tenant_id, endpoint_id, account_id, identifiers, authz_ids, profile_id, expires_at)"
                 f" SELECT {tenant}, {one.id}, a.id, '{{dns:a.example}}', '{{}}', (SELECT profile_id FROM endpoint WHERE id = {one.id}), now() + '1 day' {of}")
    instance.sql(f"INSERT INTO acme_key (tenant_id, endpoint_id, kid, sealed, requestor) SELECT {tenant}, {one.id}, 'kid-{one.name}-' || g, '', 't'"
                 f" FROM generate_series(1, {accounts}) g")
    instance.sql(f"INSERT INTO acme_count (endpoint_id, what, whose) SELECT {one.id}, 'orders', g::text FROM generate_series(1, {accounts}) g")


@pytest.fixture(name="full")
def make_full(instance, rest):
    one = acme_store.Directory(instance, rest)
    fill(instance, one, 40, 300)
    return one


def test_closed_at_once(instance, rest):
    profile = acme.server_profile(rest)
    made = acme.Directory(rest, {"server": profile})
    client = made.client(names=["dns:.gone.example"])
    number, account = made.id, client.kid.rsplit("/", 1)[1]
    answer = rest.delete(f"/acme_directories/{number}")
    assert answer.status == 202 and answer.data["type"] == "jobs" and answer.headers["location"].endswith(f"/jobs/{answer.data['id']}"), answer
    assert answer.attributes["kind"] == "remove_directory" and answer.attributes["parameters"]["name"] == made.label
    for path in (f"/acme_directories/{number}", f"/acme_accounts/{account}", f"/est_labels/{number}"):
        assert rest.get(path).status == 404
    assert rest.delete(f"/acme_directories/{number}").status == 404
    assert rest.patch(f"/acme_directories/{number}", {"data": {"type": "acme_directories", "id": number, "attributes": {"enabled": True}}}).status == 404
    support.wait_until(lambda: client.http("GET", made.url).status == 404, 3, 0.05)
    # the name is free for the next one, which starts empty
    again = acme_store.Directory(instance, rest, name=made.label)
    assert left(instance, again.id)[:3] == [0, 0, 0]
    again.delete()
    support.wait_until(lambda: rest.get(f"/jobs/{answer.data['id']}").attributes["status"] == "done", 20, 0.05)
    assert left(instance, number) == [0] * 6
    found = rest.get(f"/profiles?filter[name]={profile}").data[0]["id"]
    assert rest.delete(f"/profiles/{found}").status == 204  # nothing holds it any more


def test_much_of_it_goes_in_steps(instance, rest, full):
    other = acme_store.Directory(instance, rest)
    fill(instance, other, 2, 3)
    job = full.remove()
    assert job["status"] == "done" and job["total"] == job["done"] == 40, job
    assert job["result"] == {"accounts": 40, "orders": 12000, "authorizations": 12000}
    assert left(instance, full.id) == [0] * 6
    assert left(instance, other.id) == [2, 6, 6, 2, 2, 1]
    assert other.remove()["status"] == "done"


def test_each_step_is_bounded(instance, full):
    """And what is no deleted directory, or another tenant's, isn't touched."""
    call = "SELECT r_accounts + r_orders + r_authz, r_more FROM acme_directory_remove({}, {}, 1500)"
    before = left(instance, full.id)
    assert instance.sql(call.format(full.tenant, full.id)) == [["0", "f"]] and left(instance, full.id) == before
    tenant = full.tenant
    instance.sql("UPDATE endpoint SET protocol = 'deleted', label = 'deleted-' || id, enabled = false, profile_id = NULL, ca_id = NULL WHERE id = " + str(full.id))
    assert instance.sql(call.format(tenant + 1, full.id)) == [["0", "f"]] and left(instance, full.id) == before
    for _ in range(100):
        now = left(instance, full.id)
        (row,) = instance.sql(call.format(tenant, full.id))
        assert sum(now) - sum(left(instance, full.id)) <= 1501  # the directory itself beside the last ones
        if row[1] == "f":
            break
    assert left(instance, full.id) == [0] * 6
    assert instance.sql(call.format(tenant, full.id)) == [["0", "f"]]


def test_killed_half_way_it_goes_on(instance, rest, full):
    fill_more = f"INSERT INTO acme_order (tenant_id, endpoint_id, account_id, identifiers, authz_ids, profile_id, expires_at) SELECT o.tenant_id, o.endpoint_id, o.account_id, " \
                f"o.identifiers, o.authz_ids, o.profile_id, o.expires_at FROM acme_order o WHERE o.endpoint_id = {full.id}"
    for _ in range(2):
        instance.sql(fill_more)
    answer = full.delete()
    job = answer.data["id"]
    refused = rest.post(f"/jobs/{job}/cancel", {"data": {"type": "cancel"}})
    assert refused.status == 409 and ("ended" in refused.error["detail"] or "to its end" in refused.error["detail"]), refused
    for _ in range(3):
        (runner,) = support.wait_until(lambda: runner_pids(instance))
        os.kill(runner, 9)
        time.sleep(0.2)  # the next one does something of it
    support.wait_until(lambda: rest.get(f"/jobs/{job}").attributes["status"] == "done", 60, 0.1)
    assert left(instance, full.id) == [0] * 6
    done = rest.get(f"/jobs/{job}").attributes
    assert done["result"] == {"accounts": 40, "orders": 48000, "authorizations": 12000} and done["done"] == 40, done
