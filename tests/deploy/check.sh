#!/usr/bin/env bash
# Checks the files in deploy/ with the tools that they are for. ./test calls it; EARWITNESS_TEST_PYTHON is its Python, with
# the tools of tests/requirements.txt beside it. Nothing is started but an OpenBao on loopback, and nothing is left.
set -euo pipefail
cd "$(dirname "$0")/../.."
tools="$(dirname "${EARWITNESS_TEST_PYTHON:?run this through ./test}")"
export PATH="$tools:$PATH:/usr/sbin:/sbin"
folder="$(mktemp -d "${TMPDIR:-/tmp}/earwitness-deploy.XXXXXX")"
trap 'rm -rf "$folder"' EXIT
quietly() { "$@" >"$folder/out" 2>&1 || { cat "$folder/out" >&2; echo "deploy: failed: $*" >&2; return 1; }; }
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

systemd() {
  local unit="$folder/units/earwitness.service" dropin
  mkdir -p "$folder/units/earwitness.service.d"
  # The program is not installed here.
  sed 's#^ExecStart=/usr/local/bin/earwitness #ExecStart=/bin/true #' deploy/systemd/earwitness.service >"$unit"
  quietly systemd-analyze verify --man=no --recursive-errors=no "$unit"
  # `verify` warns of what it does not know, and still succeeds.
  ! grep -E "Unknown|Failed|ignoring" "$folder/out" || return 1
  # 1.2 as it is: each tenth is a right that the service has.
  quietly systemd-analyze security --offline=true --no-pager --threshold=13 "$unit"
  for dropin in deploy/systemd/examples/*.conf; do cp "$dropin" "$unit.d/"; done
  quietly systemd-analyze verify --man=no --recursive-errors=no "$unit"
  ! grep -E "Unknown|Failed|ignoring" "$folder/out" || return 1
  mkdir -p "$folder/root/etc"
  quietly systemd-sysusers --root="$folder/root" "$PWD/deploy/systemd/earwitness.sysusers.conf"
  grep -q '^earwitness:' "$folder/root/etc/passwd"
  quietly systemd-tmpfiles --root="$folder/root" --create "$PWD/deploy/systemd/earwitness.tmpfiles.conf"
  [[ "$(stat -c %a "$folder/root/etc/earwitness/secrets")" == 700 ]]
}

prometheus() {
  quietly promtool check rules deploy/prometheus/earwitness.rules.yml
  quietly promtool test rules deploy/prometheus/earwitness.rules.test.yml
  sed "s#/etc/prometheus/#$PWD/deploy/prometheus/#" deploy/compose/prometheus.yml >"$folder/prometheus.yml"
  quietly promtool check config "$folder/prometheus.yml"
}

proxies() {
  local nginx="$folder/nginx"
  mkdir -p "$nginx" "$folder/caddy"
  quietly openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost \
    -keyout "$nginx/privkey.pem" -out "$nginx/fullchain.pem"
  sed -e "s#/etc/ssl/earwitness/#$nginx/#; s#/var/log/nginx/#$nginx/#" \
    -e "s#listen 80;#listen 127.0.0.1:$(free_port);#; s#listen 443 #listen 127.0.0.1:$(free_port) #" \
    deploy/nginx/earwitness.conf >"$nginx/earwitness.conf"
  printf 'pid %s/pid;\nerror_log stderr;\nevents {}\nhttp {\n' "$nginx" >"$nginx/nginx.conf"
  for kind in client_body proxy fastcgi uwsgi scgi; do echo "${kind}_temp_path $nginx/$kind;"; done >>"$nginx/nginx.conf"
  printf 'include %s/earwitness.conf;\n}\n' "$nginx" >>"$nginx/nginx.conf"
  quietly nginx -t -c "$nginx/nginx.conf" -p "$nginx"
  sed "s#/var/log/caddy/#$folder/caddy/#" deploy/caddy/Caddyfile >"$folder/caddy/Caddyfile"
  HOME="$folder/caddy" XDG_DATA_HOME="$folder/caddy" XDG_CONFIG_HOME="$folder/caddy" \
    quietly caddy validate --adapter caddyfile --config "$folder/caddy/Caddyfile"
  diff -u deploy/caddy/Caddyfile <(caddy fmt - <deploy/caddy/Caddyfile)
}

containers() {
  quietly hadolint deploy/container/Dockerfile
  quietly check-jsonschema --builtin-schema vendor.compose-spec deploy/compose/compose.yaml
  local manifest
  for manifest in deploy/kubernetes/*.yaml; do
    [[ "$manifest" == */kustomization.yaml ]] || quietly kubernetes-validate --strict -k 1.33 "$manifest"
  done
  for script in deploy/compose/*.sh deploy/systemd/earwitness-run; do quietly sh -n "$script"; done
}

systemd
prometheus
proxies
containers
python tests/deploy/names.py
tests/deploy/openbao.sh "$folder/openbao"
echo "deploy: OpenBao was set up, and its policy gives what is needed and nothing more"
