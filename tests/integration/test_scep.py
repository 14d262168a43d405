"""SCEP (RFC 8894) over the edge, by a client of our own: capabilities, certificates of the CA, enrolment, renewal, waiting, queries."""

import concurrent.futures
import datetime
import subprocess
import uuid

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

import labels
import scep
import support

DER, PEM = serialization.Encoding.DER, serialization.Encoding.PEM


def unique(prefix="device"):
    return f"{prefix}-{uuid.uuid4().hex[:10]}.example"


@pytest.fixture(scope="module")
def house(new_tenant):
    return new_tenant()


@pytest.fixture(scope="module")
def door(rest):
    """A profile with a static challenge, codes and certificates as evidence."""
    return scep.ready(scep.Profile(rest, auth=["challenge", "code", "certificate"]))


@pytest.fixture(scope="module")
def legacy(rest):
    return scep.ready(scep.Profile(rest, auth=["challenge", "certificate"], settings={"algorithms": "legacy"}))


@pytest.fixture(scope="module")
def default_door(rest):
    """The profile of the addresses that name none."""
    found = rest.get("/scep_profiles?filter[name]=default").data
    if found:
        assert rest.delete(f"/scep_profiles/{found[0]['id']}").status == 204
    yield scep.ready(scep.Profile(rest, name="default"))
    for one in rest.get("/scep_profiles?filter[name]=default").data:
        assert rest.delete(f"/scep_profiles/{one['id']}").status == 204


@pytest.fixture(scope="module")
def device(door):
    """A device with a certificate of its own: certificate, key."""
    return door.client.enrol(challenge=door.challenge).certificate(), scep.rsa_key()


def issued_by(certificate, client):
    certificate.public_key()  # parses
    ca = client.ca
    assert certificate.issuer == ca.subject
    ca.public_key().verify(certificate.signature, certificate.tbs_certificate_bytes, *(
        [padding.PKCS1v15(), certificate.signature_hash_algorithm] if hasattr(ca.public_key(), "encrypt")
        else [scep.ec.ECDSA(certificate.signature_hash_algorithm)]))
    return certificate


# ---------------------------------------------------------------- GetCACaps, GetCACert, GetNextCACert


def test_capabilities(door, legacy, rest):
    answer = door.client.get("GetCACaps")
    assert answer.status == 200 and answer.headers["content-type"].startswith("text/plain")
    assert answer.body.decode().split() == ["AES", "POSTPKIOperation", "Renewal", "SCEPStandard", "SHA-256", "SHA-512"]
    words = legacy.client.get("GetCACaps").body.decode().split()
    assert set(words) == {"AES", "POSTPKIOperation", "Renewal", "SCEPStandard", "SHA-256", "SHA-512", "SHA-1", "DES3"}
    every = scep.Profile(rest, settings={"capabilities": "all"})
    words = every.client.get("GetCACaps").body.decode().split()
    assert {"SHA-1", "DES3", "SHA-384", "SHA-224", "Update"} <= set(words)
    assert every.client.enrol(challenge=every.challenge, digest="sha1").fail == scep.BAD_ALG  # announced, and not taken all the same


@pytest.mark.parametrize("message", [None, "", "0", "1", "CAIdentifier", "a b/ö"])
def test_ca_identifier_is_of_no_meaning(door, message):
    more = {} if message is None else {"message": message}
    for operation in ("GetCACert", "getcacert", "GETCACERT"):
        answer = door.client.get(operation, **more)
        assert answer.status == 200 and answer.headers["content-type"] == "application/x-x509-ca-ra-cert", answer
    assert door.client.get("GetCACaps", **more).status == 200


