"""serverkeygen of EST (RFC 7030 4.4): keys made by the appliance, in the clear inside TLS or encrypted once more; opened by openssl and asn1crypto."""

import base64
import concurrent.futures
import email
import email.policy
import hashlib
import os
import re
import subprocess
import time
from pathlib import Path

import pytest
from asn1crypto import cms, core
from cryptography import x509
from cryptography.hazmat.primitives import keywrap, serialization

import enrol
import est
import pki
import support

DER = serialization.Encoding.DER
CAPABILITIES, DECRYPT_KEY, ASYMM_DECRYPT_KEY = "1.2.840.113549.1.9.15", "1.2.840.113549.1.9.16.2.37", "1.2.840.113549.1.9.16.2.54"
AES128_CBC, AES256_CBC, AES256_GCM, DES3 = "2.16.840.1.101.3.4.1.2", "2.16.840.1.101.3.4.1.42", "2.16.840.1.101.3.4.1.46", "1.2.840.113549.3.7"
AES128_WRAP, AES256_WRAP = "2.16.840.1.101.3.4.1.5", "2.16.840.1.101.3.4.1.45"
OAEP, OAEP_PARAMETERS = "1.2.840.113549.1.1.7", ("302fa00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d06096086480165030402010500")
OAEP_OTHER = "300fa00d300b0609608648016503040203"  # SHA-512, with MGF1 of SHA-1
ECDH_SHA384, ECDH_SHA1 = "1.3.132.1.11.2", "1.3.133.16.840.63.0.2"
KEY_PACKAGE, CMC_KGA = "2.16.840.1.101.2.1.2.78.5", "1.3.6.1.5.5.7.3.32"


@pytest.fixture
def doors(instance, rest):
    made = enrol.Doors(instance, rest)
    yield made
    made.close()


class Capability(core.Sequence):
    _fields = [("id", core.ObjectIdentifier), ("parameters", core.Any, {"optional": True})]


class CapabilityList(core.SequenceOf):
    _child_spec = Capability


def capabilities(*wanted):
    """SMIMECapabilities; each an OID, or an OID and its parameters in hexadecimal."""
    items = [(w, None) if isinstance(w, str) else w for w in wanted]
    return CapabilityList([Capability({"id": oid, **({"parameters": core.Any.load(bytes.fromhex(p))} if p else {})}) for oid, p in items]).dump()


def octets(value):
    return core.OctetString(value).dump()


def ask(instance, account, csr, label=None, identity=None, **kw):
    """POST; while the registration authority is being made, again."""
    for _ in range(40):
        answer = support.est_enroll(instance, csr, authorization=support.basic(*account) if account else None,
                                    operation=f"{label}/serverkeygen" if label else "serverkeygen",
                                    cert=identity.cert_path if identity else None, key=identity.key_path if identity else None, **kw)
        if answer.status != 503 or b"being made" not in answer.body:
            return answer
        assert int(answer.headers["retry-after"]) > 0
        time.sleep(0.5)
    return answer


def parts(answer):
    """Key part (type, octets) and certificate."""
    assert answer.status == 200, answer
    assert answer.headers["content-type"].startswith("multipart/mixed; boundary=") and answer.headers["cache-control"] == "no-store"
    message = email.message_from_bytes(b"Content-Type: " + answer.headers["content-type"].encode() + b"\r\n\r\n" + answer.body, policy=email.policy.compat32)
    first, second = message.get_payload()
    assert first["content-transfer-encoding"] == second["content-transfer-encoding"] == "base64"
    assert second["content-type"] == est.CERTS_ONLY
    certificates = support.pkcs7_certificates(second.get_payload().strip())
    assert len(certificates) == 1
    return first["content-type"], base64.b64decode(first.get_payload().strip(), validate=True), certificates[0]


