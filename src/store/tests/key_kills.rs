//! Children of tests that kill themselves in the middle of a change of keys.

use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

/// How many steps the process may take; none of its parent's business when it is not set.
pub(crate) const KILL_AFTER: &str = "MILLWRIGHT_STORE_TEST_KILL_AFTER";

static TAKEN: AtomicU32 = AtomicU32::new(0);

/// Called at each step: ends the process as a kill does when the parent said so.
pub(crate) fn at(_step: &'static str) {
    let Some(limit) = std::env::var(KILL_AFTER).ok().and_then(|text| text.parse().ok()) else {
        return;
    };
    let limit: u32 = limit;
    if TAKEN.fetch_add(1, Ordering::SeqCst) + 1 == limit {
        let own = rustix::process::getpid();
        rustix::process::kill_process(own, rustix::process::Signal::KILL).unwrap();
        // The signal is on its way.
        std::thread::park();
    }
}

/// Plays the child `name` on copies of a data directory, killed after one step, after two, and so on
/// until it comes to its end; looks at each directory it leaves. Tells how often it was killed.
pub(crate) async fn at_every_step<F>(ground: &Ground, (module, name): (&str, &str), look: F) -> u32
where
    F: AsyncFn(PathBuf),
{
    for limit in 1..100 {
        let image = ground.image(&format!("killed-after-{limit}"));
        let mut command = child::child_of(module, name, &image);
        command.env(KILL_AFTER, limit.to_string());
        let status = command.status().unwrap();
        look(image).await;
        if status.success() {
            return limit - 1;
        }
    }
    panic!("the child never came to its end");
}
