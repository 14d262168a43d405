"""siegel-acme-probe, asked as siegel-acme asks it: each kind of challenge met and not met, what it never reaches, what it takes from nobody. The probe runs
with a configuration of its own; names and servers are those of names.py."""

import hashlib
import ipaddress
import os
import socket
import ssl
import struct
import subprocess
import threading
import time

import dns.rcode
import dns.rrset
import pytest
import support
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from names import (ACME_IDENTIFIER_DRAFT, CHALLENGES, AlpnServer, Finding, NameServer, Probe, SignedZone, WebServer, account_label, alpn_certificate, b64url,
                   digest, encode_task, endless, free_port, read_exactly, redirect, slow)

HOST = "www.example"


class Place:
    """A name server, a web server on http_port, ports for TLS, and a probe that may reach them."""

    def __init__(self, binary, folder):
        self.http, self.https, self.other = free_port(), free_port(), free_port()
        self.dns = NameServer()
        self.web = WebServer("127.0.0.1", self.http)
        ends = f"127.0.0.1:{self.http} 127.0.0.1:{self.https} 127.0.0.9:{self.https}"
        self.probe = Probe(binary, folder, {"resolver": f"127.0.0.1@{self.dns.port}", "http_port": self.http, "https_port": self.https,
                                            "own_endpoints": ends})

    def __enter__(self):
        for one in (self.dns, self.web, self.probe):
            one.__enter__()
        self.dns.add(HOST, "A", "127.0.0.1")
        self.web.files[CHALLENGES + self.probe.token] = self.probe.key_authorization
        return self

    def __exit__(self, *_):
        for one in (self.probe, self.web, self.dns):
            one.__exit__()

    def http_01(self, host=HOST, **members):
        return self.probe.run("http-01", host, **members)

    def certificate(self, name=HOST, **changes):
        return alpn_certificate(name, hashlib.sha256(self.probe.key_authorization.encode()).digest(), **changes)


@pytest.fixture(name="binary", scope="session")
def find_binary(instance):
    return instance.binary("siegel-acme-probe")


@pytest.fixture(name="place")
def make_place(binary, tmp_path):
    with Place(binary, tmp_path / "probe") as place:
        yield place


def test_each_kind_is_met(place):
    probe = place.probe
    place.dns.txt(f"_acme-challenge.{HOST}", "another", digest(probe.key_authorization))
    place.dns.txt(f"{account_label(probe.account)}._acme-challenge.{HOST}", digest(probe.key_authorization))
    with AlpnServer("127.0.0.1", place.https, place.certificate()):
        for kind in ("http-01", "dns-01", "dns-account-01", "tls-alpn-01"):
            found = probe.run(kind, HOST)
            assert found.good and found.steps, (kind, found)
    assert place.web.requests[0][2] == HOST
    assert place.web.requests[0][3].startswith("siegel-acme-probe/")
    assert found.address == "127.0.0.1"


def test_steps_say_what_was_done(place):
    place.web.files.clear()
    found = place.http_01()
    assert found.problem == "unauthorized" and "404" in found.detail
    assert [s for s in found.steps if s == f"asked for AAAA and A of {HOST}: 127.0.0.1"]
    assert [s for s in found.steps if s == f"connected to 127.0.0.1 port {place.http}"]
    assert [s for s in found.steps if s.startswith(f"GET http://{HOST}{CHALLENGES}") and s.endswith("status 404")]


