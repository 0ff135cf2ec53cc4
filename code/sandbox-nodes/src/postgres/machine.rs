//! What this machine has: PostgreSQL, an unprivileged user, namespaces.

use super::stale;
use std::{
    fs, io,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
};

/// User and group in a container, as in the official image.
const CONTAINER_ID: u32 = 999;
/// What stands in front of programs of the same name, or is found in the image only.
const SHIMS: [(&str, &str); 4] = [
    ("docker-entrypoint.sh", include_str!("entrypoint.sh")),
    ("initdb", include_str!("initdb.sh")),
    ("pg_basebackup", include_str!("basebackup.sh")),
    ("postgres", include_str!("server.sh")),
];

/// Why there are no real pods.
#[derive(Debug, thiserror::Error)]
pub enum MachineError {
    /// No PostgreSQL.
    #[error(
        "PostgreSQL is not installed: apt-get install postgresql, or start the sandbox with --pods simulated"
    )]
    NoPostgres,
    /// Namespaces are not allowed, or not known.
    #[error(
        "pods need user namespaces, which this machine does not give ({0}): allow them \
         (sysctl kernel.apparmor_restrict_unprivileged_userns=0), or start the sandbox with --pods simulated"
    )]
    NoNamespaces(String),
    /// Started by root, without anybody to become.
    #[error("root cannot run PostgreSQL, and there is no user postgres or nobody to do it")]
    NoUser,
    /// The file system.
    #[error("cannot prepare the folder {0} for the pods")]
    Folder(PathBuf, #[source] io::Error),
}

/// This machine.
#[derive(Debug)]
pub(crate) struct Machine {
    /// Where PostgreSQL's programs are.
    pub(crate) programs: PathBuf,
    pub(crate) version: String,
    folder: PathBuf,
    /// Data directories to copy from, for all sandboxes of a user: they outlive this one.
    pub(crate) templates: PathBuf,
    /// Whom to become, if root.
    user: Option<(u32, u32)>,
    servers: Arc<Semaphore>,
    pub(crate) limit: usize,
}

impl Machine {
    /// Looks for everything, and tries it.
    pub(crate) fn find(common: &Path, limit: usize) -> Result<Self, MachineError> {
        let programs = newest().ok_or(MachineError::NoPostgres)?;
        let version = version(&programs).ok_or(MachineError::NoPostgres)?;
        let user = if uid() == 0 { Some(unprivileged().ok_or(MachineError::NoUser)?) } else { None };
        let told = |error| MachineError::Folder(common.to_owned(), error);
        let folder = stale::own_folder(common).map_err(told)?;
        let servers = Arc::new(Semaphore::new(limit));
        let templates = std::env::temp_dir().join(format!("sandbox-templates-{}", uid()));
        let machine = Self { programs, version, folder, templates, user, servers, limit };
        machine.prepare().map_err(told)?;
        let made = machine.make_folder(&machine.templates);
        made.map_err(|error| MachineError::Folder(machine.templates.clone(), error))?;
        machine.try_namespaces()?;
        Ok(machine)
    }

    fn prepare(&self) -> io::Result<()> {
        for folder in ["", "volumes", "pods", "hosts", "bin", "etc"] {
            self.make_folder(&self.folder.join(folder))?;
        }
        for (name, text) in SHIMS {
            let path = self.folder.join("bin").join(name);
            fs::write(&path, text)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        }
        let etc = self.folder.join("etc");
        fs::write(
            etc.join("passwd"),
            format!(
                "root:x:0:0::/root:/bin/sh\npostgres:x:{CONTAINER_ID}:{CONTAINER_ID}::/var/lib/postgresql:/bin/bash\n"
            ),
        )?;
        fs::write(etc.join("group"), format!("root:x:0:\npostgres:x:{CONTAINER_ID}:\n"))?;
        fs::write(etc.join("nsswitch.conf"), "passwd: files\ngroup: files\nhosts: files\n")
    }

    /// A folder that the containers' user owns.
    pub(crate) fn make_folder(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
        let (user, group) = self.user.unzip();
        chown(path, user, group)
    }

