"""The write side of REST, the same for all resources: documents, versions, what is read-only, what is shown once; bodies of octets; include;
the description of the API; and siegelctl, which reaches all of it."""

import json
import os
import re
import uuid

import pytest

import support
from test_rights import Client

METADATA = "/data/attributes/metadata"


@pytest.fixture(scope="module")
def admin(instance):
    return Client(instance, instance.token)


@pytest.fixture
def role(admin):
    """A new role's resource."""
    return admin.made("roles", {"name": f"t_{uuid.uuid4().hex[:10]}", "rights": ["read"], "owner": "me", "metadata": {"site": "Bonn"}})


def patch(admin, role, attributes, headers=None, identity=None, kind="roles"):
    body = {"data": {"type": kind, "id": identity or role["id"], "attributes": attributes}}
    return admin("PATCH", f"/roles/{role['id']}", body, headers)


def at(answer):
    return answer.error["source"]["pointer"]


def test_made_shown_changed_deleted(admin):
    name = f"t_{uuid.uuid4().hex[:10]}"
    made = admin.post("roles", {"name": name, "rights": ["read", "certificates.issue"], "metadata": {"site": "Bonn"}})
    assert made.status == 201 and made.headers["etag"] == '"1"'
    path = made.headers["location"].split(support.API)[1]
    shown = admin("GET", path)
    assert shown.data == made.data and shown.headers["etag"] == '"1"'
    changed = patch(admin, made.data, {"title": "Clerk", "metadata": None}, {"If-Match": '"1"'})
    assert changed.status == 200 and changed.attributes["title"] == "Clerk" and changed.attributes["metadata"] is None
    assert changed.attributes["version"] == 2 and changed.headers["etag"] == '"2"'
    assert changed.attributes["rights"] == ["read", "certificates.issue"]
    gone = admin("DELETE", path)
    assert gone.status == 204 and gone.body == b""
    assert admin("GET", path).status == 404 and admin("DELETE", path).status == 404


@pytest.mark.rows("R24")
def test_lost_updates(admin, role):
    assert patch(admin, role, {"title": "a"}, {"If-Match": '"1"'}).status == 200
    for attributes, headers in (({"title": "b"}, {"If-Match": '"1"'}), ({"title": "b", "version": 1}, None)):
        answer = patch(admin, role, attributes, headers)
        assert answer.status == 412 and answer.error["code"] == "precondition_failed", answer
    assert admin("GET", f"/roles/{role['id']}").attributes["title"] == "a"
    assert patch(admin, role, {"title": "c", "version": 2}).attributes["version"] == 3
    assert patch(admin, role, {"title": "d"}, {"If-Match": "*"}).status == 200
    for tag in ("1", '"x"', 'W/"1"', '"0"', '"99999999999"'):
        assert patch(admin, role, {"title": "e"}, {"If-Match": tag}).status == 400, tag
    assert patch(admin, role, {"title": "e", "version": 4}, {"If-Match": '"3"'}).status == 400


@pytest.mark.rows("R03")
@pytest.mark.parametrize("name", ["id", "tenant_id", "version", "created_at", "ready", "created_by", "approved_by", "status", "nonsense", "__proto__"])
def test_what_a_client_may_not_set(admin, name):
    answer = admin.post("roles", {"name": f"t_{uuid.uuid4().hex[:10]}", "rights": ["read"], name: 1})
    assert answer.status == 422 and at(answer) == f"/data/attributes/{name}", answer


@pytest.mark.rows("R03")
def test_read_only_everywhere(instance, admin):
    """Of every resource that can be made: what is shown and can't be written is refused, each by each."""
    api = admin("GET", "/openapi.json").json
    tried = 0
    for path, item in api["paths"].items():
        resource = path.strip("/")
        shown = api["components"]["schemas"].get(resource)
        if "post" not in item or not shown or "id}" in path or "requestBody" not in item["post"]:
            continue
        data = item["post"]["requestBody"]["content"][support.MEDIA_TYPE]["schema"]["properties"]["data"]["properties"]
        writable = data["attributes"]["properties"]
        for name in shown["properties"]["attributes"]["properties"]:
            if name in writable or resource.startswith("cert_") or resource == "sessions":  # signing in takes no token
                continue
            answer = admin.post(resource, {name: "x"})
            assert answer.status == 422 and at(answer) == f"/data/attributes/{name}", (resource, name, answer)
            tried += 1
    assert tried > 40


