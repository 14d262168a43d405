"""ACME: whole orders over kept connections, from the new order to the certificate, with an authorization that is valid already."""

import contextlib
import json
import os
import re
import subprocess
import time

import psycopg2

import proc

WINDOWS = (1, 16)
COUNTED = 200  # orders whose statements are counted
SETTLE_SEC = 0.5


class Acme:
    """A directory, and a key for external accounts that are authorised for all names of the load."""

    def __init__(self, bench):
        self.bench, self.house = bench, bench.house
        self.name = f"bench-{os.getpid()}"
        self.make("profiles", name=self.name, template="server", definition={"subject_required": []})
        directory = self.make("acme_directories", name=self.name, profile=self.name, challenges=["http-01"],
                              settings={"external_account": "required", "orders_per_hour": 0, "accounts_per_hour": 0})  # fmt: skip
        self.url = directory["url"]
        self.key = self.make("acme_keys", directory=self.name, names=["dns:.bench.example"], max_accounts=1000)

    def make(self, resource, /, **attributes):
        status, answer = self.house.request("POST", f"/api/v2.0/{resource}", {"data": {"type": resource, "attributes": attributes}})
        if status != 201:
            raise RuntimeError(f"{resource}: {status} {answer}")
        return answer["data"]["attributes"]

    def orders(self, clients, seconds, most=None):
        command = [str(self.bench.build / "tests/bench/acme_load"), "--url", self.url, "--cacert", self.house.access["SIEGEL_CACERT"],
                   "--clients", str(clients), "--seconds", str(seconds), "--orders", str(most or int(2000 * seconds / clients) + 50)]  # fmt: skip
        families = self.bench.families()
        before = {service: proc.cpu_us(pids) for service, pids in families.items()}
        done = subprocess.run(command, capture_output=True, text=True,
                              env={"SIEGEL_EAB_KID": self.key["kid"], "SIEGEL_EAB_KEY": self.key["key"], "PATH": os.environ["PATH"]})  # fmt: skip
        if done.returncode:
            raise RuntimeError(done.stderr)
        time.sleep(SETTLE_SEC)
        figures = json.loads(done.stdout)
        n = max(1, figures["orders"])
        figures["cpu"] = {s: (proc.cpu_us(pids) - before[s]) / n for s, pids in families.items()}
        figures["cpu"]["client"] = figures["cpu_us"]
        figures["trouble"] = done.stderr.strip()
        return figures

    def round_trips(self):
        """Statements that PostgreSQL carried out for siegel-acme and siegel-ca, for each order of one client: each is a round trip."""
        log = self.bench.run / "log/postgresql/current"
        sql = self.house.sql
        prefix = sql("SHOW log_line_prefix")[0][0]
        self.set("log_line_prefix", "'%u '")
        self.set("log_min_duration_statement", "0")
        try:
            time.sleep(SETTLE_SEC)
            begin = log.stat().st_size
            done = self.orders(1, 60, COUNTED)
            text = log.read_bytes()[begin:].decode(errors="replace")
        finally:
            self.set("log_min_duration_statement", "-1")
            self.set("log_line_prefix", "'" + prefix.replace("'", "''") + "'")
        # An extended query is logged as parse, bind and execute, all of one round trip; a simple one as statement.
        return {role: len(re.findall(rf"siegel_{role} .*duration: .* (?:execute|statement)", text)) / max(1, done["orders"]) for role in ("acme", "ca")}

    def set(self, name, value):
        with contextlib.closing(psycopg2.connect(self.house.dsn)) as db:
            db.autocommit = True  # ALTER SYSTEM isn't for a transaction
            with db.cursor() as q:
                q.execute(f"ALTER SYSTEM SET {name} = {value}")
                q.execute("SELECT pg_reload_conf()")


def rows(table, bench, result):
    acme = Acme(bench)
    acme.orders(max(WINDOWS), 1)  # connections to the store are there before their processes are counted
    result["acme"] = {}
    for clients in WINDOWS:
        w = result["acme"][clients] = acme.orders(clients, bench.seconds)
        bad = f", {w['failed']} failed: {w['trouble'][:80]}" if w["failed"] else ""
        table.add(f"ACME: whole orders/s, {clients} clients", f"{w['rate']:,.0f}/s (p50 {w['p50_ms']:.1f}, p99 {w['p99_ms']:.1f} ms){bad}", "", None,
                  "600/s" if clients == 16 else "", w["rate"] >= 600 if clients == 16 else None)  # fmt: skip
        table.add("  CPU µs an order", ", ".join(f"{s.removeprefix('siegel-')} {us:.0f}" for s, us in w["cpu"].items() if us >= 1))
    trips = result["acme"]["round_trips"] = acme.round_trips()
    total = sum(trips.values())
    table.add("  SQL round trips an order", f"{total:.1f}", f"acme {trips['acme']:.1f}, ca {trips['ca']:.1f}", None, "at most 16", total <= 16)
