//! The second factor: enrolled, shown, guessed at, lost.

use base::Classification::Internal;
use base::Role::{Admin, Viewer};
use store::SecondFactor;

use super::*;
use crate::totp::authenticator;

const STEP_MS: u32 = 30_000;

/// Somebody with an authenticator.
pub(super) struct Owner {
    pub(super) person: Person,
    secret: String,
    recovery: Vec<String>,
}

impl Plant {
    /// Has somebody enrol a second factor in a session of theirs, which goes on.
    pub(super) async fn enrol(&self, person: Person) -> (Owner, TenantCtx, LiveSession) {
        let login = self.login(&person).await;
        let (ctx, session) = self.resume(&login).await.unwrap();
        let begun = factor_begin(permit(&ctx), &self.passwords, typed(&person.password)).await;
        let secret = begun.unwrap().reveal_secret().to_owned();
        let code = self.code_of(&secret);
        let codes = factor_confirm(permit(&ctx), &self.passwords, Some(session.id), code).await;
        let recovery = codes.unwrap().reveal().map(str::to_owned).collect();
        let (ctx, session) = self.resume(&login).await.unwrap();
        // The code of this step is used up.
        self.pass(STEP_MS);
        (Owner { person, secret, recovery }, ctx, session)
    }

    fn code_of(&self, secret: &str) -> FactorCode {
        FactorCode::typed(authenticator(secret, self.store.now()))
    }

    async fn show(&self, login: &Login, text: &str) -> Result<CookieValue, IdentityError> {
        let (ctx, session) = self.resume(login).await?;
        factor_show(&ctx, &self.passwords, session.id, FactorCode::typed(text.into())).await
    }
}

#[tokio::test]
async fn who_has_one_must_show_it_and_gets_another_cookie_for_it() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Viewer, Internal).await;
    let elsewhere = plant.login(&anna).await;
    let (anna, _, session) = plant.enrol(anna).await;
    assert!(matches!(session.second_factor, SecondFactor::Shown(_)));
    assert_eq!(code(plant.resume(&elsewhere).await), "unauthenticated", "other sessions end");

    let login = plant.login(&anna.person).await;
    assert_eq!(login.second_factor, SecondFactor::Pending);
    let shown = plant.show(&login, &authenticator(&anna.secret, plant.store.now())).await.unwrap();
    assert_eq!(code(plant.resume(&login).await), "unauthenticated", "the old cookie");
    let (_, session) = plant.resume_value(shown.reveal()).await.unwrap();
    assert_eq!(session.second_factor, SecondFactor::Shown(plant.store.now()));
    let log = plant.recorded("second_factor.").await;
    let actions: Vec<_> = log.iter().map(|entry| entry.action.to_string()).collect();
    assert_eq!(actions, ["second_factor.begun", "second_factor.enrolled", "second_factor.shown"]);
    let text = log.iter().map(|e| String::from_utf8(e.canonical()).unwrap()).collect::<String>();
    assert!(!text.contains(&anna.secret));
}

#[tokio::test]
async fn a_code_counts_once_and_a_step_of_drift_is_forgiven() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Viewer, Internal).await;
    let (anna, ..) = plant.enrol(anna).await;
    let now = plant.store.now();
    let [early, present, late, far] =
        [-30_000, 0, 30_000, 60_000].map(|ms| authenticator(&anna.secret, now.plus_ms(ms)));
    let attempt = async |text: &str| {
        let login = plant.login(&anna.person).await;
        code(plant.show(&login, text).await)
    };
    assert_eq!(attempt(&early).await, "second_factor_refused", "it confirmed the enrolment");
    assert_eq!(attempt(&present).await, "ok");
    assert_eq!(attempt(&present).await, "second_factor_refused", "used");
    assert_eq!(attempt(&far).await, "second_factor_refused");
    assert_eq!(attempt(&late).await, "ok");
    assert_eq!(attempt(&present).await, "second_factor_refused", "older than the last");
}

