"""EST on labels: what a label says counts there and nowhere else; evidence of every kind against every label."""

import concurrent.futures
import json
import subprocess

import pytest
from cryptography import x509

import est
import labels
import support
from labels import DER, document, expect, issued_by, mark, subject


# ---------------------------------------------------------------- labels themselves


def test_a_label_says_profile_and_ca(instance, rest, label, own_profile, est_account):
    name = own_profile(days=9)
    one = label(profile=name)
    certificate = est.one_certificate(one.ask(support.new_csr(est.unique()), est_account))
    assert issued_by(instance, certificate)[0] == name
    assert (support.not_after(certificate) - support.not_before(certificate)).days in (8, 9)
    # And the default path is as it was.
    other = est.enroll(instance, est_account, support.new_csr(est.unique()))
    assert issued_by(instance, other)[0] == "device"


def test_cacerts_of_a_label(instance, rest, label, second_ca, est_account):
    first, second = label(), label(ca=second_ca["attributes"]["name"])
    assert first.get("cacerts").body == est.get(instance, "cacerts").body
    chain = support.pkcs7_certificates(second.get("cacerts").body)
    assert support.load_cert(second_ca["attributes"]["pem"]) in chain and len(chain) == 2
    certificate = est.one_certificate(second.ask(support.new_csr(est.unique()), est_account))
    assert certificate.issuer == support.load_cert(second_ca["attributes"]["pem"]).subject
    # A label that changes its CA has the other chain at once, not after the time for which one is kept.
    second.change(ca=None)
    support.wait_until(lambda: second.get("cacerts").body == first.get("cacerts").body, 1)
    assert second.get("cacerts", method="HEAD").status == 200
    assert second.get("cacerts", method="POST", body=b"x").headers["allow"] == "GET, HEAD"


@pytest.mark.rows("E07")
def test_labels_that_are_not_there(instance, rest, label, est_account):
    csr = support.new_csr(est.unique())
    one = label()
    for name in ("nothing", mark(), one.name + "x", one.name.upper(), "..", "%2e%2e", one.name + "%2f", "cacerts", "a" * 65):
        for path, kw in ((f"{name}/cacerts", {}), (f"{name}/simpleenroll", {"method": "POST", "body": b"x"})):
            assert est.get(instance, path, **kw).status in (404, 400), path
    est.one_certificate(one.ask(csr, est_account))
    one.change(enabled=False)
    support.wait_until(lambda: one.get("cacerts").status == 404, 1)
    expect(one.ask(csr, est_account), 404, "no such label")
    one.change(enabled=True)
    support.wait_until(lambda: one.get("cacerts").status == 200, 1)
    assert one.delete().status == 204
    support.wait_until(lambda: one.get("cacerts").status == 404, 1)


@pytest.mark.parametrize("attributes, member", [
    ({"name": "cacerts"}, "name"), ({"name": "simpleenroll"}, "name"), ({"name": "fullcmc"}, "name"), ({"name": "Big"}, "name"),
    ({"name": "a/b"}, "name"), ({"name": ".a"}, "name"), ({"name": "a" * 65}, "name"), ({"name": "ä"}, "name"), ({"name": ""}, "name"),
    ({"profile": "nothing"}, "profile"), ({"profile": "root-ca"}, "profile"), ({"profile": "ocsp-signer"}, "profile"), ({"ca": "nothing"}, "ca"),
    ({"auth": []}, "auth"), ({"auth": ["challenge"]}, "auth"), ({"auth": ["none"]}, "auth"), ({"auth": "password"}, "auth"), ({"auth": [1]}, "auth"),
    ({"settings": {"names_from": "all"}}, "settings"), ({"settings": {"unknown": 1}}, "settings"), ({"settings": {"retry_window_sec": 1}}, "settings"),
    ({"anchors": "x", "auth": ["certificate"]}, "anchors"), ({"anchors": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                                                            "auth": ["certificate"]}, "anchors"),
    ({"enabled": "yes"}, "enabled"), ({"challenge": "some challenge"}, "challenge")])
