"""EST as devices speak it: curl with openssl, and strongSwan's pki, for each type of key; the commands that REST and the manual give, as they stand."""

import concurrent.futures
import os
import re
import shutil
import subprocess

import pytest

import est
import labels
import support

KINDS = {
    "rsa2048": ["RSA", "rsa_keygen_bits:2048"], "rsa4096": ["RSA", "rsa_keygen_bits:4096"], "p256": ["EC", "ec_paramgen_curve:P-256"],
    "p384": ["EC", "ec_paramgen_curve:P-384"], "p521": ["EC", "ec_paramgen_curve:P-521"], "ed25519": ["ED25519"],
    "brainpoolp256r1": ["EC", "ec_paramgen_curve:brainpoolP256r1"], "mldsa65": ["ML-DSA-65"],
}
NOT_IN_TLS = {"mldsa65"}  # a certificate of these isn't shown in a handshake by every library: they are renewed as a new key
TLS = {"brainpoolp256r1": "--tls-max 1.2 --curves brainpoolP256r1:X25519:P-256"}  # RFC 7027; TLS 1.3 has other code points, which OpenSSL 3.0 lacks


class Shell:
    """A device's folder and the tools in it."""

    def __init__(self, folder, instance):
        self.folder, self.instance = folder, instance
        shutil.copy(instance.cacert, folder / "root.pem")

    def __call__(self, line, check=True):
        env = {"PATH": os.environ["PATH"], "HOME": str(self.folder)}
        done = subprocess.run(["bash", "-o", "pipefail", "-c", line], cwd=self.folder, capture_output=True, text=True, timeout=60, env=env)
        assert not check or done.returncode == 0, (line, done.stdout, done.stderr)
        return done

    def key(self, name, kind):
        algorithm, *options = KINDS[kind]
        self(f"openssl genpkey -algorithm {algorithm} {' '.join(f'-pkeyopt {o}' for o in options)} -out {name}.key")

    def request(self, name, cn):
        self(f"openssl req -new -key {name}.key -subj /CN={cn} -outform DER -out {name}.csr")

    def post(self, url, name, out, *options):
        """curl and openssl; the status on standard output."""
        return self(f"openssl base64 -A -in {name}.csr | curl -sS --cacert root.pem {' '.join(options)} -H 'Content-Type: application/pkcs10' "
                    f"--data-binary @- -o {out}.b64 -w '%{{http_code}}' {url}").stdout

    def take(self, out):
        self(f"openssl base64 -d -A -in {out}.b64 | openssl pkcs7 -inform DER -print_certs -out {out}.crt")
        return self.certificate(out)

    def certificate(self, out):
        (one,) = support.load_pem_chain((self.folder / f"{out}.crt").read_text())
        return one

    def verify(self, *names):
        """Against the root of cacerts, by openssl alone."""
        for name in names:
            assert f"{name}.crt: OK" in self(f"openssl verify -x509_strict -CAfile chain.pem {name}.crt").stdout

    def have_their_keys(self, *names):
        """By openssl: python-cryptography doesn't know all types. No two are the same."""
        keys = [self(f"openssl pkey -in {name}.key -pubout").stdout for name in names]
        assert keys == [self(f"openssl x509 -in {name}.crt -noout -pubkey").stdout for name in names] and len(set(keys)) == len(names)


@pytest.fixture
def shell(tmp_path, instance):
    return Shell(tmp_path, instance)


@pytest.fixture(params=KINDS)
def kind(request):
    if request.param == "mldsa65" and "ML-DSA-65" not in subprocess.run(["openssl", "list", "-public-key-algorithms"], capture_output=True, text=True).stdout:
        pytest.skip("this OpenSSL has no ML-DSA")
    return request.param