def spki(thing):
    return thing.public_key().public_bytes(DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def signed_package(instance, folder, content):
    """SignedData as it stands in the EnvelopedData → the private key. openssl verifies it under the root; the signer is the CA's registration authority."""
    info = cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData.load(content)})
    assert info["content"]["encap_content_info"]["content_type"].dotted == KEY_PACKAGE
    signer = x509.load_der_x509_certificate(info["content"]["certificates"][0].chosen.dump())
    purposes = {o.dotted_string for o in signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value}
    assert CMC_KGA in purposes
    der, chain = folder / "package.der", folder / "chain.pem"
    der.write_bytes(info.dump())
    chain.write_text(open(instance.root, encoding="ascii").read() + "".join(
        c.public_bytes(serialization.Encoding.PEM).decode() for c in support.pkcs7_certificates(est.get(instance, "cacerts").body)))
    package = pki.run("openssl", "cms", "-verify", "-inform", "DER", "-in", str(der), "-CAfile", str(chain), "-purpose", "any", "-binary",
                      "-out", "-")
    keys = core.SequenceOf.load(package, spec=core.Any, strict=True)
    assert len(keys) == 1
    return serialization.load_der_private_key(keys[0].dump(), None)


def decrypt(folder, der, *arguments):
    path = folder / "envelope.der"
    path.write_bytes(der)
    return pki.run("openssl", "cms", "-decrypt", "-inform", "DER", "-in", str(path), "-binary", "-out", "-", *map(str, arguments))


def enveloped(der):
    info = cms.ContentInfo.load(der, strict=True)
    assert info["content_type"].native == "enveloped_data"
    content = info["content"]
    assert content["encrypted_content_info"]["content_type"].native == "signed_data" and len(content["recipient_infos"]) == 1
    return content, content["recipient_infos"][0]


def secret(rest, algorithm="aes256", **more):
    """A symmetric key that the store keeps; its name and value."""
    name = enrol.mark("kek")
    made = enrol.made(rest.post("/secrets", enrol.document("secrets", name=name, kind="symmetric", algorithm=algorithm, **more)))
    value = rest.post(f"/secrets/{made['id']}/fetch", enrol.document("fetch"))
    return name, base64.b64decode(value.attributes["value"])


# ---------------------------------------------------------------- in the clear


@pytest.mark.parametrize("kind", ["p256", "p384", "p521", "brainpoolp256r1", "rsa2048", "rsa3072", "rsa4096", "ed25519", "mldsa65"])
def test_key_and_certificate(instance, est_account, doors, kind):
    """The profile says of which type the key is; the one in the request isn't it (RFC 7030 4.4.1)."""
    support.skip_unless_known(kind)
    label, name = doors.label(profile=doors.profile(keys=[kind], names_allowed=["dns"])), est.unique()
    csr = est.request(cn=name, names=[name])
    content_type, key, certificate = parts(ask(instance, est_account, csr, label))
    assert content_type == "application/pkcs8"
    ((detail,),) = instance.sql(f"SELECT detail::jsonb->>'key' FROM audit WHERE action = 'certificate.intent' AND detail::jsonb->>'subject' = 'CN={name}'")
    assert detail == "made here"
    # By openssl: python-cryptography doesn't know all types.
    public = [subprocess.run(["openssl", *command, "-inform", "DER", *more], input=der, capture_output=True, check=True).stdout
              for command, der, more in ((["pkey"], key, ["-pubout"]), (["x509"], certificate.public_bytes(DER), ["-noout", "-pubkey"]))]
    assert public[0] == public[1] and public[0] != subprocess.run(["openssl", "req", "-inform", "DER", "-noout", "-pubkey"], input=csr,
                                                                  capture_output=True, check=True).stdout
    assert certificate.subject.rfc4514_string() == f"CN={name}"
    assert name in certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)


def test_curl_and_openssl_take_it_apart(instance, est_account, tmp_path):
    """The commands of doc/est-keys.md."""
    text = (Path(__file__).resolve().parents[2] / "doc" / "est-keys.md").read_text()
    lines = [b for b in re.findall(r"```sh\n(.*?)```", text, re.S) if "$URL/serverkeygen" in b or "$URL/csrattrs" in b]
    assert len(lines) == 2
    name = est.unique()
    (tmp_path / "device.csr").write_bytes(est.request(cn=name))
    check = 'test "$(openssl pkey -in device.key -pubout)" = "$(openssl x509 -in device.crt -noout -pubkey)"; openssl x509 -in device.crt -noout -subject'
    script = "\n".join([*lines, check]).replace("-u line1:", f"-u {est_account[0]}:")
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60,
                          env={**os.environ, "ROOT": str(instance.cacert), "URL": instance.est_url, "PASSWORD": est_account[1]})
    assert done.returncode == 0, done.stderr
    assert name in done.stdout


