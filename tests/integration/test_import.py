"""What other PKIs issued is brought in and lives on: CAs with and without keys, certificates, revocations; hostile files cost nothing."""

import datetime
import os
import pathlib
import subprocess
import time
import urllib.parse
import uuid

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

import pki
import support


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def cn(word):
    return f"{word} {uuid.uuid4().hex[:8]}"


class Import:
    """An import over REST, as a program does it."""

    def __init__(self, rest, **attributes):
        self.rest = rest
        answer = rest.post("/imports", {"data": {"type": "imports", "attributes": {"name": cn("import"), **attributes}}})
        assert answer.status == 201, answer
        self.id = answer.json["data"]["id"]

    def file(self, name, data, kind="data", expect=None):
        answer = self.rest.request("POST", f"/imports/{self.id}/files?{urllib.parse.urlencode({'name': name, 'kind': kind})}", data,
                                   headers={"Content-Type": "application/octet-stream"})
        assert answer.status in ((200, 201, 204) if expect is None else (expect,)), answer
        return answer

    def run(self, seconds=60):
        """Starts it and waits; the job's attributes."""
        answer = self.rest.post(f"/imports/{self.id}/start")
        assert answer.status == 202, answer
        job = answer.json["data"]["id"]
        ended = support.wait_until(lambda: self._ended(job), seconds)
        self.job = job
        return ended

    def _ended(self, job):
        attributes = self.rest.get(f"/jobs/{job}").json["data"]["attributes"]
        return attributes if attributes["status"] in ("done", "failed", "cancelled") else None

    def items(self):
        out, path = [], f"/job_items?filter[job]={self.job}&page[size]=500"
        while path:
            page = self.rest.get(path).json
            out += [item["attributes"] for item in page["data"]]
            path = page["links"].get("next")
            path = path and path[path.index("/job_items"):]
        return out

    def of_status(self, status):
        return [i for i in self.items() if i["status"] == status]


def imported(rest, files, seconds=60, **attributes):
    one = Import(rest, **attributes)
    for name, data, *kind in files:
        one.file(name, data, *kind)
    job = one.run(seconds)
    assert job["status"] == "done", (job, one.items())
    return one


def ca_by_subject(rest, words):
    found = rest.get("/cas?" + urllib.parse.urlencode({"filter[subject][contains]": words})).json["data"]
    assert len(found) == 1, found
    return found[0]


def certificate_by_name(rest, name):
    found = rest.get("/certificates?" + urllib.parse.urlencode({"filter[common_name]": name})).json["data"]
    assert len(found) == 1, found
    return found[0]


def verify(ca_pem, chain_pem, leaf_pem, tmp_path):
    for name, text in (("root", ca_pem), ("chain", chain_pem), ("leaf", leaf_pem)):
        (tmp_path / f"{name}.pem").write_bytes(text if isinstance(text, bytes) else text.encode())
    pki.run("openssl", "verify", "-x509_strict", "-CAfile", tmp_path / "root.pem", "-untrusted", tmp_path / "chain.pem", tmp_path / "leaf.pem")


def fetch_crl(rest, ca_id):
    url = rest.get(f"/cas/{ca_id}").json["data"]["attributes"]["crl_url"]
    answer = support.http_get(url)
    return x509.load_der_x509_crl(answer.body) if answer.status == 200 else None


def ocsp_says(tmp_path, issuer_pem, serial, url, root_pem):
    (tmp_path / "issuer.pem").write_bytes(issuer_pem)
    (tmp_path / "anchor.pem").write_bytes(root_pem)
    done = subprocess.run(["openssl", "ocsp", "-issuer", tmp_path / "issuer.pem", "-serial", hex(serial), "-url", url, "-CAfile", tmp_path / "anchor.pem",
                           "-verify_other", tmp_path / "issuer.pem"], capture_output=True, timeout=30, text=True)
    return done.stdout + done.stderr