@pytest.mark.rows("R04")
def test_type_and_id(admin, role):
    assert patch(admin, role, {"title": "a"}, kind="accounts").status == 409
    wrong = patch(admin, role, {"title": "a"}, identity="1")
    assert wrong.status == 409 and at(wrong) == "/data/id"
    missing = admin("PATCH", f"/roles/{role['id']}", {"data": {"type": "roles", "attributes": {"title": "a"}}})
    assert missing.status == 400
    own = admin("POST", "/roles", {"data": {"type": "roles", "id": "5", "attributes": {"name": "a", "rights": ["read"]}}})
    assert own.status == 403 and at(own) == "/data/id"


@pytest.mark.rows("R23")
@pytest.mark.parametrize("metadata", [{"a" * 65: "b"}, {"": "b"}, {"__proto__": "b"}, {"a": "b" * 1025}, {f"k{i}": "v" for i in range(65)}, {"a": 1},
                                      {"a": {"b": "c"}}, {"a": "x\ny"}, {"a b": "c"}, {"a": None}, ["a"], "a"])
def test_metadata_has_limits(admin, role, metadata):
    answer = patch(admin, role, {"metadata": metadata})
    assert answer.status == 422 and at(answer) == METADATA, answer
    assert admin("GET", f"/roles/{role['id']}").attributes["metadata"] == {"site": "Bonn"}


@pytest.mark.rows("R23")
def test_metadata_takes_what_fits(admin, role):
    metadata = {f"k{i:02}": "=cmd|' /C calc'!A0" + "x" * 900 for i in range(64)}
    assert patch(admin, role, {"metadata": metadata}).attributes["metadata"] == metadata
    metadata["k00"] = f"=cmd|' /C calc'!A0 {role['id']}"
    assert patch(admin, role, {"metadata": metadata}).status == 200
    found = admin("GET", f"/roles?filter[metadata.k00]={support.urllib.parse.quote(metadata['k00'])}")
    assert [r["id"] for r in found.data] == [role["id"]]


@pytest.mark.rows("R09")
@pytest.mark.parametrize("body", [
    b'{"data":{"type":"roles","attributes":{"name":"a","name":"b","rights":["read"]}}}', b'{"data":{"type":"roles","attributes":{"name":NaN}}}',
    b'{"data":{"type":"roles","attributes":{"name":1e999}}}', b'\xef\xbb\xbf{"data":{"type":"roles"}}', b'{"data":{"type":"roles"}} x',
    b'{"data":{"type":"roles","attributes":{"name":"\\ud800"}}}', b'{"data":' * 10000, b"[" * 10000, b"", b"null",
    b'{"data":{"type":"roles","attributes":{"name":99999999999999999999}}}', b'{"data":[{"type":"roles"}]}',
    b'{"data":{"type":"roles","atributes":{"name":"a"}}}', b'{"data":{"type":"roles","attributes":[]}}',
    b'{"data":{"type":"roles","relationships":[]}}'])
def test_broken_documents(admin, body):
    answer = admin("POST", "/roles", body)
    assert answer.status == 400, answer


@pytest.mark.rows("R14")
@pytest.mark.parametrize("kind", ["text/plain", "application/json", "multipart/form-data; boundary=x", "application/octet-stream",
                                  support.MEDIA_TYPE + "; charset=utf-8"])
def test_content_type(admin, role, kind):
    body = json.dumps({"data": {"type": "roles", "id": role["id"], "attributes": {"title": "a"}}})
    assert admin("PATCH", f"/roles/{role['id']}", body, {"Content-Type": kind}).status == 415


