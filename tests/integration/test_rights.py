"""Who may do what: every route with every right and role, and every object of one tenant against another, made from the API's own tables.

A new route or resource is in here by itself; a resource of which this file can't make an object fails the test until it can."""

import http.client
import json
import subprocess
import uuid

import pytest

import acme_store
import passkeys
import sessions
import support

# The ready roles, written here a second time, so that a change of them is noticed.
REGISTRATION = {"read", "certificates.issue", "certificates.revoke", "metadata.write", "approvals.decide", "enrolment.codes"}
OPERATION = REGISTRATION | {"certificates.import", "secrets.manage", "keys.recover", "jobs.manage", "machine.read"}
READY = {
    "administrator": OPERATION | {"cas.manage", "key_stores.manage", "profiles.manage", "policies.manage", "secrets.fetch", "accounts.manage",
                                  "tenants.manage", "enrolment.manage", "certificates.own"},
    "operator": OPERATION, "registration_authority": REGISTRATION, "requestor": {"read", "certificates.issue"},
    "line": {"certificates.issue", "secrets.fetch"}, "auditor": {"read", "audit.read"}, "portal": {"certificates.own"},
}
NOBODYS = {"rights", "key_stores", "settings", "statistics", "tokens", "mscep_admin", "openapi.json", "health", "machine", "profile_templates"}
MISSING = "999999999999"


class Client:
    """REST on one connection that is kept: thousands of requests in seconds."""

    def __init__(self, instance, token=None, cert=None, key=None):
        self.instance, self.token, self.context = instance, token, instance.tls_context(cert, key)
        self.connection = None

    def __call__(self, method, path, body=None, headers=None):
        send = {"Accept": support.MEDIA_TYPE, **({"Authorization": f"Bearer {self.token}"} if self.token else {})}
        if body is not None:
            send["Content-Type"] = support.MEDIA_TYPE
        send.update(headers or {})
        text = json.dumps(body) if isinstance(body, dict) else body
        for attempt in range(2):
            if self.connection is None:
                self.connection = http.client.HTTPSConnection(self.instance.host, self.instance.port, context=self.context, timeout=30)
            try:
                self.connection.request(method, support.API + path, body=text, headers=send)
                got = self.connection.getresponse()
                return support.Answer(got.status, got.getheaders(), got.read())
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                self.connection = None
                if attempt:
                    raise

    def post(self, resource, attributes, relationships=None, kind=None):
        data = {"type": kind or resource.rsplit("/", 1)[-1], "attributes": attributes}
        if relationships:
            data["relationships"] = relationships
        return self("POST", f"/{resource}", {"data": data})

    def made(self, resource, attributes, relationships=None):
        answer = self.post(resource, attributes, relationships)
        assert answer.status in (201, 202), answer
        return answer.data

    def first(self, resource, query=""):
        """One object of a collection, or None."""
        answer = self("GET", f"/{resource}?page[size]=1{query}")
        assert answer.status == 200, answer
        return answer.data[0] if answer.data else None


@pytest.fixture(scope="module")
def routes(instance):
    text = subprocess.run([instance.binary("siegel-api"), "--routes"], capture_output=True, text=True, check=True).stdout
    return [{**r, "path": r["path"][len(support.API):]} for r in json.loads(text)]


@pytest.fixture(scope="module")
def admin(instance):
    return Client(instance, instance.token)


@pytest.fixture(scope="module")
def words(admin):
    """All rights."""
    return [r["id"] for r in admin("GET", "/rights").data]


@pytest.fixture(scope="module")
def clients(instance, admin, words):
    """A client for each ready role, and one for each single right: name → (rights, client)."""
    found = {}
    for role in admin("GET", "/roles?page[size]=500").data:
        if role["attributes"]["ready"]:
            found[role["attributes"]["name"]] = set(role["attributes"]["rights"])
    assert found == READY
    for word in words:
        name = "only_" + word.replace(".", "_") + "_" + uuid.uuid4().hex[:6]
        admin.made("roles", {"name": name, "rights": [word]})
        found[name] = {word}
    return {name: (rights, Client(instance, sign_in(admin, name))) for name, rights in found.items()}


def sign_in(admin, role):
    """The token of a new account with that role."""
    account = admin.made("accounts", {"name": f"m-{uuid.uuid4().hex[:12]}", "role": role})
    return admin.made("credentials", {"kind": "token", "hours": 1}, {"account": {"data": {"type": "accounts", "id": account["id"]}}})[
        "attributes"]["secret"]


