"""ACME by other implementations: certbot, lego, dehydrated, uacme, acme-tiny and the npm package acme-client. Each issues, renews and revokes, for each type of
key and by each challenge that it knows. They run beside each other, each on an address of its own (acme_sites.py); a test takes what became of its client."""

import concurrent.futures
import contextlib
import functools
import json
import os
import shutil
import subprocess
import threading
import time
import types
from pathlib import Path

import pytest
from cryptography import x509

import acme
import acme_own  # noqa: F401: its ways stand in LIFE
import acme_sites
import support
from acme_ways import FAILURES, LIFE, Certificate, client, external_account, is_account, refused, unique_contact

HERE = Path(__file__).resolve().parent
AT_ONCE = 4  # clients; two processors serve them and us
CONTACT = "first@clients.example"


def parameters(table):
    return [pytest.param(name, marks=[pytest.mark.slow] if one.slow else []) for name, one in table.items()]


# ---------------------------------------------------------------- where, and what is looked at


@pytest.fixture(scope="module")
def network(instance):
    if not acme_sites.settings(instance):
        pytest.skip("the instance's probe reaches no addresses of loopback: [acme_probe] resolver and own_endpoints, as ./check sets them")
    with acme_sites.Network(instance) as made:
        yield made


def make_directory(rest, profiles, **settings):
    """No authorization is used a second time: a renewal proves the names anew."""
    return acme.Directory(rest, profiles, challenges=("http-01", "dns-01", "tls-alpn-01"), authz_hours=0, **settings)


@pytest.fixture(scope="module")
def world(instance, rest, network, tmp_path_factory):
    """What all clients need: a directory, one that wants external accounts, folders."""
    profiles = {"server": acme.server_profile(rest), "short": acme.server_profile(rest, days=7, max_days=7)}
    directory = make_directory(rest, profiles, website="https://pki.clients.example/")
    closed, own = make_directory(rest, profiles, external_account="required"), acme.Directory(rest, profiles)
    folder = tmp_path_factory.mktemp("acme-clients")
    modules = functools.lru_cache(None)(lambda: install_modules(folder))
    lock = threading.Lock()

    def installed():
        with lock:
            return modules()
    return types.SimpleNamespace(instance=instance, rest=rest, network=network, folder=folder, directory=directory, closed=closed, own=own,
                                 modules=installed)


def lives(world, table, name):
    way = table[name]
    missing = [n for n in way.needs if not (mounts() if n == "unshare" else shutil.which(n))]
    if missing:
        return f"there is no {missing[0]} here"
    folder = world.folder / name
    folder.mkdir()
    with world.network.site(world.directory.url, folder) as site:
        site.rest, site.world = world.rest, world
        begin = time.monotonic()
        result = way.run(site)
        print(f"{name}: {time.monotonic() - begin:.1f} s")
        return result


def start(request, world, table, fixture):
    """Begins with all that were asked for; results by name."""
    wanted = [i.callspec.params["name"] for i in request.session.items if fixture in getattr(i, "fixturenames", ()) and hasattr(i, "callspec")]
    pool = concurrent.futures.ThreadPoolExecutor(AT_ONCE)
    # Those that take long come first.
    wanted = sorted(dict.fromkeys(wanted), key=lambda n: (n != "ready_commands", not table[n].slow, not n.startswith("dehydrated")))
    running = {name: pool.submit(lives, world, table, name) for name in wanted}
    yield running
    pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="module")
def running(request, world):
    yield from start(request, world, {**LIFE, **FAILURES}, "running")


def finished(running, name):
    reason = running[name].result(timeout=170)
    if reason:
        pytest.skip(reason)


# ---------------------------------------------------------------- certbot


