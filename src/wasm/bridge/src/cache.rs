//! Compiled code on disk. It is machine code that the next start runs unverified, so an entry is
//! used only when this program wrote it: the directory belongs to this user alone, and each entry
//! carries an authentication code (HMAC-SHA256) under a key that lies in the directory, 0600. The
//! code covers the entry's name, so that one entry cannot stand in for another.
//!
//! An entry is named by the SHA-256 of the wasm and of everything that the engine's code depends
//! on (Wasmtime's version, settings, CPU features). It is written beside its place and renamed:
//! readers see nothing or the whole, and two writers write the same.

use crate::error::{Kind, Named};
use sha2::{Digest, Sha256};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::{Hash, Hasher};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

const KEY_SIZE: usize = 32;
const MAC_SIZE: usize = 32;

pub struct Cache {
    directory: PathBuf,
    key: [u8; KEY_SIZE],
    engine: [u8; 32],
}

impl Cache {
    /// Creates the directory where it is missing. One that others may write to, or that belongs
    /// to somebody else, is permission_denied.
    pub fn open(directory: &Path, engine: &wasmtime::Engine) -> Result<Cache, Named> {
        let failed = |what: &str, e: std::io::Error| {
            let kind = match e.kind() {
                ErrorKind::PermissionDenied => Kind::PermissionDenied,
                _ => Kind::Unavailable,
            };
            Named::new(kind, format!("code cache {}: {what}: {e}", directory.display()))
        };
        let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
        made.map_err(|e| failed("cannot be made", e))?;
        let facts = fs::symlink_metadata(directory).map_err(|e| failed("cannot be read", e))?;
        let ours = facts.uid() == unsafe { libc::geteuid() };
        if !facts.is_dir() || !ours || facts.mode() & 0o022 != 0 {
            let text = format!(
                "code cache {}: others may write to it; it must be a directory of this user with mode 0700",
                directory.display()
            );
            return Err(Named::new(Kind::PermissionDenied, text));
        }
        let key = read_or_make_key(&directory.join("key")).map_err(|e| failed("key", e))?;
        let mut hasher = Sha256Hasher(Sha256::new());
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Ok(Cache { directory: directory.into(), key, engine: hasher.0.finalize().into() })
    }

    /// The image of the wasm with this digest; None when there is none that is ours and whole.
    pub fn get(&self, digest: &[u8; 32]) -> Option<Vec<u8>> {
        let name = self.name(digest);
        let mut image = Vec::new();
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(libc::O_NOFOLLOW);
        options.open(self.directory.join(&name)).ok()?.read_to_end(&mut image).ok()?;
        let code = image.split_off(image.len().checked_sub(MAC_SIZE)?);
        let expected = self.authenticate(&name, &image);
        let differing = code.iter().zip(&expected).fold(0, |sum, (a, b)| sum | (a ^ b));
        (differing == 0).then_some(image)
    }

    /// Best effort: false when it could not be written.
    pub fn put(&self, digest: &[u8; 32], image: &[u8]) -> bool {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let name = self.name(digest);
        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        let temporary = self.directory.join(format!(".{name}.{}.{count}", std::process::id()));
        let write = || -> std::io::Result<()> {
            let mut file = create_private(&temporary)?;
            file.write_all(image)?;
            file.write_all(&self.authenticate(&name, image))?;
            fs::rename(&temporary, self.directory.join(&name))
        };
        let written = write().is_ok();
        if !written {
            let _ = fs::remove_file(&temporary);
        }
        written
    }

    fn name(&self, digest: &[u8; 32]) -> String {
        hex(&Sha256::new().chain_update(digest).chain_update(self.engine).finalize())
    }

    /// HMAC-SHA256 (RFC 2104) over the entry's name and image.
    fn authenticate(&self, name: &str, image: &[u8]) -> [u8; MAC_SIZE] {
        let mut inner = [0x36; 64];
        let mut outer = [0x5c; 64];
        for (i, byte) in self.key.iter().enumerate() {
            inner[i] ^= byte;
            outer[i] ^= byte;
        }
        let message = Sha256::new().chain_update(inner).chain_update(name).chain_update(image);
        Sha256::new().chain_update(outer).chain_update(message.finalize()).finalize().into()
    }
}

/// The first process to come makes the key; a link, unlike a rename, never replaces another's.
fn read_or_make_key(path: &Path) -> std::io::Result<[u8; KEY_SIZE]> {
    let mut key = [0; KEY_SIZE];
    if !path.exists() {
        File::open("/dev/urandom")?.read_exact(&mut key)?;
        let temporary = path.with_extension(hex(&key[..8]));
        create_private(&temporary)?.write_all(&key)?;
        let linked = fs::hard_link(&temporary, path);
        fs::remove_file(&temporary)?;
        if let Err(error) = linked {
            if error.kind() != ErrorKind::AlreadyExists {
                return Err(error);
            }
        }
    }
    let mut file = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW).open(path)?;
    let facts = file.metadata()?;
    if facts.mode() & 0o077 != 0 || facts.uid() != unsafe { libc::geteuid() } {
        return Err(std::io::Error::new(ErrorKind::PermissionDenied, "others may read it"));
    }
    file.read_exact(&mut key)?;
    Ok(key)
}

fn create_private(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Feeds what is hashed into SHA-256, because the standard hashers are not made to last on disk.
struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0 // only the digest is used
    }
}
