"""EST: renewal by the profile's rules and after the end, requests that wait for people, the chain after a roll-over."""

import concurrent.futures
import json
import subprocess

import pytest
from asn1crypto import core
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import serialization

import est
import labels
import support
from labels import DER, csr_of, document, expect, mark, subject


# ---------------------------------------------------------------- renewal


@pytest.mark.parametrize("ended_days, after_days, good", [(1, 0, False), (1, 2, True), (3, 2, False), (20, 30, True)])
def test_renewal_after_the_end(instance, label, own_profile, tmp_path, ended_days, after_days, good):
    name = own_profile(extended_key_usage=["clientAuth"], renew={"after_days": after_days})
    one = label(auth=["certificate"], profile=name)
    certificate, key = est.look_alike(instance, from_days=-400, to_days=-ended_days)
    est.put_into_store(instance, certificate)
    identity = support.write_identity(tmp_path, certificate, key)
    cn = certificate.subject.rfc4514_string()[3:]
    csr = support.new_csr(cn)
    answer = one.ask(csr, identity=identity, operation="simplereenroll")
    if good:
        renewed = est.one_certificate(answer)
        assert renewed.subject == certificate.subject
        expect(one.ask(support.new_csr(est.unique()), identity=identity, operation="simplereenroll"), 403, "subject")
    else:
        expect(answer, 403, "expired")
    # It renews itself and does nothing else.
    expect(one.ask(csr, identity=identity, operation="simpleenroll"), 403, "expired")
    expect(support.est_enroll(instance, csr.public_bytes(DER), cert=identity[0], key=identity[1], operation="simplereenroll"), 403, "expired")
    instance.sql(f"UPDATE certificate SET status = 2 WHERE der = '\\x{certificate.public_bytes(DER).hex()}'")
    expect(one.ask(support.new_csr(cn), identity=identity, operation="simplereenroll"), 403, "revoked")


@pytest.mark.parametrize("operation", ["simplereenroll", "simpleenroll"])
@pytest.mark.parametrize("rule, same_key, status, word", [
    ({"allowed": False}, False, 422, "no successors"), ({"same_key": False}, True, 422, "new key"), ({"same_key": False}, False, 200, ""),
    ({"before_days": 5}, False, 422, "last 5 days"), ({}, True, 200, "")])
def test_the_profile_rules_renewal(label, own_profile, label_device, rule, same_key, status, word, operation):
    """Whatever it is called: who asks by his own certificate for what he has renews it."""
    one = label(auth=["certificate"], profile=own_profile(renew=rule))
    answer = one.ask(label_device.csr(key=label_device.key if same_key else support.new_key()), identity=(label_device.cert_path, label_device.key_path),
                     operation=operation)
    assert answer.status == status and word in answer.body.decode(), answer


def test_what_one_ca_gave_is_good_for_that_ca(rest, label, second_ca, tmp_path):
    """A device of another CA of the tenant gets nothing by its certificate, unless the label says so."""
    second = second_ca["attributes"]["name"]
    key, cn = support.new_key(), est.unique()
    at_second, at_default = label(auth=["code", "certificate"], ca=second), label(auth=["certificate"])
    certificate = est.one_certificate(at_second.ask(support.new_csr(cn, key=key), at_second.code()))
    identity = support.write_identity(tmp_path, certificate, key)
    assert est.one_certificate(at_second.ask(support.new_csr(cn), identity=identity)).issuer == certificate.issuer
    for operation in ("simpleenroll", "simplereenroll"):
        expect(at_default.ask(support.new_csr(cn), identity=identity, operation=operation), 403, "of another CA")
    wide = label(auth=["certificate"], settings={"devices_of": "tenant"})
    for operation in ("simpleenroll", "simplereenroll"):
        moved = est.one_certificate(wide.ask(support.new_csr(cn), identity=identity, operation=operation))
        assert moved.issuer != certificate.issuer and moved.subject == certificate.subject
    body = document("est_labels", name=mark(), profile="device", auth=["certificate"], settings={"devices_of": "all"})
    assert rest.post("/est_labels", body).status == 422


# ---------------------------------------------------------------- waiting for people


