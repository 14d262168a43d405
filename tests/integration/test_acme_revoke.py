"""revokeCert (RFC 8555 7.6) in all three ways, and what stands in its way."""

import concurrent.futures

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

import acme
import acme_fixtures
import support
from test_policy import policy  # noqa: F401  a fixture


directory = acme_fixtures.one_directory()


def host():
    return f"{acme.mark('r')}.revoke.example"


def issued(client, *names, **payload):
    """A certificate as DER, and its key."""
    order = client.order(*names, **payload)
    order.finalize(*names)
    return order.wait().chain()[0].public_bytes(acme.DER), order.key


def revoke(client, der, reason=None, **kw):
    payload = {"certificate": acme.b64(der)}
    if reason is not None:
        payload["reason"] = reason
    return client.ask(client.directory["revokeCert"], payload, **kw)


def stored(instance, der):
    serial = f"{x509.load_der_x509_certificate(der).serial_number:x}"
    return instance.sql(f"SELECT status, reason FROM certificate WHERE serial = decode(lpad('{serial}', {len(serial) + len(serial) % 2}, '0'), 'hex')")[0]


def refused(answer, status, kind):
    assert (answer.status, answer.type) == (status, kind), answer
    return answer.json["detail"]


@pytest.fixture(scope="module")
def client(directory):
    return directory.client(names=["dns:.revoke.example"])


@pytest.mark.parametrize("reason", [None, 0, 1, 3, 4, 5, 9])
@pytest.mark.rows("M14")
def test_by_the_account_that_ordered_it(instance, client, reason):
    der, _ = issued(client, host())
    answer = revoke(client, der, reason)
    assert answer.status == 200 and answer.body == b"", answer
    assert stored(instance, der) == ["2", str(reason or 0)]
    refused(revoke(client, der, reason), 400, "alreadyRevoked")
    number = instance.sql(f"SELECT id FROM certificate WHERE der = decode('{der.hex()}', 'hex')")[0][0]
    (row,) = instance.sql(f"SELECT actor, detail FROM audit WHERE action = 'certificate.revoked' AND object = 'certificate/{number}'")
    assert f"acme:{client.label}/{client.kid.rsplit('/', 1)[1]}" in row[0] and "acme" in row[1]


@pytest.mark.rows("M14")
@pytest.mark.parametrize("reason", [2, 6, 7, 8, 10, 99, -1, 1 << 40])
def test_reasons_that_arent_taken(instance, client, reason):
    der, key = issued(client, host())
    refused(revoke(client, der, reason), 400, "badRevocationReason")
    refused(revoke(client, der, reason, by_key=True, key=key), 400, "badRevocationReason")
    assert stored(instance, der)[0] == "1"


@pytest.mark.rows("M14")
@pytest.mark.parametrize("payload", [{}, {"certificate": 7}, {"certificate": ""}, {"certificate": "a+b/"}, {"certificate": "MIIB"}, {"reason": 1},
                                     {"reason": "1"}, {"reason": 1.0}, {"reason": True}])
def test_payloads_that_cant_be_read(client, payload):
    if "reason" in payload and payload["reason"] != 1:
        payload["certificate"] = acme.b64(issued(client, host())[0])
    refused(client.ask(client.directory["revokeCert"], payload), 400, "malformed")


@pytest.mark.rows("M14")
def test_by_its_own_key(instance, directory, client):
    """It is keyCompromise whatever was said, and the key is never certified again."""
    der, key = issued(client, host())
    nobody = acme.Client(instance, directory.label)
    answer = revoke(nobody, der, 4, by_key=True, key=key)
    assert answer.status == 200, answer
    assert stored(instance, der) == ["2", "1"]
    refused(revoke(nobody, der, by_key=True, key=key), 400, "alreadyRevoked")
    name = host()
    order = client.order(name)
    order.finalize(name, key=key)
    order.wait("invalid")
    assert order.json["error"]["type"] == acme.URN + "badPublicKey" and "compromised" in order.json["error"]["detail"], order.answer


