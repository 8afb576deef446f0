//! Administering one tenant.

mod audit;
mod audit_export;
mod disclosures;
mod figures;
mod proofs;
mod retention;
mod series;
mod sessions;
mod settings;
mod store;
mod users;

use crate::endpoint::endpoint;
use crate::route::{Audit, Idempotency, Method, RateClass, Route};

pub(crate) use audit::{AuditQuery, EntryView, LogView, VerifyView, WitnessedView, page_view};
pub(crate) use disclosures::{DisclosureQuery, PersonDisclosureView, person_page};
pub(crate) use settings::tenant_settings;

const SECRET: Idempotency = Idempotency::Refused("the answer is a secret that is not kept");

pub(crate) fn routes() -> Vec<Route> {
    let mut routes = user_routes();
    routes.extend(session_routes());
    routes.extend(tenant_routes());
    routes.extend(record_routes());
    routes
}

fn user_routes() -> Vec<Route> {
    vec![
        Route {
            method: Method::Get,
            path: "/api/v1/admin/users",
            operation: "user_list",
            summary: "List the people of the tenant",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(users::user_list),
        },
        Route {
            method: Method::Post,
            path: "/api/v1/admin/users",
            operation: "user_create",
            summary: "Add a person; the answer holds their one-time password",
            audit: Audit::Entry("user.created"),
            rate: RateClass::Write,
            idempotency: SECRET,
            endpoint: endpoint(users::user_create),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/admin/users/{user_id}",
            operation: "user_get",
            summary: "A person of the tenant",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(users::user_get),
        },
        Route {
            method: Method::Patch,
            path: "/api/v1/admin/users/{user_id}",
            operation: "user_change",
            summary: "Change a person's role, clearance, status or name",
            audit: Audit::Entry("user.changed"),
            rate: RateClass::Write,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(users::user_change),
        },
        Route {
            method: Method::Post,
            path: "/api/v1/admin/users/{user_id}/reset-password",
            operation: "user_reset_password",
            summary: "Give a person a new one-time password; their sessions end",
            audit: Audit::Entry("user.password_reset"),
            rate: RateClass::Write,
            idempotency: SECRET,
            endpoint: endpoint(users::user_reset_password),
        },
        Route {
            method: Method::Post,
            path: "/api/v1/admin/users/{user_id}/reset-second-factor",
            operation: "user_reset_factor",
            summary: "Take away the second factor of somebody who has lost it; takes two administrators",
            audit: Audit::Entry("second_factor.reset"),
            rate: RateClass::Write,
            idempotency: Idempotency::Keyed,
            endpoint: endpoint(users::user_reset_factor),
        },
    ]
}

fn session_routes() -> Vec<Route> {
    vec![
        Route {
            method: Method::Get,
            path: "/api/v1/admin/users/{user_id}/sessions",
            operation: "user_signed_in",
            summary: "Where a person is signed in: browser sessions, bearer tokens, their families",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(sessions::user_signed_in),
        },
        Route {
            method: Method::Delete,
            path: "/api/v1/admin/users/{user_id}/sessions",
            operation: "user_sign_out",
            summary: "Sign a person out everywhere: sessions, tokens and their families end",
            audit: Audit::Entry("user.signed_out"),
            rate: RateClass::Write,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(sessions::user_sign_out),
        },
        Route {
            method: Method::Delete,
            path: "/api/v1/admin/users/{user_id}/sessions/{session_id}",
            operation: "user_session_end",
            summary: "End one browser session of a person",
            audit: Audit::Entry("user.signed_out"),
            rate: RateClass::Write,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(sessions::user_session_end),
        },
        Route {
            method: Method::Delete,
            path: "/api/v1/admin/users/{user_id}/tokens/{token_id}",
            operation: "user_token_revoke",
            summary: "Revoke one bearer token of a person",
            audit: Audit::Entry("user.signed_out"),
            rate: RateClass::Write,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(sessions::user_token_revoke),
        },
        Route {
            method: Method::Delete,
            path: "/api/v1/admin/users/{user_id}/token-families/{family_id}",
            operation: "user_token_family_end",
            summary: "End one family of tokens of a person, with all its tokens",
            audit: Audit::Entry("user.signed_out"),
            rate: RateClass::Write,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(sessions::user_token_family_end),
        },
    ]
}

