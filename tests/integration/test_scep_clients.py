"""SCEP by other implementations: strongSwan's pki, certmonger's helper and its daemon."""

import os
import shutil
import subprocess
import uuid

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import NameOID

import scep
import support

PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER
SUBMIT = "/usr/lib/certmonger/scep-submit"


def unique():
    return f"device-{uuid.uuid4().hex[:10]}.example"


def run(*command, cwd=None, timeout=60, status=0, env=None):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, cwd=cwd, timeout=timeout, env=env)
    assert done.returncode == status, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def common_name(certificate):
    return certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value


# ---------------------------------------------------------------- strongSwan


@pytest.fixture(scope="module")
def swan(rest):
    """Debian 12's pki takes each capability for another one's: it wants all of them announced (doc/scep.md)."""
    return scep.ready(scep.Profile(rest, auth=["challenge", "certificate"], settings={"capabilities": "all"}))


@pytest.fixture
def folder(swan, tmp_path):
    """What pki writes of the CA: the issuing CA's, the root's and the registration authority's certificate."""
    run("pki", "--scepca", "--url", swan.client.url, "--caout", "ca.pem", "--raout", "ra.pem", "--outform", "pem", cwd=tmp_path)
    written = [support.load_cert(p.read_text()) for p in tmp_path.glob("*.pem")]
    assert {c.public_bytes(DER) for c in written} == {c.public_bytes(DER) for c in swan.client.ca_certs}
    for one in tmp_path.glob("ca*.pem"):
        certificate = support.load_cert(one.read_text())
        one.rename(tmp_path / ("root.pem" if certificate.subject == certificate.issuer else "issuing.pem"))
    return tmp_path


def pki_scep(folder, swan, key, cn, *more, cipher="aes", digest="sha256", **kw):
    [ra] = folder.glob("ra*.pem")
    out = run("pki", "--scep", "--url", swan.client.url, "--in", key, "--dn", f"C=DE, O=Plant, CN={cn}", "--cacert-enc", ra, "--cacert-sig", ra, "--cacert",
              "issuing.pem", "--cacert", "root.pem", "--cipher", cipher, "--digest", digest, "--outform", "pem", *more, cwd=folder, **kw)
    return support.load_cert(out)


@pytest.mark.parametrize("bits", [2048, 4096])
@pytest.mark.parametrize("digest", ["sha256", "sha512"])
def test_strongswan(folder, swan, bits, digest):
    cn, key = unique(), scep.rsa_key(bits)
    (folder / "key").write_bytes(support.key_pem(key))
    certificate = pki_scep(folder, swan, "key", cn, "--password", swan.challenge, "--san", cn, digest=digest)
    assert common_name(certificate) == cn and certificate.public_key().public_numbers() == key.public_key().public_numbers()
    run("openssl", "verify", "-CAfile", "root.pem", "-untrusted", "issuing.pem", support.write_identity(folder, certificate, key)[0], cwd=folder)


def test_strongswan_signs_by_pss(folder, swan):
    """RSASSA-PSS as the message's signature (RFC 4056)."""
    key = scep.rsa_key(2048, "pss")
    (folder / "key").write_bytes(support.key_pem(key))
    certificate = pki_scep(folder, swan, "key", unique(), "--password", swan.challenge, "--rsa-padding", "pss")
    assert certificate.public_key().public_numbers() == key.public_key().public_numbers()


def test_strongswan_renews(folder, swan):
    cn, key = unique(), scep.rsa_key(2048)
    (folder / "key").write_bytes(support.key_pem(key))
    (folder / "new").write_bytes(support.key_pem(scep.rsa_key(2048, "b")))
    certificate = pki_scep(folder, swan, "key", cn, "--password", swan.challenge)
    (folder / "old.crt").write_bytes(certificate.public_bytes(PEM))
    renewed = pki_scep(folder, swan, "new", cn, "--cert", "old.crt", "--key", "key")
    assert renewed.subject == certificate.subject and renewed.serial_number != certificate.serial_number
    assert renewed.public_key().public_numbers() == scep.rsa_key(2048, "b").public_key().public_numbers()


