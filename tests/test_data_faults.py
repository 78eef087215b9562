"""What goes wrong between a reader and the data, each with a real server or a real disk."""

import contextlib
import json
import os
import signal
import socket
import stat
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path

import filelock
import numpy as np
import pytest

from mnist_course.data import cache as caching
from mnist_course.data import download, load_mnist
from mnist_course.data.block import BLOCK_NAME, UNFINISHED_PREFIX, make_block, write_block
from mnist_course.data.load import fetch_mnist
from mnist_course.errors import DataError
from tests.support import child, servers
from tests.support.disks import read_only, small_disk
from tests.support.editions import N_TEST, N_TRAIN, pictures, to_plain, write_edition
from tests.support.isolation import isolate
from tests.support.servers import serve

FIRST_FILE = "train-images-idx3-ubyte.gz"
LOCK, MARK = "mnist.lock", "mnist-failed.json"


@pytest.fixture(autouse=True)
def isolated(monkeypatch, tmp_path):
    isolate(monkeypatch, tmp_path)


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def use_mirrors(monkeypatch):
    """Return a function that names the mirrors to ask."""

    def use(*addresses):
        monkeypatch.setenv("MNIST_COURSE_MIRROR", " ".join(addresses))

    return use


@pytest.fixture
def impatient(monkeypatch):
    """Make every wait for a network short."""
    monkeypatch.setattr(download, "CONNECT_TIMEOUT", 0.5)
    monkeypatch.setattr(download, "READ_TIMEOUT", 0.4)
    monkeypatch.setattr(download, "PACE_SECONDS", 0.5)


def assert_is_the_edition(data):
    images, labels = pictures(N_TRAIN + N_TEST)
    assert np.array_equal(data.images, images)
    assert np.array_equal(data.labels, labels)


def assert_nothing_is_left(cache):
    """Assert that neither the cache nor the system's temporary folder holds anything unfinished."""
    left = {path.name for path in cache.glob("*")} if cache.exists() else set()
    assert left <= {LOCK, BLOCK_NAME, MARK}
    assert os.listdir(tempfile.gettempdir()) == []  # noqa: PTH208 - reads better


def loading_fails(*phrases):
    """Load MNIST, assert that the error is a good one, and return its text."""
    with pytest.raises(DataError) as caught:
        load_mnist("mnist")
    error, message = caught.value, str(caught.value)
    shown = "".join(traceback.format_exception(error))
    # One traceback, ours: no library's error above it and no library's words at its end.
    assert shown.count("Traceback (most recent call last)") == 1
    assert error.__cause__ is None
    last_lines = shown[shown.rindex("mnist_course.errors.DataError: ") :]
    assert last_lines.strip().endswith(message.strip())
    assert message.startswith("MNIST could not be")  # what happened
    assert "What to do: " in message
    for phrase in phrases:
        assert phrase in message
    assert not (caching.cache_folder() / BLOCK_NAME).exists()
    assert_nothing_is_left(caching.cache_folder())
    return message


# ---------------------------------------------------------------- the network


def test_a_download_that_works_ends_in_the_cache(edition, folder, cache, use_mirrors):
    with serve(servers.files(folder)) as server:
        use_mirrors(server.address)
        assert_is_the_edition(load_mnist("mnist"))
        assert server.counts == {file.name: 1 for file in edition.files}
    assert_is_the_edition(load_mnist("mnist"))  # the server is gone
    assert sorted(path.name for path in cache.iterdir()) == sorted([LOCK, BLOCK_NAME])
    assert_nothing_is_left(cache)


def test_no_network(edition):
    message = loading_fails("could not be reached", "connect to the internet")
    assert message.count("could not be reached") == len(download.mirrors()) == 3
    for address in download.mirrors():
        assert address in message


def test_a_host_that_does_not_exist(edition, use_mirrors):
    use_mirrors("http://mirror.invalid/mnist")
    loading_fails("http://mirror.invalid/mnist/ train-images", "could not be reached")


def test_a_connection_that_is_refused(edition, use_mirrors):
    address = servers.refused_address()
    use_mirrors(address)
    loading_fails(f"{address} {FIRST_FILE}: could not be reached")


