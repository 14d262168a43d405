"""siegelctl as a client of REST, against a server of the test's own that answers what it is told to, hostile things included."""

import base64
import datetime
import http.server
import json
import os
import socketserver
import ssl
import stat
import subprocess
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import store

MEDIA_TYPE = "application/vnd.api+json"
KEY = "-----BEGIN PRIVATE KEY-----\nMAo=\n-----END PRIVATE KEY-----\n"
CERT = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"


class Handler(http.server.BaseHTTPRequestHandler):
    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen.append((self.command, self.path, dict(self.headers), body))
        status, doc, headers = self.server.answers.pop(0) if self.server.answers else (500, {}, {})
        raw = doc if isinstance(doc, bytes) else json.dumps(doc).encode()
        self.send_response(status)
        for name, value in {"Content-Type": MEDIA_TYPE, "Content-Length": str(len(raw)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(raw)
        except OSError:
            pass

    do_GET = do_POST = handle_any

    def log_message(self, *_):
        pass

    def address_string(self):
        return "-"


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class Server:
    """Serves on the socket api.sock of a siegel.conf; answers in the order in which they are given."""

    def __init__(self, folder):
        self.folder = folder
        self.conf = folder / "siegel.conf"
        self.conf.write_text(f"[sockets]\ndir = {folder}\n")
        self.httpd = UnixServer(str(folder / "api.sock"), Handler)
        self.httpd.seen, self.httpd.answers = [], []
        self.seen = self.httpd.seen
        threading.Thread(target=self.httpd.serve_forever, daemon=True).start()

    def answer(self, doc, status=200, **headers):
        self.httpd.answers.append((status, doc, headers))

    def run(self, *arguments, check=None, input="", token="secret-token", env=None):
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder / "home"), **(env or {})}
        if token:
            environment["SIEGEL_TOKEN"] = token
        done = subprocess.run([store.siegelctl_path(), "--config", str(self.conf), *map(str, arguments)], capture_output=True,
                              text=True, input=input, timeout=60, env=environment)
        if check is not None:
            assert done.returncode == check, (done.returncode, done.stdout, done.stderr)
        return done

    def close(self):
        self.httpd.shutdown()
        self.httpd.server_close()


@pytest.fixture
def server(tmp_path_factory):
    one = Server(tmp_path_factory.mktemp("s"))
    yield one
    one.close()


def resource(number=1, kind="cert_server", **attributes):
    return {"type": kind, "id": str(number), "attributes": attributes}


def page(first, n, next_link=None):
    return {"data": [resource(i, subject=f"CN=h{i}") for i in range(first, first + n)], "links": {"next": next_link}}


def ids(done):
    return [r["id"] for r in json.loads(done.stdout)["data"]]


def test_pages_are_followed_by_path_alone(server):
    server.answer(page(1, 2, "https://elsewhere.example/api/v2.0/certificates?page%5Bafter%5D=x"))
    server.answer(page(3, 2, {"href": "/api/v2.0/certificates?page%5Bafter%5D=y"}))
    server.answer(page(5, 1))
    done = server.run("cert", "list", "--json", check=0)
    assert ids(done) == ["1", "2", "3", "4", "5"]
    assert [s[1] for s in server.seen] == ["/api/v2.0/certificates?page%5Bsize%5D=500", "/api/v2.0/certificates?page%5Bafter%5D=x",
                                           "/api/v2.0/certificates?page%5Bafter%5D=y"]
    assert {s[2]["Authorization"] for s in server.seen} == {"Bearer secret-token"}
    assert {s[2]["Accept"] for s in server.seen} == {MEDIA_TYPE}


def test_limit(server):
    server.answer(page(1, 3, "/api/v2.0/certificates?page%5Bafter%5D=x"))
    assert ids(server.run("cert", "list", "--json", "--limit", "2", check=0)) == ["1", "2"]
    assert len(server.seen) == 1 and "page%5Bsize%5D=2" in server.seen[0][1]


