"""Profiles over REST: templates, what is issued by them, changes, and the ceilings that nobody configures away."""

import concurrent.futures
import json
import pathlib
import subprocess
import time
import uuid

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

import support
from attestation import PERMANENT_IDENTIFIER, PermanentIdentifier, permanent

SOURCE = pathlib.Path(__file__).resolve().parents[2] / "ca" / "profiles"
TEMPLATES = {p.stem: json.loads(p.read_text()) for p in SOURCE.glob("*.json")}
NAMES = {"dns": "h-{}.example.com", "ip": "192.0.2.7", "email": "a.b@example.com", "uri": "urn:example:{}", "upn": "u-{}@example.com",
         "hardware": "1.3.6.1.4.1.99999.7:0a1b", "rid": "1.3.6.1.4.1.99999.8",
         "permanent-identifier": "A-{}/1.3.6.1.4.1.99999"}
SUBJECT = {"CN": ("cn", "h-{}.example.com"), "O": ("o", "Example"), "C": ("c", "DE"), "serialNumber": ("serial_number", "A-{}")}
LEAF = {"days": 30, "max_days": 90, "keys": ["p256"], "key_usage": ["digitalSignature"], "extended_key_usage": ["serverAuth"],
        "subject_required": ["CN"], "subject_allowed": ["CN", "O"], "names_allowed": ["dns"]}

# Where all profiles are read in 26 ms, the next reading is at most half a second away and the first request waits for it. A loaded machine takes longer to
# read, and a request that would have to wait for longer is told what was known; the reading of its own accord comes after half a minute.
SILENCE_SEC = 2


def unique():
    return uuid.uuid4().hex[:10]


def document(**attributes):
    return {"data": {"type": "profiles", "attributes": attributes}}


def change(profile_id, **attributes):
    return {"data": {"type": "profiles", "id": profile_id, "attributes": attributes}}


@pytest.fixture
def make(rest):
    """make(…) gives a new profile of these attributes; those that were never used go at the end."""
    made = []

    def one(**attributes):
        answer = rest.post("/profiles", document(name=f"p-{unique()}", **attributes))
        assert answer.status == 201, answer
        made.append(answer.data)
        return answer.data

    yield one
    for profile in made:
        assert rest.delete(f"/profiles/{profile['id']}").status in (204, 404, 409)


def test_templates(rest):
    found = {m["id"]: m["attributes"] for m in rest.get("/profile_templates?page[size]=100").data}
    assert {n: {**t, "name": n} for n, t in TEMPLATES.items()} == found
    assert rest.get("/profile_templates/opcua").data["attributes"]["title_de"] == "OPC-UA-Anwendung"
    assert rest.get("/profile_templates/nothing").status == 404
    assert rest.post("/profile_templates", document(name="x")).status == 405


@pytest.mark.parametrize("template", sorted(n for n, t in TEMPLATES.items() if not t["definition"].get("internal")))
def test_issue_by_template(rest, make, template):
    """A profile from the template, and a certificate of it with a key of the appliance or of a CSR."""
    definition, mark = TEMPLATES[template]["definition"], unique()
    profile = make(template=template)
    assert profile["attributes"]["definition"] == definition and profile["attributes"]["title"] == TEMPLATES[template]["title"]
    attributes = dict((a, v.format(mark)) for t, (a, v) in SUBJECT.items() if t in definition["subject_allowed"])
    names = {kind: NAMES[kind].format(mark) for kind in definition.get("names_allowed", [])}
    attributes |= {kind.replace("-", "_"): [name] for kind, name in names.items()}
    issued = rest.issue(TEMPLATES[template]["kind"] if TEMPLATES[template]["kind"] != "certificate" else "cert_server",
                        profile=profile["attributes"]["name"], **attributes)
    assert issued.status == 201, issued
    certificate = support.load_cert(issued.attributes["pem"])
    assert set(issued.attributes["names"]) == {f"{kind}:{name}" for kind, name in names.items()}
    assert ("9999" in issued.attributes["not_after"]) == (template == "idevid")
    assert len(certificate.extensions) >= 7
    used = rest.delete(f"/profiles/{profile['id']}")
    assert used.status == 409 and "certificates" in used.error["detail"]


