//! The actions that a permit can be for: one marker type per permission, grouped by noun, so that a
//! signature reads `Permit<'_, documents::Upload>`.

use crate::Permission;

mod sealed {
    pub trait Sealed {}
}

/// An action inside one tenant. Implemented by the marker types of this room alone.
pub trait Action: sealed::Sealed + Send + Sync + 'static {
    /// The permission that it needs.
    const PERMISSION: Permission;
}

/// An action on the appliance as a whole. Implemented by the marker types of [`tenants`],
/// [`master_keys`] and [`models`] alone.
pub trait ApplianceAction: sealed::Sealed + Send + Sync + 'static {
    /// The permission that it needs.
    const PERMISSION: Permission;
}

macro_rules! actions {
    ($kind:ident: $($(#[$doc:meta])* $noun:ident { $($verb:ident => $permission:ident),+ $(,)? })+) => {$(
        $(#[$doc])*
        pub mod $noun {
            $(
                #[doc = concat!("The action behind [`Permission::", stringify!($permission), "`](crate::Permission::", stringify!($permission), ").")]
                #[derive(Debug)]
                pub enum $verb {}

                impl super::sealed::Sealed for $verb {}

                impl super::$kind for $verb {
                    const PERMISSION: crate::Permission = crate::Permission::$permission;
                }
            )+
        }
    )+};
}

actions! { Action:
    /// Asking.
    chat { Send => ChatSend }
    /// One's own conversations.
    conversations { Read => ConversationsRead, Change => ConversationsChange }
    /// Searching without an answer.
    search { Query => SearchQuery }
    /// Documents and their revisions.
    documents {
        Read => DocumentsRead,
        Upload => DocumentsUpload,
        Change => DocumentsChange,
        Delete => DocumentsDelete,
        Reindex => DocumentsReindex,
        Withdraw => DocumentsWithdraw,
    }
    /// Durable jobs.
    jobs { Read => JobsRead, Cancel => JobsCancel }
    /// One's own account.
    profile {
        Read => ProfileRead,
        Change => ProfileChange,
        ChangeFactor => ProfileChangeFactor,
    }
    /// One's own API tokens.
    tokens { Read => TokensRead, Issue => TokensIssue, Revoke => TokensRevoke }
    /// One's own API keys.
    keys { Read => KeysRead, Create => KeysCreate, Rotate => KeysRotate, Revoke => KeysRevoke }
    /// People of the tenant.
    users { Read => UsersRead, Create => UsersCreate, Change => UsersChange }
    /// Sessions, API tokens and API keys of anybody in the tenant.
    sessions { Read => SessionsRead, Revoke => SessionsRevoke }
    /// The tenant's audit log.
    audit { Read => AuditRead, Verify => AuditVerify, Export => AuditExport, Hold => AuditHold }
    /// The tenant's figures.
    metrics { Read => MetricsRead }
    /// The tenant's settings.
    settings { Read => SettingsRead, Change => SettingsChange }
    /// How much the tenant uses.
    usage { Read => UsageRead }
    /// What people say about answers.
    feedback { Read => FeedbackRead }
    /// Groups of people.
    groups { Read => GroupsRead, Change => GroupsChange }
    /// Agents, as the tenant has them.
    agents { Read => AgentsRead, Change => AgentsChange }
    /// Workflows and their runs.
    workflows { Read => WorkflowsRead, Run => WorkflowsRun, Decide => WorkflowsDecide }
    /// Plans.
    plans { Read => PlansRead, Create => PlansCreate, Decide => PlansDecide }
    /// What agents remember about oneself.
    memories { Read => MemoriesRead, Change => MemoriesChange }
}

actions! { ApplianceAction:
    /// Tenants, as the appliance's administrators see them.
    tenants {
        Read => TenantsRead,
        Create => TenantsCreate,
        Change => TenantsChange,
        Remove => TenantsRemove,
        Audit => TenantsAudit,
    }
    /// Keys of the appliance and of its tenants.
    master_keys { Manage => MasterKeysManage }
    /// Language models.
    models { Read => ModelsRead, Manage => ModelsManage }
}
