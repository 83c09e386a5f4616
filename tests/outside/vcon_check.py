"""Checks a vCon that Earwitness wrote, with nothing of Earwitness: the draft's own JSON schema, the rules of the draft's text
that a schema cannot express, and PyPI `vcon` as a second reader. A signed one is verified first, with `jwcrypto`.

  vcon_check.py FILE HOST     prints {"uuid", "sha256", "byte_len", "metadata", "attachments", "signed"} of a good one,
                              what is wrong on standard error of a bad one

HOST is the domain name under which the archive makes its UUIDs.
"""

import base64
import hashlib
import io
import json
import pathlib
import re
import sys
import uuid
import wave
from datetime import datetime

import jsonschema
from cryptography import x509
from jwcrypto import jwk, jws
from vcon import Vcon

SCHEMA = pathlib.Path(__file__).parent / "vcon_json_schema.json"
# What the core defines; anything else belongs to an extension, which has to be named.
CORE = {
    "": "vcon uuid extensions critical created_at updated_at subject redacted amended parties dialog analysis attachments",
    "parties": "tel sip stir mailto name did validation gmlpos civicaddress uuid type org dept",
    "dialog": "type start duration parties originator recordings recording_set mediatype filename body encoding url content_hash"
    " disposition session_id party_history transferee transferor transfer_target original consultation target_dialog application"
    " message_id",
    "attachments": "purpose start party dialog mediatype filename body encoding url content_hash",
}
EXTENSIONS = {"CC": {"parties": "role contact_list", "dialog": "campaign interaction_type interaction_id skill"}}

wrong = []


def check(holds, what):
    if not holds:
        wrong.append(what)


def decoded(text, what):
    check(re.fullmatch(r"[A-Za-z0-9_-]*", text) and len(text) % 4 != 1, f"{what}: not base64url without padding")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def is_date(text):
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).tzinfo is not None
    except (ValueError, AttributeError):
        return False


def names(document):
    """Every parameter is the core's, or that of an extension which is named."""
    used = document.get("extensions", [])
    for where, core in CORE.items():
        known = set(core.split())
        for name in used:
            known |= set(EXTENSIONS.get(name, {}).get(where, "").split())
        for one in [document] if where == "" else document.get(where, []):
            check(set(one) <= known, f"{where}: {set(one) - known} is of no extension that is named")
    check(not document.get("critical"), "nothing here is incompatible with the core")


def top(document, host):
    check(document["vcon"] == "0.4.0", "vcon")
    name = uuid.UUID(document["uuid"])
    check(str(name) == document["uuid"] and name.version == 8 and name.variant == uuid.RFC_4122, "uuid: not of version 8")
    recording = re.fullmatch(r"recording-([0-9a-f-]{36})\.\w+", document["dialog"][0]["filename"])
    domain = f"{recording.group(1)}.{host}"
    custom_c = int.from_bytes(hashlib.sha1(domain.encode()).digest()[:8], "big") >> 2
    check(name.int & ((1 << 62) - 1) == custom_c, "uuid: its last 62 bits are not of the domain name's SHA-1")
    # PyPI vcon takes other bits of the same hash, so it is not asked.
    check(is_date(document["created_at"]), "created_at")
    check(not ("redacted" in document and "amended" in document), "redacted and amended")


def parties(document):
    for at, party in enumerate(document["parties"]):
        check("name" not in party or "validation" in party, f"parties[{at}]: a name without how it was validated")
        check("tel" not in party or re.fullmatch(r"tel:\+[1-9]\d{2,14}", party["tel"]), f"parties[{at}].tel")
        check(party.get("type", "person") in ("person", "bot", "organization"), f"parties[{at}].type")


def indices(value):
    return [value] if isinstance(value, int) else [index for inner in value or [] for index in indices(inner)]


def channels(audio):
    try:
        return wave.open(io.BytesIO(audio)).getnchannels()
    except (wave.Error, EOFError):
        return None


