"""fullcmc of EST (RFC 7030 4.3, RFC 5272, 4211): by a client of our own on asn1crypto; what openssl says of the response."""

import concurrent.futures
import os
import random
import subprocess

import pytest
from asn1crypto import core
from cryptography import x509
from cryptography.hazmat.primitives import serialization

import cmc
import enrol
import est
import pki
import support

DER = serialization.Encoding.DER
CMC_RA = "1.3.6.1.5.5.7.3.28"
KEYS = ["p256", "p384", "p521", "brainpoolp256r1", "rsa2048", "rsa4096", "ed25519"]


@pytest.fixture
def doors(instance, rest):
    made = enrol.Doors(instance, rest)
    yield made
    made.close()


@pytest.fixture(scope="module")
def label(instance, rest):
    """A label of this file, whose CA's registration authority is there."""
    made = enrol.Doors(instance, rest)
    name = made.label(profile=made.profile("client", keys=KEYS, names_allowed=["dns"]), auth=["certificate"])

    def is_there():
        return cmc.post(instance, b"0\0", name, source=support.new_address()).status != 503

    support.wait_until(is_there, 30, 0.5)
    yield name
    made.close()


@pytest.fixture
def authority(doors, tmp_path):
    """A registration authority of the issuing CA that is no TLS client: id-kp-cmcRA alone."""
    return doors.identity(tmp_path, doors.profile("client", keys=["p256", "rsa2048", "ed25519"], extended_key_usage=["cmcRA"]))


@pytest.fixture
def device(doors, tmp_path):
    return doors.identity(tmp_path)


def csr(cn, key=None, names=()):
    return support.csr_der(support.new_csr(cn, key=key, names=names))


def ask(instance, label, who, *requests, controls=(), **kw):
    return cmc.post(instance, cmc.signed(cmc.pki_data(*requests, controls=controls), who.certificate, who.key, **kw), label, source=support.new_address())


def granted(answer):
    assert answer.status == 200, answer
    response = cmc.Response(answer)
    assert response.status == cmc.SUCCESS and response.failure is None
    return response


def refused(answer, status, failure, word="", cmc_status=cmc.FAILED):
    """RFC 7030 4.3.2: a refusal has a CMC response as its body, signed like any."""
    assert answer.status == status, (answer.status, answer.body[:200])
    response = cmc.Response(answer)
    assert (response.status, response.failure) == (cmc_status, failure) and word in response.text, (response.status, response.failure, response.text)
    assert [c.serial_number for c in response.certificates] == [response.signer.serial_number]
    return response


