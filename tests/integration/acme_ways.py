"""What the clients of test_acme_clients.py share: the tables of their ways, and looking at what became of them, by openssl and over REST."""

import json
import re
import subprocess
import types
import uuid
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

import acme
import support

LIFE, FAILURES = {}, {}


def client(table, *needs, slow=False):
    """A client's way: its name is what follows "do_"; needs are programs without which it is skipped."""
    def put(function):
        table[function.__name__.removeprefix("do_")] = types.SimpleNamespace(run=function, needs=needs, slow=slow)
        return function
    return put


def external_account(site):
    """The site enrols where an external account is wanted: kid and key of one."""
    site.url = site.world.closed.url
    kid, key, _ = site.world.closed.key()
    return kid, acme.b64(key)


def unique_contact():
    return f"{acme.mark('c')}@clients.example"


def is_account(site, contact, status):
    """There is one account with that address, and what became of it."""
    account, = site.rest.get(f"/acme_accounts?filter[contacts]=mailto:{contact}").data
    assert account["attributes"]["status"] == status, account


class Certificate:
    """What a client wrote, looked at from all sides."""

    def __init__(self, site, names, pem, key=None, kind=None, status="issued"):
        """pem, key: files; kind: rsa2048 … p384."""
        self.site, self.path, self.rest = site, Path(pem), site.rest
        chain = support.load_pem_chain(self.path.read_text())
        self.leaf = chain[0]
        found = self.leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert sorted(str(n.value) for n in found) == sorted(names), list(found)
        public = self.leaf.public_key()
        if kind:
            assert kind == (f"rsa{public.key_size}" if isinstance(public, rsa.RSAPublicKey) else f"p{public.curve.key_size}")
        if key:
            assert load_pem_private_key(Path(key).read_bytes(), None).public_key().public_numbers() == public.public_numbers()
        self.verify(chain)
        serial = f"{self.leaf.serial_number:x}"
        self.resource = self.one(f"/certificates?filter[serial]={serial.zfill(len(serial) + len(serial) % 2)}")
        seen = self.resource["attributes"]
        assert (seen["status"], seen["source"], seen["issuer"]) == (status, "acme", "issuing"), seen
        order = self.one(f"/acme_orders?filter[certificate]={self.resource['id']}")
        assert order["attributes"]["status"] == "valid"
        assert sorted(order["attributes"]["names"]) == sorted(("ip:" if re.fullmatch(r"[\d.]+|.*:.*", n) else "dns:") + n for n in names)

    def one(self, path):
        answer = self.rest.get(path)
        assert answer.status == 200 and len(answer.data) == 1, answer
        return answer.data[0]

    def verify(self, chain):
        """By openssl, with what came along and our root; the issuer is the CA of the directory."""
        folder = self.site.folder / uuid.uuid4().hex
        folder.mkdir()
        (folder / "leaf.pem").write_bytes(self.leaf.public_bytes(acme.PEM))
        (folder / "issuers.pem").write_bytes(b"".join(c.public_bytes(acme.PEM) for c in chain[1:]))
        done = subprocess.run(["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", self.site.instance.root, "-untrusted",
                               str(folder / "issuers.pem"), str(folder / "leaf.pem")], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert self.leaf.issuer == chain[1].subject and chain[1].subject != chain[1].issuer

    def revoked(self, reason="unspecified"):
        now = self.rest.get(f"/certificates/{self.resource['id']}").attributes
        assert (now["status"], now["revocation_reason"]) == ("revoked", reason), now
        return self

    def differs_from(self, other):
        assert self.leaf.serial_number != other.leaf.serial_number
        return self


def refused(site, name, problem):
    """The order is invalid, and REST says why."""
    order, = site.rest.get(f"/acme_orders?filter[names]=dns:{name}").data
    order = site.rest.get(f"/acme_orders/{order['id']}?fields[acme_orders]=status,authorizations,explanation").attributes
    assert order["status"] == "invalid", order
    assert problem in json.dumps(order["authorizations"]), order
    assert not site.rest.get(f"/certificates?filter[names]=dns:{name}").data
