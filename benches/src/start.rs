//! How soon a server answers, and how much it takes.

use std::time::Instant;

use curfew_tests::{Backend, Server, program};

use crate::figures::{Times, against, milliseconds};
use crate::process::resident_bytes;

const STARTS: usize = 20;
const MIB: f64 = 1_048_576.0;

pub(crate) async fn run() {
    println!("curfewd serve on an existing SQLite file:");
    let mut server = Server::on(Backend::Sqlite).env("LOG_LEVEL", "info").start().await;
    server.set_up().await;
    let mut times = Times::default();
    for _ in 0..STARTS {
        server.terminate();
        let begun = Instant::now();
        server.start_again().await;
        times.add(begun.elapsed());
    }
    let (median, worst) = (milliseconds(times.median()), milliseconds(times.quantile(1.0)));
    println!(
        "  first 200 on /healthz after {median:.0} ms (median of {STARTS}; worst {worst:.0} ms; {})",
        against(median, 100.0, false)
    );
    // Idle: after the first rounds of everything that goes on by itself.
    tokio::time::sleep(std::time::Duration::from_secs(10)).await;
    let resident = resident_bytes(server.process_id()) / MIB;
    println!("  {resident:.1} MiB resident when idle ({})", against(resident, 40.0, false));
    #[expect(clippy::cast_precision_loss, reason = "a file's size")]
    let size = std::fs::metadata(program()).expect("the program").len() as f64 / MIB;
    println!("  {size:.1} MiB of program, stripped ({})", against(size, 45.0, false));
}
