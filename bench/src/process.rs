//! The service as a process, and what the system says of it.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

/// Clock ticks of `/proc/PID/stat` in a second (Linux, `USER_HZ`).
const TICKS: f64 = 100.0;

/// A running service; killed when dropped.
pub(crate) struct Service {
    child: Child,
    /// From the start of the process to its first ready answer.
    pub(crate) ready_after: Duration,
}

/// Memory of a process, in MiB.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) now: f64,
    pub(crate) peak: f64,
}

impl Service {
    /// Starts the binary and waits until `/readyz` answers 200.
    pub(crate) fn start(binary: &Path, port: u16, environment: &[(String, String)]) -> Result<Self> {
        let mut command = Command::new(binary);
        command.arg("serve").env_clear().env("PORT", port.to_string()).envs(environment.iter().cloned());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let started = Instant::now();
        let child = command.spawn().with_context(|| format!("cannot start {}", binary.display()))?;
        let mut service = Self { child, ready_after: Duration::ZERO };
        while !ready(port) {
            if let Some(status) = service.child.try_wait()? {
                bail!("the service ended at once: {status}");
            }
            if started.elapsed() > Duration::from_mins(1) {
                bail!("the service is not ready after a minute");
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        service.ready_after = started.elapsed();
        Ok(service)
    }

    /// CPU time used so far, user and system.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let fields: Vec<&str> = stat.rsplit_once(')').context("odd /proc/PID/stat")?.1.split_whitespace().collect();
        let ticks: f64 = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
        Ok(Duration::from_secs_f64(ticks / TICKS))
    }

    /// Resident memory now and at its highest.
    pub(crate) fn memory(&self) -> Result<Memory> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let kib = |name: &str| -> Result<f64> {
            let line = status.lines().find(|line| line.starts_with(name)).context("odd /proc/PID/status")?;
            Ok(line.split_whitespace().nth(1).context("odd /proc/PID/status")?.parse::<f64>()? / 1024.0)
        };
        Ok(Memory { now: kib("VmRSS:")?, peak: kib("VmHWM:")? })
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // The process may have ended already; there is nothing to do about it then.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One blocking look at `/readyz`.
fn ready(port: u16) -> bool {
    use std::io::{Read as _, Write as _};
    let Ok(mut stream) = std::net::TcpStream::connect(("127.0.0.1", port)) else { return false };
    let asked = stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let mut answer = [0; 12];
    asked.is_ok() && stream.read_exact(&mut answer).is_ok() && answer.ends_with(b"200")
}