class Certbot:
    def __init__(self, site, *common):
        self.site, self.folder = site, site.folder / "certbot"
        self.common = ["--non-interactive", "--server", site.url, "--config-dir", self.folder, "--work-dir", site.folder / "w", "--logs-dir", site.folder / "l", *common]

    def __call__(self, command, *more, **kw):
        return self.site.run("certbot", command, *self.common, *more, **kw)

    def issue(self, names, *more):
        return self("certonly", "--agree-tos", "-m", CONTACT, *(a for n in names for a in ("-d", n)), *more)

    def certificate(self, names, kind):
        live = self.folder / "live" / names[0].removeprefix("*.")
        return Certificate(self.site, names, live / "fullchain.pem", live / "privkey.pem", kind)

    def life(self, names, kind, *proof):
        """Issued, renewed; a copy of the first is kept."""
        size = ["--key-type", "rsa", "--rsa-key-size", kind[3:]] if kind.startswith("rsa") else ["--key-type", "ecdsa", "--elliptic-curve", f"secp{kind[1:]}r1"]
        self.issue(names, *size, *proof)
        first = self.certificate(names, kind)
        kept = self.site.folder / "first.pem"
        kept.write_bytes(first.path.read_bytes())
        # A key of 4096 takes its time: one is enough.
        self("renew", "--force-renewal", "--no-random-sleep-on-renew", *(["--reuse-key"] if kind == "rsa4096" else []))
        second = self.certificate(names, kind).differs_from(first)
        first.path = kept
        return first, second


@client(LIFE, "certbot")
def do_certbot_standalone_p256(site):
    certbot, names = Certbot(site), [site.name(), site.name()]
    first, second = certbot.life(names, "p256", "--standalone", "--http-01-port", site.http_port, "--http-01-address", site.address)
    certbot("revoke", "--cert-path", first.path, "--reason", "superseded", "--no-delete-after-revoke")
    first.revoked("superseded")
    live = certbot.folder / "live" / names[0]
    certbot("revoke", "--cert-path", live / "cert.pem", "--key-path", live / "privkey.pem", "--reason", "keycompromise", "--no-delete-after-revoke")
    second.revoked("keyCompromise")
    contact = unique_contact()
    certbot("update_account", "-m", contact)
    is_account(site, contact, "valid")
    certbot("unregister")
    is_account(site, contact, "deactivated")


@client(LIFE, "certbot", slow=True)
def do_certbot_webroot_rsa4096(site):
    certbot = Certbot(site)
    with site.web():
        _, second = certbot.life([site.name()], "rsa4096", "--webroot", "-w", site.webroot)
    certbot("revoke", "--cert-path", second.path, "--no-delete-after-revoke")
    second.revoked()


CERTBOT_DNS = {"add": 'tell txt "name=_acme-challenge.$CERTBOT_DOMAIN" "value=$CERTBOT_VALIDATION"\n',
               "remove": 'tell forget "name=_acme-challenge.$CERTBOT_DOMAIN"\n'}


@client(LIFE, "certbot", "curl")
def do_certbot_dns_p384_wildcard(site):
    certbot, name = Certbot(site), site.name()
    hooks = [site.hook(text, what) for what, text in CERTBOT_DNS.items()]
    _, second = certbot.life([name, f"*.{name}"], "p384", "--manual", "--preferred-challenges", "dns", "--manual-auth-hook", hooks[0], "--manual-cleanup-hook", hooks[1])
    certbot("revoke", "--cert-name", name, "--no-delete-after-revoke")
    second.revoked()


@client(LIFE, "certbot")
def do_certbot_external_account_rsa2048(site):
    kid, key = external_account(site)
    certbot, names = Certbot(site), [site.name()]
    size = ["--key-type", "rsa", "--rsa-key-size", "2048"]
    with site.web():
        certbot.issue(names, *size, "--webroot", "-w", site.webroot, "--eab-kid", kid, "--eab-hmac-key", key)
    certbot.certificate(names, "rsa2048")


@client(LIFE, "certbot")
def do_certbot_profile(site):
    """Debian 13's knows profiles."""
    if "--required-profile" not in site.run("certbot", "--help", "all").stdout:
        return "this certbot knows no profiles"
    certbot, names = Certbot(site), [site.name()]
    with site.web():
        certbot.issue(names, "--webroot", "-w", site.webroot, "--required-profile", "short")
    found = certbot.certificate(names, "p256")
    assert (support.not_after(found.leaf) - support.not_before(found.leaf)).days in (6, 7)
    return None


@client(FAILURES, "certbot", "curl")
def do_certbot_wrong_record(site):
    """A record that is something else is no proof, and certbot is told so."""
    certbot = Certbot(site)
    hook = site.hook('tell txt "name=_acme-challenge.$CERTBOT_DOMAIN" "value=another"\n')
    name = site.name()
    done = certbot("certonly", "--agree-tos", "-m", CONTACT, "-d", name, "--manual", "--preferred-challenges", "dns", "--manual-auth-hook", hook, status=1)
    assert "unauthorized" in done.stdout + done.stderr
    refused(site, name, "unauthorized")


