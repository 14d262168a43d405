"""Other people's PKIs, made with their own tools: what an import begins with."""

import os
import subprocess

OPENSSL_CNF = """
[ca]
default_ca = ca_default
[ca_default]
dir = {dir}
database = $dir/index.txt
serial = $dir/serial
crlnumber = $dir/crlnumber
new_certs_dir = $dir/certs
certificate = $dir/ca.pem
private_key = $dir/ca.key
default_md = sha256
default_days = 700
default_crl_days = 30
policy = any
unique_subject = no
copy_extensions = copy
crl_extensions = crl_ext
[any]
commonName = supplied
organizationName = optional
[req]
distinguished_name = dn
prompt = no
[dn]
CN = unused
[root_ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[sub_ca]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[leaf]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = {eku}
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[crl_ext]
authorityKeyIdentifier = keyid
"""


def run(*command, cwd=None, input=None):
    done = subprocess.run(command, cwd=cwd, input=input, capture_output=True, timeout=60)
    if done.returncode:
        raise AssertionError(f"{' '.join(map(str, command))}: {done.stderr.decode(errors='replace')}")
    return done.stdout


class OpensslCa:
    """One CA kept by `openssl ca`, under another one or a root."""

    def __init__(self, folder, cn, issuer=None, password=None, eku="serverAuth"):
        self.dir, self.cn, self.issuer, self.password = str(folder), cn, issuer, password
        os.makedirs(os.path.join(self.dir, "certs"))
        self.cnf = self.path("openssl.cnf")
        for name, text in (("index.txt", ""), ("serial", "01\n"), ("crlnumber", "07\n"), ("openssl.cnf", OPENSSL_CNF.format(dir=self.dir, eku=eku))):
            with open(self.path(name), "w", encoding="ascii") as f:
                f.write(text)
        run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", self.path("plain.key"))
        run("openssl", "pkey", "-in", self.path("plain.key"), "-out", self.path("ca.key"),
            *(("-aes256", "-passout", f"pass:{password}") if password else ()))
        if issuer is None:
            run("openssl", "req", "-x509", "-new", "-key", self.path("ca.key"), *self._passin(), "-subj", f"/O=Old Works/CN={cn}", "-days", "3000",
                "-config", self.cnf, "-extensions", "root_ca", "-out", self.path("ca.pem"))
        else:
            run("openssl", "req", "-new", "-key", self.path("ca.key"), *self._passin(), "-subj", f"/O=Old Works/CN={cn}", "-config", self.cnf,
                "-out", self.path("ca.csr"))
            issuer.sign(self.path("ca.csr"), self.path("ca.pem"), "sub_ca")

    def path(self, name):
        return os.path.join(self.dir, name)

    def read(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()

    def _passin(self):
        return ("-passin", f"pass:{self.password}") if self.password else ()

    def sign(self, csr, out, extensions="leaf"):
        run("openssl", "ca", "-batch", "-config", self.cnf, "-in", csr, "-out", out, "-notext", "-extensions", extensions, *self._passin())

    def leaf(self, cn):
        """A certificate with its key: their files."""
        key, csr, out = (self.path(f"{cn}.{end}") for end in ("key", "csr", "pem"))
        run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-subj", f"/CN={cn}",
            "-addext", f"subjectAltName=DNS:{cn}", "-config", self.cnf, "-out", csr)
        self.sign(csr, out)
        return out, key

    def revoke(self, certificate, reason="superseded"):
        run("openssl", "ca", "-config", self.cnf, "-revoke", certificate, "-crl_reason", reason, *self._passin())

    def crl(self):
        run("openssl", "ca", "-config", self.cnf, "-gencrl", "-out", self.path("crl.pem"), *self._passin())
        return self.read("crl.pem")


def pkcs12(out, certificate, key, password, *more, key_password=None):
    run("openssl", "pkcs12", "-export", "-in", certificate, "-inkey", key, "-out", out, "-passout", f"pass:{password}", *more,
        *(("-passin", f"pass:{key_password}") if key_password else ()))
    with open(out, "rb") as f:
        return f.read()


CERTTOOL = """
cn = "{cn}"
organization = "GnuTLS Works"
serial = {serial}
expiration_days = 900
"""


class CerttoolCa:
    """One CA made with GnuTLS."""

    def __init__(self, folder, cn, issuer=None):
        self.dir, self.serial = str(folder), 100
        os.makedirs(self.dir)
        self._template("ca.tmpl", CERTTOOL.format(cn=cn, serial=issuer.next() if issuer else 1) + "ca\ncert_signing_key\ncrl_signing_key\n")
        run("certtool", "--generate-privkey", "--key-type", "ecdsa", "--curve", "secp256r1", "--outfile", self.path("ca.key"))
        if issuer:
            run("certtool", "--generate-certificate", "--load-privkey", self.path("ca.key"), "--load-ca-certificate", issuer.path("ca.pem"),
                "--load-ca-privkey", issuer.path("ca.key"), "--template", self.path("ca.tmpl"), "--outfile", self.path("ca.pem"))
        else:
            run("certtool", "--generate-self-signed", "--load-privkey", self.path("ca.key"), "--template", self.path("ca.tmpl"),
                "--outfile", self.path("ca.pem"))

    def path(self, name):
        return os.path.join(self.dir, name)

    def read(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()

    def next(self):
        self.serial += 1
        return self.serial

    def _template(self, name, text):
        with open(self.path(name), "w", encoding="ascii") as f:
            f.write(text)

    def leaf(self, cn):
        self._template("leaf.tmpl", CERTTOOL.format(cn=cn, serial=self.next()) + f'dns_name = "{cn}"\nsigning_key\ntls_www_client\n')
        run("certtool", "--generate-privkey", "--key-type", "ecdsa", "--curve", "secp256r1", "--outfile", self.path(f"{cn}.key"))
        run("certtool", "--generate-certificate", "--load-privkey", self.path(f"{cn}.key"), "--load-ca-certificate", self.path("ca.pem"),
            "--load-ca-privkey", self.path("ca.key"), "--template", self.path("leaf.tmpl"), "--outfile", self.path(f"{cn}.pem"))
        return self.path(f"{cn}.pem"), self.path(f"{cn}.key")
