"""An ACME client of our own (RFC 8555): each member of a JWS can be bent by a test; signatures by python-cryptography alone."""

import base64
import hashlib
import http.client
import json
import urllib.parse
import uuid

from cryptography import x509
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa, utils
from cryptography.x509.oid import NameOID

import support

DER, PEM = serialization.Encoding.DER, serialization.Encoding.PEM
URN = "urn:ietf:params:acme:error:"
JOSE = "application/jose+json"


def b64(data):
    return base64.urlsafe_b64encode(data if isinstance(data, bytes) else data.encode()).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def number(n, length=None):
    return b64(n.to_bytes(length or (n.bit_length() + 7) // 8, "big"))


def jwk(key):
    """The public key of a private one as JWK."""
    public = key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        n = public.public_numbers()
        return {"kty": "RSA", "n": number(n.n), "e": number(n.e)}
    if isinstance(public, ec.EllipticCurvePublicKey):
        n, size = public.public_numbers(), (public.curve.key_size + 7) // 8
        return {"kty": "EC", "crv": f"P-{public.curve.key_size}", "x": number(n.x, size), "y": number(n.y, size)}
    raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return {"kty": "OKP", "crv": "Ed25519" if isinstance(public, ed25519.Ed25519PublicKey) else "Ed448", "x": b64(raw)}


def thumbprint(key):
    """RFC 7638, of the public key."""
    wanted = {k: v for k, v in jwk(key).items() if k in ("kty", "n", "e", "crv", "x", "y")}
    return b64(hashlib.sha256(json.dumps(wanted, sort_keys=True, separators=(",", ":")).encode()).digest())


def algorithm(key):
    if isinstance(key, rsa.RSAPrivateKey):
        return "RS256"
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return {256: "ES256", 384: "ES384", 521: "ES512"}[key.curve.key_size]
    return "EdDSA"


def sign(key, data, alg=None):
    """alg: in place of the key's own, for a test."""
    alg = alg or algorithm(key)
    if alg == "RS256":
        return key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    if alg.startswith("ES"):
        size = (key.curve.key_size + 7) // 8
        digest = {"ES256": hashes.SHA256, "ES384": hashes.SHA384, "ES512": hashes.SHA512}[alg]()
        r, s = utils.decode_dss_signature(key.sign(data, ec.ECDSA(digest)))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")
    return key.sign(data)


def mac(secret, data, alg="HS256"):
    h = hmac.HMAC(secret, {"HS256": hashes.SHA256, "HS384": hashes.SHA384, "HS512": hashes.SHA512}[alg]())
    h.update(data)
    return h.finalize()


def jws(header, payload, signer):
    """A flattened JWS; signer(data) gives the signature. payload: an object, a text as it stands, or None for POST-as-GET."""
    protected = b64(header if isinstance(header, (bytes, str)) else json.dumps(header))
    body = "" if payload is None else b64(payload if isinstance(payload, (bytes, str)) else json.dumps(payload))
    return {"protected": protected, "payload": body, "signature": b64(signer(f"{protected}.{body}".encode()))}


def binding(secret, kid, key, url, alg="HS256", **header):
    """externalAccountBinding, RFC 8555 7.3.4."""
    return jws({"alg": alg, "kid": kid, "url": url, **header}, jwk(key), lambda data: mac(secret, data, alg))


class Problem(Exception):
    """A refusal."""

    def __init__(self, answer):
        self.answer, self.json = answer, answer.json
        self.type = self.json["type"].removeprefix(URN)
        super().__init__(f"{answer.status} {self.json}")


class Answer(support.Answer):
    """One more thing than any other: all Link headers."""

    def __init__(self, status, headers, body):
        super().__init__(status, headers, body)
        self.links = {}
        for name, value in headers:
            if name.lower() == "link":
                url, rel = value.split(";rel=")
                self.links.setdefault(rel.strip('"'), []).append(url.strip("<>"))

    @property
    def type(self):
        assert self.headers["content-type"] == "application/problem+json", self
        assert self.json["status"] == self.status
        return self.json["type"].removeprefix(URN)


class Client:
    """A client with one connection that is kept open, and one key."""

    def __init__(self, instance, label, key=None, source=None):
        self.instance, self.label, self.key, self.source = instance, label, key or support.new_key(), source
        self.kid, self.nonce, self.connection = None, None, None
        self._directory = None

    # -- HTTP

    def http(self, method, url, body=None, headers=None):
        parts = urllib.parse.urlsplit(url)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        for again in (False, True):
            if self.connection is None:
                self.connection = http.client.HTTPSConnection(self.instance.host, self.instance.port, context=self.instance.tls_context(),
                                                              timeout=support.TIMEOUT_SEC + 15,
                                                              source_address=(self.source, 0) if self.source else None)
            try:
                self.connection.request(method, target, body=body, headers=headers or {})
                got = self.connection.getresponse()
                answer = Answer(got.status, got.getheaders(), got.read())
                break
            except (http.client.HTTPException, ConnectionError):
                self.close()
                if again:
                    raise
        self.nonce = answer.headers.get("replay-nonce", self.nonce)
        return answer

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    @property
    def directory(self):
        if self._directory is None:
            answer = self.http("GET", f"{self.instance.acme_url}/{self.label}/directory")
            assert answer.status == 200, answer
            self._directory = answer.json
        return self._directory

    def new_nonce(self):
        answer = self.http("HEAD", self.directory["newNonce"])
        assert answer.status == 200 and answer.headers["cache-control"] == "no-store", answer
        return answer.headers["replay-nonce"]

    def take_nonce(self):
        nonce, self.nonce = self.nonce or self.new_nonce(), None
        return nonce

    def signed(self, url, payload=None, by_key=False, key=None, **header):
        """The JWS of a request; header: members in place of ours, None takes one away."""
        key = key or self.key
        who = {"jwk": jwk(key)} if by_key or not self.kid else {"kid": self.kid}
        members = {"alg": algorithm(key), "nonce": header.get("nonce") or self.take_nonce(), "url": url, **who}
        members.update(header)
        return jws({k: v for k, v in members.items() if v is not None}, payload, lambda data: sign(key, data))

    def send(self, url, body, content_type=JOSE):
        """Any body to a URL."""
        return self.http("POST", url, body if isinstance(body, (bytes, str)) else json.dumps(body), {"Content-Type": content_type} if content_type else {})

    def ask(self, url, payload=None, **kw):
        """A request by the account (or by_key); the answer, whatever it is."""
        return self.send(url, self.signed(url, payload, **kw))

    def post(self, url, payload=None, **kw):
        """The same, and Problem for a refusal."""
        answer = self.ask(url, payload, **kw)
        if answer.status >= 400:
            raise Problem(answer)
        return answer

    # -- RFC 8555 7.3

    def register(self, status=201, **payload):
        payload.setdefault("termsOfServiceAgreed", True)
        answer = self.post(self.directory["newAccount"], payload, by_key=True)
        assert answer.status == status, answer
        self.kid = answer.headers["location"]
        return answer

    # -- RFC 8555 7.4

    def order(self, *identifiers, **payload):
        """Names as texts, or identifier objects."""
        names = [i if isinstance(i, dict) else {"type": "dns", "value": i} for i in identifiers]
        return Order(self, self.post(self.directory["newOrder"], {"identifiers": names, **payload}))

    def certificate(self, *names, key=None, **payload):
        """All of it, for names that need no challenge."""
        order = self.order(*names, **payload)
        order.finalize(*names, key=key)
        return order.wait().chain()[0]


class Order:
    def __init__(self, client, answer):
        self.client, self.url = client, answer.headers["location"]
        self.answer = answer

    @property
    def json(self):
        return self.answer.json

    @property
    def status(self):
        return self.json["status"]

    @property
    def id(self):
        return int(self.url.rsplit("/", 1)[1])

    def poll(self):
        self.answer = self.client.post(self.url)
        return self

    def wait(self, *statuses, seconds=30):
        statuses = statuses or ("valid",)
        support.wait_until(lambda: self.poll().status in statuses or self.status == "invalid" and "invalid" in statuses, seconds, 0.1)
        return self

    def authorizations(self):
        return [Authz(self.client, url) for url in self.json["authorizations"]]

    def request(self, *names, key=None, cn=None):
        """A CSR for names (texts of DNS, or x509.GeneralName)."""
        self.key = key or support.new_key()
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, cn)] if cn else [])
        builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
        general = [x509.DNSName(n) if isinstance(n, str) else n for n in names]
        if general:
            builder = builder.add_extension(x509.SubjectAlternativeName(general), critical=False)
        return builder.sign(self.key, support.signing_hash(self.key)).public_bytes(DER)

    def try_finalize(self, csr):
        return self.client.ask(self.json["finalize"], {"csr": b64(csr)})

    def finalize(self, *names, csr=None, **kw):
        self.answer = self.client.post(self.json["finalize"], {"csr": b64(csr or self.request(*names, **kw))})
        return self

    def chain(self):
        """The certificates of the answer, the end entity's first."""
        answer = self.client.post(self.json["certificate"])
        assert answer.headers["content-type"] == "application/pem-certificate-chain", answer
        self.pem = answer.body.decode()
        return support.load_pem_chain(self.pem)


