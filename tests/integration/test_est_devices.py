"""EST with certificates that aren't a device's own: manufacturers' under the anchors of a label, and those of registration authorities."""


import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

import est
import labels
import support
from labels import CLIENT, DER, SERVER, csr_of, document, expect, issued_by, mark, subject


# ---------------------------------------------------------------- manufacturers


def test_a_manufacturers_certificate(instance, factory, maker):
    serial = mark("sn")
    one, (identity, certificate) = factory(), maker.device(serial=serial)
    got = est.one_certificate(one.ask(csr_of(subject("IDevID", serial)), identity=identity))
    assert got.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)[0].value == serial
    _, source, requestor, _ = issued_by(instance, got)
    assert source == "est" and serial in requestor
    csr = csr_of(subject("IDevID", serial))
    assert est.one_certificate(one.ask(csr, identity=identity)) == est.one_certificate(one.ask(csr, identity=identity))
    detail = instance.sql(f"SELECT detail FROM audit WHERE object LIKE 'ca/%' AND actor = 'est:{requestor}' LIMIT 1")
    assert '"evidence":"anchor"' in detail[0][0].replace(" ", ""), detail
    assert certificate.serial_number


@pytest.mark.rows("E01")
def test_names_from(factory, maker, own_profile):
    serial = mark("sn")
    identity, certificate = maker.device(serial=serial, cn="pump")
    other = mark("sn")
    cases = {"serial_number": {("x", serial): 403, ("pump", serial): 200, (serial, serial): 200, ("pump", other): 403, ("pump", None): 422},
             "serial_number_only": {("x", serial): 200, ("pump", serial): 200, ("pump", other): 403, ("pump", None): 422},
             "same": {("pump", serial): 200, ("x", serial): 403, ("pump", other): 403},
             "any": {("x", other): 200, ("pump", serial): 200}}
    for setting, subjects in cases.items():
        one = factory(names_from=setting)
        for (cn, sn), status in subjects.items():
            answer = one.ask(csr_of(subject(cn, sn)), identity=identity)
            assert answer.status == status, (setting, cn, sn, answer)
    expect(factory(names_from="same").ask(csr_of(subject("pump", serial), names=["more.example"]), identity=identity), 403, "names")
    # What stands in the manufacturer's is the device's to ask for, alternative names among it; nothing else is.
    named, _ = maker.device(serial=serial, cn="pump", names=["pump-7.example"])
    for setting, names, status in (("serial_number", ["pump-7.example"], 200), ("serial_number", ["bank.example"], 403), ("serial_number", [], 200),
                                   ("serial_number", ["pump-7.example", "bank.example"], 403), ("serial_number_only", ["bank.example"], 200)):
        one = factory(names_from=setting)
        one.change(profile=own_profile("ldevid", names_allowed=["dns"]))
        answer = one.ask(csr_of(subject("pump", serial), names=names), identity=named)
        assert answer.status == status, (setting, names, answer)
    nameless, _ = maker.device(cn="no serial")
    expect(factory().ask(csr_of(subject("no serial", serial)), identity=nameless), 403, "no serialNumber")
    assert certificate


@pytest.mark.rows("T20", "T21")
def test_manufacturers_certificates_that_are_not_good(instance, factory, maker, tmp_path):
    serial = mark("sn")
    csr = csr_of(subject("IDevID", serial))
    one = factory()
    stranger = labels.Manufacturer(tmp_path)
    _, below = maker.device(serial=serial)
    refused = {
        "another manufacturer's": stranger.device(serial=serial)[0],
        "the same names, other keys": stranger.device(serial=serial, issuer=maker.ca)[0],
        "expired": maker.device(serial=serial, days=(-10, -1))[0],
        "not yet": maker.device(serial=serial, days=(1, 10))[0],
        "for servers": maker.device(serial=serial, purposes=[SERVER])[0],
        "a CA's": maker.device(serial=serial, ca=True)[0],
        "the CA itself": maker.written(maker.ca, maker.ca_key),
        "self-signed": maker.device(serial=serial, issuer=None, signer=None)[0],
    }
    leaf, leaf_key = maker.make("leaf", serial=serial, issuer=maker.ca, signer=maker.ca_key)
    refused["below a device's certificate"] = maker.device(serial=serial, issuer=leaf, signer=leaf_key)[0]
    for what, identity in refused.items():
        answer = one.ask(csr, identity=identity)
        assert answer.status == 403 and b"client certificate" in answer.body, (what, answer)
    # Good with its purpose said, and at no label that doesn't know the manufacturer, nor on the default path.
    good = maker.device(serial=serial, purposes=[CLIENT])[0]
    est.one_certificate(one.ask(csr, identity=good))
    answer = support.est_enroll(instance, csr.public_bytes(DER), cert=good[0], key=good[1])
    expect(answer, 403, "wasn't issued by this system")
    assert below


@pytest.mark.rows("T21")
def test_a_pinned_leaf(factory, maker, tmp_path):
    """An anchor that is a device's own certificate is that one, byte for byte, and issues nothing."""
    serial = mark("sn")
    csr = csr_of(subject("IDevID", serial))
    identity, leaf = maker.device(serial=serial)
    one = factory(leaf)
    est.one_certificate(one.ask(csr, identity=identity))
    key = support.new_key()
    twins = {
        "same name, other key": maker.device(serial=serial)[0],
        "same name and key identifier": maker.written(*maker.make("IDevID", serial=serial, issuer=leaf, signer=key, key=key)),
        "another certificate for the same key": None,
    }
    own_key = support.new_key()
    pinned, _ = maker.make("IDevID", serial=serial, key=own_key)
    second, _ = maker.make("IDevID", serial=serial, key=own_key)
    one.change(anchors=labels.pem(pinned))
    support.wait_until(lambda: one.ask(csr, identity=identity).status == 403, 1)
    est.one_certificate(one.ask(csr, identity=maker.written(pinned, own_key)))
    twins["another certificate for the same key"] = maker.written(second, own_key)
    # What the pinned one's key signs.
    twins["below the pinned one"] = maker.device(serial=serial, issuer=pinned, signer=own_key)[0]
    for what, twin in twins.items():
        answer = one.ask(csr, identity=twin)
        assert answer.status == 403, (what, answer)


