"""csrattrs of EST (RFC 7030 4.5, RFC 9908), taken apart by asn1crypto: what the path's profile wants stands in the old list and in the template."""

import base64

import pytest
from asn1crypto import core, keys, x509

import enrol
import est
import support


class Values(core.SetOf):
    _child_spec = core.Any


class Attribute(core.Sequence):
    _fields = [("type", core.ObjectIdentifier), ("values", Values)]


class AttrOrOid(core.Choice):
    _alternatives = [("oid", core.ObjectIdentifier), ("attribute", Attribute)]


class CsrAttrs(core.SequenceOf):
    _child_spec = AttrOrOid


class SingleAttributeTemplate(core.Sequence):
    _fields = [("type", core.ObjectIdentifier), ("value", core.Any, {"optional": True})]


class RdnTemplate(core.SetOf):
    _child_spec = SingleAttributeTemplate


class NameTemplate(core.SequenceOf):
    _child_spec = RdnTemplate


class ExtensionTemplate(core.Sequence):
    _fields = [("id", core.ObjectIdentifier), ("critical", core.Boolean, {"default": False}), ("value", core.OctetString, {"optional": True})]


class ExtensionTemplates(core.SequenceOf):
    _child_spec = ExtensionTemplate


class KeyTemplate(core.Sequence):
    _fields = [("algorithm", keys.PublicKeyAlgorithm), ("key", core.OctetBitString, {"optional": True})]


class Attributes(core.SetOf):
    _child_spec = Attribute


class RequestTemplate(core.Sequence):
    _fields = [("version", core.Integer), ("subject", NameTemplate, {"optional": True}), ("key", KeyTemplate, {"implicit": 0, "optional": True}),
               ("attributes", Attributes, {"implicit": 1, "optional": True})]


EC, RSA = "1.2.840.10045.2.1", "1.2.840.113549.1.1.1"
EXTENSION_REQUEST, REQUEST_TEMPLATE, EXTENSION_TEMPLATE = "1.2.840.113549.1.9.14", "1.2.840.113549.1.9.16.2.61", "1.2.840.113549.1.9.16.2.62"
KEY_USAGE, EKU, SAN = "2.5.29.15", "2.5.29.37", "2.5.29.17"
CN, O = "2.5.4.3", "2.5.4.10"


@pytest.fixture
def doors(instance, rest):
    made = enrol.Doors(instance, rest)
    yield made
    made.close()


def whole(spec, der):
    """The object, when der is exactly its DER."""
    value = spec.load(der, strict=True)
    assert value.dump(force=True) == der
    return value


class Wanted:
    """What a label answers."""

    def __init__(self, instance, path):
        answer = est.get(instance, f"{path}/csrattrs" if path else "csrattrs")
        assert answer.status == 200 and answer.headers["content-type"] == "application/csrattrs", answer
        assert b"\n" not in answer.body
        self.oids, self.attributes = [], {}
        for item in whole(CsrAttrs, base64.b64decode(answer.body, validate=True)):
            if item.name == "oid":
                self.oids.append(item.chosen.dotted)
            else:
                assert item.chosen["type"].dotted not in self.attributes
                self.attributes[item.chosen["type"].dotted] = [v.dump() for v in item.chosen["values"]]

    def one(self, oid):
        assert len(self.attributes[oid]) == 1
        return self.attributes[oid][0]

    @property
    def extensions(self):
        return {e["extn_id"].dotted: e for e in whole(x509.Extensions, self.one(EXTENSION_REQUEST))}

    @property
    def template(self):
        return whole(RequestTemplate, self.one(REQUEST_TEMPLATE))

    @property
    def template_extensions(self):
        attributes = {a["type"].dotted: [v.dump() for v in a["values"]] for a in self.template["attributes"]}
        assert list(attributes) == [EXTENSION_TEMPLATE] and len(attributes[EXTENSION_TEMPLATE]) == 1
        return {e["id"].dotted: e for e in whole(ExtensionTemplates, attributes[EXTENSION_TEMPLATE][0])}


def test_default_path(instance):
    """What a device needs before it has anything to show: no evidence is asked for (RFC 7030 4.5.1)."""
    wanted = Wanted(instance, None)
    curves = {core.ObjectIdentifier.load(v).dotted for v in wanted.attributes[EC]}
    assert {"1.2.840.10045.3.1.7", "1.3.132.0.34"} <= curves
    assert all(core.Integer.load(v).native >= 2048 for v in wanted.attributes.get(RSA, []))
    assert wanted.extensions[KEY_USAGE]["extn_value"].parsed.native and wanted.extensions[EKU]["extn_value"].parsed.native
    assert est.get(instance, "csrattrs", method="HEAD").status == 200
    assert est.get(instance, "csrattrs", method="POST").status == 405


