"""Evidence over EST: every kind of it on every kind of path, and each operation without any, with wrong, expired, revoked and foreign ones."""

import concurrent.futures
import itertools

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

import cmc
import est
import support
from labels import DER, csr_of, document, expect, mark, subject

AUTHS = [["password"], ["code"], ["certificate"], ["both"], ["password", "certificate"], ["code", "both"], ["certificate", "both"],
         ["password", "code", "certificate"], ["password", "code", "certificate", "both"]]


def passes(auth, secret, certificate):
    """What a label takes, said a second time: two at once are two where the label says both; else a secret decides where one is taken."""
    if "both" in auth and secret and certificate:
        return secret in ("password", "code") and certificate == "own"
    if secret and {"password", "code"} & set(auth):
        return secret in auth
    return certificate == "own" and "certificate" in auth


def free_code(rest):
    """Good at every door that takes codes."""
    answer = rest.post("/enrollment_codes", document("enrollment_codes"))
    assert answer.status == 201, answer
    return "device", answer.attributes["secret"]


@pytest.mark.parametrize("auth", AUTHS, ids="+".join)
def test_every_evidence_at_every_label(rest, label, est_account, label_device, maker, auth):
    """What a label doesn't name isn't evidence there; nothing at all never is."""
    one, wrong = label(auth=auth), (est_account[0], "wrong")
    identities = {None: (None, None), "own": (label_device.cert_path, label_device.key_path), "anchor": maker.device(serial=mark("sn"))[0]}
    for secret, certificate in itertools.product((None, "password", "code", "wrong"), identities):
        account = {"password": est_account, "wrong": wrong, "code": free_code(rest)}.get(secret)
        answer = one.ask(label_device.csr(key=support.new_key()), account, identities[certificate], source=support.new_address())
        if passes(auth, secret, certificate):
            assert est.one_certificate(answer).subject == label_device.certificate.subject
        else:
            assert answer.status in (401, 403), (auth, secret, certificate, answer)
            expect(answer, answer.status)
            assert answer.status == 403 or answer.headers["www-authenticate"].startswith('Basic realm="siegel est"')


# ---------------------------------------------------------------- each operation, with what isn't good


def ended(instance, account, change):
    """The account with its credential changed behind the product's back: time needn't pass."""
    instance.sql(f"UPDATE credential SET {change} WHERE account_id = (SELECT id FROM account WHERE name = '{account[0]}')")
    return account


@pytest.fixture
def bad(instance, rest, default_tenant, other_tenant, est_account, tmp_path, label):
    """Name → evidence that isn't good: (account, identity)."""
    def device_of_ours(**made):
        certificate, key = est.look_alike(instance, cn=made.pop("cn", None), **made)
        return certificate, key

    def files(certificate, key):
        return support.write_identity(tmp_path, certificate, key, name=mark("f"))

    def stored(change=None, **made):
        certificate, key = device_of_ours(**made)
        est.put_into_store(instance, certificate)
        if change:
            instance.sql(f"UPDATE certificate SET {change} WHERE der = '\\x{certificate.public_bytes(DER).hex()}'")
        return files(certificate, key)

    def code(change):
        made = rest.post("/enrollment_codes", document("enrollment_codes"))
        instance.sql(f"UPDATE enrollment_code SET {change} WHERE id = {made.data['id']}")
        return "device", made.attributes["secret"]

    key, cn = support.new_key(), est.unique()
    theirs = other_tenant.rest().issued("cert_device", cn=cn, csr=support.csr_pem(support.new_csr(cn, key=key)))
    disabled = default_tenant.account("requestor", "password")
    instance.sql(f"UPDATE account SET enabled = false WHERE name = '{disabled[0]}'")
    nobody = (None, None)
    return {
        "nothing": (None, nobody),
        "wrong password": ((est_account[0], "wrong"), nobody),
        "unknown account": (("nobody", est_account[1]), nobody),
        "empty": (("", ""), nobody),
        "no right": (default_tenant.account("auditor", "password"), nobody),
        "expired password": (ended(instance, default_tenant.account("requestor", "password"), "expires_at = now()"), nobody),
        "revoked password": (ended(instance, default_tenant.account("requestor", "password"), "revoked_at = now()"), nobody),
        "disabled account": (disabled, nobody),
        "another tenant's account": (other_tenant.account("requestor", "password"), nobody),
        "a token": (default_tenant.account("requestor", "token"), nobody),
        "expired code": (code("expires_at = now()"), nobody),
        "revoked code": (code("revoked_at = now()"), nobody),
        "used code": (code("used_at = now(), takers = 1, request_key = sha256('x')"), nobody),
        "another door's code": (label(auth=["code"]).code(), nobody),
        "a stranger's certificate": (None, files(*support.self_signed(cn=cn)[:2])),
        "a look-alike": (None, files(*device_of_ours())),
        "not valid yet": (None, stored(from_days=1)),
        "expired certificate": (None, stored(from_days=-30, to_days=-1)),
        "revoked certificate": (None, stored("status = 2")),
        "certificate on hold": (None, stored("status = 3")),
        "another tenant's certificate": (None, support.write_identity(tmp_path, theirs["attributes"]["pem"], key, name=mark("f"))),
    }