def test_template_with_changes(rest, make):
    profile = make(template="opcua", title="Steuerungen", definition={
        "subject_fixed": {"O": "Example AG"}, "names_within": {"dns": ["plant.example.com"], "uri": ["urn:example:"]}, "key_reuse": None})
    definition = profile["attributes"]["definition"]
    assert definition["subject_fixed"] == {"O": "Example AG"} and "key_reuse" not in definition and definition["days"] == 730
    name = profile["attributes"]["name"]
    good = rest.issue("cert_device", profile=name, cn="plc 1", uri=["urn:example:plc:1"], dns=["plc1.plant.example.com"])
    assert good.status == 201, good
    subject = support.load_cert(good.attributes["pem"]).subject
    assert subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value == "Example AG"
    for attributes, pointer in [({"o": "Evil"}, "/data/attributes/o"), ({"dns": ["plc1.example.com"]}, "/data/attributes/dns/0"),
                                ({"uri": ["urn:other:1"]}, "/data/attributes/uri/0"), ({"uri": ["urn:example:1", "urn:example:2"]}, "/data/attributes/uri/1")]:
        bad = rest.issue("cert_device", profile=name, **{"cn": "plc", "uri": ["urn:example:plc:1"], **attributes})
        assert bad.status == 422 and bad.error["source"]["pointer"] == pointer, bad


def test_versions(rest, make):
    profile = make(kind="cert_server", definition=LEAF)
    path, version = f"/profiles/{profile['id']}", profile["attributes"]["version"]
    longer = {**LEAF, "days": 60}
    changed = rest.patch(path, change(profile["id"], definition=longer, version=version))
    assert changed.status == 200 and changed.attributes["version"] == version + 1 and changed.attributes["definition"] == longer
    stale = rest.patch(path, change(profile["id"], definition=LEAF, version=version))
    assert stale.status == 412, stale
    assert rest.get(path).attributes["definition"] == longer
    issued = rest.issue("cert_server", profile=profile["attributes"]["name"], cn="a.example.com", dns=["a.example.com"])
    days = (support.not_after(support.load_cert(issued.attributes["pem"])) - support.not_before(support.load_cert(issued.attributes["pem"]))).days
    assert days == 59  # the last second counts
    owner = rest.patch(path, change(profile["id"], owner="line 7", metadata={"cost_center": "4711"}))
    assert owner.attributes["owner"] == "line 7" and owner.attributes["definition"] == longer
    off = rest.patch(path, change(profile["id"], definition={**longer, "disabled": True}))
    assert off.status == 200
    refused = rest.issue("cert_server", profile=profile["attributes"]["name"], cn="b.example.com", dns=["b.example.com"])
    assert refused.status == 422 and refused.error["source"]["pointer"] == "/data/attributes/profile"


def test_delete(rest, make):
    profile = make(kind="cert_server", definition=LEAF)
    assert rest.delete(f"/profiles/{profile['id']}").status == 204
    assert rest.get(f"/profiles/{profile['id']}").status == 404
    own = {m["attributes"]["name"]: m["id"] for m in rest.get("/profiles?page[size]=500").data}
    for name in ("root-ca", "sub-ca", "ocsp-signer"):
        assert rest.delete(f"/profiles/{own[name]}").status == 409
    nature = rest.get(f"/profiles/{own['sub-ca']}").attributes["definition"]
    assert rest.patch(f"/profiles/{own['sub-ca']}", change(own["sub-ca"], definition=LEAF)).status == 409
    assert rest.get(f"/profiles/{own['sub-ca']}").attributes["definition"] == nature


CEILINGS = [
    ({"days": 36500, "max_days": 36500}, "max_days"),                       # a hundred years
    ({"digest": "sha1"}, "digest"),
    ({"keys": ["rsa1024"]}, "keys"),
    ({"ca": True}, "ca"),                                                   # CA:TRUE for clients
    ({"key_usage": ["digitalSignature", "keyCertSign"]}, "key_usage"),
    ({"extended_key_usage": ["anyExtendedKeyUsage"]}, "extended_key_usage"),
    ({"extended_key_usage": ["2.5.29.37.0"]}, "extended_key_usage"),
    ({"extended_key_usage": ["1.3.6.1.4.1.311.20.2.1"]}, "extended_key_usage"),  # enrolment agent
    ({"extended_key_usage": []}, "extended_key_usage"),                     # good for anything
    ({"extended_key_usage": ["OCSPSigning"]}, "extended_key_usage"),
    ({"extensions": [{"oid": "2.5.29.19", "critical": True, "value": "30030101ff"}]}, "extensions"),
    ({"no_expiry": True}, "no_expiry"),
    ({"path_length": 3}, "path_length"),
    ({"colour": "red"}, "colour"),
]