def test_filters_are_encoded(server):
    server.answer(page(1, 0))
    server.run("cert", "list", "--filter", "subject=CN=a&b c", "--filter", "not_after[lt]=2030-01-01", "--sort", "-not_after", check=0)
    assert server.seen[0][1] == ("/api/v2.0/certificates?page%5Bsize%5D=500&sort=-not_after&filter%5Bsubject%5D=CN%3Da%26b%20c"
                                 "&filter%5Bnot_after%5D%5Blt%5D=2030-01-01")
    for wrong in ("subject", "=x", "[lt]=x"):
        server.run("cert", "list", "--filter", wrong, check=2)


def test_redirects_are_not_followed(server):
    server.answer({}, status=302, Location="http://127.0.0.1:1/api/v2.0/certificates")
    done = server.run("cert", "list", check=1)
    assert "HTTP status 302" in done.stderr and len(server.seen) == 1


@pytest.mark.parametrize("answer, status, says", [
    (b"<html>502</html>", 502, "HTTP status 502"),
    (b"", 200, "isn't a JSON document"),
    (b"nonsense", 200, "isn't a JSON document"),
    (b'{"data":[],"data":[]}', 200, "isn't a JSON document"),
    ({"errors": []}, 400, "HTTP status 400"),
    ({"errors": "x"}, 400, "HTTP status 400"),
    ({"errors": [{"code": "bad_csr", "detail": "the key is weak", "source": {"pointer": "/data/attributes/csr"}}]}, 422,
     "The certificate signing request isn't acceptable: the key is weak (/data/attributes/csr)"),
    ({"errors": [{"code": "other", "title": "Odd"}]}, 409, "This contradicts what is stored: Odd"),
    ({"errors": [{"code": "malformed", "detail": "\x1b[2J\nx", "source": {"parameter": "\x1b]0;"}}]}, 400, "?[2J?x (?]0;)"),
    (b"{" + b" " * (33 << 20) + b"}", 200, "the answer has more than"),
    (b"[" * 100000, 200, "isn't a JSON document"),
])
def test_answers_that_are_not_as_they_should_be(server, answer, status, says):
    server.answer(answer, status)
    done = server.run("cert", "list", check=1)
    assert says in done.stderr and "\x1b" not in done.stderr


@pytest.mark.parametrize("doc", [{}, {"data": None}, {"data": {}}, {"data": [1, None, "x", []]}, {"data": [{"attributes": 5}]}, [], 7,
                                 {"data": [{"id": 5, "type": [], "attributes": {"subject": {"a": 1}, "serial": [[["x"]], None]}}]}])
def test_documents_of_another_form(server, doc):
    for command in (("cert", "list"), ("cert", "show", "1"), ("ca", "show", "name"), ("cert", "revoke", "1", "--reason", "superseded")):
        server.answer(doc)
        assert server.run(*command).returncode in (0, 1)


def test_names_cannot_reach_the_terminal(server):
    server.answer({"data": [resource(1, subject="CN=\x1b[2J\u202egpj\n\t")]})
    server.answer({"data": resource(1, subject="CN=\x1b[2J", note="\x1b\nx", **{"\x1b]": "y"})})
    for done in (server.run("cert", "list", check=0), server.run("cert", "show", "1", check=0)):
        assert "CN=\\x1b[2J" in done.stdout
        assert "\x1b" not in done.stdout and "\u202e" not in done.stdout


# ---------------------------------------------------------------- issue


def issued(**more):
    return {"data": resource(7, serial="0a0b", pem=CERT, chain_pem=CERT + CERT, **more)}