def spki(thing):
    return thing.public_key().public_bytes(DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def issued_for(instance, cn):
    return instance.count("certificate", f"common_name = '{cn}'")


# ---------------------------------------------------------------- what works


@pytest.mark.parametrize("form", ["pkcs10", "crmf"])
@pytest.mark.parametrize("kind", KEYS)
def test_a_registration_authority_asks_for_others(instance, label, authority, form, kind):
    cn, key = est.unique(), support.new_key(kind)
    request = cmc.pkcs10(csr(cn, key, [cn]), 7) if form == "pkcs10" else cmc.crmf(cn, key, 7, [cn])
    response = granted(ask(instance, label, authority, request))
    assert response.part == [7] and spki(response.issued) == spki(key)
    assert response.issued.subject.rfc4514_string() == f"CN={cn}"
    names = response.issued.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [cn]


@pytest.mark.parametrize("kind", KEYS)
def test_signatures_of_a_registration_authority(instance, label, doors, tmp_path, kind):
    who = doors.identity(tmp_path, doors.profile("client", keys=[kind], extended_key_usage=["clientAuth", "cmcRA"]), kind)
    granted(ask(instance, label, who, cmc.pkcs10(csr(est.unique()))))


def test_a_request_for_mldsa(instance, label, doors, authority, tmp_path):
    """By openssl's request: python-cryptography knows no such key."""
    support.skip_unless_known("mldsa65")
    cn = est.unique()
    subprocess.run(["openssl", "req", "-new", "-newkey", "ML-DSA-65", "-nodes", "-keyout", tmp_path / "key", "-subj", f"/CN={cn}", "-outform", "DER", "-out",
                    tmp_path / "csr"], check=True, capture_output=True)
    door = doors.label(profile=doors.profile("client", keys=["mldsa65"]), auth=["certificate"])
    assert granted(ask(instance, door, authority, cmc.pkcs10((tmp_path / "csr").read_bytes()))).issued.subject.rfc4514_string() == f"CN={cn}"


def test_the_default_path(instance, authority, device):
    """Of the CA that siegel.conf names, which has no row that says its number."""
    support.wait_until(lambda: cmc.post(instance, b"0\0", source=support.new_address()).status != 503, 30, 0.5)
    granted(ask(instance, None, authority, cmc.pkcs10(csr(est.unique()))))
    refused(ask(instance, None, device, cmc.pkcs10(csr(est.unique()))), 403, cmc.BAD_IDENTITY)


def test_what_the_controls_want_back(instance, label, authority):
    nonce, data = cmc.nonce(), os.urandom(50)
    controls = [cmc.control(1, cmc.TRANSACTION_ID, core.Integer(0x1234567890abcdef1234)), cmc.control(2, cmc.SENDER_NONCE, core.OctetString(nonce)),
                cmc.control(4, cmc.DATA_RETURN, core.OctetString(data)), cmc.control(5, cmc.REG_INFO, core.OctetString(b"from line 7"))]
    response = granted(ask(instance, label, authority, cmc.pkcs10(csr(est.unique()), 3), controls=controls))
    assert response.value(cmc.TRANSACTION_ID) == 0x1234567890abcdef1234 and response.value(cmc.RECIPIENT_NONCE) == nonce
    assert response.value(cmc.DATA_RETURN) == data and len(response.value(cmc.SENDER_NONCE)) == 16 and response.value(cmc.SENDER_NONCE) != nonce
    bare = granted(ask(instance, label, authority, cmc.pkcs10(csr(est.unique()))))
    assert set(bare.controls) == {cmc.STATUS_V2, cmc.SENDER_NONCE}
    negative = granted(ask(instance, label, authority, cmc.pkcs10(csr(est.unique()), 3), controls=[cmc.control(1, cmc.TRANSACTION_ID, core.Integer(-5))]))
    assert negative.value(cmc.TRANSACTION_ID) == -5


def test_openssl_verifies_the_response(instance, label, authority, tmp_path):
    """Under the root, by the registration authority of the CA, whose purposes say so."""
    response = granted(ask(instance, label, authority, cmc.pkcs10(csr(est.unique()))))
    (tmp_path / "response.der").write_bytes(response.der)
    (tmp_path / "chain.pem").write_text(open(instance.root, encoding="ascii").read() + "".join(
        c.public_bytes(serialization.Encoding.PEM).decode() for c in support.pkcs7_certificates(est.get(instance, "cacerts").body)))
    out = pki.run("openssl", "cms", "-verify", "-inform", "DER", "-in", str(tmp_path / "response.der"), "-CAfile", str(tmp_path / "chain.pem"),
                  "-purpose", "any", "-binary", "-out", "-")
    assert out == response.content.dump()
    assert CMC_RA in [purpose.dotted for purpose in response.signer.extended_key_usage_value]
    shown = pki.run("openssl", "cms", "-cmsout", "-print", "-inform", "DER", "-in", str(tmp_path / "response.der")).decode()
    assert "1.3.6.1.5.5.7.12.3" in shown or "id-cct-PKIResponse" in shown


def test_a_device_asks_for_itself_alone(instance, label, device):
    key = support.new_key()
    response = granted(ask(instance, label, device, cmc.pkcs10(csr(device.cn, key))))
    assert response.issued.subject == device.certificate.subject and spki(response.issued) == spki(key)
    granted(ask(instance, label, device, cmc.crmf(device.cn, support.new_key())))
    other = est.unique()
    refused(ask(instance, label, device, cmc.pkcs10(csr(other))), 403, cmc.BAD_IDENTITY, "subject")
    refused(ask(instance, label, device, cmc.crmf(other, support.new_key())), 403, cmc.BAD_IDENTITY, "subject")
    refused(ask(instance, label, device, cmc.crmf(device.cn, support.new_key(), names=[other])), 403, cmc.BAD_IDENTITY)
    assert issued_for(instance, other) == 0


def test_the_same_request_gets_the_same_certificate(instance, label, authority):
    """Another message with other nonces, the same request in it."""
    cn = est.unique()
    request = csr(cn)
    first, second = (granted(ask(instance, label, authority, cmc.pkcs10(request), controls=[cmc.control(9, cmc.SENDER_NONCE, core.OctetString(cmc.nonce()))]))
                     for _ in range(2))
    assert first.issued == second.issued and issued_for(instance, cn) == 1


def test_a_hundred_at_once_get_one(instance, label, authority):
    cn = est.unique()
    message = cmc.signed(cmc.pki_data(cmc.pkcs10(csr(cn))), authority.certificate, authority.key)
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: cmc.post(instance, message, label), range(100)))
    assert {a.status for a in answers} == {200} and len({cmc.Response(a).issued.serial_number for a in answers}) == 1
    assert issued_for(instance, cn) == 1