@client(FAILURES, "certbot")
def do_certbot_without_an_external_account(site):
    site.url = site.world.closed.url
    done = Certbot(site)("certonly", "--agree-tos", "-m", CONTACT, "-d", site.name(), "--webroot", "-w", site.webroot, status=1)
    assert "external account" in (done.stdout + done.stderr).lower()


# ---------------------------------------------------------------- lego


class Lego:
    def __init__(self, site, kind, *common, env=None):
        self.site, self.kind, self.env = site, kind, env
        self.common = ["--server", site.url, "--accept-tos", "--email", CONTACT, "--path", "lego", "--key-type",
                       {"p256": "ec256", "p384": "ec384"}.get(kind, kind), *common]

    def __call__(self, names, *more, **kw):
        return self.site.run("lego", *self.common, *(a for n in names for a in ("-d", n)), *more, env=self.env, **kw)

    def certificate(self, names):
        path = self.site.folder / "lego" / "certificates" / names[0].replace("*", "_")
        return Certificate(self.site, names, f"{path}.crt", f"{path}.key", self.kind)

    def life(self, names, *more):
        self(names, "run", *more)
        first = self.certificate(names)
        self(names, "renew", "--no-random-sleep", "--days", "9999", *(["--reuse-key"] if self.kind == "rsa4096" else []), *more)
        second = self.certificate(names).differs_from(first)
        self(names, "revoke", "--reason", "4", "--keep")
        second.revoked("superseded")


@client(LIFE, "lego")
def do_lego_http_p256(site):
    Lego(site, "p256", "--http", "--http.port", f"{site.address}:{site.http_port}").life([site.name(), site.name()])


@client(LIFE, "lego", slow=True)
def do_lego_http_rsa4096(site):
    with site.web():
        Lego(site, "rsa4096", "--http", "--http.webroot", site.webroot).life([site.name()])


@client(LIFE, "lego")
def do_lego_alpn_rsa2048(site):
    Lego(site, "rsa2048", "--tls", "--tls.port", f"{site.address}:{site.https_port}").life([site.name()])


@client(LIFE, "lego", "curl")
def do_lego_dns_p384_wildcard(site):
    hook = site.hook('case $1 in\npresent) tell txt "name=$2" "value=$3" ;;\ncleanup) tell forget "name=$2" ;;\nesac\n')
    name = site.name()
    Lego(site, "p384", "--dns", "exec", "--dns.disable-cp", "--dns.resolvers", site.network.resolver,
         env={"EXEC_PATH": str(hook), "EXEC_POLLING_INTERVAL": "1", "EXEC_PROPAGATION_TIMEOUT": "10", "EXEC_SEQUENCE_INTERVAL": "1"}).life([f"*.{name}", name])


@client(LIFE, "lego")
def do_lego_external_account(site):
    kid, key = external_account(site)
    Lego(site, "p256", "--http", "--http.port", f"{site.address}:{site.http_port}", "--eab", "--kid", kid, "--hmac", key).life([site.name()])


@client(LIFE, "lego")
def do_lego_certificate_request(site):
    """The key is elsewhere: a request that openssl made."""
    name = site.name()
    site.run("openssl", "req", "-new", "-newkey", "rsa:3072", "-nodes", "-keyout", "key.pem", "-out", "request.pem", "-subj", f"/CN={name}", "-addext",
             f"subjectAltName=DNS:{name}")
    site.run("lego", *Lego(site, "p256", "--tls", "--tls.port", f"{site.address}:{site.https_port}").common, "--csr", "request.pem", "run")
    Certificate(site, [name], site.folder / "lego" / "certificates" / f"{name}.crt", site.folder / "key.pem", "rsa3072")


@client(FAILURES, "lego")
def do_lego_nobody_there(site):
    name = site.name()
    done = Lego(site, "p256", "--http", "--http.webroot", site.folder)([name], "run", status=1)
    assert "acme:error:connection" in done.stdout + done.stderr, done
    refused(site, name, "connection")


# ---------------------------------------------------------------- dehydrated


