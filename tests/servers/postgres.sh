# Sourced by ./test: one PostgreSQL for the run, on a free port of 127.0.0.1. Sets EARWITNESS_TEST_POSTGRES.

postgres_bin() { # the newest PostgreSQL: Debian keeps it off the PATH
  local newest
  newest="$(printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort -V | tail -n 1)"
  if [[ -x "$newest" ]]; then dirname "$newest"; elif command -v initdb >/dev/null; then dirname "$(command -v initdb)"; fi
}

pg_pid="" pg_dir="" pg_as=()
stop_postgres() {
  if [[ -n "$pg_pid" ]]; then
    kill -INT "$pg_pid" 2>/dev/null || true # fast shutdown
    for _ in {1..100}; do kill -0 "$pg_pid" 2>/dev/null && sleep 0.1 || break; done
    kill -QUIT "$pg_pid" 2>/dev/null || true
    wait "$pg_pid" 2>/dev/null || true
  fi
  [[ -z "$pg_dir" ]] || rm -rf "$pg_dir"
}

make_postgres() { # an empty database cluster in $pg_dir
  local user
  pg_dir="$(mktemp -d "${TMPDIR:-/tmp}/earwitness-pg.XXXXXX")"
  if ((EUID == 0)); then # PostgreSQL refuses to run as root
    user="$(id -un postgres 2>/dev/null || echo nobody)"
    chown "$user" "$pg_dir"
    pg_as=(--reuid "$user" --regid "$(id -gn "$user")" --init-groups)
  fi
  (cd "$pg_dir" && setpriv "${pg_as[@]}" --pdeathsig INT "$(postgres_bin)/initdb" --pgdata "$pg_dir/data" \
    --username earwitness --auth trust --encoding UTF8 --locale C --no-sync >"$pg_dir/initdb.log" 2>&1) ||
    { cat "$pg_dir/initdb.log" >&2; return 1; }
}

run_postgres() { # run_postgres PORT OPTION…: on what make_postgres made, until it answers; false when it ended instead
  local bin port="$1"
  bin="$(postgres_bin)"
  # Ends with this script, however that ends (--pdeathsig).
  (cd "$pg_dir" && exec setpriv "${pg_as[@]}" --pdeathsig INT "$bin/postgres" -D "$pg_dir/data" -p "$port" -h 127.0.0.1 \
    -k "" -c max_connections=300 "${@:2}") >>"$pg_dir/log" 2>&1 &
  pg_pid=$!
  while kill -0 "$pg_pid" 2>/dev/null; do
    if "$bin/pg_isready" --quiet --host 127.0.0.1 --port "$port"; then
      export EARWITNESS_TEST_POSTGRES="postgres://earwitness@127.0.0.1:$port/postgres"
      return
    fi
    sleep 0.1
  done
  return 1
}

start_postgres() {
  make_postgres
  for _ in 1 2 3; do # another process may take the port first
    # Nothing in the tests pulls this one's plug: no fsync.
    run_postgres "$(free_port)" -c fsync=off -c synchronous_commit=off -c full_page_writes=off && return
  done
  cat "$pg_dir/log" >&2
  return 1
}
