#!/usr/bin/env bash
# Builds the operator's image localhost/postgres-operator:0.1.0 and, with --load, puts it on the kind cluster's node.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$root"

load=''
case ${1:-} in
  '') ;;
  --load) load=1 ;;
  *) die "unknown option $1; there is --load" ;;
esac
engine=$(engine)
[[ $engine ]] || die "no container engine answers: start Docker, or install Podman"
[[ $(uname -s) == Linux ]] || die "the image is made from this machine's own libraries, so it needs Linux"
image=localhost/postgres-operator:0.1.0

cargo build --quiet --release --package postgres-operator
program=${CARGO_TARGET_DIR:-target}/release/postgres-operator
context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
install -m 0755 "$program" "$context/postgres-operator"
# The program, the loader and the libraries, each where the loader looks for it.
ldd "$program" | grep -oE '/[^ ]+' | sort -u | while read -r library; do
  install -D -m 0755 "$library" "$context$library"
done
if [[ -r /etc/ssl/certs/ca-certificates.crt ]]; then
  install -D -m 0644 /etc/ssl/certs/ca-certificates.crt "$context/etc/ssl/certs/ca-certificates.crt"
fi
"$engine" build --quiet --tag "$image" --file code/postgres-operator/deploy/Containerfile "$context" >/dev/null
say "$image is built: $("$engine" image inspect --format '{{.Size}}' "$image") bytes"

if [[ $load ]]; then
  "$engine" save "$image" | "$engine" exec --interactive "$cluster-control-plane" ctr --namespace k8s.io images import - >/dev/null
  say "$image is on the node $cluster-control-plane"
fi
