#!/usr/bin/env python3
"""What many CAs cost: start of the engine to the first certificate, memory of each process, processor time while idle.

    SIEGEL_RUN=FOLDER bench_cas.py [--cas 10000] [--token 200] [--idle 60] [--issued]

FOLDER is a private instance (packaging/instance) that nobody needs afterwards. The CAs are roots of their own, their keys in the encrypted
file store, put there as the engine would do it; --token makes some more on the token, by the engine. With --issued each CA has a
certificate and so a CRL and an OCSP signer, which the bench waits for.
"""

import argparse
import datetime
import hashlib
import os
import pathlib
import secrets
import subprocess
import sys
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import NameOID

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
import proc     # noqa: E402
import support  # noqa: E402

DER = serialization.Encoding.DER
COLUMNS = ("tenant_id, name, status, subject, certificate, ski, spki_hash, key_ref, key_type, not_before, not_after, ocsp_url, crl_url, ca_url, "
           "crl_interval_sec, crl_overlap_sec")


def make_ca(n, tag, master, folder, owner):
    """A root with its key in the file store; its row for COPY."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Bench CA {n}"), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Bench")])
    ski = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    end = now + datetime.timedelta(days=3650)
    cert = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(secrets.randbits(126) | 1 << 126)
            .not_valid_before(now - datetime.timedelta(minutes=1)).not_valid_after(end).add_extension(x509.BasicConstraints(True, None), True)
            .add_extension(usage, True).add_extension(ski, False)
            .add_extension(x509.AuthorityKeyIdentifier(ski.digest, None, None), False).sign(key, hashes.SHA256()))
    ref, nonce = secrets.token_hex(20), secrets.token_bytes(12)
    plain = key.private_bytes(DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / f"{ref}.key"
    path.write_bytes(nonce + AESGCM(master).encrypt(nonce, plain, f"key-store:{ref}".encode()))
    path.chmod(0o600)
    os.chown(path, *owner)
    spki = key.public_key().public_bytes(DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    h = ski.digest.hex()
    return "\t".join(["1", f"{tag}-{n}", "active", f"O=Bench,CN=Bench CA {n}", f"\\\\x{cert.public_bytes(DER).hex()}", f"\\\\x{h}",
                      f"\\\\x{hashlib.sha256(spki).hexdigest()}", f"file:{ref}", "p256", str(now), str(end), "http://localhost/ocsp",
                      f"http://localhost/crl/{h}.crl", f"http://localhost/ca/{h}.crt", "86400", "518400"])


def add_cas(instance, count, tag):
    master = bytes.fromhex(pathlib.Path(instance.config["ca"]["master_key_file"]).read_text().strip())
    folder = pathlib.Path(instance.config["ca"]["key_dir"])
    at = folder.stat()
    began = time.monotonic()
    rows = [make_ca(n, tag, master, folder, (at.st_uid, at.st_gid)) for n in range(count)]
    db = instance.config["database"]
    command = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", db["host"], "-p", db.get("port", "5432"), "-U", "siegel_owner", "-d", db["name"]]
    script = (f"CREATE TEMP TABLE s AS SELECT {COLUMNS} FROM siegel.ca LIMIT 0;\nCOPY s FROM STDIN;\n" + "\n".join(rows) +
              f"\n\\.\nINSERT INTO siegel.ca ({COLUMNS}) SELECT {COLUMNS} FROM s;\n")
    subprocess.run(instance.as_service(command), input=script, text=True, check=True, cwd="/", stdout=subprocess.DEVNULL)
    return time.monotonic() - began


def restart(instance, service):
    """Ends the service by its supervisor and waits for nothing."""
    subprocess.run(["sv", "-w", "30", "restart", str(instance.run / "service" / service)], check=True, capture_output=True)


def first_certificate(rest, ca):
    began = time.monotonic()
    while time.monotonic() - began < 120:
        if rest.issue("cert_client", cn="first", ca=ca).status == 201:
            return time.monotonic() - began
        time.sleep(0.01)
    raise SystemExit("no certificate within two minutes")


def all_processes(instance):
    groups = {name: list(pids) for name, pids in instance.processes().items() if name != "nginx"}
    groups["postgresql"] = [int(p) for p in subprocess.run(["pgrep", "-f", str(instance.run / "pg")], capture_output=True, text=True).stdout.split()]
    parent = {}
    for entry in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            text = entry.read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        parent.setdefault(int(text.rsplit(") ", 1)[1].split()[1]), []).append(int(entry.parent.name))
    for pids in groups.values():
        for pid in pids:
            pids.extend(p for p in parent.get(pid, []) if p not in pids)
    return groups


def report(what, figure):
    print(f"| {what} | {figure} |", flush=True)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--cas", type=int, default=10000)
    options.add_argument("--token", type=int, default=0)
    options.add_argument("--idle", type=int, default=60)
    options.add_argument("--issued", action="store_true")
    o = options.parse_args()
    instance = support.Instance()
    rest = instance.rest(instance.token)
    tag = f"b{secrets.token_hex(3)}"
    report("CAs before", instance.count("ca"))
    if o.cas:
        report(f"{o.cas} CAs put into the store", f"{add_cas(instance, o.cas, tag):.1f} s")
    began = time.monotonic()
    for n in range(o.token):
        body = {"name": f"{tag}-t{n}", "subject": [["CN", f"Token {n}"]], "key_type": "p256", "offline": False}
        answer = rest.post("/cas", {"data": {"type": "cas", "attributes": body}})
        assert answer.status == 201, answer
    if o.token:
        report(f"{o.token} CAs made on the token by REST", f"{time.monotonic() - began:.1f} s")
    if o.issued:
        for n in range(o.cas):
            assert rest.issue("cert_client", cn="x", ca=f"{tag}-{n}").status == 201
        began = time.monotonic()
        support.wait_until(lambda: instance.count("ocsp_signer s JOIN ca ON ca.id = ca_id", f"name LIKE '{tag}-%'") >= o.cas, 3600, 1)
        report("signers of all, after the last certificate", f"{time.monotonic() - began:.1f} s")
    subprocess.run(["sv", "-w", "30", "stop", str(instance.run / "service" / "siegel-ca")], check=True, capture_output=True)
    last = f"{tag}-{o.cas - 1}" if o.cas else f"{tag}-t{o.token - 1}"
    began = time.monotonic()
    subprocess.run(["sv", "start", str(instance.run / "service" / "siegel-ca")], check=True, capture_output=True)
    first_certificate(rest, last)
    report("engine's start to the first certificate, of the last CA", f"{time.monotonic() - began:.2f} s")
    for service in ("siegel-va", "siegel-sched"):
        restart(instance, service)
    time.sleep(5)
    if o.token:
        report("first certificate of a CA on the token", f"{first_certificate(rest, f'{tag}-t0'):.2f} s")
    before = {name: proc.cpu_us(pids) for name, pids in all_processes(instance).items()}
    time.sleep(o.idle)
    for name, pids in all_processes(instance).items():
        used = (proc.cpu_us(pids) - before.get(name, 0)) / 1e6 * 60 / o.idle
        memory = [f"{proc.memory_kib(p, 'VmRSS')[0] / 1024:.0f}" for p in sorted(set(pids))]
        if name == "postgresql":
            memory = [f"{len(memory)} processes"]
        report(f"{name}: processor time a minute while idle; resident MB of each process", f"{used:.2f} s; {', '.join(memory)}")


if __name__ == "__main__":
    main()
