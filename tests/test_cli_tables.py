"""Tables that the command line reads, and those it refuses: one line, no traceback, the place as in the file."""

import errno
import io
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import bp_core as bp
from bp_core import cli
from bp_core.cli._errors import CommandError, one_line

pd = pytest.importorskip("pandas")
pytest.importorskip("rich")

GOOD = "a,b,y\n" + "1,x,u\n2,z,v\n" * 20


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def command(capsys):
    """Run the command in this process; its exit code, standard output and error."""

    def run(*arguments):
        try:
            status = cli.main([str(argument) for argument in arguments])
        except SystemExit as stop:
            status = stop.code
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def write(name, content):
    Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())


def trained(command, *arguments):
    """The model of a short training."""
    status, out, err = command("train", *arguments, "--epochs", 3, "--quiet")
    assert (status, out, err) == (0, "", "")
    return bp.Model.load("model.bp")


def refused(command, *arguments):
    """The one line that a command leaves on standard error, without its beginning."""
    status, out, err = command(*arguments)
    assert (status, out) == (1, "")
    assert err.startswith("bp-core: error: ") and err.count("\n") == 1 and err.endswith("\n")
    assert "Traceback" not in err and "Errno" not in err
    return err.removeprefix("bp-core: error: ").rstrip("\n")


# ------------------------------------------------------------------- bad files
@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "t.csv is empty; expected a line of column names, then a line for each row"),
        ("\n\n", "t.csv is empty; expected a line of column names, then a line for each row"),
        ("a,b,y\n", "t.csv holds a header and no rows"),
        ("a,b,y\n1,2,u\n\n1,v\n", "t.csv, line 4 has 2 fields; expected 3, as in line 1"),
        ("a,b,y\n1,2,u\n1,2,3,v\n", "t.csv, line 3 has 4 fields; expected 3, as in line 1"),
        ("a,b,y\n1,2,u,7\n1,2,v,7\n", "t.csv, line 2 has 4 fields; expected 3, as in line 1"),
        ('a,y\n1,u\n"2,v\n', "t.csv, line 3: a quotation mark is never closed"),
        ("a,a,y\n1,2,u\n", "t.csv, line 1 names column 'a' twice; expected names that differ"),
        (b"a,y\n1,u\n2,\xe9\n", "t.csv, line 3 is not UTF-8 text (byte 0xe9); save the file as UTF-8"),
        (b"\xe9,y\n1,u\n", "t.csv, line 1 is not UTF-8 text (byte 0xe9); save the file as UTF-8"),
        (b"\x89PNG\r\n\x1a\n\x00", "t.csv, line 1 is not UTF-8 text (byte 0x89); save the file as UTF-8"),
        ("a,y\n1,u\n2,u\n", "target 'y' is 'u' in every row; expected at least two classes"),
        ("a,z\n1,u\n2,v\n", "the table has no column 'y'; it has 'a', 'z'"),
        ("y\nu\nv\n", "the table has no column beside the target 'y'"),
        (
            "a,y\n1,u\n\n2,v\nx7,u\n4,v\n",
            "t.csv: column 'a', line 5 is 'x7', where 3 other rows are numbers; mend it, or name the column in "
            "--categorical",
        ),
        (
            'a,note,y\n1,"two\nlines",u\n,n,v\n3,n,u\n',
            "t.csv: column 'a': 1 value is missing, the first in line 4; fill them in, leave those rows out, or train "
            "with --missing impute",
        ),
        ("a,y\n1,u\ninf,v\n", "t.csv: column 'a', line 3 is inf; expected a finite number"),
        (
            "a,y\n1,2.5\n2,two\n3,1.5\n",
            "t.csv: target 'y', line 3 is 'two', where 2 other rows are numbers; mend it, or say --task classes",
        ),
        ("a,y\n1e300,u\n2,v\n-1e300,u\n", "column 'a' holds numbers as large as 1e+300; expected at most about 1e150"),
    ],
)
def test_bad_csv(command, content, words):
    write("t.csv", content)
    assert refused(command, "train", "t.csv", "--target", "y") == words
    assert not os.path.exists("model.bp")


