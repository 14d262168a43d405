"""siegelctl against the running instance: what it shows is what the instance did."""

import json
import os
import uuid

import pytest
from cryptography import x509

import support


@pytest.fixture
def folder(instance):
    """A folder that the service's user may write to."""
    path = instance.command("mktemp", "-d").stdout.strip()
    yield path
    instance.command("rm", "-rf", path)


@pytest.fixture
def ctl(instance):
    """ctl("cert", "list") with the administrator's token, over the local socket; gives the CompletedProcess."""

    def run(*arguments, token=None, check=True, **kw):
        env = {k: v for k, v in os.environ.items() if not k.startswith("SIEGEL_")}
        return instance.siegelctl(*arguments, check=check, env={**env, "SIEGEL_TOKEN": token or instance.token}, **kw)

    return run


def document(done):
    return json.loads(done.stdout)["data"]


def read(instance, path):
    return instance.command("cat", path).stdout


def test_issue_show_and_revoke(instance, ctl, folder):
    name = f"ctl-{uuid.uuid4().hex[:8]}.example"
    key, cert, chain = (f"{folder}/{n}" for n in ("key.pem", "cert.pem", "chain.pem"))
    made = document(ctl("cert", "issue", "--type", "server", "--cn", name, "--dns", name, "--ip", "192.0.2.7", "--days", "20", "--key-out", key,
                        "--out", cert, "--chain-out", chain, "--json"))
    mine = x509.load_pem_x509_certificate(read(instance, cert).encode())
    assert f"{mine.serial_number:x}".lstrip("0") == made["attributes"]["serial"].lstrip("0")
    names = mine.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [name]
    assert instance.command("stat", "-c", "%a", key).stdout.strip() == "600"
    public = instance.command("openssl", "pkey", "-in", key, "-pubout").stdout
    assert public == instance.command("openssl", "x509", "-in", cert, "-pubkey", "-noout").stdout
    verified = instance.command("openssl", "verify", "-CAfile", instance.root, "-untrusted", chain, cert)
    assert verified.stdout.strip().endswith("OK")

    shown = ctl("cert", "show", made["attributes"]["serial"].upper())
    assert name in shown.stdout and "BEGIN CERTIFICATE" in shown.stdout and "PRIVATE" not in shown.stdout
    assert document(ctl("cert", "show", made["id"], "--json"))["attributes"]["status"] == "issued"
    ctl("cert", "revoke", made["id"], "--reason", "superseded")
    found = document(ctl("cert", "list", "--json", "--filter", f"common_name={name}"))
    assert [(f["id"], f["attributes"]["status"], f["attributes"]["revocation_reason"]) for f in found] == [(made["id"], "revoked", "superseded")]


def test_issue_from_a_request_twice(ctl):
    csr = support.csr_pem(support.new_csr("device7"))
    key = uuid.uuid4().hex
    once, again = (document(ctl("cert", "issue", "--type", "device", "--csr", "-", "--idempotency-key", key, "--json", input=csr))
                   for _ in range(2))
    assert once["id"] == again["id"]
    other = support.csr_pem(support.new_csr("device8"))
    refused = ctl("cert", "issue", "--type", "device", "--csr", "-", "--idempotency-key", key, input=other, check=False)
    assert refused.returncode == 1 and "idempotency key" in refused.stderr


def test_refusals_name_the_field(ctl, folder):
    done = ctl("cert", "issue", "--type", "server", "--cn", "x.example", "--dns", "a_b c", "--key-out", f"{folder}/k", check=False)
    assert done.returncode == 1 and "/data/attributes/dns/0" in done.stderr
    done = ctl("cert", "revoke", "999999999", "--reason", "superseded", check=False)
    assert done.returncode == 1
    done = ctl("cert", "list", token="x" * 32, check=False)
    assert done.returncode == 1 and "Sign in first" in done.stderr


def test_lists_are_whole(instance, ctl):
    wanted = document(ctl("cert", "list", "--json", "--limit", "3", "--sort", "created_at"))
    assert len(wanted) == 3
    lines = ctl("cert", "list", "--limit", "3", "--sort", "created_at").stdout.splitlines()
    assert lines[0].split()[:2] == ["ID", "TYPE"] and [line.split()[0] for line in lines[1:]] == [w["id"] for w in wanted]


def test_cas(ctl):
    cas = document(ctl("ca", "list", "--json"))
    assert {c["attributes"]["name"] for c in cas} >= {"root", "issuing"}
    assert document(ctl("ca", "show", "issuing", "--json"))["id"] in {c["id"] for c in cas}
    assert ctl("ca", "show", "nobody", check=False).returncode == 1


def test_login_with_a_one_time_code(default_tenant, ctl):
    name, code = default_tenant.account("auditor", "one_time")
    token = ctl("login", "--name", name, input=code).stdout.strip()
    assert "issuing" in ctl("ca", "list", token=token).stdout
    assert ctl("login", "--name", name, input=code, check=False).returncode == 1, "a code is good once"
    done = ctl("cert", "revoke", "1", "--reason", "superseded", token=token, check=False)
    assert done.returncode == 1 and "Not allowed" in done.stderr


def test_revoked_credentials_end_at_once(instance, default_tenant, ctl):
    name, token = default_tenant.account("auditor")
    ctl("ca", "list", token=token)
    instance.siegelctl("setup", "revoke-credential", "--name", name, "--all")
    support.wait_until(lambda: ctl("ca", "list", token=token, check=False).returncode == 1, 0.5, 0.02)


def test_the_audit_log_is_whole(instance, ctl):
    ctl("cert", "issue", "--type", "device", "--csr", "-", input=support.csr_pem(support.new_csr("audited")))
    doc = json.loads(instance.siegelctl("audit", "verify", "--json").stdout)
    assert doc["ok"] and doc["rows"] > 0 and doc["problems"] == []


def test_the_schema_is_up_to_date(instance):
    done = json.loads(instance.siegelctl("db", "status", "--json").stdout)
    assert {m["state"] for m in done["migrations"]} == {"applied"}
