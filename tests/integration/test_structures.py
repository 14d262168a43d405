"""The description of structured values (api/schemas/) from outside: what it says of settings, rules and conditions is what the server takes, no more and no less."""

import json
import re
import time
import uuid

import pytest

import support


@pytest.fixture
def schemas(rest):
    return rest.get("/openapi.json").json["components"]["schemas"]


def policy(rest, **attributes):
    return rest.post("/policies/evaluate", {"data": {"type": "evaluate", "attributes": {"document": {"operation": "certificate.issue"}, **attributes}}})


DOORS = [("est_labels", "est_label_settings", {"auth": ["code"], "profile": "device"}), ("scep_profiles", "scep_profile_settings", {"auth": ["challenge"], "challenge": "a challenge for tests", "profile": "device"}),
         ("acme_directories", "acme_directory_settings", {"challenges": ["http-01"], "profile": "server"})]


@pytest.mark.parametrize("resource, name, attributes", DOORS)
def test_settings_are_those_that_the_server_reads(rest, schemas, resource, name, attributes):
    def refused(settings):
        answer = rest.post(f"/{resource}", {"data": {"type": resource, "attributes": {"name": f"t{uuid.uuid4().hex[:8]}", **attributes, "settings": settings}}})
        assert answer.status == 422 and answer.json["errors"][0]["source"]["pointer"].endswith("/settings"), (settings, answer)
        return answer.json["errors"][0]["detail"]
    properties = schemas[name]["properties"]
    listed = refused({"nonsense": 1}).split("which has ")[1]
    assert sorted(listed.split(", ")) == sorted(properties)
    for member, schema in properties.items():
        why = refused({member: {}})
        if "enum" in schema:
            assert why.endswith(" is wanted") and sorted(why.split("one of ")[1].removesuffix(" is wanted").replace(" and ", ", ").replace(" or ", ", ").split(", ")) == sorted(schema["enum"]), why
        elif schema["type"] == "integer":
            assert f"from {schema['minimum']} to {schema['maximum']}" in why
        else:
            assert schema["type"] == "string" and member in why


@pytest.fixture
def attempt(rest):
    """What the server says of what a directory is to offer: None when it takes it, else what is wrong. Nothing stays."""
    def one(profiles):
        answer = rest.post("/acme_directories", {"data": {"type": "acme_directories", "attributes": {
            "name": f"t{uuid.uuid4().hex[:8]}", "challenges": ["http-01"], "settings": {"caa_identities": "ca.example"}, "profiles": profiles}}})
        if answer.status == 201:
            assert rest.delete(f"/acme_directories/{answer.data['id']}").status == 202
            return None
        assert answer.status == 422 and answer.json["errors"][0]["source"]["pointer"] == "/data/attributes/profiles", answer
        return answer.json["errors"][0]["detail"]
    return one


def test_what_a_directory_offers_is_what_is_described(schemas, attempt):
    schema = schemas["acme_directory_profiles"]
    offer, pattern = schema["additionalProperties"], schema["propertyNames"]["pattern"]
    good = {"profile": "server", "description": "A week", "caa": True, "default": True}
    assert sorted(good) == sorted(offer["properties"]) == sorted(offer["x-siegel-order"]) and offer["required"] == ["profile"] and offer["additionalProperties"] is False
    assert attempt({"a": good}) is None
    assert attempt({"a": {"profile": "server"}}) is None
    # What the server says there is, is what is described: no member more.
    said = attempt({"a": {"profile": "server", "nonsense": 1}}).split("type: ")[1]
    assert [m for m in offer["properties"] if m not in said] == [] and said.count(",") + said.count(" and ") == len(offer["properties"]) - 1, said
    wrong = {"string": 1, "boolean": "true"}
    for member, one in offer["properties"].items():
        assert f'"{member}"' in attempt({"a": good | {member: wrong[one["type"]]}})
        if one["type"] == "string":
            assert f'"{member}"' in attempt({"a": good | {member: "x" * (one["maxLength"] + 1)}})
            assert f'"{member}"' in attempt({"a": good | {member: "x" * (one["minLength"] - 1)}})
    assert attempt({"a": good | {"description": "d" * offer["properties"]["description"]["maxLength"]}}) is None
    assert "default" in attempt({"a": {"profile": "server"}, "b": {"profile": "server"}}) and "a profile" in attempt({"a": {"caa": True}})
    # How many, and what they may be called.
    for count, taken in ((schema["minProperties"] - 1, False), (schema["maxProperties"], True), (schema["maxProperties"] + 1, False)):
        assert (attempt({f"p{n}": {"profile": "server", "default": n == 0} for n in range(count)}) is None) == taken
    for name in ("a", "A.b-c_9", "9", "a" * 64, "a" * 65, "", "-a", ".a", "_a", "a b", "ä", "a\n", "a/b", "<img src=x>", "__proto__", "a\u202e"):
        assert (attempt({name: {"profile": "server"}}) is None) == bool(re.fullmatch(pattern[1:-1], name)), name


