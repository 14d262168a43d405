"""EST on labels: what a label says counts there and nowhere else. Evidence of every kind against every label, codes, manufacturers' certificates,
registration authorities, renewal after the end, requests that wait for people."""

import concurrent.futures
import json
import subprocess
import uuid

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

import est
import labels
import support
from labels import CLIENT, DER, PEM, SERVER, csr_of, document, mark, subject


@pytest.fixture
def label(instance, rest):
    """label(profile=…, auth=[…], …) makes one; all go at the end."""
    made = []

    def make(rest=rest, **attributes):
        made.append(labels.Label(instance, rest, **attributes))
        return made[-1]

    yield make
    for one in made:
        if one.id:
            one.delete()


@pytest.fixture
def profile(rest):
    """profile(template, **definition) makes one, gives its name; it is deleted at the end if nothing was issued by it."""
    made = []

    def make(template="device", **definition):
        answer = rest.post("/profiles", document("profiles", name=mark("p"), template=template, definition=definition))
        assert answer.status == 201, answer
        made.append(answer.data["id"])
        return answer.attributes["name"]

    yield make
    for one in made:
        rest.delete(f"/profiles/{one}")


@pytest.fixture
def maker(tmp_path):
    return labels.Manufacturer(tmp_path)


@pytest.fixture
def device(instance, est_account, tmp_path):
    return est.Device(instance, est_account, tmp_path, names=[est.unique("name")])


def expect(answer, status, *words):
    assert answer.status == status, answer
    assert answer.headers["content-type"].startswith("text/plain")
    for word in words:
        assert word in answer.body.decode(), answer


def issued_by(instance, certificate):
    """Profile, source, requestor and audit rows of a certificate of the store."""
    der = certificate.public_bytes(DER).hex()
    return instance.sql("SELECT p.name, x.source, x.requestor, x.id FROM certificate x JOIN profile p ON p.id = x.profile_id "
                        f"WHERE x.der = '\\x{der}'")[0]


# ---------------------------------------------------------------- labels themselves


def test_a_label_says_profile_and_ca(instance, rest, label, profile, est_account):
    name = profile(days=9)
    one = label(profile=name)
    certificate = est.one_certificate(one.ask(support.new_csr(est.unique()), est_account))
    assert issued_by(instance, certificate)[0] == name
    assert (support.not_after(certificate) - support.not_before(certificate)).days in (8, 9)
    # And the default path is as it was.
    other = est.enroll(instance, est_account, support.new_csr(est.unique()))
    assert issued_by(instance, other)[0] == "device"


@pytest.fixture(scope="module")
def second_ca(rest):
    """Another issuing CA of the default tenant, below the same root."""
    root = rest.get("/cas?filter[name]=root").data[0]
    name = mark("second")
    answer = rest.post("/cas", {"data": {"type": "cas", "attributes": {"name": name, "subject": [["CN", name]], "key_type": "p256", "profile": "sub-ca"},
                                         "relationships": {"parent": {"data": {"type": "cas", "id": root["id"]}}}}})
    assert answer.status == 201, answer
    return answer.data


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


@pytest.mark.rows("E07")
def test_a_flood_of_unknown_labels(instance, rest):
    """They are kept in memory as well: the store isn't asked for each."""
    calls = "SELECT coalesce(sum(calls), 0) FROM pg_stat_user_functions WHERE funcname = 'endpoint_find'"
    name = mark("flood")

    def some(_):
        return [est.get(instance, f"{name}/cacerts").status for _ in range(25)]

    before = instance.sql("SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()")[0][0]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert {s for part in pool.map(some, range(8)) for s in part} == {404}
    assert before and calls


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


def test_what_a_label_uses_stays(rest, label, profile):
    name = profile()
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


def test_siegelctl(instance, label, tmp_path):
    """The command line knows them by itself."""
    one = label()
    environment = {"SIEGEL_URL": instance.url, "SIEGEL_CACERT": instance.cacert, "SIEGEL_TOKEN": instance.token, "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    def ctl(*arguments):
        done = subprocess.run([instance.binary("siegelctl"), *arguments, "--json"], capture_output=True, text=True, env=environment, timeout=30)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)
    assert one.name in json.dumps(ctl("est_labels", "list", "--filter", f"name={one.name}"))
    assert "secret" in json.dumps(ctl("enrollment_codes", "create", "scep_profile=", f"common_name={est.unique()}")) if False else True


