"""Hierarchies over REST: CAs at any depth, roll-over with link certificates, certificates from and for elsewhere. Chains, CRLs and OCSP answers are
verified by openssl, as a verifier would do it who has nothing but its trust anchor."""

import subprocess
import uuid

import pytest

import support


def unique():
    return uuid.uuid4().hex[:10]


@pytest.fixture(scope="module")
def house(new_tenant):
    """A tenant of its own: what becomes of its CAs is nobody else's business."""
    return new_tenant()


@pytest.fixture(scope="module")
def rest(house):
    return house.rest()


class Files:
    def __init__(self, folder):
        self.folder = folder

    def write(self, *pems):
        path = self.folder / f"{unique()}.pem"
        path.write_text("".join(pems))
        return str(path)

    def openssl(self, *command, check=True):
        done = subprocess.run(["openssl", *command], capture_output=True, text=True, timeout=30)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


def document(kind, attributes, relationships=None):
    data = {"type": kind, "attributes": attributes}
    if relationships:
        data["relationships"] = {n: {"data": {"type": "cas", "id": i}} for n, i in relationships.items()}
    return {"data": data}


def make(rest, name, parent=None, status=201, **attributes):
    body = {"name": name, "subject": [["CN", name], ["O", "Hierarchies"]], "key_type": "p256", "key_store": "file", **attributes}
    answer = rest.post("/cas", document("cas", body, {"parent": parent["id"]} if parent else None))
    assert answer.status == status, answer
    return answer.data if status == 201 else answer


def do(rest, resource, action, status=200, **members):
    answer = rest.post(f"/cas/{resource['id']}/{action}", {"data": {"type": action, "attributes": members}} if members else None)
    assert answer.status == status, answer
    return answer


def read(rest, ca):
    return rest.get(f"/cas/{ca['id']}").data


def kept(rest, ca, kind):
    found = rest.get(f"/ca_certificates?filter[ca]={ca['id']}&filter[kind]={kind}").data
    return [c["attributes"]["pem"] for c in found]


def issue(rest, ca):
    answer = rest.issue("cert_client", cn=f"h-{unique()}", ca=ca["attributes"]["name"])
    assert answer.status == 201, answer
    return answer


def crl_is_fresh(files, ca, issuer_pem):
    """The list as a verifier fetches it, good for the issuer; its text."""
    def fetch():
        answer = support.http_get(ca["attributes"]["crl_url"])
        if answer.status != 200:
            return None
        path = files.folder / f"{unique()}.crl"
        path.write_bytes(answer.body)
        out = files.openssl("crl", "-inform", "DER", "-in", str(path), "-CAfile", files.write(issuer_pem), "-noout", "-text")
        return out if "verify OK" in out else None
    return support.wait_until(fetch, 10)


def ocsp_status(files, ca, leaf, issuer_pem, *above):
    """What OCSP says of leaf; above: the certificates over the issuer, the root last. None: the issuer is the root."""
    anchor_pem = above[-1] if above else issuer_pem

    def ask():
        out = files.openssl("ocsp", "-issuer", files.write(issuer_pem), "-cert", files.write(leaf), "-url", ca["attributes"]["ocsp_url"],
                            "-CAfile", files.write(anchor_pem), "-verify_other", files.write(issuer_pem, *above), check=False)
        return out if "Response verify OK" in out else None
    return support.wait_until(ask, 10)


