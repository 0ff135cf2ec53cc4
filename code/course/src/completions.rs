//! Completions for a shell, made for a program `course`; in bash also for `cargo course`.

use crate::Cli;
use clap::CommandFactory;
use clap_complete::Shell;

/// The program that the script is for.
const PROGRAM: &str = "course";
/// bash asks one function for all that follows `cargo`. This one hands `course` to its own completions, and all else to cargo's.
const OF_CARGO: &str = r#"
if ! declare -F _cargo >/dev/null && command -v rustup >/dev/null; then
    source <(rustup completions bash cargo 2>/dev/null)
fi

_cargo_or_course() {
    if [[ ${COMP_WORDS[1]} == course && $COMP_CWORD -gt 1 ]]; then
        COMP_WORDS=("${COMP_WORDS[@]:1}")
        COMP_CWORD=$((COMP_CWORD - 1))
        _course course "$2" "$3"
    elif declare -F _cargo >/dev/null; then
        _cargo "$@"
        [[ course == "$2"* && $COMP_CWORD -eq 1 ]] && COMPREPLY+=(course)
    fi
}

complete -F _cargo_or_course -o bashdefault -o default cargo
"#;

/// The script that a shell sources.
pub(crate) fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    let mut command = Cli::command().name(PROGRAM).bin_name(PROGRAM);
    clap_complete::generate(shell, &mut command, PROGRAM, &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    if shell == Shell::Bash { script + OF_CARGO } else { script }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// What bash would offer for a line.
    fn offered(line: &str) -> Vec<String> {
        let words: Vec<&str> = line.split(' ').collect();
        let (last, before) = (words[words.len() - 1], words[words.len() - 2]);
        let ask = format!(
            "{}\nCOMP_WORDS=({}); COMP_CWORD={}; _cargo_or_course cargo '{last}' '{before}'; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            script(Shell::Bash),
            words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" "),
            words.len() - 1
        );
        let output = Command::new("bash").args(["--norc", "-c", &ask]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().lines().map(|line| line.trim().to_owned()).collect()
    }

    #[test]
    fn bash_completes_what_follows_cargo_course() {
        for (line, expected) in [
            ("cargo course che", "check"),
            ("cargo course check --sol", "--solution"),
            ("cargo course check 4.1 --on san", "sandbox"),
            ("cargo cour", "course"),
        ] {
            assert!(offered(line).contains(&expected.to_owned()), "{line}: {:?}", offered(line));
        }
    }
}
