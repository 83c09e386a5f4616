# OpenBao for one machine: keys on disk, TLS, audit to standard output.
ui           = false
api_addr     = "https://openbao:8200"
cluster_addr = "https://openbao:8201"

listener "tcp" {
  address         = "0.0.0.0:8200"
  tls_cert_file   = "/run/secrets/openbao.crt"
  tls_key_file    = "/run/secrets/openbao.key"
  tls_min_version = "tls12"
}

storage "raft" {
  path    = "/openbao/file"
  node_id = "openbao"
}

# Unseals itself with a key of this installation; only `prepare.sh` knew it. An HSM (pkcs11) or a cloud's KMS is better.
seal "static" {
  current_key_id = "prepare-1"
  current_key    = "file:///run/secrets/openbao-unseal.key"
}

# Who made, used and destroyed which key. OpenBao keeps names and writes values as HMACs.
audit "file" "stdout" {
  options = {
    file_path = "stdout"
  }
}
