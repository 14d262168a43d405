"""The self-service portal in a browser, in both languages: what people see, and what is in the store when they have done it."""

import base64
import io
import re
import uuid
import zipfile

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12

import sessions
import support
from test_console_web import SHOTS, WEB, run  # noqa: F401
from test_console_web import pytestmark  # noqa: F401
from test_portal import Person, document, same_key

LIST = {"en": "No,Serial,Hall\r\n1,{m}-a,1\r\n2,{m}-b,1\r\n3,,1\r\n4,{m}-b,2\r\n5,{f}-c,2\r\n6,{f}-d,2\r\n",
        "de": "\ufeffNr;Seriennummer;Halle\r\n1;{m}-a;1\r\n2;{m}-b;1\r\n3;;1\r\n4;{m}-b;2\r\n5;{f}-c;2\r\n6;{f}-d;2\r\n"}
# Words of a PKI's own, which nobody has to know here. (The first line of a request file is quoted as it is.)
PKI = re.compile(r"\b(certificates?|zertifikate?n?|pki|ca|x\.?509|csr|pkcs|private[rn]? key|privater? schlüssel\w*|revo\w*|widerruf\w*|sperrliste\w*|issuer|profile?|crl|ocsp|"
                 r"subject|serial number of the cert\w*)\b", re.IGNORECASE)
QUOTED = re.compile(r"[“„\"]?-----BEGIN CERTIFICATE REQUEST-----.*?(-----END CERTIFICATE REQUEST-----|[”“\"])", re.DOTALL)


@pytest.fixture
def four_eyes(rest):
    mark = f"eyes-{uuid.uuid4().hex[:8]}"
    made = rest.post("/policies", document("policies", name=mark, enabled=True, operations=["certificate.issue"], rules=[
        {"name": "two", "when": '$.subject.CN[*] starts with "' + mark + '"', "approve": {"count": 1, "right": "approvals.decide"}, "message": "the foreman looks at it"}]))
    assert made.status == 201, made
    yield mark
    assert rest.delete(f"/policies/{made.data['id']}").status == 204


@pytest.mark.rows("W01")
@pytest.mark.parametrize("lang, width", [("en", 1280), ("de", 800)])
def test_a_day_at_the_machines(instance, default_tenant, rest, four_eyes, lang, width):
    name, code = sessions.new_account(default_tenant, "portal")
    mark, boss = f"m-{uuid.uuid4().hex[:8]}", Person(instance, rest, "registration_authority")
    key = support.new_key()
    csr = support.csr_pem(support.new_csr(f"press-{mark}", key=key))
    options = {"url": instance.url, "lang": lang, "name": name, "mark": mark, "shots": SHOTS, "dark": lang == "de", "width": width}
    text = LIST[lang].format(m=mark, f=four_eyes)
    one = run("portal", step="begin", code=code, csr=csr, list=base64.b64encode(text.encode()).decode(), **options)
    assert one["done"] and one["at"].endswith("/portal/")

    def stored(query):
        return {c["attributes"]["common_name"]: c for c in rest.get(f"/certificates?filter[owner]={name}&page[size]=500{query}").data}

    # Each act is in the store: one by name, one by a request file, three of a list of which two lines were left out and two wait.
    made = stored("")
    assert set(made) == {f"lathe-{mark}", f"press-{mark}", f"{mark}-a", f"{mark}-b"}
    assert all(c["attributes"]["requestor"] == name and c["attributes"]["profile"] == "device" for c in made.values())
    file, data = one["p12"]
    assert file == f"lathe-{mark}.p12"
    opened, cert, _ = pkcs12.load_key_and_certificates(base64.b64decode(data), b"eight or more")
    assert same_key(cert, opened) and f"{cert.serial_number:x}" == made[f"lathe-{mark}"]["attributes"]["serial"].lstrip("0")
    assert same_key(support.load_cert(rest.get(f"/certificates/{made[f'press-{mark}']['id']}").attributes["pem"]), key)
    # The preview says line by line what is the matter, faults first.
    lines = [row.split("\t") for row in one["preview"]]
    assert [r[0] for r in lines[:2]] == ["4", "5"] and len(lines) == 6
    file, data = one["zip"]
    archive = zipfile.ZipFile(io.BytesIO(base64.b64decode(data)))
    listed = archive.read("liste.csv" if lang == "de" else "list.csv").decode("utf-8-sig").splitlines()
    assert len(listed) == 3 and f"{mark}-a" in listed[1]
    parts = sorted(n for n in archive.namelist() if n.startswith("0001-"))
    assert parts == [f"0001-{mark}-a.chain.pem", f"0001-{mark}-a.key.pem", f"0001-{mark}-a.pem"]
    assert same_key(support.load_cert(archive.read(f"0001-{mark}-a.pem").decode()), load_pem_private_key(archive.read(f"0001-{mark}-a.key.pem"), None))
    # What waits says for whom, and why.
    assert "the foreman looks at it" in one["waits"] and "Person" in one["waits"]
    assert one["cookies"] == "" and "PRIVATE" not in one["stored"] and "eight or more" not in one["stored"]

    waiting = {a["attributes"]["body"]["subject"]["CN"][0]: a["id"] for a in rest.get(f"/approvals?filter[requestor]=rest:{name}&filter[status]=open").data}
    assert set(waiting) == {f"{four_eyes}-c", f"{four_eyes}-d"}
    assert boss.rest.post(f"/approvals/{waiting[f'{four_eyes}-c']}/approve").status == 200
    assert boss.rest.post(f"/approvals/{waiting[f'{four_eyes}-d']}/reject", document("reject", comment="<b>sold</b> last year")).status == 200
    support.wait_until(lambda: f"{four_eyes}-c" in stored(""), 30)
    sessions.fresh_code(instance, name)
    two = run("portal", step="later", secret=one["secret"], **options)
    assert two["done"] and len(two["devices"]) == 5
    assert any("<b>sold</b> last year" in row for row in two["decided"])
    assert two["again"] == one["p12"] and two["plain"][0] == f"lathe-{mark}.pem"
    assert support.load_cert(base64.b64decode(two["plain"][1]).decode()).serial_number == cert.serial_number
    renewed = rest.get(f"/certificates/{two['renewed']}").attributes
    assert renewed["replaces"] == made[f"lathe-{mark}"]["id"] and (renewed["status"], renewed["revocation_reason"]) == ("revoked", "keyCompromise")
    assert rest.get(f"/certificates/{made[f'lathe-{mark}']['id']}").attributes["status"] == "issued"
    # Plain words: nobody has to know what a PKI is.
    for text in one["texts"] + two["texts"]:
        assert not PKI.search(QUOTED.sub("", text)), PKI.search(QUOTED.sub("", text))


def test_the_page_and_its_headers(instance):
    page = support.http_get(instance.url + "/portal/", context=instance.tls_context())
    assert page.status == 200 and "default-src 'self'" in page.headers["content-security-policy"] and page.headers["x-frame-options"] == "DENY"
    assert page.headers["cache-control"] == "no-cache" and not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page.body.decode())
    assert support.http_get(instance.url + "/portal/asked/7", context=instance.tls_context()).body == page.body
    answer = support.http_get(instance.url + "/portal", context=instance.tls_context())
    assert answer.status == 302 and answer.headers["location"] == "/portal/"