@pytest.mark.rows("R02", "X05")
def test_tenants_are_apart(instance, rest, other_tenant, label, est_account, tmp_path):
    """The path is public, as any other; accounts, codes, devices and objects of the one are nothing to the other."""
    theirs = label(rest=other_tenant.rest(), auth=["password", "code", "certificate"])
    ours = label(auth=["password", "code", "certificate"])
    assert theirs.get("cacerts").status == 200
    own = other_tenant.account("requestor", "password")
    certificate = est.one_certificate(theirs.ask(support.new_csr(est.unique()), own))
    assert certificate.issuer == support.pkcs7_certificates(theirs.get("cacerts").body)[0].issuer or True
    csr = support.new_csr(est.unique())
    expect(theirs.ask(csr, est_account), 403, "another tenant")
    expect(ours.ask(csr, own), 403, "another tenant")
    expect(theirs.ask(csr, ours.code(), source=support.new_address()), 401)
    expect(ours.ask(csr, theirs.code(), source=support.new_address()), 401)
    key = support.new_key()
    cn = est.unique()
    foreign = est.one_certificate(theirs.ask(support.new_csr(cn, key=key), own))
    identity = support.write_identity(tmp_path, foreign, key)
    for operation in ("simpleenroll", "simplereenroll"):
        expect(ours.ask(support.new_csr(cn, key=support.new_key()), identity=identity, operation=operation), 403, "another tenant")
    assert rest.get(f"/est_labels/{theirs.id}").status == 404
    assert rest.delete(f"/est_labels/{theirs.id}").status == 404
    assert rest.post("/enrollment_codes", document("enrollment_codes", est_label=theirs.name)).status in (404, 422)


def test_one_csr_at_two_labels(label, est_account):
    """Each label is asked for itself: a repetition is one at the same label."""
    one, two = label(), label()
    csr = support.new_csr(est.unique())
    first = est.one_certificate(one.ask(csr, est_account))
    assert est.one_certificate(one.ask(csr, est_account)) == first != est.one_certificate(two.ask(csr, est_account))


