"""Servers on loopback that validations meet: a name server, web servers, responders of tls-alpn-01, each scripted by its test; and siegel-acme's side of the
probe (lib/ipc/probe.proto), so that siegel-acme-probe can be asked without it.

A test names what it needs and closes it (all of them are context managers):

    with NameServer(port) as dns, WebServer("127.0.0.1", http_port) as web:
        dns.add("a.example", "A", "127.0.0.1")
        web.files["/.well-known/acme-challenge/" + token] = key_authorization
"""

import base64
import datetime
import hashlib
import http.server
import os
import pwd
import random
import select
import socket
import socketserver
import ssl
import struct
import subprocess
import tempfile
import threading
import time
import warnings
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

CHALLENGES = "/.well-known/acme-challenge/"


def ports_of(instance):
    """Where the probe of the instance under test looks, as its siegel.conf says: (port of the name server, http_port, https_port), all on 127.0.0.1. None
    when it wasn't told (--set acme_probe.resolver=127.0.0.1@PORT and so on, as ./check does): then tests that need it are skipped."""
    told = instance.config["acme_probe"] if "acme_probe" in instance.config else {}
    resolver = told.get("resolver", "")
    if not resolver.startswith("127.0.0.1@") or "http_port" not in told or "https_port" not in told:
        return None
    ports = int(resolver.split("@")[1]), int(told["http_port"]), int(told["https_port"])
    return ports if all(f"127.0.0.1:{port}" in told.get("own_endpoints", "").split() for port in ports[1:]) else None


