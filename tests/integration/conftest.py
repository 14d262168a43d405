"""Fixtures of the integration tests; README.md says how to run them against a private instance."""

import json
import os
import subprocess
import uuid

import pytest

import acme
import acme_fixtures
import acme_store
import est
import labels
import support


def pytest_configure(config):
    config.addinivalue_line("markers", "rows(*numbers): rows of the catalogue of abuse cases that this test covers")
    config.addinivalue_line("markers", "slow: takes longer than ten seconds")
    config.addinivalue_line("markers", "browser: in Chromium; ./check has an instance for these")


def pytest_make_parametrize_id(val):
    """A value of megabytes is no name: results would have to carry it."""
    if isinstance(val, (str, bytes)) and len(val) > 100:
        return f"{ascii(val[:40])} and so on to {len(val)}"
    return None


@pytest.fixture(scope="session")
def instance():
    """The running private instance."""
    if "SIEGEL_RUN" not in os.environ:
        pytest.exit("SIEGEL_RUN isn't set: run the tests by ./check, or see tests/integration/README.md", 2)
    return support.Instance()


@pytest.fixture(scope="session", autouse=True)
def described(instance):
    """Whatever went well in these tests did so with a status that the description of the API has."""
    yield
    text = subprocess.run([instance.binary("siegel-api"), "--openapi"], capture_output=True, text=True, check=True).stdout
    assert not support.undescribed(json.loads(text))


@pytest.fixture(scope="session")
def rest(instance):
    """REST as the default tenant's administrator; rest.instance.rest(token=…, cert=…, key=…) makes others."""
    return instance.rest(instance.token)


@pytest.fixture
def stranger(instance):
    """REST without evidence, from an address of its own: failed sign-ins of one test slow no other down."""
    return instance.rest(source=support.new_address())


@pytest.fixture(scope="session")
def default_tenant(instance):
    return support.Tenant(instance, "default")


@pytest.fixture(scope="session")
def new_tenant(instance, tmp_path_factory):
    """new_tenant() makes a tenant with its own root, issuing CA and profiles."""

    def make(name=None):
        return support.make_tenant(instance, name or f"t-{uuid.uuid4().hex[:10]}", tmp_path_factory.mktemp("tenant"))

    return make


@pytest.fixture(scope="session")
def other_tenant(new_tenant):
    """A second tenant, one for the whole run."""
    return new_tenant()


@pytest.fixture
def edge_connection(instance):
    """edge_connection(plain=False, cert=…, key=…, maximum=…) opens a raw connection; all are closed at the end."""
    opened = []

    def connect(plain=False, timeout=support.TIMEOUT_SEC, source=None, **tls):
        if plain:
            one = support.EdgeConnection(instance.plain_host, instance.plain_port, None, timeout, source=source)
        else:
            one = support.EdgeConnection(instance.host, instance.port, instance.tls_context(**tls), timeout, source=source)
        opened.append(one)
        return one

    yield connect
    for one in opened:
        one.close()


@pytest.fixture(scope="session")
def siegelctl(instance):
    """siegelctl("ca", "list", "--json") runs the command line on the same machine; gives the CompletedProcess."""
    return instance.siegelctl


@pytest.fixture(scope="session")
def est_account(default_tenant):
    """Name and password of an account that may ask for certificates over EST."""
    return default_tenant.account("requestor", "password")


@pytest.fixture(scope="session")
def client_identity(rest, tmp_path_factory):
    """client_identity(cn) enrols a client certificate; gives (certificate file, key file, resource)."""

    def make(cn=None, kind="cert_client"):
        key = support.new_key()
        cn = cn or f"client-{uuid.uuid4().hex[:10]}.example"
        resource = rest.issued(kind, cn=cn, csr=support.csr_pem(support.new_csr(cn, key=key)))
        folder = tmp_path_factory.mktemp("identity")
        return (*support.write_identity(folder, resource["attributes"]["pem"], key), resource)

    return make


# Labels of EST: labels.py


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
def directory(instance, rest):
    """directory(profiles=…, challenges=[…], …) makes one of ACME; all go at the end."""
    made = []

    def make(rest=rest, **attributes):
        made.append(acme_store.Directory(instance, rest, **attributes))
        return made[-1]

    yield make
    for one in made:
        if one.id:
            one.delete()


@pytest.fixture(scope="module")
def profile(rest):
    """The name of a profile for servers whose names ACME proves."""
    return acme.server_profile(rest)


@pytest.fixture(scope="module")
def network(instance):
    if not instance.config.has_option("acme_probe", "resolver"):
        pytest.skip("the instance has no [acme_probe] resolver: ./check starts one that has")
    made = acme_fixtures.Network(instance)
    with made.dns, made.web:
        yield made


@pytest.fixture
def own_profile(rest):
    """own_profile(template, **definition) makes one, gives its name; it is deleted at the end if nothing was issued by it."""
    made = []

    def make(template="device", **definition):
        answer = rest.post("/profiles", labels.document("profiles", name=labels.mark("p"), template=template, definition=definition))
        assert answer.status == 201, answer
        made.append(answer.data["id"])
        return answer.attributes["name"]

    yield make
    for one in made:
        rest.delete(f"/profiles/{one}")


@pytest.fixture(scope="session")
def ldevid(rest):
    """The name of a profile from the template ldevid, which wants a serialNumber."""
    answer = rest.post("/profiles", labels.document("profiles", name=labels.mark("ldevid"), template="ldevid"))
    assert answer.status == 201, answer
    return answer.attributes["name"]


@pytest.fixture(scope="session")
def second_ca(rest):
    """Another issuing CA of the default tenant, below the same root: its resource."""
    return labels.make_ca(rest, "second", "sub-ca", parent=rest.get("/cas?filter[name]=root").data[0]["id"])


@pytest.fixture
def maker(tmp_path):
    """A manufacturer."""
    return labels.Manufacturer(tmp_path)


@pytest.fixture
def factory(label, maker, ldevid):
    """factory(anchors…, **settings): a label that takes the manufacturer's certificates."""

    def make(*anchors, **settings):
        return label(auth=["certificate"], profile=ldevid, anchors=maker.anchors(*anchors), settings=settings)

    return make


@pytest.fixture
def label_device(instance, est_account, tmp_path):
    """A device with a name and a certificate of ours."""
    return est.Device(instance, est_account, tmp_path, names=[est.unique("name")])


@pytest.fixture
def authority_of(rest, own_profile, tmp_path):
    """authority_of(ca) gives files of a registration authority's certificate of that CA: id-kp-cmcRA."""
    name = own_profile("client", extended_key_usage=["clientAuth", "cmcRA"])

    def make(ca=None):
        key, cn = support.new_key(), est.unique("ra")
        more = {"ca": ca} if ca else {}
        resource = rest.issued("cert_client", cn=cn, csr=support.csr_pem(support.new_csr(cn, key=key)), profile=name, **more)
        return support.write_identity(tmp_path, resource["attributes"]["pem"], key, name=labels.mark("ra"))

    return make


@pytest.fixture
def waits(rest):
    """waits(cn): requests over EST for that name wait for somebody who approves."""
    made = []

    def make(cn):
        answer = rest.post("/policies", labels.document("policies", name=labels.mark("p"), enabled=True, condition=f'$.source == "est" && $.subject.CN[*] == "{cn}"',
                                                 rules=[{"name": "look", "approve": {"count": 1, "right": "approvals.decide"}, "message": "wait"}]))
        assert answer.status == 201, answer
        made.append(answer.data["id"])

    yield make
    for one in made:
        rest.delete(f"/policies/{one}")
