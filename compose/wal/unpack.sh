# shellcheck shell=bash
# A part of extract.sh and verify.sh, so that what is verified is what a restore would have.

# usage: unpack BASE DIRECTORY - a base backup under /base, with its WAL and backup_manifest in their places
unpack() {
  mkdir -p "$2/pg_wal"
  zstd -dcq "/base/$1/base.tar.zst" | tar -xf - -C "$2"
  tar -xf "/base/$1/pg_wal.tar" -C "$2/pg_wal"
  cp "/base/$1/backup_manifest" "$2/"
}
