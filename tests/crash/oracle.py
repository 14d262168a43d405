"""The oracle of the crash tests: what the clients hold, the store, the audit log and the token's counter must agree.

It reads with its own means (psycopg2, hashlib and a few lines of DER), so that a mistake of the product isn't repeated here.
"""

import collections
import dataclasses
import hashlib
import pathlib

import psycopg2


@dataclasses.dataclass
class Received:
    """A line of a client's journal: a certificate that somebody holds."""

    time: float
    key: str
    serial: str
    sha256: str


@dataclasses.dataclass
class Verdict:
    """What the oracle found: facts are for the reader, problems fail the test."""

    facts: dict
    problems: list

    def __bool__(self):
        return not self.problems


def read_journal(path):
    """The complete lines of a journal; the last may be torn when the client was ended."""
    lines = pathlib.Path(path).read_text().split("\n")[:-1]
    result = []
    for line in lines:
        time, key, serial, sha256 = line.split(" ")
        result.append(Received(float(time), key, serial.lower().replace(":", ""), sha256))
    return result


def read_signatures(path):
    """SHA-256 of the data of each signature that the token made, with how often."""
    path = pathlib.Path(path)
    if not path.exists():
        return collections.Counter()
    return collections.Counter(line.split(" ")[2] for line in path.read_text().split("\n")[:-1])


def der_element(der, at):
    """End of the header and end of the element that starts at `at`."""
    length = der[at + 1]
    head = at + 2
    if length & 0x80:
        n = length & 0x7F
        length = int.from_bytes(der[head : head + n], "big")
        head += n
    return head, head + length


def tbs_of(certificate):
    """The to-be-signed bytes of a certificate (RFC 5280 4.1)."""
    head, _ = der_element(certificate, 0)
    _, end = der_element(certificate, head)
    return certificate[head:end]


def serial_of(certificate):
    """The serial number, as the hexadecimal text of its bytes without a leading zero byte."""
    tbs = tbs_of(certificate)
    at, _ = der_element(tbs, 0)
    if tbs[at] == 0xA0:  # version
        _, at = der_element(tbs, at)
    head, end = der_element(tbs, at)
    return tbs[head:end].lstrip(b"\0")


def signed_data(tbs):
    """What the shim writes for the signature of these bytes: SHA-256 of the digest that the token is given (CKM_ECDSA)."""
    return hashlib.sha256(hashlib.sha256(tbs).digest()).hexdigest()


def audit_hash(previous, row):
    """The hash of lib/db/audit.h, made again from its description."""
    h = hashlib.sha256(previous)
    chain, seq, at_us, tenant_id, actor, action, obj, detail = row
    for field in (chain, seq, at_us, tenant_id, actor, action, obj, detail):
        data = field.to_bytes(8, "big", signed=True) if isinstance(field, int) else field.encode()
        h.update(len(data).to_bytes(4, "big"))
        h.update(data)
    return h.digest()


@dataclasses.dataclass
class Store:
    """What the store holds, as the oracle wants it."""

    certificates: list  # CA, serial, DER
    intents: list  # CA, serial, to-be-signed bytes, abandoned
    audit: list  # chain, seq, at_us, tenant, actor, action, object, detail, hash; in order of chain and seq
    own: list  # DER of the certificates of CAs and OCSP signers
    crls: int  # how many were recorded, and seals of the audit log's heads


def read_store(dsn):
    """The whole store, in one transaction."""
    db = psycopg2.connect(dsn)
    db.set_session(isolation_level="REPEATABLE READ", readonly=True)
    try:
        with db, db.cursor() as q:
            q.execute("SET search_path = siegel")
            q.execute("SELECT ca_id, serial, der FROM certificate")
            certificates = [(ca, bytes(serial), bytes(der)) for ca, serial, der in q]
            q.execute("SELECT ca_id, serial, tbs, abandoned_at IS NOT NULL FROM intent")
            intents = [(ca, bytes(serial), bytes(tbs), gone) for ca, serial, tbs, gone in q]
            q.execute(
                "SELECT chain, seq, at_us, tenant_id, actor, action, object, detail, hash FROM audit ORDER BY chain, seq"
            )
            audit = q.fetchall()
            q.execute("SELECT certificate FROM ca UNION ALL SELECT certificate FROM ocsp_signer")
            own = [bytes(der) for (der,) in q]
            q.execute("SELECT (SELECT count(*) FROM crl) + (SELECT count(*) FROM audit_seal)")
            return Store(certificates, intents, audit, own, q.fetchone()[0])
    finally:
        db.close()