class Dehydrated:
    ALGO = {"p256": "prime256v1", "p384": "secp384r1"}

    def __init__(self, site, kind, challenge="http-01", hook=None, **more):
        self.site, self.kind = site, kind
        rsa_bits = kind[3:] if kind.startswith("rsa") else "2048"
        settings = {"CA": site.url, "BASEDIR": site.folder, "WELLKNOWN": site.challenges, "CHALLENGETYPE": challenge, "KEY_ALGO": self.ALGO.get(kind, "rsa"),
                    "KEYSIZE": rsa_bits, "CONTACT_EMAIL": CONTACT, "HOOK": hook or "", "ALPNCERTDIR": site.folder / "alpn", "ACCOUNT_KEYSIZE": "2048",
                    "PRIVATE_KEY_RENEW": "no" if kind == "rsa4096" else "yes", **more}
        (site.folder / "config").write_text("".join(f'{name}="{value}"\n' for name, value in settings.items()))
        site.run("dehydrated", "-f", "config", "--register", "--accept-terms")

    def __call__(self, *more, **kw):
        return self.site.run("dehydrated", "-f", "config", *more, **kw)

    def life(self, names, *more):
        domains = [a for n in names for a in ("-d", n)] + list(more)
        folder = self.site.folder / "certs" / (more[1] if more else names[0])
        self("--cron", *domains)
        first = Certificate(self.site, names, folder / "fullchain.pem", folder / "privkey.pem", self.kind)
        self("--cron", "--force", *domains)
        second = Certificate(self.site, names, folder / "fullchain.pem", folder / "privkey.pem", self.kind).differs_from(first)
        self("--revoke", folder / "cert.pem")
        second.revoked()


@client(LIFE, "dehydrated")
def do_dehydrated_http_rsa2048(site):
    with site.web():
        dehydrated = Dehydrated(site, "rsa2048")
        dehydrated.life([site.name(), site.name()])
    config = site.folder / "config"
    contact = unique_contact()
    config.write_text(config.read_text().replace(CONTACT, contact))
    dehydrated("--account")
    is_account(site, contact, "valid")
    dehydrated("--deactivate")
    is_account(site, contact, "deactivated")


@client(LIFE, "dehydrated", slow=True)
def do_dehydrated_http_rsa4096(site):
    with site.web():
        Dehydrated(site, "rsa4096").life([site.name()])


@client(LIFE, "dehydrated")
def do_dehydrated_dns_p384_wildcard(site):
    hook = site.hook('case $1 in\ndeploy_challenge) tell txt "name=_acme-challenge.$2" "value=$4" ;;\n'
                     'clean_challenge) tell forget "name=_acme-challenge.$2" ;;\nesac\n')
    name = site.name()
    Dehydrated(site, "p384", "dns-01", hook).life([f"*.{name}"], "--alias", "star")


@client(LIFE, "dehydrated")
def do_dehydrated_alpn_p256(site):
    hook = site.hook('case $1 in\ndeploy_challenge) tell responder "address=$address" "certificate=$PWD/alpn/$2.crt.pem" "key=$PWD/alpn/$2.key.pem" ;;\n'
                     'clean_challenge) tell silent "address=$address" ;;\nesac\n')
    Dehydrated(site, "p256", "tls-alpn-01", hook).life([site.name()])


@client(LIFE, "dehydrated")
def do_dehydrated_external_account(site):
    kid, key = external_account(site)
    name = site.name()
    with site.web():
        Dehydrated(site, "p256", EAB_KID=kid, EAB_HMAC_KEY=key)("--cron", "-d", name)
    Certificate(site, [name], site.folder / "certs" / name / "fullchain.pem", site.folder / "certs" / name / "privkey.pem", "p256")


@client(LIFE, "dehydrated")
def do_dehydrated_profile(site):
    """Debian 13's knows profiles."""
    if "--acme-profile" not in site.run("dehydrated", "--help").stdout:
        return "this dehydrated knows no profiles"
    name = site.name()
    with site.web():
        Dehydrated(site, "p384")("--cron", "-d", name, "--acme-profile", "short")
    found = Certificate(site, [name], site.folder / "certs" / name / "fullchain.pem", site.folder / "certs" / name / "privkey.pem", "p384")
    assert (support.not_after(found.leaf) - support.not_before(found.leaf)).days in (6, 7)
    return None