@pytest.mark.rows("E02", "E09")
@pytest.mark.parametrize("operation", ["simpleenroll", "simplereenroll", "serverkeygen"])
@pytest.mark.parametrize("where", ["default", "open", "both"])
def test_evidence_that_is_not_good(instance, label, bad, operation, where):
    """Refused with readable text and without a certificate, whatever the path takes."""
    path = operation
    if where != "default":
        auth = ["password", "code", "certificate"] if where == "open" else ["both"]
        path = f"{label(auth=auth).name}/{operation}"
    for what, (account, identity) in bad.items():
        cn = est.unique()
        if identity[0]:
            with open(identity[0], encoding="ascii") as f:
                cn = support.load_cert(f.read()).subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value
        before = instance.count("certificate", f"common_name = '{cn}'")
        answer = support.est_enroll(instance, support.csr_der(support.new_csr(cn)), support.basic(*account) if account else None, *identity,
                                    operation=path, source=support.new_address())
        assert answer.status in (401, 403), (what, answer)
        expect(answer, answer.status)
        assert instance.count("certificate", f"common_name = '{cn}'") == before, what


@pytest.mark.rows("E02", "E09")
@pytest.mark.parametrize("where", ["default", "label"])
def test_evidence_that_is_not_good_for_fullcmc(instance, label, bad, where):
    """There the signature is the evidence: passwords, codes and the handshake's certificate are none, and who signs by a bad certificate is refused."""
    path = label(auth=["certificate"]).name if where == "label" else None
    support.wait_until(lambda: cmc.post(instance, b"0\0", path, source=support.new_address()).status != 503, 30, 0.5)
    for what, (account, identity) in bad.items():
        cn, certificate, key = est.unique(), None, None
        headers = {"Authorization": support.basic(*account)} if account else {}
        if identity[0]:
            with open(identity[0], encoding="ascii") as f:
                certificate = support.load_cert(f.read())
            with open(identity[1], "rb") as f:
                key = serialization.load_pem_private_key(f.read(), None)
            cn = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value
        before = instance.count("certificate", f"common_name = '{cn}'")
        message = cmc.signed(cmc.pki_data(cmc.pkcs10(support.csr_der(support.new_csr(cn)))), certificate, key)
        answer = cmc.post(instance, message, path, headers=headers, source=support.new_address())
        response = cmc.Response(answer)
        wanted = cmc.BAD_IDENTITY if identity[0] else cmc.BAD_MESSAGE_CHECK
        assert (answer.status, response.status, response.failure) == (403, cmc.FAILED, wanted), (what, answer.status, response.text)
        assert instance.count("certificate", f"common_name = '{cn}'") == before, what


@pytest.mark.rows("E02")
@pytest.mark.parametrize("operation", ["cacerts", "csrattrs"])
def test_what_is_for_anybody(instance, label, bad, operation):
    """RFC 7030 4.1.2, 4.5.1: also for those who would be refused elsewhere."""
    one = label(auth=["certificate"])
    body = one.get(operation).body
    for what, (account, identity) in bad.items():
        headers = {"Authorization": support.basic(*account)} if account else {}
        answer = support.http_get(f"{instance.est_url}/{one.name}/{operation}", context=instance.tls_context(*identity), headers=headers)
        assert answer.status == 200 and answer.body == body, (what, answer)


