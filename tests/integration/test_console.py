"""siegelctl setup and audit: what is done on the machine itself, straight in the store."""

import hashlib
import json
import re

import pytest

import store


@pytest.fixture(scope="module")
def cluster():
    one = store.Cluster()
    yield one
    one.close()


@pytest.fixture(scope="module")
def template(cluster, tmp_path_factory):
    """A migrated database with a tenant, for the tests to be copies of."""
    one = cluster.database(tmp_path_factory.mktemp("template"))
    one.migrate()
    one.sql("INSERT INTO siegel.tenant (name) VALUES ('default')")
    return one.name


@pytest.fixture
def database(cluster, template, tmp_path):
    return cluster.database(tmp_path, template)


def account(database, *more, name="line1", role="requestor", check=True):
    return database.siegelctl("setup", "account", "--name", name, "--role", role, "--json", *more, check=check)


def credentials(database, columns="kind"):
    return database.sql(f"SELECT {columns} FROM siegel.credential ORDER BY id").splitlines()


@pytest.mark.parametrize("option, kind", [("--token", "token"), ("--password", "password"), ("--one-time", "one_time")])
def test_secrets_are_stored_as_hashes(database, option, kind):
    doc = json.loads(account(database, option).stdout)
    assert doc["account"] == "line1" and doc["kind"] == kind
    assert re.fullmatch("[a-z2-7]{32}", doc["secret"])
    wanted = hashlib.sha256(doc["secret"].encode()).hexdigest()
    assert credentials(database, "kind || ' ' || encode(hash, 'hex')") == [f"{kind} {wanted}"]
    everything = database.sql("SELECT string_agg(a::text, '') FROM siegel.audit a")
    assert doc["secret"] not in everything and wanted not in everything


def test_one_time_codes_end_after_a_day(database):
    account(database, "--one-time")
    account(database, "--one-time", "--hours", "2")
    account(database, "--token")
    assert credentials(database, "coalesce(extract(epoch FROM expires_at - created_at)::int / 3600, 0)") == ["24", "2", "0"]


def test_plain_output_is_the_secret_alone(database):
    done = database.siegelctl("setup", "account", "--name", "a", "--role", "auditor", "--token")
    assert re.fullmatch("[a-z2-7]{32}\n", done.stdout)


def test_one_account_many_credentials(database):
    account(database, "--token")
    account(database, "--password")
    assert database.sql("SELECT count(*) FROM siegel.account") == "1"
    refused = account(database, "--token", role="administrator", check=False)
    assert refused.returncode == 1 and "with the role requestor" in refused.stderr
    assert len(credentials(database)) == 2


@pytest.mark.parametrize("arguments", [
    ("--name", "a", "--role", "requestor"),
    ("--name", "a", "--role", "king", "--token"),
    ("--name", "a", "--role", "requestor", "--token", "--password"),
    ("--role", "requestor", "--token"),
    ("--name", "a", "--token"),
    ("--name", "a", "--role", "requestor", "--token", "--hours", "0"),
    ("--name", "a", "--role", "requestor", "--token", "--color", "red"),
    ("--name", "a", "--name", "b", "--role", "requestor", "--token"),
])
def test_wrong_command_lines(database, arguments):
    done = database.siegelctl("setup", "account", *arguments, check=False)
    if "king" in arguments:  # which roles there are is the store's to say
        assert done.returncode == 1 and "there is no role" in done.stderr
    else:
        assert done.returncode == 2 and "--help" in done.stderr
    assert database.sql("SELECT count(*) FROM siegel.account") == "0"


@pytest.mark.parametrize("name", ["", " a", "a b", "ä", "a:b", "x" * 64, "-", "'; DROP TABLE siegel.account; --"])
def test_wrong_names(database, name):
    done = account(database, "--token", name=name, check=False)
    assert done.returncode == 1 and "an account's name has" in done.stderr
    assert database.sql("SELECT count(*) FROM siegel.audit") == "0"


def test_unknown_tenant(database):
    done = account(database, "--token", "--tenant", "nobody", check=False)
    assert done.returncode == 1 and "no tenant" in done.stderr


def test_revoke_credential(database):
    account(database, "--token")
    account(database, "--password")
    second = json.loads(account(database, "--token").stdout)["credential"]
    database.siegelctl("setup", "revoke-credential", "--name", "line1", "--id", second)
    database.siegelctl("setup", "revoke-credential", "--name", "line1", "--kind", "password")
    assert credentials(database, "revoked_at IS NULL") == ["t", "f", "f"]
    again = database.siegelctl("setup", "revoke-credential", "--name", "line1", "--id", second, check=False)
    assert again.returncode == 1
    database.siegelctl("setup", "revoke-credential", "--name", "line1", "--all")
    assert credentials(database, "revoked_at IS NULL") == ["f", "f", "f"]
    assert database.siegelctl("setup", "revoke-credential", "--name", "line1", check=False).returncode == 2
    assert database.sql("SELECT count(*) FROM siegel.audit WHERE action = 'credential.revoked'") == "3"


# ---------------------------------------------------------------- audit verify