def ask(client, route):
    """A request of a route that changes nothing when it is let in: of what isn't there, or with a document of another type."""
    path = route["path"].replace("{id}", MISSING)
    if path.endswith("/files"):
        return client("POST", path, b"x", {"Content-Type": "application/octet-stream"})
    body = {"data": {"type": "nothing", "id": MISSING, "attributes": {}}} if route["method"] in ("POST", "PATCH") else None
    body = None if path == "/tokens" else body
    return client(route["method"], path, body)


# ---------------------------------------------------------------- routes × rights


@pytest.mark.rows("R06")
def test_every_route_wants_its_right(routes, clients):
    wrong = []
    for name, (rights, client) in clients.items():
        for route in routes:
            answer = ask(client, route)
            may = route["right"] in ("public", "basic", "account") or route["right"] in rights or (route["own"] and "certificates.own" in rights)
            denied = answer.status == 403 and f"doesn't have the right {route['right']}" in answer.error["detail"]
            if denied == may or answer.status >= 500 or (may and answer.status == 401 and route["right"] != "basic"):
                wrong.append((name, route["method"], route["path"], answer.status))
    assert not wrong
    assert len(clients) >= 20 and len(routes) >= 90


@pytest.mark.rows("R06")
def test_nobody_and_devices_may_nothing(instance, routes, client_identity):
    cert, key, _ = client_identity()
    nobody, device = Client(instance), Client(instance, None, cert, key)
    for route in routes:
        if route["right"] == "public":
            continue
        assert ask(nobody, route).status == 401, route
        assert ask(device, route).status == (401 if route["right"] == "basic" else 403), route


@pytest.mark.rows("R06")
def test_every_other_method_is_refused(routes, admin):
    known = {}
    for route in routes:
        known.setdefault(route["path"], set()).add(route["method"])
    for path, methods in known.items():
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"} - methods:
            body = {"data": {"type": "nothing"}} if method in ("POST", "PATCH") else None
            answer = admin(method, path.replace("{id}", MISSING), body)
            # "/policies/evaluate" is an address of "/policies/{id}" as well, which the right may be missing for ("/audit_events/verify")
            taken = path.count("/") == 2 and "{id}" not in path and method in known.get(path.rsplit("/", 1)[0] + "/{id}", ())
            assert answer.status in ((404, 403) if taken else (405,)) and (taken or answer.headers.get("allow")), (method, path, answer)


def test_rights_that_change_hold_at_once(instance, admin):
    """A role that loses a right, an account that is switched off: the next request knows."""
    name = f"r_{uuid.uuid4().hex[:8]}"
    role = admin.made("roles", {"name": name, "rights": ["read", "policies.manage"]})
    client = Client(instance, sign_in(admin, name))
    assert client.post("policies", {}, kind="nothing").status == 409
    body = {"data": {"type": "roles", "id": role["id"], "attributes": {"rights": ["read"]}}}
    assert admin("PATCH", f"/roles/{role['id']}", body).status == 200
    assert support.wait_until(lambda: client.post("policies", {}, kind="nothing").status == 403, 0.5, 0.05)
    assert client("GET", "/policies").status == 200
    account = admin.first("accounts", f"&filter[role]={name}")
    body = {"data": {"type": "accounts", "id": account["id"], "attributes": {"enabled": False}}}
    assert admin("PATCH", f"/accounts/{account['id']}", body).status == 200
    assert support.wait_until(lambda: client("GET", "/policies").status == 401, 0.5, 0.05)


def test_no_auditor_is_anything_else(admin, words):
    """NIAP PP CA, FMT_SMR.2; and nobody gives away what he doesn't have."""
    changing = [r["id"] for r in admin("GET", "/rights").data if r["attributes"]["changes"]]
    for word in changing:
        answer = admin.post("roles", {"name": f"x_{uuid.uuid4().hex[:8]}", "rights": ["audit.read", word]})
        assert answer.status == 422 and answer.error["source"]["pointer"] == "/data/attributes/rights", answer


def test_est_wants_the_same_right(instance, admin, words):
    """EST asks for certificates.issue as REST does, whatever the role is called."""
    for word, status in (("certificates.issue", 200), ("read", 403), ("certificates.revoke", 403)):
        name = f"est_{uuid.uuid4().hex[:8]}"
        admin.made("roles", {"name": name, "rights": [word]})
        account = admin.made("accounts", {"name": f"m-{uuid.uuid4().hex[:12]}", "role": name})
        to = {"account": {"data": {"type": "accounts", "id": account["id"]}}}
        secret = admin.made("credentials", {"kind": "password"}, to)["attributes"]["secret"]
        csr = support.csr_der(support.new_csr(f"{name.replace('_', '-')}.example"))
        answer = support.est_enroll(instance, csr, support.basic(account["attributes"]["name"], secret))
        assert answer.status == status, (word, answer)


