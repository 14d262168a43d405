"""The management side of ACME: directories, external account keys, accounts, orders and advice on renewal, over REST and by siegelctl."""

import base64
import datetime
import json
import os
import re
import shlex
import subprocess

import pytest

import acme
import support
from labels import document, mark


def refused(answer, member, *words):
    assert answer.error["source"]["pointer"].startswith(f"/data/attributes/{member}"), answer
    assert all(w in answer.error["detail"] for w in words), answer.error["detail"]


def action(rest, path, status=200, **attributes):
    answer = rest.post(path, {"data": {"type": path.rsplit("/", 1)[-1], "attributes": attributes}})
    assert answer.status == status, answer
    return answer


def last_audit(instance, action):
    rows = instance.sql(f"SELECT actor, object, detail FROM audit WHERE action = '{action}' ORDER BY at_us DESC LIMIT 1")
    return rows[0][0], rows[0][1], json.loads(rows[0][2])


@pytest.fixture
def ctl(instance):
    def run(*arguments, check=True, **kw):
        env = {k: v for k, v in os.environ.items() if not k.startswith("SIEGEL_")}
        return instance.siegelctl(*arguments, check=check, env={**env, "SIEGEL_TOKEN": instance.token}, **kw)

    return run


# ---------------------------------------------------------------- directories


def test_a_directory_as_it_is_made(instance, rest, directory):
    one = directory()
    made = one.show()
    assert made["url"] == f"{instance.url}/acme/{one.name}/directory"
    assert made["enabled"] and made["challenges"] == ["http-01"] and made["settings"] == {} and made["version"] == 1
    assert made["profiles"] == {"default": {"profile": "server", "description": "TLS server", "caa": False, "default": True}}
    profile = rest.get(f"/acme_directories/{one.id}").data["relationships"]["profile"]["data"]
    assert rest.get(f"/profiles/{profile['id']}").attributes["name"] == "server"
    actor, what, detail = last_audit(instance, "acme_directory.created")
    assert actor.startswith("rest:") and what == f"acme_directory/{one.id}"
    assert detail["name"] == one.name and detail["profiles"] == "default=server" and detail["challenges"] == "{http-01}"
    # And it isn't one of the other protocols.
    assert rest.get(f"/est_labels/{one.id}").status == 404 and rest.get(f"/scep_profiles/{one.id}").status == 404
    assert not rest.get(f"/est_labels?filter[name]={one.name}").data
    assert one.delete().status == 202 and rest.get(f"/acme_directories/{one.id}").status == 404
    assert last_audit(instance, "acme_directory.deleted")[2] == {"name": one.name}
    one.id = None


def test_challenges_have_one_order(directory, maker):
    one = directory(challenges=["tls-alpn-01", "dns-account-01", "http-01", "dns-01", "http-01", "device-attest-01"], anchors=maker.anchors())
    assert one.show()["challenges"] == ["http-01", "dns-01", "dns-account-01", "tls-alpn-01", "device-attest-01"]


def test_profiles_of_a_directory(instance, rest, directory, own_profile):
    short = own_profile("server", days=7)
    one = directory(profile=None, settings={"caa_identities": "ca.example"},
                    profiles={"classic": {"profile": "server", "default": True}, "short": {"profile": short, "description": "A week", "caa": True}})
    assert one.show()["profiles"] == {"classic": {"profile": "server", "description": "TLS server", "caa": False, "default": True},
                                      "short": {"profile": short, "description": "A week", "caa": True, "default": False}}
    # profile alone changes the default's; the others stay.
    one.change(profile=short)
    said = one.show()["profiles"]
    assert said["classic"]["profile"] == short and said["classic"]["default"] and said["short"]["caa"]
    # The set is replaced as a whole, also the default.
    one.change(profiles={"only": {"profile": "server"}})
    assert one.show()["profiles"] == {"only": {"profile": "server", "description": "TLS server", "caa": False, "default": True}}
    assert instance.sql(f"SELECT p.name FROM endpoint n JOIN profile p ON p.id = n.profile_id WHERE n.id = {one.id}") == [["server"]]
    # A refusal leaves all as it was.
    refused(one.change(status=422, profiles={"a": {"profile": "server", "default": True}, "b": {"profile": "nothing"}}), "profiles")
    assert list(one.show()["profiles"]) == ["only"]
    # What a directory offers stays, whether it is the default or not.
    one.change(profiles={"only": {"profile": "server", "default": True}, "short": {"profile": short}})
    number = rest.get(f"/profiles?filter[name]={short}").data[0]["id"]
    answer = rest.delete(f"/profiles/{number}")
    assert answer.status == 409 and f"the ACME directory \"{one.name}\"" in answer.error["detail"], answer
    one.change(profiles={"only": {"profile": "server"}})
    # An order under way keeps it too.
    account, _ = one.account()
    order = one.order(account, ["dns:a.example"], [one.authz(account, "dns:a.example")], profile_id=int(number))
    answer = rest.delete(f"/profiles/{number}")
    assert answer.status == 409 and "orders of ACME" in answer.error["detail"], answer
    instance.sql(f"UPDATE acme_order SET status = 'processing', expires_at = now() WHERE id = {order}")
    assert rest.delete(f"/profiles/{number}").status == 409
    instance.sql(f"UPDATE acme_order SET status = 'invalid' WHERE id = {order}")
    assert rest.delete(f"/profiles/{number}").status == 204
    assert rest.get(f"/acme_orders/{order}").status == 200