@pytest.mark.parametrize("where", ["before the answer", "in the middle of a file"])
def test_a_server_that_falls_silent(edition, folder, use_mirrors, impatient, where):
    stalls = servers.silent if where == "before the answer" else servers.stalling(folder)
    with serve(stalls) as server:
        use_mirrors(server.address)
        loading_fails("fell silent for")
        # Given up after the first file: the other three would have waited as long.
        assert server.counts.total() == 1


def test_a_slow_server_that_keeps_sending_is_waited_for_with_a_bar_that_vanishes(
    edition, folder, cache, use_mirrors, monkeypatch, capsys
):
    monkeypatch.setattr(download, "READ_TIMEOUT", 1.0)
    # Three times as much arrives in every half a second, so the rule is met again and again.
    monkeypatch.setattr(download, "PACE_SECONDS", 0.5)
    monkeypatch.setattr(download, "PACE_BYTES", 600)
    slowly, at_once = servers.steady(folder, pieces=18, pause=0.1), servers.files(folder)
    with serve(lambda r: (slowly if r.file_name == FIRST_FILE else at_once)(r)) as server:
        use_mirrors(server.address)
        assert_is_the_edition(load_mnist("mnist"))
    output = capsys.readouterr()
    assert output.err == ""  # a red box in a notebook
    assert FIRST_FILE in output.out
    assert output.out.split("\r")[-1].strip() == ""


def test_a_server_that_drips_is_given_up(edition, folder, use_mirrors, monkeypatch):
    monkeypatch.setattr(download, "PACE_SECONDS", 0.5)
    with serve(servers.dripping(folder)) as server:
        use_mirrors(server.address)
        start = time.monotonic()
        loading_fails("is too slow (")
        assert time.monotonic() - start < 10  # the file would take half a minute


@pytest.mark.parametrize(
    "behaviour", [servers.endless, servers.endless_chunked, servers.announcing_more]
)
def test_an_answer_that_never_ends_is_cut_off(edition, use_mirrors, behaviour):
    with serve(behaviour) as server:
        use_mirrors(server.address)
        loading_fails(f"sends more than the file holds ({edition.files[0].n_bytes:,} bytes)")
        # What it got rid of lay in the system's buffers, which hold some megabytes.
        assert server.sent < 30e6


def test_of_a_redirect_only_the_address_is_read(edition, folder, use_mirrors):
    with serve(servers.endless_redirect(folder)) as server:
        use_mirrors(server.address)
        assert_is_the_edition(load_mnist("mnist"))
        assert server.sent < 4 * 30e6


def test_a_server_that_calls_the_packing_a_matter_of_transport(edition, folder, use_mirrors):
    def behave(request):
        request.answer((folder / request.file_name).read_bytes(), Content_Encoding="gzip")

    with serve(behave) as server:
        use_mirrors(server.address)
        assert_is_the_edition(load_mnist("mnist"))


def test_a_name_that_stands_for_many_silent_machines_takes_the_time_of_one(
    edition, use_mirrors, monkeypatch
):
    if sys.platform != "linux":
        pytest.skip("only Linux leaves who knocks at a full queue without an answer")
    monkeypatch.setattr(download, "CONNECT_TIMEOUT", 2.0)
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        host, port = listener.getsockname()
        for _ in range(3):  # the queue is full with the first or second
            knocking = stack.enter_context(socket.socket())
            knocking.setblocking(False)
            knocking.connect_ex((host, port))
        one = (socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: [one] * 4)
        use_mirrors(f"http://many.example:{port}/")
        start = time.monotonic()
        loading_fails("could not be reached within 2 s")
        assert time.monotonic() - start < 6  # each in turn would take 8


@pytest.mark.parametrize("code", [403, 404, 500, 503])
def test_a_server_that_answers_with_an_error(edition, use_mirrors, code):
    with serve(servers.status(code)) as server:
        use_mirrors(server.address)
        loading_fails(f"{server.address} {FIRST_FILE}: answered with status {code}")


