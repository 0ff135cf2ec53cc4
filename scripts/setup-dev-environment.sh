#!/usr/bin/env bash
# Installs what the course needs and this machine lacks. It says what it installs, and can be run again.
# Usage: setup-dev-environment.sh [--check-tools]   (--check-tools adds what only test.sh needs)
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

kind_version=v0.33.0
kubectl_version=v1.37.0
mdbook_version=0.5.4

platform() { # linux-amd64 darwin-arm64 …
  local machine
  case $(uname -m) in
    x86_64) machine=amd64 ;;
    aarch64 | arm64) machine=arm64 ;;
    *) machine=$(uname -m) ;;
  esac
  echo "$(uname -s | tr '[:upper:]' '[:lower:]')-$machine"
}

as_root() { if [[ $(id -u) == 0 ]]; then "$@"; else sudo "$@"; fi; }

debian() { # debian PACKAGE…: with apt, where there is apt
  has apt-get || return 1
  say "installing $* with apt"
  as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

download() { # download NAME URL: a single program
  say "downloading $1"
  mkdir -p "$bin"
  curl --fail --silent --show-error --location --connect-timeout 10 --output "$bin/$1.part" "$2" && chmod +x "$bin/$1.part" && mv "$bin/$1.part" "$bin/$1"
}

cargo_tool() { # cargo_tool PROGRAM CRATE VERSION
  has "$1" && return
  say "compiling $2 $3 (a few minutes, once)"
  cargo install --quiet --locked --version "$3" "$2" || die "cargo could not install $2"
}

browser() { # the names that scripts/browser looks for
  has chromium || has chromium-browser || has google-chrome || has google-chrome-stable ||
    [[ -x "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" ]]
}

postgres() { # the servers that the sandbox's pods are
  compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null
}

has cargo || die "Rust is missing: install it from https://rustup.rs, then run this again"
has cc || debian gcc libc6-dev || die "a C compiler is missing: install gcc or clang, then run this again"
has curl || debian curl ca-certificates || die "curl is missing: install it, then run this again"

if ! has kubectl; then
  download kubectl "https://dl.k8s.io/release/$kubectl_version/bin/$(platform | tr - /)/kubectl" || debian kubernetes-client ||
    die "kubectl could not be installed: see https://kubernetes.io/docs/tasks/tools"
fi

if ! has kind; then
  download kind "https://kind.sigs.k8s.io/dl/$kind_version/kind-$(platform)" ||
    say "kind could not be downloaded: ./scripts/setup-kind-cluster.sh --airgap brings its own"
fi

if [[ -z $(engine) ]]; then
  debian podman || say "no container engine: install Docker (https://docs.docker.com/engine/install) or Podman"
fi

if ! postgres; then
  debian postgresql || say "no PostgreSQL: the sandbox goes on with --pods simulated"
fi

cargo_tool mdbook mdbook "$mdbook_version"

if [[ ${1:-} == --check-tools ]]; then
  has npm || debian nodejs npm || die "Node is missing: install it from https://nodejs.org, then run this again"
  browser || debian chromium || die "Chromium is missing: install it, then run this again"
  has shellcheck || debian shellcheck || die "shellcheck is missing: install it, then run this again"
fi
say "the tools are there"
