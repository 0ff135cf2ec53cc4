# Sets up an empty volume, as an init container; a volume with a data directory is left alone.
# Everything is made beside the final place and moved there at the end: a crash half-way leaves nothing that looks whole.
set -euo pipefail
[[ ! -s $PGDATA/PG_VERSION ]] || exit 0
new=$PGDATA.new
rm -rf "$new"

if [[ ${HOSTNAME##*-} == 0 ]]; then
  # Without the data of ordinal 0, a standby may hold the only copy: an empty primary beside it would be a lie.
  for ((ordinal = 1; ordinal < 10; ordinal++)); do
    heard=0
    pg_isready -q -t 1 -h "${HOSTNAME%-*}-$ordinal.$PRIMARY_DOMAIN" || heard=$?
    # 0 takes connections; 1 takes none now, as one does that starts up. From 2 on there is no server.
    if ((heard < 2)); then
      # In PostgreSQL's words, which the status quotes.
      echo "ERROR: standby $ordinal has data and this volume has none: restore it from there, it is not initialised anew" >&2
      exit 1
    fi
  done
  initdb -D "$new" --username=postgres --pwfile=<(printf '%s\n' "$SUPERUSER_PASSWORD") --encoding=UTF8 --locale=C.UTF-8 \
    --data-checksums --auth-local=scram-sha-256 --auth-host=scram-sha-256 >/dev/null
  cat >"$new/pg_hba.conf" <<'HBA'
local  all          postgres           peer
local  all          all                scram-sha-256
host   all          all           all  scram-sha-256
host   replication  streaming_replica all  scram-sha-256
HBA
  pg_ctl -D "$new" -w -s -o "-c listen_addresses='' -c unix_socket_directories=/tmp" start
  # \getenv keeps the passwords out of the process list; psql quotes them. A statement that fails is otherwise quoted, password
  # and all, by the server in its log and by psql beside the error.
  psql -q -h /tmp -U postgres -d postgres -v ON_ERROR_STOP=1 <<'SQL'
\getenv app_user APP_USER
\getenv app_database APP_DATABASE
\getenv app_password APP_PASSWORD
\getenv replication_password REPLICATION_PASSWORD
\set VERBOSITY terse
SET log_min_error_statement = panic;
SET password_encryption = 'scram-sha-256';
CREATE ROLE streaming_replica LOGIN REPLICATION PASSWORD :'replication_password';
CREATE ROLE :"app_user" LOGIN PASSWORD :'app_password';
CREATE DATABASE :"app_database" OWNER :"app_user";
SQL
  pg_ctl -D "$new" -w -s -m fast stop
else
  # The standby waits for the primary for as long as it takes: waiting is not failing.
  export PGPASSWORD=$REPLICATION_PASSWORD
  primary="host=${HOSTNAME%-*}-0.$PRIMARY_DOMAIN user=streaming_replica application_name=$HOSTNAME connect_timeout=5"
  # What -R writes down is used for as long as the standby lives. A primary that moves leaves an address behind that answers
  # nothing, and the receiver of the log knows no connect_timeout: without these it would wait for the kernel, two minutes.
  primary+=" tcp_user_timeout=5000 keepalives_idle=10 keepalives_interval=5 keepalives_count=3"
  until pg_basebackup -D "$new" -R -X stream -c fast -d "$primary"; do
    rm -rf "$new"
    sleep 1
  done
fi
# Somebody may have emptied the old one: a folder is moved into a folder that exists.
rmdir "$PGDATA" 2>/dev/null || true
mv -T "$new" "$PGDATA"
