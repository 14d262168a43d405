"""The console's expert view: each of its own screens in a browser, and what was done there in the store."""

import json
import pathlib
import re
import shutil
import subprocess
import uuid

import pytest

import pki
import sessions
from sessions import Browser, new_account
from test_console_web import SHOTS, WIDTHS, pytestmark, run  # noqa: F401

FLOWS = [(lang, width) for width in WIDTHS for lang in ("en", "de")] or [("en", 1366), ("de", 800)]


def waiting_role(rest, mark):
    """A role that another account asked for, and a policy that wants somebody to look at it: ids of both."""
    policy = rest.post("/policies", {"data": {"type": "policies", "attributes": {
        "name": f"eyes-{mark}", "enabled": True, "operations": ["role.create"],
        "rules": [{"name": "eyes", "when": f'$.body.name == "r{mark}"', "approve": {"count": 1, "right": "accounts.manage"}, "message": "somebody else looks at it"}],
    }}})
    assert policy.status == 201, policy
    asked = rest.post("/roles", {"data": {"type": "roles", "attributes": {"name": f"r{mark}", "title": "<b>Helpers</b>", "rights": ["read"]}}})
    assert asked.status == 202, asked
    return policy.data["id"], asked.data["id"]


def old_pki(folder, mark):
    """Files of another PKI: a root, an issuing CA with its key, a certificate of its, and something that isn't one."""
    root = pki.OpensslCa(folder / "root", f"Old Root {mark}")
    issuing = pki.OpensslCa(folder / "issuing", f"Old Issuing {mark}", root)
    leaf, _ = issuing.leaf(f"old-{mark}.example")
    files = []
    for name, source in (("root.pem", root.path("ca.pem")), ("issuing.pem", issuing.path("ca.pem")), ("issuing.key", issuing.path("ca.key")), ("leaf.pem", leaf)):
        files.append(folder / name)
        files[-1].write_bytes(pathlib.Path(source).read_bytes())
    files.append(folder / "broken.pem")
    files[-1].write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    return [str(f) for f in files]


def shell(line, folder):
    return subprocess.run(["sh", "-c", line], cwd=folder, capture_output=True, text=True, timeout=60, check=True).stdout


@pytest.fixture
def act(instance, default_tenant, tmp_path):
    """act(part, lang, width, mark, approval) goes through one half of the screens; gives what it found, and the auditor."""
    def go(part, lang, width, mark, approval=None):
        admin, auditor = Browser(instance), Browser(instance)
        admin.first(*new_account(default_tenant))
        auditor.first(*new_account(default_tenant, "auditor"))
        found = run("special", url=instance.url, lang=lang, part=part, cookie=admin.cookie, auditor=auditor.cookie, cookieName=sessions.COOKIE, mark=mark,
                    approval=approval, files=old_pki(tmp_path, mark) if part == "work" else [], shots=SHOTS, dark=lang == "de", width=width)
        assert found["done"]
        print(part, lang, found["milliseconds"])
        return found, auditor
    return go


