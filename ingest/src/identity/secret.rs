//! A secret key and the file it is kept in: made by chance, readable by its owner alone, never shown.

use std::fmt;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::unistd::Uid;
use rand::TryRngCore;
use schemas::Millis;
use zeroize::{Zeroize, Zeroizing};

/// Longest file that is read, in bytes; a key is about 100.
const LONGEST: u64 = 1024;
/// A key of chance has about 30 different bytes of 32; one with so few was typed.
const FEWEST_BYTES: usize = 12;

/// A key of person fingerprints and when it was made. Wiped when it is dropped; shown by its fingerprint alone.
pub struct PersonSecret {
    key: Zeroizing<[u8; 32]>,
    made: Option<Millis>,
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// It can not be read or written.
    #[error("{}: {why}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: io::Error,
    },
    /// A folder, device or pipe.
    #[error("{} is no regular file", path.display())]
    NotAFile {
        /// What it is not.
        path: PathBuf,
    },
    /// Others than its owner may read or write it.
    #[error("others may read {} (mode {mode:04o}): run `chmod 600 {}`, and make a new key if they may have", path.display(), path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It belongs to another user.
    #[error("{} belongs to user {owner}, not to {user}, who runs this: run `chown {user} {}`", path.display(), path.display())]
    OtherOwner {
        /// The file.
        path: PathBuf,
        /// Its owner's number.
        owner: u32,
        /// Our number.
        user: u32,
    },
    /// Not what `jaego key new` writes.
    #[error(
        "not a key: expected 64 hexadecimal digits and the time it was made, as `jaego key new FILE` writes them"
    )]
    Text,
    /// A key that is no product of chance.
    #[error("the key was not made by chance: make one with `jaego key new FILE`")]
    Weak,
    /// The system has no randomness.
    #[error("the system gives no random bytes")]
    NoChance,
}

impl PersonSecret {
    /// A new key, made now.
    ///
    /// # Errors
    /// [`SecretError::NoChance`].
    pub fn generate() -> Result<Self, SecretError> {
        let mut key = Zeroizing::new([0; 32]);
        rand::rngs::OsRng.try_fill_bytes(&mut *key).map_err(|_| SecretError::NoChance)?;
        Ok(Self { key, made: Some(crate::clock::now()) })
    }

    /// A key of these bytes, made then.
    #[must_use]
    pub fn from_bytes(key: [u8; 32], made: Option<Millis>) -> Self {
        Self { key: Zeroizing::new(key), made }
    }

    /// Reads a key as it is written: 64 hexadecimal digits, then, where it is known, when it was made (RFC 3339).
    ///
    /// # Errors
    /// [`SecretError::Text`] and [`SecretError::Weak`], neither of which shows the text.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let mut words = text.split_ascii_whitespace();
        let key = words.next().and_then(unhex).ok_or(SecretError::Text)?;
        let made = words.next().map(Millis::parse).transpose().map_err(|_| SecretError::Text)?;
        if words.next().is_some() {
            return Err(SecretError::Text);
        }
        if different(&key) < FEWEST_BYTES {
            return Err(SecretError::Weak);
        }
        Ok(Self { key, made })
    }

    /// Reads a key file, which must be a regular file of ours that nobody else may touch.
    ///
    /// # Errors
    /// [`SecretError`], with the command that puts it right.
    pub fn read_file(path: &Path) -> Result<Self, SecretError> {
        let io = |why| SecretError::Io { path: path.to_owned(), why };
        // Looked at before it is opened, since opening a pipe waits; and after, since it may be another by then.
        check(path, &path.metadata().map_err(io)?)?;
        let file = File::open(path).map_err(io)?;
        check(path, &file.metadata().map_err(io)?)?;
        let mut text = Zeroizing::new(String::with_capacity(LONGEST as usize));
        file.take(LONGEST).read_to_string(&mut text).map_err(io)?;
        Self::parse(&text)
    }

    /// Writes the key into a new file that its owner alone may read and write. A file that is there is left alone.
    ///
    /// # Errors
    /// [`SecretError::Io`], also where there is a file of that name.
    pub fn write_file(&self, path: &Path) -> Result<(), SecretError> {
        let io = |why| SecretError::Io { path: path.to_owned(), why };
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(io)?;
        file.write_all(self.text().as_bytes()).and_then(|()| file.sync_all()).map_err(io)
    }

    /// When it was made; `None` where that is not written.
    #[must_use]
    pub fn made(&self) -> Option<Millis> {
        self.made
    }

    /// Tells keys apart without showing them: the first 64 bits of a keyed hash of a constant.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        u64::from_le_bytes(super::first(&self.hash(b"fingerprint/1")))
    }

    /// Another secret, for this purpose alone: it tells nothing of the key, nor of those of other purposes.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        blake3::derive_key(purpose, &*self.key)
    }

    /// Keyed BLAKE3. The message may be a number: the one block that held it is overwritten, and seen to be, so that the
    /// writing is not left out. (Wiping the whole hasher, 2 KB of it never used here, took longer than the hashing.)
    pub(super) fn hash(&self, message: &[u8]) -> Zeroizing<[u8; blake3::OUT_LEN]> {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(message);
        let mut hash = hasher.finalize();
        let bytes = Zeroizing::new(*hash.as_bytes());
        hasher.reset();
        std::hint::black_box(&hasher);
        hash.zeroize();
        bytes
    }

    fn text(&self) -> Zeroizing<String> {
        let made = self.made.map(|made| made.rfc3339(0)).unwrap_or_default();
        let mut text = Zeroizing::new(String::with_capacity(128));
        for digit in self.key.iter().flat_map(|byte| [byte >> 4, byte & 15]) {
            text.push(char::from_digit(u32::from(digit), 16).expect("below sixteen"));
        }
        text.push(' ');
        text.push_str(&made);
        text.push('\n');
        text
    }
}

/// Shows the fingerprint.
impl fmt::Debug for PersonSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PersonSecret({:016x})", self.fingerprint())
    }
}

fn check(path: &Path, metadata: &Metadata) -> Result<(), SecretError> {
    let path = path.to_owned();
    let (mode, owner, user) = (metadata.mode() & 0o7777, metadata.uid(), Uid::effective().as_raw());
    if !metadata.is_file() {
        Err(SecretError::NotAFile { path })
    } else if owner != user {
        Err(SecretError::OtherOwner { path, owner, user })
    } else if mode & 0o077 != 0 {
        Err(SecretError::Open { path, mode })
    } else {
        Ok(())
    }
}

fn unhex(digits: &str) -> Option<Zeroizing<[u8; 32]>> {
    let digits: &[u8; 64] = digits.as_bytes().try_into().ok()?;
    let value = |digit: u8| char::from(digit).to_digit(16);
    let mut key = Zeroizing::new([0; 32]);
    for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::try_from(value(pair[0])? << 4 | value(pair[1])?).expect("two hexadecimal digits");
    }
    Some(key)
}

fn different(key: &[u8; 32]) -> usize {
    let mut seen = Zeroizing::new(*key);
    seen.sort_unstable();
    seen.chunk_by(|a, b| a == b).count()
}