def test_the_key_raises_the_reason(instance, client):
    """One that is revoked for something else is heard of again when its key is compromised."""
    der, key = issued(client, host())
    assert revoke(client, der, 4).status == 200
    assert revoke(client, der, by_key=True, key=key).status == 200
    assert stored(instance, der) == ["2", "1"]


@pytest.mark.parametrize("kind", ["rsa2048", "p384", "ed25519"])
def test_keys_of_all_kinds(client, kind):
    name, key = host(), support.new_key(kind)
    order = client.order(name)
    order.finalize(name, key=key)
    der = order.wait().chain()[0].public_bytes(acme.DER)
    assert revoke(client, der, by_key=True, key=key).status == 200


@pytest.mark.rows("M14")
def test_by_a_key_that_isnt_its_own(instance, directory, client):
    der, _ = issued(client, host())
    refused(revoke(client, der, by_key=True, key=support.new_key()), 403, "unauthorized")
    refused(revoke(client, der, by_key=True), 403, "unauthorized")  # the account's key is no certificate's key, although the account might
    stranger = directory.client()
    assert "authorizations" in refused(revoke(stranger, der), 403, "unauthorized")
    assert stored(instance, der)[0] == "1"


@pytest.mark.rows("M14")
def test_by_who_has_the_names(instance, directory, client):
    """All of them, each valid; reason and key stay the other's business."""
    one, two = host(), host()
    der, key = issued(client, one, two)
    other = directory.client()

    def authorise(name):
        (authz,) = other.order(name).authorizations()
        authz.force(instance)
        return authz

    refused(revoke(other, der), 403, "unauthorized")
    first = authorise(one)
    refused(revoke(other, der), 403, "unauthorized")
    authorise(two)
    instance.sql(f"UPDATE acme_authz SET expires_at = now() - interval '1 second' WHERE id = {first.id}")
    refused(revoke(other, der), 403, "unauthorized")
    authorise(one)
    assert revoke(other, der, 1).status == 200
    assert stored(instance, der) == ["2", "5"]
    name = host()
    order = client.order(name)
    order.finalize(name, key=key)  # nobody showed that the key is compromised
    order.wait()


@pytest.mark.rows("M14")
def test_wildcards_are_names_of_their_own(instance, directory, client):
    base = host()
    der, _ = issued(client, f"*.{base}")
    other = directory.client()
    (authz,) = other.order(base).authorizations()
    authz.force(instance)
    refused(revoke(other, der), 403, "unauthorized")
    (authz,) = other.order(f"*.{base}").authorizations()
    authz.force(instance)
    assert revoke(other, der).status == 200


def test_names_by_policy_count_while_they_hold(instance, directory, client):
    name = host()
    der, _ = issued(client, name)
    other = directory.client(names=["dns:.revoke.example"])
    assert other.order(name).status == "ready"
    instance.sql(f"UPDATE acme_account SET names = '{{}}' WHERE id = {other.kid.rsplit('/', 1)[1]}")
    refused(revoke(other, der), 403, "unauthorized")
    directory.allow(other, "dns:.revoke.example")
    assert revoke(other, der).status == 200


@pytest.mark.rows("M14")
def test_certificates_that_arent_there(client):
    der, key = issued(client, host())
    refused(revoke(client, der + b"\0"), 400, "malformed")
    bent = bytearray(der)
    bent[-1] ^= 1  # in the signature: same serial number, not octet for octet the same
    refused(revoke(client, bytes(bent)), 404, "malformed")
    refused(revoke(client, bytes(bent), by_key=True, key=key), 404, "malformed")
    own, _ = support.self_signed(key=key)
    refused(revoke(client, own.public_bytes(acme.DER), by_key=True, key=key), 404, "malformed")


