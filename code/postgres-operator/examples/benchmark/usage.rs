//! What a process has used, from /proc.

use std::io;

pub(crate) struct Usage {
    pub(crate) resident_mib: f64,
    pub(crate) peak_mib: f64,
    pub(crate) cpu_seconds: f64,
}

/// Ticks in a second, which Linux has fixed for /proc.
const TICKS: f64 = 100.0;

pub(crate) fn of(id: u32) -> io::Result<Usage> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let mib = |field: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_default();
        line.split_whitespace().next().and_then(|kib| kib.parse::<f64>().ok()).unwrap_or_default() / 1024.0
    };
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
    // The name may hold blanks; what follows its closing bracket does not. utime and stime are fields 14 and 15.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks =
        |index: usize| fields.get(index).and_then(|text| text.parse::<f64>().ok()).unwrap_or_default();
    Ok(Usage {
        resident_mib: mib("VmRSS:"),
        peak_mib: mib("VmHWM:"),
        cpu_seconds: (ticks(11) + ticks(12)) / TICKS,
    })
}