def test_a_login_page_answered_with_200(edition, use_mirrors):
    with serve(servers.login_page) as server:
        use_mirrors(server.address)
        loading_fails("answered with a web page (a network's login page does this)")


def test_plain_words_answered_with_200(edition, use_mirrors):
    with serve(servers.plain_words) as server:
        use_mirrors(server.address)
        loading_fails("answered with something else than the file")


def test_a_body_that_is_cut_off(edition, folder, use_mirrors):
    with serve(servers.truncated(folder)) as server:
        use_mirrors(server.address)
        loading_fails("broke off in the middle of the file")


def test_a_certificate_file_that_is_not_there_is_the_networks_fault_not_the_disks(
    edition, use_mirrors, monkeypatch, tmp_path
):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "nowhere.pem"))
    use_mirrors(servers.refused_address().replace("http://", "https://"))
    loading_fails("could not be asked", "nowhere.pem")


@pytest.mark.parametrize(
    "fault",
    [
        "refused",
        "status",
        "login page",
        "truncated",
        "stalling",
        "wrong bytes",
        "dripping",
        "endless",
    ],
)
def test_the_next_mirror_is_asked_on_any_fault(edition, folder, use_mirrors, impatient, fault):
    behaviour = {
        "status": servers.status(503),
        "login page": servers.login_page,
        "truncated": servers.truncated(folder),
        "stalling": servers.stalling(folder),
        "wrong bytes": servers.wrong_bytes,
        "drips": servers.dripping(folder),
        "endless": servers.endless,
    }.get(fault)
    with contextlib.ExitStack() as stack:
        good = stack.enter_context(serve(servers.files(folder)))
        if behaviour is None:
            first_address = servers.refused_address()
        else:
            first = stack.enter_context(serve(behaviour))
            first_address = first.address
        use_mirrors(first_address, good.address)
        assert_is_the_edition(load_mnist("mnist"))
        assert good.counts == {file.name: 1 for file in edition.files}
        if behaviour is not None:
            assert first.counts == {FIRST_FILE: 1}  # not asked again after its first failure


def test_a_mirror_that_fails_at_the_last_file_costs_only_that_file(edition, folder, use_mirrors):
    last = edition.files[-1].name
    right, wrong = servers.files(folder), servers.wrong_bytes
    with (
        serve(lambda r: (wrong if r.file_name == last else right)(r)) as first,
        serve(right) as second,
    ):
        use_mirrors(first.address, second.address)
        assert_is_the_edition(load_mnist("mnist"))
        assert second.counts == {last: 1}


def test_when_all_mirrors_are_wrong_the_message_lists_each(edition, use_mirrors):
    with serve(servers.wrong_bytes) as first, serve(servers.status(404)) as second:
        refused = servers.refused_address()
        use_mirrors(first.address, second.address, refused)
        message = loading_fails()
    lines = [line for line in message.splitlines() if line.startswith("  - ")]
    assert len(lines) == 3
    assert lines[0] == (
        f"  - {first.address} {FIRST_FILE}: sent bytes that are not the file (its checksum differs)"
    )
    assert lines[1] == f"  - {second.address} {FIRST_FILE}: answered with status 404"
    assert lines[2] == f"  - {refused} {FIRST_FILE}: could not be reached"


def test_with_auto_a_failed_download_ends_in_the_digits_and_one_notice(
    edition, use_mirrors, cache, capsys
):
    with serve(servers.wrong_bytes) as server:
        use_mirrors(server.address)
        assert load_mnist().source == "digits"
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("Note: MNIST could not be fetched")
    assert_nothing_is_left(cache)


# ---------------------------------------------------------------- a failure is remembered


def set_age(cache, seconds):
    mark = json.loads((cache / MARK).read_text(encoding="utf-8"))
    (cache / MARK).write_text(json.dumps({**mark, "when": time.time() - seconds}))


