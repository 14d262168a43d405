"""The life of a certificate, from outside: successors, hold and release, the revocation of many, owner and metadata, policies on the way,
and keys that two requests of one instant want certified. CRLs, OCSP and certificates are read by openssl."""

import subprocess
import threading
import time
import uuid

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

import support

SEEN_SEC = 10  # within which a change of status is seen in CRL and OCSP


def unique(prefix="life"):
    return f"{prefix}-{uuid.uuid4().hex[:12]}.example"


def document(kind, **attributes):
    return {"data": {"type": kind, "attributes": attributes}}


def openssl(*command, check=True):
    done = subprocess.run(["openssl", *map(str, command)], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0 or not check, done.stdout + done.stderr
    return done.stdout + done.stderr


def public_key(pem):
    return support.load_cert(pem).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


class Files:
    """A certificate and what is above it, as files for openssl."""

    def __init__(self, instance, attributes, folder):
        self.instance, self.folder, self.cert = instance, folder, support.load_cert(attributes["pem"])
        (folder / "cert.pem").write_text(attributes["pem"])
        (folder / "chain.pem").write_text(attributes["chain_pem"])
        issuer = next(c for c in support.load_pem_chain(attributes["chain_pem"]) if c.subject == self.cert.issuer)
        (folder / "issuer.pem").write_bytes(issuer.public_bytes(Encoding.PEM))

    def verify(self):
        return openssl("verify", "-purpose", "sslserver", "-CAfile", self.instance.root, "-untrusted", self.folder / "chain.pem",
                       self.folder / "cert.pem")

    def ocsp(self):
        """"good", or "revoked" with the reason, as openssl says it."""
        text = openssl("ocsp", "-issuer", self.folder / "issuer.pem", "-cert", self.folder / "cert.pem", "-url", self.instance.ocsp_url,
                       "-CAfile", self.instance.root)
        assert "Response verify OK" in text
        state = text.split("cert.pem: ")[1].split()[0]
        return state + (" " + text.split("Reason: ")[1].split()[0] if "Reason: " in text else "")

    def crl_reason(self):
        """The reason on the CRL, "" without one, None when it isn't listed."""
        point = self.cert.extensions.get_extension_for_class(x509.CRLDistributionPoints).value[0].full_name[0].value
        (self.folder / "crl.der").write_bytes(support.http_get(point).body)
        text = openssl("crl", "-inform", "DER", "-in", self.folder / "crl.der", "-noout", "-text")
        serial = f"Serial Number: {self.cert.serial_number:0{len(hex(self.cert.serial_number)[2:]) + 1 & ~1}X}"
        if serial not in text:
            return None
        entry = text.split(serial)[1].split("Serial Number:")[0]
        return entry.split("CRL Reason Code:")[1].strip().split("\n")[0].strip() if "CRL Reason Code:" in entry else ""


def wait_for(what, wanted, seconds=SEEN_SEC):
    end = time.monotonic() + seconds * support.SLOWER
    while (got := what()) != wanted and time.monotonic() < end:
        time.sleep(0.2)
    assert got == wanted


# ---------------------------------------------------------------- hold, release, revocation


def test_hold_and_release(instance, rest, tmp_path):
    resource = rest.issued()
    files, path = Files(instance, resource["attributes"], tmp_path), f"/certificates/{resource['id']}"
    held = rest.post(f"{path}/hold")
    assert held.status == 200 and held.attributes["status"] == "held" and held.attributes["revocation_reason"] == "certificateHold"
    wait_for(files.ocsp, "revoked certificateHold")
    wait_for(files.crl_reason, "Certificate Hold")
    since = held.attributes["revoked_at"]
    assert rest.post(f"{path}/hold", document("hold")).attributes["revoked_at"] == since
    released = rest.post(f"{path}/release")
    assert released.status == 200 and released.attributes["status"] == "issued" and released.attributes["revoked_at"] is None
    wait_for(files.ocsp, "good")
    wait_for(files.crl_reason, None)
    assert rest.post(f"{path}/release").status == 200
    actions = [a for (a,) in instance.sql(f"SELECT action FROM audit WHERE object = 'certificate/{resource['id']}' ORDER BY at_us")]
    assert actions == ["certificate.held", "certificate.released"]


@pytest.mark.rows("O08")
def test_a_revocation_is_for_ever(instance, rest, tmp_path):
    resource = rest.issued()
    path = f"/certificates/{resource['id']}"
    since = rest.post(f"{path}/hold").attributes["revoked_at"]
    revoked = rest.post(f"{path}/revoke", document("revocation", reason="superseded"))
    # X.509 9.5.3.1: a hold that becomes final counts from the hold on.
    assert revoked.attributes["status"] == "revoked" and revoked.attributes["revoked_at"] == since
    assert rest.post(f"{path}/release").status == 409
    assert rest.post(f"{path}/hold").attributes["status"] == "revoked"
    files = Files(instance, resource["attributes"], tmp_path)
    wait_for(files.ocsp, "revoked superseded")
    wait_for(files.crl_reason, "Superseded")


@pytest.mark.parametrize("reason", ["unspecified", "keyCompromise", "affiliationChanged", "superseded", "cessationOfOperation",
                                    "certificateHold", "privilegeWithdrawn"])
def test_reasons_that_make_sense(rest, reason):
    answer = rest.post(f"/certificates/{rest.issued()['id']}/revoke", document("revocation", reason=reason))
    assert answer.status == 200 and answer.attributes["revocation_reason"] == reason


@pytest.mark.parametrize("reason", ["cACompromise", "aACompromise", "removeFromCRL", "boredom", ""])
def test_reasons_that_do_not(rest, reason):
    resource = rest.issued()
    answer = rest.post(f"/certificates/{resource['id']}/revoke", document("revocation", reason=reason))
    assert answer.status == 422 and answer.error["source"]["pointer"] == "/data/attributes/reason"
    assert rest.get(f"/certificates/{resource['id']}").attributes["status"] == "issued"


@pytest.mark.rows("A12")
def test_a_compromised_key(rest):
    """It is never certified again, whoever asks, and the others that have it are named."""
    key, cn = support.new_key(), unique()
    csr = support.csr_pem(support.new_csr(cn, key=key))
    ids = [rest.issued(csr=csr, cn=cn)["id"] for _ in range(3)]
    answer = rest.post(f"/certificates/{ids[1]}/revoke", document("revocation", reason="keyCompromise"))
    assert answer.attributes["same_key"] == [ids[0], ids[2]]
    for kind, more in (("cert_server", {"cn": cn}), ("cert_client", {"cn": "somebody"})):
        refused = rest.issue(kind, csr=csr, **more)
        assert refused.status == 422 and refused.error["code"] == "bad_key"
    for action in ("renew", "rekey"):
        refused = rest.post(f"/certificates/{ids[0]}/{action}", document(action, **({"csr": csr} if action == "rekey" else {})))
        assert refused.status == 422 and refused.error["code"] == "bad_key"
    assert rest.post(f"/certificates/{ids[0]}/rekey").status == 201  # with another key


# ---------------------------------------------------------------- successors


def test_renewal(instance, rest, tmp_path):
    made = rest.issued(cn=unique(), dns=["a.example", "b.example"], o="Ulm Works", cert_days=30, owner="ops", metadata={"site": "Ulm", "line": "3"})
    answer = rest.post(f"/certificates/{made['id']}/renew", document("renew", cert_days=60, metadata={"line": "4"}))
    assert answer.status == 201, answer
    was, now = made["attributes"], answer.attributes
    assert answer.headers["location"].endswith(f"/certificates/{answer.data['id']}") and answer.data["id"] != made["id"]
    assert now["replaces"] == made["id"] and now["subject"] == was["subject"] and now["names"] == was["names"]
    assert public_key(now["pem"]) == public_key(was["pem"]) and now["serial"] != was["serial"]
    assert now["owner"] == "ops" and now["metadata"] == {"site": "Ulm", "line": "4"} and now["key_type"] == was["key_type"]
    assert "private_key_pem" not in now
    Files(instance, now, tmp_path).verify()
    shown = rest.get(f"/certificates/{answer.data['id']}").attributes
    assert shown["replaces"] == made["id"] and shown["owner"] == "ops" and shown["metadata"]["site"] == "Ulm"
    assert rest.get(f"/certificates/{made['id']}").attributes["status"] == "issued"


def test_rekey(instance, rest, tmp_path):
    made = rest.issued(cn=unique(), dns=["a.example"])
    own = rest.post(f"/certificates/{made['id']}/rekey", document("rekey", key_type="p384"))
    assert own.status == 201 and own.attributes["key_type"] == "p384" and own.attributes["names"] == made["attributes"]["names"]
    key = load_pem_private_key(own.attributes["private_key_pem"].encode(), None)
    assert key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == public_key(own.attributes["pem"])
    Files(instance, own.attributes, tmp_path).verify()
    # The CSR proves the key; its names count for nothing.
    new = support.new_key()
    csr = support.csr_pem(support.new_csr("evil.example", names=["evil.example"], key=new))
    brought = rest.post(f"/certificates/{made['id']}/rekey", document("rekey", csr=csr))
    assert brought.status == 201 and brought.attributes["subject"] == made["attributes"]["subject"]
    assert brought.attributes["names"] == made["attributes"]["names"]
    assert public_key(brought.attributes["pem"]) == new.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize("attributes, pointer", [({"cn": "b.example"}, "cn"), ({"profile": "client"}, "profile"), ({"ca": "issuing"}, "ca"),
                                                 ({"csr": "x"}, "csr"), ({"serial": "01"}, "serial"), ({"nothing": 1}, "nothing"),
                                                 ({"metadata": ["x"]}, "metadata"), ({"metadata": {"a": 1}}, "metadata"), ({"owner": "a\nb"}, "owner")])
def test_renewal_says_nothing_else(rest, attributes, pointer):
    made = rest.issued()
    answer = rest.post(f"/certificates/{made['id']}/renew", document("renew", **attributes))
    assert answer.status == 422 and answer.error["source"]["pointer"].startswith(f"/data/attributes/{pointer}")


def test_what_has_no_successor(instance, rest, other_tenant):
    revoked, held = rest.issued()["id"], rest.issued()["id"]
    rest.post(f"/certificates/{revoked}/revoke", document("revocation"))
    rest.post(f"/certificates/{held}/hold")
    for action in ("renew", "rekey"):
        for known in (revoked, held):
            assert rest.post(f"/certificates/{known}/{action}").status == 409
        for unknown in ("999999999999", "0", "x", "-1"):
            assert rest.post(f"/certificates/{unknown}/{action}").status == 404
    issuing_signer = instance.sql("SELECT x.id FROM certificate x JOIN profile p ON p.id = x.profile_id WHERE p.name = 'ocsp-signer' AND"
                                  " x.tenant_id = (SELECT id FROM tenant WHERE name = 'default') LIMIT 1")
    assert rest.post(f"/certificates/{issuing_signer[0][0]}/renew").status == 403
    assert rest.post(f"/certificates/{issuing_signer[0][0]}/hold").status == 403
    expired = rest.issued()["id"]
    instance.sql(f"SELECT 1 FROM certificate WHERE id = {expired}")


def test_request_keys_hold_for_successors(rest):
    made, key = rest.issued(), {"Idempotency-Key": uuid.uuid4().hex}
    first = rest.post(f"/certificates/{made['id']}/rekey", headers=key)
    again = rest.post(f"/certificates/{made['id']}/rekey", headers=key)
    assert first.status == 201 and again.status == 200 and first.data["id"] == again.data["id"]
    assert "private_key_pem" in first.attributes and "private_key_pem" not in again.attributes
    assert rest.post(f"/certificates/{made['id']}/renew", headers=key).status == 409


# ---------------------------------------------------------------- owner and metadata


def test_owner_and_metadata(instance, rest):
    made = rest.issued(owner="line 3", metadata={"site": "Ulm"})
    assert made["attributes"]["owner"] == "line 3" and made["attributes"]["metadata"] == {"site": "Ulm"}
    path = f"/certificates/{made['id']}"
    patch = {"data": {"type": made["type"], "id": made["id"], "attributes": {"owner": None, "metadata": {"site": "Köln", "rack": "7"}}}}
    answer = rest.patch(path, patch)
    assert answer.status == 200 and answer.attributes["owner"] is None and answer.attributes["metadata"] == {"site": "Köln", "rack": "7"}
    assert rest.get(path).attributes["metadata"]["rack"] == "7"
    assert instance.count("audit", f"action = 'certificate.changed' AND object = 'certificate/{made['id']}'") == 1
    for bad in ({"subject": "CN=x"}, {"status": "revoked"}, {"metadata": {"a b": "c"}}, {"metadata": {"a": "x" * 2000}}, {"owner": 7}):
        patch["data"]["attributes"] = bad
        assert rest.patch(path, patch).status == 422


def test_metadata_at_issue_is_checked(rest):
    for bad in ({"a b": "c"}, {"a": 1}, {"a": "x" * 2000}, {"__x": "y"}, {f"k{i}": "v" for i in range(65)}):
        answer = rest.issue(metadata=bad)
        assert answer.status == 422 and answer.error["source"]["pointer"] == "/data/attributes/metadata", answer


def test_keys_that_are_kept(instance, rest):
    """A profile with archive_keys: a key that is made here is stored with its certificate, wrapped; one that is brought isn't."""
    name = f"kept-{uuid.uuid4().hex[:8]}"
    rules = {"archive_keys": True, "key_usage": ["keyEncipherment"], "keys": ["rsa2048"]}
    answer = rest.post("/profiles", document("profiles", name=name, template="server", definition=rules))
    assert answer.status == 201, answer
    made = rest.issued(profile=name, key_type="rsa2048")
    brought = rest.issued(profile=name, cn="brought.example", csr=support.csr_pem(support.new_csr("brought.example", key=support.new_key("rsa2048"))))
    rows = instance.sql(f"SELECT certificate_id, encode(wrapped, 'hex') FROM archived_key WHERE certificate_id IN ({made['id']}, {brought['id']})")
    assert [i for i, _ in rows] == [made["id"]]
    key = load_pem_private_key(made["attributes"]["private_key_pem"].encode(), None)
    assert f"{key.private_numbers().p:x}" not in rows[0][1]


# ---------------------------------------------------------------- many


def wait_for_job(rest, answer, seconds=60):
    assert answer.status == 202, answer
    path = f"/jobs/{answer.data['id']}"
    return support.wait_until(lambda: (job := rest.get(path).attributes)["status"] in ("done", "failed") and job, seconds)


def seed(instance, n, owner):
    """n more certificates like the owner's newest: what a list of thousands is made of, in a moment."""
    instance.sql("INSERT INTO certificate (tenant_id, ca_id, profile_id, serial, subject, common_name, names, not_before, not_after, spki_hash, der,"
                 f" requestor, source, owner) SELECT tenant_id, ca_id, profile_id, substr(sha256((random()::text || i)::bytea), 1, 16), subject, common_name,"
                 f" names, not_before, not_after, sha256(i::text::bytea), der, requestor, 'test', '{owner}' FROM certificate, generate_series(1, {n}) i"
                 f" WHERE id = (SELECT max(id) FROM certificate WHERE owner = '{owner}')")


def test_many_by_filter(instance, rest, tmp_path):
    owner, one = f"owner-{uuid.uuid4().hex[:8]}", rest.issued(owner="x")
    mine = rest.issued(owner=owner)
    seed(instance, 3000, owner)
    choice = {"filter": {"owner": owner, "status": "issued"}, "reason": "cessationOfOperation"}
    dry = rest.post("/certificates/choose", document("choose", **choice))
    assert dry.status == 200 and dry.attributes["count"] == 3001, dry
    assert len(dry.attributes["sample"]) == 20 and dry.attributes["sample"][0]["id"] == mine["id"]
    assert instance.count("certificate", f"owner = '{owner}' AND status <> 1") == 0
    assert rest.post("/certificates/revoke", document("revoke", **choice)).status == 422
    wrong = rest.post("/certificates/revoke", document("revoke", expected=3000, **choice))
    assert wrong.status == 409 and wrong.error["source"]["pointer"] == "/data/attributes/expected"
    job = wait_for_job(rest, rest.post("/certificates/revoke", document("revoke", expected=3001, **choice)))
    assert job["status"] == "done" and job["done"] == job["total"] == 3001
    assert instance.count("certificate", f"owner = '{owner}' AND status = 2 AND reason = 5") == 3001
    assert instance.count("audit", "action = 'certificate.revoked' AND chain = 'ca.runner'") >= 3001
    assert rest.get(f"/certificates/{one['id']}").attributes["status"] == "issued"
    assert rest.post("/certificates/choose", document("choose", **choice)).attributes["count"] == 0
    files = Files(instance, mine["attributes"], tmp_path)
    wait_for(files.ocsp, "revoked cessationOfOperation")
    wait_for(files.crl_reason, "Cessation Of Operation")


def test_many_by_list_and_condition(new_tenant):
    """In a tenant of few certificates: conditions look at each, for five seconds at most."""
    rest = new_tenant().rest()
    site = uuid.uuid4().hex[:8]
    made = [rest.issued(metadata={"site": site})["id"] for _ in range(4)]
    job = wait_for_job(rest, rest.post("/certificates/revoke", document("revoke", ids=made[:2], reason="certificateHold")))
    assert job["status"] == "done" and job["done"] == 2
    choice = {"condition": f'$.metadata.site == "{site}"'}
    assert rest.post("/certificates/choose", document("choose", reason="removeFromCRL", **choice)).attributes["count"] == 2
    assert rest.post("/certificates/choose", document("choose", reason="certificateHold", **choice)).attributes["count"] == 2
    answer = rest.post("/certificates/revoke", document("revoke", reason="removeFromCRL", expected=2, **choice))
    assert wait_for_job(rest, answer)["done"] == 2
    assert {rest.get(f"/certificates/{i}").attributes["status"] for i in made} == {"issued"}


@pytest.mark.parametrize("choice, pointer", [
    ({}, "ids"), ({"ids": []}, "ids"), ({"ids": ["x"]}, "ids"), ({"ids": ["1"], "filter": {"owner": "x"}}, "ids"), ({"filter": {}}, "filter"),
    ({"filter": {"nothing": "x"}}, "filter"), ({"filter": {"not_after": "2026"}}, "filter"), ({"filter": {"not_after": {"lt": "never"}}}, "filter"),
    ({"filter": {"serial": "xyz"}}, "filter"), ({"condition": "$."}, "condition"), ({"condition": "$.** == 1"}, "condition"),
    ({"ids": ["1"], "reason": "cACompromise"}, "reason")])
def test_choices_that_are_none(rest, choice, pointer):
    answer = rest.post("/certificates/choose", document("choose", **choice))
    assert answer.status == 422 and answer.error["source"]["pointer"] == f"/data/attributes/{pointer}", answer


def test_texts_of_people_stay_texts(instance, rest):
    """Values of a filter never become part of a statement."""
    for value in ("x' OR true --", "x'); DROP TABLE siegel.certificate; --", "\\' OR 1=1", "%", "_", "$1", "x\u2019"):
        for name in ("owner", "common_name", "subject", "profile", "issuer", "names"):
            there = instance.count("certificate", f"{name} = $q${value}$q$") if name in ("owner", "common_name", "subject") else 0
            assert rest.post("/certificates/choose", document("choose", filter={name: value})).attributes["count"] <= there, (name, value)
        assert rest.post("/certificates/choose", document("choose", filter={"metadata": {"a": value}})).attributes["count"] == 0


# ---------------------------------------------------------------- races


@pytest.mark.rows("A12")
def test_one_key_for_one_subject_at_one_instant(instance, rest):
    """Two requests, one key, two subjects: one certificate, whoever is first."""
    rounds, both = 40, []
    keys = [support.new_key() for _ in range(rounds)]

    def ask(i, who, start):
        csr = support.csr_pem(support.new_csr(f"race-{i}-{who}.example", key=keys[i]))
        start.wait()
        both[i][who] = rest.issue(csr=csr, cn=f"race-{i}-{who}.example")

    for i in range(rounds):
        both.append([None, None])
        start = threading.Barrier(2)
        threads = [threading.Thread(target=ask, args=(i, who, start)) for who in (0, 1)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    for answers in both:
        assert sorted(a.status for a in answers) == [201, 422], answers
        assert next(a for a in answers if a.status == 422).error["code"] == "bad_key"
    support.wait_until(lambda: instance.count("intent", "abandoned_at IS NULL") == 0, 2)  # but for what is under way at the moment


# ---------------------------------------------------------------- the store's troubles


@pytest.fixture
def trouble(instance):
    """trouble(table, state, gaps) makes inserts into a table fail with that SQLSTATE, but each gaps-th."""

    def undo():
        for table in ("certificate", "intent", "audit"):
            instance.sql(f"DROP TRIGGER IF EXISTS trouble ON {table}")
        instance.sql("DROP FUNCTION IF EXISTS trouble")
        instance.sql("DROP SEQUENCE IF EXISTS trouble_count")

    def make(table, state, gaps):
        instance.sql("CREATE SEQUENCE trouble_count")
        instance.sql(f"""CREATE FUNCTION trouble() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel AS $$
            BEGIN IF nextval('trouble_count') % {gaps} <> 0 THEN RAISE EXCEPTION 'trouble' USING ERRCODE = '{state}'; END IF;
            RETURN NULL; END $$""")
        instance.sql(f"CREATE TRIGGER trouble BEFORE INSERT ON {table} FOR EACH STATEMENT EXECUTE FUNCTION trouble()")

    undo()
    yield make
    undo()


@pytest.mark.rows("D02")
@pytest.mark.parametrize("table", ["intent", "certificate"])
@pytest.mark.parametrize("state", ["40P01", "40001"])
def test_deadlocks_are_tried_again(instance, rest, trouble, table, state):
    trouble(table, state, 3)
    owner = f"owner-{uuid.uuid4().hex[:8]}"
    for _ in range(4):
        assert rest.issue(owner=owner).status == 201
    assert instance.count("certificate", f"owner = '{owner}'") == 4
    support.wait_until(lambda: instance.count("intent", "abandoned_at IS NULL") == 0, 2)


@pytest.mark.rows("D02")
def test_deadlocks_without_end(instance, rest, trouble):
    """Three more tries, then the client is told to come again."""
    trouble("certificate", "40P01", 1000000)
    answer = rest.issue()
    assert answer.status == 503 and int(answer.headers["retry-after"]) > 0
    assert int(instance.sql("SELECT last_value FROM trouble_count")[0][0]) == 4


@pytest.mark.rows("L04")
def test_no_audit_no_certificate(instance, rest, trouble, tmp_path):
    """Without the audit log nothing is issued or revoked, and OCSP goes on."""
    resource = rest.issued()
    files = Files(instance, resource["attributes"], tmp_path)
    trouble("audit", "53100", 1000000)  # disk full
    before = instance.count("certificate")
    assert rest.issue().status == 503
    for action in ("revoke", "hold"):
        assert rest.post(f"/certificates/{resource['id']}/{action}", document("revocation" if action == "revoke" else action)).status == 503
    assert files.ocsp() == "good"
    assert instance.count("certificate") == before


# ---------------------------------------------------------------- policies on the way


@pytest.fixture
def policy(rest):
    """policy(rules, …) makes one that is enabled; all are deleted at the end."""
    made = []

    def make(rules, **more):
        attributes = {"name": f"p-{uuid.uuid4().hex[:10]}", "enabled": True, "rules": rules, **more}
        answer = rest.post("/policies", document("policies", **attributes))
        assert answer.status == 201, answer
        made.append(answer.data["id"])
        return attributes["name"]

    yield make
    for one in made:
        assert rest.delete(f"/policies/{one}").status == 204


def test_rules_refuse_and_set(rest, policy):
    mark = uuid.uuid4().hex[:8]
    name = policy([{"name": "defaults", "default": {"days": 12, "owner": "by policy", "metadata": {"site": "Ulm"}, "subject": {"O": ["Works"]}}},
                   {"name": "no evil", "refuse": True, "when": '$.names[*] like_regex "evil"', "message": "no evil names here", "pointer": "names"}],
                  condition=f'$.subject.CN[*] like_regex "{mark}"')
    made = rest.issued(cn=f"a-{mark}.example")["attributes"]
    assert made["owner"] == "by policy" and made["metadata"] == {"site": "Ulm"} and "O=Works" in made["subject"] and f"CN=a-{mark}.example" in made["subject"]
    cert = support.load_cert(made["pem"])
    assert 11 <= (support.not_after(cert) - support.not_before(cert)).days <= 12
    said = rest.issued(cn=f"b-{mark}.example", owner="me", metadata={"site": "Bonn"}, cert_days=20, o="Mine")["attributes"]
    assert said["owner"] == "me" and said["metadata"] == {"site": "Bonn"} and "O=Mine" in said["subject"]
    refused = rest.issue(cn=f"evil-{mark}.example")
    assert refused.status == 422 and refused.error["code"] == "policy"
    assert "no evil names here" in refused.error["detail"] and name in refused.error["detail"]
    assert rest.issue(cn=unique()).status == 201


def test_a_policy_holds_from_its_answer_on(rest, policy):
    """No request that is sent after a policy was switched on is judged without it."""
    for _ in range(5):
        mark = uuid.uuid4().hex[:8]
        assert rest.issue(cn=f"{mark}.example").status == 201
        policy([{"name": "all", "refuse": True, "message": "not now"}], condition=f'$.subject.CN[*] like_regex "{mark}"')
        assert rest.issue(cn=f"{mark}.example").status == 422


def test_a_profile_holds_whatever_policies_set(rest, policy):
    mark = uuid.uuid4().hex[:8]
    policy([{"name": "long", "default": {"days": 36500}}], condition=f'$.subject.CN[*] like_regex "{mark}"')
    assert rest.issue(cn=f"{mark}.example").status in (201, 422)
    answer = rest.issue(cn=f"{mark}.example")
    if answer.status == 201:
        cert = support.load_cert(answer.attributes["pem"])
        assert (support.not_after(cert) - support.not_before(cert)).days < 3660


def test_issuing_waits_for_people(instance, rest, policy):
    mark = uuid.uuid4().hex[:8]
    policy([{"name": "four eyes", "approve": {"count": 1, "right": "approvals.decide"}, "message": "somebody else has to look at it"}],
           condition=f'$.subject.CN[*] like_regex "{mark}"')
    assert rest.issue(cn=f"{mark}.example").status == 422  # nothing to find it by
    key = {"Idempotency-Key": uuid.uuid4().hex}
    asked = rest.issue(cn=f"{mark}.example", headers=key)
    assert asked.status == 202 and asked.data["type"] == "approvals" and asked.attributes["status"] == "open", asked
    assert int(asked.headers["retry-after"]) > 0 and asked.headers["location"].endswith(f"/approvals/{asked.data['id']}")
    again = rest.issue(cn=f"{mark}.example", headers=key)
    assert again.status == 202 and again.data["id"] == asked.data["id"]
    assert rest.issue(cn=f"other-{mark}.example", headers=key).status == 409
    assert rest.post(f"/approvals/{asked.data['id']}/approve").status == 403  # one's own
    instance.sql(f"UPDATE approval SET status = 'approved' WHERE id = {asked.data['id']}")
    issued = rest.issue(cn=f"{mark}.example", headers=key)
    assert issued.status == 201 and "private_key_pem" in issued.attributes, issued
    assert rest.issue(cn=f"{mark}.example", headers=key).data["id"] == issued.data["id"]
    assert rest.get(f"/approvals/{asked.data['id']}").attributes["status"] == "done"
    rejected = rest.issue(cn=f"no-{mark}.example", headers={"Idempotency-Key": f"no-{mark}"})
    instance.sql(f"UPDATE approval SET status = 'rejected' WHERE id = {rejected.data['id']}")
    assert rest.issue(cn=f"no-{mark}.example", headers={"Idempotency-Key": f"no-{mark}"}).status == 422


def test_what_was_approved_is_held_against_policies_too(instance, rest, policy):
    """Who approves doesn't see what other rules would say: their values are set all the same, and what is forbidden meanwhile isn't issued."""
    mark, eyes = uuid.uuid4().hex[:8], {"name": "eyes", "approve": {"count": 1, "right": "approvals.decide"}, "message": "somebody else looks"}
    mine = {"condition": f'$.subject.CN[*] like_regex "{mark}"'}
    policy([{"name": "values", "default": {"days": 12, "owner": "by policy", "metadata": {"site": "Ulm"}}},
            {"name": "short", "require": "$.days <= 20", "pointer": "days", "message": "at most 20 days"}, eyes], **mine)
    key = {"Idempotency-Key": f"key-{mark}"}

    def approved(cn, **more):
        asked = rest.issue(cn=cn, **more)
        assert asked.status == 202, asked
        instance.sql(f"UPDATE approval SET status = 'approved' WHERE id = {asked.data['id']}")

    assert rest.issue(cn=f"{mark}.example", cert_days=21, headers=key).status == 422
    approved(f"{mark}.example", headers=key)
    issued = rest.issue(cn=f"{mark}.example", headers=key)
    assert issued.status == 201 and issued.attributes["owner"] == "by policy" and issued.attributes["metadata"] == {"site": "Ulm"}, issued
    cert = support.load_cert(issued.attributes["pem"])
    assert 11 <= (support.not_after(cert) - support.not_before(cert)).days <= 12
    late = {"Idempotency-Key": f"late-{mark}"}
    approved(f"late-{mark}.example", headers=late)
    name = policy([{"name": "over", "require": '!($.subject.CN[*] like_regex "late")', "message": "it is too late"}], **mine)
    refused = rest.issue(cn=f"late-{mark}.example", headers=late)
    assert refused.status == 422 and refused.error["code"] == "policy" and name in refused.error["detail"], refused
    assert instance.count("certificate", f"common_name = 'late-{mark}.example'") == 0


def test_devices_wait_for_people_too(instance, rest, policy):
    """EST: 202 with Retry-After (RFC 7030 4.2.3); the same CSR again gets the certificate."""
    env = support.read_env_file(instance.run / "access.env")
    cn = unique("device")
    policy([{"name": "look", "approve": {"count": 1, "right": "approvals.decide"}, "message": "somebody has to look at it"}],
           condition=f'$.source == "est" && $.subject.CN[*] == "{cn}"')
    csr, who = support.csr_der(support.new_csr(cn)), support.basic(env["SIEGEL_EST_USER"], env["SIEGEL_EST_PASSWORD"])
    for _ in range(2):
        answer = support.est_enroll(instance, csr, authorization=who)
        assert answer.status == 202 and int(answer.headers["retry-after"]) > 0, answer
    waiting = instance.sql(f"SELECT id FROM approval WHERE status = 'open' AND body -> 'subject' -> 'CN' ->> 0 = '{cn}'")
    assert len(waiting) == 1
    instance.sql(f"UPDATE approval SET status = 'approved' WHERE id = {waiting[0][0]}")
    answer = support.est_enroll(instance, csr, authorization=who)
    assert answer.status == 200 and support.pkcs7_certificates(answer.body)


# ---------------------------------------------------------------- jobs


def revoke_many(rest, reason="superseded", status=202, **choice):
    if "ids" not in choice:
        choice["expected"] = rest.post("/certificates/choose", document("choose", reason=reason, **choice)).attributes["count"]
    answer = rest.post("/certificates/revoke", document("revoke", reason=reason, **choice))
    assert answer.status == status, answer
    return answer


def items(rest, answer):
    return {i["attributes"]["object"]: (i["attributes"]["status"], i["attributes"]["detail"])
            for i in rest.get(f"/job_items?filter[job]={answer.data['id']}&page[size]=100").json["data"]}


@pytest.mark.parametrize("bond", ["ca", "profile", None])
def test_many_dont_get_round_policies(instance, rest, policy, bond):
    """What a policy refuses of one, or wants others to look at, isn't done to it by asking for many."""
    owner = f"owner-{uuid.uuid4().hex[:8]}"
    made = {site: rest.issued(owner=owner, metadata={"site": site}) for site in ("Ulm", "Jena", "Bonn")}
    attributes = made["Ulm"]["attributes"]
    name = policy([{"name": "eyes", "when": '$.body.reason == "superseded" && $.certificate.metadata.site == "Ulm"',
                    "approve": {"count": 1, "right": "approvals.decide"}, "message": "look at it"},
                   {"name": "never", "refuse": True, "when": '$.certificate.metadata.site == "Jena" && $.requestor != "x"', "message": "not in Jena"}],
                  operations=["certificate.revoke", "certificate.hold", "certificate.release"],
                  **({bond: attributes["issuer" if bond == "ca" else "profile"]} if bond else {}))
    choice = {"filter": {"owner": owner}}

    def states():
        return {site: rest.get(f"/certificates/{one['id']}").attributes["status"] for site, one in made.items()}

    held = revoke_many(rest, reason="certificateHold", **choice)
    job = wait_for_job(rest, held)
    assert (job["status"], job["done"], job["failed"]) == ("done", 2, 1) and states() == {"Ulm": "held", "Jena": "issued", "Bonn": "held"}
    dry = rest.post("/certificates/choose", document("choose", reason="superseded", **choice)).attributes
    assert (dry["count"], dry["refused"]) == (3, 2)
    answer = revoke_many(rest, **choice)
    job = wait_for_job(rest, answer)
    assert (job["status"], job["total"], job["done"], job["failed"], job["result"]) == ("done", 3, 1, 2, {"changed": 1}), job
    assert states() == {"Ulm": "held", "Jena": "issued", "Bonn": "revoked"}
    assert items(rest, answer) == {f"certificate/{made['Ulm']['id']}": ("failed", f"others have to approve it: look at it (policy {name}, rule eyes)"),
                                   f"certificate/{made['Jena']['id']}": ("failed", f"not in Jena (policy {name}, rule never)")}
    assert wait_for_job(rest, revoke_many(rest, reason="removeFromCRL", **choice))["done"] == 1
    assert wait_for_job(rest, revoke_many(rest, reason="cessationOfOperation", ids=[made["Ulm"]["id"], made["Jena"]["id"]]))["failed"] == 1
    assert states() == {"Ulm": "revoked", "Jena": "issued", "Bonn": "revoked"}
    audited = instance.sql(f"SELECT object FROM audit WHERE action LIKE 'certificate.%' AND object = 'certificate/{made['Jena']['id']}'")
    assert audited == []


def test_many_at_once_and_many_refused(instance, rest, policy):
    """Over several steps: each is done or has an item."""
    owner = f"owner-{uuid.uuid4().hex[:8]}"
    rest.issued(owner=owner)
    seed(instance, 1699, owner)
    instance.sql(f"UPDATE certificate SET metadata = '{{\"site\": \"Jena\"}}' WHERE owner = '{owner}' AND id % 3 = 0")
    jena = instance.count("certificate", f"owner = '{owner}' AND id % 3 = 0")
    policy([{"name": "never", "refuse": True, "when": '$.certificate.metadata.site == "Jena"', "message": "not in Jena"}], operations=["certificate.revoke"])
    answer = revoke_many(rest, filter={"owner": owner})
    job = wait_for_job(rest, answer)
    assert (job["status"], job["done"], job["failed"]) == ("done", 1700 - jena, jena), job
    assert instance.count("certificate", f"owner = '{owner}' AND status = 2 AND id % 3 <> 0") == 1700 - jena
    assert instance.count("certificate", f"owner = '{owner}' AND status = 1 AND id % 3 = 0") == jena
    assert instance.sql(f"SELECT count(*), count(DISTINCT object) FROM job_item WHERE job_id = {answer.data['id']} AND status = 'failed'") == [[str(jena)] * 2]


@pytest.mark.slow
def test_conditions_that_take_long_hold_nobody_up(instance, rest, policy):
    """Certificates at which a condition takes a tenth of a second: the job looks at a few in a step, and other jobs come between."""
    owner = f"owner-{uuid.uuid4().hex[:8]}"
    rest.issued(owner=owner)
    seed(instance, 79, owner)
    instance.sql(f"UPDATE certificate SET subject = repeat('CN=a,', 5000) || repeat('O=b,', 5000) || 'C=DE' WHERE owner = '{owner}'")
    slow = "$.certificate.subject.CN[*] == $.certificate.subject.O[*]"
    policy([{"name": "slow", "refuse": True, "when": slow, "message": "no"}], operations=["certificate.revoke"])
    began = time.monotonic()
    answer = rest.post("/certificates/choose", document("choose", condition=slow.replace("certificate.", "")))
    assert answer.status == 422 and "takes longer" in answer.error["detail"] and time.monotonic() - began < 8 * support.SLOWER, answer
    assert answer.error["source"]["pointer"] == "/data/attributes/condition"
    ids = [i for (i,) in instance.sql(f"SELECT id FROM certificate WHERE owner = '{owner}'")]
    long, began = revoke_many(rest, ids=ids), time.monotonic()
    assert support.wait_until(lambda: rest.get(f"/jobs/{long.data['id']}").attributes["status"] == "running", 10)
    assert wait_for_job(rest, revoke_many(rest, ids=[rest.issued()["id"]]))["done"] == 1
    assert rest.get(f"/jobs/{long.data['id']}").attributes["status"] == "running"
    job = wait_for_job(rest, long, 120)
    assert (job["status"], job["done"], job["failed"]) == ("done", 80, 0), job


@pytest.fixture
def stubborn(instance):
    """stubborn(owner): the store can't change certificates of this owner."""

    def undo():
        instance.sql("DROP TRIGGER IF EXISTS stubborn ON certificate")
        instance.sql("DROP FUNCTION IF EXISTS stubborn")

    def make(owner):
        instance.sql("""CREATE FUNCTION stubborn() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = '53100'; END $$""")
        instance.sql(f"CREATE TRIGGER stubborn BEFORE UPDATE ON certificate FOR EACH ROW WHEN (OLD.owner = '{owner}') EXECUTE FUNCTION stubborn()")

    undo()
    yield make, undo
    undo()


@pytest.mark.slow
def test_a_job_that_fails_for_the_moment_holds_nobody_up(instance, rest, stubborn):
    """It comes again and again after a pause, the others are done meanwhile, it can be cancelled, and is done when the cause has gone."""
    make, undo = stubborn
    owner, many = (f"owner-{uuid.uuid4().hex[:8]}" for _ in range(2))
    bad, worse = (rest.issued(owner=owner) for _ in range(2))
    rest.issued(owner=many)
    seed(instance, 19999, many)
    make(owner)
    before = revoke_many(rest, filter={"owner": many})
    rests, cancelled = (revoke_many(rest, ids=[one["id"]]) for one in (bad, worse))
    after = revoke_many(rest, ids=[rest.issued()["id"]])
    assert wait_for_job(rest, before, 20)["done"] == 20000 and wait_for_job(rest, after, 5)["done"] == 1
    time.sleep(8)  # the pauses are of 1, 2, 4, 8 s by now
    began = time.monotonic()
    assert wait_for_job(rest, revoke_many(rest, ids=[rest.issued()["id"]]))["done"] == 1 and time.monotonic() - began < 5 * support.SLOWER
    assert {rest.get(f"/jobs/{one.data['id']}").attributes["status"] for one in (rests, cancelled)} <= {"queued", "running"}
    assert rest.post(f"/jobs/{cancelled.data['id']}/cancel").status == 200
    wait_for(lambda: rest.get(f"/jobs/{cancelled.data['id']}").attributes["status"], "cancelled", 7)
    assert rest.get(f"/certificates/{worse['id']}").attributes["status"] == "issued"
    undo()
    wait_for(lambda: rest.get(f"/jobs/{rests.data['id']}").attributes["status"], "done", 40)
    assert rest.get(f"/certificates/{bad['id']}").attributes["status"] == "revoked"
    assert rest.get(f"/certificates/{worse['id']}").attributes["status"] == "issued"