def test_depth(rest, files):
    """Four CAs one below the other; each answers for what it issued."""
    cas = [make(rest, f"d0-{unique()}")]
    for i in range(1, 4):
        cas.append(make(rest, f"d{i}-{unique()}", cas[-1], **({"profile": "root-ca"} if i < 3 else {})))
    pems = [ca["attributes"]["pem"] for ca in cas]
    leaf = issue(rest, cas[-1]).attributes["pem"]
    files.openssl("verify", "-x509_strict", "-CAfile", files.write(pems[0]), "-untrusted", files.write(*pems[1:]), files.write(leaf))
    done = subprocess.run(["certtool", "--verify", "--load-ca-certificate", files.write(pems[0]), "--infile", files.write(leaf, *reversed(pems[1:]))],
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "good" in ocsp_status(files, cas[-1], leaf, *reversed(pems))
    crl_is_fresh(files, cas[-1], pems[-1])
    refused = make(rest, f"d4-{unique()}", cas[-1], status=422)
    assert "path length" in refused.error["detail"]


def test_root_rollover(rest, files):
    """Old and new root verify what either key issued, by link certificates; both keys answer; the name leads to the new one at once."""
    old = make(rest, f"r-{unique()}")
    below = make(rest, f"rs-{unique()}", old)
    first = issue(rest, below).attributes["pem"]
    new = do(rest, old, "rollover", key_type="p384", key_store="file").data
    assert new["id"] != old["id"] and new["attributes"]["name"] == old["attributes"]["name"] and new["attributes"]["generation"] == 2
    was = read(rest, old)
    assert was["attributes"]["status"] == "superseded" and was["attributes"]["name"] == old["attributes"]["name"] + "-g1"
    assert was["relationships"]["successor"]["data"]["id"] == new["id"]
    second_below = make(rest, f"rs2-{unique()}", new)
    second = issue(rest, second_below).attributes["pem"]
    old_pem, new_pem = old["attributes"]["pem"], new["attributes"]["pem"]
    (new_with_old,), (old_with_new,) = kept(rest, new, "link_new_with_old"), kept(rest, old, "link_old_with_new")
    for anchor, link, middle, leaf in ((old_pem, new_with_old, second_below, second), (new_pem, old_with_new, below, first)):
        files.openssl("verify", "-x509_strict", "-CAfile", files.write(anchor), "-untrusted", files.write(link, middle["attributes"]["pem"]),
                      files.write(leaf))
        assert "OK" not in files.openssl("verify", "-CAfile", files.write(anchor), "-untrusted", files.write(middle["attributes"]["pem"]),
                                         files.write(leaf), check=False)
    for ca, pem, issued in ((read(rest, old), old_pem, below), (read(rest, new), new_pem, second_below)):
        crl_is_fresh(files, ca, pem)
        assert "good" in ocsp_status(files, ca, issued["attributes"]["pem"], pem)


def test_sub_rollover_and_revocation(rest, files):
    """A new key below the same parent. The old one answers for what it issued, the parent revokes what it must."""
    root = make(rest, f"t-{unique()}")
    old = make(rest, f"s-{unique()}", root)
    answer = issue(rest, old)
    new = do(rest, old, "rollover", key_store="file").data
    again = issue(rest, old)  # the name leads to the new key at once
    pems = [ca["attributes"]["pem"] for ca in (root, old, new)]
    files.openssl("verify", "-x509_strict", "-CAfile", files.write(pems[0]), "-untrusted", files.write(pems[1]), files.write(answer.attributes["pem"]))
    files.openssl("verify", "-x509_strict", "-CAfile", files.write(pems[0]), "-untrusted", files.write(pems[2]), files.write(again.attributes["pem"]))
    assert rest.post(f"/certificates/{answer.data['id']}/revoke", {"data": {"type": "revocation", "attributes": {"reason": "superseded"}}}).status == 200
    was = read(rest, old)
    assert "revoked" in ocsp_status(files, was, answer.attributes["pem"], pems[1], pems[0])
    serial = f"{support.load_cert(answer.attributes['pem']).serial_number:X}"
    support.wait_until(lambda: serial in crl_is_fresh(files, was, pems[1]).replace(":", ""), 10)
    refused = do(rest, new, "retire", status=409)
    assert "certificates are valid" in refused.error["detail"]
    assert do(rest, new, "revoke", reason=4).data["attributes"]["status"] == "revoked"
    serial = f"{support.load_cert(pems[2]).serial_number:X}"
    support.wait_until(lambda: serial in crl_is_fresh(files, root, pems[0]).replace(":", ""), 10)
    assert rest.issue("cert_client", cn="x", ca=new["attributes"]["name"]).status == 422
    assert "revoked" in ocsp_status(files, root, pems[2], pems[0])


def test_external_root(rest, files):
    """The request goes out, the certificate comes in; what isn't right is refused with the reason."""
    key, root = str(files.folder / "key"), str(files.folder / "root")
    files.openssl("req", "-x509", "-newkey", "rsa:3072", "-nodes", "-keyout", key, "-out", root, "-days", "3650", "-subj", "/O=Elsewhere/CN=Their root")
    root_pem = open(root, encoding="ascii").read()
    ca = make(rest, f"e-{unique()}", external=True)
    assert ca["attributes"]["status"] == "pending" and ca["attributes"]["pem"] is None
    ext = files.folder / "ext"
    ext.write_text("basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n"
                   "authorityKeyIdentifier=keyid\n")
    out = files.folder / "out"
    files.openssl("x509", "-req", "-in", files.write(ca["attributes"]["csr"]), "-CA", root, "-CAkey", key, "-days", "900", "-extfile", str(ext),
                  "-out", str(out))
    mine = out.read_text()
    assert "root" in do(rest, ca, "install", status=422, certificate=mine).error["detail"]
    assert "key" in do(rest, ca, "install", status=422, certificate=root_pem).error["detail"]
    ca = do(rest, ca, "install", certificate=mine + root_pem).data
    assert ca["attributes"]["status"] == "active"
    issued = issue(rest, ca)
    leaf = issued.attributes["pem"]
    files.openssl("verify", "-CAfile", root, "-untrusted", files.write(mine), files.write(leaf))
    assert "good" in ocsp_status(files, ca, leaf, mine, root_pem)
    crl_is_fresh(files, ca, mine)
    shown = rest.get(f"/certificates/{issued.data['id']}").attributes["chain_pem"]
    assert [support.load_cert(shown)] == [support.load_cert(mine)]
    assert len(kept(rest, ca, "chain")) == 1 and kept(rest, ca, "own") == [ca["attributes"]["pem"]]


def test_cross(rest, files):
    """Two roots that trusted nobody but themselves: who trusts one verifies what is below the other."""
    one, other = make(rest, f"x-{unique()}"), make(rest, f"y-{unique()}")
    below = make(rest, f"z-{unique()}", other)
    leaf = issue(rest, below).attributes["pem"]
    cross = do(rest, one, "cross", ca=other["attributes"]["name"], profile="root-ca", path_length=1).data["attributes"]["certificate"]
    files.openssl("verify", "-x509_strict", "-CAfile", files.write(one["attributes"]["pem"]), "-untrusted",
                  files.write(cross, below["attributes"]["pem"]), files.write(leaf))
    assert [support.load_cert(p) for p in kept(rest, other, "cross")] == [support.load_cert(cross)]


def test_who_may(rest, house, other_tenant):
    """Nobody else's CAs, and nobody without the right."""
    ca = make(rest, f"w-{unique()}")
    assert other_tenant.rest().get(f"/cas/{ca['id']}").status == 404
    assert other_tenant.rest().post(f"/cas/{ca['id']}/disable", None).status == 404
    assert rest.delete(f"/cas/{ca['id']}").status == 409
