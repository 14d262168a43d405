"""Types of keys from outside: profiles that name them, requests made by openssl and keys made here, verified by openssl; hierarchies of other types
than the usual, with CRL and OCSP. All CAs by all signature algorithms are a matter of tests/unit/ca/test_matrix.c."""

import re
import subprocess
import uuid

import pytest

import support

DEFINITION = {
    "days": 30, "max_days": 60, "key_usage": ["digitalSignature", "keyEncipherment", "keyAgreement"], "extended_key_usage": ["clientAuth"],
    "subject_required": ["CN"], "subject_allowed": ["CN"], "key_reuse": "never",
}
KEM_DEFINITION = DEFINITION | {"extended_key_usage": ["emailProtection"], "keys": ["mlkem"]}
# type: what openssl genpkey is asked for
REQUESTS = {
    "secp256k1": ["EC", "ec_paramgen_curve:secp256k1"], "brainpoolp384t1": ["EC", "ec_paramgen_curve:brainpoolP384t1"],
    "sect571r1": ["EC", "ec_paramgen_curve:sect571r1"], "prime239v1": ["EC", "ec_paramgen_curve:prime239v1"],
    "rsa2056": ["RSA", "rsa_keygen_bits:2056"], "rsapss2048": ["RSA-PSS", "rsa_keygen_bits:2048"],
    "rsapss2048-bound": ["RSA-PSS", "rsa_keygen_bits:2048", "rsa_pss_keygen_md:sha256", "rsa_pss_keygen_mgf1_md:sha256",
                         "rsa_pss_keygen_saltlen:32"],
    "ed448": ["ED448"], "mldsa44": ["ML-DSA-44"], "mldsa87": ["ML-DSA-87"], "slhdsa-sha2-128f": ["SLH-DSA-SHA2-128f"],
}
HIERARCHIES = {  # root, issuing CA, key of its OCSP signer if that is worth waiting for
    "classic": ("ed448", "rsapss3072", None), "lattice": ("mldsa65", "mldsa44", "ML-DSA-44"),
    "hash": ("slhdsa-sha2-128f", "slhdsa-sha2-128f", "ML-DSA-44"),
}
WEAK = {"secp112r1": "secp112r1", "secp192r1": "prime192v1", "sect163k1": "sect163k1", "brainpoolp192r1": "brainpoolP192r1"}


def run(*command):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=30, check=False)


def have(algorithm):
    """Does OpenSSL here, which is also that of the engine, know it?"""
    return algorithm in run("openssl", "list", "-public-key-algorithms").stdout


def new_profile(rest, definition, **keys):
    name = f"alg-{uuid.uuid4().hex[:8]}"
    return name, rest.post("/profiles", {"data": {"type": "profiles", "attributes": {
        "name": name, "kind": "cert_client", "title": "any algorithm", "definition": definition | keys}}})


@pytest.fixture(scope="module", autouse=True)
def tenants(instance, tmp_path_factory):
    """One for each hierarchy that can be made here, before all else: siegel-va looks for new CAs twice a minute."""
    made = {}
    for word, (root, issuing, _) in HIERARCHIES.items():
        name, folder = f"t-{uuid.uuid4().hex[:10]}", tmp_path_factory.mktemp(word)
        if "dsa" in root and not have("ML-DSA-65"):
            with pytest.raises(AssertionError, match="(?s)exit 1.*cryptographic library"):
                support.make_tenant(instance, name, folder, root, issuing)
        else:
            made[word] = support.make_tenant(instance, name, folder, root, issuing)
    return made


@pytest.fixture(scope="module")
def any_key(instance):
    keys = ["ec>=224", "rsa>=2048", "rsapss>=2048", "ed25519", "ed448", "mldsa", "slhdsa"]
    name, answer = new_profile(instance.rest(instance.token), DEFINITION, keys=keys)
    assert answer.status == 201, answer
    return name


@pytest.fixture(scope="module")
def kem(instance):
    name, answer = new_profile(instance.rest(instance.token), KEM_DEFINITION)
    assert answer.status == 201, answer
    return name


