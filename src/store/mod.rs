//! Git and the disk: the only floor that names git2.