def free_port():
    """A port of 127.0.0.1 that nobody has, for UDP and TCP; below those that connections are made from, so that none takes it in between."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            try:
                tcp.bind(("127.0.0.1", port))
                udp.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def b64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def digest(key_authorization):
    """The value of a dns-01 record (RFC 8555 8.4)."""
    return b64url(hashlib.sha256(key_authorization.encode()).digest())


def account_label(account_url):
    """The label of dns-account-01 for an account."""
    return "_" + base64.b32encode(hashlib.sha256(account_url.encode()).digest()[:10]).decode().lower()


# ---------------------------------------------------------------- names


class NameServer:
    """An authoritative name server for whatever is added, over UDP and TCP; also the forwarder that a resolver asks. What nobody added doesn't exist.

    add(name, type, *values): records. script(name, function): function(query, question, transport) gives a dns.message.Message, bytes, or None for
    silence. fail(name, rcode). queries is what was asked: (name, type, transport)."""

    def __init__(self, port=0, address="127.0.0.1"):
        self.address, self.port = address, port or free_port()
        self.records, self.scripts, self.queries = {}, {}, []
        self.sockets, self.threads, self.ends = [], [], False
        self.lock = threading.Lock()

    def add(self, name, kind, *values, ttl=60):
        with self.lock:
            self.records.setdefault((name.lower().rstrip("."), kind.upper()), []).extend((ttl, v) for v in values)

    def txt(self, name, *values):
        self.add(name, "TXT", *(f'"{v}"' for v in values))

    def remove(self, name, kind=None):
        with self.lock:
            for key in [k for k in self.records if k[0] == name.lower() and kind in (None, k[1])]:
                del self.records[key]

    def script(self, name, function):
        self.scripts[name.lower().rstrip(".")] = function

    def fail(self, name, rcode=dns.rcode.SERVFAIL):
        def answer(query, _question, _transport):
            made = self.response(query)
            made.set_rcode(rcode)
            return made
        self.script(name, answer)

    @staticmethod
    def response(query):
        made = dns.message.make_response(query, recursion_available=True)
        made.flags |= dns.flags.AA
        return made

    def answer(self, query, transport):
        question = query.question[0]
        name, kind = question.name.to_text().lower().rstrip("."), dns.rdatatype.to_text(question.rdtype)
        self.queries.append((name, kind, transport))
        if name in self.scripts:
            return self.scripts[name](query, question, transport)
        made, seen, at = self.response(query), set(), name
        with self.lock:
            while at not in seen:
                seen.add(at)
                for found in ("CNAME", kind):
                    for ttl, value in self.records.get((at, found), []):
                        made.answer.append(dns.rrset.from_text(at + ".", ttl, "IN", found, value))
                if (at, "CNAME") not in self.records or kind == "CNAME":
                    break
                at = self.records[(at, "CNAME")][0][1].lower().rstrip(".")
            exists = any(key == at or key.endswith("." + at) for key, _ in self.records)
        if not made.answer and not exists:
            made.set_rcode(dns.rcode.NXDOMAIN)
        return made

    def wire(self, data, transport):
        try:
            query = dns.message.from_wire(data)
            made = self.answer(query, transport)
        except Exception:  # pylint: disable=broad-except
            return None
        if made is None or isinstance(made, bytes):
            return made
        most = 65535 if transport == "tcp" else max(512, query.payload if query.edns >= 0 else 512)
        try:
            full = made.to_wire(max_size=65535)
        except dns.exception.TooBig:
            return None
        if len(full) <= most:
            return full
        short = self.response(query)
        short.flags |= dns.flags.TC
        return short.to_wire()

    def __enter__(self):
        udp = socket.socket(type=socket.SOCK_DGRAM)
        udp.bind((self.address, self.port))
        tcp = socket.socket()
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        tcp.bind((self.address, self.port))
        tcp.listen(64)
        self.sockets = [udp, tcp]
        self.threads = [threading.Thread(target=self._udp, args=(udp,), daemon=True), threading.Thread(target=self._tcp, args=(tcp,), daemon=True)]
        for one in self.threads:
            one.start()
        return self

    def _udp(self, udp):
        while not self.ends:
            if not select.select([udp], [], [], 0.1)[0]:
                continue
            data, peer = udp.recvfrom(65535)
            threading.Thread(target=self._reply_udp, args=(udp, data, peer), daemon=True).start()

    def _reply_udp(self, udp, data, peer):
        made = self.wire(data, "udp")
        if made is not None and not self.ends:
            try:
                udp.sendto(made, peer)
            except OSError:
                pass

    def _tcp(self, tcp):
        while not self.ends:
            if select.select([tcp], [], [], 0.1)[0]:
                threading.Thread(target=self._serve_tcp, args=(tcp.accept()[0],), daemon=True).start()

    def _serve_tcp(self, peer):
        with peer:
            peer.settimeout(5)
            try:
                while not self.ends:
                    head = read_exactly(peer, 2)
                    made = self.wire(read_exactly(peer, struct.unpack(">H", head)[0]), "tcp")
                    if made is not None:
                        peer.sendall(struct.pack(">H", len(made)) + made)
            except (OSError, EOFError):
                pass

    def __exit__(self, *_):
        self.ends = True
        for one in self.threads:
            one.join(2)
        for one in self.sockets:
            one.close()


def read_exactly(sock, n):
    got = b""
    while len(got) < n:
        piece = sock.recv(n - len(got))
        if not piece:
            raise EOFError
        got += piece
    return got


class SignedZone:
    """A zone that ldns-signzone signed, served by nsd on loopback: example of DNSSEC. broken: names whose records are changed after they were signed.
    anchor is a file for [acme_probe] dnssec_anchor_file."""

    def __init__(self, folder, zone, records, broken=(), port=0):
        self.folder, self.zone, self.port = Path(folder), zone, port or free_port()
        self.records, self.broken, self.process = records, broken, None
        self.anchor = self.folder / "anchor.key"

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        key = subprocess.run(["ldns-keygen", "-k", "-a", "ECDSAP256SHA256", self.zone], cwd=self.folder, check=True, capture_output=True, text=True).stdout.strip()
        (self.folder / "zone").write_text(
            f"$ORIGIN {self.zone}.\n$TTL 60\n@ IN SOA ns.{self.zone}. root.{self.zone}. 1 3600 600 86400 60\n@ IN NS ns.{self.zone}.\nns IN A 127.0.0.1\n"
            + "".join(line + "\n" for line in self.records))
        subprocess.run(["ldns-signzone", "-n", "-f", "signed", "zone", key], cwd=self.folder, check=True, capture_output=True)
        self.anchor.write_text((self.folder / (key + ".key")).read_text())
        signed = (self.folder / "signed").read_text()
        for old, new in self.broken:
            assert old in signed
            signed = signed.replace(old, new)
        (self.folder / "signed").write_text(signed)
        (self.folder / "nsd.conf").write_text(
            f'server:\n  ip-address: 127.0.0.1@{self.port}\n  username: ""\n  zonesdir: "{self.folder}"\n  database: ""\n  pidfile: "{self.folder}/nsd.pid"\n'
            f'  xfrdfile: "{self.folder}/xfrd.state"\n  zonelistfile: "{self.folder}/zone.list"\n  xfrdir: "{self.folder}"\n  logfile: "{self.folder}/nsd.log"\n'
            f'  server-count: 1\n  cookie-secret-file: "{self.folder}/cookie"\nremote-control:\n  control-enable: no\n'
            f'zone:\n  name: "{self.zone}"\n  zonefile: "signed"\n')
        self.process = subprocess.Popen(["/usr/sbin/nsd", "-d", "-c", str(self.folder / "nsd.conf")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                time.sleep(0.05)
        self.__exit__()
        raise AssertionError("nsd doesn't come up: " + (self.folder / "nsd.log").read_text())

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(60)


# ---------------------------------------------------------------- web


class WebServer:
    """A web server. files: path to text or bytes (200), to a (status, headers, body), or to a function(handler) that writes what it likes.
    requests: (method, path, Host, User-Agent). tls: a certificate made here, for nobody's name."""

    def __init__(self, address, port=0, tls=False, files=None):
        outer = self
        self.files, self.requests = files if files is not None else {}, []
        self.accepted = 0

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 30

            def do_GET(self):
                outer.requests.append((self.command, self.path, self.headers.get("Host"), self.headers.get("User-Agent")))
                found = outer.files.get(self.path)
                if callable(found):
                    self.close_connection = True
                    try:
                        found(self)
                    except OSError:
                        pass
                    return
                status, headers, body = (404, {}, b"no such file\n") if found is None else found if isinstance(found, tuple) else (200, {}, found)
                body = body.encode() if isinstance(body, str) else body
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = daemon_threads = True
            address_family = socket.AF_INET6 if ":" in address else socket.AF_INET

            def get_request(self):
                outer.accepted += 1
                return super().get_request()

            def handle_error(self, *_):
                pass

        self.server = Server((address, port), Handler, bind_and_activate=False)
        if self.server.address_family == socket.AF_INET6:
            self.server.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        self.server.server_bind()
        self.server.server_activate()
        self.address, self.port = address, self.server.server_address[1]
        if tls:
            self.server.socket = tls_context(*alpn_certificate("nobody.example", b"")).wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def redirect(location, status=302):
    return (status, {"Location": location}, b"")


