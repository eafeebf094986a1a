//! "This account → these findings", rule by rule.

mod eni_limit_pressure;
mod target_type_mismatch;
mod vpc_endpoint_missing;
