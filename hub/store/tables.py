"""Every table. Instants are whole microseconds since 1970 in UTC, on both databases (decision 0001).

What grows with every read (reads, payloads, images, hits) carries no foreign keys: one transaction writes all of a
page, one removes all of a read, and a test looks for strays instead of every insert (decision 0003).
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
    true,
)

_NAMES = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ix": "ix_%(table_name)s_%(column_0_name)s",
}
metadata = MetaData(naming_convention=_NAMES)
log_metadata = MetaData(naming_convention=_NAMES)
"""What lies in the audit log, which is a file of its own on SQLite (`audit_file`)."""
Big = BigInteger().with_variant(Integer, "sqlite")  # SQLite makes only INTEGER its row id


def _id() -> Column[int]:
    return Column("id", Big, primary_key=True, autoincrement=True)


counters = Table(
    "counters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

agency = Table(
    "agency",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("named_at", BigInteger, nullable=False),
    Column("named_by", Text, nullable=False),
)
"""Whose hub this is: one row, and none before somebody has said it."""

connections = Table(
    "connections",
    metadata,
    _id(),
    Column("name", Text, nullable=False, unique=True),
    Column("connector", Text, nullable=False),
    Column("kind", Text, nullable=False, server_default="own"),
    Column("agency", Text, nullable=False),
    Column("settings", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("state_reason", Text),
    Column("added_at", BigInteger, nullable=False),
    Column("checkpoint", Text),
    Column("checkpoint_at", BigInteger),
    Column("sealed_key", Text, nullable=False, server_default=""),
    Column("every_seconds", Integer),
    Column("removed_at", BigInteger),
    Column("paused_by_hub", Boolean, nullable=False, server_default=text("false")),
    Column("retention_vendor", Text),
    Column("contract", Text),
)
"""`contract` is what was agreed with the source (JSON) and is in force; `retention_vendor` the vendor whose retention
holds (None: nobody has said it yet); `sealed_key` names the key that `sealed` is under (empty: nobody noted it);
`every_seconds` None: the vendor's."""

