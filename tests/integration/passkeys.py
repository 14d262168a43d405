"""An authenticator of WebAuthn made of python3-cryptography and cbor2, honest or not: what a browser and a security key bring."""

import base64
import hashlib
import json
import os
import struct

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from sessions import Browser

UP, UV, AT, ED = 0x01, 0x04, 0x40, 0x80


def b64(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def number(n, size):
    return n.to_bytes(size, "big")


class Authenticator:
    """Keeps one key for each site. Each part of what it makes can be bent by the caller."""

    def __init__(self, kind="es256", counts=True):
        self.kind, self.id, self.count, self.counts, self.handle = kind, os.urandom(32), 0, counts, None
        self.key = {"es256": lambda: ec.generate_private_key(ec.SECP256R1()), "eddsa": ed25519.Ed25519PrivateKey.generate,
                    "rs256": lambda: rsa.generate_private_key(65537, 2048), "es384": lambda: ec.generate_private_key(ec.SECP384R1())}[kind]()

    def cose(self):
        public = self.key.public_key()
        if self.kind == "eddsa":
            from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
            return {1: 1, 3: -8, -1: 6, -2: public.public_bytes(Encoding.Raw, PublicFormat.Raw)}
        n = public.public_numbers()
        if self.kind == "rs256":
            return {1: 3, 3: -257, -1: number(n.n, 256), -2: number(n.e, 3)}
        size = 32 if self.kind == "es256" else 48
        return {1: 2, 3: -7 if size == 32 else -35, -1: 1 if size == 32 else 2, -2: number(n.x, size), -3: number(n.y, size)}

    def sign(self, octets):
        if self.kind == "eddsa":
            return self.key.sign(octets)
        if self.kind == "rs256":
            return self.key.sign(octets, padding.PKCS1v15(), hashes.SHA256())
        return self.key.sign(octets, ec.ECDSA(hashes.SHA256()))

    def data(self, site, flags, count=None, more=b""):
        if count is None:
            self.count += 1 if self.counts else 0
            count = self.count
        return hashlib.sha256(site.encode()).digest() + bytes([flags]) + struct.pack(">I", count) + more

    def client_data(self, kind, challenge, origin, **more):
        return json.dumps({"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": False, **more}).encode()

    def make(self, options, origin, site=None, flags=UP | UV | AT, cose=None, kind="webauthn.create", challenge=None, fmt="none", statement=None,
             id=None, tail=b"", client=None):
        """What navigator.credentials.create() gives, as attributes of a document."""
        key = cose if isinstance(cose, bytes) else cbor2.dumps(cose or self.cose())
        id = self.id if id is None else id
        attested = os.urandom(16) + struct.pack(">H", len(id)) + id + key + tail if flags & AT else tail
        data = self.data(site or options["rp"]["id"], flags, 0 if not self.counts else None, attested)
        self.handle = unb64(options["user"]["id"])
        return {"attestation_object": b64(cbor2.dumps({"fmt": fmt, "attStmt": statement or {}, "authData": data})),
                "client_data": b64(self.client_data(kind, challenge or options["challenge"], origin, **(client or {})))}

    def get(self, options, origin, site=None, flags=UP | UV, kind="webauthn.get", challenge=None, count=None, handle=None, signer=None, more=b"",
            id=None, client=None):
        """What navigator.credentials.get() gives."""
        data = self.data(site or options["rpId"], flags, count, more)
        client_data = self.client_data(kind, challenge or options["challenge"], origin, **(client or {}))
        signature = (signer or self).sign(data + hashlib.sha256(client_data).digest())
        shown = {"id": b64(id or self.id), "authenticator_data": b64(data), "client_data": b64(client_data), "signature": b64(signature)}
        handle = self.handle if handle is None else handle
        if handle:
            shown["user_handle"] = b64(handle)
        return shown


class KeyBrowser(Browser):
    """A browser with an authenticator."""

    def __init__(self, instance, key=None, **kw):
        super().__init__(instance, **kw)
        self.key, self.anonymous = key or Authenticator(), None

    def __call__(self, method, path, body=None, headers=None):
        if self.anonymous and path == "/sessions":
            own = f"__Host-siegel-session={self.cookie}; " if self.cookie else ""
            headers = {"Cookie": f"{own}__Host-siegel-passkey={self.anonymous}", **(headers or {})}
        answer = super().__call__(method, path, body, headers)
        cookie = answer.headers.get("set-cookie", "")
        if cookie.startswith("__Host-siegel-passkey="):
            self.anonymous = cookie.partition("=")[2].partition(";")[0]
        return answer

    def options(self, path):
        answer = self("POST", path)
        assert answer.status == 200, answer
        return answer.attributes["public_key"]

    def add(self, name="key", key=None, **bent):
        key = key or self.key
        made = key.make(self.options("/sessions/current/passkey_options"), bent.pop("origin", self.origin), **bent)
        return self.step("passkey", name=name, **made)

    def prove(self, key=None, **bent):
        return self.step("second_factor", passkey=(key or self.key).get(self.options("/sessions/current/passkey_challenge"),
                                                                         bent.pop("origin", self.origin), **bent))

    def enter(self, key=None, **bent):
        """Signs in by the passkey alone."""
        return self.post("/sessions", passkey=(key or self.key).get(self.options("/sessions/passkey_challenge"), bent.pop("origin", self.origin), **bent))
