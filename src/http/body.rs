//! axum's extractors with problems instead of plain texts. None of them repeats what the client sent.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::http::codes::Code;
use crate::http::problem::Problem;

/// A JSON body.
#[derive(Debug, Clone)]
pub struct ApiJson<T>(pub T);

/// The query.
#[derive(Debug, Clone)]
pub struct ApiQuery<T>(pub T);

/// The variable parts of the path. One that has not the form of its kind names nothing: 404.
#[derive(Debug, Clone)]
pub struct ApiPath<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for ApiJson<T> {
    type Rejection = Problem;
    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let rejection = match Json::from_request(request, state).await {
            Ok(Json(value)) => return Ok(Self(value)),
            Err(rejection) => rejection,
        };
        Err(match rejection {
            JsonRejection::MissingJsonContentType(_) => {
                Problem::new(Code::UnsupportedMediaType).detail("send application/json")
            }
            JsonRejection::JsonSyntaxError(_) => Problem::new(Code::InvalidJson).detail("the body is not JSON"),
            JsonRejection::JsonDataError(_) => {
                Problem::new(Code::InvalidBody).detail("a member is missing, unknown or of another type")
            }
            other => Problem::new(Code::of_status(other.status())),
        })
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for ApiQuery<T> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Query(value) = Query::from_request_parts(parts, state)
            .await
            .map_err(|_: QueryRejection| Problem::new(Code::InvalidQuery))?;
        Ok(Self(value))
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for ApiPath<T> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(value) =
            Path::from_request_parts(parts, state).await.map_err(|_: PathRejection| Problem::new(Code::NotFound))?;
        Ok(Self(value))
    }
}
