"""Accounts and orders of ACME as siegel-acme keeps them, for tests of what the house sees of them: put into the store in states that a client would
need minutes, or a broken server, to come to."""

import base64
import hashlib
import json
import uuid

import labels
import support


def quote(value):
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list):
        return "ARRAY[" + ",".join(quote(v) for v in value) + "]::" + ("bigint[]" if value and isinstance(value[0], int) else "text[]")
    if isinstance(value, dict):
        value = json.dumps(value)
    return "'" + str(value).replace("'", "''") + "'"


def insert(instance, table, **row):
    """Values are quoted, but for those of names that end in _sql, which are SQL."""
    names = [n.removesuffix("_sql") for n in row]
    values = [v if n.endswith("_sql") else quote(v) for n, v in row.items()]
    return int(instance.sql(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(values)}) RETURNING id")[0][0])


class Directory:
    """A directory of ACME that is there until the end of the test."""

    def __init__(self, instance, rest, status=201, **attributes):
        self.instance, self.rest, self.name = instance, rest, attributes.get("name") or labels.mark("d")
        said = {"name": self.name, "profile": "server", "challenges": ["http-01"], **attributes}
        self.answer = rest.post("/acme_directories", labels.document("acme_directories", **{k: v for k, v in said.items() if v is not None}))
        assert self.answer.status == status, self.answer
        self.id = self.answer.data["id"] if status == 201 else None

    @classmethod
    def of(cls, instance, number):
        """One that somebody else made."""
        one = object.__new__(cls)
        one.instance, one.id = instance, number
        return one

    @property
    def tenant(self):
        return int(self.instance.sql(f"SELECT tenant_id FROM endpoint WHERE id = {self.id}")[0][0])

    def change(self, status=200, **attributes):
        answer = self.rest.patch(f"/acme_directories/{self.id}", {"data": {"type": "acme_directories", "id": self.id, "attributes": attributes}})
        assert answer.status == status, answer
        return answer

    def show(self):
        return self.rest.get(f"/acme_directories/{self.id}").attributes

    def delete(self):
        return self.rest.delete(f"/acme_directories/{self.id}")

    def remove(self):
        """Deletes it, and waits until all that it had is gone: the job."""
        answer = self.delete()
        assert answer.status == 202 and answer.data["type"] == "jobs", answer
        job = answer.data["id"]
        support.wait_until(lambda: self.rest.get(f"/jobs/{job}").attributes["status"] in ("done", "failed", "cancelled"), 30, 0.05)
        return self.rest.get(f"/jobs/{job}").attributes

    def key(self, status=201, **attributes):
        answer = self.rest.post("/acme_keys", labels.document("acme_keys", **{"directory": self.name, **attributes}))
        assert answer.status == status, answer
        return answer

    def account(self, **row):
        """Gives its id and the thumbprint of its key."""
        seed = uuid.uuid4().hex
        digest = hashlib.sha256(seed.encode()).digest()
        row = {"contacts": ["mailto:admin@a.example"], "address": "192.0.2.1", "jwk": {"kty": "EC", "crv": "P-256", "x": seed, "y": "A"}, **row}
        number = insert(self.instance, "acme_account", tenant_id=self.tenant, endpoint_id=int(self.id),
                        thumbprint_sql=f"decode('{digest.hex()}', 'hex')", **row)
        return number, base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def authz(self, account, identifier, challenges=(), **row):
        """challenges: (type, status, problem, log)."""
        row = {"expires_at_sql": "now() + interval '7 days'", **row}
        number = insert(self.instance, "acme_authz", tenant_id=self.tenant, endpoint_id=int(self.id), account_id=account, identifier=identifier, **row)
        for kind, status, problem, log in challenges:
            insert(self.instance, "acme_challenge", tenant_id=self.tenant, authz_id=number, account_id=account, type=kind, token="t" * 43, status=status, error=problem,
                   log_sql=quote(json.dumps(log)))
        return number

    def order(self, account, identifiers, authz, **row):
        profile = int(self.instance.sql(f"SELECT profile_id FROM endpoint WHERE id = {self.id}")[0][0])
        row = {"expires_at_sql": "now() + interval '7 days'", "profile_id": profile, **row}
        return insert(self.instance, "acme_order", tenant_id=self.tenant, endpoint_id=int(self.id), account_id=account, identifiers=identifiers,
                      authz_ids=authz, **row)
