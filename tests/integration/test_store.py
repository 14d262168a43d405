"""What the store holds for certain: revocations reach the CRL, each certificate has its audit rows, and who changes them is found out."""

import json
import os
import re
import signal
import subprocess
import time

import pytest
from cryptography import x509

import store
import support


def revoke(rest, resource, reason="superseded"):
    answer = rest.post(f"/certificates/{resource['id']}/revoke", {"data": {"type": "revocation", "attributes": {"reason": reason}}})
    assert answer.status == 200, answer
    return answer


def certificate_of(resource):
    return support.load_cert(resource["attributes"]["pem"])


def crl_of(certificate):
    """The published list for a certificate, from the address that it carries."""
    (point,) = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    return x509.load_der_x509_crl(support.http_get(point.full_name[0].value).body)


def is_listed(*certificates):
    crl = crl_of(certificates[0])
    return crl if all(crl.get_revoked_certificate_by_serial_number(c.serial_number) for c in certificates) else None


def number_of(crl):
    return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


# ---------------------------------------------------------------- the schedule


def test_a_revocation_is_published_within_seconds(rest):
    for _ in range(3):
        resource = rest.issued("cert_client")
        certificate = certificate_of(resource)
        assert not is_listed(certificate)
        revoke(rest, resource)
        support.wait_until(lambda: is_listed(certificate), 5)


def test_many_revocations_share_their_crls(instance, rest):
    """A burst doesn't make a CRL each: between two there is [sched] crl_min_interval_sec."""
    made = [rest.issued("cert_client") for _ in range(20)]
    certificates = [certificate_of(r) for r in made]
    first = number_of(crl_of(certificates[0]))
    begin = time.monotonic()
    for resource in made:
        revoke(rest, resource)
    crl = support.wait_until(lambda: is_listed(*certificates), 10)
    shortest = instance.config.getint("sched", "crl_min_interval_sec", fallback=2)
    # One at once, one for what came during it, and one each interval.
    assert number_of(crl) - first <= 2 + (time.monotonic() - begin) / max(shortest, 1)


def test_the_scheduler_comes_back(instance, rest):
    """Killed, it is started again, and what was revoked meanwhile is published."""
    resource = rest.issued("cert_client")
    certificate = certificate_of(resource)
    before = instance.pids("siegel-sched")
    assert len(before) == 1
    os.kill(before[0], signal.SIGKILL)
    revoke(rest, resource)
    support.wait_until(lambda: is_listed(certificate), 8)
    assert instance.pids("siegel-sched") != before


def test_the_scheduler_finds_its_way_back_to_the_store(instance, rest):
    """Its connection is ended by the server: notifications of that time are lost, revocations aren't."""
    resource = rest.issued("cert_client")
    certificate = certificate_of(resource)
    instance.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'siegel_sched' "
                 "AND pid <> pg_backend_pid()", role="siegel_sched")
    revoke(rest, resource)
    support.wait_until(lambda: is_listed(certificate), 5)


def test_each_ca_has_an_ocsp_signer_with_half_its_life_left(instance):
    rows = instance.sql("SELECT ca.name, max(s.not_after) - now() >= (max(s.not_after) - max(s.not_before)) / 2 FROM ca "
                        "LEFT JOIN ocsp_signer s ON s.ca_id = ca.id WHERE ca.status NOT IN ('retired', 'pending') AND ca.serves_until > now() "
                        "AND ca.created_at < now() - '10 minutes'::interval GROUP BY ca.name")
    assert all(fresh == "t" for _, fresh in rows), rows
    assert instance.count("ocsp_signer", "not_after > now()") >= 1


# ---------------------------------------------------------------- the audit log


def rows_about(instance, resource):
    """Actions of the rows about one certificate, oldest first. A revocation names it by its id, issuing by its serial."""
    text = f"{certificate_of(resource).serial_number:x}"
    text = text if len(text) % 2 == 0 else "0" + text
    rows = instance.sql(f"SELECT action, actor FROM audit WHERE object LIKE 'ca/%/serial/{text}' "
                        f"OR object = 'certificate/{resource['id']}' ORDER BY at_us, seq")
    assert all(actor for _, actor in rows)
    return [action for action, _ in rows]


def test_each_certificate_has_its_rows(instance, rest):
    resource = rest.issued("cert_client")
    assert rows_about(instance, resource) == ["certificate.intent", "certificate.issued"]
    revoke(rest, resource)
    revoke(rest, resource)  # a repetition changes nothing, so it isn't a row
    assert rows_about(instance, resource) == ["certificate.intent", "certificate.issued", "certificate.revoked"]


