//! A test that runs again in a second process: the environment belongs to the process.

use std::process::Output;

/// Runs one test of this program again, in a process with these variables, and wants it to pass. `test` is its full name.
pub async fn again(test: &str, variables: &[(&str, &str)]) {
    let output = run(test, variables).await;
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

/// What one test of this program says in a process with these variables.
pub async fn output(test: &str, variables: &[(&str, &str)]) -> String {
    let output = run(test, variables).await;
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

async fn run(test: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = tokio::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test]).envs(variables.iter().copied());
    command.output().await.unwrap()
}