def test_auto_leaves_the_mirrors_alone_for_ten_minutes_after_a_failure(
    edition, use_mirrors, cache, capsys
):
    with serve(servers.wrong_bytes) as server:
        use_mirrors(server.address)
        asked = []
        for age in (None, None, 500, 601, None):
            if age:
                set_age(cache, age)
            assert load_mnist().source == "digits"
            asked.append(server.counts.total())
    assert asked == [1, 1, 1, 2, 2]
    output = capsys.readouterr().out
    assert output.count("Note: ") == output.count("\n") == 1
    assert "the mirrors are left alone for ten minutes" in output
    mark = json.loads((cache / MARK).read_text(encoding="utf-8"))
    assert mark["mirrors"] == [server.address]
    assert "its checksum differs" in mark["findings"][0]


def test_who_wants_mnist_and_nothing_else_always_tries(edition, folder, use_mirrors, cache):
    with serve(servers.wrong_bytes) as server:
        use_mirrors(server.address)
        assert load_mnist().source == "digits"
        for tries in (2, 3):
            loading_fails("its checksum differs")
            assert server.counts.total() == tries
        with pytest.raises(DataError):
            fetch_mnist()
        assert server.counts.total() == 4


def test_other_mirrors_are_asked_at_once_and_success_forgets_the_failure(
    edition, folder, use_mirrors, cache
):
    use_mirrors(servers.refused_address())
    assert load_mnist().source == "digits"
    assert (cache / MARK).exists()
    with serve(servers.files(folder)) as server:
        use_mirrors(server.address)
        assert_is_the_edition(load_mnist())
    assert not (cache / MARK).exists()


@pytest.mark.parametrize("content", ["", "[]", "null", '{"when": 1}', "\xff"])
def test_a_mark_that_makes_no_sense_is_no_mark(edition, folder, use_mirrors, cache, content):
    cache.mkdir()
    (cache / MARK).write_bytes(content.encode("latin-1"))
    with serve(servers.files(folder)) as server:
        use_mirrors(server.address)
        assert_is_the_edition(load_mnist())


def test_forty_processes_without_a_network_wait_for_one_of_them(
    edition, folder, cache, use_mirrors
):
    with serve(servers.silent) as server:
        use_mirrors(server.address)
        task = {"cache": str(cache), "edition": to_plain(edition), "read_timeout": 2.0}
        processes = [child.start("auto", **task) for _ in range(40)]
        child.let_go(*processes)
        results = [child.result_of(process) for process in processes]
        assert server.counts.total() == 1
    assert [result["source"] for result in results] == ["digits"] * 40
    for result in results:
        assert len([line for line in result["said"] if "small digits" in line]) == 1
    assert_nothing_is_left(cache)


# ---------------------------------------------------------------- the disk


def test_a_disk_too_full_for_the_download(edition, folder, cache, use_mirrors):
    with small_disk(cache, kilobytes=8), serve(servers.files(folder)) as server:
        use_mirrors(server.address)
        loading_fails("the disk is full", str(cache), "free some space", "MNIST_COURSE_CACHE")


def test_a_disk_too_full_for_the_cache_file_still_loads(
    edition, folder, cache, use_mirrors, capsys
):
    with small_disk(cache, kilobytes=40), serve(servers.files(folder)) as server:
        use_mirrors(server.address)
        assert_is_the_edition(load_mnist("mnist"))
        assert_nothing_is_left(cache)
        assert not (cache / BLOCK_NAME).exists()
        assert "could not be kept in" in capsys.readouterr().out
        with pytest.raises(DataError, match=rf"not kept in {cache}: No space.*\n.*\nWhat to do: "):
            fetch_mnist()


def test_fetch_names_the_file_that_keeps_mnist(edition, folder, cache, use_mirrors, monkeypatch):
    with serve(servers.files(folder)) as server:
        use_mirrors(server.address)
        for _ in range(2):
            assert fetch_mnist() == cache / BLOCK_NAME
        assert server.counts[FIRST_FILE] == 1
    monkeypatch.setenv("MNIST_COURSE_DATA", str(cache))
    assert fetch_mnist(cache.parent / "another") == cache / BLOCK_NAME


