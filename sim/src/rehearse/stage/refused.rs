//! Faults that this machine or user can not make: each with its name and what to do instead.

use std::path::Path;

/// Why a fault can not be made here.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum NotHere {
    /// It needs rights.
    #[error("{what} can not be made by this user: that needs root; next step: {instead}")]
    Root {
        /// The fault.
        what: &'static str,
        /// What to do.
        instead: &'static str,
    },
    /// It needs a program.
    #[error(
        "{what} needs the program `{program}`, which is not here; next step: install the package {package}"
    )]
    Program {
        /// The fault.
        what: &'static str,
        /// The program.
        program: &'static str,
        /// The package of Debian that holds it.
        package: &'static str,
    },
    /// Its kernel does not let processes be traced.
    #[error(
        "{what} can not be made here: {why}; next step: run it as root, and set kernel.yama.ptrace_scope to 1 at most"
    )]
    Tracing {
        /// The fault.
        what: &'static str,
        /// What was said.
        why: String,
    },
}

/// Whether a program can be run.
///
/// # Errors
/// [`NotHere::Program`] where it can not be found.
pub(super) fn needs_program(
    program: &'static str,
    package: &'static str,
    what: &'static str,
) -> Result<(), NotHere> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/sbin", "/sbin"].map(|folder| Path::new(folder).to_owned());
    let found = std::env::split_paths(&path).chain(usual).any(|folder| folder.join(program).is_file());
    if found { Ok(()) } else { Err(NotHere::Program { what, program, package }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_its_package() {
        assert_eq!(needs_program("sh", "dash", "a test"), Ok(()));
        let missing = needs_program("no-such-program", "no-such-package", "a test").unwrap_err().to_string();
        assert!(missing.contains("no-such-program") && missing.contains("next step: install"), "{missing}");
    }
}
