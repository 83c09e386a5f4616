# Sourced by ./test: two PostgreSQL for the run, on free ports of 127.0.0.1. Sets EARWITNESS_TEST_POSTGRES (the URL of one
# that speaks in the clear), EARWITNESS_TEST_POSTGRES_TLS (of one that speaks only TLS), EARWITNESS_TEST_POSTGRES_CA (who
# vouches for that one; beside it other-ca.pem, which does not) and EARWITNESS_TEST_PG_BIN (where pg_dump and the like are).

postgres_bin() { # the newest PostgreSQL: Debian keeps it off the PATH
  local newest
  newest="$(printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort -V | tail -n 1)"
  if [[ -x "$newest" ]]; then dirname "$newest"; elif command -v initdb >/dev/null; then dirname "$(command -v initdb)"; fi
}

pg_pids=() pg_pid="" pg_dir="" pg_as=() pg_url=""
stop_postgres() {
  local pid
  for pid in "${pg_pids[@]}"; do kill -INT "$pid" 2>/dev/null || true; done # fast shutdown
  for pid in "${pg_pids[@]}"; do
    for _ in {1..100}; do kill -0 "$pid" 2>/dev/null && sleep 0.1 || break; done
    kill -QUIT "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  [[ -z "$pg_dir" ]] || rm -rf "$pg_dir"
}

as_postgres() { (cd "$pg_dir" && setpriv "${pg_as[@]}" --pdeathsig INT "$@"); }

make_postgres() { # an empty database cluster in $pg_dir/data
  local user
  pg_dir="$(mktemp -d "${TMPDIR:-/tmp}/earwitness-pg.XXXXXX")"
  if ((EUID == 0)); then # PostgreSQL refuses to run as root
    user="$(id -un postgres 2>/dev/null || echo nobody)"
    chown "$user" "$pg_dir"
    pg_as=(--reuid "$user" --regid "$(id -gn "$user")" --init-groups)
  fi
  as_postgres "$(postgres_bin)/initdb" --pgdata "$pg_dir/data" --username earwitness --auth trust --encoding UTF8 \
    --locale C --no-sync >"$pg_dir/initdb.log" 2>&1 || { cat "$pg_dir/initdb.log" >&2; return 1; }
}

# A second cluster that speaks only TLS, two authorities, and a certificate of the first of them.
make_postgres_tls() {
  local tls="$pg_dir/tls" new=(openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes) name
  as_postgres cp -a data data-tls && echo 'hostssl all all 127.0.0.1/32 trust' >"$pg_dir/data-tls/pg_hba.conf" &&
    as_postgres mkdir -m 0755 tls && chmod 0755 "$pg_dir" || return
  for name in ca other-ca; do
    as_postgres "${new[@]}" -x509 -days 2 -subj "/CN=$name" -keyout "$tls/$name.key" -out "$tls/$name.pem" || return
  done
  as_postgres "${new[@]}" -subj /CN=postgres -addext subjectAltName=IP:127.0.0.1 -keyout "$tls/server.key" -out "$tls/csr" &&
    as_postgres openssl x509 -req -days 2 -in "$tls/csr" -copy_extensions copy -CA "$tls/ca.pem" -CAkey "$tls/ca.key" \
      -out "$tls/server.pem" && as_postgres chmod 0600 "$tls/server.key"
}

# run_postgres CLUSTER PORT OPTION…: until it answers; false when it ended instead. Sets pg_pid and pg_url.
run_postgres() {
  local bin cluster="$1" port="$2"
  bin="$(postgres_bin)"
  # Ends with this script, however that ends (--pdeathsig).
  (cd "$pg_dir" && exec setpriv "${pg_as[@]}" --pdeathsig INT "$bin/postgres" -D "$pg_dir/$cluster" -p "$port" \
    -h 127.0.0.1 -k "" -c max_connections=300 "${@:3}") >>"$pg_dir/$cluster.log" 2>&1 &
  pg_pid=$!
  while kill -0 "$pg_pid" 2>/dev/null; do
    if "$bin/pg_isready" --quiet --host 127.0.0.1 --port "$port"; then
      pg_pids+=("$pg_pid") pg_url="postgres://earwitness@127.0.0.1:$port/postgres"
      return
    fi
    sleep 0.1
  done
  return 1
}

launch_postgres() { # launch_postgres CLUSTER OPTION…: on some free port
  for _ in 1 2 3; do # another process may take the port first
    # Nothing in the tests pulls this one's plug: no fsync.
    run_postgres "$1" "$(free_port)" -c fsync=off -c synchronous_commit=off -c full_page_writes=off "${@:2}" && return
  done
  cat "$pg_dir/$1.log" >&2
  return 1
}

start_postgres() {
  make_postgres && make_postgres_tls >"$pg_dir/tls.log" 2>&1 || { cat "$pg_dir/tls.log" >&2; return 1; }
  EARWITNESS_TEST_PG_BIN="$(postgres_bin)"
  launch_postgres data || return
  EARWITNESS_TEST_POSTGRES="$pg_url"
  launch_postgres data-tls -c ssl=on -c ssl_cert_file="$pg_dir/tls/server.pem" \
    -c ssl_key_file="$pg_dir/tls/server.key" || return
  EARWITNESS_TEST_POSTGRES_TLS="$pg_url"
  export EARWITNESS_TEST_PG_BIN EARWITNESS_TEST_POSTGRES EARWITNESS_TEST_POSTGRES_TLS
  export EARWITNESS_TEST_POSTGRES_CA="$pg_dir/tls/ca.pem"
}
