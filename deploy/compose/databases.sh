#!/bin/sh
# Run once by the image of PostgreSQL, on an empty volume: a role and a database for the hub, and others for Prefect.
set -eu
psql --no-psqlrc --set=ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\getenv hub ALPRHUB_DB_PASSWORD
\getenv prefect PREFECT_DB_PASSWORD
CREATE ROLE alprhub LOGIN PASSWORD :'hub';
CREATE ROLE prefect LOGIN PASSWORD :'prefect';
CREATE DATABASE alprhub OWNER alprhub;
CREATE DATABASE prefect OWNER prefect;
REVOKE CONNECT ON DATABASE alprhub, prefect FROM PUBLIC;
SQL
