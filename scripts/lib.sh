# Shared by the scripts: where things are, how they speak, and how they find the tools that they installed.
# shellcheck shell=bash disable=SC2034 # used by the scripts that read this
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cluster=${KIND_CLUSTER_NAME:-course}
# Rust put this folder on the path, so what is installed there is found by every new shell.
bin=${CARGO_HOME:-$HOME/.cargo}/bin
export PATH=$bin:$PATH

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

# The container engine to use with kind: Docker if its daemon answers, else Podman.
engine() {
  if has docker && docker info >/dev/null 2>&1; then
    echo docker
  elif has podman; then
    echo podman
  fi
}

# Whether the current context is a kind cluster that answers.
kind_cluster_answers() {
  local context
  context=$(kubectl config current-context 2>/dev/null) || return 1
  [[ $context == kind-* ]] && kubectl --request-timeout=5s get --raw /readyz >/dev/null 2>&1
}
