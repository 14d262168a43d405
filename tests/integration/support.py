"""What the integration tests share: the instance under test, clients that hide nothing, keys and requests.

The clients are made of http.client, ssl and socket alone, so that a test sees every byte that matters and
nothing is retried, followed or repaired behind its back.
"""

import array
import base64
import configparser
import datetime
import fcntl
import http.client
import json
import os
import pwd
import random
import re
import socket
import ssl
import subprocess
import termios
import time
import urllib.parse
import uuid
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

API = "/api/v2.0"
MEDIA_TYPE = "application/vnd.api+json"
DATA = Path(__file__).resolve().parent.parent / "data"
TIMEOUT_SEC = 60
SLOWER = 4  # so many times longer than on a quiet machine may something take that must cost little: what costs much takes minutes
SERVICES = ("siegel-ca", "siegel-api", "siegel-est", "siegel-scep", "siegel-acme", "siegel-acme-probe", "siegel-va", "siegel-sched")


# ---------------------------------------------------------------- the instance


class Instance:
    """The private instance under test, as its environment describes it (see README.md)."""

    def __init__(self, env=None):
        env = dict(os.environ if env is None else env)
        if "SIEGEL_RUN" in env:
            env = {**read_env_file(Path(env["SIEGEL_RUN"]) / "access.env"), **env}
        self.run = Path(env["SIEGEL_RUN"])
        self.url = re.sub(r"(/api/v2\.0)?/*$", "", env["SIEGEL_URL"])
        self.cacert = env["SIEGEL_CACERT"]
        self.token = env["SIEGEL_TOKEN"]
        self.est_url = env["SIEGEL_EST_URL"].rstrip("/")
        self.scep_url = env["SIEGEL_SCEP_URL"].rstrip("/")
        self.acme_url = env["SIEGEL_ACME_URL"].rstrip("/")
        self.ocsp_url = env["SIEGEL_OCSP_URL"]
        self.crl_url = env["SIEGEL_CRL_URL"]
        self.root = env["SIEGEL_ROOT"]
        self.bin = [Path(p) for p in env.get("SIEGEL_BIN", "").split(":") if p]
        parts = urllib.parse.urlsplit(self.url)
        self.host, self.port = parts.hostname, parts.port or 443
        plain = urllib.parse.urlsplit(self.ocsp_url)
        self.plain_host, self.plain_port = plain.hostname, plain.port or 80
        self.psql = {}
        self.config_path = self._find_config(env)
        self.config = configparser.ConfigParser(interpolation=None)
        self.config.read(self.config_path)

    def _find_config(self, env):
        if "SIEGEL_CONFIG" in env:
            return Path(env["SIEGEL_CONFIG"])
        found = sorted(self.run.glob("siegel.conf")) + sorted(self.run.glob("*/siegel.conf"))
        if not found:
            raise FileNotFoundError(f"no siegel.conf under {self.run}")
        return found[0]

    def binary(self, name):
        """The path of one of our binaries."""
        for folder in self.bin + [self.run / "sbin", self.run / "bin"]:
            for place in (folder / name, folder.parent / "sbin" / name, folder.parent / "bin" / name):
                if place.exists():
                    return str(place)
        return name

    def as_service(self, command):
        """The command line that runs a command as the user whose processes serve the instance."""
        owner = os.stat(self.config["sockets"]["dir"]).st_uid
        if os.geteuid() == 0 and owner != 0:
            user = pwd.getpwuid(owner).pw_name
            return ["runuser", "-u", user, "--", *command]
        return list(command)

    def command(self, *command, check=True, timeout=60, input=None, env=None):
        """Runs a command as the service's user; gives the CompletedProcess with text output."""
        done = subprocess.run(self.as_service([str(c) for c in command]), capture_output=True, text=True,
                              timeout=timeout, input=input, cwd="/", env=env)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def environment(self, name):
        """What the supervisor adds to the environment of a process: where the token is, for the engine."""
        folder = self.run / "env" / name
        return {p.name: p.read_text().strip() for p in folder.iterdir()} if folder.exists() else {}

    def supervise(self, what, service):
        """sv stop, start or restart of a service, waited for: by itself sv gives up after seven seconds, which a loaded machine may take."""
        self.command("sv", "-w", "50", what, f"{self.run}/service/{service}")

    def siegelctl(self, *arguments, **kw):
        return self.command(self.binary("siegelctl"), "--config", self.config_path, *arguments, **kw)

    def sql(self, statement, role="siegel_owner"):
        """Rows of a statement, as lists of text (NULL is ''); StoreError when PostgreSQL refuses it. The role's rights are those of
        the process that it belongs to. One psql for each role stays open."""
        if role not in self.psql or self.psql[role].poll() is not None:
            self.psql[role] = self._open_psql(role)
        psql, marker = self.psql[role], uuid.uuid4().hex
        psql.stdin.write(f"{statement}\n;\n\\echo {marker} :ERROR :LAST_ERROR_MESSAGE\n")
        psql.stdin.flush()
        out = ""
        while True:
            line = psql.stdout.readline()
            if line.startswith(marker):
                break
            if not line:
                raise StoreError(out)
            out += line
        failed, message = line[len(marker) + 1:].rstrip("\n").split(" ", 1)
        if failed == "true":
            raise StoreError(message)
        out = out.rstrip("\n")
        return [row.split("\x1f") for row in out.split("\x1e")] if out else []

    def _open_psql(self, role):
        db = self.config["database"]
        command = ["psql", "-X", "-q", "-A", "-t", "-F", "\x1f", "-R", "\x1e", "-h", db["host"], "-p", db.get("port", "5432"),
                   "-U", role, "-d", db.get("name", "siegel")]
        return subprocess.Popen(self.as_service(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                text=True, cwd="/", env={**os.environ, "PGOPTIONS": "-c search_path=siegel"})

    def hang_up(self):
        """The store was stopped: what stayed open went with it."""
        while self.psql:
            with self.psql.popitem()[1] as psql:
                psql.kill()

    def count(self, table, where="true"):
        return int(self.sql(f"SELECT count(*) FROM {table} WHERE {where}")[0][0])

    def processes(self):
        """Ids of this instance's processes by name; one look at /proc."""
        found = {name: [] for name in SERVICES + ("nginx",)}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                name = (entry / "comm").read_text().strip()
                full = next((one for one in found if one[:15] == name), None)  # the kernel keeps 15 letters
                if full and self._is_ours(entry):
                    found[full].append(int(entry.name))
            except OSError:
                continue
        return {name: sorted(pids) for name, pids in found.items()}

    def _is_ours(self, entry):
        """By its command line, or its parent's: nginx's workers change theirs."""
        line = (entry / "cmdline").read_bytes().decode(errors="replace")
        if str(self.run) in line:
            return True
        parent = re.search(r"^PPid:\s+(\d+)", (entry / "status").read_text(), re.M).group(1)
        return str(self.run) in (Path("/proc") / parent / "cmdline").read_bytes().decode(errors="replace")

    def pids(self, name):
        return self.processes()[name]

    def memory(self, *names):
        """Resident bytes of all processes of these names, or of all."""
        total = 0
        for name, pids in self.processes().items():
            for pid in pids if name in (names or SERVICES) else []:
                try:
                    text = Path(f"/proc/{pid}/status").read_text()
                except OSError:
                    continue
                match = re.search(r"^VmRSS:\s+(\d+) kB", text, re.M)
                total += int(match.group(1)) * 1024 if match else 0
        return total

    def log_files(self):
        folder = self.run / "log"
        return [p for p in folder.rglob("*") if p.is_file()] if folder.exists() else []

    def log_text(self):
        """All that the services have said until now: what is on its way through the pipes to svlogd counts too."""
        for pid in self._loggers():
            wait_until(lambda pid=pid: all_written(pid), 10, 0.005)
        return "\n".join(p.read_text(errors="replace") for p in self.log_files())

    def _loggers(self):
        """Ids of the svlogd processes of this instance."""
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and (entry / "comm").read_text() == "svlogd\n" and self._is_ours(entry):
                    yield int(entry.name)
            except OSError:
                continue

    def tls_context(self, cert=None, key=None, minimum=ssl.TLSVersion.TLSv1_2, maximum=None, verify=True):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if verify:
            context.load_verify_locations(self.cacert)
        else:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        context.minimum_version = minimum
        if maximum:
            context.maximum_version = maximum
        if cert:
            context.load_cert_chain(cert, key)
        return context

    def rest(self, token=None, cert=None, key=None, source=None):
        return Rest(self, token, cert, key, source)


class StoreError(Exception):
    """PostgreSQL refused a statement."""


def read_env_file(path):
    """NAME=value lines, with or without export and quotes."""
    found = {}
    if Path(path).exists():
        for line in Path(path).read_text().splitlines():
            match = re.match(r"\s*(?:export\s+)?([A-Z_]+)=(['\"]?)(.*?)\2\s*$", line)
            if match:
                found[match.group(1)] = match.group(3)
    return found


# ---------------------------------------------------------------- clients


class Answer:
    """One HTTP answer: status, headers with lower-case names, body."""

    def __init__(self, status, headers, body):
        self.status, self.body = status, body
        self.headers = {}
        for name, value in headers:
            self.headers[name.lower()] = value

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def data(self):
        return self.json["data"]

    @property
    def attributes(self):
        return self.data["attributes"]

    @property
    def error(self):
        """The first JSON:API error object."""
        return self.json["errors"][0]

    def __repr__(self):
        return f"<{self.status} {self.body[:600]!r}>"


answered = set()  # (method, path, status) of all answers to Rest; conftest.py compares them with the description at the end


def undescribed(document):
    """Those of the answered that went well with a status that the description doesn't have for them."""
    ways = [(re.compile("/api/v2\\.0" + re.sub(r"\{[a-z_]+\}", "[^/]+", path) + "$"), item) for path, item in document["paths"].items()]
    ways.sort(key=lambda way: way[0].pattern.count("[^/]+"))  # /sessions/current before /sessions/{id}
    found = set()
    for method, path, status in answered:
        item = next((i for p, i in ways if p.match(path.split("?")[0])), {})
        described = item.get("get" if method == "HEAD" else method.lower(), {}).get("responses", {})
        if path.startswith("/api/") and status < 400 and str(status) not in described:
            found.add((method, path, status))
    return sorted(found)


class Rest:
    """A REST client over the edge: one connection a request, nothing hidden. source: address of loopback to come from."""

    def __init__(self, instance, token=None, cert=None, key=None, source=None):
        self.instance, self.token, self.cert, self.key, self.source = instance, token, cert, key, source

    def request(self, method, path, body=None, headers=None, timeout=TIMEOUT_SEC):
        """path: below /api/v2.0 ("/certificates"), or absolute when it starts with /api/ or /.well-known/."""
        if not path.startswith(("/api/", "/.well-known/")):
            path = API + path
        send = {"Accept": MEDIA_TYPE}
        if self.token:
            send["Authorization"] = f"Bearer {self.token}"
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        if body is not None:
            send["Content-Type"] = MEDIA_TYPE
        send.update(headers or {})
        send = {k: v for k, v in send.items() if v is not None}
        context = self.instance.tls_context(self.cert, self.key)
        connection = http.client.HTTPSConnection(self.instance.host, self.instance.port, context=context, timeout=timeout,
                                                 source_address=(self.source, 0) if self.source else None)
        try:
            connection.request(method, path, body=body.encode() if isinstance(body, str) else body, headers=send)
            got = connection.getresponse()
            answered.add((method, path, got.status))
            return Answer(got.status, got.getheaders(), got.read())
        finally:
            connection.close()

    def get(self, path, **kw):
        return self.request("GET", path, **kw)

    def post(self, path, body=None, **kw):
        return self.request("POST", path, body, **kw)

    def patch(self, path, body=None, **kw):
        return self.request("PATCH", path, body, **kw)

    def delete(self, path, body=None, **kw):
        return self.request("DELETE", path, body, **kw)

    def issue(self, kind="cert_server", headers=None, **attributes):
        """POST /cert_…; gives the Answer."""
        attributes.setdefault("cn", f"test-{uuid.uuid4().hex[:12]}.example")
        return self.post(f"/{kind}", {"data": {"type": kind, "attributes": attributes}}, headers=headers)

    def issued(self, kind="cert_server", **attributes):
        """Issues and insists on it; gives the resource."""
        answer = self.issue(kind, **attributes)
        assert answer.status == 201, answer
        return answer.data


def read_all(sock, limit=64 << 20):
    """What is left to be read until the peer closes, falls silent or resets."""
    got = b""
    try:
        while len(got) < limit:
            piece = sock.recv(65536)
            if not piece:
                break
            got += piece
    except OSError:
        pass
    return got


def new_address():
    """An address of loopback that no other test comes from: who is slowed down for guessing, is so by address."""
    return f"127.{random.randrange(1, 255)}.{random.randrange(256)}.{random.randrange(1, 255)}"


class EdgeConnection:
    """A raw TLS (or plain) connection to the edge."""

    def __init__(self, host, port, context=None, timeout=TIMEOUT_SEC, name=None, source=None):
        self.sock = socket.create_connection((host, port), timeout=timeout, source_address=(source, 0) if source else None)
        if context is not None:
            self.sock = context.wrap_socket(self.sock, server_hostname=name or host)
        self.host_header = f"{host}:{port}"

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))

    def receive_all(self, limit=4 << 20):
        return read_all(self.sock, limit)

    def receive_head(self):
        """Status and everything read so far; (0, b"") when the peer closed without an answer."""
        got = b""
        try:
            while b"\r\n\r\n" not in got:
                piece = self.sock.recv(65536)
                if not piece:
                    break
                got += piece
        except (ConnectionError, ssl.SSLError):
            pass
        match = re.match(rb"HTTP/1\.[01] (\d{3})", got)
        return (int(match.group(1)) if match else 0), got

    def exchange(self, data):
        """Sends bytes, gives (status or 0 when closed without an answer, all bytes up to the end of the head)."""
        try:
            self.send(data)
        except (ConnectionError, ssl.SSLError):
            pass
        return self.receive_head()

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def http_get(url, context=None, timeout=TIMEOUT_SEC, method="GET", body=None, headers=None, source=None):
    """A plain GET (or other request) of any URL, without redirects."""
    parts = urllib.parse.urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    more = {"context": context} if parts.scheme == "https" else {}
    if source:
        more["source_address"] = (source, 0)
    connection = kind(parts.hostname, parts.port, timeout=timeout, **more)
    try:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(method, target or "/", body=body, headers=headers or {})
        got = connection.getresponse()
        return Answer(got.status, got.getheaders(), got.read())
    finally:
        connection.close()


