"""What siegel-acme can't do although it is what stands at the network: the engine and the store look themselves. The engine is asked as the front end asks it,
by somebody who has broken into it."""

import os
import socket
import struct
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import acme
import support
from names import read_exactly, varint

REQUESTOR = {"tenant_id": 1, "account_id": 2, "name": 3, "role": 4, "evidence": 5, "source": 6, "request_id": 7}
REVOKE = {"requestor": 1, "certificate_id": 2, "reason": 3, "release": 4, "endpoint_id": 5, "acme_account": 6, "signed_data": 7, "signature": 8}
ISSUE = {"requestor": 1, "profile": 2, "ca": 3, "csr": 4, "names": 7, "replaces_id": 16, "same_key": 17, "server_key": 18}


def encode(numbers, **members):
    """A message of lib/ipc/engine.proto."""
    made = b""
    for name, value in members.items():
        if isinstance(value, int):
            made += varint(numbers[name] << 3) + varint(int(value))
        else:
            value = value.encode() if isinstance(value, str) else value
            made += varint(numbers[name] << 3 | 2) + varint(len(value)) + value
    return made


def ask(instance, operation, message, front_end="acme"):
    """The reply, as octets, of the engine to a front end."""
    path = Path(instance.config["sockets"]["dir"]) / f"ca.{front_end}.sock"
    owner, was = os.stat(path), (os.geteuid(), os.getegid())
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(10)
        try:
            if was[0] == 0:
                os.setegid(owner.st_gid)
                os.seteuid(owner.st_uid)
            sock.connect(str(path))
        finally:
            os.seteuid(was[0])
            os.setegid(was[1])
        data = varint(operation << 3 | 2) + varint(len(message)) + message
        sock.sendall(struct.pack(">I", len(data)) + data)
        return read_exactly(sock, struct.unpack(">I", read_exactly(sock, 4))[0])


class Intruder:
    """Who speaks as siegel-acme, or as another front end, for a tenant."""

    def __init__(self, instance, tenant, front_end="acme", request_id="r"):
        self.instance, self.tenant, self.front_end, self.request_id = instance, tenant, front_end, request_id

    def requestor(self, evidence):
        return encode(REQUESTOR, tenant_id=self.tenant, name="acme:x/1", evidence=evidence, source=self.front_end, request_id=self.request_id)

    def revoke(self, certificate, evidence, reason=4, **members):
        return ask(self.instance, 2, encode(REVOKE, requestor=self.requestor(evidence), certificate_id=certificate, reason=reason, **members))

    def issue(self, **members):
        return ask(self.instance, 1, encode(ISSUE, requestor=self.requestor("acme"), **members), self.front_end)

    def gets(self, profile, ca=""):
        """Whether the engine issues by this profile and CA on this word alone."""
        name = host()
        answer = self.issue(profile=profile, ca=ca, csr=support.new_csr(name, [name], support.new_key()).public_bytes(acme.DER), names=encode({"value": 2}, value=name))
        assert (b"forbidden" in answer) != (name.encode() in answer), answer
        return name.encode() in answer

    def loses(self, profile, ca=""):
        """The same, no more: the notice of a change may be some milliseconds behind its answer, for the engine asks nothing for a request that it knows."""
        return support.wait_until(lambda: not self.gets(profile, ca), 2, 0.005)


def message(der, key, signer=None, payload=None, **header):
    """signed_data and signature of revokeCert by a certificate's key."""
    said = {"alg": acme.algorithm(key), "jwk": acme.jwk(key), "nonce": "x", "url": "https://elsewhere/", **header}
    made = acme.jws({k: v for k, v in said.items() if v is not None}, payload or {"certificate": acme.b64(der), "reason": 1},
                    lambda data: acme.sign(signer or key, data))
    return {"signed_data": f"{made['protected']}.{made['payload']}", "signature": acme.unb64(made["signature"])}


def host():
    return f"{acme.mark('t')}.trust.example"


@pytest.fixture(scope="module", name="profile")
def make_profile(rest):
    return acme.server_profile(rest)


@pytest.fixture(scope="module", name="directory")
def make_directory(rest, profile):
    made = acme.Directory(rest, {"server": profile})
    yield made
    made.delete()


@pytest.fixture(scope="module", name="client")
def make_client(directory):
    return directory.client(names=["dns:.trust.example"])