@pytest.mark.rows("X05")
@pytest.mark.parametrize("over,member", CEILINGS, ids=[f"{m}-{i}" for i, (_, m) in enumerate(CEILINGS)])
def test_ceilings(rest, make, over, member):
    """Refused at save with the member at fault, whether it is new or changed, and nothing of it stays."""
    name, definition = f"p-{unique()}", {**LEAF, **over}
    pointer = f"/data/attributes/definition/{member}"
    new = rest.post("/profiles", document(name=name, kind="cert_server", definition=definition))
    assert new.status == 422 and new.error["source"]["pointer"] == pointer, new
    assert name not in {m["attributes"]["name"] for m in rest.get("/profiles?page[size]=500").data}
    profile = make(kind="cert_server", definition=LEAF)
    changed = rest.patch(f"/profiles/{profile['id']}", change(profile["id"], definition=definition))
    assert changed.status == 422 and changed.error["source"]["pointer"] == pointer, changed
    assert rest.get(f"/profiles/{profile['id']}").attributes == profile["attributes"]
    from_template = rest.post("/profiles", document(name=name, template="server", definition=over))
    assert from_template.status == 422 and from_template.error["source"]["pointer"] == pointer, from_template


def test_bad_documents(rest, make):
    taken = make(kind="cert_server", definition=LEAF)["attributes"]["name"]
    for attributes, status, pointer in [
            ({"name": taken, "kind": "cert_server", "definition": LEAF}, 409, "name"), ({"kind": "cert_server", "definition": LEAF}, 422, "name"),
            ({"name": f"p-{unique()}", "definition": LEAF}, 422, "kind"), ({"name": f"p-{unique()}", "kind": "cert_server"}, 422, "definition"),
            ({"name": f"p-{unique()}", "template": "nothing"}, 422, "template"),
            ({"name": f"p-{unique()}", "kind": "cert_queen", "definition": LEAF}, 422, "kind"),
            ({"name": "../x", "kind": "cert_server", "definition": LEAF}, 422, "name"),
            ({"name": f"p-{unique()}", "kind": "cert_server", "definition": [LEAF]}, 422, "definition"),
            ({"name": f"p-{unique()}", "kind": "cert_server", "definition": LEAF, "version": 3}, 422, "version")]:
        answer = rest.post("/profiles", document(**attributes))
        assert answer.status in (status, 409 if pointer == "name" else status), (attributes, answer)
        assert answer.error["source"]["pointer"] == f"/data/attributes/{pointer}", (attributes, answer)


def test_rights(instance, rest, make, default_tenant, other_tenant):
    profile = make(kind="cert_server", definition=LEAF)
    path = f"/profiles/{profile['id']}"
    for role in ("operator", "auditor", "requestor"):
        client = default_tenant.rest(role)
        assert client.post("/profiles", document(name=f"p-{unique()}", kind="cert_server", definition=LEAF)).status == 403
        assert client.patch(path, change(profile["id"], title="x")).status == 403
        assert client.delete(path).status == 403
    stranger = other_tenant.rest()
    assert stranger.get(path).status == 404
    assert stranger.patch(path, change(profile["id"], title="x")).status == 404
    assert stranger.delete(path).status == 404
    assert rest.get(path).attributes == profile["attributes"]


def csr_with_names(mark, names):
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"u-{mark}")]))
    return support.csr_pem(builder.add_extension(x509.SubjectAlternativeName(names), critical=False).sign(key, support.signing_hash(key)))


UPN = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")


def upn(name):
    return x509.OtherName(UPN, bytes([0x0c, len(name)]) + name.encode())


@pytest.mark.rows("A15")
def test_user_principal_names(rest, make):
    """A UPN is taken by profiles that say so alone, and only within their domain (ESC1, ESC6)."""
    mark = unique()
    request = csr_with_names(mark, [upn("administrator@ad.example")])
    for profile in ("server", "client", "device"):
        answer = rest.issue(f"cert_{profile}", csr=request)
        assert answer.status == 422 and answer.error["source"]["pointer"] == "/data/attributes/csr", answer
    profile = make(template="8021x-user", definition={"names_within": {"upn": ["example.com"], "email": ["example.com"]}})["attributes"]["name"]
    assert rest.issue("cert_client", profile=profile, csr=request).status == 422
    assert rest.issue("cert_client", profile=profile, cn="a", upn=["administrator@ad.example"]).status == 422
    assert rest.issue("cert_client", profile=profile, cn="a", upn=["a@example.com", "b@example.com"]).status == 422
    good = rest.issue("cert_client", profile=profile, csr=csr_with_names(mark, [upn(f"u-{mark}@example.com")]))
    assert good.status == 201 and good.attributes["names"] == [f"upn:u-{mark}@example.com"], good
    names = support.load_cert(good.attributes["pem"]).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [(n.type_id, n.value[2:]) for n in names] == [(UPN, f"u-{mark}@example.com".encode())]


