//! What only a process of its own can show: a kill, an exit, a umask.
//!
//! A test starts its own executable again, told by an environment variable to play the child.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use super::*;

const ROLE: &str = "MILLWRIGHT_STORE_TEST_CHILD";

/// This executable again, running the test `name` as the child that works in `dir`.
fn child(name: &str, dir: &Path) -> Command {
    child_of("child", name, dir)
}

/// The same for a test of another module.
pub(super) fn child_of(module: &str, name: &str, dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", &format!("tests::{module}::{name}"), "--nocapture"])
        .env(ROLE, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

/// The directory in which this process is to play the child, if it is to.
pub(super) fn role() -> Option<PathBuf> {
    std::env::var_os(ROLE).map(PathBuf::from)
}

/// Tells the parent something, on a line of its own.
#[expect(clippy::print_stdout, reason = "the child speaks to its parent through a pipe")]
fn tell(what: impl std::fmt::Display) {
    println!("\ntold:{what}");
}

/// What the child tells, as long as it lives.
fn told(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("told:").map(str::to_owned))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_acknowledged_write_is_lost_by_a_kill() {
    const ROUNDS: usize = 5;
    if let Some(dir) = role() {
        return write_until_killed(&dir).await;
    }
    let ground = Ground::new();
    let opened = ground.open();
    let tenant = opened.create("rauental").await;
    opened.close().await;
    let mut acknowledged = Vec::new();
    for round in 1..=ROUNDS {
        let mut writer =
            child("no_acknowledged_write_is_lost_by_a_kill", &ground.data()).spawn().unwrap();
        // At another moment in each round, in the middle of a group.
        let mut told = told(&mut writer);
        acknowledged.extend(told.by_ref().take(7 * round));
        writer.kill().unwrap();
        acknowledged.extend(told);
        writer.wait().unwrap();

        let opened = ground.open();
        let ctx = opened.ctx(tenant).await;
        assert_eq!(*ctx.health(), Health::Sound);
        let kept = names(&ctx).await;
        let lost: Vec<_> = acknowledged.iter().filter(|name| !kept.contains(name)).collect();
        assert!(lost.is_empty(), "round {round}: {lost:?} of {}", acknowledged.len());
        let mut told_of = recorded(&ctx).await;
        told_of.sort();
        assert_eq!(told_of, kept, "each change has its entry, and no entry is without");
        opened.assert_logs_are_sound();
        drop(ctx);
        opened.close().await;
    }
    assert!(acknowledged.len() >= 7 * (1 + 2 + 3 + 4 + 5));
}

/// Eight writers, each of which tells what was acknowledged.
async fn write_until_killed(data: &Path) {
    let ground = Ground::new();
    let opened = ground.open_at(data);
    let tenant = opened.store.only_tenant().unwrap();
    let ctx = Arc::new(opened.ctx(tenant).await);
    let begun = names(&ctx).await.len();
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let ctx = Arc::clone(&ctx);
            tokio::spawn(async move {
                for n in 0..10_000 {
                    let name = format!("{begun:05}-{writer}-{n:05}");
                    ctx.write(put(&name)).await.unwrap();
                    tell(&name);
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
}

#[test]
fn a_commit_without_its_checkpoint_ends_the_process_unacknowledged() {
    if role().is_some() {
        // A device that takes nothing.
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let tight = disk_full::Tight::new(|checkpoint| checkpoint.replace_file(full));
        tell("ready");
        let result = tight.writer.run_blocking(tight.stamp, put("unsigned"));
        return tell(format!("acknowledged: {result:?}"));
    }
    let dir = tempfile::tempdir().unwrap();
    let name = "a_commit_without_its_checkpoint_ends_the_process_unacknowledged";
    let mut process = child(name, dir.path()).spawn().unwrap();
    assert_eq!(told(&mut process).collect::<Vec<_>>(), ["ready"]);
    assert_eq!(process.wait().unwrap().code(), Some(74), "EX_IOERR");
}

#[tokio::test]
async fn files_are_private_whatever_the_umask() {
    if let Some(dir) = role() {
        let bits = if dir.ends_with("open") { 0 } else { 0o077 };
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(bits));
        let opened = Ground::new().open_at(&dir);
        let tenant = opened.create("rauental").await;
        let ctx = opened.ctx(tenant).await;
        ctx.write(put("a")).await.unwrap();
        let id = base::RevisionId::new(ctx.now(), ctx.entropy()).unwrap();
        ctx.blobs().write(id, &mut &b"manual"[..]).unwrap();
        keys::assert_private(&dir);
        assert!(tenant_path(&dir, tenant, "tenant.db-wal").exists());
        return tell("private");
    }
    let dir = tempfile::tempdir().unwrap();
    for mask in ["open", "shut"] {
        let data = dir.path().join(mask);
        let mut process = child("files_are_private_whatever_the_umask", &data).spawn().unwrap();
        assert_eq!(told(&mut process).collect::<Vec<_>>(), ["private"], "umask {mask}");
        assert!(process.wait().unwrap().success());
    }
}

#[tokio::test]
async fn a_second_process_is_told_that_the_directory_is_in_use() {
    if let Some(dir) = role() {
        return tell(Ground::new().try_open_at(&dir).err().unwrap().code());
    }
    let ground = Ground::new();
    let _opened = ground.open();
    let name = "a_second_process_is_told_that_the_directory_is_in_use";
    let mut process = child(name, &ground.data()).spawn().unwrap();
    assert_eq!(told(&mut process).collect::<Vec<_>>(), ["data_directory_unusable"]);
    assert!(process.wait().unwrap().success());
}