class Authz:
    def __init__(self, client, url):
        self.client, self.url = client, url
        self.answer = client.post(url)

    @property
    def json(self):
        return self.answer.json

    @property
    def status(self):
        return self.json["status"]

    @property
    def id(self):
        return int(self.url.rsplit("/", 1)[1])

    def poll(self):
        self.answer = self.client.post(self.url)
        return self

    def challenge(self, kind):
        return next(c for c in self.json["challenges"] if c["type"] == kind)

    def respond(self, kind, **payload):
        """Says that it can be looked at; gives the answer."""
        return self.client.post(self.challenge(kind)["url"], payload)

    def key_authorization(self, kind):
        return f"{self.challenge(kind)['token']}.{thumbprint(self.client.key)}"

    def force(self, instance, status="valid"):
        """Sets it in the store, without a validation."""
        instance.sql(f"UPDATE acme_authz SET status = '{status}', method = 'dns-01', validated_at = now() WHERE id = {self.id}")


def mark(prefix="acme"):
    return f"{prefix}-{uuid.uuid4().hex[:10]}"


def server_profile(rest, **definition):
    """A profile of the template for servers."""
    answer = rest.post("/profiles", {"data": {"type": "profiles", "attributes": {
        "name": mark("p"), "template": "server", "definition": definition}}})
    assert answer.status == 201, answer
    return answer.attributes["name"]