@client(FAILURES, "dehydrated")
def do_dehydrated_another_accounts_responder(site):
    """A responder with a proof of something else."""
    hook = site.hook('case $1 in\ndeploy_challenge) tell proof "address=$address" "name=$2" "digest=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU" ;;\nesac\n')
    name = site.name()
    done = Dehydrated(site, "p256", "tls-alpn-01", hook)("--cron", "-d", name, status=1)
    assert "urn:ietf:params:acme:error:" in done.stdout + done.stderr
    refused(site, name, "unauthorized")


# ---------------------------------------------------------------- uacme


UACME_HOOK = """
case $1,$2 in
begin,http-01) printf %s "$5" >"$challenges/$4" ;;
begin,dns-01) tell txt "name=_acme-challenge.$3" "value=$5" ;;
begin,tls-alpn-01) tell proof "address=$address" "name=$3" "digest=$5" ;;
*,http-01) rm "$challenges/$4" ;;
*,dns-01) tell forget "name=_acme-challenge.$3" ;;
*,tls-alpn-01) tell silent "address=$address" ;;
esac
"""


class Uacme:
    """Its libcurl reads the machine's certificates and nothing else: ours are put in their place, in a mount namespace."""

    def __init__(self, site, kind, challenge, *eab):
        self.site, self.kind = site, kind
        wanted = f'[ "$2" = {challenge} ] || exit 1\n'
        self.hook = site.hook(wanted + UACME_HOOK)
        trusted(site)
        self("-y", *eab, "new", CONTACT)

    def __call__(self, *arguments, **kw):
        size = ["-t", "RSA", "-b", self.kind[3:]] if self.kind.startswith("rsa") else ["-t", "EC", "-b", self.kind[1:]]
        return self.site.run(self.site.folder / "bin" / "trusting", "uacme", "-v", "-o", "-a", self.site.url, "-c", "conf", "-h", self.hook, *size, *arguments, **kw)

    def certificate(self, names):
        name = names[0].removeprefix("*.")
        return Certificate(self.site, names, self.site.folder / "conf" / name / "cert.pem", self.site.folder / "conf" / "private" / name / "key.pem", self.kind)

    def life(self, names):
        self("issue", *names)
        first = self.certificate(names)
        self("issue", *names, status=1)  # it is still good
        self("-f", "issue", *names)
        second = self.certificate(names).differs_from(first)
        name = names[0].removeprefix("*.")
        self("-r", "4", "revoke", self.site.folder / "conf" / name / "cert.pem")
        second.revoked("superseded")


@functools.cache
def mounts():
    """Whether a program can have mounts of its own: not in a root that is none itself."""
    user = [] if os.geteuid() == 0 else ["-r"]
    return bool(shutil.which("unshare")) and subprocess.run(["unshare", *user, "-m", "true"], capture_output=True, check=False).returncode == 0


def trusted(site):
    """bin/trusting COMMAND…: with our certificate in place of the machine's."""
    folder = site.folder / "bin"
    folder.mkdir(exist_ok=True)
    user = "" if os.geteuid() == 0 else "-r "
    (folder / "trusting").write_text(f'#!/bin/sh\nexec unshare {user}-m sh -c \'mount --bind "$0" /etc/ssl/certs/ca-certificates.crt && exec "$@"\' '
                                     f'"{site.instance.cacert}" "$@"\n')
    (folder / "trusting").chmod(0o755)
    return folder


@client(LIFE, "uacme", "unshare")
def do_uacme_http_rsa2048(site):
    with site.web():
        uacme = Uacme(site, "rsa2048", "http-01")
        uacme.life([site.name(), site.name()])
        uacme("newkey")
        contact = unique_contact()
        uacme("update", contact)
        is_account(site, contact, "valid")
        names = [site.name()]
        uacme("issue", *names)
        fresh = uacme.certificate(names)
    # By the certificate's own key.
    uacme("-r", "1", "revoke", fresh.path, site.folder / "conf" / "private" / names[0] / "key.pem")
    fresh.revoked("keyCompromise")
    uacme("deactivate")
    is_account(site, contact, "deactivated")


@client(LIFE, "uacme", "unshare", slow=True)
def do_uacme_http_rsa4096(site):
    with site.web():
        Uacme(site, "rsa4096", "http-01").life([site.name()])


@client(LIFE, "uacme", "unshare")
def do_uacme_dns_p384_wildcard(site):
    name = site.name()
    Uacme(site, "p384", "dns-01").life([f"*.{name}", name])