class TestOpensslHierarchy:
    """A root and a sub CA kept by `openssl ca`: keys under passwords, two certificates, one of them revoked."""

    @pytest.fixture(scope="class")
    def old(self, tmp_path_factory):
        folder = tmp_path_factory.mktemp("openssl")
        root = pki.OpensslCa(folder / "root", cn("Old Root"), password="root secret")
        sub = pki.OpensslCa(folder / "sub", cn("Old Issuing"), root, password="sub,\"secret\"")
        good, bad = f"good-{uuid.uuid4().hex[:8]}.example", f"bad-{uuid.uuid4().hex[:8]}.example"
        sub.leaf(good)
        sub.revoke(sub.leaf(bad)[0], "keyCompromise")
        return root, sub, good, bad

    @pytest.fixture(scope="class")
    def done(self, rest, old):
        root, sub, good, bad = old
        passwords = 'file,password\nroot.key,root secret\nsub.key,"sub,""secret"""\n'
        return imported(rest, [("leaves.pem", sub.read(f"{good}.pem") + sub.read(f"{bad}.pem")), ("sub.key", sub.read("ca.key")), ("sub.pem", sub.read("ca.pem")),
                               ("root.pem", root.read("ca.pem")), ("root.key", root.read("ca.key")), ("old.crl", sub.crl()),
                               ("passwords.csv", passwords.encode(), "passwords")], owner="works council", metadata={"from": "openssl"})

    def test_every_item_is_reported(self, done):
        assert not done.of_status("failed"), done.items()
        details = [i["detail"] for i in done.items()]
        assert sum("CA with its key" in d for d in details) == 2
        assert sum(d.startswith("certificate/") for d in details) == 2
        assert any("1 certificates revoked" in d for d in details)

    def test_the_certificates_are_there(self, rest, old, done):
        _, sub, good, bad = old
        one, other = certificate_by_name(rest, good), certificate_by_name(rest, bad)
        assert one["attributes"]["status"] == "issued" and other["attributes"]["status"] == "revoked"
        assert other["attributes"]["revocation_reason"] == "keyCompromise"
        assert one["attributes"]["source"] == "import" and one["attributes"]["names"] == [f"dns:{good}"]
        assert int(one["attributes"]["serial"], 16) == 1
        text = rest.get(f"/certificates/{one['id']}").json["data"]["attributes"]["pem"]
        assert support.load_cert(text) == x509.load_pem_x509_certificate(sub.read(f"{good}.pem"))

    def test_it_goes_on_issuing(self, rest, old, done, tmp_path):
        root, sub, *_ = old
        ca = ca_by_subject(rest, sub.cn)
        assert ca["attributes"]["status"] == "active"
        assert ca_by_subject(rest, root.cn)["attributes"]["status"] == "offline"
        new = support.wait_until(lambda: self._issue(rest, ca["attributes"]["name"]), 15)
        verify(root.read("ca.pem"), sub.read("ca.pem"), new["attributes"]["pem"], tmp_path)
        cert = support.load_cert(new["attributes"]["pem"])
        assert cert.serial_number.bit_length() > 64

    @staticmethod
    def _issue(rest, ca):
        answer = rest.issue(cn=f"new-{uuid.uuid4().hex[:8]}.example", ca=ca)
        return answer.json["data"] if answer.status == 201 else None

    def test_crl_and_ocsp_go_on(self, rest, old, done, tmp_path):
        root, sub, good, bad = old
        ca = ca_by_subject(rest, sub.cn)
        before = x509.load_pem_x509_crl(sub.read("crl.pem")).extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
        crl = support.wait_until(lambda: fetch_crl(rest, ca["id"]), 20)
        assert crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number > before
        revoked = x509.load_pem_x509_certificate(sub.read(f"{bad}.pem")).serial_number
        assert crl.get_revoked_certificate_by_serial_number(revoked) is not None
        assert crl.is_signature_valid(x509.load_pem_x509_certificate(sub.read("ca.pem")).public_key())
        url = rest.get(f"/cas/{ca['id']}").json["data"]["attributes"]["ocsp_url"]
        for name, word in ((good, "good"), (bad, "revoked")):
            serial = x509.load_pem_x509_certificate(sub.read(f"{name}.pem")).serial_number
            support.wait_until(lambda: word in ocsp_says(tmp_path, sub.read("ca.pem"), serial, url, root.read("ca.pem")), 15, 0.2)

    def test_again_changes_nothing(self, rest, instance, old, done):
        root, sub, good, bad = old
        count = instance.count("certificate")
        again = imported(rest, [("all.pem", sub.read(f"{good}.pem") + sub.read(f"{bad}.pem") + sub.read("ca.pem") + root.read("ca.pem"))])
        assert {i["status"] for i in again.items()} == {"repeated"}
        assert instance.count("certificate") == count

    def test_nothing_of_it_lies_about(self, instance, done):
        assert instance.count("import_part", f"file_id IN (SELECT id FROM import_file WHERE import_id = {int(done.id)})") == 0
        assert instance.sql(f"SELECT wrapped_key IS NULL FROM import WHERE id = {int(done.id)}")[0][0] in ("t", True)
        text = instance.log_text()
        assert "root secret" not in text and 'sub,"secret"' not in text


