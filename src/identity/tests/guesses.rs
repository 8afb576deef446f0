//! Guessing at passwords.

use base::Classification::Internal;
use base::Role::{Admin, Viewer};

use super::*;

const WRONG: &str = "not the password of anybody";

impl Plant {
    /// Guesses `count` times, and what came of it each time.
    async fn guess(&self, slug: &str, email: &str, count: usize) -> Vec<&'static str> {
        let mut answers = Vec::new();
        for _ in 0..count {
            answers.push(code(self.try_login(Some(slug), email, WRONG).await));
        }
        answers
    }

    /// Lets time go by on both clocks.
    pub(super) fn pass(&self, ms: u32) {
        self.clock.advance_ms(ms.into());
        self.steady.advance_ms(ms.into());
    }

    /// What a restart leaves: the database, and nothing in memory.
    pub(super) fn restart(&mut self) {
        self.steady = SteadyClock::manual();
        self.passwords = Passwords::with_clock(PasswordSettings::default(), self.steady.clone());
    }
}

#[tokio::test]
async fn the_fifth_mistake_makes_everybody_wait_known_or_not() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Viewer, Internal).await;
    let names =
        [("rauental", anna.email.as_str()), ("rauental", "nobody@x.example"), ("no", "b@c.d")];
    for (slug, email) in names {
        let before = plant.passwords.verifications();
        let answers = plant.guess(slug, email, 7).await;
        let wrong = ["invalid_credentials"; 5];
        assert_eq!(answers[..5], wrong, "{slug} {email}");
        assert_eq!(answers[5..], ["login_delayed"; 2], "{slug} {email}");
        assert_eq!(plant.passwords.verifications(), before + 5, "a delayed guess is not checked");
        let refused = plant.try_login(Some(slug), email, WRONG).await.unwrap_err();
        assert_eq!(refused.retry_after_s(), Some(2));
    }
    // The right one waits too: otherwise the wait would tell that a guess was wrong.
    let right = plant.try_login(Some("rauental"), &anna.email, &anna.password).await;
    assert_eq!(code(right), "login_delayed");
    plant.pass(2_000);
    plant.login(&anna).await;
    // And ends the delays.
    assert_eq!(plant.guess("rauental", &anna.email, 4).await, ["invalid_credentials"; 4]);
}

#[tokio::test]
async fn a_delay_outlives_a_restart_and_a_clock_that_is_moved() {
    let mut plant = Plant::new().await;
    let anna = plant.add("anna", Viewer, Internal).await;
    plant.guess("rauental", &anna.email, 5).await;
    plant.restart();
    assert_eq!(plant.guess("rauental", &anna.email, 1).await, ["login_delayed"]);
    plant.pass(2_000);
    assert_eq!(plant.guess("rauental", &anna.email, 1).await, ["invalid_credentials"]);
    // Four seconds now. A wall clock that runs ahead does not shorten them.
    plant.clock.advance_ms(HOUR_MS);
    assert_eq!(plant.guess("rauental", &anna.email, 1).await, ["login_delayed"]);
    plant.steady.advance_ms(4_000);
    assert_eq!(plant.guess("rauental", &anna.email, 1).await, ["invalid_credentials"]);
    // Eight. One that is set back costs them anew, and no more.
    plant.clock.advance_ms(-24 * HOUR_MS);
    plant.restart();
    let refused = plant.try_login(Some("rauental"), &anna.email, WRONG).await.unwrap_err();
    assert_eq!(refused.retry_after_s(), Some(8));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_guesses_at_once_are_guesses_one_after_the_other() {
    let plant = Arc::new(Plant::new().await);
    let anna = plant.add("anna", Viewer, Internal).await;
    let before = plant.passwords.verifications();
    let guesses = (0..40).map(|_| {
        let (plant, email) = (Arc::clone(&plant), anna.email.clone());
        tokio::spawn(async move { plant.guess("rauental", &email, 1).await[0] })
    });
    let mut delayed = 0;
    for guess in guesses.collect::<Vec<_>>() {
        delayed += usize::from(guess.await.unwrap() == "login_delayed");
    }
    assert_eq!((plant.passwords.verifications() - before, delayed), (5, 35));
}

#[tokio::test]
async fn a_day_has_a_hundred_guesses() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Viewer, Internal).await;
    let before = plant.passwords.verifications();
    // As fast as the delays allow, for a day less a minute.
    let minute = 60_000;
    for _ in 0..24 * 60 - 1 {
        plant.guess("rauental", &anna.email, 1).await;
        plant.pass(minute);
    }
    let guessed = plant.passwords.verifications() - before;
    assert!((90..=100).contains(&guessed), "{guessed}");
}