def test_forms_of_the_body(instance, label, authority):
    """base64 in lines, DER as it is, PEM; another type isn't taken."""
    message = cmc.signed(cmc.pki_data(cmc.pkcs10(csr(est.unique()))), authority.certificate, authority.key)
    url, pem = f"{instance.est_url}/{label}/fullcmc", support.pem_of_der("CMS", message)
    for body in (est.wrapped(message), message, pem.encode() if isinstance(pem, str) else pem):
        granted(support.http_get(url, context=instance.tls_context(), method="POST", body=body, headers={"Content-Type": "application/pkcs7-mime"}))
    assert support.http_get(url, context=instance.tls_context(), method="POST", body=message, headers={"Content-Type": "application/pkcs10"}).status == 415
    assert est.get(instance, f"{label}/fullcmc").status == 405


def test_a_request_that_waits(instance, rest, label, authority):
    """Pending (RFC 5272 6.1.3) with 202 until somebody approves; the same message again gets the certificate."""
    cn = est.unique("waits")
    rule = {"name": "eyes", "approve": {"count": 1, "right": "approvals.decide"}, "message": "somebody has to look at it"}
    answer = rest.post("/policies", enrol.document("policies", name=enrol.mark("cmc"), rules=[rule], enabled=True,
                                                   condition=f'$.source == "est" && $.subject.CN[*] == "{cn}"'))
    assert answer.status == 201, answer
    try:
        message = cmc.signed(cmc.pki_data(cmc.pkcs10(csr(cn), 4)), authority.certificate, authority.key)
        waiting = cmc.post(instance, message, label)
        assert waiting.status == 202 and int(waiting.headers["retry-after"]) > 0
        response = cmc.Response(waiting)
        assert response.status == cmc.PENDING and response.part == [4] and response.failure is None and issued_for(instance, cn) == 0
        waits = f"status = 'open' AND body -> 'subject' -> 'CN' ->> 0 = '{cn}'"
        assert cmc.post(instance, message, label).status == 202 and instance.count("approval", waits) == 1
        instance.sql(f"UPDATE approval SET status = 'approved' WHERE {waits}")
        granted(cmc.post(instance, message, label))
    finally:
        assert rest.delete(f"/policies/{answer.data['id']}").status == 204


# ---------------------------------------------------------------- who signed