@client(LIFE, "uacme", "unshare")
def do_uacme_alpn_p256(site):
    Uacme(site, "p256", "tls-alpn-01").life([site.name()])


@client(LIFE, "uacme", "unshare")
def do_uacme_address(site):
    """RFC 8738: an address in place of a name."""
    with site.web():
        Uacme(site, "p256", "http-01").life([site.address])


@client(LIFE, "uacme", "unshare")
def do_uacme_external_account(site):
    kid, key = external_account(site)
    with site.web():
        Uacme(site, "p256", "http-01", "-e", f"{kid}:{key}").life([site.name()])


@client(FAILURES, "uacme", "unshare")
def do_uacme_wrong_file(site):
    name = site.name()
    with site.web():
        uacme = Uacme(site, "p256", "http-01")
        uacme.hook.write_text(uacme.hook.read_text().replace('"$5" >', '"${5%?}" >'))
        done = uacme("issue", name, status=2)
    assert "error" in done.stderr
    refused(site, name, "unauthorized")


# ---------------------------------------------------------------- acme-tiny


def acme_tiny(site, names, kind, **kw):
    new = ["rsa:" + kind[3:]] if kind.startswith("rsa") else ["ec", "-pkeyopt", f"ec_paramgen_curve:P-{kind[1:]}"]
    site.run("openssl", "req", "-new", "-newkey", *new, "-nodes", "-keyout", "key.pem", "-out", "request.pem", "-subj", "/", "-addext",
             "subjectAltName=" + ",".join(f"DNS:{n}" for n in names))
    done = site.run("acme-tiny", "--account-key", "account.key", "--csr", "request.pem", "--acme-dir", site.challenges, "--directory-url", site.url,
                    "--disable-check", "--contact", f"mailto:{CONTACT}", **kw)
    (site.folder / "chain.pem").write_text(done.stdout)
    return done


@client(LIFE, "acme-tiny")
def do_acme_tiny(site):
    """It can neither renew nor revoke: another certificate is its renewal."""
    site.run("openssl", "genrsa", "-out", "account.key", "2048")
    names, found = [site.name(), site.name()], []
    with site.web():
        for kind in ("rsa2048", "p256", "p384"):
            acme_tiny(site, names, kind)
            found.append(Certificate(site, names, site.folder / "chain.pem", site.folder / "key.pem", kind))
    assert len({c.leaf.serial_number for c in found}) == 3


@client(FAILURES, "acme-tiny")
def do_acme_tiny_another_site(site):
    """The name leads elsewhere: nobody there knows the token."""
    site.run("openssl", "genrsa", "-out", "account.key", "2048")
    name = site.name()
    with site.web() as web:
        web.files = {}
        done = acme_tiny(site, [name], "p256", status=1)
    assert "Challenge did not pass" in done.stderr, done
    refused(site, name, "unauthorized")


# ---------------------------------------------------------------- the npm package acme-client


def install_modules(folder):
    """The folder of modules, as package-lock.json says."""
    folder = folder / "node"
    folder.mkdir()
    for name in ("package.json", "package-lock.json", ".npmrc", "client.js"):
        shutil.copy(HERE / "acme-client" / name, folder)
    done = subprocess.run(["npm", "ci", "--ignore-scripts"], cwd=folder, capture_output=True, text=True, timeout=150, check=False)
    if done.returncode:
        raise AssertionError(done.stderr[-2000:])
    return folder


def node(site, challenge, kind, names, status=0, **more):
    script = site.world.modules() / "client.js"
    task = {"directory": site.url, "names": names, "challenge": challenge, "key": kind, "accountKey": kind, "webroot": str(site.webroot), "control": site.control,
            "address": site.address, "revoke": True, **more}
    (site.folder / "task.json").write_text(json.dumps(task))
    done = site.run("node", script, "task.json", status=status)
    return done if status else json.loads(done.stdout)


def node_life(site, challenge, kind, names, **more):
    """Issued, contact changed, key changed, issued again, both revoked."""
    done = node(site, challenge, kind, names, **more)
    found = []
    for i, (pem, key) in enumerate(zip(done["certificates"], done["keys"])):
        (site.folder / f"{i}.pem").write_text(pem)
        (site.folder / f"{i}.key").write_text(key)
        found.append(Certificate(site, names, site.folder / f"{i}.pem", site.folder / f"{i}.key", kind, status="revoked"))
    assert done["contact"] == ["mailto:second@clients.example"]
    found[0].revoked("superseded")
    found[1].revoked().differs_from(found[0])
    account = site.rest.get(f"/acme_accounts/{done['account'].rsplit('/', 1)[1]}").attributes
    assert account["contacts"] == done["contact"] and account["status"] == ("deactivated" if more.get("deactivate") else "valid")


