//! What the system tells of a process.

/// `VmRSS` of `/proc/PID/status` (proc(5)), in bytes.
pub(crate) fn resident_bytes(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("a running process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kibibytes * 1_024.0
}

/// The time that a process has spent on all cores so far, in seconds: `utime` and `stime` of `/proc/PID/stat` (proc(5)),
/// which count hundredths on Linux (`USER_HZ`).
pub(crate) fn cpu_seconds(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("a running process");
    // Its name may hold blanks, and ends with the last parenthesis; the state is the third field.
    let (_, fields) = stat.rsplit_once(')').expect("a name");
    let times = fields.split_whitespace().skip(11).take(2);
    times.map(|ticks| ticks.parse::<f64>().expect("a number")).sum::<f64>() / 100.0
}