def test_what_a_label_cannot_be(label, attributes, member):
    answer = label(status=422, **attributes).answer
    assert answer.error["source"]["pointer"].startswith(f"/data/attributes/{member}"), answer


@pytest.mark.parametrize("attributes, words", [
    ({"auth": ["password", "challenge"]}, ['"challenge"', "password, code, certificate, both"]),
    ({"settings": {"retry": 1}}, ['"retry"', "names_from, retry_window_sec, key_delivery"]),
    ({"settings": {"names_from": "all"}}, ["serial_number, serial_number_only, same, any"]),
    ({"profile": "nothing"}, ["none of this name", "profile_templates"]),
    ({"profile": "code-signing"}, ["template", "profiles create name=NAME template=code-signing"]),
    ({"name": "Big"}, ["small letters"]),
    ({"anchors": "x", "auth": ["certificate"]}, ["no certificate in it"]),
    ({"anchors": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "auth": ["certificate"]}, ["number 1 can't be read"])])
def test_refusals_say_what_would_do(label, attributes, words):
    detail = label(status=422, **attributes).answer.error["detail"]
    assert all(word in detail for word in words), detail


def test_a_taken_name_is_said_to_be(label):
    one = label()
    detail = label(status=409, name=one.name).answer.error["detail"]
    assert "taken" in detail and "letters" not in detail


def test_a_code_for_two_doors(rest, label):
    made = rest.post("/enrollment_codes", document("enrollment_codes", est_label=label(auth=["code"]).name, scep_profile="x"))
    assert made.status == 422 and "one EST label or one SCEP profile" in made.error["detail"]
    made = rest.post("/enrollment_codes", document("enrollment_codes", names=["a.example"]))
    assert made.status == 422 and 'names: "a.example" has to begin with its kind' in made.error["detail"]


def test_anchors_with_text_between(label, maker):
    """As openssl's -print_certs writes them: text between the blocks is for people (RFC 7468 5.2)."""
    text = "".join(f"subject={c.subject.rfc4514_string()}\nissuer={c.issuer.rfc4514_string()}\n{labels.pem(c)}\n" for c in (maker.root, maker.ca))
    one = label(auth=["certificate"], anchors=text + "the end\n")
    shown = one.rest.get(f"/est_labels/{one.id}").attributes["anchors"]
    assert support.load_pem_chain(shown) == [maker.root, maker.ca]
    key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
    for bad in (key + text, text + key, text + "-----BEGIN CERTIFICATE-----\n", "no block at all\n"):
        assert one.change(status=422, anchors=bad).error["source"]["pointer"] == "/data/attributes/anchors"


@pytest.mark.parametrize("auth, status, there, not_there", [
    (["password"], 401, ["account and its password"], ["code", "certificate"]),
    (["code"], 401, ["one-time code"], ["account", "certificate"]),
    (["password", "certificate"], 401, ["account", "client certificate"], ["one-time code"]),
    (["code", "certificate"], 401, ["one-time code", "client certificate"], ["account"]),
    (["password", "both"], 401, ["account", "certificate with a password or code"], ["one-time code"]),
    (["certificate"], 403, ["client certificate"], ["account", "code"])])
def test_what_is_wanted_is_what_the_label_takes(label, auth, status, there, not_there):
    text = label(auth=auth).ask(support.new_csr(est.unique()), source=support.new_address())
    expect(text, status, *there)
    assert not any(word in text.body.decode() for word in not_there), text.body


def test_anchors_want_an_auth_that_uses_them(label, maker):
    assert label(status=422, anchors=maker.anchors()).answer.error["source"]["pointer"] == "/data/attributes/anchors"
    one = label(auth=["certificate"], anchors=maker.anchors())
    shown = one.rest.get(f"/est_labels/{one.id}").attributes["anchors"]
    assert support.load_pem_chain(shown) == [maker.root, maker.ca]
    many = maker.anchors(*[maker.root] * 17)
    assert one.change(status=422, anchors=many).error["source"]["pointer"] == "/data/attributes/anchors"
    one.change(anchors=None)
    assert not one.rest.get(f"/est_labels/{one.id}").attributes["anchors"]