@pytest.mark.parametrize("lang, width", FLOWS)
def test_hierarchy_rules_and_enrolment(instance, rest, act, tmp_path, lang, width):
    mark = uuid.uuid4().hex[:8]
    try:
        found, _ = act("rules", lang, width, mark)
        # The CA stands below the root, with its key on the token.
        ca = rest.get(f"/cas?filter[name]={found['ca']}&include=parent").json
        assert ca["data"][0]["attributes"]["status"] == "active" and ca["data"][0]["attributes"]["key_store"] == "token"
        assert ca["included"][0]["attributes"]["name"] == "root" and found["boxes"] >= 2
        # What was tried was refused by the profile and by the rule, and said why; the policy is in force as it was written.
        assert "3650" in found["refused"] and ("höchstens 90 Tage" if lang == "de" else "at most 90 days") in found["rule"]
        stored = rest.get(f"/policies/{found['policy']}").attributes
        assert found["beginsOff"] and stored["enabled"] and stored["name"] == f"short-{mark}" and stored["rules"][0]["require"] == "$.days <= 90"
        # The line is the one that REST gives, and goes to the clipboard as it is.
        code = rest.get(f"/enrollment_codes?filter[common_name]=pump-{mark}").data[0]["attributes"]
        assert code["status"] == "good"
        door = rest.get(f"/est_labels?filter[name]=door-{mark}").data[0]["attributes"]
        assert found["needs"].split()[:2] == ["root", "csr"]
        assert door["commands"]["curl_enroll"].strip() == found["copied"].strip() and f"door-{mark}" in found["line"]
        assert door["auth"] == ["code"]
        # The lines do what they say, as they were copied: those of a code from the key to the certificate, which the rule would shorten.
        assert rest.delete(f"/policies/{found['policy']}").status == 204
        shutil.copy(instance.cacert, tmp_path / "root.pem")
        shell(found["request"], tmp_path)
        shell(found["enroll"], tmp_path)
        assert f"pump-{mark}" in shell("openssl x509 -in device.crt -noout -subject", tmp_path)
        assert f"gate-{mark}" in found["scep"] and "SCEPStandard" in shell(found["scep"], tmp_path).split()
        assert f"web-{mark}" in found["acme"] and f"/acme/web-{mark}/" in json.loads(shell(found["acme"], tmp_path))["newOrder"]
        # The key is in its lines, and nowhere to be read again.
        key = rest.get(f"/acme_keys?filter[kid]={found['kid']}").data[0]["attributes"]
        assert key["status"] == "good" and key["names"] == [f"dns:.{mark}.example"] and "key" not in key
        assert re.search(rf"--kid {found['kid']} --hmac [A-Za-z0-9_-]{{43}} ", found["lego"]) and f"web-{mark}" in found["lego"]
    finally:
        for one in rest.get(f"/policies?filter[name]=short-{mark}").data:  # it holds for all
            rest.delete(f"/policies/{one['id']}")


@pytest.mark.parametrize("lang, width", FLOWS)
def test_approvals_imports_secrets_and_the_log(instance, rest, act, lang, width):
    mark = uuid.uuid4().hex[:8]
    policy, approval = waiting_role(rest, mark)
    try:
        found, auditor = act("work", lang, width, mark, approval)
        # Approved with its comment, and done.
        done = rest.get(f"/approvals/{approval}").attributes
        assert done["status"] == "done" and done["decisions"][0]["comment"] == f"looked at it {mark}"
        assert rest.get(f"/roles?filter[name]=r{mark}").data[0]["attributes"]["rights"] == ["read"]
        # The import took what is whole, and said of the rest why.
        job = rest.get(f"/imports/{found['import']}?include=job").json["included"][0]["attributes"]
        assert job["status"] == "done" and job["done"] >= 3 and job["failed"] == 1
        assert rest.get(f"/certificates?filter[common_name]=old-{mark}.example").data
        # The secret came once, and is nowhere on the page afterwards.
        secret = rest.get(f"/secrets?filter[name]=door%20{mark}").data[0]["attributes"]
        assert secret["versions"][0]["fetched"] == 1 and len(found["secret"]) >= 12 and found["gone"]
        # The configuration, without what leads to secrets.
        assert "sched.seal_sec" in found["settings"] and "ca.pin_file" in found["settings"]
        assert instance.config.get("ca", "pin_file") not in found["settings"]
        # The log is whole, and says who verified it.
        assert ("Name dieser Installation" if lang == "de" else "name of this installation") in found["settings"]
        assert found["audited"]["codes"] == [] and "/console/certificates" in found["audited"]["link"]
        assert found["intact"] == "true" and found["csv"][0].startswith('"at","actor","action"') and "rest:quickstart" in found["csv"][1]
        assert instance.count("audit", f"action = 'audit.verified' AND actor = 'rest:{auditor.name}'") == 1
    finally:
        rest.delete(f"/policies/{policy}")