class Oracle:
    """Holds a store against journals and the token's counter."""

    def __init__(self, store):
        self.certificates, self.intents, self.audit = store.certificates, store.intents, store.audit
        self.own, self.crls = store.own, store.crls
        self.problems = []

    def problem(self, text, *args):
        self.problems.append(text % args)

    def check_received(self, journal):
        """received ⊆ issued, byte for byte, and one certificate for each key."""
        stored = {hashlib.sha256(der).hexdigest(): serial.hex() for _, serial, der in self.certificates}
        serials = collections.defaultdict(set)
        for r in journal:
            serials[r.key].add(r.serial)
            if r.sha256 not in stored:
                self.problem("received but not stored: serial %s of key %s", r.serial, r.key)
            elif int(stored[r.sha256], 16) != int(r.serial, 16):
                self.problem("stored under another serial: %s of key %s", r.serial, r.key)
        for key, found in serials.items():
            if len(found) != 1:
                self.problem("%d certificates for the key %s", len(found), key)
        return len(serials)

    def check_serials(self):
        """No serial twice, in certificates and intents together; the column is what the certificate says."""
        seen = collections.Counter((ca, serial.lstrip(b"\0")) for ca, serial, _ in self.certificates)
        seen.update((ca, serial.lstrip(b"\0")) for ca, serial, _, _ in self.intents)
        for (ca, serial), count in seen.items():
            if count > 1:
                self.problem("serial %s of CA %d exists %d times", serial.hex(), ca, count)
        for _, serial, der in self.certificates:
            if serial_of(der) != serial.lstrip(b"\0"):
                self.problem("the row of serial %s holds another certificate", serial.hex())

    def check_audit(self):
        """Chains without gap and with right hashes; each certificate has one intent and one issue, and none is more."""
        heads = {}
        actions = collections.defaultdict(collections.Counter)
        for row in self.audit:
            chain, seq = row[0], row[1]
            last_seq, last_hash = heads.get(chain, (0, bytes(32)))
            if seq != last_seq + 1:
                self.problem("audit chain %s: %d follows %d", chain, seq, last_seq)
            if audit_hash(last_hash, row[:8]) != bytes(row[8]):
                self.problem("audit chain %s: wrong hash at %d", chain, seq)
            heads[chain] = (seq, bytes(row[8]))
            if row[5] in ("certificate.intent", "certificate.issued"):
                actions[row[5]][row[6].lower()] += 1
        issued = {"ca/%d/serial/%s" % (ca, serial.hex()) for ca, serial, _ in self.certificates}
        planned = issued | {"ca/%d/serial/%s" % (ca, serial.hex()) for ca, serial, _, _ in self.intents}
        for action, expected in (("certificate.issued", issued), ("certificate.intent", planned)):
            for obj in expected - set(actions[action]):
                self.problem("no %s for %s", action, obj)
            for obj in set(actions[action]) - expected:
                self.problem("%s without a row: %s", action, obj)
            for obj, count in actions[action].items():
                if count != 1:
                    self.problem("%s %d times for %s", action, count, obj)
        return len(heads), sum(actions["certificate.intent"].values())

    def check_signatures(self, signatures, other):
        """Each signature is of a recorded intent, a certificate, a CA's or a signer's certificate; what else was signed is
        a CRL (they aren't all kept), a seal of audit heads, and at most `other` beyond those: CRLs whose engine was ended before it recorded them."""
        known = {signed_data(tbs_of(der)) for _, _, der in self.certificates}
        for data in known - set(signatures):
            self.problem("a certificate that the token didn't sign: %s", data)
        known |= {signed_data(tbs) for _, _, tbs, _ in self.intents}
        for data in known:
            if signatures.get(data, 0) > 1:
                self.problem("signed %d times: %s", signatures[data], data)
        own = {signed_data(tbs_of(der)) for der in self.own}
        unknown = sum(n for data, n in signatures.items() if data not in known and data not in own)
        if unknown > self.crls + other:
            self.problem("%d signatures of nothing known, with %d CRLs and %d ends", unknown, self.crls, other)
        return sum(n for data, n in signatures.items() if data in known), unknown

    def judge(self, journals, count_file, other=0):
        """Everything at once. The intents stay in the store or became certificates, so their number is that of both."""
        journal = [r for path in journals for r in read_journal(path)]
        keys = self.check_received(journal)
        self.check_serials()
        chains, intents_audited = self.check_audit()
        for_intents, unknown = self.check_signatures(read_signatures(count_file), other)
        if for_intents > intents_audited:
            self.problem("%d signatures for %d intents", for_intents, intents_audited)
        facts = {
            "received": len(journal),
            "keys": keys,
            "certificates": len(self.certificates),
            "intents left": len(self.intents),
            "abandoned": sum(gone for *_, gone in self.intents),
            "signatures": for_intents,
            "other signatures": unknown,
            "audit rows": len(self.audit),
            "chains": chains,
        }
        return Verdict(facts, self.problems[:20])
