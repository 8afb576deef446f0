//! Administering the appliance: its tenants and its own audit log.

mod audit;
mod tenants;

use crate::endpoint::endpoint;
use crate::route::{Audit, Idempotency, Method, RateClass, Route};

/// Keys are kept in a tenant's database, and these routes belong to none.
const NO_TENANT: Idempotency =
    Idempotency::Refused("a repeat is noticed: short names are unique, states are set");

pub(crate) fn routes() -> Vec<Route> {
    let mut routes = tenant_routes();
    routes.extend(audit_routes());
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