def test_ca_certificates(door):
    ca, ra = door.client.ca, door.client.ras[0]
    assert len(door.client.ras) == 1
    usage = ra.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature and usage.key_encipherment and not usage.key_cert_sign and not usage.crl_sign
    assert ra.public_key().key_size >= 2048
    purposes = list(ra.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    assert ExtendedKeyUsageOID.CLIENT_AUTH not in purposes and ExtendedKeyUsageOID.SERVER_AUTH not in purposes
    issued_by(ra, door.client)
    roots = [c for c in door.client.ca_certs if c.subject == c.issuer]
    assert len(roots) == 1 and ca.issuer == roots[0].subject
    assert not hasattr(ca.public_key(), "encrypt"), "the issuing CA has a key that can't decrypt: the registration authority has one that can"


PATHS = ["", "/", "/pkiclient.exe", "/cgi-bin/pkiclient.exe", "/mscep.dll", "/mscep/mscep.dll", "/certsrv/mscep/mscep.dll",
         "/certsrv/mscep/mscep.dll/pkiclient.exe", "/certsrv/mscep/"]


@pytest.mark.parametrize("plain", [True, False], ids=["http", "https"])
@pytest.mark.parametrize("path", PATHS)
def test_paths_of_a_profile(instance, door, path, plain):
    client = scep.Client(instance, door.label, plain, path=f"/scep/{door.label}{path}")
    assert client.get("GetCACaps").status == 200
    body, sent = client.message(scep.PKCS_REQ, scep.csr_of(unique(), scep.rsa_key(), door.challenge).public_bytes(DER),
                                scep.self_signed("x", scep.rsa_key()), scep.rsa_key())
    assert scep.Reply(client.post(body), client, sent).certificate()


@pytest.mark.parametrize("path", ["/scep", "/scep/", "/scep/pkiclient.exe", "/cgi-bin/pkiclient.exe", "/cgi-bin/pkiclient.exe/pkiclient.exe",
                                  "/certsrv/mscep/mscep.dll", "/certsrv/mscep/mscep.dll/pkiclient.exe", "/certsrv/mscep/"])
def test_paths_without_a_name(instance, default_door, path):
    for plain in (True, False):
        client = scep.Client(instance, None, plain, path=path)
        assert client.enrol(challenge=default_door.challenge).certificate()


def test_whose_the_address_without_a_name_is_is_asked_each_time(instance, default_door, other_tenant):
    """A profile of the name that came to another tenant behind the engine's back serves nobody there; its own address still does."""
    theirs = scep.ready(scep.Profile(other_tenant.rest()))
    base = f"http://{instance.plain_host}:{instance.plain_port}/scep"
    url = f"{base}?operation=GetCACaps"
    assert support.http_get(url).status == 200
    instance.sql(f"UPDATE endpoint SET label = 'kept-meanwhile' WHERE id = {default_door.id}")
    instance.sql(f"UPDATE endpoint SET label = 'default' WHERE id = {theirs.id}")
    try:
        answer = support.wait_until(lambda: (a := support.http_get(url)).status == 404 and a, 3)
        assert b"[scep] tenant" in answer.body
        assert support.http_get(f"{base}/default?operation=GetCACaps").status == 200
    finally:
        instance.sql(f"UPDATE endpoint SET label = '{theirs.label}' WHERE id = {theirs.id}")
        instance.sql(f"UPDATE endpoint SET label = 'default' WHERE id = {default_door.id}")
    support.wait_until(lambda: support.http_get(url).status == 200, 3)


def next_certificates(answer, by):
    """Of GetNextCACert: SignedData by the old registration authority around a degenerate one (RFC 8894 4.7.1)."""
    assert answer.status == 200 and answer.headers["content-type"] == "application/x-x509-next-ca-cert", answer
    info = scep.asn1_cms.ContentInfo.load(answer.body, strict=True)
    signer = info["content"]["signer_infos"][0]
    content = info["content"]["encap_content_info"]["content"].native
    attributes = {a["type"].native: a["values"][0].native for a in signer["signed_attrs"]}
    assert attributes["message_digest"] == scep.hashlib.new("sha256", content).digest()
    [ra] = [c for c in by if c.serial_number == signer["sid"].chosen["serial_number"].native]
    ra.public_key().verify(signer["signature"].native, b"\x31" + signer["signed_attrs"].dump()[1:], padding.PKCS1v15(),
                           scep.hashes.SHA256())
    return pkcs7.load_der_pkcs7_certificates(content)


def test_next_ca(house, tmp_path):
    rest = house.rest()

    def post(path, kind, **attributes):
        answer = rest.post(path, {"data": {"type": kind, "attributes": attributes}})
        assert answer.status in (200, 201), answer
        return answer.data

    name = f"next-{uuid.uuid4().hex[:8]}"
    old = post("/cas", "cas", name=name, subject=[["CN", name]], key_type="p256", key_store="file", parent="root")
    door = scep.ready(scep.Profile(rest, ca=name, auth=["challenge", "certificate"]))
    answer = door.client.get("GetNextCACert")
    assert answer.status == 404, answer
    assert b"GetNextCACert" not in door.client.get("GetCACaps").body
    before = door.client.enrol(challenge=door.challenge).certificate()
    old_ras = door.client.ras
    new = post(f"/cas/{old['id']}/rollover", "rollover", key_store="file")
    fresh = scep.Client(house.instance, door.label)
    support.wait_until(lambda: door.client.get("GetNextCACert").status == 200, 60, 0.2)
    # Anybody may ask, and it costs a signature: all that come within five seconds, which begin here, get the same octets.
    house.instance.sql(f"UPDATE ra SET not_after = not_after - interval '100 years' WHERE ca_id = {int(old['id'])}")
    kept = door.client.get("GetNextCACert")
    house.instance.sql(f"UPDATE ra SET not_after = not_after + interval '100 years' WHERE ca_id = {int(old['id'])}")
    assert kept.status == 200, kept
    support.wait_until(lambda: fresh.get("GetCACert").status == 200, 60, 0.2)
    assert b"GetNextCACert" in fresh.get("GetCACaps").body
    found = next_certificates(door.client.get("GetNextCACert"), old_ras)
    assert support.load_cert(new["attributes"]["pem"]) in found
    assert support.load_cert(new["attributes"]["pem"]) in next_certificates(kept, old_ras)
    assert [c for c in fresh.ras if c in found] == fresh.ras and fresh.ras != old_ras
    # A client that knows the old ones alone still encrypts to the old registration authority, and is renewed by the new CA.
    renewed = door.client.renew(before, scep.rsa_key()).certificate()
    new_ca = support.load_cert(new["attributes"]["pem"])
    new_ca.public_key().verify(renewed.signature, renewed.tbs_certificate_bytes, scep.ec.ECDSA(renewed.signature_hash_algorithm))
    # Whoever asks about the old CA's certificates is told of them.
    assert fresh.get_cert(before.issuer, before.serial_number, renewed, scep.rsa_key()).certificate() == before


# ---------------------------------------------------------------- PKCSReq


@pytest.mark.parametrize("bits", [2048, 3072, 4096])
def test_enrol(door, bits):
    cn, key = unique(), scep.rsa_key(bits)
    reply = door.client.enrol(cn, door.challenge, key)
    certificate = issued_by(reply.certificate(), door.client)
    assert certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == cn
    assert certificate.public_key().public_numbers() == key.public_key().public_numbers()
    assert b"challenge" not in certificate.public_bytes(DER).lower() and door.challenge.encode() not in certificate.public_bytes(DER)


@pytest.mark.parametrize("style", ["full", "raw", "spaces", "unpadded", "lines"])
def test_enrol_by_get(door, style):
    """base64 with + as it is, as a space, escaped; with line ends; without padding (RFC 8894 4.1)."""
    client, key = door.client, scep.rsa_key()
    for _ in range(3):  # long enough for each to have a + in it
        body, sent = client.message(scep.PKCS_REQ, scep.csr_of(unique(), key, door.challenge).public_bytes(DER), scep.self_signed("x", key), key)
        text = scep.encode_query(body, style)
        answer = support.http_get(f"{client.url}?operation=PKIOperation&message={text}", source=client.source)
        assert scep.Reply(answer, client, sent).certificate()


def test_a_long_get(door):
    """RSA-4096 and ten names: what fits into an address still comes through the edge."""
    client, key, cn = door.client, scep.rsa_key(4096), unique()
    csr = scep.csr_of(cn, key, door.challenge, names=[f"{i}.{cn}" for i in range(10)])
    body, sent = client.message(scep.PKCS_REQ, csr.public_bytes(DER), scep.self_signed("x", key), key)
    answer = support.http_get(f"{client.url}?operation=PKIOperation&message={scep.encode_query(body, 'full')}", source=client.source)
    assert scep.Reply(answer, client, sent).certificate()


@pytest.mark.parametrize("header", [None, "application/x-pki-message", "application/octet-stream", "text/plain", "nonsense"])
def test_content_types_are_of_no_meaning(door, header):
    client, key = door.client, scep.rsa_key()
    body, sent = client.message(scep.PKCS_REQ, scep.csr_of(unique(), key, door.challenge).public_bytes(DER), scep.self_signed("x", key), key)
    headers = {"Content-Type": header} if header else None
    assert scep.Reply(client.post(body, headers=headers), client, sent).status == scep.SUCCESS


@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
@pytest.mark.parametrize("cipher", ["aes128", "aes192", "aes256"])
def test_cipher_and_digest_are_mirrored(door, cipher, digest):
    reply = door.client.enrol(challenge=door.challenge, cipher=cipher, digest=digest)
    assert reply.certificate() and (reply.cipher, reply.digest) == (cipher, digest)


@pytest.mark.parametrize("cipher,digest", [("des3", "sha256"), ("aes128", "sha1"), ("des3", "sha1")])
def test_old_algorithms_where_the_profile_has_them(door, legacy, cipher, digest):
    reply = door.client.enrol(challenge=door.challenge, cipher=cipher, digest=digest)
    assert (reply.status, reply.fail) == (scep.FAILURE, scep.BAD_ALG)
    assert reply.digest == "sha256"
    reply = legacy.client.enrol(challenge=legacy.challenge, cipher=cipher, digest=digest)
    assert reply.certificate() and (reply.cipher, reply.digest) == (cipher, digest)


@pytest.mark.parametrize("more", [{"scheme": "oaep-sha1"}, {"scheme": "oaep-sha256"}, {"sort": False}], ids=str)
def test_forms_of_messages(door, more):
    """Key encryption by OAEP (RFC 3560), and signed attributes in another order than DER's, as Cisco's clients send them."""
    assert door.client.enrol(challenge=door.challenge, **more).certificate()


def test_a_signers_own_certificate_of_version_1(door):
    """It only wraps a key (RFC 8894 2.3): its version and the length of its serial number are of no meaning."""
    cn, key = unique(), scep.rsa_key()
    certificate = scep.self_signed_v1(cn, key)
    assert certificate.version == x509.Version.v1 and certificate.serial_number.bit_length() == 255
    assert door.client.enrol(cn, door.challenge, certificate=certificate).certificate()


def test_recipient_by_key_identifier(door):
    client = door.client
    reply = client.enrol(challenge=door.challenge, recipients=lambda key: [scep.key_recipient(client.ras[0], key, by_key_id=True)])
    assert reply.certificate()


def test_an_envelope_by_openssl_in_ber(door, tmp_path):
    """Indefinite lengths and octet strings in pieces (X.690 8.1.3.6), as streaming writers send them."""
    client, key = door.client, scep.rsa_key()
    (tmp_path / "ra.pem").write_bytes(client.ras[0].public_bytes(PEM))
    csr = scep.csr_of(unique(), key, door.challenge).public_bytes(DER)
    done = subprocess.run(["openssl", "cms", "-encrypt", "-binary", "-stream", "-indef", "-outform", "DER", "-aes-256-cbc", str(tmp_path / "ra.pem")],
                          input=csr, capture_output=True, check=True)
    assert done.stdout[1] == 0x80
    assert client.ask(scep.PKCS_REQ, b"", scep.self_signed("x", key), key, envelope=done.stdout).certificate()


def test_names_of_the_request(door):
    cn = unique()
    certificate = door.client.enrol(cn, door.challenge, names=[cn, "other." + cn]).certificate()
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
    assert sorted(names) == sorted([cn, "other." + cn])


# ---------------------------------------------------------------- keys that can't decrypt: PasswordRecipientInfo (RFC 8894 3.1)


@pytest.mark.parametrize("kind", ["p256", "p384", "p521"])
@pytest.mark.parametrize("prf", ["sha1", "sha256", "sha512"])
def test_password_recipient(door, kind, prf):
    cn, key = unique(), support.new_key(kind)
    reply = door.client.enrol(cn, door.challenge, key, password=door.challenge, prf=prf)
    certificate = issued_by(reply.certificate(), door.client)
    assert certificate.public_key().public_numbers() == key.public_key().public_numbers()
    assert reply.iterations >= 10000


def test_password_recipient_by_a_code(door):
    """A message doesn't say which code it is under: it is found by the signer's name."""
    cn, key = unique(), support.new_key("p256")
    code = door.code(common_name=cn)
    for _ in range(3):
        door.code(common_name=cn)
    assert door.client.enrol(cn, code, key, password=code).certificate()


def test_answer_under_the_challenge(door):
    """The envelope of the request can be for the registration authority; the answer to an EC key is under the challenge."""
    key = support.new_key("p256")
    assert door.client.enrol(challenge=door.challenge, key=key, answer_password=door.challenge).certificate()
    cn = unique()
    code = door.code(common_name=cn)
    assert door.client.enrol(cn, code, key, answer_password=code).certificate()


def test_an_answer_that_nobody_could_read_is_none(door):
    """An EC key renews with neither challenge nor RSA: nothing is issued that can't be handed out."""
    key = support.new_key("p256")
    certificate = door.client.enrol(challenge=door.challenge, key=key, password=door.challenge).certificate()
    before = door.rest.instance.count("certificate", "source = 'scep'")
    reply = door.client.renew(certificate, key)
    assert (reply.status, reply.fail) == (scep.FAILURE, scep.BAD_ALG) and "3.1" in reply.text
    assert door.rest.instance.count("certificate", "source = 'scep'") == before
    # Under the challenge it does, to one RSA key or the other.
    assert door.client.renew(certificate, key, password=door.challenge).certificate()


# ---------------------------------------------------------------- codes


def test_one_time_code(door):
    cn = unique()
    code = door.code(common_name=cn, names=[f"dns:{cn}"])
    assert door.client.enrol(cn, code, names=[cn]).certificate()
    reply = door.client.enrol(cn, code, names=[cn])
    assert (reply.status, reply.fail) == (scep.FAILURE, scep.BAD_REQUEST)


def test_a_refused_request_leaves_the_code(door):
    cn = unique()
    code = door.code(common_name=cn)
    assert door.client.enrol(unique(), code).status == scep.FAILURE
    assert door.client.enrol(cn, code).certificate()


# ---------------------------------------------------------------- RenewalReq


@pytest.mark.parametrize("kind", [scep.RENEWAL_REQ, scep.PKCS_REQ])  # sscep renews by PKCSReq
@pytest.mark.parametrize("other_key", [False, True])
def test_renewal(door, kind, other_key):
    certificate = door.client.enrol(challenge=door.challenge).certificate()
    key = scep.rsa_key(2048, "b") if other_key else scep.rsa_key()
    renewed = issued_by(door.client.renew(certificate, scep.rsa_key(), key, kind=kind).certificate(), door.client)
    assert renewed.subject == certificate.subject and renewed.serial_number != certificate.serial_number
    assert renewed.public_key().public_numbers() == key.public_key().public_numbers()


def test_renewal_is_for_the_same_identity(door, device):
    reply = door.client.renew(*device, cn=unique())
    assert (reply.status, reply.fail) == (scep.FAILURE, scep.BAD_REQUEST)
    reply = door.client.renew(*device, names=[unique()])
    assert (reply.status, reply.fail) == (scep.FAILURE, scep.BAD_REQUEST)


# ---------------------------------------------------------------- manufacturers' certificates


def test_manufacturers_certificate(rest):
    """A certificate of another CA as the first evidence (RFC 8894 2.3): the label says which CAs, and what has to be the same."""
    root, root_key = support.self_signed("Maker Root", key=support.new_key(), ca=True)
    key = scep.rsa_key(2048, "maker")
    serial = uuid.uuid4().hex[:12]
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Model 7"), x509.NameAttribute(NameOID.SERIAL_NUMBER, serial)])
    leaf, _ = support.self_signed(key=key, subject=name, issuer=root.subject, issuer_key=root_key)
    door = scep.ready(scep.Profile(rest, auth=["certificate"], anchors=root.public_bytes(PEM).decode()))
    reply = door.client.enrol("Model 7", certificate=leaf, key=key, serial=serial)
    assert reply.certificate().subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)[0].value == serial
    assert door.client.enrol("Model 7", certificate=leaf, key=key, serial="other").fail == scep.BAD_REQUEST
    other_root, other_key = support.self_signed("Maker Root", key=support.new_key(), ca=True)
    stranger, _ = support.self_signed(key=key, subject=name, issuer=other_root.subject, issuer_key=other_key)
    assert door.client.enrol("Model 7", certificate=stranger, key=key, serial=serial).fail == scep.BAD_REQUEST


