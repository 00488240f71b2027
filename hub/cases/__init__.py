"""What keeps a read past its time, or ends it before: holds, cases and links, and court orders."""