def test_a_saved_query_is_what_is_described(rest, schemas):
    schema = schemas["saved_query"]

    def taken(query):
        answer = rest.post("/saved_queries", {"data": {"type": "saved_queries", "attributes": {"name": f"t{uuid.uuid4().hex[:8]}", "query": query}}})
        if answer.status == 201:
            assert answer.attributes["query"] == query and rest.delete(f"/saved_queries/{answer.data['id']}").status == 204
            return True
        assert answer.status == 422 and answer.json["errors"][0]["source"]["pointer"] == "/data/attributes/query", answer
        return False
    for name in ("sort", "filter[status]", "filter[any.1][owner][contains]", "filter[", "sorted", "page[size]", "xfilter[a]", "filter", "", "__proto__", "columns", "include"):
        assert taken({name: "x"}) == bool(re.search(schema["propertyNames"]["pattern"], name)), name
    for value in ("x", "", 1, True, None, ["x"], {}):
        assert taken({"sort": value}) == (isinstance(value, str) and schema["additionalProperties"] == {"type": "string"}), value
    most = schema["maxProperties"]
    assert taken({f"filter[metadata.k{n}]": "x" for n in range(most)}) and not taken({f"filter[metadata.k{n}]": "x" for n in range(most + 1)}) and taken({})
    octets = int(re.search(r"up to (\d+) octets", schema["description"])[1]) - len("sort")
    assert taken({"sort": "x" * octets}) and not taken({"sort": "x" * (octets + 1)})


def test_each_attribute_takes_each_comparison_that_is_described(rest, schemas):
    document = schemas["policy_document"]
    operators = document["x-siegel-operators"]
    rules = []

    def ask(path, schema):
        values = {"integer": "7", "string": '"x"', "boolean": "true"}
        for operator in operators.get(schema.get("type"), []):
            rules.append(f"{path}.size() <= 3" if operator == "size" else f"{path} {operator} {values[schema['type']]}")
        rules.append(f"exists({path})")
    for name, schema in document["properties"].items():
        if schema["type"] == "object" and "properties" in schema:
            for inner, one in schema["properties"].items():
                ask(f"$.{name}.{inner}", one)
        else:
            ask(f"$.{name}", schema)
    assert len(rules) > 60
    for i in range(0, len(rules), 32):
        answer = policy(rest, rules=[{"name": f"r{k}", "when": one, "refuse": True, "message": "no"} for k, one in enumerate(rules[i:i + 32])])
        assert answer.status == 200, answer
        assert not any(r.get("unknown") for r in answer.attributes["rules"])


def test_the_document_has_what_is_described(rest, schemas):
    profile = rest.get("/profiles?filter[name]=server").data[0]["id"]
    answer = rest.post(f"/profiles/{profile}/evaluate", {"data": {"type": "evaluate", "attributes": {
        "subject": {"CN": "a.example"}, "names": ["dns:a.example"], "owner": "me", "metadata": {"site": "Ulm"}}}})
    properties = schemas["policy_document"]["properties"]
    document = answer.attributes["document"]
    assert set(document) <= set(properties) and set(document["key"]) == set(properties["key"]["properties"])
    assert set(properties) - set(document) == {"replaces", "same_key", "days"} - set(document)
    for member in ("source", "evidence", "kind", "operation"):
        assert document[member] in properties[member]["enum"]
    assert document["key"]["family"] in properties["key"]["properties"]["family"]["enum"]


def test_rules_take_what_is_described(rest, schemas):
    rule = schemas["policy_rules"]["items"]["properties"]
    good = {"days": 90, "owner": "me", "metadata": {"a": "b"}, "subject": {t: "DE" for t in ["C"]}}
    assert sorted(good) == sorted(rule["default"]["properties"])
    assert policy(rest, rules=[{"name": "x", "default": good}]).status == 200
    for bad, pointer in (({"name": "x", "default": {"flavour": 1}}, "rules/0/default/flavour"), ({"name": "x", "flavour": 1, "refuse": True, "message": "no"}, "rules/0/flavour"),
                         ({"name": "x", "approve": {"count": rule["approve"]["properties"]["count"]["maximum"] + 1, "right": "cas.manage"}, "message": "no"}, "rules/0/approve"),
                         ({"name": "x", "default": {"days": rule["default"]["properties"]["days"]["maximum"] + 1}}, "rules/0/default/days")):
        answer = policy(rest, rules=[bad])
        assert answer.status == 422 and answer.json["errors"][0]["source"]["pointer"].endswith(pointer), answer


