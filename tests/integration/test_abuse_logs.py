"""Secrets are nowhere but where they belong, and nobody writes the log but the processes."""

import base64
import re
import time
import uuid
from pathlib import Path

import pytest

import support


def pieces_of_key(pem):
    """The middle of a private key's base64: what a log would hold of it."""
    body = "".join(line for line in pem.splitlines() if "-----" not in line)
    return [body[len(body) // 2 - 16:len(body) // 2 + 16]]


@pytest.mark.rows("L02", "R17", "R18")
def test_secrets_are_nowhere(instance, rest, default_tenant):
    """Tokens, passwords, one-time codes, the PIN, keys of files and private keys are in no log, no audit row and no table in the clear."""
    canaries = {"the instance's token": instance.token}
    for section, option in (("ca", "pin_file"), ("ca", "master_key_file"), ("ca", "ocsp_key_file")):
        path = Path(instance.config.get(section, option, fallback=""))
        if path.is_file():
            canaries[option] = path.read_text().strip()
    for kind in ("token", "password", "one_time"):
        name, canaries[kind] = default_tenant.account("requestor", kind)
        if kind != "token":
            made = instance.rest(source=support.new_address()).post("/tokens", headers={"Authorization": support.basic(name, canaries[kind])})
            assert made.status == 201
            canaries[f"token by {kind}"] = made.attributes["token"]
            canaries[f"basic {kind}"] = support.basic(name, canaries[kind]).split()[1]
            instance.rest(canaries[f"token by {kind}"]).issue("cert_device")
            support.est_enroll(instance, support.csr_der(support.new_csr()), authorization=support.basic(name, canaries[kind]))
        else:
            instance.rest(canaries[kind]).issue("cert_device")
    for key_type in ("p256", "rsa2048"):
        issued = rest.issued("cert_server", key_type=key_type)
        canaries[f"private key {key_type}"] = pieces_of_key(issued["attributes"]["private_key_pem"])[0]
    canaries["password of PKCS#12"] = f"canary-{uuid.uuid4().hex}"
    rest.issued("cert_client", pkcs12_password=canaries["password of PKCS#12"])
    for wrong in ({"pkcs12_password": canaries["password of PKCS#12"], "key_type": "no such"},
                  {"pkcs12_password": canaries["password of PKCS#12"], "no_such": 1}):
        assert canaries["password of PKCS#12"] not in rest.issue("cert_client", **wrong).body.decode()
    assert all(len(c) >= 4 for c in canaries.values()), canaries
    time.sleep(1.5)  # the edge buffers its log for a second
    log = instance.log_text()
    assert len(log) > 1000
    store = "\n".join(row[0] for table in ("audit", "credential", "account", "certificate", "intent", "request")
                      for row in instance.sql(f"SELECT t::text FROM {table} t"))
    config = instance.config_path.read_text()
    arguments = []
    for pids in instance.processes().values():
        for pid in pids:
            try:
                arguments.append(Path(f"/proc/{pid}/cmdline").read_text(errors="replace"))
            except OSError:
                pass
    for place, text in (("log", log), ("store", store), ("configuration", config), ("arguments", "\n".join(arguments))):
        for what, canary in canaries.items():
            if what == "pin_file" and len(canary) < 8:
                continue  # too short to be told from other digits
            assert canary not in text, f"{what} is in the {place}"


@pytest.mark.rows("L01")
def test_nobody_else_writes_the_log(instance, rest, stranger):
    mark = uuid.uuid4().hex
    hostile = [f"{mark}\r\ntime=\"2026\" level=\"error\" event=\"forged\"", f"{mark}\x1b[31mred\x1b[0m", f"{mark}\" event=\"forged", f"{mark}\\",
               f"{mark}\u2028forged", f"{mark}" + "x" * 3000]
    for text in hostile:
        rest.issue("cert_client", cn=text)
        rest.issue("cert_device", profile=text)
        rest.issue("cert_device", ca=text)
        rest.issue("cert_device", **{text: 1})
        header = text.replace("\r", "%0d").replace("\n", "%0a").encode("utf-8").decode("latin-1")
        rest.get("/certificates", headers={"User-Agent": header, "X-Request-Id": header})
        quoted = "".join(f"%{b:02x}" for b in text.encode())
        rest.get(f"/certificates/{quoted[:3000]}")
        rest.get(f"/{quoted[:3000]}?filter[{quoted[:300]}]=1")
        stranger.post("/tokens", headers={"Authorization": "Basic " + base64.b64encode(f"{text}:x".encode()).decode()})
    time.sleep(1.5)
    for path in instance.log_files():
        for line in path.read_text(errors="replace").split("\n"):
            assert not re.match(r'(\S+ )?time="2026" level="error" event="forged"', line), (path, line)
            assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\x1b]", line), (path, line)
            assert mark not in line or not re.search(r'[^\\]" event="forged"', line), (path, line)
            if mark in line and path.parent.name.startswith("siegel-"):
                assert len(line) < 4096, (path, len(line))
