//! How often a network may try to unseal.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

/// Networks that are remembered; a full table forgets the one whose wait ends first.
const NETWORKS_MAX: usize = 1024;
/// Longest wait after a mistake.
const WAIT_MAX: Duration = Duration::from_secs(5 * 60);
/// Mistakes of all networks together within a minute; further tries wait.
const MISTAKES_PER_MINUTE: usize = 20;
const MINUTE: Duration = Duration::from_secs(60);

/// Mistakes of networks. Moments are durations since the process began.
#[derive(Default)]
pub(super) struct Guesses {
    by_network: HashMap<IpAddr, Mistakes>,
    recent: VecDeque<Duration>,
}

#[derive(Clone, Copy)]
struct Mistakes {
    count: u32,
    next_at: Duration,
}

impl Guesses {
    /// How long a network must wait before it may try; `None` when it may now.
    pub(super) fn wait(&mut self, network: IpAddr, now: Duration) -> Option<Duration> {
        while self.recent.front().is_some_and(|at| *at + MINUTE <= now) {
            self.recent.pop_front();
        }
        let own = self.by_network.get(&network).map_or(Duration::ZERO, |known| known.next_at);
        let all = match self.recent.front() {
            Some(first) if self.recent.len() >= MISTAKES_PER_MINUTE => *first + MINUTE,
            _ => Duration::ZERO,
        };
        own.max(all).checked_sub(now).filter(|wait| !wait.is_zero())
    }

    /// Counts a mistake: the first costs a second, each further one twice as long.
    pub(super) fn mistaken(&mut self, network: IpAddr, now: Duration) {
        self.recent.push_back(now);
        if self.by_network.len() >= NETWORKS_MAX && !self.by_network.contains_key(&network) {
            let first = self.by_network.iter().min_by_key(|(_, known)| known.next_at);
            if let Some(first) = first.map(|(network, _)| *network) {
                self.by_network.remove(&first);
            }
        }
        let known = self.by_network.entry(network);
        let known = known.or_insert(Mistakes { count: 0, next_at: Duration::ZERO });
        let wait = Duration::from_secs(1 << known.count.min(16)).min(WAIT_MAX);
        known.count += 1;
        known.next_at = now + wait;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    fn network(n: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, n])
    }

    #[test]
    fn every_mistake_doubles_the_wait_of_its_network_alone() {
        let mut guesses = Guesses::default();
        let mut now = Duration::ZERO;
        for wait_s in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
            assert_eq!(guesses.wait(network(1), now), None);
            guesses.mistaken(network(1), now);
            let wait = Duration::from_secs(wait_s);
            assert_eq!(guesses.wait(network(1), now), Some(wait));
            assert_eq!(guesses.wait(network(2), now), None);
            now += wait;
        }
    }

    #[test]
    fn many_networks_together_are_slowed_down_too() {
        let mut guesses = Guesses::default();
        for n in 0..20 {
            assert_eq!(guesses.wait(network(n), Duration::from_secs(1)), None);
            guesses.mistaken(network(n), Duration::from_secs(1));
        }
        let stranger = network(200);
        assert_eq!(guesses.wait(stranger, Duration::from_secs(2)), Some(Duration::from_secs(59)));
        assert_eq!(guesses.wait(stranger, Duration::from_secs(61)), None);
    }

    #[test]
    fn the_table_has_an_end() {
        let mut guesses = Guesses::default();
        for n in 0..5000_u32 {
            let address = IpAddr::from(n.to_be_bytes());
            guesses.mistaken(address, Duration::from_secs(u64::from(n) * 10));
        }
        assert_eq!(guesses.by_network.len(), NETWORKS_MAX);
    }
}
