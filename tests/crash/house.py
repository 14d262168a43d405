"""A running private instance as the crash tests see it: its processes, its environment, its faults, its load."""

import json
import os
import pathlib
import secrets
import shutil
import signal
import ssl
import subprocess
import time
import urllib.error
import urllib.request

import psycopg2

RUNIT = ["sv", "-w", "50"]


class Load:
    """A load client under way."""

    def __init__(self, arguments, journal, token):
        self.journal = journal
        self.process = subprocess.Popen(
            arguments, stdout=subprocess.PIPE, text=True, env={"SIEGEL_TOKEN": token, "PATH": os.environ["PATH"]}
        )
        self.result = None

    def wait(self, timeout=60):
        """The client's figures, when it has all its answers."""
        output, _ = self.process.communicate(timeout=timeout)
        self.result = json.loads(output)
        return self.result

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class House:
    """run: the instance's folder; tools: the build's, where the load client is."""

    def __init__(self, run, tools):
        self.run, self.tools = pathlib.Path(run), pathlib.Path(tools)
        self.access = self.read_access()
        self.url = self.access["SIEGEL_URL"]
        self.dsn = f"host={self.run}/pg port=5432 user=postgres dbname=siegel"
        self.shim = self.run / "shim"
        self.count_file = self.shim / "count"
        self.faults = self.shim / "faults"
        self.journals = []
        self.kills = 0

    def read_access(self):
        lines = (self.run / "access.env").read_text().splitlines()
        pairs = (line.removeprefix("export ").split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
        return {name: value.strip("'\"") for name, value in pairs}

    # Processes

    def service_pid(self, service):
        """The pid under the supervisor; None when it is down at this moment."""
        text = (self.run / "service" / service / "supervise" / "pid").read_text().strip()
        return int(text) if text else None

    @staticmethod
    def children(pid):
        try:
            return [int(p) for p in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        except FileNotFoundError:
            return []

    def family(self, service):
        """The service's process and all below it."""
        first = self.service_pid(service)
        found, ahead = [], [first] if first else []
        while ahead:
            pid = ahead.pop()
            found.append(pid)
            ahead += self.children(pid)
        return found

    def kill(self, pid):
        try:
            os.kill(pid, signal.SIGKILL)
            self.kills += 1
        except ProcessLookupError:
            pass

    def kill_postgresql(self):
        """Everything at once: the postmaster is stopped first, so that it doesn't start anything in between."""
        postmaster = self.service_pid("postgresql")
        os.kill(postmaster, signal.SIGSTOP)
        for pid in self.family("postgresql")[1:]:
            self.kill(pid)
        self.kill(postmaster)

    def log(self, service):
        return (self.run / "log" / service / "current").read_text(errors="replace")

    def restart(self, service):
        subprocess.run([*RUNIT, "restart", str(self.run / "service" / service)], check=True, stdout=subprocess.DEVNULL)

    def environment(self, service, **variables):
        """Sets variables of a service (None: unset); they count from its next start."""
        for name, value in variables.items():
            path = self.run / "env" / service / name
            if value is None:
                path.unlink(missing_ok=True)
            else:
                path.write_text(f"{value}\n")

    def fault(self, line):
        """The token's fault from now on; "" ends it. Replaced at once, so that no reader finds half of it."""
        new = self.faults.with_suffix(".new")
        new.write_text(line + "\n" if line else "")
        shutil.chown(new, *self.owner())
        new.replace(self.faults)

    def owner(self):
        status = self.run.joinpath("pg").stat()
        return status.st_uid, status.st_gid

    # Requests

    def request(self, method, path, document=None, key=None, timeout=30):
        """Status and JSON document of a REST request, whose document may be a file's octets; status 0 when there was no answer."""
        headers = {"Authorization": f"Bearer {self.access['SIEGEL_TOKEN']}", "Accept": "application/vnd.api+json"}
        if document is not None:
            headers["Content-Type"] = "application/octet-stream" if isinstance(document, bytes) else "application/vnd.api+json"
            document = document if isinstance(document, bytes) else json.dumps(document).encode()
        if key:
            headers["Idempotency-Key"] = key
        request = urllib.request.Request(
            self.url + path, method=method, headers=headers, data=document
        )
        try:
            with urllib.request.urlopen(request, timeout=timeout, context=self.tls()) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as e:
            body = e.read()
            try:
                return e.code, json.loads(body or b"null")
            except ValueError:
                return e.code, body.decode(errors="replace")
        except OSError:
            return 0, None

    def tls(self):
        return ssl.create_default_context(cafile=self.access["SIEGEL_CACERT"])

    def issue(self, cn, key=None):
        attributes = {"cn": cn}
        return self.request("POST", "/api/v2.0/cert_device", {"data": {"type": "cert_device", "attributes": attributes}}, key)

    def make_import(self, data):
        """The id of an import with one file, which isn't started."""
        status, document = self.request("POST", "/api/v2.0/imports", {"data": {"type": "imports", "attributes": {"name": secrets.token_hex(6)}}})
        assert status == 201, document
        one = document["data"]["id"]
        status, document = self.request("POST", f"/api/v2.0/imports/{one}/files?name=file&kind=data", data)
        assert status in (200, 201, 204), document
        return one

    def ask_for_job(self, path, document=None):
        """The id of the job that does it."""
        status, document = self.request("POST", f"/api/v2.0{path}", document)
        assert status == 202, document
        return document["data"]["id"]

    def status_of(self, address, timeout=10):
        """The HTTP status of a GET; 0 when nobody answers."""
        try:
            with urllib.request.urlopen(address, timeout=timeout, context=self.tls()) as answer:
                return answer.status
        except urllib.error.HTTPError as e:
            return e.code
        except OSError:
            return 0

    def until(self, good, timeout=10):
        """Seconds until good() is true; fails when it doesn't become so in several times as long as a quiet machine has."""
        start = time.monotonic()
        while time.monotonic() < start + 4 * timeout:
            if good():
                return time.monotonic() - start
            time.sleep(0.02)
        raise AssertionError(f"not back within {4 * timeout} s")

    def until_issuing(self, timeout=10):
        return self.until(lambda: self.issue("probe")[0] == 201, timeout)

    def load(self, name, requests=400, connections=16, seconds=8, repeat=3):
        """Starts a client that asks for certificates, each with a key of its own, again and again until it has them."""
        name += f"-{secrets.token_hex(3)}"  # keys of an earlier run in the same instance were for other requests
        journal = self.run / f"journal-{name}"
        self.journals.append(journal)
        arguments = [
            str(self.tools / "tests/bench/load"), "--url", self.url + "/api/v2.0/cert_device", "--cacert", self.access["SIEGEL_CACERT"],
            "--connections", str(connections), "--requests", str(requests), "--seconds", str(seconds), "--prefix", name,
            "--keyed", "--retry-ms", "30", "--repeat-one-in", str(repeat), "--journal", str(journal),
        ]  # fmt: skip
        load = Load(arguments, journal, self.access["SIEGEL_TOKEN"])
        # Its requests are made before it starts: the harm must not be done before.
        self.until(lambda: load.process.poll() is not None or (journal.exists() and journal.stat().st_size), timeout=60)
        return load

    # Store

    def sql(self, text):
        """Runs a statement as the cluster's superuser; its rows, if it has any. Waits for a store that is coming back."""
        end = time.monotonic() + 40
        while True:
            try:
                db = psycopg2.connect(self.dsn)
                break
            except psycopg2.OperationalError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)
        try:
            with db, db.cursor() as q:
                q.execute("SET search_path = siegel")
                q.execute(text)
                return q.fetchall() if q.description else []
        finally:
            db.close()