# ---------------------------------------------------------------- tenants


class House:
    """A tenant with something of everything; find: resource → one object of its own."""

    def __init__(self, instance, tenant, admin, auditor):
        self.admin, self.auditor = admin, auditor
        self.objects, mark = {}, uuid.uuid4().hex[:8]
        admin.made("roles", {"name": f"own_{mark}", "rights": ["read"]})
        account = admin.made("accounts", {"name": f"own-{mark}", "role": f"own_{mark}"})
        admin.made("credentials", {"kind": "password"}, {"account": {"data": {"type": "accounts", "id": account["id"]}}})
        ca = admin.first("cas", "&filter[status]=active")
        admin.made("policies", {"name": f"own-{mark}", "rules": [{"name": "r", "require": "$.days < 90000", "message": "m"}]},
                   {"ca": {"data": {"type": "cas", "id": ca["id"]}}})
        admin.made("policies", {"name": f"four-{mark}", "enabled": True, "operations": ["role.delete"],
                                "rules": [{"name": "r", "approve": {"count": 1, "right": "approvals.decide"}, "message": "m"}]})
        role = admin.made("roles", {"name": f"gone_{mark}", "rights": ["read"]})
        waiting = admin("DELETE", f"/roles/{role['id']}")
        four = admin.first("policies", f"&filter[name]=four-{mark}")
        assert admin("DELETE", f"/policies/{four['id']}").status == 204
        assert waiting.status == 202 and waiting.data["type"] == "approvals", waiting
        for kind in ("cert_server", "cert_client", "cert_device"):
            answer = admin.post(kind, {"cn": f"{kind.replace('_', '-')}-{mark}.example"})
            assert answer.status == 201, answer
            self.key = answer.attributes.get("private_key_pem")
        admin.made("secrets", {"name": f"own-{mark}", "kind": "password"})
        admin.made("batches", {"profile": "device", "format": "pem", "lines": [f"batch-{mark}"]})
        label = {"name": f"own-{mark}", "profile": "device", "auth": ["code"]}
        admin.made("est_labels", label)
        admin.made("scep_profiles", {**label, "auth": ["challenge"]})
        admin.made("enrollment_codes", {"est_label": f"own-{mark}"})
        door = admin.made("acme_directories", {"name": f"own-{mark}", "profile": "server", "challenges": ["http-01"],
                                               "settings": {"external_account": "optional"}})
        admin.made("acme_keys", {"directory": f"own-{mark}"})
        directory = acme_store.Directory.of(instance, door["id"])
        account, _ = directory.account()
        directory.order(account, ["dns:own.example"], [directory.authz(account, "dns:own.example")])
        issued = admin.first("certificates", f"&filter[common_name]=cert-server-{mark}.example")
        assert admin("POST", f"/certificates/{issued['id']}/advise_renewal", {"data": {"type": "advise_renewal"}}).status == 200
        admin.made("saved_queries", {"name": f"own {mark}", "query": {"filter[status]": "issued"}})
        one = admin.made("imports", {"name": f"own-{mark}"})
        pem = support.self_signed(f"import-{mark}.example")[0].public_bytes(support.serialization.Encoding.PEM)
        octets = {"Content-Type": "application/octet-stream"}
        assert admin("POST", f"/imports/{one['id']}/files?name=a.pem", pem, octets).status == 200
        browser = passkeys.KeyBrowser(instance)
        browser.first(*sessions.new_account(tenant, "requestor"))
        assert browser.add("key").status == 200
        job = admin("POST", f"/imports/{one['id']}/start", {"data": {"type": "start"}})
        assert job.status == 202, job
        ended = ("done", "failed", "cancelled")
        support.wait_until(lambda: admin("GET", f"/jobs/{job.data['id']}").attributes["status"] in ended, 20)

    def client_of(self, resource):
        return self.auditor if resource.startswith("audit_") else self.admin

    def find(self, resource):
        if resource not in self.objects:
            query = "&filter[ready]=false" if resource == "roles" else "&filter[is_house]=" + "false" if resource == "none" else ""
            self.objects[resource] = self.client_of(resource).first(resource, query)
        return self.objects[resource]