def test_the_type_in_the_request_is_taken_where_the_profile_takes_it(instance, est_account, doors):
    label = doors.label(profile=doors.profile(keys=["rsa2048", "p256"]))
    _, key, _ = parts(ask(instance, est_account, est.request(kind="p256"), label))
    assert serialization.load_der_private_key(key, None).curve.name == "secp256r1"
    _, key, _ = parts(ask(instance, est_account, est.request(), doors.label(profile=doors.profile(keys=["rsa2048"]))))
    assert serialization.load_der_private_key(key, None).key_size == 2048


def test_a_device_gets_a_key_for_itself_alone(instance, doors, tmp_path):
    device = doors.identity(tmp_path)
    label = doors.label(profile=doors.profile("client"))
    assert ask(instance, None, est.request(cn=est.unique()), label, device).status == 403
    _, key, certificate = parts(ask(instance, None, est.request(cn=device.cn), label, device))
    assert certificate.subject == device.certificate.subject and spki(serialization.load_der_private_key(key, None)) == spki(certificate)


def test_a_signature_that_can_be_checked_is(instance, est_account):
    csr = bytearray(est.request())
    csr[-3] ^= 1
    answer = ask(instance, est_account, bytes(csr))
    assert answer.status == 422 and b"signature" in answer.body


def test_profiles_of_keys_of_clients(instance, est_account, doors):
    refused = ask(instance, est_account, est.request(), doors.label(profile=doors.profile(key_origin="client")))
    assert refused.status == 422 and b"the key is made by who asks" in refused.body
    appliance = doors.label(profile=doors.profile(key_origin="appliance"))
    parts(ask(instance, est_account, est.request(), appliance))
    enroll = support.est_enroll(instance, est.request(), authorization=support.basic(*est_account), operation=f"{appliance}/simpleenroll")
    assert enroll.status == 422 and b"the key is made here" in enroll.body


def test_evidence_is_asked_for(instance, est_account, default_tenant):
    csr = est.request()
    for account in (None, (est_account[0], "wrong-password-0"), ("nobody", est_account[1])):
        assert ask(instance, account, csr, source=support.new_address()).status == 401
    auditor = default_tenant.account("auditor", "password")
    assert ask(instance, auditor, csr).status == 403


# ---------------------------------------------------------------- once


@pytest.mark.rows("E06")
def test_the_key_is_handed_out_once(instance, est_account):
    """A repetition gets no second key and no second certificate: the key is in the first answer alone."""
    csr, name = est.request(cn=(name := est.unique())), name
    parts(ask(instance, est_account, csr))
    again = ask(instance, est_account, csr)
    assert again.status == 409 and b"make a new signing request" in again.body and b"PRIVATE" not in again.body
    assert instance.count("certificate", f"common_name = '{name}'") == 1


def test_a_code_is_good_for_one_key(instance, rest, doors):
    """The repetition that gets no key doesn't give the code back either."""
    label, name = doors.label(auth=["code"]), est.unique()
    code = enrol.made(rest.post("/enrollment_codes", enrol.document("enrollment_codes", est_label=label, common_name=name)))["attributes"]["secret"]
    csr = est.request(cn=name)
    assert ask(instance, ("device", code), est.request(cn=est.unique()), label).status == 403     # bound to another name: the code is given back
    parts(ask(instance, ("device", code), csr, label))
    for _ in range(2):
        assert ask(instance, ("device", code), csr, label).status == 409
        assert ask(instance, ("device", code), est.request(cn=name), label).status == 403
    assert instance.count("certificate", f"common_name = '{name}'") == 1


def test_a_hundred_at_once_make_one(instance, est_account):
    name = est.unique()
    csr = est.request(cn=name)
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: ask(instance, est_account, csr), range(100)))
    assert sorted({a.status for a in answers}) in ([200, 409], [200, 409, 503])
    assert sum(a.status == 200 for a in answers) == 1 and instance.count("certificate", f"common_name = '{name}'") == 1


