"""`Act` and `Outcome`: every word that an audit event may have for what was done, and for what came of it.

What is on record is kept for years: a word is added, and never renamed. `docs/audit-actions.md` is made from this.
"""

from enum import StrEnum


class Act(StrEnum):
    """What was done, as noun.verb; `about` says who does it, and when."""

    about: str

    def __new__(cls, value: str, about: str = "") -> "Act":
        """The word itself, with what it is about."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.about = about
        return member

    AGENCY_NAME = "agency.name", "The first start, or `alprhub init`, says whose hub this is."
    AGENCY_RENAME = "agency.rename", "An administrator corrects the agency's name."
    APPROVALS_APPROVE = "approvals.approve", "A second person approves what somebody proposed."
    APPROVALS_CARRY_OUT = "approvals.carry_out", "What was approved is done, or cannot be any more."
    APPROVALS_LAPSE = "approvals.lapse", "The hub ends a proposal that nobody approved in time."
    APPROVALS_PROPOSE = "approvals.propose", "Somebody proposes what takes two people."
    APPROVALS_REFUSE = "approvals.refuse", "A second person refuses it."
    APPROVALS_WITHDRAW = "approvals.withdraw", "Who proposed it takes it back, or it is replaced."
    AUDIT_CHECKPOINT = "audit.checkpoint", "Somebody has the audit log signed as it is now."
    AUDIT_DELIVER = "audit.deliver", "Somebody brings what proves the audit log to its witness at once."
    AUDIT_EXPORT = "audit.export", "Somebody takes events of the audit log out in a file; before it, and after it."
    AUDIT_KEY = "audit.key", "An administrator begins another key that signs the audit log."
    AUDIT_LIST = "audit.list", "Somebody reads the audit log."
    AUDIT_VERIFY = "audit.verify", "Somebody, or the hub by itself, holds the audit log against its hashes."
    CAMERAS_SITE = "cameras.site", "An administrator says at which site a camera stands."
    CANARIES_ADD = "canaries.add", "An administrator names a plate of the agency's own, to ask a vendor for."
    CANARIES_LIST = "canaries.list", "Somebody looks at the canaries, whose plates are data."
    CANARIES_PROBE = (
        "canaries.probe",
        "The hub asks a vendor for a canary that it must have deleted; once, and of what came.",
    )
    CANARIES_REMOVE = "canaries.remove", "An administrator takes a canary away."
    CERTIFICATES_COUNTERSIGN = "certificates.countersign", "The custodian of records confirms what was destroyed."
    CERTIFICATES_DELIVER = (
        "certificates.deliver",
        "The hub, or somebody, brings certificates to their custodian; before they leave, and of what came.",
    )
    CERTIFICATES_EXPORT = "certificates.export", "Somebody hands certificates over to the custodian of records."
    CLOCK_TRUST = "clock.trust", "The machine's clock, which was in doubt, is trusted: by two people, or by a restore."
    CONNECTIONS_ACTIVE = "connections.active", "An administrator lets a paused connection run again."
    CONNECTIONS_ADD = "connections.add", "An administrator adds an account at a vendor."
    CONNECTIONS_CHANGE = "connections.change", "An administrator changes a connection's settings or origin."
    CONNECTIONS_CONTRACT = (
        "connections.contract",
        "What was agreed with a source is in force: with the connection, or as two people have decided later.",
    )
    CONNECTIONS_DIAGNOSTICS = "connections.diagnostics", "Somebody takes a bundle that helps to find a fault."
    CONNECTIONS_DRY_RUN = "connections.dry_run", "Somebody looks at what a run would bring; before it, and after it."
    CONNECTIONS_PAUSED = (
        "connections.paused",
        "An administrator pauses a connection, or the hub does since its vendor refuses it.",
    )
    CONNECTIONS_REMOVE = "connections.remove", "An administrator ends a connection; an event for each step."
    CONNECTIONS_RESEAL = "connections.reseal", "An administrator has every secret sealed anew."
    CONNECTIONS_ROTATE = "connections.rotate", "An administrator enters new secrets of a connection."
    CONNECTIONS_SCHEDULE = "connections.schedule", "An administrator says how often a connection is pulled."
    GAPS_LIST = "gaps.list", "Somebody looks at what may be missing."
    HOLDS_APPROVE = "holds.approve", "A second person lets a hold stand."
    HOLDS_BOOK = "holds.book", "Somebody notes the number under which held reads are booked as evidence."
    HOLDS_CLASSIFY = "holds.classify", "Somebody says of which class a case is."
    HOLDS_DISPOSE = "holds.dispose", "Somebody says what became of media that reads were copied to."
    HOLDS_EXPIRE = "holds.expire", "The hub lets a case's hold go, since its time is over."
    HOLDS_PLACE = "holds.place", "Somebody has reads kept for a case; a step for each thousand."
    HOLDS_RELEASE = "holds.release", "Somebody, or the hub at its time, ends a hold."
    HOLDS_REVIEW = "holds.review", "Somebody looks at a hold again, and says whether it goes on."
    HOLDS_SHOW = "holds.show", "Who placed or approved a hold, or an auditor, looks at its reads."
    HOTLISTS_IMPORT = "hotlists.import", "Somebody loads a hot list."
    HOTLISTS_PUBLISH = "hotlists.publish", "Somebody, or the hub by itself, sends a hot list to a source."
    HOTLISTS_READMIT = "hotlists.readmit", "Somebody lets a plate that was withdrawn come back on a hot list."
    HOTLISTS_RETRACT = "hotlists.retract", "A connection is removed, and a hot list is taken away at its vendor."
    HOTLISTS_VERIFY = "hotlists.verify", "Somebody, or the hub by itself, reads a hot list back from a source."
    HOTLISTS_WITHDRAW = "hotlists.withdraw", "Somebody takes an entry off a hot list."
    HUB_BACKUP = "hub.backup", "An administrator makes a copy of the hub."
    HUB_MIGRATE = "hub.migrate", "An administrator brings the database to this version."
    HUB_RESTORED = "hub.restored", "An administrator has put a copy of the hub in place; what was over by then is gone."
    LINKS_ADD = "links.add", "Somebody says that a case or an event needs reads."
    LINKS_REMOVE = "links.remove", "Somebody says that it needs them no more."
    NOTICES_TELL = "notices.tell", "The hub tells people of what needs them, or that it is over."
    NOTICES_TEST = "notices.test", "Somebody tries every way out for notices."
    ORDERS_DESTROY = (
        "orders.destroy",
        "Somebody carries out a court's order to destroy; before it, and for each thousand reads.",
    )
    POLICY_ACTIVATE = "policy.activate", "An administrator, or the first start, puts a policy in force."
    QUARANTINE_LIST = "quarantine.list", "Somebody looks at what could not be read."
    QUARANTINE_REPLAY = "quarantine.replay", "Somebody has it read again after a fix."
    QUARANTINE_SHOW = "quarantine.show", "Somebody looks at one record that could not be read."
    READS_CO_TRAVEL = "reads.co_travel", "Somebody asks which cars move together."
    READS_EXPORT = (
        "reads.export",
        "Somebody takes reads out in a file; before the first row, and before the file has its name.",
    )
    READS_LOOKUP = (
        "reads.lookup",
        "Somebody, or a watched entry, has sources asked for one plate; an event for each source too.",
    )
    READS_PATTERN = "reads.pattern", "Somebody asks where and when a car is seen."
    READS_PICTURE = "reads.picture", "Somebody looks at a picture."
    READS_RECEIVE = (
        "reads.receive",
        "The receiver drops what was pushed for a connection that is gone, or is too large.",
    )
    READS_REPARSE = "reads.reparse", "An administrator has what is kept read again with other settings."
    READS_SCENES = "reads.scenes", "Somebody asks which cars were at several places and times."
    READS_SEARCH = "reads.search", "Somebody searches."
    READS_SHOW = "reads.show", "Somebody looks at one read in full."
    READS_TIMELINE = "reads.timeline", "Somebody asks where a car was."
    RETENTION_AGES = "retention.ages", "Somebody takes a report of what is kept, and how old it is."
    RETENTION_BREACH = "retention.breach", "A vendor still has what it must have deleted."
    RETENTION_CALENDAR = "retention.calendar", "Somebody asks what will be over when."
    RETENTION_PURGE = "retention.purge", "The hub, or somebody, destroys what has expired."
    RETENTION_PUSHES = "retention.pushes", "The hub destroys what was pushed, is over and never became a read."
    RETENTION_RECOMPUTE = "retention.recompute", "The hub gives reads the ends of another policy."
    RETENTION_RECONCILE = "retention.reconcile", "The hub, or somebody, adds up what came and what became of it."
    RETENTION_VACUUM = "retention.vacuum", "The hub, or somebody, has the database write its file anew."


class Outcome(StrEnum):
    """What came of it; `about` says when an event has it."""

    about: str

    def __new__(cls, value: str, about: str = "") -> "Outcome":
        """The word itself, with what it is about."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.about = about
        return member

    ANSWERED = "answered", "The source told everything it has."
    ASKED = "asked", "It was begun; what came of it is an event of its own."
    AUTOMATIC = "automatic", "It was done by the first start, with nobody asking."
    BEGUN = "begun", "A thing has begun that needs people."
    CHANGED = "changed", "A part was done, with what it changed."
    DESTROYED = "destroyed", "What was over is gone."
    DIFFERS = "differs", "The sums do not agree; the event says where."
    DONE = "done", "It was done, or the answer was handed out."
    DROPPED = "dropped", "It was not kept, or nobody needs to be told any more."
    ENDED = "ended", "A thing that needed people is over."
    FAILED = "failed", "It could not be done; the event says why."
    FOUND = "found", "The vendor still has it."
    LATE = "late", "The source had not finished at the deadline."
    NOT_ASKED = "not_asked", "The vendor was not asked; the event says why."
    NOT_FOUND = "not_found", "The vendor has it no more."
    PREVIEWED = "previewed", "Somebody looked at what it would do."
    REFUSED = "refused", "Policy, or the hub, refused it; the event says why."
    RESUMED = "resumed", "What was stopped half-way went on."
    STEP = "step", "A part of it was done."
    STOPPED = "stopped", "A step could not be done or proved; the event says which."
    UNCLEAR = "unclear", "The vendor's answer cannot be judged."
    UNPROVED = "unproved", "It was done as far as anybody knows, and no read-back proves it."
