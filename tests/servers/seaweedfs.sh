# Sourced by ./test: one SeaweedFS for the run, an S3 store with working Object Lock, on free ports of 127.0.0.1. Sets
# EARWITNESS_TEST_S3 (a bucket with Object Lock, as a setting of the store) and the credentials of the AWS chain.

weed_pid="" weed_dir=""
stop_seaweedfs() {
  # It ends slowly when asked, and there is nothing in it to keep.
  [[ -z "$weed_pid" ]] || { kill -KILL "$weed_pid" 2>/dev/null || true; wait "$weed_pid" 2>/dev/null || true; }
  [[ -z "$weed_dir" ]] || rm -rf "$weed_dir"
  weed_pid="" weed_dir=""
}

weed_ports() { # seven ports that are free at the same time
  python3 - <<'PYTHON'
import socket
sockets = [socket.socket() for _ in range(7)]
for s in sockets:
    s.bind(("127.0.0.1", 0))
print(*[s.getsockname()[1] for s in sockets])
PYTHON
}

# Makes the test bucket and proves it with a write and a read: the S3 port answers before it can store.
weed_is_ready() { # weed_is_ready PORT
  "$venv/bin/python" tests/servers/bucket.py "http://127.0.0.1:$1" earwitness-test >>"$weed_dir/ready.log" 2>&1
}

start_seaweedfs() {
  local ports key secret
  # The developer's own credentials are not the tests'.
  export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true
  unset AWS_PROFILE AWS_SESSION_TOKEN AWS_REGION AWS_DEFAULT_REGION AWS_ENDPOINT_URL AWS_ENDPOINT_URL_S3
  key="$(python3 -c 'import secrets; print(secrets.token_hex(10))')"
  secret="$(python3 -c 'import secrets; print(secrets.token_hex(20))')"
  export AWS_ACCESS_KEY_ID="$key" AWS_SECRET_ACCESS_KEY="$secret"
  weed_dir="$(mktemp -d "${TMPDIR:-/tmp}/earwitness-weed.XXXXXX")"
  mkdir "$weed_dir/data"
  cat >"$weed_dir/s3.json" <<JSON
{"identities": [{"name": "tests", "credentials": [{"accessKey": "$key", "secretKey": "$secret"}],
  "actions": ["Admin", "Read", "Write", "List", "Tagging"]}]}
JSON
  for _ in 1 2 3; do # another process may take a port first
    read -ra ports < <(weed_ports)
    (cd "$weed_dir" && exec setpriv --pdeathsig KILL "$venv/bin/weed" server -dir="$weed_dir/data" -ip=127.0.0.1 \
      -ip.bind=127.0.0.1 -master.port="${ports[0]}" -master.port.grpc="${ports[1]}" -volume.port="${ports[2]}" \
      -volume.port.grpc="${ports[3]}" -filer -filer.port="${ports[4]}" -filer.port.grpc="${ports[5]}" -s3 \
      -s3.port="${ports[6]}" -s3.config="$weed_dir/s3.json" -s3.port.iceberg=0 -s3.port.lance=0 \
      -master.telemetry=false -master.electionTimeout=1s -master.volumeSizeLimitMB=256 -volume.max=32) \
      >"$weed_dir/log" 2>&1 &
    weed_pid=$!
    for _ in {1..300}; do
      kill -0 "$weed_pid" 2>/dev/null || break
      if weed_is_ready "${ports[6]}"; then
        export EARWITNESS_TEST_S3="s3://earwitness-test?endpoint=http://127.0.0.1:${ports[6]}&region=us-east-1&path_style=true"
        return
      fi
      sleep 0.2
    done
    kill -KILL "$weed_pid" 2>/dev/null || true
    wait "$weed_pid" 2>/dev/null || true
    weed_pid=""
  done
  tail -n 50 "$weed_dir/ready.log" "$weed_dir/log" >&2
  return 1
}