@pytest.mark.rows("E03")
def test_a_registration_authority_of_another_ca(instance, rest, other_tenant, doors, tmp_path, authority):
    """What one CA gave is good for that CA, and nothing of one tenant counts in another."""
    theirs = enrol.Doors(instance, other_tenant.rest())
    name = theirs.label(auth=["certificate"], profile=theirs.profile("client"))
    support.wait_until(lambda: cmc.post(instance, b"0\0", name, source=support.new_address()).status != 503, 30, 0.5)
    cn = est.unique()
    refused(ask(instance, name, authority, cmc.pkcs10(csr(cn))), 403, cmc.BAD_IDENTITY, "another tenant")
    foreign = theirs.identity(tmp_path, theirs.profile("client", extended_key_usage=["clientAuth", "cmcRA"]))
    granted(ask(instance, name, foreign, cmc.pkcs10(csr(est.unique()))))
    here = doors.label(auth=["certificate"], profile=doors.profile("client"))
    refused(ask(instance, here, foreign, cmc.pkcs10(csr(cn))), 403, cmc.BAD_IDENTITY, "another tenant")
    sub = f"cmc-{enrol.mark('ca')}"
    root = next(c for c in rest.get("/cas").data if not c["relationships"].get("parent", {}).get("data"))["attributes"]["name"]
    made = rest.post("/cas", enrol.document("cas", name=sub, parent=root, subject=[["CN", sub]], profile="sub-ca"))
    assert made.status == 201, made
    of_sub = doors.label(auth=["certificate"], profile=doors.profile("client"), ca=sub)
    support.wait_until(lambda: cmc.post(instance, b"0\0", of_sub, source=support.new_address()).status != 503, 30, 0.5)
    refused(ask(instance, of_sub, authority, cmc.pkcs10(csr(cn))), 403, cmc.BAD_IDENTITY, "another CA")
    assert issued_for(instance, cn) == 0
    theirs.close()


@pytest.mark.rows("E02", "E09")
def test_signers_that_are_nobody_here(instance, label, doors, authority, device, tmp_path, rest):
    """Unsigned, foreign, self-signed, revoked, for another purpose, expired, a key that isn't the certificate's: nothing is issued."""
    cn = est.unique()
    request = cmc.pkcs10(csr(cn))
    content = cmc.pki_data(request)

    def send(*arguments, **kw):
        return cmc.post(instance, cmc.signed(content, *arguments, **kw), label, source=support.new_address())

    refused(send(None, None), 403, cmc.BAD_MESSAGE_CHECK, "isn't signed")
    fake, key = support.self_signed(cn, extensions=[(x509.ExtendedKeyUsage([x509.ObjectIdentifier(CMC_RA)]), False)])
    refused(send(fake, key), 403, cmc.BAD_IDENTITY, "")
    alike, key = est.look_alike(instance, purposes=(x509.ObjectIdentifier(CMC_RA),))
    refused(send(alike, key), 403, cmc.BAD_IDENTITY, "")
    refused(send(authority.certificate, device.key), 403, cmc.BAD_MESSAGE_CHECK, "signature")
    refused(send(authority.certificate, authority.key, certificates=[]), 403, cmc.BAD_MESSAGE_CHECK, "isn't in the message")
    refused(send(authority.certificate, authority.key, certificates=[device.certificate]), 403, cmc.BAD_MESSAGE_CHECK, "isn't in the message")
    server = doors.identity(tmp_path, doors.profile("client", extended_key_usage=["serverAuth"]))
    refused(send(server.certificate, server.key), 403, cmc.BAD_IDENTITY, "clientAuth")
    enciphers = doors.identity(tmp_path, doors.profile("client", keys=["rsa2048"], key_usage=["keyEncipherment"], extended_key_usage=["emailProtection"]), "rsa2048")
    refused(send(enciphers.certificate, enciphers.key), 403, cmc.BAD_IDENTITY, "isn't for signatures")
    old, key = est.look_alike(instance, from_days=-30, to_days=-1, purposes=(x509.ObjectIdentifier(CMC_RA),))
    est.put_into_store(instance, old)
    refused(send(old, key), 403, cmc.BAD_IDENTITY, "expired")
    authority.revoke()
    refused(send(authority.certificate, authority.key), 403, cmc.BAD_IDENTITY, "revoked")
    device.revoke()
    own = cmc.signed(cmc.pki_data(cmc.pkcs10(csr(device.cn))), device.certificate, device.key)
    refused(cmc.post(instance, own, label, source=support.new_address()), 403, cmc.BAD_IDENTITY, "revoked")
    assert issued_for(instance, cn) == 0 and issued_for(instance, device.cn) == 1


