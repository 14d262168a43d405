#!/usr/bin/env python3
"""OCSP: live answers by POST against a static answer through the same stack, and cached answers by GET against a file of nginx.

    tests/unit/with-postgres tests/bench/bench_ocsp.py BUILD-FOLDER [--seconds 5] [--connections 64] [--certificates 100000]

Needs wrk and nginx. Everything runs in a folder of its own on Unix sockets and one loopback port, and is ended by its process id.
"""

import argparse
import base64
import hashlib
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509 import ocsp

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "data"))
import der  # noqa: E402

POST_LUA = """
local requests, i = {}, 0
init = function(args)
  for line in io.lines("%s") do
    local body = line:gsub("..", function(h) return string.char(tonumber(h, 16)) end)
    requests[#requests + 1] = wrk.format("POST", nil, {["Content-Type"] = "application/ocsp-request"}, body)
  end
end
request = function() i = i %% #requests + 1; return requests[i] end
"""
NGINX = """
daemon off; master_process on; worker_processes 2; pid {dir}/nginx.pid; error_log {dir}/nginx.log warn; {user}
events {{ worker_connections 1024; }}
http {{
  access_log off; default_type application/octet-stream; merge_slashes off;
  client_body_temp_path {dir}/tmp/body; proxy_temp_path {dir}/tmp/proxy; fastcgi_temp_path {dir}/tmp/a; uwsgi_temp_path {dir}/tmp/b;
  scgi_temp_path {dir}/tmp/c; keepalive_requests 1000000; client_body_buffer_size 32k;
  proxy_cache_path {dir}/cache keys_zone=ocsp:10m; proxy_http_version 1.1; proxy_set_header Connection "";
  upstream va {{ server unix:{dir}/va.sock; keepalive 64; keepalive_requests 1000000; }}
  upstream fixed {{ server unix:{dir}/fixed.sock; keepalive 64; keepalive_requests 1000000; }}
  server {{
    listen 127.0.0.1:{port};
    location = /ocsp {{ proxy_pass http://va; }}
    location /ocsp/ {{ proxy_pass http://va; proxy_cache ocsp; proxy_cache_key $request_uri; add_header X-Cache-Status $upstream_cache_status;
      open_file_cache max=1024 inactive=60s; open_file_cache_valid 60s; }}
    location /fixed {{ proxy_pass http://fixed; }}
    location /file {{ alias {dir}/answer.der; }}
  }}
}}
"""


def cpu_usec(names):
    """Processor time so far of our own processes of each name, and of the database connections of siegel-va."""
    ours, spent = descendants(os.getpid()), dict.fromkeys(names, 0)
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        name = "postgres" if "siegel_va siegel" in line and line.startswith("postgres") else None
        if int(entry.name) in ours:
            name = next((n for n in names if n in line.split(" ")[0]), None)
        if name in spent:
            spent[name] += (int(fields[11]) + int(fields[12])) * 1000000 // os.sysconf("SC_CLK_TCK")
    return spent


def descendants(pid):
    found = {pid}
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        found |= descendants(int(child))
    return found


class Figure:
    """What wrk says of one run."""

    def __init__(self, text, cost):
        self.rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1))
        self.p50, self.p99 = (re.search(rf"\s{p}%\s+([\d.]+\w+)", text).group(1) for p in (50, 99))
        errors = re.search(r"Non-2xx.*|Socket errors.*", text)
        self.errors = errors.group(0) if errors else ""
        requests = int(re.search(r"(\d+) requests in", text).group(1))
        self.cost = ", ".join(f"{name} {usec / requests:.1f}" for name, usec in cost.items() if usec / requests >= 0.1)


PROCESSES = ("nginx", "siegel-va", "static_answer", "postgres")


def wrk(args, url, script=None, connections=None):
    command = ["wrk", "-t2", f"-c{connections or args.connections}", f"-d{args.seconds}s", "--latency"]
    if script:
        command += ["-s", str(script)]
    before = cpu_usec(PROCESSES)
    text = subprocess.run([*command, url], capture_output=True, text=True, check=True, timeout=args.seconds + 30).stdout
    after = cpu_usec(PROCESSES)
    return Figure(text, {name: after[name] - before[name] for name in PROCESSES})


