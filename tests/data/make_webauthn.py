#!/usr/bin/env python3
"""Makes webauthn/*: attestation objects that browsers don't make, and what must become of each (expected.json). New keys at each run."""

import json
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "webauthn"
sys.path.insert(0, str(FOLDER.parent.parent / "integration"))

from passkeys import AT, UP, UV, Authenticator, b64, unb64  # noqa: E402

OPTIONS = {"rp": {"id": "localhost"}, "user": {"id": b64(b"u" * 16)}, "challenge": b64(b"c" * 56)}
ORIGIN = "https://localhost"

# name: what is bent, and what the error says; none: it is taken.
FILES = {
    "good-es256": (dict(), None), "good-eddsa": (dict(kind="eddsa"), None), "good-rs256": (dict(kind="rs256"), None),
    "statement-packed": (dict(fmt="packed", statement={"alg": -7, "sig": b"x" * 70, "x5c": [b"y" * 500]}), None),
    "site": (dict(site="evil.example"), "another site"),
    "nothing-attested": (dict(flags=UP | UV), "registered"),
    "data-behind": (dict(tail=b"\0"), "follow"),
    "id-short": (dict(id=b"x"), "octets"),
    "key-algorithm": (dict(kind="es384"), "algorithm"),
    "key-off-the-curve": (dict(cose={1: 2, 3: -7, -1: 1, -2: b"\1" * 32, -3: b"\2" * 32}), "isn't one"),
    "key-coordinate-short": (dict(cose={1: 2, 3: -7, -1: 1, -2: b"\1" * 31, -3: b"\2" * 32}), "P-256"),
    "key-small-rsa": (dict(cose={1: 3, 3: -257, -1: b"\xff" * 128, -2: b"\1\0\1"}), "bits"),
    "key-exponent-one": (dict(cose={1: 3, 3: -257, -1: b"\xff" * 256, -2: b"\1"}), "exponent"),
    "key-twice": (dict(cose=b"\xa2\x01\x02\x01\x02"), "twice"),
    "key-private": (dict(cose={1: 2, 3: -7, -1: 1, -2: b"\1" * 32, -3: b"\2" * 32, -4: b"secret"}), "parameter"),
    "key-empty": (dict(cose=b"\xa0"), "algorithm"),
    "key-endless-map": (dict(cose=b"\xbf\x01\x02\xff"), "definite"),
    "key-deep": (dict(cose=b"\x81" * 3000), "claims"),
    "key-count-that-lies": (dict(cose=b"\xbb" + b"\xff" * 8), "claims"),
    "key-long-form": (dict(cose=b"\xb8\x01\x01\x02"), "shortest"),
    "key-tag": (dict(cose=b"\xc0\xa0"), "type"),
}


def main():
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*"):
        old.unlink()
    expected = {}
    for name, (bent, cause) in FILES.items():
        bent = dict(bent)
        made = Authenticator(bent.pop("kind", "es256")).make(OPTIONS, ORIGIN, flags=bent.pop("flags", UP | UV | AT), **bent)
        (FOLDER / f"{name}.cbor").write_bytes(unb64(made["attestation_object"]))
        expected[name] = cause
    (FOLDER / "expected.json").write_text(json.dumps(expected, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