removals = Table(
    "removals",
    metadata,
    _id(),
    Column("connection_id", ForeignKey("connections.id"), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("reads", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("steps", Text, nullable=False),
    Column("certificate", Text),
    Column("sha256", Text),
)
"""Removals of connections, under way or over: `reads` is `keep` or `purge`, `steps` what is done so far."""

runs = Table(
    "runs",
    metadata,
    _id(),
    Column("connection_id", ForeignKey("connections.id"), nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("pulled", BigInteger, nullable=False, server_default=text("0")),
    Column("stored", BigInteger, nullable=False, server_default=text("0")),
    Column("duplicates", BigInteger, nullable=False, server_default=text("0")),
    Column("quarantined", BigInteger, nullable=False, server_default=text("0")),
    Column("born_expired", BigInteger, nullable=False, server_default=text("0")),
    Column("hits", BigInteger, nullable=False, server_default=text("0")),
    Column("outcome", Text, nullable=False),
    Column("error", Text),
    Index("ix_runs_connection", "connection_id", "started_at"),
)

rounds = Table(
    "rounds",
    metadata,
    Column("connection_id", ForeignKey("connections.id"), primary_key=True, autoincrement=False),
    Column("since", BigInteger, primary_key=True, autoincrement=False),
    Column("until", BigInteger, primary_key=True, autoincrement=False),
    Column("goes_on", Boolean, nullable=False),
    Column("after_id", BigInteger, nullable=False, server_default=text("0")),
    Column("asked", BigInteger, nullable=False, server_default=text("0")),
    Column("refused", BigInteger, nullable=False, server_default=text("0")),
)
"""Rounds of standing look-ups that are not over: every entry of a hot list up to `after_id` was asked for in the time.
`goes_on` where the time begins at what the connection's checkpoint vouches for."""

cameras = Table(
    "cameras",
    metadata,
    _id(),
    Column("connection_id", ForeignKey("connections.id"), nullable=False),
    Column("vendor_id", Text, nullable=False),
    Column("name", Text),
    Column("latitude", Double),
    Column("longitude", Double),
    Column("site", Text),
    UniqueConstraint("connection_id", "vendor_id"),
)

plates = Table(
    "plates",
    metadata,
    _id(),
    Column("plate", Text, nullable=False, unique=True),
    Column("plate_key", Text, nullable=False, index=True),
)

reads = Table(
    "reads",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=False),
    Column("connection_id", Big, nullable=False),
    Column("vendor_read_id", Text, nullable=False),
    Column("plate_id", Big, nullable=False),
    Column("plate_raw", Text, nullable=False),
    Column("plate_state", Text),
    Column("plate_confidence", Double),
    Column("state_confidence", Double),
    Column("camera_id", Big, nullable=False),
    Column("captured_at", BigInteger, nullable=False),
    Column("zone", Text, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("ingested_at", BigInteger, nullable=False),
    Column("latitude", Double),
    Column("longitude", Double),
    Column("cell", BigInteger),
    Column("make", Text),
    Column("colour", Text),
    Column("body", Text),
    Column("obtained", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("rule", Text, nullable=False),
    Column("held", Boolean, nullable=False, server_default=text("false")),
    Column("plate_country", Text),
    Column("floor_at", BigInteger),
    Index("ix_reads_plate", "plate_id", "captured_at"),
    Index("ix_reads_captured", "captured_at", "id"),
    Index("ix_reads_camera", "camera_id", "captured_at"),
    Index("ix_reads_cell", "cell", "captured_at"),
    Index("ix_reads_make", "make", "captured_at", "colour", "body"),
    Index("ix_reads_expires_at", "expires_at", postgresql_using="brin"),
    Index("ix_reads_held", "id", sqlite_where=text("held"), postgresql_where=text("held")),
)
"""On PostgreSQL partitioned by month of `captured_at`, which the primary key must contain: hence the ledger.

There no index holds an end but `ix_reads_expires_at`, which notes only between which ends those of a few pages lie: so
a read that gets another end stays on its page, and no other index is written (decision 0023). On SQLite `ix_reads_make`
holds the end too, and a search by make needs no row.

`floor_at` is the instant before which nobody may delete it, as the policy said under which it was kept: 0 where that
said nothing, none where it was kept before floors were noted (`hub.governing.floors`).
`plate_country` is read by `hub.store.countries` alone: rows from before it have none of their own.
"""

ledger = Table(
    "ledger",
    metadata,
    Column("connection_id", Big, primary_key=True, autoincrement=False),
    Column("vendor_read_id", Text, primary_key=True),
    Column("read_id", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""Which of a vendor's reads are kept: what makes a page that comes twice be kept once."""

candidates = Table(
    "candidates",
    metadata,
    Column("read_id", Big, primary_key=True, autoincrement=False),
    Column("rank", SmallInteger, primary_key=True, autoincrement=False),
    Column("plate_id", Big, nullable=False),
    Column("confidence", Double),
    Column("captured_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index("ix_candidates_plate", "plate_id", "captured_at", "expires_at"),
    sqlite_with_rowid=False,
)
"""What else an engine took a plate for: `rank` 1 is its first choice, and the read's own plate is not repeated here."""

dictionaries = Table(
    "dictionaries",
    metadata,
    _id(),
    Column("connection_id", ForeignKey("connections.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("names", LargeBinary, nullable=False),
    UniqueConstraint("connection_id", "kind"),
)

payloads = Table(
    "payloads",
    metadata,
    Column("read_id", Big, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("part", SmallInteger, nullable=False),
    Column("dictionary_id", BigInteger, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("details", LargeBinary, nullable=False),
    Column("captured_at", BigInteger, nullable=False),
)
"""In months on PostgreSQL, as the reads are: what a read came from goes with its month."""

images = Table(
    "images",
    metadata,
    _id(),
    Column("read_id", Big, nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False, unique=True),
    Column("state", Text, nullable=False),
    Column("url", Text),
    Column("url_expires_at", BigInteger),
    Column("bytes", BigInteger),
    Column("sha256", LargeBinary),
    Index(
        "ix_images_wanted",
        "url_expires_at",
        "id",
        sqlite_where=text("state = 'wanted'"),
        postgresql_where=text("state = 'wanted'"),
    ),
    Index("ix_images_doomed", "id", sqlite_where=text("state = 'doomed'"), postgresql_where=text("state = 'doomed'")),
)
"""A picture is `wanted`, `stored`, or `gone` at the vendor; `doomed` is the file of a read that was purged already."""

picture_hosts = Table(
    "picture_hosts",
    metadata,
    Column("connection_id", ForeignKey("connections.id"), primary_key=True, autoincrement=False),
    Column("origin", Text, primary_key=True),
    Column("given_up", Integer, nullable=False),
    Column("again_at", BigInteger, nullable=False),
)
"""Where pictures of a connection lie (`https://host`, empty: the connection's own place) and nobody answers: how many
runs in a row gave up, and when the next may ask."""

quarantine = Table(
    "quarantine",
    metadata,
    _id(),
    Column("connection_id", ForeignKey("connections.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("part", SmallInteger, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("attachments", LargeBinary),
    Column("sha256", LargeBinary, nullable=False),
    Column("obtained", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    UniqueConstraint("connection_id", "sha256", "kind", "part"),
)

hotlists = Table(
    "hotlists",
    metadata,
    _id(),
    Column("name", Text, nullable=False, unique=True),
    Column("owner", Text, nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger),
)
"""`changed_at` is when an entry was last added, changed or removed; None for a list that is older than the column."""

entries = Table(
    "hotlist_entries",
    metadata,
    _id(),
    Column("hotlist_id", ForeignKey("hotlists.id"), nullable=False),
    Column("plate", Text, nullable=False),
    Column("plate_key", Text, nullable=False),
    Column("plate_state", Text),
    Column("reason", Text, nullable=False),
    Column("case_number", Text, nullable=False),
    Column("alert", Text, nullable=False),
    Column("note", Text),
    Column("expires_at", BigInteger),
    Column("added_at", BigInteger, nullable=False),
    Column("added_by", Text, nullable=False),
    Column("removed_at", BigInteger),
    Column("removed_by", Text),
    Column("removed_reason", Text),
    Column("import_id", BigInteger),
    Column("ended_by", BigInteger),
    Column("plate_country", Text),
    Column("withdrawn", Boolean, nullable=False, server_default=false()),
    Index("ix_hotlist_entries_key", "plate_key"),
    Index(
        "ix_hotlist_entries_withdrawn",
        "hotlist_id",
        sqlite_where=text("withdrawn"),
        postgresql_where=text("withdrawn"),
    ),
    Index(
        "uq_hotlist_entries_active",
        "hotlist_id",
        "plate",
        text("coalesce(plate_state, '')"),
        text("coalesce(import_id, 0)"),
        text("coalesce(plate_country, '')"),
        unique=True,
        sqlite_where=text("removed_at IS NULL"),
        postgresql_where=text("removed_at IS NULL"),
    ),
)

"""`import_id` is the import that brings an entry, `ended_by` one that ends it: `hub.store.entries` says which stand.

`plate_country` is there where no state tells it.
`withdrawn` says that a person took it off its list, and nobody has let its plate come back."""

hotlist_imports = Table(
    "hotlist_imports",
    metadata,
    _id(),
    Column("hotlist_id", ForeignKey("hotlists.id"), nullable=False),
    Column("makes", Boolean, nullable=False),
    Column("after_id", BigInteger, nullable=False),
    Column("activated_at", BigInteger),
    Column("withdrawn", Text, nullable=False, server_default="[]"),
    sqlite_autoincrement=True,
)
"""Imports that are not over; their ids are never given twice. `makes`: its list is new, and there from then on.

`withdrawn` is what was withdrawn since it began: plate, state, by whom and why (JSON)."""

publications = Table(
    "publications",
    metadata,
    Column("hotlist_id", ForeignKey("hotlists.id"), primary_key=True, autoincrement=False),
    Column("connection_id", ForeignKey("connections.id"), primary_key=True, autoincrement=False),
    Column("pushed_at", BigInteger),
    Column("verified_at", BigInteger),
    Column("proof", Text),
    Column("missing", Integer),
    Column("unexpected", Integer),
    Column("error", Text),
)

hits = Table(
    "hits",
    metadata,
    _id(),
    Column("read_id", Big, nullable=False),
    Column("entry_id", ForeignKey("hotlist_entries.id"), nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("state_match", Text, nullable=False),
    Column("found_at", BigInteger, nullable=False),
    Column("verdict", Text, nullable=False),
    UniqueConstraint("read_id", "entry_id"),
)

audit = Table(
    "audit_events",
    log_metadata,
    Column("id", Big, primary_key=True, autoincrement=False),
    Column("event_id", Text, nullable=False, unique=True),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    Index("ix_audit_at", "at"),
)
"""The log: `id` is an event's place from 1, `document` is what is proved, `leaf` its hash; the rest is for finding."""

audit_head = Table(
    "audit_head",
    log_metadata,
    Column("size", BigInteger, nullable=False),
    Column("roots", LargeBinary, nullable=False),
)
"""One row: how many events the log has, and the roots of its tree's full subtrees, the largest first."""

audit_checkpoints = Table(
    "audit_checkpoints",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("note", Text, nullable=False),
)
"""What was signed: the log at one of its sizes. It lies with the reads, so that another log in its place is noticed."""

audit_keys = Table(
    "audit_keys",
    metadata,
    _id(),
    Column("public", LargeBinary, nullable=False, unique=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("sealed_key", Text, nullable=False),
    Column("made_at", BigInteger, nullable=False),
)
"""The keys that sign the log, the newest last; the private one is sealed."""

audit_deliveries = Table(
    "audit_deliveries",
    metadata,
    _id(),
    Column("way", Text, nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("place", Text),
    Column("proof", Text),
    Column("error", Text),
)
"""Tries to bring the log's checkpoints and hashes to a witness; it arrived where there is a proof."""

audit_waiting = Table(
    "audit_waiting",
    metadata,
    _id(),
    Column("event_id", Text, nullable=False),
    Column("body", Text, nullable=False),
    sqlite_autoincrement=True,
)
"""Events of what is committed, until the log has them."""

policies = Table(
    "policies",
    metadata,
    _id(),
    Column("profile", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("decisions", Text, nullable=False),
    Column("activated_at", BigInteger, nullable=False),
    Column("activated_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("approval_id", BigInteger),
    Column("overlays", Text, nullable=False, server_default="{}"),
)
"""Every policy that was ever in force; the newest is. `overlays` are those of its own, by name, as they were then."""

approvals = Table(
    "approvals",
    metadata,
    _id(),
    Column("action", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("attachment", LargeBinary),
    Column("attachment_sha256", Text),
    Column("reason", Text, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("proposed_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("verdict", Text),
    Column("decided_by", Text),
    Column("decided_at", BigInteger),
    Column("note", Text),
    Column("carried_out_at", BigInteger),
    Column("outcome", Text),
    Column("grace", BigInteger, nullable=False, server_default=text("0")),
    Index("ix_approvals_target", "action", "target"),
)
"""What one person proposed and another decides; `content` is canonical JSON of what is done, `sha256` its digest.

What was approved waits for its `grace` (µs) before it is carried out.
"""

alarms = Table(
    "alarms",
    metadata,
    _id(),
    Column("at", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("refusal", Text, nullable=False),
)
"""What one person tried that takes two, and was refused; `health` tells of it for a time."""

tombstones = Table(
    "tombstones",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("until", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""What was destroyed before its time and does not come back, by digest, until it would be over anyway (µs)."""

holds = Table(
    "holds",
    metadata,
    _id(),
    Column("kind", Text, nullable=False),
    Column("case_number", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("placed_by", Text, nullable=False),
    Column("approved_by", Text),
    Column("placed_at", BigInteger, nullable=False),
    Column("review_at", BigInteger, nullable=False),
    Column("offence", Text),
    Column("committed_on", Text),
    Column("released_at", BigInteger),
    Column("released_by", Text),
    Column("released_because", Text),
    Column("approval_id", BigInteger),
    Column("asked", Text),
    Column("reached", Text),
    Column("whole", Boolean, nullable=False, server_default=true()),
    Column("booking", Text),
    Column("disposed", Text),
)
"""A hold without an `approval_id` was approved by name, before approvals; one with it waits until it has `approved_by`.

`asked` is what it was placed for (JSON), `reached` how far its placing is, until `whole`.
"""

held_reads = Table(
    "held_reads",
    metadata,
    Column("hold_id", Big, primary_key=True, autoincrement=False),
    Column("read_id", Big, primary_key=True, autoincrement=False, index=True),
    sqlite_with_rowid=False,
)
"""`reads.held` is true exactly while an unreleased hold has the read."""

links = Table(
    "links",
    metadata,
    Column("read_id", Big, primary_key=True, autoincrement=False),
    Column("case_number", Text, primary_key=True),
    Column("linked_by", Text, nullable=False),
    Column("linked_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""What a case or event needs: kept longer where the policy says so, but not held."""

orders = Table(
    "orders",
    metadata,
    _id(),
    Column("number", Text, nullable=False, unique=True),
    Column("court", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("carried_out_by", Text, nullable=False),
    Column("approved_by", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("file", LargeBinary, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("reads", BigInteger, nullable=False, server_default=text("0")),
    Column("approval_id", BigInteger),
    Column("proposed_by", Text),
)
"""Court orders to destroy, with the file as it was attached; a read that one ended has `order:NUMBER` for its rule.

One without an `approval_id` was approved by name, before approvals.
"""

certificates = Table(
    "certificates",
    metadata,
    _id(),
    Column("connection_id", Big, nullable=False),
    Column("connection", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("clause", Text, nullable=False),
    Column("policy_id", Big),
    Column("captured_first", BigInteger),
    Column("captured_last", BigInteger),
    Column("reads", BigInteger, nullable=False, server_default=text("0")),
    Column("payloads", BigInteger, nullable=False, server_default=text("0")),
    Column("pictures", BigInteger, nullable=False, server_default=text("0")),
    Column("hits", BigInteger, nullable=False, server_default=text("0")),
    Column("quarantined", BigInteger, nullable=False, server_default=text("0")),
    Column("rows_digest", Text, nullable=False, server_default=""),
    Column("opened_at", BigInteger, nullable=False),
    Column("closed_at", BigInteger),
    Column("previous", Text),
    Column("digest", Text),
    Column("custodian", Text),
    Column("countersigned_by", Text),
    Column("countersigned_at", BigInteger),
    Column("traces", Text),
    Column("rewritten_at", BigInteger),
    Column("destroyed_by", Text),
    Column("countersigned_note", Text),
    Column("owner", Text),
    Index(
        "uq_certificates_open",
        "connection_id",
        "rule",
        unique=True,
        sqlite_where=text("closed_at IS NULL"),
        postgresql_where=text("closed_at IS NULL"),
    ),
)
"""What was destroyed, by connection and rule, without a plate; each closed one carries the digest of the one before."""

contracts = Table(
    "contracts",
    metadata,
    _id(),
    Column("connection_id", ForeignKey("connections.id"), nullable=False, index=True),
    Column("document", Text),
    Column("sha256", Text),
    Column("reason", Text, nullable=False),
    Column("set_at", BigInteger, nullable=False),
    Column("set_by", Text, nullable=False),
    Column("approval_id", BigInteger),
)
"""Every contract that was ever in force, by its connection, as it was set; without a document one was ended."""

certificate_deliveries = Table(
    "certificate_deliveries",
    metadata,
    _id(),
    Column("way", Text, nullable=False),
    Column("custodian", Text, nullable=False),
    Column("first_id", Big, nullable=False),
    Column("last_id", Big, nullable=False),
    Column("certificates", Integer, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("document", LargeBinary),
    Column("made_at", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("tried_at", BigInteger),
    Column("delivered_at", BigInteger),
    Column("place", Text),
    Column("proof", Text),
    Column("error", Text),
    UniqueConstraint("way", "last_id"),
)
"""Letters with certificates to their custodian: one goes by one way until it is proved to have arrived, and `document`
is kept until then."""

vacuum_due = Table(
    "vacuum_due",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("since", BigInteger, nullable=False),
    Column("written_at", BigInteger),
    Column("certificate_id", BigInteger),
)
"""One row where destroyed rows may have left bytes in SQLite's file (`hub/store/vacuum.py`), else none."""

recomputes = Table(
    "recomputes",
    metadata,
    _id(),
    Column("policy_id", Big, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("started_by", Text, nullable=False),
    Column("after_id", BigInteger, nullable=False, server_default=text("0")),
    Column("last_id", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False, server_default=text("0")),
    Column("shortened", BigInteger, nullable=False, server_default=text("0")),
    Column("lengthened", BigInteger, nullable=False, server_default=text("0")),
    Column("ended_at", BigInteger),
    Column("kept_short", BigInteger, nullable=False, server_default=text("0")),
)
"""Reads that get the expiry of a new policy, in the order of their ids: those up to `after_id` have it."""

canaries = Table(
    "canaries",
    metadata,
    _id(),
    Column("connection_id", Big, nullable=False),
    Column("plate", Text, nullable=False),
    Column("plate_state", Text),
    Column("reason", Text, nullable=False),
    Column("added_at", BigInteger, nullable=False),
    Column("added_by", Text, nullable=False),
    Column("probed_at", BigInteger),
    Column("outcome", Text),
    Column("oldest_found_at", BigInteger),
)

days = Table(
    "days",
    metadata,
    Column("connection_id", Big, primary_key=True, autoincrement=False),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("pulled", BigInteger, nullable=False, server_default=text("0")),
    Column("stored", BigInteger, nullable=False, server_default=text("0")),
    Column("duplicates", BigInteger, nullable=False, server_default=text("0")),
    Column("quarantined", BigInteger, nullable=False, server_default=text("0")),
    Column("born_expired", BigInteger, nullable=False, server_default=text("0")),
    Column("purged", BigInteger, nullable=False, server_default=text("0")),
    sqlite_with_rowid=False,
)
"""What became of the records of each day of receipt (days since 1970 in UTC)."""

job_runs = Table(
    "job_runs",
    metadata,
    _id(),
    Column("job", Text, nullable=False),
    Column("subject", Text, nullable=False, server_default=""),
    Column("runner", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("alive_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("outcome", Text, nullable=False),
    Column("counts", Text, nullable=False, server_default="{}"),
    Column("error", Text),
    Index("ix_job_runs_last", "job", "subject", "started_at"),
    Index("ix_job_runs_started", "started_at"),
    Index(
        "ix_job_runs_open",
        "alive_at",
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
)
"""What ran by itself or by hand: `subject` is a connection, or a list and a connection; `runner` is what started it."""

notices = Table(
    "notices",
    metadata,
    _id(),
    Column("subject", Text, nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("connection", Text),
    Column("code", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
)
"""What people are told: `subject` is what it is about, `kind` is `begun`, `ended`, or `dropped` where the thing that it
was about is gone. The newest of a subject says whether that stands."""

deliveries = Table(
    "notice_deliveries",
    metadata,
    Column("notice_id", ForeignKey("notices.id"), primary_key=True, autoincrement=False),
    Column("way", Text, primary_key=True),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("next_at", BigInteger, nullable=False),
    Column("sent_at", BigInteger),
    Column("error", Text),
    Index(
        "ix_notice_deliveries_waiting",
        "way",
        "notice_id",
        sqlite_where=text("sent_at IS NULL"),
        postgresql_where=text("sent_at IS NULL"),
    ),
)
"""The outbox: each notice once for every way out, until it is sent."""

trusted_time = Table(
    "trusted_time",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("newest", BigInteger, nullable=False),
)
"""One row: the newest instant that the hub has ever trusted, against which the machine's clock is held."""

taken_files = Table(
    "taken_files",
    metadata,
    Column("connection_id", ForeignKey("connections.id"), primary_key=True, autoincrement=False),
    Column("name", LargeBinary, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("modified", BigInteger),
    Column("fault", Text),
)
"""Files of drops that were taken: the bytes of their names, and size and time (ns since 1970; null: not known) by which
a rewritten file is recognised. One with a `fault` was not taken for it, and lies there still."""
