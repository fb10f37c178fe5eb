#!/bin/sh
# Runs once, when the data directory is created. The service connects as `atlas`, owner of its
# database and of nothing else; the superuser `postgres` is for operators and backups.
set -e # no -u: where this file is not executable the image's entry point sources it
psql --no-psqlrc -v ON_ERROR_STOP=1 --username postgres --dbname postgres <<'SQL'
\getenv password APP_PASSWORD
CREATE ROLE atlas LOGIN PASSWORD :'password' NOSUPERUSER NOCREATEDB NOCREATEROLE;
CREATE DATABASE atlas OWNER atlas;
REVOKE ALL ON DATABASE atlas FROM PUBLIC;
SQL
