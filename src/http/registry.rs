//! The register of routes. Who may call a route is read from its handler's first argument, so the register, the
//! router and the documentation cannot disagree.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, on};

use crate::access::{Role, RoleSet};
use crate::http::around;
use crate::http::may::May;
use crate::http::permission::Permission;
use crate::http::state::AppState;

/// A handler whose first argument is [`May<P>`]. Only such handlers can be registered without the word `open`:
///
/// ```compile_fail
/// use axum::http::Method;
/// use earwitness::http::{AppState, Routes};
/// async fn anybody() {}
/// fn routes<S: AppState>() -> Routes<S> {
///     Routes::new().guarded(Method::GET, "/v1/secrets", anybody)
/// }
/// ```
///
/// ```
/// use axum::http::Method;
/// use earwitness::http::{AppState, May, Routes, permission::Decide};
/// async fn legal_only(_may: May<Decide>) {}
/// fn routes<S: AppState>() -> Routes<S> {
///     Routes::new().guarded(Method::GET, "/v1/secrets", legal_only)
/// }
/// ```
#[diagnostic::on_unimplemented(message = "the first argument of a guarded route's handler must be `May<P>`")]
pub trait Guarded<T, S>: Handler<T, S> {
    /// The name of the permission.
    const PERMISSION: &'static str;
    /// Who may call it.
    const ROLES: RoleSet;
}

macro_rules! guarded {
    ($($argument:ident)*) => {
        impl<H, S, M, P, $($argument,)*> Guarded<(M, May<P>, $($argument,)*), S> for H
        where
            P: Permission,
            H: Handler<(M, May<P>, $($argument,)*), S>,
        {
            const PERMISSION: &'static str = P::NAME;
            const ROLES: RoleSet = P::ROLES;
        }
    };
}

guarded!();
guarded!(A2);
guarded!(A2 A3);
guarded!(A2 A3 A4);
guarded!(A2 A3 A4 A5);
guarded!(A2 A3 A4 A5 A6);
guarded!(A2 A3 A4 A5 A6 A7);

/// Who reaches a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody, without a token.
    Open,
    /// These roles.
    Guarded {
        /// The permission's name.
        permission: &'static str,
        /// Who has it.
        roles: RoleSet,
    },
}

impl Access {
    /// Whether a caller of this role is let in.
    pub fn admits(self, role: Role) -> bool {
        match self {
            Self::Open => true,
            Self::Guarded { roles, .. } => roles.contains(role),
        }
    }
}

/// One route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Its method.
    pub method: Method,
    /// Its path, with `{name}` for what varies.
    pub path: &'static str,
    /// Who reaches it.
    pub access: Access,
    /// Whether it belongs into the OpenAPI document: pages for people do not.
    pub is_api: bool,
}

/// Routes, each with who may call it.
pub struct Routes<S> {
    table: Vec<Route>,
    router: Router<S>,
}

impl<S: AppState> Default for Routes<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: AppState> Routes<S> {
    /// No routes.
    pub fn new() -> Self {
        Self { table: Vec::new(), router: Router::new() }
    }

    /// Adds a route whose handler says, by its first argument, who may call it.
    #[must_use]
    pub fn guarded<H, T>(self, method: Method, path: &'static str, handler: H) -> Self
    where
        H: Guarded<T, S>,
        T: 'static,
    {
        let access = Access::Guarded { permission: H::PERMISSION, roles: H::ROLES };
        self.add(Route { method, path, access, is_api: true }, handler)
    }

    /// Adds a part of the API that everybody reaches without a token.
    #[must_use]
    pub fn open<H: Handler<T, S>, T: 'static>(self, method: Method, path: &'static str, handler: H) -> Self {
        self.add(Route { method, path, access: Access::Open, is_api: true }, handler)
    }

    /// Adds a page for people that everybody reaches without a token, outside the OpenAPI document.
    #[must_use]
    pub fn open_page<H: Handler<T, S>, T: 'static>(self, path: &'static str, handler: H) -> Self {
        self.add(Route { method: Method::GET, path, access: Access::Open, is_api: false }, handler)
    }

    fn add<H: Handler<T, S>, T: 'static>(mut self, route: Route, handler: H) -> Self {
        match MethodFilter::try_from(route.method.clone()) {
            Ok(filter) => self.router = self.router.route(route.path, on(filter, handler)),
            // Cannot be: the methods of this program are constants of HTTP. Left out is closed, the safe side.
            Err(error) => tracing::error!(%error, path = route.path, "a route has an unknown method and is left out"),
        }
        self.table.push(route);
        self
    }

    /// These routes and others.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.table.extend(others.table);
        self.router = self.router.merge(others.router);
        self
    }

    /// Every route, in the order of its registration.
    pub fn table(&self) -> &[Route] {
        &self.table
    }

    /// The router, with what goes around every call: request ids, problems, headers, the access log.
    pub fn into_router(self, state: S) -> Router {
        let limit = DefaultBodyLimit::max(state.settings().max_body_bytes);
        let router = self.router.layer(limit).method_not_allowed_fallback(around::method_not_allowed);
        around::wrap(router.fallback(around::not_found)).with_state(state)
    }
}

#[cfg(test)]
#[path = "registry_tests.rs"]
mod tests;
