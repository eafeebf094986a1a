//! Whether an answer came to its end. The SDK's XML reader takes the end of a text for the end of a list, so that an answer
//! cut in the middle would lose items without a word.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// Turns an XML answer without its last closing tag into an error.
#[derive(Clone, Copy, Debug)]
pub struct WholeAnswers;

impl Intercept for WholeAnswers {
    fn name(&self) -> &'static str {
        "WholeAnswers"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        match response.body().bytes() {
            Some(body) if response.status().is_success() && is_cut(body) => Err("the answer ends in the middle".into()),
            _ => Ok(()),
        }
    }
}

/// Whether a text is XML that doesn't end with the closing tag of its root.
fn is_cut(body: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(body) else { return body.first() == Some(&b'<') };
    let text = text.trim();
    if !text.starts_with('<') {
        return false;
    }
    let mut rest = text;
    loop {
        let end = match rest.get(..4) {
            Some(start) if start.starts_with("<?") => "?>",
            Some("<!--") => "-->",
            Some(start) if start.starts_with("<!") => ">",
            _ => break,
        };
        match rest.split_once(end) {
            Some((_, after)) => rest = after.trim_start(),
            None => return true,
        }
    }
    let Some(root) = rest.strip_prefix('<') else { return true };
    let name: &str = root.split(|c: char| c.is_whitespace() || matches!(c, '>' | '/')).next().unwrap_or_default();
    let closed =
        text.strip_suffix('>').map(str::trim_end).and_then(|t| t.strip_suffix(name)).is_some_and(|t| t.ends_with("</"));
    let empty = rest.ends_with("/>") && !rest[1..].contains('<');
    !(closed || empty)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_answer_ends_with_the_closing_tag_of_its_root() {
        let whole = "<?xml version=\"1.0\"?>\n<!-- a --><Answer xmlns=\"http://x/\"><set><item/></set></Answer>\n";
        assert!(!is_cut(whole.as_bytes()));
        for whole in ["<Answer></Answer>", "<Answer />", "<Answer xmlns='x'/>", "{\"a\": 1}", "", "<A></A >"] {
            assert!(!is_cut(whole.as_bytes()), "{whole}");
        }
        let end = whole.trim_end().len();
        for length in 1..end {
            assert!(is_cut(&whole.as_bytes()[..length]), "{}", &whole[..length]);
        }
    }

    proptest! {
        #[test]
        fn no_body_is_too_odd(body in any::<Vec<u8>>(), text in "<[ -~]{0,20}") {
            is_cut(&body);
            is_cut(text.as_bytes());
        }
    }
}