def number_of(instance, der):
    return int(instance.sql(f"SELECT id FROM certificate WHERE der = decode('{der.hex()}', 'hex')")[0][0])


def account_of(client):
    return int(client.kid.rsplit("/", 1)[1])


@pytest.fixture(name="victim")
def issue_victim(instance, client):
    """A certificate of the directory: its number, DER and key."""
    order = client.order(name := host())
    order.finalize(name)
    der = order.wait().chain()[0].public_bytes(acme.DER)
    return number_of(instance, der), der, order.key


@pytest.fixture(name="intruder")
def make_intruder(instance, directory):
    return Intruder(instance, int(instance.sql(f"SELECT tenant_id FROM endpoint WHERE id = {directory.id}")[0][0]))


def good(instance, number):
    return instance.sql(f"SELECT status FROM certificate WHERE id = {number}") == [["1"]]


@pytest.mark.rows("M14", "R02")
def test_revocation_by_word_alone(instance, rest, profile, directory, client, victim, intruder, new_tenant, second_ca):
    """No directory, another tenant's, another CA's, one that is disabled; no account, another directory's, one that neither ordered it nor has its names."""
    number, der, key = victim
    here, account = int(directory.id), account_of(client)
    house = new_tenant()
    elsewhere = acme.Directory(rest, {"server": profile}, relationships={"ca": {"data": {"type": "cas", "id": second_ca["id"]}}})
    foreign = acme.Directory(house.rest(), {"server": acme.server_profile(house.rest())})
    disabled = acme.Directory(rest, {"server": profile})
    owner, stranger = disabled.client(names=["dns:.trust.example"]), directory.client()
    disabled.change(enabled=False)
    asked = [("none", {}), ("token", {}), ("acme", {}), ("acme", {"acme_account": account}), ("acme", {"endpoint_id": here}), ("certificate", {"endpoint_id": here}),
             ("certificate", {}), ("acme", {"endpoint_id": here, "acme_account": account_of(stranger)}),
             ("acme", {"endpoint_id": here, "acme_account": account_of(owner)}), ("acme", {"endpoint_id": int(disabled.id), "acme_account": account_of(owner)}),
             ("acme", {"endpoint_id": int(elsewhere.id), "acme_account": account}), ("acme", {"endpoint_id": int(foreign.id), "acme_account": account}),
             ("acme", {"endpoint_id": 1 << 60, "acme_account": account}), ("certificate", {"endpoint_id": here, "acme_account": account}),
             *(("certificate", {"endpoint_id": int(d.id), **message(der, key)}) for d in (elsewhere, foreign, disabled)),
             ("acme", {"endpoint_id": here, "acme_account": account, **message(der, key)})]
    for evidence, members in asked:
        for reason in (1, 4):
            intruder.revoke(number, evidence, reason, **members)
            assert good(instance, number), (evidence, members)
    theirs = Intruder(instance, int(house.sql_id) if hasattr(house, "sql_id") else int(instance.sql(f"SELECT tenant_id FROM endpoint WHERE id = {foreign.id}")[0][0]))
    for evidence, members in (("acme", {"acme_account": account}), ("certificate", message(der, key))):
        theirs.revoke(number, evidence, endpoint_id=int(foreign.id), **members)
        theirs.revoke(number, evidence, endpoint_id=here, **members)
        assert good(instance, number), (evidence, members)
    for one in (elsewhere, foreign, disabled):
        one.delete()
    intruder.revoke(number, "acme", endpoint_id=here, acme_account=account)
    assert not good(instance, number)


@pytest.mark.rows("M14")
def test_names_are_no_reason_to_block_a_key(instance, directory, victim, intruder):
    number, *_ = victim
    other = directory.client(names=["dns:.trust.example"])
    name = instance.sql(f"SELECT substr(names[1], 5) FROM certificate WHERE id = {number}")[0][0]
    assert other.order(name).status == "ready"
    intruder.revoke(number, "acme", 1, endpoint_id=int(directory.id), acme_account=account_of(other))
    assert good(instance, number)
    intruder.revoke(number, "acme", 5, endpoint_id=int(directory.id), acme_account=account_of(other))
    assert not good(instance, number)