def test_all_users_of_a_shared_cache_may_take_the_lock(edition, folder, cache, monkeypatch):
    if os.name != "posix":
        pytest.skip("this system knows no umask")
    monkeypatch.setenv("MNIST_COURSE_DATA", str(folder))
    before = os.umask(0o077)
    try:
        load_mnist("mnist")
    finally:
        os.umask(before)
    assert stat.S_IMODE((cache / LOCK).stat().st_mode) == 0o666
    assert stat.S_IMODE((cache / BLOCK_NAME).stat().st_mode) == 0o644


@pytest.mark.parametrize(
    ("limit", "loads"), [(8_000, False), (40_000, True)], ids=["download", "cache file"]
)
def test_a_limit_on_the_size_of_files(edition, folder, cache, use_mirrors, limit, loads):
    if os.name != "posix":
        pytest.skip("this system knows no limit on the size of files")
    with serve(servers.files(folder)) as server:
        use_mirrors(server.address)
        task = {"cache": str(cache), "edition": to_plain(edition), "file_size_limit": limit}
        process = child.start("mnist", **task)
        child.let_go(process)
        result = child.result_of(process)
    if loads:
        assert "sha256" in result
    else:
        assert "the disk is full" in result["error"]
        assert "free some space" in result["error"]
    assert not (cache / BLOCK_NAME).exists()
    assert_nothing_is_left(cache)


def test_a_warm_cache_on_a_read_only_disk_is_used_without_a_word(
    edition, folder, cache, use_mirrors, capsys
):
    with serve(servers.files(folder)) as server:
        use_mirrors(server.address)
        load_mnist("mnist")
    capsys.readouterr()
    with read_only(cache):
        assert_is_the_edition(load_mnist("mnist"))
    assert capsys.readouterr().out == ""


def test_an_empty_cache_on_a_read_only_disk_loads_all_the_same(
    edition, folder, cache, use_mirrors, capsys
):
    cache.mkdir()
    with read_only(cache), serve(servers.files(folder)) as server:
        use_mirrors(server.address)
        assert_is_the_edition(load_mnist("mnist"))
        assert_nothing_is_left(cache)
    output = capsys.readouterr().out
    assert output.count("Note: ") == 1
    assert f"could not be kept in {cache}" in output
    assert "MNIST_COURSE_CACHE can name another folder" in output


def test_a_read_only_cache_and_no_network_end_in_one_clean_error(edition, cache, use_mirrors):
    cache.mkdir()
    use_mirrors(servers.refused_address())
    with read_only(cache):
        loading_fails("could not be reached")


def test_a_lock_file_in_a_read_only_folder_does_not_make_it_writable(
    edition, folder, cache, use_mirrors
):
    with serve(servers.files(folder)) as server:
        use_mirrors(server.address)
        load_mnist("mnist")
        (cache / BLOCK_NAME).unlink()
        with read_only(cache):
            assert_is_the_edition(load_mnist("mnist"))


def test_a_cache_folder_that_is_a_file_loads_all_the_same(
    edition, folder, cache, use_mirrors, capsys
):
    cache.write_text("I am a file", encoding="utf-8")
    with serve(servers.files(folder)) as server:
        use_mirrors(server.address)
        assert_is_the_edition(load_mnist("mnist"))
    assert cache.read_text(encoding="utf-8") == "I am a file"
    assert "could not be kept in" in capsys.readouterr().out


def test_a_read_only_folder_of_files_is_used(edition, folder, cache, monkeypatch):
    monkeypatch.setenv("MNIST_COURSE_DATA", str(folder))
    with read_only(folder):
        assert_is_the_edition(load_mnist("mnist"))
    assert (cache / BLOCK_NAME).is_file()