@pytest.mark.parametrize("attributes, member, words", [
    ({"name": "Big"}, "name", ["small letters"]), ({"name": "a/b"}, "name", []), ({"name": "a" * 65}, "name", []),
    ({"profile": "nothing"}, "profile", ["none of this name"]), ({"profile": "root-ca"}, "profile", ["one for devices"]),
    ({"profile": "code-signing"}, "profile", ["template", "siegelctl profiles create"]), ({"profile": None}, "profile", ["profile or profiles"]),
    ({"ca": "nothing"}, "ca", ["none of this name"]),
    ({"challenges": []}, "challenges", ["at least one"]), ({"challenges": ["http-02"]}, "challenges", ['"http-02"', "tls-alpn-01"]),
    ({"challenges": "http-01"}, "challenges", ["array"]), ({"challenges": [1]}, "challenges", ["number 1"]),
    ({"challenges": ["code"]}, "challenges", []), ({"challenges": None}, "challenges", ["has to be there"]),
    ({"profiles": {}}, "profiles", ["1 to 20"]), ({"profiles": {f"p{n}": {"profile": "server"} for n in range(21)}}, "profiles", ["1 to 20"]),
    ({"profiles": []}, "profiles", ["object"]), ({"profiles": {"a b": {"profile": "server"}}}, "profiles", ['"a b"', "letters"]),
    ({"profiles": {"": {"profile": "server"}}}, "profiles", []), ({"profiles": {"a" * 65: {"profile": "server"}}}, "profiles", ["64"]),
    ({"profiles": {"-a": {"profile": "server"}}}, "profiles", []), ({"profiles": {"a": "server"}}, "profiles", ["an object is wanted"]),
    ({"profiles": {"a": {}}}, "profiles", ["name of a profile"]), ({"profiles": {"a": {"profile": "server", "ca": "x"}}}, "profiles", ['"ca"']),
    ({"profiles": {"a": {"profile": "server", "caa": 1}}}, "profiles", ['"caa"']),
    ({"profiles": {"a": {"profile": "server", "description": "d" * 201}}}, "profiles", ['"description"']),
    ({"profiles": {"a": {"profile": "server"}, "b": {"profile": "server"}}}, "profiles", ["default"]),
    ({"profiles": {"a": {"profile": "server", "default": True}, "b": {"profile": "server", "default": True}}}, "profiles", ["default"]),
    ({"profiles": {"a": {"profile": "root-ca"}}}, "profiles", ["one for devices"]),
    ({"profile": "client", "profiles": {"a": {"profile": "server"}}}, "profile", ["the default is server"]),
    ({"profile": None, "profiles": {"a": {"profile": "server", "caa": True}}}, "profiles", ["a", "caa_identities"]),
    ({"profile": None, "profiles": {"a": {"profile": "server", "caa": True}}, "settings": {"caa_identities": ""}}, "profiles", ["caa_identities"]),
    ({"auth": ["http-01"]}, "auth", []), ({"anchors": "x"}, "anchors", []), ({"challenge": "x" * 20}, "challenge", [])])
def test_what_a_directory_cannot_be(directory, attributes, member, words):
    refused(directory(status=422, **attributes).answer, member, *words)


@pytest.mark.parametrize("definition, words", [
    ({"subject_required": ["CN"]}, ["wants a CN", "subject_required"]), ({"subject_required": ["O"]}, ["wants a O"]),
    ({"subject_required": ["serialNumber"]}, ["serialNumber"]), ({"names_allowed": ["dns", "email"], "names_required": ["email"]}, ["email"]),
    ({"names_allowed": ["email", "uri"], "names_required": False, "from_common_name": False}, ["hosts, addresses or devices"]),
    ({"key_origin": "appliance"}, ["made here"])])
def test_profiles_that_no_order_can_have(rest, directory, definition, words):
    """What would fail at each order is said when the directory is made, and when it changes."""
    bad, good = acme.server_profile(rest, **definition), acme.server_profile(rest, subject_required=["O"], subject_fixed={"O": "Example"})
    refused(directory(status=422, profile=bad).answer, "profile", bad, *words)
    one = directory(profile=None, profiles={"a": {"profile": good}})
    refused(one.change(status=422, profiles={"a": {"profile": good, "default": True}, "b": {"profile": bad}}), "profiles", bad, *words)
    one.change(enabled=False)


