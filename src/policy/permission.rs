//! The list of permissions, and which role has which.

use std::fmt;

use base::Role;

/// One thing that a person may or may not do. A route, a domain function and a row of the
/// permission matrix name the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Permission {
    /// Ask a question.
    ChatSend,
    /// Read one's own conversations.
    ConversationsRead,
    /// Rename and delete one's own conversations.
    ConversationsChange,
    /// Search the documents without asking for an answer.
    SearchQuery,
    /// List documents and read their pages and chunks.
    DocumentsRead,
    /// Read one's own account.
    ProfileRead,
    /// Change one's own name, language and password, and end one's own sessions.
    ProfileChange,
    /// Give up one's own second factor, and renew its recovery codes.
    ProfileChangeFactor,
    /// List one's own API tokens.
    TokensRead,
    /// Issue an API token that acts for oneself.
    TokensIssue,
    /// Revoke one's own API tokens.
    TokensRevoke,
    /// List one's own API keys.
    KeysRead,
    /// Make an API key that acts for oneself.
    KeysCreate,
    /// Give one's own API keys another secret.
    KeysRotate,
    /// Revoke one's own API keys.
    KeysRevoke,
    /// Upload a document or a new revision of it.
    DocumentsUpload,
    /// Change labels, tags, metadata and validity of a document.
    DocumentsChange,
    /// Delete a document.
    DocumentsDelete,
    /// Have a document parsed and embedded again.
    DocumentsReindex,
    /// Withdraw a revision, so that nothing is answered from it any more.
    DocumentsWithdraw,
    /// See jobs and their progress.
    JobsRead,
    /// Cancel jobs.
    JobsCancel,
    /// List people.
    UsersRead,
    /// Add people.
    UsersCreate,
    /// Change people's role, clearance and status, and reset their passwords.
    UsersChange,
    /// See the sessions, API tokens and API keys of anybody in the tenant.
    SessionsRead,
    /// End the sessions, API tokens and API keys of anybody in the tenant.
    SessionsRevoke,
    /// Read the tenant's audit log.
    AuditRead,
    /// Verify the tenant's audit log and take proofs from it.
    AuditVerify,
    /// Export the tenant's audit log.
    AuditExport,
    /// Read the tenant's figures.
    MetricsRead,
    /// Read the tenant's settings.
    SettingsRead,
    /// Change the tenant's settings.
    SettingsChange,
    /// See how much the tenant uses.
    UsageRead,
    /// See the groups of people and what they add.
    GroupsRead,
    /// Change the groups of people, who is in them and what they add.
    GroupsChange,
    /// List the appliance's tenants.
    TenantsRead,
    /// Make a tenant.
    TenantsCreate,
    /// Suspend and resume a tenant, and name its first administrator.
    TenantsChange,
    /// Remove a tenant for good.
    TenantsRemove,
    /// Read and verify the appliance's own audit log.
    TenantsAudit,
    /// Set and lift a legal hold over the tenant's audit log.
    AuditHold,
    /// See how the master key is kept, change it and the keys of tenants, set passphrase and shares.
    MasterKeysManage,
    /// Read what people say about answers.
    FeedbackRead,
    /// See the language models that were brought in.
    ModelsRead,
    /// Bring language models in, try them, give them tiers, remove them.
    ModelsManage,
    /// See the agents, what they are for and what they may reach for.
    AgentsRead,
    /// Change the agents of the tenant.
    AgentsChange,
    /// See workflows, and one's own runs of them.
    WorkflowsRead,
    /// Run workflows, and cancel one's own runs.
    WorkflowsRun,
    /// Decide at the gates of workflows.
    WorkflowsDecide,
    /// See one's own plans.
    PlansRead,
    /// Have a plan made for a goal.
    PlansCreate,
    /// Approve and reject plans.
    PlansDecide,
    /// See and export what agents remember about oneself.
    MemoriesRead,
    /// Change, forget and allow what agents remember about oneself.
    MemoriesChange,
}

use Permission as P;

impl Permission {
    /// All permissions, in the order of the matrix.
    pub const ALL: [Self; 56] = [
        P::ChatSend,
        P::ConversationsRead,
        P::ConversationsChange,
        P::SearchQuery,
        P::DocumentsRead,
        P::ProfileRead,
        P::ProfileChange,
        P::ProfileChangeFactor,
        P::TokensRead,
        P::TokensIssue,
        P::TokensRevoke,
        P::KeysRead,
        P::KeysCreate,
        P::KeysRotate,
        P::KeysRevoke,
        P::DocumentsUpload,
        P::DocumentsChange,
        P::DocumentsDelete,
        P::DocumentsReindex,
        P::DocumentsWithdraw,
        P::JobsRead,
        P::JobsCancel,
        P::UsersRead,
        P::UsersCreate,
        P::UsersChange,
        P::SessionsRead,
        P::SessionsRevoke,
        P::AuditRead,
        P::AuditVerify,
        P::AuditExport,
        P::MetricsRead,
        P::SettingsRead,
        P::SettingsChange,
        P::UsageRead,
        P::GroupsRead,
        P::GroupsChange,
        P::TenantsRead,
        P::TenantsCreate,
        P::TenantsChange,
        P::TenantsRemove,
        P::TenantsAudit,
        P::AuditHold,
        P::MasterKeysManage,
        P::FeedbackRead,
        P::ModelsRead,
        P::ModelsManage,
        P::AgentsRead,
        P::AgentsChange,
        P::WorkflowsRead,
        P::WorkflowsRun,
        P::WorkflowsDecide,
        P::PlansRead,
        P::PlansCreate,
        P::PlansDecide,
        P::MemoriesRead,
        P::MemoriesChange,
    ];