# ---------------------------------------------------------------- the same transaction


def test_a_retransmit_gets_the_same_certificate(door):
    cn, key, transaction = unique(), scep.rsa_key(), uuid.uuid4().hex
    csr, certificate = scep.csr_of(cn, key, door.challenge), scep.self_signed(cn, key)
    first = door.client.enrol(cn, csr=csr, certificate=certificate, transaction=transaction).certificate()
    assert door.client.enrol(cn, csr=csr, certificate=certificate, transaction=transaction).certificate() == first
    # Clients sign the same request anew, and renew their own certificate meanwhile.
    again = scep.csr_of(cn, key, door.challenge)
    assert door.client.enrol(cn, csr=again, certificate=scep.self_signed(cn, key), transaction=transaction).certificate() == first
    assert door.client.enrol(cn, csr=csr, certificate=certificate).certificate() != first  # another transaction


def test_the_same_key_asks_for_something_else(door):
    """Clients make a transaction's name of their key (strongSwan): another request of that key is another transaction, and is retransmitted too."""
    key, transaction = scep.rsa_key(), uuid.uuid4().hex
    csrs = [scep.csr_of(unique(), key, door.challenge) for _ in range(3)]
    found = [door.client.enrol(csr=csr, key=key, transaction=transaction).certificate() for csr in csrs]
    assert len({c.serial_number for c in found}) == 3 and [c.subject for c in found] == [c.subject for c in csrs]
    assert [door.client.enrol(csr=csr, key=key, transaction=transaction).certificate() for csr in reversed(csrs)] == found[::-1]


