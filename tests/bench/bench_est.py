"""EST: enrolling over kept connections beside REST, and over a new TLS connection with a client certificate for each beside nginx alone."""

import contextlib
import json
import os
import pathlib
import re
import socket
import subprocess
import time

EST = "/.well-known/est/simpleenroll"
ANSWER_BYTES = 1100  # of a certificate in base64

# The edge's own settings of TLS, and an answer that costs nothing.
NGINX = """
daemon off; worker_processes 2; pid {dir}/nginx.pid; error_log stderr warn;
events {{ worker_connections 1024; }}
http {{
	access_log off; keepalive_requests 100000;
	client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/a; uwsgi_temp_path {dir}/b; scgi_temp_path {dir}/c;
	{tls}
	server {{
		listen 127.0.0.1:{port} ssl backlog=2048;
		location / {{ return 200 '{body}'; }}
	}}
}}
"""


class Est:
    """A station with a password and with a client certificate, and what nginx can do without us."""

    def __init__(self, bench):
        self.bench, self.house = bench, bench.house
        self.folder = bench.run / "tools/est"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        self.name = f"bench-{os.getpid()}"
        self.make("accounts", name=self.name, role="requestor")
        self.password = self.make("credentials", account=self.name, kind="password")["secret"]
        self.cert, self.key = str(self.folder / "station.crt"), str(self.folder / "station.key")
        csr = subprocess.run(
            ["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.key, "-subj", f"/CN={self.name}"],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        pem = self.make("cert_device", csr=csr)["pem"]
        pathlib.Path(self.cert).write_text(pem)
        self.make("credentials", account=self.name, kind="certificate", certificate=pem)

    def make(self, resource, /, **attributes):
        status, answer = self.house.request("POST", f"/api/v2.0/{resource}", {"data": {"type": resource, "attributes": attributes}})
        if status != 201:
            raise RuntimeError(f"{resource}: {status} {answer}")
        return answer["data"]["attributes"]

    def kept(self, connections, name, seconds=None):
        """By password, over connections that are kept."""
        return self.bench.window(connections, name, seconds, EST, f"{self.name}:{self.password}", ["--est"])

    def fresh(self, connections, name, seconds=None):
        """By the certificate, each over a connection of its own."""
        return self.bench.window(connections, name, seconds, EST, "", ["--est", *self.shown()])

    def shown(self):
        return ["--fresh", "--cert", self.cert, "--key", self.key]

    def nginx_alone(self, connections, seconds):
        """The same connections and requests, ended by an nginx with the edge's TLS and nothing behind it."""
        with self.nginx() as port:
            done = subprocess.run(
                [str(self.bench.build / "tests/bench/load"), "--url", f"https://{self.host()}:{port}{EST}", "--cacert",
                 self.house.access["SIEGEL_CACERT"], "--connections", str(connections), "--seconds", str(seconds), "--requests", str(int(6000 * seconds)),
                 "--est", *self.shown()],
                capture_output=True, text=True, check=True, env={"SIEGEL_TOKEN": "", "PATH": os.environ["PATH"]},
            )  # fmt: skip
        return json.loads(done.stdout)

    def host(self):
        return re.match(r"https://([^:/]+)", self.house.url).group(1)

    @contextlib.contextmanager
    def nginx(self):
        edge = (self.bench.run / "nginx.conf").read_text()
        tls = "\n\t".join(re.findall(r"^\t(ssl_.*)$", edge, re.M))  # what holds for all of its servers, not what one of them has besides
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        folder = self.folder / "nginx"
        folder.mkdir(exist_ok=True)
        if os.getuid() == 0:
            os.chown(folder, self.bench.user.pw_uid, self.bench.user.pw_gid)
        conf = folder / "nginx.conf"
        conf.write_text(NGINX.format(dir=folder, tls=tls, port=port, body="M" * ANSWER_BYTES))
        with (folder / "log").open("w") as log:
            server = subprocess.Popen(
                ["nginx", "-e", "stderr", "-p", str(folder), "-c", str(conf)], stderr=log,
                user=self.bench.user.pw_uid if os.getuid() == 0 else None, group=self.bench.user.pw_gid if os.getuid() == 0 else None,
            )  # fmt: skip
        try:
            self.house.until(lambda: self.answers(port))
            time.sleep(0.3)
            yield port
        finally:
            server.terminate()
            server.wait()

    @staticmethod
    def answers(port):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0