def permanent_identifiers(pem):
    names = support.load_cert(pem).extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.OtherName)
    assert all(n.type_id == PERMANENT_IDENTIFIER for n in names)
    return [(p["identifier_value"].native, p["assigner"].native) for p in (PermanentIdentifier.load(n.value, strict=True) for n in names)]


def test_permanent_identifiers(rest, make):
    """RFC 4043, asked for by attributes and by a CSR: written so that others read it, within what the profile says, and never bent."""
    mark = unique()
    definition = {**LEAF, "extended_key_usage": ["clientAuth"], "names_allowed": ["permanent-identifier"]}
    name = make(kind="cert_device", definition=definition)["attributes"]["name"]
    both = [f"A-{mark}", f"Gerät {mark}/1.3.6.1.4.1.99999.3"]
    wanted = [(f"A-{mark}", None), (f"Gerät {mark}", "1.3.6.1.4.1.99999.3")]
    made = rest.issue("cert_device", profile=name, cn="a", permanent_identifier=both)
    assert made.status == 201 and made.attributes["names"] == [f"permanent-identifier:{b}" for b in both], made
    assert permanent_identifiers(made.attributes["pem"]) == wanted
    made = rest.issue("cert_device", profile=name, csr=csr_with_names(mark, [permanent(*w) for w in wanted]))
    assert made.status == 201 and made.attributes["names"] == [f"permanent-identifier:{b}" for b in both], made
    assert permanent_identifiers(made.attributes["pem"]) == wanted
    for bad in (permanent(None, "1.2.3"), permanent("a/1.2.3"), permanent("a/b", "1.2.3"), permanent("a\0b"), permanent("")):
        answer = rest.issue("cert_device", profile=name, csr=csr_with_names(mark, [bad]))
        assert answer.status == 422 and answer.error["source"]["pointer"] == "/data/attributes/csr", answer
    for bad in ("a/b", "a/", "/1.2.3", "a/1.2.03", "a/1.2.3/1.2.3"):
        answer = rest.issue("cert_device", profile=name, cn="a", permanent_identifier=[bad])
        assert answer.status == 422 and answer.error["source"]["pointer"] == "/data/attributes/permanent_identifier/0", answer
    assert rest.issue("cert_device", csr=csr_with_names(mark, [permanent(mark)])).status == 422  # a profile that doesn't say so
    within = {**definition, "names_within": {"permanent-identifier": ["1.3.6.1.4.1.99999"]}}
    name = make(kind="cert_device", definition=within)["attributes"]["name"]
    assert rest.issue("cert_device", profile=name, cn="a", permanent_identifier=[both[1]]).status == 201
    for outside in (both[0], f"{mark}/1.3.6.1.4.1.999990", f"{mark}/1.3.6.1.4.1"):
        assert rest.issue("cert_device", profile=name, cn="a", permanent_identifier=[outside]).status == 422


@pytest.mark.rows("A19")
def test_short_and_endless(rest, make):
    profile = make(template="server-short", definition={"hours": None, "minutes": 15, "max_hours": 4})["attributes"]["name"]
    made = support.load_cert(rest.issued("cert_server", profile=profile, dns=["a.example.com"])["attributes"]["pem"])
    assert (support.not_after(made) - support.not_before(made)).total_seconds() == 15 * 60 - 1
    assert rest.issue("cert_server", profile=profile, dns=["a.example.com"], cert_days=1).status == 422
    profile = make(template="idevid")["attributes"]["name"]
    made = rest.issued("cert_device", profile=profile, serial_number=f"A-{unique()}")
    end = subprocess.run(["openssl", "x509", "-noout", "-enddate"], input=made["attributes"]["pem"], capture_output=True, text=True, check=True)
    assert end.stdout.strip() == "notAfter=Dec 31 23:59:59 9999 GMT"
    assert made["attributes"]["not_after"] == "9999-12-31T23:59:59Z"
    assert rest.issue("cert_device", profile=profile, serial_number="A-1", cert_days=30).status == 422