@pytest.mark.rows("M01", "M14")
def test_messages_of_a_certificates_key(instance, client, directory, victim, intruder):
    number, der, key = victim
    another, rsa = support.new_key(), support.new_key("rsa2048")
    own = support.self_signed(key=another)[0].public_bytes(acme.DER)
    told = message(der, key)
    bad = [message(der, another), message(der, key, signer=another), message(own, another), message(der, key, crit=["b64"], b64=False), message(der, key, b64=False),
           message(der, key, kid=client.kid), message(der, key, kid=client.kid, jwk=None), message(der, key, alg="none"), message(der, key, alg="HS256"),
           message(der, key, alg="ES384"), message(der, key, alg=None), message(der, key, signer=rsa, alg="RS256"), message(der, key, payload={"reason": 1}),
           message(der, key, payload={"certificate": acme.b64(der) + "="}), message(der, key, payload={"certificate": [acme.b64(der)]}), message(b"0", key),
           {**told, "signature": b""}, {**told, "signature": told["signature"][:-1]}, {**told, "signature": bytes(64)}, {**told, "signature": b"1" * 5000},
           {**told, "signed_data": told["signed_data"] + "A"}, {**told, "signed_data": "." + told["signed_data"].split(".")[1]},
           {**told, "signed_data": told["signed_data"].split(".")[0]}, {**told, "signed_data": told["signed_data"] + "A" * 70000}, {"signature": told["signature"]},
           {"signed_data": told["signed_data"]}]
    for members in bad:
        intruder.revoke(number, "certificate", 1, endpoint_id=int(directory.id), **members)
        assert good(instance, number), members
    order = client.order(name := host())
    order.finalize(name)
    other = number_of(instance, order.wait().chain()[0].public_bytes(acme.DER))
    intruder.revoke(other, "certificate", 1, endpoint_id=int(directory.id), **told)  # it is about another certificate
    assert good(instance, other) and good(instance, number)
    intruder.revoke(number, "certificate", 1, endpoint_id=int(directory.id), **told)
    assert not good(instance, number)


@pytest.mark.rows("R02")
def test_an_order_takes_its_own_certificate_alone(instance, rest, directory, client, victim):
    """Not one of REST, of another account, of another tenant, of before, or for other names: who has it on an order could revoke it."""
    number, *_ = victim
    name = host()
    made = rest.issued("cert_server", cn=name, csr=support.csr_pem(support.new_csr(name, [name], support.new_key())))
    by_rest = number_of(instance, support.load_cert(made["attributes"]["pem"]).public_bytes(acme.DER))
    account = account_of(client)
    stranger = directory.client(names=["dns:.trust.example"])
    order = stranger.order(name)
    for one in (order, client.order(name)):
        whose = account if one is not order else account_of(stranger)
        instance.sql(f"UPDATE acme_order SET status = 'processing', finalized_at = now() WHERE id = {one.id}")
        for certificate in (number, by_rest, 1 << 40):
            (row,) = instance.sql(f"SELECT r_status, r_certificate FROM acme_order_done({whose}, {one.id}, {certificate}, NULL, 1)")
            assert row[0] == "processing" and not row[1], (certificate, row)
    instance.sql(f"UPDATE acme_order SET finalized_at = now() - interval '1 hour' WHERE id = {one.id}")
    (row,) = instance.sql(f"SELECT r_status FROM acme_order_done({account}, {one.id}, {number}, NULL, 1)")
    assert row[0] == "processing"  # another name
    names = instance.sql(f"SELECT names::text FROM certificate WHERE id = {number}")[0][0]
    instance.sql(f"UPDATE acme_order SET identifiers = '{names}' WHERE id = {one.id}")
    (row,) = instance.sql(f"SELECT r_status FROM acme_order_done({account}, {one.id}, {number}, NULL, 1)")
    assert row[0] == "valid"


@pytest.mark.rows("R02")
def test_a_certificate_is_what_a_csr_says_and_nothing_more(instance, victim, intruder, profile):
    """Neither a successor of another's certificate nor a key of the engine's."""
    number, *_ = victim
    key = support.new_key()
    csr = support.new_csr("a.trust.example", ["a.trust.example"], key).public_bytes(acme.DER)
    for members in ({"replaces_id": number, "csr": csr}, {"replaces_id": number, "same_key": True}, {"profile": profile, "csr": csr, "server_key": True},
                    {"profile": profile, "csr": csr, "replaces_id": number}):
        assert b"forbidden" in intruder.issue(**members), members


