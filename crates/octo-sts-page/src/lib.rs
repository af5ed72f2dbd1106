//! The page that people see who open the service in a browser.
//!
//! It says why a token is or is not admitted by a trust policy, clause by clause. What judges there is the very engine of
//! the service, compiled to WebAssembly, so that nothing pasted has to leave the browser: [`answer`] takes text and gives
//! text. Built for anything but a browser, this crate also holds the page's files as they are served: [`FILES`].
//!
//! `assets/engine.*` are generated: `crates/octo-sts-page/build.sh` makes them.

#[cfg(not(target_family = "wasm"))]
mod assets;
#[cfg(target_family = "wasm")]
pub mod browser;
mod engine;

#[cfg(not(target_family = "wasm"))]
pub use assets::{FILES, File, PAGE};
pub use engine::answer;