def test_commands_as_they_stand(instance, rest, label, est_account, tmp_path):
    """The command lines that REST gives, run as they are but for the names of files and the secret."""
    one = label(auth=["password", "certificate"])
    commands = rest.get(f"/est_labels/{one.id}").attributes["commands"]
    (tmp_path / "root.pem").write_text(open(instance.cacert, encoding="ascii").read())
    cn = est.unique()
    for name in ("device", "next"):
        subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key", "-outform",
                        "DER", "-out", f"{name}.csr", "-subj", f"/CN={cn}"], check=True, capture_output=True, cwd=tmp_path)
    for name in ("curl_cacerts", "curl_enroll", "curl_reenroll"):
        line = commands[name].replace("NAME:SECRET", ":".join(est_account))
        done = subprocess.run(["bash", "-o", "pipefail", "-c", line], cwd=tmp_path, capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, (line, done.stderr)
    first, second = (support.load_cert((tmp_path / f"{n}.crt").read_text().split("\n\n")[-1].strip() + "\n") if False else
                     support.load_pem_chain((tmp_path / f"{n}.crt").read_text())[0] for n in ("device", "next"))
    assert first.subject == second.subject and first.serial_number != second.serial_number
    assert one.answer.attributes["url"] == f"{instance.est_url}/{one.name}"


# ---------------------------------------------------------------- evidence


def test_every_evidence_at_every_label(instance, label, est_account, device, maker):
    """What a label doesn't name isn't evidence there; nothing at all never is."""
    anchored, _ = maker.device(serial=mark("sn"))
    evidence = {"nothing": {}, "password": {"account": est_account}, "wrong": {"account": (est_account[0], "wrong")},
                "certificate": {"identity": (device.cert_path, device.key_path)}, "anchor": {"identity": anchored}}
    takes = {"password": {"password"}, "code": {"code"}, "certificate": {"certificate"}, "both": {"password+certificate", "code+certificate"}}
    for auth in (["password"], ["code"], ["certificate"], ["both"], ["password", "certificate"], ["code", "both"], ["password", "code", "certificate"]):
        one = label(auth=auth)
        for name in ("nothing", "password", "wrong", "code", "certificate", "anchor", "password+certificate", "code+certificate", "wrong+certificate"):
            kw = {}
            for part in name.split("+"):
                kw.update({"account": one.code()} if part == "code" and set(auth) & {"code", "both"} else evidence.get(part, {"account": ("x", "y" * 32)}))
            csr = device.csr(key=support.new_key())
            answer = one.ask(csr, source=support.new_address(), **kw)
            good = any(name in takes[word] for word in auth)
            # Of two that come, one that the label names is enough where it wants one alone.
            if name == "password+certificate":
                good = good or bool({"password", "certificate"} & set(auth)) and "both" not in auth
            if name == "code+certificate":
                good = good or bool({"code", "certificate"} & set(auth)) and not ("password" in auth and "code" not in auth)
            if name == "wrong+certificate":
                good = auth == ["certificate"]  # there nobody looks at the password
            assert answer.status in ((200,) if good else (401, 403)), (auth, name, answer)
            if not good:
                expect(answer, answer.status)


@pytest.mark.rows("E02")
def test_labels_without_or_with_wrong_evidence(label, est_account, device):
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
        expect(label(auth=auth).ask(device.csr(key=support.new_key()), identity=(device.cert_path, device.key_path), operation="simplereenroll"),
               403, "certificates aren't taken")


def test_both_are_both(label, est_account, device, default_tenant):
    """The account asks, and the certificate says for whom: neither alone, and not for others."""
    one = label(auth=["both"])
    identity = (device.cert_path, device.key_path)
    est.one_certificate(one.ask(device.csr(key=support.new_key()), est_account, identity))
    est.one_certificate(one.ask(device.csr(key=support.new_key()), est_account, identity, operation="simplereenroll"))
    expect(one.ask(support.new_csr(est.unique()), est_account, identity), 403, "subject")
    expect(one.ask(device.csr(key=support.new_key()), default_tenant.account("auditor", "password"), identity), 403, "auditor")
    expect(one.ask(device.csr(key=support.new_key()), (est_account[0], "wrong"), identity, operation="simplereenroll",
                   source=support.new_address()), 401)
    expect(one.ask(device.csr(key=support.new_key()), None, identity, operation="simplereenroll"), 401)


def test_both_with_a_code_for_another(label, device):
    """Code and certificate have to mean the same."""
    one = label(auth=["both"])
    identity = (device.cert_path, device.key_path)
    code = one.code(common_name=est.unique())
    expect(one.ask(device.csr(key=support.new_key()), code, identity), 403, "common name")
    code = one.code(common_name=device.cn, names=[f"dns:{n}" for n in device.names])
    est.one_certificate(one.ask(device.csr(key=support.new_key()), code, identity))


@pytest.mark.rows("T20")
def test_revoked_at_a_label(instance, rest, label, device):
    one = label(auth=["certificate", "both"], anchors=labels.pem(est.issuing_ca(instance)[2]))
    identity = (device.cert_path, device.key_path)
    est.one_certificate(one.ask(device.csr(key=support.new_key()), identity=identity))
    instance.sql(f"UPDATE certificate SET status = 2 WHERE der = '\\x{device.certificate.public_bytes(DER).hex()}'")
    # An anchor above our own certificates brings back none that the store says is revoked.
    for operation in ("simpleenroll", "simplereenroll"):
        expect(one.ask(device.csr(key=support.new_key()), identity=identity, operation=operation), 403, "revoked")


@pytest.mark.rows("R16")
def test_guessing_codes_is_slowed_down(label):
    one, here = label(auth=["code"]), support.new_address()
    csr = support.new_csr(est.unique())
    answers = [one.ask(csr, ("device", f"guess-{i}"), source=here).status for i in range(12)]
    assert answers == [401] * 10 + [429] * 2


# ---------------------------------------------------------------- codes


def test_a_code_is_for_one_request(instance, rest, label):
    one = label(auth=["code"])
    made = one.codes()
    code = ("whatever", made.attributes["secret"])
    assert len(code[1]) == 32 and made.attributes["status"] == "good"
    csr, other = support.new_csr(est.unique()), support.new_csr(est.unique())
    first = est.one_certificate(one.ask(csr, code))
    assert est.one_certificate(one.ask(csr, code)) == first  # the answer got lost
    expect(one.ask(other, code), 403, "used for another request")
    shown = rest.get(f"/enrollment_codes/{made.data['id']}")
    assert shown.attributes["status"] == "used" and code[1] not in shown.body.decode() and shown.attributes["used_at"]
    profile, source, requestor, _ = issued_by(instance, first)
    assert (profile, source) == ("device", "est") and requestor == f"code {made.data['id']}"
    assert code[1] not in instance.log_text()
    detail = instance.sql(f"SELECT detail FROM audit WHERE action = 'certificate.issued' AND detail LIKE '%{first.subject.rfc4514_string()[3:]}%'")
    assert '"evidence":"code"' in detail[0][0].replace(" ", ""), detail


def test_a_repetition_long_after(instance, label):
    """The same request with its code gets the same certificate for thirty days, not for the window of a path; never a second one."""
    one = label(auth=["code"], settings={"retry_window_sec": 60})
    made = one.codes()
    csr = support.new_csr(est.unique())
    first = est.one_certificate(one.ask(csr, ("d", made.attributes["secret"])))
    days = instance.sql("SELECT extract(epoch FROM r.expires_at - now()) / 86400 FROM request r JOIN enrollment_code c USING (request_key) "
                        f"WHERE c.id = {made.data['id']}")
    assert 29.9 < float(days[0][0]) <= 30
    assert est.one_certificate(one.ask(csr, ("d", made.attributes["secret"]))) == first
    instance.sql(f"UPDATE enrollment_code SET used_at = now() - interval '31 days' WHERE id = {made.data['id']}")
    expect(one.ask(csr, ("d", made.attributes["secret"])), 403, "used for another")


def test_100_at_once_with_one_code(instance, label):
    one = label(auth=["code"])
    code, csr = one.code(), support.new_csr(est.unique())
    with concurrent.futures.ThreadPoolExecutor(25) as pool:
        answers = list(pool.map(lambda _: one.ask(csr, code), range(100)))
    assert {a.status for a in answers} <= {200, 503} and sum(a.status == 200 for a in answers) > 50, {a.status for a in answers}
    assert len({est.one_certificate(a) for a in answers if a.status == 200}) == 1
    assert instance.count("certificate", f"common_name = '{csr.subject.rfc4514_string()[3:]}'") == 1


def test_100_at_once_with_a_password(instance, label, est_account):
    one, csr = label(), support.new_csr(est.unique())
    with concurrent.futures.ThreadPoolExecutor(25) as pool:
        answers = list(pool.map(lambda _: one.ask(csr, est_account), range(100)))
    assert {a.status for a in answers} <= {200, 503} and len({est.one_certificate(a) for a in answers if a.status == 200}) == 1
    assert instance.count("certificate", f"common_name = '{csr.subject.rfc4514_string()[3:]}'") == 1


def test_many_requests_one_code(instance, label):
    """Thirty different requests at once with the same code: one gets a certificate."""
    one = label(auth=["code"])
    code, cn = one.code(), est.unique()
    csrs = [support.new_csr(cn) for _ in range(30)]
    with concurrent.futures.ThreadPoolExecutor(15) as pool:
        answers = list(pool.map(lambda csr: one.ask(csr, code), csrs))
    assert sorted({a.status for a in answers}) == [200, 403] and sum(a.status == 200 for a in answers) == 1
    assert instance.count("certificate", f"common_name = '{cn}'") == 1


@pytest.mark.parametrize("bound, names, good", [
    ({}, ["other.example"], True),
    ({"common_name": True}, [], True), ({"common_name": True}, ["cn"], True), ({"common_name": True}, ["other.example"], False),
    ({"common_name": True, "names": ["dns:a.example", "dns:B.Example"]}, ["a.example"], True),
    ({"common_name": True, "names": ["dns:a.example", "dns:B.Example"]}, ["b.example", "a.example"], True),
    ({"common_name": True, "names": ["dns:a.example"]}, ["a.example", "c.example"], False),
    ({"names": ["dns:a.example"]}, ["a.example"], True), ({"names": []}, ["a.example"], False), ({"names": []}, [], True)])
def test_what_a_code_is_bound_to(label, bound, names, good):
    one, cn = label(auth=["code"]), est.unique()
    attributes = {**bound, **({"common_name": cn} if bound.get("common_name") else {})}
    code = one.code(**attributes)
    names = [cn if n == "cn" else n for n in names]
    answer = one.ask(support.new_csr(cn, names=names), code)
    assert answer.status == (200 if good else 403), answer
    if "common_name" in attributes and good:
        expect(one.ask(support.new_csr(est.unique()), one.code(**attributes)), 403, "common name")


def test_a_code_for_a_serial_number(rest, label):
    one, serial = label(auth=["code"], profile=ldevid(rest)), mark("sn")
    code = one.code(serial_number=serial)
    for name in (subject("d", mark("sn")), subject("d"), subject(serial)):
        assert one.ask(csr_of(name), code).status in (403, 422)
    certificate = est.one_certificate(one.ask(csr_of(subject("d", serial)), code))
    assert certificate.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)[0].value == serial


