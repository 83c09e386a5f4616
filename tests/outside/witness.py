"""A witness (C2SP tlog-witness, tlog-cosignature version 1) that shares nothing with Earwitness.

witness.py LOG_VKEY WITNESS_NAME: serves add-checkpoint on loopback and prints its address and its verifier key. It
cosigns a tree only when a consistency proof (RFC 6962 section 2.1.2, checked as RFC 9162 section 2.1.4.2 says) leads to
it from the one that it cosigned last.
"""

import base64
import hashlib
import struct
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

log_name, log_id, log_material = sys.argv[1].split("+", 2)
log_material = base64.b64decode(log_material)
assert log_material[0] == 1, "an Ed25519 log"
assert hashlib.sha256(log_name.encode() + b"\n" + log_material).digest()[:4].hex() == log_id
log_key = Ed25519PublicKey.from_public_bytes(log_material[1:])

name = sys.argv[2]
key = Ed25519PrivateKey.generate()
material = b"\x04" + key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
key_id = hashlib.sha256(name.encode() + b"\n" + material).digest()[:4]

latest = (0, hashlib.sha256(b"").digest())
turn = threading.Lock()


def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def consistent(old, old_root, new, new_root, proof):
    if old == 0:
        return not proof
    if old == new:
        return not proof and old_root == new_root
    if old & (old - 1) == 0:
        proof = [old_root, *proof]
    if not proof:
        return False
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = proof[0]
    for hash in proof[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node(hash, fr), node(hash, sr)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, hash)
        fn, sn = fn >> 1, sn >> 1
    return fr == old_root and sr == new_root and sn == 0


class Refused(Exception):
    def __init__(self, status, body="", kind="text/plain"):
        self.status, self.body, self.kind = status, body, kind


def add_checkpoint(body):
    global latest
    head, note = body.split("\n\n", 1)
    first, *proof = head.split("\n")
    if not first.startswith("old "):
        raise Refused(400)
    old, proof = int(first[4:]), [base64.b64decode(line, validate=True) for line in proof]
    text, signatures = note.split("\n\n", 1)
    text += "\n"
    origin, size, root = text.split("\n")[:3]
    size, root = int(size), base64.b64decode(root)
    if origin != log_name:
        raise Refused(404)
    trusted = False
    for line in signatures.splitlines():
        dash, signer, encoded = line.split(" ")
        raw = base64.b64decode(encoded)
        if dash == "—" and signer == log_name and raw[:4].hex() == log_id:
            try:
                log_key.verify(raw[4:], text.encode())
                trusted = True
            except InvalidSignature:
                pass
    if not trusted:
        raise Refused(403)
    if old > size:
        raise Refused(400)
    with turn:
        if old != latest[0]:
            raise Refused(409, f"{latest[0]}\n", "text/x.tlog.size")
        if old == size and root != latest[1]:
            raise Refused(409)
        if not consistent(old, latest[1], size, root, proof):
            raise Refused(422)
        latest = (size, root)
    now = int(time.time())
    signature = struct.pack(">Q", now) + key.sign(f"cosignature/v1\ntime {now}\n{text}".encode())
    return f"— {name} {base64.b64encode(key_id + signature).decode()}\n"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        try:
            if self.path != "/w/add-checkpoint":
                raise Refused(404)
            self.answer(200, add_checkpoint(body), "text/plain")
        except Refused as refused:
            self.answer(refused.status, refused.body, refused.kind)

    def answer(self, status, body, kind):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
vkey = f"{name}+{key_id.hex()}+{base64.b64encode(material).decode()}"
print(f"{vkey} http://127.0.0.1:{server.server_port}/w", flush=True)
server.serve_forever()
