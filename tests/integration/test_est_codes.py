"""One-time codes over EST: for one request and its repetitions, bound to an identity, given back when the request is refused."""

import concurrent.futures

import pytest
from cryptography.x509.oid import NameOID

import est
import support
from labels import DER, csr_of, document, expect, issued_by, mark, subject


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
    detail = instance.sql(f"SELECT detail FROM audit WHERE action = 'certificate.intent' AND detail LIKE '%{first.subject.rfc4514_string()[3:]}%'")
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
    ({"names": []}, ["a.example"], False), ({"names": []}, [], False)])
def test_what_a_code_is_bound_to(label, bound, names, good):
    one, cn = label(auth=["code"]), est.unique()
    attributes = {**bound, **({"common_name": cn} if bound.get("common_name") else {})}
    code = one.code(**attributes)
    names = [cn if n == "cn" else n for n in names]
    answer = one.ask(support.new_csr(cn, names=names), code)
    assert answer.status == (200 if good else 403), answer
    if "common_name" in attributes and good:
        expect(one.ask(support.new_csr(est.unique()), one.code(**attributes)), 403, "common name")


@pytest.mark.rows("E01")
@pytest.mark.parametrize("bound, cn, serial, names, good", [
    ({"names": ["dns:pump-7.example"]}, "pump-7.example", None, ["pump-7.example"], True),
    ({"names": ["dns:pump-7.example"]}, "PUMP-7.example", None, [], True),
    ({"names": ["ip:192.0.2.7"]}, "192.0.2.7", None, [], True),
    ({"names": ["dns:pump-7.example"]}, "admin.victim.example", None, [], False),
    ({"names": ["dns:pump-7.example"]}, "admin.victim.example", None, ["pump-7.example"], False),
    ({"names": ["dns:pump-7.example"]}, "pump-7.example", "SN-OF-ANOTHER", [], False),
    ({"common_name": "pump-7.example"}, "pump-7.example", "SN-OF-ANOTHER", [], False),
    ({"common_name": "pump-7.example", "serial_number": "SN7"}, "pump-7.example", "SN7", [], True),
    ({"common_name": "pump-7.example", "serial_number": "SN7"}, "SN7", "SN7", [], False),
    ({"serial_number": "SN7"}, "SN7", "SN7", [], True),
    ({"serial_number": "SN7"}, "admin.victim.example", "SN7", [], False),
    ({"serial_number": "SN7", "names": ["dns:pump-7.example"]}, "pump-7.example", "SN7", [], True)])
def test_a_code_names_all_that_identifies(label, own_profile, bound, cn, serial, names, good):
    one = label(auth=["code"], profile=own_profile(subject_allowed=["CN", "serialNumber", "O"]))
    answer = one.ask(csr_of(subject(cn, serial), names=names), one.code(**bound))
    if good:
        est.one_certificate(answer)
    else:
        expect(answer, 403, "subject")


def test_a_code_for_a_serial_number(rest, label, ldevid):
    one, serial = label(auth=["code"], profile=ldevid), mark("sn")
    code = one.code(serial_number=serial)
    for name in (subject(serial, mark("sn")), subject("d"), subject(serial), subject("d", serial)):
        assert one.ask(csr_of(name), code).status in (403, 422)
    certificate = est.one_certificate(one.ask(csr_of(subject(serial, serial)), code))
    assert certificate.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)[0].value == serial


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
