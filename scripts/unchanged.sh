# Shared by test.sh and .ci/run: what of the clone is as it was when something was built from it, or passed.
# shellcheck shell=bash disable=SC2154 # root is set by lib.sh

# contents PATH…: a line for each file there that git knows or would add, with its SHA-256. Nothing where there is no git clone.
contents() {
  git -C "$root" ls-files -z --cached --others --exclude-standard -- "$@" 2>/dev/null |
    (cd "$root" && xargs -0 --no-run-if-empty sha256sum 2>/dev/null)
}

# fingerprint PATH…: a word for these files and for the programs that steps use; empty where there is no git clone.
fingerprint() {
  local files program
  files=$(contents "$@")
  [[ $files ]] || return 0
  {
    echo "$files"
    for program in rustc /usr/lib/postgresql/*/bin/postgres mdbook node python3 "${CHROMIUM:-chromium}" chromium-browser \
      google-chrome google-chrome-stable; do
      "$program" --version 2>/dev/null
    done
    kubectl version --client 2>/dev/null
    uname -r
  } | sha256sum | cut -c 1-64
}

# Cargo builds anew what is newer than its last build, and in a new clone every file is. Files that are the same, in the same folder,
# get the times back that they had when keep_times was called after a build. What another hand built in the target directory since then
# may be of other sources: all is built anew.
restore_times() {
  local record=$CARGO_TARGET_DIR/sources builds=() sum time path
  contents >"$record.now"
  [[ -s $record && $(head -n 1 "$record") == "$root" ]] || return 0
  mapfile -t builds < <(find "$CARGO_TARGET_DIR" -maxdepth 3 -name .fingerprint)
  [[ -z $(find "${builds[@]}" -newer "$record" -print -quit) ]] || return 0
  local -A now=()
  while read -r sum path; do now[$path]=$sum; done <"$record.now"
  # All others are new, whatever time they came with.
  (cd "$root" && touch "${!now[@]}")
  while read -r sum time path; do
    if [[ ${now[$path]:-} == "$sum" ]]; then touch --date="@$time" "$root/$path"; fi
  done < <(tail -n +2 "$record")
}

# Nothing is kept where a file changed meanwhile: what was built may be of either.
keep_times() {
  local record=$CARGO_TARGET_DIR/sources sum path
  rm -f "$record"
  [[ $(contents) == "$(<"$record.now")" ]] || return 0
  {
    echo "$root"
    while read -r sum path; do echo "$sum $(stat --format=%.9Y "$root/$path") $path"; done <"$record.now"
  } >"$record.part"
  mv "$record.part" "$record"
}