def request(ca, serial):
    """The DER of a request for a serial, as clients send it: SHA-1, no nonce."""
    key = ca.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    certid = der.seq(der.seq(der.oid("1.3.14.3.2.26"), der.NULL), der.octets(hashlib.sha1(ca.subject.public_bytes()).digest()),
                     der.octets(hashlib.sha1(key).digest()), der.integer(serial))
    return der.seq(der.seq(der.seq(der.seq(certid))))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port):
    for _ in range(100):
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit("nginx doesn't answer")


def peak_kib(pid):
    return int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text()).group(1))


def start(folder, build, port):
    """Starts responder, static answer and edge; gives the processes, the responder first."""
    (folder / "tmp").mkdir()
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(NGINX.format(dir=folder, port=port, user=user))
    commands = [[build / "siegel-va", "--config", folder / "siegel.conf"],
                [build / "tests/bench/static_answer", folder / "fixed.sock", folder / "answer.der", "200", "application/ocsp-response", "2"],
                ["nginx", "-p", folder, "-c", folder / "nginx.conf"]]
    with open(folder / "log", "wb") as log:
        return [subprocess.Popen([str(c) for c in command], stdout=log, stderr=log) for command in commands]


def first_answer(sock, body):
    """One answer straight from the responder, once it has its signer."""
    head = f"POST /ocsp HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/ocsp-request\r\nContent-Length: {len(body)}\r\n\r\n"
    for _ in range(100):
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(str(sock))
                s.sendall(head.encode() + body)
                answer = b"".join(iter(lambda: s.recv(65536), b"")).partition(b"\r\n\r\n")[2]
        except OSError:
            answer = b""
        if answer and ocsp.load_der_ocsp_response(answer).response_status == ocsp.OCSPResponseStatus.SUCCESSFUL:
            return answer
        time.sleep(0.05)
    sys.exit("siegel-va gives no answer")


def measure(args, folder, port, bodies):
    (folder / "bodies.txt").write_text("".join(b.hex() + "\n" for b in bodies))
    (folder / "post.lua").write_text(POST_LUA % (folder / "bodies.txt"))
    base, lua = f"http://127.0.0.1:{port}", folder / "post.lua"
    get = base + "/ocsp/" + urllib.parse.quote(base64.b64encode(bodies[0]).decode(), safe="")
    rows = []
    for label, url, script, against in (("static answer, POST", base + "/fixed", lua, None), ("OCSP, POST, live", base + "/ocsp", lua, 0),
                                        ("file of nginx, GET", base + "/file", None, None), ("OCSP, GET, cached", get, None, 2)):
        figure = wrk(args, url, script)
        rows.append((label, figure, figure.rate / rows[against][1].rate if against is not None else None))
    return rows


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=Path)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--certificates", type=int, default=100000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as tmp:
        folder, port = Path(tmp), free_port()
        folder.chmod(0o755)
        subprocess.run([sys.executable, HERE / "ocsp_house.py", folder, str(args.certificates)], check=True)
        ca = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
        serials = (folder / "serials.txt").read_text().split()
        bodies = [request(ca, int(s, 16)) for s in serials[:5000]]
        (folder / "answer.der").write_bytes(b"")
        processes = start(folder, args.build.resolve(), port)
        try:
            (folder / "answer.der").write_bytes(first_answer(folder / "va.sock", bodies[0]))
            processes[1].terminate()  # it read the empty file
            processes[1].wait()
            processes[1] = subprocess.Popen([str(args.build.resolve() / "tests/bench/static_answer"), str(folder / "fixed.sock"),
                                             str(folder / "answer.der"), "200", "application/ocsp-response", "2"])
            wait_for(port)
            rows = measure(args, folder, port, bodies)
            memory = peak_kib(processes[0].pid)
        finally:
            for process in processes:
                process.terminate()
                process.wait()
    print(f"{args.connections} connections, {args.seconds} s each, {os.cpu_count()} processors, {args.certificates} certificates in the store")
    print(f"{'':22}{'requests/s':>12}{'p50':>10}{'p99':>10}{'ratio':>8}  processor time a request, µs")
    for label, figure, ratio in rows:
        print(f"{label:22}{figure.rate:12.0f}{figure.p50:>10}{figure.p99:>10}{'' if ratio is None else f'{ratio:.2f}':>8}  {figure.cost} {figure.errors}")
    print(f"peak memory of siegel-va: {memory / 1024:.1f} MiB")
    wanted = ((1, 0.4), (3, 0.8))
    return 0 if all(rows[i][2] >= least for i, least in wanted) else 1


if __name__ == "__main__":
    sys.exit(main())