def test_a_read_only_folder_with_a_copy_of_the_cache_is_used(
    edition, folder, cache, monkeypatch, tmp_path
):
    teacher = tmp_path / "teacher"
    monkeypatch.setenv("MNIST_COURSE_DATA", str(folder))
    load_mnist("mnist", data_home=teacher)
    monkeypatch.setenv("MNIST_COURSE_DATA", str(teacher))
    with read_only(teacher):
        assert_is_the_edition(load_mnist("mnist"))
    assert not cache.exists()


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: bytes([*content[:-9], content[-9] ^ 4, *content[-8:]]),
        lambda content: bytes([content[0] ^ 1]) + content[1:],
        lambda content: content[: len(content) // 2],
        lambda content: b"",
        lambda content: content + b"\0",
        lambda content: bytes(len(content)),
    ],
    ids=["a bit of a label", "a bit of a pixel", "half", "empty", "a byte more", "zeros"],
)
def test_a_damaged_cache_file_is_noticed_and_made_anew(
    edition, folder, cache, use_mirrors, capsys, damage
):
    with serve(servers.files(folder)) as server:
        use_mirrors(server.address)
        load_mnist("mnist")
        path = cache / BLOCK_NAME
        sound = path.read_bytes()
        path.write_bytes(damage(sound))
        capsys.readouterr()
        assert_is_the_edition(load_mnist("mnist"))
        assert server.counts[FIRST_FILE] == 2
    assert path.read_bytes() == sound
    output = capsys.readouterr().out
    assert output.count("Note: ") == 1
    assert str(path) in output
    assert_nothing_is_left(cache)


def test_a_damaged_cache_file_is_never_given_out_even_when_nothing_else_is_left(
    edition, folder, cache, use_mirrors
):
    cache.mkdir()
    block = make_block(*pictures(N_TRAIN + N_TEST, seed=3))  # the right size, the wrong rows
    write_block(cache, block)
    use_mirrors(servers.refused_address())
    with pytest.raises(DataError, match="could not be reached"):
        load_mnist("mnist")


def test_a_path_with_spaces_and_umlauts(edition, folder, use_mirrors, tmp_path, monkeypatch):
    odd = tmp_path / "Größe & Maß" / "mit Lücken, 100 % überall"
    with serve(servers.files(folder)) as server:
        use_mirrors(server.address)
        assert_is_the_edition(load_mnist("mnist", data_home=odd / "cache"))
    assert_is_the_edition(load_mnist("mnist", data_home=str(odd / "cache")))
    files = odd / "files"
    write_edition(files)
    monkeypatch.setenv("MNIST_COURSE_DATA", str(files))
    assert_is_the_edition(load_mnist("mnist", data_home=odd / "second cache"))


def test_other_peoples_files_in_the_cache_folder_stay(edition, folder, cache, use_mirrors):
    cache.mkdir()
    kept = [cache / name for name in ("download-of-mine.zip", "mnist.csv", "unfinished.txt")]
    for path in kept:
        path.write_text("mine", encoding="utf-8")
    (cache / "download-folder").mkdir()
    with serve(servers.files(folder)) as server:
        use_mirrors(server.address)
        load_mnist("mnist")
    assert all(path.read_text(encoding="utf-8") == "mine" for path in kept)
    assert (cache / "download-folder").is_dir()


# ---------------------------------------------------------------- many processes, some killed


def kill(process):
    """End a process at once, leaving it no time to tidy up."""
    process.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
    process.communicate()


def test_killed_in_the_middle_of_a_download(edition, folder, cache, use_mirrors):
    with serve(servers.stalling(folder)) as server:
        use_mirrors(server.address)
        process = child.start("mnist", cache=str(cache), edition=to_plain(edition))
        child.let_go(process)
        assert server.stalled.wait(60)
        kill(process)
    left = [path for path in cache.iterdir() if path.name != LOCK]
    assert left, "the process was killed before it had stored anything: this proves nothing"
    assert not (cache / BLOCK_NAME).exists()
    with serve(servers.files(folder)) as server:
        use_mirrors(server.address)
        assert_is_the_edition(load_mnist("mnist"))
    assert_nothing_is_left(cache)


