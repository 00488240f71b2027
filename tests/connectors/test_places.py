"""Folder, bucket and SFTP server, each real or as good as real, behind the same promises."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import paramiko
import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, NoCredentialsError, SSLError
from botocore.httpsession import URLLib3Session
from happenings import happenings
from moto import mock_aws
from sftpserver import PASSWORD, Sftp

from connectors.bucket_words import refusal
from connectors.errors import AdminMustFix, Gone, TryAgain
from connectors.places import Access, BrokenOff, DropPlace, opened
from connectors.places.place import when

Open = Callable[[], AbstractContextManager[DropPlace]]
BUCKET = "sandbox-drop"


@pytest.fixture
def sftp(tmp_path: Path) -> Iterator[Sftp]:
    (tmp_path / "drop").mkdir()
    server = Sftp(tmp_path)
    yield server
    with suppress(OSError):
        server.stop()


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        yield


@pytest.fixture(params=["folder", "bucket", "sftp"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    if request.param == "folder":
        return lambda: opened(str(tmp_path))
    if request.param == "bucket":
        request.getfixturevalue("bucket")
        return lambda: opened(f"s3://{BUCKET}/deep/prefix", Access(key_id="id", secret=PASSWORD))
    server: Sftp = request.getfixturevalue("sftp")
    return lambda: opened(server.address, Access(secret=PASSWORD, host_key=server.known))


def test_what_was_written_can_be_listed_and_read(place: Open) -> None:
    before = datetime.now(UTC)
    with place() as here:
        assert here.files("reads") == []
        here.write("reads", "b.csv", b"second")
        here.write("reads", "a.csv", b"x" * 200_000)
        here.write("reads", "a.csv", b"first")
    with place() as here:
        files = here.files("reads")
        assert [(file.name, file.size) for file in files] == [("a.csv", 5), ("b.csv", 6)]
        assert all(abs((file.modified - before).total_seconds()) < 60 for file in files)
        assert here.read("reads", "a.csv", 5) == b"first"


def test_what_is_missing_or_too_large_says_so(place: Open) -> None:
    with place() as here:
        here.write("reads", "a.csv", b"12345")
        with pytest.raises(AdminMustFix, match="larger than 4 bytes"):
            here.read("reads", "a.csv", 4)
        with pytest.raises(Gone):
            here.read("reads", "none.csv", 100)
        for name in ("../a.csv", "..", ".", "", "a\x00b", "/etc/passwd", "x\\y"):
            with pytest.raises(Gone):
                here.read("reads", name, 100)
            with pytest.raises(Gone):
                here.write("reads", name, b"x")


def test_unfinished_and_hidden_files_and_folders_are_not_listed(place: Open) -> None:
    with place() as here:
        for name in (".hidden", "a.csv.part", "a.csv"):
            here.write("reads", name, b"x")
        here.write("reads", "b.csv", b"x")
        assert [file.name for file in here.files("reads")] == ["a.csv", "b.csv"]


@pytest.mark.parametrize("place", ["folder", "sftp"], indirect=True)
def test_a_name_that_is_not_utf_8_is_listed_and_read(place: Open, tmp_path: Path) -> None:
    with place() as here:
        here.write("reads", "a.csv", b"x")
        (folder,) = {path.parent for path in tmp_path.rglob("a.csv")}
        (folder / os.fsdecode(b"caf\xe9.csv")).write_bytes(b"latin")
        first, second = here.files("reads")
        assert (first.name, os.fsencode(second.name)) == ("a.csv", b"caf\xe9.csv")
        assert here.read("reads", second.name, 10) == b"latin"


def test_what_lies_deeper_in_a_bucket_is_not_listed(bucket: None) -> None:
    with opened(f"s3://{BUCKET}", Access(key_id="id", secret="k")) as here:
        here.write("reads/taken", "b.csv", b"x")
        (lies,) = boto3.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]
        assert lies["Key"] == "reads/taken/b.csv"
        assert here.files("reads") == []
        assert [file.name for file in here.files("reads/taken")] == ["b.csv"]


@pytest.mark.parametrize(
    ("seconds", "at"),
    [
        (1_780_000_000, "2026-05-28T20:26:40"),
        (None, "1970-01-01T00:00:00"),  # not every server says it
        (9_300_000_000, "1970-01-01T00:00:00"),  # of the year 2264, later than any time that is kept
        (1e30, "1970-01-01T00:00:00"),
        (float("nan"), "1970-01-01T00:00:00"),
    ],
)
def test_a_time_that_no_clock_showed_is_the_beginning_of_all(seconds: float | None, at: str) -> None:
    assert when(seconds) == datetime.fromisoformat(f"{at}+00:00")


def test_a_pipe_in_a_folder_is_neither_waited_for_nor_left_open(tmp_path: Path) -> None:
    (tmp_path / "reads").mkdir()
    os.mkfifo(tmp_path / "reads" / "x.jpg")
    with opened(str(tmp_path)) as here:
        before = len(os.listdir("/proc/self/fd"))
        with pytest.raises(Gone, match="is no file"):
            here.read("reads", "x.jpg", 10)
        assert len(os.listdir("/proc/self/fd")) == before


def test_a_folder_that_is_not_there_asks_a_person(tmp_path: Path) -> None:
    with opened(str(tmp_path / "none")) as here, pytest.raises(AdminMustFix, match="does not exist"):
        here.files("reads")


def test_a_link_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "reads").mkdir()
    (tmp_path / "secret.csv").write_text("x")
    (tmp_path / "reads" / "a.csv").symlink_to(tmp_path / "secret.csv")
    with opened(str(tmp_path)) as here:
        assert here.files("reads") == []
        with pytest.raises(TryAgain):
            here.read("reads", "a.csv", 10)


def test_a_file_that_is_dropped_is_on_the_disk_before_anybody_hears_so(tmp_path: Path) -> None:
    with opened(str(tmp_path)) as here, happenings() as steps:
        here.write("reads", "a.csv", b"x")
    assert steps == [
        "mkdir reads", f"fsync folder {tmp_path.name}", "fsync a.csv~", "rename a.csv", "fsync folder reads",
    ]  # fmt: skip


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(str(tmp_path)) as here:
        here.write("reads", "a.csv", b"old")

        def full(descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(TryAgain):
            here.write("reads", "a.csv", b"new")
        assert here.read("reads", "a.csv", 10) == b"old"
        assert [file.name for file in here.files("reads")] == ["a.csv"]


def test_an_unknown_kind_of_place_asks_a_person() -> None:
    with pytest.raises(AdminMustFix, match="ftp://"), opened("ftp://host/x"):
        pass


def test_a_bucket_that_is_not_there_asks_a_person(bucket: None) -> None:
    with (
        opened("s3://no-such-bucket", Access(key_id="id", secret="k")) as here,
        pytest.raises(AdminMustFix, match="the bucket 'no-such-bucket' does not exist: see how its name"),
    ):
        here.files("reads")


def _answer(code: str, status: int) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "ListObjectsV2")  # type: ignore[typeddict-item]


@pytest.mark.parametrize(
    ("failed", "kind", "says"),
    [
        (_answer("AccessDenied", 403), AdminMustFix, "may not be used so by this key"),
        (_answer("InvalidAccessKeyId", 403), AdminMustFix, "does not know the key id"),
        (_answer("SignatureDoesNotMatch", 403), AdminMustFix, "the secret does not belong to the key id"),
        (_answer("PermanentRedirect", 301), AdminMustFix, "is in another region"),
        (_answer("Odd", 400), AdminMustFix, "is refused (400, Odd)"),
        (_answer("InternalError", 500), TryAgain, "answers with a fault of its own"),
        (_answer("SlowDown", 503), TryAgain, "wants fewer requests"),
        (_answer("NoSuchKey", 404), Gone, "has no such file"),
        (NoCredentialsError(), AdminMustFix, "needs a key id and its secret"),
        (SSLError(endpoint_url="x", error="y"), AdminMustFix, "shows a certificate that this machine does not trust"),
        (ConnectTimeoutError(endpoint_url="x"), TryAgain, "does not answer in time"),
        (ValueError("Invalid endpoint: x"), AdminMustFix, "cannot be one: see how the bucket and the endpoint"),
    ],
)
def test_what_a_bucket_refuses_is_told_apart(failed: Any, kind: type[Exception], says: str) -> None:
    told = refusal(failed, "drop", "https://s3.example")
    assert type(told) is kind
    assert str(told).startswith("the bucket 'drop' at https://s3.example ")
    assert says in str(told)


def test_an_endpoint_that_is_no_address_asks_a_person() -> None:
    access = Access(key_id="id", secret="k", endpoint_url="not an address")
    with pytest.raises(AdminMustFix, match="cannot be one"), opened("s3://drop", access):
        pass


def test_an_unreachable_bucket_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    access = Access(key_id="id", secret="k", endpoint_url="http://127.0.0.1:9")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    said = "cannot be reached: see the endpoint"
    with opened(f"s3://{BUCKET}", access) as here, pytest.raises(BrokenOff, match=said):
        here.files("reads")


def test_a_bucket_that_refuses_one_file_is_asked_for_the_others(bucket: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(**_: Any) -> None:
        raise _answer("SlowDown", 503)

    with opened(f"s3://{BUCKET}", Access(key_id="id", secret="k")) as here:
        monkeypatch.setattr(here._client, "get_object", busy)  # type: ignore[attr-defined]
        with pytest.raises(TryAgain) as refused:
            here.read("reads", "a.csv", 10)
    assert not isinstance(refused.value, BrokenOff)


def test_a_bucket_that_is_closed_keeps_no_connection(bucket: None, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[object] = []

    def close(session: URLLib3Session) -> None:
        closed.append(session)

    monkeypatch.setattr(URLLib3Session, "close", close)
    with opened(f"s3://{BUCKET}", Access(key_id="id", secret="k")):
        pass
    assert len(closed) == 1


def test_a_storage_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    over = threading.Event()

    def drip(client: socket.socket) -> None:
        with client, suppress(OSError):
            client.recv(65_536)
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n")
            while not over.wait(0.02):
                client.sendall(b"x")

    def serve() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=drip, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        access = Access(key_id="id", secret="k", endpoint_url=f"http://127.0.0.1:{listener.getsockname()[1]}")
        with opened(f"s3://{BUCKET}", access, timedelta(seconds=0.2)) as here:
            with pytest.raises(BrokenOff):
                here.read("reads", "a.csv", 10_000)
            with pytest.raises(TryAgain):
                here.files("reads")
        over.set()
        listener.shutdown(socket.SHUT_RDWR)


def test_a_private_key_opens_the_server(sftp: Sftp, tmp_path: Path) -> None:
    path = tmp_path / "key"
    sftp.user_key.write_private_key_file(str(path))
    access = Access(private_key=path.read_text(), host_key=sftp.known)
    with opened(sftp.address, access) as here:
        here.write("reads", "a.csv", b"x")
    assert (tmp_path / "drop" / "reads" / "a.csv").read_bytes() == b"x"


@pytest.mark.parametrize(
    ("access", "says"),
    [
        (Access(secret=PASSWORD), "host_key is not set"),
        (Access(secret=PASSWORD, host_key="nonsense"), "host_key is not a host key"),
        (Access(private_key="nonsense", host_key="right"), "private_key is none that can be read"),
        (Access(secret="wrong", host_key="right"), "refuses the user 'hub', or the password or private key"),
        (Access(secret=PASSWORD, host_key="other"), "shows another host key than the setting host_key holds"),
    ],
)
def test_a_server_that_cannot_be_trusted_or_does_not_trust_us_asks_a_person(
    sftp: Sftp, access: Access, says: str
) -> None:
    other = paramiko.ECDSAKey.generate()
    known = {"right": sftp.known, "other": f"{other.get_name()} {other.get_base64()}"}
    host_key = known.get(access.host_key or "", access.host_key)
    with (
        pytest.raises(AdminMustFix, match=says) as refused,
        opened(sftp.address, Access(secret=access.secret, private_key=access.private_key, host_key=host_key)),
    ):
        pass
    assert PASSWORD not in str(refused.value)


def test_a_host_key_may_be_pasted_with_what_stands_around_it_and_a_user_is_written_as_addresses_write_it(
    sftp: Sftp, tmp_path: Path
) -> None:
    address = sftp.address.replace("hub@", "h%75b@")
    with opened(address, Access(secret=PASSWORD, host_key=f"  {sftp.known} hub@server\n")) as here:
        here.write("reads", "a.csv", b"x")
    assert (tmp_path / "drop" / "reads" / "a.csv").read_bytes() == b"x"


def test_a_server_that_lets_us_in_and_opens_no_channel_is_tried_again(
    sftp: Sftp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paramiko.SFTPClient, "from_transport", lambda _: None)
    access = Access(secret=PASSWORD, host_key=sftp.known)
    with pytest.raises(TryAgain, match="broke the connection off"), opened(sftp.address, access):
        pass


def test_an_unreachable_server_is_tried_again(sftp: Sftp) -> None:
    sftp.stop()
    with (
        pytest.raises(TryAgain, match="refuses connections at port"),
        opened(sftp.address, Access(secret=PASSWORD, host_key=sftp.known)),
    ):
        pass


def test_a_server_that_takes_no_connection_is_given_up_as_soon_as_any_other_host(
    sftp: Sftp, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    def silent(_address: object, timeout: float) -> socket.socket:
        waited.append(timeout)
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket, "create_connection", silent)
    with (
        pytest.raises(TryAgain, match=r"127\.0\.0\.1:\d+ took no connection within 10 s: it is off, or a firewall"),
        opened(sftp.address, Access(secret=PASSWORD, host_key=sftp.known)),
    ):
        pass
    assert waited == [10.0]


def test_a_port_where_no_sftp_server_answers_is_told(sftp: Sftp) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:

        def hang_up() -> None:
            client, _ = other.accept()
            client.sendall(b"220 this is FTP\r\n" * 200)
            client.close()

        threading.Thread(target=hang_up, daemon=True).start()
        address = f"sftp://hub@127.0.0.1:{other.getsockname()[1]}/drop"
        known = sftp.known
        with (
            pytest.raises(TryAgain, match=r"not as an SFTP server|broke the connection off"),
            opened(address, Access(secret=PASSWORD, host_key=known)),
        ):
            pass