def test_a_profile_that_isnt_stored_is_tried(rest, default_tenant):
    definition = rest.get("/profile_templates/server").attributes["definition"]

    def attempt(who=rest, **attributes):
        return who.post("/profiles/evaluate", {"data": {"type": "evaluate", "attributes": attributes}})
    sample = {"kind": "cert_server", "subject": {"CN": "a.example"}, "definition": definition}
    answer = attempt(**sample)
    assert answer.status == 200 and answer.attributes["outcome"] == "issued" and answer.attributes["certificate"]["names"] == ["dns:a.example"]
    assert attempt(**sample | {"definition": definition | {"wildcard": False}, "names": ["dns:*.a.example"]}).attributes["outcome"] == "refused"
    for change, pointer in (({"kind": "cert_pump"}, "kind"), ({"kind": None}, "kind"), ({"definition": None}, "definition"), ({"definition": definition | {"days": -1}}, "definition/days"),
                            ({"definition": definition | {"<script>": 1}}, "definition/<script>"), ({"definition": definition | {"no_expiry": True}}, "definition/no_expiry")):
        refused = attempt(**{k: v for k, v in (sample | change).items() if v is not None})
        assert refused.status == 422 and refused.json["errors"][0]["source"]["pointer"] == f"/data/attributes/{pointer}", refused
    # Nobody without a token; and nothing is stored.
    before = len(rest.get("/profiles?page[size]=500").data)
    attempt(**sample)
    assert len(rest.get("/profiles?page[size]=500").data) == before


def test_who_may_try_a_profile_that_isnt_stored(instance, rest, default_tenant, other_tenant, stranger, second_ca):
    """The right is read, as for one that is stored; nobody without a login; the CA and the policies are those of one's own tenant."""
    definition = rest.get("/profile_templates/server").attributes["definition"]
    sample = {"kind": "cert_server", "subject": {"CN": "a.example"}, "definition": definition}

    def attempt(who, path="/profiles/evaluate", **more):
        return who.post(path, {"data": {"type": "evaluate", "attributes": sample | more}})
    answer = attempt(stranger)
    assert answer.status == 401 and "data" not in answer.json, answer
    assert attempt(instance.rest(token="x" * 43, source=support.new_address())).status == 401
    answer = attempt(default_tenant.rest("portal"))
    assert answer.status == 403 and "data" not in answer.json, answer
    assert attempt(default_tenant.rest("auditor")).status == attempt(default_tenant.rest("requestor")).status == 200
    # Another tenant: its own CA and policies judge, and it doesn't learn that ours are there.
    name = f"t{uuid.uuid4().hex[:8]}"
    made = rest.post("/policies", {"data": {"type": "policies", "attributes": {
        "name": name, "enabled": True, "rules": [{"name": "never", "refuse": True, "when": f'$.owner == "{name}"', "message": "ours alone"}]}}})
    assert made.status == 201, made
    try:
        ours, theirs = attempt(rest, owner=name), attempt(other_tenant.rest(), owner=name)
        assert ours.attributes["outcome"] == "refused" and "ours alone" in json.dumps(ours.json), ours
        assert theirs.status == 200 and theirs.attributes["outcome"] == "issued" and "ours alone" not in json.dumps(theirs.json), theirs
    finally:
        assert rest.delete(f"/policies/{made.data['id']}").status == 204
    ca = second_ca["attributes"]["name"]
    foreign, nobodys = attempt(other_tenant.rest(), ca=ca), attempt(other_tenant.rest(), ca=f"none-{name}")
    assert foreign.attributes == nobodys.attributes and foreign.attributes["error"]["code"] == "not_found", (foreign, nobodys)
    # The id 0 is no way to it, nor are others' ids.
    profile = rest.get("/profiles?filter[name]=server").data[0]["id"]
    for path in ("/profiles/0/evaluate", "/profiles/-1/evaluate", "/profiles/evaluate/evaluate"):
        assert attempt(rest, path).status == 404, path
    assert other_tenant.rest().post(f"/profiles/{profile}/evaluate", {"data": {"type": "evaluate", "attributes": {"subject": {"CN": "a.example"}}}}).status == 404
    assert rest.get("/profiles/evaluate").status in (404, 405)


@pytest.mark.rows("W01")
@pytest.mark.parametrize("hostile", [
    {"__proto__": {"x": 1}}, {"constructor": {"prototype": 1}}, {"<img src=x onerror=alert(1)>": 1}, {"days": 1e400}, {"days": "1; DROP TABLE profile"}, {"extensions": ["\u202e"]},
    {"names_within": {"dns": ["a" * 70000]}}, {"subject_rules": {"CN": {"characters": "a" * 70000}}}, {"subject_rules": {"__proto__": {}}}, {"extensions": [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]},
    {"policies": [{"oid": "1.2." + "9" * 5000}]}, {"metadata": {"x": "\x00"}},
])  # fmt: skip
def test_hostile_definitions_are_refused(rest, hostile):
    definition = rest.get("/profile_templates/server").attributes["definition"]
    begun = time.monotonic()
    body = json.dumps({"data": {"type": "evaluate", "attributes": {"kind": "cert_server", "subject": {"CN": "a.example"}, "definition": definition | hostile}}}).replace("Infinity", "1e400")
    answer = rest.post("/profiles/evaluate", body)
    assert answer.status in (400, 413, 422), (hostile, answer)
    assert time.monotonic() - begun < 3 * support.SLOWER
