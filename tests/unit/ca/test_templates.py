#!/usr/bin/python3
"""Certificates from each template, as other implementations see them: OpenSSL (strict), GnuTLS, NSS, python-cryptography and asn1crypto.

issue_templates makes them: a hierarchy from the templates of CAs, and below it a certificate from each other template with each type of key.
A template more is found by itself; what it must look like is a row of EXPECTED.
"""
import glob
import os
import subprocess
import sys
import tempfile

from asn1crypto import core, keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtensionOID

CA = {"root-ca", "sub-ca", "sub-ca-policy", "sub-ca-tls", "sub-ca-domain"}
SIGN, COMMIT, ENCIPHER, DATA, AGREE = "Digital Signature", "Non Repudiation", "Key Encipherment", "Data Encipherment", "Key Agreement"
PKIX = "1.3.6.1.5.5.7.3."  # purposes: RFC 5280 4.2.1.12
SERVER, CLIENT = PKIX + "1", PKIX + "2"
# template: key usage with an RSA key (None: it takes none), with another key, purposes, OpenSSL's purpose, purpose for
# certtool, usage for certutil
EXPECTED = {
    "server": ([SIGN, ENCIPHER], [SIGN], [SERVER], "sslserver", "1.3.6.1.5.5.7.3.1", "V"),
    "server-short": ([SIGN, ENCIPHER], [SIGN], [SERVER], "sslserver", "1.3.6.1.5.5.7.3.1", "V"),
    "client": ([SIGN, ENCIPHER], [SIGN], [CLIENT], "sslclient", "1.3.6.1.5.5.7.3.2", "C"),
    "device": ([SIGN, ENCIPHER], [SIGN], [CLIENT, SERVER], "sslclient", "1.3.6.1.5.5.7.3.2", "V"),
    "idevid": ([SIGN, ENCIPHER], [SIGN], [CLIENT], "sslclient", "1.3.6.1.5.5.7.3.2", "C"),
    "ldevid": ([SIGN, ENCIPHER], [SIGN], [CLIENT], "sslclient", "1.3.6.1.5.5.7.3.2", "C"),
    "opcua": ([SIGN, COMMIT, ENCIPHER, DATA], [SIGN, COMMIT], [SERVER, CLIENT], "sslserver", "1.3.6.1.5.5.7.3.1", "V"),
    "8021x-machine": ([SIGN, ENCIPHER], [SIGN], [CLIENT, "1.3.6.1.5.5.7.3.14"], "sslclient", "1.3.6.1.5.5.7.3.2", "C"),
    "8021x-user": ([SIGN, ENCIPHER], [SIGN], [CLIENT, "1.3.6.1.5.5.7.3.14"], "sslclient", "1.3.6.1.5.5.7.3.2", "C"),
    "code-signing": ([SIGN], [SIGN], [PKIX + "3"], "any", "1.3.6.1.5.5.7.3.3", None),  # NSS wants a purpose in the CA, too
    "time-stamping": ([SIGN], [SIGN], [PKIX + "8"], "timestampsign", "1.3.6.1.5.5.7.3.8", None),
    "ocsp-signer": (None, [SIGN], [PKIX + "9"], "ocsphelper", "1.3.6.1.5.5.7.3.9", "O"),
    "document-signing": ([SIGN, COMMIT], [SIGN, COMMIT], ["1.3.6.1.5.5.7.3.36"], "any", "1.3.6.1.5.5.7.3.36", None),
    "smime": ([SIGN, ENCIPHER], [SIGN, AGREE], [PKIX + "4"], "smimesign", "1.3.6.1.5.5.7.3.4", "S"),
    "smime-encryption": ([ENCIPHER], [AGREE], [PKIX + "4"], "smimeencrypt", "1.3.6.1.5.5.7.3.4", "R"),
    "smartmeter-tls": (None, [SIGN], [SERVER, CLIENT], "sslserver", "1.3.6.1.5.5.7.3.1", "V"),
    "smartmeter-enc": (None, [AGREE], [], "any", None, None),
    "smartmeter-sig": (None, [SIGN], [], "any", None, None),
}
CRITICAL = {"2.5.29.15", "2.5.29.19", "2.5.29.30"}  # key usage, basic constraints, name constraints
# GnuTLS 3.7 and NSS know neither these curves nor Ed25519 in all places: OpenSSL alone judges them.
ODD_KEYS = ("brainpool", "ed", "mldsa", "slhdsa", "mlkem")
problems = []