def dialog(document):
    check(len(document["dialog"]) == 1, "one recording, one dialog")
    one = document["dialog"][0]
    check(one["type"] == "recording" and is_date(one["start"]), "dialog: type, start")
    listed = indices(one["parties"])
    check(listed and all(0 <= index < len(document["parties"]) for index in listed), "dialog: parties")
    check("originator" not in one or one["originator"] in listed[1:] and one["originator"] != listed[0],
          "dialog: originator is for who is not the first")
    check(one["encoding"] == "base64url" and "url" not in one, "dialog: inline")
    check(re.fullmatch(r"[a-z]+/[A-Za-z0-9.+-]+", one["mediatype"]), "dialog: mediatype")
    audio = decoded(one["body"], "dialog.body")
    token = "sha512-" + base64.urlsafe_b64encode(hashlib.sha512(audio).digest()).rstrip(b"=").decode()
    check(one["content_hash"] == token, "dialog: content_hash")
    number = channels(audio)
    if number and number > 1:
        check(isinstance(one["parties"], list) and len(one["parties"]) == number, "dialog: a list of parties per channel")
    elif number:
        check(isinstance(one["parties"], int) or all(isinstance(i, int) for i in one["parties"]), "dialog: one channel")
    check(not {"disposition", "transferor", "recordings"} & set(one), "dialog: parameters of another type")
    return audio


def attachments(document):
    found = {}
    for at, one in enumerate(document["attachments"]):
        where = f"attachments[{at}]"
        check(is_date(one["start"]), f"{where}.start")
        check(0 <= one["party"] < len(document["parties"]) and 0 <= one["dialog"] < len(document["dialog"]), f"{where}: indices")
        check("body" in one and "mediatype" in one, f"{where}: an inline file has body, encoding, mediatype")
        body = one["body"] if one["encoding"] == "json" else decoded(one["body"], where).decode(errors="replace")
        found.setdefault(one["purpose"], []).append({"filename": one["filename"], "mediatype": one["mediatype"], "body": body})
    return found


def second_reader(text, document, audio):
    """PyPI vcon reads the same; its validator is not asked, as it refuses `mediatype`, which the draft demands."""
    read = Vcon.build_from_json(text)
    check(read.uuid == document["uuid"] and read.vcon == "0.4.0", "PyPI vcon: uuid")
    check([party.to_dict().get("tel") for party in read.parties] == [p.get("tel") for p in document["parties"]],
          "PyPI vcon: parties")
    body = read.dialog[0]["body"]
    check(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)) == audio, "PyPI vcon: audio")


def verified(signed):
    """The text that a General JWS vouches for, by the certificate that it carries."""
    check(len(signed["signatures"]) == 1, "one signature")
    one = signed["signatures"][0]
    check(set(one) == {"header", "protected", "signature"}, "header, protected and signature")
    chain = [x509.load_der_x509_certificate(base64.b64decode(der)) for der in one["header"]["x5c"]]
    key = jwk.JWK.from_pyca(chain[0].public_key())
    token = jws.JWS()
    token.deserialize(json.dumps(signed))
    token.verify(key)
    # Whoever wrote the right signature refuses a wrong one.
    other = json.loads(json.dumps(signed))
    other["payload"] = other["payload"][:-8] + ("AAAAAAAA" if other["payload"][-8:] != "AAAAAAAA" else "BBBBBBBB")
    broken = jws.JWS()
    broken.deserialize(json.dumps(other))
    try:
        broken.verify(key)
        check(False, "a changed payload verifies")
    except jws.InvalidJWSSignature:
        pass
    document = json.loads(token.payload)
    check(one["header"]["uuid"] == document["uuid"], "header: uuid")
    return token.payload.decode()


def main(path, host):
    text = pathlib.Path(path).read_text("utf-8")
    document = json.loads(text)
    signed = "payload" in document and "signatures" in document
    if signed:
        text = verified(document)
        document = json.loads(text)
    schema = json.loads(SCHEMA.read_text("utf-8"))
    validator = jsonschema.Draft7Validator(schema, format_checker=jsonschema.Draft7Validator.FORMAT_CHECKER)
    wrong.extend(f"schema: {error.json_path}: {error.message[:200]}" for error in validator.iter_errors(document))
    if not wrong:
        names(document)
        top(document, host)
        parties(document)
        audio = dialog(document)
        found = attachments(document)
        second_reader(text, document, audio)
    if wrong:
        sys.exit("\n".join(wrong))
    metadata = found.pop("earwitness-metadata")
    print(json.dumps({
        "uuid": document["uuid"], "sha256": hashlib.sha256(audio).hexdigest(), "byte_len": len(audio),
        "metadata": metadata[0]["body"], "attachments": found, "signed": signed,
    }))


main(*sys.argv[1:])
