#!/bin/sh
# Rebuilds every sample from Debian's packages. Needs root only to install them:
#   apt-get install --no-install-recommends asterisk-core-sounds-en-wav asterisk-core-sounds-fr-wav \
#       baresip ffmpeg sox libsox-fmt-all python3
# The real call takes about 20 seconds. With "--keep-call" the recorded calls that are there stay as they are.
set -eu
cd "$(dirname "$0")"
en=/usr/share/asterisk/sounds/en_US_f_Allison
fr=/usr/share/asterisk/sounds/fr_CA_f_June
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p good broken refused

ff() { ffmpeg -y -nostdin -v error -fflags +bitexact "$@"; }
bx="-map_metadata -1 -flags:a +bitexact -fflags +bitexact"

# Two voices, 4 s each, at the rate of the telephone network.
ff -ss 1 -t 4 -i "$en/demo-congrats.wav" -ar 8000 -ac 1 $bx "$work/en.wav"
ff -ss 1 -t 4 -i "$fr/demo-congrats.wav" -ar 8000 -ac 1 $bx "$work/fr.wav"
ff -i "$work/en.wav" -i "$work/fr.wav" -filter_complex "[0][1]join=inputs=2:channel_layout=stereo" $bx "$work/both.wav"

cp "$work/en.wav" good/wav-pcm16-mono.wav
cp "$work/both.wav" good/wav-pcm16-stereo.wav
for c in pcm_u8:pcm8 pcm_alaw:alaw pcm_mulaw:mulaw adpcm_ima_wav:ima adpcm_ms:ms; do
    ff -i "$work/en.wav" -c:a "${c%:*}" $bx "good/wav-${c#*:}-mono.wav"
    ff -i "$work/both.wav" -c:a "${c%:*}" $bx "good/wav-${c#*:}-stereo.wav"
done
ff -t 1.5 -i "$work/en.wav" -c:a pcm_s24le $bx good/wav-pcm24-mono.wav
ff -t 1.5 -i "$work/en.wav" -c:a pcm_f32le $bx good/wav-float32-mono.wav
ff -i "$work/fr.wav" -c:a libgsm_ms $bx good/wav-gsm49.wav
ff -i "$work/fr.wav" -c:a libgsm -f gsm $bx good/bare.gsm
ff -i "$work/fr.wav" -ar 16000 -c:a g722 -f wav $bx good/wav-g722.wav
ff -i "$work/fr.wav" -ar 16000 -c:a libmp3lame -b:a 24k -f wav $bx good/wav-mp3.wav
ff -i "$work/en.wav" -rf64 always $bx good/rf64.wav
ff -i "$work/en.wav" -c:a pcm_mulaw $bx good/mulaw.au
ff -t 2 -i "$work/en.wav" -c:a pcm_s16be $bx good/pcm16.au
ff -t 2 -i "$work/both.wav" -c:a pcm_s16be $bx good/pcm16.aiff
ff -i "$work/both.wav" -c:a flac $bx good/call.flac
ff -i "$work/both.wav" -c:a flac -f ogg -serial_offset 7 $bx good/flac.ogg
ff -i "$work/both.wav" -c:a libvorbis -q 2 -f ogg -serial_offset 7 $bx good/vorbis.ogg
ff -i "$work/en.wav" -ar 48000 -c:a libopus -b:a 16k -application voip -f ogg -serial_offset 7 $bx good/opus-mono.ogg
ff -i "$work/both.wav" -ar 48000 -c:a libopus -b:a 32k -application voip -f ogg -serial_offset 7 $bx good/opus-stereo.ogg
ff -i "$work/both.wav" -ar 48000 -c:a libopus -b:a 64k -application audio -f ogg -serial_offset 7 $bx good/opus-music.ogg
ff -i "$work/both.wav" -ar 48000 -c:a libopus -b:a 32k -f webm $bx good/opus.webm
ff -i "$work/both.wav" -ar 48000 -c:a libopus -b:a 32k -f matroska $bx good/opus.mka
ff -i "$work/en.wav" -c:a libmp3lame -b:a 16k -write_xing 1 $bx good/xing.mp3
ff -i "$work/en.wav" -c:a libmp3lame -b:a 16k -write_xing 0 -id3v2_version 0 $bx good/no-xing.mp3
ff -i "$work/both.wav" -ar 16000 -c:a libmp3lame -q:a 5 -metadata title=Call -write_id3v1 1 -flags:a +bitexact good/tags.mp3
ff -i "$work/en.wav" -ar 16000 -c:a aac -b:a 24k -f adts $bx good/adts.aac
ff -i "$work/both.wav" -ar 16000 -c:a aac -b:a 32k $bx good/moov-end.m4a
ff -i "$work/both.wav" -ar 16000 -c:a aac -b:a 32k -movflags +faststart $bx good/moov-start.m4a
ff -i "$work/both.wav" -ar 16000 -c:a aac -b:a 32k -movflags +frag_keyframe+empty_moov -frag_duration 500000 $bx good/fragmented.mp4
ff -i "$work/both.wav" -c:a alac $bx good/alac.m4a

ff -i "$work/fr.wav" -ar 16000 -c:a wmav2 -b:a 24k $bx broken/unsupported-wma.wma
ff -i "$work/fr.wav" -c:a libspeex -f ogg -serial_offset 7 $bx broken/unsupported-speex.ogg
ff -i "$work/fr.wav" -ar 16000 -c:a mp2 -b:a 32k $bx broken/unsupported-mp2.mp2
ff -i "$work/fr.wav" -c:a g726 -b:a 32k -f wav $bx broken/unsupported-g726.wav
ff -i "$work/fr.wav" -f w64 $bx broken/unsupported-w64.w64
ff -f lavfi -i anullsrc=r=8000:cl=mono -t 3 $bx broken/silent.wav
ff -t 2 -i "$work/en.wav" -af volume=30dB -c:a pcm_s16le $bx broken/clipped.wav
ff -t 0.4 -i "$work/en.wav" $bx broken/too-short.wav
ff -i "$work/en.wav" -t 2 -filter_complex "[0]pan=stereo|c0=c0|c1=0*c0" -c:a pcm_mulaw $bx broken/one-channel-missing.wav

# The refused: what people upload by mistake.
ff -f lavfi -i testsrc=size=64x48 -frames:v 1 -c:v png refused/picture.png
ff -f lavfi -i testsrc=size=64x48:rate=5 -t 1 -c:v mpeg4 -an $bx refused/film-without-sound.mp4
printf '%%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%%%EOF\n' > refused/paper.pdf
printf 'Dear customer,\n\nthe recording is attached.\n' > refused/letter.txt
printf '<!doctype html>\n<title>Not found</title>\n<p>404\n' > refused/page.html
: > refused/empty.wav

[ "${1:-}" = "--keep-call" ] || sh make-call.sh "$work" "$en" "$fr"
python3 make-odd.py "$work"
python3 make-expected.py