def test_names_are_of_all_tenants(instance, rest, other_tenant, label):
    """A path has one tenant."""
    one = label()
    assert label(status=409, name=one.name).answer.error["source"]["pointer"] == "/data/attributes/name"
    assert label(rest=other_tenant.rest(), status=409, name=one.name).answer.error["source"]["pointer"] == "/data/attributes/name"


def test_what_a_label_uses_stays(rest, label, own_profile):
    name = own_profile()
    one = label(profile=name)
    number = rest.get(f"/profiles?filter[name]={name}").data[0]["id"]
    answer = rest.delete(f"/profiles/{number}")
    assert answer.status == 409 and one.name in answer.error["detail"]
    assert one.delete().status == 204 and rest.delete(f"/profiles/{number}").status == 204


def test_versions(label):
    one = label()
    version = one.answer.attributes["version"]
    one.change(version=version, enabled=True)
    one.change(status=412, version=version, enabled=False)
    assert one.change(settings={"retry_window_sec": 60}).attributes["settings"] == {"retry_window_sec": 60}


@pytest.mark.rows("R06")
def test_who_may_make_labels_and_codes(default_tenant, label):
    one = label(auth=["code"])
    for role, labels_too, codes_too in (("operator", False, True), ("registration_authority", False, True), ("requestor", False, False),
                                        ("line", False, False), ("auditor", False, False), ("administrator", True, True)):
        client = default_tenant.rest(role)
        made = client.post("/est_labels", document("est_labels", name=mark(), profile="device", auth=["password"]))
        assert made.status == (201 if labels_too else 403), (role, made)
        if labels_too:
            client.delete(f"/est_labels/{made.data['id']}")
        made = client.post("/enrollment_codes", document("enrollment_codes", est_label=one.name))
        assert made.status == (201 if codes_too else 403), (role, made)


def test_one_csr_at_two_labels(label, est_account):
    """Each label is asked for itself: a repetition is one at the same label."""
    one, two = label(), label()
    csr = support.new_csr(est.unique())
    first = est.one_certificate(one.ask(csr, est_account))
    assert est.one_certificate(one.ask(csr, est_account)) == first != est.one_certificate(two.ask(csr, est_account))


@pytest.mark.rows("E07")
def test_a_flood_of_unknown_labels(instance, label):
    """404 for each, and whoever asks at a label that is there is answered meanwhile."""
    one, name = label(), mark("flood")

    def some(_):
        return [est.get(instance, f"{name}/cacerts").status for _ in range(50)]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        flood = [pool.submit(some, n) for n in range(8)]
        assert one.get("cacerts").status == 200
        assert {s for part in flood for s in part.result()} == {404}


def test_a_label_that_is_made_is_there_at_once(instance, label):
    """Also when somebody asked for it just before."""
    name = mark()
    assert est.get(instance, f"{name}/cacerts").status == 404
    one = label(name=name)
    support.wait_until(lambda: one.get("cacerts").status == 200, 0.5, 0.02)


@pytest.mark.parametrize("path, status", [
    ("{label}/.well-known/est/cacerts", 200), ("nothing/.well-known/est/cacerts", 404), ("cacerts/.well-known/est/cacerts", 404),
    ("{label}/.well-known/est/{label}/cacerts", 404), ("api/{label}/.well-known/est/cacerts", 404), ("{label}/.well-known/est/", 404),
    ("../.well-known/est/cacerts", 400), ("{label}/.well-known/est/csrattrs/..", 404)])
def test_the_label_in_front(instance, label, path, status):
    """As strongSwan's pki puts it."""
    one = label()
    answer = support.http_get(f"{instance.url}/{path.format(label=one.name)}", context=instance.tls_context())
    assert answer.status == status or (status == 404 and answer.status == 400), answer
    assert status != 200 or answer.body == one.get("cacerts").body