def verify(database, *more):
    done = database.siegelctl("audit", "verify", "--json", *more, check=False)
    return done, json.loads(done.stdout) if done.stdout else None


def tamper(database, sql):
    """As one who owns the database would: the trigger is taken out of the way first."""
    database.sql(f"SET session_replication_role = replica; {sql}", role="postgres")


@pytest.fixture
def written(database):
    """Ten rows: an account and nine tokens."""
    for _ in range(9):
        account(database, "--token")
    return database


def heads(database):
    return database.sql("SELECT 1700000000 || ' ' || chain || ' ' || seq || ' ' || encode(hash, 'hex') FROM siegel.audit ORDER BY seq")


def test_verify_good(written):
    done, doc = verify(written)
    assert done.returncode == 0 and doc["ok"] and doc["rows"] == 10
    assert doc["chains"] == [{"chain": "setup.0", "rows": 10, "first": 1, "last": 10}]
    assert verify(written)[0].returncode == 0


def test_the_hash_is_the_documented_one(written):
    """doc/audit.md is enough to verify a chain with other means."""
    rows = written.sql("SELECT json_build_array(chain, seq, at_us, tenant_id, actor, action, object, detail, encode(hash, 'hex')) "
                       "FROM siegel.audit ORDER BY chain, seq")
    before = bytes(32)
    for *fields, stored in map(json.loads, rows.splitlines()):
        raw = [f.to_bytes(8, "big") if isinstance(f, int) else f.encode() for f in fields]
        before = hashlib.sha256(before + b"".join(len(r).to_bytes(4, "big") + r for r in raw)).digest()
        assert before.hex() == stored


def test_the_log_is_insert_only(written):
    for role in ("siegel_owner", "siegel_setup", "siegel_ca"):
        for sql in ("UPDATE siegel.audit SET detail = '{}'", "DELETE FROM siegel.audit", "TRUNCATE siegel.audit"):
            before = heads(written)
            written.sql(sql, role=role, check=False)
            assert heads(written) == before


@pytest.mark.parametrize("column, value", [
    ("actor", "'setup:uid=9'"), ("action", "'x'"), ("object", "'x'"), ("detail", "'{}'"), ("at_us", "at_us + 1"),
    ("tenant_id", "tenant_id + 1"), ("hash", "sha256(hash)"),
])
def test_verify_altered(written, column, value):
    tamper(written, f"UPDATE siegel.audit SET {column} = {value} WHERE seq = 5")
    done, doc = verify(written)
    assert done.returncode == 1 and not doc["ok"]
    assert (doc["problems"][0]["seq"], doc["problems"][0]["problem"]) == (5, "the row or its hash was altered")


def test_verify_missing(written):
    tamper(written, "DELETE FROM siegel.audit WHERE seq IN (1, 5, 6)")
    done, doc = verify(written)
    assert done.returncode == 1
    assert [(p["seq"], p["problem"]) for p in doc["problems"]] == [(1, "the row is missing"), (5, "the rows up to 6 are missing")]


def test_verify_needs_anchors_for_the_end(written, tmp_path):
    anchors = tmp_path / "anchors"
    anchors.write_text(heads(written) + "\n")
    assert verify(written, "--anchors", anchors)[0].returncode == 0
    tamper(written, "DELETE FROM siegel.audit WHERE seq > 7")
    assert verify(written)[0].returncode == 0, "the chain itself can't tell that its end is gone"
    done, doc = verify(written, "--anchors", anchors)
    assert done.returncode == 1
    assert [(p["seq"], p["problem"]) for p in doc["problems"]] == [(10, "the row was anchored at 2023-11-14T22:13:20Z and is missing")]
    tamper(written, "DELETE FROM siegel.audit")
    done, doc = verify(written, "--anchors", anchors)
    assert done.returncode == 1 and doc["rows"] == 0 and len(doc["problems"]) == 1


def test_verify_a_rewritten_chain_against_anchors(written, tmp_path):
    """A chain that was written anew, with all its hashes right, differs from what was anchored."""
    anchors = tmp_path / "anchors"
    anchors.write_text(heads(written) + "\n")
    tamper(written, "DELETE FROM siegel.audit")
    for _ in range(10):
        account(written, "--password")
    assert verify(written)[0].returncode == 0
    done, doc = verify(written, "--anchors", anchors)
    assert done.returncode == 1 and len(doc["problems"]) == 10
    assert doc["problems"][0]["problem"] == "its hash isn't the one that was anchored"


@pytest.mark.parametrize("line", ["x", "1 setup.0 1", "1 setup.0 0 " + "0" * 64, "1 setup.0 1 " + "0" * 63, "1 setup.0 1 " + "0" * 65,
                                  "1 setup.0 1 " + "g" * 64, "1 setup.0 1 " + "0" * 64 + " x", "1 " + "c" * 300 + " 1 " + "0" * 64])
def test_verify_refuses_a_broken_anchor_file(written, tmp_path, line):
    anchors = tmp_path / "anchors"
    anchors.write_text(line + "\n")
    done, _ = verify(written, "--anchors", anchors)
    assert done.returncode == 1 and f"{anchors}:1" in done.stderr