def change_profile(rest, name, **definition):
    """Of a profile that directories have by now: what they would be refused with."""
    found = rest.get(f"/profiles?filter[name]={name}&fields[profiles]=definition").data[0]
    answer = rest.patch(f"/profiles/{found['id']}", {"data": {"type": "profiles", "id": found["id"], "attributes": {
        "definition": {**found["attributes"]["definition"], **definition}}}})
    assert answer.status == 200, answer


class Directory:
    """A directory made over REST. profiles: the client's name → ours, the first one the default; settings: doc/acme-directories.md."""

    def __init__(self, rest, profiles, challenges=("http-01", "dns-01", "dns-account-01", "tls-alpn-01"), caa=(), relationships=None, attributes=None, **settings):
        self.rest, self.instance, self.label = rest, rest.instance, mark()
        offered = {name: {"profile": ours, "description": "for tests", "default": i == 0, "caa": name in caa}
                   for i, (name, ours) in enumerate(profiles.items())}
        data = {"type": "acme_directories", "attributes": {"name": self.label, "challenges": list(challenges), "profiles": offered, "settings": settings,
                                                              **(attributes or {})}}
        if relationships:
            data["relationships"] = relationships
        answer = rest.post("/acme_directories", {"data": data})
        assert answer.status == 201, answer
        self.id, self.url = answer.data["id"], answer.attributes["url"]

    def change(self, **attributes):
        answer = self.rest.patch(f"/acme_directories/{self.id}", {"data": {"type": "acme_directories", "id": self.id, "attributes": attributes}})
        assert answer.status == 200, answer

    def client(self, key=None, register=True, names=(), source=None, **payload):
        """A client with an account; names: what it is authorised for without a challenge."""
        client = Client(self.instance, self.label, key, source)
        if register:
            client.register(**payload)
            self.allow(client, *names)
        return client

    def allow(self, client, *names):
        if names:
            account = client.kid.rsplit("/", 1)[1]
            answer = self.rest.patch(f"/acme_accounts/{account}", {"data": {"type": "acme_accounts", "id": account, "attributes": {"names": list(names)}}})
            assert answer.status == 200, answer

    def key(self, **attributes):
        """A key for external accounts: kid and secret."""
        data = {"type": "acme_keys", "attributes": attributes, "relationships": {"directory": {"data": {"type": "acme_directories", "id": self.id}}}}
        answer = self.rest.post("/acme_keys", {"data": data})
        assert answer.status == 201, answer
        return answer.attributes["kid"], unb64(answer.attributes["key"]), answer.data["id"]

    def delete(self):
        self.rest.delete(f"/acme_directories/{self.id}")