def test_siegelctl(instance, label, tmp_path):
    """The command line knows labels and codes by itself; what is secret goes into a file."""
    env = {"SIEGEL_URL": instance.url, "SIEGEL_CACERT": instance.cacert, "SIEGEL_TOKEN": instance.token, "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}

    def ctl(*arguments, status=0):
        done = subprocess.run([instance.binary("siegelctl"), *arguments, "--json"], capture_output=True, text=True, env=env, timeout=30)
        assert done.returncode == status, done.stderr
        return json.loads(done.stdout)["data"] if done.stdout.startswith("{") else None

    name = mark()
    made = ctl("est_labels", "create", f"name={name}", "profile=device", 'auth:=["code", "certificate"]')
    assert made["attributes"]["url"] == f"{instance.est_url}/{name}"
    assert [one["id"] for one in ctl("est_labels", "list", "--filter", f"name={name}")] == [made["id"]]
    cn = est.unique()
    code = ctl("enrollment_codes", "create", f"est_label={name}", f"common_name={cn}", "hours:=2", "--out", f"secret={tmp_path}/code")
    secret = (tmp_path / "code").read_text().strip()
    assert len(secret) == 32 and secret not in json.dumps(code) and (tmp_path / "code").stat().st_mode & 0o777 == 0o600
    answer = support.est_enroll(instance, support.csr_der(support.new_csr(cn)), support.basic("any", secret), operation=f"{name}/simpleenroll")
    est.one_certificate(answer)
    assert ctl("enrollment_codes", "show", code["id"])["attributes"]["status"] == "used"
    ctl("est_labels", "update", name, "enabled:=false")
    assert ctl("est_labels", "show", name)["attributes"]["enabled"] is False
    ctl("enrollment_codes", "delete", code["id"])
    ctl("est_labels", "delete", name)
    ctl("est_labels", "show", name, status=1)


@pytest.fixture
def ctl(instance, tmp_path):
    env = {"SIEGEL_URL": instance.url, "SIEGEL_CACERT": instance.cacert, "SIEGEL_TOKEN": instance.token, "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}

    def run(*arguments, status=0):
        done = subprocess.run([instance.binary("siegelctl"), *arguments], capture_output=True, text=True, env=env, timeout=30, cwd=tmp_path)
        assert done.returncode == status, (arguments, done.stdout, done.stderr)
        return done

    return run


def test_siegelctl_takes_plain_values(ctl, label):
    """Numbers, true and false, lists of texts as they are; JSON still is what it says."""
    one = label(auth=["password"])
    ctl("est_labels", "update", one.name, "auth=code,certificate", "enabled=false")
    shown = one.rest.get(f"/est_labels/{one.id}").attributes
    assert shown["auth"] == ["code", "certificate"] and shown["enabled"] is False
    ctl("est_labels", "update", one.name, 'auth=["code"]', "enabled:=true")
    shown = one.rest.get(f"/est_labels/{one.id}").attributes
    assert shown["auth"] == ["code"] and shown["enabled"] is True
    made = json.loads(ctl("enrollment_codes", "create", f"est_label={one.name}", "hours=48", "names=dns:a.example,ip:192.0.2.7", "common_name=7",
                          "--json").stdout)["data"]["attributes"]
    assert set(made["names"]) == {"dns:a.example", "ip:192.0.2.7"} and made["common_name"] == "7"
    for word, text in (("hours=two", "hours wants a whole number"), ("hours=1e3", "hours wants a whole number")):
        assert text in ctl("enrollment_codes", "create", f"est_label={one.name}", word, status=1).stderr
    assert "enabled wants true or false" in ctl("est_labels", "update", one.name, "enabled=yes", status=1).stderr
    assert "settings:=" in ctl("est_labels", "update", one.name, 'settings={"retry_window_sec":60}', status=1).stderr
    assert "hours= " in ctl("enrollment_codes", "--help").stdout and "settings:=" in ctl("est_labels", "--help").stdout


def test_siegelctl_loses_no_secret(ctl, rest, label, tmp_path):
    """What is shown once is there to be seen whatever becomes of --out."""
    name = mark("typo")
    assert "chalenge" in ctl("scep_profiles", "create", f"name={name}", "profile=device", "auth=challenge", "--out", "chalenge=kk", status=2).stderr
    assert not rest.get(f"/scep_profiles?filter[name]={name}").data
    one = label(auth=["code"])
    make = ["enrollment_codes", "create", f"est_label={one.name}"]
    done = ctl(*make, "count=2", "--out", "secret=code", status=1)
    assert "no text secret" in done.stderr and done.stdout.count("  secret ") == 2 and not (tmp_path / "code").exists()
    shown = ctl(*make, "count=3", "--out", "secrets=codes").stdout
    lines = [line.split("\t") for line in (tmp_path / "codes").read_text().splitlines()]
    assert len(lines) == 3 and all(number.isdigit() and len(secret) == 32 and secret not in shown for number, secret in lines)
    assert (tmp_path / "codes").stat().st_mode & 0o777 == 0o600
    number = len(rest.get("/enrollment_codes?page[size]=500&filter[est_label]=" + one.id).data)
    before = (tmp_path / "codes").read_text()
    assert "is there already" in ctl(*make, "--out", "secret=codes", status=1).stderr
    assert "twice" in ctl(*make, "--out", "secret=new", "--out", "status=new", status=2).stderr
    assert (tmp_path / "codes").read_text() == before
    assert len(rest.get("/enrollment_codes?page[size]=500&filter[est_label]=" + one.id).data) == number


def test_siegelctl_shows_what_is_wanted(ctl, rest, label):
    """Ready commands as they are to be pasted; evidence, address and profile in the list; what a code is bound to."""
    one = label(auth=["code"], metadata={"site": "hall 4"})
    commands = rest.get(f"/est_labels/{one.id}").attributes["commands"]
    lines = ctl("est_labels", "show", one.name).stdout.splitlines()
    assert {c for c in commands.values() if c} <= set(lines) and not any('\\"' in line for line in lines)
    assert ["site", "hall", "4"] in [line.split() for line in lines]
    heading, row = ctl("est_labels", "list", "--filter", f"name={one.name}").stdout.splitlines()
    assert {"AUTH", "URL", "PROFILE"} <= set(heading.split()) and {"code", one.answer.attributes["url"]} <= set(row.split())
    made = one.codes().data["id"]
    rows = ctl("enrollment_codes", "list", "--columns", "est_label", "--filter", f"est_label={one.id}").stdout.splitlines()
    assert rows[1].split() == [made, f"est_labels/{one.id}"]
    refused = ctl("enrollment_codes", "list", "--filter", f"est_label={one.name}", status=1).stderr
    assert "wants the id of the est_label" in refused
    assert "mscep_admin" not in ctl("resources").stdout.split() and "est_labels" in ctl("resources").stdout.split()


@pytest.mark.rows("R02", "X05")
def test_tenants_are_apart(instance, rest, other_tenant, label, est_account, tmp_path):
    """The path is public, as any other; accounts, codes, devices and objects of the one are nothing to the other."""
    theirs = label(rest=other_tenant.rest(), auth=["password", "code", "certificate"])
    ours = label(auth=["password", "code", "certificate"])
    own, key, cn = other_tenant.account("requestor", "password"), support.new_key(), est.unique()
    certificate = est.one_certificate(theirs.ask(support.new_csr(cn, key=key), own))
    subjects = [c.subject for c in support.pkcs7_certificates(theirs.get("cacerts").body)]
    assert certificate.issuer in subjects and other_tenant.name in certificate.issuer.rfc4514_string()
    assert not set(subjects) & {c.subject for c in support.pkcs7_certificates(ours.get("cacerts").body)}
    csr = support.new_csr(est.unique())
    expect(theirs.ask(csr, est_account), 403, "another tenant")
    expect(ours.ask(csr, own), 403, "another tenant")
    expect(theirs.ask(csr, ours.code(), source=support.new_address()), 401)
    expect(ours.ask(csr, theirs.code(), source=support.new_address()), 401)
    identity = support.write_identity(tmp_path, certificate, key)
    for operation in ("simpleenroll", "simplereenroll"):
        expect(ours.ask(support.new_csr(cn), identity=identity, operation=operation), 403, "another tenant")
    assert rest.get(f"/est_labels/{theirs.id}").status == 404
    assert rest.delete(f"/est_labels/{theirs.id}").status == 404
    assert rest.post("/enrollment_codes", document("enrollment_codes", est_label=theirs.name)).status == 422
    theirs_ca = other_tenant.rest().get("/cas?filter[name]=issuing").data[0]["id"]
    body = document("est_labels", name=mark(), profile="device", auth=["password"])
    body["data"]["relationships"] = {"ca": {"data": {"type": "cas", "id": theirs_ca}}}
    refused = rest.post("/est_labels", body)
    assert refused.status == 404 and refused.error["source"]["pointer"] == "/data/relationships/ca", refused


def test_who_asks_at_a_disabled_tenants_label(instance, rest, new_tenant, label):
    tenant = new_tenant()
    one, account = label(rest=tenant.rest(), auth=["password", "code"]), tenant.account("requestor", "password")
    code = one.code()
    est.one_certificate(one.ask(support.new_csr(est.unique()), account))
    number = rest.get(f"/tenants?filter[name]={tenant.name}").data[0]["id"]
    body = {"data": {"type": "tenants", "id": number, "attributes": {"enabled": False}}}
    assert rest.patch(f"/tenants/{number}", body).status == 200
    support.wait_until(lambda: one.get("cacerts").status == 404, 1)
    for evidence in (account, code):
        expect(one.ask(support.new_csr(est.unique()), evidence, source=support.new_address()), 404, "no such label")
    body["data"]["attributes"]["enabled"] = True
    assert rest.patch(f"/tenants/{number}", body).status == 200
    support.wait_until(lambda: one.get("cacerts").status == 200, 1)


# ---------------------------------------------------------------- evidence


@pytest.mark.rows("E02")
def test_labels_without_or_with_wrong_evidence(label, est_account, label_device):
    csr = support.new_csr(est.unique())
    for auth in (["password"], ["code"], ["both"], ["password", "code", "certificate", "both"]):
        one = label(auth=auth)
        for account in (None, ("", ""), (est_account[0], ""), (est_account[0], "wrong"), ("nobody", est_account[1])):
            answer = one.ask(csr, account, source=support.new_address())
            assert answer.status == 401 or (auth == ["both"] and answer.status == 403), (auth, account, answer)
            if answer.status == 401:
                assert answer.headers["www-authenticate"].startswith('Basic realm="siegel est"')
    one = label(auth=["certificate"])
    expect(one.ask(csr), 403, "client certificate")
    expect(one.ask(csr, est_account), 403, "client certificate")
    for auth in (["password"], ["code"], ["password", "code"]):
        expect(label(auth=auth).ask(label_device.csr(key=support.new_key()), identity=(label_device.cert_path, label_device.key_path), operation="simplereenroll"),
               403, "certificates aren't taken")


def test_both_are_both(label, est_account, label_device, default_tenant):
    """The account asks, and the certificate says for whom: neither alone, and not for others."""
    one = label(auth=["both"])
    identity = (label_device.cert_path, label_device.key_path)
    est.one_certificate(one.ask(label_device.csr(key=support.new_key()), est_account, identity))
    est.one_certificate(one.ask(label_device.csr(key=support.new_key()), est_account, identity, operation="simplereenroll"))
    expect(one.ask(support.new_csr(est.unique()), est_account, identity), 403, "subject")
    expect(one.ask(label_device.csr(key=support.new_key()), default_tenant.account("auditor", "password"), identity), 403, "auditor")
    expect(one.ask(label_device.csr(key=support.new_key()), (est_account[0], "wrong"), identity, operation="simplereenroll",
                   source=support.new_address()), 401)
    expect(one.ask(label_device.csr(key=support.new_key()), None, identity, operation="simplereenroll"), 401)


def test_both_with_a_code_for_another(label, label_device):
    """Code and certificate have to mean the same."""
    one = label(auth=["both"])
    identity = (label_device.cert_path, label_device.key_path)
    code = one.code(common_name=est.unique())
    expect(one.ask(label_device.csr(key=support.new_key()), code, identity), 403, "common name")
    code = one.code(common_name=label_device.cn, names=[f"dns:{n}" for n in label_device.names])
    est.one_certificate(one.ask(label_device.csr(key=support.new_key()), code, identity))


@pytest.mark.rows("T20")
def test_revoked_at_a_label(instance, rest, label, label_device):
    one = label(auth=["certificate", "both"], anchors=labels.pem(est.issuing_ca(instance)[2]))
    identity = (label_device.cert_path, label_device.key_path)
    est.one_certificate(one.ask(label_device.csr(key=support.new_key()), identity=identity))
    instance.sql(f"UPDATE certificate SET status = 2 WHERE der = '\\x{label_device.certificate.public_bytes(DER).hex()}'")
    # An anchor above our own certificates brings back none that the store says is revoked.
    for operation in ("simpleenroll", "simplereenroll"):
        expect(one.ask(label_device.csr(key=support.new_key()), identity=identity, operation=operation), 403, "revoked")


@pytest.mark.rows("R16")
def test_guessing_codes_is_slowed_down(label):
    one, here = label(auth=["code"]), support.new_address()
    csr = support.new_csr(est.unique())
    answers = [one.ask(csr, ("device", f"guess-{i}"), source=here).status for i in range(12)]
    assert answers == [401] * 10 + [429] * 2


# ---------------------------------------------------------------- junk, on a label as elsewhere


@pytest.mark.rows("E05")
@pytest.mark.parametrize("body", [b"", b"!", b"\r\n" * 1000, b"M" * 101, b"MIIB====", b"-----BEGIN CERTIFICATE REQUEST-----\nx\n-----END CERTIFICATE REQUEST-----\n"])
def test_junk_at_a_label(instance, label, est_account, body):
    one = label()
    answer = support.est_enroll(instance, b"", authorization=support.basic(*est_account), operation=f"{one.name}/simpleenroll", body=body)
    expect(answer, 400 if body != b"M" * 101 else answer.status)
    assert answer.status in (400, 422)


@pytest.mark.rows("E04")
def test_channel_binding_at_a_label(label, est_account):
    key = support.new_key()
    csr = (x509.CertificateSigningRequestBuilder().subject_name(support.new_name(est.unique()))
           .add_attribute(x509.oid.AttributeOID.CHALLENGE_PASSWORD, b"dGxzLXVuaXF1ZQ==").sign(key, support.signing_hash(key)))
    expect(label().ask(csr, est_account), 422, "challengePassword")


@pytest.mark.rows("E01")
@pytest.mark.parametrize("operation", ["simpleenroll", "simplereenroll"])
def test_another_identity_at_a_label(label, label_device, operation):
    one = label(auth=["certificate"])
    identity, own = (label_device.cert_path, label_device.key_path), label_device.names[0]
    for cn, names in ((est.unique(), [own]), (label_device.cn, []), (label_device.cn, [own, est.unique()])):
        expect(one.ask(label_device.csr(key=support.new_key(), cn=cn, names=names), identity=identity, operation=operation), 403, "must be")
    est.one_certificate(one.ask(label_device.csr(key=support.new_key()), identity=identity, operation=operation))


def test_audit(instance, rest, label):
    one = label(auth=["code"])
    made = one.codes(common_name="d.example")
    one.change(enabled=False)
    rest.delete(f"/enrollment_codes/{made.data['id']}")
    one.delete()
    actions = instance.sql(f"SELECT action FROM audit WHERE object IN ('est_label/{one.id}', 'enrollment_code/{made.data['id']}') ORDER BY chain, seq")
    assert [a[0] for a in actions] == ["est_label.created", "enrollment_code.created", "est_label.changed", "enrollment_code.revoked", "est_label.deleted"]
    assert made.attributes["secret"] not in json.dumps(instance.sql("SELECT detail FROM audit WHERE action LIKE 'enrollment_code%'"))