@pytest.mark.parametrize("name, bad, good", [
    ("external_account", ["", "on", True, None, 1], ["off", "optional", "required"]),
    ("terms_of_service", ["", "pki.example", "javascript:alert(1)", "ftp://a", "https://", "https:///x", "https://a b", "https://a\n", "https://ä",
                          'https://a"', "https://" + "a" * 505, 1, None], ["https://pki.example/terms?v=1", "http://pki"]),
    ("website", ["www", "https://a<b"], ["https://pki.example/"]),
    ("caa_identities", ["a.example, b.example", "a.example,", ",a.example", "*.a.example", "192.0.2.1", "a_b.example", 1, ["a.example"], "ä.example",
                        ",".join(f"a{n}.example" for n in range(65))], ["", "a.example", "a.example,b.example"]),
    ("networks", ["", "10.0.0.1", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/8, fd00::/8", "10.0.0.0/8,", "fd00::/129", "all", "10.0.0.0/-1", "10/8", 1],
     ["10.0.0.0/8", "10.0.0.0/8,fd00::/8,192.0.2.1/32"]),
    ("order_hours", [0, 721, "1", 1.5, True, None], [1, 720]), ("authz_hours", [-1, 8785], [0, 8784]), ("names", [0, 101], [1, 100]),
    ("accounts_per_hour", [-1, 1000001], [0, 1000000]), ("orders_per_hour", [-1, "x"], [0]), ("failures_per_hour", [-1], [0]),
    ("pending_authz", [-1], [0])])
def test_settings_of_a_directory(directory, name, bad, good):
    one = directory()
    for value in bad:
        refused(one.change(status=422, settings={name: value}), "settings", f"settings: {name}")
    for value in good:
        one.change(settings={name: value})
        assert one.show()["settings"] == {name: value}
    one.change(settings={})
    assert one.show()["settings"] == {}


@pytest.mark.rows("M10")
def test_caa_needs_a_name_of_ours(directory):
    """Also when one of the two changes later."""
    one = directory(profile=None, settings={"caa_identities": "ca.example"}, profiles={"a": {"profile": "server", "caa": True}})
    for settings in ({}, {"caa_identities": ""}, {"order_hours": 24}):
        refused(one.change(status=422, settings=settings), "settings", "caa_identities")
    one.change(enabled=False)
    one.change(settings={}, profiles={"a": {"profile": "server"}})
    refused(one.change(status=422, profiles={"a": {"profile": "server", "caa": True}}), "profiles", "caa_identities")
    one.change(settings={"caa_identities": "ca.example"}, profiles={"a": {"profile": "server", "caa": True}})


def test_settings_that_are_unknown(directory):
    one = directory(settings={"order_hours": 24})
    refused(one.change(status=422, settings={"order_hour": 1}), "settings", '"order_hour"', "order_hours, authz_hours")
    refused(one.change(status=422, settings={"names_from": "same"}), "settings", "ACME directory")
    assert one.show()["settings"] == {"order_hours": 24}
    one.change(settings={"caa_identities": "CA.Example"})
    assert one.show()["settings"] == {"caa_identities": "ca.example"}  # and the former ones are gone


@pytest.mark.rows("R01", "R05")
def test_directories_of_two_tenants(rest, other_tenant, directory):
    """A path has one tenant; another's profile, CA and directory aren't there."""
    one, theirs = directory(), other_tenant.rest()
    refused(directory(rest=theirs, status=409, name=one.name).answer, "name", "taken")
    other = directory(rest=theirs)
    for number, who in ((one.id, theirs), (other.id, rest)):
        assert who.get(f"/acme_directories/{number}").status == 404
        assert who.delete(f"/acme_directories/{number}").status == 404
        change = {"data": {"type": "acme_directories", "id": number, "attributes": {"enabled": False}}}
        assert who.patch(f"/acme_directories/{number}", change).status == 404
    made = theirs.post("/acme_keys", document("acme_keys", directory=one.name))
    assert made.status == 422 and "none of this name" in made.error["detail"]


def test_versions_of_a_directory(rest, directory):
    one = directory()
    one.change(enabled=False)
    assert one.show()["version"] == 2 and not one.show()["enabled"]
    document = {"data": {"type": "acme_directories", "id": one.id, "attributes": {"enabled": True, "version": 1}}}
    assert rest.patch(f"/acme_directories/{one.id}", document).status == 412


def test_a_directory_and_its_ca(rest, directory, second_ca):
    one = directory(ca=second_ca["attributes"]["name"])
    shown = lambda: rest.get(f"/acme_directories/{one.id}").data["relationships"]["ca"]["data"]  # noqa: E731
    assert shown() == {"type": "cas", "id": second_ca["id"]}
    assert one.id in [d["id"] for d in rest.get(f"/acme_directories?filter[ca]={second_ca['id']}").data]
    one.change(ca=None)
    assert shown() is None


# ---------------------------------------------------------------- commands


PROGRAMS = {"certbot": "certbot", "lego": "lego", "uacme": "uacme", "dehydrated": "dehydrated", "acme_tiny": "acme-tiny", "curl": "curl"}


def test_commands_fit_the_directory(directory, maker):
    one = directory(challenges=["http-01", "dns-01"])
    lines = one.show()["commands"]
    assert set(lines) == set(PROGRAMS)
    for name, line in lines.items():
        words = shlex.split(line)
        assert PROGRAMS[name] in words and one.show()["url"] in line, line
        assert "eab" not in line.lower() and "KID" not in line
    one.change(settings={"external_account": "required"})
    commands = one.show()["commands"]
    assert commands["acme_tiny"] is None  # it knows none
    assert "--eab-kid KID --eab-hmac-key KEY" in commands["certbot"] and "--eab --kid KID --hmac KEY" in commands["lego"]
    assert "-e KID:KEY" in commands["uacme"] and "EAB_KID=KID EAB_HMAC_KEY=KEY" in commands["dehydrated"]
    one.change(challenges=["device-attest-01"], anchors=maker.anchors())
    assert {k for k, v in one.show()["commands"].items() if v} == {"curl"}
    one.change(challenges=["tls-alpn-01"], anchors=None)
    assert {k for k, v in one.show()["commands"].items() if v} == {"curl", "lego", "uacme", "dehydrated"}
    one.change(challenges=["dns-01"])
    assert "--preferred-challenges dns" in one.show()["commands"]["certbot"]


@pytest.mark.parametrize("program, options", [
    ("certbot", ["--server", "--standalone", "--preferred-challenges", "--eab-kid", "--eab-hmac-key", "--agree-tos"]),
    ("lego", ["--server", "--http", "--tls", "--dns", "--eab", "--kid", "--hmac", "--accept-tos", "--email"]),
    ("uacme", ["--acme-url", "--confdir", "--eab", "--hook", "--yes"]), ("dehydrated", ["--register", "--accept-terms", "--cron", "--config"]),
    ("acme-tiny", ["--account-key", "--csr", "--acme-dir", "--directory-url"])])
def test_options_are_those_of_the_programs(program, options):
    """What the ready lines say is what the packaged programs take."""
    help_text = subprocess.run([program, *(["--help", "all"] if program == "certbot" else ["--help"])], capture_output=True, text=True, timeout=60)
    text = help_text.stdout + help_text.stderr
    assert not [o for o in options if o not in text], text


def test_the_line_for_dehydrated_writes_its_configuration(directory, tmp_path):
    one = directory(settings={"external_account": "optional"})
    key = one.key()
    line = key.attributes["commands"]["dehydrated"].split(" && ")[0]
    subprocess.run(["sh", "-c", line], cwd=tmp_path, env={**os.environ, "KEY": key.attributes["key"]}, check=True)
    said = dict(x.split("=", 1) for x in (tmp_path / "dehydrated.conf").read_text().splitlines())
    assert said == {"CA": one.show()["url"], "WELLKNOWN": "/var/www/acme", "EAB_KID": key.attributes["kid"], "EAB_HMAC_KEY": key.attributes["key"]}


# ---------------------------------------------------------------- external account keys


@pytest.fixture
def required(directory):
    return directory(settings={"external_account": "required"})


def hours_left(attributes):
    end = datetime.datetime.strptime(attributes["expires_at"], "%Y-%m-%dT%H:%M:%SZ")
    return (end - datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)).total_seconds() / 3600


def test_a_key_is_shown_once(instance, rest, required):
    made = required.key(names=["dns:.Corp.Example", "dns:host", "ip:10.0.0.0/8", "ip:192.0.2.7", "ip:fd00::1"], max_accounts=3)
    key, kid = made.attributes["key"], made.attributes["kid"]
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", key) and len(base64.urlsafe_b64decode(key + "=")) == 32
    assert re.fullmatch(r"[a-z2-7]{16}", kid)
    shown = rest.get(f"/acme_keys/{made.data['id']}")
    assert "key" not in shown.attributes and key not in json.dumps(shown.json) and key not in json.dumps(rest.get("/acme_keys").json)
    assert shown.attributes["names"] == ["dns:.corp.example", "dns:host", "ip:10.0.0.0/8", "ip:192.0.2.7/32", "ip:fd00::1/128"]
    assert shown.attributes["status"] == "good" and shown.attributes["accounts"] == 0 and shown.attributes["max_accounts"] == 3
    assert 719 < hours_left(shown.attributes) <= 720
    assert f"--eab-kid {kid} --eab-hmac-key \"$KEY\"" in shown.attributes["commands"]["certbot"]
    # Neither the log of changes nor the store has it as it is.
    detail = last_audit(instance, "acme_key.created")[2]
    assert detail["kid"] == kid and "key" not in detail and key not in json.dumps(detail)
    raw = base64.urlsafe_b64decode(key + "=").hex()
    assert raw not in instance.sql(f"SELECT encode(sealed, 'hex') FROM acme_key WHERE kid = '{kid}'")[0][0]
    assert required.key().attributes["key"] != key


