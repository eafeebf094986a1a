//! Snapshot files: JSON, compressed when the name ends in `.zst` or `.gz`, read whatever the name says.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;
use thiserror::Error;

use super::{SCHEMA_VERSION, Snapshot};

const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// More than any account of 100,000 tasks needs; stops a small file that unpacks without end.
const MAX_UNPACKED_BYTES: u64 = 4 << 30;

/// Why a snapshot file could not be read or written.
#[derive(Debug, Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum SnapshotError {
    #[error("reading snapshot {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("writing snapshot {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("reading snapshot {}: the compressed data is damaged or cut short: {source}", path.display())]
    Damaged { path: PathBuf, source: io::Error },
    #[error("reading snapshot {}: it unpacks to more than {} GiB", path.display(), MAX_UNPACKED_BYTES >> 30)]
    TooLarge { path: PathBuf },
    #[error("reading snapshot {}: not a snapshot, or cut short: {source}", path.display())]
    NotJson { path: PathBuf, source: serde_json::Error },
    #[error("reading snapshot {}: no schema_version in it, so it is not a snapshot of this program", path.display())]
    NotASnapshot { path: PathBuf },
    #[error("reading snapshot {}: it is a report; a snapshot is what --save-snapshot writes", path.display())]
    Report { path: PathBuf },
    #[error(
        "reading snapshot {}: it has schema version {found}, this program reads up to {SCHEMA_VERSION}; update the program",
        path.display()
    )]
    Newer { path: PathBuf, found: u64 },
}

#[derive(Deserialize)]
struct Header {
    schema_version: Option<u64>,
    /// Reports have them.
    findings: Option<IgnoredAny>,
}

/// Reads a snapshot file.
///
/// # Errors
/// When the file can't be read or unpacked, isn't a snapshot, or was written by a newer version.
pub fn read(path: &Path) -> Result<Snapshot, SnapshotError> {
    let raw = fs::read(path).map_err(|source| SnapshotError::Read { path: path.to_owned(), source })?;
    let json = unpack(path, raw)?;
    parse(path, &json)
}

/// Parses the JSON text of a snapshot; `path` is only for messages.
///
/// # Errors
/// When the text isn't a snapshot, or was written by a newer version.
pub fn parse(path: &Path, json: &[u8]) -> Result<Snapshot, SnapshotError> {
    let not_json = |source| SnapshotError::NotJson { path: path.to_owned(), source };
    let header: Header = serde_json::from_slice(json).map_err(not_json)?;
    match header.schema_version {
        _ if header.findings.is_some() => return Err(SnapshotError::Report { path: path.to_owned() }),
        None => return Err(SnapshotError::NotASnapshot { path: path.to_owned() }),
        Some(found) if found > u64::from(SCHEMA_VERSION) => {
            return Err(SnapshotError::Newer { path: path.to_owned(), found });
        }
        Some(_) => {}
    }
    serde_json::from_slice(json).map_err(not_json)
}

fn unpack(path: &Path, raw: Vec<u8>) -> Result<Vec<u8>, SnapshotError> {
    let damaged = |source| SnapshotError::Damaged { path: path.to_owned(), source };
    let mut unpacked = Vec::new();
    let read = if raw.starts_with(&ZSTD_MAGIC) {
        zstd::stream::read::Decoder::new(raw.as_slice())
            .and_then(|decoder| decoder.take(MAX_UNPACKED_BYTES + 1).read_to_end(&mut unpacked))
    } else if raw.starts_with(&GZIP_MAGIC) {
        flate2::read::GzDecoder::new(raw.as_slice()).take(MAX_UNPACKED_BYTES + 1).read_to_end(&mut unpacked)
    } else {
        return Ok(raw);
    };
    let length = read.map_err(damaged)? as u64;
    if length > MAX_UNPACKED_BYTES {
        return Err(SnapshotError::TooLarge { path: path.to_owned() });
    }
    Ok(unpacked)
}

/// Writes a snapshot file beside its final name and then renames it, so that no half file is ever seen.
///
/// # Errors
/// When the file can't be written.
pub fn write(path: &Path, snapshot: &Snapshot) -> Result<(), SnapshotError> {
    let failed = |source| SnapshotError::Write { path: path.to_owned(), source };
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        // A pipe or a device is written as it is.
        return write_to(path, path, snapshot).map_err(failed);
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let written = write_to(&temporary, path, snapshot).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // The first error is the one to tell; a leftover temporary file is harmless.
        let _ = fs::remove_file(&temporary);
    }
    written.map_err(failed)
}

fn write_to(temporary: &Path, named: &Path, snapshot: &Snapshot) -> io::Result<()> {
    let file = io::BufWriter::new(fs::File::create(temporary)?);
    let mut file = match named.extension().and_then(|extension| extension.to_str()) {
        Some("zst") => {
            let mut encoder = zstd::stream::write::Encoder::new(file, 6)?;
            serde_json::to_writer(&mut encoder, snapshot)?;
            encoder.finish()?
        }
        Some("gz") => {
            let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::default());
            serde_json::to_writer(&mut encoder, snapshot)?;
            encoder.finish()?
        }
        _ => {
            let mut file = file;
            serde_json::to_writer_pretty(&mut file, snapshot)?;
            file.write_all(b"\n")?;
            file
        }
    };
    file.flush()
}