def endless(handler):
    """A gigabyte of body, as fast as it is taken; stops when the other side has gone."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(1 << 30))
    handler.end_headers()
    handler.server.sent = 0
    for _ in range(1 << 14):
        handler.wfile.write(b"a" * 65536)
        handler.server.sent += 65536


def slow(text, pause=0.3):
    """A body of which an octet comes now and then."""
    def write(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        for octet in text.encode():
            handler.wfile.write(bytes([octet]))
            handler.wfile.flush()
            time.sleep(pause)
    return write


# ---------------------------------------------------------------- tls-alpn-01


ACME_IDENTIFIER, ACME_IDENTIFIER_DRAFT = "1.3.6.1.5.5.7.1.31", "1.3.6.1.5.5.7.1.30.1"


def alpn_certificate(name, value, oid=ACME_IDENTIFIER, critical=True, names=None, raw=None, signer=None):
    """A responder's certificate: PEM of it and of its key. value: 32 octets of digest; raw: the extension's octets instead. names: general names."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "responder")])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number(), now, now + datetime.timedelta(days=7))
    builder = builder.add_extension(x509.SubjectAlternativeName(names or [x509.DNSName(name)]), False)
    if value or raw:
        builder = builder.add_extension(x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), raw or b"\x04" + bytes([len(value)]) + value), critical)
    cert = builder.sign(signer or key, hashes.SHA256())
    return cert.public_bytes(serialization.Encoding.PEM), key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                                                             serialization.NoEncryption())


