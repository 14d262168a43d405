"""The measurements; `run` starts the instance and prints what is found here. Every figure has its limit from the same run."""

import json
import os
import pathlib
import pwd
import shutil
import subprocess
import sys
import time

import proc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "crash"))
from house import House  # noqa: E402

PROCESSORS = os.cpu_count()
OUR_SERVICES = ["siegel-ca", "siegel-est", "siegel-scep", "siegel-acme-probe", "siegel-va", "siegel-api", "siegel-sched"]
ALL_SERVICES = [*OUR_SERVICES, "nginx", "postgresql"]
POOL_PER_SECOND = 9000  # more requests than any window can use
SETTLE_SEC = 0.5
MILLION = 1_000_000
CRL_REASONS = (0, 1, 3, 4, 5)


class Bench:
    def __init__(self, run, build, seconds):
        self.house = House(run, build)
        self.run, self.build, self.seconds = pathlib.Path(run), pathlib.Path(build), seconds
        self.user = pwd.getpwuid(self.house.owner()[0])

    # Helpers

    def families(self):
        return {service: self.house.family(service) for service in ALL_SERVICES}

    def as_user(self, command, **variables):
        """Runs a tool as the services' user, with their token; its JSON."""
        environment = {"PATH": os.environ["PATH"], "SOFTHSM2_CONF": str(self.run / "token/softhsm2.conf"), **variables}
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, env=environment, cwd=self.run,
            user=self.user.pw_uid if os.getuid() == 0 else None, group=self.user.pw_gid if os.getuid() == 0 else None,
        )  # fmt: skip
        return json.loads(done.stdout)

    def tool(self, name):
        """A program of the build, copied to where the services' user can run it."""
        copy = self.run / "tools" / name
        copy.parent.mkdir(exist_ok=True)
        if not copy.exists():
            shutil.copy(self.build / "tests/bench" / name, copy)
        copy.chmod(0o755)
        return str(copy)

    def window(self, connections, name, seconds=None, path="/api/v2.0/cert_device", token=None, more=()):
        """One window of load, with the CPU time of each service for a certificate and the size of the batches. more: options of the client."""
        seconds = seconds or self.seconds
        highest = self.house.sql("SELECT coalesce(max(id), 0) FROM certificate")[0][0]
        command = [
            str(self.build / "tests/bench/load"), "--url", self.house.url + path,
            "--cacert", self.house.access["SIEGEL_CACERT"], "--connections", str(connections), "--seconds", str(seconds),
            "--requests", str(int(POOL_PER_SECOND * seconds)), "--prefix", name, *more,
        ]  # fmt: skip
        families = self.families()
        before = {service: proc.cpu_us(pids) for service, pids in families.items()}
        token = self.house.access["SIEGEL_TOKEN"] if token is None else token
        done = subprocess.run(command, capture_output=True, text=True, env={"SIEGEL_TOKEN": token, "PATH": os.environ["PATH"]})
        if done.returncode not in (0, 1):
            raise RuntimeError(done.stderr)
        time.sleep(SETTLE_SEC)
        figures = json.loads(done.stdout)
        answers = max(1, figures["answers"])
        figures["cpu"] = {s: (proc.cpu_us(pids) - before[s]) / answers for s, pids in families.items()}
        figures["cpu"]["client"] = figures["cpu_us"]
        rows, commits = self.house.sql(f"SELECT count(*), count(DISTINCT xmin::text) FROM certificate WHERE id > {highest}")[0]
        figures["batch"] = rows / max(1, commits)
        return figures

    # Measurements

    def idle(self):
        """Resident and proportional memory of our processes after the start, in MB."""
        found = {}
        for service in ALL_SERVICES:
            values = [proc.memory_kib(pid, "VmRSS", "Pss") for pid in self.house.family(service)]
            found[service] = tuple(sum(v) / 1024 for v in zip(*values))
        return found

    def peaks(self):
        """The highest resident memory of any process of each service so far, in MB."""
        return {s: max(proc.memory_kib(pid, "VmHWM")[0] for pid in self.house.family(s)) / 1024 for s in ALL_SERVICES}

    def parts(self):
        key, der = self.house.sql("SELECT key_ref, certificate FROM ca WHERE is_default AND status = 'active' ORDER BY id LIMIT 1")[0]
        path = self.run / "tools" / "ca.der"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(bytes(der))
        return self.as_user([self.tool("bench_parts"), str(self.run / "siegel.conf"), key, str(path), "1"])

    def commits(self, batch):
        """Both grouped commits of rows like the engine's. CPU time of a row: PostgreSQL's and the client's."""
        size = self.house.sql("SELECT coalesce(avg(length(der))::int, 600) FROM (SELECT der FROM certificate ORDER BY id DESC LIMIT 1000) x")
        family = self.house.family("postgresql")
        before = proc.cpu_us(family)
        command = [self.tool("bench_commit"), str(self.run / "siegel.conf"), str(batch), "2", "2", str(size[0][0])]
        figures = self.as_user(command)
        time.sleep(SETTLE_SEC)
        figures["cpu_us"] = (proc.cpu_us(family) - before) / figures["rows"] + figures["client_cpu_us"]
        return figures

    def static(self, connections, answer):
        """The same requests to the same edge, answered by lib/http with a fixed body: CPU time of a request."""
        sock = self.run / "sockets/api.sock"
        body = self.run / "tools/answer"
        body.write_text(answer)
        subprocess.run(["sv", "-w", "15", "stop", str(self.run / "service/siegel-api")], check=True, stdout=subprocess.DEVNULL)
        server = subprocess.Popen(
            [self.tool("static_answer"), str(sock), str(body), "201", "application/vnd.api+json"],
            user=self.user.pw_uid if os.getuid() == 0 else None, group=self.user.pw_gid if os.getuid() == 0 else None,
        )  # fmt: skip
        try:
            self.house.until(sock.exists)
            time.sleep(SETTLE_SEC)
            edge = self.house.family("nginx")
            before = proc.cpu_us(edge) + proc.cpu_us([server.pid])
            done = subprocess.run(
                [str(self.build / "tests/bench/load"), "--url", self.house.url + "/api/v2.0/cert_device", "--cacert",
                 self.house.access["SIEGEL_CACERT"], "--connections", str(connections), "--seconds", "2", "--requests", "80000"],
                capture_output=True, text=True, check=True, env={"SIEGEL_TOKEN": "x", "PATH": os.environ["PATH"]},
            )  # fmt: skip
            figures = json.loads(done.stdout)
            figures["server_cpu_us"] = (proc.cpu_us(edge) + proc.cpu_us([server.pid]) - before) / max(1, figures["answers"])
            return figures
        finally:
            server.terminate()
            server.wait()
            subprocess.run(["sv", "-w", "15", "start", str(self.run / "service/siegel-api")], check=True, stdout=subprocess.DEVNULL)
            self.house.until_issuing()

    def sample_answer(self):
        """An answer as the load client gets it, for the static service."""
        csr = subprocess.run(
            ["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "/dev/null", "-subj", "/CN=x"],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        document = {"data": {"type": "cert_device", "attributes": {"csr": csr}}}
        status, answer = self.house.request("POST", "/api/v2.0/cert_device", document)
        if status != 201:
            raise RuntimeError(f"a certificate was refused: {status} {answer}")
        return json.dumps(answer, separators=(",", ":"))

    def delay(self, microseconds):
        """Restarts PostgreSQL with each flush delayed; 0: as it is."""
        library = self.run / "tools/slow_flush.so"
        if microseconds:
            shutil.copy(self.build / "tests/shim/slow_flush.so", library)
            library.chmod(0o755)
            self.house.environment("postgresql", LD_PRELOAD=library, SIEGEL_FLUSH_DELAY_US=microseconds)
        else:
            self.house.environment("postgresql", LD_PRELOAD=None, SIEGEL_FLUSH_DELAY_US=None)
        self.house.restart("postgresql")
        self.house.until_issuing(20)

    def restart_time(self):
        """Seconds from the kill of the whole engine, and from its orderly restart, to the next certificate."""
        for pid in self.house.family("siegel-ca"):
            self.house.kill(pid)
        killed = self.house.until_issuing(20)
        start = time.monotonic()
        self.house.restart("siegel-ca")
        self.house.until_issuing(20)
        return killed, time.monotonic() - start

    def crl(self, entries=MILLION):
        """Revokes that many certificates by SQL; the engine's time from request to published file, and its peak memory."""
        ca, ski = self.house.sql("SELECT id, encode(ski, 'hex') FROM ca WHERE is_default AND status = 'active' ORDER BY id LIMIT 1")[0]
        self.house.sql(
            f"""INSERT INTO revocation (ca_id, serial, revoked_at, reason, not_after)
                SELECT {ca}, decode('40' || substr(md5(n::text) || md5('x' || n), 1, 30), 'hex'), date_trunc('second', now()) - n * interval '1 second',
                       (ARRAY{list(CRL_REASONS)})[1 + n % {len(CRL_REASONS)}], now() + interval '1 year'
                  FROM generate_series(1, {entries}) n"""
        )
        self.house.sql("ANALYZE revocation")
        family = self.house.family("siegel-ca")
        for pid in family:
            proc.reset_peak(pid)
        before = {pid: proc.memory_kib(pid, "VmRSS")[0] for pid in family}
        asking = pathlib.Path(__file__).with_name("make_crl.py").read_text()
        figures = self.as_user(["/usr/bin/python3", "-c", asking, str(self.run / "sockets/ca.sched.sock"), str(ca)])
        peaks = {pid: proc.memory_kib(pid, "VmHWM")[0] for pid in family}
        writer = max(family, key=lambda pid: peaks[pid] - before[pid])
        figures["peak_mb"] = peaks[writer] / 1024
        path = self.run / "crl" / f"{ski}.crl"
        figures["file_mb"] = path.stat().st_size / 1e6
        listed = subprocess.run(f"openssl crl -inform DER -in {path} -noout -text | grep -c 'Serial Number:'", shell=True, capture_output=True, text=True)
        figures["listed"] = int(listed.stdout)
        return figures