def basic(name, secret):
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()


def est_enroll(instance, csr_der, authorization=None, cert=None, key=None, operation="simpleenroll", body=None, headers=None,
               source=None):
    """POST of a CSR to an EST operation; gives the Answer."""
    send = {"Content-Type": "application/pkcs10", **(headers or {})}
    if authorization:
        send["Authorization"] = authorization
    if body is None:
        body = base64.b64encode(csr_der)
    return http_get(f"{instance.est_url}/{operation}", context=instance.tls_context(cert, key), method="POST", body=body,
                    headers=send, source=source)


def pkcs7_certificates(base64_text):
    """Certificates of a certs-only answer of EST."""
    from cryptography.hazmat.primitives.serialization import pkcs7
    return pkcs7.load_der_pkcs7_certificates(base64.b64decode(base64_text))


# ---------------------------------------------------------------- keys, requests, certificates


def new_key(kind="p256"):
    if kind.startswith("rsa"):
        return rsa.generate_private_key(65537, int(kind[3:]))
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key({"p256": ec.SECP256R1, "p384": ec.SECP384R1, "p521": ec.SECP521R1, "brainpoolp256r1": ec.BrainpoolP256R1}[kind]())


def skip_unless_known(kind):
    """Skips the test when the system's OpenSSL knows no such key, as Debian 12's no ML-DSA."""
    algorithm = {"mldsa65": "ML-DSA-65"}.get(kind)
    if algorithm and algorithm not in subprocess.run(["openssl", "list", "-public-key-algorithms"], capture_output=True, text=True).stdout:
        pytest.skip(f"this OpenSSL has no {algorithm}")


