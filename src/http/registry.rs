//! The registry of error codes: code, status, title, and what to do. Every code that any room can
//! answer with stands here once; a code that does not is a failed test.

use axum::http::StatusCode;

/// One kind of problem.
#[derive(Clone, Copy, Debug)]
pub struct ErrorKind {
    /// Stable code; the last segment of the problem's type URI.
    pub code: &'static str,
    /// HTTP status.
    pub status: StatusCode,
    /// In words, the same for every occurrence (RFC 9457 section 3.1.3).
    pub title: &'static str,
    /// What the caller, or the administrator, can do.
    pub action: &'static str,
}

/// The row of `code`; the row of `internal_error` for a code that is missing.
#[must_use]
pub(crate) fn find(code: &str) -> &'static ErrorKind {
    ERRORS.iter().find(|kind| kind.code == code).unwrap_or(&INTERNAL)
}

/// All rows, by code.
#[must_use]
pub const fn errors() -> &'static [ErrorKind] {
    ERRORS
}

const INTERNAL: ErrorKind = row(
    "internal_error",
    StatusCode::INTERNAL_SERVER_ERROR,
    "Something failed inside the appliance",
    "Try again; if it stays, give the administrator the request id, which stands in the log.",
);

const fn row(
    code: &'static str,
    status: StatusCode,
    title: &'static str,
    action: &'static str,
) -> ErrorKind {
    ErrorKind { code, status, title, action }
}

use StatusCode as S;