def test_what_makes_no_sense_is_refused(admin, role):
    document = {"data": {"type": "roles", "attributes": {"name": "a", "rights": ["read"]}}}
    assert admin("POST", "/roles?fields[roles]=name", document).status == 400
    refused = admin("POST", "/roles", document, {"Idempotency-Key": "a"})
    assert refused.status == 422 and refused.error["source"]["header"] == "Idempotency-Key"
    assert admin("DELETE", f"/roles/{role['id']}", {"data": {"type": "roles"}}).status == 400
    assert admin.post("jobs/1/cancel", {"x": 1}).status in (404, 422)


# ---------------------------------------------------------------- secrets


@pytest.mark.rows("R18")
def test_secrets_are_written_and_not_read(instance, admin, default_tenant):
    """What an account signs in with is shown once; nothing of it is in any answer, in the audit log or in the log."""
    account = admin.made("accounts", {"name": f"s-{uuid.uuid4().hex[:10]}", "role": "requestor"})
    to = {"account": {"data": {"type": "accounts", "id": account["id"]}}}
    made = [admin.made("credentials", {"kind": kind}, to) for kind in ("token", "password", "one_time")]
    secrets = [m["attributes"]["secret"] for m in made]
    assert all(len(s) >= 20 for s in secrets) and len(set(secrets)) == 3
    text = admin("GET", f"/credentials?filter[account]={account['id']}").body.decode()
    text += "".join(admin("GET", f"/credentials/{m['id']}").body.decode() for m in made)
    text += "".join("|".join(row) for row in instance.sql("SELECT detail, object, actor FROM audit ORDER BY at_us DESC LIMIT 500"))
    text += instance.log_text()
    assert "hash" not in admin("GET", f"/credentials/{made[0]['id']}").attributes
    for secret in secrets:
        assert secret not in text
    assert Client(instance, secrets[0])("GET", "/cas").status == 200
    assert admin("DELETE", f"/credentials/{made[0]['id']}").status == 204
    assert support.wait_until(lambda: Client(instance, secrets[0])("GET", "/cas").status == 401, 1, 0.05)


# ---------------------------------------------------------------- octets


@pytest.fixture
def one_import(admin):
    return admin.made("imports", {"name": f"i-{uuid.uuid4().hex[:10]}"})


def send(client, one, octets, query="name=a.p12", **headers):
    return client("POST", f"/imports/{one['id']}/files?{query}", octets, {"Content-Type": "application/octet-stream", **headers})


def test_large_bodies(instance, admin, one_import):
    """A file of several pieces arrives whole; one that is too large is refused, and other addresses still take no such body."""
    assert send(admin, one_import, os.urandom(1_000_001)).status == 200
    assert send(admin, one_import, os.urandom(16 << 20), "name=b.p12").status == 200
    sizes = {f["attributes"]["name"]: f["attributes"]["size_bytes"] for f in admin("GET", f"/import_files?filter[import]={one_import['id']}").data}
    assert sizes == {"a.p12": 1_000_001, "b.p12": 16 << 20}
    assert send(admin, one_import, b"x" * ((16 << 20) + 1)).status == 413
    assert admin("POST", "/roles", b"x" * 200_000).status == 413
    assert admin("POST", f"/imports/{one_import['id']}/start", b"x" * 200_000).status == 413


def test_octets_are_checked_before_they_are_read(instance, admin, one_import):
    assert send(Client(instance), one_import, b"x" * 5_000_000).status == 401
    assert send(admin, {"id": "999999999"}, b"x" * 5_000_000).status == 404
    assert send(admin, one_import, b"").status == 400
    assert send(admin, one_import, b"x", "name=a&nothing=b").status == 400
    assert send(admin, one_import, b"x", "nam=a").status == 400
    assert send(admin, one_import, b"x", "name=a&kind=b").status == 422
    assert send(admin, one_import, b"x", **{"Content-Type": support.MEDIA_TYPE}).status == 415


# ---------------------------------------------------------------- include, description