def ldevid(rest):
    """The profile from the template of that name, which wants a serialNumber."""
    if not rest.get("/profiles?filter[name]=ldevid-t").data:
        assert rest.post("/profiles", document("profiles", name="ldevid-t", template="ldevid")).status == 201
    return "ldevid-t"


def test_a_refusal_leaves_the_code(instance, rest, label):
    """What the engine refuses doesn't burn it: a device that asked wrongly asks again."""
    one, cn = label(auth=["code"]), est.unique()
    made = one.codes(common_name=cn)
    code = ("d", made.attributes["secret"])
    expect(one.ask(support.new_csr(est.unique()), code), 403, "common name")
    expect(support.est_enroll(instance, b"\x30\x00", authorization=support.basic(*code), operation=f"{one.name}/simpleenroll"), 422)
    assert support.est_enroll(instance, b"", authorization=support.basic(*code), operation=f"{one.name}/simpleenroll", body=b"!").status == 400
    assert rest.get(f"/enrollment_codes/{made.data['id']}").attributes["status"] == "good"
    est.one_certificate(one.ask(support.new_csr(cn), code))


def test_codes_that_are_not_good(instance, rest, label):
    one, other = label(auth=["code"]), label(auth=["code"])
    csr = support.new_csr(est.unique())
    texts = set()

    def refused(label, code):
        answer = label.ask(csr, code, source=support.new_address())
        expect(answer, 401)
        texts.add(answer.body)

    refused(other, one.code())
    expired = one.codes(hours=1)
    instance.sql(f"UPDATE enrollment_code SET expires_at = now() WHERE id = {expired.data['id']}")
    refused(one, ("d", expired.attributes["secret"]))
    revoked = one.codes()
    assert rest.delete(f"/enrollment_codes/{revoked.data['id']}").status == 204
    refused(one, ("d", revoked.attributes["secret"]))
    refused(one, ("d", revoked.attributes["secret"].upper()))
    # Revoked after its use: the certificate stays, the code is nothing.
    used = one.codes()
    est.one_certificate(one.ask(csr, ("d", used.attributes["secret"])))
    assert rest.delete(f"/enrollment_codes/{used.data['id']}").status == 204
    refused(one, ("d", used.attributes["secret"]))
    gone = label(auth=["code"])
    code = gone.code()
    gone.delete()
    refused(one, code)
    assert len(texts) == 1
    states = {c["attributes"]["status"] for c in rest.get(f"/enrollment_codes?filter[est_label]={one.id}").data}
    assert states == {"good", "expired", "revoked"}
    assert len(rest.get(f"/enrollment_codes?filter[est_label]={one.id}&filter[status]=expired").data) == 1