@pytest.mark.parametrize("where", ["default", "label"])
def test_curl_and_openssl(instance, shell, label, est_account, kind, where):
    """The chain, a first certificate, the same again, the next one with a new key."""
    url = instance.est_url if where == "default" else f"{instance.est_url}/{label(auth=['password', 'certificate']).name}"
    shell(f"curl -sS --fail --cacert root.pem {url}/cacerts | openssl base64 -d -A | openssl pkcs7 -inform DER -print_certs -out chain.pem")
    cn = est.unique()
    for name in ("device", "next"):
        shell.key(name, kind)
        shell.request(name, cn)
    assert shell.post(f"{url}/simpleenroll", "device", "none") == "401"
    by_password = f"-u {':'.join(est_account)}"
    assert shell.post(f"{url}/simpleenroll", "device", "device", by_password) == "200"
    first = shell.take("device")
    assert shell.post(f"{url}/simpleenroll", "device", "again", by_password) == "200" and shell.take("again") == first
    old = "device"
    if kind in NOT_IN_TLS:  # a device that has another certificate renews to such a key
        old = "old"
        shell.key(old, "p256")
        shell.request(old, cn)
        assert shell.post(f"{url}/simpleenroll", old, old, by_password) == "200"
        shell.take(old)
    assert shell.post(f"{url}/simplereenroll", "next", "next", f"--cert {old}.crt --key {old}.key {TLS.get(kind, '')}") == "200"
    second = shell.take("next")
    assert second.subject == first.subject
    shell.verify("device", "next")
    shell.have_their_keys("device", "next")


def test_openssl_in_lines(instance, shell, est_account):
    """base64 in lines, with and without the header that nobody needs, DER and PEM: RFC 8951 3.1, and devices that know no better."""
    shell.key("device", "p256")
    shell.request("device", est.unique())
    shell("openssl base64 -in device.csr -out lines; openssl base64 -in device.csr | sed 's/$/\\r/' > crlf; openssl req -inform DER -in device.csr -out pem")
    certificates = set()
    for name, headers in (("lines", "-H 'Content-Transfer-Encoding: base64'"), ("crlf", ""), ("pem", ""), ("device.csr", "-H 'Content-Transfer-Encoding: binary'")):
        shell(f"curl -sS --fail --cacert root.pem -u {':'.join(est_account)} -H 'Content-Type: application/pkcs10' {headers} --data-binary @{name} "
              f"-o out.b64 {instance.est_url}/simpleenroll")
        certificates.add(shell.take("out"))
    assert len(certificates) == 1


def test_commands_as_they_stand(instance, rest, shell, label, est_account):
    """The command lines that REST gives, run as they are but for the secret."""
    one = label(auth=["password", "certificate"])
    commands = rest.get(f"/est_labels/{one.id}").attributes["commands"]
    cn = est.unique()
    for name in ("device", "next"):
        shell.key(name, "p256")
        shell.request(name, cn)
    for name in ("cacerts", "enroll", "reenroll"):
        shell(commands[f"curl_{name}"].replace("NAME:SECRET", ":".join(est_account)))
    first, second = shell.certificate("device"), shell.certificate("next")
    assert first.subject == second.subject and first.serial_number != second.serial_number
    assert ":extensionRequest" in shell(commands["curl_csrattrs"]).stdout.replace("Extension Request", "extensionRequest")
    shell(commands["curl_serverkeygen"].replace("NAME:SECRET", ":".join(est_account)))
    shell.have_their_keys("made")
    assert shell.certificate("made").subject == first.subject and (shell.folder / "made.key").stat().st_mode & 0o77 == 0
    assert not (shell.folder / "answer.mime").exists()
    assert one.answer.attributes["url"] == f"{instance.est_url}/{one.name}"
    for name in ("device", "next"):  # a request that was asked before would get the same certificate
        shell.key(name, "p384")
        shell.request(name, cn)
    for name in ("cacerts", "enroll", "reenroll"):
        done = shell(commands[f"strongswan_{name}"].replace("NAME:SECRET", ":".join(est_account)))
        assert "no issuer certificate found" not in done.stderr, done.stderr
    third = shell.certificate("next")
    assert third.subject == first.subject and third.serial_number not in (first.serial_number, second.serial_number)