    fn try_namespaces(&self) -> Result<(), MachineError> {
        let mut words = self.new_namespaces();
        words.extend(["sh", "-c", "mount -t tmpfs tmpfs /tmp"].map(str::to_owned));
        let tried = Command::new(&words[0]).args(&words[1..]).stdin(Stdio::null()).output();
        let output = tried.map_err(|error| MachineError::NoNamespaces(format!("{}: {error}", words[0])))?;
        if output.status.success() {
            return Ok(());
        }
        let complaint = String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or_default().to_owned();
        Err(MachineError::NoNamespaces(complaint))
    }

    /// The words that start a program as the unprivileged user; it ends with whoever started it.
    fn unprivileged(&self) -> Vec<String> {
        let mut words = vec!["setpriv".to_owned(), "--pdeathsig=KILL".to_owned()];
        if let Some((user, group)) = self.user {
            words.extend([format!("--reuid={user}"), format!("--regid={group}"), "--clear-groups".into()]);
        }
        words.push("--".into());
        words
    }

    /// The words that start a program in namespaces of its own.
    pub(crate) fn new_namespaces(&self) -> Vec<String> {
        let mut words = self.unprivileged();
        let id = [format!("--map-user={CONTAINER_ID}"), format!("--map-group={CONTAINER_ID}")];
        words.extend(["unshare", "--user"].map(str::to_owned).into_iter().chain(id));
        let rest = ["--keep-caps", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child=KILL", "--"];
        words.extend(rest.map(str::to_owned));
        words
    }

    /// The words that start a program in the namespaces of a process.
    pub(crate) fn namespaces_of(&self, process: u32) -> Vec<String> {
        let mut words = self.unprivileged();
        words.extend(["nsenter".to_owned(), format!("--target={process}")]);
        let rest = ["--user", "--mount", "--pid", "--uts", "--ipc", "--preserve-credentials", "--"];
        words.extend(rest.map(str::to_owned));
        words
    }

    pub(crate) fn volume(&self, name: &str) -> PathBuf {
        self.folder.join("volumes").join(name)
    }

    pub(crate) fn pod(&self, uid: &str) -> PathBuf {
        self.folder.join("pods").join(uid)
    }

    pub(crate) fn log(&self, pod: &str, container: &str) -> PathBuf {
        self.pod(pod).join(format!("{container}.log"))
    }

    pub(crate) async fn forget_pod(&self, uid: &str) {
        remove(self.pod(uid)).await;
    }

    /// Removes a volume and what is in it.
    pub(crate) async fn forget_volume(&self, name: &str) {
        remove(self.volume(name)).await;
    }

    pub(crate) fn hosts(&self, namespace: &str) -> PathBuf {
        self.folder.join("hosts").join(namespace)
    }

    pub(crate) fn shims(&self) -> PathBuf {
        self.folder.join("bin")
    }

    pub(crate) fn etc(&self, name: &str) -> PathBuf {
        self.folder.join("etc").join(name)
    }

    /// Room for one more server.
    pub(crate) fn room(&self) -> Option<OwnedSemaphorePermit> {
        self.servers.clone().try_acquire_owned().ok()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The user that runs this program.
pub(crate) fn uid() -> u32 {
    rustix::process::getuid().as_raw()
}

/// Debian's folders, by version.
fn newest() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let number = |path: &Path| path.parent()?.file_name()?.to_str()?.parse::<u32>().ok();
    let programs = versions.map(|entry| entry.path().join("bin")).filter(|path| path.join("initdb").exists());
    programs.max_by_key(|path| number(path))
}

fn version(programs: &Path) -> Option<String> {
    let output = Command::new(programs.join("postgres")).arg("--version").output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn unprivileged() -> Option<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let find = |name: &str| {
        let mut fields = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let fields = fields.find(|fields| fields.first() == Some(&name))?;
        Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
    };
    find("postgres").or_else(|| find("nobody"))
}

/// Removes a folder on a thread of its own: a database has many files.
async fn remove(path: PathBuf) {
    let of = path.clone();
    match spawn_blocking(move || fs::remove_dir_all(of)).await {
        Ok(Err(error)) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!("cannot remove {}: {error}", path.display());
        }
        _ => {}
    }
}
