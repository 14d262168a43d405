"""Nothing is lost: processes are ended and the token misbehaves at every step of issuing, under load, and the oracle compares.

F and H are the rows of the fault matrix: F1 engine, F2 front ends, F3 store, F7 one aimed INSERT, F8 token.
"""

import concurrent.futures
import os
import random
import signal
import threading
import time

import psycopg2
import pytest

from house import House
from oracle import Oracle, read_journal, read_store

BACK_WITHIN_SEC = 5
STEPS = [
    "request-read",
    "intent-sent",
    "intent-committed",
    "linted",
    "signed",
    "verified",
    "issued-sent",
    "issued-committed",
    "answered",
]

BATCH_STEPS = {"intent-sent", "intent-committed", "issued-sent", "issued-committed"}  # passed once by all of a batch


@pytest.fixture(scope="session")
def house():
    return House(os.environ["SIEGEL_RUN"], os.environ["SIEGEL_TOOLS"])


@pytest.fixture(autouse=True)
def clean(house):
    """Each test starts with an instance that issues, and leaves no fault behind."""
    house.until_issuing()
    yield
    house.fault("")
    house.until_issuing(timeout=20)


def judge(house, load=None):
    """The oracle over everything since the instance was made; the load's own figures too."""
    verdict = Oracle(read_store(house.dsn)).judge(house.journals, house.count_file, other=house.kills)
    print(verdict.facts)
    assert verdict, verdict.problems
    if load:
        print(load.result)
        assert load.result["mismatched"] == 0, "a repetition got another certificate"
        assert load.result["unfinished"] == 0, load.result["first_refusal"]
        keys = {r.key for r in read_journal(load.journal)}
        # More, when siegel-api lost the engine's answer and asked again by itself: then the first that the client sees is a repetition.
        assert len(keys) >= load.result["answers"] - load.result["repeated"]


def back_in_time(load):
    assert load.result["longest_gap_ms"] < BACK_WITHIN_SEC * 1000


@pytest.mark.parametrize("step", STEPS)
def test_f1_engine_killed_at_step(house, step):
    """Every so many passes of each worker end it there; the clients ask again until each has its certificate."""
    house.environment("siegel-ca", SIEGEL_FAULT_AT=step, SIEGEL_FAULT_ONE_IN=5 if step in BATCH_STEPS else 20)
    house.restart("siegel-ca")
    house.until(lambda: len(house.family("siegel-ca")) > 3, 20)  # the workers are forked one after the other
    before = set(house.family("siegel-ca"))
    load = house.load(f"f1-{step}", requests=200)
    try:
        load.wait()
        ended = before - set(house.family("siegel-ca"))
    finally:
        load.end()
        house.environment("siegel-ca", SIEGEL_FAULT_AT=None, SIEGEL_FAULT_ONE_IN=None)
        house.restart("siegel-ca")
    assert ended, "no worker was ended: is this a build with --enable-fault-points?"
    house.kills += load.result["lost"] + load.result["refused"]
    judge(house, load)
    back_in_time(load)


def test_f1_random_kills_of_the_engine(house):
    """Any process of the engine, at any moment."""
    chance = random.Random(1)
    load = house.load("f1-random", requests=4000, seconds=6)
    try:
        end = time.monotonic() + 5
        while time.monotonic() < end and load.process.poll() is None:
            time.sleep(chance.uniform(0.2, 0.6))
            family = house.family("siegel-ca")
            if family:
                house.kill(chance.choice(family[1:] or family))
        load.wait()
    finally:
        load.end()
    judge(house, load)
    back_in_time(load)


def test_f1_whole_engine_killed(house):
    """The master with all its processes: the supervisor starts it again."""
    load = house.load("f1-whole", requests=4000, seconds=5)
    try:
        time.sleep(1.5)
        for pid in house.family("siegel-ca"):
            house.kill(pid)
        load.wait()
    finally:
        load.end()
    judge(house, load)
    back_in_time(load)


def test_f1_master_alone_killed(house):
    """Processes that the master leaves behind must not hold up the next one."""
    load = house.load("f1-master", requests=4000, seconds=5)
    try:
        time.sleep(1)
        house.kill(house.service_pid("siegel-ca"))
        load.wait()
    finally:
        load.end()
    judge(house, load)
    back_in_time(load)


def test_f2_api_killed(house):
    load = house.load("f2-api", requests=4000, seconds=5)
    try:
        for _ in range(2):
            time.sleep(1.2)
            house.kill(house.service_pid("siegel-api"))
        load.wait()
    finally:
        load.end()
    judge(house, load)
    back_in_time(load)


@pytest.mark.parametrize("service, variable, path", [("siegel-est", "SIEGEL_EST_URL", "/cacerts"), ("siegel-va", "SIEGEL_OCSP_URL", "")])
def test_f2_others_killed(house, service, variable, path):
    """EST and OCSP come back by themselves, and issuing over REST doesn't notice."""
    address = house.access[variable] + path
    up = lambda: house.status_of(address) in (200, 400, 405)
    house.until(up)
    load = house.load(f"f2-{service}", requests=4000, seconds=3)
    try:
        first = house.service_pid(service)
        house.kill(first)
        house.until(lambda: house.service_pid(service) not in (None, first))
        assert house.until(up) < BACK_WITHIN_SEC
        load.wait()
    finally:
        load.end()
    judge(house, load)
    assert load.result["lost"] == load.result["refused"] == 0