@pytest.mark.rows("E09")
@pytest.mark.parametrize("operation", ["simpleenroll", "simplereenroll"])
def test_a_role_that_is_gone(instance, rest, label, tmp_path, operation):
    """A station's certificate speaks for its account. When the account loses its right or is ended, so has the certificate."""
    role = rest.post("/roles", document("roles", name=f"r_{mark()[2:]}", rights=["certificates.issue"]))
    account = rest.post("/accounts", document("accounts", name=mark("a"), role=role.attributes["name"]))
    key, cn = support.new_key(), est.unique()
    resource = rest.issued("cert_device", cn=cn, csr=support.csr_pem(support.new_csr(cn, key=key)))
    made = rest.post("/credentials", document("credentials", account=account.attributes["name"], kind="certificate", certificate=resource["attributes"]["pem"]))
    assert made.status == 201, made
    identity = support.write_identity(tmp_path, resource["attributes"]["pem"], key, name=mark("f"))
    one = label(auth=["certificate"])
    est.one_certificate(one.ask(support.new_csr(cn), identity=identity, operation=operation))
    change = {"data": {"type": "roles", "id": role.data["id"], "attributes": {"rights": ["read"]}}}
    assert rest.patch(f"/roles/{role.data['id']}", change).status == 200
    support.wait_until(lambda: one.ask(support.new_csr(cn), identity=identity, operation=operation).status == 403, 1)
    expect(one.ask(support.new_csr(cn), identity=identity, operation=operation), 403, "may not request certificates")
    assert rest.delete(f"/accounts/{account.data['id']}").status == 204
    expect(one.ask(support.new_csr(cn), identity=identity, operation=operation), 403, "account")


@pytest.mark.rows("E09")
def test_a_password_that_was_good_ends_at_once(instance, rest, default_tenant, label):
    """What the store said of it a moment ago isn't held against a change: credential, account, role."""
    one = label(auth=["password"])

    def good(account):
        return one.ask(support.new_csr(est.unique()), account, source=here).status == 200

    role = rest.post("/roles", document("roles", name=f"r_{mark()[2:]}", rights=["certificates.issue"]))
    for change in ("credential", "account", "role", "right"):
        here = support.new_address()
        account = default_tenant.account(role.attributes["name"], "password")
        number = rest.get(f"/accounts?filter[name]={account[0]}").data[0]["id"]
        assert all(good(account) for _ in range(3))
        if change == "credential":
            (credential,) = rest.get(f"/credentials?filter[account]={number}").data
            assert rest.delete(f"/credentials/{credential['id']}").status == 204
        elif change == "account":
            assert rest.patch(f"/accounts/{number}", {"data": {"type": "accounts", "id": number, "attributes": {"enabled": False}}}).status == 200
        elif change == "role":
            assert rest.patch(f"/accounts/{number}", {"data": {"type": "accounts", "id": number, "attributes": {"role": "auditor"}}}).status == 200
        else:
            body = {"data": {"type": "roles", "id": role.data["id"], "attributes": {"rights": ["read"]}}}
            assert rest.patch(f"/roles/{role.data['id']}", body).status == 200
        support.wait_until(lambda: not good(account), 0.5, 0.02)


@pytest.mark.parametrize("kind", ["password", "certificate", "anchor", "both"])
def test_100_at_once(instance, label, est_account, label_device, maker, ldevid, kind):
    """The same request over and over, on connections of their own: one certificate."""
    one = label(auth=["both"]) if kind == "both" else label(auth=["password", "certificate"])
    own, operation, csr = (label_device.cert_path, label_device.key_path), "simpleenroll", label_device.csr(key=support.new_key())
    account, identity = {"password": (est_account, (None, None)), "certificate": (None, own), "both": (est_account, own), "anchor": (None, None)}[kind]
    if kind == "certificate":
        operation = "simplereenroll"
    if kind == "anchor":
        serial = mark("sn")
        identity, csr = maker.device(serial=serial)[0], csr_of(subject("IDevID", serial))
        one.change(profile=ldevid, anchors=maker.anchors())
    with concurrent.futures.ThreadPoolExecutor(25) as pool:
        answers = list(pool.map(lambda _: one.ask(csr, account, identity, operation=operation), range(100)))
    assert {a.status for a in answers} <= {200, 503} and sum(a.status == 200 for a in answers) > 50, {a.status for a in answers}
    certificates = {est.one_certificate(a) for a in answers if a.status == 200}
    assert len(certificates) == 1
    key = certificates.pop().public_key().public_bytes(DER, serialization.PublicFormat.SubjectPublicKeyInfo).hex()
    assert instance.count("certificate", f"spki_hash = sha256('\\x{key}')") == 1
