"""The catalogue of abuse cases: where each row is tested, or why it doesn't apply yet.

Rows with a test here are marked in the tests themselves (@pytest.mark.rows); test_rows.py compares. `elsewhere` names a test that isn't
pytest's; `later` says what the row waits for.
"""

T = [f"T{n:02}" for n in range(1, 26)]
A = [f"A{n:02}" for n in range(1, 23)]
R = [f"R{n:02}" for n in range(1, 25)]
L = ["L01", "L02"]
X = ["X05"]
ALL = T + A + R + L + X

ELSEWHERE = {
    "A02": "tests/unit/ca/test_csr.c turns over every bit",
    "A21": "tests/shim: a token whose answers are wrong, in the crash tests; the product's own random numbers come from OpenSSL's generator, "
           "which the process doesn't share",
}

LATER = {
    "R19": "there is no interface that signs what a client sends",
    "R20": "there is no interface that decrypts",
    "R21": "no address that a client sets is ever contacted",
}