@pytest.fixture(scope="module")
def houses(instance, admin, default_tenant, other_tenant):
    """The house tenant and another one, both ways."""
    def house(tenant):
        return House(instance, tenant, Client(instance, tenant.rest("administrator").token), Client(instance, tenant.rest("auditor").token))

    return house(default_tenant), house(other_tenant)


@pytest.fixture(scope="module")
def collections(routes):
    """Collections whose objects belong to a tenant."""
    return sorted({r["path"].strip("/").split("/")[0] for r in routes if r["method"] == "GET"} - NOBODYS)


def pairs(houses, collections, skip=("tenants",)):
    """(resource, owner, stranger, object) for each resource, both ways. The house tenant manages tenants, and so sees them."""
    for owner, stranger in (houses, houses[::-1]):
        for resource in collections:
            if resource not in skip:
                yield resource, owner, stranger, owner.find(resource)


HARD_TO_MAKE = {"archived_keys", "ca_certificates", "audit_seals"}


def test_there_is_an_object_of_everything(houses, collections):
    missing = {r for r, _, _, one in pairs(houses, collections) if one is None} - HARD_TO_MAKE
    assert not missing, "make one of these in House"


def same_refusal(one, other):
    """What a stranger is told of an object that he may not see, and of none."""
    return (one.status, one.error["code"], one.error["detail"]) == (other.status, other.error["code"], other.error["detail"])


@pytest.mark.rows("R01")
def test_foreign_by_id(houses, collections):
    for resource, owner, stranger, one in pairs(houses, collections):
        if one is None:
            continue
        mine = owner.client_of(resource)("GET", f"/{resource}/{one['id']}")
        assert mine.status == 200, (resource, mine)
        theirs = stranger.client_of(resource)("GET", f"/{resource}/{one['id']}")
        none = stranger.client_of(resource)("GET", f"/{resource}/{MISSING}")
        assert theirs.status == 404 and same_refusal(theirs, none), (resource, theirs)


@pytest.mark.rows("R01")
def test_foreign_by_filter(admin, houses, collections):
    paths = admin("GET", "/openapi.json").json["paths"]
    tried = 0
    for resource, _, stranger, one in pairs(houses, collections):
        for p in paths[f"/{resource}"]["get"]["parameters"] if one else ():
            name = p["name"][len("filter["):-1] if p["name"].startswith("filter[") else ""
            value = one["attributes"].get(name)
            value = value[0] if isinstance(value, list) and value else value
            if not isinstance(value, (str, int)) or isinstance(value, bool):
                continue
            query = support.urllib.parse.urlencode({f"filter[{name}]": value, "page[size]": 500})
            answer = stranger.client_of(resource)("GET", f"/{resource}?{query}")
            assert answer.status == 200, (resource, name, answer)
            assert one["id"] not in [x["id"] for x in answer.data], (resource, name)
            tried += 1
    assert tried > 100


@pytest.mark.rows("R01", "R10")
def test_foreign_by_include(houses, collections):
    """What comes along with a list is the stranger's own, or everybody's."""
    tried = 0
    for resource, owner, stranger, one in pairs(houses, collections):
        names = [n for n, r in (one or {}).get("relationships", {}).items() if not n == "certificate" and not n.startswith("replace")]
        for name in names:
            answer = stranger.client_of(resource)("GET", f"/{resource}?include={name}&page[size]=500")
            if answer.status == 400:  # the other end has several types: it isn't included
                continue
            assert answer.status == 200, (resource, name, answer)
            for other in answer.json["included"]:
                foreign = owner.find(other["type"])
                assert foreign is None or foreign["id"] != other["id"], (resource, name, other)
                tried += 1
    assert tried > 4


