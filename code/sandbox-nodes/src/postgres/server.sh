#!/bin/sh
# In front of PostgreSQL's own program: modest settings, which the pod's own win over, and the pod's address, which nothing does.
# All pods share the machine's network, and each has an address of its own in it.
case ${1-} in
  --*) exec "$SANDBOX_BIN/postgres" "$@" ;;
esac
exec "$SANDBOX_BIN/postgres" -c shared_buffers=8MB -c max_connections=40 -c max_wal_size=256MB -c min_wal_size=32MB \
  -c autovacuum_max_workers=1 -c max_parallel_workers=0 -c jit=off "$@" -c listen_addresses="$SANDBOX_ADDRESS"
