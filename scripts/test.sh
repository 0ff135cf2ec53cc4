#!/usr/bin/env bash
# Everything that must stay true. Without an option: what needs no cluster. With --kind: also the labs on a kind cluster, which is
# made meanwhile if none answers: by the command in MAKE_CLUSTER, or by setup-kind-cluster.sh. Without --afresh, a slow step that passed here
# on the same files and programs, and needs no cluster, is not repeated.
# Prints a line for each step and closes with `N passed, N failed`. Logs of the steps are in target/test.
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$root/scripts/unchanged.sh"
cd "$root" || exit 1

kind='' afresh=''
for option; do
  case $option in
    --kind) kind=1 ;;
    --afresh) afresh=1 ;;
    *) die "unknown option $option; there are --kind and --afresh" ;;
  esac
done

mkdir -p "${CARGO_TARGET_DIR:-target}/test"
target=$(cd "${CARGO_TARGET_DIR:-target}" && pwd)
logs=$target/test
results=$logs/results again=$logs/again
: >"$results"
: >"$again"

as=(step) # how a step that failed beside others is tried again
step() { # step NAME COMMAND…
  local name=$1 log started line
  shift
  log=$logs/${name//[^a-z0-9]/-}.log
  started=$SECONDS
  if "$@" >"$log" 2>&1; then
    echo passed >>"$results"
    printf '✓ %-46s %4d s\n' "$name" "$((SECONDS - started))"
    return 0
  fi
  line=$(printf '✗ %-46s %4d s' "$name" "$((SECONDS - started))")
  if [[ $beside ]]; then
    mv "$log" "$log.beside"
    log=$log.beside
    printf '%q ' "${as[@]}" "$name" "$@" >>"$again"
    echo >>"$again"
    line+=", once more alone at the end"
  else
    echo failed >>"$results"
  fi
  printf '%s, see %s\n%s\n' "$line" "$log" "$(tail -n 25 "$log" | sed 's/^/    /')" # in one piece: another lane may speak too
  return 1
}

# For what needs nothing but files of this clone and programs of this machine, and takes minutes: while those are the same, it passed.
once() { # once "PATH…" NAME COMMAND…
  local inputs passed now as=(once "$1")
  passed=$logs/${2//[^a-z0-9]/-}.passed
  read -ra inputs <<<"$1"
  shift
  now=$(fingerprint "${inputs[@]}" scripts/test.sh)
  if [[ ! $afresh && $now && -e $passed && $(<"$passed") == "$now" ]]; then
    echo passed >>"$results"
    printf '✓ %-46s passed before, on the same files\n' "$1"
    return
  fi
  rm -f "$passed"
  if step "$@" && [[ $(fingerprint "${inputs[@]}" scripts/test.sh) == "$now" ]]; then echo "$now" >"$passed"; fi
}
programs='code labs solutions .cargo Cargo.toml Cargo.lock rust-toolchain.toml'

# Steps that wait for pods and clocks most of their time go beside each other. What fails in one lane stops no other. Checks have
# deadlines of a second or two, which pass on a busy machine: what fails in a lane is told, and counts as it ends alone.
beside='' lanes=()
lane() { # lane FUNCTION
  beside=1 "$1" &
  lanes+=($!)
}
join() {
  wait "${lanes[@]}"
  lanes=()
}
once_more() {
  local failures words beside=''
  mapfile -t failures <"$again"
  for words in "${failures[@]}"; do
    eval "$words"
  done
}

make_cluster() { # a cluster that answers stays as it is: setting it up twice changes nothing
  ${MAKE_CLUSTER:-./scripts/setup-kind-cluster.sh} && kind_cluster_answers
}
cluster() { step "a kind cluster" make_cluster; }

# rustdoc finds crates by name, and stops where two files fit: macros are built with another set of features. The operator's
# metadata names the very files that it was built with, so those are the ones that it gets.
snippets_compile() {
  local deps=$target/book-deps files mine
  files=$(cargo test --quiet --workspace --no-run --message-format=json-render-diagnostics |
    grep -o '"[^"]*/deps/lib[^"]*\.\(rlib\|so\|rmeta\)"' | tr -d '"' | sort -u)
  mapfile -t mine < <(grep -E '/lib(postgres_operator|solution_[0-9a-z_]+)-[0-9a-f]+\.rmeta$' <<<"$files")
  rm -rf "$deps" && mkdir -p "$deps"
  basename --multiple --suffix=.rmeta "${mine[@]}" | grep -oE '[0-9a-f]{16}$' >"$deps.hashes"
  grep -aohE -- '-[0-9a-f]{16}' "${mine[@]}" | tr -d '-' | sort -u >>"$deps.hashes"
  grep -F -f "$deps.hashes" <<<"$files" | xargs cp --target-directory="$deps"
  mdbook test --library-path "$deps"
}

in_a_browser() { # with the links that the published book has
  local folder=$logs/browser
  MDBOOK_OUTPUT__HTML__GIT_REPOSITORY_URL=https://git.example.com/course \
    MDBOOK_OUTPUT__HTML__EDIT_URL_TEMPLATE='https://git.example.com/course/edit/main/{path}' \
    mdbook build --dest-dir "$folder" || return 1
  npm ci --prefix scripts/browser --silent --no-audit --no-fund || return 1
  (cd scripts/browser && BOOK=$folder node --test)
}

workflows() { # the schema that GitHub publishes for workflows
  local env=$target/check-jsonschema
  [[ -x $env/bin/check-jsonschema ]] || { python3 -m venv "$env" && "$env/bin/pip" install --quiet check-jsonschema==0.39.0; } || return 1
  "$env/bin/check-jsonschema" --builtin-schema vendor.github-workflows .github/workflows/*.yml
}

shell_scripts() {
  local files
  mapfile -t files < <(grep -rlE --exclude-dir=node_modules '^#!(/usr/bin/env |/bin/)(ba)?sh|shellcheck shell=' scripts .ci)
  shellcheck "${files[@]}"
}

size() { # the operator's release binary, in MiB
  cargo build --quiet --release --package postgres-operator || return 1
  local bytes
  bytes=$(wc -c <"$target/release/postgres-operator")
  echo "the operator's release binary has $bytes bytes"
  ((bytes < 15 * 1024 * 1024))
}

s3_server() { # moto speaks S3's protocol
  local env=$target/moto
  [[ -x $env/bin/moto_server ]] || { python3 -m venv "$env" && "$env/bin/pip" install --quiet 'moto[s3,server]==5.2.5'; }
}

short_files() { # no Rust file over 300 lines
  local long
  long=$(find code labs solutions -name '*.rs' -exec wc -l {} + | awk '$2 != "total" && $1 > 300')
  [[ -z $long ]] || { echo "$long"; return 1; }
}

if [[ $kind ]]; then
  lane cluster # while all else is compiled
fi
step "formatting" cargo fmt --all --check
step "clippy, warnings denied" cargo clippy --quiet --workspace --all-targets --test '*' -- --deny warnings
step "files under 300 lines" short_files
step "tests, and the book's snippets with skeptic" cargo test --quiet --workspace
step "API documentation, warnings denied" env RUSTDOCFLAGS='--deny warnings' cargo doc --quiet --workspace --no-deps
step "the book's words: links, names, terms, times" cargo run --quiet --package book-tools -- lint
step "the generated reference is up to date" cargo run --quiet --package book-tools -- reference --check
step "the book builds" mdbook build
step "the book's snippets with mdbook test" snippets_compile
step "shell scripts" shell_scripts
step "workflows" workflows

operator() { # operator WHERE: its life with real PostgreSQL, S3, crashes and bad input
  env ON="$1" S3_SERVER="$target/moto/bin/moto_server" cargo test --quiet --workspace --test cluster -- --test-threads=5
}

on_the_sandbox() {
  local lab
  step "an S3 server for backups" s3_server
  once "$programs" "the operator on the sandbox, bad input included" operator sandbox
  for lab in 4.2 4.4; do
    once "$programs" "solution $lab survives faults on the sandbox" cargo course check "$lab" --solution --on sandbox --few-faults
  done
  once "$programs book" "broken operators as the lessons show them" capture_check book/4-*/lesson-*.console book/4-*/solution-*.console
  # Last: they keep both cores busy.
  for lab in 4.1 4.2 4.3 4.4; do
    once "$programs" "checks of lab $lab can pass and fail" cargo course prove "$lab" --quick --on sandbox
  done
}
in_the_background() { # what others leave of the processor is enough
  renice --priority 19 "$BASHPID" >/dev/null
  step "release binary under 15 MiB" size
  once "$programs book book.toml scripts/browser" "the book in a browser" in_a_browser
}
capture_check() { cargo run --quiet --package book-tools -- capture --check "$@"; }
operator_and_last_lab() { # each lane in namespaces of its own
  step "the operator on kind, bad input included" operator kind
  step "a kubectl loop behind the fault proxy" cargo test --quiet --workspace --test kubectl
  lab_on_kind book/4-4-*/lab-*.console
}
other_labs() { # 4.3 makes a thousand Databases: not while both lanes start
  local lab
  for lab in book/4-[123]-*/lab-*.console; do
    lab_on_kind "$lab"
  done
}
lab_on_kind() {
  step "$(basename "$1" .console) on kind, as its page shows it" capture_check "$1"
}

# Data directories come and go by the dozen, a thousand files each: in memory, where there is room.
files_in_memory() {
  local free room
  free=$(df --output=avail --block-size=M /dev/shm 2>/dev/null | tail -n 1 | tr -dc 0-9)
  ((${free:-0} >= 4096)) || return 0
  room=$(mktemp --directory /dev/shm/course.XXXXXX) || return 0
  chmod 755 "$room" # servers have a user of their own
  export TMPDIR=$room
  trap 'rm -rf "$TMPDIR"' EXIT
}

files_in_memory
beside=1 in_the_background &
background=$!
lane on_the_sandbox
join
if [[ $kind ]]; then
  step "the operator as a Deployment" ./scripts/check-deployment.sh # it sees the whole cluster
  lane operator_and_last_lab
  lane other_labs
  join
fi
wait "$background"
once_more

passed=$(grep -c passed "$results") failed=$(grep -c failed "$results")
printf '\n%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