def key_pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def signing_hash(key):
    return None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()


def new_name(cn=None, **more):
    oids = {"o": NameOID.ORGANIZATION_NAME, "ou": NameOID.ORGANIZATIONAL_UNIT_NAME, "c": NameOID.COUNTRY_NAME}
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, cn)] if cn is not None else []
    return x509.Name(parts + [x509.NameAttribute(oids[k], v) for k, v in more.items()])


def new_csr(cn="device.example", names=(), key=None, extensions=()):
    """A CSR object; names: x509.GeneralName objects or DNS names as text; extensions: (extension, critical) pairs."""
    key = key or new_key()
    builder = x509.CertificateSigningRequestBuilder().subject_name(new_name(cn))
    general = [x509.DNSName(n) if isinstance(n, str) else n for n in names]
    if general:
        builder = builder.add_extension(x509.SubjectAlternativeName(general), critical=False)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(key, signing_hash(key))


def csr_pem(csr):
    return csr.public_bytes(serialization.Encoding.PEM).decode()


def csr_der(csr):
    return csr.public_bytes(serialization.Encoding.DER)


def pem_of_der(label, der):
    text = base64.encodebytes(der).decode().replace("\n", "")
    lines = "\n".join(text[i:i + 64] for i in range(0, len(text), 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n"


def load_pem_chain(text):
    """All certificates of a PEM text."""
    blocks = re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", text, re.S)
    return [x509.load_pem_x509_certificate(b.encode()) for b in blocks]


def load_cert(pem):
    return x509.load_pem_x509_certificate(pem.encode() if isinstance(pem, str) else pem)


def _utc(obj, name):
    """A time of a certificate or CRL, aware, with old and new versions of python-cryptography."""
    value = getattr(obj, name + "_utc", None)
    return value if value is not None else getattr(obj, name).replace(tzinfo=datetime.timezone.utc)


def not_before(cert):
    return _utc(cert, "not_valid_before")


def not_after(cert):
    return _utc(cert, "not_valid_after")


def next_update(crl):
    return _utc(crl, "next_update")


def last_update(crl):
    return _utc(crl, "last_update")


def self_signed(cn="stranger.example", key=None, ca=False, not_before=None, days=30, extensions=(), issuer=None,
                issuer_key=None, subject=None, serial=None):
    """A certificate made outside of the product: what an attacker can make alone."""
    key = key or new_key()
    start = not_before or datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None) - datetime.timedelta(hours=1)
    name = subject or new_name(cn)
    builder = (x509.CertificateBuilder().subject_name(name).issuer_name(issuer or name).public_key(key.public_key())
               .serial_number(serial or x509.random_serial_number()).not_valid_before(start)
               .not_valid_after(start + datetime.timedelta(days=days))
               .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True))
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    signer = issuer_key or key
    return builder.sign(signer, signing_hash(signer)), key