@pytest.mark.rows("E09")
def test_who_lost_what_it_asked_with(instance, rest, label, doors, tmp_path):
    """A certificate that was an account's credential and was withdrawn from it; an account whose role may not ask."""
    account = doors.identity(tmp_path)
    name = enrol.mark("station")
    row = rest.post("/accounts", enrol.document("accounts", name=name, role="auditor"))
    assert row.status == 201, row
    made = rest.post("/credentials", enrol.document("credentials", account=name, kind="certificate", certificate=account.pem))
    if made.status != 201:
        pytest.fail(str(made))
    refused(ask(instance, label, account, cmc.pkcs10(csr(account.cn))), 403, cmc.BAD_IDENTITY, "may not request")


def test_paths_that_take_no_certificates(instance, doors, authority, label):
    """A signature isn't evidence where passwords and codes are."""
    for auth in (["password"], ["code"], ["both"]):
        closed = doors.label(auth=auth, profile=doors.profile("client"))
        refused(ask(instance, closed, authority, cmc.pkcs10(csr(est.unique()))), 403, cmc.BAD_IDENTITY, "aren't evidence")


def test_who_guesses_is_slowed_down(instance, label):
    """Each refusal of somebody unknown costs a signature: ten within a minute, then all get one that was made before."""
    source = support.new_address()
    message = cmc.signed(cmc.pki_data(cmc.pkcs10(csr(est.unique()))), None, None)
    answers = [cmc.post(instance, message, label, source=source) for _ in range(13)]
    assert [a.status for a in answers] == [403] * 10 + [429] * 3
    refused(answers[-1], 429, cmc.TRY_LATER, "try again")
    assert len({a.body for a in answers[:10]}) == 10 and len({a.body for a in answers[10:]}) <= 2  # one, unless its seconds end just now
    assert all(int(a.headers["retry-after"]) > 0 for a in answers[10:])
    nonsense = support.new_address()
    answers = [support.est_enroll(instance, None, operation=f"{label}/fullcmc", body=b"!", headers={"Content-Type": cmc.REQUEST_TYPE}, source=nonsense)
               for _ in range(11)]
    assert [a.status for a in answers] == [400] * 10 + [429]
    assert cmc.post(instance, message, label, source=support.new_address()).status == 403


# ---------------------------------------------------------------- proof of possession


def test_proof_of_possession(instance, label, authority):
    """For somebody else's key nobody gets a certificate, a registration authority neither."""
    cn, key, other = est.unique(), support.new_key(), support.new_key()
    good = bytearray(csr(cn, key))
    good[-2] ^= 1
    refused(ask(instance, label, authority, cmc.pkcs10(bytes(good), 5)), 422, cmc.POP_FAILED, "signature").part == [5]
    refused(ask(instance, label, authority, cmc.crmf(cn, key, signer=other)), 422, cmc.POP_FAILED, "signature")
    refused(ask(instance, label, authority, cmc.crmf(cn, key, proof=None)), 422, cmc.POP_REQUIRED, "missing")
    refused(ask(instance, label, authority, cmc.crmf(cn, key, proof="ra_verified")), 422, cmc.POP_REQUIRED, "signature is wanted")
    assert issued_for(instance, cn) == 0


# ---------------------------------------------------------------- messages that no client sends


