#!/usr/bin/env bash
# Opens the course: installs what is missing, says what there is, and serves the book on localhost.
# Usage: start.sh [--no-serve] [--port PORT]
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$root"

serve=1 port=3000
while (($#)); do
  case $1 in
    --no-serve) serve='' ;;
    --port)
      port=${2:?--port needs a number}
      shift
      ;;
    *) die "unknown option $1; there are --no-serve and --port" ;;
  esac
  shift
done

./scripts/setup-dev-environment.sh
say "building the course (a few minutes the first time)"
cargo build --quiet --package course
mdbook build >/dev/null
say ''
cargo course doctor || true
cat <<TEXT

The book is built: target/book/index.html
Next:
  ./scripts/setup-kind-cluster.sh        make the cluster (add --airgap where no registry can be reached)
  cargo course check 4.1 --solution      see the first lab's checks pass
  then read lesson 4.1, and do the lab in labs/lab-4-1-conditions
TEXT
[[ $serve ]] || exit 0
say ''
say "reading it here: http://localhost:$port (Ctrl-C stops the server)"
exec mdbook serve --port "$port" --hostname 127.0.0.1