def tls_context(cert, key, protocols=(), version=None):
    """A server's context; version: the one that it speaks, however old."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:
        file.write(cert + key)
        file.flush()
        context.load_cert_chain(file.name)
    if version:
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = version
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


class AlpnServer:
    """A responder: shows a certificate to whoever speaks TLS with it. certificates: by server name, or one for all. seen: (server name, protocol)."""

    def __init__(self, address, port, certificate, protocols=("acme-tls/1",), version=None, certificates=None, chain=b""):
        self.address, self.port, self.seen, self.ends = address, port, [], False
        contexts = {name: tls_context(pair[0] + chain, pair[1], protocols, version) for name, pair in (certificates or {}).items()}
        self.context = tls_context(certificate[0] + chain, certificate[1], protocols, version)

        def choose(sock, name, _context):
            self.seen.append(name)
            if name in contexts:
                sock.context = contexts[name]
        self.context.sni_callback = choose
        self.listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((address, port))
        self.listener.listen(16)
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def _serve(self):
        while not self.ends:
            if select.select([self.listener], [], [], 0.1)[0]:
                threading.Thread(target=self._one, args=(self.listener.accept()[0],), daemon=True).start()

    def _one(self, peer):
        peer.settimeout(10)
        try:
            with self.context.wrap_socket(peer, server_side=True) as tls:
                tls.recv(1)
        except (OSError, ValueError):
            peer.close()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ends = True
        self.thread.join(2)
        self.listener.close()


# ---------------------------------------------------------------- siegel-acme's side


TASK = {"kind": 1, "identifier": 2, "token": 3, "thumbprint": 4, "account_url": 5, "networks": 6, "wildcard": 7, "caa_identities": 8, "method": 9,
        "deadline_ms": 10, "request_id": 11, "check_caa": 12}
KINDS = {"http-01": 0, "dns-01": 1, "dns-account-01": 2, "tls-alpn-01": 3, "caa": 4}


def varint(n):
    made = b""
    while n > 0x7f:
        made += bytes([n & 0x7f | 0x80])
        n >>= 7
    return made + bytes([n])


def encode_task(**members):
    made = b""
    for name, value in members.items():
        number = TASK[name]
        if isinstance(value, (bool, int)):
            made += varint(number << 3) + varint(int(value))
            continue
        for one in value if isinstance(value, (list, tuple)) else [value]:
            one = one.encode() if isinstance(one, str) else one
            made += varint(number << 3 | 2) + varint(len(one)) + one
    return made


class Finding:
    """good, problem, detail, steps, address, temporary, of the octets of a Finding."""

    def __init__(self, data):
        self.good = self.temporary = False
        self.problem = self.detail = self.address = ""
        self.steps = []
        at = 0

        def number():
            nonlocal at
            n = shift = 0
            while True:
                octet = data[at]
                at += 1
                n |= (octet & 0x7f) << shift
                shift += 7
                if octet < 0x80:
                    return n
        while at < len(data):
            key = number()
            length = number()
            if key & 7 == 0:
                value = length
            else:
                value = data[at:at + length].decode()
                at += length
            field = {1: "good", 2: "problem", 3: "detail", 4: "steps", 5: "address", 6: "temporary"}[key >> 3]
            if field == "steps":
                self.steps.append(value)
            else:
                setattr(self, field, bool(value) if field in ("good", "temporary") else value)

    def __repr__(self):
        return f"<{'good' if self.good else self.problem}{' (temporary)' if self.temporary else ''}: {self.detail} {self.steps}>"


class Probe:
    """siegel-acme-probe with a configuration of its own, and the socket that siegel-acme would listen on: run(kind, identifier, …) gives the Finding.
    options: of [acme_probe]. The token, thumbprint and key authorization are the same for all tasks that name none."""

    token = "tTtokenTOKEN0123456789-_tokenTOKEN"
    thumbprint = b64url(hashlib.sha256(b"account").digest())
    account = "https://ca.example/acme/default/acct/7"

    def __init__(self, binary, folder, options=None, threads=2, environment=None):
        self.binary, self.folder, self.options = binary, Path(folder), dict(options or {})
        self.user, self.threads, self.environment = pwd.getpwuid(os.geteuid()).pw_name, threads, environment
        self.idle, self.process, self.log = [], None, self.folder / "log"

    @property
    def key_authorization(self):
        return f"{self.token}.{self.thumbprint}"

    def config(self):
        text = f"[sockets]\ndir = {self.folder}\n[peers]\nacme = {self.user}\n[acme_probe]\nthreads = {self.threads}\n"
        for name, value in self.options.items():
            text += f"{name} = {value}\n"
        path = self.folder / "siegel.conf"
        path.write_text(text)
        return path

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        self.listener = socket.socket(socket.AF_UNIX)
        path = self.folder / "acme-probe.sock"
        path.unlink(missing_ok=True)
        self.listener.bind(str(path))
        self.listener.listen(64)
        self.listener.settimeout(10)
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([self.binary, "--config", str(self.config())], stdout=log, stderr=log,
                                            env={**os.environ, **(self.environment or {})})
        self.take_up()
        return self

    def take_up(self):
        """Waits until all threads of the probe are connected."""
        while len(self.idle) < self.threads:
            try:
                self.idle.append(self.listener.accept()[0])
            except TimeoutError:
                raise AssertionError("the probe doesn't connect: " + self.log.read_text()) from None

    def start(self, kind, identifier, **members):
        """Sends a task; gives the connection."""
        task = {"kind": KINDS[kind], "identifier": identifier if ":" in identifier else "dns:" + identifier, "token": self.token,
                "thumbprint": self.thumbprint, "account_url": self.account, "deadline_ms": 10000, "request_id": "test", **members}
        if not members.get("token") and kind == "caa":
            del task["token"], task["thumbprint"]
        data = encode_task(**task)
        peer = self.idle.pop()
        peer.settimeout(task["deadline_ms"] / 1000 + 3)
        peer.sendall(struct.pack(">I", len(data)) + data)
        return peer

    def finish(self, peer):
        data = read_exactly(peer, struct.unpack(">I", read_exactly(peer, 4))[0])
        self.idle.append(peer)
        found = Finding(data)
        assert len(found.steps) <= 64 and all(len(s) <= 512 and s.isprintable() and s.isascii() for s in found.steps), found
        assert found.good or (found.problem and found.detail), found
        return found

    def run(self, kind, identifier, **members):
        return self.finish(self.start(kind, identifier, **members))

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.status = self.process.wait(60)
        finally:
            self.process.kill()
            for one in self.idle:
                one.close()
            self.listener.close()
