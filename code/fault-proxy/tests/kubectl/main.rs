//! An operator that is a shell script, behind the proxy and before a real API server. Wants `kubectl`, and a context in which
//! namespaces can be made. No pod is started.

use std::{
    path::Path,
    process::{Command, Output},
    time::{SystemTime, UNIX_EPOCH},
};

/// A namespace with what the script is to copy, and a kubeconfig that leads there. It goes when it is dropped.
struct Namespace {
    name: String,
    folder: tempfile::TempDir,
}

impl Namespace {
    fn make(test: &str) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
        let made = Self { name: format!("fault-proxy-{test}-{now}"), folder: tempfile::tempdir().unwrap() };
        let config = kubectl(None, &["config", "view", "--raw", "--minify", "--flatten"]);
        std::fs::write(made.kubeconfig(), config).unwrap();
        made.kubectl(&["config", "set-context", "--current", "--namespace", &made.name]);
        made.kubectl(&["create", "namespace", &made.name]);
        made.kubectl(&["create", "configmap", "original", "--from-literal=value=7"]);
        made
    }

    fn kubeconfig(&self) -> std::path::PathBuf {
        self.folder.path().join("kubeconfig")
    }

    fn kubectl(&self, arguments: &[&str]) -> String {
        kubectl(Some(&self.kubeconfig()), arguments)
    }

    /// Runs a command behind the proxy, with these faults.
    fn behind(&self, faults: &[&str], command: &[&str]) -> Output {
        let faults = faults.iter().flat_map(|fault| ["--fault", fault]);
        Command::new("timeout")
            .args(["60", env!("CARGO_BIN_EXE_fault-proxy")])
            .args(faults)
            .arg("--")
            .args(command)
            .env("KUBECONFIG", self.kubeconfig())
            // kubectl keeps there what it knows of an API server.
            .env("HOME", self.folder.path())
            .output()
            .unwrap()
    }

    fn operator(&self, faults: &[&str]) -> Output {
        self.behind(faults, &["sh", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kubectl/operator.sh")])
    }

    fn copy(&self) -> String {
        self.kubectl(&["get", "configmap", "copy", "--output", "jsonpath={.data.value}"])
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        self.kubectl(&["delete", "namespace", &self.name, "--wait=false"]);
    }
}

fn kubectl(config: Option<&Path>, arguments: &[&str]) -> String {
    let mut command = Command::new("kubectl");
    command.args(arguments).envs(config.map(|config| ("KUBECONFIG", config)));
    let output = command.output().unwrap();
    assert!(output.status.success(), "kubectl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The lines of a timeline that tell of writes.
fn writes(told: &str) -> Vec<String> {
    let line = |line: &str| line.split_whitespace().skip(2).collect::<Vec<_>>().join(" ");
    told.lines().filter(|line| line.get(10..11) == Some(">")).map(line).collect()
}

#[test]
fn a_shell_loop_gets_over_a_lost_response_and_an_outage() {
    let namespace = Namespace::make("faults");
    let output = namespace.operator(&["lose:create:configmaps", "503:patch:configmaps"]);
    let told = told(&output);
    assert_eq!((output.status.code(), namespace.copy().as_str()), (Some(0), "7"), "{told}");
    let copy = format!("{}/copy", namespace.name);
    let expected = [
        format!("create configmaps {copy} 201 ! lose the response"),
        format!("patch configmaps {copy} 503 ! answer 503"),
        format!("patch configmaps {copy} 200"),
    ];
    assert_eq!(writes(&told), expected, "{told}");
    assert!(told.contains("~ .data.value \"\" → \"7\""), "{told}");
}

#[test]
fn a_shell_loop_that_is_killed_after_its_first_write_finishes_at_its_next_start() {
    let namespace = Namespace::make("kill");
    let killed = namespace.operator(&["kill:write:configmaps"]);
    assert_eq!(killed.status.code(), Some(1), "{}", told(&killed));
    assert_eq!(writes(&told(&killed)).len(), 1, "{}", told(&killed));
    assert_eq!(namespace.copy(), "", "created, and no further");
    let again = namespace.operator(&[]);
    assert_eq!((again.status.code(), namespace.copy().as_str()), (Some(0), "7"));
    assert_eq!(writes(&told(&again)).len(), 1, "{}", told(&again));
}

#[test]
fn a_fault_that_does_not_fire_is_no_success() {
    let namespace = Namespace::make("unfired");
    let output = namespace.operator(&["500:delete:configmaps"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(told(&output).contains("not run: the fault never fired: answer 500 at delete configmaps"));
    assert_eq!(namespace.copy(), "7", "the command ran all the same");
}

#[test]
fn a_real_watch_is_cut() {
    let namespace = Namespace::make("watch");
    let watch = ["kubectl", "get", "configmaps", "--watch", "--output", "name"];
    let output = namespace.behind(&["cut:watch:configmaps"], &watch);
    assert_eq!(output.status.code(), Some(0), "it ends by itself: {}", told(&output));
    assert!(told(&output).contains("! cut the watch"), "{}", told(&output));
    let output = namespace.behind(&["gone:watch:configmaps"], &watch);
    assert!(told(&output).contains("< ERROR"), "{}", told(&output));
}
