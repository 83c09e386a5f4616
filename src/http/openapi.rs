//! The OpenAPI 3.1 document: what the handlers say about themselves, and who may call them, from the register.

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::Method;
use utoipa::OpenApi;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Components, Content, ContentBuilder, HeaderBuilder, ObjectBuilder, Ref, RefOr, Required, Response, ResponseBuilder,
    Type,
};

use crate::access::Role;
use crate::http::api::accounts::AccountsApi;
use crate::http::api::cases::CasesApi;
use crate::http::api::evidence::EvidenceApi;
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
    let recordings = OperatorApi::openapi().merge_from(RecordingsApi::openapi()).merge_from(AccountsApi::openapi());
    let legal = CasesApi::openapi().merge_from(EvidenceApi::openapi());
    recordings.merge_from(legal).merge_from(OversightApi::openapi())
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
    add_ranges(operation);
    complete_problems(operation);
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

fn problem_content() -> Content {
    ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build()
}

fn add_problem(operation: &mut Operation, status: &str, description: &str) {
    let response = ResponseBuilder::new().description(description).content(PROBLEM_JSON, problem_content()).build();
    operation.responses.responses.entry(status.to_owned()).or_insert_with(|| response.into());
}

/// A status that a handler lists takes the place of `default`: where it names no content of its own, it is a problem.
fn complete_problems(operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response
            && status.starts_with(['4', '5'])
            && response.content.is_empty()
        {
            response.content.insert(PROBLEM_JSON.to_owned(), problem_content().into());
        }
    }
}

/// The request headers with which a part is asked for (RFC 9110 sections 13 and 14): name, example, meaning.
const RANGE_REQUEST: [(&str, &str, &str); 3] = [
    ("Range", "bytes=0-65535", "One byte range; several, or what is not understood, count as none"),
    ("If-Range", "\"5f2b…\"", "The `ETag` of the part that is there already: with another one, all of it is answered"),
    ("If-None-Match", "\"5f2b…\"", "The `ETag` of what is there already: with the same one, the answer is 304"),
];

/// The headers of the answers, with the statuses that carry them.
const RANGE_ANSWER: [(&str, &[&str], &str); 5] = [
    ("ETag", &["200", "206", "304"], "What `If-Range` and `If-None-Match` take: strong, derived from the SHA-256"),
    ("Accept-Ranges", &["200", "206", "416"], "Always `bytes`"),
    ("Content-Range", &["206"], "`bytes first-last/total`, counted from 0"),
    ("Content-Range", &["416"], "`bytes */total`"),
    (
        "Sunset",
        &["200", "206", "304"],
        "The deadline (RFC 8594), at which the transfer is cut; left out while it is held",
    ),
];

/// What every operation has that answers with a part where one is asked for: they share `http::range`.
fn add_ranges(operation: &mut Operation) {
    let responses = &mut operation.responses.responses;
    if !responses.contains_key("206") {
        return;
    }
    for (name, statuses, description) in RANGE_ANSWER {
        for status in statuses {
            if let Some(RefOr::T(response)) = responses.get_mut(*status) {
                add_header(response, name, description);
            }
        }
    }
    let parameters = operation.parameters.get_or_insert_default();
    parameters.extend(RANGE_REQUEST.map(|(name, example, description)| {
        let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Header).required(Required::False);
        let text = ObjectBuilder::new().schema_type(Type::String);
        let parameter = parameter.schema(Some(text)).description(Some(description)).example(Some(example.into()));
        RefOr::T(parameter.build())
    }));
}

fn add_header(response: &mut Response, name: &str, description: &str) {
    let text = ObjectBuilder::new().schema_type(Type::String);
    let header = HeaderBuilder::new().schema(Some(text)).description(Some(description)).build();
    response.headers.entry(name.to_owned()).or_insert_with(|| RefOr::T(header));
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
