"""Signs a vCon with nothing of Earwitness, as the draft has it: General JWS, the certificate in the unprotected header.

  vcon_sign.py FILE ALG CERTIFICATE     the signed vCon on standard output; its new certificate goes to CERTIFICATE as PEM

ALG: ES256, RS256 or PS256.
"""

import base64
import datetime
import json
import pathlib
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from jwcrypto import jwk, jws

path, algorithm, certificate = sys.argv[1:]
key = ec.generate_private_key(ec.SECP256R1()) if algorithm == "ES256" else rsa.generate_private_key(65537, 2048)
name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "recorder.example")])
now = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
signed = (
    x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(7)
    .not_valid_before(now).not_valid_after(now + datetime.timedelta(days=3650)).sign(key, hashes.SHA256())
)
pathlib.Path(certificate).write_bytes(signed.public_bytes(serialization.Encoding.PEM))
text = pathlib.Path(path).read_bytes()
token = jws.JWS(text)
der = base64.b64encode(signed.public_bytes(serialization.Encoding.DER)).decode()
open_header = {"x5c": [der], "uuid": json.loads(text)["uuid"]}
token.add_signature(jwk.JWK.from_pyca(key), algorithm, json.dumps({"alg": algorithm}), json.dumps(open_header))
one = json.loads(token.serialize())
print(json.dumps({
    "payload": one["payload"],
    "signatures": [{"protected": one["protected"], "header": one["header"], "signature": one["signature"]}],
}))
