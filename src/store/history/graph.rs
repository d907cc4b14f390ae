//! The commit-graph that git keeps beside its packs, with the dates that
//! order it.
//!
//! The format is gitformat-commit-graph(5). `gix-commitgraph` reads all of it
//! but the corrected commit dates (chunks `GDA2` and `GDO2`), which are read
//! here: a walk that goes by them meets every child before its parents and
//! ends early, where topological levels would lead it down old side branches.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use gix_commitgraph::file::Commit;
use gix_commitgraph::{File as Layer, Graph as Layers, Position};
use gix_hash::{Kind, ObjectId, oid};

use crate::domain::name::Oid;
use crate::store::error::{Error, Result};

/// Set in an offset of `GDA2` that is a place in `GDO2` instead.
const OVERFLOW: u32 = 1 << 31;

/// A commit-graph, one file or a chain of them.
pub(super) struct Graph {
    layers: Layers,
    /// What corrects the commit dates, if every layer has it.
    corrections: Option<Vec<Corrections>>,
    len: u32,
}

/// What corrects the commit dates of one layer, as its file has it.
struct Corrections {
    /// The position of the first commit after it.
    end: u32,
    /// How many seconds to add, for each commit; four bytes.
    near: Vec<u8>,
    /// The same where four bytes are not enough; eight.
    far: Vec<u8>,
}

impl std::fmt::Debug for Graph {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Graph").field("commits", &self.len).finish()
    }
}

impl Graph {
    /// Opens the graph of an object directory. None where there is none, or
    /// none that can be relied on: nothing but speed is lost without it.
    pub(super) fn open(objects: &Path) -> Option<Graph> {
        let info = objects.join("info");
        let paths = match info.join("commit-graph") {
            one if one.is_file() => vec![one],
            _ => chain(&info.join("commit-graphs"))?,
        };
        let layers: Vec<Layer> = paths.iter().map(Layer::at).collect::<std::result::Result<_, _>>().ok()?;
        if layers.iter().any(|layer| layer.object_hash() != Kind::Sha1) {
            return None;
        }
        let mut end = 0;
        let corrections = layers.iter().zip(&paths).map(|(layer, path)| {
            let start = end;
            end += layer.num_commits();
            Corrections::read(path, start, end).ok().flatten()
        });
        let corrections: Option<Vec<Corrections>> = corrections.collect();
        // A graph of git before 2.19 has no levels either.
        let leveled = layers[0].num_commits() > 0
            && layers[0].commit_at(gix_commitgraph::file::Position(0)).generation() > 0;
        let layers = Layers::new(layers).ok()?;
        let len = layers.num_commits();
        (corrections.is_some() || leveled).then_some(Graph { layers, corrections, len })
    }

    /// How many commits it has; positions are smaller.
    pub(super) fn len(&self) -> u32 {
        self.len
    }

    /// Whether its generations are dates, so that what is newer comes first.
    pub(super) fn is_dated(&self) -> bool {
        self.corrections.is_some()
    }

    /// Where a commit is.
    pub(super) fn find(&self, commit: Oid) -> Option<u32> {
        self.layers.lookup(ObjectId::from_bytes_or_panic(commit.as_bytes())).map(|position| position.0)
    }

    /// Which commit is there.
    pub(super) fn id(&self, position: u32) -> Oid {
        let id: &oid = self.layers.id_at(Position(position));
        Oid::from_slice(id.as_bytes()).expect("graphs of longer ids are not opened")
    }

    /// A number that is larger than that of every parent: the corrected
    /// commit date, else the topological level.
    pub(super) fn generation(&self, position: u32) -> u64 {
        self.generation_of(position, &self.layers.commit_at(Position(position)))
    }

    fn generation_of(&self, position: u32, commit: &Commit<'_>) -> u64 {
        match &self.corrections {
            Some(layers) => commit.committer_timestamp().saturating_add(correction(layers, position)),
            None => u64::from(commit.generation()),
        }
    }

    /// Appends the positions of a commit's parents, first parent first, if its
    /// generation is above `floor`; whether it is.
    pub(super) fn parents_above(&self, position: u32, floor: u64, into: &mut Vec<u32>) -> Result<bool> {
        let commit = self.layers.commit_at(Position(position));
        if floor > 0 && self.generation_of(position, &commit) <= floor {
            return Ok(false);
        }
        for parent in commit.iter_parents() {
            into.push(parent.map_err(|error| Error::DamagedGraph(error.to_string()))?.0);
        }
        Ok(true)
    }
}

/// How many seconds the date of the commit at a position is corrected by.
fn correction(layers: &[Corrections], position: u32) -> u64 {
    let mut start = 0;
    for layer in layers {
        if position < layer.end {
            let near = layer.near.as_chunks::<4>().0[(position - start) as usize];
            let near = u32::from_be_bytes(near);
            if near & OVERFLOW == 0 {
                return u64::from(near);
            }
            // Checked when it was opened.
            let far = layer.far.as_chunks::<8>().0[(near & !OVERFLOW) as usize];
            return u64::from_be_bytes(far);
        }
        start = layer.end;
    }
    0
}

/// The files of a split graph, base first.
fn chain(folder: &Path) -> Option<Vec<PathBuf>> {
    let list = fs::read_to_string(folder.join("commit-graph-chain")).ok()?;
    let paths: Vec<PathBuf> =
        list.lines().map(|hash| folder.join(format!("graph-{}.graph", hash.trim()))).collect();
    (!paths.is_empty()).then_some(paths)
}

impl Corrections {
    /// Reads what a layer's file has for the commits from `start` to `end`.
    /// None where it has nothing, or nothing that fits.
    fn read(path: &Path, start: u32, end: u32) -> io::Result<Option<Corrections>> {
        let file = File::open(path)?;
        let mut header = [0; 8];
        file.read_exact_at(&mut header, 0)?;
        let mut contents = vec![0; (usize::from(header[6]) + 1) * 12];
        file.read_exact_at(&mut contents, 8)?;
        let entries: Vec<(&[u8], u64)> = contents
            .chunks_exact(12)
            .map(|entry| {
                (&entry[..4], entry[4..].iter().fold(0, |number, byte| (number << 8) | u64::from(*byte)))
            })
            .collect();
        let chunk = |id: &[u8; 4]| -> io::Result<Option<Vec<u8>>> {
            let Some(pair) = entries.windows(2).find(|pair| pair[0].0 == id) else { return Ok(None) };
            let (start, end) = (pair[0].1, pair[1].1);
            if end < start || end > file.metadata()?.len() {
                return Err(io::ErrorKind::InvalidData.into());
            }
            let mut bytes = vec![0; usize::try_from(end - start).map_err(|_| io::ErrorKind::InvalidData)?];
            file.read_exact_at(&mut bytes, start)?;
            Ok(Some(bytes))
        };
        let Some(near) = chunk(b"GDA2")? else { return Ok(None) };
        let far = chunk(b"GDO2")?.unwrap_or_default();
        let offsets = || near.as_chunks::<4>().0.iter().map(|offset| u32::from_be_bytes(*offset));
        let in_far = |offset| offset & OVERFLOW == 0 || ((offset & !OVERFLOW) as usize) < far.len() / 8;
        // Hardly any graph has one that overflows, and without a branch all are seen at once.
        let fits = near.len() == (end - start) as usize * 4
            && (offsets().fold(0, |all, offset| all | offset) & OVERFLOW == 0 || offsets().all(in_far));
        Ok(fits.then_some(Corrections { end, near, far }))
    }
}
