"""Does what docs/PYTHON.md says: its commands write the `.proto`, make Python of it and run its program, and its output is right.

    pip install grpcio grpcio-tools
    cargo build -p rpc-runtime --features grpc --example bank && cargo build -p idl-cli
    python examples/python/test_guide.py target/debug/examples/bank target/debug/idl
"""
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
GUIDE = HERE / "../../docs/PYTHON.md"


def main(bank_binary, idl):
    text = GUIDE.read_text()
    bank = subprocess.Popen([bank_binary], stdout=subprocess.PIPE, text=True)
    try:
        address = bank.stdout.readline().strip().removeprefix("tcp://")
        here = lambda text: text.replace("127.0.0.1:5000", address)
        programs = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
        consoles = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
        with tempfile.TemporaryDirectory() as folder:
            programs = [here(program) for program in programs]
            pathlib.Path(folder, "pay.py").write_text(programs[0])
            names = {"idl": str(pathlib.Path(idl).absolute()), "venv/bin/python": sys.executable}
            told = 0
            for line, said in (command for console in consoles for command in commands(console)):
                words = line.split(" ")
                if words[0] not in names:
                    continue  # It builds or installs something.
                words[0] = names[words[0]]
                run = subprocess.run(" ".join(map(here, words)), shell=True, cwd=folder, capture_output=True, text=True)
                assert run.returncode == 0, run.stderr
                found = re.sub(r"in \d+\.\d+ ms", "in … ms", run.stdout + run.stderr)
                assert found == re.sub(r"in \d+\.\d+ ms", "in … ms", said), (line, found)
                told += 1
            assert told == 5, told
            again = programs[0].split("reply =")[0] + programs[1] + "print(bank.Pay(bank_pb2.PayRequest(amount=5)).value.number)"
            pathlib.Path(folder, "again.py").write_text(again)
            found = subprocess.run([sys.executable, "again.py"], cwd=folder, capture_output=True, text=True,
                                   env={"PYTHONPATH": str(HERE.absolute()), "PYTHONDONTWRITEBYTECODE": "1"})
            assert found.stdout == "3\n", found
        print("ok: the guide does what it says")
    finally:
        bank.kill()


def commands(console):
    """Each command of a console, with what it prints."""
    for block in re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]:
        line, _, said = block.partition("\n")
        yield line, said


if __name__ == "__main__":
    main(*sys.argv[1:])
