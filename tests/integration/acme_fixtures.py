"""Fixtures that tests of ACME share: directory = acme_fixtures.one_directory() in a module makes its own. profile and network are those of conftest.py."""

import hashlib

import pytest

import acme
import names


def one_directory(**settings):
    """The fixture of one directory for a module, with the module's profile."""

    @pytest.fixture(scope="module")
    def directory(rest, profile):
        made = acme.Directory(rest, {"server": profile}, **settings)
        yield made
        made.delete()

    return directory


def many_directories(**always):
    """The fixture that makes directories: directory(limit=…) gives one with those settings; all go at the end of the test."""

    @pytest.fixture
    def directory(rest, profile):
        made = []

        def make(profiles=None, **settings):
            made.append(acme.Directory(rest, profiles or {"server": profile}, **always, **settings))
            return made[-1]

        yield make
        for one in made:
            one.delete()

    return directory


class Network:
    """A name server and a web server where the instance's probe looks for them."""

    def __init__(self, instance):
        options = instance.config["acme_probe"] if instance.config.has_section("acme_probe") else {}
        self.http_port, self.https_port = int(options.get("http_port", 80)), int(options.get("https_port", 443))
        self.dns = names.NameServer(int(options["resolver"].split("@")[1]))
        self.web = names.WebServer("127.0.0.1", self.http_port)

    def host(self, suffix="net.example"):
        name = f"{acme.mark('h')}.{suffix}"
        self.dns.add(name, "A", "127.0.0.1")
        return name

    def serve(self, authz):
        self.web.files[names.CHALLENGES + authz.challenge("http-01")["token"]] = authz.key_authorization("http-01")

    def txt(self, authz, label="_acme-challenge", kind="dns-01"):
        name = authz.json["identifier"]["value"]
        self.dns.txt(f"{label}.{name}", acme.b64(hashlib.sha256(authz.key_authorization(kind).encode()).digest()))
