//! Warnings as they are shown.

use curfew_api::{PolicyWarning, PolicyWarningCode, PolicyWarnings};
use curfew_app::policies::{Warning, WarningCode, Warnings};

pub(super) fn shown(warnings: Warnings) -> PolicyWarnings {
    PolicyWarnings {
        warnings: warnings.listed.into_iter().map(warning).collect(),
        warnings_left_out: warnings.left_out,
    }
}

fn warning(warning: Warning) -> PolicyWarning {
    PolicyWarning {
        code: code(warning.code),
        policy_id: warning.policy,
        rule_id: warning.rule,
        message: warning.message,
    }
}

const fn code(code: WarningCode) -> PolicyWarningCode {
    match code {
        WarningCode::PermitForEveryone => PolicyWarningCode::PermitForEveryone,
        WarningCode::NeverMatches => PolicyWarningCode::NeverMatches,
        WarningCode::Unreachable => PolicyWarningCode::Unreachable,
        WarningCode::AutoOnManagementAccount => PolicyWarningCode::AutoOnManagementAccount,
        WarningCode::AutoOnTopRank => PolicyWarningCode::AutoOnTopRank,
        WarningCode::ApproverGroupEmpty => PolicyWarningCode::ApproverGroupEmpty,
        WarningCode::TooFewApprovers => PolicyWarningCode::TooFewApprovers,
        WarningCode::NotChecked => PolicyWarningCode::NotChecked,
    }
}