def test_a_request_that_waits_for_people(instance, rest, est_account, tmp_path):
    """202 until it is approved; then the key is made, and encrypted as the request wants."""
    cn, (name, kek) = est.unique("waits"), secret(rest)
    rule = {"name": "eyes", "approve": {"count": 1, "right": "approvals.decide"}, "message": "somebody has to look at it"}
    policy = enrol.made(rest.post("/policies", enrol.document("policies", name=enrol.mark("keygen"), rules=[rule], enabled=True,
                                                              condition=f'$.source == "est" && $.subject.CN[*] == "{cn}"')))
    csr = est.request(cn=cn, attributes=[(DECRYPT_KEY, octets(name.encode()))])
    waits = f"status = 'open' AND body -> 'subject' -> 'CN' ->> 0 = '{cn}'"
    try:
        for _ in range(2):
            answer = ask(instance, est_account, csr)
            assert answer.status == 202 and int(answer.headers["retry-after"]) > 0 and instance.count("approval", waits) == 1
        instance.sql(f"UPDATE approval SET status = 'approved' WHERE {waits}")
        _, der, certificate = parts(ask(instance, est_account, csr))
        opened = decrypt(tmp_path, der, "-secretkey", kek.hex(), "-secretkeyid", name.encode().hex())
        assert spki(signed_package(instance, tmp_path, opened)) == spki(certificate)
        assert ask(instance, est_account, csr).status == 409
    finally:
        assert rest.delete(f"/policies/{policy['id']}").status == 204


@pytest.mark.rows("E06")
def test_the_key_is_kept_nowhere(instance, est_account, tmp_path):
    """Neither in the logs, nor in the store, nor in a file of the instance."""
    name = est.unique()
    _, der, certificate = parts(ask(instance, est_account, est.request(cn=name)))
    private = serialization.load_der_private_key(der, None).private_numbers().private_value.to_bytes(32, "big")
    traces = [private, base64.b64encode(der)[20:60], private.hex().encode()]
    for path in instance.log_files():
        content = path.read_bytes()
        assert not any(t in content for t in traces), path
    dumped = instance.sql(f"SELECT count(*) FROM certificate c WHERE common_name = '{name}' AND position('\\x{private.hex()}'::bytea IN c.der) > 0")
    assert dumped == [["0"]] and instance.count("archived_key", f"certificate_id = (SELECT id FROM certificate WHERE common_name = '{name}')") == 0
    for folder, _, files in os.walk(instance.run):
        for file in files:
            path = os.path.join(folder, file)
            if os.path.isfile(path) and not os.path.islink(path) and os.path.getsize(path) < 64 << 20:
                with open(path, "rb") as f:
                    assert private not in f.read(), path


# ---------------------------------------------------------------- kekri


@pytest.mark.parametrize("algorithm,wrap", [("aes128", "aes128_wrap"), ("aes192", "aes192_wrap"), ("aes256", "aes256_wrap")])
def test_for_a_secret(instance, rest, est_account, tmp_path, algorithm, wrap):
    name, kek = secret(rest, algorithm)
    csr = est.request(attributes=[(DECRYPT_KEY, octets(name.encode())), (CAPABILITIES, capabilities(AES256_CBC))])
    content_type, der, certificate = parts(ask(instance, est_account, csr))
    assert content_type == "application/pkcs7-mime; smime-type=server-generated-key"
    content, recipient = enveloped(der)
    assert recipient.name == "kekri" and content["version"].native == "v2"
    info = recipient.chosen
    assert info["version"].native == "v4" and info["kekid"]["key_identifier"].native == name.encode()
    assert info["key_encryption_algorithm"]["algorithm"].native == wrap
    assert len(keywrap.aes_key_unwrap(kek, info["encrypted_key"].native)) == 32
    opened = decrypt(tmp_path, der, "-secretkey", kek.hex(), "-secretkeyid", name.encode().hex())
    assert spki(signed_package(instance, tmp_path, opened)) == spki(certificate)


def test_for_the_secret_of_a_device(instance, rest, est_account, tmp_path):
    device = enrol.mark("meter")
    _, kek = secret(rest, "aes256", device=device)
    csr = est.request(attributes=[(DECRYPT_KEY, octets(device.encode())), (CAPABILITIES, capabilities(AES128_CBC, AES256_WRAP))])
    _, der, certificate = parts(ask(instance, est_account, csr))
    content, recipient = enveloped(der)
    assert content["encrypted_content_info"]["content_encryption_algorithm"]["algorithm"].native == "aes128_cbc"
    opened = decrypt(tmp_path, der, "-secretkey", kek.hex(), "-secretkeyid", device.encode().hex())
    assert spki(signed_package(instance, tmp_path, opened)) == spki(certificate)