def test_a_hundred_at_once_get_one_certificate(door):
    cn, key, transaction = unique(), scep.rsa_key(), uuid.uuid4().hex
    csr, certificate = scep.csr_of(cn, key, door.challenge), scep.self_signed(cn, key)
    assert door.client.ras  # before the threads start
    before = door.rest.instance.count("certificate", f"common_name = '{cn}'")

    def one(_):
        return door.client.enrol(cn, csr=csr, certificate=certificate, transaction=transaction).certificate().serial_number

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        serials = set(pool.map(one, range(100)))
    assert len(serials) == 1
    assert before == 0 and door.rest.instance.count("certificate", f"common_name = '{cn}'") == 1


def test_a_hundred_at_once_with_one_code(door):
    cn, key = unique(), scep.rsa_key()
    code = door.code(common_name=cn)
    csr, certificate = scep.csr_of(cn, key, code), scep.self_signed(cn, key)
    assert door.client.ras  # before the threads start
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        replies = list(pool.map(lambda _: door.client.enrol(cn, csr=csr, certificate=certificate), range(100)))
    assert [r.status for r in replies].count(scep.SUCCESS) == 1
    assert door.rest.instance.count("certificate", f"common_name = '{cn}'") == 1


def hundred(ask):
    """ask(n) of a hundred at once, twenty at a time."""
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        return list(pool.map(ask, range(100)))