@pytest.mark.parametrize("kind", ["password", "code", "anchor"])
def test_a_request_that_waits(instance, rest, label, maker, est_account, waits, kind, ldevid):
    """202 with Retry-After; the same POST finds the same approval, and the certificate once it is approved, and again."""
    cn, serial = est.unique(), mark("sn")
    one = label(auth=["password", "code", "certificate"], profile=ldevid, anchors=maker.anchors())
    waits(cn)
    identity = maker.device(serial=serial, cn=cn)[0] if kind == "anchor" else (None, None)
    account = {"password": est_account, "code": one.code() if kind == "code" else None}.get(kind)
    csr = csr_of(subject(cn, serial))
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: one.ask(csr, account, identity), range(8)))
    for answer in answers:
        assert answer.status == 202 and int(answer.headers["retry-after"]) > 0 and b"approval" in answer.body, answer
    waiting = [a for a in rest.get("/approvals?filter[status]=open").data if cn in json.dumps(a)]
    assert len(waiting) == 1
    assert rest.post(f"/approvals/{waiting[0]['id']}/approve").status == 200
    first = est.one_certificate(one.ask(csr, account, identity))
    assert est.one_certificate(one.ask(csr, account, identity)) == first
    assert instance.count("certificate", f"common_name = '{cn}'") == 1
    if kind == "code":
        expect(one.ask(csr_of(subject(cn, serial)), account), 403, "used for another")


def test_a_request_that_is_rejected(rest, label, waits):
    cn = est.unique()
    one = label(auth=["code"])
    waits(cn)
    code, csr = one.code(), support.new_csr(cn)
    assert one.ask(csr, code).status == 202
    waiting = [a for a in rest.get("/approvals?filter[status]=open").data if cn in json.dumps(a)]
    assert rest.post(f"/approvals/{waiting[0]['id']}/reject").status == 200
    expect(one.ask(csr, code), 422, "rejected")
    expect(one.ask(support.new_csr(est.unique()), code), 403, "used for another")  # people have looked at it


def waiting_for(rest, cn):
    return [a for a in rest.get("/approvals?filter[status]=open").data if cn in json.dumps(a)]


@pytest.mark.rows("R08")
@pytest.mark.parametrize("change", ["profile", "ca", "identity"])
def test_an_approval_is_for_what_was_shown(rest, label, own_profile, second_ca, maker, waits, est_account, ldevid, change):
    """People approve a profile, a CA and an identity: the same request that comes to another one waits anew."""
    cn, serial = est.unique(), mark("sn")
    anchored = {"profile": ldevid, "auth": ["certificate"], "anchors": maker.anchors(), "settings": {"names_from": "same"}}
    one = label(**(anchored if change == "identity" else {}))
    evidence = {"identity": maker.device(serial=serial, cn=cn)[0]} if change == "identity" else {"account": est_account}
    waits(cn)
    csr = csr_of(subject(cn, serial if change == "identity" else None))
    assert one.ask(csr, **evidence).status == 202
    [first] = waiting_for(rest, cn)
    assert rest.post(f"/approvals/{first['id']}/approve").status == 200
    strong = own_profile(extended_key_usage=["clientAuth", "serverAuth", "codeSigning"])
    one.change(**{"profile": {"profile": strong}, "ca": {"ca": second_ca["attributes"]["name"]},
                  "identity": {"settings": {"names_from": "any"}}}[change])

    def changed():
        answer = one.ask(csr_of(subject(est.unique(), serial if change == "identity" else None)), **evidence)
        if change == "identity" or answer.status != 200:
            return answer.status == 200
        got = est.one_certificate(answer)
        return labels.issued_by(rest.instance, got)[0] == strong or second_ca["attributes"]["name"] in got.issuer.rfc4514_string()

    support.wait_until(changed, 2)
    assert one.ask(csr, **evidence).status == 202
    [second] = waiting_for(rest, cn)
    assert second["id"] != first["id"] and one.ask(csr, **evidence).status == 202 and len(waiting_for(rest, cn)) == 1
    assert second["attributes"]["body"]["profile"] == {"profile": strong, "ca": "device", "identity": ldevid}[change]
    assert rest.get(f"/approvals/{first['id']}").attributes["status"] == "withdrawn"
    assert rest.instance.count("certificate", f"common_name = '{cn}'") == 0
    assert rest.post(f"/approvals/{second['id']}/approve").status == 200
    certificate = est.one_certificate(one.ask(csr, **evidence))
    assert labels.issued_by(rest.instance, certificate)[0] == second["attributes"]["body"]["profile"]
    assert rest.get(f"/approvals/{second['id']}").attributes["status"] == "done"


