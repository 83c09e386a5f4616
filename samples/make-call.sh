#!/bin/sh
# A real SIP call over RTP between two baresip agents on 127.0.0.1, recorded by the sndfile module of one of them:
# once hung up properly, once with the recorder killed in mid-call. Arguments: work folder, two folders with voices.
set -eu
here=$(pwd)
work=$1
ffmpeg -y -nostdin -v error -ss 1 -t 6 -i "$2/demo-congrats.wav" -ar 8000 "$work/caller.wav"
ffmpeg -y -nostdin -v error -ss 1 -t 6 -i "$3/demo-congrats.wav" -ar 8000 "$work/callee.wav"

agent() { # name, port, more modules
    mkdir -p "$work/$1" "$work/recorded"
    cat > "$work/$1/config" <<C
module_path /usr/lib/baresip/modules
module stdio.so
module g711.so
module aufile.so
$3
module_tmp uuid.so
module_tmp account.so
module_app menu.so
audio_source aufile,$work/$1.wav
audio_player aufile,$work/$1-heard.wav
audio_alert aufile,$work/$1-alert.wav
snd_path $work/recorded
sip_listen 127.0.0.1:$2
net_interface 127.0.0.1
C
    echo "<sip:$1@127.0.0.1:$2>;regint=0;answermode=auto;audio_codecs=pcma" > "$work/$1/accounts"
    : > "$work/$1/contacts"
}

call() { # seconds, port, signal
    agent callee $(($2 + 10)) ""
    agent caller "$2" "module sndfile.so"
    (cd "$work" && exec baresip -f callee -t $(($1 + 4)) > callee.log 2>&1) &
    callee=$!
    sleep 1
    (cd "$work" && exec baresip -f caller -e "/dial sip:callee@127.0.0.1:$(($2 + 10))" > caller.log 2>&1) &
    caller=$!
    sleep "$1"
    kill "-$3" $caller
    wait $caller || true
    kill -TERM $callee 2>/dev/null || true
    wait $callee || true
}

call 5 5311 TERM
mv "$work"/recorded/*-dec.wav "$here/good/baresip-heard.wav"
mv "$work"/recorded/*-enc.wav "$here/good/baresip-said.wav"
call 5 5351 KILL
mv "$work"/recorded/*-dec.wav "$here/broken/baresip-killed.wav"