def test_the_house_is_not_revoked(instance, rest):
    """A CA's certificate and an OCSP signer's aren't a client's to revoke, whatever the role."""
    rows = instance.sql("SELECT c.id FROM certificate c JOIN profile p ON p.id = c.profile_id JOIN tenant t ON t.id = c.tenant_id "
                        "WHERE p.name IN ('sub-ca', 'ocsp-signer') AND t.name = 'default' AND c.status = 1")
    assert len(rows) >= 2
    for (number,) in rows[:4]:
        answer = rest.post(f"/certificates/{number}/revoke", {"data": {"type": "revocation", "attributes": {"reason": "superseded"}}})
        assert answer.status == 403, answer
    assert instance.count("certificate", f"id IN ({','.join(number for number, in rows[:4])}) AND status = 2") == 0


def test_a_refusal_is_a_row(instance, rest):
    """What a client may not have is in the log with its cause; a flood of refusals is counted, not written row by row."""
    count = "SELECT count(*) FROM audit WHERE action = 'request.refused'"
    before = int(instance.sql(count)[0][0])
    answer = rest.issue(cn="no host name")
    assert answer.status == 422
    request = answer.json["errors"][0]["id"]
    support.wait_until(lambda: instance.sql(f"SELECT detail FROM audit WHERE object = 'request/{request}'"), 5)
    detail = json.loads(instance.sql(f"SELECT detail FROM audit WHERE object = 'request/{request}'")[0][0])
    assert (detail["code"], detail["field"]) == ("policy", "names")
    for _ in range(100):
        assert rest.issue(cn="no host name").status == 422
    time.sleep(1)
    assert before < int(instance.sql(count)[0][0]) <= before + 101


def test_every_certificate_has_exactly_one_issued_row(instance):
    """All that was ever issued here, by every other test too."""
    wrong = instance.sql("WITH a AS (SELECT object, count(*) AS n FROM audit WHERE action = 'certificate.issued' GROUP BY 1) "
                         "SELECT c.id FROM certificate c LEFT JOIN a ON a.object = 'ca/' || c.ca_id || '/serial/' || encode(c.serial, 'hex') "
                         "WHERE a.n IS DISTINCT FROM 1 AND c.source NOT IN ('test', 'import') LIMIT 5")  # rows that tests put there themselves, and what others issued
    assert wrong == []


def anchor_file(instance):
    path = instance.config.get("sched", "anchor_file", fallback="")
    if not path:
        pytest.skip("this instance keeps no anchors: [sched] anchor_file isn't set")
    return path


def test_the_log_of_the_instance_verifies(siegelctl):
    doc = json.loads(siegelctl("audit", "verify", "--json").stdout)
    assert doc["ok"] and doc["rows"] > 0 and doc["problems"] == []
    assert all(c["first"] == 1 and c["last"] == c["rows"] for c in doc["chains"])


def test_the_log_of_the_instance_is_anchored(instance, siegelctl):
    """Rows that are older than [sched] anchor_sec lie below an anchor."""
    path = anchor_file(instance)
    seconds = instance.config.getint("sched", "anchor_sec", fallback=60) + 5

    def old_rows():
        return instance.sql("SELECT chain, max(seq) FROM audit "
                            f"WHERE at_us < (extract(epoch FROM now()) - {seconds}) * 1000000 GROUP BY chain")

    wanted = support.wait_until(old_rows, seconds + 5, 1)  # at once, unless the instance has only just begun
    lines = instance.command("cat", path).stdout.splitlines()
    marks = [line for line in lines if line.startswith("#")]
    assert marks and all(re.fullmatch(r"# heads \d{16}|# seal \d{16} [0-9a-f]{136,146}", line) for line in marks)
    lines = [line for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"\d{10} [a-z0-9.]+ \d+ [0-9a-f]{64}", line) for line in lines)
    last = {}
    for line in lines:
        _, chain, seq, _ = line.split(" ")
        last[chain] = int(seq)
    assert all(last.get(chain, 0) >= int(seq) for chain, seq in wanted)
    assert json.loads(siegelctl("audit", "verify", "--anchors", path, "--json").stdout)["ok"]


# ---------------------------------------------------------------- tampering, in a copy of the instance's log


@pytest.fixture(scope="module")
def cluster():
    one = store.Cluster()
    yield one
    one.close()


@pytest.fixture(scope="module")
def log_rows(instance, rest):
    """The instance's audit log as text of COPY."""
    for _ in range(3):
        revoke(rest, rest.issued("cert_client"))
    db = instance.config["database"]
    return instance.command("psql", "-X", "-q", "-h", db["host"], "-p", db.get("port", "5432"), "-U", "siegel_owner",
                            "-d", db.get("name", "siegel"), "-c", "COPY siegel.audit TO STDOUT").stdout


