//! What requests, grants and policies have in common.

use utoipa::ToSchema;

/// A resource by type and id; the id's form belongs to its type.
#[derive(ToSchema)]
#[schema(as = ResourceRef)]
#[expect(dead_code, reason = "only its description is used: the values are the domain's")]
pub(crate) struct ResourceRefSchema {
    /// What kind of thing.
    #[schema(value_type = ResourceTypeSchema)]
    r#type: (),
    /// Account: 12 digits. Permission set: its ARN. Organizational unit: `ou-…`. Bucket: its name. Database
    /// instance: its ARN. Virtual machine: `i-…`.
    #[schema(min_length = 1, max_length = 2048, example = "123456789012")]
    id: String,
}

/// The kinds of resources that can be asked for.
#[derive(ToSchema)]
#[schema(as = ResourceType, rename_all = "snake_case")]
#[expect(dead_code, reason = "only its description is used")]
pub(crate) enum ResourceTypeSchema {
    AwsAccount,
    AwsPermissionSet,
    AwsOrganizationalUnit,
    AwsS3Bucket,
    AwsRdsInstance,
    AwsEc2Instance,
}

/// What a request wants to do.
#[derive(ToSchema)]
#[schema(as = Action, rename_all = "snake_case")]
#[expect(dead_code, reason = "only its description is used")]
pub(crate) enum ActionSchema {
    RequestAccess,
    Assume,
    Read,
    Write,
    Admin,
}

/// How a request is approved.
#[derive(ToSchema)]
#[schema(as = ApprovalMode, rename_all = "snake_case")]
#[expect(dead_code, reason = "only its description is used")]
pub(crate) enum ApprovalModeSchema {
    Auto,
    Require,
    BreakGlass,
}

pub(crate) const fn yes() -> bool {
    true
}

/// A text out of these.
pub(crate) fn one_of(values: impl IntoIterator<Item = &'static str>) -> utoipa::openapi::schema::Object {
    utoipa::openapi::schema::ObjectBuilder::new()
        .schema_type(utoipa::openapi::schema::Type::String)
        .enum_values(Some(values))
        .build()
}