def verify(instance, folder, attributes):
    """By openssl up to the root; gives what it shows."""
    (folder / "leaf.pem").write_text(attributes["pem"])
    (folder / "chain.pem").write_text(attributes["chain_pem"])
    done = run("openssl", "verify", "-x509_strict", "-CAfile", instance.root, "-untrusted", folder / "chain.pem", folder / "leaf.pem")
    assert done.returncode == 0, done.stderr
    return run("openssl", "x509", "-in", folder / "leaf.pem", "-noout", "-text").stdout


@pytest.mark.parametrize("kind", REQUESTS)
def test_request(instance, rest, any_key, tmp_path, kind):
    algorithm, *options = REQUESTS[kind]
    made = run("openssl", "genpkey", "-algorithm", algorithm, "-out", tmp_path / "key.pem", *(a for o in options for a in ("-pkeyopt", o)))
    if made.returncode != 0:
        assert not have(algorithm), made.stderr
        pytest.skip(f"OpenSSL here has no {algorithm}")
    cn = f"{kind}.example"
    digest = [] if algorithm.startswith(("ED", "ML", "SLH")) else ["-sha256"]
    csr = run("openssl", "req", "-new", "-key", tmp_path / "key.pem", "-subj", f"/CN={cn}", *digest).stdout
    answer = rest.issue("cert_client", profile=any_key, cn=cn, csr=csr)
    assert answer.status == 201, answer
    text = verify(instance, tmp_path, answer.attributes)
    assert "Key Encipherment" not in text or kind.startswith("rsa2")
    assert ("Key Agreement" in text) == (algorithm == "EC")
    key = run("openssl", "pkey", "-in", tmp_path / "key.pem", "-pubout").stdout
    assert run("openssl", "x509", "-in", tmp_path / "leaf.pem", "-noout", "-pubkey").stdout == key


@pytest.mark.rows("A11")
@pytest.mark.parametrize("word", WEAK)
def test_weak_curve(rest, any_key, tmp_path, word):
    run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{WEAK[word]}", "-out", tmp_path / "key.pem")
    csr = run("openssl", "req", "-new", "-key", tmp_path / "key.pem", "-subj", "/CN=weak.example", "-sha256").stdout
    answer = rest.issue("cert_client", profile=any_key, cn="weak.example", csr=csr)
    assert answer.status == 422 and answer.error["code"] == "bad_key", answer
    assert re.search("too weak: .* 224 bits", answer.error["detail"]), answer


@pytest.mark.rows("A08", "A11")
@pytest.mark.parametrize("keys, code", [(["prime192v1"], "too weak"), (["secp112r1"], "too weak"), (["rsa1024"], "known"), (["rsa2050"], "known"),
                                        (["rsa>=1024"], "known"), (["ec>=192"], "known"), (["mlkem512"], "mlkem512"), ([], "list")])
def test_profile_that_is_refused(rest, keys, code):
    _, answer = new_profile(rest, DEFINITION, keys=keys)
    assert answer.status == 422 and code in answer.error["detail"], answer


@pytest.mark.parametrize("kind", ["brainpoolp256t1", "sect283k1", "rsapss2048", "ed448", "mldsa65", "slhdsa-shake-128f"])
def test_key_made_here(instance, rest, any_key, tmp_path, kind):
    answer = rest.issue("cert_client", profile=any_key, key_type=kind)
    if kind.startswith(("ml", "slh")) and not have("ML-DSA-65"):
        assert answer.status == 422 and answer.error["code"] == "unsupported", answer
        assert "cryptographic library" in answer.error["detail"], answer
        assert rest.issue("cert_client", profile=any_key, key_type="rsa2048").status == 201  # by the process that makes keys
        return
    assert answer.status == 201, answer
    verify(instance, tmp_path, answer.attributes)
    (tmp_path / "key.pem").write_text(answer.attributes["private_key_pem"])
    assert (run("openssl", "pkey", "-in", tmp_path / "key.pem", "-pubout").stdout
            == run("openssl", "x509", "-in", tmp_path / "leaf.pem", "-noout", "-pubkey").stdout)