@pytest.mark.rows("R05")
def test_foreign_by_relationship(admin, houses):
    """What points at somebody else's object is refused as if there were none."""
    for owner, stranger in (houses, houses[::-1]):
        for resource, name, kind, attributes in (
                ("policies", "ca", "cas", {"name": "p", "rules": [{"name": "r", "refuse": True, "message": "m"}]}),
                ("policies", "profile", "profiles", {"name": "p", "rules": [{"name": "r", "refuse": True, "message": "m"}]}),
                ("est_labels", "ca", "cas", {"name": "l", "profile": "device", "auth": ["code"]}),
                ("est_labels", "profile", "profiles", {"name": "l", "auth": ["code"]}),
                ("scep_profiles", "ca", "cas", {"name": "l", "profile": "device", "auth": ["code"]}),
                ("scep_profiles", "profile", "profiles", {"name": "l", "auth": ["code"]}),
                ("acme_directories", "ca", "cas", {"name": "l", "profile": "server", "challenges": ["http-01"]}),
                ("acme_directories", "profile", "profiles", {"name": "l", "challenges": ["http-01"]}),
                ("acme_keys", "directory", "acme_directories", {}),
                ("enrollment_codes", "est_label", "est_labels", {}),
                ("enrollment_codes", "scep_profile", "scep_profiles", {}),
                ("credentials", "account", "accounts", {"kind": "token"})):
            for identity in (owner.find(kind)["id"], MISSING):
                answer = stranger.admin.post(resource, attributes, {name: {"data": {"type": kind, "id": identity}}})
                assert answer.status == 404 and answer.error["source"]["pointer"] == f"/data/relationships/{name}", answer


@pytest.mark.rows("R01", "R02")
def test_foreign_by_action(routes, houses, collections):
    """Changing, deleting and every action: told the same as of what isn't there, and nothing happens."""
    tried = 0
    for owner, stranger in (houses, houses[::-1]):
        for route in routes:
            resource = route["path"].strip("/").split("/")[0]
            if route["method"] == "GET" or "{id}" not in route["path"] or resource in NOBODYS or resource == "tenants":
                continue
            one = owner.find(resource)
            if one is None:
                continue
            before = owner.client_of(resource)("GET", f"/{resource}/{one['id']}").attributes
            action = route["path"].rsplit("/", 1)[-1]
            told = []
            for identity in (one["id"], MISSING):
                path, body, headers = route["path"].replace("{id}", identity), None, None
                if action == "files":
                    path, body, headers = path + "?name=a", b"x", {"Content-Type": "application/octet-stream"}
                elif route["method"] == "PATCH":
                    body = {"data": {"type": one["type"], "id": identity, "attributes": {"owner": "me"}}}
                elif route["method"] == "POST":
                    body = {"data": {"type": "revocation" if action == "revoke" and resource == "certificates" else action}}
                told.append(stranger.admin(route["method"], path, body, headers))
            assert told[0].status in (404, 422) and same_refusal(*told), (route, told)
            assert owner.client_of(resource)("GET", f"/{resource}/{one['id']}").attributes == before, route
            tried += 1
    assert tried > 60


@pytest.mark.rows("R01", "R12")
def test_foreign_by_cursor(houses, collections):
    tried = 0
    for resource, owner, stranger, _ in pairs(houses, collections):
        answer = owner.client_of(resource)("GET", f"/{resource}?page[size]=1")
        link = answer.json["links"]["next"]
        if not link:
            continue
        path = link[link.index(support.API) + len(support.API):]
        assert owner.client_of(resource)("GET", path).status == 200
        theirs = stranger.client_of(resource)("GET", path)
        assert theirs.status == 400 and theirs.error["source"]["parameter"] == "page[after]", (resource, theirs)
        tried += 1
    assert tried >= 12


@pytest.mark.rows("R01")
def test_foreign_takes_no_other_time(houses):
    """An object of somebody else and none at all: the quickest lie within 5 ms."""
    owner, stranger = houses

    def look(resource, identity):
        assert stranger.admin("GET", f"/{resource}/{identity}").status == 404

    for resource in ("certificates", "cas", "secrets"):
        theirs = owner.find(resource)["id"]
        difference = support.quickest_difference(lambda: look(resource, theirs), lambda: look(resource, MISSING), 40, 0.005)
        assert difference < 0.005, (resource, difference)


def test_tenants_see_themselves(houses):
    """The house sees all tenants; the others see their own alone, and change none."""
    house, other = houses
    own = other.admin("GET", "/tenants").data
    assert len(own) == 1 and not own[0]["attributes"]["is_house"]
    all_of_them = house.admin("GET", "/tenants?page[size]=500").data
    assert own[0]["id"] in [t["id"] for t in all_of_them] and sum(t["attributes"]["is_house"] for t in all_of_them) == 1
    of_house = next(t for t in all_of_them if t["attributes"]["is_house"])
    assert other.admin("GET", f"/tenants/{of_house['id']}").status == 404
    body = {"data": {"type": "tenants", "id": own[0]["id"], "attributes": {"title": "x"}}}
    assert other.admin("PATCH", f"/tenants/{own[0]['id']}", body).status == 403