#[tokio::test]
async fn who_is_signed_in_works_on_and_an_administrator_ends_the_wait() {
    let plant = Plant::new().await;
    let boss = plant.add("boss", Admin, Internal).await;
    let anna = plant.add("anna", Viewer, Internal).await;
    let login = plant.login(&anna).await;
    plant.guess("rauental", &anna.email, 20).await;
    assert!(plant.resume(&login).await.is_ok());
    // An open session is no place to go on guessing.
    let (ctx, session) = plant.resume(&login).await.unwrap();
    let change = || PasswordChange {
        current: typed(WRONG),
        new: typed("a new one that is long enough"),
        keep_session: Some(session.id),
    };
    let refused = change_own_password(permit(&ctx), &plant.passwords, change()).await;
    assert_eq!(code(refused), "login_delayed");
    let console = plant.acting_as(boss.id).await;
    let fresh = user_reset_password(permit(&console), &plant.passwords, anna.id).await.unwrap();
    let again = plant.try_login(Some("rauental"), &anna.email, fresh.reveal()).await.unwrap();
    assert!(again.must_change_password);
    // Wrong ones of the session count as well.
    let (ctx, _) = plant.resume(&again).await.unwrap();
    for expected in ["invalid_input"; 5].into_iter().chain(["login_delayed"]) {
        let refused = change_own_password(permit(&ctx), &plant.passwords, change()).await;
        assert_eq!(code(refused), expected);
    }
    assert_eq!(plant.guess("rauental", &anna.email, 1).await, ["login_delayed"]);
}

#[tokio::test]
async fn the_log_tells_how_long_the_wait_was() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Viewer, Internal).await;
    plant.guess("rauental", &anna.email, 8).await;
    let entries = plant.recorded("login.failed").await;
    // The delayed ones were no attempts.
    assert_eq!(entries.len(), 5);
    let last = entries[4].detail.as_ref().unwrap();
    assert_eq!((&last["in_a_row"], &last["delay_ms"]), (&5.into(), &2_000.into()));
}

/// By how much the median time of one kind of failure may differ from that of another.
const APART_MAX_MS: u128 = 5;

#[tokio::test]
async fn the_time_of_a_failure_does_not_tell_who_exists() {
    let mut plant = Plant::new().await;
    let anna = plant.add("anna", Viewer, Internal).await;
    // No delays: they are alike by construction, and would end the measuring.
    let guesses = GuessSettings { free: u32::MAX, per_day: u32::MAX, ..GuessSettings::default() };
    let settings = PasswordSettings { guesses, ..PasswordSettings::default() };
    plant.passwords = Passwords::with_clock(settings, plant.steady.clone());
    let kinds =
        [("rauental", anna.email.as_str()), ("rauental", "nobody@x.example"), ("no", "b@c.d")];
    let mut apart_ms = u128::MAX;
    // Other work on the machine may spoil a measurement: one good one is enough.
    for _ in 0..10 {
        let mut times = [const { Vec::new() }; 3];
        for _ in 0..25 {
            for ((slug, email), times) in kinds.iter().zip(&mut times) {
                let began = std::time::Instant::now();
                plant.try_login(Some(slug), email, WRONG).await.unwrap_err();
                times.push(began.elapsed().as_micros());
            }
        }
        let medians = times.map(|mut times| {
            times.sort_unstable();
            times[times.len() / 2]
        });
        let spread = medians.iter().max().unwrap() - medians.iter().min().unwrap();
        apart_ms = apart_ms.min(spread / 1000);
        if apart_ms < APART_MAX_MS {
            return;
        }
    }
    panic!("{apart_ms} ms apart");
}
