"""A store with millions of certificates: filled past the engine, then asked over REST like any other."""

import collections
import http.client
import json
import random
import statistics
import threading
import time
import urllib.parse

# A life of five years: two CAs of which the first was replaced after a year and a half, one that is small and one that is hardly used; profiles, requestors and
# sources that were given up long ago; one name that every hundredth has; one certificate of twenty revoked, and a small tenant.
FILL = """
INSERT INTO certificate (tenant_id, ca_id, profile_id, serial, status, subject, common_name, names, not_before, not_after, spki_hash, der, requestor,
                         source, revoked_at, reason, created_at, owner, metadata, key_type)
SELECT CASE WHEN small THEN {small} ELSE {large} END,
       CASE WHEN n % 1000003 = 7 THEN {ca_rare} WHEN small THEN {ca_small} WHEN f < 0.3 THEN {ca_old} WHEN r % 10 = 0 THEN {ca_devices} ELSE {ca} END,
       CASE WHEN small THEN {profile_small} WHEN n % 500009 = 3 THEN {profile_rare} WHEN f < 0.1 THEN {profile_old}
            WHEN r % 100 < 70 THEN {profile_device} WHEN r % 100 < 90 THEN {profile_server} ELSE {profile_client} END,
       '\\x40' || substr(h, 2, 15), status, 'CN=' || cn || ',O=Example AG,C=DE', cn,
       CASE WHEN r % 100 < 70 THEN '{{}}'::text[] WHEN r % 100 < 90 THEN ARRAY['dns:' || cn, 'dns:www.' || cn] ELSE ARRAY['email:u' || n || '@example.com'] END,
       at, at + CASE r % 3 WHEN 0 THEN interval '90 days' WHEN 1 THEN interval '365 days' ELSE interval '3650 days' END,
       sha256(h), overlay(der PLACING h FROM 16), 
       CASE WHEN n % 700001 = 5 THEN 'rare-admin' WHEN f < 0.05 THEN 'old-ra' WHEN r % 4 = 0 THEN 'gateway-' || r % 5000 ELSE 'line' || r % 8 END,
       CASE WHEN f < 0.05 THEN 'import' WHEN r % 4 = 0 THEN 'est' ELSE 'rest' END,
       CASE WHEN status > 1 THEN at + interval '5 days' END,
       CASE status WHEN 2 THEN (ARRAY[0, 1, 3, 4, 5])[1 + r / 20 % 5] WHEN 3 THEN 6 END, at,
       CASE WHEN n % 600011 = 9 THEN 'ops' WHEN r % 5 = 1 THEN 'team-' || r % 50 END,
       CASE WHEN n % 600011 = 9 THEN '{{"room": "cellar"}}'::jsonb
            WHEN r % 10 = 3 THEN jsonb_build_object('site', CASE WHEN f < 0.2 THEN 'oldtown' ELSE 'site' || r / 10 % 20 END, 'order', 'o' || n) END,
       CASE WHEN n % 400009 = 5 THEN 'rsa2048' ELSE 'p256' END
  FROM (SELECT x.*, CASE WHEN r / 7 % 20 = 0 THEN 2 WHEN r / 7 % 20000 = 5 THEN 3 ELSE 1 END::smallint AS status,
               CASE WHEN n % 100 = 1 THEN 'gateway' ELSE 'host-' || encode(substr(h, 1, 5), 'hex') || '.example.com' END AS cn
          FROM (SELECT n, n::float8 / {rows} AS f, n % 500 = 0 AS small, sha256(int8send(n)) AS h, (hashint8extended(n, 1) & 1073741823)::int AS r,
                       date_trunc('second', now() - interval '5 years' + n * (interval '5 years' / {rows})) AS at
                  FROM generate_series({first}::bigint, {last}::bigint) n) x) y,
       (SELECT der FROM certificate ORDER BY tenant_id, id LIMIT 1) d
"""
CHUNK = 500_000
CAS = ("old", "devices", "rare", "small")
PROFILES = ("device", "server", "client", "old", "rare", "small")

