//! Bulk work that steps back while a text is being generated.
//!
//! llama.cpp's threads wait for each other hundreds of times per token, without sleeping. If one of
//! them loses its core to the embedder, all of them wait for it. So a batch of bulk work waits while
//! texts grow, and still goes on now and then.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Longest wait before a batch of bulk work, which itself takes about a tenth of it.
const WAIT_MOST: Duration = Duration::from_millis(500);

/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Counts the models that generate now. Cheap to clone; all clones count together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Courtesy(Arc<AtomicUsize>);

/// As long as it lives, a model generates.
#[derive(Debug)]
pub(crate) struct Generating(Courtesy);

impl Courtesy {
    /// A model begins to generate.
    pub(crate) fn generating(&self) -> Generating {
        self.0.fetch_add(1, Ordering::AcqRel);
        Generating(self.clone())
    }

    /// Waits until nothing is generated, but not for ever.
    pub(crate) fn step_back(&self) {
        let began = Instant::now();
        while self.0.load(Ordering::Acquire) > 0 && began.elapsed() < WAIT_MOST {
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

impl Drop for Generating {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bulk_work_waits_while_a_text_grows_and_not_longer_than_it_must() {
        let courtesy = Courtesy::default();
        let began = Instant::now();
        courtesy.step_back();
        assert!(began.elapsed() < WAIT_MOST, "nothing is generated");
        let generating = courtesy.generating();
        let began = Instant::now();
        courtesy.step_back();
        assert!(began.elapsed() >= WAIT_MOST);
        drop(generating);
        assert_eq!(courtesy.0.load(Ordering::Acquire), 0);
    }
}
