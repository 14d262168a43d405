"""SCEP: enrolments by RSA keys of 2048 bits, beside what the processors can do of the RSA operations that each of them needs."""

import concurrent.futures
import http.client
import os
import pathlib
import subprocess
import sys
import time
import uuid

import proc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))
import scep  # noqa: E402
import support  # noqa: E402

# With the registration authority's key: the content key is decrypted, the answer is signed. With keys of clients: the message's signature is verified, the
# request's is by the front end and by the engine, and the answer is encrypted.
PRIVATE, PUBLIC = 2, 4
SUCCESS = scep.attribute(scep.SCEP + "3", scep.printable(0))


class Scep:
    """A profile with a static challenge, and messages that were made before the window."""

    def __init__(self, bench):
        self.bench = bench
        self.instance = support.Instance({"SIEGEL_RUN": str(bench.run), "SIEGEL_BIN": str(bench.build / "root/bin")})
        self.profile = scep.ready(scep.Profile(self.instance.rest(self.instance.token)))
        self.bits = self.profile.client.ras[0].public_key().key_size
        self.key = scep.rsa_key(2048, "bench")
        self.signer = scep.self_signed("bench.example", self.key)

    def messages(self, n):
        """Each another request: names, transactions and content keys differ."""
        client, made = self.profile.client, []
        for _ in range(n):
            csr = scep.csr_of(f"{uuid.uuid4().hex}.bench.example", self.key, self.profile.challenge)
            made.append(client.message(scep.PKCS_REQ, csr.public_bytes(scep.DER), self.signer, self.key)[0])
        return made

    def one(self, connection, body):
        connection.request("POST", f"/scep/{self.profile.label}?operation=PKIOperation", body=body)
        answer = connection.getresponse()
        text = answer.read()
        return answer.status == 200 and SUCCESS in text

    def window(self, connections, messages):
        """All messages over kept connections: answers a second, and the processors' time of one in each service."""
        queue = iter(messages)
        families = self.bench.families()
        before = {service: proc.cpu_us(pids) for service, pids in families.items()}
        own, start = time.process_time(), time.monotonic()

        def work(_):
            connection = http.client.HTTPConnection(self.instance.plain_host, self.instance.plain_port, timeout=60)
            good, took = 0, []
            for body in queue_of(queue):
                sent = time.monotonic()
                good += self.one(connection, body)
                took.append(time.monotonic() - sent)
            connection.close()
            return good, took

        with concurrent.futures.ThreadPoolExecutor(connections) as pool:
            results = list(pool.map(work, range(connections)))
        seconds, own = time.monotonic() - start, time.process_time() - own
        good, took = sum(r[0] for r in results), sorted(t for r in results for t in r[1])
        if good < len(messages):
            raise RuntimeError(f"SCEP: {len(messages) - good} of {len(messages)} messages got no certificate")
        cpu = {s: (proc.cpu_us(pids) - before[s]) / good for s, pids in families.items()}
        return {"rate": good / seconds, "answers": good, "cpu": {**cpu, "client": 1e6 * own / good}, "p50_ms": 1000 * took[len(took) // 2],
                "p99_ms": 1000 * took[int(0.99 * len(took))]}

    def rsa(self):
        """Seconds of one processor: a private operation of the registration authority's key by the token, the same by OpenSSL alone, and a public one
        of a client's key."""
        ra = self.profile.client.ras[0]
        [(reference,)] = self.bench.house.sql(f"SELECT key_ref FROM ra WHERE certificate = '\\x{ra.public_bytes(scep.DER).hex()}'")
        path = self.bench.run / "tools/ra.der"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(ra.public_bytes(scep.DER))
        parts = self.bench.as_user([self.bench.tool("bench_parts"), str(self.bench.run / "siegel.conf"), reference, str(path), "2"])
        done = subprocess.run(["openssl", "speed", "-mr", "-seconds", "1", f"rsa{self.bits}", "rsa2048"], capture_output=True, text=True, check=True,
                              env={**os.environ, "LC_ALL": "C"})
        rows = [line.split(":") for line in done.stdout.splitlines() if line.startswith("+F2:")]
        found = {int(row[2]): (1 / float(row[3]), 1 / float(row[4])) for row in rows}
        return parts["sign_us"] / 1e6, found[self.bits][0], found[2048][1]


def queue_of(iterator):
    """What is left, for several threads: next() of a list's iterator is one step."""
    while True:
        body = next(iterator, None)
        if body is None:
            return
        yield body