fn tenant_routes() -> Vec<Route> {
    vec![
        Route {
            method: Method::Get,
            path: "/api/v1/admin/audit",
            operation: "audit_query",
            summary: "Read the tenant's audit log, newest first",
            // A log that grew with every look at it could not be read to its end.
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(audit::audit_query),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/admin/audit/verify",
            operation: "audit_verify",
            summary: "Verify the tenant's audit log against its signed checkpoint",
            audit: Audit::Nothing,
            rate: RateClass::Write,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(audit::audit_verify),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/admin/audit/checkpoint",
            operation: "audit_checkpoint",
            summary: "The log's newest signed checkpoint, and the key that signs it",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(proofs::audit_checkpoint),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/admin/audit/entries/{entry_index}/proof",
            operation: "audit_inclusion",
            summary: "Proof that an entry is in the log (inclusion proof)",
            audit: Audit::Nothing,
            rate: RateClass::Write,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(proofs::audit_inclusion),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/admin/audit/consistency",
            operation: "audit_consistency",
            summary: "Proof that nothing of an earlier state was changed (consistency proof)",
            audit: Audit::Nothing,
            rate: RateClass::Write,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(proofs::audit_consistency),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/admin/audit/export",
            operation: "audit_export",
            summary: "Export entries with checkpoint and proof, to be verified offline",
            audit: Audit::Entry("audit.exported"),
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(audit_export::audit_export),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/admin/metrics",
            operation: "tenant_metrics",
            summary: "What was done in the tenant lately, and its jobs",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(figures::tenant_metrics),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/admin/metrics/daily",
            operation: "tenant_metrics_daily",
            summary: "How often things were done in the tenant, day by day",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(series::tenant_metrics_daily),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/admin/usage",
            operation: "tenant_usage",
            summary: "How much the tenant keeps",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(figures::tenant_usage),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/admin/settings",
            operation: "settings_get",
            summary: "The tenant's settings",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(settings::settings_get),
        },
        Route {
            method: Method::Patch,
            path: "/api/v1/admin/settings",
            operation: "settings_change",
            summary: "Change the tenant's settings",
            audit: Audit::Entry("settings.changed"),
            rate: RateClass::Write,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(settings::settings_change),
        },
    ]
}

/// How long the log keeps its content, and what it tells about a person.
fn record_routes() -> Vec<Route> {
    vec![
        Route {
            method: Method::Get,
            path: "/api/v1/admin/users/{user_id}/disclosures",
            operation: "user_disclosures",
            summary: "What a person was shown: documents, revisions, chunks, pages; newest first",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(disclosures::user_disclosures),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/admin/audit/retention",
            operation: "audit_retention",
            summary: "How long the log keeps its content, what was pruned, and the legal hold",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(retention::audit_retention),
        },
        Route {
            method: Method::Post,
            path: "/api/v1/admin/audit/legal-hold",
            operation: "legal_hold_set",
            summary: "Put a legal hold in force: nothing of the log is pruned until it is lifted",
            audit: Audit::Entry("legal_hold.set"),
            rate: RateClass::Write,
            idempotency: Idempotency::Keyed,
            endpoint: endpoint(retention::legal_hold_set),
        },
        Route {
            method: Method::Post,
            path: "/api/v1/admin/audit/legal-hold/lift",
            operation: "legal_hold_lift",
            summary: "Lift the legal hold",
            audit: Audit::Entry("legal_hold.lifted"),
            rate: RateClass::Write,
            idempotency: Idempotency::Keyed,
            endpoint: endpoint(retention::legal_hold_lift),
        },
    ]
}
