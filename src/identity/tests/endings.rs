//! Being signed out everywhere: what ends sessions, tokens, families, and what another issuer signed.

use base::Classification::{Confidential, Internal};
use base::Role::{Operator, Viewer};
use serde_json::json;

use super::federation::Foreign;
use super::*;

/// Everything that somebody can be signed in with.
struct SignedInEverywhere {
    session: Login,
    token: IssuedToken,
    family: IssuedToken,
    foreign: String,
}

impl SignedInEverywhere {
    async fn new(plant: &Plant, sso: &Foreign, person: &Person) -> Self {
        // Not in the second in which the person was last signed out.
        plant.clock.advance_ms(60_000);
        let ctx = plant.acting_as(person.id).await;
        let input = TokenInput { lifetime_s: 36_000, ..TokenInput::default() };
        let token = token_issue(permit(&ctx), &plant.signer(), input).await.unwrap();
        let refresh = Some(RefreshSettings::default());
        let family = TokenInput { refresh, ..input };
        let family = token_issue(permit(&ctx), &plant.signer(), family).await.unwrap();
        let foreign = sso.token(plant, person.id, &json!({}));
        let all = Self { session: plant.login(person).await, token, family, foreign };
        assert_eq!(all.alive(plant, sso).await, [true; 5]);
        all
    }

    /// Session, token, access token of the family, its refresh token (looked for and not spent), token
    /// of another issuer.
    async fn alive(&self, plant: &Plant, sso: &Foreign) -> [bool; 5] {
        let refresh = self.family.refresh.as_ref().unwrap().token.reveal();
        let (_, secret) = sessions::Secret::parse(refresh).unwrap();
        let request = plant.store.new_request_id().unwrap();
        let db = plant.store.credentials(plant.tenant, request).await.unwrap();
        let idle_ms = RefreshSettings::default().idle_ms;
        [
            plant.resume(&self.session).await.is_ok(),
            plant.bearer(self.token.reveal()).await.is_ok(),
            plant.bearer(self.family.reveal()).await.is_ok(),
            db.refresh_find(secret.hash(), idle_ms).await.unwrap().is_some(),
            plant.bearer_by(&sso.verifier(plant), &self.foreign).await.is_ok(),
        ]
    }
}

#[tokio::test]
async fn a_change_of_role_clearance_eligibility_or_status_signs_out_everywhere() {
    let plant = Plant::new().await;
    let sso = Foreign::new(&plant);
    let console = plant.console().await;
    let anna = plant.add("anna", Operator, Internal).await;
    let change = UserChange::default;
    for wanted in [
        UserChange { role: Some(Viewer), ..change() },
        UserChange { role: Some(Operator), ..change() },
        UserChange { clearance: Some(Confidential), ..change() },
        UserChange { export_eligible: Some(true), ..change() },
        UserChange { status: Some(UserStatus::Disabled), ..change() },
    ] {
        let all = SignedInEverywhere::new(&plant, &sso, &anna).await;
        user_change(permit(&console), anna.id, wanted.clone()).await.unwrap();
        assert_eq!(all.alive(&plant, &sso).await, [false; 5], "{wanted:?}");
        let entry = plant.recorded("user.changed").await.pop().unwrap();
        let detail = entry.detail.unwrap();
        assert_eq!(detail["sessions_ended"], 1);
        assert_eq!((&detail["tokens_ended"], &detail["families_ended"]), (&2.into(), &1.into()));
        // What ended stays so when the account is enabled again.
        let enabled = UserChange { status: Some(UserStatus::Active), ..change() };
        user_change(permit(&console), anna.id, enabled).await.unwrap();
        assert_eq!(all.alive(&plant, &sso).await, [false; 5]);
    }
    // A new name is no reason.
    let all = SignedInEverywhere::new(&plant, &sso, &anna).await;
    let named = DisplayName::parse("Anna B.").unwrap();
    let named = UserChange { display_name: Some(named), ..change() };
    user_change(permit(&console), anna.id, named).await.unwrap();
    assert_eq!(all.alive(&plant, &sso).await, [true; 5]);
}

#[tokio::test]
async fn a_new_password_signs_out_everywhere_but_here() {
    let plant = Plant::new().await;
    let sso = Foreign::new(&plant);
    let anna = plant.add("anna", Viewer, Internal).await;
    let all = SignedInEverywhere::new(&plant, &sso, &anna).await;
    let here = plant.login(&anna).await;
    let (ctx, session) = plant.resume(&here).await.unwrap();
    let change = PasswordChange {
        current: typed(&anna.password),
        new: typed("another one that is long enough"),
        keep_session: Some(session.id),
    };
    change_own_password(permit(&ctx), &plant.passwords, change).await.unwrap();
    assert_eq!(all.alive(&plant, &sso).await, [false; 5]);
    plant.resume(&here).await.unwrap();
    // And what the other issuer signs from now on counts, once its clock can't be meant.
    plant.clock.advance_ms(31_000);
    let later = sso.token(&plant, anna.id, &json!({}));
    plant.bearer_by(&sso.verifier(&plant), &later).await.unwrap();
}

#[tokio::test]
async fn a_reset_and_an_administrators_word_sign_out_everywhere() {
    let plant = Plant::new().await;
    let sso = Foreign::new(&plant);
    let console = plant.console().await;
    let anna = plant.add("anna", Viewer, Internal).await;
    let all = SignedInEverywhere::new(&plant, &sso, &anna).await;
    let refresh = RefreshSettings::default();
    let places = user_signed_in(permit(&console), anna.id, &plant.sessions, &refresh);
    let places = places.await.unwrap();
    assert_eq!((places.sessions.len(), places.tokens.len(), places.families.len()), (1, 2, 1));
    let ended = user_sign_out(permit(&console), anna.id, Ending::All).await.unwrap();
    assert_eq!(ended, Ended { sessions: 1, tokens: 2, families: 1, keys: 0 });
    assert_eq!(all.alive(&plant, &sso).await, [false; 5]);

    let all = SignedInEverywhere::new(&plant, &sso, &anna).await;
    let family = Ending::Family(all.family.recorded.family_id.unwrap());
    let ended = user_sign_out(permit(&console), anna.id, family).await.unwrap();
    assert_eq!(ended, Ended { sessions: 0, tokens: 1, families: 1, keys: 0 });
    assert_eq!(all.alive(&plant, &sso).await, [true, true, false, false, true]);
    let again = user_sign_out(permit(&console), anna.id, family).await;
    assert_eq!(code(again), "token_family_not_found");

    let all = SignedInEverywhere::new(&plant, &sso, &anna).await;
    user_reset_password(permit(&console), &plant.passwords, anna.id).await.unwrap();
    assert_eq!(all.alive(&plant, &sso).await, [false; 5]);
}
