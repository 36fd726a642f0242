"""Certificates for tests, made by the openssl program."""

import ssl
import subprocess

EC_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
RSA_KEY = ["-newkey", "rsa:2048"]
NAMES = "subjectAltName=DNS:localhost,IP:127.0.0.1"


def openssl(*words, at=None):
    """`at`: the time that it believes it is, like "2020-01-01"."""
    command = (["faketime", at] if at else []) + ["openssl", *map(str, words)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def self_signed(folder, name, kind=EC_KEY, at=None):
    """Files NAME.pem and NAME.key; good for two days from `at` or now."""
    certificate, key = folder / (name + ".pem"), folder / (name + ".key")
    openssl("req", "-x509", *kind, "-nodes", "-keyout", key, "-out", certificate, "-days", 2, "-subj", "/CN=" + name,
            "-addext", NAMES, at=at)
    return certificate, key


def with_chain(folder):
    """Files of a root and of a server whose certificate comes with the intermediate one: (root, chain, key)."""
    root, root_key = self_signed(folder, "root")
    for name, issuer, extensions in (("middle", "root", "basicConstraints=critical,CA:TRUE"), ("leaf", "middle", NAMES)):
        (folder / "extensions").write_text(extensions + "\n", encoding="ascii")
        openssl("req", "-new", *EC_KEY, "-nodes", "-keyout", folder / (name + ".key"), "-out", folder / "request",
                "-subj", "/CN=" + name)
        openssl("x509", "-req", "-in", folder / "request", "-CA", folder / (issuer + ".pem"), "-CAkey",
                folder / (issuer + ".key"), "-CAcreateserial", "-days", 2, "-extfile", folder / "extensions",
                "-out", folder / (name + ".pem"))
    chain = folder / "chain.pem"
    chain.write_text((folder / "leaf.pem").read_text() + (folder / "middle.pem").read_text(), encoding="ascii")
    return root, chain, folder / "leaf.key"


def trusting(certificate):
    """A client's context that takes this certificate and no other."""
    return ssl.create_default_context(cafile=str(certificate))


def trusting_anybody():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
