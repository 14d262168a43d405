"""What the tests of csrattrs, serverkeygen and fullcmc share: profiles and labels of their own, certificates to ask with."""

import uuid

import support


def mark(prefix):
    return f"{prefix}-{uuid.uuid4().hex[:10]}"


def document(resource, **attributes):
    return {"data": {"type": resource, "attributes": attributes}}


def made(answer):
    assert answer.status == 201, answer
    return answer.data


class Doors:
    """Profiles and labels that are gone when the test ends."""

    def __init__(self, instance, rest):
        self.instance, self.rest, self.paths = instance, rest, []

    def profile(self, template="device", **definition):
        """The name of a new one: the template with these members changed."""
        profile = made(self.rest.post("/profiles", document("profiles", name=mark("p"), template=template, definition=definition)))
        return profile["attributes"]["name"]

    def label(self, **attributes):
        attributes = {"name": mark("l"), "profile": "device", "auth": ["password", "certificate"], **attributes}
        label = made(self.rest.post("/est_labels", document("est_labels", **attributes)))
        self.paths.append(f"/est_labels/{label['id']}")
        return label["attributes"]["name"]

    def identity(self, folder, profile="client", kind="p256", cn=None, ca=None, **more):
        """A certificate of ours with its key in files."""
        return Identity(self.rest, folder, profile, kind, cn or f"{mark('d')}.example", ca, **more)

    def close(self):
        for path in reversed(self.paths):
            assert self.rest.delete(path).status in (204, 404)


class Identity:
    def __init__(self, rest, folder, profile, kind, cn, ca=None, **more):
        self.rest, self.cn, self.key = rest, cn, support.new_key(kind)
        if ca:
            more["ca"] = ca
        csr = support.csr_pem(support.new_csr(cn, key=self.key))
        answer = rest.issue("cert_client", profile=profile, cn=cn, csr=csr, **more)
        self.resource = made(answer)
        self.pem = self.resource["attributes"]["pem"]
        self.certificate = support.load_cert(self.pem)
        self.cert_path, self.key_path = support.write_identity(folder, self.pem, self.key, name=mark("i"))

    def revoke(self):
        answer = self.rest.post(f"/certificates/{self.resource['id']}/revoke", {"data": {"type": "revoke", "attributes": {"reason": "superseded"}}})
        assert answer.status in (200, 204), answer