#[tokio::test]
async fn three_tries_in_a_step_and_then_wrong_ones_slow_down_the_next() {
    let mut plant = Plant::new().await;
    let anna = plant.add("anna", Viewer, Internal).await;
    let (anna, ..) = plant.enrol(anna).await;
    let login = plant.login(&anna.person).await;
    for _ in 0..3 {
        assert_eq!(code(plant.show(&login, "000000").await), "second_factor_refused");
    }
    // The right one waits for the next step too, and a restart does not help.
    let right = authenticator(&anna.secret, plant.store.now());
    plant.restart();
    let delayed = plant.show(&login, &right).await.unwrap_err();
    assert_eq!(delayed.code(), "second_factor_delayed");
    assert!((1..=30).contains(&delayed.retry_after_s().unwrap()));
    plant.pass(STEP_MS);
    for _ in 0..2 {
        assert_eq!(code(plant.show(&login, "000000").await), "second_factor_refused");
    }
    assert_eq!(code(plant.show(&login, "000000").await), "login_delayed");
    plant.pass(STEP_MS);
    let right = authenticator(&anna.secret, plant.store.now());
    assert_eq!(code(plant.show(&login, &right).await), "ok");
    let refused = plant.recorded("second_factor.refused").await;
    assert_eq!(refused.len(), 5);
    assert!(refused.iter().all(|entry| entry.outcome == audit::Outcome::Denied));
}

#[tokio::test]
async fn many_guesses_at_once_are_no_more_than_three() {
    let plant = Arc::new(Plant::new().await);
    let anna = plant.add("anna", Viewer, Internal).await;
    let (anna, ..) = plant.enrol(anna).await;
    let login = Arc::new(plant.login(&anna.person).await);
    let guesses: Vec<_> = (0..20)
        .map(|n| {
            let (plant, login) = (Arc::clone(&plant), Arc::clone(&login));
            tokio::spawn(async move { code(plant.show(&login, &format!("{n:06}")).await) })
        })
        .collect();
    let mut checked = 0;
    for guess in guesses {
        checked += usize::from(guess.await.unwrap() == "second_factor_refused");
    }
    assert_eq!(checked, 3);
}

#[tokio::test]
async fn a_clock_that_ran_ahead_locks_nobody_out() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Viewer, Internal).await;
    let (anna, ..) = plant.enrol(anna).await;
    plant.clock.advance_ms(365 * 24 * HOUR_MS);
    let login = plant.login(&anna.person).await;
    let ahead = authenticator(&anna.secret, plant.store.now());
    assert_eq!(code(plant.show(&login, &ahead).await), "ok");
    plant.clock.advance_ms(-365 * 24 * HOUR_MS);
    let login = plant.login(&anna.person).await;
    let right = authenticator(&anna.secret, plant.store.now());
    assert_eq!(code(plant.show(&login, &right).await), "ok");
}

#[tokio::test]
async fn a_recovery_code_stands_in_once_however_it_is_typed() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Viewer, Internal).await;
    let (anna, ctx, _) = plant.enrol(anna).await;
    assert_eq!(anna.recovery.len(), RECOVERY_CODES);
    let shouted = anna.recovery[0].to_uppercase().replace('-', " ");
    let login = plant.login(&anna.person).await;
    assert_eq!(code(plant.show(&login, &shouted).await), "ok");
    let login = plant.login(&anna.person).await;
    assert_eq!(code(plant.show(&login, &anna.recovery[0]).await), "second_factor_refused");
    assert_eq!(factor_get(permit(&ctx)).await.unwrap().recovery_codes_left, 9);
    let renewed = recovery_codes_renew(permit(&ctx)).await.unwrap();
    assert_eq!(code(plant.show(&login, &anna.recovery[1]).await), "second_factor_refused");
    let fresh = renewed.reveal().next().unwrap().to_owned();
    assert_eq!(code(plant.show(&login, &fresh).await), "ok");
    // Nothing of it is stored as it is.
    let rows = ctx.read(|tx| {
        tx.query_all("SELECT hex(code_hash) FROM recovery_codes", [], |row| row.get::<_, String>(0))
    });
    let stored = rows.await.unwrap().join(" ").to_lowercase();
    assert!(!stored.contains(&hex_of(&fresh)));
    assert_eq!(format!("{renewed:?}"), "RecoveryCodes");
}

