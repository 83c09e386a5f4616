"""A timestamp authority (RFC 3161) on loopback: `openssl ts -reply` behind a little HTTP server. The one argument is a folder
of its own, where it leaves `root.pem`. Prints its port once it answers. A file `bad` in the folder makes it answer wrongly:
its content says how."""

import http.server
import os
import subprocess
import sys

folder = sys.argv[1]

# `certs` stays empty: with it openssl writes an unsorted SET, which strict readers refuse.
CONFIG = f"""
[req]
distinguished_name = name
prompt = no
x509_extensions = root
[name]
CN = Root of the test's timestamp authority
[root]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
[tsa_certificate]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[other_certificate]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
[tsa]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1
ordering = no
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


def openssl(*arguments):
    return subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True).stdout


def make():
    for name, text in [("tsa.cnf", CONFIG), ("serial", "01\n")]:
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
    new = ("-newkey", "rsa:2048", "-nodes", "-config", "tsa.cnf")
    openssl("req", "-x509", *new, "-keyout", "root.key", "-out", "root.pem", "-days", "30")
    openssl("req", *new, "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=Timestamp authority of the test")
    openssl(
        *("x509", "-req", "-in", "tsa.csr", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-days", "20"),
        *("-out", "tsa.pem", "-extfile", "tsa.cnf", "-extensions", "tsa_certificate"),
    )


def answer(query):
    try:
        with open(os.path.join(folder, "bad"), encoding="utf-8") as file:
            bad = file.read().strip()
    except FileNotFoundError:
        bad = ""
    if bad == "garbage":
        return b"not an answer"
    if bad == "same":  # the answer to an earlier question
        with open(os.path.join(folder, "answer"), "rb") as file:
            return file.read()
    if bad == "digest":  # refused: a digest that this authority does not take
        query = openssl("ts", "-query", "-digest", "00" * 20, "-sha1", "-cert")
    with open(os.path.join(folder, "query"), "wb") as file:
        file.write(query)
    subprocess.run(
        ["openssl", "ts", "-reply", "-queryfile", "query", "-config", "tsa.cnf", "-section", "tsa", "-out", "answer"],
        cwd=folder,
        check=False,
        capture_output=True,
    )
    with open(os.path.join(folder, "answer"), "rb") as file:
        return file.read()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = answer(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200)
        self.send_header("content-type", "application/timestamp-reply")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


make()
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