def test_a_hierarchy_of_certtool(rest, tmp_path):
    root = pki.CerttoolCa(tmp_path / "root", cn("GnuTLS Root"))
    sub = pki.CerttoolCa(tmp_path / "sub", cn("GnuTLS Issuing"), root)
    name = f"gnutls-{uuid.uuid4().hex[:8]}.example"
    leaf, _ = sub.leaf(name)
    password = "Pässwort 42"
    pfx = pki.pkcs12(tmp_path / "sub.p12", sub.path("ca.pem"), sub.path("ca.key"), password, "-certfile", root.path("ca.pem"))
    with open(leaf, "rb") as f:
        leaf_pem = f.read()
    one = imported(rest, [("sub.p12", pfx), ("leaf.pem", leaf_pem), ("pw.csv", f"sub.p12;{password}\r\n".encode(), "passwords")])
    assert not one.of_status("failed"), one.items()
    subject = x509.load_pem_x509_certificate(sub.read("ca.pem")).subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value
    ca = ca_by_subject(rest, subject)
    assert certificate_by_name(rest, name)["attributes"]["issuer"] == ca["attributes"]["name"]
    new = support.wait_until(lambda: TestOpensslHierarchy._issue(rest, ca["attributes"]["name"]), 15)
    (tmp_path / "chain").mkdir()
    verify(root.read("ca.pem"), sub.read("ca.pem"), new["attributes"]["pem"], tmp_path / "chain")
    pki.run("certtool", "--verify", "--load-ca-certificate", root.path("ca.pem"), input=(new["attributes"]["pem"].encode() + sub.read("ca.pem")))


def test_every_format(rest, tmp_path):
    """One certificate each as DER, PEM, PKCS#7 in both coats and PKCS#12, and their keys go to the archive."""
    ca = pki.OpensslCa(tmp_path / "ca", cn("Formats"))
    leaves = [ca.leaf(f"f{i}-{uuid.uuid4().hex[:8]}.example") for i in range(5)]
    der = [pki.run("openssl", "x509", "-in", pem, "-outform", "DER") for pem, _ in leaves]
    p7_der = pki.run("openssl", "crl2pkcs7", "-nocrl", "-certfile", leaves[2][0], "-outform", "DER")
    p7_pem = pki.run("openssl", "crl2pkcs7", "-nocrl", "-certfile", leaves[3][0])
    pfx = pki.pkcs12(tmp_path / "l.p12", *leaves[4], "secret")
    with open(leaves[1][0], "rb") as f:
        one_pem = f.read()
    with open(leaves[0][1], "rb") as f:
        key = f.read()
    one = imported(rest, [("0.der", der[0]), ("1.pem", b"some words before\n" + one_pem), ("2.p7b", p7_der), ("3.p7b", p7_pem), ("4.p12", pfx), ("ca.der",
                          pki.run("openssl", "x509", "-in", ca.path("ca.pem"), "-outform", "DER")), ("0.key", key), ("pw.csv", b"4.p12,secret\n", "passwords")],
                   archive_keys=True)
    assert not one.of_status("failed"), one.items()
    assert sum(i["detail"].startswith("certificate/") for i in one.of_status("done")) == 5
    assert sum("archived" in i["detail"] for i in one.of_status("done")) == 2
    assert ca_by_subject(rest, ca.cn)["attributes"]["status"] == "retired"  # without its key there is nothing to serve


