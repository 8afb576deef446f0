//! The OpenAPI 3.1 document, built from the route table.

use std::collections::BTreeMap;

use utoipa::PartialSchema as _;
use utoipa::ToSchema as _;
use utoipa::openapi::path::PathItem;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Ref, Type};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, HeaderBuilder, InfoBuilder, LicenseBuilder, OpenApi,
    OpenApiBuilder, PathsBuilder, RefOr, Required, ResponseBuilder,
};

use crate::openai;
use crate::problem::{FieldError, PROBLEM_MEDIA_TYPE, ProblemDocument};
use crate::route::{Access, Idempotency, Method, RateClass, Route};

const BEARER: &str = "bearer";
const SESSION: &str = "session";

/// The OpenAPI document of all routes, as `/openapi.json` serves it.
///
/// # Errors
/// A JSON error, which a document built from types does not have.
pub fn openapi_document() -> Result<String, serde_json::Error> {
    document(crate::router::table()).to_json()
}

/// The document of `routes`.
pub(crate) fn document(routes: &[Route]) -> OpenApi {
    let mut paths = PathsBuilder::new();
    let mut schemas = BTreeMap::new();
    let mut more = Vec::new();
    let mut groups = BTreeMap::new();
    for route in routes {
        let group = group_of(route.path);
        groups.insert(group, ());
        let signature = route.endpoint.signature();
        schemas.extend(signature.schemas.iter().cloned());
        let item = PathItem::new(http_method(route.method), operation(route, group));
        // A path that takes the rest of the URL is written as any other parameter in OpenAPI.
        paths = paths.path(route.path.replace("{*", "{"), item);
    }
    schemas.insert(ProblemDocument::name().into_owned(), ProblemDocument::schema());
    schemas.insert(openai::ErrorBody::name().into_owned(), openai::ErrorBody::schema());
    openai::ErrorBody::schemas(&mut more);
    schemas.extend(more);
    schemas.insert(FieldError::name().into_owned(), FieldError::schema());
    let mut components = ComponentsBuilder::new()
        .security_scheme(BEARER, bearer())
        .security_scheme(SESSION, session());
    for (name, schema) in schemas {
        components = components.schema(name, schema);
    }
    for (name, meaning) in RATE_FIELDS {
        let schema = ObjectBuilder::new().schema_type(Type::String);
        let field = HeaderBuilder::new().schema(Some(schema)).description(Some(meaning)).build();
        components = components.header(name, field);
    }
    let info = InfoBuilder::new()
        .title("Millwright")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Answers from a plant's documents, with the page and the line. Every failure is a \
             problem document (RFC 9457) whose `type` explains it.",
        ))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").build()))
        .build();
    let tags = groups.into_keys().map(|name| TagBuilder::new().name(name).build());
    OpenApiBuilder::new()
        .info(info)
        .paths(paths.build())
        .components(Some(components.build()))
        .tags(Some(tags))
        .build()
}

fn operation(route: &Route, group: &str) -> utoipa::openapi::path::Operation {
    let mut signature = route.endpoint.signature();
    let access = signature.access;
    let mut failure = if openai::speaks_it(route.path) { openai::failure() } else { problem() };
    if route.rate != RateClass::Open {
        add_rate_fields(&mut signature.success);
        add_rate_fields(&mut failure);
    }
    let mut operation = OperationBuilder::new()
        .tag(group)
        .operation_id(Some(route.operation))
        .summary(Some(route.summary))
        .description(Some(rules(route, access)))
        .request_body(signature.request_body)
        .response(signature.success_status.to_string(), signature.success)
        .response("default", failure);
    for parameter in signature.parameters {
        operation = operation.parameter(parameter);
    }
    if matches!(route.idempotency, Idempotency::Keyed | Idempotency::KeyedByHandler) {
        operation = operation.parameter(
            ParameterBuilder::new()
                .name("Idempotency-Key")
                .parameter_in(ParameterIn::Header)
                .required(Required::False)
                .description(Some(
                    "A repeated request with the same key and body gets the first answer again.",
                ))
                .schema(Some(ObjectBuilder::new().schema_type(Type::String).max_length(Some(200)))),
        );
    }
    if access != Access::Public {
        let none: [&str; 0] = [];
        operation = operation
            .security(SecurityRequirement::new(BEARER, none))
            .security(SecurityRequirement::new(SESSION, none));
    }
    operation.build()
}

/// What answers of limited routes tell about the limits (draft-ietf-httpapi-ratelimit-headers-10).
const RATE_FIELDS: [(&str, &str); 2] = [
    (
        "RateLimit-Policy",
        "The limits that the request was counted against: `q` requests in `w` seconds, by name",
    ),
    (
        "RateLimit",
        "How it stands with each: `r` requests may come at once, all of them after `t` seconds",
    ),
];

fn add_rate_fields(response: &mut utoipa::openapi::Response) {
    for (name, _) in RATE_FIELDS {
        let field = Ref::new(format!("#/components/headers/{name}"));
        response.headers.insert(name.to_owned(), RefOr::Ref(field));
    }
}

/// Who may call it and how often, in words.
fn rules(route: &Route, access: Access) -> String {
    let who = match (access, access.least_role()) {
        (Access::Public, _) => "Open to everybody.".to_owned(),
        (Access::Appliance(p), _) => {
            format!("For administrators of the appliance (permission `{p}`).")
        }
        (Access::Entering(p) | Access::SignedIn(p) | Access::Tenant(p), Some(role)) => {
            format!("Least role: {role} (permission `{p}`).")
        }
        (Access::Entering(p) | Access::SignedIn(p) | Access::Tenant(p), None) => {
            format!("Permission `{p}`.")
        }
    };
    let step_up = if access.permission().is_some_and(policy::Permission::needs_step_up) {
        " Whoever has a second factor must have shown it lately."
    } else {
        ""
    };
    format!("{who}{step_up} Rate class: {}.", route.rate.as_str())
}

fn problem() -> utoipa::openapi::Response {
    let schema = Ref::from_schema_name(ProblemDocument::name());
    ResponseBuilder::new()
        .description("A problem document (RFC 9457)")
        .content(PROBLEM_MEDIA_TYPE, ContentBuilder::new().schema(Some(schema)).build())
        .build()
}

fn bearer() -> SecurityScheme {
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT or API key");
    SecurityScheme::Http(scheme.build())
}

fn session() -> SecurityScheme {
    SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(crate::call::COOKIE_NAME)))
}

const fn http_method(method: Method) -> HttpMethod {
    match method {
        Method::Get => HttpMethod::Get,
        Method::Post => HttpMethod::Post,
        Method::Put => HttpMethod::Put,
        Method::Patch => HttpMethod::Patch,
        Method::Delete => HttpMethod::Delete,
    }
}

/// `/api/v1/documents/{document_id}` belongs to `documents`, `/health/live` to `health`.
fn group_of(path: &'static str) -> &'static str {
    let rest = path.strip_prefix("/api/v1/").unwrap_or(path.trim_start_matches('/'));
    match rest.split('/').next() {
        None | Some("") => "pages",
        Some("v1") => "openai",
        Some("openapi.json" | "docs" | "problems" | "metrics" | "assets") => "about",
        Some(group) => group,
    }
}