def test_weak_signatures_of_manufacturers(factory, maker):
    serial = mark("sn")
    small = support.new_key("rsa1024")
    below, below_key = maker.make("Old CA", ca=True, issuer=maker.root, signer=maker.root_key, key=small)
    identity, _ = maker.device(serial=serial, issuer=below, signer=below_key)
    expect(factory(maker.root, below).ask(csr_of(subject("IDevID", serial)), identity=identity), 403, "too weak")


def test_an_intermediate_as_the_anchor(factory, maker):
    serial = mark("sn")
    identity, _ = maker.device(serial=serial)
    est.one_certificate(factory(maker.ca).ask(csr_of(subject("IDevID", serial)), identity=identity))
    # The edge passes the leaf alone: what is between it and the anchor has to be an anchor, too.
    expect(factory(maker.root).ask(csr_of(subject("IDevID", serial)), identity=identity), 403, maker.ca.subject.rfc4514_string())


def test_a_manufacturers_certificate_isnt_renewed(factory, maker):
    serial = mark("sn")
    identity, _ = maker.device(serial=serial)
    expect(factory().ask(csr_of(subject("IDevID", serial)), identity=identity, operation="simplereenroll"), 403, "simpleenroll")


def test_from_manufacturer_to_owner_and_on(factory, maker):
    """IDevID, LDevID, the next LDevID: with its certificate of ours the device renews at the same label."""
    serial = mark("sn")
    one, (identity, _), key = factory(), maker.device(serial=serial, cn="pump"), support.new_key()
    first = est.one_certificate(one.ask(csr_of(subject("pump", serial), key=key), identity=identity))
    own = maker.written(first, key)
    second = est.one_certificate(one.ask(csr_of(subject("pump", serial)), identity=own, operation="simplereenroll"))
    assert second.subject == first.subject and second.serial_number != first.serial_number
    expect(one.ask(csr_of(subject("pump", mark("sn"))), identity=own, operation="simplereenroll"), 403, "subject")


# ---------------------------------------------------------------- registration authorities


@pytest.mark.rows("E03")
def test_registration_authorities(instance, label, second_ca, authority_of):
    """They ask for others, at paths of their own CA alone (RFC 7030 3.7)."""
    second = second_ca["attributes"]["name"]
    at_first, at_second = label(auth=["certificate"]), label(auth=["certificate"], ca=second)
    first_ra, second_ra = authority_of(), authority_of(second)
    for one, own, foreign in ((at_first, first_ra, second_ra), (at_second, second_ra, first_ra)):
        cn = est.unique()
        certificate = est.one_certificate(one.ask(support.new_csr(cn, names=[cn]), identity=own))
        assert certificate.subject.rfc4514_string() == f"CN={cn}"
        expect(one.ask(support.new_csr(est.unique()), identity=foreign), 403, "registration authority", "another CA")
    # On the default path the CA is that of the configuration.
    csr = support.new_csr(est.unique()).public_bytes(DER)
    assert support.est_enroll(instance, csr, cert=first_ra[0], key=first_ra[1]).status == 200
    expect(support.est_enroll(instance, csr, cert=second_ra[0], key=second_ra[1]), 403, "another CA")


@pytest.mark.rows("E03")
def test_who_is_no_registration_authority(instance, rest, label, maker, other_tenant, tmp_path, ldevid):
    """The purpose counts in certificates of ours alone, and of the path's tenant."""
    one = label(auth=["certificate"], profile=ldevid, anchors=maker.anchors())
    cmc_ra = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.28")
    identity, _ = maker.device(serial=mark("sn"), purposes=[CLIENT, cmc_ra])
    expect(one.ask(csr_of(subject("d", mark("sn"))), identity=identity), 403, "serialNumber")
    theirs = other_tenant.rest()
    answer = theirs.post("/profiles", document("profiles", name=mark("p"), template="client", definition={"extended_key_usage": ["clientAuth", "cmcRA"]}))
    key, cn = support.new_key(), est.unique("ra")
    resource = theirs.issued("cert_client", cn=cn, csr=support.csr_pem(support.new_csr(cn, key=key)), profile=answer.attributes["name"])
    foreign = support.write_identity(tmp_path, resource["attributes"]["pem"], key, name=mark("ra"))
    expect(one.ask(csr_of(subject("d", mark("sn"))), identity=foreign), 403, "another tenant")


@pytest.mark.rows("E09")
def test_a_revoked_registration_authority(instance, label, authority_of):
    one, identity = label(auth=["certificate"]), authority_of()
    est.one_certificate(one.ask(support.new_csr(est.unique()), identity=identity))
    der = support.load_cert(open(identity[0], encoding="ascii").read()).public_bytes(DER).hex()
    instance.sql(f"UPDATE certificate SET status = 2 WHERE der = '\\x{der}'")
    expect(one.ask(support.new_csr(est.unique()), identity=identity), 403, "revoked")
