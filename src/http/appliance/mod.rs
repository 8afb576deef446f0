//! Administering the appliance: its tenants and its own audit log.

mod administrators;
mod audit;
mod keys;
mod tenant_keys;
mod tenants;

pub(crate) use keys::ShareSetView;

use crate::endpoint::endpoint;
use crate::route::{Audit, Idempotency, Method, RateClass, Route};

/// Keys are kept in a tenant's database, and these routes belong to none.
const NO_TENANT: Idempotency =
    Idempotency::Refused("a repeat is noticed: short names are unique, states are set");

pub(crate) fn routes() -> Vec<Route> {
    let mut routes = tenant_routes();
    routes.push(administrator_route());
    routes.extend(audit_routes());
    routes.extend(key_routes());
    routes.extend(tenant_key_routes());
    routes
}

fn tenant_routes() -> Vec<Route> {
    vec![
        Route {
            method: Method::Get,
            path: "/api/v1/appliance/tenants",
            operation: "tenant_list",
            summary: "List all tenants, removed ones included",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(tenants::tenant_list),
        },
        Route {
            method: Method::Post,
            path: "/api/v1/appliance/tenants",
            operation: "tenant_create",
            summary: "Make a tenant: keys, database, audit log; verified before it is acknowledged",
            audit: Audit::Entry("tenant.created"),
            rate: RateClass::Write,
            idempotency: NO_TENANT,
            endpoint: endpoint(tenants::tenant_create),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/appliance/tenants/{tenant_id}",
            operation: "tenant_get",
            summary: "One tenant",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(tenants::tenant_get),
        },
        Route {
            method: Method::Post,
            path: "/api/v1/appliance/tenants/{tenant_id}/suspend",
            operation: "tenant_suspend",
            summary: "Suspend a tenant: it is kept, and nobody can sign in",
            audit: Audit::Entry("tenant.status_changed"),
            rate: RateClass::Write,
            idempotency: NO_TENANT,
            endpoint: endpoint(tenants::tenant_suspend),
        },
        Route {
            method: Method::Post,
            path: "/api/v1/appliance/tenants/{tenant_id}/resume",
            operation: "tenant_resume",
            summary: "Resume a suspended tenant",
            audit: Audit::Entry("tenant.status_changed"),
            rate: RateClass::Write,
            idempotency: NO_TENANT,
            endpoint: endpoint(tenants::tenant_resume),
        },
        Route {
            method: Method::Delete,
            path: "/api/v1/appliance/tenants/{tenant_id}",
            operation: "tenant_remove",
            summary: "Remove a tenant for good: its key is destroyed first, then its files",
            audit: Audit::Entry("tenant.removed"),
            rate: RateClass::Write,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(tenants::tenant_remove),
        },
    ]
}

fn administrator_route() -> Route {
    Route {
        method: Method::Post,
        path: "/api/v1/appliance/administrators",
        operation: "administrator_grant",
        summary: "Let a person of a tenant administer the appliance",
        audit: Audit::Entry("appliance_admin.granted"),
        rate: RateClass::Write,
        idempotency: NO_TENANT,
        endpoint: endpoint(administrators::administrator_grant),
    }
}

fn audit_routes() -> Vec<Route> {
    vec![
        Route {
            method: Method::Get,
            path: "/api/v1/appliance/audit",
            operation: "appliance_audit_query",
            summary: "Read the appliance's own audit log, newest first",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(audit::appliance_audit_query),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/appliance/audit/verify",
            operation: "appliance_audit_verify",
            summary: "Verify all audit logs, or one tenant's, against their signed checkpoints",
            audit: Audit::Nothing,
            rate: RateClass::Upload,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(audit::appliance_audit_verify),
        },
        Route {
            method: Method::Post,
            path: "/api/v1/appliance/audit/compare",
            operation: "appliance_audit_compare",
            summary: "Verify audit logs, and compare them with the checkpoints that a witness keeps",
            // What may be evidence is only looked at.
            audit: Audit::Nothing,
            rate: RateClass::Upload,
            idempotency: Idempotency::Refused("nothing changes"),
            endpoint: endpoint(audit::appliance_audit_compare),
        },
    ]
}

/// Each of them on the machine itself alone.
fn key_routes() -> Vec<Route> {
    vec![
        Route {
            method: Method::Get,
            path: "/api/v1/appliance/keys",
            operation: "keys_get",
            summary: "How the master key is kept; nothing secret",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(keys::keys_get),
        },
        Route {
            method: Method::Post,
            path: "/api/v1/appliance/keys/rotate",
            operation: "master_key_rotate",
            summary: "Change the master key: all keys under it are wrapped anew",
            audit: Audit::Entry("master_key.rotated"),
            rate: RateClass::Write,
            idempotency: Idempotency::Refused("a repeat is another change"),
            endpoint: endpoint(keys::master_key_rotate),
        },
        Route {
            method: Method::Put,
            path: "/api/v1/appliance/keys/passphrase",
            operation: "passphrase_set",
            summary: "Put the master key under a passphrase: starts wait until somebody unseals",
            audit: Audit::Entry("master_key.passphrase_set"),
            rate: RateClass::Write,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(keys::passphrase_set),
        },
        Route {
            method: Method::Delete,
            path: "/api/v1/appliance/keys/passphrase",
            operation: "passphrase_remove",
            summary: "Take the passphrase away: the master key is a key file again",
            audit: Audit::Entry("master_key.passphrase_removed"),
            rate: RateClass::Write,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(keys::passphrase_remove),
        },
        Route {
            method: Method::Post,
            path: "/api/v1/appliance/keys/shares",
            operation: "shares_make",
            summary: "Make shares of the master key, some of which unseal; earlier ones end",
            audit: Audit::Entry("master_key.shares_made"),
            rate: RateClass::Write,
            idempotency: Idempotency::Refused("shares are shown once and kept nowhere"),
            endpoint: endpoint(keys::shares_make),
        },
    ]
}

fn tenant_key_routes() -> Vec<Route> {
    const PATH: &str = "/api/v1/appliance/tenants/{tenant_id}/key/rotation";
    vec![
        Route {
            method: Method::Post,
            path: PATH,
            operation: "tenant_key_rotate",
            summary: "Encrypt a tenant anew under another key, while people work",
            audit: Audit::Entry("tenant_key.rotation_begun"),
            rate: RateClass::Write,
            idempotency: Idempotency::Refused("a repeat is noticed while the first goes on"),
            endpoint: endpoint(tenant_keys::tenant_key_rotate),
        },
        Route {
            method: Method::Get,
            path: PATH,
            operation: "tenant_key_rotation_get",
            summary: "How the last change of a tenant's key stands, since the last start",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(tenant_keys::tenant_key_rotation_get),
        },
        Route {
            method: Method::Delete,
            path: PATH,
            operation: "tenant_key_rotation_cancel",
            summary: "Cancel a change of a tenant's key that has not come to its end",
            audit: Audit::Entry("tenant_key.cancel_requested"),
            rate: RateClass::Write,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(tenant_keys::tenant_key_rotation_cancel),
        },
    ]
}