def test_include(admin):
    listed = admin("GET", "/cert_server?include=ca&page[size]=500&fields[cas]=name")
    ids = {c["relationships"]["ca"]["data"]["id"] for c in listed.data}
    assert sorted(i["id"] for i in listed.json["included"]) == sorted(ids)
    assert all(i["type"] == "cas" and set(i["attributes"]) == {"name"} for i in listed.json["included"])
    cas = admin("GET", "/cas?include=parent&page[size]=500")
    assert not {i["id"] for i in cas.json["included"]} & {c["id"] for c in cas.data}, "what is in the list isn't in it twice"
    issuing = next(c for c in cas.data if c["relationships"]["parent"]["data"])
    one = admin("GET", f"/cas/{issuing['id']}?include=parent")
    assert [i["id"] for i in one.json["included"]] == [issuing["relationships"]["parent"]["data"]["id"]]
    assert admin("GET", "/cas?include=parent.parent").status == 400
    assert admin("GET", "/cas?include=name").status == 400
    assert "included" not in admin("GET", "/cas").json


def test_openapi(instance, admin):
    """The description is what OpenAPI 3.1 wants: each reference leads somewhere, each schema is one, each route is there."""
    jsonschema = pytest.importorskip("jsonschema")
    doc = Client(instance)("GET", "/openapi.json").json
    assert doc["openapi"].startswith("3.1") and doc["servers"][0]["url"].startswith(instance.url)
    routes = json.loads(instance.command(instance.binary("siegel-api"), "--routes").stdout)
    assert {(r["method"].lower(), r["path"][len(support.API):]) for r in routes} == {(m, p) for p, item in doc["paths"].items() for m in item}
    for reference in re.findall(r'"\$ref": "([^"]+)"', json.dumps(doc)):
        place = doc
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]
    schemas = list(doc["components"]["schemas"].values())
    for item in doc["paths"].values():
        for operation in item.values():
            assert operation["summary"] and operation["responses"]
            names = [(p["in"], p["name"]) for p in operation["parameters"]]
            assert len(set(names)) == len(names)
            schemas += [p["schema"] for p in operation["parameters"]]
            schemas += [m["schema"] for m in operation.get("requestBody", {}).get("content", {}).values() if "schema" in m]
    for schema in schemas:
        jsonschema.Draft202012Validator.check_schema(schema)
    # what it says of a certificate's request is what is taken
    asked = doc["paths"]["/cert_server"]["post"]["requestBody"]["content"][support.MEDIA_TYPE]["schema"]["properties"]["data"]
    for attributes, fits in (({"cn": "a.example", "dns": ["a.example"], "cert_days": 3, "metadata": {"site": "Ulm"}}, True), ({"serial": "1"}, False), ({"dns": "a"}, False)):
        data = {"type": "cert_server", "attributes": attributes}
        assert jsonschema.Draft202012Validator({**asked, "components": doc["components"]}).is_valid(data) == fits, attributes
        assert (admin("POST", "/cert_server", {"data": data}).status == 201) == fits
    # what it says of a resource is what comes
    role = admin("GET", "/roles?page[size]=1").data[0]
    jsonschema.Draft202012Validator({**doc["components"]["schemas"]["roles"], "components": doc["components"]}).validate(
        {**role, "attributes": {k: v for k, v in role["attributes"].items() if v is not None}})


