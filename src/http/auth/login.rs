//! POST /api/v1/auth/login

use axum::http::{HeaderValue, header};
use axum::response::Response;
use identity::{FactorCode, LoginInput, Password, RefreshSettings, TokenInput};
use policy::tokens;
use serde::{Deserialize, Serialize};
use store::SecondFactor;
use utoipa::ToSchema;

use super::me::PersonView;
use super::refresh::told;
use crate::call::{COOKIE_NAME, Public};
use crate::endpoint::{Output, Signature};
use crate::input::Json;
use crate::output::Ok200;
use crate::problem::Problem;
use crate::state::AppState;

/// Who signs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LoginRequest {
    /// Short name of the tenant; may be left out where there is only one.
    #[serde(default)]
    tenant: Option<String>,
    /// E-mail address.
    email: String,
    /// Password.
    #[schema(format = "password")]
    password: String,
    /// Code of the second factor, for those who have one; may also be sent afterwards to
    /// POST /api/v1/auth/second-factor/verify, except for a token.
    #[serde(default)]
    #[schema(format = "password", max_length = 64)]
    code: Option<String>,
    /// Answer with a bearer token instead of a session cookie.
    #[serde(default)]
    token: bool,
    /// With a bearer token, a refresh token too: for POST /api/v1/auth/refresh.
    #[serde(default)]
    refresh: bool,
}

/// Who has signed in.
#[derive(Serialize, ToSchema)]
pub(super) struct LoginAnswer {
    /// The person.
    user: PersonView,
    /// Set a password of your own before anything else: POST /api/v1/auth/password.
    must_change_password: bool,
    /// `none`; `required`: show it next; `shown`; or `missing`: the role needs one, enrol it next.
    second_factor: &'static str,
    /// When the session or token ends.
    #[schema(format = "date-time")]
    expires_at: String,
    /// The bearer token, if it was asked for. It is shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<String>,
    /// `Bearer`, with a token.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    /// If it was asked for: counts once, at POST /api/v1/auth/refresh. It is shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// When the family ends in any case; it ends before where it is not used.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date-time")]
    refresh_expires_at: Option<String>,
}

pub(super) async fn session_open(
    call: Public,
    Json(input): Json<LoginRequest>,
) -> Result<SignedInAnswer, Problem> {
    let state = &call.state;
    if input.refresh && !input.token {
        return Err(Problem::invalid(
            "refresh",
            "goes with `token` alone: a session is kept by use",
        ));
    }
    let credentials = LoginInput {
        tenant_slug: input.tenant,
        email: input.email,
        password: Password::typed(input.password),
    };
    let settings = &state.settings.sessions;
    let mut login =
        identity::login(&state.store, &state.passwords, call.request_id, credentials, settings)
            .await?;
    if login.second_factor == SecondFactor::Pending && (input.token || input.code.is_some()) {
        show_factor(&call, &mut login, input.code).await?;
    }
    let (scope, _) =
        identity::authenticate_cookie(&state.store, login.cookie.reveal(), settings).await?;
    let permissions = policy::effective(scope.principal());
    let mut answer = LoginAnswer {
        user: PersonView::new(&login.user, login.tenant_id, permissions),
        must_change_password: login.must_change_password,
        second_factor: match login.second_factor {
            SecondFactor::None => "none",
            SecondFactor::Missing => "missing",
            SecondFactor::Pending => "required",
            SecondFactor::Shown(_) | SecondFactor::ShownForKey => "shown",
        },
        expires_at: login.expires_at.to_string(),
        access_token: None,
        token_type: None,
        refresh_token: None,
        refresh_expires_at: None,
    };
    if !input.token {
        let max_age_s = settings.absolute_ms / 1000;
        let cookie = session_cookie(login.cookie.reveal(), max_age_s);
        return Ok(SignedInAnswer { answer, cookie: Some(cookie) });
    }
    let refresh = input.refresh.then_some(state.settings.refresh);
    let issued = exchange(state, &call, &login, refresh).await?;
    answer.expires_at = issued.recorded.expires_at.to_string();
    answer.access_token = Some(issued.reveal().to_owned());
    answer.token_type = Some("Bearer");
    (answer.refresh_token, answer.refresh_expires_at) = told(issued.refresh.as_ref());
    Ok(SignedInAnswer { answer, cookie: None })
}