def test_addresses(place):
    """RFC 8738: the Host of http-01 is the address, the server name of tls-alpn-01 its reverse name."""
    assert place.probe.run("http-01", "ip:127.0.0.1").good
    assert place.web.requests[-1][2] == "127.0.0.1"
    good = place.certificate(names=[x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    with AlpnServer("127.0.0.1", place.https, good) as server:
        assert place.probe.run("tls-alpn-01", "ip:127.0.0.1").good
        assert server.seen == ["1.0.0.127.in-addr.arpa"]
        assert place.probe.run("tls-alpn-01", HOST).problem == "unauthorized"
    with AlpnServer("127.0.0.1", place.https, place.certificate("127.0.0.1")):
        assert place.probe.run("tls-alpn-01", "ip:127.0.0.1").problem == "unauthorized"
    for kind in ("dns-01", "dns-account-01"):
        assert place.probe.run(kind, "ip:127.0.0.1").problem == "rejectedIdentifier"


def test_ipv6_first_then_ipv4(binary, tmp_path):
    http = free_port()
    try:
        v6 = WebServer("::1", http)
    except OSError:
        pytest.skip("no IPv6 on this machine")
    with v6, WebServer("127.0.0.1", http) as v4, NameServer() as names, \
         Probe(binary, tmp_path / "p", {"resolver": f"127.0.0.1@{names.port}", "http_port": http,
                                        "own_endpoints": f"127.0.0.1:{http} [::1]:{http}"}) as probe:
        names.add("both.example", "AAAA", "::1")
        names.add("both.example", "A", "127.0.0.1")
        for web in (v6, v4):
            web.files[CHALLENGES + probe.token] = probe.key_authorization
        found = probe.run("http-01", "both.example")
        assert found.good and found.address == "::1" and not v4.requests
        v6.__exit__()
        found = probe.run("http-01", "both.example")
        assert found.good and found.address == "127.0.0.1"
        assert any("no connection to ::1" in step for step in found.steps)


# ---------------------------------------------------------------- M06, M09: http-01


@pytest.mark.rows("M06")
def test_ten_redirects_and_not_eleven(place):
    path, files = CHALLENGES + place.probe.token, place.web.files
    for hops, good in ((1, True), (10, True), (11, False)):
        files.clear()
        files[path] = redirect("/hop/1")
        for n in range(1, hops):
            files[f"/hop/{n}"] = redirect(f"http://{HOST}/hop/{n + 1}")
        files[f"/hop/{hops}"] = place.probe.key_authorization
        asked = len(place.web.requests)
        found = place.http_01()
        assert found.good == good, found
        assert len(place.web.requests) - asked == min(hops, 10) + 1
    assert "10 redirects" in found.detail


@pytest.mark.rows("M06", "S02")
def test_redirects_that_are_not_followed(place):
    """Loopback and link-local by address and by name, ports of others, other schemes, users in addresses, zones."""
    path = CHALLENGES + place.probe.token
    place.dns.add("inside.example", "A", "127.0.0.2")
    place.dns.add("metadata.example", "A", "169.254.169.254")
    with WebServer("127.0.0.2", place.http) as inside, WebServer("127.0.0.1", place.other) as other:
        for target, problem in (
                ("http://127.0.0.2/", "rejectedIdentifier"), ("http://127.0.0.2:{http}/", "rejectedIdentifier"), ("http://[::1]/", "rejectedIdentifier"),
                ("http://[::ffff:127.0.0.2]/", "rejectedIdentifier"), ("http://169.254.169.254/latest/", "rejectedIdentifier"),
                ("http://[fe80::1]/", "rejectedIdentifier"), ("http://[fe80::1%25eth0]/", "connection"), ("http://0.0.0.0/", "rejectedIdentifier"),
                ("http://0x7f.2/", "rejectedIdentifier"), ("http://2130706434/", "rejectedIdentifier"), ("http://inside.example/", "rejectedIdentifier"),
                ("http://metadata.example/", "rejectedIdentifier"), ("http://localhost.localdomain/", "dns"),
                ("http://127.0.0.1:{other}/", "rejectedIdentifier"), ("http://" + HOST + ":{other}/", "rejectedIdentifier"),
                ("http://" + HOST + ":22/", "rejectedIdentifier"), ("http://" + HOST + ":5432/", "rejectedIdentifier"),
                ("file:///etc/passwd", "connection"), ("ftp://" + HOST + "/", "connection"), ("gopher://" + HOST + "/", "connection"),
                ("http://user@" + HOST + "/", "connection"), ("http://user:word@" + HOST + "/", "connection"), ("//user@" + HOST + "/", "connection"),
                ("http://other.example{path}?x=1", "connection"), ("http://other.example/", "connection"), ("http://other.example{path}/more", "connection"),
                ("http:///nothing", None), ("http://" + HOST + "/" + "a" * 3000, "connection"), ("javascript:alert(1)", None)):
            if HOST not in target and problem in ("rejectedIdentifier", "dns"):
                target = target.removesuffix("/").removesuffix("/latest") + "{path}"  # of other hosts nothing else is asked for
            target = target.format(http=place.http, other=place.other, path=path)
            place.web.files[path] = redirect(target)
            found = place.http_01()
            assert not found.good and (problem is None or found.problem == problem), (target, found)
            by_port = target.endswith((":22/", ":5432/", f":{place.other}/")) and HOST in target
            assert ("may not be reached" in found.detail and "port " in found.detail) == by_port, found
        assert not inside.accepted and not other.accepted


@pytest.mark.rows("M06", "S02")
def test_a_redirect_is_no_way_to_ask_another_host_for_anything(place):
    """But on the same host any path is, and on another one a challenge's."""
    path = CHALLENGES + place.probe.token
    place.dns.add("inside.example", "A", "127.0.0.9")
    with WebServer("127.0.0.9", place.https, tls=True) as inside:
        inside.files["/admin/restart"] = inside.files[path] = inside.files["/here" + path] = place.probe.key_authorization
        for target in ("/admin/restart", "/", path + "/", path[:-1], path + "?restart=1", "/admin/restart?" + path, "/admin/restart#" + path):
            place.web.files[path] = redirect(f"https://inside.example{target}")
            found = place.http_01()
            assert not found.good and found.problem == "connection" and "another host" in found.detail, (target, found)
        assert not inside.accepted
        for target in (path, "/here" + path):
            place.web.files[path] = redirect(f"https://inside.example{target}")
            assert place.http_01().good, target
        inside.files[path] = redirect("/admin/restart")  # its own business
        place.web.files[path] = redirect(f"https://inside.example{path}")
        assert place.http_01().good


@pytest.mark.rows("S01", "S02")
def test_what_is_found_in_the_inner_network_is_told_to_nobody(place):
    """One answer whatever is there; the steps have it all."""
    path, told = CHALLENGES + place.probe.token, set()
    place.dns.add("inside.example", "A", "127.0.0.9")
    target = f"https://inside.example{path}"
    place.web.files[path] = redirect(target)

    def look(word):
        found = place.http_01()
        told.add((found.problem, found.detail, found.temporary))
        assert not found.good and target in found.detail and any(word in step for step in found.steps), found
        assert not any(word in found.detail for word in ("127.0.0.9", "refused", "404", "status", "secret", "TLS")), found

    look("refused")
    with WebServer("127.0.0.9", place.https, tls=True) as inside:
        look("status 404")
        inside.files[path] = "another body"
        look("says something else")
        inside.files[path] = redirect("/secret")
        look("/secret")
        inside.files[path] = redirect("ftp://secret.example/")
        look("isn't followed")
    with WebServer("127.0.0.9", place.https):
        look("SSL routines")
    assert len(told) == 1, told
    found = place.probe.run("http-01", HOST, token="t" * 43)  # what the identifier's own server says is told
    assert "status 404" in found.detail
    place.dns.add("never.example", "A", "10.9.8.7", "127.0.0.2")
    place.web.files[path] = redirect(f"http://never.example:22{path}")
    found = place.http_01()
    assert found.problem == "rejectedIdentifier" and "10.9.8.7" not in found.detail and "127.0.0.2" not in found.detail, found


@pytest.mark.rows("M06")
def test_https_with_a_bad_certificate_is_followed(place):
    place.web.files[CHALLENGES + place.probe.token] = redirect(f"https://{HOST}/there")
    with WebServer("127.0.0.1", place.https, tls=True) as web:
        web.files["/there"] = place.probe.key_authorization
        found = place.http_01()
        assert found.good, found
        assert web.requests[0][2] == HOST


@pytest.mark.rows("M06")
def test_bodies_without_end_and_slow_ones(place):
    path = CHALLENGES + place.probe.token
    place.web.files[path] = endless
    begin = time.monotonic()
    found = place.http_01()
    assert found.problem == "unauthorized" and "too long" in found.detail and time.monotonic() - begin < 3 * support.SLOWER
    time.sleep(0.3)
    assert place.web.server.sent < 16 << 20
    place.web.files[path] = slow(place.probe.key_authorization, 0.5)
    begin = time.monotonic()
    found = place.http_01(deadline_ms=2000)
    assert found.problem == "connection" and "in time" in found.detail and 1.5 < time.monotonic() - begin < 2 * support.SLOWER

    def head_only(handler):
        handler.send_response(200)
        for n in range(100000):
            handler.send_header(f"X-{n}", "a" * 1000)
        handler.end_headers()
    place.web.files[path] = head_only
    assert place.http_01().problem == "connection"
    place.web.files[path] = lambda handler: time.sleep(4)
    assert place.http_01(deadline_ms=1500).problem == "connection"


@pytest.mark.rows("M09")
def test_the_key_authorization_is_compared_exactly(place):
    right, path = place.probe.key_authorization, CHALLENGES + place.probe.token
    for good in (right, right + "\n", right + "\r\n\t ", right + " " * 128):
        place.web.files[path] = good
        assert place.http_01().good, good
    for bad in (" " + right, "\n" + right, "\ufeff" + right, right.replace(".", ". "), right + "a", right[:-1], right + "\0", right + "\n.", right.lower(),
                place.probe.token, "", right + " " * 200, f'"{right}"', right.replace(".", "\n.")):
        place.web.files[path] = bad
        found = place.http_01()
        assert found.problem == "unauthorized" and right not in found.detail, (bad, found)
    for status in (201, 203, 206, 301, 304, 400, 500):
        place.web.files[path] = (status, {}, right)
        assert not place.http_01().good, status


@pytest.mark.rows("M09")
def test_tokens_with_other_characters_go_nowhere(place):
    asked = len(place.web.requests)
    for token in ("../../" + "a" * 30, "a" * 30 + "/../x", "a" * 30 + "?x", "a" * 30 + "#x", "a" * 30 + "%2e", "a" * 30 + " HTTP/1.1\r\nX: y", "short",
                  "a" * 300, "a" * 30 + "=", "a" * 30 + "\u00e4"):
        found = place.http_01(token=token)
        assert found.problem == "serverInternal", (token, found)
    for thumbprint in ("", "a" * 42, "a" * 44, "a" * 42 + "="):
        assert place.http_01(thumbprint=thumbprint).problem == "serverInternal"
    assert len(place.web.requests) == asked


def test_what_servers_say_is_escaped(place):
    place.web.files[CHALLENGES + place.probe.token] = b"\x1b[31m\x00\xff\xfe<script>\r\nlevel=error" + b"a" * 100
    found = place.http_01()
    assert any("\\x1b[31m\\x00\\xff\\xfe<script>" in step for step in found.steps)
    assert "script" not in found.detail
    place.dns.script(f"_acme-challenge.{HOST}", lambda query, _q, _t: with_rdata(query, ['"\\255\\000\\027"'] * 40))
    found = place.probe.run("dns-01", HOST)
    assert found.problem == "unauthorized" and "\\xff\\x00\\x1b" in found.steps[0]


# ---------------------------------------------------------------- M07: names


def with_rdata(query, values, kind="TXT"):
    made = NameServer.response(query)
    made.answer.append(dns.rrset.from_text_list(query.question[0].name, 60, "IN", kind, values))
    return made


@pytest.mark.rows("M07", "S02")
def test_a_name_is_resolved_once_and_the_checked_address_used(place):
    """The second answer would be another server of this machine."""
    answers = []

    def rebind(query, question, _transport):
        if question.rdtype == 1:
            answers.append("127.0.0.1" if not answers else "127.0.0.2")
            return with_rdata(query, [answers[-1]], "A")
        return NameServer.response(query)
    place.dns.script("rebind.example", rebind)
    with WebServer("127.0.0.2", place.http) as inside:
        found = place.http_01("rebind.example")
        assert found.good and found.address == "127.0.0.1" and len(answers) == 1, found
        # nothing of that is kept for the next task
        found = place.http_01("rebind.example")
        assert found.problem == "rejectedIdentifier" and len(answers) == 2, found
        # and what a redirect names is checked like what was asked for
        place.web.files[CHALLENGES + place.probe.token] = redirect("http://rebind.example" + CHALLENGES + place.probe.token)
        assert place.http_01().problem == "rejectedIdentifier"
        assert not inside.accepted


@pytest.mark.rows("M07", "S01")
def test_of_several_addresses_only_those_that_may_be_reached_are(place):
    place.dns.add("mixed.example", "A", "127.0.0.2", "169.254.1.1", "127.0.0.1")
    with WebServer("127.0.0.2", place.http) as inside:
        found = place.http_01("mixed.example")
        assert found.good and found.address == "127.0.0.1" and not inside.accepted
        assert any("127.0.0.2 may not be reached: it is a loopback address" == step for step in found.steps)


@pytest.mark.rows("M07")
def test_aliases(place):
    place.dns.add("alias.example", "CNAME", "more.example.")
    place.dns.add("more.example", "CNAME", HOST + ".")
    found = place.http_01("alias.example")
    assert found.good and f"alias.example is another name of {HOST}" in found.steps
    assert place.web.requests[-1][2] == "alias.example"
    place.dns.add("_acme-challenge.alias.example", "CNAME", "elsewhere.example.")
    place.dns.txt("elsewhere.example", digest(place.probe.key_authorization))
    assert place.probe.run("dns-01", "alias.example").good
    place.dns.add("loop.example", "CNAME", "pool.example.")
    place.dns.add("pool.example", "CNAME", "loop.example.")
    place.dns.add("_acme-challenge.loop.example", "CNAME", "_acme-challenge.loop.example.")
    for n in range(60):
        place.dns.add(f"chain{n}.example", "CNAME", f"chain{n + 1}.example.")
    begin = time.monotonic()
    assert place.http_01("loop.example").problem == "dns"
    assert place.probe.run("dns-01", "loop.example").problem == "dns"
    assert place.http_01("chain0.example").problem == "dns"
    assert time.monotonic() - begin < 10


@pytest.mark.rows("M07")
def test_very_many_txt_records(place):
    """By TCP, the right one is the last; libunbound from 1.22 on takes about 1600, older ones 4000. Ten thousand don't go into one message of DNS: then
    there is no answer."""
    name, many = f"_acme-challenge.{HOST}", [f'"{n:x}"' for n in range(1200)]

    def says(values):
        """Made once: that takes longer than a resolver waits before it asks again."""
        records = dns.rrset.from_text_list(name + ".", 60, "IN", "TXT", values)

        def answer(query, _question, _transport):
            made = NameServer.response(query)
            made.answer.append(records)
            return made
        place.dns.script(name, answer)

    says(many + [f'"{digest(place.probe.key_authorization)}"'])
    begin = time.monotonic()
    assert place.probe.run("dns-01", HOST).good
    assert ("_acme-challenge." + HOST, "TXT", "tcp") in place.dns.queries
    says(many)
    found = place.probe.run("dns-01", HOST)
    assert found.problem == "unauthorized" and "1200" in found.detail and len(found.steps) < 20
    says([f'"{n}"' for n in range(10000)])
    found = place.probe.run("dns-01", HOST, deadline_ms=3000)
    assert found.problem == "dns" and time.monotonic() - begin < 5 * support.SLOWER


@pytest.mark.rows("M07")
def test_names_that_are_not_there_and_servers_that_are_slow(place):
    assert place.http_01("nowhere.example").problem == "dns"
    found = place.probe.run("dns-01", "nowhere.example")
    assert found.problem == "dns" and "NXDOMAIN" in found.detail and not found.temporary
    place.dns.add("bare.example", "TXT", '"x"')
    found = place.http_01("bare.example")
    assert found.problem == "dns" and "neither" in found.detail
    found = place.probe.run("dns-01", "bare.example")
    assert found.problem in ("dns", "unauthorized") and not found.temporary

    def late(query, _question, _transport):
        time.sleep(4)
        return NameServer.response(query)
    place.dns.script("late.example", late)
    place.dns.script("silent.example", lambda *_: None)
    place.dns.fail("broken.example")
    place.dns.fail("refused.example", dns.rcode.REFUSED)
    for host in ("late.example", "silent.example", "broken.example", "refused.example"):
        begin = time.monotonic()
        found = place.http_01(host, deadline_ms=1500)
        assert found.problem == "dns" and found.temporary and time.monotonic() - begin < 1.5 * support.SLOWER, (host, found)


def test_truncated_and_broken_answers(place):
    place.dns.txt(f"_acme-challenge.{HOST}", *(f"{n:04}" * 50 for n in range(20)), digest(place.probe.key_authorization))
    assert place.probe.run("dns-01", HOST).good
    assert (f"_acme-challenge.{HOST}", "TXT", "tcp") in place.dns.queries
    place.dns.script("garbage.example", lambda query, _q, _t: query.to_wire()[:12] + os.urandom(40))
    assert place.http_01("garbage.example", deadline_ms=2000).problem == "dns"


def test_nothing_is_kept_between_tasks(place):
    name = f"_acme-challenge.{HOST}"
    place.dns.txt(name, "old")
    assert not place.probe.run("dns-01", HOST).good
    place.dns.remove(name)
    place.dns.txt(name, digest(place.probe.key_authorization))
    assert place.probe.run("dns-01", HOST).good


def test_dns_01_takes_the_digest_alone(place):
    right = digest(place.probe.key_authorization)
    for bad in (right + "=", right[:-1], right.lower(), " " + right, place.probe.key_authorization, hashlib.sha256(place.probe.key_authorization.encode()).hexdigest()):
        place.dns.remove(f"_acme-challenge.{HOST}")
        place.dns.txt(f"_acme-challenge.{HOST}", bad)
        assert place.probe.run("dns-01", HOST).problem == "unauthorized", bad
    place.dns.remove(f"_acme-challenge.{HOST}")
    place.dns.add(f"_acme-challenge.{HOST}", "TXT", f'"{right[:20]}" "{right[20:]}"')
    assert place.probe.run("dns-01", HOST).good


@pytest.fixture(name="signed")
def make_signed(binary, tmp_path):
    """A signed zone with a good name, one whose records were changed behind the signature, and a probe that knows its key."""
    key_authorization = f"{Probe.token}.{Probe.thumbprint}"
    right = digest(key_authorization)
    records = [f'_acme-challenge.good IN TXT "{right}"', f'_acme-challenge.bad IN TXT "changed{right[7:]}"', "bad IN A 192.0.2.77",
               'good IN CAA 0 issue "ca.example"', 'bad IN CAA 0 issue "no.example"']
    with SignedZone(tmp_path / "zone", "signed.example", records,
                    [(f"changed{right[7:]}", right), ("192.0.2.77", "127.0.0.1"), ("no.example", "ca.example")]) as zone:
        yield zone, tmp_path


def test_dnssec(signed, binary):
    zone, folder = signed
    options = {"resolver": f"127.0.0.1@{zone.port}", "dnssec_anchor_file": zone.anchor}
    with Probe(binary, folder / "p", options) as probe:
        assert probe.run("dns-01", "good.signed.example").good
        found = probe.run("dns-01", "bad.signed.example")
        assert found.problem == "dns" and "DNSSEC" in found.detail and not found.temporary, found
        found = probe.run("http-01", "bad.signed.example")
        assert found.problem == "dns" and "DNSSEC" in found.detail, found
        assert probe.run("caa", "good.signed.example", method="dns-01", caa_identities=["ca.example"]).good
        found = probe.run("caa", "bad.signed.example", method="dns-01", caa_identities=["ca.example"])
        assert found.problem == "dns" and "DNSSEC" in found.detail, found
        assert probe.run("dns-01", "nowhere.signed.example").problem == "dns"
    with Probe(binary, folder / "q", {**options, "insecure_domains": "bad.signed.example"}) as probe:
        assert probe.run("dns-01", "bad.signed.example").good
    with Probe(binary, folder / "r", {"resolver": f"127.0.0.1@{zone.port}"}) as probe:
        assert probe.run("dns-01", "bad.signed.example").good


# ---------------------------------------------------------------- M08: tls-alpn-01


@pytest.mark.rows("M08")
def test_what_a_responder_must_not_be(place):
    """Each MUST of RFC 8737 3 and 4, broken alone."""
    other = hashlib.sha256(b"other").digest()
    right = hashlib.sha256(place.probe.key_authorization.encode()).digest()
    name = x509.DNSName(HOST)
    cases = {
        "TLS 1.1": ("tls", {"version": ssl.TLSVersion.TLSv1_1}, place.certificate()),
        "TLS 1.0": ("tls", {"version": ssl.TLSVersion.TLSv1}, place.certificate()),
        "the draft's number": ("unauthorized", {}, place.certificate(oid=ACME_IDENTIFIER_DRAFT)),
        "not critical": ("unauthorized", {}, place.certificate(critical=False)),
        "two names": ("unauthorized", {}, place.certificate(names=[name, x509.DNSName("more.example")])),
        "the name twice": ("unauthorized", {}, place.certificate(names=[name, name])),
        "a name and an address": ("unauthorized", {}, place.certificate(names=[name, x509.IPAddress(ipaddress.ip_address("10.0.0.1"))])),
        "another name": ("unauthorized", {}, place.certificate("other.example")),
        "the name as another kind": ("unauthorized", {}, place.certificate(names=[x509.UniformResourceIdentifier(HOST)])),
        "a wildcard": ("unauthorized", {}, place.certificate("*.example")),
        "another protocol": (None, {"protocols": ("http/1.1",)}, place.certificate()),
        "no protocol": ("unauthorized", {"protocols": ()}, place.certificate()),
        "another digest": ("unauthorized", {}, alpn_certificate(HOST, other)),
        "no extension": ("unauthorized", {}, alpn_certificate(HOST, b"")),
        "short": ("unauthorized", {}, alpn_certificate(HOST, right[:31])),
        "no OCTET STRING": ("unauthorized", {}, place.certificate(raw=right)),
        "more behind it": ("unauthorized", {}, place.certificate(raw=b"\x04\x20" + right + b"\x05\x00")),
        "a chain": ("unauthorized", {"chain": place.certificate()[0]}, place.certificate()),
        "signed by another": ("unauthorized", {}, place.certificate(signer=ec.generate_private_key(ec.SECP256R1()))),
    }
    for what, (problem, server, certificate) in cases.items():
        with AlpnServer("127.0.0.1", place.https, certificate, **server):
            found = place.probe.run("tls-alpn-01", HOST)
            assert not found.good and (problem is None or found.problem == problem), (what, found)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        with AlpnServer("127.0.0.1", place.https, place.certificate(HOST.upper()), version=version, protocols=("h2", "acme-tls/1")) as server:
            assert place.probe.run("tls-alpn-01", HOST).good
            assert server.seen == [HOST]


@pytest.mark.rows("M08")
def test_responders_that_say_nothing(place):
    found = place.probe.run("tls-alpn-01", HOST)
    assert found.problem == "connection" and "refused" in found.detail
    with socket.create_server(("127.0.0.1", place.https)):
        found = place.probe.run("tls-alpn-01", HOST, deadline_ms=1500)
        assert found.problem == "connection" and "in time" in found.detail
    with WebServer("127.0.0.1", place.https):
        assert place.probe.run("tls-alpn-01", HOST).problem == "tls"


# ---------------------------------------------------------------- M10: CAA


def caa(place, host, **members):
    return place.probe.run("caa", host, **{"caa_identities": ["ca.example"], "method": "http-01", **members})


@pytest.mark.rows("M10")
def test_each_name_has_its_own_policy(place):
    """Different policies, each looked at once; the question for one name says nothing about the next."""
    policies = {f"n{n}.example": ("ca.example", True) if n % 3 else ("other.example", False) for n in range(30)}
    for host, (issuer, _) in policies.items():
        place.dns.add(host, "CAA", f'0 issue "{issuer}"')
    place.dns.queries.clear()
    for host, (_, good) in policies.items():
        assert caa(place, host).good == good, host
    asked = [name for name, kind, _ in place.dns.queries if kind == "CAA"]
    assert sorted(asked) == sorted(policies)


def test_caa_records(place):
    account = place.probe.account
    cases = [
        (['0 issue "ca.example"'], {}, True), (['0 issue "CA.Example"'], {}, True), (['0 issue " ca.example "'], {}, True),
        (['0 issue "ca.example;"'], {}, True), (['0 issue "other.example"'], {}, False), (['0 issue ";"'], {}, False), (['0 issue ""'], {}, False),
        (['0 issue "other.example"', '0 issue "ca.example"'], {}, True), (['0 issue "ca.example.other"'], {}, False),
        (['0 issue "ca.example other"'], {}, False), (['0 issue "%%%"'], {}, False), (['0 iodef "mailto:a@b.example"'], {}, True),
        (['0 ISSUE "other.example"'], {}, False), (['128 issue "ca.example"'], {}, True), (['128 unknown "x"', '0 issue "ca.example"'], {}, False),
        (['0 unknown "x"', '0 issue "ca.example"'], {}, True), (['0 unknown "x"'], {}, True), (['129 unknown "x"'], {}, False),
        # RFC 8659 4.3
        (['0 issuewild "other.example"'], {}, True), (['0 issuewild "other.example"'], {"wildcard": True}, False),
        (['0 issue ";"'], {"wildcard": True}, False), (['0 issue "ca.example"'], {"wildcard": True}, True),
        (['0 issue "ca.example"', '0 issuewild ";"'], {"wildcard": True}, False), (['0 issue ";"', '0 issuewild "ca.example"'], {"wildcard": True}, True),
        (['0 issue ";"', '0 issuewild "ca.example"'], {}, False),
        # RFC 8657
        ([f'0 issue "ca.example; accounturi={account}"'], {}, True), (['0 issue "ca.example; accounturi=https://ca.example/acct/8"'], {}, False),
        ([f'0 issue "ca.example; accounturi={account}; accounturi={account}"'], {}, False), ([f'0 issue "ca.example; ACCOUNTURI={account}"'], {}, True),
        ([f'0 issue "ca.example; accounturi={account.upper()}"'], {}, False), (['0 issue "ca.example; accounturi="'], {}, False),
        (['0 issue "ca.example; validationmethods=dns-01,http-01"'], {}, True), (['0 issue "ca.example; validationmethods=dns-01"'], {}, False),
        (['0 issue "ca.example; validationmethods=dns-01"'], {"method": "dns-01"}, True), (['0 issue "ca.example; validationmethods="'], {}, False),
        ([f'0 issue "ca.example; validationmethods=http-01; accounturi={account}"'], {}, True), (['0 issue "ca.example; unknown=x"'], {}, True),
        (['0 issue "ca.example; broken"'], {}, False), (['0 issue "ca.example; =x"'], {}, False), (['0 issue "ca.example; a=b c"'], {}, False),
    ]
    for n, (records, members, good) in enumerate(cases):
        place.dns.add(f"c{n}.example", "CAA", *records)
        found = caa(place, f"c{n}.example", **members)
        assert found.good == good and (good or found.problem == "caa"), (records, members, found)


def test_caa_is_looked_for_above_the_name(place):
    place.dns.add("deep.example", "CAA", '0 issue "other.example"')
    place.dns.add("a.b.deep.example", "A", "127.0.0.1")
    found = caa(place, "a.b.deep.example")
    assert found.problem == "caa" and "CAA of deep.example" in found.detail
    place.dns.add("b.deep.example", "CAA", '0 issue "ca.example"')
    assert caa(place, "a.b.deep.example").good
    place.dns.add("alias.example", "CNAME", "target.example.")
    place.dns.add("target.example", "CAA", '0 issue "other.example"')
    assert caa(place, "alias.example").problem == "caa"
    assert caa(place, "none.at.all.example").good
    place.dns.fail("b2.deep.example")
    found = caa(place, "a.b2.deep.example")
    assert found.problem == "caa" and found.temporary, found
    assert place.probe.run("caa", "ip:10.0.0.1", caa_identities=["ca.example"], method="http-01").good


def test_caa_is_part_of_every_kind(place):
    place.dns.txt(f"_acme-challenge.{HOST}", digest(place.probe.key_authorization))
    place.dns.add(HOST, "CAA", '0 issue "ca.example; validationmethods=dns-01"')
    identities = ["elsewhere.example", "ca.example"]
    assert place.probe.run("dns-01", HOST, caa_identities=identities).good
    found = place.http_01(caa_identities=identities)
    assert found.problem == "caa" and "the body is the key authorization" in found.steps
    assert place.http_01().good


# ---------------------------------------------------------------- S01: what may be reached


@pytest.mark.rows("M10")
def test_caa_without_a_name_of_ours_is_refused(place):
    for kind in ("http-01", "caa"):
        found = place.probe.run(kind, HOST, check_caa=True)
        assert not found.good and found.problem == "caa" and "no name" in found.detail, found
    assert place.http_01(check_caa=True, caa_identities=["ca.example"]).good


@pytest.mark.rows("S01")
def test_what_is_never_reached(place, binary, tmp_path):
    """Whatever the networks say: loopback, link-local and the like, and what this machine calls its own."""
    own = {a.split("/")[0] for a in subprocess.run("ip -o addr | awk '{ print $4 }'", shell=True, capture_output=True, text=True, check=True).stdout.split()}
    never = ["127.0.0.1", "127.255.255.254", "0.0.0.0", "169.254.169.254", "224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1", "::1", "::", "fe80::1",
             "ff02::1", "fec0::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::a9fe:a9fe", "2002:7f00:1::1",
             "2002:a9fe:a9fe::", "2001:0:7f00:1::1", "2001::80ff:fffe", "100.100.100.200", "168.63.129.16", "fd00:ec2::254", "2001:db8::1", "fd00::5efe:7f00:1", *own]
    with Probe(binary, tmp_path / "all", {"networks": "0.0.0.0/0 ::/0"}) as probe:
        for address in never:
            for kind in ("http-01", "tls-alpn-01"):
                found = probe.run(kind, "ip:" + address, deadline_ms=1500)
                assert found.problem == "rejectedIdentifier" and "may not be reached" in found.detail, (address, found)
        for address in ("10.255.255.1", "172.16.0.1", "fd00::1", "100.64.0.1"):
            assert probe.run("http-01", "ip:" + address, deadline_ms=300).problem != "rejectedIdentifier", address


@pytest.mark.rows("S01")
def test_networks_narrow_it(place, binary, tmp_path):
    with Probe(binary, tmp_path / "some", {"networks": "10.1.0.0/16 fd00:1::/32"}) as probe:
        for address, good in (("10.1.2.3", True), ("10.2.2.3", False), ("fd00:1::5", True), ("fd00:2::5", False), ("192.168.1.1", False)):
            found = probe.run("http-01", "ip:" + address, deadline_ms=300)
            assert (found.problem == "rejectedIdentifier") != good, (address, found)
        found = probe.run("http-01", "ip:10.1.2.3", networks=["10.1.3.0/24"], deadline_ms=300)
        assert found.problem == "rejectedIdentifier" and "directory" in found.detail
        assert probe.run("http-01", "ip:10.2.2.3", networks=["10.2.0.0/16"], deadline_ms=300).problem == "rejectedIdentifier"
    # a directory's networks hold for the operator's own endpoints as well; one that can't be read lets nothing through
    assert place.http_01(networks=["127.0.0.0/8"]).good
    assert place.http_01(networks=["10.0.0.0/8", "fd00::/8"]).problem == "rejectedIdentifier"
    for network in ("10.0.0.0/33", "10.0.0.1/8", "10.0.0/8", "all", "", "127.0.0.0/8 "):
        found = place.http_01(networks=[network])
        assert not found.good and found.temporary == (found.problem == "serverInternal"), (network, found)


@pytest.mark.rows("S01", "S02")
def test_own_endpoints_are_exact(place):
    with WebServer("127.0.0.1", place.other) as other, WebServer("127.0.0.3", place.http) as third:
        place.web.files[CHALLENGES + place.probe.token] = redirect(f"http://127.0.0.1:{place.other}{CHALLENGES}{place.probe.token}")
        assert place.http_01().problem == "rejectedIdentifier"
        assert place.probe.run("http-01", "ip:127.0.0.3").problem == "rejectedIdentifier"
        assert not other.accepted and not third.accepted


@pytest.mark.rows("S02")
def test_no_proxy_of_the_environment(binary, tmp_path):
    http = free_port()
    proxy = f"http://127.0.0.1:{free_port()}"
    environment = {name: proxy for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")}
    with WebServer("127.0.0.1", int(proxy.rsplit(":", 1)[1])) as caught, WebServer("127.0.0.1", http) as web, \
         Probe(binary, tmp_path / "p", {"http_port": http, "own_endpoints": f"127.0.0.1:{http}"}, environment=environment) as probe:
        web.files[CHALLENGES + probe.token] = probe.key_authorization
        assert probe.run("http-01", "ip:127.0.0.1").good
        assert not caught.accepted


@pytest.mark.rows("S02")
def test_identifiers_that_are_none(place):
    for text in ("dns:a b.example", "dns:.example", "dns:a..example", "dns:*.example", "dns:127.0.0.1", "dns:a.example.", "dns:a@b.example", "dns:a/b", "dns:" + "a" * 64 + ".example",
                 "dns:[::1]", "dns:", "ip:fe80::1%eth0", "ip:127.1", "ip:010.0.0.1", "ip:[::1]", "ip:", "uri:http://a", "dns:a.example:22"):
        assert place.probe.run("http-01", text).problem == "rejectedIdentifier", text


# ---------------------------------------------------------------- the process


def test_what_the_process_may_not_do(place):
    """A filter is there, no privilege is gained, and it listens on nothing."""
    status = open(f"/proc/{place.probe.process.pid}/status", encoding="ascii").read()
    assert "\nNoNewPrivs:\t1" in status and "\nSeccomp:\t2" in status
    if os.geteuid() != 0:
        return  # nobody else looks into it: it isn't dumpable
    opened = {os.readlink(f"/proc/{place.probe.process.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{place.probe.process.pid}/fd")}
    listening = subprocess.run(["ss", "-Hlnptux"], capture_output=True, text=True, check=True).stdout
    assert f"pid={place.probe.process.pid}," not in listening
    assert not [s for s in opened if s.startswith("/") and not s.startswith("/dev/") and not s.endswith("/log")]


def test_messages_that_are_none(place):
    """Bad frames cost the connection, and it comes back; other tasks go on."""
    for junk in (b"\xff\xff\xff\xff", b"\0\0\0\0", struct.pack(">I", 3) + b"\xff\xff\xff", struct.pack(">I", 300 * 1024)):
        peer = place.probe.idle.pop()
        peer.sendall(junk)
        peer.settimeout(5)
        assert peer.recv(1) == b""
        peer.close()
        place.probe.take_up()
        assert place.http_01().good
    data = encode_task(kind=99, identifier="dns:" + HOST, deadline_ms=1000)
    peer = place.probe.idle.pop()
    peer.sendall(struct.pack(">I", len(data)) + data)
    assert place.probe.finish(peer).problem == "serverInternal"


def test_tasks_at_the_same_time(binary, tmp_path):
    """Threads don't disturb each other."""
    http = free_port()
    with NameServer() as names, WebServer("127.0.0.1", http) as web, \
         Probe(binary, tmp_path / "p", {"resolver": f"127.0.0.1@{names.port}", "http_port": http, "own_endpoints": f"127.0.0.1:{http}"}, threads=8) as probe:
        for n in range(0, 200, 2):
            names.add(f"h{n}.example", "A", "127.0.0.1")
        results, lock = {}, threading.Lock()

        def work(mine):
            for n in mine:
                token = b64url(hashlib.sha256(str(n).encode()).digest())
                web.files[CHALLENGES + token] = f"{token}.{probe.thumbprint}"
                with lock:
                    peer = probe.start("http-01", f"h{n}.example", token=token)
                head = read_exactly(peer, 4)
                data = read_exactly(peer, struct.unpack(">I", head)[0])
                with lock:
                    probe.idle.append(peer)
                    results[n] = data
        threads = [threading.Thread(target=work, args=(range(i, 200, 8),)) for i in range(8)]
        for one in threads:
            one.start()
        for one in threads:
            one.join(60)
        assert {n: Finding(data).good for n, data in results.items()} == {n: n % 2 == 0 for n in range(200)}


def test_it_stops_at_once(place):
    """In the middle of a task that would take long."""
    place.dns.script("silent.example", lambda *_: None)
    place.probe.start("http-01", "silent.example", deadline_ms=30000)
    time.sleep(0.3)
    begin = time.monotonic()
    place.probe.process.terminate()
    assert place.probe.process.wait(20) == 0 and time.monotonic() - begin < 2 * support.SLOWER


def test_settings_that_are_refused(binary, tmp_path):
    for options, word in (({"networks": "10.0.0.1/8"}, "networks"), ({"networks": "lan"}, "networks"), ({"own_endpoints": "127.0.0.1"}, "own_endpoints"),
                          ({"own_endpoints": "::1:80"}, "own_endpoints"), ({"own_endpoints": "127.0.0.1:0"}, "own_endpoints"),
                          ({"resolver": "dns.example"}, "resolver"), ({"resolver": "127.0.0.1@x"}, "resolver"), ({"resolver": "127.0.0.1@0"}, "resolver"),
                          ({"insecure_domains": "a b..c"}, "insecure_domains"), ({"dnssec_anchor_file": "/nonexistent"}, "dnssec_anchor_file")):
        probe = Probe(binary, tmp_path, options)
        done = subprocess.run([binary, "--config", str(probe.config()), "--check-config"], capture_output=True, text=True, check=False, timeout=20)
        assert done.returncode == 2 and word in done.stderr, (options, done)
    done = subprocess.run([binary, "--config", str(Probe(binary, tmp_path, {"networks": "10.0.0.0/8, fd00::/8"}).config()), "--check-config"], check=True,
                          capture_output=True, timeout=20)
    assert b"correct" in done.stdout