@pytest.mark.parametrize("kind", ["mlkem512", "mlkem768", "mlkem1024"])
def test_kem(instance, rest, kem, tmp_path, kind):
    """Such a key only enciphers, and is made here, because it can't sign a request."""
    answer = rest.issue("cert_client", profile=kem, key_type=kind)
    if not have("ML-KEM-768"):
        assert answer.status == 422 and answer.error["code"] == "unsupported", answer
        return
    assert answer.status == 201, answer
    text = verify(instance, tmp_path, answer.attributes)
    assert re.search("X509v3 Key Usage: critical\n *Key Encipherment\n", text)
    spki = run("openssl", "x509", "-in", tmp_path / "leaf.pem", "-noout", "-pubkey").stdout
    csr = (support.DATA / "csr" / "mlkem768-not-signed.der").read_bytes()
    refused = rest.issue("cert_client", profile=kem, csr=support.pem_of_der("CERTIFICATE REQUEST", csr))
    assert refused.status == 422 and spki and "csr" in refused.error["source"]["pointer"], refused


@pytest.mark.parametrize("word", HIERARCHIES)
def test_hierarchy(instance, tenants, tmp_path, word):
    """From the plan to the OCSP answer: openssl verifies the chain, the CRL and the answer, whose signer has a key that such clients know."""
    if word not in tenants:
        pytest.skip("OpenSSL here has no such algorithms")
    rest, signer = tenants[word].rest(), HIERARCHIES[word][2]
    issued = rest.issued("cert_device")
    cas = {c["attributes"]["name"]: c["attributes"] for c in rest.get("/cas").data}
    (tmp_path / "root.pem").write_text(cas["root"]["pem"])
    (tmp_path / "ca.pem").write_text(cas["issuing"]["pem"])
    (tmp_path / "leaf.pem").write_text(issued["attributes"]["pem"])
    crls = [c["attributes"]["url"] for c in rest.get("/crls").data]
    assert len(crls) >= 2
    for i, url in enumerate(crls):
        (tmp_path / "crl.der").write_bytes(support.http_get(url).body)
        (tmp_path / "crls.pem").open("a").write(run("openssl", "crl", "-inform", "DER", "-in", tmp_path / "crl.der").stdout)
    done = run("openssl", "verify", "-x509_strict", "-crl_check_all", "-CRLfile", tmp_path / "crls.pem", "-CAfile", tmp_path / "root.pem",
               "-untrusted", tmp_path / "ca.pem", tmp_path / "leaf.pem")
    assert done.returncode == 0, done.stderr
    if not signer:
        return
    ask = ["openssl", "ocsp", "-issuer", tmp_path / "ca.pem", "-cert", tmp_path / "leaf.pem", "-url", instance.ocsp_url, "-CAfile",
           tmp_path / "root.pem", "-verify_other", tmp_path / "ca.pem", "-resp_text"]
    support.wait_until(lambda: "leaf.pem: good" in run(*ask).stdout, seconds=40)
    done = run(*ask)
    assert "Response verify OK" in done.stderr + done.stdout, done.stderr
    assert f"Public Key Algorithm: {signer}" in done.stdout, done.stdout


@pytest.mark.rows("A08")
def test_below_the_profile(rest, tmp_path):
    """2048 bits where 3072 are wanted; a range takes what lies above its least."""
    name, answer = new_profile(rest, DEFINITION, keys=["rsa>=3072"])
    assert answer.status == 201, answer
    small = (support.DATA / "csr" / "rsa-2048.der").read_bytes()
    answer = rest.issue("cert_client", profile=name, csr=support.pem_of_der("CERTIFICATE REQUEST", small))
    assert answer.status == 422 and answer.error["code"] == "bad_key", answer
    assert "takes no rsa2048 keys, but rsa>=3072" in answer.error["detail"], answer
    csr = run("openssl", "req", "-new", "-newkey", "rsa:3080", "-nodes", "-keyout", tmp_path / "key.pem", "-subj", "/CN=above.example").stdout
    assert rest.issue("cert_client", profile=name, csr=csr).status == 201
