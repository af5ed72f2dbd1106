//! `octo-sts-page-bindgen BUILT.wasm FOLDER`: writes `FOLDER/engine.wasm`, its glue `FOLDER/engine.js`, and a Brotli
//! copy of the module, as browsers fetch it.

use std::{env, fs, io::Write as _, path::PathBuf};

use anyhow::{Context as _, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<()> {
    let arguments: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let [built, folder] = arguments.as_slice() else { bail!("say which module, and where to: octo-sts-page-bindgen BUILT.wasm FOLDER") };
    let mut output = Bindgen::new()
        .input_path(built)
        .out_name("engine")
        .web(true)?
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .omit_default_module_path(true)
        .generate_output()
        .with_context(|| format!("{} cannot be bound", built.display()))?;
    let module = output.wasm_mut().emit_wasm();
    fs::write(folder.join("engine.wasm.br"), compressed(&module)?)?;
    fs::write(folder.join("engine.wasm"), &module)?;
    fs::write(folder.join("engine.js"), output.js())?;
    Ok(())
}

/// At the highest quality: it is made once, and fetched often.
fn compressed(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut writer = brotli::CompressorWriter::new(Vec::new(), 4096, 11, 24);
    writer.write_all(bytes)?;
    Ok(writer.into_inner())
}
