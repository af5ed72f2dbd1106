//! What the page's script calls.

use wasm_bindgen::prelude::wasm_bindgen;

/// See [`crate::answer`].
#[wasm_bindgen]
pub fn answer(question: &str) -> String {
    crate::answer(question)
}
