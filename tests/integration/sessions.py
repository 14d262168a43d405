"""A browser's part in signing in: a cookie, the headers that browsers send of themselves, and an app for second factors."""

import base64
import hashlib
import hmac
import re
import struct
import time
import uuid

import support

COOKIE = "__Host-siegel-session"
PASSWORD = "correct horse battery staple"


def totp(secret, when=None, skew=0):
    """RFC 6238, written here a second time."""
    step = int((time.time() if when is None else when) // 30) + skew
    mac = hmac.new(base64.b32decode(secret), struct.pack(">Q", step), hashlib.sha1).digest()
    at = mac[19] & 15
    return f"{(struct.unpack('>I', mac[at:at + 4])[0] & 0x7fffffff) % 1000000:06d}"


def no_totp(secret):
    """Six digits that no app shows in the next quarter of an hour, nor has shown in the last minutes."""
    shown = {totp(secret, skew=skew) for skew in range(-10, 31)}
    return next(code for code in (f"{n:06d}" for n in range(len(shown) + 1)) if code not in shown)


class Browser:
    """One that keeps our cookie. headers: what a test changes of what browsers send; None takes one away."""

    def __init__(self, instance, source=None):
        self.instance, self.cookie, self.secret = instance, None, None
        self.rest = instance.rest(source=source or support.new_address())
        self.origin = f"https://{instance.host}:{instance.port}"
        self.password, self.recovery, self.name = PASSWORD, [], None

    def __call__(self, method, path, body=None, headers=None):
        send = {"Sec-Fetch-Site": "same-origin", "X-Siegel-Console": "1"}
        if method not in ("GET", "HEAD"):
            send["Origin"] = self.origin
        if self.cookie:
            send["Cookie"] = f"{COOKIE}={self.cookie}"
        send.update(headers or {})
        answer = self.rest.request(method, path, body, headers=send)
        found = re.match(COOKIE + r"=([a-z2-7]*); (.*)", answer.headers.get("set-cookie", ""))
        if found:
            self.cookie, self.flags = found.group(1) or None, found.group(2)
        return answer

    def post(self, path, headers=None, /, **attributes):
        return self("POST", path, {"data": {"type": path.rsplit("/", 1)[-1], "attributes": attributes}}, headers)

    def sign_in(self, name, headers=None, **evidence):
        self.name = name
        return self.post("/sessions", headers, name=name, **evidence)

    def step(self, step, headers=None, /, **attributes):
        return self.post(f"/sessions/current/{step}", headers, **attributes)

    def now(self):
        return self("GET", "/sessions/current")

    def enrol(self):
        """The second factor of an account that has none."""
        answer = self.step("totp")
        assert answer.status == 200, answer
        self.secret = answer.attributes["secret"]
        answer = self.step("totp_confirm", code=totp(self.secret))
        assert answer.status == 200, answer
        self.recovery = answer.attributes["recovery_codes"]
        return answer

    def first(self, name, code, password=PASSWORD):
        """The whole first sign-in."""
        assert self.sign_in(name, one_time_code=code).status == 201
        answer = self.step("password", password=password)
        assert answer.status == 200, answer
        self.password = password
        return self.enrol()

    def again(self, other=None):
        """Signs in with password and the next code; other: the browser that knows them."""
        other = other or self
        self.name, self.password, self.secret = other.name, other.password, other.secret
        answer = self.sign_in(self.name, password=self.password)
        assert answer.status == 201, answer
        fresh_code(self.instance, self.name)
        return self.step("second_factor", code=totp(self.secret))


def fresh_code(instance, name):
    """A code is good once, and a test doesn't wait half a minute: what was used is taken back in the store."""
    instance.sql(f"UPDATE second_factor SET last_step = 0, failures = 0 FROM account a WHERE a.id = account_id AND a.name = '{name}'")


def new_account(tenant, role="administrator"):
    """Name and one-time code of a new account."""
    return tenant.account(role, "one_time", f"{role[:8]}-{uuid.uuid4().hex[:8]}")