def test_openapi_says_what_comes(instance, admin, default_tenant):
    """Every resource's schema fits what there is of it, with the values that its texts may have; screens are made of it."""
    jsonschema = pytest.importorskip("jsonschema")
    doc = Client(instance)("GET", "/openapi.json").json
    schemas, seen = doc["components"]["schemas"], 0
    auditor = Client(instance, default_tenant.rest("auditor").token)
    for path, item in doc["paths"].items():
        resource = path[1:]
        if "{" in path or "get" not in item or resource not in schemas:
            continue
        client = auditor if item["get"]["x-siegel-right"] == "audit.read" else admin
        answer = client("GET", path + ("?page[size]=200" if any(p["name"] == "page[size]" for p in item["get"]["parameters"]) else ""))
        assert answer.status == 200, (path, answer)
        check = jsonschema.Draft202012Validator({**schemas[resource], "components": doc["components"]})
        for one in answer.data if isinstance(answer.data, list) else [answer.data]:
            if one["attributes"].get("source") == "test":  # a row that a test put into the store itself
                continue
            check.validate({**one, "attributes": {k: v for k, v in one["attributes"].items() if v is not None}})
            assert set(one["attributes"]) <= set(schemas[resource]["properties"]["attributes"]["properties"]), (resource, one)
            seen += 1
    assert seen > 20
    for name, schema in schemas.items():
        members = schema.get("properties", {})  # what several resources have as a value may be an array
        properties = members.get("attributes", {}).get("properties", {})
        for attribute, one in {**properties, **members.get("relationships", {}).get("properties", {})}.items():
            assert one.get("x-siegel-resource", "roles") in schemas, (name, attribute)
            filters = [p["name"] for p in doc["paths"][f"/{name}"]["get"]["parameters"]]
            assert (one.get("x-siegel-filter", False)) == any(f.startswith((f"filter[{attribute}]", f"filter[{attribute}.")) for f in filters), (name, attribute)
    status = schemas["acme_accounts"]["properties"]["attributes"]["properties"]["status"]
    assert status["enum"] == ["valid", "deactivated", "revoked"] and status["x-siegel-filter"] and not status.get("readOnly")
    asked = doc["paths"]["/acme_accounts/{id}"]["patch"]["requestBody"]["content"][support.MEDIA_TYPE]["schema"]["properties"]["data"]["properties"]
    assert asked["attributes"]["properties"]["status"]["enum"] == ["revoked"]
    assert schemas["credentials"]["properties"]["attributes"]["properties"]["secret"]["x-siegel-once"] is True
    issued = doc["paths"]["/cert_server"]["post"]["requestBody"]["content"][support.MEDIA_TYPE]["schema"]["properties"]["data"]["properties"]
    assert issued["attributes"]["properties"]["pkcs12_password"] == {
        "type": "string", "format": "password", "writeOnly": True, "description": "of a key that is made here: the answer is PKCS#12 in place of PEM"}
    assert doc["paths"]["/accounts"]["get"]["x-siegel-default-sort"] == "name" and doc["paths"]["/cas"]["post"]["x-siegel-right"] == "cas.manage"


# ---------------------------------------------------------------- key stores


def test_key_stores(instance, admin, other_tenant):
    """What the engine sees of them; a new sealing key is made by the house alone, and secrets go on to open."""
    listed = admin("GET", "/key_stores").data
    token = next(s for s in listed if s["attributes"]["kind"] == "token")
    assert token["attributes"]["usable"] and "p256" in token["attributes"]["key_types"] and any(s["attributes"]["is_default"] for s in listed)
    assert admin("GET", f"/key_stores/{token['id']}").data["id"] == token["id"]
    assert admin("GET", "/key_stores/nothing").status == 404 and admin("POST", "/key_stores/nothing/rotate").status == 404
    secret = admin.made("secrets", {"name": f"k-{uuid.uuid4().hex[:8]}", "kind": "password"})
    before = admin.post(f"secrets/{secret['id']}/fetch", {}).attributes
    assert admin("POST", f"/key_stores/{token['id']}/rotate").status == 200
    assert admin.post(f"secrets/{secret['id']}/fetch", {}).attributes["value"] == before["value"]
    assert Client(instance, other_tenant.rest("administrator").token)("POST", f"/key_stores/{token['id']}/rotate").status == 403


# ---------------------------------------------------------------- the manual


MANUAL = (support.DATA.parent.parent / "doc" / "rest.md").read_text()


def test_the_manual_has_every_resource(admin):
    resources = {path.split("/")[1] for path in admin("GET", "/openapi.json").json["paths"]}
    assert not {r for r in resources if f"`{r}`" not in MANUAL and f"/{r}" not in MANUAL}