# ---------------------------------------------------------------- ktri and kari


@pytest.fixture
def recipients(doors):
    """Profiles of certificates that keys can be encrypted for."""
    return {"rsa": doors.profile("client", keys=["rsa2048"], key_usage=["digitalSignature", "keyEncipherment"], extended_key_usage=["clientAuth"]),
            "ec": doors.profile("client", keys=["p256", "p384", "p521", "brainpoolp256r1"], key_usage=["digitalSignature", "keyAgreement"],
                                extended_key_usage=["clientAuth"])}


def key_hash(identity):
    return hashlib.sha256(spki(identity.certificate)).digest()


def key_id(identity):
    return identity.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest


@pytest.mark.parametrize("wanted,algorithm", [((AES256_CBC,), "rsaes_pkcs1v15"), ((AES256_CBC, (OAEP, OAEP_PARAMETERS)), "rsaes_oaep"),
                                              ((OAEP,), "rsaes_oaep"), (("1.2.840.113549.1.1.1",), "rsaes_pkcs1v15")])
def test_for_an_rsa_key(instance, est_account, doors, recipients, tmp_path, wanted, algorithm):
    to = doors.identity(tmp_path, recipients["rsa"], "rsa2048")
    csr = est.request(attributes=[(ASYMM_DECRYPT_KEY, octets(key_hash(to))), (CAPABILITIES, capabilities(*wanted))])
    _, der, certificate = parts(ask(instance, est_account, csr))
    content, recipient = enveloped(der)
    assert recipient.name == "ktri" and content["version"].native == "v0"
    assert recipient.chosen["rid"].chosen["serial_number"].native == to.certificate.serial_number
    assert recipient.chosen["key_encryption_algorithm"]["algorithm"].native == algorithm
    opened = decrypt(tmp_path, der, "-recip", to.cert_path, "-inkey", to.key_path)
    assert spki(signed_package(instance, tmp_path, opened)) == spki(certificate)


@pytest.mark.parametrize("kind,wanted,scheme", [("p256", (AES256_CBC,), "1.3.132.1.11.1"), ("p384", (AES128_CBC, AES128_WRAP, ECDH_SHA384), ECDH_SHA384),
                                                ("p521", (), "1.3.132.1.11.1")])
def test_for_an_ec_key(instance, est_account, doors, recipients, tmp_path, kind, wanted, scheme):
    to = doors.identity(tmp_path, recipients["ec"], kind)
    csr = est.request(attributes=[(ASYMM_DECRYPT_KEY, octets(key_hash(to)))] + ([(CAPABILITIES, capabilities(*wanted))] if wanted else []))
    _, der, certificate = parts(ask(instance, est_account, csr))
    content, recipient = enveloped(der)
    assert recipient.name == "kari" and content["version"].native == "v2"
    assert recipient.chosen["version"].native == "v3" and recipient.chosen["key_encryption_algorithm"]["algorithm"].dotted == scheme
    opened = decrypt(tmp_path, der, "-recip", to.cert_path, "-inkey", to.key_path)
    assert spki(signed_package(instance, tmp_path, opened)) == spki(certificate)


def test_for_the_certificate_that_the_client_shows(instance, doors, recipients, tmp_path):
    """By its subjectKeyIdentifier; another client's isn't found by that."""
    device, other = (doors.identity(tmp_path, recipients["rsa"], "rsa2048") for _ in range(2))
    label = doors.label(profile=doors.profile("client"))
    csr = est.request(cn=device.cn, attributes=[(ASYMM_DECRYPT_KEY, octets(key_id(device))), (CAPABILITIES, capabilities(AES256_CBC))])
    _, der, certificate = parts(ask(instance, None, csr, label, device))
    opened = decrypt(tmp_path, der, "-recip", device.cert_path, "-inkey", device.key_path)
    assert spki(signed_package(instance, tmp_path, opened)) == spki(certificate)
    csr = est.request(cn=device.cn, attributes=[(ASYMM_DECRYPT_KEY, octets(key_id(other)))])
    assert ask(instance, None, csr, label, device).status == 404


# ---------------------------------------------------------------- never downgraded


