"""Orders on their way to the engine: common names, people who approve, a front end that is killed; and refusals before a request is read."""

import socket
import threading
import time

import pytest
from cryptography import x509

import acme
import acme_fixtures
import support


directory = acme_fixtures.one_directory()


@pytest.fixture
def client(directory):
    return directory.client(names=["dns:.walk.example"])


def host():
    return f"{acme.mark()}.walk.example"


def dns_names(certificate):
    return sorted(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName))


# ---------------------------------------------------------------- common names


def test_a_name_that_is_the_common_name_alone(client):
    """RFC 8555 7.4: a name may stand in the common name, in the alternative names, or in both. The certificate has all among its alternative names."""
    a, b = host(), host()
    order = client.order(a, b)
    order.finalize(csr=order.request(b, cn=a))
    assert order.status == "valid", order.answer
    assert dns_names(order.chain()[0]) == sorted([a, b])
    order = client.order(a)
    assert dns_names(order.finalize(csr=order.request(cn=a)).wait().chain()[0]) == [a]


def test_a_common_name_that_is_none_of_the_order(client):
    a, b = host(), host()
    order = client.order(a)
    answer = order.try_finalize(order.request(a, cn=b))
    assert answer.status == 400 and answer.type == "badCSR"


@pytest.mark.parametrize("named", [False, True])
def test_the_profile_server_as_it_is_made(rest, named):
    """A newcomer's directory: clients send no common name (certbot) or one (lego)."""
    directory = acme.Directory(rest, {"server": "server"})
    try:
        client, name = directory.client(names=["dns:.walk.example"]), host()
        order = client.order(name)
        order.finalize(csr=order.request(name, cn=name if named else None))
        assert order.status == "valid", order.answer
        certificate = order.chain()[0]
        assert dns_names(certificate) == [name]
        assert certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).critical == (not named)  # RFC 5280 4.2.1.6
    finally:
        directory.delete()


def test_a_profile_that_wants_a_common_name(rest):
    """The order's error says the way out."""
    directory = acme.Directory(rest, {"server": (profile := acme.server_profile(rest))})
    acme.change_profile(rest, profile, subject_required=["CN"])  # one that wants it isn't taken when the directory is made
    try:
        client, name = directory.client(names=["dns:.walk.example"]), host()
        order = client.order(name).finalize(name)
        assert order.status == "invalid" and order.json["error"]["type"] == acme.URN + "badCSR", order.answer
        assert "wants a CN" in order.json["error"]["detail"] and "subject_required" in order.json["error"]["detail"]
        order = client.order(name)
        assert order.finalize(csr=order.request(name, cn=name)).status == "valid"
    finally:
        directory.delete()


# ---------------------------------------------------------------- people who approve


@pytest.fixture
def waits(rest, profile):
    """waits(name): orders with it wait for somebody who approves."""
    made = []

    def make(name):
        answer = rest.post("/policies", {"data": {"type": "policies", "attributes": {
            "name": acme.mark("p"), "enabled": True, "condition": f'$.source == "acme" && $.names[*] == "dns:{name}"',
            "rules": [{"name": "look", "approve": {"count": 1, "right": "approvals.decide"}, "message": "somebody looks"}]}}})
        assert answer.status == 201, answer
        made.append(answer.data["id"])

    yield make
    for one in made:
        rest.delete(f"/policies/{one}")


def waiting(rest, name):
    return [a["id"] for a in rest.get("/approvals?filter[status]=open").data if name in str(a)]


def asked_again(instance, order):
    """The time that it had to wait has passed."""
    instance.sql(f"UPDATE acme_order SET claimed_until = now() WHERE id = {order.id}")
    return order.poll()


@pytest.mark.parametrize("action", ["approve", "reject"])
def test_people_approve(instance, rest, client, waits, action):
    name = host()
    waits(name)
    order = client.order(name).finalize(name)
    assert order.status == "processing" and "certificate" not in order.json, order.answer
    assert int(order.answer.headers["retry-after"]) > 1
    for age, least, most in ((0, 1, 3), (300, 25, 40), (86400, 60, 60)):  # who waits for long is asked to come less often
        instance.sql(f"UPDATE acme_order SET expires_at = now() + interval '168 hours' - interval '{age} seconds' WHERE id = {order.id}")
        assert least <= int(order.poll().answer.headers["retry-after"]) <= most, (age, order.answer)
    (approval,) = waiting(rest, name)
    assert asked_again(instance, order).status == "processing" and waiting(rest, name) == [approval]
    csr = order.request(name)
    answer = order.try_finalize(csr)
    assert answer.status == 403 and answer.type == "orderNotReady"
    done = support.Tenant(instance, "default").rest().post(f"/approvals/{approval}/{action}", {"data": {"type": action}})
    assert done.status == 200, done
    assert asked_again(instance, order).status == ("valid" if action == "approve" else "invalid"), order.answer
    if action == "approve":
        assert dns_names(order.chain()[0]) == [name]
    else:
        assert order.json["error"]["type"] == acme.URN + "unauthorized" and "rejected" in order.json["error"]["detail"], order.answer
        assert instance.sql(f"SELECT count(*) FROM certificate WHERE 'dns:{name}' = ANY (names)") == [["0"]]