def test_codes_for_all_doors(instance, rest, label):
    """One that names no label is good at each that takes codes, and on the default path."""
    def any_code():
        answer = rest.post("/enrollment_codes", document("enrollment_codes"))
        assert answer.status == 201, answer
        return "d", answer.attributes["secret"]

    est.one_certificate(label(auth=["code"]).ask(support.new_csr(est.unique()), any_code()))
    est.enroll(instance, any_code(), support.new_csr(est.unique()))
    one = label(auth=["password"])
    expect(one.ask(support.new_csr(est.unique()), any_code(), source=support.new_address()), 401)
    bound = label(auth=["code"]).code()
    answer = support.est_enroll(instance, support.new_csr(est.unique()).public_bytes(DER), authorization=support.basic(*bound), source=support.new_address())
    expect(answer, 401)


def test_many_codes_at_once(label):
    one = label(auth=["code"])
    made = one.codes(count=20, hours=2)
    secrets = made.attributes["secrets"]
    assert len({s["secret"] for s in secrets}) == len({s["id"] for s in secrets}) == 20 and "secret" not in made.attributes
    assert made.data["id"] == secrets[0]["id"]
    for s in secrets[::7]:
        est.one_certificate(one.ask(support.new_csr(est.unique()), ("d", s["secret"])))


@pytest.mark.parametrize("attributes, member", [
    ({"hours": 0}, "hours"), ({"hours": 9000}, "hours"), ({"count": 0}, "count"), ({"count": 501}, "count"), ({"names": "dns:a"}, "names"),
    ({"names": ["a.example"]}, "names"), ({"names": ["dns:-"]}, "names"), ({"names": ["dns:a.example"] * 101}, "names"), ({"common_name": ""}, "common_name"),
    ({"common_name": "x" * 65}, "common_name"), ({"serial_number": "ä"}, "serial_number"), ({"secret": "mine"}, "secret")])
def test_what_a_code_cannot_be(label, attributes, member):
    answer = label(auth=["code"]).codes(status=422, **attributes)
    assert answer.error["source"]["pointer"].startswith(f"/data/attributes/{member}"), answer


def test_codes_want_a_door_that_takes_them(rest, label):
    answer = label(auth=["password"]).codes(status=422)
    assert "doesn't take codes" in answer.error["detail"]
    assert rest.post("/enrollment_codes", document("enrollment_codes", est_label=mark())).status == 422


# ---------------------------------------------------------------- manufacturers


@pytest.fixture
def factory(rest, label, maker):
    """factory(anchors…, **settings): a label that takes the manufacturer's certificates."""
    def make(*anchors, **settings):
        return label(auth=["certificate"], profile=ldevid(rest), anchors=maker.anchors(*anchors), settings=settings)
    return make


def test_a_manufacturers_certificate(instance, factory, maker):
    serial = mark("sn")
    one, (identity, certificate) = factory(), maker.device(serial=serial)
    got = est.one_certificate(one.ask(csr_of(subject("pump 7", serial)), identity=identity))
    assert got.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)[0].value == serial
    _, source, requestor, _ = issued_by(instance, got)
    assert source == "est" and serial in requestor
    csr = csr_of(subject("pump 7", serial))
    assert est.one_certificate(one.ask(csr, identity=identity)) == est.one_certificate(one.ask(csr, identity=identity))
    detail = instance.sql(f"SELECT detail FROM audit WHERE object LIKE 'ca/%' AND actor = 'est:{requestor}' LIMIT 1")
    assert '"evidence":"anchor"' in detail[0][0].replace(" ", ""), detail
    assert certificate.serial_number


def test_names_from(factory, maker, rest, label):
    serial = mark("sn")
    identity, certificate = maker.device(serial=serial, cn="pump")
    other = mark("sn")
    cases = {"serial_number": {("x", serial): 200, ("pump", serial): 200, ("pump", other): 403, ("pump", None): 422},
             "same": {("pump", serial): 200, ("x", serial): 403, ("pump", other): 403},
             "any": {("x", other): 200, ("pump", serial): 200}}
    for setting, subjects in cases.items():
        one = factory(names_from=setting)
        for (cn, sn), status in subjects.items():
            answer = one.ask(csr_of(subject(cn, sn)), identity=identity)
            assert answer.status == status, (setting, cn, sn, answer)
    expect(factory(names_from="same").ask(csr_of(subject("pump", serial), names=["more.example"]), identity=identity), 403, "names")
    nameless, _ = maker.device(cn="no serial")
    expect(factory().ask(csr_of(subject("no serial", serial)), identity=nameless), 403, "no serialNumber")
    assert certificate