def write_identity(folder, cert_pem, key, name="client"):
    """Files of a client certificate and its key for ssl.load_cert_chain(); gives their paths."""
    cert_path, key_path = Path(folder) / f"{name}.crt", Path(folder) / f"{name}.key"
    if isinstance(cert_pem, x509.Certificate):
        cert_pem = cert_pem.public_bytes(serialization.Encoding.PEM).decode()
    cert_path.write_text(cert_pem)
    key_path.write_bytes(key if isinstance(key, bytes) else key.encode() if isinstance(key, str) else key_pem(key))
    key_path.chmod(0o600)
    return str(cert_path), str(key_path)


# ---------------------------------------------------------------- waiting


def all_written(pid):
    """Whether svlogd has written what was in its pipe, or has ended: the pipe is empty, and after that it sleeps."""
    try:
        with open(f"/proc/{pid}/fd/0", "rb", buffering=0, opener=lambda path, flags: os.open(path, flags | os.O_NONBLOCK)) as pipe:
            waiting = array.array("i", [0])
            fcntl.ioctl(pipe, termios.FIONREAD, waiting)
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return not Path(f"/proc/{pid}").exists()
    return waiting[0] == 0 and state == "S"


def wait_until(what, seconds=10, every=0.1):
    """Calls what() until it gives something true; gives that, or fails. The seconds are those of a quiet machine: one that does other
    things too gets SLOWER times as many, which still tells a notice that came from a look that is taken twice a minute."""
    end = time.monotonic() + SLOWER * seconds
    while True:
        got = what()
        if got:
            return got
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {getattr(what, '__name__', what)}")
        time.sleep(every)