# ---------------------------------------------------------------- roll-over


@pytest.fixture(scope="module")
def plant(new_tenant):
    """A tenant of its own with a root, a CA below it that is its default, and both rolled over by the tests."""
    tenant = new_tenant()
    rest = tenant.rest()
    root = labels.make_ca(rest, "root", "root-ca")
    return tenant, rest, root, labels.make_ca(rest, "line", "sub-ca", parent=root["id"])


def roll_over(rest, ca):
    answer = rest.post(f"/cas/{ca['id']}/rollover", {"data": {"type": "rollover", "attributes": {}}})
    assert answer.status == 200, answer
    return answer.data


def chain_of(one):
    return support.pkcs7_certificates(one.get("cacerts").body)


def spki(thing):
    return thing.public_key().public_bytes(DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def key_id(certificate):
    return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest


def authority_key(certificate):
    """Of the key that signed it; a root's own, which needn't name it."""
    try:
        return certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except x509.ExtensionNotFound:
        return key_id(certificate)


def verifies(folder, anchor, leaf, others):
    """By openssl, with one certificate to trust and the others of cacerts to build on: without self-signed ones, since it takes the first that
    fits and doesn't look further."""
    others = [c for c in others if authority_key(c) != key_id(c)]
    for name, certificates in (("anchor", [anchor]), ("others", others), ("leaf", [leaf])):
        (folder / f"{name}.pem").write_text(labels.pem(*certificates))
    done = subprocess.run(["openssl", "verify", "-x509_strict", "-CAfile", "anchor.pem", *(["-untrusted", "others.pem"] if others else []),
                           "leaf.pem"], cwd=folder, capture_output=True, text=True, timeout=30)
    return done.returncode == 0


def test_after_a_roll_over(instance, label, plant, tmp_path):
    """RFC 7030 4.1.3: OldWithOld, OldWithNew, NewWithOld, NewWithNew. The label goes on with the new key, devices and registration authorities of the
    old one are known there."""
    tenant, rest, root, line = plant
    account = tenant.account("requestor", "password")
    one = label(rest=rest, ca=line["attributes"]["name"], auth=["password", "certificate"])
    first_key, cn = support.new_key(), est.unique()
    first = est.one_certificate(one.ask(support.new_csr(cn, key=first_key), account))
    old_root = support.load_cert(root["attributes"]["pem"])
    assert set(chain_of(one)) == {old_root, support.load_cert(line["attributes"]["pem"])}

    new_root = roll_over(rest, root)
    new_root_pem = support.load_cert(new_root["attributes"]["pem"])
    chain = support.wait_until(lambda: len(chain_of(one)) == 5 and chain_of(one), 8)
    links = [c for c in chain if c.subject == old_root.subject and c not in (old_root, new_root_pem)]
    assert len(links) == 2 and {old_root, new_root_pem} < set(chain)
    for key_of, signer in ((new_root_pem, old_root), (old_root, new_root_pem)):  # NewWithOld, OldWithNew
        (link,) = [x for x in links if spki(x) == spki(key_of)]
        assert verifies(tmp_path, signer, link, []) and not verifies(tmp_path, key_of, link, [])
    assert verifies(tmp_path, old_root, first, chain) and verifies(tmp_path, new_root_pem, first, chain)

    # A new key of the issuing CA, below the new root.
    new_line = support.load_cert(roll_over(rest, line)["attributes"]["pem"])
    support.wait_until(lambda: new_line in chain_of(one), 8)
    identity = support.write_identity(tmp_path, first, first_key)
    second = est.one_certificate(one.ask(support.new_csr(cn), identity=identity, operation="simplereenroll"))
    assert authority_key(second) == key_id(new_line) != key_id(support.load_cert(line["attributes"]["pem"])) == authority_key(first)
    chain = chain_of(one)
    assert verifies(tmp_path, new_root_pem, second, chain) and verifies(tmp_path, old_root, second, chain)
    assert not verifies(tmp_path, est.issuing_ca(instance)[2], second, chain)


@pytest.mark.rows("E03")
def test_a_registration_authority_after_a_roll_over(label, plant, tmp_path):
    """One whose certificate is of the older key is the same CA's; what another CA has become is another CA still."""
    _, rest, root, _ = plant
    profile = rest.post("/profiles", document("profiles", name=mark("p"), template="client", definition={"extended_key_usage": ["clientAuth", "cmcRA"]}))
    above = rest.get(f"/cas?filter[name]={root['attributes']['name']}").data[0]["id"]
    line, other = (labels.make_ca(rest, name, "sub-ca", parent=above) for name in ("ra", "other"))
    key, cn = support.new_key(), est.unique("ra")
    resource = rest.issued("cert_client", cn=cn, csr=support.csr_pem(support.new_csr(cn, key=key)), profile=profile.attributes["name"],
                           ca=line["attributes"]["name"])
    identity = support.write_identity(tmp_path, resource["attributes"]["pem"], key)
    one = label(rest=rest, ca=line["attributes"]["name"], auth=["certificate"])
    elsewhere = label(rest=rest, ca=other["attributes"]["name"], auth=["certificate"])
    est.one_certificate(one.ask(support.new_csr(est.unique()), identity=identity))
    roll_over(rest, line)
    est.one_certificate(one.ask(support.new_csr(est.unique()), identity=identity))
    roll_over(rest, other)
    expect(elsewhere.ask(support.new_csr(est.unique()), identity=identity), 403, "another CA")


CHANGE = "1.3.6.1.5.5.7.7.36"


def changing(cn, key, subject=None, names=None, was=()):
    """A request with ChangeSubjectName (RFC 6402 2.8)."""
    value = {} if subject is None else {"subject": subject if isinstance(subject, asn1_x509.Name) else asn1_x509.Name.build({"common_name": subject})}
    if names is not None:
        value["names"] = asn1_x509.GeneralNames([asn1_x509.GeneralName("dns_name", n) for n in names])
    return x509.load_der_x509_csr(est.request(cn, [(CHANGE, ChangeSubjectName(value).dump() if value else b"\x30\x00")], names=was, key=key))


class ChangeSubjectName(core.Sequence):
    _fields = [("subject", asn1_x509.Name, {"optional": True}), ("names", asn1_x509.GeneralNames, {"optional": True})]


def cn_and_names(certificate):
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        names = []
    return certificate.subject.rfc4514_string(), names


def test_another_name(label, own_profile, est_account, tmp_path):
    """Where the profile lets it, in the profile's bounds; the request itself still has the names of the certificate that it renews."""
    def one(**definition):
        door = label(profile=own_profile(subject_allowed=["CN"], names_allowed=["dns"], **definition), auth=["password", "certificate"])
        cn, key = est.unique(), support.new_key()
        names = [f"{cn}.old.example"]
        certificate = est.one_certificate(door.ask(support.new_csr(cn, key=key, names=names), est_account))
        return door, cn, names, support.write_identity(tmp_path, certificate, key, name=labels.mark("f"))

    door, cn, names, identity = one(renew={"other_names": True})
    new = est.unique()
    for operation in ("simplereenroll", "simpleenroll"):
        got = est.one_certificate(door.ask(changing(cn, support.new_key(), new, ["new.example"], names), identity=identity, operation=operation))
        assert cn_and_names(got) == (f"CN={new}", ["new.example"])
    got = est.one_certificate(door.ask(changing(cn, support.new_key(), new, None, names), identity=identity, operation="simplereenroll"))
    assert cn_and_names(got) == (f"CN={new}", names)
    got = est.one_certificate(door.ask(changing(cn, support.new_key(), None, ["new.example"], names), identity=identity, operation="simplereenroll"))
    assert cn_and_names(got) == (f"CN={cn}", ["new.example"])

    def no(door, csr, identity, status, *words, account=None):
        labels.expect(door.ask(csr, account, identity=identity, operation="simpleenroll" if account else "simplereenroll"), status, *words)

    no(door, changing(new, support.new_key(), cn, None, names), identity, 403, "subject", "RFC 7030 4.2.2")
    no(door, changing(cn, support.new_key(), new, None, ["new.example"]), identity, 403, "names", "RFC 7030 4.2.2")
    no(door, changing(cn, support.new_key(), None, None, names), identity, 422, "changes nothing")
    no(door, changing(cn, support.new_key(), new, None, names), (None, None), 422, "only who renews", account=est_account)
    door, cn, names, identity = one()
    no(door, changing(cn, support.new_key(), new, None, names), identity, 422, "no other names", "RFC 6402")
    door, cn, names, identity = one(renew={"other_names": True})
    bad = asn1_x509.Name.build({"common_name": new, "organization_name": "others"})
    no(door, changing(cn, support.new_key(), bad, None, names), identity, 422, "O")