# What is asked for: the filters of the list, with values that many rows have, few, none, or old ones alone.
FILTERS = {
    "serial": ["filter[serial]={serial}", "filter[serial]=4000000000000000"],
    "subject": ["filter[subject]={subject}", "filter[subject]=CN%3Dgateway%2CO%3DExample AG%2CC%3DDE"],
    "common_name": ["filter[common_name]={cn}", "filter[common_name]=gateway", "filter[common_name]=nobody"],
    "names": ["filter[names]=dns:www.{server}", "filter[names]=dns:gateway", "filter[names]=dns:nobody"],
    "status": ["filter[status]=issued", "filter[status]=revoked", "filter[status]=held"],
    "revocation_reason": ["filter[revocation_reason]=keyCompromise", "filter[revocation_reason]=privilegeWithdrawn"],
    "profile": ["filter[profile]=bench-device", "filter[profile]=bench-rare", "filter[profile]=bench-old", "filter[profile]=nothing"],
    "issuer": ["filter[issuer]={ca}", "filter[issuer]=bench-devices", "filter[issuer]=bench-rare", "filter[issuer]=bench-old"],
    "requestor": ["filter[requestor]=line3", "filter[requestor]=rare-admin", "filter[requestor]=old-ra", "filter[requestor]=gateway-1000"],
    "source": ["filter[source]=rest", "filter[source]=import", "filter[source]=acme"],
    "key_type": ["filter[key_type]=p256", "filter[key_type]=rsa2048"],
    "owner": ["filter[owner]=team-1", "filter[owner]=ops", "filter[owner]=nobody"],
    "metadata": ["filter[metadata.site]=site3", "filter[metadata.site]=oldtown", "filter[metadata.room]=cellar", "filter[metadata.order]=o{n}"],
    "not_after": ["filter[not_after][gt]={today}&filter[not_after][lt]={soon}", "filter[not_after][lt]={today}"],
    "not_before": ["filter[not_before][ge]={past}"],
    "created_at": ["filter[created_at][lt]={past}", "filter[created_at][ge]={recent}"],
    "revoked_at": ["filter[revoked_at][ge]={recent}", "filter[revoked_at][lt]={past}"],
    "in": ["filter[status][in]=revoked,held", "filter[source][in]=rest,est", "filter[owner][in]=ops,nobody", "filter[issuer][in]=bench-old,bench-rare"],
    "fingerprint": ["filter[fingerprint_sha256]={fingerprint}", "filter[fingerprint_sha256]=" + 32 * "00"],
    "together": [
        "filter[issuer]={ca}&filter[status]=revoked", "filter[issuer]=bench-old&filter[profile]=bench-device&filter[status]=issued",
        "filter[issuer]={ca}&filter[profile]=bench-old", "filter[owner]=team-1&filter[not_after][gt]={today}&filter[not_after][lt]={soon}",
        "filter[profile]=bench-server&filter[source]=est&filter[metadata.site]=site3",
    ],
}  # fmt: skip
SORTS = ["", "sort=-id", "sort=not_after", "sort=-created_at", "sort=common_name"]
CONTAINS = ["filter[common_name][contains]=gate", "filter[subject][contains]=abcde", "filter[names][contains]=nowhere", "filter[requestor][contains]=old"]


