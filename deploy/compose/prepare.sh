#!/bin/sh
# Makes the secrets of this installation in ./secrets, once: passwords, the store's credentials, a certificate authority
# and a certificate for OpenBao, the key that OpenBao is sealed under. What is there already stays as it is.
set -eu
folder=${1:-$(dirname "$0")/secrets}
mkdir -p "$folder"
# Containers run as several users and see single files of it; on this machine nobody else gets into the folder.
chmod 0700 "$folder"
cd "$folder"
umask 022

random() { openssl rand -hex "$1"; }
make() { # make FILE: standard input becomes the file, whole or not at all, unless it is there
  if [ -e "$1" ]; then cat >/dev/null; else cat >"$1.new" && mv "$1.new" "$1"; fi
}

random 24 | make postgres-password
random 12 | make grafana-password
make earwitness.toml <<EOF
catalog = "postgres://earwitness:$(cat postgres-password)@postgres:5432/earwitness"
EOF

credentials() { # credentials FILE NAME
  make "$1" <<EOF
[default]
aws_access_key_id = $2-$(random 8)
aws_secret_access_key = $(random 24)
EOF
}
credentials s3-credentials earwitness
credentials s3-admin-credentials admin
value() { sed -n "s/^$2 = //p" "$1"; }
# Earwitness itself may not bypass a lock nor change the bucket; `store init` uses the other identity.
make s3.json <<EOF
{
  "identities": [
    {
      "name": "admin",
      "credentials": [{"accessKey": "$(value s3-admin-credentials aws_access_key_id)", "secretKey": "$(value s3-admin-credentials aws_secret_access_key)"}],
      "actions": ["Admin"]
    },
    {
      "name": "earwitness",
      "credentials": [{"accessKey": "$(value s3-credentials aws_access_key_id)", "secretKey": "$(value s3-credentials aws_secret_access_key)"}],
      "actions": ["Read:earwitness", "Write:earwitness", "List:earwitness"]
    }
  ]
}
EOF

if [ ! -e openbao.crt ]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj "/CN=Earwitness engines" \
    -addext "basicConstraints=critical,CA:true,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign" \
    -keyout ca.key -out ca.pem 2>/dev/null
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=openbao" -keyout openbao.key \
    -out openbao.csr 2>/dev/null
  printf 'subjectAltName=DNS:openbao,DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n' >openbao.ext
  openssl x509 -req -in openbao.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 825 -extfile openbao.ext \
    -out openbao.crt 2>/dev/null
  # Nobody signs anything else with it.
  rm -f openbao.csr openbao.ext ca.key ca.srl
  chmod 0644 openbao.key
fi
[ -e openbao-unseal.key ] || openssl rand -out openbao-unseal.key 32
echo "secrets are in $(pwd); keep openbao-unseal.key apart from backups of OpenBao's volume"
