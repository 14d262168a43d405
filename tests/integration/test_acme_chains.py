"""Alternate chains (RFC 8555 7.4.2): of a hierarchy that is cross-certified, of roots that rolled over, and of CAs certified elsewhere."""

import subprocess

import pytest

import acme
import support
from test_acme_renewal import make_ca

NAME = "chain.example"


class Chains:
    """What a client gets: all chains of a certificate, by their addresses."""

    def __init__(self, rest, ca, folder):
        self.folder, self.n = folder, 0
        self.directory = acme.Directory(rest, {"server": acme.server_profile(rest)}, relationships={"ca": {"data": {"type": "cas", "id": ca["id"]}}})
        self.client = self.directory.client(names=[f"dns:{NAME}"])
        self.order = self.client.order(NAME)
        self.order.finalize(NAME)
        self.url = self.order.wait().json["certificate"]

    def get(self, url=None):
        answer = self.client.post(url or self.url)
        assert answer.headers["content-type"] == "application/pem-certificate-chain"
        return answer.body.decode(), answer.links.get("alternate", [])

    def verify(self, anchor_pem, chain_pem):
        """By openssl, which has nothing but the anchor and what the client got."""
        paths = []
        for text in (anchor_pem, chain_pem):
            self.n += 1
            paths.append(self.folder / f"{self.n}.pem")
            paths[-1].write_text(text)
        leaf = self.folder / f"{self.n}.leaf.pem"
        leaf.write_text(chain_pem.split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n")
        done = subprocess.run(["openssl", "verify", "-x509_strict", "-CAfile", str(paths[0]), "-untrusted", str(paths[1]), str(leaf)],
                              capture_output=True, text=True, timeout=30)
        return done.returncode == 0


@pytest.fixture(scope="module")
def house(new_tenant):
    return new_tenant().rest()


@pytest.fixture
def chains(house, tmp_path):
    made = []

    def make(ca):
        made.append(Chains(house, ca, tmp_path))
        return made[-1]

    yield make
    for one in made:
        one.directory.delete()


def do(house, one, action, **members):
    answer = house.post(f"/cas/{one['id']}/{action}", {"data": {"type": action, "attributes": members}})
    assert answer.status == 200, answer
    return answer.data


def pem(ca):
    return ca["attributes"]["pem"]


def test_one_chain_has_no_links(house, chains):
    root = make_ca(house, acme.mark("root"))
    c = chains(make_ca(house, acme.mark("sub"), root))
    text, links = c.get()
    assert not links and c.verify(pem(root), text) and len(support.load_pem_chain(text)) == 2
    with pytest.raises(acme.Problem) as e:
        c.get(f"{c.url}/1")
    assert e.value.answer.status == 404


def test_cross_certified(house, chains):
    """Who trusts the one root or the other finds a chain; each answer names all others."""
    one, other = make_ca(house, acme.mark("one")), make_ca(house, acme.mark("other"))
    c = chains(make_ca(house, acme.mark("below"), other))
    do(house, one, "cross", ca=other["attributes"]["name"], profile="root-ca", path_length=1)
    own, links = c.get()
    assert links == [f"{c.url}/1"]
    crossed, back = c.get(links[0])
    assert back == [c.url]
    assert c.verify(pem(other), own) and not c.verify(pem(one), own)
    assert c.verify(pem(one), crossed) and len(support.load_pem_chain(crossed)) == 3
    assert all(x.issuer != x.subject for x in support.load_pem_chain(own) + support.load_pem_chain(crossed))
    with pytest.raises(acme.Problem) as e:
        c.get(f"{c.url}/2")
    assert e.value.answer.status == 404


def test_a_cross_certified_sub_ca(house, chains):
    """The cross-certificate takes the place of the CA's own."""
    one, other = make_ca(house, acme.mark("one")), make_ca(house, acme.mark("other"))
    below = make_ca(house, acme.mark("below"), other)
    c = chains(below)
    do(house, one, "cross", ca=below["attributes"]["name"], path_length=0)
    own, (link,) = c.get()
    crossed, _ = c.get(link)
    assert c.verify(pem(other), own) and c.verify(pem(one), crossed)
    assert len(support.load_pem_chain(crossed)) == 2


def test_after_a_roll_over(house, chains):
    """By the link certificates, a verifier with the old or the new root finds a chain, whichever key issued."""
    old = make_ca(house, acme.mark("root"))
    before = chains(make_ca(house, acme.mark("sub"), old))
    new = do(house, old, "rollover", key_type="p384", key_store="file")
    after = chains(make_ca(house, acme.mark("sub"), new))
    for c, first, second in ((before, old, new), (after, new, old)):
        own, links = c.get()
        assert c.verify(pem(first), own) and not c.verify(pem(second), own)
        assert any(c.verify(pem(second), c.get(url)[0]) for url in links), links


def test_whose_chain(house, chains):
    """M05 for these addresses too."""
    one, other = make_ca(house, acme.mark("one")), make_ca(house, acme.mark("other"))
    c = chains(make_ca(house, acme.mark("below"), other))
    do(house, one, "cross", ca=other["attributes"]["name"], profile="root-ca", path_length=1)
    stranger = c.directory.client()
    for url in (c.url, f"{c.url}/1"):
        answer = stranger.ask(url)
        assert (answer.status, answer.type) == (403, "unauthorized")
    for bad in ("0", "01", "-1", "x", "1/1"):
        assert c.client.ask(f"{c.url}/{bad}").status == 404


def test_many_crosses_are_bounded(house, chains):
    """Chains are offered up to a number, the house's own first."""
    other = make_ca(house, acme.mark("other"))
    c = chains(make_ca(house, acme.mark("below"), other))
    for _ in range(9):
        do(house, make_ca(house, acme.mark("m")), "cross", ca=other["attributes"]["name"], profile="root-ca", path_length=1)
    own, links = c.get()
    assert c.verify(pem(other), own) and len(links) == 7 and len(set(links)) == 7
    texts = {c.get(url)[0] for url in links}
    assert len(texts) == 7 and own not in texts
