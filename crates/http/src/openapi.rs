//! The OpenAPI document: what the routes say of themselves, and what all of them have in common.

use curfew_api::ErrorBody;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{Content, OpenApi, Ref, RefOr, Required, ResponseBuilder};
use utoipa::{OpenApi as _, ToSchema};

const BEARER: &str = "bearer";
const API_KEY: &str = "api_key";
const COOKIE: &str = "cookie";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Curfew",
        description = "Temporary AWS access that ends on time.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(ErrorBody))
)]
struct Base;

/// The document without paths; the routes bring those.
pub(crate) fn base() -> OpenApi {
    Base::openapi()
}

/// Adds to the routes' own words what all operations have in common.
pub(crate) fn complete(mut document: OpenApi) -> OpenApi {
    let components = document.components.get_or_insert_default();
    components.add_security_scheme(BEARER, bearer());
    components.add_security_scheme(API_KEY, api_key());
    components.add_security_scheme(COOKIE, cookie());
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            operation.operation_id = Some(operation_id(method, path));
            complete_operation(operation, path.contains('{'), method == "post");
            describe_answers(operation);
        }
    }
    document
}

/// The operations of a path, each with its method.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    [
        ("get", &mut item.get),
        ("put", &mut item.put),
        ("post", &mut item.post),
        ("patch", &mut item.patch),
        ("delete", &mut item.delete),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// `post_policies_by_policy_id_rules`: unique, since a path is; handlers of many files are called `list`.
fn operation_id(method: &str, path: &str) -> String {
    let words = path.split('/').filter(|part| !part.is_empty() && *part != "v1").map(|part| {
        match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some(name) => format!("by_{name}"),
            None => part.replace(['-', '.'], "_"),
        }
    });
    std::iter::once(method.to_owned()).chain(words).collect::<Vec<_>>().join("_")
}

fn complete_operation(operation: &mut Operation, has_id: bool, is_post: bool) {
    let public = is_public(operation);
    refuse(operation, "400", "Something in the request is not as the contract says.");
    refuse(operation, "413", "Larger than is accepted.");
    refuse(operation, "429", "Too many requests; `Retry-After` says when to come back.");
    refuse(operation, "500", "Our fault; the incident id finds it in the log.");
    refuse(operation, "503", "Not now; the same request may pass later.");
    if has_id {
        refuse(operation, "404", "Nothing by that id that the caller could know of.");
    }
    if operation.request_body.is_some() {
        refuse(operation, "415", "The body is not JSON.");
    }
    if public {
        return;
    }
    refuse(operation, "401", "No credential, or one that is not good (any more).");
    refuse(operation, "403", "The caller may not do this, or the credential belongs to another tenant.");
    let any_one =
        [BEARER, API_KEY, COOKIE].map(|scheme| SecurityRequirement::new::<_, [&str; 0], &str>(scheme, []));
    operation.security = Some(any_one.into());
    add_parameter(operation, tenant_header());
    if is_post && operation.responses.responses.contains_key("201") {
        refuse(operation, "409", "It contradicts what is there.");
        add_parameter(operation, idempotency_header());
        announce_replays(operation);
    }
}

/// OpenAPI wants a description of every answer (section 4.8.17.1), also where a handler has no words of its own.
fn describe_answers(operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response
            && response.description.is_empty()
        {
            response.description = plain_words(status).into();
        }
    }
}

fn plain_words(status: &str) -> &'static str {
    match status {
        "201" => "Created.",
        "202" => "Taken up.",
        "204" => "Done.",
        "409" => "It contradicts what is there, or the state it is in.",
        "422" => "Understood, and not acceptable.",
        "423" => "A lockdown is in force.",
        "502" => "AWS could not be reached, or refused.",
        _ => "As asked.",
    }
}

/// Marked with `security(())`.
pub(crate) fn is_public(operation: &Operation) -> bool {
    let nothing = SecurityRequirement::default();
    operation.security.as_ref().is_some_and(|schemes| schemes.contains(&nothing))
}

/// Adds an error, unless the operation has its own words for it.
fn refuse(operation: &mut Operation, status: &str, description: &str) {
    operation.responses.responses.entry(status.to_owned()).or_insert_with(|| {
        let content = Content::new(Some(Ref::from_schema_name(ErrorBody::name())));
        ResponseBuilder::new().description(description).content("application/json", content).build().into()
    });
}

fn add_parameter(operation: &mut Operation, parameter: Parameter) {
    operation.parameters.get_or_insert_default().push(parameter.into());
}

fn tenant_header() -> Parameter {
    ParameterBuilder::new()
        .name("X-Tenant-ID")
        .parameter_in(ParameterIn::Header)
        .required(Required::True)
        .description(Some(
            "The tenant that the credential belongs to. The console's cookie may leave it out.",
        ))
        .schema(Some(
            ObjectBuilder::new()
                .schema_type(Type::String)
                .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid))),
        ))
        .build()
}

fn idempotency_header() -> Parameter {
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "Makes the request safe to repeat for 24 hours: the same key and body create nothing twice.",
        ))
        .schema(Some(
            ObjectBuilder::new()
                .schema_type(Type::String)
                .pattern(Some("^[!-~]{1,255}$"))
                .min_length(Some(1))
                .max_length(Some(255)),
        ))
        .build()
}

fn announce_replays(operation: &mut Operation) {
    let Some(RefOr::T(created)) = operation.responses.responses.get_mut("201") else { return };
    let header = HeaderBuilder::new()
        .description(Some(
            "`true` when this is a repeated request's answer, rendered anew and without secrets.",
        ))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["true"]))))
        .build();
    created.headers.insert("Idempotency-Replayed".to_owned(), header.into());
}

fn bearer() -> SecurityScheme {
    SecurityScheme::Http(
        HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some("For people: what login answers."))
            .build(),
    )
}

fn api_key() -> SecurityScheme {
    SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description("X-API-Key", "For automation.")))
}

fn cookie() -> SecurityScheme {
    let words = "For the console. `curfew` where the server is reached over plain http. Unsafe methods take \
                 `X-CSRF-Token` and `Origin` too.";
    SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description("__Host-curfew", words)))
}