@pytest.mark.rows("R02")
def test_profiles_and_cas_of_directories_alone(instance, rest, profile, new_tenant, second_ca):
    """siegel-acme has what an enabled directory of the tenant offers, from the change on."""
    house = new_tenant()
    here, there = rest, house.rest()
    theirs = acme.server_profile(there)
    made = acme.Directory(there, {"server": theirs})
    tenant = int(instance.sql(f"SELECT tenant_id FROM endpoint WHERE id = {made.id}")[0][0])
    other = acme.server_profile(there)
    intruder = Intruder(instance, tenant, request_id=acme.mark("doors"))
    assert intruder.gets(theirs)
    told = lambda: instance.sql(f"SELECT 1 FROM audit WHERE object = 'request/{intruder.request_id}'")  # noqa: E731
    support.wait_until(lambda: not intruder.gets(other) and told(), 10, 0.2)  # so many are written each second
    refused = instance.sql(f"SELECT actor, detail FROM audit WHERE object = 'request/{intruder.request_id}'")
    assert refused[0][0] == "acme:acme:x/1" and "forbidden" in str(refused[0][1]), refused
    for front_end in ("est", "scep"):
        assert not Intruder(instance, tenant, front_end).gets(theirs)
    # what the directory offers beside it, at once and for as long as it does
    made.change(profiles={"server": {"profile": theirs, "default": True}, "other": {"profile": other}})
    assert intruder.gets(other) and intruder.gets(theirs)
    made.change(profiles={"other": {"profile": other, "default": True}})
    assert intruder.loses(theirs) and intruder.gets(other)
    made.change(enabled=False)
    assert intruder.loses(other)
    made.change(enabled=True)
    assert intruder.gets(other)
    made.delete()
    assert intruder.loses(other)
    for _ in range(20):  # at once means each time
        one = acme.Directory(there, {"server": theirs})
        assert intruder.gets(theirs)
        one.delete()
        assert intruder.loses(theirs)
    # by one CA of two, and not by another
    house_tenant = int(instance.sql(f"SELECT tenant_id FROM ca WHERE id = {second_ca['id']}")[0][0])
    intruder, fresh = Intruder(instance, house_tenant), acme.server_profile(here)
    bound = acme.Directory(here, {"server": fresh}, relationships={"ca": {"data": {"type": "cas", "id": second_ca["id"]}}})
    name = second_ca["attributes"]["name"]
    assert intruder.gets(fresh, name) and not intruder.gets(fresh)
    bound.delete()
    assert intruder.loses(fresh, name)


@pytest.mark.rows("A01")
def test_organisations_that_nobody_looked_at(instance, rest, directory, client):
    """Of the CSR's subject a common name is taken, and nothing else, unless the profile fixes it."""
    name, key = host(), ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Deutsche Bundesbank"),
                         x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "Zahlungsverkehr"), x509.NameAttribute(NameOID.LOCALITY_NAME, "Frankfurt"),
                         x509.NameAttribute(NameOID.COMMON_NAME, name)])
    csr = x509.CertificateSigningRequestBuilder().subject_name(subject).add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False)
    csr = csr.sign(key, support.signing_hash(key)).public_bytes(acme.DER)
    order = client.order(name)
    order.finalize(csr=csr)
    made = order.wait().chain()[0]
    assert [(a.oid, a.value) for a in made.subject] == [(NameOID.COMMON_NAME, name)]


def test_advice_of_certificates_that_have_expired_is_swept(instance, client, victim):
    number, *_ = victim
    tenant = instance.sql(f"SELECT tenant_id FROM certificate WHERE id = {number}")[0][0]
    for certificate, days in ((number, 1), (1 << 50, -8), ((1 << 50) + 1, -6)):
        instance.sql("INSERT INTO renewal_advice (certificate_id, tenant_id, begins_at, ends_at, expires_at, requestor) VALUES "
                     f"({certificate}, {tenant}, now() - interval '30 days', now() - interval '29 days', now() + interval '{days} days', 't')")
    instance.sql("SELECT acme_sweep(1000)")
    left = instance.sql(f"DELETE FROM renewal_advice WHERE certificate_id = {number} OR certificate_id >= {1 << 50} RETURNING certificate_id")
    assert sorted(int(r[0]) for r in left) == [number, (1 << 50) + 1]