@client(LIFE, "node", "npm")
def do_node_http_p256(site):
    with site.web():
        node_life(site, "http-01", "p256", [site.name(), site.name()], deactivate=True)


@client(LIFE, "node", "npm", "curl", slow=True)
def do_node_http_rsa4096(site):
    with site.web():
        node_life(site, "http-01", "rsa4096", [site.name()], accountKey="p256")


@client(LIFE, "node", "npm")
def do_node_dns_p384_wildcard(site):
    name = site.name()
    node_life(site, "dns-01", "p384", [name, f"*.{name}"])


@client(LIFE, "node", "npm")
def do_node_alpn_rsa2048(site):
    node_life(site, "tls-alpn-01", "rsa2048", [site.name()])


@client(LIFE, "node", "npm")
def do_node_external_account(site):
    kid, key = external_account(site)
    node_life(site, "tls-alpn-01", "p256", [site.name()], eab={"kid": kid, "hmacKey": key})


@client(FAILURES, "node", "npm")
def do_node_wrong_responder(site):
    name = site.name()
    done = node(site, "tls-alpn-01", "p256", [name], status=1, bend=True)
    assert "invalid" in done.stderr.lower() or "acme" in done.stderr.lower(), done
    refused(site, name, "unauthorized")


# ---------------------------------------------------------------- the lines that REST gives


# What a machine of tests lacks: the ports of the challenges, and a name server for everybody.
WRAPPERS = {
    "lego": 'exec /usr/bin/lego --http.port {address}:{http_port} "$@"', "uacme": 'exec trusting /usr/bin/uacme "$@"',
    "acme-tiny": 'exec /usr/bin/acme-tiny --disable-check "$@"',
}
READY = ("certbot", "lego", "dehydrated", "uacme", "acme_tiny")


def ready_folder(site, program):
    """A folder of a client's own with all that the lines expect: root.pem, hook.sh, account.key, host.csr."""
    folder, binaries = site.folder / program, trusted(site)
    folder.mkdir()
    for name, text in WRAPPERS.items():
        (binaries / name).write_text("#!/bin/sh\n" + text.format(address=site.address, http_port=site.http_port) + "\n")
        (binaries / name).chmod(0o755)
    shutil.copy(site.instance.cacert, folder / "root.pem")
    shutil.copy(site.hook('[ "$2" = http-01 ] || exit 1\n' + UACME_HOOK), folder / "hook.sh")
    settings = folder / ".config" / "letsencrypt" / "cli.ini"
    settings.parent.mkdir(parents=True)
    settings.write_text(f"config-dir = {folder}/certbot\nwork-dir = {folder}/w\nlogs-dir = {folder}/l\nhttp-01-port = {site.http_port}\n"
                        f"http-01-address = {site.address}\nnon-interactive = true\n")
    if program == "acme_tiny":
        site.run("openssl", "genrsa", "-out", folder / "account.key", "2048")
        site.run("openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / "host.key", "-out", folder / "host.csr", "-subj", "/", "-addext",
                 "subjectAltName=DNS:host.example")
    return folder


WRITTEN = {"certbot": "certbot/live/host.example/fullchain.pem", "lego": ".lego/certificates/host.example.crt", "dehydrated": "certs/host.example/fullchain.pem",
           "uacme": "acme/host.example/cert.pem", "acme_tiny": "host.crt"}


def run_ready(site, program, line, **more):
    """As it stands, but for the web server's folder."""
    folder = ready_folder(site, program)
    path = f"{site.folder}/bin:{folder}:{os.environ['PATH']}"
    clean = {n: v for n, v in os.environ.items() if n not in site.trust}
    with contextlib.ExitStack() as stack:
        if program not in ("certbot", "lego"):  # these serve the files themselves
            stack.enter_context(site.web())
        done = subprocess.run(["sh", "-c", line.replace("/var/www/acme", str(site.challenges))], cwd=folder, capture_output=True, text=True, timeout=90, check=False,
                              stdin=subprocess.DEVNULL, env={**clean, "HOME": str(folder), "PATH": path, "XDG_CONFIG_HOME": f"{folder}/.config", **more})
    assert done.returncode == 0, f"{line}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return Certificate(site, ["host.example"], folder / WRITTEN[program])