    /// The name used in API, audit log, UI and documentation.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            P::ChatSend => "chat.send",
            P::ConversationsRead => "conversations.read",
            P::ConversationsChange => "conversations.change",
            P::SearchQuery => "search.query",
            P::DocumentsRead => "documents.read",
            P::ProfileRead => "profile.read",
            P::ProfileChange => "profile.change",
            P::ProfileChangeFactor => "profile.change_factor",
            P::TokensRead => "tokens.read",
            P::TokensIssue => "tokens.issue",
            P::TokensRevoke => "tokens.revoke",
            P::KeysRead => "keys.read",
            P::KeysCreate => "keys.create",
            P::KeysRotate => "keys.rotate",
            P::KeysRevoke => "keys.revoke",
            P::DocumentsUpload => "documents.upload",
            P::DocumentsChange => "documents.change",
            P::DocumentsDelete => "documents.delete",
            P::DocumentsReindex => "documents.reindex",
            P::DocumentsWithdraw => "documents.withdraw",
            P::JobsRead => "jobs.read",
            P::JobsCancel => "jobs.cancel",
            P::UsersRead => "users.read",
            P::UsersCreate => "users.create",
            P::UsersChange => "users.change",
            P::SessionsRead => "sessions.read",
            P::SessionsRevoke => "sessions.revoke",
            P::AuditRead => "audit.read",
            P::AuditVerify => "audit.verify",
            P::AuditExport => "audit.export",
            P::MetricsRead => "metrics.read",
            P::SettingsRead => "settings.read",
            P::SettingsChange => "settings.change",
            P::UsageRead => "usage.read",
            P::GroupsRead => "groups.read",
            P::GroupsChange => "groups.change",
            P::TenantsRead => "tenants.read",
            P::TenantsCreate => "tenants.create",
            P::TenantsChange => "tenants.change",
            P::TenantsRemove => "tenants.remove",
            P::TenantsAudit => "tenants.audit",
            P::AuditHold => "audit.hold",
            P::MasterKeysManage => "master_keys.manage",
            P::FeedbackRead => "feedback.read",
            P::ModelsRead => "models.read",
            P::ModelsManage => "models.manage",
            P::AgentsRead => "agents.read",
            P::AgentsChange => "agents.change",
            P::WorkflowsRead => "workflows.read",
            P::WorkflowsRun => "workflows.run",
            P::WorkflowsDecide => "workflows.decide",
            P::PlansRead => "plans.read",
            P::PlansCreate => "plans.create",
            P::PlansDecide => "plans.decide",
            P::MemoriesRead => "memories.read",
            P::MemoriesChange => "memories.change",
        }
    }

    /// Whether whoever has a second factor must have shown it lately to use it: what changes who may
    /// do what, and what can't be taken back.
    #[must_use]
    pub const fn needs_step_up(self) -> bool {
        STEP_UP.contains(self)
    }

    /// Whether it belongs to the appliance and so to no role of a tenant.
    #[must_use]
    pub const fn is_of_appliance(self) -> bool {
        APPLIANCE.contains(self)
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A set of permissions.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct PermissionSet(u64);

impl PermissionSet {
    /// No permission.
    pub const EMPTY: Self = Self(0);

    /// The set of the permissions in `list`.
    #[must_use]
    pub const fn of(list: &[Permission]) -> Self {
        let mut bits = 0;
        let mut i = 0;
        while i < list.len() {
            bits |= list[i].bit();
            i += 1;
        }
        Self(bits)
    }

    /// Whether `permission` is in the set.
    #[must_use]
    pub const fn contains(self, permission: Permission) -> bool {
        self.0 & permission.bit() != 0
    }

    /// Whether every permission of `other` is in this set.
    #[must_use]
    pub const fn contains_all(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The permissions that are in one of both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The permissions that are in both: how a rule narrows what a role gives.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The permissions of this set that are not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The permissions of the set, in the order of the matrix.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.into_iter().filter(move |p| self.contains(*p))
    }
}

impl fmt::Debug for PermissionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Permission::as_str)).finish()
    }
}