@pytest.mark.rows("M14", "R02")
def test_other_cas_and_other_tenants(instance, rest, profile, new_tenant, client, second_ca):
    """A directory revokes what its own CA and tenant issued, whoever asks."""
    der, key = issued(client, host())
    elsewhere = acme.Directory(rest, {"server": profile}, relationships={"ca": {"data": {"type": "cas", "id": second_ca["id"]}}})
    house = new_tenant()
    foreign = acme.Directory(house.rest(), {"server": acme.server_profile(house.rest())})
    for made in (elsewhere, foreign):
        other = made.client(names=["dns:.revoke.example"])
        refused(revoke(other, der), 404, "malformed")
        refused(revoke(other, der, by_key=True, key=key), 404, "malformed")
        mine, mine_key = issued(other, host())
        refused(revoke(client, mine), 404, "malformed")
        refused(revoke(client, mine, by_key=True, key=mine_key), 404, "malformed")
        made.delete()
    assert stored(instance, der)[0] == "1"


@pytest.mark.rows("R02")
def test_certificates_of_other_doors(instance, rest, directory):
    """What REST issued belongs to nobody here: but who has the names, or the key, may say so."""
    key, name = support.new_key(), host()
    csr = support.new_csr(name, [name], key)
    made = rest.issued("cert_server", cn=name, csr=support.csr_pem(csr))
    der = support.load_cert(made["attributes"]["pem"]).public_bytes(acme.DER)
    other = directory.client()
    refused(revoke(other, der), 403, "unauthorized")
    (authz,) = other.order(name).authorizations()
    authz.force(instance)
    assert revoke(other, der).status == 200
    assert stored(instance, der) == ["2", "5"]


@pytest.mark.rows("R02")
def test_the_houses_own_certificates(instance, directory, rest):
    """OCSP signers and CAs aren't revoked here, even by who shows their names."""
    row = instance.sql("SELECT encode(x.der, 'hex') FROM certificate x JOIN profile p ON p.id = x.profile_id JOIN tenant t ON t.id = x.tenant_id "
                       "JOIN ca c ON c.id = x.ca_id AND c.is_default WHERE p.definition ->> 'internal' = 'true' AND t.name = 'default' LIMIT 1")
    refused(revoke(directory.client(), bytes.fromhex(row[0][0])), 403, "unauthorized")


def test_policies_have_a_say(instance, client, policy, profile):  # noqa: F811
    name = host()
    der, key = issued(client, name)
    one = policy([{"name": "never", "refuse": True, "when": "$.body.reason == \"superseded\"", "message": "not that one"}],
                 operations=["certificate.revoke"], profile=profile)
    policy([{"name": "eyes", "when": "$.body.reason == \"keyCompromise\"", "approve": {"count": 1, "right": "certificates.revoke"}, "message": "others look"}],
           operations=["certificate.revoke"], profile=profile)
    assert one and "not that one" in refused(revoke(client, der, 4), 403, "unauthorized")
    assert "others have to approve" in refused(revoke(client, der, by_key=True, key=key), 403, "unauthorized")
    assert stored(instance, der)[0] == "1"
    assert revoke(client, der, 5).status == 200


@pytest.mark.rows("M14")
def test_many_at_once(instance, directory, client):
    """One of them revokes."""
    der, key = issued(client, host())
    clients = [acme.Client(instance, directory.label) for _ in range(8)]
    for c in clients:
        c.nonce = c.new_nonce()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda c: revoke(c, der, by_key=True, key=key), clients))
    assert sorted(a.status for a in answers) == [200] + [400] * 7, answers
    assert {a.type for a in answers if a.status == 400} == {"alreadyRevoked"}


def test_after_the_account_has_gone(instance, directory):
    der, key = issued(directory.client(names=["dns:.revoke.example"]), host())
    gone = directory.client(names=["dns:.revoke.example"])
    mine, _ = issued(gone, host())
    gone.post(gone.kid, {"status": "deactivated"})
    refused(revoke(gone, mine), 403, "unauthorized")
    assert revoke(gone, der, by_key=True, key=key).status == 200


def test_curves_of_certificates_that_cant_sign_here(client):
    """A certificate on a curve that JWS has no algorithm for is revoked by its account."""
    key = ec.generate_private_key(ec.BrainpoolP256R1())
    name = host()
    order = client.order(name)
    order.finalize(name, key=key)
    if order.json["status"] == "invalid":
        pytest.skip("the profile doesn't take the curve")
    assert revoke(client, order.wait().chain()[0].public_bytes(acme.DER)).status == 200
