# Sourced by ./test: a stand-in for AWS (KMS) in memory, on a free port of 127.0.0.1. Sets EARWITNESS_TEST_MOTO (its
# URL). Any credentials are good. Every test has aliases of its own.

moto_pid="" moto_dir=""
stop_moto() {
  if [[ -n "$moto_pid" ]]; then
    kill -KILL "$moto_pid" 2>/dev/null || true # it keeps nothing
    wait "$moto_pid" 2>/dev/null || true
  fi
  [[ -z "$moto_dir" ]] || rm -rf "$moto_dir"
}

start_moto() {
  local port
  moto_dir="$(mktemp -d "${TMPDIR:-/tmp}/earwitness-moto.XXXXXX")"
  for _ in 1 2 3; do # another process may take the port first
    port="$(free_port)"
    # Ends with this script, however that ends (--pdeathsig).
    (cd "$moto_dir" && exec setpriv --pdeathsig KILL "$venv/bin/python" -m moto.server -H 127.0.0.1 -p "$port") \
      >"$moto_dir/log" 2>&1 &
    moto_pid=$!
    while kill -0 "$moto_pid" 2>/dev/null; do
      if "$venv/bin/python" -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=2).read()' \
        "http://127.0.0.1:$port/moto-api/data.json" 2>/dev/null; then
        export EARWITNESS_TEST_MOTO="http://127.0.0.1:$port"
        return
      fi
      sleep 0.1
    done
  done
  cat "$moto_dir/log" >&2
  return 1
}
