#!/bin/bash
# In front of PostgreSQL's own program: a data directory is copied from one that the same arguments made before, and nothing waits
# for the disk, neither now nor later: a sandbox's data does not outlive its machine. Copies share a system identifier.
set -euo pipefail
real=$SANDBOX_BIN/initdb templates=/var/cache/sandbox
given=("$@") data='' user=$(id -un) password_file='' arguments=()
while (($#)); do
  case $1 in
    -D) data=${2-} && shift ;;
    --pgdata=*) data=${1#*=} ;;
    --pwfile=*) password_file=${1#*=} ;;
    -U) user=${2-} && arguments+=(--username="$user") && shift ;;
    --username=*) user=${1#*=} && arguments+=("$1") ;;
    # What needs a terminal, a second folder, or no folder at all.
    -W | --pwprompt | -X* | --waldir* | -S | --sync-only | -s | --show | -V | --version | '-?' | --help) exec "$real" "${given[@]}" ;;
    *) arguments+=("$1") ;;
  esac
  shift || break
done
# Without a folder that is there for the taking, PostgreSQL knows best what to say.
if [[ -z $data || -z $user || -n $(ls -A "$data" 2>/dev/null) ]]; then exec "$real" "${given[@]}"; fi

key=$(printf '%s\n' "$("$real" --version)" "$user" "${password_file:+password}" \
  "$(env | grep -E '^(LANG|LC_|TZ=)' | sort)" "${arguments[@]}" | sha256sum)
template=$templates/${key%% *}
if [[ ! -d $template ]]; then
  exec {lock}>"$template.lock"
  flock "$lock"
  if [[ ! -d $template ]]; then
    rm -rf "$template.new"
    # A password that nobody knows: each copy gets its own.
    "$real" -D "$template.new" --no-sync "${arguments[@]}" \
      ${password_file:+--pwfile=<(head -c 32 /dev/urandom | base64)} {lock}>&-
    printf '\n# The sandbox: what it holds does not outlive the machine.\nfsync = off\n' >>"$template.new/postgresql.conf"
    # The one exception: a template that a crash of the machine tore would spoil all that is made later.
    sync -f "$template.new"
    mv "$template.new" "$template"
  fi
  exec {lock}>&-
fi
mkdir -p "$data"
# As PostgreSQL's own: a failure leaves nothing that looks whole.
trap 'find "$data" -mindepth 1 -delete' ERR
cp -a --reflink=auto "$template/." "$data/"
if [[ -n $password_file ]]; then
  IFS= read -r password <"$password_file" || [[ -n $password ]]
  password=${password%$'\r'}
  "$SANDBOX_BIN/postgres" --single -D "$data" -c log_min_error_statement=panic postgres >/dev/null \
    <<<"ALTER ROLE \"${user//\"/\"\"}\" PASSWORD '${password//\'/\'\'}'"
fi