def quickest_difference(first, second, rounds, most):
    """By how many seconds the quickest of both differ, each done that often. On a loaded machine few are undisturbed: as long as it is more than most,
    it is looked on, a bounded time. A difference that is there stays."""
    quickest = [float("inf"), float("inf")]
    for done in range(8 * rounds):
        if done >= rounds and abs(quickest[0] - quickest[1]) < most:
            break
        for i, what in enumerate((first, second)):
            start = time.perf_counter()
            what()
            quickest[i] = min(quickest[i], time.perf_counter() - start)
    return abs(quickest[0] - quickest[1])


# ---------------------------------------------------------------- tenants


class Tenant:
    """A tenant with an account for each role that was asked for."""

    def __init__(self, instance, name):
        self.instance, self.name, self.secrets = instance, name, {}

    def account(self, role="administrator", kind="token", name=None):
        """Makes an account (a new one each time) and gives its name and secret."""
        name = name or f"{role}-{uuid.uuid4().hex[:8]}"
        done = self.instance.siegelctl("setup", "account", "--tenant", self.name, "--name", name, "--role", role,
                                       f"--{kind.replace('_', '-')}", "--json")
        return name, json.loads(done.stdout)["secret"]

    def rest(self, role="administrator"):
        """A client with a token of that role; one account a role is kept."""
        if role not in self.secrets:
            self.secrets[role] = self.account(role)[1]
        return Rest(self.instance, self.secrets[role])


def make_tenant(instance, name, folder, root_key="p256", issuing_key="p256"):
    """Bootstraps another tenant with a hierarchy of its own in the running instance."""
    base = f"http://{instance.plain_host}:{instance.plain_port}"
    document = {
        "tenant": name, "base_url": base,
        "root": {"name": "root", "subject": [["CN", f"{name} Root CA"], ["O", name]], "key": root_key, "days": 7300},
        "issuing": {"name": "issuing", "subject": [["CN", f"{name} Issuing CA"], ["O", name]], "key": issuing_key, "days": 5475},
        "profiles": ["server", "client", "device"],
    }
    path = Path(folder) / f"bootstrap-{name}.json"
    path.write_text(json.dumps(document))
    path.chmod(0o644)
    for parent in [path.parent, *path.parent.parents]:
        if parent == Path("/tmp") or parent == Path("/"):
            break
        parent.chmod(parent.stat().st_mode | 0o011)
    instance.command(instance.binary("siegel-ca"), "--config", instance.config_path, "--bootstrap", path,
                     env={**os.environ, **instance.environment("siegel-ca")})
    return Tenant(instance, name)