def test_f3_postgresql_killed(house):
    load = house.load("f3", requests=6000, seconds=7)
    try:
        time.sleep(1.5)
        house.kill_postgresql()
        load.wait()
    finally:
        load.end()
    judge(house, load)
    back_in_time(load)


def test_f3_backend_killed(house):
    """One backend of the engine: PostgreSQL ends all sessions and recovers. More often than others, since a moment matters: rows
    of a statement can be on their way before its commit is."""
    load = house.load("f3-backend", requests=10000, seconds=8)
    try:
        for _ in range(5):
            time.sleep(0.7)
            backends = []
            house.until(lambda: backends.extend(house.sql("SELECT pid FROM pg_stat_activity WHERE usename = 'siegel_ca'")) or backends)
            house.kill(backends[0][0])
        load.wait()
    finally:
        load.end()
    judge(house, load)
    back_in_time(load)


def test_f3_connections_ended(house):
    """pg_terminate_backend of each connection of the engine, at a moment of its choice."""
    load = house.load("f3-terminate", requests=6000, seconds=5)
    try:
        for _ in range(4):
            time.sleep(0.7)
            house.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'siegel_ca'")
        load.wait()
    finally:
        load.end()
    judge(house, load)
    back_in_time(load)


def test_f3_engine_that_couldnt_read_the_store(house):
    """What an engine has never read isn't "not found": the client is told to come again (its chains have another writer here)."""
    chains = [f"ca.{worker}.{lane}" for worker in range(4) for lane in range(4)]
    holder = psycopg2.connect(house.dsn)
    taking = threading.Thread(
        target=lambda: holder.cursor().execute("SELECT pg_advisory_lock(hashtextextended('audit ' || c, 0)) FROM unnest(%s) c", (chains,))
    )
    try:
        taking.start()  # it stands in line behind the engine, and is before the next one
        house.restart("siegel-ca")
        taking.join()
        answers = set()
        until = time.monotonic() + 4
        while time.monotonic() < until:
            answers.add(house.issue("never-read")[0])
            time.sleep(0.1)
        assert answers == {503}, answers
        with concurrent.futures.ThreadPoolExecutor() as pool:
            waits = pool.submit(house.issue, "waits")
            time.sleep(1)
            holder.close()
            assert waits.result()[0] == 201, waits.result()  # it came too early, and not in vain
    finally:
        holder.close()
    house.until_issuing(timeout=20)


def test_f7_one_insert_fails_after_signing(house):
    """The certificate that can't be stored isn't handed out, its neighbours are; later the same key gives exactly one."""
    house.sql(
        """CREATE FUNCTION siegel.aimed() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN RAISE EXCEPTION 'aimed'; END $$;
           CREATE TRIGGER aimed BEFORE INSERT ON siegel.certificate FOR EACH ROW WHEN (NEW.common_name = 'aimed')
           EXECUTE FUNCTION siegel.aimed()"""
    )
    load = house.load("f7", requests=4000, seconds=3)
    try:
        for _ in range(5):
            status, document = house.issue("aimed", key="f7-aimed")
            assert status == 0 or status >= 500, document
            assert "aimed" not in str(document).replace("f7-aimed", ""), "the store's message went to the client"
        load.wait()
    finally:
        load.end()
        house.sql("DROP TRIGGER aimed ON siegel.certificate; DROP FUNCTION siegel.aimed()")
    assert house.sql("SELECT count(*) FROM certificate WHERE common_name = 'aimed'") == [(0,)]
    house.until(lambda: house.issue("aimed", key="f7-aimed")[0] in (200, 201))
    assert house.issue("aimed", key="f7-aimed")[0] in (200, 201)
    assert house.sql("SELECT count(*) FROM certificate WHERE common_name = 'aimed'") == [(1,)]
    judge(house, load)
    back_in_time(load)


@pytest.mark.parametrize("fault", ["error 0x30 4", "error 0x5 4", "error 0xe0 2", "error 0x101 2"])
def test_f8_token_fails(house, fault):
    """CKR_DEVICE_ERROR, CKR_GENERAL_ERROR, CKR_TOKEN_NOT_PRESENT, CKR_USER_NOT_LOGGED_IN. After each a worker waits a second."""
    load = house.load("f8-" + fault.replace(" ", "-"), requests=3000, seconds=4)
    try:
        house.fault(fault)
        load.wait()
    finally:
        load.end()
    assert house.faults.read_text().endswith(" 0\n"), "the fault didn't happen"
    judge(house, load)
    back_in_time(load)