class Store:
    """sql(statement): as the owner of the schema; get(path): status and document over REST, of the large tenant."""

    def __init__(self, sql, get, get_small=None):
        self.sql, self.get, self.get_small = sql, get, get_small

    def fill(self, rows):
        """That many certificates beside those that are there; indexes and counts are made at the end, as an import would. Seconds."""
        start = time.monotonic()
        values = self.house()
        self.sql("ALTER TABLE certificate DISABLE TRIGGER USER")
        indexes = self.sql("SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index "
                           "WHERE indrelid = 'certificate'::regclass AND NOT indisunique")  # fmt: skip
        for name, _ in indexes:
            self.sql(f"DROP INDEX {name}")
        for first in range(1, rows + 1, CHUNK):
            self.sql(FILL.format(first=first, last=min(rows, first + CHUNK - 1), rows=rows, **values))
        for _, definition in indexes:
            self.sql(f"SET maintenance_work_mem = '512MB'; {definition}")
        self.sql("ALTER TABLE certificate ENABLE TRIGGER USER")
        self.sql("ALTER TABLE certificate_label DROP CONSTRAINT certificate_label_pkey")
        self.sql("SET work_mem = '256MB'; SELECT statistics_rebuild()")
        self.sql("SET maintenance_work_mem = '512MB'; ALTER TABLE certificate_label ADD PRIMARY KEY (tenant_id, label, certificate_id)")
        self.sql("VACUUM ANALYZE certificate")
        self.sql("VACUUM ANALYZE certificate_label")
        self.sql("CHECKPOINT")
        return time.monotonic() - start

    def house(self):
        """CAs and profiles of the fill, copied from those that are there, and a small tenant."""
        large, ca = self.sql("SELECT tenant_id, id FROM ca WHERE is_default ORDER BY id LIMIT 1")[0]
        profile = self.sql(f"SELECT id FROM profile WHERE tenant_id = {large} AND name = 'device'")[0][0]
        small = self.sql("INSERT INTO tenant (name) VALUES ('bench-small') RETURNING id")[0][0]
        found = {"large": large, "small": small, "ca": ca}
        columns = "status, subject, certificate, key_ref, not_before, not_after, ocsp_url, crl_url, ca_url, crl_interval_sec, crl_overlap_sec"
        for name in CAS:
            found["ca_" + name] = self.sql(
                f"INSERT INTO ca (tenant_id, name, ski, spki_hash, {columns}) SELECT {small if name == 'small' else large}, 'bench-{name}', "
                f"sha256('{name}'), sha256('{name}'), {columns.replace('status', quoted('retired'))} FROM ca WHERE id = {ca} RETURNING id"
            )[0][0]
        for name in PROFILES:
            kind = {"server": "cert_server", "client": "cert_client"}.get(name, "cert_device")
            found["profile_" + name] = self.sql(
                f"INSERT INTO profile (tenant_id, name, kind, title, definition) SELECT {small if name == 'small' else large}, 'bench-{name}', '{kind}', "
                f"'{name}', definition FROM profile WHERE id = {profile} RETURNING id"
            )[0][0]
        return found

    def values(self):
        """Values that are there, for the filters' places."""
        ca, tenant = self.sql("SELECT name, tenant_id FROM ca WHERE is_default ORDER BY id LIMIT 1")[0]
        highest = self.sql(f"SELECT max(id) FROM certificate WHERE tenant_id = {tenant}")[0][0]
        pick = random.Random(1)
        found = {"ca": ca}
        for name, column, condition in (("serial", "encode(serial, 'hex')", "true"), ("fingerprint", "encode(sha256(der), 'hex')", "true"), ("subject", "subject", "common_name <> 'gateway'"),
                                        ("cn", "common_name", "common_name <> 'gateway'"), ("server", "common_name", "'dns:www.' || common_name = ANY (names)"),
                                        ("n", "substr(metadata ->> 'order', 2)", "metadata ? 'order'")):  # fmt: skip
            found[name] = urllib.parse.quote(str(self.sql(
                f"SELECT {column} FROM certificate WHERE tenant_id = {tenant} AND id > {int(highest * pick.uniform(0.2, 0.8))} AND {condition} "
                "ORDER BY id LIMIT 1")[0][0]))  # fmt: skip
        for name, days in (("today", 0), ("soon", 30), ("recent", -7), ("past", -1400)):
            found[name] = time.strftime("%Y-%m-%d", time.gmtime(time.time() + days * 86400))
        return found

    def timed(self, get, query):
        """Milliseconds of one page, how many members it has, and the address of the next."""
        start = time.monotonic()
        status, document = get("/api/v2.0/certificates?" + query.replace(" ", "%20"))
        took = (time.monotonic() - start) * 1000
        if status != 200:
            raise RuntimeError(f"{query}: {status} {document}")
        return took, len(document["data"]), document["links"]["next"]

    def searches(self, repeat=3):
        """Every filter with every sort, the first page and the next: milliseconds by filter, and the slowest queries."""
        values = self.values()
        taken, slow = {}, []
        for name, queries in FILTERS.items():
            for query in queries:
                for sort in SORTS:
                    whole = "&".join(p for p in (query.format(**values), sort) if p)
                    for get in (self.get, self.get_small):
                        for n in range(repeat if get else 0):
                            ms, members, following = self.timed(get, whole)
                            taken.setdefault(name, []).append(ms)
                            slow.append((ms, members, whole))
                            if n == 0 and following:
                                ms, members, _ = self.timed(get, following.split("?", 1)[1])
                                taken[name].append(ms)
                                slow.append((ms, members, "next page: " + whole))
        return taken, sorted(slow, reverse=True)

    def contains(self):
        """The longest page of each search for a part of a text, and pages and seconds until all are found (at most 400 pages)."""
        found = {}
        for query in CONTAINS:
            worst, members, pages, following, start = 0.0, 0, 0, query, time.monotonic()
            while following and pages < 400 and members < 1000:
                ms, n, link = self.timed(self.get, following)
                worst, members, pages, following = max(worst, ms), members + n, pages + 1, link.split("?", 1)[1] if link else None
            found[query] = {"worst_ms": worst, "members": members, "pages": pages, "seconds": time.monotonic() - start}
        return found

    def dashboard(self, repeat=20):
        """Milliseconds of the dashboard."""
        taken = []
        for _ in range(repeat):
            start = time.monotonic()
            status, _ = self.get("/api/v2.0/statistics")
            taken.append((time.monotonic() - start) * 1000)
            if status != 200:
                raise RuntimeError(f"statistics: {status}")
        return taken


