//! A process that ends when it is dropped, with its output in a file.

use std::{
    fs::File,
    io,
    path::Path,
    process::{Child, Command, Stdio},
};

pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn start(name: &str, folder: &Path, program: &Path, arguments: &[&str]) -> io::Result<Self> {
        let log = File::create(folder.join(format!("{name}.log")))?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let told = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", program.display()));
        command.spawn().map(Self).map_err(told)
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
