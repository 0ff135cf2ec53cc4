#!/bin/bash
# What the entry point of the official image promises: an empty data directory is set up from POSTGRES_* before the server starts.
# https://hub.docker.com/_/postgres
set -euo pipefail
[[ ${1:0:1} != - ]] || set -- postgres "$@"
[[ $1 == postgres ]] || exec "$@"

# A value, or the content of the file that NAME_FILE names.
value() {
  local file=${1}_FILE
  if [[ -n ${!file-} ]]; then cat "${!file}"; else printf '%s' "${!1-${2-}}"; fi
}
export PGDATA=${PGDATA:-/var/lib/postgresql/data}
mkdir -p "$PGDATA"
chmod 700 "$PGDATA"
if [[ ! -s $PGDATA/PG_VERSION ]]; then
  user=$(value POSTGRES_USER postgres) password=$(value POSTGRES_PASSWORD) method=${POSTGRES_HOST_AUTH_METHOD-}
  database=$(value POSTGRES_DB "$user")
  if [[ -z $password && $method != trust ]]; then
    echo "Error: Database is uninitialized and superuser password is not specified. Set POSTGRES_PASSWORD." >&2
    exit 1
  fi
  read -ra more <<<"${POSTGRES_INITDB_ARGS-}"
  initdb -D "$PGDATA" --username="$user" --pwfile=<(printf '%s\n' "$password") "${more[@]}"
  # initdb trusts 127.0.0.1. In the image that is the container itself; here it is everybody.
  sed -i '/^host/d' "$PGDATA/pg_hba.conf"
  printf '\nhost all all all %s\n' "${method:-scram-sha-256}" >>"$PGDATA/pg_hba.conf"
  pg_ctl -D "$PGDATA" -w -s -o "-c listen_addresses=''" start
  export PGUSER=$user PGPASSWORD=$password
  if [[ $database != postgres ]]; then
    psql -q -v ON_ERROR_STOP=1 -d postgres -v name="$database" <<<'CREATE DATABASE :"name"'
  fi
  for file in /docker-entrypoint-initdb.d/*; do
    case $file in
      *.sh) . "$file" ;;
      *.sql) psql -q -v ON_ERROR_STOP=1 -d "$database" -f "$file" ;;
    esac
  done
  pg_ctl -D "$PGDATA" -w -s -m fast stop
  unset PGUSER PGPASSWORD
fi
exec "$@"