/// Shows the second factor that came with the sign-in. Without a right one there is no session.
async fn show_factor(
    call: &Public,
    login: &mut identity::Login,
    code: Option<String>,
) -> Result<(), Problem> {
    let state = &call.state;
    let cookie = login.cookie.reveal();
    let (scope, session) =
        identity::authenticate_cookie(&state.store, cookie, &state.settings.sessions).await?;
    let ctx = state.store.enter(scope, call.request_id).await?;
    let shown = match code {
        None => Err(Problem::new("second_factor_required")),
        Some(code) => {
            let code = FactorCode::typed(code);
            let shown = identity::factor_show(&ctx, &state.passwords, session.id, code).await;
            shown.map_err(Problem::from)
        }
    };
    match shown {
        Ok(cookie) => {
            login.cookie = cookie;
            login.second_factor = SecondFactor::Shown(ctx.now());
            Ok(())
        }
        Err(problem) => {
            identity::logout(&ctx, session.id).await?;
            Err(problem)
        }
    }
}

/// Trades the session for a token: nobody holds its cookie, so it ends at once.
async fn exchange(
    state: &AppState,
    call: &Public,
    login: &identity::Login,
    refresh: Option<RefreshSettings>,
) -> Result<identity::IssuedToken, Problem> {
    let settings = &state.settings;
    let cookie = login.cookie.reveal();
    let (scope, session) =
        identity::authenticate_cookie(&state.store, cookie, &settings.sessions).await?;
    let ctx = state.store.enter(scope, call.request_id).await?;
    if session.second_factor == SecondFactor::Missing {
        identity::logout(&ctx, session.id).await?;
        return Err(Problem::new("second_factor_enrolment_required"));
    }
    let factor_shown_at = match session.second_factor {
        SecondFactor::Shown(at) => Some(at),
        _ => None,
    };
    let lifetime_s = settings.login_token_lifetime_ms / 1000;
    let input = TokenInput { role: None, lifetime_s, factor_shown_at, refresh, family: None };
    // Who may not have one, by the tenant's settings say, is left no session either.
    let issued = match policy::authorize::<tokens::Issue>(&ctx) {
        Ok(permit) => {
            identity::token_issue(permit, &state.signer, input).await.map_err(Problem::from)
        }
        Err(denied) => Err(denied.into()),
    };
    identity::logout(&ctx, session.id).await?;
    issued
}

/// RFC 6265bis: for this host alone, never to scripts, never across sites.
pub(super) fn session_cookie(value: &str, max_age_s: i64) -> String {
    format!("{COOKIE_NAME}={value}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={max_age_s}")
}

/// The cookie that makes a browser forget the session.
pub(super) fn ended_cookie() -> String {
    session_cookie("", 0)
}

/// The answer and the cookie that goes with it.
pub(super) struct SignedInAnswer {
    answer: LoginAnswer,
    cookie: Option<String>,
}

impl Output for SignedInAnswer {
    fn describe(signature: &mut Signature) {
        Ok200::<LoginAnswer>::describe(signature);
    }

    fn into_answer(self) -> Result<Response, Problem> {
        let mut response = Ok200(self.answer).into_answer()?;
        if let Some(cookie) = self.cookie {
            let mut value = HeaderValue::from_str(&cookie)
                .map_err(|e| Problem::new("internal_error").with_cause(e))?;
            value.set_sensitive(true);
            response.headers_mut().insert(header::SET_COOKIE, value);
        }
        Ok(response)
    }
}
