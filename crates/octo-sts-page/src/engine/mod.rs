//! One question of the page, answered: a policy's text and a token's text in, every clause and every finding out.
//!
//! | File | What |
//! |---|---|
//! | `question` | what the page sends |
//! | `pasted` | the text in the field for the token → claims |
//! | `judged` | policy and claims → what there is to show |

mod judged;
mod pasted;
mod question;

use serde_json::json;

use question::Question;

/// Answers a question in JSON with an answer in JSON. Any text is answered.
pub fn answer(question: &str) -> String {
    match serde_json::from_str::<Question<'_>>(question) {
        Ok(question) => judged::judge(&question),
        Err(error) => json!({ "fault": format!("the question cannot be read: {error}") }).to_string(),
    }
}

#[cfg(test)]
mod tests;