@pytest.mark.rows("E05")
def test_messages_that_cant_be_read(instance, label, authority, device):
    cn = est.unique()
    request, content = cmc.pkcs10(csr(cn)), cmc.pki_data(cmc.pkcs10(csr(cn)))
    who = (authority.certificate, authority.key)
    inner = core.Any.load(cmc.signed(content, *who))
    octets = core.OctetString(b"x")
    cases = [
        (cmc.signed(cmc.pki_data(request, cmc.pkcs10(csr(cn), 2)), *who), 422, cmc.BAD_REQUEST, "one request"),
        (cmc.signed(cmc.pki_data(request, cmc.crmf(cn, support.new_key(), 2)), *who), 422, cmc.BAD_REQUEST, "one request"),
        (cmc.signed(cmc.pki_data(), *who), 422, cmc.BAD_REQUEST, "no request"),
        (cmc.signed(cmc.pki_data(request, nested=[inner]), *who), 422, cmc.BAD_REQUEST, "messages in a message"),
        (cmc.signed(cmc.pki_data(request, other=[inner]), *who), 422, cmc.BAD_REQUEST, "messages in a message"),
        (cmc.signed(cmc.signed(content, *who), *who), 400, cmc.BAD_REQUEST, ""),
        (cmc.signed(content, *who, content_type="1.2.840.113549.1.7.1"), 400, cmc.BAD_REQUEST, "isn't a PKIData"),
        (cmc.signed(content, *who, content_type=cmc.PKI_RESPONSE), 400, cmc.BAD_REQUEST, "isn't a PKIData"),
        (cmc.signed(content, *who, said=cmc.PKI_RESPONSE), 403, cmc.BAD_MESSAGE_CHECK, "contentType"),
        (cmc.signed(content, *who, digest=b"\0" * 32), 403, cmc.BAD_MESSAGE_CHECK, "messageDigest"),
        (cmc.signed(content, *who, twice=True), 422, cmc.BAD_REQUEST, "one signer"),
        (cmc.signed(content + b"\0", *who), 400, cmc.BAD_REQUEST, ""),
        (cmc.signed(b"", *who), 400, cmc.BAD_REQUEST, ""),
        (cmc.signed(cmc.pki_data(request, controls=[cmc.control(1, cmc.SENDER_NONCE, octets)]), *who), 400, cmc.BAD_REQUEST, "twice"),
        (cmc.signed(cmc.pki_data(request, controls=[cmc.control(0, cmc.SENDER_NONCE, octets)]), *who), 400, cmc.BAD_REQUEST, "bodyPartID"),
        (cmc.signed(cmc.pki_data(request, controls=[cmc.control(2 ** 32, cmc.SENDER_NONCE, octets)]), *who), 400, cmc.BAD_REQUEST, "bodyPartID"),
        (cmc.signed(cmc.pki_data(request, controls=[cmc.control(2, cmc.SENDER_NONCE, octets), cmc.control(3, cmc.SENDER_NONCE, octets)]), *who), 400,
         cmc.BAD_REQUEST, "twice"),
        (cmc.signed(cmc.pki_data(request, controls=[cmc.control(2, cmc.SENDER_NONCE, octets, core.OctetString(b"y"))]), *who), 400, cmc.BAD_REQUEST, ""),
        (cmc.signed(cmc.pki_data(request, controls=[cmc.control(2, cmc.SENDER_NONCE)]), *who), 400, cmc.BAD_REQUEST, ""),
        (cmc.signed(cmc.pki_data(request, controls=[cmc.control(2, cmc.SENDER_NONCE, core.Integer(5))]), *who), 400, cmc.BAD_REQUEST, "another type"),
        (cmc.signed(cmc.pki_data(request, controls=[cmc.control(2, cmc.SENDER_NONCE, core.OctetString(b"x" * 65))]), *who), 400, cmc.BAD_REQUEST, "64"),
        (cmc.signed(cmc.pki_data(request, controls=[cmc.control(2, cmc.DATA_RETURN, core.OctetString(b"x" * 4097))]), *who), 400, cmc.BAD_REQUEST, "4096"),
        (cmc.signed(cmc.pki_data(request, controls=[cmc.control(i + 2, f"{cmc.ID_CMC}.{100 + i}", octets) for i in range(1)] * 20), *who), 422, None, ""),
        (cmc.signed(cmc.pki_data(cmc.crmf(cn, support.new_key(), serial=5)), *who), 422, cmc.BAD_REQUEST, "certificate template"),
        (cmc.signed(cmc.pki_data(cmc.crmf(cn, support.new_key(), subject=None)), *who), 422, cmc.BAD_REQUEST, "subject and public key"),
        (cmc.signed(cmc.pki_data(cmc.crmf(cn, support.new_key(), controls=[cmc.control(2, cmc.SENDER_NONCE, octets)])), *who), 422, cmc.BAD_REQUEST,
         "controls of a request"),
    ]
    for message, status, failure, word in cases:
        if failure is None:
            refused(cmc.post(instance, message, label, source=support.new_address()), status, None, word, cmc.NO_SUPPORT)
        else:
            refused(cmc.post(instance, message, label, source=support.new_address()), status, failure, word)
    for body, status in ((b"", 400), (b"\0\1\2", 400), (b"no base64!", 400), (b"TUlJQg", 400), (b"-----BEGIN CMS-----\nMA==\n-----END PKCS7-----\n", 400)):
        answer = support.est_enroll(instance, None, operation=f"{label}/fullcmc", body=body, headers={"Content-Type": cmc.REQUEST_TYPE},
                                    source=support.new_address())
        assert refused(answer, status, cmc.BAD_REQUEST, "").part == [0]
    assert issued_for(instance, cn) == 0