@pytest.mark.slow
def test_a_hundred_renewals_at_once_make_one(door):
    key, new_key, transaction = scep.rsa_key(2048, "renews"), scep.rsa_key(), uuid.uuid4().hex
    certificate = door.client.enrol(challenge=door.challenge, key=key).certificate()
    cn = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    csr = scep.csr_of(cn, new_key).public_bytes(DER)
    replies = hundred(lambda _: door.client.ask(scep.RENEWAL_REQ, csr, certificate, key, transaction=transaction))
    (renewed,) = {r.certificate() for r in replies}
    assert renewed.subject == certificate.subject and door.rest.instance.count("certificate", f"common_name = '{cn}'") == 2


@pytest.mark.slow
def test_a_hundred_by_one_manufacturers_certificate(rest):
    root, root_key = support.self_signed("Maker Root", key=support.new_key(), ca=True)
    key, serial, transaction = scep.rsa_key(2048, "maker"), uuid.uuid4().hex[:12], uuid.uuid4().hex
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Model 7"), x509.NameAttribute(NameOID.SERIAL_NUMBER, serial)])
    leaf, _ = support.self_signed(key=key, subject=name, issuer=root.subject, issuer_key=root_key)
    door = scep.ready(scep.Profile(rest, auth=["certificate"], anchors=root.public_bytes(PEM).decode()))
    csr = scep.csr_of("Model 7", key, serial=serial)
    assert door.client.ras  # before the threads start
    replies = hundred(lambda _: door.client.enrol(csr=csr, certificate=leaf, key=key, transaction=transaction))
    assert len({r.certificate() for r in replies}) == 1
    assert rest.instance.count("certificate", f"subject LIKE '%{serial}%'") == 1


