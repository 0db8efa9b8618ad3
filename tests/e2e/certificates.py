"""tests/e2e/certificates.py - an authority of a test's own, and certificates by it."""
import pathlib
import subprocess

KEY = ("-newkey", "rsa:2048", "-nodes")


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def make_authority(home):
    """ca.key and ca.pem."""
    openssl("req", "-x509", *KEY, "-keyout", f"{home}/ca.key", "-out", f"{home}/ca.pem", "-days", "2", "-subj", "/CN=ca")


def make_certificate(home, names):
    """server.key and server.pem, for names such as `DNS:localhost,IP:127.0.0.1`, by the authority there."""
    openssl("req", *KEY, "-keyout", f"{home}/server.key", "-out", f"{home}/server.csr", "-subj", "/CN=server")
    pathlib.Path(f"{home}/names").write_text(f"subjectAltName={names}\n")
    openssl("x509", "-req", "-in", f"{home}/server.csr", "-CA", f"{home}/ca.pem", "-CAkey", f"{home}/ca.key",
            "-CAcreateserial", "-days", "2", "-extfile", f"{home}/names", "-out", f"{home}/server.pem")
