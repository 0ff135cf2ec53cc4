#!/bin/sh
# In front of PostgreSQL's own program: nothing waits for the disk.
exec "$SANDBOX_BIN/pg_basebackup" --no-sync "$@"
