"""The odd and the broken: what recorders write against the books, and what happens to good files. See README.md."""
import struct
import subprocess
import sys
from pathlib import Path

good, broken, refused = Path("good"), Path("broken"), Path("refused")
work = Path(sys.argv[1])


def chunk(kind, body):
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) & 1)


def chunks_of(wav):
    at, found = 12, {}
    while at + 8 <= len(wav):
        kind, size = wav[at : at + 4], struct.unpack("<I", wav[at + 4 : at + 8])[0]
        found[kind] = wav[at + 8 : at + 8 + size]
        at += 8 + size + (size & 1)
    return found


def riff(*parts):
    body = b"WAVE" + b"".join(parts)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def fmt(tag, channels, rate, align, bits, extra=b""):
    return chunk(b"fmt ", struct.pack("<HHIIHH", tag, channels, rate, rate * align, align, bits) + extra)


def read(path):
    return Path(path).read_bytes()


# WAV that ffmpeg takes and strict readers refuse.
alaw = chunks_of(read(good / "wav-alaw-mono.wav"))[b"data"]
pcm = chunks_of(read(good / "wav-pcm16-mono.wav"))[b"data"]
guid = bytes.fromhex("000000001000800000aa00389b71")
good.joinpath("odd-alaw-fmt16.wav").write_bytes(riff(fmt(6, 1, 8000, 1, 8), chunk(b"data", alaw)))
extensible = struct.pack("<HHIH", 22, 8, 4, 6) + guid
good.joinpath("odd-alaw-extensible.wav").write_bytes(riff(fmt(0xFFFE, 1, 8000, 1, 8, extensible), chunk(b"data", alaw)))
good.joinpath("odd-pcm-fmt20.wav").write_bytes(riff(fmt(1, 1, 8000, 2, 16, b"\2\0\0\0"), chunk(b"data", pcm)))
fact = chunk(b"fact", struct.pack("<II", len(alaw), 0))
good.joinpath("odd-fact8.wav").write_bytes(riff(fmt(6, 1, 8000, 1, 8, b"\0\0"), fact, chunk(b"data", alaw)))
short = bytearray(riff(fmt(1, 1, 8000, 2, 16), chunk(b"data", pcm)))
short[4:8] = struct.pack("<I", 36)
good.joinpath("odd-riff-says-less.wav").write_bytes(bytes(short))
listed = chunk(b"LIST", b"INFOISFT" + struct.pack("<I", 4) + b"rec\0")
good.joinpath("odd-chunks-around.wav").write_bytes(riff(listed, fmt(1, 1, 8000, 2, 16), chunk(b"data", pcm), listed))

# Recorders that never finished.
for name, value in [("zero", 0), ("unknown", 0xFFFFFFFF)]:
    whole = bytearray(riff(fmt(6, 1, 8000, 1, 8), chunk(b"data", alaw)))
    whole[40:44] = struct.pack("<I", value)
    broken.joinpath(f"unfinished-{name}.wav").write_bytes(bytes(whole))

# Two streams in one file, one after the other.
voice = ["ffmpeg", "-y", "-nostdin", "-v", "error", "-i", str(work / "fr.wav"), "-ar", "48000", "-c:a", "libopus", "-b:a", "16k"]
exact = ["-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact", "-f", "ogg", "-serial_offset", "9"]
subprocess.run([*voice, *exact, str(work / "second.ogg")], check=True)
good.joinpath("chained-opus.ogg").write_bytes(read(good / "opus-mono.ogg") + read(work / "second.ogg"))