def test_issue_with_a_key_made_there(server, tmp_path):
    server.answer(issued(private_key_pem=KEY), 201)
    key, cert, chain = tmp_path / "k", tmp_path / "c", tmp_path / "ch"
    done = server.run("cert", "issue", "--type", "server", "--cn", "ä", "--dns", "a", "--dns", "b", "--ip", "::1", "--days", "30", "--profile",
                      "p", "--key-out", key, "--out", cert, "--chain-out", chain, "--idempotency-key", "k-1", check=0)
    method, path, headers, body = server.seen[0]
    assert (method, path) == ("POST", "/api/v2.0/cert_server")
    assert headers["Content-Type"] == MEDIA_TYPE and headers["Idempotency-Key"] == "k-1"
    assert json.loads(body) == {"data": {"type": "cert_server", "attributes": {"cn": "ä", "dns": ["a", "b"], "ip": ["::1"], "cert_days": 30,
                                                                               "profile": "p"}}}
    assert (key.read_text(), cert.read_text(), chain.read_text()) == (KEY, CERT, CERT + CERT)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600 and stat.S_IMODE(cert.stat().st_mode) == 0o644
    assert "PRIVATE KEY" not in done.stdout + done.stderr and "serial" in done.stdout


def test_issue_never_prints_a_key_that_has_its_file(server, tmp_path):
    server.answer(issued(private_key_pem=KEY), 201)
    done = server.run("cert", "issue", "--type", "client", "--cn", "a", "--key-out", tmp_path / "k", "--json", check=0)
    assert json.loads(done.stdout)["data"]["attributes"]["pem"] == CERT
    assert "PRIVATE KEY" not in done.stdout


def test_issue_keeps_a_key_that_is_there(server, tmp_path):
    (tmp_path / "k").write_text("mine")
    done = server.run("cert", "issue", "--type", "server", "--cn", "a", "--key-out", tmp_path / "k", check=1)
    assert "there already" in done.stderr and server.seen == [] and (tmp_path / "k").read_text() == "mine"


def test_issue_asks_only_when_the_answer_can_be_kept(server, tmp_path):
    for option in ("--out", "--chain-out", "--key-out"):
        for place in (tmp_path / "none" / "x", tmp_path):
            more = () if option == "--key-out" else ("--key-out", tmp_path / "k")
            server.run("cert", "issue", "--type", "server", "--cn", "a", *more, option, place, check=1)
    assert server.seen == [] and not (tmp_path / "k").exists()


def test_issue_from_a_request_on_standard_input(server):
    server.answer(issued(), 201)
    done = server.run("cert", "issue", "--type", "device", "--csr", "-", "--out", "-", input="the csr\n", check=0)
    assert json.loads(server.seen[0][3])["data"] == {"type": "cert_device", "attributes": {"csr": "the csr\n"}}
    assert done.stdout == CERT


def test_issue_refuses_before_it_asks(server, tmp_path):
    big = tmp_path / "big"
    big.write_bytes(b"x" * (129 << 10))
    binary = tmp_path / "bin"
    binary.write_bytes(b"\0")
    for wrong in (big, binary, tmp_path / "none", tmp_path):
        server.run("cert", "issue", "--type", "server", "--csr", wrong, check=1)
    server.run("cert", "issue", "--type", "server", "--cn", b"\xff".decode("utf-8", "surrogateescape"), "--csr", "-", check=1, input="x")
    server.run("cert", "issue", "--type", "server", "--csr", "-", "--idempotency-key", "a\r\nX: y", check=1, input="x")
    assert server.seen == []


def test_revoke_by_serial(server):
    server.answer({"data": [resource(9)]})
    server.answer({"data": resource(9, status="revoked", revoked_at="2026-01-01T00:00:00Z", revocation_reason="keyCompromise")})
    server.run("cert", "revoke", "0A:0B:0C:0D:0E:0F:10:11:12", "--reason", "keyCompromise", check=0)
    assert server.seen[0][1] == "/api/v2.0/certificates?filter%5Bserial%5D=0a0b0c0d0e0f101112"
    assert server.seen[1][:2] == ("POST", "/api/v2.0/certificates/9/revoke")
    assert json.loads(server.seen[1][3]) == {"data": {"type": "revocation", "attributes": {"reason": "keyCompromise"}}}
    for wrong in ("foobar", "0x12", "12/../../tokens", "-"):
        assert "neither an id nor a serial" in server.run("cert", "revoke", wrong, "--reason", "superseded", check=1).stderr
    assert len(server.seen) == 2