@pytest.mark.parametrize("writable", [True, False], ids=["cache", "temporary folder"])
def test_interrupted_in_the_middle_of_a_download(edition, folder, cache, use_mirrors, writable):
    if os.name != "posix":
        pytest.skip("on this system SIGTERM leaves no time to tidy up")
    if not writable:
        cache.write_text("no folder", encoding="utf-8")
    with serve(servers.stalling(folder)) as server:
        use_mirrors(server.address)
        process = child.start("mnist", cache=str(cache), edition=to_plain(edition))
        child.let_go(process)
        assert server.stalled.wait(60)
        place = cache if writable else Path(tempfile.gettempdir())
        assert list(place.glob(f"{UNFINISHED_PREFIX}*"))
        process.send_signal(signal.SIGTERM)
        assert child.result_of(process) == {"interrupted": True}
    assert_nothing_is_left(cache)
    assert not (cache / MARK).exists()


def test_killed_while_it_wrote_the_cache_file(edition, folder, cache, use_mirrors):
    # What `write_block` leaves behind when it is killed before it can move the file.
    left = cache / f"{UNFINISHED_PREFIX}abc"
    left.mkdir(parents=True)
    (left / BLOCK_NAME).write_bytes(bytes(1000))
    with serve(servers.files(folder)) as server:
        use_mirrors(server.address)
        assert_is_the_edition(load_mnist("mnist"))
    assert not left.exists()
    assert_nothing_is_left(cache)


def test_a_holder_that_is_killed_gives_up_the_lock(cache):
    process = child.start("hold", cache=str(cache))
    assert process.stdout.readline() == "ready\n"
    with pytest.raises(filelock.Timeout):
        filelock.FileLock(cache / LOCK).acquire(timeout=0)
    kill(process)
    with caching.exclusive(cache) as obstacle:
        assert obstacle == ""


def test_who_waits_for_another_process_is_told_so(
    edition, folder, cache, use_mirrors, capsys, monkeypatch
):
    monkeypatch.setattr(caching, "_PATIENCE", 0.05)
    process = child.start("hold", cache=str(cache))
    assert process.stdout.readline() == "ready\n"
    real_notice = caching.notice

    def notice_and_let_go(text):
        real_notice(text)
        process.communicate("go\n")  # the other one finishes only once we said that we wait

    monkeypatch.setattr(caching, "notice", notice_and_let_go)
    # Were nothing said, the test should fail and not hang.
    in_the_end = threading.Timer(30, process.kill)
    in_the_end.start()
    with serve(servers.files(folder)) as server:
        use_mirrors(server.address)
        assert_is_the_edition(load_mnist("mnist"))
    in_the_end.cancel()
    assert "another process is fetching MNIST" in capsys.readouterr().out


def test_a_lock_that_is_never_given_back_is_waited_for_within_limits(
    edition, folder, cache, use_mirrors, capsys, monkeypatch
):
    monkeypatch.setattr(caching, "_PATIENCE", 0.05)
    monkeypatch.setattr(caching, "_LOCK_LIMIT", 0.2)
    process = child.start("hold", cache=str(cache))
    assert process.stdout.readline() == "ready\n"
    # Without a limit the test should fail and not hang.
    in_the_end = threading.Timer(30, process.kill)
    in_the_end.start()
    with serve(servers.files(folder)) as server:
        use_mirrors(server.address)
        assert_is_the_edition(load_mnist("mnist"))
        with pytest.raises(DataError, match="another process has kept it locked"):
            fetch_mnist()
    assert process.poll() is None
    in_the_end.cancel()
    kill(process)
    output = capsys.readouterr().out
    assert "going on without it" in output
    assert f"could not be kept in {cache} (another process has kept it locked)" in output
    assert not (cache / BLOCK_NAME).exists()
    assert_nothing_is_left(cache)


def test_forty_processes_on_a_cold_cache_download_once_and_all_succeed(
    edition, folder, cache, use_mirrors
):
    with serve(servers.files(folder, pause=0.3)) as server:
        use_mirrors(server.address)
        task = {"cache": str(cache), "edition": to_plain(edition)}
        processes = [child.start("mnist", **task) for _ in range(40)]
        child.let_go(*processes)
        results = [child.result_of(process) for process in processes]
        assert server.counts == {file.name: 1 for file in edition.files}
    assert len(results) == 40
    assert len({result["sha256"] for result in results}) == 1
    assert_nothing_is_left(cache)