def test_controls_that_arent_taken(instance, label, authority):
    """noSupport (RFC 5272 6.1.3) names the part at fault; a request is never carried out without its controls."""
    cn = est.unique()
    for oid in (cmc.IDENTITY_PROOF_V2, cmc.REVOKE_REQUEST, cmc.QUERY_PENDING, cmc.ADD_EXTENSIONS, cmc.CHANGE_SUBJECT_NAME, cmc.RECIPIENT_NONCE, "1.2.3.4"):
        answer = ask(instance, label, authority, cmc.pkcs10(csr(cn)), controls=[cmc.control(17, oid, core.OctetString(b"x"))])
        assert refused(answer, 422, None, "control", cmc.NO_SUPPORT).part == [17]
    assert issued_for(instance, cn) == 0


def test_the_profile_decides(instance, label, authority):
    """Of extensions that a template asks for, names alone have an effect."""
    cn = est.unique()
    bad = ask(instance, label, authority, cmc.crmf(cn, support.new_key("rsa3072")))
    refused(bad, 422, cmc.Response(bad).failure, "key")
    assert cmc.Response(bad).failure in (cmc.BAD_ALG, cmc.BAD_REQUEST)
    refused(ask(instance, label, authority, cmc.crmf("", support.new_key())), 422, cmc.BAD_REQUEST)


@pytest.mark.slow
def test_damaged_messages(instance, label, authority):
    """Cut off and turned over: a response or text, never a certificate for what wasn't signed, never a fault."""
    cn = est.unique()
    message = cmc.signed(cmc.pki_data(cmc.pkcs10(csr(cn)), controls=[cmc.control(9, cmc.SENDER_NONCE, core.OctetString(cmc.nonce()))]),
                         authority.certificate, authority.key)
    rng = random.Random(5)
    damaged = [message[:n] for n in rng.sample(range(1, len(message)), 60)]
    for place in rng.sample(range(len(message)), 140):
        turned = bytearray(message)
        turned[place] ^= 1 << rng.randrange(8)
        damaged.append(bytes(turned))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda m: cmc.post(instance, m, label, source=support.new_address()), damaged))
    statuses = [a.status for a in answers]
    assert set(statuses) <= {200, 400, 403, 413, 422}, set(statuses)
    for answer in answers:
        if answer.status == 200:                                # what was turned isn't signed: a certificate beside the signer's, a version
            assert cmc.Response(answer).issued.subject.rfc4514_string() == f"CN={cn}"
    assert issued_for(instance, cn) <= 1