# ---------------------------------------------------------------- a front end that dies


def certificates(instance, name):
    return int(instance.sql(f"SELECT count(*) FROM certificate WHERE 'dns:{name}' = ANY (names)")[0][0])


def test_what_the_engine_issued_is_found_again(instance, client):
    name = host()
    order = client.order(name).finalize(name)
    serial = order.chain()[0].serial_number
    instance.sql(f"UPDATE acme_order SET status = 'processing', certificate_id = NULL, claimed_until = now() WHERE id = {order.id}")
    assert order.poll().status == "valid" and order.chain()[0].serial_number == serial
    assert certificates(instance, name) == 1


def test_a_front_end_is_killed(instance, client):
    """Between the engine's answer and the store's: a trigger keeps the store waiting, and what it was told is taken back, as when nobody had told it."""
    name = host()
    order = client.order(name)
    instance.sql(f"""CREATE FUNCTION siegel.test_hold() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN PERFORM pg_sleep(3); RAISE EXCEPTION 'the front end died'; END $$""", role="postgres")
    instance.sql(f"""CREATE TRIGGER test_hold BEFORE UPDATE ON siegel.acme_order FOR EACH ROW
      WHEN (NEW.id = {order.id} AND NEW.status = 'valid') EXECUTE FUNCTION siegel.test_hold()""", role="postgres")
    csr = order.request(name)
    body = client.signed(order.json["finalize"], {"csr": acme.b64(csr)})
    got = []
    asks = threading.Thread(target=lambda: got.append(client.send(order.json["finalize"], body)))
    try:
        asks.start()
        support.wait_until(lambda: certificates(instance, name) == 1, 10, 0.05)
        time.sleep(0.3)
        instance.command("sv", "kill", f"{instance.run}/service/siegel-acme")
        asks.join(40)
        assert got and got[0].status >= 500, got
    finally:
        time.sleep(3.5)
        instance.sql("DROP TRIGGER test_hold ON siegel.acme_order", role="postgres")
        instance.sql("DROP FUNCTION siegel.test_hold", role="postgres")
    support.wait_until(lambda: acme.Client(instance, client.label).http("GET", f"{instance.acme_url}/{client.label}/directory").status == 200, 20)
    client.nonce = None
    assert instance.sql(f"SELECT status FROM acme_order WHERE id = {order.id}") == [["processing"]]
    assert order.poll().status == "processing"  # who had it may still have it
    assert asked_again(instance, order).status == "valid"
    assert dns_names(order.chain()[0]) == [name] and certificates(instance, name) == 1


# ---------------------------------------------------------------- refusals of the guard


def told(instance, text):
    """The answer of siegel-acme itself, without the edge."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(f"{instance.config['sockets']['dir']}/acme.sock")
        s.sendall(text.encode())
        answer = b""
        while piece := s.recv(65536):
            answer += piece
    return answer.decode()


def test_a_refusal_before_the_request_is_read_has_a_nonce(instance, client):
    """What the edge lets through, and the process behind it doesn't, is refused with a nonce to go on with (RFC 8555 6.5)."""
    answer = told(instance, f"POST /acme/{client.label}/new-order HTTP/1.1\r\nHost: a\r\nContent-Type: application/jose+json\r\n"
                            "Content-Type: application/jose+json\r\nContent-Length: 2\r\n\r\n{}")
    head = answer.split("\r\n\r\n")[0].lower()
    assert head.startswith("http/1.1 400") and "content-type: application/problem+json" in head, answer
    nonce = next(line.split(": ", 1)[1] for line in answer.split("\r\n") if line.lower().startswith("replay-nonce"))
    client.nonce = nonce
    assert client.post(client.directory["newOrder"], {"identifiers": [{"type": "dns", "value": host()}]}).status == 201


def test_after_a_refusal_by_the_edge_a_nonce_is_fetched(directory, client):
    """RFC 8555 6.5 recommends one with an error; the edge, which has none, says as a problem what is wrong, and the next request goes through."""
    answer = support.http_get(client.directory["newOrder"], context=client.instance.tls_context(), method="POST", body=b"x" * 300000,
                              headers={"Content-Type": "application/jose+json"})
    assert answer.status == 413 and answer.headers["content-type"] == "application/problem+json", answer
    assert answer.json["type"].startswith(acme.URN) and "replay-nonce" not in answer.headers
    client.nonce = None
    assert client.order(host()).answer.status == 201
