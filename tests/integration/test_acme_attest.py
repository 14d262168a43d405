"""device-attest-01 (draft-ietf-acme-device-attest) over the edge: real TPMs (swtpm, spoken to by tpm2-tools) and devices with a manufacturer's certificate
("packed"); what is issued is for the attested key and the attested device alone."""

import concurrent.futures
import hashlib
import pathlib
import shutil
import struct
import subprocess
import uuid

import cbor2
import pytest
from asn1crypto import core
from asn1crypto import csr as asn1_csr
from asn1crypto import keys, x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

import acme
import attestation as at
import support

KIND = "device-attest-01"
ENDORSEMENT, ATTESTATION, KEY = 0x81010001, 0x81010002, 0x81010003
ATTRIBUTES = "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign"


class Tpm:
    """A swtpm of its own on a Unix socket, with an endorsement key and an attestation key; key() makes one to be certified."""

    def __init__(self, folder, algorithm="ecc", scheme="ecdsa"):
        self.folder, self.socket = folder, folder / "tpm.sock"
        (folder / "state").mkdir()
        self.process = subprocess.Popen(["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={folder}/state", "--flags", "not-need-init,startup-clear",
                                         "--server", f"type=unixio,path={self.socket}", "--ctrl", f"type=unixio,path={self.socket}.ctrl"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        support.wait_until(self.socket.exists, 10, 0.05)
        self.tool("createek", "-c", hex(ENDORSEMENT), "-G", algorithm, "-u", "ek.pub")
        self.tool("createak", "-C", hex(ENDORSEMENT), "-c", "ak.ctx", "-G", algorithm, "-g", "sha256", "-s", scheme, "-u", "ak.pem", "-f", "pem")
        self.tool("evictcontrol", "-C", "o", "-c", "ak.ctx", hex(ATTESTATION))
        self.attestation_key = self.pem("ak.pem")

    def tool(self, name, *arguments, data=None):
        done = subprocess.run([f"tpm2_{name}", "-T", f"swtpm:path={self.socket}", *arguments], cwd=self.folder, input=data, capture_output=True)
        assert done.returncode == 0, (name, arguments, done.stderr)
        if name not in ("flushcontext", "send"):  # it has room for three keys at a time
            self.tool("flushcontext", "-t")
        return done.stdout

    def pem(self, name):
        return serialization.load_pem_public_key((self.folder / name).read_bytes())

    def key(self, algorithm="ecc", attributes=ATTRIBUTES):
        """A new key in place of the last one; its public half. Its public area is self.area."""
        for name in ("key.pub", "key.priv", "key.ctx"):
            (self.folder / name).unlink(missing_ok=True)
        self.tool("createprimary", "-C", "o", "-G", "ecc", "-c", "primary.ctx")
        self.tool("create", "-C", "primary.ctx", "-G", algorithm, "-a", attributes, "-u", "key.pub", "-r", "key.priv")
        if "key.pem" in (p.name for p in self.folder.iterdir()):
            self.tool("evictcontrol", "-C", "o", "-c", hex(KEY))
        self.tool("load", "-C", "primary.ctx", "-u", "key.pub", "-r", "key.priv", "-c", "key.ctx")
        self.tool("evictcontrol", "-C", "o", "-c", "key.ctx", hex(KEY))
        self.tool("readpublic", "-c", hex(KEY), "-f", "pem", "-o", "key.pem")
        area = (self.folder / "key.pub").read_bytes()  # TPM2B_PUBLIC
        assert struct.unpack(">H", area[:2])[0] == len(area) - 2
        self.area = area[2:]
        return self.pem("key.pem")

    def certify(self, qualifying, signer=ATTESTATION):
        """TPM2_Certify (part 3, 18.2) of the key, which tpm2_certify does without qualifying data: certInfo and TPMT_SIGNATURE."""
        session = struct.pack(">IHBH", 0x40000009, 0, 0, 0)  # TPM_RS_PW, empty
        body = struct.pack(">IIII", 0x148, KEY, signer, 2 * len(session)) + 2 * session + at.sized(qualifying) + struct.pack(">H", 0x10)
        answer = self.tool("send", data=struct.pack(">HI", 0x8002, 6 + len(body)) + body)
        tag, _, code, size = struct.unpack(">HIII", answer[:14])
        assert (tag, code) == (0x8002, 0), hex(code)
        parameters = answer[14:14 + size]
        length = struct.unpack(">H", parameters[:2])[0]
        return parameters[2:2 + length], parameters[2 + length:]

    def sign(self, data):
        (self.folder / "data").write_bytes(hashlib.sha256(data).digest())
        self.tool("sign", "-c", hex(KEY), "-g", "sha256", "-d", "-f", "plain", "-o", "data.sig", "data")
        return (self.folder / "data.sig").read_bytes()

    def request(self, public_key, *names):
        """A CSR that the TPM's key signs."""
        info = asn1_csr.CertificationRequestInfo({
            "version": "v1", "subject": asn1_x509.Name.build({}),
            "subject_pk_info": keys.PublicKeyInfo.load(public_key.public_bytes(at.DER, serialization.PublicFormat.SubjectPublicKeyInfo)),
            "attributes": [{"type": "extension_request", "values": [[{"extn_id": "subject_alt_name", "critical": False, "extn_value": core.ParsableOctetString(
                x509.SubjectAlternativeName(list(names)).public_bytes())}]]}]})
        algorithm = "sha256_ecdsa" if isinstance(public_key, ec.EllipticCurvePublicKey) else "sha256_rsa"
        return asn1_csr.CertificationRequest({"certification_request_info": info, "signature_algorithm": {"algorithm": algorithm},
                                              "signature": self.sign(info.dump())}).dump()

    def statement(self, key_authorization, chain, alg):
        cert_info, signature = self.certify(hashlib.sha256(key_authorization.encode()).digest())
        return {"ver": "2.0", "alg": at.ALGORITHMS[alg][0], "x5c": list(chain), "sig": signature, "certInfo": cert_info, "pubArea": self.area}

    def close(self):
        self.process.terminate()
        self.process.wait(60)


@pytest.fixture(scope="module")
def manufacturer():
    return at.Issuer("Devices Root")


@pytest.fixture(scope="module")
def directory(rest, manufacturer):
    """A directory that attests, and trusts one manufacturer."""
    profile = rest.post("/profiles", {"data": {"type": "profiles", "attributes": {"name": acme.mark("p"), "kind": "cert_device", "definition": {
        "days": 30, "max_days": 90, "keys": ["p256", "rsa2048"], "key_usage": ["digitalSignature"], "extended_key_usage": ["clientAuth"],
        "subject_allowed": ["CN", "serialNumber"], "names_allowed": ["permanent-identifier"], "names_required": ["permanent-identifier"]}}}})
    assert profile.status == 201, profile
    anchors = support.pem_of_der("CERTIFICATE", manufacturer.der)
    made = acme.Directory(rest, {"device": profile.attributes["name"]}, challenges=(KIND,), attributes={"anchors": anchors})
    yield made
    made.delete()


@pytest.fixture
def tpm():
    """tpm(folder, …) starts one; all are ended."""
    started = []

    def start(folder, *arguments):
        folder = pathlib.Path(folder) / uuid.uuid4().hex[:6]
        folder.mkdir()
        started.append(Tpm(folder, *arguments))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture
def short_path():
    """A folder whose path leaves room for the name of a socket."""
    folder = pathlib.Path("/tmp") / f"attest-{uuid.uuid4().hex[:8]}"
    folder.mkdir(mode=0o700)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def new_order(client, device):
    order = client.order({"type": "permanent-identifier", "value": device})
    (authz,) = order.authorizations()
    assert order.status == authz.status == "pending" and [c["type"] for c in authz.json["challenges"]] == [KIND]
    assert authz.json["identifier"] == {"type": "permanent-identifier", "value": device}
    return order, authz


def attest(authz, statement, fmt="packed"):
    return authz.client.ask(authz.challenge(KIND)["url"], {"attObj": acme.b64(at.attestation_object(statement, fmt)), "more": "is ignored"})


def refused(answer, cause, kind="badAttestationStatement", status=400):
    assert answer.status == status and answer.type == kind and cause in answer.json["detail"], answer


def identifiers(certificate):
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert all(n.type_id == at.PERMANENT_IDENTIFIER for n in names)
    return [at.PermanentIdentifier.load(n.value, strict=True).native for n in names]


@pytest.mark.parametrize("algorithm,scheme,alg", [("ecc", "ecdsa", "ES256"), ("rsa", "rsassa", "RS256"), ("rsa", "rsapss", "PS256")])
def test_tpm(directory, manufacturer, tpm, short_path, algorithm, scheme, alg):
    """A TPM certifies its key, signs the request with it and gets the certificate; a second order attests again, with another key."""
    device = f"SN-{uuid.uuid4().hex[:8]}"
    machine = tpm(short_path, algorithm, scheme)
    chain = [manufacturer.certify(machine.attestation_key, names=[at.permanent(device)], eku=[at.AIK], ca=False)]
    client = directory.client()
    for kind in ("rsa2048" if algorithm == "rsa" else "ecc", "ecc"):
        public_key = machine.key(kind)
        order, authz = new_order(client, device)
        answer = attest(authz, machine.statement(authz.key_authorization(KIND), chain, alg), "tpm")
        assert answer.status == 200 and answer.json["status"] == "valid" and "validated" in answer.json, answer
        assert authz.poll().status == "valid" and order.poll().status == "ready"
        order.finalize(csr=machine.request(public_key, at.permanent(device)))
        (leaf, *_) = order.wait().chain()
        assert at.spki_digest(leaf.public_key()) == at.spki_digest(public_key)
        assert identifiers(leaf) == [{"identifier_value": device, "assigner": None}]


def test_tpm_refused(directory, manufacturer, tpm, short_path):
    """Statements of a real TPM that don't say what is wanted: of another challenge, another key, a key that can leave, another device."""
    device = f"SN-{uuid.uuid4().hex[:8]}"
    machine = tpm(short_path)
    chain = [manufacturer.certify(machine.attestation_key, names=[at.permanent(device)], eku=[at.AIK], ca=False)]
    client = directory.client()
    machine.key()
    order, authz = new_order(client, device)
    late = machine.statement(authz.key_authorization(KIND), chain, "ES256")
    stale = machine.area
    refused(attest(authz, {**late, "certInfo": machine.certify(b"another")[0]}, "tpm"), "signature is wrong")
    assert authz.poll().status == order.poll().status == "invalid" and authz.challenge(KIND)["error"]["type"].endswith(":badAttestationStatement")
    refused(attest(new_order(client, device)[1], late, "tpm"), "extraData")
    for change, cause in [({"attributes": ATTRIBUTES.replace("fixedtpm|fixedparent|", "")}, "fixedTPM"), ({}, None)]:
        machine.key(**change)
        _, authz = new_order(client, device)
        statement = machine.statement(authz.key_authorization(KIND), chain, "ES256")
        refused(attest(authz, statement if cause else {**statement, "pubArea": stale}, "tpm"), cause or "another key")
    _, authz = new_order(client, f"{device}-b")
    refused(attest(authz, machine.statement(authz.key_authorization(KIND), chain, "ES256"), "tpm"), f'is for the device "{device}"')
    for eku, cause in [(b"\x30\x00", "extended key usage is empty"), (None, "2.23.133.8.3")]:  # CVE-2026-40097
        _, authz = new_order(client, device)
        bad = [manufacturer.certify(machine.attestation_key, names=[at.permanent(device)], eku=eku, ca=False)]
        refused(attest(authz, machine.statement(authz.key_authorization(KIND), bad, "ES256"), "tpm"), cause)
    _, authz = new_order(client, device)
    forged = [at.Issuer("Devices Root").certify(machine.attestation_key, names=[at.permanent(device)], eku=[at.AIK], ca=False)]
    refused(attest(authz, machine.statement(authz.key_authorization(KIND), forged, "ES256"), "tpm"), "trust anchors")


def test_packed(instance, directory, manufacturer):
    """A device signs with the key of its manufacturer's certificate; that key is what the certificate is for, and nothing else."""
    device, key = f"SN-{uuid.uuid4().hex[:8]}", support.new_key()
    between = at.Issuer("Devices 2", below=manufacturer)
    chain = [between.certify(key.public_key(), names=[], subject=[("CN", "pump"), ("serialNumber", device)]), between.der]
    client = directory.client()
    order, authz = new_order(client, device)
    assert attest(authz, at.packed(key, chain, authz.key_authorization(KIND))).json["status"] == "valid"
    for wrong, kind in [({"key": support.new_key()}, "badCSR"), ({"key": client.key}, "badCSR")]:
        answer = order.try_finalize(order.request(at.permanent(device), **wrong))
        assert answer.status in (400, 403) and answer.type == kind, answer
    for names in ([at.permanent(f"{device}-b")], [at.permanent(device), at.permanent("more")], [at.permanent(device, "1.2.3")], [x509.DNSName("a.example")], []):
        answer = order.try_finalize(order.request(*names, key=key))
        assert answer.status == 400 and answer.type == "badCSR", answer
    assert order.poll().status == "ready"
    order.finalize(at.permanent(device), key=key)
    (leaf, *_) = order.wait().chain()
    assert at.spki_digest(leaf.public_key()) == at.spki_digest(key.public_key()) and identifiers(leaf)[0]["identifier_value"] == device
    ((log, attested),) = instance.sql(f"SELECT c.log->>0, encode(z.attested_key, 'hex') FROM acme_challenge c JOIN acme_authz z ON z.id = c.authz_id WHERE z.id = {authz.id}")
    assert log.startswith(f"packed: {device}: ") and "Devices 2" in log and attested == at.spki_digest(key.public_key()).hex()
    again, another = new_order(client, device)  # nothing is used twice: each order says for which key it is
    assert another.url != authz.url and again.status == "pending"


def test_what_leaves_a_challenge_as_it_is(directory, manufacturer):
    """What is no attestation costs nothing; what is one and bad ends the challenge, once and for all."""
    device, key, client = f"SN-{uuid.uuid4().hex[:8]}", support.new_key(), directory.client()
    chain = [manufacturer.certify(key.public_key(), names=[at.permanent(device)])]
    _, authz = new_order(client, device)
    url = authz.challenge(KIND)["url"]
    for payload in ({}, {"attObj": 1}, {"attObj": ""}, {"attObj": "!"}, {"attObj": "AA=="}, {"attObj": None}, {"attobj": "oA"}):
        refused(client.ask(url, payload), "attObj", "malformed")
    refused(client.ask(url, {"attObj": "A" * 90000}), "attObj", "malformed", 413)
    assert client.post(url).json["status"] == "pending" and authz.poll().status == "pending"
    other = directory.client()
    answer = other.ask(url, {"attObj": acme.b64(at.attestation_object(at.packed(key, chain, authz.key_authorization(KIND)), "packed"))})
    assert answer.status == 403 and answer.type == "unauthorized", answer  # M05
    assert authz.poll().status == "pending"
    refused(client.ask(url, {"attObj": "oA"}), "fmt or attStmt is missing")
    assert authz.poll().status == "invalid"
    answer = attest(authz, at.packed(key, chain, authz.key_authorization(KIND)))
    assert answer.status == 200 and answer.json["status"] == "invalid", answer
    for value in ("", "a/b", "a/1.2.03", "a\n", "/1.2", "x" * 300):
        answer = client.ask(client.directory["newOrder"], {"identifiers": [{"type": "permanent-identifier", "value": value}]})
        assert answer.status == 400 and answer.type == "malformed", answer


def test_assigner(directory, manufacturer):
    device, key, client = f"Gerät {uuid.uuid4().hex[:8]}", support.new_key(), directory.client()
    chain = [manufacturer.certify(key.public_key(), names=[at.permanent(device, "1.3.6.1.4.1.99999")])]
    _, authz = new_order(client, device)
    refused(attest(authz, at.packed(key, chain, authz.key_authorization(KIND))), "not for")
    order, authz = new_order(client, f"{device}/1.3.6.1.4.1.99999")
    assert attest(authz, at.packed(key, chain, authz.key_authorization(KIND))).json["status"] == "valid"
    order.finalize(at.permanent(device, "1.3.6.1.4.1.99999"), key=key)
    (leaf, *_) = order.wait().chain()
    assert identifiers(leaf) == [{"identifier_value": device, "assigner": "1.3.6.1.4.1.99999"}]


def test_good_and_bad_at_once(instance, directory, manufacturer):
    """The first answer decides, whichever it is; never both."""
    client = directory.client()
    for _ in range(5):
        device, keys_ = f"SN-{uuid.uuid4().hex[:8]}", [support.new_key() for _ in range(4)]
        _, authz = new_order(client, device)
        url, proof = authz.challenge(KIND)["url"], authz.key_authorization(KIND)
        statements = [at.packed(k, [manufacturer.certify(k.public_key(), names=[at.permanent(device)])], proof if n < 2 else "x") for n, k in enumerate(keys_)]
        bodies = []
        for statement in statements:
            own = acme.Client(client.instance, client.label, client.key)
            own.kid = client.kid
            bodies.append((own, own.signed(url, {"attObj": acme.b64(at.attestation_object(statement, "packed"))})))
        with concurrent.futures.ThreadPoolExecutor(len(bodies)) as pool:
            answers = list(pool.map(lambda b: b[0].send(url, b[1]), bodies))
        for own, _ in bodies:
            own.close()
        final = authz.poll().status
        assert final in ("valid", "invalid")
        assert all(a.status == 400 and n >= 2 or a.status == 200 and a.json["status"] == final for n, a in enumerate(answers)), answers
        attested = instance.sql(f"SELECT coalesce(encode(attested_key, 'hex'), 'none') FROM acme_authz WHERE id = {authz.id}")[0][0]
        assert attested in [at.spki_digest(k.public_key()).hex() for k in keys_[:2]] if final == "valid" else attested == "none"


def test_no_anchors(instance, rest, directory, manufacturer):
    """A directory that names no manufacturer believes nobody."""
    profile = instance.sql(f"SELECT p.name FROM endpoint n JOIN profile p ON p.id = n.profile_id WHERE n.id = {directory.id}")[0][0]
    bare = acme.Directory(rest, {"device": profile}, challenges=(KIND,), attributes={"anchors": support.pem_of_der("CERTIFICATE", manufacturer.der)})
    instance.sql(f"UPDATE endpoint SET anchors = '{{}}' WHERE id = {bare.id}")
    device, key, client = f"SN-{uuid.uuid4().hex[:8]}", support.new_key(), bare.client()
    _, authz = new_order(client, device)
    chain = [manufacturer.certify(key.public_key(), names=[at.permanent(device)]), manufacturer.der]
    refused(attest(authz, at.packed(key, chain, authz.key_authorization(KIND))), "no anchors")
    bare.delete()


def test_statement_is_what_cbor_says(directory):
    """One more reader of CBOR than ours agrees that the maker of these tests writes what it means."""
    statement = at.packed(support.new_key(), [b"x"], "y")
    assert cbor2.loads(at.attestation_object(statement, "packed")) == {"fmt": "packed", "attStmt": statement}


def test_anchors_over_rest(rest, directory, instance, manufacturer):
    """A directory that attests names its manufacturers; one that doesn't has none."""
    profile = instance.sql(f"SELECT p.name FROM endpoint n JOIN profile p ON p.id = n.profile_id WHERE n.id = {directory.id}")[0][0]
    profile_id = next(p["id"] for p in rest.get("/profiles?page[size]=500").data if p["attributes"]["name"] == profile)
    anchors = "\n".join(i.certificate.public_bytes(serialization.Encoding.PEM).decode() for i in (manufacturer, at.Issuer("Another")))

    def document(label=None, **attributes):
        return {"data": {"type": "acme_directories", **({"id": made} if label is None else {}), "attributes": attributes | ({"name": label} if label else {}),
                         **({"relationships": {"profile": {"data": {"type": "profiles", "id": profile_id}}}} if label else {})}}

    label = acme.mark()
    for wrong in ({"challenges": [KIND]}, {"challenges": ["http-01"], "anchors": anchors}, {"challenges": [KIND], "anchors": "x"},
                  {"challenges": [KIND], "anchors": anchors.replace("CERTIFICATE", "PUBLIC KEY")}, {"challenges": [KIND], "anchors": anchors * 10}):
        answer = rest.post("/acme_directories", document(label, **wrong))
        assert answer.status == 422 and answer.error["source"]["pointer"] == "/data/attributes/anchors", answer
    answer = rest.post("/acme_directories", document(label, challenges=["http-01", KIND], anchors=anchors))
    assert answer.status == 201, answer
    made = answer.data["id"]
    shown = rest.get(f"/acme_directories/{made}?fields[acme_directories]=anchors").attributes["anchors"]
    assert [c.subject for c in support.load_pem_chain(shown)] == [manufacturer.certificate.subject, at.name(("CN", "Another"))]
    device, key = f"SN-{uuid.uuid4().hex[:8]}", support.new_key()
    client = acme.Client(instance, label)
    client.register()
    _, authz = new_order(client, device)
    chain = [manufacturer.certify(key.public_key(), names=[at.permanent(device)])]
    assert attest(authz, at.packed(key, chain, authz.key_authorization(KIND))).json["status"] == "valid"
    assert rest.patch(f"/acme_directories/{made}", document(enabled=True)).status == 200  # they stay
    other = at.Issuer("Another").certificate.public_bytes(serialization.Encoding.PEM).decode()
    assert rest.patch(f"/acme_directories/{made}", document(anchors=other)).status == 200
    support.wait_until(lambda: "trust anchors" in attest(new_order(client, device)[1], at.packed(key, chain, "x")).json["detail"], 5, 0.1)
    assert rest.patch(f"/acme_directories/{made}", document(anchors=None)).status == 422
    assert rest.patch(f"/acme_directories/{made}", document(challenges=["http-01"])).status == 422
    assert rest.patch(f"/acme_directories/{made}", document(challenges=["http-01"], anchors=None)).status == 200
    assert rest.delete(f"/acme_directories/{made}").status == 202
