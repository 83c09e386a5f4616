//! Byte ranges and conditional requests: which part of a representation is asked for (RFC 9110 sections 13 and 14).

use axum::body::Body;
use axum::http::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_NONE_MATCH, IF_RANGE, RANGE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::http::codes::Code;
use crate::http::problem::Problem;

/// Some bytes of a representation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRange {
    /// The first byte, counted from 0.
    pub start: u64,
    /// The byte after the last one; always more than `start`.
    pub end: u64,
}

impl ByteRange {
    /// How many bytes.
    pub fn byte_len(self) -> u64 {
        self.end.saturating_sub(self.start)
    }
}

/// What a `Range` header asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RangeAsked {
    /// Everything: no header, one that is not understood, or several ranges.
    Whole,
    /// One part.
    Part(ByteRange),
    /// One part, of which there is nothing.
    Unsatisfiable,
}

/// Reads a `Range` header for a representation of `total_bytes` (RFC 9110 section 14.1.2).
pub fn parse_range(header: &str, total_bytes: u64) -> RangeAsked {
    let Some((unit, spec)) = header.split_once('=') else { return RangeAsked::Whole };
    let Some((first, last)) = spec.trim().split_once('-') else { return RangeAsked::Whole };
    if !unit.trim().eq_ignore_ascii_case("bytes") || spec.contains(',') {
        return RangeAsked::Whole;
    }
    let (start, end) = match (digits(first), digits(last)) {
        (Some(None), Some(Some(suffix))) => (total_bytes.saturating_sub(suffix), total_bytes),
        (Some(Some(start)), Some(None)) => (start, total_bytes),
        (Some(Some(start)), Some(Some(last))) if start <= last => (start, total_bytes.min(last.saturating_add(1))),
        _ => return RangeAsked::Whole,
    };
    if start < end { RangeAsked::Part(ByteRange { start, end }) } else { RangeAsked::Unsatisfiable }
}

/// `Some(None)` for nothing, `None` for what is no number. A number beyond 64 bits is beyond every representation.
fn digits(text: &str) -> Option<Option<u64>> {
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(if text.is_empty() { None } else { Some(text.parse().unwrap_or(u64::MAX)) })
}

/// What is served, apart from its bytes.
#[derive(Debug, Clone)]
pub struct Representation {
    /// How many bytes the whole has.
    pub total_bytes: u64,
    /// Its media type.
    pub content_type: HeaderValue,
    /// What a strong entity tag stands for, without quotes: letters, digits, `-`, `_`.
    pub etag: String,
    /// SHA-256 of the whole, where it is known.
    pub sha256: Option<[u8; 32]>,
}

/// What is to be answered to a request for a [`Representation`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// 304: the client has it.
    NotModified,
    /// 200 with everything.
    Whole,
    /// 206 with a part.
    Part(ByteRange),
    /// 416.
    Unsatisfiable,
}

impl Representation {
    fn quoted_etag(&self) -> String {
        format!("\"{}\"", self.etag)
    }

    /// Decides what to answer, in the order of RFC 9110 section 13.2.2.
    pub fn select(&self, method: &Method, headers: &HeaderMap) -> Selection {
        if self.client_has_it(headers) {
            return Selection::NotModified;
        }
        let mut ranges = headers.get_all(RANGE).iter();
        // Ranges are defined for GET alone (section 14.2); two headers are as good as none.
        let (Some(range), None, &Method::GET) = (ranges.next(), ranges.next(), method) else {
            return Selection::Whole;
        };
        if !self.range_still_fits(headers) {
            return Selection::Whole;
        }
        match range.to_str().map(|range| parse_range(range, self.total_bytes)) {
            Ok(RangeAsked::Part(part)) => Selection::Part(part),
            Ok(RangeAsked::Unsatisfiable) => Selection::Unsatisfiable,
            Ok(RangeAsked::Whole) | Err(_) => Selection::Whole,
        }
    }

    /// `If-None-Match`, compared weakly (section 13.1.2).
    fn client_has_it(&self, headers: &HeaderMap) -> bool {
        let own = self.quoted_etag();
        let lines = headers.get_all(IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
        lines
            .flat_map(|line| line.split(','))
            .map(str::trim)
            .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == own)
    }

    /// `If-Range`, compared strongly (section 13.1.5). A date never fits: there is no `Last-Modified` here.
    fn range_still_fits(&self, headers: &HeaderMap) -> bool {
        headers.get(IF_RANGE).is_none_or(|value| value.as_bytes() == self.quoted_etag().as_bytes())
    }

    /// The head for a selection, with `body` where it has one. `body` holds exactly the bytes selected.
    pub fn respond(&self, selection: Selection, body: Body) -> Response {
        let (status, byte_len) = match selection {
            Selection::Unsatisfiable => return self.unsatisfiable(),
            Selection::NotModified => (StatusCode::NOT_MODIFIED, None),
            Selection::Whole => (StatusCode::OK, Some(self.total_bytes)),
            Selection::Part(part) => (StatusCode::PARTIAL_CONTENT, Some(part.byte_len())),
        };
        let mut response = Response::new(if byte_len.is_some() { body } else { Body::empty() });
        *response.status_mut() = status;
        let headers = response.headers_mut();
        put(headers, ETAG, self.quoted_etag());
        if let Some(byte_len) = byte_len {
            headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
            headers.insert(CONTENT_TYPE, self.content_type.clone());
            headers.insert(CONTENT_LENGTH, HeaderValue::from(byte_len));
            if let Some(sha256) = &self.sha256 {
                // RFC 9530 section 3: of the whole representation, also in a 206.
                put(headers, HeaderName::from_static("repr-digest"), format!("sha-256=:{}:", STANDARD.encode(sha256)));
            }
        }
        if let Selection::Part(ByteRange { start, end }) = selection {
            let last = end.saturating_sub(1);
            put(headers, CONTENT_RANGE, format!("bytes {start}-{last}/{}", self.total_bytes));
        }
        response
    }

    fn unsatisfiable(&self) -> Response {
        let mut response = Problem::new(Code::RangeNotSatisfiable).into_response();
        response.headers_mut().insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        put(response.headers_mut(), CONTENT_RANGE, format!("bytes */{}", self.total_bytes));
        response
    }
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
#[path = "range_tests.rs"]
mod tests;
