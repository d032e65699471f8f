//! `curfew-sim` as a program.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use curfew_sim::{Organization, Sim, SimError, World};

const PROGRAM: &str = env!("CARGO_BIN_EXE_curfew-sim");

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn it_prints_its_url_and_plays_the_world_of_a_file() {
    let path = std::env::temp_dir().join(format!("curfew-sim-world-{}.json", std::process::id()));
    let world = World::empty().with_organization(Organization::new("initech", "300000000001"));
    std::fs::write(&path, serde_json::to_string(&world).unwrap()).unwrap();
    let mut command = Command::new(PROGRAM);
    command.args(["--port", "0", "--world"]).arg(&path).stdout(Stdio::piped());
    let mut running = Running(command.spawn().unwrap());
    let mut url = String::new();
    BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut url).unwrap();
    std::fs::remove_file(&path).unwrap();
    let shown = reqwest::get(format!("{}/_sim/world", url.trim())).await.unwrap().text().await.unwrap();
    assert_eq!(serde_json::from_str::<World>(&shown).unwrap(), world);
}

#[test]
fn it_refuses_any_address_but_loopback() {
    let output = Command::new(PROGRAM).args(["--port", "0", "--host", "0.0.0.0"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("loopback only"));
}

#[tokio::test]
async fn the_library_refuses_it_too() {
    let refused = Sim::start_on("0.0.0.0:0".parse().unwrap(), World::empty()).await;
    assert!(matches!(refused, Err(SimError::NotLoopback(_))));
}
