#!/usr/bin/python3
"""matrix_verify.py FOLDER [few]: verifies the certificates of test_matrix with openssl(1), certtool(1) and python-cryptography.

FOLDER/pairs has a line for each: file of the CA, file of the certificate, signature algorithm, type of its key. openssl must take all; the
others those whose algorithms they know, at least the ordinary ones."""
import subprocess
import sys
import warnings
from collections import Counter, defaultdict
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa

warnings.simplefilter("ignore")
FOLDER = Path(sys.argv[1])
GNUTLS_CAS = {"p256", "p384", "p521", "rsa2048", "rsa2560", "rsapss2048", "ed25519", "ed448"}
BAD = []


def of(path):
    """The type of key in a CA's file name."""
    return path.split("-", 1)[1]


def openssl(ca, leaves):
    done = subprocess.run(["openssl", "verify", "-x509_strict", "-CAfile", ca, *leaves], cwd=FOLDER, capture_output=True,
                          text=True, check=False)
    for leaf in leaves:
        if f"{leaf}: OK" not in done.stdout:
            BAD.append(f"openssl: {leaf}: {done.stderr.strip()[:200]}")


def certtool(ca, leaf):
    done = subprocess.run(["certtool", "--verify", "--load-ca-certificate", ca, "--infile", leaf], cwd=FOLDER, capture_output=True, text=True,
                          check=False)
    if done.returncode or "Chain verification output: Verified" not in done.stdout:
        BAD.append(f"certtool: {leaf}: {(done.stdout + done.stderr).strip()[-200:]}")


def cryptography(ca, leaf, algorithm):
    """True when it knows them."""
    try:
        issuer = x509.load_pem_x509_certificate((FOLDER / ca).read_bytes())
        certificate = x509.load_pem_x509_certificate((FOLDER / leaf).read_bytes())
        key, signed = issuer.public_key(), (certificate.signature, certificate.tbs_certificate_bytes)
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(*signed, ec.ECDSA(certificate.signature_hash_algorithm))
        elif isinstance(key, rsa.RSAPublicKey) and algorithm.startswith("rsapss"):
            digest = certificate.signature_hash_algorithm
            if digest is None:  # before 39 it doesn't read the parameters
                return False
            key.verify(*signed, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(*signed, padding.PKCS1v15(), certificate.signature_hash_algorithm)
        elif isinstance(key, (ed25519.Ed25519PublicKey, ed448.Ed448PublicKey)):
            key.verify(*signed)
        else:
            return False
    except (UnsupportedAlgorithm, NotImplementedError):
        return False
    except Exception as e:  # pylint: disable=broad-except
        if "unsupported" in str(e).lower() or "unknown" in str(e).lower():
            return False
        BAD.append(f"cryptography: {leaf}: {e!r}")
    return True


def main():
    pairs = [line.split() for line in (FOLDER / "pairs").read_text().splitlines()]
    by_ca, seen, count = defaultdict(list), set(), Counter()
    for ca, leaf, algorithm, kind in pairs:
        by_ca[ca].append(leaf)
        count["cryptography"] += cryptography(ca, leaf, algorithm)
        # one certificate for each algorithm is enough for a tool that is started for each
        if of(ca) in GNUTLS_CAS and kind == "p256" and (ca, algorithm) not in seen:
            seen.add((ca, algorithm))
            certtool(ca, leaf)
            count["certtool"] += 1
    for ca, leaves in by_ca.items():
        openssl(ca, leaves)
        count["openssl"] += len(leaves)
    kinds = {kind for _, _, _, kind in pairs}
    print(f"{len(by_ca)} CAs, {len({a for _, _, a, _ in pairs})} signature algorithms, {len(kinds)} types of keys; verified by "
          + ", ".join(f"{tool} {n}" for tool, n in sorted(count.items())))
    if sys.argv[2:] != ["few"] and (len(by_ca) < 60 or count["cryptography"] < 40 or count["certtool"] < 20):
        BAD.append("too few were issued or verified")
    print("\n".join(BAD), end="\n" if BAD else "")
    return 1 if BAD else 0


if __name__ == "__main__":
    sys.exit(main())
