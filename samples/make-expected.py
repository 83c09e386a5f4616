"""Writes expected.json: what people decided each sample must lead to, with the length that ffprobe measures."""
import json
import subprocess

# file: container, codec, findings (empty: accepted without a word)
GOOD = {
    "wav-pcm16-mono.wav": ("wav", "pcm"), "wav-pcm16-stereo.wav": ("wav", "pcm"), "wav-pcm8-mono.wav": ("wav", "pcm"),
    "wav-pcm8-stereo.wav": ("wav", "pcm"), "wav-pcm24-mono.wav": ("wav", "pcm"), "wav-float32-mono.wav": ("wav", "pcm"),
    "wav-alaw-mono.wav": ("wav", "alaw"), "wav-alaw-stereo.wav": ("wav", "alaw"),
    "wav-mulaw-mono.wav": ("wav", "mulaw"), "wav-mulaw-stereo.wav": ("wav", "mulaw"),
    "wav-ima-mono.wav": ("wav", "ima-adpcm"), "wav-ima-stereo.wav": ("wav", "ima-adpcm"),
    "wav-ms-mono.wav": ("wav", "ms-adpcm"), "wav-ms-stereo.wav": ("wav", "ms-adpcm"),
    "wav-gsm49.wav": ("wav", "gsm"), "bare.gsm": ("gsm", "gsm"), "wav-g722.wav": ("wav", "g722"),
    "wav-mp3.wav": ("wav", "mp3"), "rf64.wav": ("rf64", "pcm"), "mulaw.au": ("au", "mulaw"), "pcm16.au": ("au", "pcm"),
    "pcm16.aiff": ("aiff", "pcm"), "call.flac": ("flac", "flac"), "flac.ogg": ("ogg", "flac"),
    "vorbis.ogg": ("ogg", "vorbis"), "opus-mono.ogg": ("ogg", "opus"), "opus-stereo.ogg": ("ogg", "opus"),
    "opus-music.ogg": ("ogg", "opus"), "chained-opus.ogg": ("ogg", "opus"), "opus.webm": ("webm", "opus"),
    "opus.mka": ("matroska", "opus"), "xing.mp3": ("mpeg", "mp3"), "no-xing.mp3": ("mpeg", "mp3"),
    "tags.mp3": ("mpeg", "mp3"), "adts.aac": ("adts", "aac"), "moov-end.m4a": ("mp4", "aac"),
    "moov-start.m4a": ("mp4", "aac"), "fragmented.mp4": ("mp4", "aac"), "alac.m4a": ("mp4", "alac"),
    "odd-alaw-fmt16.wav": ("wav", "alaw"), "odd-alaw-extensible.wav": ("wav", "alaw"),
    "odd-pcm-fmt20.wav": ("wav", "pcm"), "odd-fact8.wav": ("wav", "alaw"), "odd-riff-says-less.wav": ("wav", "pcm"),
    "odd-chunks-around.wav": ("wav", "pcm"), "baresip-heard.wav": ("wav", "pcm"), "baresip-said.wav": ("wav", "pcm"),
}
BROKEN = {
    "silent.wav": ("wav", "pcm", "silent"), "clipped.wav": ("wav", "pcm", "clipping"),
    "too-short.wav": ("wav", "pcm", "too-short"), "one-channel-missing.wav": ("wav", "mulaw", "channel-missing"),
    "garbage-after-wav-alaw-mono.wav": ("wav", "alaw", "trailing-garbage"),
    "garbage-after-no-xing.mp3": ("mpeg", "mp3", "trailing-garbage"),
    "garbage-after-call.flac": ("flac", "flac", "trailing-garbage"),
    "garbage-after-opus-mono.ogg": ("ogg", "opus", "trailing-garbage"),
    "garbage-after-moov-end.m4a": ("mp4", "aac", "trailing-garbage"),
    "garbage-after-mulaw.au": ("au", "mulaw", "trailing-garbage"),
    "unfinished-zero.wav": ("wav", "alaw", "truncated"), "unfinished-unknown.wav": ("wav", "alaw", "truncated"),
    "baresip-killed.wav": ("wav", "pcm", "truncated"),
    "truncated-pcm.wav": ("wav", "pcm", "truncated"), "truncated-gsm49.wav": ("wav", "gsm", "truncated"),
    "truncated-ima.wav": ("wav", "ima-adpcm", "truncated"), "truncated.gsm": ("gsm", "gsm", "truncated"),
    "truncated.au": ("au", "mulaw", "truncated"), "truncated.aiff": ("aiff", "pcm", "truncated"),
    "truncated.flac": ("flac", "flac", "truncated"), "truncated-opus.ogg": ("ogg", "opus", "truncated"),
    "truncated-vorbis.ogg": ("ogg", "vorbis", "truncated"), "truncated.webm": ("webm", "other", "truncated"),
    "truncated-xing.mp3": ("mpeg", "mp3", "truncated"), "truncated-no-xing.mp3": ("mpeg", "mp3", "truncated"),
    "truncated-adts.aac": ("adts", "aac", "truncated"), "truncated-moov-end.m4a": ("mp4", "other", "truncated"),
    "truncated-moov-start.m4a": ("mp4", "aac", "truncated"), "truncated-rf64.wav": ("rf64", "pcm", "truncated"),
    "flipped.flac": ("flac", "flac", "decode-error"), "flipped-opus.ogg": ("ogg", "opus", "decode-error"),
    "flipped-vorbis.ogg": ("ogg", "vorbis", "decode-error"), "flipped.mp3": ("mpeg", "mp3", "decode-error"),
    "flipped-adts.aac": ("adts", "aac", "decode-error"),
    "he-aac.m4a": ("mp4", "he-aac", "unsupported-codec"), "he-aac-untold.aac": ("adts", "he-aac", "unsupported-codec"),
    "unsupported-wma.wma": ("asf", "wma", "unsupported-codec"),
    "unsupported-speex.ogg": ("ogg", "speex", "unsupported-codec"),
    "unsupported-mp2.mp2": ("mpeg", "mp2", "unsupported-codec"),
    "unsupported-g726.wav": ("wav", "g726", "unsupported-codec"),
    "unsupported-w64.w64": ("w64", "other", "unsupported-codec"),
    "unsupported-amr.amr": ("amr", "amr", "unsupported-codec"),
    "unsupported-g729.wav": ("wav", "g729", "unsupported-codec"),
}
REFUSED = [
    "picture.png", "film-without-sound.mp4", "paper.pdf", "letter.txt", "page.html", "empty.wav", "archive.zip",
    "one-frame.mp3", "avi.wav", "noise.bin",
]
# ffprobe does not trim an MP3's padding, guesses where a file has no index, and stops after the first of two streams:
# here the sound is counted as ffmpeg decodes it.
DECODED = {"good/xing.mp3", "good/tags.mp3", "broken/garbage-after-no-xing.mp3", "good/chained-opus.ogg", "good/no-xing.mp3"}
# The reader takes the garbage for a damaged last frame: kept apart, to be on the safe side.
APART = {"garbage-after-call.flac"}
WARNINGS = {"silent", "too-short", "clipping", "trailing-garbage", "channel-missing"}


