#!/usr/bin/env bash
# openbao.sh FOLDER: a real OpenBao on loopback, set up by the files of deploy/compose, and whether the policy gives
# Earwitness what it needs and nothing more. FOLDER is for everything it writes; `bao` is on the PATH.
set -euo pipefail
here="$(cd "$(dirname "$0")/../.." && pwd)" folder="$1"
mkdir -p "$folder/data"
port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
fail() { echo "openbao: $*" >&2; grep -hv "^{" "$folder/server.log" "$folder/init.log" | tail -n 20 >&2 || true; exit 1; }

server='' init=''
stop() {
  for pid in $init $server; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in $init $server; do wait "$pid" 2>/dev/null || true; done
}
trap stop EXIT

"$here/deploy/compose/prepare.sh" "$folder/secrets" >/dev/null
api="$(port)"
sed -e "s#0.0.0.0:8200#127.0.0.1:$api#; s#https://openbao:8200#https://localhost:$api#" \
  -e "s#https://openbao:8201#https://127.0.0.1:$(port)#; s#/run/secrets/#$folder/secrets/#; s#/openbao/file#$folder/data#" \
  "$here/deploy/compose/openbao.hcl" >"$folder/openbao.hcl"
export BAO_ADDR="https://localhost:$api" BAO_CACERT="$folder/secrets/ca.pem" HOME="$folder"
unset BAO_TOKEN VAULT_TOKEN VAULT_ADDR
start() {
  setpriv --pdeathsig TERM bao server -config="$folder/openbao.hcl" >>"$folder/server.log" 2>&1 &
  server=$!
}
start
TOKEN_FILE="$folder/token" RECOVERY_FILE="$folder/recovery" TOKEN_OWNER="$(id -u):$(id -g)" \
  POLICY_FILE="$here/deploy/openbao/earwitness.hcl" RENEW_SECONDS=60 \
  setpriv --pdeathsig TERM sh "$here/deploy/compose/openbao-init.sh" >"$folder/init.log" 2>&1 &
init=$!
for _ in {1..300}; do
  [[ -s "$folder/token" ]] && ! grep -q 'Initial Root Token' "$folder/recovery" && break
  kill -0 "$server" "$init" 2>/dev/null || fail "it ended"
  sleep 0.1
done
[[ -s "$folder/token" ]] || fail "no token was made"
grep -q 'Recovery Key 1' "$folder/recovery" || fail "no recovery key was kept"
! grep -q 'Root Token' "$folder/recovery" || fail "the root token was kept"
[[ "$(stat -c %a "$folder/token")" == 600 ]] || fail "others can read the token"

BAO_TOKEN="$(<"$folder/token")"
export BAO_TOKEN
may() { "$@" >"$folder/out" 2>&1 || { cat "$folder/out" >&2; fail "refused: $*"; }; }
may_not() { # permission denied, and no other error
  if "$@" >"$folder/out" 2>&1; then fail "allowed: $*"; fi
  grep -q 'permission denied' "$folder/out" || { cat "$folder/out" >&2; fail "neither allowed nor refused: $*"; }
}
plain="$(printf secret | base64)"
# The life of a month's key.
may bao write -f earwitness/keys/month-2031-11 type=aes256-gcm96
may bao read earwitness/keys/month-2031-11
may bao list earwitness/keys
may bao write -field=ciphertext earwitness/encrypt/month-2031-11 plaintext="$plain" associated_data="$plain"
sealed="$(<"$folder/out")"
may bao write -field=plaintext earwitness/decrypt/month-2031-11 ciphertext="$sealed" associated_data="$plain"
[[ "$(<"$folder/out")" == "$plain" ]] || fail "what was encrypted does not open"
may bao token lookup
may bao token renew
# Encrypting makes no key.
may_not bao write earwitness/encrypt/month-1999-01 plaintext="$plain"
may bao list earwitness/keys
! grep -q month-1999-01 "$folder/out" || fail "encrypting made a key"
# No way around the end of a key, and nothing of others.
may_not bao write earwitness/keys/month-2031-11/config exportable=true
may_not bao write earwitness/keys/month-2031-11/config allow_plaintext_backup=true deletion_allowed=true
may_not bao write earwitness/keys/month-2031-11/config deletion_allowed=false
may_not bao read earwitness/export/encryption-key/month-2031-11
may_not bao read earwitness/backup/month-2031-11
may_not bao write earwitness/restore/month-2031-11 backup=x
may_not bao write -f earwitness/keys/month-2031-11/rotate
may_not bao secrets list
may_not bao policy read earwitness
may_not bao token create
may_not bao write -f sys/seal
# Its end.
may bao write earwitness/keys/month-2031-11/config deletion_allowed=true
may bao delete earwitness/keys/month-2031-11
if bao write earwitness/decrypt/month-2031-11 ciphertext="$sealed" associated_data="$plain" >"$folder/out" 2>&1; then
  fail "a destroyed key opens"
fi
# A restart unseals by itself, and what was destroyed stays so.
may bao write -f earwitness/keys/month-2031-12 type=aes256-gcm96
kill -TERM "$server" && wait "$server" || true
start
for _ in {1..300}; do
  bao status >/dev/null 2>&1 && bao list earwitness/keys >"$folder/out" 2>&1 && break
  sleep 0.1
done
grep -q month-2031-12 "$folder/out" || fail "a key is gone after a restart"
! grep -q month-2031-11 "$folder/out" || fail "a destroyed key is back after a restart"
grep -q '"path":"earwitness/keys/month-2031-11"' "$folder/server.log" || fail "nothing of it is in the audit log"