def test_ready_commands(rest, swan, tmp_path):
    """The lines that the profile itself gives, as they stand there."""
    attributes = rest.get(f"/scep_profiles/{swan.id}").attributes
    commands = {name: line.replace("CHALLENGE", swan.challenge) for name, line in attributes["commands"].items()}
    shutil.copy(rest.instance.cacert, tmp_path / "root.pem")
    key = scep.rsa_key(2048, "commands")
    (tmp_path / "device.key").write_bytes(support.key_pem(key))

    def shell(name):
        return run("sh", "-c", commands[name], cwd=tmp_path)

    assert "SCEPStandard" in shell("curl_capabilities").split()
    for _ in range(2):  # a second time over what is there
        shell("strongswan_ca")
    shell("strongswan_enroll")
    certificate = support.load_cert((tmp_path / "device.crt").read_text())
    assert common_name(certificate) == "device" and certificate.public_key().public_numbers() == key.public_key().public_numbers()
    next_key = scep.rsa_key(2048, "next")
    (tmp_path / "next.key").write_bytes(support.key_pem(next_key))
    shell("strongswan_renew")
    renewed = support.load_cert((tmp_path / "next.crt").read_text())
    assert renewed.subject == certificate.subject and renewed.public_key().public_numbers() == next_key.public_key().public_numbers()


@pytest.mark.parametrize("cn", ["plain", "it's $(touch hacked); `touch hacked`"])
def test_the_commands_of_a_code(rest, tmp_path, cn):
    """The subject is the one that the code is bound to, and one word to the shell."""
    profile = scep.ready(scep.Profile(rest, auth=["code"], settings={"capabilities": "all"}))
    made = rest.post("/enrollment_codes", {"data": {"type": "enrollment_codes", "attributes": {"scep_profile": profile.label, "common_name": cn}}})
    attributes = rest.get(f"/enrollment_codes/{made.data['id']}").attributes
    secret = made.attributes["secret"]
    assert attributes["url"].endswith(f"/scep/{profile.label}") and secret not in str(attributes)
    (tmp_path / "device.key").write_bytes(support.key_pem(scep.rsa_key(2048, "commands")))
    for name in ("strongswan_ca", "strongswan_enroll"):
        run("sh", "-c", attributes["commands"][name].replace("CHALLENGE", secret), cwd=tmp_path)
    assert common_name(support.load_cert((tmp_path / "device.crt").read_text())) == cn
    assert {f.name for f in tmp_path.iterdir()} == {"ca.pem", "ca-1.pem", "ra.pem", "device.key", "device.crt"}
    assert "CHALLENGE" in attributes["commands"]["certmonger_enroll"]


def test_ready_commands_are_those_that_can_work(rest, swan, monger):
    """strongSwan wants a profile that announces everything, and both want a challenge."""
    def given(profile):
        return {name for name, line in rest.get(f"/scep_profiles/{profile.id}").attributes["commands"].items() if line is not None}

    every = {"curl_capabilities", "strongswan_ca", "strongswan_enroll", "strongswan_renew", "certmonger_ca", "certmonger_enroll", "certmonger_renew"}
    assert given(swan) == every
    assert given(monger) == {name for name in every if not name.startswith("strongswan_")}
    assert given(scep.Profile(rest, auth=["certificate"], settings={"capabilities": "all"})) == every - {
        "strongswan_enroll", "certmonger_enroll"}
    assert given(scep.Profile(rest, auth=["challenge"], settings={"capabilities": "all"})) == every - {"strongswan_renew", "certmonger_renew"}


@pytest.mark.rows("C03")
def test_strongswan_with_a_wrong_challenge(folder, swan):
    (folder / "key").write_bytes(support.key_pem(scep.rsa_key()))
    with pytest.raises(AssertionError, match="badRequest"):
        pki_scep(folder, swan, "key", unique(), "--password", "wrong" * 4)