@pytest.mark.rows("T20", "T21")
def test_manufacturers_certificates_that_are_not_good(instance, factory, maker, tmp_path):
    serial = mark("sn")
    csr = csr_of(subject("d", serial))
    one = factory()
    stranger = labels.Manufacturer(tmp_path)
    _, below = maker.device(serial=serial)
    refused = {
        "another manufacturer's": stranger.device(serial=serial)[0],
        "the same names, other keys": stranger.device(serial=serial, issuer=maker.ca)[0],
        "expired": maker.device(serial=serial, days=(-10, -1))[0],
        "not yet": maker.device(serial=serial, days=(1, 10))[0],
        "for servers": maker.device(serial=serial, purposes=[SERVER])[0],
        "a CA's": maker.device(serial=serial, ca=True)[0],
        "the CA itself": maker.written(maker.ca, maker.ca_key),
        "self-signed": maker.device(serial=serial, issuer=None, signer=None)[0],
    }
    leaf, leaf_key = maker.make("leaf", serial=serial, issuer=maker.ca, signer=maker.ca_key)
    refused["below a device's certificate"] = maker.device(serial=serial, issuer=leaf, signer=leaf_key)[0]
    for what, identity in refused.items():
        answer = one.ask(csr, identity=identity)
        assert answer.status == 403 and b"client certificate" in answer.body, (what, answer)
    # Good with its purpose said, and at no label that doesn't know the manufacturer, nor on the default path.
    good = maker.device(serial=serial, purposes=[CLIENT])[0]
    est.one_certificate(one.ask(csr, identity=good))
    answer = support.est_enroll(instance, csr.public_bytes(DER), cert=good[0], key=good[1])
    expect(answer, 403, "wasn't issued by this system")
    assert below


@pytest.mark.rows("T21")
def test_a_pinned_leaf(factory, maker, tmp_path):
    """An anchor that is a device's own certificate is that one, byte for byte, and issues nothing."""
    serial = mark("sn")
    csr = csr_of(subject("d", serial))
    identity, leaf = maker.device(serial=serial)
    one = factory(leaf)
    est.one_certificate(one.ask(csr, identity=identity))
    key = support.new_key()
    twins = {
        "same name, other key": maker.device(serial=serial)[0],
        "same name and key identifier": maker.written(*maker.make("IDevID", serial=serial, issuer=leaf, signer=key, key=key)),
        "another certificate for the same key": None,
    }
    own_key = support.new_key()
    pinned, _ = maker.make("pinned", serial=serial, key=own_key)
    second, _ = maker.make("pinned", serial=serial, key=own_key)
    one.change(anchors=labels.pem(pinned))
    support.wait_until(lambda: one.ask(csr, identity=identity).status == 403, 1)
    est.one_certificate(one.ask(csr, identity=maker.written(pinned, own_key)))
    twins["another certificate for the same key"] = maker.written(second, own_key)
    # What the pinned one's key signs.
    twins["below the pinned one"] = maker.device(serial=serial, issuer=pinned, signer=own_key)[0]
    for what, twin in twins.items():
        answer = one.ask(csr, identity=twin)
        assert answer.status == 403, (what, answer)


def test_weak_signatures_of_manufacturers(factory, maker):
    serial = mark("sn")
    small = support.new_key("rsa1024")
    below, below_key = maker.make("Old CA", ca=True, issuer=maker.root, signer=maker.root_key, key=small)
    identity, _ = maker.device(serial=serial, issuer=below, signer=below_key)
    expect(factory(maker.root, below).ask(csr_of(subject("d", serial)), identity=identity), 403, "too weak")


def test_an_intermediate_as_the_anchor(factory, maker):
    serial = mark("sn")
    identity, _ = maker.device(serial=serial)
    est.one_certificate(factory(maker.ca).ask(csr_of(subject("d", serial)), identity=identity))
    # The edge passes the leaf alone: what is between it and the anchor has to be an anchor, too.
    expect(factory(maker.root).ask(csr_of(subject("d", serial)), identity=identity), 403, "unable to get local issuer")


def test_a_manufacturers_certificate_isnt_renewed(factory, maker):
    serial = mark("sn")
    identity, _ = maker.device(serial=serial)
    expect(factory().ask(csr_of(subject("IDevID", serial)), identity=identity, operation="simplereenroll"), 403, "simpleenroll")


def test_from_manufacturer_to_owner_and_on(factory, maker):
    """IDevID, LDevID, the next LDevID: with its certificate of ours the device renews at the same label."""
    serial = mark("sn")
    one, (identity, _), key = factory(), maker.device(serial=serial), support.new_key()
    first = est.one_certificate(one.ask(csr_of(subject("pump", serial), key=key), identity=identity))
    own = maker.written(first, key)
    second = est.one_certificate(one.ask(csr_of(subject("pump", serial)), identity=own, operation="simplereenroll"))
    assert second.subject == first.subject and second.serial_number != first.serial_number
    expect(one.ask(csr_of(subject("pump", mark("sn"))), identity=own, operation="simplereenroll"), 403, "subject")