def test_keys_expire(instance, rest, required):
    assert 4.9 < hours_left(required.key(hours=5).attributes) <= 5
    assert required.key(hours=None).attributes["expires_at"] is None
    for hours in (0, -1, 87841, "5"):
        refused(required.key(status=422, hours=hours), "hours")
    for n in (0, 1000001):
        refused(required.key(status=422, max_accounts=n), "max_accounts")
    made = required.key(hours=1)
    number = made.data["id"]
    for sql, status in (("expires_at = now() - interval '1 second'", "expired"), ("expires_at = NULL, accounts = max_accounts", "used"),
                        ("revoked_at = now()", "revoked")):
        instance.sql(f"UPDATE acme_key SET {sql} WHERE id = {number}")
        assert rest.get(f"/acme_keys/{number}").attributes["status"] == status
        assert number in [k["id"] for k in rest.get(f"/acme_keys?filter[status]={status}&filter[directory]={required.id}").data]
        assert number not in [k["id"] for k in rest.get(f"/acme_keys?filter[status]=good&filter[directory]={required.id}").data]


def test_a_key_without_a_directory(rest):
    made = rest.post("/acme_keys", document("acme_keys"))
    assert made.status == 201 and made.data["relationships"]["directory"]["data"] is None
    assert not any(made.attributes["commands"].values())
    assert rest.delete(f"/acme_keys/{made.data['id']}").status == 204


def test_a_key_for_a_directory_that_takes_none(rest, directory):
    refused(directory().key(status=422), "directory", "external_account")
    refused(directory(settings={"external_account": "off"}).key(status=422), "directory")
    assert directory(settings={"external_account": "optional"}).key().status == 201


@pytest.mark.parametrize("name, word", [
    ("a.example", "dns:host"), ("dns:*.a.example", "dns:.example.com"), ("dns:", "dns name"), ("dns:.", "dns name"), ("dns:..a", "DNS name"),
    ("dns:192.0.2.1", "DNS name"), ("dns:a_b", "DNS name"), ("dns:ä.example", "dns name"), ("ip:", "network"), ("ip:10.0.0.1/8", "prefix"),
    ("ip:10.0.0.0/33", "network"), ("ip:a", "network"), ("email:a@a.example", "dns:host"), ("DNS:a.example", "dns:host"), (7, "number 1"),
    ("dns:.com", "one label"), ("dns:.Intranet", "one label"), ("ip:0.0.0.0/0", "/8"), ("ip:10.0.0.0/7", "/8"), ("ip:::/0", "/16"), ("ip:2000::/15", "/16"),
    ("dns:a\nb", "ASCII"), ("ip:10.0.0.0/8\n", "network")])
def test_names_that_cannot_be(required, name, word):
    refused(required.key(status=422, names=[name]), "names", word)


def test_names_of_a_key_can_be_changed(instance, rest, required):
    made = required.key(names=["dns:a.example"])
    change = {"data": {"type": "acme_keys", "id": made.data["id"], "attributes": {"names": ["dns:b.example"], "owner": "net"}}}
    answer = rest.patch(f"/acme_keys/{made.data['id']}", change)
    assert answer.status == 200 and answer.attributes["names"] == ["dns:b.example"] and answer.attributes["owner"] == "net"
    change["data"]["attributes"] = {"names": []}
    assert rest.patch(f"/acme_keys/{made.data['id']}", change).attributes["names"] == []
    change["data"]["attributes"] = {"max_accounts": 9}
    assert rest.patch(f"/acme_keys/{made.data['id']}", change).status == 422
    change["data"]["attributes"] = {"names": [f"dns:a{n}.example" for n in range(101)]}
    refused(rest.patch(f"/acme_keys/{made.data['id']}", change), "names", "over 100")
    assert last_audit(instance, "acme_key.changed")[1] == f"acme_key/{made.data['id']}"


@pytest.mark.rows("M11")
def test_a_key_is_revoked(instance, rest, required):
    made = required.key(names=["dns:.corp.example"], max_accounts=2)
    number = made.data["id"]
    account, _ = required.account(key_id=int(number))
    shown = rest.get(f"/acme_accounts/{account}").attributes
    assert shown["names_by_key"] == ["dns:.corp.example"] and shown["names"] == []
    action(rest, f"/acme_keys/{number}/revoke")
    # Its accounts lose what it gave them at once, and stay what they are.
    shown = rest.get(f"/acme_accounts/{account}").attributes
    assert shown["names_by_key"] is None and shown["status"] == "valid"
    assert rest.get(f"/acme_keys/{number}").attributes["status"] == "revoked"
    assert last_audit(instance, "acme_key.revoked")[2] == {"kid": made.attributes["kid"], "accounts": "0"}
    about = f"object IN ('acme_key/{number}', 'acme_account/{account}')"
    before = instance.count("audit", about)
    action(rest, f"/acme_keys/{number}/revoke")
    assert instance.count("audit", about) == before > 0  # it is so already
    assert action(rest, f"/acme_keys/{number}/revoke", accounts=True).status == 200
    assert rest.get(f"/acme_accounts/{account}").attributes["status"] == "revoked"
    assert last_audit(instance, "acme_key.revoked")[2]["accounts"] == "1"
    other = required.key()
    assert rest.delete(f"/acme_keys/{other.data['id']}").status == 204
    assert rest.get(f"/acme_keys/{other.data['id']}").attributes["status"] == "revoked"


@pytest.mark.rows("R01", "M11")
def test_keys_of_another_tenant(other_tenant, required):
    number, theirs = required.key().data["id"], other_tenant.rest()
    assert theirs.get(f"/acme_keys/{number}").status == 404 and theirs.delete(f"/acme_keys/{number}").status == 404
    assert theirs.post(f"/acme_keys/{number}/revoke", {"data": {"type": "revoke"}}).status == 404
    assert number not in [k["id"] for k in theirs.get("/acme_keys?page[size]=500").data]


def test_keys_go_with_their_directory(rest, directory):
    one = directory(settings={"external_account": "required"})
    number = one.key().data["id"]
    account, _ = one.account()
    order = one.order(account, ["dns:a.example"], [one.authz(account, "dns:a.example", [("http-01", "pending", None, [])])])
    assert one.remove()["status"] == "done"
    one.id = None
    for path in (f"/acme_keys/{number}", f"/acme_accounts/{account}", f"/acme_orders/{order}"):
        assert rest.get(path).status == 404


# ---------------------------------------------------------------- accounts


