"""Seals or opens every file of a folder with Google's Tink: AES256-GCM-HKDF streaming, 64 KiB segments.

    tink_check.py seal|open|refuse KEY_HEX ASSOCIATED_DATA FROM_FOLDER TO_FOLDER

`refuse` succeeds when Tink opens none of the files.
"""

import base64
import io
import json
import pathlib
import sys

import tink
from tink import secret_key_access, streaming_aead
from tink.proto import aes_gcm_hkdf_streaming_pb2, common_pb2

TYPE_URL = "type.googleapis.com/google.crypto.tink.AesGcmHkdfStreamingKey"


def primitive(key: bytes) -> streaming_aead.StreamingAead:
    """The bare 32-byte data key as a Tink key set."""
    message = aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingKey(
        version=0,
        params=aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingParams(
            ciphertext_segment_size=65536,
            derived_key_size=32,
            hkdf_hash_type=common_pb2.SHA256,
        ),
        key_value=key,
    )
    keyset = {
        "primaryKeyId": 1,
        "key": [
            {
                "keyData": {
                    "typeUrl": TYPE_URL,
                    "value": base64.b64encode(message.SerializeToString()).decode(),
                    "keyMaterialType": "SYMMETRIC",
                },
                "status": "ENABLED",
                "keyId": 1,
                "outputPrefixType": "RAW",
            }
        ],
    }
    handle = tink.json_proto_keyset_format.parse(json.dumps(keyset), secret_key_access.TOKEN)
    return handle.primitive(streaming_aead.StreamingAead)


class KeepOpen(io.BytesIO):
    """Tink closes its destination; its bytes are wanted afterwards."""

    def close(self) -> None:
        pass


def seal(aead: streaming_aead.StreamingAead, plain: bytes, associated_data: bytes) -> bytes:
    sealed = KeepOpen()
    with aead.new_encrypting_stream(sealed, associated_data) as stream:
        stream.write(plain)
    return sealed.getvalue()


def open_(aead: streaming_aead.StreamingAead, sealed: bytes, associated_data: bytes) -> bytes:
    with aead.new_decrypting_stream(io.BytesIO(sealed), associated_data) as stream:
        return stream.read()


def main() -> None:
    action, key, associated_data, source, target = sys.argv[1:]
    streaming_aead.register()
    aead = primitive(bytes.fromhex(key))
    for path in sorted(pathlib.Path(source).iterdir()):
        data = path.read_bytes()
        if action == "refuse":
            try:
                open_(aead, data, associated_data.encode())
            except (tink.TinkError, OSError):
                continue
            sys.exit(f"Tink opened {path.name}")
        work = seal if action == "seal" else open_
        (pathlib.Path(target) / path.name).write_bytes(work(aead, data, associated_data.encode()))


if __name__ == "__main__":
    main()