def test_the_nearest_column_is_suggested(command):
    write("t.csv", "length,width,species\n1,2,u\n")
    told = refused(command, "train", "t.csv", "--target", "specie")
    assert told == "the table has no column 'specie'; did you mean 'species'? It has 'length', 'width', 'species'"
    told = refused(command, "train", "t.csv", "--target", "species", "--without", "lenght")
    assert told.startswith("--without names 'lenght', which is no feature; did you mean 'length'?")


def test_a_file_that_is_not_there_and_one_that_is_a_folder(command):
    os.mkdir("folder.csv")
    assert refused(command, "train", "none.csv", "--target", "y") == "none.csv: No such file or directory"
    assert refused(command, "train", "folder.csv", "--target", "y") == "folder.csv: Is a directory"
    assert refused(command, "info", "folder.csv") == "folder.csv: Is a directory"


AS_A_USER = """
import os, sys
import pandas, bp_core.model
import bp_core.cli._tables, bp_core.cli._models
from bp_core.cli import main
os.geteuid() or os.setuid(65534)
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions of another kind")
def test_no_permission():
    """As a user: root may read everything."""
    with tempfile.TemporaryDirectory() as folder:  # pytest's own lets no other user in

        def told(*arguments):
            command = [sys.executable, "-c", AS_A_USER, *arguments]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            assert (done.returncode, done.stdout) == (1, "")
            return done.stderr

        table, closed = Path(folder, "t.csv"), Path(folder, "closed")
        table.write_text(GOOD)
        closed.mkdir(0o555)
        table.chmod(0)
        os.chmod(folder, 0o777)
        assert told("train", "t.csv", "--target", "y") == "bp-core: error: t.csv: Permission denied\n"
        table.chmod(0o444)
        said = told("train", "t.csv", "--target", "y", "--output", "closed/model.bp")
        assert said == "bp-core: error: closed/model.bp: Permission denied\n"


def test_ten_thousand_columns(command):
    names = [f"c{k}" for k in range(10_000)]
    rows = [",".join([*("1.5" if (k + s) % 3 else "2" for k in range(10_000)), "uv"[s % 2]]) for s in range(6)]
    write("t.csv", "\n".join([",".join([*names, "y"]), *rows]) + "\n")
    assert trained(command, "t.csv", "--target", "y", "--hidden", "2").network.layer_sizes == (10_000, 2, 2)
    told = refused(command, "train", "t.csv", "--target", "z")
    assert len(told) < 200 and told.endswith("and 9,993 more")


# ------------------------------------------------------------------ good files
def test_numbers_and_texts(command):
    write("t.csv", GOOD)
    model = trained(command, "t.csv", "--target", "y")
    assert [column.units for column in model.columns] == [("a",), ("b=x", "b=z")]
    assert model.columns[0].mean == pytest.approx(1.5, abs=0.2)
    assert model.target.classes == ("u", "v")


@pytest.mark.parametrize(
    "content",
    [
        GOOD.replace(",", ";"),
        GOOD.replace(",", "\t"),
        GOOD.replace(",", ", "),
        GOOD.replace("\n", "\r\n"),
        "\ufeff" + GOOD,
        "\n\n" + GOOD + "\n\n",
        GOOD.rstrip("\n"),
        GOOD.replace("1,x,u", '"1","x","u"'),
    ],
)
def test_other_ways_to_write_the_same(command, content):
    write("t.csv", GOOD)
    write("other.csv", content)
    expected = trained(command, "t.csv", "--target", "y").network.get_parameters()
    assert trained(command, "other.csv", "--target", "y").network.get_parameters().tobytes() == expected.tobytes()


def test_a_column_without_a_name_is_left_out_and_said(command):
    write("t.csv", ",a,y\n" + "".join(f"{s},{s % 2},{'uv'[s % 2]}\n" for s in range(20)))
    status, out, err = command("train", "t.csv", "--target", "y", "--epochs", 2)
    assert (status, err) == (0, "")
    assert "t.csv, 20 rows, 2 columns; 1 without a name left out" in out
    assert bp.Model.load("model.bp").feature_names == ("a",)


def test_text_stays_as_it_stands(command):
    """True is no 1, and of a column of names 01 no 1 either, though it looks like a number."""
    write("t.csv", "zip,flag,y\n" + "01,True,u\n02,False,v\n" * 10)
    model = trained(command, "t.csv", "--target", "y", "--categorical", "zip")
    assert [column.categories for column in model.columns] == [("01", "02"), ("False", "True")]
    write("one.csv", "zip,flag\n02,True\n")
    status, out, _ = command("predict", "model.bp", "one.csv")
    assert status == 0 and out.splitlines()[1] in ("u", "v")
    write("other.csv", "zip,flag\n2,True\n")
    told = refused(command, "predict", "model.bp", "other.csv")
    assert told.startswith("other.csv: column 'zip', line 2 is '2', which was not there in training")


def test_classes_that_look_like_numbers(command):
    """01 is no 1 where another class is a text, even in a file that holds only 01."""
    write("t.csv", "a,y\n" + "1,01\n2,none\n" * 20)
    write("one.csv", "a,y\n1,01\n1,01\n")
    assert trained(command, "t.csv", "--target", "y", "--task", "classes").target.classes == ("01", "none")
    assert json.loads(command("evaluate", "model.bp", "one.csv", "--json")[1])["n_rows"] == 2


def test_an_error_is_one_line_whatever_a_column_is_called(command):
    write("t.csv", '"two\nlines",y\n,u\n1,v\n')
    assert refused(command, "train", "t.csv", "--target", "y").startswith(r"t.csv: column 'two\nlines': 1 value is")
    assert one_line(CommandError("two\nlines")) == "two lines"


def test_a_column_that_turns_to_text_late(command):
    """pandas reads a long file in pieces, and guesses for each."""
    write("t.csv", "code,a,y\n" + "07,1,u\n08,2,v\n" * 150_000 + "x,1,u\n")
    told = refused(command, "train", "t.csv", "--target", "y")
    assert told.startswith("t.csv: column 'code', line 300002 is 'x', where 300,000 other rows are numbers")
    model = trained(command, "t.csv", "--target", "y", "--without", "code", "--categorical", "a")
    assert model.columns[0].categories == ("1", "2")


def test_missing_values_imputed(command):
    write("t.csv", "a,b,y\n" + "1,x,u\n,z,v\n3,,u\n" * 10)
    model = trained(command, "t.csv", "--target", "y", "--missing", "impute")
    assert model.columns[0].mean == pytest.approx(2.0, abs=0.3)
    write("new.csv", "a,b\n,\n")
    assert command("predict", "model.bp", "new.csv")[0] == 0


def test_a_constant_column(command):
    write("t.csv", "c,a,y\n" + "7,1,u\n7,2,v\n" * 10)
    assert trained(command, "t.csv", "--target", "y").columns[0].std == 1.0


def test_a_rare_category_may_be_held_out(command):
    write("t.csv", "b,y\n" + "x,u\nz,v\n" * 10 + "rare,u\n")
    for seed in range(8):
        model = trained(command, "t.csv", "--target", "y", "--seed", seed)
        assert model.columns[0].categories == ("rare", "x", "z")


def test_parquet(command):
    pytest.importorskip("pyarrow")
    frame = pd.read_csv(io.StringIO(GOOD)).assign(flag=[True, False] * 20)
    frame.to_parquet("t.parquet")
    frame.to_csv("t.csv", index=False)
    bits = trained(command, "t.parquet", "--target", "y").network.get_parameters().tobytes()
    assert trained(command, "t.csv", "--target", "y").network.get_parameters().tobytes() == bits
    write("bad.parquet", "no")
    assert refused(command, "train", "bad.parquet", "--target", "y").startswith("bad.parquet is no Parquet file")
    frame.assign(d=pd.Timestamp(2020, 1, 1)).to_parquet("date.parquet")
    assert refused(command, "train", "date.parquet", "--target", "y").startswith("column 'd' has dtype datetime64")


def test_npz(command):
    X = np.arange(60.0).reshape(20, 3)
    np.savez("t.npz", X=X, y=np.arange(20) % 2)
    assert trained(command, "t.npz", "--target", "y").feature_names == ("x1", "x2", "x3")
    np.savez("named.npz", a=X[:, 0], b=np.array(["x", "z"] * 10), y=X[:, :1])
    assert trained(command, "named.npz", "--target", "y").feature_names == ("a", "b")
    np.savez("text.npz", a=np.array(["1", "2", "3", "x"]), y=np.arange(4))
    told = refused(command, "train", "text.npz", "--target", "y")
    assert told.startswith("text.npz: column 'a', row 3 is 'x'")
    write("bad.npz", "no")
    assert refused(command, "train", "bad.npz", "--target", "y") == "bad.npz is no NPZ file"
    np.savez("deep.npz", X=np.zeros((2, 2, 2)))
    assert refused(command, "train", "deep.npz", "--target", "y").endswith("(2, 2, 2); expected one axis or two")
    np.savez("objects.npz", a=np.array([1, "x", None], object))
    assert refused(command, "train", "objects.npz", "--target", "y").startswith("objects.npz is no NPZ file")
    whole = Path("t.npz").read_bytes()
    write("cut.npz", whole[: len(whole) // 2])
    assert refused(command, "train", "cut.npz", "--target", "y") == "cut.npz is no NPZ file"


def test_standard_input(command, monkeypatch):
    write("t.csv", GOOD)
    expected = trained(command, "t.csv", "--target", "y").network.get_parameters()
    for content in (GOOD, GOOD.replace("2,z,v", "w,z,v", 1)):
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content.encode())))
        if content == GOOD:
            assert trained(command, "-", "--target", "y").network.get_parameters().tobytes() == expected.tobytes()
        else:
            told = refused(command, "train", "-", "--target", "y")
            assert told.startswith("standard input: column 'a', line 3 is 'w', where 39 other rows are numbers")


# ------------------------------------------------------------------ full disks
def test_a_full_disk_leaves_the_old_model(command, monkeypatch):
    write("t.csv", GOOD)
    trained(command, "t.csv", "--target", "y")
    old = Path("model.bp").read_bytes()

    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        told = refused(command, "train", "t.csv", "--target", "y", "--epochs", 5)
    assert told == "model.bp: No space left on device"
    assert Path("model.bp").read_bytes() == old
    assert sorted(os.listdir()) == ["model.bp", "t.csv"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no such device here")
def test_a_full_standard_output(command):
    write("t.csv", GOOD)
    trained(command, "t.csv", "--target", "y")
    with open("/dev/full", "w") as full:
        line = [sys.executable, "-P", "-m", "bp_core", "info", "model.bp"]
        done = subprocess.run(line, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "bp-core: error: No space left on device\n")


# ------------------------------------------------------------- missing extras
@pytest.mark.parametrize("missing", ["pandas", "rich"])
def test_a_missing_extra_is_one_line(command, monkeypatch, missing):
    write("t.csv", GOOD)
    trained(command, "t.csv", "--target", "y")
    for name in [name for name in sys.modules if name.split(".")[0] == missing]:
        monkeypatch.setitem(sys.modules, name, None)
    status, _, err = command("evaluate", "model.bp", "t.csv")
    assert status == 1
    assert err.endswith(f'needs {missing}, which is not here: pip install "bp-core[cli]"\n') and err.count("\n") == 1
    assert command("--help")[0] == 0
    np.savez("t.npz", a=np.array([1.0, 2.0] * 10), y=np.array([0, 1] * 10))
    status, out, _ = command("train", "t.npz", "--target", "y", "--json")
    assert status == 0 and json.loads(out)["rows"] == 20