def test_f8_token_stalls(house):
    """A worker that waits for the token holds up its own requests alone."""
    load = house.load("f8-stall", requests=6000, seconds=4)
    try:
        time.sleep(0.5)
        house.fault("stall 1500 2")
        load.wait()
    finally:
        load.end()
    judge(house, load)
    back_in_time(load)


def test_f8_token_hangs(house):
    """A call that doesn't come back costs the workers that are in it; then the token is left alone, and everybody is told so at once. OCSP
    goes on. When the token is well, issuing is: with the same master."""
    first = house.service_pid("siegel-ca")
    ended = lambda: house.log("siegel-ca").count("a token stalls")
    up = lambda: house.status_of(house.access["SIEGEL_OCSP_URL"]) in (200, 400, 405)
    load = house.load("f8-hang", requests=4000, seconds=3)
    try:
        house.fault("stall 600000")
        house.until(ended, timeout=12)
        house.until(lambda: house.issue("stalled")[0] == 503, timeout=12)
        before = ended()
        for _ in range(20):
            start = time.monotonic()
            assert house.issue("stalled")[0] == 503
            assert time.monotonic() - start < 2.5  # a call of the token has 3 s
            assert up()
        assert ended() <= before + 1, "worker after worker went into the token"
        house.fault("")
        house.until_issuing(30)
        load.wait()
    finally:
        house.fault("")
        load.end()
    assert house.service_pid("siegel-ca") == first
    judge(house, load)


@pytest.mark.parametrize("fault", ["wrong", "zero", "short"])
def test_f8_wrong_signature_is_not_handed_out(house, fault):
    """While the token signs wrongly nobody gets anything; when it is well again issuing goes on without a restart."""
    first = house.service_pid("siegel-ca")
    house.fault(fault)
    before = house.sql("SELECT count(*) FROM certificate")
    for i in range(10):
        status, document = house.issue(f"{fault}-{i}")
        assert status >= 500, document
    assert house.sql("SELECT count(*) FROM certificate") == before
    house.fault("")
    assert house.until_issuing() < BACK_WITHIN_SEC
    assert house.service_pid("siegel-ca") == first
    judge(house)


def test_f8_wrong_signatures_under_load(house):
    load = house.load("f8-load", requests=2000, seconds=3)
    try:
        for fault in ("wrong 1", "zero 1", "short 1"):
            house.fault(fault)
            time.sleep(1.2)
        load.wait()
    finally:
        load.end()
    judge(house, load)
    back_in_time(load)


def test_f8_jobs_wait_for_the_token(house):
    """The token takes nobody in: jobs that need it rest, others go on, one that rests can be cancelled, the other one is done when it is well."""
    status_of = lambda job: house.request("GET", f"/api/v2.0/jobs/{job}")[1]["data"]["attributes"]["status"]
    house.restart("siegel-ca")  # the runner opens the token when a job wants it, and keeps it
    house.until_issuing()
    imports = [house.make_import(b"nothing that is known") for _ in range(2)]
    made = house.issue("revoked-meanwhile")[1]["data"]["id"]
    failed = lambda: house.log("siegel-ca").count("opens no session")
    before = failed()
    house.fault("in C_OpenSession error 0xe0")  # the manager, which starts the imports, is in
    rests, cancelled = (house.ask_for_job(f"/imports/{i}/start") for i in imports)
    for _ in range(3):
        revoking = house.ask_for_job("/certificates/revoke", {"data": {"type": "revoke", "attributes": {"ids": [made]}}})
        house.until(lambda: status_of(revoking) == "done", timeout=5)
        time.sleep(1.5)
    assert house.sql(f"SELECT status FROM certificate WHERE id = {made}") == [(2,)]
    assert {status_of(rests), status_of(cancelled)} <= {"queued", "running"}
    assert failed() > before
    assert house.request("POST", f"/api/v2.0/jobs/{cancelled}/cancel")[0] == 200
    house.until(lambda: status_of(cancelled) == "cancelled", timeout=8)
    house.fault("")
    house.until(lambda: status_of(rests) == "done", timeout=30)
    house.until_issuing(timeout=20)


def test_stop_under_load(house):
    """TERM is no crash: what is under way is finished or asked again, and nothing is lost."""
    load = house.load("stop", requests=4000, seconds=4)
    try:
        time.sleep(1)
        os.kill(house.service_pid("siegel-ca"), signal.SIGTERM)
        time.sleep(1.5)
        os.kill(house.service_pid("siegel-api"), signal.SIGTERM)
        load.wait()
    finally:
        load.end()
    judge(house, load)
    back_in_time(load)


def test_signatures_of_all_certificates(house):
    """Whatever happened above: each stored certificate verifies under its CA."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

    cas = {ca: x509.load_der_x509_certificate(bytes(der)).public_key() for ca, der in house.sql("SELECT id, certificate FROM ca")}
    rows = house.sql("SELECT ca_id, der FROM certificate")
    assert len(rows) > 1000
    for ca, der in rows:
        certificate = x509.load_der_x509_certificate(bytes(der))
        cas[ca].verify(certificate.signature, certificate.tbs_certificate_bytes, ec.ECDSA(certificate.signature_hash_algorithm))
