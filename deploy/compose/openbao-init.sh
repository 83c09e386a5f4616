#!/bin/sh
# Initialises OpenBao once: transit engine, policy, a token for Earwitness; keeps the recovery key; drops the root token.
# Then renews the token for good. BAO_ADDR and BAO_CACERT say where OpenBao is.
set -eu
token=${TOKEN_FILE:-/run/openbao/earwitness-token}
recovery=${RECOVERY_FILE:-/run/recovery/openbao-recovery.txt}
policy=${POLICY_FILE:-/etc/openbao/earwitness.hcl}
owner=${TOKEN_OWNER:-65532:65532} # whom the image of Earwitness runs as
umask 077

initialised() { bao operator init -status >/dev/null; } # 0 yes, 2 not yet, 1 no answer

until initialised || [ $? -eq 2 ]; do sleep 1; done

if ! initialised; then
  # Kept before anything else: without it nobody gets another root token.
  bao operator init -recovery-shares=1 -recovery-threshold=1 >"$recovery.new"
  mv "$recovery.new" "$recovery"
fi
until bao status >/dev/null; do sleep 1; done

if [ ! -s "$token" ]; then
  root=$(sed -n 's/^Initial Root Token: //p' "$recovery")
  [ -n "$root" ] || { echo "no root token in $recovery: make one with 'bao operator generate-root'" >&2; exit 1; }
  export BAO_TOKEN="$root"
  bao secrets list | grep -q '^earwitness/' || bao secrets enable -path=earwitness transit
  bao policy write earwitness "$policy"
  bao token create -policy=earwitness -orphan -period=768h -no-default-policy -field=token >"$token.new"
  chown "$owner" "$token.new"
  mv "$token.new" "$token"
  bao token revoke -self
  sed -i '/^Initial Root Token: /d' "$recovery"
  unset BAO_TOKEN
fi

while :; do
  BAO_TOKEN=$(cat "$token") bao token renew >/dev/null || echo "the token could not be renewed" >&2
  sleep "${RENEW_SECONDS:-3600}" &
  trap 'kill $! ; exit 0' TERM INT
  wait $!
done
