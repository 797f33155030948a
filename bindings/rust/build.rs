// SPDX-License-Identifier: MIT
//! Where libhakmem-api is: in $HAKMEM_LIB_DIR, or where pkg-config says. HAKMEM_STATIC=1 takes the archive.
use std::env;
use std::process::Command;

fn pkg_config(option: &str) -> Vec<String> {
    let output = Command::new("pkg-config")
        .args(&[option, "hakmem-api"])
        .output()
        .expect("pkg-config, or HAKMEM_LIB_DIR, is needed to find libhakmem-api");

    assert!(
        output.status.success(),
        "hakmem-api was not found: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout)
        .split_whitespace()
        .map(String::from)
        .collect()
}

fn main() {
    let kind = match env::var("HAKMEM_STATIC") {
        Ok(value) if value == "1" => "static",
        _ => "dylib",
    };

    println!("cargo:rerun-if-env-changed=HAKMEM_LIB_DIR");
    println!("cargo:rerun-if-env-changed=HAKMEM_STATIC");
    match env::var("HAKMEM_LIB_DIR") {
        Ok(folder) => println!("cargo:rustc-link-search=native={}", folder),
        Err(_) => {
            for word in pkg_config("--libs-only-L") {
                println!("cargo:rustc-link-search=native={}", &word[2..]);
            }
        }
    }
    println!("cargo:rustc-link-lib={}=hakmem-api", kind);
}
