"""Where files are dropped: a local folder, a bucket, an SFTP server, all behind one small protocol.

What speaks to a bucket or a server is imported where one is opened: most drops are folders.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

from connectors.errors import AdminMustFix
from connectors.places.folder import Folder
from connectors.places.place import AT_MOST, UNFINISHED, UNSAID, Access, BrokenOff, DropPlace, File

__all__ = ["AT_MOST", "UNFINISHED", "UNSAID", "Access", "BrokenOff", "DropPlace", "File", "opened"]


@contextmanager
def opened(address: str, access: Access | None = None, at_most: timedelta = AT_MOST) -> Iterator[DropPlace]:
    """The place at a folder path, `s3://bucket/prefix` or `sftp://user@host:port/path`, closed afterwards.

    A listing or a file that is not there whole after `at_most` is given up.
    """
    access = access or Access()
    parts = urlsplit(address)
    if parts.scheme == "s3":
        from connectors.places.bucket import Bucket

        with closing(Bucket(parts.netloc, parts.path.strip("/"), access, at_most)) as bucket:
            yield bucket
    elif parts.scheme == "sftp":
        from connectors.places.server import Server, session

        with session(address, access) as client:
            yield Server(client, unquote(parts.path) or "/", at_most)
    elif "://" in address:
        raise AdminMustFix(
            f"a place cannot begin with {parts.scheme}://: it is a folder, s3://BUCKET/PREFIX or sftp://USER@HOST/PATH"
        )
    else:
        yield Folder(Path(address))