def quoted(text):
    return "'" + text + "'"


def percentile(values, share):
    return statistics.quantiles(values, n=100, method="inclusive")[round(share * 100) - 1] if len(values) > 1 else values[0]


class Client:
    """GET over one kept connection to the edge, and POST of revocations."""

    def __init__(self, house, token):
        parts = urllib.parse.urlsplit(house.url)
        self.token = token
        self.connection = http.client.HTTPSConnection(parts.hostname, parts.port, context=house.tls(), timeout=60)

    def request(self, method, path, document=None):
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/vnd.api+json", "Content-Type": "application/vnd.api+json"}
        try:
            self.connection.request(method, path, json.dumps(document) if document else None, headers)
            answer = self.connection.getresponse()
            return answer.status, json.loads(answer.read() or b"null")
        except (http.client.HTTPException, OSError):
            self.connection.close()
            return 0, None

    def get(self, path):
        return self.request("GET", path)


def revocations(house, sql, count=40):
    """Milliseconds of each of so many revocations, of the newest certificates that are good."""
    client = Client(house, house.access["SIEGEL_TOKEN"])
    taken = []
    for (number,) in sql("SELECT x.id FROM certificate x JOIN ca k ON k.id = x.ca_id WHERE x.status = 1 AND k.is_default AND x.source = 'rest' "
                         f"ORDER BY x.tenant_id, x.id DESC LIMIT {count}"):  # fmt: skip
        start = time.monotonic()
        document = {"data": {"type": "revocation", "attributes": {"reason": "superseded"}}}
        status, answer = client.request("POST", f"/api/v2.0/certificates/{number}/revoke", document)
        taken.append((time.monotonic() - start) * 1000)
        if status != 200:
            raise RuntimeError(f"a revocation was refused: {status} {answer}")
    return taken


def revoke_many(sql, count):
    """CRL entries of so many certificates of the default CA that aren't kept any more."""
    sql(f"""INSERT INTO revocation (ca_id, serial, revoked_at, reason, not_after)
            SELECT (SELECT id FROM ca WHERE is_default ORDER BY id LIMIT 1), '\\x41' || substr(sha256(int8send(n)), 2, 15),
                   date_trunc('second', now()) - n * interval '1 second', 4, now() + interval '1 year' FROM generate_series(1, {count}) n""")
    sql("ANALYZE revocation")


class Scans:
    """So many clients that go on asking for a list which needs to look at everything."""

    def __init__(self, house, clients=100):
        self.statuses, self.going = collections.Counter(), True
        self.threads = [threading.Thread(target=self.scan, args=(house, n)) for n in range(clients)]

    def scan(self, house, n):
        client = Client(house, house.access["SIEGEL_TOKEN"])
        while self.going:
            status, _ = client.get(f"/api/v2.0/certificates?filter[subject][contains]=nothing{n}&sort=common_name&page[size]=500")
            self.statuses[status] += 1
            if status != 200:
                time.sleep(0.5)

    def __enter__(self):
        for t in self.threads:
            t.start()
        time.sleep(1)
        return self

    def __exit__(self, *_):
        self.going = False
        for t in self.threads:
            t.join()