def probe(path):
    command = ["ffprobe", "-v", "error", "-select_streams", "a", "-of", "json", "-show_entries"]
    told = subprocess.run([*command, "stream=channels,sample_rate,duration:format=duration", path], capture_output=True)
    told = json.loads(told.stdout)
    stream = told["streams"][0]
    seconds = stream.get("duration") or told["format"]["duration"]
    if path in DECODED:
        decode = ["ffmpeg", "-v", "error", "-nostdin", "-i", path, "-f", "s16le", "-"]
        sound = subprocess.run(decode, capture_output=True).stdout
        seconds = len(sound) / 2 / stream["channels"] / int(stream["sample_rate"])
        print(path, seconds)
    return {"channels": stream["channels"], "sample_rate_hz": int(stream["sample_rate"]),
            "duration_ms": round(float(seconds) * 1000),
            "measured_by": "ffmpeg" if path in DECODED else "ffprobe"}


expected = []
for name, (container, codec) in GOOD.items():
    entry = {"file": "good/" + name, "outcome": "accepted", "container": container, "codec": codec, "findings": []}
    expected.append(entry | probe("good/" + name))
for name, (container, codec, finding) in BROKEN.items():
    outcome = "accepted" if finding in WARNINGS and name not in APART else "quarantined"
    entry = {"file": "broken/" + name, "outcome": outcome, "container": container, "codec": codec, "findings": [finding]}
    expected.append(entry | (probe("broken/" + name) if outcome == "accepted" else {}))
expected += [{"file": "refused/" + name, "outcome": "refused"} for name in REFUSED]
text = ",\n".join("  " + json.dumps(entry) for entry in expected)
open("expected.json", "w").write("[\n" + text + "\n]\n")