# Cut: by bytes lost at the end.
for name, to, keep in [
    ("wav-pcm16-mono.wav", "truncated-pcm.wav", 0.6),
    ("wav-gsm49.wav", "truncated-gsm49.wav", 0.6),
    ("wav-ima-mono.wav", "truncated-ima.wav", 0.6),
    ("bare.gsm", "truncated.gsm", 0.6137),
    ("mulaw.au", "truncated.au", 0.6),
    ("pcm16.aiff", "truncated.aiff", 0.6),
    ("call.flac", "truncated.flac", 0.6),
    ("opus-mono.ogg", "truncated-opus.ogg", 0.6),
    ("vorbis.ogg", "truncated-vorbis.ogg", 0.6),
    ("opus.webm", "truncated.webm", 0.6),
    ("xing.mp3", "truncated-xing.mp3", 0.6),
    ("no-xing.mp3", "truncated-no-xing.mp3", 0.6),
    ("adts.aac", "truncated-adts.aac", 0.6),
    ("moov-end.m4a", "truncated-moov-end.m4a", 0.6),
    ("moov-start.m4a", "truncated-moov-start.m4a", 0.6),
    ("rf64.wav", "truncated-rf64.wav", 0.6),
]:
    whole = read(good / name)
    broken.joinpath(to).write_bytes(whole[: int(len(whole) * keep)])

# Damaged in the middle.
for name, to in [
    ("call.flac", "flipped.flac"),
    ("opus-mono.ogg", "flipped-opus.ogg"),
    ("vorbis.ogg", "flipped-vorbis.ogg"),
    ("no-xing.mp3", "flipped.mp3"),
    ("adts.aac", "flipped-adts.aac"),
]:
    whole = bytearray(read(good / name))
    half = len(whole) // 2
    whole[half : half + 400] = bytes(b ^ 0x55 for b in whole[half : half + 400])
    broken.joinpath(to).write_bytes(bytes(whole))

# More bytes than belong to the recording.
junk = b"\x01\x80GARBAGE, as a broken upload leaves it.\x00\xfe" * 20
for name in ["wav-alaw-mono.wav", "no-xing.mp3", "call.flac", "opus-mono.ogg", "moov-end.m4a", "mulaw.au"]:
    broken.joinpath("garbage-after-" + name).write_bytes(read(good / name) + junk)

# HE-AAC, as its decoder configuration tells it (the sound in it is plain AAC: no free encoder makes HE-AAC) …
told = read(good / "moov-end.m4a")
assert b"\x56\xe5\x00" in told
broken.joinpath("he-aac.m4a").write_bytes(told.replace(b"\x56\xe5\x00", b"\x56\xe5\xa8"))
# … and with a spectral-band-replication payload in each frame, which is all that ADTS shows of it.
whole, at, out = read(good / "adts.aac"), 0, b""
while at < len(whole):
    length = (whole[at + 3] & 3) << 11 | whole[at + 4] << 3 | whole[at + 5] >> 5
    bits = "".join(f"{b:08b}" for b in whole[at + 7 : at + length])
    bits = bits[: bits.rindex("1") - 2] + "1100010" + "1101" + "010101010101" + "111"
    bits += "0" * (-len(bits) % 8)
    body = bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))
    head, size = bytearray(whole[at : at + 7]), len(body) + 7
    head[3], head[4], head[5] = head[3] & 0xFC | size >> 11, size >> 3 & 0xFF, head[5] & 0x1F | (size & 7) << 5
    out, at = out + bytes(head) + body, at + length
broken.joinpath("he-aac-untold.aac").write_bytes(out)

# Codings that nobody here decodes.
broken.joinpath("unsupported-amr.amr").write_bytes(b"#!AMR\n" + (b"\x3c" + bytes(range(31))) * 100)
broken.joinpath("unsupported-g729.wav").write_bytes(riff(fmt(0x83, 1, 8000, 10, 1, b"\0\0"), chunk(b"data", bytes(range(200)) * 5)))

# Not audio, though it tries to look like it.
refused.joinpath("archive.zip").write_bytes(b"PK\x05\x06" + bytes(18))
refused.joinpath("one-frame.mp3").write_bytes(b"\xff\xfb\x90\x00" + bytes(2000))
refused.joinpath("avi.wav").write_bytes(b"RIFF\x24\0\0\0AVI LIST" + bytes(24))
noise, state = bytearray(), 12345
for _ in range(6000):
    state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
    noise.append(state >> 24)
refused.joinpath("noise.bin").write_bytes(bytes(noise))
