//! stub
#![allow(missing_docs)]
pub struct Request<'a> {
    pub action: &'a str,
    pub resource: Option<&'a str>,
    pub principal: Principal<'a>,
    pub context: &'a [(&'a str, &'a str)],
}
pub enum Principal<'a> {
    Role(&'a str),
    OfAccount(&'a str),
    Unknown,
}
pub enum Decision {
    Allowed,
    Denied { by: Option<String> },
    Undecidable(String),
}
pub fn evaluate(_document: &str, _request: &Request<'_>) -> Decision {
    Decision::Allowed
}