fn hex_of(text: &str) -> String {
    text.replace('-', "").bytes().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn an_open_session_alone_enrols_nothing() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Viewer, Internal).await;
    let (ctx, session) = plant.resume(&plant.login(&anna).await).await.unwrap();
    let wrong = factor_begin(permit(&ctx), &plant.passwords, typed("not the password")).await;
    assert_eq!(wrong.unwrap_err().violation().unwrap().field, "current_password");
    let confirm = async |code_: FactorCode| {
        code(factor_confirm(permit(&ctx), &plant.passwords, Some(session.id), code_).await)
    };
    assert_eq!(confirm(FactorCode::typed("000000".into())).await, "second_factor_not_begun");
    let begin = || factor_begin(permit(&ctx), &plant.passwords, typed(&anna.password));
    let first = begin().await.unwrap().reveal_secret().to_owned();
    let second = begin().await.unwrap();
    assert!(second.reveal_uri().starts_with("otpauth://totp/Millwright:anna%40plant.example?"));
    // The first secret counts no more, and an old enrolment neither.
    assert_eq!(confirm(plant.code_of(&first)).await, "second_factor_refused");
    plant.pass(16 * 60 * 1000);
    assert_eq!(confirm(plant.code_of(second.reveal_secret())).await, "second_factor_not_begun");
    let third = begin().await.unwrap().reveal_secret().to_owned();
    // A recovery code of nobody, a text that is too long, and then the right one.
    assert_eq!(confirm(FactorCode::typed("x".repeat(100))).await, "second_factor_refused");
    assert_eq!(confirm(plant.code_of(&third)).await, "ok");
    assert_eq!(confirm(plant.code_of(&third)).await, "second_factor_enrolled");
    assert_eq!(code(begin().await), "second_factor_enrolled");
}

#[tokio::test]
async fn a_token_from_before_the_enrolment_ends_and_one_after_it_knows_when_it_was_shown() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Viewer, Internal).await;
    let signer = TokenSigner::of_appliance(&plant.store, &plant.tokens);
    let verifier = TokenVerifier::of_appliance(&plant.store, &plant.tokens);
    let ctx = plant.acting_as(anna.id).await;
    let input = TokenInput { lifetime_s: 3600, ..TokenInput::default() };
    let before = token_issue(permit(&ctx), &signer, input).await.unwrap();
    let (_, ctx, session) = plant.enrol(anna).await;
    let refused = authenticate_bearer(&plant.store, &verifier, before.reveal()).await;
    assert_eq!(code(refused), "token_refused");
    let SecondFactor::Shown(at) = session.second_factor else { panic!("not shown") };
    let input = TokenInput { factor_shown_at: Some(at), ..input };
    let after = token_issue(permit(&ctx), &signer, input).await.unwrap();
    let (_, token) = authenticate_bearer(&plant.store, &verifier, after.reveal()).await.unwrap();
    assert_eq!(token.second_factor, SecondFactor::Shown(at));
}

#[tokio::test]
async fn a_lost_factor_is_reset_by_one_administrator_where_there_is_one_and_by_two_where_two_are() {
    let plant = Plant::new().await;
    let [first, second] =
        [plant.add("first", Admin, Internal).await, plant.add("second", Admin, Internal).await];
    let anna = plant.add("anna", Viewer, Internal).await;
    let anna_id = anna.id;
    let reset = async |ctx: &TenantCtx| user_reset_factor(permit(ctx), anna_id).await;
    let [by_first, by_second] = [plant.acting_as(first.id).await, plant.acting_as(second.id).await];
    assert_eq!(code(reset(&by_first).await), "second_factor_not_enrolled");
    let (anna, ..) = plant.enrol(anna).await;
    assert_eq!(code(reset(&plant.console().await).await), "person_required");
    assert_eq!(reset(&by_first).await.unwrap(), FactorReset::SecondAdministratorNeeded);
    assert_eq!(reset(&by_first).await.unwrap(), FactorReset::SecondAdministratorNeeded);
    let own = user_reset_factor(permit(&by_first), first.id).await;
    assert_eq!(code(own), "own_account");
    // A request that is a day old counts no more.
    plant.pass(25 * 60 * 60 * 1000);
    assert_eq!(reset(&by_second).await.unwrap(), FactorReset::SecondAdministratorNeeded);
    let session = plant.login(&anna.person).await;
    assert_eq!(reset(&by_first).await.unwrap(), FactorReset::Done);
    assert_eq!(code(plant.resume(&session).await), "unauthenticated");
    assert_eq!(plant.login(&anna.person).await.second_factor, SecondFactor::None);

    // With one administrator besides the person, that one is enough: so is the console.
    let gone = UserChange { status: Some(UserStatus::Disabled), ..UserChange::default() };
    user_change(permit(&by_first), second.id, gone).await.unwrap();
    plant.pass(STEP_MS);
    plant.enrol(anna.person).await;
    assert_eq!(reset(&plant.console().await).await.unwrap(), FactorReset::Done);
    let done = plant.recorded("second_factor.reset").await;
    assert_eq!(done.len(), 2);
}