def test_a_pkcs12_beyond_one_piece(rest, tmp_path):
    """It comes in pieces, each sealed by itself under the import's key: nothing but LIMIT_IMPORT_FILE_BYTES bounds it."""
    ca = pki.OpensslCa(tmp_path / "ca", cn("Large"))
    leaf, others = ca.leaf(f"large-{uuid.uuid4().hex[:8]}.example"), tmp_path / "others.pem"
    key, name, now = support.new_key(), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "filler")]), datetime.datetime(2026, 1, 1)
    one = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + datetime.timedelta(days=900))
    one = one.add_extension(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), os.urandom(50000)), False)
    others.write_bytes(pem(one.sign(key, hashes.SHA256())) * 3)
    pfx = pki.pkcs12(tmp_path / "large.p12", *leaf, "secret", "-certfile", others)
    assert len(pfx) > 140000
    one = imported(rest, [("large.p12", pfx), ("ca.pem", ca.read("ca.pem")), ("pw.csv", b"large.p12,secret\n", "passwords")])
    assert any(i["object"].startswith("file large.p12,") and i["detail"].startswith("certificate/") for i in one.of_status("done")), one.items()


@pytest.mark.rows("I01")
def test_iterations_are_read_before_they_are_believed(rest, tmp_path):
    key, crt = tmp_path / "k.pem", tmp_path / "c.pem"
    pki.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", crt, "-subj", "/CN=x")
    slow = pki.pkcs12(tmp_path / "slow.p12", crt, key, "secret", "-iter", "2000000")
    no_mac = pki.pkcs12(tmp_path / "nomac.p12", crt, key, "secret", "-nomac")
    began = time.monotonic()
    one = imported(rest, [("slow.p12", slow), ("nomac.p12", no_mac), ("pw.csv", b"*,secret\n", "passwords")])
    assert time.monotonic() - began < 10 * support.SLOWER
    texts = [i["detail"] for i in one.of_status("failed")]
    assert any("iterations" in t for t in texts) and any("no MAC" in t for t in texts), one.items()


@pytest.mark.rows("I01")
def test_a_wrong_password_costs_little(rest, tmp_path):
    key, crt = tmp_path / "k.pem", tmp_path / "c.pem"
    pki.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", crt, "-subj", "/CN=x")
    pfx = pki.pkcs12(tmp_path / "x.p12", crt, key, "right", "-iter", "600000")
    passwords = "".join(f"*,wrong {i}\n" for i in range(1000))
    began = time.monotonic()
    one = imported(rest, [("x.p12", pfx), ("pw.csv", passwords.encode(), "passwords")])
    assert time.monotonic() - began < 30 * support.SLOWER
    assert "none of the passwords" in one.of_status("failed")[0]["detail"]