def test_strongswan_waits_for_people(rest, folder, swan):
    """PENDING, then CertPoll until somebody approved."""
    cn = unique()
    (folder / "key").write_bytes(support.key_pem(scep.rsa_key()))
    answer = rest.post("/policies", {"data": {"type": "policies", "attributes": {
        "name": f"w{uuid.uuid4().hex[:8]}", "enabled": True, "rules": [{"name": "look", "when": f'$.subject.CN == "{cn}"', "message": "waits",
                                                                        "approve": {"count": 1, "right": "approvals.decide"}}]}}})
    assert answer.status == 201, answer
    try:
        [ra] = folder.glob("ra*.pem")
        process = subprocess.Popen(["pki", "--scep", "--url", swan.client.url, "--in", "key", "--dn", f"CN={cn}", "--password", swan.challenge, "--cacert-enc",
                                    ra, "--cacert-sig", ra, "--cacert", "issuing.pem", "--cacert", "root.pem", "--interval", "1", "--maxpolltime", "30",
                                    "--outform", "pem"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        waiting = support.wait_until(lambda: [a for a in rest.get("/approvals?filter[status]=open").data if cn in str(a)], 20)
        assert process.poll() is None
        assert rest.post(f"/approvals/{waiting[0]['id']}/approve", {"data": {"type": "approve", "attributes": {}}}).status == 200
        out, err = process.communicate(timeout=40)
        assert process.returncode == 0, err
        assert common_name(support.load_cert(out)) == cn
    finally:
        rest.delete(f"/policies/{answer.data['id']}")


# ---------------------------------------------------------------- certmonger


@pytest.fixture(scope="module")
def monger(rest):
    return scep.ready(scep.Profile(rest, auth=["challenge", "certificate"]))


def test_certmongers_helper(monger):
    assert "SCEPStandard" in run(SUBMIT, "-u", monger.client.url, "-c").split()
    out = run(SUBMIT, "-u", monger.client.url, "-C")
    found = support.load_pem_chain(out)
    assert found[0] == monger.client.ras[0]  # the registration authority first, then the CA, then what is above it
    assert {c.public_bytes(DER) for c in found} == {c.public_bytes(DER) for c in monger.client.ca_certs}


CERTMONGER = """
set -e
/usr/lib/certmonger/certmonger-session -n -d 1 >daemon.log 2>&1 &
daemon=$!
trap 'kill $daemon; wait $daemon || :' EXIT
for i in $(seq 80); do getcert list-cas -s >/dev/null 2>&1 && break; sleep 0.5; done
getcert add-scep-ca -s -c siegel -u "$1" -R "$PWD/root.pem"
for i in $(seq 80); do getcert list-cas -s | grep -q thumbprint && break; sleep 0.5; done
getcert request -s -c siegel -f "$PWD/tracked.crt" -k "$PWD/tracked.key" -N "CN=$3" -D "$3" -L "$2" -w -v
getcert list -s >first.txt
cp tracked.crt first.crt
getcert resubmit -s -f "$PWD/tracked.crt" -w -v
getcert list -s >second.txt
"""


# As they stand in the profile, but for the bus.
CERTMONGERS_READY_COMMANDS = """
set -e
/usr/lib/certmonger/certmonger-session -n -d 1 >daemon.log 2>&1 &
daemon=$!
trap 'kill $daemon; wait $daemon || :' EXIT
getcert() { local what=$1; shift; command getcert "$what" -s "$@"; }
for i in $(seq 80); do getcert list-cas >/dev/null 2>&1 && break; sleep 0.5; done
eval "$1"
eval "$2 -v"
cp device.crt first.crt
eval "$3 -v"
getcert list
"""


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("dbus-run-session"), reason="there is no D-Bus here")
def test_certmongers_ready_commands(monger, tmp_path):
    commands = monger.rest.get(f"/scep_profiles/{monger.id}").attributes["commands"]
    (tmp_path / "script").write_text(CERTMONGERS_READY_COMMANDS)
    out = run("dbus-run-session", "--", "bash", "script", commands["certmonger_ca"], commands["certmonger_enroll"].replace("CHALLENGE", monger.challenge),
              commands["certmonger_renew"], cwd=tmp_path, timeout=120, env={**os.environ, "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)})
    assert "status: MONITORING" in out, out
    first, certificate = (support.load_cert((tmp_path / f"{name}.crt").read_text()) for name in ("first", "device"))
    key = load_pem_private_key((tmp_path / "device.key").read_bytes(), None)
    assert common_name(certificate) == "device" and first.serial_number != certificate.serial_number and key.public_key().public_numbers() == certificate.public_key().public_numbers()


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("dbus-run-session"), reason="there is no D-Bus here")
def test_certmongers_daemon(monger, tmp_path):
    """To a certificate that is tracked, and renewed by a RenewalReq."""
    cn = unique()
    [root] = [c for c in monger.client.ca_certs if c.subject == c.issuer]
    (tmp_path / "root.pem").write_bytes(root.public_bytes(PEM))
    (tmp_path / "script").write_text(CERTMONGER)
    # Its own home: nothing of the machine's is touched.
    run("dbus-run-session", "--", "bash", "script", monger.client.url, monger.challenge, cn, cwd=tmp_path, timeout=120,
        env={**os.environ, "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)})
    first, second = (support.load_cert((tmp_path / f"{name}.crt").read_text()) for name in ("first", "tracked"))
    assert common_name(first) == common_name(second) == cn and first.serial_number != second.serial_number
    for name in ("first", "second"):
        assert "status: MONITORING" in (tmp_path / f"{name}.txt").read_text()
    key = load_pem_private_key((tmp_path / "tracked.key").read_bytes(), None)
    assert key.public_key().public_numbers() == second.public_key().public_numbers()
    lines = [line for line in monger.rest.instance.log_text().splitlines() if f"/scep/{monger.label}" in line and "PKIOperation" in line]
    assert any('type="PKCSReq"' in line and 'evidence="challenge"' in line for line in lines)
    assert any('evidence="certificate"' in line and 'pki_status="success"' in line for line in lines), lines