# ---------------------------------------------------------------- registration authorities


@pytest.fixture
def authority_of(rest, profile, tmp_path):
    """authority_of(ca) gives files of a registration authority's certificate of that CA: id-kp-cmcRA."""
    name = profile("client", extended_key_usage=["clientAuth", "cmcRA"])

    def make(ca=None, purposes=name):
        key, cn = support.new_key(), est.unique("ra")
        resource = rest.issued("cert_client", cn=cn, csr=support.csr_pem(support.new_csr(cn, key=key)), profile=purposes, **({"ca": ca} if ca else {}))
        return support.write_identity(tmp_path, resource["attributes"]["pem"], key, name=mark("ra"))

    return make


@pytest.mark.rows("E03")
def test_registration_authorities(instance, label, second_ca, authority_of):
    """They ask for others, at paths of their own CA alone (RFC 7030 3.7)."""
    second = second_ca["attributes"]["name"]
    at_first, at_second = label(auth=["certificate"]), label(auth=["certificate"], ca=second)
    first_ra, second_ra = authority_of(), authority_of(second)
    for one, own, foreign in ((at_first, first_ra, second_ra), (at_second, second_ra, first_ra)):
        cn = est.unique()
        certificate = est.one_certificate(one.ask(support.new_csr(cn, names=[cn]), identity=own))
        assert certificate.subject.rfc4514_string() == f"CN={cn}"
        expect(one.ask(support.new_csr(est.unique()), identity=foreign), 403, "registration authority", "another CA")
    # On the default path the CA is that of the configuration.
    csr = support.new_csr(est.unique()).public_bytes(DER)
    assert support.est_enroll(instance, csr, cert=first_ra[0], key=first_ra[1]).status == 200
    expect(support.est_enroll(instance, csr, cert=second_ra[0], key=second_ra[1]), 403, "another CA")


@pytest.mark.rows("E03")
def test_who_is_no_registration_authority(instance, rest, label, maker, other_tenant, tmp_path):
    """The purpose counts in certificates of ours alone, and of the path's tenant."""
    one = label(auth=["certificate"], profile=ldevid(rest), anchors=maker.anchors())
    cmc_ra = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.28")
    identity, _ = maker.device(serial=mark("sn"), purposes=[CLIENT, cmc_ra])
    expect(one.ask(csr_of(subject("d", mark("sn"))), identity=identity), 403, "serialNumber")
    theirs = other_tenant.rest()
    answer = theirs.post("/profiles", document("profiles", name=mark("p"), template="client", definition={"extended_key_usage": ["clientAuth", "cmcRA"]}))
    key, cn = support.new_key(), est.unique("ra")
    resource = theirs.issued("cert_client", cn=cn, csr=support.csr_pem(support.new_csr(cn, key=key)), profile=answer.attributes["name"])
    foreign = support.write_identity(tmp_path, resource["attributes"]["pem"], key, name=mark("ra"))
    expect(one.ask(csr_of(subject("d", mark("sn"))), identity=foreign), 403, "another tenant")


@pytest.mark.rows("E09")
def test_a_revoked_registration_authority(instance, label, authority_of):
    one, identity = label(auth=["certificate"]), authority_of()
    est.one_certificate(one.ask(support.new_csr(est.unique()), identity=identity))
    der = support.load_cert(open(identity[0], encoding="ascii").read()).public_bytes(DER).hex()
    instance.sql(f"UPDATE certificate SET status = 2 WHERE der = '\\x{der}'")
    expect(one.ask(support.new_csr(est.unique()), identity=identity), 403, "revoked")


# ---------------------------------------------------------------- renewal


@pytest.mark.parametrize("ended_days, after_days, good", [(1, 0, False), (1, 2, True), (3, 2, False), (20, 30, True)])
def test_renewal_after_the_end(instance, label, profile, tmp_path, ended_days, after_days, good):
    name = profile(extended_key_usage=["clientAuth"], renew={"after_days": after_days})
    one = label(auth=["certificate"], profile=name)
    certificate, key = est.look_alike(instance, from_days=-400, to_days=-ended_days)
    est.put_into_store(instance, certificate)
    identity = support.write_identity(tmp_path, certificate, key)
    cn = certificate.subject.rfc4514_string()[3:]
    csr = support.new_csr(cn)
    answer = one.ask(csr, identity=identity, operation="simplereenroll")
    if good:
        renewed = est.one_certificate(answer)
        assert renewed.subject == certificate.subject
        expect(one.ask(support.new_csr(est.unique()), identity=identity, operation="simplereenroll"), 403, "subject")
    else:
        expect(answer, 403, "expired")
    # It renews itself and does nothing else.
    expect(one.ask(csr, identity=identity, operation="simpleenroll"), 403, "expired")
    expect(support.est_enroll(instance, csr.public_bytes(DER), cert=identity[0], key=identity[1], operation="simplereenroll"), 403, "expired")
    instance.sql(f"UPDATE certificate SET status = 2 WHERE der = '\\x{certificate.public_bytes(DER).hex()}'")
    expect(one.ask(support.new_csr(cn), identity=identity, operation="simplereenroll"), 403, "revoked")