@client(LIFE, "certbot", "lego", "dehydrated", "uacme", "acme-tiny", "curl", "unshare")
def do_ready_commands(site):
    site.network.names.add("host.example", "A", site.address)
    lines = site.rest.get(f"/acme_directories/{site.world.directory.id}").attributes["commands"]
    assert set(lines) == {"curl", *READY}
    shutil.copy(site.instance.cacert, site.folder / "root.pem")
    assert "newNonce" in json.loads(site.run("sh", "-c", lines["curl"]).stdout)
    ready = [program for program in READY if program != "uacme" or mounts()]
    for program in ready:
        run_ready(site, program, lines[program])
    # And those of an external account's key; acme-tiny has no such thing.
    site.folder = site.folder / "external"
    site.folder.mkdir()
    for program in ready:
        if program == READY[-1]:
            continue
        _, secret, number = site.world.closed.key()
        run_ready(site, program, site.rest.get(f"/acme_keys/{number}").attributes["commands"][program], KEY=acme.b64(secret))


def test_keys_of_external_accounts_are_no_options(world):
    """certbot takes what begins with a dash for an option: one of 64 would."""
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        keys = list(pool.map(lambda _: acme.b64(world.closed.key()[1]), range(320)))
    assert not [k for k in keys if k.startswith("-")]


# ---------------------------------------------------------------- many at once


@pytest.fixture(scope="module")
def ordering(world):
    """Accounts that need no challenges: many(n) gives clients."""
    made = []

    def many(n):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _: world.own.client(source=support.new_address()), range(n)))
        for one in found:
            world.own.allow(one, "dns:.many.example")
        made.extend(found)
        return found
    yield many
    for one in made:
        one.close()


def finalize_twice(world, client, twin, times):
    key = support.new_key()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for _ in range(times):
            name = f"{acme.mark('twice')}.many.example"
            order = client.order(name)
            csr = acme.b64(order.request(name, key=key))
            answers = list(pool.map(lambda c, o=order, r=csr: c.ask(o.json["finalize"], {"csr": r}), (client, twin)))
            assert all(a.status == 200 for a in answers), answers
            urls = {order.wait().json["certificate"], *(a.json["certificate"] for a in answers if a.json["status"] == "valid")}
            assert len(urls) == 1
            client.names.append(name)


@pytest.mark.rows("M12")
@pytest.mark.parametrize("times", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_two_finalize_at_once(world, ordering, times):
    """One certificate each time, by two connections of one account; four accounts at it."""
    clients = ordering(4)
    twins = [acme.Client(world.instance, world.own.label, c.key, source=support.new_address()) for c in clients]
    for one, twin in zip(clients, twins):
        one.names, twin.kid = [], one.kid
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda pair: finalize_twice(world, *pair, times // 4), zip(clients, twins)))
    made = [n for c in clients for n in c.names]
    accounts = ", ".join(c.kid.rsplit("/", 1)[1] for c in clients)
    assert len(made) == times
    assert world.instance.count("acme_order", f"account_id IN ({accounts}) AND status = 'valid'") == times
    listed = ", ".join(f"'dns:{n}'" for n in made)
    assert world.instance.count("certificate", f"names && ARRAY[{listed}]") == times
    for one in twins:
        one.close()


def test_a_hundred_clients_at_once(world, ordering):
    """Each with an account and a connection of its own, all at the same time."""
    clients, key = ordering(100), support.new_key()
    barrier = threading.Barrier(100)

    def one(client):
        name = f"{acme.mark('crowd')}.many.example"
        barrier.wait(60)
        order = client.order(name)
        order.finalize(name, key=key)
        return name, order.wait(seconds=60).chain()[0]

    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        found = list(pool.map(one, clients))
    assert len({c.serial_number for _, c in found}) == 100
    for name, certificate in found:
        assert certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName) == [name]


# ---------------------------------------------------------------- what became of them


@pytest.mark.parametrize("name", parameters(LIFE))
def test_a_clients_life(running, name):
    finished(running, name)


@pytest.mark.parametrize("name", parameters(FAILURES))
def test_a_client_without_proof(running, name):
    finished(running, name)