@pytest.fixture
def copy(cluster, log_rows, tmp_path):
    """A store with the same log, in which the superuser may do what he likes."""
    database = cluster.database(tmp_path)
    database.migrate()
    done = subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", str(cluster.socket), "-U", "postgres", "-d", database.name,
                           "-c", "COPY siegel.audit FROM STDIN"], input=log_rows, text=True, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    anchors = tmp_path / "anchors"
    anchors.write_text(database.sql("SELECT DISTINCT ON (chain) 1700000000 || ' ' || chain || ' ' || seq || ' ' || encode(hash, 'hex') "
                                    "FROM siegel.audit ORDER BY chain, seq DESC") + "\n")
    database.anchors = anchors
    return database


def verify(database, anchors=False):
    done = database.siegelctl("audit", "verify", "--json", *(["--anchors", database.anchors] if anchors else []), check=False)
    return json.loads(done.stdout)


def longest(database):
    return database.sql("SELECT chain FROM siegel.audit GROUP BY chain ORDER BY count(*) DESC, chain LIMIT 1")


def tamper(database, sql):
    database.sql(f"SET session_replication_role = replica; {sql}", role="postgres")


def test_the_copy_verifies(copy):
    assert verify(copy)["ok"] and verify(copy, anchors=True)["ok"]


def test_a_superuser_cant_either_unless_he_means_it(copy):
    """The triggers hold for everybody; only who takes them away gets by."""
    for sql in ("UPDATE siegel.audit SET actor = 'x'", "DELETE FROM siegel.audit", "TRUNCATE siegel.audit"):
        before = copy.sql("SELECT count(*), max(hash::text) FROM siegel.audit")
        copy.sql(sql, role="postgres", check=False)
        assert copy.sql("SELECT count(*), max(hash::text) FROM siegel.audit") == before


@pytest.mark.parametrize("change", [
    "actor = 'rest:somebody-else'", "action = 'certificate.revoked' || action", "object = object || '0'", "detail = '{\"x\":1}'",
    "at_us = at_us - 1000000", "tenant_id = tenant_id + 1", "hash = sha256('x')",
])
def test_a_changed_row_is_found(copy, change):
    chain = longest(copy)
    tamper(copy, f"UPDATE siegel.audit SET {change} WHERE chain = '{chain}' AND seq = 2")
    problems = verify(copy)["problems"]
    assert problems and problems[0]["chain"] == chain and problems[0]["seq"] == 2


def test_a_row_that_is_taken_out_is_found(copy):
    chain = longest(copy)
    tamper(copy, f"DELETE FROM siegel.audit WHERE chain = '{chain}' AND seq = 2")
    assert [(p["chain"], p["seq"]) for p in verify(copy)["problems"]] == [(chain, 2)]


def test_rows_that_change_places_are_found(copy):
    chain = longest(copy)
    tamper(copy, f"UPDATE siegel.audit SET seq = -seq WHERE chain = '{chain}' AND seq IN (1, 2);"
                 f"UPDATE siegel.audit SET seq = 3 + seq WHERE chain = '{chain}' AND seq < 0")
    assert not verify(copy)["ok"]


def test_a_row_that_is_put_in_is_found(copy):
    chain = longest(copy)
    tamper(copy, f"UPDATE siegel.audit SET seq = -seq - 1 WHERE chain = '{chain}' AND seq >= 2;"
                 f"UPDATE siegel.audit SET seq = -seq WHERE chain = '{chain}' AND seq < 0;"
                 f"INSERT INTO siegel.audit SELECT chain, 2, at_us, tenant_id, actor, action, object, detail, hash FROM siegel.audit "
                 f"WHERE chain = '{chain}' AND seq = 1")
    assert not verify(copy)["ok"]


def test_rows_of_one_chain_dont_fit_another(copy):
    chain = longest(copy)
    tamper(copy, f"UPDATE siegel.audit SET chain = chain || 'x' WHERE chain = '{chain}'")
    assert not verify(copy)["ok"]


def test_an_end_that_is_cut_off_is_found_by_the_anchors(copy):
    chain = longest(copy)
    tamper(copy, f"DELETE FROM siegel.audit WHERE chain = '{chain}' AND seq > (SELECT max(seq) - 3 FROM siegel.audit WHERE chain = '{chain}')")
    assert verify(copy)["ok"], "within the store the cut doesn't show: that is what the anchors are for"
    assert [p["chain"] for p in verify(copy, anchors=True)["problems"]] == [chain]


def test_an_older_state_of_the_store_is_found_by_the_anchors(copy):
    """As after a restored snapshot: every chain ends earlier."""
    tamper(copy, "DELETE FROM siegel.audit a USING (SELECT chain, max(seq) AS last FROM siegel.audit GROUP BY chain) m "
                 "WHERE a.chain = m.chain AND a.seq = m.last")
    doc = verify(copy, anchors=True)
    assert {p["chain"] for p in doc["problems"]} == {line.split()[1] for line in copy.anchors.read_text().splitlines()}