def test_accounts_are_found(instance, rest, required):
    key = int(required.key(max_accounts=9).data["id"])
    mail = f"mailto:{mark()}@a.example"
    first, thumb = required.account(key_id=key, contacts=[mail, "mailto:b@a.example"])
    second, _ = required.account(status="deactivated")
    for query, found in ((f"filter[contacts]={mail}", {first}), (f"filter[thumbprint]={thumb}", {first}),
                         (f"filter[directory]={required.id}&filter[status]=deactivated", {second}),
                         (f"filter[directory]={required.id}&filter[status]=valid", {first}), (f"filter[key]={key}", {first}),
                         (f"filter[directory]={required.id}", {first, second}), ("filter[thumbprint]=x", set()),
                         ("filter[thumbprint]=" + "%27" * 43, set()), ("filter[thumbprint]=" + "_" * 43, set())):
        answer = rest.get(f"/acme_accounts?{query}")
        assert answer.status == 200 and {int(a["id"]) for a in answer.data} == found, query
    shown = rest.get(f"/acme_accounts/{first}")
    assert shown.attributes["thumbprint"] == thumb and shown.attributes["key_type"] == "EC P-256" and shown.attributes["jwk"]["crv"] == "P-256"
    assert shown.attributes["url"] == f"{instance.url}/acme/{required.name}/acct/{first}"
    assert shown.data["relationships"]["key"]["data"]["id"] == str(key)
    assert "jwk" not in rest.get("/acme_accounts").data[0]["attributes"]
    assert rest.get("/acme_accounts?filter[status]=gone").status == 400


def change_account(rest, number, expected=200, **attributes):
    answer = rest.patch(f"/acme_accounts/{number}", {"data": {"type": "acme_accounts", "id": str(number), "attributes": attributes}})
    assert answer.status == expected, answer
    return answer


def test_accounts_are_changed_by_the_house(instance, rest, other_tenant, required):
    number, _ = required.account()
    answer = change_account(rest, number, names=["dns:.Corp.Intranet", "ip:10.0.0.0/8"], owner="net", metadata={"site": "Ulm"})
    assert answer.attributes["names"] == ["dns:.corp.intranet", "ip:10.0.0.0/8"] and answer.attributes["metadata"] == {"site": "Ulm"}
    assert answer.attributes["version"] == 2 and answer.attributes["status"] == "valid"
    refused(change_account(rest, number, 422, names=["dns:*.a"]), "names", "dns:.example.com")
    for status in ("valid ", "deactivated", "gone"):
        refused(change_account(rest, number, 422, status=status), "status")
    for member in ("contacts", "thumbprint", "jwk", "address", "names_by_key"):
        change_account(rest, number, 422, **{member: "x"})
    assert change_account(other_tenant.rest(), number, 404, names=[]).status == 404
    assert rest.patch(f"/acme_accounts/{number}", {"data": {"type": "acme_accounts", "id": str(number), "attributes": {"owner": "x", "version": 1}}}
                      ).status == 412
    assert change_account(rest, number, status="revoked").attributes["status"] == "revoked"
    actor, what, detail = last_audit(instance, "acme_account.changed")
    assert what == f"acme_account/{number}" and detail["status"] == "revoked" and detail["directory"] == required.name
    refused(change_account(rest, number, 422, status="valid"), "status", "for ever")
    assert change_account(rest, number, status="revoked").status == 200
    gone, _ = required.account(status="deactivated")
    refused(change_account(rest, gone, 409, status="revoked"), "status", "deactivated")
    assert rest.delete(f"/acme_accounts/{number}").status == 405 and rest.post("/acme_accounts", document("acme_accounts")).status == 405


# ---------------------------------------------------------------- orders


PROBLEM = {"type": "urn:ietf:params:acme:error:connection", "detail": "nobody listens on port 80 of 192.0.2.9", "status": 400}
LOG = ["asked for the addresses of a.example: 192.0.2.9", "connected to 192.0.2.9 port 80: refused"]


def test_orders_say_what_became_of_them(instance, rest, directory, own_profile):
    one = directory(challenges=["http-01", "dns-01"])
    account, _ = one.account()
    good = lambda name, **kw: one.authz(account, name, [("http-01", "valid", None, [])], status="valid", method="http-01", **kw)  # noqa: E731
    pending = lambda name, **kw: one.authz(account, name, [("http-01", "processing", None, []), ("dns-01", "pending", None, [])], **kw)  # noqa: E731
    bad = one.authz(account, "dns:a.example", [("http-01", "invalid", PROBLEM, LOG), ("dns-01", "pending", None, [])], status="invalid")
    past = {"expires_at_sql": "now() - interval '1 second'"}
    issued = rest.post("/cert_server", document("cert_server", cn=f"{mark()}.example")).data
    cases = {
        "pending": (["dns:b.example", "dns:c.example"], [good("dns:b.example"), pending("dns:c.example")], {},
                    "not proved yet: dns:c.example (http-01 is being looked at, dns-01)"),
        "wildcard": (["dns:*.c.example"], [pending("dns:c.example", wildcard=True)], {},
                     "not proved yet: dns:*.c.example (http-01 is being looked at, dns-01)"),
        "ready": (["dns:b.example"], [good("dns:b.example")], {}, "all names are proved: the client has to finalize it"),
        "failed": (["dns:a.example", "dns:b.example"], [bad, good("dns:b.example")], {}, "dns:a.example (http-01): " + PROBLEM["detail"]),
        "late": (["dns:b.example"], [good("dns:b.example")], past, "the client didn't finalize it in time"),
        "unproved": (["dns:c.example"], [pending("dns:c.example", **past)], {}, "dns:c.example wasn't proved in time"),
        "swept": (["dns:gone.example"], [999999999999], past, "the names weren't proved in time"),
        "withdrawn": (["dns:b.example"], [one.authz(account, "dns:b.example", [("dns-01", "valid", None, [])], status="valid", method="tls-alpn-01")], {},
                      "dns:b.example was proved as isn't allowed any more"),
        "given up": (["dns:c.example"], [pending("dns:c.example", status="deactivated")], {}, "dns:c.example was given up by the client"),
        "refused": (["dns:b.example"], [good("dns:b.example")], {"status": "invalid", "error": {**PROBLEM, "detail": "the key is too short"}},
                    "the key is too short"),
        "processing": (["dns:b.example"], [good("dns:b.example")], {"status": "processing"}, "the certificate is being made, or others have to approve it"),
        "valid": (["dns:b.example"], [good("dns:b.example")], {"status": "valid", "certificate_id": int(issued["id"])}, None),
    }
    status = {"swept": "invalid", "withdrawn": "invalid", "wildcard": "pending", "failed": "invalid", "late": "invalid", "unproved": "invalid", "given up": "invalid", "refused": "invalid"}
    numbers = {}
    for case, (names, authz, row, explanation) in cases.items():
        numbers[case] = one.order(account, names, authz, **row)
        shown = rest.get(f"/acme_orders/{numbers[case]}").attributes
        assert (shown["status"], shown["explanation"], shown["names"]) == (status.get(case, case), explanation, names), case
    # The list's status and its filter are of one mind.
    listed = {int(o["id"]): o["attributes"] for o in rest.get(f"/acme_orders?filter[directory]={one.id}&page[size]=500").data}
    for word in ("pending", "ready", "processing", "valid", "invalid"):
        found = {int(o["id"]) for o in rest.get(f"/acme_orders?filter[directory]={one.id}&filter[status]={word}&page[size]=500").data}
        assert found == {n for n, a in listed.items() if a["status"] == word} and found, word
    assert rest.get("/acme_orders?filter[status]=lost").status == 400
    # What the validation did, for one, and in a list when it is asked for.
    assert "authorizations" not in listed[numbers["failed"]]
    shown = rest.get(f"/acme_orders/{numbers['failed']}").attributes["authorizations"]
    assert [(a["identifier"], a["status"]) for a in shown] == [("dns:a.example", "invalid"), ("dns:b.example", "valid")]
    assert shown[0]["challenges"][0] == {"type": "http-01", "status": "invalid", "attempts": 0, "validated_at": None, "problem": PROBLEM, "log": LOG}
    assert shown[1]["method"] == "http-01"
    asked = rest.get(f"/acme_orders?filter[account]={account}&fields[acme_orders]=authorizations&page[size]=500").data
    assert len(asked) == len(cases) and all(list(o["attributes"]) == ["authorizations"] for o in asked)
    assert rest.get(f"/acme_orders/{numbers['unproved']}").attributes["authorizations"][0]["status"] == "expired"
    assert rest.get(f"/acme_orders/{numbers['wildcard']}").attributes["authorizations"][0]["identifier"] == "dns:*.c.example"
    certificate = rest.get(f"/acme_orders/{numbers['valid']}").data["relationships"]["certificate"]["data"]
    assert certificate == {"type": "certificates", "id": issued["id"]}
    assert rest.get(f"/acme_orders?filter[certificate]={issued['id']}").data[0]["id"] == str(numbers["valid"])