def test_a_hundred_devices_of_one_address(door):
    """Behind one NAT: each gets its own, and none waits for the others."""
    assert door.client.ras  # before the threads start
    mark = unique()
    found = [r.certificate() for r in hundred(lambda n: door.client.enrol(f"{n}.{mark}", door.challenge))]
    assert len({c.serial_number for c in found}) == 100
    assert {c.subject.rfc4514_string() for c in found} == {f"CN={n}.{mark}" for n in range(100)}


# ---------------------------------------------------------------- what waits for people: PENDING and CertPoll


@pytest.fixture
def waiting(rest, door):
    """waiting(cn) makes requests for that name wait for an approval; approve(cn) and reject(cn) decide, as somebody else."""
    made = []

    def make(cn):
        answer = rest.post("/policies", {"data": {"type": "policies", "attributes": {
            "name": f"w{uuid.uuid4().hex[:8]}", "enabled": True, "operations": ["certificate.issue", "certificate.renew"],
            "rules": [{"name": "look", "when": f'$.subject.CN == "{cn}"', "approve": {"count": 1, "right": "approvals.decide"},
                       "message": "somebody looks at it"}]}}})
        assert answer.status == 201, answer
        made.append(answer.data["id"])

    yield make
    for one in made:
        rest.delete(f"/policies/{one}")


def decide(rest, how):
    [open_one] = [a for a in rest.get("/approvals?filter[status]=open&sort=-created_at&page[size]=1").data]
    answer = rest.post(f"/approvals/{open_one['id']}/{how}", {"data": {"type": how, "attributes": {}}})
    assert answer.status == 200, answer


def test_pending_poll_and_certificate(rest, door, waiting):
    cn, key = unique(), scep.rsa_key()
    waiting(cn)
    signer = scep.self_signed(cn, key)
    transaction = uuid.uuid4().hex
    csr = scep.csr_of(cn, key, door.challenge)
    assert door.client.enrol(cn, csr=csr, certificate=signer, transaction=transaction).status == scep.PENDING
    assert door.client.enrol(cn, csr=csr, certificate=signer, transaction=transaction).status == scep.PENDING  # a retransmit

    def poll(subject=csr.subject, certificate=signer, with_key=key, name=transaction, **kw):
        return door.client.poll(door.client.ca.subject, subject, certificate, with_key, name, **kw)

    assert poll().status == scep.PENDING
    assert poll(cipher="aes128", digest="sha512").status == scep.PENDING
    decide(rest, "approve")
    certificate = support.wait_until(lambda: (r := poll()).status == scep.SUCCESS and r.certificate())
    assert certificate.subject == csr.subject
    assert poll().certificate() == certificate  # the answer was lost
    assert door.client.enrol(cn, csr=csr, certificate=signer, transaction=transaction).certificate() == certificate
    assert rest.instance.count("certificate", f"common_name = '{cn}'") == 1


@pytest.mark.rows("R08")
def test_a_poll_after_the_profile_changed(rest, waiting):
    """The approval was for another profile: CertPoll waits anew."""
    one = scep.ready(scep.Profile(rest, profile="device"))
    cn, key = unique(), scep.rsa_key()
    waiting(cn)
    signer, transaction = scep.self_signed(cn, key), uuid.uuid4().hex
    csr = scep.csr_of(cn, key, one.challenge)
    assert one.client.enrol(cn, csr=csr, certificate=signer, transaction=transaction).status == scep.PENDING
    decide(rest, "approve")
    one.change(profile=scep.issuing_profile(rest))

    def poll():
        return one.client.poll(one.client.ca.subject, csr.subject, signer, key, transaction)

    def profile_of(certificate):
        return rest.instance.sql("SELECT p.name FROM certificate x JOIN profile p ON p.id = x.profile_id "
                                 f"WHERE x.der = '\\x{certificate.public_bytes(DER).hex()}'")[0][0]

    support.wait_until(lambda: profile_of(one.client.enrol(challenge=one.challenge, key=scep.rsa_key()).certificate()) == scep.issuing_profile(rest), 5)
    assert poll().status == scep.PENDING
    assert rest.instance.count("certificate", f"common_name = '{cn}'") == 0
    decide(rest, "approve")
    assert profile_of(poll().certificate()) == scep.issuing_profile(rest)


