//! The OpenAPI 3.1 document: what the handlers say about themselves, and who may call them, from the register.

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::Method;
use utoipa::OpenApi;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, ContentBuilder, Ref, ResponseBuilder};

use crate::access::Role;
use crate::http::api::oversight::OversightApi;
use crate::http::api::recordings::RecordingsApi;
use crate::http::api::{docs, health};
use crate::http::problem::{PROBLEM_JSON, ProblemDocument};
use crate::http::registry::{Access, Route};
use crate::receive::metadata::FieldProblem;

/// The part of the document that describes [`crate::http::routes::operator`]. Merge the other parts into it.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Earwitness",
        description = "A call-recording archive with retention enforcement. Times are RFC 3339; errors are RFC 9457 \
                       problems with a stable `code`; every operation names the roles that may call it.",
        contact(),
    ),
    paths(health::healthz, health::readyz, health::metrics, docs::openapi_json),
    components(schemas(ProblemDocument, FieldProblem, Role)),
    tags((name = "operation", description = "For those who run the archive"))
)]
pub struct OperatorApi;

/// The finished document, as it is served.
#[derive(Debug, Clone)]
pub struct ApiDocument(pub(super) Arc<Bytes>);

const SCHEME: &str = "token";

/// The whole document, before [`ApiDocument::new`] adds what the register knows.
pub fn document() -> utoipa::openapi::OpenApi {
    OperatorApi::openapi().merge_from(RecordingsApi::openapi()).merge_from(OversightApi::openapi())
}

/// A route's path as the document writes it: OpenAPI has no wildcard of its own.
pub fn template(path: &str) -> String {
    path.replace("{*", "{")
}

impl ApiDocument {
    /// `document`, with the security, the roles and the errors of each route in `table`.
    pub fn new(mut document: utoipa::openapi::OpenApi, table: &[Route]) -> Self {
        let components = document.components.get_or_insert_with(Components::new);
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("An access token: `ew_…`, made with `earwitness token create`."))
            .build();
        components.add_security_scheme(SCHEME, SecurityScheme::Http(bearer));
        for route in table {
            let Some(item) = document.paths.paths.get_mut(&template(route.path)) else { continue };
            if let Some(operation) = operation(item, &route.method) {
                operation.operation_id = Some(operation_id(route));
                describe(operation, route.access);
            }
        }
        // What utoipa makes can be written; were it not so, an empty document would show it at once.
        Self(Arc::new(Bytes::from(document.to_json().unwrap_or_default())))
    }

    /// The document's JSON.
    pub fn bytes(&self) -> Bytes {
        (*self.0).clone()
    }
}

/// `get_recordings_id_audio`: each operation has a name of its own, whatever its handler is called.
fn operation_id(route: &Route) -> String {
    let words = route.path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !matches!(*word, "" | "v1"));
    std::iter::once(route.method.as_str()).chain(words).collect::<Vec<_>>().join("_").to_ascii_lowercase()
}

fn operation<'a>(item: &'a mut PathItem, method: &Method) -> Option<&'a mut Operation> {
    match *method {
        Method::GET => item.get.as_mut(),
        Method::POST => item.post.as_mut(),
        Method::PUT => item.put.as_mut(),
        Method::PATCH => item.patch.as_mut(),
        Method::DELETE => item.delete.as_mut(),
        _ => None,
    }
}

fn describe(operation: &mut Operation, access: Access) {
    add_problem(operation, "default", "Any other problem");
    let Access::Guarded { permission, roles } = access else { return };
    let names: Vec<&str> = roles.iter().map(Role::as_str).collect();
    let who = format!("Permission `{permission}`; roles: {}.", names.join(", "));
    let told = operation.description.take();
    operation.description = Some(told.map_or_else(|| who.clone(), |told| format!("{told}\n\n{who}")));
    operation.security = Some(vec![SecurityRequirement::new(SCHEME, Vec::<String>::new())]);
    add_problem(operation, "401", "No valid token: `unauthorized`");
    add_problem(operation, "403", "Another role is needed: `forbidden`");
}

fn add_problem(operation: &mut Operation, status: &str, description: &str) {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let response = ResponseBuilder::new().description(description).content(PROBLEM_JSON, content).build();
    operation.responses.responses.entry(status.to_owned()).or_insert_with(|| response.into());
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use axum::http::Method;
    use serde_json::Value;

    use super::*;
    use crate::http::routes;

    #[test]
    fn every_api_route_is_described_and_nothing_else() {
        let all = routes::all_routes(true);
        let routes = all.table().iter().filter(|route| route.is_api);
        let registered: BTreeSet<(String, String)> =
            routes.map(|route| (template(route.path), route.method.to_string())).collect();
        let mut described = BTreeSet::new();
        for (path, mut item) in document().paths.paths {
            for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
                if operation(&mut item, &method).is_some() {
                    described.insert((path.clone(), method.to_string()));
                }
            }
        }
        assert_eq!(described, registered);
    }

    #[test]
    fn a_guarded_route_names_its_roles_and_errors() {
        let access = Access::Guarded { permission: "x", roles: crate::access::RoleSet::of(&[Role::Legal, Role::Rep]) };
        let route = Route { method: Method::GET, path: "/readyz", access, is_api: true };
        let ApiDocument(bytes) = ApiDocument::new(OperatorApi::openapi(), &[route]);
        let document: Value = serde_json::from_slice(&bytes).unwrap();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
        let get = &document["paths"]["/readyz"]["get"];
        assert!(get["description"].as_str().unwrap().ends_with("Permission `x`; roles: rep, legal."));
        assert_eq!(get["security"][0]["token"], serde_json::json!([]));
        let problem = &get["responses"]["403"]["content"][PROBLEM_JSON]["schema"]["$ref"];
        assert_eq!(problem, "#/components/schemas/Problem");
        assert!(document["components"]["schemas"]["Problem"]["properties"]["code"].is_object());
        assert!(document["paths"]["/healthz"]["get"]["security"].is_null());
    }
}