@pytest.mark.rows("I02")
def test_broken_pkcs12(rest, tmp_path):
    key, crt = tmp_path / "k.pem", tmp_path / "c.pem"
    pki.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", crt, "-subj", "/CN=x")
    whole = pki.pkcs12(tmp_path / "x.p12", crt, key, "secret", "-name", "‮txt.evil\x07")
    files = [(f"cut-{n}.p12", whole[:n]) for n in range(1, len(whole), max(1, len(whole) // 40))]
    files += [(f"flip-{n}.p12", whole[:n] + bytes([whole[n] ^ 0xff]) + whole[n + 1:]) for n in range(0, len(whole), max(1, len(whole) // 40))]
    files += [("no-content.p12", bytes.fromhex("3008020103300306010030 00".replace(" ", ""))), ("pw.csv", b"*,secret\n", "passwords")]
    one = imported(rest, files)
    assert not [i for i in one.of_status("done") if "certificate/" in i["detail"]]
    assert len(one.of_status("failed")) >= len(files) - 5


@pytest.mark.rows("I03")
def test_what_doesnt_fit_together(rest, tmp_path):
    ca = pki.OpensslCa(tmp_path / "ca", cn("Misfits"))
    good = ca.leaf(f"g-{uuid.uuid4().hex[:8]}.example")
    stranger = support.new_key()
    weak = tmp_path / "weak"
    pki.run("openssl", "req", "-new", "-newkey", "rsa:1024", "-nodes", "-keyout", f"{weak}.key", "-subj", "/CN=weak.example", "-config", ca.cnf, "-out", f"{weak}.csv")
    ca.sign(f"{weak}.csv", f"{weak}.pem")
    other = pki.OpensslCa(tmp_path / "other", cn("Elsewhere"))
    orphan = other.leaf(f"o-{uuid.uuid4().hex[:8]}.example")
    forged = pki.OpensslCa(tmp_path / "forged", ca.cn)  # the same name, another key
    fake = forged.leaf(f"fake-{uuid.uuid4().hex[:8]}.example")
    expired, _ = support.self_signed(cn=cn("Expired"), ca=True, not_before=datetime.datetime(2001, 1, 1))
    leaf_with_ca_flag_missing, _ = support.self_signed(cn=cn("No CA"))

    def read(path):
        with open(path, "rb") as f:
            return f.read()

    one = imported(rest, [("ca.pem", ca.read("ca.pem")), ("good.pem", read(good[0])), ("stranger.key", support.key_pem(stranger)),
                          ("weak.pem", read(f"{weak}.pem")), ("orphan.pem", read(orphan[0])), ("fake.pem", read(fake[0])),
                          ("expired.pem", pem(expired)), ("selfmade.pem", pem(leaf_with_ca_flag_missing))])
    failed = {i["object"].split(",")[0]: i["detail"] for i in one.of_status("failed")}
    assert set(failed) == {f"file {name}" for name in ("stranger.key", "weak.pem", "orphan.pem", "fake.pem", "expired.pem", "selfmade.pem")}, one.items()
    assert "belongs to no certificate" in failed["file stranger.key"] and "1024" in failed["file weak.pem"]
    assert "issuer isn't here" in failed["file orphan.pem"]
    assert "expired" in failed["file expired.pem"]


@pytest.mark.rows("I03")
def test_cas_in_a_circle_and_crossed(rest):
    """Two CAs that certify each other, and no root: refused. With a root: the second certificate is kept as a cross-certificate."""
    a, b, ka, kb = cn("Circle A"), cn("Circle B"), support.new_key(), support.new_key()
    ab, _ = support.self_signed(cn=a, key=ka, ca=True, issuer=support.new_name(b), issuer_key=kb)
    ba, _ = support.self_signed(cn=b, key=kb, ca=True, issuer=support.new_name(a), issuer_key=ka)
    one = imported(rest, [("circle.pem", pem(ab) + pem(ba))])
    assert len(one.of_status("failed")) == 2 and "circle" in one.of_status("failed")[0]["detail"]
    root, _ = support.self_signed(cn=b, key=kb, ca=True)
    again = imported(rest, [("circle.pem", pem(ab) + pem(ba) + pem(root))])
    assert not again.of_status("failed"), again.items()


@pytest.mark.rows("R01")
def test_another_tenants_ca_gives_no_power(rest, instance, other_tenant, client_identity, tmp_path):
    """What is public of a tenant's CA can be imported by another one. It changes nothing for those who have its certificates, and nobody takes its place."""
    cert_file, key_file, resource = client_identity()
    ca = rest.get(f"/cas/{resource['relationships']['ca']['data']['id']}").json["data"]["attributes"]
    with open(instance.root, "rb") as f:
        root = f.read()
    thief = other_tenant.rest()
    one = imported(thief, [("root.pem", root), ("ca.pem", ca["pem"].encode()), ("victim.pem", resource["attributes"]["pem"].encode())])
    assert any(i["detail"].startswith("certificate/") for i in one.of_status("done")), one.items()
    answer = instance.rest(cert=cert_file, key=key_file).get("/certificates")
    assert answer.status == 403 and "wasn't issued" not in answer.error["detail"], answer  # known as before, without rights as before
    rest.post(f"/certificates/{resource['id']}/revoke", {"data": {"type": "revocation", "attributes": {"reason": "superseded"}}})
    assert "revoked" in instance.rest(cert=cert_file, key=key_file).get("/certificates").error["detail"]
    # a CA of one's own that claims the other's key identifier
    key, ski = support.new_key(), x509.load_pem_x509_certificate(ca["pem"].encode()).extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    fake, _ = support.self_signed(cn=cn("Fake"), key=key, ca=True, extensions=[(x509.SubjectKeyIdentifier(ski), False)])
    one = imported(thief, [("fake.pem", pem(fake)), ("fake.key", support.key_pem(key))])
    assert any("key identifier" in i["detail"] for i in one.of_status("failed")), one.items()


@pytest.mark.rows("I04")
def account_with(rest, role):
    """REST as a new account of a role."""
    name = f"importer-{uuid.uuid4().hex[:8]}"
    assert rest.post("/accounts", {"data": {"type": "accounts", "attributes": {"name": name, "role": role}}}).status == 201
    made = rest.post("/credentials", {"data": {"type": "credentials", "attributes": {"kind": "token", "account": name}}})
    assert made.status == 201, made
    return rest.instance.rest(made.json["data"]["attributes"]["secret"])


def test_a_cas_key_wants_the_right_to_make_cas(rest):
    word = cn("Shadow Root")
    certificate, key = support.self_signed(cn=word, ca=True)
    files = [("root.pem", pem(certificate)), ("root.key", support.key_pem(key))]
    operator = account_with(rest, "operator")
    failed = imported(operator, files).of_status("failed")
    assert len(failed) == 1 and "cas.manage" in failed[0]["detail"], failed
    assert not rest.get("/cas?" + urllib.parse.urlencode({"filter[subject][contains]": word})).json["data"]
    imported(rest, files)
    assert ca_by_subject(rest, word)["attributes"]["status"] == "offline"


def test_a_retired_ca_isnt_brought_back_by_its_key(rest, instance):
    word = cn("Old Root")
    certificate, key = support.self_signed(cn=word, ca=True)
    files = [("root.pem", pem(certificate)), ("root.key", support.key_pem(key))]
    imported(rest, files)
    ca = ca_by_subject(rest, word)
    support.wait_until(lambda: instance.count("crl", f"ca_id = {int(ca['id'])}"), 20)
    assert rest.post(f"/cas/{ca['id']}/retire").status == 200
    imported(rest, files)
    assert ca_by_subject(rest, word)["attributes"]["status"] == "retired"


def test_many_blocks(rest, tmp_path):
    block = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    one = imported(rest, [("lines.pem", b"-----BEGIN CERTIFICATE-----\n" + b"AAAA\n" * 1000000), ("many.pem", (block * 100100).encode())], seconds=120)
    def details(sort):
        return [i["attributes"] for i in rest.get(f"/job_items?filter[job]={one.job}&sort={sort}&page[size]=20").json["data"]]

    assert any("PEM blocks" in i["detail"] for i in details("-n"))
    assert any(i["object"].startswith("file lines.pem") and i["status"] == "failed" for i in details("n"))


@pytest.mark.rows("I05")
@pytest.mark.parametrize("text, words", [
    (b'file,password\nx,"open\n', "isn't closed"), (b"a,b,c\n", "two columns"), (b"a\x00b,c\n", "NUL"), ("a,b\n".encode("utf-16"), "UTF-16"),
    (b"a,b\na,b\n", "same row"), (b"only\n", "two columns"), (b"a,\xff\n", "UTF-8"), (b"," * 100000 + b"\n", "two columns"), (b",b\n", "name of the file"),
])
def test_passwords_are_taken_whole_or_not_at_all(rest, text, words):
    one = Import(rest)
    one.file("cert.pem", pem(support.self_signed()[0]))
    one.file("pw.csv", text, "passwords")
    job = one.run()
    assert job["status"] == "failed" and words in job["error"], job


@pytest.mark.rows("O09")
def test_crls_that_arent_whole_or_right(rest, tmp_path):
    ca = pki.OpensslCa(tmp_path / "ca", cn("Lists"))
    leaf, _ = ca.leaf(f"l-{uuid.uuid4().hex[:8]}.example")
    ca.revoke(leaf)
    good = x509.load_pem_x509_crl(ca.crl())
    key = serialization.load_pem_private_key(ca.read("plain.key"), None)

    def crl(sign=key, *extensions):
        builder = x509.CertificateRevocationListBuilder().issuer_name(good.issuer).last_update(support.last_update(good).replace(tzinfo=None)) \
            .next_update(support.next_update(good).replace(tzinfo=None))
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(sign, hashes.SHA256()).public_bytes(serialization.Encoding.DER)

    point = x509.IssuingDistributionPoint(full_name=[x509.UniformResourceIdentifier("http://x.example/")], relative_name=None, only_contains_user_certs=True,
                                          only_contains_ca_certs=False, only_some_reasons=None, indirect_crl=False, only_contains_attribute_certs=False)
    with open(leaf, "rb") as f:
        leaf_pem = f.read()
    one = imported(rest, [("ca.pem", ca.read("ca.pem")), ("leaf.pem", leaf_pem), ("wrong-key.crl", crl(support.new_key())), ("delta.crl", crl(key, (x509.DeltaCRLIndicator(1), True))),
                          ("part.crl", crl(key, (point, True))), ("cut.crl", crl()[:-20]), ("good.crl", ca.read("crl.pem"))])
    failed = {i["object"].split(",")[0] for i in one.of_status("failed")}
    assert failed == {"file wrong-key.crl", "file delta.crl", "file part.crl", "file cut.crl"}, one.items()


@pytest.mark.rows("I06")
def test_killed_half_way_it_goes_on(rest, instance, tmp_path):
    """The runner is ended by SIGKILL again and again; at the end everything is there once."""
    ca = pki.OpensslCa(tmp_path / "ca", cn("Killed"))
    key = serialization.load_pem_private_key(ca.read("plain.key"), None)
    issuer = x509.load_pem_x509_certificate(ca.read("ca.pem"))
    marker = uuid.uuid4().hex[:8]
    subject_key = support.new_key()
    leaves = [support.self_signed(cn=f"k{i}-{marker}.example", key=subject_key, issuer=issuer.subject, issuer_key=key)[0] for i in range(3000)]
    one = Import(rest)
    one.file("ca.pem", ca.read("ca.pem"))
    for part in range(3):
        one.file(f"{part}.pem", b"".join(map(pem, leaves[part * 1000:part * 1000 + 1000])))
    answer = rest.post(f"/imports/{one.id}/start")
    assert answer.status == 202, answer
    one.job = answer.json["data"]["id"]
    for _ in range(4):
        time.sleep(0.25)
        (runner,) = support.wait_until(lambda: runner_pids(instance))
        os.kill(runner, 9)
    support.wait_until(lambda: one._ended(one.job), 90)
    assert instance.count("certificate", f"common_name LIKE 'k%-{marker}.example'") == 3000
    done = [i for i in one.items() if i["detail"].startswith("certificate/")]
    assert len(done) == 3000 and all(i["status"] == "done" for i in done)


runners = {}  # master of the engine → its runner that was given last, and all its children of that time


def runner_pids(instance):
    """The engine's child that does jobs: the one but last that its master started; after that one was killed the one that came since, if it has come."""
    found = []
    for pid in instance.pids("siegel-ca"):
        try:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if fields[0] not in "XZ":  # one that was killed is there until its parent has looked
            found.append((int(fields[19]), pid, int(fields[1])))  # when it began: numbers of processes begin anew
    ours = {pid for _, pid, _ in found}
    (master,) = {pid for _, pid, parent in found if parent not in ours}
    children = [pid for _, pid, parent in sorted(found) if parent == master]
    last, those = runners.get(master, (None, None))
    if last is None:
        last = children[-2]
    elif last not in children:
        last = next((pid for pid in children if pid not in those), None)
    if last is None:
        return []
    runners[master] = last, children
    return [last]


def test_bounds(rest):
    one = Import(rest)
    assert rest.post(f"/imports/{one.id}/start").status == 409
    one.file("big.pem", b"x" * (17 << 20), expect=413)
    assert rest.request("POST", f"/imports/{one.id}/files?name=a", b"x", headers={"Content-Type": "application/vnd.api+json"}).status == 415
    assert rest.request("POST", "/imports/999999999/files?name=a", b"x", headers={"Content-Type": "application/octet-stream"}).status == 404
    assert rest.delete(f"/imports/{one.id}").status == 204


def test_a_key_that_comes_later(rest, tmp_path):
    """A CA that was here without its key goes into service with it."""
    ca = pki.OpensslCa(tmp_path / "ca", cn("Late key"))
    imported(rest, [("ca.pem", ca.read("ca.pem"))])
    assert ca_by_subject(rest, ca.cn)["attributes"]["status"] == "retired"
    one = imported(rest, [("ca.pem", ca.read("ca.pem")), ("ca.key", ca.read("plain.key"))])
    assert not one.of_status("failed"), one.items()
    assert ca_by_subject(rest, ca.cn)["attributes"]["status"] == "offline"  # a root that has issued to nobody, as those made here


@pytest.mark.rows("R02")
def test_nobody_blocks_anothers_key(rest, other_tenant, tmp_path):
    """A certificate over somebody else's public key can be imported, and reported compromised: it says nothing of whoever has the key."""
    key = support.new_key()
    victim = rest.issued(csr=support.csr_pem(support.new_csr("victim.example", key=key)), cn="victim.example")
    ca = pki.OpensslCa(tmp_path / "ca", cn("Blocker"))
    ca_key = serialization.load_pem_private_key(ca.read("plain.key"), None)
    issuer = x509.load_pem_x509_certificate(ca.read("ca.pem"))
    forged, _ = support.self_signed(cn="somebody else", key=key, issuer=issuer.subject, issuer_key=ca_key)
    revoked = x509.RevokedCertificateBuilder().serial_number(forged.serial_number).revocation_date(support.not_before(issuer).replace(tzinfo=None)) \
        .add_extension(x509.CRLReason(x509.ReasonFlags.key_compromise), False).build()
    crl = x509.CertificateRevocationListBuilder().issuer_name(issuer.subject).last_update(support.not_before(issuer).replace(tzinfo=None)) \
        .next_update(support.not_after(issuer).replace(tzinfo=None)).add_revoked_certificate(revoked).sign(ca_key, hashes.SHA256())
    one = imported(other_tenant.rest(), [("ca.pem", ca.read("ca.pem")), ("forged.pem", pem(forged)), ("list.crl", pem(crl))])
    assert any("1 certificates revoked" in i["detail"] for i in one.items()), one.items()
    answer = rest.post(f"/certificates/{victim['id']}/renew", {"data": {"type": "renew", "attributes": {}}})
    assert answer.status == 201, answer
