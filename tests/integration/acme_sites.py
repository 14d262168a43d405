"""Where packaged clients of ACME prove their names: addresses of loopback that the instance's probe may reach, one for each client at a time, with a name server,
a web server and a responder of tls-alpn-01 that hooks of the clients work by a small server of ours (control).

    GET /txt?name=&value=                         a TXT record more
    GET /forget?name=                             none of that name
    GET /responder?address=&certificate=&key=     a responder of tls-alpn-01 at that address: PEM, or files of it
    GET /proof?address=&name=&digest=             the same, for a digest in base64url
    GET /silent?address=                          none
"""

import base64
import contextlib
import http.server
import ipaddress
import os
import queue
import re
import shlex
import socketserver
import subprocess
import threading
import urllib.parse
import uuid
from pathlib import Path

from cryptography import x509

import names
import support

ZONE = "clients.example"


class Folder:
    """Files of a web server: what lies in a folder."""

    def __init__(self, path):
        self.path = Path(path)

    def get(self, path):
        found = self.path / path.lstrip("/")
        return found.read_bytes() if ".." not in path and found.is_file() else None


def settings(instance):
    """Ports and addresses of the instance's probe; None when it wasn't told any (./check does)."""
    probe = instance.config["acme_probe"] if "acme_probe" in instance.config else {}
    resolver = re.fullmatch(r"127\.0\.0\.1@(\d+)", probe.get("resolver", ""))
    ends = probe.get("own_endpoints", "").split()
    ports = int(probe.get("http_port", 80)), int(probe.get("https_port", 443))
    addresses = [e.rsplit(":", 1)[0] for e in ends if e.startswith("127.") and e.endswith(f":{ports[0]}")]
    return (int(resolver.group(1)), *ports, addresses) if resolver and addresses else None


class Network:
    """All of them; what isn't in use is in the queue."""

    def __init__(self, instance):
        self.instance = instance
        port, self.http_port, self.https_port, addresses = settings(instance)
        self.names, self.free, self.responders = names.NameServer(port), queue.Queue(), {}
        self.resolver = f"127.0.0.1:{port}"
        for one in addresses:
            self.free.put(one)
        self.lock = threading.Lock()

    def __enter__(self):
        network = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # pylint: disable=invalid-name
                parts = urllib.parse.urlsplit(self.path)
                try:
                    getattr(network, "do_" + parts.path.lstrip("/"))(**dict(urllib.parse.parse_qsl(parts.query)))
                    self.send_response(204)
                except Exception as error:  # pylint: disable=broad-except
                    self.send_response(500, repr(error))
                self.end_headers()

            def log_message(self, *_):
                pass

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = allow_reuse_address = True

        self.names.__enter__()
        self.names.add(ZONE, "SOA", f"ns.{ZONE}. root.{ZONE}. 1 3600 600 86400 1")
        self.names.add(ZONE, "NS", f"ns.{ZONE}.")
        self.server = Server(("127.0.0.1", 0), Handler)
        self.control = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_):
        for address in list(self.responders):
            self.do_silent(address)
        self.server.shutdown()
        self.server.server_close()
        self.names.__exit__()

    def do_txt(self, name, value):
        self.names.txt(name, value)

    def do_forget(self, name):
        self.names.remove(name.rstrip("."), "TXT")

    def do_responder(self, address, certificate, key):
        pair = [(one if one.startswith("-----") else Path(one).read_text()).encode() + b"\n" for one in (certificate, key)]
        self.do_silent(address)
        self.responders[address] = names.AlpnServer(address, self.https_port, pair).__enter__()

    def do_proof(self, address, name, digest):
        general = [x509.IPAddress(ipaddress.ip_address(name))] if re.fullmatch(r"[\d.]+|.*:.*", name) else None
        certificate, key = names.alpn_certificate(name, base64.urlsafe_b64decode(digest + "=" * (-len(digest) % 4)), names=general)
        self.do_responder(address, certificate.decode(), key.decode())

    def do_silent(self, address):
        with self.lock:
            responder = self.responders.pop(address, None)
        if responder:
            responder.__exit__()

    @contextlib.contextmanager
    def site(self, url, folder):
        """An address for a client; url: the directory that it enrols at."""
        address = self.free.get(timeout=120)
        try:
            yield Site(self, url, address, Path(folder))
        finally:
            self.do_silent(address)
            self.free.put(address)


class Site:
    """A client's place: a folder, an address, names."""

    def __init__(self, network, url, address, folder):
        self.network, self.url, self.address, self.folder = network, url, address, folder
        self.instance, self.control = network.instance, network.control
        self.http_port, self.https_port = network.http_port, network.https_port
        self.webroot = folder / "www"
        self.challenges = self.webroot / ".well-known" / "acme-challenge"
        self.challenges.mkdir(parents=True)

    def name(self, prefix="host", address=None):
        """A name nobody had, that leads here."""
        made = f"{prefix}-{uuid.uuid4().hex[:10]}.{ZONE}"
        self.network.names.add(made, "A", address or self.address)
        return made

    @contextlib.contextmanager
    def web(self):
        """The folder is served on the port of http-01."""
        with names.WebServer(self.address, self.http_port) as server:
            server.files = Folder(self.webroot)
            yield server

    def tell(self, what, **query):
        answer = support.http_get(f"{self.control}/{what}?{urllib.parse.urlencode(query)}")
        assert answer.status == 204, answer

    def hook(self, text, name="hook.sh"):
        """A script; tell WHAT NAME=VALUE… asks the control."""
        path = self.folder / name
        path.write_text("#!/bin/bash\nset -eu\n"
                        'tell() { local what=$1 one; shift; local ask=(); for one; do ask+=(--data-urlencode "$one"); done\n'
                        f'\tcurl -fsS -G "${{ask[@]}}" "{self.control}/$what"; }}\naddress={self.address}\nchallenges={shlex.quote(str(self.challenges))}\n' + text)
        path.chmod(0o755)
        return path

    trust = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "LEGO_CA_CERTIFICATES", "NODE_EXTRA_CA_CERTS", "CURL_CA_BUNDLE")

    @property
    def environment(self):
        return {**os.environ, **{name: str(self.instance.cacert) for name in self.trust}, "HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder / ".config"), "TMPDIR": str(self.folder)}

    def run(self, *command, status=0, timeout=90, env=None, **kw):
        done = subprocess.run([str(c) for c in command], capture_output=True, text=True, cwd=self.folder, timeout=timeout,
                              env={**self.environment, **(env or {})}, stdin=subprocess.DEVNULL, check=False, **kw)
        good = done.returncode == status if status is not None else done.returncode != 0
        assert good, f"{shlex.join(map(str, command))}: {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done