def test_the_manuals_examples_work(instance, tmp_path):
    """The blocks that don't speak of something of the reader's own, one after the other, as they stand there."""
    blocks = [b for b in re.findall(r"^```\n(.*?)^```", MANUAL, re.M | re.S) if "api " in b and not re.search(r"/17|/42|imports/1|CODE|218|access.env", b)]
    assert len(blocks) >= 4
    own = uuid.uuid4().hex[:8]
    script = "set -eu; cd " + str(tmp_path) + "\n" + re.search(r"^api\(\) .*", MANUAL, re.M).group(0) + "\n" + "\n".join(blocks)
    script = script.replace("helpdesk", f"h_{own}").replace('"eva"', f'"eva-{own}"').replace("order-4711", own).replace("ends soon", f"ends {own}")
    env = {**os.environ, "SIEGEL_URL": instance.url, "SIEGEL_CACERT": instance.cacert, "SIEGEL_TOKEN": instance.token}
    done = support.subprocess.run(["bash", "-c", script], capture_output=True, text=True, env=env, timeout=60)
    assert done.returncode == 0 and '"errors"' not in done.stdout, (done.stdout[-2000:], done.stderr)
    assert done.stdout.count('"jsonapi"') + done.stdout.count("BEGIN CERTIFICATE") >= 7


# ---------------------------------------------------------------- siegelctl


@pytest.fixture
def ctl(instance):
    def run(*arguments, check=True, **kw):
        env = {k: v for k, v in os.environ.items() if not k.startswith("SIEGEL_")}
        return instance.siegelctl(*arguments, check=check, env={**env, "SIEGEL_TOKEN": instance.token}, **kw)

    return run


def test_siegelctl_reaches_everything(ctl, admin):
    resources = ctl("resources").stdout.split()
    assert {"roles", "policies", "imports", "cas"} <= set(resources)
    for resource in resources:
        helped = ctl(resource, "--help").stdout
        assert f"Usage: siegelctl {resource} VERB" in helped
    name = f"c_{uuid.uuid4().hex[:10]}"
    made = json.loads(ctl("roles", "create", f"name={name}", 'rights:=["read"]', "--json").stdout)["data"]
    assert made["attributes"]["name"] == name
    shown = ctl("roles", "update", name, "title=@-", input="Clerk").stdout
    assert re.search(r"^title +Clerk$", shown, re.M)
    listed = ctl("roles", "list", "--filter", f"name={name}", "--columns", "title,rights").stdout.splitlines()
    assert listed[0].split() == ["ID", "TITLE", "RIGHTS"] and listed[1].split() == [made["id"], "Clerk", "read"]
    assert ctl("roles", "show", made["id"]).stdout.startswith("id ")
    assert ctl("roles", "delete", name).stdout == ""
    gone = ctl("roles", "show", name, check=False)
    assert gone.returncode == 1 and "none of the name" in gone.stderr
    for words, code in ((("roles",), 2), (("roles", "create", "name"), 2), (("roles", "show"), 2), (("nothing", "list"), 1), (("roles", "fly", "1"), 1),
                        (("roles", "create", "name=a", "name=b"), 2), (("roles", "create", "rights:=x"), 1)):
        assert ctl(*words, check=False).returncode == code, words


@pytest.mark.parametrize("words, text", [
    (("roles", "create", "name=Big", "rights=read"), "name: it has to be of small letters"),
    (("roles", "create", "rights=read,fly"), 'rights: "fly" isn\'t the word of a right'),
    (("policies", "create", "name=Big", 'rules:=[{"name": "r", "refuse": true, "message": "m"}]'), "name: it has to be of small letters"),
    (("policies", "create", "operations:=[1]", 'rules:=[{"name": "r", "refuse": true, "message": "m"}]'), "operations: number 1 isn't one"),
    (("profiles", "create", "name=Big", "template=device"), "name: it has to be of small letters"),
    (("accounts", "create", "name=.a", "role=requestor"), "name: it has to be of letters"),
    (("tenants", "create", "name=Big"), "name: it has to be of small letters"),
    (("certificates", "revoke", 'ids:=["1", "x"]', "reason=superseded"), "ids: number 2 isn't the id")])
