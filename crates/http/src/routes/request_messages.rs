//! What is said about requests.

use axum::Json;
use axum::extract::State;
use curfew_api::{ErrorBody, NewRequestMessage, PageBody, RequestMessage};
use curfew_app::requests::{self, NewMessage};
use curfew_domain::RequestId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{ApiCreate, ApiError, ApiList, ApiPath, Authenticated, Created, HttpState, ListQuery, NoFilters};

pub(crate) fn routes() -> OpenApiRouter<HttpState> {
    OpenApiRouter::new().routes(routes!(list, add))
}

/// What was said about a request, newest first, to whoever may see the request.
#[utoipa::path(get, path = "/v1/requests/{id}/messages", tag = "requests",
    params(("id" = Uuid, Path), ListQuery), responses((status = 200, body = PageBody<RequestMessage>)))]
async fn list(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<RequestId>,
    list: ApiList<NoFilters>,
) -> Result<Json<PageBody<RequestMessage>>, ApiError> {
    let page = list.page(&state, &caller)?;
    let messages = requests::messages(&state.app, &caller, id, page).await?;
    Ok(Json(list.body(&state, &caller, messages.map(RequestMessage::from))))
}

/// Say something about a request.
///
/// Its requester may, and who has the scope `requests:approve`, whatever has become of the request. It is not changed
/// afterwards. A request has 500 messages at most.
#[utoipa::path(post, path = "/v1/requests/{id}/messages", tag = "requests", params(("id" = Uuid, Path)),
    request_body = NewRequestMessage,
    responses((status = 201, body = RequestMessage),
        (status = 409, description = "There are too many, or the key was used for another body.", body = ErrorBody)))]
async fn add(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<RequestId>,
    ApiCreate { body, once }: ApiCreate<NewRequestMessage>,
) -> Result<Created<RequestMessage>, ApiError> {
    let said = NewMessage { content: body.content, metadata: body.metadata };
    let made = requests::add_message(&state.app, &caller, &once, id, said).await?;
    Ok(Created(made.map(RequestMessage::from)))
}
