"""The engine goes on issuing whatever one client, one CRL or one commit does."""

import os
import socket
import struct
import threading
import time
import uuid
from pathlib import Path

import pytest

import support

STATUS_REQUEST = b"\x00\x00\x00\x02\x32\x00"  # frame of a Request whose operation is an empty Status


def connect_as_api(instance):
    """A connection to the engine by the user that it answers on ca.api.sock."""
    path = Path(instance.config["sockets"]["dir"]) / "ca.api.sock"
    owner, group = os.stat(path).st_uid, os.stat(path).st_gid
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(5)
    was = os.geteuid(), os.getegid()
    try:
        if was[0] == 0:
            os.setegid(group)
            os.seteuid(owner)
        sock.connect(str(path))
    finally:
        os.seteuid(was[0])
        os.setegid(was[1])
    return sock


def read_exactly(sock, n):
    data = b""
    while len(data) < n:
        part = sock.recv(n - len(data))
        if not part:
            raise ConnectionError("the engine closed the connection")
        data += part
    return data


def status_reply(sock):
    sock.sendall(STATUS_REQUEST)
    (n,) = struct.unpack(">I", read_exactly(sock, 4))
    return read_exactly(sock, n)


def test_a_client_that_does_not_read_stops_nobody(instance, rest):
    """Its replies fill the socket; then it loses the connection, and no worker waits for it."""
    workers = instance.config.getint("ca", "workers", fallback=2)
    held = []
    for _ in range(2 * workers):
        sock = connect_as_api(instance)
        assert status_reply(sock)
        with pytest.raises(OSError):
            for _ in range(20000):
                sock.sendall(STATUS_REQUEST)
                time.sleep(0.0002)  # one request at a time: a second before its reply was sent would break the rules
            raise AssertionError("the engine went on answering a client that reads nothing")
        held.append(sock)
    try:
        for _ in range(2 * workers):
            sock = connect_as_api(instance)
            assert status_reply(sock)
            sock.close()
        rest.issued()
    finally:
        for sock in held:
            sock.close()


def test_revocations_that_wait_leave_lanes_for_issuing(instance, rest, other_tenant):
    """While a long CRL of a CA is being made its revocations wait; other work goes on, and they are carried out in the end."""
    theirs = other_tenant.rest()
    made = [theirs.issued("cert_client") for _ in range(12)]
    (ca,) = instance.sql(f"SELECT ca_id FROM certificate WHERE id = {made[0]['id']}")[0]
    answers = []

    def revoke(resource):
        answers.append(other_tenant.rest().post(f"/certificates/{resource['id']}/revoke",
                                                {"data": {"type": "revocation", "attributes": {"reason": "superseded"}}}))

    instance.sql("BEGIN", "siegel_ca")
    try:
        instance.sql(f"SELECT id FROM ca WHERE id = {ca} FOR UPDATE", "siegel_ca")
        threads = [threading.Thread(target=revoke, args=(r,)) for r in made]
        for thread in threads:
            thread.start()
        support.wait_until(lambda: instance.count("pg_locks", "NOT granted") > 0)
        for _ in range(6):
            rest.issued()
        assert answers == []
    finally:
        instance.sql("ROLLBACK", "siegel_ca")
    for thread in threads:
        thread.join(60)
    assert [a.status for a in answers] == [200] * len(made)


def test_a_doubted_commit_costs_one_request(instance, rest):
    """PostgreSQL warns when it can't say whether a commit was replicated. Nothing is handed out on that, and the lane comes back."""
    marker = f"doubt-{uuid.uuid4().hex[:10]}"
    instance.sql(f"CREATE FUNCTION \"{marker}\"() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                 f"RAISE WARNING 'might not have been replicated'; RETURN NULL; END $$; "
                 f"CREATE TRIGGER \"{marker}\" AFTER INSERT ON audit FOR EACH ROW WHEN (NEW.detail LIKE '%{marker}%') "
                 f"EXECUTE FUNCTION \"{marker}\"()")
    try:
        for _ in range(4):
            assert rest.issue(cn=f"{marker}.example").status == 503
        # Every lane has had its turn.
        for _ in range(30):
            support.wait_until(lambda: rest.issue().status == 201, 5)
        assert [rest.issue().status for _ in range(30)] == [201] * 30
    finally:
        instance.sql(f"DROP TRIGGER \"{marker}\" ON audit; DROP FUNCTION \"{marker}\"()")
    assert instance.count("certificate", f"subject LIKE '%{marker}%'") == 0
    assert instance.count("intent", "abandoned_at IS NULL AND created_at < now() - '2 seconds'::interval") == 0


def test_no_certificate_for_a_key_that_nobody_gets(instance):
    """A client that leaves while its RSA key is being made would never get that key."""
    name = f"gone-{uuid.uuid4().hex[:10]}"

    def field(number, data):
        return bytes([number << 3 | 2, len(data)]) + data

    requestor = field(1, b"\x08\x01" + field(3, b"nobody") + field(6, b"rest"))
    message = requestor + field(2, b"client") + field(5, b"rsa4096") + field(6, field(1, b"CN") + field(2, name.encode()))
    request = bytes([1 << 3 | 2, len(message)]) + message
    assert len(message) < 128
    for _ in range(4):
        sock = connect_as_api(instance)
        sock.sendall(struct.pack(">I", len(request)) + request)
        time.sleep(0.02)  # it is read before the end of the connection is seen, and the key takes longer
        sock.close()
    # Keys are made one after the other: the next one of each worker comes after those.
    for _ in range(2 * instance.config.getint("ca", "workers", fallback=2)):
        sock = connect_as_api(instance)
        sock.settimeout(30)
        asked = request.replace(name.encode(), name.replace("gone", "here").encode()).replace(b"rsa4096", b"rsa2048")
        sock.sendall(struct.pack(">I", len(asked)) + asked)
        (n,) = struct.unpack(">I", read_exactly(sock, 4))
        read_exactly(sock, n)
        sock.close()
    assert instance.count("certificate", f"common_name = '{name}'") == 0
    assert instance.count("certificate", f"common_name = '{name.replace('gone', 'here')}'") > 0
