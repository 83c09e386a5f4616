# Sourced by ./test: one SeaweedFS for the run, an S3 store with working Object Lock, on free ports of 127.0.0.1. Sets
# EARWITNESS_TEST_S3 (a bucket with Object Lock, as a setting of the store), EARWITNESS_TEST_S3_VERSIONED (one with versions
# and without locks, for tests that move their clock to a purge) and the credentials of the AWS chain, which may do anything;
# EARWITNESS_TEST_S3_ORDINARY and EARWITNESS_TEST_S3_ERASURES (KEY:SECRET) are of somebody who may do what an archive needs, and
# of somebody who may bypass locks and can read nothing.

weed_pid="" weed_dir=""
stop_seaweedfs() {
  # It ends slowly when asked, and there is nothing in it to keep.
  [[ -z "$weed_pid" ]] || { kill -KILL "$weed_pid" 2>/dev/null || true; wait "$weed_pid" 2>/dev/null || true; }
  [[ -z "$weed_dir" ]] || rm -rf "$weed_dir"
  weed_pid="" weed_dir=""
}

# Makes the test buckets and proves them with a write and a read: the S3 port answers before it can store.
weed_is_ready() { # weed_is_ready PORT
  local bucket
  for bucket in locked versioned; do
    "$venv/bin/python" tests/servers/bucket.py "http://127.0.0.1:$1" "earwitness-$bucket" "$bucket" \
      >>"$weed_dir/ready.log" 2>&1 || return 1
  done
}

weed_credentials() { # fresh ones; the developer's own are not the tests'
  export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true
  unset AWS_PROFILE AWS_SESSION_TOKEN AWS_REGION AWS_DEFAULT_REGION AWS_ENDPOINT_URL AWS_ENDPOINT_URL_S3
  local pair='import secrets; print(secrets.token_hex(10), secrets.token_hex(20), sep=":")'
  EARWITNESS_TEST_S3_ORDINARY="$(python3 -c "$pair")" EARWITNESS_TEST_S3_ERASURES="$(python3 -c "$pair")"
  AWS_ACCESS_KEY_ID="$(python3 -c "$pair")"
  AWS_SECRET_ACCESS_KEY="${AWS_ACCESS_KEY_ID#*:}" AWS_ACCESS_KEY_ID="${AWS_ACCESS_KEY_ID%:*}"
  export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY EARWITNESS_TEST_S3_ORDINARY EARWITNESS_TEST_S3_ERASURES
}

weed_identity() { # weed_identity NAME KEY:SECRET ACTIONS
  printf '{"name": "%s", "credentials": [{"accessKey": "%s", "secretKey": "%s"}], "actions": [%s]}' "$1" "${2%:*}" "${2#*:}" "$3"
}

make_seaweedfs() { # an empty store in $weed_dir, which knows the credentials of the environment
  weed_dir="$(mktemp -d "${TMPDIR:-/tmp}/earwitness-weed.XXXXXX")"
  mkdir "$weed_dir/data"
  local identities
  identities="$(weed_identity tests "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" '"Admin", "Read", "Write", "List", "Tagging"'),
    $(weed_identity ordinary "$EARWITNESS_TEST_S3_ORDINARY" '"Read", "Write", "List", "Tagging", "GetObjectRetention",
      "PutObjectRetention", "GetObjectLegalHold", "PutObjectLegalHold", "GetBucketObjectLockConfiguration"'),
    $(weed_identity erasures "$EARWITNESS_TEST_S3_ERASURES" '"Write", "BypassGovernanceRetention"')"
  echo "{\"identities\": [$identities]}" >"$weed_dir/s3.json"
}

run_seaweedfs() { # run_seaweedfs PORT…: eight, on what make_seaweedfs made, until it stores; false when it does not
  # Each bucket that a test makes takes several volumes, which are small while they are empty. It logs to TMPDIR as well.
  (cd "$weed_dir" && TMPDIR="$weed_dir" exec setpriv --pdeathsig KILL "$venv/bin/weed" server -dir="$weed_dir/data" \
    -ip=127.0.0.1 -ip.bind=127.0.0.1 -master.port="$1" -master.port.grpc="$2" -volume.port="$3" -volume.port.grpc="$4" -filer \
    -filer.port="$5" -filer.port.grpc="$6" -s3 -s3.port="$7" -s3.port.grpc="$8" -s3.config="$weed_dir/s3.json" \
    -s3.port.iceberg=0 -s3.port.lance=0 -master.telemetry=false -master.electionTimeout=1s -master.volumeSizeLimitMB=256 \
    -volume.max=1000) >>"$weed_dir/log" 2>&1 &
  weed_pid=$!
  for _ in {1..300}; do
    kill -0 "$weed_pid" 2>/dev/null || break
    if weed_is_ready "$7"; then
      local at="endpoint=http://127.0.0.1:$7&region=us-east-1&path_style=true"
      export EARWITNESS_TEST_S3="s3://earwitness-locked?$at" EARWITNESS_TEST_S3_VERSIONED="s3://earwitness-versioned?$at"
      return
    fi
    sleep 0.2
  done
  kill -KILL "$weed_pid" 2>/dev/null || true
  wait "$weed_pid" 2>/dev/null || true
  weed_pid=""
  return 1
}

start_seaweedfs() {
  local ports
  weed_credentials
  make_seaweedfs
  for _ in 1 2 3; do # another process may take a port first
    read -ra ports < <(free_ports 8)
    run_seaweedfs "${ports[@]}" && return
  done
  tail -n 50 "$weed_dir/ready.log" "$weed_dir/log" >&2
  return 1
}