def test_key_origin(rest, make):
    ours = make(kind="cert_server", definition={**LEAF, "key_origin": "appliance"})["attributes"]["name"]
    theirs = make(kind="cert_server", definition={**LEAF, "key_origin": "client"})["attributes"]["name"]
    request = support.csr_pem(support.new_csr("a.example.com", key=ec.generate_private_key(ec.SECP256R1())))
    assert rest.issue("cert_server", profile=ours, csr=request).error["source"]["pointer"] == "/data/attributes/csr"
    assert rest.issue("cert_server", profile=theirs, cn="a.example.com").status == 422
    assert rest.issue("cert_server", profile=theirs, csr=request).status == 201
    big = rsa.generate_private_key(65537, 2048)
    assert rest.issue("cert_server", profile=theirs, csr=support.csr_pem(support.new_csr("a.example.com", key=big))).status == 422


def test_audit(instance, rest, make):
    profile = make(kind="cert_server", definition=LEAF)
    rest.patch(f"/profiles/{profile['id']}", change(profile["id"], definition={**LEAF, "days": 31}))
    rest.delete(f"/profiles/{profile['id']}")
    rows = instance.sql(f"SELECT action, detail::json->>'name' FROM siegel.audit WHERE object = 'profile/{profile['id']}' ORDER BY seq")
    assert [r[0] for r in rows] == ["profile.created", "profile.changed", "profile.deleted"]
    assert {r[1] for r in rows} == {profile["attributes"]["name"]}


def test_name_constraints(instance, rest, make, tmp_path):
    """A CA that its certificate binds to a domain: what lies outside is refused before it is signed, what lies inside verifies."""
    profile = make(template="sub-ca-domain", definition={"name_constraints": {
        "permitted": {"dns": ["plant.example"], "email": ["plant.example"]}, "excluded": {"dns": ["secret.plant.example"], "ip": ["0.0.0.0/0", "::/0"]}}})
    name = f"d-{unique()}"
    made = rest.post("/cas", {"data": {"type": "cas", "attributes": {
        "name": name, "subject": [["CN", f"Plant {name}"]], "parent": "root", "profile": profile["attributes"]["name"], "key_type": "p256"}}})
    assert made.status == 201, made
    constraints = support.load_cert(made.attributes["pem"]).extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical and x509.DNSName("plant.example") in constraints.value.permitted_subtrees
    for names in ({"dns": ["a.example.com"]}, {"dns": ["notplant.example"]}, {"dns": ["x.secret.plant.example"]}, {"dns": ["*.plant.example"]},
                  {"dns": ["a.plant.example"], "ip": ["10.0.0.1"]}):
        answer = rest.issue("cert_server", ca=name, cn="host", **names)
        assert answer.status == 422 and "name constraints" in answer.error["detail"], answer
    good = rest.issue("cert_server", ca=name, cn="a.plant.example", dns=["a.plant.example", "*.b.plant.example"])
    assert good.status == 201, good
    (tmp_path / "leaf.pem").write_text(good.attributes["pem"])
    (tmp_path / "chain.pem").write_text(good.attributes["chain_pem"])
    root = next(m for m in rest.get("/cas?page[size]=500").data if m["attributes"]["name"] == "root")
    (tmp_path / "root.pem").write_text(root["attributes"]["pem"])
    done = subprocess.run(["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", tmp_path / "root.pem", "-untrusted",
                           tmp_path / "chain.pem", tmp_path / "leaf.pem"], capture_output=True, text=True)
    assert done.returncode == 0, done
    assert rest.delete(f"/profiles/{profile['id']}").status == 409  # the CA rests on it


# ---------------------------------------------------------------- names that aren't known


def copy_in_silence(instance, model, name):
    """A profile as another one, of which no process is told."""
    instance.sql(f"""BEGIN; ALTER TABLE profile DISABLE TRIGGER USER;
        INSERT INTO profile (tenant_id, name, kind, title, definition) SELECT tenant_id, '{name}', kind, title, definition FROM profile WHERE id = {model['id']};
        ALTER TABLE profile ENABLE TRIGGER USER; COMMIT""")