def test_orders_are_found_by_name(rest, directory):
    one, label = directory(), mark()
    account, _ = one.account()
    name, other = f"dns:{label}.example", f"dns:b.{label}.example"
    waiting = one.order(account, [name], [one.authz(account, name)])
    wild = one.order(account, [f"dns:*.{label}.example"], [one.authz(account, name, wildcard=True)])
    issued = rest.post("/cert_server", document("cert_server", cn=f"b.{label}.example")).data
    done = one.order(account, [other], [one.authz(account, other, status="valid")], status="valid", certificate_id=int(issued["id"]))
    for query, found in ((f"filter[names]={name}", {waiting}), (f"filter[names]=dns:*.{label}.example", {wild}), (f"filter[names]={other}", {done}),
                         (f"filter[names][contains]={label}", {waiting, wild, done}), (f"filter[names]=dns:c.{label}.example", set()),
                         (f"filter[account]={account}", {waiting, wild, done}), (f"filter[account]={account}&filter[created_at][lt]=2020-01-01", set())):
        answer = rest.get(f"/acme_orders?{query}")
        assert answer.status == 200 and {int(o["id"]) for o in answer.data} == found, query


@pytest.mark.rows("R01")
def test_orders_of_another_tenant(rest, other_tenant, directory):
    one, theirs = directory(), other_tenant.rest()
    account, thumb = one.account()
    order = one.order(account, ["dns:a.example"], [one.authz(account, "dns:a.example")])
    assert theirs.get(f"/acme_orders/{order}").status == 404 and theirs.get(f"/acme_accounts/{account}").status == 404
    for path in (f"/acme_orders?filter[account]={account}", f"/acme_accounts?filter[thumbprint]={thumb}", f"/acme_orders?filter[directory]={one.id}"):
        assert theirs.get(path).data == []
    assert rest.delete(f"/acme_orders/{order}").status == 405


# ---------------------------------------------------------------- advice on renewal


@pytest.fixture
def certificates(rest):
    """Three of one owner."""
    owner = mark("owner")
    made = [rest.post("/cert_server", document("cert_server", cn=f"{mark()}.example", owner=owner)).data["id"] for _ in range(3)]
    return owner, made


def wait_job(rest, answer):
    number = answer.data["id"]
    support.wait_until(lambda: rest.get(f"/jobs/{number}").attributes["status"] in ("done", "failed"), 20)
    job = rest.get(f"/jobs/{number}").attributes
    assert job["status"] == "done", job
    return job


def advised(rest, number):
    answer = rest.get(f"/renewal_advice/{number}")
    return answer.attributes if answer.status == 200 else None


def test_one_certificate_is_to_be_renewed(instance, rest, other_tenant, certificates):
    _, (one, two, three) = certificates
    answer = action(rest, f"/certificates/{one}/advise_renewal", begins="2036-01-01T00:00:00Z", ends="2036-01-02T00:00:00Z",
                    explanation="https://pki.example/why")
    assert answer.data["id"] == one
    said = advised(rest, one)
    assert (said["begins_at"], said["ends_at"], said["explanation"]) == ("2036-01-01T00:00:00Z", "2036-01-02T00:00:00Z", "https://pki.example/why")
    actor, what, detail = last_audit(instance, "renewal_advice.changed")
    assert what == f"certificate/{one}" and detail["begins"] == "2036-01-01T00:00:00Z" and said["requestor"] == actor
    # Without a time it is at once: the window is past. The newer advice holds.
    action(rest, f"/certificates/{one}/advise_renewal")
    said = advised(rest, one)
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert said["begins_at"] < said["ends_at"] < now and said["explanation"] is None
    assert rest.get(f"/renewal_advice/{one}").data["relationships"]["certificate"]["data"]["id"] == one
    for wrong in (other_tenant.rest().get(f"/renewal_advice/{one}"), other_tenant.rest().delete(f"/renewal_advice/{one}"),
                  other_tenant.rest().post(f"/certificates/{one}/advise_renewal", {"data": {"type": "advise_renewal"}})):
        assert wrong.status == 404
    assert rest.delete(f"/renewal_advice/{one}").status == 204 and advised(rest, one) is None
    assert last_audit(instance, "renewal_advice.withdrawn")[1] == f"certificate/{one}"
    assert rest.delete(f"/renewal_advice/{one}").status == 404
    action(rest, f"/certificates/{two}/advise_renewal")
    action(rest, f"/certificates/{two}/advise_renewal", withdraw=True)
    assert advised(rest, two) is None
    action(rest, f"/certificates/{three}/revoke", reason="superseded")
    assert "revoked" in action(rest, f"/certificates/{three}/advise_renewal", status=409).error["detail"]
    house = instance.sql("SELECT c.id FROM certificate c JOIN profile p ON p.id = c.profile_id JOIN tenant t ON t.id = c.tenant_id"
                         " WHERE p.name = 'ocsp-signer' AND t.is_house LIMIT 1")[0][0]
    assert "house" in action(rest, f"/certificates/{house}/advise_renewal", status=403).error["detail"]