impl Permission {
    const fn bit(self) -> u64 {
        1 << self as u8
    }
}

/// What everybody who can sign in may do.
const VIEWER: PermissionSet = PermissionSet::of(&[
    P::ChatSend,
    P::ConversationsRead,
    P::ConversationsChange,
    P::SearchQuery,
    P::DocumentsRead,
    P::ProfileRead,
    P::ProfileChange,
    P::ProfileChangeFactor,
    P::TokensRead,
    P::TokensIssue,
    P::TokensRevoke,
    P::KeysRead,
    P::KeysCreate,
    P::KeysRotate,
    P::KeysRevoke,
    P::AgentsRead,
    P::WorkflowsRead,
    P::PlansRead,
    P::MemoriesRead,
    P::MemoriesChange,
]);

const OPERATOR: PermissionSet = VIEWER.union(PermissionSet::of(&[
    P::DocumentsUpload,
    P::DocumentsChange,
    P::DocumentsDelete,
    P::DocumentsReindex,
    P::DocumentsWithdraw,
    P::JobsRead,
    P::JobsCancel,
    P::WorkflowsRun,
    P::WorkflowsDecide,
    P::PlansCreate,
    P::PlansDecide,
]));

const ADMIN: PermissionSet = OPERATOR.union(PermissionSet::of(&[
    P::UsersRead,
    P::UsersCreate,
    P::UsersChange,
    P::SessionsRead,
    P::SessionsRevoke,
    P::AuditRead,
    P::AuditVerify,
    P::AuditExport,
    P::MetricsRead,
    P::SettingsRead,
    P::SettingsChange,
    P::UsageRead,
    P::AuditHold,
    P::GroupsRead,
    P::GroupsChange,
    P::FeedbackRead,
    P::AgentsChange,
]));

/// What only a holder of an appliance scope may do.
const APPLIANCE: PermissionSet = PermissionSet::of(&[
    P::TenantsRead,
    P::TenantsCreate,
    P::TenantsChange,
    P::TenantsRemove,
    P::TenantsAudit,
    P::MasterKeysManage,
    P::ModelsRead,
    P::ModelsManage,
]);

/// What needs a second factor that was shown lately.
const STEP_UP: PermissionSet = PermissionSet::of(&[
    P::ProfileChangeFactor,
    P::KeysCreate,
    P::UsersCreate,
    P::UsersChange,
    P::AuditExport,
    P::SettingsChange,
    P::GroupsChange,
    P::TenantsChange,
    P::TenantsRemove,
    P::AuditHold,
    P::MasterKeysManage,
]);

/// What `role` may do in its tenant.
#[must_use]
pub const fn permissions_of(role: Role) -> PermissionSet {
    match role {
        Role::Viewer => VIEWER,
        Role::Operator => OPERATOR,
        Role::Admin => ADMIN,
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn the_list_is_complete_and_in_order() {
        for (i, permission) in Permission::ALL.into_iter().enumerate() {
            assert_eq!(permission as usize, i, "{permission}");
        }
        // Names are unique and written as noun.verb.
        let mut names: Vec<_> = Permission::ALL.iter().map(|p| p.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Permission::ALL.len());
        for name in names {
            let parts: Vec<_> = name.split('.').collect();
            assert!(parts.len() == 2 && parts.iter().all(|p| !p.is_empty()), "{name}");
        }
    }

    #[test]
    fn a_later_role_may_do_all_that_an_earlier_may() {
        for pair in Role::ALL.windows(2) {
            let (less, more) = (permissions_of(pair[0]), permissions_of(pair[1]));
            assert!(more.contains_all(less) && more != less, "{} {}", pair[0], pair[1]);
        }
    }

    #[test]
    fn no_role_of_a_tenant_has_a_permission_of_the_appliance() {
        for role in Role::ALL {
            assert_eq!(permissions_of(role).intersection(APPLIANCE), PermissionSet::EMPTY);
        }
        // And nothing is left over that nobody has.
        let all = permissions_of(Role::Admin).union(APPLIANCE);
        assert!(Permission::ALL.into_iter().all(|p| all.contains(p)));
    }

    #[test]
    fn role_permission_matrix() {
        let mut matrix = format!("{:<22} viewer operator admin appliance step-up\n", "permission");
        for permission in Permission::ALL {
            let cell = |has: bool| if has { "yes" } else { "-" };
            let [viewer, operator, admin] =
                Role::ALL.map(|role| cell(permissions_of(role).contains(permission)));
            let appliance = cell(permission.is_of_appliance());
            let step_up = cell(permission.needs_step_up());
            let _ = writeln!(
                matrix,
                "{permission:<22} {viewer:<6} {operator:<8} {admin:<5} {appliance:<9} {step_up}"
            );
        }
        insta::assert_snapshot!(matrix);
    }
}
