#!/usr/bin/env bash
# A PostgreSQL of one's own, on loopback, for tests.
#
#   tests/postgres.sh COMMAND [ARGUMENT...]
#       runs COMMAND with CURFEW_TEST_POSTGRES_URL, a superuser's, and then stops and removes the server,
#       however COMMAND ends
#   tests/postgres.sh --start DIR     makes a server in DIR (absent or empty) and prints its URL
#   tests/postgres.sh --resume DIR    starts it again on the same port, after --stop
#   tests/postgres.sh --stop DIR      stops it at once, as a crash of its machine would look to its clients
#   tests/postgres.sh --remove DIR    stops it and removes DIR
# With CURFEW_TEST_POSTGRES_TLS=on the server takes TLS alone from the network; its certificate is DIR/server.crt.
#
# PostgreSQL won't run as root: there, it runs as the user postgres that its package made.
set -euo pipefail

# A user's own installation (PATH) after Debian's, newest version first.
find_programs() {
  local found
  found=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1 || true)
  if [[ -z $found ]] && command -v initdb >/dev/null; then
    found=$(dirname "$(command -v initdb)")
  fi
  if [[ -z $found ]]; then
    echo "tests/postgres.sh: no initdb found: apt-get install postgresql" >&2
    exit 1
  fi
  echo "$found"
}

as_owner() {
  if [[ $(id -u) == 0 ]]; then
    # From / : the caller's directory may be closed to postgres.
    (cd / && exec su postgres -s /bin/bash -c "$(printf '%q ' "$@")")
  else
    "$@"
  fi
}

# The port is only known to be free when the server has it, so another is tried when it was not.
start() {
  local dir=$1 port attempt
  mkdir -p "$dir"
  chmod 755 "$dir"
  if [[ $(id -u) == 0 ]]; then chown postgres "$dir"; fi
  as_owner "$BIN/initdb" -D "$dir/data" -U postgres --auth=trust -E UTF8 --no-locale --no-sync >"$dir.log" 2>&1 ||
    { cat "$dir.log" >&2; return 1; }
  rm -f "$dir.log"
  if [[ ${CURFEW_TEST_POSTGRES_TLS:-off} == on ]]; then demand_tls "$dir" || return 1; fi
  for attempt in 1 2 3 4 5; do
    # Below the range from which the kernel lends ports to clients.
    port=$((20000 + RANDOM % 12000))
    echo "$port" >"$dir/port"
    if resume "$dir"; then return; fi
  done
  echo "tests/postgres.sh: the server does not start:" >&2
  cat "$dir/log" >&2
  return 1
}

# From the network TLS alone is taken, with a certificate that nobody has signed but itself.
demand_tls() {
  local dir=$1
  printf '[req]\ndistinguished_name=dn\n[dn]\n[own]\nsubjectAltName=IP:127.0.0.1\nbasicConstraints=critical,CA:FALSE\n' \
    >"$dir/tls.conf"
  as_owner openssl req -x509 -config "$dir/tls.conf" -extensions own -subj /CN=curfew-test -days 2 -nodes -newkey ec \
    -pkeyopt ec_paramgen_curve:P-256 -keyout "$dir/data/server.key" -out "$dir/data/server.crt" >"$dir/tls.log" 2>&1 ||
    { cat "$dir/tls.log" >&2; return 1; }
  cp "$dir/data/server.crt" "$dir/server.crt"
  chmod 644 "$dir/server.crt"
  as_owner sed -i 's/^host /hostssl /' "$dir/data/pg_hba.conf"
  echo 'ssl = on' | as_owner tee -a "$dir/data/postgresql.conf" >/dev/null
}

# fsync is off unless CURFEW_TEST_POSTGRES_FSYNC=on: what tests keep is thrown away, what is measured must last.
resume() {
  local dir=$1 port
  port=$(cat "$dir/port")
  as_owner "$BIN/pg_ctl" -D "$dir/data" -w -s -l "$dir/log" \
    -o "-p $port -k $dir -c listen_addresses=127.0.0.1 -c max_connections=300 -c fsync=${CURFEW_TEST_POSTGRES_FSYNC:-off}" start >&2 || return 1
  echo "postgres://postgres@127.0.0.1:$port/postgres"
}

stop() {
  as_owner "$BIN/pg_ctl" -D "$1/data" -s -m immediate stop >/dev/null 2>&1 || true
}

remove() {
  stop "$1"
  rm -rf "$1"
}

wrap() {
  local child=
  # Short: a socket's path has 107 bytes.
  dir=$(mktemp -d /tmp/curfew-pg.XXXXXX)
  trap 'remove "$dir"' EXIT
  trap 'kill -TERM "$child" 2>/dev/null || true' INT TERM HUP
  CURFEW_TEST_POSTGRES_URL=$(start "$dir")
  export CURFEW_TEST_POSTGRES_URL
  # In the background, for bash handles signals only between commands; waited for again, for a signal ends `wait`.
  "$@" <&0 &
  child=$!
  local status=0
  while true; do
    wait "$child" && status=0 || status=$?
    kill -0 "$child" 2>/dev/null || break
  done
  exit "$status"
}

BIN=$(find_programs)
case ${1:?a command to run, or --start, --resume, --stop, --remove} in
  --start) start "${2:?a directory}" ;;
  --resume) resume "${2:?a directory}" ;;
  --stop) stop "${2:?a directory}" ;;
  --remove) remove "${2:?a directory}" ;;
  -*) echo "tests/postgres.sh: unknown option $1" >&2; exit 2 ;;
  *) wrap "$@" ;;
esac