def test_a_ready_command_takes_a_request_as_openssl_writes_it(rest, shell, label, est_account):
    """In PEM, with nothing said about its form."""
    commands = rest.get(f"/est_labels/{label(auth=['password']).id}").attributes["commands"]
    cn = est.unique()
    shell(f"openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout device.key -subj /CN={cn} -out device.csr")
    shell(commands["curl_enroll"].replace("NAME:SECRET", ":".join(est_account)))
    assert shell.certificate("device").subject.rfc4514_string() == f"CN={cn}"


def test_a_ready_command_shows_why(rest, shell, label, est_account):
    """A refusal is a text: it doesn't end in a program that wants base64."""
    commands = rest.get(f"/est_labels/{label(auth=['password', 'certificate']).id}").attributes["commands"]
    shell.key("device", "p256")
    shell.request("device", est.unique())
    done = shell(commands["curl_enroll"].replace("NAME:SECRET", f"{est_account[0]}:wrong"), check=False)
    assert done.returncode != 0 and "secret is wrong" in done.stdout and "PKCS7" not in done.stderr, done


def test_a_ready_command_for_keys_shows_why(rest, shell, label, est_account):
    """Nothing is left of the answer; and there is no line where no key is handed out in the clear, or none is made."""
    profile = rest.post("/profiles", labels.document("profiles", name=labels.mark("own-keys"), template="device", definition={"key_origin": "client"}))
    assert profile.status == 201, profile
    commands = rest.get(f"/est_labels/{label(auth=['password']).id}").attributes["commands"]
    shell.key("device", "p256")
    shell.request("device", est.unique())
    done = shell(commands["curl_serverkeygen"].replace("NAME:SECRET", f"{est_account[0]}:wrong"), check=False)
    assert done.returncode != 0 and "secret is wrong" in done.stdout, done
    assert not (shell.folder / "answer.mime").exists() and not (shell.folder / "made.key").exists()
    for attributes in ({"settings": {"key_delivery": "encrypted"}}, {"profile": profile.attributes["name"]}):
        assert rest.get(f"/est_labels/{label(**attributes).id}").attributes["commands"]["curl_serverkeygen"] is None


def test_the_commands_of_a_code(instance, shell, label):
    """As they stand, with the code in the place of SECRET; the subject is the one that it is bound to."""
    one, cn = label(auth=["code"]), est.unique()
    made = one.codes(common_name=cn)
    attributes = one.rest.get(f"/enrollment_codes/{made.data['id']}").attributes
    assert attributes["url"] == f"{instance.est_url}/{one.name}" and made.attributes["secret"] not in str(attributes)
    shell.key("device", "p256")
    shell.request("device", cn)
    shell(attributes["commands"]["curl_cacerts"])
    shell(attributes["commands"]["curl_enroll"].replace("SECRET", made.attributes["secret"]))
    assert shell.certificate("device").subject.rfc4514_string() == f"CN={cn}"
    shell(attributes["commands"]["strongswan_cacerts"])
    shell(attributes["commands"]["strongswan_enroll"].replace("SECRET", made.attributes["secret"]))  # the same request: the same certificate
    free = one.codes(est_label=None)
    free = one.rest.get(f"/enrollment_codes/{free.data['id']}").attributes
    assert free["url"] is None and free["commands"] is None


@pytest.mark.parametrize("tool", ["siegelctl", "curl"])
def test_the_commands_of_an_approval(instance, rest, shell, label, est_account, waits, tool):
    """They decide as they stand, and are gone when nothing is to be decided."""
    one = label()
    env = f"export SIEGEL_URL={instance.url} SIEGEL_CACERT=root.pem SIEGEL_TOKEN={instance.token}; PATH=$PATH:{os.path.dirname(instance.binary('siegelctl'))}; "
    for action, state in (("approve", "approved"), ("reject", "rejected")):
        cn = est.unique()
        waits(cn)
        csr = support.new_csr(cn)
        assert one.ask(csr, est_account).status == 202
        (approval,) = [a for a in rest.get("/approvals?filter[status]=open").data if cn in str(a)]
        shell(env + approval["attributes"]["commands"][f"{tool}_{action}"])
        after = rest.get(f"/approvals/{approval['id']}").attributes
        assert after["status"] == state and (after["commands"] is None) == (state == "rejected"), after
        assert one.ask(csr, est_account).status == {"approve": 200, "reject": 422}[action]