def test_pending_and_rejected(rest, door, waiting):
    cn, key = unique(), scep.rsa_key()
    waiting(cn)
    signer, transaction = scep.self_signed(cn, key), uuid.uuid4().hex
    code = door.code(common_name=cn)
    csr = scep.csr_of(cn, key, code)
    assert door.client.enrol(cn, csr=csr, certificate=signer, transaction=transaction).status == scep.PENDING
    decide(rest, "reject")
    reply = door.client.poll(door.client.ca.subject, csr.subject, signer, key, transaction)
    assert (reply.status, reply.fail) == (scep.FAILURE, scep.BAD_REQUEST)
    assert rest.instance.count("certificate", f"common_name = '{cn}'") == 0


@pytest.mark.parametrize("how", ["open", "reject", "approve"])
def test_the_same_key_asks_for_something_else_than_what_waits(rest, door, waiting, how):
    """A request that waits or was rejected doesn't stand in the way of its key, whose clients make the transaction's name of it (strongSwan)."""
    first, second, key, transaction = unique("first"), unique("second"), scep.rsa_key(), uuid.uuid4().hex
    waiting(first)
    if how == "open":
        waiting(second)  # the corrected one waits, too

    def ask(cn):
        return door.client.enrol(csr=csrs[cn], certificate=scep.self_signed("x", key), transaction=transaction)

    def poll(cn):
        return door.client.poll(door.client.ca.subject, csrs[cn].subject, scep.self_signed("x", key), key, transaction)

    csrs = {cn: scep.csr_of(cn, key, door.challenge) for cn in (first, second)}
    assert ask(first).status == scep.PENDING
    if how == "open":
        assert ask(second).status == scep.PENDING and poll(second).status == scep.PENDING
        decide(rest, "approve")
        certificate = support.wait_until(lambda: (r := poll(second)).status == scep.SUCCESS and r.certificate())
    else:
        decide(rest, how)
        certificate = ask(second).certificate()
    assert certificate.subject == csrs[second].subject
    assert ask(second).certificate() == certificate
    if how == "approve":
        assert ask(first).certificate().subject == csrs[first].subject
    # It is this key's alone: another one that names the same transaction gets nothing of it.
    other = scep.rsa_key(2048, "b")
    reply = door.client.enrol(unique(), door.challenge, other, transaction=transaction)
    assert (reply.status, reply.fail) == (scep.FAILURE, scep.BAD_REQUEST) and "another key used the transaction" in reply.text


def test_a_fault_of_the_store_is_no_refusal(rest, door):
    """Whose a transaction is can't be told without the store: the client comes again."""
    instance, key, transaction = rest.instance, scep.rsa_key(), uuid.uuid4().hex
    csrs = [scep.csr_of(unique(), key, door.challenge) for _ in range(2)]
    assert door.client.enrol(csr=csrs[0], key=key, transaction=transaction).certificate()
    body, sent = door.client.message(scep.PKCS_REQ, csrs[1].public_bytes(DER), scep.self_signed("x", key), key, transaction=transaction)
    instance.sql("REVOKE EXECUTE ON FUNCTION scep_same_key FROM siegel_scep")
    try:
        answer = door.client.post(body)
        assert answer.status >= 500, answer
    finally:
        instance.sql("GRANT EXECUTE ON FUNCTION scep_same_key TO siegel_scep")
    assert scep.Reply(door.client.post(body), door.client, sent).certificate().subject == csrs[1].subject


def test_a_pending_renewal(rest, door, waiting):
    certificate = door.client.enrol(challenge=door.challenge).certificate()
    cn = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    waiting(cn)
    transaction, key = uuid.uuid4().hex, scep.rsa_key()
    csr = scep.csr_of(cn, key)
    assert door.client.ask(scep.RENEWAL_REQ, csr.public_bytes(DER), certificate, key, transaction=transaction).status == scep.PENDING
    assert door.client.poll(door.client.ca.subject, csr.subject, certificate, key, transaction).status == scep.PENDING
    decide(rest, "approve")
    reply = support.wait_until(lambda: (r := door.client.poll(door.client.ca.subject, csr.subject, certificate, key, transaction)).status
                               == scep.SUCCESS and r)
    assert reply.certificate().serial_number != certificate.serial_number


@pytest.mark.slow
def test_a_hundred_polls_at_once(rest, door, waiting):
    """All of them wait; then all of them get the one certificate."""
    cn, key, transaction = unique(), scep.rsa_key(), uuid.uuid4().hex
    waiting(cn)
    csr, signer = scep.csr_of(cn, key, door.challenge), scep.self_signed(cn, key)
    assert door.client.enrol(cn, csr=csr, certificate=signer, transaction=transaction).status == scep.PENDING

    issuer = door.client.ca.subject  # before the threads start

    def poll(_):
        return door.client.poll(issuer, csr.subject, signer, key, transaction)

    assert {r.status for r in hundred(poll)} == {scep.PENDING}
    decide(rest, "approve")
    assert len({r.certificate() for r in hundred(poll)}) == 1
    assert rest.instance.count("certificate", f"common_name = '{cn}'") == 1