#[rustfmt::skip]
const ERRORS: &[ErrorKind] = &[
    // The request itself
    row("invalid_input", S::UNPROCESSABLE_ENTITY, "A field of the request is not acceptable", "Correct the fields named in `errors`."),
    row("malformed_request", S::BAD_REQUEST, "The request can't be read", "Correct its syntax; `detail` says where."),
    row("unsupported_media_type", S::UNSUPPORTED_MEDIA_TYPE, "The body has a type that this route does not read", "Send the type that the route documents."),
    row("body_too_large", S::PAYLOAD_TOO_LARGE, "The body is larger than this route accepts", "Send a smaller body."),
    row("request_timeout", S::REQUEST_TIMEOUT, "The request was not sent in time", "Send the body without long pauses."),
    row("route_not_found", S::NOT_FOUND, "There is no such route", "See /docs for the routes there are."),
    row("method_not_allowed", S::METHOD_NOT_ALLOWED, "The route does not know this method", "See /docs for the methods of this route."),
    row("deadline_passed", S::SERVICE_UNAVAILABLE, "The work took longer than is allowed", "Try again later, or ask for less at once."),
    row("rate_limited", S::TOO_MANY_REQUESTS, "Too many requests in a short time", "Wait as long as the Retry-After header says."),
    row("cross_site_request", S::FORBIDDEN, "The request came from another site", "Send it from the appliance's own pages, or with a bearer token."),
    row("idempotency_key_reused", S::UNPROCESSABLE_ENTITY, "The idempotency key was used for another request", "Use a new key for a new request."),
    row("idempotency_key_in_use", S::CONFLICT, "A request with this idempotency key has not ended", "Wait for the first request; if the appliance was stopped in between, look whether it had its effect, then use a new key."),
    row("stream_expired", S::GONE, "The event stream can't be taken up again", "Ask again without Last-Event-ID; the conversation holds answers that were finished."),
    // Who asks
    row("unauthenticated", S::UNAUTHORIZED, "Not signed in", "Sign in, or send a valid bearer token."),
    row("invalid_credentials", S::UNAUTHORIZED, "Tenant, e-mail address or password is wrong", "Check all three; an administrator can reset a password."),
    row("login_delayed", S::TOO_MANY_REQUESTS, "This password was wrong too often", "Wait as long as the Retry-After header says; an administrator can reset a password."),
    row("token_refused", S::UNAUTHORIZED, "The bearer token does not count", "Sign in anew: it may have ended or been revoked."),
    row("sign_in_busy", S::SERVICE_UNAVAILABLE, "Too many people are signing in at this moment", "Try again in a moment."),
    row("credential_unusable", S::INTERNAL_SERVER_ERROR, "A password or token could not be worked with", "Try again; if it stays, give the administrator the request id."),
    row("password_change_required", S::FORBIDDEN, "The one-time password must be changed first", "Set a password of your own with POST /api/v1/auth/password."),
    row("second_factor_required", S::FORBIDDEN, "The second factor must be shown first", "Send a code with POST /api/v1/auth/second-factor/verify, or with the sign-in."),
    row("second_factor_enrolment_required", S::FORBIDDEN, "Your role needs a second factor", "Enrol one with POST /api/v1/auth/second-factor."),
    row("step_up_required", S::FORBIDDEN, "The second factor must be shown again for this", "Send a fresh code with POST /api/v1/auth/second-factor/verify, then repeat the request."),
    row("second_factor_refused", S::UNAUTHORIZED, "The code of the second factor is wrong", "Wait for the next code; each counts once. A recovery code stands in for a lost authenticator."),
    row("second_factor_delayed", S::TOO_MANY_REQUESTS, "Too many codes were tried", "Wait as long as the Retry-After header says."),
    row("second_factor_enrolled", S::CONFLICT, "A second factor is enrolled already", "Remove it first, to enrol another one."),
    row("second_factor_not_enrolled", S::CONFLICT, "No second factor is enrolled", "Enrol one with POST /api/v1/auth/second-factor."),
    row("second_factor_not_begun", S::CONFLICT, "The enrolment of a second factor was not begun", "Begin with POST /api/v1/auth/second-factor."),
    row("session_required", S::FORBIDDEN, "This route needs a browser session", "Sign in with a session instead of a token."),
    row("forbidden", S::FORBIDDEN, "You may not do this", "Ask an administrator of your tenant; an API key also needs the permission among its scopes."),
    row("tenant_required", S::BAD_REQUEST, "The request does not say which tenant it is for", "Name the tenant: the Millwright-Tenant header on the console, the `tenant` field at login."),
    row("person_required", S::BAD_REQUEST, "The request must be made for a person", "Name the person: the Millwright-Act-As header on the console."),
    row("refresh_refused", S::UNAUTHORIZED, "The refresh token does not count", "Sign in anew: it was used before, or has ended."),
    row("own_sign_in_required", S::FORBIDDEN, "A token of another issuer can't do this", "Sign in at the appliance itself."),
    row("message_not_found", S::NOT_FOUND, "There is no such answer", "Look at the conversation: it may be deleted, or somebody else's."),
    row("label_not_allowed", S::FORBIDDEN, "Nobody gives a label above their own rights", "Ask somebody with a higher clearance."),
    // People
    row("user_not_found", S::NOT_FOUND, "There is no such person", "See the list of people."),
    row("email_taken", S::CONFLICT, "Somebody has this e-mail address already", "Use another address, or change that person."),
    row("user_limit_reached", S::CONFLICT, "The tenant has as many people as it may have", "Remove people who have left."),
    row("last_admin", S::CONFLICT, "The last active administrator can't be demoted or disabled", "Make another administrator first."),
    row("own_account", S::FORBIDDEN, "Nobody changes this about themselves", "Ask another administrator."),
    row("above_own_rights", S::FORBIDDEN, "Nobody grants more than they have", "Ask an administrator with the rights in question."),
    row("out_of_reach", S::FORBIDDEN, "This person may see more than you", "Reset their password at the console."),
    row("token_limit_reached", S::CONFLICT, "There are as many live tokens as there may be", "Revoke one first."),
    row("audit_entry_not_found", S::NOT_FOUND, "The log has no such entry", "Entries are counted from 0; see the checkpoint for how many there are."),
    row("audit_entry_pruned", S::GONE, "The content of the entry was pruned", "The log keeps the entry's hash; see /api/v1/admin/audit/retention for how long it keeps more."),
    row("legal_hold_in_force", S::CONFLICT, "A legal hold is in force already", "Lift it first, to set one for another reason."),
    row("legal_hold_not_in_force", S::CONFLICT, "No legal hold is in force", "Nothing is to be lifted."),
    row("session_not_found", S::NOT_FOUND, "There is no such session", "See the list of sessions."),
    row("token_not_found", S::NOT_FOUND, "There is no such token", "See the list of tokens."),
    row("token_family_not_found", S::NOT_FOUND, "There is no such family of tokens", "See the list of token families."),
    row("key_refused", S::UNAUTHORIZED, "The API key does not count", "Copy it whole; it may have ended, been rotated or been revoked: make another one."),
    row("second_factor_not_for_keys", S::FORBIDDEN, "An API key can't show the second factor that this needs", "Do it in a browser session, with a code."),
    row("key_limit_reached", S::CONFLICT, "There are as many live API keys as there may be", "Revoke one first."),
    row("key_not_found", S::NOT_FOUND, "There is no such API key", "See the list of keys."),
    row("group_not_found", S::NOT_FOUND, "There is no such group", "See the list of groups."),
    row("group_name_taken", S::CONFLICT, "Another group has this name already", "Choose another name."),
    row("group_limit_reached", S::CONFLICT, "There are as many groups as there may be", "Remove one that is not needed."),
    // The appliance and its tenants
    row("tenant_not_found", S::NOT_FOUND, "There is no such tenant", "Check the tenant's name or id."),
    row("tenant_suspended", S::FORBIDDEN, "The tenant is suspended", "Ask the administrator of the appliance."),
    row("tenant_slug_taken", S::CONFLICT, "The short name is taken", "Choose another short name."),
    row("tenant_read_only", S::SERVICE_UNAVAILABLE, "The tenant can only be read", "Its database does not agree with its signed checkpoint: run `millwright audit verify` and restore a backup."),
    row("data_directory_unusable", S::SERVICE_UNAVAILABLE, "The data directory can't be used", "Run `millwright doctor` on the machine."),
    row("store_unavailable", S::SERVICE_UNAVAILABLE, "The database did not carry this out; nothing has changed", "Try again; if it stays, check disk and log of the machine."),
    row("store_busy", S::SERVICE_UNAVAILABLE, "Too many changes are waiting; nothing has changed", "Try again in a moment."),
    row("store_damaged", S::INTERNAL_SERVER_ERROR, "A stored value is not what it should be", "Run `millwright audit verify` and restore a backup."),
    row("schema_unknown", S::SERVICE_UNAVAILABLE, "The database was written by another version of the program", "Start the version that wrote it, or a newer one."),
    row("audit_unavailable", S::SERVICE_UNAVAILABLE, "The audit entry can't be written; nothing has changed", "Try again; if it stays, check disk and log of the machine."),
    // Keys
    row("sealed", S::SERVICE_UNAVAILABLE, "The appliance is sealed", "Unseal it with the passphrase or with shares: on its start page, or with `millwright unseal` on the machine."),
    row("not_sealed", S::CONFLICT, "The appliance is not sealed", "Nothing is to be done: it is open already."),
    row("passphrase_refused", S::FORBIDDEN, "The passphrase is wrong", "Check keyboard layout and capital letters. Every mistake makes the next try wait longer."),
    row("share_refused", S::UNPROCESSABLE_ENTITY, "The share can't be counted", "Bring another share of the newest set; `detail` says what is wrong with this one."),
    row("unseal_delayed", S::TOO_MANY_REQUESTS, "Too many tries to unseal", "Wait as long as the Retry-After header says; `millwright unseal` on the machine itself does not wait."),
    row("console_required", S::FORBIDDEN, "This is done on the machine itself", "Use `millwright key` there."),
    row("key_change_refused", S::CONFLICT, "The key can't be changed as things are", "`detail` says what to do first."),
    // Documents
    row("document_not_found", S::NOT_FOUND, "There is no such document", "See the list of documents."),
    row("revision_not_found", S::NOT_FOUND, "The document has no such revision", "See the list of its revisions."),
    row("page_not_found", S::NOT_FOUND, "The revision has no such page", "Pages are counted from 1."),
    row("document_duplicate", S::CONFLICT, "The document has a revision with the same bytes", "Nothing is to be done: it is there already."),
    row("document_too_large", S::PAYLOAD_TOO_LARGE, "The document is larger than is accepted", "Split it."),
    row("too_many_uploads", S::SERVICE_UNAVAILABLE, "Too many files are being received", "Try again in a moment."),
    row("documents_changed", S::SERVICE_UNAVAILABLE, "The documents changed while they were read", "Ask again."),
    row("revision_wrong_state", S::CONFLICT, "The revision's state does not allow this", "See its `state` and `validity`."),
    row("ingest_in_progress", S::CONFLICT, "The document is being read at this moment", "Wait for its job to end, or cancel it."),
    row("no_text", S::UNPROCESSABLE_ENTITY, "The document has no text that can be read", "Run character recognition over it and upload the result."),
    row("original_missing", S::INTERNAL_SERVER_ERROR, "The original file is missing", "Restore it from a backup."),
    row("index_unavailable", S::SERVICE_UNAVAILABLE, "The tenant's index failed", "Try again; it is rebuilt from the database when the tenant is opened."),
    row("computation_failed", S::INTERNAL_SERVER_ERROR, "A computation ended unexpectedly", "Try again; if it stays, give the administrator the request id."),
    // Answers
    row("conversation_not_found", S::NOT_FOUND, "There is no such conversation", "See the list of your conversations."),
    row("abandoned", S::CONFLICT, "Nobody waited for the answer any more", "Ask again."),
    row("trace_not_found", S::NOT_FOUND, "There is no such trace", "See the list of your traces."),
    row("no_language_model", S::CONFLICT, "No language model is there to be asked", "Have an administrator import one and assign it to a tier."),
    row("run_budget_exhausted", S::CONFLICT, "The run's token budget is used up", "Run it with a larger budget."),
    row("run_deadline_passed", S::SERVICE_UNAVAILABLE, "The run took longer than it may", "Run it with less to do, or in another tier."),
    row("model_output_unreadable", S::BAD_GATEWAY, "The model's reply can't be read", "Try again; if it stays, take another model for this tier."),
    // Agents, workflows, plans, memories
    row("agent_not_found", S::NOT_FOUND, "There is no such agent", "See the list of agents."),
    row("workflow_not_found", S::NOT_FOUND, "There is no such workflow", "See the list of workflows, or bring a definition along."),
    row("workflow_invalid", S::UNPROCESSABLE_ENTITY, "The workflow is declared wrongly", "Correct the field that `errors` names."),
    row("workflow_run_not_found", S::NOT_FOUND, "There is no such run of a workflow", "See the list of your runs."),
    row("workflow_run_wrong_state", S::CONFLICT, "The run's state does not allow this", "See its `state`."),
    row("workflow_gate_not_waiting", S::CONFLICT, "Nothing waits for a decision there, or not what was shown", "Look at the run again and decide on what it shows now."),
    row("plan_not_found", S::NOT_FOUND, "There is no such plan", "See the list of your plans."),
    row("plan_wrong_state", S::CONFLICT, "The plan's state does not allow this", "See its `state`."),
    row("plan_changed", S::CONFLICT, "The plan is not the one that was shown", "Look at the plan again, and approve the digest that it shows now."),
    row("memory_not_found", S::NOT_FOUND, "Nothing is remembered under this id", "See the list of memories."),
    row("memory_not_allowed", S::CONFLICT, "You have not allowed that anything is remembered", "Allow it with PUT /api/v1/me/memories/consent."),
    row("golden_unreadable", S::UNPROCESSABLE_ENTITY, "A golden question can't be read", "Correct the line that `detail` names."),
    row("too_many_streams", S::SERVICE_UNAVAILABLE, "Too many event streams are open", "Try again in a moment."),
    // Jobs
    row("job_not_found", S::NOT_FOUND, "There is no such job", "See the list of jobs."),
    row("job_ended", S::CONFLICT, "The job has already ended", "Nothing is left to cancel."),
    row("job_queue_full", S::TOO_MANY_REQUESTS, "Too many jobs are waiting", "Wait until some have ended."),
    // The model worker
    row("model_busy", S::SERVICE_UNAVAILABLE, "The model worker has too much to do", "Try again in a moment."),
    row("model_unavailable", S::SERVICE_UNAVAILABLE, "The model worker is not running", "Try again in a moment; /health/ready says what is wrong."),
    row("model_deadline_passed", S::SERVICE_UNAVAILABLE, "The model worker took too long", "Try again, or ask for less at once."),
    row("model_input_invalid", S::UNPROCESSABLE_ENTITY, "The model worker can't take this text", "Shorten the text."),
    row("model_not_found", S::NOT_FOUND, "There is no such model", "See the list of models: GET /api/v1/models, or GET /v1/models for those that answer."),
    row("tier_not_found", S::NOT_FOUND, "There is no such tier", "Tiers are light, standard and heavy."),
    row("model_exists", S::CONFLICT, "The same file was brought in before", "Nothing is to be done: it is there already."),
    row("model_refused", S::UNPROCESSABLE_ENTITY, "The file holds no model that can be used", "Bring another file; `detail` says what is wrong with this one."),
    row("model_disk_full", S::INSUFFICIENT_STORAGE, "The disk has no room for the model", "Free space on the data directory's disk, or remove a model."),
    row("model_does_not_fit", S::UNPROCESSABLE_ENTITY, "The memory has no room for the model", "Take a smaller or more quantised model, or a smaller models.context_tokens."),
    row("model_in_use", S::CONFLICT, "A tier is served by the model", "Assign another model to the tier first."),
    row("model_unproven", S::CONFLICT, "The model has not passed its trial", "Try it: POST /api/v1/models/{model}/trial, or `millwright model bench`."),
    row("model_import_busy", S::SERVICE_UNAVAILABLE, "Other models are being brought in", "Wait until they are there."),
    row("model_file_failed", S::INTERNAL_SERVER_ERROR, "A model's file failed", "Check the disk of the data directory."),
    row("prompt_too_long", S::UNPROCESSABLE_ENTITY, "The prompt does not fit into the model's window", "Shorten it, or ask a model with a larger window."),
    row("token_budget_exhausted", S::TOO_MANY_REQUESTS, "The token budget is used up", "Wait as long as the Retry-After header says, or have the administrator raise the budget."),
    row("model_failed", S::INTERNAL_SERVER_ERROR, "The model worker failed at this call", "Try again; if it stays, give the administrator the request id."),
    // Reading a document
    row("encrypted", S::UNPROCESSABLE_ENTITY, "The document is encrypted", "Upload it without its password."),
    row("damaged", S::UNPROCESSABLE_ENTITY, "The document is damaged", "Export it anew and upload it again."),
    row("unsupported_format", S::UNPROCESSABLE_ENTITY, "The file is none of PDF, DOCX, Markdown, text", "Convert it and upload it again."),
    row("too_large", S::UNPROCESSABLE_ENTITY, "The document is too large", "Split it."),
    row("too_many_pages", S::UNPROCESSABLE_ENTITY, "The document has too many pages", "Split it."),
    row("zip_bomb", S::UNPROCESSABLE_ENTITY, "The document unpacks to more than is allowed", "Export it anew and upload it again."),
    row("xml_forbidden", S::UNPROCESSABLE_ENTITY, "The document holds XML that is never read", "Export it anew without entity declarations."),
    row("memory", S::UNPROCESSABLE_ENTITY, "The document needs more memory than is allowed", "Split it."),
    row("crashed", S::UNPROCESSABLE_ENTITY, "The reader of documents ended at this file", "Export it anew and upload it again."),
    row("timeout", S::UNPROCESSABLE_ENTITY, "Reading the document took too long", "Split it."),
    row("cage_failed", S::SERVICE_UNAVAILABLE, "The cage of the document reader could not be closed", "Run `millwright doctor` on the machine."),
    row("cancelled", S::CONFLICT, "The work was cancelled", "Start it again."),
    row("worker_unavailable", S::SERVICE_UNAVAILABLE, "The document reader could not be started", "Run `millwright doctor` on the machine."),
    INTERNAL,
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use super::*;

    #[test]
    fn every_code_stands_once() {
        let mut seen = BTreeSet::new();
        for kind in errors() {
            assert!(seen.insert(kind.code), "{} stands twice", kind.code);
            assert!(kind.status.is_client_error() || kind.status.is_server_error());
            assert!(!kind.title.ends_with('.') && kind.action.ends_with('.'), "{}", kind.code);
        }
    }

    /// Reads the rooms' sources: whatever a `fn code` answers must have a row.
    #[test]
    fn every_code_of_every_room_has_a_row() {
        let rooms = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut found = BTreeSet::new();
        for room in ["store", "policy", "identity", "models", "parse", "knowledge", "agents"] {
            let before = found.len();
            for file in rust_files(&rooms.join(room)) {
                found.extend(codes_in(&std::fs::read_to_string(file).unwrap()));
            }
            assert!(found.len() > before || room == "policy", "no code found in {room}");
        }
        assert!(found.contains("tenant_slug_taken"), "the search no longer finds codes");
        let missing: Vec<_> =
            found.iter().filter(|code| find(code).code != code.as_str()).collect();
        assert!(missing.is_empty(), "codes without a row in the registry: {missing:?}");
    }

    /// The same for the codes that this room names itself.
    #[test]
    fn every_code_of_this_room_has_a_row() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut named = BTreeSet::new();
        for file in rust_files(here) {
            let source = std::fs::read_to_string(file).unwrap();
            for piece in source.split("Problem::new(\"").skip(1) {
                named.insert(piece.split('"').next().unwrap().to_owned());
            }
        }
        named.retain(|code| !code.is_empty());
        assert!(named.contains("unauthenticated"));
        let missing: Vec<_> =
            named.iter().filter(|code| find(code).code != code.as_str()).collect();
        assert!(missing.is_empty(), "codes without a row in the registry: {missing:?}");
    }

    fn rust_files(dir: &Path) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files.extend(rust_files(&path));
            } else if path.extension().is_some_and(|e| e == "rs") {
                files.push(path);
            }
        }
        files
    }

    /// Words in quotes inside the bodies of `fn code(&self) -> Code` and of a failure code's
    /// `as_str`.
    fn codes_in(source: &str) -> Vec<String> {
        let mut codes = Vec::new();
        for body in source.split("fn code(&self) -> Code").skip(1) {
            let end = body.find("\n    }").unwrap_or(body.len());
            for (position, word) in body[..end].split('"').enumerate() {
                if position % 2 == 1 {
                    codes.push(word.to_owned());
                }
            }
        }
        codes
    }
}
