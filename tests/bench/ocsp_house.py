#!/usr/bin/env python3
"""Fills a store with what an OCSP responder needs, without an engine: a CA, its signer, and certificates by the thousand.

    ocsp_house.py FOLDER COUNT     run under tests/unit/with-postgres; writes into FOLDER

FOLDER gets siegel.conf, ca.pem, ocsp.key and serials.txt (hexadecimal). One serial in ten is revoked.
"""

import datetime
import hmac
import os
import secrets
import subprocess
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DER, PEM = serialization.Encoding.DER, serialization.Encoding.PEM


def certificate(subject, key, issuer, issuer_key, *extensions, days=30):
    now = datetime.datetime.utcnow()
    builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
               .serial_number(secrets.randbits(126) | 1 << 126).not_valid_before(now - datetime.timedelta(minutes=5))
               .not_valid_after(now + datetime.timedelta(days=days)))
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(issuer_key, hashes.SHA256())


def name(cn):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, cn)])


def wrap(key, serial, wrap_key):
    nonce = secrets.token_bytes(12)
    plain = key.private_bytes(DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return nonce + AESGCM(wrap_key).encrypt(nonce, plain, b"ocsp-signer:" + serial.hex().encode())


def rows(ca, signer, wrapped, wrap_key, serials):
    """The SQL that fills the store."""
    fingerprint = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    serial = signer.serial_number.to_bytes(16, "big")
    yield f"""INSERT INTO tenant (name) VALUES ('bench');
INSERT INTO ca (tenant_id, name, status, subject, certificate, ski, spki_hash, key_ref, not_before, not_after, ocsp_url, crl_url, ca_url,
                crl_interval_sec, crl_overlap_sec)
SELECT id, 'issuing', 'active', '{ca.subject.rfc4514_string()}', '\\x{ca.public_bytes(DER).hex()}', '\\x{fingerprint.hex()}',
       '\\x{secrets.token_hex(32)}', 'file:none', now(), now() + interval '10 days', '', '', '', 3600, 0 FROM tenant;
INSERT INTO ocsp_signer SELECT id, '\\x{serial.hex()}', '\\x{signer.public_bytes(DER).hex()}', '\\x{wrapped.hex()}',
       now() - interval '1 minute', now() + interval '9 days' FROM ca;
CREATE TEMP TABLE s (n serial, serial bytea);
COPY s (serial) FROM stdin;
"""
    yield "".join(f"\\\\x{s}\n" for s in serials) + "\\.\n"
    key = hmac.digest(wrap_key, b"siegel certificate status", "sha256").ljust(64, b"\0")
    for pad, octet in (("inner", 0x36), ("outer", 0x5C)):
        yield f"SELECT set_config('siegel.status_{pad}', '{bytes(b ^ octet for b in key).hex()}', false) = '';\n"
    yield """INSERT INTO certificate (tenant_id, ca_id, profile_id, serial, status, subject, common_name, names, not_before, not_after,
                         spki_hash, der, requestor, source, revoked_at, reason)
SELECT t.id, c.id, 1, s.serial, CASE WHEN n % 10 = 0 THEN 2 ELSE 1 END, 'CN=x', 'x', '{}', now(), now() + interval '1 day',
       decode(md5(n::text), 'hex'), '\\x00', 'bench', 'bench', CASE WHEN n % 10 = 0 THEN now() END, CASE WHEN n % 10 = 0 THEN 1 END
  FROM s, tenant t, ca c;
ANALYZE certificate;
"""


def main():
    folder, count = Path(sys.argv[1]), int(sys.argv[2])
    ca_key, signer_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = name("Bench Issuing CA")
    ca = certificate(ca_name, ca_key, ca_name, ca_key, (x509.BasicConstraints(True, None), True),
                     (x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), False))
    signer = certificate(name("Bench OCSP signer"), signer_key, ca_name, ca_key,
                         (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), False), (x509.OCSPNoCheck(), False), days=9)
    wrap_key = secrets.token_bytes(32)
    serials = [(secrets.randbits(126) | 1 << 126).to_bytes(16, "big").hex() for _ in range(count)]
    wrapped = wrap(signer_key, signer.serial_number.to_bytes(16, "big"), wrap_key)
    sql = "SET search_path = siegel;\n" + "".join(rows(ca, signer, wrapped, wrap_key, serials))
    host = Path(os.environ["SIEGEL_TEST_DIR"]) / "socket"
    subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", str(host), "-U", "postgres", "-d", "siegel"], input=sql, text=True,
                   check=True)
    (folder / "ca.pem").write_bytes(ca.public_bytes(PEM))
    (folder / "serials.txt").write_text("\n".join(serials) + "\n")
    key_file = folder / "ocsp.key"
    key_file.touch(0o600)
    key_file.write_text(wrap_key.hex() + "\n")
    (folder / "siegel.conf").write_text(f"[database]\nhost = {host}\n[sockets]\ndir = {folder}\n[va]\nocsp_key_file = {key_file}\n")


if __name__ == "__main__":
    main()
