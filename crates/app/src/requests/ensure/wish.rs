//! What is to be made sure of, and what came of it.

use curfew_domain::{AccessRequest, AccountId, ErrorCode, PermissionSetName, Reason, RequestId, Seconds};
use curfew_store::GrantView;
use serde_json::Value;

use crate::AppError;

/// What somebody needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Wish {
    /// Each by itself.
    pub entitlements: Vec<Entitlement>,
    /// Why.
    pub justification: Justification,
    /// Whether nothing is to be written: what would come of it is told alone.
    pub dry_run: bool,
}

/// A permission set in an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entitlement {
    /// The account.
    pub account: AccountId,
    /// The permission set.
    pub role: PermissionSetName,
    /// How long from now; policies have their own answers when nobody says.
    pub duration: Option<Seconds>,
}

/// Why somebody needs it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Justification {
    /// In words.
    pub reason: Option<Reason>,
    /// Tickets and the like. Kept with the request.
    pub attachments: Vec<Value>,
    /// The first of them in a text, which policies may look at.
    pub ticket: Option<String>,
}

/// What came of one entitlement.
#[derive(Debug, Clone, PartialEq)]
pub struct Ensured {
    /// What it is called.
    pub name: String,
    /// What there is now.
    pub standing: Standing,
    /// What was changed for it, or would be.
    pub change: Changed,
    /// Whether it is given, or would be at once.
    pub approved: bool,
    /// How long it lasts, or would, or was asked for.
    pub duration: Option<Seconds>,
    /// The request that it came from, or waits in.
    pub request: Option<RequestId>,
    /// What there is to say of it.
    pub diagnostics: Vec<Diagnostic>,
}

/// What there is of an entitlement.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// Nothing.
    Nothing,
    /// A request that waits for people.
    Waiting(Box<AccessRequest>),
    /// A grant.
    Grant(Box<GrantView>),
}

/// What was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// Nothing.
    None,
    /// There is a grant that was not there before.
    Activated,
    /// Somebody was asked.
    Requested,
    /// The grant lasts longer.
    Extended,
}

impl Changed {
    /// The contract's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Changed::None => "none",
            Changed::Activated => "activated",
            Changed::Requested => "requested",
            Changed::Extended => "extended",
        }
    }
}

/// Something to say of an entitlement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// `error`: it is not there, and nothing will come. `warning`: it is there, not as it was asked for. `info`.
    pub level: &'static str,
    /// The code of the refusal, where it is one.
    pub code: Option<ErrorCode>,
    /// What.
    pub message: String,
}

impl Diagnostic {
    pub(super) fn error(problem: &AppError) -> Self {
        let notices = match problem {
            AppError::Forbidden { notices, .. } if !notices.is_empty() => format!(": {}", notices.join("; ")),
            _ => String::new(),
        };
        Self { level: "error", code: Some(problem.code()), message: format!("{problem}{notices}") }
    }

    pub(super) fn denied(message: String) -> Self {
        Self { level: "error", code: Some(ErrorCode::Forbidden), message }
    }

    pub(super) fn too_short(problem: &AppError) -> Self {
        Self::warning(Self::error(problem))
    }

    /// What would be an error if there were nothing.
    pub(super) fn warning(problem: Self) -> Self {
        let message =
            format!("it ends earlier than was asked for, and can't last longer: {}", problem.message);
        Self { level: "warning", message, ..problem }
    }

    pub(super) fn info(message: &str) -> Self {
        Self { level: "info", code: None, message: message.to_owned() }
    }
}

impl Ensured {
    pub(super) fn none() -> Self {
        Self {
            name: String::new(),
            standing: Standing::Nothing,
            change: Changed::None,
            approved: false,
            duration: None,
            request: None,
            diagnostics: Vec::new(),
        }
    }

    pub(super) fn nothing(why: Diagnostic) -> Self {
        Self { diagnostics: vec![why], ..Self::none() }
    }

    pub(super) fn granted(view: GrantView, change: Changed) -> Self {
        Self {
            change,
            approved: true,
            duration: Some(view.grant.times.duration),
            request: view.grant.request,
            standing: Standing::Grant(Box::new(view)),
            ..Self::none()
        }
    }

    pub(super) fn waiting(request: AccessRequest, change: Changed) -> Self {
        let told = request.notices.iter().map(|notice| Diagnostic::info(notice)).collect();
        Self {
            change,
            duration: request.duration,
            request: Some(request.id),
            standing: Standing::Waiting(Box::new(request)),
            diagnostics: told,
            ..Self::none()
        }
    }
}

/// What became of what was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct AccessStatus {
    /// The request.
    pub request: AccessRequest,
    /// The grant that it made, or would extend.
    pub grant: Option<GrantView>,
    /// What it is called.
    pub name: String,
}