def test_a_root_has_no_ca_above(rest, label):
    """Then pki writes one file, and wants no other."""
    root = next(c["attributes"]["name"] for c in rest.get("/cas?page[size]=500").data if c["attributes"]["name"] == "root")
    for ca, wanted in ((None, True), (root, False)):
        commands = rest.get(f"/est_labels/{label(ca=ca).id}").attributes["commands"]
        assert ("--cacert ca-1.crt" in commands["strongswan_enroll"]) is wanted


@pytest.mark.parametrize("auth, words", [
    (["password"], {"enroll": ["-u NAME:SECRET"]}), (["code"], {"enroll": ["-u NAME:SECRET"]}),
    (["certificate"], {"enroll": ["--cert device.crt"], "reenroll": ["--cert device.crt"]}),
    (["both"], {"enroll": ["--cert device.crt", "-u NAME:SECRET"], "reenroll": ["--cert device.crt", "-u NAME:SECRET"]})])
def test_commands_say_what_the_label_takes(rest, label, auth, words):
    commands = rest.get(f"/est_labels/{label(auth=auth).id}").attributes["commands"]
    for name in ("enroll", "reenroll"):
        line = commands[f"curl_{name}"]
        assert (line is None) == (name not in words), (name, line)
        for word in ("-u NAME:SECRET", "--cert device.crt"):
            assert line is None or (word in line) == (word in words[name]), (name, line)


def blocks():
    """The commands of doc/est.md."""
    with open(os.path.join(os.path.dirname(__file__), "../../doc/est.md"), encoding="utf-8") as f:
        return re.findall(r"^```sh\n(.*?)^```", f.read(), re.M | re.S)


def test_the_manual_as_it_stands(instance, shell, est_account):
    """The commands for the default path, one block after the other."""
    wanted = [b for b in blocks() if "$URL/cacerts" in b or "pki --estca" in b]
    assert len(wanted) == 2
    settings = f"set -e; URL={instance.est_url} ROOT=root.pem PASSWORD={est_account[1]}\n"
    for block in wanted:
        shell(settings + block.replace("line1", est_account[0]).replace("https://127.0.0.1:8443", instance.est_url.removesuffix("/.well-known/est")))
    assert shell.certificate("next").subject.rfc4514_string() == "CN=device7"


def test_the_manuals_labels(instance, rest, shell, maker, tmp_path):
    """And those that make labels and codes; then the code is good at its label."""
    wanted = [b for b in blocks() if "siegelctl" in b]
    assert len(wanted) == 2
    (tmp_path / "makers.pem").write_text(maker.anchors())
    profile = labels.mark("ldevid")
    names = {"pumps": labels.mark("pumps"), "makers ": labels.mark("makers") + " ", "name=ldevid": f"name={profile}", "profile=ldevid": f"profile={profile}"}
    settings = (f"set -e; export SIEGEL_URL={instance.url} SIEGEL_CACERT=root.pem SIEGEL_TOKEN={instance.token}\n"
                f"PATH=$PATH:{os.path.dirname(instance.binary('siegelctl'))}\n")
    try:
        for block in wanted:
            for name, own in names.items():
                block = block.replace(name, own)
            shell(settings + block)
        shell.key("pump", "p256")
        shell.request("pump", "pump-7")
        assert shell.post(f"{instance.est_url}/{names['pumps']}/simpleenroll", "pump", "pump", "-u any:$(cat est-code)") == "200"
        assert shell.take("pump").subject.rfc4514_string() == "CN=pump-7"
    finally:
        for one in rest.get("/est_labels?page[size]=500").data:
            if one["attributes"]["name"] in (names["pumps"], names["makers "].strip()):
                rest.delete(f"/est_labels/{one['id']}")
        for one in rest.get(f"/profiles?filter[name]={profile}").data:
            rest.delete(f"/profiles/{one['id']}")