@pytest.mark.rows("C02", "C10")
def test_a_pending_renewal_of_one_that_was_revoked_meanwhile(rest, door, waiting):
    """The owner of what is revoked gets nothing by it any more, also not what was approved."""
    key = scep.rsa_key(2048, "revoked")
    certificate = door.client.enrol(challenge=door.challenge, key=key).certificate()
    cn = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    waiting(cn)
    transaction, csr = uuid.uuid4().hex, scep.csr_of(cn, key)
    assert door.client.ask(scep.RENEWAL_REQ, csr.public_bytes(DER), certificate, key, transaction=transaction).status == scep.PENDING
    decide(rest, "approve")
    row = rest.get(f"/certificates?filter[serial]={certificate.serial_number:040x}").data[0]
    assert rest.post(f"/certificates/{row['id']}/revoke", {"data": {"type": "revocation", "attributes": {"reason": "keyCompromise"}}}).status == 200
    for signer in (certificate, scep.self_signed(cn, key)):  # the same key under a certificate of its own says no more
        reply = door.client.poll(door.client.ca.subject, csr.subject, signer, key, transaction)
        assert reply.status == scep.FAILURE, reply.status
    assert rest.instance.count("certificate", f"common_name = '{cn}'") == 1


# ---------------------------------------------------------------- CAs of other types


@pytest.mark.parametrize("kind", ["ed25519", "rsa3072", "p384", "mldsa65"])
def test_issuing_cas_of_any_type(rest, tmp_path, kind):
    """SCEP wants RSA of who answers (RFC 8894 2.1.2); the registration authority is that, whatever the CA is. openssl verifies what was issued."""
    support.skip_unless_known(kind)
    ca = labels.make_ca(rest, f"scep-{kind}", "sub-ca", parent=rest.get("/cas?filter[name]=root").data[0]["id"], key_type=kind)
    door = scep.ready(scep.Profile(rest, ca=ca["attributes"]["name"], auth=["challenge", "certificate"]))
    key = scep.rsa_key()
    certificate = door.client.enrol(challenge=door.challenge, key=key).certificate()
    renewed = door.client.renew(certificate, key).certificate()
    chain = tmp_path / "chain.pem"
    chain.write_bytes(b"".join(c.public_bytes(PEM) for c in door.client.ca_certs if scep.is_ca(c)))
    for n, one in enumerate((certificate, renewed, door.client.ras[0])):
        (tmp_path / f"{n}.pem").write_bytes(one.public_bytes(PEM))
        subprocess.run(["openssl", "verify", "-x509_strict", "-CAfile", chain, tmp_path / f"{n}.pem"], check=True, capture_output=True)
    crl = door.client.get_crl(certificate.issuer, certificate.serial_number, certificate, key)
    assert crl.status == scep.SUCCESS or crl.fail == scep.BAD_CERT_ID  # the first list of a new CA is made within seconds


# ---------------------------------------------------------------- GetCert, GetCRL


def test_get_cert(door, device):
    other = door.client.enrol(challenge=door.challenge).certificate()
    assert door.client.get_cert(other.issuer, other.serial_number, *device).certificate() == other
    reply = door.client.get_cert(other.issuer, other.serial_number + 1, *device)
    assert (reply.status, reply.fail) == (scep.FAILURE, scep.BAD_CERT_ID)
    reply = door.client.get_cert(support.new_name("Another CA"), other.serial_number, *device)
    assert (reply.status, reply.fail) == (scep.FAILURE, scep.BAD_CERT_ID)


def test_get_crl(rest):
    """Of a CA of its own: that of the other tests may have a list that is too long for a SCEP message."""
    ca = labels.make_ca(rest, "lists", "sub-ca", parent=rest.get("/cas?filter[name]=root").data[0]["id"])
    door = scep.ready(scep.Profile(rest, ca=ca["attributes"]["name"]))
    device = door.client.enrol(challenge=door.challenge).certificate(), scep.rsa_key()
    other = door.client.enrol(challenge=door.challenge).certificate()
    row = rest.get(f"/certificates?filter[serial]={other.serial_number:040x}").data[0]
    assert rest.post(f"/certificates/{row['id']}/revoke", {"data": {"type": "revocation", "attributes": {"reason": "superseded"}}}).status == 200

    def fetch():
        reply = door.client.get_crl(other.issuer, other.serial_number, *device)
        crl = reply.crl() if reply.status == scep.SUCCESS else None  # the first list of a new CA is made within seconds
        return crl if crl and crl.get_revoked_certificate_by_serial_number(other.serial_number) else None

    crl = support.wait_until(fetch, 20)
    assert crl.is_signature_valid(door.client.ca.public_key())
    assert support.next_update(crl) > datetime.datetime.now(datetime.timezone.utc)
    reply = door.client.get_crl(support.new_name("Another CA"), 1, *device)
    assert (reply.status, reply.fail) == (scep.FAILURE, scep.BAD_CERT_ID)