# ---------------------------------------------------------------- signing in


def test_login(server):
    server.answer({"data": resource(1, "tokens", token="t0ken")}, 201)
    done = server.run("login", "--name", "admin", input="the code\n", token=None, check=0)
    assert done.stdout == "t0ken\n"
    method, path, headers, body = server.seen[0]
    assert (method, path, body) == ("POST", "/api/v2.0/tokens", b"")
    assert headers["Authorization"] == "Basic " + base64.b64encode(b"admin:the code").decode()


def test_login_save_and_use(server):
    server.answer({"data": resource(1, "tokens", token="t0ken")}, 201)
    done = server.run("login", "--name", "admin", "--save", input="code", token=None, check=0)
    kept = server.folder / "home/.config/siegel/token"
    assert done.stdout == "" and "t0ken" not in done.stderr
    assert kept.read_text() == "t0ken\n" and stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    server.answer(page(1, 0))
    server.run("ca", "list", token=None, check=0)
    assert server.seen[1][2]["Authorization"] == "Bearer t0ken"
    kept.chmod(0o644)
    assert "may be read by others" in server.run("ca", "list", token=None, check=1).stderr
    other = server.folder / "other"
    other.write_text("0ther")
    other.chmod(0o600)
    server.answer(page(1, 0))
    server.run("ca", "list", "--token-file", other, check=0)
    assert server.seen[2][2]["Authorization"] == "Bearer 0ther", "the option goes before the variable"


@pytest.mark.parametrize("code", ["", "\n"])
def test_login_without_a_code(server, code):
    assert "no code" in server.run("login", "--name", "admin", input=code, token=None, check=1).stderr
    assert server.seen == []


def test_broken_tokens_are_not_sent(server):
    for token in ("x" * 129, "a\r\nX: y"):
        server.run("ca", "list", token=token, check=1)
    assert server.seen == []


def test_nobody_listens(server):
    server.close()
    (server.folder / "api.sock").unlink()
    assert "api.sock: No such file or directory" in server.run("ca", "list", check=1).stderr


# ---------------------------------------------------------------- by address


@pytest.fixture
def tls(tmp_path):
    """An HTTPS server on loopback with its own certificate; gives (address, certificate file, seen)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.timezone.utc)
    cert = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
            .not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(hours=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
            .add_extension(x509.BasicConstraints(True, None), True).sign(key, hashes.SHA256()))
    pem = tmp_path / "cert.pem"
    pem.write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    both = tmp_path / "both.pem"
    both.write_bytes(pem.read_bytes() + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                                          serialization.NoEncryption()))
    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.seen, httpd.answers = [], [(200, page(1, 1), {})] * 4
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield httpd.server_address[1], pem, httpd.seen
    httpd.shutdown()
    httpd.server_close()


def test_address_by_option_and_variable(server, tls):
    port, pem, seen = tls
    server.run("ca", "list", "--url", f"https://localhost:{port}", "--cacert", pem, check=0)
    server.run("ca", "list", check=0, env={"SIEGEL_URL": f"https://localhost:{port}/api/v2.0/", "SIEGEL_CACERT": str(pem)})
    assert [s[1] for s in seen] == ["/api/v2.0/cas?page%5Bsize%5D=500"] * 2


def test_a_server_that_nobody_vouches_for(server, tls):
    port, pem, seen = tls
    server.run("ca", "list", "--url", f"https://localhost:{port}", check=1)
    done = server.run("ca", "list", "--url", f"https://127.0.0.1:{port}", "--cacert", pem, check=1)
    assert "127.0.0.1" in done.stderr
    assert seen == [], "the token was sent to a server of another name"
