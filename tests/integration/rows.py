"""The catalogue of abuse cases: where each row is tested, or why it doesn't apply yet.

Rows with a test here are marked in the tests themselves (@pytest.mark.rows); test_rows.py compares. `elsewhere` names a test that isn't
pytest's; `later` says what the row waits for.
"""

T = [f"T{n:02}" for n in range(1, 26)]
A = [f"A{n:02}" for n in range(1, 23)]
C = [f"C{n:02}" for n in range(1, 11)]
R = [f"R{n:02}" for n in range(1, 25)]
E = [f"E{n:02}" for n in range(1, 10)]
I = [f"I{n:02}" for n in range(1, 8)]
H = [f"H{n:02}" for n in range(1, 9)]
D = [f"D{n:02}" for n in range(1, 6)]
L = [f"L{n:02}" for n in range(1, 6)]
X = ["X05"]
M = [f"M{n:02}" for n in range(1, 15)]
S = ["S01", "S02"]
W = [f"W{n:02}" for n in range(1, 11)]
ALL = T + A + C + R + E + I + H + D + L + X + M + S + W

ELSEWHERE = {
    "A02": "tests/unit/ca/test_csr.c turns over every bit",
    "A21": "tests/shim: a token whose answers are wrong, in the crash tests; the product's own random numbers come from OpenSSL's generator, "
           "which the process doesn't share",
    **{row: f"tests/unit/hsm/test_faults.c: two tokens behind a shim that misbehaves, test_{row.lower()}_*" for row in H},
    "D03": "tests/unit/db/test_grants.c: each verb on each table as each role",
    "D04": "tests/unit/db/test_grants.c: nobody updates or deletes rows of the log; tests/integration/test_store.py: an owner who did is found",
}

LATER = {
    "I07": "there are no archives to hand in: backups don't go through the product yet",
    "L03": "the log goes to the supervisor; no syslog server is spoken to yet",
    "R19": "there is no interface that signs what a client sends",
    "R20": "there is no interface that decrypts",
    "W08": "nothing takes a picture or a page that it would serve again: there is no logo to upload",
}