@pytest.mark.rows("E06")
def test_a_path_that_hands_out_encrypted_keys_alone(instance, rest, est_account, doors, tmp_path):
    label = doors.label(settings={"key_delivery": "encrypted"})
    name, value = est.unique(), secret(rest)
    refused = ask(instance, est_account, est.request(cn=name), label)
    assert refused.status == 422 and b"encrypted alone" in refused.body
    assert instance.count("certificate", f"common_name = '{name}'") == 0
    csr = est.request(cn=name, attributes=[(DECRYPT_KEY, octets(value[0].encode()))])
    _, der, certificate = parts(ask(instance, est_account, csr, label))
    opened = decrypt(tmp_path, der, "-secretkey", value[1].hex(), "-secretkeyid", value[0].encode().hex())
    assert spki(signed_package(instance, tmp_path, opened)) == spki(certificate)


@pytest.mark.rows("E06")
def test_who_asks_for_encryption_gets_that_or_nothing(instance, rest, est_account, doors, recipients, other_tenant, tmp_path):
    """Each of these is refused before a key is made: no certificate comes of it."""
    name, _ = secret(rest)
    short, _ = secret(rest, "aes128")
    hmac, _ = secret(rest, "hmac-sha512")
    foreign, _ = secret(other_tenant.rest())
    unfit = doors.identity(tmp_path)                                              # digitalSignature alone
    revoked = doors.identity(tmp_path, recipients["rsa"], "rsa2048")
    revoked.revoke()
    rsa = doors.identity(tmp_path, recipients["rsa"], "rsa2048")
    ec = doors.identity(tmp_path, recipients["ec"])
    good, by_key = (DECRYPT_KEY, octets(name.encode())), lambda i: (ASYMM_DECRYPT_KEY, octets(key_hash(i)))
    cases = [
        (404, [(DECRYPT_KEY, octets(b"no such key"))], b"no key of this identifier"),
        (404, [(DECRYPT_KEY, octets(foreign.encode()))], b"no key of this identifier"),
        (422, [(DECRYPT_KEY, octets(hmac.encode()))], b""),
        (422, [(DECRYPT_KEY, octets(short.encode())), (CAPABILITIES, capabilities(AES256_CBC, AES256_WRAP))], b"id-aes128-wrap"),
        (422, [good, (CAPABILITIES, capabilities(DES3))], b"content ciphers"),
        (422, [good, (CAPABILITIES, capabilities(AES256_GCM))], b"content ciphers"),
        (422, [good, by_key(rsa)], b"one of them"),
        (422, [(CAPABILITIES, capabilities(AES256_CBC))], b"without an identifier"),
        (422, [(DECRYPT_KEY, octets(b""))], b"identifier"),
        (422, [(DECRYPT_KEY, octets(b"x" * 201))], b"identifier"),
        (422, [(DECRYPT_KEY, octets(name.encode()), octets(name.encode()))], b"DecryptKeyIdentifier"),
        (422, [(DECRYPT_KEY, core.UTF8String(name).dump())], b"DecryptKeyIdentifier"),
        (422, [(DECRYPT_KEY,)], b"DecryptKeyIdentifier"),
        (422, [good, (CAPABILITIES, octets(b"x"))], b"SMIMECapabilities"),
        (422, [good, (CAPABILITIES, est.sequence(octets(b"x")))], b"SMIMECapabilities"),
        (404, [(ASYMM_DECRYPT_KEY, octets(os.urandom(32)))], b"AsymmetricDecryptKeyIdentifier"),
        (404, [(ASYMM_DECRYPT_KEY, octets(key_id(rsa)))], b"AsymmetricDecryptKeyIdentifier"),
        (404, [by_key(revoked)], b"AsymmetricDecryptKeyIdentifier"),
        (422, [by_key(unfit)], b"keyAgreement"),
        (422, [by_key(rsa), (CAPABILITIES, capabilities((OAEP, OAEP_OTHER)))], b"RSAES-OAEP"),
        (422, [by_key(ec), (CAPABILITIES, capabilities(ECDH_SHA1))], b"key agreements"),
    ]
    for status, attributes, word in cases:
        cn = est.unique()
        answer = ask(instance, est_account, est.request(cn=cn, attributes=attributes))
        assert answer.status == status and word in answer.body, (attributes, answer)
        assert answer.headers["content-type"].startswith("text/plain") and instance.count("certificate", f"common_name = '{cn}'") == 0