def test_siegelctl_says_what_is_wrong(ctl, words, text):
    name = [] if any(w.startswith(("name=", "ids")) for w in words) else [f"name=c_{uuid.uuid4().hex[:10]}"]
    done = ctl(*words, *name, check=False)
    assert done.returncode == 1 and text in done.stderr and "taken" not in done.stderr, done


def test_siegelctl_says_that_a_name_is_taken(ctl):
    name = f"c_{uuid.uuid4().hex[:10]}"
    ctl("roles", "create", f"name={name}", "rights=read,certificates.revoke")
    done = ctl("roles", "create", f"name={name}", "rights=read", check=False)
    assert done.returncode == 1 and "name: it is taken" in done.stderr and "letters" not in done.stderr
    ctl("roles", "delete", name)


@pytest.mark.parametrize("query, text", [
    ("/cas?filter[created_at]=x", "wants a time"), ("/cas?filter[is_default]=yes", "wants true or false"),
    ("/est_labels?filter[ca]=issuing", "wants the id of the ca"), ("/cas?filter[key_id]=x", "wants hexadecimal digits"),
    ("/crls?filter[number]=x", "wants a whole number")])
def test_filters_say_what_they_want(admin, query, text):
    answer = admin("GET", query)
    assert answer.status == 400 and text in answer.error["detail"], answer


def test_siegelctl_secrets_go_to_files(instance, ctl, admin):
    folder = instance.command("mktemp", "-d").stdout.strip()
    name = f"c-{uuid.uuid4().hex[:10]}"
    ctl("accounts", "create", f"name={name}", "role=requestor")
    made = ctl("credentials", "create", f"account={name}", "kind=token", "--out", f"secret={folder}/token")
    token = instance.command("cat", f"{folder}/token").stdout.strip()
    assert token and token not in made.stdout and instance.command("stat", "-c", "%a", f"{folder}/token").stdout.strip() == "600"
    assert Client(instance, token)("GET", "/cas").status == 200
    ctl("cert", "issue", "--type", "client", "--cn", f"{name}.example", "--pkcs12-out", f"{folder}/k.p12", "--password-file", "-",
        input="pass word\n")
    read = instance.command("openssl", "pkcs12", "-in", f"{folder}/k.p12", "-passin", "pass:pass word", "-nokeys")
    assert f"{name}.example" in read.stdout
    instance.command("rm", "-rf", folder)


def test_siegelctl_imports_and_waits(instance, ctl):
    folder = instance.command("mktemp", "-d").stdout.strip()
    pem = support.self_signed(f"ctl-{uuid.uuid4().hex[:8]}.example")[0].public_bytes(support.serialization.Encoding.PEM).decode()
    instance.command("tee", f"{folder}/a.pem", input=pem)
    name = f"i-{uuid.uuid4().hex[:10]}"
    ctl("imports", "create", f"name={name}")
    ctl("imports", "files", name, "name=a.pem", "--content", f"{folder}/a.pem")
    done = ctl("imports", "start", name, "--wait", check=False)
    assert done.returncode in (0, 1) and ("status" in done.stdout or "job" in done.stderr)
    instance.command("rm", "-rf", folder)


def test_siegelctl_logs_in_and_out(instance, admin):
    folder = instance.command("mktemp", "-d").stdout.strip()
    account = admin.made("accounts", {"name": f"l-{uuid.uuid4().hex[:10]}", "role": "requestor"})
    code = admin.made("credentials", {"kind": "one_time"}, {"account": {"data": {"type": "accounts", "id": account["id"]}}})["attributes"]["secret"]
    env = {**{k: v for k, v in os.environ.items() if not k.startswith("SIEGEL_")}, "HOME": folder, "XDG_CONFIG_HOME": f"{folder}/c"}
    run = lambda *words, **kw: instance.siegelctl(*words, env=env, **kw)
    run("login", "--name", account["attributes"]["name"], "--save", input=code)
    token = instance.command("cat", f"{folder}/c/siegel/token").stdout.strip()
    assert "issuing" in run("ca", "list").stdout
    run("logout")
    assert Client(instance, token)("GET", "/cas").status == 401
    assert run("logout", check=False).returncode == 1
    instance.command("rm", "-rf", folder)