def test_one_kind_of_key_stands_in_the_template(instance, doors):
    profile = doors.profile(keys=["p384"], extended_key_usage=["clientAuth"], key_usage=["digitalSignature", "keyAgreement"],
                            subject_required=["CN", "O"], subject_allowed=["CN", "O"], subject_fixed={"O": "Example AG"}, names_required=True,
                            names_allowed=["dns"])
    wanted = Wanted(instance, doors.label(profile=profile))
    assert wanted.oids == [] and [core.ObjectIdentifier.load(v).dotted for v in wanted.attributes[EC]] == ["1.3.132.0.34"]
    assert RSA not in wanted.attributes
    assert wanted.extensions[KEY_USAGE]["critical"].native and wanted.extensions[KEY_USAGE]["extn_value"].parsed.native == {"digital_signature",
                                                                                                                      "key_agreement"}
    assert wanted.extensions[EKU]["extn_value"].parsed.native == ["client_auth"]
    template = wanted.template
    assert template["version"].native == 0
    subject = {t["type"].dotted: t["value"] for rdn in template["subject"] for t in rdn}
    assert set(subject) == {CN, O} and subject[O].native == "Example AG" and isinstance(subject[CN], core.Void)
    assert template["key"]["algorithm"]["algorithm"].native == "ec" and template["key"]["algorithm"]["parameters"].native == "secp384r1"
    assert isinstance(template["key"]["key"], core.Void)
    extensions = wanted.template_extensions
    assert isinstance(extensions[SAN]["value"], core.Void)                           # for the client to fill in
    assert extensions[KEY_USAGE]["critical"].native and whole(x509.KeyUsage, extensions[KEY_USAGE]["value"].native).native == {"digital_signature",
                                                                                                                            "key_agreement"}


def test_size_of_rsa_keys(instance, doors):
    """RFC 9908 3.4: the size is that of a placeholder in the template; in the old list it is a number."""
    wanted = Wanted(instance, doors.label(profile=doors.profile(keys=["rsa3072"])))
    assert [core.Integer.load(v).native for v in wanted.attributes[RSA]] == [3072] and EC not in wanted.attributes
    key = wanted.template["key"]
    assert key["algorithm"]["algorithm"].native == "rsa"
    placeholder = keys.RSAPublicKey.load(key["key"].native)
    assert placeholder["modulus"].native.bit_length() == 3072 and placeholder["public_exponent"].native == 65537


def test_keys_without_parameters(instance, doors):
    wanted = Wanted(instance, doors.label(profile=doors.profile(keys=["ed25519"], key_usage=["digitalSignature"])))
    assert wanted.oids == ["1.3.101.112"] and RSA not in wanted.attributes and EC not in wanted.attributes
    assert wanted.template["key"]["algorithm"]["algorithm"].dotted == "1.3.101.112"


def test_a_choice_of_keys_stands_in_the_list_alone(instance, doors):
    wanted = Wanted(instance, doors.label(profile=doors.profile(keys=["p256", "rsa2048", "rsa4096", "ed25519"], key_usage=["digitalSignature"])))
    assert wanted.oids == ["1.3.101.112"] and [core.Integer.load(v).native for v in wanted.attributes[RSA]] == [2048, 4096]
    assert isinstance(wanted.template["key"], core.Void)


def test_a_request_as_it_says_is_taken(instance, doors, est_account):
    """By the label's answer alone: curve, subject, name."""
    profile = doors.profile(keys=["p384"], subject_required=["CN", "O"], subject_allowed=["CN", "O"], subject_fixed={"O": "Example AG"},
                            names_required=True, names_allowed=["dns"])
    label = doors.label(profile=profile)
    template = Wanted(instance, label).template
    kind = {"secp384r1": "p384"}[template["key"]["algorithm"]["parameters"].native]
    name = est.unique()
    csr = support.new_csr(name, names=[name], key=support.new_key(kind))
    certificate = est.one_certificate(support.est_enroll(instance, support.csr_der(csr), authorization=support.basic(*est_account),
                                                         operation=f"{label}/simpleenroll"))
    assert "Example AG" in certificate.subject.rfc4514_string()
    wrong = support.new_csr(name, names=[name], key=support.new_key("p256"))
    refused = support.est_enroll(instance, support.csr_der(wrong), authorization=support.basic(*est_account), operation=f"{label}/simpleenroll")
    assert refused.status == 422 and b"p384" in refused.body


def test_it_follows_the_profile(instance, rest, doors):
    profile = doors.profile(keys=["p256"])
    label = doors.label(profile=profile)
    before = Wanted(instance, label)
    found = [p for p in rest.get(f"/profiles?filter[name]={profile}").data if p["attributes"]["name"] == profile][0]
    definition = {**found["attributes"]["definition"], "keys": ["p384"]}
    answer = rest.patch(f"/profiles/{found['id']}", {"data": {"type": "profiles", "id": found["id"], "attributes": {"definition": definition}}})
    assert answer.status == 200, answer
    support.wait_until(lambda: Wanted(instance, label).attributes[EC] != before.attributes[EC])


@pytest.mark.rows("E08")
def test_of_another_tenant(instance, other_tenant, doors):
    """A label says its tenant: there is none of another one's, and what a profile of the same name wants there doesn't show here."""
    theirs = enrol.Doors(instance, other_tenant.rest())
    name = theirs.profile(keys=["p521"])
    label = theirs.label(profile=name)
    assert [core.ObjectIdentifier.load(v).dotted for v in Wanted(instance, label).attributes[EC]] == ["1.3.132.0.35"]
    refused = enrol.document("est_labels", name=enrol.mark("l"), profile=name, auth=["password"])
    assert doors.rest.post("/est_labels", refused).status == 422                        # no label leads to a profile of another tenant
    theirs.close()
    assert est.get(instance, f"{label}/csrattrs").status == 404
    assert est.get(instance, f"{enrol.mark('none')}/csrattrs").status == 404