def run(*command, data=None):
    done = subprocess.run(command, input=data, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def check(ok, path, what):
    if not ok:
        problems.append(f"{os.path.basename(path)}: {what}")


def template_of(path):
    return os.path.basename(path)[:-4].split("--")[0]


def key_of(path):
    return os.path.basename(path)[:-4].partition("--")[2]


def section(text, head):
    """The line below a heading of `openssl x509 -text`, and whether it says critical."""
    lines = text.splitlines()
    for i, line in enumerate(lines):
        if line.strip().startswith(head):
            return [w.strip() for w in lines[i + 1].split(",")], line.rstrip().endswith("critical")
    return [], False


def openssl(folder, paths):
    for path in paths:
        template, key = template_of(path), key_of(path)
        code, text = run("openssl", "x509", "-in", path, "-noout", "-text")
        check(code == 0 and "INVALID" not in text.upper() and "PARSE ERROR" not in text.upper(), path, f"openssl x509: {text[-200:]}")
        if template in CA:
            check(section(text, "X509v3 Key Usage") == (["Certificate Sign", "CRL Sign"], True), path, "key usage of a CA")
        else:
            rsa, other, _, purpose, _, _ = EXPECTED[template]
            enciphers = key.startswith(("rsa", "mlkem"))  # ML-KEM: RFC 9935 5
            want = rsa if enciphers else other
            have, critical = section(text, "X509v3 Key Usage")
            check(have == want and critical, path, f"key usage is {have}, {want} is wanted")
            check(("Not After : Dec 31 23:59:59 9999 GMT" in text) == (template == "idevid"), path, "end of the validity")
            if purpose == "smimeencrypt" and not enciphers:
                purpose = "any"  # OpenSSL wants keyEncipherment; NSS takes keyAgreement
            code, text = run("openssl", "verify", "-x509_strict", "-policy_check", "-purpose", purpose, "-CAfile", f"{folder}/root-ca.pem",
                             "-untrusted", f"{folder}/sub-ca.pem", "-untrusted", f"{folder}/sub-ca-policy.pem", path)
            check(code == 0, path, f"openssl verify: {text}")
    for sub in ("sub-ca", "sub-ca-tls", "sub-ca-domain"):
        code, text = run("openssl", "verify", "-x509_strict", "-CAfile", f"{folder}/root-ca.pem", "-untrusted", f"{folder}/sub-ca-policy.pem",
                         f"{folder}/{sub}.pem")
        check(code == 0, sub, f"openssl verify: {text}")


def gnutls(folder, paths):
    """A chain that is verified for a purpose, with the demands of a security profile."""
    for path in paths:
        template = template_of(path)
        if key_of(path).startswith(ODD_KEYS):
            continue
        code, text = run("certtool", "-i", "--infile", path)
        said = [line for line in text.splitlines() if "error" in line.lower() or "warning" in line.lower()]
        check(code == 0 and not said, path, f"certtool -i: {said}")
        if template in CA:
            continue
        chain = "".join(open(p, encoding="ascii").read() for p in (path, f"{folder}/sub-ca.pem", f"{folder}/sub-ca-policy.pem"))
        purpose = EXPECTED[template][4]
        code, text = run("certtool", "--verify", "--verify-profile", "medium", "--load-ca-certificate", f"{folder}/root-ca.pem",
                         *(["--verify-purpose", purpose] if purpose else []), data=chain)
        check(code == 0 and "Verified" in text, path, f"certtool --verify: {text[-300:]}")


def nss(folder, paths):
    database = f"sql:{folder}/nss"
    os.mkdir(f"{folder}/nss")
    run("certutil", "-N", "-d", database, "--empty-password")
    for ca, trust in (("root-ca", "CT,C,C"), ("sub-ca-policy", ",,"), ("sub-ca", ",,"), ("sub-ca-tls", ",,"), ("sub-ca-domain", ",,")):
        code, text = run("certutil", "-A", "-d", database, "-n", ca, "-t", trust, "-a", "-i", f"{folder}/{ca}.pem")
        check(code == 0, ca, f"certutil -A: {text}")
    for ca in ("sub-ca-policy", "sub-ca", "sub-ca-tls", "sub-ca-domain"):
        code, text = run("certutil", "-V", "-e", "-d", database, "-n", ca, "-u", "L")
        check(code == 0, ca, f"certutil -V -u L: {text}")
    for path in paths:
        usage = EXPECTED.get(template_of(path), (None,) * 6)[5]
        if not usage or key_of(path).startswith(ODD_KEYS):
            continue
        name = os.path.basename(path)
        run("certutil", "-A", "-d", database, "-n", name, "-t", ",,", "-a", "-i", path)
        code, text = run("certutil", "-V", "-e", "-d", database, "-n", name, "-u", usage)
        check(code == 0 and "certificate is valid" in text, path, f"certutil -V -u {usage}: {text}")
        run("certutil", "-D", "-d", database, "-n", name)


# The kinds of keys that asn1crypto has names for; it can't read another one's certificate at all.
named_key = keys.PublicKeyInfo._spec_callbacks["public_key"]


def key_spec(info):
    """A key of another algorithm is octets (RFC 9881, RFC 9909, RFC 9935)."""
    try:
        return named_key(info)
    except KeyError:
        return core.OctetBitString, None


keys.PublicKeyInfo._spec_callbacks = {"public_key": key_spec}


def public_key(info, path):
    """The outer structure: an algorithm, without parameters where asn1crypto doesn't know it, and the key."""
    try:
        named_key(info)
    except KeyError:
        check(isinstance(info["algorithm"]["parameters"], core.Void), path, "the algorithm of the key has parameters")
        check(len(info["public_key"].native) >= 32, path, "the key is too short")


def python(paths):
    """Each extension is read; what is written again from what was read has the same octets, so it was DER."""
    for path in paths:
        with open(path, "rb") as f:
            pem = f.read()
        certificate = x509.load_pem_x509_certificate(pem)
        critical = {e.oid.dotted_string for e in certificate.extensions if e.critical}
        allowed = CRITICAL | ({"2.5.29.37"} if template_of(path) == "time-stamping" else set())
        check(critical <= allowed and {"2.5.29.15", "2.5.29.19"} <= critical, path, f"critical: {critical}")
        if template_of(path) in EXPECTED:
            wanted = EXPECTED[template_of(path)][2]
            have = [e for e in certificate.extensions if e.oid == ExtensionOID.EXTENDED_KEY_USAGE]
            have = [p.dotted_string for e in have for p in e.value]
            check(have == wanted, path, f"purposes are {have}, {wanted} are wanted")
        der = certificate.public_bytes(Encoding.DER)
        again = asn1_x509.Certificate.load(der, strict=True)
        _ = again.native  # reads all of it
        check(again.dump(force=True) == der, path, "asn1crypto writes it otherwise")
        public_key(again["tbs_certificate"]["subject_public_key_info"], path)
        check(again.self_issued == (template_of(path) == "root-ca"), path, "self-issued")
        ski, aki = again.key_identifier_value.native, again.authority_key_identifier_value.native["key_identifier"]
        check((ski == aki) == (template_of(path) == "root-ca"), path, "key identifiers")


def main():
    source = os.environ.get("srcdir", ".")
    with tempfile.TemporaryDirectory() as folder:
        code, text = run("tests/unit/ca/issue_templates", f"{source}/ca/profiles", folder)
        if code != 0:
            sys.exit(f"issue_templates: {text}")
        paths = sorted(glob.glob(f"{folder}/*.pem"))
        names = {os.path.basename(p)[:-5] for p in glob.glob(f"{source}/ca/profiles/*.json")}
        check({template_of(p) for p in paths} == names == CA | set(EXPECTED), "templates", "not all were issued, or one has no row here")
        openssl(folder, paths)
        gnutls(folder, paths)
        nss(folder, paths)
        python(paths)
        print(f"{len(paths)} certificates of {len(names)} templates")
    for problem in problems:
        print(problem)
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
