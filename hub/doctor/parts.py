"""The parts of a schema that a revision number does not show: indexes and triggers that somebody dropped or changed.

They are written down here, as the migrations of this version leave them; a test holds that to what the migrations do.
"""

from hashlib import sha256
from typing import Final

from sqlalchemy import Connection, text

_SQLITE: Final = text("SELECT name, sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL")
_POSTGRESQL: Final = text("""
SELECT c.relname AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE c.relnamespace = current_schema()::regnamespace AND NOT c.relispartition
UNION SELECT t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = current_schema()::regnamespace
  AND NOT t.tgisinternal AND t.tgenabled <> 'D' AND t.tgparentid = 0
""")


def parts(connection: Connection) -> dict[str, str]:
    """Indexes and triggers of a database by name: on SQLite a digest of each one's SQL, on PostgreSQL nothing more.

    Months come and go, and their indexes with them: those of the whole table stand for them.
    """
    if connection.dialect.name == "postgresql":
        return dict.fromkeys(connection.scalars(_POSTGRESQL), "")
    return {row.name: sha256(" ".join(row.sql.split()).encode()).hexdigest()[:8] for row in connection.execute(_SQLITE)}


def damaged(connection: Connection) -> list[str]:
    """Those that are missing or are not what this version made; what else somebody has put there is no damage."""
    there = parts(connection)
    wanted = POSTGRESQL if connection.dialect.name == "postgresql" else SQLITE
    return [name for name, digest in wanted.items() if there.get(name) != digest]


SQLITE: Final = {
    "audit_no_change": "418bf99f",
    "ix_approvals_target": "731c24c4",
    "ix_candidates_plate": "7fb57810",
    "ix_contracts_connection_id": "7ffb6ba2",
    "ix_held_reads_read_id": "a8537b19",
    "ix_hits_entry_id": "f5216792",
    "ix_hotlist_entries_key": "6600e22f",
    "ix_hotlist_entries_withdrawn": "97152a29",
    "ix_images_doomed": "22710063",
    "ix_images_read_id": "2c7e6bb0",
    "ix_images_wanted": "335b5386",
    "ix_job_runs_last": "73855e09",
    "ix_job_runs_open": "23bf8e2a",
    "ix_job_runs_started": "ab6bd68a",
    "ix_notice_deliveries_waiting": "491a4b25",
    "ix_notices_subject": "a1c88785",
    "ix_plates_plate_key": "4c9295ff",
    "ix_quarantine_expires_at": "2a9d11a5",
    "ix_reads_camera": "85434cea",
    "ix_reads_captured": "b56e7e65",
    "ix_reads_cell": "f188cdf4",
    "ix_reads_expires_at": "55cc135c",
    "ix_reads_held": "f6a0b0e1",
    "ix_reads_make": "f4441d48",
    "ix_reads_plate": "a28b30cf",
    "ix_runs_connection": "76b9881b",
    "uq_certificates_open": "4704f484",
    "uq_hotlist_entries_active": "48e30744",
}
_NAMES: Final = """
alembic_version_pkc audit_append_only audit_no_change ix_approvals_target ix_audit_at ix_candidates_plate
ix_contracts_connection_id ix_held_reads_read_id ix_hits_entry_id ix_hotlist_entries_key
ix_hotlist_entries_withdrawn ix_images_doomed ix_images_read_id ix_images_wanted ix_job_runs_last ix_job_runs_open
ix_job_runs_started ix_notice_deliveries_waiting ix_notices_subject ix_plates_inside ix_plates_pairs
ix_plates_plate_key ix_plates_prefix ix_quarantine_expires_at ix_reads_camera ix_reads_captured ix_reads_cell
ix_reads_expires_at ix_reads_held ix_reads_make ix_reads_plate ix_runs_connection pk_agency pk_alarms pk_approvals
pk_audit_checkpoints pk_audit_deliveries pk_audit_events pk_audit_keys pk_audit_waiting pk_cameras pk_canaries
pk_candidates pk_certificate_deliveries pk_certificates pk_connections pk_contracts pk_counters pk_days
pk_dictionaries pk_held_reads pk_hits pk_holds pk_hotlist_entries pk_hotlist_imports pk_hotlists pk_images
pk_job_runs pk_ledger pk_links pk_notice_deliveries pk_notices pk_orders pk_payloads pk_picture_hosts pk_plates
pk_policies pk_publications pk_quarantine pk_reads pk_recomputes pk_removals pk_rounds pk_runs pk_taken_files
pk_tombstones pk_trusted_time pk_vacuum_due uq_audit_events_event_id uq_audit_keys_public uq_cameras_connection_id
uq_certificate_deliveries_way uq_certificates_open uq_connections_name uq_dictionaries_connection_id uq_hits_read_id
uq_hotlist_entries_active uq_hotlists_name uq_images_key uq_orders_number uq_plates_plate
uq_quarantine_connection_id uq_removals_connection_id
"""
POSTGRESQL: Final = dict.fromkeys(_NAMES.split(), "")