def issued_or_waited(ask):
    """Whether it is answered by 201. An engine that has read all just before waits half a second (NAMES_WAIT_US) for what it hasn't read yet; then, and not
    at once, it says no."""
    begun = time.monotonic()
    issued = ask().status == 201
    assert issued or time.monotonic() - begun >= 0.5
    return issued


def test_a_name_of_this_instant_is_known(instance, rest, make):
    model, name = make(kind="cert_server", definition=LEAF), f"p-{unique()}"
    for _ in range(8):  # whoever answers has read all profiles just now
        assert rest.issue("cert_server", cn="a.example", profile=f"none-{unique()}").status == 404
    copy_in_silence(instance, model, name)
    try:
        support.wait_until(lambda: issued_or_waited(lambda: rest.issue("cert_server", cn=f"{unique()}.example", profile=name)), SILENCE_SEC)
    finally:
        instance.sql(f"UPDATE profile SET name = '{name}-x' WHERE name = '{name}'")


@pytest.mark.parametrize("what", ["profile", "ca"])
def test_what_is_enabled_this_instant_issues(instance, rest, make, what):
    """Disabled when it was read, and enabled since without a notice: as when the notice is still on its way."""
    if what == "profile":
        resource = make(kind="cert_server", definition=LEAF)
        asks = {"profile": resource["attributes"]["name"]}
    else:
        name = f"c-{unique()}"
        answer = rest.post("/cas", {"data": {"type": "cas", "attributes": {"name": name, "subject": [["CN", name]], "key_type": "p256", "key_store": "file",
                                                                           "parent": "root"}}})
        assert answer.status == 201, answer
        resource, asks = answer.data, {"ca": name}

    def in_silence(change):
        instance.sql(f"BEGIN; ALTER TABLE {what} DISABLE TRIGGER USER; UPDATE {what} SET {change} WHERE id = {resource['id']};"
                     f" ALTER TABLE {what} ENABLE TRIGGER USER; COMMIT")

    disabled, enabled = "status = 'disabled'", "status = 'active', changed_xid = pg_current_xact_id()"
    if what == "profile":
        disabled, enabled = """definition = jsonb_set(definition::jsonb, '{disabled}', 'true')""", """definition = definition::jsonb - 'disabled'"""
    instance.sql(f"UPDATE {what} SET {disabled} WHERE id = {resource['id']}")
    statuses = lambda: {rest.issue("cert_server", cn=f"{unique()}.example", **asks).status for _ in range(8)}  # noqa: E731
    support.wait_until(lambda: 201 not in statuses(), 10)
    in_silence(enabled)
    support.wait_until(lambda: issued_or_waited(lambda: rest.issue("cert_server", cn=f"{unique()}.example", **asks)), SILENCE_SEC)


def test_names_that_are_not_known_make_nobody_read_all_the_time(instance, rest):
    """All profiles are read by one scan, of the index when there are many: of these there are fewer than requests, and no more than the pauses let
    through."""
    reads = "SELECT seq_scan + idx_scan FROM pg_stat_user_tables WHERE schemaname = 'siegel' AND relname = 'profile'"
    time.sleep(1.2)  # PostgreSQL adds up once a second
    before, begun = int(instance.sql(reads)[0][0]), time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: rest.issue("cert_server", cn="a.example", profile=f"none-{unique()}").status, range(400)))
    took = time.monotonic() - begun
    assert set(answers) == {404}
    support.wait_until(lambda: int(instance.sql(reads)[0][0]) > before, 11)  # who says nothing more adds up once in ten
    time.sleep(1.2)
    found, workers = int(instance.sql(reads)[0][0]) - before, len(instance.processes()["siegel-ca"])
    print(f"{found} reads in {took:.2f} s")
    assert 0 < found < workers * (took + 1.5) / 0.02


def test_slow_reading_keeps_nobody_waiting(instance, rest):
    """Where reading all profiles took long, the next reading is far off: a name that isn't known is said to be so before."""
    ask = lambda _: rest.issue("cert_server", cn="a.example", profile=f"none-{unique()}")  # noqa: E731
    with concurrent.futures.ThreadPoolExecutor(17) as pool:
        held = pool.submit(instance.sql, "BEGIN; LOCK TABLE profile IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(1); COMMIT")
        time.sleep(0.3)
        list(pool.map(ask, range(16)))  # each worker reads, and waits for that
        held.result()
        begun = time.monotonic()
        answers = list(pool.map(ask, range(16)))
    assert {a.status for a in answers} == {404}, answers
    assert time.monotonic() - begun < 2.5 * support.SLOWER