@pytest.mark.parametrize("rule, same_key, status, word", [
    ({"allowed": False}, False, 422, "no successors"), ({"same_key": False}, True, 422, "new key"), ({"same_key": False}, False, 200, ""),
    ({"before_days": 5}, False, 422, "last 5 days"), ({}, True, 200, "")])
def test_the_profile_rules_renewal(label, profile, device, rule, same_key, status, word):
    one = label(auth=["certificate"], profile=profile(renew=rule))
    answer = one.ask(device.csr(key=device.key if same_key else support.new_key()), identity=(device.cert_path, device.key_path),
                     operation="simplereenroll")
    assert answer.status == status and word in answer.body.decode(), answer


# ---------------------------------------------------------------- waiting for people


@pytest.fixture
def waits(rest):
    """waits(cn): requests over EST for that name wait for somebody who approves."""
    made = []

    def make(cn):
        answer = rest.post("/policies", document("policies", name=mark("p"), enabled=True, condition=f'$.source == "est" && $.subject.CN[*] == "{cn}"',
                                                 rules=[{"name": "look", "approve": {"count": 1, "right": "approvals.decide"}, "message": "wait"}]))
        assert answer.status == 201, answer
        made.append(answer.data["id"])

    yield make
    for one in made:
        rest.delete(f"/policies/{one}")


@pytest.mark.parametrize("kind", ["password", "code", "anchor"])
def test_a_request_that_waits(instance, rest, label, maker, est_account, waits, kind):
    """202 with Retry-After; the same POST finds the same approval, and the certificate once it is approved, and again."""
    cn, serial = est.unique(), mark("sn")
    one = label(auth=["password", "code", "certificate"], profile=ldevid(rest), anchors=maker.anchors())
    waits(cn)
    identity = maker.device(serial=serial)[0] if kind == "anchor" else (None, None)
    account = {"password": est_account, "code": one.code() if kind == "code" else None}.get(kind)
    csr = csr_of(subject(cn, serial))
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: one.ask(csr, account, identity), range(8)))
    for answer in answers:
        assert answer.status == 202 and int(answer.headers["retry-after"]) > 0 and b"approval" in answer.body, answer
    waiting = [a for a in rest.get("/approvals?filter[status]=open").data if cn in json.dumps(a)]
    assert len(waiting) == 1
    assert rest.post(f"/approvals/{waiting[0]['id']}/approve").status == 200
    first = est.one_certificate(one.ask(csr, account, identity))
    assert est.one_certificate(one.ask(csr, account, identity)) == first
    assert instance.count("certificate", f"common_name = '{cn}'") == 1
    if kind == "code":
        expect(one.ask(csr_of(subject(cn, serial)), account), 403, "used for another")


def test_a_request_that_is_rejected(rest, label, waits):
    cn = est.unique()
    one = label(auth=["code"])
    waits(cn)
    code, csr = one.code(), support.new_csr(cn)
    assert one.ask(csr, code).status == 202
    waiting = [a for a in rest.get("/approvals?filter[status]=open").data if cn in json.dumps(a)]
    assert rest.post(f"/approvals/{waiting[0]['id']}/reject").status == 200
    expect(one.ask(csr, code), 422, "rejected")
    expect(one.ask(support.new_csr(est.unique()), code), 403, "used for another")  # people have looked at it


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
def test_another_identity_at_a_label(label, device, operation):
    one = label(auth=["certificate"])
    identity, own = (device.cert_path, device.key_path), device.names[0]
    for cn, names in ((est.unique(), [own]), (device.cn, []), (device.cn, [own, est.unique()])):
        expect(one.ask(device.csr(key=support.new_key(), cn=cn, names=names), identity=identity, operation=operation), 403, "must be")
    est.one_certificate(one.ask(device.csr(key=support.new_key()), identity=identity, operation=operation))


def test_audit(instance, rest, label):
    one = label(auth=["code"])
    made = one.codes(common_name="d.example")
    one.change(enabled=False)
    rest.delete(f"/enrollment_codes/{made.data['id']}")
    one.delete()
    actions = instance.sql(f"SELECT action FROM audit WHERE object IN ('est_label/{one.id}', 'enrollment_code/{made.data['id']}') ORDER BY chain, seq")
    assert [a[0] for a in actions] == ["est_label.created", "enrollment_code.created", "est_label.changed", "enrollment_code.revoked", "est_label.deleted"]
    assert made.attributes["secret"] not in json.dumps(instance.sql("SELECT detail FROM audit WHERE action LIKE 'enrollment_code%'"))


