"""EST: renewal by the profile's rules and after the end, requests that wait for people, the chain after a roll-over."""

import concurrent.futures
import json

import pytest

import est
import support
from labels import DER, csr_of, document, expect, mark, subject


# ---------------------------------------------------------------- renewal


@pytest.mark.parametrize("ended_days, after_days, good", [(1, 0, False), (1, 2, True), (3, 2, False), (20, 30, True)])
def test_renewal_after_the_end(instance, label, own_profile, tmp_path, ended_days, after_days, good):
    name = own_profile(extended_key_usage=["clientAuth"], renew={"after_days": after_days})
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
def test_the_profile_rules_renewal(label, own_profile, label_device, rule, same_key, status, word):
    one = label(auth=["certificate"], profile=own_profile(renew=rule))
    answer = one.ask(label_device.csr(key=label_device.key if same_key else support.new_key()), identity=(label_device.cert_path, label_device.key_path),
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
def test_a_request_that_waits(instance, rest, label, maker, est_account, waits, kind, ldevid):
    """202 with Retry-After; the same POST finds the same approval, and the certificate once it is approved, and again."""
    cn, serial = est.unique(), mark("sn")
    one = label(auth=["password", "code", "certificate"], profile=ldevid, anchors=maker.anchors())
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