@pytest.mark.parametrize("attributes, member", [
    ({"begins": "2036-01-01T00:00:00Z"}, "ends"), ({"ends": "2036-01-01T00:00:00Z"}, "begins"),
    ({"begins": "2036-01-02T00:00:00Z", "ends": "2036-01-02T00:00:00Z"}, "ends"), ({"begins": "2036-01-02T00:00:00Z", "ends": "2036-01-01T00:00:00Z"}, "ends"),
    ({"begins": "now", "ends": "infinity"}, "begins"), ({"begins": "2036-02-30T00:00:00Z", "ends": "2036-03-30T00:00:00Z"}, "begins"),
    ({"begins": "2036-01-01 00:00:00", "ends": "2036-03-30T00:00:00Z"}, "begins"), ({"begins": "1936-01-01T00:00:00Z", "ends": "2036-03-30T00:00:00Z"}, "begins"),
    ({"begins": "2036-01-01T25:00:00Z", "ends": "2036-03-30T00:00:00Z"}, "begins"), ({"begins": 1, "ends": 2}, "begins"),
    ({"explanation": "because"}, "explanation"), ({"explanation": "javascript:alert(1)"}, "explanation"),
    ({"withdraw": True, "explanation": "https://a.example"}, "withdraw"), ({"withdraw": "yes"}, "withdraw"), ({"soon": True}, "soon")])
def test_advice_that_cannot_be(rest, certificates, attributes, member):
    _, (one, *_) = certificates
    refused(action(rest, f"/certificates/{one}/advise_renewal", status=422, **attributes), member)
    assert advised(rest, one) is None


def test_many_are_to_be_renewed(instance, rest, other_tenant, certificates):
    owner, made = certificates
    action(rest, f"/certificates/{made[2]}/revoke", reason="superseded")
    dry = action(rest, "/certificates/advise_renewal", filter={"owner": owner}, dry_run=True)
    assert dry.attributes["count"] == 2 and {s["id"] for s in dry.attributes["sample"]} == set(made[:2])
    assert advised(rest, made[0]) is None
    refused(action(rest, "/certificates/advise_renewal", status=409, filter={"owner": owner}, expected=3), "expected", "2 certificates")
    window = {"begins": "2036-01-01T00:00:00Z", "ends": "2036-01-02T00:00:00Z"}
    job = wait_job(rest, action(rest, "/certificates/advise_renewal", status=202, filter={"owner": owner}, expected=2, **window))
    assert job["kind"] == "advise_renewal" and job["result"] == {"changed": 2} and job["done"] == 2
    assert [bool(advised(rest, m)) for m in made] == [True, True, False]
    assert advised(rest, made[0])["begins_at"] == window["begins"]
    what, detail = last_audit(instance, "renewal_advice.changed")[1:]
    assert what.startswith("job/") and json.loads(detail["certificates"]) == {"filter": {"owner": owner}}
    # Taken back by ids, those of another tenant are not there.
    theirs = other_tenant.rest()
    job = wait_job(theirs, action(theirs, "/certificates/advise_renewal", status=202, ids=made, withdraw=True))
    assert job["done"] == 0 and advised(rest, made[0])
    wait_job(rest, action(rest, "/certificates/advise_renewal", status=202, ids=made, withdraw=True))
    assert not any(advised(rest, m) for m in made)
    job = wait_job(rest, action(rest, "/certificates/advise_renewal", status=202, condition=f'$.owner == "{owner}"'))
    assert job["done"] == 2
    for wrong, member in (({}, "ids"), ({"ids": made, "filter": {"owner": owner}}, "ids"), ({"filter": {}}, "filter"), ({"filter": {"x": "y"}}, "filter"),
                          ({"filter": {"not_after": {"lt": "soon"}}}, "filter"), ({"condition": "$$"}, "condition"), ({"ids": ["x"]}, "ids"),
                          ({"ids": made, "reason": "superseded"}, "reason")):
        refused(action(rest, "/certificates/advise_renewal", status=422, **wrong), member)


def test_all_that_are_good(instance, rest):
    """Those that are issued meanwhile aren't meant."""
    number = instance.sql("SELECT max(id) FROM certificate")[0][0]
    dry = action(rest, "/certificates/advise_renewal", filter={"status": "issued"}, dry_run=True).attributes["count"]
    job = wait_job(rest, action(rest, "/certificates/advise_renewal", status=202, filter={"status": "issued"}))
    assert job["done"] == job["total"] == dry
    assert instance.count("renewal_advice", f"certificate_id > {number}") == 0
    assert wait_job(rest, action(rest, "/certificates/advise_renewal", status=202, filter={"status": "issued"}, withdraw=True))["done"] == dry
    house = "a.tenant_id = (SELECT id FROM tenant WHERE is_house) AND c.status = 1 AND c.not_after > now()"
    assert instance.count("renewal_advice a JOIN certificate c ON c.id = a.certificate_id", house) == 0


def test_steps_of_a_job(instance, rest, certificates):
    """Each takes the next ones in the order of their ids, and says where it stopped; twice is as good as once."""
    owner, made = certificates
    tenant = instance.sql("SELECT id FROM tenant WHERE is_house")[0][0]

    def step(after, limit):
        return instance.sql(f"SELECT r_count, r_last FROM renewal_advise({tenant}, '{json.dumps({'filter': {'owner': owner}})}', now(),"
                            f" now() + interval '1 day', NULL, 'test', {after}, {made[2]}, {limit})", role="siegel_ca")[0]

    assert step(0, 2) == ["2", made[1]] and step(0, 2) == ["2", made[1]]
    assert [bool(advised(rest, m)) for m in made] == [True, True, False]
    assert step(made[1], 2) == ["1", made[2]] and step(made[2], 2) == ["0", ""]
    assert all(advised(rest, m) for m in made)


