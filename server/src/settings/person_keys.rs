//! The keys of person fingerprints among the settings: from a file or the environment, never from a flag, never shown.

use std::path::Path;
use std::sync::Arc;

use ingest::identity::{Identity, KEY_VARIABLES, PersonSecret};
use zeroize::Zeroizing;

use super::{Layers, Mistake};

/// The settings that name key files, in the order of [`KEY_VARIABLES`], which hold keys themselves.
const FILES: [&str; 2] = ["person-key", "person-key-previous"];

/// Reads both keys; what is wrong is put on the list of mistakes.
pub(super) fn read(
    layers: &mut Layers,
    environment: &impl Fn(&str) -> Option<String>,
) -> Option<Arc<Identity>> {
    let [current, previous] = [0, 1].map(|which| {
        let itself = environment(KEY_VARIABLES[which]).filter(|text| !text.is_empty()).map(Zeroizing::new);
        secret(which, &layers.values[FILES[which]].0, itself)
    });
    let found = match (current, previous) {
        (Ok(Some(current)), Ok(previous)) => identity(current, previous).map_err(|why| vec![why]),
        (Ok(None), Ok(_)) => Err(vec![missing()]),
        (current, previous) => Err(current.err().into_iter().chain(previous.err()).collect()),
    };
    found.map(Arc::new).map_err(|mut mistakes| layers.mistakes.append(&mut mistakes)).ok()
}

/// One key, if there is one.
fn secret(
    which: usize,
    file: &str,
    itself: Option<Zeroizing<String>>,
) -> Result<Option<PersonSecret>, Mistake> {
    let wrong = |why: String| Mistake::PersonKey { name: FILES[which], why };
    let variable = KEY_VARIABLES[which];
    match itself {
        None if file.is_empty() => Ok(None),
        // Whoever gave the key where its file belongs has shown it to all who may list processes.
        None if PersonSecret::parse(file).is_ok() => Err(wrong(format!(
            "this is a key and not the name of its file, and others may have seen it: make a new one with `jaego key \
             new FILE`. A key itself is taken from the environment alone, as {variable}"
        ))),
        None => PersonSecret::read_file(Path::new(file)).map(Some).map_err(|why| wrong(why.to_string())),
        Some(text) if file.is_empty() => {
            PersonSecret::parse(&text).map(Some).map_err(|why| wrong(format!("{variable}: {why}")))
        }
        Some(_) => Err(wrong(format!("a file is named and {variable} is set: leave one of them out"))),
    }
}

fn identity(current: PersonSecret, previous: Option<PersonSecret>) -> Result<Identity, Mistake> {
    let wrong = |why: &str| Err(Mistake::PersonKey { name: FILES[1], why: why.to_owned() });
    if let Some(previous) = &previous {
        if previous.fingerprint() == current.fingerprint() {
            return wrong("it is the same key as the one in use: leave it out, or give the one before");
        }
        if current.made().is_none() {
            return wrong(
                "a change of keys needs to know when the key in use was made: make that one with `jaego key new FILE`",
            );
        }
    }
    Ok(Identity::new(current, previous))
}

fn missing() -> Mistake {
    let why = format!(
        "there is no key for the fingerprints of persons: run `jaego key new FILE`, then start with --person-key FILE, \
         or with the text of that file in {} (docs/person-keys.md)",
        KEY_VARIABLES[0]
    );
    Mistake::PersonKey { name: FILES[0], why }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{KEY, read_all};
    use super::*;

    /// What is told about these flags and variables, in one text.
    fn told(flags: &[&str], environment: &[(&str, &str)]) -> String {
        let mistakes = read_all(flags, environment).unwrap_err();
        mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    fn key_file(dir: &Path, name: &str) -> (String, u64) {
        let (path, key) = (dir.join(name), PersonSecret::generate().unwrap());
        key.write_file(&path).unwrap();
        (path.to_str().unwrap().to_owned(), key.fingerprint())
    }

    #[test]
    fn without_a_key_the_command_that_makes_one_is_told() {
        for environment in [&[][..], &[(KEY_VARIABLES[0], "")], &[(KEY_VARIABLES[1], KEY)]] {
            let told = told(&[], environment);
            assert!(told.contains("`jaego key new FILE`") && told.contains("--person-key FILE"), "{told}");
        }
    }

    #[test]
    fn keys_are_read_from_files_and_from_the_environment() {
        let dir = tempfile::tempdir().unwrap();
        let ((new, new_key), (old, old_key)) = (key_file(dir.path(), "new"), key_file(dir.path(), "old"));
        let itself = PersonSecret::parse(KEY).unwrap().fingerprint();
        for (flags, environment, current, previous) in [
            (&["--person-key", &new][..], &[][..], new_key, None),
            (&[], &[("JAEGO_PERSON_KEY", &*new)], new_key, None),
            (&[], &[(KEY_VARIABLES[0], KEY)], itself, None),
            (&["--person-key", &new, "--person-key-previous", &old], &[], new_key, Some(old_key)),
            (&["--person-key", &new], &[(KEY_VARIABLES[1], KEY)], new_key, Some(itself)),
        ] {
            let keys = read_all(flags, environment).unwrap().identity.unwrap().keys();
            assert_eq!((keys.current, keys.previous), (current, previous), "{flags:?}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_key_is_told_and_the_key_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let (file, _) = key_file(dir.path(), "key");
        let variable = [(KEY_VARIABLES[0], KEY)];
        for (flags, environment, expected) in [
            (&["--person-key", KEY][..], &[][..], "not the name of its file"),
            (&["--person-key", "/nowhere/key"], &[], "/nowhere/key: No such file"),
            (&["--person-key", &file], &variable, "leave one of them out"),
            (&[], &[(KEY_VARIABLES[0], &KEY[1..])], "JAEGO_PERSON_KEY_HEX: not a key"),
            (&["--person-key", &file, "--person-key-previous", &file], &[], "the same key"),
            (&["--person-key-previous", &file], &variable, "when the key in use was made"),
        ] {
            let told = told(flags, environment);
            assert!(told.contains(expected) && !told.contains(&KEY[1..]), "{told}");
        }
    }

    #[test]
    fn the_settings_do_not_show_the_key() {
        let shown = format!("{:?}", read_all(&[], &[(KEY_VARIABLES[0], KEY)]).unwrap());
        assert!(shown.contains("Identity(") && !shown.contains(&KEY[..8]), "{shown}");
    }
}
