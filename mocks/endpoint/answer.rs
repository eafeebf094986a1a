//! Answers and refusals as the protocol of each service writes them.

use serde_json::{Value, json};

use super::xml::{self, Lists};

/// How a service talks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// AWS JSON: a target header, JSON both ways.
    Json,
    /// JSON over paths and methods.
    RestJson,
    /// XML over paths and methods.
    RestXml,
    /// A form in, XML with a result element out.
    Query,
    /// The query protocol as Amazon EC2 has it.
    Ec2,
}

impl Protocol {
    /// Of a service by the name that requests are signed for.
    pub(super) fn of(service: &str) -> Option<Self> {
        Some(match service {
            "ecs" | "ecr" | "events" | "route53resolver" | "servicequotas" => Self::Json,
            "elasticfilesystem" | "scheduler" | "route53profiles" => Self::RestJson,
            "route53" => Self::RestXml,
            "elasticloadbalancing" | "autoscaling" | "sts" => Self::Query,
            "ec2" => Self::Ec2,
            _ => return None,
        })
    }
}

/// What a service says instead of an answer.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: String,
    pub(super) message: String,
}

impl Refusal {
    /// The caller's mistake.
    pub(super) fn bad(code: &str, message: impl Into<String>) -> Self {
        Self { status: 400, code: code.to_owned(), message: message.into() }
    }

    pub(super) fn with_status(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), message: message.into() }
    }

    /// A parameter that the service doesn't take.
    pub(super) fn parameter(service: &str, message: impl Into<String>) -> Self {
        let code = match service {
            "ec2" => "InvalidParameterValue",
            "elasticloadbalancing" | "autoscaling" | "sts" | "events" | "scheduler" => "ValidationError",
            "elasticfilesystem" => "BadRequest",
            "route53" => "InvalidInput",
            _ => "InvalidParameterException",
        };
        Self::bad(code, message)
    }

    /// Too many requests.
    pub(super) fn throttle(service: &str) -> Self {
        match service {
            "ec2" => Self::with_status(503, "RequestLimitExceeded", "Request limit exceeded."),
            "elasticloadbalancing" | "autoscaling" | "sts" | "route53" => Self::bad("Throttling", "Rate exceeded"),
            "scheduler" | "route53profiles" => Self::with_status(429, "ThrottlingException", "Rate exceeded"),
            "elasticfilesystem" => Self::with_status(429, "ThrottlingException", "Rate exceeded"),
            "servicequotas" => Self::bad("TooManyRequestsException", "Rate exceeded"),
            _ => Self::bad("ThrottlingException", "Rate exceeded"),
        }
    }

    pub(super) fn access_denied(api: &str, caller: &str) -> Self {
        let service = api.split(':').next().unwrap_or_default();
        let message = format!("User: {caller} is not authorized to perform: {api}");
        match service {
            "ec2" => {
                Self::with_status(403, "UnauthorizedOperation", "You are not authorized to perform this operation.")
            }
            "elasticloadbalancing" | "autoscaling" | "sts" | "route53" => {
                Self::with_status(403, "AccessDenied", message)
            }
            "scheduler" | "route53profiles" | "elasticfilesystem" => {
                Self::with_status(403, "AccessDeniedException", message)
            }
            _ => Self::bad("AccessDeniedException", message),
        }
    }

    pub(super) fn expired_token(service: &str) -> Self {
        let message = "The security token included in the request is expired";
        match service {
            "ec2" => Self::bad("RequestExpired", "Request has expired."),
            "elasticloadbalancing" | "autoscaling" | "sts" | "route53" => {
                Self::with_status(403, "ExpiredToken", message)
            }
            "scheduler" | "route53profiles" | "elasticfilesystem" => {
                Self::with_status(403, "ExpiredTokenException", message)
            }
            _ => Self::bad("ExpiredTokenException", message),
        }
    }

    pub(super) fn internal(service: &str) -> Self {
        let code = match service {
            "ec2" => "InternalError",
            "elasticloadbalancing" | "autoscaling" | "sts" | "route53" => "InternalFailure",
            "elasticfilesystem" => "InternalServerError",
            "ecs" | "ecr" => "ServerException",
            "events" => "InternalException",
            _ => "InternalServerException",
        };
        Self::with_status(500, code, "An internal error has occurred")
    }

    pub(super) fn unavailable(service: &str) -> Self {
        let code = if service == "ec2" { "Unavailable" } else { "ServiceUnavailable" };
        Self::with_status(503, code, "The service is unavailable. Please try again shortly.")
    }
}

/// A response before it becomes HTTP.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    /// `x-amzn-errortype`.
    pub(super) error_type: Option<String>,
    pub(super) body: String,
}

impl Answer {
    /// The answer to an operation, or what the service says instead.
    pub(super) fn new(protocol: Protocol, operation: &str, result: Result<Value, Refusal>) -> Self {
        match result {
            Ok(value) => Self {
                status: 200,
                content_type: content_type(protocol),
                error_type: None,
                body: body(protocol, operation, value),
            },
            Err(refusal) => refused(protocol, refusal),
        }
    }

    /// A web page, as proxies and portals put in the way.
    pub(super) fn web_page() -> Self {
        let body = "<!doctype html><html><head><title>Sign in</title></head><body>Welcome</body></html>";
        Self { status: 200, content_type: "text/html; charset=utf-8", error_type: None, body: body.to_owned() }
    }
}

fn content_type(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Json => "application/x-amz-json-1.1",
        Protocol::RestJson => "application/json",
        Protocol::RestXml | Protocol::Query | Protocol::Ec2 => "text/xml",
    }
}

fn body(protocol: Protocol, operation: &str, value: Value) -> String {
    let root = format!("{operation}Response");
    let id = "00000000-0000-4000-8000-000000000000";
    match protocol {
        Protocol::Json | Protocol::RestJson => without_nulls(value).to_string(),
        Protocol::RestXml => xml::document(&root, Lists::Flat, &value),
        Protocol::Query => {
            let fields = [(format!("{operation}Result"), value), ("ResponseMetadata".into(), json!({"RequestId": id}))];
            xml::document(&root, Lists::Named("member"), &Value::Object(fields.into_iter().collect()))
        }
        Protocol::Ec2 => xml::document(&root, Lists::Named("item"), &value),
    }
}

fn refused(protocol: Protocol, refusal: Refusal) -> Answer {
    let Refusal { status, code, message } = refusal;
    let error = json!({"Code": code, "Message": message});
    let (body, error_type) = match protocol {
        Protocol::Json => (json!({"__type": code, "message": message}).to_string(), Some(code)),
        Protocol::RestJson => (json!({"message": message, "ErrorCode": code}).to_string(), Some(code)),
        Protocol::RestXml | Protocol::Query => {
            (xml::document("ErrorResponse", Lists::Flat, &json!({"Error": error, "RequestId": "0"})), None)
        }
        Protocol::Ec2 => {
            (xml::document("Response", Lists::Flat, &json!({"Errors": {"Error": error}, "RequestID": "0"})), None)
        }
    };
    Answer { status, content_type: content_type(protocol), error_type, body }
}

/// AWS leaves out what isn't set.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let set = fields.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(set.map(|(name, value)| (name, without_nulls(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}
