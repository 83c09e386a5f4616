//! axum's extractors with problems instead of plain texts. None of them repeats what the client sent.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::http::codes::Code;
use crate::http::problem::Problem;

/// A JSON body: one object. serde would take an array for it as well, its elements in the order of the members, and
/// then no unknown member could be refused.
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
        let wrong = || Problem::new(Code::InvalidBody).detail("a member is missing, unknown or of another type");
        let rejection = match Json::<Map<String, Value>>::from_request(request, state).await {
            Ok(Json(members)) => return serde_json::from_value(members.into()).map(Self).map_err(|_| wrong()),
            Err(rejection) => rejection,
        };
        Err(match rejection {
            JsonRejection::MissingJsonContentType(_) => {
                Problem::new(Code::UnsupportedMediaType).detail("send application/json")
            }
            JsonRejection::JsonSyntaxError(_) => Problem::new(Code::InvalidJson).detail("the body is not JSON"),
            JsonRejection::JsonDataError(_) => {
                Problem::new(Code::InvalidBody).detail("the body must be one JSON object")
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
