//! Routes below /api/v1/auth/second-factor: one's own second factor.

use axum::http::{HeaderValue, header};
use axum::response::Response;
use identity::{FactorCode, Password, RecoveryCodes};
use policy::profile;
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::login::session_cookie;
use crate::call::{Authorized, Entering, SignedIn};
use crate::endpoint::{Output, Signature};
use crate::input::Json;
use crate::output::{NoContent, Ok200};
use crate::problem::Problem;

/// Width and height of the code that is scanned, in pixels at least.
const QR_PIXELS: u32 = 240;

/// What one may know about one's own second factor.
#[derive(Serialize, ToSchema)]
#[schema(as = SecondFactor)]
pub(super) struct FactorView {
    enrolled: bool,
    /// Codes for a lost authenticator that still count.
    recovery_codes_left: u32,
}

pub(super) async fn factor_get(
    call: SignedIn<profile::Read>,
    (): (),
) -> Result<Ok200<FactorView>, Problem> {
    let state = identity::factor_get(call.permit()?).await?;
    Ok(Ok200(FactorView {
        enrolled: state.enrolled,
        recovery_codes_left: state.recovery_codes_left,
    }))
}

/// Proof that whoever enrols is not somebody at an unattended screen.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FactorBeginRequest {
    #[schema(format = "password")]
    current_password: String,
}

/// What goes into the authenticator; it is shown this once.
#[derive(Serialize, ToSchema)]
pub(super) struct FactorEnrolment {
    /// To be typed: base 32.
    secret: String,
    /// To be opened on the device itself: an `otpauth:` address.
    uri: String,
    /// To be scanned: the address as a QR code, an SVG image.
    qr_svg: String,
}

pub(super) async fn factor_begin(
    call: SignedIn<profile::Change>,
    Json(request): Json<FactorBeginRequest>,
) -> Result<Ok200<FactorEnrolment>, Problem> {
    let current = Password::typed(request.current_password);
    let begun = identity::factor_begin(call.permit()?, &call.state.passwords, current).await?;
    let code = QrCode::with_error_correction_level(begun.reveal_uri(), EcLevel::M)
        .map_err(|e| Problem::new("internal_error").with_cause(e))?;
    let image = code.render::<svg::Color<'_>>().min_dimensions(QR_PIXELS, QR_PIXELS).build();
    Ok(Ok200(FactorEnrolment {
        secret: begun.reveal_secret().to_owned(),
        uri: begun.reveal_uri().to_owned(),
        qr_svg: image,
    }))
}

/// A code of the authenticator.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FactorCodeRequest {
    /// Six digits; blanks do not count. Where a factor is shown, a recovery code will do.
    #[schema(format = "password", max_length = 64)]
    code: String,
}

/// Codes for when the authenticator is lost, each for one use; they are shown this once.
#[derive(Serialize, ToSchema)]
pub(super) struct RecoveryCodesView {
    recovery_codes: Vec<String>,
}

impl From<RecoveryCodes> for RecoveryCodesView {
    fn from(codes: RecoveryCodes) -> Self {
        Self { recovery_codes: codes.reveal().map(str::to_owned).collect() }
    }
}

pub(super) async fn factor_confirm(
    call: SignedIn<profile::Change>,
    Json(request): Json<FactorCodeRequest>,
) -> Result<Ok200<RecoveryCodesView>, Problem> {
    let code = FactorCode::typed(request.code);
    let passwords = &call.state.passwords;
    let codes = identity::factor_confirm(call.permit()?, passwords, call.session, code).await?;
    Ok(Ok200(codes.into()))
}

pub(super) async fn factor_show(
    call: Entering<profile::Read>,
    Json(request): Json<FactorCodeRequest>,
) -> Result<FactorShown, Problem> {
    let session = call.session.ok_or_else(|| Problem::new("session_required"))?;
    let code = FactorCode::typed(request.code);
    let cookie = identity::factor_show(call.ctx(), &call.state.passwords, session, code).await?;
    let max_age_s = call.state.settings.sessions.absolute_ms / 1000;
    Ok(FactorShown(session_cookie(cookie.reveal(), max_age_s)))
}

/// 204, and another cookie for the session.
pub(super) struct FactorShown(String);

impl Output for FactorShown {
    fn describe(signature: &mut Signature) {
        NoContent::describe(signature);
    }

    fn into_answer(self) -> Result<Response, Problem> {
        let mut response = NoContent.into_answer()?;
        let mut cookie = HeaderValue::from_str(&self.0)
            .map_err(|e| Problem::new("internal_error").with_cause(e))?;
        cookie.set_sensitive(true);
        response.headers_mut().insert(header::SET_COOKIE, cookie);
        Ok(response)
    }
}

pub(super) async fn recovery_codes_renew(
    call: Authorized<profile::ChangeFactor>,
    (): (),
) -> Result<Ok200<RecoveryCodesView>, Problem> {
    Ok(Ok200(identity::recovery_codes_renew(call.permit()?).await?.into()))
}

pub(super) async fn factor_remove(
    call: Authorized<profile::ChangeFactor>,
    (): (),
) -> Result<NoContent, Problem> {
    identity::factor_remove(call.permit()?).await?;
    Ok(NoContent)
}
