"""What somebody changes in the store behind the engine's back is noticed: status of certificates, and the audit log by its seals."""

import os
import pathlib
import subprocess
import tempfile
import uuid

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import support


def ocsp(instance, resource, tmp_path):
    """What openssl makes of the answer."""
    issuer, anchor = tmp_path / "issuer.pem", tmp_path / "root.pem"
    issuer.write_text(resource["attributes"]["chain_pem"])
    anchor.write_bytes(open(instance.root, "rb").read())
    done = subprocess.run(["openssl", "ocsp", "-issuer", issuer, "-serial", "0x" + resource["attributes"]["serial"], "-url", instance.ocsp_url, "-CAfile", anchor,
                           "-verify_other", issuer], capture_output=True, timeout=30, text=True)
    return done.stdout + done.stderr


@pytest.mark.rows("D05")
@pytest.mark.parametrize("change", [
    "status = 1, revoked_at = NULL, reason = NULL", "status = 3, reason = 6", "revoked_at = revoked_at - interval '1 day'", "reason = 1", "mac = NULL",
])
def test_a_status_that_was_changed_is_no_answer(instance, rest, tmp_path, change):
    resource = rest.issued()
    assert ": good" in ocsp(instance, resource, tmp_path)
    assert rest.post(f"/certificates/{resource['id']}/revoke", {"data": {"type": "revocation", "attributes": {"reason": "superseded"}}}).status == 200
    support.wait_until(lambda: "revoked" in ocsp(instance, resource, tmp_path), 10)
    instance.sql(f"UPDATE certificate SET {change} WHERE id = {int(resource['id'])}")
    answer = support.wait_until(lambda: (lambda a: a if "internalerror" in a else None)(ocsp(instance, resource, tmp_path)), 10)
    assert "good" not in answer
    support.wait_until(lambda: "not by the engine" in instance.log_text(), 5)


@pytest.mark.rows("D05")
def test_a_certificate_that_was_put_in_is_no_answer(instance, rest, tmp_path):
    resource = rest.issued()
    serial = "5a" + uuid.uuid4().hex[2:]  # a leading zero wouldn't be in a request
    instance.sql("INSERT INTO certificate (tenant_id, ca_id, profile_id, serial, subject, common_name, names, not_before, not_after, spki_hash, der, requestor, source)"
                 f" SELECT tenant_id, ca_id, profile_id, '\\x{serial}', subject, common_name, names, not_before, not_after, spki_hash, der, requestor, source"
                 f" FROM certificate WHERE id = {int(resource['id'])}")
    resource["attributes"]["serial"] = serial
    try:
        assert "internalerror" in ocsp(instance, resource, tmp_path)
    finally:
        instance.sql(f"DELETE FROM certificate WHERE serial = '\\x{serial}'")


@pytest.fixture
def shared():
    """A folder that the services' user can write to as well."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        yield pathlib.Path(folder)


@pytest.mark.rows("L05")
def test_seals_tell_what_was_cut_off(instance, shared):
    key = shared / "seal.pem"
    shown = instance.siegelctl("audit", "seal", "--key-out", str(key)).stdout
    assert shown.startswith("# heads ") and "# seal " in shown and "BEGIN PUBLIC KEY" in key.read_text()
    kept = shared / "kept"
    kept.write_text(shown)
    good = instance.siegelctl("audit", "verify", "--key", str(key), "--anchors", str(kept))
    assert "nothing is missing or altered" in good.stdout
    other = shared / "other.pem"
    other.write_bytes(support.new_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    assert instance.siegelctl("audit", "verify", "--key", str(other), "--anchors", str(kept), check=False).returncode != 0
    lines = shown.splitlines(keepends=True)
    for change in (lines[:1] + lines[2:], lines[:-1] + [lines[-1][:-5] + "0000\n"], [lines[0], lines[1].replace(lines[1].split()[3], "0" * 64)] + lines[2:]):
        kept.write_text("".join(change))
        done = instance.siegelctl("audit", "verify", "--key", str(key), "--anchors", str(kept), check=False)
        assert done.returncode != 0, change