# ---------------------------------------------------------------- siegelctl


def test_all_of_it_by_siegelctl(instance, ctl, directory, certificates):
    name = mark("d")
    ctl("acme_directories", "create", f"name={name}", "profile=server", "challenges=http-01,dns-01", 'settings:={"external_account":"required"}')
    shown = ctl("acme_directories", "show", name).stdout
    assert f"/acme/{name}/directory" in shown and "certbot certonly" in shown
    folder = instance.command("mktemp", "-d").stdout.strip()
    made = json.loads(ctl("acme_keys", "create", f"directory={name}", "names=dns:.corp.example,ip:10.0.0.0/8", "--out", f"key={folder}/key", "--json").stdout)
    kid = made["data"]["attributes"]["kid"]
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}\n?", instance.command("cat", f"{folder}/key").stdout)
    assert instance.command("stat", "-c", "%a", f"{folder}/key").stdout.strip() == "600"
    instance.command("rm", "-r", folder)
    assert kid in ctl("acme_keys", "list").stdout
    ctl("acme_keys", "revoke", made["data"]["id"], "accounts=true")
    assert "revoked" in ctl("acme_keys", "show", made["data"]["id"]).stdout
    one = directory()
    account, _ = one.account()
    order = one.order(account, ["dns:a.example"],
                      [one.authz(account, "dns:a.example", [("http-01", "invalid", PROBLEM, LOG)], status="invalid")])
    ctl("acme_accounts", "update", str(account), "names=dns:.corp.example", "owner=net")
    assert "dns:.corp.example" in ctl("acme_accounts", "show", str(account)).stdout
    assert str(account) in ctl("acme_accounts", "list", "--filter", f"directory={one.id}").stdout
    assert PROBLEM["detail"] in ctl("acme_orders", "list", "--filter", "status=invalid", "--columns", "names,explanation").stdout
    shown = ctl("acme_orders", "show", str(order)).stdout
    assert all(line in shown for line in LOG)
    owner, numbers = certificates
    ctl("certificates", "advise_renewal", numbers[0], "begins=2036-01-01T00:00:00Z", "ends=2036-01-02T00:00:00Z")
    assert "2036-01-01" in ctl("renewal_advice", "show", numbers[0]).stdout
    said = ctl("certificates", "advise_renewal", f'filter:={{"owner":"{owner}"}}', "dry_run=true").stdout
    assert re.search(r"count +3", said)
    assert "done" in ctl("certificates", "advise_renewal", f"ids={','.join(numbers)}", "withdraw=true", "--wait").stdout
    assert numbers[0] not in ctl("renewal_advice", "list").stdout.split()
    ctl("acme_directories", "delete", name)
    assert name not in ctl("acme_directories", "list").stdout


# ---------------------------------------------------------------- rights


def test_who_may_what(instance, default_tenant, required, certificates):
    """Directories and accounts: who sets up enrolment; keys: who hands out codes; advice: who revokes."""
    operator, requestor = default_tenant.rest("operator"), default_tenant.rest("requestor")
    account, _ = required.account()
    change = {"data": {"type": "acme_accounts", "id": str(account), "attributes": {"owner": "x"}}}
    assert operator.patch(f"/acme_accounts/{account}", change).status == 403
    assert operator.post("/acme_directories", document("acme_directories", name=mark(), profile="server", challenges=["http-01"])).status == 403
    assert operator.post("/acme_keys", document("acme_keys", directory=required.name)).status == 201
    assert requestor.post("/acme_keys", document("acme_keys", directory=required.name)).status == 403
    # Names are authorised without proof: that is for who sets up enrolment, by a key as for an account.
    answer = operator.post("/acme_keys", document("acme_keys", directory=required.name, names=["dns:.corp.example"]))
    assert answer.status == 403 and "enrolment.manage" in answer.error["detail"], answer
    empty = operator.post("/acme_keys", document("acme_keys", directory=required.name, names=[]))
    for number in (empty.data["id"], required.key(names=["dns:a.example"]).data["id"]):
        named = {"data": {"type": "acme_keys", "id": number, "attributes": {"names": ["dns:.corp.example"]}}}
        assert operator.patch(f"/acme_keys/{number}", named).status == 403
        for attributes in ({"owner": "net"}, {"names": []}):
            named["data"]["attributes"] = attributes
            assert operator.patch(f"/acme_keys/{number}", named).status == 200
    assert requestor.get(f"/acme_accounts/{account}").status == 200
    _, (one, *_) = certificates
    assert action(requestor, f"/certificates/{one}/advise_renewal", status=403) and action(operator, f"/certificates/{one}/advise_renewal")


def test_a_policy_on_keys_refuses_what_it_cannot_hold(instance, rest, required):
    """The answer has a secret, which no approval keeps: who wants others to approve it, refuses it."""
    policy = rest.post("/policies", document("policies", name=mark("p"), enabled=True, operations=["acme_key.create"],
                                             rules=[{"name": "r", "approve": {"count": 1, "right": "approvals.decide"}, "message": "two people"}]))
    assert policy.status == 201, policy
    try:
        answer = rest.post("/acme_keys", document("acme_keys", directory=required.name))
        assert answer.status == 422 and answer.error["code"] == "policy", answer
    finally:
        rest.delete(f"/policies/{policy.data['id']}")
    assert required.key().status == 201


def test_a_directory_that_waits_for_approval(instance, rest, directory):
    """As every change of product data: what was approved is what is made."""
    policy = rest.post("/policies", document("policies", name=mark("p"), enabled=True, operations=["acme_directory.create"],
                                             rules=[{"name": "r", "approve": {"count": 1, "right": "approvals.decide"}, "message": "two people"}]))
    assert policy.status == 201, policy
    name = mark("d")
    try:
        waits = rest.post("/acme_directories", document("acme_directories", name=name, challenges=["dns-01"],
                                                        settings={"caa_identities": "ca.example"}, profiles={"a": {"profile": "server", "caa": True}}))
        assert waits.status == 202 and waits.data["type"] == "approvals", waits
        assert not rest.get(f"/acme_directories?filter[name]={name}").data
        other = support.Tenant(instance, "default").rest("administrator")
        assert other.post(f"/approvals/{waits.data['id']}/approve", {"data": {"type": "approve"}}).status == 200
    finally:
        rest.delete(f"/policies/{policy.data['id']}")
    made = rest.get(f"/acme_directories?filter[name]={name}").data[0]
    assert made["attributes"]["profiles"]["a"]["caa"] and made["attributes"]["challenges"] == ["dns-01"]
    assert rest.delete(f"/acme_directories/{made['id']}").status == 202