def test_a_refusal_in_the_manuals_way(instance, shell):
    """curl and openssl in two steps: the cause is read, and no program complains of it."""
    (block,) = [b for b in blocks() if "$URL/cacerts" in b]
    done = shell(f"URL={instance.est_url} ROOT=root.pem PASSWORD=wrong\n{block.replace('line1', est.unique())}", check=False)
    assert "secret is wrong" in done.stdout, done


# ---------------------------------------------------------------- strongSwan


@pytest.fixture
def base(instance):
    """The address as pki wants it: without /.well-known/est, which it appends."""
    return instance.est_url.removesuffix("/.well-known/est")


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "mldsa65"])  # which it doesn't have
@pytest.mark.parametrize("where", ["default", "label"])
def test_strongswan(shell, base, label, est_account, kind, where):
    """pki fetches the chain, enrols and renews; keys that it can't make come from openssl, those that its TLS can't show renew a P-256."""
    url = base if where == "default" else f"{base}/{label(auth=['password', 'certificate']).name}"
    shell(f"pki --estca --url {url} --cacert root.pem --outform pem --caout ca.crt --force && cat ca.crt ca-1.crt > chain.pem")
    cn = est.unique()
    makes = {"rsa2048": "rsa --size 2048", "rsa4096": "rsa --size 4096", "p256": "ecdsa --size 256", "p384": "ecdsa --size 384", "p521": "ecdsa --size 521",
             "ed25519": "ed25519"}
    for name in ("device", "next"):
        if kind in makes:
            shell(f"pki --gen --type {makes[kind]} --outform pem > {name}.key")
            shell(f"pki --req --type priv --in {name}.key --dn CN={cn} > {name}.csr")
        else:
            shell.key(name, kind)
            shell.request(name, cn)
    enroll = f"pki --est --url {url} --cacert root.pem --cacert ca-1.crt --outform pem"
    refused = shell(f"{enroll} --in device.csr --userpass {est_account[0]}:wrong", check=False)
    assert refused.returncode != 0
    shell(f"{enroll} --in device.csr --userpass {':'.join(est_account)} > device.crt")
    old = "device"
    if kind not in makes:
        old = "old"
        shell.key(old, "p256")
        shell.request(old, cn)
        shell(f"{enroll} --in old.csr --userpass {':'.join(est_account)} > old.crt")
    shell(f"{enroll} --in next.csr --cert {old}.crt --key {old}.key > next.crt")
    first, second = shell.certificate("device"), shell.certificate("next")
    assert second.subject == first.subject
    shell.verify("device", "next")
    shell.have_their_keys("device", "next")


def test_strongswan_waits(shell, base, rest, est_account, waits):
    """202 with Retry-After: pki asks again until somebody approved. On the default path: its second request forgets the label."""
    cn = est.unique()
    waits(cn)
    shell(f"pki --estca --url {base} --cacert root.pem --outform pem --caout ca.crt --force")
    shell.key("device", "p256")
    shell.request("device", cn)
    # It sleeps for as long as Retry-After says, a minute: its clock is thirty times as fast.
    line = (f"faketime -f '+0 x30' pki --est --url {base} --cacert root.pem --cacert ca-1.crt --outform pem --in device.csr "
            f"--userpass {':'.join(est_account)} > device.crt")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        asking = pool.submit(shell, line)
        approval = support.wait_until(lambda: [a for a in rest.get("/approvals?filter[status]=open").data if cn in str(a)], 20)[0]
        assert not asking.done()
        assert rest.post(f"/approvals/{approval['id']}/approve").status == 200
        asking.result(40)
    assert shell.certificate("device").subject.rfc4514_string() == f"CN={cn}"
